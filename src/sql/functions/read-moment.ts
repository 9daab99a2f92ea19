/**
 * Dates and times read by a template: to_date, to_timestamp, datetime() in JSON paths. First the patterns take what
 * they need from the text; then what they have found is put together, and only then are ranges looked at.
 *
 * Outside of FX mode spaces before and after fields do not count, and a separator of the template stands for any
 * separator or for nothing. A number takes all digits that are there if nothing that may begin with a digit follows it,
 * else as many as its pattern has letters.
 */
import { sqlError } from '../../base/errors.js';
import { DATE_END, DATE_MIN } from '../types/calendar.js';
import { civilFromDays, daysInMonth, isLeapYear } from '../types/civil.js';
import { type Field, type FieldNode, isSeparator, isSpace, type TemplateNode } from './date-templates.js';
import { DAYS, fractionDigits, isoWeekStart, julianDay, MONTHS, ROMAN_MONTHS } from './format-moment.js';

export interface ReadMoment {
  /** 0 is 1 BC. */
  readonly year: number;
  readonly month: number;
  /** May be behind the month's end if there was no year. */
  readonly day: number;
  /** In the day; below a whole day. */
  readonly micros: number;
  /** Seconds east of UTC; null if the text had no zone. */
  readonly east: number | null;
  /** Digits of the fraction by FF1 to FF6; 0 without such a pattern. */
  readonly precision: number;
}

/** 2000-01-01. */
export const POSTGRES_JULIAN = 2451545;
const INT_MAX = 2147483647;
const MATCHES: Readonly<Record<string, readonly string[]>> = {
  'A.M.': ['a.m.', 'p.m.'],
  'P.M.': ['a.m.', 'p.m.'],
  AM: ['am', 'pm'],
  PM: ['am', 'pm'],
  'A.D.': ['a.d.', 'b.c.'],
  'B.C.': ['a.d.', 'b.c.'],
  AD: ['ad', 'bc'],
  BC: ['ad', 'bc'],
  MONTH: MONTHS.map((name) => name.toLowerCase()),
  MON: MONTHS.map((name) => name.slice(0, 3).toLowerCase()),
  DAY: DAYS.map((name) => name.toLowerCase()),
  DY: DAYS.map((name) => name.slice(0, 3).toLowerCase()),
  RM: ROMAN_MONTHS.map((name) => name.toLowerCase()),
};
/** What a pattern of digits tells. */
type Part = 'hour' | 'minute' | 'second' | 'ofDay' | 'month' | 'day' | 'dayOfYear' | 'weekday' | 'week' | 'weekOfMonth';
type Figure = Part | 'year' | 'century' | 'julian' | 'millis' | 'micros' | 'zoneHours' | 'zoneMinutes' | 'pm' | 'bc';
const FIGURES: Readonly<Record<string, Figure>> = {
  HH24: 'hour',
  HH12: 'hour',
  HH: 'hour',
  MI: 'minute',
  SS: 'second',
  SSSS: 'ofDay',
  SSSSS: 'ofDay',
  MS: 'millis',
  US: 'micros',
  TZH: 'zoneHours',
  TZM: 'zoneMinutes',
  MM: 'month',
  DDD: 'dayOfYear',
  IDDD: 'dayOfYear',
  DD: 'day',
  D: 'weekday',
  ID: 'weekday',
  WW: 'week',
  IW: 'week',
  W: 'weekOfMonth',
  CC: 'century',
  J: 'julian',
};
/** Letters of a pattern, where the digits that it takes are others. */
const WIDTHS: Readonly<Record<string, number>> = { HH24: 2, HH12: 2, MS: 3, US: 6, IDDD: 3, ID: 1, TZH: 2, TZM: 2 };

function noSuch(value: string, field: Field, detail: string, hint?: string): Error {
  return sqlError('22007', `invalid value "${value}" for "${field.name}"`, {
    detail,
    ...(hint === undefined ? {} : { hint }),
  });
}
const NOT_FIXED = 'If your source string is not fixed-width, try using the "FM" modifier.';

