/**
 * pg_dump and psql: a dump of PostgreSQL restores into Quoral, a dump of Quoral into Quoral and into PostgreSQL, and the
 * rows are the same everywhere; psql's backslash commands show what they show over PostgreSQL.
 *
 * PostgreSQL is PGlite in this process, or the server of QUORAL_E2E_POSTGRES. What it answers is recorded in dumps/:
 * with UPDATE_DUMPS=1 and that server, anew. Needs psql and pg_dump.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { PGlite } from '@electric-sql/pglite';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTarget, type Target } from './clients-target.js';

const run = promisify(execFile);
const available = ['psql', 'pg_dump'].every((tool) => spawnSync(tool, ['--version']).error === undefined);
const ORACLE = process.env['QUORAL_E2E_POSTGRES'] ?? '';
const file = (name: string): string => new URL(`./dumps/${name}`, import.meta.url).pathname;

const TABLES = ['shop.customer', 'shop."Order Line"', 'shop.child', 'shop.rich', 'richest', 'plain', 'kinds'];

/** What psql shows of the schema exactly as over PostgreSQL. Left out is what tells of storage. */
const SHOWN = [
  ...['\\d', '\\di', '\\ds', '\\dv', '\\dp', '\\df', '\\dT+', '\\dD', '\\dy', '\\dm', '\\da'],
  ...['\\dt shop.*', '\\di shop.*', '\\dp shop.*', '\\dd shop.*', '\\ds shop.*'],
  ...[
    '\\d shop."Order Line"',
    '\\d+ shop.child',
    '\\d+ shop.rich',
    '\\d+ richest',
    '\\sv shop.rich',
    '\\sv+ richest',
    '\\d+ plain',
    '\\d+ kinds',
  ],
  ...['\\d shop.customer_name', '\\d shop.line_note', '\\d shop.invoice_no', '\\d+ shop.customer_id_seq'],
];
/** Those that must do, whatever they show: all that psql 15 has, with + and S. */
const COMMANDS = (
  'd d+ dS+ dA dA+ dAc dAf dAo dAp da da+ daS db db+ dC dC+ dc dc+ dcS dconfig dconfig+ dd ddS dD dD+ dDS+ ddp des dE dE+ ' +
  'det deu dew df df+ dfa dfn dfp dft dfw dF dFd dFp dFt dg dg+ di di+ diS dl dL dL+ dm dm+ dn dn+ dnS+ do do+ doS dO dOS+ ' +
  'dp drds dRp dRs ds ds+ dsS dt dt+ dtS+ dT dT+ dTS du du+ dv dv+ dvS dx dx+ dX dy dy+ dP dP+ l l+ z'
)
  .split(' ')
  .map((command) => `\\${command}`);
const NAMED = [
  ...['\\d+ shop.customer', '\\d+ shop.rich', '\\dS+ pg_class', '\\d+ information_schema.tables', '\\dt *.*'],
  ...['\\sv shop.rich', '\\sv+ richest', '\\dfS+ abs', '\\daS+ sum', '\\doS+ pg_catalog.=', '\\dTS+ int*'],
];

async function psql(url: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', url, ...args], {
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: 'C.UTF-8', PGCLIENTENCODING: 'UTF8' },
  });
  expect(stderr.replace(/^psql: NOTICE:.*\n/gm, '')).toBe('');
  return stdout;
}

/** Everything that psql says of a script whose statements set one encoding after the other. */
async function encodings(url: string): Promise<Buffer> {
  const { stdout } = await run('sh', ['-c', 'psql -X -q -a -d "$1" -f "$2" 2>&1', 'sh', url, file('encodings.sql')], {
    encoding: 'buffer',
    env: { ...process.env, LC_ALL: 'C.UTF-8', PGCLIENTENCODING: 'UTF8' },
  });
  return Buffer.from(stdout.toString('latin1').replace(/^psql:[^ ]*: /gm, ''), 'latin1');
}

