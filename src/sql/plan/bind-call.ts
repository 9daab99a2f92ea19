/** Calls: operators, functions, aggregates and window functions, IN lists and array comparisons. */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ResolvedRoutines } from '../contract.js';
import type { FuncCall, Node } from 'libpg-query';
import { isExtensionFunction } from '../functions/extensions.js';
import { missingOperator } from '../functions/missing-functions.js';
import { isAggregateName, resolveFunction, resolveOperator } from '../functions/resolve.js';
import type { ResolveOptions } from '../functions/resolve.js';
import type { FunctionEntry, ResolvedCall } from '../functions/entry.js';
import { hypotheticalSet } from '../functions/hypothetical.js';
import { isConstrained } from '../functions/domains.js';
import { isPolymorphic } from '../functions/polymorphic.js';
import { OID } from '../types/oids.js';
import { pinnedOid } from '../types/pinned-types.js';
import { isBinaryCoercible } from '../types/casts.js';
import { arrayOidOf, elementOidOf, formatType, typeByName, typeByOid } from '../types/registry.js';
import { baseOidOf, userTypeOf } from '../types/user-types.js';
import { aggregatesAmong, bindAggregate, bindWindowCall } from './bind-aggregate.js';
import {
  asDeclared,
  asDomains,
  coerceArguments,
  keepLiterals,
  parametersOfDomains,
  placedArguments,
} from './call-arguments.js';
import { as, isBuiltInFunction, locationOf, stringsOf } from './ast.js';
import type { Binder, ExprContext } from './binder.js';
import { addPosition, errorAt, FROM_FUNCTIONS, positioned, WINDOW_ARGUMENTS } from './binder.js';
import { columnCall } from './attribute-calls.js';
import { bindPopulate, isPopulate } from './bind-populate.js';
import { withinGroupRequired } from './aggregate-order.js';
import { coerce, commonType, settle, tryCoerce, typeOfExpr } from './coerce.js';
import { asWrittenIn, firstNamed } from './named-arguments.js';
import type { Routine } from '../catalog/descriptor.js';
import {
  defaultArguments,
  functionsOf,
  inOneOf,
  inputsOf,
  isCalled,
  asRowType,
  besideBuiltIn,
  noSuchCall,
  pinCall,
  placeNamed,
  refusedCall,
  refuseProcedure,
  routineEntry,
  routinesBeside,
  routinesNamed,
} from './routines.js';
import { rangeConstructors } from './range-constructors.js';
import { conjunction, constant, FALSE } from './expr.js';
import type { AnyAllExpr, CallExpr, Expr, RowExpr } from './expr.js';
import { checkArguments } from './sizes.js';
import { wants } from './wanted-functions.js';
import { WINDOW_FUNCTIONS } from './window-functions.js';
import { declaredArguments, declaredAs, declaredOid, declaredParameters, declaredResult } from './declared-types.js';

const OF_ELEMENTS: ReadonlySet<number> = new Set([OID.anyarray, OID.anyrange, OID.anymultirange]);

export function makeOperator(b: Binder, symbol: string, left: Expr | null, right: Expr, location: number): CallExpr {
  let resolved: ResolvedCall<FunctionEntry>;
  try {
    resolved = resolveOperator(symbol, left === null ? null : typeOfExpr(b, left), typeOfExpr(b, right));
  } catch (error) {
    throw addPosition(error, location);
  }
  const args = left === null ? [right] : [left, right];
  // Arrays of a domain are others than those of what it is over, and no range of that has an element of the domain.
  if (
    resolved.entry.argOids.some((oid) => OF_ELEMENTS.has(oid)) &&
    declaredParameters(resolved.entry, args)?.includes(0) === true
  ) {
    const types = args.map((a) => formatType(declaredOid(a)));
    throw addPosition(missingOperator(types.join(` ${symbol} `), false), location);
  }
  const coerced = coerceArguments(
    b,
    args,
    resolved.argOids,
    args.map((a) => (a.kind === 'const' ? -1 : location)),
  );
  const { entry, resultOid } = resolved;
  const info = { argOids: coerced.map((a) => a.oid), resultOid };
  const made: CallExpr = { kind: 'call', operator: true, entry, args: coerced, info, oid: resultOid, typmod: -1 };
  return declaredAs(made, declaredResult(entry, args, resultOid));
}

