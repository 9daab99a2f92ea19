/**
 * Exact decimal arithmetic with PostgreSQL's display scales (numeric.c's rules, from its documented and
 * observed behaviour). A value is unscaled / 10^scale. Limits: 131072 digits before the point and 16383
 * after it, as in PostgreSQL; beyond them 22003 "value overflows numeric format".
 */
import { sqlError } from '../../base/errors.js';
import { Numeric } from './datum.js';

export const NUMERIC_NAN = new Numeric(0n, 0, 'nan');
export const NUMERIC_INF = new Numeric(0n, 0, 'inf');
export const NUMERIC_NEG_INF = new Numeric(0n, 0, '-inf');
export const NUMERIC_ZERO = new Numeric(0n, 0);

const MAX_DIGITS = 131072;
const MAX_SCALE = 16383;
/** Digits that a division or a transcendental function gives at least. */
export const MIN_SIGNIFICANT_DIGITS = 16;
const MAX_DISPLAY_SCALE = 1000;

const POWERS: bigint[] = [1n];
/** The last one that took long: of 10^100000 some milliseconds. */
let largePower: { readonly n: number; readonly value: bigint } = { n: 0, value: 1n };

export function pow10(n: number): bigint {
  if (n < 256) {
    while (POWERS.length <= n) POWERS.push(POWERS[POWERS.length - 1]! * 10n);
    return POWERS[n]!;
  }
  if (n < 4096) return 10n ** BigInt(n);
  if (largePower.n !== n) largePower = { n, value: 10n ** BigInt(n) };
  return largePower.value;
}

export function numericOverflow(): Error {
  return sqlError('22003', 'value overflows numeric format');
}

export function divisionByZero(): Error {
  return sqlError('22012', 'division by zero');
}

/** Number of decimal digits of |v|; 0 for zero. */
export function digitCount(v: bigint): number {
  if (v === 0n) return 0;
  return (v < 0n ? -v : v).toString().length;
}

export function numericFromBigInt(v: bigint): Numeric {
  return new Numeric(v, 0);
}
export function numericFromInt(v: number): Numeric {
  return new Numeric(BigInt(v), 0);
}

/** Divides rounding half away from zero. */
export function divideRounded(a: bigint, b: bigint): bigint {
  const negative = a < 0n !== b < 0n;
  const x = a < 0n ? -a : a;
  const y = b < 0n ? -b : b;
  const q = (2n * x + y) / (2n * y);
  return negative ? -q : q;
}

export function roundNumeric(v: Numeric, scale: number): Numeric {
  if (v.kind !== 'finite') return v;
  const target = Math.max(-MAX_DIGITS - 1, Math.min(MAX_SCALE, scale));
  if (target === v.scale) return v;
  if (target > v.scale) return new Numeric(v.unscaled * pow10(target - v.scale), target);
  if (target >= 0) return new Numeric(divideRounded(v.unscaled, pow10(v.scale - target)), target);
  const units = v.scale - target;
  if (digitCount(v.unscaled) < units) return NUMERIC_ZERO;
  return checked(new Numeric(divideRounded(v.unscaled, pow10(units)) * pow10(-target), 0));
}

export function truncNumeric(v: Numeric, scale: number): Numeric {
  if (v.kind !== 'finite') return v;
  const target = Math.max(-MAX_DIGITS - 1, Math.min(MAX_SCALE, scale));
  if (target >= v.scale) return roundNumeric(v, target);
  if (target >= 0) return new Numeric(v.unscaled / pow10(v.scale - target), target);
  const units = v.scale - target;
  if (digitCount(v.unscaled) < units) return NUMERIC_ZERO;
  return new Numeric((v.unscaled / pow10(units)) * pow10(-target), 0);
}

