/** query-intent and resolve-intents. */
import type { Key } from '../../base/key.js';
import { assert } from '../../base/assert.js';
import { decodeIntent, intentKey } from '../../storage/lock-record.js';
import { mvccHasTagged } from '../../storage/mvcc.js';
import type { QueryIntentRequest, QueryIntentResponse, ResolveIntentsRequest, SpanResponse } from '../kv-api.js';
import { holds } from '../lock-table.js';
import type { EvalContext } from './context.js';
import { resolveKeys, txnTag } from './end-txn.js';

/**
 * A missing write is prevented for good: the timestamp cache is raised to the staged timestamp, so a
 * delayed put lands above it and the attempt that was asked about can never count as committed.
 */
export function evalQueryIntent(ctx: EvalContext, request: QueryIntentRequest): QueryIntentResponse {
  const { key, txnId, epoch, sequence, ts } = request;
  const lock = ctx.range.locks.get(key);
  if (lock !== undefined && lock.intentTs !== 0 && lock.holder?.id === txnId) {
    const stored = ctx.range.reader.get('locks', intentKey(key));
    assert(stored !== null, 'the lock table names an intent that is not there');
    const intent = decodeIntent(stored);
    if (intent.epoch === epoch && intent.sequence >= sequence && intent.writeTs <= ts) {
      return { kind: 'query-intent', found: true };
    }
  }
  ctx.clockTs = Math.max(ctx.clockTs, ts);
  // The coordinator resolves intents before it has made the record explicit: a version of this very
  // transaction at this very time is a write that was found.
  if (mvccHasTagged(ctx.range.reader, key, ts, txnTag(txnId))) return { kind: 'query-intent', found: true };
  ctx.range.tsCache.addPoint(key, ts, null);
  return { kind: 'query-intent', found: false };
}

/** Intents that one command resolves by span; more wait for the next turn. */
const SPAN_INTENTS_MAX = 2_000;

export function evalResolveIntents(ctx: EvalContext, request: ResolveIntentsRequest): SpanResponse {
  const { keys, spans, txnId, epoch, status, ts, upTo } = request;
  assert(upTo === 0 || (status === 'aborted' && spans.length === 0), 'only a rollback resolves by sequence');
  assert(status !== 'pending' || spans.length === 0, 'intents are moved by key, not by span');
  const seen = new Set(keys);
  let resumeKey: Key | null = null;
  for (const { start, end } of spans) {
    for (const lock of ctx.range.locks.range(start, end)) {
      if (!holds(lock, txnId)) continue;
      if (seen.size >= SPAN_INTENTS_MAX) {
        resumeKey = lock.key;
        break;
      }
      seen.add(lock.key);
    }
  }
  resolveKeys(ctx, txnId, epoch, status, ts, seen, upTo);
  return { kind: 'resolve-intents', resumeKey };
}
