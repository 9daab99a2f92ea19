/**
 * A small, obviously correct model of the transactional key-value layer, for tests of SQL: one map of
 * versions, optimistic checks of everything read at commit, shared and exclusive locks with waiting.
 */
import { encodeCounter } from '../../../src/range/eval/write.js';
import { QuoralError } from '../../../src/base/errors.js';
import type { Key } from '../../../src/base/key.js';
import { KeyExistsError } from '../../../src/txn/errors.js';
import type {
  KvDb,
  KvScanOptions,
  KvScanResult,
  KvTxn,
  RangeInfo,
  ReadOptions,
  Savepoint,
  TxnOptions,
  TxnStatus,
} from '../../../src/txn/kv-txn.js';

interface Version {
  readonly ts: number;
  readonly value: Buffer | null;
}

export class MemoryKv {
  readonly versions = new Map<Key, Version[]>();
  readonly locks = new Map<Key, { owners: Set<MemoryTxn>; shared: boolean; waiters: (() => void)[] }>();
  readonly counters = new Map<Key, number>();
  readonly splits: Key[] = [];
  /** Writes that a transaction buffers before it asks to be relieved. */
  crowdedAt = Infinity;
  /** The most that one has buffered, and gave up or committed. */
  bufferedMost = 0;
  clock = 1_700_000_000_000_000;
  #sorted: Key[] | null = [];

  tick(): number {
    return ++this.clock;
  }
  /** What happens to the locks of a node that died. */
  breakLocks(node: number): void {
    for (const [key, held] of this.locks) {
      const before = held.owners.size;
      for (const owner of held.owners) if (owner.node === node) held.owners.delete(owner);
      if (held.owners.size === before) continue;
      if (held.owners.size === 0) this.locks.delete(key);
      for (const wake of held.waiters.splice(0)) wake();
    }
  }
  read(key: Key, ts: number): Buffer | null {
    const versions = this.versions.get(key);
    if (versions === undefined) return null;
    for (let i = versions.length - 1; i >= 0; i--) if (versions[i]!.ts <= ts) return versions[i]!.value;
    return null;
  }
  newestTs(key: Key): number {
    return this.versions.get(key)?.at(-1)?.ts ?? 0;
  }
  write(key: Key, ts: number, value: Buffer | null): void {
    const versions = this.versions.get(key);
    if (versions === undefined) {
      this.versions.set(key, [{ ts, value }]);
      this.#sorted = null;
    } else {
      const at = versions.findIndex((v) => v.ts > ts);
      if (at < 0) versions.push({ ts, value });
      else versions.splice(at, 0, { ts, value });
    }
  }
  keys(start: Key, end: Key): Key[] {
    this.#sorted ??= [...this.versions.keys()].sort();
    const sorted = this.#sorted;
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (sorted[mid]! < start) low = mid + 1;
      else high = mid;
    }
    const from = low;
    high = sorted.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (sorted[mid]! < end) low = mid + 1;
      else high = mid;
    }
    return sorted.slice(from, low);
  }
}

function conflict(): QuoralError {
  return new QuoralError('40001', 'could not serialize access due to concurrent update', { retry: 'transaction' });
}

let txnCounter = 0;

export class MemoryTxn implements KvTxn {
  readonly id: string;
  readonly isolation: TxnOptions['isolation'];
  status: TxnStatus = 'active';
  readTimestamp: number;
  readonly #kv: MemoryKv;
  readonly #options: TxnOptions;
  #writes: { key: Key; value: Buffer | null; deferred: boolean }[] = [];
  #reads = new Set<Key>();
  #spans: [Key, Key][] = [];
  #verified: { start: Key; end: Key; since: number }[] = [];
  readonly #locked = new Set<Key>();
  #statementStart = 0;
  /** Writes that it has given up. */
  #relieved = 0;
  #onCommit: ((ts: number) => void)[] = [];
  #onRollback: (() => void)[] = [];

  readonly node: number;

  constructor(kv: MemoryKv, options: TxnOptions, node: number) {
    this.node = node;
    this.#kv = kv;
    this.#options = options;
    this.isolation = options.isolation;
    this.readTimestamp = options.asOf ?? kv.tick();
    this.id = `txn-${++txnCounter}`;
  }

