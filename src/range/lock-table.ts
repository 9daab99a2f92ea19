/**
 * Locks of one range at its leaseholder, with fair queues (DESIGN 6, 7).
 *
 * A lock is held exclusively by one transaction: unreplicated (taken by a locking read, known only here),
 * replicated (an intent, also in the `locks` family), or both. Or it is shared by any number, unreplicated.
 * Requests acquire locks key by key as they meet them, in the order of their batch; whoever meets a lock that
 * does not suit its own waits in its queue.
 *
 * Invariants
 * - A key has one holder, or sharers, or neither; never both. An upgrade leaves the sharers and becomes the holder
 *   in one step, and only the last sharer can do it.
 * - Nobody passes a queued request that it conflicts with: a shared request waits behind an exclusive one that
 *   waits, though the lock is shared, so a stream of sharers starves no writer. Who holds the lock already is the
 *   exception (it waits for nobody here, or for the other sharers): those in the queue wait for it in any case. So does
 *   one in the queue who wants the row with its existence (kv-api.ts, LockScope) for who holds that, and those behind it.
 * - Who wants both of a row's locks takes them in one step. A place that it has at the row it keeps while it waits for
 *   the existence, and not the other way round: of those that want both, one comes first.
 * - Whoever may go on is woken: after each release, and each time that somebody leaves the queue.
 * - Plain readers wait only for intents they could have to see; a release wakes all of them.
 * - The table holds every intent of the range while this replica serves (loaded at the lease's start,
 *   kept up by applied commands), so that the absence of an entry proves the absence of an intent.
 * - A reader passes an intent that is later than what it may have to see: `isLater`.
 * - Losing the lease clears it: unreplicated locks are lost then, which the transactions notice at
 *   commit (refresh, or `exclusionSince`). A split on this node hands all of them on, sharers and intents too.
 * - While a key is held or shared without a gap nobody else writes it, whoever came and went among the sharers.
 * - A lock that is nothing but an intent takes its key and a place: a transaction may have millions of them. It gets a
 *   state of its own when somebody queues for it or takes its unreplicated lock; what `get` and `range` give until then is
 *   a picture of it, in which nothing is to be changed.
 *
 * Ways to fail: the coordinator of a holder or of any one sharer dies, or a locking read arrives once more after
 * its transaction has ended (waiters push each of them, see lock-waiter.ts); a woken waiter was cancelled (its turn
 * passes on); deadlock, two sharers that both want to write among others (the wait graph picks a victim); a put
 * that took the lock fails (it gives up what it took, but an upgrade stays: what was shared must stay locked).
 */
import { assert } from '../base/assert.js';
import type { Timestamp, TxnId } from '../base/ids.js';
import { OrderedMap } from '../base/ordered-map.js';
import { existenceKey, type Key, type Span } from '../base/key.js';
import { mark } from '../base/probes.js';
import type { LockMode, TxnMeta } from './kv-api.js';

/** What a waiter further behind in a queue tells the wait graph of. */
const BLOCKERS_BEHIND_MAX = 8;

export interface Waiter {
  readonly txn: TxnMeta | null;
  /** What it waits to take; 'none' for a plain reader, which does not queue. */
  readonly mode: LockMode;
  /** It wants a row and its existence. */
  readonly whole: boolean;
  /** A request may stand in several queues, but waits at one of them at a time. */
  readonly waitsAt: Key | null;
  /** Called once, when it is worth looking again. */
  readonly wake: () => void;
}

export interface LockState {
  readonly key: Key;
  /** Who holds it exclusively. */
  holder: TxnMeta | null;
  unreplicated: boolean;
  /** Who shares it, in the order in which they came. */
  sharers: ReadonlyMap<TxnId, TxnMeta>;
  /** The intent's timestamp; 0 without an intent. */
  intentTs: Timestamp;
  intentEpoch: number;
  /**
   * Newest committed version that the holder or a sharer saw when it took the lock: while the lock is held
   * unbroken nobody else can have written the key, which saves its put a look-up. -1: not known.
   */
  newestTs: Timestamp;
  queue: readonly Waiter[];
}

/** All that there is to know of locks that are nothing but intents: those that one batch has laid have it in common. */
class Laid {
  readonly holder: TxnMeta;
  readonly ts: Timestamp;

