/** String and binary-string functions and operators (chapters 9.4 and 9.5), patterns apart. */
import { createHash } from 'node:crypto';
import { sqlError } from '../../base/errors.js';
import { bufferOf } from '../../base/bytes.js';
import type { ExecContext } from '../contract.js';
import { PgArray } from '../types/datum.js';
import type { Datum, Inet } from '../types/datum.js';
import { showNetwork } from '../types/network.js';
import { OID } from '../types/oids.js';
import { lowerOf, upperOf } from '../types/letter-case.js';
import { typeByOid } from '../types/registry.js';
import { decodeEscape, decodeHex, escapeBytes } from '../types/scalar-input.js';
import { checkElements, checkLength, ELEMENTS_MAX } from '../types/limits.js';
import { isPlainIdentifier } from '../types/identifiers.js';
import { replaceEach, replaceText, TextBuilder } from '../types/text-builder.js';
import { charLength, hasSurrogates, sliceChars, stripBlanks } from '../types/text-order.js';
import type { CallInfo, Value } from './entry.js';
import { fn, fns, op, srf } from './define.js';
import { findLong } from './like-match.js';

/** Longer texts are replaced piece by piece, so that the matches of all of it need not be held at a time. */
const REPLACED_AT_ONCE = 65_536;

export function textOf(value: Value, oid: number, ctx: ExecContext): string {
  return typeof value === 'string' && oid !== OID.bpchar ? value : typeByOid(oid).output(value, ctx.format);
}
export function asText(value: Value, oid: number, ctx: ExecContext): string {
  return oid === OID.bool ? (value === true ? 't' : 'f') : textOf(value, oid, ctx);
}

// ---- length and case ----

fns(['length(text) int4', 'char_length(text) int4', 'character_length(text) int4'], (s: string) => charLength(s));
fns(['length(bpchar) int4', 'char_length(bpchar) int4', 'character_length(bpchar) int4'], (s: string) =>
  charLength(stripBlanks(s)),
);
fns(['length(bytea) int4', 'octet_length(bytea) int4'], (b: Uint8Array) => b.length);
fns(['octet_length(text) int4', 'octet_length(bpchar) int4'], (s: string) => Buffer.byteLength(s, 'utf8'));
fn('bit_length(text) int4', (s: string) => Buffer.byteLength(s, 'utf8') * 8);
fn('bit_length(bytea) int4', (b: Uint8Array) => b.length * 8);
fn('lower(text) text', lowerOf);
fn('upper(text) text', upperOf);
const LETTER = /^[\p{L}\p{N}]/u;
fn('initcap(text) text', (s: string) => {
  if (s.length <= REPLACED_AT_ONCE) return capitalised(s);
  const out = new TextBuilder();
  for (let at = 0; at < s.length;) {
    let end = Math.min(s.length, at + REPLACED_AT_ONCE);
    const insidePair = (i: number): boolean => i < s.length && (s.charCodeAt(i) & 0xfc00) === 0xdc00;
    while (insidePair(end) || (end < s.length && LETTER.test(s.slice(end, end + 2)))) end++;
    out.add(capitalised(s.slice(at, end)));
    at = end;
  }
  return out.text();
});
const capitalised = (s: string): string =>
  s.replace(/[\p{L}\p{N}]+/gu, (word) => {
    const [first = ''] = word;
    return upperOf(first) + lowerOf(word.slice(first.length));
  });

// ---- concatenation ----

