/**
 * One run of the simulator, from one seed: a cluster starts, tables are made, clients work while
 * faults come and go, everything heals, clients work a little more, final reads, judgement.
 *
 * A run fails if a judge finds an anomaly, a node ends without an excuse, an error is caught by
 * nobody, the healed cluster does not serve within its time, or its replicas do not agree byte for
 * byte at the same applied index.
 */
import { MARKS, type MarkName } from '../../base/probes.js';
import { SimProcess } from '../../env/sim/scheduler.js';
import { SimRandom } from '../../env/sim/random.js';
import { initParser } from '../../sql/parse/parser.js';
import type { Anomaly, Verdict } from '../judges/history.js';
import { ProbeBoard } from './probes.js';
import { chooseSwarm, type FaultKind, Nemesis, type Swarm } from './nemesis.js';
import { compareReplicas } from './replicas.js';
import { SimSession } from './session.js';
import type { Workload } from './workload.js';
import { otherWorkloads, standardWorkloads } from './workloads/standard.js';
import { SimWorld } from './world.js';

export interface RunOptions {
  readonly seed: number;
  /** Default 5. */
  readonly nodes?: number;
  readonly clients?: number;
  /** Only these kinds of faults; default: a subset that the seed chooses. */
  readonly faults?: readonly FaultKind[] | null;
  /** Only these workloads; default: all of the standard run. */
  readonly workloads?: readonly string[] | null;
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
  /** Gets every event as a line. */
  readonly onEvent?: (line: string) => void;
}

export interface Failure {
  /** The judge, or what of the run itself failed: 'process', 'liveness', 'replicas', 'crash'. */
  readonly checker: string;
  readonly anomaly: string;
  readonly explanation: string;
}

export interface RunResult {
  readonly seed: number;
  readonly ok: boolean;
  readonly hash: string;
  /** The next number that the seed's own generator would give: it tells of draws that no event shows. */
  readonly lastDraw: number;
  readonly failures: readonly Failure[];
  readonly verdicts: readonly Verdict[];
  readonly swarm: Swarm;
  readonly marks: ReadonlyMap<string, number>;
  readonly crashPoints: ReadonlyMap<string, number>;
  readonly stats: {
    readonly events: number;
    readonly virtualUs: number;
    readonly faults: number;
    readonly done: number;
    readonly failed: number;
    readonly unknown: number;
  };
  readonly timeline: readonly { readonly atUs: number; readonly text: string }[];
}

/** Branches that are there for what must not happen: what they make good is a failure of the protocol all the same. */
const FORBIDDEN: readonly (readonly [MarkName, string])[] = MARKS.flatMap((m) =>
  'forbidden' in m ? [[m.name, m.meaning] as const] : [],
);

const SECOND_US = 1_000_000;
const FAULTS_FROM_US = 2 * SECOND_US;
const FAULTS_UNTIL_US = 44 * SECOND_US;
const WORK_UNTIL_US = 56 * SECOND_US;
/** From the end of the faults until every node serves. */
const REVIVE_US = 30 * SECOND_US;
const SETTLE_US = 30 * SECOND_US;
/** Longer than any wait that a lost answer or an abandoned transaction explains. */
const HANG_US = 12 * SECOND_US;
const SETUP_US = 60 * SECOND_US;
const FINISH_US = 120 * SECOND_US;
const CLIENTS = 8;
/** Longest pause of a client between two transactions; a seed picks one. */
const THINK_US = [300_000, 600_000, 1_000_000];

export async function runSeed(options: RunOptions): Promise<RunResult> {
  await initParser();
  return new Run(options).run();
}

