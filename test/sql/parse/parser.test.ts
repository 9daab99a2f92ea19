import { beforeAll, describe, expect, it } from 'vitest';
import { initParser, parseSql, moduleReplacements } from '../../../src/sql/parse/parser.js';
import { QuoralError } from '../../../src/base/errors.js';

beforeAll(() => initParser());

function failure(text: string): QuoralError {
  try {
    parseSql(text);
  } catch (error) {
    if (error instanceof QuoralError) return error;
    throw error;
  }
  throw new Error(`no error for ${text.slice(0, 60)}`);
}

describe('parser', () => {
  it('splits statements and keeps each one’s text', () => {
    const parsed = parseSql("  select 1 ; -- x\n insert into t values ('a;b', $2) ;; ");
    expect(parsed.map((s) => [s.kind, s.text, s.textOffset, s.parameterCount])).toEqual([
      ['SelectStmt', 'select 1', 2, 0],
      ['InsertStmt', "insert into t values ('a;b', $2)", 19, 2],
    ]);
    expect(parseSql('')).toEqual([]);
    expect(parseSql(' ; ')).toEqual([]);
    expect(parseSql('-- nothing')).toEqual([]);
  });

  it('reports syntax errors with PostgreSQL’s words and character positions', () => {
    expect(failure('selec 1')).toMatchObject({
      sqlstate: '42601',
      message: 'syntax error at or near "selec"',
      fields: { position: 1 },
    });
    expect(failure("select 'äöü😀' frm t x")).toMatchObject({ sqlstate: '42601', fields: { position: 19 } });
    expect(failure('select (1')).toMatchObject({ message: 'syntax error at end of input', fields: { position: 10 } });
    expect(failure("select 'a")).toMatchObject({ message: `unterminated quoted string at or near "'a"` });
  });

  it('gives locations in characters when the text is not ASCII', () => {
    const [statement] = parseSql("select 'ä', b");
    expect(JSON.stringify(statement?.node)).toContain('"location":12}}');
  });

  it('refuses NUL, and depth before it can harm the module', () => {
    expect(failure('select 1\0')).toMatchObject({ sqlstate: '22021' });
    const deep = [
      'select 1' + '+1'.repeat(20_000),
      'select ' + '('.repeat(20_000) + '1' + ')'.repeat(20_000),
      'select ' + 'not '.repeat(20_000) + 'true',
      'select ' + '- '.repeat(20_000) + 'x',
      'select ' + 'case when a then '.repeat(5_000) + '1' + ' end'.repeat(5_000),
      'select ' + 'f('.repeat(9_000),
      'select 1' + ' union select 1'.repeat(20_000),
      'select ' + '(select '.repeat(9_000),
      'select array' + '['.repeat(9_000),
      'select * from a' + ' cross join b'.repeat(9_000),
      'select 1' + '::int'.repeat(9_000),
      'select a' + ' collate "C"'.repeat(9_000),
      'select a' + ' is null'.repeat(9_000),
      'select ' + '('.repeat(1_000_000),
    ];
    for (let i = 0; i < 2; i++) for (const text of deep) expect(failure(text).sqlstate).toBe('54001');
    expect(moduleReplacements).toBe(0);
    expect(parseSql('select 1')).toHaveLength(1);
  });

  it('takes long flat statements', () => {
    expect(
      parseSql(`insert into t values ${Array.from({ length: 20_000 }, (_, i) => `(${-i}, 'x')`).join(', ')}`),
    ).toHaveLength(1);
    expect(parseSql(`select 1 where a = 1${' or a = 2 and b like c'.repeat(20_000)}`)).toHaveLength(1);
  });

  it('recognises our own statements', () => {
    const own = (text: string) =>
      parseSql(text).map((s) => ({ kind: s.kind, node: Object.values(s.node)[0], asOf: s.asOfSystemTime }));
    expect(own('alter table "T x" split at values (1, \'a\'), ($1, 2)')).toMatchObject([
      {
        kind: 'QuoralSplitAt',
        node: {
          relation: { schema: null, name: 'T x' },
          index: null,
          rows: [
            [{ A_Const: {} }, { A_Const: {} }],
            [{ ParamRef: { number: 1 } }, {}],
          ],
        },
      },
    ]);
    expect(own('SHOW RANGES FROM TABLE public.t; select 1')).toMatchObject([
      { kind: 'QuoralShowRanges', node: { relation: { schema: 'public', name: 't' } } },
      { kind: 'SelectStmt' },
    ]);
    expect(own('show ranges from index i')).toMatchObject([{ node: { relation: null, index: { name: 'i' } } }]);
    expect(own('show cluster setting kv.range.size')).toMatchObject([{ node: { name: 'kv.range.size' } }]);
    expect(own("set cluster setting a.b = '1'")).toMatchObject([
      { node: { name: 'a.b', value: { A_Const: { sval: { sval: '1' } } } } },
    ]);
    expect(own("select * from t as of system time '-10s' where a = 1")).toMatchObject([
      { kind: 'SelectStmt', asOf: "'-10s'" },
    ]);
    expect(own('select * from t as of system time now() - x')[0]?.asOf).toBe('now() - x');
    expect(own("begin as of system time '2020-01-01'::timestamptz")).toMatchObject([
      { kind: 'TransactionStmt', asOf: "'2020-01-01'::timestamptz" },
    ]);
    expect(own("set transaction as of system time -'1h'")).toMatchObject([{ kind: 'VariableSetStmt', asOf: "-'1h'" }]);
    expect(own("select 'as of system time' as system, split from ranges")).toMatchObject([
      { kind: 'SelectStmt', asOf: null },
    ]);
    expect(failure('show ranges from')).toMatchObject({ sqlstate: '42601', message: 'syntax error at end of input' });
    expect(failure('show ranges from table t x')).toMatchObject({
      message: 'syntax error at or near "x"',
      fields: { position: 26 },
    });
  });
});
