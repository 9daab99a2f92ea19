/**
 * Casts between the built-in types, as pg_cast lists them, and the rules by which PostgreSQL chooses a
 * common type. A cast applies the target's modifier; for an explicit one, too long strings are cut.
 */
import { sqlError } from '../../base/errors.js';
import { parseFloat4 } from './float.js';
import { bitsFromInteger, bitsToInteger } from './bit-string.js';
import { PgArray, Interval, Jsonb, Numeric, PgMultirange, TimeTz } from './datum.js';
import type { BitString, Datum, Inet, PgRange } from './datum.js';
import { joinTimestamp, localOffset, MICROS_PER_DAY_BIG, zoneOffset, zoneOrThrow } from './calendar.js';
import {
  currentDate,
  dateToTimestamp,
  timestampToDate,
  timestampToTime,
  dateToTimestampTz,
  timestampToTz,
  tzToTimestamp,
} from './datetime.js';
import { formatJson, parseJson } from './json.js';
import {
  formatNumeric,
  numericFromBigInt,
  numericFromFloat,
  numericFromInt,
  numericToBigInt,
  numericToFloat,
} from './numeric.js';
import { extendMac, macBytes, macFromBytes, shortenMac } from './mac-address.js';
import { networkOf, showNetwork } from './network.js';
import { NAMES_OF_OBJECTS, OID } from './oids.js';
import { findRangeKind, RANGE_OIDS } from './range.js';
import { formatType, isArrayType, isVectorType, typeByOid } from './registry.js';
import { charText, INT8_MAX, INT8_MIN, parseChar, truncateName } from './scalar-input.js';
import { stripBlanks } from './text-order.js';
import type { FormatContext } from './type-info.js';

export type CastContext = 'implicit' | 'assignment' | 'explicit';
type Value = Exclude<Datum, null>;
/** `typmod` is the target's, -1 for none. */
export type CastFunction = (value: Value, typmod: number, ctx: FormatContext) => Datum;

interface CastRow {
  readonly context: CastContext;
  /** null: the representations are the same. */
  convert(value: Value, ctx: FormatContext, typmod: number): Datum;
  readonly binary: boolean;
}

const CONTEXT_RANK: Readonly<Record<CastContext, number>> = { implicit: 0, assignment: 1, explicit: 2 };
const casts = new Map<number, CastRow>();
const pair = (from: number, to: number): number => from * 65536 + to;

function cast(from: number, to: number, context: 'i' | 'a' | 'e', convert: CastRow['convert'] | null): void {
  casts.set(pair(from, to), {
    context: context === 'i' ? 'implicit' : context === 'a' ? 'assignment' : 'explicit',
    convert: convert ?? ((v) => v),
    binary: convert === null,
  });
}

export function outOfRange(type: string): Error {
  return sqlError('22003', `${type} out of range`);
}

export function toInt2(n: number): number {
  if (n < -32768 || n > 32767) throw outOfRange('smallint');
  return n;
}
export function toInt4(n: number): number {
  if (n < -2147483648 || n > 2147483647) throw outOfRange('integer');
  return n;
}
export function toInt8(n: bigint): bigint {
  if (n < INT8_MIN || n > INT8_MAX) throw outOfRange('bigint');
  return n;
}

/** Half to even, as rint() in the default mode. */
export function roundHalfEven(n: number): number {
  const floor = Math.floor(n);
  const difference = n - floor;
  const rounded = difference < 0.5 ? floor : difference > 0.5 ? floor + 1 : floor % 2 === 0 ? floor : floor + 1;
  return rounded === 0 ? 0 : rounded;
}

function floatToInt(n: number, min: number, max: number, type: string): number {
  const rounded = roundHalfEven(n);
  if (!(rounded >= min && rounded <= max)) throw outOfRange(type);
  return rounded;
}
function floatToInt8(n: number): bigint {
  const rounded = roundHalfEven(n);
  if (!(rounded >= -9223372036854775808 && rounded < 9223372036854775808)) throw outOfRange('bigint');
  return BigInt(rounded);
}
function numericToInteger(v: Numeric, type: string): bigint {
  if (v.kind !== 'finite')
    throw sqlError('0A000', `cannot convert ${v.kind === 'nan' ? 'NaN' : 'infinity'} to ${type}`);
  return numericToBigInt(v);
}
export function toFloat4(n: number): number {
  const single = Math.fround(n);
  if (!Number.isFinite(single) && Number.isFinite(n)) throw sqlError('22003', 'value out of range: overflow');
  if (single === 0 && n !== 0) throw sqlError('22003', 'value out of range: underflow');
  return single;
}
function int8ToOid(v: bigint): number {
  if (v < 0n || v > 4294967295n) throw sqlError('22003', 'OID out of range');
  return Number(v);
}
const unsigned = (n: number): number => n >>> 0;

