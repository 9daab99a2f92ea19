/**
 * put, ingest, increment, refresh. Puts are checked one by one and written together afterwards
 * (`finishPuts`), all at the one timestamp that suits every one of them.
 */
import { assert } from '../../base/assert.js';
import { QuoralError } from '../../base/errors.js';
import { keyNext, type Key } from '../../base/key.js';
import { mark } from '../../base/probes.js';
import { decodeIntent, encodeIntent, intentKey } from '../../storage/lock-record.js';
import { mvccAnyNewerBounded, mvccNewest, mvccPut } from '../../storage/mvcc.js';
import type {
  EmptyResponse,
  IncrementRequest,
  IncrementResponse,
  IngestRequest,
  PutRequest,
  RefreshRequest,
  SpanResponse,
  TxnMeta,
} from '../kv-api.js';
import { KvError } from '../kv-errors.js';
import { type EvalContext, LockConflict } from './context.js';
import { checkRefreshed } from './standing.js';

export function evalPut(ctx: EvalContext, request: PutRequest): EmptyResponse {
  const { key } = request;
  const { locks, reader, tsCache } = ctx.range;
  const txn = ctx.txn;
  assert(txn !== null, 'a put without a transaction');
  // Delivered once more, late: a rollback to a savepoint has undone it since.
  if (ctx.range.records.isVoid(txn.id, key, request.sequence)) {
    mark('void-put-ignored');
    return { kind: 'put' };
  }
  let lock = locks.get(key);
  if (!locks.free(lock, txn.id, 'exclusive', ctx.waiter)) throw new LockConflict(lock!, 'exclusive', 0);
  if (lock === undefined || lock.holder === null) {
    // An upgrade stays if this fails: what was shared is relied on.
    if (lock?.sharers.has(txn.id) !== true) ctx.claimed.push(key);
    lock = locks.acquire(key, txn, 'exclusive', ctx.waiter);
  }
  if (lock.intentTs !== 0 && lock.intentEpoch === txn.epoch) {
    const earlier = decodeIntent(reader.get('locks', intentKey(key))!);
    if (lock.intentTs > ctx.writeTs) ctx.writeTs = lock.intentTs;
    // A repeated delivery: the intent stays where it is, for a recovery may have found it there and count on it. (Moved
    // above the commit it would be taken for one that is not part of it, and the write would be lost.)
    if (earlier.sequence === request.sequence) {
      mark('repeated-put-stays');
      ctx.puts.push({ request, lock, repeated: true });
      return { kind: 'put' };
    }
    // No reader got past the own intent, but a recovery that asked for this very write and did not find it
    // has been told that it will never be there (evalQueryIntent), perhaps by an earlier leaseholder.
    const floor = tsCache.writeFloor(key, ctx.writeTs, txn.id);
    if (floor > ctx.writeTs) mark('rewrite-pushed-by-recovery');
    if (floor > ctx.writeTs) ctx.writeTs = floor;
    // An overtaken delivery: the later write stands.
    if (earlier.sequence > request.sequence) mark('repeated-put-overtaken');
    if (earlier.sequence > request.sequence) return { kind: 'put' };
    ctx.puts.push({ request, lock, repeated: false });
    return { kind: 'put' };
  }
  let newestTs = lock.unreplicated ? lock.newestTs : -1;
  if (newestTs < 0 || request.mustNotExist) {
    const newest = mvccNewest(reader, key);
    newestTs = newest === null ? 0 : newest.ts;
    if (request.mustNotExist && newest !== null && newest.value !== null) {
      throw new KvError({ kind: 'key-exists', key, existing: newest.value });
    }
    lock.newestTs = newestTs;
  }
  if (request.exclusionSince !== 0 && newestTs > request.exclusionSince) {
    mark('lost-lock-noticed');
    throw new KvError({ kind: 'retry', reason: 'lost-lock', key, retryTs: newestTs });
  }
  let ts = tsCache.writeFloor(key, ctx.writeTs, txn.id);
  if (ts > ctx.writeTs) mark('timestamp-cache-pushed-writer');
  if (newestTs >= ts) mark('write-above-newer-version');
  if (newestTs >= ts) ts = newestTs + 1;
  if (ts > ctx.writeTs) ctx.writeTs = ts;
  ctx.puts.push({ request, lock, repeated: false });
  return { kind: 'put' };
}

