/**
 * What a client copies in, as values of the given columns: fields in COPY's formats, put into the columns' types.
 * Errors carry PostgreSQL's CONTEXT: table, line, and the column with its input where there is one.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ColumnDescriptor } from '../catalog/descriptor.js';
import type { ExecContext } from '../contract.js';
import type { Datum } from '../types/datum.js';
import { fromClient } from '../types/encoded-values.js';
import { findEncoding, type StreamDecoder, type TextEncoding } from '../types/encodings.js';
import { domainTypmod } from '../types/user-types.js';
import { typeByOid } from '../types/registry.js';
import type { FormatContext } from '../types/type-info.js';
import { BinaryCopyReader, type BinaryField } from './copy-binary.js';
import { type CopyField, type CopyOptions, CopyReader } from './copy-format.js';

const SHOWN_CHARACTERS = 100;

export interface CopyInput {
  /** Of the row that comes next. */
  readonly nextLine: number;
  push(chunk: Buffer): void;
  finish(): void;
}

/** The columns that are given, in the order of the data. */
export interface CopiedColumns {
  readonly table: string;
  readonly columns: readonly ColumnDescriptor[];
  readonly options: CopyOptions;
}

/** `shown`: the line as far as an error tells of it. */
type OnValues = (values: Datum[], line: number, shown: () => string | null) => void;

export function openCopyInput(copied: CopiedColumns, ctx: ExecContext, onValues: OnValues): CopyInput {
  const encoding = copyEncoding(copied.options, ctx);
  return copied.options.format === 'binary'
    ? new BinaryInput(copied, encoding, onValues)
    : new TextInput(copied, ctx.format, encoding, onValues);
}

/** null: UTF-8. */
export function copyEncoding(options: CopyOptions, { services }: ExecContext): TextEncoding | null {
  return (options.encoding ?? findEncoding(services.setting('client_encoding', false) ?? ''))?.text ?? null;
}

/** `place` is ", column a: …" or ": the line"; null where neither is known. */
export function withCopyContext(error: unknown, table: string, line: number, place: string | null): unknown {
  if (!(error instanceof QuoralError) || error.fields.where !== undefined) return error;
  const where = `COPY ${table}, line ${line}${place ?? ''}`;
  return new QuoralError(error.sqlstate, error.message, {
    retry: error.retry,
    fields: { ...error.fields, where },
    cause: error,
  });
}

class TextInput implements CopyInput {
  readonly #copied: CopiedColumns;
  readonly #reader: CopyReader;
  readonly #inputs: readonly ((text: string) => Datum)[];
  readonly #onRow: (fields: CopyField[]) => void;
  readonly #decoder: StreamDecoder | null;

