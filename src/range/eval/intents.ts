/** query-intent and resolve-intents. */
import { assert } from '../../base/assert.js';
import type { TxnId } from '../../base/ids.js';
import type { Key, Span } from '../../base/key.js';
import { decodeIntent, intentKey } from '../../storage/lock-record.js';
import { mvccHasTagged } from '../../storage/mvcc.js';
import type { QueryIntentRequest, QueryIntentResponse, ResolveIntentsRequest, SpanResponse } from '../kv-api.js';
import { holds, type LockTable } from '../lock-table.js';
import type { EvalContext } from './context.js';
import { MANY_INTENTS, resolveKeys, txnTag } from './end-txn.js';

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
const SPAN_INTENTS_MAX = 1_000;

export function evalResolveIntents(ctx: EvalContext, request: ResolveIntentsRequest): SpanResponse {
  const { keys, spans, txnId, epoch, status, ts, upTo } = request;
  assert(upTo === 0 || (status === 'aborted' && spans.length === 0), 'only a rollback resolves by sequence');
  assert(status !== 'pending' || spans.length === 0, 'intents are moved by key, not by span');
  const seen = new Set(keys);
  const resumeKey = addHeld(seen, ctx.range.locks, txnId, spans);
  // More are likely to follow, and readers need not wait for them.
  if (status === 'committed' && seen.size >= MANY_INTENTS) ctx.effects.push({ kind: 'committed', txnId, ts, epoch });
  resolveKeys(ctx, txnId, epoch, status, ts, seen, upTo);
  return { kind: 'resolve-intents', resumeKey };
}

/**
 * Adds what the transaction holds in the spans, up to SPAN_INTENTS_MAX. Returns the first key that is left out, before
 * which nothing is left in any of them; null: there is none.
 */
function addHeld(seen: Set<Key>, locks: LockTable, txnId: TxnId, spans: readonly Span[]): Key | null {
  const inOrder = [...spans].sort((a, b) => (a.start < b.start ? -1 : 1));
  for (const { start, end } of inOrder) {
    for (const lock of locks.range(start, end)) {
      if (!holds(lock, txnId) || seen.has(lock.key)) continue;
      if (seen.size >= SPAN_INTENTS_MAX) return lock.key;
      seen.add(lock.key);
    }
  }
  return null;
}

/** What is left of a request that stopped at `resumeKey`. */
export function unresolvedPart(request: ResolveIntentsRequest, resumeKey: Key): ResolveIntentsRequest {
  const spans: Span[] = [];
  for (const { start, end } of request.spans)
    if (end > resumeKey) spans.push({ start: start < resumeKey ? resumeKey : start, end });
  return { ...request, keys: [], spans };
}
