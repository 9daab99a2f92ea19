/**
 * Descriptors are written here and nowhere else, but for those that a cluster begins with: before a transaction that has
 * written some commits, it adds their ids to one of a few rows of changes. Whoever has read all descriptors and then finds
 * these rows as they were need not read them again; who finds a row changed learns from it which ones to read. So
 * a statement over the catalogs costs a read of a few keys, not of every table's descriptor, and after a schema
 * change a read of what was changed, however many other descriptors there are or ever were: a scan of them would step over all
 * that were ever dropped, since dead versions stay.
 *
 * A row is a list of the latest changes, oldest first: one line each, a token that no other change has, and the ids. It is
 * read under an exclusive lock that is held to the commit, so the order of its lines is that in which they
 * were committed, and none is missing between two of them. That lock is the last thing that a transaction takes before it commits, so
 * nobody waits for long; that there are several rows lets transactions commit at once that have nothing else in common.
 *
 * Invariants
 * - A transaction that commits a change of a descriptor commits a line for it (asserted after the commit).
 * - After a line that a reader knows to be the last that it has seen, the lines name every change since.
 *
 * What breaks it: a descriptor written around this file; a node of an older version in the same cluster that writes its
 * token without having read the row (whoever knew a line of it then reads all descriptors).
 */
import { assert } from '../../base/assert.js';
import type { Key } from '../../base/key.js';
import { SYSTEM_KEYS } from '../../encoding/keyspace.js';
import type { KvTxn } from '../../txn/kv-txn.js';
import type { Catalog } from './catalog.js';
import { encodeDescriptor } from './codec.js';
import type { Descriptor } from './descriptor.js';

const SHARDS = 8;
/** Lines of a row: who has missed more reads everything. */
const LINES_MAX = 32;
/** Ids of a line: of more it says so, and whoever needs them reads everything. */
const IDS_MAX = 200;
const MANY = '*';

export const CHANGE_KEYS: readonly Key[] = Array.from({ length: SHARDS }, (_, shard) =>
  SYSTEM_KEYS.descriptorChange(shard),
);

/** What a transaction has changed and not yet said. */
const unsaid = new WeakMap<KvTxn, Set<number>>();

export function putDescriptor(txn: KvTxn, descriptor: Descriptor): void {
  txn.put(SYSTEM_KEYS.descriptor(descriptor.id), encodeDescriptor(descriptor));
  noteId(txn, descriptor.id);
}

export function deleteDescriptor(txn: KvTxn, id: number): void {
  txn.delete(SYSTEM_KEYS.descriptor(id));
  noteId(txn, id);
}

/** What a rollback to a savepoint takes back stays in it: naming too much does no harm. */
function noteId(txn: KvTxn, id: number): void {
  let ids = unsaid.get(txn);
  if (ids === undefined) {
    unsaid.set(txn, (ids = new Set()));
    txn.onCommit(() => assert(!unsaid.has(txn), 'a change of descriptors was committed that no row of changes has'));
  }
  ids.add(id);
}

/** To be awaited right before the commit. null: no descriptor was changed. */
export function sayChanges(txn: KvTxn, tokens: Pick<Catalog, 'newToken'>): Promise<void> | null {
  const ids = unsaid.get(txn);
  return ids === undefined ? null : addLine(txn, tokens.newToken(), ids);
}

async function addLine(txn: KvTxn, token: string, ids: ReadonlySet<number>): Promise<void> {
  const key = CHANGE_KEYS[txn.id.charCodeAt(txn.id.length - 1) % SHARDS]!;
  const before = linesOf(await txn.get(key, { lock: 'exclusive' }));
  const line = [token, ...(ids.size > IDS_MAX ? [MANY] : ids)].join(' ');
  txn.put(key, Buffer.from([...before.slice(1 - LINES_MAX), line].join('\n'), 'latin1'));
  unsaid.delete(txn);
}

function linesOf(row: Buffer | null): string[] {
  return row === null ? [] : row.latin1Slice().split('\n');
}

/** True if no descriptor was changed between the two reads of the rows of changes. */
export function sameChanges(before: readonly (Buffer | null)[], now: readonly (Buffer | null)[]): boolean {
  return now.every((row, i) => sameRow(before[i]!, row));
}

function sameRow(before: Buffer | null, now: Buffer | null): boolean {
  return now === null ? before === null : before !== null && before.equals(now);
}

/** The ids of all descriptors that were changed between the two reads; null: that cannot be told. */
export function changedIds(
  before: readonly (Buffer | null)[],
  now: readonly (Buffer | null)[],
): ReadonlySet<number> | null {
  const ids = new Set<number>();
  for (const [i, row] of now.entries()) {
    if (sameRow(before[i]!, row)) continue;
    const seen = linesOf(before[i]!).at(-1);
    const lines = linesOf(row);
    const at = seen === undefined ? -1 : lines.lastIndexOf(seen);
    // A row that was not there then has all of its lines until it is full.
    if (at < 0 && (seen !== undefined || lines.length === LINES_MAX)) return null;
    for (const line of lines.slice(at + 1)) {
      const [, ...named] = line.split(' ');
      if (named.length === 0 || named[0] === MANY) return null;
      for (const id of named) ids.add(Number(id));
    }
  }
  return ids;
}