function defineNumberCasts(): void {
  const { int2, int4, int8, float4, float8, numeric } = OID;
  cast(int2, int4, 'i', (v) => v);
  cast(int2, int8, 'i', (v) => BigInt(v as number));
  cast(int2, float4, 'i', (v) => v);
  cast(int2, float8, 'i', (v) => v);
  cast(int2, numeric, 'i', (v) => numericFromInt(v as number));
  cast(int4, int2, 'a', (v) => toInt2(v as number));
  cast(int4, int8, 'i', (v) => BigInt(v as number));
  cast(int4, float4, 'i', (v) => Math.fround(v as number));
  cast(int4, float8, 'i', (v) => v);
  cast(int4, numeric, 'i', (v) => numericFromInt(v as number));
  cast(int8, int2, 'a', (v) => toInt2(Number(v)));
  cast(int8, int4, 'a', (v) => toInt4(Number(v)));
  cast(int8, float4, 'i', (v) => parseFloat4(String(v)));
  cast(int8, float8, 'i', (v) => Number(v));
  cast(int8, numeric, 'i', (v) => numericFromBigInt(v as bigint));
  for (const float of [float4, float8]) {
    cast(float, int2, 'a', (v) => floatToInt(v as number, -32768, 32767, 'smallint'));
    cast(float, int4, 'a', (v) => floatToInt(v as number, -2147483648, 2147483647, 'integer'));
    cast(float, int8, 'a', (v) => floatToInt8(v as number));
    cast(float, numeric, 'a', (v) => numericFromFloat(v as number, float === float4 ? 6 : 15));
  }
  cast(float4, float8, 'i', (v) => v);
  cast(float8, float4, 'a', (v) => toFloat4(v as number));
  cast(numeric, int2, 'a', (v) => toInt2(Number(numericToInteger(v as Numeric, 'smallint'))));
  cast(numeric, int4, 'a', (v) => toInt4(Number(numericToInteger(v as Numeric, 'integer'))));
  cast(numeric, int8, 'a', (v) => toInt8(numericToInteger(v as Numeric, 'bigint')));
  cast(numeric, float4, 'i', (v) => parseFloat4(formatNumeric(v as Numeric)));
  cast(numeric, float8, 'i', (v) => {
    const n = numericToFloat(v as Numeric);
    if (!Number.isFinite(n) && (v as Numeric).kind === 'finite') {
      throw sqlError('22003', `"${formatNumeric(v as Numeric)}" is out of range for type double precision`);
    }
    return n;
  });
  cast(numeric, numeric, 'i', (v) => v);
}

function defineTextCasts(): void {
  const { bool, text, varchar, bpchar, name, char, int4 } = OID;
  cast(bool, int4, 'e', (v) => (v === true ? 1 : 0));
  cast(int4, bool, 'e', (v) => v !== 0);
  for (const to of [text, varchar, bpchar]) {
    cast(bool, to, 'a', (v) => (v === true ? 'true' : 'false'));
    cast(char, to, to === text ? 'i' : 'a', (v) => charText(v as string));
    cast(name, to, to === text ? 'i' : 'a', (v) => v);
  }
  for (const from of [text, varchar, bpchar]) {
    const strip = from === bpchar;
    cast(from, name, 'i', (v) => truncateName(strip ? stripBlanks(v as string) : (v as string)));
    cast(from, char, 'a', (v) => parseChar(v as string));
  }
  cast(text, bpchar, 'i', null);
  cast(text, varchar, 'i', null);
  cast(varchar, text, 'i', null);
  cast(varchar, bpchar, 'i', null);
  cast(bpchar, text, 'i', (v) => stripBlanks(v as string));
  cast(bpchar, varchar, 'i', (v) => stripBlanks(v as string));
  cast(char, int4, 'e', (v) => (v === '' ? 0 : ((v as string).charCodeAt(0) << 24) >> 24));
  cast(int4, char, 'e', (v) => {
    if ((v as number) < -128 || (v as number) > 127) throw sqlError('22003', '"char" out of range');
    return v === 0 ? '' : String.fromCharCode((v as number) & 0xff);
  });
  cast(OID.pgNodeTree, text, 'i', null);
  cast(text, OID.regclass, 'i', (v, ctx) => typeByOid(OID.regclass).input(v as string, -1, ctx));
  cast(varchar, OID.regclass, 'i', (v, ctx) => typeByOid(OID.regclass).input(v as string, -1, ctx));
}

