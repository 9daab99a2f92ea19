/**
 * TPC-C's consistency conditions (revision 5.11, clauses 3.3.2.1 to 3.3.2.12) as queries that return the
 * rows which break them, so a consistent database answers each with none. They hold in every committed
 * state, so they may be asked while transactions run, one transaction for all of them.
 *
 * Two databases differ only in what was loaded: the specification loads one payment of 10.00 for each
 * customer and 3,000 orders of which 900 are new; the benchmark in `bench/` (`BENCH_LOAD`, the default)
 * loads totals without the payments behind them, and no orders.
 *
 * Limits: at most ten rows of a condition come back. An order's lines are counted, not compared.
 */
import type { Anomaly, Verdict } from './history.js';

export interface TpccOptions {
  /** Before each table's name; default `tpcc_`. */
  readonly prefix?: string;
  readonly load?: TpccLoad;
}

/** What was loaded without the rows of `history` and `orders` that the conditions add up. */
export interface TpccLoad {
  readonly warehouseYtd: number;
  readonly districtYtd: number;
  /** A customer's first balance plus the payments in `history` at that time. */
  readonly customerBalance: number;
  /** Orders a district was loaded with that are not new: 2,100 by the specification. */
  readonly deliveredOrders: number;
}

export const BENCH_LOAD: TpccLoad = {
  warehouseYtd: 300_000,
  districtYtd: 30_000,
  customerBalance: -10,
  deliveredOrders: 0,
};
export const SPECIFICATION_LOAD: TpccLoad = {
  warehouseYtd: 0,
  districtYtd: 0,
  customerBalance: 0,
  deliveredOrders: 2_100,
};

export interface TpccCondition {
  /** `3.3.2.1` … `3.3.2.12`. */
  readonly id: string;
  readonly title: string;
  readonly sql: string;
  readonly ok: (rows: readonly unknown[]) => boolean;
}

const none = (rows: readonly unknown[]): boolean => rows.length === 0;

export function tpccConditions(options: TpccOptions = {}): TpccCondition[] {
  const p = options.prefix ?? 'tpcc_';
  const load = options.load ?? BENCH_LOAD;
  if (!/^[a-z0-9_]*$/.test(p)) throw new RangeError(`the prefix ${JSON.stringify(p)} is not part of a plain SQL name`);
  return [...moneyConditions(p, load), ...orderConditions(p), ...customerConditions(p, load)].sort(
    (a, b) => Number(a.id.slice(6)) - Number(b.id.slice(6)),
  );
}

function condition(number: number, title: string, sql: string): TpccCondition {
  return { id: `3.3.2.${number}`, title, sql: `${sql} LIMIT 10`, ok: none };
}

function moneyConditions(p: string, load: TpccLoad): TpccCondition[] {
  return [
    condition(
      1,
      "a warehouse's year to date is the sum of its districts'",
      `SELECT w.w_id, w.w_ytd, d.ytd FROM ${p}warehouse w LEFT JOIN (SELECT d_w_id, sum(d_ytd) AS ytd FROM ${p}district GROUP BY d_w_id) d ON d.d_w_id = w.w_id WHERE w.w_ytd <> coalesce(d.ytd, 0)`,
    ),
    condition(
      8,
      "a warehouse's year to date is the sum of its payments",
      `SELECT w.w_id, w.w_ytd, h.paid FROM ${p}warehouse w LEFT JOIN (SELECT h_w_id, sum(h_amount) AS paid FROM ${p}history GROUP BY h_w_id) h ON h.h_w_id = w.w_id WHERE w.w_ytd - ${load.warehouseYtd} <> coalesce(h.paid, 0)`,
    ),
    condition(
      9,
      "a district's year to date is the sum of its payments",
      `SELECT d.d_w_id, d.d_id, d.d_ytd, h.paid FROM ${p}district d LEFT JOIN (SELECT h_w_id, h_d_id, sum(h_amount) AS paid FROM ${p}history GROUP BY h_w_id, h_d_id) h ON h.h_w_id = d.d_w_id AND h.h_d_id = d.d_id WHERE d.d_ytd - ${load.districtYtd} <> coalesce(h.paid, 0)`,
    ),
  ];
}

