/**
 * TPC-C: the whole mix of five transactions on the real schema with composite keys (tpcc/transactions.ts), checked
 * afterwards by the specification's twelve consistency conditions. Scaled down: 300 customers a district and
 * 1,000 items unless more warehouses are asked for, since the contention is in the districts and not in the size,
 * and no orders to begin with. No keying or think times: each connection asks again at once.
 */
import type { Client } from '../client.js';
import { tpccConditions } from '../../src/testing/judges/tpcc.js';
import { CUSTOMERS, DISTRICTS, ITEMS, lastName, tpccTransaction } from '../tpcc/transactions.js';
import { copyChunks, type Workload } from '../workload.js';

const TABLES: readonly (readonly [name: string, columns: string])[] = [
  [
    'warehouse',
    'w_id int PRIMARY KEY, w_name varchar(10), w_street_1 varchar(20), w_city varchar(20), w_state char(2), w_zip char(9), w_tax numeric(4,4), w_ytd numeric(12,2)',
  ],
  [
    'district',
    'd_w_id int, d_id int, d_name varchar(10), d_street_1 varchar(20), d_city varchar(20), d_state char(2), d_zip char(9), d_tax numeric(4,4), d_ytd numeric(12,2), d_next_o_id int, PRIMARY KEY (d_w_id, d_id)',
  ],
  [
    'customer',
    'c_w_id int, c_d_id int, c_id int, c_first varchar(16), c_middle char(2), c_last varchar(16), c_since timestamp, c_credit char(2), c_credit_lim numeric(12,2), c_discount numeric(4,4), c_balance numeric(12,2), c_ytd_payment numeric(12,2), c_payment_cnt int, c_delivery_cnt int, c_data varchar(500), PRIMARY KEY (c_w_id, c_d_id, c_id)',
  ],
  [
    'history',
    'h_c_id int, h_c_d_id int, h_c_w_id int, h_d_id int, h_w_id int, h_date timestamp, h_amount numeric(8,2), h_data varchar(24)',
  ],
  [
    'orders',
    'o_w_id int, o_d_id int, o_id int, o_c_id int, o_entry_d timestamp, o_carrier_id int, o_ol_cnt int, o_all_local int, PRIMARY KEY (o_w_id, o_d_id, o_id)',
  ],
  ['new_order', 'no_w_id int, no_d_id int, no_o_id int, PRIMARY KEY (no_w_id, no_d_id, no_o_id)'],
  [
    'order_line',
    'ol_w_id int, ol_d_id int, ol_o_id int, ol_number int, ol_i_id int, ol_supply_w_id int, ol_delivery_d timestamp, ol_quantity int, ol_amount numeric(6,2), ol_dist_info char(24), PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number)',
  ],
  ['item', 'i_id int PRIMARY KEY, i_im_id int, i_name varchar(24), i_price numeric(5,2), i_data varchar(50)'],
  [
    'stock',
    's_w_id int, s_i_id int, s_quantity int, s_dist char(24), s_ytd int, s_order_cnt int, s_remote_cnt int, s_data varchar(50), PRIMARY KEY (s_w_id, s_i_id)',
  ],
];

/** For customers by last name, and a customer's last order. */
const INDEXES = [
  'CREATE INDEX ON tpcc_customer (c_w_id, c_d_id, c_last, c_first)',
  'CREATE INDEX ON tpcc_orders (o_w_id, o_d_id, o_c_id, o_id)',
];

async function load(client: Client, table: string, rows: number, row: (index: number) => string): Promise<void> {
  await client.copyIn(`COPY tpcc_${table} FROM STDIN`, copyChunks(rows, row));
}

export const tpcc: Workload = {
  name: 'tpcc',

  async setup(client, options) {
    const warehouses = options.size ?? 1;
    for (const [name] of TABLES) await client.query(`DROP TABLE IF EXISTS tpcc_${name}`);
    for (const [name, columns] of TABLES) await client.query(`CREATE TABLE tpcc_${name} (${columns})`);
    for (const index of INDEXES) await client.query(index);
    const address = 'street\tcity\tst\t123456789';
    await load(client, 'warehouse', warehouses, (i) => `${i + 1}\tw${i + 1}\t${address}\t0.1000\t300000.00\n`);
    await load(client, 'district', warehouses * DISTRICTS, (i) => {
      const w = Math.floor(i / DISTRICTS) + 1;
      return `${w}\t${(i % DISTRICTS) + 1}\td${i}\t${address}\t0.0500\t30000.00\t1\n`;
    });
    await load(client, 'customer', warehouses * DISTRICTS * CUSTOMERS, (i) => {
      const c = (i % CUSTOMERS) + 1;
      const d = (Math.floor(i / CUSTOMERS) % DISTRICTS) + 1;
      const w = Math.floor(i / CUSTOMERS / DISTRICTS) + 1;
      const credit = i % 10 === 0 ? 'BC' : 'GC';
      return `${w}\t${d}\t${c}\tfirst${c}\tOE\t${lastName(c - 1)}\t2026-01-01 00:00:00\t${credit}\t50000.00\t0.1000\t-10.00\t10.00\t1\t0\tdata\n`;
    });
    await load(
      client,
      'item',
      ITEMS,
      (i) => `${i + 1}\t${i}\titem${i + 1}\t${(1 + (i % 9900) / 100).toFixed(2)}\tdata\n`,
    );
    await load(client, 'stock', warehouses * ITEMS, (i) => {
      const w = Math.floor(i / ITEMS) + 1;
      return `${w}\t${(i % ITEMS) + 1}\t50\tdistrict information x\t0\t0\t0\tdata\n`;
    });
  },

  async transaction(worker, options) {
    return { kind: await tpccTransaction(worker, options.size ?? 1) };
  },

  async check(client) {
    const problems: string[] = [];
    for (const { id, title, sql } of tpccConditions()) {
      const { rows } = await client.run(sql);
      if (rows.length > 0) problems.push(`condition ${id}: it is not so that ${title}: ${rows[0]!.join(', ')}`);
    }
    return problems;
  },
};
