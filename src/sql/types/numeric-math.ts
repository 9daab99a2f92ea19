/**
 * Roots, logarithms, exponentials and powers of numeric, to PostgreSQL's display scales. They are computed
 * on integers with guard digits, by reduction and Taylor series, and rounded once.
 */
import { sqlError } from '../../base/errors.js';
import { Numeric } from './datum.js';
import {
  compareNumeric,
  digitCount,
  divideToScale,
  MIN_SIGNIFICANT_DIGITS,
  multiplyNumeric,
  negateNumeric,
  NUMERIC_INF,
  NUMERIC_NAN,
  NUMERIC_NEG_INF,
  numericFromInt,
  numericOverflow,
  numericToFloat,
  pow10,
  roundNumeric,
  truncNumeric,
  NUMERIC_ZERO,
} from './numeric.js';

const GUARD = 12;
const SCALE_MAX = 1000;
const ONE = numericFromInt(1);

function clampScale(scale: number): number {
  return Math.max(0, Math.min(SCALE_MAX, scale));
}

/** Weight in base 10000 of the leading group. */
function weightOf(v: Numeric): number {
  return Math.ceil((digitCount(v.unscaled) - v.scale) / 4) - 1;
}

function isqrt(n: bigint): bigint {
  if (n < 2n) return n;
  let x = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
  for (;;) {
    const y = (x + n / x) >> 1n;
    if (y >= x) return x;
    x = y;
  }
}

export function sqrtNumeric(v: Numeric): Numeric {
  if (v.kind === 'nan' || v.kind === 'inf') return v;
  if (v.kind === '-inf' || v.unscaled < 0n) throw sqlError('2201F', 'cannot take square root of a negative number');
  const weight = v.unscaled === 0n ? 0 : weightOf(v);
  const half = weight >= 0 ? weight * 2 + 1 : 1 - (1 - weight * 4) / 2;
  return sqrtToScale(v, clampScale(Math.max(MIN_SIGNIFICANT_DIGITS - Math.trunc(half), v.scale)));
}

/** Of a number that is finite and not negative. */
export function sqrtToScale(v: Numeric, scale: number): Numeric {
  // One digit more than asked decides the rounding, since a root is never exactly half-way.
  const shift = 2 * (scale + 1) - v.scale;
  const scaled = shift >= 0 ? v.unscaled * pow10(shift) : v.unscaled / pow10(-shift);
  return roundNumeric(new Numeric(isqrt(scaled), scale + 1), scale);
}

/** e^x for fixed-point x of `digits` decimals, result likewise. */
function expFixed(x: bigint, digits: number): bigint {
  const unit = pow10(digits);
  if (x < 0n) return (unit * unit) / expFixed(-x, digits);
  let halvings = 0;
  let y = x;
  while (y > unit / 64n) {
    y >>= 1n;
    halvings++;
  }
  // Squaring loses digits, so the series runs with more of them.
  const extra = Math.ceil(halvings * 0.4) + 6;
  const fine = pow10(digits + extra);
  y = (x * pow10(extra)) >> BigInt(halvings);
  let sum = fine + y;
  let term = y;
  for (let n = 2n; term !== 0n; n++) {
    term = (term * y) / fine / n;
    sum += term;
  }
  for (; halvings > 0; halvings--) sum = (sum * sum) / fine;
  return sum / pow10(extra);
}

/** Exponents from here on overflow or vanish: those of PostgreSQL, 6000, in decimal digits. */
const EXP_MAX = 6000 * 0.434294481903252;

export function expNumeric(v: Numeric): Numeric {
  if (v.kind !== 'finite') return v.kind === '-inf' ? NUMERIC_ZERO : v;
  const approximate = numericToFloat(v) * 0.434294481903252;
  if (approximate >= EXP_MAX) throw numericOverflow();
  const significant = clampScale(Math.max(MIN_SIGNIFICANT_DIGITS - Math.trunc(approximate), v.scale));
  if (approximate <= -EXP_MAX) return new Numeric(0n, significant);
  const digits = significant + GUARD + Math.max(0, Math.ceil(Math.abs(approximate)));
  const fixed = roundNumeric(v, digits).unscaled;
  return roundNumeric(new Numeric(expFixed(fixed, digits), digits), significant);
}

const lnCache = new Map<number, bigint>();
function lnTwo(digits: number): bigint {
  let cached = lnCache.get(digits);
  if (cached === undefined) {
    const unit = pow10(digits + 6);
    cached = (2n * atanh(unit / 3n, unit)) / pow10(6);
    if (lnCache.size > 64) lnCache.clear();
    lnCache.set(digits, cached);
  }
  return cached;
}
function atanh(z: bigint, unit: bigint): bigint {
  const square = (z * z) / unit;
  let sum = z;
  let term = z;
  for (let n = 3n; term !== 0n; n += 2n) {
    term = (term * square) / unit;
    sum += term / n;
  }
  return sum;
}

