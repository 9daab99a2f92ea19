import type { Timestamp } from '../../src/base/ids.js';
import type { Key } from '../../src/base/key.js';
import type { TxnMeta } from '../../src/range/kv-api.js';

/** A serializable transaction of node 1 that begins at `now`, as its coordinator would describe it. `id` is filled up to 16 characters. */
export function txnMeta(id: string, anchorKey: Key, now: Timestamp, more: Partial<TxnMeta> = {}): TxnMeta {
  return {
    id: id.padEnd(16, '.'),
    anchorKey,
    epoch: 0,
    isolation: 'serializable',
    readTs: now,
    writeTs: now,
    minTs: now,
    uncertaintyLimit: now,
    coordinator: 1,
    name: 'test',
    ...more,
  };
}
