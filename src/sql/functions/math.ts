/** Mathematical functions (PostgreSQL's chapter 9.3). */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { Numeric } from '../types/datum.js';
import { roundHalfEven, toInt4, toInt8 } from '../types/casts.js';
import { expNumeric, lnNumeric, logNumeric, powerNumeric, sqrtNumeric } from '../types/numeric-math.js';
import {
  checked,
  ceilNumeric,
  compareNumeric,
  divideInteger,
  divideNumeric,
  floorNumeric,
  minScale,
  multiplyNumeric,
  NUMERIC_NAN,
  numericFromBigInt,
  numericFromInt,
  numericToBigInt,
  roundNumeric,
  signNumeric,
  subtractNumeric,
  trimScale,
  truncNumeric,
} from '../types/numeric.js';
import { formatFloat8 } from '../types/float.js';
import { fn, fns } from './define.js';
import { powerFloat } from './operators-arithmetic.js';
import { SeededRandom } from './seeded-random.js';

const TEN = numericFromInt(10);

fns(['ceil(float8) float8', 'ceiling(float8) float8'], (a: number) => Math.ceil(a));
fns(['ceil(numeric) numeric', 'ceiling(numeric) numeric'], (a: Numeric) => ceilNumeric(a));
fn('floor(float8) float8', (a: number) => Math.floor(a));
fn('floor(numeric) numeric', (a: Numeric) => floorNumeric(a));
fn('round(float8) float8', (a: number) =>
  Number.isFinite(a) ? (roundHalfEven(a) === 0 && (a < 0 || Object.is(a, -0)) ? -0 : roundHalfEven(a)) : a,
);
fn('round(numeric) numeric', (a: Numeric) => roundNumeric(a, 0));
fn('round(numeric, int4) numeric', (a: Numeric, n: number) => roundToArgument(a, n, roundNumeric));
fn('trunc(float8) float8', (a: number) => Math.trunc(a));
fn('trunc(numeric) numeric', (a: Numeric) => truncNumeric(a, 0));
fn('trunc(numeric, int4) numeric', (a: Numeric, n: number) => roundToArgument(a, n, truncNumeric));
/** Beyond any digit that a value can have. */
const SCALE_MAX = 140_000;
function roundToArgument(a: Numeric, n: number, apply: (v: Numeric, scale: number) => Numeric): Numeric {
  return apply(a, Math.max(-SCALE_MAX, Math.min(SCALE_MAX, n)));
}
fn('sign(float8) float8', (a: number) => (a > 0 ? 1 : a < 0 ? -1 : 0));
fn('sign(numeric) numeric', (a: Numeric) => signNumeric(a));
fn('sqrt(float8) float8', (a: number) => {
  if (a < 0) throw sqlError('2201F', 'cannot take square root of a negative number');
  return Math.sqrt(a);
});
fn('sqrt(numeric) numeric', (a: Numeric) => sqrtNumeric(a));
fn('cbrt(float8) float8', (a: number) => Math.cbrt(a));
fn('exp(float8) float8', (a: number) => finite(Math.exp(a), a));
fn('exp(numeric) numeric', (a: Numeric) => expNumeric(a));
fn('ln(float8) float8', (a: number) => Math.log(positive(a)));
fn('ln(numeric) numeric', (a: Numeric) => lnNumeric(a));
fns(['log(float8) float8', 'log10(float8) float8'], (a: number) => Math.log10(positive(a)));
fns(['log(numeric) numeric', 'log10(numeric) numeric'], (a: Numeric) => logNumeric(TEN, a));
fn('log(numeric, numeric) numeric', (a: Numeric, b: Numeric) => logNumeric(a, b));
fns(['power(float8, float8) float8', 'pow(float8, float8) float8'], powerFloat);
fns(['power(numeric, numeric) numeric', 'pow(numeric, numeric) numeric'], (a: Numeric, b: Numeric) =>
  powerNumeric(a, b),
);
fn('div(numeric, numeric) numeric', (a: Numeric, b: Numeric) => divideInteger(a, b));
fn('scale(numeric) int4', (a: Numeric) => (a.kind === 'finite' ? a.scale : null));
fn('min_scale(numeric) int4', (a: Numeric) => (a.kind === 'finite' ? minScale(a) : null));
fn('trim_scale(numeric) numeric', (a: Numeric) => (a.kind === 'finite' ? trimScale(a) : a));

