/** to_char, to_date, to_timestamp and to_number: template patterns (chapter 9.8). */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import {
  checkTimestamp,
  civilFromDays,
  daysFromCivil,
  daysInMonth,
  isFiniteTimestamp,
  joinTimestamp,
  localToUtc,
  splitTimestamp,
  utcToLocal,
  zoneOffset,
  zoneOrThrow,
} from '../types/calendar.js';
import { type Interval, Numeric } from '../types/datum.js';
import type { Datum } from '../types/datum.js';
import { formatOffset } from '../types/datetime.js';
import {
  absNumeric,
  formatNumeric,
  numericFromBigInt,
  numericFromFloat,
  numericFromInt,
  parseNumeric,
  roundNumeric,
} from '../types/numeric.js';
import { isoWeek, weekdayOf } from './datetime.js';
import { fn } from './define.js';

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const ROMAN = ['I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX', 'X', 'XI', 'XII'];

/** Longest first, so that YYYY is not read as YY twice. */
const FIELDS = [
  'Y,YYY',
  'HH24',
  'HH12',
  'SSSSS',
  'SSSS',
  'YYYY',
  'IYYY',
  'MONTH',
  'Month',
  'month',
  'A.D.',
  'B.C.',
  'a.d.',
  'b.c.',
  'A.M.',
  'P.M.',
  'a.m.',
  'p.m.',
  'IDDD',
  'YYY',
  'IYY',
  'DAY',
  'Day',
  'day',
  'DDD',
  'MON',
  'Mon',
  'mon',
  'TZH',
  'TZM',
  'FF1',
  'FF2',
  'FF3',
  'FF4',
  'FF5',
  'FF6',
  'HH',
  'MI',
  'SS',
  'MS',
  'US',
  'AM',
  'PM',
  'am',
  'pm',
  'AD',
  'BC',
  'ad',
  'bc',
  'YY',
  'IY',
  'MM',
  'DY',
  'Dy',
  'dy',
  'DD',
  'ID',
  'WW',
  'IW',
  'CC',
  'RM',
  'rm',
  'TZ',
  'tz',
  'OF',
  'Y',
  'I',
  'D',
  'W',
  'Q',
  'J',
] as const;
type Field = (typeof FIELDS)[number];
interface Node {
  readonly kind: 'field' | 'literal';
  readonly text: string;
  readonly fill: boolean;
  readonly ordinal: '' | 'TH' | 'th';
}

const cache = new Map<string, readonly Node[]>();
const CACHE_MAX = 256;

function parseTemplate(template: string): readonly Node[] {
  const known = cache.get(template);
  if (known !== undefined) return known;
  const nodes: Node[] = [];
  const upper = template.toUpperCase();
  for (let i = 0; i < template.length;) {
    if (template[i] === '"') {
      let text = '';
      for (i++; i < template.length && template[i] !== '"'; i++) {
        if (template[i] === '\\') i++;
        text += template[i] ?? '';
      }
      i++;
      nodes.push({ kind: 'literal', text, fill: false, ordinal: '' });
      continue;
    }
    let at = i;
    let fill = false;
    while (upper.startsWith('FM', at) || upper.startsWith('FX', at) || upper.startsWith('TM', at)) {
      fill ||= upper.startsWith('FM', at);
      at += 2;
    }
    const field =
      FIELDS.find((one) => template.startsWith(one, at)) ??
      FIELDS.find((one) => upper.startsWith(one, at) && one === one.toUpperCase());
    if (field === undefined) {
      if (at > i) {
        i = at;
        continue;
      }
      nodes.push({ kind: 'literal', text: template[i]!, fill: false, ordinal: '' });
      i++;
      continue;
    }
    at += field.length;
    const suffix = template.slice(at, at + 2);
    const ordinal = suffix === 'TH' ? 'TH' : suffix === 'th' ? 'th' : '';
    nodes.push({ kind: 'field', text: field, fill, ordinal });
    i = at + ordinal.length;
  }
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(template, nodes);
  return nodes;
}

interface Moment {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly days: number | null;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
  readonly micros: number;
  /** Seconds east of UTC; null for a timestamp without zone. */
  readonly offset: number | null;
  readonly zoneName: string;
}

