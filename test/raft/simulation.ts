/**
 * A cluster of RaftNodes in one process under seeded faults, with a small correct model of store
 * liveness, and checkers for Raft's safety properties and for the leases. Used by simulation.test.ts.
 *
 * Time is a number of microseconds. Every node has a clock with an offset and a drift, and an HLC on
 * top that travels with every message. Log writes become durable in order after a delay; a crash
 * loses those in flight and whatever was applied but not made durable.
 */
import type { NodeId, Timestamp } from '../../src/base/ids.js';
import { decodeRaftBatch, encodeRaftBatch } from '../../src/raft/raft-codec.js';
import { RaftLog, type LogSink, type LogStore } from '../../src/raft/log-storage.js';
import { EMPTY_CONF } from '../../src/raft/conf-change.js';
import { RaftNode } from '../../src/raft/node.js';
import type { ConfChange, ConfState, Entry, Liveness, RaftMessage, Ready, SnapshotMeta } from '../../src/raft/types.js';

export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** mulberry32 */
  readonly next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  int(n: number): number {
    return Math.floor(this.next() * n);
  }
  chance(p: number): boolean {
    return this.next() < p;
  }
  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)]!;
  }
}

/** An ordered map as the log's disk. */
export class MapStore implements LogStore {
  rows = new Map<string, Buffer>();
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

const RANGE = 7;
const TICK_US = 100_000;
const SUPPORT_US = 600_000;
const HEARTBEAT_US = 150_000;

interface LivenessMessage {
  readonly kind: 'request' | 'response';
  readonly epoch: number;
  readonly expiration: Timestamp;
}
interface Support {
  epoch: number;
  expiration: Timestamp;
}

/** Applied state: the list of data, and the configuration. */
interface AppliedState {
  index: number;
  term: number;
  conf: ConfState;
  data: string[];
}

/** Two-sided, with epochs per pair of nodes. Promises are durable before they leave. */
class LivenessModel implements Liveness {
  readonly #host: SimNode;
  /** Durable: what this node promised to others. */
  given = new Map<NodeId, Support>();
  /** Durable: this node's epoch towards each supporter. */
  requested = new Map<NodeId, number>();
  /** Volatile. */
  received = new Map<NodeId, Support>();

