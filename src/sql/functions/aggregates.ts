/**
 * Aggregate functions as accumulators. DISTINCT, FILTER and ORDER BY are the executor's work. `combine`
 * takes in another accumulator of the same aggregate, so that parts can be computed at the ranges.
 */
import type { ExecContext } from '../contract.js';
import { sqlError } from '../../base/errors.js';
import { stackArrays } from '../types/array.js';
import { type Interval, Jsonb, Numeric, PgArray, PgRecord } from '../types/datum.js';
import type { Datum, JsonValue } from '../types/datum.js';
import { toInt8 } from '../types/casts.js';
import { makeInterval } from '../types/interval.js';
import { makeJsonObject } from '../types/json.js';
import { sqrtToScale } from '../types/numeric-math.js';
import {
  addExactly,
  checked,
  multiplyExactly,
  divideNumeric,
  negateNumeric,
  NUMERIC_NAN,
  numericFromBigInt,
  numericFromInt,
} from '../types/numeric.js';
import { OID } from '../types/oids.js';
import { typeByName, typeByOid } from '../types/registry.js';
import { aggregate } from './define.js';
import type { Accumulator, AggregateEntry, CallInfo, Value } from './entry.js';
import { jsonKey, toJsonText, toJsonValue } from './json-convert.js';
import { divideInterval } from './interval-math.js';

type Init = AggregateEntry['init'];

/** Accumulators of one aggregate are only ever combined with each other. */
abstract class Base<S> implements Accumulator {
  protected state: S;
  constructor(state: S) {
    this.state = state;
  }
  abstract step(args: readonly Datum[], ctx: ExecContext): void;
  abstract final(ctx: ExecContext): Datum;
  abstract merge(other: S): void;
  combine(other: Accumulator): void {
    this.merge((other as Base<S>).state);
  }
}

class Count extends Base<number> {
  step(): void {
    this.state++;
  }
  merge(other: number): void {
    this.state += other;
  }
  final(): Datum {
    return BigInt(this.state);
  }
}
const count: Init = () => new Count(0);
aggregate('count() int8', { strict: false, emptyResult: 0n }, count);
aggregate('count(any) int8', { emptyResult: 0n }, count);

/** A fold of two values into one, with NULL before the first. */
export class Fold<T extends Value> extends Base<T | null> {
  readonly #fold: (a: T, b: T) => T;
  constructor(fold: (a: T, b: T) => T) {
    super(null);
    this.#fold = fold;
  }
  step(args: readonly Datum[]): void {
    this.merge(args[0] as T);
  }
  merge(other: T | null): void {
    if (other !== null) this.state = this.state === null ? other : this.#fold(this.state, other);
  }
  final(): Datum {
    return this.state;
  }
}
export function fold<T extends Value>(signature: string, f: (a: T, b: T) => T): void {
  aggregate(signature, {}, () => new Fold<T>(f));
}

// ---- sum and avg ----

