/**
 * Advisory locks of one node's sessions, exclusive over all nodes. A lock is a replicated row of the system
 * keyspace (lock-rows.ts), so it moves with its range and outlives leaseholders; what may die with a node
 * is its sessions, and the rest of the protocol is about being sure of that.
 *
 * Protocol
 *   1. A node that has locks, or waits for some, has a lease: a row with its incarnation (a random name of this
 *      life of it) and an end, moved ahead every RENEW_MS. Without locks it is left to end, so the first lock moves it
 *      ahead before it is asked for.
 *   2. A request gets a number that is never used again; the node remembers it as its own (`#live`) before
 *      it goes into the lock's row, and forgets it before it is taken out of there.
 *   3. A request that conflicts with no holder, and with none that waits before it, becomes a holder. Otherwise
 *      it waits in the row, in order. Who takes something out of a row tells the nodes of those that may go on;
 *      a waiter looks by itself as well, every LOOK_MS.
 *   4. A waiter asks the nodes of those in its way whether they know the entries. What a node does not know (its
 *      session has ended, its release failed, the node has another incarnation) is taken out. A node that cannot
 *      be asked is believed dead when its lease has run out, which is decided in one transaction with taking
 *      the lease away and its entries out.
 *   5. A node stops to trust its lease MARGIN_MS before the end. It then ends the sessions that have or want
 *      locks and takes a new incarnation. A session looks at this before every statement and before every
 *      commit, so that a node that stood still does not go on with a lock that is another's by now.
 *
 * Invariants
 * - A session that believes in a lock has its entry among the holders of the row, and its node is alive under that
 *   incarnation: nobody takes it out.
 * - Holders of one row whose entries are alive do not conflict.
 * - An entry that its node has once called unknown is never a live one again.
 *
 * How it can fail: clocks further apart than the maximum offset plus MARGIN_MS; a node that stands still between
 * its look at the lease and the proposal of a commit, for longer than the rest of its lease. A client that acts
 * outside of the database (a mail, a file) learns of a lost lock only when its connection is closed, as with
 * PostgreSQL when the server fails.
 *
 * Deadlocks: who waits for whom goes into the KV layer's graph of waits, as an edge between the transactions that
 * the two sessions have open, so cycles through row locks are found as well. Which transaction a session has
 * open is asked for when waiting begins and then every LOOK_MS: a cycle is found about a second after it closed.
 *
 * Bounds: a holder's node that dies is noticed within LEASE_MS and LOOK_MS, one that restarts at once.
 */
import { bytesToKey, keyToBytes, prefixEnd, type Key } from '../../base/key.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import type { AdvisoryRequest, AdvisoryResponse } from '../../encoding/proto/sql.js';
import type { Logger, TimerHandle } from '../../env/env.js';
import type { WaitGraph } from '../../range/services.js';
import type { KvDb } from '../../txn/kv-txn.js';
import { againIfUnknown } from '../catalog/again.js';
import { abortReason, lockTimeoutError } from '../catalog/catalog.js';
import type { Catalog, WaitOptions } from '../catalog/catalog.js';
import { advisoryMethod } from './advisory-rpc.js';
import {
  decodeLockKey,
  decodeLockRow,
  decodeNodeLease,
  encodeNodeLease,
  entryId,
  leaseKey,
  LOCK_ROWS,
} from './codec.js';
import type { Entry, LockName } from './codec.js';
import { remove, removeExpired, request } from './lock-rows.js';
import { WaitEdges } from './wait-edges.js';

export const LEASE_MS = 12_000;
const RENEW_MS = 3_000;
const MARGIN_MS = 2_000;
const TICK_MS = 500;
const LOOK_MS = 1_000;
const STATUS_MS = 1_000;
const RELEASE_WAIT_MS = 2_000;

/** A session as its node's locks see it. */
export interface LockOwner {
  readonly processId: number;
  /** The transaction that it has open. */
  openTxn(): { readonly id: string; readonly name: string; readonly minTs: number } | null;
  terminate(reason: QuoralError): void;
}

export interface HeldLock {
  readonly key: Key;
  readonly entry: Entry;
}

export interface ListedLock {
  readonly databaseId: number;
  readonly name: LockName;
  readonly entry: Entry;
  readonly granted: boolean;
}

interface Local extends HeldLock {
  readonly owner: LockOwner;
  wake: () => void;
}

export interface EntryState {
  readonly live: boolean;
  /** Its session's open transaction; '' = none or not known. */
  readonly txn: string;
  readonly txnName: string;
}

