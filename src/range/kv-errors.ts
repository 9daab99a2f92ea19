/**
 * What can go wrong with a KV batch, as data. A KvError crosses nodes whole (src/range/kv-codec.ts).
 * Routing errors never leave src/txn; the others become what SQL shows.
 */
import { QuoralError, type RetryScope } from '../base/errors.js';
import type { Key } from '../base/key.js';
import type { NodeId, Timestamp } from '../base/ids.js';
import type { RangeDescriptor } from './kv-api.js';

export type KvErrorDetail =
  /** The request was not evaluated: try the named node (0 = unknown), or the others. */
  | { readonly kind: 'not-leaseholder'; readonly leaseholder: NodeId; readonly descriptor: RangeDescriptor | null }
  /** The keys are not all in this range: these are the ranges this node knows there. Not evaluated. */
  | { readonly kind: 'range-mismatch'; readonly descriptors: readonly RangeDescriptor[] }
  | { readonly kind: 'range-not-found' }
  /** The range cannot serve now (no quorum, no lease yet, overload, draining); not evaluated. */
  | { readonly kind: 'unavailable'; readonly reason: string }
  /** Proposed, but leadership was lost before its fate was known. */
  | { readonly kind: 'ambiguous'; readonly reason: string }
  /** Move readTs to at least retryTs (refresh), or restart. */
  | { readonly kind: 'uncertainty'; readonly key: Key; readonly retryTs: Timestamp }
  | { readonly kind: 'write-too-old'; readonly key: Key; readonly retryTs: Timestamp }
  /** Refresh found a newer write; or a lost lock: the transaction (statement) must be run again. */
  | {
      readonly kind: 'retry';
      readonly reason: 'refresh-failed' | 'lost-lock' | 'pushed';
      readonly key: Key;
      readonly retryTs: Timestamp;
    }
  /** The record says aborted (pushed, deadlock victim, expired). */
  | { readonly kind: 'aborted'; readonly reason: string }
  | { readonly kind: 'key-exists'; readonly key: Key; readonly existing: Uint8Array }
  | { readonly kind: 'lock-not-available'; readonly key: Key }
  | { readonly kind: 'deadlock'; readonly cycle: string }
  /** A 'one-phase' batch could not be evaluated as such; nothing was written. Use two phases. */
  | { readonly kind: 'one-phase-refused'; readonly reason: string };

const SQLSTATES: Record<KvErrorDetail['kind'], { sqlstate: string; retry: RetryScope }> = {
  'not-leaseholder': { sqlstate: '40001', retry: 'transaction' },
  'range-mismatch': { sqlstate: '40001', retry: 'transaction' },
  'range-not-found': { sqlstate: '40001', retry: 'transaction' },
  unavailable: { sqlstate: '57P03', retry: 'transaction' },
  ambiguous: { sqlstate: '40003', retry: 'unknown' },
  uncertainty: { sqlstate: '40001', retry: 'transaction' },
  'write-too-old': { sqlstate: '40001', retry: 'transaction' },
  retry: { sqlstate: '40001', retry: 'transaction' },
  aborted: { sqlstate: '40001', retry: 'transaction' },
  'key-exists': { sqlstate: '23505', retry: 'none' },
  'lock-not-available': { sqlstate: '55P03', retry: 'none' },
  deadlock: { sqlstate: '40P01', retry: 'transaction' },
  'one-phase-refused': { sqlstate: '40001', retry: 'transaction' },
};

export class KvError extends QuoralError {
  override readonly name = 'KvError';
  readonly detail: KvErrorDetail;
  constructor(detail: KvErrorDetail, message?: string) {
    const { sqlstate, retry } = SQLSTATES[detail.kind];
    super(sqlstate, message ?? describeKvError(detail), { retry });
    this.detail = detail;
  }
}

export function describeKvError(detail: KvErrorDetail): string {
  switch (detail.kind) {
    case 'deadlock':
      return 'deadlock detected';
    case 'lock-not-available':
      return 'could not obtain lock on row';
    case 'ambiguous':
      return `result of the statement is unknown: ${detail.reason}`;
    case 'unavailable':
      return `range is unavailable: ${detail.reason}`;
    case 'key-exists':
      return 'duplicate key value violates unique constraint';
    case 'aborted':
      return `could not serialize access: transaction was aborted (${detail.reason})`;
    default:
      return `could not serialize access due to concurrent update (${detail.kind})`;
  }
}
