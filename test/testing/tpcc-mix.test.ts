/** TPC-C's mix by several connections on several nodes, and its consistency conditions afterwards (bench/tpcc). */
import { afterEach, expect, it } from 'vitest';
import { Client } from '../../bench/client.js';
import { Random } from '../../bench/random.js';
import { tpcc } from '../../bench/workloads/tpcc.js';
import type { Worker, WorkloadOptions } from '../../bench/workload.js';
import { type Cluster, startCluster } from '../../src/testing/index.js';

const WORKERS = 6;
const TRANSACTIONS = 17;
const OPTIONS: WorkloadOptions = { read: 0, size: 2, ranges: 1, seconds: 0, processIds: [] };

let cluster: Cluster | null = null;
afterEach(async () => {
  await cluster?.close();
  cluster = null;
});

it('keeps the twelve conditions', async () => {
  cluster = await startCluster();
  const { url, size } = { url: (i: number) => cluster!.url(i), size: cluster.size };
  const admin = await Client.connect(url(0));
  await tpcc.setup(admin, OPTIONS);
  expect(await tpcc.check(admin, OPTIONS)).toEqual([]);
  const kinds = new Map<string, number>();
  const work = async (index: number): Promise<void> => {
    const client = await Client.connect(url(index % size));
    const worker: Worker = { client, random: new Random(100 + index), index, countRetry: () => undefined };
    for (let i = 0; i < TRANSACTIONS; i++) {
      const { kind } = await tpcc.transaction(worker, OPTIONS);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    client.close();
  };
  await Promise.all(Array.from({ length: WORKERS }, (_, index) => work(index)));
  expect([...kinds.keys()]).toEqual(
    expect.arrayContaining(['new-order', 'payment', 'order-status', 'delivery', 'stock-level']),
  );
  expect([...kinds.values()].reduce((a, b) => a + b)).toBe(WORKERS * TRANSACTIONS);
  expect(await tpcc.check(admin, OPTIONS)).toEqual([]);
  const orders = await admin.query('SELECT count(*), count(o_carrier_id) FROM tpcc_orders');
  const [made, delivered] = orders.rows[0]!.map(Number);
  expect(made).toBe(kinds.get('new-order'));
  expect(delivered).toBeGreaterThan(0);
  // The conditions are able to fail: one of them sees a cent that went astray.
  await admin.query('UPDATE tpcc_district SET d_ytd = d_ytd + 0.01 WHERE d_w_id = 1 AND d_id = 1');
  expect(await tpcc.check(admin, OPTIONS)).not.toEqual([]);
  admin.close();
});
