/** Names: parse_ident, and the to_reg* functions, which give NULL for what is not there. */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { PgArray } from '../types/datum.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { typeByName } from '../types/registry.js';
import { fn } from './define.js';

const BARE = /[A-Za-z_\u0080-\u{10ffff}][A-Za-z0-9_$\u0080-\u{10ffff}]*/uy;

class NameReader {
  readonly #text: string;
  #at = 0;
  constructor(text: string) {
    this.#text = text;
  }

  #bad(detail?: string): Error {
    const fields = detail === undefined ? undefined : { detail };
    return sqlError('22023', `string is not a valid identifier: "${this.#text}"`, fields);
  }
  #skipBlanks(): void {
    while (/[ \t\n\r\f]/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #quoted(): string {
    let out = '';
    for (;;) {
      const end = this.#text.indexOf('"', this.#at + 1);
      if (end < 0) throw this.#bad('String has unclosed double quotes.');
      out += this.#text.slice(this.#at + 1, end);
      this.#at = end + 1;
      if (this.#text[this.#at] !== '"') break;
      out += '"';
    }
    if (out === '') throw this.#bad('Quoted identifier must not be empty.');
    return out;
  }

  #part(afterDot: boolean): string {
    if (this.#text[this.#at] === '"') return this.#quoted();
    BARE.lastIndex = this.#at;
    const bare = BARE.exec(this.#text);
    if (bare === null) {
      if (this.#text[this.#at] === '.') throw this.#bad('No valid identifier before ".".');
      throw afterDot ? this.#bad('No valid identifier after ".".') : this.#bad();
    }
    this.#at += bare[0].length;
    return bare[0].replace(/[A-Z]/g, (c) => c.toLowerCase());
  }

  parts(strict: boolean): string[] {
    const found: string[] = [];
    this.#skipBlanks();
    for (;;) {
      found.push(this.#part(found.length > 0));
      this.#skipBlanks();
      const c = this.#text[this.#at];
      if (c === '.') {
        this.#at++;
        this.#skipBlanks();
      } else if (c === undefined || !strict) {
        return found;
      } else {
        throw this.#bad();
      }
    }
  }
}

fn(
  'parse_ident(text, bool) _text',
  (text: string, strict: boolean) => new PgArray(OID.text, new NameReader(text).parts(strict)),
  { defaults: [true] },
);

/** SQLSTATEs that say that there is nothing of that name. */
const ABSENT: ReadonlySet<string> = new Set(['42704', '42725', '42883', '3F000', '42P01']);

for (const type of ['regnamespace', 'regrole', 'regproc', 'regprocedure', 'regoper', 'regoperator']) {
  const info = typeByName(type)!;
  const absent = new Set(ABSENT);
  // A type that an argument is of must be there.
  if (type === 'regprocedure' || type === 'regoperator') absent.delete('42704');
  fn(
    `to_${type}(text) ${type}`,
    (name: string, ctx: ExecContext): Datum => {
      // A number is no name.
      if (/^\s*\d+\s*$/.test(name)) return null;
      try {
        return info.input(name, -1, ctx.format);
      } catch (error) {
        if (error instanceof QuoralError && absent.has(error.sqlstate)) return null;
        throw error;
      }
    },
    { volatility: 'stable' },
  );
}
