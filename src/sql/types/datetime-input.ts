/**
 * Reads dates and times as PostgreSQL does: the fields of the text (date-time-fields.ts) are looked at one after the
 * other, each taken for what is still missing, in the order that DateStyle says. What is left over, doubled or out of
 * range is an error of the kind PostgreSQL reports.
 */
import { sqlError } from '../../base/errors.js';
import { findAbbreviation, findZone, MICROS_PER_DAY } from './calendar.js';
import { civilFromDays, daysFromCivil, daysInMonth } from './civil.js';
import type { Zone } from './calendar.js';
import {
  cutFields,
  FieldError,
  fractionMicros,
  fractionOf,
  leadingInteger,
  readClock,
  readOffset,
} from './date-time-fields.js';
import type { DateTimeField, FieldFailure } from './date-time-fields.js';
import { dateWord } from './date-words.js';
import type { DatePrefix, DateWord } from './date-words.js';

export type DateTimeFields =
  | { readonly kind: 'infinity' | '-infinity' | 'epoch' | 'now' }
  | {
      readonly kind: 'fields';
      /** null: no date was given. */
      readonly days: number | null;
      /** today, tomorrow, yesterday: relative to the current date. */
      readonly relativeDays: number | null;
      /** null: no time of day was given. */
      readonly micros: number | null;
      /** Seconds east of UTC. */
      readonly offset: number | null;
      readonly zone: Zone | null;
    };

/** What has been read, one bit for each. */
const YEAR = 1;
const MONTH = 2;
const DAY = 4;
const DATE = 7;
const HOUR = 8;
const MINUTE = 16;
const SECOND = 32;
const FRACTION = 64;
const TIME = 120;
const ZONE = 128;
const DST = 256;
const DST_WORD = 512;
const DAY_OF_YEAR = 1024;
const MERIDIEM = 2048;
const ERA = 4096;
const WEEKDAY = 8192;
const SPECIAL = 16384;

/** Days from 4714-11-24 BC, where Julian days begin, to 2000-01-01. */
const JULIAN_OFFSET = 2451545;

export function dateTimeError(failure: FieldFailure, type: string, text: string): Error {
  switch (failure) {
    case 'syntax':
      return sqlError('22007', `invalid input syntax for type ${type}: "${text}"`);
    case 'overflow':
      return sqlError('22008', `date/time field value out of range: "${text}"`);
    case 'month-day':
      return sqlError('22008', `date/time field value out of range: "${text}"`, {
        hint: 'Perhaps you need a different "datestyle" setting.',
      });
    case 'zone-range':
      return sqlError('22009', `time zone displacement out of range: "${text}"`);
  }
}

const bad = (): FieldError => new FieldError('syntax');

class Reader {
  readonly #order: 'MDY' | 'DMY' | 'YMD';
  /** Of time and timetz: bare numbers are times of day. */
  readonly #timeOnly: boolean;
  readonly #fields: readonly DateTimeField[];
  #mask = 0;
  #year = 0;
  #month = 0;
  #day = 0;
  #dayOfYear = 0;
  #hours = 0;
  #minutes = 0;
  #seconds = 0;
  #micros = 0;
  #twoDigits = false;
  #julian = false;
  #bc = false;
  #meridiem: 'am' | 'pm' | null = null;
  #prefix: DatePrefix | null = null;
  #namedMonth = false;
  #offset = 0;
  #zone: Zone | null = null;
  #zoneIsAbbreviation = false;
  #relative: number | null = null;
  #special: 'infinity' | '-infinity' | 'epoch' | 'now' | null = null;

  constructor(text: string, dateStyle: string, timeOnly: boolean) {
    this.#fields = cutFields(text, (word) => dateWord(word) !== undefined);
    this.#timeOnly = timeOnly;
    this.#order = dateStyle.includes('DMY') ? 'DMY' : dateStyle.includes('YMD') ? 'YMD' : 'MDY';
  }

