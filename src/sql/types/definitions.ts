/**
 * The behaviour of each built-in type: text and binary forms, order, hashing, key encoding, modifiers.
 * The rows of type-table.ts give the rest.
 */
import { readAclItem } from './acl-item.js';
import { sqlError } from '../../base/errors.js';
import { decodeText } from '../../base/utf8.js';
import {
  encodeKeyBigInt,
  encodeKeyBytes,
  encodeKeyFloat,
  encodeKeyInt,
  encodeKeyInterval,
  encodeKeyNumeric,
  encodeKeyText,
  encodeKeyTimeTz,
  encodeKeyUuid,
  intervalOrdinal,
} from '../encoding/key-primitives.js';
import { Interval, type Jsonb, type Numeric, TimeTz } from './datum.js';
import type { Datum } from './datum.js';
import { dateText, timestampText, timestampTzText } from './date-style.js';
import {
  checkTime,
  compareTimeTz,
  dateInput,
  formatTimeOfDay,
  formatTimeTz,
  receiveTimestamp,
  roundTime,
  roundTimestamp,
  timeInput,
  timestampInput,
  timestampTzInput,
  timeTzInput,
} from './datetime.js';
import { compareFloat, formatFloat4, formatFloat8, parseFloat4, parseFloat8 } from './float.js';
import { applyIntervalTypmod, compareInterval, formatInterval } from './interval.js';
import { intervalInput } from './interval-input.js';
import { compareJsonb, encodeKeyJsonb, formatJson, jsonbInput, jsonHashKey, checkJson } from './json.js';
import {
  applyNumericTypmod,
  compareNumeric,
  formatNumeric,
  numericHashKey,
  parseNumeric,
  receiveNumeric,
  sendNumeric,
} from './numeric.js';
import { OID } from './oids.js';
import {
  encodeEscape,
  parseBool,
  parseBytea,
  parseInt8,
  parseInteger,
  parseOid,
  parseUuid,
  syntaxError,
  truncateName,
  uuidFromBytes,
  charText,
  parseChar,
} from './scalar-input.js';
import { charLength, compareText, sliceChars, stripBlanks } from './text-order.js';
import type { FormatContext, StoredForm } from './type-info.js';

type Value = Exclude<Datum, null>;
type Hash = string | number | bigint | boolean;

/** Methods, so that each may name the representation it works on. */
export interface TypeBehaviour {
  input(text: string, typmod: number, ctx: FormatContext): Datum;
  output(value: Value, ctx: FormatContext): string;
  receive(bytes: Buffer, typmod: number): Datum;
  send(value: Value): Uint8Array;
  compare(a: Value, b: Value): number;
  hashKey(value: Value): Hash;
  encodeKey: ((value: Value) => string) | null;
  applyTypmod(value: Value, typmod: number, explicit: boolean): Datum;
  readonly stored?: StoredForm;
  fromRecord?(value: Value, ctx: FormatContext): Datum;
}

function short(): Error {
  return sqlError('08P01', 'insufficient data left in message');
}
function exact(b: Buffer, length: number): void {
  if (b.length < length) throw short();
  if (b.length > length) throw sqlError('22P03', 'incorrect binary data format');
}
const same = (v: Value): Hash => v as Hash;
const keep = (v: Value): Datum => v;

