import { describe, expect, it } from 'vitest';
import { TimestampCache } from '../../src/range/timestamp-cache.js';
import { Random } from './support/random.js';

interface Read {
  readonly start: string;
  readonly end: string;
  readonly ts: number;
  readonly txn: string | null;
}

describe('timestamp cache', () => {
  it.each([1, 2, 3, 4, 5, 6])('never lets a writer under a read (seed %i)', (seed) => {
    const rng = new Random(seed);
    const cache = new TimestampCache(100);
    const reads: Read[] = [];
    const letters = 'abcdefghij';
    for (let step = 0; step < 1000; step++) {
      const a = rng.pick([...letters]) + rng.int(40);
      const ts = 90 + rng.int(200) + Math.floor(step / 10);
      const txn = rng.bool(0.3) ? null : `t${rng.int(4)}`;
      if (rng.bool(0.4)) {
        cache.addPoint(a, ts, txn);
        reads.push({ start: a, end: `${a}\x00`, ts, txn });
      } else if (rng.bool(0.3)) {
        const b = rng.pick([...letters]) + rng.int(40);
        const [start, end] = a < b ? [a, b] : [b, `${a}\x00`];
        cache.addSpan(start, end, ts, txn);
        reads.push({ start, end, ts, txn });
      } else {
        const key = a;
        const covering = reads.filter((r) => r.start <= key && key < r.end);
        const others = covering.filter((r) => r.txn === null || r.txn !== txn);
        const wanted = 90 + rng.int(400);
        const floor = cache.writeFloor(key, wanted, txn);
        expect(floor).toBeGreaterThanOrEqual(wanted);
        for (const read of others) expect(floor, `read at ${read.ts} by ${read.txn}`).toBeGreaterThan(read.ts);
        for (const read of covering) expect(floor).toBeGreaterThanOrEqual(read.ts);
        expect(floor).toBeGreaterThan(0);
        if (txn === null) expect(floor).toBeGreaterThan(99);
      }
    }
  });

  it('is exact while it has room', () => {
    const cache = new TimestampCache(10);
    cache.addPoint('a', 20, 'x');
    cache.addSpan('b', 'd', 30, 'y');
    expect(cache.writeFloor('a', 15, 'x')).toBe(20);
    expect(cache.writeFloor('a', 15, 'z')).toBe(21);
    expect(cache.writeFloor('c', 15, 'y')).toBe(30);
    expect(cache.writeFloor('c', 30, 'z')).toBe(31);
    expect(cache.writeFloor('d', 15, 'z')).toBe(15);
    expect(cache.writeFloor('d', 10, 'z')).toBe(11);
    cache.addPoint('c', 30, 'z');
    expect(cache.writeFloor('c', 30, 'y')).toBe(31);
    expect(cache.writeFloor('c', 31, 'q')).toBe(31);
  });

  it('raises the low-water mark before it forgets, over rotations of points and spans', () => {
    const cache = new TimestampCache(0);
    const rng = new Random(9);
    const points = new Map<string, number>();
    for (let i = 0; i < 100_000; i++) {
      const key = `k${i}`;
      const ts = 1 + rng.int(1000) + i;
      points.set(key, ts);
      cache.addPoint(key, ts, null);
    }
    for (const [key, ts] of points) if (cache.writeFloor(key, 1, null) <= ts) expect.fail(`${key} at ${ts}`);
    expect(cache.lowWater).toBeGreaterThan(0);
    const spans = new TimestampCache(0);
    for (let i = 0; i < 1500; i++) spans.addSpan(`s${1000 + i}`, `s${1000 + i}~`, 5 + ((i * 7919) % 1500), 'a');
    for (let i = 0; i < 1500; i++) {
      expect(spans.writeFloor(`s${1000 + i}`, 1, 'b')).toBeGreaterThan(5 + ((i * 7919) % 1500));
    }
  });
});
