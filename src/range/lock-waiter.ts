/**
 * Waiting for another transaction's lock: in its fair queue, while making sure that the wait ends.
 *
 * - The holder's coordinator may be dead: the waiter pushes its record, at once if the node is known
 *   to be down, else every so often. What the push finds out is applied to the lock.
 * - A reader pushes the timestamp of a live holder's intent above its own read, and passes.
 * - The wait is part of the wait graph over all nodes: a victim gets 40P01.
 * - A cancelled request, a lock timeout (55P03) or the end of the lease ends the wait.
 */
import { QuoralError } from '../base/errors.js';
import { formatTxnId, type Timestamp, type TxnId } from '../base/ids.js';
import { mark } from '../base/probes.js';
import type { TimerHandle } from '../env/env.js';
import type { TxnMeta } from './kv-api.js';
import { KvError } from './kv-errors.js';
import type { LockState, Waiter } from './lock-table.js';
import type { Replica } from './replica.js';
import type { ResolvedTxn } from './services.js';
import type { Store } from './store.js';

/** First look at the record of an intent's holder, and of an unreplicated lock's. */
const INTENT_PUSH_MS = 60;
const LOCK_PUSH_MS = 500;
const PUSH_MS_MAX = 1_000;

/** The waiter of one request, with a wake that can be armed anew for every wait. */
export class RequestWaiter implements Waiter {
  readonly txn: TxnMeta | null;
  locking = false;
  #wake: (() => void) | null = null;
  /** Locks in whose queue (or reservation) it may still be. */
  readonly queuedAt = new Set<string>();

  constructor(txn: TxnMeta | null) {
    this.txn = txn;
  }

  readonly wake = (): void => {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  };

  arm(fn: () => void): void {
    this.#wake = fn;
  }
}

export interface WaitOptions {
  readonly locking: boolean;
  readonly readTs: Timestamp;
  /** Monotonic milliseconds at which the lock timeout passes; 0 = none. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal | null;
}

/** Resolves when it is worth evaluating again. @throws KvError, QuoralError 57014. */
export function waitForLock(
  store: Store,
  replica: Replica,
  lock: LockState,
  waiter: RequestWaiter,
  options: WaitOptions,
): Promise<void> {
  waiter.locking = options.locking;
  if (!lock.queue.includes(waiter)) replica.locks.enqueue(lock.key, waiter);
  waiter.queuedAt.add(lock.key);
  return new LockWait(store, replica, waiter, lock, options).run();
}

function deadlock(cycle: string): KvError {
  return new KvError({ kind: 'deadlock', cycle });
}

class LockWait {
  readonly #store: Store;
  readonly #replica: Replica;
  readonly #waiter: RequestWaiter;
  readonly #lock: LockState;
  readonly #options: WaitOptions;
  #settle: { resolve: () => void; reject: (error: unknown) => void } | null = null;
  #over = false;
  #pushTimer: TimerHandle | null = null;
  /** Whom the wait graph believes this waits for; a lock changes hands while others queue for it. */
  #watched: TxnId | null = null;
  #unwatch: (() => void) | null = null;
  /** What the last push found. */
  #found = 'not pushed yet';

  constructor(store: Store, replica: Replica, waiter: RequestWaiter, lock: LockState, options: WaitOptions) {
    this.#store = store;
    this.#replica = replica;
    this.#waiter = waiter;
    this.#lock = lock;
    this.#options = options;
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#settle?.reject(error);
  }

  #done(): void {
    if (this.#over) return;
    this.#over = true;
    this.#settle?.resolve();
  }

  async run(): Promise<void> {
    const { signal, deadlineMs } = this.#options;
    const { timers, clock } = this.#store.env;
    const promise = new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#waiter.arm(() => this.#done());
    const cancelled = (): void => {
      mark('lock-wait-cancelled');
      this.#fail(new QuoralError('57014', 'canceling statement due to user request'));
    };
    if (signal?.aborted === true) cancelled();
    signal?.addEventListener('abort', cancelled);
    const timeout =
      deadlineMs === 0
        ? null
        : timers.after(Math.max(0, deadlineMs - clock.monotonicMs()), () =>
            this.#fail(
              new KvError(
                { kind: 'lock-not-available', key: this.#lock.key },
                'canceling statement due to lock timeout',
              ),
            ),
          );
    this.#watch();
    this.#pushLater(this.#firstPushMs());
    const wait = this.#store.waits.begin('a lock', () => this.#describe());
    try {
      await promise;
    } finally {
      this.#over = true;
      this.#store.waits.end(wait);
      timeout?.cancel();
      this.#pushTimer?.cancel();
      this.#unwatch?.();
      signal?.removeEventListener('abort', cancelled);
    }
  }

