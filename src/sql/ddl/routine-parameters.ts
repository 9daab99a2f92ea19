/** Parameters of functions and procedures as CREATE FUNCTION gives them. */
import { sqlError } from '../../base/errors.js';
import type { RoutineParameter } from '../catalog/descriptor.js';
import { isPolymorphic } from '../functions/resolve.js';
import { resolveTypeName } from '../plan/coerce.js';
import { OID } from '../types/oids.js';
import { catalogOidOf, isArrayType } from '../types/registry.js';
import { typesWithin } from '../types/user-types.js';
import type { DdlContext } from './context.js';
import { deparse } from './deparse.js';
import { refuseRoutines } from './row-expressions.js';
import { of, text, unsupported } from './tree.js';
import type { Loose } from './tree.js';

type TypeNode = Parameters<typeof resolveTypeName>[0];

const MODES: Readonly<Record<string, RoutineParameter['mode']>> = {
  FUNC_PARAM_DEFAULT: 'in',
  FUNC_PARAM_IN: 'in',
  FUNC_PARAM_OUT: 'out',
  FUNC_PARAM_INOUT: 'inout',
  FUNC_PARAM_VARIADIC: 'variadic',
  FUNC_PARAM_TABLE: 'table',
};
const PARAMETERS_MAX = 100;

export function typeOf(ctx: DdlContext, node: unknown): number {
  return resolveTypeName(node as TypeNode, ctx.types).oid;
}

/** As column defaults are kept: only a bare literal takes the type at once. */
function argumentDefault(ctx: DdlContext, node: unknown, typeOid: number): string {
  const sql = deparse(node as Loose);
  if (isPolymorphic(typeOid)) return ctx.planner.compileExpression(sql, [], ctx.plannerSettings, null).sql;
  const assigned = ctx.planner.compileExpression(sql, [], ctx.plannerSettings, { typeOid, typmod: -1 });
  if (/^(E?'|NULL$)/i.test(sql) && (node as Loose)['A_Const'] !== undefined) return assigned.sql;
  const stored = ctx.planner.compileExpression(sql, [], ctx.plannerSettings, null).sql;
  // Calls know the types of the parameters, by which the text names them, and no others.
  refuseRoutines(ctx, stored, 'a default of a parameter');
  const known = new Set(typesWithin(typeOid).map((handle) => String(catalogOidOf(handle))));
  if ([...stored.matchAll(/"@(\d+)"/g)].some(([, oid]) => !known.has(oid!)))
    throw unsupported("a default that names a user's type other than the parameter's");
  return stored;
}

export function readParameters(ctx: DdlContext, nodes: readonly Loose[]): RoutineParameter[] {
  if (nodes.length > PARAMETERS_MAX)
    throw sqlError('54023', `functions cannot have more than ${PARAMETERS_MAX} arguments`);
  const parameters: RoutineParameter[] = [];
  let defaults = false;
  for (const node of nodes) {
    const p = of(node, 'FunctionParameter');
    const mode = MODES[text(p['mode'])] ?? 'in';
    const typeOid = typeOf(ctx, p['argType']);
    const name = text(p['name']);
    const takes = mode !== 'out' && mode !== 'table';
    const isList = isArrayType(typeOid) || typeOid === OID.anyarray || typeOid === OID.anycompatiblearray;
    if (mode === 'variadic' && !isList) throw sqlError('42P13', 'VARIADIC parameter must be an array');
    if (name !== '' && parameters.some((q) => q.name === name && takes === (q.mode !== 'out' && q.mode !== 'table')))
      throw sqlError('42P13', `parameter name "${name}" used more than once`);
    const defaultSql = p['defexpr'] === undefined ? null : argumentDefault(ctx, p['defexpr'], typeOid);
    if (defaultSql !== null) {
      if (!takes) throw sqlError('42P13', 'only input parameters can have default values');
      defaults = true;
    } else if (defaults && takes && mode !== 'variadic')
      throw sqlError('42P13', 'input parameters after one with a default value must also have defaults');
    parameters.push({ name, mode, typeOid, defaultSql });
  }
  return parameters;
}
