/**
 * Tokens of an advanced, extended or basic regular expression. What a character means depends on where it stands: outside, in
 * brackets, or in the bounds of a repetition. One token is read ahead, and a back reference of several digits is one
 * only if as many groups have been opened before it is read, as in PostgreSQL; hence the parser counts them here.
 */
import { classNamed, complement, type CharSet } from './char-set.js';
import { invalid, optionsOf, type Options, type WordAssertion } from './syntax.js';

export type Token =
  | { readonly kind: 'end' | '|' | ')' | '[' | '.' | '^' | '$' | ',' | ']' | '-' }
  | { readonly kind: 'char'; readonly code: number }
  | { readonly kind: 'digit'; readonly value: number }
  | { readonly kind: '(' | '['; readonly flag: boolean }
  /** greedy: not followed by a question mark. */
  | { readonly kind: '*' | '+' | '?' | '}'; readonly greedy: boolean }
  | { readonly kind: '{' }
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'assert'; readonly what: WordAssertion | 'textStart' | 'textEnd' }
  | { readonly kind: 'reference'; readonly index: number }
  | { readonly kind: 'look'; readonly ahead: boolean; readonly negative: boolean }
  /** Between [. .], [= =] and [: :]. */
  | { readonly kind: 'named'; readonly sort: '.' | '=' | ':'; readonly name: string };

type Place = 'outside' | 'brackets' | 'bounds';

const CONTROLS: Readonly<Record<string, number>> = { a: 7, b: 8, B: 92, e: 27, f: 12, n: 10, r: 13, t: 9, v: 11 };
const CLASSES: Readonly<Record<string, string>> = { d: 'digit', s: 'space', w: 'word' };
const ASSERTIONS: Readonly<Record<string, WordAssertion | 'textStart' | 'textEnd'>> = {
  A: 'textStart',
  Z: 'textEnd',
  m: 'wordStart',
  M: 'wordEnd',
  y: 'wordEdge',
  Y: 'noWordEdge',
};
const LETTER = /^\p{L}$/u;
const BAD_ESCAPE = 'invalid escape \\ sequence';
const UNBALANCED = 'brackets [] not balanced';

export class Lexer {
  readonly options: Options;
  groups = 0;
  token: Token = { kind: 'end' };
  readonly #chars: readonly string[];
  #at = 0;
  #place: Place = 'outside';

  constructor(pattern: string, options: Options) {
    this.#chars = Array.from(pattern);
    this.options = this.#prefixes(options);
    this.next();
  }

