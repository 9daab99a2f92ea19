/**
 * Subqueries that look up a few rows of the catalogs, and joins of these, give what the same subqueries give over copies of
 * the catalogs, which are read by operators.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

const CATALOGS = ['pg_class', 'pg_attribute', 'pg_attrdef', 'pg_index', 'pg_constraint', 'pg_description', 'pg_type'];

/** Of each table `c`. */
const SUBQUERIES = [
  // A left join, which finds one row each.
  `(SELECT json_agg(json_build_object('name', a.attname, 'type', t.typname) ORDER BY a.attnum) FROM pg_attribute a
    LEFT JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0)`,
  // One that finds none for most.
  `(SELECT string_agg(a.attname || coalesce('=' || d.adbin::text, ''), ',' ORDER BY a.attnum) FROM pg_attribute a
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0)`,
  // Inner joins, one after the other, with a condition over both sides and one from outside.
  `(SELECT string_agg(a.attname || ' ' || x.relname, ',' ORDER BY x.relname, a.attnum) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) AND a.attname <> x.relname
    WHERE i.indrelid = c.oid AND c.relkind = 'r')`,
  // A list instead of an aggregate; EXISTS; one value.
  `(ARRAY(SELECT k.conname FROM pg_constraint k JOIN pg_index i ON i.indexrelid = k.conindid WHERE k.conrelid = c.oid
    ORDER BY k.conname))`,
  `(EXISTS (SELECT FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = c.oid AND d.adbin LIKE 'nextval%'))`,
  `((SELECT max(length(t.typname)) FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = c.oid)::text)`,
  // So many rows of one side that operators take over.
  `((SELECT count(*) FROM pg_attribute a LEFT JOIN pg_attribute b ON b.attnum = a.attnum WHERE a.attrelid = c.oid)::text)`,
];

describe('subqueries over joins of catalogs', () => {
  let client: Client;

  beforeAll(async () => {
    client = await Client.open(await startServer());
    for (let i = 0; i < 40; i++)
      await client.query(`CREATE TABLE dr${i} (id serial PRIMARY KEY, a int DEFAULT ${i}, b text UNIQUE, c date)`);
  });

  it.each(SUBQUERIES)('%s', async (subquery) => {
    const sql = `SELECT c.relname, ${subquery} AS found FROM pg_class c WHERE c.relname ~ '^dr[0-9]+$' ORDER BY 1`;
    const copies = CATALOGS.map((name) => `${name} AS MATERIALIZED (SELECT oids.* FROM pg_catalog.${name} oids)`);
    const found = await client.rows(sql);
    expect(found).toHaveLength(40);
    expect(found[7]![1]).toMatch(/./);
    expect(found).toEqual(await client.rows(`WITH ${copies.join(', ')} ${sql}`));
  });

  it('call what is different each time once for each row', async () => {
    const joined = `FROM pg_attribute a LEFT JOIN pg_attribute b ON b.attnum = a.attnum AND b.attrelid > 16383`;
    const counted = (condition: string): Promise<(string | null)[][]> =>
      client.rows(
        `SELECT (SELECT count(*) ${joined} ${condition} WHERE a.attrelid = c.oid) FROM pg_class c WHERE c.relname = 'dr1'`,
      );
    await client.query('SELECT setseed(0.25)');
    const [[calls]] = (await counted('AND random() >= 0')) as [[string]];
    expect(Number(calls)).toBeGreaterThan(256);
    expect(await counted('')).toEqual([[calls]]);
    const next = await client.rows('SELECT random()');
    await client.query(`SELECT setseed(0.25); SELECT random() FROM generate_series(1, ${calls})`);
    expect(next).toEqual(await client.rows('SELECT random()'));
  });
});
