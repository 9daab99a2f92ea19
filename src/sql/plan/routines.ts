/**
 * Functions that users made, as the resolver of calls and the executor take functions: entries that hand the call
 * to the session. Arguments that are left out become the expressions of their defaults where the call stands.
 */
import type { FuncCall, Node } from 'libpg-query';
import type { Routine, RoutineParameter } from '../catalog/descriptor.js';
import type { ExecContext, PlannerSettings, ResolvedRoutines } from '../contract.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import type { CallInfo, FunctionEntry } from '../functions/entry.js';
import { aggregatesNamed, functionsNamed } from '../functions/define.js';
import { isConstrained } from '../functions/domains.js';
import { concreteTypes, isPolymorphic } from '../functions/polymorphic.js';
import { findFunction, NOT_UNIQUE_HINT } from '../functions/resolve.js';
import { type Datum, PgArray } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { arrayOidOf, formatType } from '../types/registry.js';
import { baseOidOf, userTypeOf } from '../types/user-types.js';
import { pinnedOid, pinsIn } from '../types/pinned-types.js';
import { as, isBuiltInFunction, stringsOf } from './ast.js';
import { type Binder, type ExprContext, errorAt } from './binder.js';
import { coerce, typeOfExpr } from './coerce.js';
import { declaredArguments } from './declared-types.js';
import type { Expr } from './expr.js';
import { expressionTree } from './expression-tree.js';
import { firstNamed } from './named-arguments.js';

/** A call of a procedure has an argument for each OUT parameter too, which is not looked at. */
export function takesArgument(routine: Pick<Routine, 'procedure'>, { mode }: RoutineParameter): boolean {
  return mode === 'in' || mode === 'inout' || mode === 'variadic' || (mode === 'out' && routine.procedure);
}
export function inputsOf(routine: Pick<Routine, 'procedure' | 'parameters'>): readonly RoutineParameter[] {
  return routine.parameters.filter((p) => takesArgument(routine, p));
}
export function outputsOf(routine: Routine): readonly RoutineParameter[] {
  return routine.parameters.filter((p) => p.mode === 'out' || p.mode === 'inout' || p.mode === 'table');
}

const entries = new WeakMap<Routine, FunctionEntry>();

export function routineEntry(name: string, routine: Routine): FunctionEntry {
  let entry = entries.get(routine);
  if (entry?.name !== name) {
    entry = makeEntry(name, routine);
    entries.set(routine, entry);
  }
  return entry;
}

function makeEntry(name: string, routine: Routine): FunctionEntry {
  const inputs = inputsOf(routine);
  const outputs = outputsOf(routine);
  const record = routine.typeOid === OID.record;
  const columns = record && outputs.length > 1 ? outputs : routine.columns;
  const call = (
    args: readonly Datum[],
    ctx: ExecContext,
    info: CallInfo,
  ): ReturnType<NonNullable<typeof ctx.services.callRoutine>> => {
    const { callRoutine } = ctx.services;
    if (callRoutine === undefined) throw sqlError('0A000', `function ${name} cannot be called here`);
    const { resultOid } = info;
    const argOids = inputs.map((p, i) => concreteType(p, args[i] ?? null, info.argOids[i]));
    const own = underCollation(concreteRoutine(routine, argOids, resultOid), info.collation?.key);
    const record = info.record ?? null;
    const types = { argOids, resultOid, record };
    return callRoutine.call(ctx.services, {
      routine: own,
      declared: routine,
      name,
      args,
      ...types,
      before: ctx.before ?? null,
    });
  };
  return {
    oid: routine.oid,
    name,
    argOids: inputs.map((p) => baseOidOf(p.typeOid)),
    ...(inputs.some((p) => isConstrained(p.typeOid)) ? { declaredOids: inputs.map((p) => p.typeOid) } : {}),
    resultOid: baseOidOf(routine.typeOid),
    strict: routine.strict,
    volatility: routine.volatility,
    variadic: inputs.at(-1)?.mode === 'variadic',
    defaults: inputs.filter((p) => p.defaultSql !== null).map(() => null),
    mayWait: true,
    returnsSet: routine.set,
    resultColumns:
      columns === null
        ? null
        : columns.map((c, i) => ({ name: c.name === '' ? `column${i + 1}` : c.name, typeOid: c.typeOid })),
    impl: async (args, ctx, info) => (await call(args, ctx, info)).value,
    call1: null,
    call2: null,
    rows: routine.set ? async (args, ctx, info) => (await call(args, ctx, info)).rows : null,
    routine,
    ...(outputs.length === 1 && outputs[0]!.name !== '' ? { columnName: outputs[0]!.name } : {}),
  };
}

