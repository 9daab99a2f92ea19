/** The conditions on a real cluster: all hold on a small consistent state, and each breaks when its rows do. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cluster, startCluster } from '../../../src/testing/index.js';
import { judgeTpcc, SPECIFICATION_LOAD, tpccConditions } from '../../../src/testing/judges/tpcc.js';

const TABLES = [
  'tpcc_warehouse (w_id int PRIMARY KEY, w_ytd numeric(12,2))',
  'tpcc_district (d_w_id int, d_id int, d_ytd numeric(12,2), d_next_o_id int, PRIMARY KEY (d_w_id, d_id))',
  'tpcc_customer (c_w_id int, c_d_id int, c_id int, c_balance numeric(12,2), c_ytd_payment numeric(12,2), PRIMARY KEY (c_w_id, c_d_id, c_id))',
  'tpcc_history (h_c_id int, h_c_d_id int, h_c_w_id int, h_d_id int, h_w_id int, h_amount numeric(8,2))',
  'tpcc_orders (o_w_id int, o_d_id int, o_id int, o_c_id int, o_carrier_id int, o_ol_cnt int, PRIMARY KEY (o_w_id, o_d_id, o_id))',
  'tpcc_new_order (no_w_id int, no_d_id int, no_o_id int, PRIMARY KEY (no_w_id, no_d_id, no_o_id))',
  'tpcc_order_line (ol_w_id int, ol_d_id int, ol_o_id int, ol_number int, ol_delivery_d timestamp, ol_amount numeric(6,2), PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number))',
];

/** One warehouse, ten districts; order 1 is delivered, 2 and 3 are new; two payments. */
const ROWS = [
  'INSERT INTO tpcc_warehouse VALUES (1, 300030.50)',
  'INSERT INTO tpcc_district VALUES (1, 1, 30030.50, 4)',
  ...Array.from({ length: 9 }, (_, i) => `INSERT INTO tpcc_district VALUES (1, ${i + 2}, 30000, 1)`),
  'INSERT INTO tpcc_customer VALUES (1, 1, 1, -20.50, 40.50), (1, 1, 2, -10, 10)',
  'INSERT INTO tpcc_orders VALUES (1, 1, 1, 1, 7, 2), (1, 1, 2, 1, NULL, 1), (1, 1, 3, 2, NULL, 1)',
  'INSERT INTO tpcc_new_order VALUES (1, 1, 2), (1, 1, 3)',
  "INSERT INTO tpcc_order_line VALUES (1, 1, 1, 1, '2026-01-01', 12), (1, 1, 1, 2, '2026-01-01', 8), (1, 1, 2, 1, NULL, 3), (1, 1, 3, 1, NULL, 4)",
  'INSERT INTO tpcc_history VALUES (1, 1, 1, 1, 1, 30), (1, 1, 1, 1, 1, 0.50)',
];

describe('TPC-C conditions', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster({ nodes: 1 });
    for (const table of TABLES) await cluster.sql(`CREATE TABLE ${table}`);
    for (const row of ROWS) await cluster.sql(row);
  });
  afterAll(async () => {
    await cluster.close();
  });

  async function broken(): Promise<string[]> {
    const answers = new Map<string, readonly unknown[]>();
    for (const { id, sql } of tpccConditions()) answers.set(id, (await cluster.sql(sql)).rows);
    const verdict = judgeTpcc(answers);
    expect(verdict.stats['conditions']).toBe(12);
    expect(verdict.ok).toBe(verdict.anomalies.length === 0);
    return verdict.anomalies.map(({ explanation }) => /3\.3\.2\.(\d+)/.exec(explanation)?.[1] ?? '?');
  }

  test('all hold on a consistent database', async () => {
    expect(await broken()).toEqual([]);
  });

  test.each([
    ['UPDATE tpcc_warehouse SET w_ytd = w_ytd + 1', 'UPDATE tpcc_warehouse SET w_ytd = w_ytd - 1', ['1', '8']],
    [
      'UPDATE tpcc_district SET d_ytd = d_ytd + 1 WHERE d_id = 2',
      'UPDATE tpcc_district SET d_ytd = d_ytd - 1 WHERE d_id = 2',
      ['1', '9'],
    ],
    [
      'UPDATE tpcc_district SET d_next_o_id = 5 WHERE d_id = 1',
      'UPDATE tpcc_district SET d_next_o_id = 4 WHERE d_id = 1',
      ['2'],
    ],
    ['DELETE FROM tpcc_new_order WHERE no_o_id = 3', 'INSERT INTO tpcc_new_order VALUES (1, 1, 3)', ['2', '5', '11']],
    ['INSERT INTO tpcc_new_order VALUES (1, 1, 0)', 'DELETE FROM tpcc_new_order WHERE no_o_id = 0', ['3', '5', '11']],
    [
      'DELETE FROM tpcc_order_line WHERE ol_o_id = 2',
      'INSERT INTO tpcc_order_line VALUES (1, 1, 2, 1, NULL, 3)',
      ['4', '6'],
    ],
    [
      'UPDATE tpcc_orders SET o_carrier_id = 3 WHERE o_id = 2',
      'UPDATE tpcc_orders SET o_carrier_id = NULL WHERE o_id = 2',
      ['5', '7', '11'],
    ],
    [
      "UPDATE tpcc_order_line SET ol_delivery_d = '2026-01-02' WHERE ol_o_id = 2",
      'UPDATE tpcc_order_line SET ol_delivery_d = NULL WHERE ol_o_id = 2',
      ['7', '10', '12'],
    ],
    [
      'UPDATE tpcc_customer SET c_balance = c_balance + 1 WHERE c_id = 1',
      'UPDATE tpcc_customer SET c_balance = c_balance - 1 WHERE c_id = 1',
      ['10', '12'],
    ],
    [
      'UPDATE tpcc_customer SET c_ytd_payment = 9 WHERE c_id = 2',
      'UPDATE tpcc_customer SET c_ytd_payment = 10 WHERE c_id = 2',
      ['12'],
    ],
  ])('%s', async (breaks, mends, ids) => {
    await cluster.sql(breaks);
    expect(await broken()).toEqual(ids);
    await cluster.sql(mends);
    expect(await broken()).toEqual([]);
  });

  test('the specification loads other numbers, and prefixes are names', () => {
    const sql = tpccConditions({ prefix: '', load: SPECIFICATION_LOAD }).map((condition) => condition.sql);
    expect(sql[0]).toContain('FROM warehouse w');
    expect(sql[10]).toContain('< 2100');
    expect(() => tpccConditions({ prefix: 'x; drop' })).toThrow('not part of a plain SQL name');
  });
});
