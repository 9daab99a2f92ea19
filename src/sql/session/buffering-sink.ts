/**
 * Holds a statement's results back until it is certain that they stand: until then the statement (or
 * its implicit transaction) can be run again without the client noticing. Beyond a bound the results go
 * out and the statement can no longer be repeated; COPY goes straight through.
 *
 * Invariant: what reached the inner sink is final. `completed` holds CommandComplete back until the
 * session releases it, after the commit of an implicit transaction.
 */
import type { Notice, ResultColumn, ResultSink } from '../session-api.js';
import type { Datum } from '../types/datum.js';

/** Bytes, estimated. */
export const BUFFER_MAX = 16 * 1024;

type Event =
  | { readonly kind: 'columns'; readonly columns: readonly ResultColumn[]; readonly binary: boolean }
  | { readonly kind: 'row'; readonly values: readonly Datum[] }
  | { readonly kind: 'notice'; readonly notice: Notice };

function sizeOf(values: readonly Datum[]): number {
  let bytes = 16;
  for (const v of values) {
    if (typeof v === 'string') bytes += v.length + 8;
    else if (v instanceof Uint8Array) bytes += v.byteLength + 8;
    else if (v !== null && typeof v === 'object') bytes += 64;
    else bytes += 8;
  }
  return bytes;
}

export class BufferingSink implements ResultSink {
  #inner: ResultSink;
  #events: Event[] = [];
  #bytes = 0;
  #open = false;
  /** Its rows stand also where a later one fails. PostgreSQL collects those of statements that change data. */
  rowsStand = false;

  constructor(inner: ResultSink) {
    this.#inner = inner;
  }

  /** For another statement; nothing of the last one is left. */
  reset(inner: ResultSink): this {
    this.#inner = inner;
    this.#events.length = 0;
    this.#bytes = 0;
    this.#open = false;
    this.rowsStand = false;
    return this;
  }

  /** Something has reached the client. */
  get released(): boolean {
    return this.#open;
  }

  /** Forgets what is held, for another attempt. */
  discard(): void {
    this.#events.length = 0;
    this.#bytes = 0;
  }

  /** Lets everything through, now and from now on. */
  release(): void {
    if (this.#open && this.#events.length === 0) return;
    this.#open = true;
    const events = this.#events;
    for (let i = 0; i < events.length; i++) {
      const event = events[i]!;
      if (event.kind === 'row') this.#inner.row(event.values);
      else if (event.kind === 'columns') this.#inner.columns(event.columns, event.binary);
      else this.#inner.notice(event.notice);
    }
    events.length = 0;
    this.#bytes = 0;
  }

  columns(columns: readonly ResultColumn[], binary = false): void {
    if (this.#open) this.#inner.columns(columns, binary);
    else this.#events.push({ kind: 'columns', columns, binary });
  }

  row(values: readonly Datum[]): void {
    if (this.#open) {
      this.#inner.row(values);
      return;
    }
    this.#bytes += sizeOf(values);
    this.#events.push({ kind: 'row', values: values.slice() });
    if (this.#bytes > BUFFER_MAX) this.release();
  }

  notice(notice: Notice): void {
    if (this.#open) {
      this.#inner.notice(notice);
      return;
    }
    this.#bytes += 64 + notice.message.length;
    this.#events.push({ kind: 'notice', notice });
    if (this.#bytes > BUFFER_MAX) this.release();
  }

  /**
   * The statement has failed for good: what it said is told, and the rows that it gave where they stand. `isConflict`:
   * another attempt might have given others.
   */
  fail(isConflict: boolean): void {
    if (this.rowsStand && !isConflict && this.#events.some((event) => event.kind === 'row')) {
      this.release();
      return;
    }
    for (const event of this.#events.splice(0)) if (event.kind === 'notice') this.#inner.notice(event.notice);
    this.#bytes = 0;
  }

  slow(): Promise<void> | null {
    return this.#open ? this.#inner.slow() : null;
  }

  complete(tag: string): void {
    this.release();
    this.#inner.complete(tag);
  }
  suspended(): void {
    this.release();
    this.#inner.suspended();
  }
  empty(): void {
    this.release();
    this.#inner.empty();
  }
  parameterStatus(name: string, value: string): void {
    this.#inner.parameterStatus(name, value);
  }
  copyIn(format: 'text' | 'csv' | 'binary', columnCount: number): AsyncIterable<Buffer> {
    this.release();
    return this.#inner.copyIn(format, columnCount);
  }
  copyOut(format: 'text' | 'csv' | 'binary', columnCount: number): void {
    this.release();
    this.#inner.copyOut(format, columnCount);
  }
  copyData(chunk: Uint8Array): void {
    this.release();
    this.#inner.copyData(chunk);
  }
  copyDone(): void {
    this.#inner.copyDone();
  }
}
