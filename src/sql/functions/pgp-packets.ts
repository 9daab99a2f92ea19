/**
 * OpenPGP's packets, as far as messages encrypted by a password need them (RFC 4880): lengths of both formats and of
 * pieces, keys from passwords (3.7), and the cipher feedback of 13.9. Nothing here knows SQL.
 */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';

export const SYMMETRIC_KEY = 3;
export const PUBLIC_KEY_SESSION = 1;
export const SYMMETRIC_DATA = 9;
export const COMPRESSED = 8;
export const MARKER = 10;
export const LITERAL = 11;
export const PROTECTED_DATA = 18;
export const MDC = 19;

/** What cannot be read: a wrong password, most of the time. */
export class CorruptMessage extends Error {}

export interface CipherKind {
  readonly id: number;
  readonly keyLength: number;
  readonly blockLength: number;
  readonly name: string;
}

/** By the names of pgcrypto's option. */
export const CIPHERS: Readonly<Record<string, CipherKind>> = {
  '3des': { id: 2, keyLength: 24, blockLength: 8, name: 'des-ede3-cfb' },
  aes: { id: 7, keyLength: 16, blockLength: 16, name: 'aes-128-cfb' },
  aes128: { id: 7, keyLength: 16, blockLength: 16, name: 'aes-128-cfb' },
  aes192: { id: 8, keyLength: 24, blockLength: 16, name: 'aes-192-cfb' },
  aes256: { id: 9, keyLength: 32, blockLength: 16, name: 'aes-256-cfb' },
};
export const DIGESTS: Readonly<Record<string, { readonly id: number; readonly name: string }>> = {
  md5: { id: 1, name: 'md5' },
  sha1: { id: 2, name: 'sha1' },
  'sha-1': { id: 2, name: 'sha1' },
  sha256: { id: 8, name: 'sha256' },
  sha384: { id: 9, name: 'sha384' },
  sha512: { id: 10, name: 'sha512' },
};

export function cipherOf(id: number): CipherKind | undefined {
  return Object.values(CIPHERS).find((kind) => kind.id === id);
}

// ---- packets ----

export interface Packet {
  readonly tag: number;
  readonly body: Buffer;
}

export function packet(tag: number, body: Uint8Array): Buffer {
  const length = body.length;
  const size =
    length < 192
      ? [length]
      : length < 8384
        ? [((length - 192) >> 8) + 192, (length - 192) & 0xff]
        : [0xff, length >>> 24, length >> 16, length >> 8, length];
  return Buffer.concat([Buffer.from([0xc0 | tag, ...size]), body]);
}

/** @throws CorruptMessage */
export function packetsOf(bytes: Buffer): Packet[] {
  const found: Packet[] = [];
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at++]!;
    if ((first & 0x80) === 0) throw new CorruptMessage('not a packet');
    const isNew = (first & 0x40) !== 0;
    const { body, end } = isNew ? newBody(bytes, at) : oldBody(bytes, at, first & 3);
    found.push({ tag: isNew ? first & 0x3f : (first >> 2) & 0x0f, body });
    at = end;
  }
  return found;
}

function oldBody(bytes: Buffer, at: number, kind: number): { body: Buffer; end: number } {
  if (kind === 3) return { body: bytes.subarray(at), end: bytes.length };
  const width = 1 << kind;
  return piece(bytes, at + width, unsigned(bytes, at, width));
}

function newBody(bytes: Buffer, from: number): { body: Buffer; end: number } {
  const parts: Buffer[] = [];
  for (let at = from; ;) {
    const first = unsigned(bytes, at, 1);
    const isPart = first >= 224 && first < 255;
    const [length, width] = isPart
      ? [2 ** (first & 0x1f), 1]
      : first < 192
        ? [first, 1]
        : first < 224
          ? [((first - 192) << 8) + unsigned(bytes, at + 1, 1) + 192, 2]
          : [unsigned(bytes, at + 1, 4), 5];
    const { body, end } = piece(bytes, at + width, length);
    parts.push(body);
    at = end;
    if (!isPart) return { body: parts.length === 1 ? body : Buffer.concat(parts), end };
  }
}

function piece(bytes: Buffer, at: number, length: number): { body: Buffer; end: number } {
  const end = at + length;
  if (end > bytes.length) throw new CorruptMessage('the packet ends early');
  return { body: bytes.subarray(at, end), end };
}

function unsigned(bytes: Buffer, at: number, width: number): number {
  if (at + width > bytes.length) throw new CorruptMessage('the packet ends early');
  return bytes.readUIntBE(at, width);
}

// ---- keys ----

/** How a password becomes a key: plain (0), salted (1), salted and repeated (3). */
export interface KeyMaking {
  readonly mode: number;
  readonly digest: number;
  readonly salt: Uint8Array;
  /** As it is coded. */
  readonly count: number;
}

export function countOf(coded: number): number {
  return (16 + (coded & 15)) << ((coded >> 4) + 6);
}

/** @throws CorruptMessage for a digest that is not known */
export function keyFrom(password: Uint8Array, { mode, digest, salt, count }: KeyMaking, length: number): Buffer {
  const name = Object.values(DIGESTS).find((one) => one.id === digest)?.name;
  if (name === undefined) throw new CorruptMessage('unknown digest');
  const seed = Buffer.concat([mode === 0 ? new Uint8Array() : salt, password]);
  const total = mode === 3 ? Math.max(countOf(count), seed.length) : seed.length;
  // In larger pieces than the seed, of which there may be a million.
  const block = Buffer.concat(Array<Buffer>(Math.max(1, Math.ceil(4096 / Math.max(1, seed.length)))).fill(seed));
  const parts: Buffer[] = [];
  for (let made = 0; made < length;) {
    const hash = createHash(name).update(Buffer.alloc(parts.length));
    for (let left = total; left > 0; left -= block.length) hash.update(block.subarray(0, Math.min(left, block.length)));
    parts.push(hash.digest());
    made += parts.at(-1)!.length;
  }
  return Buffer.concat(parts).subarray(0, length);
}

// ---- cipher feedback ----

export function encrypted(kind: CipherKind, key: Uint8Array, data: Uint8Array, iv?: Uint8Array): Buffer {
  const cipher = createCipheriv(kind.name, key, iv ?? new Uint8Array(kind.blockLength));
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

export function decrypted(kind: CipherKind, key: Uint8Array, data: Uint8Array, iv?: Uint8Array): Buffer {
  const cipher = createDecipheriv(kind.name, key, iv ?? new Uint8Array(kind.blockLength));
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

/** Random bytes, of which the last two are there twice: so a wrong key is seen. */
export function prefixOf(kind: CipherKind, random: Uint8Array): Buffer {
  return Buffer.concat([random, random.subarray(kind.blockLength - 2)]);
}

/** Behind the prefix. @throws CorruptMessage */
export function checkPrefix({ blockLength }: CipherKind, data: Uint8Array): void {
  const isRepeated = data[blockLength - 2] === data[blockLength] && data[blockLength - 1] === data[blockLength + 1];
  if (data.length < blockLength + 2 || !isRepeated) throw new CorruptMessage('another key');
}
