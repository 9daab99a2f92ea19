/**
 * The composition root: puts one node together from its layers, starts and stops it in order, and
 * drains it (DESIGN 1, row 9). Nothing below knows of anything here.
 *
 * Start: lock the data directory → identity and clock → engine → network and membership → liveness →
 * store (Raft groups) → transactions → SQL → listeners. Stop is the reverse; liveness stops after
 * everything that relies on leases.
 *
 * A failed invariant or write (`onFatal`) ends the node: it stops serving at once and tells its
 * owner, whose process should exit. It never goes on with a state that it cannot vouch for.
 */
import { QuoralError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { ClusterMembership } from '../cluster/membership.js';
import type { Listener } from '../env/env.js';
import { errorSource, routineOf } from '../pgwire/error-source.js';
import { PgWireServer } from '../pgwire/server.js';
import type { Store } from '../range/store.js';
import { CancelMessage } from '../encoding/proto/server.js';
import { defineOneWay } from '../rpc/methods.js';
import type { RpcNetworkImpl } from '../rpc/network.js';
import { createPlanner } from '../sql/plan/planner.js';
import { createSqlServer, type ManagedSqlServer } from '../sql/session/server.js';
import { findTypeByOid } from '../sql/types/registry.js';
import type { TxnCoordinator } from '../txn/coordinator.js';
import type { KvDb } from '../txn/kv-txn.js';
import { handleHttp } from './http.js';
import { untilLed } from './leaders.js';
import { assembleKv, type KvOptions, type Undo } from './kv-node.js';
import type { MetricSource } from './metrics.js';

export interface NodeOptions extends KvOptions {
  /** Gauges of the process (event loop, memory), read at each scrape. */
  readonly processMetrics?: () => Record<string, number>;
  /** Milliseconds that statements and transactions get to finish when the node drains. */
  readonly drainGraceMs?: number;
  /** What SQL gets in place of the node's transactions: tests put conflicts in between. */
  readonly wrapDb?: (db: KvDb) => KvDb;
  /** Errors tell file and line, which depend on what the machine keeps of stacks. */
  readonly errorPlaces?: boolean;
}

const CANCEL = defineOneWay<CancelMessage>('cancel', {
  encodeRequest: (message) => CancelMessage.encode(message).finish(),
  decodeRequest: (bytes) => CancelMessage.decode(bytes),
});
const DRAIN_GRACE_MS = 10_000;
const LEASE_DRAIN_MS = 5_000;

type State = 'starting' | 'serving' | 'draining' | 'stopped';

export class QuoralNode {
  readonly nodeId: NodeId;
  readonly store: Store;
  readonly coordinator: TxnCoordinator;
  readonly sql: ManagedSqlServer;
  readonly network: RpcNetworkImpl;
  readonly #options: NodeOptions;
  readonly #parts: NodeParts;
  readonly #pgwire: PgWireServer;
  #http: Listener | null = null;
  #state: State = 'starting';

  constructor(options: NodeOptions, parts: NodeParts) {
    this.#options = options;
    this.#parts = parts;
    this.nodeId = parts.membership.nodeId;
    this.store = parts.store;
    this.coordinator = parts.coordinator;
    this.sql = parts.sql;
    this.network = parts.network;
    const { env } = options;
    this.#pgwire = new PgWireServer(
      { address: options.sqlAddress },
      {
        sql: parts.sql,
        transport: env.transport,
        timers: env.timers,
        logger: env.logger,
        typeByOid: findTypeByOid,
        source: options.errorPlaces === true ? errorSource : routineOf,
        onFatal: (error) => parts.fatal(error),
      },
    );
  }

  get state(): State {
    return this.#state;
  }
  get sqlPort(): number {
    return this.#pgwire.port;
  }
  get httpPort(): number {
    return this.#http?.port ?? 0;
  }

  /** Opens the HTTP port, waits until the catalog is there, then serves SQL. */
  async serve(): Promise<void> {
    const { env, httpAddress } = this.#options;
    if (httpAddress !== null) {
      const state = { nodeId: this.nodeId, state: () => this.#state, sources: this.#sources() };
      this.#http = await env.transport.listenHttp(httpAddress, (request) => handleHttp(state, request));
    }
    await this.#pgwire.start();
    this.#state = 'serving';
    env.logger.log('info', 'serving SQL', { node: this.nodeId, port: this.sqlPort });
  }

  /** Leases move away, statements in flight finish, new ones get 57P01. */
  async drain(): Promise<void> {
    if (this.#state !== 'serving') return;
    this.#state = 'draining';
    const { env } = this.#options;
    const grace = this.#options.drainGraceMs ?? DRAIN_GRACE_MS;
    env.logger.log('info', 'draining', { node: this.nodeId });
    const sql = this.sql.drain(grace);
    this.store.maintenance.drain();
    await this.#pgwire.close(grace);
    await sql;
    await Promise.race([this.coordinator.settled(), env.timers.sleep(2_000)]);
    const start = env.clock.monotonicMs();
    while (!this.store.maintenance.drained() && env.clock.monotonicMs() - start < LEASE_DRAIN_MS) {
      this.store.maintenance.drain();
      await env.timers.sleep(20);
    }
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    await this.#pgwire.close(0);
    await this.#http?.close();
    await this.sql.close();
    await this.#parts.close();
  }

  /** Ends at once, as a crash would, but without leaking timers and sockets into the process. */
  async kill(): Promise<void> {
    this.#state = 'stopped';
    // First, so that no statement holds this up with a request that nobody will answer any more.
    this.coordinator.stop();
    // Nor does anything begin that would find the storage gone and call that a broken invariant.
    const resting = this.store.maintenance.stop();
    await this.#http?.close();
    const closing = this.#pgwire.close(0);
    await this.sql.close();
    await resting;
    await this.#parts.close();
    await closing;
  }

  #sources(): MetricSource[] {
    const { store, coordinator, network } = this;
    const { processMetrics } = this.#options;
    return [
      {
        prefix: 'store',
        read: () => ({
          ...store.counters,
          replicas: [...store.replicas()].length,
          awake: store.awakeCount,
          leases_held: leasesHeld(store),
        }),
      },
      { prefix: 'kv', read: () => ({ ...store.executor.counters, active: store.executor.active }) },
      { prefix: 'txn', read: () => coordinator.metrics() },
      { prefix: 'rpc', read: () => ({ ...network.stats }) },
      { prefix: 'engine', read: () => store.engine.metrics() },
      { prefix: 'pgwire', read: () => ({ ...this.#pgwire.metrics }) },
      { prefix: 'sql', read: () => this.sql.metrics() },
      { prefix: 'process', read: () => processMetrics?.() ?? {} },
    ];
  }
}

function leasesHeld(store: Store): number {
  let held = 0;
  const now = store.hlc.now();
  for (const replica of store.replicas()) if (replica.serving(now)) held++;
  return held;
}

interface NodeParts {
  readonly membership: ClusterMembership;
  readonly network: RpcNetworkImpl;
  readonly store: Store;
  readonly coordinator: TxnCoordinator;
  readonly sql: ManagedSqlServer;
  readonly fatal: (error: unknown) => void;
  readonly close: () => Promise<void>;
}

/**
 * Starts a node and resolves when it serves SQL (a fresh cluster: when a majority is there).
 * @throws QuoralError 55006 directory locked or port taken, 55000 wrong cluster or format,
 * 58030 unwritable, XX001 corrupted.
 */
export async function startNode(options: NodeOptions): Promise<QuoralNode> {
  const { env, dataDir } = options;
  await env.disk.mkdirp(dataDir);
  const lock = await env.disk.lock(`${dataDir}/LOCK`);
  if (lock === null) {
    throw new QuoralError('55006', `data directory "${dataDir}" is in use by another node`, {
      fields: { hint: 'Stop that node, or give this one another --data-dir.' },
    });
  }
  const undo: Undo = [() => lock.release()];
  try {
    const node = await assemble(options, undo);
    await node.serve();
    return node;
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

async function assemble(options: NodeOptions, undo: Undo): Promise<QuoralNode> {
  const { clock, timers, rng, logger } = options.env;
  const kv = await assembleKv(options, undo);
  const { membership, network, store, coordinator, deadlocks, fatal } = kv;
  logger.log('info', 'waiting for the ranges to serve', { node: membership.nodeId });
  await untilLed(store, clock, timers);
  const sql = await createSqlServer({
    db: options.wrapDb === undefined ? coordinator : options.wrapDb(coordinator),
    network,
    clock,
    timers,
    rng,
    logger,
    planner: createPlanner(),
    waitGraph: deadlocks,
    liveNodes: () => membership.nodes().flatMap(({ nodeId }) => (store.liveness.isLive(nodeId) ? [nodeId] : [])),
    forwardCancel: (node, processId, secretKey) => forwardCancel(network, node, processId, secretKey),
  });
  network.handleOneWay(CANCEL, (request) => sql.cancel(request.processId, request.secretKey));
  undo.push(() => sql.close());
  return new QuoralNode(options, {
    membership,
    network,
    store,
    coordinator,
    sql,
    fatal,
    close: async () => {
      deadlocks.stop();
      coordinator.stop();
      for (const step of undo.splice(0).reverse()) await step();
    },
  });
}

function forwardCancel(network: RpcNetworkImpl, node: NodeId, processId: number, secretKey: number): void {
  if (node === network.self) return;
  network.send(node, CANCEL, { processId, secretKey });
}
