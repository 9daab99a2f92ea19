import { execFileSync } from 'node:child_process';
import { writeFileSync, readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/storage/engine.js';
import { checkFormatMarker, encodeFormatMarker, FORMAT_VERSION } from '../../src/storage/format.js';
import { MemoryEngine } from '../../src/storage/memory-engine.js';
import { openRocksdbEngine } from '../../src/storage/rocksdb-engine.js';
import { engineCompliance, type EngineUnderTest } from './engine-compliance.js';
import { removeDirectory, temporaryDirectory } from './support.js';

function rocksdb(memtableBytes: number): EngineUnderTest {
  const directory = temporaryDirectory();
  const open = () => openRocksdbEngine({ directory, memtableBytes, blockCacheBytes: 4 * 1024 * 1024 });
  return {
    open,
    async reopen(engine: Engine) {
      await engine.close();
      return open();
    },
    async cleanUp() {
      removeDirectory(directory);
    },
  };
}

engineCompliance('in memory', () => ({
  async open() {
    return new MemoryEngine();
  },
  async reopen(engine) {
    await engine.close();
    return (engine as MemoryEngine).reopen();
  },
  async cleanUp() {},
}));

engineCompliance('RocksDB', () => rocksdb(16 * 1024 * 1024));
// Small memtables: flushes and compactions happen under the readers.
engineCompliance('RocksDB with small memtables', () => rocksdb(64 * 1024));

const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('crash of the in-memory engine', () => {
  test('keeps what was synced, nothing else, and whole batches', async () => {
    const pending: (() => void)[] = [];
    const engine = new MemoryEngine({ afterSync: (done) => pending.push(done) });
    const put = (key: string) => {
      const batch = engine.newBatch();
      batch.put('local', key, bytes('v'));
      batch.put('versions', key, bytes('v'));
      engine.writeData(batch);
    };
    const log = (key: string) => {
      const batch = engine.newBatch();
      batch.put('log', key, bytes('v'));
      batch.put('log', `${key}+`, bytes('v'));
      return engine.writeLog(batch);
    };
    put('a');
    const sync = engine.syncData();
    put('b');
    const first = log('1');
    let settled = false;
    void log('2').then(() => (settled = true));
    expect(engine.get('log', '1')).toBeNull();
    pending.shift()!();
    pending.shift()!();
    await Promise.all([sync, first]);
    const after = engine.crash({});
    pending.shift()!();
    await Promise.resolve();
    expect(settled).toBe(false);
    expect(() => engine.get('local', 'a')).toThrow('closed');
    const keys = (family: 'local' | 'versions' | 'log') =>
      after.scan({ family, start: '', end: '\xff' }).map((row) => row.key);
    expect(keys('local')).toEqual(['a']);
    expect(keys('versions')).toEqual(['a']);
    expect(keys('log')).toEqual(['1', '1+']);
  });
});

describe('opening RocksDB', () => {
  test('a directory in use is refused with 55006', async () => {
    const under = rocksdb(1024 * 1024);
    const engine = await under.open();
    await expect(under.open()).rejects.toMatchObject({ sqlstate: '55006' });
    await engine.close();
    await under.cleanUp();
  });

  test('a path that is no directory is refused with 58030', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'file');
    writeFileSync(file, 'x');
    await expect(openRocksdbEngine({ directory: file })).rejects.toMatchObject({
      sqlstate: '58030',
    });
    removeDirectory(directory);
  });

  test('a damaged database is refused with XX001', async () => {
    const directory = temporaryDirectory();
    const engine = await openRocksdbEngine({ directory });
    await engine.close();
    const data = join(directory, 'data');
    const manifest = readdirSync(data).find((name) => name.startsWith('MANIFEST'))!;
    truncateSync(join(data, manifest), 10);
    await expect(openRocksdbEngine({ directory })).rejects.toMatchObject({ sqlstate: 'XX001' });
    removeDirectory(directory);
  });

  test('a newer format is refused with a clear message', () => {
    expect(checkFormatMarker(encodeFormatMarker(), '/d')).toBe(FORMAT_VERSION);
    expect(encodeFormatMarker(1).toString()).toBe('quoral-format:1');
    expect(() => checkFormatMarker(encodeFormatMarker(FORMAT_VERSION + 1), '/d')).toThrow(
      /\/d was written in storage format .*newer/,
    );
    expect(() => checkFormatMarker(bytes('garbage'), '/d')).toThrow('corrupted');
  });

  test('what writeLog and syncData acknowledged survives the death of the process', async () => {
    const directory = temporaryDirectory();
    const first = await openRocksdbEngine({ directory });
    await first.close();
    // A process of its own writes through the worker's protocol and is killed in the middle.
    const script = `
      const { RocksLevel } = require('@nxtedition/rocksdb');
      const { Worker } = require('node:worker_threads');
      (async () => {
        const cf = {};
        const data = new RocksLevel(process.argv[1] + '/data', { columns: { default: cf, locks: cf, local: cf, meta: cf } });
        await data.open();
        const log = new RocksLevel(process.argv[1] + '/log', {});
        await log.open();
        const worker = new Worker(process.argv[2], { workerData: { logHandle: log.handle, dataHandle: data.handle } });
        const batch = data.batch();
        batch.put(Buffer.from('k'), Buffer.from('data'));
        batch._writeSync({});
        let step = 0;
        worker.on('message', (answer) => {
          if (!answer.ok) throw new Error(answer.message);
          if (++step === 1) worker.postMessage({ kind: 'sync' });
          else process.kill(process.pid, 'SIGKILL');
        });
        const frame = Buffer.from([1, 1, 0, 0, 0, 3, 0, 0, 0, ...Buffer.from('klog')]);
        worker.postMessage({ kind: 'log', bytes: new Uint8Array(frame).buffer, ranges: false });
      })();`;
    const worker = new URL('../../src/storage/log-writer-worker.mjs', import.meta.url).pathname;
    expect(() =>
      execFileSync(process.execPath, ['-e', script, directory, worker], {
        cwd: new URL('../..', import.meta.url).pathname,
        stdio: 'pipe',
      }),
    ).toThrow(/Command failed|SIGKILL/);
    const engine = await openRocksdbEngine({ directory });
    expect(engine.get('log', 'k')?.toString()).toBe('log');
    expect(engine.get('versions', 'k')?.toString()).toBe('data');
    await engine.close();
    removeDirectory(directory);
  });
});
