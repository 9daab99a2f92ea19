/**
 * PostgreSQL's scripts made ready to run on a server that has not their files: COPY from and to a file of the source's
 * tree becomes psql's \copy, and after every statement psql says that it is done and with which SQLSTATE. The tables that
 * most scripts read are made without inheritance and geometry, on both servers alike: otherwise all that reads them
 * would not be compared at all.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REGRESS_FOLDER } from './schedule.js';
import type { Outcome } from './psql.js';
import { failing } from './refused.js';
import { splitScript, type Statement } from './split.js';

/** Begins the line that psql writes after a statement: the statement's number and its SQLSTATE follow. */
export const MARK = '@@regress';

const SETUP = 'test_setup';
/** The columns of the tables that others of the setup inherit from. */
const INHERITED = {
  person: 'name text, age int4, location text',
  emp: 'salary int4, manager name',
  student: 'gpa float8',
  road: 'name text, thepath text',
};

export interface Script {
  readonly name: string;
  readonly statements: readonly Statement[];
}

export interface Folders {
  /** Of the unpacked PostgreSQL. */
  readonly source: string;
  /** For what a script writes. */
  readonly work: string;
}

export function readScript({ source, work }: Folders, name: string): Script {
  const folder = join(source, REGRESS_FOLDER);
  const text = readFileSync(join(folder, 'sql', `${name}.sql`), 'utf8');
  const own = name === SETUP ? withPlainTables(text) : text;
  return { name, statements: splitScript(clientFiles(own, { srcdir: folder, builddir: work })) };
}

/** The script that makes what the others read, with texts for points and paths, and a child's columns for its own. */
export function withPlainTables(text: string): string {
  const inherited = {
    emp: INHERITED.person,
    student: INHERITED.person,
    stud_emp: `${INHERITED.person}, ${INHERITED.emp}, ${INHERITED.student}`,
    ihighway: INHERITED.road,
    shighway: INHERITED.road,
  };
  const columns = (line: string): string =>
    line.replace(/^CREATE TABLE (\w+) \(/, (head, table: string) => {
      const more = (inherited as Record<string, string | undefined>)[table];
      if (more === undefined) return head;
      return `${head}${more}${line.includes('()') ? '' : ', '}`;
    });
  return text
    .split('\n')
    .map((line) =>
      columns(line)
        .replace(/\b(?:point|path)\b/, 'text')
        .replace(/ INHERITS \([\w, ]+\)/, ''),
    )
    .join('\n');
}

/** What is to fail: the statements' numbers, and how they failed on our server. */
export type Refused = ReadonlyMap<number, Outcome>;

/** The script with a mark after each statement. */
export function marked({ statements }: Script, refused: Refused = new Map()): string {
  const mark = (i: number): string => `\\echo '${MARK}' ${i} :SQLSTATE\n`;
  const sourceOf = (statement: Statement, i: number): string => {
    const here = refused.get(i);
    return here === undefined ? statement.source : failing(statement, here);
  };
  return statements
    .map((statement, i) => {
      const source = sourceOf(statement, i);
      return `${source}${source.endsWith('\n') ? '' : '\n'}${mark(i)}`;
    })
    .join('');
}

/**
 * `\set filename :abs_srcdir '/data/x'` and `COPY t FROM :'filename'` as `\copy t from '/…/x'`, which knows no
 * variables and must be on one line.
 */
export function clientFiles(text: string, folders: { readonly srcdir: string; readonly builddir: string }): string {
  let path: string | null = null;
  const lines = text.split('\n').map((line) => {
    const set = /^\\set filename :abs_(srcdir|builddir) '([^']*)'/.exec(line);
    if (set !== null) path = folders[set[1] as 'srcdir' | 'builddir'] + set[2]!;
    if (path === null || !/^copy .*:'filename'.*;\s*$/i.test(line)) return line;
    const rest = line.slice('copy'.length).trimEnd().replace(/;$/, '');
    return `\\copy${rest.replace(":'filename'", () => `'${path}'`)}`;
  });
  return lines.join('\n');
}
