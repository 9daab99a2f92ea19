/**
 * A growing set: every acknowledged insert is in the final read, no failed one is, one without an answer
 * may be; nothing is there twice or without having been inserted.
 */
import type { Anomaly, AnomalyName, HistoryValue, Outcome, Verdict } from './history.js';
import { formatValue } from './words.js';

export interface SetInsert {
  readonly id: number;
  readonly value: HistoryValue;
  readonly outcome: Outcome;
}

const SHOWN = 10;

export function checkSet(inserts: readonly SetInsert[], finalRead: readonly HistoryValue[]): Verdict {
  const anomalies: Anomaly[] = [];
  const counts = { lost: 0, resurrected: 0, duplicate: 0, unexpected: 0, recovered: 0 };
  const add = (kind: keyof typeof counts, name: AnomalyName, explanation: string, transactions: number[]): void => {
    if (counts[kind]++ < SHOWN) anomalies.push({ name, explanation, transactions });
  };
  const byValue = new Map<HistoryValue, SetInsert[]>();
  for (const insert of inserts) {
    const known = byValue.get(insert.value);
    if (known === undefined) byValue.set(insert.value, [insert]);
    else known.push(insert);
  }
  const found = new Set<HistoryValue>();
  for (const value of finalRead) {
    const tries = byValue.get(value) ?? [];
    const what = formatValue(value);
    const ids = tries.map(({ id }) => id);
    if (found.has(value)) {
      add('duplicate', 'duplicate-value', `${what} is in the final read more than once.`, ids);
    } else if (tries.length === 0) {
      add('unexpected', 'unwritten-value', `${what} is in the final read, but nobody inserted it.`, ids);
    } else if (tries.every(({ outcome }) => outcome === 'failed')) {
      const who = ids.map((id) => `T${id}`).join(', ');
      add('resurrected', 'G1a', `${what} is in the final read, but ${who}, which inserted it, failed.`, ids);
    } else if (tries.every(({ outcome }) => outcome !== 'done')) {
      counts.recovered++;
    }
    found.add(value);
  }
  for (const { id, value, outcome } of inserts) {
    if (outcome !== 'done' || found.has(value)) continue;
    add(
      'lost',
      'lost-write',
      `T${id} inserted ${formatValue(value)} and was acknowledged, but it is not in the final read.`,
      [id],
    );
  }
  const stats = { inserts: inserts.length, found: found.size, ...counts };
  return { checker: 'set', ok: anomalies.length === 0, anomalies, stats };
}
