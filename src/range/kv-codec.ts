/**
 * Batches between the program's form (kv-api.ts) and proto/kv.proto. Keys become bytes here. A
 * message that does not decode is a protocol violation: QuoralError 08P01.
 */
import * as wire from '../encoding/proto/kv.js';
import { bytesToKey, keyToBytes, type Span } from '../base/key.js';
import { QuoralError } from '../base/errors.js';
import { unreachable } from '../base/assert.js';
import type {
  BatchRequest,
  BatchResponse,
  EndTxnRequest,
  InFlightWrite,
  KvIsolation,
  KvRequest,
  KvResponse,
  LockMode,
  LockScope,
  PushTxnRequest,
  ResolveIntentsRequest,
  SplitTrigger,
  TxnMeta,
  TxnRecordStatus,
  WaitPolicy,
} from './kv-api.js';
import { descriptorFromWire, descriptorToWire } from './range-descriptor-codec.js';

const ISOLATIONS: readonly KvIsolation[] = ['serializable', 'repeatable read', 'read committed'];
const WAITS: readonly WaitPolicy[] = ['block', 'nowait', 'skip', 'past'];
const ACTIONS: readonly EndTxnRequest['action'][] = ['one-phase', 'stage', 'commit', 'abort'];
const PUSHES: readonly PushTxnRequest['type'][] = ['touch', 'timestamp', 'abort'];
const STATUSES: readonly TxnRecordStatus[] = ['pending', 'staging', 'committed', 'aborted'];
const RESOLVES: readonly ResolveIntentsRequest['status'][] = ['committed', 'aborted', 'pending'];
const EMPTY = Buffer.alloc(0);

function pick<T>(list: readonly T[], index: number, what: string): T {
  const value = list[index];
  if (value === undefined) throw malformed(`${what} ${index}`);
  return value;
}

