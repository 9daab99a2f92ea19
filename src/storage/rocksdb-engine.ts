/**
 * The engine on RocksDB (DESIGN 4). `<directory>/log` and `<directory>/data` are two databases,
 * because an unsynced write waits behind a synced one of the same database. `data` has the column
 * families default (= versions: the default one needs no option per call), locks, local, and meta
 * (this module's own: format marker, size samples, sync marker).
 *
 * Measured on 2 cores, a million rows of 120 bytes in random order, all in cache, per operation
 *   point MVCC read by an iterator made for it         27–33 µs
 *   the same through one long-lived tailing iterator   11–13 µs   <- `first`
 *   exact get, one key 13 µs; ten keys per call 7.5 µs each
 *   making an iterator 13 µs; a scanned row 3.3–4 µs; a put 1.5–2.5 µs with its key
 * A tailing iterator sees every write at once without being made anew, but goes only forward, and
 * RocksDB does not apply range deletions to it: so this engine never uses RocksDB's own range
 * deletion. Versions are only ever looked up by bound, so that family has no bloom filter.
 *
 * Limits. deleteRange costs one deletion per key found; callers clear large spans in pieces, and
 * truncate a log from its first existing key on (from an older bound it would walk tombstones).
 * `syncData` holds back writeData for the length of one fsync (17 ms for 20 MB of unsynced data):
 * sync often rather than much.
 *
 * Failures. Opening: 55006 in use, 58030 I/O, XX001 corrupted, 55000 newer format. A failed write
 * is fatal: everything that waits rejects, every later call throws 58030; the node must stop.
 */
import { QuoralError } from '../base/errors.js';
import { AssertionError, assert } from '../base/assert.js';
import { KEY_MAX, prefixEnd, type Key } from '../base/key.js';
import type { Disk } from '../env/env.js';
import { applyBatch, BatchBuilder } from './batch-codec.js';
import type {
  DataFamily,
  Engine,
  EngineIterator,
  EngineSnapshot,
  Family,
  IteratorHints,
  RawRow,
  ScanOptions,
  WriteBatch,
} from './engine.js';
import { checkFormatMarker, encodeFormatMarker } from './format.js';
import { RocksBatch, SAMPLE_PREFIX, type BatchTarget } from './rocksdb-batch.js';
import {
  binding,
  openDatabase,
  scratchKey,
  storageError,
  viewOf,
  type ColumnHandle,
  type ColumnOption,
  type DatabaseView,
  type NativeIterator,
  type RocksLevel,
} from './rocksdb-binding.js';
import { BoundedSource, createNative, RocksCursor } from './rocksdb-cursor.js';
import { LogWriter } from './rocksdb-log-writer.js';
import { RocksSnapshot } from './rocksdb-snapshot.js';
import { checkWriteAheadLogs } from './rocksdb-wal-check.js';
import { SizeSampler } from './size-sampler.js';

export interface RocksdbEngineOptions {
  /** Made if it is not there. */
  readonly directory: string;
  /** Cache of uncompressed blocks of committed data, bytes. Default 96 MiB. */
  readonly blockCacheBytes?: number;
  /** One memtable of committed data, and of the log, bytes; two to six of each. Default 16 MiB. */
  readonly memtableBytes?: number;
  /** To look through the write-ahead logs before they are opened; without it a damaged one is cut short silently. */
  readonly disk?: Pick<Disk, 'readFile' | 'list'>;
  /** The first failure of a read or write after opening: the node must stop, whoever the call was for. */
  readonly onFailure?: (error: QuoralError) => void;
}

const BLOCK_CACHE_BYTES = 96 * 1024 * 1024;
const MEMTABLE_BYTES = 16 * 1024 * 1024;
const MEMTABLE_BYTES_MIN = 64 * 1024;
/** For the small families: their memtables, and their caches. */
const SMALL_MEMTABLE_BYTES = 2 * 1024 * 1024;
const SMALL_CACHE_BYTES = 4 * 1024 * 1024;
const LOG_CACHE_BYTES = 8 * 1024 * 1024;
const BLOCK_BYTES = 8 * 1024;
const FORMAT_KEY = 'format';
/** What log-writer-worker.mjs writes at each sync of the data. */
const SYNC_KEY = 'sync';
const SAMPLE_BYTES = 8;
const SCAN_PAGE_ROWS = 1000;
/** The binding's memtables are a quarter of the budget it is given. */
const BUDGET_PER_MEMTABLE = 4;

