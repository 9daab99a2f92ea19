/**
 * Row values: every column of the row, in the order of column ids, so that keys are never decoded. A column
 * added later is absent from older rows and reads as its `missing` value; NULL is therefore written, in a byte.
 *
 *   0x01 · { varint(columnId × 8 + form) · payload }*
 *
 * | form | payload |
 * |---|---|
 * | 0 | zigzag varint up to 53 bits |
 * | 1 | 8 bytes big-endian (int8 beyond 53 bits, float8) |
 * | 2 | varint length, bytes |
 * | 3, 4 | none: true, false |
 * | 5 | 4 bytes (float4) |
 * | 6 | varint length, ASCII text |
 * | 7 | none: NULL |
 *
 * The form alone tells a payload's length, so columns that are not wanted are skipped without their type.
 * These bytes are on disk: golden tests hold them. Bad bytes give XX001, never a wrong row.
 */
import { sqlError } from '../../base/errors.js';
import { Interval, Numeric } from '../types/datum.js';
import type { Datum } from '../types/datum.js';
import { NAMES_OF_OBJECTS, OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import { baseOidOf } from '../types/user-types.js';

export interface RowColumn {
  readonly id: number;
  readonly typeOid: number;
}
export interface WantedColumn extends RowColumn {
  /** Value of rows that lack the column: NULL, or the default given when it was added. */
  readonly missing: Datum;
}
export type RowEncoder = (values: readonly Datum[]) => Buffer;
/** Fills and returns `out` if given, else a new array. */
export type RowDecoder = (row: Buffer, out?: Datum[]) => Datum[];

type Value = Exclude<Datum, null>;

const FORMAT_VERSION = 1;
const CLASS_INT = 0;
const CLASS_BIGINT = 1;
const CLASS_FLOAT8 = 2;
const CLASS_FLOAT4 = 3;
const CLASS_BOOL = 4;
const CLASS_TEXT = 5;
const CLASS_BYTES = 6;
const CLASS_NUMERIC = 7;
const CLASS_INTERVAL = 8;
const CLASS_UUID = 9;
const CLASS_OTHER = 10;

const TEXT_TYPES: ReadonlySet<number> = new Set([
  OID.text,
  OID.varchar,
  OID.bpchar,
  OID.name,
  OID.char,
  OID.unknown,
  OID.json,
  OID.pgNodeTree,
  OID.xml,
  OID.refcursor,
  OID.cstring,
]);
const INT_TYPES: ReadonlySet<number> = new Set([
  OID.int2,
  OID.int4,
  OID.oid,
  OID.date,
  OID.time,
  OID.xid,
  OID.cid,
  ...NAMES_OF_OBJECTS,
]);

function classOf(oid: number): number {
  if (INT_TYPES.has(oid)) return CLASS_INT;
  if (TEXT_TYPES.has(oid)) return CLASS_TEXT;
  switch (oid) {
    case OID.int8:
    case OID.timestamp:
    case OID.timestamptz:
      return CLASS_BIGINT;
    case OID.float8:
      return CLASS_FLOAT8;
    case OID.float4:
      return CLASS_FLOAT4;
    case OID.bool:
      return CLASS_BOOL;
    case OID.bytea:
      return CLASS_BYTES;
    case OID.numeric:
      return CLASS_NUMERIC;
    case OID.interval:
      return CLASS_INTERVAL;
    case OID.uuid:
      return CLASS_UUID;
    default:
      return CLASS_OTHER;
  }
}

function corrupt(why: string): Error {
  return sqlError('XX001', `stored row is damaged: ${why}`);
}

/** Grows and is reused: encoding is synchronous and the result is copied out. */
let scratch = Buffer.allocUnsafeSlow(4096);
let at = 0;

function reserve(bytes: number): void {
  if (at + bytes <= scratch.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, at + bytes));
  scratch.copy(larger, 0, 0, at);
  scratch = larger;
}

/** `n` is a non-negative safe integer; 8 bytes at most are written. */
function putVarint(n: number): void {
  while (n > 0x7fffffff) {
    scratch[at++] = (n % 128) | 0x80;
    n = Math.floor(n / 128);
  }
  while (n > 0x7f) {
    scratch[at++] = (n & 0x7f) | 0x80;
    n >>>= 7;
  }
  scratch[at++] = n;
}

const ZIGZAG_MAX = 2 ** 52 - 1;

function putZigzag(n: number): void {
  putVarint(n >= 0 ? n * 2 : n * -2 - 1);
}

function putBytes(bytes: Uint8Array): void {
  reserve(bytes.length + 10);
  putVarint(bytes.length);
  scratch.set(bytes, at);
  at += bytes.length;
}