  constructor(host: SimNode) {
    this.#host = host;
  }
  supportFor(node: NodeId): { epoch: number; supported: boolean } {
    const support = this.given.get(node);
    return {
      epoch: support?.epoch ?? 0,
      supported: support !== undefined && support.expiration > 0,
    };
  }
  supportFrom(node: NodeId): { epoch: number; expiration: Timestamp } {
    if (node === this.#host.id) {
      return { epoch: 1, expiration: this.#host.now() + SUPPORT_US };
    }
    return this.received.get(node) ?? { epoch: 0, expiration: 0 };
  }
  /** A new incarnation: no earlier promise may be counted on. */
  restart(): void {
    this.received.clear();
    for (const [node, epoch] of this.requested) this.requested.set(node, epoch + 1);
  }
  request(to: NodeId): LivenessMessage {
    const epoch = this.requested.get(to) ?? 1;
    this.requested.set(to, epoch);
    return { kind: 'request', epoch, expiration: this.#host.now() + SUPPORT_US };
  }
  /** @returns the answer to a request; null after a response. */
  receive(from: NodeId, message: LivenessMessage): LivenessMessage | null {
    if (message.kind === 'request') {
      const support = this.given.get(from) ?? { epoch: 0, expiration: 0 };
      if (message.epoch > support.epoch) {
        support.epoch = message.epoch;
        support.expiration = message.expiration;
      } else if (message.epoch === support.epoch && support.expiration > 0) {
        support.expiration = Math.max(support.expiration, message.expiration);
      }
      this.given.set(from, support);
      return { kind: 'response', epoch: support.epoch, expiration: support.expiration };
    }
    const requested = this.requested.get(from) ?? 1;
    const received = this.received.get(from) ?? { epoch: 0, expiration: 0 };
    if (message.epoch > requested) {
      // It withdrew: ask anew under a higher epoch.
      this.requested.set(from, message.epoch + 1);
      this.received.set(from, { epoch: message.epoch, expiration: 0 });
    } else if (message.epoch === requested) {
      if (message.expiration === 0) {
        this.requested.set(from, message.epoch + 1);
        this.received.set(from, { epoch: message.epoch, expiration: 0 });
      } else if (message.epoch > received.epoch) {
        this.received.set(from, { epoch: message.epoch, expiration: message.expiration });
      } else {
        received.expiration = Math.max(received.expiration, message.expiration);
      }
    }
    return null;
  }
  /** @returns true if support was withdrawn from somebody. */
  withdrawExpired(): boolean {
    let changed = false;
    for (const support of this.given.values()) {
      if (support.expiration > 0 && support.expiration < this.#host.now()) {
        support.epoch++;
        support.expiration = 0;
        changed = true;
      }
    }
    return changed;
  }
}

interface Write {
  readonly sink: BatchSink;
  readonly ready: Ready;
  readonly snapshot: AppliedState | null;
}

class SimNode {
  readonly id: NodeId;
  readonly sim: Simulation;
  readonly disk = new MapStore();
  readonly liveness: LivenessModel;
  #offset: number;
  #drift: number;
  #hlc = 0;
  up = false;
  incarnation = 0;
  node!: RaftNode;
  log!: RaftLog;
  applied: AppliedState;
  durable: AppliedState;
  writes: Write[] = [];
  /** Data of the snapshot that was stepped and waits to be installed, by index. */
  incoming = new Map<number, AppliedState>();
  electedAt = new Map<number, Timestamp>();
  quiesced = false;

  constructor(sim: Simulation, id: NodeId, conf: ConfState, skewUs: number) {
    this.sim = sim;
    this.id = id;
    this.#offset = sim.random.int(2 * skewUs + 1) - skewUs;
    this.#drift = 1 + (sim.random.next() - 0.5) * 0.02;
    this.liveness = new LivenessModel(this);
    const initial = conf.voters.length > 0 ? 1 : 0;
    this.durable = { index: initial, term: initial, conf, data: [] };
    if (initial > 0) {
      const sink = new BatchSink();
      RaftLog.initialise(RANGE, { index: initial, term: initial }, sink);
      this.disk.apply(sink);
    }
    this.applied = copyState(this.durable);
  }

  now(): Timestamp {
    const wall = Math.floor(1_000_000_000 + this.#offset + this.sim.time * this.#drift);
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
    this.up = true;
    this.incarnation++;
    this.quiesced = false;
    this.liveness.restart();
    this.applied = copyState(this.durable);
    this.writes = [];
    this.incoming.clear();
    this.log = new RaftLog({
      rangeId: RANGE,
      store: this.disk,
      conf: this.applied.conf,
      applied: () => this.applied.index,
      appliedTerm: this.applied.term,
      tailBytesMax: this.sim.random.chance(0.5) ? 60 : 100_000,
    });
    this.node = new RaftNode({
      id: this.id,
      storage: this.log,
      liveness: this.liveness,
      random: this.sim.random.next,
      now: () => this.now(),
      electionTicks: 5,
      heartbeatTicks: 1,
      maxInflightMessages: 1 + this.sim.random.int(6),
      maxInflightBytes: 400,
      maxEntriesBytesPerMessage: this.sim.random.chance(0.5) ? 40 : 300,
      maxUncommittedBytes: 600,
      maxCommittedBytesPerReady: 80,
      applied: this.applied.index,
    });
    const clockAtStart = this.now();
    this.sim.check(clockAtStart > 0, 'clock');
  }

  crash(): void {
    this.up = false;
    // A prefix of the writes in flight may have reached the disk.
    const kept = this.sim.random.int(this.writes.length + 1);
    for (const write of this.writes.splice(0, kept)) this.#persist(write);
    this.writes = [];
    if (this.durable.index < this.applied.index && this.sim.random.chance(0.5)) this.syncApplied();
  }

  #persist(write: Write): void {
    this.disk.apply(write.sink);
    if (write.snapshot !== null && write.snapshot.index > this.durable.index) {
      this.durable = copyState(write.snapshot);
    }
  }

  syncApplied(): void {
    this.durable = copyState(this.applied);
  }

  /** Carries out every effect of Raft. */
  process(): void {
    while (this.up && this.node.hasReady()) {
      const ready = this.node.ready();
      this.#handle(ready);
    }
    this.sim.checkLease(this);
  }

  #handle(ready: Ready): void {
    if (ready.soft?.role === 'leader') this.sim.elected(this);
    let snapshot: AppliedState | null = null;
    if (ready.snapshot !== null) {
      snapshot = this.incoming.get(ready.snapshot.index)!;
      // The data of a snapshot is installed and durable before the log says so.
      this.applied = copyState(snapshot);
    }
    if (ready.stable !== null) {
      const sink = new BatchSink();
      this.log.append(ready, sink);
      this.writes.push({ sink, ready, snapshot });
      this.sim.after(this.sim.random.int(30_000), this, () => this.#synced());
    }
    for (const message of ready.messagesNow) this.sim.send(this, message);
    for (const entry of ready.committed) this.#apply(entry);
    if (ready.committed.length > 0) this.node.appliedTo(ready.committed.at(-1)!.index);
  }

  /** Group commit: everything that is in flight, or a part of it, becomes durable. */
  #synced(): void {
    const count = 1 + this.sim.random.int(this.writes.length);
    for (const write of this.writes.splice(0, count)) {
      this.#persist(write);
      for (const message of write.ready.messagesAfterSync) this.sim.send(this, message);
      this.node.stableTo(write.ready.stable!);
    }
    this.process();
  }

  #apply(entry: Entry): void {
    this.sim.check(entry.index === this.applied.index + 1, 'entries applied out of order');
    this.sim.applied(this, entry);
    this.applied.index = entry.index;
    this.applied.term = entry.term;
    if (entry.type === 'conf-change') {
      this.applied.conf = this.node.applyConfChange(entry);
      this.log.setConf(this.applied.conf);
    } else if (entry.data.length > 0) {
      this.applied.data.push(Buffer.from(entry.data).toString());
    }
  }

