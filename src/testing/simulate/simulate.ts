/**
 * simulate: an application's own code against a simulated cluster. Nodes, network, disks, clocks and
 * the application's timers run in virtual time from one seed, in this process; a failure names the seed,
 * and the seed brings the same failure again, event for event.
 *
 * Obligations of the body: it awaits nothing but the cluster, timers and the like. Real files, sockets
 * or worker threads run in real time, of which virtual time knows nothing; so do modules that are
 * imported for the first time inside the body.
 *
 * One simulation runs at a time in a process; others wait for it.
 */
import { QuoralError } from '../../base/errors.js';
import { takeOverUncaught } from '../../env/node/uncaught.js';
import { activeResources, environmentVariable } from '../../env/node/variables.js';
import { installVirtualGlobals } from '../../env/node/virtual-globals.js';
import { SimStalled } from '../../env/sim/scheduler.js';
import { initParser } from '../../sql/parse/parser.js';
import { chooseSwarm, FAULT_KINDS, type FaultKind, Nemesis } from '../sim/nemesis.js';
import { ProbeBoard } from '../sim/probes.js';
import { SimWorld } from '../sim/world.js';
import { SimClients } from './clients.js';
import { ConflictSource } from './conflicts.js';
import { type Duration, positiveMicroseconds } from './durations.js';
import { messageOf, SEED_VARIABLE, SimulationError } from './failure.js';
import { SimFaults } from './faults.js';
import { Simulation } from './simulation.js';

export interface SimulateOptions {
  /** Default 3. */
  readonly nodes?: number;
  /** The first seed; default 1. */
  readonly seed?: number;
  /** How many seeds, one after the other; default 1. */
  readonly seeds?: number;
  /** Faults beside those that the body asks for: none (default), as the seed chooses, or of these kinds. */
  readonly faults?: 'none' | 'swarm' | readonly FaultKind[];
  /** Virtual time that the body may take; default 10 minutes. */
  readonly limit?: Duration;
  /** Date, timers and randomness of Node are virtual while the body runs; default true. */
  readonly globals?: boolean;
  /** Lines of the nodes' log from this level on are in the timeline; default 'error'. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
}

export interface SimulationRun<T> {
  readonly seed: number;
  /** Of everything that happened: the same for the same seed and the same code. */
  readonly hash: string;
  /** Virtual milliseconds from the start of the nodes to the end of the body. */
  readonly virtualMs: number;
  /** What the body gave. */
  readonly value: T;
}

export type SimulationBody<T> = (sim: Simulation) => Promise<T>;

const START_US_MAX = 60_000_000;
const LIMIT = '10m';

/** The simulation that runs, and those that wait. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Runs the body once for each seed. The variable QUORAL_SEED makes it run that seed alone.
 * @throws SimulationError the first seed that fails.
 */
export function simulate<T>(options: SimulateOptions, body: SimulationBody<T>): Promise<SimulationRun<T>[]> {
  const turn = last.then(() => simulateSeeds(options, body));
  // The next one runs whether or not this one fails; its caller hears of it.
  last = turn.catch(() => undefined);
  return turn;
}

async function simulateSeeds<T>(options: SimulateOptions, body: SimulationBody<T>): Promise<SimulationRun<T>[]> {
  await initParser();
  const runs: SimulationRun<T>[] = [];
  for (const seed of chosenSeeds(options)) runs.push(await new OneRun(seed, options, body).run());
  return runs;
}

function chosenSeeds(options: SimulateOptions): number[] {
  const { seed = 1, seeds = 1 } = options;
  for (const [name, value, least] of [['seed', seed, 0] as const, ['seeds', seeds, 1] as const]) {
    if (!Number.isSafeInteger(value) || value < least) throw new QuoralError('22023', `${name} is not ${value}`);
  }
  const fixed = environmentVariable(SEED_VARIABLE);
  if (fixed === undefined) return Array.from({ length: seeds }, (_, i) => seed + i);
  if (!/^\d+$/.test(fixed)) throw new QuoralError('22023', `${SEED_VARIABLE} is a number, not "${fixed}"`);
  return [Number(fixed)];
}

class OneRun<T> {
  readonly #seed: number;
  readonly #options: SimulateOptions;
  readonly #body: SimulationBody<T>;
  readonly #world: SimWorld;
  readonly #conflicts: ConflictSource;
  readonly #clients: SimClients;
  readonly #faults: SimFaults;
  readonly #board: ProbeBoard;
  /** Real I/O that was under way before. */
  readonly #resources = activeResources();

