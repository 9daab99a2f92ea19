/** What a run found, in text. */
import { type Difference, UNCLASSIFIED, type Verdict } from './classify.js';
import { REASONS } from './reasons.js';
import { beginningOf } from './split.js';

const LINE_LENGTH_MAX = 160;

/** One row for a script, and the sums. */
export function table(verdicts: readonly Verdict[]): string {
  const all = { script: 'all', statements: 0, differences: [] as Difference[], stale: [] };
  for (const { statements, differences } of verdicts) {
    all.statements += statements;
    all.differences.push(...differences);
  }
  const width = Math.max(6, ...verdicts.map(({ script }) => script.length));
  const row = ({ script, statements, differences }: Verdict): string => {
    const same = statements - differences.length;
    const reasons = countsOf(differences).map(([reason, count]) => `${reason} ${count}`);
    return `${script.padEnd(width)} ${pad(statements)} ${pad(same)}  ${reasons.join(', ')}`.trimEnd();
  };
  const head = `${'script'.padEnd(width)} statements   same  what differs, by reason`;
  return [head, ...verdicts.map(row), row(all)].join('\n');
}

/** What needs somebody's eyes: what nothing explains, what is to be done, and reasons for nothing. */
export function findings(verdicts: readonly Verdict[]): string {
  const differences = verdicts.flatMap((verdict) => verdict.differences);
  const open = ['wrong', 'missing', UNCLASSIFIED].flatMap((reason) => {
    const of = differences.filter((difference) => difference.reason === reason);
    return of.length === 0 ? [] : [`\n${reason}: ${of.length}`, ...of.map(describe)];
  });
  const stale = verdicts.flatMap((verdict) => verdict.stale);
  const lines = stale.map(({ script, beginning, reason }) => `  ${script}.tsv: ${beginning} (${reason})`);
  return [...open, ...(stale.length === 0 ? [] : [`\nreasons for nothing: ${stale.length}`, ...lines])].join('\n');
}

export function describe({ script, statement, words, lines: [there, here] }: Difference): string {
  const what = words === '' ? '' : ` (${words})`;
  const cut = (line: string): string => line.slice(0, LINE_LENGTH_MAX);
  return `  ${script}:${statement.line}: ${beginningOf(statement.text)}${what}\n    P ${cut(there)}\n    Q ${cut(here)}`;
}

/** Lines for reasons/SCRIPT.tsv in which the reason is to be filled in, one for each beginning. */
export function blanks(differences: readonly Difference[]): string {
  const byBeginning = new Map<string, Difference>();
  for (const difference of differences) {
    const beginning = beginningOf(difference.statement.text);
    if (difference.reason === UNCLASSIFIED && !byBeginning.has(beginning)) byBeginning.set(beginning, difference);
  }
  return [...byBeginning]
    .map(
      ([
        beginning,
        {
          lines: [there, here],
        },
      ]) => `${beginning}\t?\tP ${there} Q ${here}\n`,
    )
    .join('');
}

/** What is to be done first, then by number. */
function countsOf(differences: readonly Difference[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { reason } of differences) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const urgent = (reason: string): number => (reason === UNCLASSIFIED || REASONS[reason] === 'open' ? 0 : 1);
  return [...counts].sort(([a, m], [b, n]) => urgent(a) - urgent(b) || n - m);
}

function pad(count: number): string {
  return String(count).padStart(8);
}
