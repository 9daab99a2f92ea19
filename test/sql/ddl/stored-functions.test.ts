/** Functions of users in defaults, checks, generated columns, indexes and views (answers of PostgreSQL: stored-functions.sql). */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, startServer } from '../support/server.js';

let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
});

const plan = async (sql: string): Promise<string> => (await c.rows(`EXPLAIN ${sql}`)).flat().join('\n');

describe('sessions beside each other', () => {
  it('a drop waits for a table that is made over the function, and is then refused', async () => {
    const other = await Client.open(server);
    await c.all("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    await c.all('BEGIN; CREATE TABLE t (a int DEFAULT f())');
    const drop = other.error('DROP FUNCTION f()');
    await c.all('COMMIT');
    expect(await drop).toMatch(/^2BP01 /);
    await c.all('BEGIN; CREATE TABLE copy (LIKE t INCLUDING DEFAULTS)');
    const cascade = other.all('DROP FUNCTION f() CASCADE');
    await c.all('COMMIT');
    await cascade;
    expect(await c.rows('INSERT INTO copy DEFAULT VALUES RETURNING a')).toEqual([[null]]);
    expect(await c.rows('INSERT INTO t DEFAULT VALUES RETURNING a')).toEqual([[null]]);
  });

  it('plans that were made before follow the function', async () => {
    const other = await Client.open(server);
    await c.all("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    await c.all('CREATE TABLE t (a int DEFAULT f(), k int)');
    await c.all('CREATE VIEW v AS SELECT f() AS x');
    await c.all('PREPARE i AS INSERT INTO t(k) VALUES ($1) RETURNING a; PREPARE s AS SELECT x FROM v');
    expect(await c.rows('EXECUTE i(1)')).toEqual([['1']]);
    expect(await c.rows('EXECUTE s')).toEqual([['1']]);
    await other.all("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'");
    expect(await c.rows('EXECUTE i(1)')).toEqual([['2']]);
    expect(await c.rows('EXECUTE s')).toEqual([['2']]);
    await other.all('BEGIN');
    await other.all("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 3'");
    expect(await other.rows('SELECT x FROM v')).toEqual([['3']]);
    await other.all('ROLLBACK');
    expect(await c.rows('EXECUTE s')).toEqual([['2']]);
  });
});

describe('indexes', () => {
  it('of a function that was never immutable stay consistent', async () => {
    await c.all("CREATE FUNCTION lies(int) RETURNS float IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN random(); END'");
    await c.all('CREATE TABLE t (k int PRIMARY KEY, a int)');
    await c.all('INSERT INTO t SELECT g, g FROM generate_series(1, 300) g');
    await c.all('CREATE UNIQUE INDEX i ON t (lies(a))');
    await c.all('UPDATE t SET a = a + 1 WHERE k <= 100');
    await c.all('DELETE FROM t WHERE k > 50');
    expect(await c.rows('SELECT count(*) FROM t WHERE lies(a) >= 0 AND lies(a) < 2')).toEqual([['50']]);
    await c.all('DELETE FROM t');
    await c.all('INSERT INTO t VALUES (1, 1)');
    expect(await c.rows('SELECT k FROM t WHERE lies(a) > 0')).toEqual([['1']]);
  });

  it('are used, also where the value looked for is computed by the function', async () => {
    await c.all("CREATE FUNCTION low(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN lower($1); END'");
    await c.all('CREATE TABLE t (k int PRIMARY KEY, a text)');
    await c.all('CREATE INDEX i ON t (low(a)) WHERE low(a) IS NOT NULL');
    await c.all("INSERT INTO t VALUES (1, 'A'), (2, 'b'), (3, NULL)");
    expect(await plan("SELECT k FROM t WHERE low(a) = 'a'")).toContain('using i');
    expect(await plan("SELECT k FROM t WHERE low(a) = low('B')")).toContain('using i');
    expect(await c.rows("SELECT k FROM t WHERE low(a) = low('B')")).toEqual([['2']]);
    expect(await c.rows("SELECT k FROM t WHERE low(a) BETWEEN low('A') AND low('B') ORDER BY k")).toEqual([
      ['1'],
      ['2'],
    ]);
    expect(await c.rows('SELECT x.k, (SELECT y.k FROM t y WHERE low(y.a) = low(x.a)) FROM t x ORDER BY 1')).toEqual([
      ['1', '1'],
      ['2', '2'],
      ['3', null],
    ]);
    await c.all("CREATE FUNCTION one() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'");
    expect(await c.rows('SELECT a FROM t WHERE k = one()')).toEqual([['A']]);
  });

  it('do not compute keys of rows that they leave out, and report the function as it is called', async () => {
    await c.all("CREATE FUNCTION inv(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN 100 / $1; END'");
    await c.all('CREATE TABLE t (k int PRIMARY KEY, a int)');
    await c.all('INSERT INTO t VALUES (1, 0), (2, 5)');
    expect(await c.error('CREATE INDEX ON t (inv(a))')).toMatch(/^22012 /);
    await c.all('CREATE UNIQUE INDEX ON t (inv(a)) WHERE a <> 0');
    await c.all('INSERT INTO t VALUES (3, 0)');
    await c.all('ALTER FUNCTION inv RENAME TO inverse');
    expect(await c.error('INSERT INTO t VALUES (4, 5)')).toMatch(/^23505 .*Key \(inverse\(a\)\)=\(20\) already exists/);
    await c.all('DROP INDEX t_inv_idx');
    expect(await c.rows('SELECT * FROM t ORDER BY k')).toEqual([
      ['1', '0'],
      ['2', '5'],
      ['3', '0'],
    ]);
    await c.all('DROP FUNCTION inverse');
  });

  it('go with the last column that they read; other changes of the table keep them', async () => {
    await c.all("CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 % 10'");
    await c.all('CREATE TABLE t (a int, b int)');
    await c.all('INSERT INTO t VALUES (1, 1), (12, 2)');
    await c.all('CREATE UNIQUE INDEX i ON t (f(a))');
    expect(await c.error('ALTER TABLE t ALTER a TYPE bigint')).toMatch(/^0A000 /);
    await c.all('ALTER TABLE t ADD PRIMARY KEY (b), ADD COLUMN d int DEFAULT 5');
    expect(await c.error('INSERT INTO t VALUES (22, 3)')).toMatch(/^23505 /);
    await c.all('TRUNCATE t');
    await c.all('INSERT INTO t VALUES (22, 3)');
    expect(await c.rows('SELECT * FROM t WHERE f(a) = 2')).toEqual([['22', '3', '5']]);
    await c.all('ALTER TABLE t DROP COLUMN a');
    expect(await c.rows("SELECT indexname FROM pg_indexes WHERE tablename = 't'")).toEqual([['t_pkey']]);
    expect(await c.rows('INSERT INTO t VALUES (4) RETURNING *')).toEqual([['4', '5']]);
    await c.all('DROP FUNCTION f(int)');
  });
});

describe('rows come in by every way', () => {
  it('MERGE, foreign keys and views', async () => {
    await c.all(
      "CREATE FUNCTION f(int DEFAULT 7) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 + 1; END'",
    );
    await c.all('CREATE TABLE p (k int PRIMARY KEY)');
    await c.all(
      'CREATE TABLE t (a int, r int DEFAULT f() REFERENCES p ON DELETE SET DEFAULT, g int GENERATED ALWAYS AS (f(a)) STORED, CHECK (f(a) > 0))',
    );
    await c.all('CREATE INDEX ON t (f(g))');
    await c.all('INSERT INTO p VALUES (1), (8)');
    await c.all('MERGE INTO t USING (VALUES (5)) s(x) ON t.a = s.x WHEN NOT MATCHED THEN INSERT (a, r) VALUES (x, 1)');
    await c.all('DELETE FROM p WHERE k = 1');
    expect(await c.rows('SELECT * FROM t WHERE f(g) = 7')).toEqual([['5', '8', '6']]);
    await c.all('CREATE VIEW v AS SELECT a, r FROM t');
    expect(await c.rows('INSERT INTO v(a) VALUES (1) RETURNING *')).toEqual([['1', '8']]);
    expect(await c.error('UPDATE v SET a = -1')).toMatch(/^23514 /);
    expect(await c.rows('SELECT a, g FROM t ORDER BY a')).toEqual([
      ['1', '2'],
      ['5', '6'],
    ]);
  });
});

it('refuses what is not there', async () => {
  await c.all("CREATE FUNCTION f(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'");
  await c.all("CREATE FUNCTION g(a boolean DEFAULT f('x')) RETURNS int LANGUAGE sql AS 'SELECT 1'");
  expect(await c.error('DROP FUNCTION f(text)')).toMatch(/^2BP01 /);
  await c.all("CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
  expect(await c.error('CREATE TABLE t (a int DEFAULT pg_temp.f())')).toMatch(/^0A000 /);
  expect(await c.error('CREATE DOMAIN d AS int CHECK (value > pg_temp.f())')).toMatch(/^0A000 /);
});

it('inverted indexes hold what a function gave', async () => {
  await c.all(
    "CREATE FUNCTION words(text) RETURNS text[] IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN string_to_array(lower($1), ' '); END $$",
  );
  await c.all('CREATE TABLE t (k int PRIMARY KEY, a text)');
  await c.all("INSERT INTO t VALUES (1, 'One Two')");
  await c.all('CREATE INDEX i ON t USING gin (words(a))');
  await c.all("INSERT INTO t VALUES (2, 'two three'), (3, NULL)");
  await c.all("UPDATE t SET a = 'Four' WHERE k = 1");
  expect(await c.rows("SELECT k FROM t WHERE words(a) @> ARRAY['two'] ORDER BY k")).toEqual([['2']]);
  expect(await c.rows("SELECT k FROM t WHERE words(a) @> words('FOUR') ORDER BY k")).toEqual([['1']]);
  await c.all('DELETE FROM t WHERE k = 2');
  expect(await c.rows("SELECT k FROM t WHERE words(a) && words('two four')")).toEqual([['1']]);
});