/** ROW(…), which is compared field by field; NULL fields of relations' rows are equal. */
const isWritten = (e: Expr): e is RowExpr => e.kind === 'row' && e.names === undefined;

export function bindOperator(b: Binder, symbol: string, left: Expr | null, right: Expr, location: number): Expr {
  if (
    left !== null &&
    isWritten(left) &&
    isWritten(right) &&
    left.args.length === right.args.length &&
    // Rows of named types are compared as values, whose columns must be of the same types.
    left.oid === OID.record &&
    right.oid === OID.record &&
    /^(=|<>|!=|<|<=|>|>=|~<~|~<=~|~>~|~>=~)$/.test(symbol)
  ) {
    return compareRows(b, symbol, left.args, right.args, location);
  }
  return makeOperator(b, symbol, left, right, location);
}

/** Must give a boolean. */
export function bindComparison(b: Binder, symbol: string, left: Expr, right: Expr, location: number): Expr {
  return bindOperator(b, symbol, left, right, location);
}

export function bindAnyAll(
  ctx: ExprContext,
  symbol: string,
  left: Expr,
  right: Expr,
  all: boolean,
  location: number,
): Expr {
  const b = ctx.binder;
  let array = settle(b, right);
  const leftOid = typeOfExpr(b, left);
  if (array.oid === OID.unknown) {
    // A literal or parameter: an array of what stands on the left.
    const element = leftOid === OID.unknown ? OID.text : leftOid;
    const arrayOid = arrayOidOf(element);
    if (arrayOid === 0)
      throw errorAt('42704', `could not find array type for data type ${formatType(element)}`, location);
    array = coerce(b, array, arrayOid, 'implicit', location);
  }
  const element = elementOidOf(array.oid);
  if (element === 0) throw errorAt('42809', 'op ANY/ALL (array) requires array on right side', location);
  let resolved: ResolvedCall<FunctionEntry>;
  try {
    resolved = resolveOperator(symbol, leftOid, element);
  } catch (error) {
    throw addPosition(error, location);
  }
  if (resolved.resultOid !== OID.bool)
    throw errorAt('42809', 'op ANY/ALL (array) requires operator to yield boolean', location);
  const wantedElement = resolved.argOids[1]!;
  const wantedArray = arrayOidOf(wantedElement);
  const coercedArray =
    wantedElement === element || wantedElement === OID.any || wantedArray === 0
      ? array
      : coerce(b, array, wantedArray, 'implicit', location);
  const coercedLeft = coerceArguments(b, [left], resolved.argOids, [location])[0]!;
  return {
    kind: 'anyall',
    entry: resolved.entry,
    info: { argOids: [coercedLeft.oid, elementOidOf(coercedArray.oid)], resultOid: OID.bool },
    left: coercedLeft,
    right: coercedArray,
    all,
    oid: OID.bool,
    typmod: -1,
  } satisfies AnyAllExpr;
}

