import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, startServer } from '../support/server.js';

// Every answer and message here was seen from PostgreSQL 15.

let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
  await c.all(`
    create table t (id int primary key, v int check (v < 100), w text default 'd');
    create table s (id int, v int);
    insert into t values (1, 10), (2, 20), (3, 30);
    insert into s values (2, 5), (3, 6), (4, 7)`);
});

const all = (table: string) => c.rows(`select * from ${table} order by 1`);

describe('MERGE', () => {
  it('takes the first clause that fits and counts what it changed', async () => {
    const merged = await c.query(`
      merge into t using s on t.id = s.id
      when matched and s.id = 2 then delete
      when matched then update set v = t.v + s.v, w = 'u'
      when not matched then insert values (s.id, s.v)`);
    expect(merged).toMatchObject({ tag: 'MERGE 3', rows: [] });
    expect(await all('t')).toEqual([
      ['1', '10', 'd'],
      ['3', '36', 'u'],
      ['4', '7', 'd'],
    ]);
  });

  it('leaves a row alone that no clause fits, or that one says to', async () => {
    expect(
      (
        await c.query(`merge into t a using s as b on a.id = b.id
          when matched and b.id = 3 then do nothing
          when matched and a.v > 1000 then delete
          when not matched and b.v > 7 then insert (id) values (b.id)`)
      ).tag,
    ).toBe('MERGE 0');
    expect(await all('t')).toEqual([
      ['1', '10', 'd'],
      ['2', '20', 'd'],
      ['3', '30', 'd'],
    ]);
  });

  it('reads subqueries, functions, WITH, and parameters as its source', async () => {
    await c.all(`with q as (select id, v * 2 as v from s) merge into t using q on t.id = q.id
      when matched then update set (v, w) = (q.v, 'w')`);
    await c.all(
      `merge into t using generate_series(3, 5) g on t.id = g when not matched then insert (id, v) values (g, g)`,
    );
    await c.all(`merge into t using (values (9, 'nine')) x (n, name) on t.id = x.n
      when not matched then insert (w, id) values (name, n)`);
    const upsert = `merge into t using (select $1::int as k, $2::int as v) x on t.id = x.k
      when matched then update set v = x.v when not matched then insert (id, v) values (x.k, x.v)`;
    expect((await c.run(upsert, ['9', '1'])).tag).toBe('MERGE 1');
    expect((await c.run(upsert, ['10', '2'])).tag).toBe('MERGE 1');
    expect(await all('t')).toEqual([
      ['1', '10', 'd'],
      ['2', '10', 'w'],
      ['3', '12', 'w'],
      ['4', '4', 'd'],
      ['5', '5', 'd'],
      ['9', '1', 'nine'],
      ['10', '2', 'd'],
    ]);
  });

  it('sees nothing of what it writes', async () => {
    await c.all(`merge into t using s on t.id = s.id
      when matched then update set v = (select sum(x.v) from t x where x.id <> t.id)
      when not matched and (select count(*) from t x where x.id >= s.id - 3) = 3
        then insert values (s.id, (select max(x.v) from t x where x.id < s.id))`);
    expect(await all('t')).toEqual([
      ['1', '10', 'd'],
      ['2', '40', 'd'],
      ['3', '30', 'd'],
      ['4', '30', 'd'],
    ]);
    await c.all('merge into t using t as u on t.id = u.id - 1 when matched then update set v = u.v');
    expect((await all('t')).map((r) => r[1])).toEqual(['40', '30', '30', '30']);
  });

  it('changes no row a second time', async () => {
    const twice = `merge into t using (values (1), (1)) x (a) on t.id = x.a`;
    expect(await c.error(`${twice} when matched then update set v = 3`)).toBe(
      '21000 MERGE command cannot affect row a second time',
    );
    expect(await c.error(`${twice} when matched then delete`)).toMatch(/^21000/);
    expect(await c.error(`${twice} when matched and t.v = 10 then update set v = 11`)).toMatch(/^21000/);
    expect((await c.query(`${twice} when matched then do nothing`)).tag).toBe('MERGE 0');
    expect(
      await c.error('merge into t using (values (9), (9)) x (a) on t.id = x.a when not matched then insert values (a)'),
    ).toBe('23505 duplicate key value violates unique constraint "t_pkey" | Key (id)=(9) already exists.');
    expect(await all('t')).toHaveLength(3);
  });

  it('does not match NULL, and matches many rows of the target with one of the source', async () => {
    await c.all('insert into s values (null, 1)');
    await c.all('create table many (k int, n int); insert into many values (2, 0), (2, 0), (null, 0), (3, 0)');
    const { tag } = await c.query(`merge into many using s on many.k = s.id
      when matched then update set n = s.v when not matched then insert values (s.id, -1)`);
    expect(tag).toBe('MERGE 5');
    expect(await c.rows('select k, n from many order by k nulls last, n')).toEqual([
      ['2', '5'],
      ['2', '5'],
      ['3', '6'],
      ['4', '-1'],
      [null, '-1'],
      [null, '0'],
    ]);
  });
});

