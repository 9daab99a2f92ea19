import { describe, expect, it } from 'vitest';
import { EMPTY_CONF } from '../../src/raft/conf-change.js';
import { logKey } from '../../src/raft/disk-codec.js';
import { RaftLog } from '../../src/raft/log-storage.js';
import { LogView } from '../../src/raft/log-view.js';
import type { Entry } from '../../src/raft/types.js';
import { SimRandom as Random } from '../../src/env/sim/random.js';
import { BatchSink, MapStore } from '../../src/testing/sim/raft-sim-host.js';

const RANGE = 9;
const CONF = { ...EMPTY_CONF, voters: [1, 2, 3] };

function entry(index: number, term: number, text = `${index}/${term}`): Entry {
  return { index, term, type: 'normal', data: Buffer.from(text) };
}

function openLog(store: MapStore, applied: () => number, tailBytesMax = 100): RaftLog {
  return new RaftLog({ rangeId: RANGE, store, conf: CONF, applied, tailBytesMax });
}

function initialised(): MapStore {
  const store = new MapStore();
  const sink = new BatchSink();
  RaftLog.initialise(RANGE, { index: 10, term: 5 }, sink);
  store.apply(sink);
  return store;
}

function append(log: RaftLog, store: MapStore, entries: readonly Entry[]): void {
  const sink = new BatchSink();
  log.append({ snapshot: null, entries, hardState: null }, sink);
  store.apply(sink);
}

function plain(entries: readonly Entry[] | null): string {
  return entries === null
    ? 'null'
    : entries.map((e) => `${e.index}/${e.term}:${Buffer.from(e.data).toString()}`).join(' ');
}

describe('LogView', () => {
  it('ignores a late confirmation of entries that were overwritten and came back', () => {
    const view = new LogView(
      openLog(initialised(), () => 10),
      10,
    );
    const write = (sequence: number): void => {
      const taken = view.take();
      view.writing(sequence, taken.entries.at(-1)?.index ?? 0, taken.snapshot);
    };
    view.append([entry(11, 6)]);
    write(1);
    view.append([entry(11, 7), entry(12, 7)]);
    write(2);
    view.append([entry(11, 6), entry(12, 8)]);
    write(3);
    view.stableTo(1);
    expect(view.stableIndex).toBe(10);
    view.stableTo(2);
    expect(view.stableIndex).toBe(10);
    view.stableTo(3);
    expect(view.stableIndex).toBe(12);
  });

  it('hands out for applying only what is committed and durable, once', () => {
    const store = initialised();
    const log = openLog(store, () => 10);
    const view = new LogView(log, 10);
    view.append([entry(11, 6), entry(12, 6)]);
    const { entries } = view.take();
    view.writing(1, 12, null);
    view.commitTo(12);
    expect(view.takeCommitted(1000)).toEqual([]);
    append(log, store, entries);
    view.stableTo(1);
    expect(plain(view.takeCommitted(1))).toBe('11/6:11/6');
    expect(plain(view.takeCommitted(1000))).toBe('12/6:12/6');
    expect(view.takeCommitted(1000)).toEqual([]);
    expect(() => view.append([entry(12, 7)])).toThrow(/never be overwritten/);
    expect(() => view.commitTo(13)).toThrow(/beyond the end/);
  });
});

