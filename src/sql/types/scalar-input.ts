/** Text input of the plain scalar types, with PostgreSQL's messages. */
import { sqlError } from '../../base/errors.js';

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

export function uuidFromBytes(b: Buffer): string {
  const h = b.toString('hex', 0, 16);
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}

export function decodeHex(text: string): Buffer {
  const digits = text.replace(/[ \t\n\r]/g, '');
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
  const parts: Buffer[] = [];
  let at = 0;
  while (at < text.length) {
    const slash = text.indexOf('\\', at);
    if (slash < 0) {
      parts.push(Buffer.from(text.slice(at), 'utf8'));
      break;
    }
    parts.push(Buffer.from(text.slice(at, slash), 'utf8'));
    if (text[slash + 1] === '\\') {
      parts.push(Buffer.from('\\'));
      at = slash + 2;
    } else {
      const octal = text.slice(slash + 1, slash + 4);
      if (!/^[0-3][0-7][0-7]$/.test(octal)) throw sqlError('22P02', message);
      parts.push(Buffer.of(parseInt(octal, 8)));
      at = slash + 4;
    }
  }
  return Buffer.concat(parts);
}

export function encodeEscape(b: Uint8Array): string {
  let out = '';
  for (const byte of b) {
    if (byte === 0x5c) out += '\\\\';
    else if (byte < 0x20 || byte > 0x7e) out += `\\${byte.toString(8).padStart(3, '0')}`;
    else out += String.fromCharCode(byte);
  }
  return out;
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
