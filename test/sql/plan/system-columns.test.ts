import { beforeEach, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

// The answers are PostgreSQL 15's, unless it says otherwise.
let c: Client;
beforeEach(async () => {
  c = await Client.open(await startServer());
  await c.all(`create table a (id int primary key, v int); create table b (v int);
    create view w as select * from a; insert into a values (1, 1), (2, 2); insert into b values (1)`);
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
    ['select a.xmin from a', '0A000 system column "xmin" is not supported'],
    ["delete from a where ctid = '(0,1)'", '0A000 system column "ctid" is not supported'],
  ])('refuses %s', async (text, error) => {
    expect(await c.error(text)).toBe(error);
  });
});
