/**
 * Cursors over RocksDB. Calls into native code cost more than rows do, so a cursor fetches pages:
 * first as many rows as the caller expects, then twice as many each time, up to a bound of rows and of bytes: a page of
 * rows of megabytes would stop the node, and most of it may not be wanted.
 *
 * A RocksDB iterator has one direction here, so a cursor has up to two; one that belongs to a
 * snapshot shares the snapshot's, and finds its place again if another cursor moved them.
 */
import { assert } from '../base/assert.js';
import { keyNext, type Key } from '../base/key.js';
import type { EngineIterator, IteratorHints } from './engine.js';
import {
  binding,
  scratchKey,
  scratchKey2,
  type ColumnHandle,
  type DatabaseView,
  type NativeIterator,
  type NativePage,
  type NativeRows,
} from './rocksdb-binding.js';

const PAGE_ROWS_MAX = 128;
/** A page ends with the row that passes it. */
export const PAGE_BYTES = 256 << 10;
const NO_VALUE = Buffer.alloc(0);
const NO_ROWS: NativeRows = [];

/** Pages of rows in one direction from a place. Errors of the native layer come out translated. */
export interface RowSource {
  /** From the first key >= target on, or, reverse, from the last key < target down. */
  seek(reverse: boolean, target: Key, count: number): NativePage;
  /** The rows after the last page of that direction, which ended at `last`. */
  more(reverse: boolean, last: Key, count: number): NativePage;
  close(): void;
}

/** Runs native calls and turns their errors into ours. */
export type Guard = <T>(work: () => T) => T;

