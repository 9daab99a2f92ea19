/** The two values of a CYCLE clause's mark. Both have one type, also where only one of them says which. */
import type { CTECycleClause } from 'libpg-query';
import { locationOf } from './ast.js';
import type { ExprContext } from './binder.js';
import { commonType, tryCoerce } from './coerce.js';
import type { Expr } from './expr.js';

/** @throws 42804 if they have no type in common */
export function cycleMarks(ctx: ExprContext, clause: CTECycleClause): readonly Expr[] {
  const nodes = [clause.cycle_mark_value!, clause.cycle_mark_default!];
  const bound = nodes.map((node) => ctx.bind(ctx, node));
  const oid = commonType(ctx.binder, bound, 'CYCLE', locationOf(nodes[1]));
  return bound.map((e) => tryCoerce(ctx.binder, e, oid, -1, 'implicit') ?? e);
}
