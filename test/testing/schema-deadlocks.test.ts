/** Deadlocks in which one waits for a schema change, or a schema change for others: somebody is told of it, on whichever nodes they are. */
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../../src/testing/index.js';

let cluster: Cluster | null = null;
const clients: pg.Client[] = [];
afterEach(async () => {
  await Promise.allSettled(clients.splice(0).map((client) => client.end()));
  await cluster?.close();
  cluster = null;
});

async function open(node: number): Promise<pg.Client> {
  const client = new pg.Client(cluster!.url(node));
  client.on('error', () => undefined);
  await client.connect();
  clients.push(client);
  return client;
}

async function tables(): Promise<void> {
  const maker = await open(0);
  await maker.query('CREATE TABLE p (id int PRIMARY KEY, v int); CREATE TABLE q (id int); INSERT INTO p VALUES (1, 1)');
}

/** Statements begin in this order, each when the one before waits for something or is done. */
async function outcomes(watcher: pg.Client, steps: readonly (readonly [pg.Client, string])[]): Promise<string[]> {
  const running: Promise<string>[] = [];
  for (const [client, text] of steps) {
    const run = client.query(text).then(
      () => 'done',
      async (error: { code: string }) => {
        await client.query('ROLLBACK');
        return error.code;
      },
    );
    let isDone = false;
    void run.then(() => (isDone = true));
    running.push(run);
    const waits = running.length;
    for (let n = -1; !isDone && n < waits;) {
      const { rows } = await watcher.query('SELECT count(DISTINCT pid)::int AS n FROM pg_locks WHERE NOT granted');
      n = rows[0].n as number;
    }
  }
  return Promise.all(running);
}

describe.each([
  ['one node', 1],
  ['three nodes', 3],
])('%s', (_, nodes) => {
  it('a row that the change waits for is held by who waits for the change', async () => {
    cluster = await startCluster({ nodes });
    await tables();
    const [changer, user, watcher] = [await open(0), await open(1 % nodes), await open(0)];
    await changer.query('BEGIN; ALTER TABLE q ADD COLUMN w int');
    await user.query('BEGIN; UPDATE p SET v = 2');
    const ends = await outcomes(watcher, [
      [user, 'SELECT * FROM q'],
      [changer, 'UPDATE p SET v = 3'],
    ]);
    expect(ends.toSorted()).toEqual(['40P01', 'done']);
  });

  it('who uses the table waits for a row of one who waits behind the change', async () => {
    cluster = await startCluster({ nodes });
    await tables();
    const [changer, user, other, watcher] = [
      await open(0),
      await open(1 % nodes),
      await open(2 % nodes),
      await open(0),
    ];
    await other.query('BEGIN; UPDATE p SET v = 2');
    await user.query('BEGIN; SELECT * FROM q');
    const ends = await outcomes(
      watcher,
      [
        [user, 'UPDATE p SET v = 3'],
        [changer, 'TRUNCATE q'],
        [other, 'SELECT * FROM q'],
      ].map(([client, text]) => [client as pg.Client, text as string] as const),
    );
    expect(ends.filter((end) => end === '40P01')).toHaveLength(1);
  });

  it('two changes want each what the other has', async () => {
    cluster = await startCluster({ nodes });
    await tables();
    const [a, b, watcher] = [await open(0), await open(1 % nodes), await open(0)];
    await a.query('BEGIN; ALTER TABLE p ADD COLUMN w int');
    await b.query('BEGIN; ALTER TABLE q ADD COLUMN w int');
    const started = performance.now();
    const ends = await outcomes(watcher, [
      [a, 'ALTER TABLE q ADD COLUMN x int'],
      [b, 'ALTER TABLE p ADD COLUMN x int'],
    ]);
    expect(ends.toSorted()).toEqual(['40P01', 'done']);
    expect(performance.now() - started).toBeLessThan(4_500);
  });
});

it('who waits for a long change without a deadlock goes on waiting', async () => {
  cluster = await startCluster({ nodes: 1 });
  await tables();
  const [changer, user] = [await open(0), await open(0)];
  await changer.query('BEGIN; ALTER TABLE q ADD COLUMN w int');
  await user.query('BEGIN; UPDATE p SET v = 2');
  const read = user.query('SELECT w FROM q');
  await changer.query('SELECT pg_sleep(3.5)');
  await changer.query('COMMIT');
  expect((await read).rows).toEqual([]);
  await user.query('COMMIT');
});
