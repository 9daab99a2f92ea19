import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, CollectingSink, startServer } from '../support/server.js';
import { VirtualServers } from '../support/virtual-server.js';

// Every answer and message here was seen from PostgreSQL 15, unless it says otherwise.

let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
  await c.all('create table t (id int primary key, v int); insert into t select g, g from generate_series(1, 5) g');
});

const memoryUsed = (): number => server.metrics()['sql_memory_used_bytes']!;

/** The first column of what FETCH gives, or the tag of MOVE. */
async function go(text: string): Promise<string> {
  const { rows, tag } = await c.query(text);
  return tag.startsWith('MOVE') ? tag : rows.map((r) => r[0]).join(' ');
}

const declare = (options = '') => `declare c ${options} cursor for select id from t order by id`;

describe('FETCH and MOVE', () => {
  it('go in all directions of a SCROLL cursor', async () => {
    await c.all(`begin; ${declare('scroll')}`);
    const steps: [string, string][] = [
      ['fetch 2 c', '1 2'],
      ['fetch 0 c', '2'],
      ['fetch prior c', '1'],
      ['fetch prior c', ''],
      ['fetch prior c', ''],
      ['fetch 0 c', ''],
      ['fetch next c', '1'],
      ['fetch last c', '5'],
      ['fetch next c', ''],
      ['fetch prior c', '5'],
      ['fetch absolute 3 c', '3'],
      ['fetch relative -1 c', '2'],
      ['fetch relative 0 c', '2'],
      ['fetch relative 2 c', '4'],
      ['fetch backward all c', '3 2 1'],
      ['fetch forward all c', '1 2 3 4 5'],
      ['fetch absolute -2 c', '4'],
      ['fetch absolute -9 c', ''],
      ['fetch absolute 9 c', ''],
      ['fetch absolute 0 c', ''],
      ['fetch forward 2 c', '1 2'],
      ['fetch backward 1 c', '1'],
      ['fetch -1 c', ''],
      ['fetch forward -1 c', ''],
      ['fetch backward -2 c', '1 2'],
      ['move 0 c', 'MOVE 1'],
      ['move absolute 2 c', 'MOVE 1'],
      ['move backward all c', 'MOVE 1'],
      ['move forward all c', 'MOVE 5'],
      ['move backward all c', 'MOVE 5'],
      ['move 3 c', 'MOVE 3'],
      ['move last c', 'MOVE 1'],
      ['move absolute 9 c', 'MOVE 0'],
      ['move 0 c', 'MOVE 0'],
      ['move prior c', 'MOVE 1'],
      ['move relative -2 c', 'MOVE 1'],
      ['fetch first c', '1'],
    ];
    const seen: [string, string][] = [];
    for (const [text] of steps) seen.push([text, await go(text)]);
    expect(seen).toEqual(steps);
    expect((await c.query('fetch 2 c')).tag).toBe('FETCH 2');
  });

  it('go forward only where the cursor says so', async () => {
    const forward = 'cursor can only scan forward';
    for (const [moves, last] of [
      ['fetch c', 'fetch prior c'],
      ['fetch c', 'fetch 0 c'],
      ['fetch absolute 3 c', 'fetch absolute 3 c'],
      ['fetch absolute 2 c; fetch absolute 4 c', 'fetch absolute 0 c'],
      ['move relative 2 c; fetch absolute 9 c; fetch absolute 10 c; fetch forward 0 c', 'move backward all c'],
      ['move backward all c; fetch absolute 0 c', 'fetch backward 0 c'],
      ['move 0 c; fetch c; move backward 0 c', 'move last c'],
    ] as const) {
      await c.all(`begin; ${declare('no scroll')}; ${moves}`);
      expect(await c.error(last), last).toBe(`55000 ${forward}`);
      await c.all('rollback');
    }
    await c.all('begin; declare c cursor for select id from t order by id for update; fetch c');
    expect(await c.error('fetch prior c')).toBe(`55000 ${forward}`);
  });

  it('go back in a cursor that says nothing, until it has read much', async () => {
    await c.all(`begin; ${declare()}; fetch 3 c`);
    expect(await go('fetch backward 2 c')).toBe('2 1');
    // PostgreSQL decides by the plan; here it is a matter of memory.
    await c.all(
      "declare big cursor for select g, repeat('x', 1000) from generate_series(1, 5000) g; move 10 big; move -5 big",
    );
    expect(await c.rows('select name, is_scrollable from pg_cursors order by 1')).toEqual([
      ['big', 't'],
      ['c', 't'],
    ]);
    expect(await go('move 3000 big')).toBe('MOVE 3000');
    expect(await c.rows("select is_scrollable from pg_cursors where name = 'big'")).toEqual([['f']]);
    expect(await go('fetch big')).toBe('3006');
    expect(await c.error('fetch prior big')).toMatch(/^55000/);
  });

  it('find no cursor, or one that is there already', async () => {
    expect(await c.error(declare())).toBe('25P01 DECLARE CURSOR can only be used in transaction blocks');
    expect(await c.error('move nope')).toBe('34000 cursor "nope" does not exist');
    expect(await c.error('close nope')).toBe('34000 cursor "nope" does not exist');
    expect(await c.error(`begin; ${declare()}; ${declare('scroll')}`)).toBe('42P03 cursor "c" already exists');
    await c.all('rollback');
    for (const [text, error] of [
      ['scroll no scroll cursor for select 1', '42P11 cannot specify both SCROLL and NO SCROLL'],
      ['insensitive asensitive cursor for select 1', '42P11 cannot specify both ASENSITIVE and INSENSITIVE'],
      [
        'scroll cursor for select * from t for update',
        '0A000 DECLARE SCROLL CURSOR ... FOR UPDATE is not supported | Scrollable cursors must be READ ONLY.',
      ],
      [
        'cursor with hold for select * from t for share',
        '0A000 DECLARE CURSOR WITH HOLD ... FOR SHARE is not supported | Holdable cursors must be READ ONLY.',
      ],
      [
        'insensitive cursor for select * from t for update',
        '42P11 DECLARE INSENSITIVE CURSOR ... FOR UPDATE is not valid | Insensitive cursors must be READ ONLY.',
      ],
      [
        'cursor for with x as (insert into t values (99) returning id) select * from x',
        '0A000 DECLARE CURSOR must not contain data-modifying statements in WITH',
      ],
    ]) {
      expect(await c.error(`begin; declare c ${text}`), text).toBe(error);
      await c.all('rollback');
    }
  });
});

