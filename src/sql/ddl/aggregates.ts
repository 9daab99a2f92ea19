/**
 * CREATE AGGREGATE: a state, the function that takes a row into it and perhaps one that makes the result of it. It is kept
 * among the routines of its name, and holds the definitions of those of its functions that users made (catalog/used-routines.ts).
 *
 * Limits: what only makes PostgreSQL faster is kept and shown, and has no effect (combining and moving-aggregate functions, sizes);
 * sort operators are forgotten; states of type internal and VARIADIC "any" are refused.
 */
import { sqlError } from '../../base/errors.js';
import type { AggregateParts, Routine, RoutineParameter, StoredCall } from '../catalog/descriptor.js';
import { isPolymorphic } from '../functions/polymorphic.js';
import { resolveUnplaced } from '../plan/coerce.js';
import { OID } from '../types/oids.js';
import { isBinaryCoercible } from '../types/casts.js';
import { elementOidOf, formatType, typeByOid } from '../types/registry.js';
import { findCall } from './aggregate-functions.js';
import type { FoundCall } from './aggregate-functions.js';
import type { DdlContext } from './context.js';
import { parallelOf } from './routine-estimates.js';
import { checkPolymorphic, parameterType } from './routine-parameters.js';
import { addRoutine } from './routines.js';
import { list, of, options, qualifiedName, strings, text, unsupported, valueText } from './tree.js';
import type { Loose } from './tree.js';

type TypeNode = Parameters<typeof resolveUnplaced>[0];

/** What is read and forgotten. */
const FORGOTTEN: ReadonlySet<string> = new Set(['sortop']);
const KNOWN = new RegExp(
  '^(sfunc1?|stype1?|initcond1?|finalfunc|finalfunc_extra|finalfunc_modify|basetype|hypothetical|parallel|sspace|combinefunc|serialfunc|' +
    'deserialfunc|msfunc|minvfunc|mstype|msspace|mfinalfunc|mfinalfunc_extra|mfinalfunc_modify|minitcond)$',
);

interface Given {
  readonly values: ReadonlyMap<string, unknown>;
  readonly parameters: readonly RoutineParameter[];
  /** Of an ordered-set aggregate: how many arguments are given once for a group. */
  readonly direct: number | null;
}

export async function runCreateAggregate(ctx: DdlContext, body: Loose): Promise<string> {
  if (body['kind'] !== 'OBJECT_AGGREGATE') throw unsupported(definedKind(body['kind']));
  const name = qualifiedName(strings(body['defnames']));
  const given = readDefinition(ctx, body);
  const { values, parameters, direct } = given;
  const typeOid =
    values.has('stype') || values.has('stype1') ? typeOf(ctx, values.get('stype') ?? values.get('stype1')) : 0;
  const stateName = values.get('sfunc') ?? values.get('sfunc1');
  if (typeOid === 0) throw sqlError('42P13', 'aggregate stype must be specified');
  if (stateName === undefined) throw sqlError('42P13', 'aggregate sfunc must be specified');
  const inputs = parameters.map((p) => p.typeOid);
  checkStateType(typeOid, inputs);
  const aggregated = inputs.slice(direct ?? 0);
  const step = await findCall(ctx, stateName as Loose, [typeOid, ...aggregated]);
  if (step.resultOid !== typeOid)
    throw sqlError('42804', `return type of transition function ${step.call.name} is not ${formatType(typeOid)}`);
  const initial = values.get('initcond') ?? values.get('initcond1');
  checkInitial(initial !== undefined, step, typeOid, aggregated);
  const finalName = values.get('finalfunc');
  const finalExtra = flag(values, 'finalfunc_extra');
  // Direct arguments are given to the final function alone.
  const ending = [typeOid, ...inputs.slice(0, direct ?? 0), ...(finalExtra ? aggregated : [])];
  const final = finalName === undefined ? null : await findCall(ctx, finalName as Loose, ending);
  if (final !== null && finalExtra && final.strict)
    throw sqlError('42P13', 'final function with extra arguments must not be declared STRICT');
  checkResult(final?.resultOid ?? typeOid, inputs);
  const parts: AggregateParts = {
    typeOid,
    step: step.call,
    final: final?.call ?? null,
    finalExtra,
    initial: initial === undefined ? null : valueText(initial),
    ...(direct === null ? {} : { direct: { kind: flag(values, 'hypothetical') ? 'h' : 'o', count: direct } }),
    ...(await readOthers(ctx, values, {
      typeOid,
      inputs: aggregated,
      strict: step.strict,
      result: final?.resultOid ?? typeOid,
    })),
  };
  const parallel = values.has('parallel') ? parallelOf(values.get('parallel')) : undefined;
  const made: Omit<Routine, 'oid'> = {
    procedure: false,
    parameters,
    typeOid: final === null ? typeOid : final.resultOid,
    set: false,
    columns: null,
    language: 'sql',
    body: 'aggregate_dummy',
    volatility: 'immutable',
    strict: false,
    securityDefiner: false,
    ...(parallel === undefined ? {} : { parallel }),
    aggregate: parts,
  };
  await addRoutine(ctx, name, made, body['replace'] === true);
  return 'CREATE AGGREGATE';
}

