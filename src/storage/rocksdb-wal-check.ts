/**
 * Looks through RocksDB's write-ahead logs before it opens them, to tell a tail that a crash has torn
 * from a file that is damaged.
 *
 * RocksDB itself replays up to the first record that it cannot read and silently forgets the rest
 * (kPointInTimeRecovery; the binding offers no other mode). For a tail that was being written at the
 * crash this is right. For a bit that flipped in front of acknowledged entries it would lose them
 * without a word, and a Raft log that forgets what it has acknowledged breaks everything above it.
 *
 * The rule. Behind the first unreadable record nothing was acknowledged if nothing readable follows.
 * If something does, then
 *   'log'   every write was synced before the next began, so what follows proves damage: refused;
 *   'data'  unsynced blocks may reach the disk in any order, so a hole alone proves nothing, and what is
 *           lost is applied again from the Raft log (a start with less applied than that still holds is
 *           refused, src/raft/log-storage.ts). But behind a hole there must be no record of a sync (the
 *           marker that log-writer-worker.mjs writes): that proves damage.
 *
 * Format (RocksDB's log_format.h): blocks of 32 KiB; records of masked CRC-32C (4 bytes), length (2),
 * type (1), for recycled logs the log's number (4), and the payload; the CRC covers all from the type
 * on. A record never crosses a block; the last bytes of a block are zero where no header fits.
 *
 * Limits. Damage in the very last record cannot be told from a torn one; then this node lacks entries
 * that it has acknowledged, as after a disk that lied about a sync. Reads each file whole (a log is at
 * most a few memtables long).
 */
import { crc32c } from '../base/checksum.js';
import { QuoralError } from '../base/errors.js';
import type { Disk } from '../env/env.js';

const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;
const RECYCLED_HEADER_BYTES = 11;
const MASK_DELTA = 0xa282ead8;
const TYPE_FULL = 1;
/** Full to last, their recycled forms, and what newer versions add about the log itself. */
const TYPES: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 130, 131]);
const RECYCLED_TYPES: ReadonlySet<number> = new Set([5, 6, 7, 8, 11, 131]);
/** Sequence number and count, in front of a write batch's operations. */
const BATCH_HEADER_BYTES = 12;

function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

interface WalRecord {
  readonly type: number;
  readonly payloadStart: number;
  readonly end: number;
}

/** The record at `at`, or null if there is no valid one. */
function recordAt(bytes: Buffer, at: number): WalRecord | null {
  const blockEnd = Math.min(bytes.length, at - (at % BLOCK_BYTES) + BLOCK_BYTES);
  if (at + HEADER_BYTES > blockEnd) return null;
  const type = bytes[at + 6]!;
  if (!TYPES.has(type)) return null;
  const payloadStart = at + (RECYCLED_TYPES.has(type) ? RECYCLED_HEADER_BYTES : HEADER_BYTES);
  const end = payloadStart + bytes.readUInt16LE(at + 4);
  if (end > blockEnd) return null;
  return masked(crc32c(bytes, at + 6, end)) === bytes.readUInt32LE(at) ? { type, payloadStart, end } : null;
}

/** Where the first unreadable record is, or the end of what was written; -1 if the whole file is good. */
function firstHole(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEADER_BYTES) {
      at += left;
      continue;
    }
    const record = recordAt(bytes, at);
    if (record === null) return at;
    at = record.end;
  }
  return -1;
}

/**
 * A valid record behind a hole that `matters`; null if there is none. Where a length is damaged the next
 * record may begin anywhere, so every offset is tried; the checksum decides.
 */
function recordBehind(bytes: Buffer, hole: number, matters: (record: WalRecord) => boolean): WalRecord | null {
  for (let at = hole + 1; at + HEADER_BYTES <= bytes.length;) {
    const record = recordAt(bytes, at);
    // An empty payload under a fitting checksum is likely by chance in a large file of garbage.
    if (record !== null && record.end > record.payloadStart) {
      if (matters(record)) return record;
      at = record.end;
    } else at++;
  }
  return null;
}

function isSyncMarker(bytes: Buffer, record: WalRecord, marker: Buffer): boolean {
  const operation = record.payloadStart + BATCH_HEADER_BYTES;
  if (record.type !== TYPE_FULL || record.end <= operation) return false;
  // Tag of a put into a column family, the family's number, the key with its length, an empty value.
  return bytes[operation] === 5 && bytes.subarray(operation + 2, record.end).equals(marker);
}

/** @throws QuoralError XX001 naming the file if what it holds was lost by damage, not by a crash. */
export async function checkWriteAheadLogs(
  directory: string,
  kind: 'log' | 'data',
  disk: Pick<Disk, 'readFile' | 'list'>,
  syncKey: string,
): Promise<void> {
  const names = (await disk.list(directory)).filter((name) => /^\d+\.log$/.test(name)).sort();
  const marker = Buffer.concat([Buffer.from([syncKey.length]), Buffer.from(syncKey, 'latin1'), Buffer.from([0])]);
  let torn: { readonly path: string; readonly at: number } | null = null;
  for (const name of names) {
    const path = `${directory}/${name}`;
    const bytes = await disk.readFile(path);
    if (bytes === null || bytes.length === 0) continue;
    const matters = (record: WalRecord): boolean => kind === 'log' || isSyncMarker(bytes, record, marker);
    // What follows in a later file follows as well.
    if (torn !== null && recordBehind(bytes, -1, matters) !== null) throw damaged(torn.path, torn.at);
    const hole = firstHole(bytes);
    if (hole < 0) continue;
    if (recordBehind(bytes, hole, matters) !== null) throw damaged(path, hole);
    torn ??= { path, at: hole };
  }
}

function damaged(path: string, at: number): QuoralError {
  return new QuoralError('XX001', `the write-ahead log "${path}" is damaged at byte ${at}`, {
    severity: 'FATAL',
    fields: {
      detail: 'What follows in it was durable before, so this is not the tail that a crash leaves behind.',
      hint: 'Check the disk. The other nodes of the cluster hold the same data.',
    },
  });
}
