import { describe, expect, it } from 'vitest';
import { type CrashPointName, simulate, type Simulation } from '../../src/testing/index.js';

async function numbers(sim: Simulation): Promise<void> {
  await sim.sql('CREATE TABLE numbers (id int4 PRIMARY KEY, n int4)');
  await sim.sql('INSERT INTO numbers SELECT i, 0 FROM generate_series(1, 200) AS i');
}

/** Nobody remembers anything: what the coordinators left behind is all that there is. */
async function restartAll(sim: Simulation): Promise<void> {
  for (const node of sim.nodes) if (sim.status(node) !== 'down') sim.crash(node);
  await Promise.all(sim.nodes.map((node) => sim.restart(node)));
  await sim.settled();
}

/** Virtual milliseconds of one look at everything. */
async function lookMs(sim: Simulation): Promise<number> {
  const before = sim.now();
  const { rows } = await sim.sql('SELECT count(*)::int4 AS rows FROM numbers');
  expect(rows[0]?.['rows']).toBe(200);
  return sim.now() - before;
}

const SPLIT_STEPS: readonly CrashPointName[] = ['before-split-commit', 'after-split-proposed', 'after-split-commit'];
const COMMIT_STEPS: readonly CrashPointName[] = ['after-part-answered', 'before-resolve'];

describe('what a dead coordinator left behind', () => {
  // Simulator seed 11353: whoever looked a range up waited for the split's lock on its descriptor, and to find
  // the split's record, a look-up was needed.
  it.each(SPLIT_STEPS)('a split, at %s: ranges are found at once', async (step) => {
    await simulate({ seed: 1, seeds: 2 }, async (sim) => {
      await numbers(sim);
      const struck = sim.crashAt(step);
      while (!(await Promise.race([sim.split(), struck.then(() => true)]))) await sim.sleep(100);
      await struck;
      await restartAll(sim);
      expect(await lookMs(sim)).toBeLessThan(1_500);
    });
  });

  // Simulator seeds 10704, 12496: the leaseholder had started anew as well and took them for alive, each for 5 s.
  it.each(COMMIT_STEPS)('a transaction, at %s: is known to be over although all started anew', async (step) => {
    await simulate({ seed: 1, seeds: 2 }, async (sim) => {
      await numbers(sim);
      expect(await sim.split()).toBe(true);
      const struck = sim.crashAt(step);
      sim.sql('UPDATE numbers SET n = n + 1 WHERE id % 20 = 1').catch((error: unknown) => sim.note(String(error)));
      await struck;
      await restartAll(sim);
      expect(await lookMs(sim)).toBeLessThan(1_500);
    });
  });
});
