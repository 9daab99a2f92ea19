/**
 * The KV API (DESIGN 6): a batch of commands for ONE range, evaluated at its leaseholder. Built by
 * src/txn (router, coordinator), served by src/range. A self-call passes these objects as they are;
 * between nodes they travel as proto/kv.proto (src/range/kv-codec.ts).
 *
 * Semantics of a batch
 * - The commands see one state (latched together) and each other's writes.
 * - A batch with writes becomes one Raft proposal, or none if nothing changes replicated state.
 * - Replies come after the proposal is committed AND applied at the leaseholder.
 * - Reading commands run at header.txn.readTs, or header.timestamp without a transaction; timestamp 0
 *   lets the leaseholder choose its present (no uncertainty, linearizable within the range).
 * - Writes of a transaction land at txn.writeTs or higher (timestamp cache, newer versions). The
 *   new timestamp returns in BatchResponse.txn.writeTs; SERIALIZABLE must then refresh its reads.
 * - If a lock of another transaction is in the way, the batch waits in the lock table (fair queue)
 *   until it can go on, unless header.wait says otherwise, and evaluates anew.
 *
 * Uncertainty: a read that sees a committed version in (readTs, limit], limit = min(txn.uncertaintyLimit,
 * observed clock of this node), fails with 'uncertainty' carrying the version's timestamp — unless
 * header.canBumpReadTs, when the server itself moves readTs up, evaluates anew and returns the new
 * readTs in BatchResponse.txn. The same flag lets locking reads that meet a newer version move up.
 */
import type { Key, Span } from '../base/key.js';
import type { NodeId, RangeId, Timestamp, TxnId } from '../base/ids.js';

export type KvIsolation = 'serializable' | 'repeatable read' | 'read committed';

export interface TxnMeta {
  readonly id: TxnId;
  /** Key whose range holds the transaction record; '' until the first lock or write. */
  readonly anchorKey: Key;
  /** Raised at each restart of the whole transaction; intents and locks of older epochs are void. */
  readonly epoch: number;
  readonly isolation: KvIsolation;
  readonly readTs: Timestamp;
  readonly writeTs: Timestamp;
  /** When it began: nothing of it can be older. */
  readonly minTs: Timestamp;
  readonly uncertaintyLimit: Timestamp;
  readonly coordinator: NodeId;
  /** For error messages. */
  readonly name: string;
}

/**
 * What to do about another's lock. `past` is for plain reads outside transactions that need to become right
 * only: they see what is committed and applied here, whatever is about to change it, and promise nothing to
 * anyone; the leaseholder looks after the locks that they met.
 */
export type WaitPolicy = 'block' | 'nowait' | 'skip' | 'past';

export interface BatchHeader {
  readonly rangeId: RangeId;
  readonly txn: TxnMeta | null;
  readonly timestamp: Timestamp;
  readonly wait: WaitPolicy;
  readonly canBumpReadTs: boolean;
  /** Clock of the target node when the transaction first visited it; 0 = not visited. */
  readonly observedTs: Timestamp;
  /** Over all scans of the batch; 0 = none. A scan that stops gives a resumeKey. */
  readonly maxRows: number;
  readonly maxBytes: number;
  /** Milliseconds to wait for locks, 0 = without limit (55P03 afterwards). */
  readonly lockTimeoutMs: number;
  readonly gatewayNode: NodeId;
  /**
   * The sender's clock at this very sending, in batches that write for a transaction; 0: not told. What was sent before a
   * lease began is not evaluated under it (eval/sent.ts): its transaction may be over, and nobody here would know.
   */
  readonly sentTs: Timestamp;
}

/** Shared locks suit each other; an exclusive one suits no other. Writes take exclusive ones. */
export type LockMode = 'none' | 'share' | 'exclusive';

/**
 * What of a row is asked for and locked. A row is two keys here: its own, and `existenceKey` behind it, which never has
 * a value; whoever removes the row, or gives it another key, deletes that one too. So:
 * - 'row' is the row as it is: to be read or changed, but to stay (with 'exclusive', PostgreSQL's FOR NO KEY UPDATE);
 * - 'existence' is that there is such a row, whatever is in it (with 'share', FOR KEY SHARE);
 * - 'whole' is both ('exclusive' only; FOR UPDATE).
 */
export type LockScope = 'row' | 'existence' | 'whole';

