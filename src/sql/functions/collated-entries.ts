/**
 * Functions and operators under a collation that makes a difference to them. An entry whose answer depends on it has
 * another form for each collation, which is an entry of its own: what knows of no collation stays as fast as it is.
 * `null` stands for arguments of several collations of which none prevails; these forms refuse (42P22).
 *
 * Whoever takes an operator for an order of keys must look at `uncollated`: indexes are in the order of the code points.
 */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import type { Collation } from '../types/collation.js';
import { collatedCompare, typeCollation } from '../types/collated.js';
import type { Datum, PgArray } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { isArrayType, typeByOid } from '../types/registry.js';
import { baseOidOf } from '../types/user-types.js';
import { Fold } from './aggregates.js';
import type { AggregateEntry, CallInfo, FunctionEntry, Value } from './entry.js';
import { like } from './like-match.js';

type Implementation = (args: readonly Value[], ctx: ExecContext, call: CallInfo) => Datum;

const TESTS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};
const CASES: Readonly<Record<string, 'lower' | 'upper' | 'capitalised'>> = {
  lower: 'lower',
  upper: 'upper',
  initcap: 'capitalised',
};
/** Operators of patterns that look at the case of letters, with the word for them in messages. */
const PATTERNS: Readonly<Record<string, string>> = {
  '~~*': 'ILIKE',
  '!~~*': 'ILIKE',
  '~': 'regular expression',
  '~*': 'regular expression',
  '!~': 'regular expression',
  '!~*': 'regular expression',
  regexp_match: 'regular expression',
  regexp_replace: 'regular expression',
  regexp_split_to_array: 'regular expression',
  regexp_like: 'regular expression',
  regexp_count: 'regular expression',
  regexp_substr: 'regular expression',
  regexp_instr: 'regular expression',
};
/** They look at their call's collation themselves. */
function isRegular({ name, argOids }: FunctionEntry): boolean {
  return PATTERNS[name] === 'regular expression' || (name === 'substring' && argOids[1] === OID.text);
}

export function undetermined(what: string): Error {
  return sqlError('42P22', `could not determine which collation to use for ${what}`, {
    hint: 'Use the COLLATE clause to set the collation explicitly.',
  });
}

export function comparing(): Error {
  return undetermined('string comparison');
}

/** The order of values of the type; see SortKey's `collation`. */
export function orderOf(typeOid: number, collation: Collation | null | undefined): (a: Value, b: Value) => number {
  if (collation === undefined) return typeByOid(typeOid).compare;
  if (collation !== null) return collatedCompare(typeOid, collation);
  return () => {
    throw comparing();
  };
}

const made = new WeakMap<Collation, Map<object, unknown>>();
const refusing = new Map<object, unknown>();

function formOf<E extends object>(entry: E, collation: Collation | null, make: () => E): E {
  let forms = refusing;
  if (collation !== null) {
    forms = made.get(collation) ?? new Map<object, unknown>();
    made.set(collation, forms);
  }
  let form = forms.get(entry) as E | undefined;
  if (form === undefined) forms.set(entry, (form = make()));
  return form;
}

/** The entry's form for arguments of these types under the collation: itself, if that makes no difference. */
export function collatedEntry(
  given: FunctionEntry,
  collation: Collation | null,
  argOids: readonly number[],
): FunctionEntry {
  const entry = given.uncollated ?? given;
  if (entry.routine !== undefined || entry.rows !== null) return entry;
  const first = argOids[0];
  if (first === undefined || typeCollation(first) === null) return entry;
  const impl = collation === null ? refusal(entry, first) : implementation(entry, collation, first);
  if (impl === null) return entry;
  // Of anyarray the types differ from call to call.
  const keep = entry.argOids[0] === first;
  const make = (): FunctionEntry => ({
    ...entry,
    uncollated: entry,
    impl: (args, ctx, call) => impl(args as readonly Value[], ctx, call),
    call1: entry.call1 === null ? null : (a, ctx, call) => impl([a], ctx, call),
    call2: entry.call2 === null ? null : (a, b, ctx, call) => impl([a, b], ctx, call),
  });
  return keep ? formOf(entry, collation, make) : make();
}

/** Arrays are refused where two texts in them are compared: not for their shapes, nor for NULLs. */
function refusedArrays(oid: number, test: (order: number) => boolean, isEquality: boolean): Implementation {
  const compare = collatedCompare(oid, {
    compare: () => {
      throw comparing();
    },
  });
  const shape = (array: PgArray): string => [...array.dims, ...array.lowerBounds].join();
  return ([a, b]) => {
    const differ = isEquality && shape(a as PgArray) !== shape(b as PgArray);
    return test(differ ? 1 : compare(a!, b!));
  };
}

function refusal({ name, oid }: FunctionEntry, argOid: number): Implementation | null {
  const refuse =
    (what: string): Implementation =>
    () => {
      throw undetermined(what);
    };
  if (Object.hasOwn(TESTS, name) && isArrayType(baseOidOf(argOid)))
    return refusedArrays(argOid, TESTS[name]!, name === '=' || name === '<>');
  if (Object.hasOwn(TESTS, name) || name === 'bttextcmp') return refuse('string comparison');
  if (Object.hasOwn(PATTERNS, name)) return refuse(PATTERNS[name]!);
  return Object.hasOwn(CASES, name) && oid !== 0 ? refuse(`${name}() function`) : null;
}

function implementation(entry: FunctionEntry, collation: Collation, oid: number): Implementation | null {
  const { name } = entry;
  if (isRegular(entry))
    return collation.asciiLetters ? (args, ctx, call) => entry.impl(args, ctx, call) as Datum : null;
  if (Object.hasOwn(CASES, name)) {
    const change = CASES[name]!;
    return collation.isLinguistic || collation.asciiLetters ? ([text]) => collation[change](text as string) : null;
  }
  if (name === '~~*' || name === '!~~*') {
    if (!collation.isLinguistic && !collation.asciiLetters) return null;
    const negated = name === '!~~*';
    const folded = (text: Value | undefined): string => collation.lower(text as string);
    return ([text, pattern]) => like(folded(text), folded(pattern)) !== negated;
  }
  if (!collation.isLinguistic) return null;
  // Equality is the same for all.
  const test = name === '=' || name === '<>' || !Object.hasOwn(TESTS, name) ? null : TESTS[name]!;
  const compare = collatedCompare(oid, collation);
  if (test !== null) return ([a, b]) => test(compare(a!, b!));
  return name === 'bttextcmp' ? ([a, b]) => compare(a!, b!) : null;
}

/** min() and max(). */
export function collatedAggregate(
  given: AggregateEntry,
  collation: Collation | null,
  argOids: readonly number[],
): AggregateEntry {
  const entry = given.uncollated ?? given;
  const [oid] = argOids;
  if ((entry.name !== 'min' && entry.name !== 'max') || entry.argOids.length !== 1 || oid === undefined) return entry;
  if (typeCollation(oid) === null || collation?.isLinguistic === false) return entry;
  const compare = orderOf(oid, collation);
  const sign = entry.name === 'max' ? 1 : -1;
  // Of equal ones PostgreSQL keeps the one before.
  const init: AggregateEntry['init'] = () => new Fold<Value>((a, b) => (compare(b, a) * sign > 0 ? b : a));
  const make = (): AggregateEntry => ({ ...entry, uncollated: entry, init });
  return entry.argOids[0] === oid ? formOf(entry, collation, make) : make();
}
