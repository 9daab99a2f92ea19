/**
 * The stable log of one range over an ordered key-value store, with the recent tail kept in memory so
 * that a leader never reads from disk in the steady state.
 *
 * Writes go into a sink (one batch of the store's group commit). The memory follows at once, before
 * the batch is durable: the core asks only below its stable index, which those writes never
 * change. After a crash a new RaftLog reads what is durable.
 *
 * Obligations of the caller
 * - `truncate` only up to what is durably applied; a snapshot's data must be durable before the batch
 *   that `append` fills for it: a start with less applied than truncated is refused.
 * - The configuration belongs to the applied state: it is handed in, and told by `setConf`.
 * Limits: the start reads the whole untruncated log once, in chunks, to find its end and fill the tail.
 */
import { assert } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import type { RangeId } from '../base/ids.js';
import type { Key } from '../base/key.js';
import { mark } from '../base/probes.js';
import {
  decodeEntry,
  decodeHardState,
  decodeTruncatedState,
  encodeEntry,
  encodeHardState,
  encodeTruncatedState,
  hardStateKey,
  logKey,
  logKeyIndex,
  rangeLogSpan,
  truncatedStateKey,
  type TruncatedState,
} from './disk-codec.js';
import { entryBytes } from './log-view.js';
import type { ConfState, Entry, HardState, RaftStorage, Ready, SnapshotMeta } from './types.js';

/** What the log reads from; in production the 'log' family of the engine. */
export interface LogStore {
  get(key: Key): Buffer | null;
  /** Rows of [start, end) in order; stops after the row that reaches limitBytes. */
  scan(start: Key, end: Key, limitBytes: number): readonly { readonly key: Key; readonly value: Buffer }[];
}

/** Where writes go: a batch that becomes durable as a whole. */
export interface LogSink {
  put(key: Key, value: Uint8Array): void;
  delete(key: Key): void;
  /** [start, end) */
  deleteRange(start: Key, end: Key): void;
}

export interface RaftLogOptions {
  readonly rangeId: RangeId;
  readonly store: LogStore;
  /** As of the applied index. */
  readonly conf: ConfState;
  /** The applied index now; a snapshot is offered at it. */
  readonly applied: () => number;
  /**
   * Term of the entry at the applied index at the start. A crash between a snapshot's data becoming
   * durable and the log's record of it leaves more applied than the log holds, or another entry at that
   * index than the one that was applied; with the term, the log then starts anew behind the snapshot.
   */
  readonly appliedTerm?: number;
  /** Bytes of recent entries to keep in memory; default 1 MiB. */
  readonly tailBytesMax?: number;
}

const TAIL_BYTES_DEFAULT = 1 << 20;
const SCAN_BYTES = 1 << 20;
const NO_HARD_STATE: HardState = { term: 0, vote: 0, commit: 0, lead: 0, leadEpoch: 0 };

export class RaftLog implements RaftStorage {
  readonly rangeId: RangeId;
  readonly #store: LogStore;
  readonly #applied: () => number;
  readonly #tailBytesMax: number;
  #conf: ConfState;
  #hardState: HardState;
  #truncated: TruncatedState;
  #lastIndex: number;
  /** The last entries, contiguous up to lastIndex; those before #tailHead are given up. */
  #tail: Entry[] = [];
  #tailHead = 0;
  #tailBytes = 0;
  #bytes = 0;
  /** First and last index of an outdated log that the next append must delete; null: none. */
  #outdated: readonly [first: number, last: number] | null = null;

  constructor(options: RaftLogOptions) {
    this.rangeId = options.rangeId;
    this.#store = options.store;
    this.#applied = options.applied;
    this.#tailBytesMax = options.tailBytesMax ?? TAIL_BYTES_DEFAULT;
    this.#conf = options.conf;
    const hard = this.#store.get(hardStateKey(this.rangeId));
    this.#hardState = hard === null ? NO_HARD_STATE : decodeHardState(hard);
    const truncated = this.#store.get(truncatedStateKey(this.rangeId));
    this.#truncated = truncated === null ? { index: 0, term: 0 } : decodeTruncatedState(truncated);
    this.#lastIndex = this.#truncated.index;
    this.#load();
    const applied = this.#applied();
    if (options.appliedTerm !== undefined && this.#isBehind(applied, options.appliedTerm)) {
      mark('restart-ahead-of-log');
      this.#outdated = [this.#truncated.index + 1, this.#lastIndex];
      this.#restartAt({ index: applied, term: options.appliedTerm });
    }
  }

