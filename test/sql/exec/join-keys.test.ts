/** Joins by keys of different types, by maps of catalogs, and through selections that are taken apart: same rows as without. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

let client: Client;
beforeAll(async () => {
  client = await Client.open(await startServer());
  await client.all(`
    CREATE TABLE small (id int2 PRIMARY KEY, name text);
    CREATE TABLE mid (id int4 PRIMARY KEY, name varchar(20));
    CREATE TABLE big (id int8, label name);
    INSERT INTO small SELECT g, 'n' || g FROM generate_series(1, 40) g;
    INSERT INTO mid SELECT g * 2, 'n' || g FROM generate_series(1, 40) g;
    INSERT INTO big SELECT g * 3, 'n' || g FROM generate_series(1, 40) g;
    INSERT INTO big VALUES (9007199254740993, 'far'), (9007199254740992, 'near'), (NULL, NULL), (NULL, 'n1');
    CREATE TABLE parent (id bigserial PRIMARY KEY, code text UNIQUE);
    CREATE TABLE child (id bigserial PRIMARY KEY, parent bigint REFERENCES parent (id), note text DEFAULT 'x');
    CREATE INDEX ON child (parent)`);
});

const count = async (sql: string): Promise<number> => Number((await client.rows(sql))[0]![0]);

describe('keys of different types', () => {
  it('join integers of any size, also those that a double cannot tell apart', async () => {
    expect(await count('SELECT count(*) FROM small JOIN mid ON small.id = mid.id')).toBe(20);
    expect(await count('SELECT count(*) FROM mid JOIN big ON mid.id = big.id')).toBe(13);
    expect(await count('SELECT count(*) FROM big JOIN small ON big.id = small.id')).toBe(13);
    expect(await count('SELECT count(*) FROM big a JOIN big b ON a.id = b.id WHERE a.id > 1000')).toBe(2);
    expect(await count('SELECT count(*) FROM small RIGHT JOIN big ON big.id = small.id')).toBe(44);
    expect(await count('SELECT count(*) FROM small FULL JOIN big ON big.id = small.id')).toBe(71);
  });

  it('join text, varchar and name', async () => {
    expect(await count('SELECT count(*) FROM small JOIN mid ON small.name = mid.name')).toBe(40);
    expect(await count('SELECT count(*) FROM small JOIN big ON small.name = big.label')).toBe(41);
    expect(
      await count('SELECT count(*) FROM small LEFT JOIN big ON small.name = big.label AND big.id = small.id'),
    ).toBe(40);
    expect(
      await count('SELECT count(*) FROM big WHERE NOT EXISTS (SELECT FROM small WHERE small.name = big.label)'),
    ).toBe(3);
  });

  it('are hashed, which EXPLAIN shows', async () => {
    const plan = (await client.rows('EXPLAIN SELECT * FROM big JOIN small ON big.label = small.name'))
      .flat()
      .join('\n');
    expect(plan).toContain('Hash Join');
  });
});

describe('catalogs as the right side', () => {
  /** OFFSET 0 keeps a selection from being looked up in. */
  const pairs: readonly (readonly [string, string])[] = [
    ['a.attrelid = c.oid', 'JOIN'],
    ['a.attrelid = c.oid', 'LEFT JOIN'],
    ['a.attrelid = c.oid AND a.attnum > 1', 'LEFT JOIN'],
    ['a.attname = c.relname', 'JOIN'],
    ["a.attname::text = 'id'::text AND a.attrelid = c.oid", 'LEFT JOIN'],
    ['a.attnum = c.relnatts AND a.attrelid = c.oid', 'JOIN'],
    ['a.attnum = c.oid::int', 'LEFT JOIN'],
  ];
  for (const [condition, join] of pairs) {
    it(`${join} ON ${condition}`, async () => {
      const from = (right: string): string =>
        `SELECT c.relname, a.attname, a.attnum FROM pg_class c ${join} ${right} a ON ${condition}
         WHERE c.relname IN ('parent', 'child', 'child_parent_idx', 'pg_am') ORDER BY 1, 3, 2`;
      const rows = await client.rows(from('pg_attribute'));
      expect(rows).toEqual(await client.rows(from('(SELECT * FROM pg_attribute OFFSET 0)')));
    });
  }

  it('semi and anti joins', async () => {
    const with0 = (offset: string, not: string): string =>
      `SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND ${not} EXISTS
       (SELECT 1 FROM (SELECT * FROM pg_index ${offset}) i WHERE i.indrelid = c.oid AND i.indisunique) ORDER BY 1`;
    for (const not of ['', 'NOT'])
      expect(await client.rows(with0('', not))).toEqual(await client.rows(with0('OFFSET 0', not)));
    expect(await client.rows(with0('', ''))).toEqual([['child'], ['mid'], ['parent'], ['small']]);
  });

  it('are the rows of this statement, not of the last', async () => {
    const sql = `SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.relname = 'grows' ORDER BY a.attnum`;
    await client.query('CREATE TABLE grows (a int)');
    expect(await client.rows(sql)).toEqual([['grows', 'a']]);
    await client.query('ALTER TABLE grows ADD COLUMN b int');
    expect(await client.rows(sql)).toEqual([
      ['grows', 'a'],
      ['grows', 'b'],
    ]);
    await client.query('DROP TABLE grows');
    expect(await client.rows(sql)).toEqual([]);
  });
});

