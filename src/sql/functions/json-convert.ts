/** From SQL values to JSON, as to_json and to_jsonb do it. */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { Jsonb, Numeric, PgArray, PgRecord } from '../types/datum.js';
import type { Datum, JsonValue } from '../types/datum.js';
import { formatDate, formatTimestamp, formatTimestampTz } from '../types/datetime.js';
import { formatJson, makeJsonObject, parseJson, quoteJson } from '../types/json.js';
import { formatNumeric, numericFromBigInt, parseNumeric } from '../types/numeric.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import { baseOidOf } from '../types/user-types.js';
import type { Value } from './entry.js';

const NUMBERS: ReadonlySet<number> = new Set([OID.int2, OID.int4, OID.int8, OID.float4, OID.float8, OID.numeric]);
/** Their values are the text that is shown. */
const TEXTS: ReadonlySet<number> = new Set([OID.text, OID.varchar, OID.unknown, OID.name]);
const JSON_NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Dates and times in ISO 8601 with a T, whatever DateStyle says. */
function timeText(v: Value, oid: number, ctx: ExecContext): string | null {
  if (oid === OID.date) return formatDate(v as number);
  if (oid === OID.timestamp) return formatTimestamp(v as bigint, 'T');
  if (oid === OID.timestamptz) return formatTimestampTz(v as bigint, ctx.format.timeZone, 'T', true);
  return null;
}

/** A key of an object: what is no scalar cannot be one. */
export function jsonKey(v: Value, oid: number, ctx: ExecContext): string {
  if (v instanceof PgArray || v instanceof PgRecord || oid === OID.json || oid === OID.jsonb)
    throw sqlError('22023', 'key value must be scalar, not array, composite, or json');
  if (typeof v === 'boolean') return v ? 'true' : 'false';
  if (typeof v === 'string' && TEXTS.has(oid)) return v;
  return timeText(v, oid, ctx) ?? typeByOid(oid).output(v, ctx.format);
}

function fieldName(record: PgRecord, index: number): string {
  return record.names?.[index] ?? `f${index + 1}`;
}

/** `ctx` may be null only for types whose text form does not depend on settings. */
export function toJsonText(v: Datum, declared: number, ctx: ExecContext | null): string {
  if (v === null) return 'null';
  if (typeof v === 'boolean') return v ? 'true' : 'false';
  if (v instanceof Jsonb) return formatJson(v.value);
  const oid = baseOidOf(declared);
  if (oid === OID.json) return v as string;
  if (TEXTS.has(oid)) return quoteJson(v as string);
  if (typeof v === 'number' && (oid === OID.int2 || oid === OID.int4)) return String(v);
  if (v instanceof PgArray) return arrayText(v, ctx);
  if (v instanceof PgRecord) {
    return `{${v.values.map((item, i) => `${quoteJson(fieldName(v, i))}:${toJsonText(item, v.typeOids[i]!, ctx)}`).join(',')}}`;
  }
  if (ctx === null) return quoteJson(String(v));
  const time = timeText(v, oid, ctx);
  if (time !== null) return quoteJson(time);
  const text = v instanceof Numeric ? formatNumeric(v) : typeByOid(oid).output(v, ctx.format);
  return NUMBERS.has(oid) && JSON_NUMBER.test(text) ? text : quoteJson(text);
}

function arrayText(v: PgArray, ctx: ExecContext | null): string {
  if (v.elements.length === 0) return '[]';
  let at = 0;
  const level = (depth: number): string => {
    const parts: string[] = [];
    for (let i = 0; i < v.dims[depth]!; i++) {
      parts.push(depth + 1 < v.dims.length ? level(depth + 1) : toJsonText(v.elements[at++]!, v.elementOid, ctx));
    }
    return `[${parts.join(',')}]`;
  };
  return level(0);
}

export function toJsonValue(v: Datum, declared: number, ctx: ExecContext): JsonValue {
  if (v === null || typeof v === 'boolean') return v;
  if (v instanceof Jsonb) return v.value;
  const oid = baseOidOf(declared);
  if (oid === OID.json) return parseJson(v as string);
  if (v instanceof PgArray) return arrayValue(v, ctx);
  if (v instanceof PgRecord)
    return makeJsonObject(
      v.values.map((item, i) => [fieldName(v, i), toJsonValue(item, v.typeOids[i]!, ctx)] as const),
    );
  const time = timeText(v, oid, ctx);
  if (time !== null) return time;
  if (v instanceof Numeric) return v.kind === 'finite' ? v : formatNumeric(v);
  if (oid === OID.int4 || oid === OID.int8) return numericFromBigInt(BigInt(v as number | bigint));
  const text = typeByOid(oid).output(v, ctx.format);
  return NUMBERS.has(oid) && JSON_NUMBER.test(text) ? parseNumeric(text) : text;
}

function arrayValue(v: PgArray, ctx: ExecContext): JsonValue {
  let at = 0;
  const level = (depth: number): JsonValue[] => {
    const parts: JsonValue[] = [];
    for (let i = 0; i < v.dims[depth]!; i++) {
      parts.push(depth + 1 < v.dims.length ? level(depth + 1) : toJsonValue(v.elements[at++]!, v.elementOid, ctx));
    }
    return parts;
  };
  return v.elements.length === 0 ? [] : level(0);
}
