/** inet and cidr: text, wire and key forms, order, and the arithmetic of addresses. */
import { sqlError } from '../../base/errors.js';
import { Inet } from './datum.js';
import type { TypeBehaviour } from './definitions.js';
import { abbreviate, readAddress, showAddress } from './inet-text.js';
import { syntaxError } from './scalar-input.js';

const WIRE_IPV4 = 2;
const WIRE_IPV6 = 3;

export const maxBits = (v: Inet): number => v.bytes.length * 8;

/** Byte `index` of a mask of so many bits. */
function maskByte(bits: number, index: number): number {
  const here = bits - index * 8;
  return here >= 8 ? 0xff : here <= 0 ? 0 : (0xff << (8 - here)) & 0xff;
}

function hasHostBits(v: Inet): boolean {
  return v.bytes.some((byte, i) => (byte & ~maskByte(v.bits, i)) !== 0);
}

/** The network that an address is in: bits past the prefix are cleared. */
export function networkOf(v: Inet): Inet {
  return new Inet(
    v.bytes.map((byte, i) => byte & maskByte(v.bits, i)),
    v.bits,
  );
}
export function broadcastOf(v: Inet): Inet {
  return new Inet(
    v.bytes.map((byte, i) => byte | (~maskByte(v.bits, i) & 0xff)),
    v.bits,
  );
}
export function netmaskOf(v: Inet): Inet {
  return new Inet(
    v.bytes.map((_, i) => maskByte(v.bits, i)),
    maxBits(v),
  );
}
export function hostmaskOf(v: Inet): Inet {
  return new Inet(
    v.bytes.map((_, i) => ~maskByte(v.bits, i) & 0xff),
    maxBits(v),
  );
}

/** How many of the first bits are the same. */
function commonBits(a: Inet, b: Inet, limit: number): number {
  for (let i = 0; i * 8 < limit; i++) {
    const difference = a.bytes[i]! ^ b.bytes[i]!;
    if (difference !== 0) return Math.min(limit, i * 8 + Math.clz32(difference) - 24);
  }
  return limit;
}

function compareBits(a: Inet, b: Inet, bits: number): number {
  const common = commonBits(a, b, bits);
  if (common === bits) return 0;
  return (a.bytes[common >> 3]! << (common & 7)) & 0x80 ? 1 : -1;
}

export function compareInet(a: Inet, b: Inet): number {
  if (a.bytes.length !== b.bytes.length) return a.bytes.length < b.bytes.length ? -1 : 1;
  const shared = compareBits(a, b, Math.min(a.bits, b.bits));
  if (shared !== 0) return shared;
  if (a.bits !== b.bits) return a.bits < b.bits ? -1 : 1;
  return compareBits(a, b, maxBits(a));
}

const GROUP = 7;
/**
 * The prefix in groups of seven bits, each as its place among all strings of up to seven bits in order, a string
 * before those that it begins; the last group has fewer than seven. Then the whole address.
 */
function encodeKeyInet(v: Inet): string {
  let out = v.bytes.length === 4 ? '\x04' : '\x06';
  for (let start = 0; start <= v.bits; start += GROUP) {
    let place = 0;
    for (let i = 0; i < GROUP && start + i < v.bits; i++) {
      const index = start + i;
      const bit = (v.bytes[index >> 3]! >> (7 - (index & 7))) & 1;
      place += 1 + bit * (2 ** (GROUP - i) - 1);
    }
    out += String.fromCharCode(place);
  }
  return out + Buffer.from(v.bytes).latin1Slice();
}

function parseInet(text: string, isCidr: boolean): Inet {
  const parsed = readAddress(text, isCidr);
  if (parsed === null) throw syntaxError(isCidr ? 'cidr' : 'inet', text);
  const value = new Inet(parsed.bytes, parsed.bits);
  if (isCidr && hasHostBits(value)) {
    throw sqlError('22P02', `invalid cidr value: "${text}"`, { detail: 'Value has bits set to right of mask.' });
  }
  return value;
}

/** With its prefix, however long. */
export function showNetwork(v: Inet): string {
  return `${showAddress(v.bytes)}/${v.bits}`;
}
export function formatInet(v: Inet): string {
  return v.bits === maxBits(v) ? showAddress(v.bytes) : showNetwork(v);
}
export function hostText(v: Inet): string {
  return showAddress(v.bytes);
}
export function abbreviateCidr(v: Inet): string {
  return abbreviate(v.bytes, v.bits);
}

