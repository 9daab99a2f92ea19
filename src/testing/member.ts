/**
 * One place in a cluster of the test process: the wire server that clients connect to (a loopback
 * port, and streams inside the process), and behind it the node, which may be stopped, killed, or
 * replaced by one that starts from a captured state. Clients notice a replacement only by what
 * sql-front.ts says; a stopped node's connections end and its port is closed until it is started again.
 */
import { join } from 'node:path';
import { assert } from '../base/assert.js';
import type { ByteStream, Env } from '../env/env.js';
import { MemoryDisk } from '../env/memory-disk.js';
import type { MemoryHub } from '../env/memory-transport.js';
import { nodeTransport } from '../env/node/node-env.js';
import { routineOf } from '../pgwire/error-source.js';
import { PgWireServer } from '../pgwire/server.js';
import { type QuoralNode, startNode } from '../server/node.js';
import type { SessionOptions } from '../sql/session-api.js';
import { findTypeByOid } from '../sql/types/registry.js';
import type { Engine } from '../storage/engine.js';
import { MemoryEngine } from '../storage/memory-engine.js';
import type { KvDb } from '../txn/kv-txn.js';
import type { CaptureSource, NodeCapture } from './capture.js';
import { type FrontSession, type SessionRegistry, SqlFront } from './sql-front.js';

export interface MemberOptions {
  /** From 0. */
  readonly index: number;
  /** RPC addresses of all members. */
  readonly join: readonly string[];
  /** null: in memory. */
  readonly directory: string | null;
  /** The node has stopped serving because something that must hold does not. */
  readonly onFatal: (error: unknown) => void;
  /** Conflicts on request, between the node's SQL and its transactions. */
  readonly wrapDb: (db: KvDb) => KvDb;
}

const VERSION = 'testing';
const CLIENTS_MAX = 10_000;

export class Member {
  readonly #options: MemberOptions;
  readonly #base: Env;
  readonly #front: SqlFront;
  readonly #name: string;
  #disk: MemoryDisk | null;
  #engine: MemoryEngine | null = null;
  #node: QuoralNode | null = null;
  #wire: PgWireServer | null = null;
  #sqlPort = 0;
  /** Grows with every node: what an earlier one reports is of no concern any more. */
  #life = 0;

  constructor(options: MemberOptions, base: Env, registry: SessionRegistry) {
    this.#options = options;
    this.#base = base;
    this.#front = new SqlFront(registry);
    this.#name = `n${options.index + 1}`;
    this.#disk = options.directory === null ? new MemoryDisk() : null;
  }

  get node(): QuoralNode | null {
    return this.#node;
  }
  get serving(): boolean {
    return this.#node?.state === 'serving';
  }
  get sqlPort(): number {
    return this.#sqlPort;
  }

