/** COPY in binary format: bytes and errors recorded from PostgreSQL 15, and values of all types there and back. */
import { beforeEach, describe, expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, CollectingSink, startServer } from '../support/server.js';

const SIGNATURE = '5047434f50590aff0d0a00';
const H = `${SIGNATURE}0000000000000000`;

/** Expressions, and the row of their values between header and trailer. */
const VALUES: readonly (readonly [expressions: string, row: string])[] = [
  [`true, false, null::bool`, '000300000001010000000100ffffffff'],
  [`1::int2, (-2)::int4, 9007199254740993::int8`, '000300000002000100000004fffffffe000000080020000000000001'],
  [
    `1.5::float4, -0.0::float8, 'NaN'::float8, 'infinity'::float4`,
    '0004000000043fc00000000000088000000000000000000000087ff8000000000000000000047f800000',
  ],
  [
    `0::numeric, 123.4500::numeric, -1e30::numeric, 1e-20::numeric, 'NaN'::numeric, 'infinity'::numeric, 10000::numeric`,
    '00070000000800000000000000000000000c0002000000000004007b11940000000a000100074000000000640000000a0001fffb0000001400010000000800000000c00000000000000800000000d00000200000000a00010001000000000001',
  ],
  [
    `''::text, 'héé'::varchar, 'ab'::char(4), 'c'::"char", 'name'::name`,
    '0005000000000000000568c3a9c3a900000004616220200000000163000000046e616d65',
  ],
  [`'\\x00ff10'::bytea, ''::bytea`, '00020000000300ff1000000000'],
  [
    `'2024-02-29'::date, 'infinity'::date, '0044-03-15 BC'::date`,
    '00030000000400002279000000047fffffff00000004fff49d7b',
  ],
  [
    `'12:34:56.789'::time, '12:34:56.789+05:30'::timetz`,
    '0002000000080000000a8be626080000000c0000000a8be62608ffffb2a8',
  ],
  [
    `'2024-02-29 12:34:56.789012'::timestamp, '-infinity'::timestamp, '2024-02-29 12:34:56+02'::timestamptz`,
    '0003000000080002b58341728614000000088000000000000000000000080002b581943f3400',
  ],
  [`'1 year 2 mons -3 days 04:05:06.7'::interval`, '000100000010000000036c966ee0fffffffd0000000e'],
  [
    `'{"a": [1, 2.50, null]}'::json, '{"a": [1, 2.50, null]}'::jsonb`,
    '0002000000167b2261223a205b312c20322e35302c206e756c6c5d7d00000017017b2261223a205b312c20322e35302c206e756c6c5d7d',
  ],
  [`'0ab3c9ee-2b1d-4c3e-8f7a-000102030405'::uuid`, '0001000000100ab3c9ee2b1d4c3e8f7a000102030405'],
  [
    `'{1,NULL,3}'::int4[], '{}'::text[], '[2:3][1:2]={{a,b},{"c,d",NULL}}'::text[], '{1.5,NaN}'::numeric[]`,
    '00040000002800000001000000010000001700000003000000010000000400000001ffffffff00000004000000030000000c00000000000000000000001900000031000000020000000100000019000000020000000200000002000000010000000161000000016200000003632c64ffffffff000000300000000100000000000006a400000002000000010000000c0002000000000001000113880000000800000000c0000000',
  ],
  [`1::oid, 'int4'::regtype`, '000200000004000000010000000400000017'],
];

