/**
 * CREATE AGGREGATE: a state, the function that takes a row into it and perhaps one that makes the result of it. It is kept
 * among the routines of its name, and holds the definitions of those of its functions that users made (catalog/used-routines.ts).
 *
 * Limits: what only makes PostgreSQL faster is read and forgotten (combining, serialising and moving-aggregate functions, sort
 * operators, sizes); ordered-set and variadic aggregates are refused.
 */
import { sqlError } from '../../base/errors.js';
import type { AggregateParts, Routine, RoutineParameter, StoredCall } from '../catalog/descriptor.js';
import { isPolymorphic } from '../functions/polymorphic.js';
import { resolveFunction } from '../functions/resolve.js';
import { isBuiltInFunction } from '../plan/ast.js';
import { resolveTypeName } from '../plan/coerce.js';
import { functionsOf } from '../plan/routines.js';
import { OID } from '../types/oids.js';
import { canCoerce } from '../types/casts.js';
import { formatType, typeByOid } from '../types/registry.js';
import type { DdlContext } from './context.js';
import { addRoutine } from './routines.js';
import { list, of, options, qualifiedName, strings, text, unsupported, valueText } from './tree.js';
import type { Loose } from './tree.js';

type TypeNode = Parameters<typeof resolveTypeName>[0];

const REFUSED: ReadonlySet<string> = new Set(['hypothetical']);
const FORGOTTEN: ReadonlySet<string> = new Set(
  `combinefunc serialfunc deserialfunc parallel sspace sortop msfunc minvfunc mstype msspace mfinalfunc mfinalfunc_extra
  mfinalfunc_modify finalfunc_modify minitcond`.split(/\s+/),
);

/** What stands in for a polymorphic type while the functions of an aggregate are looked for. */
const EXAMPLES: ReadonlyMap<number, number> = new Map([
  [OID.anyelement, OID.int4],
  [OID.anynonarray, OID.int4],
  [OID.anycompatible, OID.int4],
  [OID.anycompatiblenonarray, OID.int4],
  [OID.anyarray, 1007],
  [OID.anycompatiblearray, 1007],
]);
const example = (oid: number): number => EXAMPLES.get(oid) ?? oid;

interface Given {
  readonly values: ReadonlyMap<string, unknown>;
  readonly parameters: readonly RoutineParameter[];
}

export async function runCreateAggregate(ctx: DdlContext, body: Loose): Promise<string> {
  if (body['kind'] !== 'OBJECT_AGGREGATE') throw unsupported(definedKind(body['kind']));
  const name = qualifiedName(strings(body['defnames']));
  const { values, parameters } = readDefinition(ctx, body);
  const typeOid =
    values.has('stype') || values.has('stype1') ? typeOf(ctx, values.get('stype') ?? values.get('stype1')) : 0;
  const stateName = values.get('sfunc') ?? values.get('sfunc1');
  if (typeOid === 0) throw sqlError('42P13', 'aggregate stype must be specified');
  if (stateName === undefined) throw sqlError('42P13', 'aggregate sfunc must be specified');
  const inputs = parameters.map((p) => p.typeOid);
  checkStateType(typeOid, inputs);
  const step = await findCall(ctx, stateName as Loose, [typeOid, ...inputs]);
  if (step.resultOid !== 0 && !isPolymorphic(typeOid) && step.resultOid !== typeOid)
    throw sqlError('42804', `return type of transition function ${step.call.name} is not ${formatType(typeOid)}`);
  const initial = values.get('initcond') ?? values.get('initcond1');
  if (initial === undefined && step.strict && (inputs.length === 0 || !fits(inputs[0]!, typeOid))) {
    const message =
      'must not omit initial value when transition function is strict and transition type is not compatible with input type';
    throw sqlError('42P13', message);
  }
  const finalName = values.get('finalfunc');
  const finalExtra = valueText(values.get('finalfunc_extra')) === 'true' || isBare(values, 'finalfunc_extra');
  const final =
    finalName === undefined
      ? null
      : await findCall(ctx, finalName as Loose, finalExtra ? [typeOid, ...inputs] : [typeOid]);
  const parts: AggregateParts = {
    typeOid,
    step: step.call,
    final: final?.call ?? null,
    finalExtra,
    initial: initial === undefined ? null : valueText(initial),
  };
  const made: Omit<Routine, 'oid'> = {
    procedure: false,
    parameters,
    typeOid: final === null ? typeOid : final.declared,
    set: false,
    columns: null,
    language: 'sql',
    body: 'aggregate_dummy',
    volatility: 'immutable',
    strict: false,
    securityDefiner: false,
    aggregate: parts,
  };
  await addRoutine(ctx, name, made, body['replace'] === true);
  return 'CREATE AGGREGATE';
}

function definedKind(kind: unknown): string {
  const what = String(kind).replace('OBJECT_', '').replace('TS', 'TEXT SEARCH ').replaceAll('_', ' ');
  return `CREATE ${what}`;
}

