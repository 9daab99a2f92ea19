/**
 * Selections in one another: views over views, windows, DISTINCT ON, groups, sets, set operations, LATERAL, WITH and recursion, each
 * asked from outside for some of its rows, in conditions that may go below it and in ones that must not. Every selection says what
 * it gives to the last row: LIMIT and numbering are over an order of all columns.
 */
import { Generator } from './generator.js';
import { clause, expression, joined, type Part, plain, type Piece } from './pieces.js';

type Kind = 'int4' | 'text' | 'numeric' | 'date';
interface Column {
  readonly text: string;
  readonly kind: Kind;
}
interface Relation {
  readonly from: Piece;
  readonly columns: readonly Column[];
}
/** `SELECT items FROM …`, whose items are named c1, c2, … */
interface Selection {
  readonly query: Piece;
  readonly kinds: readonly Kind[];
}

const BASE: Readonly<Record<string, readonly (readonly [name: string, kind: Kind])[]>> = {
  na: [
    ['k', 'int4'],
    ['m', 'int4'],
    ['s', 'text'],
    ['n', 'numeric'],
  ],
  nb: [
    ['k', 'int4'],
    ['s', 'text'],
    ['d', 'date'],
  ],
  nc: [
    ['m', 'int4'],
    ['n', 'numeric'],
    ['d', 'date'],
  ],
};
const CONSTANTS: Readonly<Record<Kind, readonly string[]>> = {
  int4: ['0', '1', '2', '3', '4'],
  text: ["'a'", "'b'", "'ab'", "''"],
  numeric: ['0', '1', '1.5', '2', '-1'],
  date: ["date '2024-02-28'", "date '2024-02-29'", "date '2024-03-01'"],
};
const VIEWS_MAX = 5;
const PREPARED_MAX = 3;

export class Nested extends Generator {
  readonly #views: { readonly name: string; readonly kinds: readonly Kind[] }[] = [];
  #aliases = 0;

  /** Tables with many equal values, and views over them and over each other. */
  setup(): Piece[] {
    const { random } = this;
    const lines: Piece[] = [];
    for (const [name, columns] of Object.entries(BASE)) {
      const key = random.chance(0.3) ? ', id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY' : '';
      lines.push(plain(`CREATE TABLE ${name} (${columns.map(([own, kind]) => `${own} ${kind}`).join(', ')}${key})`));
      const row = (): string => `(${columns.map(([, kind]) => this.#value(kind)).join(', ')})`;
      const names = columns.map(([own]) => own).join(', ');
      lines.push(plain(`INSERT INTO ${name} (${names}) VALUES ${random.list(4, 11, row)}`));
      if (random.chance(0.4)) lines.push(plain(`CREATE INDEX ON ${name} (${columns[0]![0]})`));
      if (random.chance(0.3)) lines.push(plain(`CREATE INDEX ON ${name} (${columns[1]![0]} DESC, ${columns[0]![0]})`));
    }
    for (let i = random.between(2, VIEWS_MAX); i > 0; i--) {
      const name = `nv${this.#views.length}`;
      const { query, kinds } = this.#selection(2, []);
      lines.push(plain(`CREATE VIEW ${name} AS `, query));
      this.#views.push({ name, kinds });
    }
    return lines;
  }

