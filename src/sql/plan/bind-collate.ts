/** COLLATE: all collations that are known order alike, so it is checked and noted only. */
import type { CollateClause } from 'libpg-query';
import { OID } from '../types/oids.js';
import { formatType, isArrayType } from '../types/registry.js';
import { stringsOf } from './ast.js';
import { errorAt } from './binder.js';
import type { ExprContext } from './binder.js';
import { resolveUnknown } from './coerce.js';
import type { Expr } from './expr.js';

export function bindCollate(ctx: ExprContext, e: CollateClause): Expr {
  const name = stringsOf(e.collname).at(-1) ?? '';
  if (!['C', 'POSIX', 'default', 'ucs_basic', 'C.UTF-8', 'C.utf8', 'en_US.utf8'].includes(name)) {
    throw errorAt('42704', `collation "${name}" for encoding "UTF8" does not exist`, e.location ?? -1);
  }
  const arg = resolveUnknown(ctx.binder, ctx.bind(ctx, e.arg!));
  if (!['S', 'A'].includes(categoryOf(arg.oid))) {
    throw errorAt('42804', `collations are not supported by type ${formatType(arg.oid)}`, e.location ?? -1);
  }
  if (ctx.binder.notes === null) return arg;
  const collated = { ...arg };
  ctx.binder.notes.collations.set(collated, name);
  return collated;
}

function categoryOf(oid: number): string {
  return isArrayType(oid)
    ? 'A'
    : [OID.text, OID.varchar, OID.bpchar, OID.name, OID.char].includes(oid as 25)
      ? 'S'
      : 'X';
}
