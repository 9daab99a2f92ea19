/**
 * Statements and PostgreSQL's answers to them (test/scripts/sql): each NAME.sql is run in order on an empty
 * database, and what comes out must equal NAME.out, which was recorded from PostgreSQL 15. Column
 * names and types, rows (sorted unless the statement says ORDER BY), SQLSTATE, message, detail and position.
 *
 * With QUORAL_ORACLE=host:port (a scratch PostgreSQL, user postgres) UPDATE_SCRIPTS=1 records them anew.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import { initParser } from '../../../src/sql/parse/parser.js';
import { Harness } from '../support/harness.js';

const FOLDER = new URL('../../scripts/sql/', import.meta.url);
const ORACLE = process.env['QUORAL_ORACLE'];

beforeAll(() => initParser());

function statementsOf(text: string): string[] {
  return text
    .split(/;\s*\n/)
    .map((s) => s.trim())
    .filter((s) => s !== '');
}

function rowsText(
  statement: string,
  columns: readonly string[],
  rows: readonly (readonly (string | null)[])[],
): string {
  const lines = rows.map((r) => r.map((v) => (v === null ? 'NULL' : v)).join('|'));
  if (!/order by/i.test(statement)) lines.sort();
  return [columns.join(' '), ...lines].join('\n');
}

async function ours(h: Harness, statement: string): Promise<string> {
  try {
    const answer = await h.run(statement);
    if (answer.columns === null) return answer.tag.replace(/^CREATE .*/, 'CREATE').replace('INSERT 0', 'INSERT');
    return rowsText(
      statement,
      answer.columns.map((c) => `${c.name}:${c.typeOid}`),
      answer.rows,
    );
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    const { detail, position } = error.fields;
    return `ERROR ${error.sqlstate} ${error.message}${detail === undefined ? '' : ` | ${detail}`}${position === undefined ? '' : ` @${position}`}`;
  }
}

interface OracleResult {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly command: string;
  readonly rowCount: number | null;
}

async function oracle(client: pg.Client, statement: string): Promise<string> {
  try {
    const types = { getTypeParser: () => (text: string) => text };
    const r = (await client.query({
      text: statement,
      rowMode: 'array',
      types,
    } as unknown as pg.QueryArrayConfig)) as unknown as OracleResult;
    if (r.fields.length === 0) return `${r.command} ${r.rowCount ?? ''}`.trim();
    return rowsText(
      statement,
      r.fields.map((f) => `${f.name}:${f.dataTypeID}`),
      r.rows,
    );
  } catch (error) {
    const e = error as { code?: string; message: string; detail?: string; position?: string };
    return `ERROR ${e.code} ${e.message}${e.detail === undefined ? '' : ` | ${e.detail}`}${e.position === undefined ? '' : ` @${e.position}`}`;
  }
}

async function record(name: string, statements: readonly string[]): Promise<string> {
  const [host, port] = ORACLE!.split(':');
  const client = new pg.Client({ host: host!, port: Number(port), user: 'postgres', database: 'postgres' });
  await client.connect();
  await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public; SET timezone TO UTC');
  let text = '';
  for (const s of statements) text += `${s};\n----\n${await oracle(client, s)}\n\n`;
  await client.end();
  writeFileSync(new URL(`${name}.out`, FOLDER), text);
  return text;
}

describe('answers equal PostgreSQL’s', () => {
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
      const h = new Harness();
      let text = '';
      for (const s of statements) text += `${s};\n----\n${await ours(h, s)}\n\n`;
      expect(text).toBe(expected);
    });
  }
});
