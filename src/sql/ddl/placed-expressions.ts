/**
 * Expressions of schema statements are bound from their texts, which the catalog keeps, and not from the tree of the
 * statement. An error is told with its place in the statement all the same: where there is one, the tree is bound, too.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { CompiledExpression, ParseNode } from '../contract.js';
import type { DdlContext } from './context.js';

type Target = { readonly typeOid: number; readonly typmod: number } | null;

/** ALTER TABLE gives no places of errors in defaults and checks, nor does PostgreSQL. */
export function compilePlaced(
  ctx: DdlContext,
  { node, sql }: { readonly node: unknown; readonly sql: string },
  columns: readonly { readonly name: string; readonly typeOid: number; readonly typmod: number }[],
  target: Target,
  stored?: string,
): CompiledExpression {
  try {
    return ctx.planner.compileExpression(sql, columns, ctx.plannerSettings, target, stored);
  } catch (error) {
    if (!(error instanceof QuoralError) || error.fields.position === undefined) throw error;
    if (ctx.unplaced !== true)
      ctx.planner.compileExpression(node as ParseNode, columns, ctx.plannerSettings, target, stored);
    throw withoutPlace(error);
  }
}

export function withoutPlace(error: QuoralError): QuoralError {
  const { position: _place, ...fields } = error.fields;
  return sqlError(error.sqlstate, error.message, fields);
}
