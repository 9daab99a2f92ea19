/**
 * UNIQUE and PRIMARY KEY constraints that are DEFERRABLE: checked when a statement has written all its rows, or at
 * the end of the transaction.
 *
 * Equal keys may stand side by side until then. So an entry of such an index has the primary key's columns in its
 * own key, as that of an index that is not unique, and a row lies under a hidden row id if it is the PRIMARY KEY that
 * is deferrable. Writing a row with a new key leaves a claim to it: the key of its columns, which begins the keys of
 * all entries with these values and is itself never written. A claim says where to look, never what was found, so
 * one that was undone by a savepoint does no harm.
 *
 * A check takes the lock of the claimed key, then counts the entries under it, as they are now: more than one is a
 * violation. It is an error, or noted to be looked at again if the constraint is deferred.
 *
 * Invariant: no two transactions commit rows with one key.
 * - Whoever writes a row with the key checks it before the commit, so both hold the lock from the check on: the
 *   later of the two counts what the first has committed.
 * - Locks live in the memory of a leaseholder and may be lost with it. What was counted is therefore verified by the
 *   commit at every isolation level: nobody may have written there since.
 * - Between statements nothing is left of a constraint that is checked at once (`statement` is empty).
 * - `deferred` keeps a violation to the end of the transaction, also once it is made good: what made it good may be
 *   undone by a savepoint. What held at the end of its statement need not be kept, as only another claim can break it.
 *
 * Fails: 23505; 40001 where another has committed the key meanwhile and the snapshot cannot move.
 *
 * Limits: one look for each new key, 16 under way at a time, so that loading many rows is several times slower than
 * under a constraint that is not deferrable. Of two transactions that write one key the second waits at the end of
 * its statement also if the constraint is deferred (PostgreSQL: at its commit).
 */
import { type Key, prefixEnd } from '../../base/key.js';
import type { KvTxn } from '../../txn/kv-txn.js';
import type { MemoryAccount } from '../contract.js';
import type { Datum } from '../types/datum.js';
import type { FormatContext } from '../types/type-info.js';
import { foreignKeyQueue } from './foreign-key-queue.js';
import type { IndexCodec } from './index-codec.js';
import type { Row } from './run.js';
import { duplicateKey, type NamedTable } from './unique-violation.js';

const CROWDED = 5_000;
const CLAIM_BYTES = 256;
const CHUNK_KEYS = 500;
const SCANS_AT_A_TIME = 16;

interface Claim {
  readonly key: Key;
  readonly place: NamedTable;
  readonly index: IndexCodec;
  /** Of the index's columns. */
  readonly values: readonly Datum[];
}

class ClaimQueue {
  statement = new Map<Key, Claim>();
  readonly deferred = new Map<Key, Claim>();
  limit = CROWDED;
  /** Claims of the statement that its memory account knows of. */
  accounted = 0;
}

const queues = new WeakMap<KvTxn, ClaimQueue>();

/** A row was written: `before` null for a new one. */
export function claimKeys(
  txn: KvTxn,
  place: NamedTable,
  indexes: readonly IndexCodec[],
  before: Row | null,
  after: Row,
): void {
  for (const index of indexes) {
    const key = index.uniqueKey(after);
    if (key === null || (before !== null && index.uniqueKey(before) === key)) continue;
    let queue = queues.get(txn);
    if (queue === undefined) {
      queue = new ClaimQueue();
      queues.set(txn, queue);
    }
    queue.statement.set(key, { key, place, index, values: index.columnValues(after) });
  }
}

/** A statement begins: what a failed one before it left is void. */
export function beginClaims(txn: KvTxn): void {
  const queue = queues.get(txn);
  if (queue === undefined) return;
  queue.statement.clear();
  queue.accounted = 0;
  queue.limit = CROWDED;
}

/** Statements within another one begin: what is pending of that one is back when they are over. */
export function nestClaims(txn: KvTxn): () => void {
  const queue = queues.get(txn);
  if (queue === undefined) return () => beginClaims(txn);
  const { statement, accounted, limit } = queue;
  queue.statement = new Map();
  beginClaims(txn);
  return () => Object.assign(queue, { statement, accounted, limit });
}

