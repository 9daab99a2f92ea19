/** Comparison operators of all types, and LEAST/GREATEST's order behind them. */
import type { Datum, Numeric } from '../types/datum.js';
import { isFiniteTimestamp, localToUtc, TS_INFINITY, zoneOrThrow } from '../types/calendar.js';
import { dateToTimestamp } from '../types/datetime.js';
import { compareFloat } from '../types/float.js';
import { compareNumeric } from '../types/numeric.js';
import { compareText, stripBlanks } from '../types/text-order.js';
import { typeByName, typeByOid } from '../types/registry.js';
import type { ExecContext } from '../contract.js';
import { fn, op } from './define.js';
import type { CallInfo, FunctionEntry, Value } from './entry.js';

type Volatility = FunctionEntry['volatility'];

type Compare = (a: never, b: never, ctx: ExecContext, call: CallInfo) => number;
type Loose = (a: Value, b: Value, ctx: ExecContext, call: CallInfo) => number;

/** The six operators from a three-way comparison. */
function comparisons(left: string, right: string, compare: Compare, volatility: Volatility = 'immutable'): void {
  const c = compare as unknown as Loose;
  const define = (symbol: string, test: (n: number) => boolean): void => {
    op(
      `${left} ${symbol} ${right} = bool`,
      (a: Value, b: Value, ctx: ExecContext, call: CallInfo) => test(c(a, b, ctx, call)),
      { volatility },
    );
  };
  define('=', (n) => n === 0);
  define('<>', (n) => n !== 0);
  define('<', (n) => n < 0);
  define('<=', (n) => n <= 0);
  define('>', (n) => n > 0);
  define('>=', (n) => n >= 0);
}

/** Where JavaScript's own operators give the order (numbers without NaN, bigints, plain booleans). */
function primitive(left: string, right: string): void {
  op(`${left} = ${right} = bool`, (a: number, b: number) => a === b);
  op(`${left} <> ${right} = bool`, (a: number, b: number) => a !== b);
  op(`${left} < ${right} = bool`, (a: number, b: number) => a < b);
  op(`${left} <= ${right} = bool`, (a: number, b: number) => a <= b);
  op(`${left} > ${right} = bool`, (a: number, b: number) => a > b);
  op(`${left} >= ${right} = bool`, (a: number, b: number) => a >= b);
}

/**
 * A 4-byte or smaller integer against int8, in either order. JavaScript orders number and bigint exactly, but
 * they are never ===; rounding an int8 to a double never makes it equal to an int4 that it is not.
 */
function mixed(left: string, right: string): void {
  op(`${left} = ${right} = bool`, (a: number | bigint, b: number | bigint) => Number(a) === Number(b));
  op(`${left} <> ${right} = bool`, (a: number | bigint, b: number | bigint) => Number(a) !== Number(b));
  op(`${left} < ${right} = bool`, (a: number | bigint, b: number | bigint) => a < b);
  op(`${left} <= ${right} = bool`, (a: number | bigint, b: number | bigint) => a <= b);
  op(`${left} > ${right} = bool`, (a: number | bigint, b: number | bigint) => a > b);
  op(`${left} >= ${right} = bool`, (a: number | bigint, b: number | bigint) => a >= b);
}

for (const left of ['int2', 'int4']) {
  for (const right of ['int2', 'int4']) primitive(left, right);
  mixed(left, 'int8');
  mixed('int8', left);
}
for (const type of ['int8', 'bool', 'date', 'time', 'timestamp', 'timestamptz', 'oid']) primitive(type, type);

for (const left of ['float4', 'float8']) {
  for (const right of ['float4', 'float8']) comparisons(left, right, (a: number, b: number) => compareFloat(a, b));
}
comparisons('numeric', 'numeric', (a: Numeric, b: Numeric) => compareNumeric(a, b));