  get pristine(): boolean {
    return this.#writes.length === 0 && this.#reads.size === 0 && this.#spans.length === 0 && this.#locked.size === 0;
  }
  get crowded(): boolean {
    return this.#buffers() >= this.#kv.crowdedAt;
  }
  #buffers(): number {
    const count = this.#writes.length - this.#relieved;
    this.#kv.bufferedMost = Math.max(this.#kv.bufferedMost, count);
    return count;
  }

  #buffered(key: Key, options?: ReadOptions): { value: Buffer | null } | undefined {
    const before = options?.before?.sequence ?? this.#writes.length;
    for (let i = this.#writes.length - 1; i >= 0; i--) {
      if (this.#writes[i]!.key !== key) continue;
      if (i < before) return this.#writes[i];
      if (options?.lock !== undefined && options.lock !== 'none') return { value: null };
    }
    return undefined;
  }

  #check(): void {
    if (this.status !== 'active') throw new QuoralError('25P02', 'transaction is over');
    if (this.#options.signal?.aborted === true) throw this.#options.signal.reason;
  }

  async #lock(key: Key, strength: 'share' | 'exclusive' = 'exclusive'): Promise<void> {
    const shared = strength === 'share';
    let held = this.#kv.locks.get(key);
    for (; held !== undefined; held = this.#kv.locks.get(key)) {
      const own = held.owners.has(this);
      if (own && (shared || !held.shared)) return;
      if ((shared && held.shared) || (own && held.owners.size === 1)) break;
      const { waiters } = held;
      await new Promise<void>((resolve, reject) => {
        const { signal } = this.#options;
        const onAbort = (): void => reject(signal!.reason as Error);
        waiters.push(() => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        });
        signal?.addEventListener('abort', onAbort, { once: true });
      });
      this.#check();
    }
    if (held === undefined) this.#kv.locks.set(key, { owners: new Set([this]), shared, waiters: [] });
    else {
      held.owners.add(this);
      held.shared = shared;
    }
    this.#locked.add(key);
    // A locking read sees the newest value; what was read before must still hold.
    if (this.#kv.newestTs(key) > this.readTimestamp) this.#forward();
  }

  #forward(): void {
    const now = this.#kv.tick();
    this.#validate();
    this.readTimestamp = now;
  }

  #validate(): void {
    for (const { start, end, since } of this.#verified) {
      for (const key of this.#kv.keys(start, end)) if (this.#kv.newestTs(key) > since) throw conflict();
    }
    if (this.isolation === 'read committed') return;
    for (const key of this.#reads) if (this.#kv.newestTs(key) > this.readTimestamp) throw conflict();
    for (const [start, end] of this.#spans) {
      for (const key of this.#kv.keys(start, end)) if (this.#kv.newestTs(key) > this.readTimestamp) throw conflict();
    }
  }

  async get(key: Key, options?: ReadOptions): Promise<Buffer | null> {
    return (await this.getMany([key], options))[0] ?? null;
  }

  async getMany(keys: readonly Key[], options?: ReadOptions): Promise<(Buffer | null | undefined)[]> {
    await Promise.resolve();
    this.#check();
    for (const key of keys) {
      if (options?.lock !== undefined && options.lock !== 'none') await this.#lock(key, options.lock);
    }
    return keys.map((key) => {
      const own = this.#buffered(key, options);
      if (own !== undefined) return own.value;
      this.#reads.add(key);
      return this.#kv.read(key, this.readTimestamp);
    });
  }

  async scan(options: KvScanOptions): Promise<KvScanResult> {
    await Promise.resolve();
    this.#check();
    const lock = options.lock ?? 'none';
    if (lock !== 'none') {
      // As a locking read of one key: it sees the newest there is.
      const keys = this.#kv.keys(options.start, options.end);
      if (keys.some((key) => this.#kv.newestTs(key) > this.readTimestamp)) this.#forward();
    }
    this.#spans.push([options.start, options.end]);
    if (options.verified === true) {
      this.#verified.push({ start: options.start, end: options.end, since: this.readTimestamp });
    }
    const found = new Map<Key, Buffer>();
    for (const key of this.#kv.keys(options.start, options.end)) {
      const value = this.#kv.read(key, this.readTimestamp);
      if (value !== null) found.set(key, value);
    }
    const before = options.before?.sequence ?? this.#writes.length;
    for (const [i, w] of this.#writes.entries()) {
      if (w.key < options.start || w.key >= options.end) continue;
      const left = i >= before && lock !== 'none';
      if (i >= before && !left) continue;
      if (w.value === null || left) found.delete(w.key);
      else found.set(w.key, w.value);
    }
    let keys = [...found.keys()].sort();
    if (options.reverse === true) keys.reverse();
    const limit = options.maxRows ?? 0;
    let resumeKey: Key | null = null;
    if (limit > 0 && keys.length > limit) {
      resumeKey = options.reverse === true ? keys[limit - 1]! : keys[limit]!;
      keys = keys.slice(0, limit);
    }
    if (lock !== 'none') for (const key of keys) await this.#lock(key, lock);
    return { keys, values: keys.map((k) => found.get(k)!), resumeKey };
  }

  put(key: Key, value: Uint8Array): void {
    this.#check();
    this.#writes.push({ key, value: Buffer.from(value), deferred: false });
  }
  delete(key: Key): void {
    this.#check();
    this.#writes.push({ key, value: null, deferred: false });
  }
  insertDeferred(key: Key, value: Uint8Array): void {
    this.#writes.push({ key, value: Buffer.from(value), deferred: true });
  }
  async bulkIngest(keys: readonly Key[], values: readonly Uint8Array[]): Promise<void> {
    await Promise.resolve();
    keys.forEach((key, i) => this.#kv.write(key, this.readTimestamp, Buffer.from(values[i]!)));
  }
  async relieve(): Promise<void> {
    this.#buffers();
    await Promise.resolve();
    this.#relieved = this.#writes.length;
  }

  beginStatement(): void {
    this.#statementStart = this.#writes.length;
    if (this.isolation === 'read committed') this.readTimestamp = this.#kv.tick();
  }
  readPoint(): Savepoint {
    return this.savepoint();
  }
  savepoint(): Savepoint {
    return { sequence: this.#writes.length };
  }
  rollbackTo(savepoint: Savepoint): void {
    this.#writes.length = savepoint.sequence;
    this.#relieved = Math.min(this.#relieved, this.#writes.length);
  }
  restartStatement(): void {
    this.#writes.length = this.#statementStart;
    this.#relieved = Math.min(this.#relieved, this.#writes.length);
    this.readTimestamp = this.#kv.tick();
  }
  async restart(): Promise<void> {
    await Promise.resolve();
    this.#releaseLocks();
    this.#writes = [];
    this.#reads.clear();
    this.#spans = [];
    this.#verified = [];
    this.readTimestamp = this.#kv.tick();
    this.status = 'active';
  }

  onCommit(fn: (ts: number) => void): void {
    this.#onCommit.push(fn);
  }
  onRollback(fn: () => void): void {
    this.#onRollback.push(fn);
  }

  #releaseLocks(): void {
    for (const key of this.#locked) {
      const held = this.#kv.locks.get(key);
      if (held?.owners.delete(this) !== true) continue;
      if (held.owners.size === 0) this.#kv.locks.delete(key);
      for (const wake of held.waiters.splice(0)) wake();
    }
    this.#locked.clear();
  }

  async commit(): Promise<number> {
    await Promise.resolve();
    this.#check();
    this.#buffers();
    try {
      // Others' locks on what is written here are waited for.
      for (const w of this.#writes) await this.#lock(w.key);
      const ts = this.#kv.tick();
      if (this.#writes.length > 0) this.#validate();
      for (const w of this.#writes) {
        const existing = w.deferred ? this.#kv.read(w.key, ts) : null;
        if (existing !== null) throw new KeyExistsError(w.key, existing);
      }
      for (const w of this.#writes) this.#kv.write(w.key, ts, w.value);
      this.status = 'committed';
      this.#releaseLocks();
      for (const fn of this.#onCommit) fn(ts);
      return ts;
    } catch (error) {
      if (this.status === 'active') {
        this.status = 'aborted';
        this.#releaseLocks();
      }
      throw error;
    }
  }

  async rollback(): Promise<void> {
    await Promise.resolve();
    if (this.status !== 'active') return;
    this.status = 'aborted';
    this.#releaseLocks();
    for (const fn of this.#onRollback) fn();
  }
}

export class MemoryDb implements KvDb {
  readonly nodeId: number;
  readonly kv: MemoryKv;
  constructor(kv: MemoryKv = new MemoryKv(), nodeId = 1) {
    this.kv = kv;
    this.nodeId = nodeId;
  }
  now(): number {
    return this.kv.tick();
  }
  begin(options: TxnOptions): MemoryTxn {
    return new MemoryTxn(this.kv, options, this.nodeId);
  }
  async getMany(keys: readonly Key[]): Promise<(Buffer | null)[]> {
    await Promise.resolve();
    const ts = this.kv.tick();
    return keys.map((key) => {
      const counter = this.kv.counters.get(key);
      return counter === undefined ? this.kv.read(key, ts) : encodeCounter(counter);
    });
  }
  async run<T>(options: TxnOptions, fn: (txn: KvTxn) => Promise<T>): Promise<T> {
    for (;;) {
      const txn = this.begin(options);
      try {
        const result = await fn(txn);
        await txn.commit();
        return result;
      } catch (error) {
        await txn.rollback();
        if (!(error instanceof QuoralError) || error.retry !== 'transaction') throw error;
      }
    }
  }
  async split(key: Key): Promise<void> {
    await Promise.resolve();
    if (!this.kv.splits.includes(key)) this.kv.splits.push(key);
  }
  separate(): Promise<void> {
    return Promise.resolve();
  }
  async increment(key: Key, by: number): Promise<number> {
    await Promise.resolve();
    const next = (this.kv.counters.get(key) ?? 0) + by;
    this.kv.counters.set(key, next);
    return next;
  }
  async ranges(start: Key, end: Key): Promise<readonly RangeInfo[]> {
    await Promise.resolve();
    const bounds = [start, ...this.kv.splits.filter((k) => k > start && k < end).sort(), end];
    return bounds
      .slice(1)
      .map((to, i) => ({ rangeId: i + 1, start: bounds[i]!, end: to, replicas: [1], leaseholder: 1, bytes: 0 }));
  }
  metrics(): Record<string, number> {
    return {};
  }
}
