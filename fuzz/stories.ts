/**
 * Statements that belong together, over what users define: functions in SQL and PL/pgSQL, tables that change in the middle of a
 * program, foreign keys of every form, views over views, materialised views, sequences, partial and expression indexes.
 */
import { Programs } from './generator.js';
import type { Random } from './random.js';

export class Stories extends Programs {
  constructor(random: Random) {
    super(random, 6);
  }

  protected override kinds(n: number): readonly (() => string[])[] {
    return [
      () => this.#blocks(n),
      () => this.#blocks(n),
      () => this.#routines(n),
      () => this.#altered(n),
      () => this.#altered(n),
      () => this.#references(n),
      () => this.#indexes(n),
      () => this.#views(n),
      () => this.#sequences(n),
      () => this.#typed(n),
    ];
  }

  // ---- PL/pgSQL ----

  #blocks(n: number): string[] {
    const { random } = this;
    const value = (): string => random.pick(['x', 'y', 'i', String(this.int()), 'x + y', 'coalesce(x, 0) * 2', 'NULL']);
    const test = (): string => `${value()} ${random.pick(['>', '=', '<>', 'IS DISTINCT FROM'])} ${value()}`;
    const statement = (depth: number): string => {
      const inner = (): string => random.times(1, 2, () => statement(depth - 1)).join(' ');
      const simple = [
        `x := ${value()};`,
        `y := (SELECT max(v) FROM pl${n} WHERE k > ${value()});`,
        `INSERT INTO pl${n} VALUES (${value()}, ${value()});`,
        `UPDATE pl${n} SET v = v + 1 WHERE k = ${value()}; GET DIAGNOSTICS y = ROW_COUNT;`,
        `SELECT v INTO ${random.pick(['', 'STRICT '])}x FROM pl${n} WHERE k = ${value()} ORDER BY v LIMIT ${random.between(1, 2)};`,
        `DELETE FROM pl${n} WHERE k = ${value()}; IF FOUND THEN s := s || 'd'; END IF;`,
        `EXECUTE 'SELECT $1 + $2' INTO x USING ${value()}::int, 1;`,
        `EXECUTE format('UPDATE %I SET v = %L WHERE k = %s', 'pl${n}', x, coalesce(${value()}, 1));`,
        `PERFORM 1 FROM pl${n} WHERE v > ${value()}; s := s || found::text;`,
        `s := s || coalesce(x::text, '-');`,
        `x := 10 / (${value()});`,
        `RAISE EXCEPTION 'no % of %', x, y USING ERRCODE = '${random.pick(['P0001', '22012', '45000', 'unique_violation'])}', DETAIL = s;`,
        `RAISE division_by_zero;`,
        `a[${random.between(1, 3)}] := ${value()}; x := a[1];`,
        `r := (SELECT w FROM pl${n} AS w WHERE k = ${value()} LIMIT 1); x := r.v;`,
        `SELECT * INTO r FROM pl${n} ORDER BY k, v LIMIT 1; s := s || coalesce(r.k::text, '?');`,
        `ASSERT ${test()}, 'wrong';`,
      ];
      if (depth <= 0 || random.chance(0.4)) return random.pick(simple);
      return random.pick([
        `IF ${test()} THEN ${inner()} ELSIF ${test()} THEN ${inner()} ELSE ${inner()} END IF;`,
        `FOR i IN ${random.pick(['', 'REVERSE '])}${this.int()}..${this.int()}${random.pick(['', ' BY 2'])} LOOP ${inner()} ${random.pick(['', `EXIT WHEN ${test()};`, `CONTINUE WHEN ${test()};`])} s := s || i; END LOOP;`,
        `FOR r IN SELECT k, v FROM pl${n} WHERE k IS NOT NULL ORDER BY k, v LOOP x := r.k; ${inner()} END LOOP;`,
        `FOREACH x IN ARRAY ARRAY[1, NULL, 3] LOOP ${inner()} END LOOP;`,
        `<<out>> LOOP c := c + 1; EXIT WHEN c > 20; y := coalesce(y, 0) + 1; ${inner()} EXIT out WHEN y > 2 OR y IS NULL; y := y + 1; END LOOP;`,
        `i := 0; WHILE i < 3 AND c < 20 LOOP c := c + 1; i := i + 1; ${inner()} END LOOP;`,
        `BEGIN ${inner()} EXCEPTION WHEN ${random.pick(['division_by_zero', 'OTHERS', 'unique_violation OR check_violation', 'no_data_found', "SQLSTATE '45000'", 'data_exception'])} THEN s := s || SQLSTATE; ${random.pick(['', 'x := 7;', 'RAISE;', 's := s || SQLERRM;'])} END;`,
        `CASE x WHEN 1, 2 THEN ${inner()} ${random.pick(['', `ELSE ${inner()} `])}END CASE;`,
        `CASE WHEN ${test()} THEN ${inner()} ELSE NULL; END CASE;`,
        `DECLARE x int := ${value()}; BEGIN ${inner()} s := s || coalesce(x, 0); END;`,
      ]);
    };
    const body = random.times(2, 5, () => statement(2)).join(' ');
    const declared = "DECLARE x int := 1; y int; i int := 2; c int := 0; s text := ''; r record; a int[] := '{}'; ";
    const returns = random.pick(['RETURN s;', 'RETURN s || coalesce(y, -1);', '']);
    const rows = random.chance(0.3);
    const head = rows
      ? `CREATE FUNCTION f${n}(p int) RETURNS SETOF int LANGUAGE plpgsql AS $$ ${declared}BEGIN ${body} RETURN NEXT x; RETURN QUERY SELECT k FROM pl${n} ORDER BY 1; RETURN; END $$`
      : `CREATE FUNCTION f${n}(p int) RETURNS text LANGUAGE plpgsql AS $$ ${declared}BEGIN x := p; ${body} ${returns} END $$`;
    return [
      `CREATE TABLE pl${n} (k int${random.pick(['', ' UNIQUE'])}, v int CHECK (v < 9))`,
      `INSERT INTO pl${n} VALUES (1, 1), (2, NULL), (3, 4)`,
      head,
      `SELECT ${rows ? '* FROM ' : ''}f${n}(1)`,
      `SELECT k, v FROM pl${n} ORDER BY 1, 2`,
      `SELECT ${rows ? '* FROM ' : ''}f${n}(${random.pick(['NULL', '2', '-1'])})`,
      `SELECT k, v FROM pl${n} ORDER BY 1, 2`,
      `DROP FUNCTION f${n}`,
    ];
  }

  // ---- routines ----

  #routines(n: number): string[] {
    const { random } = this;
    const strict = random.pick(['', ' STRICT', ' IMMUTABLE', ' STABLE']);
    const definitions = [
      `CREATE FUNCTION g${n}(a int, b int DEFAULT 2) RETURNS int LANGUAGE sql${strict} AS 'SELECT $1 * 10 + b'`,
      `CREATE FUNCTION g${n}(a text) RETURNS text LANGUAGE sql RETURN upper(a) || '!'`,
      `CREATE FUNCTION h${n}(OUT x int, OUT y text) RETURNS SETOF record LANGUAGE sql AS $$ SELECT k, 'v' || v FROM rt${n} ORDER BY k $$`,
      `CREATE FUNCTION s${n}(VARIADIC l int[]) RETURNS bigint LANGUAGE sql AS 'SELECT sum(u) FROM unnest(l) AS u'`,
      `CREATE FUNCTION t${n}(lo int) RETURNS TABLE (k int, d int) LANGUAGE sql AS 'SELECT k, v - k FROM rt${n} WHERE k >= lo ORDER BY 1'`,
      `CREATE FUNCTION i${n}(a int) RETURNS int LANGUAGE sql AS 'INSERT INTO rt${n} VALUES (a, a) RETURNING v'`,
      `CREATE FUNCTION e${n}(x anyelement, l anyarray) RETURNS anyarray LANGUAGE sql AS 'SELECT array_append(l, x)'`,
      `CREATE PROCEDURE p${n}(a int, INOUT b int) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO rt${n} VALUES (a, b); b := a + b; END $$`,
    ];
    const use = (): string =>
      random.pick([
        `SELECT g${n}(${this.int()}), g${n}(${this.int()}, ${this.int()}), g${n}(b => 1, a => 2), g${n}('x'::text)`,
        `SELECT g${n}('x')`,
        `SELECT g${n}(NULL::int), g${n}(1.5)`,
        `SELECT * FROM h${n}()`,
        `SELECT h${n}(), (h${n}()).y`,
        `SELECT s${n}(1, 2, 3), s${n}(VARIADIC '{4,5}'), s${n}(VARIADIC NULL)`,
        `SELECT s${n}()`,
        `SELECT r.k, t.* FROM rt${n} AS r, LATERAL t${n}(r.k) AS t ORDER BY 1, 2, 3`,
        `SELECT i${n}(${this.int()})`,
        `SELECT e${n}(1, '{2}'::int[]), e${n}('a'::text, NULL)`,
        `SELECT e${n}(1, '{a}'::text[])`,
        `CALL p${n}(${this.int()}, ${this.int()})`,
        `CALL p${n}(1)`,
        `SELECT k, v FROM rt${n} WHERE g${n}(k) > ${this.int()} ORDER BY 1, 2`,
        `SELECT count(*) FROM rt${n}`,
        `SELECT sum(g${n}(k)) OVER (ORDER BY k) FROM rt${n}`,
        `CREATE OR REPLACE FUNCTION g${n}(a int, b int DEFAULT 3) RETURNS int LANGUAGE sql AS 'SELECT a - b'`,
        `CREATE OR REPLACE FUNCTION g${n}(a int, b int) RETURNS int LANGUAGE sql AS 'SELECT a'`,
        `CREATE OR REPLACE FUNCTION g${n}(a int, b int DEFAULT 3) RETURNS text LANGUAGE sql AS 'SELECT 1'`,
        `DROP FUNCTION s${n}`,
        `DROP FUNCTION g${n}`,
        `DROP FUNCTION IF EXISTS t${n}(text)`,
        `ALTER FUNCTION g${n}(text) RENAME TO gg${n}`,
      ]);
    return [
      `CREATE TABLE rt${n} (k int, v int)`,
      `INSERT INTO rt${n} VALUES (1, 5), (2, NULL), (3, 3)`,
      ...definitions,
      ...random.times(4, 9, use),
    ];
  }

  // ---- tables that change ----

  #altered(n: number): string[] {
    const { random } = this;
    const type = (): string =>
      random.pick(['int', 'bigint', 'text', 'numeric(6,2)', 'varchar(3)', 'smallint', 'date', 'int[]', 'boolean']);
    const column = (): string => random.pick(['a', 'b', 'c', 'd', 'e']);
    const change = (): string => {
      const t = `al${n}`;
      return random.pick([
        `ALTER TABLE ${t} ADD COLUMN ${column()} ${type()}${random.pick(['', ' DEFAULT 1', " DEFAULT '2'", ' NOT NULL', ' NOT NULL DEFAULT 5', ' UNIQUE', ' GENERATED ALWAYS AS (a + 1) STORED', ' CHECK (a > 0)'])}`,
        `ALTER TABLE ${t} ADD COLUMN IF NOT EXISTS e text DEFAULT 'e'`,
        `ALTER TABLE ${t} DROP COLUMN ${random.pick(['', 'IF EXISTS '])}${column()}${random.pick(['', ' CASCADE'])}`,
        `ALTER TABLE ${t} ALTER COLUMN ${column()} TYPE ${type()}`,
        `ALTER TABLE ${t} ALTER COLUMN a TYPE ${type()} USING ${random.pick(['a::text::int', "a || 'x'", 'a * 2', 'NULL'])}`,
        `ALTER TABLE ${t} ALTER COLUMN ${column()} ${random.pick(['SET NOT NULL', 'DROP NOT NULL', 'SET DEFAULT 4', 'DROP DEFAULT', 'DROP EXPRESSION', 'ADD GENERATED ALWAYS AS IDENTITY', 'DROP IDENTITY IF EXISTS'])}`,
        `ALTER TABLE ${t} ADD CONSTRAINT k${random.int(3)} ${random.pick(['CHECK (a < 5)', 'CHECK (b IS NOT NULL) NOT VALID', 'UNIQUE (a)', 'PRIMARY KEY (a)', 'UNIQUE (a, b)', `FOREIGN KEY (b) REFERENCES ${t} (a)`])}`,
        `ALTER TABLE ${t} DROP CONSTRAINT ${random.pick(['', 'IF EXISTS '])}k${random.int(3)}`,
        `ALTER TABLE ${t} VALIDATE CONSTRAINT k0`,
        `ALTER TABLE ${t} RENAME COLUMN ${column()} TO ${column()}`,
        `ALTER TABLE ${t} RENAME CONSTRAINT k0 TO k1`,
        `ALTER TABLE ${t} ADD COLUMN c int DEFAULT 3, DROP COLUMN b, ALTER COLUMN a SET DEFAULT 9`,
        `CREATE ${random.pick(['', 'UNIQUE '])}INDEX ON ${t} (${column()})`,
        `CREATE TYPE ty${n} AS ENUM ('x')`,
        `COMMENT ON COLUMN ${t}.a IS 'c'`,
      ]);
    };
    const use = (): string =>
      random.pick([
        `INSERT INTO al${n} (a) VALUES (${this.int()})`,
        `INSERT INTO al${n} VALUES (${this.int()}, ${this.int()})`,
        `INSERT INTO al${n} DEFAULT VALUES RETURNING *`,
        `UPDATE al${n} SET ${column()} = ${random.pick(['NULL', '1', 'DEFAULT', 'a'])}`,
        `DELETE FROM al${n} WHERE a = ${this.int()} RETURNING *`,
        `SELECT * FROM al${n}`,
        `SELECT ${column()}, count(*) FROM al${n} GROUP BY 1`,
      ]);
    const block = random.pick<readonly [string[], string[]]>([
      [[], []],
      [['BEGIN'], [random.pick(['COMMIT', 'ROLLBACK'])]],
    ]);
    return [
      `CREATE TABLE al${n} (a int${random.pick(['', ' PRIMARY KEY'])}, b int)`,
      `INSERT INTO al${n} VALUES (1, 2), (2, 2), (3, NULL)`,
      ...block[0],
      ...random.times(5, 12, () => (random.chance(0.5) ? change() : use())),
      ...block[1],
      `SELECT * FROM al${n}`,
      `SELECT attname, atttypid::regtype, attnotnull, atthasdef, attidentity, attgenerated FROM pg_attribute WHERE attrelid = to_regclass('al${n}') AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
      `SELECT conname, contype, convalidated, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass('al${n}') ORDER BY 1, 2`,
    ];
  }

  // ---- foreign keys ----

  #references(n: number): string[] {
    const { random } = this;
    const action = (): string => random.pick(['', 'CASCADE', 'SET NULL', 'SET DEFAULT', 'RESTRICT', 'NO ACTION']);
    const [remove, update] = [action(), action()];
    const match = random.pick(['', ' MATCH FULL', ' MATCH SIMPLE']);
    const list = remove === 'SET NULL' && random.chance(0.3) ? ' (y)' : '';
    const clause = `${match}${remove === '' ? '' : ` ON DELETE ${remove}${list}`}${update === '' ? '' : ` ON UPDATE ${update}`}${random.pick(['', '', ' DEFERRABLE', ' DEFERRABLE INITIALLY DEFERRED'])}`;
    const v = (): string => (random.chance(0.2) ? 'NULL' : String(random.int(4)));
    const one = (): string =>
      random.pick([
        `INSERT INTO fp${n} VALUES (${random.int(5)}, ${random.int(4)})`,
        `INSERT INTO fc${n} VALUES (${v()}, ${v()}, ${random.int(9)})`,
        `UPDATE fp${n} SET b = ${random.int(4)} WHERE a = ${random.int(4)}`,
        `UPDATE fp${n} SET a = a + 1`,
        `UPDATE fc${n} SET x = ${v()} WHERE z < ${random.int(9)}`,
        `DELETE FROM fp${n} WHERE a = ${random.int(4)}`,
        `DELETE FROM fc${n} WHERE z = ${random.int(9)}`,
        `TRUNCATE fp${n}${random.pick(['', ' CASCADE'])}`,
        `UPDATE tree${n} SET id = id + 10 WHERE id < 3`,
        `DELETE FROM tree${n} WHERE id = ${random.between(1, 5)}`,
        `INSERT INTO tree${n} VALUES (7, 7), (8, 9), (9, 8)`,
        `WITH d AS (DELETE FROM fp${n} WHERE a > 1 RETURNING a) INSERT INTO fc${n} SELECT a, 1, 5 FROM d`,
      ]);
    return [
      `CREATE TABLE fp${n} (a int, b int, PRIMARY KEY (a, b))`,
      `CREATE TABLE fc${n} (x int DEFAULT 1, y int DEFAULT 1, z int, FOREIGN KEY (x, y) REFERENCES fp${n} (a, b)${clause})`,
      `CREATE TABLE tree${n} (id int PRIMARY KEY, up int REFERENCES tree${n} ON DELETE ${random.pick(['CASCADE', 'SET NULL', 'RESTRICT'])} ON UPDATE CASCADE)`,
      `INSERT INTO fp${n} VALUES (1, 1), (1, 2), (2, 1), (3, 3)`,
      `INSERT INTO fc${n} VALUES (1, 1, 1), (1, 2, 2), (2, 1, 3), (NULL, NULL, 4)`,
      `INSERT INTO tree${n} VALUES (1, NULL), (2, 1), (3, 1), (4, 2)`,
      ...random.times(4, 9, one),
      `SELECT * FROM fp${n} ORDER BY 1, 2`,
      `SELECT * FROM fc${n} ORDER BY 1, 2, 3`,
      `SELECT * FROM tree${n} ORDER BY 1, 2`,
    ];
  }

  // ---- indexes ----

  #indexes(n: number): string[] {
    const { random } = this;
    const index = (): string =>
      random.pick([
        `CREATE UNIQUE INDEX ON ix${n} (a) WHERE b > 1`,
        `CREATE INDEX ON ix${n} ((a + b))`,
        `CREATE UNIQUE INDEX ON ix${n} (lower(t))`,
        `CREATE INDEX ON ix${n} (a DESC NULLS LAST, b) INCLUDE (t)`,
        `CREATE UNIQUE INDEX ON ix${n} (a, b) NULLS NOT DISTINCT`,
        `CREATE INDEX ON ix${n} USING gin (l)`,
        `CREATE INDEX ON ix${n} USING gin (j)`,
        `CREATE INDEX ON ix${n} USING hash (t)`,
        `CREATE INDEX ON ix${n} ((j->>'a')) WHERE l IS NOT NULL`,
      ]);
    const text = (): string => random.pick(["'a'", "'A'", "'b'", 'NULL', "''"]);
    const json = (): string => random.pick(['\'{"a": 1}\'', "'[1, 2]'", 'NULL', '\'{"a": {"b": [1]}}\'']);
    const row = (): string =>
      `(${this.int()}, ${random.chance(0.2) ? 'NULL' : this.int()}, ${text()}, ${random.pick(["'{1,2}'", "'{2,NULL}'", 'NULL', "'{}'"])}, ${json()})`;
    const where = (): string =>
      random.pick([
        `a = ${this.int()} AND b > 1`,
        `a = ${this.int()} AND b > 3`,
        `a + b > ${this.int()}`,
        `lower(t) = 'a'`,
        `t IN ('a', 'A')`,
        `a BETWEEN 0 AND 3 AND b IS NULL`,
        `a > 1 OR b < 2`,
        `l @> '{2}'`,
        `l && '{1,5}'`,
        `l <@ '{1,2,3}'`,
        `j @> '{"a": 1}'`,
        `j ? 'a'`,
        `j->>'a' = '1' AND l IS NOT NULL`,
        `a IN (1, 2, NULL) AND t >= 'A'`,
        `(a, b) > (1, 1)`,
        `a = ANY ('{1,3}')`,
        `t LIKE 'a%'`,
      ]);
    const use = (): string =>
      random.pick([
        `INSERT INTO ix${n} VALUES ${row()}`,
        `INSERT INTO ix${n} VALUES ${row()}, ${row()} ON CONFLICT DO NOTHING`,
        `UPDATE ix${n} SET b = ${this.int()} WHERE ${where()}`,
        `UPDATE ix${n} SET l = l || ${this.int()}, t = upper(t) WHERE ${where()}`,
        `DELETE FROM ix${n} WHERE ${where()}`,
        `SELECT * FROM ix${n} WHERE ${where()}`,
        `SELECT * FROM ix${n} WHERE ${where()} AND ${where()}`,
        `SELECT * FROM ix${n} WHERE ${where()} OR ${where()}`,
        `SELECT a, b FROM ix${n} WHERE ${where()} ORDER BY 1 DESC NULLS LAST, 2 LIMIT 3`,
        `SELECT max(a), min(b), count(*) FROM ix${n} WHERE ${where()}`,
        `SELECT x.a, y.b FROM ix${n} AS x JOIN ix${n} AS y ON x.a = y.b WHERE x.a + x.b > 1`,
      ]);
    return [
      `CREATE TABLE ix${n} (a int, b int, t text, l int[], j jsonb)`,
      `INSERT INTO ix${n} VALUES ${row()}, ${row()}, ${row()}, ${row()}`,
      index(),
      ...(random.chance(0.6) ? [index()] : []),
      ...random.times(6, 12, use),
      index(),
      ...random.times(2, 5, use),
      `SELECT * FROM ix${n}`,
    ];
  }

  // ---- views ----

  #views(n: number): string[] {
    const { random } = this;
    const one = (): string =>
      random.pick([
        `CREATE OR REPLACE VIEW vv${n} AS SELECT a, b FROM vb${n} WHERE a > ${this.int()}`,
        `CREATE OR REPLACE VIEW vv${n} AS SELECT a, b, c FROM vb${n}`,
        `CREATE OR REPLACE VIEW vv${n} AS SELECT b, a FROM vb${n}`,
        `CREATE VIEW vw${n} AS SELECT a, sum(b) OVER (ORDER BY a) AS s FROM vv${n}`,
        `CREATE MATERIALIZED VIEW vm${n} AS SELECT a, count(*) AS n FROM vv${n} GROUP BY a${random.pick(['', ' WITH NO DATA'])}`,
        `REFRESH MATERIALIZED VIEW vm${n}`,
        `SELECT * FROM vm${n}`,
        `SELECT * FROM vw${n}`,
        `SELECT * FROM vv${n}`,
        `INSERT INTO vv${n} VALUES (${this.int()}, ${this.int()}) RETURNING *`,
        `UPDATE vv${n} SET b = a WHERE a = ${this.int()}`,
        `ALTER TABLE vb${n} DROP COLUMN ${random.pick(['a', 'b', 'c'])}`,
        `ALTER TABLE vb${n} RENAME COLUMN a TO z`,
        `ALTER TABLE vb${n} ALTER COLUMN b TYPE bigint`,
        `ALTER VIEW vv${n} RENAME COLUMN a TO first`,
        `ALTER VIEW vv${n} ALTER COLUMN a SET DEFAULT 5`,
        `DROP VIEW vv${n}`,
        `DROP TABLE vb${n}`,
        `CREATE UNIQUE INDEX ON vm${n} (a)`,
        `REFRESH MATERIALIZED VIEW CONCURRENTLY vm${n}`,
        `SELECT pg_get_viewdef('vv${n}'::regclass) IS NOT NULL`,
        `SELECT column_name, data_type, is_updatable FROM information_schema.columns WHERE table_name = 'vv${n}' ORDER BY ordinal_position`,
        `SELECT is_insertable_into, is_updatable FROM information_schema.views WHERE table_name LIKE 'v_${n}'`,
      ]);
    return [
      `CREATE TABLE vb${n} (a int, b int, c text DEFAULT 'c')`,
      `INSERT INTO vb${n} VALUES (1, 2), (2, 3), (2, NULL)`,
      `CREATE VIEW vv${n} AS SELECT a, b FROM vb${n} WHERE a > 0`,
      ...random.times(5, 11, one),
      `SELECT * FROM vb${n}`,
    ];
  }

  // ---- sequences ----

  #sequences(n: number): string[] {
    const { random } = this;
    const cycle = random.pick(['', ' CYCLE']);
    const one = (): string =>
      random.pick([
        `SELECT nextval('sq${n}')`,
        `SELECT nextval('sq${n}'), currval('sq${n}'), lastval()`,
        `SELECT setval('sq${n}', ${random.between(0, 8)}${random.pick(['', ', false', ', true'])})`,
        `ALTER SEQUENCE sq${n} RESTART${random.pick(['', ' WITH 3'])}`,
        `ALTER SEQUENCE sq${n} INCREMENT BY ${random.pick(['1', '3', '-1', '0'])}`,
        `ALTER SEQUENCE sq${n} MAXVALUE ${random.between(1, 9)}`,
        `ALTER SEQUENCE sq${n} ${random.pick(['CYCLE', 'NO CYCLE', 'NO MAXVALUE', 'MINVALUE -5', 'AS smallint'])}`,
        `INSERT INTO sr${n} (v) VALUES (1) RETURNING id`,
        `SELECT pg_get_serial_sequence('sr${n}', 'id')`,
        `SELECT start_value, min_value, max_value, increment_by, cycle FROM pg_sequences WHERE sequencename = 'sq${n}'`,
        `TRUNCATE sr${n} RESTART IDENTITY`,
        `DROP SEQUENCE sq${n}`,
      ]);
    return [
      `CREATE SEQUENCE sq${n} ${random.pick(['', 'START 3 ', 'INCREMENT 2 '])}MINVALUE 1 MAXVALUE 7${cycle}`,
      `CREATE TABLE sr${n} (id ${random.pick(['serial', 'bigserial', 'int GENERATED BY DEFAULT AS IDENTITY'])}, v int)`,
      ...random.times(5, 10, one),
    ];
  }

  // ---- domains, composites and enums in functions and arrays ----

  #typed(n: number): string[] {
    const { random } = this;
    const one = (): string =>
      random.pick([
        `SELECT (${this.int()})::dm${n} + 1`,
        `SELECT ARRAY[1, ${this.int()}]::dm${n}[]::text`,
        `INSERT INTO dt${n} VALUES (${this.int()}, ROW(${this.int()}, 'x'), 'b')`,
        `INSERT INTO dt${n} VALUES (${this.int()}, '(4,)', 'a'), (1, NULL, NULL)`,
        `UPDATE dt${n} SET c.p = ${this.int()} WHERE v > 0 RETURNING (c).p, c`,
        `SELECT (c).*, v FROM dt${n}`,
        `SELECT e, count(*) FROM dt${n} GROUP BY e ORDER BY 1`,
        `SELECT c FROM dt${n} ORDER BY c`,
        `SELECT array_agg(c ORDER BY v, c), max(e) FROM dt${n}`,
        `SELECT to_json(c), jsonb_build_object('c', c, 'e', e) FROM dt${n}`,
        `ALTER DOMAIN dm${n} ADD CONSTRAINT small CHECK (VALUE < ${this.int()})`,
        `ALTER DOMAIN dm${n} ${random.pick(['SET DEFAULT 2', 'DROP DEFAULT', 'SET NOT NULL', 'DROP NOT NULL', 'DROP CONSTRAINT IF EXISTS small'])}`,
        `ALTER TYPE en${n} ADD VALUE ${random.pick(["'c'", "'aa' BEFORE 'b'", "IF NOT EXISTS 'a'"])}`,
        `ALTER TYPE cm${n} ADD ATTRIBUTE r int`,
        `ALTER TYPE cm${n} RENAME ATTRIBUTE q TO qq`,
        `SELECT ROW(1, 'a')::cm${n} = c, c IS NOT NULL FROM dt${n}`,
        `SELECT x.p, x.q FROM unnest(ARRAY[ROW(1, 'a'), ROW(2, NULL)]::cm${n}[]) AS x`,
        `SELECT * FROM jsonb_populate_recordset(NULL::cm${n}, '[{"p": 1}, {"q": "z", "p": null}]')`,
        `SELECT * FROM jsonb_to_recordset('[{"a": 1, "b": {"p": 3}}]') AS r (a dm${n}, b cm${n})`,
        `SELECT enum_range('a'::en${n}, NULL), 'b'::en${n} > 'a', 'zz'::en${n}`,
        `DROP TYPE cm${n}`,
        `DROP DOMAIN dm${n} CASCADE`,
      ]);
    return [
      `CREATE DOMAIN dm${n} AS int CHECK (VALUE > -2)`,
      `CREATE TYPE cm${n} AS (p int, q text)`,
      `CREATE TYPE en${n} AS ENUM ('a', 'b')`,
      `CREATE TABLE dt${n} (v dm${n}, c cm${n}, e en${n})`,
      `INSERT INTO dt${n} VALUES (1, ROW(1, 'one'), 'a')`,
      ...random.times(5, 11, one),
      `SELECT * FROM dt${n}`,
    ];
  }
}
