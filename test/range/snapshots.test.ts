import { afterEach, describe, expect, it } from 'vitest';
import { LOCAL_DESCRIPTOR_PREFIX } from '../../src/encoding/keyspace.js';
import { writeInstalling } from '../../src/range/range-state.js';
import { makeMessage } from '../../src/raft/core.js';
import type { MemoryEngine } from '../../src/storage/memory-engine.js';
import { intentKey, transactionKey } from '../../src/storage/lock-record.js';
import { versionPrefix } from '../../src/storage/mvcc-key.js';
import { collectMarks } from '../support/marks.js';
import { Harness, type TestNode } from './support/harness.js';

/** So that followers that were away need a snapshot. */
const SMALL_LOG = { store: { logBytesKept: 1 } };

/** Counts rows that are deleted, at most in one batch, and those of them that lie in the way of iterators which are opened later. */
function countPassed(engine: MemoryEngine): { deleted: number; atOnce: number; passed: number } {
  const gone = new Set<string>();
  const counts = { deleted: 0, atOnce: 0, passed: 0 };
  const { newBatch, iterator } = engine;
  engine.newBatch = () => {
    const batch = newBatch.call(engine);
    const { delete: remove, put } = batch;
    let deletedHere = 0;
    batch.delete = (family, key) => {
      counts.deleted++;
      gone.add(`${family} ${key}`);
      remove.call(batch, family, key);
      counts.atOnce = Math.max(counts.atOnce, ++deletedHere);
    };
    batch.put = (family, key, value) => {
      gone.delete(`${family} ${key}`);
      put.call(batch, family, key, value);
    };
    return batch;
  };
  engine.iterator = (family, lower, upper) => {
    for (const row of gone) if (row >= `${family} ${lower}` && row < `${family} ${upper}`) counts.passed++;
    return iterator.call(engine, family, lower, upper);
  };
  return counts;
}

/** Each pause of a replica that clears its data for a snapshot lasts until `pause` is over. */
function pauseClearing({ time }: Harness, { engine }: TestNode, pause: () => Promise<void>): void {
  const { newBatch, writeData } = engine;
  const { endOfTurn } = time;
  let deletes = false;
  let pauses = false;
  engine.newBatch = () => {
    const batch = newBatch.call(engine);
    const { delete: remove } = batch;
    batch.delete = (family, key) => {
      deletes = true;
      remove.call(batch, family, key);
    };
    return batch;
  };
  engine.writeData = (batch) => {
    writeData.call(engine, batch);
    [pauses, deletes] = [deletes, false];
  };
  time.endOfTurn = (fn) => {
    if (pauses) void pause().then(() => endOfTurn.call(time, fn));
    else endOfTurn.call(time, fn);
    pauses = false;
  };
}

