/** Arithmetic of intervals with dates and times. */
import {
  isFiniteTimestamp,
  joinTimestamp,
  localToUtc,
  splitTimestamp,
  timestampOutOfRange,
  TS_END,
  TS_MIN,
  utcToLocal,
} from '../types/calendar.js';
import { civilFromDays, daysFromCivil, daysInMonth } from '../types/civil.js';
import type { Zone } from '../types/calendar.js';
import { Interval } from '../types/datum.js';
import { roundHalfEven } from '../types/casts.js';
import { intervalOutOfRange, makeInterval } from '../types/interval.js';

function checked(ts: bigint): bigint {
  if (ts < TS_MIN || ts >= TS_END) throw timestampOutOfRange();
  return ts;
}

/** Months first (the day is cut to the month's end), then days, then time. */
export function addInterval(ts: bigint, span: Interval): bigint {
  if (!isFiniteTimestamp(ts)) return ts;
  return checked(addMonthsDays(ts, span) + span.micros);
}

function addMonthsDays(ts: bigint, span: Interval): bigint {
  if (span.months === 0 && span.days === 0) return ts;
  const { days, micros } = splitTimestamp(ts);
  return checked(joinTimestamp(addMonths(days, span.months) + span.days, micros));
}

export function addMonths(days: number, months: number): number {
  if (months === 0) return days;
  const { year, month, day } = civilFromDays(days);
  const index = year * 12 + month - 1 + months;
  const newYear = Math.floor(index / 12);
  const newMonth = index - newYear * 12 + 1;
  return daysFromCivil(newYear, newMonth, Math.min(day, daysInMonth(newYear, newMonth)));
}

/** Months and days move the local time, the rest the moment. */
export function addIntervalTz(ts: bigint, span: Interval, zone: Zone): bigint {
  if (!isFiniteTimestamp(ts)) return ts;
  const moved = span.months === 0 && span.days === 0 ? ts : localToUtc(zone, addMonthsDays(utcToLocal(zone, ts), span));
  return checked(moved + span.micros);
}

export function negateInterval(v: Interval): Interval {
  return makeInterval(-v.months, -v.days, -v.micros);
}
export function addIntervals(a: Interval, b: Interval): Interval {
  return makeInterval(a.months + b.months, a.days + b.days, a.micros + b.micros);
}

/** Fractions of a month become days, fractions of a day time. */
export function multiplyInterval(v: Interval, factor: number): Interval {
  return scale(v, (n) => n * factor);
}
export function divideInterval(v: Interval, divisor: number): Interval {
  return scale(v, (n) => n / divisor);
}
function scale(v: Interval, f: (n: number) => number): Interval {
  const exactMonths = f(v.months);
  const exactDays = f(v.days);
  if (!Number.isFinite(exactMonths) || !Number.isFinite(exactDays)) throw intervalOutOfRange();
  const months = Math.trunc(exactMonths);
  let days = Math.trunc(exactDays);
  // Rounded to microseconds of a day, as PostgreSQL does against noise such as 0.7 × 30.
  const monthDays = roundHalfEven((exactMonths - months) * 30 * 1e6) / 1e6;
  let seconds = roundHalfEven((exactDays - days + monthDays - Math.trunc(monthDays)) * 86400 * 1e6) / 1e6;
  if (Math.abs(seconds) >= 86400) {
    const carry = Math.trunc(seconds / 86400);
    days += carry;
    seconds -= carry * 86400;
  }
  days += Math.trunc(monthDays);
  const micros = f(Number(v.micros)) + seconds * 1e6;
  if (!Number.isFinite(micros)) throw intervalOutOfRange();
  return makeInterval(months, days, BigInt(roundHalfEven(micros)));
}

export function subtractTimestamps(a: bigint, b: bigint): Interval {
  return justifyHours(new Interval(0, 0, a - b));
}

const DAY = 86_400_000_000n;
export function justifyHours(v: Interval): Interval {
  let days = v.days + Number(v.micros / DAY);
  let micros = v.micros % DAY;
  if (days > 0 && micros < 0n) {
    micros += DAY;
    days--;
  } else if (days < 0 && micros > 0n) {
    micros -= DAY;
    days++;
  }
  return makeInterval(v.months, days, micros);
}
export function justifyDays(v: Interval): Interval {
  let months = v.months + Math.trunc(v.days / 30);
  let days = v.days % 30;
  if (months > 0 && days < 0) {
    days += 30;
    months--;
  } else if (months < 0 && days > 0) {
    days -= 30;
    months++;
  }
  return makeInterval(months, days === 0 ? 0 : days, v.micros);
}
export function justifyInterval(v: Interval): Interval {
  let { months, days, micros } = v;
  // Days that go the same way as the hours leave room for those first.
  if ((days > 0 && micros > 0n) || (days < 0 && micros < 0n)) {
    months += Math.trunc(days / 30);
    days %= 30;
  }
  ({ months, days, micros } = justifyDays(justifyHours(makeInterval(months, days, micros))));
  if (months > 0 && (days < 0 || (days === 0 && micros < 0n))) {
    days += 30;
    months--;
  } else if (months < 0 && (days > 0 || (days === 0 && micros > 0n))) {
    days -= 30;
    months++;
  }
  if (days > 0 && micros < 0n) {
    micros += DAY;
    days--;
  } else if (days < 0 && micros > 0n) {
    micros -= DAY;
    days++;
  }
  return makeInterval(months, days, micros);
}

/** age(): the difference in years, months, days and time, by the calendar of the earlier month. */
export function age(a: bigint, b: bigint): Interval {
  const negative = a < b;
  const later = splitTimestamp(negative ? b : a);
  const earlier = splitTimestamp(negative ? a : b);
  const x = civilFromDays(later.days);
  const y = civilFromDays(earlier.days);
  let micros = later.micros - earlier.micros;
  let days = x.day - y.day;
  let months = (x.year - y.year) * 12 + x.month - y.month;
  if (micros < 0) {
    micros += Number(DAY);
    days--;
  }
  if (days < 0) {
    days += daysInMonth(y.year, y.month);
    months--;
  }
  return negative ? new Interval(-months, -days, BigInt(-micros)) : new Interval(months, days, BigInt(micros));
}
