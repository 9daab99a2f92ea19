/** Range types of users over sessions, and read again from what is stored. */
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryDb } from '../support/memory-kv.js';
import { Client, startServer } from '../support/server.js';

let db: MemoryDb;
let c: Client;
let other: Client;

beforeEach(async () => {
  db = new MemoryDb();
  const server = await startServer(db);
  c = await Client.open(server);
  other = await Client.open(server);
});

describe('range types of users', () => {
  it('are what they were to a server that reads them from the store', async () => {
    await c.all(`
      CREATE TYPE span AS RANGE (subtype = float8);
      CREATE TABLE t (id int PRIMARY KEY, r span, m span_multirange, a span[], ma span_multirange[]);
      CREATE UNIQUE INDEX ON t (r);
      CREATE INDEX ON t USING gin (a);
      INSERT INTO t VALUES (1, span(1, 2), '{[1,2),[3,4]}', '{"[1,2)","[7,8)"}', array['{[1,2)}'::span_multirange]),
        (2, '(,5]', '{}', '{}', NULL);
      CREATE VIEW v AS SELECT range_agg(r) AS all_ FROM t`);
    const again = await Client.open(await startServer(db));
    expect(await again.rows('SELECT * FROM t ORDER BY r')).toEqual([
      ['2', '(,5]', '{}', '{}', null],
      ['1', '[1,2)', '{[1,2),[3,4]}', '{"[1,2)","[7,8)"}', '{"{[1,2)}"}'],
    ]);
    expect(await again.rows('SELECT all_, pg_typeof(all_) FROM v')).toEqual([['{(,5]}', 'span_multirange']]);
    expect(await again.rows("SELECT id FROM t WHERE r = '[1,2)' AND a @> array[span(7, 8)]")).toEqual([['1']]);
    expect(await again.error("INSERT INTO t VALUES (3, '[1,2)')")).toMatch(/^23505 /);
    await again.all("UPDATE t SET m = m + span_multirange(r), a = a || span(0, 1, '[]') WHERE id = 1");
    expect(await again.rows('SELECT m, a FROM t WHERE id = 1')).toEqual([
      ['{[1,2),[3,4]}', '{"[1,2)","[7,8)","[0,1]"}'],
    ]);
    expect(await again.rows("SELECT id FROM t WHERE a && array['[0,1]'::span]")).toEqual([['1']]);
  });

  it('are made and dropped with their multirange or not at all', async () => {
    await c.all('CREATE TYPE taken AS ENUM ()');
    await c.all('BEGIN');
    expect(await c.error('CREATE TYPE r AS RANGE (subtype = int8, multirange_type_name = taken)')).toBe(
      '42710 type "taken" already exists',
    );
    await c.all('ROLLBACK; BEGIN; CREATE TYPE r AS RANGE (subtype = int8)');
    expect(await c.rows('SELECT r(1, 2), r_multirange(r(1, 2))')).toEqual([['[1,2)', '{[1,2)}']]);
    expect(await other.error("SELECT '[1,2)'::r")).toMatch(/^42704 /);
    await c.all('ROLLBACK');
    expect(await c.error("SELECT '{}'::r_multirange")).toMatch(/^42704 /);
    expect(await c.error('SELECT r(1, 2)')).toMatch(/^42883 function r\(integer, integer\) does not exist/);
    await c.all('CREATE TYPE r AS RANGE (subtype = int8)');
    await c.all('BEGIN; DROP TYPE r');
    expect(await c.error('SELECT r(1, 2)')).toMatch(/^42883 /);
    await c.all('ROLLBACK');
    expect(await other.rows('SELECT r(1, 2)')).toEqual([['[1,2)']]);
    await c.all('DROP TYPE r; CREATE TYPE r_multirange AS ENUM (); CREATE TYPE r AS ENUM ()');
  });

  it('follow a new name where they are used, in statements that were prepared too', async () => {
    await c.all(`CREATE TYPE span AS RANGE (subtype = float8);
      CREATE TABLE t (id int PRIMARY KEY, r span, m span_multirange); INSERT INTO t VALUES (1, '[1,2)', '{[1,2)}')`);
    await other.all('PREPARE p AS SELECT r, pg_typeof(r), pg_typeof(m) FROM t WHERE r && span(1, 3)');
    expect(await other.rows('EXECUTE p')).toEqual([['[1,2)', 'span', 'span_multirange']]);
    await c.all('ALTER TYPE span RENAME TO stretch');
    expect(await c.rows('SELECT r, pg_typeof(r), pg_typeof(m) FROM t WHERE m @> r AND r = stretch(1, 2)')).toEqual([
      ['[1,2)', 'stretch', 'span_multirange'],
    ]);
    expect(await other.error('SELECT span(1, 2)')).toMatch(/^42883 /);
    expect(await c.error('ALTER TYPE span_multirange RENAME TO x')).toMatch(/^0A000 /);
    await c.all('DROP TYPE stretch CASCADE');
    expect(await c.rows('SELECT * FROM t')).toEqual([['1']]);
  });

  it('have what is not there refused', async () => {
    await c.all('CREATE DOMAIN d AS int');
    expect(await c.error('CREATE TYPE r AS RANGE (subtype = d)')).toMatch(/^0A000 a range over/);
    await c.all('CREATE TYPE r AS RANGE (subtype = int4)');
    expect(await c.error('CREATE VIEW v AS SELECT r(1, 2)')).toMatch(/^0A000 /);
    expect(await c.error('CREATE TYPE q AS RANGE (subtype = text, subtype_opclass = text_ops)')).toMatch(/^0A000 /);
  });
});