class Reader {
  readonly #text: string;
  readonly #nodes: readonly TemplateNode[];
  readonly #strict: boolean;
  readonly found: Partial<Record<Figure, number>> = {};
  twelve = false;
  counting: Field['counting'] = '';
  precision = 0;
  /** Digits that the pattern of the year has. */
  yearDigits = 0;
  zoneSign = 0;
  #at = 0;
  #exact: boolean;
  /** Characters that were skipped beyond what the template has. */
  #skipped = 0;

  constructor(text: string, nodes: readonly TemplateNode[], strict: boolean) {
    this.#text = text;
    this.#nodes = nodes;
    this.#strict = strict;
    this.#exact = strict;
  }

  read(): void {
    let i = 0;
    for (; i < this.#nodes.length && this.#at < this.#text.length; i++) {
      const node = this.#nodes[i]!;
      const isField = node.kind === 'field';
      if (!this.#exact && (isField ? node.field.id !== 'FX' : i === 0)) this.#spaces();
      if (isField) this.#fieldOf(node, this.#nodes[i + 1]);
      else if (node.kind === 'char') this.#character(node.text);
      else this.#separator(node.text);
    }
    if (!this.#strict) return;
    if (i < this.#nodes.length) throw sqlError('22007', 'input string is too short for datetime format');
    this.#spaces();
    if (this.#at < this.#text.length) {
      throw sqlError('22007', 'trailing characters remain in input string after datetime format');
    }
  }

  #spaces(): void {
    for (; isSpace(this.#text[this.#at]); this.#at++) this.#skipped++;
  }

  #one(): string {
    const point = this.#text.codePointAt(this.#at);
    return point === undefined ? '' : String.fromCodePoint(point);
  }

  #separator(expected: string): void {
    if (this.#strict) {
      if (this.#text[this.#at] !== expected) throw sqlError('22007', `unmatched format separator "${expected}"`);
      this.#at++;
    } else if (this.#exact) this.#at += this.#one().length;
    else {
      const c = this.#text[this.#at];
      if (isSpace(c) || isSeparator(c)) this.#at++;
      else this.#skipped--;
    }
  }

  #character(expected: string): void {
    if (!this.#exact && this.#skipped > 0) {
      this.#skipped--;
      return;
    }
    const c = this.#one();
    if (this.#strict && c !== expected) throw sqlError('22007', `unmatched format character "${expected}"`);
    this.#at += c.length;
  }

  #fieldOf(node: FieldNode, next: TemplateNode | undefined): void {
    const { field } = node;
    if (field.counting !== '') {
      if (this.counting !== '' && this.counting !== field.counting) {
        throw sqlError('22007', 'invalid combination of date conventions', {
          hint: 'Do not mix Gregorian and ISO week date conventions in a formatting template.',
        });
      }
      this.counting = field.counting;
    }
    if (field.id === 'FX') this.#exact = true;
    else if (MATCHES[field.id] !== undefined) this.#word(field, MATCHES[field.id]!);
    else if (field.id === 'TZ' || field.id === 'OF') {
      throw sqlError('0A000', `formatting field "${field.name}" is only supported in to_char`);
    } else this.#figures(node, next);
    if (this.#exact) return;
    this.#skipped = 0;
    this.#spaces();
  }

  #set(figure: Figure, value: number, field: Field): void {
    const before = this.found[figure] ?? 0;
    if (before !== 0 && before !== value) {
      throw sqlError('22007', `conflicting values for "${field.name}" field in formatting string`, {
        detail: 'This value contradicts a previous setting for the same field type.',
      });
    }
    this.found[figure] = value;
  }

  #word(field: Field, words: readonly string[]): void {
    const rest = this.#text.slice(this.#at, this.#at + 9).toLowerCase();
    const index = words.findIndex((word) => rest.startsWith(word));
    if (index < 0) {
      const shown = this.#text.slice(this.#at).split(/[ \t\n\r\f]/, 1)[0]!;
      throw noSuch(shown, field, 'The given value did not match any of the allowed values for this field.');
    }
    this.#at += words[index]!.length;
    if (/^[AP]/.test(field.id) && field.id.includes('M')) {
      this.#set('pm', index, field);
      this.twelve = true;
    } else if (words.length === 2) this.#set('bc', index, field);
    else if (words.length === 7) {
      this.#set('weekday', index, field);
      this.found.weekday = index + 1;
    } else this.#set('month', field.id === 'RM' ? 12 - index : index + 1, field);
  }

  #figures(node: FieldNode, next: TemplateNode | undefined): void {
    const { field } = node;
    const { id } = field;
    if (id === 'Y,YYY') this.#commaYear(field);
    else if (/^I?Y|^I$/.test(id)) this.#year(node, next);
    else if (id === 'TZH' || id === 'TZM') this.#zone(node, next);
    else if (fractionDigits(id) > 0) this.#fraction(node, next);
    else {
      if (id === 'HH' || id === 'HH12') this.twelve = true;
      const figure = id === 'Q' ? null : FIGURES[id]!;
      this.#integer(node, next, WIDTHS[id] ?? id.length, figure);
      // Both countings of the week's days as one, from Sunday on.
      if (id === 'ID') this.found.weekday = (this.found.weekday ?? 0) + 1 > 7 ? 1 : (this.found.weekday ?? 0) + 1;
    }
    if (node.ordinal !== '' && id !== 'TZH' && id !== 'TZM') {
      for (let skip = 0; skip < 2; skip++) this.#at += this.#one().length;
    }
  }

  #commaYear(field: Field): void {
    const match = /^[ \t-\r]*([+-]?\d+),[ \t-\r]*([+-]\d{1,2}|\d{1,3})/.exec(this.#text.slice(this.#at));
    if (match === null) throw sqlError('22007', 'invalid input string for "Y,YYY"');
    this.#set('year', (Number(match[2]) + Number(match[1]) * 1000) | 0, field);
    this.yearDigits = 4;
    this.#at += match[0].length;
  }

  /** Less than all four digits are of the year that is nearest to 2020. */
  #year(node: FieldNode, next: TemplateNode | undefined): void {
    const digits = node.field.id.length;
    const read = this.#integer(node, next, digits, 'year');
    const year = this.found.year ?? 0;
    if (digits < 4 && read < 4) {
      this.found.year =
        year < 70
          ? year + 2000
          : year < 100
            ? year + 1900
            : year < 520
              ? year + 2000
              : year < 1000
                ? year + 1000
                : year;
    }
    this.yearDigits = digits;
  }

