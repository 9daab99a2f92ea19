/**
 * Unique constraints: of those who inserted the same unique key at most one is told yes (rows are not
 * deleted), the row that is there at the end is one of those who may have inserted it, and no key is
 * there twice.
 */
import type { Anomaly, HistoryKey, HistoryValue, Outcome, Verdict } from './history.js';
import { formatValue, key as formatKey } from './words.js';

export interface UniqueInsert {
  readonly id: number;
  /** The value of the unique column(s). */
  readonly key: HistoryKey;
  /** What tells this insert's row apart from others', e.g. its primary key. */
  readonly owner: HistoryValue;
  readonly outcome: Outcome;
}

export interface UniqueRow {
  readonly key: HistoryKey;
  readonly owner: HistoryValue;
}

const SHOWN = 10;

export function checkUnique(inserts: readonly UniqueInsert[], finalRows: readonly UniqueRow[]): Verdict {
  const anomalies: Anomaly[] = [];
  const add = (explanation: string, transactions: readonly number[]): void => {
    if (anomalies.length < SHOWN) anomalies.push({ name: 'unique', explanation, transactions });
  };
  const byKey = new Map<HistoryKey, UniqueInsert[]>();
  for (const insert of inserts) {
    const known = byKey.get(insert.key);
    if (known === undefined) byKey.set(insert.key, [insert]);
    else known.push(insert);
  }
  const rows = new Map<HistoryKey, UniqueRow[]>();
  for (const row of finalRows) {
    const known = rows.get(row.key);
    if (known === undefined) rows.set(row.key, [row]);
    else known.push(row);
  }
  for (const key of new Set([...byKey.keys(), ...rows.keys()])) {
    checkKey(key, byKey.get(key) ?? [], rows.get(key) ?? [], add);
  }
  const stats = { inserts: inserts.length, keys: byKey.size, rows: finalRows.length };
  return { checker: 'unique', ok: anomalies.length === 0, anomalies, stats };
}

function checkKey(
  key: HistoryKey,
  inserts: readonly UniqueInsert[],
  rows: readonly UniqueRow[],
  add: (explanation: string, transactions: readonly number[]) => void,
): void {
  const name = formatKey(key);
  const done = inserts.filter(({ outcome }) => outcome === 'done');
  const ids = (list: readonly UniqueInsert[]): string => list.map(({ id }) => `T${id}`).join(' and ');
  if (done.length > 1) {
    add(
      `${ids(done)} inserted the same unique key ${name} and were all acknowledged.`,
      done.map(({ id }) => id),
    );
  }
  if (rows.length > 1) {
    const owners = rows.map(({ owner }) => formatValue(owner)).join(', ');
    add(
      `The unique key ${name} is there ${rows.length} times at the end (${owners}).`,
      done.map(({ id }) => id),
    );
    return;
  }
  const [row] = rows;
  const [winner] = done;
  if (winner !== undefined && done.length === 1 && row?.owner !== winner.owner) {
    const found = row === undefined ? 'no row' : `the row of ${formatValue(row.owner)}`;
    add(`T${winner.id} inserted the unique key ${name} and was acknowledged, but at the end there is ${found}.`, [
      winner.id,
    ]);
  } else if (row !== undefined && done.length === 0) {
    if (inserts.some(({ owner, outcome }) => owner === row.owner && outcome === 'unknown')) return;
    const refused = inserts.filter(({ owner }) => owner === row.owner);
    const who = refused.length === 0 ? 'nobody inserted it' : `${ids(refused)}, which inserted it, failed`;
    add(
      `The unique key ${name} is there (${formatValue(row.owner)}) though ${who}.`,
      refused.map(({ id }) => id),
    );
  }
}
