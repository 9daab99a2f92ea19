import { describe, expect, it } from 'vitest';
import { DeadlockDetector, EXPIRY_MS, type WaitReport } from '../../src/txn/deadlock-detector.js';
import { seededRng } from '../env/seeded-rng.js';

function wait(waitId: number, waiter: string, holder: string, minTs: number): WaitReport {
  return { waitId, waiter, waiterName: waiter, waiterMinTs: minTs, holder, holderName: holder, key: 'k' };
}

describe('DeadlockDetector', () => {
  it('condemns the youngest of a cycle over two nodes, once', () => {
    const detector = new DeadlockDetector();
    expect(detector.report(1, [wait(1, 'a', 'b', 10)], 0)).toEqual([]);
    const verdicts = detector.report(2, [wait(1, 'b', 'a', 20)], 0);
    expect(verdicts.map((v) => [v.node, v.waitId])).toEqual([[2, 1]]);
    expect(verdicts[0]!.cycle).toContain('waits for');
    expect(detector.report(1, [wait(1, 'a', 'b', 10)], 1)).toEqual([]);
  });

  it('finds the cycle again when the verdict was lost and the victim reports once more', () => {
    const detector = new DeadlockDetector();
    detector.report(1, [wait(1, 'a', 'b', 10)], 0);
    detector.report(2, [wait(1, 'b', 'a', 20)], 0);
    expect(detector.report(2, [wait(1, 'b', 'a', 20)], 1_000).map((v) => v.node)).toEqual([2]);
  });

  it('follows every one of several waits of a transaction', () => {
    const detector = new DeadlockDetector();
    detector.report(1, [wait(1, 'a', 'x', 10), wait(2, 'a', 'b', 10)], 0);
    expect(detector.report(1, [wait(3, 'b', 'a', 5)], 0).map((v) => v.waitId)).toEqual([2]);
  });

  it('forgets what ended and what was not reported for too long', () => {
    const detector = new DeadlockDetector();
    detector.report(1, [wait(1, 'a', 'b', 10)], 0);
    detector.ended(1, [1]);
    expect(detector.report(2, [wait(1, 'b', 'a', 20)], 0)).toEqual([]);
    detector.expire(EXPIRY_MS + 1);
    expect(detector.size).toBe(0);
  });

  it('leaves no cycle behind in random graphs, and condemns nobody without one', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const rng = seededRng(seed);
      const detector = new DeadlockDetector();
      const edges = new Map<number, [string, string]>();
      for (let id = 1; id <= 40; id++) {
        const waiter = `t${rng.int(8)}`;
        const holder = `t${rng.int(8)}`;
        if (waiter === holder) continue;
        const closes = reaches(edges, holder, waiter);
        edges.set(id, [waiter, holder]);
        const verdicts = detector.report(1, [wait(id, waiter, holder, waiter.charCodeAt(1))], 0);
        expect(verdicts.length > 0, `seed ${seed} wait ${id}`).toBe(closes);
        for (const verdict of verdicts) {
          const victim = edges.get(verdict.waitId)![0];
          for (const [other, [from]] of edges) if (from === victim) edges.delete(other);
        }
        for (const [from, to] of edges.values()) expect(reaches(edges, to, from)).toBe(false);
      }
    }
  });
});

function reaches(edges: ReadonlyMap<number, [string, string]>, from: string, to: string): boolean {
  const seen = new Set<string>();
  const todo = [from];
  for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
    if (node === to) return true;
    if (seen.has(node)) continue;
    seen.add(node);
    for (const [waiter, holder] of edges.values()) if (waiter === node) todo.push(holder);
  }
  return false;
}
