/** Keys of bit strings, addresses, ranges and jsonb: for random values, the order of the bytes is the order of the values. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BitString, Inet, Numeric } from '../../../src/sql/types/datum.js';
import type { Datum, PgMultirange, PgRange } from '../../../src/sql/types/datum.js';
import { parseBits } from '../../../src/sql/types/bit-string.js';
import { jsonbInput } from '../../../src/sql/types/json.js';
import { makeMultirange } from '../../../src/sql/types/multirange.js';
import { containsValue, intersectRanges, rangesOf, subtractAll } from '../../../src/sql/types/range-math.js';
import { EMPTY_RANGE, makeRange, rangeKind } from '../../../src/sql/types/range.js';
import { typeByName } from '../../../src/sql/types/registry.js';
import { FORMAT } from '../functions/evaluate.js';

type Value = Exclude<Datum, null>;
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const bits = fc.string({ unit: fc.constantFrom('0', '1'), maxLength: 20 }).map(parseBits);

/** Few different bytes, so that addresses share prefixes. */
function addresses(length: number): fc.Arbitrary<Inet> {
  const byte = fc.constantFrom(0, 1, 127, 128, 255);
  return fc
    .tuple(
      fc.uint8Array({ minLength: length, maxLength: length }),
      fc.array(byte, { minLength: length, maxLength: length }),
      fc.boolean(),
      fc.nat(length * 8),
    )
    .map(([any, few, useFew, prefix]) => new Inet(useFew ? Uint8Array.from(few) : any, prefix));
}
const inet = fc.oneof(addresses(4), addresses(16));

/** Bounds are few, so that ranges share them; null is infinite. */
function ranges(name: string, element: fc.Arbitrary<Datum>): fc.Arbitrary<PgRange> {
  const kind = rangeKind(typeByName(name)!.oid);
  const bound = fc.option(element, { freq: 6 });
  return fc.tuple(bound, bound, fc.boolean(), fc.boolean(), fc.nat(20)).map(([a, b, lower, upper, empty]) => {
    const swapped = a !== null && b !== null && kind.element.compare(a, b) > 0;
    return empty === 0
      ? EMPTY_RANGE
      : makeRange(
          kind,
          { value: swapped ? b : a, inclusive: lower, isLower: true },
          { value: swapped ? a : b, inclusive: upper, isLower: false },
        );
  });
}
const few = fc.integer({ min: -4, max: 4 });
const int4range = ranges('int4range', few);
const numrange = ranges(
  'numrange',
  fc.tuple(few, fc.nat(2)).map(([n, scale]) => new Numeric(BigInt(n), scale)),
);
const multirange = (name: string, range: fc.Arbitrary<PgRange>): fc.Arbitrary<PgMultirange> =>
  fc.array(range, { maxLength: 4 }).map((list) => makeMultirange(rangeKind(typeByName(name)!.oid), list));

/** Few scalars, nested: documents share prefixes. */
const jsonb = fc
  .letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom('null', 'true', 'false', '-1', '0', '1', '1.0', '1e3', '""', '"a"', '"b"', '"\\u00e9"'),
      fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
      fc
        .uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'aa', ''), tie('value')), {
          maxLength: 3,
          selector: ([key]) => key,
        })
        .map((members) => `{${members.map(([key, value]) => `"${key}":${String(value)}`).join(',')}}`),
    ),
  }))
  .value.map((text) => jsonbInput(text as string));

const GENERATORS: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  jsonb,
  bit: bits,
  varbit: bits,
  inet,
  int4range,
  numrange,
  int4multirange: multirange('int4multirange', int4range),
  nummultirange: multirange('nummultirange', numrange),
};

describe.each(Object.keys(GENERATORS))('random values of %s', (name) => {
  const type = typeByName(name)!;
  const generate = GENERATORS[name]!;

  it('have keys in the order of the values, none of which begins another', () => {
    fc.assert(
      fc.property(generate, generate, (a, b) => {
        const x = type.encodeKey!(a);
        const y = type.encodeKey!(b);
        expect(order(x, y)).toBe(type.compare(a, b));
        expect(type.hashKey(a) === type.hashKey(b)).toBe(x === y);
        if (x !== y) expect(x.startsWith(y) || y.startsWith(x)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it('come back from text and from the wire', () => {
    fc.assert(
      fc.property(generate, (a) => {
        expect(type.compare(type.input(type.output(a, FORMAT), -1, FORMAT) as Value, a)).toBe(0);
        expect(type.compare(type.receive(Buffer.from(type.send(a)), -1) as Value, a)).toBe(0);
      }),
    );
  });
});

it('bits past the length of a received bit string count for nothing', () => {
  const received = typeByName('bit')!.receive(Buffer.of(0, 0, 0, 3, 0xff), -1);
  expect(received).toEqual(new BitString(3, Uint8Array.of(0xe0)));
});

describe('sets of integers', () => {
  const kind = rangeKind(typeByName('int4range')!.oid);
  const has = (list: readonly PgRange[], n: number): boolean => containsValue(kind, list, n);
  const PROBES = Array.from({ length: 15 }, (_, i) => i - 7);

  it('a range has what its operations say', () => {
    fc.assert(
      fc.property(int4range, int4range, (a, b) => {
        const both = rangesOf(intersectRanges(kind, a, b));
        for (const n of PROBES) expect(has(both, n)).toBe(has(rangesOf(a), n) && has(rangesOf(b), n));
      }),
      { numRuns: 1000 },
    );
  });

  it('a multirange has what its operations say, in ranges that do not touch', () => {
    const multi = multirange('int4multirange', int4range);
    fc.assert(
      fc.property(multi, multi, (a, b) => {
        const union = makeMultirange(kind, [...a.ranges, ...b.ranges]).ranges;
        const rest = makeMultirange(kind, subtractAll(kind, a.ranges, b.ranges)).ranges;
        for (const n of PROBES) {
          expect(has(union, n)).toBe(has(a.ranges, n) || has(b.ranges, n));
          expect(has(rest, n)).toBe(has(a.ranges, n) && !has(b.ranges, n));
        }
        for (const [i, range] of union.entries()) {
          const next = union[i + 1];
          if (next !== undefined) expect(range.upper! < next.lower!).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
