/**
 * What evaluating a batch may see and produce. Evaluation is synchronous and has no effect but
 * taking unreplicated locks: everything replicated goes into `batch`, everything the leaseholder
 * must remember once that has been applied goes into `effects`. So it can be repeated freely.
 */
import type { NodeId, Timestamp } from '../../base/ids.js';
import type { Key } from '../../base/key.js';
import type { BatchBuilder } from '../../storage/batch-codec.js';
import type { EngineReader } from '../../storage/engine.js';
import type { TransactionRecord } from '../../storage/lock-record.js';
import type {
  BatchHeader,
  LockMode,
  PutRequest,
  RangeDescriptor,
  ResolveIntentsRequest,
  SplitTrigger,
  TxnMeta,
} from '../kv-api.js';
import type { LockState, LockTable, Waiter } from '../lock-table.js';
import type { TimestampCache } from '../timestamp-cache.js';
import type { Ending, TxnRecords } from '../txn-records.js';

/** Applied to the leaseholder's memory when the command has been applied. */
export type Effect =
  | {
      readonly kind: 'intent-laid';
      readonly key: Key;
      readonly txn: TxnMeta;
      readonly ts: Timestamp;
      /** By a push. */
      readonly moved: boolean;
    }
  | { readonly kind: 'committed'; readonly txnId: string; readonly ts: Timestamp; readonly epoch: number }
  | { readonly kind: 'intent-removed'; readonly key: Key }
  | { readonly kind: 'unlock'; readonly key: Key; readonly txnId: string }
  | { readonly kind: 'writes-voided'; readonly key: Key; readonly txnId: string; readonly upTo: number }
  | { readonly kind: 'record'; readonly record: TransactionRecord }
  | { readonly kind: 'record-collected'; readonly id: string; readonly ending: Ending };

export interface PendingPut {
  readonly request: PutRequest;
  readonly lock: LockState;
  /** The very intent is there already: it is not laid again. */
  readonly repeated: boolean;
}

export interface RangeState {
  readonly descriptor: RangeDescriptor;
  readonly reader: EngineReader;
  readonly locks: LockTable;
  readonly tsCache: TimestampCache;
  readonly records: TxnRecords;
  readonly leaseStart: Timestamp;
  /** False when the node is down, or was at some time since `since`: its transactions are dead. */
  coordinatorAlive(node: NodeId, since: Timestamp): boolean;
}

export interface EvalContext {
  readonly range: RangeState;
  readonly header: BatchHeader;
  readonly txn: TxnMeta | null;
  readonly waiter: Waiter;
  readonly now: Timestamp;
  readonly batch: BatchBuilder;
  readonly effects: Effect[];
  readonly puts: PendingPut[];
  /** Counters that this batch has incremented. */
  readonly counters: Map<Key, number>;
  /** Reads to note in the timestamp cache once the evaluation has succeeded. */
  readonly readPoints: Key[];
  readonly readSpans: { readonly start: Key; readonly end: Key }[];
  /** Intents that a read with wait = 'past' has not waited for. */
  readonly passed: LockState[];
  /** What is left to resolve once this batch is applied, as it would have become too large. */
  readonly unresolved: ResolveIntentsRequest[];
  /** Of intents that were read to resolve them. */
  resolvedBytes: number;
  /** Locks that this very evaluation took for writes. */
  readonly claimed: Key[];
  /** Moves up when the server may bump the reads (then the evaluation starts over). */
  readTs: Timestamp;
  writeTs: Timestamp;
  /**
   * The latest timestamp that this evaluation reads, writes or rules at. The leaseholder's clock is
   * brought up to it before anyone learns of it: what is visible is never ahead of the clock that
   * later reads at the present, later leases and observed timestamps come from.
   */
  clockTs: Timestamp;
  readonly uncertaintyLimit: Timestamp;
  split: SplitTrigger | null;
  rowsLeft: number;
  bytesLeft: number;
}

/** Thrown: another's lock is in the way; wait for it and evaluate anew. */
export class LockConflict {
  readonly lock: LockState;
  /** What was to be taken; 'none' for plain reads. */
  readonly mode: LockMode;
  /** For readers: up to where they may have to see what is written, by this node's clock, and by the others'. */
  readonly readTs: Timestamp;
  readonly windowTs: Timestamp;
  /** The row and its existence were to be taken. */
  readonly whole: boolean;
  constructor(lock: LockState, mode: LockMode, readTs: Timestamp, whole = false, windowTs = readTs) {
    this.lock = lock;
    this.mode = mode;
    this.readTs = readTs;
    this.windowTs = windowTs;
    this.whole = whole;
  }
}

/** Thrown: evaluate anew at this read timestamp (only when the header allows it). */
export class ReadBump {
  readonly ts: Timestamp;
  constructor(ts: Timestamp) {
    this.ts = ts;
  }
}
