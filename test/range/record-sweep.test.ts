import { afterEach, describe, expect, it } from 'vitest';
import { Harness } from './support/harness.js';

let harness: Harness;
afterEach(async () => {
  await harness.close();
  expect(harness.fatal).toEqual([]);
});

describe('records of transactions that nobody ends', () => {
  it('are handed over when their coordinator has started anew, and not before', async () => {
    harness = await Harness.start({ store: { sweepAfterMs: 200 } });
    const leader = await harness.until('a leaseholder', () => harness.leaseholder(1));
    const [away, other] = harness.nodes.filter((n) => n.id !== leader.id).map((n) => n.id);
    const gone = harness.txn(harness.node(away!), '\x04a');
    const alive = harness.txn(harness.node(other!), '\x04b');
    for (const txn of [gone, alive]) {
      await harness.send([{ kind: 'heartbeat-txn', now: txn.minTs }], { txn });
    }
    // Both are silent; but that a node is down does not tell that what it began is over.
    await harness.stop(away!);
    await harness.sleep(700);
    expect(harness.finished).toEqual([]);
    await harness.restart(away!);
    const found = await harness.until('the record is handed over', () => harness.finished[0]);
    expect(found).toMatchObject({ txnId: gone.id, status: 'pending', coordinatorNode: away });
    await harness.sleep(300);
    expect(harness.finished.map((record) => record.txnId)).not.toContain(alive.id);
  });
});
