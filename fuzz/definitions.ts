/**
 * A schema of a few tables, views, types, functions and prepared statements that know each other, changed at random by definitions and
 * by rows, with looks at all rows and at the catalogs in between. Nearly anything may be refused; each statement stands in a
 * transaction, or behind a savepoint, so that what one side alone refuses goes from both (run.ts).
 */
import { Generator } from './generator.js';
import { plain, type Piece } from './pieces.js';

const TABLES = ['t1', 't2', 't1', 't2', 't3'];
const COLUMNS = ['a', 'b', 'c', 'd', 'e', 'f'];
const VIEWS = ['v1', 'v2', 'v3'];
const LITERALS = [
  ...["'x'", "'abc'", "'(1,x)'", "'(-1,abc)'", "row(2,'y')", "row(2,'y')::c1", "'{1,2}'", 'array[1,2]', "'{-1}'"],
  ...["'u'", "'v'", "'w'", "'u'::e1", "'2020-01-02'", "'t'", `'{"(1,q)"}'`, `'{"a": 1}'`, 'default', 'null', '1.555'],
  ...["'1.5'", '1::d1', `'("(1,z)",5)'`, "(3,'k')", "'{u,v}'", "array[row(1,'p')::c1]", "row(4,'dom')::d3"],
];
const TYPES = [
  ...[
    'int',
    'bigint',
    'text',
    'numeric(6,2)',
    'numeric',
    'd1',
    'd2',
    'd3',
    'c1',
    'e1',
    'int[]',
    'd1[]',
    'c1[]',
    'd3[]',
  ],
  ...['date', 'varchar(5)', 'jsonb', 'boolean', 'char(3)', 'smallint', 'cc', 'e1[]', 't3', 'v1'],
];

const SETUP = [
  'CREATE DOMAIN d1 AS int CHECK (VALUE > -100)',
  "CREATE DOMAIN d2 AS text DEFAULT 'dd'",
  'CREATE TYPE c1 AS (x int, y text)',
  'CREATE TYPE cc AS (id int, a d1, b c1)',
  'CREATE DOMAIN d3 AS c1',
  "CREATE TYPE e1 AS ENUM ('u', 'v')",
  'CREATE SEQUENCE s1',
  "CREATE FUNCTION f1(k int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT k + 1'",
  'CREATE TABLE t1 (id int PRIMARY KEY, a int, b int DEFAULT 5, c text, d c1, e e1, f c1)',
  'CREATE TABLE t2 (id int PRIMARY KEY, a d1 UNIQUE, b d2, c varchar(5), d int GENERATED ALWAYS AS (id * 2) STORED, e e1, f c1)',
  "INSERT INTO t1 SELECT g, g, g, 'r' || g, row(g, 't')::c1, 'u', NULL FROM generate_series(1, 5) g",
  "INSERT INTO t2 (id, a, c, e, f) SELECT g, g * 2, 's' || g, 'v', row(g, 'q')::c1 FROM generate_series(1, 5) g",
  'CREATE VIEW v1 AS SELECT id, a, b FROM t1 WHERE a < 50',
  'CREATE VIEW v2 AS SELECT v1.id, v1.a, count(t2.b) OVER (PARTITION BY v1.a) AS b FROM v1 LEFT JOIN t2 USING (id)',
  "CREATE FUNCTION g1() RETURNS SETOF t1 LANGUAGE sql AS 'SELECT * FROM t1 ORDER BY id'",
  'CREATE FUNCTION g2(k int) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r t1; n int; BEGIN SELECT * INTO r FROM t1 WHERE id = k; SELECT count(*) INTO n FROM t2 WHERE t2.id = r.a; RETURN r::text || n; END $$',
  "CREATE FUNCTION g3(k int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM v1 WHERE id > k'",
  'PREPARE q1 AS SELECT * FROM t1 ORDER BY id',
  'PREPARE q2 (int) AS SELECT id, a FROM t2 WHERE id > $1 ORDER BY id',
  'PREPARE q3 (int) AS UPDATE t1 SET a = a + $1 WHERE id = 2 RETURNING id, a, b',
  'PREPARE q4 (int) AS INSERT INTO t2 (id, a, b) VALUES (40 + $1, $1, NULL) ON CONFLICT DO NOTHING RETURNING id, a',
  'PREPARE q5 (int) AS SELECT * FROM v1 WHERE id <> $1 ORDER BY 1',
  'PREPARE q6 (int) AS SELECT id, g2(id), g3($1) FROM t1 ORDER BY 1',
  'PREPARE q7 (int) AS UPDATE t2 SET e = DEFAULT WHERE id = $1 RETURNING *',
  'PREPARE q8 (int) AS SELECT * FROM v2 WHERE a = $1 OR id = 3 ORDER BY 1',
];

