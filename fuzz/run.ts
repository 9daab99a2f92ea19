/**
 * npm run fuzz: see --help.
 *
 * Random schemas, rows and statements on Quoral and on PostgreSQL (PGlite in this process, or the server at --peer,
 * whose database is emptied); answers must be the same. A difference is made small before it is shown. Exits with 1 if
 * there was one.
 */
import { UsageError } from '../src/cli/exit.js';
import { runTool, wholeNumber } from '../src/cli/tool.js';
import { startCluster } from '../src/testing/index.js';
import { Calls } from './calls.js';
import { Histories } from './histories.js';
import { hostile } from './hostile.js';
import { aFormat } from './formats.js';
import { Comparison } from './comparison.js';
import { compareExactly } from './judge.js';
import { besiege } from './siege.js';
import { aPathUse } from './paths.js';
import { aPatternUse } from './patterns.js';
import { type Piece, textOf } from './pieces.js';
import { type KindOfProgram, KINDS_OF_PROGRAMS, programOf } from './program.js';
import { Random } from './random.js';
import { type Answer, emptied, pglite, postgres, quoral, type Server } from './servers.js';
import { type Found, shrunk } from './shrink.js';

const SHOWN_MAX = 200;

/** Kinds of statements that stand alone. */
const ALONE = new Map<string, (random: Random) => Piece>([
  ['formats', aFormat],
  ['paths', aPathUse],
  ['patterns', aPatternUse],
]);

const NAME = 'fuzz';
const USAGE = `npm run fuzz -- [options]
  --seed N          one seed
  --from N          first seed (default 1)
  --seeds N         how many (default 20)
  --statements N    statements of a seed (default 200)
  --peer URL        the PostgreSQL to compare with, whose database is emptied (default PGlite in this process)
  --program NAME    programs of one kind: ${KINDS_OF_PROGRAMS.join(', ')} (default: both, the second in every fourth seed)
  --kind KIND       statements that stand alone: ${[...ALONE.keys()].join(', ')}
  --open            shows what is left open of definitions
  --calls           statements that stand alone: every function, operator and aggregate
  --serial          histories of transactions at SERIALIZABLE, each like some serial order of those that committed; on
                    Quoral, or on the --peer alone; --statements histories of a seed
  --hostile         what is meant to use up time and memory, on Quoral alone
  --only NAME       --hostile: from that one on`;
const OPTIONS = {
  from: { type: 'string', default: '1' },
  seeds: { type: 'string', default: '20' },
  seed: { type: 'string' },
  statements: { type: 'string', default: '200' },
  peer: { type: 'string' },
  program: { type: 'string', default: '' },
  kind: { type: 'string', default: '' },
  open: { type: 'boolean', default: false },
  calls: { type: 'boolean', default: false },
  serial: { type: 'boolean', default: false },
  hostile: { type: 'boolean', default: false },
  only: { type: 'string', default: '' },
} as const;

interface Range {
  readonly first: number;
  readonly seeds: number;
  readonly count: number;
}

/** Statements that stand alone, each for itself, to the word: 1 if there was a difference. */
async function single(make: (random: Random) => Piece, ours: Server, theirs: Server, range: Range): Promise<number> {
  let differences = 0;
  let statements = 0;
  await Promise.all([emptied(ours), emptied(theirs)]);
  for (let seed = range.first; seed < range.first + range.seeds; seed++) {
    const random = new Random(seed);
    for (let i = 0; i < range.count; i++, statements++) {
      const text = textOf(make(random));
      const [a, b] = await Promise.all([ours.query(text), theirs.query(text)]);
      const verdict = compareExactly(text, a, b, theirs.version);
      if (typeof verdict === 'string') continue;
      if (++differences <= SHOWN_MAX) console.log(`seed ${seed}, statement ${i}: ${verdict.difference}\n  ${text};`);
    }
  }
  console.log(`${statements} single statements against ${theirs.name}: ${differences} differences`);
  await Promise.all([ours.close(), theirs.close()]);
  return differences === 0 ? 0 : 1;
}

/** 1 if one ended in another way than it should. */
async function siege(only: string): Promise<number> {
  const all = hostile();
  const from = all.findIndex((one) => one.name === only);
  const cases = all.slice(Math.max(0, from));
  const outcomes = await besiege(cases, ({ name, answer, sqlstate, tookMs, heldMs, peakMb }) => {
    const figures = `${tookMs.toFixed()} ms, loop held ${heldMs.toFixed()} ms, at most ${peakMb} MB`;
    console.log(`${name}: ${sqlstate ?? 'ok'} ${answer} (${figures})`);
  });
  const expected = new Map(all.map((one) => [one.name, one.ends]));
  const wrong = outcomes.filter(({ name, answer, sqlstate }) => {
    const ends = expected.get(name)!;
    if (sqlstate === null) return ends !== `=${answer.slice(0, 40)}` && !ends.split(' ').includes(`=${answer}`);
    // A slow machine may reach the time-out first.
    return sqlstate !== '57014' && !ends.split(' ').includes(sqlstate);
  });
  for (const { name, sqlstate, answer } of wrong) console.log(`WRONG ${name}: ${sqlstate ?? ''} ${answer}`);
  return wrong.length === 0 ? 0 : 1;
}

