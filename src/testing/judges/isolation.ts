/**
 * Judges a history of lists and registers by the levels that its transactions ran at, after the method
 * of Elle: infer the order of versions from what was read, draw the graph of dependencies
 * (dependency-graph.ts has the rule for each level and for mixed ones), and look for cycles.
 *
 * Cost: near linear in transactions plus elements read; 20,000 transactions take well under a second or
 * two. Deterministic; nothing is read but the history.
 *
 * What `ok` means: no anomaly can be shown from this history. What was not read cannot be judged.
 */
import { findCycles, stepsOf, type CycleClass, type Step } from './cycles.js';
import { addProcessEdges, addStrictEdges, DependencyGraph, type RealTime } from './dependency-graph.js';
import type { Anomaly, AnomalyName, History, Verdict } from './history.js';
import { checkInternal } from './internal.js';
import { addLists } from './list-order.js';
import { observe, type Kinds } from './observations.js';
import { addRegisters, type RegisterOrder } from './register-order.js';
import { describeCycle } from './steps.js';

export interface IsolationOptions {
  /** Default `per-key`: what Quoral promises. See dependency-graph.ts. */
  readonly realTime?: RealTime;
  /** Session order as edges; default: always with `strict`, for one node's sessions with `per-key`, else never. */
  readonly processOrder?: boolean;
}

export interface Analysis {
  readonly graph: DependencyGraph;
  readonly registers: readonly RegisterOrder[];
  /** Everything that shows without a cycle. */
  readonly anomalies: Anomaly[];
}

/** The graph of a history, for judges that look for patterns in it. */
export function analyse(history: History, kinds: Kinds, options: IsolationOptions = {}): Analysis {
  const realTime = options.realTime ?? 'per-key';
  const observations = observe(history, kinds);
  const graph = new DependencyGraph(observations);
  const anomalies: Anomaly[] = [];
  checkInternal(observations, kinds, anomalies);
  addLists(graph, realTime, anomalies);
  const registers = addRegisters(graph, realTime, anomalies);
  if (realTime === 'strict') addStrictEdges(graph);
  if (options.processOrder ?? realTime !== 'none') {
    addProcessEdges(graph, options.processOrder === true || realTime === 'strict');
  }
  return { graph, registers, anomalies };
}

/** Both kinds in one graph: finds cycles that lead through lists and registers. */
export function checkIsolation(history: History, options: IsolationOptions = {}): Verdict {
  return judge('isolation', history, 'both', options);
}

export function judge(checker: string, history: History, kinds: Kinds, options: IsolationOptions): Verdict {
  const { graph, anomalies } = analyse(history, kinds, options);
  addCycleAnomalies(graph, anomalies);
  const { observations } = graph;
  const reads = (keys: readonly { reads: readonly unknown[] }[]): number =>
    keys.reduce((sum, key) => sum + key.reads.length, 0);
  const own = unique(
    anomalies,
    observations.transactions.map(({ id }) => id),
  );
  return {
    checker,
    ok: own.length === 0,
    anomalies: own,
    stats: {
      transactions: observations.transactions.length,
      committed: observations.committed.filter(Boolean).length,
      keys: observations.lists.length + observations.registers.length,
      reads: reads(observations.lists) + reads(observations.registers),
      edges: graph.edges.length,
    },
  };
}

function addCycleAnomalies(graph: DependencyGraph, anomalies: Anomaly[]): void {
  for (const [name, cycles] of findCycles(graph)) {
    for (const cycle of cycles) {
      const steps = stepsOf(graph, cycle);
      const renamed = isLostUpdate(graph, steps) ? 'lost-update' : nameOf(name, steps);
      const transactions = [...new Set(steps.map((step) => step.fromTxn))];
      if (isKnown(renamed, transactions, anomalies)) continue;
      anomalies.push({ name: renamed, explanation: describeCycle(graph, renamed, steps), transactions });
    }
  }
}

function nameOf(name: CycleClass, steps: readonly Step[]): AnomalyName {
  if (name !== 'G2') return name;
  return steps.filter((step) => step.kind === 'rw').length === 1 ? 'G-single' : 'G2';
}

/** A lost update was told in its own words, and a lost write is the cause of the real-time cycle through it. */
function isKnown(name: AnomalyName, transactions: readonly number[], anomalies: readonly Anomaly[]): boolean {
  const covers = (anomaly: Anomaly): boolean => transactions.every((txn) => anomaly.transactions.includes(txn));
  return anomalies.some((anomaly) => {
    if (anomaly.name === 'lost-update') return (name === 'lost-update' || name === 'G2') && covers(anomaly);
    if (anomaly.name !== 'lost-write' || name !== 'real-time') return false;
    return transactions.includes(anomaly.transactions[0] as number);
  });
}

/** Two transactions that overwrote each other's basis: every step on one key, which both read and wrote. */
function isLostUpdate(graph: DependencyGraph, steps: readonly Step[]): boolean {
  const [first, second] = steps;
  if (steps.length !== 2 || first === undefined || second === undefined) return false;
  if (first.key === undefined || first.key !== second.key || first.list !== second.list) return false;
  if (first.timed || second.timed) return false;
  const kinds = [first.kind, second.kind];
  if (!kinds.includes('rw') || kinds.includes('wr')) return false;
  const { key } = first;
  const did = (txn: number, what: readonly string[]): boolean =>
    graph.transaction(txn).ops.some((op) => op.key === key && what.includes(op.f));
  return [first, second].every(
    ({ fromTxn }) => did(fromTxn, ['read', 'read-list']) && did(fromTxn, ['write', 'append']),
  );
}

const SHOWN_PER_NAME = 10;

/** At most ten of a name (a broken run has thousands), each once, with ids in place of positions. */
function unique(anomalies: readonly Anomaly[], ids: readonly number[]): Anomaly[] {
  const seen = new Set<string>();
  const counts = new Map<AnomalyName, number>();
  const kept: Anomaly[] = [];
  for (const anomaly of anomalies) {
    const mark = `${anomaly.name}\0${anomaly.explanation}`;
    const count = counts.get(anomaly.name) ?? 0;
    if (seen.has(mark) || count >= SHOWN_PER_NAME) continue;
    seen.add(mark);
    counts.set(anomaly.name, count + 1);
    kept.push({ ...anomaly, transactions: anomaly.transactions.map((txn) => ids[txn] as number) });
  }
  return kept;
}