describe('catching up', () => {
  let harness: Harness;
  afterEach(async () => {
    await harness.close();
    expect(harness.fatal).toEqual([]);
    expect(harness.doubleLeases).toEqual([]);
  });

  async function fill(keys: number, bytes: number, from = 0): Promise<void> {
    const value = 'v'.repeat(bytes);
    for (let i = from; i < from + keys; i += 20) {
      await harness.put(
        Array.from({ length: Math.min(20, from + keys - i) }, (_, j) => `\x04k${String(i + j).padStart(6, '0')}`),
        `${value}${i}`,
      );
    }
  }
  function follower(): number {
    return harness.up.find((n) => n !== harness.leaseholder())!.id;
  }
  async function truncated(): Promise<void> {
    const leader = await harness.until('a leaseholder', () => harness.leaseholder());
    await harness.until('the log is truncated', () => leader.store.replica(1)!.log.truncated().index > 30);
  }
  /** Starts the harness; a follower with 1500 keys is away since before the others wrote more, of which the log is gone. */
  async function leaveBehind(): Promise<number> {
    harness = await Harness.start(SMALL_LOG);
    await fill(1500, 10);
    await harness.converged();
    const away = follower();
    await harness.stop(away, false);
    await fill(200, 10);
    await truncated();
    return away;
  }
  const snapshots = (): number => harness.up.reduce((sum, n) => sum + n.store.counters.snapshots, 0);

  it('from the log, after a while away', async () => {
    harness = await Harness.start();
    await harness.increment('\x04a');
    const away = follower();
    await harness.stop(away);
    await fill(100, 50);
    await harness.restart(away);
    await harness.converged();
    expect(snapshots()).toBe(0);
  });

  it('by a snapshot, when the log has gone', async () => {
    harness = await Harness.start(SMALL_LOG);
    await harness.put(['\x04old', '\x04k000000'], 'is overwritten or deleted');
    await harness.converged();
    const away = follower();
    await harness.stop(away, false);
    await fill(1500, 100);
    await truncated();
    await harness.restart(away);
    await harness.converged();
    expect(snapshots()).toBeGreaterThan(0);
    // And goes on from there, also over a crash right behind it.
    await harness.increment('\x04a');
    await harness.stop(away);
    await harness.restart(away);
    await harness.converged();
  });

  it('by a snapshot that clears what is there in one pass', async () => {
    const away = await leaveBehind();
    const { engine } = harness.node(away);
    // Whatever else it may have that the others have not: versions, intents, records of transactions.
    const more = engine.newBatch();
    for (const key of ['\x04', `${LOCAL_DESCRIPTOR_PREFIX}\x04`]) {
      more.put('versions', `${versionPrefix(key)}x`, Buffer.from('x'));
      more.put('locks', intentKey(key), Buffer.from('x'));
      more.put('locks', transactionKey(key, 'x'.repeat(16)), Buffer.from('x'));
    }
    engine.writeData(more);
    await harness.restart(away);
    const counts = countPassed(engine);
    await harness.converged();
    expect(counts.deleted).toBeGreaterThan(1500);
    expect(counts.atOnce).toBeLessThanOrEqual(500);
    // Deleted rows cost RocksDB as much as others, until it compacts them.
    expect(counts.passed).toBe(0);
  });

  it('by one snapshot, though clearing takes longer than a stream may be silent', async () => {
    const away = await leaveBehind();
    await harness.restart(away);
    const { store } = harness.leaseholder()!;
    let wanted = 0;
    const step = store.stepMessage.bind(store);
    store.stepMessage = (message, from) => {
      if (message.message.type === 'snap-wanted') wanted++;
      step(message, from);
    };
    let pauses = 0;
    let wantedBefore = 0;
    pauseClearing(harness, harness.node(away), () => {
      if (pauses++ === 0) wantedBefore = wanted;
      return harness.time.sleep(1_500);
    });
    await harness.until('it is whole', () => pauses > 0 && !harness.node(away).store.replica(1)!.installing, 20_000);
    await harness.converged();
    expect(pauses).toBeGreaterThan(5);
    expect([wanted - wantedBefore, snapshots()]).toEqual([0, 1]);
  });

  it('by another snapshot, when it crashed in the middle of clearing: it knows that it is not whole', async () => {
    const away = await leaveBehind();
    await harness.restart(away);
    let pauses = 0;
    pauseClearing(harness, harness.node(away), async () => {
      if (pauses++ === 0) await new Promise(() => undefined);
    });
    await harness.until('it begins', () => pauses > 0, 15_000);
    // What has been deleted so far reaches the disk.
    await harness.node(away).engine.syncData();
    await harness.stop(away);
    const marks = collectMarks();
    await harness.restart(away);
    expect(marks).toContain('restart-inside-snapshot');
    await harness.converged();
  });

  it('by the snapshot of the next leaseholder, of which nothing is cleared by the one before', async () => {
    const away = await leaveBehind();
    await harness.restart(away);
    const { store } = harness.node(away);
    const sender = harness.leaseholder()!.id;
    let pauses = 0;
    let goOn: () => void = () => undefined;
    pauseClearing(harness, harness.node(away), async () => {
      if (pauses++ === 0) await new Promise<void>((resolve) => (goOn = resolve));
    });
    await harness.until('it begins', () => pauses > 0, 15_000);
    await harness.stop(sender);
    await harness.until('it is whole', () => !store.replica(1)!.installing, 20_000);
    goOn();
    await harness.sleep(50);
    await harness.converged();
  });

  it('by a second snapshot, when it crashed in the middle of the first', async () => {
    harness = await Harness.start(SMALL_LOG);
    await harness.put(['\x04old'], 'x');
    await harness.converged();
    const away = follower();
    await harness.stop(away, false);
    for (let i = 0; i < 30; i++) await harness.put([`\x04b${i}`], 'x'.repeat(200_000));
    await fill(1500, 10);
    await truncated();
    for (let round = 0; round < 3; round++) {
      await harness.restart(away);
      const replica = harness.node(away).store.replica(1)!;
      await harness.until('it begins', () => replica.installing, 15_000);
      if (round === 1) await harness.sleep(5);
      // The mark and the deletions may reach the disk before the end does.
      if (round > 0) await harness.node(away).engine.syncData();
      if (!replica.installing) break;
      await harness.stop(away);
    }
    if (!harness.node(away).up) await harness.restart(away);
    await harness.converged(25_000);
  });

  it('by a snapshot of an index that its log holds, when it lost its state and nobody writes any more', async () => {
    harness = await Harness.start(SMALL_LOG);
    await harness.put(['\x04old'], 'x');
    await harness.converged();
    const away = follower();
    await harness.stop(away);
    // As an installation leaves it that was interrupted; the leader knows that the log of this replica matches.
    const { engine } = harness.node(away);
    const batch = engine.newBatch();
    writeInstalling(batch, 1, true);
    engine.writeData(batch);
    await engine.syncData();
    const marks = collectMarks();
    await harness.restart(away);
    expect(marks).toContain('restart-inside-snapshot');
    expect(harness.node(away).store.replica(1)!.installing).toBe(true);
    await harness.until('it is whole', () => !harness.node(away).store.replica(1)!.installing, 10_000);
    await harness.converged();
    await harness.increment('\x04a');
    await harness.converged();
  });

  it('by few snapshots, when it keeps asking under writes and the leader changes', async () => {
    harness = await Harness.start({ store: { logBytesKept: 1, snapshotChunkBytes: 2_000 } });
    await harness.put(['\x04old'], 'x');
    await harness.converged();
    const away = follower();
    await harness.stop(away, false);
    for (let i = 0; i < 1500; i += 20) {
      const keys = Array.from({ length: 20 }, (_, j) => `\x04b${i + j}`);
      await harness.put(keys, 'x'.repeat(1_000));
    }
    await truncated();
    await harness.restart(away);
    await harness.until('it begins', () => harness.node(away).store.replica(1)!.installing, 15_000);
    for (let i = 0; i < 150; i++) {
      await harness.put([`\x04c${i}`], 'y'.repeat(2_000));
      const leader = harness.leaseholder();
      if (leader === null) continue;
      // Answers that were late on the way: each may cost one snapshot, and no other follows from it.
      if (i % 15 !== 0 && harness.node(away).store.replica(1)?.installing !== true) continue;
      const { term } = leader.store.replica(1)!.raft;
      leader.store.stepMessage({ rangeId: 1, message: makeMessage('snap-wanted', away, leader.id, term) }, away);
      const other = harness.up.find((n) => n.id !== away && n !== leader)!;
      if (i === 3) leader.store.replica(1)!.raft.transferLeadership(other.id);
      leader.store.replica(1)!.wake();
      await harness.sleep(10);
    }
    await harness.converged(15_000);
    expect(snapshots()).toBeLessThan(12);
  });

  it('by one snapshot, resumed where it stopped each time its stream breaks', async () => {
    harness = await Harness.start(SMALL_LOG);
    await harness.put(['\x04old'], 'x');
    await harness.converged();
    const away = follower();
    await harness.stop(away, false);
    for (let i = 0; i < 30; i++) await harness.put([`\x04b${i}`], 'x'.repeat(200_000));
    await fill(1500, 10);
    await truncated();
    const sender = harness.leaseholder()!;
    await harness.restart(away);
    const { store } = harness.node(away);
    let broken = 0;
    let rows = 0;
    const writeData = store.engine.writeData.bind(store.engine);
    // Every write of a chunk is followed by a broken stream: the chunk was taken, its answer is lost.
    store.engine.writeData = (batch) => {
      writeData(batch);
      if (store.replica(1)?.installing !== true) return;
      rows += batch.count;
      if (broken++ % 3 === 0) harness.hub.breakStreams(`n${sender.id}`, `n${away}`);
    };
    await harness.until('it begins', () => store.replica(1)?.installing, 15_000);
    await harness.converged(25_000);
    expect(broken).toBeGreaterThan(3);
    expect(rows).toBeGreaterThan(1500);
    expect(sender.store.counters.resumes).toBeGreaterThan(0);
    expect(sender.store.counters.snapshots).toBe(1);
  });

  it('by one snapshot, and from the log that has grown meanwhile beyond what is kept for others', async () => {
    harness = await Harness.start({ store: { logBytesKept: 300_000, snapshotChunkBytes: 20_000 } });
    await harness.put(['\x04old'], 'x');
    await harness.converged();
    const away = follower();
    await harness.stop(away, false);
    for (let i = 0; i < 60; i++) await harness.put([`\x04b${i}`], 'x'.repeat(20_000));
    await truncated();
    const leader = harness.leaseholder()!;
    await harness.restart(away);
    const { store } = harness.node(away);
    await harness.until('it begins', () => store.replica(1)!.installing, 15_000);
    for (let i = 0; i < 30; i++) await harness.put([`\x04c${i}`], 'y'.repeat(20_000));
    const grownTo = leader.store.replica(1)!.log.bytes;
    expect(grownTo).toBeGreaterThan(300_000);
    expect(store.replica(1)!.installing).toBe(true);
    // What comes behind the snapshot is long on its way: the leader looks at its log meanwhile.
    const arrives = harness.loseRaft(leader.id, away, 'app');
    await harness.until('it is whole', () => !store.replica(1)!.installing, 15_000);
    await harness.sleep(3_000);
    arrives();
    await harness.converged(25_000);
    expect(harness.leaseholder()).toBe(leader);
    expect(snapshots()).toBe(1);
    // When it has caught up, no more is kept than before.
    await fill(100, 10);
    await harness.until('the log is truncated', () => leader.store.replica(1)!.log.bytes < grownTo / 2);
  });

  it('by the next leaseholder, when the sender died in the middle', async () => {
    harness = await Harness.start(SMALL_LOG);
    await harness.put(['\x04old'], 'x');
    await harness.converged();
    const away = follower();
    await harness.stop(away, false);
    for (let i = 0; i < 30; i++) await harness.put([`\x04b${i}`], 'x'.repeat(200_000));
    await fill(1500, 10);
    await truncated();
    const sender = harness.leaseholder()!.id;
    await harness.restart(away);
    await harness.until('it begins', () => harness.node(away).store.replica(1)!.installing, 15_000);
    await harness.stop(sender);
    // Two of three are there, but one has no data: only with the sender's log or the third's help it goes on.
    await harness.restart(sender);
    await harness.converged(25_000);
    await harness.increment('\x04a');
  });
});

