/**
 * bit(n) and bit varying(n): text, wire and key forms, and the operations on them. A value is its length in
 * bits and its bytes, the first bit highest; bits past the length are zero, so that equal values have equal bytes.
 */
import { sqlError } from '../../base/errors.js';
import { encodeKeyBytes, encodeKeyInt } from '../encoding/key-primitives.js';
import { BitString } from './datum.js';
import { checkLength, TEXT_MAX } from './limits.js';
import type { TypeBehaviour } from './definitions.js';

/** Their text is as long. */
const MAX_BITS = TEXT_MAX;

/** `bytes` may have set bits past the length: they are cleared here. */
export function makeBits(length: number, bytes: Uint8Array): BitString {
  const rest = length % 8;
  if (rest !== 0) bytes[bytes.length - 1]! &= (0xff << (8 - rest)) & 0xff;
  return new BitString(length, bytes);
}

const bytesFor = (bits: number): number => Math.ceil(bits / 8);

export function bitAt(v: BitString, index: number): number {
  return (v.bytes[index >> 3]! >> (7 - (index & 7))) & 1;
}

function readBinary(digits: string): BitString {
  const { length } = digits;
  checkLength(length);
  const bytes = new Uint8Array(bytesFor(length));
  const units = Buffer.from(digits, 'latin1');
  let byte = 0;
  let wrong = 0;
  for (let i = 0; i < length; i++) {
    const bit = units[i]! ^ 48;
    wrong |= bit;
    byte = (byte << 1) | bit;
    if ((i & 7) === 7) bytes[i >> 3] = byte;
  }
  if (length % 8 !== 0) bytes[length >> 3] = byte << (8 - (length % 8));
  if (wrong > 1 || /[^\x00-\xff]/.test(digits)) throw badDigit(digits, digits.search(/[^01]/), 'binary');
  return new BitString(digits.length, bytes);
}

function readHex(digits: string): BitString {
  checkLength(digits.length * 4);
  const bytes = new Uint8Array(bytesFor(digits.length * 4));
  for (let i = 0; i < digits.length; i++) {
    const digit = parseInt(digits[i]!, 16);
    if (Number.isNaN(digit)) throw badDigit(digits, i, 'hexadecimal');
    bytes[i >> 1]! |= i % 2 === 0 ? digit << 4 : digit;
  }
  return new BitString(digits.length * 4, bytes);
}

function badDigit(digits: string, at: number, kind: string): Error {
  return sqlError('22P02', `"${String.fromCodePoint(digits.codePointAt(at)!)}" is not a valid ${kind} digit`);
}

/** '101', 'b101' or 'x1F'. */
export function parseBits(text: string): BitString {
  const first = text[0];
  if (first === 'b' || first === 'B') return readBinary(text.slice(1));
  if (first === 'x' || first === 'X') return readHex(text.slice(1));
  return readBinary(text);
}

export function formatBits(v: BitString): string {
  const digits = Buffer.allocUnsafe(v.length);
  for (let i = 0; i < v.length; i++) digits[i] = 48 + bitAt(v, i);
  return digits.latin1Slice();
}

export function compareBits(a: BitString, b: BitString): number {
  const order = Buffer.compare(
    a.bytes.subarray(0, Math.min(a.bytes.length, b.bytes.length)),
    b.bytes.subarray(0, Math.min(a.bytes.length, b.bytes.length)),
  );
  return order !== 0 ? order : Math.sign(a.length - b.length);
}

/** Cut, or filled with zeros on the right. */
function resize(v: BitString, length: number): BitString {
  checkLength(length);
  const bytes = new Uint8Array(bytesFor(length));
  bytes.set(v.bytes.subarray(0, bytes.length));
  return makeBits(length, bytes);
}

function limitBit(v: BitString, typmod: number, explicit: boolean): BitString {
  if (typmod <= 0 || v.length === typmod) return v;
  if (!explicit) throw sqlError('22026', `bit string length ${v.length} does not match type bit(${typmod})`);
  return resize(v, typmod);
}

function limitVarbit(v: BitString, typmod: number, explicit: boolean): BitString {
  if (typmod <= 0 || v.length <= typmod) return v;
  if (!explicit) throw sqlError('22001', `bit string too long for type bit varying(${typmod})`);
  return resize(v, typmod);
}

function receiveBits(b: Buffer): BitString {
  if (b.length < 4) throw sqlError('08P01', 'insufficient data left in message');
  const length = b.readInt32BE(0);
  if (length < 0 || length > MAX_BITS) throw sqlError('22P03', 'invalid length in external bit string');
  const size = bytesFor(length);
  if (b.length < 4 + size) throw sqlError('08P01', 'insufficient data left in message');
  if (b.length > 4 + size) throw sqlError('22P03', 'incorrect binary data format');
  return makeBits(length, Uint8Array.from(b.subarray(4)));
}

