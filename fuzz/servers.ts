/** The two that are compared, behind one small interface: raw texts of values, SQLSTATEs of errors. */
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { startCluster } from '../src/testing/index.js';

export type Answer =
  | {
      readonly ok: true;
      readonly types: readonly number[];
      readonly rows: readonly (readonly (string | null)[])[];
      readonly count: number;
    }
  | { readonly ok: false; readonly sqlstate: string; readonly message: string };

export interface Server {
  readonly name: string;
  query(text: string): Promise<Answer>;
  close(): Promise<void>;
}

const SETTINGS = [
  'SET timezone TO UTC',
  'SET intervalstyle TO postgres',
  "SET datestyle TO 'ISO, MDY'",
  'SET extra_float_digits TO 1',
];

function failure(error: unknown): Answer {
  const { code, message } = error as { code?: string; message: string };
  return { ok: false, sqlstate: code ?? '', message };
}

export async function emptied(server: Server): Promise<void> {
  await server.query('ROLLBACK');
  await server.query('DROP SCHEMA public CASCADE');
  await server.query('CREATE SCHEMA public');
  for (const text of SETTINGS) await server.query(text);
}

class Wire implements Server {
  readonly name: string;
  readonly #client: pg.Client;
  readonly #after: () => Promise<void>;

  constructor(name: string, client: pg.Client, after: () => Promise<void>) {
    this.name = name;
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

export async function quoral(): Promise<Server> {
  const cluster = await startCluster({ nodes: 1 });
  const client = new pg.Client({ connectionString: cluster.url() });
  client.on('error', () => undefined);
  await client.connect();
  return new Wire('Quoral', client, () => cluster.close());
}

/** A PostgreSQL server; its database is emptied. */
export async function postgres(url: string): Promise<Server> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return new Wire('PostgreSQL', client, async () => undefined);
}

/** PostgreSQL in this process. */
export async function pglite(): Promise<Server> {
  const db = await PGlite.create();
  const asText = new Proxy({}, { get: () => (value: string) => value }) as Record<number, (value: string) => string>;
  return {
    name: 'PostgreSQL (PGlite)',
    query: async (text) => {
      try {
        const result = await db.query<(string | null)[]>(text, [], { rowMode: 'array', parsers: asText });
        const count = result.affectedRows ?? 0;
        return {
          ok: true,
          types: result.fields.map((f) => f.dataTypeID),
          rows: result.rows,
          count: count || result.rows.length,
        };
      } catch (error) {
        return failure(error);
      }
    },
    close: () => db.close(),
  };
}