function number(n: number, width: number, node: Node): string {
  const magnitude = String(Math.abs(n));
  const text = (n < 0 ? '-' : '') + (node.fill ? magnitude : magnitude.padStart(width, '0'));
  return text + ordinal(n, node.ordinal);
}
function ordinal(n: number, style: Node['ordinal']): string {
  if (style === '') return '';
  const last = Math.abs(n) % 100;
  const suffix = last >= 11 && last <= 13 ? 'th' : ({ 1: 'st', 2: 'nd', 3: 'rd' }[last % 10] ?? 'th');
  return style === 'TH' ? suffix.toUpperCase() : suffix;
}
function name(text: string, style: string, width: number, node: Node): string {
  const cased =
    style === style.toUpperCase() ? text.toUpperCase() : style === style.toLowerCase() ? text.toLowerCase() : text;
  return node.fill || width === 0 ? cased : cased.padEnd(width);
}

function render(node: Node, m: Moment): string {
  const field = node.text as Field;
  const shownYear = m.year > 0 ? m.year : 1 - m.year;
  const days = m.days;
  const needDate = (): number => {
    if (days === null)
      throw sqlError('22007', `invalid format specification for an interval value`, {
        hint: 'Intervals are not tied to specific calendar dates.',
      });
    return days;
  };
  const twelve = m.hours % 12 === 0 ? 12 : m.hours % 12;
  const meridiem = m.hours % 24 >= 12 ? 'P' : 'A';
  switch (field) {
    case 'HH24':
      return number(m.hours, 2, node);
    case 'HH12':
    case 'HH':
      return number(twelve, 2, node);
    case 'MI':
      return number(m.minutes, 2, node);
    case 'SS':
      return number(m.seconds, 2, node);
    case 'MS':
    case 'FF3':
      return String(Math.floor(m.micros / 1000)).padStart(3, '0') + ordinal(Math.floor(m.micros / 1000), node.ordinal);
    case 'US':
    case 'FF6':
      return String(m.micros).padStart(6, '0') + ordinal(m.micros, node.ordinal);
    case 'FF1':
    case 'FF2':
    case 'FF4':
    case 'FF5':
      return String(m.micros).padStart(6, '0').slice(0, Number(field[2]));
    case 'SSSS':
    case 'SSSSS':
      return String(m.hours * 3600 + m.minutes * 60 + m.seconds) + ordinal(m.seconds, node.ordinal);
    case 'AM':
    case 'PM':
      return `${meridiem}M`;
    case 'am':
    case 'pm':
      return `${meridiem}M`.toLowerCase();
    case 'A.M.':
    case 'P.M.':
      return `${meridiem}.M.`;
    case 'a.m.':
    case 'p.m.':
      return `${meridiem}.M.`.toLowerCase();
    case 'Y,YYY':
      return `${Math.floor(shownYear / 1000)},${String(shownYear % 1000).padStart(3, '0')}`;
    case 'YYYY':
      return number(shownYear, 4, node);
    case 'YYY':
      return number(shownYear % 1000, 3, node);
    case 'YY':
      return number(shownYear % 100, 2, node);
    case 'Y':
      return number(shownYear % 10, 1, node);
    case 'IYYY':
      return number(isoWeek(needDate()).year, 4, node);
    case 'IYY':
      return number(isoWeek(needDate()).year % 1000, 3, node);
    case 'IY':
      return number(isoWeek(needDate()).year % 100, 2, node);
    case 'I':
      return number(isoWeek(needDate()).year % 10, 1, node);
    case 'BC':
    case 'AD':
      return m.year > 0 ? 'AD' : 'BC';
    case 'bc':
    case 'ad':
      return m.year > 0 ? 'ad' : 'bc';
    case 'B.C.':
    case 'A.D.':
      return m.year > 0 ? 'A.D.' : 'B.C.';
    case 'b.c.':
    case 'a.d.':
      return m.year > 0 ? 'a.d.' : 'b.c.';
    case 'MONTH':
    case 'Month':
    case 'month':
      return m.month === 0 ? '' : name(MONTHS[m.month - 1]!, field, 9, node);
    case 'MON':
    case 'Mon':
    case 'mon':
      return m.month === 0 ? '' : name(MONTHS[m.month - 1]!.slice(0, 3), field, 0, node);
    case 'MM':
      return number(m.month, 2, node);
    case 'DAY':
    case 'Day':
    case 'day':
      return name(DAYS[weekdayOf(needDate())]!, field, 9, node);
    case 'DY':
    case 'Dy':
    case 'dy':
      return name(DAYS[weekdayOf(needDate())]!.slice(0, 3), field, 0, node);
    case 'DDD':
      return number(needDate() - daysFromCivil(m.year, 1, 1) + 1, 3, node);
    case 'IDDD':
      return number((isoWeek(needDate()).week - 1) * 7 + (weekdayOf(needDate()) || 7), 3, node);
    case 'DD':
      return number(m.day, 2, node);
    case 'D':
      return number(weekdayOf(needDate()) + 1, 1, node);
    case 'ID':
      return number(weekdayOf(needDate()) || 7, 1, node);
    case 'WW':
      return number(Math.floor((needDate() - daysFromCivil(m.year, 1, 1)) / 7) + 1, 2, node);
    case 'IW':
      return number(isoWeek(needDate()).week, 2, node);
    case 'W':
      return number(Math.floor((m.day - 1) / 7) + 1, 1, node);
    case 'CC':
      return number(m.year > 0 ? Math.ceil(m.year / 100) : -Math.ceil((1 - m.year) / 100), 2, node);
    case 'J':
      return number(needDate() + 2451545, 1, node);
    case 'Q':
      return m.month === 0 ? '' : number(Math.floor((m.month - 1) / 3) + 1, 1, node);
    case 'RM':
      return m.month === 0 ? '' : node.fill ? ROMAN[m.month - 1]! : ROMAN[m.month - 1]!.padEnd(4);
    case 'rm':
      return m.month === 0 ? '' : (node.fill ? ROMAN[m.month - 1]! : ROMAN[m.month - 1]!.padEnd(4)).toLowerCase();
    case 'TZ':
      return m.zoneName;
    case 'tz':
      return m.zoneName.toLowerCase();
    case 'OF':
      return m.offset === null ? '+00' : formatOffset(m.offset);
    case 'TZH':
      return m.offset === null
        ? '+00'
        : `${m.offset < 0 ? '-' : '+'}${String(Math.floor(Math.abs(m.offset) / 3600)).padStart(2, '0')}`;
    case 'TZM':
      return String(Math.floor((Math.abs(m.offset ?? 0) % 3600) / 60)).padStart(2, '0');
  }
}