export function createNative(
  view: DatabaseView,
  column: ColumnHandle | undefined,
  options: {
    readonly gte?: Key;
    readonly lt?: Key;
    readonly reverse?: boolean;
    readonly values?: boolean;
    readonly tailing?: boolean;
    readonly highWaterMarkBytes?: number;
  },
): NativeIterator {
  const { gte, lt, ...rest } = options;
  return binding.iterator_init(view, {
    ...rest,
    ...(column === undefined ? {} : { column }),
    ...(gte === undefined ? {} : { gte: scratchKey(gte) }),
    ...(lt === undefined ? {} : { lt: scratchKey2(lt) }),
    fillCache: true,
    asyncIO: false,
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
}

/** Native iterators of its own, bounded, made when first needed so that making one is the seek. */
export class BoundedSource implements RowSource {
  readonly #view: DatabaseView;
  readonly #column: ColumnHandle | undefined;
  readonly #lower: Key;
  readonly #upper: Key;
  readonly #values: boolean;
  readonly #guard: Guard;
  #forward: NativeIterator | null = null;
  #forwardFrom: Key = '';
  #backward: NativeIterator | null = null;
  #backwardFrom: Key = '';

  constructor(
    view: DatabaseView,
    column: ColumnHandle | undefined,
    lower: Key,
    upper: Key,
    values: boolean,
    guard: Guard,
  ) {
    this.#view = view;
    this.#column = column;
    this.#lower = lower;
    this.#upper = upper;
    this.#values = values;
    this.#guard = guard;
  }

  seek(reverse: boolean, target: Key, count: number): NativePage {
    return this.#guard(() => (reverse ? this.#seekBackward(target, count) : this.#seekForward(target, count)));
  }

  more(reverse: boolean, _last: Key, count: number): NativePage {
    const native = reverse ? this.#backward : this.#forward;
    assert(native !== null, 'a cursor steps only after a seek');
    return this.#guard(() => binding.iterator_nextv_sync(native, count));
  }

  close(): void {
    if (this.#forward !== null) binding.iterator_close(this.#forward);
    if (this.#backward !== null) binding.iterator_close(this.#backward);
    this.#forward = null;
    this.#backward = null;
  }

  #seekForward(target: Key, count: number): NativePage {
    if (this.#forward !== null && target >= this.#forwardFrom) {
      binding.iterator_seek(this.#forward, scratchKey(target));
    } else {
      if (this.#forward !== null) binding.iterator_close(this.#forward);
      this.#forward = null;
      this.#forward = createNative(this.#view, this.#column, {
        gte: target,
        lt: this.#upper,
        values: this.#values,
        highWaterMarkBytes: PAGE_BYTES,
      });
      this.#forwardFrom = target;
    }
    return binding.iterator_nextv_sync(this.#forward, count);
  }

  #seekBackward(target: Key, count: number): NativePage {
    if (this.#backward !== null && target < this.#backwardFrom) {
      return seekNativeBefore(this.#backward, target, count);
    }
    if (this.#backward !== null) binding.iterator_close(this.#backward);
    this.#backward = null;
    this.#backward = createNative(this.#view, this.#column, {
      gte: this.#lower,
      lt: target,
      reverse: true,
      values: this.#values,
      highWaterMarkBytes: PAGE_BYTES,
    });
    this.#backwardFrom = target;
    return binding.iterator_nextv_sync(this.#backward, count);
  }
}

/** Reverse iterators seek to the last key <= target; we want < target. */
function seekNativeBefore(native: NativeIterator, target: Key, count: number): NativePage {
  binding.iterator_seek(native, scratchKey(target));
  const page = binding.iterator_nextv_sync(native, count + 1);
  const first = page.rows[0];
  if (first === undefined || first.latin1Slice() !== target) return page;
  // A large row at the target may be all of the page.
  if (page.rows.length === 2 && !page.finished) return binding.iterator_nextv_sync(native, count);
  return { rows: page.rows.slice(2), finished: page.finished };
}

/** The two iterators of one family that a snapshot holds; whoever used one last is its owner. */
export interface SharedIterators {
  readonly forward: NativeIterator;
  readonly backward: NativeIterator;
  forwardOwner: RowSource | null;
  backwardOwner: RowSource | null;
}

export class SharedSource implements RowSource {
  readonly #shared: SharedIterators;
  readonly #guard: Guard;

  constructor(shared: SharedIterators, guard: Guard) {
    this.#shared = shared;
    this.#guard = guard;
  }

  seek(reverse: boolean, target: Key, count: number): NativePage {
    return this.#guard(() => {
      if (reverse) {
        this.#shared.backwardOwner = this;
        return seekNativeBefore(this.#shared.backward, target, count);
      }
      this.#shared.forwardOwner = this;
      binding.iterator_seek(this.#shared.forward, scratchKey(target));
      return binding.iterator_nextv_sync(this.#shared.forward, count);
    });
  }

  more(reverse: boolean, last: Key, count: number): NativePage {
    const owner = reverse ? this.#shared.backwardOwner : this.#shared.forwardOwner;
    if (owner !== this) return this.seek(reverse, reverse ? last : keyNext(last), count);
    const native = reverse ? this.#shared.backward : this.#shared.forward;
    return this.#guard(() => binding.iterator_nextv_sync(native, count));
  }

  close(): void {
    if (this.#shared.forwardOwner === this) this.#shared.forwardOwner = null;
    if (this.#shared.backwardOwner === this) this.#shared.backwardOwner = null;
  }
}

export class RocksCursor implements EngineIterator {
  readonly #source: RowSource;
  readonly #lower: Key;
  readonly #upper: Key;
  readonly #firstPage: number;
  #rows: NativeRows = NO_ROWS;
  #at = 0;
  #finished = true;
  #reverse = false;
  #pageRows = 1;
  #key: Key = '';
  #valid = false;
  #closed = false;

  constructor(source: RowSource, lower: Key, upper: Key, hints: IteratorHints | undefined) {
    this.#source = source;
    this.#lower = lower;
    this.#upper = upper;
    this.#firstPage = Math.max(1, Math.min(hints?.rows ?? 1, PAGE_ROWS_MAX));
  }

  get valid(): boolean {
    return this.#valid;
  }

  get key(): Key {
    assert(this.#valid, 'key of an invalid cursor');
    return this.#key;
  }

  get value(): Buffer {
    assert(this.#valid, 'value of an invalid cursor');
    return this.#rows[this.#at + 1] ?? NO_VALUE;
  }

  seek(target: Key): void {
    this.#start(false, target > this.#lower ? target : this.#lower);
  }

  seekBefore(target: Key): void {
    this.#start(true, target < this.#upper ? target : this.#upper);
  }

  next(): void {
    assert(this.#valid, 'next of an invalid cursor');
    if (this.#reverse) this.#start(false, keyNext(this.#key));
    else this.#step();
  }

  prev(): void {
    assert(this.#valid, 'prev of an invalid cursor');
    if (this.#reverse) this.#step();
    else this.#start(true, this.#key);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#valid = false;
    this.#source.close();
  }

  #start(reverse: boolean, target: Key): void {
    assert(!this.#closed, 'the cursor is closed');
    this.#reverse = reverse;
    this.#valid = false;
    if (reverse ? target <= this.#lower : target >= this.#upper) return;
    this.#pageRows = this.#firstPage;
    this.#page(this.#source.seek(reverse, target, this.#pageRows));
  }

  #step(): void {
    this.#at += 2;
    if (this.#at < this.#rows.length) {
      this.#settle();
      return;
    }
    this.#valid = false;
    if (this.#finished) return;
    this.#pageRows = Math.min(this.#pageRows * 2, PAGE_ROWS_MAX);
    this.#page(this.#source.more(this.#reverse, this.#key, this.#pageRows));
  }

  #page(page: NativePage): void {
    this.#rows = page.rows;
    this.#finished = page.finished;
    this.#at = 0;
    if (page.rows.length > 0) this.#settle();
    else assert(page.finished, 'an empty page is the last');
  }

  #settle(): void {
    this.#key = this.#rows[this.#at]!.latin1Slice();
    this.#valid = this.#reverse ? this.#key >= this.#lower : this.#key < this.#upper;
  }
}
