/**
 * The order of versions of registers, as far as it can be told: a row that is absent comes before every
 * version; what a transaction read comes before what it then wrote; and, where real time counts, what
 * was visible before a transaction began comes before what that transaction wrote, and before what it
 * read if that was something else. The result is a partial order: anything more would be a guess.
 *
 * Limits: rows are never deleted; blind writes that overlap in time stay unordered.
 */
import type { Anomaly, HistoryKey, HistoryValue } from './history.js';
import { addKeyEdges, type DependencyGraph, type RealTime, type Touch } from './dependency-graph.js';
import type { KeyState, RegisterRead, WriteRef } from './observations.js';
import { formatValue, key as formatKey, milliseconds } from './words.js';

type RegisterKey = KeyState<RegisterRead>;

/** A committed version; `value` null is the absent row before all others, which nobody wrote. */
interface Version {
  readonly value: HistoryValue | null;
  readonly txn: number;
  readonly readers: RegisterRead[];
  readonly after: Set<Version>;
  /** Concluded from real time. */
  readonly afterTimed: Set<Version>;
  /** The versions that its writer had read. */
  readonly based: Set<Version>;
}

export interface RegisterOrder {
  readonly key: HistoryKey;
  readonly versions: ReadonlyMap<HistoryValue | null, Version>;
}

export function addRegisters(graph: DependencyGraph, realTime: RealTime, anomalies: Anomaly[]): RegisterOrder[] {
  return graph.observations.registers.map((key) => {
    const reads = key.reads.filter((read) => graph.observations.committed[read.txn]);
    checkValues(graph, key, reads, anomalies);
    const versions = collectVersions(graph, key, reads);
    orderByReads(versions);
    if (realTime !== 'none') orderByTime(graph, key, reads, versions, realTime === 'per-key');
    addEdges(graph, key, versions);
    reportLostUpdates(graph, key, versions, anomalies);
    if (realTime !== 'none') reportLostWrites(graph, key, reads, versions, anomalies);
    return { key: key.key, versions };
  });
}

function checkValues(
  graph: DependencyGraph,
  key: RegisterKey,
  reads: readonly RegisterRead[],
  anomalies: Anomaly[],
): void {
  for (const read of reads) {
    if (read.value === null) continue;
    const write = key.writes.get(read.value);
    const saw = `T${read.txn} read ${formatKey(key.key)} = ${formatValue(read.value)}`;
    if (write === undefined) {
      const explanation = `${saw}, but nobody ever wrote that to it.`;
      anomalies.push({ name: 'unwritten-value', explanation, transactions: [read.txn] });
    } else if (write.txn !== read.txn && graph.transaction(write.txn).outcome === 'failed') {
      const { error } = graph.transaction(write.txn);
      const explanation = `${saw}, but T${write.txn}, which wrote it, was rolled back${error === undefined ? '' : ` (${error})`}.`;
      anomalies.push({ name: 'G1a', explanation, transactions: [read.txn, write.txn] });
    } else if (write.txn !== read.txn && !write.final) {
      const explanation = `${saw}, but T${write.txn} overwrote that itself before it committed: it was never a committed state.`;
      anomalies.push({ name: 'G1b', explanation, transactions: [read.txn, write.txn] });
    }
  }
  for (const write of key.repeated) {
    const first = key.writes.get(write.value) as WriteRef;
    anomalies.push({
      name: 'duplicate-value',
      explanation: `T${first.txn} and T${write.txn} both wrote ${formatValue(write.value)} to ${formatKey(key.key)}: who read which cannot be told.`,
      transactions: [first.txn, write.txn],
    });
  }
}

function collectVersions(
  graph: DependencyGraph,
  key: RegisterKey,
  reads: readonly RegisterRead[],
): Map<HistoryValue | null, Version> {
  const versions = new Map<HistoryValue | null, Version>();
  const add = (value: HistoryValue | null, txn: number): void => {
    versions.set(value, { value, txn, readers: [], after: new Set(), afterTimed: new Set(), based: new Set() });
  };
  add(null, -1);
  for (const write of key.writes.values()) {
    if (write.final && graph.observations.committed[write.txn]) add(write.value, write.txn);
  }
  for (const read of reads) {
    // Its own version read back, or a value that is no version (reported above).
    const version = versions.get(read.value);
    if (version === undefined || version.txn === read.txn || read.own) continue;
    version.readers.push(read);
    if (version.txn >= 0) {
      graph.wr(version.txn, read.txn, read.op, { key: key.key, after: version.value as HistoryValue });
    }
  }
  return versions;
}

function writtenBy(versions: ReadonlyMap<HistoryValue | null, Version>): Map<number, Version> {
  return new Map([...versions.values()].map((version) => [version.txn, version]));
}

function orderByReads(versions: ReadonlyMap<HistoryValue | null, Version>): void {
  const byTxn = writtenBy(versions);
  for (const version of versions.values()) {
    for (const read of version.readers) {
      const own = byTxn.get(read.txn);
      // A read after the own write says nothing of what was before it, and is not among the readers;
      // one before it does, as the row cannot go back between the read and the commit.
      if (own === undefined || own === version) continue;
      version.after.add(own);
      own.based.add(version);
    }
  }
  const absent = versions.get(null) as Version;
  for (const version of versions.values()) {
    if (version !== absent && version.based.size === 0) {
      absent.after.add(version);
      version.based.add(absent);
    }
  }
}

