import { describe, expect, it } from 'vitest';
import { collectMarks } from '../support/marks.js';
import { A, B, C, T, bytes, cluster, failure, has, put, read, text } from './support/three-ranges.js';

describe('commit with one thing going wrong', () => {
  it.each(['puts', 'stage'])('survives a lost reply of the %s', async (which) => {
    const c = cluster();
    let lost = 0;
    c.tamper = {
      after: (_, batch) => {
        const mine =
          which === 'stage'
            ? has(batch.requests, 'stage')
            : batch.requests[0]!.kind === 'put' && !has(batch.requests, 'stage');
        return mine && lost++ === 0 ? 'lose' : undefined;
      },
    };
    await put(c, [A, '1'], [B, '1']);
    expect(lost).toBeGreaterThan(1);
    expect([await read(c, A), await read(c, B)]).toEqual(['1', '1']);
  });

  it('is ambiguous when the reply of a one-phase commit is lost after it was applied', async () => {
    const c = cluster();
    await put(c, [A, '1']);
    c.tamper = { after: (_, batch) => (has(batch.requests, 'one-phase') ? 'lose' : undefined) };
    const txn = c.db(2).begin({ isolation: 'serializable' });
    txn.put(A, bytes('2'));
    const error = await failure(c.run(txn.commit()));
    expect([error.sqlstate, error.retry, txn.status]).toEqual(['40003', 'unknown', 'unknown']);
    expect(await read(c, A)).toBe('2');
  });

  it('knows that a one-phase commit did not happen when it was lost on its way', async () => {
    const c = cluster();
    await put(c, [A, '1']);
    c.tamper = { before: (_, batch) => (has(batch.requests, 'one-phase') ? 'drop' : undefined) };
    const txn = c.db(2).begin({ isolation: 'serializable' });
    txn.put(A, bytes('2'));
    const error = await failure(c.run(txn.commit()));
    expect([error.sqlstate, error.retry, txn.status]).toEqual(['40001', 'transaction', 'aborted']);
    expect(await read(c, A)).toBe('1');
    c.tamper = {};
    await c.run(txn.restart());
    txn.put(A, bytes('3'));
    await c.run(txn.commit());
    expect(await read(c, A)).toBe('3');
  });

  it('refreshes and commits explicitly when a put was pushed above the staged timestamp', async () => {
    for (const own of [A, B]) {
      const c = cluster();
      await put(c, [A, '1'], [B, '1'], [C, '1']);
      const txn = c.db(1).begin({ isolation: 'serializable' });
      await c.run(txn.get(C));
      txn.put(A, bytes('2'));
      txn.put(B, bytes('2'));
      await c.sim.advance(5);
      await c.run(c.db(3).getMany([own]));
      const ts = await c.run(txn.commit());
      expect(ts).toBeGreaterThan(txn.readTimestamp - 1);
      expect([await read(c, A), await read(c, B)]).toEqual(['2', '2']);
    }
  });

  it('commits above a reader that has pushed what it wrote before', async () => {
    const marks = collectMarks();
    const c = cluster();
    await put(c, [A, '1'], [B, '1'], [C, '1']);
    const txn = c.db(1).begin({ isolation: 'serializable' });
    await c.run(txn.get(C));
    // More than a transaction buffers: A becomes an intent, and B waits for the commit.
    const large = 'x'.repeat(600 << 10);
    txn.put(A, bytes(large));
    await c.run(txn.relieve());
    await c.sim.advance(5);
    const reader = c.db(3).begin({ isolation: 'serializable' });
    expect(text(await c.run(reader.get(A)))).toBe('1');
    txn.put(B, bytes('2'));
    expect(await c.run(txn.commit())).toBeGreaterThan(reader.readTimestamp);
    expect(marks).toContain('push-honoured-at-commit');
    expect(marks).toContain('commit-falls-back-from-parallel');
    expect([await read(c, A), await read(c, B)]).toEqual([large, '2']);
  });

  it.each(['read committed', 'repeatable read'] as const)(
    'fails at %s if what it has read to be verified has changed, also where its write must move above others’ reads',
    async (isolation) => {
      for (const [from, to] of [
        [A, A],
        [A, B],
        [B, A],
      ] as const) {
        const c = cluster();
        await put(c, [A, '1'], [B, '1'], [C, '1']);
        const txn = c.db(1).begin({ isolation });
        await c.run(txn.scan({ start: from, end: `${from}z`, verified: true }));
        await put(c, [`${from}x`, 'new']);
        expect(await read(c, to, 2)).toBe('1');
        txn.put(to, bytes('2'));
        expect((await failure(c.run(txn.commit()))).sqlstate).toBe('40001');
        expect(await read(c, to, 2)).toBe('1');
      }
    },
  );

  it('gives back, with the rest, what a read that failed half-way may have locked', async () => {
    for (const options of [{}, { scope: 'whole' }] as const) {
      const c = cluster();
      await put(c, [A, '1'], [B, '1']);
      const holder = c.db(1).begin({ isolation: 'serializable' });
      await c.run(holder.get(B, { lock: 'exclusive' }));
      const txn = c.db(2).begin({ isolation: 'serializable' });
      const reading = txn.getMany([A, B], { lock: 'exclusive', wait: 'nowait', ...options });
      await expect(c.run(reading)).rejects.toThrow();
      await c.run(txn.rollback());
      await c.run(c.db(2).settled());
      const next = c.db(3).begin({ isolation: 'serializable' });
      expect(text(await c.run(next.get(A, { lock: 'exclusive', wait: 'nowait', ...options })))).toBe('1');
      await c.run(Promise.all([next.rollback(), holder.rollback()]));
      await c.sim.advance(50);
      expect(c.lockCount()).toBe(0);
    }
  });

  it('is repeated, if it is a read whose snapshot moved while it was under way', async () => {
    const c = cluster();
    await put(c, [A, '1'], [B, '1'], [C, '1']);
    const reader = c.db(2).begin({ isolation: 'serializable' });
    expect(text(await c.run(reader.get(A)))).toBe('1');
    let held = false;
    c.tamper = {
      before: (_, batch, from) => {
        if (held || from !== 2 || !batch.requests.some((r) => r.kind === 'get' && r.key === B)) return undefined;
        held = true;
        return c.sim.sleep(100);
      },
    };
    // Of its own node, whose clock says that what is written there later is later: nothing is uncertain of it.
    const slow = reader.get(B);
    await c.sim.advance(5);
    expect(held).toBe(true);
    await put(c, [B, '2']);
    await put(c, [C, '2']);
    expect(text(await c.run(reader.get(C)))).toBe('2');
    expect(text(await c.run(slow))).toBe('2');
  });

  it('is seen by a statement that begins after it was acknowledged, whatever its transaction has seen of that clock before', async () => {
    const c = cluster(1, [100_000, 0, 0]);
    await put(c, [A, '1'], [B, '1']);
    const reader = c.db(2).begin({ isolation: 'read committed' });
    expect(text(await c.run(reader.get(A)))).toBe('1');
    await c.sim.advance(50);
    await put(c, [A, '2']);
    reader.beginStatement();
    expect(text(await c.run(reader.get(A)))).toBe('2');
  });

  it('is seen by who begins after it was acknowledged, while it is still staging under a faster clock', async () => {
    const c = cluster(1, [100_000, 0, 0]);
    await put(c, [A, '1'], [B, '1']);
    // Both have looked the ranges up by then, which tells clocks too.
    for (const node of [2, 3]) expect([await read(c, A, node), await read(c, B, node)]).toEqual(['1', '1']);
    await c.sim.advance(200);
    const txn = c.db(3).begin({ isolation: 'serializable' });
    txn.put(A, bytes('2'));
    txn.put(B, bytes('2'));
    // The node of the fast clock reads A, and so the commit moves above that; what it lays at B stays far below.
    expect(await read(c, A, 1)).toBe('1');
    let ends = 0;
    c.tamper = {
      before: (_, batch, from) => {
        // B is written before a clock of the coordinator's that has heard of the fast one can reach its node.
        if (has(batch.requests, 'stage')) return c.sim.sleep(20);
        const tells = has(batch.requests, 'commit') || batch.requests.some((r) => r.kind === 'resolve-intents');
        return from === 3 && tells ? c.sim.sleep(400).then(() => void ends++) : undefined;
      },
    };
    const committed = await c.run(txn.commit());
    // Whose clock has not heard of it.
    const reader = c.db(2).begin({ isolation: 'serializable' });
    const began = reader.readTimestamp;
    const seen = c.run(reader.get(B));
    expect(began).toBeLessThan(committed);
    expect(ends).toBe(0);
    expect(text(await seen)).toBe('2');
    expect(ends).toBeGreaterThan(0);
  });

  it('is recovered as committed when the coordinator dies after all writes', async () => {
    const c = cluster();
    await put(c, [A, '1'], [B, '1']);
    const txn = c.db(1).begin({ isolation: 'serializable' });
    txn.put(A, bytes('2'));
    txn.put(B, bytes('2'));
    let seen = 0;
    c.tamper = {
      after: (_, batch, __, from) => {
        if (from === 1 && batch.requests.some((r) => r.kind === 'put') && ++seen === 2) c.kill(1);
        return undefined;
      },
    };
    txn.commit().catch(() => undefined);
    await c.sim.advance(20);
    expect(seen).toBe(2);
    expect([await read(c, A), await read(c, B)]).toEqual(['2', '2']);
    await c.sim.advance(2_000);
    expect(c.lockCount()).toBe(0);
  });

  it.each([A, B])('is recovered as aborted when the write of %j never arrived', async (missing) => {
    const c = cluster();
    await put(c, [A, '1'], [B, '1'], [C, '1']);
    const txn = c.db(1).begin({ isolation: 'serializable' });
    for (const key of [C, A, B]) txn.put(key, bytes('2'));
    c.tamper = {
      before: (_, batch, from) =>
        from === 1 && batch.requests.some((r) => r.kind === 'put' && r.key === missing)
          ? new Promise(() => undefined)
          : undefined,
    };
    txn.commit().catch(() => undefined);
    await c.sim.advance(20);
    c.kill(1);
    expect([await read(c, A), await read(c, B), await read(c, C)]).toEqual(['1', '1', '1']);
    await c.sim.advance(2_000);
    expect(c.lockCount()).toBe(0);
  });

  it('reports failure only after its record says so, and 40003 if that cannot be asked', async () => {
    for (const reachable of [true, false]) {
      const c = cluster();
      await put(c, [A, '1'], [B, 'there']);
      const txn = c.db(3).begin({ isolation: 'serializable' });
      txn.put(A, bytes('2'));
      txn.insertDeferred(B, bytes('2'));
      c.tamper = {
        before: (_, batch, from) =>
          !reachable && from === 3 && has(batch.requests, 'abort') ? 'unreachable' : undefined,
      };
      const error = await failure(c.run(txn.commit()));
      expect(error.sqlstate).toBe(reachable ? '23505' : '40003');
      expect(txn.status).toBe(reachable ? 'aborted' : 'unknown');
      expect(await read(c, A)).toBe('1');
    }
  });

  it('goes on when a range splits in the middle of the commit', async () => {
    for (const action of ['one-phase', 'stage']) {
      const c = cluster();
      const keys = action === 'stage' ? [A, `${T}c`, `${T}e`, B] : [A, `${T}c`, `${T}e`];
      await put(c, ...keys.map((k): [string, string] => [k, '1']));
      const txn = c.db(1).begin({ isolation: 'serializable' });
      await c.run(txn.getMany(keys, { lock: 'exclusive' }));
      for (const key of keys) txn.put(key, bytes('2'));
      let split: Promise<void> | null = null;
      c.tamper = {
        before: (_, batch) => {
          if (split !== null || !has(batch.requests, action)) return undefined;
          split = c
            .db(2)
            .split(`${T}c`)
            .then(() => c.db(2).split(`${T}d`));
          return split;
        },
      };
      await c.run(txn.commit());
      expect(split).not.toBe(null);
      expect(c.ranges.size).toBe(5);
      await c.run(Promise.all([c.db(1).settled(), c.db(2).settled()]));
      for (const key of keys) expect(await read(c, key)).toBe('2');
      expect(c.lockCount()).toBe(0);
    }
  });

  it('keeps READ COMMITTED safe when a lock is lost with its leaseholder', async () => {
    for (const write of [true, false]) {
      const c = cluster();
      await put(c, [A, '1'], [B, '1']);
      const txn = c.db(1).begin({ isolation: 'read committed' });
      await c.run(txn.get(A, { lock: 'exclusive' }));
      c.moveLease(c.rangeOf(A), 2);
      await put(c, [A, 'stolen']);
      if (write) txn.put(A, bytes('2'));
      else await c.run(c.db(2).getMany([B]));
      txn.put(B, bytes('2'));
      expect((await failure(c.run(txn.commit()))).sqlstate).toBe('40001');
      expect([await read(c, A), await read(c, B)]).toEqual(['stolen', '1']);
    }
  });
});
