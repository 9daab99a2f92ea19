/** What pg_locks tells of a cluster: also of nodes to which no client has ever connected, but which lead ranges. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCluster, type Cluster } from '../../src/testing/index.js';

let cluster: Cluster;
const clients: pg.Client[] = [];

/** All to the same node. */
async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: cluster.url(0) });
  clients.push(client);
  await client.connect();
  return client;
}

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3 });
});
afterAll(async () => {
  for (const client of clients) await client.end();
  await cluster.close();
});

/** A table of one row whose range is led by another node than the clients'. */
async function tableElsewhere(client: pg.Client): Promise<string> {
  for (let i = 0; i < 10; i++) {
    await client.query(`CREATE TABLE t${i} (id int PRIMARY KEY)`);
    await client.query(`INSERT INTO t${i} VALUES (1)`);
    await client.query(`ALTER TABLE t${i} SPLIT AT VALUES (0)`);
    const { rows } = await client.query<{ lease_holder: string }>(`SHOW RANGES FROM TABLE t${i}`);
    if (Number(rows.at(-1)?.lease_holder) > 1) return `t${i}`;
  }
  throw new Error('every range is led by the first node');
}

it('a wait at a node that no client uses is in pg_locks', async () => {
  const [holder, waiter, third] = [await connect(), await connect(), await connect()];
  const table = await tableElsewhere(third);
  const pidOf = async (client: pg.Client): Promise<number> =>
    (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid;
  const [held, waits] = [await pidOf(holder), await pidOf(waiter)];
  await holder.query('BEGIN');
  await holder.query(`SELECT FROM ${table} FOR UPDATE`);
  const update = waiter.query(`UPDATE ${table} SET id = 1`);
  const blockers = async (): Promise<number[]> => {
    const { rows } = await third.query<{ pids: number[] }>('SELECT pg_blocking_pids($1) AS pids', [waits]);
    return rows[0]!.pids;
  };
  await expect.poll(blockers, { timeout: 20_000 }).toEqual([held]);
  const { rows } = await third.query('SELECT pid FROM pg_locks WHERE NOT granted');
  expect(rows).toEqual([{ pid: waits }]);
  await holder.query('COMMIT');
  await update;
  expect(await blockers()).toEqual([]);
});
