/** fork, snapshot and reset of a cluster, at rest and under load. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import pg from 'pg';
import postgres from 'postgres';
import { afterEach, describe, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../../src/testing/index.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const clusters: Cluster[] = [];
async function cluster(nodes = 3): Promise<Cluster> {
  const started = await startCluster({ nodes });
  clusters.push(started);
  return started;
}
async function forkOf(c: Cluster): Promise<Cluster> {
  const fork = await c.fork();
  clusters.push(fork);
  return fork;
}
afterEach(async () => {
  await Promise.all(clusters.splice(0).map((c) => c.close()));
});

async function numbers(c: Cluster, table = 't'): Promise<number[]> {
  return (await c.sql(`select k from ${table} order by k`)).rows.map((row) => row['k'] as number);
}

describe('fork', () => {
  it('has the same data and is independent in both directions, also of the end of the other', async () => {
    const a = await cluster();
    await a.sql('create table t (k int primary key, s serial)');
    await a.sql('insert into t values (1), (2)');
    const b = await forkOf(a);
    await a.sql('insert into t values (10)');
    await b.sql('insert into t values (20)');
    await b.sql('create table only_b (x int)');
    expect([await numbers(a), await numbers(b)]).toEqual([
      [1, 2, 10],
      [1, 2, 20],
    ]);
    await expect(a.sql('select * from only_b')).rejects.toMatchObject({ code: '42P01' });
    const c = await forkOf(b);
    await b.close();
    await c.sql('insert into t values (30)');
    expect(await numbers(c)).toEqual([1, 2, 20, 30]);
    await a.close();
    await c.sql('drop table t');
    await c.sql('create table t (k int)');
    expect(await numbers(c)).toEqual([]);
    const client = new pg.Client(c.url(2));
    await client.connect();
    expect((await client.query('select count(*)::int as n from t')).rows).toEqual([{ n: 0 }]);
    await client.end();
  });

  it('holds a transaction in flight whole or not at all, and nobody waits for its coordinator', async () => {
    const a = await cluster();
    await a.sql('create table t (k int primary key, v int)');
    await a.sql('insert into t select g, 0 from generate_series(1, 20) g');
    const writer = a.client();
    await writer.connect();
    await writer.query('begin');
    await writer.query('update t set v = 1 where k <= 10');
    const b = await forkOf(a);
    await b.sql("set statement_timeout = '3s'; update t set v = 2 where k = 5");
    expect((await b.sql('select sum(v)::int as n from t')).rows).toEqual([{ n: 2 }]);
    await writer.query('commit');
    await writer.end();
    expect((await a.sql('select sum(v)::int as n from t')).rows).toEqual([{ n: 10 }]);
  });

  it('keeps the totals of concurrent transfers in every fork, and all that was acknowledged', async () => {
    const a = await cluster();
    await a.sql('create table account (k int primary key, balance int not null)');
    await a.sql('insert into account select g, 100 from generate_series(1, 10) g');
    await a.sql('create table done (worker int, step int, primary key (worker, step))');
    let running = true;
    const acknowledged = new Map<number, number>();
    const worker = async (id: number): Promise<void> => {
      const client = a.client(id % 3);
      await client.connect();
      for (let step = 0; running; step++) {
        const from = 1 + ((id * 7 + step) % 10);
        const to = 1 + ((from + 1 + (step % 8)) % 10);
        try {
          await client.query('begin');
          await client.query('update account set balance = balance - 1 where k = $1', [from]);
          await client.query('update account set balance = balance + 1 where k = $1', [to]);
          await client.query('insert into done values ($1, $2)', [id, step]);
          await client.query('commit');
          acknowledged.set(id, step);
        } catch (error) {
          if (!['40001', '40P01'].includes((error as { code?: string }).code ?? '')) throw error;
          await client.query('rollback');
        }
      }
      await client.end();
    };
    const workers = [0, 1, 2, 3, 4].map((id) => worker(id));
    for (let round = 0; round < 4; round++) {
      const before = new Map(acknowledged);
      const fork = await a.fork();
      const { rows } = await fork.sql('select sum(balance)::int as total, count(*)::int as n from account');
      expect(rows).toEqual([{ total: 1000, n: 10 }]);
      for (const [id, step] of before) {
        const found = await fork.sql('select 1 from done where worker = $1 and step = $2', [id, step]);
        expect(found.rowCount).toBe(1);
      }
      await fork.close();
    }
    running = false;
    await Promise.all(workers);
    expect((await a.sql('select sum(balance)::int as total from account')).rows).toEqual([{ total: 1000 }]);
  });

  it('leaves out nodes that are stopped', async () => {
    const a = await cluster();
    await a.sql('create table t (k int primary key)');
    await a.stopNode(2);
    await a.sql('insert into t values (1)');
    const b = await forkOf(a);
    expect([b.node(0) === null, b.node(2) === null]).toEqual([false, true]);
    expect(await numbers(b)).toEqual([1]);
    await b.restartNode(2);
    const client = b.client(2);
    await client.connect();
    expect((await client.query('select k from t')).rows).toEqual([{ k: 1 }]);
    await client.end();
  });
});

describe('reset', () => {
  it('goes back to the start, to a mark, or to a named moment: data, catalog, sequences', async () => {
    const c = await cluster();
    await c.sql('create table t (k int primary key, s serial)');
    await c.snapshot('empty');
    await c.sql('insert into t values (1)');
    await c.mark();
    await c.sql('insert into t values (2)');
    await c.sql('alter table t add column extra text');
    await c.reset();
    expect((await c.sql('select * from t')).rows).toEqual([{ k: 1, s: 1 }]);
    expect((await c.sql('insert into t values (3) returning s')).rows[0]!['s']).toBeGreaterThan(1);
    await c.reset('empty');
    expect(await numbers(c)).toEqual([]);
    expect((await c.sql('insert into t values (9) returning *')).rows).toEqual([{ k: 9, s: 1 }]);
    await expect(c.reset('never')).rejects.toMatchObject({ code: '42704' });
    // A moment can be used again, and the other way round.
    await c.reset();
    expect(await numbers(c)).toEqual([1]);
    expect(c.forget('empty')).toBe(true);
    await expect(c.reset('empty')).rejects.toMatchObject({ code: '42704' });
  });

  it('keeps clients connected: pools, settings, prepared statements of pg and postgres.js', async () => {
    const c = await cluster();
    await c.sql('create table t (k int primary key, v text)');
    await c.mark();
    const pool = new pg.Pool({ connectionString: c.url(1), max: 4 });
    const sql = postgres(c.url(0), { max: 2, onnotice: () => undefined });
    const client = new pg.Client(c.url());
    await client.connect();
    await client.query("set timezone = 'Asia/Tokyo'");
    await client.query('prepare p as select count(*)::int as n from t');
    for (let round = 0; round < 5; round++) {
      await Promise.all([1, 2, 3, 4].map((k) => pool.query('insert into t values ($1, $2)', [k, `row ${k}`])));
      const named = { name: 'by-key', text: 'select v from t where k = $1', values: [3] };
      expect((await client.query(named)).rows).toEqual([{ v: 'row 3' }]);
      expect([...(await sql`select v from t where k = ${2}`)]).toEqual([{ v: 'row 2' }]);
      await c.reset();
      expect((await client.query(named)).rows).toEqual([]);
      expect((await client.query('execute p')).rows).toEqual([{ n: 0 }]);
      expect((await client.query('show timezone')).rows).toEqual([{ TimeZone: 'Asia/Tokyo' }]);
      expect([...(await sql`select v from t where k = ${2}`)]).toEqual([]);
    }
    expect(pool.totalCount).toBeGreaterThan(0);
    await Promise.all([client.end(), pool.end(), sql.end()]);
  });

  it('ends transactions: 40001 at the next statement, COMMIT included, then until ROLLBACK', async () => {
    const c = await cluster(1);
    await c.sql('create table t (k int primary key)');
    await c.mark();
    const [a, b, d] = [c.client(), c.client(), c.client()];
    for (const client of [a, b, d]) {
      await client.connect();
      await client.query('begin');
      await client.query('insert into t values (floor(random() * 1e9))');
    }
    await c.reset();
    await expect(a.query('insert into t values (1)')).rejects.toMatchObject({ code: '40001' });
    await expect(a.query('select 1')).rejects.toMatchObject({ code: '25P02' });
    await a.query('rollback');
    await a.query('insert into t values (1)');
    await expect(b.query('commit')).rejects.toMatchObject({ code: '40001' });
    await b.query('rollback');
    await d.query('rollback');
    await d.query('insert into t values (2)');
    expect(await numbers(c)).toEqual([1, 2]);
    for (const client of [a, b, d]) await client.end();
  });

  it('fails what is under way and lets nothing of it come back', async () => {
    const c = await cluster();
    await c.sql('create table t (k int primary key, v text)');
    await c.mark();
    const clients = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const client = c.client(i % 3);
        await client.connect();
        return client;
      }),
    );
    let next = 0;
    const codes = new Set<string>();
    for (let round = 0; round < 5; round++) {
      let running = true;
      const work = clients.map(async (client, i) => {
        while (running) {
          try {
            if (i % 3 === 0) await client.query('select pg_sleep(1)');
            else await client.query('insert into t values ($1, $2)', [++next, `round ${round}`]);
          } catch (error) {
            codes.add((error as { code: string }).code);
            if (i % 3 === 0) return;
          }
        }
      });
      while (next < 20 * (round + 1)) await c.sql('select count(*) from t');
      await c.reset();
      running = false;
      await Promise.all(work);
      await c.reset();
      expect(await numbers(c)).toEqual([]);
    }
    expect([...codes]).toEqual(['40001']);
    await Promise.all(clients.map((client) => client.end()));
  });

  it('brings back the nodes that ran, on the same ports', async () => {
    const c = await cluster();
    await c.sql('create table t (k int primary key)');
    await c.mark();
    const url = c.url(1);
    await c.stopNode(1);
    await c.sql('insert into t values (1)');
    await c.reset();
    expect(c.url(1)).toBe(url);
    const client = new pg.Client(url);
    await client.connect();
    expect((await client.query('select * from t')).rows).toEqual([]);
    await client.end();
  });

  it('eighty times leaves nothing behind', async () => {
    const c = await cluster();
    await c.sql('create table t (k int primary key, v text)');
    await c.sql("insert into t select g, repeat('x', 100) from generate_series(1, 500) g");
    await c.mark();
    const resources = (): number => process.getActiveResourcesInfo().length;
    const heap = (): number => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    for (let i = 0; i < 20; i++) await c.reset();
    const before = { heap: heap(), resources: resources() };
    for (let i = 0; i < 80; i++) {
      await c.sql("insert into t values ($1, 'new')", [1000 + i]);
      await c.reset();
    }
    expect((await c.sql('select count(*)::int as n from t')).rows).toEqual([{ n: 500 }]);
    expect(resources()).toBeLessThan(before.resources + 40);
    expect(heap()).toBeLessThan(before.heap + 2e6);
  });

  it('needs a cluster in memory, and one that is running', async () => {
    const c = await cluster(1);
    await c.stopNode(0);
    await expect(c.mark()).rejects.toMatchObject({ code: '57P03' });
    await expect(c.fork()).rejects.toMatchObject({ code: '57P03' });
    await c.reset();
    expect((await c.sql('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });
});

describe('crashNode', () => {
  it('loses nothing that was acknowledged', async () => {
    const c = await cluster();
    await c.sql('create table t (k int primary key)');
    for (let k = 0; k < 3; k++) {
      await c.sql('insert into t values ($1)', [k]);
      await c.crashNode(k);
      expect(c.node(k)).toBe(null);
      await c.sql('insert into t values ($1)', [10 + k]);
      await c.restartNode(k);
    }
    expect(await numbers(c)).toEqual([0, 1, 2, 10, 11, 12]);
  });
});
