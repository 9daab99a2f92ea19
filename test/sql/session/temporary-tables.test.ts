import { beforeEach, describe, expect, it } from 'vitest';
import { encodeUint, SYSTEM_PREFIX } from '../../../src/encoding/keyspace.js';
import { prefixEnd } from '../../../src/base/key.js';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { MemoryDb } from '../support/memory-kv.js';
import { Client, startServer } from '../support/server.js';

let db: MemoryDb;
let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  db = new MemoryDb();
  server = await startServer(db);
  c = await Client.open(server);
});

const LEFT = "select count(*) from pg_class where relpersistence = 't'";

async function ownerRows(of: ManagedSqlServer): Promise<number> {
  const start = `${SYSTEM_PREFIX}temp/${encodeUint(of.catalog.self)}`;
  const rows = await of.catalog.db.run({ isolation: 'serializable', name: 'test' }, (txn) =>
    txn.scan({ start, end: prefixEnd(start) }),
  );
  return rows.keys.length;
}

describe('a temporary table', () => {
  it('is its session’s own: others have one of the same name, and see neither it nor its rows', async () => {
    const other = await Client.open(server);
    await c.all("create temp table x (a int primary key, b text unique); insert into x values (1, 'mine')");
    expect(await other.error('select * from x')).toBe('42P01 relation "x" does not exist');
    await other.all('create temp table x (a serial, only_here int); insert into x (only_here) values (7), (8)');
    expect(await c.rows('select * from x')).toEqual([['1', 'mine']]);
    expect(await other.rows('select * from x order by a')).toEqual([
      ['1', '7'],
      ['2', '8'],
    ]);
    const [[schema]] = (await other.rows('select nspname from pg_namespace where oid = pg_my_temp_schema()')) as [
      [string],
    ];
    expect(await c.error(`select * from ${schema}.x`)).toContain('42P01');
    expect(await c.error(`drop table ${schema}.x`)).toMatch(/does not exist/);
    expect(await c.error(`create table ${schema}.y (a int)`)).toContain('3F000');
    expect(await c.rows("select count(*) from information_schema.tables where table_name = 'x'")).toEqual([['1']]);
    expect(await c.rows("select count(*) from pg_class where relname = 'x'")).toEqual([['2']]);
    expect(await c.rows("select relname from pg_class where oid = 'x'::regclass")).toEqual([['x']]);
  });

  it('hides a permanent one in plans that the node had before, and in no other session’s', async () => {
    const other = await Client.open(server);
    await c.all("create table p (v text); insert into p values ('permanent')");
    const text = 'select v from p';
    expect(await other.rows(text)).toEqual([['permanent']]);
    expect(await c.rows(text)).toEqual([['permanent']]);
    await c.all("create temp table p (v text); insert into p values ('temporary')");
    expect(await c.rows(text)).toEqual([['temporary']]);
    expect(await other.rows(text)).toEqual([['permanent']]);
    await c.all('drop table p');
    expect(await c.rows(text)).toEqual([['permanent']]);
  });

  it('goes when the session ends, with all that is in its schema, and its place is free', async () => {
    const other = await Client.open(server);
    await other.all(`create table kept (a int primary key);
      create temp table x (a serial primary key, b int); create index on x (b);
      create temp table y (a int references x); create temp sequence s; create temp view v as select a from kept;
      create temp table z on commit delete rows as select 1 as one`);
    expect(await c.rows(LEFT)).not.toEqual([['0']]);
    await other.session.close();
    expect(await c.rows(LEFT)).toEqual([['0']]);
    expect(await ownerRows(server)).toBe(0);
    // Nothing depends on it any more.
    await c.all('drop table kept');
  });

  it('that was never committed leaves nothing either', async () => {
    const other = await Client.open(server);
    await other.all('begin; create temp table x (a int); insert into x values (1)');
    await other.session.close();
    expect(await c.rows(LEFT)).toEqual([['0']]);
    expect(await ownerRows(server)).toBe(0);
    await c.all('begin; create temp table x (a int); rollback; create temp table x (b int)');
    expect(await ownerRows(server)).toBe(1);
  });

  it('of a process that died goes when the node starts again', async () => {
    await c.all('create temp table x (a serial primary key); create temp view v as select * from x');
    const next = await startServer(db);
    const d = await Client.open(next);
    expect(await d.rows(LEFT)).toEqual([['0']]);
    expect(await ownerRows(next)).toBe(0);
    await d.all('create temp table x (a int)');
    expect(await d.rows('select count(*) from x')).toEqual([['0']]);
  });

  it('may be made only in the temporary schema', async () => {
    expect(await c.error('create temp table public.x (a int)')).toContain(
      '42P16 cannot create temporary relation in non-temporary schema',
    );
    expect(await c.error('create temp table nowhere.x (a int)')).toContain('3F000');
    expect(await c.error('create unlogged table pg_temp.x (a int)')).toContain(
      '42P16 only temporary relations may be created in temporary schemas',
    );
    await c.all('create temp table t (a int)');
    expect(await c.error('create view public.v as select * from t')).toContain('42P16');
  });

  it('waits for no other session’s schema changes', async () => {
    const other = await Client.open(server);
    await other.all('begin; create table held (a int); create temp table mine (a int)');
    await c.all('create temp table mine (a int); alter table mine add column b int; truncate mine; drop table mine');
    await other.all('commit');
    expect(await other.rows('select count(*) from mine')).toEqual([['0']]);
  });
});

describe('ON COMMIT', () => {
  it('DELETE ROWS empties what the transaction wrote, by whatever means', async () => {
    await c.all(`create temp table p (a int primary key) on commit delete rows;
      create table src (a int); insert into src values (1), (2)`);
    await c.all('begin; insert into p select * from src; update p set a = a + 10; commit');
    expect(await c.rows('select count(*) from p')).toEqual([['0']]);
    await c.all('with w as (insert into p values (5) returning *) select * from w');
    expect(await c.rows('select count(*) from p')).toEqual([['0']]);
    await c.all('prepare q as insert into p values ($1)');
    await c.all('begin; execute q(1); savepoint a; execute q(2); rollback to a');
    expect(await c.rows('select a from p')).toEqual([['1']]);
    await c.all('commit');
    expect(await c.rows('select count(*) from p')).toEqual([['0']]);
    await c.all('begin');
    await c.all('insert into p values (1); declare k cursor with hold for select a from p; commit');
    expect(await c.rows('fetch all from k')).toEqual([['1']]);
  });

  it('DROP takes the table’s sequences and views along, and frees the names', async () => {
    for (let i = 0; i < 3; i++) {
      await c.all('begin; create temp table d (a serial) on commit drop; create temp view dv as select * from d');
      await c.all('insert into d default values');
      expect(await c.rows('select * from dv')).toEqual([['1']]);
      await c.all('commit');
      expect(await c.rows(LEFT)).toEqual([['0']]);
    }
    await c.all('begin; create temp table d (a int) on commit drop; drop table d; create temp table d (b int); commit');
    expect(await c.rows('select count(*) from d')).toEqual([['0']]);
  });
});
