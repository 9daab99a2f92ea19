/**
 * Conditions that are subqueries → joins: [NOT] EXISTS and IN become semi and anti joins, where the
 * subquery is a plain selection (projections and filters over something that does not itself refer outside).
 * An uncorrelated IN over a table that has an index on the column becomes a lookup per distinct value, so
 * that a locking statement touches only those rows. NOT IN stays as it is: NULLs make it differ.
 * Comparisons with an aggregate by key are in decorrelate-aggregate.ts.
 */
import { chooseAccess } from './access.js';
import { conjunction, conjuncts, hasSubquery, isVolatile, mapChildren } from './expr.js';
import type { Expr, SubqueryExpr } from './expr.js';
import { joinAggregate } from './decorrelate-aggregate.js';
import { joinOf } from './join-order.js';
import type { Plan } from './logical.js';
import { columnsOf, freeColumns, idsOf } from './plan-walk.js';
import { isVolatilePlan } from './volatility.js';

interface Pulled {
  readonly plan: Plan;
  /** Conditions that refer to outer columns, over the pulled plan's columns. */
  readonly conditions: readonly Expr[];
}

/** Takes the outer references out of a plain selection; null if they are elsewhere than in its filters. */
function pullUp(plan: Plan): Pulled | null {
  switch (plan.kind) {
    case 'filter': {
      const inner = pullUp(plan.input);
      if (inner === null) return null;
      const free = freeColumns(plan);
      const outer: Expr[] = [];
      const own: Expr[] = [];
      for (const c of conjuncts(plan.condition)) {
        const refers = [...columnsOf(c)].some((id) => free.has(id));
        if (refers && (hasSubquery(c) || isVolatile(c))) return null;
        (refers ? outer : own).push(c);
      }
      const input = inner.plan;
      const filtered: Plan =
        own.length === 0 ? input : { kind: 'filter', columns: input.columns, input, condition: conjunction(own) };
      return { plan: filtered, conditions: [...inner.conditions, ...outer] };
    }
    case 'sort':
      return pullUp(plan.input);
    default:
      return freeColumns(plan).size === 0 ? { plan, conditions: [] } : null;
  }
}

/** The selection below a subquery's output, and its output expressions by column id. */
function selection(plan: Plan): { input: Plan; made: ReadonlyMap<number, Expr> } | null {
  if (plan.kind !== 'project') return null;
  const inner = plan.input.kind === 'sort' ? plan.input.input : plan.input;
  if (plan.items.some((i) => hasSubquery(i.expr) || isVolatile(i.expr))) return null;
  return { input: inner, made: new Map(plan.items.map((i) => [i.column.id, i.expr])) };
}

function semiJoin(sub: SubqueryExpr, negated: boolean): { right: Plan; conditions: readonly Expr[] } | null {
  if (isVolatilePlan(sub.plan)) return null;
  const found = selection(sub.plan);
  if (found === null) return null;
  if (sub.mode === 'any' && (negated || sub.test === null || hasSubquery(sub.test))) return null;
  if (sub.mode !== 'exists' && sub.mode !== 'any') return null;
  const pulled = pullUp(found.input);
  if (pulled === null || pulled.plan.kind === 'one' || pulled.plan.kind === 'limit') return null;
  const substitute = (e: Expr): Expr =>
    e.kind === 'column' ? (found.made.get(e.id) ?? e) : mapChildren(e, substitute);
  const test = sub.mode === 'any' && sub.test !== null ? [...conjuncts(substitute(sub.test))] : [];
  const conditions = [...pulled.conditions, ...test];
  return conditions.length === 0 ? null : { right: pulled.plan, conditions };
}

/** True if nothing but the subquery's own rows decides what it gives. */
function standsAlone(sub: SubqueryExpr): boolean {
  return !isVolatilePlan(sub.plan) && freeColumns(sub.plan).size === 0 && sub.plan.columns.length === 1;
}

/** Point reads of the scan below, driven by an uncorrelated `x IN (subquery)` or `x = (subquery)`. */
function drivenLookup(input: Plan, condition: Expr, push: Push): Plan | null {
  if (input.kind !== 'scan') return null;
  const own = chooseAccess(input, conjuncts(input.filter));
  if (own !== null && own.access.constraints.length > 0) return null;
  if (condition.kind === 'subquery') {
    const { test } = condition;
    if (condition.mode !== 'any' || test?.kind !== 'call' || test.entry.name !== '=' || !standsAlone(condition))
      return null;
    const distinct: Plan = {
      kind: 'distinct',
      columns: condition.plan.columns,
      input: push(condition.plan, []),
      on: null,
    };
    return lookUpFrom(distinct, input, test);
  }
  if (condition.kind !== 'call' || condition.entry.name !== '=' || !condition.operator) return null;
  const sub = condition.args.find((a) => a.kind === 'subquery');
  // A volatile one too: it is asked once for the whole statement.
  if (sub?.kind !== 'subquery' || sub.mode !== 'scalar' || freeColumns(sub.plan).size > 0) return null;
  // One row with the subquery's value, under the id of its own column.
  const column = sub.plan.columns[0]!;
  const value: Expr = { ...sub, plan: push(sub.plan, []) };
  const one: Plan = {
    kind: 'project',
    columns: [column],
    input: { kind: 'one', columns: [] },
    items: [{ column, expr: value }],
  };
  const read: Expr = {
    kind: 'column',
    id: column.id,
    name: column.name,
    oid: sub.oid,
    typmod: sub.typmod,
    location: -1,
  };
  return lookUpFrom(one, input, { ...condition, args: condition.args.map((a) => (a === sub ? read : a)) });
}

function lookUpFrom(driver: Plan, scan: Plan, condition: Expr): Plan | null {
  const joined = joinOf('inner', driver, scan, [condition]);
  return joined.lateral ? joined : null;
}

type Push = (plan: Plan, conditions: readonly Expr[]) => Plan;

function asJoin(condition: Expr): { right: Plan; conditions: readonly Expr[]; negated: boolean } | null {
  const negated = condition.kind === 'not';
  const sub = condition.kind === 'not' ? condition.arg : condition;
  if (sub.kind !== 'subquery') return null;
  const made = semiJoin(sub, negated);
  return made === null ? null : { ...made, negated };
}

/**
 * The input with those of the conditions that could be made joins applied, and the rest; null if there are
 * none. `push` lowers the plain conditions into the input first, so that lookups see what it really is.
 */
export function applySubqueryJoins(
  input: Plan,
  conditions: readonly Expr[],
  push: Push,
): { readonly plan: Plan; readonly rest: readonly Expr[] } | null {
  const plain = conditions.filter((c) => !hasSubquery(c) && !isVolatile(c));
  const ids = idsOf(input);
  let plan = push(input, plain);
  const rest: Expr[] = conditions.filter((c) => !plain.includes(c) && !hasSubquery(c));
  let changed = false;
  for (const c of conditions.filter(hasSubquery)) {
    const driven = drivenLookup(plan, c, push);
    const join = driven === null ? asJoin(c) : null;
    const aggregated = driven === null && join === null ? joinAggregate(plan, c, pullUp, push) : null;
    if (driven !== null) plan = driven;
    else if (aggregated !== null) plan = aggregated;
    else if (join !== null && join.conditions.some((x) => [...columnsOf(x)].some((id) => ids.has(id)))) {
      plan = joinOf(join.negated ? 'anti' : 'semi', plan, push(join.right, []), join.conditions);
    } else {
      rest.push(c);
      continue;
    }
    changed = true;
  }
  return changed ? { plan, rest } : null;
}
