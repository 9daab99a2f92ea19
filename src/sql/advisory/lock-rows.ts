/**
 * The rows of advisory locks: who holds a lock and who waits for it, changed by small transactions of their
 * own. Invariant: of two holders of different sessions, both alive, neither is exclusive. advisory-locks.ts
 * has the protocol around it.
 */
import type { Key } from '../../base/key.js';
import type { KvDb, KvTxn } from '../../txn/kv-txn.js';
import { againIfUnknown } from '../catalog/again.js';
import { decodeLockRow, decodeNodeLease, encodeLockRow, entryId, leaseKey } from './codec.js';
import type { Entry, LockRow } from './codec.js';

const TXN = { isolation: 'serializable', name: 'advisory lock' } as const;

function sameSession(a: Entry, b: Entry): boolean {
  return a.incarnation === b.incarnation && a.processId === b.processId;
}
function conflict(a: Entry, b: Entry): boolean {
  return (a.exclusive || b.exclusive) && !sameSession(a, b);
}

/**
 * Whom the request has to wait for: holders, and whoever waits before it. A session that has the lock
 * in the other mode passes the queue: those in it wait for itself.
 */
export function blockersOf(row: LockRow, request: Entry): Entry[] {
  const blockers = row.holders.filter((holder) => conflict(holder, request));
  if (row.holders.some((holder) => sameSession(holder, request))) return blockers;
  for (const waiter of row.waiters) {
    if (entryId(waiter) === entryId(request)) break;
    if (conflict(waiter, request)) blockers.push(waiter);
  }
  return blockers;
}

/** Waiters that have nothing to wait for any more. */
function grantable(row: LockRow): Entry[] {
  return row.waiters.filter((waiter) => blockersOf(row, waiter).length === 0);
}

async function read(txn: KvTxn, key: Key): Promise<LockRow> {
  return decodeLockRow(await txn.get(key, { lock: 'exclusive' }));
}
function write(txn: KvTxn, key: Key, row: LockRow): void {
  if (row.holders.length + row.waiters.length === 0) txn.delete(key);
  else txn.put(key, encodeLockRow(row));
}
function without(entries: readonly Entry[], ids: ReadonlySet<string>): Entry[] {
  return entries.filter((entry) => !ids.has(entryId(entry)));
}

/** Empty: the lock is granted. Otherwise the request is in the queue, if it is to wait. May be repeated. */
export function request(
  db: KvDb,
  key: Key,
  entry: Entry,
  { waits, signal }: { readonly waits: boolean; readonly signal: AbortSignal | null },
): Promise<Entry[]> {
  const options = signal === null ? TXN : { ...TXN, signal };
  const id = entryId(entry);
  const own = new Set([id]);
  return againIfUnknown(() =>
    db.run(options, async (txn) => {
      const row = await read(txn, key);
      if (row.holders.some((holder) => entryId(holder) === id)) return [];
      const blockers = blockersOf(row, entry);
      if (blockers.length === 0) {
        write(txn, key, { holders: [...row.holders, entry], waiters: without(row.waiters, own) });
      } else if (waits && !row.waiters.some((waiter) => entryId(waiter) === id)) {
        write(txn, key, { ...row, waiters: [...row.waiters, entry] });
      }
      return blockers;
    }),
  );
}

/** Takes the entries out; returns those that may go on now. */
export function remove(db: KvDb, key: Key, ids: ReadonlySet<string>): Promise<Entry[]> {
  return againIfUnknown(() => db.run(TXN, (txn) => take(txn, key, ids)));
}

async function take(txn: KvTxn, key: Key, ids: ReadonlySet<string>): Promise<Entry[]> {
  const row = await read(txn, key);
  const left: LockRow = { holders: without(row.holders, ids), waiters: without(row.waiters, ids) };
  if (left.holders.length + left.waiters.length < row.holders.length + row.waiters.length) write(txn, key, left);
  return grantable(left);
}

/**
 * Takes out the entries of a life of a node that cannot be asked, if that life is over: its lease has run
 * out, which takes the lease away with it, or is another's. null: it may be alive.
 */
export function removeExpired(db: KvDb, key: Key, entries: readonly Entry[]): Promise<Entry[] | null> {
  const [first] = entries;
  const { node, incarnation } = first!;
  return againIfUnknown(() =>
    db.run(TXN, async (txn) => {
      const lease = decodeNodeLease(await txn.get(leaseKey(node), { lock: 'exclusive' }));
      if (lease !== null && lease.incarnation === incarnation) {
        if (lease.until > db.now()) return null;
        txn.delete(leaseKey(node));
      }
      return take(txn, key, new Set(entries.map(entryId)));
    }),
  );
}
