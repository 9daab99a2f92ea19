/**
 * npm run regress: see --help.
 *
 * Runs PostgreSQL's own regression scripts on Quoral and on PostgreSQL and compares what psql shows, statement by
 * statement. Nothing of PostgreSQL is in this repository but the first words of statements (regress/reasons), which
 * say why the outcome may differ.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type OwnCluster, startCluster } from '../bench/cluster.js';
import { UsageError } from '../src/cli/exit.js';
import { runTool, wholeNumber } from '../src/cli/tool.js';
import { Classifier, type Proof, UNCLASSIFIED, type Verdict } from './classify.js';
import { keepFacts, keptFacts, page } from './document.js';
import { type Outcome, readOutcomes, runPsql } from './psql.js';
import { readReasons } from './reasons.js';
import { failsAlone, refusedAlone, STAGES } from './refused.js';
import { blanks, describe, findings, table } from './report.js';
import { REGRESS_FOLDER, scheduled } from './schedule.js';
import { marked, readScript, type Refused, type Script } from './scripts.js';
import { freshDatabase } from './servers.js';

const NAME = 'regress';
const USAGE = `npm run regress -- --postgres-source DIR --peer URL [options]
  --postgres-source DIR  an unpacked source of PostgreSQL 15, whose ${REGRESS_FOLDER} is run
  --peer URL             a PostgreSQL 15 for tests: its database "regression" and its roles "regress_…" are dropped
  --quoral URL           the server to compare (default a node of its own; its database and roles go likewise)
  --only NAME,…          only these scripts; what they need from earlier ones is not there but for test_setup
  --reasons DIR          why statements may differ (default regress/reasons)
  --keep DIR             keeps what psql showed there; a script that has a PostgreSQL's output there is not run on it
                         again, so that with all of them no --peer is needed
  --kept                 runs nothing: compares what --keep has of both servers
  --guess                runs PostgreSQL only once: what follows from an earlier refusal is guessed by names
  --blanks DIR           writes DIR/SCRIPT.tsv with a line for each difference that has no reason yet
  --document FILE        writes what a run of all scripts found (docs/sql/regression.md)
  --show REASON,…        lists the differences with these reasons too
  --timeout SECONDS      bound of a script on one server (default 240)
Exits with 1 if a difference has no reason, or a reason no difference.`;
const OPTIONS = {
  'postgres-source': { type: 'string' },
  peer: { type: 'string' },
  quoral: { type: 'string' },
  only: { type: 'string' },
  reasons: { type: 'string', default: 'regress/reasons' },
  keep: { type: 'string' },
  kept: { type: 'boolean', default: false },
  guess: { type: 'boolean', default: false },
  blanks: { type: 'string' },
  document: { type: 'string' },
  show: { type: 'string', default: '' },
  timeout: { type: 'string', default: '240' },
} as const;

interface Settings {
  readonly source: string;
  readonly peer: string | undefined;
  readonly quoral: string | undefined;
  readonly names: readonly string[];
  readonly reasons: string;
  readonly keep: string;
  readonly kept: boolean;
  readonly guess: boolean;
  readonly blanks: string | undefined;
  readonly document: string | undefined;
  readonly show: readonly string[];
  readonly timeoutMs: number;
}

interface Side {
  /** Of the folder in which its output is kept. */
  readonly name: string;
  /** Made when the first script needs it. */
  readonly url: () => Promise<string>;
  readonly reuses: boolean;
}

async function outcomesOn(
  { name, url, reuses }: Side,
  script: Script,
  settings: Settings,
  refused?: Refused,
): Promise<Outcome[]> {
  const folder = join(settings.keep, name);
  mkdirSync(join(folder, 'results'), { recursive: true });
  const outputFile = join(folder, `${script.name}.out`);
  const count = script.statements.length;
  if (reuses && existsSync(outputFile)) return readOutcomes(outputFile, count);
  const { source, timeoutMs } = settings;
  const sourceFolder = join(source, REGRESS_FOLDER);
  const run = {
    url: await url(),
    text: marked(script, refused),
    outputFile,
    sourceFolder,
    workFolder: settings.keep,
    timeoutMs,
  };
  mkdirSync(join(settings.keep, 'results'), { recursive: true });
  if (!(await runPsql(run))) console.log(`${script.name}: not done on ${name} after ${timeoutMs / 1000} s`);
  return readOutcomes(outputFile, count);
}

/** A script and what it gave on both servers. */
interface Compared {
  readonly script: Script;
  readonly there: readonly Outcome[];
  readonly here: readonly Outcome[];
}

