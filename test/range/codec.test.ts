import { describe, expect, it } from 'vitest';
import type {
  BatchRequest,
  BatchResponse,
  KvRequest,
  KvResponse,
  RangeDescriptor,
  TxnMeta,
} from '../../src/range/kv-api.js';
import {
  decodeBatchRequest,
  decodeBatchResponse,
  encodeBatchRequest,
  encodeBatchResponse,
} from '../../src/range/kv-codec.js';
import { decodeKvError, encodeKvError } from '../../src/range/kv-error-codec.js';
import { KvError, type KvErrorDetail } from '../../src/range/kv-errors.js';
import { decodeRangeDescriptor, encodeRangeDescriptor } from '../../src/range/range-descriptor-codec.js';
import { Random } from './support/random.js';

const STATUSES = ['pending', 'staging', 'committed', 'aborted'] as const;
const ts = (r: Random): number => (r.bool(0.1) ? Number.MAX_SAFE_INTEGER : r.int(2 ** 31) * r.int(2 ** 20));
const list = <T>(r: Random, make: () => T): T[] => Array.from({ length: r.int(4) }, make);

function descriptor(r: Random): RangeDescriptor {
  return {
    rangeId: r.int(1e9),
    start: r.key(),
    end: r.key(),
    generation: r.int(1e6),
    replicas: list(r, () => ({ nodeId: r.int(100), type: r.pick(['voter', 'learner'] as const) })),
  };
}
function meta(r: Random): TxnMeta {
  return {
    id: r.key(16),
    anchorKey: r.key(),
    epoch: r.int(5),
    isolation: r.pick(['serializable', 'repeatable read', 'read committed'] as const),
    readTs: ts(r),
    writeTs: ts(r),
    minTs: ts(r),
    uncertaintyLimit: ts(r),
    coordinator: r.int(9),
    name: r.pick(['', 'psql', 'žluť']),
  };
}
const inFlight = (r: Random): { key: string; sequence: number }[] =>
  list(r, () => ({ key: r.key(), sequence: r.int(1e6) }));

const REQUESTS: Record<KvRequest['kind'], (r: Random) => KvRequest> = {
  get: (r) => ({ kind: 'get', key: r.key(), lock: r.pick(['none', 'share', 'exclusive'] as const) }),
  scan: (r) => ({
    kind: 'scan',
    start: r.key(),
    end: r.key(),
    reverse: r.bool(),
    lock: r.pick(['none', 'share', 'exclusive'] as const),
  }),
  put: (r) => ({
    kind: 'put',
    key: r.key(),
    value: r.bool(0.3) ? null : r.bytes(),
    mustNotExist: r.bool(),
    exclusionSince: ts(r),
    sequence: r.int(1e9),
  }),
  ingest: (r) => ({ kind: 'ingest', keys: list(r, () => r.key()), values: list(r, () => r.bytes()), timestamp: ts(r) }),
  increment: (r) => ({ kind: 'increment', key: r.key(), by: r.bool() ? -r.int(1e12) - 1 : r.int(1e12) }),
  refresh: (r) => ({ kind: 'refresh', start: r.key(), end: r.bool() ? null : r.key(), fromTs: ts(r), toTs: ts(r) }),
  'end-txn': (r) => ({
    kind: 'end-txn',
    action: r.pick(['one-phase', 'stage', 'commit', 'abort'] as const),
    inFlight: inFlight(r),
    localLocks: list(r, () => r.key()),
    lockKeys: list(r, () => r.key()),
    lockSpans: list(r, () => ({ start: r.key(), end: r.key() })),
    split: r.bool() ? null : { left: descriptor(r), right: descriptor(r), firstLeader: r.int(9) },
  }),
  'heartbeat-txn': (r) => ({ kind: 'heartbeat-txn', now: ts(r) }),
  'push-txn': (r) => ({
    kind: 'push-txn',
    pushee: meta(r),
    type: r.pick(['touch', 'timestamp', 'abort'] as const),
    pushTo: ts(r),
    force: r.bool(),
  }),
  'recover-txn': (r) => ({ kind: 'recover-txn', txn: meta(r), committed: r.bool() }),
  'query-intent': (r) => ({
    kind: 'query-intent',
    key: r.key(),
    txnId: r.key(16),
    epoch: r.int(4),
    sequence: r.int(99),
    ts: ts(r),
  }),
  'resolve-intents': (r) => ({
    kind: 'resolve-intents',
    keys: list(r, () => r.key()),
    spans: list(r, () => ({ start: r.key(), end: r.key() })),
    txnId: r.key(16),
    epoch: r.int(4),
    status: r.pick(['committed', 'aborted', 'pending'] as const),
    ts: ts(r),
    upTo: r.int(1e6),
  }),
  'gc-txns': (r) => ({
    kind: 'gc-txns',
    txns: list(r, () => ({ id: r.key(16), anchorKey: r.key(), committedAt: ts(r) })),
  }),
  'range-stats': () => ({ kind: 'range-stats' }),
  'transfer-lease': (r) => ({ kind: 'transfer-lease', to: r.int(9) }),
};

