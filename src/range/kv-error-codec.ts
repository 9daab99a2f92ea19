/** KvError details as the opaque payload of an RPC error (proto/kv.proto KvErrorDetail). */
import * as wire from '../encoding/proto/kv.js';
import { bytesToKey, keyToBytes } from '../base/key.js';
import { KvError, type KvErrorDetail } from './kv-errors.js';
import { descriptorFromWire, descriptorToWire } from './range-descriptor-codec.js';

const KINDS: readonly KvErrorDetail['kind'][] = [
  'not-leaseholder',
  'range-mismatch',
  'range-not-found',
  'unavailable',
  'ambiguous',
  'uncertainty',
  'write-too-old',
  'retry',
  'aborted',
  'key-exists',
  'lock-not-available',
  'deadlock',
  'one-phase-refused',
];
const REASONS = ['refresh-failed', 'lost-lock', 'pushed'] as const;

/** null for errors that are not KvErrors. */
export function encodeKvError(error: unknown): Uint8Array | null {
  if (!(error instanceof KvError)) return null;
  const d = error.detail;
  const w: wire.KvErrorDetail = {
    kind: KINDS.indexOf(d.kind),
    leaseholder: d.kind === 'not-leaseholder' ? d.leaseholder : 0,
    descriptors: [],
    text: '',
    key: Buffer.alloc(0),
    retryTs: 0,
    existing: Buffer.alloc(0),
    retryReason: 0,
  };
  if (d.kind === 'not-leaseholder' && d.descriptor !== null) {
    w.descriptors = [descriptorToWire(d.descriptor)];
  }
  if (d.kind === 'range-mismatch') w.descriptors = d.descriptors.map(descriptorToWire);
  if ('reason' in d) {
    if (d.kind === 'retry') w.retryReason = REASONS.indexOf(d.reason);
    else w.text = d.reason;
  }
  if (d.kind === 'deadlock') w.text = d.cycle;
  if ('key' in d) w.key = keyToBytes(d.key);
  if ('retryTs' in d) w.retryTs = d.retryTs;
  if (d.kind === 'key-exists') w.existing = Buffer.from(d.existing);
  return wire.KvErrorDetail.encode(w).finish();
}

/** Rebuilds the KvError from its payload; null when the payload is of another kind or version. */
export function decodeKvError(payload: Uint8Array, message: string): KvError | null {
  const w = wire.KvErrorDetail.decode(payload);
  const detail = detailFromWire(w);
  return detail === null ? null : new KvError(detail, message);
}

function detailFromWire(w: wire.KvErrorDetail): KvErrorDetail | null {
  const kind = KINDS[w.kind];
  const key = bytesToKey(w.key);
  switch (kind) {
    case undefined:
      return null;
    case 'not-leaseholder': {
      const first = w.descriptors[0];
      const descriptor = first === undefined ? null : descriptorFromWire(first);
      return { kind, leaseholder: w.leaseholder, descriptor };
    }
    case 'range-mismatch':
      return { kind, descriptors: w.descriptors.map(descriptorFromWire) };
    case 'range-not-found':
      return { kind };
    case 'unavailable':
    case 'ambiguous':
    case 'aborted':
    case 'one-phase-refused':
      return { kind, reason: w.text };
    case 'uncertainty':
    case 'write-too-old':
      return { kind, key, retryTs: w.retryTs };
    case 'retry':
      return { kind, reason: REASONS[w.retryReason] ?? 'pushed', key, retryTs: w.retryTs };
    case 'key-exists':
      return { kind, key, existing: w.existing };
    case 'lock-not-available':
      return { kind, key };
    case 'deadlock':
      return { kind, cycle: w.text };
  }
}
