import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { LEASE_MS } from '../../../src/sql/catalog/catalog.js';
import type { Timers } from '../../../src/env/env.js';
import { createNodeEnv } from '../../../src/env/node/node-env.js';
import { LocalHub } from '../support/local-network.js';
import { MemoryDb, MemoryKv } from '../support/memory-kv.js';
import { Client, startServer } from '../support/server.js';
import { isPending, settle } from '../../support/pending.js';

let kv: MemoryKv;
let hub: LocalHub;
let servers: ManagedSqlServer[];
let a: Client;
let b: Client;
/** No timer that is set from now on ever fires. */
let stopped = false;
const machine = createNodeEnv({ logLevel: 'warn' }).timers;
const timers: Timers = {
  after: (ms, fn) => (stopped ? { cancel: () => undefined } : machine.after(ms, fn)),
  every: (ms, fn) => machine.every(ms, () => stopped || fn()),
  endOfTurn: (fn) => machine.endOfTurn(fn),
  sleep: (ms) => (stopped ? new Promise(() => undefined) : machine.sleep(ms)),
};

beforeEach(async () => {
  kv = new MemoryKv();
  hub = new LocalHub();
  servers = [];
  stopped = false;
  for (const node of [1, 2, 3])
    servers.push(await startServer(new MemoryDb(kv, node), { network: hub.network(node), timers }));
  a = await Client.open(servers[0]!);
  b = await Client.open(servers[1]!);
  await a.all('create table t (a int primary key, b int); insert into t values (1, 10)');
  expect(await b.rows('select * from t')).toEqual([['1', '10']]);
});

afterEach(() => Promise.all(servers.map((server) => server.close())));

