/**
 * Frontend messages: bytes → messages, whatever the chunks. Pure and synchronous.
 *
 * Two steps, because their errors differ. `next` finds the message's bounds: what goes wrong there
 * (unknown type, impossible length) loses the boundaries and ends the connection (FATAL). `decode…`
 * read the body: what goes wrong there (08P01, 22021) costs the client this message, as in
 * PostgreSQL, and the connection goes on. Bodies and parameters are views of what was received.
 */
import { sqlError } from '../base/errors.js';
import { checkText, decodeText } from '../base/utf8.js';
import type { ParameterValue } from '../sql/session-api.js';
import type { TextEncoding } from '../sql/types/encodings.js';
import { FrameReader } from './frame-reader.js';
import {
  CANCEL_REQUEST_CODE,
  Frontend,
  GSSENC_REQUEST_CODE,
  MESSAGE_BYTES_MAX_DEFAULT,
  protocolError,
  protocolFatal,
  SMALL_MESSAGE_BYTES_MAX,
  SSL_REQUEST_CODE,
  STARTUP_BYTES_MAX,
} from './protocol.js';

export type StartupMessage =
  | { readonly kind: 'ssl' }
  | { readonly kind: 'gssenc' }
  | { readonly kind: 'cancel'; readonly processId: number; readonly secretKey: number }
  /** Of a length that no packet has: another protocol, or the Terminate of a client that gave up before it began. */
  | { readonly kind: 'noise' }
  | {
      readonly kind: 'startup';
      readonly major: number;
      readonly minor: number;
      readonly parameters: Readonly<Record<string, string>>;
      /** Names of `_pq_.` protocol options; none is known. */
      readonly protocolOptions: readonly string[];
    };

export interface ParseMessage {
  readonly name: string;
  readonly text: string;
  readonly parameterOids: readonly number[];
}

export interface BindMessage {
  readonly portal: string;
  readonly statement: string;
  readonly parameters: readonly ParameterValue[];
  /** Empty: all text; one: for all columns; otherwise one for each column. */
  readonly resultFormats: readonly number[];
}

export interface ExecuteMessage {
  readonly portal: string;
  readonly maxRows: number;
}

/** Of Describe and Close. */
export interface TargetMessage {
  readonly target: 'statement' | 'portal';
  readonly name: string;
}

const NONE: readonly never[] = [];
/** Shared: most clients ask for the same format in all columns. */
const ONE_FORMAT: readonly (readonly number[])[] = [[0], [1]];
const NULL_PARAMETER: ParameterValue = { format: 0, bytes: null };

/** Cuts the client's bytes into messages: `next`, then `type` and `body`. */
export class FrontendParser {
  readonly #frames = new FrameReader();
  readonly #bytesMax: number;
  /** Type and bytes (length included, type not) of the message whose end has not arrived yet. */
  #pendingType = 0;
  #pendingBytes = 0;
  type = 0;
  body: Buffer = Buffer.alloc(0);

  constructor(messageBytesMax: number = MESSAGE_BYTES_MAX_DEFAULT) {
    this.#bytesMax = messageBytesMax;
  }

  get bufferedBytes(): number {
    return this.#frames.bufferedBytes;
  }

  push(chunk: Buffer): void {
    this.#frames.push(chunk);
  }

  /** Type of the message after the current one; -1 when its first byte has not arrived. */
  get followingType(): number {
    return this.#frames.bufferedBytes === 0 ? -1 : this.#frames.peekByte(0);
  }

  clear(): void {
    this.#frames.clear();
    this.#pendingBytes = 0;
  }

  /**
   * The start-up packet, which has no type byte; null when it is not complete.
   * @throws QuoralError FATAL 08P01
   */
  nextStartup(): StartupMessage | null {
    const frames = this.#frames;
    if (frames.bufferedBytes < 4) return null;
    const length = frames.peekInt32(0);
    if (length < 8 || length > STARTUP_BYTES_MAX) return { kind: 'noise' };
    if (frames.bufferedBytes < length) return null;
    return decodeStartup(frames.take(length));
  }

