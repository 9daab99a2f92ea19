/** What ranges and multiranges are asked: a range is here the list of itself, an empty one no list at all. */
import { sqlError } from '../../base/errors.js';
import { PgRange } from './datum.js';
import type { Datum, PgMultirange } from './datum.js';
import { compareBounds, compareBoundValues, EMPTY_RANGE, lowerOf, makeRange, upperOf } from './range.js';
import type { Bound, RangeKind } from './range.js';

/** Ranges in order that do not touch. */
export type Ranges = readonly PgRange[];

export function rangesOf(v: PgRange | PgMultirange): Ranges {
  if (!(v instanceof PgRange)) return v.ranges;
  return v.empty ? [] : [v];
}

export function overlap(kind: RangeKind, a: PgRange, b: PgRange): boolean {
  return compareBounds(kind, lowerOf(a), upperOf(b)) <= 0 && compareBounds(kind, lowerOf(b), upperOf(a)) <= 0;
}

/** No value lies between the upper bound of one and the lower one of the other, and none is in both. */
function boundsTouch(kind: RangeKind, upper: Bound, lower: Bound): boolean {
  const order = compareBoundValues(kind, upper, lower);
  if (order === 0) return upper.inclusive !== lower.inclusive;
  if (order > 0 || kind.next === null) return false;
  return makeRange(
    kind,
    { value: upper.value, inclusive: !upper.inclusive, isLower: true },
    { value: lower.value, inclusive: !lower.inclusive, isLower: false },
  ).empty;
}
export function areAdjacent(kind: RangeKind, a: PgRange, b: PgRange): boolean {
  return boundsTouch(kind, upperOf(a), lowerOf(b)) || boundsTouch(kind, upperOf(b), lowerOf(a));
}

/** The smallest range that has all of them; they need not be in order. Of equal bounds it has the last one. */
export function spanOf(kind: RangeKind, ranges: Ranges): PgRange {
  if (ranges.length === 0) return EMPTY_RANGE;
  let lower = lowerOf(ranges[0]!);
  let upper = upperOf(ranges[0]!);
  for (const range of ranges) {
    if (compareBounds(kind, lowerOf(range), lower) <= 0) lower = lowerOf(range);
    if (compareBounds(kind, upperOf(range), upper) >= 0) upper = upperOf(range);
  }
  return new PgRange(lower.value, upper.value, lower.inclusive, upper.inclusive);
}

function contains(kind: RangeKind, a: PgRange, b: PgRange): boolean {
  return compareBounds(kind, lowerOf(a), lowerOf(b)) <= 0 && compareBounds(kind, upperOf(a), upperOf(b)) >= 0;
}

export function containsAll(kind: RangeKind, a: Ranges, b: Ranges): boolean {
  return b.every((part) => a.some((range) => contains(kind, range, part)));
}

export function containsValue(kind: RangeKind, a: Ranges, value: Exclude<Datum, null>): boolean {
  const one = new PgRange(value, value, true, true);
  return a.some((range) => contains(kind, range, one));
}

export function anyOverlap(kind: RangeKind, a: Ranges, b: Ranges): boolean {
  return a.some((x) => b.some((y) => overlap(kind, x, y)));
}

/** Of the last upper and the first lower bounds; an empty side compares as false. */
function compareEnds(
  a: Ranges,
  b: Ranges,
  test: (a: PgRange, b: PgRange) => boolean,
  pick: readonly [a: 'first' | 'last', b: 'first' | 'last'],
): boolean {
  if (a.length === 0 || b.length === 0) return false;
  return test(pick[0] === 'first' ? a[0]! : a.at(-1)!, pick[1] === 'first' ? b[0]! : b.at(-1)!);
}
export function isBefore(kind: RangeKind, a: Ranges, b: Ranges): boolean {
  return compareEnds(a, b, (x, y) => compareBounds(kind, upperOf(x), lowerOf(y)) < 0, ['last', 'first']);
}
/** Does not reach further right than b. */
export function endsWithin(kind: RangeKind, a: Ranges, b: Ranges): boolean {
  return compareEnds(a, b, (x, y) => compareBounds(kind, upperOf(x), upperOf(y)) <= 0, ['last', 'last']);
}
/** Does not reach further left than b. */
export function startsWithin(kind: RangeKind, a: Ranges, b: Ranges): boolean {
  return compareEnds(a, b, (x, y) => compareBounds(kind, lowerOf(x), lowerOf(y)) >= 0, ['first', 'first']);
}
export function touch(kind: RangeKind, a: Ranges, b: Ranges): boolean {
  return (
    compareEnds(a, b, (x, y) => boundsTouch(kind, upperOf(x), lowerOf(y)), ['last', 'first']) ||
    compareEnds(b, a, (x, y) => boundsTouch(kind, upperOf(x), lowerOf(y)), ['last', 'first'])
  );
}

