import { describe, expect, it } from 'vitest';
import { keyText } from '../../../src/sql/functions/index-text.js';
import { prettyExpression } from '../../../src/sql/functions/pretty-expression.js';

describe('expressions of indexes as text', () => {
  it.each([
    ['(a > 0)', 'a > 0'],
    ['f', 'f'],
    ['(NOT f)', 'NOT f'],
    ['((a > 5) AND (email IS NOT NULL))', 'a > 5 AND email IS NOT NULL'],
    ['(((a > 1) OR f) AND (b = (1 + 2)))', '(a > 1 OR f) AND b = (1 + 2)'],
    ['((a > 1) OR (b > 1))', 'a > 1 OR b > 1'],
    ["(s = ')'::text)", "s = ')'::text"],
    [`(s = E'\\\\\\'('::text)`, `s = E'\\\\\\'('::text`],
    [`("a)" > 1)`, `"a)" > 1`],
    ['(a + b), (c + d)', 'a + b, c + d'],
    ["((s = ' AND '::text) AND f)", "s = ' AND '::text AND f"],
  ])('%s is shown as %s', (sql, shown) => {
    expect(prettyExpression(sql)).toBe(shown);
  });

  it.each([
    ['lower(s)', 'lower(s)', 'lower(s)'],
    ['COALESCE(a, b)', 'COALESCE(a, b)', 'COALESCE(a, b)'],
    ['"left"(s, 3)', '"left"(s, 3)', '"left"(s, 3)'],
    ['(a + b)', '((a + b))', '(a + b)'],
    ['(v)::text', '((v)::text)', '(v::text)'],
    [
      'COALESCE(a, b)::character varying(5)',
      '(COALESCE(a, b)::character varying(5))',
      '(COALESCE(a, b)::character varying(5))',
    ],
    [
      'CASE WHEN f THEN 1 ELSE abs(b) END',
      '(CASE WHEN f THEN 1 ELSE abs(b) END)',
      '(CASE WHEN f THEN 1 ELSE abs(b) END)',
    ],
    ["f(')')", "f(')')", "f(')')"],
  ])('%s as a key', (sql, full, pretty) => {
    expect([keyText(sql), keyText(sql, true)]).toEqual([full, pretty]);
  });
});
