/** Cycles in words, one line for each step, then a line for each transaction. Pure. */
import type { Step } from './cycles.js';
import type { DependencyGraph } from './dependency-graph.js';
import type { AnomalyName, HistoryValue } from './history.js';
import { unreachable } from '../../base/assert.js';
import { describeTransaction, formatList, formatValue, key as formatKey, milliseconds } from './words.js';

const TITLES: Partial<Record<AnomalyName, string>> = {
  G0: 'dirty write: each overwrote the other',
  G1c: 'each saw, directly or through others, what the other wrote',
  'G-single': 'read skew: a snapshot that no moment had',
  G2: 'several read what the next one then changed',
  'lost-update': 'both replaced the same version',
  'real-time': 'possible in some order, but not in the order in which it happened',
};

export function describeCycle(graph: DependencyGraph, name: AnomalyName, steps: readonly Step[]): string {
  const transactions = [...new Set(steps.map((step) => step.fromTxn))];
  const lines = steps.map((step) => `  ${describeStep(graph, step, steps)}`);
  const ids = transactions.map((txn) => `T${graph.transaction(txn).id}`);
  const begin = Math.min(...transactions.map((txn) => graph.transaction(txn).invokedAt));
  const title = TITLES[name];
  return [
    `${name}${title === undefined ? '' : `, ${title}`}:`,
    ...lines,
    `So each has to come before the next: ${[...ids, ids[0]].join(' → ')}, which no order allows.`,
    ...transactions.map((txn) => `  ${describeTransaction(graph.transaction(txn), begin)}`),
  ].join('\n');
}

function describeStep(graph: DependencyGraph, step: Step, all: readonly Step[]): string {
  const from = `T${graph.transaction(step.fromTxn).id}`;
  const to = `T${graph.transaction(step.toTxn).id}`;
  const wrote = step.list === true ? 'appended' : 'wrote';
  const on = step.key === undefined ? '' : formatKey(step.key);
  const after = step.after === undefined ? '' : formatValue(step.after);
  switch (step.kind) {
    case 'ww':
      return `${from} ${wrote} ${formatValue(step.before ?? null)} to ${on} before ${to} ${wrote} ${after}${basis(step)}`;
    case 'wr':
      return `${to} ${readWords(graph, step.toTxn, step)}, which ${from} ${wrote}${step.list === true ? ` (${after})` : ''}`;
    case 'rw':
      return `${from} ${readWords(graph, step.fromTxn, step)}, without ${after}, which ${to} ${wrote}${basis(step)}${acknowledged(graph, step, all)}`;
    case 'real-time':
      return describeRealTime(graph, step, from, to);
    case 'process':
      return `${from} was acknowledged before ${to} began in the same session`;
    case 'within':
    case 'next':
      return `${from} comes before ${to}`;
    default:
      return unreachable(step.kind, 'kind of edge');
  }
}

function basis(step: Step): string {
  return step.timed ? ' (later, by what others had seen in between)' : '';
}

/** Says so when the one who wrote was done before the reader began, unless a step of its own says it. */
function acknowledged(graph: DependencyGraph, step: Step, all: readonly Step[]): string {
  if (all.some(({ kind, fromTxn }) => kind === 'real-time' && fromTxn === step.toTxn)) return '';
  const writer = graph.transaction(step.toTxn);
  const reader = graph.transaction(step.fromTxn);
  if (writer.outcome !== 'done' || writer.completedAt >= reader.invokedAt) return '';
  return `, although T${writer.id} was acknowledged ${milliseconds(reader.invokedAt - writer.completedAt)} before T${reader.id} began`;
}

function readWords(graph: DependencyGraph, txn: number, step: Step): string {
  const op = step.op === undefined ? undefined : graph.transaction(txn).ops[step.op];
  const on = formatKey(op?.key ?? step.key ?? '');
  if (op?.f === 'read-list') return `read ${on} = ${formatList(op.values ?? [], step.after)}`;
  if (op?.f === 'read') return `read ${on} = ${formatValue((op.value ?? null) as HistoryValue | null)}`;
  return `read ${on}`;
}

function describeRealTime(graph: DependencyGraph, step: Step, from: string, to: string): string {
  const later = graph.transaction(step.toTxn);
  const before = graph.transaction(step.fromTxn);
  const touched = step.key === undefined ? '' : ` (both touched ${formatKey(step.key)})`;
  if (before.outcome === 'done' && before.completedAt < later.invokedAt) {
    return `${from} was acknowledged ${milliseconds(later.invokedAt - before.completedAt)} before ${to} began${touched}`;
  }
  const via = step.via === undefined ? undefined : graph.transaction(step.via);
  if (via === undefined) return `${from} was visible before ${to} began${touched}`;
  const earlier = milliseconds(later.invokedAt - via.completedAt);
  return `T${via.id} had read what ${from} wrote, and was acknowledged ${earlier} before ${to} began${touched}`;
}
