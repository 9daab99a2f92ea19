/**
 * Backend messages that are more than a type and a number. Field order is PostgreSQL's own, since
 * golden transcripts and some tools compare whole messages.
 */
import type { QuoralError } from '../base/errors.js';
import type { Notice, Notification, ResultColumn, TransactionStatus } from '../sql/session-api.js';
import { catalogOidOf, isArrayType } from '../sql/types/registry.js';
import type { ErrorSource } from './error-source.js';
import { Backend } from './protocol.js';
import type { WireWriter } from './wire-writer.js';

export function writeAuthenticationOk(writer: WireWriter): void {
  writer.begin(Backend.authentication).int32(0).end();
}

export function writeParameterStatus(writer: WireWriter, name: string, value: string): void {
  writer.begin(Backend.parameterStatus).text(name).text(value).end();
}

export function writeBackendKeyData(writer: WireWriter, processId: number, secretKey: number): void {
  writer.begin(Backend.backendKeyData).int32(processId).int32(secretKey).end();
}

export function writeReadyForQuery(writer: WireWriter, status: TransactionStatus): void {
  writer.begin(Backend.readyForQuery).byte(status.charCodeAt(0)).end();
}

/** The client asked for more than version 3.0: says so, and which of its options are unknown. */
export function writeNegotiateProtocolVersion(writer: WireWriter, minor: number, options: readonly string[]): void {
  writer.begin(Backend.negotiateProtocolVersion).int32(minor).int32(options.length);
  for (const option of options) writer.text(option);
  writer.end();
}

/** Clients are told what a domain is over, but of arrays of one that they are that. */
function shownOid({ typeOid, domain }: ResultColumn): number {
  return domain !== undefined && isArrayType(domain) ? domain : typeOid;
}

export function writeRowDescription(
  writer: WireWriter,
  columns: readonly ResultColumn[],
  formats: readonly number[],
): void {
  writer.begin(Backend.rowDescription).int16(columns.length);
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i];
    writer
      .text(column.name)
      .int32(column.tableOid)
      .int16(column.columnNumber)
      .int32(catalogOidOf(shownOid(column)))
      .int16(column.typeLength)
      .int32(column.typmod)
      .int16(formatOf(formats, i));
  }
  writer.end();
}

/** Format code of a column: none given means text, one given is for all. */
export function formatOf(formats: readonly number[], column: number): number {
  if (formats.length === 0) return 0;
  return formats.length === 1 ? formats[0] : formats[column];
}

export function writeParameterDescription(writer: WireWriter, oids: readonly number[]): void {
  writer.begin(Backend.parameterDescription).int16(oids.length);
  for (const oid of oids) writer.int32(catalogOidOf(oid));
  writer.end();
}

export function writeCommandComplete(writer: WireWriter, tag: string): void {
  writer.begin(Backend.commandComplete).text(tag).end();
}

/** CopyInResponse and CopyOutResponse: overall format, then one per column (always the same). */
export function writeCopyResponse(writer: WireWriter, type: number, binary: boolean, columnCount: number): void {
  const format = binary ? 1 : 0;
  writer.begin(type).byte(format).int16(columnCount);
  for (let i = 0; i < columnCount; i++) writer.int16(format);
  writer.end();
}

export function writeCopyData(writer: WireWriter, chunk: Uint8Array): void {
  writer.begin(Backend.copyData).bytes(chunk).end();
}

export function writeErrorResponse(
  writer: WireWriter,
  error: QuoralError,
  severity: 'ERROR' | 'FATAL' = error.severity,
  source: ErrorSource = {},
): void {
  const fields = error.fields;
  writer.begin(Backend.errorResponse);
  field(writer, 'S', severity);
  field(writer, 'V', severity);
  field(writer, 'C', error.sqlstate);
  field(writer, 'M', error.message);
  field(writer, 'D', fields.detail);
  field(writer, 'H', fields.hint);
  field(writer, 'P', fields.position?.toString());
  field(writer, 'p', fields.internalPosition?.toString());
  field(writer, 'q', fields.internalQuery);
  field(writer, 'W', fields.where);
  field(writer, 's', fields.schema);
  field(writer, 't', fields.table);
  field(writer, 'c', fields.column);
  field(writer, 'd', fields.dataType);
  field(writer, 'n', fields.constraint);
  field(writer, 'F', source.file);
  field(writer, 'L', source.line);
  field(writer, 'R', source.routine ?? fields.routine);
  writer.byte(0).end();
}

export function writeNoticeResponse(writer: WireWriter, notice: Notice): void {
  writer.begin(Backend.noticeResponse);
  field(writer, 'S', notice.severity);
  field(writer, 'V', notice.severity);
  field(writer, 'C', notice.sqlstate);
  field(writer, 'M', notice.message);
  field(writer, 'D', notice.detail);
  field(writer, 'H', notice.hint);
  field(writer, 'P', notice.position?.toString());
  field(writer, 'W', notice.where);
  writer.byte(0).end();
}

export function writeNotificationResponse(writer: WireWriter, notification: Notification): void {
  const { processId, channel, payload } = notification;
  writer.begin(Backend.notificationResponse).int32(processId).text(channel).text(payload).end();
}

function field(writer: WireWriter, code: string, value: string | undefined): void {
  if (value === undefined) return;
  writer.byte(code.charCodeAt(0)).text(value);
}
