/**
 * A node's part of the catalog: its cache of descriptors and names, its lease, which transactions use
 * which tables, and which tables a schema change holds.
 *
 * The protocol by which a cached descriptor is never used after another node's change committed:
 *
 *   1. A node uses tables only under a lease: a row with an HLC time, renewed while it has sessions. It
 *      stops using the lease a margin before its end, and then forgets everything cached.
 *   2. A transaction registers its use of an object before it reads the descriptor, and keeps it to
 *      its end. After a lapse of the lease it cannot commit (40001).
 *   3. A schema change writes a lock row for each object, and only then reads the lease rows; it asks
 *      every node with a live lease to lock the objects: the node lets no new user in, forgets what it
 *      cached, and agrees when the users are gone. A node that cannot be reached is waited for until
 *      its lease has ended.
 *   4. A node fills its cache by reading descriptor and lock row together, under its lease. If its
 *      lease row came after the change read the lease rows, it sees the lock row (which was written
 *      before) and waits; if it came before, the change has asked it.
 *   5. The change deletes its lock rows in the transaction that changes the descriptors. Whoever
 *      removes the rows of a dead coordinator thereby makes a late commit of it fail.
 *   6. A name is checked against the descriptor it led to; a missing name is never remembered.
 *
 * What breaks it: a node stalled for longer than the margin between its check and its commit's proposal,
 * and clocks further apart than the maximum offset.
 */
import { assert } from '../../base/assert.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import type { Clock, Logger, Rng, TimerHandle, Timers } from '../../env/env.js';
import type { CatalogRequest, CatalogResponse } from '../../encoding/proto/catalog.js';
import { SYSTEM_KEYS } from '../../encoding/keyspace.js';
import { prefixEnd } from '../../base/key.js';
import { isUnanswered } from '../../rpc/errors.js';
import type { CallContext, RpcNetwork } from '../../rpc/types.js';
import type { KvDb } from '../../txn/kv-txn.js';
import { againIfUnknown } from './again.js';
import { IdAllocator } from './bootstrap.js';
import { catalogMethod } from './catalog-rpc.js';
import {
  decodeDescriptor,
  decodeLease,
  decodeNameEntry,
  decodeSchemaLock,
  encodeLease,
  schemaLockKey,
} from './codec.js';
import type { NameEntry, SchemaLockRow } from './codec.js';
import { OVERLOAD } from './entry-names.js';
import type { Descriptor } from './descriptor.js';

export const LEASE_MS = 6_000;
const RENEW_MS = 2_000;
/** The lease is not used in its last part, so that what was begun under it ends under it. */
const MARGIN_MS = 1_500;
const ORPHAN_CHECK_MS = 1_000;
/** Entries; beyond this the whole cache is dropped (it refills from one range). */
const CACHE_MAX = 50_000;

export interface CatalogDeps {
  readonly db: KvDb;
  readonly network: RpcNetwork | null;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
  readonly logger: Logger;
}

/** What lies under a database's own id. */
interface DatabaseNames {
  readonly schemas: ReadonlyMap<string, number>;
  readonly overloads: ReadonlySet<string>;
}

/** A transaction as the registry of uses knows it. */
export interface UseHolder {
  /** Token of its schema locks, or null. */
  readonly token: string | null;
}

/** A limit of time for who does not wait: long enough to ask a node of its own. */
export const NO_WAIT_MS = 1;

export interface WaitOptions {
  readonly signal: AbortSignal | null;
  /** 0 = no limit. */
  readonly lockTimeoutMs: number;
}

interface LocalLock {
  readonly token: string;
  readonly coordinator: number;
  waiters: (() => void)[];
}

export function lockTimeoutError(): QuoralError {
  return sqlError('55P03', 'canceling statement due to lock timeout');
}

export class Catalog {
  readonly db: KvDb;
  readonly ids: IdAllocator;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly network: RpcNetwork | null;
  readonly #rng: Rng;
  readonly #logger: Logger;
  readonly #descriptors = new Map<number, Descriptor>();
  readonly #names = new Map<string, NameEntry>();
  readonly #schemas = new Map<number, DatabaseNames>();
  /** Whose names have been asked for. */
  readonly #databases = new Set<number>();
  #namesGeneration = 0;
  readonly #users = new Map<number, Set<UseHolder>>();
  readonly #locks = new Map<number, LocalLock>();
  readonly #drained = new Map<number, (() => void)[]>();
  /** Tokens of schema changes that this node coordinates and that are not over. */
  readonly activeTokens = new Set<string>();
  readonly #onForgetSequence: ((id: number) => void)[] = [];
  #leaseUntil = 0;
  #leaseGeneration = 0;
  #leasing: Promise<void> | null = null;
  #sessions = 0;
  #epoch = 1;
  #invalidations = 0;
  #renewTimer: TimerHandle | null = null;
  #orphanTimer: TimerHandle | null = null;
  #closed = false;

