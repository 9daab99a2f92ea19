/**
 * One run of chaos: a cluster of real processes, clients at work on it, faults by plan, then everything
 * healed, a last look through every node, an orderly end, and the verdicts.
 *
 * A run fails if a judge finds an anomaly, a node ends that nobody ended (but for one whose disk is
 * full, which must say so), a client sees an error that no client should, the cluster does not serve
 * within `healMsMax` after healing, or a node does not end with 0 at SIGTERM.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../bench/random.js';
import type { Verdict } from '../src/testing/judges/history.js';
import { ChaosCluster, noSmallDisk } from './cluster.js';
import { noNamespaces } from './namespaces.js';
import { describeFault, FaultRunner, planFaults, type FaultKind, type TimelineEntry } from './faults.js';
import type { Death } from './node-process.js';
import { codeOf, newTally, Session, type Tally } from './session.js';
import { BankWorkload } from './workloads/bank.js';
import { ListWorkload } from './workloads/lists.js';
import { RegisterWorkload } from './workloads/registers.js';
import { CounterWorkload, SetWorkload, UniqueWorkload } from './workloads/sets.js';
import type { Context, Workload } from './workloads/workload.js';

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly nodes: number;
  readonly faults: readonly FaultKind[];
  readonly directory: string;
  /** Between the nodes; `auto`: namespaces where they can be made, else proxies. */
  readonly network: 'auto' | 'namespaces' | 'proxies';
  /** dist/cli/main.js of the build under test. */
  readonly mainPath: string;
  /** Keep data and logs even if all is well. */
  readonly keep: boolean;
  /** Within how long every node must serve again after healing. */
  readonly healMsMax: number;
  readonly print: (line: string) => void;
  /** Ends the run early; what was recorded is still judged. */
  readonly signal?: AbortSignal;
}

export interface ChaosResult {
  readonly verdicts: readonly Verdict[];
  /** In words; empty: a clean run. */
  readonly failures: readonly string[];
  readonly timeline: readonly TimelineEntry[];
  readonly tallies: ReadonlyMap<string, Tally>;
  readonly healedMs: number;
}

const PROGRESS_MS = 5_000;
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 40_000;
const LAST_LOOKS_MAX = 8;
const LOG_BYTES_MAX = 8_000;
/** Between two steps of a client: the machine is for the nodes. */
const THINK_MS = 4;
const FULL_DISK = /ENOSPC|no space left|disk is full|No space/i;

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const run = new ChaosRun(options);
  const onExit = (): void => run.destroy();
  process.once('exit', onExit);
  try {
    return await run.run();
  } finally {
    process.off('exit', onExit);
    run.destroy();
  }
}

class ChaosRun {
  readonly #options: ChaosOptions;
  readonly #failures: string[] = [];
  readonly #tallies = new Map<string, Tally>();
  readonly #startedAt = performance.now();
  readonly #context: Context;
  readonly #workloads: readonly Workload[];
  #cluster: ChaosCluster | null = null;
  #faults: FaultRunner | null = null;
  #working = true;
  #ending = false;

