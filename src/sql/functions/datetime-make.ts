/** make_date and its relatives (chapter 9.9.1): dates and times from their fields. */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { checkTimestamp, DATE_END, DATE_MIN, joinTimestamp, localToUtc } from '../types/calendar.js';
import { daysFromCivil, daysInMonth } from '../types/civil.js';
import { timestampToTz } from '../types/datetime.js';
import { formatSixDigits } from '../types/float.js';
import { intervalOutOfRange, makeInterval } from '../types/interval.js';
import { statedZone } from './datetime.js';
import { fn } from './define.js';

const STABLE = { volatility: 'stable' } as const;

function civil(year: number, month: number, day: number, shownYear = year): number {
  // Its opposite is beyond 32 bits.
  if (year === -2147483648) shownYear = year;
  const actual = year < 0 ? year + 1 : year;
  const shown = (): string => `${shownYear}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
  if (year === 0 || year === -2147483648 || month < 1 || month > 12 || day < 1 || day > daysInMonth(actual, month)) {
    throw sqlError('22008', `date field value out of range: ${shown()}`);
  }
  const days = daysFromCivil(actual, month, day);
  if (days < DATE_MIN || days >= DATE_END) throw sqlError('22008', `date out of range: ${shown()}`);
  return days;
}
function timeOf(hour: number, minute: number, second: number): number {
  if (
    hour < 0 ||
    hour > 24 ||
    minute < 0 ||
    minute > 59 ||
    second < 0 ||
    second > 60 ||
    (hour === 24 && (minute > 0 || second > 0)) ||
    Number.isNaN(second)
  ) {
    const shown = formatSixDigits(second).padStart(2, '0');
    throw sqlError('22008', `time field value out of range: ${hour}:${String(minute).padStart(2, '0')}:${shown}`);
  }
  return (hour * 60 + minute) * 60e6 + Math.round(second * 1e6);
}
fn('make_date(int4, int4, int4) date', (y: number, m: number, d: number) => civil(y, m, d, y < 0 ? y + 1 : y));
fn('make_time(int4, int4, float8) time', timeOf);
fn(
  'make_timestamp(int4, int4, int4, int4, int4, float8) timestamp',
  (y: number, mo: number, d: number, h: number, mi: number, s: number) =>
    checkTimestamp(joinTimestamp(civil(y, mo, d), timeOf(h, mi, s))),
);
fn(
  'make_timestamptz(int4, int4, int4, int4, int4, float8) timestamptz',
  (y: number, mo: number, d: number, h: number, mi: number, s: number, ctx: ExecContext) =>
    timestampToTz(joinTimestamp(civil(y, mo, d), timeOf(h, mi, s)), ctx.format.timeZone),
  STABLE,
);
fn(
  'make_timestamptz(int4, int4, int4, int4, int4, float8, text) timestamptz',
  (y: number, mo: number, d: number, h: number, mi: number, s: number, zone: string) => {
    const local = joinTimestamp(civil(y, mo, d), timeOf(h, mi, s));
    return checkTimestamp(localToUtc(statedZone(zone), local));
  },
  STABLE,
);
fn(
  'make_interval(int4, int4, int4, int4, int4, int4, float8) interval',
  (y: number, mo: number, w: number, d: number, h: number, mi: number, s: number) => {
    const micros = Math.round(s * 1e6);
    if (!Number.isFinite(micros)) throw intervalOutOfRange();
    return makeInterval(y * 12 + mo, w * 7 + d, BigInt(h) * 3_600_000_000n + BigInt(mi) * 60_000_000n + BigInt(micros));
  },
  { defaults: [0, 0, 0, 0, 0, 0, 0] },
);
