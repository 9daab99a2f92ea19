/** Subscripts of jsonb: ('{"a": [1]}'::jsonb)['a'][0] is a look along a path. */
import type { A_Indices, Node } from 'libpg-query';
import { canCoerce } from '../types/casts.js';
import { OID } from '../types/oids.js';
import { arrayOidOf, formatType } from '../types/registry.js';
import { as, locationOf } from './ast.js';
import { makeOperator } from './bind-call.js';
import { errorAt } from './binder.js';
import type { ExprContext } from './binder.js';
import { tryCoerce, typeOfExpr } from './coerce.js';
import type { Expr } from './expr.js';

export interface JsonbStep {
  readonly text: Expr;
  /** It was written as a number, not as a text. */
  readonly isInteger: boolean;
}

export function jsonbStep(ctx: ExprContext, index: A_Indices): JsonbStep {
  const node = index.uidx;
  const location = locationOf(node ?? index.lidx);
  if (index.is_slice === true || node === undefined) {
    throw errorAt('42804', 'jsonb subscript does not support slices', location);
  }
  const b = ctx.binder;
  const bound = ctx.bind(ctx, node);
  const from = typeOfExpr(b, bound);
  // A literal is a key; anything else must be a number or a text as it stands.
  const wanted = from !== OID.unknown && canCoerce(from, OID.int4, 'implicit') ? OID.int4 : OID.text;
  const read = tryCoerce(b, bound, wanted, -1, 'implicit', location);
  const text = read === null ? null : tryCoerce(b, read, OID.text, -1, 'explicit', location);
  if (text === null) {
    throw errorAt('42804', `subscript type ${formatType(from)} is not supported`, location, {
      hint: 'jsonb subscript must be coercible to either integer or text.',
    });
  }
  return { text, isInteger: wanted === OID.int4 };
}

/** `indices` are A_Indices nodes, one for each level. */
export function bindJsonbSubscripts(ctx: ExprContext, arg: Expr, indices: readonly Node[], location: number): Expr {
  const elements = indices.map((node) => jsonbStep(ctx, as(node, 'A_Indices')!).text);
  const path: Expr = { kind: 'array', elements, nested: false, oid: arrayOidOf(OID.text), typmod: -1 };
  return { ...makeOperator(ctx.binder, '#>', arg, path, location), syntax: true };
}
