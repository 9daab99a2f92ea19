/**
 * Queries and changes over a few small tables of whole numbers, dates and numerics with many NULLs and equal values: joins of every
 * form in one another, correlation over several levels, grouping sets, windows, sets, changes with FROM and in WITH.
 */
import { frameOf, Generator } from './generator.js';
import { plain, type Piece } from './pieces.js';

interface Relation {
  readonly from: string;
  /** What may be written for its columns, all whole numbers. */
  readonly columns: readonly string[];
  /** Their names, for USING. */
  readonly names: readonly string[];
}

const SHAPES: Readonly<Record<string, readonly string[]>> = {
  j1: ['a', 'b', 'c'],
  j2: ['a', 'b', 'd'],
  j3: ['b', 'd', 'e'],
};

export class Relational extends Generator {
  #aliases = 0;

  /** The tables and their rows. */
  setup(): Piece[] {
    const { random } = this;
    const lines: string[] = [];
    for (const [name, columns] of Object.entries(SHAPES)) {
      const key = random.chance(0.4) ? ', k int GENERATED ALWAYS AS IDENTITY PRIMARY KEY' : '';
      lines.push(`CREATE TABLE ${name} (${columns.map((one) => `${one} int`).join(', ')}${key})`);
      const row = (): string => `(${columns.map(() => this.#value()).join(', ')})`;
      lines.push(`INSERT INTO ${name} VALUES ${random.list(3, 9, row)}`);
      if (key !== '') lines.push(`ALTER TABLE ${name} DROP COLUMN k`);
      if (random.chance(0.4)) lines.push(`CREATE INDEX ON ${name} (${random.some(columns, 2).join(', ')})`);
      if (random.chance(0.2)) lines.push(`CREATE INDEX ON ${name} (${columns[0]!}) WHERE ${columns[1]!} > 1`);
      if (random.chance(0.2)) lines.push(`CREATE INDEX ON ${name} ((${columns[0]!} + ${columns[1]!}))`);
    }
    lines.push('CREATE TABLE jt (g int, d date, t timestamp, n numeric, f float8, i interval, s text)');
    const row = (): string =>
      `(${random.int(3)}, ${this.#some(() => `'2024-02-27'::date + ${random.int(6)}`)}, ${this.#some(() => `'2024-02-28 12:00'::timestamp + interval '${random.int(40)} hours'`)}, ` +
      `${this.#some(() => `${random.int(5)}.${random.int(3)}`)}, ${this.#some(() => `${random.int(4)}.5`)}, ${this.#some(() => `'${random.int(3)} days ${random.int(2) * 12} hours'`)}, '${random.pick([...'abcab'])}')`;
    lines.push(`INSERT INTO jt VALUES ${random.list(4, 10, row)}`);
    lines.push('CREATE TABLE jc AS SELECT * FROM j1');
    return lines.map((line) => plain(line));
  }