function typeOf(ctx: DdlContext, node: unknown): number {
  const inner = (node as Loose)['TypeName'] ?? node;
  return resolveTypeName(inner as TypeNode, ctx.types).oid;
}

/** A flag that is named without a value. */
function isBare(values: ReadonlyMap<string, unknown>, name: string): boolean {
  return values.has(name) && values.get(name) === undefined;
}

function readDefinition(ctx: DdlContext, body: Loose): Given {
  const values = new Map<string, unknown>();
  for (const { name, arg } of options(body['definition'])) {
    if (REFUSED.has(name)) throw unsupported('a hypothetical-set aggregate');
    if (FORGOTTEN.has(name)) continue;
    if (!/^(sfunc1?|stype1?|initcond1?|finalfunc|finalfunc_extra|basetype)$/.test(name)) {
      ctx.notice({ severity: 'WARNING', sqlstate: '42601', message: `aggregate attribute "${name}" not recognized` });
      continue;
    }
    values.set(name, arg);
  }
  return { values, parameters: body['oldstyle'] === true ? oldParameters(ctx, values) : readParameters(ctx, body) };
}

/** The form of long ago: basetype among the definitions, "ANY" for none. */
function oldParameters(ctx: DdlContext, values: ReadonlyMap<string, unknown>): RoutineParameter[] {
  if (!values.has('basetype')) throw sqlError('42P13', 'aggregate input type must be specified');
  const base = values.get('basetype');
  if (valueText(base).toLowerCase() === 'any') return [];
  return [{ name: '', mode: 'in', typeOid: typeOf(ctx, base), defaultSql: null }];
}

function readParameters(ctx: DdlContext, body: Loose): RoutineParameter[] {
  const [args, direct] = list(body['args']);
  if (Number(of(direct, 'Integer')['ival'] ?? 0) >= 0) throw unsupported('an ordered-set aggregate');
  return list(of(args, 'List')['items']).map((node) => {
    const p = of(node, 'FunctionParameter');
    if (text(p['mode']) === 'FUNC_PARAM_VARIADIC') throw unsupported('a variadic aggregate');
    if (!['FUNC_PARAM_IN', 'FUNC_PARAM_DEFAULT'].includes(text(p['mode'])))
      throw sqlError('42P13', 'aggregates cannot have output arguments');
    if (p['defexpr'] !== undefined) throw sqlError('42P13', 'aggregates cannot have default values');
    return { name: text(p['name']), mode: 'in', typeOid: typeOf(ctx, p['argType']), defaultSql: null };
  });
}

function checkStateType(typeOid: number, inputs: readonly number[]): void {
  if (isPolymorphic(typeOid)) {
    if (inputs.some(isPolymorphic)) return;
    const wanted = 'anyelement, anyarray, anynonarray, anyenum, anyrange, or anymultirange';
    throw sqlError('42P13', 'cannot determine transition data type', {
      detail: `A result of type ${formatType(typeOid)} requires at least one input of type ${wanted}.`,
    });
  }
  if (typeByOid(typeOid).category === 'P')
    throw sqlError('42P13', `aggregate transition data type cannot be ${formatType(typeOid)}`);
}

function fits(inputOid: number, typeOid: number): boolean {
  return inputOid === typeOid || isPolymorphic(inputOid) || canCoerce(inputOid, typeOid, 'implicit');
}

interface FoundCall {
  readonly call: StoredCall;
  /** 0 where it depends on the call. */
  readonly resultOid: number;
  /** As the function says it. */
  readonly declared: number;
  readonly strict: boolean;
}

/** @throws QuoralError 42883 */
async function findCall(ctx: DdlContext, node: Loose, oids: readonly number[]): Promise<FoundCall> {
  const name = qualifiedName(strings(of(node, 'TypeName')['names']));
  const builtIn = isBuiltInFunction(name.schema, name.name);
  const groups = builtIn ? [] : ((await ctx.catalog.routines(name, ctx.session.searchPath, ctx.wait)) ?? []);
  const shown = name.schema === null ? name.name : `${name.schema}.${name.name}`;
  const entries = builtIn ? {} : { routines: functionsOf(groups) };
  let found: ReturnType<typeof resolveFunction>;
  try {
    found = resolveFunction(name.name, oids.map(example), entries);
  } catch {
    const types = oids.map((oid) => formatType(oid)).join(', ');
    throw sqlError('42883', `function ${shown}(${types}) does not exist`);
  }
  const { entry } = found;
  if (entry.returnsSet) throw sqlError('42804', `function ${shown} returns a set`);
  const group = groups.find((g) => entry.routine !== undefined && g.routines.includes(entry.routine));
  const polymorphic = oids.some(isPolymorphic);
  return {
    call: {
      name: name.name,
      used: group === undefined ? null : { groupId: group.id, name: group.name, routine: entry.routine! },
    },
    resultOid: polymorphic ? 0 : found.resultOid,
    declared: polymorphic ? entry.resultOid : found.resultOid,
    strict: entry.strict,
  };
}