const RESPONSES: readonly ((r: Random) => KvResponse)[] = [
  (r) => ({ kind: 'get', value: r.bool(0.3) ? null : r.bytes(), skipped: r.bool() }),
  (r) => ({
    kind: 'scan',
    keys: list(r, () => r.key()),
    values: list(r, () => r.bytes()),
    resumeKey: r.bool() ? null : r.key(),
  }),
  (r) => ({ kind: 'increment', value: r.int(1e12) - 5e11 }),
  (r) => ({ kind: 'end-txn', status: r.pick(STATUSES), commitTs: ts(r) }),
  (r) => ({
    kind: 'push-txn',
    status: r.pick(STATUSES),
    writeTs: ts(r),
    epoch: r.int(4),
    inFlight: inFlight(r),
    lockKeys: list(r, () => r.key()),
    pushed: r.bool(),
  }),
  (r) => ({
    kind: 'recover-txn',
    status: r.pick(STATUSES),
    writeTs: ts(r),
    lockKeys: list(r, () => r.key()),
    lockSpans: list(r, () => ({ start: r.key(), end: r.key() })),
  }),
  (r) => ({ kind: 'query-intent', found: r.bool() }),
  (r) => ({ kind: 'heartbeat-txn', status: r.pick(STATUSES) }),
  (r) => ({ kind: 'range-stats', bytes: r.int(2 ** 40) }),
  () => ({ kind: 'put' }),
];

const ERRORS: Record<KvErrorDetail['kind'], (r: Random) => KvErrorDetail> = {
  'not-leaseholder': (r) => ({
    kind: 'not-leaseholder',
    leaseholder: r.int(9),
    descriptor: r.bool() ? null : descriptor(r),
  }),
  'range-mismatch': (r) => ({ kind: 'range-mismatch', descriptors: list(r, () => descriptor(r)) }),
  'range-not-found': () => ({ kind: 'range-not-found' }),
  unavailable: (r) => ({ kind: 'unavailable', reason: r.pick(['', 'x']) }),
  ambiguous: (r) => ({ kind: 'ambiguous', reason: r.pick(['', 'x']) }),
  uncertainty: (r) => ({ kind: 'uncertainty', key: r.key(), retryTs: ts(r) }),
  'write-too-old': (r) => ({ kind: 'write-too-old', key: r.key(), retryTs: ts(r) }),
  retry: (r) => ({
    kind: 'retry',
    reason: r.pick(['refresh-failed', 'lost-lock', 'pushed'] as const),
    key: r.key(),
    retryTs: ts(r),
  }),
  aborted: (r) => ({ kind: 'aborted', reason: r.pick(['', 'pushed']) }),
  'key-exists': (r) => ({ kind: 'key-exists', key: r.key(), existing: r.bytes() }),
  'lock-not-available': (r) => ({ kind: 'lock-not-available', key: r.key() }),
  deadlock: (r) => ({ kind: 'deadlock', cycle: r.pick(['', 'a waits for b']) }),
  'one-phase-refused': (r) => ({ kind: 'one-phase-refused', reason: r.pick(['', 'x']) }),
};

