/**
 * Stores of several nodes in one process, over the in-process network and engines: everything from
 * RPC up to the executor is the real thing. Waits are on conditions with a bound. Time is virtual and chance
 * seeded (HARNESS_SEED, 1 by default): a failure comes again.
 *
 * While it runs, every turn of its watch looks whether a range is served by two stores at once
 * (`doubleLeases`), which must never be.
 */
import type { NodeId, RangeId, Timestamp } from '../../../src/base/ids.js';
import { KEY_MAX, KEY_MIN, type Key } from '../../../src/base/key.js';
import { LOCAL_DESCRIPTOR_PREFIX } from '../../../src/encoding/keyspace.js';
import type { Env, TimerHandle } from '../../../src/env/env.js';
import { MemoryHub } from '../../../src/env/memory-transport.js';
import { createNodeEnv } from '../../../src/env/node/node-env.js';
import { SimRandom } from '../../../src/env/sim/random.js';
import { Hlc } from '../../../src/hlc/hlc.js';
import { StoreLiveness } from '../../../src/cluster/store-liveness.js';
import type {
  BatchHeader,
  BatchRequest,
  BatchResponse,
  KvRequest,
  RangeDescriptor,
  TxnMeta,
} from '../../../src/range/kv-api.js';
import { KvError } from '../../../src/range/kv-errors.js';
import type { ResolvedTxn } from '../../../src/range/services.js';
import { Store, type StoreOptions } from '../../../src/range/store.js';
import type { RaftMessage } from '../../../src/raft/types.js';
import { RpcNetworkImpl } from '../../../src/rpc/network.js';
import type { TransactionRecord } from '../../../src/storage/lock-record.js';
import type { DataFamily } from '../../../src/storage/engine.js';
import { MemoryEngine } from '../../../src/storage/memory-engine.js';
import { txnMeta } from '../../support/txn-meta.js';
import { PacedTime } from './paced-time.js';

/** Virtual: what lasts a few turns only is seen. */
const POLL_MS = 0.05;

export interface TestNode {
  readonly id: NodeId;
  engine: MemoryEngine;
  store: Store;
  network: RpcNetworkImpl;
  liveness: StoreLiveness;
  hlc: Hlc;
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
  readonly doubleLeases: string[] = [];
  /** Where stores asked for a range to be divided; nobody does it. */
  readonly splitsRequested: Key[] = [];
  /** Records whose transactions stores asked to be ended; nobody does it. */
  readonly finished: TransactionRecord[] = [];
  /** What pushes find: whoever is pushed is alive, if a test does not say otherwise. */
  push = (pushee: TxnMeta): ResolvedTxn => ({
    status: 'pending',
    ts: pushee.writeTs,
    epoch: pushee.epoch,
    pendingAt: 0,
  });
  readonly time: PacedTime;
  readonly #env: Env;
  readonly #options: HarnessOptions;
  #watch: TimerHandle | null = null;
  #txns = 0;

