/**
 * JSON text: one strict reader for json (checks only) and jsonb (builds values), PostgreSQL's output form
 * and the order of jsonb values. Depth is bounded, so that nesting cannot exhaust the stack.
 */
import { sqlError } from '../../base/errors.js';
import type { ErrorFields } from '../../base/errors.js';
import { encodeKeyInt, encodeKeyNumeric, encodeKeyText } from '../encoding/key-primitives.js';
import { Jsonb, Numeric } from './datum.js';
import type { JsonValue } from './datum.js';
import { compareNumeric, formatNumeric, numericFromBigInt, numericHashKey, parseNumeric } from './numeric.js';
import { TextBuilder } from './text-builder.js';
import { compareText } from './text-order.js';
import { checkHeap, checkLength, JSON_VALUES_MAX, jsonTooLarge, TEXT_MAX } from './limits.js';

const DEPTH_MAX = 6000;

function byteLength(s: string): number {
  return Buffer.byteLength(s, 'utf8');
}
/** jsonb's key order: shorter first, then by bytes. */
export function compareJsonKeys(a: string, b: string): number {
  const difference = byteLength(a) - byteLength(b);
  return difference !== 0 ? Math.sign(difference) : compareText(a, b);
}

/** Sorted by key; of equal keys the last one stays. */
export function makeJsonObject(entries: Iterable<readonly [string, JsonValue]>): ReadonlyMap<string, JsonValue> {
  const map = new Map<string, JsonValue>(entries);
  const keys = [...map.keys()].sort(compareJsonKeys);
  const sorted = new Map<string, JsonValue>();
  for (const key of keys) sorted.set(key, map.get(key)!);
  return sorted;
}

