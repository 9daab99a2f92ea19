/**
 * What UPDATE, ON CONFLICT and MERGE assign to a column: an expression, or the column's part of SET (a, b) = (…).
 *
 * A subquery of several columns is asked by each of them for its own, which comes to the same as long as it gives the same each time. One that
 * may not, as it calls volatile functions, is asked once for each row, before: it makes a column of the rows to be changed (of UPDATE only; ON CONFLICT
 * and MERGE have no such rows).
 */
import type { Node, SelectStmt } from 'libpg-query';
import type { ColumnDescriptor } from '../catalog/descriptor.js';
import { OID } from '../types/oids.js';
import { subqueryPlan } from './aggregate-level.js';
import { as, locationOf, startOf } from './ast.js';
import { bindExpr, starColumns } from './bind-expr.js';
import { columnExpr, errorAt } from './binder.js';
import type { Binder, ExprContext } from './binder.js';
import { defaultOf } from './bind-table.js';
import { coerceAssignment } from './coerce.js';
import type { Expr } from './expr.js';
import type { Plan, PlanColumn, ProjectItem } from './logical.js';
import { isVolatilePlan } from './volatility.js';

export interface SharedSources {
  /** Of those that are asked once for each row: the column that has what they gave. By where they are, as each column has a copy of the tree. */
  readonly rows: Map<number, { readonly row: PlanColumn; readonly plan: Plan }>;
  /** Gets these columns; null: there is nowhere to make them. */
  readonly made: ProjectItem[] | null;
}

/** The plan with more columns. */
export function withItems(plan: Plan, more: readonly ProjectItem[]): Plan {
  if (more.length === 0) return plan;
  return {
    kind: 'project',
    columns: [...plan.columns, ...more.map(({ column }) => column)],
    input: plan,
    items: [...plan.columns.map((column): ProjectItem => ({ column, expr: columnExpr(column) })), ...more],
  };
}

/** null: each column may ask for itself. */
function rowOf(b: Binder, plan: Plan, { made }: SharedSources): PlanColumn | null {
  if (made === null || plan.columns.length < 2 || !isVolatilePlan(plan)) return null;
  const whole = b.column('row', OID.record, -1);
  const args = plan.columns.map((column) => columnExpr(column));
  const one: Plan = {
    kind: 'project',
    columns: [whole],
    input: plan,
    items: [{ column: whole, expr: { kind: 'row', args, oid: OID.record, typmod: -1 } }],
  };
  const column = b.column('row', OID.record, -1);
  made.push({
    column,
    expr: { kind: 'subquery', mode: 'scalar', plan: one, test: null, hashed: null, oid: OID.record, typmod: -1 },
  });
  return column;
}

/** DEFAULT in SET (a, b) = (…, DEFAULT). */
export function isDefaultCell(val: Node): boolean {
  const multi = as(val, 'MultiAssignRef');
  const row = as(multi?.source, 'RowExpr');
  return as(row?.args?.[(multi?.colno ?? 1) - 1], 'SetToDefault') !== undefined;
}

export function assignedValue(
  b: Binder,
  ctx: ExprContext,
  val: Node,
  column: ColumnDescriptor,
  shared: SharedSources,
  assign: (expr: Expr, location: number) => Expr = (expr, location) => coerceAssignment(b, expr, column, location),
): Expr {
  const multi = as(val, 'MultiAssignRef');
  if (multi === undefined) return assign(bindExpr(ctx, val), locationOf(val));
  const source = multi.source!;
  const at = (multi.colno ?? 1) - 1;
  const cellsOf = as(source, 'RowExpr');
  if (cellsOf !== undefined) {
    const cells = (cellsOf.args ?? []).flatMap((node): { node: Node; expr?: Expr }[] => {
      const star = starColumns(ctx, node);
      return star === null ? [{ node }] : star.map((expr) => ({ node, expr }));
    });
    if (cells.length !== (multi.ncolumns ?? 0))
      throw errorAt('42601', 'number of columns does not match number of values', cellsOf.location ?? -1);
    const { node, expr } = cells[at]!;
    if (as(node, 'SetToDefault') !== undefined) return defaultOf(b, column);
    return assign(expr ?? bindExpr(ctx, node), locationOf(node));
  }
  const link = as(source, 'SubLink');
  const select = as(link?.subselect, 'SelectStmt');
  if (select === undefined) {
    throw errorAt(
      '0A000',
      'source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression',
      locationOf(source),
    );
  }
  const location = link?.location ?? -1;
  const known = shared.rows.get(location);
  const plan = known?.plan ?? subqueryPlan(ctx, select);
  if (plan.columns.length !== (multi.ncolumns ?? 0))
    throw errorAt('42601', 'number of columns does not match number of values', location);
  const picked = plan.columns[at]!;
  const row = known?.row ?? rowOf(b, plan, shared);
  if (row !== null) {
    shared.rows.set(location, { row, plan });
    const { oid, typmod } = picked;
    return assign({ kind: 'field', arg: columnExpr(row), index: at, oid, typmod }, written(select, plan, at, location));
  }
  const out = b.column(picked.name, picked.oid, picked.typmod);
  const one: Plan = {
    kind: 'project',
    columns: [out],
    input: plan,
    items: [{ column: out, expr: columnExpr(picked) }],
  };
  const scalar: Expr = {
    kind: 'subquery',
    mode: 'scalar',
    plan: one,
    test: null,
    hashed: null,
    oid: picked.oid,
    typmod: picked.typmod,
  };
  return assign(scalar, written(select, plan, at, location));
}

/** Where the column's value is written; the subquery's place if that is not told by its text. */
function written(select: SelectStmt, plan: Plan, at: number, otherwise: number): number {
  const list = select.targetList ?? [];
  const val = list.length === plan.columns.length ? as(list[at], 'ResTarget')?.val : undefined;
  return val === undefined ? otherwise : startOf(val);
}