export function bindIn(
  ctx: ExprContext,
  leftNode: Node,
  items: readonly Node[],
  negated: boolean,
  location: number,
): Expr {
  const b = ctx.binder;
  const not = (e: Expr): Expr => (negated ? { kind: 'not', arg: e, oid: OID.bool, typmod: -1 } : e);
  const row = as(leftNode, 'RowExpr');
  if (row !== undefined) {
    const left = (row.args ?? []).map((n) => ctx.bind(ctx, n));
    const parts = items.map((item) => {
      const args = as(item, 'RowExpr')?.args ?? [item];
      if (args.length !== left.length) throw errorAt('42601', 'unequal number of entries in row expressions', location);
      return compareRows(
        b,
        '=',
        left,
        args.map((n) => ctx.bind(ctx, n)),
        location,
      );
    });
    return not(parts.length === 1 ? parts[0]! : { kind: 'or', args: parts, oid: OID.bool, typmod: -1 });
  }
  const left = ctx.bind(ctx, leftNode);
  const bound = items.map((n) => ctx.bind(ctx, n));
  if (bound.length === 1) return bindComparison(b, negated ? '<>' : '=', left, bound[0]!, location);
  const common = inCommon(b, [left, ...bound], location);
  if (common === null) {
    // Each for itself, some of which there may be no operator for.
    const parts = bound.map((item) => bindComparison(b, negated ? '<>' : '=', left, item, location));
    return { kind: negated ? 'and' : 'or', args: parts, oid: OID.bool, typmod: -1 };
  }
  const operands = bound.map((e, i) => coerce(b, e, common, 'implicit', locationOf(items[i])));
  const first = makeOperator(b, '=', left, operands[0]!, location);
  const wanted = first.args[1]!.oid;
  return {
    kind: 'in',
    entry: first.entry,
    info: first.info,
    left: first.args[0]!,
    items: operands.map((e, i) => coerce(b, e, wanted, 'implicit', locationOf(items[i]))),
    negated,
    ...(wanted === common ? {} : { listOid: common }),
    oid: OID.bool,
    typmod: -1,
  };
}

/** null: they have no type in common. */
function inCommon(b: Binder, exprs: readonly Expr[], location: number): number | null {
  try {
    return commonType(b, exprs, 'IN', location);
  } catch (error) {
    if (error instanceof QuoralError && error.sqlstate === '42804') return null;
    throw error;
  }
}

export function bindCall(ctx: ExprContext, call: FuncCall): Expr {
  const names = stringsOf(call.funcname);
  const name = names.at(-1) ?? '';
  if (names.length > 1 || !isBuiltInFunction(null, name)) return bindNamed(ctx, call, names);
  const overloads = isPlainCall(call) ? (routinesBeside(ctx.binder, name) ?? []) : [];
  if (overloads.some((g) => g.routines.some((r) => !r.procedure)) && areFunctions(name, overloads))
    return bindOverloaded(ctx, call, name, overloads);
  try {
    return bindNamed(ctx, call, names);
  } catch (error) {
    if (!(error instanceof QuoralError) || !['42883', isCalled(call) ? '42809' : ''].includes(error.sqlstate))
      throw error;
    // No built-in function of the name takes the arguments. One of a user may.
    const groups = routinesBeside(ctx.binder, name);
    if (groups === null) throw wants(error, name);
    if (groups.length === 0) throw error;
    return bindRoutine(ctx, call, name, groups);
  }
}

/** Nothing in it says what kind of function is called, or which argument is which. */
function isPlainCall(call: FuncCall): boolean {
  const marked = call.agg_star ?? call.agg_distinct ?? call.agg_filter ?? call.agg_order ?? call.over;
  return marked === undefined && !isCalled(call) && firstNamed(call.args ?? []) < 0;
}

function areFunctions(name: string, groups: readonly ResolvedRoutines[]): boolean {
  if (isAggregateName(name) || WINDOW_FUNCTIONS.has(name) || isPopulate(null, name)) return false;
  return groups.every((g) => g.routines.every((r) => r.aggregate === undefined));
}

/** Built-in functions and those of users are one list to choose from. */
function bindOverloaded(ctx: ExprContext, call: FuncCall, name: string, groups: readonly ResolvedRoutines[]): Expr {
  const b = ctx.binder;
  const nodes = call.args ?? [];
  const location = call.location ?? 0;
  checkArguments(nodes.length, location);
  const routines = groups.flatMap((g) => g.routines);
  const args = nodes.map((n, i) => asRowType(b, ctx.bind(ctx, n), routines, i));
  const made = makeCall(ctx, name, args, nodes.map(locationOf), location, {
    variadic: call.func_variadic === true,
    routines: besideBuiltIn(b, name, groups),
    alike: inOneOf(groups),
  });
  if ((made.kind === 'call' || made.kind === 'srf') && made.entry.routine !== undefined)
    pinCall(b, call, groups, made.entry.routine);
  return made;
}

