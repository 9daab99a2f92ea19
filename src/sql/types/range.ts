/**
 * Ranges of a type with an order: bounds, canonical form, text, wire and key forms. Ranges of discrete types
 * (integers, dates) are always kept as [lower, upper), so that equal sets of values are equal ranges.
 *
 * The kinds are made by the type registry, which knows the element types; a range says nothing of its type itself.
 */
import { sqlError } from '../../base/errors.js';
import { assert } from '../../base/assert.js';
import { PgRange } from './datum.js';
import type { Datum } from './datum.js';
import type { TypeBehaviour } from './definitions.js';
import { OID } from './oids.js';
import { replaceEach } from './text-builder.js';
import type { FormatContext, StoredForm, TypeInfo } from './type-info.js';

type Value = Exclude<Datum, null>;

/** One end of a range; an infinite one has no value. */
export interface Bound {
  readonly value: Datum;
  readonly inclusive: boolean;
  readonly isLower: boolean;
}

export interface RangeKind {
  readonly oid: number;
  readonly multirangeOid: number;
  readonly element: TypeInfo;
  /** The next value of a discrete type. */
  readonly next: ((value: Value) => Value) | null;
}

const INT4_MAX = 2147483647;
const INT8_MAX = 9223372036854775807n;
/** Days since 2000: the last date, and the infinities. */
const DATE_MAX = 2145031948;
const DATE_INFINITY = 2147483647;
const DATE_MINUS_INFINITY = -2147483648;

function nextInt4(v: Value): Value {
  if (v === INT4_MAX) throw sqlError('22003', 'integer out of range');
  return (v as number) + 1;
}
function nextInt8(v: Value): Value {
  if (v === INT8_MAX) throw sqlError('22003', 'bigint out of range');
  return (v as bigint) + 1n;
}
function nextDate(v: Value): Value {
  if (v === DATE_INFINITY || v === DATE_MINUS_INFINITY) return v;
  if (v === DATE_MAX) throw sqlError('22008', 'date out of range');
  return (v as number) + 1;
}

/** Oids of range, multirange and element; the others are continuous. */
export const RANGE_OIDS: readonly (readonly [range: number, multirange: number, element: number])[] = [
  [3904, 4451, OID.int4],
  [3906, 4532, OID.numeric],
  [3908, 4533, OID.timestamp],
  [3910, 4534, OID.timestamptz],
  [3912, 4535, OID.date],
  [3926, 4536, OID.int8],
];
const NEXT: ReadonlyMap<number, (v: Value) => Value> = new Map([
  [OID.int4, nextInt4],
  [OID.int8, nextInt8],
  [OID.date, nextDate],
]);

const kinds = new Map<number, RangeKind>();

/** Known from then on by both oids. */
export function addRangeKind(
  oid: number,
  multirangeOid: number,
  element: TypeInfo,
  /** Without a canonical function [1,2] and [1,3) are two ranges of integers. */
  canonical = true,
): RangeKind {
  const kind: RangeKind = { oid, multirangeOid, element, next: (canonical ? NEXT.get(element.oid) : null) ?? null };
  kinds.set(oid, kind);
  kinds.set(multirangeOid, kind);
  return kind;
}

/** Of a range or multirange type. */
export function findRangeKind(oid: number): RangeKind | null {
  return kinds.get(oid) ?? null;
}
export function rangeKind(oid: number): RangeKind {
  const kind = kinds.get(oid);
  assert(kind !== undefined, () => `type ${oid} is no range`);
  return kind;
}
export function isRangeType(oid: number): boolean {
  return kinds.get(oid)?.oid === oid;
}
export function isMultirangeType(oid: number): boolean {
  return kinds.get(oid)?.multirangeOid === oid;
}

// ---- bounds ----

export const EMPTY_RANGE = new PgRange(null, null, false, false, true);

export function lowerOf(r: PgRange): Bound {
  return { value: r.lower, inclusive: r.lowerInclusive, isLower: true };
}
export function upperOf(r: PgRange): Bound {
  return { value: r.upper, inclusive: r.upperInclusive, isLower: false };
}

/** By value alone: an infinite lower bound comes before everything, an infinite upper one after it. */
export function compareBoundValues(kind: RangeKind, a: Bound, b: Bound): number {
  if (a.value === null || b.value === null) {
    if (a.value === null && b.value === null) return a.isLower === b.isLower ? 0 : a.isLower ? -1 : 1;
    return a.value === null ? (a.isLower ? -1 : 1) : b.isLower ? 1 : -1;
  }
  return kind.element.compare(a.value, b.value);
}

