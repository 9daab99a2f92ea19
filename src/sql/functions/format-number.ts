/**
 * to_char of numbers. The number is rounded to the template's places and written as digits; then each pattern takes
 * its part of them. The sign goes where the digits begin, unless the template has a place for it.
 */
import { sqlError } from '../../base/errors.js';
import { Numeric } from '../types/datum.js';
import {
  divideToScale,
  formatNumeric,
  multiplyNumeric,
  numericFromBigInt,
  numericToBigInt,
  pow10,
  roundNumeric,
} from '../types/numeric.js';
import { type NumberNode, type NumberTemplate, parseNumberTemplate } from './number-templates.js';
import { ordinalOf } from './format-moment.js';

const ROMAN_WIDTH = 15;

/** What the patterns write. */
interface Digits {
  readonly text: string;
  readonly sign: '+' | '-' | '';
  /** Places of the template before the number's first digit. */
  readonly ahead: number;
  /** Places after V count as whole ones; a float has no more fraction than it has digits. */
  readonly whole: number;
  readonly fraction: number;
}

class NumberWriter {
  readonly #t: NumberTemplate;
  readonly #d: Digits;
  readonly #anchored: NumberTemplate['anchored'];
  readonly #brackets: boolean;
  /** With FM: the place of the last digit that is not a 0 too many; the point's if there is none; −1 without FM. */
  readonly #last: number;
  #signDone: boolean;
  readonly #places: number;
  #out = '';
  /** Digits taken. */
  #at = 0;
  /** Places done. */
  #place = 0;
  /** The last place has a digit. */
  #begun = false;

  constructor(template: NumberTemplate, digits: Digits) {
    this.#t = template;
    this.#d = digits;
    const { fill, plus, minus, roman } = template;
    const { sign, ahead } = digits;
    const own = !roman && (plus || minus);
    this.#brackets = template.brackets && (own || sign === '-' || !fill) && !roman;
    let anchored = roman ? null : template.anchored;
    if (own) this.#signDone = minus;
    else {
      this.#signDone = sign === '+' && fill && anchored === null;
      if (anchored === 'before' && digits.whole === template.beforeSign) anchored = 'after';
    }
    this.#anchored = anchored;
    this.#last = fill && template.point && !roman ? this.#lastRelevant() : -1;
    this.#places = digits.fraction + digits.whole - 1 + (!this.#signDone && ahead === 0 ? 1 : 0);
  }

