/**
 * Lines and their indents, as PostgreSQL lays out the text of a query: a clause begins a line, and what belongs to it
 * stands further in. A break takes the blanks in front of it away, also those that another part of the text ended
 * with; so it is a sign of its own until the text is complete.
 */

/** Stands for a line break that the layout has made: no text of a query can have it. */
export const BREAK = '\0';

/** How far a query's clauses stand in from what it is part of. */
export const CLAUSE = 8;
/** Joins, and what follows the first of a list. */
export const ITEM = 4;
/** From here on indents grow more slowly, and begin anew at times. */
const DEEP = 40;

export class Layout {
  indent = 0;
  /** All in one line. */
  flat = false;

  /** A new line that begins with `word`; `before` and `after` move the indent, `plus` is for this line alone. */
  line(word: string, before: number, after: number, plus: number): string {
    if (this.flat) return /^[A-Z]/.test(word) && word !== 'CASE' ? ` ${word}` : word;
    this.indent += before;
    const level = Math.max(this.indent, 0);
    const amount = level < DEEP ? level : (DEEP + Math.floor((level - DEEP) / (CLAUSE / 2))) % DEEP;
    this.indent = Math.max(this.indent + after, 0);
    return BREAK + ' '.repeat(amount + plus) + word;
  }

  /** A clause of the query. */
  clause(word: string, plus: number): string {
    return this.line(word, -CLAUSE, CLAUSE, plus);
  }
}

export function laidOut(text: string): string {
  return text.replace(/ *\0/g, '\n');
}

/** How much of the text stands in its last line, the break in front of it counted. */
export function lastLine(text: string): number {
  const at = Math.max(text.lastIndexOf(BREAK), text.lastIndexOf('\n'));
  return at < 0 ? text.length : text.length - at;
}

export function hasBreak(text: string): boolean {
  return text.includes(BREAK) || text.includes('\n');
}
