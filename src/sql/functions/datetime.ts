/** Date and time functions and operators (chapter 9.9), to_char and its relatives apart. */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import {
  checkTimestamp,
  DATE_END,
  DATE_INFINITY,
  DATE_MIN,
  DATE_NEG_INFINITY,
  EPOCH_OFFSET_MICROS,
  EPOCH_OFFSET_SECONDS,
  findZoneOrAbbreviation,
  isFiniteTimestamp,
  joinTimestamp,
  localToUtc,
  MICROS_PER_DAY,
  splitTimestamp,
  TS_INFINITY,
  TS_NEG_INFINITY,
  utcToLocal,
  zoneOffset,
  zoneOrThrow,
} from '../types/calendar.js';
import { civilFromDays, daysFromCivil } from '../types/civil.js';
import type { Zone } from '../types/calendar.js';
import { Interval, Numeric, TimeTz } from '../types/datum.js';
import type { Datum } from '../types/datum.js';
import { currentDate, dateToTimestamp, formatTimestampTz, timestampToDate, tzToTimestamp } from '../types/datetime.js';
import { FieldError, readOffset } from '../types/date-time-fields.js';
import { formatSixDigits } from '../types/float.js';
import { formatInterval, intervalOutOfRange, makeInterval } from '../types/interval.js';
import { divisionByZero, NUMERIC_INF, NUMERIC_NEG_INF, numericToFloat } from '../types/numeric.js';
import { fn, fns, op } from './define.js';
import {
  addInterval,
  addIntervals,
  addIntervalTz,
  age,
  divideInterval,
  justifyDays,
  justifyHours,
  justifyInterval,
  multiplyInterval,
  negateInterval,
  subtractTimestamps,
} from './interval-math.js';

const STABLE = { volatility: 'stable' } as const;
const zoneOf = (ctx: ExecContext): Zone => zoneOrThrow(ctx.format.timeZone);

// ---- the present ----

fns(
  ['now() timestamptz', 'transaction_timestamp() timestamptz'],
  (ctx: ExecContext) => ctx.format.transactionNow,
  STABLE,
);
fn('statement_timestamp() timestamptz', (ctx: ExecContext) => ctx.format.statementNow, STABLE);
const clock = (ctx: ExecContext): bigint => BigInt(ctx.db.now()) - EPOCH_OFFSET_MICROS;
fn('clock_timestamp() timestamptz', clock, { volatility: 'volatile' });
fn('timeofday() text', (ctx: ExecContext) => formatTimestampTz(clock(ctx), ctx.format.timeZone), {
  volatility: 'volatile',
});

// ---- + and − ----

