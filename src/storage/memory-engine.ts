/**
 * The engine in memory, for tests and for the simulator: the semantics of the RocksDB engine, and
 * those of a crash. Families are ordered maps with constant-time copies, so a snapshot, and what is
 * durable, is such a copy.
 *
 * Durable is: for the log, every batch whose `writeLog` has resolved; for the data, what was written
 * before the last `syncData` that has resolved began. `crash()` gives a new engine with exactly
 * that, and the old one never answers again (its promises stay pending, as a dead process's do).
 * Batches are applied whole, so a torn one cannot appear.
 *
 * `writeLog` and `syncData` resolve through a hook, by which a simulator decides when a disk has
 * done its work; they must run in the order given. Other hooks let reads and writes fail, as a full
 * or damaged disk does: a write that fails is fatal, as in the RocksDB engine, and so is a damaged read.
 * A crash can also keep a part of what was not synced, always a prefix in the order it was written.
 */
import { assert } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import { OrderedMap, type OrderedMapCursor } from '../base/ordered-map.js';
import type { Key } from '../base/key.js';
import { mark } from '../base/probes.js';
import { BatchBuilder, batchOps, type BatchOp } from './batch-codec.js';
import type {
  Engine,
  EngineIterator,
  EngineReader,
  EngineSnapshot,
  Family,
  RawRow,
  ScanOptions,
  WriteBatch,
} from './engine.js';
import { SizeSampler } from './size-sampler.js';

export interface MemoryEngineOptions {
  /** Runs `done` when the simulated disk has synced, or `fail` when it could not. Default: `done` as a microtask. */
  readonly afterSync?: (done: () => void, fail: (error: QuoralError) => void) => void;
  /** What an unsynced write fails with now; null: it succeeds. */
  readonly writeFailure?: () => QuoralError | null;
  /** What a read fails with now (a checksum that does not match); null: it succeeds. */
  readonly readFailure?: () => QuoralError | null;
  /** Remembers what is not synced, so that `crash` can keep a part of it. */
  readonly recordUnsynced?: boolean;
}

export interface CrashOptions extends MemoryEngineOptions {
  /** Share of the log batches under way, and of the unsynced data writes, that survive: 0 (default) to 1. */
  readonly keepLog?: number;
  readonly keepData?: number;
}

interface Families {
  readonly versions: OrderedMap<Buffer>;
  readonly locks: OrderedMap<Buffer>;
  readonly local: OrderedMap<Buffer>;
  readonly log: OrderedMap<Buffer>;
}

type MemoryOp =
  | { readonly kind: 'put'; readonly family: Family; readonly key: Key; readonly value: Buffer }
  | { readonly kind: 'delete'; readonly family: Family; readonly key: Key }
  | {
      readonly kind: 'deleteRange';
      readonly family: Family;
      readonly key: Key;
      readonly end: Key;
    };

class MemoryBatch implements WriteBatch {
  readonly ops: MemoryOp[] = [];
  bytes = 0;
  written = false;
  #log: boolean | null = null;

  get count(): number {
    return this.ops.length;
  }

  get isLog(): boolean | null {
    return this.#log;
  }

  put(family: Family, key: Key, value: Uint8Array): void {
    this.#add({ kind: 'put', family, key, value: Buffer.from(value) }, key.length + value.length);
  }

  delete(family: Family, key: Key): void {
    this.#add({ kind: 'delete', family, key }, key.length);
  }

  deleteRange(family: Family, start: Key, end: Key): void {
    this.#add({ kind: 'deleteRange', family, key: start, end }, start.length + end.length);
  }

  #add(op: MemoryOp, bytes: number): void {
    assert(!this.written, 'the batch was written');
    const log = op.family === 'log';
    assert(this.#log === null || this.#log === log, 'a batch is for data or for the log, not both');
    this.#log = log;
    this.ops.push(op);
    this.bytes += bytes;
  }
}

/** Reads from a set of maps; the engine's live ones or a snapshot's copies. */
class MemoryReader implements EngineReader {
  #families: Families | null;
  protected readonly readFailure: (() => QuoralError | null) | null;