  statement(): Piece {
    const { random } = this;
    return plain(
      random.weighted<() => string>([
        [6, () => this.#join()],
        [4, () => this.#correlated()],
        [3, () => this.#grouped()],
        [5, () => this.#window()],
        [3, () => this.#sets()],
        [2, () => this.#ties()],
        [2, () => this.#orderedSets()],
        [2, () => this.#arrays()],
        [2, () => this.#wholeRows()],
        [2, () => this.#recursive()],
        [4, () => this.#change()],
      ])(),
    );
  }

  #value(): string {
    return this.#some(() => String(this.random.int(4)));
  }
  #some(make: () => string): string {
    return this.random.chance(0.2) ? 'NULL' : make();
  }

  // ---- FROM ----

  #table(outer: readonly string[], depth: number): Relation {
    const { random } = this;
    const alias = `q${++this.#aliases}`;
    const [name, names] = random.pick(Object.entries(SHAPES));
    if (depth > 0 && random.chance(0.25)) {
      const lateral = outer.length > 0 && random.chance(0.7);
      const inner = this.#from(depth - 1, lateral ? outer : []);
      const reach = [...inner.columns, ...(lateral ? outer : [])];
      const items = ['a', 'b'].map((one) => `${this.#scalar(reach, 1)} AS ${one}`);
      const end = random.pick(['', '', ' ORDER BY 1, 2 LIMIT 3', ` WHERE ${this.#test(reach, 1)}`]);
      const query = random.chance(0.2)
        ? `SELECT ${items[0]!}, count(*)::int AS b FROM ${inner.from} GROUP BY 1`
        : `SELECT ${random.chance(0.2) ? 'DISTINCT ' : ''}${items.join(', ')} FROM ${inner.from}${end}`;
      return {
        from: `${lateral ? 'LATERAL ' : ''}(${query}) AS ${alias}`,
        columns: [`${alias}.a`, `${alias}.b`],
        names: ['a', 'b'],
      };
    }
    if (random.chance(0.1)) {
      const list = random.list(1, 3, () => `(${this.#value()}::int, ${this.#value()}::int)`);
      return { from: `(VALUES ${list}) AS ${alias} (a, d)`, columns: [`${alias}.a`, `${alias}.d`], names: ['a', 'd'] };
    }
    return { from: `${name} AS ${alias}`, columns: names.map((one) => `${alias}.${one}`), names };
  }

  #from(depth: number, outer: readonly string[] = [], joinsMin = 0): Relation {
    const { random } = this;
    let left = this.#table(outer, depth);
    for (let i = Math.max(joinsMin, random.int(3)); i > 0; i--) {
      const nested = depth > 0 && random.chance(0.25);
      const right = nested ? this.#from(depth - 1, [], 1) : this.#table([...left.columns, ...outer], depth);
      const rightFrom = nested ? `(${right.from})` : right.from;
      const isLateral = right.from.startsWith('LATERAL');
      const kind = random.pick(isLateral ? ['', 'LEFT '] : ['', 'LEFT ', 'RIGHT ', 'FULL ']);
      const shared = left.names.filter((one) => right.names.includes(one));
      const unique = shared.filter((one) => count(left.names, one) === 1 && count(right.names, one) === 1);
      const columns = [...left.columns, ...right.columns];
      if (unique.length > 0 && random.chance(0.4)) {
        const used = random.some(unique, random.between(1, unique.length));
        const names = [
          ...used,
          ...left.names.filter((n) => !used.includes(n)),
          ...right.names.filter((n) => !used.includes(n)),
        ];
        left = { from: `${left.from} ${kind}JOIN ${rightFrom} USING (${used.join(', ')})`, columns, names };
      } else if (shared.length === unique.length && random.chance(0.25)) {
        const names = [
          ...shared,
          ...left.names.filter((n) => !shared.includes(n)),
          ...right.names.filter((n) => !shared.includes(n)),
        ];
        left = { from: `${left.from} NATURAL ${kind}JOIN ${rightFrom}`, columns, names };
      } else {
        const equal = `${random.pick(left.columns)} = ${random.pick(right.columns)}`;
        const more = kind === 'FULL ' ? '' : random.chance(0.3) ? ` AND ${this.#test(columns, 1)}` : '';
        const on = kind !== 'FULL ' && random.chance(0.15) ? this.#test(columns, 1) : equal + more;
        left = {
          from: `${left.from} ${kind}JOIN ${rightFrom} ON ${on}`,
          columns,
          names: [...left.names, ...right.names],
        };
      }
    }
    return left;
  }

  // ---- expressions ----

  #scalar(reach: readonly string[], depth: number): string {
    const { random } = this;
    const column = (): string => random.pick(reach);
    if (depth <= 0) return random.chance(0.85) ? column() : String(random.int(4));
    return random.weighted<() => string>([
      [6, column],
      [2, () => `(${this.#scalar(reach, depth - 1)} + ${this.#scalar(reach, depth - 1)})`],
      [1, () => `coalesce(${column()}, ${column()}, 9)`],
      [
        1,
        () => `CASE WHEN ${this.#test(reach, depth - 1)} THEN ${column()} ELSE ${this.#scalar(reach, depth - 1)} END`,
      ],
      [1, () => `nullif(${column()}, ${column()})`],
      [1, () => `greatest(${column()}, ${column()})`],
      [1, () => this.#subquery(reach, depth - 1)],
    ])();
  }

  #subquery(reach: readonly string[], depth: number): string {
    const { random } = this;
    const inner = this.#from(Math.min(depth, 1));
    const all = [...inner.columns, ...reach];
    const where = random.chance(0.85) ? ` WHERE ${this.#test(all, depth)}` : '';
    // Of its own columns: those of the outer query alone would be computed out there.
    const own = this.#scalar(inner.columns, 0);
    const item = random.pick([
      `count(*)`,
      `max(${random.pick(inner.columns)})`,
      `sum(${random.pick(inner.columns)} + ${this.#scalar(all, 0)})`,
      `min(${own} - ${random.pick(inner.columns)})`,
    ]);
    if (random.chance(0.3))
      return `(SELECT ${this.#scalar(all, 0)} FROM ${inner.from}${where} ORDER BY 1 LIMIT 1)::int`;
    return `(SELECT ${item} FROM ${inner.from}${where})::int`;
  }

  #test(reach: readonly string[], depth: number): string {
    const { random } = this;
    const operand = (): string => this.#scalar(reach, depth - 1);
    return random.weighted<() => string>([
      [5, () => `${operand()} ${random.pick(['=', '=', '<', '>=', '<>', 'IS DISTINCT FROM'])} ${operand()}`],
      [1, () => `${random.pick(reach)} IS ${random.pick(['', 'NOT '])}NULL`],
      [1, () => `${operand()} ${random.pick(['', 'NOT '])}IN (${random.list(1, 3, () => this.#value())})`],
      [1, () => `(${this.#test(reach, 0)} ${random.pick(['AND', 'OR'])} ${this.#test(reach, 0)})`],
      [1, () => `NOT (${this.#test(reach, 0)})`],
      [depth > 0 ? 4 : 0, () => this.#subqueryTest(reach, depth - 1)],
    ])();
  }

  #subqueryTest(reach: readonly string[], depth: number): string {
    const { random } = this;
    const inner = this.#from(Math.min(depth, 1));
    const all = [...inner.columns, ...reach];
    const where = ` WHERE ${this.#test(all, depth)}${random.chance(0.3) ? ` AND ${this.#test(all, depth)}` : ''}`;
    const from = ` FROM ${inner.from}${where}`;
    const [x, y] = [random.pick(inner.columns), random.pick(inner.columns)];
    return random.pick([
      `EXISTS (SELECT 1${from})`,
      `NOT EXISTS (SELECT ${x}${from})`,
      `${random.pick(reach)} IN (SELECT ${x}${from})`,
      `${random.pick(reach)} NOT IN (SELECT ${x}${from})`,
      `${random.pick(reach)} ${random.pick(['<', '>=', '<>', '='])} ${random.pick(['ANY', 'ALL'])} (SELECT ${x}${from})`,
      `(${random.pick(reach)}, ${random.pick(reach)}) IN (SELECT ${x}, ${y}${from})`,
      `${random.pick(reach)} = (SELECT ${random.pick(['max', 'min', 'count', 'sum'])}(${x})${from})`,
      `EXISTS (SELECT ${x}, count(*)${from} GROUP BY ${x} HAVING count(*) > 1)`,
    ]);
  }

  // ---- statements ----

  #join(): string {
    const { random } = this;
    const { from, columns } = this.#from(2);
    const where = random.chance(0.4) ? ` WHERE ${this.#test(columns, 2)}` : '';
    if (random.chance(0.5)) return `SELECT * FROM ${from}${where}`;
    return `SELECT ${random.list(1, 4, () => this.#scalar(columns, 1))} FROM ${from}${where}`;
  }

  #correlated(): string {
    const { from, columns } = this.#from(1);
    const item = this.#subquery(columns, 2);
    return `SELECT ${columns.join(', ')}, ${item} FROM ${from} WHERE ${this.#test(columns, 3)}`;
  }

  #grouped(): string {
    const { random } = this;
    const { from, columns } = this.#from(1);
    const keys = random.some(
      [...columns, `${random.pick(columns)} + 1`, `${columns[0]!} % 2`, `coalesce(${columns[1]!}, 0)`],
      random.between(1, 3),
    );
    const set = (): string => `(${random.some(keys, random.int(keys.length + 1)).join(', ')})`;
    const by = random.pick([
      keys.join(', '),
      `ROLLUP (${keys.join(', ')})`,
      `CUBE (${keys.join(', ')})`,
      `GROUPING SETS (${random.list(1, 4, set)})`,
      `GROUPING SETS (${set()}, ROLLUP (${keys.join(', ')}))`,
      `${keys[0]!}, ROLLUP (${keys.join(', ')})`,
      `DISTINCT ROLLUP (${keys.join(', ')}), CUBE (${keys[0]!})`,
    ]);
    const shown = by.includes('SETS') ? keys.filter((key) => by.includes(key)) : keys;
    const column = random.pick(columns);
    const aggregates = random.list(1, 3, () =>
      random.pick([
        'count(*)',
        `sum(${column})`,
        `count(DISTINCT ${random.pick(columns)})`,
        `array_agg(${column} ORDER BY ${column} DESC)`,
        `string_agg(DISTINCT ${column}::text, ',' ORDER BY ${column}::text)`,
        `avg(${random.pick(columns)}) FILTER (WHERE ${this.#test(columns, 0)})`,
        `bool_or(${this.#test(columns, 0)})`,
        `sum(sum(${column})) OVER ()`,
        `rank() OVER (ORDER BY count(*))`,
        ...(shown.length > 0 ? [`GROUPING(${shown.join(', ')})`] : []),
      ]),
    );
    const having = random.chance(0.3)
      ? ` HAVING ${random.pick(['count(*) > 1', `max(${column}) > 1`, `sum(${column}) IS NOT NULL`])}`
      : '';
    const where = random.chance(0.3) ? ` WHERE ${this.#test(columns, 1)}` : '';
    return `SELECT ${[...shown, aggregates].join(', ')} FROM ${from}${where} GROUP BY ${by}${having}`;
  }

  /** Over jt; where its rows are not totally ordered, only with what does not hang on it. */
  #window(): string {
    const { random } = this;
    const mode = random.pick(['ROWS', 'RANGE', 'GROUPS', 'RANGE']);
    const [column, offset] = random.pick<readonly [string, string]>([
      ['d', random.pick(["interval '1 day'", "interval '1 month'", "interval '36 hours'"])],
      ['t', random.pick(["interval '5 hours'", "interval '1 day 12 hours'", "interval '0'"])],
      ['n', random.pick(['0.5', '1', '0', '1.1'])],
      ['f', random.pick(['1', '0.5', '0'])],
      ['i', random.pick(["interval '1 day'", "interval '12 hours'"])],
      ['g', random.pick(['1', '0', '2'])],
    ]);
    const total = 'g, d, t, n, f, i, s';
    const order = mode === 'ROWS' ? total : column + random.pick(['', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST']);
    const size = mode === 'RANGE' ? offset : String(random.int(3));
    const frame = frameOf(random, mode, () => size, ['CURRENT ROW', 'TIES', 'GROUP']);
    const calls = [
      'count(*)',
      'sum(g)',
      'min(d)',
      'max(n)',
      'sum(n)',
      'max(t)',
      'count(i)',
      'bool_and(g > 0)',
      "count(*) FILTER (WHERE s = 'a')",
      'sum(i)',
      'avg(g)',
    ];
    const positional = [
      'first_value(s)',
      'last_value(g)',
      'nth_value(d, 2)',
      'array_agg(g)',
      "lag(s, 2, 'z')",
      'lead(n)',
      'ntile(2)',
      'row_number()',
    ];
    const call = (): string => random.pick(mode === 'ROWS' ? [...calls, ...positional] : calls);
    const partition = random.pick(['', 'PARTITION BY g ', 'PARTITION BY s ', 'PARTITION BY g % 2, s ']);
    if (random.chance(0.3)) {
      return `SELECT ${total}, ${call()} OVER (w ${frame}), ${random.pick(['rank()', 'dense_rank()', 'cume_dist()', 'count(*)', 'percent_rank()'])} OVER w FROM jt WINDOW w AS (${partition}ORDER BY ${order})`;
    }
    if (random.chance(0.15)) {
      return `SELECT ${total}, ${call()} OVER w2 FROM jt WINDOW w1 AS (${partition || 'PARTITION BY g '}), w2 AS (w1 ORDER BY ${order} ${frame})`;
    }
    return `SELECT ${total}, ${random.list(1, 2, () => `${call()} OVER (${partition}ORDER BY ${order} ${frame})`)} FROM jt`;
  }

  #sets(): string {
    const { random } = this;
    const one = (depth: number): string => {
      if (depth > 0 && random.chance(0.4)) return `(${two(depth - 1)})`;
      if (random.chance(0.2))
        return `VALUES ${random.list(1, 3, () => `(${this.#value()}::int, ${this.#value()}::int)`)}`;
      const { from, columns } = this.#from(1);
      const where = random.chance(0.5) ? ` WHERE ${this.#test(columns, 1)}` : '';
      const query = `SELECT ${this.#scalar(columns, 1)}, ${this.#scalar(columns, 1)} FROM ${from}${where}`;
      return random.chance(0.2) ? `(${query} ORDER BY 1, 2 LIMIT ${random.int(4)})` : query;
    };
    const two = (depth: number): string =>
      `${one(depth)} ${random.pick(['UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT', 'EXCEPT ALL', 'INTERSECT ALL'])} ${one(depth)}`;
    return random.chance(0.3) ? `SELECT count(*), sum(x) FROM (${two(2)}) AS u (x, y)` : two(2);
  }

  #ties(): string {
    const { random } = this;
    const { from, columns } = this.#from(1);
    const key = random.pick(columns);
    const direction = random.pick(['', ' DESC', ' NULLS FIRST']);
    if (random.chance(0.4)) {
      const list = columns.map((one) => one).join(', ');
      return `SELECT DISTINCT ON (${key}) ${list} FROM ${from} ORDER BY ${key}${direction}, ${list}`;
    }
    const end = random.pick([
      `FETCH FIRST ${random.int(5)} ROWS WITH TIES`,
      `OFFSET ${random.int(3)} ROWS FETCH NEXT 2 ROWS WITH TIES`,
    ]);
    // Which of equal rows are skipped is not said; only the key is shown.
    return `SELECT ${key} FROM ${from} ORDER BY ${key}${direction} ${end}`;
  }

  #orderedSets(): string {
    const { random } = this;
    const column = random.pick(['n', 'd', 't', 'g', 'f', 'i', 's']);
    const continuous = random.pick(['n', 'f', 'i', 'g']);
    const call = random.pick([
      `percentile_disc(${random.pick(['0', '0.3', '0.5', '1', 'ARRAY[0.1, 0.9]'])}) WITHIN GROUP (ORDER BY ${column})`,
      `percentile_cont(${random.pick(['0', '0.25', '0.5', '1', 'ARRAY[[0.1], [NULL]]'])}) WITHIN GROUP (ORDER BY ${continuous} DESC)`,
      `mode() WITHIN GROUP (ORDER BY ${column})`,
      `rank(1) WITHIN GROUP (ORDER BY g)`,
      `dense_rank(1.5, 'b') WITHIN GROUP (ORDER BY n DESC NULLS FIRST, s)`,
      `percent_rank('2024-02-28') WITHIN GROUP (ORDER BY d)`,
      `cume_dist(1) WITHIN GROUP (ORDER BY f)`,
    ]);
    const filter = random.pick(['', '', ' FILTER (WHERE g > 0)']);
    return `SELECT g, ${call}${filter} FROM jt GROUP BY ${random.pick(['g', 'ROLLUP (g)', 'GROUPING SETS ((g), ())'])}`;
  }

  #arrays(): string {
    const { random } = this;
    const { from, columns } = this.#from(0);
    const column = random.pick(columns);
    return random.pick([
      `SELECT ${column}, u.* FROM ${from} CROSS JOIN LATERAL unnest(ARRAY[${columns.join(', ')}], ARRAY['x', NULL]) WITH ORDINALITY AS u`,
      `SELECT array_agg(ARRAY[${column}, 1] ORDER BY ${columns.join(', ')}) FROM ${from}`,
      `SELECT (ARRAY(SELECT ${column} FROM ${from} ORDER BY 1))[${random.int(3)}:${random.int(4)}]`,
      `SELECT ${column} FROM ${from} WHERE ${column} = ANY (ARRAY(SELECT z.b FROM j1 AS z WHERE z.a = ${column} OR z.c > 1))`,
      `SELECT ${column}, generate_series(1, ${column}), unnest(ARRAY[7, 8]) FROM ${from}`,
      `SELECT (ARRAY[[${column}, 2], [3, 4]])[${random.int(3)}][1:${random.int(3)}], array_dims(ARRAY[[${column}, 2], [3, 4]]) FROM ${from}`,
      `SELECT array_agg(x ORDER BY x), count(*) FROM (SELECT ${column} AS x FROM ${from}) AS v, ROWS FROM (generate_series(1, 2), unnest(ARRAY['a'])) AS r (m, l)`,
      `SELECT jsonb_agg(to_jsonb(v) ORDER BY v) FROM (SELECT ${columns.join(', ')} FROM ${from}) AS v`,
    ]);
  }

  /** Relations by their names alone, which outer joins may have no row of. */
  #wholeRows(): string {
    const { random } = this;
    const { from, columns } = this.#from(2, [], 1);
    const [q, p] = [random.pick(columns), random.pick(columns)].map((one) => one.split('.')[0]!) as [string, string];
    const shown = random.some(
      [
        `${q}::text`,
        `${q} IS NULL`,
        `${q} IS NOT NULL`,
        `${q} IS DISTINCT FROM NULL`,
        `row_to_json(${q})::text`,
        `to_jsonb(${q}.*)`,
        `(${q}).a`,
        `coalesce(${q}::text, 'none')`,
        `${q} = ${p}`,
        `${q} IS DISTINCT FROM ${p}`,
        `(SELECT row_to_json(${q})->>'a')`,
        `count(${q}) OVER (ORDER BY ${q}, ${p})`,
        `ROW(${q}, 1)::text`,
      ],
      random.between(1, 3),
    );
    if (random.chance(0.6)) {
      const where = random.pick([
        '',
        ` WHERE ${q} IS NULL`,
        ` WHERE ${q} IS NOT NULL`,
        ` WHERE row_to_json(${p}) IS NULL`,
      ]);
      return `SELECT ${columns.join(', ')}, ${shown.join(', ')} FROM ${from}${where}`;
    }
    const key = random.pick(columns);
    return random.pick([
      `SELECT count(${q}), count(${q}.*), count(DISTINCT ${p}), count(*) FROM ${from}`,
      `SELECT ${key}, array_agg(${q}::text ORDER BY ${q}::text), jsonb_agg(${q} ORDER BY ${q}) FROM ${from} GROUP BY ${key}`,
      `SELECT ${q}, count(*), max(${key}) FROM ${from} GROUP BY ${q}`,
      `SELECT DISTINCT ${q}, ${p} FROM ${from}`,
      `SELECT ${q} FROM ${from} UNION SELECT NULL ORDER BY 1`,
    ]);
  }

  #recursive(): string {
    const { random } = this;
    const [x, y] = random.some(['a', 'b', 'c'], 2);
    const extra = random.pick([
      '',
      ' SEARCH DEPTH FIRST BY x SET o',
      ' SEARCH BREADTH FIRST BY x, y SET o',
      ' CYCLE x, y SET looped USING path',
      " CYCLE x, y SET looped TO 'Y' DEFAULT 'N' USING path",
    ]);
    const union = extra === '' ? 'UNION' : 'UNION ALL';
    // Without a cycle clause only the number of steps ends it.
    return `WITH RECURSIVE r (x, y, n) AS (SELECT ${x}, ${y}, 1 FROM j1 WHERE ${x} < 3 ${union} SELECT j1.${x}, j1.${y}, r.n + 1 FROM r JOIN j1 ON j1.${x} = r.y WHERE r.n < 4)${extra} SELECT ${random.pick(['*', 'x, y, count(*)'])} FROM r ${random.pick(['', 'WHERE n > 1 '])}`.replace(
      /(count\(\*\) .*)$/,
      '$1GROUP BY x, y',
    );
  }