class Run {
  readonly #options: RunOptions;
  readonly #random: SimRandom;
  readonly #world: SimWorld;
  readonly #swarm: Swarm;
  readonly #workloads: readonly Workload[];
  readonly #sessions: SimSession[] = [];
  readonly #failures: Failure[] = [];
  readonly #probes: ProbeBoard;
  readonly #thinkUs: number;
  #verdicts: Verdict[] = [];
  #phase = 'start';
  #injected = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#random = new SimRandom(options.seed).fork('run');
    const random = this.#random.fork('shape');
    this.#swarm = chooseSwarm(this.#random.fork('swarm'), options.faults ?? null);
    this.#world = new SimWorld({
      seed: options.seed,
      nodes: options.nodes ?? 5,
      rangeBytesMax: random.pick([16 << 10, 64 << 10, 128 << 20]),
      // Tables in one range commit together in one round; the protocols between ranges need several.
      separateTables: random.pick([true, true, false]),
      logBytesKept: random.pick([1 << 10, 8 << 10, 1 << 20]),
      // With little room, transactions write intents as they go, which otherwise only large ones do.
      spillBytes: random.pick([1, 150, 512 << 10, 512 << 10]),
      snapshotChunkBytes: random.pick([200, 1 << 20]),
      uncommittedBytesMax: random.pick([300, 32 << 20, 32 << 20]),
      followerLagBytes: random.pick([100, 8 << 20, 8 << 20]),
      heartbeatMs: random.pick([150, 300]),
      supportMs: random.pick([900, 1_500, 2_400]),
      restartUs: random.pick([200_000, 1_000_000, 4_000_000]),
      sweepAfterMs: random.pick([2_000, 20_000, 600_000]),
      ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel }),
    });
    this.#thinkUs = random.pick(THINK_US);
    if (options.onEvent !== undefined) this.#world.trace.listen(options.onEvent);
    this.#probes = new ProbeBoard(this.#world, this.#random.fork('probes'));
    const shape = {
      nowUs: () => this.#world.nowUs,
      random: this.#random.fork('workloads'),
      // A clock beyond the bound breaks the assumption that real-time order rests on.
      realTime: this.#swarm.kinds.includes('jump-beyond') ? ('none' as const) : ('per-key' as const),
      calm: this.#swarm.kinds.length === 0,
    };
    this.#workloads =
      options.workloads == null
        ? standardWorkloads(shape)
        : [...standardWorkloads(shape), ...otherWorkloads(shape)].filter(({ name }) =>
            options.workloads!.includes(name),
          );
  }

  async run(): Promise<RunResult> {
    const onRejection = (error: unknown): void => this.#world.scheduler.fail(error);
    const uncaught = this.#probes.install(onRejection);
    try {
      await this.#phases();
    } catch (error) {
      this.#fail(this.#phase, error instanceof Error ? error.message : String(error), stackOf(error));
    } finally {
      uncaught();
      for (const machine of this.#world.machines) machine.process?.die();
    }
    for (const [name, meaning] of FORBIDDEN) {
      if (this.#probes.marks.has(name)) this.#fail('protocol', name, meaning);
    }
    for (const { node, error, atUs } of this.#world.failures) {
      const text = error instanceof Error ? error.message : String(error);
      this.#fail('process', `${node} ended by itself at ${seconds(atUs)}: ${text}`, stackOf(error));
    }
    return this.#result();
  }

  async #phases(): Promise<void> {
    const world = this.#world;
    this.#phase = 'start';
    await world.run(world.start(), SETUP_US);
    this.#phase = 'setup';
    const admin = this.#session('admin', 0);
    await world.run(this.#setup(admin), SETUP_US);
    this.#phase = 'work';
    await world.run(this.#work(), WORK_UNTIL_US + FINISH_US);
    this.#phase = 'liveness';
    await world.run(this.#finish(), FINISH_US);
    this.#phase = 'replicas';
    await world.run(this.#agree(), SETTLE_US);
    this.#phase = 'judges';
    this.#verdicts = this.#workloads.flatMap((workload) => [...workload.judge()]);
    for (const verdict of this.#verdicts) {
      for (const anomaly of verdict.anomalies) this.#anomaly(verdict.checker, anomaly);
    }
  }

  async #setup(admin: SimSession): Promise<void> {
    for (const workload of this.#workloads) {
      for (const text of workload.setup()) {
        const { outcome, error } = await admin.statement(text);
        if (outcome !== 'done')
          throw new Error(`setup of ${workload.name}: "${text}": ${error?.code} ${error?.message}`);
      }
    }
    admin.close();
  }

  async #work(): Promise<void> {
    const world = this.#world;
    const clients: Promise<void>[] = [];
    for (let i = 0; i < (this.#options.clients ?? CLIENTS); i++) {
      const session = this.#session(`c${i + 1}`, i % 2 === 0 ? i % world.machines.length : null);
      clients.push(this.#client(session, i + 1));
    }
    await world.sleep(Math.max(0, FAULTS_FROM_US - world.nowUs));
    const nemesis = new Nemesis(world, this.#random.fork('nemesis'), this.#swarm, {
      vanish: () => this.#random.pick(this.#sessions).vanish(),
      split: () => this.#split(),
      arm: (machine, strike) => this.#probes.arm(machine, strike),
      armOneOf: (points, strike) => this.#probes.armOneOf(points, strike),
    });
    await nemesis.run(FAULTS_UNTIL_US);
    await world.sleep(Math.max(0, FAULTS_UNTIL_US - world.nowUs));
    this.#injected = nemesis.injected;
    nemesis.heal();
    this.#probes.disarm();
    const healedAtUs = world.nowUs;
    await world.reviveAll();
    if (world.nowUs - healedAtUs > REVIVE_US) {
      this.#fail('liveness', `the nodes served only ${seconds(world.nowUs - healedAtUs)} after everything was healed`);
    }
    world.note('all nodes serve');
    await Promise.all(clients);
    world.note('clients done');
    this.#inTime('the last statements of the clients', world.nowUs - Math.max(WORK_UNTIL_US, healedAtUs + HANG_US));
  }

  async #client(session: SimSession, process: number): Promise<void> {
    const { random } = session;
    while (this.#world.nowUs < WORK_UNTIL_US) {
      await session.sleep(random.int(this.#thinkUs));
      const workload = random.pick(this.#workloads);
      await workload.step(session, process);
    }
    session.close();
  }

  #split(): void {
    const random = this.#random;
    const machine = random.pick(this.#world.machines);
    const { node } = machine;
    if (node === null || !machine.serving) return;
    const { process } = machine;
    for (const replica of random.shuffled([...node.store.replicas()])) {
      // A disk that flips bits must not fail the run's own look at the data.
      if (machine.disk.faults.flip > 0) return;
      const key = node.store.maintenance.findSplitKey(replica.descriptor);
      if (key === null) continue;
      this.#world.note(`split of range ${replica.rangeId} asked of ${machine.name}`);
      node.coordinator.split(key).catch((error: unknown) => {
        if (process?.alive === true) this.#world.note(`split failed: ${String(error)}`);
      });
      return;
    }
  }

  /** On a healed cluster nothing may hang. */
  #inTime(what: string, tookUs: number): void {
    if (tookUs > HANG_US) this.#fail('liveness', `${what} took ${seconds(tookUs)} on the healed cluster`);
  }

  async #finish(): Promise<void> {
    const startUs = this.#world.nowUs;
    for (const workload of this.#workloads) {
      const session = this.#session(`final-${workload.name}`, null);
      await workload.finish(session);
      session.close();
    }
    this.#inTime('the final reads', this.#world.nowUs - startUs);
  }

  /** All replicas of every range at one applied index with equal bytes. */
  async #agree(): Promise<void> {
    this.#world.note('final reads done');
    let difference = compareReplicas(this.#world);
    const deadlineUs = this.#world.nowUs + SETTLE_US - SECOND_US;
    while (difference !== null) {
      if (this.#world.nowUs > deadlineUs) {
        this.#fail('replicas', 'replicas differ after everything was healed', difference);
        return;
      }
      await this.#world.sleep(250_000);
      difference = compareReplicas(this.#world);
    }
  }

  #session(name: string, home: number | null): SimSession {
    const process = new SimProcess(this.#world.scheduler, name);
    const session = new SimSession(this.#world, process, this.#random.fork(`client/${name}`), home);
    this.#sessions.push(session);
    return session;
  }

  #anomaly(checker: string, anomaly: Anomaly): void {
    this.#fail(checker, anomaly.name, anomaly.explanation);
  }

  #fail(checker: string, anomaly: string, explanation = ''): void {
    this.#failures.push({ checker, anomaly, explanation });
  }

  #result(): RunResult {
    const world = this.#world;
    const counts = { done: 0, failed: 0, unknown: 0 };
    for (const session of this.#sessions) {
      for (const outcome of ['done', 'failed', 'unknown'] as const) counts[outcome] += session.outcomes[outcome];
    }
    return {
      seed: this.#options.seed,
      ok: this.#failures.length === 0,
      hash: world.trace.hash(),
      lastDraw: this.#random.next(),
      failures: this.#failures,
      verdicts: this.#verdicts,
      swarm: this.#swarm,
      marks: this.#probes.marks,
      crashPoints: this.#probes.crashPoints,
      stats: { events: world.trace.events, virtualUs: world.nowUs, faults: this.#injected, ...counts },
      timeline: world.trace.timeline,
    };
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function seconds(us: number): string {
  return `${(us / 1e6).toFixed(1)} s`;
}
