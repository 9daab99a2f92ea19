/**
 * The reads of a transaction: sends them, moves the snapshot where a range asks for it, records what
 * was read and locked, and lays the write buffer over the answers.
 *
 * The order of the steps of one read, and why:
 *  1. doom and cancellation, before anything costs a message;
 *  2. the barrier (spills, removal of rolled-back intents), as ranges must see what was written before;
 *  3. a refresh under way, as the read timestamp is about to change;
 *  4. the anchor, before the first lock can exist anywhere;
 *  5. sending, and refreshing on conflict;
 *  6. if the read timestamp moved meanwhile the answer is of no use: again from 1;
 *  7. recording spans and locks, in the same turn in which 6 was checked.
 *
 * A failed locking read may have taken some of its locks; they are noted for release.
 */
import { assert } from '../base/assert.js';
import type { Timestamp } from '../base/ids.js';
import { existenceKey, keyNext, type Key } from '../base/key.js';
import type { GetRequest, GetResponse, KvRequest, KvResponse, ScanResponse } from '../range/kv-api.js';
import { KvError } from '../range/kv-errors.js';
import type { Attempt } from './attempt.js';
import type { KvScanOptions, KvScanResult, ReadOptions } from './kv-txn.js';
import { checkHideable, leftOut, visibleWrite } from './own-writes.js';
import type { Refresher } from './refresher.js';
import { throwIfCancelled } from './router.js';
import type { TxnRuntime } from './runtime.js';
import { clientError, conflictOf, retryError } from './txn-errors.js';
import type { BufferedWrite } from './write-buffer.js';

/** Refreshes of one read before it gives up. */
const REFRESHES_MAX = 64;
/** Of a page behind one of which nothing was left. */
const PAGE_ROWS_MAX = 1_024;
const TRACKED = {};

export interface ReadContext {
  readonly runtime: TxnRuntime;
  readonly attempt: Attempt;
  readonly refresher: Refresher;
  readonly signal: AbortSignal | undefined;
  readonly lockTimeoutMs: number;
  /** Resolves when the ranges have seen all that must come before the next request; null = now. */
  barrier(): Promise<void> | null;
  /** The first lock or write is about to be sent. */
  anchored(): void;
  /** The ranges say that the transaction is over. */
  doomed(error: unknown): void;
}

export class TxnReader {
  readonly #context: ReadContext;
  #underWay = 0;

  constructor(context: ReadContext) {
    this.#context = context;
  }

  async get(key: Key, options: ReadOptions | undefined): Promise<Buffer | null | undefined> {
    const { attempt } = this.#context;
    const write = this.#own(key, options);
    if (write !== undefined && write.state !== 'written' && this.#holds(key, options)) {
      this.#check();
      return leftOut(attempt.buffer.get(key), options) ? null : write.value;
    }
    const response = (await this.#send([getRequest(key, options)], options, 0, 0))[0] as GetResponse;
    if (response.skipped) return undefined;
    return this.#overlaid(key, response.value, options);
  }

  async getMany(keys: readonly Key[], options: ReadOptions | undefined): Promise<(Buffer | null | undefined)[]> {
    const { attempt } = this.#context;
    const results = new Array<Buffer | null | undefined>(keys.length);
    const requests: GetRequest[] = [];
    const positions: number[] = [];
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      const write = this.#own(key, options);
      if (write !== undefined && write.state !== 'written' && this.#holds(key, options)) {
        results[i] = leftOut(attempt.buffer.get(key), options) ? null : write.value;
      } else {
        requests.push(getRequest(key, options));
        positions.push(i);
      }
    }
    if (requests.length === 0) {
      this.#check();
      return results;
    }
    const responses = await this.#sendGets(requests, options);
    for (let i = 0; i < responses.length; i++) {
      const response = responses[i] as GetResponse;
      results[positions[i]!] = response.skipped ? undefined : this.#overlaid(requests[i]!.key, response.value, options);
    }
    return results;
  }