/** What is sent, and what comes of it: the rows, or the error with its context. */
const INPUTS: readonly (readonly [bytes: string, outcome: string])[] = [
  [``, '22P04 COPY file signature not recognized'],
  [`5047`, '22P04 COPY file signature not recognized'],
  [`5047434f50590aff0d0a01`, '22P04 COPY file signature not recognized'],
  [`${SIGNATURE}`, '22P04 invalid COPY file header (missing flags)'],
  [`${SIGNATURE}0000`, '22P04 invalid COPY file header (missing flags)'],
  [`${SIGNATURE}0001000000000000`, '22P04 invalid COPY file header (WITH OIDS)'],
  [`${SIGNATURE}0002000000000000`, '22P04 unrecognized critical flags in COPY file header'],
  [`${SIGNATURE}8000000000000000`, '22P04 unrecognized critical flags in COPY file header'],
  [`${SIGNATURE}0000000700000000000200000004000000010000000161`, 'COPY 1 | 1a'],
  [`${SIGNATURE}00000000`, '22P04 invalid COPY file header (missing length)'],
  [`${SIGNATURE}00000000ffff`, '22P04 invalid COPY file header (missing length)'],
  [`${SIGNATURE}00000000ffffffff`, '22P04 invalid COPY file header (missing length)'],
  [`${SIGNATURE}0000000000000004aabb`, '22P04 invalid COPY file header (wrong length)'],
  [`${SIGNATURE}0000000000000002aabb000200000004000000010000000161ffff`, 'COPY 1 | 1a'],
  [`${H}`, 'COPY 0'],
  [`${H}00`, 'COPY 0'],
  [`${H}ffff`, 'COPY 0'],
  [`${H}000200000004000000010000000161`, 'COPY 1 | 1a'],
  [`${H}00020000000400000001000000016100`, 'COPY 1 | 1a'],
  [`${H}0003`, '22P04 row field count is 3, expected 2 | COPY m, line 1'],
  [`${H}0001`, '22P04 row field count is 1, expected 2 | COPY m, line 1'],
  [`${H}fffe`, '22P04 row field count is -2, expected 2 | COPY m, line 1'],
  [`${H}0002000000040000000100000001610001`, '22P04 row field count is 1, expected 2 | COPY m, line 2'],
  [`${H}0002`, '22P04 unexpected EOF in COPY data | COPY m, line 1, column a'],
  [`${H}000200`, '22P04 unexpected EOF in COPY data | COPY m, line 1, column a'],
  [`${H}0002000000`, '22P04 unexpected EOF in COPY data | COPY m, line 1, column a'],
  [`${H}00020000000400`, '22P04 unexpected EOF in COPY data | COPY m, line 1, column a'],
  [`${H}0002fffffffe`, '22P04 invalid field size | COPY m, line 1, column a'],
  [
    `${H}000200000004000000010000000161000200000004000000010000000461`,
    '22P04 unexpected EOF in COPY data | COPY m, line 2, column b',
  ],
  [`${H}000200000003000001ffffffffffff`, '08P01 insufficient data left in message | COPY m, line 1, column a'],
  [`${H}0002000000050000000001ffffffffffff`, '22P03 incorrect binary data format | COPY m, line 1, column a'],
  [
    `${H}0002ffffffff00000002c328ffff`,
    '22021 invalid byte sequence for encoding "UTF8": 0xc3 0x28 | COPY m, line 1, column b',
  ],
  [
    `${H}0002ffffffff000000026100ffff`,
    '22021 invalid byte sequence for encoding "UTF8": 0x00 | COPY m, line 1, column b',
  ],
  [`${H}000200000004000000010000000161ffff00`, '22P04 received copy data after EOF marker | COPY m, line 2'],
  [
    `${H}000200000004000000010000000161ffff000200000004000000010000000161`,
    '22P04 received copy data after EOF marker | COPY m, line 2',
  ],
  [`${H}0002ffffffffffffffffffff`, 'COPY 1 | --'],
  [`${H}000200000004000000010000000161000200000004000000010000000161ffff`, 'COPY 2 | 1a 1a'],
];

class BytesSink extends CollectingSink {
  readonly messages: string[] = [];
  chunks: Buffer[] = [];
  /** Columns of each CopyInResponse. */
  readonly asked: number[] = [];

  override copyIn(_format?: string, columns = 0): AsyncIterable<Buffer> {
    this.asked.push(columns);
    return this.#chunks();
  }
  async *#chunks(): AsyncIterable<Buffer> {
    for (const chunk of this.chunks) yield await Promise.resolve(chunk);
  }
  override copyData(chunk: Uint8Array): void {
    this.messages.push(Buffer.from(chunk).toString('hex'));
  }
}

let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
});

async function copyOut(text: string): Promise<string[]> {
  const sink = new BytesSink(c.session);
  await c.session.simpleQuery(text, sink);
  return sink.messages;
}

async function copyIn(text: string, chunks: Buffer[]): Promise<string> {
  const sink = new BytesSink(c.session);
  sink.chunks = chunks;
  try {
    await c.session.simpleQuery(text, sink);
    return sink.results[0]!.tag;
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    const { where } = error.fields;
    return `${error.sqlstate} ${error.message}${where === undefined ? '' : ` | ${where}`}`;
  }
}

