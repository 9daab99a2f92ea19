import { beforeEach, describe, expect, it } from 'vitest';
import { Client, CollectingSink, startServer } from '../support/server.js';
import { MemoryDb } from '../support/memory-kv.js';
import { VirtualServers } from '../support/virtual-server.js';
import { ambiguousError } from '../../../src/txn/txn-errors.js';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';

let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
  await c.all('create table t (a int primary key, b int); insert into t values (1, 10), (2, 20)');
});
const status = (x: Client): string => x.session.transactionStatus;

describe('transaction blocks', () => {
  it('begins, fails, ignores and rolls back', async () => {
    expect((await c.query('begin')).tag).toBe('BEGIN');
    expect(status(c)).toBe('T');
    await c.all('begin');
    expect(c.notices).toEqual(['WARNING: there is already a transaction in progress']);
    await c.all('update t set b = 0 where a = 1');
    expect(await c.error('select 1/0')).toBe('22012 division by zero');
    expect(status(c)).toBe('E');
    expect(await c.error('select 1')).toBe(
      '25P02 current transaction is aborted, commands ignored until end of transaction block',
    );
    expect((await c.query('commit')).tag).toBe('ROLLBACK');
    expect(status(c)).toBe('I');
    expect(await c.rows('select b from t where a = 1')).toEqual([['10']]);
    await c.all('commit');
    expect(c.notices).toEqual(['WARNING: there is no transaction in progress']);
  });

  it('runs several statements of one text as one transaction', async () => {
    expect(await c.error('insert into t values (3, 30); select 1/0; insert into t values (4, 40)')).toContain('22012');
    expect(await c.rows('select count(*) from t')).toEqual([['2']]);
    expect((await c.all('insert into t values (3, 30); select count(*) from t')).map((r) => r.tag)).toEqual([
      'INSERT 0 1',
      'SELECT 1',
    ]);
    await c.all('insert into t values (4, 40); begin; insert into t values (5, 50)');
    expect(status(c)).toBe('T');
    await c.all('rollback');
    expect(await c.rows('select count(*) from t')).toEqual([['3']]);
  });

  it('takes several statements of one text for a block where there must or must not be one', async () => {
    const quiet = async (text: string): Promise<(string | null)[][][]> => {
      const results = await c.all(text);
      expect(c.notices).toEqual([]);
      return results.map((r) => r.rows.map((row) => [...row]));
    };
    expect(await quiet("set local work_mem = '1MB'; show work_mem")).toEqual([[], [['1MB']]]);
    expect(await c.rows('show work_mem')).toEqual([['4MB']]);
    expect(await quiet('set transaction read only; show transaction_read_only')).toEqual([[], [['on']]]);
    expect(await c.rows('show transaction_read_only')).toEqual([['off']]);
    expect(await quiet('lock table t; set constraints all deferred; select 1')).toEqual([[], [], [['1']]]);
    expect(await quiet('declare k cursor for select a from t order by a; fetch k')).toEqual([[], [['1']]]);
    expect(await c.error('fetch k')).toBe('34000 cursor "k" does not exist');
    for (const command of ['VACUUM', 'CREATE DATABASE d', 'CREATE INDEX CONCURRENTLY on t (b)', 'DISCARD ALL']) {
      const name = command.replace(/ (d|on t .*)$/, '');
      expect(await c.error(`select 1; ${command}`)).toBe(`25001 ${name} cannot run inside a transaction block`);
      expect(await c.error(`select 1; commit; ${command}`)).toBe(`25001 ${name} cannot run inside a transaction block`);
    }
    expect(await c.error('select 1; savepoint s')).toBe('25P01 SAVEPOINT can only be used in transaction blocks');
    await c.all('lock table t; select 1');
    expect(await c.error('lock table t')).toBe('25P01 LOCK TABLE can only be used in transaction blocks');
    await c.all('vacuum');
  });

  it('has savepoints', async () => {
    await c.all(
      'begin; insert into t values (3, 30); savepoint s; insert into t values (4, 40); create table u (x int)',
    );
    expect(await c.error('insert into t values (3, 0)')).toContain('23505');
    expect((await c.query('rollback to s')).tag).toBe('ROLLBACK');
    expect(status(c)).toBe('T');
    expect(await c.rows('select count(*) from t')).toEqual([['3']]);
    expect(await c.error('select * from u')).toContain('42P01');
    await c.all('rollback to s; release s; commit');
    expect(await c.rows('select count(*) from t')).toEqual([['3']]);
    expect(await c.error('savepoint x')).toContain('25P01');
  });

  it('knows its modes', async () => {
    expect(await c.rows('show transaction_isolation')).toEqual([['serializable']]);
    await c.all('begin isolation level read committed read only');
    expect(await c.rows('show transaction_isolation')).toEqual([['read committed']]);
    expect(await c.error('insert into t values (9, 9)')).toBe('25006 cannot execute INSERT in a read-only transaction');
    await c.all('rollback; begin; select 1 from t');
    expect(await c.error('set transaction isolation level read committed')).toContain('25001');
    await c.all('rollback; set session characteristics as transaction isolation level repeatable read');
    expect(await c.rows('show transaction_isolation')).toEqual([['repeatable read']]);
    await c.all('begin; set transaction isolation level serializable');
    expect(await c.rows('show transaction_isolation')).toEqual([['serializable']]);
    await c.all('commit; set default_transaction_read_only = on');
    expect(await c.error('create table x (a int)')).toContain('25006');
  });
});

