/**
 * The thread that syncs (DESIGN 4): it writes batches of the log database with an fsync, and syncs
 * the data database, so that the event loop never waits for a disk. Plain JavaScript because
 * Node 20 cannot run TypeScript in a worker.
 *
 * It shares the databases that the main thread opened, by their handles. Messages, one at a time:
 *
 *   { kind: 'log', bytes: ArrayBuffer, ranges: boolean }   one group commit, written as one batch
 *   { kind: 'sync' }                                       everything written to data is durable
 *
 * and an answer to each: { ok: true } or { ok: false, code, message }. After a failure the main
 * thread gives up the engine, so no order between failed and later messages has to be kept.
 *
 * Operations inside `bytes`: op (1 put, 2 delete, 3 delete range) | u32 length | u32 length, both
 * little-endian | key | value or end of range. They never reach a disk in this form.
 */
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

const binding = createRequire(import.meta.url)('@nxtedition/rocksdb/binding.js');

const OP_PUT = 1;
const OP_DELETE = 2;
const OP_DELETE_RANGE = 3;
const HEAD_BYTES = 9;
const RANGE_PAGE_ROWS = 1000;

const log = binding.db_init(workerData.logHandle);
const data = binding.db_init(workerData.dataHandle);
const dataColumns = binding.db_open(data, {}, () => undefined);
const syncMarkerKey = Buffer.from('sync', 'latin1');
const syncMarkerValue = Buffer.alloc(0);
const synced = { sync: true };

/** Deletes what [start, end) holds in the database, and what this batch has put there before. */
function deleteRange(batch, start, end, putBefore) {
  const iterator = binding.iterator_init(log, {
    gte: start,
    lt: end,
    values: false,
    fillCache: true,
    asyncIO: false,
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
  try {
    for (;;) {
      const { rows, finished } = binding.iterator_nextv_sync(iterator, RANGE_PAGE_ROWS);
      for (let i = 0; i < rows.length; i += 2) binding.batch_del(batch, rows[i], undefined);
      if (finished) break;
    }
  } finally {
    binding.iterator_close(iterator);
  }
  for (const key of putBefore) {
    if (Buffer.compare(start, key) <= 0 && Buffer.compare(key, end) < 0) {
      binding.batch_del(batch, key, undefined);
    }
  }
}

function writeLog(arrayBuffer, hasRanges) {
  const bytes = Buffer.from(arrayBuffer);
  const batch = binding.batch_init();
  const putBefore = [];
  let at = 0;
  while (at < bytes.length) {
    const op = bytes[at];
    const keyStart = at + HEAD_BYTES;
    const keyEnd = keyStart + bytes.readUInt32LE(at + 1);
    const key = bytes.subarray(keyStart, keyEnd);
    at = keyEnd + bytes.readUInt32LE(at + 5);
    if (at > bytes.length) throw new Error('truncated group commit');
    if (op === OP_PUT) {
      binding.batch_put(batch, key, bytes.subarray(keyEnd, at), undefined);
      if (hasRanges) putBefore.push(key);
    } else if (op === OP_DELETE) {
      binding.batch_del(batch, key, undefined);
    } else if (op === OP_DELETE_RANGE) {
      deleteRange(batch, key, bytes.subarray(keyEnd, at), putBefore);
    } else {
      throw new Error(`unknown operation ${op} in a group commit`);
    }
  }
  binding.batch_write(log, batch, synced);
}

function syncData() {
  // A synced write makes every earlier write of the same database durable as well.
  const batch = binding.batch_init();
  binding.batch_put(batch, syncMarkerKey, syncMarkerValue, { column: dataColumns.meta });
  binding.batch_write(data, batch, synced);
}

parentPort.on('message', (message) => {
  try {
    if (message.kind === 'log') writeLog(message.bytes, message.ranges);
    else syncData();
    parentPort.postMessage({ ok: true });
  } catch (error) {
    parentPort.postMessage({ ok: false, code: error.code, message: error.message });
  }
});