function checkInitial(isGiven: boolean, step: FoundCall, typeOid: number, inputs: readonly number[]): void {
  if (isGiven || !step.strict || (inputs.length > 0 && isBinaryCoercible(inputs[0]!, typeOid))) return;
  const message =
    'must not omit initial value when transition function is strict and transition type is not compatible with input type';
  throw sqlError('42P13', message);
}

function checkResult(resultOid: number, inputs: readonly number[]): void {
  const parameters = inputs.map((typeOid): RoutineParameter => ({ name: '', mode: 'in', typeOid, defaultSql: null }));
  checkPolymorphic({ typeOid: resultOid, parameters }, false);
}

function definedKind(kind: unknown): string {
  const what = String(kind).replace('OBJECT_', '').replace('TS', 'TEXT SEARCH ').replaceAll('_', ' ');
  return `CREATE ${what}`;
}

function typeOf(ctx: DdlContext, node: unknown): number {
  const inner = (node as Loose)['TypeName'] ?? node;
  return resolveUnplaced(inner as TypeNode, ctx.types).oid;
}

/** Set by its name alone, too. */
function flag(values: ReadonlyMap<string, unknown>, name: string): boolean {
  return values.has(name) && (values.get(name) === undefined || valueText(values.get(name)) === 'true');
}

function readDefinition(ctx: DdlContext, body: Loose): Given {
  const values = new Map<string, unknown>();
  for (const { name, arg } of options(body['definition'])) {
    if (FORGOTTEN.has(name)) continue;
    if (!KNOWN.test(name)) {
      ctx.notice({ severity: 'WARNING', sqlstate: '42601', message: `aggregate attribute "${name}" not recognized` });
      continue;
    }
    values.set(name, arg);
  }
  if (body['oldstyle'] === true) return { values, parameters: oldParameters(ctx, values), direct: null };
  const direct = Number(of(list(body['args'])[1], 'Integer')['ival'] ?? 0);
  return { values, parameters: readParameters(ctx, body), direct: direct < 0 ? null : direct };
}

/** The form of long ago: basetype among the definitions, "ANY" for none. */
function oldParameters(ctx: DdlContext, values: ReadonlyMap<string, unknown>): RoutineParameter[] {
  if (!values.has('stype') && !values.has('stype1')) return [];
  if (!values.has('basetype')) throw sqlError('42P13', 'aggregate input type must be specified');
  const base = values.get('basetype');
  if (valueText(base).toLowerCase() === 'any') return [];
  return [{ name: '', mode: 'in', typeOid: typeOf(ctx, base), defaultSql: null }];
}

