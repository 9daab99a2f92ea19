/**
 * (s1, e1) OVERLAPS (s2, e2): half-open periods of time, of which either end may come first, be given as a length, or be
 * unknown (PostgreSQL 15, 9.9): then the answer is unknown only where the known ends do not decide it.
 */
import type { ExecContext } from '../contract.js';
import { zoneOrThrow } from '../types/calendar.js';
import type { Interval, TimeTz } from '../types/datum.js';
import { fn } from './define.js';
import { addInterval, addIntervalTz } from './interval-math.js';

type Moment = bigint | number | null;

function overlaps(s1: Moment, e1: Moment, s2: Moment, e2: Moment): boolean | null {
  if ((s1 === null && e1 === null) || (s2 === null && e2 === null)) return null;
  const [from1, to1] = ordered(s1, e1);
  const [from2, to2] = ordered(s2, e2);
  if (from1 === from2) return to1 === null || to2 === null ? null : true;
  const [endOfFirst, startOfSecond, endOfSecond] = from1 < from2 ? [to1, from2, to2] : [to2, from1, to1];
  if (endOfFirst === null) return null;
  if (startOfSecond < endOfFirst) return true;
  return endOfSecond === null ? null : false;
}

/** The known end is the start; the other, if it is known, is the end. */
function ordered(a: Moment, b: Moment): [bigint | number, Moment] {
  if (a === null) return [b!, null];
  if (b === null) return [a, null];
  return a <= b ? [a, b] : [b, a];
}

const LENIENT = { strict: false } as const;

for (const type of ['time', 'timestamp', 'timestamptz']) {
  fn(`overlaps(${type}, ${type}, ${type}, ${type}) bool`, overlaps, LENIENT);
}

/** Of times with a zone: the moment in UTC, and of the same moment the zone. */
const ordinal = (t: TimeTz | null): bigint | null =>
  t === null ? null : BigInt(t.micros + t.zone * 1_000_000) * 1_000_000n + BigInt(t.zone);
fn(
  'overlaps(timetz, timetz, timetz, timetz) bool',
  (a: TimeTz | null, b: TimeTz | null, c: TimeTz | null, d: TimeTz | null) =>
    overlaps(ordinal(a), ordinal(b), ordinal(c), ordinal(d)),
  LENIENT,
);

const DAY = 86_400_000_000n;
/** A time goes round midnight. */
function addToTime(start: bigint | number, length: Interval): number {
  return Number((((BigInt(start) + length.micros) % DAY) + DAY) % DAY);
}

type Add = (start: bigint, length: Interval, ctx: ExecContext) => bigint | number;
const WITH_LENGTHS: readonly (readonly [type: string, add: Add, volatility: 'immutable' | 'stable'])[] = [
  ['time', (start, length) => addToTime(start, length), 'immutable'],
  ['timestamp', (start, length) => addInterval(start, length), 'immutable'],
  ['timestamptz', (start, length, ctx) => addIntervalTz(start, length, zoneOrThrow(ctx.format.timeZone)), 'stable'],
];

for (const [type, add, volatility] of WITH_LENGTHS) {
  const options = { strict: false, volatility } as const;
  const end = (start: bigint | null, length: Interval | null, ctx: ExecContext): Moment =>
    start === null || length === null ? null : add(start, length, ctx);
  fn(
    `overlaps(${type}, interval, ${type}, interval) bool`,
    (a: bigint | null, i: Interval | null, b: bigint | null, j: Interval | null, ctx: ExecContext) =>
      overlaps(a, end(a, i, ctx), b, end(b, j, ctx)),
    options,
  );
  fn(
    `overlaps(${type}, interval, ${type}, ${type}) bool`,
    (a: bigint | null, i: Interval | null, b: bigint | null, c: bigint | null, ctx: ExecContext) =>
      overlaps(a, end(a, i, ctx), b, c),
    options,
  );
  fn(
    `overlaps(${type}, ${type}, ${type}, interval) bool`,
    (a: bigint | null, b: bigint | null, c: bigint | null, i: Interval | null, ctx: ExecContext) =>
      overlaps(a, b, c, end(c, i, ctx)),
    options,
  );
}
