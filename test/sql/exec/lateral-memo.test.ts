/** Lateral parts whose rows are kept by the values they depend on: the same rows as without, and each part is run once for each combination. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

let client: Client;
beforeAll(async () => {
  client = await Client.open(await startServer());
  await client.all(`
    CREATE TABLE a (id int PRIMARY KEY, k int, n numeric, f float8, t text);
    INSERT INTO a SELECT g, g % 5, CASE WHEN g % 3 > 0 THEN 1.0 ELSE 1.00 END, CASE WHEN g % 2 > 0 THEN float8 '0' ELSE float8 '-0' END, repeat('x', g % 4)
      FROM generate_series(1, 300) g;
    INSERT INTO a VALUES (301, NULL, NULL, NULL, NULL);
    CREATE TABLE b (k int, v int);
    INSERT INTO b SELECT g % 7, g FROM generate_series(1, 50) g;
    CREATE FUNCTION next() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT nextval('s') $$;
    CREATE SEQUENCE s`);
});

const value = async (sql: string): Promise<string | null> => (await client.rows(sql))[0]![0]!;
const loopsOf = async (sql: string, over: string): Promise<number> => {
  const plan = (await client.rows(`EXPLAIN ANALYZE ${sql}`)).map(([line]) => line).join('\n');
  return Number(new RegExp(`on ${over} .*loops=(\\d+)\\)`).exec(plan)?.[1]);
};

describe('a lateral part is run once for each combination of values', () => {
  it.each([
    [
      'an inner join',
      'SELECT sum(s.v) FROM a, LATERAL (SELECT v FROM b WHERE b.v > a.k ORDER BY v LIMIT 2) s',
      '2100',
      6,
    ],
    [
      'a left join',
      'SELECT count(*) FROM a LEFT JOIN LATERAL (SELECT v FROM b WHERE b.v < a.k ORDER BY v OFFSET 1) s ON true',
      '361',
      6,
    ],
    [
      'two columns',
      `SELECT sum(s.c) FROM a, LATERAL (SELECT count(*) AS c FROM b WHERE b.k < a.k + length(a.t)) s`,
      '7605',
      21,
    ],
    [
      'as it is written',
      'SELECT string_agg(DISTINCT s.x, $$ $$ ORDER BY s.x) FROM a, LATERAL (SELECT a.n || $$/$$ || min(v) AS x FROM b WHERE b.v > a.n) s',
      '1.0/2 1.00/2',
      3,
    ],
    [
      'signs of zero',
      'SELECT string_agg(DISTINCT s.x, $$ $$ ORDER BY s.x) FROM a, LATERAL (SELECT a.f::text || max(v) AS x FROM b WHERE b.v > a.f) s',
      '-050 050',
      3,
    ],
    [
      'asked further on each pair',
      'SELECT count(*) FROM a LEFT JOIN LATERAL (SELECT v FROM b WHERE b.v < a.k OFFSET 0) s ON s.v = a.id',
      '301',
      6,
    ],
    [
      'with a query of its own',
      'SELECT sum(s.c) FROM a, LATERAL (WITH w AS MATERIALIZED (SELECT v FROM b WHERE b.v > a.k) SELECT count(*) AS c FROM w) s',
      '14400',
      6,
    ],
    [
      'six columns',
      `SELECT sum(s.c) FROM (SELECT k, k + 1 AS l, k + 2 AS m, k + 3 AS n, k + 4 AS o, k + 5 AS p FROM a OFFSET 0) a,
        LATERAL (SELECT count(*) AS c FROM b WHERE b.v > a.k + a.l + a.m + a.n + a.o + a.p) s`,
      '6900',
      6,
    ],
  ])('%s', async (_, sql, expected, runs) => {
    expect(await value(sql)).toBe(expected);
    const loops = await loopsOf(sql, 'b');
    expect(loops).toBeGreaterThan(1);
    expect(loops).toBeLessThanOrEqual(runs);
  });
});

describe('and each time where that may give other rows', () => {
  it('volatile functions', async () => {
    expect(
      await value(
        'SELECT count(DISTINCT s.x) FROM a, LATERAL (SELECT next() AS x FROM b WHERE b.v = a.k + 1 OFFSET 0) s',
      ),
    ).toBe('300');
  });

  it('rows that are locked', async () => {
    const sql =
      'SELECT count(*) FROM (SELECT s.v FROM a, LATERAL (SELECT v FROM b WHERE b.v = a.k + 1 FOR UPDATE) s) x';
    expect(await value(sql)).toBe('300');
  });

  it('a recursion that goes on', async () => {
    expect(
      await value(`WITH RECURSIVE r (i, n) AS (
        SELECT 1, 1 UNION ALL
        SELECT r.i + 1, s.n::int FROM r, LATERAL (SELECT count(*) + r.i AS n FROM b WHERE b.v > r.i) s WHERE r.i < 5
      ) SELECT string_agg(n::text, ',' ORDER BY i) FROM r`),
    ).toBe('1,50,50,50,50');
  });

  it('values of which a text does not tell all', async () => {
    await client.all(`
      CREATE TABLE l AS SELECT g % 3 AS k, ARRAY[g] AS l, int4range(0, g) AS r, jsonb_build_object('g', g) AS j FROM generate_series(1, 50) g`);
    for (const at of ['l.l[1]', 'upper(l.r)', "(l.j->>'g')::int"]) {
      const part = (more: string): string => `(SELECT count(*) AS c FROM b WHERE b.v <= ${at} ${more} OFFSET 0)`;
      expect(await value(`SELECT sum(s.c) FROM l, LATERAL ${part('')} s`)).toBe('1275');
      expect(await value(`SELECT sum(s.c) FROM l, LATERAL ${part('AND l.k < 3')} s`)).toBe('1275');
    }
  });

  it('a WITH query of outside that is made anew for each row', async () => {
    const sql = `SELECT string_agg(o.x::text, ',' ORDER BY g) FROM generate_series(1, 4) g, LATERAL (
      WITH w AS MATERIALIZED (SELECT v + g * 100 AS v FROM b WHERE v < 4)
      SELECT sum(s.m) AS x FROM a, LATERAL (SELECT max(w.v) AS m FROM w WHERE w.v > a.k) s) o`;
    expect(await value(sql)).toBe('30900,60900,90900,120900');
  });

  it('what is further outside', async () => {
    const sql = `SELECT string_agg(o.x::text, ',' ORDER BY g) FROM generate_series(1, 4) g,
      LATERAL (SELECT sum(s.v) AS x FROM a, LATERAL (SELECT v FROM b WHERE b.v > a.k + g * 10 ORDER BY v LIMIT 1) s) o`;
    expect(await value(sql)).toBe('3900,6900,9900,12900');
  });
});

it('values that hardly come again are given up, and the rows are those of each', async () => {
  await client.all('CREATE TABLE many AS SELECT g AS id FROM generate_series(1, 3000) g');
  expect(
    await value('SELECT sum(s.x) FROM many, LATERAL (SELECT max(v) + many.id AS x FROM b WHERE b.v <= many.id) s'),
  ).toBe(String((3000 * 3001) / 2 + (50 * 51) / 2 + 2950 * 50));
});

it('what is kept is bounded', async () => {
  await client.all("SET statement_memory_limit = '1MB'");
  const sql = `SELECT sum(length(s.p)) FROM generate_series(1, 2) r, generate_series(1, 200) g,
    LATERAL (SELECT repeat('x', 10000) || g AS p, v FROM b WHERE b.v = 1 + g * 0 ORDER BY v) s`;
  expect(await value(sql)).toBe('4000984');
  await client.all('RESET statement_memory_limit');
});
