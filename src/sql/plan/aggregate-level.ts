/**
 * To which query an aggregate belongs: the innermost one of whose columns it takes any, its own if it takes none. One of an
 * outer query is computed there; in the subquery a column stands for it, as any column of the outer query does.
 */
import type { SelectStmt } from 'libpg-query';
import type { ExprContext, Scope } from './binder.js';
import { columnExpr, errorAt } from './binder.js';
import { walk } from './expr.js';
import type { AggregateExpr, Expr } from './expr.js';
import type { Plan } from './logical.js';
import { columnsOf, scannedCtes } from './plan-walk.js';
import { declaredOid } from './declared-types.js';

/** Binds a subquery of an expression. */
export function subqueryPlan(ctx: ExprContext, select: SelectStmt): Plan {
  const { scope } = ctx;
  const before = scope.asking;
  scope.asking = ctx;
  try {
    const plan = ctx.bindSubquery(select, scope);
    ctx.binder.notes?.subqueries.set(plan, select);
    return plan;
  } finally {
    scope.asking = before;
  }
}

/** What the call stands for in the query that it is written in. @throws QuoralError 42803 it is not allowed in its query */
export function atItsLevel(
  ctx: ExprContext,
  aggregate: AggregateExpr,
  location: number,
  what: 'aggregate functions' | 'grouping operations' = 'aggregate functions',
): Expr {
  const { args, orderBy, filter, direct } = aggregate;
  const parts = [...args.slice(direct), ...orderBy.map((k) => k.expr), ...(filter === null ? [] : [filter])];
  const scope = levelOf(ctx.scope, parts);
  refuseNested(scope, parts);
  if (scope === ctx.scope) {
    checkAllowed(ctx, what, location);
    return aggregate;
  }
  if (scope.asking === null) {
    throw errorAt('42803', `${what} are not allowed in FROM clause of their own query level`, location);
  }
  checkAllowed(scope.asking, what, location);
  refuseLower(ctx.scope, scope, args.slice(0, direct));
  refuseLowerWith(ctx.scope, scope, parts, location);
  const column = ctx.binder.column(aggregate.entry.name, declaredOid(aggregate), aggregate.typmod);
  scope.raised.push({ column, aggregate, location });
  return columnExpr(column);
}

/** Of a query that has computed an aggregate among its parts. @throws QuoralError 42803 */
function refuseNested(scope: Scope, parts: readonly Expr[]): void {
  if (scope.raised.length === 0) return;
  const used = new Set(parts.flatMap((part) => [...columnsOf(part)]));
  const nested = scope.raised.find(({ column }) => used.has(column.id));
  if (nested !== undefined) throw errorAt('42803', 'aggregate function calls cannot be nested', nested.location);
}

/** What is computed once for a query further out cannot take columns of those within. @throws QuoralError 42803 */
function refuseLower(own: Scope, outer: Scope, direct: readonly Expr[]): void {
  for (let scope: Scope | null = own; scope !== null && scope !== outer; scope = scope.parent) {
    for (const part of direct) {
      walk(part, (e) => {
        if (e.kind === 'column' && holds(scope!, new Set([e.id]))) {
          const message = 'outer-level aggregate cannot contain a lower-level variable in its direct arguments';
          throw errorAt('42803', message, e.location);
        }
        return true;
      });
    }
  }
}

/** Nor can it read WITH queries of those within. @throws QuoralError 0A000 */
function refuseLowerWith(own: Scope, outer: Scope, parts: readonly Expr[], location: number): void {
  const lower = own.ctes.filter((cte) => !outer.ctes.includes(cte));
  if (lower.length === 0) return;
  for (const part of parts) {
    walk(part, (e) => {
      const read = e.kind === 'subquery' ? [...scannedCtes(e.plan)] : [];
      const found = lower.find(({ id }) => read.includes(id));
      if (found !== undefined)
        throw errorAt('0A000', 'outer-level aggregate cannot use a nested CTE', location, {
          detail: `CTE "${found.name}" is below the aggregate's semantic level.`,
        });
      return true;
    });
  }
}

function checkAllowed(ctx: ExprContext, what: string, location: number): void {
  if (ctx.inAggregate) throw errorAt('42803', 'aggregate function calls cannot be nested', location);
  if (ctx.scope.relations.some((r) => r.isSelf === true) && what !== 'grouping operations')
    throw errorAt('42P19', "aggregate functions are not allowed in a recursive query's recursive term", location);
  if (!ctx.aggregates) throw errorAt('42803', `${what} are not allowed in ${ctx.clause}`, location);
}

/** LIMIT and the offsets of frames are the same for all rows. @throws QuoralError 42P10 */
export function refuseVariables(ctx: ExprContext, expr: Expr, what: string): void {
  const used = columnsOf(expr);
  if (used.size === 0 || !holds(ctx.scope, used)) return;
  let location = -1;
  walk(expr, (e) => {
    if (location < 0 && e.kind === 'column') location = e.location;
    return true;
  });
  throw errorAt('42P10', `argument of ${what} must not contain variables`, location);
}

function holds(scope: Scope, ids: ReadonlySet<number>): boolean {
  return (
    scope.relations.some((r) => r.columns.some((c) => ids.has(c.column.id))) ||
    scope.columns.some((c) => ids.has(c.column.id)) ||
    scope.raised.some((r) => ids.has(r.column.id))
  );
}

function levelOf(own: Scope, parts: readonly Expr[]): Scope {
  if (own.parent === null) return own;
  const used = new Set<number>();
  for (const part of parts) for (const id of columnsOf(part)) used.add(id);
  for (let scope: Scope | null = used.size === 0 ? null : own; scope !== null; scope = scope.parent) {
    if (holds(scope, used)) return scope;
  }
  return own;
}
