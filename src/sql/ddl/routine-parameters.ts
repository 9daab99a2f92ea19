/**
 * The parameters and the result of CREATE FUNCTION and PROCEDURE: modes, types, defaults, and what must be there for a
 * polymorphic result to have a type in each call.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { Routine, RoutineParameter, UsedRoutine } from '../catalog/descriptor.js';
import { isPolymorphic } from '../functions/polymorphic.js';
import { errorAt } from '../plan/binder.js';
import { resolveTypeName, resolveUnplaced } from '../plan/coerce.js';
import { OID } from '../types/oids.js';
import { catalogOidOf, formatType, isArrayType } from '../types/registry.js';
import { pinsIn } from '../types/pinned-types.js';
import { typeByOid } from '../catalog/type-by-oid.js';
import { typesWithin } from '../types/user-types.js';
import type { DdlContext } from './context.js';
import { deparse } from './deparse.js';
import { list, of, text } from './tree.js';
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
/** Polymorphic, and of no kind of their own. */
const TAKES_ALL: readonly number[] = [OID.anyelement, OID.anynonarray, OID.anycompatible, OID.anycompatiblenonarray];

export function typeOf(ctx: DdlContext, node: unknown): number {
  return resolveTypeName(node as TypeNode, ctx.types).oid;
}

/** One that is not there is told without quotes, and without its place. */
export function parameterType(ctx: DdlContext, node: unknown): number {
  try {
    return typeOf(ctx, node);
  } catch (error) {
    const named =
      error instanceof QuoralError && error.sqlstate === '42704' ? /^type "(.*)" does/.exec(error.message) : null;
    if (named === null) throw error;
    const bounds = '[]'.repeat(list((node as Loose)['arrayBounds']).length);
    throw sqlError('42704', `type ${named[1]!}${bounds} does not exist`);
  }
}

