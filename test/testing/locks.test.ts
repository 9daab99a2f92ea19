/** pg_locks, pg_blocking_pids and signals to sessions, over the nodes of a real cluster. */
import pg from 'pg';
import { afterEach, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../../src/testing/index.js';

let cluster: Cluster | null = null;
const clients: pg.Client[] = [];
afterEach(async () => {
  await Promise.allSettled(clients.splice(0).map((client) => client.end()));
  await cluster?.close();
  cluster = null;
});

async function open(node: number): Promise<{ client: pg.Client; pid: number }> {
  const client = new pg.Client(cluster!.url(node));
  client.on('error', () => undefined);
  await client.connect();
  clients.push(client);
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
  return { client, pid: rows[0].pid as number };
}

/** The usual question of monitoring tools, as they all have it. */
const WHO_BLOCKS_WHOM = `SELECT b.pid AS blocked, k.pid AS blocking, b.locktype, b.mode
  FROM pg_locks b JOIN pg_locks k ON k.locktype = b.locktype AND k.database IS NOT DISTINCT FROM b.database
    AND k.relation IS NOT DISTINCT FROM b.relation AND k.transactionid IS NOT DISTINCT FROM b.transactionid
    AND k.classid IS NOT DISTINCT FROM b.classid AND k.objid IS NOT DISTINCT FROM b.objid
    AND k.objsubid IS NOT DISTINCT FROM b.objsubid AND k.pid <> b.pid
  WHERE NOT b.granted AND k.granted ORDER BY 1, 2`;

async function until(client: pg.Client, count: number): Promise<Record<string, unknown>[]> {
  for (;;) {
    const { rows } = await client.query<Record<string, unknown>>(WHO_BLOCKS_WHOM);
    if (rows.length >= count) return rows;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it('show who waits for whom, whichever node they are on, and the waiters can be cancelled from anywhere', async () => {
  cluster = await startCluster({ nodes: 3 });
  const holder = await open(0);
  const writer = await open(1);
  const changer = await open(2);
  const sharer = await open(2);
  const watcher = await open(2);
  await holder.client.query('CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)');
  await holder.client.query('BEGIN; UPDATE t SET v = 2 WHERE id = 1; SELECT pg_advisory_xact_lock(7)');
  const ends = Promise.allSettled([
    writer.client.query('UPDATE t SET v = 3 WHERE id = 1'),
    sharer.client.query('SELECT pg_advisory_lock_shared(7)'),
  ]);
  const waits = await until(watcher.client, 2);
  expect(waits).toEqual([
    { blocked: writer.pid, blocking: holder.pid, locktype: 'transactionid', mode: 'ShareLock' },
    { blocked: sharer.pid, blocking: holder.pid, locktype: 'advisory', mode: 'ShareLock' },
  ]);
  const changed = Promise.allSettled([changer.client.query('ALTER TABLE t ADD COLUMN w int')]);
  const more = await until(watcher.client, 4);
  expect(more.filter((row) => row['blocked'] === changer.pid)).toEqual(
    [holder.pid, writer.pid].map((blocking) => ({
      ...{ blocked: changer.pid, blocking },
      ...{ locktype: 'relation', mode: 'AccessExclusiveLock' },
    })),
  );
  const { rows } = await watcher.client.query(
    'SELECT pid, pg_blocking_pids(pid) AS by FROM (VALUES ($1::int), ($2), ($3), ($4)) AS s (pid)',
    [holder.pid, writer.pid, changer.pid, sharer.pid],
  );
  expect(rows.map((row) => [row.pid, (row.by as number[]).toSorted((a, b) => a - b)])).toEqual([
    [holder.pid, []],
    [writer.pid, [holder.pid]],
    [changer.pid, [holder.pid, writer.pid]],
    [sharer.pid, [holder.pid]],
  ]);
  const activity = await watcher.client.query(
    `SELECT pid, state, wait_event_type AS type, wait_event AS event, backend_xid IS NOT NULL AS xid FROM pg_stat_activity
      WHERE pid = ANY ($1) ORDER BY 1`,
    [[changer.pid, sharer.pid]],
  );
  expect(activity.rows).toEqual([
    { pid: changer.pid, state: 'active', type: 'Lock', event: 'relation', xid: false },
    { pid: sharer.pid, state: 'active', type: 'Lock', event: 'advisory', xid: false },
  ]);
  const told = await watcher.client.query(
    'SELECT count(pg_cancel_backend(pid))::int AS n FROM (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted) AS w',
  );
  expect(told.rows).toEqual([{ n: 3 }]);
  for (const end of [...(await ends), ...(await changed)])
    expect(end).toMatchObject({ status: 'rejected', reason: { code: '57014' } });
  expect((await watcher.client.query(WHO_BLOCKS_WHOM)).rows).toEqual([]);
  // Nobody of another node but who has a transaction open is known here; who has one may be ended.
  const ended = await watcher.client.query(
    'SELECT pg_terminate_backend($1) AS ended, pg_terminate_backend($2) AS idle',
    [holder.pid, writer.pid],
  );
  expect(ended.rows).toEqual([{ ended: true, idle: false }]);
  await expect(holder.client.query('COMMIT')).rejects.toThrow();
}, 60_000);
