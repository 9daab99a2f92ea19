/**
 * Which function, operator or aggregate a call means: PostgreSQL's rules (its chapters 10.2 and 10.3) over
 * the lists of entries, polymorphic types included. Unknown literals are OID 705.
 */
import { sqlError } from '../../base/errors.js';
import { PgArray } from '../types/datum.js';
import type { Datum } from '../types/datum.js';
import { canCoerce, findCast } from '../types/casts.js';
import { OID } from '../types/oids.js';
import { isHandle, userTypeOf } from '../types/user-types.js';
import { elementOidOf, formatType, isArrayType, isVectorType, typeByName, typeByOid } from '../types/registry.js';
import { aggregatesNamed, functionsNamed, operatorsNamed } from './define.js';
import { ownFunction } from './entry.js';
import { describeCall, missingFunction, missingOperator } from './missing-functions.js';
import {
  acceptsPolymorphic,
  checkAnyArrays,
  concretize,
  findContradiction,
  POLYMORPHIC,
  solve,
  solveRanges,
} from './polymorphic.js';
import type { AggregateEntry, FunctionEntry, ResolvedCall } from './entry.js';

interface Candidate<E> {
  readonly entry: E;
  /** Declared types, one for each actual argument; in place of a domain what it is over. */
  readonly declared: readonly number[];
  /** The same with the domains, which tell candidates apart. */
  readonly types: readonly number[];
  /** Index from which a typed variadic call's arguments are packed, -1 for none. */
  readonly packFrom: number;
  /** Polymorphic types made concrete. */
  readonly concrete: readonly number[];
  readonly resultOid: number;
}

type AnyEntry = Pick<FunctionEntry, 'argOids' | 'resultOid' | 'name'> & {
  readonly variadic?: boolean;
  readonly defaults?: readonly Datum[];
  readonly declaredOids?: readonly number[];
};

/** What stands across from each argument; null: it takes another number of them. */
function placedParameters(
  entry: AnyEntry,
  params: readonly number[],
  args: readonly number[],
  wholeVariadic: boolean,
): Pick<Candidate<AnyEntry>, 'declared' | 'packFrom'> | null {
  const fixed = params.length - 1;
  if (entry.variadic === true && !wholeVariadic && args.length >= params.length) {
    const last = params[fixed]!;
    const element =
      last === OID.any
        ? OID.any
        : last === OID.anyarray
          ? OID.anyelement
          : last === OID.anycompatiblearray
            ? OID.anycompatible
            : elementOidOf(last);
    return {
      declared: args.map((_, i) => (i < fixed ? params[i]! : element)),
      packFrom: last === OID.any ? -1 : fixed,
    };
  }
  const missing = params.length - args.length;
  if (missing < 0 || missing > (entry.defaults?.length ?? 0)) return null;
  return { declared: missing === 0 ? params : params.slice(0, args.length), packFrom: -1 };
}

/** The candidate if the arguments can be coerced to it, else null. */
function tryCandidate<E extends AnyEntry>(
  entry: E,
  args: readonly number[],
  wholeVariadic: boolean,
): Candidate<E> | null {
  const placed = placedParameters(entry, entry.argOids, args, wholeVariadic);
  if (placed === null) return null;
  const { declared, packFrom } = placed;
  const { declaredOids } = entry;
  const types =
    declaredOids === undefined ? declared : placedParameters(entry, declaredOids, args, wholeVariadic)!.declared;
  let polymorphic = false;
  for (let i = 0; i < args.length; i++) {
    const d = declared[i]!;
    if (POLYMORPHIC.has(d)) {
      polymorphic = true;
      if (!acceptsPolymorphic(d, args[i]!)) return null;
    } else if (args[i] !== d && !canCoerce(args[i]!, d, 'implicit')) {
      return null;
    }
  }
  if (!polymorphic) {
    const concrete = declared.includes(OID.any)
      ? declared.map((d, i) => (d !== OID.any ? d : args[i] === OID.unknown ? OID.text : args[i]!))
      : declared;
    return { entry, declared, types, packFrom, concrete, resultOid: entry.resultOid };
  }
  const element = solve(declared, args, false);
  const compatible = solve(declared, args, true);
  const range = solveRanges(declared, args);
  if (element === null || compatible === null || range === null) return null;
  // The subtype of a range is not to be changed.
  if (range.compatible !== null && range.compatible.element.oid !== compatible) return null;
  // int2vector and oidvector are taken as the arrays that they are, and given back as such.
  const given = declared.findIndex((d, i) => d === OID.anyarray && isVectorType(args[i]!));
  const resultOid =
    entry.resultOid === OID.anyarray && given >= 0
      ? args[given]!
      : concretize(entry.resultOid, element, compatible, range);
  const concrete = declared.map((d, i) => {
    const vector =
      d !== OID.anyarray && d !== OID.anycompatiblearray
        ? undefined
        : args[i] === OID.unknown
          ? args.find(isVectorType)
          : args[i];
    return vector !== undefined && isVectorType(vector) ? vector : concretize(d, element, compatible, range);
  });
  return { entry, declared, types, packFrom, concrete, resultOid };
}