function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
function compareBigInts(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
/** Lets an encoder of one representation stand where any value is declared. */
function keyOf<T extends Value>(encode: (value: T) => string): (value: Value) => string {
  return encode as unknown as (value: Value) => string;
}
/** Same for a whole behaviour: methods are checked bivariantly. */
function define(behaviour: TypeBehaviour): TypeBehaviour {
  return behaviour;
}

function integerType(name: string, bytes: 2 | 4, min: number, max: number): TypeBehaviour {
  return define({
    input: (text) => parseInteger(text, name, min, max),
    output: (v: Value) => String(v),
    receive(b) {
      exact(b, bytes);
      return b.readIntBE(0, bytes);
    },
    send(v: number) {
      const b = Buffer.allocUnsafe(bytes);
      b.writeIntBE(v, 0, bytes);
      return b;
    },
    compare: (a: number, b: number) => compareNumbers(a, b),
    hashKey: same,
    encodeKey: keyOf(encodeKeyInt),
    applyTypmod: keep,
  });
}

function unsignedType(
  input: (text: string, ctx: FormatContext) => number,
  output: (oid: number, ctx: FormatContext) => string = String,
): TypeBehaviour {
  return define({
    input: (text, _typmod, ctx) => input(text, ctx),
    output: (v: number, ctx) => output(v, ctx),
    receive(b) {
      exact(b, 4);
      return b.readUInt32BE(0);
    },
    send(v: number) {
      const b = Buffer.allocUnsafe(4);
      b.writeUInt32BE(v, 0);
      return b;
    },
    compare: (a: number, b: number) => compareNumbers(a, b),
    hashKey: same,
    encodeKey: keyOf(encodeKeyInt),
    applyTypmod: keep,
  });
}

function sendInt8(v: bigint): Buffer {
  const b = Buffer.allocUnsafe(8);
  b.writeBigInt64BE(v, 0);
  return b;
}

function textType(change: (s: string) => string = (s) => s): TypeBehaviour {
  return define({
    input: (text) => change(text),
    output: (v: Value) => v as string,
    receive: (b) => change(decodeText(b)),
    send: (v: string) => Buffer.from(v, 'utf8'),
    compare: (a: string, b: string) => compareText(a, b),
    hashKey: same,
    encodeKey: keyOf(encodeKeyText),
    applyTypmod: keep,
  });
}

function limitVarchar(v: string, typmod: number, explicit: boolean): string {
  const limit = typmod - 4;
  if (typmod < 4 || v.length <= limit || charLength(v) <= limit) return v;
  const cut = sliceChars(v, 0, limit);
  if (!explicit && stripBlanks(v.slice(cut.length)) !== '') {
    throw sqlError('22001', `value too long for type character varying(${limit})`);
  }
  return cut;
}

function limitBpchar(v: string, typmod: number, explicit: boolean): string {
  const limit = typmod - 4;
  if (typmod < 4) return v;
  const length = charLength(v);
  if (length === limit) return v;
  if (length < limit) return v + ' '.repeat(limit - length);
  const cut = sliceChars(v, 0, limit);
  if (!explicit && stripBlanks(v.slice(cut.length)) !== '') {
    throw sqlError('22001', `value too long for type character(${limit})`);
  }
  return cut;
}

const varchar = define({
  ...textType(),
  input: (text, typmod) => limitVarchar(text, typmod, false),
  receive: (b, typmod) => limitVarchar(decodeText(b), typmod, false),
  applyTypmod: (v: string, typmod, explicit) => limitVarchar(v, typmod, explicit),
});

const bpchar = define({
  ...textType(),
  input: (text, typmod) => limitBpchar(text, typmod, false),
  receive: (b, typmod) => limitBpchar(decodeText(b), typmod, false),
  compare: (a: string, b: string) => compareText(stripBlanks(a), stripBlanks(b)),
  hashKey: (v: string) => stripBlanks(v),
  encodeKey: keyOf((v: string) => encodeKeyText(stripBlanks(v))),
  applyTypmod: (v: string, typmod, explicit) => limitBpchar(v, typmod, explicit),
});

const bool = define({
  input: (text) => parseBool(text),
  output: (v: Value) => (v === true ? 't' : 'f'),
  receive(b) {
    exact(b, 1);
    return b[0] !== 0;
  },
  send: (v: Value) => Buffer.of(v === true ? 1 : 0),
  compare: (a: Value, b: Value) => Number(a) - Number(b),
  hashKey: same,
  encodeKey: (v) => (v === true ? '\x81\x01' : '\x80'),
  applyTypmod: keep,
});

const int8 = define({
  input: (text) => parseInt8(text),
  output: (v: bigint) => v.toString(),
  receive(b) {
    exact(b, 8);
    return b.readBigInt64BE(0);
  },
  send: (v: bigint) => sendInt8(v),
  compare: (a: bigint, b: bigint) => compareBigInts(a, b),
  hashKey: same,
  encodeKey: keyOf(encodeKeyBigInt),
  applyTypmod: keep,
});

/** −0 and 0 are equal, NaN equals itself: one key for each. */
function hashFloat(v: number): Hash {
  return Number.isNaN(v) ? 'NaN' : v === 0 ? 0 : v;
}

const float8 = define({
  input: (text) => parseFloat8(text),
  output: (v: number, ctx) => formatFloat8(v, ctx.extraFloatDigits),
  receive(b) {
    exact(b, 8);
    return b.readDoubleBE(0);
  },
  send(v: number) {
    const b = Buffer.allocUnsafe(8);
    b.writeDoubleBE(v, 0);
    return b;
  },
  compare: (a: number, b: number) => compareFloat(a, b),
  hashKey: (v: number) => hashFloat(v),
  encodeKey: keyOf(encodeKeyFloat),
  applyTypmod: keep,
});

const float4 = define({
  ...float8,
  input: (text) => parseFloat4(text),
  output: (v: number, ctx) => formatFloat4(v, ctx.extraFloatDigits),
  receive(b) {
    exact(b, 4);
    return b.readFloatBE(0);
  },
  send(v: number) {
    const b = Buffer.allocUnsafe(4);
    b.writeFloatBE(v, 0);
    return b;
  },
});

const numeric = define({
  input(text, typmod) {
    const v = parseNumeric(text);
    if (v === null) throw syntaxError('numeric', text);
    return applyNumericTypmod(v, typmod);
  },
  output: (v: Numeric) => formatNumeric(v),
  receive: (b, typmod) => applyNumericTypmod(receiveNumeric(b), typmod),
  send: (v: Numeric) => sendNumeric(v),
  compare: (a: Numeric, b: Numeric) => compareNumeric(a, b),
  hashKey: (v: Numeric) => numericHashKey(v),
  encodeKey: keyOf(encodeKeyNumeric),
  applyTypmod: (v: Numeric, typmod) => applyNumericTypmod(v, typmod),
});

const bytea = define({
  input: (text) => parseBytea(text),
  output: (v: Uint8Array, ctx) =>
    ctx.byteaOutput === 'hex'
      ? `\\x${Buffer.from(v.buffer, v.byteOffset, v.byteLength).toString('hex')}`
      : encodeEscape(v),
  receive: (b) => Buffer.from(b),
  send: (v: Uint8Array) => v,
  compare: (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b),
  hashKey: (v: Uint8Array) => Buffer.from(v.buffer, v.byteOffset, v.byteLength).latin1Slice(),
  encodeKey: keyOf(encodeKeyBytes),
  applyTypmod: keep,
});

const uuid = define({
  ...textType(),
  input: (text) => parseUuid(text),
  receive(b) {
    exact(b, 16);
    return uuidFromBytes(b);
  },
  send: (v: string) => Buffer.from(v.replaceAll('-', ''), 'hex'),
  encodeKey: keyOf(encodeKeyUuid),
});

const date = define({
  ...integerType('date', 4, -2147483648, 2147483647),
  input: (text, _typmod, ctx) => dateInput(text, ctx),
  output: (v: number, ctx) => dateText(v, ctx),
});

const time = define({
  input: (text, typmod, ctx) => timeInput(text, typmod, ctx),
  output: (v: number) => formatTimeOfDay(v),
  receive(b, typmod) {
    exact(b, 8);
    return roundTime(checkTime(Number(b.readBigInt64BE(0))), typmod);
  },
  send: (v: number) => sendInt8(BigInt(v)),
  compare: (a: number, b: number) => compareNumbers(a, b),
  hashKey: same,
  encodeKey: keyOf(encodeKeyInt),
  applyTypmod: (v: number, typmod) => roundTime(v, typmod),
});

const timetz = define({
  input: (text, typmod, ctx) => timeTzInput(text, typmod, ctx),
  output: (v: TimeTz) => formatTimeTz(v),
  receive(b, typmod) {
    exact(b, 12);
    const zone = b.readInt32BE(8);
    if (Math.abs(zone) >= 57600) throw sqlError('22009', 'time zone displacement out of range');
    return new TimeTz(roundTime(checkTime(Number(b.readBigInt64BE(0))), typmod), zone);
  },
  send(v: TimeTz) {
    const b = Buffer.allocUnsafe(12);
    b.writeBigInt64BE(BigInt(v.micros), 0);
    b.writeInt32BE(v.zone, 8);
    return b;
  },
  compare: (a: TimeTz, b: TimeTz) => compareTimeTz(a, b),
  hashKey: (v: TimeTz) => `${v.micros},${v.zone}`,
  encodeKey: keyOf(encodeKeyTimeTz),
  applyTypmod: (v: TimeTz, typmod) => (typmod < 0 ? v : new TimeTz(roundTime(v.micros, typmod), v.zone)),
});

function timestampType(
  input: (text: string, precision: number, ctx: FormatContext) => bigint,
  output: (v: bigint, ctx: FormatContext) => string,
): TypeBehaviour {
  return define({
    ...int8,
    input,
    output: (v: bigint, ctx) => output(v, ctx),
    receive(b, typmod) {
      exact(b, 8);
      return roundTimestamp(receiveTimestamp(b.readBigInt64BE(0)), typmod);
    },
    applyTypmod: (v: bigint, typmod) => roundTimestamp(v, typmod),
  });
}

const interval = define({
  input: (text, typmod, ctx) => intervalInput(text, typmod, ctx.intervalStyle),
  output: (v: Interval, ctx) => formatInterval(v, ctx.intervalStyle),
  receive(b, typmod) {
    exact(b, 16);
    return applyIntervalTypmod(new Interval(b.readInt32BE(12), b.readInt32BE(8), b.readBigInt64BE(0)), typmod);
  },
  send(v: Interval) {
    const b = Buffer.allocUnsafe(16);
    b.writeBigInt64BE(v.micros, 0);
    b.writeInt32BE(v.days, 8);
    b.writeInt32BE(v.months, 12);
    return b;
  },
  compare: (a: Interval, b: Interval) => compareInterval(a, b),
  hashKey: (v: Interval) => intervalOrdinal(v),
  encodeKey: keyOf(encodeKeyInterval),
  applyTypmod: (v: Interval, typmod) => applyIntervalTypmod(v, typmod),
});

const json = define({
  ...textType((text) => {
    checkJson(text);
    return text;
  }),
  encodeKey: null,
});

const jsonb = define({
  input: (text) => jsonbInput(text),
  output: (v: Jsonb) => formatJson(v.value),
  receive(b) {
    if (b.length < 1) throw short();
    if (b[0] !== 1) throw sqlError('XX000', `unsupported jsonb version number ${b[0]}`);
    return jsonbInput(decodeText(b.subarray(1)));
  },
  send: (v: Jsonb) => Buffer.from(`\x01${formatJson(v.value)}`, 'utf8'),
  compare: (a: Jsonb, b: Jsonb) => compareJsonb(a, b),
  hashKey: (v: Jsonb) => jsonHashKey(v.value),
  encodeKey: keyOf(encodeKeyJsonb),
  applyTypmod: keep,
});

/** "char": one byte, shown as a character or as an octal escape. */
const char = define({
  ...textType(parseChar),
  output: (v: Value) => charText(v as string),
  receive(b) {
    exact(b, 1);
    return b[0] === 0 ? '' : b.latin1Slice();
  },
  send: (v: string) => Buffer.of(v === '' ? 0 : v.charCodeAt(0)),
});

const voidType = define({
  ...textType(() => ''),
  output: () => '',
  send: () => Buffer.alloc(0),
});

/** As C reads 64 bits without sign in any base; what does not read as a number is 0, as in PostgreSQL 15. */
function leadingUnsigned(text: string): bigint {
  const [, sign, all = '0'] = /^\s*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)/.exec(text) ?? [];
  const v = BigInt(/^0[0-7]+$/.test(all) ? `0o${all.slice(1)}` : all);
  if (v > 0xffffffffffffffffn) return 0xffffffffffffffffn;
  return sign === '-' ? BigInt.asUintN(64, -v) : v;
}

