/** The two that are compared, behind one small interface: raw texts of values, SQLSTATEs of errors. */
import { PGlite, protocol } from '@electric-sql/pglite';
import pg from 'pg';
import { LANGUAGES_OF } from './collated.js';
import { startCluster } from '../src/testing/index.js';

export type Answer =
  | {
      readonly ok: true;
      readonly types: readonly number[];
      readonly rows: readonly (readonly (string | null)[])[];
      readonly count: number;
    }
  | { readonly ok: false; readonly sqlstate: string; readonly message: string; readonly more: string };

export interface Server {
  readonly name: string;
  /** Of PostgreSQL, whose answers it gives. */
  readonly version: number;
  /** Whether it has the orders of languages. */
  readonly languages: boolean;
  query(text: string): Promise<Answer>;
  close(): Promise<void>;
}

const SETTINGS = [
  'SET timezone TO UTC',
  'SET intervalstyle TO postgres',
  "SET datestyle TO 'ISO, MDY'",
  'SET extra_float_digits TO 1',
  'SET plan_cache_mode TO auto',
];

function failure(error: unknown): Answer {
  const { code, message, detail, hint } = error as { code?: string; message: string; detail?: string; hint?: string };
  return { ok: false, sqlstate: code ?? '', message, more: `${detail ?? ''} ${hint ?? ''}` };
}

export async function emptied(server: Server): Promise<void> {
  await server.query('ROLLBACK');
  await server.query('DEALLOCATE ALL');
  await server.query('DROP SCHEMA public CASCADE');
  await server.query('CREATE SCHEMA public');
  for (const text of SETTINGS) await server.query(text);
}

class Wire implements Server {
  readonly name: string;
  readonly version: number;
  readonly languages: boolean;
  readonly #client: pg.Client;
  readonly #after: () => Promise<void>;

  constructor(name: string, features: Features, client: pg.Client, after: () => Promise<void>) {
    this.name = name;
    this.version = features.version;
    this.languages = features.languages;
    this.#client = client;
    this.#after = after;
  }

  async query(text: string): Promise<Answer> {
    const types = { getTypeParser: () => (value: string) => value };
    try {
      const result = (await this.#client.query({ text, rowMode: 'array', types } as never)) as unknown as {
        fields: readonly { dataTypeID: number }[];
        rows: (string | null)[][];
        rowCount: number | null;
      };
      return {
        ok: true,
        types: result.fields.map((f) => f.dataTypeID),
        rows: result.rows,
        count: result.rowCount ?? 0,
      };
    } catch (error) {
      return failure(error);
    }
  }

  async close(): Promise<void> {
    await this.#client.end();
    await this.#after();
  }
}

const VERSION = 'SHOW server_version_num';
const majorOf = (shown: string): number => Math.floor(Number(shown) / 10_000);

type Features = Pick<Server, 'version' | 'languages'>;

async function featuresOf(client: Queried): Promise<Features> {
  const { rows } = await client.query<{ server_version_num: string }>(VERSION);
  const found = await client.query(LANGUAGES_OF);
  return { version: majorOf(rows[0]!.server_version_num), languages: found.rows.length > 0 };
}
interface Queried {
  query<T>(text: string): Promise<{ rows: T[] }>;
}

export async function quoral(): Promise<Server> {
  const cluster = await startCluster({ nodes: 1 });
  const client = new pg.Client({ connectionString: cluster.url() });
  client.on('error', () => undefined);
  await client.connect();
  return new Wire('Quoral', await featuresOf(client), client, () => cluster.close());
}

/** A PostgreSQL server; its database is emptied. */
export async function postgres(url: string): Promise<Server> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  // Compiling plans of tables without statistics takes longer than running them.
  await client.query('SET jit TO off');
  return new Wire('PostgreSQL', await featuresOf(client), client, async () => undefined);
}

/**
 * PostgreSQL in this process. Statements go by the simple protocol: one message instead of five, and values come as
 * the texts that PostgreSQL sends.
 */
export async function pglite(): Promise<Server> {
  const db = await PGlite.create();
  return {
    name: 'PostgreSQL (PGlite)',
    ...(await featuresOf(db)),
    query: async (text) => {
      const { messages } = await db.execProtocol(protocol.serialize.query(text), { throwOnError: false });
      return answerOf(messages as unknown as readonly BackendMessage[]);
    },
    close: () => db.close(),
  };
}

interface BackendMessage {
  readonly name: string;
  readonly code?: string;
  readonly message?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly text?: string;
  readonly fields?: readonly unknown[];
}

function answerOf(messages: readonly BackendMessage[]): Answer {
  const error = messages.find((message) => message.name === 'error');
  if (error !== undefined) return failure(error);
  const rows: (readonly (string | null)[])[] = [];
  let types: number[] = [];
  let count = 0;
  for (const message of messages) {
    if (message.name === 'dataRow') rows.push(message.fields as (string | null)[]);
    else if (message.name === 'rowDescription') {
      types = (message.fields as { dataTypeID: number }[]).map((field) => field.dataTypeID);
    } else if (message.name === 'commandComplete') count = Number(/\d+$/.exec(message.text ?? '')?.[0] ?? 0);
  }
  return { ok: true, types, rows, count };
}
