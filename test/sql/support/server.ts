/** SQL sessions over the in-memory model, for tests: real parser, planner, executor, catalog. */
import { createNodeEnv } from '../../../src/env/node/node-env.js';
import { QuoralError } from '../../../src/base/errors.js';
import { createPlanner } from '../../../src/sql/plan/planner.js';
import type { Notice, ResultColumn, ResultSink, SqlSession } from '../../../src/sql/session-api.js';
import { createSqlServer } from '../../../src/sql/session/server.js';
import type { ManagedSqlServer, SqlServerDeps } from '../../../src/sql/session/server.js';
import type { Datum } from '../../../src/sql/types/datum.js';
import { typeByOid } from '../../../src/sql/types/registry.js';
import { MemoryDb } from './memory-kv.js';

export interface Result {
  readonly columns: string[];
  readonly rows: (string | null)[][];
  readonly tag: string;
}

export class CollectingSink implements ResultSink {
  readonly session: SqlSession;
  readonly results: { columns: string[]; rows: (string | null)[][]; tag: string }[] = [];
  readonly notices: Notice[] = [];
  readonly parameters: [string, string][] = [];
  readonly copied: string[] = [];
  input: string[] = [];
  isSuspended = false;
  /** Of a statement that has not completed. */
  get pending(): readonly (string | null)[][] {
    return this.#rows;
  }
  #columns: readonly ResultColumn[] = [];
  #rows: (string | null)[][] = [];

  constructor(session: SqlSession) {
    this.session = session;
  }
  columns(columns: readonly ResultColumn[]): void {
    this.#columns = columns;
    this.#rows = [];
  }
  setColumns(columns: readonly ResultColumn[] | null): void {
    this.#columns = columns ?? [];
  }
  row(values: readonly Datum[]): void {
    this.#rows.push(
      values.map((v, i) =>
        v === null ? null : typeByOid(this.#columns[i]?.typeOid ?? 25).output(v, this.session.format),
      ),
    );
  }
  slow(): null {
    return null;
  }
  complete(tag: string): void {
    this.results.push({ columns: this.#columns.map((c) => c.name), rows: this.#rows, tag });
    this.#columns = [];
    this.#rows = [];
  }
  suspended(): void {
    this.isSuspended = true;
    this.complete('suspended');
  }
  empty(): void {
    this.complete('');
  }
  notice(notice: Notice): void {
    this.notices.push(notice);
  }
  parameterStatus(name: string, value: string): void {
    this.parameters.push([name, value]);
  }
  async *copyIn(): AsyncIterable<Buffer> {
    for (const chunk of this.input) yield await Promise.resolve(Buffer.from(chunk));
  }
  copyOut(): void {
    this.copied.length = 0;
  }
  copyData(chunk: Uint8Array): void {
    this.copied.push(Buffer.from(chunk).toString());
  }
  copyDone(): void {
    this.copied.push('.');
  }
}

export async function startServer(
  db: MemoryDb = new MemoryDb(),
  more: Partial<SqlServerDeps> = {},
): Promise<ManagedSqlServer> {
  const env = createNodeEnv({ logLevel: 'warn' });
  return createSqlServer({
    db,
    network: null,
    clock: env.clock,
    timers: env.timers,
    rng: env.rng,
    logger: env.logger,
    planner: createPlanner(),
    ...more,
  });
}

export class Client {
  readonly session: SqlSession;
  notices: string[] = [];
  /** Of each notice, what it was said in. */
  noticeContexts: (string | undefined)[] = [];
  constructor(session: SqlSession) {
    this.session = session;
  }
  static async open(
    server: ManagedSqlServer,
    parameters: Record<string, string> = {},
    database = 'postgres',
  ): Promise<Client> {
    return new Client(await server.openSession({ user: 'postgres', database, parameters, remote: 'test' }));
  }
  async all(text: string, input: string[] = []): Promise<Result[]> {
    const sink = new CollectingSink(this.session);
    sink.input = input;
    try {
      await this.session.simpleQuery(text, sink);
    } finally {
      this.notices = sink.notices.map((n) => `${n.severity}: ${n.message}`);
      this.noticeContexts = sink.notices.map((n) => n.where);
    }
    if (sink.copied.length > 0) return [{ columns: [], rows: sink.copied.map((c) => [c]), tag: sink.results[0]!.tag }];
    return sink.results;
  }
  async query(text: string): Promise<Result> {
    const results = await this.all(text);
    return results[results.length - 1]!;
  }
  async rows(text: string): Promise<(string | null)[][]> {
    return (await this.query(text)).rows;
  }
  /** SQLSTATE and message of the error that the text gives. */
  async error(text: string): Promise<string> {
    try {
      await this.all(text);
    } catch (error) {
      if (error instanceof QuoralError)
        return `${error.sqlstate} ${error.message}${error.fields.detail === undefined ? '' : ` | ${error.fields.detail}`}`;
      throw error;
    }
    throw new Error(`no error from: ${text}`);
  }
  /** Through the extended protocol. */
  async run(text: string, parameters: (string | null)[] = [], name = ''): Promise<Result> {
    const sink = new CollectingSink(this.session);
    try {
      if (text !== '') await this.session.parse(name, text, []);
      await this.session.bind(
        '',
        name,
        parameters.map((p) => ({ format: 0 as const, bytes: p === null ? null : Buffer.from(p) })),
      );
      sink.setColumns(this.session.describePortal(''));
      await this.session.execute('', 0, sink, true);
    } finally {
      await this.session.sync();
    }
    return sink.results[sink.results.length - 1]!;
  }
}