function pieces(hex: string, size: number): Buffer[] {
  const data = Buffer.from(hex, 'hex');
  return Array.from({ length: Math.ceil(data.length / size) }, (_, i) => data.subarray(i * size, (i + 1) * size));
}

describe('COPY TO in binary', () => {
  it.each(VALUES)('sends %s as PostgreSQL does', async (expressions, row) => {
    await c.all("SET timezone = 'UTC'");
    // The header comes in one message with the first row.
    expect(await copyOut(`COPY (SELECT ${expressions}) TO STDOUT (FORMAT binary)`)).toEqual([H + row, 'ffff']);
  });

  it('of no rows, and of several', async () => {
    expect(await copyOut('COPY (SELECT 1 WHERE false) TO STDOUT (FORMAT binary)')).toEqual([`${H}ffff`]);
    expect(await copyOut('COPY (SELECT generate_series(1, 2)) TO STDOUT BINARY')).toEqual([
      `${H}00010000000400000001`,
      '00010000000400000002',
      'ffff',
    ]);
  });
});

describe('COPY FROM in binary', () => {
  it.each(VALUES)('reads %s back', async (expressions, row) => {
    await c.all("SET timezone = 'UTC'");
    await c.all(`CREATE TABLE t AS SELECT ${expressions} WHERE false`).catch(async () => {
      // Columns of one name.
      const names = expressions.split(/, (?=[^}\]]*$|[^,]*::)/).map((_, i) => `c${i}`);
      await c.all(`CREATE TABLE t AS SELECT * FROM (SELECT ${expressions}) AS x (${names.join(', ')}) WHERE false`);
    });
    for (const size of [1, 7, 1000]) {
      expect(await copyIn('COPY t FROM STDIN (FORMAT binary)', pieces(`${H}${row}ffff`, size))).toBe('COPY 1');
    }
    expect(await copyOut('COPY t TO STDOUT (FORMAT binary)')).toEqual([H + row, row, row, 'ffff']);
  });

  it.each(INPUTS)('%s: %s', async (bytes, outcome) => {
    await c.all('CREATE TABLE m (a int, b text)');
    for (const size of [1, 3, 1000]) {
      await c.all('TRUNCATE m');
      const tag = await copyIn('COPY m FROM STDIN (FORMAT binary)', pieces(bytes, size));
      const rows = (await c.rows('SELECT * FROM m')).map((r) => r.map((v) => v ?? '-').join('')).join(' ');
      expect(tag.startsWith('COPY') && rows !== '' ? `${tag} | ${rows}` : tag).toBe(outcome);
    }
  });

  it('checks what it reads as others do', async () => {
    await c.all("CREATE TABLE m (a int PRIMARY KEY, b varchar(2) CHECK (b <> 'no'))");
    const row = (a: number, b: string): string =>
      `000200000004${a.toString(16).padStart(8, '0')}${b.length.toString(16).padStart(8, '0')}${Buffer.from(b).toString('hex')}`;
    const copy = 'COPY m FROM STDIN (FORMAT binary)';
    const of = (...rows: string[]): Buffer[] => pieces(`${H}${rows.join('')}ffff`, 5);
    expect(await copyIn(copy, of(row(1, 'a'), row(2, 'no')))).toMatch(/^23514 .* line 2$/);
    expect(await copyIn(copy, of(row(1, 'a'), row(1, 'b')))).toMatch(/^23505 .* line 2$/);
    expect(await copyIn(copy, of(row(1, 'abc')))).toMatch(/^22001 value too long .* line 1, column b$/);
    expect(await copyIn(copy, of(row(1, 'a'), row(2, 'b')))).toBe('COPY 2');
    expect(await copyIn(`${copy} WHERE a > 3`, of(row(3, 'c'), row(4, 'd')))).toBe('COPY 1');
  });
});

