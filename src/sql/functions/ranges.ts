/** Operators, functions and aggregates of ranges and multiranges. */
import { sqlError } from '../../base/errors.js';
import { PgMultirange } from '../types/datum.js';
import type { Datum, PgArray, PgRange } from '../types/datum.js';
import { makeMultirange } from '../types/multirange.js';
import {
  anyOverlap,
  containsAll,
  containsValue,
  endsWithin,
  intersectAll,
  intersectRanges,
  isBefore,
  rangesOf,
  spanOf,
  startsWithin,
  subtractAll,
  subtractRanges,
  touch,
  unionRanges,
} from '../types/range-math.js';
import type { Ranges } from '../types/range-math.js';
import { makeRange, RANGE_OIDS, rangeKind } from '../types/range.js';
import type { RangeKind } from '../types/range.js';
import { typeByOid } from '../types/registry.js';
import type { ExecContext } from '../contract.js';
import { aggregate, fn, op, srf } from './define.js';
import type { Accumulator, CallInfo, Value } from './entry.js';

type Either = PgRange | PgMultirange;
const KINDS = ['anyrange', 'anymultirange'] as const;

/** Each of the two kinds against each. */
function relation(symbol: string, test: (kind: RangeKind, a: Ranges, b: Ranges) => boolean): void {
  for (const left of KINDS) {
    for (const right of KINDS) {
      op(`${left} ${symbol} ${right} = bool`, (a: Either, b: Either, _ctx: ExecContext, call: CallInfo) =>
        test(rangeKind(call.argOids[0]!), rangesOf(a), rangesOf(b)),
      );
    }
  }
}
relation('@>', containsAll);
relation('<@', (kind, a, b) => containsAll(kind, b, a));
relation('&&', anyOverlap);
relation('<<', isBefore);
relation('>>', (kind, a, b) => isBefore(kind, b, a));
relation('&<', endsWithin);
relation('&>', startsWithin);
relation('-|-', touch);

for (const type of KINDS) {
  op(`${type} @> anyelement = bool`, (a: Either, v: Value, _ctx: ExecContext, call: CallInfo) =>
    containsValue(rangeKind(call.argOids[0]!), rangesOf(a), v),
  );
  op(`anyelement <@ ${type} = bool`, (v: Value, a: Either, _ctx: ExecContext, call: CallInfo) =>
    containsValue(rangeKind(call.argOids[1]!), rangesOf(a), v),
  );
}

function rangeOperator(symbol: string, f: (kind: RangeKind, a: PgRange, b: PgRange) => PgRange): void {
  op(`anyrange ${symbol} anyrange = anyrange`, (a: PgRange, b: PgRange, _ctx: ExecContext, call: CallInfo) =>
    f(rangeKind(call.argOids[0]!), a, b),
  );
}
rangeOperator('+', unionRanges);
rangeOperator('*', intersectRanges);
rangeOperator('-', subtractRanges);

function multirangeOperator(symbol: string, f: (kind: RangeKind, a: Ranges, b: Ranges) => readonly PgRange[]): void {
  op(
    `anymultirange ${symbol} anymultirange = anymultirange`,
    (a: PgMultirange, b: PgMultirange, _ctx: ExecContext, call: CallInfo) => {
      const kind = rangeKind(call.argOids[0]!);
      return makeMultirange(kind, f(kind, a.ranges, b.ranges));
    },
  );
}
multirangeOperator('+', (_kind, a, b) => [...a, ...b]);
multirangeOperator('*', intersectAll);
multirangeOperator('-', subtractAll);

// ---- parts ----

/** The range from the first lower to the last upper bound; null if there is none. */
function ends(v: Either): { readonly first: PgRange; readonly last: PgRange } | null {
  const ranges = rangesOf(v);
  return ranges.length === 0 ? null : { first: ranges[0]!, last: ranges.at(-1)! };
}
for (const type of KINDS) {
  fn(`lower(${type}) anyelement`, (v: Either) => ends(v)?.first.lower ?? null);
  fn(`upper(${type}) anyelement`, (v: Either) => ends(v)?.last.upper ?? null);
  fn(`isempty(${type}) bool`, (v: Either) => ends(v) === null);
  fn(`lower_inc(${type}) bool`, (v: Either) => ends(v)?.first.lowerInclusive === true);
  fn(`upper_inc(${type}) bool`, (v: Either) => ends(v)?.last.upperInclusive === true);
  fn(`lower_inf(${type}) bool`, (v: Either) => ends(v)?.first.lower === null);
  fn(`upper_inf(${type}) bool`, (v: Either) => ends(v)?.last.upper === null);
}
fn('range_merge(anyrange, anyrange) anyrange', (a: PgRange, b: PgRange, _ctx: ExecContext, call: CallInfo) =>
  spanOf(rangeKind(call.argOids[0]!), [...rangesOf(a), ...rangesOf(b)]),
);
fn('range_merge(anymultirange) anyrange', (v: PgMultirange, _ctx: ExecContext, call: CallInfo) =>
  spanOf(rangeKind(call.argOids[0]!), v.ranges),
);
fn('multirange(anyrange) anymultirange', (v: PgRange) => new PgMultirange(rangesOf(v)));
srf('unnest(anymultirange) anyrange', (v: PgMultirange) => v.ranges);

