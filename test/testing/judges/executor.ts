/**
 * A database small enough to be obviously right: one map of versions, one step at a time. Transactions of
 * several processes interleave at the whim of a seed, at the levels asked for, and some answers get lost.
 *
 * - `serial`: all of a transaction happens in one step, so every level holds, and real time too.
 * - otherwise by level: serializable checks at commit that what it read is still the latest; repeatable
 *   read works on the snapshot of its begin and gives up if somebody committed a key that it wrote;
 *   read committed reads the latest each time and locks what it writes.
 */
import type { History, HistoryKey, HistoryValue, IsolationLevel } from '../../../src/testing/judges/history.js';
import { HistoryRecorder, type RecordedTransaction } from '../../../src/testing/judges/recorder.js';

export interface RunOptions {
  readonly seed: number;
  readonly kind: 'list' | 'register';
  readonly levels: readonly IsolationLevel[];
  readonly transactions: number;
  readonly processes?: number;
  readonly keys?: number;
  readonly opsMax?: number;
  readonly serial?: boolean;
  /** Share of answers that get lost; half of those commits do not happen. Default 0.05. */
  readonly lost?: number;
}

export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

interface Row {
  readonly version: number;
  readonly values: readonly HistoryValue[];
}

const EMPTY: Row = { version: 0, values: [] };

interface Running {
  readonly recorded: RecordedTransaction;
  readonly process: number;
  readonly level: IsolationLevel;
  readonly snapshot: ReadonlyMap<HistoryKey, Row>;
  readonly began: number;
  readonly readVersions: Map<HistoryKey, number>;
  readonly writes: Map<HistoryKey, HistoryValue[]>;
  left: number;
  failed: boolean;
}

export function run(options: RunOptions): History {
  const random = generator(options.seed);
  const pick = (n: number): number => Math.floor(random() * n);
  let now = 1_000_000;
  const recorder = new HistoryRecorder({ nowUs: () => (now += 1 + pick(50)) });
  const processes = options.processes ?? 5;
  const keys = options.keys ?? 4;
  const rows = new Map<HistoryKey, Row>();
  const locks = new Map<HistoryKey, Running>();
  const running = new Map<number, Running>();
  let version = 0;
  let value = 0;
  let begun = 0;

  // Others never look at it, and the copy is what costs.
  const snapshotFor = (level: IsolationLevel): ReadonlyMap<HistoryKey, Row> =>
    level === 'repeatable read' ? new Map(rows) : rows;
  const latest = (key: HistoryKey): Row => rows.get(key) ?? EMPTY;

  const step = (t: Running): void => {
    t.left--;
    const key = `k${pick(keys)}`;
    const own = t.writes.get(key) ?? [];
    if (random() < 0.5) {
      const row = t.level === 'repeatable read' ? (t.snapshot.get(key) ?? EMPTY) : latest(key);
      if (!t.readVersions.has(key)) t.readVersions.set(key, row.version);
      else if (t.level === 'serializable' && t.readVersions.get(key) !== row.version) t.failed = true;
      if (t.failed) return;
      if (options.kind === 'list') t.recorded.readList(key, [...row.values, ...own]);
      else t.recorded.read(key, own.at(-1) ?? row.values.at(-1) ?? null);
      return;
    }
    if (t.level === 'read committed') {
      const holder = locks.get(key);
      if (holder !== undefined && holder !== t) {
        t.failed = true;
        return;
      }
      locks.set(key, t);
    }
    const written = ++value;
    if (options.kind === 'list') t.recorded.append(key, written);
    else t.recorded.write(key, written);
    t.writes.set(key, [...own, written]);
  };

  const commits = (t: Running): boolean => {
    if (t.failed) return false;
    for (const key of t.writes.keys()) {
      const holder = locks.get(key);
      if (holder !== undefined && holder !== t) return false;
      if (t.level === 'repeatable read' && latest(key).version > t.began) return false;
    }
    if (t.level !== 'serializable') return true;
    return [...t.readVersions].every(([key, seen]) => latest(key).version === seen);
  };

  const install = (t: Running): void => {
    version++;
    for (const [key, values] of t.writes) rows.set(key, { version, values: [...latest(key).values, ...values] });
  };

  const finish = (t: Running): void => {
    const ok = commits(t);
    const lost = random() < (options.lost ?? 0.05);
    if (ok && (!lost || random() < 0.5)) install(t);
    for (const [key, holder] of locks) if (holder === t) locks.delete(key);
    running.delete(t.process);
    if (lost) t.recorded.unknown(new Error('connection lost'));
    else if (ok) t.recorded.done();
    else t.recorded.failed(Object.assign(new Error('serialization failure'), { code: '40001' }));
  };

  while (begun < options.transactions || running.size > 0) {
    const process = pick(processes);
    const t = running.get(process);
    if (t === undefined) {
      if (begun >= options.transactions) continue;
      begun++;
      const level = options.levels[pick(options.levels.length)] as IsolationLevel;
      running.set(process, {
        recorded: recorder.begin({ process, level }),
        process,
        level,
        snapshot: snapshotFor(level),
        began: version,
        readVersions: new Map(),
        writes: new Map(),
        left: 1 + pick(options.opsMax ?? 4),
        failed: false,
      });
    } else if (options.serial === true) {
      // The snapshot was taken at begin; here everything is read and written at once.
      const atOnce = { ...t, snapshot: snapshotFor(t.level), began: version };
      while (atOnce.left > 0) step(atOnce);
      finish(atOnce);
    } else if (t.left > 0 && !t.failed) {
      step(t);
    } else {
      finish(t);
    }
  }
  return recorder.history();
}