  run(): DateTimeFields {
    for (let i = 0; i < this.#fields.length; i++) {
      const found = this.#field(i);
      if ((found & this.#mask) !== 0) throw bad();
      this.#mask |= found;
    }
    this.#checkDate();
    this.#applyMeridiem();
    if (this.#timeOnly) return this.#finishTime();
    if (this.#special !== null) return { kind: this.#special };
    if (!this.#has(DATE)) throw bad();
    return this.#result();
  }

  #has(bits: number): boolean {
    return (this.#mask & bits) === bits;
  }

  #field(i: number): number {
    const { kind, text } = this.#fields[i]!;
    switch (kind) {
      case 'date':
        return this.#dateField(i, text);
      case 'time':
        return this.#timeField(text);
      case 'zone':
        this.#offset = readOffset(text);
        return ZONE;
      case 'number':
        if (this.#prefix !== null) return this.#prefixed(text);
        return this.#timeOnly ? this.#clockNumber(i, text) : this.#plainNumber(text);
      case 'word':
        return this.#word(i, text);
    }
  }

  #dateField(i: number, text: string): number {
    if (this.#timeOnly) {
      const last = this.#fields.length - 1;
      if (i === 0 && last >= 1 && (this.#fields[last]!.kind === 'date' || this.#fields[1]!.kind === 'time')) {
        return this.#date(text);
      }
      return /^\d/.test(text) ? this.#clockWithOffset(text, this.#mask | DATE) : this.#zoneName(text);
    }
    if (this.#prefix === 'julian') {
      const julian = leadingInteger(text);
      if (julian === null) throw bad();
      this.#setJulian(julian.value);
      this.#offset = readOffset(julian.rest);
      this.#prefix = null;
      return DATE | TIME | ZONE;
    }
    if (this.#prefix === null && !this.#has(MONTH | DAY)) return this.#date(text);
    if (this.#prefix === null && !/^\d/.test(text)) return this.#zoneName(text);
    if (this.#prefix !== null && this.#prefix !== 'time') throw bad();
    this.#prefix = null;
    return this.#clockWithOffset(text, this.#mask);
  }

  /** hhmmss-zz */
  #clockWithOffset(text: string, mask: number): number {
    const at = text.indexOf('-');
    if (this.#has(TIME) || at < 0) throw bad();
    this.#offset = readOffset(text.slice(at));
    return this.#runTogether(text.slice(0, at), mask) | ZONE;
  }

  #zoneName(text: string): number {
    const zone = findZone(text);
    if (zone === null) throw sqlError('22023', `time zone "${text}" not recognized`);
    this.#zone = zone;
    return ZONE;
  }

  #timeField(text: string): number {
    if (this.#prefix !== null && !this.#timeOnly) {
      if (this.#prefix !== 'time') throw bad();
      this.#prefix = null;
    }
    const { hours, minutes, seconds, micros } = readClock(text);
    if (hours > 2147483647) throw new FieldError('overflow');
    [this.#hours, this.#minutes, this.#seconds, this.#micros] = [hours, minutes, seconds, micros];
    if (!this.#timeOnly) this.#checkTime();
    return TIME;
  }

  #checkTime(): void {
    if (this.#hours > 24 || this.#minutes > 59 || this.#seconds > 60 || this.#timeOfDay() > MICROS_PER_DAY) {
      throw new FieldError('overflow');
    }
  }

  #timeOfDay(): number {
    return ((this.#hours * 60 + this.#minutes) * 60 + this.#seconds) * 1e6 + this.#micros;
  }

  /** Three numbers, or two with the name of a month, with delimiters between. */
  #date(text: string): number {
    const parts: string[] = [];
    // One character after each part is passed over, whatever it is, as PostgreSQL does.
    const part = /[^A-Za-z0-9]*(\d+|[A-Za-z]+)[^]?/y;
    while (part.lastIndex < text.length) {
      const match = part.exec(text);
      if (match === null) throw bad();
      parts.push(match[1]!);
    }
    let mask = this.#mask;
    let found = 0;
    let named = false;
    const join = (bits: number): void => {
      if ((mask & bits) !== 0) throw bad();
      mask |= bits;
      found |= bits;
    };
    for (const name of parts) {
      if (!/^[A-Za-z]/.test(name)) continue;
      const word = dateWord(name);
      if (word?.kind !== 'month') throw bad();
      this.#month = word.value;
      named = true;
      join(MONTH);
    }
    for (const digits of parts) {
      if (/^\d/.test(digits)) join(this.#number(digits, named, mask));
    }
    if ((mask & ~(DAY_OF_YEAR | ZONE)) !== DATE) throw bad();
    return found;
  }

  /** The number after y, m, d, h, mm, s, j or t. */
  #prefixed(text: string): number {
    const prefix = this.#prefix!;
    this.#prefix = null;
    const { value, rest } = leadingInteger(text) ?? { value: 0, rest: text };
    if (rest !== '' && (!rest.startsWith('.') || !['julian', 'time', 'second'].includes(prefix))) throw bad();
    switch (prefix) {
      case 'year':
        this.#year = value;
        return YEAR;
      case 'month':
        if (this.#has(MONTH | HOUR)) {
          this.#minutes = value;
          return MINUTE;
        }
        this.#month = value;
        return MONTH;
      case 'day':
        this.#day = value;
        return DAY;
      case 'hour':
        this.#hours = value;
        return HOUR;
      case 'minute':
        this.#minutes = value;
        return MINUTE;
      case 'second':
        this.#seconds = value;
        if (rest === '') return SECOND;
        this.#micros = fractionMicros(rest);
        return SECOND | FRACTION;
      case 'julian':
        this.#setJulian(value);
        if (rest === '') return DATE;
        this.#micros = Math.trunc(fractionOf(rest) * MICROS_PER_DAY);
        return DATE | TIME;
      case 'time': {
        const found = this.#runTogether(text, this.#mask | DATE);
        if (found !== TIME) throw bad();
        return found;
      }
      case 'other':
        throw bad();
    }
  }

  #setJulian(julian: number): void {
    const { year, month, day } = civilFromDays(julian - JULIAN_OFFSET);
    [this.#year, this.#month, this.#day, this.#julian] = [year, month, day, true];
  }

  #plainNumber(text: string): number {
    const point = text.indexOf('.');
    if (point >= 0 && (this.#mask & DATE) === 0) return this.#date(text);
    if (point > 2) return this.#runTogether(text, this.#mask);
    if (point < 0 && text.length >= 6 && ((this.#mask & DATE) === 0 || (this.#mask & TIME) === 0)) {
      return this.#runTogether(text, this.#mask);
    }
    return this.#number(text, this.#namedMonth, this.#mask);
  }

  #clockNumber(i: number, text: string): number {
    const point = text.indexOf('.');
    const last = this.#fields.length - 1;
    if (point >= 0) {
      if (i === 0 && last >= 1 && this.#fields[last]!.kind === 'date') return this.#date(text);
      if (point <= 2) throw bad();
      return this.#runTogether(text, this.#mask | DATE);
    }
    if (text.length > 4) return this.#runTogether(text, this.#mask | DATE);
    return this.#number(text, false, this.#mask | DATE);
  }

  /** One number: the field that is missing, by what there is and by DateStyle. */
  #number(text: string, named: boolean, mask: number): number {
    const read = leadingInteger(text);
    if (read === null) throw bad();
    const { value, rest } = read;
    if (rest !== '') {
      if (text.length - rest.length > 2) return this.#runTogether(text, mask | DATE);
      this.#micros = fractionMicros(rest);
    }
    const date = mask & DATE;
    if (text.length === 3 && date === YEAR && value >= 1 && value <= 366) {
      this.#dayOfYear = value;
      return DAY_OF_YEAR | MONTH | DAY;
    }
    if (date === DATE) return this.#runTogether(text, mask);
    if (date === (YEAR | DAY)) throw bad();
    if (date === (YEAR | MONTH) && named && text.length >= 3 && this.#twoDigits) {
      // The first number was the day after all: 18-Jan-1999 with YMD.
      [this.#day, this.#year, this.#twoDigits] = [this.#year, value, false];
      return DAY;
    }
    const field = this.#fieldFor(date, text.length, named);
    if (field === YEAR) {
      this.#year = value;
      this.#twoDigits = text.length <= 2;
    } else if (field === MONTH) this.#month = value;
    else this.#day = value;
    return field;
  }

  #fieldFor(date: number, length: number, named: boolean): number {
    const isYear = length >= 3 || this.#order === 'YMD';
    switch (date) {
      case 0:
        return isYear ? YEAR : this.#order === 'DMY' ? DAY : MONTH;
      case YEAR:
      case DAY:
        return MONTH;
      case MONTH:
        return named && isYear ? YEAR : DAY;
      case MONTH | DAY:
        return YEAR;
      default:
        return DAY;
    }
  }

  /** yymmdd, yyyymmdd, hhmm, hhmmss.fff */
  #runTogether(text: string, mask: number): number {
    const point = text.indexOf('.');
    const digits = point < 0 ? text : text.slice(0, point);
    if (point >= 0) this.#micros = fractionMicros(text.slice(point).replace(/^(\.\d*).*$/s, '$1'));
    else if ((mask & DATE) !== DATE && digits.length >= 6) {
      this.#day = Number(digits.slice(-2));
      this.#month = Number(digits.slice(-4, -2));
      this.#year = Number(digits.slice(0, -4));
      if (digits.length === 6) this.#twoDigits = true;
      return DATE;
    }
    if ((mask & TIME) === TIME || (digits.length !== 6 && digits.length !== 4)) throw bad();
    this.#hours = Number(digits.slice(0, 2));
    this.#minutes = Number(digits.slice(2, 4));
    this.#seconds = Number(digits.slice(4));
    return TIME;
  }

  #word(i: number, text: string): number {
    const zone = findAbbreviation(text);
    if (zone !== null) {
      if (zone.fixed !== null) {
        this.#offset = zone.fixed;
        return ZONE | (zone.isDaylight === true ? DST : 0);
      }
      this.#zone = zone;
      this.#zoneIsAbbreviation = true;
      return ZONE | DST;
    }
    const word = dateWord(text);
    if (word === undefined) {
      this.#zone = findZone(text);
      if (this.#zone === null) throw bad();
      return ZONE;
    }
    return this.#knownWord(i, word);
  }

  #knownWord(i: number, word: DateWord): number {
    switch (word.kind) {
      case 'ignored':
        return 0;
      case 'special':
        if (this.#timeOnly && word.value !== 'now') throw bad();
        this.#special = word.value;
        return word.value !== 'now' ? SPECIAL : this.#timeOnly ? TIME : DATE | TIME | ZONE;
      case 'allballs':
        return TIME | ZONE;
      case 'dst':
        this.#offset += 3600;
        return DST_WORD | DST;
      case 'meridiem':
        this.#meridiem = word.value;
        return MERIDIEM;
      case 'era':
        this.#bc = word.value === 'bc';
        return ERA;
      case 'prefix':
        this.#prefix = word.value;
        return 0;
      case 'iso-time': {
        const next = this.#fields[i + 1]?.kind;
        if ((!this.#timeOnly && !this.#has(DATE)) || next === undefined || next === 'zone' || next === 'word')
          throw bad();
        this.#prefix = 'time';
        return 0;
      }
      default:
        return this.#dateWord(word);
    }
  }

  #dateWord(word: Extract<DateWord, { kind: 'relative' | 'month' | 'weekday' }>): number {
    if (this.#timeOnly) throw bad();
    if (word.kind === 'weekday') return WEEKDAY;
    if (word.kind === 'relative') {
      this.#relative = word.value;
      this.#special = null;
      return DATE;
    }
    const isDay = this.#has(MONTH) && !this.#namedMonth && !this.#has(DAY) && this.#month >= 1 && this.#month <= 31;
    if (isDay) this.#day = this.#month;
    this.#namedMonth = true;
    this.#month = word.value;
    return isDay ? DAY : MONTH;
  }

  #checkDate(): void {
    if (this.#relative !== null) return;
    if (this.#has(YEAR) && !this.#julian) this.#fixYear();
    if (this.#has(DAY_OF_YEAR)) {
      const { year, month, day } = civilFromDays(daysFromCivil(this.#year, 1, 1) + this.#dayOfYear - 1);
      [this.#year, this.#month, this.#day] = [year, month, day];
    }
    if (this.#special === 'now') return;
    if (this.#has(MONTH) && (this.#month < 1 || this.#month > 12)) throw new FieldError('month-day');
    if (this.#has(DAY) && (this.#day < 1 || this.#day > 31)) throw new FieldError('month-day');
    if (this.#has(DATE) && this.#day > daysInMonth(this.#year, this.#month)) throw new FieldError('overflow');
  }

  #fixYear(): void {
    if (this.#special === 'now') return;
    if (this.#bc) {
      if (this.#year <= 0) throw new FieldError('overflow');
      this.#year = 1 - this.#year;
    } else if (this.#twoDigits) {
      if (this.#year < 100) this.#year += this.#year < 70 ? 2000 : 1900;
    } else if (this.#year <= 0) throw new FieldError('overflow');
  }

  #applyMeridiem(): void {
    if (this.#meridiem === null) return;
    if (this.#hours > 12) throw new FieldError('overflow');
    if (this.#meridiem === 'am' && this.#hours === 12) this.#hours = 0;
    else if (this.#meridiem === 'pm' && this.#hours !== 12) this.#hours += 12;
  }

  #finishTime(): DateTimeFields {
    this.#checkTime();
    if (!this.#has(TIME)) throw bad();
    const hasDate = this.#has(DATE);
    const isPartial = !hasDate && (this.#mask & DATE) !== 0;
    if (this.#zone !== null && this.#zone.fixed === null && !hasDate && (isPartial || !this.#zoneIsAbbreviation)) {
      throw bad();
    }
    if (isPartial && !this.#has(ZONE)) throw bad();
    if (this.#special === 'now') return { kind: 'now' };
    return this.#result();
  }

  #result(): DateTimeFields {
    if (this.#has(DST_WORD) && (this.#zone !== null || !this.#has(ZONE))) throw bad();
    const fixed = this.#zone?.fixed ?? null;
    return {
      kind: 'fields',
      days: this.#has(DATE) && this.#relative === null ? daysFromCivil(this.#year, this.#month, this.#day) : null,
      relativeDays: this.#relative,
      micros: (this.#mask & TIME) === 0 ? null : this.#timeOfDay(),
      offset: !this.#has(ZONE) ? null : this.#zone === null ? this.#offset : fixed,
      zone: this.#has(ZONE) && fixed === null ? this.#zone : null,
    };
  }
}

const TEXT_LENGTH_MAX = 256;

export function parseDateTime(text: string, type: string, dateStyle: string): DateTimeFields {
  // No date is as long, and nonsense of megabytes is not worth reading.
  if (text.length > TEXT_LENGTH_MAX && text.trim().length > TEXT_LENGTH_MAX) throw dateTimeError('syntax', type, text);
  try {
    return new Reader(text, dateStyle, type.startsWith('time') && !type.startsWith('timestamp')).run();
  } catch (error) {
    if (error instanceof FieldError) throw dateTimeError(error.failure, type, text);
    throw error;
  }
}