function readParameters(ctx: DdlContext, body: Loose): RoutineParameter[] {
  const [args] = list(body['args']);
  const parameters = list(of(args, 'List')['items']).map((node): RoutineParameter => {
    const p = of(node, 'FunctionParameter');
    const mode = text(p['mode']);
    if (!['FUNC_PARAM_IN', 'FUNC_PARAM_DEFAULT', 'FUNC_PARAM_VARIADIC'].includes(mode))
      throw sqlError('42P13', 'aggregates cannot have output arguments');
    if (p['defexpr'] !== undefined) throw sqlError('42P13', 'aggregates cannot have default values');
    const typeOid = parameterType(ctx, p['argType']);
    const variadic = mode === 'FUNC_PARAM_VARIADIC';
    if (variadic && typeOid === OID.any) throw unsupported('an aggregate of VARIADIC "any"');
    if (variadic && elementOidOf(typeOid) === 0 && !isPolymorphic(typeOid))
      throw sqlError('42P13', 'VARIADIC parameter must be an array');
    return { name: text(p['name']), mode: variadic ? 'variadic' : 'in', typeOid, defaultSql: null };
  });
  if (parameters.slice(0, -1).some((p) => p.mode === 'variadic'))
    throw sqlError('42P13', 'VARIADIC parameter must be the last input parameter');
  return parameters;
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

/** How the state is known elsewhere, for functions beside the one that takes rows into it. */
interface State {
  readonly typeOid: number;
  readonly inputs: readonly number[];
  readonly strict: boolean;
  readonly result: number;
}

const MODIFIES: Readonly<Record<string, string>> = { read_only: 'r', shareable: 's', read_write: 'w' };

function modifyOf(values: ReadonlyMap<string, unknown>, name: string): string | undefined {
  if (!values.has(name)) return undefined;
  const found = MODIFIES[valueText(values.get(name)).toLowerCase()];
  if (found === undefined) throw sqlError('42601', `parameter "${name}" must be READ_ONLY, SHAREABLE, or READ_WRITE`);
  return found;
}

/** What only makes PostgreSQL faster: looked at, kept and shown. */
async function readOthers(
  ctx: DdlContext,
  values: ReadonlyMap<string, unknown>,
  state: State,
): Promise<Pick<AggregateParts, 'others' | 'shown' | 'moving'>> {
  const others: Record<string, StoredCall> = {};
  const named = (name: string): Loose | null => (values.get(name) as Loose | undefined) ?? null;
  if ((named('serialfunc') === null) !== (named('deserialfunc') === null))
    throw sqlError('42P13', 'must specify both or neither of serialization and deserialization functions');
  if (named('serialfunc') !== null)
    throw sqlError(
      '42P13',
      'serialization functions may be specified only when the aggregate transition data type is internal',
    );
  const { typeOid } = state;
  const combine = named('combinefunc');
  if (combine !== null) {
    const found = await findCall(ctx, combine, [typeOid, typeOid]);
    if (found.resultOid !== typeOid)
      throw sqlError('42804', `return type of combine function ${found.call.name} is not ${formatType(typeOid)}`);
    others['aggcombinefn'] = found.call;
  }
  const moving = await readMoving(ctx, values, state, others);
  const sizes = Object.fromEntries(
    Object.entries({ aggtransspace: 'sspace', aggmtransspace: 'msspace' }).flatMap(([column, name]) =>
      values.has(name) ? [[column, Number(valueText(values.get(name)))]] : [],
    ),
  );
  const modify = modifyOf(values, 'finalfunc_modify');
  const movingModify = modifyOf(values, 'mfinalfunc_modify');
  const shown = {
    ...sizes,
    ...(modify === undefined ? {} : { aggfinalmodify: modify }),
    ...(movingModify === undefined ? {} : { aggmfinalmodify: movingModify }),
    ...(flag(values, 'mfinalfunc_extra') ? { aggmfinalextra: true } : {}),
    ...(values.has('minitcond') ? { aggminitval: valueText(values.get('minitcond')) } : {}),
  };
  return {
    ...(Object.keys(others).length === 0 ? {} : { others }),
    ...(Object.keys(shown).length === 0 ? {} : { shown }),
    ...(moving === 0 ? {} : { moving: { typeOid: moving } }),
  };
}

const MOVING = ['msfunc', 'minvfunc', 'mfinalfunc', 'msspace', 'minitcond'] as const;

/** The type of the state that moves with a frame; 0 for none. */
async function readMoving(
  ctx: DdlContext,
  values: ReadonlyMap<string, unknown>,
  state: State,
  others: Record<string, StoredCall>,
): Promise<number> {
  if (!values.has('mstype')) {
    const lone = MOVING.find((name) => values.has(name));
    if (lone !== undefined) throw sqlError('42P13', `aggregate ${lone} must not be specified without mstype`);
    return 0;
  }
  for (const name of ['msfunc', 'minvfunc'])
    if (!values.has(name)) throw sqlError('42P13', `aggregate ${name} must be specified when mstype is specified`);
  const typeOid = typeOf(ctx, values.get('mstype'));
  checkStateType(typeOid, state.inputs);
  const forward = await findCall(ctx, values.get('msfunc') as Loose, [typeOid, ...state.inputs]);
  if (forward.resultOid !== typeOid)
    throw sqlError('42804', `return type of transition function ${forward.call.name} is not ${formatType(typeOid)}`);
  const inverse = await findCall(ctx, values.get('minvfunc') as Loose, [typeOid, ...state.inputs]);
  if (inverse.resultOid !== typeOid)
    throw sqlError(
      '42804',
      `return type of inverse transition function ${inverse.call.name} is not ${formatType(typeOid)}`,
    );
  if (forward.strict !== inverse.strict)
    throw sqlError('42P13', "strictness of aggregate's forward and inverse transition functions must match");
  checkInitial(values.has('minitcond'), forward, typeOid, state.inputs);
  others['aggmtransfn'] = forward.call;
  others['aggminvtransfn'] = inverse.call;
  let result = typeOid;
  if (values.has('mfinalfunc')) {
    const extra = flag(values, 'mfinalfunc_extra') ? state.inputs : [];
    const final = await findCall(ctx, values.get('mfinalfunc') as Loose, [typeOid, ...extra]);
    others['aggmfinalfn'] = final.call;
    result = final.resultOid;
  }
  if (result !== state.result)
    throw sqlError(
      '42P13',
      `moving-aggregate implementation returns type ${formatType(result)}, but plain implementation returns type ${formatType(state.result)}`,
    );
  return typeOid;
}