function bitType(limit: (v: BitString, typmod: number, explicit: boolean) => BitString): TypeBehaviour {
  const behaviour = {
    input: (text: string, typmod: number) => limit(parseBits(text), typmod, false),
    output: (v: BitString) => formatBits(v),
    receive: (b: Buffer, typmod: number) => limit(receiveBits(b), typmod, false),
    send(v: BitString) {
      const out = Buffer.alloc(4 + v.bytes.length);
      out.writeInt32BE(v.length, 0);
      out.set(v.bytes, 4);
      return out;
    },
    compare: (a: BitString, b: BitString) => compareBits(a, b),
    hashKey: (v: BitString) => `${v.length}:${Buffer.from(v.bytes).latin1Slice()}`,
    encodeKey: (v: BitString) => encodeKeyBytes(v.bytes) + encodeKeyInt(v.length),
    applyTypmod: (v: BitString, typmod: number, explicit: boolean) => limit(v, typmod, explicit),
  };
  return behaviour as unknown as TypeBehaviour;
}

export const BIT = bitType(limitBit);
export const VARBIT = bitType(limitVarbit);

// ---- operations ----

export function combineBits(a: BitString, b: BitString, name: string, f: (x: number, y: number) => number): BitString {
  if (a.length !== b.length) throw sqlError('22026', `cannot ${name} bit strings of different sizes`);
  return new BitString(
    a.length,
    a.bytes.map((byte, i) => f(byte, b.bytes[i]!)),
  );
}

export function invertBits(v: BitString): BitString {
  return makeBits(
    v.length,
    v.bytes.map((byte) => ~byte & 0xff),
  );
}

/** To the left if positive; the length stays. */
export function shiftBits(v: BitString, by: number): BitString {
  const bytes = new Uint8Array(v.bytes.length);
  const whole = Math.floor(by / 8);
  const part = by - whole * 8;
  for (let i = 0; i < bytes.length; i++) {
    const high = v.bytes[i + whole] ?? 0;
    const low = v.bytes[i + whole + 1] ?? 0;
    bytes[i] = ((high << part) | (low >> (8 - part))) & 0xff;
  }
  return makeBits(v.length, bytes);
}

export function concatBits(a: BitString, b: BitString): BitString {
  const length = a.length + b.length;
  if (length > MAX_BITS) {
    throw sqlError('54000', `bit string length exceeds the maximum allowed (${MAX_BITS})`);
  }
  const bytes = new Uint8Array(bytesFor(length));
  bytes.set(a.bytes);
  const start = a.length >> 3;
  const part = a.length & 7;
  for (let i = 0; i < b.bytes.length; i++) {
    bytes[start + i]! |= b.bytes[i]! >> part;
    if (part !== 0 && start + i + 1 < bytes.length) bytes[start + i + 1]! |= (b.bytes[i]! << (8 - part)) & 0xff;
  }
  return new BitString(length, bytes);
}

/** From `from` (0 is the first bit) up to `to`, both within the string or cut to it. */
export function sliceBits(v: BitString, from: number, to: number): BitString {
  const start = Math.max(0, from);
  const end = Math.min(v.length, to);
  if (end <= start) return new BitString(0, new Uint8Array(0));
  return resize(shiftBits(v, start), end - start);
}

/** Where `part` is found, counted from 1; 0 if nowhere. */
export function findBits(v: BitString, part: BitString): number {
  if (v.length === 0 || part.length > v.length) return 0;
  if (part.length === 0) return 1;
  const at = formatBits(v).indexOf(formatBits(part));
  return at + 1;
}

export function countBits(bytes: Uint8Array): number {
  let count = 0;
  for (let byte of bytes) for (; byte !== 0; byte &= byte - 1) count++;
  return count;
}

function checkIndex(v: BitString, index: number): void {
  if (index < 0 || index >= v.length)
    throw sqlError('2202E', `bit index ${index} out of valid range (0..${v.length - 1})`);
}
export function getBit(v: BitString, index: number): number {
  checkIndex(v, index);
  return bitAt(v, index);
}
export function setBit(v: BitString, index: number, bit: number): BitString {
  checkIndex(v, index);
  if (bit !== 0 && bit !== 1) throw sqlError('22023', 'new bit must be 0 or 1');
  const bytes = Uint8Array.from(v.bytes);
  const mask = 0x80 >> (index & 7);
  bytes[index >> 3] = bit === 1 ? bytes[index >> 3]! | mask : bytes[index >> 3]! & ~mask;
  return new BitString(v.length, bytes);
}

/** The low bits of a number in two's complement; bit without a length is bit(1). */
export function bitsFromInteger(value: bigint, typmod: number): BitString {
  const length = typmod <= 0 ? 1 : typmod;
  checkLength(length);
  const low = readBinary(BigInt.asUintN(64, value).toString(2).padStart(64, '0'));
  if (length <= 64) return sliceBits(low, 64 - length, 64);
  const filled = new BitString(length - 64, new Uint8Array(bytesFor(length - 64)).fill(value < 0n ? 0xff : 0));
  return concatBits(makeBits(filled.length, filled.bytes), low);
}

/** @throws QuoralError 22003 if there are more bits than the type has. */
export function bitsToInteger(v: BitString, bits: 32 | 64): bigint {
  if (v.length > bits) throw sqlError('22003', `${bits === 32 ? 'integer' : 'bigint'} out of range`);
  return BigInt.asIntN(bits, v.length === 0 ? 0n : BigInt(`0b${formatBits(v)}`));
}
