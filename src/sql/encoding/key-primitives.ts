/**
 * Order-preserving, self-delimiting encodings of values to binary strings (base/key.ts). No encoding
 * starts with 0xff, which stands for NULL, and none is a prefix of another of the same type, so that they
 * can be concatenated. Inverting every byte of one turns the order round (descending columns).
 *
 * | type | encoding |
 * |---|---|
 * | integers, dates, times, timestamps, bool, interval | 0x80 ± byte count, then big-endian bytes |
 * | floats | 0x30, 8 bytes IEEE, sign bit flipped or all bits inverted; −0 as 0, NaN last |
 * | text | UTF-8, 0x00 as 00 ff, ended by 00 01 |
 * | bytea | 0x30, then as text |
 * | numeric | class byte, decimal exponent, pairs of digits + 1, ended by 00; inverted when negative |
 * | uuid | 0x30, 16 bytes |
 * | jsonb | a byte for the kind, then text, numeric, or the count and the items or members (types/json.ts) |
 *
 * These bytes are on disk: a change needs a new index format. Golden tests hold them.
 */
import type { Interval, Numeric, PgArray, TimeTz } from '../types/datum.js';

const BYTE: readonly string[] = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i));
const scratch = new DataView(new ArrayBuffer(8));

export const KEY_NULL = '\xff';

export function encodeKeyInt(n: number): string {
  if (n >= 0) {
    if (n === 0) return '\x80';
    if (n < 0x100) return '\x81' + BYTE[n];
    if (n < 0x10000) return '\x82' + BYTE[n >>> 8] + BYTE[n & 0xff];
    if (n < 0x1000000) return String.fromCharCode(0x83, n >>> 16, (n >>> 8) & 0xff, n & 0xff);
    if (n < 0x100000000) {
      return String.fromCharCode(0x84, n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff);
    }
  }
  return encodeKeyBigInt(BigInt(n));
}

export function encodeKeyBigInt(v: bigint): string {
  if (v >= 0n && v < 0x100000000n) return encodeKeyInt(Number(v));
  let count: number;
  let bits: bigint;
  if (v >= 0n) {
    count = byteCount(v);
    bits = v;
  } else {
    // n bytes hold −256^n … −1, as two's complement without the sign bits.
    count = byteCount(-v - 1n);
    if (count === 0) count = 1;
    bits = BigInt.asUintN(count * 8, v);
  }
  let out = BYTE[v >= 0n ? 0x80 + count : 0x80 - count]!;
  for (let shift = BigInt(count - 1) * 8n; shift >= 0n; shift -= 8n) {
    out += BYTE[Number((bits >> shift) & 0xffn)]!;
  }
  return out;
}

function byteCount(v: bigint): number {
  let count = 0;
  for (let rest = v; rest > 0n; rest >>= 8n) count++;
  return count;
}

export function encodeKeyFloat(n: number): string {
  if (Number.isNaN(n)) return '\x30\xff\xff\xff\xff\xff\xff\xff\xff';
  scratch.setFloat64(0, n === 0 ? 0 : n);
  let high = scratch.getUint32(0);
  let low = scratch.getUint32(4);
  if (high >= 0x80000000) {
    high = ~high >>> 0;
    low = ~low >>> 0;
  } else {
    high = (high | 0x80000000) >>> 0;
  }
  return String.fromCharCode(
    0x30,
    high >>> 24,
    (high >>> 16) & 0xff,
    (high >>> 8) & 0xff,
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
  );
}

// eslint-disable-next-line no-control-regex
const PLAIN = /^[\x01-\x7f]*$/;

export function encodeKeyText(s: string): string {
  if (PLAIN.test(s)) return s + '\x00\x01';
  return escapeZero(Buffer.from(s, 'utf8').latin1Slice());
}

function escapeZero(bytes: string): string {
  return (bytes.includes('\x00') ? bytes.replaceAll('\x00', '\x00\xff') : bytes) + '\x00\x01';
}

export function encodeKeyBytes(b: Uint8Array): string {
  return '\x30' + escapeZero(Buffer.from(b.buffer, b.byteOffset, b.byteLength).latin1Slice());
}

export function encodeKeyUuid(s: string): string {
  return '\x30' + Buffer.from(s.replaceAll('-', ''), 'hex').latin1Slice();
}

export function encodeKeyNumeric(v: Numeric): string {
  if (v.kind !== 'finite') return v.kind === 'nan' ? '\x60' : v.kind === 'inf' ? '\x50' : '\x10';
  if (v.unscaled === 0n) return '\x30';
  const negative = v.unscaled < 0n;
  let digits = (negative ? -v.unscaled : v.unscaled).toString();
  const exponent = digits.length - v.scale;
  let end = digits.length;
  while (digits.charCodeAt(end - 1) === 48) end--;
  digits = digits.slice(0, end);
  if (digits.length % 2 === 1) digits += '0';
  let body = encodeKeyInt(exponent);
  for (let i = 0; i < digits.length; i += 2) {
    body += BYTE[(digits.charCodeAt(i) - 48) * 10 + digits.charCodeAt(i + 1) - 47]!;
  }
  body += '\x00';
  return negative ? '\x20' + invertKey(body) : '\x40' + body;
}

/** As PostgreSQL compares intervals: a month is 30 days, a day 24 hours. */
export function intervalOrdinal(v: Interval): bigint {
  return BigInt(v.months * 30 + v.days) * 86_400_000_000n + v.micros;
}
export function encodeKeyInterval(v: Interval): string {
  return encodeKeyBigInt(intervalOrdinal(v));
}

/** By the moment in UTC, then by zone. */
export function encodeKeyTimeTz(v: TimeTz): string {
  return encodeKeyInt(v.micros + v.zone * 1_000_000) + encodeKeyInt(v.zone);
}

/** Elements, then their number, the dimensions and the bounds, in array_cmp's order. */
export function encodeKeyArray(v: PgArray, element: (value: never) => string): string {
  let out = '';
  for (const item of v.elements) out += '\x01' + (item === null ? KEY_NULL : element(item as never));
  out += '\x00' + encodeKeyInt(v.dims.length);
  for (const dim of v.dims) out += encodeKeyInt(dim);
  for (const bound of v.lowerBounds) out += encodeKeyInt(bound);
  return out;
}

export function invertKey(key: string): string {
  let out = '';
  for (let i = 0; i < key.length; i++) out += BYTE[0xff - key.charCodeAt(i)]!;
  return out;
}