function joined(a: string, b: string): string {
  checkLength(a.length + b.length);
  return a + b;
}
op('text || text = text', joined);
op(
  'text || anynonarray = text',
  (a: string, b: Value, ctx: ExecContext, call: CallInfo) => joined(a, outputText(b, call.argOids[1]!, ctx)),
  { volatility: 'stable' },
);
op(
  'anynonarray || text = text',
  (a: Value, b: string, ctx: ExecContext, call: CallInfo) => joined(outputText(a, call.argOids[0]!, ctx), b),
  { volatility: 'stable' },
);
/** The cast to text: booleans in full, blank-padded strings stripped, addresses with their prefix. */
function outputText(value: Value, oid: number, ctx: ExecContext): string {
  if (oid === OID.bool) return value === true ? 'true' : 'false';
  if (oid === OID.inet) return showNetwork(value as Inet);
  return oid === OID.bpchar ? stripBlanks(value as string) : textOf(value, oid, ctx);
}
op('bytea || bytea = bytea', (a: Uint8Array, b: Uint8Array) => {
  checkLength(a.length + b.length);
  return Buffer.concat([a, b]);
});
fn('textcat(text, text) text', joined);
const FEW = 1000;
/** Of few arguments not by join(), which copies: what is long stays in pieces until somebody reads it. */
function concatenated(
  args: readonly Datum[],
  from: number,
  separator: string,
  ctx: ExecContext,
  call: CallInfo,
): string {
  const builder = args.length > FEW ? new TextBuilder() : null;
  let out = '';
  for (let i = from, isFirst = true; i < args.length; i++) {
    const value = args[i]!;
    if (value === null) continue;
    const text = asText(value, call.argOids[i]!, ctx);
    const piece = isFirst ? text : joined(separator, text);
    isFirst = false;
    if (builder === null) out = joined(out, piece);
    else builder.add(piece);
  }
  return builder === null ? out : builder.text();
}
fn(
  'concat(variadic any) text',
  (args: readonly Datum[], ctx: ExecContext, call: CallInfo) => concatenated(args, 0, '', ctx, call),
  { strict: false, volatility: 'stable' },
);
fn(
  'concat_ws(text, variadic any) text',
  (args: readonly Datum[], ctx: ExecContext, call: CallInfo) => {
    const [separator] = args;
    if (separator === null) return null;
    return concatenated(args, 1, separator as string, ctx, call);
  },
  { strict: false, volatility: 'stable' },
);

// ---- parts of strings ----

function substring(s: string, start: number, count: number | null): string {
  if (count !== null && count < 0) throw sqlError('22011', 'negative substring length not allowed');
  const from = Math.max(0, start - 1);
  const to = count === null ? Infinity : Math.max(0, start - 1 + count);
  return to <= from ? '' : sliceChars(s, from, to === Infinity ? s.length : to);
}
fns(['substr(text, int4) text', 'substring(text, int4) text'], (s: string, start: number) => substring(s, start, null));
fns(['substr(text, int4, int4) text', 'substring(text, int4, int4) text'], (s: string, start: number, n: number) =>
  substring(s, start, n),
);
function subBytes(b: Uint8Array, start: number, count: number | null): Uint8Array {
  if (count !== null && count < 0) throw sqlError('22011', 'negative substring length not allowed');
  return b.subarray(Math.max(0, start - 1), count === null ? b.length : Math.max(0, start - 1 + count));
}
fns(['substr(bytea, int4) bytea', 'substring(bytea, int4) bytea'], (b: Uint8Array, start: number) =>
  subBytes(b, start, null),
);
fns(
  ['substr(bytea, int4, int4) bytea', 'substring(bytea, int4, int4) bytea'],
  (b: Uint8Array, start: number, n: number) => subBytes(b, start, n),
);
fn('left(text, int4) text', (s: string, n: number) => sliceChars(s, 0, n >= 0 ? n : Math.max(0, charLength(s) + n)));
fn('right(text, int4) text', (s: string, n: number) => {
  const length = charLength(s);
  // As PostgreSQL has it: this number has no opposite.
  if (n === -2147483648) return s;
  return sliceChars(s, n >= 0 ? Math.max(0, length - n) : Math.min(length, -n), length);
});
function position(s: string, part: string): number {
  const at = part.length < 64 ? s.indexOf(part) : findLong(s, part, 0);
  return at < 0 ? 0 : charLength(s.slice(0, at)) + 1;
}
fns(['strpos(text, text) int4', 'position(text, text) int4'], position);
fn('position(bytea, bytea) int4', (b: Uint8Array, part: Uint8Array) => bufferOf(b).indexOf(part) + 1);
fn('split_part(text, text, int4) text', (s: string, delimiter: string, n: number) => {
  if (n === 0) throw sqlError('22023', 'field position must not be zero');
  if (delimiter === '' || s === '') return n === 1 || n === -1 ? s : '';
  return n > 0 ? partFromLeft(s, delimiter, n) : partFromRight(s, delimiter, -n);
});
function partFromLeft(s: string, delimiter: string, n: number): string {
  let from = 0;
  for (let left = n; left > 1; left--) {
    const at = s.indexOf(delimiter, from);
    if (at < 0) return '';
    from = at + delimiter.length;
  }
  const end = s.indexOf(delimiter, from);
  return s.slice(from, end < 0 ? s.length : end);
}
/** Delimiters that overlap are still told apart from the left. */
function partFromRight(s: string, delimiter: string, n: number): string {
  let count = 1;
  for (let at = s.indexOf(delimiter); at >= 0; at = s.indexOf(delimiter, at + delimiter.length)) count++;
  return n > count ? '' : partFromLeft(s, delimiter, count - n + 1);
}
fn('overlay(text, text, int4, int4) text', overlay);
fn('overlay(text, text, int4) text', (s: string, by: string, start: number) => overlay(s, by, start, charLength(by)));
function overlay(s: string, by: string, start: number, count: number): string {
  if (start <= 0) throw sqlError('22011', 'negative substring length not allowed');
  const end = start + count;
  if (end > 2147483647 || end < -2147483648) throw sqlError('22003', 'integer out of range');
  return joined(joined(substring(s, 1, start - 1), by), substring(s, end, null));
}
fn('starts_with(text, text) bool', (s: string, prefix: string) => s.startsWith(prefix));
op('text ^@ text = bool', (s: string, prefix: string) => s.startsWith(prefix));