const collatedRoutines = new WeakMap<Routine, Map<string, Routine>>();

/** The function as it is called under a collation; the same object for the same one. */
function underCollation(routine: Routine, key: string | undefined): Routine {
  if (key === undefined) return routine;
  let known = collatedRoutines.get(routine);
  if (known === undefined) collatedRoutines.set(routine, (known = new Map()));
  let made = known.get(key);
  if (made === undefined) {
    if (known.size >= CONCRETE_MAX) known.clear();
    known.set(key, (made = { ...routine, inputCollation: key }));
  }
  return made;
}

const concreteRoutines = new WeakMap<Routine, Map<string, Routine>>();
/** Types that one polymorphic function is kept for. */
const CONCRETE_MAX = 64;

/** A polymorphic function as one call of it has its types; the same object for the same types. */
function concreteRoutine(routine: Routine, argOids: readonly number[], resultOid: number): Routine {
  if (!routine.parameters.some((p) => isPolymorphic(p.typeOid))) return routine;
  let known = concreteRoutines.get(routine);
  if (known === undefined) concreteRoutines.set(routine, (known = new Map()));
  const key = `${argOids.join()}:${resultOid}`;
  let made = known.get(key);
  if (made !== undefined) return made;
  const inputs = inputsOf(routine);
  const concrete = concreteTypes(
    inputs.map((p) => p.typeOid),
    argOids,
  );
  const typed = <T extends { readonly typeOid: number }>(one: T): T => ({ ...one, typeOid: concrete(one.typeOid) });
  made = {
    ...routine,
    parameters: routine.parameters.map((p) => {
      const at = inputs.indexOf(p);
      return at < 0 ? typed(p) : { ...p, typeOid: argOids[at] ?? p.typeOid };
    }),
    columns: routine.columns === null ? null : routine.columns.map(typed),
    typeOid: resultOid === 0 ? concrete(routine.typeOid) : resultOid,
  };
  if (known.size >= CONCRETE_MAX) known.clear();
  known.set(key, made);
  return made;
}

/** Arguments of a variadic call have become one array. */
function concreteType(p: RoutineParameter, value: Datum, called: number | undefined): number {
  if (isConstrained(p.typeOid)) return p.typeOid;
  if (p.mode !== 'variadic') return called ?? p.typeOid;
  const polymorphic = p.typeOid === OID.anyarray || p.typeOid === OID.anycompatiblearray;
  return polymorphic && value instanceof PgArray ? arrayOidOf(value.elementOid) : p.typeOid;
}

/** Of users, that such a call can mean; null if a built-in function has the name. */
export function routinesNamed(b: Binder, schema: string | null, name: string): readonly ResolvedRoutines[] | null {
  const pin = schema === null ? pinnedOid(name) : null;
  if (pin !== null) {
    const known = b.pinnedRoutine(pin);
    return known === null ? null : [known];
  }
  if (isBuiltInFunction(schema, name)) return null;
  return lookedUp(b, schema, name);
}

/** Those with the name of a function that is built in; null: nobody has looked for them yet. */
export function routinesBeside(b: Binder, name: string): readonly ResolvedRoutines[] | null {
  return lookedUp(b, null, name);
}

