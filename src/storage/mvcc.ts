/**
 * Multi-version reads and writes over the family `versions` (DESIGN 4 and 7). That family holds
 * committed data only; provisional writes are in the family `locks` (lock-record.ts).
 *
 * Key: see mvcc-key.ts. Value: one byte of flags, then the user's bytes.
 *   bit 0  tombstone: the key was deleted at this timestamp; no bytes follow
 *   bit 1  shifted: the commit timestamp moved after the write's intent was laid
 *   bit 2  tagged: 8 bytes follow that name the transaction whose intent became this version, so that a
 *          recovery which finds no intent can tell that the write was there and has been resolved
 *   others reserved: 0 when written, and a reader refuses what it does not know (XX001)
 *
 * Invariants
 * - At most one version per key and timestamp.
 * - A read at `ts` returns the newest version <= ts, or nothing if that is a tombstone.
 * - Removing versions (mvccGc) never changes what a read at or after its threshold returns.
 *
 * Point reads are one look-up each through `first`, 12–14 µs with RocksDB (see rocksdb-engine.ts).
 */
import { assert } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import type { Timestamp } from '../base/ids.js';
import { formatKey, type Key } from '../base/key.js';
import type { EngineIterator, EngineReader, RawRow, WriteBatch } from './engine.js';
import {
  decodeVersionKey,
  timestampSuffix,
  userKeyOfPrefix,
  versionKey,
  versionPrefix,
  versionPrefixEnd,
  versionPrefixOf,
  versionTimestamp,
} from './mvcc-key.js';

const FLAG_TOMBSTONE = 1;
const FLAG_SHIFTED = 2;
const FLAG_TAGGED = 4;
const FLAGS_KNOWN = FLAG_TOMBSTONE | FLAG_SHIFTED | FLAG_TAGGED;
const TAG_BYTES = 8;

/** Steps over versions of one key before it is cheaper to seek past the rest. */
export const STEPS_BEFORE_SEEK = 4;

export interface MvccVersion {
  /** null: deleted at `ts`. A view of the engine's buffer: not to be changed. */
  readonly value: Buffer | null;
  readonly ts: Timestamp;
  readonly shifted: boolean;
}

export interface MvccReadResult {
  /** The value to read, null if there is none or it is deleted. */
  readonly value: Buffer | null;
  /** Timestamp of the version <= ts that was read (of the tombstone, if deleted); 0: none. */
  readonly ts: Timestamp;
  readonly shifted: boolean;
  /** Timestamp of the newest version in (ts, limitTs]; 0: none. */
  readonly newer: Timestamp;
  readonly newerShifted: boolean;
}

const NOTHING: MvccReadResult = {
  value: null,
  ts: 0,
  shifted: false,
  newer: 0,
  newerShifted: false,
};

const TOMBSTONE = Buffer.from([FLAG_TOMBSTONE]);
const TOMBSTONE_SHIFTED = Buffer.from([FLAG_TOMBSTONE | FLAG_SHIFTED]);

/** `tag`: the first 8 bytes of a transaction's id, or empty. */
export function encodeVersionValue(value: Uint8Array | null, shifted: boolean, tag = ''): Buffer {
  if (tag === '' && value === null) return shifted ? TOMBSTONE_SHIFTED : TOMBSTONE;
  assert(tag === '' || tag.length === TAG_BYTES, 'a tag has 8 bytes');
  const at = 1 + tag.length;
  const bytes = Buffer.allocUnsafe(at + (value === null ? 0 : value.length));
  bytes[0] = (value === null ? FLAG_TOMBSTONE : 0) | (shifted ? FLAG_SHIFTED : 0) | (tag === '' ? 0 : FLAG_TAGGED);
  if (tag !== '') bytes.latin1Write(tag, 1, TAG_BYTES);
  if (value !== null) bytes.set(value, at);
  return bytes;
}

function valueStart(flags: number): number {
  return (flags & FLAG_TAGGED) === 0 ? 1 : 1 + TAG_BYTES;
}

function flagsOf(key: string, stored: Buffer): number {
  const flags = stored[0];
  if (
    flags === undefined ||
    (flags & ~FLAGS_KNOWN) !== 0 ||
    stored.length < valueStart(flags) ||
    ((flags & FLAG_TOMBSTONE) !== 0 && stored.length > valueStart(flags))
  ) {
    throw new QuoralError('XX001', `corrupted version value at ${formatKey(key)}`);
  }
  return flags;
}

