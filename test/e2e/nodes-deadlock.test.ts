/** What a transaction leaves behind when the ranges end it, seen by others over the wire. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCluster, type Cluster } from '../../src/testing/index.js';

let cluster: Cluster;
const clients: pg.Client[] = [];

async function connect(node: number): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: cluster.url(node) });
  clients.push(client);
  await client.connect();
  return client;
}

beforeAll(async () => {
  cluster = await startCluster({ nodes: 3 });
  for (const table of ['a', 'b', 'c']) {
    await cluster.sql(`CREATE TABLE ${table} (id int PRIMARY KEY, n int NOT NULL)`);
    await cluster.sql(`INSERT INTO ${table} VALUES (1, 0)`);
  }
});

afterAll(async () => {
  for (const client of clients) await client.end();
  await cluster.close();
});

it("a deadlock's victim gives all its locks back at once, before its client has said ROLLBACK", async () => {
  const [one, two, third] = await Promise.all([connect(0), connect(1), connect(2)]);
  const add = (client: pg.Client, table: string) => client.query(`UPDATE ${table} SET n = n + 1 WHERE id = 1`);
  // Well below the time after which an abandoned transaction's locks are taken away.
  for (const client of [one, two, third]) await client.query("SET lock_timeout = '2s'");
  for (const client of [one, two]) await client.query('BEGIN');
  await add(one, 'a');
  await add(two, 'b');
  // A lock of the likely victim that the deadlock has nothing to do with.
  await add(two, 'c');
  const outcomes = await Promise.allSettled([add(one, 'b'), add(two, 'a')]);
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(failed.map((outcome) => (outcome.reason as { code?: string }).code)).toEqual(['40P01']);
  const [victim, survivor] = outcomes[0]?.status === 'rejected' ? [one, two] : [two, one];
  expect(victim).toBe(two);
  expect((await add(third, 'c')).rowCount).toBe(1);
  await survivor.query('COMMIT');
  await victim.query('ROLLBACK');
  const rows = await third.query('SELECT a.n AS a, b.n AS b, c.n AS c FROM a, b, c');
  expect(rows.rows).toEqual([{ a: 1, b: 1, c: 1 }]);
});
