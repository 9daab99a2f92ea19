/** Of hostile statements those that make much out of little, or whose time grew with the square of something. */
export interface Hostile {
  readonly name: string;
  /** The SQLSTATEs that may end it; or = and the first value of the answer (of long ones, its beginning). */
  readonly ends: string;
  /** Sent in this order; only the last one is judged. */
  readonly statements: readonly string[];
  readonly values?: readonly unknown[];
}

export function one(name: string, ends: string, ...statements: readonly string[]): Hostile {
  return { name, ends, statements };
}

export function list(count: number, item: (i: number) => string, separator = ', '): string {
  return Array.from({ length: count }, (_, i) => item(i)).join(separator);
}

const joined = (count: number, on: (i: number) => string, word = 'JOIN'): string =>
  `SELECT * FROM (SELECT 1 AS a) AS t0 ${list(count, (i) => `${word} (SELECT 1 AS a) AS t${i + 1} ${on(i)}`, ' ')}`;

export function hostileQueries(): Hostile[] {
  return [
    one('joins of 500', '=1', joined(500, (i) => `ON t${i}.a = t${i + 1}.a`).replace('*', '1')),
    one(
      'joins of 300 with USING',
      '=1',
      joined(300, () => 'USING (a)'),
    ),
    one(
      'NATURAL joins of 200',
      '=1',
      joined(200, () => '', 'NATURAL JOIN'),
    ),
    one(
      'views that double',
      '54001',
      list(
        10,
        (i) =>
          `CREATE VIEW hdouble${i} AS SELECT ${i === 0 ? '1 AS a' : `x.a FROM hdouble${i - 1} x, hdouble${i - 1} y`}`,
        '; ',
      ),
      'SELECT count(*) FROM hdouble9 AS x, hdouble9 AS y',
    ),
    one('a block of 10,000 variables', '54000', `DO $$ DECLARE ${list(10_000, (i) => `v${i} int;`, ' ')} BEGIN END $$`),
    one(
      'a block that says much',
      '57014 53200',
      "DO $$ BEGIN LOOP RAISE NOTICE '%', repeat('x', 1000000); END LOOP; END $$",
    ),
    one(
      'a window of growing texts',
      '57014 53200',
      "SELECT max(length(s)) FROM (SELECT string_agg('x', ',') OVER (ORDER BY a) AS s FROM generate_series(1, 50000) AS g (a)) AS w",
    ),
  ];
}

export function hostileValues(): Hostile[] {
  return [
    one('a number of 15 MB', '22003', `SELECT ${'9'.repeat(15_000_000)}`),
    one('a template of megabytes', '54000', "SELECT length(to_char(now(), repeat('YYYY Month Day ', 1000000)))"),
    one('a template for numbers', '54000', `SELECT length(to_char(1, repeat('"x"9', 1000000)))`),
    one(
      'concat_ws of millions',
      '=5999999',
      "SELECT length(concat_ws(',', VARIADIC array_fill('x'::text, ARRAY[3000000])))",
    ),
    one('marks on one character', '54000', "SELECT length(normalize('a' || repeat(U&'\\0301\\0323', 2000000), NFC))"),
    one(
      'a difference of multiranges',
      '=2500744',
      'SELECT length(((SELECT range_agg(int4range(a * 3, a * 3 + 1)) FROM generate_series(1, 200000) AS g (a)) - (SELECT range_agg(int4range(a * 5, a * 5 + 1)) FROM generate_series(1, 200000) AS g (a)))::text)',
    ),
    one('JSON of escapes', '=2000000', `SELECT length(('"' || repeat('\\u0041', 2000000) || '"')::jsonb #>> '{}')`),
    one(
      'JSON of empty objects',
      '54000 53200',
      "SELECT jsonb_array_length(('[' || repeat('{},', 5000000) || '1]')::jsonb)",
    ),
    one('JSON of large numbers', '54000', "SELECT length(('[' || repeat('1e100000,', 3000) || '1]')::jsonb::text)"),
    one(
      'JSON arrays in one another',
      '=true',
      'SELECT (SELECT jsonb_agg(a) FROM generate_series(1, 20000) AS g (a)) @> (SELECT jsonb_agg(a) FROM generate_series(1, 20000) AS g (a))',
    ),
    one(
      'a JSON path that compares all with all',
      '54000',
      "SELECT count(*) FROM jsonb_path_query((SELECT jsonb_agg(a) FROM generate_series(1, 5000) AS g (a)), '$[*] ? (-@ == $[*])')",
    ),
    one(
      'a JSON path that descends twice',
      '54000',
      "SELECT count(*) FROM jsonb_path_query((repeat('[', 900) || repeat(']', 900))::jsonb, '$.**.**')",
    ),
  ];
}