  constructor(seed: number, options: SimulateOptions, body: SimulationBody<T>) {
    this.#seed = seed;
    this.#options = options;
    this.#body = body;
    // Declared here because a world's nodes are wrapped when they start.
    const conflicts: { source: ConflictSource | null } = { source: null };
    this.#world = new SimWorld({
      seed,
      nodes: options.nodes ?? 3,
      logLevel: options.logLevel ?? 'error',
      wrapDb: (db) => conflicts.source!.wrap(db),
    });
    const { random } = this.#world;
    this.#conflicts = new ConflictSource(random.fork('conflicts'));
    conflicts.source = this.#conflicts;
    this.#clients = new SimClients(this.#world, this.#conflicts);
    this.#faults = new SimFaults(this.#world);
    this.#board = new ProbeBoard(this.#world, random.fork('probes'));
  }

  async run(): Promise<SimulationRun<T>> {
    const world = this.#world;
    const fail = (error: unknown): void => world.scheduler.fail(error);
    const giveBack = takeOverUncaught(fail);
    const removeProbes = this.#board.install(fail);
    try {
      await world.run(world.start(), START_US_MAX);
      const value = await this.#runBody();
      this.#checkNodes();
      return { seed: this.#seed, hash: world.trace.hash(), virtualMs: world.nowUs / 1000, value };
    } catch (error) {
      throw this.#failure(error);
    } finally {
      this.#clients.process.die();
      for (const machine of world.machines) machine.process?.die();
      removeProbes();
      giveBack();
    }
  }

  async #runBody(): Promise<T> {
    const world = this.#world;
    const nemesis = this.#nemesis();
    const sim = new Simulation({
      seed: this.#seed,
      world,
      clients: this.#clients,
      conflicts: this.#conflicts,
      faults: this.#faults,
      board: this.#board,
      nemesis,
    });
    const restore = this.#options.globals === false ? (): void => undefined : this.#installGlobals();
    try {
      nemesis?.run(Infinity).catch((error: unknown) => world.scheduler.fail(error));
      const body = Promise.resolve().then(() => this.#body(sim));
      return await world.run(body, positiveMicroseconds(this.#options.limit ?? LIMIT));
    } finally {
      restore();
    }
  }

  #nemesis(): Nemesis | null {
    const { faults = 'none' } = this.#options;
    if (faults === 'none') return null;
    const world = this.#world;
    const unknown = faults === 'swarm' ? undefined : faults.find((kind) => !FAULT_KINDS.includes(kind));
    if (unknown !== undefined) {
      throw new QuoralError('22023', `there is no fault "${unknown}": ${FAULT_KINDS.join(', ')}`);
    }
    const swarm = chooseSwarm(world.random.fork('swarm'), faults === 'swarm' ? null : faults);
    world.note(`faults: ${swarm.kinds.join(', ')}`);
    const random = world.random.fork('nemesis-targets');
    const nemesis = new Nemesis(world, world.random.fork('nemesis'), swarm, {
      vanish: () => this.#clients.breakOne(random),
      split: () => void this.#faults.splitSomewhere(random),
      arm: (machine, strike) => this.#board.arm(machine, strike),
      armOneOf: (points, strike) => this.#board.armOneOf(points, strike),
    });
    return nemesis;
  }

  #installGlobals(): () => void {
    const { clock, process } = this.#clients;
    const { scheduler, random } = this.#world;
    return installVirtualGlobals({
      nowMs: () => clock.wallUs() / 1000,
      monotonicMs: () => clock.monotonicMs(),
      after: (ms, fn) => scheduler.after(ms * 1000, process, fn),
      rng: random.fork('globals'),
    });
  }

  /** A node that ended by itself without a fault that explains it fails the run, whatever the body says. */
  #checkNodes(): void {
    const [failure] = this.#world.failures;
    if (failure === undefined) return;
    throw new Error(`${failure.node} ended by itself: ${messageOf(failure.error)}`, { cause: failure.error });
  }

  #failure(error: unknown): SimulationError {
    const world = this.#world;
    const [ended] = world.failures;
    const cause = ended === undefined ? error : ended.error;
    const remarks: string[] = [];
    if (ended !== undefined) {
      remarks.push(`${ended.node} ended by itself, which no fault explains: this is an error of the database.`);
    }
    if (error instanceof SimStalled) remarks.push(...this.#whyStalled(error));
    return new SimulationError(cause, {
      seed: this.#seed,
      hash: world.trace.hash(),
      atUs: world.nowUs,
      timeline: world.trace.timeline,
      remarks,
    });
  }

  #whyStalled(error: SimStalled): string[] {
    if (error.reason === 'no-progress') return [];
    const remarks = [
      'The body did not settle. It waits for something that virtual time does not bring: an answer from a node ' +
        'that is cut off (give the client a timeout), a lock that another of its connections holds, a promise ' +
        'that nobody resolves, or real input or output (files, sockets, workers, import()), which does not ' +
        'belong in the body.',
    ];
    const real = activeResources();
    for (const name of this.#resources) if (real.includes(name)) real.splice(real.indexOf(name), 1);
    if (real.length > 0) remarks.push(`Real input or output that it began: ${[...new Set(real)].join(', ')}.`);
    return remarks;
  }
}
