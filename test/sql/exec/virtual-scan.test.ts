/** Catalog tables found by value give what reading them whole gives, and never an old catalog. */
import { expect, test } from 'vitest';
import { Client, startServer } from '../support/server.js';
import { MemoryDb } from '../support/memory-kv.js';

const COLUMNS: readonly (readonly [string, string, string])[] = [
  ['pg_class', 'oid', 'oid'],
  ['pg_class', 'relname', 'name'],
  ['pg_class', 'relkind', '"char"'],
  ['pg_class', 'relnamespace', 'oid'],
  ['pg_attribute', 'attrelid', 'oid'],
  ['pg_attribute', 'attname', 'name'],
  ['pg_attribute', 'attnum', 'int2'],
  ['pg_attribute', 'atthasdef', 'bool'],
  ['pg_index', 'indrelid', 'oid'],
  ['pg_constraint', 'confrelid', 'oid'],
  ['pg_attrdef', 'adrelid', 'oid'],
  ['pg_depend', 'refobjid', 'oid'],
  ['pg_type', 'typname', 'name'],
];

async function open(db = new MemoryDb()): Promise<{ a: Client; b: Client }> {
  const server = await startServer(db);
  const a = await Client.open(server);
  await a.all(`CREATE TABLE one (id serial PRIMARY KEY, t text UNIQUE DEFAULT 'x');
    CREATE TABLE two (id int PRIMARY KEY, one int REFERENCES one (id) ON DELETE CASCADE);
    CREATE VIEW v AS SELECT id FROM one; CREATE INDEX two_one ON two (one)`);
  return { a, b: await Client.open(server) };
}

test('an equality finds the rows that a scan of everything finds', async () => {
  const { a } = await open();
  for (const [table, column, type] of COLUMNS) {
    const values = await a.rows(`SELECT DISTINCT ${column}::text FROM ${table} ORDER BY 1 LIMIT 40`);
    for (const [value] of [...values, ['0']]) {
      if (value === null || (type === 'bool' && value === '0')) continue;
      const wanted = `'${value!.replaceAll("'", "''")}'::${type}`;
      const found = await a.rows(`SELECT * FROM ${table} WHERE ${column} = ${wanted}`);
      // IS NOT DISTINCT FROM reads all.
      const all = await a.rows(`SELECT * FROM ${table} WHERE ${column} IS NOT DISTINCT FROM ${wanted}`);
      expect(found, `${table}.${column} = ${wanted}`).toEqual(all);
    }
    expect(await a.rows(`SELECT * FROM ${table} WHERE ${column} = NULL::${type}`)).toEqual([]);
  }
});

test('the value may come from parameters, outer rows, and the other side', async () => {
  const { a } = await open();
  expect((await a.run('SELECT relname FROM pg_class WHERE $1 = oid', ['1259'])).rows).toEqual([['pg_class']]);
  expect(
    await a.rows(`SELECT n, (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = n::regclass AND attnum > 0)
      FROM unnest(ARRAY['one', 'two', 'v', 'one']) n`),
  ).toEqual([
    ['one', '2'],
    ['two', '2'],
    ['v', '1'],
    ['one', '2'],
  ]);
  expect(
    await a.rows(`SELECT n, (SELECT relkind FROM pg_class WHERE relname = n AND oid > 16000)
      FROM unnest(ARRAY['one', 'one', NULL, 'v', 'none', 'one']) n`),
  ).toEqual([
    ['one', 'r'],
    ['one', 'r'],
    [null, null],
    ['v', 'v'],
    ['none', null],
    ['one', 'r'],
  ]);
  expect(await a.error(`SELECT * FROM pg_class WHERE oid = 'nothing'::regclass`)).toBe(
    '42P01 relation "nothing" does not exist',
  );
});

