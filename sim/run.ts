/**
 * The simulator's command line. See docs/testing/simulator.md, or run with --help.
 *
 * Seeds are independent: they run one after the other in one process, or with --jobs in several. Every
 * `--twice` seeds one is run a second time, and the two traces must have the same hash.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { UsageError } from '../src/cli/exit.js';
import { runTool, wholeNumber } from '../src/cli/tool.js';
import { runRaftSeed } from '../src/testing/sim/raft-sim.js';
import { installProbes, removeProbes } from '../src/base/probes.js';
import { FAULT_KINDS, type FaultKind } from '../src/testing/sim/nemesis.js';
import { type RunOptions, type RunResult, runSeed } from '../src/testing/sim/runner.js';
import { FIXED_RUNS, type SimRun, SPARE_RUNS } from './fixed-runs.js';
import { formatFailure, formatSeed, type SeedReport } from './report.js';
import { Totals } from './totals.js';

const NAME = 'sim';
const HELP = `npm run sim -- [options]
  --seed N            run one seed
  --from N            first seed (default 1)
  --seeds N           how many (default 100)
  --kind KIND         cluster: whole nodes, SQL clients, all faults (default); raft: the Raft core alone,
                      with membership changes
  --jobs N            processes (default 1)
  --hash              print the hash of the trace of one seed
  --twice N           run every Nth seed twice and compare the traces (default 50; 0: never)
  --stop-at-first     end at the first failure
  --json              a line of JSON for each failing seed instead of prose
  --faults A,B        only these faults: ${FAULT_KINDS.join(', ')}
  --workloads A,B     only these workloads: lists, registers, single-key, bank, counters, unique, index, set,
                      queue, references; or schema, which is none of the standard ones
  --nodes N           nodes (default 5)
  --minimise          for a failing seed: leave faults out while it still fails
  --marks             list the coverage marks with the seeds that reach them; fail if one is never reached
  --fixed             the fixed seeds, then spare ones until every coverage mark is reached; fail if one is not
  --cover             name few of the seeds that together reach the marks that all of them reach
  --log LEVEL         how much of the nodes' log is in the timeline: debug, info, warn (default), error
  --timeline N        lines of timeline that a failure shows (default 60; 0: all)
  --trace FILE        write every event of one seed to a file`;

interface Settings {
  readonly runs: readonly SimRun[];
  readonly kind: SimRun['kind'];
  readonly jobs: number;
  readonly twice: number;
  readonly stopAtFirst: boolean;
  readonly json: boolean;
  readonly minimise: boolean;
  readonly marks: boolean;
  /** Runs from this one on are needed only while a mark is missing. */
  readonly spareFrom: number;
  readonly cover: boolean;
  readonly timeline: number;
  readonly base: Omit<RunOptions, 'seed'>;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function integer(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  return wholeNumber(NAME, name, text);
}

function names<T extends string>(text: string | undefined, known: readonly T[] | null, what: string): T[] | null {
  if (text === undefined) return null;
  const found = text.split(',').filter((name) => name !== '') as T[];
  for (const name of found) {
    if (known !== null && !known.includes(name))
      throw new UsageError(NAME, `unknown ${what} "${name}": ${known.join(', ')}`);
  }
  return found;
}

const OPTIONS = {
  seed: { type: 'string' },
  from: { type: 'string' },
  seeds: { type: 'string' },
  kind: { type: 'string' },
  jobs: { type: 'string' },
  hash: { type: 'boolean' },
  twice: { type: 'string' },
  'stop-at-first': { type: 'boolean' },
  json: { type: 'boolean' },
  faults: { type: 'string' },
  workloads: { type: 'string' },
  nodes: { type: 'string' },
  minimise: { type: 'boolean' },
  marks: { type: 'boolean' },
  fixed: { type: 'boolean' },
  cover: { type: 'boolean' },
  log: { type: 'string' },
  timeline: { type: 'string' },
  trace: { type: 'string' },
  worker: { type: 'boolean' },
} as const;

type Values = {
  readonly [K in keyof typeof OPTIONS]?: ((typeof OPTIONS)[K]['type'] extends 'boolean' ? boolean : string) | undefined;
};