function renderAll(template: string, m: Moment): string {
  let out = '';
  for (const node of parseTemplate(template)) out += node.kind === 'literal' ? node.text : render(node, m);
  return out;
}
function momentOf(local: bigint, offset: number | null, zoneName: string): Moment {
  const { days, micros } = splitTimestamp(local);
  const seconds = Math.floor(micros / 1e6);
  return {
    ...civilFromDays(days),
    days,
    hours: Math.floor(seconds / 3600),
    minutes: Math.floor(seconds / 60) % 60,
    seconds: seconds % 60,
    micros: micros % 1e6,
    offset,
    zoneName,
  };
}
fn('to_char(timestamp, text) text', (ts: bigint, template: string) =>
  template === '' || !isFiniteTimestamp(ts) ? null : renderAll(template, momentOf(ts, null, '')),
);
fn(
  'to_char(timestamptz, text) text',
  (ts: bigint, template: string, ctx: ExecContext) => {
    if (template === '' || !isFiniteTimestamp(ts)) return null;
    const zone = zoneOrThrow(ctx.format.timeZone);
    const offset = zoneOffset(zone, ts);
    return renderAll(
      template,
      momentOf(utcToLocal(zone, ts), offset, zoneAbbreviation(ctx.format.timeZone, ts, offset)),
    );
  },
  { volatility: 'stable' },
);
fn('to_char(interval, text) text', (v: Interval, template: string) => {
  if (template === '') return null;
  const seconds = v.micros / 1_000_000n;
  return renderAll(template, {
    year: Math.trunc(v.months / 12),
    month: v.months % 12,
    day: v.days,
    days: null,
    hours: Number(seconds / 3600n),
    minutes: Number((seconds / 60n) % 60n),
    seconds: Number(seconds % 60n),
    micros: Number(v.micros % 1_000_000n),
    offset: null,
    zoneName: '',
  });
});
function zoneAbbreviation(zone: string, ts: bigint, offset: number): string {
  if (offset === 0 && /^(?:etc\/)?(?:utc|gmt|z)$/i.test(zone)) return zone.toUpperCase().replace('ETC/', '');
  if (!/^[A-Za-z]/.test(zone)) return formatOffset(offset);
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'short' }).formatToParts(
    new Date(Number(ts / 1000n) + 946684800000),
  );
  const short = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
  return /^[A-Z]+$/.test(short) ? short : formatOffset(offset);
}

