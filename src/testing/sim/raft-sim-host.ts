/**
 * One replica of the Raft-level simulation: a RaftNode over a RaftLog on a disk in memory, a clock with
 * an offset and a drift under an HLC, and a small correct model of store liveness.
 *
 * Log writes become durable in order after a delay; a crash keeps a prefix of those in flight and
 * loses what was applied but not made durable. The applied state is its index, its configuration
 * and a digest over every entry: two replicas with equal digests applied the same entries in the
 * same order, each once.
 */
import { crc32 } from 'node:zlib';
import type { NodeId, Timestamp } from '../../base/ids.js';
import type { SimRandom } from '../../env/sim/random.js';
import { confMembers } from '../../raft/conf-change.js';
import { RaftLog, type LogSink, type LogStore } from '../../raft/log-storage.js';
import { RaftNode } from '../../raft/node.js';
import type { ConfState, Entry, Liveness, RaftMessage, Ready } from '../../raft/types.js';

/** An ordered map as the log's disk. */
export class MapStore implements LogStore {
  readonly rows = new Map<string, Buffer>();

  get(key: string): Buffer | null {
    return this.rows.get(key) ?? null;
  }

  scan(start: string, end: string, limitBytes: number): { key: string; value: Buffer }[] {
    const found: { key: string; value: Buffer }[] = [];
    let bytes = 0;
    for (const key of [...this.rows.keys()].filter((k) => k >= start && k < end).sort()) {
      const value = this.rows.get(key)!;
      found.push({ key, value });
      bytes += key.length + value.length;
      if (bytes >= limitBytes) break;
    }
    return found;
  }

  apply(batch: BatchSink): void {
    for (const operation of batch.operations) operation(this.rows);
  }
}

export class BatchSink implements LogSink {
  readonly operations: ((rows: Map<string, Buffer>) => void)[] = [];

  put(key: string, value: Uint8Array): void {
    const copy = Buffer.from(value);
    this.operations.push((rows) => rows.set(key, copy));
  }

  delete(key: string): void {
    this.operations.push((rows) => rows.delete(key));
  }

  deleteRange(start: string, end: string): void {
    this.operations.push((rows) => {
      for (const key of [...rows.keys()]) if (key >= start && key < end) rows.delete(key);
    });
  }
}

export const RAFT_SIM_RANGE = 7;
const SUPPORT_US = 600_000;
const EPOCH_START_US = 1_000_000_000;
/** More effects than this in one turn means that the core does not come to rest. */
const ROUNDS_MAX = 10_000;

export interface LivenessMessage {
  readonly kind: 'request' | 'response';
  readonly epoch: number;
  readonly expiration: Timestamp;
}

interface Support {
  epoch: number;
  expiration: Timestamp;
}

export interface AppliedState {
  index: number;
  term: number;
  conf: ConfState;
  digest: number;
}

/** Two-sided, with epochs per pair of nodes. Promises are durable before they leave. */
export class LivenessModel implements Liveness {
  readonly #host: SimHost;
  /** Durable: what this node promised to others. */
  readonly #given = new Map<NodeId, Support>();
  /** Durable: this node's epoch towards each supporter. */
  readonly #requested = new Map<NodeId, number>();
  /** Volatile. */
  readonly #received = new Map<NodeId, Support>();

  constructor(host: SimHost) {
    this.#host = host;
  }

  supportFor(node: NodeId): { epoch: number; supported: boolean } {
    const support = this.#given.get(node);
    return { epoch: support?.epoch ?? 0, supported: support !== undefined && support.expiration > 0 };
  }

