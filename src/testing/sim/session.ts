/**
 * What a simulated client does around its statements: keeps a connection to some node, begins and
 * ends transactions, and says afterwards which of the three outcomes it saw.
 */
import type { SimProcess, SimScheduler } from '../../env/sim/scheduler.js';
import type { SimRandom } from '../../env/sim/random.js';
import type { Transport } from '../../env/env.js';
import type { IsolationLevel, Outcome } from '../judges/history.js';
import { ClientError, type ClientResult, SimClient } from './client.js';
import type { SimWorld } from './world.js';

/** The statement was not sent, or the server said that it has no effect. */
export interface Ended {
  readonly outcome: Outcome;
  readonly error: ClientError | null;
}

const TIMEOUT_US = 8_000_000;
const RECONNECT_US = 150_000;

export class SimSession {
  readonly name: string;
  readonly process: SimProcess;
  readonly random: SimRandom;
  readonly outcomes: Record<Outcome, number> = { done: 0, failed: 0, unknown: 0 };
  /** How often each SQLSTATE came back. */
  readonly errors = new Map<string, number>();
  readonly #world: SimWorld;
  readonly #scheduler: SimScheduler;
  readonly #transport: Transport;
  readonly #home: number | null;
  #client: SimClient | null = null;
  #node = '';

  /** `home`: the only node that it talks to; null: another one at random whenever it connects. */
  constructor(world: SimWorld, process: SimProcess, random: SimRandom, home: number | null) {
    this.name = process.name;
    this.process = process;
    this.random = random;
    this.#world = world;
    this.#scheduler = world.scheduler;
    this.#transport = world.network.transport(process);
    this.#home = home;
  }

  get nowUs(): number {
    return this.#scheduler.nowUs;
  }
  /** The node of the current connection. */
  get node(): string {
    return this.#node;
  }

  sleep(us: number): Promise<void> {
    return new Promise((resolve) => void this.#scheduler.after(us, this.process, resolve));
  }

  /** A usable connection; tries until there is one. */
  async connection(): Promise<SimClient> {
    for (;;) {
      if (this.#client?.usable === true && this.#client.status === 'I') return this.#client;
      this.#client?.close();
      this.#client = null;
      const machine = this.#world.machines[this.#home ?? this.random.int(this.#world.machines.length)]!;
      this.#node = machine.name;
      try {
        this.#client = await SimClient.connect(
          { scheduler: this.#scheduler, process: this.process, transport: this.#transport },
          machine.sqlAddress,
          TIMEOUT_US,
        );
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        await this.sleep(RECONNECT_US * (1 + this.random.next()));
      }
    }
  }

  /** Drops the connection without a word, as a client that dies. */
  vanish(): void {
    this.#client?.abandon();
    this.#client = null;
  }

  close(): void {
    this.#client?.close();
    this.#client = null;
  }

  /** One statement by itself. */
  async statement(
    text: string,
    params: readonly (string | number | null)[] = [],
  ): Promise<Ended & { readonly result: ClientResult | null }> {
    const client = await this.connection();
    try {
      const result = await client.query(text, params);
      return { ...this.#ended('done', null), result };
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return { ...this.#ended(unknownAfterSending(error) ? 'unknown' : 'failed', error), result: null };
    }
  }

  /** A transaction; `body` runs its statements and may throw their errors. */
  async transaction(level: IsolationLevel, body: (client: SimClient) => Promise<void>): Promise<Ended> {
    const client = await this.connection();
    try {
      await client.query(`BEGIN ISOLATION LEVEL ${level}`);
      await body(client);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      if (client.usable && client.status !== 'I') await this.#rollBack(client);
      return this.#ended('failed', error);
    }
    try {
      const { tag } = await client.query('COMMIT');
      return this.#ended(tag === 'COMMIT' ? 'done' : 'failed', null);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return this.#ended(unknownAfterSending(error) ? 'unknown' : 'failed', error);
    }
  }

  #ended(outcome: Outcome, error: ClientError | null): Ended {
    this.outcomes[outcome]++;
    if (error !== null) this.errors.set(error.code, (this.errors.get(error.code) ?? 0) + 1);
    return { outcome, error };
  }

  async #rollBack(client: SimClient): Promise<void> {
    try {
      await client.query('ROLLBACK');
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      // Whatever it was, this connection is not used again.
      this.vanish();
    }
  }
}

/** The statement, or the COMMIT, may have taken effect although this error came back. */
export function unknownAfterSending(error: ClientError): boolean {
  return error.lost || error.code === '40003';
}
