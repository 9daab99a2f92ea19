/** Dates and times in JSON paths: what datetime() reads, how they compare, and their text in jsonb (ISO 8601). */
import { sqlError } from '../../base/errors.js';
import type { ErrorFields } from '../../base/errors.js';
import { TimeTz } from '../types/datum.js';
import { joinTimestamp, localOffset, zoneOrThrow } from '../types/calendar.js';
import { currentDate, dateToTimestamp, formatOffset, formatTimestamp, timestampToTz } from '../types/datetime.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import { STORED_FORMAT } from '../types/stored-format.js';
import type { FormatContext } from '../types/type-info.js';

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
      return formatTimestamp((this.value as bigint) + BigInt(this.east) * 1_000_000n, 'T') + withMinutes(this.east);
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

const DATE = /^(\d{1,4}-\d{1,2}-\d{1,2})(?:[ T](.*))?$/s;
const CLOCK = /^(\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d{1,6})?) *([+-]\d{1,2}(?::?\d{2})?)?$/;

type Fail = (sqlstate: string, message: string, fields?: ErrorFields) => Error;

/** @throws an error of the path if the text is no date or time in ISO form. */
export function readMoment(text: string, template: string | null, fail: Fail): Moment {
  if (template !== null)
    throw sqlError('0A000', 'the template argument of jsonpath item method .datetime() is not supported');
  const [, date = null, rest = date === null ? text : undefined] = DATE.exec(text) ?? [];
  const clock = CLOCK.exec(rest ?? '');
  if (clock === null && rest !== undefined) {
    throw fail('22031', `datetime format is not recognized: "${text}"`, {
      hint: 'Use a datetime template argument to specify the input data format.',
    });
  }
  const read = (oid: MomentOid, written: string): MomentValue => {
    try {
      return typeByOid(oid).input(written, -1, STORED_FORMAT) as MomentValue;
    } catch {
      throw fail('22008', `date/time field value out of range: "${text}"`);
    }
  };
  if (clock === null) return new Moment(OID.date, read(OID.date, date!));
  const [written, time = '', zone] = clock;
  if (date === null) {
    const oid = zone === undefined ? OID.time : OID.timetz;
    return new Moment(oid, read(oid, written));
  }
  if (zone === undefined) return new Moment(OID.timestamp, read(OID.timestamp, `${date} ${time}`));
  const { zone: west } = read(OID.timetz, written) as TimeTz;
  return new Moment(OID.timestamptz, read(OID.timestamptz, `${date} ${written}`), -west);
}

function needsZone(from: string, to: string): Error {
  return sqlError('0A000', `cannot convert value from ${from} to ${to} without time zone usage`, {
    hint: 'Use *_tz() function for time zone support.',
  });
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
      const local = m.oid === OID.date ? dateToTimestamp(m.value as number) : (m.value as bigint);
      return timestampToTz(local, format.timeZone);
    };
    return order(zoned(a), zoned(b));
  }
  const local = (m: Moment): bigint => (m.oid === OID.date ? dateToTimestamp(m.value as number) : (m.value as bigint));
  return order(local(a), local(b));
}
