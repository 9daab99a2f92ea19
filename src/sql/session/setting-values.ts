/** Values of settings: the words of booleans, units of times and sizes, DateStyle, time zones. */
import { requireTableMethod } from '../ddl/tablespaces.js';
import { ACCESS_METHODS, TABLESPACES } from '../functions/describe-object.js';
import { sqlError } from '../../base/errors.js';
import type { SettingDefinition } from '../catalog/virtual/setting-definition.js';
import { findZone } from '../types/calendar.js';
import { findEncoding } from '../types/encodings.js';
import { formatOffset } from '../types/datetime.js';

const TRUE = /^(on|true|yes|t|tr|tru|y|ye|1)$/i;
const FALSE = /^(off|of|false|no|f|fa|fal|fals|n|0)$/i;

/** null if it is no boolean word. */
export function parseBoolWord(text: string): boolean | null {
  if (TRUE.test(text)) return true;
  return FALSE.test(text) ? false : null;
}

const TIME_UNITS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1 / 1024, kB: 1, MB: 1024, GB: 1024 ** 2, TB: 1024 ** 3 };

/** Multiples of the unit itself, which is what is kept: 8kB is 8 of the first of the sizes. */
function stepsOf(unit: string): readonly (readonly [size: number, label: string])[] {
  const units = unit in TIME_UNITS ? TIME_UNITS : SIZE_UNITS;
  const own = unit === '8kB' ? 8 : units[unit];
  if (own === undefined) return [];
  return Object.entries(units)
    .map(([label, size]): [number, string] => [size / own, label])
    .reverse();
}

/** As SHOW and current_setting() give it: in the largest unit of which it is a multiple. */
export function withUnit(def: SettingDefinition | null, value: string): string {
  const unit = def?.unit ?? null;
  const number = Number(value);
  if (unit === null || number <= 0 || !Number.isFinite(number)) return value;
  for (const [size, label] of stepsOf(unit)) {
    const count = number / size;
    if (Math.abs(Math.round(count) - count) <= 1e-8) return `${Math.round(count)}${label}`;
  }
  return value;
}

/** The value as it is kept, checked; `now`: what it is so far. @throws QuoralError 22023, 22P02 */
export function checkSetting(def: SettingDefinition, value: string, now: string = def.initial): string {
  const invalid = (hint?: string, detail?: string): Error =>
    sqlError('22023', `invalid value for parameter "${def.name}": "${value}"`, {
      ...(hint === undefined ? {} : { hint }),
      ...(detail === undefined ? {} : { detail }),
    });
  switch (def.kind) {
    case 'bool': {
      const parsed = parseBoolWord(value);
      if (parsed === null) throw sqlError('22023', `parameter "${def.name}" requires a Boolean value`);
      if (parsed && def.name === 'default_with_oids')
        throw sqlError('0A000', 'tables declared WITH OIDS are not supported');
      // Backslashes in data would be taken for others than they are meant as.
      if (def.name === 'standard_conforming_strings' && !parsed)
        throw sqlError('0A000', 'standard_conforming_strings cannot be turned off');
      return parsed ? 'on' : 'off';
    }
    case 'integer':
    case 'real':
      return checkNumber(def, value, invalid);
    case 'enum': {
      const found = def.values!.find((v) => v === value.toLowerCase());
      if (found !== undefined) return found;
      const asBool = parseBoolWord(value);
      const word = asBool === null ? null : asBool ? 'on' : 'off';
      if (word !== null && def.values!.includes(word)) return word;
      // A second name of debug2 is taken and not told.
      throw invalid(`Available values: ${def.values!.filter((v) => v !== 'debug').join(', ')}.`);
    }
    case 'string':
      return checkString(def, value, now, invalid);
  }
}

function checkNumber(def: SettingDefinition, value: string, invalid: (hint?: string) => Error): string {
  const match = /^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*([a-zA-Z]*)\s*$/.exec(value);
  if (match === null) throw invalid();
  let number = Number(match[1]);
  const unit = match[2]!;
  if (unit !== '') {
    const base = (def.unit ?? '').replace(/^\d+/, '');
    const units = base in TIME_UNITS ? TIME_UNITS : base in SIZE_UNITS ? SIZE_UNITS : null;
    const factor = units?.[unit];
    if (factor === undefined) {
      throw invalid(
        def.unit === null
          ? undefined
          : `Valid units for this parameter are ${base in TIME_UNITS ? '"us", "ms", "s", "min", "h", and "d"' : '"B", "kB", "MB", "GB", and "TB"'}.`,
      );
    }
    number = (number * factor) / ((parseInt(def.unit!) || 1) * units![base]!);
  }
  if (def.kind === 'integer') number = Math.round(number);
  if ((def.min !== null && number < def.min) || (def.max !== null && number > def.max)) {
    const suffix = def.unit === null ? '' : ` ${def.unit}`;
    throw sqlError(
      '22023',
      `${number}${suffix} is outside the valid range for parameter "${def.name}" (${def.min} .. ${def.max})`,
    );
  }
  return String(number);
}