const GONE: EntryState = { live: false, txn: '', txnName: '' };
const UNKNOWN: EntryState = { live: true, txn: '', txnName: '' };

function lapsed(): QuoralError {
  return new QuoralError('57P01', 'terminating connection: its advisory locks may have been lost', {
    severity: 'FATAL',
    fields: { detail: 'The node could not tell the others for too long that it is alive.' },
  });
}

export class AdvisoryLocks {
  readonly #catalog: Catalog;
  readonly #db: KvDb;
  readonly #logger: Logger;
  readonly #waitGraph: WaitGraph | null;
  readonly #live = new Map<string, Local>();
  /** '' before the first lock: a node without any draws no names. */
  #incarnation = '';
  #nextNumber = 1;
  #until = 0;
  #renewing: Promise<void> | null = null;
  #timer: TimerHandle | null = null;
  #closed = false;

  constructor(catalog: Catalog, logger: Logger, waitGraph: WaitGraph | null) {
    this.#catalog = catalog;
    this.#db = catalog.db;
    this.#logger = logger;
    this.#waitGraph = waitGraph;
    catalog.network?.handle(advisoryMethod, (message) => this.#answer(message));
  }

  /** Requests of this node, granted or waiting. */
  get size(): number {
    return this.#live.size;
  }

  /** @throws QuoralError 57P01, FATAL: the owner's locks may be another's by now */
  check(held: HeldLock): void {
    if (!this.#trusted()) this.#lapse();
    if (!this.#live.has(entryId(held.entry))) throw lapsed();
  }

  // ---- taking and giving back ----

  /**
   * Waits for the lock; with `waits` false, null if it is not to be had now. The owner must not have it in this mode.
   * @throws QuoralError 57014, 55P03, 40P01
   */
  async acquire(
    owner: LockOwner,
    key: Key,
    mode: { readonly exclusive: boolean; readonly waits: boolean },
    options: WaitOptions,
  ): Promise<HeldLock | null> {
    if (this.#closed) throw lapsed();
    // Nobody moved the lease ahead while the node had no locks: it may be about to end.
    if (this.#live.size === 0 && !this.#fresh()) await this.#ensureLease();
    // Again, if what was waited for was the renewal of an incarnation that is over.
    while (!this.#trusted()) {
      if (options.signal?.aborted === true) throw abortReason(options.signal);
      await this.#ensureLease();
    }
    const { processId } = owner;
    const entry: Entry = {
      node: this.#db.nodeId,
      incarnation: this.#incarnation,
      number: this.#nextNumber++,
      processId,
      exclusive: mode.exclusive,
    };
    const local: Local = { key, entry, owner, wake: () => undefined };
    this.#live.set(entryId(entry), local);
    this.#timer ??= this.#catalog.timers.every(TICK_MS, () => this.#tick());
    try {
      if (!(await this.#untilGranted(local, mode.waits, options))) {
        this.#live.delete(entryId(entry));
        return null;
      }
      this.check(local);
      return local;
    } catch (error) {
      // Perhaps it is in the row, waiting or granted. The statement is not held up for that.
      void this.release([local]);
      throw error;
    }
  }

  async #untilGranted(local: Local, waits: boolean, options: WaitOptions): Promise<boolean> {
    const { key, entry } = local;
    const started = this.#catalog.clock.monotonicMs();
    const edges = new WaitEdges(this.#waitGraph, this.#db.nodeId, local.owner.openTxn(), key, () => local.wake());
    try {
      for (;;) {
        if (options.signal?.aborted === true) throw abortReason(options.signal);
        // A wake that comes while the row is read must not be lost.
        let woken = false;
        local.wake = () => {
          woken = true;
        };
        const blockers = await request(this.#db, key, entry, { waits, signal: options.signal });
        if (blockers.length === 0) return true;
        const states = await this.#examine(blockers);
        if (await this.#removeDead(key, blockers, states)) continue;
        if (!waits) return false;
        edges.update(states);
        edges.check();
        const left = this.#left(started, options);
        if (!woken) await this.#catalog.waitFor((wake) => (local.wake = wake), Math.min(LOOK_MS, left), options.signal);
        edges.check();
        this.#left(started, options);
        if (!this.#live.has(entryId(entry))) throw lapsed();
      }
    } finally {
      edges.close();
      local.wake = () => undefined;
    }
  }

  /** Milliseconds that may still be waited. @throws QuoralError 55P03 */
  #left(started: number, { lockTimeoutMs }: WaitOptions): number {
    if (lockTimeoutMs === 0) return LOOK_MS;
    const left = lockTimeoutMs - (this.#catalog.clock.monotonicMs() - started);
    if (left <= 0) throw lockTimeoutError();
    return left;
  }

  /**
   * Resolves when others can have the locks, or that takes too long to wait for. Never rejects: what cannot be
   * taken out of its row is not live any more, and found by whoever waits for it.
   */
  async release(locks: readonly HeldLock[]): Promise<void> {
    const byKey = new Map<Key, Set<string>>();
    for (const { key, entry } of locks) {
      this.#live.delete(entryId(entry));
      const ids = byKey.get(key);
      if (ids === undefined) byKey.set(key, new Set([entryId(entry)]));
      else ids.add(entryId(entry));
    }
    if (this.#live.size === 0) this.#stopTimer();
    const removals = Promise.all([...byKey].map(([key, ids]) => this.#removeFrom(key, ids)));
    if (this.#closed) return;
    await this.#catalog.waitFor((wake) => void removals.then(wake), RELEASE_WAIT_MS, null);
  }

  async #removeFrom(key: Key, ids: ReadonlySet<string>): Promise<void> {
    try {
      this.#wakeAll(await remove(this.#db, key, ids));
    } catch (error) {
      this.#logger.log('info', 'an advisory lock is left to be found by those who want it', {
        error: String(error),
      });
    }
  }

  // ---- others ----

  async #examine(entries: readonly Entry[]): Promise<EntryState[]> {
    const byLife = new Map<string, Entry[]>();
    for (const entry of entries) {
      const life = `${entry.node} ${entry.incarnation}`;
      byLife.set(life, [...(byLife.get(life) ?? []), entry]);
    }
    const found = new Map<string, EntryState>();
    await Promise.all(
      [...byLife.values()].map(async (group) => {
        const states = await this.#ask(group);
        group.forEach((entry, i) => found.set(entryId(entry), states[i] ?? UNKNOWN));
      }),
    );
    return entries.map((entry) => found.get(entryId(entry))!);
  }

  /** Entries of one life of a node. */
  async #ask(entries: readonly Entry[]): Promise<EntryState[]> {
    const { node, incarnation } = entries[0]!;
    const ids = entries.map(entryId);
    if (node === this.#db.nodeId) return this.#states(incarnation, ids);
    const { network } = this.#catalog;
    if (network === null) return ids.map(() => UNKNOWN);
    const message: AdvisoryRequest = { request: { $case: 'status', value: { incarnation, entries: ids } } };
    try {
      const answer = await network.call(node, advisoryMethod, message, { deadlineMs: STATUS_MS });
      return answer.entries.map(({ live, txn, txnName }) => ({ live, txn: bytesToKey(txn), txnName }));
    } catch (error) {
      // Not to be reached, or not so far in its start that it could answer: its lease decides.
      if (!(error instanceof QuoralError)) throw error;
      this.#logger.log('debug', 'a node could not be asked about advisory locks', { node, error: String(error) });
      return ids.map(() => UNKNOWN);
    }
  }

  #states(incarnation: string, ids: readonly string[]): EntryState[] {
    return ids.map((id) => {
      const local = incarnation === this.#incarnation ? this.#live.get(id) : undefined;
      if (local === undefined) return GONE;
      const txn = local.owner.openTxn();
      return { live: true, txn: txn?.id ?? '', txnName: txn?.name ?? '' };
    });
  }

  /** True if something was taken out of the row. */
  async #removeDead(key: Key, entries: readonly Entry[], states: readonly EntryState[]): Promise<boolean> {
    const gone = new Set(entries.filter((_, i) => !states[i]!.live).map(entryId));
    let removed = gone.size > 0;
    if (removed) this.#wakeAll(await remove(this.#db, key, gone));
    const silent = new Map<string, Entry[]>();
    entries.forEach((entry, i) => {
      if (states[i] !== UNKNOWN) return;
      silent.set(entry.incarnation, [...(silent.get(entry.incarnation) ?? []), entry]);
    });
    for (const group of silent.values()) {
      const grantable = await removeExpired(this.#db, key, group);
      if (grantable === null) continue;
      removed = true;
      this.#wakeAll(grantable);
    }
    return removed;
  }

  #wakeAll(entries: readonly Entry[]): void {
    const byNode = new Map<number, string[]>();
    for (const entry of entries) byNode.set(entry.node, [...(byNode.get(entry.node) ?? []), entryId(entry)]);
    for (const [node, ids] of byNode) {
      if (node === this.#db.nodeId) this.#wake(ids);
      else this.#sendWake(node, ids);
    }
  }

  #sendWake(node: number, ids: readonly string[]): void {
    const message: AdvisoryRequest = { request: { $case: 'wake', value: { entries: [...ids] } } };
    this.#catalog.network?.call(node, advisoryMethod, message, { deadlineMs: STATUS_MS }).catch((error: unknown) => {
      this.#logger.log('debug', 'a waiter for an advisory lock was not told of its turn', {
        node,
        error: String(error),
      });
    });
  }

  #wake(ids: readonly string[]): void {
    for (const id of ids) this.#live.get(id)?.wake();
  }

  async #answer({ request: asked }: AdvisoryRequest): Promise<AdvisoryResponse> {
    switch (asked?.$case) {
      case 'status': {
        const states = this.#states(asked.value.incarnation, asked.value.entries);
        return { entries: states.map(({ live, txn, txnName }) => ({ live, txn: keyToBytes(txn), txnName })) };
      }
      case 'wake':
        this.#wake(asked.value.entries);
        return { entries: [] };
      case undefined:
        throw sqlError('08P01', 'empty request about advisory locks');
    }
  }

  /** Every lock of the cluster, as the rows have it: what has died may still be among it. */
  async list(): Promise<readonly ListedLock[]> {
    const end = prefixEnd(LOCK_ROWS);
    return this.#db.run({ isolation: 'serializable', readOnly: true, name: 'pg_locks' }, async (txn) => {
      const { keys, values } = await txn.scan({ start: LOCK_ROWS, end });
      return keys.flatMap((key, i) => {
        const { databaseId, name } = decodeLockKey(key);
        const { holders, waiters } = decodeLockRow(values[i]);
        return [
          ...holders.map((entry) => ({ databaseId, name, entry, granted: true })),
          ...waiters.map((entry) => ({ databaseId, name, entry, granted: false })),
        ];
      });
    });
  }

  // ---- the node's lease ----

  #trusted(): boolean {
    return this.#db.now() < this.#until - MARGIN_MS * 1000;
  }

  /** As far ahead as it is kept for a node that has locks. */
  #fresh(): boolean {
    return this.#until - this.#db.now() >= (LEASE_MS - RENEW_MS) * 1000;
  }

  #ensureLease(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renew(): Promise<void> {
    // Entries under a lease that is not trusted any more are given up first.
    if (this.#live.size > 0 && !this.#trusted()) this.#lapse();
    if (this.#incarnation === '') this.#incarnation = this.#catalog.newToken();
    const incarnation = this.#incarnation;
    const held = this.#live.size > 0;
    const until = this.#db.now() + LEASE_MS * 1000;
    const key = leaseKey(this.#db.nodeId);
    const kept = await againIfUnknown(() =>
      this.#db.run({ isolation: 'serializable', name: 'advisory lease' }, async (txn) => {
        const lease = decodeNodeLease(await txn.get(key, { lock: 'exclusive' }));
        // Somebody has found this node dead: what it holds is not its own any more.
        if (held && lease?.incarnation !== incarnation) return false;
        // Never back: the end that the row has may be relied on.
        if (lease?.incarnation !== incarnation || lease.until < until) {
          txn.put(key, encodeNodeLease({ incarnation, until }));
        }
        return true;
      }),
    );
    if (incarnation !== this.#incarnation) return;
    if (kept) this.#until = Math.max(this.#until, until);
    else this.#lapse();
  }

  #lapse(): void {
    if (this.#live.size === 0) return;
    const owners = new Set([...this.#live.values()].map((local) => local.owner));
    this.#logger.log('error', 'advisory locks may have been lost: the sessions that have them are ended', {
      node: this.#db.nodeId,
      sessions: owners.size,
    });
    const locals = [...this.#live.values()];
    this.#live.clear();
    this.#incarnation = this.#catalog.newToken();
    this.#until = 0;
    for (const local of locals) local.wake();
    for (const owner of owners) owner.terminate(lapsed());
  }

  #tick(): void {
    if (this.#live.size === 0) {
      this.#stopTimer();
      return;
    }
    if (!this.#trusted()) this.#lapse();
    else if (!this.#fresh()) {
      this.#ensureLease().catch((error: unknown) => {
        this.#logger.log('warn', 'the lease of advisory locks was not renewed', { error: String(error) });
      });
    }
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** The node ends: what its sessions have is left to be found. */
  close(): void {
    this.#closed = true;
    this.#stopTimer();
  }
}
