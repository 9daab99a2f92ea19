/**
 * TPC-C's five transactions (clauses 2.4 to 2.8) in the shares of its mix: new-order 45 %, payment 43 %, order-status,
 * delivery and stock-level 4 % each. One new order in a hundred names an item that does not exist and rolls back;
 * 60 % of payments and order-status name their customer by last name; 15 % of payments are made for a customer of
 * another warehouse, and one order line in a hundred is supplied by one.
 *
 * Rows are locked in the order of their keys where a transaction has the choice, so that two of them wait instead of
 * deadlocking. A delivery does its ten districts in one transaction.
 */
import { ServerError } from '../client.js';
import type { Random } from '../random.js';
import { inTransaction, type Worker } from '../workload.js';

export const DISTRICTS = 10;
export const CUSTOMERS = 300;
export const ITEMS = 1_000;
const CARRIERS = 10;
/** Orders that stock-level looks at. */
const RECENT_ORDERS = 20;

const SYLLABLES = ['BAR', 'OUGHT', 'ABLE', 'PRI', 'PRES', 'ESE', 'ANTI', 'CALLY', 'ATION', 'EING'];

/** Of a number under a thousand. */
export function lastName(number: number): string {
  const digits = String(number % 1000).padStart(3, '0');
  return [...digits].map((digit) => SYLLABLES[Number(digit)]).join('');
}

/** Some are asked for more often than others (clause 2.1.6). */
function uneven(random: Random, a: number, from: number, to: number): number {
  const c = Math.floor(a / 3);
  return (((random.between(0, a) | random.between(from, to)) + c) % (to - from + 1)) + from;
}

const customerNumber = (random: Random): number => uneven(random, 1023, 1, CUSTOMERS);
const itemNumber = (random: Random): number => uneven(random, 8191, 1, ITEMS);

type By = { readonly id: number } | { readonly last: string };

function customerBy(random: Random): By {
  if (random.between(1, 100) > 60) return { id: customerNumber(random) };
  return { last: lastName(uneven(random, 255, 0, CUSTOMERS - 1)) };
}

/** Resolves with the kind of transaction that it was. */
export async function tpccTransaction(worker: Worker, warehouses: number): Promise<string> {
  const turn = worker.random.between(1, 100);
  if (turn <= 45) return newOrder(worker, warehouses);
  if (turn <= 88) return payment(worker, warehouses);
  const w = worker.random.between(1, warehouses);
  if (turn <= 92) return orderStatus(worker, w);
  if (turn <= 96) return delivery(worker, w);
  return stockLevel(worker, w);
}

/** Clause 2.5.2.2: of several of one name, the one in the middle by first name. Null: nobody has it. */
async function customerId({ client }: Worker, w: number, d: number, by: By): Promise<number | null> {
  if ('id' in by) return by.id;
  const { rows } = await client.run(
    'SELECT c_id FROM tpcc_customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_last = $3 ORDER BY c_first',
    [w, d, by.last],
  );
  return rows.length === 0 ? null : Number(rows[Math.ceil(rows.length / 2) - 1]?.[0]);
}

class ItemMissing extends Error {}

async function newOrder(worker: Worker, warehouses: number): Promise<string> {
  const { random } = worker;
  const w = random.between(1, warehouses);
  const d = random.between(1, DISTRICTS);
  const c = customerNumber(random);
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
    const item = itemNumber(random);
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
      'UPDATE tpcc_stock SET s_quantity = CASE WHEN s_quantity >= $1 + 10 THEN s_quantity - $1 ELSE s_quantity - $1 + 91 END, s_ytd = s_ytd + $1, s_order_cnt = s_order_cnt + 1, s_remote_cnt = s_remote_cnt + $4 WHERE s_w_id = $2 AND s_i_id = $3',
      [line.quantity, line.supply, line.item, line.supply === w ? 0 : 1],
    );
    await client.run(
      'INSERT INTO tpcc_order_line (ol_w_id, ol_d_id, ol_o_id, ol_number, ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_dist_info) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
      [w, d, order, index + 1, line.item, line.supply, line.quantity, amount, 'info'],
    );
  }
}

