/**
 * Waiting for another transaction's lock: in its fair queue, while making sure that the wait ends.
 *
 * - The holder's coordinator may be dead: the waiter pushes its record, at once if the node is known
 *   to be down, else every so often. What the push finds out is applied to the lock. Of sharers any one may be dead:
 *   the first waiter of the queue pushes a few of them at a time, in turn, those of dead nodes before the others.
 * - A reader pushes the timestamp of a live holder's intent above its own read, and passes; that and the holder's other
 *   intents in this range, of which there may be millions: the lock table remembers what the push found.
 * - What a transaction that has ended holds here goes together, many keys at a time.
 * - The wait is part of the wait graph over all nodes: a victim gets 40P01.
 * - A cancelled request, a lock timeout (55P03) or the end of the lease ends the wait.
 */
import { QuoralError } from '../base/errors.js';
import { formatTxnId, type Timestamp, type TxnId } from '../base/ids.js';
import type { Key } from '../base/key.js';
import { mark } from '../base/probes.js';
import type { TimerHandle } from '../env/env.js';
import type { LockMode, TxnMeta } from './kv-api.js';
import { KvError } from './kv-errors.js';
import { holds, type LockState, type Waiter } from './lock-table.js';
import type { Replica } from './replica.js';
import type { ResolvedTxn } from './services.js';
import type { Store } from './store.js';

/** First look at the record of an intent's holder, and of an unreplicated lock's. */
const INTENT_PUSH_MS = 60;
const LOCK_PUSH_MS = 500;
const PUSH_MS_MAX = 1_000;
/** Locks of an ended transaction that go at a time: it is one proposal. */
export const FREED_AT_ONCE = 1_000;
/** Sharers that a waiter pushes at a time. */
const SHARERS_PUSHED = 8;

/** The waiter of one request, with a wake that can be armed anew for every wait. */
export class RequestWaiter implements Waiter {
  readonly txn: TxnMeta | null;
  mode: LockMode = 'none';
  whole = false;
  waitsAt: Key | null = null;
  #wake: (() => void) | null = null;
  /** Locks in whose queue (or reservation) it may still be. */
  readonly queuedAt = new Set<string>();

  constructor(txn: TxnMeta | null) {
    this.txn = txn;
  }

  readonly wake = (): void => {
    const wake = this.#wake;
    this.#wake = null;
    this.waitsAt = null;
    wake?.();
  };

  arm(at: Key, fn: () => void): void {
    this.waitsAt = at;
    this.#wake = fn;
  }
}

