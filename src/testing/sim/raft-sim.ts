/**
 * A cluster of RaftNodes in one process under seeded faults: messages lost, delayed, reordered and
 * duplicated, partitions (symmetric, one-way), crashes at random and at bad moments, slow disks, skewed and
 * drifting clocks, membership changes (joint, learners, the leader's own removal), transfers, log
 * truncation, snapshots, a replica that comes back with its log and without its state. Each seed enables its own subset of them (swarm). Then everything heals and the
 * cluster must recover. Pure: no real time, no I/O; one seed gives one trace.
 *
 *   const { ok, failures, hash } = runRaftSeed(7);
 *
 * A failure names the property of raft-sim-checks.ts that broke, or the assertion of the core.
 * Limits: one range; the applied state is a digest; liveness is modelled, not the real module.
 */
import type { NodeId } from '../../base/ids.js';
import { SimRandom } from '../../env/sim/random.js';
import { SimTrace } from '../../env/sim/trace.js';
import { confMembers, EMPTY_CONF, isJoint } from '../../raft/conf-change.js';
import { decodeRaftBatch, encodeRaftBatch } from '../../raft/raft-codec.js';
import type { ConfChange, ConfChangeKind, ConfState, Entry, RaftMessage } from '../../raft/types.js';
import { RaftChecks, SafetyViolation } from './raft-sim-checks.js';
import { RAFT_SIM_RANGE, SimHost, type HostWorld, type LivenessMessage } from './raft-sim-host.js';

export interface RaftSimOptions {
  /** Voters and learners at the start; drawn from the seed if not given. */
  readonly nodes?: number;
  /** Virtual seconds under faults; default 12. */
  readonly seconds?: number;
  /** Whether the membership changes; drawn from the seed if not given. */
  readonly confChanges?: boolean;
}

export interface RaftSimResult {
  readonly ok: boolean;
  /** In words; empty if ok. */
  readonly failures: readonly string[];
  /** Of the whole trace and the last random draw: equal for equal seeds and options. */
  readonly hash: string;
  /** How often rare branches were reached. */
  readonly marks: ReadonlyMap<string, number>;
}

const TICK_US = 100_000;
const HEARTBEAT_US = 150_000;
const BACKGROUND_US = 70_000;
const HEAL_US = 20_000_000;
const PROGRESS_US = 3_000_000;

/** Which faults a seed has, and how strong: probabilities are per node and background step. */
interface Swarm {
  readonly loss: number;
  readonly delayUs: number;
  readonly slow: number;
  readonly duplicate: number;
  readonly skewUs: number;
  readonly syncUs: number;
  readonly crash: number;
  /** When a vote has left, at once and back at once: it must be durable by then. */
  readonly crashAfterVote: number;
  /** Of a leader, when it has sent an append. */
  readonly crashLeader: number;
  readonly restart: number;
  readonly partition: number;
  readonly mend: number;
  readonly campaign: number;
  readonly transfer: number;
  readonly conf: number;
  readonly truncate: number;
  /** At a restart, of one replica at a time: the others could always bring it. */
  readonly loseState: number;
  readonly liveness: boolean;
  readonly tinyMessages: boolean;
}

