import { afterEach, describe, expect, it } from 'vitest';
import type { Key } from '../../src/base/key.js';
import type { KvRequest } from '../../src/range/kv-api.js';
import { collectMarks } from '../support/marks.js';
import { Harness } from './support/harness.js';

let harness: Harness;
afterEach(async () => {
  await harness.close();
  expect(harness.fatal).toEqual([]);
});

function puts(prefix: string, count: number): KvRequest[] {
  return Array.from({ length: count }, (_, i) => ({
    kind: 'put',
    key: `\x04${prefix}${String(i).padStart(5, '0')}`,
    value: Buffer.from('x'),
    mustNotExist: false,
    exclusionSince: 0,
    sequence: i + 1,
  }));
}

describe('intents that nobody meets', () => {
  it('are resolved when they are old and their transaction is over, and stay while it is under way', async () => {
    harness = await Harness.start({ nodes: 1, store: { sweepAfterMs: 500 } });
    const node = await harness.until('a leaseholder', () => harness.leaseholder());
    const [gone, committed, alive] = ['a', 'f', 'k'].map((anchor) => harness.txn(node, `\x04${anchor}`));
    const marks = collectMarks();
    const pushed = new Set<string>();
    harness.push = (pushee) => {
      pushed.add(pushee.id);
      const status = pushee.id === gone!.id ? 'aborted' : pushee.id === committed!.id ? 'committed' : 'pending';
      return { status, ts: pushee.writeTs, epoch: pushee.epoch, pendingAt: status === 'pending' ? node.hlc.now() : 0 };
    };
    // More than whoever looks resolves with the one that it has found, and with those of others between them.
    for (const [prefix, count, txn] of [
      ['a', 2_500, gone],
      ['b', 70, alive],
      ['c', 1_200, gone],
      ['f', 300, committed],
      ['k', 30, alive],
    ] as const)
      await harness.send(puts(prefix, count), { txn: txn! });
    const { locks } = node.store.replica(1)!;
    const heldBy = (id: string): Key[] =>
      [...locks.range('', '\xff\xff')].filter((l) => l.holder?.id === id).map((l) => l.key);
    expect([gone, committed, alive].map((txn) => heldBy(txn!.id).length)).toEqual([3_700, 300, 100]);
    // Too young for anybody to ask.
    expect(pushed.size).toBe(0);
    await harness.until('they are resolved', () => locks.intentCount === 100, 20_000);
    expect(heldBy(alive!.id).length).toBe(100);
    expect(marks).toContain('old-intent-looked-after');
    await harness.until('the live one was asked after as well', () => pushed.has(alive!.id));
    await harness.sleep(1_000);
    expect(locks.intentCount).toBe(100);
    expect((await harness.get('\x04f00007'))?.toString()).toBe('x');
    expect(await harness.get('\x04a00007')).toBe(null);
    // Nor has the sweep left anything by which those that are alive could be told from others.
    await harness.send([{ kind: 'heartbeat-txn', now: node.hlc.now() }], { txn: alive! });
  });
});
