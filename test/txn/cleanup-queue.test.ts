/** What a transaction leaves behind when it ends is resolved, though a range is away for a while. */
import { describe, expect, it } from 'vitest';
import { CleanupQueue, type CleanupJob } from '../../src/txn/cleanup-queue.js';
import { txnMeta } from '../support/txn-meta.js';
import { SILENT } from './support/sim.js';
import { A, B, bytes, C, cluster, read } from './support/three-ranges.js';

describe('the queue of cleanups', () => {
  it('resolves what it left at a range that was away, without anybody meeting it', async () => {
    const c = cluster();
    let away = true;
    c.tamper = {
      before: (_, batch) =>
        away && batch.requests.some((r) => r.kind === 'resolve-intents' && r.keys.includes(B))
          ? 'unreachable'
          : undefined,
    };
    const txn = c.db(1).begin({ isolation: 'serializable' });
    for (const key of [A, B, C]) txn.put(key, bytes('1'));
    await c.run(txn.commit());
    // The router looks for a leaseholder for 30 s, twice.
    await c.sim.advance(70_000);
    expect(c.rangeOf(B).locks.get(B)?.intentTs).toBeGreaterThan(0);
    expect(c.db(1).metrics()['txn_cleanup_failed_total']).toBeGreaterThan(1);
    away = false;
    await c.sim.advance(40_000);
    expect(c.lockCount()).toBe(0);
    // The record went last.
    await c.sim.advance(5_000);
    expect(c.engine.scan({ family: 'locks', start: '', end: '\xff\xff' })).toEqual([]);
    expect([await read(c, A), await read(c, B), await read(c, C)]).toEqual(['1', '1', '1']);
  });

  it('keeps no more than so many that it could not clean up, and none when it stops', async () => {
    const c = cluster();
    const { router } = c.db(1);
    const queue = new CleanupQueue({ clock: c.sim.clock(), timers: c.sim, logger: SILENT, router });
    const asked = new Set<string>();
    let away = false;
    c.tamper = {
      before: (_, batch) => {
        if (away) return 'unreachable';
        for (const r of batch.requests) if (r.kind === 'resolve-intents') for (const key of r.keys) asked.add(key);
        return undefined;
      },
    };
    const now = c.hlcs.get(1)!.now();
    const job = (i: number): CleanupJob => ({
      meta: txnMeta(`t${i}`, `${A}${i}`, now),
      status: 'aborted',
      ts: 0,
      keys: [`${A}${i}`],
      spans: [],
      record: 'none',
    });
    await c.run(c.db(1).getMany([A]));
    away = true;
    const jobs = Array.from({ length: 1_100 }, (_, i) => queue.finish(job(i)));
    // The router looks for a leaseholder for 30 s, for some of them at a time.
    await c.run(Promise.all(jobs), 1_000_000);
    expect(queue.pending).toBe(0);
    away = false;
    await c.sim.advance(400_000);
    expect(asked.size).toBe(1_000);
    away = true;
    asked.clear();
    await c.run(queue.finish(job(0)), 100_000);
    queue.stop();
    away = false;
    await c.sim.advance(400_000);
    expect(asked.size).toBe(0);
  });
});