describe('selections of columns from inner joins', () => {
  const inner = 'SELECT s.id AS sid, m.id AS mid, m.name AS called FROM small s JOIN mid m ON m.name = s.name';
  const outer = [
    (q: string) => `SELECT * FROM (${q}) q JOIN big b ON b.label = q.called ORDER BY 1, 2, 4`,
    (q: string) => `SELECT b.id, q.called FROM big b, (${q}) q WHERE b.id = q.mid AND q.sid > 3 ORDER BY 1`,
    (q: string) => `SELECT q.mid, r.sid FROM (${q}) q JOIN (${q}) r ON q.mid = r.sid WHERE r.called <> 'n4' ORDER BY 1`,
    (q: string) =>
      `SELECT q.mid, l.x FROM (${q}) q JOIN big b ON b.id = q.sid, LATERAL (SELECT q.sid + b.id AS x) l ORDER BY 1`,
    (q: string) => `SELECT q.called FROM (${q}) q JOIN big b ON b.id = q.sid
      WHERE EXISTS (SELECT FROM mid WHERE mid.id = q.mid AND mid.name = q.called) ORDER BY 1`,
    (q: string) => `SELECT count(*), (SELECT max(sid) FROM small WHERE small.id = q.sid) FROM (${q}) q JOIN big b
      ON b.id = q.sid GROUP BY q.sid ORDER BY 2`,
    (q: string) => `SELECT w.n FROM (SELECT q.mid AS n, b.label FROM (${q}) q JOIN big b ON b.id = q.sid) w
      JOIN mid ON mid.id = w.n AND mid.name <> w.label ORDER BY 1`,
  ];
  for (const of of outer) {
    it(of('q').replace(/\s+/g, ' '), async () => {
      const sql = of(inner).replaceAll('max(sid)', 'max(small.id)');
      const rows = await client.rows(sql);
      expect(rows.length).toBeGreaterThan(0);
      expect(rows).toEqual(await client.rows(of(`${inner} OFFSET 0`).replaceAll('max(sid)', 'max(small.id)')));
    });
  }
});