describe('a binary cursor', () => {
  it('gives its rows in binary format where the client does not say how', async () => {
    const formats: boolean[] = [];
    const sink = new CollectingSink(c.session);
    sink.columns = (_columns, binary = false) => void formats.push(binary);
    const run = (text: string): Promise<void> => c.session.simpleQuery(text, sink);
    await run('begin; declare b binary cursor for select id from t; declare p cursor for select id from t');
    await run('fetch 1 b; fetch 1 p; move 1 b; fetch all b');
    expect(formats).toEqual([true, false, true]);
    expect(await c.rows('select name, is_binary from pg_cursors order by 1')).toEqual([
      ['b', 't'],
      ['p', 'f'],
    ]);
  });
});

describe('a cursor and its transaction', () => {
  it('sees what was there when it was declared', async () => {
    await c.all(`begin; ${declare()}; fetch 3 c; delete from t where id > 3; insert into t values (9)`);
    await c.all('declare d cursor for select id from t order by id');
    expect(await go('fetch all c')).toBe('4 5');
    expect(await go('fetch all d')).toBe('1 2 3 9');
    await c.all('rollback; begin isolation level read committed');
    await c.all(declare());
    const other = await Client.open(server);
    await other.all('insert into t values (6); delete from t where id = 1');
    expect(await c.rows('select count(*) from t where id in (1, 6)')).toEqual([['1']]);
    expect(await go('fetch all c')).toBe('1 2 3 4 5');
    await c.all('commit');
  });

  it('keeps a portal of the protocol as it was, too', async () => {
    await c.all('begin');
    await c.session.parse('s', 'select id from t order by id', []);
    await c.session.bind('p', 's', []);
    const portal = async (maxRows: number): Promise<(string | null)[]> => {
      const sink = new CollectingSink(c.session);
      sink.setColumns(c.session.describePortal('p'));
      await c.session.execute('p', maxRows, sink, true);
      return sink.results[0]!.rows.map((r) => r[0]!);
    };
    const first = await portal(2);
    await c.all('update t set id = id + 100');
    expect([first, await portal(2), await portal(0)]).toEqual([['1', '2'], ['3', '4'], ['5']]);
    await c.all('rollback');
  });

  it('lives as long as its savepoint', async () => {
    await c.all(
      `begin; ${declare()}; savepoint s; declare b cursor for select id from t order by id; fetch c; fetch b`,
    );
    await c.all('rollback to s');
    expect(await go('fetch c')).toBe('2');
    expect(await c.error('fetch b')).toMatch(/^34000/);
    await c.all('rollback to s');
    expect(await go('fetch c')).toBe('3');
    expect(await c.error('select 1 / 0')).toMatch(/^22012/);
    expect(await c.error('fetch c')).toMatch(/^25P02/);
    await c.all('rollback to s; declare b cursor for select id from t; release s');
    expect([await go('fetch c'), await go('fetch b')]).toEqual(['4', '1']);
    await c.all('commit');
    expect(await c.error('fetch c')).toMatch(/^34000/);
  });

  it('goes on after a statement that was cancelled, and so does its transaction', async () => {
    const virtual = new VirtualServers();
    const x = await virtual.open(await virtual.start());
    const run = (text: string): Promise<(string | null)[][]> => virtual.run(x.rows(text));
    await run('create table t (id int primary key, v int); insert into t select g, g from generate_series(1, 5) g');
    await run(`begin; ${declare()}; fetch c; savepoint s; set local statement_timeout = 20`);
    expect(await virtual.run(x.error('select pg_sleep(5)'))).toMatch(/^57014/);
    await run('rollback to s; set local statement_timeout = 0');
    expect(await run('fetch c')).toEqual([['2']]);
    expect(await run('select count(*) from t')).toEqual([['5']]);
    await run('update t set v = 0 where id = 1; commit');
    expect(await run('select v from t where id = 1')).toEqual([['0']]);
  });

  it('gives nothing more once it has failed', async () => {
    await c.all('begin; declare c cursor for select 1 / (id - 2) from t order by id; savepoint s');
    // The first row is there before the second fails.
    expect(await go('fetch c')).toBe('-1');
    expect(await c.error('fetch c')).toMatch(/^22012/);
    await c.all('rollback to s');
    expect(await c.error('fetch c')).toBe('55000 portal "c" cannot be run');
  });
});

