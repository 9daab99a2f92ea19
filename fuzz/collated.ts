/**
 * Texts under the orders of languages: columns, domains, ranges and expressions with collations, what derives from them, and
 * what is in conflict. Letters are such that no version of ICU in use differs about them.
 */
import { Generator } from './generator.js';
import { clause, expression, joined, plain, type Part, type Piece } from './pieces.js';
import type { Random } from './random.js';

const WORDS = [
  ...['', 'a', 'A', 'b', 'B', 'z', 'Z', 'ab', 'aB', 'Ab', 'a b', 'a-b', 'a_b', '-a', ' a', 'a ', 'i', 'I', 'ı', 'İ'],
  ...['ä', 'Ä', 'ae', 'af', 'ö', 'o', 'oe', 'ø', 'å', 'aa', 'ss', 'ß', 'st', 'ch', 'ci', 'cz', 'll', 'lz', 'ñ', 'n'],
  ...[
    'résumé',
    'resume',
    'Résumé',
    'coté',
    'côte',
    'cote',
    'x2',
    'x10',
    'x1',
    '2',
    '10',
    '002',
    'σ',
    'Σ',
    'ς',
    'я',
    'Ж',
  ],
];
const COLLATIONS = [
  ...['"C"', '"POSIX"', '"default"', 'ucs_basic', '"und-x-icu"', '"de-x-icu"', '"de-AT-x-icu"', '"sv-x-icu"'],
  ...['"tr-x-icu"', '"es-x-icu"', '"da-x-icu"', '"fr-CA-x-icu"', '"cs-x-icu"', '"lt-x-icu"'],
  ...['phonebook', 'numbers', 'capitals', 'spaceless'],
];
const OWN = [
  ['phonebook', 'de-u-co-phonebk'],
  ['numbers', 'und-u-kn-true'],
  ['capitals', 'en-u-kf-upper'],
  ['spaceless', 'und-u-ka-shifted'],
] as const;
const COLUMNS = ['x', 'y', 'z', 'w'];

/** A database with these languages gives answers; asked of the peer before. */
export const LANGUAGES_OF = "SELECT 1 FROM pg_catalog.pg_collation WHERE collname = 'sv-x-icu'";

function word(random: Random): string {
  return random.chance(0.1) ? 'NULL' : `'${random.pick(WORDS)}'`;
}

export class Collated extends Generator {
  #made = 0;

  setup(): Piece[] {
    const { random } = this;
    const lines = OWN.map(([name, locale]) => `CREATE COLLATION ${name} (provider = icu, locale = '${locale}')`);
    lines.push(`CREATE DOMAIN tongue AS text COLLATE ${random.pick(COLLATIONS)}`);
    lines.push(`CREATE TYPE wordrange AS RANGE (subtype = text, collation = ${random.pick(COLLATIONS)})`);
    for (const name of ['l1', 'l2']) {
      const [x, z, w] = random.some(COLLATIONS, 3);
      const declared = random.pick(['tongue', `varchar(8) COLLATE ${z!}`, `text COLLATE ${z!}`]);
      lines.push(`CREATE TABLE ${name} (k int, x text COLLATE ${x!}, y text, z ${declared}, w text COLLATE ${w!})`);
      const row = (): string => `(${random.int(9)}, ${COLUMNS.map(() => word(random)).join(', ')})`;
      lines.push(`INSERT INTO ${name} VALUES ${random.list(5, 14, row)}`);
      const column = random.pick(COLUMNS);
      if (random.chance(0.4)) lines.push(`CREATE INDEX ON ${name} (${column})`);
      if (random.chance(0.2)) lines.push(`CREATE INDEX ON ${name} (${column} COLLATE ${random.pick(COLLATIONS)} DESC)`);
      if (random.chance(0.2)) lines.push(`CREATE INDEX ON ${name} (lower(${column}), ${random.pick(COLUMNS)})`);
    }
    return lines.map((line) => plain(line));
  }

