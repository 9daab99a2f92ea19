/** The parts of `npm run regress` that need no server. */
import { describe, expect, it } from 'vitest';
import { Classifier, namesMadeBy, UNCLASSIFIED, type Verdict } from '../../regress/classify.js';
import { firstDifference, foldWidths, sameOutcome } from '../../regress/compare.js';
import { page } from '../../regress/document.js';
import { outcomesOf } from '../../regress/psql.js';
import { parseReasons } from '../../regress/reasons.js';
import { failing, refusedAlone } from '../../regress/refused.js';
import { blanks, findings, table } from '../../regress/report.js';
import { parseSchedule } from '../../regress/schedule.js';
import { clientFiles, marked, withPlainTables } from '../../regress/scripts.js';
import { beginningOf, splitScript } from '../../regress/split.js';

const texts = (script: string): string[] => splitScript(script).map(({ text }) => text);

describe('a script', () => {
  it('is cut where psql ends a statement', () => {
    expect(texts("SELECT ';', 1; -- no; end\nSELECT $a$;$$;$a$;\nSELECT E'\\';', \";\" /* ; /* ; */ ; */;")).toEqual([
      "SELECT ';', 1;",
      'SELECT $a$;$$;$a$;',
      "SELECT E'\\';', \";\" /* ; /* ; */ ; */;",
    ]);
    expect(texts('CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3')).toEqual([
      'CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);',
      'SELECT 3',
    ]);
    expect(texts('SELECT a$1$b; SELECT 2;')).toEqual(['SELECT a$1$b;', 'SELECT 2;']);
  });

  it('keeps the body of BEGIN ATOMIC together', () => {
    const body = 'CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;';
    expect(texts(`${body} SELECT 3;`)).toEqual([body, 'SELECT 3;']);
    expect(texts('BEGIN; SELECT 1; END;')).toEqual(['BEGIN;', 'SELECT 1;', 'END;']);
  });

  it('ends a statement with a backslash command that sends it', () => {
    expect(texts('SELECT 1\n\\gset x_\n\\d t\nSELECT 2 \\; SELECT 3;\nSELECT 4\n\\pset null x\n;\n')).toEqual([
      'SELECT 1\n\\gset x_',
      '\\d t',
      'SELECT 2 \\; SELECT 3;',
      'SELECT 4\n\\pset null x\n;',
    ]);
  });

  it('keeps inline data with their COPY, and every character', () => {
    const script = "\n-- first\nCOPY t FROM stdin;\n1;\n'\n\\.\nSELECT 1;\n-- last";
    const statements = splitScript(script);
    expect(statements.map(({ text, line }) => [text, line])).toEqual([
      ['COPY t FROM stdin;', 3],
      ['SELECT 1;', 7],
    ]);
    expect(statements.map(({ source }) => source).join('')).toBe(script.slice(0, -'\n-- last'.length));
  });

  it('has beginnings on one line, without the semicolon', () => {
    expect(beginningOf('SELECT\n\t 1 ;')).toBe('SELECT 1');
    expect(beginningOf(`SELECT '${'x'.repeat(100)}'`)).toHaveLength(80);
  });

  it('reads the files of the source through the client', () => {
    const text = "\\set filename :abs_srcdir '/data/a$&b.data'\nCOPY t (a) FROM :'filename' CSV;\nCOPY t FROM stdin;";
    expect(clientFiles(text, { srcdir: '/s', builddir: '/b' }).split('\n')).toEqual([
      "\\set filename :abs_srcdir '/data/a$&b.data'",
      "\\copy t (a) FROM '/s/data/a$&b.data' CSV",
      'COPY t FROM stdin;',
    ]);
  });

  it('makes the tables of the setup without inheritance and geometry', () => {
    expect(withPlainTables('CREATE TABLE emp (\n\tsalary int4\n) INHERITS (person);').replace(/\s+/g, ' ')).toBe(
      'CREATE TABLE emp (name text, age int4, location text, salary int4 );',
    );
    expect(withPlainTables('CREATE TABLE ihighway () INHERITS (road);')).toBe(
      'CREATE TABLE ihighway (name text, thepath text);',
    );
    expect(withPlainTables('CREATE TABLE P(f1 point);')).toBe('CREATE TABLE P(f1 text);');
  });

  it('comes after those that its schedule has before it', () => {
    expect(parseSchedule('# test: none\ntest: a b\n\nignore: c\ntest: c\n')).toEqual(['a', 'b', 'c']);
  });
});