export function isJsonObject(v: JsonValue): v is ReadonlyMap<string, JsonValue> {
  return v instanceof Map;
}
export function isJsonArray(v: JsonValue): v is readonly JsonValue[] {
  return Array.isArray(v);
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE]([+-]?\d+))?/y;
const LONG_NUMBER = 40;
const WORD = /[A-Za-z0-9_\u0080-\uffff]*/y;
/** A number and what stands directly behind it. */
const NUMBER_WORD = /-?(?:0|[1-9]\d*)?(?:\.\d*)?(?:[eE][+-]?\d*)?[A-Za-z0-9_\u0080-\uffff]*/y;
const SHORT_DIGITS = 15;
const HEX = /[0-9a-fA-F]{0,4}/y;
const LONE_SURROGATE = 'Unicode low surrogate must follow a high surrogate.';
/** Of the line, before what is wrong: how many bytes an error shows. */
const CONTEXT_BYTES = 50;
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const ONE = numericFromBigInt(1n);
const PLAIN_STRING = /[^"\\\x00-\x1f]*/y;

class Reader {
  readonly #text: string;
  #at = 0;
  #stringStart = 0;
  #depth = 0;
  #values = 0;
  /**
   * Values are made of the text; else it is only checked, nothing is kept, and an escape need only look like one, as in
   * a value of type json.
   */
  readonly #decode: boolean;
  constructor(text: string, decode: boolean) {
    this.#text = text;
    this.#decode = decode;
  }

  document(): JsonValue {
    const value = this.value();
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected('end of input');
    return value;
  }

  /** The members in the order written, with doubles, for functions on json. */
  value(): JsonValue {
    if (++this.#values > JSON_VALUES_MAX) throw jsonTooLarge();
    checkHeap(this.#values);
    this.#space();
    const c = this.#text[this.#at];
    if (c === undefined) throw this.#ended();
    if (c === '{') return this.#object();
    if (c === '[') return this.#array();
    if (c === '"') return this.string();
    if (c === '-' || (c >= '0' && c <= '9')) return this.#number();
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      if (this.#word() === word) {
        this.#at += word.length;
        return value;
      }
    }
    throw this.#unexpected('JSON value');
  }

  #word(): string {
    const c = this.#text.charCodeAt(this.#at);
    const word = c === 45 || (c >= 48 && c <= 57) ? NUMBER_WORD : WORD;
    word.lastIndex = this.#at;
    return word.exec(this.#text)![0];
  }

  #space(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return;
      this.#at++;
    }
  }

  #enter(): void {
    if (++this.#depth > DEPTH_MAX) {
      throw sqlError('54001', 'stack depth limit exceeded');
    }
  }

  #object(): JsonValue {
    this.#enter();
    this.#at++;
    const entries: [string, JsonValue][] = [];
    this.#space();
    if (this.#text[this.#at] === '}') {
      this.#at++;
      this.#depth--;
      return this.#decode ? new Map() : null;
    }
    for (let isFirst = true; ; isFirst = false) {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#unexpected(isFirst ? 'string or "}"' : 'string');
      const key = this.string();
      this.#space();
      if (this.#text[this.#at] !== ':') throw this.#unexpected('":"');
      this.#at++;
      const value = this.value();
      if (this.#decode) entries.push([key, value]);
      this.#space();
      const c = this.#text[this.#at];
      if (c === ',') {
        this.#at++;
      } else if (c === '}') {
        this.#at++;
        this.#depth--;
        return this.#decode ? makeJsonObject(entries) : null;
      } else {
        throw this.#unexpected('"," or "}"');
      }
    }
  }

  #array(): JsonValue {
    this.#enter();
    this.#at++;
    const items: JsonValue[] = [];
    this.#space();
    if (this.#text[this.#at] === ']') {
      this.#at++;
      this.#depth--;
      return items;
    }
    for (;;) {
      const value = this.value();
      if (this.#decode) items.push(value);
      this.#space();
      const c = this.#text[this.#at];
      if (c === ',') {
        this.#at++;
      } else if (c === ']') {
        this.#at++;
        this.#depth--;
        return items;
      } else {
        throw this.#unexpected('"," or "]"');
      }
    }
  }

  /** Of a few digits and nothing else, as most numbers are; null: look closer. */
  #shortNumber(): JsonValue {
    const text = this.#text;
    let at = this.#at;
    let value = 0;
    for (; at < this.#at + SHORT_DIGITS; at++) {
      const digit = text.charCodeAt(at) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
    }
    const end = text[at];
    if (end !== ',' && end !== ']' && end !== '}') return null;
    if (at === this.#at || (text[this.#at] === '0' && at > this.#at + 1)) return null;
    this.#at = at;
    return this.#decode ? numericFromBigInt(BigInt(value)) : ONE;
  }

  #number(): JsonValue {
    const short = this.#shortNumber();
    if (short !== null) return short;
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    const token = this.#word();
    if (match === null || match[0] !== token) throw this.#invalidToken(token);
    this.#at += token.length;
    if (!this.#decode) return ONE;
    // A number of thousands of digits takes as long as thousands of numbers.
    if (token.length > LONG_NUMBER || match[1] !== undefined) {
      this.#values += (token.length + Math.abs(Number(match[1] ?? 0))) >> 3;
      if (this.#values > JSON_VALUES_MAX) throw jsonTooLarge();
    }
    return parseNumeric(token)!;
  }

  /** Empty where nothing is kept. */
  string(): string {
    let out: TextBuilder | null = null;
    this.#stringStart = this.#at;
    this.#at++;
    for (;;) {
      const from = this.#at;
      if (this.#text.charCodeAt(from) !== 92) {
        PLAIN_STRING.lastIndex = from;
        PLAIN_STRING.test(this.#text);
        this.#at = PLAIN_STRING.lastIndex;
      }
      const c = this.#text[this.#at];
      if (c === undefined) throw this.#endedString();
      if (c === '"') {
        const last = this.#decode ? this.#text.slice(from, this.#at) : '';
        this.#at++;
        if (out === null) return last;
        out.add(last);
        return out.text();
      }
      if (c !== '\\') {
        throw this.#error(`Character with value 0x${c.charCodeAt(0).toString(16).padStart(2, '0')} must be escaped.`);
      }
      if (this.#decode) {
        out ??= new TextBuilder();
        if (this.#at > from) out.add(this.#text.slice(from, this.#at));
        out.add(this.#escape());
      } else this.#escape();
    }
  }

  #escape(): string {
    const c = this.#text[this.#at + 1];
    const simple = SIMPLE_ESCAPES[c ?? ''];
    if (simple !== undefined) {
      this.#at += 2;
      return simple;
    }
    if (c !== 'u') {
      if (c === undefined) throw this.#endedString();
      this.#at += 1 + String.fromCodePoint(this.#text.codePointAt(this.#at + 1)!).length;
      throw this.#error(`Escape sequence "\\${this.#text.slice(this.#at - 1, this.#at)}" is invalid.`);
    }
    const unit = this.#hex();
    if (!this.#decode) return '';
    if (unit >= 0xdc00 && unit < 0xe000) throw this.#error(LONE_SURROGATE);
    if (unit >= 0xd800 && unit < 0xdc00) return String.fromCharCode(unit, this.#lowSurrogate());
    if (unit === 0)
      throw sqlError('22P05', 'unsupported Unicode escape sequence', {
        detail: '\\u0000 cannot be converted to text.',
        where: this.#where(),
      });
    return String.fromCharCode(unit);
  }

  #lowSurrogate(): number {
    if (!this.#text.startsWith('\\u', this.#at)) {
      if (this.#at < this.#text.length) this.#at++;
      throw this.#error(LONE_SURROGATE);
    }
    const low = this.#hex();
    if (low >= 0xd800 && low < 0xdc00) throw this.#error('Unicode high surrogate must not follow a high surrogate.');
    if (low < 0xdc00 || low >= 0xe000) throw this.#error(LONE_SURROGATE);
    return low;
  }

  #hex(): number {
    HEX.lastIndex = this.#at + 2;
    const hex = HEX.exec(this.#text)![0];
    if (hex.length < 4) {
      const end = this.#at + 2 + hex.length;
      if (end >= this.#text.length) throw this.#endedString();
      this.#at = end + 1;
      throw this.#error('"\\u" must be followed by four hexadecimal digits.');
    }
    this.#at += 6;
    return parseInt(hex, 16);
  }

  #unexpected(expected: string): Error {
    if (this.#at >= this.#text.length) return this.#ended();
    const word = this.#word();
    const c = this.#text[this.#at]!;
    if (word === '' && !'{}[],:"'.includes(c)) return this.#invalidToken(c);
    if (word !== '' && !/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(word))
      return this.#invalidToken(word);
    const start = this.#at;
    if (word !== '') this.#at += word.length;
    else if (c === '"') this.string();
    else this.#at++;
    return this.#error(`Expected ${expected}, but found "${this.#text.slice(start, this.#at)}".`);
  }

  #invalidToken(token: string): Error {
    this.#at = Math.min(this.#text.length, this.#at + token.length);
    return this.#error(`Token "${token}" is invalid.`);
  }
  #ended(): Error {
    this.#at = this.#text.length;
    return this.#error('The input string ended unexpectedly.');
  }

  /** A string without an end: the token is all that is left of the text. */
  #endedString(): Error {
    return this.#invalidToken(this.#text.slice(this.#stringStart));
  }

  #error(detail: string): Error {
    const fields: ErrorFields = { detail, where: this.#where() };
    return sqlError('22P02', 'invalid input syntax for type json', fields);
  }

  /** The line up to the end of the token that is wrong. */
  #where(): string {
    const before = this.#text.slice(0, this.#at);
    const line = before.split('\n').length;
    const start = before.lastIndexOf('\n') + 1;
    let from = start;
    while (byteLength(before.slice(from, from + 4 * CONTEXT_BYTES)) >= CONTEXT_BYTES)
      from += before.codePointAt(from)! > 0xffff ? 2 : 1;
    if (from - start <= 3) from = start;
    const next = this.#text[this.#at];
    const more = next !== undefined && next !== '\n' && next !== '\r';
    return `JSON data, line ${line}: ${from > start ? '...' : ''}${before.slice(from)}${more ? '...' : ''}`;
  }
}

/** @throws QuoralError 22P02 as json_in / jsonb_in. */
export function parseJson(text: string): JsonValue {
  return new Reader(text, true).document();
}

/** @throws QuoralError 22P02 as json_in: what a string's escapes stand for is looked at only when it is read. */
export function checkJson(text: string): void {
  new Reader(text, false).document();
}

const ESCAPES: Readonly<Record<number, string>> = {
  8: '\\b',
  9: '\\t',
  10: '\\n',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};
const NEEDS_ESCAPE = /["\\\x00-\x1f]/;
export function quoteJson(s: string): string {
  if (!NEEDS_ESCAPE.test(s)) return `"${s}"`;
  const out = new TextBuilder();
  out.add('"');
  let at = 0;
  for (let i = 0; i < s.length; i++) {
    const code = s.charCodeAt(i);
    if (code >= 0x20 && code !== 0x22 && code !== 0x5c) continue;
    if (i > at) out.add(s.slice(at, i));
    at = i + 1;
    out.add(ESCAPES[code] ?? `\\u${code.toString(16).padStart(4, '0')}`);
  }
  out.add(s.slice(at));
  out.add('"');
  return out.text();
}

/** @throws QuoralError 54000 as soon as it has become too long. */
export function formatJson(v: JsonValue): string {
  return formatWithin(v, { left: TEXT_MAX });
}

interface Room {
  left: number;
}

function formatWithin(v: JsonValue, room: Room): string {
  if (v === null) return take('null', room);
  if (typeof v === 'string') return take(quoteJson(v), room);
  if (typeof v === 'boolean') return take(v ? 'true' : 'false', room);
  if (v instanceof Numeric) return take(formatNumeric(v), room);
  if (isJsonArray(v)) {
    const items: string[] = [];
    for (const item of v) items.push(formatWithin(item, room));
    return `[${items.join(', ')}]`;
  }
  const parts: string[] = [];
  for (const [key, value] of v) parts.push(`${take(quoteJson(key), room)}: ${formatWithin(value, room)}`);
  return `{${parts.join(', ')}}`;
}

function take(text: string, room: Room): string {
  room.left -= text.length;
  if (room.left < 0) checkLength(TEXT_MAX - room.left);
  return text;
}

/** jsonb_pretty. */
export function prettyJson(v: JsonValue, indent = ''): string {
  const inner = `${indent}    `;
  if (isJsonArray(v)) {
    return v.length === 0
      ? '[\n' + indent + ']'
      : `[\n${v.map((item) => inner + prettyJson(item, inner)).join(',\n')}\n${indent}]`;
  }
  if (v !== null && isJsonObject(v)) {
    if (v.size === 0) return '{\n' + indent + '}';
    return `{\n${[...v].map(([k, x]) => `${inner}${quoteJson(k)}: ${prettyJson(x, inner)}`).join(',\n')}\n${indent}}`;
  }
  return formatJson(v);
}

function rank(v: JsonValue): number {
  if (v === null) return 0;
  if (typeof v === 'string') return 1;
  if (v instanceof Numeric) return 2;
  if (typeof v === 'boolean') return 3;
  return isJsonArray(v) ? 4 : 5;
}

export function compareJson(a: JsonValue, b: JsonValue): number {
  const difference = rank(a) - rank(b);
  if (difference !== 0) return Math.sign(difference);
  if (typeof a === 'string') return compareText(a, b as string);
  if (typeof a === 'boolean') return Number(a) - Number(b);
  if (a === null) return 0;
  if (a instanceof Numeric) return compareNumeric(a, b as Numeric);
  if (isJsonArray(a)) return compareArrays(a, b as readonly JsonValue[]);
  return compareObjects(a, b as ReadonlyMap<string, JsonValue>);
}

function compareArrays(a: readonly JsonValue[], b: readonly JsonValue[]): number {
  if (a.length !== b.length) return a.length < b.length ? -1 : 1;
  for (let i = 0; i < a.length; i++) {
    const c = compareJson(a[i]!, b[i]!);
    if (c !== 0) return c;
  }
  return 0;
}

function compareObjects(a: ReadonlyMap<string, JsonValue>, b: ReadonlyMap<string, JsonValue>): number {
  if (a.size !== b.size) return a.size < b.size ? -1 : 1;
  const other = b.entries();
  for (const [key, value] of a) {
    const [otherKey, otherValue] = other.next().value as [string, JsonValue];
    const c = compareText(key, otherKey) || compareJson(value, otherValue);
    if (c !== 0) return c;
  }
  return 0;
}

/** An empty array at the top is below everything: a quirk of PostgreSQL's that indexes depend on. */
export function compareJsonb(a: Jsonb, b: Jsonb): number {
  const emptyA = isJsonArray(a.value) && a.value.length === 0;
  const emptyB = isJsonArray(b.value) && b.value.length === 0;
  if (emptyA || emptyB) return emptyA && emptyB ? 0 : emptyA ? -1 : 1;
  return compareJson(a.value, b.value);
}

/** In the order of compareJsonb. */
export function encodeKeyJsonb({ value }: Jsonb): string {
  return isJsonArray(value) && value.length === 0 ? '\x08' : encodeKeyJson(value);
}

function encodeKeyJson(v: JsonValue): string {
  if (v === null) return '\x10';
  if (typeof v === 'string') return '\x20' + encodeKeyText(v);
  if (v instanceof Numeric) return '\x30' + encodeKeyNumeric(v);
  if (typeof v === 'boolean') return v ? '\x40\x81' : '\x40\x80';
  if (isJsonArray(v)) {
    let items = '\x50' + encodeKeyInt(v.length);
    for (const item of v) items += encodeKeyJson(item);
    return items;
  }
  let members = '\x60' + encodeKeyInt(v.size);
  for (const [key, item] of v) members += encodeKeyText(key) + encodeKeyJson(item);
  return members;
}

/** Equal values (1 and 1.0 included) have equal keys. */
export function jsonHashKey(v: JsonValue): string {
  if (v instanceof Numeric) return numericHashKey(v);
  if (v === null || typeof v !== 'object') return formatJson(v);
  if (isJsonArray(v)) return `[${v.map(jsonHashKey).join(',')}]`;
  return `{${[...v].map(([k, x]) => `${quoteJson(k)}:${jsonHashKey(x)}`).join(',')}}`;
}

export function jsonbInput(text: string): Jsonb {
  return new Jsonb(parseJson(text));
}
