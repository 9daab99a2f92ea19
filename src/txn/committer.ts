/**
 * Commit of one transaction attempt (DESIGN 7).
 *
 * - Nothing written: nothing to decide. Every read holds at the read timestamp.
 * - Everything written and locked lies on one range: one batch verifies reads if it must, writes and
 *   commits, in one proposal without intents.
 * - Otherwise in parallel: every range's puts and, with the anchor's, the record STAGING naming all
 *   writes. When all have succeeded at or below the staged timestamp the transaction IS committed,
 *   the caller is answered, and the record is made explicit afterwards (cleanup-queue.ts).
 * - A put that had to go above the staged timestamp: the reads are refreshed to there, and the record
 *   is made COMMITTED explicitly, all writes being known to exist.
 *
 * Invariants
 * - Reads are verified up to the timestamp that is staged BEFORE the record is staged: from then on
 *   anybody who finds all writes may declare the transaction committed.
 * - After a STAGING record may exist, failure is reported only when the record says ABORTED; if it
 *   cannot be asked the answer is 40003. The coordinator may abort a STAGING record as long as it
 *   has told nobody that the transaction is committed; whoever else recovered it first wins.
 * - A one-phase commit whose answer was lost counts as not committed only if, after its record was
 *   aborted, one of its keys has no version that it could have written.
 *
 * Keys that were read under a lock are verified to have stayed untouched, at every isolation level,
 * since a lock may be lost with its leaseholder: written ones carry `exclusionSince`, the others are
 * checked like reads. Plain reads are verified at SERIALIZABLE only.
 */
import { AssertionError, unreachable } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import type { Timestamp } from '../base/ids.js';
import { keyNext, type Key } from '../base/key.js';
import { crashPoint, mark } from '../base/probes.js';
import { addressOf } from '../encoding/keyspace.js';
import type { BatchResponse, EndTxnRequest, KvRequest, PutRequest, SplitTrigger } from '../range/kv-api.js';
import { KvError } from '../range/kv-errors.js';
import type { Attempt } from './attempt.js';
import { finaliseRecord } from './cleanup-queue.js';
import type { ReadSpan } from './read-spans.js';
import { refreshRequests, type Refresher } from './refresher.js';
import { PRESENT, type RouteHeader } from './router.js';
import type { TxnRuntime } from './runtime.js';
import { ambiguousError, conflictOf, retryError } from './txn-errors.js';
import type { BufferedWrite } from './write-buffer.js';

/** Times that a commit moves to a later timestamp before it gives up. */
const ROUNDS_MAX = 16;

export interface CommitOutcome {
  readonly commitTs: Timestamp;
  /** What is left to do with the record. */
  readonly record: 'finalise' | 'final' | 'none';
  /** Keys already resolved with the record. */
  readonly resolved: ReadonlySet<Key>;
}

const NOTHING: ReadonlySet<Key> = new Set();

/** Nothing may have been written in the span since `from`. */
interface Check {
  readonly span: ReadSpan;
  readonly from: Timestamp;
}

export class Committer {
  readonly #runtime: TxnRuntime;
  readonly #attempt: Attempt;
  readonly #refresher: Refresher;
  readonly #lockTimeoutMs: number;

  constructor(runtime: TxnRuntime, attempt: Attempt, refresher: Refresher, lockTimeoutMs: number) {
    this.#runtime = runtime;
    this.#attempt = attempt;
    this.#refresher = refresher;
    this.#lockTimeoutMs = lockTimeoutMs;
  }

  /**
   * Commits what the attempt wrote; something was written. With `split` all writes must be spilled.
   * @throws what the caller is to see; the attempt is then aborted, or unknown for 40003.
   */
  async commit(split: SplitTrigger | null): Promise<CommitOutcome> {
    const attempt = this.#attempt;
    const writes = attempt.buffer.unsentWrites();
    const touched = attempt.touchedKeys();
    if (writes.length === 0) {
      this.#runtime.counters.explicit++;
      return this.#commitExplicitly(touched, split);
    }
    if (!attempt.buffer.spilled && attempt.touchedSpans().length === 0 && this.#onOneRange(touched)) {
      const outcome = await this.#commitInOnePhase(writes, touched);
      if (outcome !== null) return outcome;
    }
    return this.#commitInParallel(writes, touched);
  }

