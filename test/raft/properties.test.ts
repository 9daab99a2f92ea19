/**
 * Parts of the core against obviously correct models, with shrinking. SEED=<n> draws other cases;
 * fast-check prints the seed of a failure.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeConf, confMembers, EMPTY_CONF, isJoint } from '../../src/raft/conf-change.js';
import { RaftLog } from '../../src/raft/log-storage.js';
import { entryBytes, LogView } from '../../src/raft/log-view.js';
import { Inflights, Progress } from '../../src/raft/progress.js';
import { quorumValue, voteResult } from '../../src/raft/quorum.js';
import type { ConfState, Entry } from '../../src/raft/types.js';
import { BatchSink, MapStore } from '../../src/testing/sim/raft-sim-host.js';

const seed = Number(process.env['SEED'] ?? 1);
const options = (numRuns: number): { seed: number; numRuns: number } => ({ seed, numRuns });

const IDS = [1, 2, 3, 4, 5, 6];
const voters = fc.subarray(IDS);

/** Every set of nodes that is a quorum, by definition: more than half of each half that is there. */
function isQuorum(conf: ConfState, yes: ReadonlySet<number>): boolean {
  return [conf.voters, conf.votersOutgoing].every(
    (half) => half.length === 0 || half.filter((id) => yes.has(id)).length > half.length / 2,
  );
}

function subsets(ids: readonly number[]): Set<number>[] {
  return Array.from({ length: 2 ** ids.length }, (_, bits) => new Set(ids.filter((_, i) => (bits >> i) & 1)));
}

describe('quorums', () => {
  it('commit what some quorum has, and no more; learners count for nothing', () => {
    const cases = fc.record({
      incoming: fc.subarray(IDS, { minLength: 1 }),
      outgoing: voters,
      learners: voters,
      match: fc.array(fc.nat(7), { minLength: 7, maxLength: 7 }),
    });
    fc.assert(
      fc.property(cases, ({ incoming, outgoing, learners, match }) => {
        const conf = { ...EMPTY_CONF, voters: incoming, votersOutgoing: outgoing, learners };
        let best = 0;
        for (const set of subsets(IDS)) {
          if (isQuorum(conf, set)) best = Math.max(best, Math.min(...[...set].map((id) => match[id]!)));
        }
        expect(quorumValue(conf, (id) => match[id]!)).toBe(best);
      }),
      options(300),
    );
  });

  it('elect when a quorum says yes, and give up when none can any more', () => {
    const cases = fc.record({
      incoming: fc.subarray(IDS, { minLength: 1 }),
      outgoing: voters,
      said: fc.array(fc.option(fc.boolean(), { nil: undefined }), { minLength: 7, maxLength: 7 }),
    });
    fc.assert(
      fc.property(cases, ({ incoming, outgoing, said }) => {
        const conf = { ...EMPTY_CONF, voters: incoming, votersOutgoing: outgoing };
        const votes = new Map<number, boolean>();
        for (const id of IDS) if (said[id] !== undefined) votes.set(id, said[id]);
        const won = isQuorum(conf, new Set(IDS.filter((id) => said[id] === true)));
        const possible = isQuorum(conf, new Set(IDS.filter((id) => said[id] !== false)));
        expect(voteResult(conf, votes)).toBe(won ? 'won' : possible ? 'pending' : 'lost');
      }),
      options(500),
    );
  });
});

describe('configurations', () => {
  const change = fc.record({
    changes: fc.uniqueArray(
      fc.record({
        kind: fc.constantFrom('add-voter' as const, 'add-learner' as const, 'remove' as const),
        node: fc.constantFrom(...IDS),
      }),
      { selector: (c) => c.node, maxLength: 3 },
    ),
    transition: fc.constantFrom('auto' as const, 'joint-implicit' as const, 'joint-explicit' as const),
  });

  it('step from one to the next with overlapping quorums, and applying a step again changes nothing more', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
        let conf: ConfState = { ...EMPTY_CONF, voters: [1, 2, 3] };
        for (const step of changes) {
          const wanted = { ...step, changes: isJoint(conf) ? [] : step.changes, context: new Uint8Array(0) };
          const result = changeConf(conf, wanted);
          if (!result.ok) continue;
          const next = result.conf;
          // The same decision from the same state, as after a restart.
          expect(changeConf(conf, wanted)).toEqual(result);
          const all = subsets(IDS);
          for (const set of all) {
            const rest = new Set(IDS.filter((id) => !set.has(id)));
            expect(isQuorum(conf, set) && isQuorum(next, rest)).toBe(false);
          }
          const members = confMembers(next);
          expect(members).toEqual([...new Set(members)].sort((a, b) => a - b));
          for (const id of next.learners) expect([...next.voters, ...next.votersOutgoing]).not.toContain(id);
          for (const id of next.learnersNext) expect(next.votersOutgoing).toContain(id);
          conf = next;
        }
      }),
      options(150),
    );
  });
});