/** ln of a positive value, fixed point with `digits` decimals. */
function lnFixed(v: Numeric, digits: number): bigint {
  const unit = pow10(digits);
  let x = v.scale <= digits ? v.unscaled * pow10(digits - v.scale) : v.unscaled;
  let base = v.scale <= digits ? unit : pow10(v.scale);
  // x / base = 2^k · m with m in [1/√2, √2).
  let k = x.toString(2).length - base.toString(2).length;
  if (k > 0) base <<= BigInt(k);
  else x <<= BigInt(-k);
  if (x * x > 2n * base * base) {
    base <<= 1n;
    k++;
  } else if (2n * x * x < base * base) {
    x <<= 1n;
    k--;
  }
  const z = ((x - base) * unit) / (x + base);
  return 2n * atanh(z, unit) + BigInt(k) * lnTwo(digits);
}

/** Weight and value of the first group in base 10000. */
function leadingGroup(unscaled: bigint, scale: number): { weight: number; group: number } {
  const text = (unscaled < 0n ? -unscaled : unscaled).toString();
  const exponent = text.length - scale;
  const weight = Math.ceil(exponent / 4) - 1;
  const digits = exponent - weight * 4;
  return { weight, group: Number(text.slice(0, digits).padEnd(digits, '0')) };
}

/** Decimal weight of ln(v), by which its display scale is chosen. */
function lnWeight(v: Numeric): number {
  const digits = digitCount(v.unscaled) - v.scale;
  if (compareNumeric(v, new Numeric(9n, 1)) >= 0 && compareNumeric(v, new Numeric(11n, 1)) <= 0) {
    const difference = v.unscaled - pow10(v.scale);
    if (difference === 0n) return 0;
    const top = leadingGroup(difference, v.scale);
    return top.weight * 4 + Math.trunc(Math.log10(top.group));
  }
  const top = (v.unscaled.toString() + '000000000000000').slice(0, 15);
  const ln = Math.log(Number(top) / 1e15) + digits * Math.LN10;
  return Math.trunc(Math.log10(Math.abs(ln)));
}

function positive(v: Numeric): void {
  if (v.kind === '-inf' || (v.kind === 'finite' && v.unscaled < 0n))
    throw sqlError('2201E', 'cannot take logarithm of a negative number');
  if (v.kind === 'finite' && v.unscaled === 0n) throw sqlError('2201E', 'cannot take logarithm of zero');
}

export function lnNumeric(v: Numeric): Numeric {
  positive(v);
  if (v.kind !== 'finite') return v;
  const scale = clampScale(Math.max(MIN_SIGNIFICANT_DIGITS - lnWeight(v), v.scale));
  const digits = scale + GUARD;
  return roundNumeric(new Numeric(lnFixed(v, digits), digits), scale);
}

export function logNumeric(base: Numeric, v: Numeric): Numeric {
  if (base.kind === 'nan' || v.kind === 'nan') return NUMERIC_NAN;
  positive(base);
  positive(v);
  if (base.kind !== 'finite' || v.kind !== 'finite') {
    return v.kind === 'inf' ? (base.kind === 'inf' ? NUMERIC_NAN : NUMERIC_INF) : NUMERIC_ZERO;
  }
  const baseWeight = lnWeight(base);
  const weight = lnWeight(v);
  const scale = clampScale(Math.max(MIN_SIGNIFICANT_DIGITS - (weight - baseWeight), base.scale, v.scale));
  const digits = scale + GUARD + Math.max(0, -weight) + Math.max(0, -baseWeight);
  const lnBase = lnFixed(base, digits);
  if (lnBase === 0n) throw sqlError('22012', 'division by zero');
  return divideToScale(new Numeric(lnFixed(v, digits), digits), new Numeric(lnBase, digits), scale);
}