describe('what psql wrote', () => {
  it('belongs to the statement whose mark comes next', () => {
    const statements = splitScript('SELECT 1;\n\\echo -n x\nSELECT 2;\nSELECT 3;');
    expect(
      marked({ name: 's', statements })
        .split('\n')
        .filter((line) => line.includes('@@')),
    ).toHaveLength(4);
    const output =
      "a\n\n@@regress 0 00000\nx@@regress 1 00000\n\\echo '@@regress' 2\nERROR:  b\n@@regress 3 42601\nafter\n";
    expect(outcomesOf(output, 5)).toEqual([
      { lines: ['a'], sqlstate: '00000' },
      { lines: ['x'], sqlstate: '00000' },
      { lines: [], sqlstate: null },
      { lines: ['ERROR:  b'], sqlstate: '42601' },
      { lines: ['after'], sqlstate: null },
    ]);
  });
});

const outcome = (text: string, sqlstate = '00000') => ({ lines: text.split('\n'), sqlstate });
const failure = (sqlstate: string, message: string) => outcome(`ERROR:  ${message}`, sqlstate);

describe('outcomes', () => {
  it('are the same whatever the width of columns, and the order of rows without ORDER BY', () => {
    const [a, b] = [outcome(' a | b\n---+---\n 1 | x\n 2 | y'), outcome(' a  | b\n----+-\n 2  | y\n 1  | x')];
    expect(sameOutcome('SELECT', a, b)).toBe(true);
    expect(sameOutcome('SELECT … order\nby a', a, b)).toBe(false);
    expect(foldWidths('-[ RECORD 1 ]-+----')).toBe(foldWidths('-[ RECORD 1 ]----+--'));
  });

  it('differ by SQLSTATE, by space within values and by the place of an error', () => {
    expect(sameOutcome('SELECT', outcome('a', '00000'), outcome('a', '42601'))).toBe(false);
    expect(sameOutcome('\\d', outcome('a', '00000'), outcome('a', '42601'))).toBe(true);
    expect(sameOutcome('SELECT', outcome(' a  b '), outcome(' a b '))).toBe(false);
    expect(sameOutcome('SELECT', outcome('LINE 1: x\n    ^'), outcome('LINE 1: x\n   ^'))).toBe(false);
    expect(firstDifference(outcome('a\nb'), outcome('a'))).toEqual(['b', '(nothing more)']);
  });
});

type Outcomes = readonly (readonly [
  sql: string,
  there: ReturnType<typeof outcome>,
  here: ReturnType<typeof outcome>,
])[];

function classified(outcomes: Outcomes, reasons = ''): Verdict {
  const statements = splitScript(outcomes.map(([sql]) => sql).join('\n'));
  const [there, here] = [1, 2].map((i) => outcomes.map((one) => one[i as 1 | 2]));
  return new Classifier().script({ name: 's', statements }, there!, here!, parseReasons('s', reasons));
}
const reasonsOf = ({ differences }: Verdict): string[] => differences.map(({ reason }) => reason);
const done = outcome('');

