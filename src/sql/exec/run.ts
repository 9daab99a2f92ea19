/**
 * What one execution carries, and the shape of operators.
 *
 * Operators pull batches of rows. A row is an array of datums in the order of the plan node's columns;
 * whoever gets a batch may keep its rows but must not change them. Outer references (correlated
 * subqueries, LATERAL) are read from `run.outer`, indexed by column id, which the operator that
 * starts the inner plan sets before it pulls from it; it finishes with one outer row before the next.
 */
import type { ExecContext } from '../contract.js';
import type { SubqueryExpr } from '../plan/expr.js';
import type { Datum } from '../types/datum.js';

export type Row = readonly Datum[];
export type Batch = readonly Row[];

export const BATCH_ROWS = 1024;

export interface Operator {
  /** null at the end; never an empty batch. */
  next(): Promise<Batch | null>;
  close(): void;
}

export type OperatorFactory = (run: Run) => Operator;

/** Rows of a WITH query, computed once and shared by its scans. */
export interface CteRows {
  rows(): Promise<readonly Row[]>;
}

export class Run {
  readonly ctx: ExecContext;
  /** Values of outer columns, by column id. */
  readonly outer: Datum[];
  readonly ctes: Map<number, CteRows>;
  /** Results of subqueries without outer references. */
  readonly constants = new Map<SubqueryExpr, unknown>();
  /** Rows changed by the statement's own INSERT, UPDATE or DELETE. */
  affected = 0;
  /** Functions are called that may write: a scan reads all of its rows before the first goes on. */
  settles = false;
  /** Of the top operator: how many rows will be asked for at most; 0 = all. */
  rowsWanted = 0;

  constructor(ctx: ExecContext, outer: Datum[] = [], ctes: Map<number, CteRows> = new Map()) {
    this.ctx = ctx;
    this.outer = outer;
    this.ctes = ctes;
  }
}

export async function drain(operator: Operator): Promise<Row[]> {
  const rows: Row[] = [];
  try {
    for (let batch = await operator.next(); batch !== null; batch = await operator.next()) {
      for (const row of batch) rows.push(row);
    }
  } finally {
    operator.close();
  }
  return rows;
}

/** A fair guess at what a row holds in memory, bytes. */
export function rowBytes(row: Row): number {
  let bytes = 48 + row.length * 8;
  for (const value of row) {
    if (typeof value === 'string') bytes += 24 + value.length;
    else if (typeof value === 'object' && value !== null) {
      bytes += value instanceof Uint8Array ? 96 + value.length : 96;
    }
  }
  return bytes;
}

/** Rows from memory, in batches. */
export class RowsOperator implements Operator {
  readonly #rows: readonly Row[];
  #at = 0;
  constructor(rows: readonly Row[]) {
    this.#rows = rows;
  }
  next(): Promise<Batch | null> {
    if (this.#at >= this.#rows.length) return Promise.resolve(null);
    const whole = this.#at === 0 && this.#rows.length <= BATCH_ROWS;
    const batch = whole ? this.#rows : this.#rows.slice(this.#at, this.#at + BATCH_ROWS);
    this.#at += batch.length;
    return Promise.resolve(batch);
  }
  close(): void {
    this.#at = this.#rows.length;
  }
}

/** Computes its rows when it is first asked. */
export class LazyRows implements Operator {
  readonly #make: () => Promise<readonly Row[]>;
  #rows: RowsOperator | null = null;
  constructor(make: () => Promise<readonly Row[]>) {
    this.#make = make;
  }
  async next(): Promise<Batch | null> {
    this.#rows ??= new RowsOperator(await this.#make());
    return this.#rows.next();
  }
  close(): void {
    this.#rows?.close();
  }
}