/** @throws QuoralError 22000 unless they overlap or touch. */
export function unionRanges(kind: RangeKind, a: PgRange, b: PgRange): PgRange {
  if (a.empty) return b;
  if (b.empty) return a;
  if (!overlap(kind, a, b) && !areAdjacent(kind, a, b))
    throw sqlError('22000', 'result of range union would not be contiguous');
  return spanOf(kind, [a, b]);
}

export function intersectRanges(kind: RangeKind, a: PgRange, b: PgRange): PgRange {
  if (a.empty || b.empty || !overlap(kind, a, b)) return EMPTY_RANGE;
  const lower = compareBounds(kind, lowerOf(a), lowerOf(b)) >= 0 ? lowerOf(a) : lowerOf(b);
  const upper = compareBounds(kind, upperOf(a), upperOf(b)) <= 0 ? upperOf(a) : upperOf(b);
  return makeRange(kind, lower, upper);
}

/** What of `a` lies left and what right of `b`; null: nothing. */
function remainders(kind: RangeKind, a: PgRange, b: PgRange): readonly [left: PgRange | null, right: PgRange | null] {
  const left =
    compareBounds(kind, lowerOf(a), lowerOf(b)) >= 0
      ? null
      : makeRange(kind, lowerOf(a), { value: b.lower, inclusive: !b.lowerInclusive, isLower: false });
  const right =
    compareBounds(kind, upperOf(a), upperOf(b)) <= 0
      ? null
      : makeRange(kind, { value: b.upper, inclusive: !b.upperInclusive, isLower: true }, upperOf(a));
  return [left, right];
}

/** @throws QuoralError 22000 if two pieces would be left. */
export function subtractRanges(kind: RangeKind, a: PgRange, b: PgRange): PgRange {
  if (a.empty || b.empty) return a;
  if (!overlap(kind, a, b)) return a;
  const [left, right] = remainders(kind, a, b);
  if (left !== null && right !== null) throw sqlError('22000', 'result of range difference would not be contiguous');
  return left ?? right ?? EMPTY_RANGE;
}

/** Both are in order, and so is what is left. */
export function subtractAll(kind: RangeKind, a: Ranges, b: Ranges): PgRange[] {
  const out: PgRange[] = [];
  let at = 0;
  for (const range of a) {
    let rest: PgRange | null = range;
    while (rest !== null && at < b.length) {
      const part: PgRange = b[at]!;
      if (overlap(kind, rest, part)) {
        const [left, right] = remainders(kind, rest, part);
        if (left !== null) out.push(left);
        rest = right;
        // The part may reach into the next range.
        if (right === null) break;
      } else if (compareBounds(kind, lowerOf(part), lowerOf(rest)) > 0) break;
      at++;
    }
    if (rest !== null) out.push(rest);
  }
  return out;
}

/** Both are in order. */
export function intersectAll(kind: RangeKind, a: Ranges, b: Ranges): PgRange[] {
  const out: PgRange[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [x, y] = [a[i]!, b[j]!];
    if (overlap(kind, x, y)) out.push(intersectRanges(kind, x, y));
    if (compareBounds(kind, upperOf(x), upperOf(y)) < 0) i++;
    else j++;
  }
  return out;
}