export function checked(v: Numeric): Numeric {
  // 2^435411 < 10^131072: the shift is a cheap test before the exact one.
  if (v.scale > MAX_SCALE) return roundNumeric(v, MAX_SCALE);
  const magnitude = v.unscaled < 0n ? -v.unscaled : v.unscaled;
  if (magnitude >> 435_000n > 0n && digitCount(v.unscaled) - v.scale > MAX_DIGITS) throw numericOverflow();
  return v;
}

function toSpecial(v: Numeric): number {
  return v.kind === 'nan' ? NaN : v.kind === 'inf' ? Infinity : v.kind === '-inf' ? -Infinity : sign(v);
}
function sign(v: Numeric): number {
  return v.unscaled > 0n ? 1 : v.unscaled < 0n ? -1 : 0;
}
function fromSpecial(n: number): Numeric {
  return Number.isNaN(n)
    ? NUMERIC_NAN
    : n === Infinity
      ? NUMERIC_INF
      : n === -Infinity
        ? NUMERIC_NEG_INF
        : NUMERIC_ZERO;
}
function special(a: Numeric, b: Numeric): boolean {
  return a.kind !== 'finite' || b.kind !== 'finite';
}

export function addNumeric(a: Numeric, b: Numeric): Numeric {
  if (special(a, b)) {
    const x = toSpecial(a) * (a.kind === 'finite' ? 0 : 1);
    const y = toSpecial(b) * (b.kind === 'finite' ? 0 : 1);
    return fromSpecial(x + y);
  }
  return checked(addExactly(a, b));
}

/** Sums and products of finite values beyond what a column can hold: those that aggregates keep. */
export function addExactly(a: Numeric, b: Numeric): Numeric {
  if (special(a, b)) return addNumeric(a, b);
  if (a.scale === b.scale) return new Numeric(a.unscaled + b.unscaled, a.scale);
  return a.scale > b.scale
    ? new Numeric(a.unscaled + b.unscaled * pow10(a.scale - b.scale), a.scale)
    : new Numeric(a.unscaled * pow10(b.scale - a.scale) + b.unscaled, b.scale);
}
export function multiplyExactly(a: Numeric, b: Numeric): Numeric {
  if (special(a, b)) return multiplyNumeric(a, b);
  return new Numeric(a.unscaled * b.unscaled, a.scale + b.scale);
}

export function negateNumeric(v: Numeric): Numeric {
  if (v.kind === 'finite') return new Numeric(-v.unscaled, v.scale);
  return fromSpecial(-toSpecial(v));
}

export function subtractNumeric(a: Numeric, b: Numeric): Numeric {
  return addNumeric(a, negateNumeric(b));
}

export function multiplyNumeric(a: Numeric, b: Numeric): Numeric {
  if (special(a, b)) return fromSpecial(toSpecial(a) * toSpecial(b));
  return checked(multiplyExactly(a, b));
}

/** Weight and first digit in base 10000, from which the scale of a quotient follows. */
function leading(v: Numeric): { weight: number; digit: number } {
  if (v.unscaled === 0n) return { weight: 0, digit: 0 };
  const text = (v.unscaled < 0n ? -v.unscaled : v.unscaled).toString();
  const exponent = text.length - v.scale;
  const weight = Math.ceil(exponent / 4) - 1;
  const digits = exponent - weight * 4;
  return { weight, digit: Number(text.slice(0, digits).padEnd(digits, '0')) };
}

export function divisionScale(a: Numeric, b: Numeric): number {
  const x = leading(a);
  const y = leading(b);
  let weight = x.weight - y.weight;
  if (x.digit <= y.digit) weight--;
  const scale = Math.max(MIN_SIGNIFICANT_DIGITS - weight * 4, a.scale, b.scale, 0);
  return Math.min(scale, MAX_DISPLAY_SCALE);
}

