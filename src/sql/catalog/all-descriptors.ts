/**
 * Everything in the catalog at one moment, for what shows all of it. Nothing is read again while no descriptor was
 * changed, and after a change only what was changed (descriptor-changes.ts says how that is known); one that has not
 * changed is decoded once.
 */
import { type Key, prefixEnd } from '../../base/key.js';
import { SYSTEM_KEYS } from '../../encoding/keyspace.js';
import type { KvTxn } from '../../txn/kv-txn.js';
import type { Catalog } from './catalog.js';
import { decodeDescriptor } from './codec.js';
import type { Descriptor } from './descriptor.js';
import { CHANGE_KEYS, changedIds, sameChanges } from './descriptor-changes.js';

/** More that have changed are found sooner by reading all. */
const CHANGED_MAX = 1_000;

interface Decoded {
  readonly bytes: Buffer;
  readonly descriptor: Descriptor;
}

interface Kept {
  readonly changes: readonly (Buffer | null)[];
  /** By their keys. */
  readonly rows: ReadonlyMap<Key, Decoded>;
  readonly descriptors: readonly Descriptor[];
}

const keptOf = new WeakMap<Catalog, Kept>();

/** As committed now, in a transaction of its own: the same array while nothing was changed. */
export async function readAllDescriptors(catalog: Catalog): Promise<readonly Descriptor[]> {
  const known = keptOf.get(catalog);
  if (known !== undefined && sameChanges(known.changes, await catalog.db.getMany(CHANGE_KEYS)))
    return known.descriptors;
  const read = await catalog.db.run({ isolation: 'serializable', readOnly: true, name: 'catalog' }, async (txn) => {
    const changes = (await txn.getMany(CHANGE_KEYS)).map((value) => value ?? null);
    const changed = known === undefined ? null : changedIds(known.changes, changes);
    const rows =
      known === undefined || changed === null || changed.size > CHANGED_MAX
        ? await readAll(txn, known?.rows)
        : await readChanged(txn, known.rows, changed);
    return { changes, rows, descriptors: Array.from(rows.values(), ({ descriptor }) => descriptor) };
  });
  keptOf.set(catalog, read);
  return read.descriptors;
}

function decoded(bytes: Buffer, known: Decoded | undefined): Decoded {
  return known !== undefined && known.bytes.equals(bytes) ? known : { bytes, descriptor: decodeDescriptor(bytes) };
}

async function readAll(txn: KvTxn, known: Kept['rows'] | undefined): Promise<Kept['rows']> {
  const rows = new Map<Key, Decoded>();
  const end = prefixEnd(SYSTEM_KEYS.descriptors);
  for (let start: Key | null = SYSTEM_KEYS.descriptors; start !== null;) {
    const page: Awaited<ReturnType<KvTxn['scan']>> = await txn.scan({ start, end, maxBytes: 4 << 20 });
    page.keys.forEach((key, i) => rows.set(key, decoded(page.values[i]!, known?.get(key))));
    start = page.resumeKey;
  }
  return rows;
}

async function readChanged(txn: KvTxn, known: Kept['rows'], ids: ReadonlySet<number>): Promise<Kept['rows']> {
  const keys = Array.from(ids, (id) => SYSTEM_KEYS.descriptor(id));
  const values = await txn.getMany(keys);
  const rows = new Map(known);
  for (const [i, key] of keys.entries()) {
    const bytes = values[i] ?? null;
    if (bytes === null) rows.delete(key);
    else rows.set(key, decoded(bytes, known.get(key)));
  }
  return rows;
}
