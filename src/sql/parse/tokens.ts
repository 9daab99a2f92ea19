/**
 * A small tokenizer of PostgreSQL's lexical rules, used before the real grammar for three things: guards against
 * texts that would exhaust the parser's stack, the highest parameter number, and the recognition of
 * Quoral's own statements. It never decides what is valid SQL: anything it cannot understand is one token
 * and goes on to the grammar, which reports it.
 *
 * Positions are JavaScript string offsets.
 */

export type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'param' | 'op';

export interface Token {
  readonly kind: TokenKind;
  /** Lower-cased for words; as written otherwise. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

function isSpace(c: number): boolean {
  return c === 32 || (c >= 9 && c <= 13);
}
function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}
function isWordStart(c: number): boolean {
  return (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95 || c >= 128;
}
function isWordPart(c: number): boolean {
  return isWordStart(c) || isDigit(c) || c === 36;
}
function isOperator(c: number): boolean {
  // + - * / < > = ~ ! @ # % ^ & | ` ?
  return (
    c === 43 ||
    c === 45 ||
    c === 42 ||
    c === 47 ||
    c === 60 ||
    c === 62 ||
    c === 61 ||
    c === 126 ||
    c === 33 ||
    c === 64 ||
    c === 35 ||
    c === 37 ||
    c === 94 ||
    c === 38 ||
    c === 124 ||
    c === 96 ||
    c === 63
  );
}

/** End of a comment that starts at `at`, or `at` if there is none. */
function skipComment(text: string, at: number): number {
  const c = text.charCodeAt(at);
  const next = text.charCodeAt(at + 1);
  if (c === 45 && next === 45) {
    let i = at + 2;
    while (i < text.length && text.charCodeAt(i) !== 10 && text.charCodeAt(i) !== 13) i++;
    return i;
  }
  if (c === 47 && next === 42) {
    let depth = 1;
    let i = at + 2;
    while (i < text.length && depth > 0) {
      const d = text.charCodeAt(i);
      if (d === 47 && text.charCodeAt(i + 1) === 42) {
        depth++;
        i += 2;
      } else if (d === 42 && text.charCodeAt(i + 1) === 47) {
        depth--;
        i += 2;
      } else i++;
    }
    return i;
  }
  return at;
}

function endOfQuoted(text: string, at: number, quote: number, escapes: boolean): number {
  let i = at + 1;
  while (i < text.length) {
    const c = text.charCodeAt(i);
    if (escapes && c === 92) i += 2;
    else if (c === quote) {
      if (text.charCodeAt(i + 1) === quote) i += 2;
      else return i + 1;
    } else i++;
  }
  return text.length;
}

/** End of a dollar-quoted string that starts at `at`, or -1 if this dollar starts none. */
function endOfDollarQuoted(text: string, at: number): number {
  let i = at + 1;
  while (i < text.length && text.charCodeAt(i) !== 36) {
    const c = text.charCodeAt(i);
    if (!(isWordStart(c) || (i > at + 1 && isDigit(c)))) return -1;
    i++;
  }
  if (i >= text.length) return -1;
  const tag = text.slice(at, i + 1);
  const close = text.indexOf(tag, i + 1);
  return close < 0 ? text.length : close + tag.length;
}

/** The next token at or after `at`; null at the end. */
export function nextToken(text: string, at: number): Token | null {
  let i = at;
  for (;;) {
    while (i < text.length && isSpace(text.charCodeAt(i))) i++;
    const after = skipComment(text, i);
    if (after === i) break;
    i = after;
  }
  if (i >= text.length) return null;
  const start = i;
  const c = text.charCodeAt(i);
  if (c === 39) return token('string', text, start, endOfQuoted(text, i, 39, false));
  if (c === 34) return token('quoted', text, start, endOfQuoted(text, i, 34, false));
  if (isWordStart(c)) {
    const next = text.charCodeAt(i + 1);
    if (next === 39 && (c === 69 || c === 101)) return token('string', text, start, endOfQuoted(text, i + 1, 39, true));
    if (next === 39 && 'bBxXnN'.includes(text[i] ?? ''))
      return token('string', text, start, endOfQuoted(text, i + 1, 39, false));
    i++;
    while (i < text.length && isWordPart(text.charCodeAt(i))) i++;
    return { kind: 'word', text: text.slice(start, i).toLowerCase(), start, end: i };
  }
  if (c === 36) {
    if (isDigit(text.charCodeAt(i + 1))) {
      i++;
      while (i < text.length && isDigit(text.charCodeAt(i))) i++;
      return token('param', text, start, i);
    }
    const end = endOfDollarQuoted(text, i);
    return token(end < 0 ? 'op' : 'string', text, start, end < 0 ? i + 1 : end);
  }
  if (isDigit(c) || (c === 46 && isDigit(text.charCodeAt(i + 1)))) {
    i++;
    while (i < text.length && (isWordPart(text.charCodeAt(i)) || text.charCodeAt(i) === 46)) i++;
    return token('number', text, start, i);
  }
  if (isOperator(c)) {
    i++;
    while (i < text.length && isOperator(text.charCodeAt(i)) && skipComment(text, i) === i) i++;
    return token('op', text, start, i);
  }
  if (c === 58 && text.charCodeAt(i + 1) === 58) return token('op', text, start, i + 2);
  return token('op', text, start, i + 1);
}

function token(kind: TokenKind, text: string, start: number, end: number): Token {
  return { kind, text: text.slice(start, end), start, end };
}

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (let t = nextToken(text, 0); t !== null; t = nextToken(text, t.end)) tokens.push(t);
  return tokens;
}

