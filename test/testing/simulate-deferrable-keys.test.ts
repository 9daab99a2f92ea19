/**
 * Deferrable unique keys between concurrent transactions of all isolation levels, mixed: whoever wins, no two rows
 * that are committed have one key.
 */
import { describe, expect, it } from 'vitest';
import { simulate, type Simulation } from '../../src/testing/index.js';

const LEVELS = ['serializable', 'repeatable read', 'read committed'] as const;
const WHEN = ['INITIALLY IMMEDIATE', 'INITIALLY DEFERRED'] as const;
const KEYS = 12;

interface Outcome {
  readonly committed: number;
  readonly duplicates: number;
  readonly conflicts: number;
}

async function change(sim: Simulation, c: ReturnType<Simulation['client']>): Promise<void> {
  const [k, other] = [sim.random.int(KEYS), sim.random.int(KEYS)];
  const dice = sim.random.int(10);
  if (dice < 4) await c.query('INSERT INTO t VALUES ($1, $2)', [k, KEYS + other]);
  else if (dice < 5) await c.query('DELETE FROM t WHERE k = $1', [k]);
  else if (dice < 7) await c.query('UPDATE t SET k = $1 WHERE k = $2', [k, other]);
  else if (dice < 8) await c.query('UPDATE t SET k = (k + 1) % $1 WHERE k < $1', [KEYS]);
  else if (dice < 9) await c.query('UPDATE t SET v = v + 1 WHERE k = $1', [k]);
  else await c.query('INSERT INTO t SELECT $1 + g, NULL FROM generate_series(1, 2) g ON CONFLICT (u) DO NOTHING', [k]);
}

async function client(sim: Simulation, until: number): Promise<Outcome> {
  const outcome = { committed: 0, duplicates: 0, conflicts: 0 };
  const c = sim.client(sim.nodes[sim.random.int(sim.nodes.length)]);
  await c.connect();
  while (sim.now() < until) {
    try {
      await c.query(`BEGIN ISOLATION LEVEL ${LEVELS[sim.random.int(LEVELS.length)]}`);
      for (let i = sim.random.int(3); i >= 0; i--) {
        await change(sim, c);
        await sim.sleep(sim.random.int(20));
      }
      await c.query('COMMIT');
      outcome.committed++;
    } catch (error) {
      const { code } = error as { code?: string };
      if (!['23505', '40001', '40P01'].includes(code ?? '')) throw error;
      if (code === '23505') outcome.duplicates++;
      else outcome.conflicts++;
      await c.query('ROLLBACK');
    }
  }
  await c.end();
  return outcome;
}

async function duplicates(sim: Simulation): Promise<unknown[]> {
  // From the rows, and from the index.
  const byRows = await sim.sql('SELECT k FROM (SELECT k FROM t OFFSET 0) x GROUP BY k HAVING count(*) > 1');
  const byIndex = await sim.sql(
    `SELECT g FROM generate_series(0, ${3 * KEYS}) g WHERE (SELECT count(*) FROM t WHERE k = g) > 1`,
  );
  return [...byRows.rows, ...byIndex.rows];
}

describe('deferrable keys between transactions of every isolation level', () => {
  it.each(WHEN.flatMap((when) => [`PRIMARY KEY DEFERRABLE ${when}`, `UNIQUE DEFERRABLE ${when}`]))(
    'hold as %s',
    async (constraint) => {
      const runs = await simulate({ seed: 1, seeds: 3 }, async (sim) => {
        await sim.sql(`CREATE TABLE t (k int ${constraint}, v int, u int UNIQUE)`);
        await sim.sql(`INSERT INTO t SELECT g, 0 FROM generate_series(0, ${KEYS - 1}) g`);
        const outcomes = await Promise.all(Array.from({ length: 6 }, () => client(sim, sim.now() + 4_000)));
        expect(await duplicates(sim), 'rows with one key').toEqual([]);
        return outcomes;
      });
      const all = runs.flatMap((r) => r.value);
      const sum = (of: (o: Outcome) => number): number => all.reduce((n, o) => n + of(o), 0);
      expect(sum((o) => o.committed)).toBeGreaterThan(20);
      expect(sum((o) => o.duplicates)).toBeGreaterThan(20);
    },
    120_000,
  );

  const mixes = LEVELS.flatMap((a) => LEVELS.flatMap((b) => WHEN.map((when) => [a, b, when] as const)));
  it.each(mixes)('one key written at %s and at %s, %s: one stays', async (a, b, when) => {
    await simulate({ seed: 1, seeds: 2 }, async (sim) => {
      await sim.sql(`CREATE TABLE t (k int PRIMARY KEY DEFERRABLE ${when}, v text)`);
      await sim.sql("INSERT INTO t VALUES (9, 'old')");
      // While the table's range is being split off, locks may be lost, which the commit would notice.
      await sim.sleep('1s');
      const clients = [sim.client('n1'), sim.client('n2')];
      await Promise.all(clients.map((c) => c.connect()));
      await clients[0]!.query(`BEGIN ISOLATION LEVEL ${a}`);
      await clients[1]!.query(`BEGIN ISOLATION LEVEL ${b}`);
      // Both have their snapshots before either does anything.
      await Promise.all(clients.map((c) => c.query('SELECT * FROM t WHERE k = 9')));
      const ends = await Promise.allSettled(
        clients.map(async (c, i) => {
          if (i === 0) await c.query("INSERT INTO t VALUES (1, 'a')");
          else await c.query("UPDATE t SET k = 1, v = 'b' WHERE k = 9");
          await sim.sleep(5);
          await c.query('COMMIT');
        }),
      );
      const failed = ends.flatMap((r) => (r.status === 'rejected' ? [(r.reason as { code?: string }).code] : []));
      expect(failed).toHaveLength(1);
      expect(['23505', '40001']).toContain(failed[0]);
      // Who waited at READ COMMITTED saw the other's row.
      if (a === 'read committed' && b === 'read committed') expect(failed).toEqual(['23505']);
      expect((await sim.sql('SELECT v FROM t WHERE k = 1')).rows).toHaveLength(1);
      await Promise.all(clients.map((c) => c.query('ROLLBACK')));
      await Promise.all(clients.map((c) => c.end()));
    });
  });
});
