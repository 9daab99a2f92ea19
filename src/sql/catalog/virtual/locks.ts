/**
 * pg_locks: advisory locks, and of every session with a transaction open its tables, itself, and whom it waits for: over all nodes.
 * Who waits for a row waits for the transaction that has it, as in PostgreSQL.
 */
import type { ListedLock } from '../../advisory/advisory-locks.js';
import { TABLE_SPACE } from '../../advisory/codec.js';
import type { LockReport, ReportedSession } from '../../locks/lock-reports.js';
import { MODES, SHARE_UPDATE_EXCLUSIVE } from '../../locks/modes.js';
import { xidOfUnknown } from '../../locks/transaction-number.js';
import { LAYOUTS } from './layout.js';
import type { Values } from './layout.js';
import type { Model } from './model.js';
import type { CatalogServices } from './services.js';

const VIRTUAL: ReadonlySet<number> = new Set(LAYOUTS.map(({ oid }) => oid));
const EPOCH_2000_US = 946684800000000;
function moment(us: number): bigint | null {
  return us === 0 ? null : BigInt(us - EPOCH_2000_US);
}

/** Weak locks of tables that nobody wants more of are kept where a process is by itself, in PostgreSQL. */
const FAST_MODE_MAX = 3;

export async function locks(services: CatalogServices, model: Model): Promise<Values[]> {
  const [advisory, report] = [await services.listLocks(), await services.lockReport()];
  const rows = advisory.map(advisoryRow).filter((row) => row !== null);
  for (const session of report.sessions)
    rows.push(...sessionRows(session, model, report), ...waitRows(session, report));
  return rows;
}

/** null: the session shows it as a lock of its table. */
function advisoryRow({ databaseId, name, entry, granted }: ListedLock): Values | null {
  const shared = {
    database: databaseId,
    virtualtransaction: `${entry.node}/${entry.number}`,
    pid: entry.processId,
    granted,
    fastpath: false,
  };
  if (name.space === TABLE_SPACE)
    return granted
      ? null
      : { ...shared, locktype: 'relation', relation: name.low, mode: MODES[SHARE_UPDATE_EXCLUSIVE]! };
  return {
    ...shared,
    locktype: 'advisory',
    classid: name.high,
    objid: name.low,
    objsubid: name.space,
    mode: entry.exclusive ? 'ExclusiveLock' : 'ShareLock',
  };
}

function isRelation(model: Model, id: number): boolean {
  const d = model.view.byId.get(id);
  if (d === undefined) return VIRTUAL.has(id);
  return d.kind === 'table' || d.kind === 'view' || d.kind === 'sequence';
}

/** 0: it has changed and locked nothing, and nobody waits for it. */
function shownXid({ txn, xid }: ReportedSession, { waits }: LockReport): number {
  return xid === 0 && txn !== '' && waits.some(({ holder }) => holder === txn) ? xidOfUnknown(txn) : xid;
}

function* sessionRows(session: ReportedSession, model: Model, report: LockReport): Iterable<Values> {
  const shared = { virtualtransaction: session.virtualTransaction, pid: session.processId, granted: true };
  for (const { relationId, mode, granted, waitStart } of session.relations) {
    if (session.databaseId === model.view.databaseId && !isRelation(model, relationId)) continue;
    yield {
      ...shared,
      locktype: 'relation',
      database: session.databaseId,
      relation: relationId,
      mode: MODES[mode] ?? '',
      granted,
      fastpath: granted && mode <= FAST_MODE_MAX,
      waitstart: moment(waitStart),
    };
  }
  yield {
    ...{ ...shared, locktype: 'virtualxid', virtualxid: session.virtualTransaction },
    ...{ mode: 'ExclusiveLock', fastpath: true },
  };
  const xid = shownXid(session, report);
  if (xid !== 0)
    yield {
      ...{ ...shared, locktype: 'transactionid', transactionid: xid },
      ...{ mode: 'ExclusiveLock', fastpath: false },
    };
}

function* waitRows(session: ReportedSession, report: LockReport): Iterable<Values> {
  if (session.txn === '') return;
  for (const { waiter, holder, since, advisory } of report.waits) {
    if (advisory || waiter !== session.txn) continue;
    const of = report.sessions.find((one) => one.txn === holder);
    yield {
      locktype: 'transactionid',
      transactionid: of === undefined ? xidOfUnknown(holder) : shownXid(of, report),
      virtualtransaction: session.virtualTransaction,
      pid: session.processId,
      mode: 'ShareLock',
      granted: false,
      fastpath: false,
      waitstart: moment(since),
    };
  }
}