describe('WITH HOLD', () => {
  it('outlives the commit, an error and other transactions', async () => {
    await c.all(`begin; ${declare('')}`.replace('cursor', 'cursor with hold'));
    expect(await go('fetch 2 c')).toBe('1 2');
    await c.all('commit; delete from t');
    expect(await go('fetch c')).toBe('3');
    expect(await go('fetch prior c')).toBe('2');
    expect(await c.rows('select name, is_holdable, is_binary, is_scrollable from pg_cursors')).toEqual([
      ['c', 't', 'f', 't'],
    ]);
    expect(await c.error('select 1 / 0')).toMatch(/^22012/);
    await c.all('begin');
    expect(await c.error('select 1 / 0')).toMatch(/^22012/);
    await c.all('rollback');
    await c.all('begin');
    expect(await go('fetch all c')).toBe('3 4 5');
    await c.all('rollback');
    expect(await go('fetch prior c')).toBe('5');
    await c.all('close c');
    expect(await c.error('fetch c')).toMatch(/^34000/);
  });

  it('needs no block, and ends with CLOSE ALL, DISCARD ALL and the session', async () => {
    const hold = 'declare h no scroll cursor with hold for select id from t order by id';
    await c.all(hold);
    expect(await go('fetch 2 h')).toBe('1 2');
    expect(await c.error('fetch prior h')).toMatch(/^55000/);
    // A failed FETCH leaves it unusable, as PostgreSQL does.
    expect(await c.error('fetch h')).toBe('55000 portal "h" cannot be run');
    for (const end of ['close all', 'discard all']) {
      await c.all(end);
      expect(await c.error('fetch h')).toMatch(/^34000/);
      await c.all(hold);
    }
    expect(memoryUsed()).toBeGreaterThan(0);
    await c.session.close();
    expect(memoryUsed()).toBe(0);
  });

  it('is gone if its transaction is rolled back or its rows cannot be read', async () => {
    const hold = 'declare h cursor with hold for select 1 / (id - 3) from t order by id';
    await c.all(`begin; ${hold}; rollback`);
    expect(await c.error('fetch h')).toMatch(/^34000/);
    await c.all(`begin; insert into t values (7); ${hold}; fetch h`);
    expect(await c.error('commit')).toMatch(/^22012/);
    expect(await c.error('fetch h')).toMatch(/^34000/);
    expect(await c.rows('select count(*) from t')).toEqual([['5']]);
    expect(await c.error(hold)).toMatch(/^22012/);
    expect(memoryUsed()).toBe(0);
  });

  it('is gone if it failed before the commit, and stays what it is if it fails afterwards', async () => {
    await c.all('begin; declare h no scroll cursor with hold for select id from t order by id; fetch 2 h; savepoint s');
    expect(await c.error('fetch prior h')).toMatch(/^55000/);
    await c.all('rollback to s; commit');
    expect(await c.error('fetch h')).toMatch(/^34000/);
    expect(await c.rows('select * from pg_cursors')).toEqual([]);
  });

  it('is gone if the commit fails', async () => {
    const other = await Client.open(server);
    await c.all(
      'begin; declare h cursor with hold for select id from t; update t set v = (select count(*) from t) where id = 1',
    );
    await other.all('insert into t values (8)');
    expect(await c.error('commit')).toMatch(/^40001/);
    expect(await c.error('fetch h')).toMatch(/^34000/);
  });

  it('stays within the memory of a statement', async () => {
    await c.all("set statement_memory_limit = '1MB'");
    const big = 'cursor with hold for select repeat(g::text, 1000) from generate_series(1, 5000) g';
    expect(await c.error(`declare h ${big}`)).toMatch(/^53200/);
    expect(await c.error(`begin; declare h scroll ${big}; move all h`)).toMatch(/^53200/);
    await c.all('rollback');
    expect(memoryUsed()).toBe(0);
  });
});