export function divideNumeric(a: Numeric, b: Numeric): Numeric {
  if (special(a, b)) {
    if (a.kind === 'nan' || b.kind === 'nan') return NUMERIC_NAN;
    if (b.kind === 'finite') {
      if (b.unscaled === 0n) throw divisionByZero();
      return fromSpecial(toSpecial(a) * toSpecial(b));
    }
    return a.kind === 'finite' ? NUMERIC_ZERO : NUMERIC_NAN;
  }
  if (b.unscaled === 0n) throw divisionByZero();
  return checked(divideToScale(a, b, divisionScale(a, b)));
}

export function divideToScale(a: Numeric, b: Numeric, scale: number): Numeric {
  const shift = scale + b.scale - a.scale;
  return shift >= 0
    ? new Numeric(divideRounded(a.unscaled * pow10(shift), b.unscaled), scale)
    : new Numeric(divideRounded(a.unscaled, b.unscaled * pow10(-shift)), scale);
}

/** div(): the integer quotient, towards zero. */
export function divideInteger(a: Numeric, b: Numeric): Numeric {
  if (special(a, b)) return divideNumeric(a, b);
  if (b.unscaled === 0n) throw divisionByZero();
  const scale = Math.max(a.scale, b.scale);
  return new Numeric(roundNumeric(a, scale).unscaled / roundNumeric(b, scale).unscaled, 0);
}

export function remainderNumeric(a: Numeric, b: Numeric): Numeric {
  if (special(a, b)) {
    if (a.kind === 'nan' || b.kind === 'nan') return NUMERIC_NAN;
    if (a.kind !== 'finite') {
      if (b.kind === 'finite' && b.unscaled === 0n) throw divisionByZero();
      return NUMERIC_NAN;
    }
    return a;
  }
  if (b.unscaled === 0n) throw divisionByZero();
  const scale = Math.max(a.scale, b.scale);
  return new Numeric(roundNumeric(a, scale).unscaled % roundNumeric(b, scale).unscaled, scale);
}

export function absNumeric(v: Numeric): Numeric {
  return v.kind === '-inf' ? NUMERIC_INF : v.unscaled < 0n ? negateNumeric(v) : v;
}

export function signNumeric(v: Numeric): Numeric {
  return v.kind === 'nan' ? v : numericFromInt(toSpecial(v) > 0 ? 1 : toSpecial(v) < 0 ? -1 : 0);
}

export function floorNumeric(v: Numeric): Numeric {
  if (v.kind !== 'finite' || v.scale === 0) return v;
  const unit = pow10(v.scale);
  const q = v.unscaled / unit;
  return new Numeric(v.unscaled < 0n && q * unit !== v.unscaled ? q - 1n : q, 0);
}

export function ceilNumeric(v: Numeric): Numeric {
  return negateNumeric(floorNumeric(negateNumeric(v)));
}

const KIND_ORDER = { '-inf': 0, finite: 1, inf: 2, nan: 3 } as const;

export function compareNumeric(a: Numeric, b: Numeric): number {
  if (special(a, b)) return Math.sign(KIND_ORDER[a.kind] - KIND_ORDER[b.kind]);
  let x = a.unscaled;
  let y = b.unscaled;
  if (a.scale < b.scale) x *= pow10(b.scale - a.scale);
  else if (a.scale > b.scale) y *= pow10(a.scale - b.scale);
  return x < y ? -1 : x > y ? 1 : 0;
}

