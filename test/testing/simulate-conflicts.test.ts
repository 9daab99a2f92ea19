import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { simulate, sqlStateOf, startCluster, type ConflictRates, type Simulation } from '../../src/testing/index.js';

interface Seen {
  /** Increments that were acknowledged, and those whose outcome nobody knows. */
  done: number;
  unknown: number;
  readonly codes: Map<string, number>;
}

/** Increments one of ten counters many times, in a transaction each, without a retry. */
async function increments(sim: Simulation, count: number): Promise<Seen> {
  const seen: Seen = { done: 0, unknown: 0, codes: new Map() };
  const pool = new pg.Pool({ stream: () => sim.stream(), user: 'postgres', database: 'postgres', max: 4 });
  pool.on('error', ignore);
  pool.on('connect', (client) => client.on('error', ignore));
  for (let i = 0; i < count; i++) {
    const client = await connect(pool);
    let committing = false;
    try {
      await client.query('BEGIN');
      await client.query('UPDATE counters SET n = n + 1 WHERE id = $1', [i % 10]);
      committing = true;
      await client.query('COMMIT');
      seen.done++;
      client.release();
    } catch (error) {
      const code = sqlStateOf(error) ?? (error as { code?: string }).code ?? String(error);
      seen.codes.set(code, (seen.codes.get(code) ?? 0) + 1);
      if (committing && (code === '40003' || code === 'ECONNRESET')) seen.unknown++;
      client.release(true);
    }
  }
  await pool.end();
  return seen;
}

function ignore(): void {}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  for (;;) {
    try {
      return await pool.connect();
    } catch (error) {
      if ((error as { code?: string }).code !== 'ECONNRESET') throw error;
    }
  }
}

async function prepare(sim: Simulation): Promise<void> {
  await sim.sql('CREATE TABLE counters (id int4 PRIMARY KEY, n int4)');
  await sim.sql('INSERT INTO counters SELECT g, 0 FROM generate_series(0, 9) AS g');
}

async function total(sim: Simulation): Promise<number> {
  const { rows } = await sim.sql('SELECT sum(n)::int4 AS n FROM counters');
  return rows[0]!['n'] as number;
}

describe('forced conflicts', () => {
  it('reach the client about as often as asked, and the outcomes are what they say', async () => {
    const rates: ConflictRates = {
      serializationFailures: 0.05,
      deadlocks: 0.05,
      ambiguousCommits: 0.05,
      disconnects: 0.02,
    };
    const body = async (sim: Simulation): Promise<unknown> => {
      await prepare(sim);
      const conflicts = sim.conflicts(rates);
      const seen = await increments(sim, 400);
      conflicts.stop();
      const { counts } = conflicts;
      expect(seen.codes.get('40001')).toBe(counts.serializationFailures);
      expect(seen.codes.get('40P01')).toBe(counts.deadlocks);
      expect(seen.codes.get('40003') ?? 0).toBeLessThanOrEqual(counts.ambiguousCommits);
      for (const name of ['serializationFailures', 'deadlocks', 'ambiguousCommits', 'disconnects'] as const) {
        expect(counts[name], name).toBeGreaterThan(5);
        expect(counts[name], name).toBeLessThan(50);
      }
      const n = await total(sim);
      expect(n).toBeGreaterThanOrEqual(seen.done);
      expect(n).toBeLessThanOrEqual(seen.done + seen.unknown);
      // Of commits with an unknown outcome some took place, and some did not.
      expect(n).toBeGreaterThan(seen.done);
      expect(n).toBeLessThan(seen.done + seen.unknown);
      return [counts, [...seen.codes]];
    };
    const [one] = await simulate({ seed: 5 }, body);
    const [two] = await simulate({ seed: 5 }, body);
    expect(two!.value).toEqual(one!.value);
    expect(two!.hash).toBe(one!.hash);
  });

  it('none unless asked for, and none in reads', async () => {
    await simulate({ seed: 6, nodes: 1 }, async (sim) => {
      await prepare(sim);
      const seen = await increments(sim, 100);
      expect([seen.done, seen.codes.size]).toEqual([100, 0]);
      sim.conflicts({ serializationFailures: 1, ambiguousCommits: 1 });
      expect(await total(sim)).toBe(100);
      await expect(sim.sql('UPDATE counters SET n = 0')).rejects.toMatchObject({ code: '40001' });
      await expect(sim.sql('SELECT n FROM counters WHERE id = 1 FOR UPDATE')).rejects.toMatchObject({ code: '40001' });
      expect(() => sim.conflicts({ deadlocks: 2 })).toThrow(/from 0 to 1/);
      sim.conflicts({});
      expect(await total(sim)).toBe(100);
    });
  });

  it('a failed transaction behaves as after a real conflict', async () => {
    await simulate({ seed: 7, nodes: 1 }, async (sim) => {
      await prepare(sim);
      const client = sim.client();
      await client.connect();
      sim.conflicts({ deadlocks: 1 });
      await client.query('BEGIN');
      await expect(client.query('UPDATE counters SET n = 1')).rejects.toMatchObject({ code: '40P01' });
      await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' });
      await client.query('ROLLBACK');
      sim.conflicts({ serializationFailures: 1 });
      await client.query('BEGIN');
      await client.query('UPDATE counters SET n = 1');
      await expect(client.query('COMMIT')).rejects.toMatchObject({ code: '40001', detail: /Injected/ });
      sim.conflicts({});
      // Its locks are gone, and the session goes on.
      await sim.sql('UPDATE counters SET n = n + 2', [], { timeout: '5s' });
      const { rows } = await client.query('SELECT DISTINCT n FROM counters');
      expect(rows).toEqual([{ n: 2 }]);
      await client.end();
    });
  });

  it('are there for a cluster in real time as well', async () => {
    const cluster = await startCluster({ nodes: 1 });
    try {
      await cluster.sql('CREATE TABLE counters (id int4 PRIMARY KEY, n int4)');
      await cluster.sql('INSERT INTO counters VALUES (1, 0)');
      const conflicts = cluster.conflicts({ serializationFailures: 1 });
      await expect(cluster.sql('UPDATE counters SET n = 1')).rejects.toMatchObject({ code: '40001' });
      cluster.conflicts({ ambiguousCommits: 1 });
      await expect(cluster.sql('UPDATE counters SET n = 2')).rejects.toMatchObject({ code: '40003' });
      expect(conflicts.counts).toMatchObject({ serializationFailures: 1, ambiguousCommits: 1 });
      cluster.conflicts({});
      await cluster.sql('UPDATE counters SET n = 3');
      expect((await cluster.sql('SELECT n FROM counters')).rows).toEqual([{ n: 3 }]);
    } finally {
      await cluster.close();
    }
  });
});