function bindNamed(ctx: ExprContext, call: FuncCall, names: readonly string[]): Expr {
  const location = call.location ?? 0;
  const name = names.at(-1) ?? '';
  const schema = names.length > 1 ? names.at(-2)! : null;
  const groups = routinesNamed(ctx.binder, schema, name);
  if (isPopulate(schema, name) && (groups?.length ?? 0) === 0) return bindPopulate(ctx, call, name, location);
  // Those of extensions may lie in any schema.
  const inSchema = schema !== null && schema !== 'public' && !isExtensionFunction(name);
  const own = groups !== null && (groups.length > 0 || inSchema);
  const ranges =
    groups?.length === 0 && !isCalled(call) ? rangeConstructors(ctx.binder, schema, name, call, location) : null;
  if (ranges !== null) {
    const args = (call.args ?? []).map((n) => ctx.bind(ctx, n));
    const places = (call.args ?? []).map(locationOf);
    return makeCall(ctx, name, args, places, location, { variadic: call.func_variadic === true, routines: ranges });
  }
  const shown = schema === null && pinnedOid(name) !== null ? groups?.[0]?.name : undefined;
  if (groups?.length === 0 && call.args?.length === 1 && !isCalled(call) && firstNamed(call.args) < 0) {
    const arg = ctx.bind(ctx, call.args[0]!);
    const made = castByName(ctx.binder, schema, name, call, arg) ?? columnCall(arg, name);
    if (made !== null) return made;
  }
  const isWindow = call.over !== undefined && WINDOW_FUNCTIONS.has(name) && schema === null;
  if ((own && !isWindow) || isCalled(call))
    return bindRoutine(ctx, call, shown ?? names.slice(-2).join('.'), groups ?? []);
  if (groups === null && schema !== null && !['pg_catalog', 'information_schema', 'public'].includes(schema)) {
    throw errorAt('3F000', `schema "${schema}" does not exist`, location);
  }
  return bindBuiltIn(ctx, call, names, location);
}

/** d(x) for a domain or an enum d, which is x::d; null if it is none. @throws QuoralError 0A000 in a view */
function castByName(b: Binder, schema: string | null, name: string, call: FuncCall, arg: Expr): Expr | null {
  const type = b.catalog.type({ schema, name, isType: true });
  // As a function, what is temporary is found by its schema only.
  if (type?.isTemporary === true && schema === null) return null;
  const oid = type?.typeOid;
  const kind = oid === undefined ? undefined : userTypeOf(oid)?.kind;
  if (oid === undefined || (kind !== 'domain' && kind !== 'enum') || !isTakenAs(arg.oid, baseOidOf(oid))) return null;
  const made = tryCoerce(b, arg, oid, -1, 'explicit', locationOf(call.args![0]));
  if (made === null) return null;
  if (b.pins !== null) throw errorAt('0A000', `function ${name} in a view is not supported`, call.location ?? 0);
  b.userType(schema, name, call);
  return made;
}

/** Only what is of the type's form already, or is read or shown as text, is cast by a call. */
function isTakenAs(from: number, to: number): boolean {
  if (from === OID.unknown || isBinaryCoercible(from, to)) return true;
  return (typeByOid(from).category === 'S') !== (typeByOid(to).category === 'S');
}

function bindBuiltIn(ctx: ExprContext, call: FuncCall, names: readonly string[], location: number): Expr {
  const name = names.at(-1) ?? '';
  if (call.over !== undefined && (WINDOW_FUNCTIONS.has(name) || isAggregateName(name)))
    return bindWindowCall(ctx, { call, name, location, own: null });
  if (WINDOW_FUNCTIONS.has(name) && (hypotheticalSet(name) === undefined || call.agg_within_group !== true)) {
    if (hypotheticalSet(name) !== undefined && call.args !== undefined) throw withinGroupRequired(name, location);
    throw errorAt('42809', `window function ${name} requires an OVER clause`, location);
  }
  if (isAggregateName(name)) return bindAggregate(ctx, { call, name, location, own: null });
  const within = call.agg_within_group === true;
  const sorts = within ? (call.agg_order ?? []).map((sort) => as(sort, 'SortBy')!.node!) : [];
  const nodes = [...placedArguments(ctx, names.slice(-2).join('.'), call), ...sorts];
  checkArguments(nodes.length, location);
  const args = nodes.map((n) => ctx.bind(ctx, n));
  const made = asWritten(names, () =>
    asWrittenIn(
      ctx.binder,
      makeCall(ctx, name, args, nodes.map(locationOf), location, { variadic: call.func_variadic === true }),
      call.args ?? [],
      nodes,
    ),
  );
  const only =
    call.agg_star === true
      ? `${name}(*)`
      : call.agg_distinct === true
        ? 'DISTINCT'
        : within
          ? 'WITHIN GROUP'
          : call.agg_order !== undefined
            ? 'ORDER BY'
            : call.agg_filter !== undefined
              ? 'FILTER'
              : null;
  if (call.over !== undefined && only === null)
    throw errorAt('42809', `OVER specified, but ${name} is not a window function nor an aggregate function`, location);
  if (only !== null) throw errorAt('42809', `${only} specified, but ${name} is not an aggregate function`, location);
  return call.funcformat === 'COERCE_SQL_SYNTAX' && made.kind === 'call' ? { ...made, syntax: true } : made;
}

