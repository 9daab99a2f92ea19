import { afterEach, describe, expect, it } from 'vitest';
import { collectMarks } from '../support/marks.js';
import { Harness, type TestNode } from './support/harness.js';

const LAG_BYTES = 100_000;
const LARGE = 'x'.repeat(20_000);

let harness: Harness;
afterEach(async () => {
  await harness.close();
  expect(harness.fatal).toEqual([]);
  expect(harness.doubleLeases).toEqual([]);
});

describe('large proposals', () => {
  /** A follower takes what it is sent, and what it says of that is lost, until the returned function is called. */
  async function withSilentFollower(): Promise<{ leader: TestNode; silent: TestNode; speaks: () => void }> {
    harness = await Harness.start({ store: { followerLagBytes: LAG_BYTES } });
    await harness.put(['\x04a'], 'x');
    await harness.converged();
    const leader = harness.leaseholder()!;
    const silent = harness.up.find((n) => n !== leader)!;
    return { leader, silent, speaks: harness.loseRaft(silent.id, leader.id, 'app-resp') };
  }
  const behind = (leader: TestNode): number => leader.store.replica(1)!.raft.unacknowledgedBytes(() => true);

  async function fallBehind(leader: TestNode): Promise<void> {
    for (let i = 0; behind(leader) < LAG_BYTES; i++) await harness.put([`\x04k${i}`], LARGE);
  }

  it('wait for a live follower that is behind, and go on with it; small ones pass', async () => {
    const { leader, silent, speaks } = await withSilentFollower();
    const marks = collectMarks();
    await fallBehind(leader);
    expect(marks).not.toContain('proposal-paced');
    let done = false;
    const large = harness.put(['\x04large'], LARGE).then(() => (done = true));
    await harness.until('it waits', () => marks.includes('proposal-paced'));
    for (let i = 0; i < 20; i++) await harness.put([`\x04small${i}`], 'x');
    // Nobody reads what is on its way, as ever.
    const read = harness.get('\x04large');
    await harness.sleep(300);
    expect(done).toBe(false);
    expect(leader.liveness.isLive(silent.id)).toBe(true);
    speaks();
    await harness.until('it goes on', () => done, 300);
    await large;
    expect((await read)?.toString()).toBe(LARGE);
    expect(behind(leader)).toBeLessThan(LAG_BYTES);
    await harness.converged();
    expect(leader.store.counters.snapshots).toBe(0);
  });

  it('do not wait for ever, and not for a node that is gone', async () => {
    const { leader, silent } = await withSilentFollower();
    await fallBehind(leader);
    let done = false;
    void harness.put(['\x04large'], LARGE).then(() => (done = true));
    await harness.until('it goes on', () => done, 5_000);
    expect(behind(leader)).toBeGreaterThanOrEqual(LAG_BYTES);
    harness.isolate(silent.id, true);
    await harness.until('it is taken for dead', () => !leader.liveness.isLive(silent.id));
    expect(behind(leader)).toBeGreaterThanOrEqual(LAG_BYTES);
    const marks = collectMarks();
    for (let i = 0; i < 5; i++) await harness.put([`\x04gone${i}`], LARGE);
    expect(marks).not.toContain('proposal-paced');
    harness.isolate(silent.id, false);
  });

  it('that waited while the lease went are refused, and written once', async () => {
    const { leader, speaks } = await withSilentFollower();
    const marks = collectMarks();
    await fallBehind(leader);
    const large = harness.put(['\x04large'], LARGE);
    await harness.until('it waits', () => marks.includes('proposal-paced'));
    const heir = harness.up.find((n) => n !== leader && leader.store.replica(1)!.raft.transferLeadership(n.id))!;
    leader.store.replica(1)!.wake();
    speaks();
    await large;
    expect(harness.leaseholder()).toBe(heir);
    expect(marks).toContain('lease-lost-during-evaluation');
    expect((await harness.get('\x04large'))?.toString()).toBe(LARGE);
    await harness.converged();
  });
});
