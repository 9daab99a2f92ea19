/** Dates and times in JSON paths: what datetime() reads, how they compare, and their text in jsonb (ISO 8601). */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ErrorFields } from '../../base/errors.js';
import { TimeTz } from '../types/datum.js';
import { joinTimestamp, localOffset, TS_END, TS_MIN, zoneOrThrow } from '../types/calendar.js';
import {
  currentDate,
  dateToTimestamp,
  formatOffset,
  formatTimestamp,
  roundTime,
  roundTimestamp,
  timestampToTz,
} from '../types/datetime.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import { STORED_FORMAT } from '../types/stored-format.js';
import type { FormatContext } from '../types/type-info.js';
import { parseDateTemplate, type TemplateNode } from './date-templates.js';
import { dateOf, julianOf, POSTGRES_JULIAN, readMoment as readByTemplate } from './read-moment.js';

type MomentOid = typeof OID.date | typeof OID.time | typeof OID.timetz | typeof OID.timestamp | typeof OID.timestamptz;
type MomentValue = number | bigint | TimeTz;

/** A date or time that a path has made: jsonb itself has none. */
export class Moment {
  readonly oid: MomentOid;
  readonly value: MomentValue;
  /** Seconds east of UTC that a timestamp with time zone was written with. */
  readonly east: number;
  constructor(oid: MomentOid, value: MomentValue, east = 0) {
    this.oid = oid;
    this.value = value;
    this.east = east;
  }
  get typeName(): string {
    return typeByOid(this.oid).sqlName;
  }
  /** As it stands in a jsonb value. */
  toText(): string {
    if (this.oid === OID.timestamp) return formatTimestamp(this.value as bigint, 'T');
    if (this.oid === OID.timestamptz) {
      const local = formatTimestamp((this.value as bigint) + BigInt(this.east) * 1_000_000n, 'T');
      return local.replace(/(?= BC$)|(?<! BC)$/, withMinutes(this.east));
    }
    if (this.oid === OID.timetz) {
      const v = this.value as TimeTz;
      return typeByOid(OID.time).output(v.micros, STORED_FORMAT) + withMinutes(-v.zone);
    }
    return typeByOid(this.oid).output(this.value, STORED_FORMAT);
  }
}

function withMinutes(east: number): string {
  const text = formatOffset(east);
  return text.length === 3 ? `${text}:00` : text;
}

/** Forms that datetime() knows without a template. */
const CLOCKS = ['HH24:MI:SS.US', 'HH24:MI:SS'].flatMap((clock) => [`${clock}TZH:TZM`, `${clock}TZH`, clock]);
const FORMS = [
  'yyyy-mm-dd',
  ...CLOCKS,
  ...[' ', '"T"'].flatMap((t) => CLOCKS.map((clock) => `yyyy-mm-dd${t}${clock}`)),
];

type Fail = (sqlstate: string, message: string, fields?: ErrorFields) => Error;

/** @throws an error of the path if the text is no date or time in the template's form, or in none of the known ones. */
export function readMoment(text: string, template: string | null, fail: Fail): Moment {
  if (template !== null) {
    const nodes = parseDateTemplate(template, true);
    try {
      return momentOf(text, nodes);
    } catch (error) {
      if (!(error instanceof QuoralError)) throw error;
      throw fail(error.sqlstate, error.message, error.fields);
    }
  }
  for (const form of FORMS) {
    try {
      return momentOf(text, parseDateTemplate(form, true));
    } catch (error) {
      if (!(error instanceof QuoralError)) throw error;
    }
  }
  throw fail('22031', `datetime format is not recognized: "${text}"`, {
    hint: 'Use a datetime template argument to specify the input data format.',
  });
}

/** Of the type that the template's patterns make. @throws 22007, 22008 */
function momentOf(text: string, nodes: readonly TemplateNode[]): Moment {
  const read = readByTemplate(text, nodes, true);
  const has = (about: string): boolean => nodes.some((node) => node.kind === 'field' && node.field.about === about);
  const [dated, timed, zoned] = [has('date'), has('time'), has('zone')];
  if (!timed && !dated) throw sqlError('22007', 'datetime format is not dated and not timed');
  if (!timed && zoned) throw sqlError('22007', 'datetime format is zoned but not timed');
  if (!timed) return new Moment(OID.date, dateOf(read, text));
  const precision = read.precision === 0 ? -1 : read.precision;
  if (!dated) {
    const micros = roundTime(read.micros, precision);
    return zoned ? new Moment(OID.timetz, new TimeTz(micros, -read.east!)) : new Moment(OID.time, micros);
  }
  const julian = julianOf(read);
  const outOfRange = (): Error => sqlError('22008', `timestamp${zoned ? 'tz' : ''} out of range`);
  if (julian === null) throw outOfRange();
  const east = read.east ?? 0;
  const moment = joinTimestamp(julian - POSTGRES_JULIAN, read.micros) - BigInt(east) * 1_000_000n;
  if (moment < TS_MIN || moment >= TS_END) throw outOfRange();
  return new Moment(zoned ? OID.timestamptz : OID.timestamp, roundTimestamp(moment, precision), east);
}

function needsZone(from: string, to: string): Error {
  return sqlError('0A000', `cannot convert value from ${from} to ${to} without time zone usage`, {
    hint: 'Use *_tz() function for time zone support.',
  });
}

/** A day that no timestamp has is behind them all: documents hold years up to 5,874,897. */
function dayAsTimestamp(days: number): bigint {
  return joinTimestamp(days, 0) >= TS_END ? TS_END : dateToTimestamp(days);
}

const order = (a: bigint | number, b: bigint | number): number => (a < b ? -1 : a > b ? 1 : 0);

/** null if the two kinds cannot be compared. @throws QuoralError 0A000 if that needs a time zone that is not wanted. */
export function compareMoments(a: Moment, b: Moment, useTimeZone: boolean, format: FormatContext): number | null {
  if (a.oid === b.oid) return typeByOid(a.oid).compare(a.value, b.value);
  const isClock = (m: Moment): boolean => m.oid === OID.time || m.oid === OID.timetz;
  if (isClock(a) !== isClock(b)) return null;
  if (isClock(a)) {
    if (!useTimeZone) throw needsZone('time', 'timetz');
    const zoned = (m: Moment): TimeTz => {
      if (m.oid === OID.timetz) return m.value as TimeTz;
      const micros = m.value as number;
      return new TimeTz(micros, -localOffset(zoneOrThrow(format.timeZone), joinTimestamp(currentDate(format), micros)));
    };
    return typeByOid(OID.timetz).compare(zoned(a), zoned(b));
  }
  if (a.oid === OID.timestamptz || b.oid === OID.timestamptz) {
    const other = a.oid === OID.timestamptz ? b : a;
    if (!useTimeZone) throw needsZone(other.oid === OID.date ? 'date' : 'timestamp', 'timestamptz');
    const zoned = (m: Moment): bigint => {
      if (m.oid === OID.timestamptz) return m.value as bigint;
      const local = m.oid === OID.date ? dayAsTimestamp(m.value as number) : (m.value as bigint);
      return local >= TS_END ? local : timestampToTz(local, format.timeZone);
    };
    return order(zoned(a), zoned(b));
  }
  const local = (m: Moment): bigint => (m.oid === OID.date ? dayAsTimestamp(m.value as number) : (m.value as bigint));
  return order(local(a), local(b));
}
