/** get and scan: reads at one timestamp, with uncertainty, own intents, and locks if asked for. */
import type { Timestamp } from '../../base/ids.js';
import { TIMESTAMP_MAX } from '../../base/ids.js';
import { existenceKey, keyNext, type Key } from '../../base/key.js';
import { assert } from '../../base/assert.js';
import { mark } from '../../base/probes.js';
import { decodeIntent, intentKey } from '../../storage/lock-record.js';
import { decodeVersionValue, mvccNewest, mvccRead } from '../../storage/mvcc.js';
import { mvccScan } from '../../storage/mvcc-scan.js';
import { versionPrefix, versionTimestamp, decodeVersionKey } from '../../storage/mvcc-key.js';
import type { GetRequest, GetResponse, LockScope, ScanRequest, ScanResponse } from '../kv-api.js';
import { KvError } from '../kv-errors.js';
import { holds, type LockState } from '../lock-table.js';
import { type EvalContext, LockConflict, ReadBump } from './context.js';

/** The value of this transaction's own intent; undefined if it has none on the key. */
function ownIntent(ctx: EvalContext, lock: LockState | undefined): Buffer | null | undefined {
  const txn = ctx.txn;
  if (txn === null || lock === undefined || lock.intentTs === 0) return undefined;
  if (lock.holder?.id !== txn.id || lock.intentEpoch !== txn.epoch) return undefined;
  const stored = ctx.range.reader.get('locks', intentKey(lock.key));
  assert(stored !== null, 'the lock table names an intent that is not there');
  return decodeIntent(stored).value;
}

/** A plain reader must wait for an intent that may turn out to be in its past. */
function checkIntent(ctx: EvalContext, lock: LockState): void {
  checkIntentUpTo(ctx, lock, Math.max(ctx.uncertaintyLimit, ctx.readTs), readLimit(ctx));
}

/** `window`: `limit` without what this node's clock proves. */
export function checkIntentUpTo(ctx: EvalContext, lock: LockState, limit: Timestamp, window: Timestamp): void {
  if (lock.intentTs === 0) return;
  if (ctx.txn !== null && lock.holder?.id === ctx.txn.id) return;
  if (ctx.range.locks.isLater(lock, { limit, window, begunBy: ctx.header.observedTs })) return;
  if (ctx.header.wait === 'past') {
    assert(ctx.txn === null, 'a transaction cannot read past what it might have to see');
    ctx.passed.push(lock);
    return;
  }
  mark('reader-waits-for-intent');
  throw new LockConflict(lock, 'none', limit, false, window);
}

/** A newer version that this reader might have to see, or (locking) must not overwrite blindly. */
export function newerVersion(ctx: EvalContext, key: Key, ts: Timestamp, locking: boolean): never {
  if (!locking) mark('uncertainty-restart');
  if (ctx.header.canBumpReadTs) throw new ReadBump(ts);
  throw new KvError({ kind: locking ? 'write-too-old' : 'uncertainty', key, retryTs: ts });
}

