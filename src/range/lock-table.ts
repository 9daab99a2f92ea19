/**
 * Locks of one range at its leaseholder, with fair queues (DESIGN 6, 7).
 *
 * A lock is held by one transaction: unreplicated (taken by a locking read, known only here),
 * replicated (an intent, also in the `locks` family), or both. Requests acquire locks key by key as
 * they meet them, in the order of their batch; whoever meets another's lock waits in its queue.
 *
 * Invariants
 * - At most one holder per key. A lock passes to the head of its queue, never past it: while there
 *   are queued lockers, `reservedFor` names the one whose turn it is, and nobody else acquires.
 *   A lock that is held is reserved for nobody.
 * - Plain readers wait only for intents they could have to see; a release wakes all of them.
 * - The table holds every intent of the range while this replica serves (loaded at the lease's start,
 *   kept up by applied commands), so that the absence of an entry proves the absence of an intent.
 * - Losing the lease clears it: unreplicated locks are lost then, which the transactions notice at
 *   commit (refresh, or `exclusionSince`).
 *
 * Ways to fail: the holder's coordinator dies (waiters push, see lock-waiter.ts); a woken waiter
 * was cancelled (its turn passes on); deadlock (the wait graph picks a victim).
 */
import { assert } from '../base/assert.js';
import type { Timestamp, TxnId } from '../base/ids.js';
import { OrderedMap } from '../base/ordered-map.js';
import type { Key } from '../base/key.js';
import { mark } from '../base/probes.js';
import type { TxnMeta } from './kv-api.js';

export interface Waiter {
  readonly txn: TxnMeta | null;
  /** True for locking reads and writes, which queue; false for plain reads. */
  readonly locking: boolean;
  /** Called once, when it is worth looking again. */
  readonly wake: () => void;
}

export interface LockState {
  readonly key: Key;
  holder: TxnMeta | null;
  unreplicated: boolean;
  /** The intent's timestamp; 0 without an intent. */
  intentTs: Timestamp;
  intentEpoch: number;
  /**
   * Newest committed version that the holder saw when it took the lock: while the lock is held
   * unbroken nobody else can have written the key, which saves its put a look-up. -1: not known.
   */
  newestTs: Timestamp;
  readonly queue: Waiter[];
  reservedFor: Waiter | null;
}

export class LockTable {
  readonly #locks = new OrderedMap<LockState>();
  #intents = 0;

  get size(): number {
    return this.#locks.size;
  }
  /** Locks that exist in memory only, and would be lost with the lease. */
  get heldInMemory(): number {
    let count = 0;
    for (const state of this.range('', '\xff\xff')) if (state.unreplicated && state.intentTs === 0) count++;
    return count;
  }

  holdsAny(txnId: TxnId): boolean {
    for (const state of this.range('', '\xff\xff')) if (state.holder?.id === txnId) return true;
    return false;
  }

  get intentCount(): number {
    return this.#intents;
  }

  get(key: Key): LockState | undefined {
    return this.#locks.size === 0 ? undefined : this.#locks.get(key);
  }