/** An error names the function with its schema, if that was written. */
function asWritten<T>(names: readonly string[], make: () => T): T {
  if (names.length < 2) return make();
  try {
    return make();
  } catch (error) {
    const plain = `function ${names.at(-1)!}(`;
    if (!(error instanceof QuoralError) || !error.message.startsWith(plain)) throw error;
    const message = error.message.replace(plain, `function ${names.slice(-2).join('.')}(`);
    throw sqlError(error.sqlstate, message, error.fields);
  }
}

function isAboutVariadic(error: unknown): boolean {
  return error instanceof QuoralError && error.message.startsWith('VARIADIC');
}

/** A call of what users made. */
function bindRoutine(ctx: ExprContext, call: FuncCall, name: string, groups: readonly ResolvedRoutines[]): Expr {
  const location = call.location ?? 0;
  const aggregates = isCalled(call) ? [] : aggregatesAmong(groups, call);
  if (aggregates.length > 0) {
    const own = { groups, entries: aggregates };
    if (call.over !== undefined) return bindWindowCall(ctx, { call, name, location, own });
    return bindAggregate(ctx, { call, name, location, own });
  }
  if (call.over !== undefined)
    throw errorAt('42809', `OVER specified, but ${name} is not a window function nor an aggregate function`, location);
  const written = call.args ?? [];
  const routines = groups.flatMap((g) => g.routines.filter((r) => r.procedure === isCalled(call)));
  const placed = firstNamed(written) < 0 ? null : placeNamed(ctx, name, groups, call);
  if (firstNamed(written) >= 0 && placed === null) throw noSuchCall(ctx, name, written, location, isCalled(call));
  const nodes = placed?.nodes ?? written;
  const args = placed?.args ?? written.map((n, i) => asRowType(ctx.binder, ctx.bind(ctx, n), routines, i));
  const entries = placed === null ? functionsOf(groups, isCalled(call)) : [routineEntry(name, placed.routine)];
  const oids = args.map((a) => typeOfExpr(ctx.binder, a));
  if (entries.length === 0 && isCalled(call)) throw refusedCall(groups, name, oids, location);
  if (entries.length === 0) refuseProcedure(groups, name, oids, location);
  const options = {
    ...{ variadic: call.func_variadic === true, routines: entries, alike: inOneOf(groups) },
    ...(placed === null ? {} : { completed: true }),
  };
  const places = nodes.map((node) => (node === null ? -1 : locationOf(node)));
  const made = orNoProcedure(call, groups, oids, () => makeCall(ctx, name, args, places, location, options));
  if ((made.kind === 'call' || made.kind === 'srf') && made.entry.routine !== undefined) {
    pinCall(ctx.binder, call, groups, made.entry.routine);
    if (isCalled(call)) {
      ctx.binder.called = made.entry.routine;
      return { ...made, args: withoutOutputs(made.entry.routine, made.args) };
    }
  }
  return asWrittenIn(ctx.binder, made, written, nodes);
}