function columnOptions(cacheBytes: number, memtableBytes: number): object {
  return {
    cacheSize: cacheBytes,
    memtableMemoryBudget: memtableBytes * BUDGET_PER_MEMTABLE,
    // Merges pairs of memtables before they reach a file: what was written and deleted again soon
    // (log entries, intents) mostly never does.
    compaction: 'level',
    blockSize: BLOCK_BYTES,
    optimizeFiltersForMemory: false,
  };
}

/** @throws QuoralError 55006, 58030, XX001 or 55000, see above. */
export async function openRocksdbEngine(options: RocksdbEngineOptions): Promise<RocksdbEngine> {
  const memtable = options.memtableBytes ?? MEMTABLE_BYTES;
  const cache = options.blockCacheBytes ?? BLOCK_CACHE_BYTES;
  assert(memtable >= MEMTABLE_BYTES_MIN, 'memtableBytes is at least 64 KiB');
  assert(cache > 0, 'blockCacheBytes is positive');
  if (options.disk !== undefined) {
    await checkWriteAheadLogs(`${options.directory}/log`, 'log', options.disk, SYNC_KEY);
    await checkWriteAheadLogs(`${options.directory}/data`, 'data', options.disk, SYNC_KEY);
  }
  const small = columnOptions(SMALL_CACHE_BYTES, Math.min(memtable, SMALL_MEMTABLE_BYTES));
  const data = await openDatabase(`${options.directory}/data`, {
    walCompression: false,
    cacheSize: 0,
    columns: {
      default: { ...columnOptions(cache, memtable), filterPolicy: 'nullptr' },
      locks: small,
      local: small,
      meta: small,
    },
  });
  let log: RocksLevel | null = null;
  try {
    const { view, columns } = viewOf(data);
    checkFormat(view, columns, options.directory);
    log = await openDatabase(`${options.directory}/log`, {
      walCompression: false,
      ...columnOptions(LOG_CACHE_BYTES, memtable),
    });
    return new RocksdbEngine(options.directory, log, data, options.onFailure);
  } catch (error) {
    await log?.close();
    await data.close();
    throw storageError(error, options.directory);
  }
}

function checkFormat(view: DatabaseView, columns: Record<string, ColumnHandle>, directory: string): void {
  const option: ColumnOption = { column: columns['meta']! };
  const key = Buffer.from(FORMAT_KEY, 'latin1');
  const marker = binding.db_get_many_sync(view, [key], option)[0];
  if (marker !== undefined && marker !== null) {
    checkFormatMarker(marker, directory);
    return;
  }
  const batch = binding.batch_init();
  binding.batch_put(batch, key, encodeFormatMarker(), option);
  // Synced, once in the life of a directory, before anything else is written.
  binding.batch_write(view, batch, { sync: true });
}