  /** A director (***= or ***:) and embedded options. */
  #prefixes(options: Options): Options {
    if (options.flavour === 'literal') return options;
    let found = options;
    if (this.#ahead('***')) {
      if (this.#ahead('***=')) found = { ...options, flavour: 'literal' };
      else if (this.#ahead('***:')) found = { ...options, flavour: 'advanced' };
      else throw invalid('quantifier operand invalid');
      this.#at = 4;
    }
    if (found.flavour !== 'advanced' || !this.#ahead('(?') || !LETTER.test(this.#chars[this.#at + 2] ?? '')) {
      return found;
    }
    this.#at += 2;
    const from = this.#at;
    while (LETTER.test(this.#chars[this.#at] ?? '')) this.#at++;
    if (this.#chars[this.#at] !== ')') throw invalid('invalid embedded option');
    return optionsOf(this.#chars.slice(from, this.#at++).join(''), found);
  }

  #ahead(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#chars[this.#at + i] !== text[i]) return false;
    return true;
  }

  #take(text: string): boolean {
    if (!this.#ahead(text)) return false;
    this.#at += text.length;
    return true;
  }

  next(): void {
    const last = this.token;
    this.token =
      this.#place === 'brackets'
        ? this.#inBrackets(last)
        : this.#place === 'bounds'
          ? this.#inBounds()
          : this.#outside(last);
  }

  /** All that is left, if the pattern is literal text. */
  literal(): readonly string[] {
    const start = this.#at === 0 ? 0 : this.#at - 1;
    return this.#chars.slice(start);
  }

  #outside(last: Token): Token {
    if (this.options.flavour === 'literal') {
      const c = this.#chars[this.#at++];
      return c === undefined ? { kind: 'end' } : { kind: 'char', code: c.codePointAt(0)! };
    }
    this.#skip();
    if (this.options.flavour === 'basic') return this.#basic(last);
    const c = this.#chars[this.#at++];
    const advanced = this.options.flavour === 'advanced';
    switch (c) {
      case undefined:
        return { kind: 'end' };
      case '|':
      case '^':
      case '$':
      case '.':
      case ')':
        return { kind: c };
      case '*':
      case '+':
      case '?':
        return { kind: c, greedy: !(advanced && this.#take('?')) };
      case '{':
        this.#skip();
        if (!/^[0-9]$/.test(this.#chars[this.#at] ?? '')) return { kind: 'char', code: 123 };
        this.#place = 'bounds';
        return { kind: '{' };
      case '(':
        return advanced && this.#take('?') ? this.#special() : { kind: '(', flag: true };
      case '[':
        return this.#openBracket();
      case '\\':
        if (this.#at >= this.#chars.length) throw invalid(BAD_ESCAPE);
        return advanced ? this.#escape() : { kind: 'char', code: this.#chars[this.#at++]!.codePointAt(0)! };
      default:
        return { kind: 'char', code: c.codePointAt(0)! };
    }
  }

  /** In a basic expression most signs mean something only after a backslash, and some only at the edges. */
  #basic(last: Token): Token {
    const atStart = last.kind === 'end' || last.kind === '(';
    const c = this.#chars[this.#at++];
    switch (c) {
      case undefined:
        return { kind: 'end' };
      case '*':
        return atStart || last.kind === '^' ? { kind: 'char', code: 42 } : { kind: '*', greedy: true };
      case '[':
        return this.#openBracket();
      case '.':
        return { kind: '.' };
      case '^':
        return atStart ? { kind: '^' } : { kind: 'char', code: 94 };
      case '$':
        this.#skip();
        return this.#at >= this.#chars.length || this.#ahead('\\)') ? { kind: '$' } : { kind: 'char', code: 36 };
      case '\\':
        return this.#basicEscape();
      default:
        return { kind: 'char', code: c.codePointAt(0)! };
    }
  }

  #basicEscape(): Token {
    const c = this.#chars[this.#at++];
    if (c === undefined) throw invalid(BAD_ESCAPE);
    if (/^[1-9]$/.test(c)) return { kind: 'reference', index: Number(c) };
    switch (c) {
      case '{':
        this.#place = 'bounds';
        return { kind: '{' };
      case '(':
        return { kind: '(', flag: true };
      case ')':
        return { kind: ')' };
      case '<':
        return { kind: 'assert', what: 'wordStart' };
      case '>':
        return { kind: 'assert', what: 'wordEnd' };
      default:
        return { kind: 'char', code: c.codePointAt(0)! };
    }
  }

  /** White space and comments of the expanded form, and (?#…). */
  #skip(): void {
    for (;;) {
      if (this.options.expanded) {
        while (/^\s$/.test(this.#chars[this.#at] ?? '')) this.#at++;
        if (this.#chars[this.#at] === '#') {
          while (this.#at < this.#chars.length && this.#chars[this.#at] !== '\n') this.#at++;
          continue;
        }
      }
      if (this.options.flavour !== 'advanced' || !this.#ahead('(?#')) return;
      while (this.#at < this.#chars.length && this.#chars[this.#at] !== ')') this.#at++;
      if (this.#at < this.#chars.length) this.#at++;
    }
  }

  /** After "(?". */
  #special(): Token {
    if (this.#take(':')) return { kind: '(', flag: false };
    for (const ahead of [true, false]) {
      for (const negative of [true, false]) {
        if (this.#take(`${ahead ? '' : '<'}${negative ? '!' : '='}`)) return { kind: 'look', ahead, negative };
      }
    }
    throw invalid('quantifier operand invalid');
  }

  #openBracket(): Token {
    if (this.#take('[:<:]]')) return { kind: 'assert', what: 'wordStart' };
    if (this.#take('[:>:]]')) return { kind: 'assert', what: 'wordEnd' };
    this.#place = 'brackets';
    return { kind: '[', flag: this.#take('^') };
  }

  #inBounds(): Token {
    const c = this.#chars[this.#at++];
    if (c === undefined) throw invalid('braces {} not balanced');
    if (/^[0-9]$/.test(c)) return { kind: 'digit', value: Number(c) };
    if (c === ',') return { kind: ',' };
    const closes = this.options.flavour === 'basic' ? c === '\\' && this.#take('}') : c === '}';
    if (!closes) throw invalid('invalid repetition count(s)');
    this.#place = 'outside';
    return { kind: '}', greedy: !(this.options.flavour === 'advanced' && this.#take('?')) };
  }

  #inBrackets(last: Token): Token {
    const c = this.#chars[this.#at++];
    switch (c) {
      case undefined:
        throw invalid(UNBALANCED);
      case '\\': {
        if (this.options.flavour !== 'advanced') return { kind: 'char', code: 92 };
        if (this.#at >= this.#chars.length) throw invalid(BAD_ESCAPE);
        const token = this.#escape();
        if (token.kind !== 'char' && token.kind !== 'set') throw invalid(BAD_ESCAPE);
        return token;
      }
      case '-':
        return last.kind === '[' || this.#chars[this.#at] === ']' ? { kind: 'char', code: 45 } : { kind: '-' };
      case ']':
        if (last.kind === '[') return { kind: 'char', code: 93 };
        this.#place = 'outside';
        return { kind: ']' };
      case '[':
        return this.#nested();
      default:
        return { kind: 'char', code: c.codePointAt(0)! };
    }
  }

  #nested(): Token {
    const sort = this.#chars[this.#at];
    if (sort === undefined) throw invalid(UNBALANCED);
    if (sort !== '.' && sort !== '=' && sort !== ':') return { kind: 'char', code: 91 };
    this.#at++;
    const from = this.#at;
    while (!this.#ahead(`${sort}]`)) if (++this.#at >= this.#chars.length) throw invalid(UNBALANCED);
    const name = this.#chars.slice(from, this.#at).join('');
    this.#at += 2;
    return { kind: 'named', sort, name };
  }

  /** After the backslash of an advanced expression. */
  #escape(): Token {
    const c = this.#chars[this.#at++]!;
    if (!/^[A-Za-z0-9]$/.test(c)) return { kind: 'char', code: c.codePointAt(0)! };
    if (Object.hasOwn(CONTROLS, c)) return { kind: 'char', code: CONTROLS[c]! };
    if (Object.hasOwn(ASSERTIONS, c)) return { kind: 'assert', what: ASSERTIONS[c]! };
    const small = c.toLowerCase();
    if (Object.hasOwn(CLASSES, small)) {
      const set = classNamed(CLASSES[small]!, this.options.asciiLetters)!;
      return { kind: 'set', set: c === small ? set : complement(set) };
    }
    if (c === 'c') {
      const of = this.#chars[this.#at++];
      if (of === undefined) throw invalid(BAD_ESCAPE);
      return { kind: 'char', code: of.codePointAt(0)! & 31 };
    }
    if (c === 'u') return this.#digits(16, 4, 4);
    if (c === 'U') return this.#digits(16, 8, 8);
    if (c === 'x') return this.#digits(16, 1, 255);
    if (/^[0-9]$/.test(c)) return this.#numbered(c);
    throw invalid(BAD_ESCAPE);
  }

  #digits(base: 8 | 10 | 16, least: number, most: number): Token & { kind: 'char' } {
    const allowed = base === 16 ? /^[0-9a-fA-F]$/ : base === 10 ? /^[0-9]$/ : /^[0-7]$/;
    let code = 0;
    let count = 0;
    for (; count < most && allowed.test(this.#chars[this.#at] ?? ''); count++) {
      code = Math.min(code * base + parseInt(this.#chars[this.#at++]!, base), 0x7fffffff);
    }
    if (count < least || code > 0x10ffff) throw invalid(BAD_ESCAPE);
    return { kind: 'char', code };
  }

  /** A back reference or an octal code. */
  #numbered(first: string): Token {
    const from = this.#at - 1;
    if (first !== '0') {
      this.#at = from;
      const { code } = this.#digits(10, 1, 255);
      if (this.#at === from + 1 || (code > 0 && code <= this.groups)) return { kind: 'reference', index: code };
    }
    this.#at = from;
    const octal = this.#digits(8, 1, 3);
    if (octal.code <= 0xff) return octal;
    this.#at--;
    return { kind: 'char', code: octal.code >> 3 };
  }
}
