/**
 * TPC-C's new-order and payment, in equal parts, on the real schema with composite keys. Scaled
 * down: 300 customers a district and 1,000 items unless more warehouses are asked for, since the
 * contention is in the districts and not in the size. One percent of new orders name an item that
 * does not exist and roll back, as the specification has it.
 */
import { type Client, ServerError } from '../client.js';
import type { Random } from '../random.js';
import { copyChunks, inTransaction, scalar, type Worker, type Workload } from '../workload.js';

const DISTRICTS = 10;
const CUSTOMERS = 300;
const ITEMS = 1_000;

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

async function load(client: Client, table: string, rows: number, row: (index: number) => string): Promise<void> {
  await client.copyIn(`COPY tpcc_${table} FROM STDIN`, copyChunks(rows, row));
}

export const tpcc: Workload = {
  name: 'tpcc',

  async setup(client, options) {
    const warehouses = options.size ?? 1;
    for (const [name] of TABLES) await client.query(`DROP TABLE IF EXISTS tpcc_${name}`);
    for (const [name, columns] of TABLES) await client.query(`CREATE TABLE tpcc_${name} (${columns})`);
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
      return `${w}\t${d}\t${c}\tfirst${c}\tOE\tlast${c}\t2026-01-01 00:00:00\t${credit}\t50000.00\t0.1000\t-10.00\t10.00\t1\t0\tdata\n`;
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
    const warehouses = options.size ?? 1;
    if (worker.random.next() < 0.5) return { kind: await newOrder(worker, warehouses) };
    await payment(worker, warehouses);
    return { kind: 'payment' };
  },

  /** The specification's consistency conditions 1 to 4, as far as these two transactions reach. */
  async check(client) {
    const problems: string[] = [];
    const conditions: readonly (readonly [string, string])[] = [
      [
        'w_ytd is the sum of d_ytd (less what was loaded)',
        'SELECT count(*) FROM tpcc_warehouse w JOIN (SELECT d_w_id, sum(d_ytd) AS ytd FROM tpcc_district GROUP BY d_w_id) d ON d.d_w_id = w.w_id WHERE w.w_ytd <> d.ytd',
      ],
      [
        'd_next_o_id follows the last order',
        'SELECT count(*) FROM tpcc_district d JOIN (SELECT o_w_id, o_d_id, max(o_id) AS last FROM tpcc_orders GROUP BY o_w_id, o_d_id) o ON o.o_w_id = d.d_w_id AND o.o_d_id = d.d_id WHERE d.d_next_o_id <> o.last + 1',
      ],
      [
        'every order is new and none is missing',
        'SELECT (SELECT count(*) FROM tpcc_orders) - (SELECT count(*) FROM tpcc_new_order)',
      ],
      [
        'orders count their lines',
        'SELECT (SELECT coalesce(sum(o_ol_cnt), 0) FROM tpcc_orders) - (SELECT count(*) FROM tpcc_order_line)',
      ],
      [
        'payments reached the warehouses',
        'SELECT (SELECT sum(w_ytd - 300000) FROM tpcc_warehouse) - (SELECT coalesce(sum(h_amount), 0) FROM tpcc_history)',
      ],
    ];
    for (const [what, sql] of conditions) {
      const off = await scalar(client, sql);
      if (off !== 0) problems.push(`not true that ${what}: off by ${off}`);
    }
    return problems;
  },
};

class ItemMissing extends Error {}

async function newOrder(worker: Worker, warehouses: number): Promise<string> {
  const { random } = worker;
  const w = random.between(1, warehouses);
  const d = random.between(1, DISTRICTS);
  const c = random.between(1, CUSTOMERS);
  const lines = orderLines(random, w, warehouses);
  const rollback = random.between(1, 100) === 1;
  try {
    await inTransaction(worker, () => placeOrder(worker, w, d, c, lines, rollback));
    return 'new-order';
  } catch (error) {
    if (error instanceof ItemMissing) return 'new-order (rolled back)';
    throw error;
  }
}

interface OrderLine {
  readonly item: number;
  readonly supply: number;
  readonly quantity: number;
}

