/**
 * A cluster in a simulated world: the production nodes, whole, on machines whose clock, disk and
 * network are virtual, in one process and from one seed.
 *
 * A machine outlives its processes. A process ends by `crash` (power loss: what was not synced is
 * lost or kept in part), by `kill` (its machine lives: what was written stays), or by its own
 * decision (`onFatal`). A dead process's code may still run to the end of its turn, but nothing that
 * it does has an effect: its timers, messages, files and storage are dead.
 *
 * Invariants
 * - All that happens follows from the seed (and the caller's own code): the trace's hash proves it.
 * - A node ends by its own decision only with a reason that the faults explain (`excuses`); any other
 *   such end, and any error that nobody caught, fails the run.
 */
import { AssertionError } from '../../base/assert.js';
import { QuoralError } from '../../base/errors.js';
import type { Env, Logger } from '../../env/env.js';
import { runTurns } from '../../env/node/turns.js';
import { SimClock, SimTimers } from '../../env/sim/clock.js';
import { SimMachineDisk } from '../../env/sim/disk.js';
import { SimNetwork } from '../../env/sim/network.js';
import { SimRandom } from '../../env/sim/random.js';
import { SimProcess, SimScheduler } from '../../env/sim/scheduler.js';
import { SimTrace } from '../../env/sim/trace.js';
import { type QuoralNode, startNode } from '../../server/node.js';
import { MemoryEngine, type CrashOptions } from '../../storage/memory-engine.js';
import type { KvDb } from '../../txn/kv-txn.js';
import { Deliveries } from './deliveries.js';

export interface WorldOptions {
  readonly seed: number;
  /** Default 5. */
  readonly nodes?: number;
  /** Ranges larger than this split by themselves; bytes. */
  readonly rangeBytesMax?: number;
  readonly separateTables?: boolean;
  /** Bytes of applied log that a range keeps for followers. */
  readonly logBytesKept?: number;
  readonly spillBytes?: number;
  readonly uncommittedBytesMax?: number;
  readonly followerLagBytes?: number;
  readonly snapshotChunkBytes?: number;
  readonly sweepAfterMs?: number;
  readonly tickMs?: number;
  readonly heartbeatMs?: number;
  readonly supportMs?: number;
  /** A crashed or failed process is started again after this long, microseconds; null: not by itself. */
  readonly restartUs?: number | null;
  /** Lines of the nodes' log from this level on are part of the timeline. */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
  /** What a node's SQL layer gets in place of its transactions. */
  readonly wrapDb?: (db: KvDb) => KvDb;
}

const LEVELS = { debug: 0, info: 1, warn: 2, error: 3 } as const;
const START_RETRY_US = 500_000;

/** Why a node may end by itself without this being a failure of the database. */
export type Excuse = 'disk' | 'clock';

export class SimMachine {
  readonly index: number;
  readonly name: string;
  readonly clock: SimClock;
  readonly disk: SimMachineDisk;
  process: SimProcess | null = null;
  engine: MemoryEngine | null = null;
  node: QuoralNode | null = null;
  /** Counted up with every process, so that each draws numbers of its own. */
  incarnation = 0;
  /** Faults that excuse an end of the process. */
  readonly excuses = new Set<Excuse>();
  /** It stays down until someone starts it. */
  heldDown = false;

  constructor(index: number, world: SimWorld) {
    this.index = index;
    this.name = `n${index + 1}`;
    this.clock = new SimClock(world.scheduler);
    this.disk = new SimMachineDisk(this.name, world.scheduler, world.random.fork(`${this.name}/disk`));
  }

  get sqlAddress(): string {
    return `127.0.0.1:${7432 + this.index}`;
  }
  get up(): boolean {
    return this.process?.alive === true;
  }
  get serving(): boolean {
    return this.up && this.node?.state === 'serving';
  }
}

