/**
 * Reads intervals in every style that PostgreSQL reads. The fields are looked at from the last to the first, since a
 * unit stands after its number; what none of them explains is tried as ISO 8601 with designators.
 */
import { sqlError } from '../../base/errors.js';
import { cutFields, FieldError, fractionOf, readClock } from './date-time-fields.js';
import type { DateTimeField } from './date-time-fields.js';
import { dateWord } from './date-words.js';
import type { Interval } from './datum.js';
import { applyIntervalTypmod, FULL_RANGE, INTERVAL_MASK, makeInterval } from './interval.js';
import type { FormatContext } from './type-info.js';

type Unit = 'us' | 'ms' | 's' | 'min' | 'h' | 'd' | 'w' | 'mon' | 'y' | 'dec' | 'c' | 'mil';

const UNIT_WORDS: Readonly<Record<Unit, string>> = {
  us: 'us usec usecs useconds microsecon',
  ms: 'ms msec msecs mseconds millisecon',
  s: 's sec secs second seconds',
  min: 'm min mins minute minutes',
  h: 'h hr hrs hour hours',
  d: 'd day days',
  w: 'w week weeks',
  mon: 'mon mons month months',
  y: 'y yr yrs year years',
  dec: 'dec decs decade decades',
  c: 'c cent century centuries',
  mil: 'mil mils millennia millennium',
};
const UNITS: ReadonlyMap<string, Unit> = new Map(
  Object.entries(UNIT_WORDS).flatMap(([unit, words]) => words.split(' ').map((word) => [word, unit as Unit] as const)),
);
const UNIT_MICROS: Partial<Record<Unit, bigint>> = {
  us: 1n,
  ms: 1000n,
  s: 1_000_000n,
  min: 60_000_000n,
  h: 3_600_000_000n,
};
const UNIT_YEARS: Partial<Record<Unit, number>> = { y: 1, dec: 10, c: 100, mil: 1000 };
const DAY_MICROS = 86_400e6;

const overflow = (): FieldError => new FieldError('overflow');
const bad = (): FieldError => new FieldError('syntax');

function int32(n: number): number {
  if (n > 2147483647 || n < -2147483648) throw overflow();
  return n;
}
function int64(n: bigint): bigint {
  if (BigInt.asIntN(64, n) !== n) throw overflow();
  return n;
}

class Sum {
  years = 0;
  months = 0;
  days = 0;
  micros = 0n;

  /** A whole number and a fraction below one, of the same sign; fractions go on into smaller fields. */
  add(value: bigint, fraction: number, unit: Unit): void {
    const micros = UNIT_MICROS[unit];
    if (micros !== undefined) {
      this.micros = int64(this.micros + value * micros);
      this.#addMicros(fraction * Number(micros));
      return;
    }
    const n = int32(Number(value));
    const years = UNIT_YEARS[unit];
    if (years !== undefined) {
      this.years = int32(this.years + int32(n * years));
      this.months = int32(this.months + roundHalfEven(fraction * years * 12));
    } else if (unit === 'mon') {
      this.months = int32(this.months + n);
      this.#addDays(fraction * 30);
    } else if (unit === 'w') {
      this.days = int32(this.days + int32(n * 7));
      this.#addDays(fraction * 7);
    } else {
      this.days = int32(this.days + n);
      this.#addMicros(fraction * DAY_MICROS);
    }
  }

  #addDays(days: number): void {
    const whole = Math.trunc(days);
    this.days = int32(this.days + whole);
    this.#addMicros((days - whole) * DAY_MICROS);
  }

  #addMicros(micros: number): void {
    let whole = Math.trunc(micros);
    const rest = micros - whole;
    if (rest > 0.5) whole++;
    else if (rest < -0.5) whole--;
    this.micros = int64(this.micros + BigInt(whole));
  }

  negate(): void {
    [this.years, this.months, this.days] = [int32(-this.years), int32(-this.months), int32(-this.days)];
    this.micros = int64(-this.micros);
  }

  toInterval(): Interval {
    return makeInterval(this.years * 12 + this.months, this.days, this.micros);
  }
}