function readSettings(values: Values): Settings {
  const one = values.seed === undefined ? null : integer('seed', values.seed, 0);
  const kind = values.kind ?? 'cluster';
  if (kind !== 'cluster' && kind !== 'raft') throw new UsageError(NAME, `--kind is cluster or raft, not "${kind}"`);
  const seeds = one === null ? integer('seeds', values.seeds, 100) : 1;
  const logLevel = values.log as RunOptions['logLevel'];
  return {
    runs:
      values.fixed === true
        ? [...FIXED_RUNS, ...SPARE_RUNS]
        : seedsFrom(kind, one ?? integer('from', values.from, 1), seeds),
    kind,
    jobs: Math.max(1, integer('jobs', values.jobs, 1)),
    twice: integer('twice', values.twice, 50),
    stopAtFirst: values['stop-at-first'] === true,
    json: values.json === true,
    minimise: values.minimise === true,
    spareFrom: values.fixed === true ? FIXED_RUNS.length : Number.MAX_SAFE_INTEGER,
    marks: values.marks === true || values.fixed === true,
    cover: values.cover === true,
    timeline: integer('timeline', values.timeline, 60),
    base: {
      faults: names<FaultKind>(values.faults, FAULT_KINDS, 'fault'),
      workloads: names<string>(values.workloads, null, 'workload'),
      ...(values.nodes === undefined ? {} : { nodes: integer('nodes', values.nodes, 5) }),
      ...(logLevel === undefined ? {} : { logLevel }),
    },
  };
}

function seedsFrom(kind: SimRun['kind'], from: number, seeds: number): SimRun[] {
  return Array.from({ length: seeds }, (_, i) => ({ kind, seed: from + i }));
}

/** One seed, twice if asked, as a plain object that can cross processes. */
async function runOne(settings: Settings, index: number): Promise<SeedReport> {
  const run = settings.runs[index]!;
  const report = await once(settings, run);
  if (settings.twice === 0 || (index + 1) % settings.twice !== 0) return report;
  const again = await once(settings, run);
  if (again.hash === report.hash && again.lastDraw === report.lastDraw) return { ...report, twice: true };
  const explanation = `first ${report.hash}, then ${again.hash}: something outside of the simulated world decides what happens`;
  const failure = { checker: 'determinism', anomaly: 'two runs of one seed differ', explanation };
  return { ...report, ok: false, failures: [...report.failures, failure] };
}

async function once(settings: Settings, { kind, seed, workloads }: SimRun): Promise<SeedReport> {
  if (kind === 'raft') return raftReport(seed);
  return clusterReport(await runSeed({ ...settings.base, ...(workloads === undefined ? {} : { workloads }), seed }));
}

function clusterReport(result: RunResult): SeedReport {
  const { seed, ok, hash, lastDraw, failures, stats, swarm } = result;
  return {
    kind: 'cluster',
    seed,
    ok,
    hash,
    lastDraw,
    failures,
    stats,
    faults: swarm.kinds,
    marks: Object.fromEntries(result.marks),
    crashPoints: Object.fromEntries(result.crashPoints),
    timeline: ok ? [] : result.timeline,
    twice: false,
  };
}

function raftReport(seed: number): SeedReport {
  const marks: Record<string, number> = {};
  installProbes({
    onMark: (name) => void (marks[name] = (marks[name] ?? 0) + 1),
    onCrashPoint: () => undefined,
  });
  const { ok, failures, hash } = runRaftSeed(seed);
  removeProbes();
  return {
    kind: 'raft',
    seed,
    ok,
    hash,
    lastDraw: 0,
    failures: failures.map((text) => ({ checker: 'raft', anomaly: text.split('\n')[0] ?? '', explanation: text })),
    stats: null,
    faults: [],
    marks,
    crashPoints: {},
    timeline: [],
    twice: false,
  };
}

/** Leaves one kind of fault out after the other while the seed still fails. */
async function minimise(settings: Settings, report: SeedReport): Promise<void> {
  let kinds = report.faults as readonly FaultKind[];
  print(`minimising seed ${report.seed} over ${kinds.length} kinds of faults`);
  for (const kind of kinds) {
    const fewer = kinds.filter((other) => other !== kind);
    const result = await runSeed({ ...settings.base, seed: report.seed, faults: fewer });
    print(`  without ${kind}: ${result.ok ? 'passes' : 'still fails'}`);
    if (!result.ok) kinds = fewer;
  }
  print(`still fails with: npm run sim -- --seed ${report.seed} --faults ${kinds.join(',')}`);
}

interface Series {
  /** False: the runs from this one on are not needed. */
  wants(index: number): boolean;
  /** False: no more runs. */
  onReport(report: SeedReport): boolean;
}

async function inProcess(settings: Settings, { wants, onReport }: Series): Promise<void> {
  for (let i = 0; i < settings.runs.length && wants(i); i++) if (!onReport(await runOne(settings, i))) return;
}

