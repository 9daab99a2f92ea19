/** Shared row locks over a whole simulated cluster: sessions against each other, and with the faults of a swarm. */
import { describe, expect, it } from 'vitest';
import { simulate, type Simulation } from '../../src/testing/index.js';

type SimClient = ReturnType<Simulation['client']>;

async function clients(sim: Simulation, count: number): Promise<SimClient[]> {
  const all = Array.from({ length: count }, (_, i) => sim.client(sim.nodes[i % sim.nodes.length]));
  await Promise.all(all.map((c) => c.connect()));
  return all;
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? String(error);

/** The rows, or the SQLSTATE. */
async function ask(c: SimClient, text: string): Promise<string> {
  try {
    const { rows, rowCount, command } = await c.query(text);
    return command === 'SELECT' ? JSON.stringify(rows.map((r) => Object.values(r))) : `${command} ${rowCount ?? 0}`;
  } catch (error) {
    return codeOf(error);
  }
}

/** What it is after a second: 'waits' if there is no answer yet. */
async function soon(sim: Simulation, answer: Promise<string>): Promise<string> {
  return Promise.race([answer, sim.sleep(1_000).then(() => 'waits')]);
}

async function tables(sim: Simulation): Promise<void> {
  await sim.sql('CREATE TABLE parents (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)');
  await sim.sql('CREATE TABLE children (id int PRIMARY KEY, parent int REFERENCES parents)');
  await sim.sql('CREATE INDEX ON children (parent)');
  await sim.sql('INSERT INTO parents SELECT generate_series(1, 4)');
  // Nodes that have only just met take each other's transactions for abandoned: a waiter would end them.
  await sim.sleep(2_000);
}

const SEEDS = Number(process.env['QUORAL_SHARED_SEEDS'] ?? 3);
const LEVELS = ['read committed', 'repeatable read'] as const;

describe('foreign keys', () => {
  it.each(LEVELS)('of one parent do not wait for each other; whoever removes it waits for both (%s)', async (level) => {
    await simulate({ seed: 1, seeds: 2 }, async (sim) => {
      await tables(sim);
      const [a, b, c] = await clients(sim, 3);
      for (const x of [a!, b!, c!]) await ask(x, `BEGIN ISOLATION LEVEL ${level}`);
      expect(await soon(sim, ask(a!, 'INSERT INTO children VALUES (1, 1)'))).toBe('INSERT 1');
      expect(await soon(sim, ask(b!, 'INSERT INTO children VALUES (2, 1)'))).toBe('INSERT 1');
      const removal = ask(c!, 'DELETE FROM parents WHERE id = 1');
      expect(await soon(sim, removal)).toBe('waits');
      expect(await ask(a!, 'ROLLBACK')).toBe('ROLLBACK 0');
      expect(await soon(sim, removal)).toBe('waits');
      expect(await ask(b!, 'COMMIT')).toBe('COMMIT 0');
      expect(await removal).toBe('23503');
      await ask(c!, 'ROLLBACK');
      await Promise.all([a!, b!, c!].map((x) => x.end()));
    });
  });

  it('let the parent go when the children were rolled back, and refuse those that come after', async () => {
    await simulate({ seed: 1, seeds: 2 }, async (sim) => {
      await tables(sim);
      const [a, b, c, d] = await clients(sim, 4);
      for (const x of [a!, b!, c!, d!]) await ask(x, 'BEGIN ISOLATION LEVEL READ COMMITTED');
      await ask(a!, 'INSERT INTO children VALUES (1, 1)');
      await ask(b!, 'INSERT INTO children VALUES (2, 1)');
      const removal = ask(c!, 'DELETE FROM parents WHERE id = 1');
      expect(await soon(sim, removal)).toBe('waits');
      // Behind the writer, or it might wait for ever.
      const late = ask(d!, 'INSERT INTO children VALUES (3, 1)');
      expect(await soon(sim, late)).toBe('waits');
      await Promise.all([ask(a!, 'ROLLBACK'), ask(b!, 'ROLLBACK')]);
      expect(await removal).toBe('DELETE 1');
      expect(await soon(sim, late)).toBe('waits');
      expect(await ask(c!, 'COMMIT')).toBe('COMMIT 0');
      expect(await late).toBe('23503');
      await Promise.all([a!, b!, c!, d!].map((x) => x.end()));
    });
  });
});

describe('SELECT … FOR SHARE', () => {
  it('lets others share, in the same words as PostgreSQL when they must not wait', async () => {
    await simulate({ seed: 1, seeds: 2 }, async (sim) => {
      await tables(sim);
      const [a, b, c] = await clients(sim, 3);
      for (const x of [a!, b!, c!]) await ask(x, 'BEGIN ISOLATION LEVEL READ COMMITTED');
      expect(await ask(a!, 'SELECT id FROM parents WHERE id < 3 ORDER BY id FOR SHARE')).toBe('[[1],[2]]');
      expect(await soon(sim, ask(b!, 'SELECT id FROM parents WHERE id = 1 FOR KEY SHARE'))).toBe('[[1]]');
      expect(await ask(c!, 'SELECT id FROM parents ORDER BY id FOR SHARE SKIP LOCKED')).toBe('[[1],[2],[3],[4]]');
      expect(await ask(c!, 'SELECT id FROM parents ORDER BY id FOR UPDATE SKIP LOCKED')).toBe('[[3],[4]]');
      expect(await ask(b!, 'SELECT id FROM parents WHERE id = 2 FOR SHARE NOWAIT')).toBe('[[2]]');
      expect(await ask(b!, 'SELECT id FROM parents WHERE id = 3 FOR SHARE NOWAIT')).toBe('55P03');
      await Promise.all([a!, b!].map((x) => ask(x, 'ROLLBACK')));
      expect(await ask(a!, 'SELECT id FROM parents ORDER BY id FOR SHARE SKIP LOCKED')).toBe('[[1],[2]]');
      await Promise.all([a!, b!, c!].map((x) => x.end()));
    });
  });

  it.each(LEVELS)('finds two sharers that both want to write, and ends one of them (%s)', async (level) => {
    await simulate({ seed: 1, seeds: 3 }, async (sim) => {
      await tables(sim);
      const both = await clients(sim, 2);
      for (const x of both) {
        await ask(x, `BEGIN ISOLATION LEVEL ${level}`);
        expect(await ask(x, 'SELECT n FROM parents WHERE id = 1 FOR SHARE')).toBe('[[0]]');
      }
      const answers = await Promise.all(
        both.map(async (x) => {
          const answer = await ask(x, 'UPDATE parents SET n = n + 1 WHERE id = 1');
          await ask(x, answer === 'UPDATE 1' ? 'COMMIT' : 'ROLLBACK');
          return answer;
        }),
      );
      expect(answers.sort()).toEqual(['40P01', 'UPDATE 1']);
      expect((await sim.sql('SELECT n FROM parents WHERE id = 1')).rows).toEqual([{ n: 1 }]);
      await Promise.all(both.map((x) => x.end()));
    });
  });

  it('frees the row of a sharer whose node has died, for whoever waits', async () => {
    await simulate({ seed: 1, seeds: 2 }, async (sim) => {
      await tables(sim);
      await sim.transferLeases('n3', 'n2');
      const gone = sim.client('n3');
      const [stays, writer] = [sim.client('n2'), sim.client('n1')];
      await Promise.all([gone, stays, writer].map((x) => x.connect()));
      for (const x of [gone, stays]) {
        await ask(x, 'BEGIN ISOLATION LEVEL READ COMMITTED');
        expect(await ask(x, 'SELECT n FROM parents WHERE id = 1 FOR SHARE')).toBe('[[0]]');
      }
      const update = ask(writer, 'UPDATE parents SET n = 5 WHERE id = 1');
      sim.crash('n3');
      expect(await soon(sim, update)).toBe('waits');
      await ask(stays, 'COMMIT');
      expect(await update).toBe('UPDATE 1');
      await Promise.all([stays, writer].map((x) => x.end()));
    });
  });

  it('keeps the row as it is until the commit, which fails if the lock was lost', async () => {
    const lost = await simulate({ seed: 1, seeds: 3 }, async (sim) => {
      await tables(sim);
      const [a, b, writer] = [sim.client('n1'), sim.client('n1'), sim.client('n1')];
      await Promise.all([a, b, writer].map((x) => x.connect()));
      for (const x of [a, b]) {
        await ask(x, 'BEGIN ISOLATION LEVEL READ COMMITTED');
        expect(await ask(x, 'SELECT n FROM parents WHERE id = 1 FOR SHARE')).toBe('[[0]]');
      }
      // Clients and their transactions live on n1; the leaseholder's memory is lost if it is another.
      for (const node of ['n2', 'n3']) {
        sim.crash(node);
        await sim.restart(node);
        await sim.settled();
      }
      const update = ask(writer, 'UPDATE parents SET n = 5 WHERE id = 1');
      const answers = [await soon(sim, update)];
      await ask(a, 'INSERT INTO children VALUES (1, 2)');
      await ask(b, 'SELECT count(*) FROM children');
      answers.push(await ask(a, 'COMMIT'), await ask(b, 'COMMIT'), await update);
      return answers;
    });
    const answers = new Set(lost.map(({ value }) => value.join(', ')));
    answers.delete('waits, COMMIT 0, COMMIT 0, UPDATE 1');
    expect([...answers]).toEqual(['UPDATE 1, 40001, 40001, UPDATE 1']);
  });
});

describe('with faults', () => {
  const ALL = ['serializable', ...LEVELS];

  /** Leases move, ranges are split, nodes die and come back, one at a time: what takes locks away. */
  async function trouble(sim: Simulation, until: number): Promise<void> {
    while (sim.now() < until) {
      await sim.sleep(100 + sim.random.int(300));
      const node = sim.nodes[sim.random.int(sim.nodes.length)]!;
      const others = sim.nodes.filter((n) => n !== node);
      const dice = sim.random.int(6);
      if (dice < 2) sim.transferLeases(node, others[sim.random.int(2)]!);
      else if (dice === 2) await sim.split().catch(() => undefined);
      else if (dice === 3) {
        sim.crash(node);
        await sim.sleep(sim.random.int(400));
        await sim.restart(node);
      } else if (dice === 4) {
        const partition = sim.partition([node], others);
        await sim.sleep(sim.random.int(800));
        partition.heal();
      } else sim.delay(node, others[0]!, sim.random.int(80), { both: true });
    }
  }

  async function client(sim: Simulation, until: number, childKeys: () => number, changed: string[]): Promise<number> {
    let done = 0;
    while (sim.now() < until) {
      const c = sim.client(sim.nodes[sim.random.int(sim.nodes.length)]);
      try {
        await c.connect();
        for (let i = 0; i < 8 && sim.now() < until; i++) done += await transaction(sim, c, childKeys, changed);
      } catch {
        // The node is gone: another one.
        await sim.sleep(50);
      }
      await c.end().catch(() => undefined);
    }
    return done;
  }

  async function transaction(
    sim: Simulation,
    c: SimClient,
    childKeys: () => number,
    changed: string[],
  ): Promise<number> {
    const level = ALL[sim.random.int(ALL.length)];
    const parent = 1 + sim.random.int(2);
    const dice = sim.random.int(10);
    const seen: unknown[] = [];
    try {
      await c.query(`BEGIN ISOLATION LEVEL ${level}`);
      if (dice < 5) {
        for (let i = sim.random.int(2); i >= 0; i--) {
          await c.query('INSERT INTO children VALUES ($1, $2)', [childKeys(), parent]);
          await sim.sleep(sim.random.int(15));
        }
        if (dice === 0) await c.query('UPDATE parents SET n = n + 1 WHERE id = $1', [parent]);
      } else if (dice < 7) {
        await c.query('DELETE FROM children WHERE parent = $1', [parent]);
        await c.query('DELETE FROM parents WHERE id = $1', [parent]);
      } else if (dice === 7) {
        await c.query('INSERT INTO parents VALUES ($1) ON CONFLICT (id) DO UPDATE SET n = parents.n + 1', [parent]);
      } else {
        for (let i = 0; i < 2; i++) {
          seen.push((await c.query('SELECT n FROM parents WHERE id = $1 FOR SHARE', [parent])).rows[0]?.['n']);
          await sim.sleep(sim.random.int(15));
        }
      }
      await c.query('COMMIT');
    } catch (error) {
      if (!['23503', '40001', '40P01', '40003', '23505'].includes(codeOf(error))) throw error;
      await c.query('ROLLBACK');
      return 0;
    }
    if (seen[0] !== undefined && seen[1] !== seen[0])
      changed.push(`${level}: ${String(seen[0])}, then ${String(seen[1])}`);
    return 1;
  }

  it(
    'no child without its parent, and no shared row that changes',
    async () => {
      const runs = await simulate({ seed: 1, seeds: SEEDS, nodes: 3 }, async (sim) => {
        await tables(sim);
        let key = 0;
        const changed: string[] = [];
        const until = sim.now() + 4_000;
        const troubles = trouble(sim, until);
        const done = await Promise.all(Array.from({ length: 6 }, () => client(sim, until, () => ++key, changed)));
        await troubles;
        sim.heal();
        await sim.settled();
        const { rows } = await sim.sql(
          'SELECT c.id, c.parent FROM children c WHERE NOT EXISTS (SELECT FROM parents p WHERE p.id = c.parent)',
        );
        expect(rows, 'children without their parent').toEqual([]);
        expect(changed, 'shared rows that changed').toEqual([]);
        return done.reduce((a, b) => a + b);
      });
      expect(runs.reduce((a, r) => a + r.value, 0)).toBeGreaterThan(SEEDS * 20);
    },
    SEEDS * 60_000,
  );
});