// ---- trimming and padding ----

function trim(s: string, set: string, left: boolean, right: boolean): string {
  const trimmed = new Set(set);
  let from = 0;
  let to = s.length;
  while (left && from < to) {
    const c = String.fromCodePoint(s.codePointAt(from)!);
    if (!trimmed.has(c)) break;
    from += c.length;
  }
  while (right && to > from) {
    const unit = s.charCodeAt(to - 1);
    const c = unit >= 0xdc00 && unit < 0xe000 ? s.slice(to - 2, to) : s[to - 1]!;
    if (!trimmed.has(c)) break;
    to -= c.length;
  }
  return s.slice(from, to);
}
fn('btrim(text) text', (s: string) => trim(s, ' ', true, true));
fn('btrim(text, text) text', (s: string, set: string) => trim(s, set, true, true));
fn('ltrim(text) text', (s: string) => trim(s, ' ', true, false));
fn('ltrim(text, text) text', (s: string, set: string) => trim(s, set, true, false));
fn('rtrim(text) text', (s: string) => trim(s, ' ', false, true));
fn('rtrim(text, text) text', (s: string, set: string) => trim(s, set, false, true));
function padding(fill: string, count: number): string {
  const length = charLength(fill);
  const whole = Math.floor(count / length);
  checkLength(whole * fill.length);
  return fill.repeat(whole) + sliceChars(fill, 0, count - whole * length);
}
function pad(s: string, length: number, fill: string, left: boolean): string {
  checkLength(length);
  const have = charLength(s);
  if (length <= have) return sliceChars(s, 0, Math.max(0, length));
  if (fill === '') return s;
  const extra = padding(fill, length - have);
  return left ? extra + s : s + extra;
}
fn('lpad(text, int4) text', (s: string, n: number) => pad(s, n, ' ', true));
fn('lpad(text, int4, text) text', (s: string, n: number, fill: string) => pad(s, n, fill, true));
fn('rpad(text, int4) text', (s: string, n: number) => pad(s, n, ' ', false));
fn('rpad(text, int4, text) text', (s: string, n: number, fill: string) => pad(s, n, fill, false));
fn('repeat(text, int4) text', (s: string, n: number) => {
  checkLength(s.length * Math.max(0, n));
  return n <= 0 ? '' : s.repeat(n);
});
fn('reverse(text) text', (s: string) => {
  if (s.length < 1024 || hasSurrogates(s)) return reversed(s);
  const latin1 = !/[^\x00-\xff]/.test(s);
  const units = latin1 ? Buffer.from(s, 'latin1') : Buffer.from(s, 'utf16le').swap16();
  units.reverse();
  return latin1 ? units.latin1Slice() : units.toString('utf16le');
});
function reversed(s: string): string {
  const out = new TextBuilder();
  for (let to = s.length; to > 0;) {
    const unit = s.charCodeAt(to - 1);
    const from = unit >= 0xdc00 && unit < 0xe000 ? to - 2 : to - 1;
    out.add(s.slice(from, to));
    to = from;
  }
  return out.text();
}
fn('replace(text, text, text) text', (s: string, from: string, to: string) =>
  from === '' ? s : replaceText(s, from, to),
);
fn('translate(text, text, text) text', (s: string, from: string, to: string) => {
  const target = Array.from(to);
  const map = new Map<string, string>();
  Array.from(from).forEach((c, i) => {
    if (!map.has(c)) map.set(c, target[i] ?? '');
  });
  if (s.length > TRANSLATED_AT_ONCE && !hasSurrogates(s) && !hasSurrogates(from) && !hasSurrogates(to))
    return translatedUnits(s, map);
  const out = new TextBuilder();
  let at = 0;
  for (let i = 0; i < s.length;) {
    const c = s.codePointAt(i)! > 0xffff ? s.slice(i, i + 2) : s[i]!;
    const other = map.get(c);
    if (other !== undefined) {
      if (i > at) out.add(s.slice(at, i));
      out.add(other);
      at = i + c.length;
    }
    i += c.length;
  }
  out.add(s.slice(at));
  return out.text();
});
const TRANSLATED_AT_ONCE = 65_536;
function translatedUnits(s: string, map: ReadonlyMap<string, string>): string {
  const others = new Int32Array(65_536).fill(-1);
  let wide = /[^\x00-\xff]/.test(s);
  for (const [c, other] of map) {
    others[c.charCodeAt(0)] = other === '' ? -2 : other.charCodeAt(0);
    wide ||= other > '\xff';
  }
  const units = wide ? new Uint16Array(s.length) : new Uint8Array(s.length);
  let count = 0;
  for (let i = 0; i < s.length; i++) {
    const unit = s.charCodeAt(i);
    const other = others[unit]!;
    if (other !== -2) units[count++] = other === -1 ? unit : other;
  }
  const bytes = Buffer.from(units.buffer, 0, count * units.BYTES_PER_ELEMENT);
  return wide ? bytes.toString('utf16le') : bytes.latin1Slice();
}
fn('ascii(text) int4', (s: string) => s.codePointAt(0) ?? 0);
fn('chr(int4) text', (n: number) => {
  if (n < 0) throw sqlError('22023', 'character number must be positive');
  if (n === 0) throw sqlError('54000', 'null character not permitted');
  if (n > 0x10ffff) throw sqlError('54000', `requested character too large for encoding: ${n}`);
  if (n >= 0xd800 && n < 0xe000) throw sqlError('54000', `requested character not valid for encoding: ${n}`);
  return String.fromCodePoint(n);
});
fn('to_hex(int4) text', (n: number) => (n >>> 0).toString(16));
fn('to_hex(int8) text', (n: bigint) => BigInt.asUintN(64, n).toString(16));
/** The engine sorts the marks on one character in a time that grows with the square of their number. */
function checkMarks(s: string): void {
  if (s.length > MARKS_MAX && MANY_MARKS.test(s)) throw sqlError('54000', 'too many combining characters in a row');
}
const MARKS_MAX = 4096;
const MANY_MARKS = new RegExp(`\\p{Mn}{${MARKS_MAX}}`, 'u');
fn(
  'normalize(text, text) text',
  (s: string, form: string) => {
    if (!/^nfk?[cd]$/i.test(form)) throw sqlError('22023', `invalid normalization form: ${form}`);
    checkMarks(s);
    return s.normalize(form.toUpperCase());
  },
  { defaults: ['NFC'] },
);

