import { beforeEach, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';

let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
});

describe('CREATE and DROP TABLE', () => {
  it("gives PostgreSQL's notices and errors", async () => {
    await c.all('create table t (a int)');
    expect(await c.error('create table t (a int)')).toBe('42P07 relation "t" already exists');
    await c.all('create table if not exists t (a int)');
    expect(c.notices).toEqual(['NOTICE: relation "t" already exists, skipping']);
    expect(await c.error('create table u (a int, a text)')).toBe('42701 column "a" specified more than once');
    expect(await c.error('create table u (a nosuch)')).toBe('42704 type "nosuch" does not exist');
    expect(await c.error('create table u (a int primary key, b int primary key)')).toBe(
      '42P16 multiple primary keys for table "u" are not allowed',
    );
    expect(await c.error('create table u (a int, primary key (b))')).toBe(
      '42703 column "b" named in key does not exist',
    );
    expect(await c.error('create table nosuch.u (a int)')).toBe('3F000 schema "nosuch" does not exist');
    expect(await c.error('create table u (a int) partition by range (a)')).toContain('0A000');
    expect(await c.error('drop table u')).toBe('42P01 table "u" does not exist');
    expect((await c.query('drop table if exists t, u')).tag).toBe('DROP TABLE');
    expect(c.notices).toEqual(['NOTICE: table "u" does not exist, skipping']);
    expect(await c.error('select * from t')).toBe('42P01 relation "t" does not exist');
  });

  it('names constraints, indexes and sequences as PostgreSQL does', async () => {
    await c.all(
      'create table t (id serial primary key, a int unique, b int check (b > 0), check (a < b), unique (a, b))',
    );
    expect(await c.rows("select relname, relkind from pg_class where relname like 't\\_%' order by 1")).toEqual([
      ['t_a_b_key', 'i'],
      ['t_a_key', 'i'],
      ['t_id_seq', 'S'],
      ['t_pkey', 'i'],
    ]);
    expect(await c.rows('select conname from pg_constraint where oid >= 16384 order by 1')).toEqual([
      ['t_a_b_key'],
      ['t_a_key'],
      ['t_b_check'],
      ['t_check'],
      ['t_pkey'],
    ]);
    expect(await c.error('insert into t (a, b) values (1, -1)')).toContain(
      '23514 new row for relation "t" violates check constraint "t_',
    );
    expect((await c.query('insert into t (a, b) values (1, 2), (3, 4)')).tag).toBe('INSERT 0 2');
    expect(await c.rows('select id from t order by id')).toEqual([['2'], ['3']]);
    expect(await c.error('insert into t (a, b) values (1, 9)')).toContain('Key (a)=(1) already exists.');
  });

  it('undoes everything on rollback', async () => {
    await c.all('begin; create table t (a int); insert into t values (1)');
    expect(await c.rows('select * from t')).toEqual([['1']]);
    const other = await Client.open(server);
    expect(await other.error('select * from t')).toBe('42P01 relation "t" does not exist');
    await c.all('rollback');
    expect(await c.error('select * from t')).toBe('42P01 relation "t" does not exist');
    await c.all('create table t (b int)');
    expect(await c.rows('select * from t')).toEqual([]);
  });

  it('creates a table from a query', async () => {
    await c.all('create table a (x int primary key, y text); insert into a values (1, $$p$$), (2, $$q$$)');
    expect((await c.query('create table b as select x * 10 as x10, y from a')).tag).toBe('SELECT 2');
    expect(await c.rows('select * from b order by 1')).toEqual([
      ['10', 'p'],
      ['20', 'q'],
    ]);
    await c.all('select x into d from a');
    expect(await c.rows('select count(*) from d')).toEqual([['2']]);
    await c.all('create table e (like a including all)');
    expect(await c.rows("select column_name from information_schema.columns where table_name = 'e'")).toEqual([
      ['x'],
      ['y'],
    ]);
  });
});

