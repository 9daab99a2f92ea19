import { describe, expect, test } from 'vitest';
import type { Key } from '../../src/base/key.js';
import type { Engine } from '../../src/storage/engine.js';
import { MemoryEngine } from '../../src/storage/memory-engine.js';
import { decodeVersionKey, escapeKey, unescapeKey, versionKey, versionTimestamp } from '../../src/storage/mvcc-key.js';
import {
  decodeVersionValue,
  encodeVersionValue,
  mvccAnyNewer,
  mvccGc,
  mvccGet,
  mvccGetMany,
  mvccHasTagged,
  mvccKeyChanged,
  mvccNewest,
  mvccPut,
  mvccRead,
} from '../../src/storage/mvcc.js';
import { mvccScan } from '../../src/storage/mvcc-scan.js';
import { openRocksdbEngine } from '../../src/storage/rocksdb-engine.js';
import { random, removeDirectory, temporaryDirectory } from './support.js';

const hex = (text: string | Buffer) => (typeof text === 'string' ? Buffer.from(text, 'latin1') : text).toString('hex');

describe('version keys and values', () => {
  test('golden bytes', () => {
    expect(hex(versionKey('a', 1))).toBe('61' + '0001' + 'fffffffffffffffe');
    expect(hex(versionKey('a\x00b', 1_700_000_000_000_000))).toBe('6100ff62' + '0001' + 'fff9f5dbe7e1bfff');
    expect(hex(versionKey('', Number.MAX_SAFE_INTEGER))).toBe('0001' + 'ffe0000000000000');
    expect(hex(encodeVersionValue(Buffer.from('v'), false))).toBe('0076');
    expect(hex(encodeVersionValue(Buffer.from('v'), true))).toBe('0276');
    expect(hex(encodeVersionValue(Buffer.alloc(0), false))).toBe('00');
    expect(hex(encodeVersionValue(null, false))).toBe('01');
    expect(hex(encodeVersionValue(null, true))).toBe('03');
    expect(hex(encodeVersionValue(Buffer.from('v'), false, 'tagged-8'))).toBe('04' + '7461676765642d38' + '76');
    expect(hex(encodeVersionValue(Buffer.alloc(0), true, '\x00\xff\x80abcd\n'))).toBe('06' + '00ff80616263640a');
    expect(hex(encodeVersionValue(null, false, 'tagged-8'))).toBe('05' + '7461676765642d38');
    expect(hex(encodeVersionValue(null, true, 'tagged-8'))).toBe('07' + '7461676765642d38');
    expect(() => encodeVersionValue(null, false, 'short')).toThrow('a tag has 8 bytes');
  });

  test('a tag names the writer of exactly one version, and nobody reads it as part of the value', () => {
    const engine = new MemoryEngine();
    const batch = engine.newBatch();
    mvccPut(batch, 'k', 10, Buffer.from('one'), false, 'writer-A');
    mvccPut(batch, 'k', 20, null, true, 'writer-B');
    mvccPut(batch, 'k', 30, Buffer.from('writer-Cwriter-C'));
    mvccPut(batch, 'gone', 10, null, false, 'writer-A');
    engine.writeData(batch);
    const tagged = (ts: number, tag: string): boolean => mvccHasTagged(engine, 'k', ts, tag);
    expect([tagged(10, 'writer-A'), tagged(20, 'writer-B')]).toEqual([true, true]);
    // Another time, another writer, an untagged version that starts with the same bytes, another key.
    expect([tagged(20, 'writer-A'), tagged(10, 'writer-B'), tagged(11, 'writer-A')]).toEqual([false, false, false]);
    expect([tagged(30, 'writer-C'), mvccHasTagged(engine, 'j', 10, 'writer-A')]).toEqual([false, false]);
    expect(mvccGet(engine, 'k', 15)?.value?.toString()).toBe('one');
    expect(mvccGet(engine, 'k', 25)).toEqual({ value: null, ts: 20, shifted: true });
    expect(mvccScan(engine, 'a', 'z', 15).keys).toEqual(['k']);
    // A tagged tombstone is collected like any other, and takes what it hides along.
    const gc = engine.newBatch();
    expect(mvccGc(engine, gc, 'a', 'z', 25).removed).toBe(3);
    engine.writeData(gc);
    expect(engine.scan({ family: 'versions', start: '', end: '\xff' }).length).toBe(1);
    expect(mvccNewest(engine, 'k')?.value?.toString()).toBe('writer-Cwriter-C');
  });

  test('keys order by user key, then newest first, and decode to what they were', () => {
    const rnd = random(5);
    const keys: { key: Key; ts: number }[] = [];
    for (let i = 0; i < 2000; i++) {
      let key = '';
      for (let n = rnd(5); n > 0; n--) key += String.fromCharCode([0, 1, 2, 0x61, 0xfe, 0xff][rnd(6)]!);
      const ts = [rnd(1000), 2 ** 32 + rnd(3) - 1, 2 ** 52 + rnd(9), 1.7e15 + rnd(2 ** 30)][rnd(4)]!;
      keys.push({ key, ts });
      expect(unescapeKey(escapeKey(key))).toBe(key);
      expect(decodeVersionKey(versionKey(key, ts))).toEqual({ key, ts });
      expect(versionTimestamp(versionKey(key, ts))).toBe(ts);
    }
    for (let i = 1; i < keys.length; i++) {
      const [x, y] = [keys[i - 1]!, keys[i]!];
      const expected = x.key < y.key ? -1 : x.key > y.key ? 1 : Math.sign(y.ts - x.ts);
      const [a, b] = [versionKey(x.key, x.ts), versionKey(y.key, y.ts)];
      expect(a < b ? -1 : a > b ? 1 : 0).toBe(expected);
    }
  });

  test('corrupted keys and values are refused', () => {
    for (const bad of [
      '',
      'short',
      'a\x00\x02\xff\xff\xff\xff\xff\xff\xff\xff',
      'a\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00',
    ]) {
      expect(() => decodeVersionKey(bad)).toThrow(expect.objectContaining({ sqlstate: 'XX001' }));
    }
    for (const bad of [[], [4], [4, 1, 2, 3, 4, 5, 6, 7], [5, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0x80, 1], [1, 1]]) {
      expect(() => decodeVersionValue('k', Buffer.from(bad))).toThrow(expect.objectContaining({ sqlstate: 'XX001' }));
    }
    expect(() => versionKey('a', -1)).toThrow();
    expect(() => versionKey('a', 0.5)).toThrow();
  });
});