async function compareAll(settings: Settings, [there, here]: readonly [Side, Side], prove: Prove): Promise<Verdict[]> {
  refuseOtherScripts(settings);
  // All before the first script, so that a bad line costs no run.
  const reasons = new Map(settings.names.map((name) => [name, readReasons(settings.reasons, name)]));
  const all: Compared[] = [];
  for (const [i, name] of settings.names.entries()) {
    const startedMs = Date.now();
    const script = readScript({ source: settings.source, work: settings.keep }, name);
    const onBoth = [await outcomesOn(there, script, settings), await outcomesOn(here, script, settings)] as const;
    all.push({ script, there: onBoth[0], here: onBoth[1] });
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
    console.log(`${i + 1}/${settings.names.length} ${name}: ${script.statements.length} statements, ${seconds} s`);
  }
  const proofs = settings.guess ? [] : await prove(all, settings);
  const classifier = new Classifier();
  return all.map(({ script, there: theirs, here: ours }, i) => {
    const verdict = classifier.script(script, theirs, ours, reasons.get(script.name)!, proofs[i]);
    if (settings.blanks !== undefined) writeBlanks(settings.blanks, verdict);
    return verdict;
  });
}

type Prove = (all: readonly Compared[], settings: Settings) => Promise<Proof[]>;

/**
 * Runs all of PostgreSQL's scripts again, until it refuses all that only we do: see refused.ts. Begins with what the last
 * such search in the folder came to, as far as that still fails here alone.
 */
function prover(freshUrl: () => Promise<string>): Prove {
  return async (all, settings) => {
    const lastFile = join(settings.keep, 'refused.txt');
    let run = 0;
    const without = async (refused: readonly Refused[]): Promise<Proof[]> => {
      run++;
      const count = refused.reduce((sum, { size }) => sum + size, 0);
      console.log(`PostgreSQL again, run ${run}: refuses ${count} statements`);
      const side = { name: `postgresql-${run}`, url: once(freshUrl), reuses: true };
      dropOthers(join(settings.keep, side.name), refusedText(all, refused));
      const proofs: Proof[] = [];
      for (const [i, { script }] of all.entries())
        proofs.push({ refused: refused[i]!, without: await outcomesOn(side, script, settings, refused[i]!) });
      return proofs;
    };
    const seeds = lastRefused(lastFile, all);
    let proofs: Proof[] = all.map(({ there }, i) => ({ refused: seeds[i]!, without: there }));
    if (seeds.some(({ size }) => size > 0)) proofs = await without(seeds);
    for (let stage = 0; stage < STAGES;) {
      // What was replaced and did not fail for all that (psql had it in a block that it skips) is not found for ever.
      const found = all.map(({ script, here }, i) =>
        refusedAlone(script.statements, proofs[i]!.without, here, stage).filter((at) => !proofs[i]!.refused.has(at)),
      );
      if (found.every(({ length }) => length === 0)) {
        stage++;
        continue;
      }
      proofs = await without(
        all.map(({ here }, i) => {
          const more = found[i]!.map((index) => [index, here[index]!] as const);
          return new Map([...proofs[i]!.refused, ...more]);
        }),
      );
    }
    writeFileSync(
      lastFile,
      refusedText(
        all,
        proofs.map(({ refused }) => refused),
      ),
    );
    return proofs;
  };
}

function refusedText(all: readonly Compared[], refused: readonly Refused[]): string {
  return all
    .map(({ script }, i) => `${script.name} ${[...refused[i]!.keys()].sort((a, b) => a - b).join(' ')}\n`)
    .join('');
}

function lastRefused(file: string, all: readonly Compared[]): Refused[] {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const byScript = new Map(
    lines.map((line) => [line.split(' ')[0]!, line.split(' ').slice(1).filter(Boolean).map(Number)]),
  );
  return all.map(({ script, there, here }) => {
    const indexes = (byScript.get(script.name) ?? []).filter((index) => {
      const statement = script.statements[index];
      return statement !== undefined && failsAlone(statement, there[index]!, here[index]!);
    });
    return new Map(indexes.map((index) => [index, here[index]!]));
  });
}

/** What is kept of a run that refused something else is of no use. */
function dropOthers(folder: string, refused: string): void {
  const file = join(folder, 'refused.txt');
  if (existsSync(file) && readFileSync(file, 'utf8') === refused) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, refused);
}

