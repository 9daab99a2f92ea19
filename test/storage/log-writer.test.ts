import { afterEach, beforeEach, expect, test } from 'vitest';
import type { QuoralError } from '../../src/base/errors.js';
import { LogBuffer } from '../../src/storage/rocksdb-batch.js';
import { openDatabase, type RocksLevel } from '../../src/storage/rocksdb-binding.js';
import { LogWriter } from '../../src/storage/rocksdb-log-writer.js';
import { removeDirectory, temporaryDirectory } from './support.js';

let directory: string;
let log: RocksLevel;
let data: RocksLevel;
let writer: LogWriter;
let fatal: QuoralError[];

beforeEach(async () => {
  directory = temporaryDirectory();
  log = await openDatabase(`${directory}/log`, {});
  data = await openDatabase(`${directory}/data`, { columns: { default: {}, meta: {} } });
  fatal = [];
  writer = new LogWriter({ logHandle: log.handle, dataHandle: data.handle, directory }, (error) => fatal.push(error));
});

afterEach(async () => {
  await writer.close();
  await log.close();
  await data.close();
  removeDirectory(directory);
});

function buffer(op = 1): LogBuffer {
  const result = new LogBuffer();
  result.add(op, 'key', Buffer.from('value'));
  return result;
}

test('what comes while a sync is in flight goes together as one group', async () => {
  const writes = Array.from({ length: 100 }, () => writer.write(buffer()));
  const sync = writer.syncData();
  await Promise.all([...writes, sync]);
  expect(writer.metrics).toMatchObject({ groups: 2, batches: 100, syncs: 1 });
  expect(fatal).toEqual([]);
});

test('a failed write is final: all that waits rejects, and so does all that comes', async () => {
  const failure = expect.objectContaining({ sqlstate: '58030' });
  const first = writer.write(buffer(9));
  const settled = await Promise.allSettled([first, writer.write(buffer()), writer.syncData(), writer.write(buffer())]);
  for (const result of settled) expect(result).toEqual({ status: 'rejected', reason: failure });
  expect(fatal).toEqual([failure]);
  await expect(writer.write(buffer())).rejects.toEqual(failure);
  await expect(writer.syncData()).rejects.toEqual(failure);
});