function positive(a: number): number {
  if (a < 0) throw sqlError('2201E', 'cannot take logarithm of a negative number');
  if (a === 0) throw sqlError('2201E', 'cannot take logarithm of zero');
  return a;
}
function finite(result: number, argument: number): number {
  if (!Number.isFinite(result) && Number.isFinite(argument)) throw sqlError('22003', 'value out of range: overflow');
  if (result === 0 && Number.isFinite(argument)) throw sqlError('22003', 'value out of range: underflow');
  return result;
}

fn('pi() float8', () => Math.PI);
const RADIANS_PER_DEGREE = Math.PI / 180;
fn('degrees(float8) float8', (a: number) => {
  const turned = a / RADIANS_PER_DEGREE;
  if (!Number.isFinite(turned) && Number.isFinite(a)) throw sqlError('22003', 'value out of range: overflow');
  return turned;
});
fn('radians(float8) float8', (a: number) => {
  const turned = a * RADIANS_PER_DEGREE;
  if (turned === 0 && a !== 0) throw sqlError('22003', 'value out of range: underflow');
  return turned;
});
function inDomain(a: number, low: number, high: number): number {
  if (a < low || a > high) throw sqlError('22003', 'input is out of range');
  return a;
}
function angle(a: number): number {
  if (a === Infinity || a === -Infinity) throw sqlError('22003', 'input is out of range');
  return a;
}
fn('sin(float8) float8', (a: number) => Math.sin(angle(a)));
fn('cos(float8) float8', (a: number) => Math.cos(angle(a)));
fn('tan(float8) float8', (a: number) => Math.tan(angle(a)));
fn('cot(float8) float8', (a: number) => 1 / Math.tan(angle(a)));
fn('asin(float8) float8', (a: number) => Math.asin(inDomain(a, -1, 1)));
fn('acos(float8) float8', (a: number) => Math.acos(inDomain(a, -1, 1)));
fn('atan(float8) float8', (a: number) => Math.atan(a));
fn('atan2(float8, float8) float8', (a: number, b: number) => Math.atan2(a, b));
fn('sinh(float8) float8', (a: number) => Math.sinh(a));
fn('cosh(float8) float8', (a: number) => Math.cosh(a));
fn('tanh(float8) float8', (a: number) => Math.tanh(a));
fn('asinh(float8) float8', (a: number) => Math.asinh(a));
fn('acosh(float8) float8', (a: number) => Math.acosh(inDomain(a, 1, Infinity)));
fn('atanh(float8) float8', (a: number) => Math.atanh(inDomain(a, -1, 1)));
/**
 * Trigonometry in degrees: each angle is brought into the first quadrant, where what is computed is scaled by its
 * own value at 30, 45 or 60 degrees. So the multiples of these come out exact, as PostgreSQL promises.
 */
const RADIANS = Math.PI / 180;
const SINE_30 = Math.sin(30 * RADIANS);
const VERSINE_60 = 1 - Math.cos(60 * RADIANS);

