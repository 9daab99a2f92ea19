/**
 * COPY's text and CSV formats (PostgreSQL documentation, COPY, "File Formats"): bytes in any chunks to
 * rows of fields, and rows of fields to bytes.
 *
 * A field is a string, or null for NULL. The reader is incremental: it keeps at most one unfinished
 * row. Text: backslash escapes, the delimiter, `\N` (or the NULL option), `\.` ends the data.
 * CSV: quotes, doubled or escaped; an unquoted field equal to the NULL string is NULL; a row goes
 * on over line ends inside quotes.
 *
 * The first row says what ends a row: a newline, a carriage return, or both. Another one of these is data that was not escaped.
 *
 * Errors: 22P04 for bad structure, 22021 for invalid UTF-8, with the line in `where` (set by the
 * caller, which knows the table). Limit: ROW_BYTES_MAX for one row (54000).
 */
import { replaceEach, replaceText, TextBuilder } from '../types/text-builder.js';
import { sqlError } from '../../base/errors.js';
import { decodeText } from '../../base/utf8.js';
import type { Encoding } from '../types/encodings.js';

export interface CopyOptions {
  /** null: the client's. */
  readonly encoding: Encoding | null;
  /** Of a binary one no more is said. */
  readonly format: 'text' | 'csv' | 'binary';
  readonly delimiter: string;
  readonly nullText: string;
  readonly header: boolean;
  /** The header's names must be the columns'. */
  readonly matchHeader: boolean;
  readonly quote: string;
  readonly escape: string;
  /** CSV: column positions whose fields are always quoted on output; 'all' for every one. */
  readonly forceQuote: 'all' | ReadonlySet<number>;
  /** CSV: positions where the text that means NULL is taken as it stands. */
  readonly forceNotNull: ReadonlySet<number>;
  /** CSV: positions where the text that means NULL means it in quotes too. */
  readonly forceNull: ReadonlySet<number>;
  /** Rows are there for all transactions at once: nothing else is in the table, so that it is what storage does anyway. */
  readonly freeze: boolean;
}

export const TEXT_OPTIONS: CopyOptions = {
  encoding: null,
  format: 'text', delimiter: '\t', nullText: '\\N', header: false, matchHeader: false, quote: '"', escape: '"',
  forceQuote: new Set(), forceNotNull: new Set(), forceNull: new Set(), freeze: false,
}; // prettier-ignore
export const CSV_OPTIONS: CopyOptions = { ...TEXT_OPTIONS, format: 'csv', delimiter: ',', nullText: '' };
export const BINARY_OPTIONS: CopyOptions = { ...TEXT_OPTIONS, format: 'binary' };

const ROW_BYTES_MAX = 256 << 20;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const BACKSLASH = 0x5c;

export type CopyField = string | null;

/** Splits what comes in into rows. `line` is the number of the last row's first line, from 1. */
export class CopyReader {
  readonly #options: CopyOptions;
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #escape: number;
  readonly #rest = new UnfinishedRow();
  /** How rows end; null: none has ended yet. */
  #ending: 'newline' | 'return' | 'both' | null = null;
  /** Where the row behind the one that was found begins. */
  #next = 0;
  /** Where the next carriage return is, at or behind the last place that was asked for. */
  #returnAt = 0;
  /** How far #rest was searched for the end of a CSV row, and whether inside quotes there. */
  #scanned = 0;
  #quoted = false;
  /** Gets the header if it is to match. */
  readonly #onHeader: (fields: readonly CopyField[]) => void;
  #skipHeader: boolean;
  #ended = false;
  #nextLine = 1;
  line = 0;
  /** Of the last row, once it was read as characters. */
  text: string | null = null;

  constructor(options: CopyOptions, onHeader: (fields: readonly CopyField[]) => void) {
    this.#options = options;
    this.#onHeader = onHeader;
    this.#delimiter = options.delimiter.charCodeAt(0);
    this.#quote = options.quote.charCodeAt(0);
    this.#escape = options.escape.charCodeAt(0);
    this.#skipHeader = options.header;
  }

