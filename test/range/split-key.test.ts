import { afterEach, describe, expect, it } from 'vitest';
import { existenceKey, KEY_MAX } from '../../src/base/key.js';
import { indexPrefix, TABLE_PREFIX } from '../../src/encoding/keyspace.js';
import { Harness } from './support/harness.js';

describe('where a range parts by its size', () => {
  let harness: Harness | null = null;
  afterEach(async () => {
    await harness?.close();
    harness = null;
  });

  const row = (i: number): string => `${indexPrefix(300, 1)}${String(i).padStart(6, '0')}`;
  const RANGE = { rangeId: 1, start: TABLE_PREFIX, end: KEY_MAX, replicas: [], generation: 1 };
  const splitKey = (): string | null => harness!.node(1).store.maintenance.findSplitKey(RANGE);

  const grains = (keys: readonly string[], bytes = 40_000): Promise<void> =>
    keys.reduce((done, key) => done.then(() => harness!.put([key], 'x'.repeat(bytes))), Promise.resolve());
  const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

  it('at a row in the middle of its bytes', async () => {
    harness = await Harness.start({ nodes: 1 });
    expect(splitKey()).toBeNull();
    await grains(numbers(0, 9).map(row));
    expect([row(3), row(4), row(5)]).toContain(splitKey());
  });

  it('also where keys are alike for long', async () => {
    harness = await Harness.start({ nodes: 1 });
    await grains(numbers(0, 9).map((i) => row(0) + 'the same beginning of all '.repeat(20) + i));
    expect(splitKey()).toMatch(/[345]$/);
  });

  it('behind what the range begins with, if that is most of it', async () => {
    harness = await Harness.start({ nodes: 1 });
    await grains([TABLE_PREFIX], 400_000);
    expect(splitKey()).toBeNull();
    await grains([row(7), row(8)], 10);
    expect(splitKey()).toBe(row(7));
  });

  it('not between a row and its existence', async () => {
    harness = await Harness.start({ nodes: 1 });
    await grains(numbers(0, 4).map(row));
    await harness.put([row(4)], 'x');
    // Most is here, and it is where the middle is.
    await grains([existenceKey(row(4))], 900_000);
    await grains(numbers(5, 9).map(row));
    expect(splitKey()).toBe(row(4));
  });

  it('at an existence whose row is gone', async () => {
    harness = await Harness.start({ nodes: 1 });
    await grains([row(1)]);
    await grains([existenceKey(row(4))], 900_000);
    expect(splitKey()).toBe(existenceKey(row(4)));
  });
});