/** Writes the checked puts as intents at ctx.writeTs; those that are there already stay below it. */
export function layIntents(ctx: EvalContext, txn: TxnMeta): void {
  for (const { request, repeated } of ctx.puts) {
    if (repeated) continue;
    const record = encodeIntent({
      txnId: txn.id,
      anchorKey: txn.anchorKey,
      epoch: txn.epoch,
      writeTs: ctx.writeTs,
      sequence: request.sequence,
      value: request.value === null ? null : Buffer.from(request.value),
      minTs: txn.minTs,
      isolation: txn.isolation,
      coordinatorNode: txn.coordinator,
    });
    ctx.batch.put('locks', intentKey(request.key), record);
    ctx.effects.push({ kind: 'intent-laid', key: request.key, txn, ts: ctx.writeTs, moved: false });
  }
}

/** Writes the checked puts as committed versions: the transaction is this one batch. */
export function commitPuts(ctx: EvalContext, txn: TxnMeta): void {
  for (const { request, lock } of ctx.puts) {
    mvccPut(ctx.batch, request.key, ctx.writeTs, request.value, ctx.writeTs > ctx.now);
    if (lock.intentTs !== 0) {
      ctx.batch.delete('locks', intentKey(request.key));
      ctx.effects.push({ kind: 'intent-removed', key: request.key });
    }
    ctx.effects.push({ kind: 'unlock', key: request.key, txnId: txn.id });
  }
}

export function evalIngest(ctx: EvalContext, request: IngestRequest): EmptyResponse {
  assert(request.keys.length === request.values.length, 'ingest of keys without values');
  for (let i = 0; i < request.keys.length; i++) {
    mvccPut(ctx.batch, request.keys[i]!, request.timestamp, request.values[i]!, false);
  }
  return { kind: 'ingest' };
}

export function evalIncrement(ctx: EvalContext, request: IncrementRequest): IncrementResponse {
  const { key } = request;
  const { reader, tsCache, locks } = ctx.range;
  const lock = locks.get(key);
  // It waits like a writer: a reader's push would move the holder's commit beyond this read's time, which is none.
  if (lock !== undefined && (lock.holder !== null || lock.sharers.size > 0)) {
    throw new LockConflict(lock, 'exclusive', 0);
  }
  const newest = mvccNewest(reader, key);
  const stored = newest === null || newest.value === null ? 0 : decodeCounter(newest.value, key);
  // An earlier increment of this batch is at the same timestamp, and replaced by this one.
  const before = ctx.counters.get(key) ?? stored;
  const value = before + request.by;
  if (!Number.isSafeInteger(value)) {
    throw new QuoralError('22003', 'counter out of range');
  }
  let ts = tsCache.writeFloor(key, ctx.now, null);
  if (newest !== null && newest.ts >= ts) ts = newest.ts + 1;
  ctx.clockTs = Math.max(ctx.clockTs, ts);
  ctx.counters.set(key, value);
  mvccPut(ctx.batch, key, ts, encodeCounter(value), false);
  return { kind: 'increment', value };
}

export function encodeCounter(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

export function decodeCounter(bytes: Buffer, key: Key): number {
  if (bytes.length !== 8) throw new QuoralError('XX001', `corrupted counter ${JSON.stringify(key)}`);
  return Number(bytes.readBigInt64BE(0));
}

/** Keys verified in one turn: what follows waits for another, so that the event loop is not held. */
const REFRESH_KEYS_MAX = 8_192;

export function evalRefresh(ctx: EvalContext, request: RefreshRequest): SpanResponse {
  const { start, fromTs, toTs } = request;
  const end = request.end ?? keyNext(start);
  const found = mvccAnyNewerBounded(ctx.range.reader, start, end, fromTs, toTs, REFRESH_KEYS_MAX);
  if (found.newer !== null) {
    throw new KvError({ kind: 'retry', reason: 'refresh-failed', key: found.newer, retryTs: toTs });
  }
  // As far as the versions go in this turn: the transaction itself may have millions of intents in the span.
  for (const lock of ctx.range.locks.range(start, found.resumeKey ?? end)) checkRefreshed(ctx, lock, fromTs, toTs);
  ctx.clockTs = Math.max(ctx.clockTs, toTs);
  // The read holds at toTs now, and must go on holding.
  const reader = ctx.txn?.id ?? null;
  if (request.end === null) ctx.range.tsCache.addPoint(start, toTs, reader);
  else ctx.range.tsCache.addSpan(start, found.resumeKey ?? end, toTs, reader);
  return { kind: 'refresh', resumeKey: found.resumeKey };
}