test('an aggregate over what an outer row finds is that of the rows, however many they are', async () => {
  const { a } = await open();
  await a.all(
    `CREATE TABLE wide (${Array.from({ length: 40 }, (_, i) => `c${i} ${i % 2 === 0 ? 'int' : 'text'}`).join()})`,
  );
  // The second form groups a join: no look-ups for each row.
  const shown = `r.relname, count(a.attnum), array_agg(a.attname ORDER BY a.attnum DESC) FILTER (WHERE a.attnum > 0),
    string_agg(DISTINCT a.atttypid::text, ','), coalesce(max(a.attnum), -1)`;
  const each = `SELECT r.relname, (SELECT count(attnum) FROM pg_attribute a WHERE a.attrelid = r.oid),
    (SELECT array_agg(attname ORDER BY attnum DESC) FILTER (WHERE attnum > 0) FROM pg_attribute a WHERE a.attrelid = r.oid),
    (SELECT string_agg(DISTINCT atttypid::text, ',') FROM (SELECT * FROM pg_attribute) a WHERE a.attrelid = r.oid),
    (SELECT coalesce(max(attnum), -1) FROM pg_attribute a WHERE a.attrelid = r.oid) FROM names LEFT JOIN pg_class r
    ON r.relname = n ORDER BY n`;
  const names = `WITH names (n) AS (VALUES ('one'), ('two'), ('v'), ('one_id_seq'), ('one_pkey'), ('wide'), ('none'))`;
  const joined = `SELECT ${shown} FROM names LEFT JOIN pg_class r ON r.relname = n LEFT JOIN pg_attribute a
    ON a.attrelid = r.oid GROUP BY n, r.relname ORDER BY n`;
  expect(await a.rows(`${names} ${each}`)).toEqual(await a.rows(`${names} ${joined}`));
  expect(
    await a.rows(`SELECT (SELECT sum(attnum) OVER () FROM pg_attribute a WHERE attrelid = c.oid AND attnum = 1),
    (SELECT count(*) FROM pg_attribute a WHERE attrelid = c.oid HAVING count(*) > 90) FROM pg_class c WHERE relname = 'two'`),
  ).toEqual([['1', null]]);
});

test('a transaction sees its own schema, others see what is committed, and nobody what was rolled back', async () => {
  const { a, b } = await open();
  const named = (c: Client, name: string): Promise<(string | null)[][]> =>
    c.rows(`SELECT relkind FROM pg_class WHERE relname = '${name}'`);
  expect(await named(a, 'fresh')).toEqual([]);
  expect(await named(b, 'fresh')).toEqual([]);
  await a.all('BEGIN; CREATE TABLE fresh (id int)');
  expect(await named(a, 'fresh')).toEqual([['r']]);
  expect(await named(b, 'fresh')).toEqual([]);
  await a.all('SAVEPOINT s; ALTER TABLE fresh RENAME TO fresher');
  expect(await named(a, 'fresh')).toEqual([]);
  expect(await named(a, 'fresher')).toEqual([['r']]);
  await a.all('ROLLBACK TO s');
  expect(await named(a, 'fresh')).toEqual([['r']]);
  expect(await named(a, 'fresher')).toEqual([]);
  await a.all('COMMIT');
  expect(await named(b, 'fresh')).toEqual([['r']]);
  await b.all('BEGIN; DROP TABLE fresh');
  expect(await named(b, 'fresh')).toEqual([]);
  expect(await named(a, 'fresh')).toEqual([['r']]);
  await b.all('ROLLBACK');
  expect(await named(b, 'fresh')).toEqual([['r']]);
  await b.all('ALTER TABLE fresh ADD COLUMN more text');
  expect(await a.rows(`SELECT attname FROM pg_attribute WHERE attrelid = 'fresh'::regclass AND attnum > 0`)).toEqual([
    ['id'],
    ['more'],
  ]);
});

test('what is visible follows search_path and new schemas', async () => {
  const { a } = await open();
  const visible = `SELECT pg_table_is_visible(oid) FROM pg_class WHERE relname = 'there'`;
  await a.all('CREATE SCHEMA s; CREATE TABLE s.there (id int)');
  expect(await a.rows(visible)).toEqual([['f']]);
  await a.all('SET search_path TO s, later');
  expect(await a.rows(visible)).toEqual([['t']]);
  await a.all('SET search_path TO later, s');
  expect(await a.rows(visible)).toEqual([['t']]);
  await a.all('CREATE SCHEMA later; CREATE TABLE later.there (id int)');
  expect(await a.rows(`${visible} ORDER BY oid`)).toEqual([['f'], ['t']]);
});