  constructor(deps: CatalogDeps) {
    this.db = deps.db;
    this.network = deps.network;
    this.clock = deps.clock;
    this.timers = deps.timers;
    this.#rng = deps.rng;
    this.#logger = deps.logger;
    this.ids = new IdAllocator(deps.db);
    deps.network?.handle(catalogMethod, (request, context) => this.#answer(request, context));
  }

  /** Changes whenever anything cached was dropped; equal epochs mean that what was valid still is. */
  get epoch(): number {
    return this.#epoch;
  }
  /** Changes with what `schemasOf` and `overloadsOf` say. */
  get namesGeneration(): number {
    return this.#namesGeneration;
  }
  get leaseGeneration(): number {
    return this.#leaseGeneration;
  }
  get self(): number {
    return this.db.nodeId;
  }

  newToken(): string {
    return this.#rng.bytes(12).toString('hex');
  }
  jitter(): number {
    return this.#rng.next();
  }

  sessionOpened(): void {
    this.#sessions++;
    if (this.#renewTimer !== null) return;
    this.#renewTimer = this.timers.every(RENEW_MS, () => this.#renewIfBusy());
    // What is left of an earlier lease may end before the timer first fires, under everybody's hands.
    this.#renewIfBusy();
  }
  sessionClosed(): void {
    this.#sessions--;
    assert(this.#sessions >= 0, 'more sessions closed than opened');
  }

  close(): void {
    this.#closed = true;
    this.#renewTimer?.cancel();
    this.#orphanTimer?.cancel();
    this.#renewTimer = null;
    this.#orphanTimer = null;
  }

  // ---- lease ----

  leaseUsable(): boolean {
    return this.db.now() < this.#leaseUntil;
  }

  /** null when the lease is usable now. */
  ensureLease(): Promise<void> | null {
    if (this.leaseUsable()) return null;
    return this.#renewLease();
  }

  #renewIfBusy(): void {
    if (this.#closed) return;
    if (this.#sessions === 0 && this.#users.size === 0) {
      this.#renewTimer?.cancel();
      this.#renewTimer = null;
      return;
    }
    this.#renewLease().catch((error: unknown) => {
      this.#logger.log('warn', 'catalog lease was not renewed', { error: String(error) });
    });
  }

  #renewLease(): Promise<void> {
    this.#leasing ??= this.#writeLease().finally(() => {
      this.#leasing = null;
    });
    return this.#leasing;
  }

  async #writeLease(): Promise<void> {
    const expiry = await againIfUnknown(() => this.#extendLease(this.db.now() + LEASE_MS * 1000));
    if (this.db.now() >= this.#leaseUntil) {
      this.#leaseGeneration++;
      this.forgetAll();
    }
    this.#leaseUntil = Math.max(this.#leaseUntil, expiry - MARGIN_MS * 1000);
  }

  /**
   * Never back: a write of unknown outcome may arrive behind the one that was made in its place. Returns the
   * end that the row has now.
   */
  #extendLease(expiry: number): Promise<number> {
    const key = SYSTEM_KEYS.catalogLease(this.self);
    return this.db.run({ isolation: 'serializable', name: 'catalog lease' }, async (txn) => {
      const [row] = await txn.getMany([key]);
      if (row !== null && row !== undefined && decodeLease(row) >= expiry) return decodeLease(row);
      txn.put(key, encodeLease(expiry));
      return expiry;
    });
  }

  /** Nodes whose lease may still be in use. */
  async leaseholders(): Promise<number[]> {
    const rows = await this.db.run({ isolation: 'serializable', name: 'catalog leases' }, async (txn) =>
      txn.scan({ start: SYSTEM_KEYS.catalogLeases, end: prefixEnd(SYSTEM_KEYS.catalogLeases) }),
    );
    const now = this.db.now();
    const nodes: number[] = [];
    rows.keys.forEach((key, i) => {
      const node = Number(decodeNodeOfLease(key));
      // The holder stops a margin earlier by its own clock; the row's end is enough for offsets below it.
      if (decodeLease(rows.values[i]!) > now) nodes.push(node);
    });
    return nodes.sort((a, b) => a - b);
  }

  // ---- cache ----

  cached(id: number): Descriptor | undefined {
    return this.#descriptors.get(id);
  }

  /** What this node has met of the catalog; it is read again as it is asked for. */
  forgetAll(): void {
    this.#descriptors.clear();
    this.#names.clear();
    this.#schemas.clear();
    this.#namesGeneration++;
    this.#epoch++;
    this.#invalidations++;
  }

  forget(ids: readonly number[]): void {
    this.#invalidations++;
    this.#epoch++;
    const gone = new Set(ids);
    for (const id of ids) {
      this.#descriptors.delete(id);
      this.#schemas.delete(id);
      if (this.#databases.has(id)) this.#namesGeneration++;
    }
    for (const [name, entry] of this.#names) if (gone.has(entry.id)) this.#names.delete(name);
  }

  /** What this node's own transaction committed: a name may now mean something else. */
  forgetName(key: string): void {
    this.#invalidations++;
    this.#epoch++;
    this.#names.delete(key);
  }

  /**
   * The descriptor, from the cache or from KV. null: none. 'locked': a schema change holds it, wait.
   * The caller has registered its use and holds the lease.
   */
  async load(id: number): Promise<Descriptor | null | 'locked'> {
    for (;;) {
      const cached = this.#descriptors.get(id);
      if (cached !== undefined) return cached;
      const before = this.#invalidations;
      const [bytes, lock] = await this.db.getMany([SYSTEM_KEYS.descriptor(id), schemaLockKey(id)]);
      if (lock !== null && lock !== undefined) {
        const row = decodeSchemaLock(lock);
        if (!this.#locks.has(id)) this.#adoptLock(id, row);
        return 'locked';
      }
      if (this.#invalidations !== before || !this.leaseUsable()) {
        const lease = this.ensureLease();
        if (lease !== null) await lease;
        continue;
      }
      if (bytes === null || bytes === undefined) return null;
      const descriptor = decodeDescriptor(bytes);
      if (this.#descriptors.size >= CACHE_MAX) this.forgetAll();
      this.#descriptors.set(id, descriptor);
      return descriptor;
    }
  }

  cachedName(key: string): NameEntry | undefined {
    return this.#names.get(key);
  }

  async lookupName(key: string): Promise<NameEntry | null> {
    const cached = this.#names.get(key);
    if (cached !== undefined) return cached;
    const before = this.#invalidations;
    const [bytes] = await this.db.getMany([key]);
    if (bytes === null || bytes === undefined) return null;
    const entry = decodeNameEntry(bytes);
    if (this.#invalidations === before && this.leaseUsable() && this.#names.size < CACHE_MAX)
      this.#names.set(key, entry);
    return entry;
  }

  /** All schemas of a database by name. CREATE and DROP SCHEMA lock the database's id. */
  async schemasOf(databaseId: number): Promise<ReadonlyMap<string, number>> {
    return (await this.#namesOf(databaseId)).schemas;
  }

  /** Names of built-in functions that functions of users may have as well. Who makes the first of one locks the database's id. */
  async overloadsOf(databaseId: number): Promise<ReadonlySet<string>> {
    return (await this.#namesOf(databaseId)).overloads;
  }

  async #namesOf(databaseId: number): Promise<DatabaseNames> {
    this.#databases.add(databaseId);
    const cached = this.#schemas.get(databaseId);
    if (cached !== undefined && this.leaseUsable()) return cached;
    const lease = this.ensureLease();
    if (lease !== null) await lease;
    const before = this.#invalidations;
    const prefix = SYSTEM_KEYS.name(databaseId, 0, '');
    const [lock] = await this.db.getMany([schemaLockKey(databaseId)]);
    const rows = await this.db.run({ isolation: 'serializable', name: 'schemas' }, async (txn) =>
      txn.scan({ start: prefix, end: prefixEnd(prefix) }),
    );
    const schemas = new Map<string, number>();
    const overloads = new Set<string>();
    rows.keys.forEach((key, i) => {
      const name = Buffer.from(key.slice(prefix.length), 'latin1').toString('utf8');
      if (name.startsWith(OVERLOAD)) overloads.add(name.slice(OVERLOAD.length));
      else schemas.set(name, decodeNameEntry(rows.values[i]!).id);
    });
    const names = { schemas, overloads };
    // Under a lock the list may be old in a moment: it is used, not kept.
    if (lock === null && this.#invalidations === before && this.leaseUsable()) this.#schemas.set(databaseId, names);
    return names;
  }

  cachedSchemas(databaseId: number): ReadonlyMap<string, number> | undefined {
    return this.#schemas.get(databaseId)?.schemas;
  }

  // ---- uses and locks of this node ----

  /** Registers a use; false when a schema change of another transaction holds the object. */
  use(id: number, holder: UseHolder): boolean {
    const users = this.#users.get(id);
    if (users?.has(holder) === true) return true;
    const lock = this.#locks.get(id);
    if (lock !== undefined && lock.token !== holder.token) return false;
    if (users === undefined) this.#users.set(id, new Set([holder]));
    else users.add(holder);
    return true;
  }

  endUse(id: number, holder: UseHolder): void {
    const users = this.#users.get(id);
    if (users === undefined || !users.delete(holder)) return;
    if (users.size === 0) this.#users.delete(id);
    const waiting = this.#drained.get(id);
    if (waiting === undefined) return;
    this.#drained.delete(id);
    for (const wake of waiting) wake();
  }

  /** Waits until no schema change holds the object. */
  async waitUnlocked(id: number, options: WaitOptions): Promise<void> {
    const started = this.clock.monotonicMs();
    for (let lock = this.#locks.get(id); lock !== undefined; lock = this.#locks.get(id)) {
      const { waiters } = lock;
      const left = options.lockTimeoutMs === 0 ? 0 : options.lockTimeoutMs - (this.clock.monotonicMs() - started);
      if (options.lockTimeoutMs !== 0 && left <= 0) throw lockTimeoutError();
      await this.waitFor((wake) => waiters.push(wake), left === 0 ? 0 : Math.max(1, left), options.signal);
    }
  }

  /** Resolves when `subscribe`'s callback is called or the time (0 = none) is over. @throws what aborted it */
  waitFor(subscribe: (wake: () => void) => void, timeoutMs: number, signal: AbortSignal | null): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(abortReason(signal));
        return;
      }
      let timer: TimerHandle | null = null;
      const onAbort = (): void => {
        timer?.cancel();
        reject(abortReason(signal!));
      };
      const done = (): void => {
        timer?.cancel();
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      if (timeoutMs > 0) timer = this.timers.after(timeoutMs, done);
      signal?.addEventListener('abort', onAbort, { once: true });
      subscribe(done);
    });
  }

  #adoptLock(id: number, row: SchemaLockRow): void {
    this.#locks.set(id, { token: row.token, coordinator: row.node, waiters: [] });
    this.forget([id]);
    this.#watchOrphans();
  }

  /** True once no other transaction of this node uses the objects. @throws what aborted it; the lock stays as it is then. */
  async lockLocal(
    token: string,
    coordinator: number,
    ids: readonly number[],
    waitMs: number,
    signal: AbortSignal | null,
  ): Promise<boolean> {
    const deadline = this.clock.monotonicMs() + waitMs;
    for (const id of ids) {
      const held = this.#locks.get(id);
      if (held !== undefined && held.token !== token) {
        await this.waitFor((wake) => held.waiters.push(wake), Math.max(1, waitMs), signal);
        return false;
      }
    }
    for (const id of ids) {
      if (!this.#locks.has(id)) this.#locks.set(id, { token, coordinator, waiters: [] });
    }
    this.forget(ids);
    if (coordinator !== this.self) this.#watchOrphans();
    for (const id of ids) {
      while (this.#usedByOthers(id, token)) {
        const left = deadline - this.clock.monotonicMs();
        if (left <= 0) return false;
        const waiting = this.#drained.get(id) ?? [];
        this.#drained.set(id, waiting);
        // A timer of a part of a microsecond would end at once, for ever.
        await this.waitFor((wake) => waiting.push(wake), Math.max(1, left), signal);
      }
      if (this.#locks.get(id)?.token !== token) return false;
    }
    return true;
  }

  #usedByOthers(id: number, token: string): boolean {
    const users = this.#users.get(id);
    if (users === undefined) return false;
    for (const holder of users) if (holder.token !== token) return true;
    return false;
  }

  unlockLocal(token: string, ids: readonly number[]): void {
    this.forget(ids);
    for (const id of ids) {
      const lock = this.#locks.get(id);
      if (lock === undefined || lock.token !== token) continue;
      this.#locks.delete(id);
      for (const wake of lock.waiters) wake();
    }
    if (this.#locks.size === 0) {
      this.#orphanTimer?.cancel();
      this.#orphanTimer = null;
    }
  }

  #watchOrphans(): void {
    if (this.#closed) return;
    this.#orphanTimer ??= this.timers.every(ORPHAN_CHECK_MS, () => {
      this.#checkOrphans().catch((error: unknown) => {
        this.#logger.log('warn', 'schema locks of other nodes could not be checked', { error: String(error) });
      });
    });
  }

  async #checkOrphans(): Promise<void> {
    const byToken = new Map<string, { coordinator: number; ids: number[] }>();
    for (const [id, lock] of this.#locks) {
      const group = byToken.get(lock.token) ?? { coordinator: lock.coordinator, ids: [] };
      group.ids.push(id);
      byToken.set(lock.token, group);
    }
    for (const [token, { coordinator, ids }] of byToken) {
      if (await this.stillHeld(token, coordinator)) continue;
      await this.removeLockRows(token, ids);
      this.unlockLocal(token, ids);
    }
  }

  /** Whether a schema change may still commit; false for a dead coordinator whose lease has ended. */
  async stillHeld(token: string, coordinator: number): Promise<boolean> {
    if (coordinator === this.self || this.network === null) return this.activeTokens.has(token);
    try {
      const request: CatalogRequest = { request: { $case: 'status', value: { token } } };
      return (await this.network.call(coordinator, catalogMethod, request, { deadlineMs: 2_000 })).granted;
    } catch (error) {
      if (!isUnanswered(error)) throw error;
      return (await this.leaseholders()).includes(coordinator);
    }
  }

  async removeLockRows(token: string, ids: readonly number[]): Promise<void> {
    await this.db.run({ isolation: 'serializable', name: 'schema unlock' }, async (txn) => {
      const rows = await txn.getMany(ids.map(schemaLockKey), { lock: 'exclusive' });
      rows.forEach((row, i) => {
        if (row !== null && row !== undefined && decodeSchemaLock(row).token === token)
          txn.delete(schemaLockKey(ids[i]!));
      });
    });
  }

  onForgetSequence(fn: (id: number) => void): void {
    this.#onForgetSequence.push(fn);
  }

  /** Tells every node with a lease that its cached values of the sequence are void. */
  async forgetSequence(id: number): Promise<void> {
    for (const fn of this.#onForgetSequence) fn(id);
    const { network } = this;
    if (network === null) return;
    const request: CatalogRequest = { request: { $case: 'forgetSequence', value: { id } } };
    const others = (await this.leaseholders()).filter((node) => node !== this.self);
    await Promise.all(
      others.map((node) =>
        network.call(node, catalogMethod, request, { deadlineMs: 2_000 }).catch((error: unknown) => {
          this.#logger.log('info', 'a node keeps cached sequence values', { node, error: String(error) });
        }),
      ),
    );
  }

  async #answer({ request }: CatalogRequest, context: CallContext): Promise<CatalogResponse> {
    switch (request?.$case) {
      case 'lock': {
        const { token, coordinator, ids, waitMs } = request.value;
        return { granted: await this.lockLocal(token, coordinator, ids, Math.min(waitMs, 5_000), context.signal) };
      }
      case 'unlock':
        this.unlockLocal(request.value.token, request.value.ids);
        return { granted: true };
      case 'status':
        return { granted: this.activeTokens.has(request.value.token) };
      case 'forgetSequence':
        for (const fn of this.#onForgetSequence) fn(request.value.id);
        return { granted: true };
      case undefined:
        throw sqlError('08P01', 'empty catalog request');
    }
  }
}

export function abortReason(signal: AbortSignal): unknown {
  return signal.reason instanceof QuoralError
    ? signal.reason
    : sqlError('57014', 'canceling statement due to user request');
}

function decodeNodeOfLease(key: string): number {
  const at = SYSTEM_KEYS.catalogLeases.length;
  let node = 0;
  for (let i = at + 1; i < key.length; i++) node = node * 256 + key.charCodeAt(i);
  return node;
}