interface Version {
  readonly ts: number;
  readonly value: string | null;
}

/** Every version of every key, in plain arrays. */
class Model {
  readonly keys = new Map<Key, Version[]>();

  put(key: Key, ts: number, value: string | null): void {
    const versions = (this.keys.get(key) ?? []).filter((v) => v.ts !== ts);
    versions.push({ ts, value });
    this.keys.set(
      key,
      versions.sort((a, b) => b.ts - a.ts),
    );
  }

  get(key: Key, ts: number): Version | null {
    return this.keys.get(key)?.find((v) => v.ts <= ts) ?? null;
  }

  newer(key: Key, after: number, upto: number): number {
    return this.keys.get(key)?.find((v) => v.ts > after && v.ts <= upto)?.ts ?? 0;
  }

  span(start: Key, end: Key): Key[] {
    return [...this.keys.keys()].filter((k) => start <= k && k < end).sort();
  }
}

function checkReads(engine: Engine, model: Model, rnd: (n: number) => number, key: () => Key): void {
  const ts = rnd(60);
  const limitTs = ts + rnd(30);
  const k = key();
  const expected = model.get(k, ts);
  const got = mvccGet(engine, k, ts);
  expect(got && { ts: got.ts, value: got.value?.toString('latin1') ?? null }).toEqual(expected);
  expect(mvccNewest(engine, k)?.ts).toBe(model.get(k, 1000)?.ts);
  const read = mvccRead(engine, k, ts, limitTs);
  expect([read.ts, read.value?.toString('latin1') ?? null, read.newer]).toEqual([
    expected?.ts ?? 0,
    expected?.value ?? null,
    model.newer(k, ts, limitTs),
  ]);
  expect(mvccKeyChanged(engine, k, ts, limitTs)).toBe(model.newer(k, ts, limitTs) !== 0);

  const [start, end] = [k, key()].sort() as [Key, Key];
  const keys = model.span(start, end);
  expect(mvccAnyNewer(engine, start, end, ts, limitTs)).toBe(
    keys.find((m) => model.newer(m, ts, limitTs) !== 0) ?? null,
  );
  expect(mvccGetMany(engine, keys, ts).map((v) => v?.ts)).toEqual(keys.map((m) => model.get(m, ts)?.ts));
  checkScan(engine, model, {
    start,
    end,
    ts,
    limitTs,
    reverse: rnd(2) === 0,
    maxRows: rnd(3) === 0 ? 1 + rnd(4) : 1000,
  });
}

