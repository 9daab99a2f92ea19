/** Tokens of the JSON path language. */
import { sqlError } from '../../base/errors.js';

export type TokenKind = 'name' | 'keyword' | 'string' | 'numeric' | 'int' | 'variable' | 'symbol' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** What it means: a name without escapes, a keyword in lower case, a symbol. */
  readonly text: string;
  /** As it is written, for keywords that are used as member names. */
  readonly written: string;
  /** How an error names it; empty at the end of the input. */
  readonly shown: string;
}

/** true, false and null are words only in lower case. */
const LOWER_ONLY: ReadonlySet<string> = new Set(['true', 'false', 'null']);
const KEYWORDS: ReadonlySet<string> = new Set([
  ...LOWER_ONLY,
  ...['is', 'to', 'abs', 'lax', 'flag', 'last', 'size', 'type', 'with', 'floor', 'double', 'exists', 'starts'],
  ...['strict', 'ceiling', 'unknown', 'datetime', 'keyvalue', 'like_regex'],
]);

const SYMBOLS: readonly string[] = ['&&', '||', '**', '==', '!=', '<>', '<=', '>='];
/** Another spelling of the same operator. */
const SAME: Readonly<Record<string, string>> = { '<>': '!=' };
const SPECIAL = '?%$.[]{}()|&!=<>@#,*:-+/';
const BLANK = /[ \t\n\r\f]/;
const NUMBER = /(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?/y;
const SIMPLE: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

export function pathError(message: string, near: string): Error {
  return sqlError('42601', `${message} ${near === '' ? 'at end' : `at or near "${near}"`} of jsonpath input`);
}

function isNameCharacter(c: string | undefined): boolean {
  return c !== undefined && !SPECIAL.includes(c) && !BLANK.test(c) && c !== '"' && c !== '\\';
}

export class PathLexer {
  readonly #text: string;
  #at = 0;
  constructor(text: string) {
    this.#text = text;
  }

  next(): Token {
    this.#skipBlanks();
    const c = this.#text[this.#at];
    if (c === undefined) return { kind: 'end', text: '', written: '', shown: '' };
    if (c === '"') return this.#token('string', this.#quoted(), '"');
    if (c === '$') return this.#variable();
    if (/\d/.test(c) || (c === '.' && /\d/.test(this.#text[this.#at + 1] ?? ''))) return this.#number();
    if (SPECIAL.includes(c)) return this.#symbol();
    return this.#name();
  }

  #token(kind: TokenKind, text: string, shown: string, written = text): Token {
    return { kind, text, written, shown };
  }

  #skipBlanks(): void {
    for (;;) {
      while (BLANK.test(this.#text[this.#at] ?? '')) this.#at++;
      if (!this.#text.startsWith('/*', this.#at)) return;
      const end = this.#text.indexOf('*/', this.#at + 2);
      if (end < 0) throw pathError('unexpected end of comment', '');
      this.#at = end + 2;
    }
  }

  #symbol(): Token {
    const two = this.#text.slice(this.#at, this.#at + 2);
    const symbol = SYMBOLS.includes(two) ? two : two[0]!;
    this.#at += symbol.length;
    return this.#token('symbol', SAME[symbol] ?? symbol, symbol);
  }

  #variable(): Token {
    this.#at++;
    if (this.#text[this.#at] === '"') return this.#token('variable', this.#quoted(), '"');
    if (!isNameCharacter(this.#text[this.#at]) && this.#text[this.#at] !== '\\') return this.#token('symbol', '$', '$');
    const name = this.#bare();
    return this.#token('variable', name, `$${name}`);
  }

  /** PostgreSQL names the blanks that end a name, where they do, and else the end of the input. */
  #afterName(): string {
    return /^[ \t\n\r\f]*/.exec(this.#text.slice(this.#at))![0];
  }

  #number(): Token {
    const start = this.#at;
    NUMBER.lastIndex = start;
    const text = NUMBER.exec(this.#text)![0];
    this.#at += text.length;
    const after = this.#text[this.#at];
    if (isNameCharacter(after) || after === '\\') {
      throw pathError('trailing junk after numeric literal', text + after!);
    }
    return this.#token(/^\d+$/.test(text) ? 'int' : 'numeric', text, text);
  }

  #name(): Token {
    const start = this.#at;
    const name = this.#bare();
    const written = this.#text.slice(start, this.#at);
    const lower = written.toLowerCase();
    const isKeyword = KEYWORDS.has(lower) && (!LOWER_ONLY.has(lower) || written === lower);
    return this.#token(isKeyword ? 'keyword' : 'name', isKeyword ? lower : name, this.#afterName(), name);
  }

  /** A name without quotes, escapes included. */
  #bare(): string {
    let out = '';
    for (;;) {
      const c = this.#text[this.#at];
      if (c === '\\') out += this.#escape();
      else if (isNameCharacter(c)) {
        out += c!;
        this.#at++;
      } else return out;
    }
  }

  #quoted(): string {
    this.#at++;
    let out = '';
    for (;;) {
      const c = this.#text[this.#at];
      if (c === undefined) throw pathError('unexpected end of quoted string', '');
      if (c === '\\') {
        out += this.#escape();
        continue;
      }
      this.#at++;
      if (c === '"') return out;
      out += c;
    }
  }

  /** At a backslash. */
  #escape(): string {
    const c = this.#text[this.#at + 1];
    if (c === undefined) throw pathError('unexpected end after backslash', '');
    if (c === 'u') return this.#unicode();
    if (c === 'x') {
      const hex = /^[0-9a-fA-F]{2}/.exec(this.#text.slice(this.#at + 2));
      if (hex === null) throw pathError('invalid hexadecimal character sequence', '\\x');
      this.#at += 4;
      return this.#character(parseInt(hex[0], 16));
    }
    this.#at += 2;
    return SIMPLE[c] ?? c;
  }

  #unicode(): string {
    const read = (): number | null => {
      const match = /^\\u(?:([0-9a-fA-F]{4})|\{([0-9a-fA-F]{1,6})\})/.exec(this.#text.slice(this.#at));
      if (match === null) return null;
      this.#at += match[0].length;
      return parseInt(match[1] ?? match[2]!, 16);
    };
    const first = read();
    if (first === null) {
      const near = /^\\u(?:\{[0-9a-fA-F]{0,6}|[0-9a-fA-F]{0,3})/.exec(this.#text.slice(this.#at))!;
      throw pathError('invalid unicode sequence', near[0]);
    }
    const isHigh = first >= 0xd800 && first <= 0xdbff;
    if (!isHigh) return this.#character(first);
    const second = read();
    if (second === null || second < 0xdc00 || second > 0xdfff) {
      const again = second !== null && second >= 0xd800 && second <= 0xdbff;
      throw sqlError('22P02', 'invalid input syntax for type jsonpath', {
        detail: again
          ? 'Unicode high surrogate must not follow a high surrogate.'
          : 'Unicode low surrogate must follow a high surrogate.',
      });
    }
    return String.fromCharCode(first, second);
  }

  #character(code: number): string {
    if (code === 0) {
      throw sqlError('22P05', 'unsupported Unicode escape sequence', {
        detail: '\\u0000 cannot be converted to text.',
      });
    }
    if (code >= 0xdc00 && code <= 0xdfff) {
      throw sqlError('22P02', 'invalid input syntax for type jsonpath', {
        detail: 'Unicode low surrogate must follow a high surrogate.',
      });
    }
    if (code > 0x10ffff) throw pathError('invalid Unicode escape sequence', '\\u');
    return String.fromCodePoint(code);
  }
}