/** 1 if a history is like no serial order. */
async function serial(peer: string | undefined, { first, seeds, count }: Range): Promise<number> {
  const cluster = peer === undefined ? await startCluster({ nodes: 1 }) : null;
  let wrong = 0;
  const total = { played: 0, committed: 0, aborted: 0 };
  for (let seed = first; seed < first + seeds; seed++) {
    const histories = await Histories.connect(seed, [cluster?.url() ?? peer!]);
    for (let i = 0; i < count; i++) {
      const why = await histories.play();
      if (why === null) continue;
      wrong++;
      console.log(`seed ${seed}, history ${i} is like no serial order:\n${why}`);
    }
    total.played += histories.played;
    total.committed += histories.committed;
    total.aborted += histories.aborted;
    await histories.close();
  }
  const { played, committed, aborted } = total;
  console.log(
    `${played} histories, ${committed} transactions committed, ${aborted} failed: ${wrong} histories are wrong`,
  );
  await cluster?.close();
  return wrong === 0 ? 0 : 1;
}

interface Values {
  readonly from: string;
  readonly seeds: string;
  readonly seed?: string | undefined;
  readonly statements: string;
  readonly peer?: string | undefined;
  readonly program: string;
  readonly kind: string;
  readonly open: boolean;
  readonly calls: boolean;
  readonly serial: boolean;
  readonly hostile: boolean;
  readonly only: string;
}

async function run(values: Values): Promise<number> {
  if (values.hostile) return siege(values.only);
  const range: Range = {
    first: wholeNumber(NAME, 'seed', values.seed ?? values.from),
    seeds: values.seed === undefined ? wholeNumber(NAME, 'seeds', values.seeds) : 1,
    count: wholeNumber(NAME, 'statements', values.statements),
  };
  if (values.serial) return serial(values.peer, range);
  const kind = KINDS_OF_PROGRAMS.find((one) => one === values.program) ?? null;
  if (kind === null && values.program !== '')
    throw new UsageError(NAME, `--program is one of ${KINDS_OF_PROGRAMS.join(', ')}, not "${values.program}"`);
  const alone = ALONE.get(values.kind);
  if (values.kind !== '' && alone === undefined)
    throw new UsageError(NAME, `--kind is one of ${[...ALONE.keys()].join(', ')}, not "${values.kind}"`);
  const [ours, theirs] = await Promise.all([quoral(), values.peer === undefined ? pglite() : postgres(values.peer)]);
  if (alone !== undefined) return single(alone, ours, theirs, range);
  if (values.calls) {
    const calls = await Calls.of(ours, theirs);
    console.log(`${calls.size} functions, operators and aggregates`);
    return single((random) => calls.statement(random), ours, theirs, range);
  }
  const comparison = new Comparison(ours, theirs);
  const shown = (one: Answer): string => (one.ok ? 'ok' : `${one.sqlstate} ${one.message}`);
  if (values.open)
    comparison.onOpen = (text, a, b) => console.log(`open: ${text}\n  ours ${shown(a)}; theirs ${shown(b)}`);
  return compareRandom(comparison, range, kind);
}

/** Random schemas with their statements: 1 if there was a difference. */
async function compareRandom(
  comparison: Comparison,
  { first, seeds, count }: Range,
  kind: KindOfProgram | null,
): Promise<number> {
  const { ours, theirs } = comparison;
  const startedMs = Date.now();
  let shownMs = startedMs;
  let differences = 0;
  let statements = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    const { pieces, guarded } = programOf(seed, count, theirs.languages, kind);
    const before = comparison.statements;
    const run = (texts: readonly string[]): Promise<Found | null> =>
      guarded ? comparison.runGuarded(texts) : comparison.run(texts);
    const found = await run(pieces.map(textOf));
    statements += comparison.statements - before;
    if (found !== null) {
      differences++;
      const { statements: least, text } = await shrunk(run, pieces, found);
      console.log(`seed ${seed}, statement ${found.at}: ${text}\n${least.map((s) => `  ${s};`).join('\n')}`);
    }
    if (Date.now() - shownMs < 10_000) continue;
    shownMs = Date.now();
    const rate = Math.round((statements / (shownMs - startedMs)) * 1000);
    console.log(
      `${seed - first + 1} of ${seeds} seeds, ${statements} statements, ${differences} differences, ${rate}/s`,
    );
  }
  console.log(
    `${seeds} seeds, ${statements} statements against ${theirs.name}: ${differences} differences; ${comparison.open} left open`,
  );
  await Promise.all([ours.close(), theirs.close()]);
  return differences === 0 ? 0 : 1;
}

process.exitCode = await runTool({ name: NAME, usage: USAGE, options: OPTIONS }, process.argv.slice(2), ({ values }) =>
  run(values),
);
