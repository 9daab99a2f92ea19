/**
 * end-txn: the commit protocol at the range of the transaction's record (DESIGN 7).
 *
 * - 'one-phase': the puts of this batch are the whole transaction; they become versions at once.
 * - 'stage': intents plus a STAGING record that lists every write. The transaction is committed from
 *   the moment that the record and all listed writes, at or below the staged timestamp, are there.
 *   If this batch's own puts had to move up, the record is staged up there if the transaction may land
 *   anywhere (canBumpReadTs); otherwise nothing is staged, and the answer's writeTs says so.
 * - 'commit': makes it explicit; the intents of this range go with it.
 * - 'abort'.
 *
 * Invariants
 * - A record never leaves COMMITTED or ABORTED but by collection; STAGING changes only to a higher timestamp by its
 *   coordinator, who then says so (txn.writeTs above the staged one), or to an end state. A repetition never moves it.
 * - An answered commit has either a COMMITTED record, or a STAGING one with every write in place, or its values are versions.
 * - A write that is counted (found by a recovery, or acknowledged to the coordinator at or below the commit) has an intent at or
 *   below the commit, or the version that it became, at the commit and tagged. What might move it up: a push moves intents to
 *   the record's own timestamp, below which nothing is staged or committed; a repeated put leaves its intent (write.ts); a later
 *   write of the key is sent only before the staging. So an intent above the commit is a late duplicate (resolveKeys).
 * - Every intent is resolved before its record is collected, those in condensed spans as well; so for a collected one 'aborted' is
 *   the right answer to whoever still sees an intent.
 * - Whether there was a record is known to this leaseholder alone, so nothing sent before its lease makes one (sent.ts).
 * - Versions of a transaction must not be garbage-collected while its record is STAGING: they are the proof of its writes.
 */
import { assert, unreachable } from '../../base/assert.js';
import {
  decodeIntent,
  encodeIntent,
  encodeTransaction,
  intentKey,
  transactionKey,
  type TransactionRecord,
} from '../../storage/lock-record.js';
import { mvccHasTagged, mvccPut } from '../../storage/mvcc.js';
import type { Key } from '../../base/key.js';
import type { Timestamp } from '../../base/ids.js';
import { mark } from '../../base/probes.js';
import type { EndTxnRequest, EndTxnResponse, ResolveIntentsRequest, SplitTrigger, TxnMeta } from '../kv-api.js';
import { KvError } from '../kv-errors.js';
import { holds, type LockState } from '../lock-table.js';
import type { Ending } from '../txn-records.js';
import type { EvalContext } from './context.js';
import { commitPuts, layIntents } from './write.js';

export function putRecord(ctx: EvalContext, record: TransactionRecord): void {
  ctx.batch.put('locks', transactionKey(record.anchorKey, record.txnId), encodeTransaction(record));
  ctx.effects.push({ kind: 'record', record });
}

export function dropRecord(ctx: EvalContext, anchorKey: Key, id: string, ending: Ending): void {
  ctx.batch.delete('locks', transactionKey(anchorKey, id));
  ctx.effects.push({ kind: 'record-collected', id, ending });
}

export function newRecord(
  txn: TxnMeta,
  status: TransactionRecord['status'],
  writeTs: Timestamp,
  now: Timestamp,
): TransactionRecord {
  return {
    txnId: txn.id,
    anchorKey: txn.anchorKey,
    status,
    epoch: txn.epoch,
    writeTs,
    readTs: txn.readTs,
    minTs: txn.minTs,
    lastHeartbeatTs: now,
    isolation: txn.isolation,
    coordinatorNode: txn.coordinator,
    inFlight: [],
    lockKeys: [],
    lockSpans: [],
  };
}

export function evalEndTxn(ctx: EvalContext, request: EndTxnRequest): EndTxnResponse {
  const txn = ctx.txn;
  assert(txn !== null, 'end-txn without a transaction');
  const record = ctx.range.records.get(txn.id);
  switch (request.action) {
    case 'one-phase':
      return onePhase(ctx, txn, record, request);
    case 'stage':
      return stage(ctx, txn, record, request);
    case 'commit':
      return commit(ctx, txn, record, request);
    case 'abort':
      return abort(ctx, txn, record, request);
    default:
      return unreachable(request.action);
  }
}

