import { describe, expect, it } from 'vitest';
import { formatServerError } from '../../src/cli/sql.js';
import { parseUrl } from '../../src/cli/sql-client.js';
import { StatementSplitter } from '../../src/cli/statement-splitter.js';
import { formatExpanded, formatTable, width } from '../../src/cli/table.js';

function split(text: string): { statements: string[]; rest: string } {
  const splitter = new StatementSplitter();
  const statements = text.split('\n').flatMap((line) => splitter.push(line));
  return { statements, rest: splitter.take() };
}

describe('statements', () => {
  it('end at a semicolon', () => {
    expect(split('select 1; select\n2;\nselect 3')).toEqual({
      statements: ['select 1;', 'select\n2;'],
      rest: 'select 3',
    });
  });

  it.each([
    ['a string', "select ';''; '';';"],
    ['an escape string', "select e'\\';';"],
    ['a name', 'select ";" as "a""; b";'],
    ['a dollar quote', 'do $x$ ; $y$ ; $$ ; $x$;'],
    ['a plain dollar quote', 'select $$;$$;'],
    ['a line comment', 'select 1 -- no; end\n;'],
    ['nested comments', 'select 1 /* ; /* ; */ ; */ ;'],
    ['a parameter that looks like a dollar quote', 'select $1, a$b$ from t;'],
    ['a string that only looks like an escape string', "select name'\\';"],
  ])('do not end inside of %s', (_, text) => {
    expect(split(text)).toEqual({ statements: [text], rest: '' });
  });

  it('are skipped when empty', () => {
    expect(split(';; \n ;')).toEqual({ statements: [], rest: '' });
  });

  it('show what is open', () => {
    const splitter = new StatementSplitter();
    expect(splitter.open).toBe('');
    for (const [line, open] of [
      ['select', '-'],
      ["'a", "'"],
      ['\' || "b', '"'],
      ['" /*', '*'],
      ['*/ $t$', '$'],
      ['$t$', '-'],
    ] as const) {
      splitter.push(line);
      expect(splitter.open, line).toBe(open);
    }
  });
});

describe('tables', () => {
  const columns = [
    { name: 'id', right: true },
    { name: 'name', right: false },
  ];

  it('are aligned, with numbers to the right', () => {
    const rows = [
      ['1', 'Ann'],
      ['200', null],
    ];
    expect(formatTable(columns, rows, true)).toBe(
      [' id  | name', '-----+------', '   1 | Ann', ' 200 | NULL', ''].join('\n'),
    );
    expect(formatTable(columns, rows, false)).toBe('   1 | Ann\n 200 | NULL\n');
  });

  it('show one column a line when expanded', () => {
    expect(formatExpanded(columns, [['7', 'x']], 3)).toBe('-[ RECORD 3 ]----\nid   | 7\nname | x\n');
  });

  it('count wide and combining characters as terminals do', () => {
    expect(width('日本')).toBe(4);
    expect(width('e\u0301')).toBe(1);
    expect(width('naïve')).toBe(5);
  });

  it('let no control character through to the terminal', () => {
    const text = formatTable([{ name: 'a\u001b[2J', right: false }], [['\u001b]0;x\u0007\n\u009b1m']], true);
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
});

describe('errors', () => {
  it('show SQLSTATE, the line and the place', () => {
    const fields = { S: 'ERROR', C: '42703', M: 'column "y" does not exist', P: '11', H: 'Use x.' };
    expect(formatServerError(fields, 'select x,\ny from t')).toBe(
      ['ERROR:  42703: column "y" does not exist', 'LINE 2: y from t', '        ^', 'HINT:  Use x.', ''].join('\n'),
    );
  });

  it('count characters, not UTF-16 units', () => {
    const fields = { S: 'ERROR', C: '42601', M: 'm', P: '4' };
    expect(formatServerError(fields, '😀😀 x')).toContain('\n           ^');
  });
});

describe('URLs', () => {
  it('have defaults', () => {
    expect(parseUrl('postgresql://')).toEqual({
      address: '127.0.0.1:7432',
      user: 'postgres',
      database: 'postgres',
    });
    expect(parseUrl('postgres://a%40b@[::1]:5/d')).toEqual({
      address: '[::1]:5',
      user: 'a@b',
      database: 'd',
    });
  });

  it('are refused when they are none', () => {
    expect(() => parseUrl('localhost')).toThrow('invalid URL');
    expect(() => parseUrl('http://localhost')).toThrow('postgresql://');
  });
});
