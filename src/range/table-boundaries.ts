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

/** Tables looked at where nothing is known of their bytes: a seek for each. */
const TABLES_MAX = 128;

/** Whether the tables of the range, if there are several, should part. */
export function sharedTooMuch(store: Store, replica: Replica): boolean {
  const { descriptor } = replica;
  if (descriptor.end <= TABLE_PREFIX) return false;
  if (replica.load.total >= SHARED_LOAD_MAX) return true;
  return store.bytesOf(descriptor) > Math.min(SHARED_BYTES_MAX, store.options.rangeBytesMax / 8);
}

/**
 * Where a table begins, with rows of others before it, so that the halves are as equal as they get; null: one table. That is where the table in the
 * middle of the bytes begins, or where it ends.
 */
export function findTableBoundary(engine: Engine, descriptor: RangeDescriptor): Key | null {
  const { start, end } = descriptor;
  const tableFrom = (from: Key): number | null => {
    const row = engine.first('versions', versionPrefix(from), versionPrefix(end));
    return row === null ? null : storageOf(decodeVersionKey(row.key).key);
  };
  const first = tableFrom(start > TABLE_PREFIX ? start : TABLE_PREFIX);
  if (first === null) return null;
  const known = engine.approximateMiddle(start, end);
  const middle = (known === null ? inMiddleByCount(first, tableFrom) : storageOf(decodeVersionKey(known).key)) ?? first;
  const behind = tableFrom(tablePrefix(middle + 1));
  const next = behind === null ? null : tablePrefix(behind);
  if (middle <= first) return next;
  const own = tablePrefix(middle);
  if (next === null) return own;
  const half = engine.approximateBytes(start, end) / 2;
  const uneven = (boundary: Key): number => Math.abs(engine.approximateBytes(start, boundary) - half);
  return uneven(own) <= uneven(next) ? own : next;
}

/** Of small tables nobody knows the bytes: the middle one of the first of them. */
function inMiddleByCount(first: number, tableFrom: (from: Key) => number | null): number {
  const tables = [first];
  while (tables.length < TABLES_MAX) {
    const next = tableFrom(tablePrefix(tables.at(-1)! + 1));
    if (next === null) break;
    tables.push(next);
  }
  return tables[tables.length >> 1]!;
}