type LogOp =
  | { readonly kind: 'append'; readonly back: number; readonly count: number }
  | { readonly kind: 'take' | 'crash' }
  | { readonly kind: 'sync'; readonly count: number }
  | { readonly kind: 'commit' | 'apply' | 'cut'; readonly part: number };

const logOp: fc.Arbitrary<LogOp> = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), back: fc.nat(4), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('take' as const) }),
  fc.record({ kind: fc.constant('sync' as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    kind: fc.constantFrom('commit' as const, 'apply' as const),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('cut' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
);

/** The log as an array from index 1 on, and the disk as what was synced of it. */
class LogModel {
  readonly store = new MapStore();
  entries: Entry[] = [];
  committed = 0;
  applied = 0;
  #term = 0;
  #sequence = 0;
  #writes: { readonly sink: BatchSink; readonly sequence: number }[] = [];
  log = this.#open();
  view = new LogView(this.log, 0);

  #open(): RaftLog {
    const conf = { ...EMPTY_CONF, voters: [1] };
    return new RaftLog({ rangeId: 1, store: this.store, conf, applied: () => this.applied, tailBytesMax: 80 });
  }

  run(op: LogOp): void {
    switch (op.kind) {
      case 'append': {
        const first = Math.max(this.committed + 1, this.entries.length + 1 - op.back);
        this.#term++;
        const term = this.#term;
        const added = Array.from({ length: op.count }, (_, i): Entry => {
          return { term, index: first + i, type: 'normal', data: Buffer.from(`${term}`) };
        });
        this.entries = [...this.entries.slice(0, first - 1), ...added];
        const previous = first - 1;
        const previousTerm = previous === 0 ? 0 : this.entries[previous - 1]!.term;
        expect(this.view.maybeAppend(previous, previousTerm, added, 0)).toBe(previous + op.count);
        // A previous entry of another term fits nowhere.
        expect(this.view.maybeAppend(previous, previousTerm + 1000, added, 0)).toBe(null);
        return;
      }
      case 'take':
        return this.#take();
      case 'sync':
        for (const write of this.#writes.splice(0, op.count)) {
          this.store.apply(write.sink);
          this.view.stableTo(write.sequence);
        }
        return;
      case 'commit':
        this.committed += Math.floor((this.entries.length - this.committed) * op.part);
        this.view.commitTo(this.committed);
        return;
      case 'apply':
        return this.#apply(op.part);
      case 'cut':
        return this.#cut(op.part);
      case 'crash':
        return this.#crash();
    }
  }

  #take(): void {
    if (!this.view.hasWrites()) return;
    const { entries, snapshot } = this.view.take();
    const sink = new BatchSink();
    this.log.append({ snapshot, entries, hardState: null }, sink);
    this.#sequence++;
    this.view.writing(this.#sequence, entries.at(-1)?.index ?? 0, snapshot);
    this.#writes.push({ sink, sequence: this.#sequence });
  }

  #apply(part: number): void {
    const found = this.view.takeCommitted(Math.floor(part * 100));
    for (const entry of found) {
      this.applied++;
      expect(entry).toEqual(this.entries[this.applied - 1]);
    }
    expect(this.applied).toBeLessThanOrEqual(Math.min(this.committed, this.view.stableIndex));
    if (found.length > 0) this.view.appliedTo(this.applied);
  }

  #cut(part: number): void {
    if (this.#writes.length > 0) return;
    const sink = new BatchSink();
    if (this.log.truncate(Math.floor(this.applied * part), sink)) this.store.apply(sink);
  }

  /** What was not synced is gone; nothing that was committed may be, as Raft sees to. */
  #crash(): void {
    if (this.view.stableIndex < this.committed) return;
    this.#writes = [];
    this.log = this.#open();
    const last = this.log.lastIndex();
    const synced: Entry[] = [];
    for (let i = 1; i <= last; i++) {
      const kept = i <= this.log.truncated().index ? this.entries[i - 1]! : this.log.entries(i, i + 1, 1)![0]!;
      synced.push({ ...kept, data: Buffer.from(kept.data) });
    }
    for (let i = 1; i <= this.committed; i++) expect(synced[i - 1]).toEqual(this.entries[i - 1]);
    this.entries = synced;
    this.view = new LogView(this.log, this.applied);
    this.view.commitTo(this.committed);
  }

  check(at: number): void {
    const { view, entries } = this;
    const cut = this.log.truncated().index;
    const last = entries.length;
    expect([view.lastIndex, view.committed, view.firstIndex()]).toEqual([last, this.committed, cut + 1]);
    const index = cut + (at % (last - cut + 2));
    const term = index === 0 ? 0 : (entries[index - 1]?.term ?? null);
    expect(view.term(index)).toBe(term);
    const slice = view.slice(cut + 1, last + 1, at % 90)!;
    expect(slice).toEqual(entries.slice(cut, cut + slice.length));
    if (slice.length > 1) expect(slice.reduce((sum, e) => sum + entryBytes(e), 0)).toBeLessThanOrEqual(at % 90);
    expect(slice.length > 0).toBe(last > cut);
    const lastTerm = entries.at(-1)?.term ?? 0;
    expect(view.isUpToDate(at % 9, at % 5)).toBe(at % 5 > lastTerm || (at % 5 === lastTerm && at % 9 >= last));
    // What counts as stable is on the disk, as it is.
    for (let i = cut + 1; i <= view.stableIndex; i++) expect(this.#onDisk(i)).toBe(entries[i - 1]!.term);
  }

  #onDisk(index: number): number | null {
    const disk = new RaftLog({
      rangeId: 1,
      store: this.store,
      conf: EMPTY_CONF,
      applied: () => this.applied,
      tailBytesMax: 1 << 20,
    });
    return disk.term(index);
  }
}

