/**
 * Foreign keys between concurrent transactions of all isolation levels, mixed: whoever wins, nobody refers to
 * a parent that is not there.
 */
import { describe, expect, it } from 'vitest';
import { simulate, type Simulation } from '../../src/testing/index.js';

const LEVELS = ['serializable', 'repeatable read', 'read committed'];
const PARENTS = 4;

type Client = ReturnType<Simulation['client']>;

interface Outcome {
  readonly inserted: number;
  readonly deleted: number;
  readonly refused: number;
}

/** One client: transactions of one to three changes, some of which must fail. */
async function client(sim: Simulation, until: number, childKeys: () => number): Promise<Outcome> {
  const outcome = { inserted: 0, deleted: 0, refused: 0 };
  const c = sim.client(sim.nodes[sim.random.int(sim.nodes.length)]);
  await c.connect();
  while (sim.now() < until) {
    try {
      await c.query(`BEGIN ISOLATION LEVEL ${LEVELS[sim.random.int(LEVELS.length)]}`);
      for (let i = sim.random.int(2); i >= 0; i--) {
        const parent = sim.random.int(PARENTS);
        const dice = sim.random.int(10);
        if (dice < 5) {
          const { rowCount } = await c.query('INSERT INTO children VALUES ($1, $2)', [childKeys(), parent]);
          outcome.inserted += rowCount!;
        } else if (dice < 8) {
          // So that the parent can go at all.
          if (dice === 5) await c.query('DELETE FROM children WHERE parent = $1', [parent]);
          const { rowCount } = await c.query('DELETE FROM parents WHERE id = $1', [parent]);
          outcome.deleted += rowCount!;
        } else if (dice === 8) await c.query('UPDATE parents SET changes = changes + 1 WHERE id = $1', [parent]);
        else await c.query('INSERT INTO parents VALUES ($1) ON CONFLICT DO NOTHING', [parent]);
        await sim.sleep(sim.random.int(20));
      }
      await c.query('COMMIT');
    } catch (error) {
      const { code } = error as { code?: string };
      if (!['23503', '40001', '40P01'].includes(code ?? '')) throw error;
      if (code === '23503') outcome.refused++;
      await c.query('ROLLBACK');
    }
  }
  await c.end();
  return outcome;
}

async function run(sim: Simulation, index: boolean, when: string): Promise<Outcome[]> {
  await sim.sql('CREATE TABLE parents (id int PRIMARY KEY, changes int NOT NULL DEFAULT 0)');
  await sim.sql(`CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents ${when})`);
  if (index) await sim.sql('CREATE INDEX ON children (parent)');
  await sim.sql(`INSERT INTO parents SELECT generate_series(0, ${PARENTS - 1})`);
  let key = 0;
  const outcomes = await Promise.all(Array.from({ length: 6 }, () => client(sim, sim.now() + 4_000, () => ++key)));
  const { rows } = await sim.sql(
    'SELECT c.id, c.parent FROM children c WHERE NOT EXISTS (SELECT FROM parents p WHERE p.id = c.parent)',
  );
  expect(rows, 'children without their parent').toEqual([]);
  return outcomes;
}

