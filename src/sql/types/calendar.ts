/**
 * Calendar and time-zone arithmetic (proleptic Gregorian). Days and microseconds count from 2000-01-01, as
 * PostgreSQL's. Zone offsets come from the ICU data of the JavaScript engine and are cached by quarter of an
 * hour, the finest step at which any zone ever changed; the cache is bounded.
 */
import { zoneAsSpelled } from './zone-names.js';
import { sqlError } from '../../base/errors.js';
import { civilFromDays, daysFromCivil } from './civil.js';
import { posixOffset, readPosixZone, type PosixRules } from './posix-zones.js';
import { abbreviationOf, abbreviationOfLongName } from './zone-abbreviations.js';

export const MICROS_PER_DAY = 86_400_000_000;
export const MICROS_PER_DAY_BIG = 86_400_000_000n;
export const DATE_INFINITY = 2147483647;
export const DATE_NEG_INFINITY = -2147483648;
export const TS_INFINITY = 9223372036854775807n;
export const TS_NEG_INFINITY = -9223372036854775808n;
/** 4713-11-24 BC and the first moment of 294277. */
export const TS_MIN = -211813488000000000n;
export const TS_END = 9223371331200000000n;
export const DATE_MIN = -2451545;
export const DATE_END = 2145031949;
/** Seconds from the Unix epoch to 2000-01-01. */
export const EPOCH_OFFSET_SECONDS = 946684800;
export const EPOCH_OFFSET_MICROS = 946684800000000n;

export interface SplitTimestamp {
  readonly days: number;
  readonly micros: number;
}

export function splitTimestamp(ts: bigint): SplitTimestamp {
  let days = ts / MICROS_PER_DAY_BIG;
  let micros = ts - days * MICROS_PER_DAY_BIG;
  if (micros < 0n) {
    micros += MICROS_PER_DAY_BIG;
    days -= 1n;
  }
  return { days: Number(days), micros: Number(micros) };
}

export function joinTimestamp(days: number, micros: number): bigint {
  return BigInt(days) * MICROS_PER_DAY_BIG + BigInt(micros);
}

export function timestampOutOfRange(): Error {
  return sqlError('22008', 'timestamp out of range');
}
export function checkTimestamp(ts: bigint): bigint {
  if (ts < TS_MIN || ts >= TS_END) throw timestampOutOfRange();
  return ts;
}
export function isFiniteTimestamp(ts: bigint): boolean {
  return ts !== TS_INFINITY && ts !== TS_NEG_INFINITY;
}

export interface Zone {
  /** As shown by SHOW timezone. */
  readonly name: string;
  /** Seconds east of UTC, or null if it varies. */
  readonly fixed: number | null;
  /** An abbreviation of summer time. */
  readonly isDaylight?: boolean;
  readonly formatter: Intl.DateTimeFormat | null;
  /** One of tzdata's that follow the United States' rules and no city's. */
  readonly rules?: { readonly standard: number; readonly names: readonly [standard: string, daylight: string] };
  /** One whose name says its rules. */
  readonly posix?: PosixRules;
  /** What an abbreviation has meant from when on (seconds since 2000-01-01 UTC), whatever the zone had at the time. */
  readonly meanings?: readonly (readonly [from: number, offset: number])[];
  readonly cache: Map<number, number>;
}

const CACHE_ENTRIES_MAX = 4096;
const ZONES_MAX = 1024;
const zones = new Map<string, Zone | null>();

/** A zone or the meaning of an abbreviation, which comes first. */
export function findZoneOrAbbreviation(name: string): Zone | null {
  return findAbbreviation(name) ?? findZone(name);
}

/** What an abbreviation of PostgreSQL's list means. */
export function findAbbreviation(word: string): Zone | null {
  const found = abbreviationOf(word.toLowerCase());
  if (found === undefined) return null;
  if (typeof found.meaning === 'string') {
    const zone = findZone(found.meaning);
    return zone === null || found.history === undefined ? zone : { ...zone, meanings: found.history };
  }
  return { ...fixedZone(word.toUpperCase(), found.meaning), isDaylight: found.isDaylight };
}

/** null if it is unknown. Abbreviations are no zones. POSIX signs: in a name such as 'UTC+3', + is west. */
export function findZone(name: string): Zone | null {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const zone = makeZone(name.trim());
  if (zones.size >= ZONES_MAX) zones.clear();
  zones.set(name, zone);
  return zone;
}

function fixedZone(name: string, seconds: number): Zone {
  return { name, fixed: seconds, formatter: null, cache: new Map() };
}