function sineOfQuadrant(x: number): number {
  return x <= 30 ? Math.sin(x * RADIANS) / SINE_30 / 2 : cosineTo60(90 - x);
}
function cosineOfQuadrant(x: number): number {
  return x <= 60 ? cosineTo60(x) : Math.sin((90 - x) * RADIANS) / SINE_30 / 2;
}
function cosineTo60(x: number): number {
  return 1 - (1 - Math.cos(x * RADIANS)) / VERSINE_60 / 2;
}
/** The angle in the first quadrant, and the signs of sine and cosine. */
function quadrant(a: number): { readonly x: number; readonly sine: number; readonly cosine: number } {
  let x = angle(a) % 360;
  let sine = 1;
  if (x < 0) [x, sine] = [-x, -1];
  if (x > 180) [x, sine] = [360 - x, -sine];
  return x > 90 ? { x: 180 - x, sine, cosine: -1 } : { x, sine, cosine: 1 };
}
const TANGENT_45 = sineOfQuadrant(45) / cosineOfQuadrant(45);
const COTANGENT_45 = cosineOfQuadrant(45) / sineOfQuadrant(45);
/** No negative zero. */
const plain = (value: number): number => (value === 0 ? 0 : value);

fn('sind(float8) float8', (a: number) => {
  const { x, sine } = quadrant(a);
  return plain(sine * sineOfQuadrant(x));
});
fn('cosd(float8) float8', (a: number) => {
  const { x, cosine } = quadrant(a);
  return plain(cosine * cosineOfQuadrant(x));
});
fn('tand(float8) float8', (a: number) => {
  const { x, sine, cosine } = quadrant(a);
  return plain((sine * cosine * (sineOfQuadrant(x) / cosineOfQuadrant(x))) / TANGENT_45);
});
fn('cotd(float8) float8', (a: number) => {
  const { x, sine, cosine } = quadrant(a);
  return plain((sine * cosine * (cosineOfQuadrant(x) / sineOfQuadrant(x))) / COTANGENT_45);
});

const ARCSINE_HALF = Math.asin(0.5);
const ARCCOSINE_HALF = Math.acos(0.5);
const ARCTANGENT_1 = Math.atan(1);
function arcsineOfQuadrant(x: number): number {
  return x <= 0.5 ? (Math.asin(x) / ARCSINE_HALF) * 30 : 90 - (Math.acos(x) / ARCCOSINE_HALF) * 60;
}
function arccosineOfQuadrant(x: number): number {
  return x <= 0.5 ? 90 - (Math.asin(x) / ARCSINE_HALF) * 30 : (Math.acos(x) / ARCCOSINE_HALF) * 60;
}
fn('asind(float8) float8', (a: number) => {
  const x = inDomain(a, -1, 1);
  return x < 0 ? -arcsineOfQuadrant(-x) : arcsineOfQuadrant(x);
});
fn('acosd(float8) float8', (a: number) => {
  const x = inDomain(a, -1, 1);
  return x < 0 ? 90 + arcsineOfQuadrant(-x) : arccosineOfQuadrant(x);
});
fn('atand(float8) float8', (a: number) => (Math.atan(a) / ARCTANGENT_1) * 45);
fn('atan2d(float8, float8) float8', (a: number, b: number) => (Math.atan2(a, b) / ARCTANGENT_1) * 45);

function gcd(a: bigint, b: bigint): bigint {
  let x = a < 0n ? -a : a;
  let y = b < 0n ? -b : b;
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}
function lcm(a: bigint, b: bigint): bigint {
  if (a === 0n || b === 0n) return 0n;
  const product = (a / gcd(a, b)) * b;
  return product < 0n ? -product : product;
}
fn('gcd(int4, int4) int4', (a: number, b: number) => toInt4(Number(gcd(BigInt(a), BigInt(b)))));
fn('gcd(int8, int8) int8', (a: bigint, b: bigint) => toInt8(gcd(a, b)));
fn('lcm(int4, int4) int4', (a: number, b: number) => toInt4(Number(lcm(BigInt(a), BigInt(b)))));
fn('lcm(int8, int8) int8', (a: bigint, b: bigint) => toInt8(lcm(a, b)));
/** Of numbers with fractions: of the integers at a common scale. */
function atScale(a: Numeric, b: Numeric, f: (x: bigint, y: bigint) => bigint): Numeric {
  if (a.kind !== 'finite' || b.kind !== 'finite') return NUMERIC_NAN;
  const scale = Math.max(a.scale, b.scale);
  const raise = (v: Numeric): bigint => v.unscaled * 10n ** BigInt(scale - v.scale);
  return new Numeric(f(raise(a), raise(b)), scale);
}
fn('gcd(numeric, numeric) numeric', (a: Numeric, b: Numeric) => atScale(a, b, gcd));
fn('lcm(numeric, numeric) numeric', (a: Numeric, b: Numeric) => checked(atScale(a, b, lcm)));
fn('factorial(int8) numeric', (a: bigint) => {
  if (a < 0n) throw sqlError('22003', 'factorial of a negative number is undefined');
  if (a > 32177n) throw sqlError('22003', 'value overflows numeric format');
  return numericFromBigInt(product(2, Number(a)));
});

