/**
 * The SQL port: accepts clients, bounds their number, drains them.
 *
 * There is no authentication yet, so it listens on loopback only: anything else is refused at the
 * start rather than left open to the network.
 */
import { QuoralError, sqlError } from '../base/errors.js';
import type { ByteStream, Listener, Logger, Timers, Transport } from '../env/env.js';
import type { SqlServer } from '../sql/session-api.js';
import { Connection, type ConnectionDependencies } from './connection.js';
import { DEFAULT_LIMITS, newMetrics, type PgWireLimits, type PgWireMetrics } from './limits.js';
import type { ErrorSource } from './error-source.js';
import { shuttingDown } from './protocol.js';
import { RowEncoders, type TypeByOid } from './row-encoder.js';

/** Sockets that have not said who they are yet, over the connection limit. */
const UNADMITTED_MAX = 100;
/** After the grace of `close`, how long cancelled statements may still take. */
const ABORT_MS = 5_000;

export interface PgWireOptions {
  /** host:port; port 0 picks one. */
  readonly address: string;
  readonly limits?: Partial<PgWireLimits>;
}

export interface PgWireDependencies {
  readonly sql: SqlServer;
  readonly transport: Pick<Transport, 'listenBytes'>;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly typeByOid: TypeByOid;
  /** What clients are told of where an error comes from; not there: nothing. */
  readonly source?: (error: QuoralError) => ErrorSource;
  /** Gets AssertionErrors: the process must stop. */
  onFatal(error: Error): void;
}

/** @throws QuoralError 0A000 when clients from other machines could reach the address. */
export function assertLoopback(address: string): void {
  const separator = address.lastIndexOf(':');
  const host = address
    .slice(0, separator)
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
  if (host === 'localhost' || host === '::1') return;
  const octets = /^127\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host);
  if (octets !== null && octets.slice(1).every((octet) => Number(octet) <= 255)) return;
  throw sqlError('0A000', `refusing to serve SQL on ${address}: only loopback addresses are allowed`, {
    detail: 'This version has no authentication, so every client that reaches the port is trusted.',
    hint: 'Listen on 127.0.0.1, [::1] or localhost, and let remote clients come through an SSH tunnel.',
  });
}

export class PgWireServer {
  readonly metrics: PgWireMetrics = newMetrics();
  readonly #options: PgWireOptions;
  readonly #deps: PgWireDependencies;
  readonly #connections = new Set<Connection>();
  readonly #connectionDeps: ConnectionDependencies;
  readonly #limits: PgWireLimits;
  #listener: Listener | null = null;
  #admitted = 0;
  #draining = false;
  #graceOver = false;
  #onEmpty: (() => void) | null = null;

  /** @throws QuoralError 22023 for a limit that is not a positive number. */
  constructor(options: PgWireOptions, deps: PgWireDependencies) {
    this.#options = options;
    this.#deps = deps;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    for (const [name, value] of Object.entries(this.#limits)) {
      if (!(value > 0)) throw sqlError('22023', `limit ${name} must be greater than zero, not ${value}`);
    }
    this.#connectionDeps = {
      sql: deps.sql,
      timers: deps.timers,
      logger: deps.logger,
      encoders: new RowEncoders(deps.typeByOid),
      limits: this.#limits,
      metrics: this.metrics,
      admit: () => this.#admit(),
      ...(deps.source === undefined ? {} : { source: deps.source }),
      onFatal: (error) => deps.onFatal(error),
      onReleased: (connection) => this.#onReleased(connection),
    };
  }

  /** @throws QuoralError 0A000 not loopback, 55006 port taken. */
  async start(): Promise<void> {
    assertLoopback(this.#options.address);
    this.#listener = await this.#deps.transport.listenBytes(this.#options.address, (stream) => this.accept(stream));
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Takes over a stream; also for clients inside the process. */
  accept(stream: ByteStream): void {
    this.metrics.connectionsAccepted++;
    this.metrics.connectionsOpen++;
    const connection = new Connection(stream, this.#connectionDeps);
    this.#connections.add(connection);
    if (this.#graceOver) connection.refuse(shuttingDown());
    else if (this.#draining) connection.expectDrain();
    else if (this.#connections.size > this.#limits.connectionsMax + UNADMITTED_MAX) connection.refuse(tooMany());
  }

  /**
   * Stops taking clients, ends idle connections with 57P01, lets running statements finish for
   * `graceMs`, then cancels them. Resolves when every session is closed.
   */
  async close(graceMs: number): Promise<void> {
    this.#draining = true;
    for (const connection of [...this.#connections]) connection.drain();
    if (this.#connections.size > 0) {
      const empty = new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
      const timer = this.#deps.timers.after(graceMs, () => this.#abortAll());
      await empty;
      timer.cancel();
    }
    // Last, because closing the listener destroys the sockets, and answers must go out before.
    await this.#listener?.close();
    this.#listener = null;
  }

  #abortAll(): void {
    this.#graceOver = true;
    for (const connection of [...this.#connections]) connection.abort();
    // A statement that does not listen to its cancellation must not hold up the shutdown.
    this.#deps.timers.after(ABORT_MS, () => {
      if (this.#connections.size === 0) return;
      this.#deps.logger.log('warn', 'sessions did not end in time', {
        sessions: this.#connections.size,
      });
      this.#onEmpty?.();
    });
  }

  #admit(): QuoralError | null {
    if (this.#draining) return shuttingDown();
    if (this.#admitted >= this.#limits.connectionsMax) return tooMany();
    this.#admitted++;
    return null;
  }

  #onReleased(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    this.metrics.connectionsOpen--;
    if (connection.admitted) this.#admitted--;
    if (this.#connections.size === 0) this.#onEmpty?.();
  }
}

function tooMany(): QuoralError {
  return new QuoralError('53300', 'sorry, too many clients already', {
    severity: 'FATAL',
    retry: 'transaction',
  });
}
