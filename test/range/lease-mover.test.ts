import { afterEach, describe, expect, it } from 'vitest';
import type { Key } from '../../src/base/key.js';
import type { KvRequest, TxnMeta } from '../../src/range/kv-api.js';
import { preferredLeader, RangeLoad } from '../../src/range/lease-mover.js';
import type { Replica } from '../../src/range/replica.js';
import { intentSpan } from '../../src/storage/lock-record.js';
import { Harness, type TestNode } from './support/harness.js';

function noted(...counts: readonly [number, number][]): RangeLoad {
  const load = new RangeLoad();
  for (const [node, count] of counts) for (let i = 0; i < count; i++) load.note(node);
  return load;
}

describe('the load of a range', () => {
  it('has a majority from 40 requests and 60 % through one node', () => {
    expect(noted([1, 39]).majority()).toBe(0);
    expect(noted([1, 40]).majority()).toBe(1);
    expect(noted([1, 40], [2, 60]).majority()).toBe(2);
    expect(noted([1, 41], [2, 59]).majority()).toBe(0);
    expect(noted([3, 1000], [1, 300], [2, 300]).majority()).toBe(3);
    expect(noted([1, 50], [2, 50]).majority()).toBe(0);
  });

  it('halves every second, forgets, and remembers when it was last loaded', () => {
    const load = noted([1, 90], [2, 11]);
    expect([load.total, load.lastLoadedMs]).toEqual([101, 0]);
    load.decay(1_000);
    expect([load.total, load.majority(), load.lastLoadedMs]).toEqual([50, 1, 1_000]);
    load.decay(2_000);
    expect([load.total, load.majority()]).toEqual([24, 0]);
    // Younger requests weigh more than older ones.
    for (let i = 0; i < 60; i++) load.note(2);
    expect(load.majority()).toBe(2);
    for (let second = 3; second <= 20; second++) load.decay(second * 1_000);
    expect([load.total, load.majority()]).toEqual([0, 0]);
    expect(load.lastLoadedMs).toBeLessThan(11_000);
    load.decay(30_000);
    expect(load.lastLoadedMs).toBeLessThan(11_000);
  });

  it('spreads ranges without load by their ids', () => {
    const replicas = [3, 1, 2].map((nodeId) => ({ nodeId, type: 'voter' as const }));
    const leaders = [6, 7, 8, 9].map((rangeId) =>
      preferredLeader({ rangeId, start: '', end: '\xff', replicas, generation: 1 }, 9),
    );
    expect(leaders).toEqual([1, 2, 3, 1]);
    expect(preferredLeader({ rangeId: 1, start: '', end: '\xff', replicas: [], generation: 1 }, 9)).toBe(9);
  });
});