/** By what they leave in: an exclusive lower bound lies after its value, an exclusive upper one before it. */
export function compareBounds(kind: RangeKind, a: Bound, b: Bound): number {
  const values = compareBoundValues(kind, a, b);
  if (values !== 0 || a.value === null) return values;
  const side = (bound: Bound): number => (bound.inclusive ? 0 : bound.isLower ? 1 : -1);
  return Math.sign(side(a) - side(b));
}

/** @throws QuoralError 22000 if the bounds are the wrong way round. */
export function makeRange(kind: RangeKind, lower: Bound, upper: Bound): PgRange {
  let low = lower.value;
  let high = upper.value;
  let lowInclusive = low !== null && lower.inclusive;
  let highInclusive = high !== null && upper.inclusive;
  if (low !== null && high !== null) {
    const order = kind.element.compare(low, high);
    if (order > 0) throw sqlError('22000', 'range lower bound must be less than or equal to range upper bound');
    if (order === 0 && !(lowInclusive && highInclusive)) return EMPTY_RANGE;
  }
  if (kind.next !== null) {
    if (low !== null && !lowInclusive) {
      const next = kind.next(low);
      lowInclusive = next !== low;
      low = next;
    }
    if (high !== null && highInclusive) {
      const next = kind.next(high);
      highInclusive = next === high;
      high = next;
    }
    if (low !== null && high !== null && kind.element.compare(low, high) === 0 && !(lowInclusive && highInclusive)) {
      return EMPTY_RANGE;
    }
  }
  return new PgRange(low, high, lowInclusive, highInclusive);
}

export function compareRanges(kind: RangeKind, a: PgRange, b: PgRange): number {
  if (a.empty || b.empty) return Number(b.empty) - Number(a.empty);
  return compareBounds(kind, lowerOf(a), lowerOf(b)) || compareBounds(kind, upperOf(a), upperOf(b));
}

// ---- text ----

function malformed(text: string, detail: string): Error {
  return sqlError('22P02', `malformed range literal: "${text}"`, { detail });
}

/** The text of a bound from `at` up to the comma or bracket that ends it; null for none. */
function readBound(text: string, from: number): { readonly text: string | null; readonly end: number } {
  const ends = (c: string): boolean => c === ',' || c === ')' || c === ']';
  let at = from;
  if (at < text.length && ends(text[at]!)) return { text: null, end: at };
  let out = '';
  let isQuoted = false;
  for (;;) {
    const c = text[at];
    if (c === undefined) throw malformed(text, 'Unexpected end of input.');
    if (!isQuoted && ends(c)) return { text: out, end: at };
    at++;
    if (c === '\\') {
      if (at >= text.length) throw malformed(text, 'Unexpected end of input.');
      out += text[at++]!;
    } else if (c !== '"') {
      out += c;
    } else if (!isQuoted) {
      isQuoted = true;
    } else if (text[at] === '"') {
      out += '"';
      at++;
    } else {
      isQuoted = false;
    }
  }
}

export function parseRange(kind: RangeKind, text: string, ctx: FormatContext): PgRange {
  const start = text.search(/\S|$/);
  if (text.slice(start, start + 5).toLowerCase() === 'empty') {
    if (text.slice(start + 5).trim() !== '') throw malformed(text, 'Junk after "empty" key word.');
    return EMPTY_RANGE;
  }
  const open = text[start];
  if (open !== '[' && open !== '(') throw malformed(text, 'Missing left parenthesis or bracket.');
  const lower = readBound(text, start + 1);
  if (text[lower.end] !== ',') throw malformed(text, 'Missing comma after lower bound.');
  const upper = readBound(text, lower.end + 1);
  const close = text[upper.end];
  if (close === ',') throw malformed(text, 'Too many commas.');
  if (text.slice(upper.end + 1).trim() !== '') throw malformed(text, 'Junk after right parenthesis or bracket.');
  const read = (bound: string | null): Datum => (bound === null ? null : kind.element.input(bound, -1, ctx));
  return makeRange(
    kind,
    { value: read(lower.text), inclusive: open === '[', isLower: true },
    { value: read(upper.text), inclusive: close === ']', isLower: false },
  );
}