  #holder(): TxnMeta | null {
    return this.#lock.holder ?? this.#lock.reservedFor?.txn ?? null;
  }

  #describe(): Record<string, unknown> {
    const holder = this.#holder();
    return {
      range: this.#replica.rangeId,
      intent: this.#lock.intentTs !== 0,
      txn: this.#waiter.txn === null ? null : formatTxnId(this.#waiter.txn.id),
      holder: holder === null ? null : formatTxnId(holder.id),
      coordinator: holder?.coordinator ?? 0,
      found: this.#found,
    };
  }

  /** Keeps the wait graph true: a cycle through a holder who came later must be found as well. */
  #watch(): void {
    const own = this.#waiter.txn;
    const holder = this.#holder();
    const id = holder?.id ?? null;
    if (own === null || id === this.#watched) return;
    this.#unwatch?.();
    this.#unwatch = null;
    this.#watched = id;
    if (holder === null || id === own.id) return;
    this.#unwatch = this.#store.deps.waitGraph.waitBegins(
      { id: own.id, coordinator: own.coordinator, name: own.name, minTs: own.minTs },
      { id: holder.id, coordinator: holder.coordinator, name: holder.name },
      this.#lock.key,
      (cycle) => this.#fail(deadlock(cycle)),
    );
  }

  #firstPushMs(): number {
    const holder = this.#holder();
    if (holder !== null && !this.#store.coordinatorAlive(holder.coordinator, holder.minTs)) return 1;
    return this.#lock.intentTs !== 0 ? INTENT_PUSH_MS : LOCK_PUSH_MS;
  }

  #pushLater(ms: number): void {
    this.#pushTimer = this.#store.env.timers.after(ms, () => {
      if (this.#over) return;
      this.#watch();
      this.#push()
        .catch((error: unknown) => {
          // The record's range may be out of reach for a while: the wait goes on, and so do the pushes.
          this.#found = String(error);
        })
        .finally(() => {
          if (!this.#over) this.#pushLater(Math.min(ms * 2 + 20, PUSH_MS_MAX));
        });
    });
  }

  async #push(): Promise<void> {
    const lock = this.#lock;
    const pushee = lock.holder;
    if (pushee === null || pushee.id === this.#waiter.txn?.id) return;
    const pushing = lock.intentTs !== 0 && !this.#options.locking ? 'timestamp' : 'abort';
    const found = await this.#store.deps.pusher.push(pushee, pushing, this.#options.readTs);
    this.#found = found.status;
    if (this.#over || lock.holder?.id !== pushee.id) return;
    await this.#applyFinding(pushee, found);
  }

  async #applyFinding(pushee: TxnMeta, found: ResolvedTxn): Promise<void> {
    const lock = this.#lock;
    if (lock.intentTs === 0) {
      if (found.status !== 'pending') this.#replica.locks.release(lock.key, pushee.id);
      return;
    }
    if (found.status === 'pending') {
      if (this.#options.locking) return;
      if (found.ts <= lock.intentTs) {
        // Somebody else has moved the intent already: it is out of this reader's way.
        if (lock.intentTs > this.#options.readTs) this.#waiter.wake();
        return;
      }
    }
    mark('waiter-resolves-intent');
    await this.#store.executor.execute({
      header: {
        rangeId: this.#replica.rangeId,
        txn: null,
        timestamp: 0,
        wait: 'block',
        canBumpReadTs: false,
        observedTs: 0,
        maxRows: 0,
        maxBytes: 0,
        lockTimeoutMs: 0,
        gatewayNode: this.#store.nodeId,
      },
      requests: [
        {
          kind: 'resolve-intents',
          keys: [lock.key],
          spans: [],
          txnId: pushee.id,
          epoch: found.epoch,
          status: found.status,
          ts: found.ts,
        },
      ],
    });
    this.#store.env.logger.log('debug', 'resolved an intent that was in the way', {
      txn: formatTxnId(pushee.id),
      status: found.status,
    });
    if (found.status === 'pending') this.#waiter.wake();
  }
}
