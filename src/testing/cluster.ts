/**
 * startCluster: several nodes in this process, in memory or on disk, started in well under a second.
 * Nodes talk over an in-process network; SQL is served on real loopback ports that stay the same
 * over a restart of a node, and to clients inside the process without a socket.
 *
 * A cluster in memory can be forked (a second one with the same data) and reset (back to a marked
 * moment) in milliseconds: capture.ts says what a captured moment is and why a cluster may start from it.
 * A reset replaces every node by a new one on the captured data; the nodes before, their network, timers
 * and messages in flight end with it, so nothing of the discarded time can come back. Clients stay
 * connected (sql-front.ts).
 *
 * Operations take turns: stops and starts of one node one after the other, of several nodes at once;
 * fork, mark and reset alone.
 */
import { QuoralError } from '../base/errors.js';
import type { ByteStream, Env } from '../env/env.js';
import { MemoryHub } from '../env/memory-transport.js';
import { type KeepAlive, keepProcessAlive } from '../env/node/keep-alive.js';
import { ClientSocket } from '../env/node/client-socket.js';
import { createNodeEnv } from '../env/node/node-env.js';
import type { QuoralNode } from '../server/node.js';
import { initParser } from '../sql/parse/parser.js';
import { captureCluster, type ClusterCapture, nodeIds } from './capture.js';
import { Member } from './member.js';
import { type ClientOptions, PgClient } from './pg-client.js';
import { type QueryResult, runQuery } from './query.js';
import { type ConflictCounts, type ConflictRates, ConflictSource } from './simulate/conflicts.js';
import { type FrontSession, SessionRegistry } from './sql-front.js';

export interface ClusterOptions {
  /** Default 3. */
  readonly nodes?: number;
  /** 'memory' (default), or a folder for data that outlives the cluster. */
  readonly storage?: 'memory' | { readonly directory: string };
  /** 'error' by default. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
}

const SHELLS_MAX = 64;
const CONNECT_MS = 5_000;
/** The moment that `reset()` without a name goes back to. */
const MARK = '';

interface Shell {
  readonly member: Member;
  readonly node: QuoralNode;
  readonly session: FrontSession;
}

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #base: Env;
  readonly #conflicts: ConflictSource;
  readonly #members: Member[] = [];
  readonly #registry = new SessionRegistry();
  /** Clients inside the process; outlives the network of the nodes, which a reset replaces. */
  readonly #clients: MemoryHub;
  readonly #moments = new Map<string, ClusterCapture>();
  #idle: Shell[] = [];
  #hub: MemoryHub;
  #failure: unknown = null;
  #alive: KeepAlive | null = null;
  #moment: Promise<unknown> = Promise.resolve();
  readonly #nodeOperations: Promise<unknown>[] = [];

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#base = createNodeEnv({ logLevel: options.logLevel ?? 'error' });
    this.#conflicts = new ConflictSource(this.#base.rng);
    this.#hub = new MemoryHub(this.#base.timers);
    this.#clients = new MemoryHub(this.#base.timers);
    const storage = options.storage ?? 'memory';
    const directory = storage === 'memory' ? null : storage.directory;
    const count = options.nodes ?? 3;
    if (!Number.isInteger(count) || count < 1) throw new QuoralError('22023', 'a cluster has at least one node');
    const join = nodeIds(count).map((id) => `n${id}:1`);
    for (let index = 0; index < count; index++) {
      const onFatal = (error: unknown): void => {
        this.#failure ??= error;
        void this.stopNode(index);
      };
      this.#nodeOperations.push(Promise.resolve());
      this.#members.push(
        new Member({ index, join, directory, onFatal, wrapDb: this.#conflicts.wrap }, this.#base, this.#registry),
      );
    }
  }