function orderConditions(p: string): TpccCondition[] {
  const lines = `SELECT ol_w_id, ol_d_id, ol_o_id, count(*) AS lines FROM ${p}order_line GROUP BY ol_w_id, ol_d_id, ol_o_id`;
  return [
    condition(
      2,
      "a district's next order follows its last order and its last new order",
      `SELECT d.d_w_id, d.d_id, d.d_next_o_id, o.last AS last_order, n.last AS last_new FROM ${p}district d LEFT JOIN (SELECT o_w_id, o_d_id, max(o_id) AS last FROM ${p}orders GROUP BY o_w_id, o_d_id) o ON o.o_w_id = d.d_w_id AND o.o_d_id = d.d_id LEFT JOIN (SELECT no_w_id, no_d_id, max(no_o_id) AS last FROM ${p}new_order GROUP BY no_w_id, no_d_id) n ON n.no_w_id = d.d_w_id AND n.no_d_id = d.d_id WHERE d.d_next_o_id - 1 <> coalesce(o.last, 0) OR (n.last IS NOT NULL AND n.last <> d.d_next_o_id - 1)`,
    ),
    condition(
      3,
      "a district's new orders have no gaps",
      `SELECT no_w_id, no_d_id, min(no_o_id) AS first, max(no_o_id) AS last, count(*) AS orders FROM ${p}new_order GROUP BY no_w_id, no_d_id HAVING max(no_o_id) - min(no_o_id) + 1 <> count(*)`,
    ),
    condition(
      4,
      "a district's orders count as many lines as there are",
      `SELECT o.o_w_id, o.o_d_id, o.counted, l.lines FROM (SELECT o_w_id, o_d_id, sum(o_ol_cnt) AS counted FROM ${p}orders GROUP BY o_w_id, o_d_id) o FULL JOIN (SELECT ol_w_id, ol_d_id, count(*) AS lines FROM ${p}order_line GROUP BY ol_w_id, ol_d_id) l ON l.ol_w_id = o.o_w_id AND l.ol_d_id = o.o_d_id WHERE coalesce(o.counted, 0) <> coalesce(l.lines, 0)`,
    ),
    condition(
      5,
      'an order has no carrier exactly while it is new',
      `SELECT o.o_w_id, o.o_d_id, o.o_id, o.o_carrier_id FROM ${p}orders o FULL JOIN ${p}new_order n ON n.no_w_id = o.o_w_id AND n.no_d_id = o.o_d_id AND n.no_o_id = o.o_id WHERE o.o_id IS NULL OR (o.o_carrier_id IS NULL AND n.no_o_id IS NULL) OR (o.o_carrier_id IS NOT NULL AND n.no_o_id IS NOT NULL)`,
    ),
    condition(
      6,
      'an order counts its lines',
      `SELECT o.o_w_id, o.o_d_id, o.o_id, o.o_ol_cnt, l.lines FROM ${p}orders o FULL JOIN (${lines}) l ON l.ol_w_id = o.o_w_id AND l.ol_d_id = o.o_d_id AND l.ol_o_id = o.o_id WHERE coalesce(o.o_ol_cnt, 0) <> coalesce(l.lines, 0)`,
    ),
    condition(
      7,
      'a line has a delivery date exactly if its order has a carrier',
      `SELECT l.ol_w_id, l.ol_d_id, l.ol_o_id, l.ol_number FROM ${p}order_line l LEFT JOIN ${p}orders o ON o.o_w_id = l.ol_w_id AND o.o_d_id = l.ol_d_id AND o.o_id = l.ol_o_id WHERE o.o_id IS NULL OR (o.o_carrier_id IS NULL AND l.ol_delivery_d IS NOT NULL) OR (o.o_carrier_id IS NOT NULL AND l.ol_delivery_d IS NULL)`,
    ),
  ];
}

