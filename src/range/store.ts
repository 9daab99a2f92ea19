/**
 * All replicas of a node, and the loop that drives their Raft groups (DESIGN 5): once per turn of
 * the event loop the effects of every replica that was touched are collected into one synced batch
 * for the log writer, one Raft message batch per peer, and one unsynced batch of applied commands.
 *
 * Invariants
 * - Messages that rest on durable state leave after the log batch that holds it.
 * - An applied batch is visible before anyone is told of it.
 * - The log is truncated only up to what `syncData` has made durable.
 *
 * A write error of the engine is fatal: the node stops (deps.onFatal), it never goes on without.
 */
import { assert } from '../base/assert.js';
import type { NodeId, RangeId, Timestamp } from '../base/ids.js';
import { OrderedMap } from '../base/ordered-map.js';
import type { Key } from '../base/key.js';
import { crashPoint, mark } from '../base/probes.js';
import type { Env, HlcClock, TimerHandle } from '../env/env.js';
import { addressOf } from '../encoding/keyspace.js';
import { makeMessage } from '../raft/core.js';
import { encodeRaftBatch, decodeRaftBatch, type RangeMessage } from '../raft/raft-codec.js';
import type { Liveness, RaftMessage, Ready } from '../raft/types.js';
import { defineOneWay } from '../rpc/methods.js';
import type { RpcNetwork } from '../rpc/types.js';
import type { Engine, WriteBatch } from '../storage/engine.js';
import type { RangeDescriptor, SplitTrigger } from './kv-api.js';
import { Executor } from './executor.js';
import { preferredLeader } from './lease-mover.js';
import { lockSpansOf } from './lock-load.js';
import { Replica } from './replica.js';
import { AbsentVoters, isVoteRequest } from './absent-voter.js';
import { INITIAL_INDEX, INITIAL_TERM, loadReplicas, logSink, writeApplied, writeDescriptor } from './range-state.js';
import type { TxnPusher, WaitGraph } from './services.js';
import { SnapshotReceiver, SnapshotSender } from './snapshots.js';
import { SlowSyncs } from './slow-syncs.js';
import { SlowWaits } from './slow-waits.js';
import type { StoreContext } from './store-context.js';
import { addressSpanOf, StoreMaintenance } from './store-maintenance.js';

/** Store liveness as the store uses it (src/cluster/store-liveness.ts). */
export interface StoreLivenessView extends Liveness {
  isLive(node: NodeId): boolean;
  /** When the node last started, as an HLC timestamp of its own; 0 = not known. */
  startedAt(node: NodeId): Timestamp;
  /** Whether a node that is not live, but had begun something at `since`, may only not have been heard of yet. */
  isTooEarlyToTell(since: Timestamp): boolean;
  onSupportWithdrawn(fn: (node: NodeId) => void): void;
  onSupportFromChanged(fn: (node: NodeId) => void): void;
}

export interface StoreOptions {
  readonly nodeId: NodeId;
  readonly tickMs: number;
  /** A range larger than this is split; bytes. */
  readonly rangeBytesMax: number;
  /** Bytes of Raft log a range keeps for followers that lag behind. */
  readonly logBytesKept: number;
  /** Bytes of a chunk of a snapshot; default 1 MiB. */
  readonly snapshotChunkBytes?: number;
  /** Bytes of proposals that a range has under way at most; default 32 MiB. */
  readonly uncommittedBytesMax?: number;
  /** Bytes of log that a live follower may be behind before large proposals wait for it; default 8 MiB. */
  readonly followerLagBytes?: number;
  /** Leaders move to the replica that the range's id prefers, so that load spreads. */
  readonly balanceLeaders: boolean;
  /** Milliseconds of silence after which a record of a process that is gone is removed, and an intent asked after; default 10 min. */
  readonly sweepAfterMs?: number;
}

export interface StoreDependencies {
  readonly env: Env;
  readonly hlc: HlcClock;
  readonly engine: Engine;
  readonly liveness: StoreLivenessView;
  readonly network: RpcNetwork;
  readonly pusher: TxnPusher;
  readonly waitGraph: WaitGraph;
  readonly requestSplit: (key: Key) => Promise<void>;
  readonly onFatal: (error: unknown) => void;
}