/** Takes the lock; false if another's is in the way and the batch skips locked rows. */
function takeLock(ctx: EvalContext, key: Key, mode: 'share' | 'exclusive', scope: LockScope = 'row'): boolean {
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
function uncertainVersion(
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
  if (lock !== undefined && !locking) {
    if (ctx.header.wait === 'skip' && lock.intentTs !== 0 && lock.holder?.id !== ctx.txn?.id) {
      return SKIPPED;
    }
    checkIntent(ctx, lock);
  }
  const own = ownIntent(ctx, lock);
  const limit = locking ? TIMESTAMP_MAX : readLimit(ctx);
  const found = mvccRead(ctx.range.reader, key, ctx.readTs, limit);
  if (ctx.header.wait !== 'past') ctx.readPoints.push(key);
  if (own !== undefined) return { kind: 'get', value: own, skipped: false };
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
  if (lock !== undefined && mode === 'none') checkIntent(ctx, lock);
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

/** How far up a read must look for versions that concern it. */
function readLimit(ctx: EvalContext): Timestamp {
  if (ctx.txn === null) return ctx.uncertaintyLimit;
  return Math.max(ctx.readTs, ctx.txn.uncertaintyLimit);
}

/** Of a scan, looked at before it reads anything. */
const LOCKS_AT_FIRST = 256;

/**
 * Looks at the locks in [from, to), `most` of them: intents of others must be out of the way, and own ones are added to
 * `own`. Returns the first that it has not looked at, null if there is none.
 */
function meetLocks(ctx: EvalContext, from: Key, to: Key, own: LockState[], most: number): Key | null {
  // Who skips locked rows does not wait for them either: lockRows leaves them out, or whoever locks what was read here.
  const waits = ctx.header.wait !== 'skip';
  let seen = 0;
  for (const lock of ctx.range.locks.range(from, to)) {
    if (seen++ >= most) return lock.key;
    if (lock.intentTs !== 0 && lock.holder?.id === ctx.txn?.id) own.push(lock);
    else if (waits) checkIntent(ctx, lock);
  }
  return null;
}

export function evalScan(ctx: EvalContext, request: ScanRequest): ScanResponse {
  const { start, end, reverse } = request;
  const own: LockState[] = [];
  const locking = request.lock !== 'none';
  const left = meetLocks(ctx, start, end, own, LOCKS_AT_FIRST);
  const scanned = mvccScan(ctx.range.reader, start, end, ctx.readTs, {
    reverse,
    maxRows: ctx.rowsLeft,
    maxBytes: ctx.bytesLeft,
    limitTs: locking ? TIMESTAMP_MAX : readLimit(ctx),
  });
  if (left !== null) {
    // Of very many those only that lie where rows were read.
    const { resumeKey } = scanned;
    const from = reverse && resumeKey !== null && resumeKey > left ? resumeKey : left;
    meetLocks(ctx, from, !reverse && resumeKey !== null ? resumeKey : end, own, Infinity);
  }
  if (scanned.newerTs !== 0) {
    const newest = { ts: scanned.newerTs, key: scanned.newerKey };
    const from = reverse && scanned.resumeKey !== null ? scanned.resumeKey : start;
    const to = !reverse && scanned.resumeKey !== null ? scanned.resumeKey : end;
    const newer = locking ? newest : uncertainVersion(ctx, from, to, newest);
    // What was removed is no row, and would not be in what the transaction knows to have locked.
    if (request.lock !== 'none' && mvccNewest(ctx.range.reader, newest.key)?.value != null)
      takeLock(ctx, newest.key, request.lock, request.scope);
    if (newer !== null) newerVersion(ctx, newer.key, newer.ts, locking);
  }
  let result: { keys: Key[]; values: Buffer[]; resumeKey: Key | null } = scanned;
  if (own.length > 0) result = overlayOwn(ctx, own, scanned, request);
  noteScan(ctx, request, result.resumeKey);
  if (request.lock !== 'none') result = lockRows(ctx, result, request.lock, request.scope);
  ctx.rowsLeft -= result.keys.length;
  for (const value of result.values) ctx.bytesLeft -= value.length;
  return { kind: 'scan', keys: result.keys, values: result.values, resumeKey: result.resumeKey };
}

/** Only what was looked at is protected from later writers; what may be stale at once need not be. */
function noteScan(ctx: EvalContext, request: ScanRequest, resumeKey: Key | null): void {
  if (ctx.header.wait === 'past') return;
  const { start, end, reverse } = request;
  if (resumeKey === null) ctx.readSpans.push({ start, end });
  else if (reverse) ctx.readSpans.push({ start: resumeKey, end });
  else ctx.readSpans.push({ start, end: resumeKey });
}

function lockRows(
  ctx: EvalContext,
  rows: { keys: Key[]; values: Buffer[]; resumeKey: Key | null },
  mode: 'share' | 'exclusive',
  scope: LockScope | undefined,
): { keys: Key[]; values: Buffer[]; resumeKey: Key | null } {
  const keys: Key[] = [];
  const values: Buffer[] = [];
  for (let i = 0; i < rows.keys.length; i++) {
    if (!takeLock(ctx, rows.keys[i]!, mode, scope)) continue;
    keys.push(rows.keys[i]!);
    values.push(rows.values[i]!);
  }
  return { keys, values, resumeKey: rows.resumeKey };
}

/**
 * Lays the transaction's own spilled intents over what the versions family holds. `own` is in the order of keys. Intents
 * behind the last row that is asked for are not read: one row may be asked for out of thousands.
 */
function overlayOwn(
  ctx: EvalContext,
  own: readonly LockState[],
  scanned: { keys: Key[]; values: Buffer[]; resumeKey: Key | null },
  { reverse }: ScanRequest,
): { keys: Key[]; values: Buffer[]; resumeKey: Key | null } {
  const { resumeKey } = scanned;
  const keys: Key[] = [];
  const values: Buffer[] = [];
  // One more tells that there are more.
  const most = ctx.rowsLeft > 0 ? ctx.rowsLeft + 1 : Infinity;
  let at = 0;
  const passVersions = (until: Key | null): void => {
    for (; at < scanned.keys.length && keys.length < most; at++) {
      const key = scanned.keys[at]!;
      if (until !== null && (reverse ? key <= until : key >= until)) return;
      keys.push(key);
      values.push(scanned.values[at]!);
    }
  };
  for (let i = 0; i < own.length && keys.length < most; i++) {
    const lock = own[reverse ? own.length - 1 - i : i]!;
    if (resumeKey !== null && (reverse ? lock.key < resumeKey : lock.key >= resumeKey)) break;
    passVersions(lock.key);
    if (keys.length >= most) break;
    const value = ownIntent(ctx, lock);
    if (value === undefined) continue;
    if (scanned.keys[at] === lock.key) at++;
    if (value === null) continue;
    keys.push(lock.key);
    values.push(value);
  }
  passVersions(null);
  if (keys.length < most) return { keys, values, resumeKey };
  keys.pop();
  values.pop();
  const last = keys[keys.length - 1]!;
  return { keys, values, resumeKey: reverse ? last : keyNext(last) };
}
