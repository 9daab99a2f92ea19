/**
 * Says of every statement whether it is the same on both servers, and if not, why. In this order:
 *
 * 1. a line of reasons/SCRIPT.tsv;
 * 2. ours is a 0A000, which says what is left out (not where PostgreSQL's is one too);
 * 3. it is the text of a plan;
 * 4. the line `*` of reasons/SCRIPT.tsv.
 *
 * Before all that it `follows` from a refusal if PostgreSQL gives our answer once it refuses the same statements
 * (refused.ts). Without that proof it is guessed, between 3 and 4: it names what a statement should have made that only
 * PostgreSQL carried out, or stands in a transaction block that such a statement aborted.
 *
 * No reason may hide more than it says: `text` is refused where the SQLSTATEs differ, `memory-order` where the rows are
 * others, and what is `wrong` or `missing` is never excused by what comes after it.
 */
import { ABORTED, errorOf, firstDifference, sameLines, sameOutcome, UNDEFINED } from './compare.js';
import type { Outcome } from './psql.js';
import { type ReasonLine, reasonOfMessage } from './reasons.js';
import type { Refused, Script } from './scripts.js';
import { beginningOf, type Statement } from './split.js';

/** Of a difference that nothing explains. */
export const UNCLASSIFIED = 'unclassified';

export interface Difference {
  readonly script: string;
  readonly statement: Statement;
  readonly reason: string;
  readonly words: string;
  /** The first line that differs: PostgreSQL's, ours. */
  readonly lines: readonly [string, string];
}

export interface Verdict {
  readonly script: string;
  readonly statements: number;
  readonly differences: readonly Difference[];
  /** Lines that no difference needs. */
  readonly stale: readonly ReasonLine[];
}

/** What a statement makes, or would have: CREATE … NAME, SELECT … INTO NAME, ALTER … RENAME TO NAME, ADD COLUMN NAME. */
const MADE = [
  /\bcreate\s+(?:or\s+replace\s+)?(?:(?:global|local|temp|temporary|unlogged|unique|recursive|materialized|foreign|trusted|procedural|constraint|event)\s+)*(?:table|view|index|sequence|type|domain|function|procedure|aggregate|schema|role|user|group|rule|trigger|policy|statistics|publication|subscription|extension|language|collation|conversion|server|cast|tablespace|operator(?:\s+(?:class|family))?|text\s+search\s+\w+|access\s+method)\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?((?:"[^"]+"|[\w$]+)(?:\.(?:"[^"]+"|[\w$]+))*)/gi,
  /\binto\s+(?:temp\s+|temporary\s+|unlogged\s+)?(?:table\s+)?((?:"[^"]+"|\w+)(?:\.(?:"[^"]+"|\w+))*)\s+from\b/gi,
  /\brename\s+(?:column\s+\S+\s+|\w+\s+)?to\s+("[^"]+"|\w+)/gi,
  /\badd\s+(?:column\s+|constraint\s+)(?:if\s+not\s+exists\s+)?("[^"]+"|\w+)/gi,
  /^\s*(?:declare|prepare|savepoint)\s+("[^"]+"|\w+)/gi,
];
/** What would be found in every second statement. */
const COMMON = new Set([
  'on',
  'as',
  'from',
  'select',
  'table',
  'public',
  'if',
  'not',
  'or',
  'a',
  'b',
  'c',
  'id',
  'x',
  'y',
]);

const CATALOGS = /^\\d|\bpg_\w+|\binformation_schema\b|::reg\w+|obj_description|\bdrop\b.*\bif exists\b/i;
/** What PostgreSQL says where it refuses what only we do. */
export interface Proof {
  readonly refused: Refused;
  readonly without: readonly Outcome[];
}

export class Classifier {
  /** Names that exist on PostgreSQL only. */
  readonly #lost = new Set<string>();
  /** A transaction block is aborted on one server only. */
  #aborted = false;