/** Exact while in the safe range, then with bigints. */
class IntegerSum extends Base<{ small: number; big: bigint; count: number }> {
  readonly #result: 'int8' | 'numeric' | 'avg';
  constructor(result: 'int8' | 'numeric' | 'avg') {
    super({ small: 0, big: 0n, count: 0 });
    this.#result = result;
  }
  step(args: readonly Datum[]): void {
    const s = this.state;
    const v = args[0] as number | bigint;
    s.count++;
    if (typeof v === 'bigint') {
      s.big += v;
      return;
    }
    s.small += v;
    if (s.small > 4503599627370496 || s.small < -4503599627370496) {
      s.big += BigInt(s.small);
      s.small = 0;
    }
  }
  merge(other: { small: number; big: bigint; count: number }): void {
    this.state.big += other.big + BigInt(other.small);
    this.state.count += other.count;
  }
  final(): Datum {
    const s = this.state;
    if (s.count === 0) return null;
    const total = s.big + BigInt(s.small);
    if (this.#result === 'int8') return toInt8(total);
    if (this.#result === 'numeric') return numericFromBigInt(total);
    return divideNumeric(numericFromBigInt(total), numericFromInt(s.count));
  }
}
for (const type of ['int2', 'int4']) {
  aggregate(`sum(${type}) int8`, {}, () => new IntegerSum('int8'));
  aggregate(`avg(${type}) numeric`, {}, () => new IntegerSum('avg'));
}
aggregate('sum(int8) numeric', {}, () => new IntegerSum('numeric'));
aggregate('avg(int8) numeric', {}, () => new IntegerSum('avg'));

class NumericSum extends Base<{ sum: Numeric | null; count: number }> {
  readonly #average: boolean;
  constructor(average: boolean) {
    super({ sum: null, count: 0 });
    this.#average = average;
  }
  step(args: readonly Datum[]): void {
    this.merge({ sum: args[0] as Numeric, count: 1 });
  }
  merge(other: { sum: Numeric | null; count: number }): void {
    if (other.sum === null) return;
    this.state.sum = this.state.sum === null ? other.sum : addExactly(this.state.sum, other.sum);
    this.state.count += other.count;
  }
  final(): Datum {
    const { sum, count: n } = this.state;
    if (sum === null) return null;
    return this.#average ? divideNumeric(checked(sum), numericFromInt(n)) : checked(sum);
  }
}
aggregate('sum(numeric) numeric', {}, () => new NumericSum(false));
aggregate('avg(numeric) numeric', {}, () => new NumericSum(true));

/** Sum, and sum of squared differences from the mean (Youngs and Cramer), as PostgreSQL keeps them. */
interface FloatState {
  n: number;
  sum: number;
  squares: number;
}
const isInfinite = (n: number): boolean => n === Infinity || n === -Infinity;
const overflow = (): Error => sqlError('22003', 'value out of range: overflow');

class FloatStats extends Base<FloatState> {
  readonly #finish: (s: FloatState) => number | null;
  constructor(finish: (s: FloatState) => number | null) {
    super({ n: 0, sum: 0, squares: 0 });
    this.#finish = finish;
  }
  step(args: readonly Datum[]): void {
    const x = args[0] as number;
    const s = this.state;
    const before = s.sum;
    s.n++;
    s.sum += x;
    if (s.n > 1) {
      const difference = x * s.n - s.sum;
      s.squares += (difference * difference) / (s.n * (s.n - 1));
      if (isInfinite(s.sum) || isInfinite(s.squares)) {
        if (!isInfinite(before) && !isInfinite(x)) throw overflow();
        s.squares = NaN;
      }
    } else if (!Number.isFinite(x)) {
      s.squares = NaN;
    }
  }
  merge(o: FloatState): void {
    const s = this.state;
    if (o.n === 0) return;
    if (s.n === 0) {
      this.state = { ...o };
      return;
    }
    const difference = s.sum / s.n - o.sum / o.n;
    const n = s.n + o.n;
    this.state = { n, sum: s.sum + o.sum, squares: s.squares + o.squares + (s.n * o.n * difference * difference) / n };
  }
  final(): Datum {
    return this.state.n === 0 ? null : this.#finish(this.state);
  }
}

/** Added one after the other, each sum in the type itself. */
class FloatSum extends Base<{ sum: number | null }> {
  readonly #round: (n: number) => number;
  constructor(round: (n: number) => number) {
    super({ sum: null });
    this.#round = round;
  }
  step(args: readonly Datum[]): void {
    this.merge({ sum: args[0] as number });
  }
  merge(other: { sum: number | null }): void {
    const { sum } = this.state;
    if (sum === null || other.sum === null) {
      this.state.sum = sum ?? other.sum;
      return;
    }
    const next = this.#round(sum + other.sum);
    if (isInfinite(next) && !isInfinite(sum) && !isInfinite(other.sum)) throw overflow();
    this.state.sum = next;
  }
  final(): Datum {
    return this.state.sum;
  }
}
aggregate('sum(float8) float8', {}, () => new FloatSum((n) => n));
aggregate('sum(float4) float4', {}, () => new FloatSum(Math.fround));
for (const type of ['float4', 'float8']) {
  aggregate(`avg(${type}) float8`, {}, () => new FloatStats((s) => s.sum / s.n));
}

class IntervalSum extends Base<{ sum: Interval | null; count: number }> {
  readonly #average: boolean;
  constructor(average: boolean) {
    super({ sum: null, count: 0 });
    this.#average = average;
  }
  step(args: readonly Datum[]): void {
    this.merge({ sum: args[0] as Interval, count: 1 });
  }
  merge(other: { sum: Interval | null; count: number }): void {
    if (other.sum === null) return;
    const s = this.state.sum;
    this.state.sum =
      s === null
        ? other.sum
        : makeInterval(s.months + other.sum.months, s.days + other.sum.days, s.micros + other.sum.micros);
    this.state.count += other.count;
  }
  final(): Datum {
    const { sum, count: n } = this.state;
    return sum === null || !this.#average ? sum : divideInterval(sum, n);
  }
}
aggregate('sum(interval) interval', {}, () => new IntervalSum(false));
aggregate('avg(interval) interval', {}, () => new IntervalSum(true));

// ---- variance and deviation ----

type Moment = 'var_pop' | 'var_samp' | 'stddev_pop' | 'stddev_samp';
const MOMENTS: readonly (readonly [string, Moment])[] = [
  ['var_pop', 'var_pop'],
  ['var_samp', 'var_samp'],
  ['variance', 'var_samp'],
  ['stddev_pop', 'stddev_pop'],
  ['stddev_samp', 'stddev_samp'],
  ['stddev', 'stddev_samp'],
];

class NumericMoment extends Base<{ n: number; sum: Numeric; squares: Numeric }> {
  readonly #moment: Moment;
  constructor(moment: Moment) {
    super({ n: 0, sum: numericFromInt(0), squares: numericFromInt(0) });
    this.#moment = moment;
  }
  step(args: readonly Datum[]): void {
    const raw = args[0] as Numeric | number | bigint;
    const v = raw instanceof Numeric ? raw : numericFromBigInt(BigInt(raw));
    this.merge({ n: 1, sum: v, squares: multiplyExactly(v, v) });
  }
  merge(o: { n: number; sum: Numeric; squares: Numeric }): void {
    const s = this.state;
    this.state = { n: s.n + o.n, sum: addExactly(s.sum, o.sum), squares: addExactly(s.squares, o.squares) };
  }
  final(): Datum {
    const { n, sum, squares } = this.state;
    const sample = this.#moment.endsWith('samp');
    if (n === 0 || (sample && n === 1)) return null;
    if (sum.kind !== 'finite' || squares.kind !== 'finite') return NUMERIC_NAN;
    const count = numericFromInt(n);
    const numerator = addExactly(multiplyExactly(count, squares), negateNumeric(multiplyExactly(sum, sum)));
    if (numerator.unscaled <= 0n) return numericFromInt(0);
    const denominator = multiplyExactly(count, sample ? numericFromInt(n - 1) : count);
    const variance = divideNumeric(numerator, denominator);
    return this.#moment.startsWith('var') ? variance : sqrtToScale(variance, variance.scale);
  }
}
for (const [name, moment] of MOMENTS) {
  for (const type of ['int2', 'int4', 'int8', 'numeric'])
    aggregate(`${name}(${type}) numeric`, {}, () => new NumericMoment(moment));
  for (const type of ['float4', 'float8']) {
    aggregate(
      `${name}(${type}) float8`,
      {},
      () =>
        new FloatStats((s) => {
          const divisor = moment.endsWith('samp') ? s.n - 1 : s.n;
          if (divisor === 0) return null;
          const variance = s.squares / divisor;
          return moment.startsWith('var') ? variance : Math.sqrt(variance);
        }),
    );
  }
}

// ---- two-argument statistics ----

export interface PairState {
  n: number;
  sx: number;
  sxx: number;
  sy: number;
  syy: number;
  sxy: number;
}
export class PairStats extends Base<PairState> {
  readonly #finish: (s: PairState) => Datum;
  constructor(finish: (s: PairState) => Datum, state?: PairState) {
    super(state ?? { n: 0, sx: 0, sxx: 0, sy: 0, syy: 0, sxy: 0 });
    this.#finish = finish;
  }
  step(args: readonly Datum[]): void {
    const y = args[0] as number;
    const x = args[1] as number;
    const s = this.state;
    const [beforeX, beforeY] = [s.sx, s.sy];
    s.n++;
    s.sx += x;
    s.sy += y;
    if (s.n > 1) {
      const dx = x * s.n - s.sx;
      const dy = y * s.n - s.sy;
      const scale = 1 / (s.n * (s.n - 1));
      s.sxx += dx * dx * scale;
      s.syy += dy * dy * scale;
      s.sxy += dx * dy * scale;
      const finiteX = !isInfinite(beforeX) && !isInfinite(x);
      const finiteY = !isInfinite(beforeY) && !isInfinite(y);
      if (finiteX && (isInfinite(s.sx) || isInfinite(s.sxx))) throw overflow();
      if (finiteY && (isInfinite(s.sy) || isInfinite(s.syy))) throw overflow();
      if (finiteX && finiteY && isInfinite(s.sxy)) throw overflow();
      if (isInfinite(s.sxx)) s.sxx = NaN;
      if (isInfinite(s.syy)) s.syy = NaN;
      if (isInfinite(s.sxy)) s.sxy = NaN;
    } else {
      if (!Number.isFinite(x)) s.sxx = s.sxy = Number.NaN;
      if (!Number.isFinite(y)) s.syy = s.sxy = Number.NaN;
    }
  }
  merge(o: PairState): void {
    const s = this.state;
    if (o.n === 0) return;
    if (s.n === 0) {
      this.state = { ...o };
      return;
    }
    const n = s.n + o.n;
    const dx = s.sx / s.n - o.sx / o.n;
    const dy = s.sy / s.n - o.sy / o.n;
    const weight = (s.n * o.n) / n;
    this.state = {
      n,
      sx: s.sx + o.sx,
      sy: s.sy + o.sy,
      sxx: s.sxx + o.sxx + weight * dx * dx,
      syy: s.syy + o.syy + weight * dy * dy,
      sxy: s.sxy + o.sxy + weight * dx * dy,
    };
  }
  final(): Datum {
    return this.#finish(this.state);
  }
}
/** Only how many pairs there are. */
class Counted extends Base<{ n: number }> {
  constructor() {
    super({ n: 0 });
  }
  step(): void {
    this.state.n++;
  }
  merge(other: { n: number }): void {
    this.state.n += other.n;
  }
  final(): Datum {
    return BigInt(this.state.n);
  }
}
function pairs(name: string, finish: (s: PairState) => Datum): void {
  aggregate(`${name}(float8, float8) float8`, {}, () => new PairStats((s) => (s.n === 0 ? null : finish(s))));
}
/** Of at least one pair. */
export const PAIR_RESULTS: Readonly<Record<string, (s: PairState) => number | null>> = {
  corr: (s) => (s.sxx === 0 || s.syy === 0 ? null : s.sxy / Math.sqrt(s.sxx * s.syy)),
  covar_pop: (s) => s.sxy / s.n,
  covar_samp: (s) => (s.n < 2 ? null : s.sxy / (s.n - 1)),
  regr_avgx: (s) => s.sx / s.n,
  regr_avgy: (s) => s.sy / s.n,
  regr_sxx: (s) => s.sxx,
  regr_syy: (s) => s.syy,
  regr_sxy: (s) => s.sxy,
  regr_slope: (s) => (s.sxx === 0 ? null : s.sxy / s.sxx),
  regr_intercept: (s) => (s.sxx === 0 ? null : (s.sy - (s.sx * s.sxy) / s.sxx) / s.n),
  regr_r2: (s) => (s.sxx === 0 ? null : s.syy === 0 ? 1 : (s.sxy * s.sxy) / (s.sxx * s.syy)),
};
for (const [name, result] of Object.entries(PAIR_RESULTS)) pairs(name, result);
aggregate('regr_count(float8, float8) int8', { emptyResult: 0n }, () => new Counted());

// ---- min, max, booleans, bits ----

for (const name of [
  'int2',
  'int4',
  'int8',
  'oid',
  'float4',
  'float8',
  'numeric',
  'text',
  'bpchar',
  'date',
  'time',
  'timetz',
  'timestamp',
  'timestamptz',
  'interval',
]) {
  const type = typeByName(name)!;
  // Of equal values that look different (1.0 and 1.00) the last one stays, but of bpchar.
  const isNew = (order: number): boolean => (name === 'bpchar' ? order > 0 : order >= 0);
  fold(`min(${name}) ${name}`, (a: Value, b: Value) => (isNew(type.compare(a, b)) ? b : a));
  fold(`max(${name}) ${name}`, (a: Value, b: Value) => (isNew(type.compare(b, a)) ? b : a));
}
const ofArray =
  (sign: number): Init =>
  (call: CallInfo) => {
    const type = typeByOid(call.argOids[0]!);
    return new Fold<Value>((a, b) => (type.compare(b, a) * sign >= 0 ? b : a));
  };
for (const name of ['anyarray', 'anyenum']) {
  aggregate(`min(${name}) ${name}`, {}, ofArray(-1));
  aggregate(`max(${name}) ${name}`, {}, ofArray(1));
}
for (const name of ['bool_and', 'every']) fold(`${name}(bool) bool`, (a: boolean, b: boolean) => a && b);
fold('bool_or(bool) bool', (a: boolean, b: boolean) => a || b);
for (const type of ['int2', 'int4']) {
  fold(`bit_and(${type}) ${type}`, (a: number, b: number) => a & b);
  fold(`bit_or(${type}) ${type}`, (a: number, b: number) => a | b);
  fold(`bit_xor(${type}) ${type}`, (a: number, b: number) => a ^ b);
}
fold('bit_and(int8) int8', (a: bigint, b: bigint) => a & b);
fold('bit_or(int8) int8', (a: bigint, b: bigint) => a | b);
fold('bit_xor(int8) int8', (a: bigint, b: bigint) => a ^ b);

// ---- collections ----

/** Each piece with the delimiter that goes before it if it is not the first. */
class StringAgg extends Base<[delimiter: string, text: string][]> {
  step(args: readonly Datum[]): void {
    if (args[0] !== null) this.state.push([(args[1] as string | null) ?? '', args[0] as string]);
  }
  merge(other: [string, string][]): void {
    for (const piece of other) this.state.push(piece);
  }
  final(): Datum {
    if (this.state.length === 0) return null;
    return this.state.map(([delimiter, text], i) => (i === 0 ? text : delimiter + text)).join('');
  }
}
aggregate('string_agg(text, text) text', { strict: false }, () => new StringAgg([]));

class ByteaAgg extends Base<[Uint8Array | null, Uint8Array][]> {
  step(args: readonly Datum[]): void {
    if (args[0] !== null) this.state.push([args[1] as Uint8Array | null, args[0] as Uint8Array]);
  }
  merge(other: [Uint8Array | null, Uint8Array][]): void {
    for (const piece of other) this.state.push(piece);
  }
  final(): Datum {
    if (this.state.length === 0) return null;
    return Buffer.concat(
      this.state.flatMap(([delimiter, bytes], i) => (i === 0 || delimiter === null ? [bytes] : [delimiter, bytes])),
    );
  }
}
aggregate('string_agg(bytea, bytea) bytea', { strict: false }, () => new ByteaAgg([]));

abstract class ListAgg extends Base<Datum[]> {
  constructor() {
    super([]);
  }
  step(args: readonly Datum[], _ctx: ExecContext): void {
    this.state.push(args[0]!);
  }
  merge(other: Datum[]): void {
    for (const item of other) this.state.push(item);
  }
}
class ArrayAgg extends ListAgg {
  readonly #elementOid: number;
  constructor(elementOid: number) {
    super();
    this.#elementOid = elementOid;
  }
  final(): Datum {
    return this.state.length === 0 ? null : new PgArray(this.#elementOid, this.state);
  }
}
aggregate('array_agg(anynonarray) anyarray', { strict: false }, (call) => new ArrayAgg(call.argOids[0]!));

/** Arrays of one shape become one of a dimension more. */
class ArrayOfArrays extends ListAgg {
  final(): Datum {
    return this.state.length === 0 ? null : stackArrays(this.state as (PgArray | null)[]);
  }
}
aggregate('array_agg(anyarray) anyarray', { strict: false }, () => new ArrayOfArrays());

class JsonAgg extends Base<string[]> {
  readonly #oid: number;
  constructor(oid: number) {
    super([]);
    this.#oid = oid;
  }
  step(args: readonly Datum[], ctx: ExecContext): void {
    const value = args[0]!;
    const text = toJsonText(value, this.#oid, ctx);
    // As PostgreSQL: each array and each row but the first on a line of its own.
    const isLine = this.state.length > 0 && (value instanceof PgArray || value instanceof PgRecord);
    this.state.push(isLine ? `\n ${text}` : text);
  }
  merge(other: string[]): void {
    for (const item of other) this.state.push(item);
  }
  final(): Datum {
    return this.state.length === 0 ? null : `[${this.state.join(', ')}]`;
  }
}
aggregate('json_agg(anyelement) json', { strict: false }, (call) => new JsonAgg(call.argOids[0]!));

class JsonbAgg extends Base<JsonValue[]> {
  readonly #oid: number;
  constructor(oid: number) {
    super([]);
    this.#oid = oid;
  }
  step(args: readonly Datum[], ctx: ExecContext): void {
    this.state.push(toJsonValue(args[0]!, this.#oid, ctx));
  }
  merge(other: JsonValue[]): void {
    for (const item of other) this.state.push(item);
  }
  final(): Datum {
    return this.state.length === 0 ? null : new Jsonb(this.state);
  }
}
aggregate('jsonb_agg(anyelement) jsonb', { strict: false }, (call) => new JsonbAgg(call.argOids[0]!));

class ObjectAgg extends Base<[key: string, text: string, value: JsonValue][]> {
  readonly #oids: readonly number[];
  readonly #binary: boolean;
  constructor(oids: readonly number[], binary: boolean) {
    super([]);
    this.#oids = oids;
    this.#binary = binary;
  }
  step(args: readonly Datum[], ctx: ExecContext): void {
    if (args[0] === null) throw sqlError('22023', 'field name must not be null');
    const key = jsonKey(args[0] as Value, this.#oids[0]!, ctx);
    if (this.#binary) this.state.push([key, '', toJsonValue(args[1]!, this.#oids[1]!, ctx)]);
    else this.state.push([key, toJsonText(args[1]!, this.#oids[1]!, ctx), null]);
  }
  merge(other: [string, string, JsonValue][]): void {
    for (const item of other) this.state.push(item);
  }
  final(): Datum {
    if (this.state.length === 0) return null;
    if (this.#binary) return new Jsonb(makeJsonObject(this.state.map(([key, , value]) => [key, value] as const)));
    return `{ ${this.state.map(([key, text]) => `${toJsonText(key, OID.text, null)} : ${text}`).join(', ')} }`;
  }
}
aggregate('json_object_agg(any, any) json', { strict: false }, (call) => new ObjectAgg(call.argOids, false));
aggregate('jsonb_object_agg(any, any) jsonb', { strict: false }, (call) => new ObjectAgg(call.argOids, true));
