/**
 * Subqueries inside expressions. Without outer references they run once per execution, also those that call volatile functions, as
 * in PostgreSQL (`id = (SELECT (random() * 9)::int)` compares all rows with one number); otherwise
 * once for each row, with the outer columns set first, or once for each combination of these columns' values.
 */
import { sqlError } from '../../base/errors.js';
import { after, type Soon } from '../../base/soon.js';
import type { SubqueryExpr } from '../plan/expr.js';
import { ctesOutside, freeColumns } from '../plan/plan-walk.js';
import { stackArrays } from '../types/array.js';
import { PgArray, type Datum } from '../types/datum.js';
import { elementOidOf, typeByOid } from '../types/registry.js';
import { compilePlan } from './compile-plan.js';
import { memoized } from './subquery-memo.js';
import { compileDirect, type DirectRows } from './direct-rows.js';
import { type AsyncEval, compileExpr, type Compiled, layoutOf, type Layout } from './eval.js';
import { type CteRows, drain, type OperatorFactory, type Row, type Run } from './run.js';

export function compileSubquery(expr: SubqueryExpr, layout: Layout): AsyncEval {
  // Compiled at its first use: most statements never reach some of their subqueries.
  let factory: OperatorFactory | null = null;
  const free = [...freeColumns(expr.plan)];
  const constant = free.length === 0;
  let direct: DirectRows | null | undefined;
  const given = free.flatMap((id) => (layout.has(id) ? [{ id, at: layout.get(id)! }] : []));
  const open = (row: Row, run: Run): ReturnType<OperatorFactory> => {
    factory ??= compilePlan(expr.plan);
    for (const { id, at } of given) run.outer[id] = row[at]!;
    return factory(run);
  };
  /** Else as it is with operators, and then kept by the outer values. */
  const directly = (otherwise: AsyncEval, result: (rows: readonly Row[]) => Datum): AsyncEval => {
    if (constant) return otherwise;
    return (row, run) => {
      if (direct === undefined) direct = compileDirect(expr.plan);
      if (direct === null || run.ctx.profile !== undefined) return otherwise(row, run);
      for (const { id, at } of given) run.outer[id] = row[at]!;
      const rows = direct(run);
      if (rows instanceof Promise) return rows.then((r) => (r === null ? otherwise(row, run) : result(r)));
      return rows === null ? otherwise(row, run) : result(rows);
    };
  };
  switch (expr.mode) {
    case 'exists': {
      const exists: AsyncEval = (row, run) => {
        const operator = open(row, run);
        return after(operator.next(1), (batch) => {
          operator.close();
          return batch !== null;
        });
      };
      return once(
        expr,
        constant,
        directly(memoized(expr, layout, exists), (rows) => rows.length > 0),
      );
    }
    case 'scalar': {
      const scalar: AsyncEval = (row, run) => after<readonly Row[], Datum>(drain(open(row, run)), onlyValue);
      return once(expr, constant, directly(memoized(expr, layout, scalar), onlyValue));
    }
    case 'array': {
      const array: AsyncEval = (row, run) =>
        after<readonly Row[], Datum>(drain(open(row, run)), (rows) => arrayOf(expr, rows));
      return once(
        expr,
        constant,
        directly(memoized(expr, layout, array), (rows) => arrayOf(expr, rows)),
      );
    }
    case 'any':
    case 'all':
    case 'row':
      return compileTested(expr, layout, constant, open);
  }
}

function onlyValue(rows: readonly Row[]): Datum {
  return onlyRow(rows)?.[0] ?? null;
}

/** @throws QuoralError 21000 */
function onlyRow(rows: readonly Row[]): Row | null {
  if (rows.length > 1) throw sqlError('21000', 'more than one row returned by a subquery used as an expression');
  return rows[0] ?? null;
}

function arrayOf(expr: SubqueryExpr, rows: readonly Row[]): PgArray {
  const values = rows.map((r) => r[0]!);
  // Of arrays, it has a dimension more and the same type.
  const isNested = values.length > 0 && expr.plan.columns[0]!.oid === expr.oid;
  return isNested ? stackArrays(values as (PgArray | null)[]) : new PgArray(elementOidOf(expr.oid), values);
}

function once(expr: SubqueryExpr, constant: boolean, compute: AsyncEval): AsyncEval {
  if (!constant) return compute;
  const inRun = onceInRun<Datum>(expr);
  return (row, run) => inRun(run, () => compute(row, run));
}

/** What a subquery came to, and the rows of the WITH queries outside of it that it came from. */
interface Known<T> {
  readonly sources: readonly (CteRows | undefined)[];
  value: Soon<T>;
}