/** Whether the key has a version at exactly `ts` that an intent of the tagged transaction became. */
export function mvccHasTagged(reader: EngineReader, key: Key, ts: Timestamp, tag: string): boolean {
  const stored = reader.get('versions', versionKey(key, ts));
  if (stored === null || (flagsOf(key, stored) & FLAG_TAGGED) === 0) return false;
  return stored.latin1Slice(1, 1 + TAG_BYTES) === tag;
}

/** @throws QuoralError XX001 when the bytes cannot be a version's value. */
export function decodeVersionValue(
  key: string,
  stored: Buffer,
): { readonly value: Buffer | null; readonly shifted: boolean } {
  const flags = flagsOf(key, stored);
  return {
    value: (flags & FLAG_TOMBSTONE) !== 0 ? null : stored.subarray(valueStart(flags)),
    shifted: (flags & FLAG_SHIFTED) !== 0,
  };
}

/** Whether a stored version is a tombstone, and not corrupted. */
export function isTombstone(key: string, stored: Buffer): boolean {
  return (flagsOf(key, stored) & FLAG_TOMBSTONE) !== 0;
}

function versionOf(row: RawRow): MvccVersion {
  const { value, shifted } = decodeVersionValue(row.key, row.value);
  return { value, ts: versionTimestamp(row.key), shifted };
}

/** The newest version <= ts of the key with this prefix. */
function firstAt(reader: EngineReader, prefix: string, ts: Timestamp): RawRow | null {
  return reader.first('versions', prefix + timestampSuffix(ts), versionPrefixEnd(prefix));
}

/** The newest version <= ts; its value is null if that is a tombstone. */
export function mvccGet(reader: EngineReader, key: Key, ts: Timestamp): MvccVersion | null {
  const row = firstAt(reader, versionPrefix(key), ts);
  return row === null ? null : versionOf(row);
}

/** The newest version at all. */
export function mvccNewest(reader: EngineReader, key: Key): MvccVersion | null {
  const prefix = versionPrefix(key);
  const row = reader.first('versions', prefix, versionPrefixEnd(prefix));
  return row === null ? null : versionOf(row);
}

/** mvccGet of many keys, in their order. */
export function mvccGetMany(reader: EngineReader, keys: readonly Key[], ts: Timestamp): (MvccVersion | null)[] {
  const result: (MvccVersion | null)[] = new Array(keys.length);
  for (let i = 0; i < keys.length; i++) result[i] = mvccGet(reader, keys[i]!, ts);
  return result;
}

/**
 * Reads at `ts`, and tells the newest version in (ts, limitTs]: for a read, uncertainty; for a
 * write, that it comes too late. One look-up unless there is such a version.
 */
export function mvccRead(reader: EngineReader, key: Key, ts: Timestamp, limitTs: Timestamp): MvccReadResult {
  return readAt(reader, versionPrefix(key), ts, limitTs);
}

export function readAt(reader: EngineReader, prefix: string, ts: Timestamp, limitTs: Timestamp): MvccReadResult {
  const newest = firstAt(reader, prefix, limitTs > ts ? limitTs : ts);
  if (newest === null) return NOTHING;
  const newestVersion = versionOf(newest);
  if (newestVersion.ts <= ts) {
    const { value, shifted } = newestVersion;
    return { value, ts: newestVersion.ts, shifted, newer: 0, newerShifted: false };
  }
  const newer = newestVersion.ts;
  const newerShifted = newestVersion.shifted;
  const row = firstAt(reader, prefix, ts);
  if (row === null) return { ...NOTHING, newer, newerShifted };
  const { value, ts: readTs, shifted } = versionOf(row);
  return { value, ts: readTs, shifted, newer, newerShifted };
}

/** Adds a committed version. `value` null deletes. */
export function mvccPut(
  batch: WriteBatch,
  key: Key,
  ts: Timestamp,
  value: Uint8Array | null,
  shifted = false,
  tag = '',
): void {
  assert(ts > 0, 'a version has a timestamp');
  batch.put('versions', versionKey(key, ts), encodeVersionValue(value, shifted, tag));
}

/** Whether the key has a version in (afterTs, uptoTs]. */
export function mvccKeyChanged(reader: EngineReader, key: Key, afterTs: Timestamp, uptoTs: Timestamp): boolean {
  if (uptoTs <= afterTs) return false;
  const row = firstAt(reader, versionPrefix(key), uptoTs);
  return row !== null && versionTimestamp(row.key) > afterTs;
}

const NONE_NEWER = { newer: null, resumeKey: null } as const;

/** The first key of [start, end) with a version in (afterTs, uptoTs]; null if there is none. */
export function mvccAnyNewer(
  reader: EngineReader,
  start: Key,
  end: Key,
  afterTs: Timestamp,
  uptoTs: Timestamp,
): Key | null {
  return mvccAnyNewerBounded(reader, start, end, afterTs, uptoTs, Number.MAX_SAFE_INTEGER).newer;
}

