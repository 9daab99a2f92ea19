/** to_char of dates, times and intervals. */
import { sqlError } from '../../base/errors.js';
import { splitTimestamp } from '../types/calendar.js';
import { civilFromDays, daysFromCivil } from '../types/civil.js';
import type { Interval } from '../types/datum.js';
import { type FieldNode, parseDateTemplate } from './date-templates.js';

export const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
export const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
/** From December on, as they are looked for: the longer before its beginning. */
export const ROMAN_MONTHS = ['XII', 'XI', 'X', 'IX', 'VIII', 'VII', 'VI', 'V', 'IV', 'III', 'II', 'I'];

/** What a template shows. Of an interval all fields may be negative, and the month 0. */
export interface Moment {
  readonly isInterval: boolean;
  /** 0 is 1 BC. */
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly dayOfYear: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
  readonly micros: number;
  /** Seconds east of UTC. */
  readonly offset: number;
  readonly zoneName: string;
}

export function momentOfTimestamp(local: bigint, offset: number, zoneName: string): Moment {
  const { days, micros } = splitTimestamp(local);
  const seconds = Math.floor(micros / 1e6);
  const date = civilFromDays(days);
  return {
    ...date,
    isInterval: false,
    dayOfYear: days - daysFromCivil(date.year, 1, 1) + 1,
    weekday: weekdayOfJulian(days + 2451545),
    hours: Math.floor(seconds / 3600),
    minutes: Math.floor(seconds / 60) % 60,
    seconds: seconds % 60,
    micros: micros % 1e6,
    offset,
    zoneName,
  };
}

export function momentOfInterval(v: Interval): Moment {
  const seconds = v.micros / 1_000_000n;
  return {
    isInterval: true,
    year: Math.trunc(v.months / 12),
    month: v.months % 12,
    day: v.days,
    // The span in days, more or less.
    dayOfYear: v.months * 30 + v.days,
    weekday: 0,
    hours: Number(seconds / 3600n),
    minutes: Number((seconds / 60n) % 60n),
    seconds: Number(seconds % 60n),
    micros: Number(v.micros % 1_000_000n),
    offset: 0,
    zoneName: '',
  };
}

/**
 * The number of a day by the Julian calendar's count; goes on for months and days out of range in PostgreSQL's way, as
 * an interval has such.
 */
export function julianDay(year: number, month: number, day: number): number {
  const early = month <= 2;
  const y = year + (early ? 4799 : 4800);
  const m = month + (early ? 13 : 1);
  const century = Math.trunc(y / 100);
  const leaps = Math.trunc(y / 4) - century + Math.trunc(century / 4);
  return (Math.imul(y, 365) - 32167 + leaps + Math.trunc((7834 * m) / 256) + day) | 0;
}
export function weekdayOfJulian(day: number): number {
  return (((day + 1) % 7) + 7) % 7;
}
/** The Monday in whose week the fourth of January lies, and on from there. */
export function isoWeekStart(year: number, week: number): number {
  const fourth = julianDay(year, 1, 4);
  return (week - 1) * 7 + fourth - weekdayOfJulian(fourth - 1);
}
function isoWeekOf(m: Moment): { readonly year: number; readonly week: number; readonly day: number } {
  const today = julianDay(m.year, m.month, m.day);
  let { year } = m;
  if (today < isoWeekStart(year, 1)) year--;
  let week = Math.trunc((today - isoWeekStart(year, 1)) / 7) + 1;
  if (week >= 52 && today >= isoWeekStart(m.year + 1, 1)) {
    year++;
    week = Math.trunc((today - isoWeekStart(m.year + 1, 1)) / 7) + 1;
  }
  return { year, week, day: today - isoWeekStart(year, 1) + 1 };
}

/** With its sign within the width. */
function padded(n: number, width: number): string {
  const digits = String(Math.abs(n));
  return n < 0 ? `-${digits.padStart(width - 1, '0')}` : digits.padStart(width, '0');
}

