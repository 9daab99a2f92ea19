/**
 * Tokens of a PL/pgSQL body, one after the other, and the pieces of SQL between its keywords. SQL ends at a
 * keyword or sign outside of parentheses, as PostgreSQL's reader has it.
 */
import type { QuoralError } from '../../base/errors.js';
import { sqlError } from '../../base/errors.js';
import { nextToken } from '../parse/tokens.js';
import type { Token } from '../parse/tokens.js';

/** Text after the last token. */
const END: Token = { kind: 'op', text: '', start: -1, end: -1 };

/** Words that name nothing unless they are quoted. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    'all begin by case declare else end execute for foreach from if in into loop not null or strict then to using ' +
    'when while'
  ).split(' '),
);

export interface ReadSql {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Where it stopped; the reader stands behind it. */
  readonly stop: string;
}

export class Reader {
  readonly text: string;
  #at = 0;
  /** Where the lines begin. */
  readonly #lines: number[] = [0];

  constructor(text: string) {
    this.text = text;
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) this.#lines.push(i + 1);
  }

  get at(): number {
    return this.#at;
  }
  set at(to: number) {
    this.#at = to;
  }

  /** Of an offset, from 1. */
  line(offset: number): number {
    let low = 0;
    let high = this.#lines.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#lines[middle]! <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  peek(): Token {
    return this.tokenAt(this.#at);
  }

  /** The one after the next. */
  peekSecond(): Token {
    const first = this.peek();
    return first === END ? END : this.tokenAt(first.end);
  }

  next(): Token {
    const token = this.peek();
    if (token !== END) this.#at = token.end;
    return token;
  }

  atEnd(): boolean {
    return this.peek() === END;
  }

  /** As PL/pgSQL cuts them: `:=`, `..`, and no operator with a trailing sign that begins a number. */
  tokenAt(at: number): Token {
    const token = nextToken(this.text, at);
    if (token === null) return END;
    const { text, start } = token;
    if (token.kind === 'number') {
      const range = text.indexOf('..');
      return range < 0 ? token : { kind: 'number', text: text.slice(0, range), start, end: start + range };
    }
    if (token.kind !== 'op') return token;
    const following = this.text[start + 1];
    if (text === ':' && following === '=') return { kind: 'op', text: ':=', start, end: start + 2 };
    if (text === '.' && following === '.') return { kind: 'op', text: '..', start, end: start + 2 };
    if (text.length > 1 && /[+-]$/.test(text) && !/[~!@#%^&|`?]/.test(text)) {
      const kept = text.replace(/(?<=.)[+-]+$/, '');
      return { kind: 'op', text: kept, start, end: start + kept.length };
    }
    return token;
  }

  /** Whether the next token is this word or sign; then it is taken. */
  accept(text: string): boolean {
    if (!isToken(this.peek(), text)) return false;
    this.next();
    return true;
  }

  /** Whether the next tokens are these words; then they are taken. */
  acceptAll(...words: readonly string[]): boolean {
    const before = this.#at;
    for (const word of words) {
      if (this.accept(word)) continue;
      this.#at = before;
      return false;
    }
    return true;
  }

  expect(text: string): Token {
    const token = this.peek();
    if (!isToken(token, text)) throw this.unexpected(token);
    return this.next();
  }

  /** A name, folded unless it is quoted. */
  name(): string {
    const token = this.peek();
    const name = nameOf(token);
    if (name === null || (token.kind === 'word' && RESERVED.has(name))) throw this.unexpected(token);
    this.next();
    return name;
  }

  /** A variable's name: those of arguments may be numbers, $1. */
  variableName(): string {
    return this.peek().kind === 'param' ? this.next().text : this.name();
  }

  unexpected(token: Token = this.peek()): QuoralError {
    if (token === END) return sqlError('42601', 'syntax error at end of input', { position: this.text.length + 1 });
    const near = this.text.slice(token.start, token.end);
    return sqlError('42601', `syntax error at or near "${near}"`, { position: token.start + 1 });
  }

  /** SQL up to one of the stops, outside of parentheses. @throws QuoralError 42601 */
  sqlUntil(stops: readonly string[], what: 'expression' | 'statement' = 'expression'): ReadSql {
    const start = this.peek().start;
    let end = start;
    let depth = 0;
    for (;;) {
      const token = this.peek();
      if (depth === 0 && token !== END && stops.some((stop) => isToken(token, stop))) {
        if (end === start)
          throw sqlError('42601', what === 'expression' ? 'missing expression' : 'missing SQL statement');
        this.next();
        return { text: this.text.slice(start, end), start, end, stop: token.text };
      }
      if (token === END || (token.text === ';' && token.kind === 'op')) {
        if (depth > 0) throw sqlError('42601', 'mismatched parentheses');
        throw this.#missingStop(stops, what);
      }
      if (token.kind === 'op') {
        if (token.text === '(' || token.text === '[') depth++;
        else if (token.text === ')' || token.text === ']') {
          depth--;
          if (depth < 0) throw sqlError('42601', 'mismatched parentheses');
        }
      }
      this.next();
      end = token.end;
    }
  }

  #missingStop(stops: readonly string[], what: 'expression' | 'statement'): QuoralError {
    const shown = stops.map((stop) => (/[a-z]/.test(stop) ? stop.toUpperCase() : stop)).join(' or ');
    return sqlError('42601', `missing "${shown}" at end of SQL ${what}`);
  }
}

/** Words are compared in lower case, and quoted ones are no words. */
export function isToken(token: Token, text: string): boolean {
  return token !== END && token.text === text && (token.kind === 'word' || token.kind === 'op');
}

/** The identifier that a token is; null if it is none. */
export function nameOf(token: Token): string | null {
  if (token.kind === 'word') return token.text;
  if (token.kind === 'quoted') return token.text.slice(1, -1).replaceAll('""', '"');
  return null;
}

/** The value of a string constant as it is written. */
export function stringOf(token: Token): string | null {
  if (token.kind !== 'string') return null;
  const { text } = token;
  if (text.startsWith('$')) {
    const tag = text.indexOf('$', 1) + 1;
    return text.slice(tag, -tag);
  }
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'");
  if (!/^e/i.test(text)) return null;
  return unescape(text.slice(2, -1).replaceAll("''", "'"));
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };

function unescape(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{1,2}|[0-7]{1,3}|[^])/g, (_all, code: string) => {
    if (/^[uUx]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCodePoint(Number.parseInt(code, 8));
    return ESCAPES[code] ?? code;
  });
}