  constructor(holder: TxnMeta, ts: Timestamp) {
    this.holder = holder;
    this.ts = ts;
  }

  at(key: Key): LockState {
    const { holder, ts } = this;
    const none = { unreplicated: false, sharers: NO_SHARERS, newestTs: -1, queue: NO_WAITERS };
    return { key, holder, intentTs: ts, intentEpoch: holder.epoch, ...none };
  }
}

// What few locks have takes no memory for the others.
const NO_SHARERS: ReadonlyMap<TxnId, TxnMeta> = new Map();
const NO_WAITERS: readonly Waiter[] = [];

function share(state: LockState, txn: TxnMeta): void {
  if (state.sharers === NO_SHARERS) state.sharers = new Map([[txn.id, txn]]);
  else (state.sharers as Map<TxnId, TxnMeta>).set(txn.id, txn);
}

/** True if it was one of them. */
function unshare(state: LockState, txnId: TxnId): boolean {
  if (state.sharers === NO_SHARERS || !(state.sharers as Map<TxnId, TxnMeta>).delete(txnId)) return false;
  if (state.sharers.size === 0) state.sharers = NO_SHARERS;
  return true;
}

/** Puts the waiter into the queue before the one that is there at `at`. */
function insert(state: LockState, at: number, waiter: Waiter): void {
  if (state.queue === NO_WAITERS) state.queue = [waiter];
  else (state.queue as Waiter[]).splice(at, 0, waiter);
}

/** True if the transaction has a lock of any kind on the key. */
export function holds(state: LockState, txnId: TxnId): boolean {
  return state.holder?.id === txnId || state.sharers.has(txnId);
}

/**
 * True if the holders let `txnId` have it. (A null id is nobody's: what no transaction asks for.)
 * The queue is another matter.
 */
function suitsHolders(state: LockState, txnId: TxnId | null, mode: LockMode): boolean {
  if (state.holder !== null) return state.holder.id === txnId;
  if (mode === 'share') return true;
  const { sharers } = state;
  return sharers.size === 0 || (sharers.size === 1 && txnId !== null && sharers.has(txnId));
}

/** Up to where a plain reader may have to see what others write. */
export interface ReaderView {
  /** Within what this node's clock proves to be older than the reader. */
  readonly limit: Timestamp;
  /** Within the whole uncertainty of the clocks; not below `limit`. */
  readonly window: Timestamp;
  /** This node's clock when the reader had surely begun. */
  readonly begunBy: Timestamp;
}

const INTENTS_MAX = 20_000;
/** What is less than one of so many is copied one by one. */
const FEW_OF = 8;
/** Behind all keys. */
const KEY_END: Key = '\xff\xff';
/** Locks of others among which one transaction's are looked for. */
const OTHERS_BETWEEN = 64;
/** Transactions of which something is known; the one of which nothing new came for longest makes room. */
const NEWS_MAX = 1_024;

/** What this node has heard of a transaction from its record. All of it stays true. */
export interface TxnNews {
  /** It commits at this time or later, if at all. */
  readonly floor: Timestamp;
  /** It surely had not committed when this node's clock showed that. 0: it may have, long ago. */
  readonly pendingAt: Timestamp;
  readonly committed: { readonly ts: Timestamp; readonly epoch: number } | null;
}

export class LockTable {
  #locks = new OrderedMap<LockState | Laid>();
  /** What the last intent has in common with those beside it. */
  #laid: Laid | null = null;
  readonly #news = new Map<TxnId, TxnNews>();
  /** Intents that a push has moved up from where they were laid. */
  readonly #moved = new Set<Key>();
  #intents = 0;
  /** Split off another table with locks that are shared. */
  #handedOnShared = false;

  get size(): number {
    return this.#locks.size;
  }
  /** Locks that exist in memory only, and would be lost with the lease. */
  get heldInMemory(): number {
    let count = 0;
    for (const state of this.#own('', KEY_END)) {
      if (state.intentTs === 0 && (state.unreplicated || state.sharers.size > 0)) count++;
    }
    return count;
  }

