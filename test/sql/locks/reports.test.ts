/** pg_locks over several nodes, one of which may not answer; signals to sessions of others. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { LocalHub } from '../support/local-network.js';
import { MemoryDb, MemoryKv } from '../support/memory-kv.js';
import { Client, startServer } from '../support/server.js';

/** The third one’s number is longer than what process ids have of it. */
const NODES = [1, 2, 2_051];

let hub: LocalHub;
let servers: ManagedSqlServer[];
beforeEach(async () => {
  hub = new LocalHub();
  servers = [];
  const kv = new MemoryKv();
  for (const node of NODES) servers.push(await startServer(new MemoryDb(kv, node), { network: hub.network(node) }));
});
afterEach(async () => {
  hub.down.clear();
  await Promise.all(servers.map((server) => server.close()));
});

async function pidOf(client: Client): Promise<number> {
  return Number((await client.rows('SELECT pg_backend_pid()'))[0]![0]);
}
const open = (at: number): Promise<Client> => Client.open(servers[at]!);

it('each session is listed once, and those of a node that does not answer are not', async () => {
  const [a, b, c] = [await open(0), await open(1), await open(2)];
  await a.all('CREATE TABLE t (id int PRIMARY KEY)');
  for (const client of [a, b, c]) await client.all('BEGIN; SELECT * FROM t');
  const pids = [await pidOf(a), await pidOf(b), await pidOf(c)];
  const listed = async (): Promise<(string | null)[]> =>
    (
      await a.rows(
        "SELECT pid FROM pg_locks WHERE relation = 't'::regclass AND mode = 'AccessShareLock' AND pid <> 0 ORDER BY 1",
      )
    ).map(([pid]) => pid!);
  const sorted = (some: readonly number[]): string[] => some.toSorted((x, y) => x - y).map(String);
  expect(await listed()).toEqual(sorted(pids));
  hub.down.add(2);
  expect(await listed()).toEqual(sorted([pids[0]!, pids[2]!]));
});

it('a session of another node is cancelled and lives, or ended', async () => {
  const [a, c] = [await open(0), await open(2)];
  await a.all('CREATE TABLE t (id int PRIMARY KEY)');
  const pid = await pidOf(c);
  expect(await a.rows(`SELECT pg_cancel_backend(${pid})`)).toEqual([['f']]);
  await c.all('BEGIN; SELECT * FROM t; SAVEPOINT s');
  const sleeping = c.error('SELECT pg_sleep(600)');
  expect(await a.rows(`SELECT pg_cancel_backend(${pid})`)).toEqual([['t']]);
  expect(await sleeping).toBe('57014 canceling statement due to user request');
  await c.all('ROLLBACK TO s');
  expect(await c.rows('SELECT 1')).toEqual([['1']]);
  expect(await a.rows(`SELECT pg_terminate_backend(${pid})`)).toEqual([['t']]);
  expect(await c.error('SELECT 1')).toBe('57P01 terminating connection due to administrator command');
  expect(await a.rows(`SELECT pg_terminate_backend(${pid})`)).toEqual([['f']]);
});

it('a transaction of very many statements keeps the locks of the first', async () => {
  const [a, b] = [await open(0), await open(1)];
  await a.all('CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int)');
  await a.all('BEGIN; SELECT * FROM t FOR UPDATE; INSERT INTO u VALUES (1)');
  for (let i = 0; i < 600; i++) await a.all(`SELECT 1 AS c${i}`);
  const text =
    "SELECT relation::regclass::text, mode FROM pg_locks WHERE relation IN ('t'::regclass, 'u'::regclass) ORDER BY 1, 2";
  const locks = [
    ['t', 'AccessShareLock'],
    ['t', 'RowShareLock'],
    ['u', 'RowExclusiveLock'],
  ];
  expect(await a.rows(text)).toEqual(locks);
  expect(await b.rows(text)).toEqual(locks);
  await a.all('COMMIT');
  expect(await a.rows(text)).toEqual([]);
});
