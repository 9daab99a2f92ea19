/**
 * The writes of a transaction that no range has seen yet (DESIGN 7), ordered by key, so that reads can
 * be merged with them, and numbered, so that savepoints can undo the latest.
 *
 * A write is `buffered` (only here), then possibly `sending` and `written` (spilled as an intent: the
 * value is dropped here, since the range answers reads of it). What is `written` stays listed by key
 * for the commit, up to WRITTEN_MAX keys; beyond that the list is condensed to spans.
 *
 * Invariants
 * - Sequence numbers only grow; the entry of a key has its latest write's number.
 * - While a mark (savepoint) exists, each later write keeps what it replaced, so a rollback restores
 *   exactly the state at the mark. Overwriting a write made after the last mark keeps nothing.
 * - `mustNotExist` once asked for a key is asked until a spill has checked it.
 * - A write that a savepoint keeps from being spilled (the range has an older one of its key, which a rollback
 *   could not bring back) stays here to the end. It is not counted in `spillable`, nor looked at by a spill: who
 *   asks for one whenever a row was written would otherwise look at all of them each time.
 *
 * Limits: a rollback over a spill of more than WRITTEN_MAX keys is impossible (54000).
 */
import { assert } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import { keyNext, type Key, type Span } from '../base/key.js';
import { OrderedMap } from '../base/ordered-map.js';

const WRITTEN_MAX = 100_000;
/** Keys per span when the list of written keys is condensed. */
const KEYS_PER_SPAN = 1_000;

export interface BufferedWrite {
  readonly key: Key;
  /** null deletes. Meaningless once written. */
  value: Buffer | null;
  sequence: number;
  /** Place in the order of savepoints; differs from `sequence` after a rollback over a spill. */
  readonly order: number;
  mustNotExist: boolean;
  state: 'buffered' | 'sending' | 'written';
  /** The write it replaced, kept while a savepoint may bring it back. */
  readonly replaced: BufferedWrite | null;
  /** One that it replaced, however far back, was sent to a range. */
  readonly overSent: boolean;
  /** Buffered, its key's latest, and in the list of what the next spill looks at. */
  waiting: boolean;
  /** Place in the list of what rollbacks undo; -1: not there. */
  undoAt: number;
  /** A rollback brought it back over a later write that a range already has. */
  readonly again: boolean;
}

export class WriteBuffer {
  #writes = new OrderedMap<BufferedWrite>();
  #undo: BufferedWrite[] = [];
  #sequence = 0;
  /** Writes numbered up to here may have to come back; -1: no savepoint was taken. */
  #mark = -1;
  #bytes = 0;
  #unsent = 0;
  /** What the next spill looks at, in no order; those that are no longer `waiting` are passed over. */
  #waiting: BufferedWrite[] = [];
  #spillable = 0;
  #written = 0;
  #spans: Span[] = [];
  /** The same, those of each time in key order. */
  #condensed: Span[][] = [];
  #undoLost = false;
  /** There are points to return to. */
  #returns = false;
  /** Keys whose intents a rollback made void; they must be removed before the next request. */
  #voided: Key[] = [];

  /** The number of the latest write. */
  get lastSequence(): number {
    return this.#sequence;
  }
  /** Bytes of what is not spilled. */
  get bytes(): number {
    return this.#bytes;
  }
  /** Bytes of what a spill would take, as far as is known before it. */
  get spillable(): number {
    return this.#spillable;
  }
  /** Writes not spilled. */
  get unsent(): number {
    return this.#unsent;
  }
  get isEmpty(): boolean {
    return this.#writes.size === 0 && this.#spans.length === 0;
  }
  /** True if intents were written before the commit. */
  get spilled(): boolean {
    return this.#written > 0 || this.#spans.length > 0;
  }
  /** Spans that hold spilled writes whose keys are no longer listed. */
  get spilledSpans(): readonly Span[] {
    return this.#spans;
  }

  /** True if the key is known to carry an intent of this transaction, which is its latest write. */
  isSpilled(key: Key): boolean {
    return this.#written > 0 && this.#writes.get(key)?.state === 'written';
  }

