/**
 * What a node keeps of the catalogs (descriptors, rows, maps of rows by value) is never shown once it is out of date: after
 * each of many changes, sessions that have been reading all along see what a node sees that has just started.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MemoryDb } from '../support/memory-kv.js';
import { Client, startServer } from '../support/server.js';

/** Those that depend on what there is in the database. */
const RELATIONS = [
  ...['class', 'attribute', 'attrdef', 'index', 'constraint', 'sequence', 'namespace', 'type', 'depend', 'description'],
  ...['tables', 'indexes', 'sequences', 'views', 'matviews', 'rewrite', 'enum', 'range', 'shdepend'],
  ...['statio_user_tables', 'statio_user_indexes', 'statio_user_sequences', 'statio_all_tables'],
]
  .map((name) => `pg_catalog.pg_${name}`)
  .concat(
    ['schemata', 'tables', 'columns', 'views', 'domains', 'domain_constraints', 'table_constraints', 'sequences']
      .concat(
        ['referential_constraints', 'key_column_usage', 'constraint_column_usage', 'constraint_table_usage'],
        ['check_constraints', 'view_table_usage', 'view_column_usage', 'table_privileges', 'column_privileges'],
        ['role_table_grants', 'role_column_grants', 'parameters'],
      )
      .map((name) => `information_schema.${name}`),
  );

/** Rows found by values rather than by reading all. */
const LOOKUPS = [
  `SELECT c.relname, a.attname, pg_get_expr(d.adbin, d.adrelid), t.typname FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    LEFT JOIN pg_type t ON t.oid = a.atttypid WHERE c.relnamespace <> 11 AND c.relkind = 'r'`,
  `SELECT c.relname, i.relname, pg_get_indexdef(i.oid), o.conname, pg_get_constraintdef(o.oid) FROM pg_index x
    JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
    LEFT JOIN pg_constraint o ON o.conindid = x.indexrelid`,
  `SELECT k.table_name, k.column_name, t.constraint_type, u.table_name, u.column_name
    FROM information_schema.key_column_usage k JOIN information_schema.table_constraints t
    ON t.constraint_name = k.constraint_name AND t.table_schema = k.table_schema
    LEFT JOIN information_schema.constraint_column_usage u ON u.constraint_name = k.constraint_name`,
  `SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_name = 'a' OR table_schema = 's'`,
  `SELECT c.relname, obj_description(c.oid, 'pg_class'), s.seqincrement FROM pg_class c
    LEFT JOIN pg_sequence s ON s.seqrelid = c.oid WHERE c.relkind = 'S'`,
  `SELECT relname, (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid), (SELECT string_agg(conname, ',' ORDER BY conname)
    FROM pg_constraint o WHERE o.conrelid = c.oid) FROM pg_class c WHERE relkind IN ('r', 'v', 'm')`,
];

async function answers(client: Client, texts: readonly string[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const text of texts)
    found[text] = (await client.rows(text))
      .map((row) => row.join('|'))
      .sort()
      .join('\n');
  return found;
}

const SOME = ['pg_class', 'pg_depend', 'information_schema.columns'].map(
  (name) => RELATIONS.filter((relation) => relation.endsWith(name)).map((relation) => `SELECT * FROM ${relation}`)[0]!,
);

const everything = (client: Client): Promise<Record<string, string>> =>
  answers(client, [...RELATIONS.map((name) => `SELECT * FROM ${name}`), ...LOOKUPS]);

