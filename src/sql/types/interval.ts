/** Intervals: the four styles that PostgreSQL writes, modifiers, order. They are read in interval-input.ts. */
import { sqlError } from '../../base/errors.js';
import { Interval } from './datum.js';
import { roundMicros } from './datetime.js';
import { intervalOrdinal } from '../encoding/key-primitives.js';

const INT32_MAX = 2147483647;
const INT64_MAX = 9223372036854775807n;

export function intervalOutOfRange(): Error {
  return sqlError('22008', 'interval out of range');
}

export function makeInterval(months: number, days: number, micros: bigint): Interval {
  const fits = (n: number): boolean => n <= INT32_MAX && n >= -INT32_MAX - 1;
  if (!fits(months) || !fits(days) || micros > INT64_MAX || micros < -INT64_MAX - 1n) throw intervalOutOfRange();
  return new Interval(months, days, micros);
}

export function compareInterval(a: Interval, b: Interval): number {
  const x = intervalOrdinal(a);
  const y = intervalOrdinal(b);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Bits of an interval typmod's field mask, by which bare numbers are read and results truncated. */
export const INTERVAL_MASK = {
  month: 1 << 1,
  year: 1 << 2,
  day: 1 << 3,
  hour: 1 << 10,
  minute: 1 << 11,
  second: 1 << 12,
} as const;
export const FULL_RANGE = 0x7fff;

/** Keeps the fields the typmod names, and rounds the seconds to its precision. */
export function applyIntervalTypmod(v: Interval, typmod: number): Interval {
  if (typmod < 0) return v;
  const range = (typmod >> 16) & 0x7fff;
  const precision = typmod & 0xffff;
  let { months, days, micros } = v;
  if (range !== FULL_RANGE) {
    if ((range & (INTERVAL_MASK.second | INTERVAL_MASK.minute | INTERVAL_MASK.hour)) === 0) micros = 0n;
    else if ((range & INTERVAL_MASK.second) === 0) {
      const unit = (range & INTERVAL_MASK.minute) !== 0 ? 60_000_000n : 3_600_000_000n;
      micros = (micros / unit) * unit;
    }
    if (range === INTERVAL_MASK.year) months = Math.trunc(months / 12) * 12;
    if (
      range === INTERVAL_MASK.year ||
      range === INTERVAL_MASK.month ||
      range === (INTERVAL_MASK.year | INTERVAL_MASK.month)
    )
      days = 0;
  }
  if (precision <= 6) micros = roundMicros(micros, precision);
  return new Interval(months, days, micros);
}

function clock(micros: bigint, hourDigits: number): string {
  const total = micros < 0n ? -micros : micros;
  const seconds = total / 1_000_000n;
  const fraction = total % 1_000_000n;
  const two = (n: bigint): string => String(n).padStart(2, '0');
  const text = `${String(seconds / 3600n).padStart(hourDigits, '0')}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  return fraction === 0n ? text : `${text}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
}

function secondsText(micros: bigint): string {
  const total = micros < 0n ? -micros : micros;
  const fraction = total % 1_000_000n;
  const text = String(total / 1_000_000n);
  return (
    (micros < 0n ? '-' : '') +
    (fraction === 0n ? text : `${text}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`)
  );
}

export function formatInterval(
  v: Interval,
  style: 'postgres' | 'iso_8601' | 'sql_standard' | 'postgres_verbose',
): string {
  const years = Math.trunc(v.months / 12);
  const months = v.months % 12;
  switch (style) {
    case 'postgres':
      return formatPostgres(years, months, v.days, v.micros);
    case 'iso_8601':
      return formatIso(years, months, v.days, v.micros);
    case 'sql_standard':
      return formatStandard(years, months, v.days, v.micros);
    case 'postgres_verbose':
      return formatVerbose(years, months, v.days, v.micros);
  }
}

function formatPostgres(years: number, months: number, days: number, micros: bigint): string {
  let out = '';
  let before = false;
  const field = (n: number, unit: string): void => {
    if (n === 0) return;
    out += `${out === '' ? '' : ' '}${before && n > 0 ? '+' : ''}${n} ${unit}${n === 1 ? '' : 's'}`;
    before = n < 0;
  };
  field(years, 'year');
  field(months, 'mon');
  field(days, 'day');
  if (out === '' || micros !== 0n) {
    out += `${out === '' ? '' : ' '}${micros < 0n ? '-' : before ? '+' : ''}${clock(micros, 2)}`;
  }
  return out;
}

function formatIso(years: number, months: number, days: number, micros: bigint): string {
  if (years === 0 && months === 0 && days === 0 && micros === 0n) return 'PT0S';
  let out = 'P';
  if (years !== 0) out += `${years}Y`;
  if (months !== 0) out += `${months}M`;
  if (days !== 0) out += `${days}D`;
  if (micros !== 0n) {
    out += 'T';
    const hours = micros / 3_600_000_000n;
    const minutes = (micros / 60_000_000n) % 60n;
    const rest = micros % 60_000_000n;
    if (hours !== 0n) out += `${hours}H`;
    if (minutes !== 0n) out += `${minutes}M`;
    if (rest !== 0n) out += `${secondsText(rest)}S`;
  }
  return out;
}

function formatStandard(years: number, months: number, days: number, micros: bigint): string {
  const hasNegative = years < 0 || months < 0 || days < 0 || micros < 0n;
  const hasPositive = years > 0 || months > 0 || days > 0 || micros > 0n;
  const yearMonth = years !== 0 || months !== 0;
  const dayTime = days !== 0 || micros !== 0n;
  if (!hasNegative && !hasPositive) return '0';
  const abs = Math.abs;
  if ((hasNegative && hasPositive) || (yearMonth && dayTime)) {
    const s = (negative: boolean): string => (negative ? '-' : '+');
    return `${s(years < 0 || months < 0)}${abs(years)}-${abs(months)} ${s(days < 0)}${abs(days)} ${s(micros < 0n)}${clock(micros, 1)}`;
  }
  const sign = hasNegative ? '-' : '';
  if (yearMonth) return `${sign}${abs(years)}-${abs(months)}`;
  return days !== 0 ? `${sign}${abs(days)} ${clock(micros, 1)}` : `${sign}${clock(micros, 1)}`;
}

function formatVerbose(years: number, months: number, days: number, micros: bigint): string {
  const first = years || months || days || Number(micros);
  const before = first < 0;
  let out = '@';
  const field = (n: number | bigint, unit: string): void => {
    if (Number(n) === 0) return;
    const shown = before ? -n : n;
    out += ` ${shown} ${unit}${Number(shown) === 1 ? '' : 's'}`;
  };
  field(years, 'year');
  field(months, 'mon');
  field(days, 'day');
  field(micros / 3_600_000_000n, 'hour');
  field((micros / 60_000_000n) % 60n, 'min');
  const rest = micros % 60_000_000n;
  if (rest !== 0n) {
    const text = secondsText(before ? -rest : rest);
    out += ` ${text} sec${text === '1' ? '' : 's'}`;
  }
  if (out === '@') return '@ 0';
  return before ? `${out} ago` : out;
}