describe('ALTER TABLE', () => {
  it('adds a primary key to a filled table, as pgbench does', async () => {
    await c.all(
      'create table accounts (aid int not null, bid int, abalance int, filler char(4)) with (fillfactor=100)',
    );
    await c.all('insert into accounts select i, 1, 0, $$$$ from generate_series(1, 3000) as g(i)');
    expect((await c.query('alter table accounts add primary key (aid)')).tag).toBe('ALTER TABLE');
    expect(await c.rows('select count(*), min(aid), max(aid) from accounts')).toEqual([['3000', '1', '3000']]);
    expect(await c.rows('select abalance from accounts where aid = 2999')).toEqual([['0']]);
    expect(await c.error('insert into accounts values (5)')).toContain('23505');
    expect(await c.error('alter table accounts add primary key (bid)')).toBe(
      '42P16 multiple primary keys for table "accounts" are not allowed',
    );
  });

  it('refuses duplicates and NULLs in a new key', async () => {
    await c.all('create table t (a int, b int); insert into t values (2, 1), (1, 1), (3, null), (2, 5)');
    expect(await c.error('alter table t add primary key (a)')).toBe(
      '23505 could not create unique index "t_pkey" | Key (a)=(2) is duplicated.',
    );
    expect(await c.error('create unique index on t (b)')).toBe(
      '23505 could not create unique index "t_b_idx" | Key (b)=(1) is duplicated.',
    );
    expect(await c.error('alter table t add primary key (b)')).toBe(
      '23502 column "b" of relation "t" contains null values',
    );
    expect(await c.rows('select count(*) from t')).toEqual([['4']]);
    await c.all('delete from t where a = 2; alter table t add primary key (a)');
    expect(await c.rows('select a from t order by a')).toEqual([['1'], ['3']]);
  });

  it('adds, changes and drops columns', async () => {
    await c.all('create table t (a int primary key); insert into t values (1), (2)');
    await c.all("alter table t add column b text default 'old', add column c int");
    expect(await c.rows('select * from t order by a')).toEqual([
      ['1', 'old', null],
      ['2', 'old', null],
    ]);
    expect(await c.error('alter table t add column d int not null')).toBe(
      '23502 column "d" of relation "t" contains null values',
    );
    expect(await c.error('alter table t add column b int')).toBe('42701 column "b" of relation "t" already exists');
    await c.all("alter table t alter b set default 'new'; insert into t (a) values (3)");
    expect(await c.rows('select b from t order by a')).toEqual([['old'], ['old'], ['new']]);
    await c.all('alter table t drop column b');
    expect(await c.rows('select * from t where a = 3')).toEqual([['3', null]]);
    expect(await c.error('select b from t')).toContain('42703');
    expect(await c.error('alter table t alter c set not null')).toBe(
      '23502 column "c" of relation "t" contains null values',
    );
    await c.all('update t set c = a * 100; alter table t alter c set not null');
    await c.all('alter table t alter c type text');
    expect(await c.rows("select a, c || '!' from t order by a")).toEqual([
      ['1', '100!'],
      ['2', '200!'],
      ['3', '300!'],
    ]);
    await c.all('alter table t alter c type int using c::int + 1');
    expect(await c.rows('select sum(c) from t')).toEqual([['603']]);
    await c.all('alter table t add column s serial');
    expect(await c.rows('select s from t order by a')).toEqual([['1'], ['2'], ['3']]);
    await c.all('alter sequence t_s_seq rename to other_seq; insert into t (a, c) values (4, 4)');
    expect(await c.rows('select s from t where a = 4')).toEqual([['4']]);
    await c.all('delete from t where a = 4; alter table t rename column s to ss; alter table t rename to tt');
    expect(await c.rows('select ss from tt where a = 3')).toEqual([['3']]);
  });

  it('keeps indexes in step with rewrites and drops', async () => {
    await c.all(
      'create table t (a int, b int); create index on t (b); insert into t select i, i % 7 from generate_series(1, 50) as g(i)',
    );
    await c.all('alter table t add primary key (a)');
    expect(await c.rows('select a from t where b = 3 order by a limit 3')).toEqual([['3'], ['10'], ['17']]);
    await c.all('alter table t drop constraint t_pkey');
    expect(await c.rows('select a from t where b = 3 order by a desc limit 1')).toEqual([['45']]);
    await c.all('insert into t values (3, 3)');
    expect(await c.rows('select count(*) from t where b = 3')).toEqual([['8']]);
    await c.all('drop index t_b_idx');
    expect(await c.rows('select count(*) from t where b = 3')).toEqual([['8']]);
    expect(await c.error('drop index t_b_idx')).toBe('42704 index "t_b_idx" does not exist');
  });

  it('adds constraints', async () => {
    await c.all('create table t (a int primary key, b int); insert into t values (1, 5), (2, -5)');
    expect(await c.error('alter table t add constraint pos check (b > 0)')).toBe(
      '23514 check constraint "pos" of relation "t" is violated by some row',
    );
    await c.all('delete from t where a = 2; alter table t add constraint pos check (b > 0), add unique (b)');
    expect(await c.error('insert into t values (3, 0)')).toContain('"pos"');
    expect(await c.error('insert into t values (3, 5)')).toContain('"t_b_key"');
    expect(await c.error('drop index t_b_key')).toContain('2BP01');
    await c.all('alter table t drop constraint pos, drop constraint t_b_key; insert into t values (3, 5), (4, 0)');
    expect(await c.error('alter table t add foreign key (b) references t')).toContain('23503');
  });
});