  /** Sends puts as intents (spill). The caller records what became of them. */
  async putIntents(writes: readonly BufferedWrite[]): Promise<void> {
    const attempt = this.#attempt;
    crashPoint('before-spill', this.#runtime.nodeId);
    attempt.recordPossible = true;
    const answer = await this.#runtime.router.send(
      this.#header(true),
      writes.map((w) => this.#putOf(w)),
    );
    crashPoint('after-spill', this.#runtime.nodeId);
    if (answer.txn !== null) attempt.raiseWriteTs(answer.txn.writeTs);
  }

  // ---- one phase ----------------------------------------------------------------------------

  #onOneRange(keys: readonly Key[]): boolean {
    const { directory } = this.#runtime.router;
    const entry = directory.cached(addressOf(this.#attempt.anchorKey));
    if (entry === null) return false;
    const { start, end } = entry.descriptor;
    for (const key of keys) {
      const address = addressOf(key);
      if (address < start || address >= end) return false;
    }
    return true;
  }

  /** null: refused as such, use two phases. */
  async #commitInOnePhase(writes: readonly BufferedWrite[], touched: readonly Key[]): Promise<CommitOutcome | null> {
    const attempt = this.#attempt;
    const end: EndTxnRequest = {
      kind: 'end-txn',
      action: 'one-phase',
      inFlight: [],
      localLocks: touched,
      lockKeys: touched,
      lockSpans: attempt.touchedSpans(),
      split: null,
    };
    const puts = writes.map((w) => this.#putOf(w));
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const checks = this.#checksBeforeCommit(writes);
      let requests: readonly KvRequest[] = [...puts, end];
      if (checks.length > 0) {
        if (this.#spansOnAnchorRange(checks)) {
          requests = [...checks.flatMap((c) => refreshRequests([c.span], c.from, attempt.writeTs)), ...puts, end];
        } else {
          await this.#verifyUpTo(attempt.writeTs, writes);
        }
      }
      try {
        crashPoint('before-one-phase', this.#runtime.nodeId);
        const answer = await this.#runtime.router.send(this.#header(this.#mayMove(writes)), requests);
        crashPoint('after-one-phase-before-answer', this.#runtime.nodeId);
        mark('one-phase-commit');
        this.#runtime.counters.onePhase++;
        // If a heartbeat had made a record, the commit removed it.
        return { commitTs: this.#endOf(answer).commitTs, record: 'none', resolved: new Set(touched) };
      } catch (error) {
        if (error instanceof KvError && error.detail.kind === 'one-phase-refused') return null;
        if (error instanceof KvError && error.detail.kind === 'ambiguous')
          throw await this.#settleOnePhase(error, writes, touched);
        const conflict = conflictOf(error);
        if (conflict === null) throw error;
        attempt.raiseWriteTs(conflict.ts);
      }
    }
    throw retryError('could not serialize access: the commit timestamp moved too often');
  }

  /** A one-phase commit whose answer was lost: was it certainly not applied? */
  async #settleOnePhase(cause: KvError, writes: readonly BufferedWrite[], touched: readonly Key[]): Promise<unknown> {
    const attempt = this.#attempt;
    mark('one-phase-answer-lost');
    const detail = 'the connection to the range was lost while it committed';
    this.#runtime.counters.ambiguous++;
    try {
      const job = { meta: attempt.meta(), status: 'aborted', keys: touched, spans: attempt.touchedSpans() } as const;
      // From here on the batch cannot be applied any more, if it was not before.
      attempt.recordPossible = true;
      const end = await finaliseRecord(this.#runtime.router, job, null);
      if (end.status === 'aborted') {
        // Nothing of this cluster is written further ahead of this clock.
        const now = this.#runtime.hlc.now() + this.#runtime.hlc.maxOffsetUs;
        for (const write of writes.slice(0, 4)) {
          const untouched = await this.#unwrittenSince(write.key, attempt.minTs - 1, now);
          if (untouched)
            return retryError('could not serialize access: the leaseholder failed during the commit', detail, cause);
        }
      }
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      attempt.enter('unknown');
      return ambiguousError(detail, error);
    }
    attempt.enter('unknown');
    return ambiguousError(detail, cause);
  }

  async #unwrittenSince(key: Key, from: Timestamp, to: Timestamp): Promise<boolean> {
    const header: RouteHeader = { ...PRESENT, txn: { ...this.#attempt.meta(), id: this.#probeId(), anchorKey: key } };
    try {
      await this.#runtime.router.send(header, refreshRequests([{ start: key, end: null }], from, to));
      return true;
    } catch (error) {
      if (error instanceof KvError && error.detail.kind === 'retry') return false;
      throw error;
    }
  }

  #probeId(): string {
    return this.#runtime.rng.bytes(16).latin1Slice();
  }

  // ---- two phases ---------------------------------------------------------------------------

  async #commitInParallel(writes: readonly BufferedWrite[], touched: readonly Key[]): Promise<CommitOutcome> {
    const attempt = this.#attempt;
    const puts = writes.map((w) => this.#putOf(w));
    const end: EndTxnRequest = {
      kind: 'end-txn',
      action: 'stage',
      inFlight: writes.map((w) => ({ key: w.key, sequence: w.sequence })),
      localLocks: [],
      lockKeys: touched,
      lockSpans: attempt.touchedSpans(),
      split: null,
    };
    this.#runtime.counters.parallel++;
    // Later rounds verify when they move the timestamp, since a record may exist by then.
    await this.#verifyUpTo(attempt.writeTs, writes);
    attempt.recordPossible = true;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      crashPoint('before-stage', this.#runtime.nodeId);
      const stagedAt = attempt.writeTs;
      let answer: BatchResponse;
      try {
        answer = await this.#runtime.router.send(this.#header(this.#mayMove(writes)), [...puts, end]);
      } catch (error) {
        const conflict = conflictOf(error);
        if (conflict === null) return this.#afterFailedStaging(error, touched);
        attempt.raiseWriteTs(conflict.ts);
        if (attempt.writeTs === stagedAt) attempt.raiseWriteTs(stagedAt + 1);
        try {
          await this.#verifyUpTo(attempt.writeTs, writes);
        } catch (refused) {
          return this.#afterFailedStaging(refused, touched);
        }
        continue;
      }
      const staged = this.#endOf(answer);
      if (staged.status === 'committed') return { commitTs: staged.commitTs, record: 'final', resolved: NOTHING };
      if (staged.status === 'aborted')
        throw retryError('could not serialize access: the transaction was aborted by another');
      const writtenTs = Math.max(staged.commitTs, answer.txn === null ? 0 : answer.txn.writeTs);
      // 'pending': the anchor's own puts had to move up, so nothing was staged; the intents are there.
      if (staged.status === 'staging' && writtenTs <= staged.commitTs) {
        attempt.raiseWriteTs(staged.commitTs);
        mark('parallel-commit');
        crashPoint('after-staged-before-answer', this.#runtime.nodeId);
        return { commitTs: staged.commitTs, record: 'finalise', resolved: NOTHING };
      }
      attempt.raiseWriteTs(writtenTs);
      try {
        await this.#verifyUpTo(writtenTs, writes);
      } catch (refused) {
        return this.#afterFailedStaging(refused, touched);
      }
      mark('commit-falls-back-from-parallel');
      return this.#makeExplicit(touched, writes, null);
    }
    return this.#afterFailedStaging(
      retryError('could not serialize access: the commit timestamp moved too often'),
      touched,
    );
  }

  /** All writes are intents already: only the record is missing. */
  async #commitExplicitly(touched: readonly Key[], split: SplitTrigger | null): Promise<CommitOutcome> {
    await this.#verifyUpTo(this.#attempt.writeTs, []);
    this.#attempt.recordPossible = true;
    return this.#makeExplicit(touched, [], split);
  }

  /** All writes are known to exist and reads to hold at writeTs: the record says COMMITTED. */
  async #makeExplicit(
    touched: readonly Key[],
    writes: readonly BufferedWrite[],
    split: SplitTrigger | null,
  ): Promise<CommitOutcome> {
    const attempt = this.#attempt;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      crashPoint('before-explicit', this.#runtime.nodeId);
      const job = { meta: attempt.meta(), status: 'committed', keys: touched, spans: attempt.touchedSpans() } as const;
      try {
        const end = await finaliseRecord(this.#runtime.router, job, split);
        if (end.status === 'aborted')
          throw retryError('could not serialize access: the transaction was aborted by another');
        crashPoint('after-explicit-before-answer', this.#runtime.nodeId);
        return { commitTs: end.commitTs, record: 'final', resolved: end.resolved };
      } catch (error) {
        const conflict = conflictOf(error);
        if (conflict === null) return this.#afterFailedStaging(error, touched);
        mark('explicit-commit-pushed');
        // A reader pushed the record while it was not staged.
        attempt.raiseWriteTs(conflict.ts);
      }
      try {
        await this.#verifyUpTo(attempt.writeTs, writes);
      } catch (refused) {
        return this.#afterFailedStaging(refused, touched);
      }
    }
    return this.#afterFailedStaging(
      retryError('could not serialize access: the commit timestamp moved too often'),
      touched,
    );
  }

  /** A STAGING record may exist: its own word decides. */
  async #afterFailedStaging(cause: unknown, touched: readonly Key[]): Promise<CommitOutcome> {
    const attempt = this.#attempt;
    mark('staging-failed');
    crashPoint('before-rollback-record', this.#runtime.nodeId);
    let end;
    try {
      end = await finaliseRecord(
        this.#runtime.router,
        { meta: attempt.meta(), status: 'aborted', keys: touched, spans: attempt.touchedSpans() },
        null,
      );
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      this.#runtime.counters.ambiguous++;
      attempt.enter('unknown');
      throw ambiguousError('the range of the transaction record could not be reached to learn its outcome', error);
    }
    switch (end.status) {
      case 'committed':
        return { commitTs: end.commitTs, record: 'final', resolved: NOTHING };
      case 'aborted':
        throw cause;
      default:
        return unreachable(end.status, 'record status');
    }
  }

  // ---- shared -------------------------------------------------------------------------------

  /** What must be verified for a commit at writeTs. */
  #checksBeforeCommit(writes: readonly BufferedWrite[]): Check[] {
    const attempt = this.#attempt;
    const to = attempt.writeTs;
    const checks: Check[] = [];
    if (attempt.isolation === 'serializable' && to > attempt.readTs) {
      for (const span of attempt.spans.list()) checks.push({ span, from: attempt.readTs });
    }
    if (!attempt.locks.isEmpty) checks.push(...this.#lockChecks(to, new Set(writes.map((w) => w.key))));
    return checks;
  }

  async #verifyUpTo(ts: Timestamp, writes: readonly BufferedWrite[]): Promise<void> {
    const attempt = this.#attempt;
    if (attempt.isolation === 'serializable') {
      await this.#refresher.refreshTo(ts, attempt.anchorKey);
    }
    await this.#verifyAll(this.#checksBeforeCommit(writes), ts);
  }

  /**
   * For a commit without writes: what was read under a lock was taken to hold at every later read timestamp as
   * well, and a lock can be lost with its leaseholder. null: there is nothing to verify.
   * @throws QuoralError 40001 a locked key was changed
   */
  verifyLocks(): Promise<void> | null {
    const { locks, readTs } = this.#attempt;
    if (locks.isEmpty) return null;
    const checks = this.#lockChecks(readTs, null);
    return checks.length === 0 ? null : this.#verifyAll(checks, readTs);
  }

  async #verifyAll(checks: readonly Check[], to: Timestamp): Promise<void> {
    const byTime = new Map<Timestamp, ReadSpan[]>();
    for (const check of checks) {
      const list = byTime.get(check.from);
      if (list === undefined) byTime.set(check.from, [check.span]);
      else list.push(check.span);
    }
    for (const [from, spans] of [...byTime].sort((a, b) => a[0] - b[0])) await this.#refresher.verify(spans, from, to);
  }

  /**
   * Locks that were taken before `to`; those of keys in `written` are verified by the write itself, and those of spilled
   * ones were: their intents keep all others away since.
   */
  #lockChecks(to: Timestamp, written: ReadonlySet<Key> | null): Check[] {
    const { locks, buffer } = this.#attempt;
    const checks: Check[] = [];
    for (const [key, since] of locks.keys) {
      if (since < to && written?.has(key) !== true && !buffer.isSpilled(key))
        checks.push({ span: { start: key, end: null }, from: since });
    }
    for (const { start, end, since } of locks.heldSpans) {
      if (since < to) checks.push({ span: { start, end }, from: since });
    }
    return checks;
  }

