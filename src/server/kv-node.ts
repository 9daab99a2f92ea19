/**
 * The part of a node below SQL: identity, clock, engine, network, membership, liveness, store,
 * transactions. See node.ts for the order of starting and stopping.
 */
import { QuoralError } from '../base/errors.js';
import { seal, unseal } from '../base/checksum.js';
import type { NodeId } from '../base/ids.js';
import { mark } from '../base/probes.js';
import { ClusterMembership } from '../cluster/membership.js';
import { StoreLiveness } from '../cluster/store-liveness.js';
import type { Env } from '../env/env.js';
import { Hlc } from '../hlc/hlc.js';
import type { BatchRequest, BatchResponse } from '../range/kv-api.js';
import { decodeBatchRequest, decodeBatchResponse, encodeBatchRequest, encodeBatchResponse } from '../range/kv-codec.js';
import { decodeKvError, encodeKvError } from '../range/kv-error-codec.js';
import { loadReplicas } from '../range/range-state.js';
import { Store } from '../range/store.js';
import { defineMethod } from '../rpc/methods.js';
import { RpcNetworkImpl } from '../rpc/network.js';
import type { Engine } from '../storage/engine.js';
import { TxnCoordinator } from '../txn/coordinator.js';
import { DeadlockDriver } from '../txn/deadlock.js';
import type { SendToNode } from '../txn/router.js';
import { writeBootstrapState } from './bootstrap.js';

export interface KvOptions {
  readonly env: Env;
  /** Identity, clock bound, liveness and the engine's files. */
  readonly dataDir: string;
  /** Opens the engine; called once the data directory is locked. */
  readonly openEngine: (directory: string) => Promise<Engine>;
  /** RPC addresses of the initial nodes, the same ordered list on each; empty: a cluster of one. */
  readonly join: readonly string[];
  readonly rpcAddress: string;
  readonly sqlAddress: string;
  readonly httpAddress: string | null;
  readonly locality: string;
  readonly buildVersion: string;
  /** The node has stopped serving because something that must hold does not. */
  readonly onFatal?: (error: unknown) => void;
  /** A range larger than this is split; bytes, default 128 MiB. */
  readonly rangeBytesMax?: number;
  /** A new table gets a range at once, and not when it needs one; default false. */
  readonly separateTables?: boolean;
  /** How much of a range's log waits for a follower that is behind before it is sent a snapshot; bytes, default 8 MiB. */
  readonly logBytesKept?: number;
  /** Bytes that a transaction buffers before it writes them as intents; default 512 KiB. */
  readonly spillBytes?: number;
  /** Bytes of proposals that a range has under way at most; default 32 MiB. */
  readonly uncommittedBytesMax?: number;
  readonly followerLagBytes?: number;
  /** Bytes of a chunk of a snapshot; default 1 MiB. */
  readonly snapshotChunkBytes?: number;
  /** Milliseconds of silence after which a transaction record of a process that is gone is removed; default 10 min. */
  readonly sweepAfterMs?: number;
  /** Store liveness: milliseconds between heartbeats, and of support asked for. */
  readonly heartbeatMs?: number;
  readonly supportMs?: number;
  readonly tickMs?: number;
  /** What the router sends batches through: tests lose and delay some. */
  readonly wrapSend?: (send: SendToNode, self: NodeId) => SendToNode;
}

export interface KvParts {
  readonly membership: ClusterMembership;
  readonly network: RpcNetworkImpl;
  readonly store: Store;
  readonly coordinator: TxnCoordinator;
  readonly deadlocks: DeadlockDriver;
  readonly fatal: (error: unknown) => void;
}

/** Steps that undo what was started, in order of starting. */
export type Undo = (() => Promise<void> | void)[];