function customerConditions(p: string, load: TpccLoad): TpccCondition[] {
  const delivered = `SELECT o.o_w_id, o.o_d_id, o.o_c_id, sum(l.ol_amount) AS amount FROM ${p}orders o JOIN ${p}order_line l ON l.ol_w_id = o.o_w_id AND l.ol_d_id = o.o_d_id AND l.ol_o_id = o.o_id WHERE l.ol_delivery_d IS NOT NULL GROUP BY o.o_w_id, o.o_d_id, o.o_c_id`;
  const withDelivered = `LEFT JOIN (${delivered}) x ON x.o_w_id = c.c_w_id AND x.o_d_id = c.c_d_id AND x.o_c_id = c.c_id`;
  return [
    condition(
      10,
      "a customer's balance is what was delivered less what was paid",
      `SELECT c.c_w_id, c.c_d_id, c.c_id, c.c_balance, x.amount, h.paid FROM ${p}customer c ${withDelivered} LEFT JOIN (SELECT h_c_w_id, h_c_d_id, h_c_id, sum(h_amount) AS paid FROM ${p}history GROUP BY h_c_w_id, h_c_d_id, h_c_id) h ON h.h_c_w_id = c.c_w_id AND h.h_c_d_id = c.c_d_id AND h.h_c_id = c.c_id WHERE c.c_balance - (${load.customerBalance}) <> coalesce(x.amount, 0) - coalesce(h.paid, 0)`,
    ),
    condition(
      11,
      'orders less new orders are those that were delivered',
      `SELECT d.d_w_id, d.d_id, o.orders, n.waiting, x.delivered FROM ${p}district d LEFT JOIN (SELECT o_w_id, o_d_id, count(*) AS orders FROM ${p}orders GROUP BY o_w_id, o_d_id) o ON o.o_w_id = d.d_w_id AND o.o_d_id = d.d_id LEFT JOIN (SELECT no_w_id, no_d_id, count(*) AS waiting FROM ${p}new_order GROUP BY no_w_id, no_d_id) n ON n.no_w_id = d.d_w_id AND n.no_d_id = d.d_id LEFT JOIN (SELECT o_w_id, o_d_id, count(*) AS delivered FROM ${p}orders WHERE o_carrier_id IS NOT NULL GROUP BY o_w_id, o_d_id) x ON x.o_w_id = d.d_w_id AND x.o_d_id = d.d_id WHERE coalesce(o.orders, 0) - coalesce(n.waiting, 0) <> coalesce(x.delivered, 0) OR coalesce(x.delivered, 0) < ${load.deliveredOrders}`,
    ),
    condition(
      12,
      "a customer's balance and payments together are what was delivered",
      `SELECT c.c_w_id, c.c_d_id, c.c_id, c.c_balance, c.c_ytd_payment, x.amount FROM ${p}customer c ${withDelivered} WHERE c.c_balance + c.c_ytd_payment <> coalesce(x.amount, 0)`,
    ),
  ];
}

/** The verdict on the rows that each condition's query gave, by its id. */
export function judgeTpcc(
  answers: ReadonlyMap<string, readonly unknown[]>,
  conditions: readonly TpccCondition[] = tpccConditions(),
): Verdict {
  const anomalies: Anomaly[] = [];
  let asked = 0;
  for (const { id, title, ok } of conditions) {
    const rows = answers.get(id);
    if (rows === undefined) continue;
    asked++;
    if (ok(rows)) continue;
    const shown = rows.slice(0, 3).map((row) => `\n  ${JSON.stringify(row)}`);
    const explanation = `TPC-C condition ${id} is broken: it is not so that ${title}.${shown.join('')}`;
    anomalies.push({ name: 'consistency', explanation, transactions: [] });
  }
  return {
    checker: 'tpcc',
    ok: anomalies.length === 0,
    anomalies,
    stats: { conditions: asked, broken: anomalies.length },
  };
}