function defineOidCasts(): void {
  const { oid, int2, int4, int8 } = OID;
  for (const target of [oid, ...NAMES_OF_OBJECTS]) {
    cast(int2, target, 'i', (v) => unsigned(v as number));
    cast(int4, target, 'i', (v) => unsigned(v as number));
    cast(int8, target, 'i', (v) => int8ToOid(v as bigint));
    cast(target, int4, 'a', (v) => (v as number) | 0);
    cast(target, int8, 'a', (v) => BigInt(v as number));
    if (target !== oid) {
      cast(oid, target, 'i', null);
      cast(target, oid, 'i', null);
    }
  }
  cast(OID.regproc, OID.regprocedure, 'i', null);
  cast(OID.regprocedure, OID.regproc, 'i', null);
  cast(OID.xid8, OID.xid, 'e', (v) => Number((v as bigint) & 0xffffffffn));
}

function defineTimeCasts(): void {
  const { date, time, timetz, timestamp, timestamptz, interval } = OID;
  cast(date, timestamp, 'i', (v) => dateToTimestamp(v as number));
  cast(date, timestamptz, 'i', (v, ctx) => dateToTimestampTz(v as number, ctx.timeZone));
  cast(timestamp, date, 'a', (v) => timestampToDate(v as bigint));
  cast(timestamp, time, 'a', (v) => timestampToTime(v as bigint));
  cast(timestamp, timestamp, 'i', (v) => v);
  cast(timestamp, timestamptz, 'i', (v, ctx) => timestampToTz(v as bigint, ctx.timeZone));
  cast(timestamptz, date, 'a', (v, ctx) => timestampToDate(tzToTimestamp(v as bigint, ctx.timeZone)));
  cast(timestamptz, time, 'a', (v, ctx) => timestampToTime(tzToTimestamp(v as bigint, ctx.timeZone)));
  cast(timestamptz, timestamp, 'a', (v, ctx) => tzToTimestamp(v as bigint, ctx.timeZone));
  cast(timestamptz, timetz, 'a', (v, ctx) => {
    const micros = timestampToTime(tzToTimestamp(v as bigint, ctx.timeZone));
    return micros === null ? null : new TimeTz(micros, -zoneOffset(zoneOrThrow(ctx.timeZone), v as bigint));
  });
  cast(time, interval, 'i', (v) => new Interval(0, 0, BigInt(v as number)));
  cast(time, timetz, 'i', (v, ctx) => {
    const east = localOffset(zoneOrThrow(ctx.timeZone), joinTimestamp(currentDate(ctx), v as number));
    return new TimeTz(v as number, -east);
  });
  cast(timetz, time, 'a', (v) => (v as TimeTz).micros);
  cast(interval, time, 'a', (v) => {
    const rest = (v as Interval).micros % MICROS_PER_DAY_BIG;
    return Number(rest < 0n ? rest + MICROS_PER_DAY_BIG : rest);
  });
}

function defineJsonCasts(): void {
  const { json, jsonb, bool, numeric } = OID;
  cast(json, jsonb, 'a', (v) => new Jsonb(parseJson(v as string)));
  cast(jsonb, json, 'a', (v) => formatJson((v as Jsonb).value));
  const kind = (v: Jsonb): string => {
    const x = v.value;
    if (x === null) return 'null';
    if (typeof x === 'string') return 'string';
    if (typeof x === 'boolean') return 'boolean';
    if (x instanceof Numeric) return 'numeric';
    return Array.isArray(x) ? 'array' : 'object';
  };
  const refuse = (v: Jsonb, to: number): never => {
    const what = kind(v);
    const article =
      what === 'array' || what === 'object' ? `jsonb ${what === 'array' ? 'array' : 'object'}` : `jsonb ${what}`;
    throw sqlError('22023', `cannot cast ${article} to type ${formatType(to)}`);
  };
  cast(jsonb, bool, 'e', (v) => {
    const x = (v as Jsonb).value;
    return typeof x === 'boolean' ? x : refuse(v as Jsonb, bool);
  });
  for (const to of [numeric, OID.int2, OID.int4, OID.int8, OID.float4, OID.float8]) {
    cast(jsonb, to, 'e', (v, ctx) => {
      const x = (v as Jsonb).value;
      if (!(x instanceof Numeric)) return refuse(v as Jsonb, to);
      return to === numeric ? x : casts.get(pair(numeric, to))!.convert(x, ctx, -1);
    });
  }
}