export interface WaitOptions {
  /** What is to be taken; 'none': the intent must only be out of a reader's way. */
  readonly mode: LockMode;
  readonly whole: boolean;
  readonly readTs: Timestamp;
  /** For readers: up to where others' clocks make what is written uncertain. */
  readonly windowTs: Timestamp;
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
  waiter.mode = options.mode;
  waiter.whole = options.whole;
  // As a plain reader it would stand in the way of those behind it in other queues, and tell nobody for whom it waits.
  if (options.mode === 'none') for (const key of waiter.queuedAt) replica.locks.dequeue(key, waiter);
  const live = replica.locks.enqueue(lock.key, waiter);
  waiter.queuedAt.add(lock.key);
  return new LockWait(store, replica, waiter, live, options).run();
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
  readonly #watched = new Map<TxnId, () => void>();
  /** The last one of many sharers that was pushed. */
  #pushed: TxnId | null = null;
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
    this.#waiter.arm(this.#lock.key, () => this.#done());
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
      for (const unwatch of this.#watched.values()) unwatch();
      signal?.removeEventListener('abort', cancelled);
    }
  }

  #holder(): TxnMeta | null {
    return this.#replica.locks.blockersOf(this.#lock, this.#waiter)[0] ?? null;
  }

  #describe(): Record<string, unknown> {
    const holder = this.#holder();
    return {
      range: this.#replica.rangeId,
      intent: this.#lock.intentTs !== 0,
      txn: this.#waiter.txn === null ? null : formatTxnId(this.#waiter.txn.id),
      holder: holder === null ? null : formatTxnId(holder.id),
      sharers: this.#lock.sharers.size,
      coordinator: holder?.coordinator ?? 0,
      found: this.#found,
    };
  }

  /** Keeps the wait graph true: a cycle through a holder who came later must be found as well. */
  #watch(): void {
    const own = this.#waiter.txn;
    if (own === null) return;
    const blockers = this.#replica.locks.blockersOf(this.#lock, this.#waiter);
    const ids = new Set(blockers.map((b) => b.id));
    for (const [id, unwatch] of this.#watched) {
      if (ids.has(id)) continue;
      unwatch();
      this.#watched.delete(id);
    }
    for (const blocker of blockers) {
      if (this.#watched.has(blocker.id)) continue;
      const unwatch = this.#store.deps.waitGraph.waitBegins(
        { id: own.id, coordinator: own.coordinator, name: own.name, minTs: own.minTs },
        { id: blocker.id, coordinator: blocker.coordinator, name: blocker.name },
        this.#lock.key,
        (cycle) => this.#fail(deadlock(cycle)),
      );
      this.#watched.set(blocker.id, unwatch);
    }
  }

  /** Whose record may tell that the lock is free: the holder's, or those of some of the sharers. */
  #pushees(): TxnMeta[] {
    const { key, holder, sharers, queue } = this.#lock;
    const own = this.#waiter.txn?.id;
    if (holder !== null) return holder.id === own ? [] : [holder];
    if (sharers.size === 0 || queue.find((w) => w.mode !== 'none' && w.waitsAt === key) !== this.#waiter) return [];
    const others = [...sharers.values()].filter((sharer) => sharer.id !== own);
    const dead = others.filter((sharer) => this.#dead(sharer));
    const at = others.findIndex((sharer) => sharer.id === this.#pushed) + 1;
    const inTurn = [...others.slice(at), ...others.slice(0, at)].slice(0, SHARERS_PUSHED);
    this.#pushed = inTurn[inTurn.length - 1]?.id ?? null;
    return [...new Set([...dead.slice(0, SHARERS_PUSHED), ...inTurn])];
  }

  #dead(txn: TxnMeta): boolean {
    return !this.#store.coordinatorAlive(txn.coordinator, txn.minTs);
  }

  #firstPushMs(): number {
    const { holder, sharers } = this.#lock;
    if (holder !== null ? this.#dead(holder) : [...sharers.values()].some((s) => this.#dead(s))) return 1;
    if (this.#lock.intentTs === 0) return LOCK_PUSH_MS;
    // One that was pushed before is no short one.
    return this.#replica.locks.news(holder!.id) !== undefined ? 1 : INTENT_PUSH_MS;
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
    await Promise.all(this.#pushees().map((pushee) => this.#pushOne(pushee)));
  }

  async #pushOne(pushee: TxnMeta): Promise<void> {
    const lock = this.#lock;
    const pushing = lock.intentTs !== 0 && this.#options.mode === 'none' ? 'timestamp' : 'abort';
    const found = await this.#store.deps.pusher.push(pushee, pushing, this.#options.readTs);
    this.#found = found.status;
    const { locks } = this.#replica;
    if (found.status === 'committed') locks.noteCommitted(pushee.id, found.ts, found.epoch);
    else if (found.status === 'pending' && pushing === 'timestamp')
      locks.notePending(pushee.id, found.ts, found.pendingAt);
    if (this.#over || !holds(lock, pushee.id)) return;
    await this.#applyFinding(pushee, found);
  }

  async #applyFinding(pushee: TxnMeta, found: ResolvedTxn): Promise<void> {
    const lock = this.#lock;
    if (lock.intentTs === 0) {
      if (found.status === 'pending') return;
      if (lock.sharers.has(pushee.id)) mark('abandoned-sharer-released');
      this.#freed(pushee);
      return;
    }
    if (found.status === 'pending') {
      if (this.#options.mode !== 'none') return;
      // It may have committed, under this very timestamp: that is soon known.
      if (found.pendingAt === 0 && found.ts <= this.#options.windowTs) return;
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
        sentTs: 0,
      },
      requests: [
        {
          kind: 'resolve-intents',
          keys: found.status === 'pending' ? [lock.key] : this.#held(pushee),
          spans: [],
          txnId: pushee.id,
          epoch: found.epoch,
          status: found.status,
          ts: found.ts,
          upTo: 0,
        },
      ],
    });
    this.#store.env.logger.log('debug', 'resolved an intent that was in the way', {
      txn: formatTxnId(pushee.id),
      status: found.status,
    });
    if (found.status === 'pending') this.#waiter.wake();
  }

  /** What the ended transaction holds here, this lock first. */
  #held(ended: TxnMeta): Key[] {
    return this.#replica.locks.heldFrom(this.#lock.key, ended.id, FREED_AT_ONCE);
  }

  /** Its locks without intents go at once; those with intents when these are resolved. */
  #freed(ended: TxnMeta): void {
    for (const key of this.#held(ended)) this.#replica.locks.release(key, ended.id);
  }
}
