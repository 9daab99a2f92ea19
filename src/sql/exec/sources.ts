/** Leaf operators besides scans: VALUES, functions in FROM, WITH scans. */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { FunctionPlan, ValuesPlan } from '../plan/logical.js';
import { PgRecord, type Datum } from '../types/datum.js';
import type { Expr } from '../plan/expr.js';
import { columnsOf } from '../plan/plan-walk.js';
import { isVolatileExpr } from '../plan/volatility.js';
import { formatType } from '../types/registry.js';
import { baseOidOf } from '../types/user-types.js';
import { compileExpr, compileRow, type Compiled } from './eval.js';
import {
  type Batch,
  BATCH_ROWS,
  LazyRows,
  type Operator,
  type OperatorFactory,
  type Row,
  RowsOperator,
  type Run,
} from './run.js';
import { RowPace } from './pace.js';
import { checkCancelled } from './scan.js';

const NO_LAYOUT = new Map<number, number>();
const NO_ROW: Row = [];

export function compileOne(): OperatorFactory {
  return () => new RowsOperator([NO_ROW]);
}

export function compileValues(plan: ValuesPlan): OperatorFactory {
  const rows = plan.rows.map((row) => constantRow(row) ?? compileRow(row, NO_LAYOUT));
  return (run) =>
    new LazyRows(async () => {
      const out: Row[] = [];
      const pace = new RowPace(run.ctx);
      for (const row of rows) {
        const rest = pace.rest(out.length);
        if (rest !== null) await rest;
        if (!('waits' in row)) out.push(row);
        else out.push(row.waits ? await row.later(NO_ROW, run) : row.now(NO_ROW, run));
      }
      return out;
    });
}

/** Most rows of VALUES are: no closures for these. */
function constantRow(row: readonly Expr[]): Row | null {
  const values: Datum[] = [];
  for (const item of row) {
    if (item.kind !== 'const') return null;
    values.push(item.value);
  }
  return values;
}

/** Set-returning and plain functions side by side; the shorter ones are padded with NULLs. */
export function compileFunction(plan: FunctionPlan): OperatorFactory {
  const isLateral = plan.calls.length > 1 && plan.calls.some(({ expr }) => columnsOf(expr).size > 0);
  const calls = plan.calls.map(({ expr, width, record, wanted }) => ({
    width,
    record,
    wanted,
    source: isLateral && columnsOf(expr).size === 0 ? calledOnce(expr) : compileRowSource(expr),
  }));
  return (run) => new FunctionOperator(calls, plan.ordinality, run);
}

/** Beside one that runs for every outer row: what takes nothing of that row has run for the first. */
function calledOnce(expr: Expr): RowSource {
  const source = compileRowSource(expr);
  if (!isVolatileExpr(expr)) return source;
  return async (row, run) => {
    let values = run.constants.get(expr) as readonly Datum[] | undefined;
    if (values === undefined) run.constants.set(expr, (values = [...(await source(row, run))]));
    return values;
  };
}

interface FunctionCall {
  readonly width: number;
  readonly record: boolean;
  readonly wanted: readonly number[] | undefined;
  readonly source: RowSource;
}

export type RowSource = (row: Row, run: Run) => Promise<Iterable<Datum>>;

/** The values that a function gives: many if it returns a set, else one. */
export function compileRowSource(
  expr: Parameters<typeof compileExpr>[0],
  layout: ReadonlyMap<number, number> = NO_LAYOUT,
): RowSource {
  if (expr.kind !== 'srf') {
    const compiled: Compiled = compileExpr(expr, layout);
    return async (row, run) => [compiled.waits ? await compiled.eval(row, run) : compiled.eval(row, run)];
  }
  const { entry, info } = expr;
  const args = compileRow(expr.args, layout);
  return async (row, run) => {
    const values = args.waits ? await args.later(row, run) : args.now(row, run);
    if (entry.strict && values.includes(null)) return [];
    if (entry.rows === null) throw new QuoralError('XX000', `${entry.name} does not return a set`);
    return entry.rows(values, run.ctx, info);
  };
}

/** A record whose columns the query has named must be of their number and types. */
function checkShape(given: readonly number[], wanted: readonly number[]): void {
  const mismatch = (detail: string): Error =>
    sqlError('42804', 'function return row and query-specified return row do not match', { detail });
  if (given.length !== wanted.length) {
    const attributes = given.length === 1 ? 'attribute' : 'attributes';
    throw mismatch(`Returned row contains ${given.length} ${attributes}, but query expects ${wanted.length}.`);
  }
  for (let i = 0; i < given.length; i++) {
    if (given[i] === wanted[i] || baseOidOf(given[i]!) === baseOidOf(wanted[i]!)) continue;
    const [got, expected] = [formatType(given[i]!), formatType(wanted[i]!)];
    throw mismatch(`Returned type ${got} at ordinal position ${i + 1}, but query expects ${expected}.`);
  }
}

class FunctionOperator implements Operator {
  readonly #calls: readonly FunctionCall[];
  readonly #ordinality: boolean;
  readonly #run: Run;
  #iterators: Iterator<Datum>[] | null = null;
  #count = 0n;
  #done = false;

  constructor(calls: readonly FunctionCall[], ordinality: boolean, run: Run) {
    this.#calls = calls;
    this.#ordinality = ordinality;
    this.#run = run;
  }

  async next(): Promise<Batch | null> {
    if (this.#done) return null;
    checkCancelled(this.#run.ctx);
    if (this.#iterators === null) {
      this.#iterators = [];
      for (const call of this.#calls) {
        this.#iterators.push((await call.source(NO_ROW, this.#run))[Symbol.iterator]());
      }
    }
    const rows: Row[] = [];
    while (rows.length < BATCH_ROWS) {
      const row = this.#row(this.#iterators);
      if (row === null) break;
      rows.push(row);
    }
    return rows.length === 0 ? null : rows;
  }

  #row(iterators: readonly Iterator<Datum>[]): Row | null {
    const row: Datum[] = [];
    let any = false;
    this.#calls.forEach((call, i) => {
      const step = iterators[i]!.next();
      if (step.done !== true) any = true;
      const value = step.done === true ? null : step.value;
      if (!call.record) row.push(value);
      else {
        const fields = value instanceof PgRecord ? value.values : [];
        if (call.wanted !== undefined && value instanceof PgRecord) checkShape(value.typeOids, call.wanted);
        for (let f = 0; f < call.width; f++) row.push(fields[f] ?? null);
      }
    });
    if (!any) {
      this.#done = true;
      return null;
    }
    if (this.#ordinality) row.push(++this.#count);
    return row;
  }

  close(): void {
    this.#done = true;
    for (const iterator of this.#iterators ?? []) iterator.return?.();
  }
}
