/**
 * One transaction as SQL sees it (KvTxn), put together from its parts. From the caller down:
 *
 *   Transaction   phases, callbacks, the API's obligations
 *   TxnReader     merges reads with the buffer; above the refresher because a refreshed read is sent again
 *   Refresher     moves the snapshot; above the router because it speaks of all ranges at once
 *   RangeRouter   cuts by ranges, finds leaseholders
 * and beside them Committer (end of the write path) and Spiller's barrier (writes that must be seen
 * before the next request).
 *
 * Invariants
 * - A finished transaction sends nothing more except its clean-up.
 * - An error from a background spill reaches the caller with its next call, at the latest with commit.
 */
import { assert } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import type { Timestamp, TxnId } from '../base/ids.js';
import type { Key } from '../base/key.js';
import { crashPoint, mark } from '../base/probes.js';
import type { SplitTrigger } from '../range/kv-api.js';
import { KvError } from '../range/kv-errors.js';
import { Attempt } from './attempt.js';
import { Committer, type CommitOutcome } from './committer.js';
import { KeyExistsError } from './errors.js';
import type {
  Isolation,
  KvScanOptions,
  KvScanResult,
  KvTxn,
  ReadOptions,
  Savepoint,
  TxnOptions,
  TxnStatus,
} from './kv-txn.js';
import { TxnReader } from './reader.js';
import { Refresher } from './refresher.js';
import { PRESENT } from './router.js';
import type { TxnRuntime } from './runtime.js';
import { clientError, retryError } from './txn-errors.js';

/** Bytes of one batch of a spill. */
const SPILL_BATCH_BYTES = 128 << 10;
/** Writes that one transaction may hold back: those that savepoints keep from being spilled. */
const UNSENT_MAX = 300_000;
const INGEST_BATCH_BYTES = 256 << 10;

export class Transaction implements KvTxn {
  readonly isolation: Isolation;
  readonly #runtime: TxnRuntime;
  readonly #options: TxnOptions;
  #attempt!: Attempt;
  #reader!: TxnReader;
  #refresher!: Refresher;
  #committer!: Committer;
  #statementStart = 0;
  /** One was taken: a restart would lose what it is to bring back. */
  #savepoints = false;
  #spilled = 0;
  #barrier: Promise<void> | null = null;
  #onCommit: ((commitTs: Timestamp) => void)[] = [];
  #onRollback: (() => void)[] = [];

  constructor(runtime: TxnRuntime, options: TxnOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.isolation = options.isolation;
    this.#beginAttempt();
  }

  get id(): TxnId {
    return this.#attempt.id;
  }
  get status(): TxnStatus {
    switch (this.#attempt.phase) {
      case 'active':
      case 'committing':
        return 'active';
      case 'doomed':
      case 'aborted':
        return 'aborted';
      case 'committed':
        return 'committed';
      default:
        return 'unknown';
    }
  }
  get readTimestamp(): Timestamp {
    return this.#attempt.readTs;
  }
  get pristine(): boolean {
    const a = this.#attempt;
    if (this.#savepoints) return false;
    return a.phase === 'active' && a.spans.isEmpty && a.locks.isEmpty && a.buffer.isEmpty;
  }
  get crowded(): boolean {
    return this.#attempt.buffer.spillable >= this.#runtime.spillBytes || this.#isTooLarge;
  }
  /** Counts what cannot be spilled as well: it has to stop growing somewhere, and earlier, since it is here with its values. */
  get #isTooLarge(): boolean {
    const { unsent } = this.#attempt.buffer;
    return unsent > UNSENT_MAX || this.#spilled + unsent > this.#runtime.spilledMax;
  }