/** @throws 22P02 if it does not end in a digit. */
export function ordinalOf(number: string, style: 'TH' | 'th'): string {
  const last = number.at(-1) ?? '';
  if (!/\d/.test(last)) throw sqlError('22P02', `"${number}" is not a number`);
  const plain = number.length > 1 && number.at(-2) === '1';
  const suffix = (plain ? undefined : { 1: 'st', 2: 'nd', 3: 'rd' }[last]) ?? 'th';
  return style === 'TH' ? suffix.toUpperCase() : suffix;
}

function cased(text: string, like: string): string {
  if (like === like.toUpperCase()) return text.toUpperCase();
  return like === like.toLowerCase() ? text.toLowerCase() : text;
}

function needsDate(m: Moment): void {
  if (!m.isInterval) return;
  throw sqlError('22007', 'invalid format specification for an interval value', {
    hint: 'Intervals are not tied to specific calendar dates.',
  });
}

/** Patterns that give a number: its value, and its width without FM. */
function numberOf(id: string, m: Moment): readonly [value: number, width: number] | null {
  switch (id) {
    case 'HH24':
      return [m.hours, wider(m.hours, 2)];
    case 'HH12':
    case 'HH':
      return [m.hours % 12 === 0 ? 12 : m.hours % 12, wider(m.hours, 2)];
    case 'MI':
      return [m.minutes, wider(m.minutes, 2)];
    case 'SS':
      return [m.seconds, wider(m.seconds, 2)];
    case 'SSSS':
    case 'SSSSS':
      return [m.hours * 3600 + m.minutes * 60 + m.seconds, 0];
    case 'MM':
      return [m.month, wider(m.month, 2)];
    case 'DDD':
      return [m.dayOfYear, 3];
    case 'IDDD':
      return [isoWeekOf(m).day, 3];
    case 'DD':
      return [m.day, 2];
    case 'WW':
      return [Math.trunc((m.dayOfYear - 1) / 7) + 1, 2];
    case 'IW':
      return [isoWeekOf(m).week, 2];
    case 'W':
      return [Math.trunc((m.day - 1) / 7) + 1, 0];
    case 'J':
      return [julianDay(m.year, m.month, m.day), 0];
    case 'CC':
      return centuryOf(m);
    default:
      return yearOf(id, m);
  }
}
/** A negative number takes its sign's place more. */
function wider(sign: number, width: number): number {
  return sign < 0 ? width + 1 : width;
}
function centuryOf(m: Moment): readonly [number, number] {
  const century = m.isInterval
    ? Math.trunc(m.year / 100)
    : m.year > 0
      ? Math.floor((m.year - 1) / 100) + 1
      : Math.trunc(m.year / 100) - 1;
  return [century, wider(century, 2)];
}
/** Years before Christ are shown without a sign. */
function shownYear(year: number, m: Moment): number {
  return m.isInterval || year > 0 ? year : 1 - year;
}
function yearOf(id: string, m: Moment): readonly [number, number] | null {
  if (!/^(?:Y{1,4}|IY{0,3})$/.test(id)) return null;
  const year = shownYear(id.startsWith('I') ? isoWeekOf(m).year : m.year, m);
  const value = id.length === 4 ? year : year % 10 ** id.length;
  return [value, id.length === 1 ? 1 : wider(shownYear(m.year, m), id.length)];
}