/** Without what a domain's value is cast to for an operator, which is not shown here. */
const plainly = (definition: string): string =>
  `regexp_replace(${definition}, '\\(([\\w.]+)\\)::(integer|text)', '\\1', 'g')`;

const LOOKS = [
  ...['t1', 't2', 't3', 'v1', 'v2', 'v3', 'm1'].map((name) => `SELECT * FROM ${name}`),
  "SELECT table_name, column_name, data_type, is_nullable, column_default, is_generated, generation_expression, domain_name, is_updatable FROM information_schema.columns WHERE table_schema = 'public' AND table_name !~ '^v' ORDER BY table_name, ordinal_position",
  "SELECT table_name, column_name, data_type, is_updatable FROM information_schema.columns WHERE table_schema = 'public' AND table_name ~ '^v' ORDER BY table_name, ordinal_position",
  `SELECT conrelid::regclass::text, conname, ${plainly('pg_get_constraintdef(oid)')}, convalidated, condeferrable FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2, 3`,
  `SELECT tablename, indexname, ${plainly('indexdef')} FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2`,
  "SELECT t.typname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid JOIN pg_attribute a ON a.attrelid = c.oid WHERE t.typnamespace = 'public'::regnamespace AND c.relkind = 'c' AND NOT attisdropped ORDER BY 1, a.attnum",
  `SELECT viewname, ${plainly('definition')} FROM pg_views WHERE schemaname = 'public' ORDER BY 1`,
  "SELECT typname, typnotnull, typdefault FROM pg_type WHERE typtype = 'd' AND typnamespace = 'public'::regnamespace ORDER BY 1",
  'SELECT enumtypid::regtype::text, enumlabel FROM pg_enum JOIN pg_type t ON t.oid = enumtypid ORDER BY 1, enumsortorder',
];

type Make = () => string;

export class Definitions extends Generator {
  #open = false;

