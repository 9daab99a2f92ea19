/** Rows of one statement take each other's unique keys in any order, which PostgreSQL allows for some orders only. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

let c: Client;
beforeEach(async () => {
  c = await Client.open(await startServer());
  await c.all('create table t (id int primary key, u int unique, tags text[], v int default 0)');
  await c.all('create index on t using gin (tags); create unique index on t (u) where v = 0');
  await c.all(`insert into t select g, g, array['x' || g] from generate_series(1, 5) g`);
});

const all = 'select id, u, tags from t order by id';

describe('unique keys of changed rows', () => {
  it('move on, and change places', async () => {
    await c.all('update t set id = id + 1, u = u + 1');
    await c.all('update t set u = 8 - u where id < 7');
    await c.all('update t set id = 8 - id, v = 1 returning id');
    expect(await c.rows(all)).toEqual([
      ['2', '2', '{x5}'],
      ['3', '3', '{x4}'],
      ['4', '4', '{x3}'],
      ['5', '5', '{x2}'],
      ['6', '6', '{x1}'],
    ]);
    expect(await c.rows(`select id from t where tags @> '{x5}'`)).toEqual([['2']]);
    expect(await c.rows('select id from t where u = 6')).toEqual([['6']]);
    await c.all('merge into t using (values (2, 3), (3, 2)) as s (a, b) on id = a when matched then update set id = b');
    expect(await c.rows('select id, u from t where id < 4 order by id')).toEqual([
      ['2', '3'],
      ['3', '2'],
    ]);
  });

  it('may not meet, neither among the rows that wait nor with another', async () => {
    const before = await c.rows(all);
    const twice = '23505 duplicate key value violates unique constraint "t_pkey"';
    expect(await c.error('update t set id = 6 - (id + 1) / 2')).toContain(twice);
    expect(await c.error('update t set id = id % 4 + 1 where id < 5 or id = 5')).toContain(twice);
    expect(await c.error('update t set id = id + 1 where id < 5')).toContain(`${twice} | Key (id)=(5) already exists.`);
    expect(await c.rows(all)).toEqual(before);
  });

  it('are followed by the rows that refer to them', async () => {
    await c.all('create table child (id int primary key, p int references t on update cascade)');
    await c.all('insert into child values (1, 1), (2, 5)');
    await c.all('update t set id = 6 - id');
    expect(await c.rows('select * from child order by id')).toEqual([
      ['1', '5'],
      ['2', '1'],
    ]);
    expect(await c.error('update child set p = 9')).toContain('23503');
  });
});
