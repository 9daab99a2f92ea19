/**
 * The client's side of the protocol: encodes what a client sends, cuts and decodes what a server
 * answers. For the shell, the bench drivers and tests. Pure: bytes in, bytes out.
 */
import type { TransactionStatus } from '../sql/session-api.js';
import { FrameReader } from './frame-reader.js';
import {
  Backend,
  CANCEL_REQUEST_CODE,
  Frontend,
  GSSENC_REQUEST_CODE,
  PROTOCOL_MAJOR,
  protocolFatal,
  SSL_REQUEST_CODE,
} from './protocol.js';
import { WireWriter } from './wire-writer.js';

/** A parameter: text, bytes in binary format, or NULL. */
export type ClientParameter = string | Uint8Array | null;

/** Builds frontend messages; `take` gives the bytes of all since the last call. */
export class ClientWriter {
  readonly #writer = new WireWriter();

  get length(): number {
    return this.#writer.length;
  }

  take(): Buffer {
    return this.#writer.take();
  }

  startup(parameters: Readonly<Record<string, string>>, minor = 0, major = PROTOCOL_MAJOR): this {
    const writer = this.#writer.beginUntyped().int16(major).int16(minor);
    for (const [name, value] of Object.entries(parameters)) writer.text(name).text(value);
    writer.byte(0).end();
    return this;
  }

  sslRequest(): this {
    this.#writer.beginUntyped().int32(SSL_REQUEST_CODE).end();
    return this;
  }

  gssencRequest(): this {
    this.#writer.beginUntyped().int32(GSSENC_REQUEST_CODE).end();
    return this;
  }

  cancelRequest(processId: number, secretKey: number): this {
    this.#writer.beginUntyped().int32(CANCEL_REQUEST_CODE).int32(processId).int32(secretKey).end();
    return this;
  }

  query(text: string): this {
    this.#writer.begin(Frontend.query).text(text).end();
    return this;
  }

  parse(name: string, text: string, parameterOids: readonly number[] = []): this {
    const writer = this.#writer.begin(Frontend.parse).text(name).text(text);
    writer.int16(parameterOids.length);
    for (const oid of parameterOids) writer.int32(oid);
    writer.end();
    return this;
  }

  bind(
    portal: string,
    statement: string,
    parameters: readonly ClientParameter[],
    resultFormats: readonly number[] = [],
  ): this {
    const writer = this.#writer.begin(Frontend.bind).text(portal).text(statement);
    if (parameters.some((parameter) => parameter instanceof Uint8Array)) {
      writer.int16(parameters.length);
      for (const parameter of parameters) writer.int16(parameter instanceof Uint8Array ? 1 : 0);
    } else {
      writer.int16(0);
    }
    writer.int16(parameters.length);
    for (const parameter of parameters) {
      if (parameter === null) writer.nullValue();
      else if (typeof parameter === 'string') writer.textValue(parameter);
      else writer.bytesValue(parameter);
    }
    writer.int16(resultFormats.length);
    for (const format of resultFormats) writer.int16(format);
    writer.end();
    return this;
  }

  describe(target: 'statement' | 'portal', name: string): this {
    return this.#target(Frontend.describe, target, name);
  }

  close(target: 'statement' | 'portal', name: string): this {
    return this.#target(Frontend.close, target, name);
  }

  execute(portal: string, maxRows = 0): this {
    this.#writer.begin(Frontend.execute).text(portal).int32(maxRows).end();
    return this;
  }

  functionCall(oid: number): this {
    this.#writer.begin(Frontend.functionCall).int32(oid).int16(0).int16(0).int16(0).end();
    return this;
  }

  sync(): this {
    return this.#empty(Frontend.sync);
  }

  flush(): this {
    return this.#empty(Frontend.flush);
  }

  copyData(chunk: Uint8Array): this {
    this.#writer.begin(Frontend.copyData).bytes(chunk).end();
    return this;
  }

  copyDone(): this {
    return this.#empty(Frontend.copyDone);
  }

