/** What scripts against PostgreSQL cannot show of foreign keys: many rows, COPY into fresh storage, row limits. */
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
  const MANY = 12_000;

  it('may refer to rows that come later in it', async () => {
    await c.all('create table t (id int primary key, up int references t)');
    await c.all(`insert into t select i, case when i < ${MANY} then i + 1 end from generate_series(1, ${MANY}) as i`);
    expect(await c.rows('select count(*), count(up) from t')).toEqual([[String(MANY), String(MANY - 1)]]);
    expect(await c.error(`insert into t select i, i + 1 from generate_series(20001, ${20_000 + MANY}) as i`)).toBe(
      `23503 insert or update on table "t" violates foreign key constraint "t_up_fkey" | Key (up)=(${20_001 + MANY}) is not present in table "t".`,
    );
    await c.all(`update t set up = null; delete from t where id % 2 = 0`);
    expect(await c.rows('select count(*) from t')).toEqual([[String(MANY / 2)]]);
  });

  it('cascade, with an index and without', async () => {
    for (const index of ['', 'create index on k (pid)']) {
      await c.all(`create table p (id int primary key); create table k (id int primary key, pid int references p on delete cascade); ${index};
        insert into p select generate_series(1, 3000); insert into k select i, 1 + i % 3000 from generate_series(1, 6000) as i`);
      await c.all('delete from p where id <= 2000');
      expect(await c.rows('select count(*), min(pid) from k')).toEqual([['2000', '2001']]);
      await c.all('drop table k, p');
    }
  });

  it('COPY into a table made in the same transaction refers to its own later rows, and to others', async () => {
    await c.all('create table p (id int primary key); insert into p values (1)');
    const lines = Array.from({ length: 3_000 }, (_, i) => `${i}\t${i < 2_999 ? i + 1 : '\\N'}\t1\n`);
    await c.all('begin; create table t (id int primary key, up int references t, pid int references p)');
    await c.all('copy t from stdin', lines);
    await c.all('commit');
    expect(await c.rows('select count(*) from t')).toEqual([['3000']]);
    await c.all('begin; create table u (id int primary key, pid int references p)');
    const copied = c.all('copy u from stdin', ['1\t1\n2\t7\n']);
    await expect(copied).rejects.toMatchObject({ sqlstate: '23503' });
    await c.all('rollback');
  });
});

describe('a statement that stops at its row limit', () => {
  it('has what it wrote checked before anything else runs', async () => {
    await c.all('create table p (id int primary key); create table k (id int primary key, pid int references p)');
    const { session } = c;
    await c.all('begin');
    await session.parse('s', 'insert into k values (1, 1), (2, 2) returning id', []);
    void session.bind('', 's', []);
    const sink = new CollectingSink(session);
    await expect(session.execute('', 1, sink)).rejects.toMatchObject({ sqlstate: '23503' });
    await session.fail();
    await session.sync();
    await c.all('rollback');
    expect(await c.rows('select count(*) from k')).toEqual([['0']]);
  });

  it('a failed statement leaves nothing to be checked by the next', async () => {
    await c.all('create table p (id int primary key); create table k (id int primary key, pid int references p)');
    await c.all('begin; savepoint a');
    expect(await c.error('insert into k values (1, 9), (1, 9)')).toContain('23505');
    await c.all('rollback to a; insert into p values (1); insert into k values (1, 1); commit');
    expect(await c.rows('select pid from k')).toEqual([['1']]);
  });
});
