/**
 * The hot path of the codec for `Frame` (proto/rpc.proto), written by hand: one allocation per
 * frame out, no copy of payloads in. The wire format is protobuf's, and a golden test holds it
 * against the generated code. `Hello`, once per stream, is left to the generated code.
 *
 * Decoding is strict where protobuf is lenient: unknown fields are skipped (newer peers), but
 * lengths, varints and kinds are checked, and anything odd throws MalformedFrameError; the stream
 * is then closed. Payloads are views into the frame and keep it alive.
 */
import { Hello } from '../encoding/proto/rpc.js';

export const ENVELOPE_REQUEST = 0;
export const ENVELOPE_RESPONSE = 1;
export const ENVELOPE_ERROR = 2;
export const ENVELOPE_ONE_WAY = 3;
export const ENVELOPE_CANCEL = 4;
/** Asks whether calls are still being served; the payload lists their ids. */
export const ENVELOPE_PROBE = 5;
/** Answers a probe: the ids of calls that are not. */
export const ENVELOPE_GONE = 6;
export type EnvelopeKind = 0 | 1 | 2 | 3 | 4 | 5 | 6;

export interface Envelope {
  readonly kind: EnvelopeKind;
  readonly id: number;
  readonly method: number;
  readonly deadlineMs: number;
  readonly payload: Uint8Array;
}

export interface DecodedEnvelope extends Envelope {
  readonly payload: Buffer;
}

export interface DecodedFrame {
  readonly clock: number;
  readonly envelopes: readonly DecodedEnvelope[];
  readonly hello: Hello | null;
}

export class MalformedFrameError extends Error {
  override readonly name = 'MalformedFrameError';
}

const TAG_CLOCK = 0x08;
const TAG_ENVELOPE = 0x12;
const TAG_HELLO = 0x1a;
const TAG_KIND = 0x08;
const TAG_ID = 0x10;
const TAG_METHOD = 0x18;
const TAG_DEADLINE = 0x20;
const TAG_PAYLOAD = 0x2a;
const EMPTY = Buffer.alloc(0);

function varintSize(value: number): number {
  let size = 1;
  while (value >= 128) {
    value = value < 0x80000000 ? value >>> 7 : Math.floor(value / 128);
    size++;
  }
  return size;
}

function writeVarint(out: Uint8Array, at: number, value: number): number {
  while (value >= 0x80000000) {
    out[at++] = (value % 128) | 128;
    value = Math.floor(value / 128);
  }
  while (value >= 128) {
    out[at++] = (value & 127) | 128;
    value >>>= 7;
  }
  out[at++] = value;
  return at;
}

/** Bytes of an envelope's fields, without its tag and length. */
export function envelopeSize(envelope: Envelope): number {
  const payload = envelope.payload.length;
  let size = 0;
  if (envelope.kind !== 0) size += 2;
  if (envelope.id !== 0) size += 1 + varintSize(envelope.id);
  if (envelope.method !== 0) size += 1 + varintSize(envelope.method);
  if (envelope.deadlineMs !== 0) size += 1 + varintSize(envelope.deadlineMs);
  if (payload !== 0) size += 1 + varintSize(payload) + payload;
  return size;
}

/** Encodes `envelopes[start..end)` as one frame. */
export function encodeFrame(clock: number, envelopes: readonly Envelope[], start = 0, end = envelopes.length): Buffer {
  let total = clock === 0 ? 0 : 1 + varintSize(clock);
  for (let i = start; i < end; i++) {
    const size = envelopeSize(envelopes[i] as Envelope);
    total += 1 + varintSize(size) + size;
  }
  const out = Buffer.allocUnsafe(total);
  let at = 0;
  if (clock !== 0) {
    out[at++] = TAG_CLOCK;
    at = writeVarint(out, at, clock);
  }
  for (let i = start; i < end; i++) {
    const envelope = envelopes[i] as Envelope;
    out[at++] = TAG_ENVELOPE;
    at = writeVarint(out, at, envelopeSize(envelope));
    at = writeEnvelope(out, at, envelope);
  }
  return out;
}

function writeEnvelope(out: Buffer, at: number, envelope: Envelope): number {
  if (envelope.kind !== 0) {
    out[at++] = TAG_KIND;
    out[at++] = envelope.kind;
  }
  if (envelope.id !== 0) {
    out[at++] = TAG_ID;
    at = writeVarint(out, at, envelope.id);
  }
  if (envelope.method !== 0) {
    out[at++] = TAG_METHOD;
    at = writeVarint(out, at, envelope.method);
  }
  if (envelope.deadlineMs !== 0) {
    out[at++] = TAG_DEADLINE;
    at = writeVarint(out, at, envelope.deadlineMs);
  }
  const payload = envelope.payload;
  if (payload.length !== 0) {
    out[at++] = TAG_PAYLOAD;
    at = writeVarint(out, at, payload.length);
    out.set(payload, at);
    at += payload.length;
  }
  return at;
}