  async #sendGets(requests: readonly GetRequest[], options: ReadOptions | undefined): Promise<readonly KvResponse[]> {
    const { spans, fixed } = this.#context.attempt;
    const latest = options?.latest === true && !fixed;
    const settled = options?.tentative === 'locked' ? spans.settle(requests) : [];
    try {
      return latest ? await this.#sendLatest(requests, options) : await this.#send(requests, options, 0, 0);
    } catch (error) {
      // Whoever goes on after a savepoint knows that they qualified.
      for (const key of settled) spans.addTentative(key);
      throw error;
    }
  }

  async scan(options: KvScanOptions): Promise<KvScanResult> {
    const reverse = options.reverse === true;
    const lock = options.lock ?? 'none';
    const maxRows = options.maxRows ?? 0;
    const maxBytes = options.maxBytes ?? 0;
    let { start, end } = options;
    let asked = maxRows;
    for (;;) {
      if (start >= end) return { keys: [], values: [], resumeKey: null };
      const responses = await this.#send(
        [
          options.scope === undefined
            ? { kind: 'scan', start, end, reverse, lock }
            : { kind: 'scan', start, end, reverse, lock, scope: options.scope },
        ],
        options,
        asked,
        maxBytes,
        options,
      );
      const merged = this.#merge(responses[0] as ScanResponse, start, end, options);
      // Everything found was deleted by this transaction: go on instead of an empty page.
      if (merged.keys.length > 0 || merged.resumeKey === null) return merged;
      if (reverse) end = merged.resumeKey;
      else start = merged.resumeKey;
      // Rows beyond those asked for are read in vain, but must not be locked.
      if (lock === 'none') asked = Math.min(asked * 2, Math.max(maxRows, PAGE_ROWS_MAX));
    }
  }

  /** True if this transaction has the locks that the read of its own write would take. */
  #holds(key: Key, options: ReadOptions | undefined): boolean {
    const lock = options?.lock ?? 'none';
    if (lock === 'none') return true;
    const { locks } = this.#context.attempt;
    switch (options?.scope ?? 'row') {
      case 'row':
        return locks.holds(key, lock);
      case 'existence':
        return locks.holds(key, 'share') || locks.holds(existenceKey(key), lock);
      case 'whole':
        return locks.holds(key, lock) && locks.holds(existenceKey(key), lock);
    }
  }

  #check(): void {
    const { attempt, signal } = this.#context;
    if (attempt.doom !== null) throw attempt.doom;
    throwIfCancelled(signal);
  }

  #own(key: Key, options: ReadOptions | undefined): BufferedWrite | undefined {
    const { buffer } = this.#context.attempt;
    checkHideable(buffer.spilledSpans, options?.before);
    return visibleWrite(buffer.get(key), options?.before);
  }

  #overlaid(key: Key, value: Buffer | null, options: ReadOptions | undefined): Buffer | null {
    if (leftOut(this.#context.attempt.buffer.get(key), options)) return null;
    const write = this.#own(key, options);
    return write === undefined || write.state === 'written' ? value : write.value;
  }

  async #send(
    requests: readonly KvRequest[],
    options: ReadOptions | undefined,
    maxRows: number,
    maxBytes: number,
    tracking: Pick<KvScanOptions, 'untracked' | 'verified'> = TRACKED,
  ): Promise<readonly KvResponse[]> {
    const { runtime, attempt, refresher, signal } = this.#context;
    const lock = options?.lock ?? 'none';
    const locking = lock !== 'none';
    const wait = options?.wait ?? 'block';
    for (let round = 0; round < REFRESHES_MAX; round++) {
      this.#check();
      for (let barrier = this.#context.barrier(); barrier !== null; barrier = this.#context.barrier()) await barrier;
      while (refresher.running !== null) await refresher.running;
      // A lock that a finished transaction of this node is about to release must not look taken.
      if (locking && wait !== 'block' && runtime.cleanup.pending > 0) await runtime.cleanup.settled();
      this.#check();
      if (locking && attempt.anchorAt(firstKey(requests[0]!))) this.#context.anchored();
      const readTs = attempt.readTs;
      const canBumpReadTs = !attempt.fixed && attempt.spans.isEmpty && this.#underWay === 0;
      this.#underWay++;
      try {
        const answer = await runtime.router.send(
          {
            txn: attempt.meta(),
            timestamp: 0,
            wait,
            canBumpReadTs,
            maxRows,
            maxBytes,
            lockTimeoutMs: this.#context.lockTimeoutMs,
          },
          requests,
          { signal, observed: attempt.observed },
        );
        const answeredTs = answer.txn === null ? readTs : answer.txn.readTs;
        if (answer.txn !== null) attempt.raiseWriteTs(answer.txn.writeTs);
        if (lock !== 'none') this.#recordLocks(requests, answer.responses, answeredTs, lock);
        if (refresher.running !== null || attempt.readTs !== readTs) {
          if (answeredTs !== attempt.readTs || refresher.running !== null) continue;
        }
        if (answeredTs > attempt.readTs) {
          await refresher.refreshTo(answeredTs, firstKey(requests[0]!));
          if (attempt.readTs !== answeredTs) continue;
        }
        const tentative = options?.tentative === 'read';
        if (tracking.untracked !== true) this.#recordSpans(requests, answer.responses, locking, tentative);
        if (tracking.verified === true) this.#recordVerified(requests, answer.responses);
        return answer.responses;
      } catch (error) {
        if (locking) this.#noteForRelease(requests);
        const conflict = conflictOf(error);
        if (conflict === null || attempt.fixed) throw this.#failed(error, readTs);
        await refresher.refreshTo(Math.max(conflict.ts, attempt.writeTs), conflict.key);
      } finally {
        this.#underWay--;
      }
    }
    throw retryError('could not serialize access: the snapshot had to move too often');
  }

  /**
   * As #send, at a timestamp of its own: a newer version moves that one, and nothing else. (The server does so by itself
   * where one range has all the keys, which then hold from that time on.)
   */
  async #sendLatest(requests: readonly GetRequest[], options: ReadOptions): Promise<readonly KvResponse[]> {
    const { runtime, attempt, signal } = this.#context;
    const { lock = 'none', wait = 'block' } = options;
    assert(lock !== 'none' && attempt.isolation === 'read committed', 'a locking read of the latest state');
    let at = attempt.readTs;
    for (let round = 0; round < REFRESHES_MAX; round++) {
      this.#check();
      for (let barrier = this.#context.barrier(); barrier !== null; barrier = this.#context.barrier()) await barrier;
      // A lock that a finished transaction of this node is about to release must not look taken.
      if (wait !== 'block' && runtime.cleanup.pending > 0) await runtime.cleanup.settled();
      this.#check();
      if (attempt.anchorAt(firstKey(requests[0]!))) this.#context.anchored();
      at = Math.max(at, runtime.hlc.now());
      const meta = attempt.meta();
      const txn = { ...meta, readTs: at, writeTs: Math.max(meta.writeTs, at) };
      const header = { txn, timestamp: 0, wait, canBumpReadTs: true, maxRows: 0, maxBytes: 0 };
      try {
        const { lockTimeoutMs } = this.#context;
        const answer = await runtime.router.send({ ...header, lockTimeoutMs }, requests, { signal });
        if (answer.txn !== null) attempt.raiseWriteTs(answer.txn.writeTs);
        this.#recordLocks(requests, answer.responses, Math.max(at, answer.txn?.readTs ?? 0), lock);
        return answer.responses;
      } catch (error) {
        this.#noteForRelease(requests);
        const conflict = conflictOf(error);
        if (conflict === null) throw this.#failed(error, at);
        at = Math.max(at, conflict.ts, attempt.writeTs);
      }
    }
    throw retryError('could not serialize access: the row was changed too often');
  }

  #failed(error: unknown, readTs: Timestamp): unknown {
    const shown = clientError(error, readTs);
    if (error instanceof KvError && (error.detail.kind === 'aborted' || error.detail.kind === 'deadlock'))
      this.#context.doomed(shown);
    return shown;
  }

  #recordLocks(
    requests: readonly KvRequest[],
    responses: readonly KvResponse[],
    ts: Timestamp,
    lock: 'share' | 'exclusive',
  ): void {
    const { locks } = this.#context.attempt;
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i]!;
      const response = responses[i]!;
      if (request.kind === 'get' && response.kind === 'get') {
        if (response.skipped) continue;
        if (request.scope !== 'existence') locks.add(request.key, ts, lock);
        if (request.scope !== undefined && request.scope !== 'row') locks.add(existenceKey(request.key), ts, lock);
      } else if (request.kind === 'scan' && response.kind === 'scan') {
        for (const key of response.keys) {
          locks.add(key, ts, lock);
          if (request.scope === 'whole') locks.add(existenceKey(key), ts, lock);
        }
      }
    }
  }

  /**
   * A key that was read under its lock needs no refresh: nobody writes it while the lock is held, and the
   * commit verifies that it was (exclusionSince, or a check of the keys that were not written).
   */
  #recordSpans(
    requests: readonly KvRequest[],
    responses: readonly KvResponse[],
    locking: boolean,
    tentative: boolean,
  ): void {
    const { spans, fixed } = this.#context.attempt;
    if (fixed) return;
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i]!;
      const response = responses[i]!;
      if (request.kind === 'get') {
        if (response.kind !== 'get' || response.skipped || locking) continue;
        if (tentative) spans.addTentative(request.key);
        else spans.addKey(request.scope === 'existence' ? existenceKey(request.key) : request.key);
      } else if (request.kind === 'scan' && response.kind === 'scan') {
        const resume = response.resumeKey;
        if (request.reverse) spans.addSpan(resume ?? request.start, request.end);
        else spans.addSpan(request.start, resume ?? request.end);
      }
    }
  }

  #recordVerified(requests: readonly KvRequest[], responses: readonly KvResponse[]): void {
    const { attempt } = this.#context;
    if (attempt.isolation === 'serializable' || attempt.fixed) return;
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i]!;
      const response = responses[i]!;
      if (request.kind !== 'scan' || response.kind !== 'scan') continue;
      const resume = response.resumeKey;
      if (request.reverse) attempt.locks.addVerified(resume ?? request.start, request.end, attempt.readTs);
      else attempt.locks.addVerified(request.start, resume ?? request.end, attempt.readTs);
    }
  }

  #noteForRelease(requests: readonly KvRequest[]): void {
    const { locks } = this.#context.attempt;
    for (const request of requests) {
      if (request.kind === 'get') {
        locks.addMaybe(request.key);
        if (request.scope !== undefined) locks.addMaybe(existenceKey(request.key));
      } else if (request.kind === 'scan') {
        // The existence of the last row may be at the end.
        locks.addMaybeSpan(request.start, request.scope === undefined ? request.end : keyNext(request.end));
      }
    }
  }

  /** Lays the buffered writes of what the scan covered over what it found. */
  #merge(found: ScanResponse, start: Key, end: Key, options: KvScanOptions): KvScanResult {
    const { buffer } = this.#context.attempt;
    const reverse = options.reverse === true;
    const maxRows = options.maxRows ?? 0;
    checkHideable(buffer.spilledSpans, options.before);
    const fits = maxRows === 0 || found.keys.length <= maxRows;
    if (buffer.size === 0 && fits) return found;
    const from = reverse && found.resumeKey !== null ? found.resumeKey : start;
    const to = !reverse && found.resumeKey !== null ? found.resumeKey : end;
    const keys: Key[] = [];
    const values: Buffer[] = [];
    let at = 0;
    let overlaid = false;
    const emit = (key: Key, value: Buffer | null): void => {
      if (value === null) return;
      keys.push(key);
      values.push(value);
    };
    for (const [key, latest] of buffer.range(from, to, reverse)) {
      const left = leftOut(latest, options);
      const write = left ? latest : visibleWrite(latest, options.before);
      if (write === undefined || (write.state === 'written' && !left)) continue;
      overlaid = true;
      while (at < found.keys.length && (reverse ? found.keys[at]! > key : found.keys[at]! < key)) {
        emit(found.keys[at]!, found.values[at]!);
        at++;
      }
      if (at < found.keys.length && found.keys[at] === key) at++;
      emit(key, left ? null : write.value);
      if (maxRows > 0 && keys.length > maxRows) break;
    }
    if (!overlaid && fits) return found;
    for (; at < found.keys.length && (maxRows === 0 || keys.length <= maxRows); at++)
      emit(found.keys[at]!, found.values[at]!);
    if (maxRows === 0 || keys.length <= maxRows) return { keys, values, resumeKey: found.resumeKey };
    const resumeKey = reverse ? keyNext(keys[maxRows]!) : keys[maxRows]!;
    return { keys: keys.slice(0, maxRows), values: values.slice(0, maxRows), resumeKey };
  }
}

function getRequest(key: Key, options: ReadOptions | undefined): GetRequest {
  const lock = options?.lock ?? 'none';
  const scope = options?.scope;
  return scope === undefined ? { kind: 'get', key, lock } : { kind: 'get', key, lock, scope };
}

function firstKey(request: KvRequest): Key {
  return request.kind === 'get' ? request.key : request.kind === 'scan' ? request.start : '';
}