  /** Locks in [start, end) in order. */
  *range(start: Key, end: Key): IterableIterator<LockState> {
    if (this.#locks.size === 0) return;
    const found: LockState[] = [];
    const cursor = this.#locks.cursor();
    for (cursor.seek(start); cursor.valid && cursor.key < end; cursor.next()) {
      found.push(cursor.value);
    }
    yield* found;
  }

  /** True if `waiter`'s transaction may take the lock now. */
  free(state: LockState | undefined, txnId: TxnId | null, waiter: Waiter | null): boolean {
    if (state === undefined) return true;
    if (state.holder !== null) return state.holder.id === txnId;
    return state.reservedFor === null || state.reservedFor === waiter;
  }

  /** Takes the unreplicated lock; the caller has checked `free` in this turn. */
  acquire(key: Key, txn: TxnMeta, waiter: Waiter | null): LockState {
    const state = this.#stateOf(key);
    assert(this.free(state, txn.id, waiter), 'a lock was taken out of turn');
    if (state.holder === null) state.newestTs = -1;
    state.holder = txn;
    state.unreplicated = true;
    if (waiter !== null) this.#leaveQueue(state, waiter);
    return state;
  }

  /** An applied command laid an intent. */
  intentLaid(key: Key, txn: TxnMeta, writeTs: Timestamp): void {
    const state = this.#stateOf(key);
    if (state.holder !== null && state.holder.id !== txn.id) {
      assert(state.intentTs === 0, 'two transactions have intents on one key');
      state.unreplicated = false;
      state.newestTs = -1;
    }
    if (state.intentTs === 0) this.#intents++;
    const movedUp = state.intentTs !== 0 && writeTs > state.intentTs;
    state.holder = txn;
    state.intentTs = writeTs;
    state.intentEpoch = txn.epoch;
    // A turn that was given away while the intent was on its way is void: its waiter leads the queue still.
    state.reservedFor = null;
    if (movedUp) for (const waiter of [...state.queue]) if (!waiter.locking) waiter.wake();
  }

  /** An applied command removed the intent; the unreplicated lock of the same holder goes with it. */
  intentRemoved(key: Key): void {
    const state = this.#locks.get(key);
    if (state === undefined || state.intentTs === 0) return;
    state.intentTs = 0;
    state.intentEpoch = 0;
    this.#intents--;
    this.#releaseHolder(state);
  }

  /** Releases `txnId`'s unreplicated lock; an intent keeps the lock until it is resolved. */
  release(key: Key, txnId: TxnId): void {
    const state = this.#locks.get(key);
    if (state === undefined || state.holder === null || state.holder.id !== txnId) return;
    state.unreplicated = false;
    if (state.intentTs === 0) this.#releaseHolder(state);
  }

  enqueue(key: Key, waiter: Waiter): LockState {
    const state = this.#locks.get(key);
    assert(state !== undefined, 'waiting for a lock that is not there');
    state.queue.push(waiter);
    return state;
  }

  /** The waiter gives up (cancelled, error, or it goes on to evaluate without this lock). */
  dequeue(key: Key, waiter: Waiter): void {
    const state = this.#locks.get(key);
    if (state !== undefined) this.#leaveQueue(state, waiter);
  }

  /** The lease is gone: everybody looks again (and learns that this is not the leaseholder). */
  clear(): void {
    const waiters: Waiter[] = [];
    for (const state of this.range('', '\xff\xff')) waiters.push(...state.queue);
    this.#locks.clear();
    this.#intents = 0;
    for (const waiter of waiters) waiter.wake();
  }

  /** Removes the locks in [start, end) for another range's table; their waiters look again. */
  extract(start: Key, end: Key): LockState[] {
    const moved: LockState[] = [];
    for (const state of this.range(start, end)) {
      this.#locks.delete(state.key);
      if (state.intentTs !== 0) this.#intents--;
      const waiters = state.queue.splice(0);
      state.reservedFor = null;
      for (const waiter of waiters) waiter.wake();
      if (state.holder !== null) moved.push(state);
    }
    return moved;
  }

  /** Takes over unreplicated locks extracted by a split on this node. */
  adopt(states: readonly LockState[]): void {
    for (const old of states) {
      if (!old.unreplicated) continue;
      const state = this.#stateOf(old.key);
      if (state.holder !== null) continue;
      state.holder = old.holder;
      state.unreplicated = true;
      state.newestTs = old.newestTs;
    }
  }

  #stateOf(key: Key): LockState {
    let state = this.#locks.get(key);
    if (state === undefined) {
      state = {
        key,
        holder: null,
        unreplicated: false,
        intentTs: 0,
        intentEpoch: 0,
        newestTs: -1,
        queue: [],
        reservedFor: null,
      };
      this.#locks.set(key, state);
    }
    return state;
  }

  #releaseHolder(state: LockState): void {
    state.holder = null;
    state.unreplicated = false;
    state.newestTs = -1;
    const readers = state.queue.filter((w) => !w.locking);
    if (readers.length > 0) {
      const lockers = state.queue.filter((w) => w.locking);
      state.queue.splice(0, state.queue.length, ...lockers);
    }
    this.#passOn(state);
    for (const reader of readers) reader.wake();
  }

  /** Reserves a free lock for the head of the queue, or forgets a lock nobody wants. */
  #passOn(state: LockState): void {
    if (state.holder !== null || state.reservedFor !== null) return;
    const next = state.queue.find((w) => w.locking);
    if (next !== undefined) {
      mark('lock-passed-to-next');
      state.reservedFor = next;
      next.wake();
    } else if (state.queue.length === 0) {
      this.#locks.delete(state.key);
    }
  }

  #leaveQueue(state: LockState, waiter: Waiter): void {
    const at = state.queue.indexOf(waiter);
    if (at >= 0) state.queue.splice(at, 1);
    if (state.reservedFor === waiter) state.reservedFor = null;
    this.#passOn(state);
  }
}
