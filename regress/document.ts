/** docs/sql/regression.md: what a run of all scripts found, counted. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '../bench/client.js';
import type { Difference, Verdict } from './classify.js';

/** What a run was of. */
export interface RunFacts {
  readonly commit: string;
  /** The versions of the PostgreSQL that ran the scripts, and of theirs. */
  readonly peer: string;
  readonly source: string;
}

const FACTS = 'facts.json';

/** Kept with the outputs, for who compares these again later. Without a peer these are of the one that is kept. */
export async function keepFacts(keep: string, source: string, peerUrl: string | undefined): Promise<void> {
  const peer = peerUrl === undefined ? (keptFacts(keep)?.peer ?? 'unknown') : await versionAt(peerUrl);
  const facts: RunFacts = { commit: commitHere(), peer, source: versionOf(source) };
  mkdirSync(keep, { recursive: true });
  writeFileSync(join(keep, FACTS), `${JSON.stringify(facts)}\n`);
}

async function versionAt(url: string): Promise<string> {
  const client = await Client.connect(url);
  try {
    const { rows } = await client.query("SELECT split_part(current_setting('server_version'), ' ', 1)");
    return String(rows[0]![0]);
  } finally {
    client.close();
  }
}

/** null: nothing is kept. */
export function keptFacts(keep: string): RunFacts | null {
  const file = join(keep, FACTS);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RunFacts) : null;
}

/** Of the working tree that was built; told as changed where it is not as it was committed. */
function commitHere(): string {
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'unknown';
  }
}

function versionOf(source: string): string {
  const file = join(source, 'configure');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return /^PACKAGE_VERSION='([^']*)'/m.exec(text)?.[1] ?? 'unknown';
}

const CLASSES: Readonly<Record<string, string>> = {
  wrong: 'another answer, or another SQLSTATE: [below](#wrong)',
  missing: 'a feature of the language, a function, a catalog that is not there: [below](#missing)',
  unclassified: 'nobody has said why yet',
  follows: 'the same once what is refused here is refused there too: proved',
  partitions: 'partitioned tables',
  planner: 'the text of a plan, or what depends on the plan',
  textsearch: '`tsvector`, `tsquery`, their configurations',
  unsupported: 'another 0A000',
  'statistics-ext': '`CREATE STATISTICS`',
  triggers: 'triggers',
  publication: 'logical replication',
  policies: 'row-level security',
  inheritance: '`INHERITS`',
  xml: '`xml`',
  cfunctions: 'functions in C, base types',
  opclass: 'operator classes, access methods',
  rules: '`CREATE RULE`',
  geometry: '`point`, `box` …',
  physical: 'pages, `ctid`, TOAST, relfilenodes',
  foreign: 'foreign data',
  operators: '`CREATE OPERATOR`',
  'psql-internal': "the server's files, its internal functions, settings that only old programs change",
  largeobjects: 'large objects',
  text: 'same SQLSTATE, another wording, hint or position',
  'rows-of-equals':
    'which of several rows it is, where nothing says which: rows of equals, samples, the row a cursor is at',
  money: '`money`',
  'memory-order': 'the same rows in another order, where no ORDER BY asks for one',
  'event-triggers': 'event triggers',
  tablespaces: 'tablespaces',
  exclusion: '`EXCLUDE`',
};
/** They come first, whatever their number. */
const FIRST = ['wrong', 'missing', 'unclassified', 'follows'];

/** The whole page. `refused`: how many statements PostgreSQL was made to refuse. */
export function page(verdicts: readonly Verdict[], facts: RunFacts, refused: number): string {
  const differences = verdicts.flatMap((verdict) => verdict.differences);
  const statements = verdicts.reduce((sum, verdict) => sum + verdict.statements, 0);
  const same = statements - differences.length;
  const of = (reason: string): Difference[] => differences.filter((difference) => difference.reason === reason);
  const follows = of('follows').length;
  const share = ((100 * same) / statements).toFixed(1);
  return `# PostgreSQL's own regression scripts

This page is written by a run (\`--document\`, below).

All ${verdicts.length} scripts of PostgreSQL 15's \`parallel_schedule\` ran on PostgreSQL ${facts.peer} and on one node built from commit ${facts.commit}, each
statement compared by itself (scripts of ${facts.source}; \`test_setup\` with text for \`point\` and \`path\`, without INHERITS). Of ${grouped(statements)} statements ${grouped(same)} (${share} %) gave the same: rows, errors with SQLSTATE, hints,
notices. ${grouped(follows)} more give the same once PostgreSQL refuses what is refused here: one CREATE TABLE takes all that follow with it. That is
not guessed from names but run: PostgreSQL did all scripts again, in the end with the ${grouped(refused)} statements that fail here alone replaced by failing ones
([testing](../internals/testing.md)). Each of the other ${grouped(differences.length - follows)} has a reason in \`regress/reasons\`, or says
by itself what is left out (0A000). The counts are of statements, not of causes.

| class | what differs | statements |
|---|---|---|
| same | | ${grouped(same)} |
${classes(differences)}

To run it (psql, and a PostgreSQL 15 whose database \`regression\` and roles \`regress_…\` may be dropped):

\`\`\`
npm run regress -- --postgres-source DIR --peer postgresql://postgres@127.0.0.1:5432/postgres --document docs/sql/regression.md
\`\`\`

A difference without a reason makes it fail (now and then one of \`tablesample\`, whose SYSTEM samples come by chance), and so does a reason without a difference; [testing](../internals/testing.md) says how reasons are
written. A reason is said once for all statements of a script that begin with the same 80 characters; where they differ for several causes, it names the
gravest.

## Wrong

${causes(of('wrong'))}

## Missing

What [differences](differences.md) explains is marked "documented".

${causes(of('missing'))}
`;
}

function classes(differences: readonly Difference[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of differences) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const rank = (reason: string): number => (FIRST.includes(reason) ? FIRST.indexOf(reason) : FIRST.length);
  return [...counts]
    .sort(([a, m], [b, n]) => rank(a) - rank(b) || n - m)
    .map(([reason, count]) => `| \`${reason}\` | ${CLASSES[reason] ?? ''} | ${grouped(count)} |`)
    .join('\n');
}

/** One row for each cause, in the words of its reason, the commonest first. */
function causes(differences: readonly Difference[]): string {
  if (differences.length === 0) return 'Nothing.';
  const byWords = new Map<string, Difference[]>();
  for (const difference of differences) {
    const known = byWords.get(difference.words);
    if (known === undefined) byWords.set(difference.words, [difference]);
    else known.push(difference);
  }
  const rows = [...byWords]
    .sort(([a, m], [b, n]) => n.length - m.length || (a < b ? -1 : 1))
    .map(([words, of]) => {
      const scripts = [...new Set(of.map(({ script }) => `\`${script}\``))].sort().join(', ');
      return `| ${words.replaceAll('|', '\\|')} | ${of.length} | ${scripts} |`;
    });
  return ['| what | statements | scripts |', '|---|---|---|', ...rows].join('\n');
}

function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}
