/** Arithmetic and bit operators with PostgreSQL's overflow checks. */
import { sqlError } from '../../base/errors.js';
import type { Numeric } from '../types/datum.js';
import { toFloat4, toInt2, toInt4, toInt8 } from '../types/casts.js';
import {
  absNumeric,
  addNumeric,
  divideNumeric,
  divisionByZero,
  multiplyNumeric,
  negateNumeric,
  remainderNumeric,
  subtractNumeric,
} from '../types/numeric.js';
import { powerNumeric } from '../types/numeric-math.js';
import { fn, op } from './define.js';

/** int2 op int2 stays int2, any int8 makes int8, else int4. */
const SMALL = [
  ['int2', 'int2', 'int2'],
  ['int2', 'int4', 'int4'],
  ['int4', 'int2', 'int4'],
  ['int4', 'int4', 'int4'],
] as const;
for (const [left, right, result] of SMALL) {
  const check = result === 'int2' ? toInt2 : toInt4;
  op(`${left} + ${right} = ${result}`, (a: number, b: number) => check(a + b));
  op(`${left} - ${right} = ${result}`, (a: number, b: number) => check(a - b));
  op(`${left} * ${right} = ${result}`, (a: number, b: number) => {
    const product = a * b;
    return check(product === 0 ? 0 : product);
  });
  op(`${left} / ${right} = ${result}`, (a: number, b: number) => {
    if (b === 0) throw divisionByZero();
    const quotient = Math.trunc(a / b);
    return check(quotient === 0 ? 0 : quotient);
  });
  if (left === right) {
    op(`${left} % ${right} = ${result}`, (a: number, b: number) => remainder(a, b));
    fn(`mod(${left}, ${right}) ${result}`, (a: number, b: number) => remainder(a, b));
  }
}
function remainder(a: number, b: number): number {
  if (b === 0) throw divisionByZero();
  const rest = a % b;
  return rest === 0 ? 0 : rest;
}
function divide8(a: bigint, b: bigint): bigint {
  if (b === 0n) throw divisionByZero();
  return toInt8(a / b);
}
function remainder8(a: bigint, b: bigint): bigint {
  if (b === 0n) throw divisionByZero();
  return a % b;
}
op('int8 + int8 = int8', (a: bigint, b: bigint) => toInt8(a + b));
op('int8 - int8 = int8', (a: bigint, b: bigint) => toInt8(a - b));
op('int8 * int8 = int8', (a: bigint, b: bigint) => toInt8(a * b));
op('int8 / int8 = int8', divide8);
op('int8 % int8 = int8', remainder8);
fn('mod(int8, int8) int8', remainder8);
for (const small of ['int2', 'int4']) {
  op(`int8 + ${small} = int8`, (a: bigint, b: number) => toInt8(a + BigInt(b)));
  op(`int8 - ${small} = int8`, (a: bigint, b: number) => toInt8(a - BigInt(b)));
  op(`int8 * ${small} = int8`, (a: bigint, b: number) => toInt8(a * BigInt(b)));
  op(`int8 / ${small} = int8`, (a: bigint, b: number) => divide8(a, BigInt(b)));
  op(`${small} + int8 = int8`, (a: number, b: bigint) => toInt8(BigInt(a) + b));
  op(`${small} - int8 = int8`, (a: number, b: bigint) => toInt8(BigInt(a) - b));
  op(`${small} * int8 = int8`, (a: number, b: bigint) => toInt8(BigInt(a) * b));
  op(`${small} / int8 = int8`, (a: number, b: bigint) => divide8(BigInt(a), b));
}
for (const [type, check] of [
  ['int2', toInt2],
  ['int4', toInt4],
] as const) {
  op(`- ${type} = ${type}`, (a: number) => check(a === 0 ? 0 : -a));
  op(`+ ${type} = ${type}`, (a: number) => a);
  op(`@ ${type} = ${type}`, (a: number) => check(Math.abs(a)));
  fn(`abs(${type}) ${type}`, (a: number) => check(Math.abs(a)));
  op(`${type} & ${type} = ${type}`, (a: number, b: number) => a & b);
  op(`${type} | ${type} = ${type}`, (a: number, b: number) => a | b);
  op(`${type} # ${type} = ${type}`, (a: number, b: number) => a ^ b);
  op(`~ ${type} = ${type}`, (a: number) => ~a);
  op(`${type} << int4 = ${type}`, (a: number, b: number) => (type === 'int2' ? ((a << b) << 16) >> 16 : a << b));
  op(`${type} >> int4 = ${type}`, (a: number, b: number) => a >> b);
}
op('- int8 = int8', (a: bigint) => toInt8(-a));
op('+ int8 = int8', (a: bigint) => a);
op('@ int8 = int8', (a: bigint) => toInt8(a < 0n ? -a : a));
fn('abs(int8) int8', (a: bigint) => toInt8(a < 0n ? -a : a));
op('int8 & int8 = int8', (a: bigint, b: bigint) => a & b);
op('int8 | int8 = int8', (a: bigint, b: bigint) => a | b);
op('int8 # int8 = int8', (a: bigint, b: bigint) => a ^ b);
op('~ int8 = int8', (a: bigint) => ~a);
op('int8 << int4 = int8', (a: bigint, b: number) => BigInt.asIntN(64, a << BigInt(b & 63)));
op('int8 >> int4 = int8', (a: bigint, b: number) => a >> BigInt(b & 63));

