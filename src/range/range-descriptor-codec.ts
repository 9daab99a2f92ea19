/** Range descriptors as stored under /meta, range-local keys and in replicas' state. Golden-tested. */
import { RangeDescriptor as Wire } from '../encoding/proto/kv.js';
import { bytesToKey, keyToBytes } from '../base/key.js';
import type { RangeDescriptor } from './kv-api.js';

export function descriptorToWire(d: RangeDescriptor): Wire {
  return {
    rangeId: d.rangeId,
    start: keyToBytes(d.start),
    end: keyToBytes(d.end),
    replicas: d.replicas.map((r) => ({ nodeId: r.nodeId, learner: r.type === 'learner' })),
    generation: d.generation,
  };
}

export function descriptorFromWire(w: Wire): RangeDescriptor {
  return {
    rangeId: w.rangeId,
    start: bytesToKey(w.start),
    end: bytesToKey(w.end),
    replicas: w.replicas.map((r) => ({ nodeId: r.nodeId, type: r.learner ? 'learner' : 'voter' })),
    generation: w.generation,
  };
}

export function encodeRangeDescriptor(d: RangeDescriptor): Uint8Array {
  return Wire.encode(descriptorToWire(d)).finish();
}

export function decodeRangeDescriptor(bytes: Uint8Array): RangeDescriptor {
  return descriptorFromWire(Wire.decode(bytes));
}