/**
 * What it comes to is kept for the execution, as long as the WITH queries that it reads are the same: these may run anew, for each
 * row of a query around them and for each round of a recursion. The promise of it is kept only as long as that is all there is.
 */
function onceInRun<T>(expr: SubqueryExpr): (run: Run, compute: () => Soon<T>) => Soon<T> {
  const outside = ctesOutside(expr.plan);
  return (run, compute) => {
    const { constants } = run.whole;
    const sources = outside.map((id) => run.ctes.get(id));
    const before = constants.get(expr) as Known<T> | undefined;
    if (before !== undefined && before.sources.every((source, i) => source === sources[i])) return before.value;
    const known: Known<T> = { sources, value: compute() };
    constants.set(expr, known);
    const settled = (value: T): unknown => (known.value = value);
    if (known.value instanceof Promise) void known.value.then(settled, () => undefined);
    return known.value;
  };
}

interface HashedSet {
  readonly keys: ReadonlySet<unknown>;
  readonly hasNull: boolean;
  readonly empty: boolean;
}

/** x op ANY/ALL (subquery), where an uncorrelated = ANY looks up a hash set; and (x, y) op (subquery). */
function compileTested(
  expr: SubqueryExpr,
  layout: Layout,
  constant: boolean,
  open: (row: Row, run: Run) => ReturnType<OperatorFactory>,
): AsyncEval {
  const inRun = constant ? onceInRun<readonly Row[]>(expr) : null;
  const rowsOf = (row: Row, run: Run): Soon<readonly Row[]> =>
    inRun === null ? drain(open(row, run)) : inRun(run, () => drain(open(row, run)));
  if (constant && expr.hashed !== null && expr.mode === 'any') {
    return compileHashed(expr, expr.hashed, layout, rowsOf);
  }
  const inner = layoutOf(expr.plan.columns);
  const outerIds = [...layout];
  const test: Compiled = compileExpr(expr.test!, inner);
  const decisive = expr.mode === 'any';
  const from = (at: number, before: Datum, rows: readonly Row[], run: Run): Soon<Datum> => {
    let result = before;
    for (let i = at; i < rows.length; i++) {
      const value = test.eval(rows[i]!, run);
      if (value instanceof Promise) return fromWaiting(value, i, result, rows, run);
      if (value === decisive) return decisive;
      if (value === null) result = null;
    }
    return result;
  };
  const fromWaiting = async (
    first: Promise<Datum>,
    at: number,
    before: Datum,
    rows: readonly Row[],
    run: Run,
  ): Promise<Datum> => {
    let result = before;
    let value = await first;
    for (let i = at + 1; ; i++) {
      if (value === decisive) return decisive;
      if (value === null) result = null;
      if (i >= rows.length) return result;
      value = await test.eval(rows[i]!, run);
    }
  };
  const tested: AsyncEval = (row, run) =>
    after<readonly Row[], Datum>(rowsOf(row, run), (rows) => {
      // The test sees the subquery's row; what it wants of this row comes as outer columns.
      for (const [id, at] of outerIds) run.outer[id] = row[at]!;
      if (expr.mode !== 'row') return from(0, !decisive, rows, run);
      const only = onlyRow(rows);
      return only === null ? null : test.eval(only, run);
    });
  return constant ? tested : memoized(expr, layout, tested);
}

function compileHashed(
  expr: SubqueryExpr,
  hashed: NonNullable<SubqueryExpr['hashed']>,
  layout: Layout,
  rowsOf: (row: Row, run: Run) => Soon<readonly Row[]>,
): AsyncEval {
  const left = compileExpr(hashed.left, layout);
  const { hashKey } = typeByOid(hashed.typeOid);
  const sets = new WeakMap<readonly Row[], HashedSet>();
  const among = (rows: readonly Row[], value: Datum): Datum => {
    let set = sets.get(rows);
    if (set === undefined) {
      const keys = new Set<unknown>();
      let hasNull = false;
      for (const [v] of rows) {
        if (v === null || v === undefined) hasNull = true;
        else keys.add(hashKey(v));
      }
      set = { keys, hasNull, empty: rows.length === 0 };
      sets.set(rows, set);
    }
    if (set.empty) return false;
    if (value === null) return null;
    if (set.keys.has(hashKey(value))) return true;
    return set.hasNull ? null : false;
  };
  return (row, run) =>
    after<Datum, Datum>(left.eval(row, run), (value) =>
      after<readonly Row[], Datum>(rowsOf(row, run), (rows) => among(rows, value)),
    );
}
