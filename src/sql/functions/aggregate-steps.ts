/**
 * Functions that PostgreSQL's own aggregates are made of, as far as their states are SQL's values: aggregates of users are
 * made of them too, and some are called by themselves.
 */
import { sqlError } from '../../base/errors.js';
import type { Datum } from '../types/datum.js';
import { PgArray } from '../types/datum.js';
import { compareArrays } from '../types/array.js';
import { addNumeric, divideNumeric, numericFromBigInt } from '../types/numeric.js';
import type { Numeric } from '../types/datum.js';
import { toInt4 } from '../types/casts.js';
import { OID } from '../types/oids.js';
import { typeByName, typeByOid } from '../types/registry.js';
import { fn } from './define.js';

type Value = Exclude<Datum, null>;
const INT8_MAX = 2n ** 63n - 1n;

function whole(value: bigint): bigint {
  if (value > INT8_MAX || value < -INT8_MAX - 1n) throw sqlError('22003', 'bigint out of range');
  return value;
}

fn('int8inc(int8) int8', (n: bigint) => whole(n + 1n));
fn('int8inc_any(int8, any) int8', (n: bigint) => whole(n + 1n));
fn('int4inc(int4) int4', (n: number) => toInt4(n + 1));
fn('numeric_inc(numeric) numeric', (n: Numeric) => addNumeric(n, numericFromBigInt(1n)));
fn('booland_statefunc(bool, bool) bool', (a: boolean, b: boolean) => a && b);
fn('boolor_statefunc(bool, bool) bool', (a: boolean, b: boolean) => a || b);

const order = (a: PgArray, b: PgArray): number => compareArrays(a, b, typeByOid(a.elementOid));
fn('array_larger(anyarray, anyarray) anyarray', (a: PgArray, b: PgArray) => (order(a, b) > 0 ? a : b));
fn('array_smaller(anyarray, anyarray) anyarray', (a: PgArray, b: PgArray) => (order(a, b) < 0 ? a : b));

/** max and min of two, by the names before "larger" and "smaller". Those of texts would need the call's collation. */
const EXTREMES: readonly (readonly [prefix: string, type: string])[] = [
  ...['int2', 'int4', 'int8', 'float4', 'float8', 'oid'].map((type) => [type, type] as const),
  ...['numeric', 'date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval', 'pg_lsn', 'xid8'].map(
    (type) => [`${type}_`, type] as const,
  ),
  ['network_', 'inet'],
];
for (const [prefix, type] of EXTREMES) {
  const { compare } = typeByName(type)!;
  fn(`${prefix}larger(${type}, ${type}) ${type}`, (a: Value, b: Value) => (compare(a, b) > 0 ? a : b));
  fn(`${prefix}smaller(${type}, ${type}) ${type}`, (a: Value, b: Value) => (compare(a, b) < 0 ? a : b));
}

/** NULL is nothing, and the sum of nothings is NULL. */
const sum = (state: bigint | null, value: number | null): Datum =>
  value === null ? state : state === null ? BigInt(value) : whole(state + BigInt(value));
fn('int2_sum(int8, int2) int8', sum, { strict: false });
fn('int4_sum(int8, int4) int8', sum, { strict: false });

function counted(state: PgArray): readonly [bigint, bigint] {
  const [count, total] = state.elements;
  if (state.elements.length !== 2 || typeof count !== 'bigint' || typeof total !== 'bigint')
    throw sqlError('XX000', 'expected 2-element int8 array');
  return [count, total];
}
const average = (state: PgArray, value: number): PgArray => {
  const [count, total] = counted(state);
  return new PgArray(OID.int8, [whole(count + 1n), whole(total + BigInt(value))]);
};
fn('int2_avg_accum(_int8, int2) _int8', average);
fn('int4_avg_accum(_int8, int4) _int8', average);
fn('int8_avg(_int8) numeric', (state: PgArray): Numeric | null => {
  const [count, total] = counted(state);
  return count === 0n ? null : divideNumeric(numericFromBigInt(total), numericFromBigInt(count));
});

/** Count, sum, and sum of the squares of the distances from the mean, by Youngs and Cramer. */
export function moments(state: PgArray, caller: string): readonly [number, number, number] {
  const [n, x, xx] = state.elements;
  if (state.elements.length !== 3 || typeof n !== 'number' || typeof x !== 'number' || typeof xx !== 'number')
    throw sqlError('XX000', `${caller}: expected 3-element float8 array`);
  return [n, x, xx];
}
const overflow = (): Error => sqlError('22003', 'value out of range: overflow');
const isInfinite = (x: number): boolean => x === Infinity || x === -Infinity;

fn('float8_accum(_float8, float8) _float8', (state: PgArray, value: number) => {
  const [n, x, xx] = moments(state, 'float8_accum');
  const sums = x + value;
  let squares = xx;
  if (n > 0) {
    const distance = value * (n + 1) - sums;
    squares += (distance * distance) / ((n + 1) * n);
    if (isInfinite(sums) || isInfinite(squares)) {
      if (!isInfinite(x) && !isInfinite(value)) throw overflow();
      squares = Number.NaN;
    }
  } else if (!Number.isFinite(value)) squares = Number.NaN;
  return new PgArray(OID.float8, [n + 1, sums, squares]);
});
fn('float8_combine(_float8, _float8) _float8', (a: PgArray, b: PgArray) => {
  const [n1, x1, xx1] = moments(a, 'float8_combine');
  const [n2, x2, xx2] = moments(b, 'float8_combine');
  if (n1 === 0) return b;
  if (n2 === 0) return a;
  const distance = x1 / n1 - x2 / n2;
  const squares = xx1 + xx2 + (n1 * n2 * distance * distance) / (n1 + n2);
  if (isInfinite(x1 + x2) && !isInfinite(x1) && !isInfinite(x2)) throw overflow();
  if (isInfinite(squares) && !isInfinite(xx1) && !isInfinite(xx2)) throw overflow();
  return new PgArray(OID.float8, [n1 + n2, x1 + x2, squares]);
});
