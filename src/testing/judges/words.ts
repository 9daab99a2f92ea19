/** How values, keys, lists and times are written in explanations. Pure; long lists are cut in the middle. */
import type { HistoryKey, HistoryTransaction, HistoryValue } from './history.js';

export function formatValue(value: HistoryValue | null): string {
  if (value === null) return 'no row';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

export function key(name: HistoryKey): string {
  return typeof name === 'string' ? name : `key ${name}`;
}

const SHOWN = 8;

/** `[1 2 3]`; of a long list the beginning, the end, and what is around `around`. */
export function formatList(values: readonly HistoryValue[], around?: HistoryValue): string {
  if (values.length <= 2 * SHOWN) return `[${values.map(formatValue).join(' ')}]`;
  const shown = new Set<number>();
  const at = around === undefined ? -1 : values.indexOf(around);
  for (let i = 0; i < values.length; i++) {
    if (i < 3 || i >= values.length - SHOWN || (at >= 0 && Math.abs(i - at) <= 2)) shown.add(i);
  }
  const parts: string[] = [];
  let last = -1;
  for (const index of shown) {
    if (index > last + 1) parts.push(`… ${index - last - 1} more …`);
    parts.push(formatValue(values[index] as HistoryValue));
    last = index;
  }
  return `[${parts.join(' ')}]`;
}

export function milliseconds(us: number): string {
  if (us > 0 && us < 10) return `${Number(us.toFixed(2))} µs`;
  const ms = us / 1000;
  return ms < 10_000 ? `${Number(ms.toFixed(ms < 10 ? 2 : 1))} ms` : `${Number((ms / 1000).toFixed(2))} s`;
}

/** One line on a transaction, its times counted from `origin`. */
export function describeTransaction(transaction: HistoryTransaction, origin: number): string {
  const { id, process, level, node, invokedAt, completedAt, outcome, error, stale } = transaction;
  const from = milliseconds(invokedAt - origin);
  const until = completedAt === Infinity ? 'never answered' : milliseconds(completedAt - origin);
  const where = node === undefined ? '' : ` on ${node}`;
  const what = error === undefined ? '' : ` (${error})`;
  return `T${id}: process ${process}${where}, ${level}${stale === true ? ', stale read' : ''}, ${from} to ${until}, ${outcome}${what}`;
}
