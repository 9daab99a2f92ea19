/** Attributes of composite types that something stored reads (PostgreSQL's refusals: composites.sql). */
import { beforeEach, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

let c: Client;
beforeEach(async () => {
  c = await Client.open(await startServer());
  await c.all('CREATE TYPE pair AS (a int, "B c" int, d int); CREATE TABLE t (p pair)');
});

describe('an attribute that is read', () => {
  it.each([
    ['a check', 'ALTER TABLE t ADD CHECK ((p)."B c" > 0)'],
    ['an index', 'CREATE INDEX ON t (((p)."B c"))'],
    ['an index on a part', 'CREATE INDEX ON t (p) WHERE (p)."B c" > 0'],
    ['a generated column', 'ALTER TABLE t ADD g int GENERATED ALWAYS AS ((p)."B c") STORED'],
    ['a view', 'CREATE VIEW v AS SELECT (p)."B c" + 1 AS x FROM t'],
    ['a view over a view', 'CREATE VIEW v AS SELECT * FROM t; CREATE VIEW w AS SELECT 1 FROM v WHERE (v.p)."B c" = 1'],
    ['a domain', 'CREATE DOMAIN whole AS pair CHECK ((VALUE)."B c" > 0)'],
    ['an element', 'CREATE TABLE u (ps pair[] CHECK ((ps[1])."B c" > 0))'],
  ])('keeps its name and stays: %s', async (_what, made) => {
    await c.all(made);
    expect(await c.error('ALTER TYPE pair RENAME ATTRIBUTE "B c" TO e')).toMatch(/^0A000 /);
    expect(await c.error('ALTER TYPE pair DROP ATTRIBUTE "B c"')).toMatch(/^2BP01 cannot drop column/);
    await c.all('ALTER TYPE pair RENAME ATTRIBUTE a TO e; ALTER TYPE pair DROP ATTRIBUTE d');
    await c.all('INSERT INTO t (p) VALUES ((1, 2))');
    expect(await c.rows('SELECT (p).e, (p)."B c" FROM t')).toEqual([['1', '2']]);
  });

  it('goes with the views that read it', async () => {
    await c.all('CREATE VIEW v AS SELECT * FROM t; CREATE VIEW w AS SELECT (v.p).a FROM v');
    await c.all('ALTER TYPE pair DROP ATTRIBUTE a CASCADE');
    expect(await c.rows("SELECT relname FROM pg_class WHERE relname IN ('v', 'w')")).toEqual([['v']]);
    await c.all('ALTER TABLE t ADD CHECK ((p).d > 0)');
    expect(await c.error('ALTER TYPE pair DROP ATTRIBUTE d CASCADE')).toMatch(/^0A000 /);
  });

  it('of rows of a table stays too, for views over tables that have such', async () => {
    await c.all(
      'CREATE TABLE base (a int, b int); CREATE TABLE of_rows (x base); CREATE VIEW v AS SELECT (x).b FROM of_rows',
    );
    expect(await c.error('ALTER TABLE base RENAME b TO z')).toMatch(/^0A000 /);
    expect(await c.error('ALTER TABLE base DROP b')).toMatch(/^2BP01 cannot drop column b of table base/);
    await c.all('ALTER TABLE base DROP b CASCADE; ALTER TABLE base RENAME a TO z');
    expect(await c.error('SELECT * FROM v')).toMatch(/^42P01 /);
  });

  it('is free when nothing reads it any more', async () => {
    await c.all('CREATE VIEW v AS SELECT (p).a FROM t; DROP VIEW v; ALTER TYPE pair RENAME ATTRIBUTE a TO z');
    expect(await c.rows('SELECT (p).z FROM t')).toEqual([]);
  });
});