describe('the log', () => {
  let harness: Harness;
  afterEach(async () => {
    await harness.close();
    expect(harness.fatal).toEqual([]);
    expect(harness.doubleLeases).toEqual([]);
  });
  const truncated = (node: TestNode): number => node.store.replica(1)!.log.truncated().index;
  const snapshots = (): number => harness.up.reduce((sum, n) => sum + n.store.counters.snapshots, 0);

  it('of a follower is there for who lags, when it becomes the leader', async () => {
    harness = await Harness.start();
    await harness.put(['\x04a'], 'x');
    await harness.converged();
    const leader = harness.leaseholder()!;
    const [next, slow] = harness.up.filter((n) => n !== leader);
    const arrives = harness.loseRaft(leader.id, slow!.id, 'app');
    for (let i = 0; i < 200; i++) await harness.put([`\x04k${i}`], 'x'.repeat(1_000));
    const { appliedIndex } = next!.store.replica(1)!;
    expect(slow!.store.replica(1)!.raft.lastIndex).toBeLessThan(appliedIndex - 150);
    // Over some checkpoints.
    await harness.sleep(4_000);
    await harness.stop(leader.id);
    await harness.until('the other leads', () => harness.leaseholder() === next);
    arrives();
    await harness.converged();
    expect(snapshots()).toBe(0);
    // Its turn comes: nobody lags now, nor for long before.
    await harness.restart(leader.id);
    await harness.converged();
    expect(snapshots()).toBe(0);
  });

  it('of an idle follower goes some time after the last entry, and the leader of it at once', async () => {
    harness = await Harness.start();
    for (let i = 0; i < 200; i++) await harness.put([`\x04k${i}`], 'x'.repeat(1_000));
    await harness.converged();
    const leader = harness.leaseholder()!;
    const followers = harness.up.filter((n) => n !== leader);
    const before = harness.time.monotonicMs();
    await harness.until('the leader has truncated its log', () => truncated(leader) > 190);
    for (const node of followers) expect(truncated(node)).toBeLessThan(190);
    await harness.until('so have the followers', () => followers.every((n) => truncated(n) > 190), 60_000);
    // In virtual time: as long as a new leader may need it.
    expect(harness.time.monotonicMs() - before).toBeGreaterThan(8_000);
    expect(snapshots()).toBe(0);
  });
});