export function encodeHelloFrame(clock: number, hello: Hello): Buffer {
  const body = Hello.encode(hello).finish();
  const head = encodeFrame(clock, []);
  const out = Buffer.allocUnsafe(head.length + 1 + varintSize(body.length) + body.length);
  out.set(head, 0);
  let at = head.length;
  out[at++] = TAG_HELLO;
  at = writeVarint(out, at, body.length);
  out.set(body, at);
  return out;
}

/** A cursor over a frame; reused, because decoding is synchronous and never re-entered. */
class Cursor {
  bytes: Buffer = EMPTY;
  at = 0;
  end = 0;

  varint(): number {
    const bytes = this.bytes;
    let result = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      if (this.at >= this.end) throw new MalformedFrameError('truncated number');
      const byte = bytes[this.at++] as number;
      result += (byte & 127) * scale;
      if (byte < 128) {
        if (result > Number.MAX_SAFE_INTEGER) break;
        return result;
      }
      scale *= 128;
    }
    throw new MalformedFrameError('number out of range');
  }

  /** Reads a length and checks that so many bytes are there. */
  length(): number {
    const length = this.varint();
    if (length > this.end - this.at) throw new MalformedFrameError('length beyond the end of the frame');
    return length;
  }

  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.skipVarint();
        return;
      case 1:
        this.#advance(8);
        return;
      case 2:
        this.#advance(this.length());
        return;
      case 5:
        this.#advance(4);
        return;
      default:
        throw new MalformedFrameError('unknown wire type');
    }
  }

  skipVarint(): void {
    for (let i = 0; i < 10; i++) {
      if (this.at >= this.end) throw new MalformedFrameError('truncated number');
      if ((this.bytes[this.at++] as number) < 128) return;
    }
    throw new MalformedFrameError('number out of range');
  }

  #advance(count: number): void {
    if (count > this.end - this.at) throw new MalformedFrameError('truncated field');
    this.at += count;
  }
}

const cursor = new Cursor();

/** The ids of calls, as a probe and its answer carry them: 8 bytes each. */
export function encodeCallIds(ids: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(ids.length * 8);
  ids.forEach((id, i) => bytes.writeDoubleBE(id, i * 8));
  return bytes;
}

/** @throws MalformedFrameError */
export function decodeCallIds(bytes: Buffer): number[] {
  if (bytes.length % 8 !== 0) throw new MalformedFrameError('a list of call ids is cut off');
  return Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleBE(i * 8));
}

/** @throws MalformedFrameError */
export function decodeFrame(bytes: Buffer): DecodedFrame {
  cursor.bytes = bytes;
  cursor.at = 0;
  cursor.end = bytes.length;
  let clock = 0;
  let hello: Hello | null = null;
  const envelopes: DecodedEnvelope[] = [];
  while (cursor.at < bytes.length) {
    const tag = cursor.varint();
    if (tag === TAG_ENVELOPE) {
      const end = cursor.length() + cursor.at;
      envelopes.push(decodeEnvelope(end));
      cursor.end = bytes.length;
    } else if (tag === TAG_CLOCK) {
      clock = cursor.varint();
    } else if (tag === TAG_HELLO) {
      const end = cursor.length() + cursor.at;
      hello = decodeHello(bytes.subarray(cursor.at, end));
      cursor.at = end;
    } else {
      cursor.skip(tag);
    }
  }
  // The cursor must not keep the frame alive.
  cursor.bytes = EMPTY;
  return { clock, envelopes, hello };
}

function decodeEnvelope(end: number): DecodedEnvelope {
  cursor.end = end;
  let kind = 0;
  let id = 0;
  let method = 0;
  let deadlineMs = 0;
  let payload: Buffer = EMPTY;
  while (cursor.at < end) {
    const tag = cursor.varint();
    switch (tag) {
      case TAG_KIND:
        kind = cursor.varint();
        if (kind > ENVELOPE_GONE) throw new MalformedFrameError(`unknown kind of envelope ${kind}`);
        break;
      case TAG_ID:
        id = cursor.varint();
        break;
      case TAG_METHOD:
        method = cursor.varint();
        break;
      case TAG_DEADLINE:
        deadlineMs = cursor.varint();
        break;
      case TAG_PAYLOAD: {
        const length = cursor.length();
        payload = cursor.bytes.subarray(cursor.at, cursor.at + length);
        cursor.at += length;
        break;
      }
      default:
        cursor.skip(tag);
    }
  }
  return { kind: kind as EnvelopeKind, id, method, deadlineMs, payload };
}

function decodeHello(bytes: Buffer): Hello {
  try {
    return Hello.decode(bytes);
  } catch (error) {
    throw new MalformedFrameError('damaged hello', { cause: error });
  }
}