describe('conflicts', () => {
  it('repeats an implicit statement that lost', async () => {
    const d = await Client.open(server);
    await d.all('begin; update t set b = b + 1 where a = 1');
    const waiting = c.query('update t set b = b + 100 where a = 1');
    await d.all('commit');
    expect((await waiting).tag).toBe('UPDATE 1');
    expect(await c.rows('select b from t where a = 1')).toEqual([['111']]);
  });

  it('repeats the first statement of a block, and reports a later one', async () => {
    const d = await Client.open(server);
    await c.all('begin');
    await d.all('begin; update t set b = 5 where a = 1');
    const waiting = c.query('update t set b = b + 1 where a = 1');
    await d.all('commit');
    expect((await waiting).tag).toBe('UPDATE 1');
    await c.all('commit');
    expect(await c.rows('select b from t where a = 1')).toEqual([['6']]);

    await c.all('begin; select b from t where a = 2');
    await d.all('update t set b = 0 where a = 2');
    expect(await c.error('update t set b = b + 1 where a = 2')).toContain('40001');
    await c.all('rollback');
  });

  it('loses no update among many clients', async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => Client.open(server)));
    await Promise.all(
      clients.map(async (x) => {
        for (let i = 0; i < 10; i++) await x.query('update t set b = b + 1 where a = 1');
      }),
    );
    expect(await c.rows('select b from t where a = 1')).toEqual([['90']]);
  });
});

