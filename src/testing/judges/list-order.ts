/**
 * The order of versions of lists, and what follows from it. Appends never vanish, so the longest read of
 * a key is the order of its versions, every other read must be a prefix of it, and a committed append
 * that is in no read comes after all reads.
 *
 * Fails to conclude: the order among unread appends, and anything about a key that nobody read.
 */
import type { Anomaly, HistoryValue } from './history.js';
import { addKeyEdges, type DependencyGraph, type RealTime, type Touch } from './dependency-graph.js';
import { commonPrefix, type KeyState, type ListRead, type WriteRef } from './observations.js';
import { formatList, formatValue, key as formatKey, milliseconds } from './words.js';

type ListKey = KeyState<ListRead>;

export function addLists(graph: DependencyGraph, realTime: RealTime, anomalies: Anomaly[]): void {
  for (const key of graph.observations.lists) {
    const reads = key.reads.filter((read) => graph.observations.committed[read.txn]);
    let order: readonly HistoryValue[] = [];
    for (const read of reads) if (read.values.length > order.length) order = read.values;
    checkValues(graph, key, reads, order, anomalies);
    const agreeing = reads.filter((read) => commonPrefix(read.values, order) === read.values.length);
    if (agreeing.length < reads.length) reportDisagreement(graph, key, reads, order, anomalies);
    const inOrder = new Set(order);
    const unread = [...key.writes.values()].filter(
      (write) => graph.observations.committed[write.txn] && !inOrder.has(write.value) && write.final,
    );
    addVersionEdges(graph, key, order, unread);
    addReadEdges(graph, key, agreeing, order, unread);
    if (realTime === 'none') continue;
    reportLostWrites(graph, key, agreeing, order, anomalies);
    const touches = listTouches(graph, key, agreeing, order);
    addKeyEdges(graph, key.key, touches, () => undefined, realTime === 'per-key');
  }
}

/** What was read that no committed transaction left behind: looked at once in the order, then beyond it. */
function checkValues(
  graph: DependencyGraph,
  key: ListKey,
  reads: readonly ListRead[],
  order: readonly HistoryValue[],
  anomalies: Anomaly[],
): void {
  let orderChecked = false;
  const elements = new Set<HistoryValue>();
  for (const read of reads) {
    let from = commonPrefix(read.values, order);
    if (from === order.length && !orderChecked) {
      orderChecked = true;
      from = 0;
    }
    if (from < read.values.length) {
      elements.clear();
      for (let i = 0; i < from; i++) elements.add(read.values[i] as HistoryValue);
      for (let i = from; i < read.values.length; i++) checkElement(graph, key, read, i, elements, anomalies);
    }
    checkIntermediate(graph, key, read, anomalies);
  }
  for (const write of key.repeated) {
    const first = key.writes.get(write.value) as WriteRef;
    anomalies.push({
      name: 'duplicate-value',
      explanation: `T${first.txn} and T${write.txn} both appended ${formatValue(write.value)} to ${formatKey(key.key)}: the order of versions cannot be told.`,
      transactions: [first.txn, write.txn],
    });
  }
}

function checkElement(
  graph: DependencyGraph,
  key: ListKey,
  read: ListRead,
  index: number,
  elements: Set<HistoryValue>,
  anomalies: Anomaly[],
): void {
  const value = read.values[index] as HistoryValue;
  const saw = `T${read.txn} read ${formatKey(key.key)} = ${formatList(read.values, value)}`;
  if (elements.has(value)) {
    anomalies.push({
      name: 'duplicate-value',
      explanation: `${saw}: ${formatValue(value)} is in it more than once, though it was appended once.`,
      transactions: [read.txn],
    });
  }
  elements.add(value);
  const write = key.writes.get(value);
  if (write === undefined) {
    anomalies.push({
      name: 'unwritten-value',
      explanation: `${saw}, but nobody ever appended ${formatValue(value)} to it.`,
      transactions: [read.txn],
    });
  } else if (graph.transaction(write.txn).outcome === 'failed') {
    const error = graph.transaction(write.txn).error;
    anomalies.push({
      name: 'G1a',
      explanation: `${saw}, but T${write.txn}, which appended ${formatValue(value)}, was rolled back${error === undefined ? '' : ` (${error})`}.`,
      transactions: [read.txn, write.txn],
    });
  }
}