  #lastRelevant(): number {
    const { text, ahead } = this.#d;
    let last = text.indexOf('.');
    if (last < 0) return -1;
    for (let i = last + 1; i < text.length; i++) if (text[i] !== '0') last = i;
    if (this.#t.lastZero <= ahead) return last;
    return Math.max(last, Math.min(text.length - 1, this.#t.lastZero - ahead));
  }

  write(): string {
    for (const node of this.#t.nodes) {
      if (node.kind === 'char') this.#out += node.text;
      else this.#pattern(node);
    }
    // A place without a digit ends the text.
    const end = this.#out.indexOf('\0');
    return end < 0 ? this.#out : this.#out.slice(0, end);
  }

  #pattern({ pattern, lower }: NumberNode & { kind: 'pattern' }): void {
    const { fill, roman, point } = this.#t;
    const { sign, text } = this.#d;
    switch (pattern) {
      case '9':
      case '0':
      case '.':
      case 'D':
        if (!roman) this.#digit(pattern === '0');
        break;
      case ',':
      case 'G':
        this.#out += this.#begun ? ',' : fill ? '' : ' ';
        break;
      case 'L':
        this.#out += ' ';
        break;
      case 'RN':
        this.#out += (lower ? text.toLowerCase() : text).padStart(fill ? 0 : ROMAN_WIDTH);
        break;
      case 'TH':
        if (!roman && !text.startsWith('#') && sign !== '-' && !point) {
          this.#out += ordinalOf(text, lower ? 'th' : 'TH');
        }
        break;
      case 'MI':
        this.#out += sign === '-' ? '-' : fill ? '' : ' ';
        break;
      case 'PL':
        this.#out += sign === '+' ? '+' : fill ? '' : ' ';
        break;
      case 'SG':
        this.#out += sign === '' ? '\0' : sign;
    }
  }

  /** A whole part of nothing but 0 is not shown before a point. */
  #isBareZero(): boolean {
    return this.#t.firstZero < 0 && this.#at === 0 && this.#d.text[0] === '0' && this.#d.fraction !== 0;
  }
  #endsInPoint(): boolean {
    return this.#last >= 0 && this.#d.text[this.#last] === '.';
  }

  #digit(isZero: boolean): void {
    const { firstZero, fill } = this.#t;
    const place = this.#place++;
    this.#begun = false;
    if (!this.#signDone && (place >= this.#d.ahead || firstZero === place)) {
      if (!this.#isBareZero() || this.#endsInPoint()) this.#leadingSign();
    }
    if (place < this.#d.ahead) {
      const padded = firstZero >= 0 && firstZero <= place;
      if (padded) this.#begun = true;
      this.#out += padded ? '0' : fill ? '' : ' ';
    } else this.#figure(isZero);
    let end = this.#places + (this.#d.ahead > 0 ? 1 : 0) + (this.#t.point ? 1 : 0);
    if (this.#last >= 0 && this.#last === this.#at) end = place;
    if (place + 1 === end) this.#trailingSign();
  }

  #leadingSign(): void {
    const negative = this.#d.sign === '-';
    if (this.#anchored !== null) {
      if (this.#anchored === 'after') return;
      this.#out += negative ? '-' : '+';
    } else if (this.#brackets) this.#out += negative ? '<' : ' ';
    else this.#out += negative ? '-' : this.#t.fill ? '' : ' ';
    this.#signDone = true;
  }

  #trailingSign(): void {
    const negative = this.#d.sign === '-';
    if (this.#signDone && this.#brackets) this.#out += negative ? '>' : ' ';
    else if (this.#anchored === 'after') this.#out += negative ? '-' : '+';
  }

  #figure(isZero: boolean): void {
    const { text } = this.#d;
    const c = text[this.#at] ?? '\0';
    if (c === '.') {
      if (!this.#endsInPoint() || this.#t.fill) this.#out += '.';
    } else if (this.#last >= 0 && this.#at > this.#last && !isZero) {
      // Zeros that FM leaves out.
    } else if (this.#isBareZero()) {
      if (!this.#t.fill) this.#out += ' ';
      else if (this.#endsInPoint()) this.#out += '0';
    } else {
      this.#out += c;
      this.#begun = true;
    }
    if (this.#at < text.length) this.#at++;
  }
}

const ROMAN: readonly (readonly [number, string])[] = [
  [1000, 'M'],
  [900, 'CM'],
  [500, 'D'],
  [400, 'CD'],
  [100, 'C'],
  [90, 'XC'],
  [50, 'L'],
  [40, 'XL'],
  [10, 'X'],
  [9, 'IX'],
  [5, 'V'],
  [4, 'IV'],
  [1, 'I'],
];
function romanText(n: number): string {
  if (!(n >= 1 && n <= 3999)) return '#'.repeat(ROMAN_WIDTH);
  let out = '';
  let rest = n;
  for (const [value, text] of ROMAN) {
    for (; rest >= value; rest -= value) out += text;
  }
  return out;
}

/** The number as it is after rounding, into the template's places; # in all of them if it has more digits. */
function laidOut(template: NumberTemplate, number: string, whole: number, fraction: number): string {
  const sign = number.startsWith('-') ? '-' : '+';
  let text = sign === '-' ? number.slice(1) : number;
  const point = text.indexOf('.');
  const length = point < 0 ? text.length : point;
  if (length > whole) text = `${'#'.repeat(whole)}.${'#'.repeat(fraction)}`;
  return new NumberWriter(template, { text, sign, ahead: Math.max(0, whole - length), whole, fraction }).write();
}
function inRoman(template: NumberTemplate, n: number): string {
  return new NumberWriter(template, { text: romanText(n), sign: '', ahead: 0, whole: 0, fraction: 0 }).write();
}
/** With # in place of all digits, for what is no number. */
function noExponent({ whole, fraction }: NumberTemplate): string {
  return ` ${'#'.repeat(whole)}.${'#'.repeat(fraction + 4)}`;
}
function exponentText(exponent: number): string {
  return `e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** One digit before the point; two when rounding makes a 10 of it. */
function scientificNumeric(v: Numeric, template: NumberTemplate): string {
  if (v.kind !== 'finite') return noExponent(template);
  const digits = String(v.unscaled < 0n ? -v.unscaled : v.unscaled).length;
  const exponent = v.unscaled === 0n ? 0 : digits - 1 - v.scale;
  const power = exponent < 0 ? new Numeric(1n, -exponent) : numericFromBigInt(pow10(exponent));
  const mantissa = formatNumeric(divideToScale(v, power, template.fraction));
  const text = mantissa + exponentText(exponent);
  return text.startsWith('-') ? text : ` ${text}`;
}

export function formatNumericBy(v: Numeric, text: string): string {
  if (text === '') return '';
  const t = parseNumberTemplate(text);
  if (t.roman) return inRoman(t, toInt4(v));
  if (t.scientific) return scientificNumeric(v, t);
  const shifted = t.shifted ? multiplyNumeric(v, numericFromBigInt(pow10(t.shift))) : v;
  return laidOut(t, formatNumeric(roundNumeric(shifted, t.fraction)), t.whole + t.shift, t.fraction);
}
function toInt4(v: Numeric): number {
  const [what, limit] = ['integer', 2147483648n] as const;
  if (v.kind === 'nan') throw sqlError('0A000', `cannot convert NaN to ${what}`);
  if (v.kind !== 'finite') throw sqlError('0A000', `cannot convert infinity to ${what}`);
  const n = numericToBigInt(roundNumeric(v, 0));
  if (n < -limit || n >= limit) throw sqlError('22003', `${what} out of range`);
  return Number(n);
}

export function formatInt4By(v: number, text: string): string {
  if (text === '') return '';
  const t = parseNumberTemplate(text);
  if (t.roman) return inRoman(t, v);
  if (t.scientific) return scientificFloat(v, t);
  // The product wraps around.
  const factor = t.shift > 9 ? -2147483648 : 10 ** t.shift;
  return wholeText(t, String(t.shifted ? Math.imul(v, factor) : v));
}
export function formatInt8By(v: bigint, text: string): string {
  if (text === '') return '';
  const t = parseNumberTemplate(text);
  if (t.roman) return inRoman(t, toInt4(numericFromBigInt(v)));
  if (t.scientific) return scientificNumeric(numericFromBigInt(v), t);
  const shifted = t.shifted ? v * pow10(t.shift) : v;
  if (BigInt.asIntN(64, shifted) !== shifted || t.shift > 18) throw sqlError('22003', 'bigint out of range');
  return wholeText(t, String(shifted));
}
function wholeText(t: NumberTemplate, number: string): string {
  const text = t.fraction > 0 ? `${number}.${'0'.repeat(t.fraction)}` : number;
  return laidOut(t, text, t.whole + t.shift, t.fraction);
}

// ---- floating point ----

const bits = new DataView(new ArrayBuffer(8));
/** The number that the bits stand for, to its last digit. */
function exactly(x: number): Numeric {
  bits.setFloat64(0, x);
  const raw = bits.getBigUint64(0);
  const exponent = Number((raw >> 52n) & 0x7ffn);
  const fraction = raw & 0xfffffffffffffn;
  const mantissa = (exponent === 0 ? fraction : fraction | 0x10000000000000n) * (raw >> 63n === 1n ? -1n : 1n);
  const power = Math.max(1, exponent) - 1075;
  if (power >= 0) return numericFromBigInt(mantissa << BigInt(power));
  return new Numeric(mantissa * 5n ** BigInt(-power), -power);
}
/** v × 10^digits, rounded; what lies in the middle to the even one. */
function roundedEven(v: Numeric, digits: number): bigint {
  if (digits >= v.scale) return v.unscaled * pow10(digits - v.scale);
  const unit = pow10(v.scale - digits);
  const quotient = v.unscaled / unit;
  const twice = (v.unscaled - quotient * unit) * 2n;
  const magnitude = twice < 0n ? -twice : twice;
  const away = magnitude > unit || (magnitude === unit && quotient % 2n !== 0n);
  return away ? quotient + (v.unscaled < 0n ? -1n : 1n) : quotient;
}
function isNegative(x: number): boolean {
  return x < 0 || Object.is(x, -0);
}
function fixedText(x: number, digits: number): string {
  if (Number.isNaN(x)) return 'NaN';
  if (!Number.isFinite(x)) return x < 0 ? '-Infinity' : 'Infinity';
  const units = roundedEven(exactly(Math.abs(x)), digits);
  return (isNegative(x) ? '-' : '') + formatNumeric(new Numeric(units, digits));
}
function scientificFloat(x: number, t: NumberTemplate): string {
  if (!Number.isFinite(x)) return noExponent(t);
  const sign = isNegative(x) ? '-' : ' ';
  const exact = exactly(Math.abs(x));
  let exponent = exact.unscaled === 0n ? 0 : String(exact.unscaled).length - 1 - exact.scale;
  let units = roundedEven(exact, t.fraction - exponent);
  if (String(units).length > t.fraction + 1) units = roundedEven(exact, t.fraction - ++exponent);
  return sign + formatNumeric(new Numeric(units, t.fraction)) + exponentText(exponent);
}

/** `digits`: how many of the number are to be trusted, 6 or 15. */
export function formatFloatBy(v: number, text: string, digits: 6 | 15): string {
  if (text === '') return '';
  const t = parseNumberTemplate(text);
  if (t.roman) {
    const even = Number.isFinite(v) ? Number(roundedEven(exactly(v), 0)) : NaN;
    return inRoman(t, even);
  }
  if (t.scientific) return scientificFloat(v, t);
  const single = digits === 6 ? Math.fround : (n: number): number => n;
  const shifted = t.shifted ? single(v * single(10 ** t.shift)) : v;
  const length = fixedText(Math.abs(shifted), 0).length;
  const fraction = Math.max(0, Math.min(t.fraction, digits - length));
  return laidOut(t, fixedText(shifted, fraction), t.whole + t.shift, fraction);
}
