/** What scripts against PostgreSQL cannot show of deferrable keys: many rows, COPY, row limits, two sessions, plans. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, CollectingSink, startServer } from '../support/server.js';

let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
});

describe('many rows in one statement', () => {
  const MANY = 1_200;

  it('move past each other, and two of them may not meet', async () => {
    await c.all('create table t (id int primary key deferrable, v int)');
    await c.all(`insert into t select g, g from generate_series(1, ${MANY}) g`);
    await c.all('update t set id = id + 1');
    expect(await c.rows('select min(id), max(id), count(distinct id) from t')).toEqual([
      ['2', String(MANY + 1), String(MANY)],
    ]);
    expect(await c.error(`update t set id = id + case when id = 2 then ${MANY - 1} else 0 end`)).toBe(
      `23505 duplicate key value violates unique constraint "t_pkey" | Key (id)=(${MANY + 1}) already exists.`,
    );
    await c.all(`update t set id = ${MANY + 3} - id`);
    expect(await c.rows('select id from t where v = 1')).toEqual([[String(MANY + 1)]]);
  });

  it('COPY into a table made in the same transaction, and into another', async () => {
    const lines = Array.from({ length: 3_000 }, (_, i) => `${i}\t${i % 2_999}\n`);
    await c.all('begin; create table t (id int primary key deferrable, u int unique deferrable initially deferred)');
    await c.all('copy t from stdin', lines);
    expect(await c.rows('select id from t where u = 0 order by id')).toEqual([['0'], ['2999']]);
    await c.all('update t set u = 5000 where id = 0; commit');
    await expect(c.all('copy t from stdin', ['1\t9000\n'])).rejects.toMatchObject({ sqlstate: '23505' });
    await expect(c.all('copy t from stdin', ['9000\t1\n'])).rejects.toMatchObject({ sqlstate: '23505' });
    expect(await c.rows('select count(*) from t')).toEqual([['3000']]);
  });
});

describe('a statement that stops at its row limit', () => {
  it('has what it wrote checked before anything else runs', async () => {
    await c.all('create table t (id int primary key deferrable)');
    const { session } = c;
    await c.all('begin');
    await session.parse('s', 'insert into t values (1), (2), (1) returning id', []);
    void session.bind('', 's', []);
    await expect(session.execute('', 1, new CollectingSink(session))).rejects.toMatchObject({ sqlstate: '23505' });
    await session.fail();
    await session.sync();
    await c.all('rollback');
    expect(await c.rows('select count(*) from t')).toEqual([['0']]);
  });
});

describe('two sessions', () => {
  it.each(['initially immediate', 'initially deferred'])(
    'write one key %s: the second waits and fails',
    async (when) => {
      await c.all(`create table t (id int primary key deferrable ${when}, v text)`);
      const d = await Client.open(server);
      for (const level of ['serializable', 'repeatable read', 'read committed']) {
        await c.all(`begin isolation level ${level}; insert into t values (1, 'c')`);
        await d.all(`begin isolation level ${level}; select count(*) from t where id = 7`);
        const ending = d.all("insert into t values (1, 'd'); commit").then(
          () => 'committed',
          (error: { sqlstate?: string }) => error.sqlstate,
        );
        await c.all('commit');
        expect(await ending).toBe('23505');
        await d.all('rollback');
        expect(await c.rows('select v from t')).toEqual([['c']]);
        await c.all('delete from t');
      }
    },
  );

  it('the second gets the key when the first gives it up', async () => {
    await c.all('create table t (id int unique deferrable, v text)');
    const d = await Client.open(server);
    await c.all("begin; insert into t values (1, 'c')");
    const other = d.all("insert into t values (1, 'd')");
    await c.all('rollback');
    await other;
    expect(await c.rows('select v from t')).toEqual([['d']]);
  });
});

describe('plans', () => {
  it('do not take a key for one row', async () => {
    await c.all('create table t (id int primary key deferrable, v text)');
    await c.all("begin; set constraints all deferred; insert into t values (1, 'a'), (1, 'b')");
    expect(await c.rows('select v from t where id = 1 order by v')).toEqual([['a'], ['b']]);
    expect(await c.rows('select v from t where id in (1, 2) order by v limit 1')).toEqual([['a']]);
    expect(await c.rows('select count(*) from t x join t y using (id)')).toEqual([['4']]);
    expect(await c.rows('select id, v from t order by id, v desc')).toEqual([
      ['1', 'b'],
      ['1', 'a'],
    ]);
    await c.all("update t set id = 2 where v = 'b'; commit");
    expect(await c.rows('select v from t where id = 2')).toEqual([['b']]);
  });
});
