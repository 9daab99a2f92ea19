/**
 * RANGE frames with an offset: whether a value is within `offset` of the current row's, for each type that can be
 * ordered by. The types of the offsets are the binder's (plan/window-range-types.ts).
 */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { addInterval, addIntervals, addIntervalTz, negateInterval } from '../functions/interval-math.js';
import { zoneOrThrow } from '../types/calendar.js';
import { type Numeric, TimeTz, type Datum, type Interval } from '../types/datum.js';
import { compareTimeTz, dateToTimestamp } from '../types/datetime.js';
import { compareFloat } from '../types/float.js';
import { compareInterval, makeInterval } from '../types/interval.js';
import {
  addNumeric,
  compareNumeric,
  NUMERIC_INF,
  NUMERIC_NAN,
  NUMERIC_NEG_INF,
  NUMERIC_ZERO,
  subtractNumeric,
} from '../types/numeric.js';
import { OID } from '../types/oids.js';

type Value = Exclude<Datum, null>;

/** How `value` stands to base + offset (or base - offset): below 0, 0, above 0. */
export type RangeCompare = (value: Value, base: Value, offset: Value, subtract: boolean, ctx: ExecContext) => number;

const ZERO_INTERVAL = makeInterval(0, 0, 0n);

function refuse(): Error {
  return sqlError('22013', 'invalid preceding or following size in window function');
}

const compareBig = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

function compareIntegers(value: Value, base: Value, offset: Value, subtract: boolean): number {
  const by = BigInt(offset as number | bigint);
  if (by < 0n) throw refuse();
  const from = BigInt(base as number | bigint);
  return compareBig(BigInt(value as number | bigint), subtract ? from - by : from + by);
}

/** An infinity less itself is nothing: rows of the same infinity are within any infinite distance. */
function compareFloats(value: Value, base: Value, offset: Value, subtract: boolean): number {
  const [v, from, by] = [value as number, base as number, offset as number];
  if (Number.isNaN(by) || by < 0) throw refuse();
  if (Number.isNaN(v) || Number.isNaN(from)) return compareFloat(v, from);
  if (by === Infinity && from === (subtract ? Infinity : -Infinity)) return 0;
  return compareFloat(v, subtract ? from - by : from + by);
}

function compareNumerics(value: Value, base: Value, offset: Value, subtract: boolean): number {
  const [v, from, by] = [value as Numeric, base as Numeric, offset as Numeric];
  const same = (a: Numeric, b: Numeric): boolean => compareNumeric(a, b) === 0;
  if (same(by, NUMERIC_NAN) || compareNumeric(by, NUMERIC_ZERO) < 0) throw refuse();
  if (same(v, NUMERIC_NAN) || same(from, NUMERIC_NAN)) return compareNumeric(v, from);
  if (same(by, NUMERIC_INF) && same(from, subtract ? NUMERIC_INF : NUMERIC_NEG_INF)) return 0;
  return compareNumeric(v, subtract ? subtractNumeric(from, by) : addNumeric(from, by));
}

/** The offset with its sign. @throws 22013 for a negative one */
function signed(offset: Value, subtract: boolean): Interval {
  const span = offset as Interval;
  if (compareInterval(span, ZERO_INTERVAL) < 0) throw refuse();
  return subtract ? negateInterval(span) : span;
}

/** Of an interval only the time counts here, and a sum past midnight is simply later. */
function timeOf(offset: Value, subtract: boolean): number {
  const { micros } = offset as Interval;
  if (micros < 0n) throw refuse();
  return subtract ? -Number(micros) : Number(micros);
}

const COMPARES: ReadonlyMap<number, RangeCompare> = new Map<number, RangeCompare>([
  [OID.int2, compareIntegers],
  [OID.int4, compareIntegers],
  [OID.int8, compareIntegers],
  [OID.float4, compareFloats],
  [OID.float8, compareFloats],
  [OID.numeric, compareNumerics],
  [
    OID.date,
    (value, base, offset, subtract) =>
      compareBig(
        dateToTimestamp(value as number),
        addInterval(dateToTimestamp(base as number), signed(offset, subtract)),
      ),
  ],
  [
    OID.timestamp,
    (value, base, offset, subtract) =>
      compareBig(value as bigint, addInterval(base as bigint, signed(offset, subtract))),
  ],
  [
    OID.timestamptz,
    (value, base, offset, subtract, ctx) =>
      compareBig(
        value as bigint,
        addIntervalTz(base as bigint, signed(offset, subtract), zoneOrThrow(ctx.format.timeZone)),
      ),
  ],
  [
    OID.interval,
    (value, base, offset, subtract) =>
      compareInterval(value as Interval, addIntervals(base as Interval, signed(offset, subtract))),
  ],
  [OID.time, (value, base, offset, subtract) => (value as number) - ((base as number) + timeOf(offset, subtract))],
  [
    OID.timetz,
    (value, base, offset, subtract) => {
      const from = base as TimeTz;
      return compareTimeTz(value as TimeTz, new TimeTz(from.micros + timeOf(offset, subtract), from.zone));
    },
  ],
]);

/** For the type that the rows are ordered by. */
export function rangeCompareOf(oid: number): RangeCompare {
  const found = COMPARES.get(oid);
  if (found === undefined) throw sqlError('XX000', `no RANGE offsets over type ${oid}`);
  return found;
}
