/** get: a read at one timestamp, with uncertainty, intents, and locks if asked for. scan.ts has the scans. */
import type { Timestamp } from '../../base/ids.js';
import { TIMESTAMP_MAX } from '../../base/ids.js';
import { existenceKey, keyNext, type Key } from '../../base/key.js';
import { assert } from '../../base/assert.js';
import { mark } from '../../base/probes.js';
import { decodeIntent, intentKey } from '../../storage/lock-record.js';
import { decodeVersionValue, mvccNewest, mvccRead } from '../../storage/mvcc.js';
import { versionPrefix, versionTimestamp, decodeVersionKey } from '../../storage/mvcc-key.js';
import type { GetRequest, GetResponse, LockScope } from '../kv-api.js';
import { KvError } from '../kv-errors.js';
import { holds, type LockState } from '../lock-table.js';
import { type EvalContext, LockConflict, ReadBump } from './context.js';
import { readLimit, seesIntent } from './standing.js';

/** The value of this transaction's own intent; undefined if it has none on the key. */
function ownIntent(ctx: EvalContext, lock: LockState | undefined): Buffer | null | undefined {
  const txn = ctx.txn;
  if (txn === null || lock === undefined || lock.intentTs === 0) return undefined;
  if (lock.holder?.id !== txn.id || lock.intentEpoch !== txn.epoch) return undefined;
  return intentValue(ctx, lock);
}

function intentValue(ctx: EvalContext, lock: LockState): Buffer | null {
  const stored = ctx.range.reader.get('locks', intentKey(lock.key));
  assert(stored !== null, 'the lock table names an intent that is not there');
  return decodeIntent(stored).value;
}

/** A newer version that this reader might have to see, or (locking) must not overwrite blindly. */
export function newerVersion(ctx: EvalContext, key: Key, ts: Timestamp, locking: boolean): never {
  if (!locking) mark('uncertainty-restart');
  if (ctx.header.canBumpReadTs) throw new ReadBump(ts);
  throw new KvError({ kind: locking ? 'write-too-old' : 'uncertainty', key, retryTs: ts });
}

/** Takes the lock; false if another's is in the way and the batch skips locked rows. */
export function takeLock(ctx: EvalContext, key: Key, mode: 'share' | 'exclusive', scope: LockScope = 'row'): boolean {
  const existence = scope === 'whole' ? existenceKey(key) : null;
  if (existence === null || !insideRange(ctx, existence)) {
    if (!mayTake(ctx, key, mode, false)) return false;
    take(ctx, key, mode);
    return true;
  }
  // Both or neither: whoever holds one of them may want the other as well (a child is inserted, then its parent
  // updated, or the other way round).
  if (!mayTake(ctx, key, mode, true) || !mayTake(ctx, existence, mode, true)) return false;
  take(ctx, existence, mode);
  take(ctx, key, mode);
  return true;
}

function mayTake(ctx: EvalContext, key: Key, mode: 'share' | 'exclusive', whole: boolean): boolean {
  const { locks } = ctx.range;
  assert(ctx.txn !== null, 'a locking read without a transaction');
  const state = locks.get(key);
  if (locks.free(state, ctx.txn.id, mode, ctx.waiter)) return true;
  if (ctx.header.wait === 'skip') return false;
  // (Of the existence this leaves nobody: nothing is behind it.)
  if (whole) locks.dequeue(existenceKey(key), ctx.waiter);
  throw new LockConflict(state!, mode, 0, whole);
}

function take(ctx: EvalContext, key: Key, mode: 'share' | 'exclusive'): void {
  const { locks } = ctx.range;
  const txn = ctx.txn!;
  const state = locks.get(key);
  const held = state !== undefined && (state.holder !== null ? state.unreplicated : state.sharers.has(txn.id));
  if (!held || (mode === 'exclusive' && state.holder === null)) locks.acquire(key, txn, mode, ctx.waiter);
}

/** A split may part a row from its existence, which is where it would begin: then the row stands for both. */
function insideRange(ctx: EvalContext, existence: Key): boolean {
  return existence < ctx.range.descriptor.end;
}

/**
 * The newest version in [start, end) that this reader cannot place: at or below the observed clock
 * of this node, or (its commit moved past its intent, so that the observed clock proves nothing about
 * it) anywhere in the window. `newest` is the newest version that there is in the window; behind one
 * that is surely later there may be one that is not.
 */
