/** Labels and fields that bodies kept as trees name: they are not renamed under them (docs/sql/differences.md; PostgreSQL follows). */
import { beforeEach, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

let c: Client;
beforeEach(async () => {
  c = await Client.open(await startServer());
  await c.all(`
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'free');
    CREATE TYPE pair AS (x int, y text, z int);
    CREATE TABLE r (a int, b text, d int);
    CREATE TABLE moods (m mood)`);
});

it.each([
  "CREATE FUNCTION f(m mood) RETURNS text LANGUAGE sql RETURN CASE m WHEN 'sad' THEN 'S' END",
  "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM moods WHERE m = 'sad'; END",
  "CREATE FUNCTION f() RETURNS boolean LANGUAGE sql RETURN 'ok' = ANY ('{sad}'::mood[])",
])('a label that a body names stays: %s', async (sql) => {
  await c.all(sql);
  expect(await c.error("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'")).toMatch(
    /^0A000 cannot rename a label of type mood, which function f may use/,
  );
  await c.all("ALTER TYPE mood RENAME VALUE 'free' TO 'open'");
  await c.all("DROP FUNCTION f; ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'");
});

it.each([
  ['TYPE pair RENAME ATTRIBUTE x', 'CREATE FUNCTION f(p pair) RETURNS int LANGUAGE sql RETURN (p).x'],
  ['TYPE pair RENAME ATTRIBUTE x', 'CREATE FUNCTION f(p pair) RETURNS int LANGUAGE sql RETURN p.x'],
  ['TYPE pair RENAME ATTRIBUTE x', 'CREATE FUNCTION f(p pair[]) RETURNS int LANGUAGE sql RETURN (p[1]).x'],
  ['TABLE r RENAME COLUMN b', 'CREATE FUNCTION f(r) RETURNS text LANGUAGE sql RETURN ($1).b'],
  [
    'TABLE r RENAME COLUMN b',
    'CREATE FUNCTION f() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT (r).b FROM r; END',
  ],
])('a field that a body reads stays: ALTER %s, %s', async (what, sql) => {
  await c.all(sql);
  expect(await c.error(`ALTER ${what} TO other`)).toMatch(
    /^0A000 renaming column "[xb]" that function f\(.*\) reads from a row is not supported/,
  );
  await c.all('ALTER TYPE pair RENAME ATTRIBUTE z TO zz; ALTER TABLE r RENAME COLUMN d TO dd');
});

it('columns that a body reads from the relation itself are followed', async () => {
  await c.all('CREATE FUNCTION f() RETURNS SETOF text LANGUAGE sql BEGIN ATOMIC SELECT q.b FROM r AS q; END');
  await c.all("ALTER TABLE r RENAME COLUMN b TO other; INSERT INTO r VALUES (1, 'x', 2)");
  expect(await c.rows('SELECT f()')).toEqual([['x']]);
});

it('a default of a parameter follows its label', async () => {
  await c.all("CREATE FUNCTION f(m mood DEFAULT 'sad') RETURNS mood LANGUAGE sql RETURN m");
  await c.all("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'");
  expect(await c.rows('SELECT f()')).toEqual([['blue']]);
  expect(await c.rows("SELECT pg_get_function_arguments('f'::regproc)")).toEqual([["m mood DEFAULT 'blue'::mood"]]);
});

it('so do defaults and checks of a domain', async () => {
  await c.all("CREATE DOMAIN d AS mood DEFAULT 'sad' CHECK (VALUE <> 'free'); CREATE TABLE t (k int, m d)");
  await c.all("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'; ALTER TYPE mood RENAME VALUE 'free' TO 'open'");
  await c.all('INSERT INTO t(k) VALUES (1)');
  expect(await c.rows('SELECT m FROM t')).toEqual([['blue']]);
  expect(await c.error("INSERT INTO t VALUES (2, 'open')")).toMatch(/^23514 /);
});