export function powerNumeric(a: Numeric, b: Numeric): Numeric {
  if (a.kind !== 'finite' || b.kind !== 'finite') return powerSpecial(a, b);
  if (a.unscaled === 0n && b.unscaled < 0n) throw sqlError('2201F', 'zero raised to a negative power is undefined');
  const whole = truncNumeric(b, 0);
  const integral = compareNumeric(whole, b) === 0;
  if (a.unscaled < 0n && !integral) {
    throw sqlError('2201F', 'a negative number raised to a non-integer power yields a complex result');
  }
  if (integral && whole.unscaled >= -2147483648n && whole.unscaled <= 2147483647n)
    return powerInteger(a, Number(whole.unscaled), a.scale);
  if (a.unscaled === 0n) return new Numeric(0n, MIN_SIGNIFICANT_DIGITS);
  const magnitude = a.unscaled < 0n ? negateNumeric(a) : a;
  const natural = roughExponent(magnitude, b);
  // Where exp() ends.
  if (natural >= 6000) throw numericOverflow();
  const rough = natural * 0.434294481903252;
  const scale = clampScale(Math.max(MIN_SIGNIFICANT_DIGITS - Math.trunc(rough), a.scale, b.scale));
  if (rough < -SCALE_MAX - 20) return new Numeric(0n, scale);
  const digits = scale + GUARD + Math.ceil(Math.abs(rough)) + digitCount(whole.unscaled);
  const exponent = roundNumeric(multiplyNumeric(b, new Numeric(lnFixed(magnitude, digits), digits)), digits).unscaled;
  const result = roundNumeric(new Numeric(expFixed(exponent, digits), digits), scale);
  return a.unscaled < 0n && whole.unscaled % 2n !== 0n ? negateNumeric(result) : result;
}

/** b · ln(a), to a few digits also where a is next to 1 and b beyond a float. */
function roughExponent(a: Numeric, b: Numeric): number {
  let digits = 30;
  let ln = lnFixed(a, digits);
  if (ln > -1_000_000_000_000n && ln < 1_000_000_000_000n) {
    digits += a.scale;
    ln = lnFixed(a, digits);
  }
  return numericToFloat(new Numeric(b.unscaled * ln, b.scale + digits));
}

function powerInteger(a: Numeric, n: number, leastScale: number): Numeric {
  const scale = clampScale(Math.max(leastScale, MIN_SIGNIFICANT_DIGITS));
  if (n === 0) return roundNumeric(ONE, scale);
  const approximate =
    a.unscaled === 0n
      ? 0
      : n *
        (Math.log10(Number(a.unscaled.toString().replace('-', '').slice(0, 15).padEnd(15, '0')) / 1e14) +
          digitCount(a.unscaled) -
          1 -
          a.scale);
  if (n === 1) return roundNumeric(a, scale);
  if (n === 2) return roundRaw(multiplyRaw(a, a), scale);
  if (n === -1) return divideToScale(ONE, a, scale);
  if (approximate > 131072) throw numericOverflow();
  if (approximate < -SCALE_MAX - 20) return new Numeric(0n, scale);
  // Squares, rounded to enough significant digits that n multiplications cannot show.
  const significant = scale + Math.max(0, Math.ceil(approximate)) + GUARD + String(Math.abs(n)).length;
  let result = ONE;
  let square = a;
  for (let rest = Math.abs(n); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = shorten(multiplyRaw(result, square), significant);
    if (rest > 1) square = shorten(multiplyRaw(square, square), significant);
  }
  return n > 0 ? roundRaw(result, scale) : divideRaw(result, scale);
}

function multiplyRaw(a: Numeric, b: Numeric): Numeric {
  return new Numeric(a.unscaled * b.unscaled, a.scale + b.scale);
}
function shorten(v: Numeric, significant: number): Numeric {
  const surplus = digitCount(v.unscaled) - significant;
  return surplus > 0 ? new Numeric(v.unscaled / pow10(surplus), v.scale - surplus) : v;
}
function roundRaw(v: Numeric, scale: number): Numeric {
  return v.scale < 0 ? roundNumeric(new Numeric(v.unscaled * pow10(-v.scale), 0), scale) : roundNumeric(v, scale);
}
function divideRaw(v: Numeric, scale: number): Numeric {
  return v.scale < 0
    ? divideToScale(ONE, new Numeric(v.unscaled * pow10(-v.scale), 0), scale)
    : divideToScale(ONE, v, scale);
}

function powerSpecial(a: Numeric, b: Numeric): Numeric {
  const x = numericToFloat(a);
  const y = numericToFloat(b);
  if (y === 0 || x === 1) return ONE;
  if (a.kind === 'nan' || b.kind === 'nan') return NUMERIC_NAN;
  if (x === 0 && y < 0) throw sqlError('2201F', 'zero raised to a negative power is undefined');
  if (
    a.kind === '-inf' &&
    b.kind === 'finite' &&
    truncNumeric(b, 0).scale !== b.scale &&
    compareNumeric(truncNumeric(b, 0), b) !== 0
  ) {
    throw sqlError('2201F', 'a negative number raised to a non-integer power yields a complex result');
  }
  const result = x === -1 ? 1 : Math.pow(x, y);
  return result === Infinity ? NUMERIC_INF : result === -Infinity ? NUMERIC_NEG_INF : numericFromInt(result);
}
