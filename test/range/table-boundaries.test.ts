import { afterEach, describe, expect, it } from 'vitest';
import { KEY_MAX } from '../../src/base/key.js';
import { indexPrefix, TABLE_PREFIX, tablePrefix } from '../../src/encoding/keyspace.js';
import { findTableBoundary } from '../../src/range/table-boundaries.js';
import { MemoryEngine } from '../../src/storage/memory-engine.js';
import { mvccPut } from '../../src/storage/mvcc.js';
import { Harness } from './support/harness.js';

const RANGE = { rangeId: 2, start: TABLE_PREFIX, end: KEY_MAX, replicas: [], generation: 1 };

/** An engine in which each storage has as many rows of a kilobyte as are named. */
function engineWith(rows: Readonly<Record<number, number>>): MemoryEngine {
  const engine = new MemoryEngine();
  const batch = engine.newBatch();
  for (const [storage, count] of Object.entries(rows)) {
    for (let i = 0; i < count; i++) {
      const key = `${indexPrefix(Number(storage), 1)}${String(i).padStart(6, '0')}`;
      mvccPut(batch, key, 10, Buffer.alloc(1024, 1), false);
    }
  }
  engine.writeData(batch);
  return engine;
}

describe('where the tables of a range part', () => {
  it('nowhere, if there is one table or none', () => {
    expect(findTableBoundary(engineWith({}), RANGE)).toBeNull();
    expect(findTableBoundary(engineWith({ 300: 200 }), RANGE)).toBeNull();
  });

  it('between two small tables', () => {
    expect(findTableBoundary(engineWith({ 255: 1, 256: 1 }), RANGE)).toBe(tablePrefix(256));
  });

  it('so that the bytes are as equal as they get', () => {
    const engine = engineWith({ 120: 100, 200: 100, 255: 900, 256: 700, 70_000: 300 });
    expect(findTableBoundary(engine, RANGE)).toBe(tablePrefix(256));
  });

  it('before a large one, however many small ones there are', () => {
    const small = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [300 + i, 1]));
    expect(findTableBoundary(engineWith({ ...small, 800: 3_000 }), RANGE)).toBe(tablePrefix(800));
    expect(findTableBoundary(engineWith({ 200: 3_000, ...small }), RANGE)).toBe(tablePrefix(300));
    expect(findTableBoundary(engineWith({ ...small, 800: 3_000, 900: 2_000 }), RANGE)).toBe(tablePrefix(900));
  });

  it('in the middle of those that are too small for anybody to know their bytes', () => {
    const engine = new MemoryEngine();
    const batch = engine.newBatch();
    for (let i = 0; i < 100; i++) mvccPut(batch, indexPrefix(300 + i, 1), 10, Buffer.from('x'), false);
    engine.writeData(batch);
    expect(findTableBoundary(engine, RANGE)).toBe(tablePrefix(350));
  });

  it('inside the range only', () => {
    const engine = engineWith({ 120: 10, 200: 10, 300: 10 });
    expect(findTableBoundary(engine, { ...RANGE, start: tablePrefix(200), end: tablePrefix(300) })).toBeNull();
    expect(findTableBoundary(engine, { ...RANGE, start: indexPrefix(120, 1), end: tablePrefix(300) })).toBe(
      tablePrefix(200),
    );
    // The rest of a table whose beginning lies in the range before.
    expect(findTableBoundary(engine, { ...RANGE, start: `${indexPrefix(200, 1)}000005` })).toBe(tablePrefix(300));
  });
});

describe('a store asks for the tables of a range to part', () => {
  let harness: Harness | null = null;
  afterEach(async () => {
    await harness?.close();
    harness = null;
  });

  const row = (storage: number, i: number): string => `${indexPrefix(storage, 1)}${String(i).padStart(6, '0')}`;
  const boundary = tablePrefix(301);
  /** Two looks of the maintenance, told by a second timer of its period. */
  const looks = (): Promise<void> => harness!.sleep(2_200);

  it('when they hold much, and not before', async () => {
    // An eighth of it is what tables may share.
    harness = await Harness.start({ nodes: 1, store: { rangeBytesMax: 800_000 } });
    for (const storage of [300, 301]) await harness.put([row(storage, 0)], 'x'.repeat(20_000));
    await looks();
    expect(harness.splitsRequested).toEqual([]);
    for (let i = 1; i < 5; i++) await harness.put([row(301, i)], 'x'.repeat(20_000));
    await harness.until('a split', () => harness!.splitsRequested.length > 0);
    expect(harness.splitsRequested[0]).toBe(boundary);
  });

  it('when they are asked for often', async () => {
    harness = await Harness.start({ nodes: 1 });
    for (const storage of [300, 301]) await harness.put([row(storage, 0)], 'x');
    await looks();
    expect(harness.splitsRequested).toEqual([]);
    const replica = harness.node(1).store.replica(1)!;
    const busy = harness.time.every(100, () => {
      for (let i = 0; i < 500; i++) replica.load.note(1);
    });
    try {
      await harness.until('a split', () => harness!.splitsRequested.length > 0);
    } finally {
      busy.cancel();
    }
    expect(harness.splitsRequested[0]).toBe(boundary);
  });

  it('but not one table alone', async () => {
    harness = await Harness.start({ nodes: 1, store: { rangeBytesMax: 800_000 } });
    for (let i = 0; i < 8; i++) await harness.put([row(300, i)], 'x'.repeat(20_000));
    await looks();
    expect(harness.splitsRequested).toEqual([]);
  });
});