function orNoProcedure(
  call: FuncCall,
  groups: readonly ResolvedRoutines[],
  oids: readonly number[],
  make: () => Expr,
): Expr {
  try {
    return make();
  } catch (error) {
    const isMissing = error instanceof QuoralError && error.sqlstate === '42883' && isCalled(call);
    throw isMissing ? refusedCall(groups, stringsOf(call.funcname).join('.'), oids, call.location ?? 0) : error;
  }
}

/** What stands for a parameter that only gives is not looked at. */
function withoutOutputs(routine: Routine, args: readonly Expr[]): readonly Expr[] {
  const inputs = inputsOf(routine);
  return args.map((arg, i) => (inputs[i]?.mode === 'out' ? constant(null, arg.oid) : arg));
}

function refusedSet(ctx: ExprContext, location: number): Error {
  const hint = 'You might be able to move the set-returning function into a LATERAL FROM item.';
  if (ctx.inAggregate)
    return errorAt('0A000', 'aggregate function calls cannot contain set-returning function calls', location, { hint });
  if (ctx.clause === WINDOW_ARGUMENTS)
    return errorAt('0A000', 'window function calls cannot contain set-returning function calls', location, { hint });
  if (ctx.clause === FROM_FUNCTIONS)
    return errorAt('0A000', 'set-returning functions must appear at top level of FROM', location);
  const more = ctx.clause === 'CASE' || ctx.clause === 'COALESCE' ? { hint } : {};
  return errorAt('0A000', `set-returning functions are not allowed in ${ctx.clause}`, location, more);
}

/** A function call with bound arguments. */
export function makeCall(
  ctx: ExprContext,
  name: string,
  args: readonly Expr[],
  locations: readonly number[],
  location: number,
  options: ResolveOptions = {},
): Expr {
  const b = ctx.binder;
  const oids = args.map((a) => typeOfExpr(b, a));
  let resolved: ResolvedCall<FunctionEntry>;
  try {
    resolved = resolveFunction(name, oids, { ...options, ...declaredArguments(args, oids) });
  } catch (error) {
    // What polymorphic types stand for is told without a place.
    const isAboutTypes = error instanceof QuoralError && error.sqlstate === '42804' && !isAboutVariadic(error);
    if (options.completed === true || isAboutTypes) throw error;
    throw addPosition(error, isAboutVariadic(error) ? (locations.at(-1) ?? location) : location);
  }
  const completed = withPolymorphicDefaults(ctx, resolved, args);
  if (completed !== null) {
    const { variadic } = completed.entry;
    const whole = { variadic, routines: [completed.entry], completed: true };
    const places = completed.args.map((_, i) => locations[i] ?? -1);
    const made = makeCall(ctx, name, completed.args, places, location, whole);
    return made.kind === 'call' ? { ...made, given: args.length } : made;
  }
  const [only] = args;
  // int4('1'): a literal is read as one of the type, where it stands.
  if (args.length === 1 && only!.kind === 'const' && oids[0] === OID.unknown && resolved.argOids[0] === OID.unknown)
    if (name !== 'pg_typeof' && resolved.entry.oid === 0 && typeByName(name)?.oid === resolved.resultOid)
      return coerce(b, only!, resolved.resultOid, 'explicit', locations[0] ?? location);
  // What they are asked of may be a literal that has no type.
  const asIs = name === 'pg_typeof' || name === 'pg_collation_for';
  const wanted = asIs ? [OID.any] : resolved.argOids;
  const { routine } = resolved.entry;
  const typed = routine === undefined ? args : parametersOfDomains(b, args, routine);
  const coerced = coerceArguments(b, typed, wanted, locations, asIs);
  keepLiterals(b, coerced, args, resolved.entry.argOids);
  let declaredOids: readonly number[] | null = null;
  if (routine !== undefined) {
    asDomains(b, coerced, routine, locations);
    const completes = options.completed === true;
    const declare = (): readonly number[] | null => asDeclared(b, resolved.entry, args, coerced, locations, completes);
    declaredOids = completes ? declare() : positioned(location, declare);
  }
  const given = coerced.length;
  if (routine !== undefined && coerced.length < inputsOf(routine).length) {
    coerced.push(...defaultArguments(ctx, routine, coerced.length));
    resolved = { ...resolved, entry: routineEntry(name, routine) };
  }
  const declared = resultDeclared(resolved, args);
  const argOids = coerced.map((a, i) => (name === 'pg_typeof' ? declaredOid(a) : (declaredOids?.[i] ?? a.oid)));
  const info = { argOids, resultOid: declaredOids === null ? resolved.resultOid : declared };
  if (resolved.entry.volatility === 'volatile') b.volatile = true;
  if (resolved.entry.returnsSet) {
    if (!ctx.sets) throw refusedSet(ctx, location);
    return declaredAs(
      { kind: 'srf', entry: resolved.entry, args: coerced, info, oid: resolved.resultOid, typmod: -1 },
      declared,
    );
  }
  const made: CallExpr = {
    kind: 'call',
    operator: false,
    entry: resolved.entry,
    args: coerced,
    info,
    ...(given < coerced.length ? { given } : {}),
    oid: resolved.resultOid,
    typmod: -1,
  };
  return declaredAs(made, declared);
}

