/** Functions and procedures of users: what needs several sessions, or is not as PostgreSQL has it. Answers: test/scripts/session/functions.sql. */
import { describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

async function client(): Promise<Client> {
  return Client.open(await startServer());
}

describe('functions', () => {
  it('have defaults that name types which no parameter is of', async () => {
    const server = await startServer();
    const c = await Client.open(server);
    await c.query("create type mood as enum ('a', 'b')");
    await c.query("create function g(a text default 'a'::mood::text) returns text language sql as 'select a'");
    const other = await Client.open(server);
    expect(await other.rows('select g()')).toEqual([['a']]);
    expect(await c.error('drop type mood')).toMatch(/^2BP01 .* \| function g\(text\) depends on type mood$/);
    await c.query("alter type mood rename value 'a' to 'first'");
    for (const one of [c, other]) expect(await one.rows('select g()')).toEqual([['first']]);
    await c.query("create function h() returns text language sql return 'b'::mood::text");
    expect(await c.error("alter type mood rename value 'b' to 'last'")).toBe(
      '0A000 cannot rename a label of type mood, which function h may use',
    );
    expect(await c.rows('select h()')).toEqual([['b']]);
    await c.query('drop function h()');
    await c.query("create function f(a mood default 'b'::mood) returns mood language sql return a");
    expect(await c.rows('select f()')).toEqual([['b']]);
  });

  it('that call themselves without end are stopped', async () => {
    const c = await client();
    await c.query('create function f(n int) returns int language plpgsql as $$ begin return f(n + 1); end $$');
    await c.query("create function g(n int) returns int language sql as 'select 0'");
    await c.query("create or replace function g(n int) returns int language sql as 'select g(n + 1)'");
    expect(await c.error('select f(1)')).toMatch(/^54001 stack depth limit exceeded/);
    expect(await c.error('select g(1)')).toMatch(/^54001 stack depth limit exceeded/);
    expect(await c.rows('select 1')).toEqual([['1']]);
  });

  it('that are replaced are noticed by the plans of other sessions', async () => {
    const server = await startServer();
    const a = await Client.open(server);
    const b = await Client.open(server);
    await a.query("create function f() returns int language sql as 'select 1'");
    expect((await b.run('select f()', [], 'p')).rows).toEqual([['1']]);
    await a.query("create or replace function f() returns int language sql as 'select 2'");
    expect((await b.run('', [], 'p')).rows).toEqual([['2']]);
    await a.query("create function f(int default 0) returns text language sql as $$ select 'other' $$");
    expect(await b.rows('select f(1)')).toEqual([['other']]);
    expect(await b.error('select f()')).toMatch(/^42725/);
    await a.query('drop function f()');
    expect(await b.rows('select f()')).toEqual([['other']]);
    await a.query('drop function f');
    expect(await b.error('select f()')).toMatch(/^42883/);
  });

  it('whose names are looked up anew when tables change', async () => {
    const c = await client();
    await c.query('create table t(a int)');
    await c.query('insert into t values (1)');
    await c.query(
      'create function n() returns bigint language plpgsql as $$ begin return (select count(*) from t); end $$',
    );
    expect(await c.rows('select n()')).toEqual([['1']]);
    await c.query('drop table t');
    expect(await c.error('select n()')).toMatch(/^42P01/);
    await c.query('create table t(b text)');
    expect(await c.rows('select n()')).toEqual([['0']]);
  });

  it('write once, however often the server runs their statement', async () => {
    const server = await startServer();
    const sessions = await Promise.all([0, 1, 2].map(() => Client.open(server)));
    const [a] = sessions as [Client, ...Client[]];
    await a.query('create table t(id int primary key, n int)');
    await a.query('insert into t values (1, 0)');
    await a.query('create table log(n int)');
    await a.query(
      'create function bump() returns int language plpgsql as $$ declare m int; begin update t set n = n + 1 returning n into m; insert into log values (m); perform pg_sleep(0.002); return m; end $$',
    );
    await Promise.all(
      sessions.map(async (c) => {
        for (let i = 0; i < 4; i++) await c.query('select bump()');
      }),
    );
    expect(await a.rows('select n from t')).toEqual([['12']]);
    expect(await a.rows('select count(*), count(distinct n) from log')).toEqual([['12', '12']]);
  });

  it('do not see each other’s rows come into the query that calls them', async () => {
    const c = await client();
    await c.query('create table t(id int primary key)');
    await c.query('insert into t select g from generate_series(1, 3000) g');
    await c.query(
      'create function again(i int) returns int language plpgsql as $$ begin insert into t values (i + 100000); return i; end $$',
    );
    expect(await c.rows('select count(*) from (select again(id) from t) x')).toEqual([['3000']]);
    expect(await c.rows('select count(*) from t')).toEqual([['6000']]);
    expect(await c.rows('select count(*) from t where again(id + 1000000) > 0')).toEqual([['6000']]);
  });

  it('through the extended protocol, procedures too', async () => {
    const c = await client();
    await c.query('create table t(a int)');
    await c.query(
      'create procedure p(inout a int, b text) language plpgsql as $$ begin insert into t values (a); a := a + length(b); end $$',
    );
    expect(await c.run('call p($1, $2)', ['4', 'abc'])).toMatchObject({ columns: ['a'], rows: [['7']], tag: 'CALL' });
    await c.query('create procedure q() language sql as $$ insert into t values (9) $$');
    expect(await c.run('call q()')).toMatchObject({ rows: [], tag: 'CALL' });
    expect(await c.rows('select * from t order by 1')).toEqual([['4'], ['9']]);
  });

  it('stand in defaults of domains, and not where they cannot be kept', async () => {
    const c = await client();
    await c.query("create function f(int) returns int language sql immutable as 'select 1'");
    await c.query('create table t(a int)');
    await c.all('create domain d as int default f(1); create table u(a int, b d); insert into u(a) values (5)');
    expect(await c.rows('select * from u')).toEqual([['5', '1']]);
    expect(await c.error('create trigger x before insert on t for each row execute function f()')).toBe(
      '0A000 triggers are not supported',
    );
  });

  it('read in a read-only transaction, and write in none', async () => {
    const c = await client();
    await c.query('create table t(a int)');
    await c.query("create function r() returns bigint language sql as 'select count(*) from t'");
    await c.query("create function w() returns void language sql as 'insert into t values (1)'");
    await c.query('begin read only');
    expect(await c.rows('select r()')).toEqual([['0']]);
    expect(await c.error('select w()')).toBe('25006 cannot execute INSERT in a read-only transaction');
  });
});
