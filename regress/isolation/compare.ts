/**
 * Whether a permutation went the same way on both servers, and if not, why not. Two reasons are seen from what happened; the others
 * are said by hand, in reasons.tsv: the specification, TAB, the steps' names or `*`, TAB, a few words.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Taken } from './spec.js';
import type { Trace } from './tester.js';

export interface Compared {
  readonly spec: string;
  /** The steps' names. */
  readonly permutation: string;
  /** The first line that differs: PostgreSQL's, ours. */
  readonly difference: readonly [string, string] | null;
  /** Why they may differ, where that needs nobody to say it. */
  readonly evident: string | null;
  readonly theirs: readonly string[];
  readonly ours: readonly string[];
}

/** Why permutations of a specification may differ: all of them (`*`), or the one with these steps. */
export interface Reason {
  readonly spec: string;
  readonly permutation: string;
  readonly words: string;
}

/**
 * Which of several transactions fails at SERIALIZABLE, whether one waits instead, and when it is told is nobody's promise. (That what
 * commits is in some order is tested by fuzzing histories, and by the simulator.)
 */
const SERIALIZABLE = 'SERIALIZABLE: other transactions may fail, or wait, or fail at another step';
const LEFT_OUT = 'something that it needs is left out (0A000)';

export function compare(
  spec: string,
  permutation: readonly Taken[],
  theirs: Trace,
  ours: Trace,
  serializable = false,
): Compared {
  const [a, b] = [theirs.lines, ours.lines];
  const at = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i).find((i) => !sameLine(a[i], b[i]));
  return {
    spec,
    permutation: permutation.map(({ step }) => step.name).join(' '),
    difference: at === undefined ? null : [a[at] ?? '(nothing)', b[at] ?? '(nothing)'],
    evident: serializable ? SERIALIZABLE : b.some((line) => / ERROR 0A000:/.test(line)) ? LEFT_OUT : null,
    theirs: a,
    ours: b,
  };
}

/** Of errors the SQLSTATE decides: their texts are compared by other tests. */
function sameLine(a: string | undefined, b: string | undefined): boolean {
  const known = (line: string | undefined): string | undefined => line?.replace(/^( +ERROR \w+): .*$/s, '$1');
  return known(a) === known(b);
}

/** Those of these specifications. @throws Error for a line that is none */
export function readReasons(file: string, names: readonly string[]): Reason[] {
  return existsSync(file) ? parseReasons(readFileSync(file, 'utf8')).filter(({ spec }) => names.includes(spec)) : [];
}

export function parseReasons(text: string): Reason[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const [spec = '', permutation = '', words = ''] = line.split('\t').map((part) => part.trim());
    if (spec === '' || permutation === '' || words === '')
      throw new Error(`line ${i + 1} of the reasons has no three parts`);
    return [{ spec, permutation, words }];
  });
}

function fits({ spec, permutation }: Reason, compared: Compared): boolean {
  return spec === compared.spec && (permutation === '*' || permutation === compared.permutation);
}

export function report(
  all: readonly Compared[],
  reasons: readonly Reason[],
  show: boolean,
): { readonly text: string; readonly fails: boolean } {
  const used = new Set<Reason>();
  const lines: string[] = [];
  let unexplained = 0;
  let explained = 0;
  for (const compared of all) {
    if (compared.difference === null) continue;
    const reason = reasons.find((candidate) => fits(candidate, compared));
    if (reason !== undefined) used.add(reason);
    const words = reason?.words ?? compared.evident;
    if (words === null) unexplained++;
    else explained++;
    if (words !== null && !show) continue;
    lines.push(`\n${compared.spec}: ${compared.permutation}${words === null ? '' : `\n  (${words})`}`);
    lines.push(`  PostgreSQL: ${compared.difference[0]}`, `  Quoral:     ${compared.difference[1]}`);
    if (show) lines.push(...both('PostgreSQL', compared.theirs), ...both('Quoral', compared.ours));
  }
  // Not those of permutations that this run leaves out.
  const stale = reasons.filter((reason) => !used.has(reason) && all.some((compared) => fits(reason, compared)));
  for (const { spec, permutation } of stale) lines.push(`\na reason for no difference: ${spec}\t${permutation}`);
  const same = all.length - explained - unexplained;
  lines.push(
    `\n${all.length} permutations: ${same} the same, ${explained} differ for a reason, ${unexplained} without`,
  );
  return { text: lines.join('\n'), fails: unexplained + stale.length > 0 };
}

function both(server: string, lines: readonly string[]): string[] {
  return [`  ${server}:`, ...lines.map((line) => `    ${line}`)];
}
