import { beforeEach, describe, expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, CollectingSink, startServer } from '../support/server.js';

let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
  await c.all(
    'create table t (a int primary key, b text); insert into t select i, i::text from generate_series(1, 10) as g(i)',
  );
});

async function portal(name: string, text: string, parameters: string[] = []): Promise<CollectingSink> {
  await c.session.parse('', text, []);
  await c.session.bind(
    name,
    '',
    parameters.map((p) => ({ format: 0 as const, bytes: Buffer.from(p) })),
  );
  const sink = new CollectingSink(c.session);
  return sink;
}
async function fetch(name: string, rows: number, sync?: boolean): Promise<CollectingSink> {
  const sink = new CollectingSink(c.session);
  sink.setColumns(c.session.describePortal(name));
  await c.session.execute(name, rows, sink, sync);
  return sink;
}
async function fetchOnly(name: string): Promise<void> {
  await c.session.execute(name, 1, new CollectingSink(c.session));
}
async function sqlstate(p: Promise<unknown>): Promise<string> {
  try {
    await p;
  } catch (error) {
    if (error instanceof QuoralError) return error.sqlstate;
    throw error;
  }
  return 'none';
}

describe('the extended protocol', () => {
  it('keeps several suspended portals open at once', async () => {
    await c.all('begin');
    await portal('p', 'select a from t order by a');
    await portal('q', 'select a from t order by a desc');
    expect((await fetch('p', 2)).results[0]).toMatchObject({ rows: [['1'], ['2']], tag: 'suspended' });
    expect((await fetch('q', 3)).results[0]).toMatchObject({ rows: [['10'], ['9'], ['8']], tag: 'suspended' });
    expect((await fetch('p', 2)).results[0]).toMatchObject({ rows: [['3'], ['4']], tag: 'suspended' });
    expect((await fetch('q', 0)).results[0]!.rows.length).toBe(7);
    await c.session.closePortal('p');
    await c.all('commit');
    expect(await sqlstate(fetch('q', 1))).toBe('34000');
  });

  it('counts in a tag the rows of that Execute', async () => {
    const tags = async (text: string, ...limits: readonly number[]): Promise<unknown[]> => {
      await c.all('begin');
      await portal('p', text);
      const seen: unknown[] = [];
      for (const limit of limits) seen.push((await fetch('p', limit)).results[0]!.tag);
      await c.all('rollback');
      return seen;
    };
    expect(await tags('select a from t', 5, 5, 5, 5)).toEqual(['suspended', 'suspended', 'SELECT 0', 'SELECT 0']);
    expect(await tags('select a from t', 4, 4, 4)).toEqual(['suspended', 'suspended', 'SELECT 2']);
    expect(await tags('select a from t', 4, 0)).toEqual(['suspended', 'SELECT 6']);
    expect(await tags('select a from t', 0)).toEqual(['SELECT 10']);
    expect(await tags('update t set a = a + 100 returning a', 4, 4, 4)).toEqual(['suspended', 'suspended', 'UPDATE 2']);
    expect(await tags('delete from t where a > 7 returning a', 3, 3)).toEqual(['suspended', 'DELETE 0']);
    expect(await tags('delete from t where a > 7', 1)).toEqual(['DELETE 3']);
    expect(await tags("insert into t values (11, 'x'), (12, 'y') returning a", 1, 1, 1)).toEqual([
      'suspended',
      'suspended',
      'INSERT 0 0',
    ]);
  });

  it('runs a portal again after its end only if it has rows to give', async () => {
    const again = async (text: string): Promise<unknown> => {
      await portal('', text);
      await fetch('', 0, false);
      try {
        return (await fetch('', 0, false)).results[0]!.tag;
      } catch (error) {
        return (error as Error).message;
      } finally {
        await c.session.sync();
      }
    };
    expect(await again('select a from t')).toBe('SELECT 0');
    expect(await again('update t set a = a where a = 1 returning a')).toBe('UPDATE 0');
    expect(await again("insert into t values (20, 'x') returning a")).toBe('INSERT 0 0');
    expect(await again('show work_mem')).toBe('SHOW');
    expect(await again('explain select 1')).toBe('EXPLAIN');
    for (const text of [
      'update t set a = a where a = 1',
      'set work_mem = 100',
      'create table once (a int)',
      'truncate t',
    ])
      expect(await again(text)).toBe('portal "" cannot be run');
  });

  it('makes a pipeline one transaction', async () => {
    await portal('one', "insert into t values (11, 'x')");
    await fetch('one', 0, false);
    await portal('two', "insert into t values (1, 'duplicate')");
    expect(await sqlstate(fetch('two', 0, true))).toBe('23505');
    await c.session.sync();
    expect(c.session.transactionStatus).toBe('I');
    expect(await c.rows('select count(*) from t')).toEqual([['10']]);
    await portal('one', "insert into t values (11, 'x')");
    await fetch('one', 0, false);
    await portal('two', "insert into t values (12, 'y')");
    await fetch('two', 0, true);
    await c.session.sync();
    expect(await c.rows('select count(*) from t')).toEqual([['12']]);
  });

  it('takes parameters in the queries of DECLARE, CREATE TABLE AS and EXPLAIN', async () => {
    await c.session.parse('d', 'declare k cursor for select a, $2 as p from t where a > $1 order by a', []);
    expect(c.session.describeStatement('d').parameterOids).toEqual([23, 25]);
    await c.session.sync();
    await c.all('begin');
    await c.run('', ['8', 'x'], 'd');
    expect((await c.run('fetch all from k')).rows).toEqual([
      ['9', 'x'],
      ['10', 'x'],
    ]);
    expect(
      (await c.run('create table made as select $1::int + a as n, $2 as s from t where a < $3', ['5', 'z', '3'])).tag,
    ).toBe('SELECT 2');
    expect(await c.rows('select n, s from made order by n')).toEqual([
      ['6', 'z'],
      ['7', 'z'],
    ]);
    const plan = (
      await c.run('explain (analyze, costs off, timing off) select * from t where a <= $1', ['4'])
    ).rows.flat();
    expect(plan.some((line) => line!.includes('rows=4'))).toBe(true);
    await c.all('rollback');
  });

  it('moves and fetches by SQL in a portal that was not run yet', async () => {
    await c.all('begin');
    await portal('p', 'select generate_series(0, $1::int)', ['100']);
    expect((await c.run('move forward 42 in p')).tag).toBe('MOVE 42');
    expect((await fetch('p', 1)).results[0]!.rows).toEqual([['42']]);
    await portal('q', 'select a from t order by a');
    expect((await c.query('fetch 2 from q')).rows).toEqual([['1'], ['2']]);
    expect((await fetch('q', 1)).results[0]!.rows).toEqual([['3']]);
    await c.all('commit');
  });

  it('says of a portal of a failed transaction that the transaction failed', async () => {
    await c.all('begin');
    await portal('p', 'select a from t');
    expect(await c.error('select 1/0')).toMatch(/^22012/);
    expect(await sqlstate(fetchOnly('p'))).toBe('25P02');
    await c.all('rollback');
    expect(await sqlstate(fetchOnly('p'))).toBe('34000');
  });

  it('quotes the data of COPY when asked to, not the names above them', async () => {
    const lines = await c.rows('copy (select a, b from t where a = 1) to stdout (format csv, header, force_quote *)');
    expect(lines.flat().join('')).toMatch(/^a,b\n"1","1"\n/);
  });

  it('names the routine of a plan whose result changed, by which drivers prepare anew', async () => {
    await c.session.parse('s', 'select * from t', []);
    c.session.describeStatement('s');
    await c.session.sync();
    await c.all('alter table t add column n int');
    const error = await c.run('', [], 's').catch((e: unknown) => e);
    expect(error).toMatchObject({ sqlstate: '0A000', fields: { routine: 'RevalidateCachedQuery' } });
  });

  it('describes, and settles parameter types', async () => {
    await c.session.parse('s', 'select a + $1 as n, b from t where b = $2', []);
    const { parameterOids, columns } = c.session.describeStatement('s');
    expect(parameterOids).toEqual([23, 25]);
    expect(columns!.map((x) => [x.name, x.typeOid])).toEqual([
      ['n', 23],
      ['b', 25],
    ]);
    await c.session.sync();
    expect((await c.run('', ['5', '3'], 's')).rows).toEqual([['8', '3']]);
    expect(await sqlstate(c.session.parse('s', 'select 1', []))).toBe('42P05');
    await c.session.sync();
    c.session.closeStatement('s');
    expect(await sqlstate(c.run('', [], 's'))).toBe('26000');
    expect(await sqlstate(c.run('select $1::int', ['x']))).toBe('22P02');
    expect(await sqlstate(c.run('select 1; select 2'))).toBe('42601');
    expect(await sqlstate(c.run('select $1::int', []))).toBe('08P01');
    expect(await sqlstate(c.run('selec'))).toBe('42601');
    expect((await c.run('select 1')).rows).toEqual([['1']]);
  });

  it('fails until the end of a failed block', async () => {
    await c.run('begin');
    expect(await sqlstate(c.run('select 1/$1::int', ['0']))).toBe('22012');
    expect(c.session.transactionStatus).toBe('E');
    expect(await sqlstate(c.run('select 1'))).toBe('25P02');
    // psql's \\gdesc of nothing.
    await c.session.parse('', '', []);
    expect(c.session.describeStatement('').columns).toBeNull();
    expect((await c.run('rollback')).tag).toBe('ROLLBACK');
    expect(c.session.transactionStatus).toBe('I');
  });

  it('runs utilities and schema changes', async () => {
    expect((await c.run('show search_path')).rows).toEqual([['"$user", public']]);
    expect((await c.run('create table u (x int)')).tag).toBe('CREATE TABLE');
    expect((await c.run('explain select 1')).columns).toEqual(['QUERY PLAN']);
    expect((await c.run('drop table u')).tag).toBe('DROP TABLE');
  });

  it('commits before a statement is reported as done', async () => {
    // The duplicate is found only at commit: the client must see the error instead of a completion.
    const sink = await portal('', 'insert into t values (1, $1)', ['x']);
    expect(await sqlstate(c.session.execute('', 0, sink, true))).toBe('23505');
    expect(sink.results).toEqual([]);
    await c.session.sync();
  });

  it('shows its statements and portals in the catalogs', async () => {
    await c.session.parse('named', 'select $1::int + 1', []);
    for (const at of ['1', '2']) {
      await c.session.bind(at, 'named', [{ format: 0, bytes: Buffer.from('5') }]);
    }
    await c.session.closePortal('2');
    await portal('', 'select name, statement, is_holdable, is_scrollable from pg_cursors order by name');
    const { rows } = (await fetch('', 0, false)).results[0]!;
    expect(rows).toEqual([
      ['', 'select name, statement, is_holdable, is_scrollable from pg_cursors order by name', 'f', 'f'],
      ['1', 'select $1::int + 1', 'f', 'f'],
    ]);
    const [shown] = await c.all(
      'select name, statement, parameter_types, from_sql, generic_plans, custom_plans from pg_prepared_statements',
    );
    expect(shown!.rows).toEqual([['named', 'select $1::int + 1', '{integer}', 'f', '2', '0']]);
  });
});

