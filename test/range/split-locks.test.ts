/** The locks of a split's right half, whoever leads it first and next. */
import { afterEach, describe, expect, it } from 'vitest';
import type { BatchHeader, KvRequest, TxnMeta } from '../../src/range/kv-api.js';
import { KvError } from '../../src/range/kv-errors.js';
import { preferredLeader } from '../../src/range/lease-mover.js';
import { Harness, type TestNode } from './support/harness.js';

describe('the locks of the right half', () => {
  let harness: Harness;
  afterEach(() => harness.close());

  function put(key: string): KvRequest {
    return { kind: 'put', key, value: Buffer.from('v'), mustNotExist: false, exclusionSince: 0, sequence: 1 };
  }
  async function start(): Promise<TestNode> {
    harness = await Harness.start();
    await harness.increment('\x04a');
    return harness.until('a leaseholder', () => harness.leaseholder(1));
  }
  async function lay(node: TestNode, key: string): Promise<TxnMeta> {
    const txn = harness.txn(node, key);
    await harness.send([put(key)], { txn });
    return txn;
  }

  it('are read by a first leaseholder that did not lead the left half', async () => {
    const a = await start();
    const { descriptor } = a.store.replica(1)!;
    const rangeId = [2, 3, 4].find((id) => preferredLeader({ ...descriptor, rangeId: id }, 0) !== a.id)!;
    const txn = await lay(a, '\x04z');
    await harness.split(1, '\x04m', rangeId);
    const b = await harness.until('a leaseholder', () => harness.leaseholder(rangeId));
    expect(b).not.toBe(a);
    expect(b.store.replica(rangeId)!.locks.get('\x04z')).toMatchObject({ holder: { id: txn.id } });
  });

  it('are read by one that had been handed them, when another has led it since', async () => {
    const a = await start();
    const one = await lay(a, '\x04z');
    const held = harness.txn(a, '\x04y');
    await harness.send([{ kind: 'get', key: '\x04y', lock: 'exclusive' }], { txn: held });
    const { finishSplit } = a.store;
    a.store.finishSplit = (left, trigger) => {
      finishSplit.call(a.store, left, trigger);
      harness.isolate(a.id, true);
    };
    await harness.split(1, '\x04m', 2);
    const right = a.store.replica(2)!;
    expect(right.inheritance?.intentCount).toBe(1);
    const b = await harness.until('another leads the right half', () =>
      harness.up.find((node) => node !== a && node.store.replica(2)?.serving(node.store.hlc.now())),
    );
    const on = (request: KvRequest, header: Partial<BatchHeader> = {}): Promise<unknown> =>
      b.store.executor.execute(harness.batch(b, [request], { rangeId: 2, ...header }));
    const ended = { txnId: one.id, epoch: 0, status: 'committed', upTo: 0, spans: [] } as const;
    await on({ kind: 'resolve-intents', ...ended, ts: b.hlc.now(), keys: ['\x04z'] });
    const two = harness.txn(b, '\x04x');
    await on(put('\x04x'), { txn: two });
    harness.isolate(a.id, false);
    for (const { id } of harness.up) if (id !== a.id) harness.hub.breakStreams(`n${a.id}`, `n${id}`);
    await harness.converged();
    while (!right.serving(a.store.hlc.now())) {
      const holder = await harness.until('a leaseholder', () => harness.leaseholder(2));
      const batch = harness.batch(holder, [{ kind: 'transfer-lease', to: a.id }], { rangeId: 2 });
      await holder.store.executor.execute(batch).catch((error: unknown) => {
        if (!(error instanceof KvError)) throw error;
      });
      await harness.sleep(20);
    }
    expect([...right.locks.range('', '\xff')].map(({ key, holder }) => [key, holder?.id])).toEqual([['\x04x', two.id]]);
    expect(right.inheritance).toBeNull();
  });
});
