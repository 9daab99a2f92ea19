/** Scans that a statement begins for each row of another: the same rows as without, and a table that is read about once. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

let client: Client;
beforeAll(async () => {
  client = await Client.open(await startServer());
  await client.all(`
    CREATE TABLE a (k int, n int, t text);
    CREATE TABLE b (k int, n int, t text);
    INSERT INTO a SELECT g % 50, g, 't' || g FROM generate_series(1, 300) g;
    INSERT INTO b SELECT g % 50, g, 't' || g FROM generate_series(1, 300) g;
    INSERT INTO a VALUES (NULL, 301, NULL);
    INSERT INTO b VALUES (NULL, 301, 'null'), (7, NULL, NULL);
    CREATE TABLE m (k int, n int);
    INSERT INTO m SELECT g % 7, g FROM generate_series(1, 60) g`);
});

const value = async (sql: string): Promise<string | null> => (await client.rows(sql))[0]![0]!;
const rowsRead = async (): Promise<number> =>
  Number(await value("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'b'"));

/** What the query gives, and how many rows of b were read for it. */
async function asked(sql: string): Promise<readonly [string | null, number]> {
  const before = await rowsRead();
  const found = await value(sql);
  return [found, (await rowsRead()) - before];
}

/** b is read twice as a whole before its rows are kept. */
const READ_MAX = 3 * 302;

describe('of correlated subqueries', () => {
  it.each([
    ['SELECT sum((SELECT count(*) FROM b WHERE b.k = a.k)) FROM a', '1806'],
    ['SELECT sum((SELECT count(*) FROM b WHERE a.k = b.k AND b.n = a.n)) FROM a', '300'],
    ['SELECT sum((SELECT b.n FROM b WHERE b.k = a.k AND b.n > a.n ORDER BY b.n LIMIT 1)) FROM a', '43875'],
    ['SELECT count(*) FROM a WHERE EXISTS (SELECT FROM b WHERE b.k = a.k AND b.n = a.n + 50) OR a.n = 299', '251'],
    ["SELECT count(*) FROM a WHERE a.n IN (SELECT b.n FROM b WHERE b.k = a.k) OR a.t = 't0'", '300'],
    ['SELECT count(*) FROM a WHERE a.n NOT IN (SELECT b.n FROM b WHERE b.k = a.k + 1)', '295'],
    ['SELECT count(*) FROM a WHERE a.n > ALL (SELECT b.n FROM b WHERE b.k = a.k AND b.n < 100)', '202'],
    ['SELECT count(*) FROM a, LATERAL (SELECT n FROM b WHERE b.k = a.k ORDER BY n DESC NULLS LAST LIMIT 2) x', '600'],
    ['SELECT count(x.n) FROM a LEFT JOIN LATERAL (SELECT n FROM b WHERE b.k = a.k LIMIT 1) x ON true', '300'],
    ["SELECT sum((SELECT count(*) FROM b WHERE b.k = a.k AND b.t < 't2' AND b.n IS NOT NULL)) FROM a", '666'],
  ])('%s', async (sql, expected) => {
    const [found, read] = await asked(sql);
    expect(found).toBe(expected);
    expect(read).toBeLessThanOrEqual(READ_MAX);
  });

  it('without an equality rows are kept as well', async () => {
    const [found, read] = await asked('SELECT sum((SELECT count(*) FROM b WHERE b.n < a.n)) FROM a');
    expect(found).toBe('45150');
    expect(read).toBeLessThanOrEqual(READ_MAX);
  });

  it('that stop early read no further than they must', async () => {
    await client.all('CREATE TABLE far AS SELECT g AS n, g % 2 AS k FROM generate_series(1, 20000) g');
    const sql = `SELECT count(*) FROM a WHERE a.k < 2 AND (EXISTS (SELECT FROM far WHERE far.n >= a.n AND far.k = a.k) OR a.n < 0)`;
    expect(await value(sql)).toBe('12');
    expect(Number(await value("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'far'"))).toBeLessThan(
      15_000,
    );
  });
});