  constructor(options: ChaosOptions) {
    this.#options = options;
    let unique = 0;
    let processes = 0;
    const processOf = new Map<Session, number>();
    this.#context = {
      nowUs: () => performance.now() * 1_000,
      unique: () => ++unique,
      processOf: (session) => {
        const known = processOf.get(session);
        if (known !== undefined) return known;
        processOf.set(session, ++processes);
        return processes;
      },
      retire: (session) => void processOf.delete(session),
    };
    this.#workloads = [
      new ListWorkload(this.#context),
      new BankWorkload(this.#context),
      new RegisterWorkload(this.#context),
      new SetWorkload(this.#context),
      new UniqueWorkload(this.#context),
      new CounterWorkload(this.#context),
    ];
    for (const { name } of this.#workloads) this.#tallies.set(name, newTally());
  }

  async run(): Promise<ChaosResult> {
    const { seed, nodes, print, minutes } = this.#options;
    const faultRandom = new Random(seed);
    const kinds = this.#possibleFaults();
    const diskNode = kinds.includes('disk') ? faultRandom.between(1, nodes) : null;
    const lengthMs = minutes * 60_000;
    const plan = planFaults({ kinds, nodes, lengthMs, diskNode }, faultRandom);
    print(`seed ${seed}, ${nodes} nodes, ${minutes} min, faults ${kinds.join(', ')}: ${plan.length} episodes`);
    print(`data and logs in ${this.#options.directory}`);
    this.#cluster = await ChaosCluster.create({
      directory: this.#options.directory,
      mainPath: this.#options.mainPath,
      nodes,
      random: new Random(seed + 1),
      smallDiskNode: diskNode,
      namespaces: this.#mayUseNamespaces(),
      onDeath: (death) => this.#died(death),
    });
    const faults = new FaultRunner(this.#cluster, () => this.#nowMs());
    this.#faults = faults;
    print(`network: ${this.#cluster.network.kind}`);
    this.#cluster.startAll();
    await this.#serving('the start', START_MS_MAX);
    await this.#setup();
    const loops = this.#startClients();
    faults.note('clients at work');
    faults.start(plan);
    await this.#work(lengthMs);
    const healedMs = await this.#healAndFinish(faults, loops);
    await this.#stopNodes();
    const verdicts = this.#judge();
    this.#report(verdicts);
    if (this.#failures.length === 0 && !this.#options.keep) {
      this.#cluster.destroy();
      rmSync(this.#options.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    }
    return { verdicts, failures: this.#failures, timeline: faults.timeline, tallies: this.#tallies, healedMs };
  }

  destroy(): void {
    this.#working = false;
    this.#ending = true;
    this.#cluster?.destroy();
  }

  #nowMs(): number {
    return performance.now() - this.#startedAt;
  }

  #mayUseNamespaces(): boolean {
    const { network, print } = this.#options;
    if (network === 'proxies') return false;
    const reason = noNamespaces();
    if (reason === null) return true;
    if (network === 'namespaces') throw new Error(`network namespaces cannot be made here: ${reason}`);
    print(`proxies between the nodes, because namespaces cannot be made here (${reason})`);
    return false;
  }

  #possibleFaults(): FaultKind[] {
    const reason = noSmallDisk();
    return this.#options.faults.filter((kind) => {
      if (kind !== 'disk' || reason === null) return true;
      this.#options.print(`SKIPPED: full disks, because a small one cannot be mounted here (${reason})`);
      return false;
    });
  }

  #died(death: Death): void {
    if (this.#ending) return;
    const { node, code, signal, logTail } = death;
    const how = `node ${node} ended by itself (${signal ?? `code ${code}`})`;
    const full = this.#faults?.diskIsFull(node) === true;
    this.#faults?.note(`${how}${full ? ', its disk is full' : ''}`);
    if (full && FULL_DISK.test(logTail)) return;
    this.#failures.push(`${how}${full ? ' without saying that its disk is full' : ''}\n${logTail}`);
    // The run goes on with it: what else is wrong shows as well.
    if (!full) this.#cluster?.node(node).start();
  }

  // ---- clients ----

  #session(workload: Workload, index: number): Session {
    const tally = this.#tallies.get(workload.name) as Tally;
    return new Session(this.#cluster as ChaosCluster, tally, new Random(this.#options.seed * 100 + index));
  }

  async #setup(): Promise<void> {
    for (const workload of this.#workloads) {
      const session = this.#session(workload, 99);
      if (!(await session.connected())) throw new Error(`no connection for the tables of ${workload.name}`);
      await workload.setup(session);
      await session.drop();
    }
  }

  #startClients(): Promise<void>[] {
    let index = 0;
    return this.#workloads.flatMap((workload) =>
      Array.from({ length: workload.clients }, () => this.#loop(workload, this.#session(workload, index++))),
    );
  }