describe('correlated subqueries', () => {
  it('give each row its own value though they do not run again for values that they had', async () => {
    expect(
      await client.rows(`SELECT g, (SELECT name FROM small WHERE id = g % 3), (SELECT count(*) FROM mid WHERE id < g % 3 * 10),
        EXISTS (SELECT FROM small WHERE id = g % 3) FROM generate_series(1, 6) g`),
    ).toEqual([
      ['1', 'n1', '4', 't'],
      ['2', 'n2', '9', 't'],
      ['3', null, '0', 'f'],
      ['4', 'n1', '4', 't'],
      ['5', 'n2', '9', 't'],
      ['6', null, '0', 'f'],
    ]);
  });

  it('run for each row where they are volatile', async () => {
    await client.query('CREATE SEQUENCE counter');
    expect(await client.rows(`SELECT (SELECT nextval('counter') + 0 * g) FROM unnest(ARRAY[1, 1, 1]) g`)).toEqual([
      ['1'],
      ['2'],
      ['3'],
    ]);
  });

  it('fail for the row that they fail for', async () => {
    expect(await client.error(`SELECT (SELECT id FROM small WHERE id <= g) FROM unnest(ARRAY[1, 1, 2]) g`)).toBe(
      '21000 more than one row returned by a subquery used as an expression',
    );
  });

  it('tell values of different types and depths apart', async () => {
    expect(
      await client.rows(
        `SELECT a, b, (SELECT a || '/' || b) FROM (VALUES ('1', '11'), ('11', '1'), (NULL, 'x'), ('null', 'x')) v (a, b)`,
      ),
    ).toEqual([
      ['1', '11', '1/11'],
      ['11', '1', '11/1'],
      [null, 'x', null],
      ['null', 'x', 'null/x'],
    ]);
    expect(
      await client.rows(`SELECT x, (SELECT string_agg((SELECT x || y::text), ',' ORDER BY y) FROM unnest(ARRAY[1, 2, 1]) y)
        FROM unnest(ARRAY['a', 'b', 'a']) x`),
    ).toEqual([
      ['a', 'a1,a1,a2'],
      ['b', 'b1,b1,b2'],
      ['a', 'a1,a1,a2'],
    ]);
  });

  it('go on past the number of results that are kept', async () => {
    expect(await count(`SELECT count(*) FROM generate_series(1, 3000) g WHERE (SELECT g % 1500 + 0) = g % 1500`)).toBe(
      3000,
    );
  });
});

describe('keys that a subquery gives', () => {
  const oidOf = (name: string): string => `(SELECT c.oid FROM pg_class c WHERE c.relname = ${name})`;

  it('find the rows of a catalog that the condition holds for', async () => {
    const names = `(VALUES ('small'), ('mid'), ('nothing'), (NULL)) AS n (name)`;
    expect(
      await client.rows(`SELECT n.name, a.attname FROM ${names} LEFT JOIN pg_attribute a
        ON a.attrelid = ${oidOf('n.name')} AND a.attnum = 1 ORDER BY 1`),
    ).toEqual([
      ['mid', 'id'],
      ['nothing', null],
      ['small', 'id'],
      [null, null],
    ]);
    expect(
      await client.rows(`SELECT n.name FROM ${names} WHERE NOT EXISTS (SELECT FROM pg_attribute a
        WHERE a.attrelid = ${oidOf('n.name')}) ORDER BY 1`),
    ).toEqual([['nothing'], [null]]);
  });

  it('are an error where there are several', async () => {
    await expect(
      client.rows(`SELECT 1 FROM (VALUES ('t')) n (name) LEFT JOIN pg_attribute a
        ON a.attrelid = (SELECT c.oid FROM pg_class c WHERE c.relname <> n.name)`),
    ).rejects.toMatchObject({ sqlstate: '21000' });
  });

  it('are asked again for each pair where they change', async () => {
    await client.all('CREATE SEQUENCE asked');
    await client.rows(`SELECT 1 FROM (VALUES ('t')) n (name) LEFT JOIN pg_am a
      ON a.oid = (SELECT nextval('asked')::oid WHERE n.name = 't')`);
    expect(Number((await client.rows('SELECT last_value FROM asked'))[0]![0])).toBeGreaterThan(1);
  });
});
