/**
 * The family `locks`: intents and transaction records (DESIGN 7). It is nearly empty in the steady
 * state. Two kinds of keys, so that a span of user keys maps to one span of each kind:
 *
 *   'i' + user key                                intent: the provisional write of a transaction
 *   't' + escaped anchor key + 00 01 + 16 bytes   record of a transaction anchored at that key
 *
 * Intents live here and not in `versions`: that family holds committed data only. Values are
 * protobuf (proto/storage.proto); golden bytes in test/storage/lock-record.test.ts.
 *
 * Reading corrupted bytes throws QuoralError XX001.
 */
import { assert, unreachable } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import type { NodeId, Timestamp, TxnId } from '../base/ids.js';
import { bytesToKey, formatKey, keyToBytes, type Key, type Span } from '../base/key.js';
import {
  StoredIntent,
  StoredIsolation,
  StoredTransaction,
  StoredTransaction_Status,
} from '../encoding/proto/storage.js';
import { unescapeKey, versionPrefix } from './mvcc-key.js';

const INTENT_PREFIX = 'i';
const TRANSACTION_PREFIX = 't';
const TXN_ID_BYTES = 16;
const TERMINATOR_BYTES = 2;
const NO_VALUE = Buffer.alloc(0);

export type StoredIsolationLevel = 'serializable' | 'repeatable read' | 'read committed';
export type TransactionStatus = 'pending' | 'staging' | 'committed' | 'aborted';

export interface IntentRecord {
  readonly txnId: TxnId;
  readonly anchorKey: Key;
  readonly epoch: number;
  readonly writeTs: Timestamp;
  readonly sequence: number;
  /** null: a deletion. */
  readonly value: Buffer | null;
  readonly minTs: Timestamp;
  readonly isolation: StoredIsolationLevel;
  readonly coordinatorNode: NodeId;
}

export interface InFlightRecord {
  readonly key: Key;
  readonly sequence: number;
}

export interface TransactionRecord {
  readonly txnId: TxnId;
  readonly anchorKey: Key;
  readonly status: TransactionStatus;
  readonly epoch: number;
  readonly writeTs: Timestamp;
  readonly readTs: Timestamp;
  readonly minTs: Timestamp;
  readonly lastHeartbeatTs: Timestamp;
  readonly isolation: StoredIsolationLevel;
  readonly coordinatorNode: NodeId;
  /** The writes listed by STAGING. */
  readonly inFlight: readonly InFlightRecord[];
  readonly lockKeys: readonly Key[];
  readonly lockSpans: readonly Span[];
}

// ---- keys -------------------------------------------------------------------------------------

export function intentKey(userKey: Key): Key {
  return INTENT_PREFIX + userKey;
}

export function isIntentKey(lockKey: Key): boolean {
  return lockKey.startsWith(INTENT_PREFIX);
}

export function intentUserKey(lockKey: Key): Key {
  assert(isIntentKey(lockKey), () => `${formatKey(lockKey)} is not an intent's key`);
  return lockKey.slice(INTENT_PREFIX.length);
}

export function transactionKey(anchorKey: Key, txnId: TxnId): Key {
  assert(txnId.length === TXN_ID_BYTES, 'a transaction id has 16 bytes');
  return TRANSACTION_PREFIX + versionPrefix(anchorKey) + txnId;
}

export function decodeTransactionKey(lockKey: Key): { anchorKey: Key; txnId: TxnId } {
  const at = lockKey.length - TXN_ID_BYTES - TERMINATOR_BYTES;
  if (at < TRANSACTION_PREFIX.length || !lockKey.startsWith(TRANSACTION_PREFIX)) {
    throw new QuoralError('XX001', `corrupted key of a transaction record ${formatKey(lockKey)}`);
  }
  return {
    anchorKey: unescapeKey(lockKey.slice(TRANSACTION_PREFIX.length, at)),
    txnId: lockKey.slice(-TXN_ID_BYTES),
  };
}

/** Where the intents of the user keys [start, end) are in the family `locks`. */
export function intentSpan(start: Key, end: Key): Span {
  return { start: INTENT_PREFIX + start, end: INTENT_PREFIX + end };
}

/** Where the records of transactions anchored in [start, end) are in the family `locks`. */
export function transactionSpan(start: Key, end: Key): Span {
  return {
    start: TRANSACTION_PREFIX + versionPrefix(start),
    end: TRANSACTION_PREFIX + versionPrefix(end),
  };
}

// ---- values -----------------------------------------------------------------------------------

function isolationToProto(isolation: StoredIsolationLevel): StoredIsolation {
  switch (isolation) {
    case 'serializable':
      return StoredIsolation.SERIALIZABLE;
    case 'repeatable read':
      return StoredIsolation.REPEATABLE_READ;
    case 'read committed':
      return StoredIsolation.READ_COMMITTED;
    default:
      return unreachable(isolation, 'isolation level');
  }
}

function isolationFromProto(isolation: StoredIsolation): StoredIsolationLevel {
  switch (isolation) {
    case StoredIsolation.SERIALIZABLE:
      return 'serializable';
    case StoredIsolation.REPEATABLE_READ:
      return 'repeatable read';
    case StoredIsolation.READ_COMMITTED:
      return 'read committed';
    default:
      throw new QuoralError('XX001', `corrupted lock record: isolation level ${isolation}`);
  }
}