const xid8 = define({
  ...int8,
  input(text) {
    return leadingUnsigned(text);
  },
  receive(b) {
    exact(b, 8);
    return b.readBigUInt64BE(0);
  },
  send: (v: bigint) => sendInt8(BigInt.asIntN(64, v)),
});

const tid = define({
  ...textType((text) => {
    // Numbers are read as C reads them: a sign and blanks may stand before them.
    const [, first, second] = /^.*?\(\s*([+-]?\d+|),\s*([+-]?\d+|)\)/s.exec(text) ?? [];
    if (first === undefined || second === undefined) throw syntaxError('tid', text);
    const block = BigInt(first);
    const offset = BigInt(second);
    if (block > 4294967295n || block < -2147483648n || offset > 65535n || offset < 0n) throw syntaxError('tid', text);
    return `(${BigInt.asUintN(32, block)},${offset})`;
  }),
  receive(b) {
    exact(b, 6);
    return `(${b.readUInt32BE(0)},${b.readUInt16BE(4)})`;
  },
  send(v: string) {
    const [block = '0', offset = '0'] = v.slice(1, -1).split(',');
    const b = Buffer.allocUnsafe(6);
    b.writeUInt32BE(Number(block), 0);
    b.writeUInt16BE(Number(offset), 4);
    return b;
  },
});

