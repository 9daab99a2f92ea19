/** The text of dates and timestamps in the styles of DateStyle that are not ISO: SQL, Postgres and German. */
import {
  DATE_INFINITY,
  DATE_NEG_INFINITY,
  splitTimestamp,
  TS_INFINITY,
  TS_NEG_INFINITY,
  zoneAbbreviation,
  zoneOffset,
  zoneOrThrow,
} from './calendar.js';
import { civilFromDays } from './civil.js';
import { formatDate, formatTimeOfDay, formatTimestamp, formatTimestampTz } from './datetime.js';
import type { FormatContext } from './type-info.js';

const WEEKDAYS = ['Sat', 'Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

interface Parts {
  readonly year: string;
  readonly month: number;
  readonly day: string;
  readonly bc: string;
}

function parts(days: number): Parts {
  const { year, month, day } = civilFromDays(days);
  const shown = year > 0 ? year : 1 - year;
  return { year: String(shown).padStart(4, '0'), month, day: two(day), bc: year > 0 ? '' : ' BC' };
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

const isIso = (style: string): boolean => style.startsWith('ISO');
const dayFirst = (style: string): boolean => style.endsWith('DMY');

function numbers({ year, month, day }: Parts, style: string, delimiter: string): string {
  return (dayFirst(style) ? [day, two(month), year] : [two(month), day, year]).join(delimiter);
}

export function dateText(days: number, { dateStyle }: FormatContext): string {
  if (isIso(dateStyle) || days === DATE_INFINITY || days === DATE_NEG_INFINITY) return formatDate(days);
  const date = parts(days);
  if (dateStyle.startsWith('German')) return `${date.day}.${two(date.month)}.${date.year}${date.bc}`;
  return numbers(date, dateStyle, dateStyle.startsWith('SQL') ? '/' : '-') + date.bc;
}

/** `zone`: what follows the time, without the space before it; null: nothing. */
function momentText(ts: bigint, style: string, zone: string | null): string {
  const { days, micros } = splitTimestamp(ts);
  const date = parts(days);
  const end = (zone === null ? '' : ` ${zone}`) + date.bc;
  const time = formatTimeOfDay(micros);
  if (style.startsWith('SQL')) return `${numbers(date, style, '/')} ${time}${end}`;
  if (style.startsWith('German')) return `${date.day}.${two(date.month)}.${date.year} ${time}${end}`;
  const month = MONTHS[date.month - 1]!;
  const weekday = WEEKDAYS[((days % 7) + 7) % 7]!;
  const dayAndMonth = dayFirst(style) ? `${date.day} ${month}` : `${month} ${date.day}`;
  return `${weekday} ${dayAndMonth} ${time} ${date.year}${end}`;
}

export function timestampText(ts: bigint, { dateStyle }: FormatContext): string {
  if (isIso(dateStyle) || ts === TS_INFINITY || ts === TS_NEG_INFINITY) return formatTimestamp(ts);
  return momentText(ts, dateStyle, null);
}

export function timestampTzText(ts: bigint, { dateStyle, timeZone }: FormatContext): string {
  if (isIso(dateStyle) || ts === TS_INFINITY || ts === TS_NEG_INFINITY) return formatTimestampTz(ts, timeZone);
  const zone = zoneOrThrow(timeZone);
  return momentText(ts + BigInt(zoneOffset(zone, ts)) * 1_000_000n, dateStyle, zoneAbbreviation(zone, ts));
}