describe('a difference', () => {
  it('is what a 0A000 says, and what follows from it', () => {
    const refused = failure('0A000', 'triggers are not supported');
    const verdict = classified([
      ['CREATE TRIGGER g BEFORE INSERT ON t;', done, refused],
      ['DROP TRIGGER g ON t;', done, failure('42704', 'no g')],
      ['SELECT 1;', outcome('1'), outcome('2')],
      ['CREATE TRIGGER g BEFORE INSERT ON t;', done, done],
      ['DROP TRIGGER g ON t;', done, failure('42704', 'no g')],
      ['SELECT 2;', failure('0A000', 'no triggers'), failure('0A000', 'triggers')],
    ]);
    expect(reasonsOf(verdict)).toEqual(['triggers', 'follows', UNCLASSIFIED, UNCLASSIFIED, UNCLASSIFIED]);
  });

  it('does not follow from a name that is only a backslash command', () => {
    const verdict = classified([
      ['ALTER TABLE t ADD COLUMN d box;', done, failure('0A000', 'type "box" is not supported')],
      ['\\d t', outcome('a'), outcome('b')],
      ['\\d d', outcome('a'), outcome('')],
    ]);
    expect(reasonsOf(verdict)).toEqual(['geometry', UNCLASSIFIED, 'follows']);
  });

  it('follows where only one block is aborted', () => {
    const aborted = failure('25P02', 'current transaction is aborted, commands ignored until end of transaction block');
    const verdict = classified([
      ['SELECT 1;', done, failure('42601', 'x')],
      ['SELECT 2;', outcome('2'), aborted],
      ['ROLLBACK;', done, done],
      ['SELECT 3;', outcome('3'), aborted],
    ]);
    expect(reasonsOf(verdict)).toEqual([UNCLASSIFIED, 'follows', UNCLASSIFIED]);
  });

  it('has the reason that its line says, which holds for all with the same beginning', () => {
    const one = ['SELECT  1;', outcome('1'), outcome('2')] as const;
    const verdict = classified([one, one, ['SELECT 2;', done, outcome('x')]], 'SELECT 1\tplanner\tx\n*\trules\tall\n');
    expect(reasonsOf(verdict)).toEqual(['planner', 'planner', 'rules']);
    expect(verdict.stale).toEqual([]);
  });

  it('is wrong where only the text was said to differ and the SQLSTATE does', () => {
    const reasons = 'SELECT 1\ttext\t\nSELECT 2\ttext\t';
    const verdict = classified(
      [
        ['SELECT 1;', failure('42601', 'a'), failure('42601', 'b')],
        ['SELECT 2;', failure('42601', 'a'), failure('42703', 'a')],
      ],
      reasons,
    );
    expect(reasonsOf(verdict)).toEqual(['text', 'wrong']);
  });

  it('is wrong where only the order was said to differ and the rows do', () => {
    const sql = (column: number): string => `SELECT ${column} ORDER BY 1;`;
    const verdict = classified(
      [
        [sql(1), outcome('1\n2'), outcome('2\n1')],
        [sql(2), outcome('1\n2'), outcome('1\n3')],
      ],
      `${sql(1)}\tmemory-order\t\n${sql(2)}\tmemory-order\t`,
    );
    expect(reasonsOf(verdict)).toEqual(['memory-order', 'wrong']);
  });

  it('is missed by a line that nothing needs', () => {
    const verdict = classified([['SELECT 1;', done, done]], 'SELECT 1\tplanner\tx\n*\trules\tall');
    expect(verdict.stale.map(({ beginning }) => beginning)).toEqual(['SELECT 1', '*']);
    expect(findings([verdict])).toContain('s.tsv: SELECT 1 (planner)');
  });

  it('has no reason that is not known', () => {
    expect(() => parseReasons('s', 'SELECT 1\t?\tx')).toThrow('s.tsv, line 1: there is no reason "?"');
  });

  it('is told in a table, and where none explains it in full', () => {
    const verdict = classified(
      [
        ['SELECT 1;', outcome('1'), outcome('2')],
        ['SELECT 2;', outcome('1'), outcome('2')],
      ],
      'SELECT 2\twrong\tadds 1',
    );
    expect(table([verdict]).split('\n')[1]).toMatch(/^s +2 +0 +unclassified 1, wrong 1$/);
    expect(findings([verdict])).toContain('s:1: SELECT 1\n    P 1\n    Q 2');
    expect(findings([verdict])).toContain('s:2: SELECT 2 (adds 1)');
    expect(blanks(verdict.differences)).toBe('SELECT 1\t?\tP 1 Q 2\n');
  });
});

