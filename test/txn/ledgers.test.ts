/** What a transaction remembers of its reads and locks covers at least what was read and locked, however much that is. */
import { describe, expect, it } from 'vitest';
import { type Key, keyNext } from '../../src/base/key.js';
import { LockLedger } from '../../src/txn/lock-ledger.js';
import { ReadSpans } from '../../src/txn/read-spans.js';
import { seededRng } from '../env/seeded-rng.js';

const KEYS = 200_000;
const keyAt = (i: number): Key => `\x04${String(i).padStart(6, '0')}`;
const placeOf = (key: Key): number => Number(key.slice(1, 7));

/** Which of the keys the spans hold. */
function coverOf(spans: readonly { readonly start: Key; readonly end: Key | null }[]): Uint8Array {
  const cover = new Uint8Array(KEYS);
  for (const { start, end } of spans) {
    const from = placeOf(start);
    // The end is a key, or what comes right after one.
    const to = end === null ? from + 1 : placeOf(end) + (end.length > 7 ? 1 : 0);
    cover.fill(1, from, to);
  }
  return cover;
}

describe('the spans that were read', () => {
  it.each([1, 2, 3, 4])('cover every key and span (seed %i)', (seed) => {
    const rng = seededRng(seed);
    const spans = new ReadSpans();
    const read = new Uint8Array(KEYS);
    const tentative = new Set<number>();
    const covers = (): void => {
      const cover = coverOf(spans.list());
      expect(read.every((was, i) => was === 0 || cover[i] === 1)).toBe(true);
      expect([...tentative].every((i) => cover[i] === 1)).toBe(true);
    };
    expect(spans.isEmpty).toBe(true);
    for (let step = 0; step < 12_000; step++) {
      const at = rng.int(KEYS - 40);
      const dice = rng.int(10);
      if (dice < 5) {
        spans.addKey(keyAt(at));
        read[at] = 1;
      } else if (dice < 7) {
        spans.addTentative(keyAt(at));
        tentative.add(at);
      } else if (dice < 8) {
        // Those that were tentative, and no others, are told of.
        const before = spans.size;
        const settled = spans.settle([{ key: keyAt(at) }, { key: keyAt([...tentative][0] ?? at) }]);
        expect(spans.size).toBe(before - settled.length);
        for (const key of settled) expect(tentative.delete(placeOf(key))).toBe(true);
      } else {
        // Pages of a scan, one way or the other.
        const pages = Array.from({ length: 1 + rng.int(3) }, (_, i) => at + 10 * i);
        for (const page of dice === 8 ? pages : pages.reverse()) {
          spans.addSpan(keyAt(page), keyAt(page + 10));
          read.fill(1, page, page + 10);
        }
        spans.addSpan(keyAt(at), keyAt(at));
      }
      expect(spans.isEmpty).toBe(false);
      expect(spans.size).toBeLessThanOrEqual(4_096);
      if (step % 500 === 0) covers();
    }
    covers();
    spans.clear();
    expect(spans.isEmpty).toBe(true);
    expect(spans.list()).toEqual([]);
    spans.addTentative(keyAt(1));
    expect(spans.isEmpty).toBe(false);
  });

  it('are as narrow as what was read, while they are few', () => {
    const spans = new ReadSpans();
    spans.addKey(keyAt(7));
    spans.addSpan(keyAt(1), keyAt(3));
    spans.addSpan(keyAt(3), keyAt(4));
    spans.addSpan(keyAt(20), keyAt(30));
    spans.addSpan(keyAt(10), keyAt(20));
    expect(spans.list()).toEqual([
      { start: keyAt(7), end: null },
      { start: keyAt(1), end: keyAt(4) },
      { start: keyAt(10), end: keyAt(30) },
    ]);
  });
});

describe('the locks that were taken', () => {
  it('are known with the time since which nobody else has written, the first one', () => {
    const ledger = new LockLedger();
    expect(ledger.isEmpty).toBe(true);
    ledger.add(keyAt(1), 10, 'share');
    expect([ledger.holds(keyAt(1), 'share'), ledger.holds(keyAt(1), 'exclusive')]).toEqual([true, false]);
    ledger.add(keyAt(1), 20, 'share');
    expect(ledger.holds(keyAt(1), 'exclusive')).toBe(false);
    ledger.add(keyAt(1), 30, 'exclusive');
    expect([ledger.holds(keyAt(1), 'share'), ledger.holds(keyAt(1), 'exclusive')]).toEqual([true, true]);
    ledger.add(keyAt(1), 40, 'share');
    expect(ledger.holds(keyAt(1), 'exclusive')).toBe(true);
    expect([ledger.since(keyAt(1)), ledger.since(keyAt(2))]).toEqual([10, 0]);
    ledger.verifiedTo(50);
    expect(ledger.since(keyAt(1))).toBe(50);
  });

  it('become spans when there are many, as of the earliest of their times', () => {
    const ledger = new LockLedger();
    const rng = seededRng(1);
    const times = new Map<Key, number>();
    const wide = (i: number): Key => `\x04${String(i).padStart(9, '0')}`;
    for (let i = 0; i <= 100_000; i++) {
      const key = wide(rng.int(400_000));
      const since = 100 + rng.int(1_000);
      ledger.add(key, since, rng.int(2) === 0 ? 'share' : 'exclusive');
      if (!times.has(key)) times.set(key, since);
    }
    while (ledger.spans.length === 0) {
      const key = wide(400_000 + times.size);
      ledger.add(key, 1_000, 'exclusive');
      times.set(key, 1_000);
    }
    expect(ledger.keys.size).toBe(0);
    const held = ledger.heldSpans;
    for (const [key, since] of times) {
      const found = ledger.since(key);
      if (!(found > 0 && found <= since)) expect([key, found, since]).toEqual([]);
    }
    const total = held.reduce(
      (sum, { start, end }) => sum + [...times.keys()].filter((k) => start <= k && k < end).length,
      0,
    );
    expect(total).toBe(times.size);
    expect(ledger.holds(held[0]!.start, 'share')).toBe(false);
  });

  it('and reads that are verified hold from the time of each page on', () => {
    const ledger = new LockLedger();
    ledger.addVerified(keyAt(1), keyAt(5), 10);
    ledger.addVerified(keyAt(5), keyAt(9), 12);
    ledger.addVerified(keyAt(9), keyAt(12), 7);
    ledger.addVerified(keyAt(20), keyAt(20), 7);
    expect(ledger.isEmpty).toBe(false);
    expect(ledger.heldSpans).toEqual([
      { start: keyAt(1), end: keyAt(9), since: 10 },
      { start: keyAt(9), end: keyAt(12), since: 7 },
    ]);
    expect(ledger.spans).toEqual([]);
    ledger.addMaybe(keyAt(30));
    ledger.addMaybeSpan(keyAt(40), keyNext(keyAt(41)));
    expect(ledger.spans).toEqual([{ start: keyAt(40), end: keyNext(keyAt(41)) }]);
    const all = new Set<Key>();
    ledger.collect(all);
    expect([...all]).toEqual([keyAt(30)]);
    expect(ledger.holds(keyAt(30), 'share')).toBe(false);
    ledger.clear();
    expect(ledger.isEmpty).toBe(true);
  });
});