  supportFrom(node: NodeId): { epoch: number; expiration: Timestamp } {
    if (node === this.#host.id) return { epoch: 1, expiration: this.#host.now() + SUPPORT_US };
    return this.#received.get(node) ?? { epoch: 0, expiration: 0 };
  }

  /** A new incarnation: no earlier promise may be counted on. */
  restart(): void {
    this.#received.clear();
    for (const [node, epoch] of this.#requested) this.#requested.set(node, epoch + 1);
  }

  request(to: NodeId): LivenessMessage {
    const epoch = this.#requested.get(to) ?? 1;
    this.#requested.set(to, epoch);
    return { kind: 'request', epoch, expiration: this.#host.now() + SUPPORT_US };
  }

  /** @returns the answer to a request; null after a response. */
  receive(from: NodeId, message: LivenessMessage): LivenessMessage | null {
    if (message.kind === 'response') {
      this.#receiveResponse(from, message);
      return null;
    }
    const support = this.#given.get(from) ?? { epoch: 0, expiration: 0 };
    if (message.epoch > support.epoch) {
      support.epoch = message.epoch;
      support.expiration = message.expiration;
    } else if (message.epoch === support.epoch && support.expiration > 0) {
      support.expiration = Math.max(support.expiration, message.expiration);
    }
    this.#given.set(from, support);
    return { kind: 'response', epoch: support.epoch, expiration: support.expiration };
  }

  #receiveResponse(from: NodeId, message: LivenessMessage): void {
    const requested = this.#requested.get(from) ?? 1;
    const received = this.#received.get(from) ?? { epoch: 0, expiration: 0 };
    if (message.epoch < requested) return;
    if (message.epoch > requested || message.expiration === 0) {
      // It withdrew: ask anew under a higher epoch.
      this.#requested.set(from, message.epoch + 1);
      this.#received.set(from, { epoch: message.epoch, expiration: 0 });
    } else if (message.epoch > received.epoch) {
      this.#received.set(from, { epoch: message.epoch, expiration: message.expiration });
    } else {
      received.expiration = Math.max(received.expiration, message.expiration);
    }
  }

  /** @returns true if support was withdrawn from somebody. */
  withdrawExpired(): boolean {
    let changed = false;
    for (const support of this.#given.values()) {
      if (support.expiration > 0 && support.expiration < this.#host.now()) {
        support.epoch++;
        support.expiration = 0;
        changed = true;
      }
    }
    return changed;
  }
}

/** What a replica needs of the world, and tells the checkers. */
export interface HostWorld {
  readonly random: SimRandom;
  readonly time: number;
  /** Runs later unless the host crashed in between. */
  after(delayUs: number, host: SimHost, run: () => void): void;
  send(from: SimHost, message: RaftMessage): void;
  fail(what: string): never;
  elected(host: SimHost): void;
  applied(host: SimHost, entry: Entry): void;
  installed(host: SimHost): void;
  /** The host has come to rest after an event. */
  rested(host: SimHost): void;
}

export interface HostOptions {
  readonly id: NodeId;
  readonly conf: ConfState;
  readonly skewUs: number;
  readonly syncUs: number;
  readonly tinyMessages: boolean;
}

interface Write {
  readonly sink: BatchSink;
  readonly ready: Ready;
  readonly snapshot: AppliedState | null;
}

export class SimHost {
  readonly id: NodeId;
  readonly disk = new MapStore();
  readonly liveness: LivenessModel;
  readonly #world: HostWorld;
  readonly #options: HostOptions;
  readonly #offset: number;
  readonly #drift: number;
  #hlc = 0;
  up = false;
  incarnation = 0;
  node!: RaftNode;
  log!: RaftLog;
  applied: AppliedState;
  durable: AppliedState;
  /** Its state is gone, over restarts as well, until a snapshot has come. */
  stateLost = false;
  #writes: Write[] = [];
  /** Data of snapshots that were stepped and wait to be installed, by index. */
  readonly incoming = new Map<number, AppliedState>();
  quiesced = false;

  constructor(world: HostWorld, options: HostOptions) {
    this.#world = world;
    this.#options = options;
    this.id = options.id;
    this.#offset = world.random.int(2 * options.skewUs + 1) - options.skewUs;
    this.#drift = 1 + (world.random.next() - 0.5) * 0.02;
    this.liveness = new LivenessModel(this);
    const initial = options.conf.voters.length > 0 ? 1 : 0;
    this.durable = { index: initial, term: initial, conf: options.conf, digest: 0 };
    if (initial > 0) {
      const sink = new BatchSink();
      RaftLog.initialise(RAFT_SIM_RANGE, { index: initial, term: initial }, sink);
      this.disk.apply(sink);
    }
    this.applied = { ...this.durable };
  }

  now(): Timestamp {
    const wall = Math.floor(EPOCH_START_US + this.#offset + this.#world.time * this.#drift);
    if (wall > this.#hlc) this.#hlc = wall;
    return this.#hlc;
  }

  /** Strictly later than everything this node has seen, as an HLC is. */
  strictNow(): Timestamp {
    this.now();
    return ++this.#hlc;
  }

  observe(clock: Timestamp): void {
    this.now();
    if (clock > this.#hlc) this.#hlc = clock;
  }

  start(): void {
    const { random } = this.#world;
    if (this.stateLost) this.durable = { ...this.durable, digest: -1 };
    const { tinyMessages } = this.#options;
    this.up = true;
    this.incarnation++;
    this.quiesced = false;
    this.liveness.restart();
    this.applied = { ...this.durable };
    this.#writes = [];
    this.incoming.clear();
    this.log = new RaftLog({
      rangeId: RAFT_SIM_RANGE,
      store: this.disk,
      conf: this.applied.conf,
      applied: () => this.applied.index,
      appliedTerm: this.applied.term,
      tailBytesMax: random.chance(0.5) ? 60 : 100_000,
    });
    this.node = new RaftNode({
      id: this.id,
      storage: this.log,
      liveness: this.liveness,
      random: random.next,
      now: () => this.now(),
      electionTicks: 5,
      heartbeatTicks: 1,
      maxInflightMessages: tinyMessages ? 1 : 1 + random.int(6),
      maxInflightBytes: 400,
      maxEntriesBytesPerMessage: tinyMessages ? 1 : random.chance(0.5) ? 40 : 300,
      maxUncommittedBytes: 600,
      maxCommittedBytesPerReady: 80,
      applied: this.applied.index,
      stateless: this.stateLost,
    });
  }

  crash(): void {
    const { random } = this.#world;
    this.up = false;
    for (const write of this.#writes.splice(0, random.int(this.#writes.length + 1))) this.#persist(write);
    this.#writes = [];
    if (this.durable.index < this.applied.index && random.chance(0.5)) this.syncApplied();
  }

  #persist(write: Write): void {
    this.disk.apply(write.sink);
    if (write.snapshot !== null && write.snapshot.index > this.durable.index) this.durable = { ...write.snapshot };
  }

  /** A snapshot and its data have arrived. What the store would refuse is dropped. */
  receiveSnapshot(message: RaftMessage, state: AppliedState): void {
    const meta = message.snapshot!;
    this.incoming.set(meta.index, state);
    if (this.node.stateless) {
      const refused = message.term < this.node.term || this.node.isLeader || meta.index < this.log.truncated().index;
      if (refused || !confMembers(meta.conf).includes(this.id)) return;
      this.applied = { ...state };
      this.durable = { ...state };
      this.log.setConf(meta.conf);
      this.stateLost = false;
      this.#world.installed(this);
    }
    this.node.step(message);
    if (this.node.stateless) this.#world.fail(`node ${this.id} has a snapshot's data and says that it has not`);
  }

  syncApplied(): void {
    if (this.stateLost) return;
    this.durable = { ...this.applied };
  }

  /** Carries out every effect of Raft. */
  process(): void {
    for (let rounds = 0; this.up && this.node.hasReady(); rounds++) {
      if (rounds > ROUNDS_MAX) this.#world.fail(`node ${this.id} does not come to rest`);
      this.#handle(this.node.ready());
    }
    if (this.up) this.#world.rested(this);
  }

  #handle(ready: Ready): void {
    if (ready.soft?.role === 'leader') this.#world.elected(this);
    let snapshot: AppliedState | null = null;
    if (ready.snapshot !== null) {
      snapshot = this.incoming.get(ready.snapshot.index) ?? null;
      if (snapshot === null) this.#world.fail(`node ${this.id} installs a snapshot that it never received`);
      // The data of a snapshot is installed and durable before the log says so.
      this.applied = { ...snapshot };
      this.#world.installed(this);
    }
    if (ready.stable !== null) {
      const sink = new BatchSink();
      this.log.append(ready, sink);
      this.#writes.push({ sink, ready, snapshot });
      this.#world.after(this.#world.random.int(this.#options.syncUs), this, () => this.#synced());
    }
    for (const message of ready.messagesNow) this.#world.send(this, message);
    for (const entry of ready.committed) this.#apply(entry);
    const last = ready.committed.at(-1);
    if (last !== undefined) this.node.appliedTo(last.index);
  }

  /** Group commit: everything that is in flight, or a part of it, becomes durable. */
  #synced(): void {
    const count = 1 + this.#world.random.int(this.#writes.length);
    for (const write of this.#writes.splice(0, count)) {
      this.#persist(write);
      for (const message of write.ready.messagesAfterSync) this.#world.send(this, message);
      this.node.stableTo(write.ready.stable!);
    }
    this.process();
  }

  #apply(entry: Entry): void {
    if (entry.index !== this.applied.index + 1) {
      this.#world.fail(`node ${this.id} applies entry ${entry.index} after ${this.applied.index}`);
    }
    let { conf } = this.applied;
    if (entry.type === 'conf-change') {
      conf = this.node.applyConfChange(entry);
      this.log.setConf(conf);
    }
    const digest = crc32(entry.data, crc32(`${this.applied.digest} ${entry.index} ${entry.type} `));
    this.applied = { index: entry.index, term: entry.term, conf, digest };
    this.#world.applied(this, entry);
  }

  truncate(): void {
    if (this.#writes.length > 0 || this.stateLost) return;
    // No overwriting of the suffix is in flight, so a separate batch keeps its order.
    const sink = new BatchSink();
    const to = this.log.truncated().index + this.#world.random.int(8);
    if (to <= this.durable.index && this.log.truncate(to, sink)) this.disk.apply(sink);
  }
}
