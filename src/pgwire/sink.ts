/**
 * A statement's results on their way to the client: the ResultSink of one connection. The
 * dispatcher sets it up before each call into the session; what comes after the client has gone is
 * dropped by the output.
 */
import { assert } from '../base/assert.js';
import type { Notice, ResultColumn, ResultSink, SqlSession } from '../sql/session-api.js';
import type { Datum } from '../sql/types/datum.js';
import type { FormatContext } from '../sql/types/type-info.js';
import {
  writeCommandComplete,
  writeCopyData,
  writeCopyResponse,
  writeNoticeResponse,
  writeParameterStatus,
  writeRowDescription,
} from './backend-messages.js';
import type { Output } from './output.js';
import { Backend } from './protocol.js';
import { writeDataRow, type ColumnEncoder, type RowEncoders } from './row-encoder.js';
import type { WireWriter } from './wire-writer.js';

const TEXT: readonly number[] = [];
const BINARY: readonly number[] = [1];

export class WireSink implements ResultSink {
  readonly #output: Output;
  readonly #writer: WireWriter;
  readonly #beginCopyIn: () => AsyncIterable<Buffer>;
  readonly #encoders: RowEncoders;
  readonly #session: SqlSession;
  #rowEncoders: readonly ColumnEncoder[] | null = null;
  #context: FormatContext | null = null;

  constructor(session: SqlSession, output: Output, encoders: RowEncoders, beginCopyIn: () => AsyncIterable<Buffer>) {
    this.#session = session;
    this.#output = output;
    this.#writer = output.writer;
    this.#beginCopyIn = beginCopyIn;
    this.#encoders = encoders;
  }

  /** Before simpleQuery: `columns` gives each statement's encoders. */
  openSimple(): void {
    this.#rowEncoders = null;
  }

  /** Before execute: the portal's encoders, null if it returns no rows. */
  openPortal(encoders: readonly ColumnEncoder[] | null): void {
    this.#rowEncoders = encoders;
    this.#context = null;
  }

  columns(columns: readonly ResultColumn[], binary = false): void {
    const formats = binary ? BINARY : TEXT;
    // A statement before may have set another.
    this.#writer.encoding = this.#session.clientEncoding;
    this.#rowEncoders = this.#encoders.for(columns, formats);
    this.#context = null;
    writeRowDescription(this.#writer, columns, formats);
  }

  row(values: readonly Datum[]): void {
    const encoders = this.#rowEncoders;
    assert(encoders !== null, 'a row of a statement without columns');
    const context = (this.#context ??= this.#session.format);
    writeDataRow(this.#writer, encoders, values, context);
    this.#output.flushIfLarge();
  }

  slow(): Promise<void> | null {
    return this.#output.slow();
  }

  complete(tag: string): void {
    writeCommandComplete(this.#writer, tag);
  }

  suspended(): void {
    this.#writer.empty(Backend.portalSuspended);
  }

  empty(): void {
    this.#writer.empty(Backend.emptyQueryResponse);
  }

  notice(notice: Notice): void {
    writeNoticeResponse(this.#writer, notice);
    this.#output.flushIfLarge();
  }

  parameterStatus(name: string, value: string): void {
    writeParameterStatus(this.#writer, name, value);
  }

  copyIn(format: 'text' | 'csv' | 'binary', columnCount: number): AsyncIterable<Buffer> {
    writeCopyResponse(this.#writer, Backend.copyInResponse, format === 'binary', columnCount);
    const source = this.#beginCopyIn();
    this.#output.flush();
    return source;
  }

  copyOut(format: 'text' | 'csv' | 'binary', columnCount: number): void {
    writeCopyResponse(this.#writer, Backend.copyOutResponse, format === 'binary', columnCount);
  }

  copyData(chunk: Uint8Array): void {
    writeCopyData(this.#writer, chunk);
    this.#output.flushIfLarge();
  }

  copyDone(): void {
    this.#writer.empty(Backend.copyDone);
  }
}