  /** A whole program of about as many statements. */
  program(count: number): Piece[] {
    const { random } = this;
    const pieces: Piece[] = SETUP.map((line) => plain(line));
    const end = pieces.length + count;
    while (pieces.length < end) {
      if (!this.#open && random.chance(0.08)) pieces.push(this.#block('BEGIN', true));
      else if (this.#open && random.chance(0.15)) pieces.push(this.#block(random.pick(['COMMIT', 'ROLLBACK']), false));
      pieces.push(plain(this.#statement()));
      if (random.chance(0.35)) pieces.push(plain(this.#executed()));
      if (random.chance(0.5)) pieces.push(plain(random.pick(LOOKS)));
    }
    if (this.#open) pieces.push(this.#block('COMMIT', false));
    return [...pieces, ...LOOKS.map((look) => plain(look))];
  }

  #block(word: string, open: boolean): Piece {
    this.#open = open;
    return plain(word);
  }
  #statement(): string {
    const { random } = this;
    const own: readonly (readonly [number, readonly Make[]])[] = [
      [30, this.#rows()],
      [6, this.#behindViews()],
      [22, this.#columns()],
      [10, this.#constraints()],
      [6, this.#indexes()],
      [12, this.#relations()],
      [9, this.#domains()],
      [7, this.#composites()],
      [5, this.#routines()],
      [5, this.#blocks()],
    ];
    return random.pick(random.weighted(own))();
  }

  #executed(): string {
    const { random } = this;
    const n = random.between(0, 6);
    return random.pick([
      'EXECUTE q1',
      ...['q2', 'q3', 'q4', 'q5', 'q6', 'q7', 'q8'].map((name) => `EXECUTE ${name} (${n})`),
      'SELECT * FROM g1() ORDER BY id',
      `SELECT id, a FROM g1() WHERE a > ${n} ORDER BY 1`,
      `SELECT g2(${n}), g3(${n})`,
      'SELECT (g1()).* ORDER BY 1',
    ]);
  }

  // ---- words ----

  #table(): string {
    return this.random.pick(TABLES);
  }
  #column(): string {
    return this.random.pick(COLUMNS);
  }
  #view(): string {
    return this.random.pick(VIEWS);
  }
  #number(): string {
    return this.random.pick(['0', '1', '2', '3', '5', '7', '10', '-1', '-3', 'NULL', '99']);
  }
  #key(): number {
    return this.random.between(1, 8);
  }
  #literal(): string {
    return this.random.chance(0.4) ? this.#number() : this.random.pick(LITERALS);
  }
  #constant(): string {
    return this.#literal().replace('default', '1');
  }
  #type(): string {
    return this.random.pick(TYPES);
  }
  #behaviour(): string {
    return this.random.pick(['', '', ' CASCADE', ' RESTRICT']);
  }
  #action(): string {
    return this.random.pick([
      '',
      ' ON DELETE CASCADE',
      ' ON DELETE SET NULL',
      ' ON UPDATE CASCADE',
      ' ON DELETE SET DEFAULT ON UPDATE CASCADE',
      ' DEFERRABLE INITIALLY DEFERRED',
      ' ON UPDATE SET NULL',
    ]);
  }
  #value(): string {
    const { random } = this;
    const column = this.#column();
    return random.pick([
      ...[column, `${column} IS NULL`, '1', 'a + 1', 'a * 2', 'b + a', 'length(c::text)', 'coalesce(a, 0)', 'f1(a)'],
      ...['a::text', 'c::text', 'upper(c::text)', '(f).x', 'a IS NOT NULL AND b > 0', 'e::text', 'lower(e::text)'],
      ...['a > 3', 'b <> 5', 'x', 'd', `'k' || ${column}`, '(d).y', 'd[1]', 'f[1].x', `row(${column}, 'r')`],
    ]);
  }
  #test(): string {
    return this.random.pick([
      ...['a > 3', 'a IS NULL', 'b <> 5', 'a + b > 2', 'c IS NOT NULL', `a = ${this.#key()}`, 'f1(a) > 2', 'true'],
      ...["c::text < 'm'", 'a IN (1, 2, 3)', 'length(c::text) < 4', 'd IS NULL', 'EXISTS (SELECT FROM t1)'],
      ...['(f).x > 0', "e = 'u'", 'b BETWEEN 1 AND 5', '(SELECT max(a) FROM t2) > 1', 'id < 4', "(f).y <> 'q'"],
    ]);
  }

  // ---- rows ----

  #rows(): Make[] {
    const { random } = this;
    return [
      () =>
        `INSERT INTO ${this.#table()} (id, a) VALUES (${this.#key()}, ${this.#literal()}), (${this.#key() + 8}, ${this.#literal()})`,
      () =>
        `INSERT INTO ${this.#table()} (id, ${this.#column()}) VALUES (${this.#key() + random.int(20)}, ${this.#literal()}) RETURNING *`,
      () => `INSERT INTO ${this.#table()} SELECT * FROM ${this.#table()} ON CONFLICT DO NOTHING`,
      () =>
        `INSERT INTO ${this.#table()} (id, a) VALUES (${this.#key()}, ${this.#number()}), (${this.#key() + 8}, ${this.#number()}) ON CONFLICT (${random.pick(['id', 'a', 'b', 'a, b', 'id', '(a + 1)', 'lower(c::text)'])})${random.pick(['', '', ' WHERE a > 3'])} DO UPDATE SET ${this.#column()} = ${random.pick(['excluded.a', 'excluded.b', '1', "'x'", 'DEFAULT', 'NULL', 'excluded.c'])} RETURNING *`,
      () =>
        `UPDATE ${this.#table()} SET ${this.#column()} = ${random.pick([this.#literal(), this.#value(), 'DEFAULT'])} WHERE ${this.#test()}${random.pick(['', ' RETURNING *'])}`,
      () =>
        `UPDATE ${this.#table()} SET ${random.pick(['f.x', 'd.x', 'c.x', 'd[1]', 'f[2].x', 'e[2]', 'f.y'])} = ${this.#literal()} WHERE id < ${this.#key()}`,
      () => `DELETE FROM ${this.#table()} WHERE ${this.#test()}`,
      () => `UPDATE ${this.#table()} SET id = id + ${random.pick([10, 100, 1])} WHERE id = ${this.#key()}`,
      () =>
        `MERGE INTO ${this.#table()} m USING (VALUES (${this.#key()}, ${this.#number()}), (${this.#key() + 9}, ${this.#number()})) s (i, n) ON m.id = s.i WHEN MATCHED AND s.n IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET ${this.#column()} = s.n WHEN NOT MATCHED THEN INSERT (id, a) VALUES (s.i, s.n)`,
      () => `SELECT ${this.#value()}, count(*) FROM ${random.pick(['t1', 't2', 'v1', 'v2', 'm1'])} GROUP BY 1`,
      () => `SELECT id, ${this.#value()} FROM ${random.pick(['t1', 't2', 'v1', 'v2'])} WHERE ${this.#test()}`,
      () =>
        `WITH gone AS (DELETE FROM ${this.#table()} WHERE ${this.#test()} RETURNING id, a) INSERT INTO ${this.#table()} (id, a) SELECT id + 30, a FROM gone RETURNING id, a`,
      () => `TRUNCATE ${this.#table()}${random.pick(['', `, ${this.#table()}`])}${this.#behaviour()}`,
      () => `SET CONSTRAINTS ALL ${random.pick(['DEFERRED', 'IMMEDIATE'])}`,
    ];
  }

  #behindViews(): Make[] {
    const { random } = this;
    return [
      () =>
        `INSERT INTO ${this.#view()} (id, a) VALUES (${this.#key() + random.int(20)}, ${this.#number()})${random.pick(['', ' ON CONFLICT (id) DO NOTHING', ' RETURNING *', ' ON CONFLICT (id) DO UPDATE SET a = excluded.a RETURNING id, a'])}`,
      () => `UPDATE ${this.#view()} SET ${this.#column()} = ${this.#literal()} WHERE id = ${this.#key()} RETURNING *`,
      () => `UPDATE ${this.#view()} SET a = a + ${this.#key()}`,
      () => `DELETE FROM ${this.#view()} WHERE ${this.#test()} RETURNING id`,
    ];
  }

  // ---- columns ----

  #columns(): Make[] {
    const { random } = this;
    const alter = (): string => `ALTER TABLE ${this.#table()}`;
    const added = (): string =>
      random.pick([
        '',
        '',
        ` DEFAULT ${this.#literal()}`,
        ` NOT NULL DEFAULT ${this.#literal()}`,
        ` DEFAULT ${this.#value()}`,
        ' UNIQUE',
        ` CHECK (${this.#test()})`,
        ` GENERATED ALWAYS AS (${this.#value()}) STORED`,
        ` REFERENCES t1${this.#action()}`,
        ' GENERATED BY DEFAULT AS IDENTITY',
      ]);
    const add = (): string => `${alter()} ADD COLUMN ${this.#column()} ${this.#type()}${added()}`;
    const drop = (): string =>
      `${alter()} DROP COLUMN ${random.pick(['', 'IF EXISTS '])}${this.#column()}${this.#behaviour()}`;
    const retype = (): string =>
      `${alter()} ALTER COLUMN ${this.#column()} TYPE ${this.#type()}${random.pick(['', '', ` USING ${this.#value()}`, ' USING NULL', ` USING ${this.#constant()}`, ` USING ${this.#column()}::text::${this.#type()}`])}`;
    return [
      ...[add, add, drop, drop, retype, retype],
      () => `${alter()} ALTER COLUMN ${this.#column()} SET DEFAULT ${random.pick([this.#literal(), this.#value()])}`,
      () =>
        `${alter()} ALTER COLUMN ${this.#column()} ${random.pick(['DROP DEFAULT', 'SET NOT NULL', 'DROP NOT NULL', 'DROP EXPRESSION'])}`,
      () =>
        `${alter()} ALTER COLUMN ${this.#column()} ${random.pick(['ADD GENERATED ALWAYS AS IDENTITY', 'DROP IDENTITY IF EXISTS'])}`,
      () => `${alter()} RENAME COLUMN ${this.#column()} TO ${this.#column()}`,
      () =>
        `${alter()} ${random.pick([`ADD COLUMN ${this.#column()} int DEFAULT 4`, `DROP COLUMN ${this.#column()}`, `ALTER ${this.#column()} TYPE text`])}, ${random.pick([`ADD COLUMN ${this.#column()} text`, `DROP COLUMN ${this.#column()} CASCADE`, `ALTER ${this.#column()} TYPE int USING 1`, `ALTER ${this.#column()} SET NOT NULL`])}`,
    ];
  }

  #constraints(): Make[] {
    const { random } = this;
    const name = (): string => random.pick(['k1', 'k2']);
    const alter = (): string => `ALTER TABLE ${this.#table()}`;
    return [
      () => `${alter()} ADD CONSTRAINT ${name()} CHECK (${this.#test()})${random.pick(['', ' NOT VALID'])}`,
      () =>
        `${alter()} ADD CONSTRAINT ${name()} UNIQUE (${random.pick(['a', 'b', 'c', 'a, b'])})${random.pick(['', '', ' DEFERRABLE INITIALLY DEFERRED'])}`,
      () =>
        `${alter()} ADD CONSTRAINT ${name()} FOREIGN KEY (${this.#column()}) REFERENCES ${this.#table()}${random.pick(['', '(a)', '(b)'])}${this.#action()}${random.pick(['', ' NOT VALID'])}`,
      () =>
        `${alter()} DROP CONSTRAINT ${random.pick(['k1', 'k2', 't1_pkey', 't1_a_key', 't2_a_key'])}${this.#behaviour()}`,
      () => `${alter()} VALIDATE CONSTRAINT ${name()}`,
      () =>
        `${alter()} ALTER CONSTRAINT ${name()} ${random.pick(['DEFERRABLE', 'NOT DEFERRABLE', 'DEFERRABLE INITIALLY DEFERRED'])}`,
      () => `${alter()} RENAME CONSTRAINT ${name()} TO ${name()}`,
    ];
  }

  #indexes(): Make[] {
    const { random } = this;
    const index = (): string => random.pick(['i1', 'i2', 'i3']);
    const column = (): string =>
      random.pick([
        'a',
        'b DESC',
        'c',
        'a, b',
        '(a + 1)',
        'lower(c::text)',
        '(f1(a))',
        'a NULLS FIRST',
        '(c::text) COLLATE "C"',
        '((f).x)',
      ]);
    const create = (): string =>
      `CREATE ${random.pick(['', 'UNIQUE ', ''])}INDEX ${index()} ON ${this.#table()} (${column()})${random.pick(['', '', ` WHERE ${this.#test()}`, ' INCLUDE (b)'])}`;
    return [
      create,
      create,
      () => `DROP INDEX ${random.pick(['IF EXISTS ', ''])}${index()}`,
      () => `ALTER INDEX ${index()} RENAME TO ${index()}`,
    ];
  }

  // ---- relations ----

  #relations(): Make[] {
    const { random } = this;
    const view = (): string =>
      `CREATE ${random.pick(['OR REPLACE ', ''])}VIEW ${this.#view()} AS SELECT ${random.pick(['*', 'id, a', 'id, a, b', 'id, a + 1 AS a, b', 'id, a, b, c', 'id, f1(a) AS a'])} FROM ${random.pick(['t1', 't2', 'v1', 'v2', 't3'])}${random.pick(['', ` WHERE ${this.#test()}`, ` WHERE ${this.#test()} WITH CHECK OPTION`, ` WHERE ${this.#test()} WITH LOCAL CHECK OPTION`])}`;
    return [
      ...[view, view, view],
      () => `DROP VIEW ${this.#view()}${this.#behaviour()}`,
      () =>
        `ALTER VIEW ${this.#view()} ${random.pick(['RENAME COLUMN a TO aa', 'RENAME COLUMN aa TO a', 'ALTER COLUMN a SET DEFAULT 7', 'RENAME TO v3'])}`,
      () =>
        `CREATE TABLE ${this.#table()} (id int PRIMARY KEY, a int, b ${this.#type()} DEFAULT ${this.#literal()}, c ${this.#type()}, ${random.pick([`d ${this.#type()}, `, '', 'd int GENERATED ALWAYS AS (a + 1) STORED, '])}e e1, f c1)`,
      () => `CREATE TABLE t3 (LIKE ${this.#table()} INCLUDING ALL)`,
      () => `CREATE TABLE t3 AS SELECT * FROM ${random.pick([...TABLES, ...VIEWS])}`,
      () => 'CREATE TABLE t3 OF cc',
      () => `DROP TABLE ${this.#table()}${this.#behaviour()}`,
      () => `ALTER TABLE ${this.#table()} RENAME TO ${this.#table()}`,
      () => `ALTER TABLE t3 ${random.pick(['OF cc', 'NOT OF'])}`,
      () => `CREATE MATERIALIZED VIEW m1 AS SELECT * FROM ${random.pick([...TABLES, ...VIEWS])}`,
      () => random.pick(['REFRESH MATERIALIZED VIEW m1', 'DROP MATERIALIZED VIEW m1', 'CREATE INDEX ON m1 (a)']),
      () =>
        `ALTER SEQUENCE s1 ${random.pick(['RESTART', 'RESTART 50', 'INCREMENT 5', 'OWNED BY t1.a', 'OWNED BY NONE', 'MAXVALUE 60', 'CYCLE'])}`,
      () => `SELECT setval('s1', ${this.#key()})`,
    ];
  }

  // ---- types ----

  #domains(): Make[] {
    const { random } = this;
    const domain = (): string => random.pick(['d1', 'd2', 'd3']);
    const test = (): string =>
      random.pick([
        'VALUE > 0',
        'VALUE < 50',
        'VALUE <> 5',
        'VALUE IS NOT NULL',
        'length(VALUE::text) < 4',
        '(VALUE).x > 0',
      ]);
    return [
      () =>
        `ALTER DOMAIN ${domain()} ADD CONSTRAINT ${random.pick(['q1', 'q2'])} CHECK (${test()})${random.pick(['', ' NOT VALID'])}`,
      () => `ALTER DOMAIN ${domain()} DROP CONSTRAINT ${random.pick(['q1', 'q2'])}`,
      () => `ALTER DOMAIN ${domain()} ${random.pick(['SET NOT NULL', 'DROP NOT NULL', 'DROP DEFAULT'])}`,
      () => `ALTER DOMAIN ${domain()} SET DEFAULT ${this.#constant()}`,
      () => `ALTER DOMAIN ${domain()} VALIDATE CONSTRAINT ${random.pick(['q1', 'q2'])}`,
      () => `DROP DOMAIN ${domain()}${this.#behaviour()}`,
      () =>
        `CREATE DOMAIN ${domain()} AS ${random.pick(['int', 'text', 'c1', 'd1', 'e1', 'cc'])}${random.pick(['', ' NOT NULL', ' DEFAULT 5', ' CHECK (VALUE IS NOT NULL)'])}`,
    ];
  }

  #composites(): Make[] {
    const { random } = this;
    const type = (): string => `ALTER TYPE ${random.pick(['c1', 'cc'])}`;
    const attribute = (): string => random.pick(['x', 'y', 'z', 'w']);
    return [
      () => `${type()} ADD ATTRIBUTE ${attribute()} ${random.pick(['int', 'text', 'd1', 'e1'])}${this.#behaviour()}`,
      () => `${type()} DROP ATTRIBUTE ${attribute()}${this.#behaviour()}`,
      () => `${type()} RENAME ATTRIBUTE ${attribute()} TO ${attribute()}${this.#behaviour()}`,
      () =>
        `${type()} ALTER ATTRIBUTE ${attribute()} TYPE ${random.pick(['bigint', 'text', 'varchar(3)'])}${this.#behaviour()}`,
      () => `ALTER TYPE e1 ADD VALUE ${random.pick(["'w'", "'u2'"])} ${random.pick(['', "BEFORE 'v'", "AFTER 'u'"])}`,
      () => `ALTER TYPE e1 RENAME VALUE ${random.pick(["'w' TO 'v'", "'v' TO 'vv'", "'vv' TO 'v'"])}`,
    ];
  }

