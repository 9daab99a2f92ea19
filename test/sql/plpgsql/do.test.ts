/** DO blocks: what cannot be compared with PostgreSQL's answers line by line (those are in test/scripts/session/do-blocks.sql). */
import { describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

async function client(): Promise<Client> {
  return Client.open(await startServer());
}

describe('what a body may not say', () => {
  it.each([
    ['begin exit; end', '42601 EXIT cannot be used outside a loop, unless it has a label'],
    ['begin continue; end', '42601 CONTINUE cannot be used outside a loop'],
    ['begin <<b>> begin continue b; end; end', '42601 block label "b" cannot be used in CONTINUE'],
    [
      'begin exit nowhere; end',
      '42601 there is no label "nowhere" attached to any block or loop enclosing this statement',
    ],
    ['begin <<l>> loop exit; end loop m; end', '42601 end label "m" differs from block\'s label "l"'],
    ['begin null; end x', '42601 end label "x" specified for unlabeled block'],
    [
      'declare x int not null; begin null; end',
      '22004 variable "x" must have a default value, since it\'s declared NOT NULL',
    ],
    ['declare x constant int := 1; begin x := 2; end', '22005 variable "x" is declared CONSTANT'],
    ['declare x int; x text; begin null; end', '42601 duplicate declaration at or near "x"'],
    ['declare x nosuchtype; begin null; end', '42704 type "nosuchtype" does not exist'],
    ['begin nosuch := 1; end', '42601 "nosuch" is not a known variable'],
    ['begin select 1 into nosuch; end', '42601 "nosuch" is not a known variable'],
    ['begin return 1; end', '42804 RETURN cannot have a parameter in function returning void'],
    ['begin return next 1; end', '42804 cannot use RETURN NEXT in a non-SETOF function'],
    ['declare a alias for $1; begin null; end', '42704 variable "$1" does not exist'],
    [
      'begin for x in select 1 loop null; end loop; end',
      '42601 loop variable of loop over rows must be a record variable or list of scalar variables',
    ],
  ])('%s', async (body, expected) => {
    const c = await client();
    expect(await c.error(`do $$ ${body} $$`)).toBe(expected);
  });

  it('nest without end', async () => {
    const c = await client();
    expect(await c.error(`do $$ ${'begin '.repeat(5_000)} null; ${'end; '.repeat(5_000)} $$`)).toMatch(/^54001/);
    expect(await c.error(`do $$ begin perform ${'('.repeat(5_000)}1${')'.repeat(5_000)}; end $$`)).toMatch(/^54001/);
    expect(await c.rows('select 1')).toEqual([['1']]);
  });
});

describe('limits', () => {
  it('an endless loop ends by its time-out, and others go on meanwhile', async () => {
    const server = await startServer();
    const a = await Client.open(server);
    const b = await Client.open(server);
    await a.query('set statement_timeout = 300');
    const endless = a.error('do $$ begin loop begin null; end; end loop; end $$');
    expect(await b.rows('select 1')).toEqual([['1']]);
    expect(await endless).toBe('57014 canceling statement due to statement timeout');
    expect(await a.rows('select 2')).toEqual([['2']]);
  });

  it('an endless loop is cancelled, which no handler catches', async () => {
    const server = await startServer();
    const a = await Client.open(server);
    const endless = a.error(
      'do $$ begin loop begin loop null; end loop; exception when others or query_canceled then null; end; end loop; end $$',
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    server.cancel(a.session.processId, a.session.secretKey);
    expect(await endless).toBe('57014 canceling statement due to user request');
  });

  it('what variables hold counts as memory', async () => {
    const c = await client();
    await c.query("set statement_memory_limit = '1MB'");
    expect(await c.error("do $$ declare s text := 'x'; begin loop s := s || s; end loop; end $$")).toMatch(
      /^(53200|54000)/,
    );
    expect(
      await c.error(
        'do $$ declare r record; begin for r in select repeat(g::text, 100) from generate_series(1, 100000) g loop null; end loop; end $$',
      ),
    ).toMatch(/^53200/);
  });

  it('blocks inside blocks by EXECUTE end', async () => {
    const c = await client();
    await c.query("set q.body = 'do $b$ begin execute current_setting(''q.body''); end $b$'");
    expect(await c.error("do $$ begin execute current_setting('q.body'); end $$")).toMatch(/^54001/);
  });
});

describe('what a block does to its transaction', () => {
  it('is undone as a whole by an error', async () => {
    const c = await client();
    await c.query('create table t(a int primary key)');
    expect(
      await c.error('do $$ begin insert into t values (1); create table u(a int); raise division_by_zero; end $$'),
    ).toMatch(/^22012/);
    expect(await c.rows('select count(*) from t')).toEqual([['0']]);
    expect(await c.error('select * from u')).toMatch(/^42P01/);
  });

  it('schema changes of an aborted block are undone, and the names are free again', async () => {
    const c = await client();
    await c.query('create table t(a int)');
    await c.query(`do $$ begin
      begin create table u(a int); insert into u values (1); alter table t add column b int; raise 'x'; exception when others then null; end;
      create table u(b text); insert into u values ('second');
    end $$`);
    expect(await c.rows('select * from u')).toEqual([['second']]);
    expect(await c.error('select b from t')).toMatch(/^42703/);
  });

  it('plans notice what the block changes between two runs of a statement', async () => {
    const c = await client();
    await c.query(`do $$ declare n int; begin
      create table t(a int); insert into t values (1);
      for i in 1..3 loop
        execute 'alter table t add column c' || i || ' int default ' || i;
        select count(*) into n from t where a = 1; insert into t(a) values (1);
      end loop; end $$`);
    expect(await c.rows('select * from t order by 1,2,3,4 limit 1')).toEqual([['1', '1', '2', '3']]);
    expect(await c.rows('select count(*) from t')).toEqual([['4']]);
  });

  it('tells what it raised before it failed', async () => {
    const c = await client();
    expect(await c.error("do $$ begin raise notice 'before'; raise 'after'; end $$")).toBe('P0001 after');
    expect(c.notices).toEqual(['NOTICE: before']);
  });

  it('tells in what it was raised', async () => {
    const c = await client();
    await c.query(`create function told() returns int language plpgsql as $$ begin
      raise warning 'w'; return 1; end $$`);
    await c.query('do $$ begin perform told(); end $$');
    expect(c.noticeContexts).toEqual([
      'PL/pgSQL function told() line 2 at RAISE\nSQL statement "SELECT told()"\n' +
        'PL/pgSQL function inline_code_block line 1 at PERFORM',
    ]);
  });

  it('a conflict is retried by the server and caught by no handler', async () => {
    const server = await startServer();
    const a = await Client.open(server);
    const b = await Client.open(server);
    await a.query('create table t(id int primary key, n int)');
    await a.query('insert into t values (1, 0)');
    const block = `do $$ declare m int; begin
      begin select n into m from t where id = 1; perform pg_sleep(0.02); update t set n = m + 1 where id = 1;
      exception when others then raise notice 'caught %', sqlstate; end; end $$`;
    const run = async (c: Client): Promise<void> => {
      for (let i = 0; i < 5; i++) {
        await c.all(block);
        expect(c.notices).toEqual([]);
      }
    };
    await Promise.all([run(a), run(b)]);
    expect(await a.rows('select n from t')).toEqual([['10']]);
  });

  it('at READ COMMITTED each statement sees what was committed before it', async () => {
    const server = await startServer();
    const a = await Client.open(server);
    const b = await Client.open(server);
    await a.query('create table t(id int primary key, n int)');
    await a.query('insert into t values (1, 0)');
    await a.query("set default_transaction_isolation = 'read committed'");
    // The block waits between its statements until the other has committed.
    await b.query('select pg_advisory_lock(1)');
    const block = `do $$ declare m int; begin
      select n into m from t; raise notice 'n %', m; perform pg_advisory_xact_lock(1);
      select n into m from t; raise notice 'n %', m; update t set n = n + 1; end $$`;
    const seen = a.all(block);
    const waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted";
    while ((await b.rows(waits))[0]![0] === '0');
    await b.query('update t set n = 41');
    await b.query('select pg_advisory_unlock(1)');
    await seen;
    expect(a.notices).toEqual(['NOTICE: n 0', 'NOTICE: n 41']);
    expect(await a.rows('select n from t')).toEqual([['42']]);
  });

  it('runs through the extended protocol', async () => {
    const c = await client();
    expect((await c.run('do $$ begin create table t(a int); end $$')).tag).toBe('DO');
    expect(await c.rows('select * from t')).toEqual([]);
  });

  it('writes nothing in a read-only transaction', async () => {
    const c = await client();
    await c.query('create table t(a int)');
    await c.query('begin read only');
    expect(await c.error('do $$ begin insert into t values (1); end $$')).toBe(
      '25006 cannot execute INSERT in a read-only transaction',
    );
  });
});

describe('what migrations of ORMs send', () => {
  it('guards of types and constraints that exist', async () => {
    const c = await client();
    await c.query('create table a(id int primary key)');
    await c.query('create table b(id int primary key, a_id int)');
    const add = `DO $$ BEGIN
 ALTER TABLE "b" ADD CONSTRAINT "b_a_id_a_id_fk" FOREIGN KEY ("a_id") REFERENCES "public"."a"("id") ON DELETE no action ON UPDATE no action;
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;`;
    await c.query(add);
    await c.query(add);
    expect(await c.error('insert into b values (1, 1)')).toMatch(/^23503/);
  });
});