/** The same for at most `keysMax` keys; `resumeKey` is where to go on, null at the end. */
export function mvccAnyNewerBounded(
  reader: EngineReader,
  start: Key,
  end: Key,
  afterTs: Timestamp,
  uptoTs: Timestamp,
  keysMax: number,
): { readonly newer: Key | null; readonly resumeKey: Key | null } {
  if (uptoTs <= afterTs || start >= end) return NONE_NEWER;
  let left = keysMax;
  const it = reader.iterator('versions', versionPrefix(start), versionPrefix(end), {
    rows: 16,
    keysOnly: true,
  });
  try {
    it.seek(versionPrefix(start));
    while (it.valid) {
      const prefix = versionPrefixOf(it.key);
      if (left-- <= 0) return { newer: null, resumeKey: userKeyOfPrefix(prefix) };
      skipNewer(it, prefix, uptoTs);
      if (!it.valid) return NONE_NEWER;
      if (!it.key.startsWith(prefix)) continue;
      if (versionTimestamp(it.key) > afterTs) {
        return { newer: userKeyOfPrefix(prefix), resumeKey: null };
      }
      skipKey(it, prefix);
    }
    return NONE_NEWER;
  } finally {
    it.close();
  }
}

/** Forward to the first version <= ts of this key, or beyond the key. */
export function skipNewer(it: EngineIterator, prefix: string, ts: Timestamp): void {
  for (let steps = 0; it.valid && it.key.startsWith(prefix); steps++) {
    if (versionTimestamp(it.key) <= ts) return;
    if (steps === STEPS_BEFORE_SEEK) {
      it.seek(prefix + timestampSuffix(ts));
      return;
    }
    it.next();
  }
}

/** Forward beyond all versions of this key. */
export function skipKey(it: EngineIterator, prefix: string): void {
  for (let steps = 0; it.valid && it.key.startsWith(prefix); steps++) {
    if (steps === STEPS_BEFORE_SEEK) {
      it.seek(versionPrefixEnd(prefix));
      return;
    }
    it.next();
  }
}

export interface GcResult {
  /** Versions removed by the batch. */
  readonly removed: number;
  /** Bytes of keys removed: a lower bound of what is freed. */
  readonly keyBytes: number;
  /** Where to go on; null when [start, end) is done. */
  readonly resumeKey: Key | null;
}

/**
 * Deletes versions that no read at or after `threshold` can see: everything below the newest
 * version <= threshold of a key, and that one as well if it is a tombstone. At most
 * `maxRemoved` deletions and `maxVisited` rows per call, apart from finishing a row.
 *
 * A tombstone is removed only together with all that it hides; otherwise an old value would come
 * back to life between two calls.
 */
export function mvccGc(
  reader: EngineReader,
  batch: WriteBatch,
  start: Key,
  end: Key,
  threshold: Timestamp,
  limits: { readonly maxRemoved?: number; readonly maxVisited?: number } = {},
): GcResult {
  const maxRemoved = limits.maxRemoved ?? 10_000;
  const maxVisited = limits.maxVisited ?? 20_000;
  assert(maxRemoved > 0 && maxVisited > 0, 'limits of garbage collection are positive');
  let removed = 0;
  let keyBytes = 0;
  let visited = 0;
  const remove = (key: string) => {
    batch.delete('versions', key);
    removed++;
    keyBytes += key.length;
  };
  if (start >= end) return { removed, keyBytes, resumeKey: null };
  const it = reader.iterator('versions', versionPrefix(start), versionPrefix(end), { rows: 64 });
  try {
    it.seek(versionPrefix(start));
    while (it.valid) {
      const prefix = versionPrefixOf(it.key);
      if (removed >= maxRemoved || visited >= maxVisited) {
        return { removed, keyBytes, resumeKey: decodeVersionKey(it.key).key };
      }
      skipNewer(it, prefix, threshold);
      visited++;
      if (!it.valid || !it.key.startsWith(prefix)) continue;
      const newestKey = it.key;
      const tombstone = isTombstone(newestKey, it.value);
      it.next();
      while (it.valid && it.key.startsWith(prefix)) {
        if (removed >= maxRemoved) {
          return { removed, keyBytes, resumeKey: userKeyOfPrefix(prefix) };
        }
        remove(it.key);
        visited++;
        it.next();
      }
      if (tombstone) remove(newestKey);
    }
    return { removed, keyBytes, resumeKey: null };
  } finally {
    it.close();
  }
}
