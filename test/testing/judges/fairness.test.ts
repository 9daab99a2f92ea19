import { describe, expect, it } from 'vitest';
import { checkFairness, type LockRequest } from '../../../src/testing/judges/fairness.js';

/** Requests that are asked for one second after the other, and answered at the given seconds. */
function requests(answers: readonly (number | null)[], refused: readonly number[] = []): LockRequest[] {
  return answers.map((at, id) => ({
    id,
    key: 'hot',
    askedAt: id * 1_000_000,
    answeredAt: at === null ? Infinity : at * 1_000_000,
    granted: at !== null && !refused.includes(id),
  }));
}

const PATIENT = { waitUsMax: 100_000_000 };

describe('fairness', () => {
  it('is content with a queue in its order', () => {
    const verdict = checkFairness(requests([5, 6, 7, 8, 9, 10]), PATIENT);
    expect(verdict).toMatchObject({ checker: 'fairness', ok: true, stats: { requests: 6, overtakes: 0 } });
  });

  it('lets a few overtake', () => {
    expect(checkFairness(requests([10, 6, 7, 8]), PATIENT)).toMatchObject({ ok: true, stats: { overtakes: 3 } });
  });

  it('finds a queue that is served from its end', () => {
    const verdict = checkFairness(requests([20, 16, 12, 11, 10, 9]), PATIENT);
    expect(verdict.ok).toBe(false);
    expect(verdict.anomalies[0]).toMatchObject({ name: 'unfair', transactions: [0, 1, 2, 3, 4, 5] });
    expect(verdict.anomalies[0]!.explanation).toContain('T1, T2, T3, T4, T5, which asked later, had it before');
  });

  it('counts nobody who gave up, and nobody who came when it was over', () => {
    expect(checkFairness(requests([20, 5, 6, 7, 8], [1, 2, 3, 4]), PATIENT).stats['overtakes']).toBe(0);
    expect(checkFairness(requests([0.5, 1.5, 2.5, 3.5, 4.5]), PATIENT).stats['overtakes']).toBe(0);
  });

  it('does not mix up keys', () => {
    const mixed = requests([20, 5, 6, 7, 8]).map((r) => (r.id === 0 ? { ...r, key: 'cold' } : r));
    expect(checkFairness(mixed, PATIENT).ok).toBe(true);
  });

  it('finds a wait that is too long, and one without an end', () => {
    expect(checkFairness(requests([6])).anomalies[0]!.explanation).toBe(
      'T0 asked for the lock of hot and was answered after 6000 ms.',
    );
    expect(checkFairness(requests([null])).anomalies[0]!.explanation).toBe(
      'T0 asked for the lock of hot and was never answered.',
    );
  });
});
