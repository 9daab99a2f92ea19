/**
 * Conflicts that a cluster reports although none has come about, so that an application's answer to
 * them is exercised in every test instead of once a month in production: serialization failures,
 * deadlocks, commits of unknown outcome, connections that break around a statement.
 *
 * They are put between a node's SQL layer and its transactions, so that the wire, the session's state and
 * the transaction behave as with a real one: a commit that fails with 40001 or 40P01 has no effect; one that
 * is answered with 40003 took place or did not, as the seed decides.
 *
 * Invariants
 * - An injected error says in its detail that it was injected, and the server does not repeat the statement.
 * - Only transactions of clients are concerned; the database's own (catalog, leases) are left alone.
 * - 40001 and 40003 come at the commit of a transaction that wrote or locked something; 40P01 where a
 *   row is locked. Transactions that only read are not disturbed.
 */
import { QuoralError } from '../../base/errors.js';
import type { Key } from '../../base/key.js';
import type { NodeId, Timestamp, TxnId } from '../../base/ids.js';
import type { Rng } from '../../env/env.js';
import type {
  Isolation,
  KvDb,
  KvScanOptions,
  KvScanResult,
  KvTxn,
  RangeInfo,
  ReadOptions,
  Savepoint,
  TxnOptions,
  TxnStatus,
} from '../../txn/kv-txn.js';

/** Chances, each from 0 to 1; absent: 0. */
export interface ConflictRates {
  /** That a commit fails with 40001, without effect. */
  readonly serializationFailures?: number;
  /** That reading rows in order to lock them (UPDATE, DELETE, SELECT … FOR UPDATE) fails with 40P01. */
  readonly deadlocks?: number;
  /** That a commit is answered with 40003; whether it took place is as likely as not. */
  readonly ambiguousCommits?: number;
  /** That the connection breaks before a statement is sent, while it runs, or before its answer is there. */
  readonly disconnects?: number;
}

export type ConflictCounts = Readonly<Record<keyof ConflictRates, number>>;
/** Where in a statement's life its connection breaks. */
export type BreakMoment = 'before' | 'during' | 'after';

const NAMES = ['serializationFailures', 'deadlocks', 'ambiguousCommits', 'disconnects'] as const;
const MOMENTS: readonly BreakMoment[] = ['before', 'during', 'after'];
const INJECTED = 'Injected by the test (conflicts).';

export class ConflictSource {
  readonly #rng: Rng;
  readonly #rates = { serializationFailures: 0, deadlocks: 0, ambiguousCommits: 0, disconnects: 0 };
  readonly #counts = { serializationFailures: 0, deadlocks: 0, ambiguousCommits: 0, disconnects: 0 };

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** From now on; what is not named is 0. @throws QuoralError 22023 */
  set(rates: ConflictRates): void {
    for (const name of NAMES) {
      const rate = rates[name] ?? 0;
      if (!(rate >= 0 && rate <= 1)) throw new QuoralError('22023', `${name} is a chance from 0 to 1, not ${rate}`);
      this.#rates[name] = rate;
    }
  }

  /** Whether transactions that begin now may meet any. */
  get active(): boolean {
    const { serializationFailures, deadlocks, ambiguousCommits } = this.#rates;
    return serializationFailures + deadlocks + ambiguousCommits > 0;
  }

