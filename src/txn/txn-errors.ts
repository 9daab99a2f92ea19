/** What a transaction tells its caller when a range refused: PostgreSQL's SQLSTATE, DETAIL and HINT. */
import { QuoralError } from '../base/errors.js';
import type { Timestamp } from '../base/ids.js';
import { formatKey, type Key } from '../base/key.js';
import { mark } from '../base/probes.js';
import { KvError } from '../range/kv-errors.js';
import { KeyExistsError } from './errors.js';

const RETRY_HINT = 'The transaction might succeed if retried.';

export function conflictError(
  message: string,
  key: Key,
  conflictTs: Timestamp,
  readTs: Timestamp,
  cause?: unknown,
): QuoralError {
  return new QuoralError('40001', `could not serialize access due to ${message}`, {
    retry: 'transaction',
    fields: {
      detail: `Key ${formatKey(key)} was written at ${conflictTs}, after this transaction read at ${readTs}.`,
      hint: RETRY_HINT,
    },
    cause,
  });
}

/** A refresh found that what was read has changed. */
export function changedError(key: Key, from: Timestamp, to: Timestamp, cause?: unknown): QuoralError {
  return new QuoralError('40001', 'could not serialize access due to read/write dependencies among transactions', {
    retry: 'transaction',
    fields: {
      detail: `Key ${formatKey(key)} was read at ${from} and written by another transaction by ${to}.`,
      hint: RETRY_HINT,
    },
    cause,
  });
}

export function retryError(message: string, detail?: string, cause?: unknown): QuoralError {
  return new QuoralError('40001', message, { retry: 'transaction', fields: { detail, hint: RETRY_HINT }, cause });
}

export function ambiguousError(detail: string, cause?: unknown): QuoralError {
  mark('ambiguous-result');
  return new QuoralError('40003', 'the outcome of the transaction is unknown', {
    retry: 'unknown',
    fields: { detail, hint: 'It may or may not have been committed. Check before repeating it.' },
    cause,
  });
}

/** The timestamp to which the reads must move for the request to succeed, and why. */
export function conflictOf(error: unknown): { readonly key: Key; readonly ts: Timestamp } | null {
  if (!(error instanceof KvError)) return null;
  const detail = error.detail;
  if (detail.kind === 'uncertainty' || detail.kind === 'write-too-old') return { key: detail.key, ts: detail.retryTs };
  if (detail.kind === 'retry' && detail.reason === 'pushed') return { key: detail.key, ts: detail.retryTs };
  return null;
}

/** Turns what the ranges say into what SQL shows. Errors that are no KvError pass as they are. */
export function clientError(error: unknown, readTs: Timestamp): unknown {
  if (!(error instanceof KvError)) return error;
  const detail = error.detail;
  switch (detail.kind) {
    case 'key-exists':
      return new KeyExistsError(detail.key, detail.existing);
    case 'uncertainty':
      return conflictError('a write within the uncertainty of the clocks', detail.key, detail.retryTs, readTs, error);
    case 'write-too-old':
    case 'retry':
      return conflictError('concurrent update', detail.key, detail.retryTs, readTs, error);
    case 'aborted':
      return retryError('could not serialize access: the transaction was aborted by another', detail.reason, error);
    case 'deadlock':
      return new QuoralError('40P01', 'deadlock detected', {
        retry: 'transaction',
        fields: { detail: detail.cycle, hint: RETRY_HINT },
        cause: error,
      });
    case 'ambiguous':
      return ambiguousError(detail.reason, error);
    case 'not-leaseholder':
    case 'range-mismatch':
    case 'range-not-found':
    case 'one-phase-refused':
      return retryError(error.message, undefined, error);
    case 'lock-not-available':
    case 'unavailable':
      return error;
    default:
      return error;
  }
}
