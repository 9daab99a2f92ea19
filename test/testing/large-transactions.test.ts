/** What others see, and how soon, of a transaction with thousands of intents: nothing while it runs, nor when its node has died. */
import { expect, it } from 'vitest';
import { simulate, type Simulation } from '../../src/testing/index.js';

// More than a transaction buffers.
const ROWS = 4_000;
const FILL = `insert into t select g, repeat('x', 200) from generate_series(1, ${ROWS}) g`;
const COUNT = 'select count(*)::int n, min(b) b from t';

async function begun(sim: Simulation): Promise<ReturnType<Simulation['client']>> {
  await sim.sql('create table t (a int primary key, b text)');
  await sim.sql("insert into t values (0, 'old')");
  const writer = sim.client('n1');
  await writer.connect();
  await writer.query('begin');
  await writer.query(FILL);
  return writer;
}

it.each(['read committed', 'serializable'])(
  'readers pass at once all that a transaction has written (%s)',
  async (level) => {
    await simulate({ nodes: 3, seed: 5 }, async (sim) => {
      const writer = await begun(sim);
      const reader = sim.client('n2');
      await reader.connect();
      await reader.query(`begin isolation level ${level}`);
      const before = sim.now();
      expect((await reader.query(COUNT)).rows).toEqual([{ n: 1, b: 'old' }]);
      expect((await reader.query('select a from t order by a desc limit 1')).rows).toEqual([{ a: 0 }]);
      expect((await reader.query(`select b from t where a in (0, 7, ${ROWS})`)).rows).toEqual([{ b: 'old' }]);
      // It was 60 ms for each row that was written.
      expect(sim.now() - before).toBeLessThan(2_000);
      await reader.query('commit');
      await writer.query('commit');
      expect((await reader.query(COUNT)).rows).toEqual([{ n: ROWS + 1, b: 'old' }]);
      for (const client of [reader, writer]) await client.end();
    });
  },
);

it('what a dead node has left goes many rows at a time', async () => {
  await simulate({ nodes: 3, seed: 6 }, async (sim) => {
    await begun(sim);
    sim.kill('n1');
    const before = sim.now();
    expect((await sim.sql(COUNT, [], { node: 'n2', timeout: '60s' })).rows).toEqual([{ n: 1, b: 'old' }]);
    // Each row took a push of its own.
    expect(sim.now() - before).toBeLessThan(3_000);
  });
});

it('rows that a dead node has only locked go many at a time', async () => {
  await simulate({ nodes: 3, seed: 7 }, async (sim) => {
    await sim.sql('create table t (a int primary key, b text)');
    await sim.sql(FILL);
    sim.transferLeases('n1', 'n2');
    await sim.sleep('5s');
    const locker = sim.client('n1');
    await locker.connect();
    await locker.query('begin');
    await locker.query('select count(*) from (select 1 from t for update) x');
    sim.kill('n1');
    const before = sim.now();
    await sim.sql("update t set b = 'new'", [], { node: 'n2', timeout: '60s' });
    expect(sim.now() - before).toBeLessThan(3_000);
  });
});
