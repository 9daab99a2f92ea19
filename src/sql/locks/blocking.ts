/** pg_blocking_pids: who is in whose way. */
import type { ListedLock } from '../advisory/advisory-locks.js';
import type { LockReport } from './lock-reports.js';
import { keepsAway } from './modes.js';

type Name = ListedLock['name'];
type Entry = ListedLock['entry'];

function isSame(a: Name, b: Name): boolean {
  return a.space === b.space && a.high === b.high && a.low === b.low;
}
function suitsNot(a: Entry, b: Entry): boolean {
  return a.processId !== b.processId && (a.exclusive || b.exclusive);
}

/** Who keeps the session from going on: those that have what it waits for. */
export function pidsInTheWay(
  report: LockReport,
  advisory: readonly ListedLock[],
  processId: number,
): readonly number[] {
  const own = report.sessions.find((one) => one.processId === processId);
  const blockers = new Set<number>();
  for (const wanted of advisory) {
    if (wanted.granted || wanted.entry.processId !== processId) continue;
    for (const { databaseId, name, entry, granted } of advisory)
      if (granted && databaseId === wanted.databaseId && isSame(name, wanted.name) && suitsNot(entry, wanted.entry))
        blockers.add(entry.processId);
  }
  if (own === undefined) return [...blockers];
  for (const { waiter, holder, advisory: isAdvisory } of report.waits) {
    if (isAdvisory || waiter !== own.txn || waiter === '') continue;
    // A transaction of the server itself, which no session has, is process 0: as a prepared one in PostgreSQL.
    blockers.add(report.sessions.find((one) => one.txn === holder)?.processId ?? 0);
  }
  for (const wanted of own.relations) {
    if (wanted.granted) continue;
    for (const other of report.sessions) {
      if (other === own) continue;
      const isIn = other.relations.some(
        (lock) => lock.granted && lock.relationId === wanted.relationId && keepsAway(lock.mode, wanted.mode),
      );
      if (isIn) blockers.add(other.processId);
    }
  }
  return [...blockers];
}