function orderByTime(
  graph: DependencyGraph,
  key: RegisterKey,
  reads: readonly RegisterRead[],
  versions: ReadonlyMap<HistoryValue | null, Version>,
  withEdges: boolean,
): void {
  const touches = new Map<number, Touch>();
  const touch = (txn: number): Touch => {
    let found = touches.get(txn);
    if (found === undefined) touches.set(txn, (found = { txn, reads: [], visibleAt: Infinity }));
    return found;
  };
  for (const read of reads) if (!read.own) touch(read.txn).reads.push({ op: read.op, value: read.value });
  for (const version of versions.values()) {
    if (version.txn < 0) continue;
    const found = touch(version.txn);
    const { outcome, completedAt, invokedAt } = graph.transaction(version.txn);
    found.write = version.value as HistoryValue;
    if (outcome === 'done') found.visibleAt = completedAt;
    for (const read of version.readers) {
      const reader = graph.transaction(read.txn);
      const at = Math.max(reader.completedAt, invokedAt);
      if (reader.outcome !== 'done' || at >= found.visibleAt) continue;
      found.visibleAt = at;
      found.via = read.txn;
    }
  }
  const concludeOrder = (visible: Touch, later: Touch): void => {
    const before = versions.get(visible.write as HistoryValue) as Version;
    const follows = (version: Version | undefined): void => {
      if (version === undefined || version === before || version.txn < 0) return;
      if (!before.after.has(version)) before.afterTimed.add(version);
    };
    if (later.write !== undefined) follows(versions.get(later.write));
    for (const read of later.reads) follows(versions.get(read.value as HistoryValue | null));
  };
  addKeyEdges(graph, key.key, [...touches.values()], concludeOrder, withEdges);
}

function addEdges(graph: DependencyGraph, key: RegisterKey, versions: ReadonlyMap<HistoryValue | null, Version>): void {
  for (const version of versions.values()) {
    for (const timed of [false, true]) {
      const next = [...(timed ? version.afterTimed : version.after)] as (Version & { value: HistoryValue })[];
      if (next.length === 0) continue;
      const reason = { key: key.key, before: version.value };
      graph.fan(version.readers, next, timed, reason);
      if (version.txn < 0) continue;
      for (const after of next) graph.ww(version.txn, after.txn, timed, { ...reason, after: after.value });
    }
  }
}

/**
 * Two transactions that both replaced the version they had read. The graph does not know which of the two
 * came first, so this is looked for by itself. At read committed it is allowed.
 */
function reportLostUpdates(
  graph: DependencyGraph,
  key: RegisterKey,
  versions: ReadonlyMap<HistoryValue | null, Version>,
  anomalies: Anomaly[],
): void {
  const byTxn = writtenBy(versions);
  for (const version of versions.values()) {
    const updaters = new Set<number>();
    for (const read of version.readers) {
      const own = byTxn.get(read.txn);
      if (own !== undefined && own !== version && graph.transaction(read.txn).level !== 'read committed') {
        updaters.add(read.txn);
      }
    }
    if (updaters.size < 2) continue;
    const written = [...updaters].map((txn) => `T${txn} wrote ${formatValue((byTxn.get(txn) as Version).value)}`);
    anomalies.push({
      name: 'lost-update',
      explanation: `${[...updaters].map((txn) => `T${txn}`).join(' and ')} all read ${formatKey(key.key)} = ${formatValue(version.value)} and replaced it: ${written.join(', ')}. Only one of them can have come right after what it read; the others' updates ignored it.`,
      transactions: [...updaters],
    });
  }
}

/** Acknowledged, never read by others, and the latest read still shows a version that it was based on. */
function reportLostWrites(
  graph: DependencyGraph,
  key: RegisterKey,
  reads: readonly RegisterRead[],
  versions: ReadonlyMap<HistoryValue | null, Version>,
  anomalies: Anomaly[],
): void {
  let latest: RegisterRead | undefined;
  for (const read of reads) {
    const { stale, invokedAt } = graph.transaction(read.txn);
    if (stale === true || read.own) continue;
    if (latest === undefined || invokedAt > graph.transaction(latest.txn).invokedAt) latest = read;
  }
  const last = latest === undefined ? undefined : versions.get(latest.value);
  if (latest === undefined || last === undefined) return;
  const began = graph.transaction(latest.txn).invokedAt;
  for (const version of versions.values()) {
    if (version.txn < 0 || version === last || version.readers.length > 0) continue;
    const { outcome, completedAt } = graph.transaction(version.txn);
    if (outcome !== 'done' || completedAt >= began || !basedOn(version, last)) continue;
    anomalies.push({
      name: 'lost-write',
      explanation: `T${version.txn} wrote ${formatKey(key.key)} = ${formatValue(version.value)} and was acknowledged, but nobody ever read it: T${latest.txn} read ${formatValue(last.value)}, which is older, although T${version.txn} was acknowledged ${milliseconds(began - completedAt)} before T${latest.txn} began.`,
      transactions: [version.txn, latest.txn],
    });
  }
}

function basedOn(version: Version, older: Version): boolean {
  const seen = new Set<Version>();
  const todo = [version];
  for (let current = todo.pop(); current !== undefined; current = todo.pop()) {
    if (current === older) return true;
    if (seen.has(current)) continue;
    seen.add(current);
    todo.push(...current.based);
  }
  return false;
}
