/**
 * PostgreSQL's hash functions of values, which applications call to spread rows or to make keys of advisory locks
 * (`pg_advisory_xact_lock(hashtext('…'))`). The numbers are PostgreSQL's on a little-endian machine: Bob Jenkins' lookup3
 * over the bytes of a value, begun with the length and a constant of PostgreSQL's.
 */
import { stripBlanks } from '../types/text-order.js';
import type { Datum } from '../types/datum.js';
import { typeByName } from '../types/registry.js';
import { fn } from './define.js';

interface State {
  a: number;
  b: number;
  c: number;
}

const rotated = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

function mix(s: State): void {
  let { a, b, c } = s;
  a = ((a - c) ^ rotated(c, 4)) | 0;
  c = (c + b) | 0;
  b = ((b - a) ^ rotated(a, 6)) | 0;
  a = (a + c) | 0;
  c = ((c - b) ^ rotated(b, 8)) | 0;
  b = (b + a) | 0;
  a = ((a - c) ^ rotated(c, 16)) | 0;
  c = (c + b) | 0;
  b = ((b - a) ^ rotated(a, 19)) | 0;
  a = (a + c) | 0;
  c = ((c - b) ^ rotated(b, 4)) | 0;
  b = (b + a) | 0;
  s.a = a;
  s.b = b;
  s.c = c;
}

function finish(s: State): void {
  let { a, b, c } = s;
  c = ((c ^ b) - rotated(b, 14)) | 0;
  a = ((a ^ c) - rotated(c, 11)) | 0;
  b = ((b ^ a) - rotated(a, 25)) | 0;
  c = ((c ^ b) - rotated(b, 16)) | 0;
  a = ((a ^ c) - rotated(c, 4)) | 0;
  b = ((b ^ a) - rotated(a, 14)) | 0;
  c = ((c ^ b) - rotated(b, 24)) | 0;
  s.b = b;
  s.c = c;
}

/** `seed` null: the functions of 32 bits, which have none. */
function begun(length: number, seed: bigint | null): State {
  const start = (0x9e3779b9 + length + 3923095) | 0;
  const s = { a: start, b: start, c: start };
  if (seed !== null && seed !== 0n) {
    s.a = (s.a + Number(BigInt.asIntN(32, seed >> 32n))) | 0;
    s.b = (s.b + Number(BigInt.asIntN(32, seed))) | 0;
    mix(s);
  }
  return s;
}

function result(s: State, seed: bigint | null): number | bigint {
  finish(s);
  if (seed === null) return s.c;
  return BigInt.asIntN(64, (BigInt(s.b >>> 0) << 32n) | BigInt(s.c >>> 0));
}

function hashBytes(k: Uint8Array, seed: bigint | null): number | bigint {
  const s = begun(k.length, seed);
  const word = (i: number): number => k[i]! | (k[i + 1]! << 8) | (k[i + 2]! << 16) | (k[i + 3]! << 24) | 0;
  let at = 0;
  for (; k.length - at >= 12; at += 12) {
    s.a = (s.a + word(at)) | 0;
    s.b = (s.b + word(at + 4)) | 0;
    s.c = (s.c + word(at + 8)) | 0;
    mix(s);
  }
  // The lowest byte of c is the length's.
  for (let i = k.length - at - 1; i >= 0; i--) {
    const byte = k[at + i]!;
    if (i >= 8) s.c = (s.c + (byte << ((i - 7) * 8))) | 0;
    else if (i >= 4) s.b = (s.b + (byte << ((i - 4) * 8))) | 0;
    else s.a = (s.a + (byte << (i * 8))) | 0;
  }
  return result(s, seed);
}

function hashWord(word: number, seed: bigint | null): number | bigint {
  const s = begun(4, seed);
  s.a = (s.a + word) | 0;
  return result(s, seed);
}

/** Equal numbers of 16, 32 and 64 bits have the same hash. */
function hashLong(v: bigint, seed: bigint | null): number | bigint {
  const low = Number(BigInt.asIntN(32, v));
  const high = Number(BigInt.asIntN(32, v >> 32n));
  return hashWord(low ^ (v >= 0n ? high : ~high), seed);
}

function hashFloat(v: number, seed: bigint | null): number | bigint {
  if (v === 0) return seed === null ? 0 : seed;
  const bytes = Buffer.alloc(8);
  // All NaN are one, whatever their signs.
  bytes.writeBigUInt64LE(Number.isNaN(v) ? 0x7ff8000000000000n : 0n);
  if (!Number.isNaN(v)) bytes.writeDoubleLE(v);
  return hashBytes(bytes, seed);
}

const bytesOf = (type: string): ((v: Exclude<Datum, null>) => Buffer) => {
  const { send } = typeByName(type)!;
  return (v) => Buffer.from(send(v));
};
const longOf = (type: string): ((v: Exclude<Datum, null>) => bigint) => {
  const bytes = bytesOf(type);
  return (v) => bytes(v).readBigInt64BE(0);
};
const DAY = 86_400_000_000n;
function intervalSpan(bytes: Buffer): bigint {
  const days = BigInt(bytes.readInt32BE(12)) * 30n + BigInt(bytes.readInt32BE(8));
  return BigInt.asIntN(64, bytes.readBigInt64BE(0) + days * DAY);
}

type Value = Exclude<Datum, null>;
type Hashed = (v: Value, seed: bigint | null) => number | bigint;

function define(name: string, extended: string, type: string, hash: Hashed): void {
  fn(`${name}(${type}) int4`, (v: Value) => hash(v, null));
  fn(`${extended}(${type}, int8) int8`, (v: Value, seed: bigint) => hash(v, seed));
}

const text = (v: Value): Buffer => Buffer.from(v as string, 'utf8');
const timestamp = longOf('timestamp');
const time = longOf('time');
const interval = bytesOf('interval');
const uuid = bytesOf('uuid');
define('hashtext', 'hashtextextended', 'text', (v, seed) => hashBytes(text(v), seed));
define('hashname', 'hashnameextended', 'name', (v, seed) => hashBytes(text(v), seed));
define('hashbpchar', 'hashbpcharextended', 'bpchar', (v, seed) => hashBytes(text(stripBlanks(v as string)), seed));
define('hashint2', 'hashint2extended', 'int2', (v, seed) => hashWord(v as number, seed));
define('hashint4', 'hashint4extended', 'int4', (v, seed) => hashWord(v as number, seed));
define('hashint8', 'hashint8extended', 'int8', (v, seed) => hashLong(v as bigint, seed));
define('hashoid', 'hashoidextended', 'oid', (v, seed) => hashWord((v as number) | 0, seed));
define('hashfloat4', 'hashfloat4extended', 'float4', (v, seed) => hashFloat(v as number, seed));
define('hashfloat8', 'hashfloat8extended', 'float8', (v, seed) => hashFloat(v as number, seed));
define('uuid_hash', 'uuid_hash_extended', 'uuid', (v, seed) => hashBytes(uuid(v), seed));
define('timestamp_hash', 'timestamp_hash_extended', 'timestamp', (v, seed) => hashLong(timestamp(v), seed));
define('time_hash', 'time_hash_extended', 'time', (v, seed) => hashLong(time(v), seed));
define('interval_hash', 'interval_hash_extended', 'interval', (v, seed) => hashLong(intervalSpan(interval(v)), seed));