for (const [left, right] of [
  ['text', 'text'],
  ['name', 'name'],
  ['name', 'text'],
  ['text', 'name'],
  ['char', 'char'],
  ['uuid', 'uuid'],
] as const) {
  op(`${left} = ${right} = bool`, (a: string, b: string) => a === b);
  op(`${left} <> ${right} = bool`, (a: string, b: string) => a !== b);
  op(`${left} < ${right} = bool`, (a: string, b: string) => compareText(a, b) < 0);
  op(`${left} <= ${right} = bool`, (a: string, b: string) => compareText(a, b) <= 0);
  op(`${left} > ${right} = bool`, (a: string, b: string) => compareText(a, b) > 0);
  op(`${left} >= ${right} = bool`, (a: string, b: string) => compareText(a, b) >= 0);
}
comparisons('bpchar', 'bpchar', (a: string, b: string) => compareText(stripBlanks(a), stripBlanks(b)));
// By code points whatever the collation is, as operator classes for patterns have them.
for (const type of ['text', 'bpchar']) {
  const bare = type === 'text' ? (s: string): string => s : stripBlanks;
  op(`${type} ~<~ ${type} = bool`, (a: string, b: string) => compareText(bare(a), bare(b)) < 0);
  op(`${type} ~<=~ ${type} = bool`, (a: string, b: string) => compareText(bare(a), bare(b)) <= 0);
  op(`${type} ~>~ ${type} = bool`, (a: string, b: string) => compareText(bare(a), bare(b)) > 0);
  op(`${type} ~>=~ ${type} = bool`, (a: string, b: string) => compareText(bare(a), bare(b)) >= 0);
}

for (const name of [
  'bytea',
  'timetz',
  'interval',
  'jsonb',
  'oidvector',
  'bit',
  'varbit',
  'inet',
  'macaddr',
  'macaddr8',
  'pg_lsn',
]) {
  const type = typeByName(name)!;
  comparisons(name, name, (a: Value, b: Value) => type.compare(a, b));
}
comparisons('record', 'record', (a: Value, b: Value) => typeByName('record')!.compare(a, b));
for (const any of ['anyarray', 'anyrange', 'anymultirange']) {
  comparisons(any, any, (a: Value, b: Value, _ctx: ExecContext, call: CallInfo) =>
    typeByOid(call.argOids[0]!).compare(a, b),
  );
}

comparisons('anyenum', 'anyenum', (a: Value, b: Value, _ctx: ExecContext, call: CallInfo) =>
  typeByOid(call.argOids[0]!).compare(a, b),
);

const order = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
const LAST = TS_INFINITY - 1n;
/** Also of days that no timestamp can say: those after the last are all one, and before infinity. */
function midnight(days: number): bigint {
  if (Math.abs(days) >= 0x7fff_ffff) return dateToTimestamp(days);
  const ts = BigInt(days) * 86_400_000_000n;
  return ts < LAST ? ts : LAST;
}
const moment = (ts: bigint, zone: string): bigint =>
  isFiniteTimestamp(ts) && ts !== LAST ? localToUtc(zoneOrThrow(zone), ts) : ts;
const momentOfDay = (days: number, zone: string): bigint => moment(midnight(days), zone);
comparisons('date', 'timestamp', (a: number, b: bigint) => order(midnight(a), b));
comparisons('timestamp', 'date', (a: bigint, b: number) => order(a, midnight(b)));
// The time zone decides.
const zoned = (
  left: string,
  right: string,
  compare: (a: number | bigint, b: number | bigint, zone: string) => number,
): void =>
  comparisons(
    left,
    right,
    (a: number | bigint, b: number | bigint, ctx: ExecContext) => compare(a, b, ctx.format.timeZone),
    'stable',
  );
zoned('date', 'timestamptz', (a, b, zone) => order(momentOfDay(a as number, zone), b as bigint));
zoned('timestamptz', 'date', (a, b, zone) => order(a as bigint, momentOfDay(b as number, zone)));
zoned('timestamp', 'timestamptz', (a, b, zone) => order(moment(a as bigint, zone), b as bigint));
zoned('timestamptz', 'timestamp', (a, b, zone) => order(a as bigint, moment(b as bigint, zone)));

comparisons('xid8', 'xid8', (a: bigint, b: bigint) => order(a, b));
for (const type of ['xid', 'cid', 'tid']) {
  op(`${type} = ${type} = bool`, (a: Value, b: Value) => a === b);
  if (type !== 'cid') op(`${type} <> ${type} = bool`, (a: Value, b: Value) => a !== b);
}
op('xid = int4 = bool', (a: number, b: number) => a === b);
op('xid <> int4 = bool', (a: number, b: number) => a !== b);

for (const [name, type] of [
  ['btint4cmp', 'int4'],
  ['btint8cmp', 'int8'],
  ['bttextcmp', 'text'],
  ['numeric_cmp', 'numeric'],
  ['date_cmp', 'date'],
  ['timestamp_cmp', 'timestamp'],
  ['timestamptz_cmp', 'timestamptz'],
  ['interval_cmp', 'interval'],
  ['uuid_cmp', 'uuid'],
  ['jsonb_cmp', 'jsonb'],
] as const) {
  const info = typeByName(type)!;
  fn(`${name}(${type}, ${type}) int4`, (a: Value, b: Value): Datum => info.compare(a, b));
}