/** Patterns without an ordinal after them; null for what shows nothing. */
function wordOf({ field, fill, localised }: FieldNode, m: Moment): string | null {
  const named = (name: string, width: number): string => {
    const text = cased(name, field.name);
    return fill || localised ? text : text.padEnd(width);
  };
  switch (field.id) {
    case 'A.M.':
    case 'P.M.':
      return cased(m.hours % 24 >= 12 ? 'P.M.' : 'A.M.', field.name);
    case 'AM':
    case 'PM':
      return cased(m.hours % 24 >= 12 ? 'PM' : 'AM', field.name);
    case 'A.D.':
    case 'B.C.':
      needsDate(m);
      return cased(m.year > 0 ? 'A.D.' : 'B.C.', field.name);
    case 'AD':
    case 'BC':
      needsDate(m);
      return cased(m.year > 0 ? 'AD' : 'BC', field.name);
    case 'MONTH':
      needsDate(m);
      return named(MONTHS[m.month - 1]!, 9);
    case 'MON':
      needsDate(m);
      return named(MONTHS[m.month - 1]!.slice(0, 3), 0);
    case 'DAY':
      needsDate(m);
      return named(DAYS[m.weekday]!, 9);
    case 'DY':
      needsDate(m);
      return named(DAYS[m.weekday]!.slice(0, 3), 0);
    case 'RM':
      return romanMonth(field.name, fill, m);
    default:
      return zoneOf(field.id, field.name, fill, m);
  }
}

/** Of an interval's month below zero it is the one so far before the year's end, and whole years count as December. */
function romanMonth(like: string, fill: boolean, m: Moment): string {
  if (m.month === 0 && m.year === 0) return '';
  const at = m.month > 0 ? 12 - m.month : m.month < 0 ? -1 - m.month : m.year > 0 ? 0 : 11;
  return cased(ROMAN_MONTHS[at]!.padEnd(fill ? 0 : 4), like);
}

function zoneOf(id: string, like: string, fill: boolean, m: Moment): string | null {
  if (!/^(?:TZ[HM]?|OF)$/.test(id)) return null;
  needsDate(m);
  const east = Math.abs(m.offset);
  const hours = String(Math.floor(east / 3600));
  const minutes = String(Math.floor((east % 3600) / 60)).padStart(2, '0');
  const sign = m.offset >= 0 ? '+' : '-';
  if (id === 'TZM') return minutes;
  if (id === 'TZH') return sign + hours.padStart(2, '0');
  if (id === 'OF') return sign + hours.padStart(fill ? 0 : 2, '0') + (east % 3600 === 0 ? '' : `:${minutes}`);
  return like === 'tz' ? m.zoneName.toLowerCase() : m.zoneName;
}

/** How many digits of the second's fraction. */
export function fractionDigits(id: string): number {
  if (id === 'MS') return 3;
  return id === 'US' ? 6 : id.startsWith('FF') ? Number(id[2]) : 0;
}

function countOf({ field: { id }, fill }: FieldNode, m: Moment): string {
  const digits = fractionDigits(id);
  if (digits > 0) return padded(Math.trunc(m.micros / 10 ** (6 - digits)), digits);
  if (id === 'D' || id === 'ID') {
    needsDate(m);
    return String(id === 'D' ? m.weekday + 1 : m.weekday || 7);
  }
  if (id === 'Q') return m.month === 0 ? '' : String(Math.trunc((m.month - 1) / 3) + 1);
  if (id === 'Y,YYY') {
    const year = shownYear(m.year, m);
    const thousands = Math.trunc(year / 1000);
    return `${thousands},${padded(year - thousands * 1000, 3)}`;
  }
  const found = numberOf(id, m);
  return found === null ? '' : padded(found[0], fill && !isSingle(id) ? 0 : found[1]);
}
/** Whose width FM does not change. */
function isSingle(id: string): boolean {
  return id === 'Y' || id === 'I';
}

export function formatMoment(template: string, m: Moment): string {
  let out = '';
  for (const node of parseDateTemplate(template)) {
    if (node.kind !== 'field') {
      out += node.text;
      continue;
    }
    const word = wordOf(node, m);
    if (word !== null) {
      out += word;
      continue;
    }
    const count = countOf(node, m);
    out += count === '' || node.ordinal === '' ? count : count + ordinalOf(count, node.ordinal);
  }
  return out;
}