// ---- reading ----

class TextReader {
  at = 0;
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  space(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }
  integer(width: number, field: string): number {
    this.space();
    const match = new RegExp(`^[+-]?\\d{1,${width}}`).exec(this.text.slice(this.at));
    if (match === null) {
      const shown = this.text.slice(this.at, this.at + Math.min(width, 4)) || '';
      throw sqlError('22007', `invalid value "${shown}" for "${field}"`, { detail: 'Value must be an integer.' });
    }
    this.at += match[0].length;
    return Number(match[0]);
  }
  word(list: readonly string[], field: string): number {
    this.space();
    const rest = this.text.slice(this.at).toLowerCase();
    const found = list.findIndex((one) => rest.startsWith(one.toLowerCase()));
    if (found < 0)
      throw sqlError('22007', `invalid value "${this.text.slice(this.at).split(/\s/)[0]}" for "${field}"`, {
        detail: 'The given value did not match any of the allowed values for this field.',
      });
    this.at += list[found]!.length;
    return found;
  }
}

/** How many digits a field may take, when another field of digits follows at once. */
const WIDTHS: Partial<Record<Field, number>> = {
  YYYY: 4,
  IYYY: 4,
  YYY: 3,
  YY: 2,
  Y: 1,
  MM: 2,
  DD: 2,
  DDD: 3,
  HH24: 2,
  HH12: 2,
  HH: 2,
  MI: 2,
  SS: 2,
  MS: 3,
  US: 6,
  J: 7,
  Q: 1,
  WW: 2,
  IW: 2,
  D: 1,
  ID: 1,
  CC: 2,
  SSSS: 5,
  SSSSS: 5,
  W: 1,
};

interface Parsed {
  readonly days: number;
  readonly micros: number;
  readonly offset: number | null;
}
function readTemplate(text: string, template: string): Parsed {
  const nodes = parseTemplate(template);
  const reader = new TextReader(text);
  const v: Partial<Record<string, number>> = {};
  let pm: boolean | null = null;
  let bc = false;
  let offset: number | null = null;
  nodes.forEach((node, i) => {
    if (reader.at >= text.length) return;
    if (node.kind === 'literal') {
      if (/\s/.test(node.text)) reader.space();
      else if (reader.text[reader.at] === node.text[0] || !/[\w]/.test(reader.text[reader.at] ?? ''))
        reader.at += node.text.length;
      else if (/\w/.test(node.text[0] ?? '')) reader.at += node.text.length;
      return;
    }
    const field = node.text as Field;
    const following = nodes[i + 1];
    const adjoining =
      following !== undefined && following.kind === 'field' && WIDTHS[following.text as Field] !== undefined;
    const width = WIDTHS[field];
    if (width !== undefined) {
      const n = reader.integer(adjoining || width !== 4 ? width : 9, field);
      v[field === 'IYYY' ? 'IYYY' : field.startsWith('Y') ? 'YYYY' : field === 'HH12' ? 'HH' : field] =
        field === 'YY'
          ? n + (n < 70 ? 2000 : 1900)
          : field === 'YYY'
            ? n + (n < 520 ? 2000 : 1000)
            : field === 'Y'
              ? n + 2000
              : n;
      if (field === 'MS') v['US'] = n * 10 ** (6 - Math.max(3, String(n).length));
    } else if (/^mon/i.test(field)) {
      v['MM'] = reader.word(field.length > 3 ? MONTHS : MONTHS.map((m) => m.slice(0, 3)), field) + 1;
    } else if (/^d(a?)y$/i.test(field)) {
      reader.word(field.length > 2 ? DAYS : DAYS.map((d) => d.slice(0, 3)), field);
    } else if (/^[ap]\.?m/i.test(field)) {
      pm = reader.word(field.includes('.') ? ['a.m.', 'p.m.'] : ['am', 'pm'], field) === 1;
    } else if (/^[ab]\.?[cd]/i.test(field)) {
      bc = reader.word(field.includes('.') ? ['a.d.', 'b.c.'] : ['ad', 'bc'], field) === 1;
    } else if (/^rm$/i.test(field)) {
      const order = [...ROMAN].map((r, index) => ({ r, index })).sort((a, b) => b.r.length - a.r.length);
      v['MM'] =
        order[
          reader.word(
            order.map((o) => o.r),
            field,
          )
        ]!.index + 1;
    } else if (field.startsWith('FF')) {
      const match = /^\d{1,6}/.exec(text.slice(reader.at));
      v['US'] = Number((match?.[0] ?? '0').padEnd(6, '0'));
      reader.at += match?.[0].length ?? 0;
    } else if (field === 'TZH' || field === 'OF') {
      const match = /^([+-]?)(\d{1,2})(?::?(\d{2}))?/.exec(text.slice(reader.at));
      if (match === null)
        throw sqlError('22007', `invalid value "${text.slice(reader.at, reader.at + 2)}" for "${field}"`);
      const east = Number(match[2]) * 3600 + (field === 'OF' ? Number(match[3] ?? 0) * 60 : 0);
      offset = match[1] === '-' ? -east : east;
      reader.at += field === 'OF' ? match[0].length : match[1]!.length + match[2]!.length;
    } else if (field === 'TZM') {
      const minutes = reader.integer(2, field) * 60;
      offset = (offset ?? 0) + ((offset ?? 0) < 0 ? -minutes : minutes);
    } else {
      throw sqlError('0A000', `formatting field "${field}" is only supported in to_char`);
    }
  });
  return assemble(v, pm, bc, offset, text);
}

