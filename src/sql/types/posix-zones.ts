/**
 * Time zones that say their own rules, as POSIX writes them: `CST6CDT,M4.1.0,M10.5.0`. Offsets are west of Greenwich, summer time
 * is an hour ahead unless it says otherwise, and without rules it is kept as in the United States, as PostgreSQL has it.
 */
import { civilFromDays, daysFromCivil, isLeapYear } from './civil.js';

/** When summer time begins or ends in a year: a day, and seconds of its local time. */
interface Change {
  readonly day: (year: number) => number;
  readonly seconds: number;
}

export interface PosixRules {
  /** Seconds east of Greenwich. */
  readonly standard: number;
  readonly daylight: number;
  readonly names: readonly [standard: string, daylight: string];
  readonly begins: Change;
  readonly ends: Change;
}

const NAME = '(<[A-Za-z0-9+-]{3,}>|[A-Za-z]{3,})';
const OFFSET = String.raw`([+-]?\d{1,3}(?::\d{1,2}){0,2})`;
const RULE = String.raw`(M\d{1,2}\.\d\.\d|J\d{1,3}|\d{1,3})(?:/([+-]?\d{1,3}(?::\d{1,2}){0,2}))?`;
const ZONE = new RegExp(`^${NAME}${OFFSET}(?:${NAME}${OFFSET}?(?:,${RULE},${RULE})?)$`);

const DEFAULT_BEGIN = 'M3.2.0';
const DEFAULT_END = 'M11.1.0';
const DEFAULT_TIME = 7200;

function secondsOf(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.replace(/^[+-]/, '').split(':').map(Number);
  const size = hours * 3600 + minutes * 60 + seconds;
  return text.startsWith('-') ? -size : size;
}

/** The day of a rule, counted as the calendar's days are; null: there is no such rule. */
function dayOf(rule: string): Change['day'] | null {
  if (rule.startsWith('M')) {
    const [month = 0, week = 0, weekday = 0] = rule.slice(1).split('.').map(Number);
    if (month < 1 || month > 12 || week < 1 || week > 5 || weekday > 6) return null;
    return (year) => {
      const first = daysFromCivil(year, month, 1);
      // Day 0, 2000-01-01, is a Saturday.
      const firstWeekday = (((first + 6) % 7) + 7) % 7;
      const day = first + ((weekday - firstWeekday + 7) % 7) + (week - 1) * 7;
      const next = month === 12 ? daysFromCivil(year + 1, 1, 1) : daysFromCivil(year, month + 1, 1);
      return day < next ? day : day - 7;
    };
  }
  if (rule.startsWith('J')) {
    const ordinal = Number(rule.slice(1));
    if (ordinal < 1 || ordinal > 365) return null;
    // The 29th of February is never counted.
    return (year) => daysFromCivil(year, 1, 1) + ordinal - 1 + (isLeapYear(year) && ordinal >= 60 ? 1 : 0);
  }
  const ordinal = Number(rule);
  return ordinal > 365 ? null : (year) => daysFromCivil(year, 1, 1) + ordinal;
}

/** null: `name` is no zone with summer time of its own. */
export function readPosixZone(name: string): PosixRules | null {
  const found = ZONE.exec(name);
  if (found === null) return null;
  const [, standardName = '', west = '', daylightName = '', daylightWest] = found;
  const begin = dayOf(found[5] ?? DEFAULT_BEGIN);
  const end = dayOf(found[7] ?? DEFAULT_END);
  if (begin === null || end === null) return null;
  const standard = -secondsOf(west);
  const bare = (text: string): string => text.replace(/^<|>$/g, '');
  return {
    standard,
    daylight: daylightWest === undefined ? standard + 3600 : -secondsOf(daylightWest),
    names: [bare(standardName), bare(daylightName)],
    begins: { day: begin, seconds: found[6] === undefined ? DEFAULT_TIME : secondsOf(found[6]) },
    ends: { day: end, seconds: found[8] === undefined ? DEFAULT_TIME : secondsOf(found[8]) },
  };
}

/** Seconds east of Greenwich at a moment (seconds since 2000-01-01 UTC). */
export function posixOffset(rules: PosixRules, seconds: number): number {
  const { year } = civilFromDays(Math.floor((seconds + rules.standard) / 86_400));
  const begin = rules.begins.day(year) * 86_400 + rules.begins.seconds - rules.standard;
  const end = rules.ends.day(year) * 86_400 + rules.ends.seconds - rules.daylight;
  const isSummer = begin < end ? seconds >= begin && seconds < end : seconds >= begin || seconds < end;
  return isSummer ? rules.daylight : rules.standard;
}