  async #loop(workload: Workload, session: Session): Promise<void> {
    try {
      while (this.#working) {
        if (await session.connected()) await workload.step(session);
        else await sleep(50);
        await sleep(THINK_MS);
      }
    } catch (error) {
      this.#failures.push(
        `a client of ${workload.name} broke: ${error instanceof Error ? error.stack : String(error)}`,
      );
    }
    await session.drop();
  }

  async #work(lengthMs: number): Promise<void> {
    const startedMs = this.#nowMs();
    let shown = this.#sum();
    while (this.#nowMs() - startedMs < lengthMs && this.#options.signal?.aborted !== true) {
      await sleep(Math.min(PROGRESS_MS, Math.max(1, lengthMs - (this.#nowMs() - startedMs))));
      const sum = this.#sum();
      const active = (this.#faults?.active ?? []).map(describeFault).join('; ');
      this.#options.print(
        `${clock(this.#nowMs())}  ok +${sum.ok - shown.ok}  failed +${sum.failed - shown.failed}  unknown +${
          sum.unknown - shown.unknown
        }  ${active === '' ? 'no fault' : active}`,
      );
      shown = sum;
    }
  }

  #sum(): { ok: number; failed: number; unknown: number } {
    const sum = { ok: 0, failed: 0, unknown: 0 };
    for (const tally of this.#tallies.values()) {
      sum.ok += tally.ok;
      sum.failed += tally.failed;
      sum.unknown += tally.unknown;
    }
    return sum;
  }

  // ---- the end ----

  async #healAndFinish(faults: FaultRunner, loops: readonly Promise<void>[]): Promise<number> {
    // The clients go on: what they do while the cluster recovers is judged as well.
    faults.heal();
    const healedAt = this.#nowMs();
    const serves = await this.#serving('healing', this.#options.healMsMax);
    const healedMs = Math.round(this.#nowMs() - healedAt);
    this.#options.print(
      `${clock(this.#nowMs())}  ${serves ? `all nodes serve ${healedMs} ms after healing` : 'NO SERVICE'}`,
    );
    this.#working = false;
    await Promise.all(loops);
    if (!serves) return healedMs;
    for (const workload of this.#workloads) {
      for (const id of (this.#cluster as ChaosCluster).ids) await this.#lastLook(workload, id);
    }
    return healedMs;
  }

  /** Nothing disturbs any more: whoever waits longer than a few seconds waits for something that is stuck. */
  async #lastLook(workload: Workload, id: number): Promise<void> {
    const cluster = this.#cluster as ChaosCluster;
    const startedMs = this.#nowMs();
    const logged = cluster.nodes.map((node) => node.logBytes);
    const problems: string[] = [];
    for (let attempt = 1; attempt <= LAST_LOOKS_MAX; attempt++) {
      const tally = newTally();
      const session = new Session({ ids: [id], url: (node) => cluster.url(node) }, tally, new Random(id));
      try {
        if (await session.connected()) await workload.finish(session);
      } catch (error) {
        session.note(error, 'the last look');
      }
      await session.drop();
      // A healthy cluster under no load may still ask for a retry, nothing else.
      const errors = [...tally.errors].filter(([code]) => code !== '40001');
      if (tally.errors.size === 0) break;
      if (errors.length === 0) continue;
      problems.push(`${clock(this.#nowMs())} ${errors.map(([code, count]) => `${count} times ${code}`).join(', ')}`);
    }
    if (problems.length === 0) return;
    const tookMs = Math.round(this.#nowMs() - startedMs);
    const logs = cluster.nodes.map((node, i) => {
      const bytes = node.logBytes - logged[i]!;
      return `node ${node.spec.id} logged meanwhile:\n${bytes === 0 ? 'nothing' : node.logTail(Math.min(bytes, LOG_BYTES_MAX))}`;
    });
    this.#failures.push(
      `the last look of ${workload.name} through node ${id} took ${tookMs} ms and failed: ${problems.join('; ')}\n${logs.join('\n')}`,
    );
  }

  /** Every node answers a query that needs ranges, and a write went through it. */
  async #serving(after: string, withinMs: number): Promise<boolean> {
    const cluster = this.#cluster as ChaosCluster;
    const deadline = this.#nowMs() + withinMs;
    const waiting = new Map<number, string>(cluster.ids.map((id) => [id, 'not asked yet']));
    await Promise.all(
      cluster.ids.map(async (id) => {
        while (waiting.has(id) && this.#nowMs() < deadline && !this.#ending) {
          const problem = await probe(cluster, id);
          if (problem === null) waiting.delete(id);
          else {
            waiting.set(id, problem);
            await sleep(200);
          }
        }
      }),
    );
    if (waiting.size === 0) return true;
    const logs = [...waiting].map(([id, why]) => `node ${id}: ${why}\n${cluster.node(id).logTail()}`).join('\n');
    this.#failures.push(`no service within ${withinMs} ms after ${after}:\n${logs}`);
    if (after === 'the start') throw new Error(this.#failures.at(-1));
    return false;
  }

  async #stopNodes(): Promise<void> {
    const cluster = this.#cluster as ChaosCluster;
    for (const id of cluster.ids) {
      this.#options.print(
        `node ${id}: ${(cluster.bytesOnDisk(id) / 1e6).toFixed(1)} MB on disk, ${cluster.node(id).starts} starts`,
      );
    }
    this.#ending = true;
    await Promise.all(
      cluster.nodes.map(async (node) => {
        const code = await node.stop(STOP_MS_MAX);
        if (code === 0) return;
        this.#failures.push(`node ${node.spec.id} ended with ${code ?? 'SIGKILL'} at SIGTERM\n${node.logTail()}`);
      }),
    );
  }

  #judge(): Verdict[] {
    const verdicts: Verdict[] = [];
    for (const workload of this.#workloads) {
      const startedMs = this.#nowMs();
      const own = workload.judge();
      verdicts.push(...own);
      for (const verdict of own) {
        for (const { name, explanation } of verdict.anomalies) {
          this.#failures.push(`${workload.name}, ${verdict.checker}: ${name}: ${explanation}`);
        }
        if (!verdict.ok && verdict.anomalies.length === 0) {
          this.#failures.push(`${workload.name}, ${verdict.checker}: not ok`);
        }
      }
      const tookMs = this.#nowMs() - startedMs;
      if (tookMs > 5_000) this.#options.print(`judging ${workload.name} took ${(tookMs / 1_000).toFixed(1)} s`);
    }
    for (const [name, tally] of this.#tallies) {
      for (const text of tally.unexpected) this.#failures.push(`an error that no client should see (${name}): ${text}`);
    }
    return verdicts;
  }

  #report(verdicts: readonly Verdict[]): void {
    const { print } = this.#options;
    print('timeline:');
    for (const { atMs, text } of this.#faults?.timeline ?? []) print(`  ${clock(atMs)}  ${text}`);
    print('outcomes:');
    for (const [name, { ok, failed, unknown, errors }] of this.#tallies) {
      const codes = [...errors].sort((a, b) => b[1] - a[1]).map(([code, count]) => `${code} ${count}`);
      print(`  ${name.padEnd(10)} ok ${ok}  failed ${failed}  unknown ${unknown}  ${codes.join(', ')}`);
    }
    print('verdicts:');
    for (const { checker, ok, stats } of verdicts) {
      const shown = Object.entries(stats).map(([name, value]) => `${name} ${value}`);
      print(`  ${checker.padEnd(16)} ${ok ? 'ok' : 'ANOMALY'}  ${shown.join(', ')}`);
    }
  }
}

async function probe(cluster: ChaosCluster, id: number): Promise<string | null> {
  const session = new Session({ ids: [id], url: (node) => cluster.url(node) }, newTally(), new Random(id));
  try {
    if (!(await session.connected())) return [...session.tally.errors.keys()].join(', ');
    await session.query('CREATE TABLE IF NOT EXISTS probes (node int PRIMARY KEY, n int NOT NULL)');
    await session.query('INSERT INTO probes VALUES ($1, 1) ON CONFLICT (node) DO UPDATE SET n = probes.n + 1', [id]);
    return null;
  } catch (error) {
    return `${codeOf(error)} ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    await session.drop();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}

function clock(ms: number): string {
  const seconds = ms / 1_000;
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${(seconds % 60).toFixed(1).padStart(4, '0')}`;
}

/** Where data and logs of a run go by default. */
export function chaosDirectory(root: string, seed: number): string {
  return join(root, `quoral-chaos-${process.pid}-${seed}`);
}
