import { beforeEach, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

// The answers are PostgreSQL 15's, unless it says otherwise.
describe('a statement sees nothing of what it writes', () => {
  let c: Client;
  beforeEach(async () => {
    c = await Client.open(await startServer());
    await c.all('create table t (id int primary key, v int); insert into t values (1, 1), (2, 2), (3, 3)');
  });
  const all = () => c.rows('select * from t order by 1');

  it('in SET', async () => {
    await c.all('update t set v = (select max(x.v) from t x where x.id < t.id)');
    expect(await all()).toEqual([
      ['1', null],
      ['2', '1'],
      ['3', '2'],
    ]);
    await c.all('update t set v = case when id = 1 then 9 else (select count(*) from t where v is null) end');
    expect(await all()).toEqual([
      ['1', '9'],
      ['2', '1'],
      ['3', '1'],
    ]);
    await c.all(
      'with m as materialized (select max(v) as m from t) update t set v = case when id = 1 then 50 else (select m from m) end',
    );
    expect(await all()).toEqual([
      ['1', '50'],
      ['2', '9'],
      ['3', '9'],
    ]);
  });

  it('in RETURNING', async () => {
    expect(await c.rows('update t set v = v + 10 returning (select sum(x.v) from t x where x.id <= t.id)')).toEqual([
      ['1'],
      ['3'],
      ['6'],
    ]);
    expect(
      await c.rows(`insert into t select id + 10, (select count(*) from t y where y.id > x.id) from t x order by id
        returning id, v, (select count(*) from t z where z.id <> t.id)`),
    ).toEqual([
      ['11', '2', '3'],
      ['12', '1', '3'],
      ['13', '0', '3'],
    ]);
    expect(await c.rows('insert into t values (20, 1) returning (select count(*) from t)')).toEqual([['6']]);
    expect(
      await c.rows(
        'insert into t values (20, 1), (21, 1) on conflict do nothing returning id, (select count(*) from t)',
      ),
    ).toEqual([['21', '7']]);
    expect(await c.rows('delete from t where id < 4 returning (select count(*) from t x where x.id <> t.id)')).toEqual([
      ['7'],
      ['7'],
      ['7'],
    ]);
  });

  it('in many rows', async () => {
    await c.all('insert into t select g, 0 from generate_series(4, 800) g');
    const { rows, tag } = await c.query('insert into t select id + 10000, 1 from t returning (select count(*) from t)');
    expect([tag, new Set(rows.map((r) => r[0]))]).toEqual(['INSERT 0 800', new Set(['800'])]);
    await c.all('update t set v = (select count(*) from t x where x.v = 1 and x.id >= t.id * 0)');
    expect(await c.rows('select distinct v from t')).toEqual([['801']]);
  });

  it('in DO UPDATE', async () => {
    const upsert = (values: string): string =>
      `insert into t values ${values} on conflict (id) do update set v = (select count(*) from t x) returning v, (select sum(v) from t)`;
    expect(await c.rows(upsert('(1, 0)'))).toEqual([['3', '6']]);
    expect(await c.rows(upsert('(1, 0), (2, 0)'))).toEqual([
      ['3', '8'],
      ['3', '8'],
    ]);
    expect(
      (await c.query('insert into t values (1, 0), (2, 0) on conflict (id) do update set v = (select 7)')).tag,
    ).toBe('INSERT 0 2');
  });
});