const QUOTED = /["\\()[\],\s]|^$/;

function showBound(kind: RangeKind, value: Datum, ctx: FormatContext): string {
  if (value === null) return '';
  const text = kind.element.output(value, ctx);
  return QUOTED.test(text) ? `"${replaceEach(text, /["\\]/g, '$&$&')}"` : text;
}

export function formatRange(kind: RangeKind, r: PgRange, ctx: FormatContext): string {
  if (r.empty) return 'empty';
  const lower = (r.lowerInclusive ? '[' : '(') + showBound(kind, r.lower, ctx);
  return `${lower},${showBound(kind, r.upper, ctx)}${r.upperInclusive ? ']' : ')'}`;
}

// ---- wire ----

const EMPTY = 0x01;
const LOWER_INCLUSIVE = 0x02;
const UPPER_INCLUSIVE = 0x04;
const LOWER_INFINITE = 0x08;
const UPPER_INFINITE = 0x10;

/** `stored`: of a range on disk, whose bounds have another form there. */
export function sendRange(kind: RangeKind, r: PgRange, stored?: StoredForm): Buffer {
  if (r.empty) return Buffer.of(EMPTY);
  const parts: Uint8Array[] = [
    Buffer.of(
      (r.lowerInclusive ? LOWER_INCLUSIVE : 0) |
        (r.upperInclusive ? UPPER_INCLUSIVE : 0) |
        (r.lower === null ? LOWER_INFINITE : 0) |
        (r.upper === null ? UPPER_INFINITE : 0),
    ),
  ];
  for (const value of [r.lower, r.upper]) {
    if (value === null) continue;
    const bytes = stored === undefined ? kind.element.send(value) : stored.encode(value);
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(bytes.length);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}

/** A length-prefixed piece of a message. */
export function takePiece(b: Buffer, at: number): { readonly piece: Buffer; readonly end: number } {
  const length = at + 4 > b.length ? -1 : b.readInt32BE(at);
  if (length < 0 || at + 4 + length > b.length) throw sqlError('08P01', 'insufficient data left in message');
  return { piece: b.subarray(at + 4, at + 4 + length), end: at + 4 + length };
}

export function receiveRange(kind: RangeKind, b: Buffer, stored?: StoredForm): PgRange {
  if (b.length === 0) throw sqlError('08P01', 'no data left in message');
  const flags = b[0]!;
  let at = 1;
  const bound = (infinite: number): Datum => {
    if ((flags & (EMPTY | infinite)) !== 0) return null;
    const { piece, end } = takePiece(b, at);
    at = end;
    return stored === undefined ? kind.element.receive(piece, -1) : stored.decode(piece);
  };
  const lower = bound(LOWER_INFINITE);
  const upper = bound(UPPER_INFINITE);
  if (at !== b.length) throw sqlError('22P03', 'incorrect binary data format');
  if ((flags & EMPTY) !== 0) return EMPTY_RANGE;
  return makeRange(
    kind,
    { value: lower, inclusive: (flags & LOWER_INCLUSIVE) !== 0, isLower: true },
    { value: upper, inclusive: (flags & UPPER_INCLUSIVE) !== 0, isLower: false },
  );
}

// ---- keys ----

export function rangeHashKey(kind: RangeKind, r: PgRange): string {
  if (r.empty) return 'e';
  const part = (value: Datum): string => {
    if (value === null) return '-';
    const text = String(kind.element.hashKey(value));
    return `${text.length}:${text}`;
  };
  return `${r.lowerInclusive ? '[' : '('}${part(r.lower)}${part(r.upper)}${r.upperInclusive ? ']' : ')'}`;
}

/** Empty first; then the lower and the upper bound, each with a byte for infinite and one for which side it lies on. */
export function encodeKeyRange(kind: RangeKind, r: PgRange): string {
  if (r.empty) return '\x01';
  const encode = kind.element.encodeKey!;
  const lower = r.lower === null ? '\x01' : `\x02${encode(r.lower)}${r.lowerInclusive ? '\x01' : '\x02'}`;
  const upper = r.upper === null ? '\x03' : `\x02${encode(r.upper)}${r.upperInclusive ? '\x02' : '\x01'}`;
  return `\x02${lower}${upper}`;
}

function storedRange(kind: RangeKind, stored: StoredForm): StoredForm {
  return {
    encode: (v) => sendRange(kind, v as PgRange, stored),
    decode: (b) => receiveRange(kind, b, stored),
  };
}

export function rangeBehaviour(kind: RangeKind): TypeBehaviour {
  const { stored } = kind.element;
  return {
    ...(stored === undefined ? {} : { stored: storedRange(kind, stored) }),
    input: (text, _typmod, ctx) => parseRange(kind, text, ctx),
    output: (v, ctx) => formatRange(kind, v as PgRange, ctx),
    receive: (b) => receiveRange(kind, b),
    send: (v) => sendRange(kind, v as PgRange),
    compare: (a, b) => compareRanges(kind, a as PgRange, b as PgRange),
    hashKey: (v) => rangeHashKey(kind, v as PgRange),
    encodeKey: (v) => encodeKeyRange(kind, v as PgRange),
    applyTypmod: (v) => v,
  };
}
