/**
 * What the storage layer costs per operation, on RocksDB with a million rows of 120 bytes.
 * Prints microseconds per operation. Compile it with the sources beside it, and run it on a quiet
 * machine: node <output>/bench/micro/storage.js [rows]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { applyBatch, BatchBuilder } from '../../src/storage/batch-codec.js';
import { mvccGet, mvccPut, mvccRead } from '../../src/storage/mvcc.js';
import { mvccScan } from '../../src/storage/mvcc-scan.js';
import { openRocksdbEngine } from '../../src/storage/rocksdb-engine.js';

const ROWS = Number(process.argv[2] ?? 1_000_000);
const READS = 50_000;
const T0 = 1_700_000_000_000_000;
const key = (i: number): string => {
  const bytes = Buffer.from('\x05\x00\x00\x00\x69\x01\x00\x00\x00\x00\x00\x00\x00\x00', 'latin1');
  bytes.writeUInt32BE(i, 10);
  return bytes.toString('latin1');
};
const anyRow = (): number => Math.floor(Math.random() * ROWS);

function report(name: string, count: number, started: number): void {
  const each = ((performance.now() - started) * 1000) / count;
  process.stdout.write(`${name.padEnd(48)} ${each.toFixed(2).padStart(8)} us\n`);
}

function measure(name: string, count: number, work: () => void): void {
  const started = performance.now();
  for (let i = 0; i < count; i++) work();
  report(name, count, started);
}

const directory = mkdtempSync(join(tmpdir(), 'quoral-bench-'));
const engine = await openRocksdbEngine({ directory });
let started = performance.now();
for (let i = 0; i < ROWS;) {
  const builder = new BatchBuilder();
  for (let n = 0; n < 500 && i < ROWS; n++, i++) {
    mvccPut(builder, key(i), T0 + i, Buffer.alloc(120, Math.random() * 256));
  }
  const batch = engine.newBatch();
  applyBatch(builder.finish(), batch);
  engine.writeData(batch);
}
report('load: encode, decode, write; per row', ROWS, started);
const now = T0 + ROWS + 1000;
for (const round of ['cold', 'warm']) {
  measure(`mvccGet, random, ${round}`, READS, () => mvccGet(engine, key(anyRow()), now));
}
measure('mvccRead with uncertainty, random', READS, () => mvccRead(engine, key(anyRow()), now, now + 250_000));
measure('lock look-up, nothing there (first)', READS, () => {
  const k = `i${key(anyRow())}`;
  engine.first('locks', k, `${k}\x00`);
});
measure('lock look-up, nothing there (get)', READS, () => engine.get('locks', `i${key(anyRow())}`));
measure('mvccScan of 10 rows, per scan', 5000, () => {
  mvccScan(engine, key(anyRow()), '\xff', now, { maxRows: 10 });
});
measure('mvccScan of 1000 rows, per 1000 rows', 100, () => {
  mvccScan(engine, key(anyRow()), '\xff', now, { maxRows: 1000 });
});
measure('mvccScan backward of 1000 rows', 100, () => {
  mvccScan(engine, '\x02', key(anyRow()), now, { maxRows: 1000, reverse: true });
});
let ts = now;
const overwrite = (): void => {
  const batch = engine.newBatch();
  mvccPut(batch, key(anyRow()), ts++, Buffer.alloc(120));
  engine.writeData(batch);
};
measure('writeData of one row', 20_000, overwrite);
measure('writeData of one row, then mvccGet', 20_000, () => {
  overwrite();
  mvccGet(engine, key(anyRow()), ts);
});
measure('snapshot, one read, close', 2000, () => {
  const snapshot = engine.snapshot();
  mvccGet(snapshot, key(anyRow()), ts);
  snapshot.close();
});
const logBatch = (i: number): Promise<void> => {
  const batch = engine.newBatch();
  batch.put('log', key(i), Buffer.alloc(200));
  return engine.writeLog(batch);
};
started = performance.now();
for (let i = 0; i < 2000; i++) await logBatch(i);
report('writeLog, one at a time', 2000, started);
started = performance.now();
const cpu = process.cpuUsage();
for (let i = 0; i < 50_000; i += 64) {
  await Promise.all(Array.from({ length: 64 }, (_, n) => logBatch(i + n)));
}
report('writeLog, 64 in flight', 50_000, started);
started = performance.now();
await engine.syncData();
report('syncData', 1, started);
process.stdout.write(
  `cpu of the group commits ${(process.cpuUsage(cpu).user / 50_000).toFixed(1)} us each; ` +
    `memory ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB\n${JSON.stringify(engine.metrics())}\n`,
);
await engine.close();
started = performance.now();
await (await openRocksdbEngine({ directory })).close();
report('open and close', 1, started);
rmSync(directory, { recursive: true });