  get(key: Key): BufferedWrite | undefined {
    return this.#writes.size === 0 ? undefined : this.#writes.get(key);
  }

  put(key: Key, value: Buffer | null, mustNotExist: boolean): void {
    const old = this.#writes.get(key);
    const sequence = ++this.#sequence;
    if (old === undefined) {
      const write = newWrite(key, value, sequence, mustNotExist, null);
      // Sent over the one that the range may have, it would take that with it when it is undone.
      this.#add(this.#returns && !this.#undoLost && this.#isCondensed(key) ? { ...write, overSent: true } : write);
      return;
    }
    const must = mustNotExist || (old.mustNotExist && old.state === 'buffered');
    if (old.state === 'buffered' && old.order > this.#mark) {
      const more = sizeOf(key, value) - sizeOf(key, old.value);
      this.#bytes += more;
      if (old.waiting) this.#spillable += more;
      old.value = value;
      old.sequence = sequence;
      old.mustNotExist = must;
      return;
    }
    const keep = this.#mark >= 0 || old.state !== 'buffered';
    this.#forget(old);
    this.#add(newWrite(key, value, sequence, must, keep ? old : null));
  }

  /** Marks a point that `rollbackTo` can return to. */
  mark(): number {
    this.#returns = true;
    return this.markRead();
  }

  /** Marks a point as of which can be read. */
  markRead(): number {
    this.#mark = this.#sequence;
    return this.#sequence;
  }

  /** @throws QuoralError 54000 if spilled writes after the mark are no longer listed. */
  rollbackTo(sequence: number): void {
    if (this.#undoLost && sequence < this.#sequence) {
      throw new QuoralError('54000', 'the savepoint lies before too large a number of spilled writes', {
        fields: { hint: 'Roll back the whole transaction, or write less between savepoints.' },
      });
    }
    while (this.#undo.length > 0 && this.#undo[this.#undo.length - 1]!.order > sequence) {
      this.#undoOne(this.#undo.pop()!);
    }
    this.#mark = this.#sequence;
  }

  /** Takes the list of keys whose intents are void. */
  takeVoided(): Key[] {
    const voided = this.#voided;
    this.#voided = [];
    return voided;
  }
  get hasVoided(): boolean {
    return this.#voided.length > 0;
  }

  /** Writes with keys in [start, end), in order. */
  range(start: Key, end: Key, reverse: boolean): IterableIterator<[Key, BufferedWrite]> {
    return reverse ? this.#writes.entriesReverse(start, end) : this.#writes.entries(start, end);
  }
  get size(): number {
    return this.#writes.size;
  }

