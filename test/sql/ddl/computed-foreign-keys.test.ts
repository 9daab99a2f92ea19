/** Foreign keys where columns are generated and indexes are partial. */
import { beforeEach, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

let c: Client;
beforeEach(async () => {
  c = await Client.open(await startServer());
  await c.all('CREATE TABLE pa (k int PRIMARY KEY, u int)');
});

it('a partial unique index is no key to refer to', async () => {
  await c.all('CREATE UNIQUE INDEX ON pa (u) WHERE u > 0');
  expect(await c.error('CREATE TABLE x (x int REFERENCES pa (u))')).toBe(
    '42830 there is no unique constraint matching given keys for referenced table "pa"',
  );
});

it('a partial index of the child does not hide rows from checks and actions', async () => {
  await c.all(`
    CREATE TABLE child (x int REFERENCES pa ON DELETE CASCADE ON UPDATE CASCADE, f bool, g int GENERATED ALWAYS AS (x * 10) STORED);
    CREATE INDEX ON child (x) WHERE f;
    CREATE INDEX ON child ((x + 1));
    CREATE INDEX ON child (g);
    INSERT INTO pa VALUES (1), (2), (3);
    INSERT INTO child VALUES (1, true), (1, false), (2, false), (3, NULL);
    UPDATE pa SET k = 20 WHERE k = 2;
    DELETE FROM pa WHERE k = 1;
  `);
  const rows = [
    ['3', null, '30'],
    ['20', 'f', '200'],
  ];
  expect(await c.rows('SELECT * FROM child ORDER BY x')).toEqual(rows);
  expect(await c.rows('SELECT * FROM child WHERE x + 1 IN (4, 21, 3, 2) ORDER BY x')).toEqual(rows);
  expect(await c.rows('SELECT x FROM child WHERE g = 200')).toEqual([['20']]);
  expect(await c.rows('SELECT x FROM child WHERE x > 0 AND f')).toEqual([]);
});

it('a generated column may refer, if no action would write it', async () => {
  for (const [action, clause] of [
    ['ON UPDATE CASCADE', 'ON UPDATE'],
    ['ON UPDATE SET NULL', 'ON UPDATE'],
    ['ON DELETE SET NULL', 'ON DELETE'],
    ['ON DELETE SET DEFAULT', 'ON DELETE'],
  ])
    expect(
      await c.error(`CREATE TABLE x (a int, g int GENERATED ALWAYS AS (a * 2) STORED REFERENCES pa ${action})`),
    ).toBe(`42601 invalid ${clause} action for foreign key constraint containing generated column`);
  await c.all('CREATE TABLE x (a int, g int GENERATED ALWAYS AS (a * 2) STORED REFERENCES pa ON DELETE CASCADE)');
  await c.all('INSERT INTO pa VALUES (2), (4); INSERT INTO x VALUES (1), (2)');
  expect(await c.error('INSERT INTO x VALUES (3)')).toContain('23503');
  expect(await c.error('UPDATE x SET a = 3 WHERE a = 1')).toContain('23503');
  await c.all('UPDATE x SET a = 2 WHERE a = 1; DELETE FROM pa WHERE k = 4');
  expect(await c.rows('SELECT * FROM x')).toEqual([]);
});