describe('foreign keys between transactions of every isolation level', () => {
  it.each([
    ['with an index on the children', true, ''],
    ['without', false, ''],
    ['with an index, checked at commit', true, 'DEFERRABLE INITIALLY DEFERRED'],
  ])(
    'hold, %s',
    async (_name, index, when) => {
      const runs = await simulate({ seed: 1, seeds: 4 }, (sim) => run(sim, index, when));
      const total = runs
        .flatMap((r) => r.value)
        .reduce((a, b) => ({
          inserted: a.inserted + b.inserted,
          deleted: a.deleted + b.deleted,
          refused: a.refused + b.refused,
        }));
      expect(total.inserted).toBeGreaterThan(200);
      expect(total.deleted).toBeGreaterThan(50);
      expect(total.refused).toBeGreaterThan(50);
    },
    120_000,
  );

  // A SERIALIZABLE transaction takes no lock on the parent; whoever removes it has to notice.
  it.each(LEVELS)('a parent removed at %s, while a SERIALIZABLE transaction comes to refer to it', async (level) => {
    await simulate({ seed: 1, seeds: 3 }, async (sim) => {
      await sim.sql('CREATE TABLE parents (id int PRIMARY KEY)');
      await sim.sql('CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents)');
      await sim.sql('CREATE INDEX ON children (parent)');
      await sim.sql('INSERT INTO parents VALUES (1), (2)');
      const [remover, referrer] = [sim.client('n1'), sim.client('n2')];
      await Promise.all([remover.connect(), referrer.connect()]);
      await remover.query(`BEGIN ISOLATION LEVEL ${level}`);
      await referrer.query('BEGIN ISOLATION LEVEL SERIALIZABLE');
      // Both have their snapshots before either does anything.
      await Promise.all([remover, referrer].map((c) => c.query('SELECT * FROM parents WHERE id = 2')));
      await remover.query('DELETE FROM parents WHERE id = 1');
      await referrer.query('INSERT INTO children VALUES (1, 1)');
      const commits = await Promise.allSettled([referrer.query('COMMIT'), remover.query('COMMIT')]);
      const failed = commits.flatMap((r) => (r.status === 'rejected' ? [(r.reason as { code?: string }).code] : []));
      expect(failed).toEqual(['40001']);
      const { rows } = await sim.sql('SELECT * FROM children JOIN parents p ON p.id = parent');
      const { rows: all } = await sim.sql('SELECT * FROM children');
      expect(rows.length).toBe(all.length);
      await Promise.all([remover.end(), referrer.end()]);
    });
  });

  describe('a reference locks that the parent is there, and nothing else of it', () => {
    async function inOneCluster(steps: (a: Client, b: Client, sim: Simulation) => Promise<void>): Promise<void> {
      await simulate({ seed: 1, seeds: 2 }, async (sim) => {
        await sim.sql('CREATE TABLE parents (id int PRIMARY KEY, total int NOT NULL DEFAULT 0)');
        await sim.sql('CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents)');
        await sim.sql('INSERT INTO parents VALUES (1), (2)');
        const [a, b] = [sim.client('n1'), sim.client('n2')];
        await Promise.all([a.connect(), b.connect()]);
        await steps(a, b, sim);
        await Promise.all([a.end(), b.end()]);
      });
    }
    const begin = (level: string, ...clients: Client[]): Promise<unknown> =>
      Promise.all(clients.map((c) => c.query(`BEGIN ISOLATION LEVEL ${level}`)));

    it('two insert a child each, then update the parent', async () => {
      await inOneCluster(async (a, b, sim) => {
        await begin('READ COMMITTED', a, b);
        await a.query('INSERT INTO children VALUES (1, 1)');
        await b.query('INSERT INTO children VALUES (2, 1)');
        await a.query('UPDATE parents SET total = total + 1 WHERE id = 1');
        const second = b.query('UPDATE parents SET total = total + 1 WHERE id = 1');
        await sim.sleep(500);
        await a.query('COMMIT');
        await second;
        await b.query('COMMIT');
        expect((await sim.sql('SELECT total FROM parents WHERE id = 1')).rows).toEqual([{ total: 2 }]);
      });
    });

    it.each(LEVELS)('at %s, another changes the parent meanwhile', async (level) => {
      await inOneCluster(async (a, b, sim) => {
        await begin(level, a);
        await a.query('INSERT INTO children VALUES (1, 1)');
        await b.query("SET lock_timeout = '1s'");
        await b.query('UPDATE parents SET total = 7 WHERE id = 1');
        await b.query('SELECT * FROM parents WHERE id = 1 FOR NO KEY UPDATE');
        await a.query('COMMIT');
        // The other way round.
        await begin('READ COMMITTED', b);
        await b.query('UPDATE parents SET total = 8 WHERE id = 1');
        await begin(level, a);
        await a.query("SET LOCAL lock_timeout = '1s'");
        await a.query('INSERT INTO children VALUES (2, 1)');
        await a.query('COMMIT');
        await b.query('INSERT INTO children VALUES (3, 1)');
        await b.query('COMMIT');
        expect((await sim.sql('SELECT count(*)::int AS n FROM children')).rows).toEqual([{ n: 3 }]);
      });
    });

    it.each([
      ['DELETE FROM parents WHERE id = 1', '23503'],
      ['UPDATE parents SET id = 9 WHERE id = 1', '23503'],
      ['SELECT * FROM parents WHERE id = 1 FOR UPDATE', null],
      ['MERGE INTO parents USING (SELECT 1) s ON id = 1 WHEN MATCHED THEN DELETE', '23503'],
      ['WITH gone AS (DELETE FROM parents WHERE id = 1 RETURNING id) SELECT * FROM gone', '23503'],
    ])('waits for who refers to it: %s', async (statement, code) => {
      await inOneCluster(async (a, b, sim) => {
        await begin('READ COMMITTED', a, b);
        await a.query('INSERT INTO children VALUES (1, 1)');
        let done = false;
        const waiting = b.query(statement).then(
          () => null,
          (error: unknown) => (error as { code: string }).code,
        );
        void waiting.then(() => (done = true));
        await sim.sleep(300);
        expect(done).toBe(false);
        // It has nothing that the first could wait for.
        await a.query('UPDATE parents SET total = 1 WHERE id = 1');
        await a.query('INSERT INTO children VALUES (2, 1)');
        await a.query('COMMIT');
        expect(await waiting).toBe(code);
        await b.query('ROLLBACK');
      });
    });

    it.each([
      ['DELETE FROM parents WHERE id = 1', '23503'],
      ['UPDATE parents SET id = 9 WHERE id = 1', '23503'],
      ['SELECT * FROM parents WHERE id = 1 FOR UPDATE', null],
    ])('is waited for by who comes to refer to it: %s', async (statement, code) => {
      await inOneCluster(async (a, b, sim) => {
        await begin('READ COMMITTED', a, b);
        await b.query(statement);
        let done = false;
        const waiting = a.query('INSERT INTO children VALUES (1, 1)').then(
          () => null,
          (error: unknown) => (error as { code: string }).code,
        );
        void waiting.then(() => (done = true));
        await sim.sleep(300);
        expect(done).toBe(false);
        await b.query('COMMIT');
        expect(await waiting).toBe(code);
        await a.query('ROLLBACK');
      });
    });

    it('of tables in several ranges', async () => {
      await inOneCluster(async (a, _b, sim) => {
        await sim.sql('ALTER TABLE parents SPLIT AT VALUES (2)');
        expect((await a.query('SELECT id FROM parents FOR UPDATE')).rowCount).toBe(2);
        expect((await a.query('UPDATE parents SET id = id + 10')).rowCount).toBe(2);
        expect((await a.query('DELETE FROM parents')).rowCount).toBe(2);
      });
    });

    it('an upsert that changes the key waits for who refers to it', async () => {
      await inOneCluster(async (a, b, sim) => {
        await begin('READ COMMITTED', a, b);
        await a.query('INSERT INTO children VALUES (1, 1)');
        const waiting = b.query('INSERT INTO parents VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 9').then(
          () => null,
          (error: unknown) => (error as { code: string }).code,
        );
        await sim.sleep(300);
        await a.query('COMMIT');
        expect(await waiting).toBe('23503');
        await b.query('ROLLBACK');
      });
    });

    it('a snapshot from before the foreign key does not see a parent that is gone', async () => {
      await inOneCluster(async (a, b, sim) => {
        await sim.sql('CREATE TABLE plain (id int PRIMARY KEY)');
        await sim.sql('CREATE TABLE later (parent int)');
        await sim.sql('INSERT INTO plain VALUES (1)');
        await begin('REPEATABLE READ', a);
        await a.query('SELECT * FROM parents');
        await b.query('DELETE FROM plain');
        await b.query('ALTER TABLE later ADD FOREIGN KEY (parent) REFERENCES plain');
        const code = await a.query('INSERT INTO later VALUES (1)').then(
          () => null,
          (error: unknown) => (error as { code: string }).code,
        );
        expect(['40001', '23503']).toContain(code);
        await a.query('ROLLBACK');
      });
    });
  });
});
