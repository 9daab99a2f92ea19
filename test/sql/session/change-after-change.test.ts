/** A schema change in a transaction that has made one before, and has used tables since. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { LocalHub } from '../support/local-network.js';
import { MemoryDb, MemoryKv } from '../support/memory-kv.js';
import { Client, startServer } from '../support/server.js';

let servers: ManagedSqlServer[];
beforeEach(async () => {
  const hub = new LocalHub();
  const kv = new MemoryKv();
  servers = [];
  for (const node of [1, 2]) servers.push(await startServer(new MemoryDb(kv, node), { network: hub.network(node) }));
});
afterEach(() => Promise.all(servers.map((server) => server.close())));

// One of both ends after five seconds: neither has its lock, and so no deadlock is seen.
it('lets nobody change in between what it has written to', async () => {
  const [a, b, admin] = [
    await Client.open(servers[0]!),
    await Client.open(servers[1]!),
    await Client.open(servers[0]!),
  ];
  await a.all('CREATE TABLE other (id int); CREATE TABLE t (id int PRIMARY KEY, v int)');
  await a.all('BEGIN; ALTER TABLE other ADD COLUMN w int; INSERT INTO t VALUES (1, 1)');
  const pid = (await b.rows('SELECT pg_backend_pid()'))[0]![0]!;
  const indexing = b.all('CREATE INDEX t_v ON t (v)').catch((error: unknown) => String(error));
  for (let found = '{}'; found === '{}';) found = (await admin.rows(`SELECT pg_blocking_pids(${pid})`))[0]![0]!;
  const changed = a.all('ALTER TABLE t ADD COLUMN w int; COMMIT').catch((error: unknown) => String(error));
  await Promise.all([indexing, changed]);
  await a.all('ROLLBACK');
  const byTable = await admin.rows('SELECT id FROM t ORDER BY id');
  expect(await admin.rows('SELECT id FROM t WHERE v = 1')).toEqual(byTable);
}, 20_000);
