/**
 * Results of a subquery by the values of the outer columns that it refers to, so that rows with the same values ask
 * once. Only for types of which a short text tells all, for plans that neither lock rows nor change from one call to
 * the next, and not in a statement that calls functions which may write. Bounded: the results of the first so many
 * combinations are kept.
 */
import { type Expr, type SubqueryExpr, walk } from '../plan/expr.js';
import { columnsOf, ctesOutside, freeColumns, idsOf, locksRows, walkPlan } from '../plan/plan-walk.js';
import { isVolatilePlan, isVolatileWithin } from '../plan/volatility.js';
import type { Datum } from '../types/datum.js';
import type { AsyncEval, Layout } from './eval.js';
import { KEYED, keyOf, KEYS_MAX } from './outer-key.js';
import { rowBytes } from './run.js';

const KEPT_MAX = 10_000;

/** Ids of the outer columns that the plan, and the test of its rows, refer to; null: results cannot be kept by them. */
function keyColumns({ plan, test }: SubqueryExpr): readonly number[] | null {
  if (isVolatilePlan(plan) || (test !== null && isVolatileWithin(test))) return null;
  const free = new Set(freeColumns(plan));
  const own = idsOf(plan);
  if (test !== null) for (const id of columnsOf(test)) if (!own.has(id)) free.add(id);
  if (free.size === 0 || free.size > KEYS_MAX) return null;
  let usable = true;
  const look = (e: Expr): void => {
    if (e.kind === 'column' && free.has(e.id) && !KEYED.has(e.oid)) usable = false;
  };
  if (test !== null) walk(test, look);
  walkPlan(plan, look);
  // WITH queries of outside may stem from a recursion that goes on, or run anew for another row.
  return usable && !locksRows(plan) && ctesOutside(plan).length === 0 ? [...free] : null;
}

export function memoized(expr: SubqueryExpr, layout: Layout, compute: AsyncEval): AsyncEval {
  const ids = keyColumns(expr);
  if (ids === null) return compute;
  const places = ids.map((id) => ({ id, at: layout.get(id) }));
  return (row, run) => {
    if (run.settles) return compute(row, run);
    let kept = run.constants.get(expr) as Map<string, Datum> | undefined;
    if (kept === undefined) {
      kept = new Map();
      run.constants.set(expr, kept);
    }
    let key = '';
    for (const { id, at } of places) key += keyOf((at === undefined ? run.outer[id] : row[at]) ?? null);
    const known = kept.get(key);
    if (known !== undefined) return known;
    const found = compute(row, run);
    const memo = kept;
    const keep = (value: Datum): Datum => {
      if (memo.size < KEPT_MAX) {
        memo.set(key, value);
        run.ctx.memory.grow(rowBytes([value]) + key.length + 64);
      }
      return value;
    };
    return found instanceof Promise ? found.then(keep) : keep(found);
  };
}
