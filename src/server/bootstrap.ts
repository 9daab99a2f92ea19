/**
 * What the ranges of a new cluster start with. Every node of the initial set writes exactly the
 * same, so that the first Raft groups begin with equal state and without a leader to copy from.
 */
import type { NodeId } from '../base/ids.js';
import { KEY_MAX, KEY_MIN } from '../base/key.js';
import { localDescriptorKey, metaKey, SYSTEM_KEYS, TABLE_PREFIX } from '../encoding/keyspace.js';
import { encodeCounter } from '../range/eval/write.js';
import type { RangeDescriptor } from '../range/kv-api.js';
import { encodeRangeDescriptor } from '../range/range-descriptor-codec.js';
import { Store } from '../range/store.js';
import type { Engine } from '../storage/engine.js';
import { mvccPut } from '../storage/mvcc.js';

/** Older than every transaction. */
const BOOTSTRAP_TS = 1;

export function initialDescriptors(nodes: readonly NodeId[]): RangeDescriptor[] {
  const replicas = nodes.map((nodeId) => ({ nodeId, type: 'voter' as const }));
  return [
    { rangeId: 1, start: KEY_MIN, end: TABLE_PREFIX, replicas, generation: 1 },
    { rangeId: 2, start: TABLE_PREFIX, end: KEY_MAX, replicas, generation: 1 },
  ];
}

export function writeBootstrapState(engine: Engine, nodes: readonly NodeId[]): void {
  const descriptors = initialDescriptors(nodes);
  Store.writeInitialRanges(engine, descriptors, (batch) => {
    for (const descriptor of descriptors) {
      const bytes = encodeRangeDescriptor(descriptor);
      mvccPut(batch, metaKey(descriptor.start), BOOTSTRAP_TS, bytes, false);
      mvccPut(batch, localDescriptorKey(descriptor.start), BOOTSTRAP_TS, bytes, false);
    }
    const rangeIds = encodeCounter(descriptors.length);
    mvccPut(batch, SYSTEM_KEYS.rangeIdCounter, BOOTSTRAP_TS, rangeIds, false);
  });
}
