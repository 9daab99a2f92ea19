/**
 * Whether a message comes from before what a leaseholder can remember.
 *
 * A write that is delivered once more, or late, may be of a transaction that is over, whose record was collected. The
 * leaseholder of that time would know (txn-records.ts), a later one does not: to it a late staging looks like a
 * new one, and with all of its writes delivered late as well the transaction would be committed a second time, over what
 * came after it. So what makes a record or lays an intent is refused if it was sent before the lease began.
 * The router sends it again if it still waits for it, with a new time.
 */
import type { BatchRequest, KvRequest } from '../kv-api.js';
import type { RangeState } from './context.js';

export function sentTooEarly(range: RangeState, { header, requests }: BatchRequest): boolean {
  const { sentTs, txn } = header;
  if (sentTs === 0 || txn === null) return false;
  const { records, leaseStart } = range;
  if (sentTs <= leaseStart || sentTs <= records.writtenAfter) return true;
  return sentTs <= records.createdAfter && requests.some(makesRecord) && records.get(txn.id) === undefined;
}

function makesRecord({ kind }: KvRequest): boolean {
  return kind === 'end-txn' || kind === 'heartbeat-txn';
}

/** What must tell when it was sent. */
export function needsSentTs({ kind }: KvRequest): boolean {
  return kind === 'put' || kind === 'end-txn' || kind === 'heartbeat-txn';
}
