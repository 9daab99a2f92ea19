/** Files in RocksDB's format, made here record by record; that real ones are read right is shown end to end. */
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../src/base/checksum.js';
import { MemoryDisk } from '../../src/env/memory-disk.js';
import { checkWriteAheadLogs } from '../../src/storage/rocksdb-wal-check.js';

const BLOCK = 32 * 1024;
const FULL = 1;
const MIDDLE = 3;

function record(type: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(7 + payload.length);
  bytes.writeUInt16LE(payload.length, 4);
  bytes[6] = type;
  payload.copy(bytes, 7);
  const crc = crc32c(bytes, 6, bytes.length);
  bytes.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0, 0);
  return bytes;
}

const entry = (n: number, length = 200): Buffer => record(FULL, Buffer.alloc(length, n));
/** Header of a batch of one, a put of key 'sync' into column family 3, without a value. */
const sync = record(FULL, Buffer.concat([Buffer.alloc(12, 1), Buffer.from([5, 3, 4]), Buffer.from('sync\0')]));

async function check(kind: 'log' | 'data', ...files: readonly Buffer[]): Promise<string> {
  const disk = new MemoryDisk();
  for (const [i, bytes] of files.entries()) await disk.writeFileSync(`/d/00000${i + 1}.log`, bytes);
  await disk.writeFileSync('/d/OPTIONS-000007', Buffer.from('not a log'));
  try {
    await checkWriteAheadLogs('/d', kind, disk, 'sync');
    return 'good';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 4;
  return copy;
}

describe('the look through the write-ahead logs', () => {
  const three = Buffer.concat([entry(1), entry(2), entry(3)]);

  it('finds nothing in what is whole, empty or absent', async () => {
    expect(await check('log')).toBe('good');
    expect(await check('log', Buffer.alloc(0))).toBe('good');
    expect(await check('log', three, three)).toBe('good');
    expect(await check('data', three, sync)).toBe('good');
  });

  it('takes a torn tail for what a crash leaves, wherever it is torn', async () => {
    for (let length = 0; length <= three.length; length++) {
      expect(await check('log', three.subarray(0, length)), `torn at ${length}`).toBe('good');
    }
    expect(await check('log', Buffer.concat([three, Buffer.alloc(100_000)])), 'preallocated').toBe('good');
    expect(await check('log', Buffer.concat([three, Buffer.alloc(5_000, 0xa5)])), 'rubbish').toBe('good');
  });

  it('finds every flipped bit in front of a record that can be read', async () => {
    const last = three.length - 207;
    for (let at = 0; at < last; at++) {
      const start = at < 207 ? 0 : 207;
      expect(await check('log', flipped(three, at)), `byte ${at}`).toBe(
        `the write-ahead log "/d/000001.log" is damaged at byte ${start}`,
      );
    }
  });

  it('finds a hole in front of a later block and in front of a later file', async () => {
    const block = record(MIDDLE, Buffer.alloc(BLOCK - 7, 9));
    const long = Buffer.concat([block, block, entry(1)]);
    expect(await check('log', long)).toBe('good');
    expect(await check('log', flipped(long, BLOCK + 4))).toContain(`damaged at byte ${BLOCK}`);
    expect(await check('log', Buffer.concat([block, Buffer.alloc(BLOCK), entry(1)]))).toContain(`byte ${BLOCK}`);
    expect(await check('log', three.subarray(0, 300), entry(4))).toContain('"/d/000001.log" is damaged at byte 207');
  });

  it('skips the rest of a block in which no header fits', async () => {
    const almost = record(FULL, Buffer.alloc(BLOCK - 7 - 4, 1));
    const padded = Buffer.concat([almost, Buffer.alloc(4), entry(2)]);
    expect(await check('log', padded)).toBe('good');
    expect(await check('log', flipped(padded, 50))).toContain('damaged at byte 0');
  });

  it('forgives a hole in unsynced data, and none in front of a sync', async () => {
    expect(await check('data', flipped(three, 100))).toBe('good');
    expect(await check('data', Buffer.concat([flipped(three, 100), sync, entry(4)]))).toContain('damaged at byte 0');
    expect(await check('data', Buffer.concat([sync, flipped(three, 100)]))).toBe('good');
    expect(await check('data', flipped(three, 100), sync)).toContain('"/d/000001.log" is damaged at byte 0');
  });
});