export function claimsPending(txn: KvTxn): boolean {
  return (queues.get(txn)?.statement.size ?? 0) > 0;
}

/** The statement's rows are written. @throws QuoralError 23505 */
export async function settleClaims(txn: KvTxn, format: FormatContext): Promise<void> {
  const queue = queues.get(txn);
  if (queue === undefined || queue.statement.size === 0) return;
  for (const claim of await violated([...queue.statement.values()], txn)) {
    if (!isDeferred(txn, claim)) throw violation(claim, format);
    queue.deferred.set(claim.key, claim);
  }
  queue.statement.clear();
}

/** Lets go of what holds already, when there is much. Violations stay: the statement may yet make them good. */
export async function relieveClaims(txn: KvTxn, memory: MemoryAccount): Promise<void> {
  const queue = queues.get(txn);
  if (queue === undefined || queue.statement.size <= queue.limit) return;
  const left = await violated([...queue.statement.values()], txn);
  queue.statement.clear();
  for (const claim of left) queue.statement.set(claim.key, claim);
  if (left.length > queue.accounted) memory.grow((left.length - queue.accounted) * CLAIM_BYTES);
  queue.accounted = Math.max(queue.accounted, left.length);
  queue.limit = Math.max(CROWDED, 2 * left.length);
}

/** The end of the transaction, or SET CONSTRAINTS … IMMEDIATE for those that `chosen` says. @throws QuoralError 23505 */
export async function checkDeferredClaims(
  txn: KvTxn,
  format: FormatContext,
  chosen: (constraintOid: number) => boolean,
): Promise<void> {
  const deferred = queues.get(txn)?.deferred;
  if (deferred === undefined || deferred.size === 0) return;
  // Like a statement of its own: at READ COMMITTED it sees what is committed by now.
  txn.beginStatement();
  const claims = [...deferred.values()].filter((claim) => chosen(claim.index.index.constraintOid!));
  const [first] = await violated(claims, txn);
  if (first !== undefined) throw violation(first, format);
}

/** Whether a violation in the table is yet to be looked at. */
export function hasDeferredClaims(txn: KvTxn, tableId: number): boolean {
  for (const { place } of queues.get(txn)?.deferred.values() ?? []) if (place.table.id === tableId) return true;
  return false;
}

function isDeferred(txn: KvTxn, { index }: Claim): boolean {
  const { deferrable, constraintOid } = index.index;
  return foreignKeyQueue(txn).isDeferred({
    deferrable: true,
    initiallyDeferred: deferrable!.initiallyDeferred,
    oid: constraintOid!,
  });
}

function violation({ place, index, values }: Claim, format: FormatContext): Error {
  return duplicateKey(place, index, values, format);
}

/** Those whose key more than one row has now. */
async function violated(claims: readonly Claim[], txn: KvTxn): Promise<readonly Claim[]> {
  // In the order of keys, so that two transactions do not wait for each other.
  const sorted = [...claims].sort((a, b) => (a.key < b.key ? -1 : 1));
  const found: Claim[] = [];
  for (let at = 0; at < sorted.length; at += CHUNK_KEYS) {
    const chunk = sorted.slice(at, at + CHUNK_KEYS);
    await txn.getMany(
      chunk.map((c) => c.key),
      { lock: 'exclusive' },
    );
    for (let from = 0; from < chunk.length; from += SCANS_AT_A_TIME) {
      const some = chunk.slice(from, from + SCANS_AT_A_TIME);
      const several = await Promise.all(some.map((claim) => hasSeveral(claim.key, txn)));
      found.push(...some.filter((_, i) => several[i]));
    }
  }
  return found;
}

async function hasSeveral(key: Key, txn: KvTxn): Promise<boolean> {
  const end = prefixEnd(key);
  let start: Key | null = key;
  let count = 0;
  while (start !== null && count < 2) {
    const page: Awaited<ReturnType<KvTxn['scan']>> = await txn.scan({
      start,
      end,
      maxRows: 2,
      lock: 'exclusive',
      verified: true,
    });
    count += page.keys.length;
    start = page.resumeKey;
  }
  return count > 1;
}
