/** to_char, to_date, to_timestamp and to_number. */
import type { ExecContext } from '../contract.js';
import {
  checkTimestamp,
  isFiniteTimestamp,
  joinTimestamp,
  localToUtc,
  timestampOutOfRange,
  utcToLocal,
  zoneAbbreviation,
  zoneOffset,
  zoneOrThrow,
} from '../types/calendar.js';
import type { Interval, Numeric } from '../types/datum.js';
import { roundTimestamp } from '../types/datetime.js';
import { parseDateTemplate } from './date-templates.js';
import { fn } from './define.js';
import { formatMoment, momentOfInterval, momentOfTimestamp } from './format-moment.js';
import { formatFloatBy, formatInt4By, formatInt8By, formatNumericBy } from './format-number.js';
import { dateOf, julianOf, POSTGRES_JULIAN, readMoment } from './read-moment.js';
import { readNumber } from './read-number.js';

fn('to_char(timestamp, text) text', (ts: bigint, template: string) =>
  template === '' || !isFiniteTimestamp(ts) ? null : formatMoment(template, momentOfTimestamp(ts, 0, '')),
);
fn(
  'to_char(timestamptz, text) text',
  (ts: bigint, template: string, ctx: ExecContext) => {
    if (template === '' || !isFiniteTimestamp(ts)) return null;
    const zone = zoneOrThrow(ctx.format.timeZone);
    const moment = momentOfTimestamp(utcToLocal(zone, ts), zoneOffset(zone, ts), zoneAbbreviation(zone, ts));
    return formatMoment(template, moment);
  },
  { volatility: 'stable' },
);
fn('to_char(interval, text) text', (v: Interval, template: string) =>
  template === '' ? null : formatMoment(template, momentOfInterval(v)),
);
fn('to_char(int4, text) text', formatInt4By);
fn('to_char(int8, text) text', formatInt8By);
fn('to_char(numeric, text) text', (v: Numeric, template: string) => formatNumericBy(v, template));
fn('to_char(float8, text) text', (v: number, template: string) => formatFloatBy(v, template, 15));
fn('to_char(float4, text) text', (v: number, template: string) => formatFloatBy(v, template, 6));
fn('to_number(text, text) numeric', readNumber);

fn('to_date(text, text) date', (text: string, template: string) =>
  dateOf(readMoment(text, parseDateTemplate(template), false), text),
);
fn(
  'to_timestamp(text, text) timestamptz',
  (text: string, template: string, ctx: ExecContext) => {
    const read = readMoment(text, parseDateTemplate(template), false);
    const julian = julianOf(read);
    if (julian === null) throw timestampOutOfRange();
    const local = joinTimestamp(julian - POSTGRES_JULIAN, read.micros);
    const utc =
      read.east !== null ? local - BigInt(read.east) * 1_000_000n : localToUtc(zoneOrThrow(ctx.format.timeZone), local);
    return roundTimestamp(checkTimestamp(utc), read.precision === 0 ? -1 : read.precision);
  },
  { volatility: 'stable' },
);
