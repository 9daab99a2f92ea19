/**
 * Moves a transaction's snapshot to a later timestamp by verifying that nothing it read has changed
 * in between (the ranges also see to it that nothing will). Sits below the reader and the committer,
 * which both meet conflicts that a later snapshot would not have, and above the router.
 *
 * Invariants
 * - One refresh at a time. A read that was under way during a refresh is repeated by the reader, as
 *   its span was not part of it.
 * - The read timestamp moves only after every span was verified.
 *
 * Fails: 40001 naming the key that changed; nothing can be done then but to run the transaction (or at
 * READ COMMITTED the statement) again.
 */
import type { Timestamp } from '../base/ids.js';
import type { Key } from '../base/key.js';
import { mark } from '../base/probes.js';
import type { KvRequest } from '../range/kv-api.js';
import { KvError } from '../range/kv-errors.js';
import type { Attempt } from './attempt.js';
import type { ReadSpan } from './read-spans.js';
import { PRESENT } from './router.js';
import type { TxnRuntime } from './runtime.js';
import { changedError, clientError, conflictError } from './txn-errors.js';

export class Refresher {
  readonly #runtime: TxnRuntime;
  readonly #attempt: Attempt;
  #running: Promise<void> | null = null;

  constructor(runtime: TxnRuntime, attempt: Attempt) {
    this.#runtime = runtime;
    this.#attempt = attempt;
  }

  /** The refresh under way, if any: reads wait for it, since their timestamp is about to change. */
  get running(): Promise<void> | null {
    return this.#running;
  }

  /** @throws QuoralError 40001 if something that was read has changed. */
  async refreshTo(target: Timestamp, conflictKey: Key): Promise<void> {
    while (this.#running !== null) await this.#running;
    const attempt = this.#attempt;
    if (attempt.readTs >= target) return;
    if (attempt.fixed) throw conflictError('concurrent update', conflictKey, target, attempt.readTs);
    if (attempt.spans.isEmpty) {
      attempt.moveReadTs(target);
      return;
    }
    const run = this.verify(attempt.spans.list(), attempt.readTs, target);
    // Who waits only wants to know that it is over.
    const over = run.then(
      () => undefined,
      () => undefined,
    );
    this.#running = over;
    try {
      await run;
      mark('refresh-succeeds');
      attempt.moveReadTs(target);
    } finally {
      this.#running = null;
    }
  }

  /** Verifies that nothing was written in the spans in (from, to]. */
  async verify(spans: readonly ReadSpan[], from: Timestamp, to: Timestamp): Promise<void> {
    this.#runtime.counters.refreshes++;
    const attempt = this.#attempt;
    const meta = attempt.meta();
    const header = { ...PRESENT, txn: { ...meta, writeTs: Math.max(meta.writeTs, to) } };
    try {
      await this.#runtime.router.send(header, refreshRequests(spans, from, to));
    } catch (error) {
      mark('refresh-fails');
      this.#runtime.counters.refreshFailures++;
      if (error instanceof KvError && error.detail.kind === 'retry') {
        throw changedError(error.detail.key, from, to, error);
      }
      throw clientError(error, from);
    }
  }
}

export function refreshRequests(spans: readonly ReadSpan[], from: Timestamp, to: Timestamp): KvRequest[] {
  return spans.map((s) => ({ kind: 'refresh', start: s.start, end: s.end, fromTs: from, toTs: to }));
}
