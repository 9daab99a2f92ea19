/**
 * A few fixed seeds of the standard run, each twice: they pass, and the second run is the first, event for
 * event. Longer series: `npm run sim`.
 */
import { describe, expect, it } from 'vitest';
import { SimRandom } from '../../src/env/sim/random.js';
import { runSeed } from '../../src/testing/sim/runner.js';

const SEEDS = (process.env['SIM_SEEDS'] ?? '7,28').split(',').map(Number);

describe('the standard run', () => {
  for (const seed of SEEDS) {
    it(`seed ${seed} passes, and gives the same trace again`, { timeout: 240_000 }, async () => {
      const first = await runSeed({ seed });
      expect(first.failures).toEqual([]);
      expect(first.stats.done).toBeGreaterThan(100);
      // Found by comparing machines: stacks of errors, which name files, had been part of the trace.
      const { stackTraceLimit } = Error;
      Error.stackTraceLimit = 0;
      const again = await runSeed({ seed }).finally(() => {
        Error.stackTraceLimit = stackTraceLimit;
      });
      expect({ hash: again.hash, lastDraw: again.lastDraw, events: again.stats.events }).toEqual({
        hash: first.hash,
        lastDraw: first.lastDraw,
        events: first.stats.events,
      });
    });
  }

  it('another seed is another run', { timeout: 240_000 }, async () => {
    const options = { clients: 2, faults: [], workloads: ['counters'] };
    const one = await runSeed({ ...options, seed: 1 });
    const other = await runSeed({ ...options, seed: 2 });
    expect(one.failures).toEqual([]);
    expect(other.failures).toEqual([]);
    expect(other.hash).not.toBe(one.hash);
  });
});

describe('seeded numbers', () => {
  it('do not depend on what else was drawn, and depend on the name', () => {
    const a = new SimRandom(9);
    const b = new SimRandom(9);
    for (let i = 0; i < 10; i++) b.next();
    const draws = (random: SimRandom): number[] => Array.from({ length: 5 }, () => random.next());
    expect(draws(a.fork('x'))).toEqual(draws(b.fork('x')));
    expect(draws(a.fork('x'))).not.toEqual(draws(a.fork('y')));
    expect(draws(new SimRandom(9))).not.toEqual(draws(new SimRandom(10)));
  });
});
