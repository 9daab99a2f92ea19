/**
 * Results of a subquery by the values of the outer columns that it refers to, so that rows with the same values ask
 * once. Only for types of which equal values look alike, for plans that neither lock rows nor change from one call to
 * the next, and not in a statement that calls functions which may write. Bounded: the results of the first so many
 * combinations are kept.
 */
import type { SubqueryExpr } from '../plan/expr.js';
import { freeColumns, walkPlan } from '../plan/plan-walk.js';
import { isVolatilePlan } from '../plan/volatility.js';
import type { Plan } from '../plan/logical.js';
import type { Datum } from '../types/datum.js';
import { ALIKE } from '../types/alike.js';
import type { AsyncEval, Layout } from './eval.js';
import { rowBytes } from './run.js';

const KEPT_MAX = 10_000;

/** Ids of the outer columns; null: results cannot be kept by them. */
function keyColumns(plan: Plan): readonly number[] | null {
  const free = freeColumns(plan);
  if (free.size === 0 || free.size > 4 || isVolatilePlan(plan)) return null;
  let usable = true;
  walkPlan(
    plan,
    (e) => {
      if (e.kind === 'column' && free.has(e.id) && !ALIKE.has(e.oid)) usable = false;
    },
    (p) => {
      // A WITH query's rows are kept by itself, and may stem from a recursion that goes on.
      if (p.kind === 'lockrows' || p.kind === 'ctescan' || p.kind === 'with') usable = false;
    },
  );
  return usable ? [...free] : null;
}

function textOf(value: Datum): string {
  if (value === null) return 'n';
  const text = String(value as string | number | bigint | boolean);
  return `${text.length}:${text}`;
}

export function memoized(expr: SubqueryExpr, layout: Layout, compute: AsyncEval): AsyncEval {
  const ids = keyColumns(expr.plan);
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
    for (const { id, at } of places) key += textOf((at === undefined ? run.outer[id] : row[at]) ?? null);
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
