/**
 * npm run chaos: see --help.
 *
 * Exits with 0 after a clean run, 1 if anything was found (data and logs are kept then), 2 for wrong
 * arguments, 130 after a second Ctrl-C (the first ends the work early and judges what there is).
 */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { UsageError } from '../src/cli/exit.js';
import { runTool } from '../src/cli/tool.js';
import { chaosDirectory, runChaos, type ChaosOptions } from './chaos.js';
import { FAULT_KINDS, type FaultKind } from './faults.js';

const NAME = 'chaos';
const USAGE = `npm run chaos -- [options]
  --minutes N         how long (default 2)
  --seed N            the plan of faults (default a new one)
  --nodes N           nodes (default 5)
  --faults A,B        only these faults: ${FAULT_KINDS.join(', ')}
  --heal-seconds N    how long the cluster may take to serve again (default 30)
  --network KIND      auto (default), namespaces or proxies
  --keep              keep data and logs of a clean run
  --directory DIR     where to put them (default ${tmpdir()})
  --main FILE         the program (default dist/cli/main.js)`;
const OPTIONS = {
  minutes: { type: 'string', default: '2' },
  seed: { type: 'string' },
  nodes: { type: 'string', default: '5' },
  faults: { type: 'string', default: FAULT_KINDS.join(',') },
  'heal-seconds': { type: 'string', default: '30' },
  network: { type: 'string', default: 'auto' },
  keep: { type: 'boolean', default: false },
  directory: { type: 'string', default: tmpdir() },
  main: { type: 'string', default: process.env['QUORAL_E2E_MAIN'] ?? 'dist/cli/main.js' },
} as const;

interface Values {
  readonly minutes: string;
  readonly seed?: string | undefined;
  readonly nodes: string;
  readonly faults: string;
  readonly 'heal-seconds': string;
  readonly network: string;
  readonly keep: boolean;
  readonly directory: string;
  readonly main: string;
}

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text === '' || !(value >= min && value <= max)) {
    throw new UsageError(NAME, `--${name} must be a number from ${min} to ${max}, not "${text}"`);
  }
  return value;
}

function faultKinds(text: string): FaultKind[] {
  return text.split(',').map((name) => {
    const kind = FAULT_KINDS.find((known) => known === name.trim());
    if (kind === undefined) throw new UsageError(NAME, `--faults: "${name}" is none of ${FAULT_KINDS.join(', ')}`);
    return kind;
  });
}

function networkKind(text: string): ChaosOptions['network'] {
  if (text === 'auto' || text === 'namespaces' || text === 'proxies') return text;
  throw new UsageError(NAME, `--network is auto, namespaces or proxies, not "${text}"`);
}

function optionsOf(values: Values): Omit<ChaosOptions, 'print' | 'signal'> {
  const seed = Math.floor(number('seed', values.seed ?? String(Date.now() % 1_000_000), 0, 2 ** 31));
  const mainPath = resolve(values.main);
  if (!existsSync(mainPath)) throw new UsageError(NAME, `${mainPath} is not there: run npm run build`);
  return {
    seed,
    minutes: number('minutes', values.minutes, 0.05, 10_000),
    nodes: Math.floor(number('nodes', values.nodes, 1, 9)),
    faults: faultKinds(values.faults),
    directory: chaosDirectory(values.directory, seed),
    mainPath,
    network: networkKind(values.network),
    keep: values.keep,
    healMsMax: number('heal-seconds', values['heal-seconds'], 1, 600) * 1_000,
  };
}

async function run(chosen: Omit<ChaosOptions, 'print' | 'signal'>): Promise<number> {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // The handler of 'exit' ends all children.
      if (abort.signal.aborted) process.exit(130);
      print('ending early; once more to end at once');
      abort.abort();
    });
  }
  const { failures } = await runChaos({ ...chosen, print, signal: abort.signal });
  if (failures.length === 0) {
    print(`chaos: ok (seed ${chosen.seed})`);
    return 0;
  }
  for (const failure of failures) print(`\nFOUND: ${failure}`);
  print(`\nchaos: ${failures.length} findings; data and logs are in ${chosen.directory}`);
  const faults = chosen.faults.join(',');
  print(
    `the same plan again: npm run chaos -- --seed ${chosen.seed} --minutes ${chosen.minutes} --nodes ${chosen.nodes} --faults ${faults}`,
  );
  return 1;
}

process.exit(
  await runTool({ name: NAME, usage: USAGE, options: OPTIONS }, process.argv.slice(2), ({ values }) =>
    run(optionsOf(values)),
  ),
);