  /** On jc, whose rows are like j1's. */
  #change(): string {
    const { random } = this;
    const source = this.#table([], 1);
    const all = ['t.a', 't.b', 't.c', ...source.columns];
    const grouped = `(SELECT ${source.columns[0]!} AS x, max(${source.columns[1]!}) AS y FROM ${source.from} GROUP BY 1) AS s`;
    const set = random.pick([
      'b = s.y',
      '(b, c) = (s.x, s.y)',
      '(b, c) = (SELECT s.x, max(d) FROM j2 WHERE j2.a = t.a)',
      'c = DEFAULT, b = t.b + s.x',
      'c = (SELECT count(*) FROM j3 WHERE j3.b = t.b)',
    ]);
    return random.pick([
      `UPDATE jc AS t SET ${set} FROM ${grouped} WHERE t.a = s.x RETURNING t.*, s.x`,
      `DELETE FROM jc AS t USING ${source.from} WHERE ${this.#test(all, 1)} AND t.a = ${random.pick(source.columns)} RETURNING t.a, t.b`,
      `INSERT INTO jc (a, b) SELECT ${this.#scalar(source.columns, 1)}, ${this.#scalar(source.columns, 1)} FROM ${source.from} ORDER BY 1, 2 LIMIT 4 RETURNING a, b, c`,
      `MERGE INTO jc AS t USING ${grouped} ON t.a = s.x WHEN MATCHED AND t.b > 1 THEN UPDATE SET ${random.pick(['b = s.y', '(b, c) = (s.x, 5)', 'c = t.c + 1, b = DEFAULT'])} WHEN MATCHED AND s.y IS NULL THEN DELETE WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED AND s.x > 1 THEN INSERT (a, b) VALUES (s.x, s.y) WHEN NOT MATCHED THEN INSERT DEFAULT VALUES`,
      `WITH d AS (DELETE FROM jc WHERE ${this.#test(['a', 'b', 'c'], 1)} RETURNING *), i AS (INSERT INTO jc SELECT a + 1, b, c FROM d WHERE a < 3 RETURNING a) SELECT (SELECT count(*) FROM d), (SELECT count(*) FROM i), (SELECT count(*) FROM jc)`,
      `WITH u AS (UPDATE jc SET b = coalesce(b, 0) + 1 WHERE ${this.#test(['a', 'b', 'c'], 1)} RETURNING a, b) SELECT u.a, u.b, x.b FROM u LEFT JOIN jc AS x ON x.a = u.a`,
      `UPDATE jc SET (a, b) = ROW(b, a) WHERE ${this.#test(['a', 'b', 'c'], 2)}`,
      `TRUNCATE jc`,
      `INSERT INTO jc SELECT * FROM j1 RETURNING *`,
      `SELECT * FROM jc WHERE ${this.#test(['jc.a', 'jc.b', 'jc.c'], 2)}`,
    ]);
  }
}

function count(list: readonly string[], item: string): number {
  return list.filter((one) => one === item).length;
}
