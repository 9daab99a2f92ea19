/**
 * A client in this process whose rows are encoded as those of a real one are, and thrown away: what a server works for a statement,
 * without a socket and without what a client does with its answer.
 */
import type { ByteStream } from '../../src/env/env.js';
import { createNodeEnv } from '../../src/env/node/node-env.js';
import { DEFAULT_LIMITS, newMetrics } from '../../src/pgwire/limits.js';
import { Output } from '../../src/pgwire/output.js';
import { RowEncoders } from '../../src/pgwire/row-encoder.js';
import { WireSink } from '../../src/pgwire/sink.js';
import type { SqlSession } from '../../src/sql/session-api.js';
import type { ManagedSqlServer } from '../../src/sql/session/server.js';
import { findTypeByOid } from '../../src/sql/types/registry.js';

/** Takes whatever it is given, at once. */
const NOWHERE: ByteStream = {
  remote: 'bench',
  bufferedBytes: 0,
  write: () => true,
  pause: () => undefined,
  resume: () => undefined,
  end: () => undefined,
  destroy: () => undefined,
  onData: () => undefined,
  onDrain: () => undefined,
  onClose: () => undefined,
};

class CountingSink extends WireSink {
  rows = 0;

  override row(values: Parameters<WireSink['row']>[0]): void {
    this.rows++;
    super.row(values);
  }
}

export class WireClient {
  readonly #session: SqlSession;
  readonly #output: Output;
  readonly #sink: CountingSink;

  private constructor(session: SqlSession) {
    this.#session = session;
    const fail = (error: unknown): never => {
      throw error;
    };
    const { timers } = createNodeEnv({ logLevel: 'warn' });
    this.#output = new Output(NOWHERE, timers, DEFAULT_LIMITS, newMetrics(), fail);
    this.#sink = new CountingSink(session, this.#output, new RowEncoders(findTypeByOid), () =>
      fail(new Error('no COPY FROM STDIN here')),
    );
  }

  static async open(server: ManagedSqlServer): Promise<WireClient> {
    return new WireClient(
      await server.openSession({ user: 'postgres', database: 'postgres', parameters: {}, remote: 'bench' }),
    );
  }

  /** @returns how many rows it gave */
  async query(text: string): Promise<number> {
    this.#sink.rows = 0;
    this.#sink.openSimple();
    await this.#session.simpleQuery(text, this.#sink);
    this.#output.flush();
    return this.#sink.rows;
  }
}
