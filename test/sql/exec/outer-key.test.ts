/** Keys by which results are kept: of one type, each value has its own, alone and beside others. */
import { expect, it } from 'vitest';
import { keyOf } from '../../../src/sql/exec/outer-key.js';
import { type Datum, Interval, Numeric } from '../../../src/sql/types/datum.js';

it.each<[string, readonly Datum[]]>([
  ['texts', [null, '', 'n', 'a', 'b', 'ab', '1:a', 'a1:b', '1:n', '0:']],
  ['floats', [null, 0, -0, 1, -1, 11, 0.1, NaN, Infinity, -Infinity]],
  ['booleans', [null, true, false]],
  [
    'numerics',
    [
      null,
      new Numeric(10n, 1),
      new Numeric(100n, 2),
      new Numeric(1n, 0),
      new Numeric(10n, 0),
      new Numeric(0n, 0),
      new Numeric(0n, 0, 'nan'),
      new Numeric(0n, 0, 'inf'),
      new Numeric(0n, 0, '-inf'),
    ],
  ],
  [
    'intervals',
    [
      null,
      new Interval(1, 0, 0n),
      new Interval(0, 30, 0n),
      new Interval(0, 1, 0n),
      new Interval(0, 0, 1n),
      new Interval(0, 0, 0n),
    ],
  ],
])('%s', (_, values) => {
  const keys = new Set(values.flatMap((a) => values.map((b) => keyOf(a) + keyOf(b))));
  expect(keys.size).toBe(values.length ** 2);
  expect(new Set(values.map(keyOf)).size).toBe(values.length);
});
