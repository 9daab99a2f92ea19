/**
 * npm run conformance: see --help.
 *
 * Runs sqllogictest files (by default all of ../shared/sqllogictest) on a cluster of its own, or on the server at
 * --url. With --peer, records that fail are run on that PostgreSQL as well, in their files' order: one that fails
 * there too does not count. Exits with 1 if a record failed that counts.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { UsageError } from '../src/cli/exit.js';
import { runTool, wholeNumber } from '../src/cli/tool.js';
import { startCluster } from '../src/testing/index.js';
import { parseRecords } from './records.js';
import { type Failure, type FileResult, runFile } from './run-file.js';

const DEFAULT_FOLDER = '../shared/sqllogictest';
const NAME = 'conformance';
const USAGE = `npm run conformance -- [options] [FILE or FOLDER…]   (default ${DEFAULT_FOLDER})
  --url URL     the server to run the files on (default a cluster of its own)
  --peer URL    a PostgreSQL; records that fail there too do not count
  --only TEXT   only files whose name holds it
  --show N      failures of a file that are shown (default 5)`;
const OPTIONS = {
  url: { type: 'string' },
  peer: { type: 'string' },
  only: { type: 'string', default: '' },
  show: { type: 'string', default: '5' },
} as const;

interface Settings {
  readonly url: string | undefined;
  readonly peer: string | undefined;
  readonly files: readonly string[];
  readonly show: number;
}

function filesIn(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesIn(join(path, name)))
    .filter((file) => file.endsWith('.test'));
}

function report(failures: readonly Failure[], show: number): void {
  for (const { line, sql, reason } of failures.slice(0, show)) {
    console.log(`  line ${line}: ${sql.replace(/\s+/g, ' ').slice(0, 300)}\n    ${reason.slice(0, 300)}`);
  }
  if (failures.length > show) console.log(`  … and ${failures.length - show} more`);
}

/** Failures that PostgreSQL does not share. */
async function counting(peer: string | undefined, file: string, result: FileResult): Promise<readonly Failure[]> {
  if (peer === undefined || result.failures.length === 0) return result.failures;
  const there = await runFile(peer, parseRecords(readFileSync(file, 'utf8')));
  const lines = new Set(there.failures.map((failure) => failure.line));
  return result.failures.filter((failure) => !lines.has(failure.line));
}

async function runAll({ url, peer, files, show }: Settings): Promise<number> {
  const cluster = url === undefined ? await startCluster({ nodes: 3 }) : null;
  let records = 0;
  let failed = 0;
  let excused = 0;
  try {
    for (const [i, file] of files.entries()) {
      const startedMs = Date.now();
      const name = relative(process.cwd(), file);
      const parsed = parseRecords(readFileSync(file, 'utf8'));
      const result = await runFile(url ?? cluster!.url(), parsed, (done) => {
        if (process.stdout.isTTY) process.stdout.write(`\r${name}: ${done} of ${parsed.length}\x1b[K`);
      });
      if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
      const failures = await counting(peer, file, result);
      records += result.records;
      failed += failures.length;
      excused += result.failures.length - failures.length;
      const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
      console.log(
        `${i + 1}/${files.length} ${name}: ${result.records} records, ${failures.length} failed, ${seconds} s`,
      );
      report(failures, show);
    }
  } finally {
    await cluster?.close();
  }
  const excuse = excused === 0 ? '' : `; ${excused} fail on PostgreSQL too`;
  console.log(`${records} records in ${files.length} files, ${failed} failed${excuse}`);
  return failed === 0 && records > 0 ? 0 : 1;
}

process.exitCode = await runTool(
  { name: NAME, usage: USAGE, options: OPTIONS, positionals: true },
  process.argv.slice(2),
  ({ values: { url, peer, only, show }, positionals }) => {
    const roots = positionals.length === 0 ? [resolve(DEFAULT_FOLDER)] : positionals;
    for (const root of roots) if (!existsSync(root)) throw new UsageError(NAME, `there is no ${root}`);
    const files = roots.flatMap(filesIn).filter((file) => file.includes(only));
    return runAll({ url, peer, files, show: wholeNumber(NAME, 'show', show) });
  },
);
