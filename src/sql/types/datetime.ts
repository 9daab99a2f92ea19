/** Input, output, wire form and precision of date, time, timetz, timestamp and timestamptz. */
import { sqlError } from '../../base/errors.js';
import {
  checkTimestamp,
  DATE_END,
  DATE_INFINITY,
  DATE_MIN,
  DATE_NEG_INFINITY,
  EPOCH_OFFSET_MICROS,
  joinTimestamp,
  localOffset,
  localToUtc,
  MICROS_PER_DAY,
  MICROS_PER_DAY_BIG,
  splitTimestamp,
  timestampOutOfRange,
  TS_END,
  TS_INFINITY,
  TS_MIN,
  TS_NEG_INFINITY,
  utcToLocal,
  zoneOffset,
  zoneOrThrow,
} from './calendar.js';
import { civilFromDays } from './civil.js';
import { TimeTz } from './datum.js';
import { dateTimeError, parseDateTime } from './datetime-input.js';
import type { FormatContext } from './type-info.js';

const EPOCH_DAYS = -10957;

function pad2(n: number): string {
  return n < 10 ? `0${n}` : `${n}`;
}

export function formatTimeOfDay(micros: number): string {
  const seconds = Math.floor(micros / 1e6);
  const text = `${pad2(Math.floor(seconds / 3600))}:${pad2(Math.floor(seconds / 60) % 60)}:${pad2(seconds % 60)}`;
  const fraction = micros - seconds * 1e6;
  return fraction === 0 ? text : `${text}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
}

function formatYearMonthDay(days: number): { text: string; bc: string } {
  const { year, month, day } = civilFromDays(days);
  const shown = year > 0 ? year : 1 - year;
  return { text: `${String(shown).padStart(4, '0')}-${pad2(month)}-${pad2(day)}`, bc: year > 0 ? '' : ' BC' };
}

export function formatDate(days: number): string {
  if (days === DATE_INFINITY) return 'infinity';
  if (days === DATE_NEG_INFINITY) return '-infinity';
  const { text, bc } = formatYearMonthDay(days);
  return text + bc;
}

/** `east` in seconds: +00, -03:30, +00:19:32. */
export function formatOffset(east: number): string {
  const magnitude = Math.abs(east);
  let text = (east < 0 ? '-' : '+') + pad2(Math.floor(magnitude / 3600));
  if (magnitude % 3600 !== 0) {
    text += `:${pad2(Math.floor(magnitude / 60) % 60)}`;
    if (magnitude % 60 !== 0) text += `:${pad2(magnitude % 60)}`;
  }
  return text;
}

export function formatTimestamp(ts: bigint, separator = ' '): string {
  if (ts === TS_INFINITY) return 'infinity';
  if (ts === TS_NEG_INFINITY) return '-infinity';
  const { days, micros } = splitTimestamp(ts);
  const { text, bc } = formatYearMonthDay(days);
  return `${text}${separator}${formatTimeOfDay(micros)}${bc}`;
}

export function formatTimestampTz(ts: bigint, timeZone: string, separator = ' ', fullOffset = false): string {
  if (ts === TS_INFINITY) return 'infinity';
  if (ts === TS_NEG_INFINITY) return '-infinity';
  const east = zoneOffset(zoneOrThrow(timeZone), ts);
  const { days, micros } = splitTimestamp(ts + BigInt(east) * 1_000_000n);
  const { text, bc } = formatYearMonthDay(days);
  const offset = formatOffset(east);
  return `${text}${separator}${formatTimeOfDay(micros)}${fullOffset && offset.length === 3 ? `${offset}:00` : offset}${bc}`;
}

/** Rounds to the precision of the typmod (0–6), half away from zero as PostgreSQL's AdjustTimestamp. */
export function roundMicros(value: bigint, precision: number): bigint {
  if (precision < 0 || precision >= 6) return value;
  const unit = 10n ** BigInt(6 - precision);
  const half = unit / 2n;
  return value >= 0n ? ((value + half) / unit) * unit : -(((-value + half) / unit) * unit);
}
export function roundTimestamp(ts: bigint, precision: number): bigint {
  return ts === TS_INFINITY || ts === TS_NEG_INFINITY ? ts : roundMicros(ts, precision);
}
export function roundTime(micros: number, precision: number): number {
  if (precision < 0 || precision >= 6) return micros;
  const unit = 10 ** (6 - precision);
  return Math.floor((micros + unit / 2) / unit) * unit;
}

export function currentDate(ctx: FormatContext): number {
  return splitTimestamp(utcToLocal(zoneOrThrow(ctx.timeZone), ctx.transactionNow)).days;
}

export function dateInput(text: string, ctx: FormatContext): number {
  const f = parseDateTime(text, 'date', ctx.dateStyle);
  switch (f.kind) {
    case 'infinity':
      return DATE_INFINITY;
    case '-infinity':
      return DATE_NEG_INFINITY;
    case 'epoch':
      return EPOCH_DAYS;
    case 'now':
      return currentDate(ctx);
    case 'fields': {
      if (f.relativeDays !== null) return currentDate(ctx) + f.relativeDays;
      if (f.days === null) throw dateTimeError('syntax', 'date', text);
      if (f.days < DATE_MIN || f.days >= DATE_END) throw sqlError('22008', `date out of range: "${text}"`);
      return f.days;
    }
  }
}

export function timeInput(text: string, precision: number, ctx: FormatContext): number {
  const f = parseDateTime(text, 'time', ctx.dateStyle);
  if (f.kind === 'now')
    return roundTime(splitTimestamp(utcToLocal(zoneOrThrow(ctx.timeZone), ctx.transactionNow)).micros, precision);
  if (f.kind !== 'fields' || f.micros === null) throw dateTimeError('syntax', 'time', text);
  return roundTime(f.micros, precision);
}

export function timeTzInput(text: string, precision: number, ctx: FormatContext): TimeTz {
  const zone = zoneOrThrow(ctx.timeZone);
  const f = parseDateTime(text, 'time with time zone', ctx.dateStyle);
  const local = utcToLocal(zone, ctx.transactionNow);
  if (f.kind === 'now')
    return new TimeTz(roundTime(splitTimestamp(local).micros, precision), -zoneOffset(zone, ctx.transactionNow));
  if (f.kind !== 'fields' || f.micros === null) throw dateTimeError('syntax', 'time with time zone', text);
  const days = f.days ?? splitTimestamp(local).days;
  const east = f.offset ?? localOffset(f.zone ?? zone, joinTimestamp(days, f.micros));
  return new TimeTz(roundTime(f.micros, precision), -east);
}

export function formatTimeTz(v: TimeTz): string {
  return formatTimeOfDay(v.micros) + formatOffset(-v.zone);
}

function inRange(ts: bigint, text: string): bigint {
  if (ts < TS_MIN || ts >= TS_END) throw sqlError('22008', `timestamp out of range: "${text}"`);
  return ts;
}

export function timestampInput(text: string, precision: number, ctx: FormatContext): bigint {
  const f = parseDateTime(text, 'timestamp', ctx.dateStyle);
  switch (f.kind) {
    case 'infinity':
      return TS_INFINITY;
    case '-infinity':
      return TS_NEG_INFINITY;
    case 'epoch':
      return -EPOCH_OFFSET_MICROS;
    case 'now':
      return roundMicros(utcToLocal(zoneOrThrow(ctx.timeZone), ctx.transactionNow), precision);
    case 'fields': {
      const days = f.relativeDays === null ? f.days : currentDate(ctx) + f.relativeDays;
      if (days === null) throw dateTimeError('syntax', 'timestamp', text);
      return inRange(roundMicros(joinTimestamp(days, f.micros ?? 0), precision), text);
    }
  }
}

export function timestampTzInput(text: string, precision: number, ctx: FormatContext): bigint {
  const f = parseDateTime(text, 'timestamp with time zone', ctx.dateStyle);
  switch (f.kind) {
    case 'infinity':
      return TS_INFINITY;
    case '-infinity':
      return TS_NEG_INFINITY;
    case 'epoch':
      return -EPOCH_OFFSET_MICROS;
    case 'now':
      return roundMicros(ctx.transactionNow, precision);
    case 'fields': {
      const days = f.relativeDays === null ? f.days : currentDate(ctx) + f.relativeDays;
      if (days === null) throw dateTimeError('syntax', 'timestamp with time zone', text);
      const local = joinTimestamp(days, f.micros ?? 0);
      const utc =
        f.offset !== null
          ? local - BigInt(f.offset) * 1_000_000n
          : localToUtc(f.zone ?? zoneOrThrow(ctx.timeZone), local);
      return inRange(roundMicros(utc, precision), text);
    }
  }
}

// ---- between the types ----

export function dateToTimestamp(days: number): bigint {
  if (days === DATE_INFINITY) return TS_INFINITY;
  if (days === DATE_NEG_INFINITY) return TS_NEG_INFINITY;
  const ts = BigInt(days) * MICROS_PER_DAY_BIG;
  if (ts < TS_MIN || ts >= TS_END) throw dateOutOfRange();
  return ts;
}
function dateOutOfRange(): Error {
  return sqlError('22008', 'date out of range for timestamp');
}
/** The day's beginning there. @throws 22008 */
export function dateToTimestampTz(days: number, timeZone: string): bigint {
  const local = dateToTimestamp(days);
  if (local === TS_INFINITY || local === TS_NEG_INFINITY) return local;
  const ts = local - BigInt(localOffset(zoneOrThrow(timeZone), local)) * 1_000_000n;
  if (ts < TS_MIN || ts >= TS_END) throw dateOutOfRange();
  return ts;
}
export function timestampToDate(ts: bigint): number {
  if (ts === TS_INFINITY) return DATE_INFINITY;
  if (ts === TS_NEG_INFINITY) return DATE_NEG_INFINITY;
  return splitTimestamp(ts).days;
}
export function timestampToTz(ts: bigint, timeZone: string): bigint {
  if (ts === TS_INFINITY || ts === TS_NEG_INFINITY) return ts;
  return checkTimestamp(localToUtc(zoneOrThrow(timeZone), ts));
}
export function tzToTimestamp(ts: bigint, timeZone: string): bigint {
  if (ts === TS_INFINITY || ts === TS_NEG_INFINITY) return ts;
  return checkTimestamp(utcToLocal(zoneOrThrow(timeZone), ts));
}
/** null for the infinities, which have no time of day. */
export function timestampToTime(ts: bigint): number | null {
  return ts === TS_INFINITY || ts === TS_NEG_INFINITY ? null : splitTimestamp(ts).micros;
}
export function compareTimeTz(a: TimeTz, b: TimeTz): number {
  const x = a.micros + a.zone * 1e6;
  const y = b.micros + b.zone * 1e6;
  return x < y ? -1 : x > y ? 1 : Math.sign(a.zone - b.zone);
}
export function receiveTimestamp(ts: bigint): bigint {
  if (ts === TS_INFINITY || ts === TS_NEG_INFINITY) return ts;
  if (ts < TS_MIN || ts >= TS_END) throw timestampOutOfRange();
  return ts;
}
export function checkTime(micros: number): number {
  if (!(micros >= 0 && micros <= MICROS_PER_DAY)) throw sqlError('22008', 'time out of range');
  return micros;
}