const RAFT_BATCH = defineOneWay<readonly RangeMessage[]>('raftBatch', {
  encodeRequest: encodeRaftBatch,
  decodeRequest: decodeRaftBatch,
});
/** Messages for ranges that this store will only know once it has applied a split. */
const EARLY_MESSAGES_MAX = 256;
const EARLY_MS = 1_000;

export class Store implements StoreContext {
  readonly nodeId: NodeId;
  readonly env: Env;
  readonly hlc: HlcClock;
  readonly engine: Engine;
  readonly liveness: StoreLivenessView;
  readonly options: StoreOptions;
  readonly deps: StoreDependencies;
  readonly executor: Executor;
  readonly waits: SlowWaits;
  readonly #slowSyncs: SlowSyncs;
  readonly #replicas = new Map<RangeId, Replica>();
  readonly #byStart = new OrderedMap<Replica>();
  readonly #dirty = new Set<Replica>();
  readonly #awake = new Set<Replica>();
  readonly #outbox = new Map<NodeId, RangeMessage[]>();
  readonly #early: { from: NodeId; rangeMessage: RangeMessage; atMs: number }[] = [];
  /** When each node was last found to be down. */
  readonly #downAt = new Map<NodeId, Timestamp>();
  readonly #snapshots: SnapshotSender;
  readonly #absent: AbsentVoters;
  readonly #receiver: SnapshotReceiver;
  readonly maintenance: StoreMaintenance;
  #turnQueued = false;
  #ticker: TimerHandle | null = null;
  #stopped = false;
  /** Counters for /metrics. */
  readonly counters = { proposals: 0, logWrites: 0, applied: 0, raftMessages: 0, snapshots: 0, resumes: 0, leases: 0 };

