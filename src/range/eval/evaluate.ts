/**
 * Evaluates one batch against the state of its range: (snapshot, commands) → (write batch, replies,
 * effects), synchronously. Throws LockConflict or ReadBump to be called again, or a KvError.
 */
import { unreachable } from '../../base/assert.js';
import { heapRoom } from '../../base/heap.js';
import { TIMESTAMP_MAX, type Timestamp } from '../../base/ids.js';
import { existenceKey, keyNext, type Key, type Span } from '../../base/key.js';
import { BatchBuilder } from '../../storage/batch-codec.js';
import type { BatchRequest, BatchResponse, KvRequest, KvResponse } from '../kv-api.js';
import { KvError } from '../kv-errors.js';
import type { LockTable, Waiter } from '../lock-table.js';
import type { EvalContext, RangeState } from './context.js';
import { LockConflict } from './context.js';
import { evalEndTxn } from './end-txn.js';
import { evalQueryIntent, evalResolveIntents } from './intents.js';
import { evalGet } from './read.js';
import { evalScan } from './scan.js';
import { evalGcTxns, evalHeartbeat, evalPush, evalRecover } from './txn-record.js';
import { evalIncrement, evalIngest, evalPut, evalRefresh, layIntents } from './write.js';

export interface Evaluated {
  readonly response: BatchResponse;
  readonly ctx: EvalContext;
}

/** Of one batch, whatever the caller asks for: about 20 ms of work. */
const SCAN_BYTES_MAX = 512 << 10;

/** In one batch: it is one of a large transaction's. */
const MANY_INTENTS = 64;
/** Of the lock table's memory, about. */
const INTENT_BYTES = 200;

/** Keys that exist only as latches: one for each transaction record. */
export function recordLatch(txnId: string): Key {
  return `\x00${txnId}`;
}

export function newContext(
  range: RangeState,
  batch: BatchRequest,
  waiter: Waiter,
  now: Timestamp,
  bumpedTo: Timestamp,
  /** What 'the present' is for this request, over all its waits: else it would run after every push. */
  present: Timestamp = now,
): EvalContext {
  const { header } = batch;
  const { txn } = header;
  const wanted = txn !== null ? txn.readTs : header.timestamp === 0 ? present : header.timestamp;
  const readTs = Math.max(wanted, bumpedTo);
  let uncertaintyLimit = readTs;
  if (txn !== null) {
    // What this node had not seen when the transaction first came by happened after it began;
    // but a clock observed before this lease says nothing of what the earlier leaseholder did.
    const observed = header.observedTs === 0 ? TIMESTAMP_MAX : Math.max(header.observedTs, range.leaseStart);
    uncertaintyLimit = Math.min(txn.uncertaintyLimit, observed);
  }
  return {
    range,
    header,
    txn,
    waiter,
    now,
    batch: new BatchBuilder(),
    effects: [],
    puts: [],
    counters: new Map(),
    readPoints: [],
    readSpans: [],
    passed: [],
    unresolved: [],
    resolvedBytes: 0,
    claimed: [],
    readTs,
    writeTs: Math.max(txn === null ? 0 : txn.writeTs, readTs),
    clockTs: readTs,
    uncertaintyLimit,
    split: null,
    rowsLeft: header.maxRows === 0 ? Number.MAX_SAFE_INTEGER : header.maxRows,
    bytesLeft: header.maxBytes === 0 ? SCAN_BYTES_MAX : Math.min(header.maxBytes, SCAN_BYTES_MAX),
  };
}

export function evaluate(ctx: EvalContext, requests: readonly KvRequest[]): BatchResponse {
  const responses: KvResponse[] = [];
  let ended = false;
  for (const request of requests) {
    if (request.kind === 'end-txn') ended = true;
    responses.push(evaluateOne(ctx, request));
  }
  if (!ended && ctx.puts.length > 0) {
    // The lock table keeps each of them in memory: a transaction of millions must not end the node.
    if (ctx.puts.length >= MANY_INTENTS) heapRoom(ctx.puts.length * INTENT_BYTES);
    layIntents(ctx, ctx.txn!);
  }
  if (ctx.puts.length > 0 || ended) ctx.clockTs = Math.max(ctx.clockTs, ctx.writeTs);
  const { tsCache } = ctx.range;
  const reader = ctx.txn?.id ?? null;
  for (const key of ctx.readPoints) tsCache.addPoint(key, ctx.readTs, reader);
  for (const span of ctx.readSpans) tsCache.addSpan(span.start, span.end, ctx.readTs, reader);
  return {
    responses,
    txn: ctx.txn === null ? null : { readTs: ctx.readTs, writeTs: ctx.writeTs },
    now: ctx.now,
    readAt: ctx.readTs,
  };
}

