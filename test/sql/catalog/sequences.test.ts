/** Blocks of sequence values: how many replicated writes they cost. */
import { describe, expect, it } from 'vitest';
import type { Catalog } from '../../../src/sql/catalog/catalog.js';
import type { SequenceDescriptor } from '../../../src/sql/catalog/descriptor.js';
import { DEFAULT_BLOCK, Sequences } from '../../../src/sql/catalog/sequences.js';

const INT4: Partial<SequenceDescriptor> = {
  id: 7,
  name: 's',
  start: '1',
  increment: '1',
  min: '1',
  max: '2147483647',
  cache: 1,
  cycle: false,
};

function blocksOf(of: Partial<SequenceDescriptor> = {}): {
  readonly blocks: number[];
  take(count: number): Promise<bigint[]>;
  wait(ms: number): void;
} {
  const blocks: number[] = [];
  let [counter, now] = [0, 0];
  const db = {
    increment: (_: string, by: number) => {
      blocks.push(by);
      return Promise.resolve((counter += by));
    },
  };
  const clock = { monotonicMs: () => now };
  const sequences = new Sequences({ db, clock, onForgetSequence: () => undefined } as unknown as Catalog);
  const sequence = { ...INT4, ...of } as SequenceDescriptor;
  return {
    blocks,
    wait: (ms) => (now += ms),
    async take(count) {
      const values: bigint[] = [];
      for (let i = 0; i < count; i++) values.push(await sequences.nextval(sequence));
      return values;
    },
  };
}

describe('blocks of a sequence', () => {
  it('grow while they are used up at once, so that many rows cost few writes', async () => {
    const s = blocksOf();
    const values = await s.take(100_000);
    expect(values).toEqual(Array.from({ length: 100_000 }, (_, i) => BigInt(i + 1)));
    expect(s.blocks.slice(0, 6)).toEqual([32, 128, 512, 2048, 8192, 8192]);
    expect(s.blocks.length).toBeLessThan(18);
  });

  it('are small again after a rest, and always for who takes few', async () => {
    const s = blocksOf();
    await s.take(200);
    s.wait(300);
    await s.take(482);
    expect(s.blocks).toEqual([32, 128, 512, DEFAULT_BLOCK]);
    const slow = blocksOf();
    for (let i = 0; i < 100; i++) {
      await slow.take(1);
      slow.wait(10);
    }
    expect(slow.blocks).toEqual([32, 32, 32, 32]);
  });

  it('stay small where there are few values, and are what CACHE says', async () => {
    const small = blocksOf({ max: '32767' });
    await small.take(100);
    expect(small.blocks).toEqual([32, 32, 32, 32]);
    const cached = blocksOf({ cache: 10, increment: '-5', min: '-2147483648', max: '-1', start: '-1' });
    expect((await cached.take(25)).at(-1)).toBe(-121n);
    expect(cached.blocks).toEqual([-50, -50, -50]);
  });
});
