/**
 * Whatever way rows are found by, what comes out is in the order of the language that was asked for: each query over a table
 * with indexes gives what sorting and testing all rows with Intl's collator gives.
 */
import { expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

const ALPHABET = [
  'a',
  'A',
  'b',
  'B',
  'z',
  'Z',
  'ä',
  'Ä',
  'å',
  'ö',
  'ø',
  'é',
  'ß',
  's',
  '1',
  '2',
  '10',
  '-',
  ' ',
  '_',
  '\u{1F600}',
  '\uff21',
  'ch',
  'll',
];

interface Order {
  readonly sql: string;
  readonly compare: (a: string, b: string) => number;
}

function byCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
function language(sql: string, tag: string, options: Intl.CollatorOptions = {}): Order {
  const collator = new Intl.Collator(tag, { sensitivity: 'variant', ...options });
  return { sql, compare: (a, b) => Math.sign(collator.compare(a, b)) || byCodePoints(a, b) };
}

/** The column's own collation is the first. */
const ORDERS: readonly Order[] = [
  language('', 'sv'),
  language(' COLLATE "de-x-icu"', 'de'),
  language(' COLLATE numbers', 'da', { numeric: true, caseFirst: 'upper' }),
  language(' COLLATE "es-u"', 'es-u-co-trad'),
  { sql: ' COLLATE "C"', compare: byCodePoints },
];

const INDEXES = [
  '',
  'CREATE INDEX ON t (a)',
  'CREATE UNIQUE INDEX ON t (a DESC)',
  'CREATE INDEX ON t (a COLLATE "C")',
  'CREATE INDEX ON t (g, a)',
  "CREATE INDEX ON t (a) WHERE a > 'b'",
  'CREATE INDEX ON t (a) WHERE a COLLATE "C" > \'b\'',
  "CREATE INDEX ON t ((a || ''))",
  'CREATE INDEX ON t USING hash (a)',
];

const seed = 20260731;

function seededRandom(from: number): () => number {
  let state = from;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

it(`orders and ranges are the collator's through every index (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  const word = (): string =>
    Array.from({ length: Math.floor(random() * 4) }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]!).join('');
  const words = [...new Set(Array.from({ length: 90 }, word))];
  const literal = (s: string): string => `'${s}'`;
  for (const key of [
    'id int PRIMARY KEY, a text COLLATE "sv-x-icu"',
    'id int, a text COLLATE "sv-x-icu" PRIMARY KEY',
  ]) {
    for (const index of INDEXES) {
      const c = await Client.open(await startServer());
      await c.all(`CREATE COLLATION numbers (provider = icu, locale = 'da-u-kn-true-kf-upper')`);
      await c.all(`CREATE COLLATION "es-u" (provider = icu, locale = 'es@collation=traditional')`);
      await c.all(`CREATE TABLE t (${key}, g int)`);
      await c.all(
        `INSERT INTO t SELECT n, x, n % 3 FROM unnest(ARRAY[${words.map(literal).join()}]) WITH ORDINALITY AS w(x, n)`,
      );
      if (index !== '') await c.all(index);
      const column = async (sql: string): Promise<(string | null)[]> =>
        (await c.all(sql))[0]!.rows.map((row) => row[0]!);
      for (const { sql, compare } of ORDERS) {
        const sorted = [...words].sort(compare);
        const where = `${key} / ${index} / ${sql}`;
        expect(await column(`SELECT a FROM t ORDER BY a${sql}`), where).toEqual(sorted);
        expect(await column(`SELECT a FROM t ORDER BY a${sql} DESC LIMIT 7 OFFSET 2`), where).toEqual(
          [...sorted].reverse().slice(2, 9),
        );
        expect(await column(`SELECT a FROM t WHERE g = 1 ORDER BY a${sql} LIMIT 9`), where).toEqual(
          sorted.filter((x) => (words.indexOf(x) + 1) % 3 === 1).slice(0, 9),
        );
        expect(await column(`SELECT max(a${sql}) FROM t`), where).toEqual([sorted.at(-1)]);
        expect(await column(`SELECT min(a${sql}) FROM t`), where).toEqual([sorted[0]]);
        for (let i = 0; i < 3; i++) {
          const [from, to] = [word(), word()];
          const within = sorted.filter((x) => compare(x, from) > 0 && compare(x, to) <= 0);
          const range = `a${sql} > ${literal(from)} AND a${sql} <= ${literal(to)}`;
          expect(await column(`SELECT a FROM t WHERE ${range} ORDER BY a${sql}`), `${where} ${from} ${to}`).toEqual(
            within,
          );
          const from3 = sorted.filter((x) => compare(x, from) >= 0).slice(0, 3);
          expect(
            await column(`SELECT a FROM t WHERE a${sql} >= ${literal(from)} ORDER BY a${sql} LIMIT 3`),
            where,
          ).toEqual(from3);
          const prepared = `PREPARE p${i} AS SELECT count(*) FROM t WHERE a${sql} < $1`;
          await c.all(prepared);
          expect(await column(`EXECUTE p${i}(${literal(to)})`), where).toEqual([
            String(sorted.filter((x) => compare(x, to) < 0).length),
          ]);
          await c.all(`DEALLOCATE p${i}`);
        }
        expect(await column(`SELECT string_agg(a, '|' ORDER BY a${sql}) FROM t`), where).toEqual([sorted.join('|')]);
        expect(
          await column(`SELECT a FROM (SELECT a, row_number() OVER (ORDER BY a${sql}) AS n FROM t) s ORDER BY n`),
          where,
        ).toEqual(sorted);
        expect(
          await column(`SELECT x.a FROM t x JOIN t y ON x.a${sql} < y.a AND y.id = 5 ORDER BY x.a${sql}`),
          where,
        ).toEqual(sorted.filter((x) => compare(x, words[4]!) < 0));
      }
      for (const x of words.slice(0, 12)) {
        expect(await column(`SELECT id FROM t WHERE a = ${literal(x)}`)).toEqual([String(words.indexOf(x) + 1)]);
        expect(await column(`SELECT count(*) FROM t WHERE a LIKE ${literal(`${x.replaceAll('_', '\\_')}%`)}`)).toEqual([
          String(words.filter((w) => w.startsWith(x)).length),
        ]);
      }
    }
  }
});
