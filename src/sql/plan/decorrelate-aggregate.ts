/**
 * Conditions that compare with an aggregate over rows of the same key, as in
 * `l_quantity < (SELECT 0.2 * avg(l_quantity) FROM lineitem WHERE l_partkey = p_partkey)`: the aggregate is computed
 * for all keys at once and joined, instead of once for each row.
 *
 * Only where that cannot be told apart: the condition does not hold for NULL, which is what an aggregate over no rows
 * gives; and computing the aggregate of rows that nobody asked for cannot fail. And only where it pays: no index finds
 * the rows of one key, and more than one row asks.
 */
import { OID } from '../types/oids.js';
import { chooseAccess } from './access.js';
import { conjuncts, hasSubquery, isVolatile, mapChildren, some } from './expr.js';
import type { AggregateExpr, CallExpr, ColumnExpr, Expr, SubqueryExpr } from './expr.js';
import { estimate, joinOf } from './join-order.js';
import type { AggregatePlan, Plan, ProjectItem, ScanPlan } from './logical.js';
import { isNullWith, rejectsNulls } from './null-rejection.js';
import { columnsOf, freeColumns, idsOf } from './plan-walk.js';
import { isVolatilePlan } from './volatility.js';

type Push = (plan: Plan, conditions: readonly Expr[]) => Plan;

/** Takes the conditions with outer references out of a plan; null if there are others that it cannot. */
export type PullUp = (plan: Plan) => { readonly plan: Plan; readonly conditions: readonly Expr[] } | null;

const HARMLESS: ReadonlySet<string> = new Set(['+', '-', '*']);
/** Sums of floating-point numbers can overflow. */
const SUMMED: ReadonlySet<number> = new Set<number>([OID.int2, OID.int4, OID.int8, OID.numeric]);

/** Numeric arithmetic without division fails for no values that are stored. */
function cannotFail(e: Expr): boolean {
  return !some(e, (x) => {
    switch (x.kind) {
      case 'column':
      case 'const':
        return false;
      case 'call':
        return !(x.operator && HARMLESS.has(x.entry.name) && x.oid === OID.numeric);
      case 'cast':
        return !(x.oid === OID.numeric && x.typmod === -1);
      default:
        return true;
    }
  });
}

function gives(a: AggregateExpr): boolean {
  const { name } = a.entry;
  if (name === 'min' || name === 'max') return true;
  return (name === 'sum' || name === 'avg') && a.args.every((arg) => SUMMED.has(arg.oid));
}

/** One row, NULL for no rows, and no error whatever the rows are. */
function isPlain({ aggregates, groups, sets }: AggregatePlan): boolean {
  return (
    groups.length === 0 &&
    sets === null &&
    aggregates.every(
      ({ aggregate: a }) =>
        gives(a) && a.filter === null && (a.direct ?? 0) === 0 && a.orderBy.length === 0 && a.args.every(cannotFail),
    )
  );
}

interface Link {
  readonly condition: Expr;
  /** Of the subquery. */
  readonly inner: ColumnExpr;
}

/** `inner = outer`, hashable on either side; null: the condition is something else. */
function linkOf(condition: Expr, ids: ReadonlySet<number>): Link | null {
  if (condition.kind !== 'call' || !condition.operator || condition.entry.name !== '=') return null;
  const [a, b] = (condition as CallExpr).args as readonly [Expr, Expr];
  if (a.oid !== b.oid) return null;
  const [inner, outer] = a.kind === 'column' && ids.has(a.id) ? [a, b] : [b, a];
  if (inner.kind !== 'column' || !ids.has(inner.id)) return null;
  const used = [...columnsOf(outer)];
  return used.length === 0 || used.some((id) => ids.has(id)) ? null : { condition, inner };
}

/** Whether an index leads to the rows of one key, so that few of them are read for each row that asks. */
function hasIndex(plan: Plan, links: readonly Link[]): boolean {
  const scans: ScanPlan[] = [];
  const collect = (p: Plan): void => {
    if (p.kind === 'scan') scans.push(p);
    else if (p.kind === 'join') for (const side of [p.left, p.right]) collect(side);
    else if (p.kind === 'filter') collect(p.input);
  };
  collect(plan);
  return scans.some((scan) => {
    const chosen = chooseAccess(
      scan,
      links.map((l) => l.condition),
    );
    return chosen !== null && chosen.score >= 15;
  });
}

function onlySubquery(condition: Expr): SubqueryExpr | null {
  const found: SubqueryExpr[] = [];
  some(condition, (e) => {
    if (e.kind === 'subquery') found.push(e);
    return false;
  });
  return found.length === 1 && found[0]!.mode === 'scalar' ? found[0]! : null;
}

/** The input joined with the aggregates by key, of which only those rows are left for which the condition holds. */
export function joinAggregate(input: Plan, condition: Expr, pullUp: PullUp, push: Push): Plan | null {
  const sub = onlySubquery(condition);
  if (sub === null || isVolatile(condition) || isVolatilePlan(sub.plan) || sub.plan.kind !== 'project') return null;
  const aggregate = sub.plan.input;
  const item = sub.plan.items[0]?.expr;
  if (item === undefined || sub.plan.items.length !== 1 || aggregate.kind !== 'aggregate' || !isPlain(aggregate))
    return null;
  const made = new Set(aggregate.aggregates.map((a) => a.column.id));
  if (hasSubquery(item) || !isNullWith(item, made)) return null;
  const substitute = (e: Expr): Expr => (e === sub ? item : mapChildren(e, substitute));
  const test = substitute(condition);
  if (!rejectsNulls(test, made)) return null;
  const pulled = pullUp(aggregate.input);
  if (pulled === null || pulled.conditions.length === 0) return null;
  const ids = idsOf(pulled.plan);
  const links = pulled.conditions.map((c) => linkOf(c, ids));
  if (!links.every((l) => l !== null)) return null;
  const inner = push(pulled.plan, []);
  if (estimate(input) <= 1 || hasIndex(inner, links)) return null;
  const columns = inner.columns.filter((c) => links.some((l) => l.inner.id === c.id));
  const groups = columns.map((column): ProjectItem => ({ column, expr: columnExpr(links, column.id) }));
  const grouped: AggregatePlan = {
    ...aggregate,
    columns: [...columns, ...aggregate.columns],
    input: inner,
    groups,
  };
  if (freeColumns(grouped).size > 0) return null;
  return joinOf('inner', input, grouped, [...links.map((l) => l.condition), ...conjuncts(test)]);
}

function columnExpr(links: readonly Link[], id: number): ColumnExpr {
  return links.find((l) => l.inner.id === id)!.inner;
}
