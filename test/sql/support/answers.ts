/**
 * Scripts of statements with PostgreSQL's answers: NAME.sql is run in order, and what comes out must equal NAME.out,
 * which was recorded from PostgreSQL 15. Rows are sorted unless the statement says ORDER BY.
 *
 * With QUORAL_ORACLE=host:port (a scratch PostgreSQL, user postgres; PGPASSWORD as for psql) UPDATE_SCRIPTS=1 records
 * them anew, each in an empty database.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import { expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';

const ORACLE = process.env['QUORAL_ORACLE'];
const DATABASE = process.env['QUORAL_ORACLE_DATABASE'] ?? 'quoral_scripts';

export type Values = readonly (string | null)[];

/** What PostgreSQL said to one statement. */
export interface OracleAnswer {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
  readonly rows: readonly Values[];
  readonly tag: string;
}

/** How answers are written. */
export interface AnswerForm {
  /** Ours: of one statement after the other on a new, empty database. */
  readonly open: () => Promise<(statement: string) => Promise<string>>;
  readonly oracle: (statement: string, answer: OracleAnswer) => string;
  readonly notices: boolean;
  /** Of errors and notices every field, and the rows that came before an error. */
  readonly everything?: true;
  /** Scripts that are not run. */
  readonly except?: readonly string[];
}

export function rowsText(statement: string, columns: readonly string[], rows: readonly Values[]): string {
  const lines = rows.map((r) => r.map((v) => (v === null ? 'NULL' : v)).join('|'));
  if (!/order by/i.test(statement)) lines.sort();
  return [columns.join(' '), ...lines].join('\n');
}

interface Failure {
  readonly sqlstate: string;
  readonly message: string;
  readonly detail: string | undefined;
  readonly position: string | number | undefined;
}

function failureText({ sqlstate, message, detail, position }: Failure): string {
  const shown = detail === undefined ? '' : ` | ${detail}`;
  return `ERROR ${sqlstate} ${message}${shown}${position === undefined ? '' : ` @${position}`}`;
}

const FIELDS = [
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
] as const;
export type ToldFields = { readonly [field in (typeof FIELDS)[number]]?: string | number | undefined };

/** An error or a notice with all that it says, a line for each field. */
export function wholeText(severity: string, sqlstate: string, message: string, fields: ToldFields): string {
  const lines = FIELDS.flatMap((field) => {
    const value = fields[field];
    return value === undefined ? [] : [`  ${field}: ${String(value).replaceAll('\n', '\n    ')}`];
  });
  return [`${severity} ${sqlstate} ${message}`, ...lines].join('\n');
}

/** Of an error of ours; anything else is thrown on. */
export function errorText(error: unknown): string {
  if (!(error instanceof QuoralError)) throw error;
  const { detail, position } = error.fields;
  return failureText({ sqlstate: error.sqlstate, message: error.message, detail, position });
}

/** Statements end with a semicolon at the end of a line; lines that begin with -- are comments. */
function statementsOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('--'))
    .join('\n')
    .split(/;\s*\n/)
    .map((s) => s.trim())
    .filter((s) => s !== '');
}

async function transcript(statements: readonly string[], ask: (statement: string) => Promise<string>): Promise<string> {
  let text = '';
  for (const statement of statements) text += `${statement};\n----\n${await ask(statement)}\n\n`;
  return text;
}

/** One of the driver's notices or errors. */
type Said = ToldFields & { readonly severity: string; readonly code: string; readonly message: string };

async function wholeOracleText(client: pg.Client, statement: string, form: AnswerForm): Promise<string> {
  const said: string[] = [];
  const told = (m: Said): string => wholeText(m.severity, m.code, m.message, m);
  const onNotice = (n: unknown): void => void said.push(told(n as Said));
  const rows: Values[] = [];
  let tag = '';
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
  const onTag = (message: { text: string }): void => void (tag = message.text);
  client.on('notice', onNotice);
  connection.on('commandComplete', onTag);
  const types = { getTypeParser: () => (value: string) => value };
  const config = { text: statement, rowMode: 'array', types } as unknown as pg.QueryArrayConfig;
  const query = new pg.Query(config);
  query.on('row', (row) => void rows.push(row as unknown as Values));
  const text = await new Promise<string>((resolve) => {
    query.on('end', (result) => resolve(form.oracle(statement, { fields: result.fields, rows, tag })));
    query.on('error', (error) => resolve([...rowLines(rows), told(error as unknown as Said)].join('\n')));
    client.query(query);
  });
  connection.off('commandComplete', onTag);
  client.off('notice', onNotice);
  return [...said, text].join('\n');
}

/** What came before an error, in the order in which it came. */
export function rowLines(rows: readonly Values[]): string[] {
  return rows.map((r) => `row ${r.map((v) => v ?? 'NULL').join('|')}`);
}

async function oracleText(client: pg.Client, statement: string, form: AnswerForm): Promise<string> {
  const notices: string[] = [];
  const onNotice = (n: { severity?: string | undefined; message?: string | undefined }): void =>
    void notices.push(`${n.severity}: ${n.message}`);
  let tag = '';
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
  const onTag = (message: { text: string }): void => void (tag = message.text);
  client.on('notice', onNotice);
  connection.on('commandComplete', onTag);
  let text: string;
  try {
    const types = { getTypeParser: () => (value: string) => value };
    const query = { text: statement, rowMode: 'array', types } as unknown as pg.QueryArrayConfig;
    const { fields, rows } = (await client.query(query)) as unknown as Omit<OracleAnswer, 'tag'>;
    text = form.oracle(statement, { fields, rows, tag });
  } catch (error) {
    const e = error as { code: string; message: string; detail?: string; position?: string };
    text = failureText({ sqlstate: e.code, message: e.message, detail: e.detail, position: e.position });
  }
  connection.off('commandComplete', onTag);
  client.off('notice', onNotice);
  return form.notices ? [...notices, text].join('\n') : text;
}

async function recorded(statements: readonly string[], oracle: string, form: AnswerForm): Promise<string> {
  const [host, port] = oracle.split(':');
  const server = { host: host!, port: Number(port), user: 'postgres' };
  const first = new pg.Client({ ...server, database: 'postgres' });
  await first.connect();
  await first.query(`DROP DATABASE IF EXISTS ${DATABASE}`);
  await first.query(`CREATE DATABASE ${DATABASE}`);
  await first.end();
  const client = new pg.Client({ ...server, database: DATABASE });
  await client.connect();
  await client.query('SET timezone TO UTC');
  const text = await transcript(statements, (statement) =>
    form.everything === true ? wholeOracleText(client, statement, form) : oracleText(client, statement, form),
  );
  await client.end();
  return text;
}

/** A test for each script of the folder. */
export function answerScripts(folder: URL, form: AnswerForm): void {
  const files = readdirSync(folder).filter((f) => f.endsWith('.sql') && form.except?.includes(f) !== true);
  it.each(files.sort())('%s', async (file) => {
    const statements = statementsOf(readFileSync(new URL(file, folder), 'utf8'));
    const out = new URL(file.replace('.sql', '.out'), folder);
    if (ORACLE !== undefined && process.env['UPDATE_SCRIPTS'] === '1') {
      writeFileSync(out, await recorded(statements, ORACLE, form));
    }
    expect(await transcript(statements, await form.open())).toBe(readFileSync(out, 'utf8'));
  });
}
