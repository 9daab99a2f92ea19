/**
 * Statements that belong together, one session's worth: cursors, deferred constraints, prepared statements, types that
 * users make, identity and generated columns, updatable views, savepoints around mistakes, row locks.
 */
import { Programs } from './generator.js';
import type { Random } from './random.js';

const MOODS = ["'sad'", "'ok'", "'happy'", 'NULL', "'none'"];

export class Sessions extends Programs {
  #types = false;

  constructor(random: Random) {
    super(random, 7);
  }

  protected override kinds(n: number): readonly (() => string[])[] {
    return [
      () => this.#cursor(n),
      () => this.#deferred(n),
      () => this.#prepared(n),
      () => this.#userTypes(),
      () => this.#userTypes(),
      () => this.#generated(n),
      () => this.#view(n),
      () => this.#mistakes(n),
      () => this.#conflicts(n),
    ];
  }

  #rows(width: number): string {
    const row = (): string =>
      `(${Array.from({ length: width }, () => (this.random.chance(0.1) ? 'NULL' : this.int())).join(', ')})`;
    return this.random.list(1, 4, row);
  }
  #cursor(n: number): string[] {
    const { random } = this;
    const moves = [
      ...[
        'NEXT',
        'PRIOR',
        'FIRST',
        'LAST',
        'ALL',
        'BACKWARD ALL',
        'FORWARD 2',
        'BACKWARD 2',
        'ABSOLUTE 3',
        'ABSOLUTE -1',
      ],
      ...['RELATIVE 1', 'RELATIVE -2', 'RELATIVE 0', '0', '3', '-1', 'ABSOLUTE 0', 'BACKWARD 0'],
    ];
    const scroll = random.pick(['SCROLL ', 'SCROLL ', 'NO SCROLL ']);
    const query = random.pick([
      `SELECT g, g * 2 FROM generate_series(1, ${random.between(0, 6)}) AS g ORDER BY g`,
      `SELECT a, b FROM cur${n} ORDER BY a, b`,
      `SELECT DISTINCT a FROM cur${n} ORDER BY a`,
      `SELECT a, row_number() OVER (ORDER BY a, b) FROM cur${n} ORDER BY 2`,
    ]);
    const hold = random.chance(0.3);
    const use = (): string => `${random.pick(['FETCH', 'FETCH', 'MOVE'])} ${random.pick(moves)} FROM c${n}`;
    return [
      `CREATE TABLE cur${n} (a int, b int)`,
      `INSERT INTO cur${n} VALUES ${this.#rows(2)}`,
      'BEGIN',
      `DECLARE c${n} ${scroll}CURSOR ${hold ? 'WITH HOLD ' : ''}FOR ${query}`,
      ...random.times(2, 8, use),
      ...(random.chance(0.3) ? [`INSERT INTO cur${n} VALUES ${this.#rows(2)}`, use()] : []),
      random.pick(['COMMIT', 'COMMIT', 'ROLLBACK']),
      ...(hold ? [use(), use(), `CLOSE c${n}`] : [use()]),
    ];
  }

  #deferred(n: number): string[] {
    const { random } = this;
    const when = (): string =>
      random.pick(['', ' DEFERRABLE', ' DEFERRABLE INITIALLY DEFERRED', ' DEFERRABLE INITIALLY IMMEDIATE']);
    const action = random.pick([
      '',
      ' ON DELETE CASCADE',
      ' ON DELETE SET NULL',
      ' ON UPDATE CASCADE',
      ' ON DELETE SET DEFAULT',
    ]);
    const change = (): string =>
      random.pick([
        `INSERT INTO dp${n} VALUES (${this.int()}, ${this.int()})`,
        `INSERT INTO dc${n} VALUES (${this.int()}, ${this.int()})`,
        `DELETE FROM dp${n} WHERE id = ${this.int()}`,
        `UPDATE dp${n} SET u = u + 1`,
        `UPDATE dp${n} SET id = ${this.int()} WHERE id = ${this.int()}`,
        `UPDATE dc${n} SET p = ${this.int()} WHERE id = ${this.int()}`,
        `SET CONSTRAINTS ${random.pick(['ALL', `dpu${n}`, `dcf${n}`])} ${random.pick(['DEFERRED', 'IMMEDIATE'])}`,
        'SAVEPOINT s',
        'ROLLBACK TO SAVEPOINT s',
      ]);
    return [
      `CREATE TABLE dp${n} (id int PRIMARY KEY, u int, CONSTRAINT dpu${n} UNIQUE (u)${when()})`,
      `CREATE TABLE dc${n} (id int, p int DEFAULT 1, CONSTRAINT dcf${n} FOREIGN KEY (p) REFERENCES dp${n}${action}${when()})`,
      `INSERT INTO dp${n} VALUES (1, 1), (2, 3), (3, 5)`,
      `INSERT INTO dc${n} VALUES (1, 1), (2, 2), (3, NULL)`,
      'BEGIN',
      ...random.times(3, 8, change),
      random.pick(['COMMIT', 'COMMIT', 'COMMIT', 'ROLLBACK']),
      `SELECT * FROM dp${n} ORDER BY 1, 2`,
      `SELECT * FROM dc${n} ORDER BY 1, 2`,
    ];
  }

  #prepared(n: number): string[] {
    const { random } = this;
    const [query, args] = random.pick<readonly [string, () => string]>([
      ['(int, text) AS SELECT $1 + 1, $2 || $1', () => `${this.int()}, 'x'`],
      ['AS SELECT $1::numeric / 2, $1', () => random.pick(['5', "'7.50'", 'NULL', "'x'"])],
      [`(int) AS SELECT * FROM pr${n} WHERE a = $1 OR b > $1 ORDER BY 1, 2`, () => String(this.int())],
      [`(int, int) AS INSERT INTO pr${n} VALUES ($1, $2) RETURNING a, b`, () => `${this.int()}, ${this.int()}`],
      [`(int[]) AS SELECT count(*) FROM pr${n} WHERE a = ANY ($1)`, () => `'{${this.int()},${this.int()}}'`],
      [`AS UPDATE pr${n} SET b = $1 WHERE a = $2`, () => `${this.int()}, ${this.int()}`],
      [`(int) AS SELECT a FROM pr${n} ORDER BY a, b LIMIT $1 OFFSET 1`, () => random.pick(['0', '2', 'NULL', '-1'])],
      ['(date, interval) AS SELECT $1 + $2, extract(year from $1)', () => "'2024-02-29', '1 year'"],
    ]);
    return [
      `CREATE TABLE pr${n} (a int, b int)`,
      `INSERT INTO pr${n} VALUES ${this.#rows(2)}`,
      `PREPARE p${n} ${query}`,
      ...random.times(2, 4, () => `EXECUTE p${n} (${args()})`),
      `EXECUTE p${n}`,
      `DEALLOCATE p${n}`,
      `EXECUTE p${n} (1)`,
    ];
  }

  #userTypes(): string[] {
    const { random } = this;
    const setup = this.#types
      ? []
      : [
          "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')",
          'CREATE DOMAIN small AS int DEFAULT 3 CHECK (VALUE < 6)',
          "CREATE DOMAIN word AS text NOT NULL CHECK (VALUE <> '')",
          'CREATE TYPE pair AS (x int, y text)',
          'CREATE TYPE span AS RANGE (subtype = float8)',
          'CREATE TABLE ut (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, m mood, s small, p pair, ms mood[], r span)',
          "INSERT INTO ut (m, s, p, ms, r) VALUES ('sad', 1, (1, 'a'), '{ok,sad}', '[1,2)'), ('happy', NULL, ROW(2, NULL), '{}', NULL)",
        ];
    this.#types = true;
    const mood = (): string => random.pick(MOODS);
    const one = (): string =>
      random.pick([
        `INSERT INTO ut (m, s) VALUES (${mood()}, ${this.int()})`,
        `INSERT INTO ut (m, p, ms) VALUES (${mood()}, ROW(${this.int()}, 'q'), ARRAY[${mood()}, ${mood()}]::mood[])`,
        `INSERT INTO ut (r, p.x) VALUES ('[${this.int()},${this.int()}]', ${this.int()})`,
        `INSERT INTO ut DEFAULT VALUES RETURNING id, s`,
        `UPDATE ut SET s = s + ${this.int()} WHERE m > 'sad'`,
        `UPDATE ut SET p.y = 'z', ms[2] = ${mood()} WHERE s < ${this.int()}`,
        `DELETE FROM ut WHERE m = ${mood()} AND id > 3`,
        `SELECT m, count(*) FROM ut GROUP BY m ORDER BY m DESC`,
        `SELECT id, (p).x, (p).y, p IS NULL, p FROM ut ORDER BY 1`,
        `SELECT m < ${mood()}, m::text, enum_range(NULL::mood), enum_first(m) FROM ut`,
        `SELECT id FROM ut WHERE m = ANY (ms) OR p = ROW(1, 'a')::pair ORDER BY 1`,
        `SELECT max(m), min(m), array_agg(m ORDER BY m) FROM ut`,
        `SELECT ${this.int()}::small, ${mood()}::mood`,
        `SELECT 'a'::word, ${random.pick(["''", 'NULL', "'b'"])}::word`,
        `SELECT r, r @> 1.5::float8, lower(r), r * span(0, 2) FROM ut`,
        `SELECT to_jsonb(p), to_jsonb(m), row_to_json(u) FROM ut AS u WHERE id < 3 ORDER BY id`,
        `SELECT (ROW(${this.int()}, 'k')::pair).*, ('(5,v)'::pair).y`,
        `SELECT unnest(ms), cardinality(ms) FROM ut ORDER BY 1, 2`,
        `SELECT p, p < ROW(2, 'b')::pair FROM ut WHERE p IS NOT NULL ORDER BY p`,
      ]);
    return [...setup, ...random.times(2, 6, one)];
  }

  #generated(n: number): string[] {
    const { random } = this;
    const kind = random.pick(['ALWAYS', 'BY DEFAULT']);
    const one = (): string =>
      random.pick([
        `INSERT INTO gen${n} (a) VALUES (${this.int()}) RETURNING *`,
        `INSERT INTO gen${n} (id, a) VALUES (${this.int()}, 1)`,
        `INSERT INTO gen${n} (id, a) OVERRIDING ${random.pick(['SYSTEM', 'USER'])} VALUE VALUES (${random.between(20, 40)}, 2) RETURNING *`,
        `INSERT INTO gen${n} (a, g) VALUES (1, ${random.pick(['DEFAULT', '5'])})`,
        `UPDATE gen${n} SET a = a * 2 WHERE a > 0 RETURNING g, t`,
        `UPDATE gen${n} SET ${random.pick(['g', 'id', 't'])} = ${random.pick(['DEFAULT', '3'])}`,
        `SELECT * FROM gen${n} WHERE g > ${this.int()} ORDER BY id`,
        `INSERT INTO gen${n} (a) SELECT g FROM generate_series(1, 3) AS g RETURNING a, g`,
      ]);
    return [
      `CREATE TABLE gen${n} (id int GENERATED ${kind} AS IDENTITY (START 10 INCREMENT 2), a int, g int GENERATED ALWAYS AS (a * 2 + 1) STORED, t text GENERATED ALWAYS AS ('<' || a || '>') STORED)`,
      ...random.times(3, 7, one),
      `SELECT a, g, t FROM gen${n} ORDER BY 1, 2, 3`,
    ];
  }

  #view(n: number): string[] {
    const { random } = this;
    const check = random.pick(['', ' WITH CHECK OPTION', ' WITH LOCAL CHECK OPTION']);
    const one = (): string =>
      random.pick([
        `INSERT INTO v${n} VALUES (${this.int()}, ${this.int()}) RETURNING *`,
        `INSERT INTO v${n} (x) VALUES (${this.int()})`,
        `UPDATE v${n} SET y = y + ${this.int()}`,
        `UPDATE v${n} SET x = ${this.int()} WHERE y = ${this.int()} RETURNING x, y`,
        `DELETE FROM v${n} WHERE x = ${this.int()} RETURNING *`,
        `SELECT * FROM v${n} ORDER BY 1, 2`,
        `INSERT INTO v${n} VALUES (${this.int()}, 4) ON CONFLICT (x) DO UPDATE SET y = excluded.y + 1`,
        `MERGE INTO v${n} USING (VALUES (${this.int()}, 5)) AS s (a, b) ON x = s.a WHEN MATCHED THEN DELETE`,
        `UPDATE w${n} SET x = x + 1`,
        `INSERT INTO w${n} VALUES (${this.int()}, 2)`,
      ]);
    return [
      `CREATE TABLE base${n} (a int PRIMARY KEY, b int DEFAULT 9, c int)`,
      `INSERT INTO base${n} VALUES (1, 2, 3), (2, 3, 4), (4, 5, NULL)`,
      `CREATE VIEW v${n} (x, y) AS SELECT a, b FROM base${n} WHERE b > 1${check}`,
      `CREATE VIEW w${n} AS SELECT x, y${random.pick(['', ', x + y AS z', ', 1 AS one'])} FROM v${n} WHERE x < 5${random.pick(['', ' WITH CASCADED CHECK OPTION'])}`,
      ...random.times(3, 7, one),
      `SELECT * FROM base${n} ORDER BY 1`,
    ];
  }

  #mistakes(n: number): string[] {
    const { random } = this;
    const wrong = ['SELECT 1 / 0', 'SELECT nothing', `INSERT INTO tx${n} VALUES (1, 1)`, "SELECT 'x'::int", 'SELEC'];
    const one = (): string =>
      random.pick([
        ...wrong,
        `INSERT INTO tx${n} VALUES (${this.int()}, 1)`,
        `UPDATE tx${n} SET v = v + 1 RETURNING id, v`,
        `DELETE FROM tx${n} WHERE id = ${this.int()}`,
        `SELECT id, v FROM tx${n} WHERE id < 4 ORDER BY id FOR ${random.pick(['UPDATE', 'SHARE', 'NO KEY UPDATE NOWAIT', 'UPDATE SKIP LOCKED'])}`,
        'SAVEPOINT a',
        'SAVEPOINT b',
        'ROLLBACK TO a',
        'ROLLBACK TO b',
        'RELEASE a',
        'RELEASE b',
        `CREATE TABLE tx${n}_more (a int)`,
        `ALTER TABLE tx${n} ADD COLUMN more int DEFAULT 5`,
        `TRUNCATE tx${n}`,
        `SELECT count(*) FROM tx${n}`,
      ]);
    return [
      `CREATE TABLE tx${n} (id int PRIMARY KEY, v int CHECK (v < 5))`,
      `INSERT INTO tx${n} VALUES (1, 1), (2, 2)`,
      'BEGIN',
      ...random.times(4, 12, one),
      random.pick(['COMMIT', 'ROLLBACK']),
      `SELECT * FROM tx${n} ORDER BY 1`,
    ];
  }

  #conflicts(n: number): string[] {
    const { random } = this;
    const target = random.pick([
      '(a)',
      '(b, c)',
      `ON CONSTRAINT oc${n}_a_key`,
      '(a) WHERE c > 0',
      '(c) WHERE b > 2',
      '(lower(t))',
      '',
    ]);
    const set = random.pick([
      'b = excluded.b',
      `a = excluded.a + oc${n}.a`,
      '(b, c) = (excluded.c, 1)',
      'c = DEFAULT',
      '(b, c) = (SELECT 1, 2)',
      "t = excluded.t || '!'",
    ]);
    const where = random.pick(['', ` WHERE oc${n}.b < excluded.b`, ' WHERE false']);
    const action = target === '' || random.chance(0.3) ? 'NOTHING' : `UPDATE SET ${set}${where}`;
    return [
      `CREATE TABLE oc${n} (a int UNIQUE, b int, c int DEFAULT 7, t text DEFAULT 'k', UNIQUE (b, c))`,
      `CREATE UNIQUE INDEX ON oc${n} (c) WHERE b > 2`,
      ...(random.chance(0.3) ? [`CREATE UNIQUE INDEX ON oc${n} (lower(t)) WHERE a > 5`] : []),
      `INSERT INTO oc${n} VALUES (1, 1, 1, 'A'), (2, 2, 2, 'B'), (3, 3, 3, 'C')`,
      ...random.times(
        2,
        5,
        () => `INSERT INTO oc${n} VALUES ${this.#rows(3)} ON CONFLICT ${target} DO ${action} RETURNING *`,
      ),
      `SELECT * FROM oc${n} ORDER BY 1, 2, 3, 4`,
    ];
  }
}