describe('in recursion', () => {
  it('the table of the recursive term', async () => {
    const [found, read] = await asked(
      'WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT b.n FROM r JOIN b ON b.n = r.n + 1) SELECT count(*) FROM r',
    );
    expect(found).toBe('301');
    expect(read).toBeLessThanOrEqual(READ_MAX);
  });
});

describe('with little memory', () => {
  it('what has given up goes on where it was', async () => {
    const sql = 'SELECT sum((SELECT count(*) FROM b WHERE b.k = a.k AND b.n <= a.n)) FROM a';
    const expected = await value(sql);
    await client.all("SET statement_memory_limit = '128kB'");
    const [found, read] = await asked(sql);
    await client.all('RESET statement_memory_limit');
    expect(found).toBe(expected);
    expect(read).toBeGreaterThan(READ_MAX);
  });
});

describe('what may change', () => {
  it('is read anew when functions are called that may write', async () => {
    await client.all(`
      CREATE TABLE noted (n int);
      CREATE FUNCTION note(x int) RETURNS int LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO noted VALUES (x); RETURN x; END $$`);
    const sql = `SELECT sum((SELECT count(*) FROM noted WHERE noted.n <> g + note(g))) FROM generate_series(1, 6) g`;
    // What PostgreSQL gives: a volatile condition over no rows is asked of none.
    expect(await value(sql)).toBe('0');
  });

  it('random conditions are asked each time', async () => {
    expect(
      Number(
        await value(
          'SELECT count(DISTINCT (SELECT count(*) FROM b WHERE random() < 0.5 AND b.n < 300 + a.n * 0)) FROM a',
        ),
      ),
    ).toBeGreaterThan(5);
  });
});

describe('results by the values of outside', () => {
  beforeAll(async () => {
    await client.all(`
      CREATE TABLE v (i int, n numeric, f float8, t interval, c char(4), x text);
      INSERT INTO v VALUES (1, 1.0, 0, '1 day', 'a', 'x'), (2, 1.00, '-0', '24 hours', 'a  ', 'x '), (3, NULL, 'NaN', NULL, NULL, NULL)`);
  });

  it.each([
    [
      'numerics that look different',
      'SELECT string_agg((SELECT v.n::text FROM m WHERE m.n = 1), $$,$$ ORDER BY i) FROM v',
      '1.0,1.00',
    ],
    [
      'zeros of both signs',
      'SELECT string_agg((SELECT v.f::text FROM m WHERE m.n = 1), $$,$$ ORDER BY i) FROM v',
      '0,-0,NaN',
    ],
    [
      'intervals',
      'SELECT string_agg((SELECT v.t::text FROM m WHERE m.n = 1), $$,$$ ORDER BY i) FROM v',
      '1 day,24:00:00',
    ],
    [
      'texts with blanks',
      'SELECT string_agg((SELECT v.x || $$.$$ FROM m WHERE m.n = 1), $$,$$ ORDER BY i) FROM v',
      'x.,x .',
    ],
    [
      'lists',
      'SELECT string_agg(ARRAY(SELECT m.n FROM m WHERE m.k = v.i ORDER BY 1 LIMIT 2)::text, $$ $$ ORDER BY i) FROM v',
      '{1,8} {2,9} {3,10}',
    ],
    [
      'the value that is compared counts too',
      'SELECT string_agg((v.n * i IN (SELECT m.n FROM m WHERE m.n < 2 + v.i * 0))::text, $$,$$ ORDER BY i) FROM v',
      'true,false',
    ],
    [
      'and so does NULL',
      'SELECT count(*) FROM v WHERE (v.n > ALL (SELECT m.n - 1 FROM m WHERE m.n < 2 + v.i * 0)) IS NULL',
      '1',
    ],
    [
      'rows of two',
      'SELECT string_agg(((i, 5) = (SELECT m.n, 5 FROM m WHERE m.n = v.f + 1))::text, $$,$$ ORDER BY i) FROM v',
      'true,false',
    ],
  ])('%s', async (_, sql, expected) => {
    expect(await value(sql)).toBe(expected);
  });

  it.each([
    ['ANY', 'SELECT count(*) FROM a WHERE a.k + 0 = ANY (SELECT b.k FROM b WHERE b.n + a.k > 100) OR a.n < 0', '300'],
    ['NOT IN', 'SELECT count(*) FROM a WHERE a.k NOT IN (SELECT b.k FROM b WHERE b.n + a.k > 1000)', '301'],
    ['ARRAY', 'SELECT count(*) FROM a WHERE cardinality(ARRAY(SELECT b.k FROM b WHERE b.n + a.k > 290)) > 30', '180'],
  ])('asked once for each: %s', async (_, sql, expected) => {
    const plan = (await client.rows(`EXPLAIN ANALYZE ${sql}`)).map(([line]) => line).join('\n');
    expect(Number(/on b .*loops=(\d+)\)/.exec(plan)?.[1])).toBeLessThanOrEqual(51);
    expect(await value(sql)).toBe(expected);
  });
});

