/** A plan that is found by its text is used only while the text means what it meant when the plan was made. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

let client: Client;
let other: Client;
beforeEach(async () => {
  const server = await startServer();
  client = await Client.open(server);
  other = await Client.open(server);
});

describe('names in the search path', () => {
  it('are looked for again when a schema before the one they were found in may have them', async () => {
    await client.all(`CREATE SCHEMA a; CREATE TABLE public.t AS SELECT 'public' AS x; SET search_path = a, public`);
    const text = 'SELECT x FROM t';
    for (let i = 0; i < 3; i++) expect(await client.rows(text)).toEqual([['public']]);
    await other.query(`CREATE TABLE a.t AS SELECT 'a' AS x`);
    for (let i = 0; i < 3; i++) expect(await client.rows(text)).toEqual([['a']]);
    expect(await other.rows(text)).toEqual([['public']]);
    await other.query('DROP TABLE a.t');
    expect(await client.rows(text)).toEqual([['public']]);
  });

  it('are looked for in a schema that was not there before, too', async () => {
    await client.query(`CREATE TABLE t AS SELECT 'public' AS x`);
    for (let i = 0; i < 2; i++) expect(await client.rows('SELECT x FROM t')).toEqual([['public']]);
    // "$user" comes first in the path.
    await other.query('CREATE SCHEMA postgres');
    expect(await client.rows('SELECT x FROM t')).toEqual([['public']]);
    await other.query(`CREATE TABLE postgres.t AS SELECT 'own' AS x`);
    expect(await client.rows('SELECT x FROM t')).toEqual([['own']]);
    expect((await client.run('SELECT x FROM t')).rows).toEqual([['own']]);
  });

  it('find a second temporary table, which hides the table of a single read by its key', async () => {
    await client.all(`CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t VALUES (1, 'public');
      CREATE TEMP TABLE first (id int)`);
    const text = 'SELECT x FROM t WHERE id = 1';
    for (let i = 0; i < 3; i++) expect(await client.rows(text)).toEqual([['public']]);
    await client.all(`CREATE TEMP TABLE t (id int PRIMARY KEY, x text); INSERT INTO pg_temp.t VALUES (1, 'temp')`);
    for (let i = 0; i < 2; i++) expect(await client.rows(text)).toEqual([['temp']]);
    expect(await other.rows(text)).toEqual([['public']]);
    await client.query('DROP TABLE pg_temp.t');
    expect(await client.rows(text)).toEqual([['public']]);
  });

  it('do not mind an index of the name', async () => {
    await client.all(`CREATE SCHEMA a; CREATE TABLE a.u (id int); CREATE TABLE public.t AS SELECT 1 AS x;
      SET search_path = a, public`);
    expect(await client.rows('SELECT x FROM t')).toEqual([['1']]);
    await other.query('CREATE INDEX t ON a.u (id)');
    expect(await client.rows('SELECT x FROM t')).toEqual([['1']]);
  });
});

describe('statements about the catalogs', () => {
  const tables = `SELECT c.relname, 't'::regclass::oid = c.oid AS named FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('public', 'a') AND relkind = 'r' ORDER BY 1, 2`;

  it('see what another session changes, created, renamed, dropped', async () => {
    await client.query('CREATE TABLE t (id int)');
    for (let i = 0; i < 2; i++) expect(await client.rows(tables)).toEqual([['t', 't']]);
    await other.all('CREATE SCHEMA a; CREATE TABLE a.u (id int)');
    for (let i = 0; i < 2; i++)
      expect(await client.rows(tables)).toEqual([
        ['t', 't'],
        ['u', 'f'],
      ]);
    await other.all('DROP TABLE t; ALTER TABLE a.u RENAME TO t');
    expect(await client.error(tables)).toBe('42P01 relation "t" does not exist');
    await client.query('SET search_path = a');
    expect(await client.rows(tables)).toEqual([['t', 't']]);
  });

  it('see the own changes of a transaction, and forget them when it is rolled back', async () => {
    await client.query('CREATE TABLE t (id int)');
    const before = await client.rows(tables);
    await client.query('BEGIN');
    expect(await client.rows(tables)).toEqual(before);
    await client.query('CREATE TABLE u (id int)');
    expect(await client.rows(tables)).toHaveLength(2);
    expect(await other.rows(tables)).toEqual(before);
    await client.query('SAVEPOINT s');
    await client.query('CREATE TABLE v (id int)');
    expect(await client.rows(tables)).toHaveLength(3);
    await client.query('ROLLBACK TO s');
    expect(await client.rows(tables)).toHaveLength(2);
    await client.query('ROLLBACK');
    expect(await client.rows(tables)).toEqual(before);
  });

  it('follow an oid of a prepared statement to what has the name now', async () => {
    await client.all(
      `CREATE TABLE t (id int); PREPARE p AS SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass`,
    );
    expect(await client.rows('EXECUTE p')).toEqual([['1']]);
    await other.all('DROP TABLE t; CREATE TABLE t (id int, x int)');
    expect(await client.rows('EXECUTE p')).toEqual([['2']]);
  });

  it('show each session its own temporary tables only', async () => {
    const columns = `SELECT table_schema LIKE 'pg_temp%', table_name, column_name FROM information_schema.columns
      WHERE table_name IN ('x', 'y') ORDER BY 2, 3`;
    await client.query('CREATE TEMP TABLE x (a int)');
    await other.query('CREATE TEMP TABLE y (b int)');
    for (let i = 0; i < 2; i++) {
      expect(await client.rows(columns)).toEqual([['t', 'x', 'a']]);
      expect(await other.rows(columns)).toEqual([['t', 'y', 'b']]);
    }
  });
});
