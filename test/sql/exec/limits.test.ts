/** Depth and size: whatever the grammar lets through is answered or refused with an SQLSTATE, never a crash. */
import { beforeAll, describe, expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import { initParser } from '../../../src/sql/parse/parser.js';
import { Harness } from '../support/harness.js';

beforeAll(() => initParser());

async function outcome(h: Harness, text: string): Promise<string> {
  try {
    const answer = await h.run(text);
    return answer.rows[0]?.[0] ?? 'none';
  } catch (error) {
    if (error instanceof QuoralError) return error.sqlstate;
    throw error;
  }
}

describe('limits', () => {
  it('answers or refuses deep expressions', async () => {
    const h = new Harness();
    await h.run('create table t(a int primary key)');
    const n = 1_400;
    expect(await outcome(h, `select 1${'+1'.repeat(700)}`)).toBe('701');
    const deep = [
      `select 1${'+1'.repeat(n)}`,
      `select ${'('.repeat(n)}1${')'.repeat(n)}`,
      `select ${'not '.repeat(n)}true`,
      `select ${'- '.repeat(n)}1`,
      `select ${'abs('.repeat(n)}1${')'.repeat(n)}`,
      `select 1${' union select 1'.repeat(n)}`,
      `select ${'(select '.repeat(n)}1${')'.repeat(n)}`,
      `select * from t${' cross join t'.repeat(n)}`,
      `select 1${'::int'.repeat(n)}`,
      `select ${'case when true then '.repeat(700)}1${' end'.repeat(700)}`,
      `select ${'array['.repeat(n)}1${']'.repeat(n)}`,
    ];
    for (const text of deep)
      expect(await outcome(h, text), text.slice(0, 40)).toMatch(
        /^(54001|42712|22\w{3}|42\w{3}|\d+|-\d+|t|f|true|\{.*)$/,
      );
    expect(await outcome(h, 'select 1')).toBe('1');
  });

  it('takes wide statements', async () => {
    const h = new Harness();
    await h.run('create table w(a int primary key, b text)');
    const rows = Array.from({ length: 5_000 }, (_, i) => `(${i}, 'v${i}')`).join(', ');
    expect((await h.run(`insert into w values ${rows}`)).tag).toBe('INSERT 0 5000');
    const list = Array.from({ length: 3_000 }, (_, i) => i * 2).join(', ');
    expect(await outcome(h, `select count(*) from w where a in (${list})`)).toBe('2500');
    expect(
      await outcome(
        h,
        `select count(*) from w where ${Array.from({ length: 500 }, (_, i) => `b = 'v${i}'`).join(' or ')}`,
      ),
    ).toBe('500');
  });
});