describe('parameters that name objects of the catalog', () => {
  it.each([
    ['regclass', 2205, 'shelf', 'shelf'],
    ['regtype', 2206, 'int4', 'integer'],
    ['regproc', 24, 'now', 'now'],
    ['regnamespace', 4089, 'aisle', 'aisle'],
    ['regrole', 4096, 'reader', 'reader'],
  ])('%s', async (_, oid, given, shown) => {
    const server = await startServer();
    const c = await Client.open(server);
    await c.all('CREATE TABLE shelf (id int); CREATE SCHEMA aisle; CREATE ROLE reader');
    // A session that has looked at nothing yet.
    const other = await Client.open(server);
    await other.session.parse('', 'SELECT $1 AS it', [oid]);
    expect((await other.run('', [given])).rows).toEqual([[shown]]);
  });

  it('are looked for in the whole catalog, not among what the node has met', async () => {
    await c.all('create schema a; create schema b; create table a.x (id int); create table b.x (id int)');
    await c.all(
      'create domain named as regclass; create type noted as (r regclass, k int); set search_path = a, b, public',
    );
    const bound = async (text: string, value: string): Promise<unknown> => {
      await c.session.closeStatement('s');
      await c.session.parse('s', text, []);
      server.catalog.forgetAll();
      // Hidden by the one that is not met.
      await c.all('select * from b.x');
      return (await c.run('', [value], 's')).rows;
    };
    expect(await bound('select $1::regclass = $$a.x$$::regclass', 'x')).toEqual([['t']]);
    expect(await bound('select $1::named = $$a.x$$::regclass', 'x')).toEqual([['t']]);
    expect(await bound('select ($1::noted).r = $$a.x$$::regclass', '(x,1)')).toEqual([['t']]);
    expect(await bound('select ($1::regclass[])[1] = $$a.x$$::regclass', '{x}')).toEqual([['t']]);
  });

  it('are those of now, not of the statement before in the transaction', async () => {
    const other = await Client.open(server);
    await c.session.parse('s', 'select $1::regclass::text', []);
    await c.all('begin isolation level read committed');
    expect((await c.run('', ['t'], 's')).rows).toEqual([['t']]);
    await other.all('create table later (id int)');
    expect((await c.run('', ['later'], 's')).rows).toEqual([['later']]);
    expect(await sqlstate(c.run('', ['never'], 's'))).toBe('42P01');
    expect(await sqlstate(c.run('', ['t'], 's'))).toBe('25P02');
    await c.all('rollback');
  });
});