  /**
   * True when `type` and `body` hold the next message.
   * @throws QuoralError FATAL 08P01
   */
  next(): boolean {
    const frames = this.#frames;
    if (this.#pendingBytes === 0) {
      const available = frames.bufferedBytes;
      if (available === 0) return false;
      const type = frames.peekByte(0);
      const bytesMax = this.#bytesMaxOf(type);
      if (available < 5) return false;
      const length = frames.peekInt32(1);
      if (length < 4) throw protocolFatal('invalid message length');
      if (length > bytesMax) {
        throw protocolFatal(
          'invalid message length',
          `The message claims ${length} bytes; at most ${bytesMax} are accepted.`,
        );
      }
      this.#pendingType = type;
      this.#pendingBytes = length;
    }
    const length = this.#pendingBytes;
    if (frames.bufferedBytes < length + 1) return false;
    frames.skip(5);
    this.type = this.#pendingType;
    this.body = length === 4 ? EMPTY_BODY : frames.take(length - 4);
    this.#pendingBytes = 0;
    return true;
  }

  #bytesMaxOf(type: number): number {
    switch (type) {
      case Frontend.query:
      case Frontend.parse:
      case Frontend.bind:
      case Frontend.functionCall:
      case Frontend.copyData:
        return this.#bytesMax;
      case Frontend.close:
      case Frontend.describe:
      case Frontend.execute:
      case Frontend.flush:
      case Frontend.sync:
      case Frontend.terminate:
      case Frontend.copyDone:
      case Frontend.copyFail:
        return SMALL_MESSAGE_BYTES_MAX;
      default:
        throw protocolFatal(`invalid frontend message type ${type}`);
    }
  }
}

const EMPTY_BODY = Buffer.alloc(0);

/** `packet` is the whole of it, with its length. @throws QuoralError FATAL */
export function decodeStartup(packet: Buffer): StartupMessage {
  const code = packet.readUInt32BE(4);
  if (code === SSL_REQUEST_CODE) return { kind: 'ssl' };
  if (code === GSSENC_REQUEST_CODE) return { kind: 'gssenc' };
  if (code === CANCEL_REQUEST_CODE) {
    if (packet.length !== 16) return { kind: 'noise' };
    return { kind: 'cancel', processId: packet.readInt32BE(8), secretKey: packet.readInt32BE(12) };
  }
  const major = code >>> 16;
  const minor = code & 0xffff;
  // The rest of another version's packet may look like anything.
  if (major !== 3) return { kind: 'startup', major, minor, parameters: {}, protocolOptions: [] };
  if (packet[packet.length - 1] !== 0 || packet.length < 9) throw badStartupLayout();
  const parameters: Record<string, string> = Object.create(null) as Record<string, string>;
  const protocolOptions: string[] = [];
  let at = 8;
  while (at < packet.length && packet[at] !== 0) {
    const nameEnd = packet.indexOf(0, at);
    const valueEnd = packet.indexOf(0, nameEnd + 1);
    if (valueEnd === -1) throw badStartupLayout();
    const name = decodeText(packet, at, nameEnd);
    const value = decodeText(packet, nameEnd + 1, valueEnd);
    if (name.startsWith('_pq_.')) protocolOptions.push(name);
    else parameters[name] = value;
    at = valueEnd + 1;
  }
  if (at !== packet.length - 1) throw badStartupLayout();
  return { kind: 'startup', major, minor, parameters, protocolOptions };
}

function badStartupLayout(): Error {
  return protocolFatal('invalid startup packet layout: expected terminator as last byte');
}

/** A cursor over one body; one instance serves all messages, since decoding is synchronous. */
class BodyReader {
  #bytes: Buffer = EMPTY_BODY;
  #encoding: TextEncoding | null = null;
  #at = 0;

  /** `encoding`: of its texts; null: UTF-8. */
  open(bytes: Buffer, encoding: TextEncoding | null = null): this {
    this.#bytes = bytes;
    this.#encoding = encoding;
    this.#at = 0;
    return this;
  }

