/**
 * Stores of several nodes in one process, over the in-process network and engines: everything from
 * RPC up to the executor is the real thing. Waits are on conditions with a bound, never on time.
 */
import type { NodeId } from '../../../src/base/ids.js';
import { KEY_MAX, KEY_MIN, type Key } from '../../../src/base/key.js';
import { MemoryHub } from '../../../src/env/memory-transport.js';
import { createNodeEnv } from '../../../src/env/node/node-env.js';
import { Hlc } from '../../../src/hlc/hlc.js';
import { StoreLiveness } from '../../../src/cluster/store-liveness.js';
import type { BatchHeader, BatchRequest, BatchResponse, KvRequest, RangeDescriptor } from '../../../src/range/kv-api.js';
import { KvError } from '../../../src/range/kv-errors.js';
import { Store, type StoreOptions } from '../../../src/range/store.js';
import { RpcNetworkImpl } from '../../../src/rpc/network.js';
import { MemoryEngine } from '../../../src/storage/memory-engine.js';

export interface TestNode {
  readonly id: NodeId;
  engine: MemoryEngine;
  store: Store;
  network: RpcNetworkImpl;
  liveness: StoreLiveness;
  persisted: Uint8Array | null;
  up: boolean;
}

export interface HarnessOptions {
  readonly nodes?: number;
  readonly store?: Partial<StoreOptions>;
}

export class Harness {
  readonly hub: MemoryHub;
  readonly nodes: TestNode[] = [];
  readonly fatal: unknown[] = [];
  readonly #env = createNodeEnv({ logLevel: process.env['HARNESS_LOG'] === undefined ? 'error' : 'debug' });
  readonly #options: HarnessOptions;

  private constructor(options: HarnessOptions) {
    this.#options = options;
    this.hub = new MemoryHub(this.#env.timers);
  }

  static async start(options: HarnessOptions = {}): Promise<Harness> {
    const harness = new Harness(options);
    const count = options.nodes ?? 3;
    const descriptor: RangeDescriptor = {
      rangeId: 1,
      start: KEY_MIN,
      end: KEY_MAX,
      replicas: Array.from({ length: count }, (_, i) => ({ nodeId: i + 1, type: 'voter' as const })),
      generation: 1,
    };
    for (let id = 1; id <= count; id++) {
      const engine = new MemoryEngine();
      Store.writeInitialRanges(engine, [descriptor], () => undefined);
      await engine.syncData();
      harness.nodes.push(await harness.#boot(id, engine, null));
    }
    return harness;
  }

  async #boot(id: NodeId, engine: MemoryEngine, persisted: Uint8Array | null): Promise<TestNode> {
    const { clock, timers, rng, disk, logger } = this.#env;
    const hlc = await Hlc.open({ boundPath: null }, { clock, timers, disk, logger });
    const transport = this.hub.host(`n${id}`);
    const env = { ...this.#env, transport };
    const network = new RpcNetworkImpl(
      { nodeId: id, clusterId: 'test' },
      { transport, timers, clock, rng, hlc, logger, onFatal: (e) => this.fatal.push(e) },
    );
    const node: Partial<TestNode> & { persisted: Uint8Array | null } = { id, engine, network, persisted, up: true };
    const liveness = new StoreLiveness(
      { self: id, heartbeatMs: 60, supportMs: 300 },
      {
        network, hlc, clock, timers, logger, persisted,
        persist: async (bytes) => {
          node.persisted = bytes;
        },
      },
    );
    const store = new Store(
      {
        nodeId: id, tickMs: 20, rangeBytesMax: 1 << 30, logBytesKept: 4 << 20, balanceLeaders: false,
        ...this.#options.store,
      },
      {
        env, hlc, engine, liveness, network,
        pusher: { push: async (pushee) => ({ status: 'pending', ts: pushee.writeTs, epoch: pushee.epoch }) },
        waitGraph: { waitBegins: () => () => undefined },
        requestSplit: async () => undefined,
        onFatal: (error) => this.fatal.push(error),
      },
    );
    const count = this.#options.nodes ?? 3;
    await network.start(`n${id}:1`);
    for (let peer = 1; peer <= count; peer++) network.setAddress(peer, `n${peer}:1`);
    liveness.setPeers(Array.from({ length: count }, (_, i) => i + 1));
    liveness.start();
    store.start();
    return Object.assign(node, { liveness, store }) as TestNode;
  }

  node(id: NodeId): TestNode {
    return this.nodes[id - 1]!;
  }

  /** Stops a node without any goodbye; `crash` also loses what was not synced. */
  async stop(id: NodeId, crash = true): Promise<void> {
    const node = this.node(id);
    node.up = false;
    this.hub.kill(`n${id}`);
    await node.store.stop();
    await node.network.stop();
    if (crash) node.engine = node.engine.crash();
  }

  async restart(id: NodeId): Promise<void> {
    const old = this.node(id);
    this.nodes[id - 1] = await this.#boot(id, old.engine, old.persisted);
  }

  async until<T>(what: string, probe: () => T | null | undefined | false, ms = 10_000): Promise<T> {
    const start = this.#env.clock.monotonicMs();
    for (;;) {
      if (this.fatal.length > 0) throw this.fatal[0];
      const found = probe();
      if (found) return found;
      if (this.#env.clock.monotonicMs() - start > ms) throw new Error(`waited too long for: ${what}`);
      await this.#env.timers.sleep(5);
    }
  }

  leaseholder(rangeId = 1): TestNode | null {
    return (
      this.nodes.find((n) => n.up && n.store.replica(rangeId)?.serving(n.store.hlc.now()) === true) ?? null
    );
  }

  /** Sends to whoever serves the range, following errors that promise nothing was evaluated. */
  async send(requests: readonly KvRequest[], header: Partial<BatchHeader> = {}): Promise<BatchResponse> {
    for (let tries = 0; tries < 200; tries++) {
      const rangeId = header.rangeId ?? 1;
      const node = await this.until('a leaseholder', () => this.leaseholder(rangeId));
      const batch: BatchRequest = {
        header: {
          rangeId, txn: null, timestamp: 0, wait: 'block', canBumpReadTs: false, observedTs: 0,
          maxRows: 0, maxBytes: 0, lockTimeoutMs: 0, gatewayNode: node.id, ...header,
        },
        requests,
      };
      try {
        return await node.store.executor.execute(batch);
      } catch (error) {
        if (!(error instanceof KvError) || error.detail.kind !== 'not-leaseholder') throw error;
        await this.#env.timers.sleep(5);
      }
    }
    throw new Error('no leaseholder would take the batch');
  }

  async increment(key: Key, by = 1): Promise<number> {
    const response = await this.send([{ kind: 'increment', key, by }]);
    const reply = response.responses[0]!;
    if (reply.kind !== 'increment') throw new Error('wrong reply');
    return reply.value;
  }

  async close(): Promise<void> {
    for (const node of this.nodes) if (node.up) await this.stop(node.id, false);
    for (const node of this.nodes) await node.liveness.stop();
  }
}