  /** True if the commit may land at any later timestamp without further checks. */
  #mayMove(writes: readonly BufferedWrite[]): boolean {
    const attempt = this.#attempt;
    if (attempt.isolation === 'serializable' && !attempt.spans.isEmpty) return false;
    if (attempt.locks.isEmpty) return true;
    if (attempt.locks.heldSpans.length > 0) return false;
    const written = new Set(writes.map((w) => w.key));
    for (const key of attempt.locks.keys.keys()) if (!written.has(key) && !attempt.buffer.isSpilled(key)) return false;
    return true;
  }

  #spansOnAnchorRange(checks: readonly { readonly span: ReadSpan }[]): boolean {
    const entry = this.#runtime.router.directory.cached(addressOf(this.#attempt.anchorKey));
    if (entry === null) return false;
    const { start, end } = entry.descriptor;
    return checks.every(({ span }) => {
      const from = addressOf(span.start);
      return from >= start && from < end && (span.end ?? keyNext(from)) <= end;
    });
  }

  #putOf(write: BufferedWrite): PutRequest {
    const attempt = this.#attempt;
    let exclusionSince: Timestamp = attempt.locks.since(write.key);
    if (exclusionSince === 0 && attempt.isolation === 'repeatable read') exclusionSince = attempt.readTs;
    return {
      kind: 'put',
      key: write.key,
      value: write.value,
      mustNotExist: write.mustNotExist,
      exclusionSince,
      sequence: write.sequence,
    };
  }

  #header(canBumpReadTs: boolean): RouteHeader {
    return { ...PRESENT, txn: this.#attempt.meta(), canBumpReadTs, lockTimeoutMs: this.#lockTimeoutMs };
  }

  #endOf(answer: BatchResponse): { readonly status: string; readonly commitTs: Timestamp } {
    const last = answer.responses[answer.responses.length - 1]!;
    if (last.kind !== 'end-txn')
      throw new QuoralError('XX000', 'the end of a transaction was answered with something else');
    return last;
  }
}