describe('cancel, time-outs, the end', () => {
  it('cancels what waits', async () => {
    const d = await Client.open(server);
    await d.all('begin; update t set b = 1 where a = 1');
    const waiting = c.error('update t set b = 2 where a = 1');
    await new Promise((resolve) => setImmediate(resolve));
    server.cancel(c.session.processId, c.session.secretKey + 1);
    server.cancel(c.session.processId, c.session.secretKey);
    expect(await waiting).toBe('57014 canceling statement due to user request');
    expect(await c.rows('select 1')).toEqual([['1']]);
    await d.session.close();
    expect((await c.query('update t set b = 2 where a = 1')).tag).toBe('UPDATE 1');
  });

  it('times out each statement by what is set before it, several in one text too', async () => {
    const virtual = new VirtualServers();
    const timed = await virtual.start();
    const [x, y] = [await virtual.open(timed), await virtual.open(timed)];
    const run = <T>(work: Promise<T>): Promise<T> => virtual.run(work);
    const nowMs = (): number => virtual.time.clock().monotonicMs();
    await run(x.all('create table t (a int primary key, b int); insert into t values (1, 10)'));
    await run(y.all('begin; update t set b = 1 where a = 1'));
    const timeout = '57014 canceling statement due to statement timeout';
    await run(x.all('set statement_timeout = 20'));
    expect(await run(x.error('update t set b = 2 where a = 1'))).toBe(timeout);
    await run(x.all('reset statement_timeout'));
    const several = "set statement_timeout = '10s'; set statement_timeout = '20ms'; update t set b = 2 where a = 1";
    const before = nowMs();
    expect(await run(x.error(several))).toBe(timeout);
    expect(nowMs() - before).toBeLessThan(1000);
    await run(x.all("set statement_timeout = '80ms'"));
    expect(await run(x.all('select pg_sleep(0.05); select pg_sleep(0.05)'))).toHaveLength(2);
    expect(await run(x.error('select pg_sleep(0.05); select pg_sleep(0.09)'))).toBe(timeout);
    await run(x.all('set statement_timeout = 0'));
    await run(y.session.close());
    expect((await run(x.query('update t set b = 2 where a = 1'))).tag).toBe('UPDATE 1');
  });

  it('drains', async () => {
    const d = await Client.open(server);
    await d.all('begin; update t set b = 77 where a = 1');
    const drained = server.drain(10_000);
    expect(await c.error('select 1')).toContain('57P01');
    await d.all('commit');
    await drained;
    await expect(Client.open(server)).rejects.toThrow('terminating connection');
  });

  it.each([
    ['', 'while its session ends', false],
    ['declare h cursor with hold for select 1', 'beside a held cursor', true],
  ])(
    'tells nobody that a statement failed which the end of the server found committed %s',
    async (before, _, early) => {
      const d = await Client.open(server);
      if (before !== '') await d.all(before);
      const { session } = d;
      await session.parse('', 'insert into t values ($1, $2)', []);
      await session.bind('', '', [
        { format: 0, bytes: Buffer.from('900') },
        { format: 0, bytes: Buffer.from('9') },
      ]);
      await session.execute('', 0, new CollectingSink(session), true);
      // The statement is over for the server, and its client has not been told: Sync comes after it.
      const drained = server.drain(10_000);
      if (!early) await drained;
      await session.sync();
      expect(session.transactionStatus).toBe('I');
      await drained;
      // The session's end is told after that.
      expect(() => session.takeNotifications()).toThrow('terminating connection');
    },
  );

  it('leaves open whether a commit happened that nobody knows of, though its statement was cancelled', async () => {
    const db = new MemoryDb();
    const lost = await startServer(db);
    const e = await Client.open(lost);
    await e.all('create table t (a int primary key)');
    const begin = db.begin.bind(db);
    const during = (act: () => void): void => {
      db.begin = (options) => {
        const txn = begin(options);
        txn.commit = async () => {
          act();
          await txn.rollback();
          throw ambiguousError('nobody answers');
        };
        return txn;
      };
    };
    during(() => e.session.cancel());
    expect(await e.error('insert into t values (1)')).toContain('40003');
    during(() => void e.session.close());
    expect(await e.error('insert into t values (2)')).toContain('40003');
    expect(await e.error('select 1')).toContain('57P01');
  });
});

describe('settings', () => {
  it('are set, shown and rolled back', async () => {
    await c.all(
      "set application_name = 'x'; set work_mem = '64MB'; set timezone = 'europe/berlin'; set statement_timeout = '1min'",
    );
    expect(await c.rows('show application_name')).toEqual([['x']]);
    expect(await c.rows('show work_mem')).toEqual([['64MB']]);
    expect(await c.rows('show timezone')).toEqual([['Europe/Berlin']]);
    expect(await c.rows('show statement_timeout')).toEqual([['1min']]);
    expect(await c.error('set nosuch = 1')).toBe('42704 unrecognized configuration parameter "nosuch"');
    expect(await c.error("set bytea_output = 'odd'")).toContain('22023');
    expect(await c.error("set client_encoding = 'latin-11'")).toContain('22023');
    await c.all("begin; set application_name = 'y'; set local extra_float_digits = 0");
    expect(await c.rows('show application_name')).toEqual([['y']]);
    expect(await c.rows('show extra_float_digits')).toEqual([['0']]);
    await c.all('rollback');
    expect(await c.rows('show application_name')).toEqual([['x']]);
    expect(await c.rows('show extra_float_digits')).toEqual([['1']]);
    await c.all("begin; set local application_name = 'z'; commit");
    expect(await c.rows('show application_name')).toEqual([['x']]);
    await c.all('reset all');
    expect(await c.rows('show application_name')).toEqual([['']]);
    expect(await c.rows("select current_setting('server_version')")).toEqual([['15.13']]);
    expect(await c.rows("select set_config('app.user', 'me', false)")).toEqual([['me']]);
    expect(await c.rows("select current_setting('app.user')")).toEqual([['me']]);
    expect((await c.query('show all')).columns).toEqual(['name', 'setting', 'description']);
  });
});