function drawSwarm(random: SimRandom, confChanges: boolean): Swarm {
  const maybe = (p: number, values: readonly number[]): number => (random.chance(p) ? random.pick(values) : 0);
  return {
    loss: maybe(0.7, [0.01, 0.1, 0.3]),
    delayUs: random.pick([2_000, 30_000, 300_000]),
    slow: maybe(0.6, [0.02, 0.1]),
    duplicate: maybe(0.7, [0.03, 0.2]),
    skewUs: maybe(0.7, [50_000, 400_000]),
    syncUs: random.pick([3_000, 30_000, 30_000, 200_000]),
    crash: maybe(0.7, [0.004, 0.01]),
    crashAfterVote: maybe(0.3, [0.05, 0.3]),
    crashLeader: maybe(0.3, [0.01, 0.05]),
    restart: random.pick([0.1, 0.1, 0.5, 0.9]),
    partition: maybe(0.8, [0.005, 0.02, 0.05]),
    mend: random.pick([0.004, 0.01, 0.03, 0.1]),
    campaign: maybe(0.6, [0.01, 0.1]),
    transfer: maybe(0.6, [0.02, 0.1]),
    conf: confChanges ? random.pick([0.05, 0.15, 0.4]) : 0,
    truncate: maybe(0.8, [0.2, 0.5]),
    liveness: random.chance(0.7),
    tinyMessages: random.chance(0.3),
    // A replica that leaves could be the only one that has the state still.
    loseState: confChanges ? 0 : maybe(0.5, [0.1, 0.5]),
  };
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class RaftSimulation implements HostWorld {
  readonly random: SimRandom;
  readonly seed: number;
  readonly trace = new SimTrace();
  readonly marks = new Map<string, number>();
  readonly hosts = new Map<NodeId, SimHost>();
  readonly checks: RaftChecks;
  time = 0;
  readonly #durationUs: number;
  readonly #swarm: Swarm;
  readonly #events: Event[] = [];
  readonly #blocked = new Set<string>();
  readonly #changed = new Set<NodeId>();
  #order = 0;
  #proposals = 0;
  #faults = true;
  #proposing = true;

  constructor(seed: number, options: RaftSimOptions = {}) {
    this.seed = seed;
    this.random = new SimRandom(seed);
    this.checks = new RaftChecks((what) => this.fail(what));
    this.#durationUs = (options.seconds ?? 12) * 1_000_000;
    const confChanges = options.confChanges ?? this.random.chance(0.5);
    const nodes = options.nodes ?? this.random.pick([3, 5, 3, 1, 4, 5]);
    this.#swarm = drawSwarm(this.random, confChanges);
    const ids = Array.from({ length: nodes }, (_, i) => i + 1);
    const voters = confChanges && nodes >= 4 && this.random.chance(0.5) ? ids.slice(0, 3) : ids;
    const conf = { ...EMPTY_CONF, voters, learners: ids.slice(voters.length) };
    for (const id of ids) this.#addHost(id, conf);
    if (confChanges) for (let i = 1; i <= 2; i++) this.#addHost(nodes + i, EMPTY_CONF);
  }

  #addHost(id: NodeId, conf: ConfState): void {
    const { skewUs, syncUs, tinyMessages } = this.#swarm;
    const host = new SimHost(this, { id, conf, skewUs, syncUs, tinyMessages });
    this.hosts.set(id, host);
    host.start();
    this.#loop(() => this.#tick(host), TICK_US, this.random.int(TICK_US));
    this.#loop(() => this.#livenessTick(host), HEARTBEAT_US, this.random.int(HEARTBEAT_US));
    this.#loop(() => this.#background(host), BACKGROUND_US, this.random.int(BACKGROUND_US));
  }

  #mark(name: string): void {
    this.marks.set(name, (this.marks.get(name) ?? 0) + 1);
  }

  fail(what: string): never {
    throw new SafetyViolation(`seed ${this.seed} at ${this.time} µs: ${what}`);
  }

  #check(condition: boolean, what: string): void {
    if (!condition) this.fail(what);
  }

  // Events: a binary heap by (at, order).

  #schedule(delayUs: number, run: () => void): void {
    const event = { at: this.time + delayUs, order: this.#order++, run };
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

  #loop(run: () => void, everyUs: number, delayUs: number): void {
    this.#schedule(delayUs, () => {
      run();
      this.#loop(run, everyUs, everyUs);
    });
  }

  after(delayUs: number, host: SimHost, run: () => void): void {
    const { incarnation } = host;
    this.#schedule(delayUs, () => {
      if (host.up && host.incarnation === incarnation) run();
    });
  }

  #runUntil(until: number): void {
    while (this.time < until) {
      const event = this.#next();
      this.time = event.at;
      event.run();
    }
  }

  /** The whole run: faults, then recovery. Throws what is wrong. */
  run(): void {
    for (let step = 1; step <= 12; step++) {
      this.#runUntil((this.#durationUs * step) / 12);
      this.checks.checkLogs(this.hosts.values());
    }
    this.#heal();
  }

  /** Of the trace and the last draw. */
  hash(): string {
    this.trace.event(this.time, 'end', '', Math.floor(this.random.next() * 2 ** 32));
    return this.trace.hash();
  }

  // Network.

  #transmit(from: SimHost, to: NodeId, deliver: (target: SimHost) => void): void {
    if (this.#blocked.has(`${from.id}>${to}`)) return;
    const { random } = this;
    const swarm = this.#swarm;
    const clock = from.now();
    const copies = !this.#faults ? 1 : random.chance(swarm.loss) ? 0 : random.chance(swarm.duplicate) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const slow = this.#faults && random.chance(swarm.slow) ? 3_000_000 : 0;
      const delay = this.#faults ? 500 + random.int(swarm.delayUs + slow) : 1_000;
      this.#schedule(delay, () => {
        const target = this.hosts.get(to);
        if (target === undefined || !target.up) return;
        target.observe(clock);
        deliver(target);
      });
    }
  }

  send(from: SimHost, message: RaftMessage): void {
    this.#mark(message.type);
    this.checks.sent(message);
    if (message.type === 'snap') {
      this.#sendSnapshot(from, message);
      return;
    }
    // Through the codec, as in production.
    const bytes = encodeRaftBatch([{ rangeId: RAFT_SIM_RANGE, message }]);
    this.trace.bytes(this.time, message.type, `${from.id}>${message.to}`, bytes);
    this.#transmit(from, message.to, (target) => {
      target.quiesced = false;
      target.node.step(decodeRaftBatch(bytes)[0]!.message);
      target.process();
    });
    if (this.#faults) this.#crashAtBadMoment(from, message);
  }

  /** Not at once: in the middle of its own effects nobody crashes here. */
  #crashAtBadMoment(from: SimHost, message: RaftMessage): void {
    const { random } = this;
    if (message.type === 'app' && random.chance(this.#swarm.crashLeader)) {
      this.after(random.int(5_000), from, () => this.#crash(from, 'crash-leader'));
    }
    const vote = message.type === 'vote' || (message.type === 'vote-resp' && !message.reject);
    if (!vote || !random.chance(this.#swarm.crashAfterVote)) return;
    this.after(random.int(2_000), from, () => this.#crash(from, 'crash-after-vote'));
    this.#schedule(2_000 + random.int(5_000), () => {
      if (!from.up) this.#start(from);
    });
  }

  #sendSnapshot(from: SimHost, message: RaftMessage): void {
    const meta = message.snapshot!;
    const state = { ...from.applied };
    this.#check(meta.index === state.index, `a snapshot of ${meta.index} is taken at ${state.index}`);
    const lost =
      this.#blocked.has(`${from.id}>${message.to}`) || (this.#faults && this.random.chance(this.#swarm.loss));
    this.trace.event(this.time, 'snap', `${from.id}>${message.to}`, meta.index);
    if (isJoint(meta.conf)) this.#mark('snap-joint');
    this.after(this.random.int(200_000), from, () => {
      from.node.reportSnapshot(message.to, { term: message.term, index: meta.index }, !lost);
      from.process();
    });
    if (lost) return;
    this.#transmit(from, message.to, (target) => {
      target.quiesced = false;
      target.receiveSnapshot(message, state);
      target.process();
    });
  }

  // What drives the nodes.

  #tick(host: SimHost): void {
    if (!host.up) return;
    if (host.quiesced) {
      this.#mark('quiesced-tick');
      return;
    }
    host.node.tick();
    host.process();
    if (host.up && host.node.canQuiesce()) host.quiesced = true;
  }

  #livenessTick(host: SimHost): void {
    if (!host.up) return;
    if (host.liveness.withdrawExpired()) {
      this.#mark('withdrawn');
      this.#wake(host);
      host.node.supportWithdrawn();
    }
    if (this.#swarm.liveness || !this.#faults) {
      for (const id of this.hosts.keys()) {
        if (id !== host.id) this.#sendLiveness(host, id, host.liveness.request(id));
      }
    }
    host.process();
  }

  #sendLiveness(from: SimHost, to: NodeId, message: LivenessMessage): void {
    this.#transmit(from, to, (target) => {
      const beforeFor = target.liveness.supportFor(from.id);
      const beforeFrom = target.liveness.supportFrom(from.id).epoch;
      const answer = target.liveness.receive(from.id, message);
      const afterFor = target.liveness.supportFor(from.id);
      const changed =
        beforeFor.epoch !== afterFor.epoch ||
        beforeFor.supported !== afterFor.supported ||
        beforeFrom !== target.liveness.supportFrom(from.id).epoch;
      if (changed) this.#wake(target);
      if (answer !== null) this.#sendLiveness(target, from.id, answer);
      target.process();
    });
  }

  #wake(host: SimHost): void {
    host.quiesced = false;
    host.node.livenessChanged();
  }

  #background(host: SimHost): void {
    const { random } = this;
    if (!host.up) {
      if (!this.#faults || random.chance(this.#swarm.restart)) {
        this.trace.event(this.time, 'start', `${host.id}`, host.incarnation);
        this.#start(host);
      }
      return;
    }
    if (this.#proposing && random.chance(0.5)) this.#propose(host);
    if (random.chance(0.3)) host.syncApplied();
    if (random.chance(this.#swarm.truncate)) host.truncate();
    if (this.#faults) this.#fault(host);
    if (host.up) host.process();
  }

  #start(host: SimHost): void {
    const hosts = [...this.hosts.values()];
    const possible = this.#faults && hosts.length > 2 && !hosts.some((h) => h.stateLost);
    if (possible && this.random.chance(this.#swarm.loseState)) {
      this.#mark('state-lost');
      host.stateLost = true;
    }
    host.start();
  }

  #crash(host: SimHost, mark: string): void {
    this.#mark(mark);
    this.trace.event(this.time, mark, `${host.id}`, host.node.term);
    host.crash();
  }

  #fault(host: SimHost): void {
    const { random } = this;
    const swarm = this.#swarm;
    if (random.chance(swarm.crash)) {
      this.#crash(host, 'crash');
      return;
    }
    const ids = [...this.hosts.keys()];
    if (random.chance(swarm.partition)) this.#partition(host);
    if (random.chance(swarm.mend)) this.#blocked.clear();
    if (random.chance(swarm.campaign)) this.#campaign(host);
    if (host.node.isLeader) {
      host.quiesced = false;
      if (random.chance(swarm.transfer) && host.node.transferLeadership(random.pick(ids))) this.#mark('transfer');
      if (random.chance(swarm.conf)) this.#changeConf(host);
    }
    if (random.chance(0.02)) host.node.reportUnreachable(random.pick(ids));
  }

  /** A new pattern of broken links, on top of what is broken. */
  #partition(host: SimHost): void {
    const { random } = this;
    const ids = [...this.hosts.keys()];
    const other = random.pick(ids);
    const kind = random.pick(['link', 'one-way', 'deaf', 'mute', 'isolated', 'halves', 'bridge'] as const);
    this.#mark(`partition-${kind}`);
    const block = (from: NodeId, to: NodeId): unknown => this.#blocked.add(`${from}>${to}`);
    if (kind === 'link' || kind === 'one-way') block(host.id, other);
    if (kind === 'link') block(other, host.id);
    const left = new Set(ids.filter(() => random.chance(0.5)));
    for (const a of ids) {
      if (kind === 'isolated' || kind === 'deaf') block(a, host.id);
      if (kind === 'isolated' || kind === 'mute') block(host.id, a);
      if (kind !== 'halves' && kind !== 'bridge') continue;
      for (const b of ids) {
        const bridged = kind === 'bridge' && (a === host.id || b === host.id);
        if (left.has(a) !== left.has(b) && !bridged) block(a, b);
      }
    }
  }

  /** One, or several at once, so that votes split. */
  #campaign(host: SimHost): void {
    if (!this.random.chance(0.3)) {
      host.node.campaign();
      return;
    }
    for (const other of this.hosts.values()) {
      if (!other.up) continue;
      other.node.campaign();
      other.process();
    }
  }

  #changeConf(host: SimHost): void {
    const { random } = this;
    const kinds: readonly ConfChangeKind[] = ['add-voter', 'add-voter', 'add-learner', 'remove'];
    const ids = [...this.hosts.keys()];
    const changes: { kind: ConfChangeKind; node: NodeId }[] = [];
    const count = 1 + random.int(3);
    for (let i = 0; i < count; i++) {
      const node = random.pick(ids);
      if (changes.every((c) => c.node !== node)) changes.push({ kind: random.pick(kinds), node });
    }
    const transition = random.pick(['auto', 'joint-implicit', 'joint-explicit'] as const);
    const change: ConfChange = isJoint(host.node.conf)
      ? { changes: [], transition: 'auto', context: new Uint8Array(0) }
      : { changes, transition, context: new Uint8Array(0) };
    if (host.node.proposeConfChange(change) !== null) this.#mark('conf-change');
  }

  #propose(host: SimHost): void {
    const text = `p${this.#proposals++}`;
    const result = host.node.propose(Buffer.from(text, 'latin1'));
    if (result === null) return;
    host.quiesced = false;
    this.checks.proposed(text, { node: host.id, ...result });
  }

  // What the hosts tell.

  elected(host: SimHost): void {
    this.#mark('elected');
    this.trace.event(this.time, 'elected', `${host.id}`, host.node.term);
    this.checks.elected(host);
  }

  applied(host: SimHost, entry: Entry): void {
    this.trace.event(this.time, 'applied', `${host.id}`, host.applied.digest);
    this.checks.applied(host, entry);
    if (entry.type === 'conf-change') this.#markConf(host);
  }

  #markConf(host: SimHost): void {
    const { conf } = host.applied;
    if (isJoint(conf)) this.#mark('joint');
    if (conf.learners.length > 0) this.#mark('learners');
    if (host.node.isLeader && !conf.voters.includes(host.id)) this.#mark('leader-leaves');
    const member = conf.voters.includes(host.id) || conf.votersOutgoing.includes(host.id);
    if (member) this.#changed.add(host.id);
    else if (this.#changed.delete(host.id)) this.#mark('voter-removed');
  }

  installed(host: SimHost): void {
    this.#mark('snap-installed');
    this.checks.installed(host);
  }

  rested(host: SimHost): void {
    if (this.checks.rested(host)) this.#mark('lease');
  }

  /** Ends the faults and lets the cluster recover; then everything must be everywhere. */
  #heal(): void {
    this.#faults = false;
    this.#blocked.clear();
    this.#runUntil(this.time + HEAL_US);
    const leader = this.#leader();
    this.#check(leader.node.leadSupportUntil() > leader.now(), 'no lease after healing');
    const { acknowledged } = this.checks;
    this.#runUntil(this.time + PROGRESS_US);
    this.#check(this.checks.acknowledged > acknowledged, 'no progress after healing');
    this.#proposing = false;
    this.#runUntil(this.time + PROGRESS_US);
    const last = this.#leader();
    this.checks.checkConverged(last, this.hosts, confMembers(last.node.conf));
    this.checks.checkLogs(this.hosts.values());
  }

  #leader(): SimHost {
    for (const host of this.hosts.values()) this.#check(host.up, `node ${host.id} is not up after healing`);
    const leaders = [...this.hosts.values()].filter((h) => h.node.role === 'leader');
    const leader = leaders.sort((a, b) => b.node.term - a.node.term)[0];
    if (leader === undefined) this.fail('no leader after healing');
    return leader;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Runs one seed to its end or to the first failure. Any failed assertion of the core counts. */
export function runRaftSeed(seed: number, options: RaftSimOptions = {}): RaftSimResult {
  const failures: string[] = [];
  const simulation = new RaftSimulation(seed, options);
  try {
    simulation.run();
  } catch (error) {
    failures.push(
      error instanceof SafetyViolation
        ? error.message
        : `seed ${seed} at ${simulation.time} µs: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
  return { ok: failures.length === 0, failures, hash: simulation.hash(), marks: simulation.marks };
}