function checkScan(
  engine: Engine,
  model: Model,
  o: { start: Key; end: Key; ts: number; limitTs: number; reverse: boolean; maxRows: number },
): void {
  const inside = model.span(o.start, o.end);
  if (o.reverse) inside.reverse();
  const expected: string[] = [];
  const got: string[] = [];
  let newer = 0;
  for (const m of inside) {
    const version = model.get(m, o.ts);
    if (version !== null && version.value !== null) expected.push(`${m}=${version.value}@${version.ts}`);
    newer = Math.max(newer, model.newer(m, o.ts, o.limitTs));
  }
  // Pages that follow the resume key make up the whole.
  let { start, end } = o;
  let gotNewer = 0;
  for (let pages = 0; ; pages++) {
    expect(pages).toBeLessThan(1000);
    const page = mvccScan(engine, start, end, o.ts, {
      reverse: o.reverse,
      maxRows: o.maxRows,
      limitTs: o.limitTs,
    });
    expect(page.keys.length).toBeLessThanOrEqual(o.maxRows);
    page.keys.forEach((m, i) => got.push(`${m}=${page.values[i]!.toString('latin1')}@${page.timestamps[i]}`));
    if (page.newerTs !== 0) {
      expect(model.newer(page.newerKey, o.ts, o.limitTs)).toBe(page.newerTs);
      gotNewer = Math.max(gotNewer, page.newerTs);
    }
    if (page.resumeKey === null) break;
    if (o.reverse) end = page.resumeKey;
    else start = page.resumeKey;
  }
  expect(got).toEqual(expected);
  expect(gotNewer).toBe(newer);
}

async function runHistory(engine: Engine, seed: number): Promise<void> {
  const rnd = random(seed);
  const model = new Model();
  const alphabet = ['a', 'b', '\x00', '\xff'];
  const key = () => {
    let k = 'k';
    for (let n = rnd(3); n > 0; n--) k += alphabet[rnd(4)];
    return k;
  };
  let low = 0;
  for (let step = 0; step < 500; step++) {
    const batch = engine.newBatch();
    for (let n = rnd(4); n >= 0; n--) {
      const [k, ts] = [key(), Math.max(low, 0) + 1 + rnd(50)];
      const value = rnd(4) === 0 ? null : `${step}.${n}`;
      mvccPut(batch, k, ts, value === null ? null : Buffer.from(value), rnd(2) === 0);
      model.put(k, ts, value);
    }
    engine.writeData(batch);
    for (let n = 0; n < 3; n++) checkReads(engine, model, rnd, key);
    if (step % 50 === 49) {
      low = collectGarbage(engine, model, rnd);
      // Later writes come above the threshold, as in the real system.
    }
  }
}

/** Reads at and above the threshold must not notice. @returns the threshold. */
function collectGarbage(engine: Engine, model: Model, rnd: (n: number) => number): number {
  const threshold = 5 + rnd(30);
  const before = (ts: number) => mvccScan(engine, 'k', 'l', ts).keys;
  const expected = [threshold, threshold + 7, 100].map(before);
  let start: Key | null = 'k';
  for (let calls = 0; start !== null; calls++) {
    expect(calls).toBeLessThan(500);
    const batch = engine.newBatch();
    start = mvccGc(engine, batch, start, 'l', threshold, {
      maxRemoved: 1 + rnd(5),
      maxVisited: 1 + rnd(9),
    }).resumeKey;
    engine.writeData(batch);
    expect([threshold, threshold + 7, 100].map(before)).toEqual(expected);
  }
  for (const [key, versions] of model.keys) {
    const keep = versions.filter((v) => v.ts > threshold);
    const newest = versions.find((v) => v.ts <= threshold);
    if (newest !== undefined && newest.value !== null) keep.push(newest);
    if (keep.length === 0) model.keys.delete(key);
    else model.keys.set(key, keep);
  }
  const left = engine.scan({ family: 'versions', start: '', end: '\xff\xff' }).map((row) => {
    const { key, ts } = decodeVersionKey(row.key);
    return `${key}@${ts}`;
  });
  expect(left).toEqual(
    [...model.keys].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([k, vs]) => vs.map((v) => `${k}@${v.ts}`)),
  );
  return threshold;
}

describe('mvcc agrees with a naive model', () => {
  test.each([1, 2, 3, 4])('in memory (seed %i)', async (seed) => {
    await runHistory(new MemoryEngine(), seed);
  });

  test.each([1, 2])('RocksDB (seed %i)', async (seed) => {
    const directory = temporaryDirectory();
    const engine = await openRocksdbEngine({ directory, memtableBytes: 64 * 1024 });
    await runHistory(engine, seed);
    await engine.close();
    removeDirectory(directory);
  });
});
