/**
 * Looks after intents that nobody meets. A transaction that ends resolves its own, but its coordinator may have crashed or
 * given up while a range did not serve, and then they stay until somebody comes across them. Each takes memory at its
 * leaseholder (lock-table.ts), and a table that is no longer read may have millions.
 *
 * From time to time each leaseholder goes on through its lock table for a piece, and looks at one in FREED_AT_ONCE of the
 * intents of one transaction that have been there for long: whoever looks resolves the next ones with it, if the
 * transaction has ended (lock-waiter.ts). One that is still under way is left alone.
 *
 * Limits: a transaction that is still at it after that time is asked after at each pass.
 */
import type { Timestamp } from '../base/ids.js';
import type { Key } from '../base/key.js';
import { mark } from '../base/probes.js';
import { FREED_AT_ONCE } from './lock-waiter.js';
import type { Replica } from './replica.js';
import type { Store } from './store.js';

/** Locks that are passed in one turn. */
const PASSED_MAX = 50_000;

export class IntentSweep {
  readonly #store: Store;
  /** Where the next piece begins. */
  readonly #from = new WeakMap<Replica, Key>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** @param silentMs milliseconds that an intent must have been there for. */
  sweep(silentMs: number): void {
    const now = this.#store.hlc.now();
    let left = PASSED_MAX;
    for (const replica of this.#store.replicas()) {
      if (left <= 0) return;
      if (replica.locks.intentCount > 0 && replica.serving(now))
        left -= this.#piece(replica, now - silentMs * 1_000, left);
    }
  }

  /** Returns how many locks were passed. */
  #piece(replica: Replica, before: Timestamp, passedMax: number): number {
    let passed = 0;
    let inRow = 0;
    let holder = '';
    for (const lock of replica.locks.range(this.#from.get(replica) ?? '', '\xff\xff')) {
      if (passed++ === passedMax) {
        this.#from.set(replica, lock.key);
        return passed;
      }
      if (lock.intentTs === 0 || lock.intentTs > before) continue;
      inRow = lock.holder!.id === holder ? inRow + 1 : 0;
      holder = lock.holder!.id;
      if (inRow % FREED_AT_ONCE !== 0) continue;
      mark('old-intent-looked-after');
      this.#store.executor.lookAfter(replica, lock);
    }
    this.#from.delete(replica);
    return passed;
  }
}
