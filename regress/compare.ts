/**
 * Whether two outcomes of a statement are the same: the same SQLSTATE, and the same lines, where the width of columns
 * does not count, nor, unless the statement has an ORDER BY, the order of the lines.
 *
 * Limits: the order counts also where the ORDER BY is not the outermost one; it does not where the ORDER BY is in a
 * view, a function or a cursor's statement.
 */
import type { Outcome } from './psql.js';

/** Of errors about columns, functions and operators, relations, other objects, cursors, prepared statements, schemas, databases, savepoints that are not there. */
export const UNDEFINED = new Set(['42703', '42883', '42P01', '42704', '34000', '26000', '3F000', '3D000', '3B001']);
/** Begins the message of what comes after an error in a transaction block. */
export const ABORTED = 'current transaction is aborted';

export function sameOutcome(text: string, there: Outcome, here: Outcome): boolean {
  // A backslash command leaves the variable as the last statement set it.
  if (!text.startsWith('\\') && there.sqlstate !== here.sqlstate) return false;
  return sameLines(there, here, /\border\s+by\b/i.test(text));
}

/** The same lines; the width of columns does not count. */
export function sameLines(there: Outcome, here: Outcome, ordered: boolean): boolean {
  const [a, b] = [there, here].map(({ lines }) => {
    const folded = lines.map(foldWidths);
    return ordered ? folded : folded.sort();
  }) as [string[], string[]];
  return a.length === b.length && a.every((line, i) => line === b[i]);
}

/** The first lines in which they differ, in the order in which they were written. */
export function firstDifference(there: Outcome, here: Outcome): readonly [string, string] {
  const [a, b] = [there, here].map(({ lines }) => lines.map(foldWidths)) as [string[], string[]];
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  if (i === a.length && i === b.length) return [`SQLSTATE ${there.sqlstate}`, `SQLSTATE ${here.sqlstate}`];
  return [a[i] ?? '(nothing more)', b[i] ?? '(nothing more)'];
}

/** Space within a cell stays; the caret below an error's line stays where it is. */
export function foldWidths(line: string): string {
  if (/^\s*\^$/.test(line)) return line;
  if (/^[-+]+$/.test(line)) return line.replace(/-+/g, '-');
  const record = /^-\[ .* \]/.exec(line)?.[0];
  if (record !== undefined) return record;
  return line
    .split('|')
    .map((cell) => cell.trim().replace(/\s+\+$/, ' +'))
    .join('|');
}

/** The message of the first error, or null. */
export function errorOf({ lines }: Outcome): string | null {
  for (const line of lines) {
    const message = /^(?:psql:\S+ )?(?:ERROR|FATAL|PANIC): {2}(.*)$/.exec(line)?.[1];
    if (message !== undefined) return message.replace(/^[0-9A-Z]{5}: /, '');
  }
  return null;
}
