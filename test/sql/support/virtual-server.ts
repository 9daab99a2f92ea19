/**
 * Sessions in virtual time, which passes while somebody waits for an answer and not otherwise: time-outs and what comes every
 * second are the same on a machine that is slow or shared.
 */
import type { ManagedSqlServer, SqlServerDeps } from '../../../src/sql/session/server.js';
import { VirtualTime } from '../../env/virtual-time.js';
import { MemoryDb } from './memory-kv.js';
import { Client, startServer } from './server.js';

/** Milliseconds at a time. */
const STEP_MS = 1;

export class VirtualServers {
  readonly time = new VirtualTime();

  start(db: MemoryDb = new MemoryDb(), more: Partial<SqlServerDeps> = {}): Promise<ManagedSqlServer> {
    return this.run(startServer(db, { timers: this.time, clock: this.time.clock(), ...more }));
  }

  open(server: ManagedSqlServer): Promise<Client> {
    return this.run(Client.open(server));
  }

  /** Time passes until it is over. */
  async run<T>(work: Promise<T>): Promise<T> {
    let over = false;
    const done = work.finally(() => (over = true));
    done.catch(() => undefined);
    while (!over) await this.time.advance(STEP_MS);
    return done;
  }
}