describe('the log', () => {
  it('is an array under appends, conflicts, syncs that lag, truncations and crashes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(logOp, fc.nat(1000)), { maxLength: 40 }), (ops) => {
        const model = new LogModel();
        for (const [op, at] of ops) {
          model.run(op);
          model.check(at);
        }
      }),
      options(300),
    );
  });

  it('finds where two logs part as a walk from the end does', () => {
    const terms = fc.array(fc.nat(4), { maxLength: 12 }).map((t) => t.sort((a, b) => a - b).map((x) => x + 1));
    fc.assert(
      fc.property(terms, fc.nat(13), fc.nat(6), (log, from, term) => {
        const store = new MapStore();
        const storage = new RaftLog({ rangeId: 1, store, conf: EMPTY_CONF, applied: () => 0 });
        const view = new LogView(storage, 0);
        view.append(log.map((t, i) => ({ term: t, index: i + 1, type: 'normal', data: Buffer.alloc(0) })));
        const index = Math.min(from, log.length);
        let expected = index;
        while (expected > 0 && log[expected - 1]! > term) expected--;
        expect(view.findConflictByTerm(index, term)).toEqual({
          index: expected,
          term: expected === 0 ? 0 : log[expected - 1],
        });
      }),
      options(300),
    );
  });
});

type FlowOp =
  | { readonly kind: 'send'; readonly count: number; readonly bytes: number }
  | { readonly kind: 'ack' | 'reject'; readonly part: number }
  | { readonly kind: 'snapshot' | 'lost' };

const flowOp: fc.Arbitrary<FlowOp> = fc.oneof(
  fc.record({ kind: fc.constant('send' as const), count: fc.integer({ min: 1, max: 5 }), bytes: fc.nat(60) }),
  fc.record({
    kind: fc.constantFrom('ack' as const, 'reject' as const),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ kind: fc.constantFrom('snapshot' as const, 'lost' as const) }),
);

describe('flow control', () => {
  it('never lets match pass what was acknowledged, next fall to it, or the window grow beyond its bounds', () => {
    const run = (ops: readonly FlowOp[], countMax: number, bytesMax: number): void => {
      const progress = new Progress(0, 1, new Inflights(countMax, bytesMax));
      // In flight by definition: what was sent in this state and not acknowledged.
      let flying: { last: number; bytes: number }[] = [];
      let acked = 0;
      let sent = 0;
      for (const op of ops) {
        if (op.kind === 'send' && progress.state === 'replicate' && !progress.paused) {
          const last = progress.next + op.count - 1;
          progress.next = last + 1;
          progress.inflights.add(last, op.bytes);
          flying.push({ last, bytes: op.bytes });
          sent = Math.max(sent, last);
        } else if (op.kind === 'ack') {
          const index = Math.max(acked, Math.floor(op.part * sent));
          if (progress.maybeUpdate(index) && progress.state === 'probe') progress.becomeReplicate();
          else if (progress.state === 'replicate') progress.inflights.freeTo(index);
          if (progress.inflights.count === 0) flying = [];
          flying = flying.filter((f) => f.last > index);
          acked = index;
        } else if (op.kind === 'reject') {
          const before = progress.next;
          const changed = progress.maybeDecrease(Math.floor(op.part * (sent + 1)), Math.floor(op.part * sent));
          expect(progress.next).toBeLessThanOrEqual(Math.max(before, progress.match + 1));
          if (changed && progress.state === 'replicate') progress.becomeProbe();
          if (progress.state !== 'replicate') flying = [];
        } else if (op.kind === 'snapshot') {
          progress.becomeSnapshot(sent + 3);
          flying = [];
          progress.becomeProbe();
          expect(progress.next).toBe(sent + 4);
          progress.maybeUpdate(sent + 3);
          acked = sent += 3;
          progress.becomeReplicate();
        } else if (op.kind === 'lost') {
          progress.becomeProbe();
          flying = [];
        }
        expect(progress.match).toBe(acked);
        expect(progress.next).toBeGreaterThan(progress.match);
        expect(progress.inflights.count).toBe(flying.length);
        expect(progress.inflights.count).toBeLessThanOrEqual(countMax);
        const bytes = flying.reduce((sum, f) => sum + f.bytes, 0);
        expect(progress.inflights.full).toBe(flying.length >= countMax || bytes >= bytesMax);
      }
    };
    fc.assert(
      fc.property(
        fc.array(flowOp, { maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 150 }),
        run,
      ),
      options(1000),
    );
  });
});
