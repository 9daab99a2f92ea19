/**
 * A table and its secondary index, read in one transaction: every row through the primary key is found
 * through the index with the same columns, and nothing else is.
 */
import type { Anomaly, Verdict } from './history.js';

/** The columns that both ways return, in the same order, as the driver gives them. */
export type IndexRow = readonly unknown[];

const SHOWN = 10;

export function checkIndex(
  name: string,
  throughPrimary: readonly IndexRow[],
  throughIndex: readonly IndexRow[],
): Verdict {
  const counts = new Map<string, number>();
  for (const row of throughPrimary) count(counts, row, 1);
  for (const row of throughIndex) count(counts, row, -1);
  const anomalies: Anomaly[] = [];
  let missing = 0;
  let dangling = 0;
  for (const [row, off] of counts) {
    if (off === 0) continue;
    if (off > 0) missing += off;
    else dangling -= off;
    if (anomalies.length >= SHOWN) continue;
    const times = Math.abs(off) === 1 ? '' : ` ${Math.abs(off)} times`;
    const explanation =
      off > 0
        ? `The row ${row} is in the table${times} but not in the index ${name}.`
        : `The row ${row} is in the index ${name}${times} but not in the table.`;
    anomalies.push({ name: 'index', explanation, transactions: [] });
  }
  const stats = { rows: throughPrimary.length, entries: throughIndex.length, missing, dangling };
  return { checker: 'index', ok: anomalies.length === 0, anomalies, stats };
}

function count(counts: Map<string, number>, row: IndexRow, by: number): void {
  const name = JSON.stringify(row, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  counts.set(name, (counts.get(name) ?? 0) + by);
}