// ---- hashes and encodings ----

function hash(name: string, data: string | Uint8Array): Buffer {
  return createHash(name).update(data).digest();
}
fns(['md5(text) text', 'md5(bytea) text'], (v: string | Uint8Array) => hash('md5', v).toString('hex'));
for (const bits of ['224', '256', '384', '512'])
  fn(`sha${bits}(bytea) bytea`, (b: Uint8Array) => hash(`sha${bits}`, b));
fn('encode(bytea, text) text', (b: Uint8Array, format: string) => {
  switch (format.toLowerCase()) {
    case 'hex':
      return bufferOf(b).toString('hex');
    case 'base64':
      return inLines(bufferOf(b).toString('base64'));
    case 'escape':
      return encodeEscapeAll(b);
    default:
      throw sqlError('22023', `unrecognized encoding: "${format}"`);
  }
});
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const BASE64_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** After padding there may be more groups, of which as many bytes count as of the padded one. */
function decodeBase64(text: string): Uint8Array {
  if (BASE64.test(text)) return Buffer.from(text, 'base64');
  const out: number[] = [];
  let kept = 3;
  let bits = 0;
  let at = 0;
  for (const c of text) {
    let value = 0;
    if (c !== '=') value = BASE64_DIGITS.indexOf(c);
    else if (kept === 3 && at < 2) throw sqlError('22023', 'unexpected "=" while decoding base64 sequence');
    else if (kept === 3) kept = at - 1;
    if (value < 0) throw sqlError('22023', `invalid symbol "${c}" found while decoding base64 sequence`);
    bits = (bits << 6) | value;
    if (++at < 4) continue;
    out.push(...[(bits >> 16) & 255, (bits >> 8) & 255, bits & 255].slice(0, kept));
    bits = at = 0;
  }
  if (at !== 0) {
    throw sqlError('22023', 'invalid base64 end sequence', {
      hint: 'Input data is missing padding, is truncated, or is otherwise corrupted.',
    });
  }
  return Uint8Array.from(out);
}
function inLines(text: string): string {
  const out = new TextBuilder();
  for (let at = 0; at < text.length; at += 76) {
    if (at > 0) out.add('\n');
    out.add(text.slice(at, at + 76));
  }
  return out.text();
}
/** encode(…, 'escape') leaves control characters, which bytea's own output does not. */
function encodeEscapeAll(b: Uint8Array): string {
  return escapeBytes(b, (byte) => byte === 0 || byte > 0x7f);
}
fn('decode(text, text) bytea', (s: string, format: string) => {
  switch (format.toLowerCase()) {
    case 'hex':
      return decodeHex(s);
    case 'base64':
      return decodeBase64(replaceEach(s, /[ \t\n\r]/g, ''));
    case 'escape':
      return decodeEscape(s, 'invalid input syntax for type bytea');
    default:
      throw sqlError('22023', `unrecognized encoding: "${format}"`);
  }
});
fn('get_byte(bytea, int4) int4', (b: Uint8Array, n: number) => {
  if (n < 0 || n >= b.length) throw sqlError('2202E', `index ${n} out of valid range, 0..${b.length - 1}`);
  return b[n]!;
});
fn('set_byte(bytea, int4, int4) bytea', (b: Uint8Array, n: number, v: number) => {
  if (n < 0 || n >= b.length) throw sqlError('2202E', `index ${n} out of valid range, 0..${b.length - 1}`);
  const copy = Buffer.from(b);
  copy[n] = v & 0xff;
  return copy;
});
// ---- quoting ----

