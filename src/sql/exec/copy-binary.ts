/**
 * COPY's binary format (PostgreSQL documentation, COPY, "Binary Format"): a signature, flags and an extension that is
 * skipped; then rows, each the number of its fields and for each field its length (-1 for NULL) and its bytes as the
 * type sends them; then -1 for a number of fields, and nothing.
 *
 * The reader is incremental: it keeps the chunks of at most one unfinished row, and joins them when as many bytes are
 * there as the row is known to need. Errors: 22P04 for bad structure; `line` (the row's number from 1, 0 in the
 * header) and `column` (position of the field being read) say where. Limit: ROW_BYTES_MAX for one row (54000).
 */
import { type QuoralError, sqlError } from '../../base/errors.js';

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const HEADER_BYTES = SIGNATURE.length + 8;
const OIDS_FLAG = 1 << 16;
const ROW_BYTES_MAX = 256 << 20;

export type BinaryField = Buffer | null;

export function malformed(message: string): QuoralError {
  return sqlError('22P04', message);
}

type Step = 'header' | 'extension' | 'rows' | 'end';

export class BinaryCopyReader {
  readonly #fields: number;
  readonly #onRow: (fields: readonly BinaryField[]) => void;
  #step: Step = 'header';
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Fewer bytes are of no use. */
  #needed = HEADER_BYTES;
  #extensionLeft = 0;
  line = 0;
  column: number | null = null;

  constructor(fields: number, onRow: (fields: readonly BinaryField[]) => void) {
    this.#fields = fields;
    this.#onRow = onRow;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return;
    const data = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#bytes);
    const rest = data.subarray(this.#read(data));
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
  }

  /** The data is over. Without the end mark is right, too. */
  finish(): void {
    const rest = this.#bytes;
    switch (this.#step) {
      case 'header':
        if (rest < SIGNATURE.length) throw malformed('COPY file signature not recognized');
        this.#header(Buffer.concat(this.#chunks, rest));
        return;
      case 'extension':
        throw malformed('invalid COPY file header (wrong length)');
      case 'rows':
        // A half of the number of fields is no row yet.
        if (rest < 2) return;
        this.#row(Buffer.concat(this.#chunks, rest), 0);
        this.line++;
        throw malformed('unexpected EOF in COPY data');
      case 'end':
        return;
    }
  }

  /** Reads what is whole; returns where the rest begins. */
  #read(data: Buffer): number {
    let at = 0;
    if (this.#step === 'header') {
      this.#extensionLeft = this.#header(data);
      this.#step = 'extension';
      at = HEADER_BYTES;
    }
    if (this.#step === 'extension') {
      const skipped = Math.min(this.#extensionLeft, data.length - at);
      this.#extensionLeft -= skipped;
      at += skipped;
      this.#needed = 1;
      if (this.#extensionLeft > 0) return at;
      this.#step = 'rows';
    }
    while (this.#step === 'rows') {
      const next = this.#row(data, at);
      if (next === null) return at;
      at = next;
    }
    if (at < data.length) throw malformed('received copy data after EOF marker');
    this.#needed = 1;
    return at;
  }

  /** The length of the extension. */
  #header(data: Buffer): number {
    if (!data.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw malformed('COPY file signature not recognized');
    if (data.length < SIGNATURE.length + 4) throw malformed('invalid COPY file header (missing flags)');
    const flags = data.readInt32BE(SIGNATURE.length);
    if ((flags & OIDS_FLAG) !== 0) throw malformed('invalid COPY file header (WITH OIDS)');
    if (flags >> 16 !== 0) throw malformed('unrecognized critical flags in COPY file header');
    const length = data.length < HEADER_BYTES ? -1 : data.readInt32BE(SIGNATURE.length + 4);
    if (length < 0) throw malformed('invalid COPY file header (missing length)');
    return length;
  }

  /** Where the next row begins; null if this one is not all there. */
  #row(data: Buffer, start: number): number | null {
    this.column = null;
    if (data.length - start < 2) return this.#wait(start, start + 2);
    const count = data.readInt16BE(start);
    let at = start + 2;
    if (count === -1) {
      this.line++;
      this.#step = 'end';
      return at;
    }
    this.line++;
    if (count !== this.#fields) throw malformed(`row field count is ${count}, expected ${this.#fields}`);
    const fields = new Array<BinaryField>(count);
    for (let i = 0; i < count; i++) {
      this.column = i;
      if (data.length - at < 4) return this.#waitInRow(start, at + 4);
      const size = data.readInt32BE(at);
      at += 4;
      fields[i] = null;
      if (size === -1) continue;
      if (size < 0) throw malformed('invalid field size');
      if (data.length - at < size) return this.#waitInRow(start, at + size);
      fields[i] = data.subarray(at, at + size);
      at += size;
    }
    this.column = null;
    this.#onRow(fields);
    return at;
  }

  /** The row is read again from its start when there is more. */
  #waitInRow(start: number, end: number): null {
    this.line--;
    return this.#wait(start, end);
  }

  #wait(start: number, end: number): null {
    this.#needed = end - start;
    if (this.#needed > ROW_BYTES_MAX) throw sqlError('54000', `COPY row is longer than ${ROW_BYTES_MAX} bytes`);
    return null;
  }
}

/** What comes before the first row. */
export function binaryHeader(): Buffer {
  return Buffer.concat([SIGNATURE, Buffer.alloc(8)]);
}

/** What comes after the last row. */
export function binaryTrailer(): Buffer {
  return Buffer.from([0xff, 0xff]);
}

export function binaryRow(fields: readonly (Uint8Array | null)[]): Buffer {
  let length = 2;
  for (const field of fields) length += 4 + (field?.length ?? 0);
  const row = Buffer.allocUnsafe(length);
  row.writeInt16BE(fields.length, 0);
  let at = 2;
  for (const field of fields) {
    row.writeInt32BE(field === null ? -1 : field.length, at);
    at += 4;
    if (field === null) continue;
    row.set(field, at);
    at += field.length;
  }
  return row;
}