  truncate(): void {
    if (this.writes.length > 0) return;
    // No overwriting of the suffix is in flight, so a separate batch keeps its order.
    const sink = new BatchSink();
    const to = this.log.truncated().index + this.sim.random.int(8);
    if (to <= this.durable.index && this.log.truncate(to, sink)) this.disk.apply(sink);
  }
}

function copyState(state: AppliedState): AppliedState {
  return { ...state, data: [...state.data] };
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export interface SimulationOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly durationUs: number;
  readonly confChanges: boolean;
}

export class SafetyViolation extends Error {
  override readonly name = 'SafetyViolation';
}

export class Simulation {
  readonly random: Random;
  readonly options: SimulationOptions;
  time = 0;
  readonly nodes = new Map<NodeId, SimNode>();
  readonly marks = new Map<string, number>();
  readonly #events: Event[] = [];
  #order = 0;
  #leaders = new Map<number, NodeId>();
  /** Every committed entry ever applied anywhere, by index. */
  #history = new Map<number, { term: number; text: string; appliedIn: number }>();
  readonly acknowledged = new Set<string>();
  #proposed = new Map<string, { node: NodeId; index: number; term: number }>();
  #proposals = 0;
  /** The latest timestamp at which a leader of a term believed that it may serve. */
  #served = new Map<number, Timestamp>();
  #blocked = new Set<string>();
  faults = true;
  readonly #loss: number;
  readonly #delayUs: number;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.#loss = this.random.pick([0, 0.01, 0.1, 0.3]);
    this.#delayUs = this.random.pick([2_000, 30_000, 300_000]);
    const skewUs = this.random.pick([0, 50_000, 400_000]);
    const ids = Array.from({ length: options.nodes }, (_, i) => i + 1);
    const conf = { ...EMPTY_CONF, voters: ids };
    for (const id of ids) this.#addNode(id, conf, skewUs);
    if (options.confChanges) {
      for (let i = 1; i <= 2; i++) this.#addNode(options.nodes + i, EMPTY_CONF, skewUs);
    }
  }