/** Behaviour by oid; reg* types are added by the registry, which knows names. */
export const BEHAVIOURS: ReadonlyMap<number, TypeBehaviour> = new Map<number, TypeBehaviour>([
  [OID.bool, bool],
  [OID.bytea, bytea],
  [OID.char, char],
  [OID.name, textType(truncateName)],
  [OID.int8, int8],
  [OID.int2, integerType('smallint', 2, -32768, 32767)],
  [OID.int4, integerType('integer', 4, -2147483648, 2147483647)],
  [OID.text, textType()],
  [OID.oid, unsignedType((text) => parseOid(text))],
  [OID.tid, tid],
  [OID.xid, unsignedType((text) => Number(leadingUnsigned(text) & 0xffffffffn))],
  [OID.cid, unsignedType((text) => parseOid(text, 'cid'))],
  [OID.xid8, xid8],
  [OID.json, json],
  [OID.xml, { ...textType(), encodeKey: null }],
  [OID.refcursor, { ...textType(), encodeKey: null }],
  [OID.pgNodeTree, textType()],
  [OID.aclitem, { ...textType(), input: (text, _typmod, ctx) => readAclItem(text, ctx) }],
  [OID.float4, float4],
  [OID.float8, float8],
  [OID.unknown, textType()],
  [OID.cstring, textType()],
  [OID.bpchar, bpchar],
  [OID.varchar, varchar],
  [OID.date, date],
  [OID.time, time],
  [OID.timetz, timetz],
  [OID.timestamp, timestampType(timestampInput, timestampText)],
  [OID.timestamptz, timestampType(timestampTzInput, timestampTzText)],
  [OID.interval, interval],
  [OID.numeric, numeric],
  [OID.uuid, uuid],
  [OID.jsonb, jsonb],
  [OID.void, voidType],
]);

export { unsignedType };