describe('schema changes over nodes', () => {
  it('are seen by every node at once', async () => {
    await a.all('alter table t add column c int default 7');
    expect(await b.rows('select * from t')).toEqual([['1', '10', '7']]);
    await b.all('alter table t drop column b');
    expect(await a.rows('select * from t')).toEqual([['1', '7']]);
    await b.all('drop table t');
    expect(await a.error('select * from t')).toContain('42P01');
    await a.all('create table t (x text)');
    expect(await b.rows('select * from t')).toEqual([]);
    await b.all('truncate t; insert into t values (1)');
    expect(await a.rows('select * from t')).toEqual([['1']]);
  });

  it('wait for transactions that use the table, and make new users wait', async () => {
    await b.all('begin; insert into t values (2, 20)');
    const change = a.query('alter table t add column c int');
    expect(await isPending(change)).toBe(true);
    const late = await Client.open(servers[1]!);
    const reader = late.rows('select * from t order by a');
    expect(await isPending(reader)).toBe(true);
    // A transaction that has the table goes on with it.
    await b.all('update t set b = 21 where a = 2');
    await b.all('commit');
    expect((await change).tag).toBe('ALTER TABLE');
    expect(await reader).toEqual([
      ['1', '10', null],
      ['2', '21', null],
    ]);
  });

  it('leave nothing behind when they are rolled back', async () => {
    await a.all('begin; alter table t rename to u; create table t (z int)');
    const reader = b.rows('select * from t');
    expect(await isPending(reader)).toBe(true);
    await a.all('rollback');
    expect(await reader).toEqual([['1', '10']]);
    expect([...kv.versions].filter(([key, v]) => key.startsWith('\x03ddl/') && v.at(-1)!.value !== null)).toEqual([]);
  });

  it('give up when asked to', async () => {
    await b.all('begin; select * from t');
    await a.all("set lock_timeout = '30ms'");
    expect(await a.error('alter table t add column c int')).toBe('55P03 canceling statement due to lock timeout');
    expect((await b.query('select b from t')).rows).toEqual([['10']]);
    await b.all('commit');
    expect((await b.query('insert into t values (5, 5)')).tag).toBe('INSERT 0 1');
    await a.all('reset lock_timeout; alter table t add column c int');
  });

  it.each([0, 1, 2])('end at once when they are cancelled, whichever node they wait for (%i)', async (at) => {
    const user = await Client.open(servers[at]!);
    await user.all('begin; select * from t');
    const change = a.error('alter table t add column c int');
    expect(await isPending(change)).toBe(true);
    stopped = true;
    a.session.cancel();
    expect(await isPending(change)).toBe(false);
    expect(await change).toBe('57014 canceling statement due to user request');
    stopped = false;
    expect((await b.query('insert into t values (5, 5)')).tag).toBe('INSERT 0 1');
    await user.all('commit');
    await a.all('alter table t add column c int');
  });

  it('end at once when they are cancelled as they wait for another one', async () => {
    await b.all('begin; alter table t add column c int');
    stopped = true;
    const change = a.error('alter table t add column d int');
    expect(await isPending(change)).toBe(true);
    a.session.cancel();
    expect(await isPending(change)).toBe(false);
    expect(await change).toBe('57014 canceling statement due to user request');
    stopped = false;
    await b.all('commit');
    await a.all('alter table t add column d int');
  });

  it('make a waiting user honour its lock_timeout', async () => {
    await a.all('begin; alter table t add column c int');
    await b.all("set lock_timeout = '30ms'");
    expect(await b.error('select * from t')).toBe('55P03 canceling statement due to lock timeout');
    await a.all('commit');
    expect(await b.rows('select * from t')).toEqual([['1', '10', null]]);
  });

  it('wait for an unreachable node until its lease has ended', async () => {
    hub.down.add(2);
    servers[1]!.catalog.close();
    const before = hub.calls;
    let done = false;
    const change = a.query('alter table t add column c int').finally(() => (done = true));
    // It asks over and over.
    while (hub.calls < before + 6 && !done) await settle();
    expect(done).toBe(false);
    kv.clock += (LEASE_MS + 1) * 1000;
    expect((await change).tag).toBe('ALTER TABLE');
    hub.down.delete(2);
    expect(await b.rows('select * from t')).toEqual([['1', '10', null]]);
  });

  it('of a node that died are undone by the others', async () => {
    await a.all('begin; alter table t add column c int');
    hub.down.add(1);
    servers[0]!.catalog.close();
    const reader = b.rows('select * from t');
    expect(await isPending(reader)).toBe(true);
    kv.breakLocks(1);
    kv.clock += (LEASE_MS + 1) * 1000;
    expect(await reader).toEqual([['1', '10']]);
    // The dead node's late commit must fail.
    hub.down.delete(1);
    expect(await a.error('commit')).toContain('40001');
    expect(await b.rows('select * from t')).toEqual([['1', '10']]);
  });

  it('of two nodes on one table come one after the other', async () => {
    const all = await Promise.all([
      a.query('alter table t add column c int'),
      b.query('alter table t add column d int'),
      (await Client.open(servers[2]!)).query('alter table t add column e int'),
    ]);
    expect(all.map((r) => r.tag)).toEqual(['ALTER TABLE', 'ALTER TABLE', 'ALTER TABLE']);
    expect((await b.query('select * from t')).columns.sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('let two nodes create one name only once', async () => {
    const outcomes = await Promise.all(
      [a, b].map(async (c) => {
        try {
          return (await c.query('create table same (a int)')).tag;
        } catch (error) {
          return (error as { sqlstate: string }).sqlstate;
        }
      }),
    );
    expect(outcomes.sort()).toEqual(['42P07', 'CREATE TABLE']);
  });

  it('restart a transaction whose snapshot is older than a rewrite', async () => {
    await a.all('create table h (x int); insert into h values (1), (2)');
    await b.all('begin isolation level repeatable read; select * from t');
    await a.all('alter table h add primary key (x)');
    expect(await b.error('select * from h')).toContain('40001');
    await b.all('rollback');
    expect(await b.rows('select count(*) from h')).toEqual([['2']]);
  });

  it('leave a commit to fail after the lease lapsed', async () => {
    await b.all('begin; insert into t values (9, 9)');
    kv.clock += (LEASE_MS + 1) * 1000;
    expect(await b.error('commit')).toContain('40001');
    expect(await b.rows('select count(*) from t')).toEqual([['1']]);
  });
});

describe('a lock that was given up', () => {
  it.each(['LOCK TABLE t', 'ALTER TABLE t ADD COLUMN w int', 'TRUNCATE t'])('is not had after it: %s', async (text) => {
    await b.all('begin; insert into t values (2, 2)');
    await a.all("set lock_timeout = '10ms'; begin; savepoint s");
    for (let i = 0; i < 2; i++) {
      expect(await a.error(text)).toBe('55P03 canceling statement due to lock timeout');
      await a.all('rollback to s');
    }
    await a.all('commit');
    await b.all('insert into t values (3, 3); commit');
    expect(await a.rows('select count(*) from t')).toEqual([['3']]);
    // And keeps nobody away.
    await b.all(`begin; set local lock_timeout = '10ms'; ${text}; commit`);
  });

  it('is not had again if a node may hear late that it was', async () => {
    const c = await Client.open(servers[2]!);
    await c.all('select * from t');
    await b.all('begin; insert into t values (2, 2)');
    await a.all("set lock_timeout = '400ms'; begin; savepoint s");
    const before = hub.calls;
    const error = a.error('alter table t add column w int');
    // Both have been asked, and one of them has not given it.
    while (hub.calls < before + 2) await settle();
    await settle();
    hub.down.add(3);
    expect(await error).toMatch(/^55P03/);
    hub.down.delete(3);
    await b.all('commit');
    await a.all('rollback to s');
    expect(await a.error('alter table t add column w int')).toMatch(/^40001 a schema lock/);
    await a.all('rollback; reset lock_timeout; alter table t add column w int');
    expect(await c.rows('select * from t order by 1')).toEqual([
      ['1', '10', null],
      ['2', '2', null],
    ]);
  });

  it('is had when it is taken again', async () => {
    await b.all('begin; insert into t values (2, 2)');
    await a.all("set lock_timeout = '10ms'; begin; savepoint s");
    expect(await a.error('alter table t add column w int default 7')).toMatch(/^55P03/);
    await b.all('commit');
    await a.all('rollback to s; alter table t add column w int default 7; savepoint r; truncate t; rollback to r');
    await b.all("set lock_timeout = '10ms'");
    expect(await b.error('insert into t values (3, 3)')).toMatch(/^55P03/);
    await a.all('commit');
    await b.all('insert into t values (3, 3)');
    expect(await b.rows('select * from t order by 1')).toEqual([
      ['1', '10', '7'],
      ['2', '2', '7'],
      ['3', '3', '7'],
    ]);
  });
});

describe('a second change of a transaction, which has used tables since the first', () => {
  // One of both ends after five seconds: neither has its lock, and so no deadlock is seen.
  it('lets nobody change in between what it has written to', async () => {
    const admin = await Client.open(servers[0]!);
    await a.all('create table other (id int); begin; alter table other add column w int; insert into t values (2, 2)');
    const pid = (await b.rows('select pg_backend_pid()'))[0]![0]!;
    const indexing = b.all('create index t_b on t (b)').catch((error: unknown) => String(error));
    for (let found = '{}'; found === '{}';) found = (await admin.rows(`select pg_blocking_pids(${pid})`))[0]![0]!;
    const changed = a.all('alter table t add column w int; commit').catch((error: unknown) => String(error));
    await Promise.all([indexing, changed]);
    await a.all('rollback');
    const byTable = await admin.rows('select a from t where b + 0 = 2');
    expect(await admin.rows('select a from t where b = 2')).toEqual(byTable);
  }, 20_000);
});

describe('sequences over nodes', () => {
  it('never give a value twice, and follow setval', async () => {
    await a.all('create sequence s');
    const seen = new Set<string>();
    for (let i = 0; i < 50; i++) {
      for (const c of [a, b]) {
        const value = (await c.rows("select nextval('s')"))[0]![0]!;
        expect(seen.has(value)).toBe(false);
        seen.add(value);
      }
    }
    await a.all("select setval('s', 10000)");
    expect(await b.rows("select nextval('s')")).toEqual([['10001']]);
  });
});
