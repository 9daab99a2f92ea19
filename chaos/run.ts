/**
 * npm run chaos -- --minutes 2 --seed 7 [--nodes 5] [--faults kill,pause,partition,loss,disk]
 *   [--network auto|namespaces|proxies] [--keep]
 *
 * Exits with 0 after a clean run, 1 if anything was found (data and logs are kept then), 2 for wrong
 * arguments, 130 after a second Ctrl-C (the first ends the work early and judges what there is).
 */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chaosDirectory, runChaos, type ChaosOptions } from './chaos.js';
import { FAULT_KINDS, type FaultKind } from './faults.js';

class UsageError extends Error {}

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text === '' || !(value >= min && value <= max)) {
    throw new UsageError(`--${name} must be a number from ${min} to ${max}, not "${text}"`);
  }
  return value;
}

function faultKinds(text: string): FaultKind[] {
  return text.split(',').map((name) => {
    const kind = FAULT_KINDS.find((known) => known === name.trim());
    if (kind === undefined) throw new UsageError(`--faults: "${name}" is none of ${FAULT_KINDS.join(', ')}`);
    return kind;
  });
}

function networkKind(text: string): ChaosOptions['network'] {
  if (text === 'auto' || text === 'namespaces' || text === 'proxies') return text;
  throw new UsageError(`--network is auto, namespaces or proxies, not "${text}"`);
}

function options(): Omit<ChaosOptions, 'print' | 'signal'> {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '2' },
        seed: { type: 'string' },
        nodes: { type: 'string', default: '5' },
        faults: { type: 'string', default: FAULT_KINDS.join(',') },
        'heal-seconds': { type: 'string', default: '30' },
        network: { type: 'string', default: 'auto' },
        keep: { type: 'boolean', default: false },
        directory: { type: 'string', default: tmpdir() },
        main: { type: 'string', default: process.env['QUORAL_E2E_MAIN'] ?? 'dist/cli/main.js' },
      },
    }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const seed = Math.floor(number('seed', values.seed ?? String(Date.now() % 1_000_000), 0, 2 ** 31));
  const mainPath = resolve(values.main);
  if (!existsSync(mainPath)) throw new UsageError(`${mainPath} is not there: run npm run build`);
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

async function main(): Promise<number> {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  let chosen;
  try {
    chosen = options();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`chaos: ${error.message}\n`);
    return 2;
  }
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

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`chaos: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
