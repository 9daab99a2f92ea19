/**
 * Raft's safety properties and the leases under seeded faults. A failure names its seed:
 * SEED=<n> npx vitest run test/raft/simulation.test.ts replays it alone.
 * SEEDS=<count> widens the search.
 */
import { describe, expect, it } from 'vitest';
import { runRaftSeed } from '../../src/testing/sim/raft-sim.js';

const only = process.env['SEED'];
const count = Number(process.env['SEEDS'] ?? 120);
const from = Number(process.env['FROM'] ?? 1);
const seeds = only === undefined ? Array.from({ length: count }, (_, i) => i + from) : [Number(only)];

/** Rare branches that the fixed seeds must reach. */
const MARKS = [
  'crash',
  'crash-after-vote',
  'crash-leader',
  'elected',
  'snap',
  'snap-installed',
  'snap-joint',
  'snap-wanted',
  'state-lost',
  'transfer',
  'timeout-now',
  'withdrawn',
  'fortify-resp',
  'de-fortify',
  'lease',
  'quiesced-tick',
  'conf-change',
  'joint',
  'learners',
  'leader-leaves',
  'voter-removed',
  'pre-vote',
  'vote',
];

describe('a cluster under faults', () => {
  it(`is safe and recovers (${seeds.length} seeds)`, { timeout: 600_000 }, () => {
    const marks = new Map<string, number>();
    const failures: string[] = [];
    for (const seed of seeds) {
      const result = runRaftSeed(seed);
      failures.push(...result.failures);
      for (const [name, value] of result.marks) marks.set(name, (marks.get(name) ?? 0) + value);
    }
    expect(failures).toEqual([]);
    if (only !== undefined || count < 100) return;
    for (const name of MARKS) expect(marks.get(name) ?? 0, name).toBeGreaterThan(0);
  });

  it('is deterministic', () => {
    for (const seed of [3, 42]) expect(runRaftSeed(seed).hash).toBe(runRaftSeed(seed).hash);
    expect(runRaftSeed(42, { seconds: 1 }).hash).not.toBe(runRaftSeed(43, { seconds: 1 }).hash);
  });
});
