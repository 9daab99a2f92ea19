/**
 * The application's side of a simulation: its process, which may be cut off like a node (it is called
 * "app"), and the connections that it makes, of the built-in client and of drivers.
 */
import { QuoralError } from '../../base/errors.js';
import type { ByteStream } from '../../env/env.js';
import { ClientSocket } from '../../env/node/client-socket.js';
import { SimClock } from '../../env/sim/clock.js';
import type { SimRandom } from '../../env/sim/random.js';
import { SimProcess } from '../../env/sim/scheduler.js';
import { type ClientOptions, type ClientResult, PgClient } from '../pg-client.js';
import type { SimWorld } from '../sim/world.js';
import { ClientStream } from './client-stream.js';
import type { ConflictSource } from './conflicts.js';

/** The application's name where nodes are named. */
export const APP = 'app';
const CONNECT_MS = 5_000;
/** A connection to a process that has died is noticed within this. */
const KEEP_ALIVE_US = 5_000_000;
const IDLE_MAX = 32;

interface Session {
  readonly client: PgClient;
  stream: ClientStream | null;
  ended: boolean;
}

export class SimClients {
  readonly process: SimProcess;
  readonly clock: SimClock;
  readonly #world: SimWorld;
  readonly #conflicts: ConflictSource;
  readonly #open = new Map<ClientStream, SimProcess>();
  readonly #idle = new Map<string, Session[]>();
  #count = 0;

  constructor(world: SimWorld, conflicts: ConflictSource) {
    this.#world = world;
    this.#conflicts = conflicts;
    this.process = new SimProcess(world.scheduler, APP);
    this.clock = new SimClock(world.scheduler);
    this.#keepAlive();
  }

  /** The first node that serves; if none does, the first that is up. */
  anyNode(): string {
    const { machines } = this.#world;
    const usable = machines.find((m) => m.serving && m.process?.paused === false);
    return (usable ?? machines.find((m) => m.up) ?? machines[0]!).name;
  }

  socket(node: string | undefined): ClientSocket {
    return new ClientSocket(() => this.#connect(node ?? this.anyNode()));
  }

  client(node: string | undefined, options: ClientOptions): PgClient {
    return new PgClient(options, () => this.#connect(node ?? this.anyNode()));
  }

  /** One statement on a connection of its own, which is kept for the next one. */
  async sql(text: string, params: readonly unknown[], node: string, timeoutUs: number): Promise<ClientResult> {
    const session = this.#idleSession(node) ?? this.#newSession(node, timeoutUs);
    const timer = this.#world.scheduler.after(timeoutUs, this.process, () => {
      session.stream?.break(`no answer within ${timeoutUs / 1e6} s`, 'ETIMEDOUT');
    });
    try {
      if (session.stream === null) await session.client.connect();
      return await session.client.query(text, params);
    } finally {
      timer.cancel();
      this.#giveBack(node, session);
    }
  }

  /** One of the open connections breaks. */
  breakOne(random: SimRandom): void {
    const streams = [...this.#open.keys()];
    if (streams.length > 0) random.pick(streams).break('the client vanished');
  }

  #idleSession(node: string): Session | null {
    const idle = this.#idle.get(node) ?? [];
    for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) if (!kept.ended) return kept;
    return null;
  }

  #newSession(node: string, timeoutUs: number): Session {
    const connectMs = Math.min(CONNECT_MS, timeoutUs / 1000);
    const session: Session = {
      client: new PgClient({}, async () => (session.stream = await this.#connect(node, connectMs))),
      stream: null,
      ended: false,
    };
    session.client.on('end', () => (session.ended = true));
    return session;
  }

  #giveBack(node: string, session: Session): void {
    if (session.ended || session.stream === null) return;
    let idle = this.#idle.get(node);
    if (idle === undefined) this.#idle.set(node, (idle = []));
    // A transaction that was left open has no place in the next statement.
    if (session.stream.status === 'I' && idle.length < IDLE_MAX) idle.push(session);
    else session.stream.destroy();
  }

  async #connect(node: string, timeoutMs = CONNECT_MS): Promise<ClientStream> {
    const world = this.#world;
    const machine = world.machine(node);
    let inner: ByteStream;
    try {
      inner = await world.network.transport(this.process).connectBytes(machine.sqlAddress, timeoutMs);
    } catch (error) {
      throw connectError(error, node);
    }
    const stream = new ClientStream(`c${++this.#count}`, node, inner, {
      note: (text) => world.note(text),
      breakMoment: () => this.#conflicts.disconnect(),
      later: (fn) => void world.scheduler.after(0, this.process, fn),
      closed: (closed) => void this.#open.delete(closed),
    });
    this.#open.set(stream, machine.process!);
    return stream;
  }

  /** A machine that comes back answers what belongs to its dead process with a reset. */
  #keepAlive(): void {
    this.#world.scheduler.after(KEEP_ALIVE_US, null, () => {
      for (const [stream, process] of this.#open) if (!process.alive) stream.break('the server is gone');
      this.#keepAlive();
    });
  }
}

/** With the code of a socket's error beside PostgreSQL's. */
function connectError(cause: unknown, node: string): Error {
  if (!(cause instanceof QuoralError)) return cause as Error;
  const refused = cause.message.includes('refused');
  const code = refused ? 'ECONNREFUSED' : 'ETIMEDOUT';
  return Object.assign(new Error(`connect ${code} ${node}`, { cause }), { code, syscall: 'connect' });
}
