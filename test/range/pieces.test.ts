/** Commands over wide spans are worked off in pieces, one turn and one proposal each, without a gap between them. */
import { afterEach, describe, expect, it } from 'vitest';
import { sqlError } from '../../src/base/errors.js';
import { guardHeap } from '../../src/base/heap.js';
import type { Key } from '../../src/base/key.js';
import type { KvRequest } from '../../src/range/kv-api.js';
import { KvError } from '../../src/range/kv-errors.js';
import { collectMarks } from '../support/marks.js';
import { Harness } from './support/harness.js';

const keyAt = (i: number): Key => `\x04${String(i).padStart(6, '0')}`;
const VALUE = Buffer.from('v');

function puts(from: number, to: number): KvRequest[] {
  const list: KvRequest[] = [];
  for (let i = from; i < to; i++) {
    list.push({ kind: 'put', key: keyAt(i), value: VALUE, mustNotExist: false, exclusionSince: 0, sequence: i + 1 });
  }
  return list;
}

describe('work in pieces', () => {
  let harness: Harness;
  afterEach(async () => {
    await harness.close();
    expect(harness.fatal).toEqual([]);
  });

  const count = (family: 'versions' | 'locks'): number =>
    harness.node(1).engine.scan({ family, start: '', end: '\xff\xff' }).length;

  it.each(['committed', 'aborted'] as const)('resolves thousands of intents of one span (%s)', async (status) => {
    harness = await Harness.start({ nodes: 1 });
    const total = 5_000;
    const node = await harness.until('a leaseholder', () => harness.leaseholder());
    const txn = harness.txn(node, keyAt(0));
    const other = harness.txn(node, keyAt(total));
    for (let i = 0; i < total; i += 500) await harness.send(puts(i, i + 500), { txn });
    await harness.send(puts(total, total + 1), { txn: other });
    const before = count('versions');
    const replica = node.store.replica(1)!;
    const applied = replica.appliedIndex;
    let looked = 0;
    const range = replica.locks.range.bind(replica.locks);
    replica.locks.range = function* (start, end) {
      for (const lock of range(start, end)) {
        looked++;
        yield lock;
      }
    };
    const answer = await harness.send([
      {
        kind: 'resolve-intents',
        keys: [],
        // Condensed lists of several spills may overlap, in any order.
        spans: [
          { start: keyAt(2_500), end: keyAt(total + 1) },
          { start: keyAt(0), end: keyAt(2_600) },
        ],
        txnId: txn.id,
        epoch: 0,
        status,
        ts: txn.writeTs,
        upTo: 0,
      },
    ]);
    expect(answer.responses).toEqual([{ kind: 'resolve-intents', resumeKey: null }]);
    expect(replica.appliedIndex - applied).toBeGreaterThanOrEqual(3);
    // A piece goes on where the last one stopped; two spans overlap.
    expect(looked).toBeLessThan(total + 500);
    expect(count('versions') - before).toBe(status === 'committed' ? total : 0);
    // The other transaction's intent inside the span stays.
    expect(count('locks')).toBe(1);
    expect([...replica.locks.range('', '\xff\xff')].map((l) => l.key)).toEqual([keyAt(total)]);
    expect((await harness.get(keyAt(4_999)))?.toString() ?? null).toBe(status === 'committed' ? 'v' : null);
  });

  it.each(['resolve-intents', 'end-txn'] as const)(
    'makes versions of large values batch by batch (%s)',
    async (how) => {
      harness = await Harness.start({ nodes: 1 });
      const node = await harness.until('a leaseholder', () => harness.leaseholder());
      const txn = harness.txn(node, keyAt(0));
      const value = Buffer.alloc(400_000, 'x');
      const keys = Array.from({ length: 12 }, (_, i) => keyAt(i));
      for (const [i, key] of keys.entries())
        await harness.send([{ kind: 'put', key, value, mustNotExist: false, exclusionSince: 0, sequence: i + 1 }], {
          txn,
        });
      const replica = node.store.replica(1)!;
      const applied = replica.appliedIndex;
      const before = count('versions');
      const { id, writeTs: ts } = txn;
      if (how === 'resolve-intents') {
        const request = { kind: how, keys, spans: [], txnId: id, epoch: 0, status: 'committed', ts, upTo: 0 } as const;
        await harness.send([request]);
      } else {
        const request = { kind: how, action: 'commit', inFlight: [], localLocks: keys, lockKeys: keys } as const;
        await harness.send([{ ...request, lockSpans: [], split: null }], { txn });
      }
      // Three values fill one batch.
      expect(replica.appliedIndex - applied).toBeGreaterThanOrEqual(4);
      expect(count('versions') - before).toBe(keys.length);
      // Of the commit the record is left.
      expect(count('locks')).toBe(how === 'end-txn' ? 1 : 0);
      expect((await harness.get(keys.at(-1)!))?.length).toBe(value.length);
    },
  );

  it.each([
    { what: 'drops all of them', upTo: 0, left: 0 },
    { what: 'drops the one that a rollback voids', upTo: 1, left: 11 },
  ])('reads large intents batch by batch, also where nothing becomes of them: $what', async ({ upTo, left }) => {
    harness = await Harness.start({ nodes: 1 });
    const node = await harness.until('a leaseholder', () => harness.leaseholder());
    const txn = harness.txn(node, keyAt(0));
    const value = Buffer.alloc(400_000, 'x');
    const keys = Array.from({ length: 12 }, (_, i) => keyAt(i));
    for (const [i, key] of keys.entries())
      await harness.send([{ kind: 'put', key, value, mustNotExist: false, exclusionSince: 0, sequence: i + 1 }], {
        txn,
      });
    let inTurn = 0;
    let turn = -1;
    let most = 0;
    const get = node.engine.get.bind(node.engine);
    node.engine.get = (family, key) => {
      const found = get(family, key);
      if (family === 'locks' && found !== null) {
        // In virtual time each turn has a time of its own.
        const now = harness.time.monotonicMs();
        if (now !== turn) inTurn = 0;
        turn = now;
        most = Math.max(most, (inTurn += found.length));
      }
      return found;
    };
    // What is to be dropped comes last: the first batches change nothing.
    const request = { kind: 'resolve-intents', keys: keys.toReversed(), spans: [], txnId: txn.id, epoch: 0 } as const;
    await harness.send([{ ...request, status: 'aborted', ts: 0, upTo }]);
    node.engine.get = get;
    expect(count('locks')).toBe(left);
    expect(most).toBeLessThan(2_000_000);
  });

  it('verifies thousands of keys of one batch turn by turn', async () => {
    harness = await Harness.start({ nodes: 1 });
    const node = await harness.until('a leaseholder', () => harness.leaseholder());
    const txn = harness.txn(node, keyAt(0));
    const replica = node.store.replica(1)!;
    let inTurn = 0;
    let turn = -1;
    let most = 0;
    const range = replica.locks.range.bind(replica.locks);
    replica.locks.range = (start, end) => {
      const now = harness.time.monotonicMs();
      if (now !== turn) inTurn = 0;
      turn = now;
      most = Math.max(most, ++inTurn);
      return range(start, end);
    };
    const requests: KvRequest[] = [];
    for (let i = 0; i < 3_000; i++) {
      requests.push({ kind: 'refresh', start: keyAt(i), end: null, fromTs: txn.readTs, toTs: txn.writeTs + 1 });
    }
    const answer = await harness.send(requests, { txn });
    expect(answer.responses).toEqual(requests.map(() => ({ kind: 'refresh', resumeKey: null })));
    expect(most).toBeLessThan(500);
  });

  it('begins a lease over large intents turn by turn: it read all of them at once, too long for the lease to last', async () => {
    const marks = collectMarks();
    harness = await Harness.start({ nodes: 3 });
    const old = await harness.until('a leaseholder', () => harness.leaseholder());
    const txn = harness.txn(old, keyAt(0));
    const value = Buffer.alloc(1_000_000, 'x');
    const keys = Array.from({ length: 12 }, (_, i) => keyAt(i));
    for (const [i, key] of keys.entries())
      await harness.send([{ kind: 'put', key, value, mustNotExist: false, exclusionSince: 0, sequence: i + 1 }], {
        txn,
      });
    const next = harness.nodes.find((n) => n !== old)!;
    await harness.until('all intents there', () =>
      next.engine.scan({ family: 'locks', start: '', end: '\xff\xff' }).length === keys.length ? true : null,
    );
    let most = 0;
    let reads = 0;
    const scan = next.engine.scan.bind(next.engine);
    next.engine.scan = (options) => {
      const rows = scan(options);
      if (options.family === 'locks' && rows.length > 0) {
        reads++;
        most = Math.max(most, rows.length);
      }
      return rows;
    };
    old.store.replica(1)!.raft.transferLeadership(next.id);
    old.store.replica(1)!.wake();
    await harness.until('another leaseholder', () => (harness.leaseholder() === next ? true : null));
    next.engine.scan = scan;
    expect(marks).toContain('locks-loaded-in-pieces');
    expect([most <= 3, reads >= 4]).toEqual([true, true]);
    // None of them is missing in the table, and the end of the transaction finds them all.
    expect([...next.store.replica(1)!.locks.range('', '\xff\xff')].map((l) => l.key)).toEqual(keys);
    const end = { kind: 'end-txn', action: 'commit', inFlight: [], localLocks: keys, lockKeys: keys } as const;
    await harness.send([{ ...end, lockSpans: [], split: null }], { txn });
    expect((await harness.get(keys.at(-1)!))?.length).toBe(value.length);
  });

  it('begins a lease with each intent under its own transaction and time', async () => {
    harness = await Harness.start({ nodes: 3 });
    const old = await harness.until('a leaseholder', () => harness.leaseholder());
    const txns = [harness.txn(old, keyAt(0)), harness.txn(old, keyAt(1))];
    for (let i = 0; i < 9; i++) await harness.send(puts(i, i + 1), { txn: txns[Math.floor(i / 2) % 2]! });
    const laid = (node: typeof old): unknown[] =>
      [...node.store.replica(1)!.locks.range('', '\xff\xff')].map((l) => [l.key, l.holder?.id, l.intentTs]);
    const before = laid(old);
    expect(new Set(before.map((one) => (one as unknown[])[1])).size).toBe(2);
    const next = harness.nodes.find((n) => n !== old)!;
    await harness.until('all intents there', () =>
      next.engine.scan({ family: 'locks', start: '', end: '\xff\xff' }).length === 9 ? true : null,
    );
    old.store.replica(1)!.raft.transferLeadership(next.id);
    old.store.replica(1)!.wake();
    await harness.until('another leaseholder', () => (harness.leaseholder() === next ? true : null));
    expect(laid(next)).toEqual(before);
  });

  it('lays no more intents than the heap has room for, and lets go of their locks', async () => {
    harness = await Harness.start({ nodes: 1 });
    const node = await harness.until('a leaseholder', () => harness.leaseholder());
    const txn = harness.txn(node, keyAt(0));
    guardHeap(() => {
      throw sqlError('53200', 'out of memory');
    });
    await expect(harness.send(puts(0, 100), { txn })).rejects.toMatchObject({ sqlstate: '53200' });
    // As every refusal: whoever has called holds a promise.
    const { executor } = node.store;
    let refused: Promise<unknown> | null = null;
    expect(() => (refused = executor.execute(harness.batch(node, puts(0, 100), { txn })))).not.toThrow();
    await expect(refused).rejects.toMatchObject({ sqlstate: '53200' });
    // Few are always let in: a commit must be possible.
    await harness.send(puts(0, 10), { txn });
    guardHeap(() => undefined);
    expect([...node.store.replica(1)!.locks.range('', '\xff\xff')].length).toBe(10);
    await harness.send(puts(10, 110), { txn });
    expect(count('locks')).toBe(110);
  });

  it('resolves what one batch is too small for as the beginning: of the epoch, at the timestamp', async () => {
    harness = await Harness.start({ nodes: 1 });
    const node = await harness.until('a leaseholder', () => harness.leaseholder());
    const txn = { ...harness.txn(node, keyAt(0)), epoch: 1 };
    const value = Buffer.alloc(400_000, 'x');
    const keys = Array.from({ length: 9 }, (_, i) => keyAt(i));
    // What an earlier epoch has left, in the first batch and in the last.
    const stale = [keyAt(1), keyAt(7)];
    for (const [i, key] of keys.entries()) {
      const put = { kind: 'put', key, value, mustNotExist: false, exclusionSince: 0, sequence: i + 1 } as const;
      await harness.send([put], { txn: { ...txn, epoch: stale.includes(key) ? 0 : 1 } });
    }
    const ts = txn.writeTs + 50;
    const { id } = txn;
    const request = { kind: 'resolve-intents', keys, spans: [], txnId: id, epoch: 1, upTo: 0 } as const;
    await harness.send([{ ...request, status: 'committed', ts }]);
    expect(count('locks')).toBe(0);
    for (const key of keys) {
      const at = async (timestamp: number): Promise<number | undefined> => {
        const [reply] = (await harness.send([{ kind: 'get', key, lock: 'none' }], { timestamp })).responses;
        return reply?.kind === 'get' ? reply.value?.length : -1;
      };
      expect([await at(ts - 1), await at(ts)]).toEqual([undefined, stale.includes(key) ? undefined : value.length]);
    }
  });

  it('resolves what one batch is too small for as the beginning: writes after a savepoint stay', async () => {
    harness = await Harness.start({ nodes: 1 });
    const node = await harness.until('a leaseholder', () => harness.leaseholder());
    const keys = Array.from({ length: 9 }, (_, i) => `${keyAt(i)}${'k'.repeat(200_000)}`);
    const txn = harness.txn(node, keys[0]!);
    const later = [keys[1]!, keys[7]!];
    for (const key of keys) {
      const sequence = later.includes(key) ? 5 : 4;
      const put = { kind: 'put', key, value: VALUE, mustNotExist: false, exclusionSince: 0, sequence } as const;
      await harness.send([put], { txn });
    }
    const replica = node.store.replica(1)!;
    const applied = replica.appliedIndex;
    const request = { kind: 'resolve-intents', keys, spans: [], txnId: txn.id, epoch: 0, upTo: 4 } as const;
    await harness.send([{ ...request, status: 'aborted', ts: txn.writeTs }]);
    expect(replica.appliedIndex - applied).toBeGreaterThanOrEqual(2);
    expect([...replica.locks.range('', '\xff\xff')].map(({ key }) => key)).toEqual(later);
    // Once more, they come too late.
    for (const key of keys) {
      const put = { kind: 'put', key, value: VALUE, mustNotExist: false, exclusionSince: 0, sequence: 4 } as const;
      await harness.send([put], { txn });
    }
    expect(count('locks')).toBe(later.length);
  });

  it('refreshes a span of more keys than one turn verifies, and finds a change in any piece', async () => {
    harness = await Harness.start({ nodes: 1 });
    const total = 20_000;
    const node = await harness.until('a leaseholder', () => harness.leaseholder());
    const timestamp = node.hlc.now();
    for (let i = 0; i < total; i += 2_000) {
      const keys = Array.from({ length: 2_000 }, (_, n) => keyAt(i + n));
      await harness.send([{ kind: 'ingest', keys, values: keys.map(() => VALUE), timestamp }]);
    }
    const reader = harness.txn(node, keyAt(0));
    const refresh = (fromTs: number, toTs: number): Promise<unknown> =>
      harness.send([{ kind: 'refresh', start: keyAt(0), end: keyAt(total), fromTs, toTs }], { txn: reader });
    // Writers that are older than what was verified must land above it, in every piece.
    const writers = [100, 9_000, 17_000, 19_999].map((i) => ({ key: keyAt(i), txn: harness.txn(node, keyAt(i)) }));
    // Its own intents at the end are looked at once, not by every piece.
    const own = 1_000;
    await harness.send(puts(total - own, total), { txn: reader });
    let looked = 0;
    const { locks } = node.store.replica(1)!;
    const range = locks.range.bind(locks);
    locks.range = function* (start, end) {
      for (const lock of range(start, end)) {
        looked++;
        yield lock;
      }
    };
    const toTs = node.hlc.now();
    await refresh(reader.readTs, toTs);
    expect(looked).toBe(own);
    const keys = Array.from({ length: own }, (_, n) => keyAt(total - own + n));
    await harness.send([
      { kind: 'resolve-intents', keys, spans: [], txnId: reader.id, epoch: 0, status: 'aborted', ts: 0, upTo: 0 },
    ]);
    for (const { key, txn } of writers) {
      const put = { kind: 'put', key, value: VALUE, mustNotExist: false, exclusionSince: 0, sequence: 1 } as const;
      const answer = await harness.send([put], { txn });
      expect(answer.txn!.writeTs).toBeGreaterThan(toTs);
      const status = 'aborted';
      await harness.send([
        { kind: 'resolve-intents', keys: [key], spans: [], txnId: txn.id, epoch: 0, status, ts: txn.writeTs, upTo: 0 },
      ]);
    }
    for (const i of [19_999, 9_000, 100]) {
      await harness.put([keyAt(i)], 'changed');
      const failed: unknown = await refresh(toTs, node.hlc.now()).catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(KvError);
      expect((failed as KvError).detail).toMatchObject({ kind: 'retry', reason: 'refresh-failed', key: keyAt(i) });
    }
  });
});
