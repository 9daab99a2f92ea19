/** The parts of `npm run fuzz` that need no server. */
import { describe, expect, it } from 'vitest';
import { compare, compareGuarded } from '../../fuzz/judge.js';
import { clause, expression, plain, textOf } from '../../fuzz/pieces.js';
import { KINDS_OF_PROGRAMS, programOf } from '../../fuzz/program.js';
import type { Answer } from '../../fuzz/servers.js';
import { type Found, shrunk } from '../../fuzz/shrink.js';
import { initParser, parseSql } from '../../src/sql/parse/parser.js';

describe('programs', () => {
  it.each(KINDS_OF_PROGRAMS)('are the same for the same seed, and others for others: %s', (kind) => {
    const texts = (seed: number): string => programOf(seed, 50, true, kind).pieces.map(textOf).join(';\n');
    const [a, again, other] = [7, 7, 8].map(texts);
    expect(again).toBe(a);
    expect(other).not.toBe(a);
  });

  it('are of both kinds, each in its way', () => {
    expect([1, 2, 3, 4].map((seed) => programOf(seed, 1, true, null).guarded)).toEqual([false, false, true, false]);
  });

  it.each(KINDS_OF_PROGRAMS)('are SQL that the grammar takes: %s', async (kind) => {
    await initParser();
    for (let seed = 1; seed <= 20; seed++) {
      for (const piece of programOf(seed, 40, true, kind).pieces) {
        const text = textOf(piece);
        // Frames that end before they begin are meant to be wrong; the grammar is who says so.
        // So is a mistake between savepoints.
        if (/ (ROWS|RANGE|GROUPS) BETWEEN /.test(text) || text === 'SELEC') continue;
        expect(() => parseSql(text), text).not.toThrow();
      }
    }
  });
});

describe('a difference made small', () => {
  const call = expression('int4', 'broken(', expression('int4', '1 + ', expression('int4', 'a')), ')');
  const program = [
    plain('CREATE TABLE t (a int)'),
    plain('CREATE TABLE u (b int)'),
    plain('INSERT INTO u VALUES (1)'),
    plain('SELECT ', expression('int4', 'abs(', call, ')'), ' FROM t', clause(' WHERE ', expression('bool', 'a > 1'))),
    plain('SELECT 1'),
  ];

  it('keeps the statements and the parts that it needs', async () => {
    const run = async (statements: readonly string[]): Promise<Found | null> => {
      const at = statements.findIndex((text) => text.includes('broken('));
      return at >= 0 && statements.slice(0, at).includes('CREATE TABLE t (a int)') ? { at, text: `at ${at}` } : null;
    };
    const { statements, text } = await shrunk(run, program, (await run(program.map(textOf)))!);
    expect(statements[0]).toBe('CREATE TABLE t (a int)');
    expect(statements).toHaveLength(2);
    // The argument is made a constant; a negative one stands in parentheses.
    expect(statements[1]).toMatch(/^SELECT broken\(\(?[^()+]*\)?\) FROM t$/);
    expect(text).toBe('at 1');
  });
});

describe('the judge', () => {
  const rows = (...values: (string | null)[]): Answer => ({
    ok: true,
    types: [23],
    rows: values.map((value) => [value]),
    count: values.length,
  });
  const error = (sqlstate: string): Answer => ({ ok: false, sqlstate, message: 'no', more: '' });

  it.each([
    ['rows in any order', 'SELECT a FROM t', rows('1', '2'), rows('2', '1'), 'same'],
    ['an order that was asked for', 'SELECT a FROM t ORDER BY 1', rows('1', '2'), rows('2', '1'), 'differs'],
    ['a NULL and an empty text', 'SELECT a FROM t', rows(null), rows(''), 'differs'],
    ['a row more', 'SELECT a FROM t', rows('1'), rows('1', '1'), 'differs'],
    ['another type', 'SELECT a FROM t', rows('1'), { ...rows('1'), types: [20] } as Answer, 'differs'],
    ['the same error', 'SELECT', error('42703'), error('42703'), 'same'],
    ['another error', 'SELECT', error('42703'), error('42P01'), 'differs'],
    ['an error of a value on one side', 'SELECT', error('22012'), rows('1'), 'open'],
    ['another violated constraint', 'INSERT', error('23502'), error('23505'), 'open'],
    ['a violated constraint on one side', 'INSERT', error('23505'), rows(), 'differs'],
  ])('%s', (_name, text, ours, theirs, verdict) => {
    const found = compare(text, ours, theirs);
    expect(typeof found === 'string' ? found : 'differs').toBe(verdict);
  });

  it('leaves open of definitions which reason is told, and what is not there', () => {
    expect(compareGuarded('ALTER TABLE', error('42703'), error('42P01'))).toBe('open');
    expect(compareGuarded('ALTER TABLE', error('0A000'), rows())).toBe('open');
    expect(compareGuarded('ALTER TABLE', error('XX000'), error('42P01'))).not.toBe('open');
    expect(typeof compareGuarded('ALTER TABLE', error('42703'), rows())).toBe('object');
    expect(typeof compareGuarded('ALTER TABLE', rows(), error('0A000'))).toBe('object');
  });

  it('leaves open whether texts of two collations are compared, where something around decides that, and nothing else of it', () => {
    const conflict = error('42P22');
    expect(compare('SELECT 1 FROM a JOIN b ON true', conflict, rows())).toBe('open');
    expect(compare('SELECT x < y FROM a', conflict, rows())).not.toBe('open');
    expect(compare('SELECT 1 FROM a JOIN b ON true', conflict, error('42P21'))).not.toBe('open');
    expect(compare('SELECT CASE WHEN a THEN b END FROM l1 ORDER BY 1', rows('1', '2'), rows('2', '1'))).not.toBe(
      'open',
    );
  });

  it('leaves open what a newer PostgreSQL does otherwise, and only that', () => {
    const merge = { ...error('0A000'), message: 'cannot execute MERGE on relation "v"' } as Answer;
    expect(compare('MERGE INTO v', merge, rows(), 18)).toBe('open');
    expect(compare('MERGE INTO v', merge, rows(), 16)).not.toBe('open');
    expect(compare('SELECT 1', rows('1'), rows('2'), 18)).not.toBe('open');
  });
});
