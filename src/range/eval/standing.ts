/**
 * What the intents of a key are to a read at `ctx.readTs`: passed, seen, or waited for (DESIGN 7).
 *
 * - Its own of this epoch are seen.
 * - One that is later than all that concerns the reader is passed (`LockTable.isLater`).
 * - One of a transaction that is known to have committed at or below the read is seen as what its resolution will make
 *   of it (`resolveKeys`, end-txn.ts, has the same verdict): there may be a million of them, and no need to wait.
 * - For all others the reader waits, which pushes the transaction's record (lock-waiter.ts).
 *
 * Ways to fail: what a push found arrives late (isLater); an intent is laid once more by a put delivered twice, when its
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

/**
 * True if the read sees the intent's value, false if it goes on as if there were none. `ofOthers`: whether it can
 * see that of a transaction that has committed. @throws LockConflict
 */
export function seesIntent(ctx: EvalContext, lock: LockState, ofOthers: boolean): boolean {
  if (lock.intentTs === 0) return false;
  const holder = lock.holder!;
  if (ctx.txn !== null && holder.id === ctx.txn.id) return lock.intentEpoch === ctx.txn.epoch;
  const { locks } = ctx.range;
  const limit = Math.max(ctx.uncertaintyLimit, ctx.readTs);
  const window = readLimit(ctx);
  if (locks.isLater(lock, { limit, window, begunBy: ctx.header.observedTs })) return false;
  const committed = ofOthers ? locks.news(holder.id)?.committed : null;
  if (committed != null && committed.ts <= ctx.readTs) return seesCommitted(ctx, lock, committed);
  return waitFor(ctx, lock, limit, window);
}

function seesCommitted(ctx: EvalContext, lock: LockState, committed: NonNullable<TxnNews['committed']>): boolean {
  ctx.clockTs = Math.max(ctx.clockTs, committed.ts);
  const part = lock.intentEpoch === committed.epoch && isPartOfCommit(ctx, lock, committed.ts);
  if (part) mark('committed-intent-read');
  return part;
}

/** May the reads of this key at fromTs be taken for ones at toTs, as far as its intent tells? @throws LockConflict */
export function checkRefreshed(ctx: EvalContext, lock: LockState, fromTs: Timestamp, toTs: Timestamp): void {
  if (lock.intentTs === 0) return;
  const holder = lock.holder!;
  if (ctx.txn !== null && holder.id === ctx.txn.id) return;
  const { locks } = ctx.range;
  if (locks.isLater(lock, { limit: toTs, window: toTs, begunBy: 0 })) return;
  const committed = locks.news(holder.id)?.committed;
  // The read has seen it.
  if (committed != null && committed.ts <= fromTs) return;
  waitFor(ctx, lock, toTs, toTs);
}

function waitFor(ctx: EvalContext, lock: LockState, limit: Timestamp, window: Timestamp): false {
  if (ctx.header.wait === 'past') {
    assert(ctx.txn === null, 'a transaction cannot read past what it might have to see');
    ctx.passed.push(lock);
    return false;
  }
  mark('reader-waits-for-intent');
  throw new LockConflict(lock, 'none', limit, false, window);
}