// ---- floating point ----

function checkFloat(result: number, a: number, b: number): number {
  if (!Number.isFinite(result) && Number.isFinite(a) && Number.isFinite(b))
    throw sqlError('22003', 'value out of range: overflow');
  return result;
}
function checkProduct(result: number, a: number, b: number): number {
  if (result === 0 && a !== 0 && b !== 0 && Number.isFinite(a) && Number.isFinite(b))
    throw sqlError('22003', 'value out of range: underflow');
  return checkFloat(result, a, b);
}
function divideFloat(a: number, b: number): number {
  if (b === 0 && !Number.isNaN(a)) throw divisionByZero();
  const q = a / b;
  if (q === 0 && a !== 0 && Number.isFinite(b)) throw sqlError('22003', 'value out of range: underflow');
  return checkFloat(q, a, b);
}
const FLOATS = [
  ['float8', 'float8', 'float8'],
  ['float4', 'float8', 'float8'],
  ['float8', 'float4', 'float8'],
  ['float4', 'float4', 'float4'],
] as const;
for (const [left, right, result] of FLOATS) {
  const single = result === 'float4';
  const fit = (n: number): number => (single && Number.isFinite(n) ? toFloat4(n) : n);
  op(`${left} + ${right} = ${result}`, (a: number, b: number) => fit(checkFloat(a + b, a, b)));
  op(`${left} - ${right} = ${result}`, (a: number, b: number) => fit(checkFloat(a - b, a, b)));
  op(`${left} * ${right} = ${result}`, (a: number, b: number) => fit(checkProduct(a * b, a, b)));
  op(`${left} / ${right} = ${result}`, (a: number, b: number) => fit(divideFloat(a, b)));
}
for (const type of ['float4', 'float8']) {
  op(`- ${type} = ${type}`, (a: number) => -a);
  op(`+ ${type} = ${type}`, (a: number) => a);
  op(`@ ${type} = ${type}`, (a: number) => Math.abs(a));
  fn(`abs(${type}) ${type}`, (a: number) => Math.abs(a));
}
export function powerFloat(a: number, b: number): number {
  if (a === 0 && b < 0) throw sqlError('2201F', 'zero raised to a negative power is undefined');
  if (a < 0 && Number.isFinite(b) && !Number.isInteger(b)) {
    throw sqlError('2201F', 'a negative number raised to a non-integer power yields a complex result');
  }
  if (a === 1 || (Math.abs(a) === 1 && !Number.isFinite(b) && !Number.isNaN(b))) return 1;
  const result = Math.pow(a, b);
  if (result === 0 && a !== 0 && Number.isFinite(a) && Number.isFinite(b))
    throw sqlError('22003', 'value out of range: underflow');
  return checkFloat(result, a, b);
}
op('float8 ^ float8 = float8', powerFloat);
op('|/ float8 = float8', (a: number) => {
  if (a < 0) throw sqlError('2201F', 'cannot take square root of a negative number');
  return Math.sqrt(a);
});
op('||/ float8 = float8', (a: number) => Math.cbrt(a));

// ---- numeric ----

op('numeric + numeric = numeric', (a: Numeric, b: Numeric) => addNumeric(a, b));
op('numeric - numeric = numeric', (a: Numeric, b: Numeric) => subtractNumeric(a, b));
op('numeric * numeric = numeric', (a: Numeric, b: Numeric) => multiplyNumeric(a, b));
op('numeric / numeric = numeric', (a: Numeric, b: Numeric) => divideNumeric(a, b));
op('numeric % numeric = numeric', (a: Numeric, b: Numeric) => remainderNumeric(a, b));
op('numeric ^ numeric = numeric', (a: Numeric, b: Numeric) => powerNumeric(a, b));
op('- numeric = numeric', (a: Numeric) => negateNumeric(a));
op('+ numeric = numeric', (a: Numeric) => a);
op('@ numeric = numeric', (a: Numeric) => absNumeric(a));
fn('abs(numeric) numeric', (a: Numeric) => absNumeric(a));
fn('mod(numeric, numeric) numeric', (a: Numeric, b: Numeric) => remainderNumeric(a, b));