  /** How many there were so far. */
  get counts(): ConflictCounts {
    return { ...this.#counts };
  }

  disconnect(): BreakMoment | null {
    return this.#happens('disconnects') ? MOMENTS[this.#rng.int(MOMENTS.length)]! : null;
  }

  lockFailure(): QuoralError | null {
    if (!this.#happens('deadlocks')) return null;
    return new QuoralError('40P01', 'deadlock detected', {
      fields: { detail: INJECTED, hint: 'Roll back and run the whole transaction again.' },
    });
  }

  /** `error`: what the client gets; `commits`: the transaction takes place all the same. */
  commitFailure(): { readonly error: QuoralError; readonly commits: boolean } | null {
    if (this.#happens('serializationFailures')) {
      const error = new QuoralError('40001', 'could not serialize access due to concurrent transactions', {
        fields: { detail: INJECTED, hint: 'Nothing was committed. Run the whole transaction again.' },
      });
      return { error, commits: false };
    }
    if (!this.#happens('ambiguousCommits')) return null;
    const error = new QuoralError('40003', 'the outcome of the commit is unknown', {
      fields: {
        detail: INJECTED,
        hint: 'The transaction may or may not have been committed: look before repeating it.',
      },
    });
    return { error, commits: this.#rng.next() < 0.5 };
  }

  /** The same transactions, with conflicts. */
  readonly wrap = (db: KvDb): KvDb => new ConflictingDb(db, this);

  #happens(name: keyof ConflictRates): boolean {
    const rate = this.#rates[name];
    if (rate === 0 || this.#rng.next() >= rate) return false;
    this.#counts[name]++;
    return true;
  }
}

class ConflictingDb implements KvDb {
  readonly #db: KvDb;
  readonly #source: ConflictSource;

  constructor(db: KvDb, source: ConflictSource) {
    this.#db = db;
    this.#source = source;
  }

  get nodeId(): NodeId {
    return this.#db.nodeId;
  }
  now(): Timestamp {
    return this.#db.now();
  }
  begin(options: TxnOptions): KvTxn {
    const txn = this.#db.begin(options);
    return this.#source.active ? new ConflictingTxn(txn, this.#source) : txn;
  }
  getMany(keys: readonly Key[]): Promise<(Buffer | null)[]> {
    return this.#db.getMany(keys);
  }
  run<T>(options: TxnOptions, fn: (txn: KvTxn) => Promise<T>): Promise<T> {
    return this.#db.run(options, fn);
  }
  split(key: Key): Promise<void> {
    return this.#db.split(key);
  }
  separate(key: Key): Promise<void> {
    return this.#db.separate(key);
  }
  increment(key: Key, by: number): Promise<number> {
    return this.#db.increment(key, by);
  }
  ranges(start: Key, end: Key): Promise<readonly RangeInfo[]> {
    return this.#db.ranges(start, end);
  }
  metrics(): Record<string, number> {
    return this.#db.metrics();
  }
}

class ConflictingTxn implements KvTxn {
  readonly #txn: KvTxn;
  readonly #source: ConflictSource;
  /** It wrote or locked something. */
  #touched = false;
  /** A commit was made or undone behind the session's back: there is nothing left to roll back. */
  #settled = false;

  constructor(txn: KvTxn, source: ConflictSource) {
    this.#txn = txn;
    this.#source = source;
  }

  get id(): TxnId {
    return this.#txn.id;
  }
  get isolation(): Isolation {
    return this.#txn.isolation;
  }
  get status(): TxnStatus {
    return this.#txn.status;
  }
  get readTimestamp(): Timestamp {
    return this.#txn.readTimestamp;
  }
  get pristine(): boolean {
    return this.#txn.pristine;
  }
  get crowded(): boolean {
    return this.#txn.crowded;
  }

  async get(key: Key, options?: ReadOptions): Promise<Buffer | null> {
    this.#locks(options);
    return this.#txn.get(key, options);
  }
  async getMany(keys: readonly Key[], options?: ReadOptions): Promise<(Buffer | null | undefined)[]> {
    this.#locks(options);
    return this.#txn.getMany(keys, options);
  }
  async scan(options: KvScanOptions): Promise<KvScanResult> {
    this.#locks(options);
    return this.#txn.scan(options);
  }

  put(key: Key, value: Uint8Array): void {
    this.#touched = true;
    this.#txn.put(key, value);
  }
  delete(key: Key): void {
    this.#touched = true;
    this.#txn.delete(key);
  }
  insertDeferred(key: Key, value: Uint8Array): void {
    this.#touched = true;
    this.#txn.insertDeferred(key, value);
  }
  bulkIngest(keys: readonly Key[], values: readonly Uint8Array[]): Promise<void> {
    this.#touched = true;
    return this.#txn.bulkIngest(keys, values);
  }
  relieve(): Promise<void> {
    return this.#txn.relieve();
  }
  beginStatement(): void {
    this.#txn.beginStatement();
  }
  savepoint(): Savepoint {
    return this.#txn.savepoint();
  }
  readPoint(): Savepoint {
    return this.#txn.readPoint();
  }
  rollbackTo(savepoint: Savepoint): void {
    this.#txn.rollbackTo(savepoint);
  }
  restartStatement(): void {
    this.#txn.restartStatement();
  }
  async restart(): Promise<void> {
    this.#touched = false;
    await this.#txn.restart();
  }
  onCommit(fn: (commitTs: Timestamp) => void): void {
    this.#txn.onCommit(fn);
  }
  onRollback(fn: () => void): void {
    this.#txn.onRollback(fn);
  }

  async commit(): Promise<Timestamp> {
    const failure = this.#touched ? this.#source.commitFailure() : null;
    if (failure === null) return this.#txn.commit();
    if (failure.commits) await this.#txn.commit();
    else await this.#txn.rollback();
    this.#settled = true;
    throw failure.error;
  }

  async rollback(): Promise<void> {
    if (!this.#settled) await this.#txn.rollback();
  }

  #locks(options: ReadOptions | undefined): void {
    if (options?.lock === undefined || options.lock === 'none') return;
    this.#touched = true;
    const failure = this.#source.lockFailure();
    if (failure !== null) throw failure;
  }
}
