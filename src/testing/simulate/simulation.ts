/**
 * What the body of `simulate` gets: a running cluster in virtual time, clients of it, and faults by name.
 * Nodes are called n1, n2, …; the application itself is "app" where the network is concerned.
 *
 * What ends a node by itself and what does not: `crash`, `kill` and `pause` last until `restart` or
 * `resume`; a node that ends by itself (its disk is full, its clock is off) is started again every
 * second, as by a supervisor.
 */
import { QuoralError } from '../../base/errors.js';
import { CRASH_POINTS, type CrashPointName } from '../../base/probes.js';
import type { ClientSocket } from '../../env/node/client-socket.js';
import type { SimRandom } from '../../env/sim/random.js';
import { HistoryRecorder } from '../judges/recorder.js';
import type { ClientOptions, ClientResult, PgClient } from '../pg-client.js';
import type { Nemesis } from '../sim/nemesis.js';
import type { ProbeBoard } from '../sim/probes.js';
import type { SimMachine, SimWorld } from '../sim/world.js';
import type { SimClients } from './clients.js';
import type { ConflictCounts, ConflictRates, ConflictSource } from './conflicts.js';
import { type Duration, positiveMicroseconds } from './durations.js';
import type { Heal, LinkOptions, PartitionOptions, SimDiskControl, SimFaults } from './faults.js';

export interface CrashOptions {
  /** Share of what was not synced that survives, from 0 (default) to 1. */
  readonly keep?: number;
  /** Clients and other nodes are not told by a reset: they notice by themselves, or after some seconds. */
  readonly silent?: boolean;
}

export interface SqlOptions {
  /** Default: the first node that serves. */
  readonly node?: string;
  /** The connection is given up after this; default 60 s. */
  readonly timeout?: Duration;
}

export type NodeStatus = 'serving' | 'starting' | 'paused' | 'down';

const SQL_TIMEOUT = '60s';
const SETTLED_US_MAX = 180_000_000;
const POLL_US = 50_000;
/** Longer waits are leaps. */
const LEAP_US_MIN = 300_000_000;

export class Simulation {
  readonly seed: number;
  /** Draws of its own; depends on the seed only. */
  readonly random: SimRandom;
  readonly #world: SimWorld;
  readonly #clients: SimClients;
  readonly #conflicts: ConflictSource;
  readonly #faults: SimFaults;
  readonly #board: ProbeBoard;
  readonly #nemesis: Nemesis | null;

  /** Not for callers: see `simulate`. */
  constructor(parts: {
    readonly seed: number;
    readonly world: SimWorld;
    readonly clients: SimClients;
    readonly conflicts: ConflictSource;
    readonly faults: SimFaults;
    readonly board: ProbeBoard;
    readonly nemesis: Nemesis | null;
  }) {
    this.seed = parts.seed;
    this.#world = parts.world;
    this.#clients = parts.clients;
    this.#conflicts = parts.conflicts;
    this.#faults = parts.faults;
    this.#board = parts.board;
    this.#nemesis = parts.nemesis;
    this.random = parts.world.random.fork('body');
  }

  // ---- clients ----

  /** One statement by itself, with node-postgres' result and errors. */
  sql(text: string, params: readonly unknown[] = [], options: SqlOptions = {}): Promise<ClientResult> {
    const node = this.#name(options.node) ?? this.#clients.anyNode();
    return this.#clients.sql(text, params, node, positiveMicroseconds(options.timeout ?? SQL_TIMEOUT));
  }

  /** A client in the manner of node-postgres; `connect()` it first. */
  client(node?: string, options: ClientOptions = {}): PgClient {
    return this.#clients.client(this.#name(node), options);
  }

  /** What a driver takes in place of a socket: `new pg.Pool({ stream: () => sim.stream('n1') })`. */
  stream(node?: string): ClientSocket {
    return this.#clients.socket(this.#name(node));
  }

  // ---- nodes ----