  byte(): number {
    if (this.#at >= this.#bytes.length) throw noDataLeft();
    return this.#bytes[this.#at++];
  }

  int16(): number {
    const at = this.#at;
    if (at + 2 > this.#bytes.length) throw noDataLeft();
    this.#at = at + 2;
    return (this.#bytes[at] << 8) | this.#bytes[at + 1];
  }

  int32(): number {
    const at = this.#at;
    const bytes = this.#bytes;
    if (at + 4 > bytes.length) throw noDataLeft();
    this.#at = at + 4;
    return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }

  text(): string {
    const start = this.#at;
    if (this.#bytes[start] === 0) {
      this.#at = start + 1;
      return '';
    }
    const end = this.#bytes.indexOf(0, start);
    if (end === -1) throw protocolError('invalid string in message');
    this.#at = end + 1;
    if (this.#encoding !== null) return this.#encoding.decode(this.#bytes.subarray(start, end));
    return decodeText(this.#bytes, start, end);
  }

  /** A value that is text, in UTF-8. */
  utf8(length: number): Buffer {
    const bytes = this.view(length);
    if (this.#encoding !== null) return Buffer.from(this.#encoding.decode(bytes), 'utf8');
    checkText(bytes);
    return bytes;
  }

  view(length: number): Buffer {
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.length) throw noDataLeft();
    const view = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return view;
  }

  finish(): void {
    const complete = this.#at === this.#bytes.length;
    this.#bytes = EMPTY_BODY;
    if (!complete) throw protocolError('invalid message format');
  }
}

function noDataLeft(): Error {
  return protocolError('insufficient data left in message');
}

const reader = new BodyReader();

/** Of Query. @throws QuoralError 08P01, 22021 */
export function decodeQuery(body: Buffer, encoding: TextEncoding | null = null): string {
  const read = reader.open(body, encoding);
  const text = read.text();
  read.finish();
  return text;
}

export function decodeParse(body: Buffer, encoding: TextEncoding | null = null): ParseMessage {
  const read = reader.open(body, encoding);
  const name = read.text();
  const text = read.text();
  const count = read.int16();
  const parameterOids: number[] = [];
  for (let i = 0; i < count; i++) parameterOids.push(read.int32() >>> 0);
  read.finish();
  return { name, text, parameterOids: count === 0 ? NONE : parameterOids };
}

export function decodeBind(body: Buffer, encoding: TextEncoding | null = null): BindMessage {
  const read = reader.open(body, encoding);
  const portal = read.text();
  const statement = read.text();
  const formatCount = read.int16();
  let format: 0 | 1 = 0;
  let formats: (0 | 1)[] | null = null;
  if (formatCount === 1) {
    format = formatCode(read.int16());
  } else if (formatCount > 1) {
    formats = [];
    for (let i = 0; i < formatCount; i++) formats.push(formatCode(read.int16()));
  }
  const count = read.int16();
  if (formats !== null && count !== formatCount) {
    throw protocolError(`bind message has ${formatCount} parameter formats but ${count} parameters`);
  }
  const parameters = count === 0 ? NONE : decodeParameters(read, count, format, formats);
  const resultFormats = decodeResultFormats(read);
  read.finish();
  return { portal, statement, parameters, resultFormats };
}

function decodeParameters(read: BodyReader, count: number, common: 0 | 1, formats: (0 | 1)[] | null): ParameterValue[] {
  const parameters: ParameterValue[] = [];
  for (let i = 0; i < count; i++) {
    const length = read.int32();
    if (length === -1) {
      parameters.push(NULL_PARAMETER);
      continue;
    }
    const format = formats === null ? common : formats[i];
    parameters.push({ format, bytes: format === 0 ? read.utf8(length) : read.view(length) });
  }
  return parameters;
}

function decodeResultFormats(read: BodyReader): readonly number[] {
  const count = read.int16();
  if (count === 0) return NONE;
  if (count === 1) return ONE_FORMAT[formatCode(read.int16())];
  const formats: number[] = [];
  for (let i = 0; i < count; i++) formats.push(formatCode(read.int16()));
  return formats;
}

function formatCode(code: number): 0 | 1 {
  if (code === 0 || code === 1) return code;
  throw sqlError('22023', `unsupported format code: ${code}`);
}

export function decodeExecute(body: Buffer, encoding: TextEncoding | null = null): ExecuteMessage {
  const read = reader.open(body, encoding);
  const portal = read.text();
  const maxRows = read.int32();
  read.finish();
  // As PostgreSQL: zero or less means all.
  return { portal, maxRows: maxRows < 0 ? 0 : maxRows };
}

/** Of Describe and Close. */
export function decodeTarget(
  body: Buffer,
  messageName: 'DESCRIBE' | 'CLOSE',
  encoding: TextEncoding | null = null,
): TargetMessage {
  const read = reader.open(body, encoding);
  const kind = read.byte();
  const name = read.text();
  read.finish();
  if (kind === 0x53) return { target: 'statement', name };
  if (kind === 0x50) return { target: 'portal', name };
  throw protocolError(`invalid ${messageName} message subtype ${kind}`);
}

/** Of CopyFail: the client's reason. */
export function decodeCopyFail(body: Buffer): string {
  const read = reader.open(body);
  const reason = read.text();
  read.finish();
  return reason;
}

/** Of Sync, Flush, Terminate, CopyDone. */
export function decodeEmpty(body: Buffer): void {
  if (body.length !== 0) throw protocolError('invalid message format');
}
