/** Partial indexes and indexes on expressions: definition, catalogs, uniqueness, ON CONFLICT, ALTER TABLE. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

let c: Client;
beforeEach(async () => {
  c = await Client.open(await startServer());
  await c.all(
    'CREATE TABLE t (a int, email text, v varchar(20), d date, ts timestamptz, f boolean, n numeric, j int, k int PRIMARY KEY GENERATED ALWAYS AS IDENTITY)',
  );
});

const definitions = (): Promise<(string | null)[][]> =>
  c.rows("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 't' AND indexname <> 't_pkey' ORDER BY 1");

describe('CREATE INDEX', () => {
  it.each([
    ['UNIQUE INDEX ON t (lower(email))', 'CREATE UNIQUE INDEX t_lower_idx ON public.t USING btree (lower(email))'],
    [
      'UNIQUE INDEX i2 ON t (lower(email), a DESC) WHERE a > 5 AND email IS NOT NULL',
      'CREATE UNIQUE INDEX i2 ON public.t USING btree (lower(email), a DESC) WHERE ((a > 5) AND (email IS NOT NULL))',
    ],
    ['INDEX ON t ((a + j))', 'CREATE INDEX t_expr_idx ON public.t USING btree (((a + j)))'],
    [
      'INDEX ON t ((a + j), (a - j), lower(v))',
      'CREATE INDEX t_expr_expr1_lower_idx ON public.t USING btree (((a + j)), ((a - j)), lower((v)::text))',
    ],
    ['INDEX ON t (a, (t.a + 1)) WHERE f', 'CREATE INDEX t_a_expr_idx ON public.t USING btree (a, ((a + 1))) WHERE f'],
    ['INDEX ON t ((v::text))', 'CREATE INDEX t_v_idx ON public.t USING btree (((v)::text))'],
    ['INDEX ON t (coalesce(a, j))', 'CREATE INDEX t_coalesce_idx ON public.t USING btree (COALESCE(a, j))'],
    ['INDEX ON t ((a::text || email))', 'CREATE INDEX t_expr_idx ON public.t USING btree ((((a)::text || email)))'],
    [
      'INDEX ON t (a) WHERE (a > 1 OR j IN (1, 2, 3)) AND NOT f',
      'CREATE INDEX t_a_idx ON public.t USING btree (a) WHERE (((a > 1) OR (j = ANY (ARRAY[1, 2, 3]))) AND (NOT f))',
    ],
    [
      "INDEX ON t (a) WHERE email LIKE 'x%'",
      "CREATE INDEX t_a_idx ON public.t USING btree (a) WHERE (email ~~ 'x%'::text)",
    ],
    [
      'INDEX ON t (a) WHERE a BETWEEN 1 AND 5',
      'CREATE INDEX t_a_idx ON public.t USING btree (a) WHERE ((a >= 1) AND (a <= 5))',
    ],
    [
      "INDEX ON t (a) WHERE d > '2020-01-01'",
      "CREATE INDEX t_a_idx ON public.t USING btree (a) WHERE (d > '2020-01-01'::date)",
    ],
    ['INDEX ON t ((a IS NULL))', 'CREATE INDEX t_expr_idx ON public.t USING btree (((a IS NULL)))'],
    [
      'INDEX ON t (greatest(a, j), abs(a))',
      'CREATE INDEX t_greatest_abs_idx ON public.t USING btree (GREATEST(a, j), abs(a))',
    ],
    ['INDEX ON t (n) WHERE n > 1.5', 'CREATE INDEX t_n_idx ON public.t USING btree (n) WHERE (n > 1.5)'],
    ['INDEX ON t ((1))', 'CREATE INDEX t_expr_idx ON public.t USING btree ((1))'],
    ['INDEX ON t ((a))', 'CREATE INDEX t_a_idx ON public.t USING btree (a)'],
    ['INDEX ON t (a) WHERE NULL', 'CREATE INDEX t_a_idx ON public.t USING btree (a) WHERE NULL::boolean'],
    ["INDEX ON t (a) WHERE 'true'", 'CREATE INDEX t_a_idx ON public.t USING btree (a)'],
  ])('%s', async (sql, definition) => {
    await c.all(
      `INSERT INTO t (a, email, d, f, n, j) VALUES (1, 'x', '2021-01-01', true, 2, 1), (NULL, NULL, NULL, NULL, NULL, NULL)`,
    );
    await c.all(`CREATE ${sql}`);
    expect((await definitions()).map((r) => r[1])).toEqual([definition]);
    // The definition is a statement that makes the same index again.
    await c.all(`DROP INDEX ${/INDEX (\S+) ON/.exec(definition)![1]!}; ${definition}`);
    expect((await definitions()).map((r) => r[1])).toEqual([definition]);
  });

  it.each([
    ['((random()))', '42P17 functions in index expression must be marked IMMUTABLE'],
    ['((now()))', '42P17 functions in index expression must be marked IMMUTABLE'],
    ['((ts::text))', '42P17 functions in index expression must be marked IMMUTABLE'],
    ["(date_trunc('day', ts))", '42P17 functions in index expression must be marked IMMUTABLE'],
    ['(a) WHERE ts > now()', '42P17 functions in index predicate must be marked IMMUTABLE'],
    ["(a) WHERE ts > '2020-01-01'::date", '42P17 functions in index predicate must be marked IMMUTABLE'],
    ['(a) WHERE a', '42804 argument of WHERE must be type boolean, not type integer'],
    ['(a) WHERE (SELECT true)', '0A000 cannot use subquery in index predicate'],
    ['(((SELECT 1)))', '0A000 cannot use subquery in index expression'],
    ['(sum(a))', '42803 aggregate functions are not allowed in index expressions'],
    ['(a) WHERE sum(a) > 1', '42803 aggregate functions are not allowed in index predicates'],
    ['(generate_series(1, a))', '0A000 set-returning functions are not allowed in index expressions'],
    ['((zz + 1))', '42703 column "zz" does not exist'],
    ['(a) WHERE zz', '42703 column "zz" does not exist'],
    ['(zz)', '42703 column "zz" does not exist'],
    ["(('{}'::json))", '42704 data type json has no default operator class for access method "btree"'],
    ['(a) INCLUDE ((a + 1))', '0A000 expressions are not supported in included columns'],
    ['(a) WHERE t IS NOT NULL', '0A000 a whole-row reference in an index predicate is not supported'],
    ['((row_number() OVER ()))', '42P20 window functions are not allowed in index expressions'],
    ['((xmin::text))', '0A000 index creation on system columns is not supported'],
    ['((row(a, j)))', '42P16 column "row" has pseudo-type record'],
    ["(a) WHERE a > 't'::regclass::int", '42P17 functions in index predicate must be marked IMMUTABLE'],
    ['(a) WHERE a > $1', '42P02 there is no parameter $1'],
  ])('%s is refused', async (sql, error) => {
    expect(await c.error(`CREATE INDEX ON t ${sql}`)).toBe(error);
    expect(await definitions()).toEqual([]);
  });

  it('finds duplicates and errors in the rows that are there, where the predicate holds', async () => {
    await c.all('INSERT INTO t (a) VALUES (1), (-1)');
    expect(await c.error('CREATE UNIQUE INDEX u ON t (abs(a))')).toBe(
      '23505 could not create unique index "u" | Key (abs(a))=(1) is duplicated.',
    );
    expect(await c.error('CREATE UNIQUE INDEX u ON t ((a * 0), abs(a))')).toBe(
      '23505 could not create unique index "u" | Key ((a * 0), abs(a))=(0, 1) is duplicated.',
    );
    expect(await c.error('CREATE INDEX u ON t ((1 / (a - 1)))')).toBe('22012 division by zero');
    await c.all('CREATE UNIQUE INDEX u ON t (abs(a)) WHERE a > 0');
    await c.all('CREATE INDEX w ON t ((1 / (a - 1))) WHERE a <> 1');
    expect(await c.rows('SELECT a FROM t WHERE abs(a) = 1 AND a > 0')).toEqual([['1']]);
  });
});

it('an index begins without the entries of one that failed or was rolled back', async () => {
  await c.all('INSERT INTO t (a) VALUES (1), (1), (2)');
  expect(await c.error('CREATE UNIQUE INDEX u ON t (a)')).toContain('23505');
  await c.all('BEGIN; CREATE INDEX u ON t ((a + 1)); ROLLBACK');
  await c.all('BEGIN; SAVEPOINT s; CREATE INDEX u ON t ((a + 2)); ROLLBACK TO s; CREATE INDEX w ON t (a); COMMIT');
  expect(await c.rows('SELECT a FROM t WHERE a > 0 ORDER BY a LIMIT 10')).toEqual([['1'], ['1'], ['2']]);
  expect(await c.error('ALTER TABLE t ADD CONSTRAINT q UNIQUE (a)')).toContain('23505');
  await c.all('DELETE FROM t; CREATE UNIQUE INDEX u ON t (a); ALTER TABLE t ADD UNIQUE (a)');
  await c.all('INSERT INTO t (a) VALUES (1), (2), (3), (4)');
});

it('the catalogs show what an index is over', async () => {
  await c.all('CREATE INDEX i ON t (a DESC, lower(email), (a + j)) WHERE a > 5 AND f');
  expect(
    await c.rows(
      "SELECT indkey, indoption, indclass, indcollation, pg_get_expr(indexprs, indrelid), pg_get_expr(indpred, indrelid), indnatts FROM pg_index WHERE indexrelid = 'i'::regclass",
    ),
  ).toEqual([['1 0 0', '3 0 0', '1978 3126 1978', '0 100 0', 'lower(email), (a + j)', '((a > 5) AND f)', '3']]);
  expect(
    await c.rows(
      "SELECT attnum, attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'i'::regclass ORDER BY 1",
    ),
  ).toEqual([
    ['1', 'a', 'integer'],
    ['2', 'lower', 'text'],
    ['3', 'expr', 'integer'],
  ]);
  expect(
    await c.rows(
      "SELECT pg_get_indexdef('i'::regclass, 1, true), pg_get_indexdef('i'::regclass, 2, true), pg_get_indexdef('i'::regclass, 3, true), pg_get_indexdef('i'::regclass, 3, false), pg_get_indexdef('i'::regclass, 4, true)",
    ),
  ).toEqual([['a', 'lower(email)', '(a + j)', '((a + j))', '']]);
  expect(await c.rows("SELECT pg_get_indexdef('i'::regclass, 0, true)")).toEqual([
    ['CREATE INDEX i ON t USING btree (a DESC, lower(email), (a + j)) WHERE a > 5 AND f'],
  ]);
  expect(
    await c.rows(
      "SELECT refobjsubid, deptype FROM pg_depend WHERE objid = 'i'::regclass AND refobjid = 't'::regclass ORDER BY 1",
    ),
  ).toEqual([
    ['0', 'a'],
    ['1', 'a'],
    ['2', 'a'],
    ['6', 'a'],
    ['8', 'a'],
  ]);
});

describe('uniqueness', () => {
  it('is of the expression', async () => {
    await c.all('CREATE UNIQUE INDEX u ON t (lower(email))');
    await c.all("INSERT INTO t (a, email) VALUES (1, 'Bob'), (2, NULL), (3, NULL)");
    const error = '23505 duplicate key value violates unique constraint "u" | Key (lower(email))=(bob) already exists.';
    expect(await c.error("INSERT INTO t (email) VALUES ('bOB')")).toBe(error);
    expect(await c.error("INSERT INTO t (email) VALUES ('x'), ('bOB')")).toBe(error);
    expect(await c.error("UPDATE t SET email = 'BOB' WHERE a = 2")).toBe(error);
    await c.all("UPDATE t SET email = 'BOB' WHERE a = 1");
    await c.all("UPDATE t SET email = 'eve' WHERE a = 1; INSERT INTO t (email) VALUES ('BOB')");
    expect(await c.error("BEGIN; INSERT INTO t (email) VALUES ('EVE')")).toContain(
      'Key (lower(email))=(eve) already exists.',
    );
    await c.all('ROLLBACK');
    await expect(c.all('COPY t (email) FROM STDIN', ['new\nBob\n'])).rejects.toThrow('duplicate key value');
  });

  it('is of the rows that a partial index covers', async () => {
    await c.all('CREATE UNIQUE INDEX u ON t (a) WHERE f');
    await c.all('INSERT INTO t (a, f, j) VALUES (1, true, 1), (1, false, 2), (1, NULL, 3), (1, false, 4)');
    const error = '23505 duplicate key value violates unique constraint "u" | Key (a)=(1) already exists.';
    expect(await c.error('INSERT INTO t (a, f) VALUES (1, true)')).toBe(error);
    expect(await c.error('UPDATE t SET f = true WHERE j = 2')).toBe(error);
    expect(await c.error('UPDATE t SET f = true')).toBe(error);
    await c.all('UPDATE t SET f = false WHERE j = 1; UPDATE t SET f = true WHERE j = 2');
    expect(await c.error('UPDATE t SET f = true WHERE j = 1')).toBe(error);
    await c.all('DELETE FROM t WHERE j = 2; UPDATE t SET f = true WHERE j = 3');
    expect(await c.rows('SELECT j FROM t WHERE a = 1 AND f')).toEqual([['3']]);
    expect(await c.rows('SELECT count(*) FROM t WHERE a = 1')).toEqual([['3']]);
  });

  it('does not compute what a row outside of the predicate has no value for', async () => {
    await c.all('CREATE UNIQUE INDEX u ON t ((100 / j)) WHERE j <> 0');
    await c.all('INSERT INTO t (a, j) VALUES (1, 0), (2, 0), (3, 10)');
    await c.all('UPDATE t SET j = 20 WHERE a = 1; UPDATE t SET j = 0 WHERE a = 3; DELETE FROM t WHERE a = 2');
    expect(await c.rows('SELECT a FROM t WHERE 100 / nullif(j, 0) = 5')).toEqual([['1']]);
    expect(await c.error('CREATE INDEX w ON t ((100 / j))')).toBe('22012 division by zero');
  });
});

describe('ON CONFLICT', () => {
  beforeEach(async () => {
    await c.all('CREATE UNIQUE INDEX ue ON t (lower(email)); CREATE UNIQUE INDEX ua ON t (a) WHERE a > 5');
    await c.all("INSERT INTO t (a, email) VALUES (1, 'Bob'), (7, 'Seven')");
  });
  const NO_MATCH = '42P10 there is no unique or exclusion constraint matching the ON CONFLICT specification';

  it('infers an index on an expression', async () => {
    expect(
      await c.rows(
        "INSERT INTO t (a, email) VALUES (2, 'bOB') ON CONFLICT (lower(email)) DO UPDATE SET j = excluded.a RETURNING a, email, j",
      ),
    ).toEqual([['1', 'Bob', '2']]);
    for (const target of ['((lower(email)))', '(lower(t.email))', '(lower(email)) WHERE a > 100'])
      expect((await c.query(`INSERT INTO t (a, email) VALUES (2, 'bOB') ON CONFLICT ${target} DO NOTHING`)).tag).toBe(
        'INSERT 0 0',
      );
    for (const target of ['(upper(email))', '(a)', '(lower(email), a)', '(email)', '(lower(v))'])
      expect(await c.error(`INSERT INTO t (a, email) VALUES (2, 'bOB') ON CONFLICT ${target} DO NOTHING`)).toBe(
        NO_MATCH,
      );
    expect(
      await c.error("INSERT INTO t (email) VALUES ('bOB') ON CONFLICT (lower(excluded.email)) DO NOTHING"),
    ).toContain('42P01');
  });

  it('infers a partial index if its WHERE implies the predicate', async () => {
    for (const where of ['a > 5', 'a > 6', 'a > 5 AND j > 1', 'a = 8', 'a IN (6, 7)'])
      expect(
        (await c.query(`INSERT INTO t (a, email) VALUES (7, 'new') ON CONFLICT (a) WHERE ${where} DO NOTHING`)).tag,
      ).toBe('INSERT 0 0');
    for (const where of ['a > 4', 'a = 5', 'j > 5', 'a > 5 OR j > 1', 'a IN (5, 6)'])
      expect(
        await c.error(`INSERT INTO t (a, email) VALUES (7, 'new') ON CONFLICT (a) WHERE ${where} DO NOTHING`),
      ).toBe(NO_MATCH);
    expect(await c.error('INSERT INTO t (a) VALUES (7) ON CONFLICT (a) WHERE zz DO NOTHING')).toBe(
      '42703 column "zz" does not exist',
    );
    expect(
      await c.rows(
        "INSERT INTO t (a, email) VALUES (7, 'c') ON CONFLICT (a) WHERE a > 5 DO UPDATE SET a = 3 RETURNING a, email",
      ),
    ).toEqual([['3', 'Seven']]);
    expect(
      await c.error(
        "INSERT INTO t (a, email) VALUES (9, 'c'), (9, 'd') ON CONFLICT (a) WHERE a > 5 DO UPDATE SET j = 1",
      ),
    ).toContain('21000');
    // Two rows outside of the index do not conflict.
    await c.all("INSERT INTO t (a, email) VALUES (4, 'c'), (4, 'd') ON CONFLICT (a) WHERE a > 5 DO UPDATE SET j = 1");
    expect(
      await c.error("INSERT INTO t (a, email) VALUES (8, 'bOB') ON CONFLICT (a) WHERE a > 5 DO NOTHING"),
    ).toContain('"ue"');
  });

  it('acts on a conflict with any of several indexes that fit, before errors of others', async () => {
    await c.all(
      'CREATE TABLE m (k int PRIMARY KEY, a int, b int); CREATE UNIQUE INDEX ON m (a); CREATE UNIQUE INDEX ON m (a) WHERE a > 5',
    );
    await c.all('INSERT INTO m VALUES (1, 9, 0)');
    expect((await c.query('INSERT INTO m VALUES (1, 9, 5) ON CONFLICT (a) WHERE a > 5 DO NOTHING')).tag).toBe(
      'INSERT 0 0',
    );
    expect(
      await c.rows('INSERT INTO m VALUES (1, 9, 5) ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING *'),
    ).toEqual([['1', '9', '5']]);
    expect(await c.error('INSERT INTO m VALUES (1, 8, 5) ON CONFLICT (a) DO NOTHING')).toContain('m_pkey');
  });
});

describe('ALTER TABLE', () => {
  beforeEach(async () => {
    await c.all(
      "CREATE INDEX ie ON t (lower(email)) WHERE a > 1; CREATE INDEX ij ON t ((a + j)); INSERT INTO t (a, email, j) VALUES (1, 'A', 1), (2, 'B', 2)",
    );
  });

  it('renames columns in them', async () => {
    await c.all('ALTER TABLE t RENAME email TO "E mail"; ALTER TABLE t RENAME a TO lower');
    expect(await definitions()).toEqual([
      ['ie', 'CREATE INDEX ie ON public.t USING btree (lower("E mail")) WHERE (lower > 1)'],
      ['ij', 'CREATE INDEX ij ON public.t USING btree (((lower + j)))'],
    ]);
    expect(await c.rows(`SELECT lower FROM t WHERE lower("E mail") = 'b' AND lower > 1`)).toEqual([['2']]);
    await c.all(`INSERT INTO t (lower, "E mail") VALUES (3, 'B')`);
    expect(await c.rows(`SELECT lower FROM t WHERE lower("E mail") = 'b' AND lower > 1 ORDER BY 1`)).toEqual([
      ['2'],
      ['3'],
    ]);
  });

  it('binds them anew when a type changes', async () => {
    await c.all('ALTER TABLE t ALTER a TYPE bigint');
    expect(await c.rows("SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = 'ij'::regclass")).toEqual([
      ['bigint'],
    ]);
    expect(await c.rows('SELECT a FROM t WHERE a + j = 4')).toEqual([['2']]);
    await c.all('INSERT INTO t (a, j) VALUES (3000000000, 1)');
    expect(await c.rows('SELECT a FROM t WHERE a + j = 3000000001')).toEqual([['3000000000']]);
    expect(await c.error('ALTER TABLE t ALTER a TYPE text')).toContain('42883');
  });

  it('drops those that read a dropped column', async () => {
    await c.all('ALTER TABLE t DROP j');
    expect((await definitions()).map((r) => r[0])).toEqual(['ie']);
    await c.all('ALTER TABLE t DROP a');
    expect(await definitions()).toEqual([]);
    await c.all('CREATE INDEX ie ON t (email); CREATE INDEX ij ON t (email)');
  });

  it('keeps them through a rewrite', async () => {
    await c.all('ALTER TABLE t ADD g int GENERATED ALWAYS AS (a * 10) STORED');
    await c.all('CREATE INDEX ig ON t ((g + 1))');
    await c.all("ALTER TABLE t DROP CONSTRAINT t_pkey; UPDATE t SET a = 5 WHERE email = 'B'");
    expect(await c.rows('SELECT a FROM t WHERE g + 1 = 51')).toEqual([['5']]);
    expect(await c.rows("SELECT a FROM t WHERE lower(email) = 'b' AND a > 1")).toEqual([['5']]);
  });

  it('makes no constraint of them', async () => {
    await c.all('CREATE UNIQUE INDEX u1 ON t (a) WHERE f; CREATE UNIQUE INDEX u2 ON t ((a + 1))');
    expect(await c.error('ALTER TABLE t ADD UNIQUE USING INDEX u1')).toContain('42809 "u1" is a partial index');
    expect(await c.error('ALTER TABLE t ADD UNIQUE USING INDEX u2')).toContain('42809 index "u2" contains expressions');
  });
});
