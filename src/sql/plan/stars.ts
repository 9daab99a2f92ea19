/** What a star among the targets of a SELECT stands for: as targets, and (for a view's stored query) written out. */
import type { A_Indirection, Node, ResTarget } from 'libpg-query';
import { assert } from '../../base/assert.js';
import { locationOf } from './ast.js';
import type { ExprContext } from './binder.js';
import type { Expr } from './expr.js';

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

/** Of the relation that shows it, or merged of several by a join. */
function written(ctx: ExprContext, column: Expr): Node {
  assert(column.kind === 'column', 'a star stands for columns');
  const relation = ctx.scope.relations.find((r) => r.columns.some((c) => c.column.id === column.id));
  const hidden = ctx.scope.columns.some((c) => c.column.id === column.id && c.hidden);
  const names = relation === undefined || hidden ? [column.name] : [relation.alias, column.name];
  return { ResTarget: { val: { ColumnRef: { fields: names.map((sval) => ({ String: { sval } })) } } } };
}
