/** Joins with catalogs give what the same joins give over copies of their rows, which are joined by tables made for them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

const CATALOGS = ['pg_class', 'pg_attribute', 'pg_attrdef', 'pg_index', 'pg_constraint', 'pg_description', 'pg_depend'];
const ORDER = 'ORDER BY 1, 2, 3, 4';

const JOINS = [
  // One row of each; several; none.
  `SELECT c.relname, a.attname, d.adbin, a.attnum FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
   LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE c.relname LIKE 'jc%'`,
  `SELECT c.relname, a.attname, i.indexrelid, k.conname FROM pg_class c LEFT JOIN pg_index i ON i.indrelid = c.oid
   LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
   WHERE c.relname LIKE 'jc%'`,
  // A left join without a match in front of inner ones.
  `SELECT c.relname, s.description, a.attname, a.attnum FROM pg_class c
   LEFT JOIN pg_description s ON s.objoid = c.oid AND s.objsubid = 0
   JOIN pg_attribute a ON a.attrelid = c.oid AND (s.description IS NULL OR a.attnum = 1) WHERE c.relname LIKE 'jc%'`,
  // What the right side is asked by itself, by a map and by more; a key that is NULL.
  `SELECT c.relname, p.objid, p.deptype, k.conname FROM pg_class c LEFT JOIN pg_depend p ON p.refobjid = c.oid
   AND p.deptype = 'a' AND p.classid <> p.refclassid LEFT JOIN pg_constraint k ON k.oid = p.objid WHERE c.relname LIKE 'jc%'`,
  // A condition over both sides, and one that joins the same catalog twice.
  `SELECT c.relname, a.attname, b.attname, b.attnum FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
   JOIN pg_attribute b ON b.attrelid = a.attrelid AND b.attnum > a.attnum AND length(b.attname) >= length(a.attname)
   WHERE c.relname LIKE 'jc%'`,
  // Compared as text and as another type of integer.
  `SELECT c.relname, a.attname, x.attname, x.attnum FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
   LEFT JOIN pg_attribute x ON x.attname = a.attname::text AND x.attnum = a.attnum::int4 AND x.attrelid <> a.attrelid
   WHERE c.relname LIKE 'jc%' AND a.attnum > 0`,
  // Read by something else than a projection.
  `SELECT c.relname, count(*), min(a.attname), max(i.indexrelid) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
   LEFT JOIN pg_index i ON i.indrelid = c.oid WHERE c.relname LIKE 'jc%' GROUP BY c.relname`,
];

describe('joins with catalogs', () => {
  let client: Client;

  beforeAll(async () => {
    client = await Client.open(await startServer());
    for (let i = 0; i < 12; i++) {
      await client.query(`CREATE TABLE jc${i} (id serial PRIMARY KEY, a int DEFAULT ${i}, b text UNIQUE CHECK (b <> ''),
        up int REFERENCES jc${Math.max(0, i - 1)} (id))`);
      if (i % 3 === 0) await client.query(`COMMENT ON TABLE jc${i} IS 'number ${i}'`);
    }
  });

  it.each(JOINS)('%s', async (sql) => {
    const copies = CATALOGS.map((name) => `${name} AS MATERIALIZED (SELECT oids.* FROM pg_catalog.${name} oids)`);
    const found = await client.rows(`${sql} ${ORDER}`);
    expect(found.length).toBeGreaterThan(11);
    expect(found).toEqual(await client.rows(`WITH ${copies.join(', ')} ${sql} ${ORDER}`));
  });

  it('are counted one by one by EXPLAIN ANALYZE', async () => {
    const lines = await client.rows(`EXPLAIN (ANALYZE, TIMING OFF) ${JOINS[0]}`);
    expect(lines.filter(([line]) => /Join.*rows=\d+ loops=1\)/.test(line!))).toHaveLength(2);
  });

  it('give many rows in batches', async () => {
    const [[all]] = (await client.rows(`SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      JOIN pg_attribute b ON b.attrelid = a.attrelid`)) as [[string]];
    const [[sum]] = (await client.rows(`SELECT sum(n * n) FROM (SELECT count(*) n FROM pg_attribute a
      WHERE EXISTS (SELECT FROM pg_class c WHERE c.oid = a.attrelid) GROUP BY attrelid) x`)) as [[string]];
    expect(Number(all)).toBeGreaterThan(5000);
    expect(all).toBe(sum);
  });
});

describe('a projection over joins with catalogs', () => {
  let client: Client;

  beforeAll(async () => {
    client = await Client.open(await startServer());
    await client.query('CREATE TABLE pj (a int, b int, c int, d int, e int)');
  });

  const joined = `pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_description s ON s.objoid = c.oid
    WHERE c.relname = 'pj' AND a.attnum > 0`;

  it('gives the rows before one that fails', async () => {
    for (const failing of ['12 / (4 - a.attnum)', '(SELECT 12 / (4 - a.attnum) WHERE c.oid > 0)']) {
      const sql = `SELECT a.attname, ${failing} FROM ${joined}`;
      expect(await client.error(sql)).toMatch(/^22012/);
      await client.query(`BEGIN; DECLARE rows CURSOR FOR ${sql}`);
      expect(await client.rows('FETCH 3 FROM rows')).toEqual([
        ['a', '4'],
        ['b', '6'],
        ['c', '12'],
      ]);
      expect(await client.error('FETCH 1 FROM rows')).toMatch(/^22012/);
      await client.query('ROLLBACK');
    }
  });

  it('keeps each row apart, also where it has to be waited for', async () => {
    await client.query('CREATE SEQUENCE pj_number');
    const rows = await client.rows(`SELECT a.attname, a.attnum, nextval('pj_number'), c.relname FROM ${joined}`);
    expect(rows).toEqual(['a', 'b', 'c', 'd', 'e'].map((name, i) => [name, String(i + 1), String(i + 1), 'pj']));
  });
});