/** Sorted by stock key, so that orders that share items queue up instead of deadlocking. */
function orderLines(random: Random, home: number, warehouses: number): readonly OrderLine[] {
  const items = new Map<number, OrderLine>();
  for (let count = random.between(5, 15); count > 0; count--) {
    const item = random.between(1, ITEMS);
    const remote = warehouses > 1 && random.between(1, 100) === 1;
    items.set(item, {
      item,
      supply: remote ? random.between(1, warehouses) : home,
      quantity: random.between(1, 10),
    });
  }
  return [...items.values()].sort((a, b) => a.supply - b.supply || a.item - b.item);
}

async function placeOrder(
  { client }: Worker,
  w: number,
  d: number,
  c: number,
  lines: readonly OrderLine[],
  rollback: boolean,
): Promise<void> {
  await client.run('SELECT w_tax FROM tpcc_warehouse WHERE w_id = $1', [w]);
  await client.run(
    'SELECT c_discount, c_last, c_credit FROM tpcc_customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3',
    [w, d, c],
  );
  const next = await client.run(
    'UPDATE tpcc_district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = $1 AND d_id = $2 RETURNING d_next_o_id, d_tax',
    [w, d],
  );
  const order = Number(next.rows[0]?.[0]) - 1;
  const local = lines.every((line) => line.supply === w) ? 1 : 0;
  await client.run(
    'INSERT INTO tpcc_orders (o_w_id, o_d_id, o_id, o_c_id, o_entry_d, o_ol_cnt, o_all_local) VALUES ($1, $2, $3, $4, now(), $5, $6)',
    [w, d, order, c, lines.length, local],
  );
  await client.run('INSERT INTO tpcc_new_order (no_w_id, no_d_id, no_o_id) VALUES ($1, $2, $3)', [w, d, order]);
  for (const [index, line] of lines.entries()) {
    const wanted = rollback && index === lines.length - 1 ? ITEMS + 1 : line.item;
    const item = await client.run('SELECT i_price, i_name, i_data FROM tpcc_item WHERE i_id = $1', [wanted]);
    if (item.rows.length === 0) {
      await client.run('ROLLBACK');
      throw new ItemMissing();
    }
    const amount = (Number(item.rows[0]?.[0]) * line.quantity).toFixed(2);
    await client.run(
      'UPDATE tpcc_stock SET s_quantity = CASE WHEN s_quantity >= $1 + 10 THEN s_quantity - $1 ELSE s_quantity - $1 + 91 END, s_ytd = s_ytd + $1, s_order_cnt = s_order_cnt + 1 WHERE s_w_id = $2 AND s_i_id = $3',
      [line.quantity, line.supply, line.item],
    );
    await client.run(
      'INSERT INTO tpcc_order_line (ol_w_id, ol_d_id, ol_o_id, ol_number, ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_dist_info) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
      [w, d, order, index + 1, line.item, line.supply, line.quantity, amount, 'info'],
    );
  }
}

async function payment(worker: Worker, warehouses: number): Promise<void> {
  const { client, random } = worker;
  const w = random.between(1, warehouses);
  const d = random.between(1, DISTRICTS);
  const c = random.between(1, CUSTOMERS);
  // One in seven pays at another warehouse than their own.
  const customerW = warehouses > 1 && random.between(1, 100) <= 15 ? random.between(1, warehouses) : w;
  const amount = (random.between(100, 500_000) / 100).toFixed(2);
  await inTransaction(worker, async () => {
    await client.run('UPDATE tpcc_warehouse SET w_ytd = w_ytd + $1 WHERE w_id = $2 RETURNING w_name', [amount, w]);
    await client.run('UPDATE tpcc_district SET d_ytd = d_ytd + $1 WHERE d_w_id = $2 AND d_id = $3 RETURNING d_name', [
      amount,
      w,
      d,
    ]);
    const paid = await client.run(
      'UPDATE tpcc_customer SET c_balance = c_balance - $1, c_ytd_payment = c_ytd_payment + $1, c_payment_cnt = c_payment_cnt + 1 WHERE c_w_id = $2 AND c_d_id = $3 AND c_id = $4 RETURNING c_credit, c_balance',
      [amount, customerW, d, c],
    );
    if (paid.rows.length !== 1) throw new ServerError('P0002', `customer ${customerW}/${d}/${c} is missing`);
    await client.run(
      'INSERT INTO tpcc_history (h_c_id, h_c_d_id, h_c_w_id, h_d_id, h_w_id, h_date, h_amount, h_data) VALUES ($1, $2, $3, $4, $5, now(), $6, $7)',
      [c, d, customerW, d, w, amount, 'payment'],
    );
  });
}