/** The answer to a repeated end of a committed transaction; null if it may go on. @throws KvError aborted */
function alreadyEnded(ctx: EvalContext, txn: TxnMeta, record: TransactionRecord | undefined): EndTxnResponse | null {
  const ending = record === undefined ? ctx.range.records.ending(txn.id) : undefined;
  if (record?.status === 'aborted' || ending?.status === 'aborted') {
    throw new KvError({ kind: 'aborted', reason: 'pushed by another transaction' });
  }
  if (ending === undefined) return null;
  mark('record-collected-then-asked');
  // The puts of this delivery come too late, and so did their locks.
  for (const key of ctx.claimed) ctx.effects.push({ kind: 'unlock', key, txnId: txn.id });
  ctx.puts.length = 0;
  return { kind: 'end-txn', status: 'committed', commitTs: ending.ts };
}

/** A push moved the transaction's timestamp: it must not commit below it. */
function honourPush(ctx: EvalContext, record: TransactionRecord | undefined): void {
  if (record !== undefined && record.status === 'pending' && record.writeTs > ctx.writeTs) {
    mark('push-honoured-at-commit');
    ctx.writeTs = record.writeTs;
  }
}

function onePhase(
  ctx: EvalContext,
  txn: TxnMeta,
  record: TransactionRecord | undefined,
  request: EndTxnRequest,
): EndTxnResponse {
  const ended = alreadyEnded(ctx, txn, record);
  if (ended !== null) return ended;
  if (record !== undefined && record.status !== 'pending') {
    throw new KvError({ kind: 'one-phase-refused', reason: `its record is ${record.status}` });
  }
  honourPush(ctx, record);
  if (ctx.writeTs > txn.writeTs && !ctx.header.canBumpReadTs) {
    const key = ctx.puts[0]?.request.key ?? txn.anchorKey;
    throw new KvError({ kind: 'write-too-old', key, retryTs: ctx.writeTs });
  }
  if (ctx.range.leaseStart > ctx.writeTs) ctx.writeTs = ctx.range.leaseStart;
  commitPuts(ctx, txn);
  const written = new Set(ctx.puts.map((put) => put.request.key));
  for (const key of request.localLocks) {
    if (!written.has(key)) ctx.effects.push({ kind: 'unlock', key, txnId: txn.id });
  }
  const ending: Ending = { status: 'committed', ts: ctx.writeTs };
  if (record !== undefined) dropRecord(ctx, txn.anchorKey, txn.id, ending);
  else ctx.effects.push({ kind: 'record-collected', id: txn.id, ending });
  trigger(ctx, request.split);
  return { kind: 'end-txn', status: 'committed', commitTs: ctx.writeTs };
}

function stage(
  ctx: EvalContext,
  txn: TxnMeta,
  record: TransactionRecord | undefined,
  request: EndTxnRequest,
): EndTxnResponse {
  const ended = alreadyEnded(ctx, txn, record);
  if (ended !== null) return ended;
  if (record?.status === 'committed') {
    mark('staging-after-recovery');
    // Staged once more after a recovery had committed it: the puts of this batch lay nothing.
    for (const key of ctx.claimed) ctx.effects.push({ kind: 'unlock', key, txnId: txn.id });
    return { kind: 'end-txn', status: 'committed', commitTs: record.writeTs };
  }
  honourPush(ctx, record);
  layIntents(ctx, txn);
  if (record?.status === 'staging' && record.writeTs >= txn.writeTs) {
    // Delivered once more, perhaps when its writes are versions already: then its puts are late duplicates above the commit,
    // and a record moved up to them would be judged by writes that nobody finds there.
    if (ctx.writeTs > record.writeTs) mark('late-staging-stays');
    return { kind: 'end-txn', status: 'staging', commitTs: record.writeTs };
  }
  if (ctx.writeTs > txn.writeTs && !ctx.header.canBumpReadTs) {
    // Not staged, so no timestamp to commit at; how far the writes moved is in the answer's header.
    return { kind: 'end-txn', status: 'pending', commitTs: txn.writeTs };
  }
  putRecord(ctx, {
    ...newRecord(txn, 'staging', ctx.writeTs, ctx.now),
    inFlight: request.inFlight,
    lockKeys: request.lockKeys,
    lockSpans: request.lockSpans,
  });
  return { kind: 'end-txn', status: 'staging', commitTs: ctx.writeTs };
}