function defineBitCasts(): void {
  const { bit, varbit, int4, int8 } = OID;
  cast(int4, bit, 'e', (v, _ctx, typmod) => bitsFromInteger(BigInt(v as number), typmod));
  cast(int8, bit, 'e', (v, _ctx, typmod) => bitsFromInteger(v as bigint, typmod));
  cast(bit, int4, 'e', (v) => Number(bitsToInteger(v as BitString, 32)));
  cast(bit, int8, 'e', (v) => bitsToInteger(v as BitString, 64));
  cast(bit, bit, 'i', (v) => v);
  cast(bit, varbit, 'i', null);
  cast(varbit, bit, 'i', null);
  cast(varbit, varbit, 'i', (v) => v);
}

function defineNetworkCasts(): void {
  const { inet, cidr, macaddr, macaddr8 } = OID;
  cast(cidr, inet, 'i', null);
  cast(inet, cidr, 'a', (v) => networkOf(v as Inet));
  for (const to of [OID.text, OID.varchar, OID.bpchar]) {
    cast(inet, to, 'a', (v) => showNetwork(v as Inet));
    cast(cidr, to, 'a', (v) => showNetwork(v as Inet));
  }
  cast(macaddr, macaddr8, 'i', (v) => macFromBytes(extendMac(macBytes(v as string))));
  cast(macaddr8, macaddr, 'i', (v) => shortenMac(v as string));
}

function defineRangeCasts(): void {
  for (const [range, multirange] of RANGE_OIDS) cast(range, multirange, 'e', toMultirange);
}

defineNumberCasts();
defineRangeCasts();
defineNetworkCasts();
defineBitCasts();
defineTextCasts();
defineOidCasts();
defineTimeCasts();
defineJsonCasts();

/** A cast that changes nothing when there is no modifier: the binder may leave it out. */
export const identityCast: CastFunction = (value) => value;

function withTypmod(to: number, explicit: boolean, convert: CastRow['convert']): CastFunction {
  const type = typeByOid(to);
  return (value, typmod, ctx) => {
    const converted = convert(value, ctx, typmod);
    return typmod < 0 || converted === null ? converted : type.applyTypmod(converted, typmod, explicit);
  };
}

function sameRepresentation(to: number, explicit: boolean): CastFunction {
  const type = typeByOid(to);
  return (value, typmod) => (typmod < 0 ? value : type.applyTypmod(value, typmod, explicit));
}

const STRING_TYPES: ReadonlySet<number> = new Set([OID.text, OID.varchar, OID.bpchar, OID.name]);
const isString = (oid: number): boolean => STRING_TYPES.has(oid);

/** True if a value of `from` is a value of `to` as it stands (implicitly). */
export function isBinaryCoercible(from: number, to: number): boolean {
  if (from === to || to === OID.any || to === OID.anyelement || to === OID.anycompatible) return true;
  if ((to === OID.anyarray || to === OID.anycompatiblearray) && isArrayType(from)) return true;
  const row = casts.get(pair(from, to));
  if (row !== undefined) return row.binary && row.context === 'implicit';
  if (from === OID.int4 && to === OID.oid) return false;
  if (isArrayType(from) && isArrayType(to)) {
    const x = typeByOid(from).elementOid;
    const y = typeByOid(to).elementOid;
    return isString(x) && isString(y) && isBinaryCoercible(x, y);
  }
  return false;
}

/** Pseudo-types with values, which are written as text like any other's. */
const WITH_OUTPUT: ReadonlySet<number> = new Set([OID.record, OID.void, OID.cstring, OID.anyarray]);

export function canCoerce(from: number, to: number, context: CastContext): boolean {
  if (from === to || from === OID.unknown) return true;
  if (to === OID.any) return true;
  const row = casts.get(pair(from, to));
  if (row !== undefined) return CONTEXT_RANK[row.context] <= CONTEXT_RANK[context];
  if (isOwnMultirange(from, to)) return context === 'explicit';
  if (isRowOfType(from, to)) return true;
  if (to === OID.record && typeByOid(from).category === 'C') return true;
  if (from === OID.record && typeByOid(to).category === 'C') return true;
  if (isArrayType(from) && isArrayType(to) && !isVectorType(to)) {
    const [a, b] = [typeByOid(from).elementOid, typeByOid(to).elementOid];
    return canCoerce(a, b, context) && !isRowOfType(a, b);
  }
  if (context === 'implicit') return false;
  const source = typeByOid(from);
  const target = typeByOid(to);
  if (source.category === 'P' && !WITH_OUTPUT.has(from)) return false;
  if (target.category === 'P' && to !== OID.record) return false;
  if (target.category === 'S') return context === 'explicit' || target.preferred || isString(to);
  return context === 'explicit' && source.category === 'S';
}

