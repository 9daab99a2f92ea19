import { afterEach, describe, expect, it } from 'vitest';
import { KvError } from '../../src/range/kv-errors.js';
import { preferredLeader } from '../../src/range/lease-mover.js';
import { collectMarks } from '../support/marks.js';
import { Harness } from './support/harness.js';

describe('stores on three nodes', () => {
  let harness: Harness;
  afterEach(async () => {
    await harness.close();
    expect(harness.fatal).toEqual([]);
    expect(harness.doubleLeases).toEqual([]);
  });

  it('elects a leaseholder and replicates, byte for byte', async () => {
    harness = await Harness.start();
    for (let i = 1; i <= 20; i++) expect(await harness.increment('\x04a')).toBe(i);
    await harness.put(['\x04b', '\x04c'], 'two');
    await harness.converged();
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
    await harness.converged();
  });

  it('keeps everything acknowledged when all three crash at once', async () => {
    harness = await Harness.start();
    let value = 0;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 15; i++) value = await harness.increment('\x04a');
      await harness.put([`\x04r${round}`], `round ${round}`);
      for (const id of [1, 2, 3]) await harness.stop(id);
      for (const id of [1, 2, 3]) await harness.restart(id);
      expect(String(await harness.get(`\x04r${round}`))).toBe(`round ${round}`);
      expect(await harness.increment('\x04a')).toBe(value + 1);
    }
    await harness.converged();
  });

  it('falls asleep when idle: no Raft message flows, and wakes at the next command', async () => {
    harness = await Harness.start();
    await harness.increment('\x04a');
    await harness.until('all asleep', () => harness.nodes.every((n) => n.store.awakeCount === 0));
    const before = harness.nodes.map((n) => n.store.counters.raftMessages);
    await harness.sleep(400);
    expect(harness.nodes.map((n) => n.store.counters.raftMessages)).toEqual(before);
    expect(await harness.increment('\x04a')).toBe(2);
    await harness.converged();
  });

  it('hands every lease over when it drains', async () => {
    harness = await Harness.start();
    await harness.split(1, '\x04m', 2);
    await harness.increment('\x04z');
    const node = harness.leaseholder(1)!;
    await harness.until('the node drains', () => {
      node.store.maintenance.drain();
      return node.store.maintenance.drained();
    });
    await harness.until('others serve', () => [1, 2].every((r) => harness.leaseholder(r) !== null));
    expect([harness.leaseholder(1)!.id, harness.leaseholder(2)!.id]).not.toContain(node.id);
    expect(await harness.increment('\x04z')).toBe(2);
  });

  it('keeps locks through a split: the right half is led where they are, wherever its id would spread it', async () => {
    harness = await Harness.start();
    await harness.increment('\x04a');
    const leader = harness.leaseholder(1)!;
    const { descriptor } = leader.store.replica(1)!;
    const elsewhere = [2, 3, 4].find((id) => preferredLeader({ ...descriptor, rangeId: id }, 0) !== leader.id)!;
    const txn = harness.txn(leader, '\x04z');
    await harness.send([{ kind: 'get', key: '\x04z', lock: 'exclusive' }], { txn });
    await harness.split(1, '\x04m', elsewhere);
    const holder = await harness.until('a leaseholder of the right half', () => harness.leaseholder(elsewhere));
    expect(holder.id).toBe(leader.id);
    expect(holder.store.replica(elsewhere)!.locks.holdsAny(txn.id)).toBe(true);
  });

  it('does not serve without a quorum, and its lost commands are never half done', async () => {
    harness = await Harness.start();
    await harness.increment('\x04a', 5);
    const old = harness.leaseholder()!;
    harness.isolate(old.id, true);
    // Evaluated and proposed while the lease still runs; it can never be committed there.
    const lost = old.store.executor.execute(harness.batch(old, [{ kind: 'increment', key: '\x04a', by: 100 }])).then(
      () => 'done',
      (error: unknown) => (error instanceof KvError ? error.detail.kind : String(error)),
    );
    await harness.until('another leaseholder', () =>
      harness.up.find((n) => n !== old && n.store.replica(1)!.serving(n.hlc.now())),
    );
    expect(old.store.replica(1)!.serving(old.hlc.now())).toBe(false);
    expect(await harness.increment('\x04a')).toBe(6);
    harness.isolate(old.id, false);
    expect(['not-leaseholder', 'ambiguous']).toContain(await lost);
    await harness.converged();
    expect(await harness.increment('\x04a')).toBe(7);
    expect(old.store.replica(1)!.latches.idle).toBe(true);
  });

  it('serves again at once when leadership comes back to a node with commands that were lost', async () => {
    const marks = collectMarks();
    harness = await Harness.start();
    await harness.increment('\x04a', 5);
    const old = harness.leaseholder()!;
    harness.isolate(old.id, true);
    const lost = Array.from({ length: 20 }, (_, i) =>
      old.store.executor.execute(harness.batch(old, [{ kind: 'increment', key: `\x04k${i}`, by: 100 }])).then(
        () => 'done',
        (error: unknown) => (error instanceof KvError ? error.detail.kind : String(error)),
      ),
    );
    const next = await harness.until('another leaseholder', () =>
      harness.up.find((n) => n !== old && n.store.replica(1)!.serving(n.hlc.now())),
    );
    harness.isolate(old.id, false);
    await harness.until(
      'the old one follows',
      () =>
        old.store.replica(1)!.raft.leader === next.id &&
        old.store.replica(1)!.appliedIndex === next.store.replica(1)!.appliedIndex,
    );
    await harness.until('the lease moves back', () => {
      if (harness.leaseholder() === old) return true;
      const replica = next.store.replica(1)!;
      if (replica.raft.isLeader && !replica.raft.transferring && replica.raft.transferLeadership(old.id))
        replica.wake();
      return false;
    });
    for (let i = 0; i < 20; i++) expect(await harness.increment(`\x04k${i}`)).toBe(1);
    for (const fate of await Promise.all(lost)) expect(['not-leaseholder', 'ambiguous']).toContain(fate);
    await harness.converged();
    expect(marks).toContain('proposal-lost-with-lease');
  });

  it('starts a lease with the locks and records that are on disk', async () => {
    harness = await Harness.start();
    const txn = harness.txn(await harness.until('a leaseholder', () => harness.leaseholder()), '\x04a');
    const put = {
      kind: 'put' as const,
      key: '\x04a',
      value: Buffer.from('x'),
      mustNotExist: false,
      exclusionSince: 0,
      sequence: 1,
    };
    await harness.send(
      [
        put,
        {
          kind: 'end-txn',
          action: 'stage',
          inFlight: [{ key: '\x04a', sequence: 1 }],
          localLocks: [],
          lockKeys: ['\x04a'],
          lockSpans: [],
          split: null,
        },
      ],
      { txn },
    );
    await harness.stop(harness.leaseholder()!.id);
    const after = await harness.until('a leaseholder', () => harness.leaseholder());
    expect(after.store.replica(1)!.locks.get('\x04a')).toMatchObject({ intentTs: txn.writeTs, unreplicated: false });
    const end = await harness.send(
      [
        {
          kind: 'end-txn',
          action: 'commit',
          inFlight: [],
          localLocks: ['\x04a'],
          lockKeys: ['\x04a'],
          lockSpans: [],
          split: null,
        },
      ],
      { txn, rangeId: 1 },
    );
    expect(end.responses[0]).toMatchObject({ status: 'committed' });
    expect(String(await harness.get('\x04a'))).toBe('x');
  });
});
