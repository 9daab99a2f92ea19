/**
 * Reads dates and times as PostgreSQL does: ISO 8601 and the common written forms, special words, BC,
 * zones as offsets, abbreviations or names. The text is cut into tokens, each of which fills one field;
 * what is left over, doubled or out of range is an error of the kind PostgreSQL reports.
 */
import { sqlError } from '../../base/errors.js';
import { daysFromCivil, daysInMonth, findZone, MICROS_PER_DAY } from './calendar.js';
import type { Zone } from './calendar.js';

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

const MONTHS: Readonly<Record<string, number>> = {
  jan: 1,
  january: 1,
  feb: 2,
  february: 2,
  mar: 3,
  march: 3,
  apr: 4,
  april: 4,
  may: 5,
  jun: 6,
  june: 6,
  jul: 7,
  july: 7,
  aug: 8,
  august: 8,
  sep: 9,
  sept: 9,
  september: 9,
  oct: 10,
  october: 10,
  nov: 11,
  november: 11,
  dec: 12,
  december: 12,
};
const WEEKDAYS = new Set([
  'sun',
  'sunday',
  'mon',
  'monday',
  'tue',
  'tues',
  'tuesday',
  'wed',
  'weds',
  'wednesday',
  'thu',
  'thur',
  'thurs',
  'thursday',
  'fri',
  'friday',
  'sat',
  'saturday',
]);

type Failure = 'syntax' | 'overflow' | 'month-day' | 'zone-range';
class FieldError extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure);
    this.failure = failure;
  }
}