  // ---- routines ----

  #routines(): Make[] {
    const { random } = this;
    return [
      () =>
        `CREATE OR REPLACE FUNCTION f1(k int) RETURNS int LANGUAGE sql ${random.pick(['IMMUTABLE', 'STABLE', 'IMMUTABLE STRICT'])} AS 'SELECT k ${random.pick(['+', '*', '-'])} ${random.between(1, 3)}'`,
      () => `DROP FUNCTION f1(int)${this.#behaviour()}`,
      () =>
        `CREATE OR REPLACE FUNCTION g1() RETURNS SETOF t1 LANGUAGE ${random.pick(["sql AS 'SELECT * FROM t1 ORDER BY id'", "plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM t1 ORDER BY id; END'"])}`,
      () =>
        `CREATE OR REPLACE FUNCTION g3(k int) RETURNS bigint LANGUAGE sql ${random.pick(["AS 'SELECT count(*) FROM v1 WHERE id > k'", 'BEGIN ATOMIC SELECT count(*) FROM v1 WHERE id > k; END', 'RETURN (SELECT sum(a) FROM t2 WHERE id > k)'])}`,
      () => `DROP FUNCTION ${random.pick(['g1()', 'g2(int)', 'g3(int)'])}${this.#behaviour()}`,
      () =>
        `COMMENT ON ${random.pick(['TABLE t1', 'COLUMN t1.a', 'VIEW v1', 'FUNCTION f1(int)', 'TYPE c1'])} IS 'said'`,
    ];
  }

  #blocks(): Make[] {
    return [
      () =>
        `DO $$ DECLARE r t1; BEGIN FOR r IN SELECT * FROM t1 ORDER BY id LOOP UPDATE t2 SET b = r.b WHERE id = r.id; END LOOP; BEGIN INSERT INTO t1 (id, a) VALUES (${this.#key()}, ${this.#number()}); EXCEPTION WHEN OTHERS THEN INSERT INTO t3 (id) VALUES (${this.#key() + 60}); END; END $$`,
      () =>
        `DO $$ DECLARE r record; BEGIN FOR r IN SELECT id, a FROM v1 ORDER BY id LOOP INSERT INTO t3 (id, a) VALUES (r.id + 80, r.a); END LOOP; EXECUTE 'ALTER TABLE t3 ADD COLUMN IF NOT EXISTS b int'; UPDATE t3 SET b = 3; END $$`,
      () =>
        `DO $$ DECLARE x t2.a%TYPE; y d3; BEGIN x := ${this.#number()}; y := ROW(x, 'b'); UPDATE t1 SET f = y, a = x WHERE id = ${this.#key()}; END $$`,
    ];
  }
}