describe('operator classes', () => {
  it('of char are not for text, whose keys differ where those of char do not', async () => {
    await c.all('create table texts (a text)');
    for (const name of ['bpchar_ops', 'bpchar_pattern_ops'])
      expect(await c.error(`create unique index on texts (a ${name})`)).toBe(
        `0A000 operator class "${name}" over text is not supported`,
      );
    await c.all('drop table texts');
  });
});

describe('TRUNCATE, sequences, schemas, databases', () => {
  it('truncates several tables and restarts identities', async () => {
    await c.all(
      'create table a (id serial primary key, x int); create table b (y int); insert into a (x) values (1), (2); insert into b values (1)',
    );
    expect((await c.query('truncate a, b')).tag).toBe('TRUNCATE TABLE');
    expect(await c.rows('select count(*) from a')).toEqual([['0']]);
    await c.all('insert into a (x) values (3)');
    expect(await c.rows('select id from a')).toEqual([['3']]);
    await c.all('truncate a restart identity; insert into a (x) values (4)');
    expect(await c.rows('select id from a')).toEqual([['1']]);
    await c.all('begin; truncate a');
    expect(await c.rows('select count(*) from a')).toEqual([['0']]);
    await c.all('rollback');
    expect(await c.rows('select count(*) from a')).toEqual([['1']]);
  });

  it('counts with sequences', async () => {
    await c.all('create sequence s start 5 increment 5 maxvalue 12');
    expect(await c.rows("select nextval('s')")).toEqual([['5']]);
    expect(await c.rows("select currval('s'), lastval()")).toEqual([['5', '5']]);
    expect(await c.rows("select nextval('s')")).toEqual([['10']]);
    expect(await c.error("select nextval('s')")).toBe('2200H nextval: reached maximum value of sequence "s" (12)');
    expect(await c.rows("select setval('s', 5)")).toEqual([['5']]);
    expect(await c.rows("select nextval('s')")).toEqual([['10']]);
    expect(await c.rows("select setval('s', 6, false), nextval('s')")).toEqual([['6', '6']]);
    await c.all('create sequence cyc minvalue 1 maxvalue 3 cycle');
    const seen: (string | null)[] = [];
    for (let i = 0; i < 7; i++) seen.push((await c.rows("select nextval('cyc')"))[0]![0]!);
    expect(seen).toEqual(['1', '2', '3', '1', '2', '3', '1']);
    await c.all('create table t (id int generated always as identity, v int); insert into t (v) values (1), (2)');
    expect(await c.rows('select id from t order by v')).toEqual([['1'], ['2']]);
    expect(await c.error('insert into t values (9, 9)')).toContain('428C9');
    await c.all('drop sequence s');
    expect(await c.error("select nextval('s')")).toBe('42P01 relation "s" does not exist');
    expect(await c.error('create sequence bad minvalue 5 maxvalue 1')).toContain('22023');
  });

  it('has schemas', async () => {
    await c.all('create schema app; create table app.t (a int); insert into app.t values (7); create table t (b int)');
    expect(await c.rows('select a from app.t')).toEqual([['7']]);
    await c.all('set search_path = app, public');
    expect(await c.rows('select * from t')).toEqual([['7']]);
    expect(await c.error('drop schema app')).toContain('2BP01');
    expect(await c.error('create schema app')).toBe('42P06 schema "app" already exists');
    await c.all('drop schema app cascade');
    expect(c.notices).toEqual(['NOTICE: drop cascades to table t']);
    expect(await c.rows('select * from t')).toEqual([]);
    expect(await c.error('select * from app.t')).toContain('42P01');
    await c.all('drop schema if exists app');
    expect(c.notices).toEqual(['NOTICE: schema "app" does not exist, skipping']);
  });

  it('has databases that do not see each other', async () => {
    await c.all('create database shop');
    expect(await c.error('create database shop')).toBe('42P04 database "shop" already exists');
    await c.all('create table only_here (a int)');
    const other = await Client.open(server, {}, 'shop');
    expect(await other.error('select * from only_here')).toContain('42P01');
    await other.all('create table only_here (b int)');
    expect(await other.error('drop database shop')).toContain('55006');
    await c.all('drop database shop');
    await expect(Client.open(server, {}, 'shop')).rejects.toThrow('database "shop" does not exist');
    expect(await c.error('begin; create database x')).toContain('25001');
  });

  it('splits tables and shows their ranges', async () => {
    await c.all('create table t (a int primary key); insert into t select i from generate_series(1, 10) as g(i)');
    await c.all('alter table t split at values (4), (8)');
    const { columns, rows } = await c.query('show ranges from table t');
    expect(columns).toEqual(['start_key', 'end_key', 'range_id', 'replicas', 'lease_holder', 'range_size']);
    expect(rows.map((r) => r.slice(0, 2))).toEqual([
      [null, '/4'],
      ['/4', '/8'],
      ['/8', null],
    ]);
  });

  it('accepts the maintenance commands', async () => {
    await c.all('create table t (a int)');
    for (const [sql, tag] of [
      ['vacuum t', 'VACUUM'],
      ['vacuum analyze', 'VACUUM'],
      ['analyze t', 'ANALYZE'],
      ['checkpoint', 'CHECKPOINT'],
      ['reindex table t', 'REINDEX'],
      ['grant select on t to postgres', 'GRANT'],
      ['revoke all on t from postgres', 'REVOKE'],
      ["comment on table t is 'hello'", 'COMMENT'],
      ["comment on column t.a is 'col'", 'COMMENT'],
      ['create extension if not exists "uuid-ossp"', 'CREATE EXTENSION'],
      ['alter table t owner to postgres', 'ALTER TABLE'],
      ['alter table t set (fillfactor = 70)', 'ALTER TABLE'],
    ]) {
      expect((await c.query(sql!)).tag).toBe(tag);
    }
    expect(await c.error('vacuum nosuch')).toBe('42P01 relation "nosuch" does not exist');
    expect(await c.rows("select obj_description('t'::regclass)")).toEqual([['hello']]);
  });
});
