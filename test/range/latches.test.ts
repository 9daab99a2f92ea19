import { describe, expect, it } from 'vitest';
import type { Span } from '../../src/base/key.js';
import { hull, type Latch, LatchManager } from '../../src/range/latches.js';
import { Random } from './support/random.js';

interface Held {
  readonly latch: Latch;
  readonly keys: readonly string[];
  readonly span: Span | null;
  woken: boolean;
}

function overlaps(held: Held, start: string, end: string): boolean {
  if (held.keys.some((key) => start <= key && key < end)) return true;
  return held.span !== null && held.span.start < end && start < held.span.end;
}

describe('latches', () => {
  it.each([1, 2, 3, 4, 5])('agree with a list of what is held (seed %i)', async (seed) => {
    const rng = new Random(seed);
    const manager = new LatchManager();
    const held: Held[] = [];
    const key = (): string => String.fromCharCode(97 + rng.int(26)) + rng.int(3);
    for (let step = 0; step < 700; step++) {
      if (held.length > 0 && rng.bool(0.4)) {
        const [gone] = held.splice(rng.int(held.length), 1);
        gone!.latch.release();
        await Promise.resolve();
        await Promise.resolve();
        expect(gone!.woken).toBe(true);
        continue;
      }
      const a = key();
      const b = key();
      const [start, end] = a < b ? [a, b] : [b, `${a}\x00`];
      expect(manager.conflictSpan(start, end) !== null).toBe(held.some((h) => overlaps(h, start, end)));
      expect(manager.conflict(a) !== null).toBe(held.some((h) => overlaps(h, a, `${a}\x00`)));
      // A plain read sees through the transparent ones, and through no others.
      const opaque = held.filter((h) => !h.latch.transparent);
      expect(manager.conflictSpan(start, end, true) !== null).toBe(opaque.some((h) => overlaps(h, start, end)));
      expect(manager.conflict(a, true) !== null).toBe(opaque.some((h) => overlaps(h, a, `${a}\x00`)));
      const span = rng.bool(0.2) ? { start, end } : null;
      const keys = span === null ? [...new Set([a, key(), key()])] : [];
      const free =
        span !== null ? manager.conflictSpan(start, end) === null : keys.every((k) => manager.conflict(k) === null);
      if (!free) continue;
      const latch = manager.acquire(keys, span, rng.bool(0.3));
      const entry: Held = { latch, keys, span, woken: false };
      void latch.released.then(() => {
        entry.woken = true;
      });
      held.push(entry);
    }
    for (const { latch } of held) latch.release();
    expect(manager.idle).toBe(true);
  });

  it('cover their whole span when there are many keys, but records stay points', () => {
    const manager = new LatchManager();
    const keys = Array.from({ length: 100 }, (_, i) => `k${String(i).padStart(3, '0')}`);
    const latch = manager.acquire([...keys, '\x00txn'], null);
    expect(manager.conflict('k050x')).toBe(latch);
    expect(manager.conflict('k0999')).toBeNull();
    expect(manager.conflict('\x00txn')).toBe(latch);
    expect(manager.conflict('\x00other')).toBeNull();
    latch.release();
    expect(manager.idle).toBe(true);
    expect(hull(['c', 'a', 'b'])).toEqual({ start: 'a', end: 'c\x00' });
  });
});