async function payment(worker: Worker, warehouses: number): Promise<string> {
  const { client, random } = worker;
  const w = random.between(1, warehouses);
  const d = random.between(1, DISTRICTS);
  const remote = warehouses > 1 && random.between(1, 100) <= 15;
  const customerW = remote ? ((w + random.between(0, warehouses - 2)) % warehouses) + 1 : w;
  const customerD = remote ? random.between(1, DISTRICTS) : d;
  const by = customerBy(random);
  const amount = (random.between(100, 500_000) / 100).toFixed(2);
  await inTransaction(worker, async () => {
    await client.run('UPDATE tpcc_warehouse SET w_ytd = w_ytd + $1 WHERE w_id = $2 RETURNING w_name', [amount, w]);
    await client.run('UPDATE tpcc_district SET d_ytd = d_ytd + $1 WHERE d_w_id = $2 AND d_id = $3 RETURNING d_name', [
      amount,
      w,
      d,
    ]);
    const c = await customerId(worker, customerW, customerD, by);
    if (c === null) throw new ServerError('P0002', `nobody in ${customerW}/${customerD} has that name`);
    const paid = await client.run(
      'UPDATE tpcc_customer SET c_balance = c_balance - $1, c_ytd_payment = c_ytd_payment + $1, c_payment_cnt = c_payment_cnt + 1 WHERE c_w_id = $2 AND c_d_id = $3 AND c_id = $4 RETURNING c_credit, c_data',
      [amount, customerW, customerD, c],
    );
    if (paid.rows.length !== 1) throw new ServerError('P0002', `customer ${customerW}/${customerD}/${c} is missing`);
    if (paid.rows[0]?.[0] === 'BC') {
      // Customers with bad credit have their payments written down.
      const data = `${c} ${customerD} ${customerW} ${d} ${w} ${amount} | ${paid.rows[0][1] ?? ''}`.slice(0, 500);
      await client.run('UPDATE tpcc_customer SET c_data = $1 WHERE c_w_id = $2 AND c_d_id = $3 AND c_id = $4', [
        data,
        customerW,
        customerD,
        c,
      ]);
    }
    await client.run(
      'INSERT INTO tpcc_history (h_c_id, h_c_d_id, h_c_w_id, h_d_id, h_w_id, h_date, h_amount, h_data) VALUES ($1, $2, $3, $4, $5, now(), $6, $7)',
      [c, customerD, customerW, d, w, amount, 'payment'],
    );
  });
  return 'payment';
}

async function orderStatus(worker: Worker, w: number): Promise<string> {
  const { client, random } = worker;
  const d = random.between(1, DISTRICTS);
  const by = customerBy(random);
  await inTransaction(worker, async () => {
    const c = await customerId(worker, w, d, by);
    if (c === null) throw new ServerError('P0002', `nobody in ${w}/${d} has that name`);
    await client.run(
      'SELECT c_balance, c_first, c_middle, c_last FROM tpcc_customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3',
      [w, d, c],
    );
    const order = await client.run(
      'SELECT o_id, o_carrier_id, o_entry_d, o_ol_cnt FROM tpcc_orders WHERE o_w_id = $1 AND o_d_id = $2 AND o_c_id = $3 ORDER BY o_id DESC LIMIT 1',
      [w, d, c],
    );
    const [id, , , count] = order.rows[0] ?? [];
    if (id === undefined) return;
    const lines = await client.run(
      'SELECT ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_delivery_d FROM tpcc_order_line WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3',
      [w, d, id],
    );
    if (lines.rows.length !== Number(count)) throw new Error(`order ${w}/${d}/${id} has ${lines.rows.length} lines`);
  });
  return 'order-status';
}

/** The oldest new order of each district is delivered and charged; a district without one is skipped. */
async function delivery(worker: Worker, w: number): Promise<string> {
  const { client, random } = worker;
  const carrier = random.between(1, CARRIERS);
  await inTransaction(worker, async () => {
    for (let d = 1; d <= DISTRICTS; d++) {
      const oldest = await client.run(
        'SELECT no_o_id FROM tpcc_new_order WHERE no_w_id = $1 AND no_d_id = $2 ORDER BY no_o_id LIMIT 1 FOR UPDATE',
        [w, d],
      );
      const order = oldest.rows[0]?.[0] ?? null;
      if (order === null) continue;
      const gone = await client.run('DELETE FROM tpcc_new_order WHERE no_w_id = $1 AND no_d_id = $2 AND no_o_id = $3', [
        w,
        d,
        order,
      ]);
      // PostgreSQL's READ COMMITTED may find that another delivery was faster.
      if (gone.tag !== 'DELETE 1') continue;
      const key = [w, d, order];
      const carried = await client.run(
        'UPDATE tpcc_orders SET o_carrier_id = $4 WHERE o_w_id = $1 AND o_d_id = $2 AND o_id = $3 RETURNING o_c_id',
        [...key, carrier],
      );
      const lines = 'ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3';
      await client.run(`UPDATE tpcc_order_line SET ol_delivery_d = now() WHERE ${lines}`, key);
      const total = await client.run(`SELECT sum(ol_amount) FROM tpcc_order_line WHERE ${lines}`, key);
      await client.run(
        'UPDATE tpcc_customer SET c_balance = c_balance + $4, c_delivery_cnt = c_delivery_cnt + 1 WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3',
        [w, d, carried.rows[0]?.[0] ?? null, total.rows[0]?.[0] ?? null],
      );
    }
  });
  return 'delivery';
}

async function stockLevel(worker: Worker, w: number): Promise<string> {
  const { client, random } = worker;
  const d = random.between(1, DISTRICTS);
  const threshold = random.between(10, 20);
  await inTransaction(worker, async () => {
    const next = await client.run('SELECT d_next_o_id FROM tpcc_district WHERE d_w_id = $1 AND d_id = $2', [w, d]);
    const order = Number(next.rows[0]?.[0]);
    await client.run(
      'SELECT count(DISTINCT s_i_id) FROM tpcc_order_line, tpcc_stock WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id < $3 AND ol_o_id >= $4 AND s_w_id = $1 AND s_i_id = ol_i_id AND s_quantity < $5',
      [w, d, order, order - RECENT_ORDERS, threshold],
    );
  });
  return 'stock-level';
}