describe('what a subquery holds goes back each time', () => {
  it.each([
    ['sorted', '(SELECT n FROM c WHERE c.n > g ORDER BY c.t LIMIT 1)'],
    ['all of it sorted', '(SELECT max(x) FROM (SELECT n AS x FROM c WHERE c.n > g ORDER BY c.t OFFSET 1) s)'],
    ['numbered', '(SELECT max(x) FROM (SELECT row_number() OVER (ORDER BY t) AS x FROM c WHERE c.n > g) s)'],
    ['told', "(SELECT max(x) FROM (SELECT string_agg(t, ',') OVER (ORDER BY n) AS x FROM c WHERE c.n > 90 + g) s)"],
    ['grouped', '(SELECT max(x) FROM (SELECT count(*) AS x FROM c WHERE c.n > g GROUP BY t) s)'],
    ['counted', '(SELECT count(DISTINCT t) FROM c WHERE c.n > g)'],
    ['listed', "(SELECT string_agg(t, ',' ORDER BY t) FROM c WHERE c.n > g)"],
    ['distinct', '(SELECT count(*) FROM (SELECT DISTINCT t FROM c WHERE c.n > g) s)'],
    ['compared', '(SELECT count(*) FROM (SELECT t FROM c WHERE c.n > g EXCEPT SELECT t FROM c WHERE n = 5) s)'],
    ['named', '(WITH w AS MATERIALIZED (SELECT t FROM c WHERE c.n > g) SELECT count(*) FROM w)'],
    [
      'recursive',
      '(WITH RECURSIVE r (x) AS (SELECT g UNION SELECT x + 1 FROM r WHERE x < g + 50) SELECT count(*) FROM r)',
    ],
    ['read by what may write', '(SELECT max(same(c.n)) FROM c WHERE c.n > g)'],
  ])('%s', async (_, subquery) => {
    await client.all(`
      DROP TABLE IF EXISTS c;
      CREATE TABLE c AS SELECT g AS n, 'text' || g AS t FROM generate_series(1, 100) g;
      CREATE OR REPLACE FUNCTION same(x int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN x; END $$;
      SET statement_memory_limit = '256kB'`);
    // Each holds some 10 kB; 200 of them would hold 2 MB.
    const sql = `SELECT count(${subquery}) FROM generate_series(-200, -1) g`;
    expect(await value(sql)).not.toBe('0');
    await client.all('RESET statement_memory_limit');
  });

  it('INTERSECT and EXCEPT hold to the limit', async () => {
    await client.all("SET statement_memory_limit = '256kB'");
    await expect(client.rows('SELECT g FROM generate_series(1, 20000) g EXCEPT SELECT 5')).rejects.toThrow(
      'out of memory',
    );
    await client.all('RESET statement_memory_limit');
  });
});