  copyFail(reason: string): this {
    this.#writer.begin(Frontend.copyFail).text(reason).end();
    return this;
  }

  terminate(): this {
    return this.#empty(Frontend.terminate);
  }

  /** Any bytes as a message body; for what no proper client sends. */
  raw(type: number, body: Uint8Array): this {
    this.#writer.begin(type).bytes(body).end();
    return this;
  }

  #target(type: number, target: 'statement' | 'portal', name: string): this {
    this.#writer
      .begin(type)
      .byte(target === 'statement' ? 0x53 : 0x50)
      .text(name)
      .end();
    return this;
  }

  #empty(type: number): this {
    this.#writer.empty(type);
    return this;
  }
}

export interface ClientColumn {
  readonly name: string;
  readonly tableOid: number;
  readonly columnNumber: number;
  readonly typeOid: number;
  readonly typeLength: number;
  readonly typmod: number;
  readonly format: number;
}

/** Error and notice fields by their one-letter codes. */
export type ServerFields = Readonly<Record<string, string>>;

export type BackendMessage =
  | { readonly kind: 'authentication'; readonly code: number }
  | { readonly kind: 'backendKeyData'; readonly processId: number; readonly secretKey: number }
  | {
      readonly kind: 'negotiateProtocolVersion';
      readonly minor: number;
      readonly options: readonly string[];
    }
  | { readonly kind: 'parameterStatus'; readonly name: string; readonly value: string }
  | { readonly kind: 'readyForQuery'; readonly status: TransactionStatus }
  | { readonly kind: 'rowDescription'; readonly columns: readonly ClientColumn[] }
  | { readonly kind: 'parameterDescription'; readonly oids: readonly number[] }
  | { readonly kind: 'dataRow'; readonly values: readonly (Buffer | null)[] }
  | { readonly kind: 'commandComplete'; readonly tag: string }
  | { readonly kind: 'error'; readonly fields: ServerFields }
  | { readonly kind: 'notice'; readonly fields: ServerFields }
  | {
      readonly kind: 'copyIn' | 'copyOut';
      readonly format: number;
      readonly columnFormats: readonly number[];
    }
  | { readonly kind: 'copyData'; readonly data: Buffer }
  | {
      readonly kind: 'notification';
      readonly processId: number;
      readonly channel: string;
      readonly payload: string;
    }
  | {
      readonly kind:
        | 'parseComplete'
        | 'bindComplete'
        | 'closeComplete'
        | 'noData'
        | 'portalSuspended'
        | 'emptyQueryResponse'
        | 'copyDone';
    };

const BODYLESS: ReadonlyMap<number, BackendMessage> = new Map<number, BackendMessage>([
  [Backend.parseComplete, { kind: 'parseComplete' }],
  [Backend.bindComplete, { kind: 'bindComplete' }],
  [Backend.closeComplete, { kind: 'closeComplete' }],
  [Backend.noData, { kind: 'noData' }],
  [Backend.portalSuspended, { kind: 'portalSuspended' }],
  [Backend.emptyQueryResponse, { kind: 'emptyQueryResponse' }],
  [Backend.copyDone, { kind: 'copyDone' }],
]);

/** Cuts the server's bytes into messages: `next`, then `type` and `body`, or `decode`. */
export class BackendParser {
  readonly #frames = new FrameReader();
  type = 0;
  body: Buffer = Buffer.alloc(0);

  get bufferedBytes(): number {
    return this.#frames.bufferedBytes;
  }

  push(chunk: Buffer): void {
    this.#frames.push(chunk);
  }

  /** The single byte that answers an SSLRequest or GSSENCRequest; null while it is not there. */
  nextNegotiationByte(): string | null {
    return this.#frames.bufferedBytes === 0 ? null : String.fromCharCode(this.#frames.take(1)[0] as number);
  }

  /** @throws QuoralError 08P01 */
  next(): boolean {
    const frames = this.#frames;
    if (frames.bufferedBytes < 5) return false;
    const length = frames.peekInt32(1);
    if (length < 4) throw protocolFatal('invalid message length from the server');
    if (frames.bufferedBytes < length + 1) return false;
    this.type = frames.peekByte(0);
    frames.skip(5);
    this.body = frames.take(length - 4);
    return true;
  }

