/** Plans whose constants are much larger than their text are not kept for others. */
import { beforeAll, expect, it } from 'vitest';
import type { CatalogSnapshot, PlannerSettings } from '../../../src/sql/contract.js';
import { initParser, parseSql } from '../../../src/sql/parse/parser.js';
import { heldBytes } from '../../../src/sql/plan/held-bytes.js';
import { createPlanner } from '../../../src/sql/plan/planner.js';
import { STORED_FORMAT } from '../../../src/sql/types/stored-format.js';

beforeAll(() => initParser());

const SETTINGS: PlannerSettings = { format: STORED_FORMAT, user: 'postgres', database: 'postgres' };
const EMPTY: CatalogSnapshot = {
  database: 'postgres',
  searchPath: [],
  relation: () => null,
  type: () => null,
  routines: () => null,
} as CatalogSnapshot;

const planner = createPlanner();
const cacheable = (sql: string): boolean => planner.compile(parseSql(sql)[0]!, [], EMPTY, SETTINGS).cacheable;

it.each([
  `repeat('x', 100000)`,
  `repeat('9', 200000)::numeric`,
  `decode(repeat('00', 100000), 'hex')`,
  `repeat('1', 1000000)::bit varying`,
  `string_to_array(repeat('a,', 5000), ',')`,
  `ARRAY[repeat('x', 100000)]::varchar[]`,
  `('[' || repeat('1,', 10000) || '1]')::jsonb`,
  `jsonb_build_object('a', repeat('x', 100000))`,
  `int4range(1, 2) = int4range(3, 4) OR repeat('x', 100000) > current_user`,
  // Each is small enough, and what stands last is nothing.
  `repeat('x', 40000), repeat('y', 40000), 1`,
])('%s', (expression) => expect(cacheable(`SELECT ${expression}`)).toBe(false));

it.each([
  `repeat('x', 10000)`,
  `'{"a": [1, 2]}'::jsonb`,
  `ARRAY[1, 2, 3]`,
  `1e300::numeric`,
  `now()`,
  `'(1,2)'::int4range`,
])('but %s', (expression) => expect(cacheable(`SELECT ${expression}`)).toBe(true));

it('counts the digits of large numbers by their bits', () => {
  expect(heldBytes(1n << 80_000n, 1_000_000)).toBeGreaterThan(10_000);
  expect(heldBytes(1n << 80_000n, 1_000_000)).toBeLessThan(11_000);
  expect(heldBytes(7n, 1_000_000)).toBeLessThan(100);
});

it('counts what stands within maps, lists and rows', () => {
  const long = 'x'.repeat(5_000);
  for (const value of [new Map([['a', long]]), new Map([[long, 'a']]), [[long]], { a: { b: [long] } }])
    expect(heldBytes(value as never, 1_000_000)).toBeGreaterThan(5_000);
  // No further than is asked.
  expect(heldBytes([long, long, long, long] as never, 6_000)).toBeLessThan(11_000);
});