  constructor(options: StoreOptions, deps: StoreDependencies) {
    this.options = options;
    this.deps = deps;
    this.nodeId = options.nodeId;
    this.env = deps.env;
    this.hlc = deps.hlc;
    this.engine = deps.engine;
    this.liveness = deps.liveness;
    this.executor = new Executor(this);
    this.waits = new SlowWaits(deps.env.clock, deps.env.logger);
    this.#slowSyncs = new SlowSyncs(deps.env.clock, deps.env.logger);
    this.#snapshots = new SnapshotSender(this, deps.network);
    this.#absent = new AbsentVoters({
      store: this,
      send: (rangeId, messages) => {
        for (const message of messages) deps.network.send(message.to, RAFT_BATCH, [{ rangeId, message }]);
      },
      onFatal: deps.onFatal,
    });
    this.#receiver = new SnapshotReceiver(this, deps.network);
    this.maintenance = new StoreMaintenance(this);
  }

  /** Writes what a new cluster's ranges start with; every node of the initial set does the same. */
  static writeInitialRanges(
    engine: Engine,
    descriptors: readonly RangeDescriptor[],
    seed: (batch: WriteBatch) => void,
  ): void {
    const batch = engine.newBatch();
    for (const descriptor of descriptors) {
      writeDescriptor(batch, descriptor);
      writeApplied(batch, descriptor.rangeId, INITIAL_INDEX, INITIAL_TERM);
    }
    seed(batch);
    engine.writeData(batch);
  }

  start(): void {
    for (const stored of loadReplicas(this.engine)) this.#add(new Replica(this, stored));
    const { network, liveness } = this.deps;
    network.handleOneWay(RAFT_BATCH, (messages, from) => this.#receive(messages, from));
    this.#receiver.register();
    liveness.onSupportWithdrawn((node) => this.#supportWithdrawn(node));
    liveness.onSupportFromChanged(() => this.#supportFromChanged());
    for (const r of this.#replicas.values()) if (r.raft.lastIndex > r.appliedIndex) mark('restart-with-log-replay');
    for (const r of this.#replicas.values()) if (r.installing) mark('restart-inside-snapshot');
    for (const replica of this.#replicas.values()) this.#awake.add(replica);
    this.#ticker = this.env.timers.every(this.options.tickMs, () => this.#tick());
    this.maintenance.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#ticker?.cancel();
    await this.maintenance.stop();
    for (const replica of this.#replicas.values()) {
      replica.locks.clear();
      replica.failProposals('the node stops');
    }
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  replica(rangeId: RangeId): Replica | undefined {
    return this.#replicas.get(rangeId);
  }

  replicas(): IterableIterator<Replica> {
    return this.#replicas.values();
  }

  get awakeCount(): number {
    return this.#awake.size;
  }

  /** The replica whose range holds `key`. */
  replicaFor(key: Key): Replica | undefined {
    const cursor = this.#byStart.cursor();
    cursor.seekBefore(`${addressOf(key)}\x00`);
    if (!cursor.valid) return undefined;
    return cursor.value.contains(key) ? cursor.value : undefined;
  }

  /** Descriptors of the local replicas that overlap a batch's keys: the hint in range-mismatch. */
  descriptorsNear(keys: readonly Key[]): RangeDescriptor[] {
    const found = new Map<RangeId, RangeDescriptor>();
    for (const key of keys) {
      const replica = this.replicaFor(key);
      if (replica !== undefined) found.set(replica.rangeId, replica.descriptor);
    }
    return [...found.values()];
  }

  /** Another range's replica that holds some of the descriptor's keys. */
  overlapping(descriptor: RangeDescriptor): RangeDescriptor | undefined {
    for (const replica of this.#replicas.values()) {
      const other = replica.descriptor;
      if (other.rangeId === descriptor.rangeId) continue;
      if (other.start < descriptor.end && descriptor.start < other.end) return other;
    }
    return undefined;
  }

  /**
   * A dead coordinator's transactions may be ended by others (always safe: their record decides). A node that started a
   * moment ago, or whose peer did, coordinates before the two have heard of each other.
   */
  coordinatorAlive(node: NodeId, since: Timestamp): boolean {
    if (since <= Math.max(this.#downAt.get(node) ?? 0, this.liveness.startedAt(node))) return false;
    return this.liveness.isLive(node) || this.liveness.isTooEarlyToTell(since);
  }

  #add(replica: Replica): void {
    this.#absent.forget(replica.rangeId);
    this.#replicas.set(replica.rangeId, replica);
    this.#byStart.set(replica.descriptor.start, replica);
  }

  schedule(replica: Replica): void {
    this.#dirty.add(replica);
    this.#awake.add(replica);
    if (this.#turnQueued || this.#stopped) return;
    this.#turnQueued = true;
    this.env.timers.endOfTurn(() => this.#turn());
  }

  #turn(): void {
    this.#turnQueued = false;
    if (this.#stopped) return;
    try {
      this.#processReady();
    } catch (error) {
      this.deps.onFatal(error);
    }
  }

  /** Collects and carries out the effects of all dirty replicas. */
  #processReady(): void {
    const log = this.engine.newBatch();
    const sink = logSink(log);
    let data = this.engine.newBatch();
    const after: (() => void)[] = [];
    const synced: { replica: Replica; ready: Ready }[] = [];
    const touched = [...this.#dirty];
    this.#dirty.clear();
    for (const replica of touched) {
      for (let rounds = 0; replica.raft.hasReady() && rounds < 2; rounds++) {
        const ready = replica.raft.ready();
        // A snapshot is taken of what the engine shows, which must be what the replica says it has applied.
        if (data.count > 0 && ready.messagesNow.some((m) => m.type === 'snap')) {
          this.engine.writeData(data);
          data = this.engine.newBatch();
        }
        this.#sendAll(replica, ready.messagesNow);
        if (ready.stable !== null) {
          replica.log.append(ready, sink);
          synced.push({ replica, ready });
        }
        if (ready.committed.length > 0) {
          this.counters.applied += ready.committed.length;
          replica.apply(ready.committed, data, after);
        }
      }
    }
    if (data.count > 0) this.engine.writeData(data);
    if (after.length > 0) crashPoint('after-apply-before-effects', this.nodeId);
    for (const fn of after) fn();
    for (const replica of touched) {
      replica.updateLease();
      if (replica.raft.hasReady()) this.schedule(replica);
    }
    if (synced.length > 0) crashPoint('before-append', this.nodeId);
    if (synced.length > 0) this.#writeLog(log, synced);
    if (synced.length > 0) crashPoint('after-append-before-sync', this.nodeId);
    this.#flushOutbox();
  }

  #writeLog(log: WriteBatch, synced: readonly { replica: Replica; ready: Ready }[]): void {
    this.counters.logWrites++;
    const beganMs = this.env.clock.monotonicMs();
    this.engine.writeLog(log).then(
      () => {
        if (this.#stopped) return;
        this.#slowSyncs.ended(beganMs);
        crashPoint('after-sync-before-answer', this.nodeId);
        for (const { replica, ready } of synced) {
          this.#sendAll(replica, ready.messagesAfterSync);
          replica.raft.stableTo(ready.stable!);
          this.schedule(replica);
        }
        this.#flushOutbox();
      },
      (error: unknown) => this.deps.onFatal(error),
    );
  }

  #sendAll(replica: Replica, messages: readonly RaftMessage[]): void {
    for (const message of messages) {
      if (message.type === 'snap') {
        this.counters.snapshots++;
        this.#snapshots.send(replica, message);
        continue;
      }
      // What it needs is on its way.
      if (message.type === 'snap-wanted' && this.#receiver.busy(replica.rangeId, message.to)) continue;
      let queue = this.#outbox.get(message.to);
      if (queue === undefined) {
        queue = [];
        this.#outbox.set(message.to, queue);
      }
      queue.push({ rangeId: replica.rangeId, message });
    }
  }

  #flushOutbox(): void {
    for (const [node, messages] of this.#outbox) {
      if (messages.length === 0) continue;
      this.counters.raftMessages += messages.length;
      this.deps.network.send(node, RAFT_BATCH, messages);
    }
    this.#outbox.clear();
  }

  #receive(messages: readonly RangeMessage[], from: NodeId): void {
    if (this.#stopped) return;
    try {
      for (const rangeMessage of messages) this.stepMessage(rangeMessage, from);
    } catch (error) {
      this.deps.onFatal(error);
    }
  }

  stepMessage(rangeMessage: RangeMessage, from: NodeId): void {
    const { rangeId, message } = rangeMessage;
    const replica = this.#replicas.get(rangeId);
    if (replica === undefined && this.#absent.has(rangeId)) {
      this.#answerAbsent(rangeMessage, from);
      return;
    }
    if (replica === undefined) {
      mark('message-before-split');
      // Most likely a split that is not applied here yet; otherwise it is forgotten in time.
      if (this.#early.length >= EARLY_MESSAGES_MAX) this.#early.shift();
      this.#early.push({ from, rangeMessage, atMs: this.env.clock.monotonicMs() });
      return;
    }
    if (message.from !== from || message.to !== this.nodeId) return;
    replica.step(message);
  }

  /**
   * Answers a leader for a range that this store should hold and does not: it was split off while this store
   * was away. Heartbeats as well: a leader whose log is truncated appends nothing, nor does one that
   * knows this log to be whole (an earlier replica acknowledged it, and its state was lost in a crash).
   */
  #askForSnapshot({ rangeId, message }: RangeMessage): void {
    mark('snapshot-asked-for');
    const answer = makeMessage('snap-wanted', this.nodeId, message.from, message.term);
    this.deps.network.send(message.from, RAFT_BATCH, [{ rangeId, message: answer }]);
  }

  /** What has stayed unknown for a while is not a split about to be applied here. */
  #answerEarly(nowMs: number): void {
    while (this.#early.length > 0 && nowMs - this.#early[0]!.atMs > EARLY_MS) {
      const { rangeMessage, from } = this.#early.shift()!;
      if (this.#replicas.has(rangeMessage.rangeId)) this.stepMessage(rangeMessage, from);
      else this.#answerAbsent(rangeMessage, from);
    }
  }

  #answerAbsent(rangeMessage: RangeMessage, from: NodeId): void {
    const { rangeId, message } = rangeMessage;
    if (message.from !== from || message.to !== this.nodeId) return;
    if (isVoteRequest(message)) this.#absent.answer(rangeMessage);
    else if ((message.type === 'app' || message.type === 'heartbeat') && !this.#absent.beyond(rangeId, message.term)) {
      if (!this.#receiver.busy(rangeId, from)) this.#askForSnapshot(rangeMessage);
    }
  }

  /** A replica for a range that arrives by snapshot only. */
  createForSnapshot(descriptor: RangeDescriptor): Replica {
    const replica = new Replica(this, {
      descriptor,
      appliedIndex: INITIAL_INDEX,
      appliedTerm: INITIAL_TERM,
      installing: true,
    });
    this.#add(replica);
    return replica;
  }

  #tick(): void {
    try {
      const nowMs = this.env.clock.monotonicMs();
      this.#answerEarly(nowMs);
      this.waits.look(nowMs);
      for (const replica of this.#awake) {
        replica.expireOrphans(nowMs, 3000);
        if (replica.pendingProposals === 0 && replica.raft.canQuiesce()) {
          mark('quiesced');
          replica.quiesced = true;
          this.#awake.delete(replica);
          continue;
        }
        replica.raft.tick();
        this.schedule(replica);
      }
    } catch (error) {
      this.deps.onFatal(error);
    }
  }

  #supportWithdrawn(node: NodeId): void {
    mark('support-withdrawn');
    // What it had begun by now is given up; what it begins after its return is not.
    this.#downAt.set(node, this.hlc.now());
    for (const replica of this.#replicas.values()) {
      const involved = replica.raft.leader === node || replica.raft.leader === 0 || replica.raft.isLeader;
      if (!involved) continue;
      replica.raft.livenessChanged();
      replica.wake();
    }
  }

  #supportFromChanged(): void {
    for (const replica of this.#replicas.values()) {
      if (replica.raft.isLeader) replica.raft.livenessChanged();
      else if (replica.raft.leader === 0 && this.#prefersToLead(replica) && !replica.installing)
        replica.raft.campaign();
      else continue;
      replica.wake();
    }
  }

  /** A leaderless range need not wait for an election timeout when its preferred leader is here. */
  #prefersToLead(replica: Replica): boolean {
    return preferredLeader(replica.descriptor, this.nodeId) === this.nodeId;
  }

  /**
   * Who is to lead the right half of a range that this node leads. Locks pass to a replica on this node only: whoever loses one that
   * is in memory may have to run again, and another node would read all intents before it serves. Without any the new range
   * goes where its id spreads it (0).
   */
  firstLeaderAfter(left: Replica, right: RangeDescriptor): NodeId {
    return lockSpansOf(right).some((span) => left.locks.staysHere(span.start, span.end)) ? this.nodeId : 0;
  }

  stageSplit(left: Replica, trigger: SplitTrigger, batch: WriteBatch): void {
    assert(left.rangeId === trigger.left.rangeId, 'a split of another range');
    writeDescriptor(batch, trigger.left);
    writeDescriptor(batch, trigger.right);
    writeApplied(batch, trigger.right.rangeId, INITIAL_INDEX, INITIAL_TERM);
  }

  finishSplit(left: Replica, trigger: SplitTrigger): void {
    mark('range-split-applied');
    crashPoint('during-split-apply', this.nodeId);
    const right = new Replica(this, {
      descriptor: trigger.right,
      appliedIndex: INITIAL_INDEX,
      appliedTerm: INITIAL_TERM,
      installing: false,
    });
    const { start, end } = trigger.right;
    if (left.hasLocks) right.inheritance = left.locks.splitOff(lockSpansOf(trigger.right));
    left.records.extract((record) => {
      const address = addressOf(record.anchorKey);
      return start <= address && address < end;
    });
    this.#add(right);
    const first = trigger.firstLeader === 0 ? preferredLeader(trigger.right, this.nodeId) : trigger.firstLeader;
    if (first === this.nodeId || (!this.liveness.isLive(first) && left.raft.isLeader)) right.raft.campaign();
    right.wake();
    const waiting = this.#early.filter((e) => e.rangeMessage.rangeId === right.rangeId);
    for (const early of waiting) {
      this.#early.splice(this.#early.indexOf(early), 1);
      this.stepMessage(early.rangeMessage, early.from);
    }
  }

  /** After a snapshot brought another descriptor. */
  descriptorChanged(replica: Replica, before: RangeDescriptor): void {
    if (this.#byStart.get(before.start) === replica) this.#byStart.delete(before.start);
    this.#byStart.set(replica.descriptor.start, replica);
  }

  leaseBegan(replica: Replica): void {
    this.counters.leases++;
    this.env.logger.log('debug', 'lease began', { range: replica.rangeId, term: replica.raft.term });
  }

  leaseEnded(replica: Replica): void {
    this.env.logger.log('debug', 'lease ended', { range: replica.rangeId });
  }

  reportSnapshot(replica: Replica, { to, term, snapshot }: RaftMessage, ok: boolean): void {
    replica.raft.reportSnapshot(to, { term, index: snapshot!.index }, ok);
    replica.wake();
  }

  bytesOf(descriptor: RangeDescriptor): number {
    const { start, end } = addressSpanOf(descriptor);
    return this.engine.approximateBytes(start, end);
  }
}