export class RocksdbEngine implements Engine {
  readonly #directory: string;
  readonly #logLevel: RocksLevel;
  readonly #dataLevel: RocksLevel;
  readonly #logView: DatabaseView;
  readonly #dataView: DatabaseView;
  readonly #locks: ColumnOption;
  readonly #local: ColumnOption;
  readonly #writer: LogWriter;
  readonly #sampler = new SizeSampler();
  readonly #batchTarget: BatchTarget;
  readonly #snapshots = new Set<RocksSnapshot>();
  /** One tailing iterator per family, made when first used. */
  readonly #tailing = new Map<Family, NativeIterator>();
  #versionsTailing: NativeIterator | null = null;
  readonly #onFailure: ((error: QuoralError) => void) | undefined;
  #failure: QuoralError | null = null;
  #closing: Promise<void> | null = null;
  #dataBatches = 0;
  #dataBytes = 0;
  readonly #guard = <T>(work: () => T): T => {
    this.#check();
    try {
      return work();
    } catch (error) {
      throw this.#failed(error);
    }
  };

  /** Use `openRocksdbEngine`. */
  constructor(directory: string, log: RocksLevel, data: RocksLevel, onFailure?: (error: QuoralError) => void) {
    this.#directory = directory;
    this.#onFailure = onFailure;
    this.#logLevel = log;
    this.#dataLevel = data;
    this.#logView = viewOf(log).view;
    const { view, columns } = viewOf(data);
    this.#dataView = view;
    this.#locks = { column: columns['locks']! };
    this.#local = { column: columns['local']! };
    const meta: ColumnOption = { column: columns['meta']! };
    this.#batchTarget = {
      view,
      column: (family) => this.#column(family),
      meta,
      sampler: this.#sampler,
    };
    this.#loadSamples(meta);
    this.#writer = new LogWriter({ logHandle: log.handle, dataHandle: data.handle, directory }, (error) => {
      this.#failed(error);
    });
  }

  get(family: Family, key: Key): Buffer | null {
    this.#check();
    try {
      const values = binding.db_get_many_sync(
        family === 'log' ? this.#logView : this.#dataView,
        [scratchKey(key)],
        this.#column(family),
      );
      return values[0] ?? null;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  getMany(family: Family, keys: readonly Key[]): (Buffer | null)[] {
    if (keys.length === 0) return [];
    return this.#guard(() => {
      const values = binding.db_get_many_sync(
        family === 'log' ? this.#logView : this.#dataView,
        keys.map((key) => Buffer.from(key, 'latin1')),
        this.#column(family),
      );
      const result: (Buffer | null)[] = new Array(values.length);
      for (let i = 0; i < values.length; i++) result[i] = values[i] ?? null;
      return result;
    });
  }

  first(family: Family, start: Key, end: Key): RawRow | null {
    this.#check();
    try {
      const native =
        family === 'versions' && this.#versionsTailing !== null ? this.#versionsTailing : this.#tailingOf(family);
      binding.iterator_seek(native, scratchKey(start));
      const { rows } = binding.iterator_nextv_sync(native, 1);
      const keyBytes = rows[0];
      if (keyBytes === undefined) return null;
      const key = keyBytes.latin1Slice();
      return key < end ? { key, value: rows[1]! } : null;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  scan(options: ScanOptions): RawRow[] {
    const limit = options.limit ?? Infinity;
    if (limit <= 0 || options.start >= options.end) return [];
    if (limit === 1 && options.reverse !== true) {
      const row = this.first(options.family, options.start, options.end);
      return row === null ? [] : [row];
    }
    return this.#guard(() => {
      const native = createNative(this.#view(options.family), this.#columnHandle(options.family), {
        gte: options.start,
        lt: options.end,
        reverse: options.reverse === true,
        ...(options.limitBytes === undefined
          ? {}
          : { highWaterMarkBytes: Math.max(0, Math.min(options.limitBytes - 1, 0x7fff_ffff)) }),
      });
      try {
        return readRows(native, limit, options.limitBytes ?? Infinity);
      } finally {
        binding.iterator_close(native);
      }
    });
  }

  iterator(family: Family, lower: Key, upper: Key, hints?: IteratorHints): EngineIterator {
    this.#check();
    const source = new BoundedSource(
      this.#view(family),
      this.#columnHandle(family),
      lower,
      upper,
      hints?.keysOnly !== true,
      this.#guard,
    );
    return new RocksCursor(source, lower, upper, hints);
  }

  newBatch(): WriteBatch {
    return new RocksBatch(this.#batchTarget);
  }

  writeData(batch: WriteBatch): void {
    this.#check();
    let own: RocksBatch;
    if (batch instanceof RocksBatch) {
      own = batch;
    } else {
      assert(batch instanceof BatchBuilder, 'the batch is of another engine');
      own = new RocksBatch(this.#batchTarget);
      applyBatch(batch.finish(), own);
    }
    const native = own.sealData();
    if (native === null) return;
    try {
      binding.batch_write(this.#dataView, native, undefined);
    } catch (error) {
      throw this.#failed(error);
    }
    this.#dataBatches++;
    this.#dataBytes += own.bytes;
  }

  async writeLog(batch: WriteBatch): Promise<void> {
    this.#check();
    assert(batch instanceof RocksBatch, 'the batch is of another engine');
    const buffer = batch.sealLog();
    if (buffer !== null) await this.#writer.write(buffer);
  }

  async syncData(): Promise<void> {
    this.#check();
    await this.#writer.syncData();
    if (this.#closing === null && this.#failure === null) this.#refreshTailing();
  }

  snapshot(): EngineSnapshot {
    return this.#guard(() => {
      const snapshot = new RocksSnapshot(
        this.#dataView,
        (family) => this.#columnHandle(family),
        this.#guard,
        () => this.#snapshots.delete(snapshot),
      );
      this.#snapshots.add(snapshot);
      return snapshot;
    });
  }

  approximateBytes(start: Key, end: Key): number {
    this.#check();
    return this.#sampler.bytes(start, end);
  }

  approximateMiddle(start: Key, end: Key): Key | null {
    this.#check();
    return this.#sampler.middle(start, end);
  }

  metrics(): Record<string, number> {
    this.#check();
    const property = (view: DatabaseView, name: string) =>
      Number(binding.db_get_property(view, `rocksdb.${name}`)) || 0;
    return {
      logGroups: this.#writer.metrics.groups,
      logBatches: this.#writer.metrics.batches,
      logBytes: this.#writer.metrics.bytes,
      dataSyncs: this.#writer.metrics.syncs,
      dataBatches: this.#dataBatches,
      dataBytes: this.#dataBytes,
      snapshotsOpen: this.#snapshots.size,
      sizeSamples: this.#sampler.sampleCount,
      blockCacheBytes: property(this.#dataView, 'block-cache-usage'),
      memtableBytes: property(this.#dataView, 'cur-size-all-mem-tables'),
      logMemtableBytes: property(this.#logView, 'cur-size-all-mem-tables'),
      liveBytes: property(this.#dataView, 'estimate-live-data-size'),
      logLiveBytes: property(this.#logView, 'estimate-live-data-size'),
      compactionsRunning: property(this.#dataView, 'num-running-compactions'),
      writeStopped: property(this.#dataView, 'is-write-stopped'),
      level0Files: property(this.#dataView, 'num-files-at-level0'),
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#writer.close();
    for (const snapshot of [...this.#snapshots]) snapshot.close();
    for (const native of this.#tailing.values()) binding.iterator_close(native);
    this.#tailing.clear();
    this.#versionsTailing = null;
    try {
      await this.#logLevel.close();
      await this.#dataLevel.close();
    } catch (error) {
      throw storageError(error, this.#directory);
    }
  }

  /** Notes the first failure: nothing is read or written any more, and the node is told to stop. */
  #failed(cause: unknown): QuoralError {
    // A failed invariant is no failure of the disk, and not to be hidden behind one.
    if (cause instanceof AssertionError) throw cause;
    const error = storageError(cause, this.#directory);
    if (this.#failure === null) {
      this.#failure = error;
      this.#onFailure?.(error);
    }
    return this.#failure;
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closing !== null) {
      throw new QuoralError('58030', `storage in ${this.#directory} is closed`);
    }
  }

  #view(family: Family): DatabaseView {
    return family === 'log' ? this.#logView : this.#dataView;
  }

  #column(family: Family): ColumnOption | undefined {
    return family === 'locks' ? this.#locks : family === 'local' ? this.#local : undefined;
  }

  #columnHandle(family: DataFamily | 'log'): ColumnHandle | undefined {
    return this.#column(family)?.column;
  }

  #tailingOf(family: Family): NativeIterator {
    let native = this.#tailing.get(family);
    if (native === undefined) {
      native = createNative(this.#view(family), this.#columnHandle(family), { tailing: true });
      this.#tailing.set(family, native);
      if (family === 'versions') this.#versionsTailing = native;
    }
    return native;
  }

  /** An unused tailing iterator pins the memtables and files it last saw; a seek lets them go. */
  #refreshTailing(): void {
    this.#guard(() => {
      const target = Buffer.from(KEY_MAX, 'latin1');
      for (const native of this.#tailing.values()) binding.iterator_seek(native, target);
    });
  }

  #loadSamples(meta: ColumnOption): void {
    const native = createNative(this.#dataView, meta.column, {
      gte: SAMPLE_PREFIX,
      lt: prefixEnd(SAMPLE_PREFIX),
    });
    try {
      for (const row of readRows(native, Infinity, Infinity)) {
        if (row.value.length !== SAMPLE_BYTES) {
          throw new QuoralError('XX001', `a size sample in ${this.#directory} is corrupted`);
        }
        this.#sampler.load(row.key.slice(SAMPLE_PREFIX.length), row.value.readDoubleBE(0));
      }
    } finally {
      binding.iterator_close(native);
    }
  }
}

function readRows(native: NativeIterator, limit: number, limitBytes: number): RawRow[] {
  const result: RawRow[] = [];
  let bytes = 0;
  for (;;) {
    const { rows, finished } = binding.iterator_nextv_sync(native, Math.min(limit - result.length, SCAN_PAGE_ROWS));
    for (let i = 0; i < rows.length; i += 2) {
      const row = { key: rows[i]!.latin1Slice(), value: rows[i + 1]! };
      result.push(row);
      bytes += row.key.length + row.value.length;
    }
    if (finished || result.length >= limit || bytes >= limitBytes) return result;
  }
}
