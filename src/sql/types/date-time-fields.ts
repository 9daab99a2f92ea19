/**
 * The text of a date, a time or an interval, cut into the fields that PostgreSQL sees in it: numbers, dates with
 * delimiters, clock times, words and signed zones. What they mean is for datetime-input.ts and interval-input.ts.
 */

export type FieldKind = 'number' | 'date' | 'time' | 'zone' | 'word';
export interface DateTimeField {
  readonly kind: FieldKind;
  /** Words in lower case; white space after a sign is left out. */
  readonly text: string;
}

export type FieldFailure = 'syntax' | 'overflow' | 'month-day' | 'zone-range';

/** Text that is no date or time; the types that read it make PostgreSQL's errors of it. */
export class FieldError extends Error {
  readonly failure: FieldFailure;
  constructor(failure: FieldFailure) {
    super(failure);
    this.failure = failure;
  }
}

const FIELDS_MAX = 25;
const SPACE = /[ \t\n\v\f\r]+/y;
const CLOCK = /\d+:[\d:.]*/y;
const NUMERIC_DATE = /\d+([-/.])\d+(\1(?:\d|\1)*)?/y;
const NAMED_DATE = /\d+([-/.])(?:[A-Za-z0-9]|\1)*/y;
const NUMBER = /\d+|\.\d*/y;
const WORD = /[A-Za-z]+/y;
const AFTER_WORD = /(?:[-/.]|(\+|\d))[A-Za-z0-9+\-/_.:]*/y;
const SIGNED = /([+-])[ \t\n\v\f\r]*(\d[\d:.-]*|[A-Za-z]+)/y;
const PUNCTUATION = /[!-/:-@[-`{-~]/y;

/**
 * `isWord` tells whether a word that digits follow stands for itself (j2451187), rather than begins a zone's name (EST5EDT).
 * @throws FieldError
 */
export function cutFields(text: string, isWord: (word: string) => boolean): DateTimeField[] {
  const fields: DateTimeField[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  const add = (kind: FieldKind, field: string): void => {
    if (fields.length >= FIELDS_MAX) throw new FieldError('syntax');
    fields.push({ kind, text: field });
  };
  while (at < text.length) {
    let match: RegExpExecArray | null;
    if (take(SPACE) !== null) continue;
    if ((match = take(CLOCK)) !== null) add('time', match[0]);
    else if ((match = take(NUMERIC_DATE)) !== null) {
      add(match[2] === undefined && match[1] === '.' ? 'number' : 'date', match[0]);
    } else if ((match = take(NAMED_DATE)) !== null) add('date', match[0].toLowerCase());
    else if ((match = take(NUMBER)) !== null) add('number', match[0]);
    else if ((match = take(WORD)) !== null) {
      const word = match[0].toLowerCase();
      const start = at;
      const rest = take(AFTER_WORD);
      if (rest === null || (rest[1] !== undefined && isWord(word))) {
        at = start;
        add('word', word);
      } else add('date', word + rest[0].toLowerCase());
    } else if ((match = take(SIGNED)) !== null) {
      add(/^\d/.test(match[2]!) ? 'zone' : 'word', match[1]! + match[2]!.toLowerCase());
    } else if (/[+-]/.test(text[at]!) || take(PUNCTUATION) === null) throw new FieldError('syntax');
  }
  return fields;
}

/** A leading integer as C reads it, and what follows. @throws FieldError beyond 32 bits */
export function leadingInteger(text: string): { value: number; rest: string } | null {
  const match = /^[+-]?\d+/.exec(text);
  if (match === null) return null;
  const value = Number(match[0]);
  if (value > 2147483647 || value < -2147483648) throw new FieldError('overflow');
  return { value, rest: text.slice(match[0].length) };
}

/** Of ".5", 0.5; of ".", 0. @throws FieldError */
export function fractionOf(text: string): number {
  if (!/^\.\d*$/.test(text)) throw new FieldError('syntax');
  return text === '.' ? 0 : Number(`0${text}`);
}

/** To whole microseconds, halves to even. */
export function fractionMicros(text: string): number {
  const micros = fractionOf(text) * 1e6;
  const whole = Math.floor(micros);
  const over = micros - whole;
  return over > 0.5 || (over === 0.5 && whole % 2 === 1) ? whole + 1 : whole;
}

export interface Clock {
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
  readonly micros: number;
}

/**
 * hh:mm, hh:mm:ss.fff, and mm:ss.fff; with `isMinutes`, of MINUTE TO SECOND, two numbers are minutes and seconds too.
 * The hours are for the caller to check. @throws FieldError
 */
export function readClock(text: string, isMinutes = false): Clock {
  const match = /^(\d+):(\d*)(?::(\d*))?(\.\d*)?$/.exec(text);
  if (match === null) throw new FieldError('syntax');
  const micros = match[4] === undefined ? 0 : fractionMicros(match[4]);
  const first = Number(match[1]);
  const second = Number(match[2]);
  if (first > Number.MAX_SAFE_INTEGER || second > 59) throw new FieldError('overflow');
  if (match[3] === undefined && (match[4] !== undefined || isMinutes)) {
    if (first > 59) throw new FieldError('overflow');
    return { hours: 0, minutes: first, seconds: second, micros };
  }
  const seconds = Number(match[3] ?? 0);
  if (seconds > 60) throw new FieldError('overflow');
  return { hours: first, minutes: second, seconds, micros };
}

/** Seconds east of UTC of +h, +hh:mm, +hhmm or +hh:mm:ss. @throws FieldError */
export function readOffset(text: string): number {
  const match = /^([+-])(\d+)(?::(\d*)(?::(\d*))?)?(.*)$/.exec(text);
  if (match === null) throw new FieldError('syntax');
  let hours = Number(match[2]);
  let minutes = Number(match[3] ?? 0);
  const seconds = Number(match[4] ?? 0);
  if (match[3] === undefined && match[5] === '' && text.length > 3) {
    minutes = hours % 100;
    hours = Math.floor(hours / 100);
  }
  if (hours > 15 || minutes > 59 || seconds > 59) throw new FieldError('zone-range');
  if (match[5] !== '') throw new FieldError('syntax');
  const total = hours * 3600 + minutes * 60 + seconds;
  return match[1] === '-' ? -total : total;
}