function dateOffset(days: number, by: number): number {
  if (days === DATE_INFINITY || days === DATE_NEG_INFINITY) return days;
  const moved = days + by;
  if (moved < DATE_MIN || moved >= DATE_END) throw sqlError('22008', 'date out of range');
  return moved;
}
op('date + int4 = date', dateOffset);
op('int4 + date = date', (n: number, d: number) => dateOffset(d, n));
op('date - int4 = date', (d: number, n: number) => dateOffset(d, -n));
op('date - date = int4', (a: number, b: number) => {
  if (Math.abs(a) >= DATE_INFINITY || Math.abs(b) >= DATE_INFINITY)
    throw sqlError('22008', 'cannot subtract infinite dates');
  return a - b;
});
op('date + interval = timestamp', (d: number, i: Interval) => addInterval(dateToTimestamp(d), i));
op('interval + date = timestamp', (i: Interval, d: number) => addInterval(dateToTimestamp(d), i));
op('date - interval = timestamp', (d: number, i: Interval) => addInterval(dateToTimestamp(d), negateInterval(i)));
op('date + time = timestamp', (d: number, t: number) => withTime(d, t));
op('time + date = timestamp', (t: number, d: number) => withTime(d, t));
function withTime(d: number, t: number): bigint {
  const ts = dateToTimestamp(d);
  return isFiniteTimestamp(ts) ? checkTimestamp(ts + BigInt(t)) : ts;
}
op('date + timetz = timestamptz', withTimeTz);
function withTimeTz(d: number, t: TimeTz): bigint {
  const ts = dateToTimestamp(d);
  return isFiniteTimestamp(ts) ? checkTimestamp(ts + BigInt(t.micros) + BigInt(t.zone) * 1_000_000n) : ts;
}
op('timestamp + interval = timestamp', (t: bigint, i: Interval) => addInterval(t, i));
op('interval + timestamp = timestamp', (i: Interval, t: bigint) => addInterval(t, i));
op('timestamp - interval = timestamp', (t: bigint, i: Interval) => addInterval(t, negateInterval(i)));
op(
  'timestamptz + interval = timestamptz',
  (t: bigint, i: Interval, ctx: ExecContext) => addIntervalTz(t, i, zoneOf(ctx)),
  STABLE,
);
op(
  'interval + timestamptz = timestamptz',
  (i: Interval, t: bigint, ctx: ExecContext) => addIntervalTz(t, i, zoneOf(ctx)),
  STABLE,
);
op(
  'timestamptz - interval = timestamptz',
  (t: bigint, i: Interval, ctx: ExecContext) => addIntervalTz(t, negateInterval(i), zoneOf(ctx)),
  STABLE,
);
for (const type of ['timestamp', 'timestamptz']) {
  op(`${type} - ${type} = interval`, (a: bigint, b: bigint) => {
    if (!isFiniteTimestamp(a) || !isFiniteTimestamp(b)) throw sqlError('22008', 'cannot subtract infinite timestamps');
    return subtractTimestamps(a, b);
  });
}
function wrapTime(micros: bigint): number {
  const day = BigInt(MICROS_PER_DAY);
  return Number(((micros % day) + day) % day);
}
op('time + interval = time', (t: number, i: Interval) => wrapTime(BigInt(t) + i.micros));
op('interval + time = time', (i: Interval, t: number) => wrapTime(BigInt(t) + i.micros));
op('time - interval = time', (t: number, i: Interval) => wrapTime(BigInt(t) - i.micros));
op('time - time = interval', (a: number, b: number) => new Interval(0, 0, BigInt(a - b)));
op('timetz + interval = timetz', (t: TimeTz, i: Interval) => new TimeTz(wrapTime(BigInt(t.micros) + i.micros), t.zone));
op('timetz - interval = timetz', (t: TimeTz, i: Interval) => new TimeTz(wrapTime(BigInt(t.micros) - i.micros), t.zone));
op('interval + interval = interval', addIntervals);
op('interval - interval = interval', (a: Interval, b: Interval) =>
  makeInterval(a.months - b.months, a.days - b.days, a.micros - b.micros),
);
op('- interval = interval', negateInterval);
op('interval * float8 = interval', multiplyInterval);
op('float8 * interval = interval', (n: number, i: Interval) => multiplyInterval(i, n));
op('interval / float8 = interval', (i: Interval, n: number) => {
  if (n === 0) throw divisionByZero();
  return divideInterval(i, n);
});
fn('justify_hours(interval) interval', justifyHours);
fn('justify_days(interval) interval', justifyDays);
fn('justify_interval(interval) interval', justifyInterval);

// ---- age ----

fn('age(timestamp, timestamp) interval', (a: bigint, b: bigint) => age(a, b));
fn('age(timestamptz, timestamptz) interval', (a: bigint, b: bigint, ctx: ExecContext) =>
  age(utcToLocal(zoneOf(ctx), a), utcToLocal(zoneOf(ctx), b)),
);
const midnight = (ctx: ExecContext): bigint => dateToTimestamp(currentDate(ctx.format));
fn('age(timestamp) interval', (a: bigint, ctx: ExecContext) => age(midnight(ctx), a), STABLE);
fn(
  'age(timestamptz) interval',
  (a: bigint, ctx: ExecContext) => age(midnight(ctx), utcToLocal(zoneOf(ctx), a)),
  STABLE,
);

fn(
  'timestamptz(date, time) timestamptz',
  (d: number, t: number, ctx: ExecContext) => {
    const ts = dateToTimestamp(d);
    return isFiniteTimestamp(ts) ? localToUtc(zoneOf(ctx), ts + BigInt(t)) : ts;
  },
  STABLE,
);
fn('timestamptz(date, timetz) timestamptz', withTimeTz);