function evaluateOne(ctx: EvalContext, request: KvRequest): KvResponse {
  switch (request.kind) {
    case 'get':
      return evalGet(ctx, request);
    case 'scan':
      if (ctx.rowsLeft <= 0 || ctx.bytesLeft <= 0) {
        const resumeKey = request.reverse ? request.end : request.start;
        return { kind: 'scan', keys: [], values: [], resumeKey };
      }
      return evalScan(ctx, request);
    case 'put':
      return evalPut(ctx, request);
    case 'ingest':
      return evalIngest(ctx, request);
    case 'increment':
      return evalIncrement(ctx, request);
    case 'refresh':
      return evalRefresh(ctx, request);
    case 'end-txn':
      return evalEndTxn(ctx, request);
    case 'heartbeat-txn':
      return evalHeartbeat(ctx, request);
    case 'push-txn':
      return evalPush(ctx, request);
    case 'recover-txn':
      return evalRecover(ctx, request);
    case 'query-intent':
      return evalQueryIntent(ctx, request);
    case 'resolve-intents':
      return evalResolveIntents(ctx, request);
    case 'gc-txns':
      return evalGcTxns(ctx, request);
    case 'range-stats':
    case 'transfer-lease':
      throw new KvError({ kind: 'unavailable', reason: `${request.kind} is answered by the store` });
    default:
      return unreachable(request);
  }
}

/** What a batch touches: decides which latches it waits for and which it takes. */
export interface Footprint {
  readonly readKeys: readonly Key[];
  readonly readSpans: readonly Span[];
  /** Existence keys that are looked at if they are in the range. */
  readonly beside: readonly Key[];
  readonly writeKeys: readonly Key[];
  readonly writeSpans: readonly Span[];
  /** Takes the whole range (split). */
  readonly wholeRange: boolean;
  /** It does nothing but read rows, without locks. */
  readonly plainReads: boolean;
}

const NONE: readonly Key[] = [];

export function footprintOf(batch: BatchRequest): Footprint {
  const readKeys: Key[] = [];
  const readSpans: Span[] = [];
  let beside: Key[] | null = null;
  const writeKeys: Key[] = [];
  const writeSpans: Span[] = [];
  let wholeRange = false;
  for (const r of batch.requests) {
    switch (r.kind) {
      case 'get':
        readKeys.push(r.key);
        if (r.scope !== undefined && r.scope !== 'row') (beside ??= []).push(existenceKey(r.key));
        break;
      case 'query-intent':
        readKeys.push(r.key);
        break;
      case 'scan':
        readSpans.push({ start: r.start, end: r.end });
        // The existence of the last row.
        if (r.scope === 'whole') (beside ??= []).push(r.end);
        break;
      case 'refresh':
        if (r.end === null) readKeys.push(r.start);
        else readSpans.push({ start: r.start, end: r.end });
        break;
      case 'put':
      case 'increment':
        writeKeys.push(r.key);
        break;
      case 'ingest':
        writeKeys.push(...r.keys);
        break;
      case 'end-txn':
        writeKeys.push(recordLatch(batch.header.txn!.id));
        // In one phase what is written are the puts: the other locks go without a trace, and many may share them.
        if (r.action !== 'one-phase') for (const key of r.localLocks) writeKeys.push(key);
        if (r.split !== null) wholeRange = true;
        break;
      case 'heartbeat-txn':
        writeKeys.push(recordLatch(batch.header.txn!.id));
        break;
      case 'push-txn':
        writeKeys.push(recordLatch(r.pushee.id));
        break;
      case 'recover-txn':
        writeKeys.push(recordLatch(r.txn.id));
        break;
      case 'gc-txns':
        for (const t of r.txns) writeKeys.push(recordLatch(t.id));
        break;
      case 'resolve-intents':
        writeKeys.push(...r.keys);
        writeSpans.push(...r.spans);
        break;
      default:
        break;
    }
  }
  const plainReads = batch.requests.every(isPlainRead);
  return { readKeys, readSpans, beside: beside ?? NONE, writeKeys, writeSpans, wholeRange, plainReads };
}

function isPlainRead(request: KvRequest): boolean {
  if (request.kind !== 'get' && request.kind !== 'scan') return false;
  return request.lock === 'none' && (request.scope ?? 'row') === 'row';
}

/**
 * True if all that the batch changes are intents that become the versions as which reads see them already, which the effect
 * has told this leaseholder by then, or an earlier one.
 */
export function changesNoRead(requests: readonly KvRequest[], locks: LockTable): boolean {
  return requests.every((r) => {
    if (r.kind !== 'resolve-intents' || r.status !== 'committed') return false;
    const known = locks.news(r.txnId)?.committed;
    return known != null && known.epoch === r.epoch && known.ts === r.ts;
  });
}

/** The span of keys that a request addresses, for the check against the range's bounds. */
export function requestSpan(request: KvRequest): Span | null {
  switch (request.kind) {
    case 'get':
    case 'put':
    case 'increment':
    case 'query-intent':
      return { start: request.key, end: keyNext(request.key) };
    case 'scan':
      return request;
    case 'refresh':
      return { start: request.start, end: request.end ?? keyNext(request.start) };
    default:
      return null;
  }
}

export { LockConflict };