describe('splits', () => {
  let harness: Harness;
  afterEach(async () => {
    await harness.close();
    expect(harness.fatal).toEqual([]);
    expect(harness.doubleLeases).toEqual([]);
  });

  it('divide a range under concurrent writes', async () => {
    harness = await Harness.start();
    let stop = false;
    const counts = new Map<string, number>();
    const clients = Array.from({ length: 6 }, async (_, c) => {
      for (let i = 0; !stop; i++) {
        const key = `\x04${String.fromCharCode(97 + ((c * 5 + i * 7) % 26))}${c}`;
        expect(await harness.increment(key)).toBe((counts.get(key) ?? 0) + 1);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    });
    const points = ['\x04m', '\x04t', '\x04f', '\x04w'];
    for (const [i, at] of points.entries()) {
      await harness.sleep(60);
      const id = await harness.until('the range', () => harness.rangeOf(at));
      await harness.split(id, at, i + 2);
      expect(await harness.until('the right side serves', () => harness.rangeOf(at))).toBe(i + 2);
    }
    await harness.sleep(60);
    stop = true;
    await Promise.all(clients);
    expect(counts.size).toBeGreaterThan(50);
    for (const [key, count] of counts) expect(await harness.increment(key, 0)).toBe(count);
    await harness.converged();
    // Everything comes back after a crash, split or not.
    for (const id of [1, 2, 3]) await harness.stop(id);
    for (const id of [1, 2, 3]) await harness.restart(id);
    for (const [key, count] of counts) expect(await harness.increment(key, 0)).toBe(count);
    await harness.converged();
  });

  it('reach a node that missed them: both sides by snapshot', async () => {
    harness = await Harness.start(SMALL_LOG);
    for (let i = 0; i < 20; i++) await harness.put([`\x04a${i}`, `\x04z${i}`], 'before');
    await harness.converged();
    const away = harness.up.find((n) => n !== harness.leaseholder())!.id;
    await harness.stop(away, false);
    await harness.split(1, '\x04m', 2);
    for (let i = 0; i < 120; i++) await harness.put([`\x04a${i}`], 'after');
    for (let i = 0; i < 120; i++) await harness.put([`\x04z${i}`], 'after');
    for (const r of [1, 2]) {
      await harness.until(
        'the log is truncated',
        () => (harness.leaseholder(r)?.store.replica(r)?.log.truncated().index ?? 0) > 30,
      );
    }
    await harness.restart(away);
    const { store, engine } = harness.node(away);
    await harness.until('the left side arrives', () => store.replica(1)!.descriptor.end === '\x04m', 15_000);
    // What it does not own any more has gone with it, whether the right side comes or not.
    expect([store.replica(2), engine.first('versions', versionPrefix('\x04m'), versionPrefix('\x05'))]).toEqual([
      undefined,
      null,
    ]);
    await harness.until('the right side arrives', () => harness.node(away).store.replica(2) !== undefined, 15_000);
    await harness.converged(20_000);
  });

  it('elect a leader with the vote of a node that missed them, when another is gone', async () => {
    harness = await Harness.start(SMALL_LOG);
    await harness.increment('\x04a');
    await harness.increment('\x04z');
    await harness.converged();
    const away = harness.up.find((n) => n !== harness.leaseholder())!.id;
    await harness.stop(away, false);
    await harness.split(1, '\x04m', 2);
    // So much that the entry of the split is gone from the left side's log.
    for (let i = 0; i < 60; i++) await harness.put([`\x04b${i}`], 'x'.repeat(1000));
    await harness.until('the log is truncated', () =>
      harness.up.every((n) => n.store.replica(1)!.log.truncated().index > 40),
    );
    const gone = harness.leaseholder()!.id;
    await harness.stop(gone);
    await harness.restart(away);
    // Both sides are served by the two that are there, one of which had to ask for everything.
    await harness.until(
      'both sides are led',
      () => [1, 2].every((id) => harness.leaseholder(id) !== undefined),
      15_000,
    );
    await harness.until('they are whole', () =>
      [1, 2].every((id) => harness.node(away).store.replica(id)?.installing === false),
    );
    expect(await harness.get('\x04z')).not.toBe(null);
    expect(await harness.get('\x04a')).not.toBe(null);
    await harness.restart(gone);
    await harness.converged(25_000);
  });

  it('hand unreplicated locks on when the same node leads the right side first', async () => {
    harness = await Harness.start({ nodes: 1 });
    const node = await harness.until('a leaseholder', () => harness.leaseholder());
    const txn = harness.txn(node, '\x04z');
    await harness.send([{ kind: 'get', key: '\x04z', lock: 'exclusive' }], { txn });
    const waiting = harness.put(['\x04z'], 'other');
    await harness.until('it waits', () => node.store.executor.counters.lockWaits > 0);
    await harness.split(1, '\x04m', 2);
    await harness.until('the right side serves', () => harness.leaseholder(2));
    expect(node.store.replica(2)!.locks.get('\x04z')).toMatchObject({ holder: { id: txn.id }, unreplicated: true });
    expect(node.store.replica(1)!.locks.size).toBe(0);
    await harness.until('it waits there', () => node.store.replica(2)!.locks.get('\x04z')!.queue.length === 1);
    await harness.send(
      [
        {
          kind: 'resolve-intents',
          keys: ['\x04z'],
          spans: [],
          txnId: txn.id,
          epoch: 0,
          status: 'aborted',
          ts: 0,
          upTo: 0,
        },
      ],
      { rangeId: 2 },
    );
    await waiting;
    expect(String(await harness.get('\x04z'))).toBe('other');
    expect(node.store.replica(2)!.locks.size).toBe(0);
  });
});
