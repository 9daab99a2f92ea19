/**
 * What a store does now and then: durable checkpoints of the applied state and truncation of the
 * logs behind them, splitting ranges that have grown, moving leaders to where they are preferred,
 * removing records of transactions that nobody ends any more, resolving intents that nobody meets,
 * and handing all of them over when the node drains.
 */
import type { NodeId } from '../base/ids.js';
import type { Key, Span } from '../base/key.js';
import { crashPoint } from '../base/probes.js';
import type { TimerHandle } from '../env/env.js';
import { decodeVersionKey, versionPrefix, versionPrefixEnd, versionPrefixOf } from '../storage/mvcc-key.js';
import type { RangeDescriptor } from './kv-api.js';
import { IntentSweep } from './intent-sweep.js';
import { LeaseMover } from './lease-mover.js';
import { sweepRecords } from './record-sweep.js';
import type { Replica } from './replica.js';
import { logSink } from './range-state.js';
import type { Store } from './store.js';
import { findTableBoundary, sharedTooMuch } from './table-boundaries.js';

/** An fsync delays what is applied for its duration; done often, there is little to write each time. */
const CHECKPOINT_MS = 1_000;
/** A follower keeps its log for so long: if it becomes the leader, others may lack what it has. */
const FOLLOWER_KEEPS_MS = 10_000;
/** Of the log that is kept for a snapshot's receiver, as a multiple of what is kept for others. */
const SNAPSHOT_KEEPS = 4;
const BALANCE_MS = 1_000;
const SIZE_CHECK_MS = 5_000;
const TABLES_CHECK_MS = 1_000;
const SWEEP_AFTER_MS = 600_000;
/** So many looks at the records in that time. */
const SWEEPS = 10;
/** A peer must have been live this long before leaders move to it. */
const SETTLED_US = 4_000_000;

export function addressSpanOf(descriptor: RangeDescriptor): Span {
  return { start: descriptor.start, end: descriptor.end };
}

interface Applied {
  readonly replica: Replica;
  readonly index: number;
  readonly installations: number;
}

export class StoreMaintenance {
  readonly #store: Store;
  readonly #timers: TimerHandle[] = [];
  #checkpointing: Promise<void> | null = null;
  #appliedAtCheckpoint = -1;
  /** Durably applied at the ends of the last checkpoints. */
  readonly #past = new WeakMap<Replica, { readonly atMs: number; readonly index: number }[]>();
  /** Logs hold what only the time keeps there. */
  #keptBack = false;
  #splitting = false;
  #draining = false;
  readonly mover: LeaseMover;
  readonly #intents: IntentSweep;
  readonly #liveSince = new Map<NodeId, number>();

  constructor(store: Store) {
    this.#store = store;
    this.mover = new LeaseMover(store);
    this.#intents = new IntentSweep(store);
  }

  start(): void {
    const { timers } = this.#store.env;
    this.#timers.push(timers.every(CHECKPOINT_MS, () => this.#guarded(() => this.#checkpoint())));
    this.#timers.push(timers.every(BALANCE_MS, () => this.#guarded(() => this.#balance())));
    this.#timers.push(timers.every(SIZE_CHECK_MS, () => this.#guarded(() => this.#splitLarge())));
    const sweepAfterMs = this.#store.options.sweepAfterMs ?? SWEEP_AFTER_MS;
    const sweep = (): void => {
      sweepRecords(this.#store, sweepAfterMs);
      this.#intents.sweep(sweepAfterMs);
    };
    this.#timers.push(timers.every(sweepAfterMs / SWEEPS, () => this.#guarded(sweep)));
    this.#timers.push(timers.every(TABLES_CHECK_MS, () => this.#guarded(() => this.#splitTables())));
  }

  /** What fails here (a damaged block that a look for a split key reads) ends the node in order, with its reason. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#store.deps.onFatal(error);
    }
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    await this.#checkpointing;
  }

  #checkpoint(): void {
    const store = this.#store;
    if (this.#checkpointing !== null) return;
    if (store.counters.applied === this.#appliedAtCheckpoint && !this.#keptBack) return;
    this.#appliedAtCheckpoint = store.counters.applied;
    const durable = [...store.replicas()]
      .filter((r) => !r.installing)
      .map((r) => ({ replica: r, index: r.appliedIndex, installations: r.installations }));
    this.#checkpointing = store.engine
      .syncData()
      .then(() => this.#truncate(durable))
      .catch((error: unknown) => store.deps.onFatal(error))
      .finally(() => {
        this.#checkpointing = null;
      });
  }

  /** Forgets log entries that are durably applied here and not needed by a follower in reach. */
  async #truncate(durable: readonly Applied[]): Promise<void> {
    const store = this.#store;
    if (store.stopped) return;
    const batch = store.engine.newBatch();
    this.#keptBack = false;
    for (const { replica, index, installations } of durable) {
      // A snapshot may have taken it back: what lies between is not durable here.
      if (replica.installing || replica.installations !== installations) continue;
      const { log } = replica;
      let upTo = Math.min(index, this.#neededBehind(replica, index));
      if (upTo - log.truncated().index < 64 && log.bytes < 1 << 16) continue;
      upTo = Math.min(upTo, replica.appliedIndex);
      // The data of a snapshot is in place, and the log learns of it with this turn's Ready.
      if (upTo > log.lastIndex()) continue;
      log.truncate(upTo, logSink(batch));
    }
    crashPoint('before-log-truncation', store.nodeId);
    if (batch.count > 0) await store.engine.writeLog(batch);
  }

  /** The index behind which others may need the log: it has grown to `logBytesKept` before they are given up. */
  #neededBehind(replica: Replica, durable: number): number {
    const { log, raft } = replica;
    const past = this.#past.get(replica) ?? [];
    const nowMs = this.#store.env.clock.monotonicMs();
    while (past.length > 1 && past[1]!.atMs <= nowMs - FOLLOWER_KEEPS_MS) past.shift();
    if (past.at(-1)?.index !== durable) past.push({ atMs: nowMs, index: durable });
    this.#past.set(replica, past);
    const oldEnough = past[0]!.atMs <= nowMs - FOLLOWER_KEEPS_MS ? past[0]!.index : log.truncated().index;
    const upTo = Math.min(raft.isLeader ? raft.minMatch() : oldEnough, raft.committed);
    const keptMax = this.#store.options.logBytesKept * (raft.catchesUpBySnapshot ? SNAPSHOT_KEEPS : 1);
    if (log.bytesAfter(upTo) >= keptMax) return durable;
    if (!raft.isLeader && upTo < durable) this.#keptBack = true;
    return upTo;
  }

