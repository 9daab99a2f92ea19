/**
 * Expressions that take a backtracking engine for ever. What they match is compared with PostgreSQL's answers in
 * test/scripts/session/regular-expressions.sql.
 */
import { describe, expect, it } from 'vitest';
import { Regex } from '../../../src/sql/regex/regex.js';
import { optionsOf } from '../../../src/sql/regex/syntax.js';

const MANY = 'a'.repeat(200_000);

function all(pattern: string, text: string, flags = ''): string[] {
  const regex = new Regex(pattern, optionsOf(flags));
  return [...regex.matches(text)].map((match) => text.slice(...match[0]!));
}

describe('bombs', () => {
  it.each([
    ['(a+)+$', `${MANY}b`],
    ['(a*)*b', MANY],
    ['(a|aa)+$', `${MANY}b`],
    ['(.*)(.*)(.*)(.*)(.*)[0-9]', MANY],
    ['(x+x+)+y', 'x'.repeat(50_000)],
    ['x*y', 'x'.repeat(100_000)],
  ])('%s is answered in linear time', (pattern, text) => {
    expect(new Regex(pattern).test(text)).toBe(false);
    expect(all(pattern, text)).toEqual([]);
  });

  it.each([
    ['a.*b|a', 'a'.repeat(100_000)],
    ['(?=(a+)+b)a', 'a'.repeat(100_000)],
    ['(a*)(a*)(a*)\\1\\2\\3b|c', `${'a'.repeat(3_000)}bd`],
  ])('%s is given up', (pattern, text) => {
    expect(() => all(pattern, text)).toThrow('regular expression failed: regular expression is too complex');
  });

  it.each([
    ['((((a{1,100}){1,100}){1,100}){1,100})'],
    ['(((){255}){255}){255}'],
    ['('.repeat(20_000) + ')'.repeat(20_000)],
    ['(?:'.repeat(20_000) + ')'.repeat(20_000)],
    ['a'.repeat(200_000)],
  ])('too complex: %#', (pattern) => {
    expect(() => new Regex(pattern)).toThrow('regular expression is too complex');
  });

  it('tables that outgrow their memory begin anew', () => {
    const text = 'ab'.repeat(2_000) + 'b'.repeat(300);
    expect(all('[ab]*a[ab]{14}', text)[0]!.length).toBe(3_998 + 15);
  });
});

describe('characters', () => {
  it('outside of the basic plane are one each', () => {
    expect(all('.', 'a😀b')).toEqual(['a', '😀', 'b']);
    expect(all('[😀-😂]+', 'x😁😂y')).toEqual(['😁😂']);
    expect(all('', '😀')).toEqual(['', '']);
  });
  it('half of a pair does no harm', () => {
    expect(new Regex('.').test('\ud800')).toBe(true);
  });
});
