import { afterEach, describe, expect, it } from 'vitest';
import { Harness } from './support/harness.js';

describe('stores on three nodes', () => {
  let harness: Harness;
  afterEach(async () => {
    await harness.close();
    expect(harness.fatal).toEqual([]);
  });

  it('elects a leaseholder and replicates', async () => {
    harness = await Harness.start();
    for (let i = 1; i <= 20; i++) expect(await harness.increment('\x04a')).toBe(i);
    const leader = harness.leaseholder()!;
    const index = leader.store.replica(1)!.appliedIndex;
    await harness.until('followers apply', () =>
      harness.nodes.every((n) => n.store.replica(1)!.appliedIndex === index),
    );
  });

  it('goes on after the leaseholder crashed, and loses nothing acknowledged', async () => {
    harness = await Harness.start();
    let value = 0;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 10; i++) value = await harness.increment('\x04a');
      const leader = harness.leaseholder()!;
      await harness.stop(leader.id);
      expect(await harness.increment('\x04a')).toBe(value + 1);
      await harness.restart(leader.id);
    }
  });

  it('falls asleep when idle', async () => {
    harness = await Harness.start();
    await harness.increment('\x04a');
    await harness.until('all asleep', () => harness.nodes.every((n) => n.store.awakeCount === 0));
  });
});
