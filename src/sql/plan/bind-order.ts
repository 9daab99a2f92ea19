/** ORDER BY, DISTINCT ON, LIMIT and OFFSET: positions, names of the output and expressions become sort keys and bounds. */
import type { Node, SelectStmt } from 'libpg-query';
import { OID } from '../types/oids.js';
import { formatType } from '../types/registry.js';
import { refuseVariables } from './aggregate-level.js';
import { as, locationOf, must, stringsOf, startOf } from './ast.js';
import { bindExpr } from './bind-expr.js';
import { withLimit } from './bind-output.js';
import type { RowBounds, Target } from './bind-output.js';
import { columnExpr, errorAt, Scope } from './binder.js';
import type { Binder, ExprContext } from './binder.js';
import { resolveUnknown, tryCoerce, typeOfExpr } from './coerce.js';
import { requireEquality } from './comparable.js';
import { sameExpr } from './expr.js';
import type { ColumnExpr, Expr, SortKey } from './expr.js';
import type { Plan } from './logical.js';
import { orRepeated } from './repeated.js';
import { sortKey } from './sort-keys.js';

/** The context in which the expressions of a clause are bound. */
type ContextOf = (clause: string) => ExprContext;

/** ORDER BY and LIMIT over output columns only (VALUES, UNION). */
export function orderAndLimit(b: Binder, select: SelectStmt, plan: Plan, contextOf: ContextOf): Plan {
  let result = plan;
  const keys = (select.sortClause ?? []).map((clause): SortKey => {
    const s = must(clause, 'SortBy');
    const position = positionOf(s.node!, plan.columns.length, 'ORDER BY');
    if (position !== null) return sortKey(columnExpr(plan.columns[position]!), s);
    const written = stringsOf(as(s.node, 'ColumnRef')?.fields);
    // As the text of a view names the columns of VALUES.
    const isOfValues = select.valuesLists !== undefined && written.length === 2 && written[0] === '*VALUES*';
    const names = isOfValues ? written.slice(1) : written;
    const found = plan.columns.filter((c) => names.length === 1 && c.name === names[0]);
    if (found.length === 0) {
      if (names.length === 1) throw errorAt('42703', `column "${names[0]}" does not exist`, locationOf(s.node));
      const expr = overOutput(b, select, plan, s.node!, contextOf);
      if (select.valuesLists !== undefined && b.notes === null) return sortKey(expr, s);
      throw errorAt('0A000', 'invalid UNION/INTERSECT/EXCEPT ORDER BY clause', startOf(s.node), {
        detail: 'Only result column names can be used, not expressions or functions.',
        hint: 'Add the expression/function to every SELECT, or move the UNION into a FROM clause.',
      });
    }
    return sortKey(columnExpr(found[0]!), s);
  });
  b.notes?.positions.set(
    select,
    keys.map((key) => ({ key, position: plan.columns.findIndex((c) => c.id === (key.expr as ColumnExpr).id) })),
  );
  if (keys.length > 0) result = { kind: 'sort', columns: result.columns, input: result, keys, limit: null };
  return withLimit(result, rowBounds(b, select, contextOf, keys), keys);
}

/** Whatever else is to be told of a set operation's, what is wrong with the expression itself comes first. */
function overOutput(b: Binder, select: SelectStmt, plan: Plan, node: Node, contextOf: ContextOf): Expr {
  const context = contextOf('ORDER BY');
  const columns = plan.columns.map((column) => ({ column, hidden: false }));
  const relations = select.valuesLists === undefined ? [] : [{ alias: '*VALUES*', schema: null, columns, table: null }];
  const scope = new Scope(context.scope.parent, relations, columns, context.scope.ctes);
  return resolveUnknown(b, bindExpr({ ...context, scope }, node));
}

export function positionOf(node: Node, width: number, clause: string): number | null {
  const c = as(node, 'A_Const');
  if (c === undefined) return null;
  if (c.ival === undefined) throw errorAt('42601', `non-integer constant in ${clause}`, c.location ?? 0);
  const n = c.ival.ival ?? 0;
  if (n < 1 || n > width) throw errorAt('42P10', `${clause} position ${n} is not in select list`, c.location ?? 0);
  return n - 1;
}