const KV_BATCH = defineMethod<BatchRequest, BatchResponse>('kvBatch', {
  encodeRequest: encodeBatchRequest,
  decodeRequest: decodeBatchRequest,
  encodeResponse: encodeBatchResponse,
  decodeResponse: decodeBatchResponse,
});
const KV_DEADLINE_MS = 60_000;
const RANGE_BYTES_MAX = 128 << 20;
/** Milliseconds between two looks at the measured clock offsets. */
const CLOCK_CHECK_MS = 1_000;
/** Several times what a live follower may be behind, and less than the snapshot that it would cost. */
const LOG_BYTES_KEPT = 64 << 20;

export async function assembleKv(options: KvOptions, undo: Undo): Promise<KvParts> {
  const { env, dataDir } = options;
  const { clock, timers, rng, disk, logger } = env;
  const fatal = fatalOnce(options);
  const membership = await openMembership(options);
  const hlc = await Hlc.open({ boundPath: `${dataDir}/clock` }, { clock, timers, disk, logger });
  undo.push(() => hlc.stop());
  const engine = await options.openEngine(dataDir);
  undo.push(() => engine.close());
  const network = new RpcNetworkImpl(
    { nodeId: membership.nodeId, clusterId: membership.clusterId },
    { transport: env.transport, timers, clock, rng, hlc, logger, onFatal: fatal },
  );
  network.setErrorCodec({
    encode: encodeKvError,
    decode: (bytes, base) => decodeKvError(bytes, base.message) ?? base,
  });
  const nodes = Array.from({ length: Math.max(1, options.join.length) }, (_, i) => i + 1);
  const liveness = await openLiveness(options, membership.nodeId, network, hlc);
  let store: Store | null = null;
  const sendToNode: SendToNode = (node, batch, signal) =>
    node === membership.nodeId
      ? store!.executor.execute(batch, signal ?? null)
      : network.call(node, KV_BATCH, batch, {
          deadlineMs: KV_DEADLINE_MS,
          ...(signal === undefined ? {} : { signal }),
        });
  const send = options.wrapSend === undefined ? sendToNode : options.wrapSend(sendToNode, membership.nodeId);
  const coordinator = newCoordinator(options, membership.nodeId, hlc, send);
  const deadlocks = new DeadlockDriver({
    network,
    timers,
    clock,
    detectorNode: () => nodes.find((node) => liveness.isLive(node)) ?? membership.nodeId,
  });
  store = new Store(
    {
      nodeId: membership.nodeId,
      tickMs: options.tickMs ?? 100,
      rangeBytesMax: options.rangeBytesMax ?? RANGE_BYTES_MAX,
      logBytesKept: options.logBytesKept ?? LOG_BYTES_KEPT,
      ...(options.snapshotChunkBytes === undefined ? {} : { snapshotChunkBytes: options.snapshotChunkBytes }),
      ...(options.uncommittedBytesMax === undefined ? {} : { uncommittedBytesMax: options.uncommittedBytesMax }),
      ...(options.followerLagBytes === undefined ? {} : { followerLagBytes: options.followerLagBytes }),
      ...(options.sweepAfterMs === undefined ? {} : { sweepAfterMs: options.sweepAfterMs }),
      balanceLeaders: true,
    },
    {
      env,
      hlc,
      engine,
      liveness,
      network,
      pusher: coordinator.pusher,
      waitGraph: deadlocks,
      requestSplit: (key) => coordinator.split(key),
      onFatal: fatal,
    },
  );
  network.handle(KV_BATCH, (batch, ctx) => store.executor.execute(batch, ctx.signal));
  liveness.onSupportWithdrawn((node) => network.disconnect(node, 'its store liveness ended'));
  await network.start(options.rpcAddress);
  undo.push(() => network.stop());
  membership.start(network);
  undo.push(() => membership.stop());
  logger.log('info', 'waiting for the other nodes', {
    node: membership.nodeId,
    join: options.join.join(','),
  });
  await membership.ready;
  if (loadReplicas(engine).length === 0) {
    writeBootstrapState(engine, nodes);
    await engine.syncData();
  }
  liveness.setPeers(nodes);
  liveness.start();
  undo.push(() => liveness.stop());
  undo.push(watchClock(options, hlc, fatal));
  store.start();
  undo.push(() => store.stop());
  coordinator.seed([...store.replicas()].map((replica) => replica.descriptor));
  return { membership, network, store, coordinator, deadlocks, fatal };
}