export interface GetRequest {
  readonly kind: 'get';
  readonly key: Key;
  readonly lock: LockMode;
  /**
   * Default 'row'. With 'existence' null means only that this read cannot tell: the row itself must then be read. Anything
   * else is a value that the row had or has.
   */
  readonly scope?: LockScope;
}
export interface ScanRequest {
  readonly kind: 'scan';
  readonly start: Key;
  readonly end: Key;
  readonly reverse: boolean;
  readonly lock: LockMode;
  /** Default 'row'; not 'existence'. */
  readonly scope?: LockScope;
}
export interface PutRequest {
  readonly kind: 'put';
  readonly key: Key;
  /** null deletes. */
  readonly value: Uint8Array | null;
  /** Fails with 'key-exists' if a live value (not this transaction's delete) is there. */
  readonly mustNotExist: boolean;
  /**
   * Not 0: nobody else may have committed a write of this key since this timestamp (the time its lock
   * was taken); otherwise 'retry' reason 'lost-lock'. Keeps READ COMMITTED and snapshot isolation
   * safe when an unreplicated lock was lost with its leaseholder.
   */
  readonly exclusionSince: Timestamp;
  /** Orders this transaction's writes of one key; a repeated delivery does not undo a later write. */
  readonly sequence: number;
}
/** Non-transactional write at the present for key spaces nobody else knows of (bulk ingest). */
export interface IngestRequest {
  readonly kind: 'ingest';
  readonly keys: readonly Key[];
  readonly values: readonly Uint8Array[];
  readonly timestamp: Timestamp;
}
/** Non-transactional counter: adds and returns the new value. Value is 8 bytes big-endian double-safe int. */
export interface IncrementRequest {
  readonly kind: 'increment';
  readonly key: Key;
  readonly by: number;
}
/** Verifies that nothing was written in [start, end) (end null: the key) in (fromTs, toTs], and keeps it so. */
export interface RefreshRequest {
  readonly kind: 'refresh';
  readonly start: Key;
  readonly end: Key | null;
  readonly fromTs: Timestamp;
  readonly toTs: Timestamp;
}
export interface EndTxnRequest {
  readonly kind: 'end-txn';
  /**
   * - 'one-phase': all writes are puts of this very batch: commit them at once without intents.
   * - 'stage': write the record STAGING with `inFlight` (keys written elsewhere and here with their sequence).
   * - 'commit': the record becomes COMMITTED (all writes are known to have succeeded).
   * - 'abort'.
   */
  readonly action: 'one-phase' | 'stage' | 'commit' | 'abort';
  readonly inFlight: readonly InFlightWrite[];
  /** Keys locked or written (also in inFlight) that lie in this range: resolved with the record. */
  readonly localLocks: readonly Key[];
  /** Every key that may carry an intent, for whoever has to clean up. */
  readonly lockKeys: readonly Key[];
  /** Spans of keys that may, for a condensed list. */
  readonly lockSpans: readonly Span[];
  /** Runs when the commit applies; only with 'one-phase' or 'commit'. */
  readonly split: SplitTrigger | null;
}
export interface InFlightWrite {
  readonly key: Key;
  readonly sequence: number;
}
export interface SplitTrigger {
  readonly left: RangeDescriptor;
  readonly right: RangeDescriptor;
  /** Who campaigns for the right half, chosen by the leaseholder that evaluates; 0: the node that its id prefers. */
  readonly firstLeader: NodeId;
}
export interface HeartbeatTxnRequest {
  readonly kind: 'heartbeat-txn';
  readonly now: Timestamp;
}
export interface PushTxnRequest {
  readonly kind: 'push-txn';
  readonly pushee: TxnMeta;
  /** 'touch': only tell the state. 'timestamp': move its writeTs above pushTo. 'abort'. */
  readonly type: 'touch' | 'timestamp' | 'abort';
  readonly pushTo: Timestamp;
  /** Push even a live transaction (deadlock victim). */
  readonly force: boolean;
}
export interface RecoverTxnRequest {
  readonly kind: 'recover-txn';
  readonly txn: TxnMeta;
  /** Every in-flight write was found: commit; otherwise one is missing and cannot appear: abort. */
  readonly committed: boolean;
}
/** Is the in-flight write there? If not, it is prevented from ever succeeding at ts (timestamp cache). */
export interface QueryIntentRequest {
  readonly kind: 'query-intent';
  readonly key: Key;
  readonly txnId: TxnId;
  readonly epoch: number;
  readonly sequence: number;
  readonly ts: Timestamp;
}
export interface ResolveIntentsRequest {
  readonly kind: 'resolve-intents';
  readonly keys: readonly Key[];
  /** [start, end) spans to resolve as well, for transactions whose key list was condensed. */
  readonly spans: readonly { readonly start: Key; readonly end: Key }[];
  readonly txnId: TxnId;
  readonly epoch: number;
  readonly status: 'committed' | 'aborted' | 'pending';
  /** Commit timestamp, or the pushed timestamp for 'pending'. */
  readonly ts: Timestamp;
  /**
   * Not 0: a rollback to a savepoint. The transaction goes on, and only intents of its writes numbered up to here are void,
   * those that are there and those that come late.
   */
  readonly upTo: number;
}
/** Removes finished transaction records. */
export interface GcTxnsRequest {
  readonly kind: 'gc-txns';
  readonly txns: readonly {
    readonly id: TxnId;
    readonly anchorKey: Key;
    /**
     * Not 0: the transaction is committed at this time and its intents are all resolved, so that even a
     * STAGING record has nothing left to say.
     */
    readonly committedAt: Timestamp;
  }[];
}
export interface RangeStatsRequest {
  readonly kind: 'range-stats';
}
export interface TransferLeaseRequest {
  readonly kind: 'transfer-lease';
  readonly to: NodeId;
}