  private constructor(options: HarnessOptions) {
    this.#options = options;
    const rng = new SimRandom(Number(process.env['HARNESS_SEED'] ?? 1));
    this.time = new PacedTime(rng.fork('turns'));
    const machine = createNodeEnv({ logLevel: process.env['HARNESS_LOG'] === undefined ? 'error' : 'debug' });
    this.#env = { ...machine, clock: this.time, timers: this.time, rng };
    this.hub = new MemoryHub(this.time);
    this.time.run().catch((error: unknown) => this.fatal.push(error));
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
    harness.#watch = harness.#env.timers.every(1, () => harness.checkLeases());
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
    const node: Partial<TestNode> & { persisted: Uint8Array | null } = {
      id,
      engine,
      network,
      persisted,
      hlc,
      up: true,
    };
    const liveness = new StoreLiveness(
      { self: id, heartbeatMs: 60, supportMs: 300 },
      {
        network,
        hlc,
        clock,
        timers,
        logger,
        persisted,
        persist: async (bytes) => {
          node.persisted = bytes;
        },
      },
    );
    const store = new Store(
      {
        nodeId: id,
        tickMs: 20,
        rangeBytesMax: 1 << 30,
        logBytesKept: 4 << 20,
        balanceLeaders: false,
        ...this.#options.store,
      },
      {
        env,
        hlc,
        engine,
        liveness,
        network,
        pusher: {
          push: async (pushee) => this.push(pushee),
          finish: async (record) => void this.finished.push(record),
        },
        waitGraph: { waitBegins: () => () => undefined },
        requestSplit: async (key) => void this.splitsRequested.push(key),
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
  get up(): TestNode[] {
    return this.nodes.filter((n) => n.up);
  }

  /** Stops a node without any goodbye; `crash` also loses what was not synced. */
  async stop(id: NodeId, crash = true): Promise<void> {
    const node = this.node(id);
    node.up = false;
    this.hub.kill(`n${id}`);
    // The crash comes first: what the stopping node still does reaches no disk.
    if (crash) node.engine = node.engine.crash();
    await node.store.stop();
    await node.network.stop();
    if (crash) await this.#silence(node);
  }

  /** A crashed node's heartbeats end; its promises stay what was durable at that moment. */
  async #silence(node: TestNode): Promise<void> {
    const { persisted } = node;
    await node.liveness.stop();
    node.persisted = persisted;
  }

  async restart(id: NodeId): Promise<void> {
    const old = this.node(id);
    this.nodes[id - 1] = await this.#boot(id, old.engine, old.persisted);
  }

  /** Cuts a node off in both directions, or joins it again. */
  isolate(id: NodeId, silent: boolean): void {
    for (const { id: other } of this.nodes) {
      if (other === id) continue;
      for (const [from, to] of [
        [id, other],
        [other, id],
      ]) {
        this.hub.setFault(`n${from}`, `n${to}`, silent ? { silent: true } : null);
      }
    }
  }

  /** Raft messages of one kind from one node to another are lost, until the returned function is called. */
  loseRaft(from: NodeId, to: NodeId, type: RaftMessage['type']): () => void {
    const { network } = this.node(from);
    const send = network.send.bind(network);
    network.send = (node, method, message) => {
      if (node !== to || method.name !== 'raft-batch') return send(node, method, message);
      const left = (message as unknown as { message: RaftMessage }[]).filter((m) => m.message.type !== type);
      if (left.length > 0) send(node, method, left as never);
    };
    return () => void (network.send = send);
  }

  sleep(ms: number): Promise<void> {
    return this.#env.timers.sleep(ms);
  }

  async until<T>(what: string, probe: () => T | null | undefined | false, ms = 10_000, pollMs = POLL_MS): Promise<T> {
    const start = this.#env.clock.monotonicMs();
    for (;;) {
      if (this.fatal.length > 0) throw this.fatal[0];
      const found = probe();
      if (found) return found;
      if (this.#env.clock.monotonicMs() - start > ms)
        throw new Error(`waited too long for: ${what}\n${this.describe()}`);
      await this.#env.timers.sleep(pollMs);
    }
  }

  describe(): string {
    const lines: string[] = [];
    for (const n of this.nodes) {
      if (!n.up) lines.push(`n${n.id} down`);
      else {
        for (const r of n.store.replicas()) {
          lines.push(
            `n${n.id} r${r.rangeId} ${r.raft.role} term ${r.raft.term} last ${r.raft.lastIndex} committed ${r.raft.committed} applied ${r.appliedIndex}` +
              ` truncated ${r.log.truncated().index}${r.installing ? ' installing' : ''} ${JSON.stringify(r.raft.peers())}`,
          );
        }
      }
    }
    return lines.join('\n');
  }

  checkLeases(): void {
    const serving = new Map<RangeId, NodeId>();
    for (const n of this.up) {
      for (const r of n.store.replicas()) {
        if (!r.serving(n.hlc.peek())) continue;
        const other = serving.get(r.rangeId);
        if (other !== undefined) this.doubleLeases.push(`range ${r.rangeId} on ${other} and ${n.id}`);
        serving.set(r.rangeId, n.id);
      }
    }
  }

  leaseholder(rangeId = 1): TestNode | null {
    return this.up.find((n) => n.store.replica(rangeId)?.serving(n.store.hlc.now()) === true) ?? null;
  }

  /** The range that a serving store says holds the key. */
  rangeOf(key: Key): RangeId | null {
    for (const n of this.up) {
      const replica = n.store.replicaFor(key);
      if (replica?.serving(n.store.hlc.now()) === true) return replica.rangeId;
    }
    return null;
  }

  batch(node: TestNode, requests: readonly KvRequest[], header: Partial<BatchHeader> = {}): BatchRequest {
    return {
      header: {
        rangeId: 1,
        txn: null,
        timestamp: 0,
        wait: 'block',
        canBumpReadTs: false,
        observedTs: 0,
        maxRows: 0,
        maxBytes: 0,
        lockTimeoutMs: 0,
        gatewayNode: node.id,
        sentTs: 0,
        ...header,
      },
      requests,
    };
  }

  /** Sends to whoever serves the range, following errors that promise nothing was evaluated. */
  async send(requests: readonly KvRequest[], header: Partial<BatchHeader> = {}, ms = 20_000): Promise<BatchResponse> {
    const start = this.#env.clock.monotonicMs();
    for (;;) {
      const first = requests[0]!;
      const key = 'key' in first ? first.key : 'start' in first ? first.start : null;
      const rangeId =
        header.rangeId ?? (await this.until('a leaseholder', () => (key === null ? 1 : this.rangeOf(key)), ms, 2));
      const node = await this.until(
        'a leaseholder',
        () => this.leaseholder(rangeId) ?? (this.rangeOf(key ?? KEY_MIN) !== rangeId && this.up[0]),
        ms,
        2,
      );
      try {
        return await node.store.executor.execute(this.batch(node, requests, { ...header, rangeId }));
      } catch (error) {
        const kind = error instanceof KvError ? error.detail.kind : '';
        const again =
          kind === 'not-leaseholder' ||
          kind === 'unavailable' ||
          kind === 'range-not-found' ||
          (kind === 'range-mismatch' && header.rangeId === undefined);
        if (!again || this.#env.clock.monotonicMs() - start > ms) throw error;
        await this.#env.timers.sleep(2);
      }
    }
  }

  async increment(key: Key, by = 1): Promise<number> {
    const response = await this.send([{ kind: 'increment', key, by }]);
    const reply = response.responses[0]!;
    if (reply.kind !== 'increment') throw new Error('wrong reply');
    return reply.value;
  }

  async get(key: Key): Promise<Buffer | null> {
    const reply = (await this.send([{ kind: 'get', key, lock: 'none' }])).responses[0]!;
    if (reply.kind !== 'get') throw new Error('wrong reply');
    return reply.value;
  }

  txn(node: TestNode, anchorKey: Key): TxnMeta {
    return txnMeta(`txn${this.#txns++}`, anchorKey, node.hlc.now(), { coordinator: node.id });
  }

  /** One-phase transaction that writes the keys. */
  put(keys: readonly Key[], value: string): Promise<void> {
    return this.commit(this.txn(this.up[0]!, keys[0]!), keys, value);
  }

  /** As put(), of a transaction that has held the keys since `exclusionSince`; 0: since nothing that matters. */
  async commit(txn: TxnMeta, keys: readonly Key[], value: string, exclusionSince: Timestamp = 0): Promise<void> {
    const puts = keys.map((key, i) => ({
      kind: 'put' as const,
      key,
      value: Buffer.from(value),
      mustNotExist: false,
      exclusionSince,
      sequence: i + 1,
    }));
    await this.send(
      [
        ...puts,
        {
          kind: 'end-txn',
          action: 'one-phase',
          inFlight: [],
          localLocks: keys,
          lockKeys: keys,
          lockSpans: [],
          split: null,
        },
      ],
      { txn, canBumpReadTs: true },
    );
  }

  /** Splits the range that holds `key` there. */
  async split(rangeId: RangeId, key: Key, rightId: RangeId): Promise<void> {
    const holder = await this.until('a leaseholder', () => this.leaseholder(rangeId));
    const now = holder.store.replica(rangeId)!.descriptor;
    const generation = now.generation + 1;
    const split = {
      left: { ...now, end: key, generation },
      right: { ...now, rangeId: rightId, start: key, generation },
      firstLeader: 0,
    };
    const txn = this.txn(holder, now.start);
    // The descriptor of the right half: its intent goes with the command that hands the locks on.
    const written = LOCAL_DESCRIPTOR_PREFIX + key;
    const put = { key: written, value: Buffer.from('right'), mustNotExist: false, exclusionSince: 0, sequence: 1 };
    await this.send([{ kind: 'put', ...put }], { txn, rangeId });
    const locks = { inFlight: [], localLocks: [written], lockKeys: [written], lockSpans: [] };
    await this.send([{ kind: 'end-txn', action: 'commit', ...locks, split }], { txn, rangeId });
  }

  /** Where all replicas of all ranges have applied the same, byte for byte. */
  async converged(ms = 15_000): Promise<void> {
    await this.until(
      'replicas of one state',
      () => {
        const [first, ...rest] = this.up;
        const ranges = new Set(this.up.flatMap((n) => [...n.store.replicas()].map((r) => r.rangeId)));
        for (const id of ranges) {
          const index = first!.store.replica(id)?.appliedIndex;
          if (index === undefined || first!.store.replica(id)!.installing) return false;
          if (rest.some((n) => n.store.replica(id)?.appliedIndex !== index || n.store.replica(id)!.installing))
            return false;
        }
        return true;
      },
      ms,
    );
    const images = this.up.map((n) => image(n.engine));
    for (const other of images.slice(1)) if (other !== images[0]) throw new Error('replicas differ in their data');
    for (const range of this.up[0]!.store.replicas()) {
      for (const n of this.up) {
        const d = n.store.replica(range.rangeId)!.descriptor;
        if (JSON.stringify(d) !== JSON.stringify(range.descriptor))
          throw new Error('replicas differ in their descriptors');
        if (n.store.replicaFor(d.start === KEY_MIN ? '\x02' : d.start)?.rangeId !== d.rangeId)
          throw new Error('the index by start is wrong');
      }
    }
  }

  async close(): Promise<void> {
    this.#watch?.cancel();
    for (const node of this.nodes) if (node.up) await this.stop(node.id, false);
    for (const node of this.nodes) await node.liveness.stop();
    this.time.stop();
  }
}

function image(engine: MemoryEngine): string {
  const families: DataFamily[] = ['versions', 'locks'];
  return families
    .map((family) =>
      engine
        .scan({ family, start: '', end: '\xff\xff' })
        .map((r) => `${Buffer.from(r.key, 'latin1').toString('hex')}=${r.value.toString('hex')}`)
        .join('\n'),
    )
    .join('\n---\n');
}