// ---- AT TIME ZONE ----

function zoneArgument(name: string): Zone {
  const zone = findZoneOrAbbreviation(name);
  if (zone === null) throw sqlError('22023', `time zone "${name}" not recognized`);
  return zone;
}
/** For make_timestamptz, where '+2' is east of Greenwich, as in a timestamp. */
export function statedZone(name: string): Zone {
  if (!/^[+-]?\d/.test(name)) return zoneArgument(name);
  if (/^\d/.test(name)) {
    throw sqlError('22023', `invalid input syntax for type numeric time zone: "${name}"`, {
      hint: 'Numeric time zones must have "-" or "+" as first character.',
    });
  }
  try {
    return { name, fixed: readOffset(name), formatter: null, cache: new Map() };
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw error.failure === 'zone-range'
      ? sqlError('22023', `numeric time zone "${name}" out of range`)
      : sqlError('22023', `time zone "${name}" not recognized`);
  }
}
const infiniteOr = (ts: bigint, f: (ts: bigint) => bigint): bigint =>
  isFiniteTimestamp(ts) ? checkTimestamp(f(ts)) : ts;
fn('timezone(text, timestamptz) timestamp', (z: string, t: bigint) =>
  infiniteOr(t, (ts) => utcToLocal(zoneArgument(z), ts)),
);
fn('timezone(text, timestamp) timestamptz', (z: string, t: bigint) =>
  infiniteOr(t, (ts) => localToUtc(zoneArgument(z), ts)),
);
/** Whole seconds, as microseconds. */
function intervalZone(i: Interval): bigint {
  if (i.months !== 0 || i.days !== 0) {
    const shown = formatInterval(i, 'postgres');
    throw sqlError('22023', `interval time zone "${shown}" must not include months or days`);
  }
  return i.micros - (i.micros % 1_000_000n);
}
fn('timezone(interval, timestamptz) timestamp', (i: Interval, t: bigint) =>
  infiniteOr(t, (ts) => ts + intervalZone(i)),
);
fn('timezone(interval, timestamp) timestamptz', (i: Interval, t: bigint) =>
  infiniteOr(t, (ts) => ts - intervalZone(i)),
);
fn(
  'timezone(text, timetz) timetz',
  (z: string, t: TimeTz, ctx: ExecContext) => {
    const west = -zoneOffset(zoneArgument(z), ctx.format.transactionNow);
    return new TimeTz(wrapTime(BigInt(t.micros) + BigInt(t.zone - west) * 1_000_000n), west);
  },
  STABLE,
);

// ---- date_trunc and date_bin ----

