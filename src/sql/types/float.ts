/** Text form of floating-point numbers: the shortest digits that read back as the same value. */
import { sqlError } from '../../base/errors.js';

function layout(digits: string, exponent: number, negative: boolean, fixedBelow: number): string {
  const sign = negative ? '-' : '';
  if (exponent < -4 || exponent >= fixedBelow) {
    const mantissa = digits.length === 1 ? digits : `${digits[0]}.${digits.slice(1)}`;
    const magnitude = Math.abs(exponent);
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${magnitude < 10 ? '0' : ''}${magnitude}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return sign + digits.padEnd(exponent + 1, '0');
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

function special(n: number): string | null {
  if (Number.isNaN(n)) return 'NaN';
  if (n === Infinity) return 'Infinity';
  if (n === -Infinity) return '-Infinity';
  if (n === 0) return Object.is(n, -0) ? '-0' : '0';
  return null;
}

function fromExponential(text: string, fixedBelow: number, trim: boolean): string {
  const e = text.indexOf('e');
  const negative = text.charCodeAt(0) === 45;
  let digits = text.slice(negative ? 1 : 0, e).replace('.', '');
  if (trim) digits = digits.replace(/0+$/, '') || '0';
  return layout(digits, Number(text.slice(e + 1)), negative, fixedBelow);
}

/** Whether the shortest digits lie exactly in the middle to the next number, which PostgreSQL does not take. */
function isTie(n: number): boolean {
  const size = Math.abs(n);
  if (size < 2 ** 53 || size > 1e40) return false;
  const [digits, exponent] = size.toExponential().split('e') as [string, string];
  const decimals = digits.length - 2;
  if (decimals > Number(exponent)) return false;
  const shown = BigInt(digits.replace('.', '')) * 10n ** BigInt(Number(exponent) - Math.max(0, decimals));
  const distance = shown - BigInt(size);
  // The numbers next to it are 2^(its exponent - 52) away.
  const step = 2n ** BigInt(Math.floor(Math.log2(size)) - 52);
  return 2n * (distance < 0n ? -distance : distance) === step;
}

/** The shortest digits but those in the middle. */
function besidesTie(n: number): string {
  const shortest = n.toExponential();
  const digits = (text: string): string => text.slice(0, text.indexOf('e')).replace(/0+$/, '').replace(/\.$/, '');
  const next = n.toExponential(15);
  return Number(next) === n && digits(next) !== digits(shortest) ? next : n.toExponential(16);
}

export function formatFloat8(n: number, extraDigits = 1): string {
  if (Number.isSafeInteger(n) && n !== 0 && n < 1e15 && n > -1e15 && extraDigits > 0) return String(n);
  const word = special(n);
  if (word !== null) return word;
  if (extraDigits > 0) return fromExponential(isTie(n) ? besidesTie(n) : n.toExponential(), 15, true);
  const precision = Math.max(1, 15 + extraDigits);
  return fromExponential(n.toExponential(precision - 1), precision, true);
}

export function formatFloat4(n: number, extraDigits = 1): string {
  const word = special(n);
  if (word !== null) return word;
  if (extraDigits > 0) {
    for (let precision = 0; precision < 9; precision++) {
      const text = n.toExponential(precision);
      if (roundToFloat4(text) === n) return fromExponential(text, 6, true);
    }
    return fromExponential(n.toExponential(8), 6, true);
  }
  const precision = Math.max(1, 6 + extraDigits);
  return fromExponential(n.toExponential(precision - 1), precision, true);
}

/** As C's %g writes it, which some error messages show. */
export function formatSixDigits(n: number): string {
  return special(n) ?? fromExponential(n.toExponential(5), 6, true);
}

const NUMBER = /^[ \t\n\r\v\f]*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[ \t\n\r\v\f]*$/;
const WORD = /^\s*([+-]?)(nan|inf(?:inity)?)\s*$/i;

const HEX = /^\s*([+-]?)0x([0-9a-f]*)\.?([0-9a-f]*)(?:p([+-]?\d+))?\s*$/i;

/** Written in hexadecimal digits, as C reads it; null: it is not. */
function readHex(text: string): number | null {
  const match = HEX.exec(text);
  if (match === null || (match[2] === '' && match[3] === '')) return null;
  const [, sign, whole, fraction, exponent] = match;
  const size = Number(BigInt(`0x${whole!}${fraction!}`)) * 2 ** (Number(exponent ?? 0) - 4 * fraction!.length);
  return sign === '-' ? -size : size;
}

export function parseFloat8(text: string): number {
  const hex = readHex(text);
  if (hex !== null && Number.isFinite(hex)) return hex;
  if (hex !== null || NUMBER.test(text)) {
    const n = hex ?? Number(text);
    if (!Number.isFinite(n) || (n === 0 && /[1-9]/.test(text.split(/e/i)[0]!))) {
      throw sqlError('22003', `"${text.trim()}" is out of range for type double precision`);
    }
    return n;
  }
  const word = WORD.exec(text);
  if (word === null) throw sqlError('22P02', `invalid input syntax for type double precision: "${text}"`);
  if (word[2]!.toLowerCase() === 'nan') return NaN;
  return word[1] === '-' ? -Infinity : Infinity;
}

const single = new Float32Array(1);
const singleBits = new Int32Array(single.buffer);

/** The number next to a finite one of single precision, away from zero or towards it. */
function besideFloat4(f: number, away: boolean): number {
  single[0] = f;
  singleBits[0]! += away ? 1 : -1;
  return single[0];
}

/** How `text` compares with `n`, both finite and not negative. */
function compareWritten(text: string, n: number): number {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', decimals = ''] = mantissa.split('.');
  let power = Number(exponent) - decimals.length;
  let written = BigInt(whole + decimals || '0');
  // n = integer / 2^halvings, exactly.
  let halvings = 0;
  let integer = n;
  while (!Number.isInteger(integer)) {
    integer *= 2;
    halvings++;
  }
  let meant = BigInt(integer);
  if (power < 0) {
    meant *= 10n ** BigInt(-power);
    power = 0;
  }
  written = (written * 10n ** BigInt(power)) << BigInt(halvings);
  return written < meant ? -1 : written > meant ? 1 : 0;
}

/** Rounded once: by way of double precision a number may come to lie in the middle of two that it is not in the middle of. */
function roundToFloat4(text: string): number {
  const n = Number(text);
  const f = Math.fround(n);
  if (f === n || !Number.isFinite(f) || n === 0) return f;
  const other = besideFloat4(f, Math.abs(n) > Math.abs(f));
  if (f / 2 + other / 2 !== n && (f + other) / 2 !== n) return f;
  const compared = compareWritten(text.trim().replace(/^[+-]/, ''), Math.abs(n));
  const [near, far] = Math.abs(f) < Math.abs(other) ? [f, other] : [other, f];
  return compared === 0 ? f : compared < 0 ? near : far;
}

export function parseFloat4(text: string): number {
  const hex = readHex(text);
  if (hex !== null && Number.isFinite(Math.fround(hex))) return Math.fround(hex);
  if (hex !== null || NUMBER.test(text)) {
    const n = hex === null ? roundToFloat4(text) : Math.fround(hex);
    if (!Number.isFinite(n) || (n === 0 && /[1-9]/.test(text.split(/e/i)[0]!))) {
      throw sqlError('22003', `"${text.trim()}" is out of range for type real`);
    }
    return n;
  }
  const word = WORD.exec(text);
  if (word === null) throw sqlError('22P02', `invalid input syntax for type real: "${text}"`);
  if (word[2]!.toLowerCase() === 'nan') return NaN;
  return word[1] === '-' ? -Infinity : Infinity;
}

/** NaN equals itself and is above everything. */
export function compareFloat(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : -1;
}
