/**
 * Whether literals are lifted out cannot be told from the outside: three databases are sent the same statements, whose
 * literals are of all forms and for all types, good ones and bad ones; one never lifts, one lifts at once, one as it
 * comes. Answers, errors with their places and what is left in the tables are the same.
 */
import { describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { QuoralError } from '../../../src/base/errors.js';
import type { Rng } from '../../../src/env/env.js';
import { seededRng } from '../../env/seeded-rng.js';
import { Client, startServer } from '../support/server.js';

const MODES = ['force_custom_plan', 'force_generic_plan', 'auto'] as const;

type Send = (text: string, extended?: boolean) => Promise<void>;

/** Sends each text to all of them; the texts that were answered differently. */
async function alike(schema: readonly string[], body: (send: Send) => Promise<void>): Promise<[string[], number]> {
  const clients: Client[] = [];
  const servers: ManagedSqlServer[] = [];
  for (const mode of MODES) {
    const server = await startServer();
    const c = await Client.open(server);
    for (const statement of schema) await c.all(statement);
    await c.all(`SET plan_cache_mode = ${mode}`);
    clients.push(c);
    servers.push(server);
  }
  const differing: string[] = [];
  await body(async (text, extended = false) => {
    const answers: string[] = [];
    for (const c of clients) answers.push(await answer(c, text, extended));
    if (new Set(answers).size > 1) differing.push([text, ...answers].join('\n  '));
  });
  return [differing, servers.reduce((sum, server) => sum + server.metrics()['sql_plan_cache_lifted_total']!, 0)];
}

async function answer(c: Client, text: string, extended: boolean): Promise<string> {
  try {
    const results = extended ? [await c.run(text)] : await c.all(text);
    return JSON.stringify([results, extended ? [] : c.notices]);
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    return `${error.sqlstate} ${error.message} ${JSON.stringify(error.fields)}`;
  }
}

describe('literals that are read by what they are for', () => {
  const SCHEMA = [
    `CREATE TABLE t (id int PRIMARY KEY, v varchar(3), d interval day, hm interval hour to minute,
      a varchar(2)[], days interval day[], b bit(3), ts timestamp(0))`,
    `CREATE DOMAIN short AS varchar(3) CHECK (value <> 'zz')`,
    'CREATE DOMAIN days AS interval day',
    'CREATE TABLE u (id int PRIMARY KEY, s short, d days)',
  ];
  it.each([
    // What is too long fails before rows are looked for.
    ['varchar', (n: number) => [`UPDATE t SET v = '${'abcd'.slice(0, 2 + n)}' WHERE id = 7${n}`]],
    ['of a domain', (n: number) => [`UPDATE u SET s = '${'abcd'.slice(0, 2 + n)}' WHERE id = 7${n}`]],
    // A number alone is of the last unit that the precision has.
    ['interval', (n: number) => [`INSERT INTO t (id, d, hm) VALUES (${n}, '${n}', '${n}')`, 'SELECT d, hm FROM t']],
    ['interval, cast', (n: number) => [`INSERT INTO t (id, d) VALUES (${n}, '${n}'::interval minute)`, 'TABLE t']],
    [
      'interval, compared',
      (n: number) => [
        `INSERT INTO t (id, d) VALUES (${n}, '${n} d')`,
        `SELECT id FROM t WHERE d = '${n}'::interval day`,
      ],
    ],
    ['interval of a domain', (n: number) => [`INSERT INTO u (id, d) VALUES (${n}, '${n}')`, `SELECT d FROM u`]],
    ['arrays', (n: number) => [`INSERT INTO t (id, a) VALUES (${n}, '{a,${'abc'.slice(0, n)}}')`, 'TABLE t']],
    ['arrays of intervals', (n: number) => [`INSERT INTO t (id, days) VALUES (${n}, '{${n}}')`, 'TABLE t']],
    ['bits', (n: number) => [`UPDATE t SET b = '10${n % 2}${n > 2 ? 1 : ''}' WHERE id = 7${n}`]],
    ['timestamps', (n: number) => [`INSERT INTO t (id, ts) VALUES (${n}, '2020-01-01 00:00:0${n}.6')`, 'TABLE t']],
  ])('%s', async (_, texts) => {
    const [differing, runs] = await alike(SCHEMA, async (send) => {
      for (const n of [1, 2, 3, 4]) for (const text of texts(n)) await send(text);
    });
    expect(differing).toEqual([]);
    expect(runs).toBeGreaterThan(0);
  });
});

/** Good and bad literals, by type. */
const LITERALS: Readonly<Record<string, readonly string[]>> = {
  int2: ['0', '1', '2', '-3', '7', '32767', '-32768', '40000', "'5'", "' 2 '", "'x'", "'2'::smallint", '2.5', 'NULL'],
  int4: [
    '0',
    '1',
    '2',
    '-7',
    '- 7',
    '007',
    '5',
    '2147483647',
    '2147483648',
    '-2147483648',
    "'3'",
    "'1e3'",
    '1e0',
    '+2',
  ],
  int8: ['0', '1', '-5', '3000000000', '-3000000000', '9223372036854775807', '9223372036854775808', "'12'", '2.0', '1'],
  numeric: [
    '0',
    '1.50',
    '1.5',
    '-2.25',
    '99.999',
    '.5',
    '7.',
    '1000000',
    "'NaN'",
    "'1.5'",
    "'x'",
    '1e2',
    "'1.5'::numeric(2,1)",
  ],
  float8: ['0', '1.5', '-1.5', "'NaN'", "'-Infinity'", "'1e400'", '1e10', "'2'::float8", '3', "'x'"],
  text: [
    "''",
    "'a'",
    "'it''s'",
    "'é😀'",
    "E'a\\n'",
    "U&'\\0061'",
    '$$a$$',
    "'a'::text",
    "'A' || 'b'",
    "'\\x'",
    "'a'\n'b'",
    '5',
  ],
  varchar: [
    "''",
    "'a'",
    "'abc'",
    "'abcd'",
    "'ab   '",
    "'abcd'::varchar(2)",
    "'a'::varchar",
    "'é'",
    '12',
    "'abc'::text",
  ],
  bpchar: ["''", "'a'", "'a  '", "'abcd'", "'abcde'", "'ab'::char(1)", "'a'::text", "'a '::bpchar"],
  bytea: ["''", "'ab'", "'\\x6162'", "'\\x6'", "'\\001'", "'\\9'", "E'\\\\x61'", "'a'::bytea"],
  date: [
    "'2020-01-02'",
    "'1/2/2020'",
    "'13/2/2020'",
    "'infinity'",
    "'epoch'",
    "'x'",
    "date '2020-01-02'",
    "'2020-02-30'",
    "'2020-01-02'::date",
    "cast('2020-01-03' as date)",
    "'January 8, 1999'",
    "''",
  ],
  time: ["'10:00'", "'10:00:00.5'", "'24:00'", "'25:00'", "'allballs'", "'10:00 PM'", "'10:00'::time(0)"],
  timestamptz: [
    "'2020-01-01'",
    "'2020-01-01 00:00+09'",
    "'2020-06-01 10:00'",
    "'infinity'",
    "'-infinity'",
    "'2020-01-01 00:00 Europe/Berlin'",
    "'x'",
    "'2020-01-01'::timestamp",
    "'2020-01-01'::timestamptz(0)",
  ],
  interval: [
    "'1'",
    "'2 days'",
    "'1-2'",
    "'-1 2:00'",
    "'P1D'",
    "'x'",
    "'1'::interval hour",
    "interval '1' day",
    "'36:00'",
  ],
  uuid: ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'{A0EEBC999C0B4EF8BB6D6BB9BD380A11}'", "'x'", "''", '5'],
  jsonb: ['\'{"a": 1}\'', '\'{"a":1.0}\'', "'5'", "'{'", "'null'", "'[]'::jsonb", "'[1,'", '5'],
  ints: ["'{1,2}'", "'{ 1 ,2}'", "'{1'", "'{}'", "'{1,NULL}'", 'ARRAY[1,2]', "'{x}'", "'[2:3]={1,2}'"],
  range: ["'[1,5]'", "'[1,6)'", "'[5,1]'", "'empty'", "'(,)'", "'x'", "'[1,6)'::int4range"],
  mood: ["'sad'", "'ok'", "'none'", "'ok'::mood", "'SAD'", '5'],
  short: ["'a'", "'zz'", "'abcd'", "'a'::short", "''", "'a'::text"],
  bool: ["'t'", "' yes '", "'maybe'", 'true', 'false', "'off'", "'1'", '1'],
  inet: ["'10.0.0.1'", "'10.0.0.1/32'", "'10.0.0.0/8'", "'x'", "'::1'"],
  bits: ["'101'", "B'101'", "'1010'", "'x'", "'102'", "X'5'", "'111'::bit(3)"],
};
const TYPES = Object.keys(LITERALS);
const DECLARED: Readonly<Record<string, string>> = {
  numeric: 'numeric(5,2)',
  varchar: 'varchar(3)',
  bpchar: 'char(4)',
  interval: 'interval day',
  ints: 'int[]',
  range: 'int4range',
  bits: 'bit(3)',
};
const SCHEMA = [
  "CREATE TYPE mood AS ENUM ('sad', 'ok')",
  "CREATE DOMAIN short AS varchar(3) CHECK (value <> 'zz')",
  'CREATE SEQUENCE numbers',
  ...['t', 'u'].map(
    (name) =>
      `CREATE TABLE ${name} (id int PRIMARY KEY, n int DEFAULT nextval('numbers'), ${TYPES.map(
        (type) => `c_${type} ${DECLARED[type] ?? type}`,
      ).join()}, twice int GENERATED ALWAYS AS (c_int2 * 2) STORED)`,
  ),
  ...['int2', 'int4', 'int8', 'numeric', 'text', 'varchar', 'bpchar', 'date', 'timestamptz', 'mood', 'uuid'].map(
    (type) => `CREATE INDEX ON t (c_${type})`,
  ),
  'CREATE UNIQUE INDEX ON u (c_int4, c_text)',
  'CREATE VIEW small AS SELECT * FROM t WHERE c_int2 < 100 WITH CHECK OPTION',
  `INSERT INTO t (id, c_int2, c_int4, c_int8, c_numeric, c_float8, c_text, c_varchar, c_bpchar, c_bytea, c_date, c_uuid,
    c_timestamptz, c_mood, c_bool, c_ints, c_jsonb, c_inet, c_bits, c_interval)
    SELECT g, g, g, g, g * 0.5, g * 0.5, chr(96 + g), chr(96 + g), 'a', 'ab', date '2020-01-01' + g,
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2020-01-01 00:00Z', 'ok', g < 4, '{1,2}', '{"a":1}', '10.0.0.1', '101',
      make_interval(days => g) FROM generate_series(1, 6) g`,
  'INSERT INTO u SELECT * FROM (SELECT id, 1, c_int2 FROM t) x',
];
/** Between statements. */
const BETWEEN: readonly string[] = [
  'SET datestyle = iso, dmy',
  'SET datestyle = german',
  'RESET datestyle',
  "SET timezone = 'Asia/Tokyo'",
  'RESET timezone',
  'SET intervalstyle = sql_standard',
  'RESET intervalstyle',
  'BEGIN',
  'BEGIN ISOLATION LEVEL READ COMMITTED',
  'SAVEPOINT s',
  'ROLLBACK TO s',
  'COMMIT',
  'COMMIT',
  'ROLLBACK',
  'ALTER TABLE t ADD x int DEFAULT 5',
  'ALTER TABLE t DROP x',
  'ALTER TABLE t ALTER c_varchar TYPE varchar(2) USING c_varchar::varchar(2)',
  'ALTER TABLE t ALTER c_varchar TYPE varchar(4)',
  'ALTER TABLE t ALTER c_int2 TYPE bigint',
  'ALTER TABLE t ALTER c_text TYPE varchar(3) USING c_text::varchar(3)',
  'ALTER TABLE u RENAME c_int4 TO renamed',
  'ALTER TABLE u RENAME renamed TO c_int4',
  "CREATE INDEX part ON t (c_int8) WHERE c_text = 'a'",
  'DROP INDEX part',
  "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'none'",
  "ALTER TYPE mood RENAME VALUE 'sad' TO 'sadder'",
  'CREATE SCHEMA s; CREATE TABLE s.t (LIKE t); ALTER TABLE s.t ALTER c_int4 TYPE text, ALTER c_text TYPE varchar(2)',
  'SET search_path = s, public',
  'RESET search_path',
  'ANALYZE',
];

/** Statements with the types of what is to stand in them. */
function makeStatement(rng: Rng): string[] {
  const pick = <T>(from: readonly T[]): T => from[rng.int(from.length)]!;
  const column = (): string => pick(TYPES);
  const [a, b, c] = [column(), column(), column()];
  const op = pick(['=', '=', '=', '<', '>=', '<>']);
  const number = pick(['int2', 'int4', 'int8', 'numeric', 'float8']);
  return pick([
    [`SELECT id, c_${a} FROM t WHERE c_${a} ${op} `, a, ' ORDER BY id'],
    [`SELECT id FROM t WHERE c_${a} ${op} `, a, ` AND c_${b} = `, b, ' ORDER BY id'],
    [`SELECT id FROM t WHERE `, a, ` = c_${a} OR id = `, 'int4', ' ORDER BY 1 LIMIT ', 'count'],
    [`SELECT id FROM t WHERE c_${a} IN (`, a, ', ', a, ') ORDER BY id'],
    [`SELECT id FROM t WHERE c_${a} BETWEEN `, a, ' AND ', a, ' ORDER BY id'],
    [`SELECT id FROM t WHERE c_${number} + `, number, ' > ', number, ' ORDER BY id'],
    [`SELECT id FROM t WHERE c_${number}+`, number, '=c_int4-', 'int4', ' ORDER BY id'],
    [
      `SELECT x.id, y.id FROM t x LEFT JOIN u y ON x.id = y.id AND y.c_${a} = `,
      a,
      ` WHERE x.c_${b} ${op} `,
      b,
      ' ORDER BY 1',
    ],
    [`WITH w AS (SELECT * FROM t WHERE c_${a} = `, a, `) SELECT id FROM w WHERE c_${b} = `, b, ' ORDER BY id'],
    [`SELECT id FROM t WHERE id IN (SELECT id FROM u WHERE c_${a} ${op} `, a, ') ORDER BY id'],
    [`SELECT id, `, a, ` FROM t WHERE lower(c_text) = `, 'text', ' ORDER BY id'],
    [`UPDATE t SET c_${a} = `, a, ` WHERE id = `, 'int4', ' RETURNING id'],
    [`UPDATE t SET c_${a} = `, a, `, c_${number} = c_${number} + `, number, ` WHERE c_${c} = `, c, ' RETURNING *'],
    [`UPDATE t SET c_${a} = `, a, ` FROM u WHERE u.id = t.id AND u.c_${b} = `, b, ''],
    [`INSERT INTO t (id, c_${a}) VALUES (`, 'key', ', ', a, ') RETURNING *'],
    [`INSERT INTO t (id, c_${a}) VALUES (`, 'key', ', ', a, '), (', 'key', ', ', a, ') RETURNING c_', `=${a}`, ''],
    [
      `INSERT INTO u (id, c_${a}) VALUES (`,
      'key',
      ', ',
      a,
      `) ON CONFLICT (id) DO UPDATE SET c_${b} = `,
      b,
      ` WHERE u.c_${c} = `,
      c,
      ' RETURNING *',
    ],
    [
      `INSERT INTO u (id, c_int4, c_text) SELECT id + `,
      'int4',
      `, c_int4, c_text FROM t WHERE c_${a} = `,
      a,
      ' ON CONFLICT DO NOTHING',
    ],
    [
      `WITH w AS (INSERT INTO u (id, c_${a}) VALUES (`,
      'key',
      ', ',
      a,
      ') RETURNING *) SELECT * FROM w WHERE id > ',
      'int4',
      '',
    ],
    [`INSERT INTO small (id, c_int2, c_${a}) VALUES (`, 'key', ', ', 'int2', ', ', a, ')'],
    [`UPDATE small SET c_int2 = `, 'int2', ` WHERE c_${a} = `, a, ''],
    [`DELETE FROM t WHERE c_${a} = `, a, ' AND id > ', 'int4', ' RETURNING id'],
    [`PREPARE p AS SELECT id FROM t WHERE c_${a} = `, a, ' ORDER BY id; EXECUTE p; DEALLOCATE p'],
    [`EXPLAIN (COSTS OFF) SELECT id FROM t WHERE c_${a} = `, a, ''],
    [`DO $do$ BEGIN UPDATE t SET c_${a} = `, a, ` WHERE id = 1; END $do$`],
    [`BEGIN; DECLARE k CURSOR FOR SELECT id FROM t WHERE c_${a} ${op} `, a, ' ORDER BY id; FETCH 2 FROM k; COMMIT'],
  ]);
}

function written(rng: Rng, parts: readonly string[]): string {
  const pick = <T>(from: readonly T[]): T => from[rng.int(from.length)]!;
  return parts
    .map((part, i) => {
      if (i % 2 === 0) return part;
      if (part === 'key') return String(rng.int(12) + 1);
      if (part === 'count') return String(rng.int(3));
      if (part.startsWith('=')) return part.slice(1);
      return pick(LITERALS[rng.int(12) === 0 ? pick(TYPES) : part]!);
    })
    .join('');
}

describe('literals of all forms, for all types', () => {
  it.each([1, 2, 3])('seed %i', async (seed) => {
    const rng = seededRng(seed);
    const [differing, runs] = await alike(SCHEMA, async (send) => {
      for (let i = 0; i < Number(process.env['LIFTED_STATEMENTS'] ?? 40); i++) {
        const parts = makeStatement(rng);
        const extended = rng.int(4) === 0;
        for (let n = 0; n < 4; n++) {
          if (rng.int(8) === 0) await send(BETWEEN[rng.int(BETWEEN.length)]!);
          await send(written(rng, parts), extended);
        }
        if (i % 20 === 0) for (const table of ['t', 'u']) await send(`SELECT * FROM ${table} ORDER BY id`);
        if (i % 4 === 0) await send('ROLLBACK');
        if (i % 10 === 0) await send('RESET search_path');
      }
      await send('SELECT last_value FROM numbers');
    });
    expect(differing).toEqual([]);
    expect(runs).toBeGreaterThan(20);
  });
});
