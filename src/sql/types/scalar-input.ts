/** Text input of the plain scalar types, with PostgreSQL's messages. */
import { sqlError } from '../../base/errors.js';
import { checkLength } from './limits.js';
import { replaceEach } from './text-builder.js';

const INTEGER = /^[ \t\n\r\v\f]*[+-]?\d+[ \t\n\r\v\f]*$/;

export function syntaxError(type: string, text: string): Error {
  return sqlError('22P02', `invalid input syntax for type ${type}: "${text}"`);
}

export function parseInteger(text: string, type: string, min: number, max: number): number {
  if (!INTEGER.test(text)) throw syntaxError(type, text);
  const n = Number(text);
  if (n < min || n > max) throw sqlError('22003', `value "${text}" is out of range for type ${type}`);
  return n === 0 ? 0 : n;
}

export const INT8_MIN = -9223372036854775808n;
export const INT8_MAX = 9223372036854775807n;

export function parseInt8(text: string): bigint {
  if (!INTEGER.test(text)) throw syntaxError('bigint', text);
  const trimmed = text.trim();
  const n = BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed);
  if (n < INT8_MIN || n > INT8_MAX) throw sqlError('22003', `value "${text}" is out of range for type bigint`);
  return n;
}

/** oid accepts what fits 32 bits, signed or not. */
export function parseOid(text: string, type = 'oid'): number {
  const n = parseInteger(text, type, -2147483648, 4294967295);
  return n < 0 ? n + 4294967296 : n;
}

const BOOL_WORDS: readonly (readonly [string, boolean, number])[] = [
  ['true', true, 1],
  ['false', false, 1],
  ['yes', true, 1],
  ['no', false, 1],
  ['on', true, 2],
  ['off', false, 2],
  ['1', true, 1],
  ['0', false, 1],
];

export function parseBool(text: string): boolean {
  const word = text.trim().toLowerCase();
  for (const [full, value, least] of BOOL_WORDS) {
    if (word.length >= least && full.startsWith(word)) return value;
  }
  throw syntaxError('boolean', text);
}

export function parseUuid(text: string): string {
  const match = /^(\{)?([0-9a-fA-F]{4}(?:-?[0-9a-fA-F]{4}){7})(\})?$/.exec(text);
  if (match === null || (match[1] === undefined) !== (match[3] === undefined)) throw syntaxError('uuid', text);
  const h = match[2]!.replaceAll('-', '').toLowerCase();
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}

/** "char": the first byte of the text, or the one given in octal. */
export function parseChar(text: string): string {
  return /^\\[0-7]{3}$/.test(text)
    ? String.fromCharCode(parseInt(text.slice(1), 8) & 0xff).replace('\0', '')
    : Buffer.from(text.slice(0, 2), 'utf8').latin1Slice(0, 1);
}
/** One byte; one that is no ASCII character is shown in octal. */
export function charText(byte: string): string {
  const code = byte === '' ? 0 : byte.charCodeAt(0);
  return code < 0x80 ? (code === 0 ? '' : byte) : `\\${code.toString(8)}`;
}

export function uuidFromBytes(b: Buffer): string {
  const h = b.toString('hex', 0, 16);
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}

export function decodeHex(text: string): Buffer {
  // Blanks may stand between pairs of digits, not inside of one.
  const digits = /[ \t\n\r]/.test(text) ? replaceEach(text, /([^ \t\n\r][^])|[ \t\n\r]+/g, '$1') : text;
  const bad = /[^0-9a-fA-F]/u.exec(digits);
  if (bad !== null) throw sqlError('22023', `invalid hexadecimal digit: "${bad[0]}"`);
  if (digits.length % 2 === 1) throw sqlError('22023', 'invalid hexadecimal data: odd number of digits');
  return Buffer.from(digits, 'hex');
}

export function parseBytea(text: string): Uint8Array {
  if (text.startsWith('\\x')) return decodeHex(text.slice(2));
  if (!text.includes('\\')) return Buffer.from(text, 'utf8');
  return decodeEscape(text, 'invalid input syntax for type bytea');
}

export function decodeEscape(text: string, message: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  // What is written is never longer than what has been read.
  let to = 0;
  for (let at = 0; at < bytes.length;) {
    const byte = bytes[at]!;
    if (byte !== 0x5c) {
      bytes[to++] = byte;
      at++;
    } else if (bytes[at + 1] === 0x5c) {
      bytes[to++] = byte;
      at += 2;
    } else {
      const octal = bytes.toString('latin1', at + 1, at + 4);
      if (!/^[0-3][0-7][0-7]$/.test(octal)) throw sqlError('22P02', message);
      bytes[to++] = parseInt(octal, 8);
      at += 4;
    }
  }
  return bytes.subarray(0, to);
}

export function encodeEscape(b: Uint8Array): string {
  return escapeBytes(b, (byte) => byte < 0x20 || byte > 0x7e);
}

/** Backslashes doubled, and those bytes in octal that the format does not leave as they are. */
export function escapeBytes(b: Uint8Array, inOctal: (byte: number) => boolean): string {
  const sizes = Uint8Array.from({ length: 256 }, (_, byte) => (byte === 0x5c ? 2 : inOctal(byte) ? 4 : 1));
  let length = 0;
  for (let i = 0; i < b.length; i++) length += sizes[b[i]!]!;
  checkLength(length);
  const out = Buffer.allocUnsafe(length);
  let to = 0;
  for (let i = 0; i < b.length; i++) {
    const byte = b[i]!;
    const size = sizes[byte]!;
    if (size === 1) out[to++] = byte;
    else {
      out[to++] = 0x5c;
      if (size === 2) out[to++] = byte;
      else for (let shift = 6; shift >= 0; shift -= 3) out[to++] = 48 + ((byte >> shift) & 7);
    }
  }
  return out.latin1Slice();
}

/** name: at most 63 bytes, cut at a character. */
export function truncateName(s: string): string {
  if (s.length <= 21 || Buffer.byteLength(s, 'utf8') <= 63) return s;
  let out = '';
  let bytes = 0;
  for (const c of s) {
    bytes += Buffer.byteLength(c, 'utf8');
    if (bytes > 63) break;
    out += c;
  }
  return out;
}