/** Of all whole numbers in the range; by halves, so that large factors are about as long as each other. */
function product(from: number, to: number): bigint {
  if (to - from < 8) {
    let all = 1n;
    for (let i = from; i <= to; i++) all *= BigInt(i);
    return all;
  }
  const middle = (from + to) >> 1;
  return product(from, middle) * product(middle + 1, to);
}

fn('random() float8', (ctx: ExecContext) => (ctx.services.seeded ?? ctx.rng).next(), { volatility: 'volatile' });
fn(
  'setseed(float8) void',
  (seed: number, ctx: ExecContext) => {
    if (!(seed >= -1 && seed <= 1))
      throw sqlError('22023', `setseed parameter ${formatFloat8(seed, 0)} is out of allowed range [-1,1]`);
    ctx.services.seeded = new SeededRandom(seed);
    return '';
  },
  { volatility: 'volatile' },
);

function bucket(position: number, count: number): number {
  return toInt4(Math.max(0, Math.min(count + 1, position)));
}
function checkBuckets(count: number): void {
  if (count <= 0) throw sqlError('2201G', 'count must be greater than zero');
}
fn('width_bucket(float8, float8, float8, int4) int4', (v: number, low: number, high: number, count: number) => {
  checkBuckets(count);
  if (Number.isNaN(v) || Number.isNaN(low) || Number.isNaN(high))
    throw sqlError('2201G', 'operand, lower bound, and upper bound cannot be NaN');
  if (!Number.isFinite(low) || !Number.isFinite(high)) throw sqlError('2201G', 'lower and upper bounds must be finite');
  if (low === high) throw sqlError('2201G', 'lower bound cannot equal upper bound');
  const inside = low < high ? v >= low && v < high : v <= low && v > high;
  if (!inside) return (low < high ? v < low : v > low) ? 0 : bucket(count + 1, count);
  return bucket(Math.floor((count * (v - low)) / (high - low)) + 1, count);
});
fn('width_bucket(numeric, numeric, numeric, int4) int4', (v: Numeric, low: Numeric, high: Numeric, count: number) => {
  checkBuckets(count);
  if (v.kind === 'nan' || low.kind === 'nan' || high.kind === 'nan')
    throw sqlError('2201G', 'operand, lower bound, and upper bound cannot be NaN');
  if (low.kind !== 'finite' || high.kind !== 'finite') throw sqlError('2201G', 'lower and upper bounds must be finite');
  const direction = compareNumeric(low, high);
  if (direction === 0) throw sqlError('2201G', 'lower bound cannot equal upper bound');
  const before = compareNumeric(v, low) * direction;
  if (before > 0) return 0;
  if (compareNumeric(v, high) * direction <= 0) return bucket(count + 1, count);
  const share = multiplyNumeric(subtractNumeric(v, low), numericFromInt(count));
  return bucket(Number(numericToBigInt(floorNumeric(divideNumeric(share, subtractNumeric(high, low))))) + 1, count);
});
