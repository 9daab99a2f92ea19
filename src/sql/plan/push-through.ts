/**
 * Conditions over what takes rows together (windows, DISTINCT, sets, unions) that may as well be asked of each row before:
 * `SELECT … FROM (SELECT k, row_number() OVER (PARTITION BY k …) …) WHERE k = 5` numbers the rows of one k only, as the
 * condition holds for all rows of a partition or for none of them.
 */
import { ALIKE } from '../types/alike.js';
import { hasSubquery, mapChildren } from './expr.js';
import type { Expr } from './expr.js';
import type { DistinctPlan, Plan, ProjectSetPlan, SetOpPlan, WindowPlan } from './logical.js';
import { columnsOf, idsOf } from './plan-walk.js';
import { isVolatileWithin } from './volatility.js';

interface Split {
  readonly below: readonly Expr[];
  readonly above: readonly Expr[];
}

/** Of its own columns the condition reads some of these only. */
function readsOnly(condition: Expr, keys: ReadonlySet<number>, own: ReadonlySet<number>): boolean {
  const used = [...columnsOf(condition)].filter((id) => own.has(id));
  return used.length > 0 && used.every((id) => keys.has(id));
}

function split(conditions: readonly Expr[], isBelow: (c: Expr) => boolean): Split {
  const below = conditions.filter((c) => !isVolatileWithin(c) && isBelow(c));
  return { below, above: conditions.filter((c) => !below.includes(c)) };
}

function columnIds(exprs: readonly Expr[]): Set<number> {
  return new Set(exprs.flatMap((e) => (e.kind === 'column' ? [e.id] : [])));
}

/** Columns that every one of the windows is partitioned by. */
export function belowWindow(p: WindowPlan, conditions: readonly Expr[]): Split {
  const [first, ...others] = p.windows.map(({ window }) => columnIds(window.partition));
  const keys = new Set([...(first ?? [])].filter((id) => others.every((other) => other.has(id))));
  const own = idsOf(p);
  return split(conditions, (c) => !hasSubquery(c) && readsOnly(c, keys, own));
}

/** What is volatile is asked once for each row that is left. */
export function belowDistinct(p: DistinctPlan, conditions: readonly Expr[]): Split {
  if (p.on === null) return split(conditions, () => true);
  const keys = columnIds(p.on);
  const own = idsOf(p);
  return split(conditions, (c) => !hasSubquery(c) && readsOnly(c, keys, own));
}

/** What is not of the sets themselves. A row of which a set is empty is none: conditions that would fail on it are not asked. */
export function belowSets(p: ProjectSetPlan, conditions: readonly Expr[]): Split {
  const own = idsOf(p);
  const keys = idsOf(p.input);
  return split(conditions, (c) => !hasSubquery(c) && readsOnly(c, keys, own));
}

/**
 * The conditions over either side's columns, where these are of the same types; the rest stays above. Of EXCEPT only those that
 * cannot tell equal values apart: 1.00 on the right removes the 1.0 that `x::text = '1.0'` asks for.
 */
export function belowSetOp(p: SetOpPlan, conditions: readonly Expr[]): Split & { of(side: Plan): readonly Expr[] } {
  const movable = p.columns.flatMap((column, i) => {
    const sides = [p.left.columns[i]!, p.right.columns[i]!];
    const alike = sides.every((side) => side.oid === column.oid);
    return alike && (p.op !== 'except' || ALIKE.has(column.oid)) ? [column.id] : [];
  });
  const keys = new Set(movable);
  const own = idsOf(p);
  const parts = split(conditions, (c) => !hasSubquery(c) && readsOnly(c, keys, own));
  const places = new Map(p.columns.map((column, i) => [column.id, i]));
  const of = (side: Plan): readonly Expr[] => {
    const over = (e: Expr): Expr => {
      if (e.kind !== 'column') return mapChildren(e, over);
      const place = places.get(e.id);
      if (place === undefined) return e;
      const { id, name, oid, typmod } = side.columns[place]!;
      return { kind: 'column', id, name, oid, typmod, location: e.location };
    };
    return parts.below.map(over);
  };
  return { ...parts, of };
}
