import { describe, expect, it } from 'vitest';
import { Numeric, type Datum } from '../../../src/sql/types/datum.js';
import { formatNumeric } from '../../../src/sql/types/numeric.js';
import { numberOf, stringOf, writtenLiterals } from '../../../src/sql/parse/written-literals.js';

function shownNumber(value: Datum): string {
  return value instanceof Numeric ? formatNumeric(value) : String(value);
}

/** The template with the marks made visible, and the literals' values. */
function shown(text: string): string {
  const written = writtenLiterals(text);
  if (written === null) return 'none';
  const values = written.literals.map((literal) =>
    literal.kind === 's'
      ? JSON.stringify(stringOf(text, literal))
      : shownNumber(numberOf(text, literal, literal.minus >= 0 && /= ?- ?$/.test(text.slice(0, literal.start)))),
  );
  return `${written.template.replaceAll('\x01', '?')} | ${values.join(' ')}`;
}

describe('literals as they are written', () => {
  it.each([
    ['select a from t where b = 1', 'select a from t where b = ?i | 1'],
    ["SELECT 'it''s', ''", 'SELECT ?s, ?s | "it\'s" ""'],
    [
      'select 2147483647, 2147483649, 999999999999999999',
      'select ?i, ?l, ?l | 2147483647 2147483649 999999999999999999',
    ],
    [
      'select 1 from t where a = -5 and b = - 2147483649',
      'select ?i from t where a = -?i and b = - ?l | 1 -5 -2147483649',
    ],
    ['select 1 from t where a = -0', 'select ?i from t where a = -?i | 1 0'],
    ['select a-1, a -1', 'select a-?i, a -?i | 1 1'],
    // One more could be of either type; one in other digits is left as it is.
    [
      'select 2147483648, 9223372036854775808, 1e5, 0x1F, 1.5e3 from t where a = 1',
      'select 2147483648, 9223372036854775808, 1e5, 0x1F, 1.5e3 from t where a = ?i | 1',
    ],
    ['select 1.50, .5, 7.', 'select ?d, ?d, ?d | 1.50 0.5 7'],
    // What has a prefix is another kind of string.
    [
      "select E'a', B'1', X'1F', N'a', $$b$$, $x$c$x$, 'd'",
      "select E'a', B'1', X'1F', N'a', $$b$$, $x$c$x$, ?s | \"d\"",
    ],
    ['select "a1", a1, t1.c2 /* 3 */ -- 4\n, 5', 'select "a1", a1, t1.c2 /* 3 */ -- 4\n, ?i | 5'],
    ["with x as (select 1) update t set a = '1;2'", 'with x as (select ?i) update t set a = ?s | 1 "1;2"'],
    ["select 'not closed", 'select ?s | "not close"'],
    ['begin', 'none'],
    ['commit 1', 'none'],
    ['select a from t', 'none'],
    ['select a from t where b = $1 and c = 2', 'none'],
    ['select \x01i, 1', 'none'],
    ['', 'none'],
  ])('%s', (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  it('gives up on lists of many', () => {
    const list = (n: number): string => `select * from t where a in (${Array.from({ length: n }, () => '1').join()})`;
    expect(writtenLiterals(list(100))?.literals.length).toBe(100);
    expect(writtenLiterals(list(101))).toBeNull();
    expect(writtenLiterals(`select '${'x'.repeat(20_000)}'`)).toBeNull();
  });
});
