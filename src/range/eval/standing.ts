/**
 * What the intents of a key are to a read at `ctx.readTs`: passed, seen, or waited for (DESIGN 7).
 *
 * - Its own of this epoch are seen.
 * - One that was laid above what concerns the reader came after it had observed this node's clock: its transaction had
 *   not committed when the reader began.
 * - One of a transaction that is known to have committed at or below the read is seen as what its resolution will make
 *   of it (`resolveKeys`, end-txn.ts, has the same verdict): there may be a million of them, and no need to wait.
 * - One that was moved above what concerns the reader by a push, or whose transaction's record was, is passed if the
 *   transaction was pending after the reader had observed this node's clock. From a push that was asked earlier it does
 *   not follow: the transaction may have committed, and told its client, before the reader began. Then it counts only if it
 *   lies above all that the reader might have to see.
 * - For all others the reader waits, which pushes the transaction's record (lock-waiter.ts).
 *
 * Ways to fail: what a push found arrives late (above); an intent is laid once more by a put delivered twice, when its
 * first delivery is a version already (`isPartOfCommit`); another epoch of the same transaction left it.
 */
import type { Timestamp } from '../../base/ids.js';
import { assert } from '../../base/assert.js';
import { mark } from '../../base/probes.js';
import type { LockState, TxnNews } from '../lock-table.js';
import { type EvalContext, LockConflict } from './context.js';
import { isPartOfCommit } from './end-txn.js';

/** Up to where a read must take a commit for one that may have come before it; above the clock that it observed here. */
export function readLimit(ctx: EvalContext): Timestamp {
  if (ctx.txn === null) return ctx.uncertaintyLimit;
  return Math.max(ctx.readTs, ctx.txn.uncertaintyLimit);
}

/** True if the intent commits at `ts` or later, if at all, and not before the reader began. */
function passes(ctx: EvalContext, ts: Timestamp, news: TxnNews | undefined): boolean {
  if (ts > readLimit(ctx)) return true;
  const observed = ctx.header.observedTs;
  return observed !== 0 && news !== undefined && news.pendingAfter > observed;
}

/**
 * True if the read sees the intent's value, false if it goes on as if there were none. `ofOthers`: whether it can
 * see that of a transaction that has committed. @throws LockConflict
 */
export function seesIntent(ctx: EvalContext, lock: LockState, ofOthers: boolean): boolean {
  if (lock.intentTs === 0) return false;
  const holder = lock.holder!;
  if (ctx.txn !== null && holder.id === ctx.txn.id) return lock.intentEpoch === ctx.txn.epoch;
  const limit = Math.max(ctx.uncertaintyLimit, ctx.readTs);
  const news = ctx.range.locks.news(holder.id);
  if (lock.intentTs > limit && (!lock.moved || passes(ctx, lock.intentTs, news))) return false;
  const committed = news?.committed ?? null;
  if (committed !== null) {
    if (committed.ts > readLimit(ctx)) return false;
    if (ofOthers && committed.ts <= ctx.readTs) return seesCommitted(ctx, lock, committed);
  } else if (news !== undefined && news.floor > limit && passes(ctx, news.floor, news)) {
    return false;
  }
  return waitFor(ctx, lock, limit);
}

function seesCommitted(ctx: EvalContext, lock: LockState, committed: NonNullable<TxnNews['committed']>): boolean {
  ctx.clockTs = Math.max(ctx.clockTs, committed.ts);
  const part = lock.intentEpoch === committed.epoch && isPartOfCommit(ctx, lock, committed.ts);
  if (part) mark('committed-intent-read');
  return part;
}

/** May the reads of this key at fromTs be taken for ones at toTs, as far as its intent tells? @throws LockConflict */
export function passesRefresh(ctx: EvalContext, lock: LockState, fromTs: Timestamp, toTs: Timestamp): void {
  if (lock.intentTs === 0 || lock.intentTs > toTs) return;
  const holder = lock.holder!;
  if (ctx.txn !== null && holder.id === ctx.txn.id) return;
  const news = ctx.range.locks.news(holder.id);
  if (news !== undefined) {
    // It commits above, or the read has seen it.
    if (news.floor > toTs) return;
    if (news.committed !== null && news.committed.ts <= fromTs) return;
  }
  waitFor(ctx, lock, toTs);
}

function waitFor(ctx: EvalContext, lock: LockState, limit: Timestamp): false {
  if (ctx.header.wait === 'past') {
    assert(ctx.txn === null, 'a transaction cannot read past what it might have to see');
    ctx.passed.push(lock);
    return false;
  }
  mark('reader-waits-for-intent');
  throw new LockConflict(lock, 'none', limit);
}
