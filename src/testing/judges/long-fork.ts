/**
 * Long fork: two readers saw two independent writes in opposite orders. Forbidden by snapshot isolation
 * and by serializability (Sovran et al., "Transactional storage for geo-replicated systems", SOSP 2011,
 * call it so); read committed allows it, so readers of that level are left out. The cycle search finds
 * it as G2; this judge names it, and finds each pair of keys by one pass over its sorted readers.
 *
 * Limits: registers are looked at only where the order of their versions is known completely; of a
 * transaction that read more than 16 keys, the first 16.
 */
import type { Anomaly, History, HistoryValue, Verdict } from './history.js';
import { analyse, type Analysis, type IsolationOptions } from './isolation.js';
import { commonPrefix } from './observations.js';
import { formatList, formatValue, key as formatKey } from './words.js';

interface Sight {
  readonly txn: number;
  readonly key: number;
  readonly position: number;
  readonly words: string;
}

interface KeyOrder {
  readonly name: string;
  /** Who wrote the version after this position. */
  readonly writerAfter: (position: number) => number;
}

interface Both {
  readonly first: Sight;
  readonly second: Sight;
}

const KEYS_MAX = 16;
const SHOWN = 10;

export function checkLongFork(history: History, options: IsolationOptions = {}): Verdict {
  const analysis = analyse(history, 'both', options);
  const keys: KeyOrder[] = [];
  const sights = new Map<number, Sight[]>();
  const see = (sight: Sight): void => {
    const { level, ops } = analysis.graph.transaction(sight.txn);
    const name = keys[sight.key]?.name;
    // Its own writes are in what it read: that is not a view of others.
    const wrote = ops.some((op) => (op.f === 'append' || op.f === 'write') && formatKey(op.key) === name);
    if (level === 'read committed' || wrote) return;
    const seen = sights.get(sight.txn);
    if (seen === undefined) sights.set(sight.txn, [sight]);
    else if (seen.length < KEYS_MAX && !seen.some((other) => other.key === sight.key)) seen.push(sight);
  };
  seeLists(analysis, keys, see);
  seeRegisters(analysis, keys, see);
  const pairs = new Map<string, Both[]>();
  for (const seen of sights.values()) {
    seen.sort((a, b) => a.key - b.key);
    for (let i = 0; i < seen.length; i++) {
      for (let j = i + 1; j < seen.length; j++) {
        const both = { first: seen[i] as Sight, second: seen[j] as Sight };
        const name = `${both.first.key},${both.second.key}`;
        const known = pairs.get(name);
        if (known === undefined) pairs.set(name, [both]);
        else known.push(both);
      }
    }
  }
  const anomalies: Anomaly[] = [];
  for (const readers of pairs.values()) {
    if (anomalies.length < SHOWN) findFork(analysis, keys, readers, anomalies);
  }
  const stats = { transactions: history.transactions.length, readers: sights.size, pairs: pairs.size };
  return { checker: 'long-fork', ok: anomalies.length === 0, anomalies, stats };
}

function seeLists({ graph }: Analysis, keys: KeyOrder[], see: (sight: Sight) => void): void {
  const { committed } = graph.observations;
  for (const list of graph.observations.lists) {
    const reads = list.reads.filter((read) => committed[read.txn]);
    let order: readonly HistoryValue[] = [];
    for (const read of reads) if (read.values.length > order.length) order = read.values;
    const key = keys.length;
    const name = formatKey(list.key);
    const longest = order;
    keys.push({ name, writerAfter: (at) => list.writes.get(longest[at] as HistoryValue)?.txn ?? -1 });
    for (const { txn, values } of reads) {
      if (commonPrefix(values, order) < values.length) continue;
      see({ txn, key, position: values.length, words: `${name} = ${formatList(values)}` });
    }
  }
}

function seeRegisters({ registers }: Analysis, keys: KeyOrder[], see: (sight: Sight) => void): void {
  for (const register of registers) {
    const order = totalOrder(register.versions);
    if (order === undefined) continue;
    const key = keys.length;
    const name = formatKey(register.key);
    keys.push({ name, writerAfter: (at) => order[at + 1]?.txn ?? -1 });
    order.forEach((version, position) => {
      for (const { txn } of version.readers) {
        see({ txn, key, position, words: `${name} = ${formatValue(version.value)}` });
      }
    });
  }
}

type Versions = Analysis['registers'][number]['versions'];
type Version = Versions extends ReadonlyMap<unknown, infer V> ? V : never;

/** The versions in order, if only one order fits what is known. */
function totalOrder(versions: Versions): readonly Version[] | undefined {
  const before = new Map<Version, number>();
  for (const version of versions.values()) {
    for (const next of [...version.after, ...version.afterTimed]) before.set(next, (before.get(next) ?? 0) + 1);
  }
  let ready = [...versions.values()].filter((version) => !before.has(version));
  const order: Version[] = [];
  while (ready.length === 1) {
    const version = ready[0] as Version;
    order.push(version);
    ready = [];
    for (const next of [...version.after, ...version.afterTimed]) {
      const left = (before.get(next) as number) - 1;
      before.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  return order.length === versions.size ? order : undefined;
}

/** Sorted by what they saw of the first key, readers must not go back on the second. */
function findFork({ graph }: Analysis, keys: readonly KeyOrder[], readers: Both[], anomalies: Anomaly[]): void {
  readers.sort((a, b) => a.first.position - b.first.position || a.second.position - b.second.position);
  let furthest: Both | undefined;
  let pending: Both | undefined;
  for (const reader of readers) {
    if (pending !== undefined && pending.first.position < reader.first.position) {
      if (furthest === undefined || pending.second.position > furthest.second.position) furthest = pending;
      pending = undefined;
    }
    if (furthest !== undefined && furthest.second.position > reader.second.position) {
      const firstWriter = (keys[reader.first.key] as KeyOrder).writerAfter(furthest.first.position);
      const secondWriter = (keys[reader.second.key] as KeyOrder).writerAfter(reader.second.position);
      // One transaction that wrote both, seen in halves, is read skew and not a fork.
      if (firstWriter === secondWriter) continue;
      const id = (txn: number): string => `T${graph.transaction(txn).id}`;
      anomalies.push({
        name: 'long-fork',
        explanation: [
          `long-fork: two readers saw two writes in opposite orders:`,
          `  ${id(furthest.first.txn)} read ${furthest.first.words} and ${furthest.second.words}`,
          `  ${id(reader.first.txn)} read ${reader.first.words} and ${reader.second.words}`,
          `So ${id(secondWriter)}'s write to ${keys[reader.second.key]?.name} came before ${id(firstWriter)}'s to ${keys[reader.first.key]?.name} for one of them, and after it for the other.`,
        ].join('\n'),
        transactions: [furthest.first.txn, reader.first.txn, firstWriter, secondWriter].filter((txn) => txn >= 0),
      });
      return;
    }
    // Sorted, so the last of equal first positions is the furthest on the second key.
    pending = reader;
  }
}