function statusToProto(status: TransactionStatus): StoredTransaction_Status {
  switch (status) {
    case 'pending':
      return StoredTransaction_Status.PENDING;
    case 'staging':
      return StoredTransaction_Status.STAGING;
    case 'committed':
      return StoredTransaction_Status.COMMITTED;
    case 'aborted':
      return StoredTransaction_Status.ABORTED;
    default:
      return unreachable(status, 'transaction status');
  }
}

function statusFromProto(status: StoredTransaction_Status): TransactionStatus {
  switch (status) {
    case StoredTransaction_Status.PENDING:
      return 'pending';
    case StoredTransaction_Status.STAGING:
      return 'staging';
    case StoredTransaction_Status.COMMITTED:
      return 'committed';
    case StoredTransaction_Status.ABORTED:
      return 'aborted';
    default:
      throw new QuoralError('XX001', `corrupted transaction record: status ${status}`);
  }
}

function decodeOrThrow<T>(what: string, bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T {
  try {
    return decode(bytes);
  } catch (cause) {
    throw new QuoralError('XX001', `corrupted ${what} (${bytes.length} bytes)`, { cause });
  }
}

function checkTxnId(what: string, id: Uint8Array): TxnId {
  if (id.length !== TXN_ID_BYTES) {
    throw new QuoralError('XX001', `corrupted ${what}: transaction id of ${id.length} bytes`);
  }
  return bytesToKey(id);
}

export function encodeIntent(intent: IntentRecord): Buffer {
  assert(intent.txnId.length === TXN_ID_BYTES, 'a transaction id has 16 bytes');
  const bytes = StoredIntent.encode({
    txnId: keyToBytes(intent.txnId),
    anchorKey: keyToBytes(intent.anchorKey),
    epoch: intent.epoch,
    writeTs: intent.writeTs,
    sequence: intent.sequence,
    tombstone: intent.value === null,
    value: intent.value ?? NO_VALUE,
    minTs: intent.minTs,
    isolation: isolationToProto(intent.isolation),
    coordinatorNode: intent.coordinatorNode,
  }).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function decodeIntent(bytes: Uint8Array): IntentRecord {
  const stored = decodeOrThrow('intent', bytes, (b) => StoredIntent.decode(b));
  return {
    txnId: checkTxnId('intent', stored.txnId),
    anchorKey: bytesToKey(stored.anchorKey),
    epoch: stored.epoch,
    writeTs: stored.writeTs,
    sequence: stored.sequence,
    value: stored.tombstone ? null : stored.value,
    minTs: stored.minTs,
    isolation: isolationFromProto(stored.isolation),
    coordinatorNode: stored.coordinatorNode,
  };
}

/** What an intent begins with when it is of this one's transaction, epoch and time: two with one head differ in their writes only. */
export function intentHead(intent: IntentRecord): Buffer {
  const bytes = StoredIntent.encode({
    txnId: keyToBytes(intent.txnId),
    anchorKey: keyToBytes(intent.anchorKey),
    epoch: intent.epoch,
    writeTs: intent.writeTs,
    // Left out are fields that are zero, and all that follow.
    sequence: 0,
    tombstone: false,
    value: NO_VALUE,
    minTs: 0,
    isolation: StoredIsolation.SERIALIZABLE,
    coordinatorNode: 0,
  }).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function encodeTransaction(record: TransactionRecord): Buffer {
  assert(record.txnId.length === TXN_ID_BYTES, 'a transaction id has 16 bytes');
  const bytes = StoredTransaction.encode({
    txnId: keyToBytes(record.txnId),
    anchorKey: keyToBytes(record.anchorKey),
    status: statusToProto(record.status),
    epoch: record.epoch,
    writeTs: record.writeTs,
    readTs: record.readTs,
    minTs: record.minTs,
    lastHeartbeatTs: record.lastHeartbeatTs,
    isolation: isolationToProto(record.isolation),
    coordinatorNode: record.coordinatorNode,
    inFlight: record.inFlight.map((w) => ({ key: keyToBytes(w.key), sequence: w.sequence })),
    lockKeys: record.lockKeys.map(keyToBytes),
    lockSpans: record.lockSpans.map((s) => ({
      start: keyToBytes(s.start),
      end: keyToBytes(s.end),
    })),
  }).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function decodeTransaction(bytes: Uint8Array): TransactionRecord {
  const stored = decodeOrThrow('transaction record', bytes, (b) => StoredTransaction.decode(b));
  return {
    txnId: checkTxnId('transaction record', stored.txnId),
    anchorKey: bytesToKey(stored.anchorKey),
    status: statusFromProto(stored.status),
    epoch: stored.epoch,
    writeTs: stored.writeTs,
    readTs: stored.readTs,
    minTs: stored.minTs,
    lastHeartbeatTs: stored.lastHeartbeatTs,
    isolation: isolationFromProto(stored.isolation),
    coordinatorNode: stored.coordinatorNode,
    inFlight: stored.inFlight.map((w) => ({ key: bytesToKey(w.key), sequence: w.sequence })),
    lockKeys: stored.lockKeys.map(bytesToKey),
    lockSpans: stored.lockSpans.map((s) => ({
      start: bytesToKey(s.start),
      end: bytesToKey(s.end),
    })),
  };
}