  statement(): Piece {
    const { random } = this;
    return random.weighted<() => Piece>([
      [6, () => this.#select()],
      [3, () => this.#grouped()],
      [2, () => this.#windowed()],
      [2, () => this.#sets()],
      [2, () => this.#derived()],
      [1, () => this.#ranges()],
      [2, () => this.#change()],
    ])();
  }

  // ---- expressions ----

  #named(text: Part): Piece {
    return expression('text', '(', text, clause(` COLLATE ${this.random.pick(COLLATIONS)}`), ')');
  }

  /** What PostgreSQL cannot fold away, with the collation around it: it orders by that of what is left. */
  #column(reach: readonly string[]): Piece {
    const column = this.random.pick(reach);
    return this.random.chance(0.35) ? this.#named(column) : expression('text', column);
  }

  #text(reach: readonly string[], depth: number): Piece {
    const { random } = this;
    if (depth <= 0 || random.chance(0.35)) {
      if (random.chance(0.8)) return this.#column(reach);
      const leaf = `'${random.pick(WORDS)}'`;
      return random.chance(0.35) ? this.#named(leaf) : expression('text', leaf);
    }
    const one = (): Piece => this.#text(reach, depth - 1);
    return random.weighted<() => Piece>([
      [3, () => this.#named(plain('(', one(), ')'))],
      [3, () => expression('text', random.pick(['upper', 'lower', 'initcap', 'md5', 'reverse']), '(', one(), ')')],
      [
        3,
        () =>
          expression(
            'text',
            random.pick(['greatest', 'least', 'coalesce', 'nullif']),
            '(',
            this.#column(reach),
            ', ',
            one(),
            ')',
          ),
      ],
      [2, () => expression('text', '(', one(), ' || ', one(), ')')],
      [
        2,
        () => expression('text', 'CASE WHEN ', this.#test(reach, depth - 1), ' THEN ', one(), ' ELSE ', one(), ' END'),
      ],
      [1, () => expression('text', 'CASE ', this.#column(reach), ' WHEN ', one(), ' THEN ', one(), ' END')],
      [
        1,
        () => expression('text', '(ARRAY[', this.#column(reach), ', ', one(), '])[', String(random.between(1, 2)), ']'),
      ],
      [1, () => expression('text', 'split_part(', one(), ", 'b', 1)")],
      [
        1,
        () =>
          expression(
            'text',
            '(SELECT max(',
            this.#text(
              COLUMNS.map((c) => `i.${c}`),
              depth - 1,
            ),
            ') FROM l2 AS i)',
          ),
      ],
      [1, () => expression('text', '(', one(), `)::${random.pick(['text', 'tongue', 'varchar', 'varchar(2)'])}`)],
    ])();
  }

  #test(reach: readonly string[], depth: number): Piece {
    const { random } = this;
    const one = (): Piece => this.#text(reach, depth - 1);
    const first = (): Piece => this.#column(reach);
    const operator = random.pick(['<', '<=', '>', '>=', '=', '<>']);
    return random.weighted<() => Piece>([
      [6, () => expression('bool', '(', first(), ` ${operator} `, one(), ')')],
      [
        2,
        () =>
          expression(
            'bool',
            '(',
            first(),
            ` ${random.pick(['', 'NOT '])}BETWEEN ${random.pick(['', 'SYMMETRIC '])}`,
            one(),
            ' AND ',
            one(),
            ')',
          ),
      ],
      [1, () => expression('bool', '(', first(), ' IN (', one(), ', ', one(), '))')],
      [
        1,
        () =>
          expression(
            'bool',
            '(',
            first(),
            ` ${operator} ${random.pick(['ANY', 'ALL'])} (ARRAY[`,
            one(),
            ', ',
            one(),
            ']))',
          ),
      ],
      [
        1,
        () =>
          expression(
            'bool',
            '(',
            first(),
            ` ${operator} ${random.pick(['ANY', 'ALL'])} (SELECT `,
            this.#text(['i.x', 'i.y', 'i.w'], depth - 1),
            ' FROM l2 AS i))',
          ),
      ],
      [1, () => expression('bool', '((', first(), ', ', one(), `) ${operator} (`, one(), ', ', one(), '))')],
      [1, () => expression('bool', '(ARRAY[', first(), ', ', one(), `] ${operator} ARRAY[`, one(), '])')],
      [
        1,
        () =>
          expression(
            'bool',
            '(',
            first(),
            ` ${random.pick(['LIKE', 'ILIKE', '~*', '~'])} `,
            random.pick(["'a%'", "'%B%'", "'^i'", "'Ä'"]),
            ')',
          ),
      ],
      [1, () => expression('bool', '(', first(), ' IS DISTINCT FROM ', one(), ')')],
      [
        depth > 0 ? 2 : 0,
        () =>
          expression(
            'bool',
            '(',
            this.#test(reach, depth - 1),
            random.pick([' AND ', ' OR ']),
            this.#test(reach, depth - 1),
            ')',
          ),
      ],
    ])();
  }

  #from(): { readonly from: Piece; readonly reach: readonly string[] } {
    const { random } = this;
    const reach = COLUMNS.map((one) => `a.${one}`);
    if (random.chance(0.6)) return { from: plain(' FROM l1 AS a'), reach };
    const both = [...reach, ...COLUMNS.map((one) => `b.${one}`)];
    const on = random.chance(0.4)
      ? expression('bool', `a.${random.pick(COLUMNS)} = b.${random.pick(COLUMNS)}`)
      : this.#test(both, 1);
    return { from: plain(` FROM l1 AS a ${random.pick(['', 'LEFT ', ''])}JOIN l2 AS b ON `, on), reach: both };
  }

  #where(reach: readonly string[]): Part {
    return this.random.chance(0.6) ? clause(' WHERE ', this.#test(reach, 2)) : '';
  }

  // ---- statements ----

  #select(): Piece {
    const { random } = this;
    const { from, reach } = this.#from();
    const items = random.times(1, 3, () => this.#text(reach, 2));
    const order = items.map((_, i) => `${i + 1}${random.pick(['', '', ' DESC'])}`).join(', ');
    const limit = random.chance(0.3) ? clause(` LIMIT ${random.between(1, 5)}`) : '';
    const distinct = random.chance(0.2) ? 'DISTINCT ' : '';
    return plain(
      `SELECT ${distinct}`,
      joined(items, ', '),
      from,
      this.#where(reach),
      clause(` ORDER BY ${order}`, limit),
    );
  }

  #grouped(): Piece {
    const { random } = this;
    const { from, reach } = this.#from();
    const key = this.#text(reach, 1);
    const aggregates = random.times(1, 3, (): Piece => {
      const of = this.#text(reach, 1);
      // Two subqueries that read alike would be two.
      const named = this.#column(reach);
      return random.pick<() => Piece>([
        () => plain('min(', of, ')'),
        () => plain('max(', of, ')'),
        () => plain('count(DISTINCT ', of, ')'),
        () => plain('string_agg(', of, ", '/' ORDER BY ", this.#sameOrNamed(of), ')'),
        () => plain('array_agg(DISTINCT ', named, ' ORDER BY ', named, ')'),
        () => plain('percentile_disc(0.5) WITHIN GROUP (ORDER BY ', of, ')'),
        () => plain('mode() WITHIN GROUP (ORDER BY ', of, ')'),
        () => plain('rank(', word(random), ') WITHIN GROUP (ORDER BY ', of, ')'),
        () => plain('count(*) FILTER (WHERE ', this.#test(reach, 1), ')'),
      ])();
    });
    if (random.chance(0.4)) return plain('SELECT ', joined(aggregates, ', '), from, this.#where(reach));
    return plain('SELECT ', key, ', ', joined(aggregates, ', '), from, this.#where(reach), ' GROUP BY 1 ORDER BY 1');
  }

  /** The order that was given to it, or another one of the same text; in doubt that of the code points decides. */
  #sameOrNamed(of: Piece): Piece {
    return this.random.chance(0.5) ? of : plain('(', of, `) COLLATE ${this.random.pick(COLLATIONS)}`);
  }

  #windowed(): Piece {
    const { random } = this;
    const order = this.#text(COLUMNS, 1);
    const call = random.pick(['rank()', 'dense_rank()', 'min(x)', 'max(w)', 'count(*)', "string_agg(y, ',')"]);
    // Rows that are equal in what orders them are alike for all of these but string_agg().
    const frame = call.startsWith('string') ? ', x, y, z, w, k' : random.pick(['', ', y']);
    return plain('SELECT x, y, z, w, ', call, ' OVER (ORDER BY ', order, `${frame}) FROM l1`);
  }

  #sets(): Piece {
    const { random } = this;
    const part = (): Piece => plain('SELECT ', this.#text(COLUMNS, 1), ` FROM ${random.pick(['l1', 'l2'])}`);
    let query = part();
    for (let i = random.between(1, 2); i > 0; i--)
      query = plain(query, ` ${random.pick(['UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT'])} `, part());
    return plain(query, clause(' ORDER BY 1'));
  }

  /** What collation columns and expressions have. */
  #derived(): Piece {
    const { random } = this;
    const item = this.#text(COLUMNS, 2);
    const name = `ld${++this.#made}`;
    return random.pick<() => Piece>([
      () => plain('SELECT pg_collation_for(', item, ') FROM l1'),
      () => plain(`CREATE VIEW ${name} AS SELECT `, item, ' AS v, y FROM l1'),
      () => plain(`CREATE TABLE ${name} AS SELECT `, item, ' AS v FROM l1'),
      () => plain(`ALTER TABLE l2 ALTER w TYPE text COLLATE ${random.pick(COLLATIONS)}`),
      () => plain('SELECT v < y, greatest(v, y), pg_collation_for(v) FROM (SELECT ', item, ' AS v, y FROM l1) AS s'),
      () =>
        plain(
          'WITH s AS MATERIALIZED (SELECT ',
          item,
          ' AS v, y FROM l1) SELECT v, y FROM s WHERE v < y ORDER BY 1, 2',
        ),
      () =>
        plain(
          'SELECT attname, attcollation::regcollation::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid ' +
            `WHERE relname IN ('l1', 'l2', 'ld${random.between(1, this.#made)}') AND attnum > 0 ORDER BY 1, 2`,
        ),
    ])();
  }

  #ranges(): Piece {
    const { random } = this;
    const bound = (): Piece => this.#text(COLUMNS, 1);
    const made = plain('wordrange(least(', bound(), ' COLLATE "C", \'z\'), NULL)');
    return random.pick<() => Piece>([
      () => plain('SELECT ', bound(), ` <@ wordrange(${random.pick(["'a'", 'NULL'])}, 'x10') FROM l1`),
      () => plain('SELECT upper_inf(', made, '), lower(', made, ') FROM l1'),
      () => plain('SELECT wordrange(', bound(), ', ', bound(), ') FROM l1'),
      () => plain('SELECT ', made, ` ${random.pick(['&&', '@>', '<', '=', '*', '-|-'])} `, made, ' FROM l1'),
    ])();
  }

  #change(): Piece {
    const { random } = this;
    const table = random.pick(['l1', 'l2']);
    return random.pick<() => Piece>([
      () => plain(`UPDATE ${table} SET x = `, this.#text(COLUMNS, 2), ' WHERE ', this.#test(COLUMNS, 1)),
      () => plain(`DELETE FROM ${table} WHERE k = ${random.int(9)} AND `, this.#test(COLUMNS, 1)),
      () =>
        plain(
          `INSERT INTO ${table} SELECT k, x, `,
          this.#text(COLUMNS, 1),
          ', z, w FROM l1 WHERE ',
          this.#test(COLUMNS, 1),
          ' AND k < 2',
        ),
      () =>
        plain(
          `MERGE INTO ${table} AS t USING (SELECT DISTINCT 0 AS k, max(`,
          this.#text(COLUMNS, 1),
          `) AS v FROM l1) AS s ON t.k = s.k AND t.y < s.v WHEN MATCHED THEN UPDATE SET y = s.v`,
        ),
    ])();
  }
}
