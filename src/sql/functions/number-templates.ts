/**
 * Templates of to_char and to_number for numbers (chapter 9.8): the way into nodes, and the counts that writing and
 * reading need. Which patterns go together is checked here.
 */
import { sqlError } from '../../base/errors.js';
import { checkTemplate } from '../types/limits.js';

const PATTERNS = ', . 0 9 B C D EEEE FM G L MI PL PR RN SG SP S TH V'.split(' ');
export type NumberPattern =
  | ','
  | '.'
  | '0'
  | '9'
  | 'B'
  | 'C'
  | 'D'
  | 'EEEE'
  | 'FM'
  | 'G'
  | 'L'
  | 'MI'
  | 'PL'
  | 'PR'
  | 'RN'
  | 'SG'
  | 'SP'
  | 'S'
  | 'TH'
  | 'V';

export type NumberNode =
  | { readonly kind: 'pattern'; readonly pattern: NumberPattern; readonly lower: boolean }
  | { readonly kind: 'char'; readonly text: string };

export interface NumberTemplate {
  readonly nodes: readonly NumberNode[];
  /** Places before the point, after it, and behind V. */
  readonly whole: number;
  readonly fraction: number;
  readonly shift: number;
  /** Of the first 0, counted from the left; −1: none. */
  readonly firstZero: number;
  /** Places up to the last 0. */
  readonly lastZero: number;
  readonly point: boolean;
  readonly fill: boolean;
  /** Where S stands: it is written at the first or the last digit. */
  readonly anchored: 'before' | 'after' | null;
  /** Places before S. */
  readonly beforeSign: number;
  readonly brackets: boolean;
  readonly minus: boolean;
  readonly plus: boolean;
  readonly roman: boolean;
  readonly shifted: boolean;
  readonly scientific: boolean;
}

type Draft = { -readonly [K in keyof Omit<NumberTemplate, 'nodes'>]: NumberTemplate[K] } & { blank: boolean };

function refuse(message: string, detail?: string): never {
  throw sqlError('42601', message, { detail });
}

function takeDigit(d: Draft, pattern: '9' | '0'): void {
  if (d.brackets) refuse(`"${pattern}" must be ahead of "PR"`);
  if (pattern === '9' && d.shifted) {
    d.shift++;
    return;
  }
  if (pattern === '0' && d.firstZero < 0 && !d.point) d.firstZero = d.whole;
  if (d.point) d.fraction++;
  else d.whole++;
  if (pattern === '0') d.lastZero = d.whole + d.fraction;
}

function takeSign(d: Draft, pattern: 'S' | 'MI' | 'PL' | 'SG' | 'PR'): void {
  if (pattern === 'S') {
    if (d.anchored !== null) refuse('cannot use "S" twice');
    if (d.plus || d.minus || d.brackets) refuse('cannot use "S" and "PL"/"MI"/"SG"/"PR" together');
    d.anchored = d.point ? 'after' : 'before';
    if (!d.point) d.beforeSign = d.whole;
    return;
  }
  if (pattern === 'PR') {
    if (d.anchored !== null || d.plus || d.minus) refuse('cannot use "PR" and "S"/"PL"/"MI"/"SG" together');
    d.brackets = true;
    return;
  }
  if (d.anchored !== null) refuse(`cannot use "S" and "${pattern}" together`);
  if (pattern !== 'PL') d.minus = true;
  if (pattern !== 'MI') d.plus = true;
}

function take(d: Draft, pattern: NumberPattern): void {
  if (d.scientific && pattern !== 'EEEE') refuse('"EEEE" must be the last pattern used');
  switch (pattern) {
    case '9':
    case '0':
      return takeDigit(d, pattern);
    case 'S':
    case 'MI':
    case 'PL':
    case 'SG':
    case 'PR':
      return takeSign(d, pattern);
    case 'B':
      if (d.whole === 0 && d.fraction === 0) d.blank = true;
      return;
    case '.':
    case 'D':
      if (d.point) refuse('multiple decimal points');
      if (d.shifted) refuse('cannot use "V" and decimal point together');
      d.point = true;
      return;
    case 'V':
      if (d.point) refuse('cannot use "V" and decimal point together');
      d.shifted = true;
      return;
    case 'FM':
      d.fill = true;
      return;
    case 'RN':
      d.roman = true;
      return;
    case 'EEEE':
      takeExponent(d);
  }
}
function takeExponent(d: Draft): void {
  if (d.scientific) refuse('cannot use "EEEE" twice');
  const others = d.blank || d.fill || d.anchored !== null || d.brackets || d.minus || d.plus || d.roman || d.shifted;
  if (others) {
    refuse(
      '"EEEE" is incompatible with other formats',
      '"EEEE" may only be used together with digit and decimal point patterns.',
    );
  }
  d.scientific = true;
}

function read(text: string): NumberTemplate {
  const nodes: NumberNode[] = [];
  const d: Draft = {
    ...{ whole: 0, fraction: 0, shift: 0, firstZero: -1, lastZero: 0, point: false, fill: false },
    ...{ anchored: null, beforeSign: 0, brackets: false, minus: false, plus: false, roman: false, shifted: false },
    ...{ scientific: false, blank: false },
  };
  const char = (at: number): number => {
    const one = String.fromCodePoint(text.codePointAt(at)!);
    nodes.push({ kind: 'char', text: one });
    return at + one.length;
  };
  for (let at = 0; at < text.length;) {
    const pattern = PATTERNS.find((p) => text.startsWith(p, at) || text.startsWith(p.toLowerCase(), at));
    if (pattern !== undefined) {
      take(d, pattern as NumberPattern);
      const lower = !text.startsWith(pattern, at);
      nodes.push({ kind: 'pattern', pattern: pattern as NumberPattern, lower });
      at += pattern.length;
    } else if (text[at] === '"') {
      for (at++; at < text.length && text[at] !== '"';) {
        if (text[at] === '\\' && at + 1 < text.length) at++;
        at = char(at);
      }
      at++;
    } else at = char(text[at] === '\\' && text[at + 1] === '"' ? at + 1 : at);
  }
  return { nodes, ...d };
}

const CACHE_MAX = 256;
const cache = new Map<string, NumberTemplate>();

/** @throws 42601 for patterns that do not go together. */
const CACHED_LENGTH_MAX = 1000;

export function parseNumberTemplate(text: string): NumberTemplate {
  const known = cache.get(text);
  if (known !== undefined) return known;
  checkTemplate(text);
  const template = read(text);
  if (text.length > CACHED_LENGTH_MAX) return template;
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(text, template);
  return template;
}