export function uncertainVersion(
  ctx: EvalContext,
  start: Key,
  end: Key,
  newest: { readonly ts: Timestamp; readonly key: Key },
): { readonly ts: Timestamp; readonly key: Key } | null {
  if (newest.ts === 0) return null;
  if (newest.ts <= ctx.uncertaintyLimit) return newest;
  const limit = readLimit(ctx);
  let found: { ts: Timestamp; key: Key } | null = null;
  const it = ctx.range.reader.iterator('versions', versionPrefix(start), versionPrefix(end));
  try {
    for (it.seek(versionPrefix(start)); it.valid; it.next()) {
      const ts = versionTimestamp(it.key);
      if (ts <= ctx.readTs || ts > limit || (found !== null && ts <= found.ts)) continue;
      if (ts <= ctx.uncertaintyLimit || decodeVersionValue(it.key, it.value).shifted) {
        found = { ts, key: decodeVersionKey(it.key).key };
      }
    }
  } finally {
    it.close();
  }
  return found;
}

const SKIPPED: GetResponse = { kind: 'get', value: null, skipped: true };
const UNTOLD: GetResponse = { kind: 'get', value: null, skipped: false };

export function evalGet(ctx: EvalContext, request: GetRequest): GetResponse {
  if (request.scope === 'existence') return evalExistence(ctx, request);
  const { key } = request;
  const locking = request.lock !== 'none';
  if (request.lock !== 'none' && !takeLock(ctx, key, request.lock, request.scope)) return SKIPPED;
  const lock = ctx.range.locks.get(key);
  let seen = ownIntent(ctx, lock);
  if (lock !== undefined && !locking) {
    if (ctx.header.wait === 'skip' && lock.intentTs !== 0 && lock.holder?.id !== ctx.txn?.id) {
      return SKIPPED;
    }
    if (seen === undefined && seesIntent(ctx, lock, true)) seen = intentValue(ctx, lock);
  }
  const limit = locking ? TIMESTAMP_MAX : readLimit(ctx);
  const found = mvccRead(ctx.range.reader, key, ctx.readTs, limit);
  if (ctx.header.wait !== 'past') ctx.readPoints.push(key);
  if (seen !== undefined) return { kind: 'get', value: seen, skipped: false };
  if (found.newer !== 0) {
    const newest = { ts: found.newer, key };
    const newer = locking ? newest : uncertainVersion(ctx, key, keyNext(key), newest);
    if (newer !== null) newerVersion(ctx, key, newer.ts, locking);
  }
  if (locking && lock !== undefined) lock.newestTs = found.ts;
  return { kind: 'get', value: found.value, skipped: false };
}

/**
 * Is there such a row, and will it stay? It was there at readTs, its newest version is not a removal, and none has been
 * written at its existence key since: who removes it from now on must write there, above this read and, with a lock,
 * after it. Intents of the row's own key are changes that leave it where it is.
 * Limit: a row that came after readTs, or is still another's intent, is not told of; a read of the row tells.
 */
function evalExistence(ctx: EvalContext, request: GetRequest): GetResponse {
  const { key, lock: mode } = request;
  const { reader, locks } = ctx.range;
  const guard = existenceKey(key);
  if (!insideRange(ctx, guard)) return UNTOLD;
  const row = locks.get(key);
  // Who holds or shares it needs no more: who removes the row must have both. It would wait for those that wait for it.
  const holdsRow = row !== undefined && ctx.txn !== null && holds(row, ctx.txn.id);
  if (mode !== 'none' && !holdsRow && !takeLock(ctx, guard, mode)) return SKIPPED;
  const lock = locks.get(guard);
  if (lock !== undefined && mode === 'none') seesIntent(ctx, lock, false);
  const removed = mvccRead(reader, guard, ctx.readTs, mode === 'none' ? readLimit(ctx) : TIMESTAMP_MAX);
  ctx.readPoints.push(guard);
  if (removed.newer !== 0) {
    const newest = { ts: removed.newer, key: guard };
    const newer = mode === 'none' ? uncertainVersion(ctx, guard, keyNext(guard), newest) : newest;
    if (newer !== null) newerVersion(ctx, guard, newer.ts, mode !== 'none');
  }
  if (lock !== undefined && mode !== 'none' && !holdsRow) lock.newestTs = removed.ts;
  const written = ownIntent(ctx, row);
  if (written !== undefined) return { kind: 'get', value: written, skipped: false };
  const found = mvccRead(reader, key, ctx.readTs, TIMESTAMP_MAX);
  // Removed while nothing referred to the table, when nobody wrote it down: a snapshot may be older than that.
  if (found.newer !== 0 && mvccNewest(reader, key)?.value == null) return UNTOLD;
  return { kind: 'get', value: found.value, skipped: false };
}