function checkString(
  def: SettingDefinition,
  value: string,
  now: string,
  invalid: (hint?: string, detail?: string) => Error,
): string {
  switch (def.name) {
    case 'client_encoding':
      return checkEncoding(value, invalid);
    case 'DateStyle':
      return checkDateStyle(value, now, def.initial, invalid);
    case 'plpgsql.extra_errors':
    case 'plpgsql.extra_warnings':
      return checkExtraChecks(value, invalid);
    case 'restrict_nonsystem_relation_kind':
      return checkRelationKinds(value, invalid);
    case 'TimeZone':
      return checkTimeZone(value, invalid);
    case 'default_table_access_method':
      if (value === '') throw invalid(undefined, `${def.name} cannot be empty.`);
      if ([...ACCESS_METHODS.values()].includes(value)) requireTableMethod(value);
      else throw invalid(undefined, `Table access method "${value}" does not exist.`);
      return value;
    case 'default_tablespace':
      if (value !== '' && ![...TABLESPACES.values()].includes(value))
        throw invalid(undefined, `Tablespace "${value}" does not exist.`);
      return value;
    default:
      return value;
  }
}

function checkRelationKinds(value: string, invalid: (hint?: string, detail?: string) => Error): string {
  const words = value.split(',').map((word) => word.trim().toLowerCase());
  if (words.length > 1 || words[0] !== '')
    for (const word of words) {
      if (word === '') throw invalid(undefined, 'List syntax is invalid.');
      if (word !== 'view' && word !== 'foreign-table') throw invalid(undefined, `Unrecognized key word: "${word}".`);
    }
  return value;
}

/** What is not said stays as it is, but for the order that a style brings along. */
function checkDateStyle(
  value: string,
  now: string,
  initial: string,
  invalid: (hint?: string, detail?: string) => Error,
): string {
  let style: string | null = null;
  let order: string | null = null;
  let brought: string | null = null;
  const isOther = (said: string | null, word: string): boolean => said !== null && said !== word;
  for (const text of value.split(',')) {
    const word = text.trim().toLowerCase();
    if (word === '') continue;
    const saidStyle = STYLES.find((known) => known.toLowerCase() === word);
    const saidOrder = ORDERS.find(([, pattern]) => pattern.test(word))?.[0];
    if (word === 'default') {
      const [initialStyle = 'ISO', initialOrder = 'MDY'] = initial.split(', ');
      style ??= initialStyle;
      order ??= initialOrder;
    } else if (saidStyle !== undefined) {
      if (isOther(style, saidStyle)) throw invalid(undefined, CONFLICTING);
      style = saidStyle;
      if (saidStyle === 'German') brought = 'DMY';
    } else if (saidOrder !== undefined) {
      if (isOther(order, saidOrder)) throw invalid(undefined, CONFLICTING);
      order = saidOrder;
    } else throw invalid(undefined, `Unrecognized key word: "${word}".`);
  }
  const [oldStyle, oldOrder] = now.split(', ');
  return `${style ?? oldStyle}, ${order ?? brought ?? oldOrder}`;
}
const CONFLICTING = 'Conflicting "datestyle" specifications.';
const STYLES = ['ISO', 'SQL', 'Postgres', 'German'];
const ORDERS: readonly (readonly [string, RegExp])[] = [
  ['MDY', /^(mdy|us|noneuro.*)$/],
  ['DMY', /^(dmy|euro.*)$/],
  ['YMD', /^ymd$/],
];

function checkExtraChecks(value: string, invalid: (hint?: string, detail?: string) => Error): string {
  const words = value === '' ? [] : value.split(',').map((word) => word.trim().toLowerCase());
  for (const word of words) {
    if (EXTRA_CHECKS.has(word)) continue;
    if (word !== 'all' && word !== 'none') throw invalid(undefined, `Unrecognized key word: "${word}".`);
    if (words.length > 1) throw invalid(undefined, `Key word "${word}" cannot be combined with other key words.`);
  }
  return value;
}
const EXTRA_CHECKS: ReadonlySet<string> = new Set(['shadowed_variables', 'strict_multi_assignment', 'too_many_rows']);

function checkTimeZone(value: string, invalid: () => Error): string {
  const text = value.trim();
  if (/^(default|local)$/i.test(text)) return 'UTC';
  if (/^[-+]?(?:\d+\.?\d*|\.\d+)$/.test(text)) {
    // A number is hours east of Greenwich; the stored name is POSIX's, which counts west.
    const seconds = Math.trunc(Number(text) * 3600);
    if (Math.abs(seconds) >= 168 * 3600) throw invalid();
    if (seconds === 0) return 'UTC';
    const magnitude = formatOffset(Math.abs(seconds)).slice(1);
    return seconds < 0 ? `<-${magnitude}>+${magnitude}` : `<+${magnitude}>-${magnitude}`;
  }
  const zone = findZone(text);
  if (zone === null || /^z$/i.test(text)) throw invalid();
  return zone.name;
}

function checkEncoding(value: string, invalid: (hint?: string) => Error): string {
  const found = findEncoding(value);
  if (found === null) throw invalid();
  if (found.isConvertible) return found.name;
  throw sqlError('22023', `invalid value for parameter "client_encoding": "${value}"`, {
    detail: `Conversion between ${found.name} and UTF8 is not supported.`,
  });
}