  get nodes(): readonly string[] {
    return this.#world.machines.map((machine) => machine.name);
  }

  status(node: string): NodeStatus {
    const machine = this.#machine(node);
    if (!machine.up) return 'down';
    if (machine.process?.paused === true) return 'paused';
    return machine.serving ? 'serving' : 'starting';
  }

  /** Power loss: what the node had not synced is lost, or in part. */
  crash(node: string, options: CrashOptions = {}): void {
    const machine = this.#machine(node);
    const share = options.keep ?? 0;
    if (!(share >= 0 && share <= 1)) throw new QuoralError('22023', `keep is a share from 0 to 1, not ${share}`);
    this.#world.note(`crash of ${node}`);
    machine.heldDown = true;
    this.#world.crash(machine, { log: share, data: share }, options.silent !== true);
  }

  /** SIGKILL: the process is gone, what it had handed to its operating system is not. */
  kill(node: string): void {
    const machine = this.#machine(node);
    this.#world.note(`kill of ${node}`);
    machine.heldDown = true;
    this.#world.kill(machine);
  }

  /**
   * Power loss at a named step of the code (`CRASH_POINTS`), e.g. `after-staged-before-answer`: of the node
   * that passes it next, or of this one. Once. Resolves with the name of the node, when it has happened.
   * @throws QuoralError 22023 there is no such point
   */
  crashAt(point: CrashPointName, options: CrashOptions & { readonly node?: string } = {}): Promise<string> {
    if (!CRASH_POINTS.some(({ name }) => name === point)) {
      const names = CRASH_POINTS.map(({ name }) => name).join(', ');
      throw new QuoralError('22023', `there is no crash point "${String(point)}": ${names}`);
    }
    const machine = options.node === undefined ? null : this.#machine(options.node);
    return new Promise((resolve) => {
      this.#board.armPoint(point, machine, ({ name }) => {
        this.#world.note(`${name} passes ${point}`);
        this.crash(name, options);
        resolve(name);
      });
    });
  }

  /** Starts a node that is down (a running one is killed first) and waits until it serves. */
  async restart(node: string): Promise<void> {
    const machine = this.#machine(node);
    if (machine.up) this.kill(node);
    this.#world.startProcess(machine);
    await this.#until(
      () => machine.serving,
      () => `${node} does not serve`,
    );
  }

  /** The process stands still, as in a long garbage collection. */
  pause(node: string): Heal {
    return this.#faults.pause(this.#machine(node));
  }

  resume(node: string): void {
    this.#world.note(`${node} resumes`);
    this.#machine(node).process?.resume();
  }

  // ---- ranges ----

  /** Splits the range with most rows in the middle. False: it cannot be split now. */
  split(): Promise<boolean> {
    return this.#faults.splitSomewhere(null);
  }

  /** The leases that one node holds begin to move to another; gives their number. */
  transferLeases(from: string, to: string): number {
    return this.#faults.transferLeases(this.#machine(from), this.#machine(to));
  }

  // ---- network, clocks, disks ----

  partition(a: readonly string[], b: readonly string[], options: PartitionOptions = {}): Heal {
    return this.#faults.partition(a, b, options);
  }

  /** What `from` sends to `to` takes this much longer. */
  delay(from: string, to: string, duration: Duration, options: LinkOptions = {}): Heal {
    return this.#faults.delay(from, to, duration, options);
  }

  /** A message from one node to another is lost with this chance. Connections of clients are TCP: they lose nothing. */
  loss(from: string, to: string, chance: number, options: LinkOptions = {}): Heal {
    return this.#faults.loss(from, to, chance, options);
  }

  /** The node's clock is this much ahead ('+400ms') or behind ('-400ms') from now on. */
  skew(node: string, offset: Duration): Heal {
    return this.#faults.skew(this.#machine(node), offset);
  }

  disk(node: string): SimDiskControl {
    return this.#faults.disk(this.#machine(node));
  }

  /** Takes back every fault of network, disks, clocks and pauses, also random ones. Crashed nodes stay down. */
  heal(): void {
    this.#faults.healAll();
    this.#nemesis?.heal();
    for (const machine of this.#world.machines) machine.process?.resume();
  }

  /** From now on clients meet this many conflicts. Gives the counts so far, when asked. */
  conflicts(rates: ConflictRates): { readonly counts: ConflictCounts; stop(): void } {
    const source = this.#conflicts;
    source.set(rates);
    this.#world.note(`conflicts: ${JSON.stringify(rates)}`);
    return {
      get counts() {
        return source.counts;
      },
      stop: () => source.set({}),
    };
  }

  // ---- time ----

  /** Milliseconds since 1970, as the application's clock shows them. */
  now(): number {
    return this.#clients.clock.wallUs() / 1000;
  }

  sleep(duration: Duration): Promise<void> {
    const us = positiveMicroseconds(duration);
    return new Promise((resolve) => void this.#world.scheduler.after(us, this.#clients.process, resolve));
  }

  /**
   * Lets time pass. Up to five minutes it is lived through; beyond, the whole world sleeps and wakes up at
   * that time, when everything that came due runs at once (an interval once, not as often as it would
   * have). Resolves when all nodes serve again.
   */
  async advance(duration: Duration): Promise<void> {
    const us = positiveMicroseconds(duration);
    if (us <= LEAP_US_MIN) {
      await this.sleep(us / 1000);
      return;
    }
    this.#world.note(`the world sleeps for ${String(duration)}`);
    // A clock that drifts for minutes is a fault; one that nobody corrects for days is no clock.
    const errors = this.#world.machines.map(({ clock }) => clock.errorUs());
    this.#world.scheduler.leap(us);
    this.#world.machines.forEach(({ clock }, i) => clock.jump(errors[i]! - clock.errorUs()));
    // What is overdue comes first.
    await this.sleep(1);
    await this.settled();
  }

  /** Every node that was not stopped by name serves, and every range has a leaseholder. */
  settled(): Promise<void> {
    return this.#until(
      () => this.#unsettled() === null,
      () => this.#unsettled() ?? '',
    );
  }

  // ---- the run ----

  /** A line for the timeline of a failure. */
  note(text: string): void {
    this.#world.note(text);
  }

  /** Of everything that happened so far: the same for the same seed and the same code. */
  hash(): string {
    return this.#world.trace.hash();
  }

  /** Records a history on virtual time, for the judges. */
  recorder(): HistoryRecorder {
    return new HistoryRecorder({ nowUs: () => this.#world.nowUs });
  }

  #unsettled(): string | null {
    const expected = this.#world.machines.filter((machine) => !machine.heldDown);
    const absent = expected.filter((machine) => !machine.serving || machine.process?.paused === true);
    if (absent.length > 0) return `${absent.map((machine) => machine.name).join(', ')} does not serve`;
    const led = new Map<number, boolean>();
    for (const { node } of expected) {
      const now = node!.store.hlc.now();
      for (const replica of node!.store.replicas()) {
        led.set(replica.rangeId, replica.serving(now) || led.get(replica.rangeId) === true);
      }
    }
    const orphan = [...led].find(([, served]) => !served);
    return orphan === undefined ? null : `range ${orphan[0]} has no leaseholder`;
  }

  async #until(condition: () => boolean, what: () => string): Promise<void> {
    const endUs = this.#world.nowUs + SETTLED_US_MAX;
    while (!condition()) {
      if (this.#world.nowUs > endUs) {
        throw new QuoralError('57P03', `${what()} although ${SETTLED_US_MAX / 1e6} s of virtual time have passed`);
      }
      await this.sleep(POLL_US / 1000);
    }
  }

  #machine(node: string): SimMachine {
    return this.#world.machine(node);
  }

  /** Checks a name. @throws QuoralError 22023 */
  #name(node: string | undefined): string | undefined {
    return node === undefined ? undefined : this.#machine(node).name;
  }
}
