/**
 * Write batches of the RocksDB engine. Operations on data families go straight into a native batch
 * (RocksDB copies them); operations on `log` are framed for the log-writer thread.
 *
 * A native batch has no range deletion, and what a range holds is known only when the batch is
 * written. So from the first deleteRange on operations are kept, and `seal` adds them then.
 */
import { assert } from '../base/assert.js';
import type { Key } from '../base/key.js';
import type { DataFamily, Family, WriteBatch } from './engine.js';
import { binding, scratchKey, type ColumnOption, type DatabaseView, type NativeBatch } from './rocksdb-binding.js';
import { createNative } from './rocksdb-cursor.js';
import type { SizeSampler } from './size-sampler.js';

const LOG_PUT = 1;
const LOG_DELETE = 2;
const LOG_DELETE_RANGE = 3;
const LOG_HEAD_BYTES = 9;
const LOG_INITIAL_BYTES = 512;
const RANGE_PAGE_ROWS = 1000;
const NOTHING = Buffer.alloc(0);

export interface BatchTarget {
  readonly view: DatabaseView;
  /** undefined: the default column family, which needs no look-up of an option. */
  column(family: DataFamily): ColumnOption | undefined;
  readonly meta: ColumnOption;
  readonly sampler: SizeSampler;
}

/** Keys of samples in the family of the engine's own state; 'format' and 'sync' are there too. */
export const SAMPLE_PREFIX = 'size/';

export class LogBuffer {
  #buffer: Buffer = Buffer.allocUnsafe(LOG_INITIAL_BYTES);
  length = 0;
  hasRanges = false;

  add(op: number, key: Key, value: Uint8Array): void {
    const end = this.length + LOG_HEAD_BYTES + key.length + value.length;
    if (end > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, this.length);
      this.#buffer = grown;
    }
    this.#buffer[this.length] = op;
    this.#buffer.writeUInt32LE(key.length, this.length + 1);
    this.#buffer.writeUInt32LE(value.length, this.length + 5);
    this.#buffer.latin1Write(key, this.length + LOG_HEAD_BYTES);
    this.#buffer.set(value, end - value.length);
    this.length = end;
    if (op === LOG_DELETE_RANGE) this.hasRanges = true;
  }

  copyTo(target: Uint8Array, at: number): void {
    target.set(this.#buffer.subarray(0, this.length), at);
  }
}

type DeferredOp =
  | { readonly kind: 'put'; readonly family: DataFamily; readonly key: Key; readonly value: Buffer }
  | { readonly kind: 'delete'; readonly family: DataFamily; readonly key: Key }
  | {
      readonly kind: 'deleteRange';
      readonly family: DataFamily;
      readonly key: Key;
      readonly end: Key;
    };

export class RocksBatch implements WriteBatch {
  readonly #target: BatchTarget;
  #native: NativeBatch | null = null;
  #log: LogBuffer | null = null;
  #deferred: DeferredOp[] | null = null;
  #written = false;
  #count = 0;
  #bytes = 0;
  readonly #sampleChange: (key: Key, weight: number) => void;

