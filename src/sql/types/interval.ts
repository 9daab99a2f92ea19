/** Intervals: reading every style that PostgreSQL reads, writing the four it writes, arithmetic parts. */
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
  if (Math.abs(months) > INT32_MAX || Math.abs(days) > INT32_MAX || micros > INT64_MAX || micros < -INT64_MAX - 1n) {
    throw intervalOutOfRange();
  }
  return new Interval(months, days, micros);
}

export function compareInterval(a: Interval, b: Interval): number {
  const x = intervalOrdinal(a);
  const y = intervalOrdinal(b);
  return x < y ? -1 : x > y ? 1 : 0;
}

type Unit = 'us' | 'ms' | 's' | 'min' | 'h' | 'd' | 'w' | 'mon' | 'y' | 'dec' | 'c' | 'mil';
const UNITS: Readonly<Record<string, Unit>> = {
  us: 'us',
  usec: 'us',
  usecs: 'us',
  useconds: 'us',
  microsecond: 'us',
  microseconds: 'us',
  microsecon: 'us',
  usecond: 'us',
  ms: 'ms',
  msec: 'ms',
  msecs: 'ms',
  mseconds: 'ms',
  millisecond: 'ms',
  milliseconds: 'ms',
  millisecon: 'ms',
  msecond: 'ms',
  s: 's',
  sec: 's',
  secs: 's',
  second: 's',
  seconds: 's',
  m: 'min',
  min: 'min',
  mins: 'min',
  minute: 'min',
  minutes: 'min',
  h: 'h',
  hr: 'h',
  hrs: 'h',
  hour: 'h',
  hours: 'h',
  d: 'd',
  day: 'd',
  days: 'd',
  w: 'w',
  week: 'w',
  weeks: 'w',
  mon: 'mon',
  mons: 'mon',
  month: 'mon',
  months: 'mon',
  y: 'y',
  yr: 'y',
  yrs: 'y',
  year: 'y',
  years: 'y',
  dec: 'dec',
  decs: 'dec',
  decade: 'dec',
  decades: 'dec',
  c: 'c',
  cent: 'c',
  century: 'c',
  centuries: 'c',
  mil: 'mil',
  mils: 'mil',
  millennia: 'mil',
  millennium: 'mil',
};
const UNIT_MICROS: Partial<Record<Unit, bigint>> = {
  us: 1n,
  ms: 1000n,
  s: 1_000_000n,
  min: 60_000_000n,
  h: 3_600_000_000n,
};
const UNIT_MONTHS: Partial<Record<Unit, number>> = { mon: 1, y: 12, dec: 120, c: 1200, mil: 12000 };

class Sum {
  months = 0;
  days = 0;
  micros = 0n;

  /** `text` is a signed decimal number; fractions cascade into smaller fields as in PostgreSQL. */
  add(text: string, unit: Unit): void {
    const negative = text.startsWith('-');
    const [whole = '', fraction = ''] = text.replace(/^[+-]/, '').split('.');
    const sign = negative ? -1 : 1;
    const part = fraction === '' ? 0 : Number(`0.${fraction}`) * sign;
    const micros = UNIT_MICROS[unit];
    if (micros !== undefined) {
      this.micros += BigInt(whole === '' ? 0 : whole) * micros * BigInt(sign);
      if (part !== 0) this.micros += BigInt(Math.round(part * Number(micros)));
      return;
    }
    const n = Number(whole) * sign;
    const months = UNIT_MONTHS[unit];
    if (months === undefined) {
      const days = unit === 'w' ? 7 : 1;
      this.days += n * days;
      this.#addDays(part * days);
    } else if (unit === 'mon') {
      this.months += n;
      this.#addDays(part * 30);
    } else {
      this.months += n * months + Math.round(part * months);
    }
  }

  #addDays(days: number): void {
    if (days === 0) return;
    const whole = Math.trunc(days);
    this.days += whole;
    this.micros += BigInt(Math.round((days - whole) * 86_400e6));
  }

  addClock(sign: string, clock: string): void {
    const parts = clock.split(':');
    const negative = sign === '-';
    let micros: bigint;
    if (parts.length === 2 && parts[1]!.includes('.')) {
      const [seconds, fraction = ''] = parts[1]!.split('.');
      micros =
        (BigInt(parts[0]!) * 60n + BigInt(seconds!)) * 1_000_000n +
        BigInt(Math.round(Number(`0.${fraction || '0'}`) * 1e6));
    } else {
      const [seconds = '0', fraction = ''] = (parts[2] ?? '0').split('.');
      if (Number(parts[1]) > 59 || Number(seconds) > 60) throw new RangeError('clock');
      micros =
        ((BigInt(parts[0]!) * 60n + BigInt(parts[1]!)) * 60n + BigInt(seconds)) * 1_000_000n +
        BigInt(Math.round(Number(`0.${fraction || '0'}`) * 1e6));
    }
    this.micros += negative ? -micros : micros;
  }
}