function exactMatches(candidate: Candidate<AnyEntry>, args: readonly number[]): number {
  let count = 0;
  for (let i = 0; i < args.length; i++) if (candidate.types[i] === args[i]) count++;
  return count;
}

function mostOf<C>(candidates: readonly C[], score: (c: C) => number): readonly C[] {
  let best = -1;
  let kept: C[] = [];
  for (const candidate of candidates) {
    const n = score(candidate);
    if (n > best) {
      best = n;
      kept = [candidate];
    } else if (n === best) {
      kept.push(candidate);
    }
  }
  return kept;
}

/** Chapter 10.2 step 4: exact matches, preferred types, categories of unknown arguments. */
function select<E extends AnyEntry>(all: readonly Candidate<E>[], args: readonly number[]): Candidate<E> | null {
  if (all.length === 1) return all[0]!;
  let left = mostOf(all, (c) => exactMatches(c, args));
  if (left.length === 1) return left[0]!;
  const categories = args.map((oid) => (oid === OID.unknown ? 'X' : typeByOid(oid).category));
  left = mostOf(left, (c) => {
    let count = 0;
    for (let i = 0; i < args.length; i++) {
      if (args[i] === OID.unknown) continue;
      const d = c.types[i]!;
      if (d === args[i]) count++;
      else if (
        !POLYMORPHIC.has(d) &&
        d !== OID.any &&
        typeByOid(d).category === categories[i] &&
        typeByOid(d).preferred
      )
        count++;
    }
    return count;
  });
  if (left.length === 1) return left[0]!;
  if (!args.includes(OID.unknown)) return null;
  const narrowed = byUnknownCategories(left, args);
  if (narrowed.length === 1) return narrowed[0]!;
  // The last resort: unknown arguments are of the one type that the known ones have.
  const known = new Set(args.filter((oid) => oid !== OID.unknown));
  if (known.size !== 1) return null;
  const [only] = known as unknown as [number];
  const assumed = args.map(() => only);
  const fitting = left.filter((c) => tryCandidate(c.entry, assumed, false) !== null);
  return fitting.length === 1 ? fitting[0]! : null;
}

function byUnknownCategories<E extends AnyEntry>(
  candidates: readonly Candidate<E>[],
  args: readonly number[],
): readonly Candidate<E>[] {
  const wanted: (string | null)[] = args.map(() => null);
  const preferredAt: boolean[] = args.map(() => false);
  for (let i = 0; i < args.length; i++) {
    if (args[i] !== OID.unknown) continue;
    let category: string | null = null;
    let conflict = false;
    for (const c of candidates) {
      const type = typeByOid(c.types[i]!);
      if (category === null) {
        category = type.category;
        preferredAt[i] = type.preferred;
      } else if (type.category === category) {
        preferredAt[i] ||= type.preferred;
      } else if (type.category === 'S') {
        category = 'S';
        preferredAt[i] = type.preferred;
        conflict = false;
      } else if (category !== 'S') {
        conflict = true;
      }
    }
    if (conflict && category !== 'S') return candidates;
    wanted[i] = category;
  }
  const kept = candidates.filter((c) =>
    c.types.every((d, i) => {
      if (args[i] !== OID.unknown) return true;
      const type = typeByOid(d);
      return type.category === wanted[i] && (!preferredAt[i] || type.preferred);
    }),
  );
  return kept.length === 0 ? candidates : kept;
}

/** Every polymorphic argument was an unknown literal, so nothing says what the type is. */
function checkDetermined(c: Candidate<AnyEntry>): void {
  if (c.declared.some((d, i) => POLYMORPHIC.has(d) && (c.concrete[i] === OID.unknown || c.concrete[i] === 0))) {
    throw sqlError('42804', 'could not determine polymorphic type because input has type unknown');
  }
}