function checkIntermediate(graph: DependencyGraph, key: ListKey, read: ListRead, anomalies: Anomaly[]): void {
  let last = read.values.length - 1;
  while (last >= 0 && key.writes.get(read.values[last] as HistoryValue)?.txn === read.txn) last--;
  const write = last < 0 ? undefined : key.writes.get(read.values[last] as HistoryValue);
  if (write === undefined || write.final) return;
  if (graph.transaction(write.txn).outcome === 'failed') return;
  anomalies.push({
    name: 'G1b',
    explanation: `T${read.txn} read ${formatKey(key.key)} = ${formatList(read.values)}, which ends with ${formatValue(write.value)} of another transaction: T${write.txn} appended that, but then more, so this was never a committed state.`,
    transactions: [read.txn, write.txn],
  });
}

function reportDisagreement(
  graph: DependencyGraph,
  key: ListKey,
  reads: readonly ListRead[],
  order: readonly HistoryValue[],
  anomalies: Anomaly[],
): void {
  const longest = reads.find((read) => read.values === order) as ListRead;
  for (const read of reads) {
    const common = commonPrefix(read.values, order);
    if (common === read.values.length) continue;
    anomalies.push({
      name: 'incompatible-order',
      explanation: `T${read.txn} read ${formatKey(key.key)} = ${formatList(read.values, read.values[common])} and T${longest.txn} read ${formatList(order, order[common])}: from position ${common + 1} on they differ, yet one should be the beginning of the other.`,
      transactions: [read.txn, longest.txn],
    });
    return;
  }
}

/** The committed writer of an element, or -1. */
function writerOf(graph: DependencyGraph, key: ListKey, value: HistoryValue): number {
  const write = key.writes.get(value);
  return write !== undefined && graph.observations.committed[write.txn] ? write.txn : -1;
}

function addVersionEdges(
  graph: DependencyGraph,
  key: ListKey,
  order: readonly HistoryValue[],
  unread: readonly WriteRef[],
): void {
  let before: { txn: number; value: HistoryValue } | undefined;
  for (const value of order) {
    const txn = writerOf(graph, key, value);
    if (txn < 0) continue;
    if (before !== undefined && before.txn !== txn) {
      graph.ww(before.txn, txn, false, { key: key.key, list: true, before: before.value, after: value });
    }
    before = { txn, value };
  }
  if (before === undefined) return;
  for (const write of unread) {
    if (write.txn === before.txn) continue;
    graph.ww(before.txn, write.txn, false, { key: key.key, list: true, before: before.value, after: write.value });
  }
}

function addReadEdges(
  graph: DependencyGraph,
  key: ListKey,
  reads: readonly ListRead[],
  order: readonly HistoryValue[],
  unread: readonly WriteRef[],
): void {
  const ofLast: ListRead[] = [];
  const reason = { key: key.key, list: true };
  for (const read of reads) {
    for (let i = read.values.length - 1; i >= 0; i--) {
      const value = read.values[i] as HistoryValue;
      const writer = writerOf(graph, key, value);
      if (writer < 0 || writer === read.txn) continue;
      graph.wr(writer, read.txn, read.op, { ...reason, after: value });
      break;
    }
    let next = read.values.length;
    while (next < order.length && writerOf(graph, key, order[next] as HistoryValue) < 0) next++;
    if (next === order.length) {
      ofLast.push(read);
      continue;
    }
    const writer = writerOf(graph, key, order[next] as HistoryValue);
    // Its own append comes next: what comes after that follows from the order of writes.
    if (writer !== read.txn)
      graph.rw(read.txn, read.op, writer, false, { ...reason, after: order[next] as HistoryValue });
  }
  graph.fan(ofLast, unread, false, reason);
}

