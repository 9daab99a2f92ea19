/**
 * startCluster: several nodes in this process, in memory or on disk, started in well under a second.
 * Nodes talk over an in-process network; SQL is served on real loopback ports that stay the same
 * over a restart of a node.
 */
import { join } from 'node:path';
import { QuoralError } from '../base/errors.js';
import type { Env } from '../env/env.js';
import { MemoryDisk } from '../env/memory-disk.js';
import { MemoryHub } from '../env/memory-transport.js';
import { type KeepAlive, keepProcessAlive } from '../env/node/keep-alive.js';
import { createNodeEnv, nodeTransport } from '../env/node/node-env.js';
import { type QuoralNode, startNode } from '../server/node.js';
import type { SqlSession } from '../sql/session-api.js';
import { MemoryEngine } from '../storage/memory-engine.js';
import { openRocksdbEngine } from '../storage/rocksdb-engine.js';
import { type QueryResult, runQuery } from './query.js';

export interface ClusterOptions {
  /** Default 3. */
  readonly nodes?: number;
  /** 'memory' (default), or a folder for data that outlives the cluster. */
  readonly storage?: 'memory' | { readonly directory: string };
  /** 'error' by default. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
}

interface Member {
  readonly disk: MemoryDisk | null;
  engine: MemoryEngine | null;
  node: QuoralNode | null;
  sqlPort: number;
}

const VERSION = 'testing';
const SHELLS_MAX = 64;

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #base: Env;
  readonly #hub: MemoryHub;
  readonly #members: Member[] = [];
  readonly #idle: { node: QuoralNode; session: SqlSession }[] = [];
  #failure: unknown = null;
  #alive: KeepAlive | null = null;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#base = createNodeEnv({ logLevel: options.logLevel ?? 'error' });
    this.#hub = new MemoryHub(this.#base.timers);
    const memory = (options.storage ?? 'memory') === 'memory';
    for (let i = 0; i < (options.nodes ?? 3); i++) {
      this.#members.push({ disk: memory ? new MemoryDisk() : null, engine: null, node: null, sqlPort: 0 });
    }
  }

  async start(): Promise<void> {
    // Timers of the environment never keep a process alive; a script that awaits the cluster must.
    this.#alive = keepProcessAlive();
    await Promise.all(this.#members.map((_, i) => this.#startNode(i)));
  }

  async #startNode(index: number): Promise<void> {
    const member = this.#members[index]!;
    const name = `n${index + 1}`;
    const frames = this.#hub.host(name);
    const env: Env = {
      ...this.#base,
      ...(member.disk === null ? {} : { disk: member.disk }),
      transport: {
        ...nodeTransport,
        listenFrames: (address, onStream) => frames.listenFrames(address, onStream),
        connectFrames: (address, timeoutMs) => frames.connectFrames(address, timeoutMs),
      },
    };
    const storage = this.#options.storage ?? 'memory';
    member.node = await startNode({
      env,
      dataDir: storage === 'memory' ? `/${name}` : join(storage.directory, name),
      openEngine: async (directory) => {
        if (storage !== 'memory') {
          return openRocksdbEngine({ directory, blockCacheBytes: 16 << 20, memtableBytes: 4 << 20 });
        }
        member.engine = member.engine === null ? new MemoryEngine() : member.engine.reopen();
        return member.engine;
      },
      join: this.#members.map((_, i) => `n${i + 1}:1`),
      rpcAddress: `${name}:1`,
      sqlAddress: `127.0.0.1:${member.sqlPort}`,
      httpAddress: null,
      locality: '',
      buildVersion: VERSION,
      tickMs: 25,
      heartbeatMs: 150,
      supportMs: 1_000,
      drainGraceMs: 1_000,
      onFatal: (error) => {
        this.#failure ??= error;
        void this.stopNode(index);
      },
    });
    member.sqlPort = member.node.sqlPort;
  }

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
      if (shell.session.transactionStatus !== 'I' || this.#idle.length >= SHELLS_MAX) {
        await shell.session.close();
      } else {
        this.#idle.push(shell);
      }
    }
  }

  async #shell(): Promise<{ node: QuoralNode; session: SqlSession }> {
    for (;;) {
      const shell = this.#idle.pop();
      if (shell === undefined) break;
      if (shell.node.state === 'serving') return shell;
      await shell.session.close();
    }
    const node = this.#members.find((m) => m.node?.state === 'serving')?.node ?? null;
    if (node === null) throw new QuoralError('57P03', 'no node of the cluster is running');
    const session = await node.sql.openSession({
      user: 'postgres',
      database: 'postgres',
      parameters: {},
      remote: 'in-process',
    });
    return { node, session };
  }

  /** Stops a node as a crash would: nothing is drained. Its data stays for restartNode. */
  async stopNode(index: number): Promise<void> {
    const member = this.#member(index);
    const { node } = member;
    if (node === null) return;
    member.node = null;
    await node.kill();
  }

  async restartNode(index: number): Promise<void> {
    await this.stopNode(index);
    await this.#startNode(index);
  }

  async close(): Promise<void> {
    for (const { session } of this.#idle.splice(0)) await session.close();
    await Promise.all(this.#members.map((_, i) => this.stopNode(i)));
    this.#alive?.release();
    if (this.#failure !== null) throw this.#failure;
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
