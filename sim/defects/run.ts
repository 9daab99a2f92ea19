/**
 * Judges the judges: puts one deliberate defect after the other into a copy of the program and runs the
 * simulator on it until a seed fails. npm run sim:defects: see --help.
 *
 * Prints `caught NAME after N seeds by CHECKER`, or `NOT CAUGHT NAME in N seeds`, and exits non-zero
 * if one is not caught. With --controls it runs each defect's amplifiers without the defect instead:
 * then nothing may fail.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../src/cli/exit.js';
import { runTool, wholeNumber } from '../../src/cli/tool.js';
import { findRoot, Workshop } from './apply.js';
import type { Defect } from './defect.js';
import { DEFECTS } from './registry.js';

interface Caught {
  readonly seed: number;
  readonly checker: string;
  readonly anomaly: string;
}

type Verdict =
  | ({ readonly kind: 'caught' } & Caught)
  | { readonly kind: 'missed' }
  | { readonly kind: 'broken'; readonly reason: string };

const PROGRESS_MS = 60_000;
/** Longer than any seed of a correct program takes; a defect may well hang one. */
const SILENCE_MS = 600_000;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function parseLine(line: string): Caught | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const { seed, ok, checker, anomaly } = value as Partial<Caught> & { ok?: boolean };
  if (ok !== false || typeof seed !== 'number') return null;
  return { seed, checker: checker ?? 'unknown', anomaly: anomaly ?? '' };
}

/** Runs one patched program over its seeds. */
function judge(
  directory: string,
  defect: Defect,
  from: number,
  seeds: number,
  running: Set<ChildProcess>,
): Promise<Verdict> {
  const { kind = 'cluster', args = [] } = defect.options ?? {};
  const child = spawn(
    process.execPath,
    [
      '--enable-source-maps',
      `${directory}/sim/run.js`,
      ...[
        '--kind',
        kind,
        '--from',
        String(from),
        '--seeds',
        String(seeds),
        '--twice',
        '0',
        '--stop-at-first',
        '--json',
      ],
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  running.add(child);
  return new Promise((done) => {
    let caught: Caught | null = null;
    let complaint = '';
    const startMs = Date.now();
    const progress = setInterval(() => {
      const ms = Date.now() - startMs;
      print(`  ${defect.name}: ${Math.round(ms / 1000)} s and nothing yet`);
      if (ms > SILENCE_MS + seeds * 10_000) child.kill('SIGKILL');
    }, PROGRESS_MS);
    createInterface({ input: child.stdout }).on('line', (line) => {
      caught ??= parseLine(line);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString('utf8')).slice(-2_000);
    });
    child.on('close', (code, signal) => {
      clearInterval(progress);
      running.delete(child);
      if (caught !== null) done({ kind: 'caught', ...caught });
      else if (code === 0) done({ kind: 'missed' });
      else
        done({ kind: 'broken', reason: `the simulator ended with ${signal ?? `code ${code}`}: ${complaint.trim()}` });
    });
  });
}

async function judgeIn(
  workshop: Workshop,
  defect: Defect,
  from: number,
  seeds: number,
  running: Set<ChildProcess>,
): Promise<Verdict> {
  let directory: string;
  try {
    directory = workshop.make(defect.name, [...(defect.options?.amplify ?? []), ...defect.patches]);
  } catch (error) {
    return { kind: 'broken', reason: error instanceof Error ? error.message : String(error) };
  }
  const verdict = await judge(directory, defect, from, seeds, running);
  workshop.discard(directory);
  return verdict;
}

function describe(defect: Defect, verdict: Verdict, from: number, seeds: number): string {
  switch (verdict.kind) {
    case 'caught':
      return `caught ${defect.name} after ${verdict.seed - from + 1} seeds by ${verdict.checker} (${verdict.anomaly})`;
    case 'missed':
      return `NOT CAUGHT ${defect.name} in ${seeds} seeds`;
    case 'broken':
      return `NOT CAUGHT ${defect.name}: ${verdict.reason}`;
  }
}

const NAME = 'sim:defects';
const USAGE = `npm run sim:defects -- [options]
  --only NAME,NAME   only these defects
  --from N           first seed (default 1)
  --seeds N          seeds for each (default 200)
  --jobs N           processes (default 2)
  --controls         the amplifiers of each without the defect: nothing may fail
  --list             say what defects there are
  --program DIR      the compiled simulator (default dist/sim)`;
const OPTIONS = {
  only: { type: 'string' },
  from: { type: 'string', default: '1' },
  seeds: { type: 'string', default: '200' },
  jobs: { type: 'string', default: '2' },
  controls: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  program: { type: 'string' },
} as const;

interface Values {
  readonly only?: string | undefined;
  readonly from: string;
  readonly seeds: string;
  readonly jobs: string;
  readonly controls: boolean;
  readonly list: boolean;
  readonly program?: string | undefined;
}

async function main(values: Values): Promise<number> {
  const wanted = values.only === undefined ? null : values.only.split(',');
  for (const name of wanted ?? []) {
    if (!DEFECTS.some((d) => d.name === name)) throw new UsageError(NAME, `there is no defect "${name}": see --list`);
  }
  const chosen = DEFECTS.filter((d) => wanted === null || wanted.includes(d.name));
  if (values.list) {
    for (const { name, breaks } of chosen) print(`${name}: ${breaks}`);
    return 0;
  }
  const from = wholeNumber(NAME, 'from', values.from, 1);
  const seeds = wholeNumber(NAME, 'seeds', values.seeds, 1);
  const jobs = wholeNumber(NAME, 'jobs', values.jobs, 1);
  const failed = await runAll(values.controls ? controlsOf(chosen) : chosen, {
    from,
    seeds,
    jobs,
    controls: values.controls,
    program: values.program,
  });
  return failed > 0 ? 1 : 0;
}

/** The same runs without the defects: what the simulator finds there is not theirs. */
function controlsOf(defects: readonly Defect[]): Defect[] {
  return defects.map((defect) => ({ ...defect, patches: [] }));
}

interface RunAllOptions {
  readonly from: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly controls: boolean;
  /** The compiled simulator; default dist/sim. */
  readonly program: string | undefined;
}

async function runAll(
  defects: readonly Defect[],
  { from, seeds, jobs, controls, program }: RunAllOptions,
): Promise<number> {
  const workshop = new Workshop(findRoot(fileURLToPath(new URL('.', import.meta.url))), program);
  const running = new Set<ChildProcess>();
  process.once('SIGINT', () => {
    for (const child of running) child.kill();
    workshop.close();
    process.exit(130);
  });
  let next = 0;
  let failed = 0;
  const worker = async (): Promise<void> => {
    while (next < defects.length) {
      const defect = defects[next++]!;
      const verdict = await judgeIn(workshop, defect, from, seeds, running);
      if (controls) {
        if (verdict.kind !== 'missed') failed++;
        print(
          `${verdict.kind === 'missed' ? 'passes' : 'FAILS'} ${defect.name} without its defect: ${JSON.stringify(verdict)}`,
        );
      } else {
        if (verdict.kind !== 'caught') failed++;
        print(describe(defect, verdict, from, seeds));
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(jobs, defects.length) }, worker));
  } finally {
    workshop.close();
  }
  print(`${defects.length - failed} of ${defects.length} ${controls ? 'pass' : 'defects caught'}`);
  return failed;
}

process.exitCode = await runTool({ name: NAME, usage: USAGE, options: OPTIONS }, process.argv.slice(2), ({ values }) =>
  main(values),
);