describe('prepared statements, portals and cursors', () => {
  it('prepares and executes by SQL', async () => {
    await c.all('prepare q (int) as select b from t where a = $1');
    expect(await c.rows('execute q (2)')).toEqual([['20']]);
    expect(await c.error('execute q')).toContain('wrong number of parameters');
    await c.all('deallocate q');
    expect(await c.error('execute q (1)')).toBe('26000 prepared statement "q" does not exist');
  });

  it('walks cursors', async () => {
    await c.all('begin; declare k cursor for select a from t order by a');
    expect(await c.query('fetch 1 from k')).toMatchObject({ rows: [['1']], tag: 'FETCH 1' });
    expect(await c.query('fetch all from k')).toMatchObject({ rows: [['2']], tag: 'FETCH 1' });
    expect(await c.query('fetch k')).toMatchObject({ rows: [], tag: 'FETCH 0' });
    await c.all('close k; commit');
    expect(await c.error('fetch k')).toContain('34000');
  });

  it('explains', async () => {
    expect((await c.query('explain select * from t where a = 1')).columns).toEqual(['QUERY PLAN']);
    expect((await c.rows('explain analyze select * from t')).at(-1)![0]).toContain('Execution Time');
  });

  it('follows changes of the table under a prepared statement', async () => {
    await c.run('select a, b from t where a = $1', ['1'], 'p');
    const d = await Client.open(server);
    await d.all('alter table t add column z int default 5');
    expect((await c.run('', ['1'], 'p')).rows).toEqual([['1', '10']]);
    await c.run('select * from t where a = $1', ['1'], 'star');
    await d.all('alter table t drop column z');
    await expect(c.run('', ['1'], 'star')).rejects.toThrow('cached plan must not change result type');
    // Another session may have planned the text since.
    await c.run('select * from t where a = 1', [], 'all');
    await d.all('alter table t add column z int default 5');
    await d.all('select * from t where a = 1');
    for (const _ of [1, 2])
      await expect(c.run('', [], 'all')).rejects.toThrow('cached plan must not change result type');
  });

  it('keeps the types that were found for parameters', async () => {
    const text = 'select b from t where a = $1';
    expect((await c.run(text, ['1'], 'typed')).rows).toEqual([['10']]);
    const d = await Client.open(server);
    await d.all('alter table t alter a type bigint');
    expect((await c.run('', ['1'], 'typed')).rows).toEqual([['10']]);
    await d.all('alter table t alter a type text');
    for (const _ of [1, 2])
      await expect(c.run('', ['1'], 'typed')).rejects.toThrow('operator does not exist: text = integer');
    expect((await c.run(text, ['1'], 'again')).rows).toEqual([['10']]);
  });

  it('copies in and out', async () => {
    expect((await c.all('copy t from stdin', ['3\t30\n4\t', '\\N\n']))[0]!.tag).toBe('COPY 2');
    expect(await c.rows('select * from t where a > 2 order by a')).toEqual([
      ['3', '30'],
      ['4', null],
    ]);
    const out = await c.all('copy t to stdout');
    expect(out[0]!.tag).toBe('COPY 4');
  });

  it('copies frozen rows only into what the same subtransaction has made or emptied', async () => {
    const freeze = (): Promise<unknown> => c.all('copy t from stdin (freeze)', ['3\t30\n']);
    const refused = 'the table was not created or truncated in the current subtransaction';
    await expect(freeze()).rejects.toThrow(refused);
    const after = async (...statements: readonly string[]): Promise<void> => {
      await c.all('rollback');
      for (const statement of ['begin', ...statements]) await c.all(statement);
    };
    await after('truncate t');
    await freeze();
    await after('truncate t', 'savepoint s');
    await expect(freeze()).rejects.toThrow(refused);
    await after('savepoint s', 'truncate t', 'rollback to s');
    await expect(freeze()).rejects.toThrow(refused);
    await after('savepoint s', 'truncate t', 'release s');
    await freeze();
    await after('truncate t', 'savepoint s', 'release s');
    await freeze();
    await after('savepoint s', 'truncate t', 'savepoint u', 'rollback to s');
    await expect(freeze()).rejects.toThrow(refused);
    await c.all('rollback');
    expect(await c.rows('select count(*) from t where a = 3')).toEqual([['0']]);
  });
});
