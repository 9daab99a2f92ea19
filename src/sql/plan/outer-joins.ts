/**
 * Outer joins of which a condition further up drops every row that has no partner: they are inner joins, or keep the rows of one side
 * only, and can then be put in any order with others. `a LEFT JOIN b ON … JOIN c ON b.x = c.x` is such a one, as no row without b has
 * a partner in c (PostgreSQL's reduce_outer_joins).
 *
 * Goes from the top down, with the conditions that every row from here must fulfil in the end, in terms of the columns that are here;
 * they are only looked at, and stay where they are. What groups rows, numbers them or takes the first ones needs all of its input, and what is
 * locked is not for conditions from outside to decide: nothing from above is passed through these.
 */
import { conjuncts, mapChildren } from './expr.js';
import type { Expr } from './expr.js';
import type { JoinPlan, JoinType, Plan, ProjectPlan } from './logical.js';
import { rejectsNulls } from './null-rejection.js';
import { idsOf, mapInputs } from './plan-walk.js';
import { inSubqueries } from './prune.js';

const NONE: readonly Expr[] = [];

export function reduceOuterJoins(plan: Plan): Plan {
  return reduce(plan, NONE);
}

/** What is left of the outer join when those must hold of its rows. */
export function reducedType(join: JoinPlan, conditions: readonly Expr[]): JoinType {
  let { type } = join;
  if (type === 'left' || type === 'full') {
    const rightIds = idsOf(join.right);
    if (conditions.some((c) => rejectsNulls(c, rightIds))) type = type === 'left' ? 'inner' : 'right';
  }
  if (type === 'right' || type === 'full') {
    const leftIds = idsOf(join.left);
    if (conditions.some((c) => rejectsNulls(c, leftIds))) type = type === 'right' ? 'inner' : 'left';
  }
  return type;
}

function reduce(plan: Plan, conditions: readonly Expr[]): Plan {
  const p = inSubqueries(plan, reduceOuterJoins);
  switch (p.kind) {
    case 'filter':
      return { ...p, input: reduce(p.input, [...conjuncts(p.condition), ...conditions]) };
    case 'join':
      return reduceJoin(p, conditions);
    case 'project':
      return { ...p, input: reduce(p.input, belowProject(p, conditions)) };
    case 'sort':
      return { ...p, input: reduce(p.input, conditions) };
    case 'with':
      return mapInputs(p, (input) => reduce(input, input === p.input ? conditions : NONE));
    default:
      return mapInputs(p, reduceOuterJoins);
  }
}

/** Of each side: what its rows must fulfil to be in the result as anything but the partner that is not there. */
function reduceJoin(p: JoinPlan, conditions: readonly Expr[]): JoinPlan {
  const type = reducedType(p, conditions);
  const on = conjuncts(p.condition);
  const both = [...on, ...conditions];
  switch (type) {
    case 'inner':
    case 'semi':
      return { ...p, type, left: reduce(p.left, both), right: reduce(p.right, both) };
    case 'left':
    case 'anti':
      return { ...p, type, left: reduce(p.left, conditions), right: reduce(p.right, on) };
    case 'right':
      return { ...p, type, left: reduce(p.left, on), right: reduce(p.right, conditions) };
    case 'full':
      return { ...p, type, left: reduce(p.left, NONE), right: reduce(p.right, NONE) };
  }
}

/** The conditions over what the columns are made of. */
function belowProject(p: ProjectPlan, conditions: readonly Expr[]): readonly Expr[] {
  if (conditions.length === 0) return conditions;
  const made = new Map(p.items.map((i) => [i.column.id, i.expr]));
  const substitute = (e: Expr): Expr => (e.kind === 'column' ? (made.get(e.id) ?? e) : mapChildren(e, substitute));
  return conditions.map(substitute);
}