/** Words that need quotes as identifiers: reserved, or reserved where types and functions stand. */
export function quoteIdentifier(s: string): string {
  return isPlainIdentifier(s) ? s : `"${replaceEach(s, /"/g, '""')}"`;
}
export function quoteLiteral(s: string): string {
  const quoted = `'${replaceEach(s, /['\\]/g, '$&$&')}'`;
  return s.includes('\\') ? `E${quoted}` : quoted;
}
fn('quote_ident(text) text', (s: string) => quoteIdentifier(s));
fn('quote_literal(text) text', (s: string) => quoteLiteral(s));
fn(
  'quote_literal(anyelement) text',
  (v: Value, ctx: ExecContext, call: CallInfo) => quoteLiteral(outputText(v, call.argOids[0]!, ctx)),
  { volatility: 'stable' },
);
fn('quote_nullable(text) text', (s: string | null) => (s === null ? 'NULL' : quoteLiteral(s)), { strict: false });
fn(
  'quote_nullable(anyelement) text',
  (v: Datum, ctx: ExecContext, call: CallInfo) =>
    v === null ? 'NULL' : quoteLiteral(outputText(v, call.argOids[0]!, ctx)),
  {
    strict: false,
    volatility: 'stable',
  },
);

// ---- lists in strings ----

function splitText(s: string | null, delimiter: string | null, nullText: string | null): (string | null)[] | null {
  if (s === null) return null;
  if (delimiter === null) checkElements(s.length);
  const parts =
    delimiter === null ? Array.from(s) : s === '' ? [] : delimiter === '' ? [s] : s.split(delimiter, ELEMENTS_MAX + 1);
  checkElements(parts.length);
  return nullText === null ? parts : parts.map((part) => (part === nullText ? null : part));
}
function splitToArray(s: string | null, delimiter: string | null, nullText: string | null): Datum {
  const parts = splitText(s, delimiter, nullText);
  return parts === null ? null : new PgArray(OID.text, parts);
}
fn('string_to_array(text, text) _text', (s: string | null, d: string | null) => splitToArray(s, d, null), {
  strict: false,
});
fn(
  'string_to_array(text, text, text) _text',
  (s: string | null, d: string | null, n: string | null) => splitToArray(s, d, n),
  { strict: false },
);
srf('string_to_table(text, text) text', (s: string | null, d: string | null) => splitText(s, d, null) ?? [], {
  strict: false,
});
srf(
  'string_to_table(text, text, text) text',
  (s: string | null, d: string | null, n: string | null) => splitText(s, d, n) ?? [],
  { strict: false },
);
