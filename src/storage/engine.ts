/**
 * The storage engine of one node (DESIGN 4): two databases, `log` (Raft log and hard state, synced
 * by group commit in a worker) and `data` (everything applied, unsynced, re-applied from the log
 * after a crash). Two implementations, RocksDB and in memory, pass one compliance suite.
 *
 * Invariants
 * - A batch is atomic: after a crash all of it is there or none.
 * - `writeLog` resolves only after the batch, and every log batch before it, is durable.
 * - `writeData` is visible to reads at once and durable only after a later `syncData` resolved.
 *   Durable data is always a prefix of the order of writeData calls.
 * - Within one column family keys order as bytes.
 */
import type { Key } from '../base/key.js';

/** Column families. `log` belongs to the log database, the others to the data database. */
export type DataFamily = 'versions' | 'locks' | 'local';
export type Family = DataFamily | 'log';

export interface ScanOptions {
  readonly family: Family;
  /** Inclusive lower, exclusive upper bound. */
  readonly start: Key;
  readonly end: Key;
  readonly reverse?: boolean;
  readonly limit?: number;
  /** Stops after the row that reaches this many bytes of keys and values. */
  readonly limitBytes?: number;
}

export interface RawRow {
  readonly key: Key;
  readonly value: Buffer;
}

export interface EngineReader {
  /** Synchronous point read. The returned buffer must not be changed. */
  get(family: Family, key: Key): Buffer | null;
  getMany(family: Family, keys: readonly Key[]): (Buffer | null)[];
  /** First row with start <= key < end: the cheapest way to look up one row by a bound. */
  first(family: Family, start: Key, end: Key): RawRow | null;
  /** Synchronous scan; for what is known to be short or bounded by limit/limitBytes. */
  scan(options: ScanOptions): RawRow[];
  /**
   * A cursor for merging reads; must be closed. It may or may not see writes made after it was
   * opened: take a snapshot for a view that lasts.
   */
  iterator(family: Family, lower: Key, upper: Key, hints?: IteratorHints): EngineIterator;
}

/** What a caller knows beforehand; only speed depends on it. */
export interface IteratorHints {
  /** About how many rows the first run of steps in one direction will visit. */
  readonly rows?: number;
  /** Values are not wanted: `value` is then empty. */
  readonly keysOnly?: boolean;
}

/** Synchronous cursor. After a seek or step, `valid` says whether key and value may be read. */
export interface EngineIterator {
  /** First row with key >= target. */
  seek(target: Key): void;
  /** Last row with key < target. */
  seekBefore(target: Key): void;
  next(): void;
  prev(): void;
  readonly valid: boolean;
  readonly key: Key;
  readonly value: Buffer;
  close(): void;
}

/**
 * Operations in order; keys and values are copied or immutable after the batch is handed over.
 * A batch is for data families or for `log`, never both, and is written once.
 */
export interface WriteBatch {
  put(family: Family, key: Key, value: Uint8Array): void;
  delete(family: Family, key: Key): void;
  /**
   * Deletes [start, end): what is there when the batch is written, and earlier puts of the batch.
   * Costs one deletion per key found; clear a large span in pieces.
   */
  deleteRange(family: Family, start: Key, end: Key): void;
  readonly count: number;
  readonly bytes: number;
}

export interface EngineSnapshot extends EngineReader {
  close(): void;
}

export interface Engine extends EngineReader {
  newBatch(): WriteBatch;
  /** Unsynced, visible at once. Only data families. Takes newBatch() or a BatchBuilder. */
  writeData(batch: WriteBatch): void;
  /** Group commit: visible to reads when it resolves, durable when it resolves. Only `log`. */
  writeLog(batch: WriteBatch): Promise<void>;
  /** Makes everything that writeData wrote before this call durable. */
  syncData(): Promise<void>;
  /** A consistent view of the data families; not of `log`. Must be closed, and soon: it pins space. */
  snapshot(): EngineSnapshot;
  /** Approximate bytes of [start, end) in the versions family. */
  approximateBytes(start: Key, end: Key): number;
  /**
   * A key of the versions family that was written once (and may be gone), with about half of the bytes of [start, end)
   * before it; null if too little was written to tell.
   */
  approximateMiddle(start: Key, end: Key): Key | null;
  metrics(): Record<string, number>;
  close(): Promise<void>;
}
