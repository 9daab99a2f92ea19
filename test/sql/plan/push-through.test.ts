/** Conditions that go below windows, DISTINCT ON, sets and unions, and from one side of a join to the other: same rows, few of them read. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

let client: Client;
beforeAll(async () => {
  client = await Client.open(await startServer());
  await client.all(`
    CREATE TABLE o (id int PRIMARY KEY, u int, n int, tags int[]);
    CREATE INDEX ON o (u);
    INSERT INTO o SELECT g, g % 100, g * 7 % 31, ARRAY[g, g + 1] FROM generate_series(1, 1000) g;
    INSERT INTO o VALUES (0, NULL, 5, '{}');
    CREATE TABLE p AS SELECT id, u, n FROM o WHERE id % 2 = 0;
    CREATE INDEX ON p (u);
    CREATE TABLE us (id int PRIMARY KEY);
    INSERT INTO us SELECT g FROM generate_series(0, 120) g;
    CREATE VIEW numbered AS SELECT *, row_number() OVER w AS rn, sum(n) OVER (PARTITION BY u) AS s FROM o
      WINDOW w AS (PARTITION BY u ORDER BY n, id);
    CREATE VIEW latest AS SELECT DISTINCT ON (u) * FROM o ORDER BY u, n DESC, id;
    CREATE VIEW both_kinds AS SELECT id, u, n, 'o' AS k FROM o UNION ALL SELECT id, u, n, 'p' FROM p;
    CREATE VIEW totals AS SELECT u, sum(n) AS s, count(*) AS c FROM o GROUP BY u;
    CREATE VIEW tagged AS SELECT id, u, unnest(tags) AS tag FROM o`);
});

const rowsRead = async (): Promise<number> => {
  const [[scans, indexes]] = (await client.rows(
    "SELECT sum(seq_tup_read), sum(idx_tup_fetch) FROM pg_stat_user_tables WHERE relname IN ('o', 'p')",
  )) as [[string, string]];
  return Number(scans) + Number(indexes);
};

/** OFFSET 0 keeps conditions out. */
const kept = (view: string): string => `(SELECT * FROM ${view} OFFSET 0)`;

describe('few rows are read', () => {
  it.each([
    ['numbered', 'SELECT * FROM numbered WHERE u = 7'],
    ['numbered', 'SELECT * FROM numbered WHERE rn <= 2 AND u IN (7, 8)'],
    ['numbered', 'SELECT us.id, t.rn FROM us LEFT JOIN numbered t ON t.u = us.id WHERE us.id = 7'],
    ['latest', 'SELECT * FROM latest WHERE u = 7 AND n > 1'],
    ['both_kinds', "SELECT * FROM both_kinds WHERE u = 7 AND k < 'p'"],
    ['totals', 'SELECT us.id, t.s, t.c FROM us LEFT JOIN totals t ON us.id = t.u WHERE us.id = 7'],
    ['totals', 'SELECT us.id, t.s, t.c FROM us JOIN totals t ON us.id = t.u WHERE 7 = us.id'],
    ['totals', 'SELECT us.id, t.s, t.c FROM us LEFT JOIN totals t ON us.id = t.u WHERE us.id = 110'],
    ['tagged', 'SELECT * FROM tagged WHERE u = 7 AND tag > 10'],
  ])('%s: %s', async (view, sql) => {
    const expected = await client.rows(
      sql.replace(`FROM ${view}`, `FROM ${kept(view)} AS v`).replace(`JOIN ${view}`, `JOIN ${kept(view)}`),
    );
    const before = await rowsRead();
    const found = await client.rows(sql);
    expect((await rowsRead()) - before).toBeLessThan(60);
    expect([...found].sort()).toEqual([...expected].sort());
    expect(found.length).toBeGreaterThan(0);
  });
});