function finish(c: Candidate<FunctionEntry>, wholeVariadic: boolean): ResolvedCall<FunctionEntry> {
  let entry = c.entry;
  const given = c.concrete.length;
  // What defaults there are of a function of users may settle it yet.
  if (entry.routine === undefined || given >= entry.argOids.length) checkDetermined(c);
  checkAnyArrays(c.declared, c.concrete, c.entry.resultOid);
  if (c.packFrom >= 0) {
    const element = c.concrete[c.packFrom]!;
    entry = derived(entry, `pack ${c.packFrom} ${element}`, () => packing(c.entry, c.packFrom, element));
  } else if (wholeVariadic && entry.argOids[entry.argOids.length - 1] === OID.any) {
    const last = c.concrete[given - 1]!;
    const element = elementOidOf(last);
    if (element === 0 && last !== OID.unknown) throw sqlError('42804', 'VARIADIC argument must be an array');
    entry = derived(entry, `spread ${given} ${element}`, () => spreading(c.entry, given - 1, element));
  } else if (given < entry.argOids.length) {
    entry = derived(entry, `default ${given}`, () => defaulting(c.entry, c.entry.argOids.length - given));
  }
  return { entry, argOids: c.concrete, resultOid: c.resultOid };
}

const derivatives = new WeakMap<FunctionEntry, Map<string, FunctionEntry>>();

/** One for each form of call, so that two calls can be seen to be the same. */
function derived(entry: FunctionEntry, form: string, make: () => FunctionEntry): FunctionEntry {
  let forms = derivatives.get(entry);
  if (forms === undefined) derivatives.set(entry, (forms = new Map()));
  let made = forms.get(form);
  if (made === undefined) forms.set(form, (made = make()));
  return made;
}

function withArguments(
  entry: FunctionEntry,
  change: (args: readonly Datum[]) => readonly Datum[],
  strict = entry.strict,
): FunctionEntry {
  const { rows } = entry;
  return {
    ...entry,
    strict,
    call1: null,
    call2: null,
    impl: (args, ctx, call) => entry.impl(change(args), ctx, call),
    rows: rows === null ? null : (args, ctx, call) => rows(change(args), ctx, call),
  };
}

/** The trailing arguments become one array. */
function packing(entry: FunctionEntry, from: number, element: number): FunctionEntry {
  return withArguments(entry, (args) => [...args.slice(0, from), new PgArray(element, args.slice(from))]);
}

/** f(VARIADIC array) of a "variadic any" function: the elements are the arguments. */
function spreading(entry: FunctionEntry, from: number, element: number): FunctionEntry {
  return {
    ...withArguments(entry, (args) => args),
    impl: (args, ctx, call) => {
      const last = args[from] as PgArray | null;
      if (last === null) return entry.name === 'format' ? entry.impl(args.slice(0, from), ctx, call) : null;
      return entry.impl([...args.slice(0, from), ...last.elements], ctx, {
        argOids: [...call.argOids.slice(0, from), ...last.elements.map(() => element)],
        resultOid: call.resultOid,
      });
    },
  };
}

function defaulting(entry: FunctionEntry, missing: number): FunctionEntry {
  const extra = entry.defaults.slice(entry.defaults.length - missing);
  return withArguments(entry, (args) => [...args, ...extra]);
}

export interface ResolveOptions {
  /** The one routine is chosen, and these are its arguments with the defaults of those left out: they must go together. */
  readonly completed?: boolean;
  /** The last argument was written VARIADIC. */
  readonly variadic?: boolean;
  /** What else may be meant, instead of the built-in functions of the name; those of earlier schemas first. */
  readonly routines?: readonly FunctionEntry[];
  /** The types of the arguments with the domains, where some are of such. */
  readonly declared?: readonly number[];
  /** Whether two of these stand in one schema, so that neither comes before the other. */
  readonly alike?: (a: FunctionEntry, b: FunctionEntry) => boolean;
}

/** @throws QuoralError 42883, 42725 as PostgreSQL words them; 0A000 */
export function resolveFunction(
  name: string,
  args: readonly number[],
  options: ResolveOptions = {},
): ResolvedCall<FunctionEntry> {
  const found = findFunction(name, args, options);
  if (found !== null) return found;
  const contradiction =
    options.completed === true ? findContradiction(options.routines![0]!.argOids, options.declared ?? args) : null;
  if (contradiction !== null) throw contradiction;
  const asCast = functionAsCast(name, args);
  if (asCast !== null) return asCast;
  throw missingFunction(name, options.declared ?? args);
}