describe('moving a lease', () => {
  let harness: Harness;
  afterEach(async () => {
    await harness.close();
    expect(harness.fatal).toEqual([]);
    expect(harness.doubleLeases).toEqual([]);
  });

  const lock = (key: Key): KvRequest => ({ kind: 'get', key, lock: 'exclusive' });

  /** Fails with 'lost-lock' if anybody came between. */
  const commit = (txn: TxnMeta, keys: readonly Key[], value: string): Promise<void> =>
    harness.commit(txn, keys, value, txn.readTs);

  /** A follower that can be handed the lease, and the leaseholder with its replica. */
  async function places(): Promise<{ holder: TestNode; replica: Replica; target: TestNode }> {
    const holder = await harness.until('a leaseholder', () => harness.leaseholder());
    const replica = holder.store.replica(1)!;
    const target = harness.up.find((n) => n !== holder)!;
    await harness.until('a follower in step', () =>
      replica.raft.peers().some((p) => p.id === target.id && p.fortified && p.state === 'replicate'),
    );
    return { holder, replica, target };
  }

  /** 21,000 intents of one transaction on \x04k00000 … */
  async function manyIntents(holder: TestNode): Promise<TxnMeta> {
    const txn = harness.txn(holder, '\x04k');
    const keys = Array.from({ length: 21_000 }, (_, i) => `\x04k${String(i).padStart(5, '0')}`);
    for (let i = 0; i < keys.length; i += 1_000) {
      const puts = keys.slice(i, i + 1_000).map((key, j): KvRequest => {
        const sequence = i + j + 1;
        return { kind: 'put', key, value: Buffer.from('v'), mustNotExist: false, exclusionSince: 0, sequence };
      });
      await harness.send(puts, { txn });
    }
    return txn;
  }

  it('goes to the node that most requests come through', async () => {
    harness = await Harness.start();
    await harness.put(['\x04a'], 'one');
    const { holder, target } = await places();
    const replica = holder.store.replica(1)!;
    const balanced = async (settled: number): Promise<void> => {
      holder.store.maintenance.mover.balance((node) => node === settled);
      await harness.until('the end of the attempt', () => replica.gate === null && !replica.raft.transferring);
      await harness.until('a leaseholder', () => harness.leaseholder());
    };
    const requests = async (gatewayNode: number, count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        await harness.send([{ kind: 'get', key: '\x04a', lock: 'none' }], { gatewayNode, rangeId: 1 });
      }
    };
    await requests(holder.id, 70);
    await requests(target.id, 70);
    await balanced(target.id);
    expect(harness.leaseholder()).toBe(holder);
    await requests(target.id, 400);
    // Nobody moves a lease to a node that has only just come up.
    await balanced(0);
    expect(harness.leaseholder()).toBe(holder);
    for (let attempt = 0; harness.leaseholder() === holder; attempt++) {
      expect(attempt).toBeLessThan(20);
      await requests(target.id, 400);
      // An attempt that was put off is not repeated for a while: not so here.
      replica.load.lastMoveMs = -1e9;
      await balanced(target.id);
    }
    expect(harness.leaseholder()).toBe(target);
    expect(String(await harness.get('\x04a'))).toBe('one');
    await harness.converged();
  });

  it('is put off while a large transaction has its intents there', async () => {
    harness = await Harness.start();
    const { holder, replica, target } = await places();
    const txn = await manyIntents(holder);
    const attempted = async (): Promise<boolean> => {
      await places();
      for (let i = 0; i < 400; i++) replica.load.note(target.id);
      replica.load.lastMoveMs = -1e9;
      holder.store.maintenance.mover.balance((node) => node === target.id);
      return replica.gate !== null || replica.raft.transferring;
    };
    expect(await attempted()).toBe(false);
    const resolve = { kind: 'resolve-intents', txnId: txn.id, epoch: 0, status: 'aborted', ts: 0, upTo: 0 } as const;
    await harness.send([{ ...resolve, keys: [], spans: [{ start: '\x04k', end: '\x04l' }] }]);
    expect(replica.locks.intentCount).toBe(0);
    expect(await attempted()).toBe(true);
  });

  it('stays over splits of what a large transaction has written: its intents are handed on, and nobody reads them', async () => {
    harness = await Harness.start();
    const { holder } = await places();
    const txn = await manyIntents(holder);
    let read = 0;
    for (const { engine } of harness.up) {
      const scan = engine.scan.bind(engine);
      engine.scan = (options) => {
        const rows = scan(options);
        if (options.family === 'locks') read += rows.length;
        return rows;
      };
    }
    // Wherever their ids would spread them.
    for (const right of [2, 3, 4, 5]) {
      await harness.split(right - 1, `\x04k00${right}`, right);
      const leaseholder = await harness.until('a leaseholder', () => harness.leaseholder(right));
      expect(leaseholder).toBe(holder);
      expect(holder.store.replica(right)!.locks.get(`\x04k00${right}00`)).toMatchObject({ holder: { id: txn.id } });
    }
    // But for what is compared.
    expect(read).toBeLessThan(10_000);
    const intents = [1, 2, 3, 4, 5].map((id) => holder.store.replica(id)!.locks.intentCount);
    expect(intents).toEqual([200, 100, 100, 100, 20_500]);
    expect([...holder.store.replica(5)!.locks.range('', '\x04')]).toEqual([]);
    // They are what the ranges hold.
    const resolve = { kind: 'resolve-intents', txnId: txn.id, epoch: 0, status: 'committed', upTo: 0 } as const;
    const ts = holder.hlc.now();
    for (const rangeId of [1, 2, 3, 4, 5]) {
      const { start, end } = holder.store.replica(rangeId)!.descriptor;
      const span = { start: start < '\x04k' ? '\x04k' : start, end: end > '\x04l' ? '\x04l' : end };
      await harness.send([{ ...resolve, ts, keys: [], spans: [span] }], { rangeId });
    }
    expect([...holder.store.replicas()].map(({ locks }) => locks.intentCount)).toEqual([0, 0, 0, 0, 0]);
    await harness.converged();
    for (const { engine } of harness.up)
      expect(engine.scan({ family: 'locks', ...intentSpan('\x04k', '\x04l') })).toEqual([]);
  });

  it('waits for who holds a lock, lets nobody else take a first one, and hurts neither', async () => {
    harness = await Harness.start();
    for (let round = 0; ; round++) {
      const { holder, replica, target } = await places();
      const first = harness.txn(holder, '\x04a');
      await harness.send([lock('\x04a')], { txn: first, rangeId: 1 });
      const moved = holder.store.maintenance.mover.move(replica, target.id);
      expect(replica.gate).not.toBe(null);
      const second = harness.txn(holder, '\x04c');
      let behindGate = false;
      const waiting = harness.send([lock('\x04c')], { txn: second }).then(() => {
        behindGate = replica.gate !== null;
      });
      // Who is inside goes on: another lock, and the commit.
      await harness.send([lock('\x04b')], { txn: first, rangeId: 1 });
      await commit(first, ['\x04a', '\x04b'], `first ${round}`);
      const done = await moved;
      await waiting;
      expect(behindGate).toBe(false);
      await commit(second, ['\x04c'], `second ${round}`);
      for (const key of ['\x04a', '\x04b']) expect(String(await harness.get(key))).toBe(`first ${round}`);
      expect(String(await harness.get('\x04c'))).toBe(`second ${round}`);
      if (!done) {
        // A machine too busy to finish within the gate's time puts the move off, which hurts nobody either.
        expect(round).toBeLessThan(20);
        continue;
      }
      await harness.until('the lease at its new place', () => harness.leaseholder() === target);
      break;
    }
    await harness.converged();
  });

  it('gives up when a lock stays, and opens the gate', async () => {
    harness = await Harness.start();
    const { holder, replica, target } = await places();
    const txn = harness.txn(holder, '\x04a');
    await harness.send([lock('\x04a')], { txn, rangeId: 1 });
    expect(await holder.store.maintenance.mover.move(replica, target.id)).toBe(false);
    expect([replica.gate, harness.leaseholder()]).toEqual([null, holder]);
    await harness.put(['\x04z'], 'others go on');
    await commit(txn, ['\x04a'], 'kept');
    expect(String(await harness.get('\x04a'))).toBe('kept');
  });
});
