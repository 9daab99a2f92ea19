/**
 * What a transaction may expect of itself, without looking at others: it reads what it wrote; at
 * repeatable read and above it reads the same as before; at read committed a list may only have grown
 * between two reads, and what it wrote itself is locked until it commits.
 */
import type { Anomaly, HistoryKey, HistoryTransaction, HistoryValue } from './history.js';
import { commonPrefix, type Kinds, type Observations } from './observations.js';
import { formatList, formatValue, key as formatKey } from './words.js';

export function checkInternal(observations: Observations, kinds: Kinds, anomalies: Anomaly[]): void {
  observations.transactions.forEach((transaction, txn) => {
    if (!observations.committed[txn]) return;
    const problem =
      (kinds === 'register' ? undefined : listProblem(transaction)) ??
      (kinds === 'list' ? undefined : registerProblem(transaction));
    if (problem === undefined) return;
    anomalies.push({ name: 'internal', explanation: `T${transaction.id} ${problem}`, transactions: [txn] });
  });
}

interface ListView {
  /** What others had appended when it last read; undefined before the first read. */
  base: readonly HistoryValue[] | undefined;
  readonly own: HistoryValue[];
}

function listProblem({ ops, level }: HistoryTransaction): string | undefined {
  const views = new Map<HistoryKey, ListView>();
  for (const op of ops) {
    if (op.f !== 'append' && op.f !== 'read-list') continue;
    let view = views.get(op.key);
    if (view === undefined) views.set(op.key, (view = { base: undefined, own: [] }));
    if (op.f === 'append') {
      view.own.push(op.value);
      continue;
    }
    if (op.values === undefined) continue;
    const { own, base } = view;
    const saw = `read ${formatKey(op.key)} = ${formatList(op.values)}`;
    const others = op.values.length - own.length;
    if (others < 0 || own.some((value, i) => op.values?.[others + i] !== value)) {
      return `${saw}, though it had itself appended ${formatList(own)} to it.`;
    }
    if (base !== undefined) {
      const grown = level === 'read committed' && others >= base.length;
      if (commonPrefix(op.values, base) < base.length || (!grown && others !== base.length)) {
        return `${saw}, though it had read ${formatList(base)} before${own.length === 0 ? '' : ` and then appended ${formatList(own)}`}.`;
      }
    }
    view.base = op.values.slice(0, others);
  }
  return undefined;
}

function registerProblem({ ops, level }: HistoryTransaction): string | undefined {
  const views = new Map<HistoryKey, { value: HistoryValue | null; own: boolean }>();
  for (const op of ops) {
    if (op.f === 'write') {
      views.set(op.key, { value: op.value, own: true });
    } else if (op.f === 'read' && op.value !== undefined) {
      const view = views.get(op.key);
      if (view !== undefined && view.value !== op.value && (view.own || level !== 'read committed')) {
        const before = `${view.own ? 'written' : 'read'} ${formatValue(view.value)}`;
        return `read ${formatKey(op.key)} = ${formatValue(op.value)}, though it had itself ${before} before.`;
      }
      views.set(op.key, { value: op.value, own: view?.own ?? false });
    }
  }
  return undefined;
}