function assemble(
  v: Partial<Record<string, number>>,
  pm: boolean | null,
  bc: boolean,
  offset: number | null,
  text: string,
): Parsed {
  let hours = v['HH24'] ?? v['HH'] ?? 0;
  const range = (): Error => sqlError('22008', `date/time field value out of range: "${text}"`);
  if (v['HH'] !== undefined && (pm !== null || v['HH24'] === undefined)) {
    if (hours < 1 || hours > 12)
      throw sqlError('22007', `hour "${hours}" is invalid for the 12-hour clock`, {
        hint: 'Use the 24-hour clock, or give an hour between 1 and 12.',
      });
    hours = (hours % 12) + (pm === true ? 12 : 0);
  }
  const minutes = v['MI'] ?? 0;
  const seconds = v['SS'] ?? 0;
  if (hours > 23 || minutes > 59 || seconds > 59) throw range();
  let micros = ((hours * 60 + minutes) * 60 + seconds) * 1e6 + (v['US'] ?? 0);
  const ofDay = v['SSSS'] ?? v['SSSSS'];
  if (ofDay !== undefined) micros = ofDay * 1e6;
  if (v['J'] !== undefined) return { days: v['J'] - 2451545, micros, offset };
  let year = v['YYYY'] ?? v['IYYY'] ?? (v['CC'] !== undefined ? (v['CC'] - 1) * 100 + 1 : 0);
  if (bc) year = 1 - year;
  if (v['IYYY'] !== undefined && v['IW'] !== undefined) {
    const fourth = daysFromCivil(year, 1, 4);
    return { days: fourth - ((weekdayOf(fourth) + 6) % 7) + (v['IW'] - 1) * 7 + (v['ID'] ?? 1) - 1, micros, offset };
  }
  if (v['DDD'] !== undefined) return { days: daysFromCivil(year, 1, 1) + v['DDD'] - 1, micros, offset };
  const month = v['MM'] ?? (v['Q'] !== undefined ? (v['Q'] - 1) * 3 + 1 : 1);
  const day = v['DD'] ?? 1;
  if (v['YYYY'] === undefined && v['CC'] === undefined && v['IYYY'] === undefined) year = 0;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) throw range();
  return { days: daysFromCivil(year, month, day), micros, offset };
}
fn('to_date(text, text) date', (text: string, template: string) => readTemplate(text, template).days);
fn(
  'to_timestamp(text, text) timestamptz',
  (text: string, template: string, ctx: ExecContext) => {
    const { days, micros, offset } = readTemplate(text, template);
    const local = joinTimestamp(days, micros);
    return checkTimestamp(
      offset !== null ? local - BigInt(offset) * 1_000_000n : localToUtc(zoneOrThrow(ctx.format.timeZone), local),
    );
  },
  { volatility: 'stable' },
);

// ---- numbers ----