describe('what is the same each time inside of what runs for each row', () => {
  const joined = 'FROM m JOIN (SELECT b.n, count(*) AS c FROM b GROUP BY b.n) t ON t.n = m.n WHERE m.k';

  it.each([
    ['one side of a join', `SELECT sum((SELECT sum(t.c) ${joined} = a.k)) FROM a`, '360', 4],
    [
      'of an outer join',
      `SELECT sum((SELECT count(t.c) ${joined.replace('JOIN', 'LEFT JOIN')} = a.k)) FROM a`,
      '360',
      4,
    ],
    [
      'of a full join, of which each time others are left over',
      'SELECT sum((SELECT count(*) FROM (SELECT * FROM m WHERE m.k = a.k) x FULL JOIN (SELECT n FROM b GROUP BY n) t ON t.n = x.n)) FROM a',
      '90902',
      4,
    ],
    [
      'a WITH query',
      'SELECT sum((WITH w AS MATERIALIZED (SELECT n FROM b) SELECT count(*) FROM w WHERE w.n < a.n)) FROM a',
      '45150',
      4,
    ],
    [
      'that is read as far as each time asks',
      'SELECT count(*) FROM a WHERE (WITH w AS MATERIALIZED (SELECT n FROM b) SELECT n FROM w WHERE w.n >= a.n LIMIT 1) = a.n',
      '301',
      4,
    ],
    [
      'over another one',
      'SELECT sum((WITH w AS MATERIALIZED (SELECT n FROM b), v AS MATERIALIZED (SELECT n FROM w WHERE n > 9) SELECT count(*) FROM v WHERE n < a.n)) FROM a',
      '42486',
      4,
    ],
    [
      'a recursion',
      'SELECT sum((WITH RECURSIVE r (n) AS (SELECT min(n) FROM b UNION SELECT n + 1 FROM r WHERE n < 100) SELECT count(*) FROM r WHERE n < a.n)) FROM a',
      '25050',
      4,
    ],
  ] as const)('%s', async (_, sql, expected, readings) => {
    const [found, read] = await asked(sql);
    expect(found).toBe(expected);
    expect(read).toBeLessThanOrEqual(readings * 302);
  });

  it.each([
    [
      'a WITH query that refers outside',
      'SELECT sum((WITH w AS MATERIALIZED (SELECT n FROM m WHERE m.k = a.k) SELECT count(*) FROM w)) FROM a',
      '360',
    ],
    [
      'a WITH query over one that refers outside',
      'SELECT sum((WITH w AS MATERIALIZED (SELECT n FROM m WHERE m.k = a.k), v AS MATERIALIZED (SELECT * FROM w) SELECT count(*) FROM v)) FROM a',
      '360',
    ],
    [
      'a recursion from a value of outside',
      'SELECT sum((WITH RECURSIVE r (n) AS (SELECT a.k UNION SELECT n + 1 FROM r WHERE n < 3) SELECT count(*) FROM r)) FROM a',
      '337',
    ],
    [
      'the working table of a recursion',
      'WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT x.n + 1 FROM (VALUES (1), (1)) v (k) JOIN (SELECT n FROM r OFFSET 0) x ON v.k = 1 WHERE x.n < 6) SELECT count(*) FROM r',
      '63',
    ],
    [
      'a subquery over the working table',
      'WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT r.n + 1 FROM r WHERE (WITH w AS MATERIALIZED (SELECT n FROM r) SELECT max(n) FROM w) < 6) SELECT count(*) FROM r',
      null,
    ],
    [
      'what random() decides',
      'SELECT count(DISTINCT (SELECT sum(t.x)::text FROM m JOIN (SELECT n, random() AS x FROM m OFFSET 0) t ON t.n = m.n WHERE m.k >= 0 * g)) FROM generate_series(1, 5) g',
      '5',
    ],
  ])('not %s', async (_, sql, expected) => {
    if (expected === null) await expect(client.rows(sql)).rejects.toThrow('must not appear within a subquery');
    else expect(await value(sql)).toBe(expected);
  });
});

describe('within the memory of a statement', () => {
  it('many sides of joins: what all hold together is bounded', async () => {
    // Each side holds about a twelfth of the limit: kept all, they would end the statement.
    const part = (i: number): string =>
      `(SELECT max(x.n + length(y.p)) FROM m x LEFT JOIN (SELECT repeat(g::text, 200) AS p, g % 60 AS n FROM generate_series(1, 1500) g) y
          ON y.n = x.n WHERE x.k > a.k - ${i})`;
    await client.all("set statement_memory_limit = '12MB'");
    const parts = Array.from({ length: 24 }, (_, i) => part(i)).join(' + ');
    expect(await value(`SELECT sum(${parts}) FROM a WHERE k < 4`)).toBe('494760');
    await client.all('reset statement_memory_limit');
  });
});