export class SimWorld {
  readonly options: WorldOptions;
  readonly random: SimRandom;
  readonly trace = new SimTrace();
  readonly scheduler: SimScheduler;
  readonly network: SimNetwork;
  readonly machines: SimMachine[] = [];
  readonly deliveries: Deliveries;
  /** Ends of processes that no fault explains. */
  readonly failures: { readonly atUs: number; readonly node: string; readonly error: unknown }[] = [];

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = new SimRandom(options.seed);
    this.scheduler = new SimScheduler(this.trace, runTurns);
    this.network = new SimNetwork(this.scheduler, this.trace, this.random.fork('network'));
    this.deliveries = new Deliveries(this.scheduler, this.random.fork('deliveries'), () => this.machines);
    for (let i = 0; i < (options.nodes ?? 5); i++) this.machines.push(new SimMachine(i, this));
  }

  get nowUs(): number {
    return this.scheduler.nowUs;
  }

  note(text: string): void {
    this.trace.note(this.nowUs, text);
  }

  machine(name: string): SimMachine {
    const machine = this.machines.find((m) => m.name === name);
    if (machine === undefined) {
      throw new QuoralError('22023', `there is no node "${name}": the cluster has n1 to n${this.machines.length}`);
    }
    return machine;
  }

  run<T>(promise: Promise<T>, limitUs: number): Promise<T> {
    return this.scheduler.run(promise, limitUs);
  }

  sleep(us: number): Promise<void> {
    return this.scheduler.sleep(us);
  }

  /** Starts all nodes; resolves when each serves. */
  async start(): Promise<void> {
    for (const machine of this.machines) this.startProcess(machine);
    await this.until(() => this.machines.every((machine) => machine.serving));
  }

  /** Polls a condition in virtual time. */
  async until(condition: () => boolean, everyUs = 50_000): Promise<void> {
    while (!condition()) await this.sleep(everyUs);
  }

  /** A new process on a machine whose last one is dead. */
  startProcess(machine: SimMachine): void {
    if (machine.up) return;
    const process = new SimProcess(this.scheduler, machine.name);
    machine.process = process;
    machine.node = null;
    machine.heldDown = false;
    machine.incarnation++;
    this.note(`${machine.name} starts`);
    startNode(this.#nodeOptions(machine, process)).then(
      (node) => {
        if (process.alive) machine.node = node;
      },
      (error: unknown) => {
        if (process.alive) this.#died(machine, process, error);
      },
    );
  }

  /** Power loss: the process is gone, unsynced writes are lost but for the shares given. */
  crash(machine: SimMachine, keep: { readonly log: number; readonly data: number }, tellPeers = false): void {
    this.#end(machine, tellPeers, { keepLog: keep.log, keepData: keep.data });
  }

  /** SIGKILL: the machine lives, so what was handed to its operating system stays. */
  kill(machine: SimMachine): void {
    this.#end(machine, true, { keepLog: 1, keepData: 1 });
  }

  #end(machine: SimMachine, tellPeers: boolean, keep: Pick<CrashOptions, 'keepLog' | 'keepData'>): void {
    const { process, engine } = machine;
    if (process === null || !process.alive) return;
    process.die();
    machine.node = null;
    this.network.processDied(process, tellPeers);
    machine.engine = engine === null ? null : engine.crash({ ...this.#engineOptions(machine), ...keep });
    const { restartUs } = this.options;
    if (restartUs !== null && !machine.heldDown) {
      this.scheduler.after(restartUs ?? 1_000_000, null, () => {
        if (!machine.heldDown) this.startProcess(machine);
      });
    }
  }

  /** The process ended itself. */
  #died(machine: SimMachine, process: SimProcess, error: unknown): void {
    if (!process.alive) return;
    const text = error instanceof Error ? error.message : String(error);
    this.note(`${machine.name} ends by itself: ${text}`);
    this.kill(machine);
    if (this.#excused(machine, error)) return;
    this.failures.push({ atUs: this.nowUs, node: machine.name, error });
    this.scheduler.fail(new Error(`${machine.name} ended by itself`));
  }

  #excused(machine: SimMachine, error: unknown): boolean {
    if (error instanceof AssertionError || !(error instanceof QuoralError)) return false;
    const { sqlstate } = error;
    // A start that found nobody, or was overtaken by the next fault, is tried again.
    if (sqlstate.startsWith('08') || sqlstate === '57P01' || sqlstate === '57P03') return true;
    if (machine.excuses.has('disk') && (sqlstate === '53100' || sqlstate.startsWith('58') || sqlstate === 'XX001'))
      return true;
    return machine.excuses.has('clock') && sqlstate === '58000';
  }

  #nodeOptions(machine: SimMachine, process: SimProcess): Parameters<typeof startNode>[0] {
    const { options } = this;
    const env = this.env(machine, process);
    return {
      env,
      dataDir: `/${machine.name}`,
      openEngine: async () => {
        await env.timers.sleep(5);
        machine.engine ??= new MemoryEngine(this.#engineOptions(machine));
        return machine.engine;
      },
      join: this.machines.map((m) => `${m.name}:1`),
      rpcAddress: `${machine.name}:1`,
      sqlAddress: machine.sqlAddress,
      httpAddress: null,
      locality: '',
      buildVersion: 'simulated',
      tickMs: options.tickMs ?? 100,
      heartbeatMs: options.heartbeatMs ?? 300,
      supportMs: options.supportMs ?? 1_500,
      ...(options.rangeBytesMax === undefined ? {} : { rangeBytesMax: options.rangeBytesMax }),
      ...(options.separateTables === undefined ? {} : { separateTables: options.separateTables }),
      ...(options.logBytesKept === undefined ? {} : { logBytesKept: options.logBytesKept }),
      ...(options.spillBytes === undefined ? {} : { spillBytes: options.spillBytes }),
      ...(options.snapshotChunkBytes === undefined ? {} : { snapshotChunkBytes: options.snapshotChunkBytes }),
      ...(options.uncommittedBytesMax === undefined ? {} : { uncommittedBytesMax: options.uncommittedBytesMax }),
      ...(options.followerLagBytes === undefined ? {} : { followerLagBytes: options.followerLagBytes }),
      ...(options.sweepAfterMs === undefined ? {} : { sweepAfterMs: options.sweepAfterMs }),
      drainGraceMs: 1_000,
      ...(options.wrapDb === undefined ? {} : { wrapDb: options.wrapDb }),
      wrapSend: (send, self) => this.deliveries.wrap(self, process, send),
      onFatal: (error) => this.#died(machine, process, error),
    };
  }

  /** The environment of one process. */
  env(machine: SimMachine, process: SimProcess): Env {
    const random = this.random.fork(`${machine.name}/${machine.incarnation}`);
    return {
      clock: machine.clock,
      timers: new SimTimers(this.scheduler, process, machine.clock, random.fork('turns')),
      rng: random.fork('rng'),
      disk: machine.disk.open(process),
      transport: this.network.transport(process),
      logger: this.#logger(machine.name, process),
    };
  }

  /**
   * Synced by the machine's disk, in order; what comes while a sync is under way shares the next one, as
   * with the real log writer. What is under way when the process dies stays unsynced.
   */
  #engineOptions(machine: SimMachine): CrashOptions {
    const { disk } = machine;
    let waiting: { readonly done: () => void; readonly fail: (error: QuoralError) => void }[] = [];
    let busy = false;
    let broken: QuoralError | null = null;
    const sync = (): void => {
      busy = waiting.length > 0;
      if (!busy) return;
      const group = waiting;
      waiting = [];
      this.scheduler.at(this.nowUs + disk.syncUs(), machine.process, () => {
        // After a failed sync nothing may be believed to be synced.
        broken ??= disk.writeFailure(`the storage of ${machine.name}`);
        for (const { done, fail } of group) {
          if (broken === null) done();
          else fail(broken);
        }
        sync();
      });
    };
    return {
      recordUnsynced: true,
      afterSync: (done, fail) => {
        waiting.push({ done, fail });
        if (!busy) sync();
      },
      writeFailure: () => (broken ??= disk.faults.full ? disk.writeFailure(`the storage of ${machine.name}`) : null),
      readFailure: () => {
        if (disk.faults.flip === 0 || !disk.random.chance(disk.faults.flip)) return null;
        const error = new QuoralError('XX001', `the database in /${machine.name}/data is corrupted: checksum mismatch`);
        const { process } = machine;
        // As the RocksDB engine: whoever reads gets the error, and the node ends.
        if (process !== null) this.scheduler.after(0, process, () => this.#died(machine, process, error));
        return error;
      },
    };
  }

  #logger(name: string, process: SimProcess): Logger {
    const least = LEVELS[this.options.logLevel ?? 'warn'];
    const logger: Logger = {
      log: (level, message, fields) => {
        if (LEVELS[level] < least || !process.alive) return;
        const rest = fields === undefined ? '' : ` ${describeFields(fields)}`;
        this.note(`${name} ${level}: ${message}${rest}`);
      },
      child: () => logger,
    };
    return logger;
  }

  /** Retries to start whatever is down and not held down; for the healed phase. */
  async reviveAll(): Promise<void> {
    for (;;) {
      const down = this.machines.filter((machine) => !machine.up);
      for (const machine of down) this.startProcess(machine);
      if (this.machines.every((machine) => machine.serving)) return;
      await this.sleep(START_RETRY_US);
    }
  }
}

/** Without stacks: they name files of this installation, and one seed has one trace on all machines. */
function describeFields(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}=${value instanceof Error ? value.message : String(value)}`)
    .join(' ');
}
