/** heartbeat, push, recover, gc: what happens to transaction records besides their own end. */
import { assert } from '../../base/assert.js';
import { mark } from '../../base/probes.js';
import type {
  EmptyResponse,
  GcTxnsRequest,
  HeartbeatTxnRequest,
  HeartbeatTxnResponse,
  PushTxnRequest,
  PushTxnResponse,
  RecoverTxnRequest,
  RecoverTxnResponse,
} from '../kv-api.js';
import type { TransactionRecord } from '../../storage/lock-record.js';
import type { EvalContext } from './context.js';
import { dropRecord, newRecord, putRecord } from './end-txn.js';

/** Without a sign of life for this long a transaction counts as abandoned. */
export const TXN_EXPIRY_US = 5_000_000;

export function evalHeartbeat(ctx: EvalContext, request: HeartbeatTxnRequest): HeartbeatTxnResponse {
  const txn = ctx.txn;
  assert(txn !== null, 'a heartbeat without a transaction');
  const record = ctx.range.records.get(txn.id);
  if (record === undefined) {
    const ending = ctx.range.records.ending(txn.id);
    if (ending !== undefined) return { kind: 'heartbeat-txn', status: ending.status };
    putRecord(ctx, newRecord(txn, 'pending', txn.writeTs, request.now));
    return { kind: 'heartbeat-txn', status: 'pending' };
  }
  if (record.status === 'pending' || record.status === 'staging') {
    putRecord(ctx, { ...record, lastHeartbeatTs: Math.max(record.lastHeartbeatTs, request.now) });
  }
  return { kind: 'heartbeat-txn', status: record.status };
}

function answer(record: TransactionRecord, pushed: boolean): PushTxnResponse {
  return {
    kind: 'push-txn',
    status: record.status,
    writeTs: record.writeTs,
    epoch: record.epoch,
    inFlight: record.inFlight,
    lockKeys: record.lockKeys,
    pushed,
  };
}

export function evalPush(ctx: EvalContext, request: PushTxnRequest): PushTxnResponse {
  const { pushee, type, pushTo, force } = request;
  const existing = ctx.range.records.get(pushee.id);
  if (existing === undefined && ctx.range.records.ending(pushee.id) !== undefined) {
    // Its intents were all resolved before the record was collected: whoever still sees one looks again.
    return answer(newRecord(pushee, 'aborted', pushee.writeTs, ctx.now), true);
  }
  const record = existing ?? newRecord(pushee, 'pending', pushee.writeTs, pushee.minTs);
  if (record.status === 'committed' || record.status === 'aborted') return answer(record, true);
  // Heartbeats begin only when locks have been held for a while, however old the transaction is.
  const firstPush = ctx.range.records.firstPush(pushee.id, ctx.now);
  const lastSign = Math.max(record.minTs, record.lastHeartbeatTs, firstPush);
  const dead =
    force || ctx.now > lastSign + TXN_EXPIRY_US || !ctx.range.coordinatorAlive(record.coordinatorNode, record.minTs);
  if (record.status === 'staging' && !dead) mark('staging-met-alive');
  if (record.status === 'staging') return answer(record, dead);
  if (dead && type !== 'touch') {
    mark('pushed-abort');
    mark(ctx.now > lastSign + TXN_EXPIRY_US ? 'abandoned-transaction-expired' : 'dead-coordinator-pushed');
    const aborted: TransactionRecord = { ...record, status: 'aborted' };
    putRecord(ctx, aborted);
    return answer(aborted, true);
  }
  if (type === 'timestamp') {
    if (record.writeTs > pushTo) return answer(record, true);
    mark('pushed-timestamp');
    const moved: TransactionRecord = { ...record, writeTs: pushTo + 1 };
    putRecord(ctx, moved);
    return answer(moved, true);
  }
  return answer(record, false);
}

export function evalRecover(ctx: EvalContext, request: RecoverTxnRequest): RecoverTxnResponse {
  const { txn, committed } = request;
  const record = ctx.range.records.get(txn.id);
  if (record === undefined) {
    return { kind: 'recover-txn', status: 'aborted', writeTs: 0, lockKeys: [], lockSpans: [] };
  }
  const reply = (r: TransactionRecord): RecoverTxnResponse => ({
    kind: 'recover-txn',
    status: r.status,
    writeTs: r.writeTs,
    lockKeys: r.lockKeys,
    lockSpans: r.lockSpans,
  });
  // Staged anew or ended meanwhile: what was found out concerns an attempt that is no more.
  if (record.status !== 'staging' || record.epoch !== txn.epoch || record.writeTs !== txn.writeTs) {
    return reply(record);
  }
  mark(committed ? 'staging-recovery-commits' : 'staging-recovery-aborts');
  const ended: TransactionRecord = { ...record, status: committed ? 'committed' : 'aborted' };
  putRecord(ctx, ended);
  return reply(ended);
}

export function evalGcTxns(ctx: EvalContext, request: GcTxnsRequest): EmptyResponse {
  for (const { id, anchorKey, committedAt } of request.txns) {
    const record = ctx.range.records.get(id);
    if (record === undefined) continue;
    if (committedAt !== 0) {
      // One that was collected before, by an earlier delivery of this, may have been made anew by a push: it lists no writes.
      if (record.status === 'aborted') mark('collected-record-pushed');
      const anew = record.status === 'aborted' && record.inFlight.length === 0;
      assert(record.status !== 'aborted' || anew, 'the record of a committed transaction says aborted');
      dropRecord(ctx, anchorKey, id, { status: 'committed', ts: committedAt });
      continue;
    }
    // Only what has ended may be forgotten; a collection that raced with something else waits.
    if (record.status !== 'committed' && record.status !== 'aborted') continue;
    dropRecord(ctx, anchorKey, id, { status: record.status, ts: record.writeTs });
  }
  return { kind: 'gc-txns' };
}
