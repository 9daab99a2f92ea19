/**
 * A database of its own for each file of tests, on the server of QUORAL_URL: Quoral (`npm run clients`), or
 * PostgreSQL, which says whether a test asks for the right thing.
 */
import pg from 'pg';

const given = process.env['QUORAL_URL'];
if (given === undefined || given === '') throw new Error('QUORAL_URL is not set: use `npm run clients`');
const SERVER: string = given;

export interface Database {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly name: string;
  /** One statement over a connection of its own. */
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

async function once(url: string, sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end();
  }
}

export async function createDatabase(label: string): Promise<Database> {
  const name = `clients_${label}`;
  await once(SERVER, `DROP DATABASE IF EXISTS ${name}`);
  await once(SERVER, `CREATE DATABASE ${name}`);
  const url = new URL(SERVER);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    host: url.hostname,
    port: Number(url.port),
    user: url.username,
    password: decodeURIComponent(url.password),
    name,
    query: (sql, values) => once(url.href, sql, values),
    drop: async () => void (await once(SERVER, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  };
}

/** What a server may lack yet, and a statement that says so. Run in a transaction that is rolled back. */
const FEATURES = {
  'user types': "CREATE TYPE feature_probe AS ENUM ('a')",
  DO: 'DO $$ BEGIN NULL; END $$',
  functions: "CREATE FUNCTION feature_probe() RETURNS int LANGUAGE sql AS 'SELECT 1'",
  'PL/pgSQL functions': "CREATE FUNCTION feature_probe() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'",
  'temporary tables': 'CREATE TEMP TABLE feature_probe (id int)',
  'JSON path': "SELECT jsonb_path_query('{}', '$')",
  'materialised views': 'CREATE MATERIALIZED VIEW feature_probe AS SELECT 1 AS one',
  'inverted indexes': 'CREATE TABLE feature_probe (j jsonb); CREATE INDEX ON feature_probe USING gin (j)',
} as const;
export type Feature = keyof typeof FEATURES;

/** Skips the test, visibly, where the server answers 0A000 to the feature (or has no such function or type); anything else is a failure. */
export async function needs(
  context: { skip(note?: string): void },
  database: Database,
  feature: Feature,
): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  let missing = false;
  try {
    await client.query('BEGIN');
    await client.query(FEATURES[feature]).catch((error: unknown) => {
      if (!['0A000', '42883', '42704'].includes(codeOf(error))) throw error;
      missing = true;
    });
    await client.query('ROLLBACK');
  } finally {
    await client.end();
  }
  if (missing) context.skip(`needs ${feature}`);
}

/** The SQLSTATE of an error, wherever the tool has put it. */
export function codeOf(error: unknown): string {
  const seen = new Set<unknown>();
  let at: unknown = error;
  while (typeof at === 'object' && at !== null && !seen.has(at)) {
    seen.add(at);
    const { code, driverError, original, cause, parent } = at as Record<string, unknown>;
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^P\d{4}$/.test(code)) return code;
    at = driverError ?? original ?? cause ?? parent;
  }
  return `no SQLSTATE: ${String(error)}`;
}

export async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('no error');
}

export async function failureCode(promise: Promise<unknown>): Promise<string> {
  return codeOf(await failure(promise));
}