  /** @throws QuoralError 08P01 */
  decode(): BackendMessage {
    return decodeBackend(this.type, this.body);
  }
}

/** @throws QuoralError 08P01 */
export function decodeBackend(type: number, body: Buffer): BackendMessage {
  const bodyless = BODYLESS.get(type);
  if (bodyless !== undefined) return bodyless;
  try {
    return decodeBody(type, new Cursor(body));
  } catch (error) {
    // Buffer reads past the end throw RangeError: the server's message is shorter than it says.
    if (!(error instanceof RangeError)) throw error;
    throw protocolFatal(`truncated message of type ${type} from the server`);
  }
}

function decodeBody(type: number, cursor: Cursor): BackendMessage {
  switch (type) {
    case Backend.authentication:
      return { kind: 'authentication', code: cursor.int32() };
    case Backend.backendKeyData:
      return { kind: 'backendKeyData', processId: cursor.int32(), secretKey: cursor.int32() };
    case Backend.negotiateProtocolVersion: {
      const minor = cursor.int32();
      return {
        kind: 'negotiateProtocolVersion',
        minor,
        options: repeat(cursor.int32(), () => cursor.text()),
      };
    }
    case Backend.parameterStatus:
      return { kind: 'parameterStatus', name: cursor.text(), value: cursor.text() };
    case Backend.readyForQuery:
      return {
        kind: 'readyForQuery',
        status: String.fromCharCode(cursor.byte()) as TransactionStatus,
      };
    case Backend.rowDescription:
      return { kind: 'rowDescription', columns: repeat(cursor.int16(), () => column(cursor)) };
    case Backend.parameterDescription:
      return {
        kind: 'parameterDescription',
        oids: repeat(cursor.int16(), () => cursor.int32() >>> 0),
      };
    case Backend.dataRow:
      return { kind: 'dataRow', values: repeat(cursor.int16(), () => cursor.value()) };
    case Backend.commandComplete:
      return { kind: 'commandComplete', tag: cursor.text() };
    case Backend.errorResponse:
      return { kind: 'error', fields: fields(cursor) };
    case Backend.noticeResponse:
      return { kind: 'notice', fields: fields(cursor) };
    case Backend.copyInResponse:
    case Backend.copyOutResponse: {
      const format = cursor.byte();
      const columnFormats = repeat(cursor.int16(), () => cursor.int16());
      return {
        kind: type === Backend.copyInResponse ? 'copyIn' : 'copyOut',
        format,
        columnFormats,
      };
    }
    case Backend.copyData:
      return { kind: 'copyData', data: cursor.rest() };
    case Backend.notificationResponse:
      return {
        kind: 'notification',
        processId: cursor.int32(),
        channel: cursor.text(),
        payload: cursor.text(),
      };
    default:
      throw protocolFatal(`unknown message type ${type} from the server`);
  }
}

function column(cursor: Cursor): ClientColumn {
  return {
    name: cursor.text(),
    tableOid: cursor.int32() >>> 0,
    columnNumber: cursor.int16(),
    typeOid: cursor.int32() >>> 0,
    typeLength: cursor.int16(),
    typmod: cursor.int32(),
    format: cursor.int16(),
  };
}

function fields(cursor: Cursor): ServerFields {
  const found: Record<string, string> = {};
  for (let code = cursor.byte(); code !== 0; code = cursor.byte()) {
    found[String.fromCharCode(code)] = cursor.text();
  }
  return found;
}

function repeat<T>(count: number, read: () => T): T[] {
  const items: T[] = [];
  for (let i = 0; i < count; i++) items.push(read());
  return items;
}

class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#at++);
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end === -1) throw new RangeError('unterminated string');
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  value(): Buffer | null {
    const length = this.int32();
    if (length === -1) return null;
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.length) throw new RangeError('value past the end');
    const value = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return value;
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }
}