const CHANGES = [
  'CREATE TABLE a (id serial PRIMARY KEY, b text NOT NULL UNIQUE, c int CHECK (c > 0) DEFAULT 7)',
  'CREATE TABLE d (id int PRIMARY KEY, a int REFERENCES a (id), e int REFERENCES d (id))',
  `COMMENT ON TABLE a IS 'one'; COMMENT ON COLUMN a.b IS 'two'`,
  'CREATE INDEX ON a (c DESC) WHERE c > 5',
  'ALTER TABLE a RENAME COLUMN b TO bb',
  'ALTER TABLE a RENAME TO aa',
  'ALTER SEQUENCE a_id_seq RENAME TO counts',
  'ALTER SEQUENCE counts INCREMENT 3',
  'CREATE SCHEMA s; ALTER TABLE aa SET SCHEMA s',
  'ALTER SCHEMA s RENAME TO ss',
  'ALTER TABLE ss.aa RENAME TO a; ALTER TABLE ss.a SET SCHEMA public',
  'CREATE VIEW v AS SELECT id, bb FROM a WHERE c > 1',
  'CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM a',
  `CREATE TYPE mood AS ENUM ('sad', 'ok'); ALTER TABLE a ADD COLUMN mood mood DEFAULT 'ok'`,
  `ALTER TYPE mood ADD VALUE 'happy'`,
  'ALTER TYPE mood RENAME TO state',
  'CREATE DOMAIN small AS int CHECK (VALUE < 10); ALTER TABLE d ADD COLUMN s small',
  'ALTER DOMAIN small DROP CONSTRAINT small_check',
  'ALTER DOMAIN small SET NOT NULL',
  'ALTER TABLE a DROP COLUMN c CASCADE',
  'ALTER TABLE a ADD COLUMN k int GENERATED ALWAYS AS IDENTITY',
  'ALTER TABLE d DROP CONSTRAINT d_a_fkey',
  'ALTER TABLE d ADD CONSTRAINT again FOREIGN KEY (a) REFERENCES a (id) ON DELETE CASCADE',
  'ALTER TABLE a RENAME CONSTRAINT a_pkey TO key_of_a',
  'CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS $$ SELECT x + 1 $$',
  'DROP TABLE d',
  'CREATE VIEW v AS SELECT id FROM a; ALTER VIEW v RENAME TO x',
  'DROP MATERIALIZED VIEW m; CREATE VIEW w AS SELECT 1 AS x',
  'TRUNCATE a; ALTER TABLE a ALTER COLUMN bb TYPE varchar(9)',
  'DROP TABLE a CASCADE; DROP TYPE state',
  'CREATE TEMP TABLE t (a int PRIMARY KEY, d int)',
  'DISCARD TEMP',
];

describe('the catalogs are never out of date', () => {
  it('after a change, in the transaction that makes it, and when it is undone', async () => {
    const db = new MemoryDb();
    const server = await startServer(db);
    const [changing, reading] = [await Client.open(server), await Client.open(server)];
    const elsewhere = await Client.open(await startServer(db));
    const unchanged = async (): Promise<Record<string, string>> => everything(await Client.open(await startServer(db)));
    await changing.all('CREATE TABLE other (id int PRIMARY KEY, a int REFERENCES other (id))');
    let before = await unchanged();
    let count = 0;
    for (const change of CHANGES) {
      await changing.all('BEGIN; CREATE TABLE one_more (x int); SAVEPOINT one');
      await changing.all(change);
      await answers(changing, LOOKUPS);
      expect(await everything(reading), `during ${change}`).toEqual(before);
      await changing.all('ROLLBACK TO one; DROP TABLE one_more');
      if (++count % 3 === 0) {
        await changing.all('ROLLBACK');
        expect(await answers(changing, LOOKUPS)).toEqual(await answers(reading, LOOKUPS));
        await changing.all('BEGIN');
      }
      await changing.all(change);
      const own = await everything(changing);
      await changing.all('COMMIT');
      expect(own, `own ${change}`).toMatchObject(await answers(changing, LOOKUPS));
      before = await unchanged();
      expect(await everything(reading), `after ${change}`).toEqual(before);
      expect(before, `elsewhere after ${change}`).toMatchObject(await answers(elsewhere, [...LOOKUPS, ...SOME]));
      // Temporary tables are shown to their session only.
      if (!change.includes('TEMP')) expect(own, `own ${change}`).toEqual(before);
    }
  }, 120_000);

  it('because every descriptor is written along with a row that tells of it', () => {
    const found = (function* files(folder: URL): Iterable<string> {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.isDirectory()) yield* files(new URL(`${entry.name}/`, folder));
        else if (
          /(put|delete)\w*\(\s*SYSTEM_KEYS\.descriptor\(/.test(readFileSync(new URL(entry.name, folder), 'utf8'))
        )
          yield entry.name;
      }
    })(new URL('../../../src/', import.meta.url));
    expect([...found].sort()).toEqual(['bootstrap.ts', 'descriptor-changes.ts']);
  });
});