  async get(key: Key, options?: ReadOptions): Promise<Buffer | null> {
    return (await this.#reader.get(key, options)) ?? null;
  }
  getMany(keys: readonly Key[], options?: ReadOptions): Promise<(Buffer | null | undefined)[]> {
    return this.#reader.getMany(keys, options);
  }
  scan(options: KvScanOptions): Promise<KvScanResult> {
    return this.#reader.scan(options);
  }

  put(key: Key, value: Uint8Array): void {
    this.#mayWrite();
    this.#attempt.buffer.put(key, toBuffer(value), false);
  }
  delete(key: Key): void {
    this.#mayWrite();
    this.#attempt.buffer.put(key, null, false);
  }
  insertDeferred(key: Key, value: Uint8Array): void {
    this.#mayWrite();
    const { buffer } = this.#attempt;
    const old = buffer.get(key);
    if (old !== undefined && old.state !== 'written' && old.value !== null) throw new KeyExistsError(key, old.value);
    // Over this transaction's own delete the key is known to be free.
    buffer.put(key, toBuffer(value), old === undefined || old.state === 'written');
  }

  async bulkIngest(keys: readonly Key[], values: readonly Uint8Array[]): Promise<void> {
    this.#mayWrite();
    assert(keys.length === values.length, 'bulkIngest: as many values as keys');
    const timestamp = this.#attempt.readTs;
    for (let from = 0; from < keys.length;) {
      let bytes = 0;
      let to = from;
      for (; to < keys.length && bytes < INGEST_BATCH_BYTES; to++) bytes += keys[to]!.length + values[to]!.length;
      const batch = { kind: 'ingest', keys: keys.slice(from, to), values: values.slice(from, to), timestamp } as const;
      try {
        await this.#runtime.router.send(PRESENT, [batch], { signal: this.#options.signal });
      } catch (error) {
        throw clientError(error, timestamp);
      }
      from = to;
    }
  }

  async relieve(): Promise<void> {
    this.#mayWrite();
    if (!this.crowded) return;
    // One spill runs behind the caller; a second one waits for it.
    if (this.#barrier !== null) await this.#barrier;
    this.#throwDoom();
    this.#spill();
  }

  beginStatement(): void {
    const attempt = this.#attempt;
    if (attempt.phase !== 'active') return;
    if (this.isolation !== 'read committed') return;
    this.#statementStart = attempt.buffer.mark();
    if (attempt.fixed) return;
    const readTs = this.#runtime.hlc.now();
    attempt.newSnapshot(readTs, readTs + this.#runtime.hlc.maxOffsetUs);
  }

  savepoint(): Savepoint {
    this.#savepoints = true;
    return { sequence: this.#attempt.buffer.mark() };
  }

  readPoint(): Savepoint {
    return { sequence: this.#attempt.buffer.markRead() };
  }

  rollbackTo(savepoint: Savepoint): void {
    this.#throwDoom();
    const attempt = this.#attempt;
    attempt.buffer.rollbackTo(savepoint.sequence);
    if (!attempt.buffer.hasVoided) return;
    const keys = attempt.buffer.takeVoided();
    mark('savepoint-rolled-back-intents');
    for (const key of keys) attempt.voidedKeys.push(key);
    // What comes later has later numbers, and the keys are not written before this is answered.
    const upTo = attempt.buffer.lastSequence;
    this.#after(async () => {
      await this.#runtime.cleanup.resolve(attempt.meta(), 'aborted', attempt.writeTs, keys, [], upTo);
    });
  }

  restartStatement(): void {
    assert(this.isolation === 'read committed', 'only READ COMMITTED restarts a statement alone');
    this.rollbackTo({ sequence: this.#statementStart });
    this.beginStatement();
  }

  async restart(): Promise<void> {
    const { phase } = this.#attempt;
    assert(
      phase !== 'committed' && phase !== 'unknown' && phase !== 'committing',
      'a finished transaction was restarted',
    );
    await this.#abandon();
    this.#runtime.counters.restarts++;
    this.#beginAttempt();
  }

  onCommit(fn: (commitTs: Timestamp) => void): void {
    this.#onCommit.push(fn);
  }
  onRollback(fn: () => void): void {
    this.#onRollback.push(fn);
  }

  commit(): Promise<Timestamp> {
    return this.#commit(null);
  }

  /** Writes everything as intents, then commits with the trigger in the record's own proposal. */
  async commitWithSplit(split: SplitTrigger): Promise<Timestamp> {
    this.#spill();
    if (this.#barrier !== null) await this.#barrier;
    return this.#commit(split);
  }

  async rollback(): Promise<void> {
    if (this.#attempt.phase === 'active' || this.#attempt.phase === 'doomed') await this.#abandon();
  }

  // ---- inside -------------------------------------------------------------------------------

  #beginAttempt(): void {
    this.#spilled = 0;
    this.#savepoints = false;
    const runtime = this.#runtime;
    const options = this.#options;
    const fixed = options.asOf !== undefined;
    const readTs = options.asOf ?? runtime.hlc.now();
    const attempt = new Attempt({
      id: runtime.rng.bytes(16).latin1Slice(),
      isolation: options.isolation,
      readTs,
      uncertaintyLimit: fixed ? readTs : readTs + runtime.hlc.maxOffsetUs,
      coordinator: runtime.nodeId,
      name: options.name ?? '',
      fixed,
    });
    runtime.counters.begun++;
    this.#attempt = attempt;
    this.#barrier = null;
    this.#refresher = new Refresher(runtime, attempt);
    this.#reader = new TxnReader({
      runtime,
      attempt,
      refresher: this.#refresher,
      // Asked each time: the caller's may be another one after a cancelled statement.
      get signal() {
        return options.signal;
      },
      lockTimeoutMs: options.lockTimeoutMs ?? 0,
      barrier: () => this.#barrier,
      anchored: () => this.#anchored(attempt),
      doomed: (error) => this.#doom(attempt, error),
    });
    this.#committer = new Committer(runtime, attempt, this.#refresher, options.lockTimeoutMs ?? 0);
    this.#statementStart = options.isolation === 'read committed' ? attempt.buffer.mark() : 0;
  }

  #anchored(attempt: Attempt): void {
    this.#runtime.heartbeats.add(attempt, (reason) =>
      this.#doom(attempt, retryError('could not serialize access: the transaction was aborted by another', reason)),
    );
  }

  #doom(attempt: Attempt, error: unknown): void {
    this.#runtime.heartbeats.remove(attempt);
    if (attempt.phase !== 'active') return;
    attempt.doom = error instanceof QuoralError ? error : retryError('the transaction failed', String(error));
    attempt.enter('doomed');
  }

  #throwDoom(): void {
    if (this.#attempt.doom !== null) throw this.#attempt.doom;
  }

  #mayWrite(): void {
    this.#throwDoom();
    assert(this.#attempt.phase === 'active', 'a finished transaction was written to');
    if (this.#options.readOnly === true || this.#options.asOf !== undefined) {
      throw new QuoralError('25006', 'cannot write in a read-only transaction');
    }
  }

  /** Queues work that must be done before the next request; its failure dooms the attempt. */
  #after(work: () => Promise<void>): void {
    const attempt = this.#attempt;
    const before = this.#barrier;
    const run = async (): Promise<void> => {
      try {
        if (before !== null) await before;
        if (attempt.doom === null) await work();
      } catch (error) {
        this.#doom(attempt, clientError(error, attempt.readTs));
      } finally {
        if (this.#barrier === barrier) this.#barrier = null;
      }
    };
    const barrier = Promise.resolve().then(run);
    this.#barrier = barrier;
  }

  #spill(): void {
    const attempt = this.#attempt;
    const { spilledMax } = this.#runtime;
    // Looked at before anything is taken: what is refused stays buffered, as if nothing had been asked.
    if (this.#isTooLarge) {
      throw new QuoralError('54000', `a transaction can change at most ${spilledMax} rows and index entries`, {
        fields: {
          hint: 'Split the change into several transactions, or load into a table that is created or truncated in the same transaction.',
        },
      });
    }
    const writes = attempt.buffer.takeForSpill();
    if (writes.length === 0) return;
    this.#spilled += writes.length;
    if (attempt.anchorAt(writes[0]!.key)) this.#anchored(attempt);
    attempt.recordPossible = true;
    mark('spilled-writes');
    this.#runtime.counters.spills++;
    this.#after(async () => {
      for (let from = 0; from < writes.length;) {
        let bytes = 0;
        let to = from;
        for (; to < writes.length && bytes < SPILL_BATCH_BYTES; to++)
          bytes += writes[to]!.key.length + (writes[to]!.value?.length ?? 0);
        await this.#committer.putIntents(writes.slice(from, to));
        from = to;
      }
      attempt.buffer.spillDone(writes);
    });
  }

  async #commit(split: SplitTrigger | null): Promise<Timestamp> {
    const attempt = this.#attempt;
    while (this.#barrier !== null) await this.#barrier;
    if (attempt.doom !== null) {
      const { doom } = attempt;
      await this.#abandon();
      throw doom;
    }
    assert(attempt.phase === 'active', 'a finished transaction was committed');
    if (attempt.buffer.isEmpty && split === null) {
      const locksHeld = this.#committer.verifyLocks();
      if (locksHeld === null) return this.#commitReadOnly(attempt);
      attempt.enter('committing');
      try {
        await locksHeld;
      } catch (error) {
        throw await this.#commitFailed(attempt, error);
      }
      return this.#commitReadOnly(attempt);
    }
    const first = attempt.buffer.range('', '\xff\xff', false).next();
    if (attempt.anchorKey === '' && first.done !== true) {
      attempt.anchorAt(first.value[0]);
      this.#anchored(attempt);
    }
    attempt.enter('committing');
    let outcome: CommitOutcome;
    try {
      outcome = await this.#committer.commit(split);
    } catch (error) {
      throw await this.#commitFailed(attempt, error);
    }
    attempt.enter('committed');
    this.#runtime.heartbeats.remove(attempt);
    crashPoint('after-answer-before-explicit', this.#runtime.nodeId);
    this.#observe(outcome.commitTs);
    attempt.raiseWriteTs(outcome.commitTs);
    const touched = attempt.touchedKeys();
    const keys = outcome.resolved.size === 0 ? touched : touched.filter((k) => !outcome.resolved.has(k));
    const spans = attempt.touchedSpans();
    if (outcome.record !== 'none' || keys.length + spans.length > 0) {
      const { commitTs: ts, record } = outcome;
      void this.#runtime.cleanup.finish({ meta: attempt.meta(), status: 'committed', ts, keys, spans, record });
    }
    this.#runtime.counters.committed++;
    this.#finished(outcome.commitTs);
    return outcome.commitTs;
  }

  /** What follows has to come after the commit on this node's clock. */
  #observe(commitTs: Timestamp): void {
    try {
      this.#runtime.hlc.update(commitTs);
    } catch (error) {
      // The transaction is committed whatever the clocks say.
      this.#runtime.logger.log('warn', 'a commit timestamp lies ahead of the clock', {
        commitTs,
        error: String(error),
      });
    }
  }

  async #commitFailed(attempt: Attempt, error: unknown): Promise<unknown> {
    this.#runtime.heartbeats.remove(attempt);
    if (attempt.phase === 'unknown') this.#clearCallbacks();
    else await this.#abandon();
    return clientError(error, attempt.readTs);
  }

  #commitReadOnly(attempt: Attempt): Timestamp {
    attempt.enter('committed');
    this.#runtime.heartbeats.remove(attempt);
    this.#runtime.counters.readOnly++;
    this.#releaseLocks(attempt);
    this.#finished(attempt.readTs);
    return attempt.readTs;
  }

  /** Gives the attempt up: nothing of it will ever be visible. */
  async #abandon(): Promise<void> {
    const attempt = this.#attempt;
    if (attempt.phase === 'aborted') return;
    attempt.enter('aborted');
    this.#runtime.heartbeats.remove(attempt);
    this.#runtime.counters.rolledBack++;
    // A spill under way must be over before its intents are removed.
    while (this.#barrier !== null) await this.#barrier;
    this.#releaseLocks(attempt);
    attempt.buffer.clear();
    const callbacks = this.#onRollback;
    this.#clearCallbacks();
    for (const fn of callbacks) fn();
  }

  #releaseLocks(attempt: Attempt): void {
    if (attempt.anchorKey === '') return;
    const keys = attempt.touchedKeys();
    const spans = attempt.touchedSpans();
    const record = attempt.recordPossible ? 'finalise' : 'none';
    if (record === 'none' && keys.length + spans.length === 0) return;
    void this.#runtime.cleanup.finish({
      meta: attempt.meta(),
      status: 'aborted',
      ts: attempt.writeTs,
      keys,
      spans,
      record,
    });
  }

  #finished(commitTs: Timestamp): void {
    const callbacks = this.#onCommit;
    this.#clearCallbacks();
    for (const fn of callbacks) fn(commitTs);
  }

  #clearCallbacks(): void {
    this.#onCommit = [];
    this.#onRollback = [];
  }
}

function toBuffer(value: Uint8Array): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** True if running the transaction again may help. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof QuoralError)
    return error.retry === 'transaction' || (error instanceof KvError && error.detail.kind === 'unavailable');
  return false;
}
