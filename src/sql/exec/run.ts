/**
 * What one execution carries, and the shape of operators.
 *
 * Operators pull batches of rows. A row is an array of datums in the order of the plan node's columns;
 * whoever gets a batch may keep its rows but must not change them. Outer references (correlated
 * subqueries, LATERAL) are read from `run.outer`, indexed by column id, which the operator that
 * starts the inner plan sets before it pulls from it; it finishes with one outer row before the next.
 *
 * What has its rows in memory gives them at once, so that a subquery over the catalogs that runs for each of thousands
 * of rows waits for nothing. Whoever pulls awaits, or looks whether there is something to wait for.
 */
import { after, type Soon } from '../../base/soon.js';
import type { ExecContext, MemoryAccount } from '../contract.js';
import type { Savepoint } from '../../txn/kv-txn.js';
import type { Expr } from '../plan/expr.js';
import { PgArray } from '../types/datum.js';
import type { Datum } from '../types/datum.js';

export type Row = readonly Datum[];
export type Batch = readonly Row[];

export const BATCH_ROWS = 1024;

export interface Operator {
  /**
   * null at the end; never an empty batch. `wanted`: whoever pulls can use no more rows than that now. What locks the rows that
   * it gives gives no more; to others it is a hint. Not given: all of them.
   */
  next(wanted?: number): Soon<Batch | null>;
  close(): void;
}

export type OperatorFactory = (run: Run) => Operator;

/** Rows of a WITH query, computed once and shared by its scans. */
export interface CteRows {
  /** Those from this one on that are there or can be had next; null: there are no more. `wanted` as of an operator. */
  from(at: number, wanted?: number): Promise<readonly Row[] | null>;
}

export class Run {
  readonly ctx: ExecContext;
  /** Values of outer columns, by column id. */
  readonly outer: Datum[];
  readonly ctes: Map<number, CteRows>;
  /** What is the same for all rows, by the expression: results of subqueries without outer references, sets of values. */
  readonly constants = new Map<Expr, unknown>();
  /** Set where several parts of the statement change data: all of them read as of here. */
  before: Savepoint | null = null;
  /** Rows changed by the statement's own INSERT, UPDATE or DELETE. */
  affected = 0;
  /** Functions are called that may write: a scan reads all of its rows before the first goes on. */
  settles = false;
  /** Of the top operator: how many rows will be asked for at most; 0 = all. */
  rowsWanted = 0;
  /** That of the whole statement: another one where this is a round of a recursion. */
  readonly whole: Run;

  constructor(ctx: ExecContext, outer: Datum[] = [], ctes: Map<number, CteRows> = new Map(), whole: Run | null = null) {
    this.ctx = ctx;
    this.outer = outer;
    this.ctes = ctes;
    this.whole = whole ?? this;
    this.before = ctx.before ?? null;
  }

  /** From now on it reads, and so do stable functions, what was there until now. `seesSent`: as far as that can be told. */
  readBefore(seesSent: boolean): void {
    if (this.before === null || (this.before.seesSent === true && !seesSent))
      this.before = seesSent ? { ...this.ctx.txn.readPoint(), seesSent } : this.ctx.txn.savepoint();
    this.ctx.before = this.before;
  }
}

/** Its rows, and closes it. */
export function drain(operator: Operator): Soon<Row[]> {
  const rows: Row[] = [];
  const take = (batch: Batch): null => {
    for (const row of batch) rows.push(row);
    return null;
  };
  return after(eachBatch(operator, take), () => rows);
}

/** Gives each batch to `take`, which tells what it has to wait for before the next, and closes the operator. */
export function eachBatch(operator: Operator, take: (batch: Batch) => Promise<void> | null): Promise<void> | null {
  let waits = false;
  try {
    for (;;) {
      const batch = operator.next();
      if (batch instanceof Promise) {
        waits = true;
        return restOfBatches(operator, take, batch);
      }
      if (batch === null) return null;
      const taken = take(batch);
      if (taken !== null) {
        waits = true;
        return restOfBatches(
          operator,
          take,
          taken.then(() => operator.next()),
        );
      }
    }
  } finally {
    if (!waits) operator.close();
  }
}

async function restOfBatches(
  operator: Operator,
  take: (batch: Batch) => Promise<void> | null,
  first: Promise<Batch | null>,
): Promise<void> {
  try {
    for (let batch = await first; batch !== null; batch = await operator.next()) {
      const taken = take(batch);
      if (taken !== null) await taken;
    }
  } finally {
    operator.close();
  }
}

/** A fair guess at what a row holds in memory, bytes. */
export function rowBytes(row: Row): number {
  let bytes = 48 + row.length * 8;
  for (const value of row) {
    if (typeof value === 'string') bytes += 24 + value.length;
    else if (typeof value === 'object' && value !== null) {
      if (value instanceof Uint8Array) bytes += 96 + value.length;
      else bytes += value instanceof PgArray ? 96 + 16 * value.elements.length : 96;
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
  next(): Batch | null {
    if (this.#at >= this.#rows.length) return null;
    const whole = this.#at === 0 && this.#rows.length <= BATCH_ROWS;
    const batch = whole ? this.#rows : this.#rows.slice(this.#at, this.#at + BATCH_ROWS);
    this.#at += batch.length;
    return batch;
  }
  close(): void {
    this.#at = this.#rows.length;
  }
}

/** What one operator holds of the statement's memory; all of it goes back when the operator is closed: it may run for each of many rows. */
export class Held {
  readonly #memory: MemoryAccount;
  #bytes = 0;
  constructor(run: Run) {
    this.#memory = run.ctx.memory;
  }
  grow(bytes: number): void {
    this.#memory.grow(bytes);
    this.#bytes += bytes;
  }
  shrink(bytes: number): void {
    this.#memory.shrink(bytes);
    this.#bytes -= bytes;
  }
  release(): void {
    if (this.#bytes > 0) this.shrink(this.#bytes);
  }
}

/** Computes its rows when it is first asked. What `make` holds for them is held until they are closed. */
export class LazyRows implements Operator {
  readonly #make: () => Soon<readonly Row[]>;
  readonly #held: Held | null;
  #rows: RowsOperator | null = null;
  constructor(make: () => Soon<readonly Row[]>, held: Held | null = null) {
    this.#make = make;
    this.#held = held;
  }
  next(): Soon<Batch | null> {
    if (this.#rows !== null) return this.#rows.next();
    return after(this.#make(), (rows) => {
      this.#rows = new RowsOperator(rows);
      return this.#rows.next();
    });
  }
  close(): void {
    this.#rows?.close();
    this.#held?.release();
  }
}

/** Rows that are made while what holds them is accounted for. */
export function heldRows(run: Run, make: (held: Held) => Soon<readonly Row[]>): Operator {
  const held = new Held(run);
  return new LazyRows(() => make(held), held);
}