  constructor(copied: CopiedColumns, format: FormatContext, encoding: TextEncoding | null, onValues: OnValues) {
    this.#copied = copied;
    this.#decoder = encoding?.decoder() ?? null;
    this.#reader = new CopyReader(copied.options, (fields) => this.#matchHeader(fields));
    this.#inputs = copied.columns.map((c) => {
      const type = typeByOid(c.typeOid);
      const typmod = domainTypmod(c.typeOid, c.typmod);
      return (text) => type.input(text, typmod, format);
    });
    this.#onRow = (fields) => onValues(this.#values(fields), this.#reader.line, () => this.#shown(fields));
  }

  get nextLine(): number {
    return this.#reader.line + 1;
  }

  push(chunk: Buffer): void {
    const decoder = this.#decoder;
    if (decoder === null) this.#inContext(() => this.#reader.push(chunk, this.#onRow));
    else for (const line of linesOf(chunk)) this.#recoded(() => decoder.write(line));
  }

  finish(): void {
    const decoder = this.#decoder;
    if (decoder !== null) this.#recoded(() => decoder.end());
    this.#inContext(() => this.#reader.finish(this.#onRow));
  }

  /** In other encodings bytes within a character may look like signs that COPY knows: the reader gets UTF-8. */
  #recoded(decode: () => string): void {
    let text: string;
    try {
      text = decode();
    } catch (error) {
      throw withCopyContext(error, this.#copied.table, this.#reader.line + 1, null);
    }
    if (text !== '') this.#inContext(() => this.#reader.push(Buffer.from(text, 'utf8'), this.#onRow));
  }

  #inContext(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      const { text } = this.#reader;
      throw this.#at(error, text === null ? null : `: "${shortened(text)}"`);
    }
  }

  #at(error: unknown, place: string | null): unknown {
    return withCopyContext(error, this.#copied.table, this.#reader.line, place);
  }

  #shown(fields: readonly CopyField[]): string {
    const { delimiter, format, nullText, quote } = this.#copied.options;
    const written = (field: CopyField): string => {
      if (field === null) return nullText;
      if (format !== 'csv' || ![delimiter, quote, '\n', '\r'].some((c) => field.includes(c))) return field;
      return `${quote}${field.replaceAll(quote, quote + quote)}${quote}`;
    };
    return `: "${shortened(fields.map(written).join(delimiter))}"`;
  }

  #malformed(message: string, fields: readonly CopyField[]): unknown {
    return this.#at(sqlError('22P04', message), this.#shown(fields));
  }

  #values(fields: CopyField[]): Datum[] {
    const { columns, options } = this.#copied;
    const count = columns.length;
    if (fields.length > count) {
      if (count === 0 && fields.length === 1 && fields[0] === '') return [];
      throw this.#malformed('extra data after last expected column', fields);
    }
    const values = new Array<Datum>(count);
    for (let i = 0; i < count; i++) {
      let field = fields[i];
      if (field === undefined) throw this.#malformed(`missing data for column "${columns[i]!.name}"`, fields);
      if (field === null && options.forceNotNull.has(i)) field = options.nullText;
      else if (field === options.nullText && options.forceNull.has(i)) field = null;
      values[i] = field === null ? null : this.#input(i, field);
    }
    return values;
  }

  #input(column: number, field: string): Datum {
    try {
      return this.#inputs[column]!(field);
    } catch (error) {
      throw this.#at(error, `, column ${this.#copied.columns[column]!.name}: "${shortened(field)}"`);
    }
  }

  /** HEADER MATCH. @throws QuoralError 22P04 */
  #matchHeader(fields: readonly CopyField[]): void {
    const { columns, options } = this.#copied;
    if (fields.length !== columns.length) {
      const counts = `got ${fields.length}, expected ${columns.length}`;
      throw this.#malformed(`wrong number of fields in header line: ${counts}`, fields);
    }
    columns.forEach(({ name }, i) => {
      const field = fields[i]!;
      if (field === name) return;
      const got = field === null ? `got null value ("${options.nullText}")` : `got "${field}"`;
      throw this.#malformed(`column name mismatch in header line field ${i + 1}: ${got}, expected "${name}"`, fields);
    });
  }
}

const NEWLINE = 0x0a;

/** A line's end is one in all encodings, and within no character. */
function* linesOf(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, at);
    const next = end < 0 ? bytes.length : end + 1;
    yield bytes.subarray(at, next);
    at = next;
  }
}

function shortened(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}...`;
}

class BinaryInput implements CopyInput {
  readonly #copied: CopiedColumns;
  readonly #encoding: TextEncoding | null;
  readonly #reader: BinaryCopyReader;
  /** The field whose value is being made; null while the structure is read. */
  #receiving: number | null = null;

  constructor(copied: CopiedColumns, encoding: TextEncoding | null, onValues: OnValues) {
    this.#copied = copied;
    this.#encoding = encoding;
    this.#reader = new BinaryCopyReader(copied.columns.length, (fields) =>
      onValues(this.#values(fields), this.#reader.line, () => null),
    );
  }

  get nextLine(): number {
    return this.#reader.line + 1;
  }

  push(chunk: Buffer): void {
    this.#inContext(() => this.#reader.push(chunk));
  }

  finish(): void {
    this.#inContext(() => this.#reader.finish());
  }

  #values(fields: readonly BinaryField[]): Datum[] {
    const values = fields.map((field, i) => {
      if (field === null) return null;
      const { typeOid, typmod } = this.#copied.columns[i]!;
      this.#receiving = i;
      const type = typeByOid(typeOid);
      // A value may outlive the buffer of the whole chunk.
      return type.receive(fromClient(this.#encoding, type, Buffer.from(field)), typmod);
    });
    this.#receiving = null;
    return values;
  }

  #inContext(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      const { line, column } = this.#reader;
      if (line === 0) throw error;
      const at = this.#receiving ?? column;
      const place = at === null ? null : `, column ${this.#copied.columns[at]!.name}`;
      throw withCopyContext(error, this.#copied.table, line, place);
    }
  }
}