  #splitLarge(): void {
    const store = this.#store;
    if (this.#splitting || this.#draining) return;
    for (const replica of store.replicas()) {
      if (!replica.serving(store.hlc.now())) continue;
      if (store.bytesOf(replica.descriptor) <= store.options.rangeBytesMax) continue;
      const key = this.findSplitKey(replica.descriptor);
      if (key === null) continue;
      this.#split(replica, key);
      return;
    }
  }

  /** Divides a range in which tables have become large or busy together; at most one at a time. */
  #splitTables(): void {
    const store = this.#store;
    if (this.#splitting || this.#draining) return;
    for (const replica of store.replicas()) {
      if (!replica.serving(store.hlc.now()) || !sharedTooMuch(store, replica)) continue;
      const key = findTableBoundary(store.engine, replica.descriptor);
      if (key === null) continue;
      this.#split(replica, key);
      return;
    }
  }

  #split(replica: Replica, key: Key): void {
    const store = this.#store;
    this.#splitting = true;
    store.deps
      .requestSplit(key)
      .catch((error: unknown) =>
        store.env.logger.log('warn', 'a range could not be split', {
          range: replica.rangeId,
          error: String(error),
        }),
      )
      .finally(() => {
        this.#splitting = false;
      });
  }

  /** A key with about half of the range's bytes on either side; null if there is none. */
  findSplitKey(descriptor: RangeDescriptor): Key | null {
    const { engine } = this.#store;
    const { start, end } = descriptor;
    const middle = engine.approximateMiddle(start, end);
    let from = middle === null ? versionPrefix(start) : versionPrefixOf(middle);
    for (;;) {
      const row = engine.first('versions', from, versionPrefix(end));
      if (row === null) return null;
      const key = this.#rowAt(decodeVersionKey(row.key).key);
      if (key > start) return key < end ? key : null;
      // Half of it is where the range begins: what comes behind that is the best there is.
      from = versionPrefixEnd(versionPrefixOf(row.key));
    }
  }

  /** The row, if this is where its existence is: the two should stay in one range (eval/read.ts). */
  #rowAt(key: Key): Key {
    if (!key.endsWith('\x00')) return key;
    const prefix = versionPrefix(key.slice(0, -1));
    const before = this.#store.engine.first('versions', prefix, versionPrefix(key));
    return before === null ? key : decodeVersionKey(before.key).key;
  }

  #settled(node: NodeId): boolean {
    const since = this.#liveSince.get(node);
    return since !== undefined && this.#store.hlc.now() - since > SETTLED_US;
  }

  #noteLive(): void {
    const store = this.#store;
    const nodes = new Set<NodeId>();
    for (const replica of store.replicas()) {
      for (const { nodeId } of replica.descriptor.replicas) nodes.add(nodeId);
    }
    for (const node of nodes) {
      if (!store.liveness.isLive(node)) this.#liveSince.delete(node);
      else if (!this.#liveSince.has(node)) this.#liveSince.set(node, store.hlc.now());
    }
  }

  #balance(): void {
    const store = this.#store;
    this.#noteLive();
    if (this.#draining) {
      this.#handOver();
      return;
    }
    if (store.options.balanceLeaders) this.mover.balance((node) => this.#settled(node));
  }

  /** True when this store leads nothing any more (or nobody else can). */
  drained(): boolean {
    const { nodeId, liveness } = this.#store;
    const takes = (node: NodeId): boolean => node !== nodeId && liveness.isLive(node);
    for (const replica of this.#store.replicas()) {
      if (replica.raft.isLeader && replica.descriptor.replicas.some((r) => takes(r.nodeId))) return false;
    }
    return true;
  }

  /** Starts to move every lease away. */
  drain(): void {
    this.#draining = true;
    this.#handOver();
  }

  #handOver(): void {
    const store = this.#store;
    for (const replica of store.replicas()) {
      if (!replica.raft.isLeader) continue;
      const ready = new Set(replica.raft.peers().flatMap((peer) => (peer.state === 'replicate' ? [peer.id] : [])));
      for (const { nodeId } of replica.descriptor.replicas) {
        if (!ready.has(nodeId) || !store.liveness.isLive(nodeId)) continue;
        if (replica.gate === null) void this.mover.move(replica, nodeId, true);
        break;
      }
    }
  }
}