  /** True once the end-of-data mark was read: what follows is ignored. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Feeds a chunk; calls `onRow` for every row that is complete. */
  push(chunk: Buffer, onRow: (fields: CopyField[]) => void): void {
    if (this.#ended) return;
    const data = this.#rest.with(chunk);
    this.#returnAt = -1;
    let start = 0;
    for (;;) {
      const end = this.#rowEnd(data, start);
      if (end < 0) break;
      const next = this.#next;
      this.#row(data, start, end, onRow);
      start = next;
      this.#scanned = start;
      if (this.#ended) break;
    }
    this.#rest.keep(this.#ended ? data.length : start);
    this.#scanned = Math.max(0, this.#scanned - start);
    if (this.#rest.bytes.length > ROW_BYTES_MAX) {
      throw sqlError('54000', `COPY row is longer than ${ROW_BYTES_MAX} bytes`);
    }
  }

  /** The data is over: a last row without a line end counts. */
  finish(onRow: (fields: CopyField[]) => void): void {
    const data = this.#rest.bytes;
    if (this.#ended || data.length === 0) return;
    if (this.#quoted) {
      this.line = this.#nextLine;
      this.text = decodeText(data, 0, data.length);
      throw sqlError('22P04', 'unterminated CSV quoted field');
    }
    // What might have been the first half of a line end.
    const isReturn = this.#scanned === data.length - 1 && data[this.#scanned] === RETURN;
    if (isReturn && this.#ending === 'both') throw this.#unescaped('return');
    this.#row(data, 0, isReturn ? data.length - 1 : data.length, onRow);
  }

  #rowEnd(data: Buffer, start: number): number {
    if (this.#options.format === 'text') return this.#textRowEnd(data, start);
    let at = Math.max(start, this.#scanned);
    let quoted = this.#quoted;
    const quote = this.#quote;
    const escape = this.#escape;
    for (; at < data.length; at++) {
      const byte = data[at];
      if (quoted && byte === escape && escape !== quote) {
        // At the very end it waits for what it escapes.
        if (at + 1 >= data.length) break;
        at++;
      } else if (byte === quote) quoted = !quoted;
      else if ((byte === NEWLINE || byte === RETURN) && !quoted) {
        if (!this.#endsAt(data, at)) break;
        this.#quoted = false;
        return at;
      }
    }
    this.#quoted = quoted;
    this.#scanned = at;
    return -1;
  }

  /** A line end that is escaped by a backslash belongs to the field. */
  #textRowEnd(data: Buffer, start: number): number {
    for (let from = Math.max(start, this.#scanned); ;) {
      const newline = data.indexOf(NEWLINE, from);
      if (this.#returnAt < from) {
        const found = data.indexOf(RETURN, from);
        this.#returnAt = found < 0 ? data.length : found;
      }
      const end = newline < 0 ? this.#returnAt : Math.min(newline, this.#returnAt);
      this.#scanned = end;
      if (end >= data.length) return -1;
      let slashes = 0;
      while (end - 1 - slashes >= start && data[end - 1 - slashes] === BACKSLASH) slashes++;
      if (slashes % 2 === 0) return this.#endsAt(data, end) ? end : -1;
      from = end + 1;
    }
  }

  /** Whether the row ends here, at a newline or carriage return; if not, what follows must be seen. @throws QuoralError 22P04 */
  #endsAt(data: Buffer, at: number): boolean {
    const ending = this.#ending;
    this.#next = at + 1;
    if (data[at] === NEWLINE) {
      if (ending === 'return' || ending === 'both') throw this.#unescaped('newline');
      this.#ending = 'newline';
      return true;
    }
    if (ending === 'newline') throw this.#unescaped('return');
    if (ending === 'return') return true;
    if (at + 1 >= data.length) return false;
    const isBoth = data[at + 1] === NEWLINE;
    if (!isBoth && ending === 'both') throw this.#unescaped('return');
    this.#ending = isBoth ? 'both' : 'return';
    if (isBoth) this.#next++;
    return true;
  }

  #unescaped(what: 'newline' | 'return'): Error {
    const name = what === 'newline' ? 'newline' : 'carriage return';
    const isText = this.#options.format === 'text';
    const hint = isText
      ? `Use "\\${what === 'newline' ? 'n' : 'r'}" to represent ${name}.`
      : `Use quoted CSV field to represent ${name}.`;
    this.line = this.#nextLine;
    this.text = null;
    return sqlError('22P04', `${isText ? 'literal' : 'unquoted'} ${name} found in data`, { hint });
  }

  #row(data: Buffer, start: number, stop: number, onRow: (fields: CopyField[]) => void): void {
    this.line = this.#nextLine++;
    if (this.#skipHeader) {
      this.#skipHeader = false;
      if (this.#options.matchHeader) this.#onHeader(this.#fields(data, start, stop));
      return;
    }
    if (stop - start === 2 && data[start] === BACKSLASH && data[start + 1] === 0x2e) {
      this.#ended = true;
      return;
    }
    onRow(this.#fields(data, start, stop));
  }

  #fields(data: Buffer, start: number, stop: number): CopyField[] {
    this.text = null;
    const text = decodeText(data, start, stop);
    this.text = text;
    return this.#options.format === 'text' ? this.#textFields(text) : this.#csvFields(text);
  }

  #textFields(text: string): CopyField[] {
    const { nullText, delimiter } = this.#options;
    if (!text.includes('\\')) {
      const fields: CopyField[] = text.split(delimiter);
      for (let i = 0; i < fields.length; i++) if (fields[i] === nullText) fields[i] = null;
      return fields;
    }
    const fields: CopyField[] = [];
    let start = 0;
    for (let at = 0; ; at++) {
      const code = at < text.length ? text.charCodeAt(at) : -1;
      const isMark = code === BACKSLASH && text[at + 1] === '.';
      if (isMark) this.#endAfter(text, at);
      else if (code === BACKSLASH && at + 1 < text.length) {
        at++;
        continue;
      }
      if (!isMark && code !== -1 && code !== this.#delimiter) continue;
      const raw = text.slice(start, at);
      fields.push(raw === nullText ? null : unescapeText(raw));
      if (isMark || code === -1) return fields;
      start = at + 1;
    }
  }

  /** The mark that ends the data may stand behind a last row, and at the end of its line only. @throws QuoralError 22P04 */
  #endAfter(text: string, at: number): void {
    this.#ended = true;
    if (at + 2 === text.length) return;
    this.text = null;
    throw sqlError('22P04', 'end-of-copy marker corrupt');
  }

  #csvFields(text: string): CopyField[] {
    const { nullText, delimiter, quote } = this.#options;
    const fields: CopyField[] = [];
    let at = 0;
    for (;;) {
      let value = '';
      let quoted = false;
      while (at < text.length && text[at] !== delimiter) {
        if (text[at] !== quote) {
          value += text[at++];
          continue;
        }
        quoted = true;
        at = this.#quotedPart(text, at + 1, (part) => {
          value += part;
        });
      }
      fields.push(!quoted && value === nullText ? null : value);
      if (at >= text.length) return fields;
      at++;
      if (at === text.length) {
        fields.push(nullText === '' ? null : '');
        return fields;
      }
    }
  }

