import { describe, expect, it } from 'vitest';
import { QuoralError } from '../../src/base/errors.js';
import { KeyExistsError } from '../../src/txn/errors.js';
import type { KvTxn } from '../../src/txn/kv-txn.js';
import { seededRng } from '../env/seeded-rng.js';
import { ModelCluster } from './support/model-cluster.js';
import { A, B, C, T, bytes, cluster, failure, has, put, read, text } from './support/three-ranges.js';

describe('transactions over ranges', () => {
  it('commits on one range in one phase and on several in parallel, leaving nothing behind', async () => {
    const c = cluster();
    await put(c, [A, '1']);
    await put(c, [A, '2'], [B, '2'], [C, '2']);
    expect([await read(c, A), await read(c, B), await read(c, C, 3)]).toEqual(['2', '2', '2']);
    const m = c.db(1).metrics();
    expect([m['txn_onePhase_total'], m['txn_parallel_total']]).toEqual([1, 1]);
    expect(c.lockCount()).toBe(0);
    expect(c.engine.scan({ family: 'locks', start: '', end: '\xff\xff' }).length).toBe(1);
    await c.sim.advance(3_000);
    expect(c.engine.scan({ family: 'locks', start: '', end: '\xff\xff' })).toEqual([]);
  });

  it('answers a commit before the record is explicit, and readers wait no longer than that', async () => {
    const c = cluster();
    let explicit = false;
    c.tamper = { before: (_, batch) => void (explicit ||= has(batch.requests, 'commit')) };
    const txn = c.db(1).begin({ isolation: 'serializable' });
    txn.put(A, bytes('1'));
    txn.put(B, bytes('1'));
    await c.run(txn.commit());
    expect(explicit).toBe(false);
    expect(await read(c, B)).toBe('1');
  });

  it.each([
    ['buffered', 1 << 20],
    ['spilled', 1],
    ['of both kinds', 40],
  ])('merges reads and scans with its own writes, %s, forward and reverse, under limits', async (_, spillBytes) => {
    for (let seed = 1; seed <= 60; seed++) {
      const c = new ModelCluster({ nodes: 3, seed, boundaries: [`${T}k`, `${T}s`], spillBytes });
      const rng = seededRng(seed);
      const keys = Array.from({ length: 12 }, (_, i) => `${T}${String.fromCharCode(97 + i * 2)}`);
      const model = new Map<string, string>();
      await put(
        c,
        ...keys.filter(() => rng.int(2) === 0).map((k): [string, string] => (model.set(k, 'old'), [k, 'old'])),
      );
      const txn = c.db(1 + rng.int(3)).begin({ isolation: 'serializable' });
      for (let step = 0; step < 12; step++) {
        const key = keys[rng.int(keys.length)]!;
        const dice = rng.int(4);
        if (spillBytes === 1 || (spillBytes === 40 && rng.int(3) === 0)) await c.run(txn.relieve());
        if (dice === 0) {
          txn.put(key, bytes(`n${step}`));
          model.set(key, `n${step}`);
        } else if (dice === 1) {
          txn.delete(key);
          model.delete(key);
        } else if (dice === 2) {
          expect(text(await c.run(txn.get(key)))).toBe(model.get(key) ?? null);
        } else {
          const reverse = rng.int(2) === 0;
          let start = keys[rng.int(6)]!;
          let end = `${keys[6 + rng.int(6)]!}\x00`;
          const wanted = [...model].filter(([k]) => k >= start && k < end).sort((x, y) => (x[0] < y[0] ? -1 : 1));
          if (reverse) wanted.reverse();
          const found: [string, string][] = [];
          const maxRows = rng.int(5);
          for (;;) {
            const page = await c.run(txn.scan({ start, end, reverse, maxRows }));
            if (maxRows > 0) expect(page.keys.length).toBeLessThanOrEqual(maxRows);
            page.keys.forEach((k, i) => found.push([k, page.values[i]!.toString()]));
            if (page.resumeKey === null) break;
            if (reverse) end = page.resumeKey;
            else start = page.resumeKey;
          }
          expect(found, `seed ${seed}`).toEqual(wanted);
        }
      }
      await c.run(txn.commit());
    }
  });

  it('refreshes its reads when its write must move, and fails if they changed', async () => {
    for (const changed of [false, true]) {
      const c = cluster();
      await put(c, [A, '1'], [B, '1']);
      const txn = c.db(1).begin({ isolation: 'serializable' });
      await c.run(txn.get(B));
      if (changed) await put(c, [B, '2']);
      // A later reader of A pushes the write of A above the snapshot.
      await c.run(c.db(2).getMany([A]));
      txn.put(A, bytes('x'));
      const end = c.run(txn.commit());
      if (changed) {
        const error = await failure(end);
        expect([error.sqlstate, error.retry]).toEqual(['40001', 'transaction']);
        expect(error.fields.detail).toContain('m');
        expect(error.fields.hint).toContain('retried');
        expect(await read(c, A)).toBe('1');
      } else {
        expect(await end).toBeGreaterThan(0);
        expect(await read(c, A)).toBe('x');
      }
    }
  });

  it('moves above uncertain writes: without reads at the range, with reads by a refresh, or not at all', async () => {
    // Node 3, leaseholder of C, has a clock that is ahead; the transaction begins on slow node 1.
    const c = cluster(1, [0, 0, 200_000]);
    await put(c, [B, '1']);
    const writer = c.db(3).begin({ isolation: 'serializable' });
    writer.put(C, bytes('new'));
    writer.put(`${T}u`, bytes('new'));
    c.hlcs.set(1, c.hlcs.get(1)!);
    const fresh = c.db(1).begin({ isolation: 'serializable' });
    const reading = c.db(1).begin({ isolation: 'serializable' });
    await c.run(reading.get(B));
    await c.run(writer.commit());
    expect(text(await c.run(fresh.get(C)))).toBe('new');
    expect(text(await c.run(reading.get(C)))).toBe('new');
    const late = c.db(1).begin({ isolation: 'serializable', asOf: c.hlcs.get(1)!.now() - 100_000_000 });
    expect(text(await c.run(late.get(C)))).toBe(null);
    expect(() => late.put(C, bytes('x'))).toThrow(/read-only/);
  });

  it('reports an existing key of a deferred insert, in both kinds of commit', async () => {
    for (const others of [[], [B]]) {
      const c = cluster();
      await put(c, [A, 'old']);
      const txn = c.db(2).begin({ isolation: 'serializable' });
      txn.insertDeferred(A, bytes('new'));
      for (const key of others) txn.put(key, bytes('new'));
      const error = await failure(c.run(txn.commit()));
      expect(error).toBeInstanceOf(KeyExistsError);
      expect((error as KeyExistsError).key).toBe(A);
      expect(txn.status).toBe('aborted');
      await c.run(c.db(2).settled());
      expect([await read(c, A), await read(c, B), c.lockCount()]).toEqual(['old', null, 0]);
    }
  });

  it('keeps savepoints, also over spilled writes', async () => {
    const c = cluster();
    await put(c, [A, 'old'], [B, 'old']);
    const txn = c.db(1).begin({ isolation: 'serializable' });
    txn.put(A, bytes('1'));
    const savepoint = txn.savepoint();
    txn.put(A, bytes('2'));
    txn.delete(B);
    for (let i = 0; i < 70; i++) txn.put(`${T}z${i}`, Buffer.alloc(64 << 10));
    await c.run(txn.relieve());
    expect(text(await c.run(txn.get(A)))).toBe('2');
    txn.rollbackTo(savepoint);
    expect(text(await c.run(txn.get(A)))).toBe('1');
    expect(text(await c.run(txn.get(B)))).toBe('old');
    expect((await c.run(txn.scan({ start: `${T}z`, end: `${T}{` }))).keys).toEqual([]);
    await c.run(txn.commit());
    await c.run(c.db(1).settled());
    expect([await read(c, A), await read(c, B), await read(c, `${T}z5`), c.lockCount()]).toEqual(['1', 'old', null, 0]);
  });

  it('finds the one row that is left behind many it has deleted in few pages, and locks only that', async () => {
    const c = new ModelCluster({ nodes: 1, seed: 5, boundaries: [] });
    const keys = Array.from({ length: 2_000 }, (_, i) => `${T}z${String(i).padStart(4, '0')}`);
    const writer = c.db(1).begin({ isolation: 'serializable' });
    for (const key of keys) writer.put(key, bytes('1'));
    await c.run(writer.commit());
    const txn = c.db(1).begin({ isolation: 'serializable' });
    for (const key of keys.slice(0, -2)) txn.delete(key);
    const before = c.evaluations;
    const span = { start: `${T}z`, end: `${T}{`, maxRows: 1 };
    const page = await c.run(txn.scan(span));
    expect([page.keys, page.resumeKey]).toEqual([[keys[1_998]], keys[1_999]]);
    expect(c.evaluations - before).toBeLessThan(15);
    const last = await c.run(txn.scan({ ...span, start: keys[1_990]!, lock: 'exclusive' }));
    expect([last.keys, c.lockCount()]).toEqual([[keys[1_998]], 9]);
  });

  it('reads its own rows among hundreds of locks, page by page, both ways', async () => {
    const c = new ModelCluster({ nodes: 2, seed: 5, boundaries: [] });
    const keyOf = (i: number): string => `${T}k${String(i).padStart(3, '0')}`;
    const numbers = Array.from({ length: 700 }, (_, i) => i);
    await put(c, ...numbers.filter((i) => i % 2 === 0).map((i): [string, string] => [keyOf(i), 'old']));
    const txn = c.db(1).begin({ isolation: 'serializable' });
    for (const i of numbers) {
      if (i % 3 === 0) txn.delete(keyOf(i));
      else if (i % 2 === 1) txn.put(keyOf(i), Buffer.alloc(2 << 10));
    }
    await c.run(txn.relieve());
    const expected = numbers.filter((i) => i % 3 !== 0).map(keyOf);
    for (const reverse of [false, true]) {
      for (const maxRows of [7, 300, 0]) {
        const found: string[] = [];
        let span = { start: T, end: `${T}~` };
        for (;;) {
          const page = await c.run(txn.scan({ ...span, reverse, ...(maxRows === 0 ? {} : { maxRows }) }));
          found.push(...page.keys);
          if (page.resumeKey === null) break;
          span = reverse ? { ...span, end: page.resumeKey } : { ...span, start: page.resumeKey };
        }
        expect(found).toEqual(reverse ? expected.toReversed() : expected);
      }
    }
    await c.run(txn.rollback());
  });

  it('meets the intent that lies behind hundreds of another transaction', async () => {
    const c = new ModelCluster({ nodes: 2, seed: 5, boundaries: [] });
    const big = Buffer.alloc(8 << 10);
    const [many, one] = [c.db(1).begin({ isolation: 'serializable' }), c.db(1).begin({ isolation: 'serializable' })];
    for (let i = 0; i < 400; i++) many.put(`${T}k${String(i).padStart(3, '0')}`, big);
    await c.run(many.relieve());
    for (let i = 0; i < 100; i++) one.put(`${T}x${i}`, big);
    await c.run(one.relieve());
    const reader = c.db(2).begin({ isolation: 'repeatable read' });
    const count = async (): Promise<number> => (await c.run(reader.scan({ start: T, end: `${T}~` }))).keys.length;
    expect(await count()).toBe(0);
    // Passed unseen, it would commit before the reader.
    await c.run(one.commit());
    await c.run(c.db(1).settled());
    expect(await count()).toBe(0);
    await c.run(many.rollback());
  });

  it('verifies at its commit what it has locked and not written, and not each row that it has spilled', async () => {
    const c = new ModelCluster({ nodes: 2, seed: 5, boundaries: [] });
    const keys = Array.from({ length: 200 }, (_, i) => `${T}k${String(i).padStart(3, '0')}`);
    const spillAll = async (txn: KvTxn): Promise<void> => {
      for (const key of keys) txn.put(key, Buffer.alloc(8 << 10));
      await c.run(txn.relieve());
      // What it writes next has been read: its commit comes later than its locks.
      await read(c, B);
    };
    const txn = c.db(1).begin({ isolation: 'read committed' });
    await c.run(txn.getMany([...keys, A], { lock: 'exclusive' }));
    await spillAll(txn);
    txn.put(B, bytes('1'));
    await c.run(txn.commit());
    expect(c.verified).toBe(1);
    // Rolled back, they are only locked again, and a lock can be lost.
    const before = c.verified;
    const undone = c.db(1).begin({ isolation: 'read committed' });
    await c.run(undone.getMany(keys, { lock: 'exclusive' }));
    const savepoint = undone.savepoint();
    await spillAll(undone);
    undone.rollbackTo(savepoint);
    undone.put(B, bytes('2'));
    await c.run(undone.commit());
    expect(c.verified - before).toBe(keys.length);
    await c.run(c.db(1).settled());
    expect([await read(c, B), c.lockCount()]).toEqual(['2', 0]);
  });

  it('refuses to spill more than it may, and rolls back to nothing', async () => {
    const c = new ModelCluster({ nodes: 3, seed: 5, boundaries: [`${T}k`, `${T}s`], spilledMax: 20 });
    await put(c, [A, 'old']);
    const big = Buffer.alloc(64 << 10);
    const fill = (txn: KvTxn, from: number, count: number): void => {
      for (let i = from; i < from + count; i++) txn.put(`${T}${'amt'[i % 3]!}${i}`, big);
    };
    const txn = c.db(1).begin({ isolation: 'serializable' });
    txn.put(A, bytes('new'));
    fill(txn, 0, 14);
    await c.run(txn.relieve());
    fill(txn, 14, 5);
    await c.run(txn.relieve());
    const savepoint = txn.savepoint();
    fill(txn, 19, 9);
    expect(await failure(c.run(txn.relieve()))).toMatchObject({ sqlstate: '54000', retry: 'none' });
    expect(txn.status).toBe('active');
    // What was refused is still here and can be read, and a savepoint before it can be returned to.
    expect((await c.run(txn.get(`${T}m19`)))?.length).toBe(big.length);
    txn.rollbackTo(savepoint);
    expect(text(await c.run(txn.get(`${T}m19`)))).toBe(null);
    expect((await c.run(txn.get(`${T}a0`)))?.length).toBe(big.length);
    expect(c.lockCount()).toBe(15);
    await c.run(txn.rollback());
    await c.run(c.db(1).settled());
    expect([await read(c, A), await read(c, `${T}a0`), c.lockCount()]).toEqual(['old', null, 0]);
    expect(
      (
        await c.run(
          c
            .db(2)
            .begin({ isolation: 'serializable' })
            .scan({ start: T, end: `${T}~` }),
        )
      ).keys,
    ).toEqual([A]);
    // The next transaction starts with the whole allowance; what is only buffered does not count.
    const next = c.db(1).begin({ isolation: 'serializable' });
    fill(next, 0, 15);
    await c.run(next.relieve());
    for (let i = 0; i < 40; i++) next.put(`${T}b${i}`, bytes('small'));
    await c.run(next.commit());
    await c.run(c.db(1).settled());
    expect([await read(c, `${T}b39`), c.lockCount()]).toEqual(['small', 0]);
  });

  it('releases locks after a rollback before it needs them again', async () => {
    const c = cluster();
    await put(c, [A, '1'], [C, '1']);
    const first = c.db(1).begin({ isolation: 'read committed' });
    await c.run(first.getMany([A, C], { lock: 'exclusive' }));
    await c.run(first.rollback());
    const second = c.db(1).begin({ isolation: 'read committed' });
    const values = await c.run(second.getMany([A, C], { lock: 'exclusive', wait: 'nowait' }));
    expect(values.map(text)).toEqual(['1', '1']);
    await c.run(second.commit());
    await c.run(c.db(1).settled());
    expect(c.lockCount()).toBe(0);
  });

  it('cancels a wait for a lock', async () => {
    const c = cluster();
    await put(c, [A, '1']);
    const holder = c.db(2).begin({ isolation: 'read committed' });
    await c.run(holder.get(A, { lock: 'exclusive' }));
    const cancel = new AbortController();
    const waiting = c.db(1).begin({ isolation: 'read committed', signal: cancel.signal });
    const got = waiting.get(A, { lock: 'exclusive' });
    c.sim.after(50, () => cancel.abort(new QuoralError('57014', 'canceling statement due to user request')));
    expect((await failure(c.run(got))).sqlstate).toBe('57014');
    await c.run(waiting.rollback());
  });

  it('keeps a transaction alive by heartbeats, and ends one whose coordinator died', async () => {
    const c = cluster();
    await put(c, [A, '1']);
    const alive = c.db(2).begin({ isolation: 'serializable' });
    await c.run(alive.get(A, { lock: 'exclusive' }));
    const waiting = c.db(1).begin({ isolation: 'read committed' });
    const got = waiting.get(A, { lock: 'exclusive' });
    let over = false;
    void got.then(() => (over = true));
    await c.sim.advance(20_000);
    expect(over).toBe(false);
    c.kill(2);
    expect(text(await c.run(got))).toBe('1');
    await c.run(waiting.commit());
  });
});