function newCoordinator(options: KvOptions, nodeId: NodeId, hlc: Hlc, sendToNode: SendToNode): TxnCoordinator {
  const { clock, timers, rng, logger } = options.env;
  return new TxnCoordinator(
    {
      nodeId,
      ...(options.spillBytes === undefined ? {} : { spillBytes: options.spillBytes }),
      ...(options.separateTables === undefined ? {} : { separateTables: options.separateTables }),
    },
    { clock, timers, rng, logger, hlc, sendToNode },
  );
}

/** A node whose clock disagrees with a majority must not serve (DESIGN 3): what it reads could be stale. */
function watchClock(options: KvOptions, hlc: Hlc, fatal: (error: unknown) => void): () => void {
  const timer = options.env.timers.every(CLOCK_CHECK_MS, () => {
    if (!hlc.tooFarOff()) return;
    mark('node-stopped-by-clock-offset');
    const offsets = hlc.offsets().map(({ node, offsetUs }) => `node ${node}: ${Math.round(offsetUs / 1000)} ms`);
    fatal(
      new QuoralError('58000', "this node's clock disagrees with a majority of the nodes", {
        severity: 'FATAL',
        fields: {
          detail: `Offsets measured: ${offsets.join(', ')}; at most ${hlc.maxOffsetUs / 1000} ms are tolerated.`,
          hint: 'Synchronise the clocks of the nodes (NTP or chrony), then start this node again.',
        },
      }),
    );
  });
  return () => timer.cancel();
}

/** Tells the owner once; what follows a first failure is only its echo. */
function fatalOnce(options: KvOptions): (error: unknown) => void {
  const { logger } = options.env;
  let dead = false;
  return (error) => {
    if (dead) return;
    dead = true;
    if (error instanceof QuoralError && error.sqlstate === '53100') mark('disk-full-refused');
    if (error instanceof QuoralError && error.sqlstate === '58030') mark('log-write-failed');
    logger.log('error', 'the node stops: something that must hold does not', { error });
    if (options.onFatal === undefined) throw error;
    options.onFatal(error);
  };
}

function openMembership(options: KvOptions): Promise<ClusterMembership> {
  const { clock, timers, rng, disk, logger } = options.env;
  return ClusterMembership.open(
    {
      dataDir: options.dataDir,
      join: options.join,
      rpcAddress: options.rpcAddress,
      sqlAddress: options.sqlAddress,
      httpAddress: options.httpAddress ?? '',
      locality: options.locality,
      buildVersion: options.buildVersion,
      generation: clock.wallUs(),
    },
    { disk, rng, timers, logger },
  );
}

async function openLiveness(
  options: KvOptions,
  self: NodeId,
  network: RpcNetworkImpl,
  hlc: Hlc,
): Promise<StoreLiveness> {
  const { clock, timers, disk, logger } = options.env;
  const path = `${options.dataDir}/liveness`;
  const persisted = await disk.readFile(path);
  return new StoreLiveness(
    {
      self,
      ...(options.heartbeatMs === undefined ? {} : { heartbeatMs: options.heartbeatMs }),
      ...(options.supportMs === undefined ? {} : { supportMs: options.supportMs }),
    },
    {
      network,
      hlc,
      clock,
      timers,
      logger,
      persisted: persisted === null ? null : unseal(persisted, path),
      persist: (bytes) => disk.writeFileSync(path, seal(bytes)),
      recordOffset: (node, offsetUs, uncertaintyUs) => hlc.recordOffset(node, offsetUs, uncertaintyUs),
    },
  );
}