const TRUNC_MICROS: Readonly<Record<string, bigint>> = {
  microseconds: 1n,
  milliseconds: 1000n,
  second: 1_000_000n,
  minute: 60_000_000n,
  hour: 3_600_000_000n,
};
const UNIT_NAMES: Readonly<Record<string, string>> = {
  microsecond: 'microseconds',
  us: 'microseconds',
  usec: 'microseconds',
  usecs: 'microseconds',
  millisecond: 'milliseconds',
  ms: 'milliseconds',
  msec: 'milliseconds',
  msecs: 'milliseconds',
  seconds: 'second',
  sec: 'second',
  secs: 'second',
  s: 'second',
  minutes: 'minute',
  min: 'minute',
  mins: 'minute',
  m: 'minute',
  hours: 'hour',
  h: 'hour',
  hr: 'hour',
  hrs: 'hour',
  days: 'day',
  d: 'day',
  weeks: 'week',
  w: 'week',
  months: 'month',
  mon: 'month',
  mons: 'month',
  qtr: 'quarter',
  years: 'year',
  y: 'year',
  yr: 'year',
  yrs: 'year',
  decades: 'decade',
  dec: 'decade',
  decs: 'decade',
  centuries: 'century',
  c: 'century',
  cent: 'century',
  millennia: 'millennium',
  mil: 'millennium',
  mils: 'millennium',
  millenniums: 'millennium',
};
function foldAscii(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
function unitName(name: string): string {
  const lower = foldAscii(name);
  return Object.hasOwn(UNIT_NAMES, lower) ? UNIT_NAMES[lower]! : lower;
}
function truncDays(unit: string, days: number): number | null {
  const { year, month } = civilFromDays(days);
  switch (unit) {
    case 'day':
      return days;
    case 'week':
      return days - ((((days + 5) % 7) + 7) % 7);
    case 'month':
      return daysFromCivil(year, month, 1);
    case 'quarter':
      return daysFromCivil(year, month - ((month - 1) % 3), 1);
    case 'year':
      return daysFromCivil(year, 1, 1);
    case 'decade':
      return daysFromCivil(Math.floor(year / 10) * 10, 1, 1);
    case 'century':
      return daysFromCivil(Math.floor((year - 1) / 100) * 100 + 1, 1, 1);
    case 'millennium':
      return daysFromCivil(Math.floor((year - 1) / 1000) * 1000 + 1, 1, 1);
    default:
      return null;
  }
}
function truncTimestamp(field: string, ts: bigint, typeName: string): bigint {
  if (!isFiniteTimestamp(ts)) return ts;
  const unit = unitName(field);
  const { days, micros } = splitTimestamp(ts);
  const whole = Object.hasOwn(TRUNC_MICROS, unit) ? TRUNC_MICROS[unit]! : null;
  const start = whole === null ? truncDays(unit, days) : days;
  if (start === null) throw unitError(field, unit, typeName, TRUNC_UNITS);
  return whole === null ? joinTimestamp(start, 0) : joinTimestamp(days, Number((BigInt(micros) / whole) * whole));
}
const ZONE_UNITS = ['timezone', 'timezone_hour', 'timezone_minute', 'timezone_m', 'timezone_h'];
const DATE_UNITS = ['day', 'week', 'month', 'quarter', 'year', 'decade', 'century', 'millennium'];
const TRUNC_UNITS = new Set([...DATE_UNITS, ...ZONE_UNITS, ...Object.keys(TRUNC_MICROS)]);
const EXTRACT_UNITS = new Set([...TRUNC_UNITS, 'epoch', 'dow', 'isodow', 'doy', 'isoyear', 'julian']);
function unitError(field: string, unit: string, typeName: string, known: ReadonlySet<string> = EXTRACT_UNITS): Error {
  if (!known.has(unit)) return sqlError('22023', `unit "${foldAscii(field)}" not recognized for type ${typeName}`);
  const ofWeeks = known === TRUNC_UNITS && unit === 'week' && typeName === 'interval';
  return sqlError(
    '0A000',
    `unit "${foldAscii(field)}" not supported for type ${typeName}`,
    ofWeeks ? { detail: 'Months usually have fractional weeks.' } : {},
  );
}
const TS_NAME = 'timestamp without time zone';
const TSTZ_NAME = 'timestamp with time zone';
fn('date_trunc(text, timestamp) timestamp', (unit: string, ts: bigint) => truncTimestamp(unit, ts, TS_NAME));
function truncTz(unit: string, ts: bigint, zone: Zone): bigint {
  if (!isFiniteTimestamp(ts)) return truncTimestamp(unit, ts, TSTZ_NAME);
  const local = utcToLocal(zone, ts);
  const truncated = truncTimestamp(unit, local, TSTZ_NAME);
  // Below a day the offset stays what it is, so that an hour in an overlap stays the same hour.
  return Object.hasOwn(TRUNC_MICROS, unitName(unit)) ? ts - (local - truncated) : localToUtc(zone, truncated);
}
fn(
  'date_trunc(text, timestamptz) timestamptz',
  (unit: string, ts: bigint, ctx: ExecContext) => truncTz(unit, ts, zoneOf(ctx)),
  STABLE,
);
fn(
  'date_trunc(text, timestamptz, text) timestamptz',
  (unit: string, ts: bigint, zone: string) => (isFiniteTimestamp(ts) ? truncTz(unit, ts, zoneArgument(zone)) : ts),
  STABLE,
);
fn('date_trunc(text, interval) interval', (field: string, v: Interval) => {
  const unit = unitName(field);
  if (Object.hasOwn(TRUNC_MICROS, unit))
    return new Interval(v.months, v.days, (v.micros / TRUNC_MICROS[unit]!) * TRUNC_MICROS[unit]!);
  if (unit === 'day') return new Interval(v.months, v.days, 0n);
  const months = { month: 1, quarter: 3, year: 12, decade: 120, century: 1200, millennium: 12000 }[unit];
  if (months === undefined) throw unitError(field, unit, 'interval', TRUNC_UNITS);
  return new Interval(Math.trunc(v.months / months) * months, 0, 0n);
});
const INT8_MAX = 0x7fff_ffff_ffff_ffffn;
function dateBin(stride: Interval, ts: bigint, origin: bigint): bigint {
  if (!isFiniteTimestamp(ts)) return ts;
  if (!isFiniteTimestamp(origin)) throw sqlError('22008', 'origin out of range');
  if (stride.months !== 0)
    throw sqlError('0A000', 'timestamps cannot be binned into intervals containing months or years');
  const step = BigInt(stride.days) * BigInt(MICROS_PER_DAY) + stride.micros;
  if (BigInt.asIntN(64, step) !== step) throw intervalOutOfRange();
  if (step <= 0n) throw sqlError('22008', 'stride must be greater than zero');
  const past = ts - origin;
  if (step > INT8_MAX || past > INT8_MAX || past < -INT8_MAX - 1n) throw sqlError('22008', 'interval out of range');
  const rest = ((past % step) + step) % step;
  return checkTimestamp(ts - rest);
}
for (const type of ['timestamp', 'timestamptz']) fn(`date_bin(interval, ${type}, ${type}) ${type}`, dateBin);

// ---- extract and date_part ----

function decimal(micros: bigint, scale: number): Numeric {
  return new Numeric(micros, scale);
}
const whole = (n: number): Numeric => new Numeric(BigInt(n), 0);

export function isoWeek(days: number): { year: number; week: number } {
  const weekday = (((days + 5) % 7) + 7) % 7;
  const thursday = days - weekday + 3;
  const { year } = civilFromDays(thursday);
  return { year, week: Math.floor((thursday - daysFromCivil(year, 1, 1)) / 7) + 1 };
}
/** Sunday is 0. */
export function weekdayOf(days: number): number {
  return (((days + 6) % 7) + 7) % 7;
}

function dayPart(unit: string, days: number): Numeric | null {
  const { year, month, day } = civilFromDays(days);
  switch (unit) {
    case 'day':
      return whole(day);
    case 'month':
      return whole(month);
    case 'quarter':
      return whole(Math.floor((month - 1) / 3) + 1);
    case 'week':
      return whole(isoWeek(days).week);
    case 'year':
      return whole(year > 0 ? year : year - 1);
    case 'isoyear': {
      const { year: iso } = isoWeek(days);
      return whole(iso > 0 ? iso : iso - 1);
    }
    case 'decade':
      return whole(Math.floor(year / 10));
    case 'century':
      return whole(year > 0 ? Math.ceil(year / 100) : -Math.floor((100 - year) / 100));
    case 'millennium':
      return whole(year > 0 ? Math.ceil(year / 1000) : -Math.floor((1000 - year) / 1000));
    case 'dow':
      return whole(weekdayOf(days));
    case 'isodow':
      return whole(weekdayOf(days) || 7);
    case 'doy':
      return whole(days - daysFromCivil(year, 1, 1) + 1);
    default:
      return null;
  }
}

function timePart(unit: string, micros: bigint): Numeric | null {
  switch (unit) {
    case 'microseconds':
      return decimal(micros % 60_000_000n, 0);
    case 'milliseconds':
      return decimal(micros % 60_000_000n, 3);
    case 'second':
      return decimal(micros % 60_000_000n, 6);
    case 'minute':
      return decimal((micros / 60_000_000n) % 60n, 0);
    case 'hour':
      return decimal(micros / 3_600_000_000n, 0);
    default:
      return null;
  }
}

/** Units that are not cut to have more names. */
function extractUnit(field: string): string {
  const unit = unitName(field);
  return unit === 'j' || unit === 'jd' ? 'julian' : unit;
}

/** Of an infinite timestamp without a zone they are nothing as well. */
const OF_ZONES = new Set(ZONE_UNITS);
const GROWING = new Set(['year', 'decade', 'century', 'millennium', 'julian', 'isoyear', 'epoch']);
function extractTimestamp(field: string, ts: bigint, typeName: string): Datum {
  const unit = extractUnit(field);
  if (!isFiniteTimestamp(ts)) {
    if (GROWING.has(unit)) return ts > 0n ? NUMERIC_INF : NUMERIC_NEG_INF;
    const ofZone = OF_ZONES.has(unit) && typeName !== 'date';
    const ofTime = typeName !== 'date' && timePart(unit, 0n) !== null;
    const isKnown = ofZone || ofTime || dayPart(unit, 0) !== null;
    if (!isKnown) throw unitError(field, unit, typeName);
    return null;
  }
  const { days, micros } = splitTimestamp(ts);
  if (unit === 'epoch') return decimal(ts + EPOCH_OFFSET_MICROS, 6);
  if (unit === 'julian') return julian(days, micros);
  const part = dayPart(unit, days) ?? timePart(unit, BigInt(micros));
  if (part === null) throw unitError(field, unit, typeName);
  return part;
}
function julian(days: number, micros: number): Numeric {
  // The day number, and the share of the day to the scale of PostgreSQL's division.
  const day = BigInt(days + 2451545);
  if (micros === 0) return new Numeric(day * 10n ** 20n, 20);
  const share = (BigInt(micros) * 10n ** 20n * 2n + 86_400_000_000n) / (2n * 86_400_000_000n);
  return new Numeric(day * 10n ** 20n + share, 20);
}
function extractTz(field: string, ts: bigint, ctx: ExecContext): Datum {
  const unit = extractUnit(field);
  if (!isFiniteTimestamp(ts)) return extractTimestamp(field, ts, TSTZ_NAME);
  if (unit === 'epoch') return decimal(ts + EPOCH_OFFSET_MICROS, 6);
  const zone = zoneOf(ctx);
  return zonePart(unit, zoneOffset(zone, ts)) ?? extractTimestamp(field, utcToLocal(zone, ts), TSTZ_NAME);
}
function zonePart(unit: string, east: number): Numeric | null {
  switch (unit) {
    case 'timezone':
      return whole(east);
    case 'timezone_hour':
    case 'timezone_h':
      return whole(Math.trunc(east / 3600));
    case 'timezone_minute':
    case 'timezone_m':
      return whole(Math.trunc((east % 3600) / 60));
    default:
      return null;
  }
}
function extractDate(field: string, days: number): Datum {
  const unit = extractUnit(field);
  if (days === DATE_INFINITY || days === DATE_NEG_INFINITY) {
    return extractTimestamp(field, days > 0 ? TS_INFINITY : TS_NEG_INFINITY, 'date');
  }
  if (unit === 'epoch') return new Numeric(BigInt(days) * 86400n + BigInt(EPOCH_OFFSET_SECONDS), 0);
  if (unit === 'julian') return whole(days + 2451545);
  const part = dayPart(unit, days);
  if (part === null) throw unitError(field, unit, 'date');
  return part;
}
function extractTime(field: string, micros: number, typeName: string): Numeric {
  const unit = extractUnit(field);
  const part = unit === 'epoch' ? decimal(BigInt(micros), 6) : timePart(unit, BigInt(micros));
  if (part === null) throw unitError(field, unit, typeName);
  return part;
}
function extractInterval(field: string, v: Interval): Numeric {
  const unit = extractUnit(field);
  if (unit === 'epoch') {
    // A year counts 365.25 days here, a month 30.
    const seconds =
      BigInt(Math.trunc(v.months / 12)) * 31_557_600n + BigInt(v.months % 12) * 2_592_000n + BigInt(v.days) * 86_400n;
    return decimal(seconds * 1_000_000n + v.micros, 6);
  }
  const time = timePart(unit, v.micros);
  if (time !== null) return time;
  const years = Math.trunc(v.months / 12);
  switch (unit) {
    case 'day':
      return whole(v.days);
    case 'month':
      return whole(v.months % 12);
    case 'quarter':
      return whole(Math.trunc((v.months % 12) / 3) + 1);
    case 'year':
      return whole(years);
    case 'decade':
      return whole(Math.trunc(years / 10));
    case 'century':
      return whole(Math.trunc(years / 100));
    case 'millennium':
      return whole(Math.trunc(years / 1000));
    default:
      throw unitError(field, unit, 'interval');
  }
}
/** Where the parts are added as floating-point numbers. */
function epochAsFloat(v: Datum): number | null {
  if (v instanceof TimeTz) return v.micros / 1e6 + v.zone;
  if (!(v instanceof Interval)) return null;
  const years = 365.25 * 86400 * Math.trunc(v.months / 12);
  return Number(v.micros) / 1e6 + years + 30 * 86400 * (v.months % 12) + 86400 * v.days;
}
const toFloat = (v: Datum): Datum => (v === null ? null : numericToFloat(v as Numeric));
const extracts: readonly (readonly [string, (field: string, v: never, ctx: ExecContext) => Datum])[] = [
  ['timestamp', (f: string, v: bigint) => extractTimestamp(f, v, TS_NAME)],
  ['timestamptz', (f: string, v: bigint, ctx: ExecContext) => extractTz(f, v, ctx)],
  ['date', (f: string, v: number) => extractDate(f, v)],
  ['time', (f: string, v: number) => extractTime(f, v, 'time without time zone')],
  [
    'timetz',
    (f: string, v: TimeTz) => {
      const unit = extractUnit(f);
      if (unit === 'epoch') return decimal(BigInt(v.micros + v.zone * 1e6), 6);
      return zonePart(unit, -v.zone) ?? extractTime(f, v.micros, 'time with time zone');
    },
  ],
  ['interval', (f: string, v: Interval) => extractInterval(f, v)],
];
for (const [type, extract] of extracts) {
  const loose = extract as unknown as (f: string, v: Datum, ctx: ExecContext) => Datum;
  const options = type === 'timestamptz' ? STABLE : {};
  fn(`extract(text, ${type}) numeric`, loose, options);
  // Of a date it is that of its midnight, to the error's wording.
  const part =
    type === 'date' ? (f: string, v: Datum) => extractTimestamp(f, dateToTimestamp(v as number), TS_NAME) : loose;
  fn(
    `date_part(text, ${type}) float8`,
    (f: string, v: Datum, ctx: ExecContext) =>
      (extractUnit(f) === 'epoch' ? epochAsFloat(v) : null) ?? toFloat(part(f, v, ctx)),
    options,
  );
}

fn('to_timestamp(float8) timestamptz', (n: number) => {
  if (n === Infinity) return TS_INFINITY;
  if (n === -Infinity) return TS_NEG_INFINITY;
  if (Number.isNaN(n)) throw sqlError('22008', 'timestamp cannot be NaN');
  const micros = Math.round((n - EPOCH_OFFSET_SECONDS) * 1e6);
  if (Math.abs(micros) > 9.3e18) throw sqlError('22008', `timestamp out of range: "${formatSixDigits(n)}"`);
  return checkTimestamp(BigInt(micros));
});
for (const type of ['timestamp', 'timestamptz']) fn(`isfinite(${type}) bool`, (t: bigint) => isFiniteTimestamp(t));
fn('isfinite(date) bool', (d: number) => d !== DATE_INFINITY && d !== DATE_NEG_INFINITY);
fn('isfinite(interval) bool', () => true);
fn('timestamp(date, time) timestamp', withTime);
fn('date(timestamp) date', (t: bigint) => timestampToDate(t));
fn(
  'date(timestamptz) date',
  (t: bigint, ctx: ExecContext) => timestampToDate(tzToTimestamp(t, ctx.format.timeZone)),
  STABLE,
);