  script(
    script: Script,
    there: readonly Outcome[],
    here: readonly Outcome[],
    lines: readonly ReasonLine[],
    proof?: Proof,
  ): Verdict {
    const byBeginning = new Map(lines.map((line) => [line.beginning, line]));
    const used = new Set<ReasonLine>();
    const differences: Difference[] = [];
    for (const [i, statement] of script.statements.entries()) {
      const [plain, b] = [there[i]!, here[i]!];
      const a = proof === undefined || proof.refused.has(i) ? plain : proof.without[i]!;
      const same = sameOutcome(statement.text, plain, b);
      if (!same && a !== plain && sameOutcome(statement.text, a, b)) {
        const found = { reason: 'follows', words: '' };
        differences.push({ script: script.name, statement, ...found, lines: firstDifference(plain, b) });
      } else if (!same) {
        const line = byBeginning.get(beginningOf(statement.text));
        if (line !== undefined) used.add(line);
        const said = line === undefined ? null : this.#byHand(line, a, b);
        const found =
          said ?? this.#bySelf(statement, a, b, proof === undefined) ?? this.#byHand(byBeginning.get('*'), a, b);
        if (found === null || found.byWildcard) {
          const wildcard = byBeginning.get('*');
          if (wildcard !== undefined) used.add(wildcard);
        }
        const { reason, words } = found ?? { reason: UNCLASSIFIED, words: '' };
        differences.push({ script: script.name, statement, reason, words, lines: firstDifference(a, b) });
      }
      this.#remember(statement.text, plain, b);
    }
    const stale = lines.filter((line) => !used.has(line));
    return { script: script.name, statements: script.statements.length, differences, stale };
  }

  #byHand(line: ReasonLine | undefined, there: Outcome, here: Outcome): Found | null {
    if (line === undefined) return null;
    const byWildcard = line.beginning === '*';
    const { reason, words } = line;
    if (reason === 'text' && there.sqlstate !== here.sqlstate)
      return { reason: 'wrong', words: `SQLSTATE ${here.sqlstate}, not ${there.sqlstate}`, byWildcard };
    if (reason === 'memory-order' && !sameLines(there, here, false))
      return { reason: 'wrong', words: 'other rows, not another order', byWildcard };
    return { reason, words, byWildcard };
  }

  #bySelf({ text }: Statement, there: Outcome, here: Outcome, guesses: boolean): Found | null {
    const message = errorOf(here);
    if (here.sqlstate === '0A000' && there.sqlstate !== '0A000' && message !== null)
      return { reason: reasonOfMessage(message), words: message, byWildcard: false };
    if (guesses && this.#aborted && (isRefused(here) || isRefused(there)))
      return { reason: 'follows', words: 'the block was aborted before', byWildcard: false };
    if (isExplain(text) && message === null && errorOf(there) === null)
      return { reason: 'planner', words: "EXPLAIN's text", byWildcard: false };
    if (!guesses) return null;
    const name = this.#lostNameIn(text, here, message);
    return name === undefined ? null : { reason: 'follows', words: `${name} is not there`, byWildcard: false };
  }

  /**
   * The statement names it, and our outcome is about its absence: the error names it or says that something is not
   * there, or it was asked of catalogs.
   */
  #lostNameIn(text: string, here: Outcome, message: string | null): string | undefined {
    // The d of \d is no name.
    const names = namesIn(text.replace(/^\\\S+/, '')).filter((word) => this.#lost.has(word));
    if (message === null) return CATALOGS.test(text) ? names[0] : names.find((name) => mentions(here, name));
    return UNDEFINED.has(here.sqlstate ?? '') ? names[0] : names.find((name) => mentions(here, name));
  }

  #remember(text: string, there: Outcome, here: Outcome): void {
    const [failedThere, failedHere] = [errorOf(there) !== null, errorOf(here) !== null];
    if (failedThere !== failedHere) {
      this.#aborted ||= !isRefused(there) && !isRefused(here);
      if (failedHere) for (const name of namesMadeBy(text)) this.#lost.add(name);
    } else if (!isRefused(here)) {
      this.#aborted = false;
      if (!failedHere) for (const name of namesMadeBy(text)) this.#lost.delete(name);
    }
  }
}

/** Because of an earlier error in the block. */
function isRefused(outcome: Outcome): boolean {
  return errorOf(outcome)?.startsWith(ABORTED) === true;
}

function mentions({ lines }: Outcome, name: string): boolean {
  return lines.some((line) => namesIn(line).includes(name));
}

function isExplain(text: string): boolean {
  return /^explain\b/i.test(text) && !/\banalyze\b[^]*\b(?:insert|update|delete|merge)\b/i.test(text);
}

interface Found {
  readonly reason: string;
  readonly words: string;
  readonly byWildcard: boolean;
}

export function namesMadeBy(text: string): string[] {
  return MADE.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => lastName(match[1]!))).filter(
    (name) => !COMMON.has(name),
  );
}

/** Every word and every name in double quotes. */
export function namesIn(text: string): string[] {
  return (text.match(/"[^"]+"|[\w$]+/g) ?? []).map(lastName);
}

function lastName(name: string): string {
  const last = /("[^"]+"|[^."]+)$/.exec(name)![1]!;
  return last.startsWith('"') ? last.slice(1, -1) : last.toLowerCase();
}
