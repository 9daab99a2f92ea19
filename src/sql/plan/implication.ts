/**
 * Whether conditions that hold for a row make another one true for it: what decides if a partial index has all the
 * rows that a query asks for.
 *
 * It never says yes wrongly; it says no to much that a prover would find. Understood are: the same condition, IS
 * NOT NULL of what a strict condition reads, comparisons of one thing with constants, lists of constants, booleans,
 * and OR on either side. All conditions are taken to be TRUE, not merely not false.
 */
import { OID } from '../types/oids.js';
import { PgArray, type Datum } from '../types/datum.js';
import { elementOidOf, typeByOid } from '../types/registry.js';
import { conjuncts } from './expr.js';
import type { ConstExpr, Expr } from './expr.js';
import { sameValue } from './index-expressions.js';

export function implies(conditions: readonly Expr[], wanted: Expr): boolean {
  return conjuncts(wanted).every((part) => impliesPart(conditions, part));
}

function impliesPart(conditions: readonly Expr[], wanted: Expr): boolean {
  if (wanted.kind === 'const') return wanted.value === true;
  if (wanted.kind === 'or' && wanted.args.some((arm) => implies(conditions, arm))) return true;
  return conditions.some((given) =>
    given.kind === 'or' ? given.args.every((arm) => implies(conjuncts(arm), wanted)) : impliedBy(given, wanted),
  );
}

function impliedBy(given: Expr, wanted: Expr): boolean {
  if (sameValue(given, wanted)) return true;
  // A row is "not null" only if none of its fields is.
  if (wanted.kind === 'isnull' && wanted.negated && wanted.ofRow !== true) return isStrictIn(given, wanted.arg);
  return sameBoolean(given, wanted) || narrower(given, wanted);
}

/** True if the condition is not true when `target` is NULL. */
function isStrictIn(condition: Expr, target: Expr): boolean {
  switch (condition.kind) {
    case 'in':
      return !condition.negated && condition.entry.strict && nullWith(condition.left, target);
    case 'anyall':
      return !condition.all && condition.entry.strict && nullWith(condition.left, target);
    case 'isnull':
      return condition.negated && condition.ofRow !== true && nullWith(condition.arg, target);
    case 'booltest':
      return !condition.negated && condition.test !== 'unknown' && nullWith(condition.arg, target);
    default:
      return nullWith(condition, target);
  }
}

/** True if the expression is NULL whenever `target` is. */
function nullWith(e: Expr, target: Expr): boolean {
  if (sameValue(e, target)) return true;
  switch (e.kind) {
    case 'cast':
    case 'not':
      return nullWith(e.arg, target);
    case 'call':
      return e.entry.strict && e.args.some((a) => nullWith(a, target));
    default:
      return false;
  }
}

// ---- booleans ----

/** `f`, `NOT f`, `f = true`, `f IS FALSE`, …: what is of which truth value. */
function booleanOf(e: Expr): { readonly of: Expr; readonly value: boolean } | null {
  if (e.kind === 'not') {
    const inner = booleanOf(e.arg);
    return inner === null ? null : { of: inner.of, value: !inner.value };
  }
  if (e.kind === 'booltest') return e.negated || e.test === 'unknown' ? null : { of: e.arg, value: e.test === 'true' };
  if (e.kind === 'call' && e.operator && e.entry.name === '=' && e.args.length === 2) {
    const [left, right] = e.args as [Expr, Expr];
    if (right.oid === OID.bool && right.kind === 'const' && typeof right.value === 'boolean')
      return { of: left, value: right.value };
  }
  return e.kind === 'column' && e.oid === OID.bool ? { of: e, value: true } : null;
}

function sameBoolean(given: Expr, wanted: Expr): boolean {
  const a = booleanOf(given);
  const b = booleanOf(wanted);
  // NOT (f IS TRUE) holds for NULL too: only a plain column's negation says that it is false.
  if (a === null || b === null || wraps(given) || wraps(wanted)) return false;
  return a.value === b.value && sameValue(a.of, b.of);
}

function wraps(e: Expr): boolean {
  return e.kind === 'not' && e.arg.kind !== 'column';
}

// ---- comparisons with constants ----

interface Comparison {
  readonly of: Expr;
  readonly symbol: string;
  readonly value: ConstExpr;
}

