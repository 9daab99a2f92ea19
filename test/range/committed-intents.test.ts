/** Reads see what a large transaction has committed before its intents are versions, and pages end where they should. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { existenceKey, type Key } from '../../src/base/key.js';
import type { BatchHeader, KvRequest, ScanResponse, TxnMeta } from '../../src/range/kv-api.js';
import { collectMarks } from '../support/marks.js';
import { Harness, type TestNode } from './support/harness.js';
import { Random } from './support/random.js';

const KEYS = 900;
const keyAt = (i: number): Key => `\x04${String(i).padStart(6, '0')}`;
const END = '\x05';

type Rows = [Key, string][];

describe('intents of a committed transaction', () => {
  let harness: Harness;
  let node: TestNode;
  beforeEach(async () => {
    harness = await Harness.start({ nodes: 1 });
    node = await harness.until('a leaseholder', () => harness.leaseholder());
  });
  afterEach(async () => {
    await harness.close();
    expect(harness.fatal).toEqual([]);
  });

  const write = async (txn: TxnMeta, keys: readonly Key[], value: (key: Key) => string | null): Promise<void> => {
    const puts: KvRequest[] = keys.map((key, i) => {
      const bytes = value(key);
      const common = { mustNotExist: false, exclusionSince: 0, sequence: i + 1 } as const;
      return { kind: 'put', key, value: bytes === null ? null : Buffer.from(bytes), ...common };
    });
    for (let i = 0; i < puts.length; i += 300) await harness.send(puts.slice(i, i + 300), { txn });
  };
  const end = (txn: TxnMeta, keys: readonly Key[], localLocks: readonly Key[], spans = false) =>
    harness.send(
      [
        {
          kind: 'end-txn',
          action: 'commit',
          inFlight: [],
          localLocks,
          lockKeys: spans ? [] : keys,
          lockSpans: spans ? [{ start: keyAt(0), end: END }] : [],
          split: null,
        },
      ],
      { txn },
    );
  /** All rows, page by page. */
  const rows = async (header: Partial<BatchHeader>, reverse = false): Promise<Rows> => {
    const found: Rows = [];
    let [start, stop] = [keyAt(0), END];
    for (;;) {
      const answer = await harness.send([{ kind: 'scan', start, end: stop, reverse, lock: 'none' }], header);
      const page = answer.responses[0] as ScanResponse;
      if (header.maxRows !== undefined && header.maxRows > 0)
        expect(page.keys.length).toBeLessThanOrEqual(header.maxRows);
      // The row that reaches the limit is the last one.
      const sizes = page.keys.map((key, i) => key.length + page.values[i]!.length);
      if (header.maxBytes !== undefined)
        expect(sizes.slice(0, -1).reduce((sum, size) => sum + size, 0)).toBeLessThan(header.maxBytes);
      page.keys.forEach((key, i) => found.push([key, page.values[i]!.toString()]));
      if (page.resumeKey === null) return found;
      if (reverse) stop = page.resumeKey;
      else start = page.resumeKey;
    }
  };

  it.each([1, 2, 3, 4])('are read as what they will be, forwards and backwards, by pages (seed %i)', async (seed) => {
    const random = new Random(seed);
    const model = new Map<Key, string>();
    const all = Array.from({ length: KEYS }, (_, i) => keyAt(i));
    const before = harness.txn(node, keyAt(0));
    const old = all.filter(() => random.bool(0.5));
    for (const key of old) model.set(key, `old ${key}`);
    await write(before, old, (key) => model.get(key)!);
    await end(before, old, old);
    const past = node.hlc.now();
    const pastRows: Rows = [...model].sort(([a], [b]) => (a < b ? -1 : 1));

    const large = harness.txn(node, keyAt(0));
    const live = harness.txn(node, keyAt(1));
    const written = all.filter(() => random.bool(0.7));
    const liveKeys = all.filter((key) => !written.includes(key) && random.bool(0.5));
    for (const key of written) {
      if (random.bool(0.3)) model.delete(key);
      else model.set(key, `new ${key}`);
    }
    await write(large, written, (key) => model.get(key) ?? null);
    const wanted: Rows = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const maxRows of [0, 1, 50]) expect(await rows({ txn: large, maxRows })).toEqual(wanted);
    await write(live, liveKeys, () => 'not committed');
    const resolved = written.filter(() => random.bool(0.2));
    await end(large, written, resolved, seed % 2 === 0);

    const now = node.hlc.now();
    const at: TxnMeta = { ...harness.txn(node, keyAt(2)), readTs: now, writeTs: now, uncertaintyLimit: now };
    node.store.replica(1)!.locks.notePending(live.id, now + 1_000_000, now);
    const waits = (): number => node.store.executor.counters.lockWaits;
    const marks = collectMarks();
    const waited = waits();
    const expected = await rows({ txn: at, maxRows: 1 });
    expect(marks).toContain('committed-intent-read');
    expect(expected).toEqual(wanted);
    for (const maxRows of [0, 2, 7, 64, 899, 5_000]) {
      expect(await rows({ txn: at, maxRows })).toEqual(wanted);
      expect(await rows({ txn: at, maxRows, maxBytes: 1 + random.int(400) })).toEqual(wanted);
      expect(await rows({ txn: at, maxRows }, true)).toEqual([...wanted].reverse());
      expect(await rows({ txn: at, maxRows, maxBytes: 1 + random.int(400) }, true)).toEqual([...wanted].reverse());
    }
    const values = new Map(wanted);
    for (const key of all) {
      const answer = (await harness.send([{ kind: 'get', key, lock: 'none' }], { txn: at })).responses[0]!;
      expect(answer.kind === 'get' && answer.value?.toString()).toBe(values.get(key));
    }
    expect(await rows({ timestamp: past })).toEqual(pastRows);
    expect(waits()).toBe(waited);
    await harness.send([
      {
        kind: 'resolve-intents',
        keys: written,
        spans: [],
        txnId: large.id,
        epoch: 0,
        status: 'committed',
        ts: large.writeTs,
        upTo: 0,
      },
    ]);
    expect(await rows({ txn: at })).toEqual(wanted);
  });

  it('of removed rows are waited for by who only asks whether the row is there', async () => {
    const all = Array.from({ length: 300 }, (_, i) => keyAt(i));
    const before = harness.txn(node, keyAt(0));
    await write(before, all, () => 'parent');
    await end(before, all, all);
    const large = harness.txn(node, keyAt(0));
    const removed = all.flatMap((key) => [key, existenceKey(key)]);
    await write(large, removed, () => null);
    await end(large, removed, []);
    const now = node.hlc.now();
    const at: TxnMeta = { ...harness.txn(node, keyAt(2)), readTs: now, writeTs: now, uncertaintyLimit: now };
    const answered: unknown[] = [];
    const asked = harness
      .send([{ kind: 'get', key: keyAt(7), lock: 'none', scope: 'existence' }], { txn: at })
      .then((answer) => answered.push(...answer.responses));
    await harness.until('a wait', () => node.store.executor.counters.lockWaits > 0);
    expect(answered).toEqual([]);
    const common = { kind: 'resolve-intents', spans: [], txnId: large.id, epoch: 0, status: 'committed' } as const;
    await harness.send([{ ...common, keys: removed, ts: large.writeTs, upTo: 0 }]);
    await asked;
    expect(answered).toEqual([{ kind: 'get', value: null, skipped: false }]);
  });
});
