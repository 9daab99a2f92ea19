/** LOCK TABLE between sessions of two nodes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { LocalHub } from '../support/local-network.js';
import { MemoryDb, MemoryKv } from '../support/memory-kv.js';
import { Client, startServer } from '../support/server.js';

let servers: ManagedSqlServer[];
let a: Client;
let b: Client;
beforeEach(async () => {
  const hub = new LocalHub();
  const kv = new MemoryKv();
  servers = [];
  for (const node of [1, 2]) servers.push(await startServer(new MemoryDb(kv, node), { network: hub.network(node) }));
  [a, b] = [await Client.open(servers[0]!), await Client.open(servers[1]!)];
  await a.all('CREATE TABLE t (id int, v int); INSERT INTO t VALUES (1, 1)');
});
afterEach(() => Promise.all(servers.map((server) => server.close())));

const NOT_NOW = '55P03 could not obtain lock on relation "t"';
const pidOf = async (client: Client): Promise<string> => (await client.rows('SELECT pg_backend_pid()'))[0]![0]!;

/** Until the session waits for a lock. */
async function blockers(of: string): Promise<string> {
  const admin = await Client.open(servers[0]!);
  for (;;) {
    const [[found]] = (await admin.rows(`SELECT pg_blocking_pids(${of})`)) as [[string]];
    if (found !== '{}') return found;
  }
}

describe.each(['SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE'])('in %s mode', (mode) => {
  it('keeps writers away to the end of the transaction', async () => {
    await a.all(`BEGIN; LOCK TABLE t IN ${mode} MODE`);
    const pid = await pidOf(b);
    let done = false;
    const writing = b.all('INSERT INTO t VALUES (2, 2)').then(() => (done = true));
    expect(await blockers(pid)).toBe(`{${await pidOf(a)}}`);
    await a.all('UPDATE t SET v = 10; SELECT * FROM t');
    expect(done).toBe(false);
    await a.all('COMMIT');
    await writing;
    expect(await b.rows('SELECT * FROM t ORDER BY 1')).toEqual([
      ['1', '10'],
      ['2', '2'],
    ]);
  });

  it.each(['READ COMMITTED', 'SERIALIZABLE'])('waits for writers, and sees then what they wrote: %s', async (level) => {
    await b.all('BEGIN; UPDATE t SET v = v + 1');
    await a.all(`BEGIN ISOLATION LEVEL ${level}`);
    const pid = await pidOf(a);
    const locking = a.all(`LOCK TABLE t IN ${mode} MODE`);
    expect(await blockers(pid)).toBe(`{${await pidOf(b)}}`);
    await b.all('COMMIT');
    await locking;
    expect(await a.rows('SELECT v FROM t')).toEqual([['2']]);
    await a.all('UPDATE t SET v = v + 1; COMMIT');
    expect(await b.rows('SELECT v FROM t')).toEqual([['3']]);
  });

  it('does not wait for them if it shall not', async () => {
    await b.all('BEGIN; UPDATE t SET v = v + 1');
    await a.all('BEGIN');
    expect(await a.error(`LOCK TABLE t IN ${mode} MODE NOWAIT`)).toBe(NOT_NOW);
    await a.all("ROLLBACK; BEGIN; SET LOCAL lock_timeout = '10ms'");
    expect(await a.error(`LOCK TABLE t IN ${mode} MODE`)).toBe('55P03 canceling statement due to lock timeout');
    await a.all('ROLLBACK');
    await b.all('COMMIT');
    await a.all(`BEGIN; LOCK TABLE t IN ${mode} MODE NOWAIT; COMMIT`);
  });

  it('is passed over by VACUUM and ANALYZE that skip what is locked', async () => {
    await a.all('CREATE TABLE u (id int)');
    await a.all(`BEGIN; LOCK TABLE t IN ${mode} MODE`);
    for (const [statement, what] of [
      ['VACUUM (SKIP_LOCKED)', 'vacuum'],
      ['VACUUM (SKIP_LOCKED, ANALYZE)', 'vacuum'],
      ['ANALYZE (SKIP_LOCKED)', 'analyze'],
    ]) {
      expect(await b.query(`${statement} t, u`)).toMatchObject({ tag: what!.toUpperCase() });
      expect(b.notices).toEqual([`WARNING: skipping ${what} of "t" --- lock not available`]);
    }
    expect(await b.error('VACUUM (SKIP_LOCKED) t, nosuch')).toBe('42P01 relation "nosuch" does not exist');
    await b.all("SET lock_timeout = '10ms'");
    expect(await b.error('ANALYZE (SKIP_LOCKED off) t')).toBe('55P03 canceling statement due to lock timeout');
    await a.all('COMMIT');
    await b.query('ANALYZE (SKIP_LOCKED) t');
    expect(b.notices).toEqual([]);
  });

  it('goes with its transaction', async () => {
    for (const end of ['ROLLBACK', 'ROLLBACK TO s; INSERT INTO t VALUES (3, 3); COMMIT']) {
      await a.all(`BEGIN; SAVEPOINT s; LOCK TABLE t IN ${mode} MODE; ${end}`);
      await b.all('UPDATE t SET v = v + 1');
    }
    expect(await b.rows('SELECT * FROM t ORDER BY 1')).toEqual([
      ['1', '3'],
      ['3', '4'],
    ]);
  });
});

