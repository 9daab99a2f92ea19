/**
 * What the range layer needs of the layers above, as interfaces that it defines (DESIGN 1):
 * implemented in src/txn and src/cluster, handed in by src/server.
 */
import type { NodeId, Timestamp } from '../base/ids.js';
import type { Key } from '../base/key.js';
import type { TransactionRecord } from '../storage/lock-record.js';
import type { TxnMeta } from './kv-api.js';

export interface ResolvedTxn {
  readonly status: 'pending' | 'committed' | 'aborted';
  /** Commit timestamp, or the (pushed) write timestamp of a pending one. */
  readonly ts: Timestamp;
  readonly epoch: number;
  /** Of a pending one: the clock of the node that asked when it surely had not committed. 0: it may have (STAGING). */
  readonly pendingAt: Timestamp;
}

/** Pushes and recovers other transactions on behalf of waiters (src/txn/txn-pusher.ts). */
export interface TxnPusher {
  /**
   * Pushes `pushee`'s record; recovers it when it is STAGING and abandoned. The answer 'pending' for
   * an 'abort' push means it is alive: go on waiting. For a 'timestamp' push, 'pending' with ts > pushTo
   * means the reader may pass once the intent carries that timestamp.
   */
  push(pushee: TxnMeta, type: 'touch' | 'timestamp' | 'abort', pushTo: Timestamp): Promise<ResolvedTxn>;
  /** Ends the transaction of a record whose coordinator is gone for good, resolves what it left, and removes the record. */
  finish(record: TransactionRecord): Promise<void>;
}

/** Deadlock detection over nodes (src/txn/deadlock.ts). */
export interface WaitGraph {
  /**
   * `waiter` began to wait for `holder` on `key`; `onVictim` is called (once) if the waiter is chosen
   * to break a cycle. Returns the function to call when the wait is over.
   */
  waitBegins(
    waiter: { readonly id: string; readonly coordinator: NodeId; readonly name: string; readonly minTs: Timestamp },
    holder: { readonly id: string; readonly coordinator: NodeId; readonly name: string },
    key: Key,
    onVictim: (cycle: string) => void,
  ): () => void;
}