const FIELD =
  /\s*(?:([+-]?)(\d+:\d+(?::\d+)?(?:\.\d*)?)|([+-]?)(\d+)-(\d+)(?![\d.])|([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:\s*([A-Za-z]+))?|(ago)\b)\s*/iy;

/** Bits of an interval typmod's field mask, by which bare numbers are read and results truncated. */
const MASK = { month: 1 << 1, year: 1 << 2, day: 1 << 3, hour: 1 << 10, minute: 1 << 11, second: 1 << 12 } as const;
const FULL_RANGE = 0x7fff;

/** The unit of a bare number is the last field of `interval … to field`. */
function bareUnit(typmod: number): Unit {
  const range = typmod < 0 ? FULL_RANGE : (typmod >> 16) & 0x7fff;
  if (range === FULL_RANGE || (range & MASK.second) !== 0) return 's';
  if ((range & MASK.minute) !== 0) return 'min';
  if ((range & MASK.hour) !== 0) return 'h';
  if ((range & MASK.day) !== 0) return 'd';
  return (range & MASK.month) !== 0 ? 'mon' : 'y';
}

export function intervalInput(text: string, typmod: number): Interval {
  const bad = (): Error => sqlError('22007', `invalid input syntax for type interval: "${text}"`);
  const trimmed = text.trim();
  if (trimmed === '') throw bad();
  const sum = new Sum();
  try {
    if (/^[+-]?P/i.test(trimmed)) {
      if (!readIso(trimmed, sum)) throw bad();
    } else if (!readFields(trimmed.startsWith('@') ? trimmed.slice(1) : trimmed, sum, bareUnit(typmod))) {
      throw bad();
    }
  } catch (error) {
    if (error instanceof RangeError) throw sqlError('22015', `interval field value out of range: "${text}"`);
    throw error;
  }
  const { months, days, micros } = sum;
  if (Math.abs(months) > INT32_MAX || Math.abs(days) > INT32_MAX || micros > INT64_MAX || micros < -INT64_MAX - 1n) {
    throw sqlError('22015', `interval field value out of range: "${text}"`);
  }
  return applyIntervalTypmod(new Interval(months, days, micros), typmod);
}

function readFields(text: string, sum: Sum, bare: Unit): boolean {
  FIELD.lastIndex = 0;
  let any = false;
  while (FIELD.lastIndex < text.length) {
    const match = FIELD.exec(text);
    if (match === null || match[0] === '') return false;
    if (match[8] !== undefined) {
      if (!any || FIELD.lastIndex < text.length) return false;
      sum.months = -sum.months;
      sum.days = -sum.days;
      sum.micros = -sum.micros;
      return true;
    }
    any = true;
    if (match[2] !== undefined) {
      sum.addClock(match[1]!, match[2]);
    } else if (match[4] !== undefined) {
      if (Number(match[5]) > 11) throw new RangeError('months');
      const months = Number(match[4]) * 12 + Number(match[5]);
      sum.months += match[3] === '-' ? -months : months;
    } else if (match[7] !== undefined) {
      const name = match[7].toLowerCase();
      if (name === 'ago') {
        sum.add(match[6]!, bare);
        FIELD.lastIndex -= match[0].length - match[0].toLowerCase().lastIndexOf('ago');
        continue;
      }
      const unit = Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;
      if (unit === undefined) return false;
      sum.add(match[6]!, unit);
    } else {
      // '1 02:03:04': a bare number before a clock time counts days.
      const clock = /^[+-]?\d+:\d/.test(text.slice(FIELD.lastIndex));
      sum.add(match[6]!, clock ? 'd' : bare);
    }
  }
  return any;
}

function readIso(text: string, sum: Sum): boolean {
  const negative = text.startsWith('-');
  const body = text.replace(/^[+-]?P/i, '');
  const [date = '', time] = body.split(/T/i);
  if (body === '' || time === '') return false;
  const alternative = /^(\d+)-(\d+)-(\d+)$/.exec(date);
  if (alternative !== null) {
    sum.add(alternative[1]!, 'y');
    sum.add(alternative[2]!, 'mon');
    sum.add(alternative[3]!, 'd');
  } else if (!readDesignated(date, { y: 'y', m: 'mon', w: 'w', d: 'd' }, sum)) return false;
  if (time !== undefined) {
    if (/^\d+:\d+(:\d+(\.\d*)?)?$/.test(time)) sum.addClock('', time);
    else if (!readDesignated(time, { h: 'h', m: 'min', s: 's' }, sum)) return false;
  }
  if (negative) {
    sum.months = -sum.months;
    sum.days = -sum.days;
    sum.micros = -sum.micros;
  }
  return true;
}

function readDesignated(text: string, units: Readonly<Record<string, Unit>>, sum: Sum): boolean {
  const part = /([+-]?(?:\d+(?:\.\d*)?|\.\d+))([A-Za-z])/y;
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    if (match === null) return false;
    const unit = units[match[2]!.toLowerCase()];
    if (unit === undefined) return false;
    sum.add(match[1]!, unit);
  }
  return true;
}

/** Keeps the fields the typmod names, and rounds the seconds to its precision. */
export function applyIntervalTypmod(v: Interval, typmod: number): Interval {
  if (typmod < 0) return v;
  const range = (typmod >> 16) & 0x7fff;
  const precision = typmod & 0xffff;
  let { months, days, micros } = v;
  if (range !== FULL_RANGE) {
    if ((range & (MASK.second | MASK.minute | MASK.hour)) === 0) micros = 0n;
    else if ((range & MASK.second) === 0) {
      const unit = (range & MASK.minute) !== 0 ? 60_000_000n : 3_600_000_000n;
      micros = (micros / unit) * unit;
    }
    if (range === MASK.year) months = Math.trunc(months / 12) * 12;
    if (range === MASK.year || range === MASK.month || range === (MASK.year | MASK.month)) days = 0;
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