/** The arguments with the defaults of those left out, where these have a say in what types the parameters are of. */
function withPolymorphicDefaults(
  ctx: ExprContext,
  { entry: { routine, name } }: ResolvedCall<FunctionEntry>,
  args: readonly Expr[],
): { readonly entry: FunctionEntry; readonly args: readonly Expr[] } | null {
  if (routine === undefined) return null;
  const inputs = inputsOf(routine);
  if (args.length >= inputs.length || !inputs.some((p) => isPolymorphic(p.typeOid))) return null;
  return { entry: routineEntry(name, routine), args: [...args, ...defaultArguments(ctx, routine, args.length)] };
}

/** The type of what the call gives, if that is a domain. */
function resultDeclared({ entry, resultOid }: ResolvedCall<FunctionEntry>, args: readonly Expr[]): number {
  const own = entry.routine?.typeOid ?? entry.resultOid;
  return isConstrained(own) ? own : declaredResult(entry, args, resultOid);
}

/** Operators that order rows, and the one that tells which of two comes first. */
const STRICT_FORMS: ReadonlyMap<string, string> = new Map([
  ['<', '<'],
  ['<=', '<'],
  ['>', '>'],
  ['>=', '>'],
  ['~<~', '~<~'],
  ['~<=~', '~<~'],
  ['~>~', '~>~'],
  ['~>=~', '~>~'],
]);

/** Row comparison, written out: equality of all, or the first difference decides. */
export function compareRows(
  b: Binder,
  symbol: string,
  left: readonly Expr[],
  right: readonly Expr[],
  location: number,
): Expr {
  const op = symbol === '!=' ? '<>' : symbol;
  if (op === '=') return conjunction(left.map((l, i) => bindComparison(b, '=', l, right[i]!, location)));
  if (op === '<>') {
    const parts = left.map((l, i) => bindComparison(b, '<>', l, right[i]!, location));
    return parts.length === 1 ? parts[0]! : { kind: 'or', args: parts, oid: OID.bool, typmod: -1 };
  }
  if (left.length === 1) return bindComparison(b, op, left[0]!, right[0]!, location);
  const strict = STRICT_FORMS.get(op);
  if (strict === undefined) {
    throw errorAt('0A000', `could not determine interpretation of row comparison operator ${symbol}`, location, {
      hint: 'Row comparison operators must be associated with btree operator families.',
    });
  }
  let result = bindComparison(b, op, left.at(-1)!, right.at(-1)!, location);
  for (let i = left.length - 2; i >= 0; i--) {
    const equal = bindComparison(b, '=', left[i]!, right[i]!, location);
    const ahead = bindComparison(b, strict, left[i]!, right[i]!, location);
    result = {
      kind: 'case',
      whens: [
        { when: ahead, then: constant(true, OID.bool) },
        { when: equal, then: result },
        {
          when: { kind: 'isnull', arg: equal, negated: false, oid: OID.bool, typmod: -1 },
          then: constant(null, OID.bool),
        },
      ],
      otherwise: FALSE,
      form: 'row',
      oid: OID.bool,
      typmod: -1,
    };
  }
  return result;
}
