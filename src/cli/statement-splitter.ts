/**
 * Finds where SQL statements end in text that comes line by line: at a semicolon outside of
 * strings, quoted names, dollar quotes and comments. It only looks for ends; the server parses.
 *
 * Backslashes escape a quote only in E'…' strings (standard_conforming_strings is on).
 */
type Inside =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'string'; readonly escapes: boolean }
  | { readonly kind: 'name' }
  | { readonly kind: 'dollar'; readonly tag: string }
  | { readonly kind: 'comment'; readonly depth: number };

const NOTHING: Inside = { kind: 'nothing' };

export class StatementSplitter {
  #inside: Inside = NOTHING;
  #text = '';

  /** Nothing is pending but blanks. */
  get isEmpty(): boolean {
    return this.#inside.kind === 'nothing' && this.#text.trim() === '';
  }

  /** What a prompt shows to tell what is still open. */
  get open(): '' | '-' | "'" | '"' | '$' | '*' {
    switch (this.#inside.kind) {
      case 'string':
        return "'";
      case 'name':
        return '"';
      case 'dollar':
        return '$';
      case 'comment':
        return '*';
      default:
        return this.isEmpty ? '' : '-';
    }
  }

  /** Takes a line without its end; gives the statements that it completes. */
  push(line: string): string[] {
    const done: string[] = [];
    let start = 0;
    let at = 0;
    while (at < line.length) {
      if (this.#inside.kind !== 'nothing') {
        at = this.#leave(line, at);
        continue;
      }
      if (line.startsWith('--', at)) break;
      if (line[at] === ';') {
        const statement = this.#text + line.slice(start, at + 1);
        if (statement.trim() !== ';') done.push(statement.trim());
        this.#text = '';
        start = ++at;
        continue;
      }
      at = this.#enter(line, at);
    }
    this.#text += `${line.slice(start)}\n`;
    if (this.isEmpty) this.#text = '';
    return done;
  }

  /** What is left without a semicolon; forgets it. */
  take(): string {
    const text = this.#text.trim();
    this.#text = '';
    this.#inside = NOTHING;
    return text;
  }

  #enter(line: string, at: number): number {
    const char = line[at] as string;
    if (char === "'") {
      const previous = line.slice(Math.max(0, at - 2), at);
      this.#inside = { kind: 'string', escapes: /(?:^|[^\w$])e$/i.test(previous) };
      return at + 1;
    }
    if (char === '"') {
      this.#inside = { kind: 'name' };
      return at + 1;
    }
    if (line.startsWith('/*', at)) {
      this.#inside = { kind: 'comment', depth: 1 };
      return at + 2;
    }
    if (char === '$' && !/[\w$]/.test(line[at - 1] ?? ' ')) {
      const tag = /^\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/.exec(line.slice(at))?.[0];
      if (tag !== undefined) {
        this.#inside = { kind: 'dollar', tag };
        return at + tag.length;
      }
    }
    return at + 1;
  }

  #leave(line: string, at: number): number {
    const inside = this.#inside;
    switch (inside.kind) {
      case 'string':
        if (inside.escapes && line[at] === '\\') return at + 2;
        if (line[at] === "'") this.#inside = NOTHING;
        return at + 1;
      case 'name':
        if (line[at] === '"') this.#inside = NOTHING;
        return at + 1;
      case 'dollar': {
        const end = line.indexOf(inside.tag, at);
        if (end === -1) return line.length;
        this.#inside = NOTHING;
        return end + inside.tag.length;
      }
      case 'comment':
        if (line.startsWith('*/', at)) {
          this.#inside = inside.depth === 1 ? NOTHING : { kind: 'comment', depth: inside.depth - 1 };
          return at + 2;
        }
        if (line.startsWith('/*', at)) {
          this.#inside = { kind: 'comment', depth: inside.depth + 1 };
          return at + 2;
        }
        return at + 1;
      default:
        return at + 1;
    }
  }
}