  #quotedPart(text: string, from: number, add: (part: string) => void): number {
    const { quote, escape } = this.#options;
    let at = from;
    for (;;) {
      if (at >= text.length) throw sqlError('22P04', 'unterminated CSV quoted field');
      const next = text[at + 1];
      if (text[at] === escape && (next === quote || next === escape)) {
        add(next);
        at += 2;
      } else if (text[at] === quote) {
        return at + 1;
      } else {
        add(text[at]!);
        at++;
      }
    }
  }
}

/** What has come of a row that is not over, with room for more of it: a row of megabytes comes in many chunks. */
class UnfinishedRow {
  bytes: Buffer = Buffer.alloc(0);
  /** `bytes` are at its end. */
  #room: Buffer | null = null;
  #used = 0;

  /** `bytes` and the chunk behind them. */
  with(chunk: Buffer): Buffer {
    const { length } = this.bytes;
    const total = length + chunk.length;
    if (length === 0) {
      this.#room = null;
      this.bytes = chunk;
      return chunk;
    }
    if (this.#room === null || this.#used + chunk.length > this.#room.length) {
      this.#room = Buffer.allocUnsafe(total * 2);
      this.bytes.copy(this.#room);
      this.#used = length;
    }
    chunk.copy(this.#room, this.#used);
    this.#used += chunk.length;
    this.bytes = this.#room.subarray(this.#used - total, this.#used);
    return this.bytes;
  }

  /** Those before `from` are done with. */
  keep(from: number): void {
    this.bytes = this.bytes.subarray(from);
    if (this.bytes.length === 0) this.#room = null;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v',
}; // prettier-ignore

const ESCAPE = /\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|[^])/g;

/** @throws QuoralError 22021 */
function unescapeText(raw: string): string {
  if (!raw.includes('\\')) return raw;
  const out = new TextBuilder();
  let last = 0;
  for (const match of raw.matchAll(ESCAPE)) {
    const byte = escapedByte(match[1]!);
    // A byte is one of UTF-8, which may be a part of a character.
    if (byte !== null && (byte === 0 || byte >= 0x80)) return unescapeBytes(raw);
    out.add(raw.slice(last, match.index));
    out.add(byte === null ? (ESCAPES[match[1]!] ?? match[1]!) : String.fromCharCode(byte));
    last = match.index + match[0].length;
  }
  out.add(raw.slice(last));
  return out.text();
}

function unescapeBytes(raw: string): string {
  const parts: Buffer[] = [];
  let last = 0;
  for (const match of raw.matchAll(ESCAPE)) {
    const byte = escapedByte(match[1]!);
    parts.push(Buffer.from(raw.slice(last, match.index), 'utf8'));
    parts.push(byte === null ? Buffer.from(ESCAPES[match[1]!] ?? match[1]!, 'utf8') : Buffer.of(byte));
    last = match.index + match[0].length;
  }
  parts.push(Buffer.from(raw.slice(last), 'utf8'));
  return decodeText(Buffer.concat(parts));
}

/** null: the code stands for a character. */
function escapedByte(code: string): number | null {
  const first = code[0]!;
  if (first === 'x' && code.length > 1) return parseInt(code.slice(1), 16);
  return first >= '0' && first <= '7' ? parseInt(code, 8) & 0xff : null;
}

const TEXT_SPECIAL = /[\\\b\f\n\r\t\v]/;
const TEXT_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v',
}; // prettier-ignore

/** One row as COPY TO sends it, with its line end. */
export function formatCopyRow(fields: readonly CopyField[], options: CopyOptions): string {
  const parts: string[] = [];
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    if (field === null) parts.push(options.nullText);
    else if (options.format === 'text') parts.push(escapeText(field, options.delimiter));
    else parts.push(quoteCsv(field, i, fields.length, options));
  }
  return `${parts.join(options.delimiter)}\n`;
}

function escapeText(field: string, delimiter: string): string {
  let out = field;
  if (TEXT_SPECIAL.test(field)) {
    // eslint-disable-next-line no-control-regex
    out = replaceEach(field, /[\\\b\f\n\r\t\v]/g, (c) => TEXT_ESCAPES[c]!);
  }
  if (delimiter !== '\t' && out.includes(delimiter)) out = replaceText(out, delimiter, `\\${delimiter}`);
  return out;
}

function quoteCsv(field: string, column: number, columns: number, options: CopyOptions): string {
  const { delimiter, quote, escape, nullText, forceQuote } = options;
  const must =
    forceQuote === 'all' ||
    forceQuote.has(column) ||
    field === nullText ||
    (columns === 1 && field === '\\.') ||
    field.includes(delimiter) ||
    field.includes(quote) ||
    field.includes('\n') ||
    field.includes('\r');
  if (!must) return field;
  let body = field;
  if (escape !== quote) body = replaceText(body, escape, escape + escape);
  return quote + replaceText(body, quote, escape + quote) + quote;
}