  /** What the log holds does not lead to the state that is applied. */
  #isBehind(applied: number, appliedTerm: number): boolean {
    if (applied > this.#lastIndex) return true;
    return applied >= this.#truncated.index && this.term(applied) !== appliedTerm;
  }

  #load(): void {
    const end = logKey(this.rangeId, 2 ** 48 - 1);
    for (;;) {
      const rows = this.#store.scan(logKey(this.rangeId, this.#lastIndex + 1), end, SCAN_BYTES);
      if (rows.length === 0) return;
      for (const { key, value } of rows) {
        const index = logKeyIndex(key);
        if (index !== this.#lastIndex + 1) {
          throw new QuoralError('XX001', `the Raft log of range ${this.rangeId} lacks entry ${this.#lastIndex + 1}`);
        }
        this.#lastIndex = index;
        this.#keep(decodeEntry(index, value));
      }
    }
  }

  hardState(): HardState {
    return this.#hardState;
  }
  confState(): ConfState {
    return this.#conf;
  }
  truncated(): TruncatedState {
    return this.#truncated;
  }
  lastIndex(): number {
    return this.#lastIndex;
  }
  /** Approximate bytes that were written since the last truncation that caught up. */
  get bytes(): number {
    return this.#bytes;
  }

  /** About so much would be left of them after a truncation there. */
  bytesAfter(index: number): number {
    const { index: from } = this.#truncated;
    if (index <= from) return this.#bytes;
    return Math.round((this.#bytes * Math.max(0, this.#lastIndex - index)) / (this.#lastIndex - from));
  }

  /** After a configuration change was applied. */
  setConf(conf: ConfState): void {
    this.#conf = conf;
  }

  term(index: number): number | null {
    if (index === this.#truncated.index) return this.#truncated.term;
    return this.#entry(index)?.term ?? null;
  }

  #entry(index: number): Entry | null {
    if (index <= this.#truncated.index || index > this.#lastIndex) return null;
    const at = index - this.#tailFirst();
    if (at >= 0) return this.#tail[this.#tailHead + at]!;
    const value = this.#store.get(logKey(this.rangeId, index));
    if (value === null) throw this.#lost(index);
    return decodeEntry(index, value);
  }

  #lost(index: number): QuoralError {
    return new QuoralError('XX001', `the Raft log of range ${this.rangeId} lacks entry ${index}`);
  }

  #tailFirst(): number {
    return this.#lastIndex + 1 - (this.#tail.length - this.#tailHead);
  }

  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | null {
    if (lo <= this.#truncated.index) return null;
    const end = Math.min(hi, this.#lastIndex + 1);
    const tailFirst = this.#tailFirst();
    if (lo < tailFirst) return this.#readEntries(lo, Math.min(end, tailFirst), maxBytes);
    const from = this.#tailHead + lo - tailFirst;
    const limit = this.#tailHead + end - tailFirst;
    let bytes = 0;
    let to = from;
    while (to < limit) {
      bytes += entryBytes(this.#tail[to]!);
      if (bytes > maxBytes && to > from) break;
      to++;
    }
    return this.#tail.slice(from, to);
  }

  #readEntries(lo: number, hi: number, maxBytes: number): Entry[] {
    const rows = this.#store.scan(logKey(this.rangeId, lo), logKey(this.rangeId, hi), Math.max(1, maxBytes));
    const entries: Entry[] = [];
    let bytes = 0;
    for (const { key, value } of rows) {
      const index = logKeyIndex(key);
      if (index !== lo + entries.length) throw this.#lost(lo + entries.length);
      const entry = decodeEntry(index, value);
      bytes += entryBytes(entry);
      if (bytes > maxBytes && entries.length > 0) break;
      entries.push(entry);
    }
    if (entries.length === 0) throw this.#lost(lo);
    return entries;
  }

  snapshotMeta(): SnapshotMeta {
    const index = this.#applied();
    const term = this.term(index);
    assert(term !== null, 'the term of the applied index is always known');
    return { index, term, conf: this.#conf };
  }

  /** Puts what a Ready must persist into the sink: one batch, in this order. */
  append(ready: Pick<Ready, 'snapshot' | 'entries' | 'hardState'>, sink: LogSink): void {
    if (this.#outdated !== null) {
      this.#deleteLog(...this.#outdated, sink);
      this.#outdated = null;
    }
    if (ready.snapshot !== null) this.#install(ready.snapshot, sink);
    if (ready.entries.length > 0) this.#appendEntries(ready.entries, sink);
    if (ready.hardState !== null) {
      this.#hardState = ready.hardState;
      sink.put(hardStateKey(this.rangeId), encodeHardState(ready.hardState));
    }
  }

  #install(snapshot: SnapshotMeta, sink: LogSink): void {
    const [first, last] = [this.#truncated.index + 1, this.#lastIndex];
    this.#restartAt({ index: snapshot.index, term: snapshot.term });
    this.#deleteLog(first, last, sink);
    this.#conf = snapshot.conf;
  }

  #restartAt(truncated: TruncatedState): void {
    this.#truncated = truncated;
    this.#lastIndex = truncated.index;
    this.#tail = [];
    this.#tailHead = 0;
    this.#tailBytes = 0;
    this.#bytes = 0;
  }

  /** From where the log began, and not before: what truncations have deleted there would all be passed again. */
  #deleteLog(first: number, last: number, sink: LogSink): void {
    sink.deleteRange(logKey(this.rangeId, first), logKey(this.rangeId, last + 1));
    sink.put(truncatedStateKey(this.rangeId), encodeTruncatedState(this.#truncated));
  }

  #appendEntries(entries: readonly Entry[], sink: LogSink): void {
    const first = entries[0]!.index;
    const last = entries[entries.length - 1]!.index;
    assert(first > this.#truncated.index && first <= this.#lastIndex + 1, 'a gap in the log');
    if (first <= this.#lastIndex) {
      if (last < this.#lastIndex) {
        sink.deleteRange(logKey(this.rangeId, last + 1), logKey(this.rangeId, this.#lastIndex + 1));
      }
      const kept = Math.max(this.#tailHead, this.#tailHead + first - this.#tailFirst());
      for (let i = kept; i < this.#tail.length; i++) this.#tailBytes -= entryBytes(this.#tail[i]!);
      this.#tail.length = kept;
      this.#lastIndex = first - 1;
    }
    for (const entry of entries) {
      assert(entry.index === this.#lastIndex + 1, 'entries out of order');
      sink.put(logKey(this.rangeId, entry.index), encodeEntry(entry));
      this.#lastIndex = entry.index;
      this.#keep(entry);
    }
  }

  #keep(entry: Entry): void {
    const bytes = entryBytes(entry);
    this.#tail.push(entry);
    this.#tailBytes += bytes;
    this.#bytes += bytes;
    while (this.#tailBytes > this.#tailBytesMax && this.#tailHead < this.#tail.length - 1) {
      this.#tailBytes -= entryBytes(this.#tail[this.#tailHead]!);
      this.#tailHead++;
    }
    this.#compactTail();
  }

  #compactTail(): void {
    if (this.#tailHead < 1024 || this.#tailHead * 2 < this.#tail.length) return;
    this.#tail = this.#tail.slice(this.#tailHead);
    this.#tailHead = 0;
  }

  /** Forgets everything up to `index`. @returns false if there is nothing to forget. */
  truncate(index: number, sink: LogSink): boolean {
    if (index <= this.#truncated.index) return false;
    assert(index <= this.#applied(), 'truncation beyond the applied index');
    const term = this.term(index);
    assert(term !== null, 'truncation beyond the log');
    const drop = Math.min(index + 1 - this.#tailFirst(), this.#tail.length - this.#tailHead);
    for (let i = 0; i < drop; i++) {
      this.#tailBytes -= entryBytes(this.#tail[this.#tailHead]!);
      this.#tailHead++;
    }
    if (this.#tailHead === this.#tail.length) {
      this.#tail = [];
      this.#tailHead = 0;
    }
    sink.deleteRange(logKey(this.rangeId, this.#truncated.index), logKey(this.rangeId, index + 1));
    this.#bytes = this.bytesAfter(index);
    this.#truncated = { index, term };
    sink.put(truncatedStateKey(this.rangeId), encodeTruncatedState(this.#truncated));
    return true;
  }

  /** Removes every trace of the range, when its replica is removed. */
  destroy(sink: LogSink): void {
    const { start, end } = rangeLogSpan(this.rangeId);
    sink.deleteRange(start, end);
  }

  /**
   * The log of a new range that starts from a state which is there already (bootstrap, split).
   * Its index must be positive: only then do replicas that join later get that state, by a snapshot.
   */
  static initialise(rangeId: RangeId, truncated: TruncatedState, sink: LogSink): void {
    assert(truncated.index > 0 && truncated.term > 0, 'a log must start behind an initial state');
    sink.put(truncatedStateKey(rangeId), encodeTruncatedState(truncated));
    sink.put(
      hardStateKey(rangeId),
      encodeHardState({ ...NO_HARD_STATE, term: truncated.term, commit: truncated.index }),
    );
  }
}