function receiveInet(b: Buffer, name: string): Inet {
  if (b.length < 4) throw sqlError('08P01', 'insufficient data left in message');
  const size = b[0] === WIRE_IPV4 ? 4 : b[0] === WIRE_IPV6 ? 16 : 0;
  if (size === 0) throw sqlError('22P03', `invalid address family in external "${name}" value`);
  if (b[1]! > size * 8) throw sqlError('22P03', `invalid bits in external "${name}" value`);
  if (b[3] !== size) throw sqlError('22P03', `invalid length in external "${name}" value`);
  if (b.length < 4 + size) throw sqlError('08P01', 'insufficient data left in message');
  if (b.length > 4 + size) throw sqlError('22P03', 'incorrect binary data format');
  const value = new Inet(Uint8Array.from(b.subarray(4)), b[1]!);
  if (name === 'cidr' && hasHostBits(value)) {
    throw sqlError('22P03', 'invalid external "cidr" value', { detail: 'Value has bits set to right of mask.' });
  }
  return value;
}

function networkType(isCidr: boolean): TypeBehaviour {
  const behaviour = {
    input: (text: string) => parseInet(text, isCidr),
    output: (v: Inet) => (isCidr ? showNetwork(v) : formatInet(v)),
    receive: (b: Buffer) => receiveInet(b, isCidr ? 'cidr' : 'inet'),
    send: (v: Inet) =>
      Buffer.of(v.bytes.length === 4 ? WIRE_IPV4 : WIRE_IPV6, v.bits, isCidr ? 1 : 0, v.bytes.length, ...v.bytes),
    compare: (a: Inet, b: Inet) => compareInet(a, b),
    hashKey: (v: Inet) => `${v.bits}:${Buffer.from(v.bytes).latin1Slice()}`,
    encodeKey: (v: Inet) => encodeKeyInet(v),
    applyTypmod: (v: Inet) => v,
  };
  return behaviour as unknown as TypeBehaviour;
}

export const INET = networkType(false);
export const CIDR = networkType(true);

// ---- operations ----

/** Is `a` within the network `b`? */
export function isWithin(a: Inet, b: Inet, orEqual: boolean): boolean {
  if (a.bytes.length !== b.bytes.length) return false;
  return (orEqual ? a.bits >= b.bits : a.bits > b.bits) && compareBits(a, b, b.bits) === 0;
}
export function overlaps(a: Inet, b: Inet): boolean {
  return a.bytes.length === b.bytes.length && compareBits(a, b, Math.min(a.bits, b.bits)) === 0;
}

export function combineInet(a: Inet, b: Inet, name: string, f: (x: number, y: number) => number): Inet {
  if (a.bytes.length !== b.bytes.length) throw sqlError('22023', `cannot ${name} inet values of different sizes`);
  return new Inet(
    a.bytes.map((byte, i) => f(byte, b.bytes[i]!)),
    Math.max(a.bits, b.bits),
  );
}
export function invertInet(v: Inet): Inet {
  return new Inet(
    v.bytes.map((byte) => ~byte & 0xff),
    v.bits,
  );
}

const numberOf = (v: Inet): bigint => BigInt(`0x${Buffer.from(v.bytes).toString('hex')}`);
function outOfRange(): Error {
  return sqlError('22003', 'result is out of range');
}

export function addToInet(v: Inet, by: bigint): Inet {
  const sum = numberOf(v) + by;
  if (sum < 0n || sum >= 1n << BigInt(maxBits(v))) throw outOfRange();
  const hex = sum.toString(16).padStart(v.bytes.length * 2, '0');
  return new Inet(Uint8Array.from(Buffer.from(hex, 'hex')), v.bits);
}
export function subtractInets(a: Inet, b: Inet): bigint {
  if (a.bytes.length !== b.bytes.length) throw sqlError('22023', 'cannot subtract inet values of different sizes');
  // Of all their bits: what is too large may come round to something small.
  const difference = BigInt.asIntN(a.bytes.length * 8 + (a.bytes.length === 4 ? 8 : 0), numberOf(a) - numberOf(b));
  if (BigInt.asIntN(64, difference) !== difference) throw outOfRange();
  return difference;
}

/** −1 is the longest there is. */
export function withMask(v: Inet, bits: number): Inet {
  const wanted = bits === -1 ? maxBits(v) : bits;
  if (wanted < 0 || wanted > maxBits(v)) throw sqlError('22023', `invalid mask length: ${bits}`);
  return new Inet(v.bytes, wanted);
}

/** The smallest network that has both. */
export function mergeInets(a: Inet, b: Inet): Inet {
  if (a.bytes.length !== b.bytes.length) throw sqlError('22023', 'cannot merge addresses from different families');
  return networkOf(new Inet(a.bytes, commonBits(a, b, Math.min(a.bits, b.bits))));
}