/** As column defaults are kept: only a bare literal takes the type at once. */
function argumentDefault(ctx: DdlContext, node: unknown, typeOid: number): string {
  const sql = deparse(node as Loose);
  if (isPolymorphic(typeOid)) {
    // Of what kind a text would be is not known before a call; of one of these kinds it cannot be kept as a text.
    const literal = (node as Loose)['A_Const'] as Loose | undefined;
    const isNull = literal?.['isnull'] === true;
    if (literal !== undefined && (isNull || literal['sval'] !== undefined)) {
      if (isNull || TAKES_ALL.includes(typeOid)) return sql;
      const location = Number(literal['location'] ?? -1);
      throw errorAt('0A000', `cannot accept a value of type ${formatType(typeOid)}`, location);
    }
    return ctx.planner.compileExpression(sql, [], ctx.plannerSettings, null).sql;
  }
  // Dates and times are read now, by the settings of now.
  const stored = 'DEFAULT expressions';
  const assigned = ctx.planner.compileExpression(sql, [], ctx.plannerSettings, { typeOid, typmod: -1 }, stored);
  if (/^(E?'|NULL$)/i.test(sql) && (node as Loose)['A_Const'] !== undefined) return assigned.sql;
  return ctx.planner.compileExpression(sql, [], ctx.plannerSettings, null, stored).sql;
}

function calledByDefault(ctx: DdlContext, sql: string): UsedRoutine[] {
  const used = [...new Set(pinsIn(sql))].flatMap((oid) => ctx.catalog.routinesInUse.find(oid) ?? []);
  for (const { routine } of used) ctx.catalog.routinesInUse.refuseTemporary(routine.oid);
  return used;
}

/** Whole, for the routine to hold. */
export function calledByDefaults(
  ctx: DdlContext,
  parameters: readonly RoutineParameter[],
): Pick<Routine, 'usedRoutines'> {
  const used = parameters.flatMap(({ defaultSql }) => (defaultSql === null ? [] : calledByDefault(ctx, defaultSql)));
  const usedRoutines = [...new Map(used.map((one) => [one.routine.oid, one])).values()];
  return usedRoutines.length === 0 ? {} : { usedRoutines };
}

/** Types of users that the defaults name, for the routine to hold: calls know those of its parameters, and these. */
export async function namedByDefaults(
  ctx: DdlContext,
  parameters: readonly RoutineParameter[],
): Promise<Pick<Routine, 'usedTypes'>> {
  const known = new Set(parameters.flatMap((p) => typesWithin(p.typeOid).map((handle) => catalogOidOf(handle))));
  const usedTypes: { readonly typeOid: number }[] = [];
  for (const oid of new Set(parameters.flatMap(({ defaultSql }) => pinsIn(defaultSql ?? '')))) {
    if (known.has(oid) || ctx.catalog.routinesInUse.find(oid) !== null) continue;
    const found = await typeByOid(ctx.catalog, oid, ctx.wait);
    if (found !== null) usedTypes.push({ typeOid: found.typeOid });
  }
  return usedTypes.length === 0 ? {} : { usedTypes };
}

export function readParameters(ctx: DdlContext, nodes: readonly Loose[], procedure: boolean): RoutineParameter[] {
  if (nodes.length > PARAMETERS_MAX)
    throw sqlError('54023', `functions cannot have more than ${PARAMETERS_MAX} arguments`);
  const parameters: RoutineParameter[] = [];
  let defaults = false;
  let variadic = false;
  for (const node of nodes) {
    const p = of(node, 'FunctionParameter');
    const mode = MODES[text(p['mode'])] ?? 'in';
    const typeOid = parameterType(ctx, p['argType']);
    if ((p['argType'] as Loose)['setof'] === true)
      throw sqlError('42P13', `${procedure ? 'procedures' : 'functions'} cannot accept set arguments`);
    const name = text(p['name']);
    const takes = isInput(mode);
    const isList = isArrayType(typeOid) || typeOid === OID.anyarray || typeOid === OID.anycompatiblearray;
    if (variadic && takes) throw sqlError('42P13', 'VARIADIC parameter must be the last input parameter');
    if (variadic && procedure) throw sqlError('42P13', 'VARIADIC parameter must be the last parameter');
    if (mode === 'variadic' && !isList) throw sqlError('42P13', 'VARIADIC parameter must be an array');
    variadic ||= mode === 'variadic';
    if (name !== '' && parameters.some((q) => q.name === name && clash(q.mode, mode)))
      throw sqlError('42P13', `parameter name "${name}" used more than once`);
    const defaultSql = p['defexpr'] === undefined ? null : argumentDefault(ctx, p['defexpr'], typeOid);
    if (defaultSql !== null) {
      if (!takes) throw sqlError('42P13', 'only input parameters can have default values');
      defaults = true;
    } else if (defaults && takes && mode !== 'variadic')
      throw sqlError('42P13', 'input parameters after one with a default value must also have defaults');
    else if (defaults && procedure && mode === 'out')
      throw sqlError('42P13', 'procedure OUT parameters cannot appear after one with a default value');
    parameters.push({ name, mode, typeOid, defaultSql });
  }
  return parameters;
}

function isInput(mode: RoutineParameter['mode']): boolean {
  return mode !== 'out' && mode !== 'table';
}

/** A parameter that is only taken and one that is only given may share a name. */
function clash(a: RoutineParameter['mode'], b: RoutineParameter['mode']): boolean {
  const onlyTaken = (mode: RoutineParameter['mode']): boolean => mode === 'in' || mode === 'variadic';
  return !((onlyTaken(a) && !isInput(b)) || (!isInput(a) && onlyTaken(b)));
}

const RANGES: readonly number[] = [OID.anyrange, OID.anymultirange];
const COMPATIBLE_RANGES: readonly number[] = [OID.anycompatiblerange, OID.anycompatiblemultirange];
const PLAIN: readonly number[] = [OID.anyelement, OID.anyarray, OID.anynonarray, OID.anyenum, ...RANGES];
const COMPATIBLE: readonly number[] = [
  OID.anycompatible,
  OID.anycompatiblearray,
  OID.anycompatiblenonarray,
  ...COMPATIBLE_RANGES,
];

/** Inputs that settle what a polymorphic result is. */
function settling(oid: number): readonly number[] {
  return [RANGES, COMPATIBLE_RANGES, PLAIN, COMPATIBLE].find((family) => family.includes(oid)) ?? [];
}

/** @throws QuoralError 42P13 */
export function checkPolymorphic(routine: Pick<Routine, 'typeOid' | 'parameters'>, isUnquoted: boolean): void {
  const inputs = routine.parameters.filter((p) => isInput(p.mode)).map((p) => p.typeOid);
  if (isUnquoted && inputs.some(isPolymorphic))
    throw sqlError('42P13', 'SQL function with unquoted function body cannot have polymorphic arguments');
  const outputs = routine.parameters.filter((p) => !isInput(p.mode)).map((p) => p.typeOid);
  for (const oid of [routine.typeOid, ...outputs]) {
    if (!isPolymorphic(oid)) continue;
    const wanted = settling(oid);
    if (inputs.some((input) => wanted.includes(input))) continue;
    const names = wanted.map((o) => formatType(o));
    const last = names.pop()!;
    const listed = names.length > 1 ? `${names.join(', ')}, or ${last}` : `${names[0]} or ${last}`;
    throw sqlError('42P13', 'cannot determine result data type', {
      detail: `A result of type ${formatType(oid)} requires at least one input of type ${listed}.`,
    });
  }
}

interface Returns {
  readonly typeOid: number;
  readonly set: boolean;
  readonly columns: Routine['columns'];
}

export function readReturns(ctx: DdlContext, body: Loose, parameters: readonly RoutineParameter[]): Returns {
  const outputs = parameters.filter((p) => p.mode === 'out' || p.mode === 'inout' || p.mode === 'table');
  const implied = outputs.length === 0 ? OID.void : outputs.length === 1 ? outputs[0]!.typeOid : OID.record;
  const node = body['returnType'] as Loose | undefined;
  if (body['is_procedure'] === true) return { typeOid: implied, set: false, columns: null };
  if (node === undefined) {
    if (outputs.length === 0) throw sqlError('42P13', 'function result type must be specified');
    return { typeOid: implied, set: false, columns: null };
  }
  const set = node['setof'] === true;
  if (parameters.some((p) => p.mode === 'table')) return { typeOid: implied, set, columns: null };
  const typeOid = resolveUnplaced(node as TypeNode, ctx.types).oid;
  if (outputs.length > 0 && typeOid !== implied) {
    throw sqlError('42P13', `function result type must be ${formatType(implied)} because of OUT parameters`);
  }
  return { typeOid, set, columns: null };
}
