import { beforeAll, describe, expect, it } from 'vitest';
import { keyText } from '../../../src/sql/functions/index-text.js';
import { Client, startServer } from '../support/server.js';

describe('expressions of indexes as text', () => {
  it.each([
    ['lower(s)', 'lower(s)'],
    ['COALESCE(a, b)', 'COALESCE(a, b)'],
    ['"left"(s, 3)', '"left"(s, 3)'],
    ['(a + b)', '((a + b))'],
    ['(v)::text', '((v)::text)'],
    ['COALESCE(a, b)::character varying(5)', '(COALESCE(a, b)::character varying(5))'],
  ])('%s as a key is %s', (sql, plain) => {
    expect(keyText(sql)).toBe(plain);
  });
});

describe('stored expressions in the pretty form', () => {
  let c: Client;
  beforeAll(async () => {
    c = await Client.open(await startServer());
    await c.all('CREATE TABLE t (a int, b int, f bool, email text, s text, "a)" int, value int)');
  });

  it.each([
    ['(a > 0)', 'a > 0'],
    ['f', 'f'],
    ['(NOT f)', 'NOT f'],
    ['((a > 5) AND (email IS NOT NULL))', 'a > 5 AND email IS NOT NULL'],
    ['(((a > 1) OR f) AND (b = (1 + 2)))', '(a > 1 OR f) AND b = (1 + 2)'],
    ['((a > 1) OR (b > 1))', 'a > 1 OR b > 1'],
    ["(s = ')'::text)", "s = ')'::text"],
    ['("a)" > 1)', '"a)" > 1'],
    ["((s = ' AND '::text) AND f)", "s = ' AND '::text AND f"],
    ['(value > 1)', 'value > 1'],
    ['((a)::text)::character varying(5)', 'a::text::character varying(5)'],
    ['CASE WHEN f THEN a ELSE b END', '\nCASE\n    WHEN f THEN a\n    ELSE b\nEND'],
    // Of no table, and no expression at all.
    ['(nowhere > 1)', '(nowhere > 1)'],
    ['<>', '<>'],
  ])('%s is shown as %s', async (sql, shown) => {
    const asked = `SELECT pg_get_expr('${sql.replaceAll("'", "''")}', 't'::regclass, true)`;
    expect((await c.rows(asked))[0]![0]).toBe(shown);
  });
});