const FLIPPED: Readonly<Record<string, string>> = {
  '=': '=',
  '<>': '<>',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

const NEGATED: Readonly<Record<string, string>> = {
  '=': '<>',
  '<>': '=',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
};

/** Types whose operators order values as `compare` does, for constants of one type. */
const ORDERED: ReadonlySet<number> = new Set<number>([
  OID.int2,
  OID.int4,
  OID.int8,
  OID.numeric,
  OID.text,
  OID.date,
  OID.timestamp,
  OID.timestamptz,
  OID.uuid,
  OID.float4,
  OID.float8,
]);
const INTEGERS: ReadonlySet<number> = new Set<number>([OID.int2, OID.int4, OID.int8]);

function comparisonOf(e: Expr): Comparison | null {
  if (e.kind === 'not') {
    const inner = comparisonOf(e.arg);
    return inner === null ? null : { ...inner, symbol: NEGATED[inner.symbol]! };
  }
  if (e.kind !== 'call' || !e.operator || e.args.length !== 2 || e.entry.uncollated !== undefined) return null;
  const flipped = FLIPPED[e.entry.name];
  if (flipped === undefined) return null;
  const [left, right] = e.args as [Expr, Expr];
  if (right.kind === 'const') return { of: left, symbol: e.entry.name, value: right };
  return left.kind === 'const' ? { of: right, symbol: flipped, value: left } : null;
}

/** The values of `x IN (…)` or `x = ANY (ARRAY[…])`, all constants; NULLs, which equal nothing, are left out. */
function listOf(e: Expr): { readonly of: Expr; readonly values: readonly ConstExpr[] } | null {
  if (e.kind === 'in') {
    if (e.negated || e.entry.name !== '=' || e.entry.uncollated !== undefined) return null;
    return constants(e.left, e.items);
  }
  if (e.kind !== 'anyall' || e.all || e.entry.name !== '=' || e.entry.uncollated !== undefined) return null;
  if (e.right.kind === 'array' && !e.right.nested) return constants(e.left, e.right.elements);
  if (e.right.kind !== 'const' || !(e.right.value instanceof PgArray)) return null;
  const oid = elementOidOf(e.right.oid);
  return constants(
    e.left,
    e.right.value.elements.map((value): ConstExpr => ({ kind: 'const', value, oid, typmod: -1 })),
  );
}

function constants(of: Expr, items: readonly Expr[]): { of: Expr; values: readonly ConstExpr[] } | null {
  const values = items.filter((item): item is ConstExpr => item.kind === 'const');
  return values.length === items.length ? { of, values: values.filter((v) => v.value !== null) } : null;
}

/** -1, 0 or 1; null if the two are of types that are not compared here. */
function compare(a: ConstExpr, b: ConstExpr): number | null {
  if (a.value === null || b.value === null || !ORDERED.has(a.oid)) return null;
  if (INTEGERS.has(a.oid) && INTEGERS.has(b.oid)) {
    const [x, y] = [integer(a.value), integer(b.value)];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return a.oid === b.oid ? Math.sign(typeByOid(a.oid).compare(a.value, b.value)) : null;
}

function integer(value: Datum): bigint {
  return BigInt(value as number | bigint);
}

/** For what `x symbol k` says, where `sign` is k compared with the constant of the wanted comparison. */
const ENOUGH: Readonly<Record<string, (symbol: string, sign: number) => boolean>> = {
  '=': (symbol, sign) => symbol === '=' && sign === 0,
  '<>': (symbol, sign) =>
    (symbol === '=' && sign !== 0) ||
    (symbol === '<>' && sign === 0) ||
    (symbol === '>' && sign >= 0) ||
    (symbol === '>=' && sign > 0) ||
    (symbol === '<' && sign <= 0) ||
    (symbol === '<=' && sign < 0),
  '>': (symbol, sign) => (symbol === '>' && sign >= 0) || ((symbol === '>=' || symbol === '=') && sign > 0),
  '>=': (symbol, sign) => (symbol === '>' || symbol === '>=' || symbol === '=') && sign >= 0,
  '<': (symbol, sign) => (symbol === '<' && sign <= 0) || ((symbol === '<=' || symbol === '=') && sign < 0),
  '<=': (symbol, sign) => (symbol === '<' || symbol === '<=' || symbol === '=') && sign <= 0,
};

function narrower(given: Expr, wanted: Expr): boolean {
  const list = listOf(given);
  if (list !== null)
    return list.values.length > 0 && list.values.every((value) => entails({ of: list.of, symbol: '=', value }, wanted));
  const comparison = comparisonOf(given);
  return comparison !== null && entails(comparison, wanted);
}

function entails(given: Comparison, wanted: Expr): boolean {
  const list = listOf(wanted);
  if (list !== null) {
    return (
      given.symbol === '=' &&
      sameValue(given.of, list.of) &&
      list.values.some((value) => compare(given.value, value) === 0)
    );
  }
  const comparison = comparisonOf(wanted);
  if (comparison === null || !sameValue(given.of, comparison.of)) return false;
  const sign = compare(given.value, comparison.value);
  return sign !== null && ENOUGH[comparison.symbol]!(given.symbol, sign);
}