it('numbers without gaps at READ COMMITTED', async () => {
  const clients = [a, b, await Client.open(servers[0]!), await Client.open(servers[1]!)];
  const each = async (client: Client): Promise<void> => {
    for (let i = 0; i < 5; i++)
      await client.all(`
        BEGIN ISOLATION LEVEL READ COMMITTED;
        LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE;
        INSERT INTO t SELECT max(id) + 1, 0 FROM t;
        COMMIT`);
  };
  await Promise.all(clients.map(each));
  expect(await a.rows('SELECT count(*), count(DISTINCT id), max(id) FROM t')).toEqual([['21', '21', '21']]);
});

describe('in SHARE UPDATE EXCLUSIVE mode', () => {
  it('keeps its like away, and nobody else', async () => {
    await a.all('BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE');
    await b.all('INSERT INTO t VALUES (2, 2); BEGIN');
    expect(await b.error('LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE NOWAIT')).toBe(NOT_NOW);
    await b.all('ROLLBACK; BEGIN; LOCK TABLE t IN ROW EXCLUSIVE MODE; COMMIT; BEGIN');
    const pid = await pidOf(b);
    const waiting = b.all('LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE');
    expect(await blockers(pid)).toBe(`{${await pidOf(a)}}`);
    const locks =
      "SELECT mode, granted FROM pg_locks WHERE relation = 't'::regclass AND mode LIKE 'ShareUpd%' ORDER BY 2";
    expect(await a.rows(locks)).toEqual([
      ['ShareUpdateExclusiveLock', 'f'],
      ['ShareUpdateExclusiveLock', 't'],
    ]);
    await a.all('COMMIT');
    await waiting;
    await b.all('COMMIT');
  });

  it('suits no stronger one', async () => {
    await a.all('BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE');
    await b.all('BEGIN');
    expect(await b.error('LOCK TABLE t IN SHARE MODE NOWAIT')).toBe(NOT_NOW);
    await b.all('ROLLBACK');
    await a.all('COMMIT; BEGIN; LOCK TABLE t IN SHARE MODE');
    await b.all('BEGIN');
    expect(await b.error('LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE NOWAIT')).toBe(NOT_NOW);
  });
});

it('weak locks keep only strong ones away', async () => {
  for (const mode of ['ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE']) {
    await a.all(`BEGIN; LOCK TABLE t IN ${mode} MODE`);
    await b.all(`UPDATE t SET v = 1; BEGIN; LOCK TABLE t IN ${mode} MODE; COMMIT; BEGIN`);
    expect(await b.error('LOCK TABLE t NOWAIT')).toBe(NOT_NOW);
    await b.all('ROLLBACK');
    await a.all('COMMIT');
  }
});

it('a view is locked with the tables that it reads', async () => {
  await a.all('CREATE VIEW w AS SELECT * FROM t; BEGIN; LOCK TABLE w IN EXCLUSIVE MODE');
  await b.all("SET lock_timeout = '10ms'");
  expect(await b.error('INSERT INTO t VALUES (2, 2)')).toBe('55P03 canceling statement due to lock timeout');
  await a.all('COMMIT');
  await b.all('INSERT INTO t VALUES (2, 2)');
});

it('locks within a function', async () => {
  await a.all(`CREATE FUNCTION take() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN LOCK TABLE t IN EXCLUSIVE MODE; RETURN (SELECT max(id) FROM t); END $$`);
  await a.all('BEGIN; SELECT take()');
  await b.all('BEGIN');
  expect(await b.error('LOCK TABLE t IN ROW EXCLUSIVE MODE NOWAIT')).toBe(NOT_NOW);
  await b.all('ROLLBACK');
  await a.all('COMMIT');
});