function lookedUp(b: Binder, schema: string | null, name: string): readonly ResolvedRoutines[] | null {
  const found = b.catalog.routines?.({ schema, name, isRoutine: true }) ?? null;
  if (found === null) return null;
  for (const group of found) {
    b.dependOnRoutine(group);
    for (const { parameters, usedRoutines, usedTypes } of group.routines) {
      b.knowTypes(parameters);
      if (usedTypes !== undefined) b.knowTypes(usedTypes);
      if (usedRoutines !== undefined) b.knowRoutines(usedRoutines);
    }
  }
  return found;
}

/** Functions that a stored expression names, for an expression that is bound apart from its table. */
export function knowPins(b: Binder, sql: string, settings: PlannerSettings): void {
  if (settings.userRoutines === undefined) return;
  for (const oid of pinsIn(sql)) {
    const used = settings.userRoutines.pinned(oid);
    if (used !== null) b.knowRoutines([used]);
  }
}

/** A view that is made means this function, whatever has its name later. */
export function pinCall(b: Binder, call: FuncCall, groups: readonly ResolvedRoutines[], routine: Routine): void {
  const group = groups.find((g) => g.routines.includes(routine));
  if (group !== undefined) b.access.call(group.name, routine);
  if (group === undefined || pinnedOid(stringsOf(call.funcname).at(-1) ?? '') !== null) return;
  b.routinePins?.set(call, { groupId: group.id, name: group.name, routine });
}

/** The functions among them, those of earlier schemas before others of the same types. */
export function functionsOf(groups: readonly ResolvedRoutines[], procedures = false): FunctionEntry[] {
  const seen = new Set<string>();
  const list: FunctionEntry[] = [];
  for (const { name, routines } of groups) {
    for (const routine of routines) {
      const key = inputsOf(routine)
        .map((p) => p.typeOid)
        .join();
      if (routine.procedure !== procedures || seen.has(key)) continue;
      seen.add(key);
      list.push(routineEntry(name, routine));
    }
  }
  return list;
}

/** The functions that a call means which names no schema, where users have made some of a built-in one's name. */
export function besideBuiltIn(b: Binder, name: string, groups: readonly ResolvedRoutines[]): FunctionEntry[] {
  const path = b.catalog.searchPath;
  // Before all others, unless the path says where.
  const at = path.indexOf('pg_catalog');
  const before = groups.filter((g) => path.indexOf(g.schema) < at);
  const after = groups.filter((g) => !before.includes(g));
  return [...functionsOf(before), ...functionsNamed(name), ...functionsOf(after)];
}

/** Whether two functions stand in one schema. */
export function inOneOf(groups: readonly ResolvedRoutines[]): (a: FunctionEntry, b: FunctionEntry) => boolean {
  const groupOf = ({ routine }: FunctionEntry): ResolvedRoutines | undefined =>
    groups.find((g) => g.routines.some((r) => r === routine));
  return (a, b) => groupOf(a) === groupOf(b);
}

/** Whether a built-in function of the name takes so many arguments. */
function takesSo(name: string, count: number): boolean {
  return [...functionsNamed(name), ...aggregatesNamed(name)].some((e) => e.argOids.length === count);
}

/** Of CALL of what is no procedure, or is not there: 42809, 42883. */
export function refusedCall(
  groups: readonly ResolvedRoutines[],
  name: string,
  oids: readonly number[],
  at: number,
): Error {
  const shown = `${name}(${oids.map((oid) => formatType(oid)).join(', ')})`;
  const builtIn = !name.includes('.') && takesSo(name, oids.length);
  if (builtIn || groups.some((g) => g.routines.some((r) => !r.procedure && inputsOf(r).length === oids.length)))
    return errorAt('42809', `${shown} is not a procedure`, at, { hint: 'To call a function, use SELECT.' });
  return errorAt('42883', `procedure ${shown} does not exist`, at, {
    hint: 'No procedure matches the given name and argument types. You might need to add explicit type casts.',
  });
}