describe('RaftLog', () => {
  it('agrees with a model under random appends, overwrites, truncations and restarts', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed);
      const store = initialised();
      let model: Entry[] = [];
      let cut = { index: 10, term: 5 };
      const tail = random.pick([1, 100, 100_000]);
      let log = openLog(store, () => cut.index + model.length, tail);
      for (let step = 0; step < 80; step++) {
        const last = cut.index + model.length;
        const choice = random.int(10);
        if (choice < 5) {
          const first = Math.max(cut.index + 1, last + 1 - random.int(4));
          const count = 1 + random.int(5);
          const entries = Array.from({ length: count }, (_, i) => entry(first + i, 6 + step));
          model = [...model.slice(0, first - cut.index - 1), ...entries];
          append(log, store, entries);
        } else if (choice < 7 && model.length > 0) {
          const to = cut.index + 1 + random.int(model.length);
          const sink = new BatchSink();
          expect(log.truncate(to, sink)).toBe(true);
          store.apply(sink);
          const term = model[to - cut.index - 1]!.term;
          model = model.slice(to - cut.index);
          cut = { index: to, term };
          expect(store.rows.has(logKey(RANGE, to))).toBe(false);
        } else if (choice === 7) {
          log = openLog(store, () => cut.index + model.length, tail);
        }
        const end = cut.index + model.length;
        expect(log.lastIndex()).toBe(end);
        expect(log.truncated()).toEqual(cut);
        const at = cut.index - 1 + random.int(model.length + 3);
        expect(log.term(at)).toBe(at === cut.index ? cut.term : (model[at - cut.index - 1]?.term ?? null));
        expect(log.entries(cut.index, end, 1000)).toBe(null);
        if (model.length > 0) {
          const lo = cut.index + 1 + random.int(model.length);
          const got = log.entries(lo, end + 1, random.pick([0, 40, 10_000]))!;
          expect(got.length).toBeGreaterThan(0);
          expect(plain(got)).toBe(plain(model.slice(lo - cut.index - 1, lo - cut.index - 1 + got.length)));
        }
        expect(store.rows.size).toBe(2 + model.length);
      }
    }
  });

  it('starts anew behind a snapshot whose record a crash prevented', () => {
    const store = initialised();
    const before = openLog(store, () => 10);
    append(before, store, [entry(11, 6), entry(12, 6)]);
    const log = new RaftLog({
      rangeId: RANGE,
      store,
      conf: CONF,
      applied: () => 20,
      appliedTerm: 8,
    });
    expect([log.lastIndex(), log.truncated()]).toEqual([20, { index: 20, term: 8 }]);
    append(log, store, [entry(21, 8)]);
    const again = openLog(store, () => 20);
    expect([again.lastIndex(), again.truncated()]).toEqual([21, { index: 20, term: 8 }]);
    expect(store.rows.has(logKey(RANGE, 11))).toBe(false);
  });

  it('starts anew behind a snapshot that the log contradicts', () => {
    const store = initialised();
    append(
      openLog(store, () => 10),
      store,
      [entry(11, 6), entry(12, 6), entry(13, 6)],
    );
    const open = (appliedTerm: number): RaftLog =>
      new RaftLog({ rangeId: RANGE, store, conf: CONF, applied: () => 12, appliedTerm });
    expect([open(6).lastIndex(), open(6).truncated().index]).toEqual([13, 10]);
    expect([open(8).lastIndex(), open(8).truncated()]).toEqual([12, { index: 12, term: 8 }]);
  });

  it('deletes nothing before where it begins: what was truncated would be passed again', () => {
    const store = initialised();
    const starts: string[] = [];
    class Listening extends BatchSink {
      override deleteRange(start: string, end: string): void {
        starts.push(start);
        super.deleteRange(start, end);
      }
    }
    const log = openLog(store, () => 30);
    const write = (work: (sink: BatchSink) => void): void => {
      const sink = new Listening();
      work(sink);
      store.apply(sink);
    };
    append(
      log,
      store,
      Array.from({ length: 20 }, (_, i) => entry(11 + i, 6)),
    );
    for (const index of [15, 25]) write((sink) => log.truncate(index, sink));
    const snapshot = { index: 40, term: 7, conf: CONF };
    write((sink) => log.append({ snapshot, entries: [entry(41, 7)], hardState: null }, sink));
    // And the same after a crash that prevented the record of a later snapshot.
    const again = new RaftLog({ rangeId: RANGE, store, conf: CONF, applied: () => 50, appliedTerm: 8 });
    write((sink) => again.append({ snapshot: null, entries: [entry(51, 8)], hardState: null }, sink));
    expect(starts).toEqual([10, 15, 26, 41].map((index) => logKey(RANGE, index)));
    expect([...store.rows.keys()].filter((key) => key >= logKey(RANGE, 0) && key < logKey(RANGE, 1_000))).toEqual([
      logKey(RANGE, 51),
    ]);
  });

  it('refuses a log with a hole', () => {
    const store = initialised();
    append(
      openLog(store, () => 10),
      store,
      [entry(11, 6), entry(12, 6)],
    );
    store.rows.delete(logKey(RANGE, 11));
    expect(() => openLog(store, () => 10)).toThrow(/lacks entry 11/);
  });
});
