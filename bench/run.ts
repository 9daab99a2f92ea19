/**
 * Load over the wire. See bench/README.md, or run with --help.
 *
 * Each connection is a closed loop: the next transaction starts when the last has been answered.
 * Latency is that of the whole transaction, retries included, because that is what its user waits.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { UsageError } from '../src/cli/exit.js';
import { runTool, wholeNumber } from '../src/cli/tool.js';
import { Client, ServerError } from './client.js';
import { type OwnCluster, startCluster, startEmbedded } from './cluster.js';
import { Random } from './random.js';
import { runSteps, type StepList, type StepReport } from './side-by-side.js';
import { Collector, formatRun, formatSummary, type RunReport } from './report.js';
import type { Worker, Workload, WorkloadOptions } from './workload.js';
import { bank } from './workloads/bank.js';
import { copy } from './workloads/copy.js';
import { idle } from './workloads/idle.js';
import { kv } from './workloads/kv.js';
import { ddl } from './workloads/ddl.js';
import { large } from './workloads/large.js';
import { tpcb } from './workloads/tpcb.js';
import { tpcc } from './workloads/tpcc.js';
import { tpch } from './workloads/tpch.js';

const WORKLOADS: readonly Workload[] = [kv, tpcb, bank, tpcc, copy, idle];
const STEP_LISTS: readonly StepList[] = [tpch, ddl, large];
const ERROR_PAUSE_MS = 100;
const RUNS = 3;
/** Of a step, before it is timed. */
const STEP_WARMUPS = 2;

const NAME = 'bench';
const HELP = `npm run bench -- [options]
  --workload NAME     ${[...WORKLOADS, ...STEP_LISTS].map(({ name }) => name).join(', ')} (default kv); several with commas
  --connections N     client connections, spread over the URLs (default 8)
  --seconds N         length of a run (default 10)
  --warmup N          seconds before the first run that do not count (default 3)
  --runs N            runs, each reported (default 3); tpch, ddl, large: how often each step is timed
  --url URL[,URL]     where to (default the three nodes of quoral demo)
  --peer URL          a PostgreSQL on which the same is run, for comparison
  --only TEXT         tpch, ddl, large: only the steps whose name holds it
  --start             start a cluster for this, in a temporary folder
  --read PERCENT      kv: share of reads (default 95)
  --size N            kv keys, tpcb scale, bank accounts, tpcc warehouses, copy rows per COPY, thousandths of
                      tpch's scale, large's hundred thousands of rows (default 10)
  --ranges N          ranges that kv and bank are split into (default 10), idle's table (at least 300)
  --embedded          start a cluster in memory inside this process (quoral/testing)
  --pids N[,N]        idle: processes of the cluster, when it was not started by --start
  --seed N            (default 1)
  --no-setup          use the tables as they are
  --json FILE         write all figures there`;

