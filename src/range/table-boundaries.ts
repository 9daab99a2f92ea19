/**
 * When the tables of one range part, and where.
 *
 * A new table begins in the range that its keys fall into, with the tables made before it: a range of its own costs
 * more than everything else of a CREATE TABLE, and most tables (of a test suite, of a schema's small lists) never need
 * one; transactions over tables of one range commit in one round. Tables part when together they hold much, or
 * are asked for so often that one leaseholder's core is too little.
 *
 * Limits: what dropped tables have left behind counts as theirs; a range that is busy because of one table alone is
 * divided all the same, once for each neighbour with rows.
 */
import type { Key } from '../base/key.js';
import { storageOf, TABLE_PREFIX, tablePrefix } from '../encoding/keyspace.js';
import type { Engine } from '../storage/engine.js';
import { decodeVersionKey, versionPrefix } from '../storage/mvcc-key.js';
import type { RangeDescriptor } from './kv-api.js';
import type { Replica } from './replica.js';
import type { Store } from './store.js';

/** Of all tables of a range together; less if ranges themselves may be no larger than eight times that. */
const SHARED_BYTES_MAX = 16 << 20;
/** As RangeLoad counts: at a steady rate the sum is twice the requests of a second. */
const SHARED_LOAD_MAX = 2_000;
/** Tables looked at for a boundary: a seek for each. */
const TABLES_MAX = 128;

/** Whether the tables of the range, if there are several, should part. */
export function sharedTooMuch(store: Store, replica: Replica): boolean {
  const { descriptor } = replica;
  if (descriptor.end <= TABLE_PREFIX) return false;
  if (replica.load.total >= SHARED_LOAD_MAX) return true;
  return store.bytesOf(descriptor) > Math.min(SHARED_BYTES_MAX, store.options.rangeBytesMax / 8);
}

/** Where a table begins, with rows of others before it, so that the halves are as equal as they get; null: one table. */
export function findTableBoundary(engine: Engine, descriptor: RangeDescriptor): Key | null {
  const { start, end } = descriptor;
  const starts: Key[] = [];
  let from = start > TABLE_PREFIX ? start : TABLE_PREFIX;
  while (starts.length < TABLES_MAX) {
    const row = engine.first('versions', versionPrefix(from), versionPrefix(end));
    if (row === null) break;
    const storageId = storageOf(decodeVersionKey(row.key).key);
    if (storageId === null) break;
    starts.push(tablePrefix(storageId));
    from = tablePrefix(storageId + 1);
  }
  const boundaries = starts.slice(1);
  const total = engine.approximateBytes(start, end);
  let best: Key | null = null;
  let bestUneven = Infinity;
  for (const [i, boundary] of boundaries.entries()) {
    const before = total > 0 ? engine.approximateBytes(start, boundary) / total : (i + 1) / starts.length;
    const uneven = Math.abs(before - 0.5);
    if (uneven < bestUneven) [best, bestUneven] = [boundary, uneven];
  }
  return best;
}
