/**
 * npm run isolation: see --help.
 *
 * Runs PostgreSQL's own isolation tests on Quoral and on PostgreSQL, and compares who waits for whom and what each step
 * gives. Nothing of PostgreSQL is in this repository but the names of its specifications (regress/isolation/reasons.tsv).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster } from '../../bench/cluster.js';
import { UsageError } from '../../src/cli/exit.js';
import { runTool, wholeNumber } from '../../src/cli/tool.js';
import { freshDatabase } from '../servers.js';
import { type Compared, compare, readReasons, report } from './compare.js';
import { Side } from './servers.js';
import { parseSpec, permutationsOf } from './spec.js';

const NAME = 'isolation';
const SPECS_FOLDER = 'src/test/isolation/specs';
const USAGE = `npm run isolation -- --postgres-source DIR --peer URL [options]
  --postgres-source DIR  an unpacked source of PostgreSQL 15, whose ${SPECS_FOLDER} are run
  --peer URL             a PostgreSQL 15 for tests: its database "regression" and its roles "regress_…" are dropped
  --quoral URL           the server to compare (default a node of its own; its database and roles go likewise)
  --only NAME,…          only these specifications
  --permutations N       at most so many of a specification, evenly chosen (default 60)
  --reasons FILE         why outcomes may differ (default regress/isolation/reasons.tsv)
  --show                 shows what both servers said of each difference, also of those with a reason
Exits with 1 if a difference has no reason, or a reason no difference.`;
const OPTIONS = {
  'postgres-source': { type: 'string' },
  peer: { type: 'string' },
  quoral: { type: 'string' },
  only: { type: 'string' },
  permutations: { type: 'string', default: '60' },
  reasons: { type: 'string', default: 'regress/isolation/reasons.tsv' },
  show: { type: 'boolean', default: false },
} as const;

interface Urls {
  readonly there: string;
  readonly here: string;
}

async function runSpec(name: string, text: string, urls: Urls, permutationsMax: number): Promise<Compared[]> {
  const spec = parseSpec(text);
  const serializable = /\bisolation\s+level\s+serializable\b|default_transaction_isolation\W+serializable/i.test(text);
  const here = await Side.connect(spec, name, urls.here);
  const there = await Side.connect(spec, name, urls.there);
  const found: Compared[] = [];
  try {
    for (const permutation of permutationsOf(spec, permutationsMax)) {
      // What we refuse to set up is not there on PostgreSQL either, so that the rest can be compared.
      const refused = await here.setUp(new Set());
      await there.setUp(refused);
      const [ours, theirs] = await Promise.all([here.run(permutation), there.run(permutation)]);
      await Promise.all([here.tearDown(), there.tearDown()]);
      found.push(compare(name, permutation, theirs, ours, serializable));
    }
  } finally {
    await here.close();
    await there.close();
  }
  return found;
}

function namesToRun(folder: string, only: string | undefined): string[] {
  const all = readdirSync(folder)
    .filter((file) => file.endsWith('.spec'))
    .map((file) => file.slice(0, -'.spec'.length))
    .sort();
  if (only === undefined) return all;
  const unknown = only.split(',').find((name) => !all.includes(name));
  if (unknown !== undefined) throw new UsageError(NAME, `there is no ${unknown}.spec`);
  return all.filter((name) => only.split(',').includes(name));
}

process.exitCode = await runTool(
  { name: NAME, usage: USAGE, options: OPTIONS },
  process.argv.slice(2),
  async ({ values }) => {
    const source = values['postgres-source'];
    if (source === undefined || values.peer === undefined)
      throw new UsageError(NAME, '--postgres-source and --peer are needed');
    const folder = join(source, SPECS_FOLDER);
    if (!existsSync(folder)) throw new UsageError(NAME, `there is no ${folder}`);
    const names = namesToRun(folder, values.only);
    const permutationsMax = wholeNumber(NAME, 'permutations', values.permutations, 1);
    const reasons = readReasons(values.reasons, names);
    const cluster = values.quoral === undefined ? await startCluster(['--nodes', '1']) : null;
    try {
      const all: Compared[] = [];
      for (const name of names) {
        const startedMs = Date.now();
        // A setup that we refuse in part may leave tables that its teardown does not name, in the way of the next.
        const urls = {
          there: await freshDatabase(values.peer),
          here: await freshDatabase(values.quoral ?? cluster!.urls[0]!),
        };
        const found = await runSpec(name, readFileSync(join(folder, `${name}.spec`), 'utf8'), urls, permutationsMax);
        all.push(...found);
        const differ = found.filter(({ difference }) => difference !== null).length;
        const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
        console.log(`${name}: ${found.length} permutations, ${differ} differ, ${seconds} s`);
      }
      const { text, fails } = report(all, reasons, values.show);
      console.log(text);
      return fails ? 1 : 0;
    } finally {
      await cluster?.stop();
    }
  },
);