function commit(
  ctx: EvalContext,
  txn: TxnMeta,
  record: TransactionRecord | undefined,
  request: EndTxnRequest,
): EndTxnResponse {
  if (record?.status === 'committed') {
    mark('replay-of-a-committed-command');
    resolveKeys(ctx, txn.id, txn.epoch, 'committed', record.writeTs, request.localLocks);
    return { kind: 'end-txn', status: 'committed', commitTs: record.writeTs };
  }
  const ended = alreadyEnded(ctx, txn, record);
  if (ended !== null) return ended;
  const commitTs = ctx.writeTs;
  if (record !== undefined && record.writeTs > commitTs) {
    assert(record.status === 'pending', 'a staged transaction is committed below its staged timestamp');
    throw new KvError({ kind: 'retry', reason: 'pushed', key: txn.anchorKey, retryTs: record.writeTs });
  }
  assert(ctx.puts.length === 0, 'an explicit commit carries no puts');
  resolveKeys(ctx, txn.id, txn.epoch, 'committed', commitTs, request.localLocks);
  // Kept even if all its keys are resolved here: if the answer is lost, the record is what can be asked.
  const { lockKeys, lockSpans } = request;
  putRecord(ctx, { ...newRecord(txn, 'committed', commitTs, ctx.now), lockKeys, lockSpans });
  if (lockSpans.length > 0 || lockKeys.length >= MANY_INTENTS) {
    ctx.effects.push({ kind: 'committed', txnId: txn.id, ts: commitTs, epoch: txn.epoch });
  }
  trigger(ctx, request.split);
  return { kind: 'end-txn', status: 'committed', commitTs };
}

/** A trigger is for one state of the range; applied to another it would tear the keyspace. */
function trigger(ctx: EvalContext, split: SplitTrigger | null): void {
  if (split === null) return;
  const { left, right } = split;
  const now = ctx.range.descriptor;
  const fits =
    left.rangeId === now.rangeId &&
    right.rangeId !== left.rangeId &&
    left.start === now.start &&
    left.end === right.start &&
    right.end === now.end &&
    left.start < left.end &&
    right.start < right.end &&
    left.generation > now.generation;
  if (!fits) throw new KvError({ kind: 'aborted', reason: 'the range changed while it was to be split' });
  ctx.split = split;
}

function abort(
  ctx: EvalContext,
  txn: TxnMeta,
  record: TransactionRecord | undefined,
  request: EndTxnRequest,
): EndTxnResponse {
  if (record?.status === 'committed') {
    return { kind: 'end-txn', status: 'committed', commitTs: record.writeTs };
  }
  const ending = record === undefined ? ctx.range.records.ending(txn.id) : undefined;
  if (ending?.status === 'committed') return { kind: 'end-txn', status: 'committed', commitTs: ending.ts };
  resolveKeys(ctx, txn.id, txn.epoch, 'aborted', 0, request.localLocks);
  if (record?.status !== 'aborted' && ending === undefined) {
    const { lockKeys, lockSpans } = request;
    putRecord(ctx, { ...newRecord(txn, 'aborted', txn.writeTs, ctx.now), lockKeys, lockSpans });
  }
  return { kind: 'end-txn', status: 'aborted', commitTs: 0 };
}

/** Of one transaction: readers learn that it has committed before all of them are resolved. */
export const MANY_INTENTS = 256;
/** Bytes of intents that one batch reads to resolve them, beyond which the others wait for the next; at least one gets in. */
const RESOLVED_BYTES_MAX = 1 << 20;
/** Intents that are read together: one of them may be a large value. */
const READ_AT_ONCE = 32;

/** What became of a transaction: see the request `resolve-intents`. */
type Resolution = Pick<ResolveIntentsRequest, 'txnId' | 'epoch' | 'status' | 'ts' | 'upTo'>;

/**
 * Resolves the transaction's intents and releases its locks on the given keys. Keys that would make the batch too large
 * are left to `ctx.unresolved`: whoever evaluates goes on with them before the batch is answered.
 */
