/** gin and hash indexes: the same answers as without, plans that use them, and entries that follow the rows. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';
import { MemoryDb } from '../support/memory-kv.js';

let c: Client;
let other: Client;

beforeEach(async () => {
  const server = await startServer(new MemoryDb());
  c = await Client.open(server);
  other = await Client.open(server);
});

async function plan(query: string): Promise<string> {
  return (await c.rows(`EXPLAIN (COSTS OFF) ${query}`)).map((r) => r[0]!.trim()).join(' / ');
}

const sorted = async (query: string): Promise<string[]> => (await c.rows(query)).map((r) => r.join('|')).sort();

/** Mulberry32. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function documents(below: (n: number) => number): { json: (depth: number) => string; array: () => string } {
  const scalars = [
    '1',
    '1.0',
    '2',
    '-3',
    '10',
    'true',
    'false',
    'null',
    '"a"',
    '"b"',
    '""',
    '"é"',
    `"${'z'.repeat(120)}"`,
  ];
  const scalar = (): string => scalars[below(scalars.length)]!;
  const key = (): string => ['a', 'b', 'c', '', 'k'.repeat(100)][below(5)]!;
  const some = (one: () => string): string => Array.from({ length: below(4) }, one).join(', ');
  const json = (depth: number): string => {
    const kind = depth === 0 ? 0 : below(3);
    if (kind === 0) return scalar();
    if (kind === 1) return `[${some(() => json(depth - 1))}]`;
    return `{${some(() => `"${key()}": ${json(depth - 1)}`)}}`;
  };
  return { json, array: () => `{${some(() => (below(6) === 0 ? 'NULL' : String(below(6))))}}` };
}

describe('answers', () => {
  it.each([1, 2])('are those of a table without indexes: seed %i', async (seed) => {
    const below = random(seed);
    const make = documents(below);
    await c.all(`
      CREATE TABLE plain (id int PRIMARY KEY, d jsonb, v int[], w varchar(5)[]);
      CREATE TABLE keys (LIKE plain INCLUDING ALL);
      CREATE TABLE paths (LIKE plain INCLUDING ALL);
      CREATE INDEX ON keys USING gin (d);
      CREATE INDEX ON paths USING gin (d jsonb_path_ops);
      CREATE INDEX ON keys USING gin (v);
      CREATE INDEX ON paths USING gin (w, v)`);
    const rows = Array.from({ length: 300 }, (_, i) => {
      const value = (text: string): string => (below(20) === 0 ? 'NULL' : `'${text}'`);
      return `(${i}, ${value(make.json(3))}, ${value(make.array())}, ${value(make.array())})`;
    });
    for (const table of ['plain', 'keys', 'paths']) await c.all(`INSERT INTO ${table} VALUES ${rows.join(', ')}`);
    let used = 0;
    for (let i = 0; i < 70; i++) {
      const condition = [
        () => `d @> '${make.json(3)}'`,
        () => `d @> '${make.json(2)}' AND d @> '${make.json(1)}'`,
        () => `'${make.json(2)}' <@ d`,
        () => `d ? '${['a', 'b', 'é', ''][below(4)]}'`,
        () => `d ?| '{a,NULL,${'z'.repeat(120)}}'`,
        () => `d ?& ARRAY['a', NULL, 'b']::text[]`,
        () => `v @> '${make.array()}'`,
        () => `v && '${make.array()}'`,
        () => `v <@ '${make.array()}'`,
        () => `v = '${make.array()}'`,
        () => `'${make.array()}' @> v AND d ? 'a'`,
        () => `w && '${make.array()}'`,
        () => `w::text[] @> ARRAY['1', '2']`,
        () => `w @> '${make.array()}' AND v && '${make.array()}'`,
        () => `d @> (SELECT d FROM plain p WHERE p.id = ${below(300)})`,
        () => `EXISTS (SELECT FROM plain p WHERE p.id = ${below(300)} AND t.v && p.v)`,
      ][below(16)]!();
      const expected = await sorted(`SELECT id FROM plain t WHERE ${condition}`);
      for (const table of ['keys', 'paths']) {
        const query = `SELECT id FROM ${table} t WHERE ${condition}`;
        if (/using \w+_[dvw]/.test(await plan(query))) used++;
        expect(await sorted(query), query).toEqual(expected);
      }
    }
    expect(used).toBeGreaterThan(60);
  });

  it('come once though lists of rows are long, and in any number of items', async () => {
    await c.all(`
      CREATE TABLE t (id int PRIMARY KEY, v int[]);
      INSERT INTO t SELECT i, ARRAY[i % 2, 10 + i / 2 % 2, 100 + i % 4000] FROM generate_series(1, 17000) i;
      CREATE INDEX ON t USING gin (v)`);
    const count = async (condition: string): Promise<string> => {
      const query = `SELECT count(*) || ' ' || sum(id) FROM t WHERE ${condition}`;
      expect(await plan(query)).toMatch(/Index Scan using t_[vd]_idx/);
      return (await c.rows(query))[0]![0]!;
    };
    const whole = async (condition: string): Promise<string> =>
      (await c.rows(`SELECT count(*) || ' ' || sum(id) FROM (SELECT * FROM t OFFSET 0) t WHERE ${condition}`))[0]![0]!;
    for (const condition of [
      "v @> '{1}'",
      "v @> '{1,10}'",
      "v @> '{0,11,102}'",
      "v @> '{1,4099}'",
      "v && '{0,1,10}'",
      "v && '{11,3000,12}'",
      "v <@ '{0,1,10,11,101}'",
    ])
      expect(await count(condition), condition).toBe(await whole(condition));
    expect(await c.rows("SELECT id FROM t WHERE v @> '{1,10}' AND id > 100 ORDER BY id LIMIT 3")).toEqual([
      ['101'],
      ['105'],
      ['109'],
    ]);
    expect((await c.rows("SELECT id FROM t WHERE v @> '{1,10}' LIMIT 5")).length).toBe(5);
    expect((await c.rows("SELECT id FROM t WHERE v && '{1,10,101}' LIMIT 5 OFFSET 9000")).length).toBe(5);
  });

  it('hold for parameters, whatever they are', async () => {
    await c.all(`CREATE TABLE t (id int PRIMARY KEY, d jsonb, v text[]);
      CREATE INDEX ON t USING gin (d); CREATE INDEX ON t USING gin (v);
      INSERT INTO t VALUES (1, '{"a": 1}', '{x}'), (2, '[]', '{}'), (3, NULL, NULL), (4, '{}', '{x,NULL}')`);
    const ask = async (condition: string, type: string, value: string | null): Promise<string> =>
      (await c.run(`SELECT id FROM t WHERE ${condition.replace('$', `$1::${type}`)} ORDER BY id`, [value])).rows.join();
    expect(await ask('d @> $', 'jsonb', '{"a": 1}')).toBe('1');
    expect(await ask('d @> $', 'jsonb', '{}')).toBe('1,4');
    expect(await ask('d @> $', 'jsonb', '[]')).toBe('2');
    expect(await ask('d @> $', 'jsonb', null)).toBe('');
    expect(await ask('d ? $', 'text', 'a')).toBe('1');
    expect(await ask('d ?& $', 'text[]', '{}')).toBe('1,2,4');
    expect(await ask('d ?| $', 'text[]', '{}')).toBe('');
    expect(await ask('v @> $', 'text[]', '{}')).toBe('1,2,4');
    expect(await ask('v @> $', 'text[]', '{NULL}')).toBe('');
    expect(await ask('v <@ $', 'text[]', '{}')).toBe('2');
    expect(await ask('v <@ $', 'text[]', '{x,y}')).toBe('1,2');
    expect(await ask('v = $', 'text[]', '{x,NULL}')).toBe('4');
    expect(await ask('v && $', 'text[]', '{y,x}')).toBe('1,4');
    // A statement that is kept and run again.
    await c.all('PREPARE p (jsonb) AS SELECT id FROM t WHERE d @> $1 ORDER BY id');
    expect(await c.rows(`EXECUTE p ('{"a": 1.0}')`)).toEqual([['1']]);
    expect(await c.rows("EXECUTE p ('{}')")).toEqual([['1'], ['4']]);
    expect(await c.rows('EXECUTE p (NULL)')).toEqual([]);
  });
});

describe('plans', () => {
  beforeEach(async () => {
    await c.all(`CREATE TABLE t (id int PRIMARY KEY, n int, d jsonb, v int[], w jsonb);
      CREATE INDEX d_keys ON t USING gin (d);
      CREATE INDEX tags ON t USING gin ((d -> 'tags') jsonb_path_ops) WHERE n > 3;
      CREATE INDEX elements ON t USING gin (v);
      CREATE INDEX n_hash ON t USING hash (n)`);
  });

  it('show the index and test the rows again', async () => {
    expect(await c.rows(`EXPLAIN (COSTS OFF) SELECT * FROM t WHERE d @> '{"a": 1}' AND n > 2`)).toEqual([
      ['Index Scan using d_keys on t'],
      [`  Index Cond: (d @> '{"a": 1}'::jsonb)`],
      [`  Filter: ((d @> '{"a": 1}'::jsonb) AND (n > 2))`],
    ]);
    expect(await plan("SELECT * FROM t WHERE d @> '{\"a\": 1}' AND d ? 'b'")).toContain('AND (d ? ');
    expect(await plan("SELECT * FROM t WHERE n > 3 AND d -> 'tags' @> '[1]'")).toContain('using tags');
    expect(await plan("SELECT * FROM t WHERE n > 2 AND d -> 'tags' @> '[1]'")).toContain('Seq Scan');
    expect(await plan("SELECT * FROM t WHERE n > 3 AND d -> 'tags' ? 'x'")).toContain('Seq Scan');
    expect(await plan("SELECT * FROM t WHERE d @> '{}'")).toContain('Seq Scan');
    expect(await plan('SELECT * FROM t WHERE 1 = ANY (v)')).toContain('Seq Scan');
    expect(await plan("SELECT * FROM t WHERE d <@ '{}'")).toContain('Seq Scan');
    expect(await plan('SELECT * FROM t WHERE NOT v && ARRAY[1]')).toContain('Seq Scan');
    expect(await plan('SELECT * FROM t WHERE v && ARRAY[1] OR n < 3')).toContain('Seq Scan');
    expect(await plan('SELECT * FROM t WHERE w @> \'{"a": 1}\'')).toContain('Seq Scan');
    expect(await plan('SELECT * FROM t ORDER BY d LIMIT 1')).toContain('Seq Scan');
  });

  it('prefer a key, and look up what a join brings', async () => {
    expect(await plan('SELECT * FROM t WHERE d @> \'{"a": 1}\' AND id = 3')).toContain('using t_pkey');
    expect(await plan('SELECT * FROM t a JOIN t b ON b.v && a.v WHERE a.id = 3')).toContain('using elements on t b');
  });

  it('ask a hash index for equality only', async () => {
    expect(await plan('SELECT * FROM t WHERE n = 3')).toContain('using n_hash');
    expect(await plan('SELECT * FROM t WHERE n IN (3, 4)')).toContain('using n_hash');
    expect(await plan('SELECT * FROM t WHERE n < 3')).toContain('Seq Scan');
    expect(await plan('SELECT * FROM t WHERE n IS NULL')).toContain('Seq Scan');
    expect(await plan('SELECT * FROM t ORDER BY n LIMIT 3')).toContain('Seq Scan');
    expect(await plan('SELECT max(n) FROM t')).toContain('Seq Scan');
  });
});

describe('entries', () => {
  const find = async (client: Client, condition: string): Promise<string> =>
    (await client.rows(`SELECT id FROM t WHERE ${condition} ORDER BY id`)).join();

  beforeEach(async () => {
    await c.all(`CREATE TABLE t (id int PRIMARY KEY, d jsonb, v int[]);
      CREATE INDEX t_d ON t USING gin (d); CREATE INDEX t_v ON t USING gin (v);
      INSERT INTO t VALUES (1, '{"a": 1, "b": 2}', '{1,2}'), (2, '{"a": 1}', '{2}')`);
  });

  it('follow updates, savepoints and rollbacks', async () => {
    await c.all("BEGIN; UPDATE t SET d = d - 'a', v = v || 3 WHERE id = 1");
    expect(await find(c, "d ? 'a'")).toBe('2');
    expect(await find(c, "v @> '{3}'")).toBe('1');
    expect(await find(other, "d ? 'a'")).toBe('1,2');
    expect(await find(other, "v @> '{3}'")).toBe('');
    await c.all("SAVEPOINT s; UPDATE t SET id = id + 10; DELETE FROM t WHERE v = '{2}'");
    expect(await find(c, "v && '{1,2,3}'")).toBe('11');
    await c.all('ROLLBACK TO s');
    expect(await find(c, "v && '{1,2,3}'")).toBe('1,2');
    await c.all('ROLLBACK');
    expect(await find(c, "d ? 'a'")).toBe('1,2');
    expect(await find(c, "v @> '{3}'")).toBe('');
  });

  it('follow rows that are merged, upserted, copied and truncated', async () => {
    await c.all(
      `INSERT INTO t VALUES (1, '{"z": 1}', '{9}') ON CONFLICT (id) DO UPDATE SET d = excluded.d, v = excluded.v`,
    );
    expect(await find(c, "d ? 'a'")).toBe('2');
    expect(await find(c, "d ? 'z' AND v @> '{9}'")).toBe('1');
    await c.all(`MERGE INTO t USING (VALUES (2), (3)) s (id) ON t.id = s.id
      WHEN MATCHED THEN UPDATE SET v = '{7}' WHEN NOT MATCHED THEN INSERT VALUES (s.id, '{"z": 3}', '{7}')`);
    expect(await find(c, "v @> '{7}'")).toBe('2,3');
    expect(await find(c, "d ? 'z'")).toBe('1,3');
    await c.all('COPY t FROM STDIN', ['4\t{"z": 4}\t{7,9}\n']);
    expect(await find(c, "v && '{7,9}'")).toBe('1,2,3,4');
    await c.all('TRUNCATE t');
    expect(await find(c, "v && '{7,9}'")).toBe('');
  });

  it('follow what foreign keys do', async () => {
    await c.all(`CREATE TABLE parent (k int PRIMARY KEY); INSERT INTO parent VALUES (1), (2);
      CREATE TABLE child (id int PRIMARY KEY, k int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, d jsonb,
        both_ int[] GENERATED ALWAYS AS (ARRAY[k, id]) STORED);
      CREATE INDEX ON child USING gin (d); CREATE INDEX child_both ON child USING gin (both_);
      INSERT INTO child VALUES (1, 1, '{"a": 1}'), (2, 2, '{"a": 1}')`);
    await c.all('UPDATE parent SET k = 50 WHERE k = 1');
    expect(await c.rows("SELECT id FROM child WHERE both_ @> '{50}'")).toEqual([['1']]);
    expect(await plan("SELECT id FROM child WHERE both_ @> '{50}'")).toContain('child_both');
    await c.all('DELETE FROM parent WHERE k = 50');
    expect(await c.rows("SELECT id FROM child WHERE d ? 'a'")).toEqual([['2']]);
    expect(await c.rows("SELECT id FROM child WHERE both_ @> '{1}'")).toEqual([]);
  });

  it('follow changes of the table', async () => {
    await c.all(`ALTER TABLE t ADD COLUMN x jsonb DEFAULT '{"new": true}'; CREATE INDEX ON t USING gin (x)`);
    expect(await find(c, "x ? 'new'")).toBe('1,2');
    await c.all('ALTER TABLE t DROP COLUMN d');
    expect(
      (await c.rows("SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1")).join(),
    ).toBe('t_pkey,t_v,t_x_idx');
    await c.all('ALTER TABLE t ALTER v TYPE text[]');
    expect(await find(c, "v @> '{2}'::text[]")).toBe('1,2');
    expect(await plan("SELECT * FROM t WHERE v @> '{2}'::text[]")).toContain('t_v');
    expect(await c.error('ALTER TABLE t ALTER v TYPE text')).toMatch(
      /^42704 data type text has no default operator class/,
    );
    await c.all('ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (id)');
    expect(await find(c, "v @> '{2}'::text[]")).toBe('1,2');
  });

  it('of enums stand when labels are renamed or added between', async () => {
    await c.all(`CREATE TYPE mood AS ENUM ('sad', 'ok');
      CREATE TABLE e (id int PRIMARY KEY, m mood[]); CREATE INDEX e_m ON e USING gin (m);
      INSERT INTO e VALUES (1, '{sad,ok}'), (2, '{ok}');
      ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'; ALTER TYPE mood ADD VALUE 'so' BEFORE 'ok'`);
    expect(await c.rows("SELECT id FROM e WHERE m @> '{blue}'")).toEqual([['1']]);
    await c.all("UPDATE e SET m = '{so}' WHERE m && '{blue}'");
    expect(await c.rows("SELECT id FROM e WHERE m && '{blue,so}'")).toEqual([['1']]);
    expect(await c.rows("SELECT id FROM e WHERE m && '{ok}'")).toEqual([['2']]);
    expect(await plan("SELECT id FROM e WHERE m && '{ok}'")).toContain('e_m');
  });

  it('are made with the index, in a transaction that others do not see', async () => {
    await c.all(
      "BEGIN; INSERT INTO t VALUES (3, '{\"c\": 1}', '{5}'); CREATE INDEX late ON t USING gin (d jsonb_path_ops)",
    );
    expect(await find(c, 'd @> \'{"c": 1}\'')).toBe('3');
    await c.all('ROLLBACK');
    expect(await find(c, 'd @> \'{"c": 1}\'')).toBe('');
    expect(await c.rows("SELECT count(*) FROM pg_class WHERE relname = 'late'")).toEqual([['0']]);
    await c.all('CREATE MATERIALIZED VIEW m AS SELECT id, v FROM t; CREATE INDEX m_v ON m USING gin (v)');
    expect(await c.rows("SELECT id FROM m WHERE v @> '{1}'")).toEqual([['1']]);
    await c.all("UPDATE t SET v = '{1}'; REFRESH MATERIALIZED VIEW m");
    expect(await c.rows("SELECT id FROM m WHERE v @> '{1}' ORDER BY 1")).toEqual([['1'], ['2']]);
    expect(await plan("SELECT id FROM m WHERE v @> '{1}'")).toContain('m_v');
  });

  it('lead to rows that are locked, and to no row that another has changed meanwhile', async () => {
    await other.all("BEGIN; UPDATE t SET d = '{}' WHERE id = 2");
    await c.all('BEGIN');
    const waiting = c.rows("SELECT id FROM t WHERE d ? 'a' FOR UPDATE");
    await other.all('COMMIT');
    expect(await waiting).toEqual([['1']]);
    await c.all('COMMIT');
  });

  it('may be under a key of two columns, one descending', async () => {
    await c.all(`CREATE TABLE k (a int, b text, v int[]);
      CREATE UNIQUE INDEX ON k (a, b DESC); ALTER TABLE k ADD PRIMARY KEY (b, a);
      CREATE INDEX k_v ON k USING gin (v);
      INSERT INTO k VALUES (1, 'x', '{1,2}'), (1, 'y', '{2,3}'), (-2, 'x', '{1,3}');
      CREATE TABLE none (v int[], n int); CREATE INDEX none_v ON none USING gin (v);
      INSERT INTO none VALUES ('{1,2}', 1), ('{1,2}', 2)`);
    expect(await sorted("SELECT a, b FROM k WHERE v && '{1}'")).toEqual(['-2|x', '1|x']);
    expect(await sorted("SELECT a, b FROM k WHERE v @> '{2,3}'")).toEqual(['1|y']);
    expect(await sorted("SELECT n FROM none WHERE v @> '{1,2}'")).toEqual(['1', '2']);
    await c.all("DELETE FROM none WHERE v @> '{1}' AND n = 1");
    expect(await sorted("SELECT n FROM none WHERE v && '{1,2}'")).toEqual(['2']);
  });
});
