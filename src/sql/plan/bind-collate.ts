/** COLLATE: what is written stays with the expression; what it means for what is around is for collate-plan.ts. */
import type { CollateClause } from 'libpg-query';
import { typeCollation } from '../types/collated.js';
import { OID } from '../types/oids.js';
import { formatType } from '../types/registry.js';
import { stringsOf } from './ast.js';
import { errorAt } from './binder.js';
import type { ExprContext } from './binder.js';
import { settle } from './coerce.js';
import type { Expr } from './expr.js';

export function bindCollate(ctx: ExprContext, e: CollateClause): Expr {
  const { binder } = ctx;
  const location = e.location ?? -1;
  const arg = settle(binder, ctx.bind(ctx, e.arg!));
  // A literal is of the type that what is around it wants.
  if (arg.oid !== OID.unknown && typeCollation(arg.oid) === null)
    throw errorAt('42804', `collations are not supported by type ${formatType(arg.oid)}`, location);
  const key = binder.collation(stringsOf(e.collname), e, location);
  binder.collated = true;
  return { ...arg, collate: { key, location } };
}