/** Without what differs from one run to the next. */
async function dump(url: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('pg_dump', [...args, url], { maxBuffer: 1 << 28 });
  // It warns of foreign keys that go in circles when only data is dumped.
  expect(stderr.replace(/^pg_dump: (warning|detail|hint): .*\n/gm, '')).toBe('');
  return stdout.replace(/^(\\(un)?restrict .*|-- Dumped (from|by) .*)\n/gm, '');
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

const FUNCTIONS = `CREATE TYPE mood AS ENUM ('sad', 'glad');
  CREATE TABLE pet (id int, "Name" text);
  CREATE FUNCTION pets(VARIADIC ids int[]) RETURNS SETOF pet LANGUAGE sql STABLE AS $$ SELECT 1, 'x' $$;
  CREATE FUNCTION happy(m mood DEFAULT 'glad', OUT a int, OUT "b c" text) LANGUAGE plpgsql STRICT AS $f$ BEGIN a := 1; END $f$;
  CREATE FUNCTION twofold() RETURNS TABLE (x int, y mood[]) LANGUAGE sql AS 'SELECT 1, NULL::mood[]';
  CREATE PROCEDURE done(INOUT n int DEFAULT 3) LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN n := 4; END $$;
  COMMENT ON FUNCTION twofold() IS 'two'`;
const DEFINITIONS = `SELECT pg_get_functiondef(oid), obj_description(oid, 'pg_proc') FROM pg_proc
  WHERE pronamespace = 'public'::regnamespace ORDER BY proname`;

type Ask = (sql: string) => Promise<unknown[]>;

/** Every row of every table and view as text. */
async function contents(ask: Ask): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {};
  for (const table of TABLES) found[table] = await ask(`SELECT t::text FROM ${table} AS t ORDER BY 1`);
  return found;
}

const CONSTRAINTS = `SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
  WHERE contype <> 'n' AND connamespace::regnamespace::text IN ('public', 'shop') ORDER BY 1, 2`;
const INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname IN ('public', 'shop') ORDER BY 1, 2";
const COLUMNS = `SELECT table_name, column_name, data_type, is_nullable, column_default, is_generated,
    is_identity, identity_generation FROM information_schema.columns
  WHERE table_schema IN ('public', 'shop') ORDER BY table_schema, table_name, ordinal_position`;
const SEQUENCES = "SELECT nextval('shop.customer_id_seq'), nextval('shop.invoice_no')";