export function resolveKeys(
  ctx: EvalContext,
  txnId: string,
  epoch: number,
  status: 'committed' | 'aborted' | 'pending',
  ts: Timestamp,
  keys: Iterable<Key>,
  upTo = 0,
): void {
  const resolution = { txnId, epoch, status, ts, upTo };
  const all = [...keys];
  let stored: ReadonlyMap<Key, Buffer> = new Map();
  for (const [at, key] of all.entries()) {
    if (ctx.resolvedBytes >= RESOLVED_BYTES_MAX) {
      ctx.unresolved.push({ kind: 'resolve-intents', ...resolution, keys: all.slice(at), spans: [] });
      return;
    }
    if (at % READ_AT_ONCE === 0) stored = storedIntents(ctx, txnId, all.slice(at, at + READ_AT_ONCE));
    resolveKey(ctx, resolution, key, stored.get(key));
  }
}

/** The transaction's intents on those of the keys that have one, read together: one by one, thousands take three times as long. */
function storedIntents(ctx: EvalContext, txnId: string, keys: readonly Key[]): ReadonlyMap<Key, Buffer> {
  const { locks, reader } = ctx.range;
  const laid = keys.filter((key) => {
    const lock = locks.get(key);
    return lock !== undefined && lock.intentTs !== 0 && holds(lock, txnId);
  });
  const found = new Map<Key, Buffer>();
  for (const [i, stored] of reader.getMany('locks', laid.map(intentKey)).entries()) {
    assert(stored !== null, 'the lock table names an intent that is not there');
    found.set(laid[i]!, stored);
  }
  return found;
}

function resolveKey(ctx: EvalContext, resolution: Resolution, key: Key, stored: Buffer | undefined): void {
  const { txnId, epoch, status, ts, upTo } = resolution;
  if (upTo !== 0) ctx.effects.push({ kind: 'writes-voided', key, txnId, upTo });
  const lock = ctx.range.locks.get(key);
  if (lock === undefined || !holds(lock, txnId)) return;
  if (stored === undefined) {
    if (status !== 'pending') ctx.effects.push({ kind: 'unlock', key, txnId });
    return;
  }
  ctx.resolvedBytes += stored.length;
  const intent = decodeIntent(stored);
  assert(intent.txnId === txnId, 'the lock table names the wrong holder of an intent');
  if (upTo !== 0 && intent.sequence > upTo) {
    mark('late-void-stays-off');
    return;
  }
  if (status === 'pending') {
    if (intent.writeTs < ts) moveIntent(ctx, key, lock.holder!, intent, ts);
    return;
  }
  if (status === 'committed' && intent.epoch === epoch && isPartOfCommit(ctx, lock, ts)) {
    ctx.clockTs = Math.max(ctx.clockTs, ts);
    // An intent above its transaction's beginning may itself have been moved there by a push.
    const shifted = ts > intent.writeTs || intent.writeTs > intent.minTs;
    mvccPut(ctx.batch, key, ts, intent.value, shifted, txnTag(txnId));
  }
  ctx.batch.delete('locks', intentKey(key));
  ctx.effects.push({ kind: 'intent-removed', key });
}

/**
 * An intent above the commit was laid by a put delivered once more after its first delivery had been resolved: it is not
 * one of the writes that committed, and what that one became is there. If nothing is there, it is the write itself: what was
 * counted never moves above the commit (write.ts; committer.ts), but if it did, dropping it would lose it. Nobody else
 * can have written the key since the commit, as it was never without an intent.
 */
export function isPartOfCommit(ctx: EvalContext, lock: LockState, ts: Timestamp): boolean {
  if (lock.intentTs <= ts) return true;
  if (mvccHasTagged(ctx.range.reader, lock.key, ts, txnTag(lock.holder!.id))) return false;
  mark('moved-intent-committed');
  return true;
}

function moveIntent(
  ctx: EvalContext,
  key: Key,
  holder: TxnMeta,
  intent: ReturnType<typeof decodeIntent>,
  ts: Timestamp,
): void {
  ctx.clockTs = Math.max(ctx.clockTs, ts);
  ctx.batch.put('locks', intentKey(key), encodeIntent({ ...intent, writeTs: ts }));
  ctx.effects.push({ kind: 'intent-laid', key, txn: { ...holder, epoch: intent.epoch }, ts, moved: true });
}

/** What versions carry of the transaction whose intent they were; see evalQueryIntent. */
export function txnTag(txnId: string): string {
  return txnId.slice(0, 8);
}
