/**
 * Raft's safety properties and the leases under seeded faults. A failure names its seed:
 * SEED=<n> npx vitest run test/raft/simulation.test.ts replays it alone.
 * SEEDS=<count> widens the search.
 */
import { describe, expect, it } from 'vitest';
import { Simulation } from './simulation.js';

const only = process.env['SEED'];
const count = Number(process.env['SEEDS'] ?? 120);
const seeds = only === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [Number(only)];

function runSeed(seed: number, marks: Map<string, number>): void {
  const simulation = new Simulation({
    seed,
    nodes: [3, 5, 3, 1, 4][seed % 5]!,
    durationUs: 12_000_000,
    confChanges: seed % 3 === 0,
  });
  for (let step = 1; step <= 12; step++) {
    simulation.run((simulation.options.durationUs * step) / 12);
    simulation.checkLogs();
  }
  simulation.heal();
  for (const [name, value] of simulation.marks) marks.set(name, (marks.get(name) ?? 0) + value);
}

describe('a cluster under faults', () => {
  it(`is safe and recovers (${seeds.length} seeds)`, { timeout: 600_000 }, () => {
    const marks = new Map<string, number>();
    for (const seed of seeds) {
      try {
        runSeed(seed, marks);
      } catch (cause) {
        throw new Error(`seed ${seed}`, { cause });
      }
    }
    if (only !== undefined) return;
    // The rare branches ran.
    for (const name of [
      'crash',
      'elected',
      'snap',
      'transfer',
      'timeout-now',
      'withdrawn',
      'fortify-resp',
      'de-fortify',
      'lease',
      'quiesced-tick',
      'conf-change',
      'pre-vote',
      'vote',
    ]) {
      expect(marks.get(name) ?? 0, name).toBeGreaterThan(0);
    }
  });

  it('is deterministic', () => {
    const draw = (): number => {
      const simulation = new Simulation({ seed: 42, nodes: 3, durationUs: 0, confChanges: true });
      simulation.run(3_000_000);
      return simulation.random.next();
    };
    expect(draw()).toBe(draw());
  });
});