describe.skipIf(!available)('pg_dump', () => {
  let target: Target;
  let counter = 0;

  async function database(): Promise<string> {
    const name = `dumped_${++counter}`;
    await query(target.url(0), `DROP DATABASE IF EXISTS ${name}`);
    await query(target.url(0), `CREATE DATABASE ${name}`);
    return withDatabase(target.url(0), name);
  }
  function withDatabase(server: string, name: string): string {
    const url = new URL(server);
    url.pathname = `/${name}`;
    return url.href;
  }

  beforeAll(async () => {
    target = await openTarget();
    if (process.env['UPDATE_DUMPS'] === '1') await record();
  });
  afterAll(async () => {
    await target?.close();
  });

  /** dumps/ from the PostgreSQL of QUORAL_E2E_POSTGRES. */
  async function record(): Promise<void> {
    await query(ORACLE, 'DROP DATABASE IF EXISTS quoral_dumps');
    await query(ORACLE, 'CREATE DATABASE quoral_dumps');
    const url = withDatabase(ORACLE, 'quoral_dumps');
    await psql(url, '-f', file('shop.sql'));
    writeFileSync(file('shop-postgres-15.sql'), await dump(url));
    writeFileSync(file('psql-postgres-15.out'), await psql(url, ...SHOWN.flatMap((command) => ['-c', command])));
    writeFileSync(file('encodings-postgres-15.out'), await encodings(url));
    await query(ORACLE, 'DROP DATABASE quoral_dumps');
  }

  it("restores PostgreSQL's", async () => {
    const [direct, restored] = [await database(), await database()];
    await psql(direct, '-f', file('shop.sql'));
    await psql(restored, '-f', file('shop-postgres-15.sql'));
    expect(await contents((sql) => query(restored, sql))).toEqual(await contents((sql) => query(direct, sql)));
    for (const facts of [CONSTRAINTS, INDEXES, COLUMNS])
      expect(await query(restored, facts)).toEqual(await query(direct, facts));
    expect(await query(restored, SEQUENCES)).toEqual(await query(direct, SEQUENCES));
  });

  it('restores its own, again and again', async () => {
    const [first, second, third] = [await database(), await database(), await database()];
    await psql(first, '-f', file('shop.sql'));
    const [schema, data] = [await dump(first, '--schema-only'), await dump(first, '--data-only', '--inserts')];
    const whole = await dump(first);
    const path = `${process.env['TMPDIR'] ?? '/tmp'}/quoral-dump-${process.pid}.sql`;
    writeFileSync(path, whole);
    await psql(second, '-f', path);
    expect(await dump(second)).toBe(whole);
    expect(await contents((sql) => query(second, sql))).toEqual(await contents((sql) => query(first, sql)));
    writeFileSync(path, schema + data);
    await psql(third, '-1', '-f', path);
    expect(await dump(third, '--schema-only')).toBe(schema);
    expect(await contents((sql) => query(third, sql))).toEqual(await contents((sql) => query(first, sql)));
  });

  it('restores from what several connections wrote side by side', async () => {
    const [first, second] = [await database(), await database()];
    await psql(first, '-f', file('shop.sql'));
    const folder = mkdtempSync(`${process.env['TMPDIR'] ?? '/tmp'}/quoral-dump-`);
    try {
      await dump(first, '-Fd', '-j', '2', '-f', `${folder}/all`);
      await run('pg_restore', ['-j', '2', '-d', second, `${folder}/all`]);
      expect(await dump(second)).toBe(await dump(first));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('restores into PostgreSQL', async () => {
    const url = await database();
    await psql(url, '-f', file('shop.sql'));
    const text = await dump(url, '--inserts');
    const lite = ORACLE === '' ? await PGlite.create() : null;
    const there = withDatabase(ORACLE === '' ? 'postgresql://nowhere' : ORACLE, 'quoral_restored');
    const ask: Ask = async (sql) =>
      lite === null ? query(there, sql) : (await lite.query<unknown[]>(sql, [], { rowMode: 'array' })).rows;
    if (lite === null) {
      await query(ORACLE, 'DROP DATABASE IF EXISTS quoral_restored');
      await query(ORACLE, 'CREATE DATABASE quoral_restored');
      const path = `${process.env['TMPDIR'] ?? '/tmp'}/quoral-dump-${process.pid}.sql`;
      writeFileSync(path, text);
      await psql(there, '-f', path);
    } else {
      await lite.exec(text);
    }
    await ask('SET search_path = public');
    expect(await contents(ask)).toEqual(await contents((sql) => query(url, sql)));
    for (const facts of [CONSTRAINTS, INDEXES, COLUMNS]) expect(await ask(facts)).toEqual(await query(url, facts));
    expect((await ask(SEQUENCES)).map((row) => (row as unknown[]).map(String))).toEqual(await query(url, SEQUENCES));
    await lite?.close();
    if (lite === null) await query(ORACLE, 'DROP DATABASE quoral_restored');
  });

  it('restores functions, into PostgreSQL too', async () => {
    const [first, second] = [await database(), await database()];
    await query(first, FUNCTIONS);
    const schema = await dump(first, '--schema-only');
    const path = `${process.env['TMPDIR'] ?? '/tmp'}/quoral-dump-${process.pid}.sql`;
    writeFileSync(path, schema);
    await psql(second, '-f', path);
    expect(await dump(second, '--schema-only')).toBe(schema);
    const lite = await PGlite.create();
    await lite.exec(schema);
    await lite.exec('SET search_path = public');
    expect((await lite.query<unknown[]>(DEFINITIONS, [], { rowMode: 'array' })).rows).toEqual(
      await query(second, DEFINITIONS),
    );
    await lite.close();
  });

  it('shows in psql what PostgreSQL shows', async () => {
    const url = await database();
    await psql(url, '-f', file('shop.sql'));
    const shown = await psql(url, ...SHOWN.flatMap((command) => ['-c', command]));
    expect(shown).toBe(readFileSync(file('psql-postgres-15.out'), 'utf8'));
  });

  it("reads and writes the client's encoding as PostgreSQL does, by any way", async () => {
    const said = await encodings(await database());
    expect(said.toString('latin1')).toBe(readFileSync(file('encodings-postgres-15.out'), 'latin1'));
  });

  it('answers every backslash command', async () => {
    const url = await database();
    await psql(url, '-f', file('shop.sql'));
    const path = `${process.env['TMPDIR'] ?? '/tmp'}/quoral-psql-${process.pid}.sql`;
    writeFileSync(path, `${[...COMMANDS, ...NAMED].join('\n')}\n`);
    // psql says so itself where there is nothing to show; no statement may fail.
    const { stdout, stderr } = await run('psql', ['-X', '-q', '-d', url, '-f', path], { maxBuffer: 1 << 28 });
    expect(stderr.split('\n').filter((line) => line !== '' && !/Did not find any/.test(line))).toEqual([]);
    expect(stdout).toContain('customer_lower');
  });
});