  statement(): Piece {
    const { random } = this;
    return random.weighted<() => Piece>([
      [10, () => this.#asked()],
      [2, () => this.#counted()],
      [2, () => this.#changed()],
    ])();
  }

  // ---- statements ----

  #asked(): Piece {
    const { random } = this;
    const { from, columns } = this.#relation(3, []);
    const shown = random.chance(0.5) ? columns : random.some(columns, random.between(1, columns.length));
    const items = shown.map(({ text }): Part => text);
    if (random.chance(0.3)) items.push(this.#value1(columns, random.pick(['int4', 'text']), 2));
    const where = random.chance(0.85) ? clause(' WHERE ', this.#test(columns, 2)) : '';
    const more = random.chance(0.4) ? clause(' AND ', this.#test(columns, 1)) : '';
    return plain('SELECT ', joined(items, ', '), ' FROM ', from, where === '' ? '' : plain(where, more));
  }

  #counted(): Piece {
    const { from, columns } = this.#relation(2, []);
    const [a, b] = [this.#column(columns), this.#column(columns)];
    return plain(
      `SELECT ${a}, count(*), count(DISTINCT ${b}), min(${b}) FROM `,
      from,
      clause(' WHERE ', this.#test(columns, 2)),
      ` GROUP BY ${a}`,
      clause(' HAVING ', this.#test([columns.find((c) => c.text === a)!], 1)),
    );
  }

  /** Of rows that are asked for by what other rows of the same table say. */
  #changed(): Piece {
    const { random } = this;
    const own = this.#base('nb', 't');
    const { from, columns } = this.#relation(1, []);
    const key = columns.find((c) => c.kind === 'int4');
    const test = this.#test(own.columns, 2);
    const one = this.#value1(own.columns, 'int4', 2);
    const source = plain(
      `(SELECT DISTINCT ON (1) ${key?.text ?? '1'} AS x, ${this.#column(columns)}::text AS y FROM `,
      from,
      ` ORDER BY 1, ${columns.map((c) => c.text).join(', ')}) AS q`,
    );
    return random.pick([
      plain('UPDATE nb AS t SET k = ', one, clause(' WHERE ', test), ' RETURNING k, s'),
      plain('DELETE FROM nb AS t WHERE ', test, ' AND ', this.#test(own.columns, 1), ' RETURNING *'),
      plain(
        'UPDATE nb AS t SET s = q.y FROM ',
        source,
        ' WHERE t.k = q.x',
        clause(' AND ', test),
        ' RETURNING t.*, q.x',
      ),
      plain('INSERT INTO nb (k, s) SELECT x, y FROM ', source, ' WHERE x < 9 RETURNING k, s'),
      plain(
        'MERGE INTO nb AS t USING ',
        source,
        ' ON t.k = q.x WHEN MATCHED',
        clause(' AND ', test),
        ' THEN UPDATE SET s = q.y WHEN NOT MATCHED AND q.x > 1 THEN INSERT (k, s) VALUES (q.x, ',
        this.#value1([{ text: 'q.y', kind: 'text' }], 'text', 1),
        ')',
      ),
      plain(
        'WITH w AS (DELETE FROM nb AS t WHERE ',
        test,
        ' RETURNING t.k, t.s) SELECT w.k, x.s FROM w LEFT JOIN nb AS x USING (k)',
      ),
    ]);
  }

  /** The same query by several values, with what it reads changed in between. */
  prepared(): Piece[] {
    const { random } = this;
    const name = `np${++this.#aliases}`;
    const { from, columns } = this.#relation(2, []);
    const key = columns.find((c) => c.kind === 'int4') ?? null;
    const list = columns.map(({ text }) => text).join(', ');
    const test =
      key === null ? '$1 = 1' : `${key.text} ${random.pick(['=', '<', '>=', '<>', 'IS NOT DISTINCT FROM'])} $1`;
    const execute = (): Piece => plain(`EXECUTE ${name} (${random.pick(['0', '1', '2', 'NULL'])})`);
    const lines = [plain(`PREPARE ${name} (int) AS SELECT ${list} FROM `, from, ` WHERE ${test}`), execute()];
    for (let i = random.between(1, PREPARED_MAX); i > 0; i--) lines.push(...this.#change(), execute());
    return [...lines, plain(`DEALLOCATE ${name}`)];
  }

  /** Of what there is, so that plans are made anew. */
  #change(): Piece[] {
    const { random } = this;
    const lines = random.pick([
      'CREATE INDEX ON nb (k)',
      'CREATE INDEX ON na (m, s)',
      'CREATE INDEX ON nc (m) WHERE n > 1',
      'ALTER TABLE nb ADD COLUMN more int DEFAULT 4',
      'ALTER TABLE nb DROP COLUMN IF EXISTS more',
      'ALTER TABLE nb ALTER COLUMN s SET DEFAULT 0',
      'ALTER TABLE na ADD CHECK (k < 100)',
      'ALTER TABLE nc ALTER COLUMN m SET NOT NULL',
      'ALTER TABLE nc ALTER COLUMN m DROP NOT NULL',
      `INSERT INTO nb VALUES (${this.#value('int4')}, 'new', NULL)`,
      `DELETE FROM nb WHERE k = 1 AND s = 'new'`,
      'TRUNCATE nb',
      `INSERT INTO na (k, m, s, n) VALUES (1, 2, 'a', 1.5)`,
      'ALTER TABLE nb RENAME TO nbb; ALTER TABLE nbb RENAME TO nb',
      'ALTER TABLE na RENAME COLUMN s TO ss; ALTER TABLE na RENAME COLUMN ss TO s',
      'DROP INDEX IF EXISTS nb_k_idx',
      'CREATE OR REPLACE VIEW nz AS SELECT k FROM nb',
      'ANALYZE nb',
    ]);
    return lines.split('; ').map((line) => plain(line));
  }

  // ---- FROM ----

  #base(name: string, alias: string): Relation {
    return {
      from: plain(`${name} AS ${alias}`),
      columns: BASE[name]!.map(([own, kind]) => ({ text: `${alias}.${own}`, kind })),
    };
  }

  #relation(depth: number, outer: readonly Column[]): Relation {
    const { random } = this;
    const alias = `q${++this.#aliases}`;
    if (this.#views.length > 0 && random.chance(0.3)) {
      const { name, kinds } = random.pick(this.#views);
      return { from: plain(`${name} AS ${alias}`), columns: named(alias, kinds) };
    }
    if (depth <= 0 || random.chance(0.15)) return this.#base(random.pick(Object.keys(BASE)), alias);
    if (random.chance(0.35)) return this.#join(depth, outer);
    const { query, kinds } = this.#selection(depth, outer);
    return { from: plain(outer.length > 0 ? 'LATERAL (' : '(', query, `) AS ${alias}`), columns: named(alias, kinds) };
  }

  #join(depth: number, outer: readonly Column[]): Relation {
    const { random } = this;
    const left = this.#relation(depth - 1, outer);
    const lateral = random.chance(0.35);
    const right = this.#relation(depth - 1, lateral ? [...left.columns, ...outer] : []);
    const kind = random.pick(lateral ? ['', 'LEFT '] : ['', '', 'LEFT ', 'RIGHT ', 'FULL ']);
    const columns = [...left.columns, ...right.columns];
    const pairs = left.columns.flatMap((a) =>
      right.columns.filter((b) => b.kind === a.kind).map((b) => [a, b] as const),
    );
    const pair = pairs.length > 0 ? random.pick(pairs) : null;
    const equal = pair === null ? (kind === 'FULL ' ? 'false' : 'true') : `${pair[0].text} = ${pair[1].text}`;
    const more = kind !== 'FULL ' && random.chance(0.3) ? clause(' AND ', this.#test(columns, 1)) : '';
    const isLateral = lateral && right.from.parts[0] === 'LATERAL (';
    const on = isLateral && random.chance(0.5) ? plain('true') : plain(equal, more);
    return { from: plain(left.from, ` ${kind}JOIN `, right.from, ' ON ', on), columns };
  }

  // ---- selections ----

  #selection(depth: number, outer: readonly Column[]): Selection {
    const { random } = this;
    return random.weighted<() => Selection>([
      [3, () => this.#plain(depth, outer)],
      [4, () => this.#numbered(depth, outer)],
      [3, () => this.#distinct(depth, outer)],
      [4, () => this.#grouped(depth, outer)],
      [4, () => this.#united(depth, outer)],
      [2, () => this.#spread(depth, outer)],
      [2, () => this.#limited(depth, outer)],
      [2, () => this.#with(depth, outer)],
      [outer.length === 0 ? 2 : 0, () => this.#recursive(depth)],
    ])();
  }

  /** A relation of the selection with its WHERE, which may refer outside. */
  #source(depth: number, outer: readonly Column[]): { from: Piece; columns: readonly Column[] } {
    const { random } = this;
    const { from, columns } = this.#relation(depth - 1, random.chance(0.3) ? outer : []);
    const inner = random.chance(0.5) || outer.length > 0;
    const where = inner
      ? clause(' WHERE ', this.#test([...columns, ...(outer.length > 0 ? outer : [])], depth - 1))
      : '';
    return { from: plain(from, where), columns };
  }

  #items(columns: readonly Column[], depth: number): { text: Piece; kinds: readonly Kind[] } {
    const { random } = this;
    const chosen = random.some(columns, random.between(1, Math.min(3, columns.length)));
    const kinds = chosen.map((c) => c.kind);
    const parts = chosen.map((c): Part => (random.chance(0.75) ? c.text : this.#value1(columns, c.kind, depth)));
    return {
      text: joined(
        parts.map((part, i) => plain(part, ` AS c${i + 1}`)),
        ', ',
      ),
      kinds,
    };
  }

  #plain(depth: number, outer: readonly Column[]): Selection {
    const { from, columns } = this.#source(depth, outer);
    const { text, kinds } = this.#items([...columns, ...(this.random.chance(0.5) ? outer : [])], 1);
    const fence = this.random.chance(0.1) ? clause(' OFFSET 0') : '';
    return { query: plain('SELECT ', text, ' FROM ', from, fence), kinds };
  }

  #numbered(depth: number, outer: readonly Column[]): Selection {
    const { random } = this;
    const { from, columns } = this.#source(depth, outer);
    const shown = random.some(columns, random.between(1, Math.min(3, columns.length)));
    const all = columns.map((c) => c.text).join(', ');
    const call = (): readonly [string, Kind] => {
      const by = random.some(shown, random.between(0, 2)).map((c) => c.text);
      const partition = by.length > 0 ? `PARTITION BY ${by.join(', ')} ` : '';
      const column = this.#column(columns);
      return random.pick<readonly [string, Kind]>([
        [`(row_number() OVER (${partition}ORDER BY ${all}))::int`, 'int4'],
        [`(rank() OVER (${partition}ORDER BY ${column} DESC NULLS LAST))::int`, 'int4'],
        [`(count(*) OVER (${partition.trim()}))::int`, 'int4'],
        [`(count(${column}) OVER (${partition}ORDER BY ${column}))::int`, 'int4'],
        [`max(${column}::text) OVER (${partition.trim()})`, 'text'],
        [`lag(${column}::text, 1, '-') OVER (${partition}ORDER BY ${all})`, 'text'],
        [`string_agg(${column}::text, ',') OVER (${partition}ORDER BY ${all} ROWS 1 PRECEDING)`, 'text'],
        [`first_value(${column}::text) OVER (${partition}ORDER BY ${all})`, 'text'],
      ]);
    };
    const calls = random.times(1, 2, call);
    const items = [...shown.map((c): readonly [string, Kind] => [c.text, c.kind]), ...calls];
    const text = items.map(([item], i) => `${item} AS c${i + 1}`).join(', ');
    return { query: plain(`SELECT ${text} FROM `, from), kinds: items.map(([, kind]) => kind) };
  }

  #distinct(depth: number, outer: readonly Column[]): Selection {
    const { random } = this;
    const { from, columns } = this.#source(depth, outer);
    if (random.chance(0.4)) {
      const { text, kinds } = this.#items(columns, 1);
      return { query: plain('SELECT DISTINCT ', text, ' FROM ', from), kinds };
    }
    const on = random.some(columns, random.between(1, 2)).map((c) => c.text);
    const rest = columns.map((c) => c.text).filter((c) => !on.includes(c));
    const order = [...on, ...rest.map((c) => c + random.pick(['', ' DESC']))].join(', ');
    const text = columns.map((c, i) => `${c.text} AS c${i + 1}`).join(', ');
    return {
      query: plain(`SELECT DISTINCT ON (${on.join(', ')}) ${text} FROM `, from, ` ORDER BY ${order}`),
      kinds: columns.map((c) => c.kind),
    };
  }

  #grouped(depth: number, outer: readonly Column[]): Selection {
    const { random } = this;
    const { from, columns } = this.#source(depth, outer);
    const keys = random.some(columns, random.between(1, Math.min(2, columns.length)));
    const names = keys.map((c) => c.text);
    const by = random.weighted([
      [6, names.join(', ')],
      [1, `ROLLUP (${names.join(', ')})`],
      [1, `CUBE (${names.join(', ')})`],
      [1, `GROUPING SETS ((${names.join(', ')}), (), (${names[0]!}))`],
      [1, `DISTINCT ${names[0]!}, ROLLUP (${names.join(', ')})`],
    ]);
    const column = this.#column(columns);
    const aggregate = random.pick<readonly [string, Kind]>([
      ['count(*)::int', 'int4'],
      [`count(DISTINCT ${column})::int`, 'int4'],
      [`max(${column}::text)`, 'text'],
      [`string_agg(${column}::text, ',' ORDER BY ${column})`, 'text'],
      [`(count(*) FILTER (WHERE ${column} IS NULL))::int`, 'int4'],
      [`(count(*) + sum(count(*)) OVER ())::int`, 'int4'],
      [`(rank() OVER (ORDER BY count(*), ${names.join(', ')}))::int`, 'int4'],
    ]);
    const items = [...keys.map((c): readonly [string, Kind] => [c.text, c.kind]), aggregate];
    const text = items.map(([item], i) => `${item} AS c${i + 1}`).join(', ');
    const having = random.chance(0.4)
      ? clause(
          ' HAVING ',
          random.chance(0.5) ? plain(random.pick(['count(*) > 1', `min(${column}) IS NOT NULL`])) : this.#test(keys, 1),
        )
      : '';
    return { query: plain(`SELECT ${text} FROM `, from, ` GROUP BY ${by}`, having), kinds: items.map(([, k]) => k) };
  }

  #united(depth: number, outer: readonly Column[]): Selection {
    const { random } = this;
    const first = this.#source(depth, outer);
    const { text, kinds } = this.#items(first.columns, 1);
    const side = (): Piece => {
      const { from, columns } = this.#source(depth - 1, outer);
      const items = kinds.map((kind): Part => {
        const fitting = columns.filter((c) => c.kind === kind);
        return fitting.length > 0 && random.chance(0.85) ? random.pick(fitting).text : this.#constant(kind);
      });
      const distinct = random.chance(0.15) ? 'DISTINCT ' : '';
      return plain(`SELECT ${distinct}`, joined(items, ', '), ' FROM ', from);
    };
    const operator = (): string =>
      random.pick([
        ' UNION ',
        ' UNION ALL ',
        ' UNION ALL ',
        ' EXCEPT ',
        ' INTERSECT ',
        ' EXCEPT ALL ',
        ' INTERSECT ALL ',
      ]);
    const parts: Part[] = ['(', plain('SELECT ', text, ' FROM ', first.from), ')'];
    for (let i = random.between(1, 2); i > 0; i--) parts.push(operator(), '(', side(), ')');
    return { query: plain(...parts), kinds };
  }

  /** Sets in the select list. */
  #spread(depth: number, outer: readonly Column[]): Selection {
    const { random } = this;
    const { from, columns } = this.#source(depth, outer);
    const { text, kinds } = this.#items(columns, 0);
    const number = columns.find((c) => c.kind === 'int4')?.text ?? '2';
    const [set, kind] = random.pick<readonly [string, Kind]>([
      [`generate_series(1, least(${number}, 3))`, 'int4'],
      [`unnest(ARRAY[${number}, 1, NULL])`, 'int4'],
      [`regexp_split_to_table(${this.#column(columns)}::text, '[-b]')`, 'text'],
      [`generate_series(2, 1)`, 'int4'],
    ]);
    return { query: plain('SELECT ', text, `, ${set} AS c${kinds.length + 1} FROM `, from), kinds: [...kinds, kind] };
  }

  #limited(depth: number, outer: readonly Column[]): Selection {
    const { random } = this;
    const { from, columns } = this.#source(depth, outer);
    const text = columns.map((c, i) => `${c.text} AS c${i + 1}`).join(', ');
    const order = columns.map((c) => c.text + random.pick(['', '', ' DESC', ' NULLS FIRST'])).join(', ');
    const end = random.pick([`LIMIT ${random.int(5)}`, `LIMIT 3 OFFSET 1`, `OFFSET 2`, `FETCH FIRST 2 ROWS WITH TIES`]);
    return {
      query: plain(`SELECT ${text} FROM `, from, ` ORDER BY ${order} ${end}`),
      kinds: columns.map((c) => c.kind),
    };
  }

  #with(depth: number, outer: readonly Column[]): Selection {
    const { random } = this;
    const inner = this.#selection(depth - 1, outer);
    const name = `w${++this.#aliases}`;
    const how = random.pick(['', 'MATERIALIZED ', 'NOT MATERIALIZED ']);
    const columns = named(name, inner.kinds);
    const { text, kinds } = this.#items(columns, 1);
    const twice = random.chance(0.3)
      ? clause(` WHERE EXISTS (SELECT FROM ${name} AS z WHERE z.c1 = ${name}.c1)`)
      : clause(' WHERE ', this.#test(columns, 1));
    return { query: plain(`WITH ${name} AS ${how}(`, inner.query, ') SELECT ', text, ` FROM ${name}`, twice), kinds };
  }

  #recursive(depth: number): Selection {
    const { random } = this;
    const { from, columns } = this.#source(depth, []);
    const key = columns.find((c) => c.kind === 'int4')?.text ?? '1';
    const step = this.#relation(depth - 1, []);
    const next = step.columns.find((c) => c.kind === 'int4');
    const name = `r${++this.#aliases}`;
    const link = next === undefined ? 'true' : `${next.text} = ${name}.c1 + 1`;
    const union = random.pick(['UNION', 'UNION', 'UNION ALL']);
    const own = named(name, ['int4', 'int4']);
    return {
      query: plain(
        `WITH RECURSIVE ${name} (c1, c2) AS (SELECT DISTINCT ${key}, 0 FROM `,
        from,
        ` ${union} SELECT ${name}.c1 + 1, ${name}.c2 + 1 FROM ${name} JOIN `,
        step.from,
        ` ON ${link} WHERE ${name}.c2 < 2) SELECT DISTINCT c1, c2 FROM ${name}`,
        clause(' WHERE ', this.#test(own, 1)),
      ),
      kinds: ['int4', 'int4'],
    };
  }

  // ---- expressions ----

  #value(kind: Kind): string {
    return this.random.chance(0.2) ? 'NULL' : this.#constant(kind);
  }
  #constant(kind: Kind): string {
    return this.random.pick(CONSTANTS[kind]);
  }
  #column(columns: readonly Column[]): string {
    return this.random.pick(columns).text;
  }

  #value1(columns: readonly Column[], kind: Kind, depth: number): Piece {
    const { random } = this;
    const fitting = columns.filter((c) => c.kind === kind);
    const leaf = (): string =>
      fitting.length > 0 && random.chance(0.85) ? random.pick(fitting).text : this.#constant(kind);
    if (depth <= 0 || random.chance(0.4)) return expression(kind, leaf());
    const inner = (): Piece => this.#value1(columns, kind, depth - 1);
    const common: Piece[] = [
      expression(kind, 'coalesce(', inner(), ', ', this.#constant(kind), ')'),
      expression(kind, 'CASE WHEN ', this.#test(columns, depth - 1), ' THEN ', inner(), ' ELSE ', inner(), ' END'),
      expression(kind, 'nullif(', inner(), ', ', leaf(), ')'),
      expression(kind, 'greatest(', inner(), ', ', leaf(), ')'),
    ];
    if (depth > 0) common.push(this.#scalar(columns, kind, depth - 1));
    const own: Readonly<Record<Kind, () => Piece>> = {
      int4: () => expression('int4', '(', inner(), ' + ', leaf(), ')'),
      numeric: () => expression('numeric', '(', inner(), ' * 2)'),
      text: () => expression('text', '(', inner(), ` || ${this.#column(columns)}::text)`),
      date: () => expression('date', '(', inner(), ' + 1)'),
    };
    return random.chance(0.3) ? own[kind]() : random.pick(common);
  }

  /** A subquery that gives one value, correlated or not. */
  #scalar(columns: readonly Column[], kind: Kind, depth: number): Piece {
    const { random } = this;
    const outer = random.chance(0.85) ? columns : [];
    const inner = this.#relation(Math.min(depth, 1), random.chance(0.3) ? outer : []);
    const fitting = inner.columns.filter((c) => c.kind === kind);
    const where = clause(
      ' WHERE ',
      this.#link(inner.columns, outer),
      random.chance(0.3) ? clause(' AND ', this.#test([...inner.columns, ...outer], 0)) : '',
    );
    const column = fitting.length > 0 ? random.pick(fitting).text : null;
    if (column !== null && random.chance(0.3))
      return expression(kind, `(SELECT ${column} FROM `, inner.from, where, ' ORDER BY 1 LIMIT 1)');
    if (column !== null)
      return expression(kind, `(SELECT ${random.pick(['max', 'min'])}(${column}) FROM `, inner.from, where, ')');
    if (kind === 'int4') return expression(kind, '(SELECT count(*) FROM ', inner.from, where, ')::int');
    return expression(kind, `(SELECT max(${this.#constant(kind)}) FROM `, inner.from, where, ')');
  }

  /** How a subquery's rows hang on the row outside. */
  #link(inner: readonly Column[], outer: readonly Column[]): Piece {
    const { random } = this;
    const pairs = inner.flatMap((a) => outer.filter((b) => b.kind === a.kind).map((b) => [a, b] as const));
    if (pairs.length === 0) return this.#test(inner, 0);
    const one = (): string => {
      const [a, b] = random.pick(pairs);
      return `${a.text} ${random.weighted([
        [6, '='],
        [1, '<'],
        [1, '<>'],
        [1, 'IS NOT DISTINCT FROM'],
      ])} ${b.text}`;
    };
    return expression('bool', random.chance(0.3) ? `${one()} AND ${one()}` : one());
  }

  #test(columns: readonly Column[], depth: number): Piece {
    const { random } = this;
    const { text, kind } = random.pick(columns);
    const same = columns.filter((c) => c.kind === kind);
    const deeper = (): Piece => this.#test(columns, depth - 1);
    return random.weighted<() => Piece>([
      [6, () => expression('bool', `${text} ${random.pick(['=', '=', '<', '>=', '<>'])} ${this.#constant(kind)}`)],
      [2, () => expression('bool', `${text} ${random.pick(['=', '<', 'IS DISTINCT FROM'])} ${random.pick(same).text}`)],
      [2, () => expression('bool', `${text} IS ${random.pick(['', 'NOT '])}NULL`)],
      [
        2,
        () =>
          expression('bool', `${text} ${random.pick(['', 'NOT '])}IN (${random.list(1, 3, () => this.#value(kind))})`),
      ],
      [1, () => expression('bool', `${text} BETWEEN ${this.#constant(kind)} AND ${this.#constant(kind)}`)],
      [
        1,
        () =>
          expression(
            'bool',
            `${text}::text ${random.pick(['LIKE', '<', '~'])} '${random.pick(['1', 'a%', '2', 'b'])}'`,
          ),
      ],
      [1, () => expression('bool', `coalesce(${text}, ${this.#constant(kind)}) > ${this.#constant(kind)}`)],
      [depth > 0 ? 1 : 0, () => expression('bool', '(', deeper(), random.pick([' AND ', ' OR ']), deeper(), ')')],
      [depth > 0 ? 1 : 0, () => expression('bool', 'NOT (', deeper(), ')')],
      [depth > 0 ? 2 : 0, () => expression('bool', `${text} = `, this.#value1(columns, kind, depth))],
      [depth > 0 ? 3 : 0, () => this.#subqueryTest(columns, { text, kind }, depth - 1)],
    ])();
  }

  #subqueryTest(columns: readonly Column[], { text, kind }: Column, depth: number): Piece {
    const { random } = this;
    const outer = random.chance(0.8) ? columns : [];
    const inner = this.#relation(Math.min(depth, 1), random.chance(0.25) ? outer : []);
    const fitting = inner.columns.filter((c) => c.kind === kind);
    const where = clause(' WHERE ', this.#link(inner.columns, outer));
    const exists = (): Piece =>
      expression('bool', random.pick(['EXISTS', 'NOT EXISTS']), ' (SELECT FROM ', inner.from, where, ')');
    if (fitting.length === 0 || random.chance(0.35)) return exists();
    const item = random.pick(fitting).text;
    return random.pick([
      expression(
        'bool',
        `${text} ${random.pick(['IN', 'NOT IN', '= ANY', '< ALL', '<> ANY'])} (SELECT ${item} FROM `,
        inner.from,
        where,
        ')',
      ),
      expression(
        'bool',
        `${text} ${random.pick(['=', '<', '>='])} (SELECT ${random.pick(['max', 'min'])}(${item}) FROM `,
        inner.from,
        where,
        ')',
      ),
      expression(
        'bool',
        `(${text}, 1) IN (SELECT ${item}, ${random.pick(['1', 'count(*)::int'])} FROM `,
        inner.from,
        where,
        ` GROUP BY ${item})`,
      ),
      expression(
        'bool',
        `${text} IN (SELECT ${item} FROM `,
        inner.from,
        where,
        ` ORDER BY ${inner.columns.map((c) => c.text).join(', ')} LIMIT 2)`,
      ),
    ]);
  }
}

function named(alias: string, kinds: readonly Kind[]): Column[] {
  return kinds.map((kind, i) => ({ text: `${alias}.c${i + 1}`, kind }));
}