  /** Not for callers: see startCluster and fork. */
  async start(capture: ClusterCapture | null = null): Promise<void> {
    // Timers of the environment never keep a process alive; a script that awaits the cluster must.
    this.#alive = keepProcessAlive();
    const parser = initParser();
    for (const [i, member] of this.#members.entries()) {
      await this.#clients.host(`sql${i}`).listenBytes(`sql${i}:1`, (stream) => member.accept(stream));
    }
    if (capture === null) {
      await Promise.all([parser, ...this.#members.map((member) => member.start(this.#hub))]);
    } else {
      await this.#restore(capture);
    }
    if (this.#inMemory) this.#moments.set(MARK, await this.#capture());
  }

  get #inMemory(): boolean {
    return (this.#options.storage ?? 'memory') === 'memory';
  }

  // ---- clients ----

  /** Nodes are counted from 0. */
  url(index = 0): string {
    return `postgresql://postgres@127.0.0.1:${this.#member(index).sqlPort}/postgres`;
  }

  port(index = 0): number {
    return this.#member(index).sqlPort;
  }

  /** The node itself, for what has no shorter way here; null while it is stopped. */
  node(index: number): QuoralNode | null {
    return this.#member(index).node;
  }

  get size(): number {
    return this.#members.length;
  }

  /**
   * What a driver takes in place of a socket, connected to the node inside the process:
   * `new pg.Client({ stream: () => cluster.stream() })`. For postgres.js, which wants it connected:
   * `postgres({ socket: () => cluster.stream().connect() })`.
   */
  stream(index = 0): ClientSocket {
    this.#member(index);
    return new ClientSocket(() => this.#connect(index));
  }

  /** A client in the manner of node-postgres that needs no socket and no package. `connect()` it first. */
  client(index = 0, options: ClientOptions = {}): PgClient {
    this.#member(index);
    return new PgClient(options, () => this.#connect(index));
  }

  async #connect(index: number): Promise<ByteStream> {
    if (!this.#member(index).listening) throw new QuoralError('08001', `node ${index} is not running`);
    return this.#clients.host('client').connectBytes(`sql${index}:1`, CONNECT_MS);
  }

  /**
   * Runs one statement (or several without parameters) on the first running node, on a session of its own.
   * @throws QuoralError with the SQLSTATE that a client would get in `code`.
   */
  async sql(text: string, params: readonly unknown[] = []): Promise<QueryResult> {
    if (this.#failure !== null) throw this.#failure;
    const shell = await this.#shell();
    try {
      return await runQuery(shell.session, text, params);
    } finally {
      const reusable = shell.session.transactionStatus === 'I' && shell.member.node === shell.node;
      if (reusable && this.#idle.length < SHELLS_MAX) this.#idle.push(shell);
      else await shell.session.close();
    }
  }

  async #shell(): Promise<Shell> {
    for (;;) {
      const shell = this.#idle.pop();
      if (shell === undefined) break;
      if (shell.member.serving && shell.member.node === shell.node) return shell;
      await shell.session.close();
    }
    // While nodes are exchanged none serves, and sessions wait for the new one.
    if (this.#exchanging !== null) await this.#exchanging;
    const member = this.#members.find((m) => m.serving);
    if (member === undefined) throw new QuoralError('57P03', 'no node of the cluster is running');
    const session = await member.openSession({
      user: 'postgres',
      database: 'postgres',
      parameters: {},
      remote: 'in-process',
    });
    return { member, node: member.node!, session };
  }

  async #closeShells(): Promise<void> {
    const shells = this.#idle;
    this.#idle = [];
    await Promise.all(shells.map(({ session }) => session.close()));
  }

  /**
   * From now on transactions that begin meet this many conflicts, which reach the client. Nothing named: none.
   * Broken connections are not among them: only `simulate` has those. Gives the counts so far, when asked.
   */
  conflicts(rates: Omit<ConflictRates, 'disconnects'>): { readonly counts: ConflictCounts } {
    const source = this.#conflicts;
    source.set({ ...rates, disconnects: 0 });
    return {
      get counts() {
        return source.counts;
      },
    };
  }

  // ---- nodes ----

  /**
   * Stops a node at once, without draining it; clients are cut off. What it had written stays for
   * restartNode, also what was not synced: see crashNode.
   */
  stopNode(index: number): Promise<void> {
    return this.#onNode(index, (member) => member.stop());
  }

  /**
   * Ends a node as a power failure would: what it had not synced is lost. Its restart takes as long as it
   * would in earnest: up to three seconds, until the promises it may have made have run out.
   * @throws QuoralError 0A000 for a cluster on disk.
   */
  crashNode(index: number): Promise<void> {
    return this.#onNode(index, (member) => {
      this.#needsMemory('a crash');
      return member.crash(this.#hub);
    });
  }

  restartNode(index: number): Promise<void> {
    return this.#onNode(index, async (member) => {
      await member.stop();
      await member.start(this.#hub);
    });
  }

  // ---- moments ----

  /**
   * A second cluster with the same data, independent of this one from now on: everything that was
   * acknowledged before the call is in it, transactions in flight are in it whole or not at all. Nodes that
   * are stopped are stopped there too. Close it by itself.
   */
  async fork(): Promise<Cluster> {
    const capture = await this.#exclusive(() => this.#captureForFork());
    const fork = new Cluster(this.#options);
    try {
      await fork.start(capture);
    } catch (error) {
      await fork.close();
      throw error;
    }
    return fork;
  }

  #captureForFork(): Promise<ClusterCapture> {
    this.#needsMemory('a fork');
    return this.#capture();
  }

  /** Names the present moment, for `reset(name)`; an earlier one of this name is forgotten. */
  snapshot(name: string): Promise<void> {
    return this.#exclusive(async () => {
      this.#needsMemory('a snapshot');
      this.#moments.set(name, await this.#capture());
    });
  }

  /** The present moment is the one that `reset()` goes back to; at first, that is the start. */
  mark(): Promise<void> {
    return this.snapshot(MARK);
  }

  /** Forgets a moment, so that what only it still holds can go. */
  forget(name: string): boolean {
    return name !== MARK && this.#moments.delete(name);
  }

  /**
   * Puts the cluster back to a moment: data, catalog, sequences, and which nodes ran. Clients stay
   * connected; those with a transaction or a statement under way get 40001 (sql-front.ts).
   * @throws QuoralError 42704 there is no snapshot of that name.
   */
  reset(name: string = MARK): Promise<void> {
    return this.#exclusive(async () => {
      this.#needsMemory('a reset');
      if (this.#failure !== null) throw this.#failure;
      const capture = this.#moments.get(name);
      if (capture === undefined) {
        throw new QuoralError('42704', `there is no snapshot "${name}"`, {
          fields: { hint: 'Take it with snapshot(name) first.' },
        });
      }
      await this.#restore(capture);
    });
  }

  #exchanging: Promise<void> | null = null;

  async #restore(capture: ClusterCapture): Promise<void> {
    const exchange = this.#exchange(capture);
    this.#exchanging = exchange.catch(() => undefined);
    try {
      await exchange;
    } finally {
      this.#exchanging = null;
    }
  }