  #addNode(id: NodeId, conf: ConfState, skewUs: number): void {
    const node = new SimNode(this, id, conf, skewUs);
    this.nodes.set(id, node);
    node.start();
    this.#loop(() => this.#tick(node), TICK_US, this.random.int(TICK_US));
    this.#loop(() => this.#liveness(node), HEARTBEAT_US, this.random.int(HEARTBEAT_US));
    this.#loop(() => this.#background(node), 70_000, this.random.int(70_000));
  }

  mark(name: string): void {
    this.marks.set(name, (this.marks.get(name) ?? 0) + 1);
  }

  check(condition: boolean, what: string): void {
    if (!condition) throw new SafetyViolation(`seed ${this.options.seed} at ${this.time}: ${what}`);
  }

  #schedule(delay: number, run: () => void): void {
    const event = { at: this.time + delay, order: this.#order++, run };
    // A binary heap by (at, order).
    const heap = this.#events;
    let i = heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = event;
  }

  #next(): Event {
    const heap = this.#events;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }

  #loop(run: () => void, every: number, delay: number): void {
    this.#schedule(delay, () => {
      run();
      this.#loop(run, every, every);
    });
  }

  /** Runs unless the node crashed in between. */
  after(delay: number, node: SimNode, run: () => void): void {
    const incarnation = node.incarnation;
    this.#schedule(delay, () => {
      if (node.up && node.incarnation === incarnation) run();
    });
  }

  run(until: number): void {
    while (this.time < until) {
      const event = this.#next();
      this.time = event.at;
      event.run();
    }
  }

  // Network.

  #transmit(from: SimNode, to: NodeId, deliver: (target: SimNode) => void): void {
    if (this.#blocked.has(`${from.id}>${to}`)) return;
    const clock = from.now();
    const copies = !this.faults ? 1 : this.random.chance(this.#loss) ? 0 : this.random.chance(0.03) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const slow = this.faults && this.random.chance(0.02) ? 3_000_000 : 0;
      const delay = this.faults ? 500 + this.random.int(this.#delayUs + slow) : 1_000;
      this.#schedule(delay, () => {
        const target = this.nodes.get(to);
        if (target === undefined || !target.up) return;
        target.observe(clock);
        deliver(target);
      });
    }
  }

  send(from: SimNode, message: RaftMessage): void {
    this.mark(message.type);
    if (message.type === 'snap') return this.#sendSnapshot(from, message);
    // Through the codec, as in production.
    const bytes = encodeRaftBatch([{ rangeId: RANGE, message }]);
    this.#transmit(from, message.to, (target) => {
      target.quiesced = false;
      target.node.step(decodeRaftBatch(bytes)[0]!.message);
      target.process();
    });
  }

  #sendSnapshot(from: SimNode, message: RaftMessage): void {
    const state = copyState(from.applied);
    const meta: SnapshotMeta = { index: state.index, term: state.term, conf: state.conf };
    const lost = this.#blocked.has(`${from.id}>${message.to}`) || this.random.chance(this.#loss);
    this.after(this.random.int(200_000), from, () => {
      from.node.reportSnapshot(message.to, !lost);
      from.process();
    });
    if (lost) return;
    this.#transmit(from, message.to, (target) => {
      target.quiesced = false;
      target.incoming.set(meta.index, state);
      target.node.step({ ...message, snapshot: meta });
      target.process();
    });
  }

  // What drives the nodes.

  #tick(node: SimNode): void {
    if (!node.up) return;
    if (node.quiesced) {
      this.mark('quiesced-tick');
      return;
    }
    node.node.tick();
    node.process();
    if (node.node.canQuiesce()) node.quiesced = true;
  }

  #liveness(node: SimNode): void {
    if (!node.up) return;
    if (node.liveness.withdrawExpired()) {
      this.mark('withdrawn');
      this.#wake(node);
      node.node.supportWithdrawn();
    }
    for (const id of this.nodes.keys()) {
      if (id !== node.id) this.#sendLiveness(node, id, node.liveness.request(id));
    }
    node.process();
  }

  #sendLiveness(from: SimNode, to: NodeId, message: LivenessMessage): void {
    this.#transmit(from, to, (target) => {
      const before = JSON.stringify([target.liveness.supportFor(from.id), target.liveness.supportFrom(from.id).epoch]);
      const answer = target.liveness.receive(from.id, message);
      const after = JSON.stringify([target.liveness.supportFor(from.id), target.liveness.supportFrom(from.id).epoch]);
      if (before !== after) this.#wake(target);
      if (answer !== null) this.#sendLiveness(target, from.id, answer);
      target.process();
    });
  }

  #wake(node: SimNode): void {
    node.quiesced = false;
    node.node.livenessChanged();
  }

  #background(node: SimNode): void {
    if (!node.up) {
      if (!this.faults || this.random.chance(0.1)) node.start();
      return;
    }
    const { random } = this;
    if (this.random.chance(0.5)) this.propose(node);
    if (random.chance(0.3)) node.syncApplied();
    if (random.chance(0.2)) node.truncate();
    if (this.faults) this.#fault(node);
    node.process();
  }

  #fault(node: SimNode): void {
    const { random } = this;
    const ids = [...this.nodes.keys()];
    if (random.chance(0.004)) {
      this.mark('crash');
      node.crash();
      return;
    }
    if (random.chance(0.01)) {
      const other = random.pick(ids);
      this.#blocked.add(`${node.id}>${other}`);
      if (random.chance(0.7)) this.#blocked.add(`${other}>${node.id}`);
    }
    if (random.chance(0.004)) {
      for (const other of ids) {
        this.#blocked.add(`${node.id}>${other}`);
        this.#blocked.add(`${other}>${node.id}`);
      }
    }
    if (random.chance(0.03)) this.#blocked.clear();
    if (random.chance(0.01)) node.node.campaign();
    if (random.chance(0.02) && node.node.isLeader && node.node.transferLeadership(random.pick(ids))) {
      this.mark('transfer');
    }
    if (random.chance(0.02)) node.node.reportUnreachable(random.pick(ids));
    if (this.options.confChanges && random.chance(0.05) && node.node.isLeader) this.#changeConf(node);
  }

  #changeConf(node: SimNode): void {
    const kinds = ['add-voter', 'add-voter', 'add-learner', 'remove'] as const;
    const ids = [...this.nodes.keys()];
    const changes: { kind: (typeof kinds)[number]; node: NodeId }[] = [];
    const count = 1 + this.random.int(2);
    for (let i = 0; i < count; i++) {
      const id = this.random.pick(ids);
      if (changes.every((c) => c.node !== id)) changes.push({ kind: this.random.pick(kinds), node: id });
    }
    const transition = this.random.pick(['auto', 'joint-implicit', 'joint-explicit'] as const);
    const leave = node.node.conf.votersOutgoing.length > 0;
    const change: ConfChange = leave
      ? { changes: [], transition: 'auto', context: new Uint8Array(0) }
      : { changes, transition, context: new Uint8Array(0) };
    if (node.node.proposeConfChange(change) !== null) this.mark('conf-change');
  }

  propose(node: SimNode): void {
    const text = `p${this.#proposals++}`;
    const result = node.node.propose(Buffer.from(text));
    if (result === null) return;
    node.quiesced = false;
    this.#proposed.set(text, { node: node.id, ...result });
  }

  // Checkers.

  elected(node: SimNode): void {
    const { term } = node.node;
    const known = this.#leaders.get(term);
    this.check(known === undefined || known === node.id, `two leaders in term ${term}`);
    this.check(known === undefined, `node ${node.id} was elected twice in term ${term}`);
    this.#leaders.set(term, node.id);
    this.mark('elected');
    const clock = node.strictNow();
    node.electedAt.set(term, clock);
    for (const [earlier, served] of this.#served) {
      if (earlier < term) {
        this.check(served < clock, `term ${term} starts at ${clock}, term ${earlier} served at ${served}`);
      }
    }
    // Leader completeness: everything ever committed is in the log of the new leader.
    // (Votes may arrive late: a leader of a later term may have committed meanwhile.)
    for (const [index, { term: committedTerm, appliedIn }] of this.#history) {
      if (appliedIn >= term) continue;
      this.check(index <= node.node.lastIndex, `the new leader of term ${term} lacks ${index}`);
      if (index <= node.log.truncated().index || index > node.log.lastIndex()) continue;
      if (index <= node.node.stableIndex) {
        this.check(node.log.term(index) === committedTerm, `the new leader differs at ${index}`);
      }
    }
  }

  /** Between every two events: what a leader believes about its lease against its successors. */
  checkLease(node: SimNode): void {
    if (!node.up || node.node.role !== 'leader') return;
    const until = node.node.leadSupportUntil();
    const now = node.now();
    const { term } = node.node;
    if (until > now) {
      this.mark('lease');
      this.#served.set(term, Math.max(this.#served.get(term) ?? 0, now));
    }
    for (const other of this.nodes.values()) {
      for (const [laterTerm, clock] of other.electedAt) {
        if (laterTerm > term && until > 0) {
          this.check(until < clock, `lease of term ${term} until ${until}, term ${laterTerm} began ${clock}`);
        }
      }
    }
  }

  applied(node: SimNode, entry: Entry): void {
    const text = `${entry.type}:${Buffer.from(entry.data).toString('hex')}`;
    const known = this.#history.get(entry.index);
    if (known === undefined) {
      this.#history.set(entry.index, { term: entry.term, text, appliedIn: node.node.term });
    }
    if (known !== undefined) {
      this.check(
        known.term === entry.term && known.text === text,
        `node ${node.id} applied another entry at ${entry.index}`,
      );
    }
    const proposal = this.#proposed.get(Buffer.from(entry.data).toString());
    if (proposal?.node === node.id && proposal.index === entry.index && proposal.term === entry.term) {
      this.acknowledged.add(Buffer.from(entry.data).toString());
    }
  }

  /** Log matching: entries of equal index and term are equal, and so is everything before them. */
  checkLogs(): void {
    const seen = new Map<string, string>();
    for (const node of this.nodes.values()) {
      if (!node.up || node.node.stableIndex < node.log.truncated().index) continue;
      let previous = `${node.log.truncated().term}`;
      for (let i = node.log.truncated().index + 1; i <= node.node.stableIndex; i++) {
        const entry = node.log.entries(i, i + 1, 1)![0]!;
        const key = `${i}/${entry.term}`;
        const value = `${previous}>${entry.type}:${Buffer.from(entry.data).toString('hex')}`;
        this.check((seen.get(key) ?? value) === value, `logs differ at ${key}`);
        seen.set(key, value);
        previous = `${entry.term}`;
      }
    }
  }

  /** Ends the faults and lets the cluster recover; then everything must be everywhere. */
  heal(): void {
    this.faults = false;
    this.#blocked.clear();
    this.run(this.time + 20_000_000);
    for (const node of this.nodes.values()) this.check(node.up, 'everything is up again');
    const leaders = [...this.nodes.values()].filter((n) => n.node.role === 'leader');
    const leader = leaders.sort((a, b) => b.node.term - a.node.term)[0];
    this.check(leader !== undefined, 'no leader after healing');
    this.check(leader!.node.leadSupportUntil() > leader!.now(), 'no lease after healing');
    const before = this.acknowledged.size;
    this.run(this.time + 3_000_000);
    this.check(this.acknowledged.size > before, 'no progress after healing');
    for (const id of leader!.node.voters()) {
      const data = new Set(this.nodes.get(id)!.applied.data);
      for (const text of this.acknowledged) {
        const fresh = this.#proposed.get(text)!.index > leader!.node.applied - 200;
        this.check(data.has(text) || (fresh && id !== leader!.id), `${text} was lost at ${id}`);
      }
    }
    this.checkLogs();
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
