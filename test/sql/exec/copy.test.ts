import { beforeAll, describe, expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import { initParser } from '../../../src/sql/parse/parser.js';
import { Harness } from '../support/harness.js';

beforeAll(() => initParser());

/** A small seeded generator, so that a failure names its seed. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function cut(data: Buffer, next: () => number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < data.length;) {
    const size = 1 + Math.floor(next() * next() * 40);
    chunks.push(data.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const PIECES = [
  'a',
  'é',
  '😀',
  '\t',
  '\n',
  '\\',
  '\r',
  '"',
  "'",
  ',',
  '\\N',
  '',
  'NULL',
  ' ',
  '\\.',
  'x"y',
  '\b',
  '\v',
];

function randomRows(next: () => number): (string | null)[][] {
  return Array.from({ length: Math.floor(next() * 12) }, (_, i) => {
    const text = (): string | null => {
      if (next() < 0.2) return null;
      return Array.from({ length: Math.floor(next() * 6) }, () => PIECES[Math.floor(next() * PIECES.length)]!).join('');
    };
    return [String(i), text(), text()];
  });
}

async function failure(run: Promise<unknown>): Promise<QuoralError> {
  try {
    await run;
  } catch (error) {
    if (error instanceof QuoralError) return error;
    throw error;
  }
  throw new Error('no error');
}

describe('COPY', () => {
  it('reads back what it wrote, however the bytes are cut into chunks', async () => {
    for (let seed = 1; seed <= 120; seed++) {
      const next = random(seed);
      const rows = randomRows(next);
      const options = [
        ' ',
        ' (format csv)',
        ' (format csv, force_quote *)',
        " (delimiter '|', null 'nil')",
        " (format csv, header, escape '\\')",
      ][seed % 5]!;
      const h = new Harness();
      h.fresh = seed % 2 === 0;
      await h.run(
        'create table src(id int primary key, a text, b text); create table dst(id int primary key, a text, b text)',
      );
      for (const row of rows) await h.run('insert into src values ($1, $2, $3)', row);
      const out = await h.run(`copy src to stdout${options}`);
      expect(out.tag, `seed ${seed}`).toBe(`COPY ${rows.length}`);
      const given = options.replace(', force_quote *', '');
      const copied = await h.run(`copy dst from stdin${given}`, [], cut(Buffer.from(out.copyOut), next));
      expect(copied.tag, `seed ${seed}`).toBe(`COPY ${rows.length}`);
      const back = await h.run('select * from dst order by id');
      // A carriage return would end a row as well, so CSV quotes it.
      expect(back.rows, `seed ${seed} ${options}`).toEqual(rows);
    }
  });

  it('stops at the end-of-data mark and ignores what follows', async () => {
    const h = new Harness();
    await h.run('create table t(a int primary key, b text)');
    await h.run('copy t from stdin', [], [Buffer.from('1\tx\n\\'), Buffer.from('.\nrubbish\n')]);
    expect((await h.run('select * from t')).rows).toEqual([['1', 'x']]);
  });

  it.each([
    ['', '1\ta\r\n2\tb\r\n', '1 a, 2 b'],
    ['', '1\ta\r2\tb\r', '1 a, 2 b'],
    ['', '1\ta\r2\tb', '1 a, 2 b'],
    ['', '1\ta\r', '1 a'],
    ['', '1\ta\n2\tb\r\n', '22P04 literal carriage return found in data, line 2'],
    ['', '1\ta\n2\tb\r', '22P04 literal carriage return found in data, line 2'],
    ['', '1\ta\r\n2\tb\r3\tc\r\n', '22P04 literal carriage return found in data, line 2'],
    ['', '1\ta\r\n2\tb\r', '22P04 literal carriage return found in data, line 2'],
    ['', '1\ta\r\n2\tb\n', '22P04 literal newline found in data, line 2'],
    ['', '1\ta\r2\tb\n', '22P04 literal newline found in data, line 2'],
    ['', '1\ta\\\rb\n2\tc\n', '1 a\rb, 2 c'],
    ['', '1\ta\\\nb\r\n2\tc\r\n', '1 a\nb, 2 c'],
    ['', '1\ta\r\n\\.\r\nrubbish\n', '1 a'],
    ['', '1\ta\n2\tb\\.\nrubbish\n', '1 a, 2 b'],
    ['', '1\ta\n2\t\\.b\n', '22P04 end-of-copy marker corrupt, line 2'],
    ['', '1\t\\\\.\n', '1 \\.'],
    [' csv', '1,a\r2,b\r', '1 a, 2 b'],
    [' csv', '1,"a\r\nb\rc\nd"\r\n2,b\r\n', '1 a\r\nb\rc\nd, 2 b'],
    [' csv', '1,a\n2,b\r\n', '22P04 unquoted carriage return found in data, line 2'],
    [' csv', '1,a\r\n2,b\n', '22P04 unquoted newline found in data, line 2'],
    [' csv', '1,a\n2,"b\nc\n', '22P04 unterminated CSV quoted field, line 2: "2,"b\nc\n"'],
  ])('knows the ends of rows by the first: copy%s of %j', async (options, data, expected) => {
    const bytes = Buffer.from(data);
    for (const chunks of [[bytes], [...bytes].map((byte) => Buffer.of(byte))]) {
      const h = new Harness();
      await h.run('create table t(a int, b text)');
      let seen: string;
      try {
        await h.run(`copy t from stdin${options}`, [], chunks);
        const { rows } = await h.run('select * from t order by a');
        seen = rows.map((row) => row.join(' ')).join(', ');
      } catch (error) {
        const { sqlstate, message, fields } = error as QuoralError;
        seen = `${sqlstate} ${message}${fields.where?.replace('COPY t', '')}`;
      }
      expect(seen).toBe(expected);
    }
  });

  it('takes a row of megabytes in small chunks, in a time that its length tells', async () => {
    const h = new Harness();
    await h.run('create table t(a int, b text)');
    const value = 'x'.repeat(8 << 20);
    const bytes = Buffer.from(`1\t${value}\n2\ty\n`);
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 400) chunks.push(bytes.subarray(at, at + 400));
    expect((await h.run('copy t from stdin', [], chunks)).tag).toBe('COPY 2');
    expect((await h.run('select a, length(b) from t order by a')).rows).toEqual([
      ['1', String(value.length)],
      ['2', '1'],
    ]);
  });

  it('reports the line and column of what is wrong', async () => {
    const h = new Harness();
    await h.run('create table t(a int primary key, b text not null, c varchar(3))');
    const copy = (text: string): Promise<QuoralError> => failure(h.run('copy t from stdin', [], [Buffer.from(text)]));
    expect(await copy('1\tx\ty\n2\tx\n')).toMatchObject({
      sqlstate: '22P04',
      message: 'missing data for column "c"',
      fields: { where: 'COPY t, line 2: "2\tx"' },
    });
    expect(await copy('1\tx\ty\tz\n')).toMatchObject({
      sqlstate: '22P04',
      message: 'extra data after last expected column',
    });
    expect(await copy('q\tx\ty\n')).toMatchObject({
      sqlstate: '22P02',
      fields: { where: 'COPY t, line 1, column a: "q"' },
    });
    expect(await copy('1\tx\ty\n\n')).toMatchObject({
      sqlstate: '22P02',
      message: 'invalid input syntax for type integer: ""',
    });
    expect(await copy('99999999999\tx\ty\n')).toMatchObject({ sqlstate: '22003' });
    expect(await copy('1\t\\N\ty\n')).toMatchObject({
      sqlstate: '23502',
      fields: { column: 'b', where: 'COPY t, line 1: "1\t\\N\ty"' },
    });
    const csv = failure(h.run('copy t from stdin (format csv)', [], [Buffer.from('1,x,y\n2,,"a,"\n')]));
    expect(await csv).toMatchObject({ sqlstate: '23502', fields: { where: 'COPY t, line 2: "2,,"a,""' } });
    expect(await copy('1\tx\tlong\n')).toMatchObject({ sqlstate: '22001' });
    expect(await copy('1\tx\ty\n1\tx\ty\n')).toMatchObject({ sqlstate: '23505', fields: { where: 'COPY t, line 2' } });
    expect((await h.run('select count(*) from t')).rows).toEqual([['0']]);
  });

  it('refuses what it does not support, by name', async () => {
    const h = new Harness();
    await h.run('create table t(a int primary key)');
    expect(await failure(h.run("copy t from '/etc/passwd'"))).toMatchObject({ sqlstate: '0A000' });
    expect(await failure(h.run("copy t from program 'ls'"))).toMatchObject({ sqlstate: '0A000' });
    expect(await failure(h.run('copy t from stdin (format binary)'))).toMatchObject({ sqlstate: '22P04' });
    expect(await failure(h.run('copy t from stdin (nosuch 1)'))).toMatchObject({ sqlstate: '42601' });
    expect(await failure(h.run('copy t(nosuch) from stdin'))).toMatchObject({ sqlstate: '42703' });
    expect(await failure(h.run('copy nosuch from stdin'))).toMatchObject({ sqlstate: '42P01' });
  });

  it('fills defaults and given columns only', async () => {
    const h = new Harness();
    await h.run("create table t(a int primary key, b text default 'd', c int)");
    await h.run('copy t(c, a) from stdin with (freeze false)', [], [Buffer.from('5\t1\n6\t2\n')]);
    expect((await h.run('select * from t order by a')).rows).toEqual([
      ['1', 'd', '5'],
      ['2', 'd', '6'],
    ]);
    expect((await h.run('copy (select a, b from t order by a desc) to stdout')).copyOut).toBe('2\td\n1\td\n');
  });
});
