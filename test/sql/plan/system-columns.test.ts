import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, startServer } from '../support/server.js';

// The answers are PostgreSQL 15's, unless it says otherwise.
let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
  await c.all(`create table a (id int primary key, v int); create table b (v int);
    create view w as select * from a; insert into a values (1, 1), (2, 2); insert into b values (1)`);
});

describe('xmin', () => {
  const version = async (where: string): Promise<string> => (await c.rows(`select xmin from a where ${where}`))[0]![0]!;

  it('changes when a value of the row does, and not before', async () => {
    const before = await version('id = 1');
    expect(await version('v = 1')).toBe(before);
    expect(await c.rows('select pg_typeof(a.xmin), xmin::text::bigint > 2 from a where id = 1')).toEqual([
      ['xid', 't'],
    ]);
    await c.all('update a set v = 7 where id = 2');
    expect(await version('id = 1')).toBe(before);
    const [[returned]] = (await c.rows('update a set v = 5 where id = 1 returning xmin')) as [[string]];
    expect(returned).not.toBe(before);
    expect(await version('id = 1')).toBe(returned);
    expect((await c.rows('delete from a where id = 1 returning a.xmin'))[0]).toEqual([returned]);
    expect((await c.rows('insert into a values (1, 5) returning xmin'))[0]).toEqual([returned]);
    await c.all('begin; update a set v = 6 where id = 1');
    expect(await version('id = 1')).not.toBe(returned);
    await c.all('rollback');
    expect(await version('id = 1')).toBe(returned);
  });

  it('is what optimistic locking compares, at every isolation level', async () => {
    const other = await Client.open(server);
    for (const level of ['serializable', 'repeatable read', 'read committed']) {
      await c.all('update a set v = 1 where id = 1');
      const seen = await version('id = 1');
      await other.all(`update a set v = 50 where id = 1 and xmin = '${seen}'`);
      await c.all(`begin isolation level ${level}`);
      expect((await c.query(`update a set v = 60 where id = 1 and xmin = '${seen}' returning xmin`)).tag).toBe(
        'UPDATE 0',
      );
      const now = await version('id = 1');
      expect((await c.query(`update a set v = 61 where id = 1 and xmin = ${now}::text::xid`)).tag).toBe('UPDATE 1');
      await c.all('commit');
      expect(await c.rows('select v from a where id = 1')).toEqual([['61']]);
    }
  });

  it('tells NULL from the empty text, and one column from the next', async () => {
    await c.all(`create table t (a text, b text, c bytea, n numeric, f float8);
      insert into t values ('', null), (null, ''), ('ab', ''), ('a', 'b'), ('', 'ab');
      insert into t (n) values (1), (1.0), (1.00); insert into t (f) values (0), ('-0'), ('nan');
      insert into t (c) values (''), ('\\x00'), ('\\x0000')`);
    expect(await c.rows('select count(*), count(distinct xmin::text) from t')).toEqual([['14', '14']]);
  });

  it('has no collision among rows that are alike', async () => {
    await c.all(
      "insert into a select g, g % 10 from generate_series(10, 20000) g; create table s (t text primary key); insert into s select 'key' || g from generate_series(1, 20000) g",
    );
    expect(Number((await c.rows('select count(*) - count(distinct xmin::text) from a'))[0]![0])).toBeLessThan(3);
    expect(Number((await c.rows('select count(*) - count(distinct xmin::text) from s'))[0]![0])).toBeLessThan(3);
  });

  it('is NULL where an outer join made the row up, and can be grouped by', async () => {
    expect(await c.rows('select b.xmin is null, a.xmin is null from a left join b using (v) order by a.id')).toEqual([
      ['f', 'f'],
      ['t', 'f'],
    ]);
    expect(await c.rows('select count(*) from (select xmin, count(*) from a group by xmin) x')).toEqual([['2']]);
    expect(await c.rows('select xmin = (select xmin from a x where x.id = a.id) from a where id = 1')).toEqual([['t']]);
    expect(await c.rows('select count(xmin) = count(*) from pg_class')).toEqual([['t']]);
  });
});