interface NumberPicture {
  readonly pre: string;
  readonly post: string;
  readonly fill: boolean;
  readonly sign: 'default' | 'S-before' | 'S-after' | 'MI' | 'PR' | 'PL' | 'SG';
  readonly scientific: boolean;
  readonly shift: number;
  readonly roman: boolean;
  readonly ordinal: 'TH' | 'th' | '';
  readonly prefix: string;
  readonly suffix: string;
}
function parsePicture(template: string): NumberPicture {
  let pre = '';
  let post = '';
  let prefix = '';
  let suffix = '';
  let inFraction = false;
  let fill = false;
  let sign: NumberPicture['sign'] = 'default';
  let scientific = false;
  let shift = 0;
  let roman = false;
  let ordinalStyle: 'TH' | 'th' | '' = '';
  const upper = template.toUpperCase();
  const literal = (text: string): void => {
    if (pre === '' && post === '') prefix += text;
    else suffix += text;
  };
  for (let i = 0; i < template.length;) {
    const two = upper.slice(i, i + 2);
    const c = upper[i]!;
    if (upper.startsWith('EEEE', i)) {
      scientific = true;
      i += 4;
    } else if (two === 'FM') {
      fill = true;
      i += 2;
    } else if (two === 'MI' || two === 'PR' || two === 'PL' || two === 'SG') {
      sign = two;
      i += 2;
    } else if (two === 'RN') {
      roman = true;
      i += 2;
    } else if (two === 'TH') {
      ordinalStyle = template.slice(i, i + 2) === 'th' ? 'th' : 'TH';
      i += 2;
    } else if (c === 'S') {
      sign = pre === '' && post === '' ? 'S-before' : 'S-after';
      i++;
    } else if (c === '9' || c === '0') {
      if (shift > 0) {
        shift++;
      }
      if (inFraction) post += c;
      else pre += c;
      i++;
    } else if (c === '.' || c === 'D') {
      inFraction = true;
      i++;
    } else if (c === ',' || c === 'G') {
      if (!inFraction) pre += ',';
      i++;
    } else if (c === 'V') {
      shift = 1;
      i++;
    } else if (c === 'L') {
      literal(' '); // The C locale has no currency symbol.
      i++;
    } else if (c === '"') {
      const end = template.indexOf('"', i + 1);
      literal(template.slice(i + 1, end < 0 ? template.length : end));
      i = end < 0 ? template.length : end + 1;
    } else {
      literal(template[i]!);
      i++;
    }
  }
  return {
    pre,
    post,
    fill,
    sign,
    scientific,
    shift: Math.max(0, shift - 1),
    roman,
    ordinal: ordinalStyle,
    prefix,
    suffix,
  };
}

function romanText(n: number): string {
  const table: readonly (readonly [number, string])[] = [
    [1000, 'M'],
    [900, 'CM'],
    [500, 'D'],
    [400, 'CD'],
    [100, 'C'],
    [90, 'XC'],
    [50, 'L'],
    [40, 'XL'],
    [10, 'X'],
    [9, 'IX'],
    [5, 'V'],
    [4, 'IV'],
    [1, 'I'],
  ];
  let out = '';
  let rest = n;
  for (const [value, text] of table) {
    while (rest >= value) {
      out += text;
      rest -= value;
    }
  }
  return out;
}

export function formatNumber(value: Numeric, template: string): string {
  const p = parsePicture(template);
  if (p.roman) {
    const n = Number(roundNumeric(value, 0).unscaled);
    const text = n < 1 || n > 3999 ? '#'.repeat(15) : romanText(n);
    return p.fill ? text : text.padStart(15);
  }
  if (p.scientific) return scientificText(value, p);
  const shifted = p.shift > 0 ? new Numeric(value.unscaled * 10n ** BigInt(p.shift), value.scale) : value;
  const rounded = roundNumeric(shifted, p.post.length);
  const negative = rounded.unscaled < 0n;
  const [whole = '', fraction = ''] = formatNumeric(absNumeric(rounded)).split('.');
  const room = p.pre.replaceAll(',', '').length;
  const overflow = (whole === '0' ? 0 : whole.length) > room || value.kind !== 'finite';
  let body = layoutWhole(p, overflow ? '#'.repeat(room) : whole, overflow);
  let after = overflow ? '#'.repeat(p.post.length) : fraction;
  if (p.fill && !overflow) {
    const keep = p.post.lastIndexOf('0') + 1;
    let end = after.length;
    while (end > keep && after[end - 1] === '0') end--;
    after = after.slice(0, end);
  }
  if (p.post.length > 0) body += `.${after}`;
  return decorate(body, negative, p, whole);
}