/** Those built in are in the table; users make others. */
function isOwnMultirange(from: number, to: number): boolean {
  const kind = findRangeKind(from);
  return kind !== null && kind.oid === from && kind.multirangeOid === to;
}

/** A row of a typed table is a value of the table's type. */
function isRowOfType(from: number, to: number): boolean {
  const { rowOfType } = typeByOid(from);
  return rowOfType !== undefined && typeByOid(to).catalogOid === rowOfType;
}

function toMultirange(v: Value): PgMultirange {
  return new PgMultirange((v as PgRange).empty ? [] : [v as PgRange]);
}

/**
 * The function that casts, or null if there is no such cast in that context. NULL is never passed in.
 * From unknown it reads the text as a literal of the target type.
 */
export function findCast(from: number, to: number, context: CastContext): CastFunction | null {
  const explicit = context === 'explicit';
  if (from === to) return sameRepresentation(to, explicit);
  const target = typeByOid(to);
  if (from === OID.unknown) {
    if (isString(to) && to !== OID.name) return sameRepresentation(to, explicit);
    return (value, typmod, ctx) => target.input(value as string, typmod, ctx);
  }
  if (!canCoerce(from, to, context)) return null;
  if (isOwnMultirange(from, to)) return toMultirange;
  const row = casts.get(pair(from, to));
  if (row !== undefined)
    return row.binary
      ? sameRepresentation(to, explicit)
      : withTypmod(to, explicit, (v, ctx, typmod) => row.convert(v, ctx, typmod));
  if (isArrayType(from) && isArrayType(to)) return arrayCast(typeByOid(from).elementOid, target.elementOid, context);
  if (to === OID.any || (to === OID.record && target.category === 'P' && typeByOid(from).category === 'C'))
    return identityCast;
  if ((from === OID.record && target.category === 'C') || isRowOfType(from, to))
    return (value, _typmod, ctx) => target.fromRecord!(value, ctx);
  const source = typeByOid(from);
  if (target.category === 'S')
    return withTypmod(to, explicit, (v, ctx) =>
      to === OID.name ? truncateName(source.output(v, ctx)) : source.output(v, ctx),
    );
  // Read first and cut to its length then, which an explicit cast does silently. A char(n) comes with its blanks.
  return withTypmod(to, explicit, (value, ctx) => target.input(value as string, -1, ctx));
}

function arrayCast(from: number, to: number, context: CastContext): CastFunction | null {
  const element = findCast(from, to, context);
  if (element === null) return null;
  return (value, typmod, ctx) => {
    const array = value as PgArray;
    const items = array.elements.map((item) => (item === null ? null : element(item, typmod, ctx)));
    return new PgArray(to, items, array.dims, array.lowerBounds);
  };
}

/**
 * The common type of UNION, CASE, COALESCE, VALUES, ARRAY[…] (PostgreSQL's chapter 10.5).
 * @throws QuoralError 42804, worded with `what`, e.g. "CASE" or "UNION".
 */
/** `refused`: makes the error of the type at `index`, which fits none before it. */
export function selectCommonType(
  oids: readonly number[],
  what: string,
  refused: (message: string, index: number) => Error = (message) => sqlError('42804', message),
): number {
  let chosen: number = OID.unknown;
  for (const [index, oid] of oids.entries()) {
    if (oid === OID.unknown || oid === chosen) continue;
    if (chosen === OID.unknown) {
      chosen = oid;
      continue;
    }
    const a = typeByOid(chosen);
    const b = typeByOid(oid);
    if (a.category !== b.category) {
      throw refused(`${what} types ${formatType(chosen)} and ${formatType(oid)} cannot be matched`, index);
    }
    if (!a.preferred && canCoerce(chosen, oid, 'implicit') && !canCoerce(oid, chosen, 'implicit')) chosen = oid;
  }
  return chosen === OID.unknown ? OID.text : chosen;
}

/** True if a function does it, by PostgreSQL's list, and not the types' text forms. */
export function castsByFunction(from: number, to: number): boolean {
  const row = casts.get(pair(from, to));
  return row !== undefined && !row.binary && !(isJson(from) && isJson(to));
}
const isJson = (oid: number): boolean => oid === OID.json || oid === OID.jsonb;

/** The casts as pg_cast lists them. */
export function allCasts(): readonly {
  readonly source: number;
  readonly target: number;
  readonly context: CastContext;
  readonly binary: boolean;
}[] {
  return [...casts].map(([key, row]) => ({
    source: Math.floor(key / 65536),
    target: key % 65536,
    context: row.context,
    binary: row.binary,
  }));
}