/** null if there is none; still throws 42725 when there are several as good. */
export function findFunction(
  name: string,
  args: readonly number[],
  options: ResolveOptions = {},
): ResolvedCall<FunctionEntry> | null {
  const whole = options.variadic === true;
  const candidates: Candidate<FunctionEntry>[] = [];
  const { alike } = options;
  for (const entry of options.routines ?? functionsNamed(name)) {
    if (whole && !entry.variadic) continue;
    const candidate = tryCandidate(entry, args, whole);
    if (candidate !== null && !candidates.some((before) => isHidden(candidate, before, alike)))
      candidates.push(candidate);
  }
  if (candidates.length === 0) return null;
  // A function without packing beats one that packs, where both take the same types.
  const given = options.declared ?? args;
  const ofTheTypes = candidates.filter((c) => exactMatches(c, given) === args.length);
  const plain = ofTheTypes.filter((c) => c.packFrom < 0);
  const exact = plain.length > 0 || alike === undefined ? plain : ofTheTypes;
  // So does one of which all parameters are given.
  const complete = exact.find((c) => c.entry.argOids.length === args.length);
  const takesTheSame = (a: (typeof candidates)[0], b: (typeof candidates)[0]): boolean =>
    a !== b && a.packFrom < 0 === b.packFrom < 0 && a.types.join() === b.types.join();
  // Two of one schema that take the same arguments here differ in what they leave to defaults.
  const only = (one: (typeof candidates)[0], among: typeof candidates): (typeof candidates)[0] => {
    const { routine } = one.entry;
    if (routine === undefined) return one;
    if (among.some((c) => takesTheSame(c, one) && alike?.(c.entry, one.entry) === true)) throw notUnique(name, given);
    return one;
  };
  if (exact.length > 0) return finish(alike === undefined ? (complete ?? exact[0]!) : only(exact[0]!, exact), whole);
  if (functionsNamed(name).length > 0 && args.length === 1 && typeByName(name) !== null) {
    const asCast = functionAsCast(name, args);
    if (asCast !== null) return asCast;
  }
  const left = withoutShadowed(candidates);
  const chosen = select(left, withoutDomains(args, given));
  if (chosen === null) throw notUnique(name, given);
  return finish(only(chosen, left), whole);
}

/** Where none takes the very types, a value of a domain is one of what that is over; an array of a domain stays that. */
function withoutDomains(args: readonly number[], given: readonly number[]): readonly number[] {
  return args === given
    ? args
    : args.map((oid, i) => (isArrayType(given[i]!) && userTypeOf(given[i]!) === null ? given[i]! : oid));
}

/** Whether one of an earlier schema takes the same here, whichever of them packs arguments. */
function isHidden(
  c: Candidate<FunctionEntry>,
  before: Candidate<FunctionEntry>,
  alike: ResolveOptions['alike'],
): boolean {
  if (alike === undefined || alike(c.entry, before.entry)) return false;
  return c.types.join() === before.types.join();
}

export const NOT_UNIQUE_HINT = 'Could not choose a best candidate function. You might need to add explicit type casts.';

export function notUnique(name: string, args: readonly number[]): Error {
  return sqlError('42725', `function ${describeCall(name, args)} is not unique`, {
    hint: NOT_UNIQUE_HINT,
  });
}

/** One that packs arguments gives way to one that takes the same types as they are. */
function withoutShadowed<E>(candidates: Candidate<E>[]): Candidate<E>[] {
  if (candidates.length < 2) return candidates;
  const plain = new Set(candidates.filter((c) => c.packFrom < 0).map((c) => c.types.join()));
  return candidates.filter((c) => c.packFrom < 0 || !plain.has(c.types.join()));
}

/** text(x), int4(x), date(x), …: a one-argument call of a type's name is a cast, but for the text of a row. */
function functionAsCast(name: string, args: readonly number[]): ResolvedCall<FunctionEntry> | null {
  if (args.length !== 1) return null;
  const type = typeByName(name);
  if (type === null || type.category === 'P' || type.name !== name) return null;
  const source = args[0]!;
  if (type.category === 'S' && (source === OID.record || typeByOid(source).category === 'C')) return null;
  const kept = `${source} ${type.oid}`;
  const known = functionCasts.get(kept);
  if (known !== undefined) return { entry: known, argOids: args, resultOid: type.oid };
  const cast = findCast(source, type.oid, 'explicit');
  if (cast === null) return null;
  const call1: NonNullable<FunctionEntry['call1']> = (value, ctx) => cast(value, -1, ctx.format);
  const entry = ownFunction({
    name,
    argOids: args,
    resultOid: type.oid,
    strict: true,
    impl: (values, ctx, call) => call1(values[0]!, ctx, call),
    call1,
  });
  if (!isHandle(source) && !isHandle(type.oid)) functionCasts.set(kept, entry);
  return { entry, argOids: args, resultOid: type.oid };
}

