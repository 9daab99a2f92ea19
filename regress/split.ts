/**
 * A psql script cut into its statements, as psql itself would find their ends: a semicolon outside quotes, comments,
 * parentheses and BEGIN ATOMIC bodies, a backslash command that sends what is there (\g, \gset, …), or, where nothing
 * is there yet, the end of the line of any backslash command. Inline data of COPY … FROM STDIN belong to their statement.
 *
 * Every character of the script is in exactly one statement, in order (what lies between two belongs to the later; what follows the last is left out), so
 * that the script can be put together again with something between them. Limits: several backslash commands on one
 * line are one statement; variables (:name) are not looked into, nor what an \if leaves out.
 */

export interface Statement {
  /** As it is in the script, with the space and comments before it and the newline that ends a backslash command. */
  readonly source: string;
  /** Without the space and comments before it, nor data of COPY. */
  readonly text: string;
  /** Where the text begins in the source. */
  readonly textAt: number;
  /** Counted from 1, of the text's first character. */
  readonly line: number;
}

/** Backslash commands that send the statement before them, or throw it away. */
const SENDS = /^\\(?:g|gx|gset|gexec|gdesc|crosstabview|watch|r|reset)(?![\w])/;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$/y;
const ATOMIC = /begin\s+atomic\b/iy;
const CASE_OR_END = /(?:case|end)\b/iy;
const COPY_IN = /^copy\b[^;]*\bfrom\s+stdin\b/is;
const COPY_DATA_END = /^\\\.[ \t]*$/gm;

export function splitScript(script: string): Statement[] {
  return new Splitter(script).statements();
}

/** What a statement is called by: its text on one line, without its semicolon, cut at 80 characters. */
export function beginningOf(text: string): string {
  return text.trim().replace(/\s+/g, ' ').replace(/\s*;$/, '').slice(0, 80).trimEnd();
}

class Splitter {
  readonly #script: string;
  readonly #found: Statement[] = [];
  #at = 0;
  /** Where the statement's source and text begin; the text is -1 before its first character. */
  #sourceFrom = 0;
  #textFrom = -1;
  #line = 1;
  #lineCountedTo = 0;
  #parentheses = 0;
  /** BEGIN ATOMIC and the CASEs inside of it that wait for their END. */
  #blocks = 0;

  constructor(script: string) {
    this.#script = script;
  }

  statements(): Statement[] {
    while (this.#at < this.#script.length) this.#step();
    if (this.#textFrom >= 0) this.#close(this.#script.length, this.#script.length);
    return this.#found;
  }

  #step(): void {
    const c = this.#script[this.#at]!;
    if (this.#skipComment()) return;
    if (c === '\\') {
      this.#backslash();
      return;
    }
    if (/\s/.test(c)) {
      this.#at++;
      return;
    }
    if (this.#textFrom < 0) this.#textFrom = this.#at;
    if (this.#skipQuoted(c) || this.#skipBlockWord(c)) return;
    this.#at++;
    if (c === '(') this.#parentheses++;
    else if (c === ')') this.#parentheses = Math.max(0, this.#parentheses - 1);
    else if (c === ';' && this.#parentheses === 0 && this.#blocks === 0) this.#end();
  }

  /** After the semicolon. */
  #end(): void {
    const textTo = this.#at;
    if (COPY_IN.test(this.#script.slice(this.#textFrom, textTo))) {
      COPY_DATA_END.lastIndex = this.#at;
      const dataEnd = COPY_DATA_END.exec(this.#script);
      if (dataEnd !== null) this.#at = Math.min(this.#script.length, dataEnd.index + dataEnd[0].length + 1);
    }
    this.#close(textTo, this.#at);
  }

  #close(textTo: number, sourceTo: number): void {
    for (; this.#lineCountedTo < this.#textFrom; this.#lineCountedTo++)
      if (this.#script[this.#lineCountedTo] === '\n') this.#line++;
    const source = this.#script.slice(this.#sourceFrom, sourceTo);
    const text = this.#script.slice(this.#textFrom, textTo).trim();
    this.#found.push({ source, text, textAt: this.#textFrom - this.#sourceFrom, line: this.#line });
    this.#at = sourceTo;
    this.#sourceFrom = sourceTo;
    this.#textFrom = -1;
    this.#parentheses = 0;
    this.#blocks = 0;
  }

  #backslash(): void {
    if (this.#script[this.#at + 1] === ';') {
      this.#at += 2;
      return;
    }
    const newline = this.#script.indexOf('\n', this.#at);
    const lineEnd = newline < 0 ? this.#script.length : newline + 1;
    const alone = this.#textFrom < 0;
    const sends = SENDS.test(this.#script.slice(this.#at, lineEnd));
    if (alone) this.#textFrom = this.#at;
    this.#at = lineEnd;
    if (alone || sends) this.#close(lineEnd, lineEnd);
  }

  #skipComment(): boolean {
    const { length } = this.#script;
    if (this.#script.startsWith('--', this.#at)) {
      const newline = this.#script.indexOf('\n', this.#at);
      this.#at = newline < 0 ? length : newline;
      return true;
    }
    if (!this.#script.startsWith('/*', this.#at)) return false;
    let depth = 0;
    do {
      const opens = this.#script.startsWith('/*', this.#at);
      const closes = !opens && this.#script.startsWith('*/', this.#at);
      if (opens) depth++;
      if (closes) depth--;
      this.#at += opens || closes ? 2 : 1;
    } while (depth > 0 && this.#at < length);
    return true;
  }

  #skipQuoted(c: string): boolean {
    if (c === "'") this.#skipString();
    else if (c === '"') this.#skipTo('"', this.#at + 1);
    else if (c === '$' && !this.#afterWord()) {
      DOLLAR_QUOTE.lastIndex = this.#at;
      const opening = DOLLAR_QUOTE.exec(this.#script);
      if (opening === null) return false;
      this.#skipTo(opening[0], this.#at + opening[0].length);
    } else return false;
    return true;
  }

  #skipString(): void {
    const prefix = this.#script[this.#at - 1];
    const escapes = (prefix === 'e' || prefix === 'E') && !/\w/.test(this.#script[this.#at - 2] ?? '');
    for (this.#at++; this.#at < this.#script.length; this.#at++) {
      const c = this.#script[this.#at];
      if (escapes && c === '\\') this.#at++;
      else if (c === "'") {
        this.#at++;
        return;
      }
    }
  }

  #skipTo(end: string, from: number): void {
    const found = this.#script.indexOf(end, from);
    this.#at = found < 0 ? this.#script.length : found + end.length;
  }

  #skipBlockWord(c: string): boolean {
    const pattern = this.#blocks === 0 ? (/b/i.test(c) ? ATOMIC : null) : /[ce]/i.test(c) ? CASE_OR_END : null;
    if (pattern === null || this.#afterWord()) return false;
    pattern.lastIndex = this.#at;
    const word = pattern.exec(this.#script)?.[0];
    if (word === undefined) return false;
    this.#blocks += /^e/i.test(word) ? -1 : 1;
    this.#at += word.length;
    return true;
  }

  #afterWord(): boolean {
    return /[\w$]/.test(this.#script[this.#at - 1] ?? '');
  }
}
