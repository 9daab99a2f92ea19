/**
 * Run-time values. One JavaScript representation for each PostgreSQL type; SQL NULL is `null`.
 *
 * | type | representation |
 * |---|---|
 * | bool | boolean |
 * | int2, int4, oid and the reg* types, float4, float8 | number |
 * | int8, timestamp, timestamptz | bigint (timestamps: microseconds since 2000-01-01 UTC; ±infinity = the int64 extremes) |
 * | date | number (days since 2000-01-01; ±infinity = int32 extremes) |
 * | time | number (microseconds since midnight) |
 * | timetz | TimeTz |
 * | numeric | Numeric |
 * | text, varchar, bpchar, name, "char", unknown, json, pg_node_tree | string |
 * | uuid | string, 36 characters, lower case |
 * | bytea | Uint8Array |
 * | interval | Interval |
 * | jsonb | Jsonb |
 * | arrays, int2vector, oidvector | PgArray |
 * | record | PgRecord |
 * | bit, varbit | BitString |
 * | inet, cidr | Inet |
 * | macaddr, macaddr8 | string, lower case with colons |
 * | ranges, multiranges | PgRange, PgMultirange |
 * | jsonpath | JsonPath |
 * | pg_lsn, xid8 | bigint |
 */
import { sqlError } from '../../base/errors.js';
import { checkDimensions } from './limits.js';

export type Datum =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Numeric
  | Interval
  | TimeTz
  | Jsonb
  | PgArray
  | PgRecord
  | BitString
  | Inet
  | PgRange
  | PgMultirange
  | JsonPath;

/** value = unscaled / 10^scale; scale is PostgreSQL's display scale. */
export class Numeric {
  readonly kind: 'finite' | 'nan' | 'inf' | '-inf';
  readonly unscaled: bigint;
  readonly scale: number;
  constructor(unscaled: bigint, scale: number, kind: Numeric['kind'] = 'finite') {
    this.kind = kind;
    this.unscaled = unscaled;
    this.scale = scale;
  }
}

export class Interval {
  readonly months: number;
  readonly days: number;
  readonly micros: bigint;
  constructor(months: number, days: number, micros: bigint) {
    this.months = months;
    this.days = days;
    this.micros = micros;
  }
}

/** Time of day with a zone: microseconds since midnight local time, zone in seconds WEST of UTC. */
export class TimeTz {
  readonly micros: number;
  readonly zone: number;
  constructor(micros: number, zone: number) {
    this.micros = micros;
    this.zone = zone;
  }
}

export type JsonValue = null | boolean | string | Numeric | readonly JsonValue[] | ReadonlyMap<string, JsonValue>;

/** jsonb: keys are unique and ordered by byte length then bytes; numbers keep their digits. */
export class Jsonb {
  readonly value: JsonValue;
  constructor(value: JsonValue) {
    this.value = value;
  }
}

const ONE: readonly number[] = [1];

export class PgArray {
  readonly elementOid: number;
  /** Lengths of the dimensions; empty for an empty array. */
  readonly dims: readonly number[];
  readonly lowerBounds: readonly number[];
  readonly elements: readonly Datum[];
  constructor(
    elementOid: number,
    elements: readonly Datum[],
    dims: readonly number[] = elements.length === 0 ? [] : [elements.length],
    lowerBounds: readonly number[] | null = null,
  ) {
    checkDimensions(dims.length);
    lowerBounds?.forEach((bound, d) => {
      if (bound + dims[d]! > 2147483647) throw sqlError('54000', `array lower bound is too large: ${bound}`);
    });
    this.elementOid = elementOid;
    this.elements = elements;
    this.dims = dims;
    this.lowerBounds = lowerBounds ?? (dims.length === 1 ? ONE : dims.map(() => 1));
  }
}

export type FieldOrder = (a: Exclude<Datum, null>, b: Exclude<Datum, null>) => number;

export class PgRecord {
  readonly typeOids: readonly number[];
  readonly values: readonly Datum[];
  /** Of a relation's row, for JSON; null for ROW(…), whose fields are f1, f2, … */
  readonly names: readonly string[] | null;
  /** Of fields that come in another order than their types' values. */
  readonly orders: readonly (FieldOrder | undefined)[] | undefined;
  constructor(
    typeOids: readonly number[],
    values: readonly Datum[],
    names: readonly string[] | null = null,
    orders?: readonly (FieldOrder | undefined)[],
  ) {
    this.typeOids = typeOids;
    this.values = values;
    this.names = names;
    this.orders = orders;
  }
}

/** Bits past the length are zero. */
export class BitString {
  readonly length: number;
  readonly bytes: Uint8Array;
  constructor(length: number, bytes: Uint8Array) {
    this.length = length;
    this.bytes = bytes;
  }
}

/** An IPv4 (4 bytes) or IPv6 (16 bytes) address and the length of its network's prefix. */
export class Inet {
  readonly bytes: Uint8Array;
  readonly bits: number;
  constructor(bytes: Uint8Array, bits: number) {
    this.bytes = bytes;
    this.bits = bits;
  }
}

/** A bound that is null is infinite, and then not inclusive. All empty ranges are alike. */
export class PgRange {
  readonly empty: boolean;
  readonly lower: Datum;
  readonly upper: Datum;
  readonly lowerInclusive: boolean;
  readonly upperInclusive: boolean;
  constructor(lower: Datum, upper: Datum, lowerInclusive: boolean, upperInclusive: boolean, empty = false) {
    this.empty = empty;
    this.lower = lower;
    this.upper = upper;
    this.lowerInclusive = lowerInclusive;
    this.upperInclusive = upperInclusive;
  }
}

/** Ranges that are not empty, in order, none touching another. */
export class PgMultirange {
  readonly ranges: readonly PgRange[];
  constructor(ranges: readonly PgRange[]) {
    this.ranges = ranges;
  }
}

/** A path as PostgreSQL prints it, and what evaluates it (see json-path.ts). */
export class JsonPath {
  readonly text: string;
  readonly program: object;
  constructor(text: string, program: object) {
    this.text = text;
    this.program = program;
  }
}