  constructor(families: Families, readFailure: (() => QuoralError | null) | null) {
    this.#families = families;
    this.readFailure = readFailure;
  }

  get(family: Family, key: Key): Buffer | null {
    return this.map(family).get(key) ?? null;
  }

  getMany(family: Family, keys: readonly Key[]): (Buffer | null)[] {
    const map = this.map(family);
    return keys.map((key) => map.get(key) ?? null);
  }

  first(family: Family, start: Key, end: Key): RawRow | null {
    const cursor = this.map(family).cursor();
    cursor.seek(start);
    if (!cursor.valid || cursor.key >= end) return null;
    return { key: cursor.key, value: cursor.value };
  }

  scan(options: ScanOptions): RawRow[] {
    const { family, start, end, reverse = false, limit = Infinity } = options;
    const limitBytes = options.limitBytes ?? Infinity;
    const result: RawRow[] = [];
    if (start >= end) return result;
    let bytes = 0;
    const cursor = this.map(family).cursor();
    if (reverse) cursor.seekBefore(end);
    else cursor.seek(start);
    while (cursor.valid && result.length < limit && bytes < limitBytes) {
      const key = cursor.key;
      if (reverse ? key < start : key >= end) break;
      const value = cursor.value;
      result.push({ key, value });
      bytes += key.length + value.length;
      if (reverse) cursor.prev();
      else cursor.next();
    }
    return result;
  }

  iterator(family: Family, lower: Key, upper: Key): EngineIterator {
    return new MemoryCursor(this.map(family).cursor(), lower, upper);
  }

  map(family: Family): OrderedMap<Buffer> {
    if (this.#families === null) throw new QuoralError('58030', 'the storage is closed');
    if (this.readFailure !== null) {
      const failure = this.readFailure();
      if (failure !== null) mark('corruption-detected');
      if (failure !== null) throw failure;
    }
    return this.#families[family];
  }

  close(): void {
    this.#families = null;
  }
}

class MemorySnapshot extends MemoryReader implements EngineSnapshot {
  override map(family: Family): OrderedMap<Buffer> {
    assert(family !== 'log', 'a snapshot covers the data families only');
    return super.map(family);
  }
}

class MemoryCursor implements EngineIterator {
  readonly #cursor: OrderedMapCursor<Buffer>;
  readonly #lower: Key;
  readonly #upper: Key;
  #valid = false;
  #closed = false;

  constructor(cursor: OrderedMapCursor<Buffer>, lower: Key, upper: Key) {
    this.#cursor = cursor;
    this.#lower = lower;
    this.#upper = upper;
  }

  get valid(): boolean {
    return this.#valid;
  }