function roundHalfEven(n: number): number {
  const whole = Math.floor(n);
  const over = n - whole;
  return over > 0.5 || (over === 0.5 && whole % 2 !== 0) ? whole + 1 : whole;
}

/** The unit of a bare number is the last field of `interval … to field`. */
function bareUnit(range: number): Unit {
  if (range === FULL_RANGE || (range & INTERVAL_MASK.second) !== 0) return 's';
  if ((range & INTERVAL_MASK.minute) !== 0) return 'min';
  if ((range & INTERVAL_MASK.hour) !== 0) return 'h';
  if ((range & INTERVAL_MASK.day) !== 0) return 'd';
  return (range & INTERVAL_MASK.month) !== 0 ? 'mon' : 'y';
}

class FieldReader {
  readonly sum = new Sum();
  readonly #fields: readonly DateTimeField[];
  readonly #range: number;
  /** In the SQL standard a sign before the first field is that of all. */
  readonly #negative: boolean;
  #unit: Unit | 'other' | null = null;
  #ago = false;
  readonly #seen = new Set<string>();

  constructor(fields: readonly DateTimeField[], range: number, style: FormatContext['intervalStyle']) {
    this.#fields = fields;
    this.#range = range;
    this.#negative =
      style === 'sql_standard' &&
      fields[0]?.text.startsWith('-') === true &&
      !fields.slice(1).some((field) => /^[+-]/.test(field.text));
  }