  async #exchange(capture: ClusterCapture): Promise<void> {
    const ended = this.#members.map((member) => member.suspend());
    const old = this.#hub;
    this.#hub = new MemoryHub(this.#base.timers);
    for (const id of nodeIds(this.#members.length)) old.kill(`n${id}`);
    await Promise.all([
      this.#closeShells(),
      ...ended.map((node) => node?.kill()),
      ...this.#members.map((member, i) => member.restore(capture.nodes[i]!, this.#hub)),
    ]);
    await Promise.all(this.#members.map((member) => member.resume()));
  }

  async #capture(): Promise<ClusterCapture> {
    await new Promise<void>((resolve) => {
      this.#base.timers.endOfTurn(resolve);
    });
    if (this.#failure !== null) throw this.#failure;
    if (!this.#members.some((member) => member.serving)) {
      throw new QuoralError('57P03', 'no node of the cluster is running');
    }
    return captureCluster(this.#members.map((member) => member.captureSource()));
  }

  #needsMemory(what: string): void {
    if (this.#inMemory) return;
    throw new QuoralError('0A000', `${what} needs a cluster in memory`, {
      fields: { hint: "Start the cluster with storage: 'memory'." },
    });
  }

  // ---- the end ----

  /** Twice does no harm. @throws what a node failed with, if one did. */
  async close(): Promise<void> {
    // A node that cannot come up, for want of a majority, must not hold this up.
    await this.#moment;
    await this.#closeShells();
    await Promise.all(this.#members.map((member) => member.stop()));
    this.#moments.clear();
    this.#alive?.release();
    if (this.#failure !== null) throw this.#failure;
  }

  /** A moment's operation: alone. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const run = Promise.all([this.#moment, ...this.#nodeOperations]).then(() => work());
    // The next operation runs whether or not this one failed; its caller hears of it.
    this.#moment = run.catch(() => undefined);
    return run;
  }

  /** A node's operation: after the earlier ones of that node. */
  #onNode(index: number, work: (member: Member) => Promise<void>): Promise<void> {
    const member = this.#member(index);
    const run = Promise.all([this.#moment, this.#nodeOperations[index]]).then(() => work(member));
    this.#nodeOperations[index] = run.catch(() => undefined);
    return run;
  }

  #member(index: number): Member {
    const member = this.#members[index];
    if (member === undefined) {
      throw new QuoralError(
        '22023',
        `there is no node ${index}: the cluster has ${this.#members.length}, counted from 0`,
      );
    }
    return member;
  }
}

/**
 * Starts a cluster in this process and resolves when every node serves SQL.
 * `close()` it at the end: until then it keeps the process alive.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const cluster = new Cluster(options);
  try {
    await cluster.start();
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}