/** Zones of tzdata with three letters. */
const SHORT_ZONES: ReadonlySet<string> = new Set('cet eet est hst met mst prc roc rok uct wet'.split(' '));

const OF_RULES: ReadonlyMap<string, NonNullable<Zone['rules']>> = new Map([
  ['est5edt', { standard: -18_000, names: ['EST', 'EDT'] }],
  ['cst6cdt', { standard: -21_600, names: ['CST', 'CDT'] }],
  ['mst7mdt', { standard: -25_200, names: ['MST', 'MDT'] }],
  ['pst8pdt', { standard: -28_800, names: ['PST', 'PDT'] }],
]);
/** Years in which there was no summer time for the whole country: the engine's data has the cities' own there. */
function isWithoutSummer(seconds: number): boolean {
  const { year } = civilFromDays(Math.floor(seconds / 86_400));
  return year < 1918 || (year > 1919 && year < 1942) || (year > 1945 && year < 1967);
}

function makeZone(name: string): Zone | null {
  const lower = name.toLowerCase();
  if (lower === 'utc' || lower === 'gmt' || lower === 'etc/utc' || lower === 'z')
    return fixedZone(zoneAsSpelled(name), 0);
  const numeric = /^([+-])?(\d{1,3})(?::(\d{1,2})(?::(\d{1,2}))?)?$/.exec(name);
  if (numeric !== null) {
    const seconds = Number(numeric[2]) * 3600 + Number(numeric[3] ?? 0) * 60 + Number(numeric[4] ?? 0);
    return fixedZone(name, numeric[1] === '-' ? seconds : -seconds);
  }
  const posix = /^(?:<[^>]+>|[A-Za-z]{3,})([+-]?)(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?$/.exec(name);
  if (posix !== null) {
    const seconds = Number(posix[2]) * 3600 + Number(posix[3] ?? 0) * 60 + Number(posix[4] ?? 0);
    return fixedZone(name.toUpperCase(), posix[1] === '-' ? seconds : -seconds);
  }
  const rules = OF_RULES.has(lower) ? null : readPosixZone(name.toUpperCase());
  if (rules !== null) return { name: name.toUpperCase(), fixed: null, formatter: null, posix: rules, cache: new Map() };
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(name)) return null;
  // The engine also knows abbreviations of its own, such as PST and IST, which are no zones.
  if (/^[a-z]{3}$/.test(lower) && !SHORT_ZONES.has(lower)) return null;
  try {
    const formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    return {
      name: zoneAsSpelled(name),
      fixed: null,
      formatter,
      ...(OF_RULES.has(lower) ? { rules: OF_RULES.get(lower)! } : {}),
      cache: new Map(),
    };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

export function zoneOrThrow(name: string): Zone {
  const zone = findZone(name);
  if (zone === null) throw sqlError('22023', `time zone "${name}" not recognized`);
  return zone;
}

/** Seconds east of UTC at the moment (seconds since 2000-01-01 UTC). */
function offsetAtSeconds(zone: Zone, seconds: number): number {
  if (zone.fixed !== null) return zone.fixed;
  if (zone.meanings !== undefined) return zone.meanings.findLast(([from]) => from <= seconds)![1];
  if (zone.posix !== undefined) return posixOffset(zone.posix, seconds);
  if (zone.rules !== undefined && isWithoutSummer(seconds)) return zone.rules.standard;
  const bucket = Math.floor(seconds / 900);
  const cached = zone.cache.get(bucket);
  if (cached !== undefined) return cached;
  const offset = computeOffset(zone.formatter!, bucket * 900);
  if (zone.cache.size >= CACHE_ENTRIES_MAX) zone.cache.clear();
  zone.cache.set(bucket, offset);
  return offset;
}

/** Beyond this the engine's dates end; offsets repeat every 400 years, so fold into range. */
const SECONDS_PER_400_YEARS = 146097 * 86400;
function foldSeconds(seconds: number): number {
  const limit = 2 * SECONDS_PER_400_YEARS;
  if (seconds > limit) return limit + (seconds % SECONDS_PER_400_YEARS);
  return Math.max(seconds, -10 * SECONDS_PER_400_YEARS);
}
function computeOffset(formatter: Intl.DateTimeFormat, seconds: number): number {
  const probe = foldSeconds(seconds);
  const field: Record<string, number> = {};
  let era = 'AD';
  for (const part of formatter.formatToParts(new Date((probe + EPOCH_OFFSET_SECONDS) * 1000))) {
    if (part.type === 'era') era = part.value;
    else if (part.type !== 'literal') field[part.type] = Number(part.value);
  }
  const year = era.startsWith('B') ? 1 - field['year']! : field['year']!;
  const local =
    daysFromCivil(year, field['month']!, field['day']!) * 86400 +
    field['hour']! * 3600 +
    field['minute']! * 60 +
    field['second']!;
  return local - probe;
}

const longNames = new Map<string, Intl.DateTimeFormat>();

/** What the engine calls the zone's time at a moment: Central European Summer Time. */
function longName(zone: Zone, ts: bigint): string {
  let formatter = longNames.get(zone.name);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', { timeZone: zone.name, timeZoneName: 'long' });
    if (longNames.size >= ZONES_MAX) longNames.clear();
    longNames.set(zone.name, formatter);
  }
  const at = new Date(foldSeconds(Math.floor(Number(ts) / 1e6)) * 1000 + EPOCH_OFFSET_SECONDS * 1000);
  return formatter.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? '';
}

/** As tzdata abbreviates the zone's time at a moment: CEST, +03, -0330. */
export function zoneAbbreviation(zone: Zone, ts: bigint): string {
  const east = zoneOffset(zone, ts);
  const rules = zone.posix ?? zone.rules;
  if (rules !== undefined) return rules.names[east === rules.standard ? 0 : 1];
  if (east === 0 && /^(etc\/)?gmt([+-]?0)?$/i.test(zone.name)) return 'GMT';
  if (zone.fixed === null && zone.formatter !== null) {
    // Before time was counted in whole minutes, it was the sun's.
    if (east % 60 !== 0) return 'LMT';
    const known = abbreviationOfLongName(longName(zone, ts));
    if (known !== null) return known;
  } else if (east === 0) return 'UTC';
  else if (/^[A-Za-z]{3,}/.test(zone.name)) return /^[A-Za-z]+/.exec(zone.name)![0];
  else if (zone.name.startsWith('<')) return zone.name.slice(1, zone.name.indexOf('>'));
  const minutes = Math.floor(Math.abs(east) / 60);
  const two = (n: number): string => String(n).padStart(2, '0');
  return (east < 0 ? '-' : '+') + two(Math.floor(minutes / 60)) + (minutes % 60 === 0 ? '' : two(minutes % 60));
}

export interface ZoneFacts {
  readonly abbreviation: string;
  /** Seconds east of UTC. */
  readonly offset: number;
  readonly isDaylight: boolean;
}

/** A zone at a moment; nothing of it is kept. null: there is none. */
export function zoneFacts(name: string, ts: bigint): ZoneFacts | null {
  const zone = makeZone(name);
  if (zone === null) return null;
  const offset = zoneOffset(zone, ts);
  const abbreviation = zoneAbbreviation(zone, ts);
  return { abbreviation, offset, isDaylight: isSummer(zone, ts) };
}

function isSummer(zone: Zone, ts: bigint): boolean {
  return zone.formatter !== null && / (Daylight|Summer) /.test(longName(zone, ts));
}

export function abbreviationFacts(word: string, ts: bigint): Omit<ZoneFacts, 'abbreviation'> | null {
  const zone = findAbbreviation(word);
  if (zone === null) return null;
  return { offset: zoneOffset(zone, ts), isDaylight: zone.isDaylight ?? isSummer(zone, ts) };
}

/** Seconds east of UTC in the zone at a moment. */
export function zoneOffset(zone: Zone, ts: bigint): number {
  if (zone.fixed !== null) return zone.fixed;
  return offsetAtSeconds(zone, Math.floor(Number(ts) / 1e6));
}

/** Local time in the zone → UTC. In a gap the offset before it counts, in an overlap the one after. */
export function localToUtc(zone: Zone, local: bigint): bigint {
  return local - BigInt(localOffset(zone, local)) * 1_000_000n;
}

export function localOffset(zone: Zone, local: bigint): number {
  if (zone.fixed !== null) return zone.fixed;
  const seconds = Math.floor(Number(local) / 1e6);
  if (zone.meanings !== undefined) {
    const { meanings: _, ...place } = zone;
    return offsetAtSeconds(zone, seconds - localOffset(place, local));
  }
  const before = offsetAtSeconds(zone, seconds - 86400);
  const after = offsetAtSeconds(zone, seconds + 86400);
  if (before === after) return before;

  const afterHolds = offsetAtSeconds(zone, seconds - after) === after;
  return afterHolds ? after : before;
}

export function utcToLocal(zone: Zone, ts: bigint): bigint {
  return ts + BigInt(zoneOffset(zone, ts)) * 1_000_000n;
}