function putText(id: number, s: string): void {
  const units = s.length;
  reserve(units * 3 + 16);
  if (units < 64) {
    const start = at;
    putVarint(id * 8 + 6);
    putVarint(units);
    let i = 0;
    for (; i < units; i++) {
      const unit = s.charCodeAt(i);
      if (unit > 0x7f) break;
      scratch[at + i] = unit;
    }
    if (i === units) {
      at += units;
      return;
    }
    at = start;
  }
  const length = Buffer.byteLength(s, 'utf8');
  putVarint(id * 8 + (length === units ? 6 : 2));
  putVarint(length);
  if (length === units) scratch.latin1Write(s, at);
  else scratch.write(s, at, 'utf8');
  at += length;
}

function putBigInt(id: number, v: bigint): void {
  const n = Number(v);
  if (n >= -ZIGZAG_MAX && n <= ZIGZAG_MAX) {
    putVarint(id * 8);
    putZigzag(n);
  } else {
    putVarint(id * 8 + 1);
    at = scratch.writeBigInt64BE(v, at);
  }
}

function numericBytes(v: Numeric): Uint8Array {
  if (v.kind !== 'finite') return Uint8Array.of(v.kind === 'nan' ? 0xf0 : v.kind === 'inf' ? 0xf1 : 0xf2);
  const negative = v.unscaled < 0n;
  let hex = (negative ? -v.unscaled : v.unscaled).toString(16);
  if (hex.length % 2 === 1) hex = '0' + hex;
  const out = Buffer.allocUnsafe(3 + hex.length / 2);
  out[0] = negative ? 1 : 0;
  out.writeUInt16BE(v.scale, 1);
  out.write(hex, 3, 'hex');
  return out;
}

function numericFrom(b: Buffer): Numeric {
  if (b.length === 1 && b[0]! >= 0xf0 && b[0]! <= 0xf2) {
    return new Numeric(0n, 0, b[0] === 0xf0 ? 'nan' : b[0] === 0xf1 ? 'inf' : '-inf');
  }
  if (b.length < 4 || b[0]! > 1) throw corrupt('bad numeric');
  const value = b.length <= 9 ? BigInt(b.readUIntBE(3, b.length - 3)) : BigInt(`0x${b.toString('hex', 3)}`);
  return new Numeric(b[0] === 1 ? -value : value, b.readUInt16BE(1));
}

function intervalBytes(v: Interval): Uint8Array {
  const out = Buffer.allocUnsafe(16);
  out.writeBigInt64BE(v.micros, 0);
  out.writeInt32BE(v.days, 8);
  out.writeInt32BE(v.months, 12);
  return out;
}

function intervalFrom(b: Buffer): Interval {
  if (b.length !== 16) throw corrupt('bad interval');
  return new Interval(b.readInt32BE(12), b.readInt32BE(8), b.readBigInt64BE(0));
}

function otherBytes(oid: number, v: Value): Uint8Array {
  const type = typeByOid(oid);
  return type.stored === undefined ? type.send(v) : type.stored.encode(v);
}

function putColumn(id: number, cls: number, oid: number, v: Value): void {
  reserve(32);
  switch (cls) {
    case CLASS_INT:
      putVarint(id * 8);
      putZigzag(v as number);
      return;
    case CLASS_BIGINT:
      putBigInt(id, v as bigint);
      return;
    case CLASS_TEXT:
      putText(id, v as string);
      return;
    case CLASS_BOOL:
      putVarint(id * 8 + (v === true ? 3 : 4));
      return;
    case CLASS_FLOAT8:
      putVarint(id * 8 + 1);
      at = scratch.writeDoubleBE(v as number, at);
      return;
    case CLASS_FLOAT4:
      putVarint(id * 8 + 5);
      at = scratch.writeFloatBE(v as number, at);
      return;
    default:
      putVarint(id * 8 + 2);
      putBytes(
        cls === CLASS_BYTES
          ? (v as Uint8Array)
          : cls === CLASS_NUMERIC
            ? numericBytes(v as Numeric)
            : cls === CLASS_INTERVAL
              ? intervalBytes(v as Interval)
              : cls === CLASS_UUID
                ? Buffer.from((v as string).replaceAll('-', ''), 'hex')
                : otherBytes(oid, v),
      );
  }
}

/** `values` are in the order of `columns`; these may be in any order. */
export function compileRowEncoder(columns: readonly RowColumn[]): RowEncoder {
  const order = columns.map((_, i) => i).sort((a, b) => columns[a]!.id - columns[b]!.id);
  const ids = order.map((i) => columns[i]!.id);
  const oids = order.map((i) => baseOidOf(columns[i]!.typeOid));
  const classes = oids.map(classOf);
  const count = order.length;
  return (values) => {
    scratch[0] = FORMAT_VERSION;
    at = 1;
    for (let i = 0; i < count; i++) {
      const v = values[order[i]!]!;
      if (v === null) {
        reserve(10);
        putVarint(ids[i]! * 8 + 7);
      } else {
        putColumn(ids[i]!, classes[i]!, oids[i]!, v);
      }
    }
    const row = Buffer.allocUnsafe(at);
    scratch.copy(row, 0, 0, at);
    return row;
  };
}