interface Settings {
  readonly workloads: readonly (Workload | StepList)[];
  readonly connections: number;
  readonly warmup: number;
  /** null: as many as the workload has by default. */
  readonly runs: number | null;
  readonly peer: string | null;
  readonly only: string | null;
  readonly urls: readonly string[];
  readonly seed: number;
  readonly setup: boolean;
  readonly options: WorkloadOptions;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function integer(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  return wholeNumber(NAME, name, text);
}

const OPTIONS = {
  workload: { type: 'string' },
  connections: { type: 'string' },
  seconds: { type: 'string' },
  warmup: { type: 'string' },
  runs: { type: 'string' },
  url: { type: 'string' },
  peer: { type: 'string' },
  only: { type: 'string' },
  urls: { type: 'string' },
  start: { type: 'boolean' },
  embedded: { type: 'boolean' },
  read: { type: 'string' },
  size: { type: 'string' },
  ranges: { type: 'string' },
  pids: { type: 'string' },
  seed: { type: 'string' },
  'no-setup': { type: 'boolean' },
  json: { type: 'string' },
} as const;

type Values = {
  readonly [K in keyof typeof OPTIONS]?: ((typeof OPTIONS)[K]['type'] extends 'boolean' ? boolean : string) | undefined;
};

function parse(values: Values): {
  readonly settings: Settings;
  readonly start: 'no' | 'processes' | 'embedded';
  readonly json: string | null;
} {
  const names = (values.workload ?? 'kv').split(',');
  const workloads = names.map((name) => {
    const found = [...WORKLOADS, ...STEP_LISTS].find((workload) => workload.name === name);
    if (found === undefined) throw new UsageError(NAME, `there is no workload "${name}"`);
    return found;
  });
  const urls =
    values.url ??
    values.urls ??
    [7432, 7433, 7434].map((port) => `postgresql://postgres@127.0.0.1:${port}/postgres`).join();
  const settings: Settings = {
    workloads,
    connections: Math.max(1, integer('connections', values.connections, 8)),
    warmup: integer('warmup', values.warmup, 3),
    runs: values.runs === undefined ? null : Math.max(1, integer('runs', values.runs, RUNS)),
    peer: values.peer ?? null,
    only: values.only ?? null,
    urls: urls.split(','),
    seed: integer('seed', values.seed, 1),
    setup: values['no-setup'] !== true,
    options: {
      read: integer('read', values.read, 95),
      size: values.size === undefined ? null : integer('size', values.size, 0),
      ranges: integer('ranges', values.ranges, 10),
      seconds: Math.max(1, integer('seconds', values.seconds, 10)),
      processIds: (values.pids ?? '').split(',').filter(Boolean).map(Number),
    },
  };
  const start = values.embedded === true ? 'embedded' : values.start === true ? 'processes' : 'no';
  return { settings, start, json: values.json ?? null };
}

/** One connection's loop until `until`; a lost connection is made again. */
async function loop(workload: Workload, options: WorkloadOptions, worker: LoopWorker, until: number): Promise<void> {
  while (performance.now() < until) {
    const begin = performance.now();
    try {
      if (worker.client.lost) worker.client = await Client.connect(worker.url);
      const { kind, count } = await workload.transaction(worker, options);
      worker.collector.record(kind, performance.now() - begin, count ?? 1);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      worker.collector.error(error.sqlstate);
      if (worker.client.lost) await new Promise((resolve) => setTimeout(resolve, ERROR_PAUSE_MS));
    }
  }
}

interface LoopWorker extends Worker {
  client: Client;
  collector: Collector;
  readonly url: string;
}

async function connectWorkers(settings: Settings, connections: number): Promise<LoopWorker[]> {
  const workers: LoopWorker[] = [];
  for (let index = 0; index < connections; index++) {
    const url = settings.urls[index % settings.urls.length] as string;
    const worker: LoopWorker = {
      client: await Client.connect(url),
      collector: new Collector(),
      random: new Random(settings.seed * 1000 + index),
      index,
      url,
      countRetry: () => void worker.collector.retries++,
    };
    workers.push(worker);
  }
  return workers;
}

async function measure(
  workload: Workload,
  options: WorkloadOptions,
  workers: readonly LoopWorker[],
  seconds: number,
): Promise<RunReport> {
  const collector = new Collector();
  for (const worker of workers) worker.collector = collector;
  const begin = performance.now();
  await Promise.all(workers.map((worker) => loop(workload, options, worker, begin + seconds * 1000)));
  return collector.report((performance.now() - begin) / 1000, workload.unit ?? 'transactions');
}

async function runWorkload(workload: Workload, settings: Settings): Promise<{ runs: RunReport[]; problems: string[] }> {
  const isIdle = workload.name === 'idle';
  const connections = isIdle ? 1 : settings.connections;
  const admin = await Client.connect(settings.urls[0] as string);
  print(`\n${workload.name}: ${connections} connections to ${settings.urls.length} nodes`);
  if (settings.setup) {
    const begin = performance.now();
    await workload.setup(admin, settings.options);
    print(`  set up in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  }
  const workers = await connectWorkers(settings, connections);
  if (!isIdle && settings.warmup > 0) await measure(workload, settings.options, workers, settings.warmup);
  const runs: RunReport[] = [];
  for (let i = 1; i <= (settings.runs ?? RUNS); i++) {
    // The idle "transaction" takes the whole time itself.
    const run = await measure(workload, settings.options, workers, isIdle ? 0.001 : settings.options.seconds);
    runs.push(run);
    print(formatRun(`run ${i}`, run));
  }
  print(formatSummary(runs));
  for (const worker of workers) worker.client.close();
  const problems = await workload.check(admin, settings.options);
  for (const problem of problems) print(`  WRONG: ${problem}`);
  admin.close();
  return { runs, problems };
}

interface Outcome {
  readonly problems: readonly string[];
}

/** The workload, then with a peer the same there. */
async function runBoth(workload: Workload, settings: Settings): Promise<Outcome & { runs: RunReport[] }> {
  const ours = await runWorkload(workload, settings);
  if (settings.peer === null || workload.name === 'idle') return ours;
  print('\nthe peer:');
  const peer = await runWorkload(workload, { ...settings, urls: [settings.peer] });
  print(`  ${(median(ours.runs) / median(peer.runs)).toFixed(2)} of the peer's throughput`);
  return { ...ours, problems: [...ours.problems, ...peer.problems], ...{ peer: peer.runs } };
}

function median(runs: readonly RunReport[]): number {
  const sorted = runs.map((run) => run.throughput).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

async function runList(list: StepList, settings: Settings): Promise<Outcome & { steps: StepReport[] }> {
  print(`\n${list.name}: medians${settings.peer === null ? '' : ', beside those of the peer'}`);
  const { peer, only, setup, runs, options } = settings;
  const url = settings.urls[0] as string;
  const { reports, problems } = await runSteps(list, {
    ...{ url, peer, only, setup, runs, options, print },
    warmups: STEP_WARMUPS,
  });
  for (const problem of problems) print(`  WRONG: ${problem}`);
  return { steps: reports, problems };
}

function commit(): string | null {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .toString()
      .trim();
  } catch (error) {
    // Installed from a package: there is no repository.
    if (error instanceof Error) return null;
    throw error;
  }
}

async function main(parsed: ReturnType<typeof parse>): Promise<number> {
  let cluster: OwnCluster | null = null;
  let settings = parsed.settings;
  if (parsed.start !== 'no') {
    cluster = await (parsed.start === 'embedded' ? startEmbedded() : startCluster([]));
    const options = { ...settings.options, processIds: cluster.processIds };
    settings = { ...settings, urls: cluster.urls, options };
  }
  try {
    const results: Record<string, unknown> = {};
    let wrong = 0;
    for (const workload of settings.workloads) {
      const result = await ('steps' in workload ? runList(workload, settings) : runBoth(workload, settings));
      results[workload.name] = result;
      wrong += result.problems.length;
    }
    if (parsed.json !== null) {
      const environment = {
        node: process.version,
        cpus: cpus().length,
        cpu: cpus()[0]?.model,
        commit: commit(),
        at: new Date().toISOString(),
      };
      const { workloads: _, peer: _peer, ...rest } = settings;
      writeFileSync(parsed.json, `${JSON.stringify({ environment, settings: rest, results }, null, 2)}\n`);
    }
    return wrong === 0 ? 0 : 1;
  } finally {
    await cluster?.stop();
  }
}

const code = await runTool({ name: NAME, usage: HELP, options: OPTIONS }, process.argv.slice(2), ({ values }) =>
  main(parse(values)),
);
// Connections of a run that failed may still be open.
if (code === 0) process.exitCode = code;
else process.exit(code);