/** Digits under the picture: blanks (or nothing with FM) until the first digit or 0. */
function layoutWhole(p: NumberPicture, whole: string, overflow: boolean): string {
  const slots = [...p.pre];
  const firstZero = slots.indexOf('0');
  const digits = whole === '0' && p.post.length > 0 && firstZero < 0 ? '' : whole;
  let at = digits.length - 1;
  const out: string[] = [];
  for (let i = slots.length - 1; i >= 0; i--) {
    const forced = firstZero >= 0 && i >= firstZero;
    if (slots[i] === ',') {
      out.push(at >= 0 || (forced && i > firstZero) ? ',' : p.fill ? '' : ' ');
    } else if (at >= 0) {
      out.push(digits[at--]!);
    } else if (forced && !overflow) {
      out.push('0');
    } else {
      out.push(p.fill ? '' : ' ');
    }
  }
  return out.reverse().join('');
}

function decorate(body: string, negative: boolean, p: NumberPicture, whole: string): string {
  const blanks = /^ */.exec(body)![0].length;
  const digits = body.slice(blanks);
  const pad = ' '.repeat(blanks);
  const th = p.ordinal !== '' && !negative && p.post.length === 0 ? ordinal(Number(whole.slice(-2)), p.ordinal) : '';
  let text: string;
  switch (p.sign) {
    case 'S-before':
      text = pad + (negative ? '-' : '+') + digits;
      break;
    case 'S-after':
      text = body + (negative ? '-' : '+');
      break;
    case 'SG':
      text = (negative ? '-' : '+') + body;
      break;
    case 'MI':
      text = body + (negative ? '-' : p.fill ? '' : ' ');
      break;
    case 'PL':
      text = negative ? `${pad}-${digits}` : `${p.fill ? '' : ' '}${body}+`.replace(/^ /, p.fill ? '' : ' ');
      break;
    case 'PR':
      text = negative ? `${pad}<${digits}>` : p.fill ? body : ` ${body} `;
      break;
    default:
      text = negative ? `${pad}-${digits}` : p.fill ? body : ` ${body}`;
  }
  return p.prefix === ''
    ? text + th + p.suffix
    : (negative && p.sign === 'default'
        ? text.replace('-', `-${p.prefix}`)
        : p.fill
          ? p.prefix + text
          : text.startsWith(' ')
            ? ` ${p.prefix}${text.slice(1)}`
            : p.prefix + text) +
        th +
        p.suffix;
}

function scientificText(value: Numeric, p: NumberPicture): string {
  const text = Number(formatNumeric(value)).toExponential(p.post.length);
  const [mantissa = '', exponent = ''] = text.split('e');
  const sign = exponent.startsWith('-') ? '-' : '+';
  const shown = `${mantissa}e${sign}${exponent.replace(/^[+-]/, '').padStart(2, '0')}`;
  return value.unscaled < 0n || p.fill ? shown : ` ${shown}`;
}
fn('to_char(int4, text) text', (v: number, t: string) => formatNumber(numericFromInt(v), t));
fn('to_char(int8, text) text', (v: bigint, t: string) => formatNumber(numericFromBigInt(v), t));
fn('to_char(numeric, text) text', (v: Numeric, t: string) => formatNumber(v, t));
fn('to_char(float8, text) text', (v: number, t: string) => formatNumber(numericFromFloat(v, 15), t));
fn('to_char(float4, text) text', (v: number, t: string) => formatNumber(numericFromFloat(v, 6), t));
fn('to_number(text, text) numeric', (text: string, template: string): Datum => {
  const p = parsePicture(template);
  const negative = /-|^\s*<.*>\s*$/.test(text);
  const digits = text.replace(/[^0-9.]/g, '');
  const value = parseNumeric(digits === '' || digits === '.' ? '' : digits);
  if (value === null)
    throw sqlError('22P02', `invalid input syntax for type numeric: "${text.trim() === '' ? ' ' : text.trim()}"`);
  const rounded = roundNumeric(value, p.post.length);
  return negative ? new Numeric(-rounded.unscaled, rounded.scale) : rounded;
});