/** Of built-in types: one for each pair, so that two calls can be seen to be the same. */
const functionCasts = new Map<string, FunctionEntry>();

export function isAggregateName(name: string): boolean {
  return aggregatesNamed(name).length > 0;
}

/**
 * Whether a call means one of `own` rather than a built-in aggregate of the name: it takes the very types, or is the better
 * of all that take them.
 */
export function prefersOwn(
  name: string,
  args: readonly number[],
  own: readonly FunctionEntry[],
  declared: readonly number[] = args,
): boolean {
  const candidates: Candidate<AnyEntry>[] = [];
  for (const entry of [...own, ...aggregatesNamed(name)]) {
    const candidate = tryCandidate<AnyEntry>(entry, args, false);
    if (candidate !== null) candidates.push(candidate);
  }
  if (candidates.length === 0) return false;
  const isExact = (c: Candidate<AnyEntry>): boolean => exactMatches(c, declared) === args.length;
  // Those of pg_catalog come first where both take the very types.
  const exact = candidates.filter(isExact);
  const chosen = exact.at(-1) ?? select(withoutShadowed(candidates), withoutDomains(args, declared));
  if (chosen === null) throw notUnique(name, declared);
  return own.some((entry) => entry === chosen.entry);
}

/** null if no aggregate of that name takes these arguments. */
export function resolveAggregate(name: string, args: readonly number[]): ResolvedCall<AggregateEntry> | null {
  const candidates: Candidate<AggregateEntry>[] = [];
  for (const entry of aggregatesNamed(name)) {
    const candidate = tryCandidate(entry, args, false);
    if (candidate !== null) candidates.push(candidate);
  }
  if (candidates.length === 0) {
    if (!isAggregateName(name)) return null;
    throw missingFunction(name, args);
  }
  const exact = candidates.find((c) => exactMatches(c, args) === args.length);
  const chosen = exact ?? select(candidates, args);
  if (chosen === null) {
    throw sqlError('42725', `function ${describeCall(name, args)} is not unique`, {
      hint: 'Could not choose a best candidate function. You might need to add explicit type casts.',
    });
  }
  checkDetermined(chosen);
  return { entry: chosen.entry, argOids: chosen.concrete, resultOid: chosen.resultOid };
}

const operatorCache = new Map<string, ResolvedCall<FunctionEntry>>();
const OPERATOR_CACHE_MAX = 2000;

/** `left` is null for a prefix operator. @throws QuoralError 42883, 42725. */
export function resolveOperator(symbol: string, left: number | null, right: number): ResolvedCall<FunctionEntry> {
  const key = `${symbol} ${left} ${right}`;
  const cached = operatorCache.get(key);
  if (cached !== undefined) return cached;
  const resolved = lookUpOperator(symbol === '!=' ? '<>' : symbol, left, right);
  if (operatorCache.size >= OPERATOR_CACHE_MAX) operatorCache.clear();
  operatorCache.set(key, resolved);
  return resolved;
}

function lookUpOperator(symbol: string, left: number | null, right: number): ResolvedCall<FunctionEntry> {
  const args = left === null ? [right] : [left, right];
  const shown = left === null ? `${symbol} ${formatType(right)}` : `${formatType(left)} ${symbol} ${formatType(right)}`;
  const entries = operatorsNamed(symbol).filter((entry) => entry.argOids.length === args.length);
  const exact = (wanted: readonly number[]): FunctionEntry | undefined =>
    entries.find((entry) => entry.argOids.every((oid, i) => oid === wanted[i]));
  let entry = exact(args);
  if (entry === undefined && args.length === 2) {
    if (left === OID.unknown && right !== OID.unknown) entry = exact([right, right]);
    else if (right === OID.unknown && left !== OID.unknown) entry = exact([left!, left!]);
  }
  if (entry !== undefined) return { entry, argOids: entry.argOids, resultOid: entry.resultOid };
  const candidates: Candidate<FunctionEntry>[] = [];
  for (const one of entries) {
    const candidate = tryCandidate(one, args, false);
    if (candidate !== null) candidates.push(candidate);
  }
  if (candidates.length === 0) {
    throw missingOperator(shown, left === null);
  }
  const chosen = select(candidates, args);
  if (chosen === null) {
    throw sqlError('42725', `operator is not unique: ${shown}`, {
      hint: 'Could not choose a best candidate operator. You might need to add explicit type casts.',
    });
  }
  return finish(chosen, false);
}
