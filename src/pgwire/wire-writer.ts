/**
 * Encodes messages into one growable buffer that is used again after each flush. The caller builds
 * any number of messages and takes the bytes once per turn.
 *
 * `take` copies a small result out of the buffer and gives a large one away together with the
 * buffer: the socket may hold what it was given for as long as it likes. What comes after a large one is
 * mostly as large (the rest of the rows), and gets its room at once instead of by doubling. Room is reserved once per
 * value, so the digit and byte loops write without checks.
 */
import { assert } from '../base/assert.js';
import type { TextEncoding } from '../sql/types/encodings.js';

const INITIAL_BYTES = 1024;
/** Above this, copying costs more than a new buffer. */
const COPY_BYTES_MAX = 8192;
/** ASCII is written by a loop up to this length, by native code above. */
const SHORT_CHARACTERS = 40;

export class WireWriter {
  #buffer: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #at = 0;
  /** Bytes that the next buffer has when it has to grow. */
  #expected = 0;
  /** How the client wants its texts; null: UTF-8. */
  encoding: TextEncoding | null = null;
  /** Where the length of the open message stands; -1 between messages. */
  #lengthAt = -1;

  get length(): number {
    return this.#at;
  }

  /** The bytes of all messages since the last call. */
  take(): Buffer {
    assert(this.#lengthAt === -1, 'a message is open');
    const length = this.#at;
    this.#at = 0;
    if (length <= COPY_BYTES_MAX) {
      const bytes = Buffer.allocUnsafe(length);
      this.#buffer.copy(bytes, 0, 0, length);
      this.#expected = 0;
      // The end of a large answer: a connection that waits for its client should not hold that much.
      if (this.#buffer.length > 2 * COPY_BYTES_MAX) this.#buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
      return bytes;
    }
    const bytes = this.#buffer.subarray(0, length);
    this.#expected = length + (length >>> 3);
    this.#buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    return bytes;
  }

  /** Forgets what was written. */
  clear(): void {
    this.#at = 0;
    this.#lengthAt = -1;
  }

  /** Takes back the open message, when encoding it failed. */
  abandon(): void {
    if (this.#lengthAt === -1) return;
    this.#at = this.#lengthAt - 1;
    this.#lengthAt = -1;
  }

  begin(type: number): this {
    assert(this.#lengthAt === -1, 'the message before was not ended');
    this.#room(5);
    this.#buffer[this.#at] = type;
    this.#lengthAt = this.#at + 1;
    this.#at += 5;
    return this;
  }

  /** A message without a type byte (start-up, cancel). */
  beginUntyped(): this {
    assert(this.#lengthAt === -1, 'the message before was not ended');
    this.#room(4);
    this.#lengthAt = this.#at;
    this.#at += 4;
    return this;
  }

  end(): void {
    const lengthAt = this.#lengthAt;
    putInt32(this.#buffer, lengthAt, this.#at - lengthAt);
    this.#lengthAt = -1;
  }

  /** A message without a body. */
  empty(type: number): void {
    this.#room(5);
    const at = this.#at;
    this.#buffer[at] = type;
    putInt32(this.#buffer, at + 1, 4);
    this.#at = at + 5;
  }

  byte(value: number): this {
    this.#room(1);
    this.#buffer[this.#at++] = value;
    return this;
  }

  int16(value: number): this {
    this.#room(2);
    this.#buffer[this.#at] = value >>> 8;
    this.#buffer[this.#at + 1] = value;
    this.#at += 2;
    return this;
  }

  int32(value: number): this {
    this.#room(4);
    putInt32(this.#buffer, this.#at, value);
    this.#at += 4;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#room(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  /**
   * A NUL-terminated string: names, messages. A NUL inside would shift every later field, so it is shown as '?'; so is
   * what the client's encoding cannot say, since an error about an error would tell nobody anything.
   */
  text(value: string): this {
    const plain = value.includes('\0') ? value.replaceAll('\0', '?') : value;
    if (this.encoding === null) this.#utf8(plain);
    else this.bytes(this.encoding.encodeLossy(plain));
    return this.byte(0);
  }

  /** Values: an int32 length, then the bytes. */
  nullValue(): void {
    this.int32(-1);
  }

  bytesValue(value: Uint8Array): void {
    this.int32(value.length);
    this.bytes(value);
  }

  /** @throws QuoralError 22P05 if the client's encoding cannot say it */
  textValue(value: string): void {
    if (this.encoding !== null) return this.bytesValue(this.encoding.encode(value));
    this.#room(4);
    const lengthAt = this.#at;
    this.#at += 4;
    this.#utf8(value);
    putInt32(this.#buffer, lengthAt, this.#at - lengthAt - 4);
  }

  booleanText(value: boolean): void {
    this.#room(5);
    this.#oneByte(value ? 0x74 : 0x66);
  }

  booleanBinary(value: boolean): void {
    this.#room(5);
    this.#oneByte(value ? 1 : 0);
  }

  /** A value of one byte; there is room. */
  #oneByte(byte: number): void {
    const at = this.#at;
    putInt32(this.#buffer, at, 1);
    this.#buffer[at + 4] = byte;
    this.#at = at + 5;
  }

  /** Decimal digits of an integer of at most 53 bits. */
  integerText(value: number): void {
    this.#room(24);
    if (value >= 0 && value < 10) return this.#oneByte(0x30 + value);
    const buffer = this.#buffer;
    const lengthAt = this.#at;
    let at = lengthAt + 4;
    let rest = value;
    if (rest < 0) {
      buffer[at++] = 0x2d;
      rest = -rest;
    }
    const first = at;
    at += decimalDigits(rest);
    for (let digit = at - 1; digit >= first; digit--) {
      const quotient = rest < 0x7fffffff ? (rest / 10) | 0 : Math.floor(rest / 10);
      buffer[digit] = 0x30 + (rest - quotient * 10);
      rest = quotient;
    }
    putInt32(buffer, lengthAt, at - lengthAt - 4);
    this.#at = at;
  }

  int8Text(value: bigint): void {
    const small = Number(value);
    if (Number.isSafeInteger(small)) this.integerText(small);
    else this.textValue(value.toString());
  }

  int2Binary(value: number): void {
    this.int32(2);
    this.int16(value);
  }

  int4Binary(value: number): void {
    this.int32(4);
    this.int32(value);
  }

  int8Binary(value: bigint): void {
    this.#room(12);
    putInt32(this.#buffer, this.#at, 8);
    const small = Number(value);
    if (Number.isSafeInteger(small)) {
      const high = Math.floor(small / 0x1_0000_0000);
      putInt32(this.#buffer, this.#at + 4, high);
      putInt32(this.#buffer, this.#at + 8, small - high * 0x1_0000_0000);
    } else {
      this.#buffer.writeBigInt64BE(value, this.#at + 4);
    }
    this.#at += 12;
  }

  float4Binary(value: number): void {
    this.#room(8);
    putInt32(this.#buffer, this.#at, 4);
    this.#buffer.writeFloatBE(value, this.#at + 4);
    this.#at += 8;
  }

  float8Binary(value: number): void {
    this.#room(12);
    putInt32(this.#buffer, this.#at, 8);
    this.#buffer.writeDoubleBE(value, this.#at + 4);
    this.#at += 12;
  }

  #utf8(value: string): void {
    const length = value.length;
    this.#room(length * 3);
    const buffer = this.#buffer;
    let at = this.#at;
    if (length <= SHORT_CHARACTERS) {
      let i = 0;
      for (; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code >= 0x80) break;
        buffer[at++] = code;
      }
      if (i === length) {
        this.#at = at;
        return;
      }
    }
    this.#at += buffer.write(value, this.#at, 'utf8');
  }

  #room(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2, this.#expected));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }
}

function putInt32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
}

function decimalDigits(value: number): number {
  if (value < 10) return 1;
  if (value < 100) return 2;
  if (value < 1000) return 3;
  if (value < 10_000) return 4;
  if (value < 100_000) return 5;
  if (value < 1_000_000) return 6;
  if (value < 10_000_000) return 7;
  let digits = 7;
  for (let bound = 10_000_000; value >= bound; bound *= 10) digits++;
  return digits;
}