describe('tableoid', () => {
  it('is the oid of the table that a row came from', async () => {
    expect((await c.query('select * from a')).columns).toEqual(['id', 'v']);
    const shown = await c.query('select tableoid, tableoid::regclass, pg_typeof(tableoid) from b');
    expect(shown.columns).toEqual(['tableoid', 'tableoid', 'pg_typeof']);
    expect(shown.rows).toEqual([[(await c.rows("select 'b'::regclass::oid"))[0]![0], 'b', 'oid']]);
    expect(
      await c.rows(
        'select tableoid::regclass::text, id from a union all select tableoid::regclass::text, v from b order by 1, 2',
      ),
    ).toEqual([
      ['a', '1'],
      ['a', '2'],
      ['b', '1'],
    ]);
    expect(await c.rows("select count(*) from a where tableoid = 'a'::regclass")).toEqual([['2']]);
    expect(await c.rows("select count(*) from a x where x.tableoid = 'b'::regclass")).toEqual([['0']]);
  });

  it('is NULL where an outer join made the row up', async () => {
    expect(
      await c.rows(
        'select b.tableoid::regclass, a.tableoid::regclass, a.id from a left join b using (v) order by a.id',
      ),
    ).toEqual([
      ['b', 'a', '1'],
      [null, 'a', '2'],
    ]);
  });

  it('can be grouped by, joined on, taken from an outer query and returned', async () => {
    expect(await c.rows('select tableoid::regclass, count(*) from a group by tableoid')).toEqual([['a', '2']]);
    expect(await c.rows('select max(tableoid) > 0, count(tableoid) from a')).toEqual([['t', '2']]);
    expect(
      await c.rows('select a.tableoid::regclass from a join b on a.tableoid <> b.tableoid where a.id = 1'),
    ).toEqual([['a']]);
    expect(
      await c.rows('select (select a.tableoid)::regclass, (select tableoid from b)::regclass from a where id = 1'),
    ).toEqual([['a', 'b']]);
    expect(await c.rows('insert into a values (3, 3) returning tableoid::regclass, id')).toEqual([['a', '3']]);
    expect(await c.rows('update a set v = 4 where id = 3 returning a.tableoid::regclass')).toEqual([['a']]);
    expect(await c.rows('delete from a where id = 3 returning tableoid::regclass')).toEqual([['a']]);
    expect(await c.rows('select distinct tableoid::regclass from pg_class c')).toEqual([['pg_class']]);
    expect(
      await c.rows("select c.tableoid::regclass, c.oid = 'a'::regclass from pg_class c where relname = 'a'"),
    ).toEqual([['pg_class', 't']]);
  });

  it.each([
    ['select tableoid from a, b', '42702 column reference "tableoid" is ambiguous'],
    ['select tableoid from w', '42703 column "tableoid" does not exist'],
    ['select w.tableoid from w', '42703 column w.tableoid does not exist'],
    ['select x.tableoid from (select * from a) x', '42703 column x.tableoid does not exist'],
    ['with q as (select * from a) select tableoid from q', '42703 column "tableoid" does not exist'],
    ['select tableoid from generate_series(1, 2) g', '42703 column "tableoid" does not exist'],
    ['select tableoid', '42703 column "tableoid" does not exist'],
    ['update a set tableoid = 1', '0A000 cannot assign to system column "tableoid"'],
    ['insert into a (tableoid) values (1)', '42703 column "tableoid" of relation "a" does not exist'],
    ['create table x (tableoid int)', '42701 column name "tableoid" conflicts with a system column name'],
    // PostgreSQL has these.
    ['create view y as select tableoid from a', '0A000 system columns in views are not supported'],
    ['select ctid from a', '0A000 system column "ctid" is not supported'],
    ['select a.cmax from a', '0A000 system column "cmax" is not supported'],
    ['select xmin from a, b', '42702 column reference "xmin" is ambiguous'],
    ['select xmin from w', '42703 column "xmin" does not exist'],
    ['update a set xmin = 1', '0A000 cannot assign to system column "xmin"'],
    ['select xmin < 5 from a', '42883 operator does not exist: xid < integer'],
    ['select xmin(1)', '42883 function xmin(integer) does not exist'],
    [
      'create table x (id int, check (xmin is null))',
      '42P10 system column "xmin" reference in check constraint is invalid',
    ],
    ['create index on a ((xmin is null))', '0A000 index creation on system columns is not supported'],
    ["delete from a where ctid = '(0,1)'", '0A000 system column "ctid" is not supported'],
  ])('refuses %s', async (text, error) => {
    expect(await c.error(text)).toBe(error);
  });
});
