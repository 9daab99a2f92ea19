/**
 * Descriptors are written here and nowhere else, but for those that a cluster begins with: each write goes along with one of a few rows that only say that
 * something was changed. Whoever has read all descriptors and then finds these rows as they were need not read
 * the descriptors again: a statement over the catalogs costs a read of a few keys rather than of every table's descriptor,
 * which on another node than the leaseholder is a megabyte with 500 tables.
 *
 * Invariant: a transaction that commits a change of a descriptor commits a value that no row of changes ever had.
 * What breaks it: a descriptor written around this file; a node of an older version in the same cluster.
 *
 * There are several rows so that changes under way at once seldom meet in one; where they do, the second one merely gets
 * a later timestamp, for the row is written without having been read. A savepoint that is rolled back takes back
 * both, or neither.
 */
import { SYSTEM_KEYS } from '../../encoding/keyspace.js';
import type { Key } from '../../base/key.js';
import type { KvTxn } from '../../txn/kv-txn.js';
import type { Catalog } from './catalog.js';
import { encodeDescriptor } from './codec.js';
import type { Descriptor } from './descriptor.js';

const SHARDS = 8;

export const CHANGE_KEYS: readonly Key[] = Array.from({ length: SHARDS }, (_, shard) =>
  SYSTEM_KEYS.descriptorChange(shard),
);

/** Makes a token that nobody ever had. */
type NewToken = Pick<Catalog, 'newToken'>;

export function putDescriptor(txn: KvTxn, tokens: NewToken, descriptor: Descriptor): void {
  txn.put(SYSTEM_KEYS.descriptor(descriptor.id), encodeDescriptor(descriptor));
  noteChange(txn, tokens);
}

export function deleteDescriptor(txn: KvTxn, tokens: NewToken, id: number): void {
  txn.delete(SYSTEM_KEYS.descriptor(id));
  noteChange(txn, tokens);
}

/** In the row of the transaction: it has one, however many descriptors it changes. */
function noteChange(txn: KvTxn, tokens: NewToken): void {
  const shard = txn.id.charCodeAt(txn.id.length - 1) % SHARDS;
  txn.put(CHANGE_KEYS[shard]!, Buffer.from(tokens.newToken(), 'latin1'));
}

/** True if no descriptor was changed between the two reads of the rows of changes. */
export function sameChanges(before: readonly (Buffer | null)[], now: readonly (Buffer | null)[]): boolean {
  return now.every((value, i) => {
    const known = before[i]!;
    return value === null ? known === null : known !== null && known.equals(value);
  });
}