describe('a portal that is executed again', () => {
  const tagOf = async (name: string, rows: number): Promise<string> => (await fetch(name, rows)).results[0]!.tag;

  it('says how many rows came, none as well, when what it had to give was kept aside', async () => {
    await c.all('begin');
    await portal('p', 'select a from t where a < 4 order by a');
    expect(await tagOf('p', 1)).toBe('suspended');
    // Its transaction goes on to write.
    await c.all('update t set b = b where a = 1');
    expect([await tagOf('p', 2), await tagOf('p', 0), await tagOf('p', 2), await tagOf('p', 0)]).toEqual([
      'suspended',
      'SELECT 0',
      'SELECT 0',
      'SELECT 0',
    ]);
    await c.all('rollback');
  });

  it('makes no second table', async () => {
    await c.all('begin');
    await portal('p', 'select a into made from t');
    await c.session.execute('p', 0, new CollectingSink(c.session));
    expect(await sqlstate(c.session.execute('p', 0, new CollectingSink(c.session)))).toBe('55000');
    await c.all('rollback');
  });

  it('gives nothing in a transaction that has failed, where nothing is bound either but its end', async () => {
    await c.all('begin');
    await portal('p', 'select a from t order by a');
    await fetchOnly('p');
    await c.session.parse('empty', '', []);
    await c.session.parse('end', 'rollback', []);
    expect(await c.error('select 1 / 0')).toMatch(/^22012/);
    expect(await sqlstate(fetchOnly('p'))).toBe('25P02');
    expect(await sqlstate(Promise.resolve().then(() => c.session.bind('', 'empty', [])))).toBe('25P02');
    await c.session.bind('', 'end', []);
    await c.session.execute('', 0, new CollectingSink(c.session));
    expect(c.session.transactionStatus).toBe('I');
  });

  it('lets go of what it held when another takes its place', async () => {
    const used = (): number => server.metrics()['sql_memory_used_bytes']!;
    await c.all('begin');
    await portal('', 'select g, repeat(g::text, 1000) as r from generate_series(1, 500) g order by 2');
    await fetchOnly('');
    expect(used()).toBeGreaterThan(100_000);
    await portal('', 'select 1');
    expect(used()).toBeLessThan(100_000);
    await c.all('rollback');
  });

  it('shows names of objects as they are by then, on a node that has forgotten them too', async () => {
    await c.all('create table one (a int); create table two (a int); create table named (k int, c regclass)');
    await c.all("insert into named values (1, 'one'), (2, 'two'), (3, 'one'), (4, 'two')");
    await c.all('begin');
    await portal('p', 'select c, c::text from named order by k');
    const next = async (): Promise<unknown> => (await fetch('p', 1)).results[0]!.rows;
    expect(await next()).toEqual([['one', 'one']]);
    server.catalog.forgetAll();
    expect(await next()).toEqual([['two', 'two']]);
    await c.all('alter table one rename to first');
    // What is computed is so for some rows ahead; what is shown is not.
    expect(await next()).toEqual([['first', 'one']]);
    await c.all('rollback');
  });
});