/** Words that deepen the parse tree when they are chained without parentheses. */
const CHAINING_WORDS = new Set([
  'not',
  'is',
  'isnull',
  'notnull',
  'collate',
  'join',
  'union',
  'intersect',
  'except',
  'at',
  'like',
  'ilike',
  'similar',
  'between',
  'in',
  'explain',
  'operator',
]);

/** Bytes of a name that count. */
const NAME_BYTES_MAX = 63;
/** Words of so many characters are short enough whatever their characters are. */
const SHORT_LETTERS = Math.floor(NAME_BYTES_MAX / 3);

function utf8Length(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}

function isLongName(name: string): boolean {
  return shortened(name).length < name.length;
}

/** The name as the grammar reads it: what fits 63 bytes. */
export function shortened(name: string): string {
  let bytes = 0;
  let kept = 0;
  for (const character of name) {
    bytes += utf8Length(character.codePointAt(0)!);
    if (bytes > NAME_BYTES_MAX) break;
    kept += character.length;
  }
  return name.slice(0, kept);
}

export interface Prescan {
  /** Greatest estimated depth of the parse tree. */
  readonly depth: number;
  readonly parameterCount: number;
  /** May hold statements of our own: the slow path looks closer. */
  readonly special: boolean;
  readonly hasNul: boolean;
  readonly statements: number;
  readonly tokens: number;
  /** Names that the grammar shortens. */
  readonly longNames: readonly string[];
  /** A parameter that letters follow at once ("$1a"). */
  readonly junk: Token | null;
}

/** Depth at which the grammar is still far from its stack's end (measured: first faults at 1,950 CASEs, 4,100 calls). */
export const DEPTH_MAX = 1_500;

/** One pass over the text. The special words are tested only on words, so that literals cannot trigger them. */
export function prescan(text: string): Prescan {
  let depth = 0;
  let chain = 0;
  let deepest = 0;
  let parameterCount = 0;
  let special = false;
  let statements = 1;
  let tokens = 0;
  let longNames: string[] | null = null;
  let junk: Token | null = null;
  const chains: number[] = [];
  for (let t = nextToken(text, 0); t !== null; t = nextToken(text, t.end)) {
    tokens++;
    switch (t.kind) {
      case 'param': {
        const n = Number(t.text.slice(1));
        if (n > parameterCount) parameterCount = n;
        if (junk === null && isWordStart(text.charCodeAt(t.end))) junk = token('param', text, t.start, t.end + 1);
        break;
      }
      case 'word':
        if (t.end - t.start > 8) {
          if (t.end - t.start > SHORT_LETTERS && isLongName(t.text)) (longNames ??= []).push(t.text);
          break;
        }
        if (t.text === 'case') {
          chains.push(chain);
          depth += chain + 2;
          chain = 0;
        } else if (t.text === 'end') {
          const outer = chains.pop();
          if (outer !== undefined) {
            depth -= outer + 2;
            chain = outer;
          }
        } else if (t.text === 'and' || t.text === 'or' || t.text === 'then' || t.text === 'when' || t.text === 'else') {
          chain = 0;
        } else if (t.text === 'split' || t.text === 'ranges' || t.text === 'system' || t.text === 'cluster') {
          special = true;
        } else if (CHAINING_WORDS.has(t.text)) chain++;
        break;
      case 'op': {
        const c = t.text.charCodeAt(0);
        if (c === 40 || c === 91) {
          chains.push(chain);
          depth += chain + 1;
          chain = 0;
        } else if (c === 41 || c === 93) {
          const outer = chains.pop();
          if (outer !== undefined) {
            depth -= outer + 1;
            chain = outer;
          }
        } else if (c === 44) chain = 0;
        else if (c === 59) {
          chain = 0;
          statements++;
        } else if (c !== 46) chain++;
        break;
      }
      case 'quoted':
        if (t.end - t.start > SHORT_LETTERS) {
          const name = t.text.slice(1, -1).replaceAll('""', '"');
          if (isLongName(name)) (longNames ??= []).push(name);
        }
        break;
      case 'string':
      case 'number':
        break;
    }
    if (depth + chain > deepest) deepest = depth + chain;
  }
  return {
    depth: deepest,
    parameterCount,
    special,
    hasNul: text.includes('\0'),
    statements,
    tokens,
    longNames: longNames ?? [],
    junk,
  };
}