  run(): Interval {
    for (const field of this.#fields.toReversed()) {
      if (field.kind === 'word') this.#word(field.text);
      else if (field.kind === 'time') this.#clock(field.text, '');
      else if (field.kind !== 'zone' || !this.#signedClock(field.text)) this.#number(field.text);
    }
    if (this.#seen.size === 0) throw bad();
    if (this.#ago) this.sum.negate();
    return this.sum.toInterval();
  }

  #see(...units: string[]): void {
    if (units.some((unit) => this.#seen.has(unit))) throw bad();
    for (const unit of units) this.#seen.add(unit);
  }

  #word(text: string): void {
    // As in PostgreSQL, only ten letters of a word count.
    const unit = UNITS.get(text.slice(0, 10)) ?? null;
    if (unit !== null) this.#unit = unit;
    else if (text === 'ago') {
      this.#ago = true;
      this.#unit = 'other';
    } else if (['qtr', 'quarter', 'timezone', 'timezone_h', 'timezone_m'].includes(text)) this.#unit = 'other';
    else throw bad();
  }

  #signedClock(text: string): boolean {
    if (!text.includes(':')) return false;
    try {
      this.#clock(text.slice(1), text[0]!);
      return true;
    } catch (error) {
      if (error instanceof FieldError && !this.#seen.has('h')) return false;
      throw error;
    }
  }

  #clock(text: string, sign: string): void {
    const isMinutes = this.#range === (INTERVAL_MASK.minute | INTERVAL_MASK.second);
    const { hours, minutes, seconds, micros } = readClock(text, isMinutes);
    let total = int64(BigInt(hours) * 3_600_000_000n + BigInt((minutes * 60 + seconds) * 1e6 + micros));
    if (sign === '-' || (this.#negative && total > 0n)) total = -total;
    this.#see('h', 'min', 's', 'ms', 'us');
    this.sum.micros = total;
    this.#unit = 'd';
  }

  #number(text: string): void {
    const match = /^([+-]?)(\d*)(?:-(\d+)|(\.\d*))?$/.exec(text);
    if (match === null || (match[2] === '' && match[4] === undefined)) throw bad();
    const isNegative = match[1] === '-' || this.#negative;
    const digits = BigInt(match[2] === '' ? 0 : match[2]!);
    let value = int64(isNegative ? -digits : digits);
    let unit = this.#unit ?? bareUnit(this.#range);
    if (match[3] !== undefined) {
      if (Number(match[3]) > 11) throw overflow();
      value = value * 12n + BigInt(isNegative ? -Number(match[3]) : match[3]);
      unit = 'mon';
    }
    const fraction = match[4] === undefined ? 0 : fractionOf(match[4]);
    if (unit === 'other') throw bad();
    this.sum.add(value, isNegative ? -fraction : fraction, unit);
    if (unit === 's' && fraction !== 0) this.#see('s', 'ms', 'us');
    else this.#see(unit);
    this.#unit = unit === 'h' ? 'd' : unit;
  }
}

/** P1Y2M3DT4H5M6S, P0001-02-03T04:05:06, P00010203T040506. @throws FieldError */
function readIso(text: string): Interval {
  if (text.length < 2 || !text.startsWith('P')) throw bad();
  const sum = new Sum();
  const at = text.indexOf('T');
  const date = at < 0 ? text.slice(1) : text.slice(1, at);
  const time = at < 0 ? '' : text.slice(at + 1);
  readIsoPart(sum, date, { Y: 'y', M: 'mon', W: 'w', D: 'd' }, '-', ['y', 'mon', 'd'], 8);
  readIsoPart(sum, time, { H: 'h', M: 'min', S: 's' }, ':', ['h', 'min', 's'], 6);
  return sum.toInterval();
}

const ISO_NUMBER = '-?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?';

function addIso(sum: Sum, text: string, unit: Unit): void {
  const value = Number(text);
  if (!Number.isFinite(value) || Math.abs(value) > 1e15) throw overflow();
  const whole = Math.trunc(value);
  sum.add(BigInt(whole), value - whole, unit);
}

function readIsoPart(
  sum: Sum,
  text: string,
  designators: Readonly<Record<string, Unit>>,
  delimiter: string,
  order: readonly [Unit, Unit, Unit],
  width: number,
): void {
  let rest = text;
  const designated = new RegExp(`^(${ISO_NUMBER})([${Object.keys(designators).join('')}])`);
  for (let match = designated.exec(rest); match !== null; match = designated.exec(rest)) {
    addIso(sum, match[1]!, designators[match[2]!]!);
    rest = rest.slice(match[0].length);
  }
  if (rest === '') return;
  if (rest.length < text.length) throw bad();
  const digits = /^(-?)(\d+)(\.\d*)?$/.exec(rest);
  if (digits?.[2]?.length === width) {
    const sign = digits[1]!;
    addIso(sum, sign + digits[2].slice(0, -4), order[0]);
    addIso(sum, sign + digits[2].slice(-4, -2), order[1]);
    addIso(sum, sign + digits[2].slice(-2) + (digits[3] ?? ''), order[2]);
    return;
  }
  const parts = new RegExp(`^(${ISO_NUMBER})(?:${delimiter}(${ISO_NUMBER}))?(?:${delimiter}(${ISO_NUMBER}))?$`).exec(
    rest,
  );
  if (parts === null) throw bad();
  order.forEach((unit, i) => addIso(sum, parts[i + 1] ?? '0', unit));
}

function read(text: string, range: number, style: FormatContext['intervalStyle']): Interval {
  try {
    return new FieldReader(
      // Only words that dates know as well may have a number right behind them.
      cutFields(text, (word) => dateWord(word) !== undefined),
      range,
      style,
    ).run();
  } catch (error) {
    if (!(error instanceof FieldError) || error.failure !== 'syntax') throw error;
    return readIso(text);
  }
}

export function intervalInput(text: string, typmod: number, style: FormatContext['intervalStyle']): Interval {
  const range = typmod < 0 ? FULL_RANGE : (typmod >> 16) & 0x7fff;
  let interval: Interval;
  try {
    interval = read(text, range, style);
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw error.failure === 'syntax'
      ? sqlError('22007', `invalid input syntax for type interval: "${text}"`)
      : sqlError('22015', `interval field value out of range: "${text}"`);
  }
  return applyIntervalTypmod(interval, typmod);
}
