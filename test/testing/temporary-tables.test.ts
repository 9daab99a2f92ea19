/** Temporary tables over a whole cluster: on several nodes, over a crash, a fork and a reset. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../../src/testing/index.js';

let c: Cluster;
beforeAll(async () => {
  c = await startCluster();
  await c.sql('create table kept (a int primary key)');
});
afterAll(() => c.close());

const LEFT = "select count(*)::int as n from pg_class where relpersistence = 't'";

async function left(of: Cluster): Promise<unknown> {
  return (await of.sql(LEFT)).rows;
}

async function eventuallyNone(of: Cluster): Promise<void> {
  await expect.poll(() => left(of), { timeout: 20_000 }).toEqual([{ n: 0 }]);
}

it('are each session’s own on every node, and go with it', async () => {
  const clients = [c.client(0), c.client(1), c.client(2), c.client(0)];
  for (const [i, client] of clients.entries()) {
    await client.connect();
    await client.query(`create temp table x (a serial primary key, b int default ${i})`);
    await client.query('insert into x default values');
  }
  for (const [i, client] of clients.entries()) expect((await client.query('select b from x')).rows).toEqual([{ b: i }]);
  for (const client of clients) await client.end();
  await eventuallyNone(c);
});

it('of a node that crashed go when it is back, those of the others stay', async () => {
  const lost = c.client(2);
  const living = c.client(0);
  for (const client of [lost, living]) {
    await client.connect();
    await client.query('create temp table x as select 1 as a');
    await client.query('create temp view v as select a from kept');
  }
  lost.on('error', () => undefined);
  await c.crashNode(2);
  await c.restartNode(2);
  expect(await left(c)).toEqual([{ n: 2 }]);
  expect((await living.query('select a from x')).rows).toEqual([{ a: 1 }]);
  await living.end();
  await eventuallyNone(c);
});

it('are not in a fork, nor after a reset', async () => {
  const client = c.client(0);
  await client.connect();
  client.on('error', () => undefined);
  await client.query('create temp table x as select 1 as a');
  const fork = await c.fork();
  expect(await left(fork)).toEqual([{ n: 0 }]);
  await fork.close();
  expect((await client.query('select a from x')).rows).toEqual([{ a: 1 }]);
  await c.mark();
  await c.reset();
  expect(await left(c)).toEqual([{ n: 0 }]);
  await c.sql('drop table kept');
});