describe('KV codec', () => {
  it.each(Object.keys(REQUESTS) as KvRequest['kind'][])('carries %s requests whole', (kind) => {
    const r = new Random(kind.length * 7919);
    for (let i = 0; i < 200; i++) {
      const batch: BatchRequest = {
        header: {
          rangeId: r.int(1e9),
          txn: r.bool() ? null : meta(r),
          timestamp: ts(r),
          wait: r.pick(['block', 'nowait', 'skip'] as const),
          canBumpReadTs: r.bool(),
          observedTs: ts(r),
          maxRows: r.int(1e6),
          maxBytes: r.int(2 ** 32),
          lockTimeoutMs: r.int(2 ** 32),
          gatewayNode: r.int(9),
          sentTs: ts(r),
        },
        requests: [REQUESTS[kind](r), REQUESTS[kind](r)],
      };
      expect(decodeBatchRequest(encodeBatchRequest(batch))).toEqual(batch);
    }
  });

  it('carries responses whole', () => {
    const r = new Random(11);
    for (let i = 0; i < 500; i++) {
      const response: BatchResponse = {
        responses: list(r, () => r.pick(RESPONSES)(r)),
        txn: r.bool() ? null : { readTs: ts(r), writeTs: ts(r) },
        now: ts(r),
        readAt: ts(r),
      };
      expect(decodeBatchResponse(encodeBatchResponse(response))).toEqual(response);
    }
  });

  it.each(Object.keys(ERRORS) as KvErrorDetail['kind'][])('carries %s errors whole', (kind) => {
    const r = new Random(kind.length);
    for (let i = 0; i < 50; i++) {
      const detail = ERRORS[kind](r);
      const error = new KvError(detail, 'message');
      const back = decodeKvError(encodeKvError(error)!, 'message')!;
      expect(back.detail).toEqual(detail);
      expect([back.sqlstate, back.retry, back.message]).toEqual([error.sqlstate, error.retry, 'message']);
    }
    expect(encodeKvError(new Error('x'))).toBeNull();
  });

  it('keeps the bytes of a descriptor, which are on disk', () => {
    const d: RangeDescriptor = {
      rangeId: 300,
      start: '\x04\x81',
      end: '\xff',
      generation: 7,
      replicas: [
        { nodeId: 1, type: 'voter' },
        { nodeId: 200, type: 'learner' },
      ],
    };
    const bytes = encodeRangeDescriptor(d);
    expect(Buffer.from(bytes).toString('hex')).toMatchInlineSnapshot(
      `"08ac02120204811a01ff22020801220508c80110012807"`,
    );
    expect(decodeRangeDescriptor(bytes)).toEqual(d);
  });

  it('keeps the bytes of batches and errors, which travel between versions', () => {
    const r = new Random(5);
    const batch: BatchRequest = {
      header: {
        rangeId: 3,
        txn: meta(r),
        timestamp: 0,
        wait: 'nowait',
        canBumpReadTs: true,
        observedTs: 5,
        maxRows: 6,
        maxBytes: 7,
        lockTimeoutMs: 8,
        gatewayNode: 2,
        sentTs: 0,
      },
      requests: [
        { kind: 'get', key: 'k', lock: 'exclusive' },
        { kind: 'put', key: 'k', value: null, mustNotExist: false, exclusionSince: 4, sequence: 9 },
        {
          kind: 'end-txn',
          action: 'stage',
          inFlight: [{ key: 'k', sequence: 9 }],
          localLocks: ['k'],
          lockKeys: ['k'],
          lockSpans: [],
          split: null,
        },
      ],
    };
    expect(Buffer.from(encodeBatchRequest(batch)).toString('hex')).toMatchInlineSnapshot(
      `"0803123c0a0bc5389f1597b875e73ac7bd120803774ce549c1b940200228ed8795989e9a113088d6d8aae8d07c38ffffffffffffff0f40cbe1b2a6d99342480820012801300538064007480850025a070a050a016b10015a0b1a090a016b1801280430095a113a0f080112050a016b10091a016b22016b"`,
    );
    const error = new KvError({ kind: 'retry', reason: 'lost-lock', key: 'k', retryTs: 12 });
    expect(Buffer.from(encodeKvError(error)!).toString('hex')).toMatchInlineSnapshot(`"08072a016b300c4001"`);
  });

  it('refuses what it does not know', () => {
    expect(() => decodeBatchRequest(Buffer.from([0x20, 0x63]))).toThrow(/malformed/);
    expect(() => decodeBatchRequest(Buffer.from([0x5a, 0x00]))).toThrow(/malformed/);
  });
});