  constructor(target: BatchTarget) {
    this.#target = target;
    this.#sampleChange = (key, weight) => this.#putSample(key, weight);
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  put(family: Family, key: Key, value: Uint8Array): void {
    this.#counted(key.length + value.length);
    if (family === 'log') {
      this.#logBuffer().add(LOG_PUT, key, value);
    } else if (this.#deferred !== null) {
      this.#deferred.push({ kind: 'put', family, key, value: Buffer.from(value) });
    } else {
      this.#putNow(family, key, value);
    }
  }

  delete(family: Family, key: Key): void {
    this.#counted(key.length);
    if (family === 'log') {
      this.#logBuffer().add(LOG_DELETE, key, NOTHING);
    } else if (this.#deferred !== null) {
      this.#deferred.push({ kind: 'delete', family, key });
    } else {
      this.#deleteNow(family, key);
    }
  }

  deleteRange(family: Family, start: Key, end: Key): void {
    this.#counted(start.length + end.length);
    if (start >= end) return;
    if (family === 'log') {
      this.#logBuffer().add(LOG_DELETE_RANGE, start, Buffer.from(end, 'latin1'));
      return;
    }
    this.#nativeBatch();
    this.#deferred ??= [];
    this.#deferred.push({ kind: 'deleteRange', family, key: start, end });
  }

  /** The native batch to write now, null if it is empty. Only once. */
  sealData(): NativeBatch | null {
    assert(!this.#written, 'a batch is written once');
    assert(this.#log === null, 'a batch with log operations goes to writeLog');
    this.#written = true;
    for (const op of this.#deferred ?? []) {
      if (op.kind === 'put') this.#putNow(op.family, op.key, op.value);
      else if (op.kind === 'delete') this.#deleteNow(op.family, op.key);
      else this.#deleteRangeNow(op.family, op.key, op.end);
    }
    return this.#native;
  }

  /** The framed log operations to write now, null if there are none. Only once. */
  sealLog(): LogBuffer | null {
    assert(!this.#written, 'a batch is written once');
    assert(this.#native === null, 'a batch with data operations goes to writeData');
    this.#written = true;
    return this.#log;
  }

  #counted(bytes: number): void {
    assert(!this.#written, 'the batch was written');
    this.#count++;
    this.#bytes += bytes;
  }

  #logBuffer(): LogBuffer {
    assert(this.#native === null, 'a batch is for data or for the log, not both');
    this.#log ??= new LogBuffer();
    return this.#log;
  }

  #nativeBatch(): NativeBatch {
    assert(this.#log === null, 'a batch is for data or for the log, not both');
    this.#native ??= binding.batch_init();
    return this.#native;
  }

  #putNow(family: DataFamily, key: Key, value: Uint8Array): void {
    const column = this.#target.column(family);
    binding.batch_put(this.#nativeBatch(), scratchKey(key), value, column);
    if (family === 'versions') this.#target.sampler.put(key, value.length, this.#sampleChange);
  }

  #deleteNow(family: DataFamily, key: Key): void {
    binding.batch_del(this.#nativeBatch(), scratchKey(key), this.#target.column(family));
    if (family === 'versions') this.#target.sampler.delete(key, this.#sampleChange);
  }

  #deleteRangeNow(family: DataFamily, start: Key, end: Key): void {
    const batch = this.#nativeBatch();
    const column = this.#target.column(family);
    const earlier = binding.batch_iterate(this.#target.view, batch, {
      keys: true,
      values: false,
      data: false,
      ...(column === undefined ? {} : { column: column.column }),
      keyEncoding: 'buffer',
    });
    const native = createNative(this.#target.view, column?.column, {
      gte: start,
      lt: end,
      values: false,
    });
    try {
      for (;;) {
        const page = binding.iterator_nextv_sync(native, RANGE_PAGE_ROWS);
        for (let i = 0; i < page.rows.length; i += 2) {
          binding.batch_del(batch, page.rows[i]!, column);
        }
        if (page.finished) break;
      }
    } finally {
      binding.iterator_close(native);
    }
    for (let i = 0; i < earlier.length; i += 4) {
      const key = earlier[i + 1];
      if (earlier[i] !== 'put' || !Buffer.isBuffer(key)) continue;
      const text = key.latin1Slice();
      // Without a column the binding tells the keys of all families: deleting one that this family
      // does not hold changes nothing.
      if (start <= text && text < end) binding.batch_del(batch, key, column);
    }
    if (family === 'versions') this.#target.sampler.deleteRange(start, end, this.#sampleChange);
  }

  #putSample(key: Key, weight: number): void {
    const sampleKey = Buffer.from(SAMPLE_PREFIX + key, 'latin1');
    if (weight === 0) {
      binding.batch_del(this.#nativeBatch(), sampleKey, this.#target.meta);
      return;
    }
    const value = Buffer.allocUnsafe(8);
    value.writeDoubleBE(weight);
    binding.batch_put(this.#nativeBatch(), sampleKey, value, this.#target.meta);
  }
}