/** Lost: acknowledged, and not in one of the reads that ended later, though some began later. */
function reportLostWrites(
  graph: DependencyGraph,
  key: ListKey,
  reads: readonly ListRead[],
  order: readonly HistoryValue[],
  anomalies: Anomaly[],
): void {
  let latest: ListRead | undefined;
  const endedWith = new Array<number>(order.length + 1).fill(-Infinity);
  for (const read of reads) {
    const { completedAt, invokedAt, stale } = graph.transaction(read.txn);
    endedWith[read.values.length] = Math.max(endedWith[read.values.length] as number, completedAt);
    if (stale === true) continue;
    if (latest === undefined || invokedAt > graph.transaction(latest.txn).invokedAt) latest = read;
  }
  if (latest === undefined) return;
  for (let i = order.length - 1; i >= 0; i--) {
    endedWith[i] = Math.max(endedWith[i] as number, endedWith[i + 1] as number);
  }
  const position = new Map(order.map((value, index) => [value, index]));
  const began = graph.transaction(latest.txn).invokedAt;
  for (const write of key.writes.values()) {
    const { outcome, completedAt } = graph.transaction(write.txn);
    if (!write.final || outcome !== 'done' || completedAt >= began) continue;
    const index = position.get(write.value);
    if (index !== undefined && (endedWith[index + 1] as number) >= completedAt) continue;
    anomalies.push({
      name: 'lost-write',
      explanation: `T${write.txn} appended ${formatValue(write.value)} to ${formatKey(key.key)} and was acknowledged, but no later read has it: T${latest.txn} read ${formatList(latest.values)}, although T${write.txn} was acknowledged ${milliseconds(began - completedAt)} before T${latest.txn} began.`,
      transactions: [write.txn, latest.txn],
    });
  }
}

function listTouches(
  graph: DependencyGraph,
  key: ListKey,
  reads: readonly ListRead[],
  order: readonly HistoryValue[],
): Touch[] {
  const touches = new Map<number, Touch>();
  const touch = (txn: number): Touch => {
    let found = touches.get(txn);
    if (found === undefined) touches.set(txn, (found = { txn, reads: [], visibleAt: Infinity }));
    return found;
  };
  // The first answer that showed at least so many elements.
  const shownAt = new Array<number>(order.length + 1).fill(Infinity);
  const shownBy = new Array<number>(order.length + 1).fill(-1);
  for (const read of reads) {
    touch(read.txn).reads.push({ op: read.op });
    const { outcome, completedAt } = graph.transaction(read.txn);
    if (outcome !== 'done' || completedAt >= (shownAt[read.values.length] as number)) continue;
    shownAt[read.values.length] = completedAt;
    shownBy[read.values.length] = read.txn;
  }
  for (let i = order.length - 1; i >= 0; i--) {
    if ((shownAt[i + 1] as number) >= (shownAt[i] as number)) continue;
    shownAt[i] = shownAt[i + 1] as number;
    shownBy[i] = shownBy[i + 1] as number;
  }
  const position = new Map(order.map((value, index) => [value, index]));
  for (const write of key.writes.values()) {
    if (!graph.observations.committed[write.txn]) continue;
    const found = touch(write.txn);
    found.write = write.value;
    noteVisible(graph, found, shownAt, shownBy, position.get(write.value));
  }
  return [...touches.values()];
}

function noteVisible(
  graph: DependencyGraph,
  touch: Touch,
  shownAt: readonly number[],
  shownBy: readonly number[],
  index: number | undefined,
): void {
  const { outcome, completedAt, invokedAt } = graph.transaction(touch.txn);
  if (outcome === 'done') touch.visibleAt = Math.min(touch.visibleAt, completedAt);
  if (index === undefined) return;
  const at = Math.max(shownAt[index + 1] as number, invokedAt);
  const by = shownBy[index + 1] as number;
  if (by < 0 || by === touch.txn || at >= touch.visibleAt) return;
  touch.visibleAt = at;
  touch.via = by;
}
