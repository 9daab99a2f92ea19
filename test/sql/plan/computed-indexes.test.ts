/** When a partial index or one on an expression is used, and when it must not be. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

let c: Client;
beforeAll(async () => {
  c = await Client.open(await startServer());
  await c.all(`
    CREATE TABLE t (id int PRIMARY KEY, a int, b bigint, s text, v varchar(10), f bool, d date, n numeric);
    CREATE TABLE o (k text PRIMARY KEY, x int);
  `);
});

async function plan(index: string, sql: string): Promise<string[]> {
  await c.all(`CREATE ${index.replace('INDEX', 'INDEX i')}`);
  try {
    return (await c.rows(`EXPLAIN (COSTS OFF) ${sql}`)).map((r) => r[0]!);
  } finally {
    await c.all('DROP INDEX i');
  }
}
const uses = async (index: string, sql: string): Promise<boolean> =>
  (await plan(index, sql)).some((line) => line.includes(' using i '));

describe('a partial index', () => {
  it.each<[string, string, boolean]>([
    // The same condition, however it is written.
    ['a > 5', 'a > 5', true],
    ['a > 5', '5 < a', true],
    ['f', 'f', true],
    ['f', 'f = true', true],
    ['f', 'f IS TRUE', true],
    ['f', 'NOT f', false],
    ['f', 'f IS NOT FALSE', false],
    ['f', 'f IS NOT NULL', false],
    ['f = true', 'f', true],
    ['NOT f', 'f = false', true],
    ['NOT f', 'f IS FALSE', true],
    ['NOT f', 'f IS NOT TRUE', false],
    ['f IS NOT TRUE', 'NOT f', false],
    ['NOT (f IS TRUE)', 'f = false', false],
    ["s LIKE 'x%'", "s LIKE 'x%'", true],
    ["s LIKE 'x%'", "s LIKE 'xy%'", false],
    ["v = 'x'", "v = 'x'", true],
    // Comparisons with constants.
    ['a > 5', 'a > 6', true],
    ['a > 5', 'a > 4', false],
    ['a > 5', 'a >= 5', false],
    ['a > 5', 'a >= 6', true],
    ['a > 5', 'a = 6', true],
    ['a > 5', 'a = 5', false],
    ['a > 5', 'a <> 5', false],
    ['a > 5', 'b > 6', false],
    ['a >= 5', 'a > 5', true],
    ['a >= 5', 'a > 4', false],
    ['a < 5', 'a < 5', true],
    ['a < 5', 'a <= 4', true],
    ['a < 5', 'a <= 5', false],
    ['a <= 5', 'a < 6', false],
    ['a <> 5', 'a > 5', true],
    ['a <> 5', 'a >= 5', false],
    ['a <> 5', 'a = 4', true],
    ['a <> 5', 'a <> 4', false],
    ['a = 5', 'a = 5', true],
    ['a = 5', 'a IN (5)', true],
    ['a = 5', 'a IN (5, 6)', false],
    ['b > 5', 'b > 6', true],
    ['b > 5', 'b > 6::bigint', true],
    ['n > 1.5', 'n > 2', true],
    ['n > 1.5', 'n > 1', false],
    ['n > 1.5', 'n > 2::float8', false],
    ["d > '2020-01-01'", "d > '2020-01-02'", true],
    ["d > '2020-01-01'", "d > '2019-12-31'", false],
    ["s > 'b'", "s = 'c'", true],
    ["s > 'b'", "s > 'a'", false],
    // Lists, AND, OR.
    ['a IN (1, 2, 3)', 'a IN (1, 3)', true],
    ['a IN (1, 2, 3)', 'a = 2', true],
    ['a IN (1, 2, 3)', "a = ANY ('{1,2}')", true],
    ['a IN (1, 2, 3)', 'a IN (3, 4)', false],
    ['a > 0', 'a IN (1, NULL)', true],
    ['a > 5 AND f', 'a > 5', false],
    ['a > 5 AND f', 'a > 7 AND f', true],
    ['a > 5 AND a < 10', 'a BETWEEN 6 AND 9', true],
    ['a > 5 AND a < 10', 'a BETWEEN 6 AND 10', false],
    ['a > 5 OR f', 'a > 6', true],
    ['a > 5 OR f', 'f', true],
    ['a > 5 OR f', 'a > 6 OR (f AND b > 1)', true],
    ['a > 5', 'a > 6 OR f', false],
    ['a > 5', 'a > 6 OR a = 9', true],
    // IS NOT NULL.
    ['a IS NOT NULL', 'a IS NOT NULL', true],
    ['a IS NOT NULL', 'a > 1', true],
    ['a IS NOT NULL', 'a + 1 = 3', true],
    ['a IS NOT NULL', 'a IN (1, 2)', true],
    ['a IS NOT NULL', 'a <> ALL (ARRAY[1])', false],
    ['a IS NOT NULL', 'coalesce(a, 1) = 1', false],
    ['a IS NOT NULL', 'a IS DISTINCT FROM 1', false],
    ['a IS NOT NULL', 'NOT (a > 3)', true],
    ['a IS NOT NULL', 'a > 3 OR f', false],
    ['s IS NOT NULL', "lower(s) LIKE 'x%'", true],
    ['lower(s) IS NOT NULL', "s = 'x'", false],
    ['v IS NOT NULL', "v = 'x'", true],
    ['f IS NOT NULL', 'f', true],
    ['f IS NOT NULL', 'NOT f', true],
    ['f IS NOT NULL', 'f IS UNKNOWN', false],
    ['a IS NULL', 'a IS NULL', true],
    ['a IS NULL', 'a IS NOT NULL', false],
    ['NULL', 'NULL::bool', false],
  ])('WHERE %s, asked for %s: %s', async (predicate, condition, expected) => {
    expect(await uses(`INDEX ON t (n) WHERE ${predicate}`, `SELECT * FROM t WHERE n = 1 AND (${condition})`)).toBe(
      expected,
    );
  });

  it('is not used for a condition that is known only when it is run', async () => {
    await c.all('CREATE INDEX i ON t (n) WHERE a > 5');
    await c.all('INSERT INTO t (id, a, n) VALUES (1, 4, 1), (2, 8, 1)');
    await c.run('SELECT id FROM t WHERE n = 1 AND a > $1', ['7'], 'p');
    expect((await c.run('', ['7'], 'p')).rows).toEqual([['2']]);
    expect((await c.run('', ['3'], 'p')).rows).toEqual([['1'], ['2']]);
    await c.all('DROP INDEX i; DELETE FROM t');
  });

  it('is read as a whole where the condition is its predicate, and serves ORDER BY', async () => {
    expect(await plan('INDEX ON t (d) WHERE f', 'SELECT * FROM t WHERE f')).toEqual([
      'Index Scan using i on t',
      '  Filter: f',
    ]);
    expect(await plan('INDEX ON t (d) WHERE f', 'SELECT * FROM t WHERE f ORDER BY d LIMIT 3')).not.toContainEqual(
      expect.stringContaining('Sort'),
    );
    expect(await uses('INDEX ON t (d) WHERE f', 'SELECT * FROM t ORDER BY d LIMIT 3')).toBe(false);
    expect(await uses('INDEX ON t (d) WHERE f', 'SELECT * FROM t WHERE f ORDER BY id LIMIT 3')).toBe(false);
    expect(await uses('INDEX ON t (d) WHERE f', 'SELECT * FROM t WHERE f ORDER BY id')).toBe(true);
    expect(await uses('INDEX ON t (d) WHERE f', 'SELECT max(d) FROM t WHERE f')).toBe(true);
    expect(await uses('INDEX ON t (d) WHERE f', 'SELECT max(d) FROM t')).toBe(false);
    expect(await uses('INDEX ON t (d) WHERE d IS NOT NULL', 'SELECT max(d) FROM t')).toBe(true);
  });

  it('is found from the other side of a join', async () => {
    expect(
      await uses('UNIQUE INDEX ON t (s) WHERE s IS NOT NULL', "SELECT * FROM o JOIN t ON t.s = o.k WHERE o.k = 'x'"),
    ).toBe(true);
    expect(
      await uses(
        'UNIQUE INDEX ON t (s) WHERE s IS NOT NULL',
        "SELECT * FROM o LEFT JOIN t ON t.s = o.k WHERE o.k = 'x'",
      ),
    ).toBe(true);
    expect(
      await uses('UNIQUE INDEX ON t (s) WHERE f', "SELECT * FROM o LEFT JOIN t ON t.s = o.k WHERE o.k = 'x'"),
    ).toBe(false);
    expect(
      await uses('UNIQUE INDEX ON t (s) WHERE f', "SELECT * FROM o LEFT JOIN t ON t.s = o.k AND t.f WHERE o.k = 'x'"),
    ).toBe(true);
  });
});

describe('an index on an expression', () => {
  it.each<[string, string, boolean]>([
    ['(lower(s))', "WHERE lower(s) = 'x'", true],
    ['(lower(s))', "WHERE 'x' = lower(t.s)", true],
    ['(lower(s))', "WHERE lower(s) IN ('x', 'y')", true],
    ['(lower(s))', "WHERE lower(s) > 'x' AND lower(s) <= 'z'", true],
    ['(lower(s))', 'WHERE lower(s) IS NULL', true],
    ['(lower(s))', "WHERE upper(s) = 'x'", false],
    ['(lower(s))', "WHERE s = 'x'", false],
    ['(lower(v))', "WHERE lower(v) = 'x'", true],
    ['(lower(v))', "WHERE lower(v::text) = 'x'", true],
    ['(lower(s))', 'ORDER BY lower(s) LIMIT 3', true],
    ['(lower(s) DESC)', 'ORDER BY lower(s) DESC LIMIT 3', true],
    ['(lower(s))', 'ORDER BY lower(s) DESC LIMIT 3', true],
    ['(lower(s))', 'ORDER BY lower(s) NULLS FIRST LIMIT 3', false],
    ['(lower(s), a)', "WHERE lower(s) = 'x' ORDER BY a LIMIT 3", true],
    ['(a, lower(s))', "WHERE a = 1 AND lower(s) > 'x'", true],
    ['((a + 1))', 'WHERE a + 1 = 3', true],
    ['((a + 1))', 'WHERE a + (2 - 1) = 3', true],
    ['((a + 1))', 'WHERE a + 2 = 3', false],
    ['((a + 1))', 'WHERE 1 + a = 3', false],
    ['((a + b))', 'WHERE a + b = 3', true],
    ['((a + b))', 'WHERE a + b = 3::numeric', false],
    ['((a > 3))', 'WHERE a > 3', true],
    ['((a IS NULL))', 'WHERE a IS NULL', true],
    ["(date_part('year', d::timestamp))", "WHERE date_part('year', d::timestamp) = 2020", true],
    ['(coalesce(s, v))', "WHERE coalesce(s, v) = 'x'", true],
    ['(lower(s)) WHERE f', "WHERE lower(s) = 'x'", false],
    ['(lower(s)) WHERE f', "WHERE lower(s) = 'x' AND f", true],
  ])('%s serves %s: %s', async (columns, query, expected) => {
    expect(await uses(`INDEX ON t ${columns}`, `SELECT * FROM t ${query}`)).toBe(expected);
  });

  it('is shown by EXPLAIN, and read by key if it is unique', async () => {
    expect(await plan('UNIQUE INDEX ON t (lower(s), a)', "SELECT * FROM t WHERE lower(s) = 'x' AND a = 2")).toEqual([
      'Index Scan using i on t',
      "  Index Cond: ((lower(s) = 'x'::text) AND (a = 2))",
      "  Filter: ((lower(s) = 'x'::text) AND (a = 2))",
    ]);
  });

  it('serves min and max', async () => {
    expect(await uses('INDEX ON t (lower(s))', 'SELECT max(lower(s)) FROM t')).toBe(true);
    expect(await uses('INDEX ON t (lower(s))', 'SELECT max(upper(s)) FROM t')).toBe(false);
  });

  it('serves a join', async () => {
    expect(
      await uses('UNIQUE INDEX ON t (lower(s))', "SELECT * FROM o JOIN t ON lower(t.s) = o.k WHERE o.k = 'x'"),
    ).toBe(true);
  });
});