describe('MERGE and constraints', () => {
  it('checks CHECK, NOT NULL and unique keys', async () => {
    const on = 'merge into t using s on t.id = s.id';
    expect(await c.error(`${on} when not matched then insert values (s.id, 200)`)).toBe(
      '23514 new row for relation "t" violates check constraint "t_v_check" | Failing row contains (4, 200, d).',
    );
    expect(await c.error(`${on} when matched then update set id = null`)).toMatch(
      /^23502 null value in column "id" of relation "t" violates not-null constraint \| Failing row contains \(null, /,
    );
    expect(await c.error(`${on} when matched and s.id = 2 then update set id = 1`)).toMatch(/^23505 .*\(id\)=\(1\)/);
    expect(await all('t')).toHaveLength(3);
  });

  it('lets a key that it frees be taken', async () => {
    await c.all(`merge into t using (values (1, 8), (7, 1)) x (a, b) on t.id = x.a
      when matched then delete when not matched then insert values (x.b, 77)`);
    expect(await all('t')).toEqual([
      ['1', '77', 'd'],
      ['2', '20', 'd'],
      ['3', '30', 'd'],
    ]);
  });

  it('keeps indexes, in and out of a transaction that is rolled back', async () => {
    await c.all('create unique index tv on t (v); create index tw on t (w)');
    await c.all('begin; savepoint a');
    await c.all(`merge into t using s on t.id = s.id when matched then update set w = 'x'
      when not matched then insert values (s.id, s.v, 'x')`);
    expect(await c.rows("select id from t where w = 'x' order by 1")).toEqual([['2'], ['3'], ['4']]);
    await c.all('rollback to a');
    expect(await c.rows("select id from t where w = 'x'")).toEqual([]);
    await c.all("merge into t using s on t.id = s.id when matched then update set w = 'y'; commit");
    expect(await c.rows("select id from t where w = 'y' order by 1")).toEqual([['2'], ['3']]);
    expect(await c.error('merge into t using s on t.id = s.id when matched then update set v = 10')).toMatch(
      /^23505 .*"tv"/,
    );
  });

  it('fills identity columns as INSERT does', async () => {
    await c.all(`create table g (id int generated always as identity, k int, v int);
      insert into g (k, v) values (1, 1)`);
    const on = 'merge into g using s on g.k = s.id';
    expect(await c.error(`${on} when not matched then insert values (s.id, 1, 1)`)).toMatch(
      /^428C9 cannot insert a non-DEFAULT value into column "id"/,
    );
    expect(
      (await c.query(`${on} when not matched then insert (id, k) overriding system value values (100 + s.id, s.id)`))
        .tag,
    ).toBe('MERGE 3');
    expect(await c.error(`${on} when matched then update set id = 4`)).toMatch(
      /^428C9 column "id" can only be updated to DEFAULT/,
    );
    const one = 'merge into g using (select 77 q) x on g.k = x.q when not matched then insert';
    await c.all(`${one} (id, k) overriding user value values (100 + q, q)`);
    await c.all('merge into g using (select 78 q) x on g.k = x.q when not matched then insert default values');
    expect(await c.rows('select k, v from g where id < 100 order by id')).toEqual([
      ['1', '1'],
      ['77', null],
      [null, null],
    ]);
  });
});

describe('MERGE that is refused', () => {
  const on = 'merge into t using s on t.id = s.id';
  it.each([
    [
      `${on} when matched then delete when matched then do nothing`,
      '42601 unreachable WHEN clause specified after unconditional WHEN clause',
    ],
    [
      `${on} when not matched then do nothing when not matched then insert values (1)`,
      '42601 unreachable WHEN clause specified after unconditional WHEN clause',
    ],
    [
      'merge into t using s t on true when matched then delete',
      '42712 name "t" specified more than once | The name is used both as MERGE target table and data source.',
    ],
    [
      `${on} when not matched and t.v = 1 then do nothing`,
      '42P01 invalid reference to FROM-clause entry for table "t"',
    ],
    [`${on} when not matched then insert values (t.id)`, '42P01 invalid reference to FROM-clause entry for table "t"'],
    [`${on} when not matched then insert values (w)`, '42703 column "w" does not exist'],
    [`${on} when matched then update set zz = 1`, '42703 column "zz" of relation "t" does not exist'],
    [`${on} when matched then update set v = 1, v = 2`, '42601 multiple assignments to same column "v"'],
    [`${on} when not matched then insert (id, id) values (1, 2)`, '42701 column "id" specified more than once'],
    [`${on} when not matched then insert (id) values (1, 2)`, '42601 INSERT has more expressions than target columns'],
    [`${on} when not matched then insert (id, v) values (1)`, '42601 INSERT has more target columns than expressions'],
    ['merge into t using s on id = s.id when matched then do nothing', '42702 column reference "id" is ambiguous'],
    [`${on} when matched and s.v then do nothing`, '42804 argument of WHEN must be type boolean, not type integer'],
    [
      `${on} when matched and sum(s.v) > 1 then do nothing`,
      '42803 aggregate functions are not allowed in MERGE WHEN conditions',
    ],
    [
      'with recursive q as (select 1) merge into t using q on true when matched then do nothing',
      '42601 WITH RECURSIVE is not supported for MERGE statement',
    ],
    [
      'with q as (merge into t using s on true when matched then do nothing) select 1',
      '0A000 MERGE not supported in WITH query',
    ],
    ['merge into nosuch using s on true when matched then do nothing', '42P01 relation "nosuch" does not exist'],
    ['merge into t using nosuch on true when matched then do nothing', '42P01 relation "nosuch" does not exist'],
    [
      'create view vw as select 1 as id; merge into vw using s on true when matched then delete',
      '0A000 cannot execute MERGE on relation "vw" | This operation is not supported for views.',
    ],
    [
      'begin read only; merge into t using s on t.id = s.id when matched then delete',
      '25006 cannot execute MERGE in a read-only transaction',
    ],
    // PostgreSQL 17's, which are syntax errors in 15.
    [`${on} when matched then delete returning *`, '42601 syntax error at or near "returning"'],
    [`${on} when not matched by source then delete`, '42601 syntax error at or near "by"'],
  ])('%s', async (sql, error) => {
    expect(await c.error(sql)).toBe(error);
  });
});

describe('MERGE beside others', () => {
  it('holds the locks of the rows that it matched, and no others', async () => {
    const d = await Client.open(server);
    await c.all(
      'begin; merge into t using (select 2 as id) x on t.id = x.id when matched then do nothing when not matched then insert values (x.id)',
    );
    expect(await d.rows('select id from t where id = 1 for update')).toEqual([['1']]);
    let waited = true;
    const locked = d.rows('select id from t where id = 2 for update').then((rows) => {
      waited = false;
      return rows;
    });
    await c.rows('select 1');
    expect(waited).toBe(true);
    await c.all('commit');
    expect(await locked).toEqual([['2']]);
  });

  it('looks up rows by key when the source is small', async () => {
    const plan = (
      await c.rows(
        'explain (costs off) merge into t using (values (2), (9)) x (k) on t.id = x.k when matched then delete when not matched then insert values (k)',
      )
    ).flat();
    expect(plan[0]).toBe('Merge on t');
    expect(plan.join('\n')).toContain('Index Scan using t_pkey on t');
    expect(plan.join('\n')).toContain('Left Join');
  });

  it('makes upserts by two sessions at once end in one row', async () => {
    const d = await Client.open(server);
    const upsert =
      'merge into t using (select 50 as id) x on t.id = x.id when matched then update set v = t.v + 1 when not matched then insert values (x.id, 1)';
    await Promise.all([c.all(upsert), d.all(upsert)]);
    expect(await c.rows('select v from t where id = 50')).toEqual([['2']]);
  });
});
