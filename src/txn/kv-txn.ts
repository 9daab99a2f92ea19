/**
 * The transactional key-value interface that SQL uses (DESIGN 7). Writes are buffered at the
 * coordinator; reads see the buffer; reads with a lock take an unreplicated lock, shared or exclusive, at the
 * leaseholder. Uncertainty, write-too-old and pushes are handled inside by refreshing the reads;
 * what cannot be refreshed surfaces as a QuoralError with retry 'transaction' (40001).
 *
 * Obligations of the caller: one call at a time per transaction is not required (reads may run in
 * parallel), but `commit`, `rollback`, `restart`, `restartStatement` and `savepoint` calls need that no
 * other call is under way.
 */
import type { Key } from '../base/key.js';
import type { LockScope } from '../range/kv-api.js';
import type { NodeId, Timestamp, TxnId } from '../base/ids.js';

export type Isolation = 'serializable' | 'repeatable read' | 'read committed';
/** Shared locks suit each other. Who has one may take the exclusive one, and waits for the other sharers then. */
export type LockStrength = 'none' | 'share' | 'exclusive';
export type { LockScope } from '../range/kv-api.js';
export type LockWait = 'block' | 'nowait' | 'skip';

export interface TxnOptions {
  readonly isolation: Isolation;
  readonly readOnly?: boolean;
  /** Reads at this fixed time (AS OF SYSTEM TIME). */
  readonly asOf?: Timestamp;
  /** Shown in lock errors: application name or statement. */
  readonly name?: string;
  /** lock_timeout in milliseconds, 0 = none. */
  readonly lockTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ReadOptions {
  readonly lock?: LockStrength;
  readonly wait?: LockWait;
  /** Default 'row'. Of 'existence' null means that it is not known: the row must be read. Scans have no 'existence'. */
  readonly scope?: LockScope;
  /**
   * As if this transaction had written nothing after that point. With a lock, the keys that it has written since are left
   * out (null), as there is nothing of them left to change.
   */
  readonly before?: Savepoint;
  /**
   * getMany with a lock, at READ COMMITTED only: what is committed now, whatever has been read before and without moving
   * the snapshot. The commit verifies the locks as from then.
   */
  readonly latest?: boolean;
  /**
   * getMany without a lock: 'read' of rows of which nothing becomes known but whether they qualify to be locked. With one,
   * that waits or fails: 'locked' are such rows, whose change since then is no conflict. The caller looks at them anew.
   */
  readonly tentative?: 'read' | 'locked';
}

export interface KvScanOptions extends ReadOptions {
  readonly start: Key;
  readonly end: Key;
  readonly reverse?: boolean;
  /** Rows and bytes after which the scan may stop with a resume key; 0 = no limit on rows. */
  readonly maxRows?: number;
  readonly maxBytes?: number;
  /**
   * Not verified at commit: for key spaces that nobody else can write meanwhile (fresh storage, or a
   * table under this transaction's schema lock), where remembering what was read is only cost.
   */
  readonly untracked?: boolean;
  /** Verified at commit at every isolation level, not at SERIALIZABLE only: what a constraint rests on. */
  readonly verified?: boolean;
}

export interface KvScanResult {
  readonly keys: readonly Key[];
  readonly values: readonly Buffer[];
  /** Where to go on: new `start` (forward) or new `end` (reverse); null at the end. */
  readonly resumeKey: Key | null;
}

export type TxnStatus = 'active' | 'committed' | 'aborted' | 'unknown';

export interface Savepoint {
  readonly sequence: number;
  /** To read before it: what a spill has sent since is seen, and no error. */
  readonly seesSent?: boolean;
}

export interface KvTxn {
  readonly id: TxnId;
  readonly isolation: Isolation;
  readonly status: TxnStatus;
  readonly readTimestamp: Timestamp;
  /** True while nothing was locked, written or read that a restart could invalidate. */
  readonly pristine: boolean;

  get(key: Key, options?: ReadOptions): Promise<Buffer | null>;
  /** In the order of `keys`. With wait 'skip', keys locked by others give undefined. */
  getMany(keys: readonly Key[], options?: ReadOptions): Promise<(Buffer | null | undefined)[]>;
  scan(options: KvScanOptions): Promise<KvScanResult>;

  /** Buffered. Not checked against others before commit unless the key was locked. */
  put(key: Key, value: Uint8Array): void;
  delete(key: Key): void;
  /**
   * Buffered insert whose absence check is made at commit (or when the buffer spills): commit then
   * fails with KeyExistsError. Only for implicit single-statement transactions, saves the round trip.
   */
  insertDeferred(key: Key, value: Uint8Array): void;
  /**
   * Writes rows of a key space that no other transaction can know of yet (a table created or
   * truncated by this transaction): sent at once, without intents or buffer, and not undone by a
   * rollback, where the key space is simply never referenced.
   */
  bulkIngest(keys: readonly Key[], values: readonly Uint8Array[]): Promise<void>;
  /** Much is buffered: SQL awaits `relieve` before it goes on, which spills to replicated intents. */
  readonly crowded: boolean;
  relieve(): Promise<void>;

  /** READ COMMITTED: a new snapshot for the next statement. Other levels: only a sequence step. */
  beginStatement(): void;
  /** Undoes the writes since beginStatement (or the savepoint) in the buffer; locks are kept. */
  savepoint(): Savepoint;
  /** For `before` of reads alone: nothing can be rolled back to it. */
  readPoint(): Savepoint;
  rollbackTo(savepoint: Savepoint): void;
  /** After a retryable error in a statement at READ COMMITTED: undo it, take a new snapshot. */
  restartStatement(): void;
  /** After a retryable error, when no result has left the server: begins anew (locks released). */
  restart(): Promise<void>;

  /** Runs once the commit is durable and known, with the commit timestamp. */
  onCommit(fn: (commitTs: Timestamp) => void): void;
  onRollback(fn: () => void): void;

  /**
   * @throws QuoralError 40001 (nothing was committed), 40003 (outcome unknown),
   * KeyExistsError for insertDeferred.
   */
  commit(): Promise<Timestamp>;
  rollback(): Promise<void>;
}

export interface KvDb {
  readonly nodeId: NodeId;
  now(): Timestamp;
  begin(options: TxnOptions): KvTxn;
  /**
   * A consistent read of one key / several keys outside any transaction, at a time chosen by the
   * server: the fast path of an implicit single read. Linearizable for keys of one range; keys of
   * several ranges are read in a read-only transaction.
   */
  getMany(keys: readonly Key[]): Promise<(Buffer | null)[]>;
  /** Runs fn in a transaction, again on retryable errors, and commits. For internal use. */
  run<T>(options: TxnOptions, fn: (txn: KvTxn) => Promise<T>): Promise<T>;
  /** Splits the range at `key` (idempotent). */
  split(key: Key): Promise<void>;
  /** What begins at `key` is new: a range of its own, if that is how this cluster does it (otherwise when it needs one). */
  separate(key: Key): Promise<void>;
  /** Increments an integer counter atomically outside any transaction; returns the new value. */
  increment(key: Key, by: number): Promise<number>;
  /** Ranges overlapping [start, end): bounds, replicas, leaseholder (0 = unknown), bytes. */
  ranges(start: Key, end: Key): Promise<readonly RangeInfo[]>;
  metrics(): Record<string, number>;
}

export interface RangeInfo {
  readonly rangeId: number;
  readonly start: Key;
  readonly end: Key;
  readonly replicas: readonly NodeId[];
  readonly leaseholder: NodeId;
  readonly bytes: number;
}