describe('a refused COPY FROM', () => {
  // psql would run the rows as statements.
  it.each([
    ['COPY v FROM STDIN', '42809 cannot copy to view "v"', [2]],
    ['COPY v (b) FROM STDIN (FORMAT csv)', '42809 cannot copy to view "v"', [1]],
    ['COPY v (x) FROM STDIN', '42703 column "x" of relation "v" does not exist', []],
    ['COPY v FROM STDIN (FORMAT x)', '22023 COPY format "x" not recognized', []],
    ['COPY m FROM STDIN', '42809 cannot copy to materialized view "m"', [0]],
    ['COPY s FROM STDIN', '42809 cannot copy to sequence "s"', [0]],
    [
      'COPY t (a) FROM STDIN (FREEZE)',
      '55000 cannot perform COPY FREEZE because the table was not created or truncated in the current subtransaction',
      [1],
    ],
  ])('%s waits for the client to send rows', async (text, message, asked) => {
    await c.all('CREATE TABLE t (a int, b text)');
    await c.all('CREATE VIEW v AS SELECT * FROM t');
    await c.all('CREATE MATERIALIZED VIEW m AS SELECT * FROM t');
    await c.all('CREATE SEQUENCE s');
    const sink = new BytesSink(c.session);
    sink.chunks = [Buffer.from('1\n')];
    await expect(c.session.simpleQuery(text, sink)).rejects.toThrow(message.slice(6));
    expect(sink.asked).toEqual(asked);
  });
});

describe('options of COPY FROM', () => {
  const copied = async (text: string, data: string): Promise<string> => copyIn(text, [Buffer.from(data)]);

  it('HEADER MATCH', async () => {
    await c.all('CREATE TABLE t (a int, b text)');
    const csv = 'COPY t FROM STDIN (FORMAT csv, HEADER match)';
    expect(await copied(csv, 'a,b\n1,"x,y"\n')).toBe('COPY 1');
    expect(await copied(csv, 'b,a\n')).toBe(
      '22P04 column name mismatch in header line field 1: got "b", expected "a" | COPY t, line 1: "b,a"',
    );
    expect(await copied(csv, 'a\n')).toBe(
      '22P04 wrong number of fields in header line: got 1, expected 2 | COPY t, line 1: "a"',
    );
    expect(await copied(csv, 'a,\n')).toBe(
      '22P04 column name mismatch in header line field 2: got null value (""), expected "b" | COPY t, line 1: "a,"',
    );
    expect(await copied("COPY t (b, a) FROM STDIN (HEADER match, NULL 'b')", 'b\ta\n')).toMatch(/null value \("b"\)/);
    expect(await copied('COPY t (b, a) FROM STDIN (HEADER match)', 'b\ta\nz\t7\n')).toBe('COPY 1');
    expect(await c.rows('SELECT * FROM t ORDER BY a')).toEqual([
      ['1', 'x,y'],
      ['7', 'z'],
    ]);
  });

  it('FORCE_NULL and FORCE_NOT_NULL', async () => {
    await c.all('CREATE TABLE t (a int, b text)');
    const both = 'COPY t FROM STDIN (FORMAT csv, FORCE_NULL (b), FORCE_NOT_NULL (a))';
    expect(await copied(both, '1,""\n2,\n')).toBe('COPY 2');
    expect(await copied(both, ',""\n')).toBe(
      '22P02 invalid input syntax for type integer: "" | COPY t, line 1, column a: ""',
    );
    const same = "COPY t FROM STDIN (FORMAT csv, FORCE_NULL (b), FORCE_NOT_NULL (b), NULL 'N')";
    expect(await copied(same, '3,N\n4,"N"\n')).toBe('COPY 2');
    expect(await c.rows('SELECT * FROM t ORDER BY a')).toEqual([
      ['1', null],
      ['2', null],
      ['3', 'N'],
      ['4', null],
    ]);
  });

  it('WHERE', async () => {
    await c.all('CREATE TABLE t (a int DEFAULT 5, b text, g int GENERATED ALWAYS AS (a + 1) STORED, CHECK (a <> 1))');
    expect(await copied('COPY t FROM STDIN WHERE a > 5', '1\tx\n6\ty\n\\N\tz\n7\tw\n')).toBe('COPY 2');
    expect(await copied("COPY t (b) FROM STDIN WHERE a = 5 AND b <> 'q'", 'q\nr\n')).toBe('COPY 1');
    expect(await copied('COPY t FROM STDIN WHERE 1 / (a - 8) > -1', '9\tx\n8\ty\n')).toMatch(
      /^22012 division by zero \| COPY t, line 2/,
    );
    expect(await copied("COPY t FROM STDIN WHERE b = 'never'", '9\tx\n8\n')).toBe(
      '22P04 missing data for column "b" | COPY t, line 2: "8"',
    );
    expect(await c.rows('SELECT a, b, g FROM t ORDER BY a')).toEqual([
      ['5', 'r', '6'],
      ['6', 'y', '7'],
      ['7', 'w', '8'],
    ]);
  });
});