/** What a script shows depends on those before it. */
function refuseOtherScripts({ keep, names }: Settings): void {
  const file = join(keep, 'scripts.txt');
  const text = `${names.join('\n')}\n`;
  if (existsSync(file) && readFileSync(file, 'utf8') !== text)
    throw new UsageError(NAME, `the outputs in ${keep} are of other scripts (${file})`);
  mkdirSync(keep, { recursive: true });
  writeFileSync(file, text);
}

function writeBlanks(folder: string, { script, differences }: Verdict): void {
  mkdirSync(folder, { recursive: true });
  const text = blanks(differences);
  if (text !== '') writeFileSync(join(folder, `${script}.tsv`), text);
}

/** A URL that is asked for once. */
function once(make: () => Promise<string>): () => Promise<string> {
  let url: Promise<string> | undefined;
  return () => (url ??= make());
}

async function runAll(settings: Settings): Promise<number> {
  let cluster: OwnCluster | null = null;
  const quoral = async (): Promise<string> => {
    cluster = settings.quoral === undefined ? await startCluster(['--nodes', '1']) : null;
    return freshDatabase(settings.quoral ?? cluster!.urls[0]!);
  };
  const peer = async (): Promise<string> => {
    if (settings.peer === undefined) throw new UsageError(NAME, '--peer is needed: not all outputs are kept');
    return freshDatabase(settings.peer);
  };
  try {
    if (!settings.kept) await keepFacts(settings.keep, settings.source, settings.peer);
    const postgresql = { name: 'postgresql', url: once(peer), reuses: true };
    const ours = { name: 'quoral', url: once(quoral), reuses: settings.kept };
    const verdicts = await compareAll(settings, [postgresql, ours], prover(peer));
    for (const reason of settings.show) {
      const of = verdicts.flatMap(({ differences }) => differences).filter((found) => found.reason === reason);
      console.log(`\n${reason}: ${of.length}\n${of.map(describe).join('\n')}`);
    }
    console.log(`${findings(verdicts)}\n\n${table(verdicts)}`);
    if (settings.document !== undefined) writeDocument(settings.document, verdicts, settings.keep);
    const fails = verdicts.some(
      ({ differences, stale }) => stale.length > 0 || differences.some(({ reason }) => reason === UNCLASSIFIED),
    );
    return fails ? 1 : 0;
  } finally {
    await (cluster as OwnCluster | null)?.stop();
  }
}

function writeDocument(file: string, verdicts: readonly Verdict[], keep: string): void {
  const facts = keptFacts(keep);
  if (facts === null) throw new UsageError(NAME, `${keep} does not tell what was run: --document needs a run`);
  const lines = readFileSync(join(keep, 'refused.txt'), 'utf8').split('\n');
  const refused = lines.reduce((sum, line) => sum + line.split(' ').slice(1).filter(Boolean).length, 0);
  writeFileSync(file, page(verdicts, facts, refused));
}

function namesToRun(source: string, only: string | undefined): string[] {
  const all = scheduled(source);
  if (only === undefined) return all;
  const wanted = new Set(['test_setup', ...only.split(',')]);
  const unknown = [...wanted].find((name) => !all.includes(name));
  if (unknown !== undefined) throw new UsageError(NAME, `the schedule has no ${unknown}`);
  return all.filter((name) => wanted.has(name));
}

process.exitCode = await runTool(
  { name: NAME, usage: USAGE, options: OPTIONS },
  process.argv.slice(2),
  async ({ values }) => {
    const source = values['postgres-source'];
    if (source === undefined) throw new UsageError(NAME, '--postgres-source is needed');
    const partly = values.only !== undefined || values.guess;
    if (values.document !== undefined && partly)
      throw new UsageError(NAME, '--document is of all scripts, and of what is proved: not with --only or --guess');
    if (!existsSync(join(source, REGRESS_FOLDER)))
      throw new UsageError(NAME, `there is no ${join(source, REGRESS_FOLDER)}`);
    const own = values.keep === undefined ? mkdtempSync(join(tmpdir(), 'quoral-regress-')) : null;
    try {
      return await runAll({
        source: resolve(source),
        peer: values.peer,
        quoral: values.quoral,
        names: namesToRun(source, values.only),
        reasons: values.reasons,
        keep: resolve(own ?? values.keep!),
        kept: values.kept,
        guess: values.guess,
        blanks: values.blanks,
        document: values.document,
        show: values.show.split(',').filter((reason) => reason !== ''),
        timeoutMs: 1000 * wholeNumber(NAME, 'timeout', values.timeout, 1),
      });
    } finally {
      if (own !== null) rmSync(own, { recursive: true, force: true });
    }
  },
);