function malformed(what: string): QuoralError {
  return new QuoralError('08P01', `malformed KV message: ${what}`);
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function txnToWire(t: TxnMeta): wire.TxnMeta {
  return {
    id: keyToBytes(t.id),
    anchorKey: keyToBytes(t.anchorKey),
    epoch: t.epoch,
    isolation: ISOLATIONS.indexOf(t.isolation),
    readTs: t.readTs,
    writeTs: t.writeTs,
    minTs: t.minTs,
    uncertaintyLimit: t.uncertaintyLimit,
    coordinator: t.coordinator,
    name: t.name,
  };
}

export function txnFromWire(w: wire.TxnMeta): TxnMeta {
  return {
    id: bytesToKey(w.id),
    anchorKey: bytesToKey(w.anchorKey),
    epoch: w.epoch,
    isolation: pick(ISOLATIONS, w.isolation, 'isolation'),
    readTs: w.readTs,
    writeTs: w.writeTs,
    minTs: w.minTs,
    uncertaintyLimit: w.uncertaintyLimit,
    coordinator: w.coordinator,
    name: w.name,
  };
}

function inFlightToWire(list: readonly InFlightWrite[]): wire.InFlightWrite[] {
  return list.map((w) => ({ key: keyToBytes(w.key), sequence: w.sequence }));
}
function inFlightFromWire(list: readonly wire.InFlightWrite[]): InFlightWrite[] {
  return list.map((w) => ({ key: bytesToKey(w.key), sequence: w.sequence }));
}

export function splitToWire(s: SplitTrigger | null): wire.SplitTrigger | undefined {
  return s === null
    ? undefined
    : { left: descriptorToWire(s.left), right: descriptorToWire(s.right), firstLeader: s.firstLeader };
}
export function splitFromWire(s: wire.SplitTrigger | undefined): SplitTrigger | null {
  if (s === undefined) return null;
  if (s.left === undefined || s.right === undefined) throw malformed('split trigger');
  return { left: descriptorFromWire(s.left), right: descriptorFromWire(s.right), firstLeader: s.firstLeader };
}

function requestToWire(r: KvRequest): wire.Request {
  switch (r.kind) {
    case 'get':
      return {
        value: {
          $case: 'get',
          value: {
            key: keyToBytes(r.key),
            lock: r.lock !== 'none',
            shared: r.lock === 'share',
            scope: scopeToWire(r.scope),
          },
        },
      };
    case 'scan':
      return {
        value: {
          $case: 'scan',
          value: {
            start: keyToBytes(r.start),
            end: keyToBytes(r.end),
            reverse: r.reverse,
            lock: r.lock !== 'none',
            shared: r.lock === 'share',
            scope: scopeToWire(r.scope),
          },
        },
      };
    case 'put':
      return {
        value: {
          $case: 'put',
          value: {
            key: keyToBytes(r.key),
            value: r.value === null ? EMPTY : toBuffer(r.value),
            tombstone: r.value === null,
            mustNotExist: r.mustNotExist,
            exclusionSince: r.exclusionSince,
            sequence: r.sequence,
          },
        },
      };
    case 'ingest':
      return {
        value: {
          $case: 'ingest',
          value: {
            keys: r.keys.map(keyToBytes),
            values: r.values.map(toBuffer),
            timestamp: r.timestamp,
          },
        },
      };
    case 'increment':
      return { value: { $case: 'increment', value: { key: keyToBytes(r.key), by: r.by } } };
    case 'refresh':
      return {
        value: {
          $case: 'refresh',
          value: {
            start: keyToBytes(r.start),
            end: r.end === null ? EMPTY : keyToBytes(r.end),
            point: r.end === null,
            fromTs: r.fromTs,
            toTs: r.toTs,
          },
        },
      };
    default:
      return txnRequestToWire(r);
  }
}

type TxnRequest = Exclude<KvRequest, { kind: 'get' | 'scan' | 'put' | 'ingest' | 'increment' | 'refresh' }>;

function txnRequestToWire(r: TxnRequest): wire.Request {
  switch (r.kind) {
    case 'end-txn':
      return {
        value: {
          $case: 'endTxn',
          value: {
            action: ACTIONS.indexOf(r.action),
            inFlight: inFlightToWire(r.inFlight),
            localLocks: r.localLocks.map(keyToBytes),
            lockKeys: r.lockKeys.map(keyToBytes),
            lockSpans: r.lockSpans.map(spanToWire),
            split: splitToWire(r.split),
          },
        },
      };
    case 'heartbeat-txn':
      return { value: { $case: 'heartbeatTxn', value: { now: r.now } } };
    case 'push-txn':
      return {
        value: {
          $case: 'pushTxn',
          value: {
            pushee: txnToWire(r.pushee),
            type: PUSHES.indexOf(r.type),
            pushTo: r.pushTo,
            force: r.force,
          },
        },
      };
    case 'recover-txn':
      return {
        value: { $case: 'recoverTxn', value: { txn: txnToWire(r.txn), committed: r.committed } },
      };
    case 'query-intent':
      return {
        value: {
          $case: 'queryIntent',
          value: {
            key: keyToBytes(r.key),
            txnId: keyToBytes(r.txnId),
            epoch: r.epoch,
            sequence: r.sequence,
            ts: r.ts,
          },
        },
      };
    case 'resolve-intents':
      return {
        value: {
          $case: 'resolveIntents',
          value: {
            keys: r.keys.map(keyToBytes),
            spans: r.spans.map(spanToWire),
            txnId: keyToBytes(r.txnId),
            epoch: r.epoch,
            status: RESOLVES.indexOf(r.status),
            ts: r.ts,
            upTo: r.upTo,
          },
        },
      };
    case 'gc-txns':
      return {
        value: {
          $case: 'gcTxns',
          value: {
            txns: r.txns.map((t) => ({
              id: keyToBytes(t.id),
              anchorKey: keyToBytes(t.anchorKey),
              committedAt: t.committedAt,
            })),
          },
        },
      };
    case 'range-stats':
      return { value: { $case: 'rangeStats', value: {} } };
    case 'transfer-lease':
      return { value: { $case: 'transferLease', value: { to: r.to } } };
    default:
      return unreachable(r);
  }
}

const SCOPES: readonly LockScope[] = ['row', 'existence', 'whole'];

function scopeToWire(scope: LockScope | undefined): number {
  return scope === undefined ? 0 : SCOPES.indexOf(scope);
}

function scopeFromWire(scope: number): LockScope {
  const known = SCOPES[scope];
  if (known === undefined) throw malformed('lock scope');
  return known;
}

function lockMode({ lock, shared }: { readonly lock: boolean; readonly shared: boolean }): LockMode {
  return !lock ? 'none' : shared ? 'share' : 'exclusive';
}

/** Two shapes, without the scope that hardly any has: no request is copied for it. */
function getFromWire(w: wire.Get): KvRequest {
  const key = bytesToKey(w.key);
  const lock = lockMode(w);
  return w.scope === 0 ? { kind: 'get', key, lock } : { kind: 'get', key, lock, scope: scopeFromWire(w.scope) };
}

function scanFromWire(w: wire.Scan): KvRequest {
  const start = bytesToKey(w.start);
  const end = bytesToKey(w.end);
  const { reverse } = w;
  const lock = lockMode(w);
  if (w.scope === 0) return { kind: 'scan', start, end, reverse, lock };
  return { kind: 'scan', start, end, reverse, lock, scope: scopeFromWire(w.scope) };
}

function requestFromWire(w: wire.Request): KvRequest {
  const v = w.value;
  if (v === undefined) throw malformed('empty request');
  switch (v.$case) {
    case 'get':
      return getFromWire(v.value);
    case 'scan':
      return scanFromWire(v.value);
    case 'put':
      return {
        kind: 'put',
        key: bytesToKey(v.value.key),
        value: v.value.tombstone ? null : v.value.value,
        mustNotExist: v.value.mustNotExist,
        exclusionSince: v.value.exclusionSince,
        sequence: v.value.sequence,
      };
    case 'ingest':
      return {
        kind: 'ingest',
        keys: v.value.keys.map(bytesToKey),
        values: v.value.values,
        timestamp: v.value.timestamp,
      };
    case 'increment':
      return { kind: 'increment', key: bytesToKey(v.value.key), by: v.value.by };
    case 'refresh':
      return {
        kind: 'refresh',
        start: bytesToKey(v.value.start),
        end: v.value.point ? null : bytesToKey(v.value.end),
        fromTs: v.value.fromTs,
        toTs: v.value.toTs,
      };
    default:
      return txnRequestFromWire(v);
  }
}

type WireTxnRequest = Exclude<
  NonNullable<wire.Request['value']>,
  { $case: 'get' | 'scan' | 'put' | 'ingest' | 'increment' | 'refresh' }
>;

function txnRequestFromWire(v: WireTxnRequest): KvRequest {
  switch (v.$case) {
    case 'endTxn':
      return {
        kind: 'end-txn',
        action: pick(ACTIONS, v.value.action, 'end-txn action'),
        inFlight: inFlightFromWire(v.value.inFlight),
        localLocks: v.value.localLocks.map(bytesToKey),
        lockKeys: v.value.lockKeys.map(bytesToKey),
        lockSpans: v.value.lockSpans.map(spanFromWire),
        split: splitFromWire(v.value.split),
      };
    case 'heartbeatTxn':
      return { kind: 'heartbeat-txn', now: v.value.now };
    case 'pushTxn': {
      if (v.value.pushee === undefined) throw malformed('push without pushee');
      return {
        kind: 'push-txn',
        pushee: txnFromWire(v.value.pushee),
        type: pick(PUSHES, v.value.type, 'push type'),
        pushTo: v.value.pushTo,
        force: v.value.force,
      };
    }
    case 'recoverTxn': {
      if (v.value.txn === undefined) throw malformed('recovery without transaction');
      return { kind: 'recover-txn', txn: txnFromWire(v.value.txn), committed: v.value.committed };
    }
    case 'queryIntent':
      return {
        kind: 'query-intent',
        key: bytesToKey(v.value.key),
        txnId: bytesToKey(v.value.txnId),
        epoch: v.value.epoch,
        sequence: v.value.sequence,
        ts: v.value.ts,
      };
    case 'resolveIntents':
      return {
        kind: 'resolve-intents',
        keys: v.value.keys.map(bytesToKey),
        spans: v.value.spans.map(spanFromWire),
        txnId: bytesToKey(v.value.txnId),
        epoch: v.value.epoch,
        status: pick(RESOLVES, v.value.status, 'resolve status'),
        ts: v.value.ts,
        upTo: v.value.upTo,
      };
    case 'gcTxns':
      return {
        kind: 'gc-txns',
        txns: v.value.txns.map((t) => ({
          id: bytesToKey(t.id),
          anchorKey: bytesToKey(t.anchorKey),
          committedAt: t.committedAt,
        })),
      };
    case 'rangeStats':
      return { kind: 'range-stats' };
    case 'transferLease':
      return { kind: 'transfer-lease', to: v.value.to };
    default:
      return unreachable(v);
  }
}

function spanToWire({ start, end }: Span): wire.Span {
  return { start: keyToBytes(start), end: keyToBytes(end) };
}

function spanFromWire({ start, end }: wire.Span): Span {
  return { start: bytesToKey(start), end: bytesToKey(end) };
}

export function encodeBatchRequest(b: BatchRequest): Uint8Array {
  const h = b.header;
  return wire.BatchRequest.encode({
    rangeId: h.rangeId,
    txn: h.txn === null ? undefined : txnToWire(h.txn),
    timestamp: h.timestamp,
    wait: WAITS.indexOf(h.wait),
    canBumpReadTs: h.canBumpReadTs,
    observedTs: h.observedTs,
    maxRows: h.maxRows,
    maxBytes: h.maxBytes,
    lockTimeoutMs: h.lockTimeoutMs,
    gatewayNode: h.gatewayNode,
    sentTs: h.sentTs,
    requests: b.requests.map(requestToWire),
  }).finish();
}

export function decodeBatchRequest(bytes: Uint8Array): BatchRequest {
  const w = wire.BatchRequest.decode(bytes);
  return {
    header: {
      rangeId: w.rangeId,
      txn: w.txn === undefined ? null : txnFromWire(w.txn),
      timestamp: w.timestamp,
      wait: pick(WAITS, w.wait, 'wait policy'),
      canBumpReadTs: w.canBumpReadTs,
      observedTs: w.observedTs,
      maxRows: w.maxRows,
      maxBytes: w.maxBytes,
      lockTimeoutMs: w.lockTimeoutMs,
      gatewayNode: w.gatewayNode,
      sentTs: w.sentTs,
    },
    requests: w.requests.map(requestFromWire),
  };
}

function replyToWire(r: KvResponse): wire.Reply {
  switch (r.kind) {
    case 'get':
      return {
        value: {
          $case: 'get',
          value: { value: r.value ?? EMPTY, found: r.value !== null, skipped: r.skipped },
        },
      };
    case 'scan':
      return {
        value: {
          $case: 'scan',
          value: {
            keys: r.keys.map(keyToBytes),
            values: r.values as Buffer[],
            resumeKey: r.resumeKey === null ? EMPTY : keyToBytes(r.resumeKey),
            more: r.resumeKey !== null,
          },
        },
      };
    case 'increment':
      return { value: { $case: 'increment', value: { value: r.value } } };
    case 'range-stats':
      return { value: { $case: 'rangeStats', value: { value: r.bytes } } };
    case 'end-txn':
      return { value: { $case: 'endTxn', value: txnReply(r.status, r.commitTs) } };
    case 'push-txn':
      return {
        value: {
          $case: 'pushTxn',
          value: {
            status: STATUSES.indexOf(r.status),
            ts: r.writeTs,
            epoch: r.epoch,
            inFlight: inFlightToWire(r.inFlight),
            lockKeys: r.lockKeys.map(keyToBytes),
            lockSpans: [],
            flag: r.pushed,
          },
        },
      };
    case 'recover-txn':
      return {
        value: {
          $case: 'recoverTxn',
          value: {
            ...txnReply(r.status, r.writeTs),
            lockKeys: r.lockKeys.map(keyToBytes),
            lockSpans: r.lockSpans.map(spanToWire),
          },
        },
      };
    case 'query-intent':
      return { value: { $case: 'queryIntent', value: { ...txnReply('pending', 0), flag: r.found } } };
    case 'heartbeat-txn':
      return { value: { $case: 'heartbeatTxn', value: txnReply(r.status, 0) } };
    default:
      return { value: { $case: 'empty', value: {} } };
  }
}

function txnReply(status: TxnRecordStatus, ts: number): wire.TxnReply {
  return { status: STATUSES.indexOf(status), ts, epoch: 0, inFlight: [], lockKeys: [], lockSpans: [], flag: false };
}

function replyFromWire(w: wire.Reply): KvResponse {
  const v = w.value;
  if (v === undefined) throw malformed('empty reply');
  switch (v.$case) {
    case 'get':
      return { kind: 'get', value: v.value.found ? v.value.value : null, skipped: v.value.skipped };
    case 'scan':
      return {
        kind: 'scan',
        keys: v.value.keys.map(bytesToKey),
        values: v.value.values,
        resumeKey: v.value.more ? bytesToKey(v.value.resumeKey) : null,
      };
    case 'increment':
      return { kind: 'increment', value: v.value.value };
    case 'rangeStats':
      return { kind: 'range-stats', bytes: v.value.value };
    case 'endTxn':
      return { kind: 'end-txn', status: statusOf(v.value), commitTs: v.value.ts };
    case 'pushTxn':
      return {
        kind: 'push-txn',
        status: statusOf(v.value),
        writeTs: v.value.ts,
        epoch: v.value.epoch,
        inFlight: inFlightFromWire(v.value.inFlight),
        lockKeys: v.value.lockKeys.map(bytesToKey),
        pushed: v.value.flag,
      };
    case 'recoverTxn':
      return {
        kind: 'recover-txn',
        status: statusOf(v.value),
        writeTs: v.value.ts,
        lockKeys: v.value.lockKeys.map(bytesToKey),
        lockSpans: v.value.lockSpans.map(spanFromWire),
      };
    case 'queryIntent':
      return { kind: 'query-intent', found: v.value.flag };
    case 'heartbeatTxn':
      return { kind: 'heartbeat-txn', status: statusOf(v.value) };
    case 'empty':
      return { kind: 'put' };
    default:
      return unreachable(v);
  }
}

function statusOf(w: wire.TxnReply): TxnRecordStatus {
  return pick(STATUSES, w.status, 'transaction status');
}

export function encodeBatchResponse(b: BatchResponse): Uint8Array {
  return wire.BatchResponse.encode({
    replies: b.responses.map(replyToWire),
    hasTxn: b.txn !== null,
    readTs: b.txn?.readTs ?? 0,
    writeTs: b.txn?.writeTs ?? 0,
    now: b.now,
    readAt: b.readAt,
  }).finish();
}

export function decodeBatchResponse(bytes: Uint8Array): BatchResponse {
  const w = wire.BatchResponse.decode(bytes);
  return {
    responses: w.replies.map(replyFromWire),
    txn: w.hasTxn ? { readTs: w.readTs, writeTs: w.writeTs } : null,
    now: w.now,
    readAt: w.readAt,
  };
}
