/**
 * Keys of the family `versions`. One user key's versions are contiguous and newest first:
 *
 *   escaped user key | 0x00 0x01 | 8 bytes: bitwise inverse of the timestamp, big-endian
 *
 * In the escaped user key 0x00 becomes 0x00 0xff. So the terminator 0x00 0x01 sorts before every
 * continuation of the key, keys order as their user keys do, no key's versions lie between those
 * of another, and whatever starts with a key's terminated prefix is a version of that key. Example: key "a", timestamp 1:
 *
 *   61 | 00 01 | ff ff ff ff ff ff ff fe
 *
 * The format is persisted: a change needs a new FORMAT_VERSION (format.ts). Timestamps are safe
 * integers (DESIGN 3) and are taken apart with plain arithmetic, never with bigint.
 */
import { assert } from '../base/assert.js';
import type { Timestamp } from '../base/ids.js';
import { QuoralError } from '../base/errors.js';
import { formatKey, type Key } from '../base/key.js';

const TERMINATOR = '\x00\x01';
const AFTER_TERMINATOR = '\x00\x02';
const TIMESTAMP_BYTES = 8;
const SUFFIX_BYTES = TERMINATOR.length + TIMESTAMP_BYTES;
const TWO_32 = 0x1_0000_0000;

/** Escaped so that a terminated key sorts as the key itself; without the terminator. */
export function escapeKey(key: Key): string {
  return key.includes('\x00') ? key.replaceAll('\x00', '\x00\xff') : key;
}

export function unescapeKey(escaped: string): Key {
  return escaped.includes('\x00') ? escaped.replaceAll('\x00\xff', '\x00') : escaped;
}

/** The common prefix of all versions of a key; also the bound of versions of keys >= `key`. */
export function versionPrefix(key: Key): string {
  return escapeKey(key) + TERMINATOR;
}

/** The first possible key after all versions of the key with this prefix. */
export function versionPrefixEnd(prefix: string): string {
  return prefix.slice(0, -TERMINATOR.length) + AFTER_TERMINATOR;
}

// Reads at one timestamp come in runs (a transaction's reads, the rows of a scan).
let lastTimestamp = -1;
let lastSuffix = '';

/** The timestamp as eight inverted big-endian bytes: newest sorts first. */
export function timestampSuffix(ts: Timestamp): string {
  if (ts === lastTimestamp) return lastSuffix;
  assert(ts >= 0 && Number.isSafeInteger(ts), () => `timestamp ${ts} is not a safe integer`);
  const high = 0xffff_ffff - Math.floor(ts / TWO_32);
  const low = 0xffff_ffff - (ts % TWO_32);
  lastSuffix = String.fromCharCode(
    (high >>> 24) & 0xff,
    (high >>> 16) & 0xff,
    (high >>> 8) & 0xff,
    high & 0xff,
    (low >>> 24) & 0xff,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
  );
  lastTimestamp = ts;
  return lastSuffix;
}

export function versionKey(key: Key, ts: Timestamp): string {
  return versionPrefix(key) + timestampSuffix(ts);
}

/** The timestamp of a key of the family `versions`. */
export function versionTimestamp(encoded: string): Timestamp {
  const at = encoded.length - TIMESTAMP_BYTES;
  const high =
    encoded.charCodeAt(at) * 0x100_0000 +
    ((encoded.charCodeAt(at + 1) << 16) | (encoded.charCodeAt(at + 2) << 8) | encoded.charCodeAt(at + 3));
  const low =
    encoded.charCodeAt(at + 4) * 0x100_0000 +
    ((encoded.charCodeAt(at + 5) << 16) | (encoded.charCodeAt(at + 6) << 8) | encoded.charCodeAt(at + 7));
  return (0xffff_ffff - high) * TWO_32 + (0xffff_ffff - low);
}

/** The part of a key of `versions` that all versions of its user key share. */
export function versionPrefixOf(encoded: string): string {
  return encoded.slice(0, encoded.length - TIMESTAMP_BYTES);
}

/** The user key behind a prefix made by `versionPrefix`. */
export function userKeyOfPrefix(prefix: string): Key {
  return unescapeKey(prefix.slice(0, -TERMINATOR.length));
}

/** @throws QuoralError XX001 when the bytes cannot be a key of `versions`. */
export function decodeVersionKey(encoded: string): { key: Key; ts: Timestamp } {
  const at = encoded.length - SUFFIX_BYTES;
  const ts = at < 0 ? -1 : versionTimestamp(encoded);
  if (at < 0 || !encoded.startsWith(TERMINATOR, at) || !Number.isSafeInteger(ts)) {
    throw new QuoralError('XX001', `corrupted version key ${formatKey(encoded)}`);
  }
  return { key: unescapeKey(encoded.slice(0, at)), ts };
}