/** A call of a procedure where a function belongs. @throws 42809 */
export function refuseProcedure(
  groups: readonly ResolvedRoutines[],
  name: string,
  oids: readonly number[],
  at: number,
): void {
  if (!groups.some((g) => g.routines.some((r) => r.procedure && inputsOf(r).length === oids.length))) return;
  const shown = `${name}(${oids.map((oid) => formatType(oid)).join(', ')})`;
  throw errorAt('42809', `${shown} is a procedure`, at, { hint: 'To call a procedure, use CALL.' });
}

/**
 * The function that a call with arguments by name means, and these in their places; those left out in between become their
 * defaults. What is chosen among are the parameters that something is given for, in the order of the call. null: there is none.
 * @throws QuoralError 42725
 */
export function placeNamed(
  ctx: ExprContext,
  name: string,
  groups: readonly ResolvedRoutines[],
  call: FuncCall,
): {
  readonly routine: Routine;
  readonly nodes: readonly (Node | null)[];
  readonly args: readonly Expr[];
} | null {
  const written = call.args ?? [];
  const variadic = call.func_variadic === true;
  const first = firstNamed(written);
  const called = (group: ResolvedRoutines): Routine[] => group.routines.filter((r) => r.procedure === isCalled(call));
  const fitting = groups.flatMap((group) =>
    called(group).flatMap((routine) => {
      const inputs = inputsOf(routine);
      const nodes = placedFor(inputs, written, first);
      // Nothing can be written for what a variadic parameter takes one by one.
      if (nodes === null || (inputs.at(-1)?.mode === 'variadic' && !variadic)) return [];
      const args = nodes.map((n, i) =>
        n === null ? defaultArgument(ctx, inputs[i]!) : asRowType(ctx.binder, ctx.bind(ctx, n), [routine], i),
      );
      const oids = args.map((a) => typeOfExpr(ctx.binder, a));
      const { declared = oids } = declaredArguments(args, oids);
      const places = written.map((w) => placeOf(nodes, w));
      const given = { oids: places.map((i) => oids[i]!), declared: places.map((i) => declared[i]!) };
      const entry = givenFirst(name, routine, places);
      if (findFunction(name, given.oids, { declared: given.declared, routines: [entry] }) === null) return [];
      const types = places.map((i) => inputs[i]!.typeOid).join();
      return [{ group, routine, nodes, args, given, entry, types }];
    }),
  );
  // One of a later schema that takes the same is out of sight.
  const seen = fitting.filter(
    (one, at) => !fitting.slice(0, at).some(({ group, types }) => group !== one.group && types === one.types),
  );
  if (seen.length < 2) return seen[0] ?? null;
  const { oids, declared } = seen[0]!.given;
  const options = { declared, routines: seen.map(({ entry }) => entry), alike: inOneOf(groups) };
  const chosen = chosenOf(() => findFunction(name, oids, options)?.entry.routine);
  if (chosen === null) {
    const shown = `function ${name}(${shownArguments(ctx, written)}) is not unique`;
    throw errorAt('42725', shown, call.location ?? 0, { hint: NOT_UNIQUE_HINT });
  }
  return seen.find(({ routine }) => routine === chosen) ?? null;
}

/** null: not one is better than all others. */
function chosenOf(find: () => Routine | undefined): Routine | undefined | null {
  try {
    return find();
  } catch (error) {
    if (error instanceof QuoralError && error.sqlstate === '42725') return null;
    throw error;
  }
}

/** The function with what is given before what is left to defaults: of what types these are is not asked yet. */
function givenFirst(name: string, routine: Routine, places: readonly number[]): FunctionEntry {
  const entry = routineEntry(name, routine);
  const left = entry.argOids.map((_, i) => i).filter((i) => !places.includes(i));
  const reordered = (oids: readonly number[]): number[] => [...places, ...left].map((i) => oids[i]!);
  return {
    ...entry,
    argOids: reordered(entry.argOids),
    ...(entry.declaredOids === undefined ? {} : { declaredOids: reordered(entry.declaredOids) }),
    variadic: false,
    defaults: left.map(() => null),
  };
}