/** Several processes, each with one seed at a time. */
function inWorkers(settings: Settings, { wants, onReport }: Series): Promise<void> {
  let next = 0;
  return new Promise((resolve, reject) => {
    const children = new Set<ChildProcess>();
    let over = false;
    const end = (error: Error | null): void => {
      if (over) return;
      over = true;
      for (const child of children) child.kill();
      if (error === null) resolve();
      else reject(error);
    };
    process.once('SIGINT', () => {
      print(INTERRUPTED);
      process.exitCode = 130;
      end(null);
    });
    for (let i = 0; i < Math.min(settings.jobs, settings.runs.length); i++) {
      const child = fork(process.argv[1]!, [...process.argv.slice(2), '--worker'], { stdio: ['ignore', 2, 2, 'ipc'] });
      children.add(child);
      const give = (): void => {
        if (next < settings.runs.length && wants(next)) child.send(next++);
        else child.kill();
      };
      child.on('message', (report) => {
        if (!onReport(report as SeedReport)) end(null);
        else give();
      });
      child.on('exit', (code, signal) => {
        children.delete(child);
        if (signal === null && code !== 0) end(new Error(`a simulator process ended with code ${code}`));
        else if (children.size === 0) end(null);
      });
      give();
    }
  });
}

function asWorker(settings: Settings): void {
  // A terminal interrupts all processes of a group; the parent ends its workers when it has told what they found.
  process.on('SIGINT', () => undefined);
  process.on('message', (index: number) => {
    runOne(settings, index).then(
      (report) => process.send!(report),
      (error: unknown) => {
        process.stderr.write(
          `seed ${settings.runs[index]!.seed}: ${error instanceof Error ? error.stack : String(error)}\n`,
        );
        process.exit(1);
      },
    );
  });
}

const PROGRESS_MS = 5_000;
const INTERRUPTED = 'interrupted; of the seeds that were run to the end:';

async function main(values: Values): Promise<number> {
  const settings = readSettings(values);
  // Stacks of the many errors that faults make cost several percent; the replay of one seed has them.
  if (settings.runs.length > 1) Error.stackTraceLimit = 0;
  if (values.worker === true) {
    asWorker(settings);
    return 0;
  }
  if (values.hash === true || values.trace !== undefined) {
    await traceOne(settings, values.trace);
    return 0;
  }
  const totals = new Totals();
  const startMs = Date.now();
  let shownMs = startMs;
  const onReport = (report: SeedReport): boolean => {
    totals.add(report);
    if (!report.ok) print(settings.json ? JSON.stringify(jsonLine(report)) : formatFailure(report, settings.timeline));
    if (settings.runs.length === 1 && report.ok && !settings.json) print(formatSeed(report));
    if (!settings.json && Date.now() - shownMs > PROGRESS_MS) {
      shownMs = Date.now();
      const hours = (shownMs - startMs) / 3.6e6;
      const rate = Math.round(totals.seeds / hours);
      const planned = Math.min(settings.runs.length, settings.spareFrom);
      print(
        `${totals.seeds} of ${Math.max(planned, totals.seeds)} seeds, ${totals.failed.length} failed, ${rate} seeds/h`,
      );
    }
    return report.ok || !settings.stopAtFirst;
  };
  const wants = (index: number): boolean => index < settings.spareFrom || totals.missing(true).length > 0;
  await (settings.jobs > 1 ? inWorkers : inProcess)(settings, { wants, onReport });
  if (totals.seeds > settings.spareFrom) {
    print(
      `${totals.seeds - settings.spareFrom} spare seeds were run for marks that the fixed ones do not reach any more`,
    );
  }
  if (settings.minimise) {
    for (const report of totals.failed) if (report.kind === 'cluster') await minimise(settings, report);
  }
  const missing = totals.missing(settings.runs.some((run) => run.kind === 'cluster'));
  if (!settings.json) {
    print(totals.summary((Date.now() - startMs) / 1000));
    if (settings.runs.length > 1) print(totals.describeMarks(missing, settings.marks));
    if (settings.cover) print(`covered by: ${totals.cover().join(', ')}`);
    if (totals.failed.length > 0) print(`failed seeds: ${totals.failed.map((report) => report.seed).join(' ')}`);
  }
  return totals.failed.length > 0 || (settings.marks && missing.length > 0) ? 1 : 0;
}

async function traceOne(settings: Settings, file: string | undefined): Promise<void> {
  const lines: string[] = [];
  const onEvent = file === undefined ? {} : { onEvent: (line: string) => void lines.push(line) };
  const { kind, seed } = settings.runs[0]!;
  const hash = kind === 'raft' ? runRaftSeed(seed).hash : (await runSeed({ ...settings.base, seed, ...onEvent })).hash;
  if (file !== undefined) writeFileSync(file, `${lines.join('\n')}\n`);
  print(`hash ${hash}`);
}

function jsonLine(report: SeedReport): unknown {
  const first = report.failures[0]!;
  return { seed: report.seed, ok: false, checker: first.checker, anomaly: first.anomaly };
}

const code = await runTool({ name: NAME, usage: HELP, options: OPTIONS }, process.argv.slice(2), ({ values }) =>
  main(values),
);
// Of an interrupted run it says so.
process.exitCode ??= code;
