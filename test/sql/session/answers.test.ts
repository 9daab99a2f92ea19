/**
 * Sessions and PostgreSQL's answers to them (test/scripts/session): as test/sql/exec/answers.test.ts, but with
 * everything that a session has: transactions, schema changes, settings; and with the notices.
 *
 * With QUORAL_ORACLE=host:port (a scratch PostgreSQL, user postgres) UPDATE_SCRIPTS=1 records them anew.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import { Client, startServer } from '../support/server.js';

const FOLDER = new URL('../../scripts/session/', import.meta.url);
const ORACLE = process.env['QUORAL_ORACLE'];

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

function answerText(
  statement: string,
  columns: readonly string[],
  rows: readonly (readonly (string | null)[])[],
): string {
  const lines = rows.map((r) => r.map((v) => (v === null ? 'NULL' : v)).join('|'));
  if (!/order by/i.test(statement)) lines.sort();
  return [columns.join(' '), ...lines].join('\n');
}

async function ours(c: Client, statement: string): Promise<string> {
  let text: string;
  try {
    const [result] = await c.all(statement);
    text = result!.columns.length === 0 ? result!.tag : answerText(statement, result!.columns, result!.rows);
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    const { detail, position } = error.fields;
    text = `ERROR ${error.sqlstate} ${error.message}${detail === undefined ? '' : ` | ${detail}`}${position === undefined ? '' : ` @${position}`}`;
  }
  return [...c.notices, text].join('\n');
}

interface OracleResult {
  readonly fields: readonly { readonly name: string }[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly command: string;
  readonly rowCount: number | null;
}

async function oracle(client: pg.Client, statement: string): Promise<string> {
  const notices: string[] = [];
  const listen = (n: { severity?: string | undefined; message?: string | undefined }): void =>
    void notices.push(`${n.severity}: ${n.message}`);
  client.on('notice', listen);
  let tag = '';
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter };
  const onTag = (message: { text: string }): void => void (tag = message.text);
  connection.on('commandComplete', onTag);
  let text: string;
  try {
    const types = { getTypeParser: () => (value: string) => value };
    const r = (await client.query({
      text: statement,
      rowMode: 'array',
      types,
    } as unknown as pg.QueryArrayConfig)) as unknown as OracleResult;
    text =
      r.fields.length === 0
        ? tag
        : answerText(
            statement,
            r.fields.map((f) => f.name),
            r.rows,
          );
  } catch (error) {
    const e = error as { code?: string; message: string; detail?: string; position?: string };
    text = `ERROR ${e.code} ${e.message}${e.detail === undefined ? '' : ` | ${e.detail}`}${e.position === undefined ? '' : ` @${e.position}`}`;
  }
  connection.off('commandComplete', onTag);
  client.off('notice', listen);
  return [...notices, text].join('\n');
}

async function record(name: string, statements: readonly string[]): Promise<string> {
  const [host, port] = ORACLE!.split(':');
  const server = { host: host!, port: Number(port), user: 'postgres' };
  const first = new pg.Client({ ...server, database: 'postgres' });
  await first.connect();
  await first.query('DROP DATABASE IF EXISTS quoral_scripts');
  await first.query('CREATE DATABASE quoral_scripts');
  await first.end();
  const client = new pg.Client({ ...server, database: 'quoral_scripts' });
  await client.connect();
  await client.query('SET timezone TO UTC');
  let text = '';
  for (const s of statements) text += `${s};\n----\n${await oracle(client, s)}\n\n`;
  await client.end();
  writeFileSync(new URL(`${name}.out`, FOLDER), text);
  return text;
}

describe('sessions are answered as by PostgreSQL', () => {
  for (const file of readdirSync(FOLDER)
    .filter((f) => f.endsWith('.sql'))
    .sort()) {
    const name = file.replace('.sql', '');
    it(name, async () => {
      const statements = statementsOf(readFileSync(new URL(file, FOLDER), 'utf8'));
      const expected =
        ORACLE !== undefined && process.env['UPDATE_SCRIPTS'] === '1'
          ? await record(name, statements)
          : readFileSync(new URL(`${name}.out`, FOLDER), 'utf8');
      const c = await Client.open(await startServer());
      let text = '';
      for (const s of statements) text += `${s};\n----\n${await ours(c, s)}\n\n`;
      expect(text).toBe(expected);
    });
  }
});