  get key(): Key {
    assert(this.#valid, 'key of an invalid cursor');
    return this.#cursor.key;
  }

  get value(): Buffer {
    assert(this.#valid, 'value of an invalid cursor');
    return this.#cursor.value;
  }

  seek(target: Key): void {
    assert(!this.#closed, 'the cursor is closed');
    this.#cursor.seek(target > this.#lower ? target : this.#lower);
    this.#settle();
  }

  seekBefore(target: Key): void {
    assert(!this.#closed, 'the cursor is closed');
    this.#cursor.seekBefore(target < this.#upper ? target : this.#upper);
    this.#settle();
  }

  next(): void {
    assert(this.#valid, 'next of an invalid cursor');
    this.#cursor.next();
    this.#settle();
  }

  prev(): void {
    assert(this.#valid, 'prev of an invalid cursor');
    this.#cursor.prev();
    this.#settle();
  }

  close(): void {
    this.#closed = true;
    this.#valid = false;
  }

  #settle(): void {
    const cursor = this.#cursor;
    this.#valid = cursor.valid && cursor.key >= this.#lower && cursor.key < this.#upper;
  }
}

/**
 * What an engine held at one moment: shared, unchanging, made and opened in constant time. Any number
 * of engines may start from it.
 */
export class MemoryImage {
  readonly #families: Families;
  readonly #sampler: SizeSampler;

  constructor(families: Families, sampler: SizeSampler) {
    this.#families = cloneData(families, families.log.clone());
    this.#sampler = sampler.clone();
  }

  open(options: MemoryEngineOptions = {}): MemoryEngine {
    return new MemoryEngine(options, cloneData(this.#families, this.#families.log.clone()), this.#sampler.clone());
  }
}

function emptyFamilies(): Families {
  return {
    versions: new OrderedMap(),
    locks: new OrderedMap(),
    local: new OrderedMap(),
    log: new OrderedMap(),
  };
}

function cloneData(families: Families, log: OrderedMap<Buffer>): Families {
  return {
    versions: families.versions.clone(),
    locks: families.locks.clone(),
    local: families.local.clone(),
    log,
  };
}

const ignoreSample = (): void => undefined;

function sampleOf(families: Families): SizeSampler {
  const sampler = new SizeSampler();
  for (const [key, value] of families.versions.entries()) sampler.put(key, value.length, ignoreSample);
  return sampler;
}

/** Applies the first `share` of the writes. */
function keepPrefix(families: Families, writes: readonly (readonly (MemoryOp | BatchOp)[])[], share: number): void {
  for (const ops of writes.slice(0, Math.floor(writes.length * share + 1e-9))) {
    for (const op of ops) {
      const map = families[op.family];
      if (op.kind === 'put') map.set(op.key, op.value);
      else if (op.kind === 'delete') map.delete(op.key);
      else map.deleteRange(op.key, op.end);
    }
  }
}

export class MemoryEngine extends MemoryReader implements Engine {
  readonly #live: Families;
  #durableData: Families;
  readonly #durableLog: OrderedMap<Buffer>;
  readonly #options: MemoryEngineOptions;
  readonly #afterSync: NonNullable<MemoryEngineOptions['afterSync']>;
  /** In the order they were written; null: not recorded. */
  readonly #unsyncedLog: MemoryBatch[] | null;
  #unsyncedData: (MemoryOp | BatchOp)[][] | null;
  readonly #sampler: SizeSampler;
  #state: 'open' | 'crashed' | 'closed' = 'open';
  #logBatches = 0;
  #dataBatches = 0;
  #dataSyncs = 0;

  /** `sampler`: what is known of the sizes in `families`; without it they are gone through. */
  constructor(
    options: MemoryEngineOptions = {},
    families: Families = emptyFamilies(),
    sampler: SizeSampler | null = null,
  ) {
    super(families, options.readFailure ?? null);
    this.#live = families;
    this.#options = options;
    this.#unsyncedLog = options.recordUnsynced === true ? [] : null;
    this.#unsyncedData = options.recordUnsynced === true ? [] : null;
    this.#afterSync = options.afterSync ?? queueMicrotask;
    // What is there at the start is durable.
    this.#durableData = cloneData(families, families.log);
    this.#durableLog = families.log;
    this.#sampler = sampler ?? sampleOf(families);
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  newBatch(): WriteBatch {
    return new MemoryBatch();
  }

  writeData(batch: WriteBatch): void {
    this.#check();
    let ops: Iterable<MemoryOp | BatchOp>;
    if (batch instanceof MemoryBatch) {
      assert(batch.isLog !== true, 'a batch with log operations goes to writeLog');
      assert(!batch.written, 'a batch is written once');
      batch.written = true;
      ops = batch.ops;
    } else {
      assert(batch instanceof BatchBuilder, 'the batch is of another engine');
      // The values are views of the builder's buffer, which nobody changes any more.
      ops = batchOps(batch.finish());
    }
    const failure = this.#options.writeFailure?.() ?? null;
    if (failure !== null) throw failure;
    if (this.#unsyncedData !== null) {
      const kept = [...ops];
      this.#unsyncedData.push(kept);
      ops = kept;
    }
    for (const op of ops) this.#apply(op);
    this.#dataBatches++;
  }

  async writeLog(batch: WriteBatch): Promise<void> {
    this.#check();
    assert(batch instanceof MemoryBatch, 'the batch is of another engine');
    assert(batch.isLog !== false, 'a batch with data operations goes to writeData');
    assert(!batch.written, 'a batch is written once');
    batch.written = true;
    if (batch.count === 0) return;
    this.#unsyncedLog?.push(batch);
    await this.#synced(() => {
      // Applied when durable: a crash before loses it, and nobody has seen it.
      this.#unsyncedLog?.shift();
      for (const op of batch.ops) this.#apply(op);
      this.#logBatches++;
    });
  }

  async syncData(): Promise<void> {
    this.#check();
    const reached = cloneData(this.#live, this.#live.log);
    const writes = this.#dataBatches;
    await this.#synced(() => {
      this.#durableData = reached;
      if (this.#unsyncedData !== null) {
        const later = this.#dataBatches - writes;
        this.#unsyncedData = later === 0 ? [] : this.#unsyncedData.slice(-later);
      }
      this.#dataSyncs++;
    });
  }

  snapshot(): EngineSnapshot {
    this.#check();
    return new MemorySnapshot(cloneData(this.#live, this.#live.log), this.readFailure);
  }

  approximateBytes(start: Key, end: Key): number {
    this.#check();
    return this.#sampler.bytes(start, end);
  }

  approximateMiddle(start: Key, end: Key): Key | null {
    this.#check();
    return this.#sampler.middle(start, end);
  }

  metrics(): Record<string, number> {
    return {
      logBatches: this.#logBatches,
      dataBatches: this.#dataBatches,
      dataSyncs: this.#dataSyncs,
      versions: this.#live.versions.size,
      locks: this.#live.locks.size,
      local: this.#live.local.size,
      log: this.#live.log.size,
    };
  }

  /** What was synced, and what is kept of the rest, lives on in the engine returned; this one is dead. */
  crash(options: CrashOptions = this.#options): MemoryEngine {
    assert(this.#state !== 'crashed', 'a dead engine cannot crash');
    this.#state = 'crashed';
    super.close();
    const left = cloneData(this.#durableData, this.#durableLog.clone());
    keepPrefix(left, this.#unsyncedLog?.map((batch) => batch.ops) ?? [], options.keepLog ?? 0);
    keepPrefix(left, this.#unsyncedData ?? [], options.keepData ?? 0);
    return new MemoryEngine(options, left);
  }

  /** The same after an orderly close: everything written is there. */
  reopen(): MemoryEngine {
    assert(this.#state === 'closed', 'only a closed engine is reopened');
    return this.image().open(this.#options);
  }

  /**
   * Everything written by now, as if it had been synced and the process had ended in this instant. Log
   * batches whose `writeLog` has not resolved are not in it.
   */
  image(): MemoryImage {
    assert(this.#state !== 'crashed', 'a dead engine has no image');
    return new MemoryImage(this.#live, this.#sampler);
  }

  override async close(): Promise<void> {
    if (this.#state !== 'open') return;
    // Whatever was handed over before is done first.
    await this.#synced(() => undefined);
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    super.close();
  }

  #synced(work: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        if (this.#state === 'crashed') return;
        work();
        resolve();
      };
      this.#afterSync(done, reject);
    });
  }

  #check(): void {
    if (this.#state !== 'open') throw new QuoralError('58030', 'the storage is closed');
  }

  #apply(op: MemoryOp | BatchOp): void {
    const map = this.#live[op.family];
    const sized = op.family === 'versions';
    if (op.kind === 'put') {
      map.set(op.key, op.value);
      if (sized) this.#sampler.put(op.key, op.value.length, ignoreSample);
    } else if (op.kind === 'delete') {
      map.delete(op.key);
      if (sized) this.#sampler.delete(op.key, ignoreSample);
    } else {
      map.deleteRange(op.key, op.end);
      if (sized) this.#sampler.deleteRange(op.key, op.end, ignoreSample);
    }
  }
}
