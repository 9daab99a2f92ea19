/**
 * Looks after transaction records that nobody else will: their coordinator's process is gone, and with it the queue that
 * would have removed them (txn/cleanup-queue.ts). Whoever meets an intent ends its transaction, but a record without
 * intents, or whose intents nobody meets, would stay for good; and one left STAGING should be decided while what tells of its
 * writes is certainly there (versions that other transactions may have overwritten).
 *
 * Only records whose node has started anew since the transaction began: then no coordinator can come back that would need
 * the record to learn of its end, however long it was cut off. What it sent is refused under later leases
 * (eval/sent.ts). A node that never returns leaves its records; they cost a hundred bytes each.
 */
import type { Timestamp } from '../base/ids.js';
import { mark } from '../base/probes.js';
import type { TransactionRecord } from '../storage/lock-record.js';
import type { Replica } from './replica.js';
import type { Store } from './store.js';

/** Of one turn. */
const RECORDS_MAX = 100;

export function sweepRecords(store: Store, silentMs: number): void {
  const now = store.hlc.now();
  let left = RECORDS_MAX;
  for (const replica of store.replicas()) {
    if (!replica.serving(now)) continue;
    for (const record of abandoned(store, replica, now - silentMs * 1_000)) {
      if (left-- === 0) return;
      mark('abandoned-record-swept');
      store.deps.pusher.finish(record).catch((error: unknown) => {
        store.env.logger.log('debug', 'an abandoned transaction record stays for now', { error: String(error) });
      });
    }
  }
}

function* abandoned(store: Store, replica: Replica, silentSince: Timestamp): IterableIterator<TransactionRecord> {
  for (const record of replica.records.values()) {
    const lastSign = Math.max(record.minTs, record.lastHeartbeatTs);
    if (lastSign < silentSince && record.minTs < store.liveness.startedAt(record.coordinatorNode)) yield record;
  }
}
