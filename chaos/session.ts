/**
 * A client as an application would write it: node-postgres, one connection at a time, to any node; when
 * the connection breaks or does not answer in time it goes to another one.
 *
 * Every error is classed: what a client of a cluster with dying nodes must expect, or a finding.
 */
import pg from 'pg';
import type { Random } from '../bench/random.js';

/** The last three of the socket's own errors come when a connection is given up while it is opened. */
const EXPECTED: ReadonlySet<string> = new Set([
  ...['40001', '40P01', '40003', '57P01', '57P02', '57P03', '57014', '55P03'],
  ...['08000', '08001', '08003', '08006', '53300', '53200', '53100', '25P02'],
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'CONNECTION'],
]);

const CONNECT_MS = 4_000;
/** Longer than any statement of ours takes on a healthy cluster, or while it elects a leader. */
const QUERY_MS = 12_000;

export interface Targets {
  readonly ids: readonly number[];
  url(id: number): string;
}

export interface Tally {
  ok: number;
  failed: number;
  unknown: number;
  readonly errors: Map<string, number>;
  readonly unexpected: string[];
}

export function newTally(): Tally {
  return { ok: 0, failed: 0, unknown: 0, errors: new Map(), unexpected: [] };
}

export class Session {
  readonly random: Random;
  readonly #targets: Targets;
  readonly #tally: Tally;
  #client: pg.Client | null = null;
  #node = 0;

  constructor(targets: Targets, tally: Tally, random: Random) {
    this.#targets = targets;
    this.#tally = tally;
    this.random = random;
  }

  /** "n3": where the connection goes. */
  get node(): string {
    return `n${this.#node}`;
  }

  get tally(): Tally {
    return this.#tally;
  }

  /** Has a connection; to another node than the last one after a failure. */
  async connected(): Promise<boolean> {
    if (this.#client !== null && this.random.next() < 0.02) await this.drop();
    if (this.#client !== null) return true;
    const others = this.#targets.ids.filter((id) => id !== this.#node || this.#targets.ids.length === 1);
    this.#node = others[this.random.between(0, others.length - 1)] as number;
    const client = new pg.Client({
      connectionString: this.#targets.url(this.#node),
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: QUERY_MS,
    });
    // The end of an idle connection; the next statement finds out.
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      this.note(error, 'connect');
      client.connection.stream.destroy();
      return false;
    }
    this.#client = client;
    return true;
  }

  async query(text: string, values: readonly unknown[] = []): Promise<pg.QueryResult<Record<string, unknown>>> {
    if (this.#client === null) throw new Error('query before connected()');
    return this.#client.query<Record<string, unknown>>(text, [...values]);
  }

  /** After an error: the connection is usable again, outside of any transaction, or gone. */
  async recover(error: unknown): Promise<void> {
    const client = this.#client;
    if (client === null) return;
    const code = codeOf(error);
    if (isLoss(code) || code === 'unknown') {
      await this.drop();
      return;
    }
    try {
      await client.query('ROLLBACK');
    } catch (second) {
      this.note(second, 'ROLLBACK');
      await this.drop();
    }
  }

  /** Gives the connection up without waiting for anything. */
  drop(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    client?.connection.stream.destroy();
    return Promise.resolve();
  }

  note(error: unknown, where: string): void {
    const code = codeOf(error);
    this.#tally.errors.set(code, (this.#tally.errors.get(code) ?? 0) + 1);
    if (EXPECTED.has(code) || this.#tally.unexpected.length >= 50) return;
    const message = error instanceof Error ? error.message : String(error);
    this.#tally.unexpected.push(`${this.node}: ${where}: ${code} ${message}`);
  }
}

export function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if (!(error instanceof Error)) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  // node-postgres gives its own losses of a connection no code.
  return /^Connection terminated|^timeout expired|not queryable|^Client was closed|^Query read timeout/.test(
    error.message,
  )
    ? 'CONNECTION'
    : 'unknown';
}

export function isLoss(code: string): boolean {
  return code === 'CONNECTION' || /^E[A-Z]{3,}/.test(code) || code.startsWith('08') || code.startsWith('57P');
}
