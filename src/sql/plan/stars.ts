/** What a star among the targets of a SELECT stands for: as targets, and (for a view's stored query) written out. */
import type { A_Indirection, ColumnRef, Node, ResTarget } from 'libpg-query';
import { assert } from '../../base/assert.js';
import { fieldsOf } from '../types/user-types.js';
import { as, locationOf, stringsOf } from './ast.js';
import { columnExpr, errorAt, findRelation } from './binder.js';
import type { ExprContext, Scope } from './binder.js';
import type { Expr } from './expr.js';
import type { PlanColumn } from './logical.js';
import { recordFieldsOf } from './record-columns.js';
import { variableStar } from './variables.js';
import { alone } from './whole-row.js';
import { fieldOf } from './declared-types.js';

interface StarTarget {
  readonly name: string;
  readonly expr: Expr;
  readonly location: number;
}

export function starTargets(ctx: ExprContext, item: Node, star: readonly Expr[]): StarTarget[] {
  ctx.binder.stars?.set(
    item,
    star.map((column) => written(ctx, column)),
  );
  const location = locationOf((item as { readonly ResTarget: ResTarget }).ResTarget.val);
  return star.map((expr) => ({
    name: (expr.kind === 'column' || expr.kind === 'param' ? expr.name : undefined) ?? '?column?',
    expr,
    location,
  }));
}

/** (…).*: each field by its name. */
export function noteFields(ctx: ExprContext, item: Node, fields: readonly { readonly name: string }[]): void {
  if (ctx.binder.stars === null) return;
  const { ResTarget: target } = item as { readonly ResTarget: ResTarget };
  const { A_Indirection: starred } = target.val as { readonly A_Indirection: A_Indirection };
  const written = fields.map(({ name }): Node => {
    const val = { A_Indirection: { ...starred, indirection: [{ String: { sval: name } }] } };
    return { ResTarget: { ...target, val } };
  });
  ctx.binder.stars.set(item, written);
}

/**
 * A star that is written out tells which column is meant where names do not: one that FULL JOIN USING has made belongs
 * to no relation, and a function's columns may have one name.
 */
export type StarRef = ColumnRef & {
  /** Its place among merged columns. */
  readonly quoralMerged?: number;
  /** Its place among its relation's columns of this name. */
  readonly quoralTwin?: number;
};

function mergedColumns({ columns, relations }: Scope): PlanColumn[] {
  const isOfRelation = (id: number): boolean => relations.some((r) => r.columns.some((c) => c.column.id === id));
  return columns.filter((c) => !isOfRelation(c.column.id)).map((c) => c.column);
}

/** The column that such a reference means. */
export function mergedColumn(ctx: ExprContext, at: number): Expr {
  const column = mergedColumns(ctx.scope)[at];
  assert(column !== undefined, 'a merged column is there as long as its join is');
  return columnExpr(column);
}

/** A list of expressions of VALUES, where stars stand for as many as they have columns. */
export function expandedStars(ctx: ExprContext, items: readonly Node[]): readonly Node[] {
  return items.some(isStar) ? items.flatMap((item) => expandedStar(ctx, item)) : items;
}

function isStar(node: Node): boolean {
  const parts = as(node, 'ColumnRef')?.fields ?? as(node, 'A_Indirection')?.indirection ?? [];
  return as(parts.at(-1), 'A_Star') !== undefined;
}

function expandedStar(ctx: ExprContext, item: Node): readonly Node[] {
  const fields = indirectStar(ctx, item);
  if (fields !== null) {
    const { A_Indirection: starred } = item as { readonly A_Indirection: A_Indirection };
    return fields.map(({ name }) => ({ A_Indirection: { ...starred, indirection: [{ String: { sval: name } }] } }));
  }
  const ref = as(item, 'ColumnRef');
  const before = ref?.fields?.slice(0, -1) ?? [];
  if (ref === undefined || before.length === 0 || !isStar(item)) return [item];
  const { scope, binder } = ctx;
  const names = stringsOf(before);
  const relation = findRelation(scope, names.length > 1 ? names.at(-2)! : null, names.at(-1)!, ref.location ?? 0);
  const columns = relation !== null ? relation.columns.filter((c) => !c.hidden) : (variableStar(binder, names) ?? null);
  if (columns === null) return [item];
  return columns.map((c) => {
    const name = 'column' in c ? c.column.name : c.name;
    return { ColumnRef: { ...ref, fields: [...before, { String: { sval: name } }] } };
  });
}

/** (function()).* */
export function indirectStar(ctx: ExprContext, node: Node): StarTarget[] | null {
  const e = as(node, 'A_Indirection');
  const parts = e?.indirection ?? [];
  if (e === undefined || parts.length !== 1 || as(parts[0], 'A_Star') === undefined) return null;
  const arg = ctx.bind(ctx, e.arg!);
  const location = locationOf(node);
  const fields = fieldsOf(arg.oid);
  if (arg.kind === 'row') {
    const nameOf = (a: Expr, i: number): string => fields?.[i]?.name ?? (a.kind === 'column' ? a.name : `f${i + 1}`);
    return arg.args.map((a, i) => ({ name: nameOf(a, i), expr: alone(a), location }));
  }
  if (fields !== null) {
    return fields.map(({ name, typeOid, typmod }, index) => ({
      name,
      expr: fieldOf(arg, index, { typeOid, typmod }),
      location,
    }));
  }
  const columns = recordFieldsOf(ctx.binder.recordColumns, arg);
  if (columns === null) throw errorAt('42809', 'row expansion via "*" is not supported here', location);
  return columns.map((c, index) => ({
    name: c.name,
    expr: fieldOf(arg, index, c),
    location,
  }));
}

/** Of the relation that shows it, or merged of several by a join. */
function written(ctx: ExprContext, column: Expr): Node {
  assert(column.kind === 'column', 'a star stands for columns');
  const relation = ctx.scope.relations.find((r) => r.columns.some((c) => c.column.id === column.id));
  const hidden = ctx.scope.columns.some((c) => c.column.id === column.id && c.hidden);
  const names = relation === undefined || hidden ? [column.name] : [relation.alias, column.name];
  const fields = names.map((sval) => ({ String: { sval } }));
  const at = mergedColumns(ctx.scope).findIndex((c) => c.id === column.id);
  const twins = relation?.columns.filter((c) => c.column.name === column.name) ?? [];
  const twin = twins.length < 2 ? {} : { quoralTwin: twins.findIndex((c) => c.column.id === column.id) };
  const ref: StarRef = { fields, ...(at < 0 ? twin : { quoralMerged: at }) };
  return { ResTarget: { val: { ColumnRef: ref } } };
}