function placeOf(placed: readonly (Node | null)[], written: Node): number {
  return placed.indexOf(as(written, 'NamedArgExpr')?.arg ?? written);
}

/** null among them: what is left out, and has a default. */
function placedFor(inputs: readonly RoutineParameter[], nodes: readonly Node[], first: number): (Node | null)[] | null {
  if (nodes.length > inputs.length) return null;
  const placed: (Node | undefined)[] = inputs.map((_, i) => (i < first ? nodes[i] : undefined));
  for (const node of nodes.slice(first)) {
    const named = as(node, 'NamedArgExpr')!;
    const at = inputs.findIndex((p) => p.name === named.name);
    if (at < 0 || placed[at] !== undefined) return null;
    placed[at] = named.arg;
  }
  const filled = placed.map((node, i) => node ?? (inputs[i]!.defaultSql === null ? undefined : null));
  return filled.every((node) => node !== undefined) ? filled : null;
}

/** f(t) for a table t of FROM: a row of the table's type where a function takes that. */
export function asRowType(b: Binder, arg: Expr, routines: readonly Routine[], at: number): Expr {
  if (arg.kind !== 'row' || arg.tableId === undefined) return arg;
  for (const routine of routines) {
    const typeOid = inputsOf(routine)[at]?.typeOid ?? 0;
    if (userTypeOf(typeOid)?.oid === arg.tableId && typeOid !== arg.oid)
      return coerce(b, { ...arg, oid: OID.record }, typeOid, 'explicit');
  }
  return arg;
}

/** The arguments that a call leaves out. */
export function defaultArguments(ctx: ExprContext, routine: Routine, given: number): Expr[] {
  return inputsOf(routine)
    .slice(given)
    .map((p) => defaultArgument(ctx, p));
}

/** Of a polymorphic parameter as it is: what type it gets depends on the other arguments. */
function defaultArgument(ctx: ExprContext, { defaultSql, typeOid }: RoutineParameter): Expr {
  const value = ctx.bind(ctx, expressionTree(defaultSql!));
  return isPolymorphic(typeOid) ? value : coerce(ctx.binder, value, typeOid, 'assignment');
}

/** CALL p(…) as the query that runs it. */
export function callAsQuery(call: FuncCall): Node {
  const called = { FuncCall: { ...call, [CALLED]: true } } as Node;
  return {
    SelectStmt: {
      targetList: [{ ResTarget: { val: { ColumnRef: { fields: [{ A_Star: {} }] } } } }],
      fromClause: [{ RangeFunction: { functions: [{ List: { items: [called, {} as Node] } }] } }],
      limitOption: 'LIMIT_OPTION_DEFAULT',
      op: 'SETOP_NONE',
    },
  } as Node;
}

const CALLED = 'quoralCalled';

export function isCalled(call: FuncCall): boolean {
  return (call as { readonly [CALLED]?: boolean })[CALLED] === true;
}

function shownArguments(ctx: ExprContext, nodes: readonly Node[]): string {
  const shown = nodes.map((node) => {
    const named = as(node, 'NamedArgExpr')?.name;
    const type = formatType(typeOfExpr(ctx.binder, ctx.bind(ctx, as(node, 'NamedArgExpr')?.arg ?? node)));
    return named === undefined ? type : `${named} => ${type}`;
  });
  return shown.join(', ');
}

/** For arguments by names that no function has. */
export function noSuchCall(
  ctx: ExprContext,
  name: string,
  nodes: readonly Node[],
  location: number,
  called = false,
): Error {
  const what = called ? 'procedure' : 'function';
  return errorAt('42883', `${what} ${name}(${shownArguments(ctx, nodes)}) does not exist`, location, {
    hint: `No ${what} matches the given name and argument types. You might need to add explicit type casts.`,
  });
}
