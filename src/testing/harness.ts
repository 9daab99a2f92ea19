/**
 * A database of its own for each test, whatever the test framework: one cluster for the test file, started
 * by the first test that runs, and before each test put back to the state that `setup` left (about
 * as long as a query takes), or a fork of it per test.
 *
 * The framework's hooks come as arguments (see vitest.ts, jest.ts, node-test.ts), so none of them is a
 * dependency. When a test has failed, the rows of every table are written to a file beside it, if a
 * folder for that is given: the next test's reset would otherwise wipe out what went wrong.
 *
 * Limit: with `reset` the tests of a file share one cluster and must not run concurrently; with `fork`
 * neither, as hooks cannot tell concurrent tests apart. Concurrent tests call `db.fork()` themselves.
 */
import { QuoralError } from '../base/errors.js';
import { NodeDisk } from '../env/node/disk.js';
import { type Cluster, type ClusterOptions, startCluster } from './cluster.js';
import type { ClientOptions, PgClient } from './pg-client.js';
import type { QueryResult } from './query.js';

export interface TestOptions extends ClusterOptions {
  /** Runs once, on the new cluster: schema and rows that every test begins with. */
  readonly setup?: (cluster: Cluster) => Promise<unknown>;
  /** 'reset' (default): one cluster, put back before each test. 'fork': each test gets a fork. */
  readonly isolation?: 'reset' | 'fork';
  /** Folder for what the tables held when a test failed; none by default. */
  readonly artefacts?: string;
}

/** What the frameworks' hooks tell of the test that has just ended, where they do. */
export interface EndedTest {
  readonly name: string;
  readonly failed: boolean;
}

export interface Hooks {
  beforeEach(fn: () => Promise<void>): void;
  afterEach(fn: (test: EndedTest | null) => Promise<void>): void;
  afterAll(fn: () => Promise<void>): void;
}

const ROWS_MAX = 1_000;

export class TestDatabase {
  readonly #options: TestOptions;
  #base: Promise<Cluster> | null = null;
  #current: Cluster | null = null;
  readonly #clients: PgClient[] = [];
  readonly #forks: Cluster[] = [];

  constructor(options: TestOptions) {
    this.#options = options;
  }

  /** The cluster of the test that runs. @throws QuoralError 55000 outside of tests. */
  get cluster(): Cluster {
    if (this.#current === null) {
      throw new QuoralError('55000', 'there is no database outside of a test', {
        fields: { hint: 'Use it in tests and in beforeEach hooks; what all tests share belongs in `setup`.' },
      });
    }
    return this.#current;
  }

  url(index = 0): string {
    return this.cluster.url(index);
  }

  sql(text: string, params: readonly unknown[] = []): Promise<QueryResult> {
    return this.cluster.sql(text, params);
  }

  /** A connected client that is closed when the test ends. */
  async client(index = 0, options: ClientOptions = {}): Promise<PgClient> {
    const client = this.cluster.client(index, options);
    await client.connect();
    this.#clients.push(client);
    return client;
  }

  /** A cluster with the same data, closed when the test ends. */
  async fork(): Promise<Cluster> {
    const fork = await this.cluster.fork();
    this.#forks.push(fork);
    return fork;
  }

  /**
   * The body of a test, for frameworks whose hooks do not tell of failures:
   * `test('pays once', db.run('pays once', async () => { … }))`.
   */
  run(name: string, body: () => Promise<void> | void): () => Promise<void> {
    return async () => {
      try {
        await body();
      } catch (error) {
        await this.#keep(name);
        throw error;
      }
    };
  }

  // ---- for the hooks ----

  async begin(): Promise<void> {
    this.#base ??= this.#start();
    const base = await this.#base;
    if (this.#options.isolation === 'fork') {
      this.#current = await base.fork();
      return;
    }
    await base.reset();
    this.#current = base;
  }

  async finish(test: EndedTest | null): Promise<void> {
    const current = this.#current;
    if (current === null) return;
    if (test?.failed === true) await this.#keep(test.name);
    this.#current = null;
    await Promise.all(this.#clients.splice(0).map((client) => client.end()));
    await Promise.all(this.#forks.splice(0).map((fork) => fork.close()));
    if (this.#options.isolation === 'fork') await current.close();
  }

  async close(): Promise<void> {
    const base = this.#base;
    this.#base = null;
    if (base !== null) await (await base).close();
  }

  async #start(): Promise<Cluster> {
    const { setup, isolation: _isolation, artefacts: _artefacts, ...options } = this.#options;
    const cluster = await startCluster(options);
    try {
      await setup?.(cluster);
      await cluster.mark();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  async #keep(name: string): Promise<void> {
    const directory = this.#options.artefacts;
    if (directory === undefined || this.#current === null) return;
    const disk = new NodeDisk();
    await disk.mkdirp(directory);
    const file = `${directory}/${name.replace(/[^\w.-]+/g, '-').slice(0, 120)}.json`;
    const content = { test: name, tables: await dumpTables(this.#current) };
    await disk.writeFileSync(file, Buffer.from(`${JSON.stringify(content, null, 2)}\n`));
  }
}

interface TableDump {
  readonly name: string;
  readonly rowCount: number;
  /** The first thousand. */
  readonly rows: readonly unknown[];
}

/** Every user table with its rows; a fork is read, so that locks of the failed test do not matter. */
async function dumpTables(cluster: Cluster): Promise<TableDump[]> {
  const fork = await cluster.fork();
  try {
    const { rows } = await fork.sql(
      `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
       where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema') order by 1`,
    );
    const dumps: TableDump[] = [];
    for (const row of rows) {
      const name = String(row['name']);
      const counted = await fork.sql(`select count(*) as n from ${name}`);
      const found = await fork.sql(`select * from ${name} limit ${ROWS_MAX}`);
      dumps.push({ name, rowCount: Number(counted.rows[0]!['n']), rows: found.rows });
    }
    return dumps;
  } finally {
    await fork.close();
  }
}

/** Registers the hooks; the database is there in every test of the file (or of the describe block). */
export function testDatabase(hooks: Hooks, options: TestOptions = {}): TestDatabase {
  const database = new TestDatabase(options);
  hooks.beforeEach(() => database.begin());
  hooks.afterEach((test) => database.finish(test));
  hooks.afterAll(() => database.close());
  return database;
}
