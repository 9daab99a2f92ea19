/**
 * Write skew: two serializable transactions each read what the other one changed, on different keys, so
 * that neither can have come first. Snapshot isolation allows it, so a pair counts only if both ran at
 * serializable; pairs of lower levels are counted in `stats.allowed`. The cycle search finds it as G2;
 * this judge names it and finds every pair.
 *
 * Limits: looks at a million pairs of reader and writer at most (a correct history has far fewer).
 */
import type { DependencyGraph, Edge } from './dependency-graph.js';
import type { Anomaly, History, Verdict } from './history.js';
import { analyse, type IsolationOptions } from './isolation.js';
import { formatList, formatValue, key as formatKey } from './words.js';

const PAIRS_MAX = 1_000_000;
const SHOWN = 10;

/** `from` read a version that `to` replaced. */
interface AntiDependency {
  readonly from: number;
  readonly to: number;
  readonly edge: Edge;
}

export function checkWriteSkew(history: History, options: IsolationOptions = {}): Verdict {
  const { graph } = analyse(history, 'both', options);
  const byPair = new Map<number, AntiDependency[]>();
  const size = history.transactions.length;
  let examined = 0;
  let found = 0;
  let allowed = 0;
  const anomalies: Anomaly[] = [];
  const reported = new Set<number>();
  for (const dependency of antiDependencies(graph)) {
    if (++examined > PAIRS_MAX) break;
    const { from, to } = dependency;
    const own = byPair.get(from * size + to);
    if (own === undefined) byPair.set(from * size + to, [dependency]);
    else own.push(dependency);
    const other = byPair.get(to * size + from)?.find(({ edge }) => !sameKey(edge, dependency.edge));
    const pair = Math.min(from, to) * size + Math.max(from, to);
    if (other === undefined || reported.has(pair)) continue;
    reported.add(pair);
    if ([from, to].some((txn) => graph.transaction(txn).level !== 'serializable')) {
      allowed++;
      continue;
    }
    found++;
    if (found <= SHOWN) anomalies.push(describe(graph, other, dependency));
  }
  const stats = { transactions: size, antiDependencies: examined, pairs: found, allowed };
  return { checker: 'write-skew', ok: found === 0, anomalies, stats };
}

function sameKey(a: Edge, b: Edge): boolean {
  return a.key === b.key && a.list === b.list;
}

/** Also those that lead through an auxiliary point; readers that wrote nothing cannot be part of a skew. */
function* antiDependencies(graph: DependencyGraph): Generator<AntiDependency> {
  const writes = graph.observations.transactions.map(({ ops }) =>
    ops.some((op) => op.f === 'append' || op.f === 'write'),
  );
  const into = new Map<number, Edge[]>();
  for (const edge of graph.edges) {
    const from = graph.txnOf(edge.from);
    if (edge.kind === 'rw' && writes[from]) {
      const to = graph.txnOf(edge.to);
      if (to >= 0) {
        yield { from, to, edge };
      } else {
        const readers = into.get(edge.to);
        if (readers === undefined) into.set(edge.to, [edge]);
        else readers.push(edge);
      }
    } else if (edge.kind === 'next') {
      for (const first of into.get(edge.from) ?? []) {
        const joined = edge.after === undefined ? first : { ...first, after: edge.after };
        yield { from: graph.txnOf(first.from), to: graph.txnOf(edge.to), edge: joined };
      }
    }
  }
}

function describe(graph: DependencyGraph, first: AntiDependency, second: AntiDependency): Anomaly {
  const lines = [first, second].map(({ from, to, edge }) => {
    const op = edge.op === undefined ? undefined : graph.transaction(from).ops[edge.op];
    const saw =
      op?.f === 'read-list'
        ? formatList(op.values ?? [], edge.after)
        : formatValue(op?.f === 'read' ? (op.value ?? null) : null);
    const did = edge.list === true ? 'appended' : 'wrote';
    return `  T${graph.transaction(from).id} read ${formatKey(edge.key ?? '')} = ${saw}, without ${formatValue(edge.after ?? null)}, which T${graph.transaction(to).id} ${did}`;
  });
  const ids = [first.from, first.to].map((txn) => graph.transaction(txn).id);
  return {
    name: 'write-skew',
    explanation: [
      'write-skew: each read what the other one changed:',
      ...lines,
      'So neither can have come first.',
    ].join('\n'),
    transactions: ids,
  };
}