/** Position after the last varint read: cheaper than returning a pair. */
let next = 0;

function getVarint(b: Buffer, from: number): number {
  let byte = b[from]!;
  if (byte < 0x80) {
    next = from + 1;
    return byte;
  }
  let value = byte & 0x7f;
  let factor = 128;
  let i = from + 1;
  for (; i < b.length && i < from + 8; i++) {
    byte = b[i]!;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) {
      next = i + 1;
      return value;
    }
    factor *= 128;
  }
  throw corrupt('bad varint');
}

function getZigzag(b: Buffer, from: number): number {
  const n = getVarint(b, from);
  return n % 2 === 0 ? n / 2 : -(n + 1) / 2;
}

function getColumn(b: Buffer, from: number, form: number, cls: number, oid: number): Datum {
  switch (form) {
    case 0: {
      const n = getZigzag(b, from);
      if (cls === CLASS_INT) return n;
      if (cls === CLASS_BIGINT) return BigInt(n);
      break;
    }
    case 1:
      next = from + 8;
      if (next > b.length) throw corrupt('cut short');
      if (cls === CLASS_FLOAT8) return b.readDoubleBE(from);
      if (cls === CLASS_BIGINT) return b.readBigInt64BE(from);
      break;
    case 2:
    case 6: {
      const length = getVarint(b, from);
      const start = next;
      next = start + length;
      if (next > b.length) throw corrupt('cut short');
      if (cls === CLASS_TEXT) return form === 6 ? b.latin1Slice(start, next) : b.toString('utf8', start, next);
      if (form === 2) return fromBytes(b.subarray(start, next), cls, oid);
      break;
    }
    case 3:
    case 4:
      next = from;
      if (cls === CLASS_BOOL) return form === 3;
      break;
    case 5:
      next = from + 4;
      if (next > b.length) throw corrupt('cut short');
      if (cls === CLASS_FLOAT4) return b.readFloatBE(from);
      break;
    case 7:
      next = from;
      return null;
    default:
      break;
  }
  throw corrupt(`a value of form ${form} in a column of type ${typeByOid(oid).sqlName}`);
}

function fromBytes(bytes: Buffer, cls: number, oid: number): Value {
  switch (cls) {
    case CLASS_BYTES:
      return Buffer.from(bytes);
    case CLASS_NUMERIC:
      return numericFrom(bytes);
    case CLASS_INTERVAL:
      return intervalFrom(bytes);
    case CLASS_UUID: {
      if (bytes.length !== 16) throw corrupt('bad uuid');
      const h = bytes.toString('hex');
      return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
    }
    case CLASS_OTHER: {
      const type = typeByOid(oid);
      const value = type.stored === undefined ? type.receive(bytes, -1) : type.stored.decode(bytes);
      if (value === null) throw corrupt('a NULL value');
      return value;
    }
    default:
      throw corrupt(`bytes in a column of type ${typeByOid(oid).sqlName}`);
  }
}

function skip(b: Buffer, from: number, form: number): number {
  switch (form) {
    case 0:
      getVarint(b, from);
      return next;
    case 1:
      return from + 8;
    case 2:
    case 6: {
      const length = getVarint(b, from);
      return next + length;
    }
    case 3:
    case 4:
    case 7:
      return from;
    case 5:
      return from + 4;
    default:
      throw corrupt(`unknown form ${form}`);
  }
}

/** Results are in the order of `columns`. */
export function compileRowDecoder(columns: readonly WantedColumn[]): RowDecoder {
  const order = columns.map((_, i) => i).sort((a, b) => columns[a]!.id - columns[b]!.id);
  const ids = order.map((i) => columns[i]!.id);
  const oids = order.map((i) => baseOidOf(columns[i]!.typeOid));
  const classes = oids.map(classOf);
  const missing = columns.map((column) => column.missing);
  const count = order.length;
  return (row, out = new Array<Datum>(count)) => {
    if (row.length === 0 || row[0] !== FORMAT_VERSION) throw corrupt(`unknown format ${row[0] ?? 'of no bytes'}`);
    for (let i = 0; i < count; i++) out[i] = missing[i]!;
    let position = 1;
    let wanted = 0;
    let previous = -1;
    while (position < row.length && wanted < count) {
      const tag = getVarint(row, position);
      const id = Math.floor(tag / 8);
      if (id <= previous) throw corrupt('columns out of order');
      previous = id;
      while (wanted < count && ids[wanted]! < id) wanted++;
      if (wanted < count && ids[wanted] === id) {
        const after = next;
        out[order[wanted]!] = getColumn(row, after, tag % 8, classes[wanted]!, oids[wanted]!);
        position = next;
        wanted++;
      } else {
        position = skip(row, next, tag % 8);
      }
      if (position > row.length) throw corrupt('cut short');
    }
    return out;
  };
}