describe('deadlock', () => {
  it('over two nodes is broken at once, for one of the two', async () => {
    const c = cluster();
    await put(c, [A, '1'], [B, '1']);
    const older = c.db(1).begin({ isolation: 'read committed' });
    await c.run(older.get(A, { lock: 'exclusive' }));
    // The nodes' clocks differ: what node 2 reads here tells it the time at which the older one began.
    await c.run(c.db(2).getMany([A]));
    const younger = c.db(2).begin({ isolation: 'read committed' });
    await c.run(younger.get(B, { lock: 'exclusive' }));
    const started = c.sim.nowMs;
    const survivor = older.get(B, { lock: 'exclusive' });
    const victim = younger.get(A, { lock: 'exclusive' });
    const error = await failure(c.run(victim));
    expect(error.sqlstate).toBe('40P01');
    expect(error.fields.detail).toContain('waits for');
    expect(c.sim.nowMs - started).toBeLessThan(100);
    await c.run(younger.rollback());
    expect(text(await c.run(survivor))).toBe('1');
    await c.run(older.commit());
  });
});

describe('ranges', () => {
  it('does not give a range up because it is split as it works for long, again and again', async () => {
    const c = cluster();
    await put(c, [A, '1'], [`${T}c`, '2'], [`${T}e`, '3']);
    const points = [`${T}d`, `${T}b`];
    let isBusy = false;
    c.tamper = {
      before: async (_, batch) => {
        if (isBusy || !batch.requests.some((r) => r.kind === 'get' && r.key === A)) return undefined;
        const at = points.shift();
        if (at === undefined) return undefined;
        isBusy = true;
        await c.sim.sleep(31_000);
        await c.db(2).split(at);
        isBusy = false;
        return undefined;
      },
    };
    expect((await c.run(c.db(1).getMany([A, `${T}c`, `${T}e`]), 200_000)).map(text)).toEqual(['1', '2', '3']);
    expect(points).toEqual([]);
  });

  it('splits once however often it is asked, also at the same time, and lists the ranges', async () => {
    const c = cluster();
    await put(c, [A, '1'], [B, '1']);
    const points = [`${T}b`, `${T}d`, `${T}b`, `${T}f`];
    await c.run(Promise.all(points.map((p, i) => c.db(1 + (i % 3)).split(p))));
    await c.run(c.db(1).split(`${T}d`));
    const infos = await c.run(c.db(3).ranges(T, '\x05'));
    expect(infos.map((r) => r.start)).toEqual(['\x02', `${T}b`, `${T}d`, `${T}f`, `${T}k`, `${T}s`]);
    expect(infos.every((r) => r.leaseholder !== 0 && r.replicas.length === 3)).toBe(true);
    expect(new Set(infos.map((r) => r.rangeId)).size).toBe(infos.length);
    expect([await read(c, A), await read(c, B)]).toEqual(['1', '1']);
    expect((await failure(c.run(c.db(1).split('\x02x')))).sqlstate).toBe('22023');
  });

  it('counts without repeating a lost increment', async () => {
    const c = cluster();
    expect(await c.run(c.db(1).increment(A, 5))).toBe(5);
    c.tamper = { after: (_, batch) => (batch.requests[0]!.kind === 'increment' ? 'lose' : undefined) };
    expect((await failure(c.run(c.db(1).increment(A, 5)))).sqlstate).toBe('40003');
    c.tamper = {};
    expect(await c.run(c.db(2).increment(A, 1))).toBe(11);
  });

  it('finds a moved leaseholder, and says unavailable when there is none for too long', async () => {
    const c = cluster();
    await put(c, [C, '1']);
    c.moveLease(c.rangeOf(C), 1);
    expect(await read(c, C, 2)).toBe('1');
    c.tamper = { before: () => 'unreachable' };
    const error = await failure(c.run(c.db(2).getMany([C])));
    expect(error.sqlstate).toBe('57P03');
  });
});

describe('API', () => {
  it('reports status and runs callbacks once', async () => {
    const c = cluster();
    const seen: string[] = [];
    const txn: KvTxn = c.db(1).begin({ isolation: 'serializable' });
    expect(txn.pristine).toBe(true);
    txn.onRollback(() => seen.push('rolled back'));
    txn.put(A, bytes('1'));
    expect(txn.pristine).toBe(false);
    await c.run(txn.restart());
    expect(txn.pristine).toBe(true);
    txn.onCommit((ts) => seen.push(ts > 0 ? 'committed' : 'nothing'));
    txn.put(A, bytes('2'));
    await c.run(txn.commit());
    await c.run(txn.rollback());
    expect(seen).toEqual(['rolled back', 'committed']);
    expect(txn.status).toBe('committed');
  });
});
