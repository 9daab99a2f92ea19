/** Statements whose parts lie on several ranges and nodes, through a stock client. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../../src/testing/index.js';

describe('on three nodes', () => {
  let cluster: Cluster;
  const clients: pg.Client[] = [];
  const connect = async (node: number): Promise<pg.Client> => {
    const client = new pg.Client(cluster.url(node));
    await client.connect();
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    cluster = await startCluster({ nodes: 3 });
    await cluster.sql('create table t (id int primary key, n int not null, w text)');
    await cluster.sql('alter table t split at values (100), (200), (300)');
    await cluster.sql("insert into t select g, 0, 'old' from generate_series(1, 400) g");
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end()));
    await cluster.close();
  });

  it('MERGE changes rows of several ranges, all or none', async () => {
    const c = await connect(1);
    const merge = `merge into t using generate_series(50, 450, 50) g on t.id = g
      when matched and g = 400 then delete
      when matched then update set n = n + 1, w = 'new'
      when not matched then insert values (g, 7, 'in')`;
    expect(await c.query(merge)).toMatchObject({ command: 'MERGE', rowCount: 9 });
    await c.query('begin');
    await c.query(merge);
    await c.query('rollback');
    await expect(c.query(`${merge.replace('+ 1', '+ null')}`)).rejects.toMatchObject({ code: '23502' });
    const { rows } = await c.query("select id, n from t where w <> 'old' order by id");
    expect(rows.map((r: { id: number; n: number }) => [r.id, r.n])).toEqual([
      ...[50, 100, 150, 200, 250, 300, 350].map((id) => [id, 1]),
      [450, 7],
    ]);
    expect((await c.query('select count(*)::int as n from t')).rows).toEqual([{ n: 400 }]);
  });

  it('MERGE of the same keys from all nodes at once loses no update', async () => {
    const upsert = `merge into t using (values (90), (190), (1000), (290)) x (k) on t.id = x.k
      when matched then update set n = t.n + 1 when not matched then insert values (x.k, 1, 'old')`;
    const run = async (node: number): Promise<void> => {
      const c = await connect(node);
      for (let done = 0; done < 10;) {
        try {
          await c.query(upsert);
          done++;
        } catch (error) {
          expect((error as { code: string }).code).toBe('40001');
        }
      }
    };
    await Promise.all([0, 1, 2].map(run));
    const { rows } = await cluster.sql('select n from t where id in (90, 190, 290, 1000)');
    expect(rows).toEqual([{ n: 30 }, { n: 30 }, { n: 30 }, { n: 30 }]);
  });

  it('a cursor WITH HOLD has what was there at the commit', async () => {
    const c = await connect(2);
    await c.query('begin');
    await c.query('declare h scroll cursor with hold for select id from t where id <= 400 order by id');
    expect((await c.query('fetch 2 from h')).rows).toEqual([{ id: 1 }, { id: 2 }]);
    await c.query('commit');
    await cluster.sql('delete from t where id = 399');
    expect((await c.query('fetch absolute 399 from h')).rows).toEqual([{ id: 399 }]);
    expect((await c.query('move backward all in h')).rowCount).toBe(398);
  });

  it('EXPLAIN (ANALYZE, FORMAT JSON) comes as an object, with the rows of all ranges', async () => {
    const { rows } = await cluster.sql('explain (analyze, format json) select count(*) from t where id <= 350');
    const [{ Plan }] = rows[0]!['QUERY PLAN'] as [{ Plan: { Plans: { 'Actual Rows': number }[] } }];
    expect(Plan.Plans[0]!['Actual Rows']).toBe(350);
  });

  it('the same sample is taken on every node', async () => {
    const sample = 'select sum(id) as s from t tablesample bernoulli (30) repeatable (4)';
    const sums = await Promise.all(
      [0, 1, 2].map(async (node) => ((await (await connect(node)).query(sample)).rows[0] as { s: string }).s),
    );
    expect(new Set(sums).size).toBe(1);
    expect(Number(sums[0])).toBeGreaterThan(0);
  });

  it('a statement cancelled while it waits for a lock leaves the rest of the transaction alone', async () => {
    const [a, b] = [await connect(0), await connect(1)];
    await a.query('begin');
    await a.query("update t set w = 'a' where id = 120");
    await b.query('begin');
    await b.query("update t set w = 'b' where id = 20");
    await b.query('savepoint s');
    await b.query("set local statement_timeout = '200ms'");
    await expect(b.query("update t set w = 'b' where id = 120")).rejects.toMatchObject({ code: '57014' });
    await b.query('rollback to s');
    expect((await b.query('select w from t where id = 20')).rows).toEqual([{ w: 'b' }]);
    await b.query("update t set w = 'b' where id = 320");
    await b.query('commit');
    await a.query('commit');
    await cluster.sql("update t set w = w || '!' where id in (20, 120, 320)");
    const { rows } = await cluster.sql('select w from t where id in (20, 120, 320) order by id');
    expect(rows.map((r) => r['w'])).toEqual(['b!', 'a!', 'b!']);
  });
});