export function dateTimeError(failure: Failure, type: string, text: string): Error {
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

const TOKEN =
  /([+-]\d{1,2}(?::\d{2}){0,2}(?!\d|[-/.:])|[+-]\d{4,6}(?![\d:.-]))|(\d{1,7}(?:-\d{1,2}-\d{1,2}|-[A-Za-z]{3,9}-\d{1,4}|\/\d{1,2}\/\d{1,6}|\.\d{1,2}\.\d{1,6}))|(\d{1,2}:\d{1,2}(?::\d{1,2})?(?:[.,]\d*)?)|([Jj]\d+)|(\d+)(\.\d*)?|([A-Za-z][A-Za-z_]*(?:\/[A-Za-z0-9_+\-/]+)?|<[^>]*>[+-]\d+)|([,\s]+)|(.)/y;

class Parser {
  year: number | null = null;
  month: number | null = null;
  day: number | null = null;
  julian: number | null = null;
  micros: number | null = null;
  offset: number | null = null;
  zone: Zone | null = null;
  relative: number | null = null;
  bc = false;
  twoDigitYear = false;
  meridiem: 'am' | 'pm' | null = null;
  special: 'infinity' | '-infinity' | 'epoch' | 'now' | null = null;
  #loose: string[] = [];
  readonly #order: 'MDY' | 'DMY' | 'YMD';
  /** A bare number is a time of day, not a date. */
  readonly #timeOnly: boolean;

  constructor(dateStyle: string, timeOnly: boolean) {
    this.#timeOnly = timeOnly;
    this.#order = dateStyle.includes('DMY') ? 'DMY' : dateStyle.includes('YMD') ? 'YMD' : 'MDY';
  }

  run(text: string): void {
    const lower = text.trim().toLowerCase();
    if (lower === '') throw new FieldError('syntax');
    const word = /^(-|\+)?inf(?:inity)?$/.exec(lower);
    if (word !== null) {
      this.special = word[1] === '-' ? '-infinity' : 'infinity';
      return;
    }
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.length) {
      const match = TOKEN.exec(text);
      if (match === null) throw new FieldError('syntax');
      this.#token(match);
    }
    this.#placeLoose();
  }

  #token(match: RegExpExecArray): void {
    if (match[1] !== undefined) this.#numericZone(match[1]);
    else if (match[2] !== undefined) this.#date(match[2]);
    else if (match[3] !== undefined) this.#time(match[3]);
    else if (match[4] !== undefined) this.julian = Number(match[4].slice(1));
    else if (match[5] !== undefined) this.#number(match[5], match[6]);
    else if (match[7] !== undefined) this.#word(match[7]);
    else if (match[8] === undefined) throw new FieldError('syntax');
  }

  #numericZone(text: string): void {
    if (this.micros === null && this.#loose.length === 0 && this.year === null && this.julian === null) {
      throw new FieldError('syntax');
    }
    if (this.offset !== null) throw new FieldError('syntax');
    const digits = text.slice(1);
    const parts = digits.includes(':')
      ? digits.split(':').map(Number)
      : digits.length <= 2
        ? [Number(digits)]
        : [
            Number(digits.slice(0, digits.length === 3 ? 1 : 2)),
            Number(digits.slice(digits.length === 3 ? 1 : 2, 4)),
            Number(digits.slice(4) || 0),
          ];
    const [hours = 0, minutes = 0, seconds = 0] = parts;
    if (hours > 15 || minutes > 59 || seconds > 59) throw new FieldError('zone-range');
    const total = hours * 3600 + minutes * 60 + seconds;
    this.offset = text.startsWith('-') ? -total : total;
  }

  #date(text: string): void {
    if (this.year !== null || this.julian !== null) throw new FieldError('syntax');
    const parts = text.split(/[-/.]/);
    const [a, b, c] = parts as [string, string, string];
    const named = MONTHS[b.toLowerCase()];
    if (/[A-Za-z]/.test(b)) {
      if (named === undefined) throw new FieldError('syntax');
      this.month = named;
      if (a.length > 2) this.#setYearDay(a, c);
      else this.#setYearDay(c, a);
      return;
    }
    if (a.length > 2 || this.#order === 'YMD') {
      this.#setYearDay(a, c);
      this.month = Number(b);
    } else if (this.#order === 'DMY') {
      this.#setYearDay(c, a);
      this.month = Number(b);
    } else {
      this.#setYearDay(c, b);
      this.month = Number(a);
    }
  }

  #setYearDay(year: string, day: string): void {
    this.year = Number(year);
    this.twoDigitYear = year.length <= 2;
    this.day = Number(day);
  }

  #time(text: string): void {
    if (this.micros !== null) throw new FieldError('syntax');
    const [h, m, s = '0'] = text.replace(',', '.').split(':') as [string, string, string?];
    // hh:mm.ff is minutes and seconds in PostgreSQL; so rare that it is refused.
    if (m.includes('.')) throw new FieldError('syntax');
    const [whole, fraction = ''] = s.split('.') as [string, string?];
    this.#setTime(Number(h), Number(m), Number(whole), fraction);
  }

  #setTime(hours: number, minutes: number, seconds: number, fraction: string): void {
    if (minutes > 59 || seconds > 60 || hours > 24) throw new FieldError('overflow');
    const micros = fraction === '' ? 0 : Math.round(Number(`0.${fraction}`) * 1e6);
    this.micros = ((hours * 60 + minutes) * 60 + seconds) * 1e6 + micros;
    if (this.micros > MICROS_PER_DAY) throw new FieldError('overflow');
  }

  #number(digits: string, fraction: string | undefined): void {
    const dated = this.#timeOnly || this.year !== null || this.julian !== null || this.relative !== null;
    if (!dated && this.#loose.length === 0 && this.month === null && fraction === undefined) {
      if (digits.length === 8) {
        this.#setYearDay(digits.slice(0, 4), digits.slice(6));
        this.month = Number(digits.slice(4, 6));
        return;
      }
      if (digits.length === 6) {
        this.#setYearDay(digits.slice(0, 2), digits.slice(4));
        this.month = Number(digits.slice(2, 4));
        return;
      }
      if (digits.length === 7) {
        this.julian = daysFromCivil(Number(digits.slice(0, 4)), 1, Number(digits.slice(4))) + 2451545;
        return;
      }
    }
    if (dated && this.micros === null && (digits.length === 6 || (digits.length === 4 && fraction === undefined))) {
      this.#setTime(
        Number(digits.slice(0, 2)),
        Number(digits.slice(2, 4)),
        Number(digits.slice(4) || 0),
        fraction?.slice(1) ?? '',
      );
      return;
    }
    if (fraction !== undefined && fraction !== '.') throw new FieldError('syntax');
    this.#loose.push(digits);
  }

  #word(word: string): void {
    const lower = word.toLowerCase();
    const month = Object.hasOwn(MONTHS, lower) ? MONTHS[lower] : undefined;
    if (month !== undefined) {
      if (this.month !== null) throw new FieldError('syntax');
      this.month = month;
      return;
    }
    if (WEEKDAYS.has(lower) || lower === 't' || lower === 'at' || lower === 'on') return;
    switch (lower) {
      case 'bc':
        this.bc = true;
        return;
      case 'ad':
        return;
      case 'am':
      case 'pm':
        this.meridiem = lower;
        return;
      case 'now':
      case 'epoch':
        this.special = lower;
        return;
      case 'today':
      case 'tomorrow':
      case 'yesterday':
        this.relative = lower === 'today' ? 0 : lower === 'tomorrow' ? 1 : -1;
        return;
      case 'allballs':
        this.micros = 0;
        this.offset = 0;
        return;
      default:
        this.#zoneWord(word);
    }
  }

  #zoneWord(word: string): void {
    if (this.offset !== null || this.zone !== null) throw new FieldError('syntax');
    const zone = findZone(word);
    if (zone === null) {
      if (word.includes('/')) throw sqlError('22023', `time zone "${word.toLowerCase()}" not recognized`);
      throw new FieldError('syntax');
    }
    if (zone.fixed !== null) this.offset = zone.fixed;
    else this.zone = zone;
  }

  /** Numbers beside a written month: day and year, whichever comes first or is longer. */
  #placeLoose(): void {
    const loose = this.#loose;
    if (loose.length === 0) {
      if (this.month !== null && this.day === null) throw new FieldError('syntax');
      return;
    }
    if (this.year !== null || this.month === null || loose.length !== 2) throw new FieldError('syntax');
    const [a, b] = loose as [string, string];
    if (a.length > 2) this.#setYearDay(a, b);
    else this.#setYearDay(b, a);
  }

  finish(): DateTimeFields {
    if (this.special !== null) return { kind: this.special };
    if (this.meridiem !== null) {
      if (this.micros === null || this.micros > 13 * 3600e6)
        throw new FieldError(this.micros === null ? 'syntax' : 'overflow');
      const hour = Math.floor(this.micros / 3600e6);
      if (hour === 12 && this.meridiem === 'am') this.micros -= 12 * 3600e6;
      else if (hour !== 12 && this.meridiem === 'pm') this.micros += 12 * 3600e6;
    }
    return {
      kind: 'fields',
      days: this.#days(),
      relativeDays: this.relative,
      micros: this.micros,
      offset: this.offset,
      zone: this.zone,
    };
  }

  #days(): number | null {
    if (this.julian !== null) return this.julian - 2451545;
    if (this.year === null) return null;
    let year = this.year;
    if (this.bc) {
      if (year <= 0) throw new FieldError('overflow');
      year = 1 - year;
    } else if (this.twoDigitYear) {
      year += year < 70 ? 2000 : 1900;
    } else if (year <= 0) {
      throw new FieldError('overflow');
    }
    const month = this.month!;
    const day = this.day!;
    if (month < 1 || month > 12 || day < 1 || day > 31) throw new FieldError('month-day');
    if (day > daysInMonth(year, month)) throw new FieldError('overflow');
    return daysFromCivil(year, month, day);
  }
}

export function parseDateTime(text: string, type: string, dateStyle: string): DateTimeFields {
  try {
    const parser = new Parser(dateStyle, type.startsWith('time') && !type.startsWith('timestamp'));
    parser.run(text);
    return parser.finish();
  } catch (error) {
    if (error instanceof FieldError) throw dateTimeError(error.failure, type, text);
    throw error;
  }
}
