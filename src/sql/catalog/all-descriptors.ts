/** Everything in the catalog at one moment, for what shows all of it. A descriptor that has not changed is decoded once. */
import { prefixEnd } from '../../base/key.js';
import { SYSTEM_KEYS } from '../../encoding/keyspace.js';
import type { KvTxn } from '../../txn/kv-txn.js';
import type { Catalog } from './catalog.js';
import { decodeDescriptor } from './codec.js';
import type { Descriptor } from './descriptor.js';

/** Decoded descriptors by their stored bytes, so that an unchanged catalog is parsed once. */
const decodedRows = new WeakMap<Catalog, Map<string, { readonly bytes: Buffer; readonly descriptor: Descriptor }>>();

/** As committed now, in a transaction of its own. */
export async function readAllDescriptors(catalog: Catalog): Promise<Descriptor[]> {
  const previous = decodedRows.get(catalog);
  const current = new Map<string, { readonly bytes: Buffer; readonly descriptor: Descriptor }>();
  const found = await catalog.db.run({ isolation: 'serializable', readOnly: true, name: 'catalog' }, async (txn) => {
    current.clear();
    let start: string | null = SYSTEM_KEYS.descriptors;
    const end = prefixEnd(SYSTEM_KEYS.descriptors);
    const descriptors: Descriptor[] = [];
    while (start !== null) {
      const page: Awaited<ReturnType<KvTxn['scan']>> = await txn.scan({ start, end, maxBytes: 4 << 20 });
      page.keys.forEach((key, i) => {
        const bytes = page.values[i]!;
        const known = previous?.get(key);
        const row =
          known !== undefined && known.bytes.equals(bytes) ? known : { bytes, descriptor: decodeDescriptor(bytes) };
        current.set(key, row);
        descriptors.push(row.descriptor);
      });
      start = page.resumeKey;
    }
    return descriptors;
  });
  decodedRows.set(catalog, current);
  return found;
}