export function formatNumeric(v: Numeric): string {
  if (v.kind !== 'finite') return v.kind === 'nan' ? 'NaN' : v.kind === 'inf' ? 'Infinity' : '-Infinity';
  const text = v.unscaled.toString();
  if (v.scale === 0) return text;
  const negative = text.charCodeAt(0) === 45;
  const digits = (negative ? text.slice(1) : text).padStart(v.scale + 1, '0');
  const point = digits.length - v.scale;
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Equal values have the same string, whatever their display scales. */
export function numericHashKey(v: Numeric): string {
  if (v.kind !== 'finite') return v.kind;
  if (v.unscaled === 0n) return '0';
  let text = v.unscaled.toString();
  let end = text.length;
  while (text.charCodeAt(end - 1) === 48) end--;
  const exponent = text.length - end - v.scale;
  text = text.slice(0, end);
  return `${text}e${exponent}`;
}

/** Least scale that shows the value exactly. */
export function minScale(v: Numeric): number {
  let scale = v.scale;
  let rest = v.unscaled;
  while (scale > 0 && rest % 10n === 0n) {
    rest /= 10n;
    scale--;
  }
  return scale;
}

const NUMBER = /^[ \t\n\r\v\f]*([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?[ \t\n\r\v\f]*$/;
const SPECIAL = /^[ \t\n\r\v\f]*(nan|[+-]?inf(?:inity)?)[ \t\n\r\v\f]*$/i;

/** Digits that a double holds exactly. */
const SHORT = 15;
const PLAIN_INTEGER = /^-?\d+$/;

/** null if it is no number at all. */
export function parseNumeric(text: string): Numeric | null {
  if (text.length <= SHORT && PLAIN_INTEGER.test(text)) return new Numeric(BigInt(Number(text)), 0);
  const match = NUMBER.exec(text);
  if (match === null) {
    const word = SPECIAL.exec(text);
    if (word === null) return null;
    const name = word[1]!.toLowerCase();
    return name === 'nan' ? NUMERIC_NAN : name.startsWith('-') ? NUMERIC_NEG_INF : NUMERIC_INF;
  }
  const whole = match[2] ?? '';
  const fraction = match[3] ?? match[4] ?? '';
  const digits = (whole + fraction).replace(/^0+/, '');
  // Whatever the exponent is, this has too many digits before or behind the point.
  if (digits.length > MAX_DIGITS + MAX_SCALE) throw numericOverflow();
  let unscaled = BigInt(digits);
  let scale = fraction.length;
  if (match[5] !== undefined) {
    const exponent = Number(match[5]);
    if (Math.abs(exponent) >= 1_073_741_823) throw numericOverflow();
    if (exponent > MAX_DIGITS + scale || exponent < -MAX_SCALE - MAX_DIGITS) {
      if (exponent > 0 && unscaled === 0n) return NUMERIC_ZERO;
      throw numericOverflow();
    }
    scale -= exponent;
    if (scale < 0) {
      unscaled *= pow10(-scale);
      scale = 0;
    }
  }
  if (scale > MAX_SCALE) throw numericOverflow();
  if (match[1] === '-') unscaled = -unscaled;
  return checked(new Numeric(unscaled, scale));
}

/** Shortest digits of a double (15 significant, as PostgreSQL's float8 → numeric) made exact. */
export function numericFromFloat(n: number, digits: number): Numeric {
  if (Number.isNaN(n)) return NUMERIC_NAN;
  if (!Number.isFinite(n)) return n > 0 ? NUMERIC_INF : NUMERIC_NEG_INF;
  const text = n.toPrecision(digits);
  const value = parseNumeric(text.includes('e') ? text.replace('e+', 'e') : text) as Numeric;
  return trimScale(value);
}

export function trimScale(v: Numeric): Numeric {
  const scale = minScale(v);
  return scale === v.scale ? v : new Numeric(v.unscaled / pow10(v.scale - scale), scale);
}

export function numericToFloat(v: Numeric): number {
  if (v.kind !== 'finite') return toSpecial(v);
  return Number(formatNumeric(v));
}

/** Rounded to an integer. */
export function numericToBigInt(v: Numeric): bigint {
  return v.scale === 0 ? v.unscaled : divideRounded(v.unscaled, pow10(v.scale));
}

/** typmod of numeric(p, s): null if it has none. */
export function numericTypmod(typmod: number): { precision: number; scale: number } | null {
  if (typmod < 4) return null;
  const packed = typmod - 4;
  const scale = packed & 0x7ff;
  return { precision: (packed >> 16) & 0xffff, scale: scale >= 1024 ? scale - 2048 : scale };
}

export function applyNumericTypmod(v: Numeric, typmod: number): Numeric {
  const limit = numericTypmod(typmod);
  if (limit === null || v.kind === 'nan') return v;
  const { precision, scale } = limit;
  const room = precision - scale;
  if (v.kind !== 'finite') {
    throw sqlError('22003', 'numeric field overflow', {
      detail: `A field with precision ${precision}, scale ${scale} cannot hold an infinite value.`,
    });
  }
  const rounded = scale < 0 ? new Numeric(roundNumeric(v, scale).unscaled, 0) : roundNumeric(v, scale);
  if (digitCount(rounded.unscaled) > precision + Math.max(0, -scale)) {
    throw sqlError('22003', 'numeric field overflow', {
      detail: `A field with precision ${precision}, scale ${scale} must round to an absolute value less than ${room === 0 ? '1' : `10^${room}`}.`,
    });
  }
  return rounded;
}

const BASE = 10000n;

/** Wire format: digit groups of base 10000. */
export function sendNumeric(v: Numeric): Buffer {
  if (v.kind !== 'finite') {
    const out = Buffer.alloc(8);
    out.writeUInt16BE(v.kind === 'nan' ? 0xc000 : v.kind === 'inf' ? 0xd000 : 0xf000, 4);
    // The scale of an infinity says nothing; PostgreSQL sends this.
    if (v.kind !== 'nan') out.writeUInt16BE(0x20, 6);
    return out;
  }
  const negative = v.unscaled < 0n;
  const pad = (4 - (v.scale % 4)) % 4;
  let rest = (negative ? -v.unscaled : v.unscaled) * pow10(pad);
  const groups: number[] = [];
  while (rest > 0n) {
    groups.push(Number(rest % BASE));
    rest /= BASE;
  }
  const fractionGroups = (v.scale + pad) / 4;
  const weight = groups.length === 0 ? 0 : groups.length - fractionGroups - 1;
  let first = 0;
  while (first < groups.length && groups[first] === 0) first++;
  const used = groups.slice(first).reverse();
  const out = Buffer.alloc(8 + used.length * 2);
  out.writeUInt16BE(used.length, 0);
  out.writeInt16BE(weight, 2);
  out.writeUInt16BE(negative ? 0x4000 : 0, 4);
  out.writeUInt16BE(v.scale, 6);
  used.forEach((group, i) => out.writeUInt16BE(group, 8 + i * 2));
  return out;
}

export function receiveNumeric(b: Buffer): Numeric {
  if (b.length < 8) throw sqlError('08P01', 'insufficient data left in message');
  const count = b.readUInt16BE(0);
  const weight = b.readInt16BE(2);
  const signBits = b.readUInt16BE(4);
  const scale = b.readUInt16BE(6);
  if (b.length !== 8 + count * 2) throw sqlError('08P01', 'insufficient data left in message');
  if (signBits === 0xc000) return NUMERIC_NAN;
  if (signBits === 0xd000) return NUMERIC_INF;
  if (signBits === 0xf000) return NUMERIC_NEG_INF;
  if (signBits !== 0 && signBits !== 0x4000) throw sqlError('22P03', 'invalid sign in external "numeric" value');
  if (scale > MAX_SCALE) throw sqlError('22P03', 'invalid scale in external "numeric" value');
  let value = 0n;
  for (let i = 0; i < count; i++) {
    const group = b.readUInt16BE(8 + i * 2);
    if (group >= 10000) throw sqlError('22P03', 'invalid digit in external "numeric" value');
    value = value * BASE + BigInt(group);
  }
  const exponent = (weight - count + 1) * 4;
  const raw = exponent >= 0 ? new Numeric(value * pow10(exponent), 0) : new Numeric(value, -exponent);
  const result = truncNumeric(raw, scale);
  return signBits === 0x4000 ? negateNumeric(result) : result;
}