describe('conditions that no row decides are asked before anything is read', () => {
  const read = async (sql: string): Promise<readonly [number, number]> => {
    const before = await rowsRead();
    const found = await client.rows(sql);
    return [found.length, (await rowsRead()) - before];
  };

  it.each([
    ["SELECT * FROM both_kinds WHERE k = 'p'", 501, 501],
    ["SELECT * FROM both_kinds WHERE k = 'q'", 0, 0],
    ["SELECT * FROM both_kinds WHERE k IN ('q', 'p') AND id < 10", 5, 501],
    ["SELECT us.id FROM us JOIN both_kinds b ON b.id = us.id WHERE b.k > 'p'", 0, 0],
    ['SELECT * FROM o WHERE current_setting($$application_name$$) = $$nobody$$', 0, 0],
    ['SELECT * FROM o WHERE EXISTS (SELECT FROM us WHERE id = 500)', 0, 0],
    ['SELECT * FROM o JOIN p USING (id) WHERE (SELECT count(*) FROM us WHERE id > 500) > 0', 0, 0],
    ['SELECT * FROM o WHERE EXISTS (SELECT FROM us WHERE id = 5) AND id = 3', 1, 1],
    ['SELECT us.id, x.n FROM us LEFT JOIN LATERAL (SELECT * FROM o WHERE us.id = 5) x ON x.id = 7', 121, 1],
    ['SELECT (SELECT count(*) FROM p WHERE us.id > 119 AND n > 3) FROM us', 121, 501],
  ])('%s', async (sql, rows, most) => {
    const [found, cost] = await read(sql);
    expect(found).toBe(rows);
    expect(cost).toBeLessThanOrEqual(most);
  });

  it('with parameters, each time anew', async () => {
    await client.all('PREPARE kind (text) AS SELECT count(*) FROM both_kinds WHERE k = $1');
    expect(await client.rows("EXECUTE kind ('o')")).toEqual([['1001']]);
    const before = await rowsRead();
    expect(await client.rows("EXECUTE kind ('x')")).toEqual([['0']]);
    expect(await rowsRead()).toBe(before);
    expect(await client.rows("EXECUTE kind ('p')")).toEqual([['501']]);
  });

  it('but not what is volatile, or a subquery', async () => {
    expect(Number((await client.rows('SELECT count(*) FROM o WHERE random() < 0.5'))[0]![0])).toBeLessThan(1000);
    expect(await client.rows('SELECT count(*) FROM o WHERE (SELECT random() < 2)')).toEqual([['1001']]);
  });
});

describe('what has to stay above', () => {
  it.each([
    ['numbered', 'SELECT * FROM numbered WHERE n = 5'],
    ['numbered', 'SELECT * FROM numbered WHERE u = n'],
    ['numbered', 'SELECT * FROM numbered WHERE u IS NULL OR rn = 3'],
    ['latest', 'SELECT * FROM latest WHERE n = 30 AND id < 500'],
    ['tagged', 'SELECT * FROM tagged WHERE tag = 11 OR u = 3'],
    ['totals', 'SELECT us.id, t.s FROM us LEFT JOIN totals t ON us.id = t.u AND us.id = 7 WHERE us.id < 9'],
    ['totals', 'SELECT us.id, t.s FROM us LEFT JOIN totals t ON us.id = t.u WHERE us.id = t.c - 3'],
  ])('%s: %s', async (view, sql) => {
    const expected = await client.rows(
      sql.replace(`FROM ${view}`, `FROM ${kept(view)} AS v`).replace(`JOIN ${view}`, `JOIN ${kept(view)}`),
    );
    expect([...(await client.rows(sql))].sort()).toEqual([...expected].sort());
  });

  it('windows over other partitions, or over all rows', async () => {
    const two =
      '(SELECT u, n, count(*) OVER (PARTITION BY u) AS a, count(*) OVER (PARTITION BY n, u) AS b, count(*) OVER () AS c FROM o)';
    expect(await client.rows(`SELECT DISTINCT u, a, c FROM ${two} AS t WHERE u = 7`)).toEqual([['7', '10', '1001']]);
    expect(await client.rows(`SELECT count(*) FROM ${two} AS t WHERE n = 7 AND a = 10`)).toEqual(
      await client.rows('SELECT count(*) FROM o WHERE n = 7 AND u IS NOT NULL'),
    );
  });

  it('sets of other types, and EXCEPT and INTERSECT of both sides', async () => {
    const rows = (sql: string): Promise<unknown> => client.rows(sql);
    expect(await rows("SELECT * FROM (SELECT 1 AS a UNION ALL SELECT 2.5) AS t WHERE a::text = '1'")).toEqual([['1']]);
    expect(await rows('SELECT * FROM (SELECT u FROM o EXCEPT SELECT u FROM p WHERE n > 3) AS t WHERE u = 1')).toEqual([
      ['1'],
    ]);
    expect(await rows('SELECT count(*) FROM (SELECT u FROM o INTERSECT SELECT u FROM p) AS t WHERE u < 10')).toEqual([
      ['5'],
    ]);
    expect(await rows('SELECT * FROM (SELECT u FROM o EXCEPT ALL SELECT u FROM p) AS t WHERE u = 2')).toEqual([]);
  });
});