  #zone(node: FieldNode, next: TemplateNode | undefined): void {
    const hours = node.field.id === 'TZH';
    const c = this.#text[this.#at] ?? '';
    if (hours && (c === '+' || c === '-' || c === ' ')) {
      this.zoneSign = c === '-' ? -1 : 1;
      this.#at++;
    } else if (hours) {
      // The sign may have been taken for a separator.
      this.zoneSign = this.#skipped > 0 && this.#text[this.#at - 1] === '-' ? -1 : 1;
    } else if (this.zoneSign === 0) this.zoneSign = 1;
    this.#integer(node, next, 2, hours ? 'zoneHours' : 'zoneMinutes');
  }

  #fraction(node: FieldNode, next: TemplateNode | undefined): void {
    const { id } = node.field;
    const digits = fractionDigits(id);
    const figure = id === 'MS' ? 'millis' : 'micros';
    if (id.startsWith('FF')) this.precision = digits;
    const read = this.#integer(node, next, digits, figure);
    this.found[figure] = (this.found[figure] ?? 0) * 10 ** Math.max(0, (id === 'MS' ? 3 : 6) - read);
  }

  /** Returns the number of characters that it took. */
  #integer(node: FieldNode, next: TemplateNode | undefined, width: number, figure: Figure | null): number {
    const begin = this.#at;
    const { field } = node;
    while (isSpace(this.#text[this.#at])) this.#at++;
    const window = this.#text.slice(this.#at, this.#at + width);
    const copy = firstBytes(window, width);
    const all = /^[+-]?\d+/;
    let digits = '';
    if (node.fill || !maySwallow(node, next)) {
      digits = all.exec(this.#text.slice(this.#at))?.[0] ?? '';
      this.#at = digits === '' ? begin : this.#at + digits.length;
    } else {
      digits = all.exec(copy)?.[0] ?? '';
      const left = Buffer.byteLength(window);
      if (left < width) {
        throw sqlError('22007', `source string too short for "${field.name}" formatting field`, {
          detail: `Field requires ${width} characters, but only ${left} remain.`,
          hint: NOT_FIXED,
        });
      }
      if (digits !== '' && digits.length < width) {
        const detail = `Field requires ${width} characters, but only ${digits.length} could be parsed.`;
        throw noSuch(copy, field, detail, NOT_FIXED);
      }
      this.#at += digits.length;
    }
    if (this.#at === begin) throw noSuch(copy, field, 'Value must be an integer.');
    const value = Number(digits);
    if (value > INT_MAX || value < -INT_MAX - 1) {
      throw sqlError('22008', `value for "${field.name}" in source string is out of range`, {
        detail: 'Value must be in the range -2147483648 to 2147483647.',
      });
    }
    if (figure !== null) this.#set(figure, value, field);
    return this.#at - begin;
  }
}

/** A character at the end may be cut: the width is in bytes. */
function firstBytes(text: string, count: number): string {
  const bytes = Buffer.from(text);
  return bytes.length <= count ? text : bytes.subarray(0, count).toString();
}

/** Whether what follows may begin with a digit. */
function maySwallow(node: FieldNode, next: TemplateNode | undefined): boolean {
  if (node.ordinal !== '' || next === undefined) return false;
  return next.kind === 'field' ? next.field.digits : /^\d$/.test(next.text);
}

// ---- what was found, put together ----

class Assembly {
  readonly #r: Reader;
  readonly #text: string;
  year = 0;
  month = 1;
  day = 1;
  hasYear = false;
  hasMonth = false;
  hasDay = false;

  constructor(reader: Reader, text: string) {
    this.#r = reader;
    this.#text = text;
  }

  get(figure: Figure): number {
    return this.#r.found[figure] ?? 0;
  }

  outOfRange(): Error {
    return sqlError('22008', `date/time field value out of range: "${this.#text}"`);
  }

  #whole(julian: number): void {
    Object.assign(this, civilFromDays(julian - POSTGRES_JULIAN));
    this.hasYear = this.hasMonth = this.hasDay = true;
  }

  #yearFound(): void {
    const bc = this.get('bc') !== 0;
    const year = this.get('year');
    const century = bc ? -this.get('century') : this.get('century');
    if (year === 0 && century === 0) return;
    this.hasYear = true;
    if (year === 0) this.year = century >= 0 ? (century - 1) * 100 + 1 : century * 100 + 1;
    else if (century !== 0 && this.#r.yearDigits <= 2) {
      const rest = year % 100;
      if (rest === 0) this.year = century * 100 + (century >= 0 ? 0 : 1);
      else this.year = century >= 0 ? rest + (century - 1) * 100 : (century + 1) * 100 - rest + 1;
    } else {
      this.year = bc ? -year : year;
      if (this.year < 0) this.year++;
    }
    this.year |= 0;
  }

  date(): void {
    this.#yearFound();
    if (this.get('julian') !== 0) this.#whole(this.get('julian'));
    const week = this.get('week');
    const iso = this.#r.counting === 'iso';
    let dayOfYear = this.get('dayOfYear');
    if (week !== 0 && iso) {
      const weekday = this.get('weekday');
      const monday = isoWeekStart(this.year, week);
      this.#whole(weekday === 0 ? monday : weekday > 1 ? monday + weekday - 2 : monday + 6);
    } else if (week !== 0) dayOfYear = (Math.imul(week - 1, 7) + 1) | 0;
    const weekOfMonth = this.get('weekOfMonth');
    const day = weekOfMonth !== 0 ? (Math.imul(weekOfMonth - 1, 7) + 1) | 0 : this.get('day');
    if (day !== 0) {
      this.day = day;
      this.hasDay = true;
    }
    if (this.get('month') !== 0) {
      this.month = this.get('month');
      this.hasMonth = true;
    }
    if (dayOfYear !== 0 && (this.month <= 1 || this.day <= 1)) this.#fromDayOfYear(dayOfYear, iso);
    this.#check();
  }

  #fromDayOfYear(dayOfYear: number, iso: boolean): void {
    if (this.year === 0 && this.get('bc') === 0) {
      throw sqlError('22007', 'cannot calculate day of year without year information');
    }
    if (iso) {
      this.#whole(isoWeekStart(this.year, 1) - 1 + dayOfYear);
      return;
    }
    let month = 1;
    let before = 0;
    for (; month <= 12; month++) {
      const days = month === 2 && isLeapYear(this.year) ? 29 : daysInMonth(1, month);
      if (dayOfYear <= before + days) break;
      before += days;
    }
    // Behind the year's end the last month's days are taken off too.
    if (this.month <= 1) this.month = month;
    if (this.day <= 1) this.day = dayOfYear - before;
    this.hasMonth = this.hasDay = true;
  }

  #check(): void {
    if (this.hasMonth && (this.month < 1 || this.month > 12)) throw this.outOfRange();
    if (this.hasDay && (this.day < 1 || this.day > 31)) throw this.outOfRange();
    if (this.hasYear && this.hasMonth && this.hasDay && this.day > daysInMonth(this.year, this.month)) {
      throw this.outOfRange();
    }
  }

  /** @throws 22007, 22008 */
  micros(): number {
    const ofDay = this.get('ofDay');
    const minute = this.get('minute') || Math.trunc((ofDay % 3600) / 60);
    const second = this.get('second') || ofDay % 60;
    let hour = this.get('hour') || Math.trunc(ofDay / 3600);
    if (this.#r.twelve) {
      if (hour < 1 || hour > 12) {
        throw sqlError('22007', `hour "${hour}" is invalid for the 12-hour clock`, {
          hint: 'Use the 24-hour clock, or give an hour between 1 and 12.',
        });
      }
      hour = (hour % 12) + (this.get('pm') !== 0 ? 12 : 0);
    }
    const fraction = ((this.get('millis') * 1000) | 0) + this.get('micros');
    this.#clock = { hour, minute, second, fraction };
    return ((hour * 60 + minute) * 60 + second) * 1e6 + fraction;
  }
  #clock = { hour: 0, minute: 0, second: 0, fraction: 0 };

  checkTime(): void {
    const { hour, minute, second, fraction } = this.#clock;
    const isWithin = (n: number, end: number): boolean => n >= 0 && n < end;
    if (!isWithin(hour, 24) || !isWithin(minute, 60) || !isWithin(second, 60) || !isWithin(fraction, 1e6)) {
      throw this.outOfRange();
    }
  }

  east(): number | null {
    if (this.#r.zoneSign === 0) return null;
    const [hours, minutes] = [this.get('zoneHours'), this.get('zoneMinutes')];
    if (hours < 0 || hours > 15 || minutes < 0 || minutes >= 60) {
      throw sqlError('22009', `time zone displacement out of range: "${this.#text}"`);
    }
    return this.#r.zoneSign * (hours * 3600 + minutes * 60);
  }
}

/** @throws 22007, 22008, 22009, 0A000 */
export function readMoment(text: string, nodes: readonly TemplateNode[], strict: boolean): ReadMoment {
  const reader = new Reader(text, nodes, strict);
  reader.read();
  const assembly = new Assembly(reader, text);
  const micros = assembly.micros();
  assembly.date();
  assembly.checkTime();
  const east = assembly.east();
  const { year, month, day } = assembly;
  return { year, month, day, micros, east, precision: reader.precision };
}

/** Whether the calendar knows the day, which may be one behind its month's end. */
export function julianOf({ year, month, day }: ReadMoment): number | null {
  const early = year > -4713 || (year === -4713 && month >= 11);
  const late = year < 5874898 || (year === 5874898 && month < 6);
  return early && late ? julianDay(year, month, day) : null;
}

/** @throws 22008 */
export function dateOf(read: ReadMoment, text: string): number {
  const julian = julianOf(read);
  const days = julian === null ? NaN : julian - POSTGRES_JULIAN;
  if (!(days >= DATE_MIN && days < DATE_END)) throw sqlError('22008', `date out of range: "${text}"`);
  return days;
}