describe('what only we refuse', () => {
  const refused = failure('0A000', 'no triggers');
  const last = (script: string) => splitScript(script).at(-1)!;

  it('is replaced on PostgreSQL in stages, and no backslash command is', () => {
    const statements = splitScript('SELECT 1;\nSELECT 2;\nSELECT 3;\nSELECT 4;\n\\d t\n\\copy t from x\n');
    const there = statements.map(() => done);
    there[3] = failure('42601', 'x');
    const here = [refused, failure('42601', 'x'), failure('42P01', 'x'), refused, refused, refused];
    const stages = [0, 1, 2].map((stage) => refusedAlone(statements, there, here, stage));
    expect(stages).toEqual([
      [0, 5],
      [0, 1, 5],
      [0, 1, 2, 5],
    ]);
  });

  it('waits where it names what another would have made', () => {
    const statements = splitScript('CREATE VIEW v AS SELECT 1;\nSELECT * FROM v;\nSELECT 3;');
    const there = statements.map(() => done);
    const here = statements.map(() => failure('42P01', 'x'));
    expect(refusedAlone(statements, there, here, 2)).toEqual([0, 2]);
    expect(refusedAlone(statements, [failure('22P02', 'x'), done, done], here, 2)).toEqual([1, 2]);
  });

  it('fails on any server, on as many lines, and ends a block where it would', () => {
    const before = 'SELECT 1;\n-- SELECT\n';
    expect(failing(last(`${before}SELECT\n2; `), refused)).toBe(
      "\n-- SELECT\nSELECT CAST('refused' AS pg_catalog.int4);\n",
    );
    expect(failing(last('SELECT 1 \\gset\n'), refused)).toBe("SELECT CAST('refused' AS pg_catalog.int4);\n");
    expect(failing(last('COMMIT;'), refused)).toBe('ROLLBACK;');
  });

  it('leaves data to psql that COPY did not come to', () => {
    const copy = last('COPY t FROM stdin;\n1\n\\.\n');
    expect(failing(copy, refused)).toMatch(/;\n1\n\\\.\n$/);
    expect(failing(copy, outcome('ERROR:  x\nCONTEXT:  COPY t, line 1', '22P02'))).not.toContain('1');
  });

  it('excuses what then gives the same, and nothing else', () => {
    const rows: Outcomes = [
      ['CREATE TRIGGER g;', done, refused],
      ['SELECT 1;', outcome('1'), outcome('2')],
      ['SELECT 2 FROM g;', outcome('1'), outcome('2')],
      ['SELECT 3;', outcome('1'), outcome('1')],
    ];
    const statements = splitScript(rows.map(([sql]) => sql).join('\n'));
    const without = [failure('22P02', 'x'), outcome('2'), outcome('3'), outcome('3')];
    const [there, here] = [rows.map(([, a]) => a), rows.map(([, , b]) => b)];
    const proof = { refused: new Map([[0, refused]]), without };
    const verdict = new Classifier().script({ name: 's', statements }, there, here, [], proof);
    expect(reasonsOf(verdict)).toEqual(['triggers', 'follows', UNCLASSIFIED]);
    expect(verdict.differences[2]!.lines).toEqual(['3', '2']);
  });
});

describe('what a statement makes', () => {
  it.each([
    ['CREATE TEMP TABLE IF NOT EXISTS s."T 1" (a int)', ['T 1']],
    ['CREATE OR REPLACE FUNCTION Fx() RETURNS int', ['fx']],
    ['SELECT 1 INTO newtab FROM t', ['newtab']],
    ['ALTER TABLE t RENAME TO u1', ['u1']],
    ['ALTER TABLE t ADD COLUMN more int', ['more']],
    ['DECLARE cur CURSOR FOR SELECT 1', ['cur']],
    ['SELECT 1', []],
  ])('%s', (sql, names) => expect(namesMadeBy(sql)).toEqual(names));
});

describe('the document', () => {
  it('counts classes, and causes of what is wrong or missing', () => {
    const statement = splitScript('SELECT 1;')[0]!;
    const of = (script: string, reason: string, words: string): Verdict['differences'][number] => ({
      script,
      statement,
      reason,
      words,
      lines: ['', ''],
    });
    const verdicts: Verdict[] = [
      {
        script: 'b',
        statements: 1500,
        differences: [of('b', 'missing', 'x | y'), of('b', 'xml', ''), of('b', 'xml', ''), of('b', 'follows', '')],
        stale: [],
      },
      { script: 'a', statements: 10, differences: [of('a', 'missing', 'x | y'), of('a', 'missing', 'z')], stale: [] },
    ];
    const text = page(verdicts, { commit: 'abc', peer: '15.20', source: '15.18' }, 1234);
    expect(text).toContain('All 2 scripts');
    expect(text).toContain('PostgreSQL 15.20 and on one node built from commit abc');
    expect(text).toContain('Of 1,510 statements 1,504 (99.6 %) gave the same');
    expect(text).toContain('the 1,234 statements that fail here alone');
    expect(text).toContain('Each of the other 5 has a reason');
    expect(text.split('\n').filter((line) => line.startsWith('| `'))).toEqual([
      '| `missing` | a feature of the language, a function, a catalog that is not there: [below](#missing) | 3 |',
      '| `follows` | the same once what is refused here is refused there too: proved | 1 |',
      '| `xml` | `xml` | 2 |',
    ]);
    expect(text).toContain('| x \\| y | 2 | `a`, `b` |\n| z | 1 | `a` |');
    expect(text).toContain('## Wrong\n\nNothing.');
  });
});
