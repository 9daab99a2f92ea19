/** RETURNING. */
import type { Node, ResTarget } from 'libpg-query';
import { must } from './ast.js';
import { bindExpr, starColumns } from './bind-expr.js';
import { exprContext } from './bind-select.js';
import { settle } from './bind-view-target.js';
import type { Binder, Scope } from './binder.js';
import { resolveUnknown } from './coerce.js';
import { some } from './expr.js';
import type { Expr } from './expr.js';
import { outputNameOf } from './figure-name.js';
import type { PlanColumn, ProjectItem, Returning } from './logical.js';
import { declaredOid } from './declared-types.js';

const NONE_COMPUTED: ReadonlyMap<number, Expr> = new Map();

/** `computed`: what columns of the scope that no plan gives stand for; `changedBy`: as of Returning. */
export function bindReturning(
  b: Binder,
  list: readonly Node[] | undefined,
  scope: Scope,
  row: readonly PlanColumn[],
  computed: ReadonlyMap<number, Expr> = NONE_COMPUTED,
  changedBy: PlanColumn | null = null,
): Returning | null {
  if (list === undefined) return null;
  const ctx = exprContext(b, scope, 'RETURNING');
  const items: ProjectItem[] = [];
  const add = (name: string, expr: Expr, origin?: PlanColumn): void => {
    items.push({
      column: b.column(name, declaredOid(expr), expr.typmod, origin?.tableOid ?? 0, origin?.columnNumber ?? 0),
      expr: settle(expr, computed),
    });
  };
  const originOf = (e: Expr): PlanColumn | undefined => {
    if (e.kind !== 'column') return undefined;
    return scope.relations.flatMap((r) => r.columns).find((c) => c.column.id === e.id)?.column;
  };
  for (const node of list) {
    const target = must(node, 'ResTarget') as ResTarget;
    const star = starColumns(ctx, target.val!);
    if (star !== null) {
      for (const e of star) add(e.kind === 'column' ? e.name : '?column?', e, originOf(e));
      continue;
    }
    const expr = resolveUnknown(b, bindExpr(ctx, target.val!));
    add(target.name ?? outputNameOf(target.val!, expr), expr, originOf(expr));
  }
  const isAsked = items.some(({ expr }) => some(expr, (e) => e.kind === 'column' && e.id === changedBy?.id));
  return { row, changedBy: isAsked ? changedBy : null, items };
}

export function returningList(clause: { exprs?: Node[] } | undefined): readonly Node[] | undefined {
  return clause?.exprs;
}
