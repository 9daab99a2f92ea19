/**
 * Everything in the catalog at one moment, for what shows all of it. Nothing is read again while no descriptor was
 * changed (descriptor-changes.ts), and one that has not changed is decoded once.
 */
import { prefixEnd } from '../../base/key.js';
import { SYSTEM_KEYS } from '../../encoding/keyspace.js';
import type { KvTxn } from '../../txn/kv-txn.js';
import type { Catalog } from './catalog.js';
import { decodeDescriptor } from './codec.js';
import type { Descriptor } from './descriptor.js';
import { CHANGE_KEYS, sameChanges } from './descriptor-changes.js';

interface Decoded {
  readonly bytes: Buffer;
  readonly descriptor: Descriptor;
}

interface Kept {
  readonly changes: readonly (Buffer | null)[];
  /** By their keys, so that an unchanged one is not parsed again. */
  readonly rows: ReadonlyMap<string, Decoded>;
  readonly descriptors: readonly Descriptor[];
}

const keptOf = new WeakMap<Catalog, Kept>();

/** As committed now, in a transaction of its own: the same array while nothing was changed. */
export async function readAllDescriptors(catalog: Catalog): Promise<readonly Descriptor[]> {
  const known = keptOf.get(catalog);
  if (known !== undefined && sameChanges(known.changes, await catalog.db.getMany(CHANGE_KEYS)))
    return known.descriptors;
  const read = await catalog.db.run({ isolation: 'serializable', readOnly: true, name: 'catalog' }, (txn) =>
    readIn(txn, known),
  );
  keptOf.set(catalog, read);
  return read.descriptors;
}

async function readIn(txn: KvTxn, previous: Kept | undefined): Promise<Kept> {
  const changes = (await txn.getMany(CHANGE_KEYS)).map((value) => value ?? null);
  const rows = new Map<string, Decoded>();
  const descriptors: Descriptor[] = [];
  let start: string | null = SYSTEM_KEYS.descriptors;
  const end = prefixEnd(SYSTEM_KEYS.descriptors);
  while (start !== null) {
    const page: Awaited<ReturnType<KvTxn['scan']>> = await txn.scan({ start, end, maxBytes: 4 << 20 });
    page.keys.forEach((key, i) => {
      const bytes = page.values[i]!;
      const known = previous?.rows.get(key);
      const row =
        known !== undefined && known.bytes.equals(bytes) ? known : { bytes, descriptor: decodeDescriptor(bytes) };
      rows.set(key, row);
      descriptors.push(row.descriptor);
    });
    start = page.resumeKey;
  }
  return { changes, rows, descriptors };
}