  /** What is to be sent at commit: everything not written. In key order. */
  unsentWrites(): BufferedWrite[] {
    const list: BufferedWrite[] = [];
    for (const [, write] of this.#writes.entries()) if (write.state !== 'written') list.push(write);
    return list;
  }

  /** Keys of spilled writes, as far as they are listed. In key order. */
  writtenKeys(): Key[] {
    const keys: Key[] = [];
    if (this.#written === 0) return keys;
    for (const [key, write] of this.#writes.entries()) {
      if (write.state === 'written' || write.overSent) keys.push(key);
    }
    return keys;
  }

  /** Marks what a spill sends, in key order. A write over an older sent one of a savepoint stays here. */
  takeForSpill(): BufferedWrite[] {
    const list: BufferedWrite[] = [];
    for (const write of this.#waiting) {
      if (!write.waiting) continue;
      write.waiting = false;
      if (!this.#maySpill(write)) continue;
      write.state = 'sending';
      this.#bytes -= sizeOf(write.key, write.value);
      this.#unsent--;
      list.push(write);
    }
    this.#waiting = [];
    this.#spillable = 0;
    return list.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** The ranges have these. */
  spillDone(list: readonly BufferedWrite[]): void {
    for (const write of list) {
      assert(write.state === 'sending', 'a spilled write changed while it was sent');
      write.state = 'written';
      write.value = null;
      write.mustNotExist = false;
      if (this.#writes.get(write.key) === write) this.#written++;
    }
    if (this.#written > WRITTEN_MAX) this.#condense();
  }

  clear(): void {
    this.#writes = new OrderedMap();
    this.#undo = [];
    this.#mark = -1;
    this.#bytes = 0;
    this.#unsent = 0;
    this.#waiting = [];
    this.#spillable = 0;
    this.#written = 0;
    this.#spans = [];
    this.#condensed = [];
    this.#undoLost = false;
    this.#returns = false;
    this.#voided = [];
  }

  #add(write: BufferedWrite): void {
    this.#writes.set(write.key, write);
    this.#count(write);
    if (this.#mark < 0) return;
    write.undoAt = this.#undo.length;
    this.#undo.push(write);
  }

  /** Whether the key may be one of the spilled ones that are no longer listed. */
  #isCondensed(key: Key): boolean {
    return this.#condensed.some((spans) => {
      let low = 0;
      let high = spans.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (spans[middle]!.end > key) high = middle;
        else low = middle + 1;
      }
      return low < spans.length && spans[low]!.start <= key;
    });
  }

  #maySpill(write: BufferedWrite): boolean {
    return this.#mark < 0 || !write.overSent;
  }

  #undoOne(write: BufferedWrite): void {
    const current = this.#writes.get(write.key);
    if (current !== undefined) this.#forget(current);
    const before = write.replaced;
    const sent = write.state !== 'buffered' || write.again;
    if (before === null) {
      this.#writes.delete(write.key);
      if (sent) this.#voided.push(write.key);
      return;
    }
    if (!sent) {
      this.#writes.set(write.key, before);
      if (before.state === 'written') this.#written++;
      if (before.state === 'buffered') this.#count(before);
      return;
    }
    // The range has the later write: the earlier one must be sent after it, under a new number.
    assert(before.state === 'buffered', 'a spilled write replaced another one of a savepoint');
    const again: BufferedWrite = { ...before, sequence: ++this.#sequence, mustNotExist: false, again: true };
    if (before.undoAt >= 0 && this.#undo[before.undoAt] === before) this.#undo[before.undoAt] = again;
    this.#writes.set(write.key, again);
    this.#count(again);
  }

  #count(write: BufferedWrite): void {
    const size = sizeOf(write.key, write.value);
    this.#bytes += size;
    this.#unsent++;
    write.waiting = this.#maySpill(write);
    if (!write.waiting) return;
    this.#spillable += size;
    this.#waiting.push(write);
    // What was rolled back or replaced must not pile up.
    if (this.#waiting.length > 2 * this.#unsent + 64) this.#waiting = this.#waiting.filter((one) => one.waiting);
  }

  #forget(write: BufferedWrite): void {
    if (write.state === 'buffered') {
      const size = sizeOf(write.key, write.value);
      this.#bytes -= size;
      this.#unsent--;
      if (write.waiting) this.#spillable -= size;
      write.waiting = false;
    } else if (write.state === 'written') {
      this.#written--;
    }
  }

  #condense(): void {
    const keys: Key[] = [];
    for (const [key, write] of this.#writes.entries()) if (write.state === 'written') keys.push(key);
    const spans: Span[] = [];
    for (let i = 0; i < keys.length; i += KEYS_PER_SPAN) {
      const last = keys[Math.min(keys.length, i + KEYS_PER_SPAN) - 1]!;
      spans.push({ start: keys[i]!, end: keyNext(last) });
    }
    this.#spans.push(...spans);
    this.#condensed.push(spans);
    for (const key of keys) this.#writes.delete(key);
    this.#written = 0;
    if (this.#returns) this.#undoLost = true;
    this.#undo = [];
  }
}

function sizeOf(key: Key, value: Buffer | null): number {
  return key.length + (value === null ? 0 : value.length) + 64;
}

function newWrite(
  key: Key,
  value: Buffer | null,
  sequence: number,
  mustNotExist: boolean,
  replaced: BufferedWrite | null,
): BufferedWrite {
  return {
    key,
    value,
    sequence,
    order: sequence,
    mustNotExist,
    state: 'buffered',
    replaced,
    overSent: replaced !== null && (replaced.state !== 'buffered' || replaced.overSent),
    waiting: false,
    undoAt: -1,
    again: false,
  };
}