  holdsAny(txnId: TxnId): boolean {
    const cursor = this.#locks.cursor();
    for (cursor.seek(''); cursor.valid; cursor.next()) {
      const { value } = cursor;
      if (value instanceof Laid ? value.holder.id === txnId : holds(value, txnId)) return true;
    }
    return false;
  }

  /**
   * Its record says that the transaction commits at `floor` or later, if at all. At `pendingAt` of this node's clock it surely
   * had not committed (0: it may have, long ago).
   */
  notePending(txnId: TxnId, floor: Timestamp, pendingAt: Timestamp): void {
    const known = this.#news.get(txnId);
    const committed = known?.committed ?? null;
    this.#note(txnId, {
      floor: committed === null ? Math.max(floor, known?.floor ?? 0) : committed.ts,
      pendingAt: Math.max(pendingAt, known?.pendingAt ?? 0),
      committed,
    });
  }

  /** It has committed, with what it wrote in this epoch. */
  noteCommitted(txnId: TxnId, ts: Timestamp, epoch: number): void {
    this.#note(txnId, { floor: ts, pendingAt: this.#news.get(txnId)?.pendingAt ?? 0, committed: { ts, epoch } });
  }

  /**
   * True if nothing of the intent's transaction concerns the reader. What this node's clock proves holds of intents where
   * they were laid: behind one that was moved, and behind a floor, may be a commit of before the reader began, under a
   * timestamp from a faster clock. Such a one is later only beyond the window, or if it had not committed when the reader had begun.
   */
  isLater(lock: LockState, { limit, window, begunBy }: ReaderView): boolean {
    if (lock.intentTs > (this.#moved.has(lock.key) ? window : limit)) return true;
    const news = this.#news.get(lock.holder!.id);
    return news !== undefined && (news.floor > window || (news.floor > limit && news.pendingAt >= begunBy));
  }

  news(txnId: TxnId): TxnNews | undefined {
    return this.#news.get(txnId);
  }

  #note(txnId: TxnId, news: TxnNews): void {
    this.#news.delete(txnId);
    this.#news.set(txnId, news);
    if (this.#news.size > NEWS_MAX) this.#news.delete(this.#news.keys().next().value!);
  }

  /** Keys of locks that the transaction has from `from` on, until others' lie between; `countMax` at most. */
  heldFrom(from: Key, txnId: TxnId, countMax: number): Key[] {
    const keys: Key[] = [];
    let others = 0;
    for (const state of this.range(from, KEY_END)) {
      if (holds(state, txnId)) keys.push(state.key);
      else others++;
      if (keys.length >= countMax || others > OTHERS_BETWEEN) break;
    }
    return keys;
  }

  get intentCount(): number {
    return this.#intents;
  }
  /** So many that the lease stays where it is: the next leaseholder reads all of them before it serves. */
  get manyIntents(): boolean {
    return this.#intents > INTENTS_MAX;
  }
  /** There is a lock in [start, end) that exists in memory only, or many intents: who leads it next should have them from here. */
  staysHere(start: Key, end: Key): boolean {
    let intents = 0;
    const cursor = this.#locks.cursor();
    for (cursor.seek(start); cursor.valid && cursor.key < end; cursor.next()) {
      const { value } = cursor;
      if (value instanceof Laid || value.intentTs !== 0) intents++;
      else if (value.unreplicated || value.sharers.size > 0) return true;
      if (intents > INTENTS_MAX) return true;
    }
    return false;
  }

  get(key: Key): LockState | undefined {
    const entry = this.#locks.size === 0 ? undefined : this.#locks.get(key);
    return entry instanceof Laid ? entry.at(key) : entry;
  }

  /** Locks in [start, end) in order. They are looked up one by one, as they are then: who stops early pays for no more. */
  *range(start: Key, end: Key): IterableIterator<LockState> {
    if (this.#locks.size === 0) return;
    const cursor = this.#locks.cursor();
    for (cursor.seek(start); cursor.valid && cursor.key < end; cursor.next()) {
      const { key, value } = cursor;
      yield value instanceof Laid ? value.at(key) : value;
    }
  }

  /** Those of them that have a state of their own. */
  *#own(start: Key, end: Key): IterableIterator<LockState> {
    const cursor = this.#locks.cursor();
    for (cursor.seek(start); cursor.valid && cursor.key < end; cursor.next()) {
      if (!(cursor.value instanceof Laid)) yield cursor.value;
    }
  }

  /** The same from the last to the first. */
  *rangeReverse(start: Key, end: Key): IterableIterator<LockState> {
    if (this.#locks.size === 0) return;
    const cursor = this.#locks.cursor();
    for (cursor.seekBefore(end); cursor.valid && cursor.key >= start; cursor.prev()) {
      const { key, value } = cursor;
      yield value instanceof Laid ? value.at(key) : value;
    }
  }

  /**
   * For whom `waiter` waits at this lock, as far as the wait graph must know: the holders, and the first of the
   * queue, who stands for all that are before it. Of many sharers only that one need know them all.
   */
  blockersOf(state: LockState, waiter: Waiter): TxnMeta[] {
    const own = waiter.txn?.id;
    if (state.holder !== null) return state.holder.id === own ? [] : [state.holder];
    const first = this.#firstAhead(state, own);
    const behind = first !== undefined && first !== waiter && first.txn!.id !== own ? first.txn : null;
    const blockers: TxnMeta[] = behind === null ? [] : [behind];
    for (const sharer of state.sharers.values()) {
      if (behind !== null && blockers.length >= BLOCKERS_BEHIND_MAX) break;
      if (sharer.id !== own && sharer.id !== behind?.id) blockers.push(sharer);
    }
    return blockers;
  }

  /** True if the transaction may take the lock now; `waiter` is the request, in the queue or not. */
  free(state: LockState | undefined, txnId: TxnId | null, mode: LockMode, waiter: Waiter | null): boolean {
    if (state === undefined) return true;
    if (!suitsHolders(state, txnId, mode)) return false;
    if (txnId !== null && holds(state, txnId)) return true;
    for (const ahead of state.queue) {
      if (ahead === waiter) return true;
      if (this.#passes(state, txnId, ahead)) {
        mark('existence-holder-passes-remover');
        return true;
      }
      if (ahead.mode === 'exclusive' || (ahead.mode === 'share' && mode !== 'share')) {
        if (mode === 'share') mark('sharer-waits-behind-writer');
        return false;
      }
    }
    return true;
  }

  /** Takes the unreplicated lock, or more of it; the caller has checked `free` in this turn. */
  acquire(key: Key, txn: TxnMeta, mode: 'share' | 'exclusive', waiter: Waiter | null): LockState {
    const state = this.#stateOf(key);
    assert(this.free(state, txn.id, mode, waiter), 'a lock was taken out of turn');
    if (state.holder === null && state.sharers.size === 0) state.newestTs = -1;
    if (mode === 'share' && state.holder === null) {
      share(state, txn);
      if (state.sharers.size > 1) mark('lock-shared');
    } else {
      if (unshare(state, txn.id)) mark('shared-lock-upgraded');
      state.holder = txn;
      state.unreplicated = true;
    }
    if (waiter !== null) this.#leaveQueue(state, waiter);
    return state;
  }

  /** An applied command laid an intent; `moved`: a push moved the one that is there. */
  intentLaid(key: Key, txn: TxnMeta, writeTs: Timestamp, moved = false): void {
    const state = this.#locks.get(key);
    const plain = state === undefined || state instanceof Laid;
    if (plain || state.queue.length === 0) {
      const intentOf = plain ? state?.holder : state.intentTs === 0 ? undefined : state.holder!;
      assert(intentOf === undefined || intentOf.id === txn.id, 'two transactions have intents on one key');
      if (intentOf === undefined) this.#intents++;
      this.#locks.set(key, this.#laidBy(txn, writeTs));
      this.#noteMoved(key, moved);
      return;
    }
    if ((state.holder !== null && state.holder.id !== txn.id) || state.sharers.size > 0) {
      assert(state.intentTs === 0, 'two transactions have intents on one key');
      state.unreplicated = false;
      state.sharers = NO_SHARERS;
      state.newestTs = -1;
    }
    if (state.intentTs === 0) this.#intents++;
    this.#noteMoved(key, moved);
    const movedUp = state.intentTs !== 0 && writeTs > state.intentTs;
    state.holder = txn;
    state.intentTs = writeTs;
    state.intentEpoch = txn.epoch;
    if (movedUp) for (const waiter of [...state.queue]) if (waiter.mode === 'none') waiter.wake();
  }

  #laidBy(txn: TxnMeta, ts: Timestamp): Laid {
    if (this.#laid === null || this.#laid.holder !== txn || this.#laid.ts !== ts) this.#laid = new Laid(txn, ts);
    return this.#laid;
  }

  #noteMoved(key: Key, moved: boolean): void {
    if (moved) this.#moved.add(key);
    else this.#moved.delete(key);
  }

  /** An applied command removed the intent; the unreplicated lock of the same holder goes with it. */
  intentRemoved(key: Key): void {
    const state = this.#locks.get(key);
    if (state === undefined || (!(state instanceof Laid) && state.intentTs === 0)) return;
    this.#moved.delete(key);
    this.#intents--;
    if (state instanceof Laid) {
      this.#locks.delete(key);
      return;
    }
    state.intentTs = 0;
    state.intentEpoch = 0;
    this.#releaseHolder(state);
  }

  /** Releases `txnId`'s unreplicated lock; an intent keeps the lock until it is resolved. */
  release(key: Key, txnId: TxnId): void {
    const state = this.#locks.get(key);
    if (state === undefined || state instanceof Laid) return;
    if (unshare(state, txnId)) return this.#passOn(state);
    if (state.holder === null || state.holder.id !== txnId) return;
    state.unreplicated = false;
    if (state.intentTs === 0) this.#releaseHolder(state);
  }

  /** Returns the lock as it is and as it will be, for as long as the waiter is in its queue. */
  enqueue(key: Key, waiter: Waiter): LockState {
    assert(this.#locks.get(key) !== undefined, 'waiting for a lock that is not there');
    const state = this.#stateOf(key);
    if (state.queue.includes(waiter)) return state;
    if (waiter.mode === 'none' || waiter.txn === null || !holds(state, waiter.txn.id)) {
      const before = state.queue.findIndex((w) => this.#passes(state, waiter.txn?.id, w));
      insert(state, before < 0 || waiter.mode === 'none' ? state.queue.length : before, waiter);
      return state;
    }
    // An upgrade. All others in the queue wait for this sharer, except those that came with the same wish.
    mark('upgrade-waits-for-sharers');
    const upgrades = (w: Waiter): boolean => w.mode !== 'none' && w.txn !== null && holds(state, w.txn.id);
    const at = state.queue.findIndex((w) => !upgrades(w));
    insert(state, at < 0 ? state.queue.length : at, waiter);
    return state;
  }

  /** The waiter gives up (cancelled, error, or it goes on to evaluate without this lock). */
  dequeue(key: Key, waiter: Waiter): void {
    const state = this.#locks.get(key);
    if (state !== undefined && !(state instanceof Laid)) this.#leaveQueue(state, waiter);
  }

  /** The lease is gone: everybody looks again (and learns that this is not the leaseholder). */
  clear(): void {
    const waiters: Waiter[] = [];
    for (const state of this.#own('', KEY_END)) waiters.push(...state.queue);
    this.#locks.clear();
    this.#laid = null;
    this.#moved.clear();
    this.#intents = 0;
    for (const waiter of waiters) waiter.wake();
  }

  /**
   * Removes the locks in the spans, which are in order; their waiters look again. Returns a table of them: of all of them, so that who
   * serves these spans next on this node need not read the intents. Millions at one go: a split is one step, and a leaseholder
   * must not stand still for it, so they are copied by the leaf, or one by one if they are few of many.
   */
  splitOff(spans: readonly Span[]): LockTable {
    const right = new LockTable();
    const waiters: Waiter[] = [];
    const idle: Key[] = [];
    let moved = 0;
    for (const { start, end } of spans) {
      const cursor = this.#locks.cursor();
      for (cursor.seek(start); cursor.valid && cursor.key < end; cursor.next()) {
        const state = cursor.value;
        moved++;
        if (state instanceof Laid || state.intentTs !== 0) right.#intents++;
        if (state instanceof Laid) continue;
        waiters.push(...state.queue);
        state.queue = NO_WAITERS;
        if (state.holder === null && state.sharers.size === 0) idle.push(state.key);
        if (state.sharers.size > 0) right.#handedOnShared = true;
      }
    }
    this.#intents -= right.#intents;
    if (moved * FEW_OF < this.#locks.size) for (const { start, end } of spans) this.#copyTo(right, start, end);
    else right.#locks = this.#locks.clone();
    let from = '';
    for (const { start, end } of spans) {
      right.#locks.deleteRange(from, start);
      this.#locks.deleteRange(start, end);
      from = end;
    }
    right.#locks.deleteRange(from, KEY_END);
    for (const key of idle) right.#locks.delete(key);
    for (const key of [...this.#moved]) {
      if (!spans.some(({ start, end }) => start <= key && key < end)) continue;
      this.#moved.delete(key);
      right.#moved.add(key);
    }
    for (const [id, news] of this.#news) right.#news.set(id, news);
    for (const waiter of waiters) waiter.wake();
    return right;
  }

  #copyTo(right: LockTable, start: Key, end: Key): void {
    const cursor = this.#locks.cursor();
    for (cursor.seek(start); cursor.valid && cursor.key < end; cursor.next())
      right.#locks.set(cursor.key, cursor.value);
  }

  /** Becomes the other table, which nobody is to use any more. This one is empty. */
  takeOver(other: LockTable): void {
    assert(this.#locks.size === 0, 'a lock table that is in use takes over another');
    if (other.#handedOnShared) mark('split-inherits-shared-locks');
    this.#locks = other.#locks;
    this.#intents = other.#intents;
    for (const key of other.#moved) this.#moved.add(key);
    for (const [id, news] of other.#news) this.#news.set(id, news);
  }

  #stateOf(key: Key): LockState {
    const known = this.#locks.get(key);
    if (known !== undefined && !(known instanceof Laid)) return known;
    let state: LockState;
    if (known !== undefined) state = known.at(key);
    else {
      state = {
        key,
        holder: null,
        unreplicated: false,
        sharers: NO_SHARERS,
        intentTs: 0,
        intentEpoch: 0,
        newestTs: -1,
        queue: NO_WAITERS,
      };
    }
    this.#locks.set(key, state);
    return state;
  }

  #releaseHolder(state: LockState): void {
    state.holder = null;
    state.unreplicated = false;
    state.newestTs = -1;
    const readers = state.queue.filter((w) => w.mode === 'none');
    if (readers.length > 0) {
      state.queue = state.queue.filter((w) => w.mode !== 'none');
    }
    this.#passOn(state);
    for (const reader of readers) reader.wake();
  }

  /** Wakes all those in the queue that may go on, or forgets a lock nobody has or wants. */
  #passOn(state: LockState): void {
    if (state.queue.length === 0) {
      if (state.holder === null && state.sharers.size === 0) this.#locks.delete(state.key);
      return;
    }
    let sharesAhead = false;
    let exclusiveAhead = false;
    for (const waiter of [...state.queue]) {
      if (waiter.mode === 'none') continue;
      const id = waiter.txn?.id ?? null;
      const turn = !exclusiveAhead && (waiter.mode === 'share' || !sharesAhead);
      if (waiter.waitsAt === state.key && suitsHolders(state, id, waiter.mode)) {
        if (turn || (id !== null && holds(state, id))) {
          mark('lock-passed-to-next');
          waiter.wake();
        }
      }
      if (waiter.mode === 'share') sharesAhead = true;
      else exclusiveAhead = true;
    }
  }

  /** It waits for this transaction in any case, for the row's existence; and so do all that are behind it. */
  #passes(row: LockState, txnId: TxnId | null | undefined, ahead: Waiter): boolean {
    if (!ahead.whole || txnId === null || txnId === undefined) return false;
    const existence = this.get(existenceKey(row.key));
    return existence !== undefined && holds(existence, txnId);
  }

  /** Of those that take the lock in turn; undefined if the transaction passes it. */
  #firstAhead(state: LockState, txnId: TxnId | undefined): Waiter | undefined {
    const first = state.queue.find((w) => w.mode !== 'none' && w.txn !== null);
    return first !== undefined && this.#passes(state, txnId, first) ? undefined : first;
  }

  #leaveQueue(state: LockState, waiter: Waiter): void {
    const at = state.queue.indexOf(waiter);
    if (at >= 0) (state.queue as Waiter[]).splice(at, 1);
    this.#passOn(state);
  }
}