// ---- constructors ----

export function constructRange(kind: RangeKind, lower: Datum, upper: Datum, flags: Datum): PgRange {
  if (flags === null) throw sqlError('22000', 'range constructor flags argument must not be null');
  const text = flags as string;
  if (!/^[[(][\])]$/.test(text)) {
    throw sqlError('42601', 'invalid range bound flags', {
      hint: 'Valid values are "[]", "[)", "(]", and "()".',
    });
  }
  return makeRange(
    kind,
    { value: lower, inclusive: text[0] === '[', isLower: true },
    { value: upper, inclusive: text[1] === ']', isLower: false },
  );
}

export function constructMultirange(kind: RangeKind, list: PgArray): PgMultirange {
  if (list.dims.length > 1) throw sqlError('21000', 'multiranges cannot be constructed from multidimensional arrays');
  if (list.elements.includes(null)) throw sqlError('22004', 'multirange values cannot contain null members');
  return makeMultirange(kind, list.elements as PgRange[]);
}

for (const [rangeOid, multirangeOid, elementOid] of RANGE_OIDS) {
  const range = typeByOid(rangeOid).name;
  const multirange = typeByOid(multirangeOid).name;
  const element = typeByOid(elementOid).name;
  const kind = rangeKind(rangeOid);
  const loose = { strict: false };
  fn(`${range}(${element}, ${element}) ${range}`, (a: Datum, b: Datum) => constructRange(kind, a, b, '[)'), loose);
  fn(
    `${range}(${element}, ${element}, text) ${range}`,
    (a: Datum, b: Datum, flags: Datum) => constructRange(kind, a, b, flags),
    loose,
  );
  fn(`${multirange}() ${multirange}`, () => new PgMultirange([]));
  fn(`${multirange}(${range}) ${multirange}`, (v: PgRange) => new PgMultirange(rangesOf(v)));
  // A NULL in the list is an error, though the function itself is strict.
  fn(
    `${multirange}(variadic _${range}) ${multirange}`,
    ([list]: readonly Datum[]) => (list === null ? null : constructMultirange(kind, list as PgArray)),
    loose,
  );
}

// ---- aggregates ----

class Collected implements Accumulator {
  readonly #kind: RangeKind;
  #ranges: PgRange[] = [];
  #seen = false;
  constructor(kind: RangeKind) {
    this.#kind = kind;
  }
  step(args: readonly Datum[]): void {
    this.#seen = true;
    this.#ranges.push(...rangesOf(args[0] as Either));
    // What overlaps is one range from now and then, so that long inputs need little memory.
    if (this.#ranges.length >= 1024 && (this.#ranges.length & (this.#ranges.length - 1)) === 0) this.#shrink();
  }
  combine(other: Accumulator): void {
    const { ranges, seen } = (other as Collected).#parts();
    this.#seen ||= seen;
    this.#ranges.push(...ranges);
  }
  final(): Datum {
    return this.#seen ? this.#shrink() : null;
  }
  #parts(): { readonly ranges: readonly PgRange[]; readonly seen: boolean } {
    return { ranges: this.#ranges, seen: this.#seen };
  }
  #shrink(): PgMultirange {
    const merged = makeMultirange(this.#kind, this.#ranges);
    this.#ranges = [...merged.ranges];
    return merged;
  }
}

class Intersection<T extends Either> implements Accumulator {
  readonly #both: (a: T, b: T) => T;
  #state: T | null = null;
  constructor(both: (a: T, b: T) => T) {
    this.#both = both;
  }
  step(args: readonly Datum[]): void {
    this.#take(args[0] as T);
  }
  combine(other: Accumulator): void {
    const state = (other as Intersection<T>).#state;
    if (state !== null) this.#take(state);
  }
  final(): Datum {
    return this.#state;
  }
  #take(v: T): void {
    this.#state = this.#state === null ? v : this.#both(this.#state, v);
  }
}

const kindOf = (call: CallInfo): RangeKind => rangeKind(call.argOids[0]!);
aggregate('range_agg(anyrange) anymultirange', {}, (call) => new Collected(kindOf(call)));
aggregate('range_agg(anymultirange) anymultirange', {}, (call) => new Collected(kindOf(call)));
aggregate('range_intersect_agg(anyrange) anyrange', {}, (call) => {
  const kind = kindOf(call);
  return new Intersection<PgRange>((a, b) => intersectRanges(kind, a, b));
});
aggregate('range_intersect_agg(anymultirange) anymultirange', {}, (call) => {
  const kind = kindOf(call);
  return new Intersection<PgMultirange>((a, b) => makeMultirange(kind, intersectAll(kind, a.ranges, b.ranges)));
});
