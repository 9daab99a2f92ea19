/**
 * The literals of a text, and the text without them: statements that differ in nothing but their literals have the same
 * template. Only lexical rules are known here, so what is found is a proposal: where a literal stands, and whether it
 * means what it seems to, is for the parse tree to say (plan/liftable-literals.ts).
 *
 * Found are 'strings' without a prefix and numbers in plain digits; the template has a mark of their kind in their
 * place, everything else stays as it is written, white space and comments included. The kind of a number is its type, so
 * that one template has one type for each of its literals.
 */
import { parseNumeric } from '../types/numeric.js';
import type { Datum } from '../types/datum.js';
import { nextToken } from './tokens.js';

/** The letter is the mark in the template. */
export type LiteralKind = 'i' | 'l' | 'd' | 's';

export interface WrittenLiteral {
  readonly kind: LiteralKind;
  /** Offsets in the text. */
  readonly start: number;
  readonly end: number;
  /** Of a '-' in front of it, which is its sign or an operator: only the grammar knows. -1: there is none. */
  readonly minus: number;
}

export interface WrittenText {
  readonly text: string;
  readonly template: string;
  readonly literals: readonly WrittenLiteral[];
}

/** Characters; a longer one is hardly ever one of many alike. */
const TEXT_MAX = 16 * 1024;
/** More make a list of rows, whose length is another one the next time. */
const LITERALS_MAX = 100;
const MARK = '\x01';
const FIRST_WORDS: ReadonlySet<string> = new Set(['select', 'insert', 'update', 'delete', 'with']);

/** null: nothing that a template could be made of. */
export function writtenLiterals(text: string): WrittenText | null {
  if (text.length > TEXT_MAX || text.includes(MARK)) return null;
  const first = nextToken(text, 0);
  if (first === null || !FIRST_WORDS.has(first.text)) return null;
  const literals: WrittenLiteral[] = [];
  let template = '';
  let from = 0;
  let minus = -1;
  for (let token = nextToken(text, first.end); token !== null; token = nextToken(text, token.end)) {
    const { start, end } = token;
    let kind: LiteralKind | null = null;
    if (token.kind === 'number') kind = kindOfNumber(token.text);
    else if (token.kind === 'string') kind = text.charCodeAt(start) === 39 ? 's' : null;
    else if (token.kind === 'param') return null;
    if (kind !== null) {
      if (literals.length === LITERALS_MAX) return null;
      literals.push({ kind, start, end, minus });
      template += text.slice(from, start) + MARK + kind;
      from = end;
    }
    minus = token.kind === 'op' && token.text.endsWith('-') ? end - 1 : -1;
  }
  if (literals.length === 0) return null;
  return { text, template: template + text.slice(from), literals };
}

/** As the grammar and the binder type it; null for one at a border between types, or written in another way. */
function kindOfNumber(written: string): LiteralKind | null {
  if (/^\d{1,18}$/.test(written)) {
    if (written.length < 10) return 'i';
    const value = Number(written);
    // The grammar reads -2147483648 as one number, and its digits alone are one of another type.
    if (value === 2147483648) return null;
    return value < 2147483648 ? 'i' : 'l';
  }
  return /^(\d{1,18}\.\d{0,18}|\.\d{1,18})$/.test(written) ? 'd' : null;
}

/** The number that a literal of kind i, l or d stands for. */
export function numberOf(text: string, literal: WrittenLiteral, isNegative: boolean): Datum {
  const digits = text.slice(literal.start, literal.end);
  switch (literal.kind) {
    case 'i': {
      const value = Number(digits);
      return isNegative && value !== 0 ? -value : value;
    }
    case 'l':
      return isNegative ? -BigInt(digits) : BigInt(digits);
    default:
      return parseNumeric(isNegative ? `-${digits}` : digits);
  }
}

/** What stands between the quotes. */
export function stringOf(text: string, literal: WrittenLiteral): string {
  const written = text.slice(literal.start + 1, literal.end - 1);
  return written.includes("'") ? written.replaceAll("''", "'") : written;
}