export function rowBounds(b: Binder, select: SelectStmt, contextOf: ContextOf, keys: readonly SortKey[]): RowBounds {
  const bound = (node: Node | undefined, what: string): Expr | null => {
    if (node === undefined || as(node, 'A_Const')?.isnull === true) return null;
    const ctx = contextOf(what);
    const expr = bindExpr(ctx, node);
    refuseVariables(ctx, expr, what);
    const result = tryCoerce(b, expr, OID.int8, -1, 'assignment', locationOf(node));
    if (result === null) {
      throw errorAt(
        '42804',
        `argument of ${what} must be type bigint, not type ${formatType(typeOfExpr(b, expr))}`,
        locationOf(node),
      );
    }
    return result;
  };
  if (select.limitOption === 'LIMIT_OPTION_WITH_TIES' && select.limitCount !== undefined)
    if (as(select.limitCount, 'A_Const')?.isnull === true)
      throw errorAt('2201W', 'row count cannot be null in FETCH FIRST ... WITH TIES clause', -1);
  const count = bound(select.limitCount, 'LIMIT');
  const offset = bound(select.limitOffset, 'OFFSET');
  const withTies = select.limitOption === 'LIMIT_OPTION_WITH_TIES' && (count !== null || offset !== null);
  if (withTies && keys.length === 0)
    throw errorAt('42601', 'WITH TIES cannot be specified without ORDER BY clause', -1);
  const bounds = { count, offset, withTies };
  b.notes?.bounds.set(select, bounds);
  return bounds;
}

/** ORDER BY: a position, an output name, or an expression over the input. */
export function bindOrder(b: Binder, select: SelectStmt, output: ExprContext, targets: readonly Target[]): SortKey[] {
  return (select.sortClause ?? []).map((clause): SortKey => {
    const s = must(clause, 'SortBy');
    return sortKey(orderItem(b, { ...output, clause: 'ORDER BY' }, s.node!, targets, 'ORDER BY'), s);
  });
}

function orderItem(b: Binder, ctx: ExprContext, node: Node, targets: readonly Target[], clause: string): Expr {
  const position = positionOf(node, targets.length, clause);
  if (position !== null) return resolveUnknown(b, targets[position]!.expr);
  const fields = as(node, 'ColumnRef')?.fields ?? [];
  const names = stringsOf(fields);
  if (names.length === 1 && as(fields[0], 'A_Star') === undefined) {
    const found = targets.filter((t) => t.name === names[0]);
    if (found.length > 0) {
      if (found.some((t) => !sameExpr(t.expr, found[0]!.expr)))
        throw errorAt('42702', `${clause} "${names[0]}" is ambiguous`, locationOf(node));
      return resolveUnknown(b, found[0]!.expr);
    }
  }
  return orRepeated(node, resolveUnknown(b, bindExpr(ctx, node)), targets);
}

export function bindDistinctOn(b: Binder, select: SelectStmt, output: ExprContext, targets: readonly Target[]): Expr[] {
  const items = (select.distinctClause ?? []).filter((n) => Object.keys(n).length > 0);
  return items.map((n) => {
    const item = orderItem(b, { ...output, clause: 'DISTINCT ON' }, n, targets, 'DISTINCT ON');
    requireEquality(item, locationOf(n));
    return item;
  });
}

export function checkDistinct(
  select: SelectStmt,
  on: readonly Expr[],
  keys: readonly SortKey[],
  targets: readonly Target[],
): void {
  if (select.distinctClause === undefined) return;
  if (on.length === 0) {
    for (const { expr, location } of targets) requireEquality(expr, location);
    for (const [at, key] of keys.entries()) {
      if (!targets.some((t) => sameExpr(t.expr, key.expr))) {
        const clause = as(select.sortClause?.[at], 'SortBy');
        const message = 'for SELECT DISTINCT, ORDER BY expressions must appear in select list';
        throw errorAt('42P10', message, startOf(clause?.node));
      }
    }
    return;
  }
  // The leading sort keys must be the DISTINCT ON expressions, in any order.
  const unlike = (at: number): Error =>
    errorAt(
      '42P10',
      'SELECT DISTINCT ON expressions must match initial ORDER BY expressions',
      locationOf(select.distinctClause![at]),
    );
  const sorted = new Set<number>();
  let skipped = false;
  for (const { expr } of keys) {
    const at = on.findIndex((e) => sameExpr(e, expr));
    // What is sorted by already means nothing where it is named once more.
    if (at < 0) skipped = true;
    else if (skipped && !sorted.has(at)) throw unlike(at);
    on.forEach((e, i) => sameExpr(e, expr) && sorted.add(i));
  }
  const missing = on.findIndex((_, i) => !sorted.has(i));
  if (skipped && missing >= 0) throw unlike(missing);
}
