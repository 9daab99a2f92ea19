/**
 * Expressions of schema statements are bound from their texts, which the catalog keeps, and not from the tree of the
 * statement. An error is told with its place in the statement all the same: where there is one, the tree is bound, too.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { CompiledExpression, ParseNode } from '../contract.js';
import { catalogOidOf } from '../types/registry.js';
import { isHandle, typesWithin } from '../types/user-types.js';
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

/** The location, if the statement is one whose errors have a place. */
export function placed({ unplaced }: Pick<DdlContext, 'unplaced'>, location: number): number {
  return unplaced === true ? -1 : location;
}

export function withoutPlace(error: QuoralError): QuoralError {
  const { position: _place, ...fields } = error.fields;
  return sqlError(error.sqlstate, error.message, fields);
}

/**
 * Before an expression is kept with a table: it names types by their oids, which are known of the columns' types only, and those of functions that it calls.
 * @throws QuoralError 0A000
 */
export function requireKnownTypes(
  ctx: DdlContext,
  sql: string,
  columns: readonly { readonly typeOid: number }[],
  what: string,
  has = 'that no column of the table has',
): void {
  const named = [...sql.replaceAll(/'(?:[^']|'')*'/g, '').matchAll(/"@(\d+)"/g)].map(([, oid]) => Number(oid));
  if (named.length === 0) return;
  // With a function, the types that it takes and gives are known.
  const called = named.flatMap((oid) => ctx.catalog.routinesInUse.find(oid)?.routine ?? []);
  const types = [...columns, ...called.flatMap((routine) => [...routine.parameters, routine])];
  const handles = types.flatMap(({ typeOid }) => (isHandle(typeOid) ? [...typesWithin(typeOid)] : []));
  const known = new Set(handles.map(catalogOidOf));
  if (named.some((oid) => !known.has(oid) && ctx.catalog.routinesInUse.find(oid) === null))
    throw sqlError('0A000', `a type ${has} is not supported in ${what}`);
}