  get #dataDir(): string {
    return this.#options.directory === null ? `/${this.#name}` : join(this.#options.directory, this.#name);
  }

  /** Opens the SQL port and starts the node on the data that are there. */
  async start(hub: MemoryHub): Promise<void> {
    assert(this.#node === null, 'the node runs already');
    await this.#listen();
    try {
      await this.#startNode(hub);
      await this.#front.resume(this.#node!.sql);
    } catch (error) {
      await this.#closeWire();
      throw error;
    }
  }

  /** Stops the node without draining it, but in order: everything it wrote is there when it is started again. */
  async stop(): Promise<void> {
    const node = this.#take();
    const closing = this.#closeWire();
    await node?.kill();
    await closing;
  }

  /** Ends the node as a power failure would: what was not synced is lost, its files stay as they are. */
  async crash(hub: MemoryHub): Promise<void> {
    const node = this.#take();
    if (node === null) return;
    assert(this.#engine !== null && this.#disk !== null, 'a node in memory');
    // What the dying node still writes goes to an engine and a disk that nobody will read.
    this.#engine = this.#engine.crash();
    this.#disk = this.#disk.clone();
    hub.kill(this.#name);
    const closing = this.#closeWire();
    await node.kill();
    await closing;
  }

  /** Holds the clients back and hands out the node, to be killed. */
  suspend(): QuoralNode | null {
    if (this.#node !== null) this.#front.suspend();
    return this.#take();
  }

  /** Puts the captured data in place and starts the node on them if it ran then. */
  async restore(capture: NodeCapture, hub: MemoryHub): Promise<void> {
    this.load(capture);
    if (!capture.running) {
      await this.#closeWire();
      return;
    }
    await this.#listen();
    await this.#startNode(hub);
  }

  load(capture: NodeCapture): void {
    this.#engine = capture.image === null ? null : capture.image.open();
    this.#disk = capture.disk.clone();
  }

  /** After `restore`, when the nodes before have ended. */
  async resume(): Promise<void> {
    if (this.#node !== null) await this.#front.resume(this.#node.sql);
  }

  captureSource(): CaptureSource {
    const { node } = this;
    assert(this.#disk !== null, 'a node in memory');
    return {
      dataDir: this.#dataDir,
      engine: this.#engine,
      disk: this.#disk,
      now: node === null ? null : () => node.store.hlc.now(),
    };
  }

  openSession(options: SessionOptions): Promise<FrontSession> {
    return this.#front.openSession(options);
  }

  /** A client's stream that needs no socket. */
  accept(stream: ByteStream): void {
    if (this.#wire === null) stream.destroy();
    else this.#wire.accept(stream);
  }

  get listening(): boolean {
    return this.#wire !== null;
  }

  #take(): QuoralNode | null {
    const node = this.#node;
    this.#node = null;
    this.#life++;
    return node;
  }

  async #listen(): Promise<void> {
    if (this.#wire !== null) return;
    const { timers, logger, transport } = this.#base;
    const wire = new PgWireServer(
      { address: `127.0.0.1:${this.#sqlPort}`, limits: { connectionsMax: CLIENTS_MAX } },
      {
        sql: this.#front,
        transport,
        timers,
        logger,
        typeByOid: findTypeByOid,
        source: routineOf,
        onFatal: (error) => this.#options.onFatal(error),
      },
    );
    await wire.start();
    this.#wire = wire;
    this.#sqlPort = wire.port;
  }

  async #closeWire(): Promise<void> {
    const wire = this.#wire;
    this.#wire = null;
    this.#front.detach();
    await wire?.close(0);
    this.#front.suspend();
  }

  async #startNode(hub: MemoryHub): Promise<void> {
    const life = ++this.#life;
    this.#node = await startNode({
      env: this.#env(hub),
      dataDir: this.#dataDir,
      openEngine: (directory) => this.#openEngine(directory),
      join: this.#options.join,
      rpcAddress: `${this.#name}:1`,
      sqlAddress: `127.0.0.1:${this.#sqlPort}`,
      httpAddress: null,
      locality: '',
      buildVersion: VERSION,
      tickMs: 25,
      heartbeatMs: 150,
      supportMs: 1_000,
      drainGraceMs: 1_000,
      wrapDb: this.#options.wrapDb,
      onFatal: (error) => {
        if (life === this.#life) this.#options.onFatal(error);
        else this.#base.logger.log('debug', 'an ended node failed', { node: this.#name, error: String(error) });
      },
    });
  }

  #env(hub: MemoryHub): Env {
    const frames = hub.host(this.#name);
    return {
      ...this.#base,
      ...(this.#disk === null ? {} : { disk: this.#disk }),
      transport: {
        ...nodeTransport,
        // Clients come through this member's own wire server, which outlives the node.
        listenBytes: async () => ({ port: this.#sqlPort, close: async () => undefined }),
        listenFrames: (address, onStream) => frames.listenFrames(address, onStream),
        connectFrames: (address, timeoutMs) => frames.connectFrames(address, timeoutMs),
      },
    };
  }

  async #openEngine(directory: string): Promise<Engine> {
    if (this.#options.directory !== null) {
      // Native code that a cluster in memory never needs.
      const { openRocksdbEngine } = await import('../storage/rocksdb-engine.js');
      return openRocksdbEngine({ directory, blockCacheBytes: 16 << 20, memtableBytes: 4 << 20 });
    }
    if (this.#engine === null) this.#engine = new MemoryEngine();
    else if (!this.#engine.isOpen) this.#engine = this.#engine.reopen();
    return this.#engine;
  }
}