export type KvRequest =
  | GetRequest
  | ScanRequest
  | PutRequest
  | IngestRequest
  | IncrementRequest
  | RefreshRequest
  | EndTxnRequest
  | HeartbeatTxnRequest
  | PushTxnRequest
  | RecoverTxnRequest
  | QueryIntentRequest
  | ResolveIntentsRequest
  | GcTxnsRequest
  | RangeStatsRequest
  | TransferLeaseRequest;

export interface GetResponse {
  readonly kind: 'get';
  readonly value: Buffer | null;
  /** Locked by another and wait = 'skip'. */
  readonly skipped: boolean;
}
export interface ScanResponse {
  readonly kind: 'scan';
  readonly keys: readonly Key[];
  readonly values: readonly Buffer[];
  readonly resumeKey: Key | null;
}
export interface IncrementResponse {
  readonly kind: 'increment';
  readonly value: number;
}
export type TxnRecordStatus = 'pending' | 'staging' | 'committed' | 'aborted';
export interface EndTxnResponse {
  readonly kind: 'end-txn';
  readonly status: TxnRecordStatus;
  readonly commitTs: Timestamp;
}
export interface PushTxnResponse {
  readonly kind: 'push-txn';
  readonly status: TxnRecordStatus;
  readonly writeTs: Timestamp;
  readonly epoch: number;
  /** For 'staging': what must be found to call it committed. */
  readonly inFlight: readonly InFlightWrite[];
  readonly lockKeys: readonly Key[];
  /** False: a live transaction that this push may not move; the pusher goes on waiting. */
  readonly pushed: boolean;
}
export interface RecoverTxnResponse {
  readonly kind: 'recover-txn';
  readonly status: TxnRecordStatus;
  readonly writeTs: Timestamp;
  readonly lockKeys: readonly Key[];
  readonly lockSpans: readonly Span[];
}
export interface QueryIntentResponse {
  readonly kind: 'query-intent';
  readonly found: boolean;
}
export interface HeartbeatTxnResponse {
  readonly kind: 'heartbeat-txn';
  readonly status: TxnRecordStatus;
}
export interface RangeStatsResponse {
  readonly kind: 'range-stats';
  readonly bytes: number;
}
/** Answers to what may concern wide spans. */
export interface SpanResponse {
  readonly kind: 'refresh' | 'resolve-intents';
  /** Within a leaseholder: where the work on a wide span goes on. Always null for callers. */
  readonly resumeKey: Key | null;
}
export interface EmptyResponse {
  readonly kind: 'put' | 'ingest' | 'gc-txns' | 'transfer-lease';
}
export type KvResponse =
  | GetResponse
  | ScanResponse
  | IncrementResponse
  | EndTxnResponse
  | PushTxnResponse
  | RecoverTxnResponse
  | QueryIntentResponse
  | HeartbeatTxnResponse
  | RangeStatsResponse
  | SpanResponse
  | EmptyResponse;

export interface BatchRequest {
  readonly header: BatchHeader;
  readonly requests: readonly KvRequest[];
}

export interface BatchResponse {
  readonly responses: readonly KvResponse[];
  /** What the server decided about the transaction's timestamps; null without a transaction. */
  readonly txn: { readonly readTs: Timestamp; readonly writeTs: Timestamp } | null;
  /** Clock of the serving node before evaluation: the observed timestamp of later visits. */
  readonly now: Timestamp;
  /** Time at which the batch's reads without transaction happened. */
  readonly readAt: Timestamp;
}

export interface ReplicaDescriptor {
  readonly nodeId: NodeId;
  readonly type: 'voter' | 'learner';
}
export interface RangeDescriptor {
  readonly rangeId: RangeId;
  readonly start: Key;
  readonly end: Key;
  readonly replicas: readonly ReplicaDescriptor[];
  /** Raised by every split, merge and replica change. */
  readonly generation: number;
}

/** Sends a batch to one range's leaseholder candidates; implemented in src/txn by the router. */
export type BatchSender = (batch: BatchRequest) => Promise<BatchResponse>;
