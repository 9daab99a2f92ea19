import { beforeEach, describe, expect, it } from 'vitest';
import { sampleHash } from '../../../src/sql/exec/sample.js';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, startServer } from '../support/server.js';

let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
  await c.all(`create table t (id int primary key, v int);
    insert into t select g, g % 10 from generate_series(1, 2000) g;
    create view tv as select * from t`);
});

const one = async (text: string): Promise<string | null> => (await c.rows(text))[0]![0]!;
const count = async (text: string): Promise<number> => Number(await one(text));

describe('TABLESAMPLE', () => {
  it('takes about as many rows as it is told, and all or none at the ends', async () => {
    for (const method of ['bernoulli', 'system', 'pg_catalog.system']) {
      expect(await count(`select count(*) from t tablesample ${method} (100)`)).toBe(2000);
      expect(await count(`select count(*) from t tablesample ${method} (0)`)).toBe(0);
      const some = await count(`select count(*) from t tablesample ${method} (20) repeatable (1)`);
      // Six standard deviations around 400.
      expect(some).toBeGreaterThan(292);
      expect(some).toBeLessThan(508);
    }
    const sizes = new Set<number>();
    for (let i = 0; i < 8; i++) sizes.add(await count('select sum(id) from t tablesample bernoulli (50)'));
    expect(sizes.size).toBeGreaterThan(1);
  });

  it('repeats itself with the same seed, by any access path', async () => {
    const ids = (seed: string, more = '') =>
      c.rows(`select id from t as x tablesample bernoulli (10) repeatable (${seed}) ${more} order by id`);
    const first = await ids('5');
    expect(await ids('5')).toEqual(first);
    expect(await ids("'5'")).toEqual(first);
    expect(await ids('6')).not.toEqual(first);
    expect(await ids('0')).toEqual(await ids('-0.0'));
    await c.all('insert into t values (-1, 3); create index on t (v)');
    expect((await ids('5')).filter(([id]) => id !== '-1')).toEqual(first);
    const threes = first.filter(([id]) => Number(id) % 10 === 3);
    expect((await ids('5', 'where v = 3')).filter(([id]) => id !== '-1')).toEqual(threes);
    const one = first[0]![0]!;
    expect(await ids('5', `where id = ${one}`)).toEqual([[one]]);
    const both =
      't a tablesample bernoulli (20) repeatable (5) full join t b tablesample bernoulli (20) repeatable (5) using (id)';
    expect(await count(`select count(*) from ${both} where a.id is null or b.id is null`)).toBe(0);
  });

  it('draws samples of different seeds independently', () => {
    let both = 0;
    let sum = 0;
    const buckets = new Array<number>(10).fill(0);
    for (let i = 0; i < 20_000; i++) {
      const key = `\u0001\u0080\u0000${String.fromCharCode(i >> 8, i & 255)}`;
      const a = sampleHash(key, 1) / 2 ** 32;
      const b = sampleHash(key, 2) / 2 ** 32;
      if (a < 0.5 && b < 0.5) both++;
      sum += a;
      buckets[Math.floor(a * 10)]!++;
    }
    expect(both / 20_000).toBeCloseTo(0.25, 1);
    expect(sum / 20_000).toBeCloseTo(0.5, 1);
    for (const n of buckets) expect(Math.abs(n - 2000)).toBeLessThan(260);
  });

  it('takes parameters, subqueries and columns of outer queries', async () => {
    expect((await c.run('select count(*) from t tablesample bernoulli ($1)', ['100'])).rows).toEqual([['2000']]);
    expect(await count('select count(*) from t tablesample bernoulli ((select 100))')).toBe(2000);
    expect(
      await c.rows(`select p, (select count(*) from t tablesample bernoulli (x.p) repeatable (0))
        from (values (100), (0)) x (p) order by 1`),
    ).toEqual([
      ['0', '0'],
      ['100', '2000'],
    ]);
  });

  it('works on a table without a primary key, with locks, in changes and in views', async () => {
    await c.all('create table u (v int); insert into u select 1 from generate_series(1, 100)');
    expect(await count('select count(*) from u tablesample system (100)')).toBe(100);
    const some = await count('select count(*) from u tablesample system (50) repeatable (3)');
    expect(some).toBeGreaterThan(10);
    expect(some).toBeLessThan(90);
    expect(await c.rows('select id from t tablesample bernoulli (100) where id = 1 for update')).toEqual([['1']]);
    expect(
      (await c.query('update t set v = 0 from t b tablesample bernoulli (100) where t.id = b.id and b.id < 3')).tag,
    ).toBe('UPDATE 2');
    await c.all('create view half as select id from t tablesample bernoulli (50) repeatable (2)');
    expect(await one('select count(*) from half')).toBe(
      await one('select count(*) from t tablesample bernoulli (50) repeatable (2)'),
    );
    expect(await one("select pg_get_viewdef('half'::regclass)")).toMatch(
      /TABLESAMPLE bernoulli ?\(50\) REPEATABLE ?\(2\)/,
    );
  });

  it('is shown by EXPLAIN', async () => {
    expect(
      (
        await c.rows('explain (costs off) select v from t x tablesample bernoulli (10) repeatable (3) where id = 3')
      ).flat(),
    ).toEqual([
      'Sample',
      "  Sampling: bernoulli ('10'::real) REPEATABLE ('3'::double precision)",
      '  ->  Index Scan using t_pkey on t x',
      '        Index Cond: (id = 3)',
    ]);
  });

  // Messages are PostgreSQL 15's.
  it.each([
    ['from t tablesample bernoulli (-1)', '2202H sample percentage must be between 0 and 100'],
    ['from t tablesample system (100.5)', '2202H sample percentage must be between 0 and 100'],
    ["from t tablesample system ('nan')", '2202H sample percentage must be between 0 and 100'],
    ['from t tablesample bernoulli (null)', '2202H TABLESAMPLE parameter cannot be null'],
    ['from t tablesample bernoulli (10) repeatable (null)', '2202G TABLESAMPLE REPEATABLE parameter cannot be null'],
    [
      'from (select 1) e, t tablesample bernoulli (1, 2)',
      '2202H tablesample method bernoulli requires 1 argument, not 2',
    ],
    ['from t tablesample foo (1)', '42704 tablesample method foo does not exist'],
    ['from t tablesample nosuch.bernoulli (1)', '42704 tablesample method nosuch.bernoulli does not exist'],
    [
      'from tv tablesample bernoulli (1)',
      '0A000 TABLESAMPLE clause can only be applied to tables and materialized views',
    ],
    [
      'from information_schema.tables tablesample bernoulli (1)',
      '0A000 TABLESAMPLE clause can only be applied to tables and materialized views',
    ],
    ["from t tablesample bernoulli ('abc')", '22P02 invalid input syntax for type real: "abc"'],
    ['from t tablesample bernoulli (true)', '42804 argument of TABLESAMPLE must be type real, not type boolean'],
    [
      'from t tablesample bernoulli (1) repeatable (true)',
      '42804 argument of REPEATABLE must be type double precision, not type boolean',
    ],
    ['from t tablesample bernoulli (max(1))', '42803 aggregate functions are not allowed in functions in FROM'],
    ['from nosuch tablesample bernoulli (1)', '42P01 relation "nosuch" does not exist'],
  ])('refuses select 1 %s', async (text, error) => {
    expect(await c.error(`select 1 ${text}`)).toBe(error);
  });

  it('refuses a WITH query, and looks at its arguments though there are no rows', async () => {
    expect(await c.error('with q as (select 1) select * from q tablesample bernoulli (1)')).toMatch(/^0A000/);
    await c.all('delete from t');
    expect(await c.error('select 1 from t tablesample bernoulli (200)')).toMatch(/^2202H/);
  });
});
