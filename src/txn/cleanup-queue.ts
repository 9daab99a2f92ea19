/**
 * What is left to do when a transaction's fate is known and its caller has been answered: the record
 * is finalised, then intents and locks on other ranges are resolved, then the record is removed.
 *
 * Order matters. Every intent must be resolved before the record is removed, since an intent without
 * a record counts as aborted. The intents of a STAGING transaction may be resolved before its record
 * says COMMITTED, which frees its locks one round earlier: a recovery that finds no intent finds the
 * version that it became, tagged with the transaction (range/eval/intents.ts). Condensed spans hold
 * writes that STAGING does not list: for them the record is finalised first. A job that fails keeps its
 * record and is done again a while later, for all of it can be repeated: whoever meets one of its intents meanwhile pushes the
 * record and resolves it, but where nobody does, leaseholders would keep them in memory.
 *
 * Resolutions of many transactions towards one range go together: while one batch is under way the
 * next gathers, so an idle range sees them at once and a busy one in few proposals. Removals of
 * records wait for GC_MS, or for an aborted transaction ABORTED_GC_MS, so that late deliveries of
 * its requests still meet the record.
 *
 * Bounds: JOBS_MAX transactions queued, AGAIN_MAX that have failed; beyond that, and after TRIES_MAX, a job is left to
 * whoever meets its intents (range/intent-sweep.ts at the latest).
 */
import { AssertionError } from '../base/assert.js';
import type { Timestamp } from '../base/ids.js';
import type { Key, Span } from '../base/key.js';
import { crashPoint, mark } from '../base/probes.js';
import { addressOf } from '../encoding/keyspace.js';
import type { Clock, Logger, TimerHandle, Timers } from '../env/env.js';
import type { BatchResponse, ResolveIntentsRequest, SplitTrigger, TxnMeta } from '../range/kv-api.js';
import { KvError } from '../range/kv-errors.js';
import { PRESENT, type RangeRouter } from './router.js';

const JOBS_MAX = 20_000;
/** A failed job is tried again; each try takes as long as the router looks for a leaseholder. */
const TRIES_MAX = 20;
const AGAIN_MAX = 1_000;
const AGAIN_MS = 2_000;
const LANE_BATCH_MAX = 128;
/** Keys that one command resolves: it is one proposal, and one turn of the leaseholder. */
const KEYS_PER_REQUEST = 1_000;
const GC_MS = 1_000;
const ABORTED_GC_MS = 60_000;
const GC_BATCH_MAX = 512;

export interface CleanupJob {
  readonly meta: TxnMeta;
  readonly status: 'committed' | 'aborted';
  readonly ts: Timestamp;
  /** Every key that may carry a lock or an intent. */
  readonly keys: readonly Key[];
  readonly spans: readonly Span[];
  /** What to do with the record first: finalise it, take it as final, or there never was one. */
  readonly record: 'finalise' | 'final' | 'none';
  /** Milliseconds to keep the record for messages still under way; default by status. */
  readonly keepRecordMs?: number;
}

export interface CleanupDependencies {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly router: RangeRouter;
}

interface Lane {
  underWay: boolean;
  readonly queue: { readonly request: ResolveIntentsRequest; readonly done: (error: unknown) => void }[];
}

export class CleanupQueue {
  readonly #deps: CleanupDependencies;
  readonly #lanes = new Map<number, Lane>();
  readonly #running = new Set<Promise<void>>();
  #gc: { readonly dueMs: number; readonly meta: TxnMeta; readonly committedAt: Timestamp }[] = [];
  #timer: TimerHandle | null = null;
  #stopped = false;
  /** Jobs that have failed, waiting for another try or at it; each holds all its keys. */
  readonly #again = new Set<CleanupJob>();
  readonly #tries = new Set<TimerHandle>();
  dropped = 0;
  failed = 0;

  constructor(deps: CleanupDependencies) {
    this.#deps = deps;
  }

  get pending(): number {
    return this.#running.size;
  }

  /** Never rejects; the returned promise tells when it is over, or has failed for the first time. */
  finish(job: CleanupJob): Promise<void> {
    if (this.#stopped || this.#running.size >= JOBS_MAX) {
      this.dropped++;
      return Promise.resolve();
    }
    const run = this.#run(job).catch((error: unknown) => this.#tryAgain(job, error, 1));
    const tracked = run.finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
    return tracked;
  }

  #tryAgain(job: CleanupJob, error: unknown, tries: number): void {
    if (error instanceof AssertionError) throw error;
    this.failed++;
    this.#deps.logger.log('warn', 'locks of a finished transaction could not be resolved yet', {
      tries,
      error: String(error),
    });
    const more = tries < TRIES_MAX && (this.#again.has(job) || this.#again.size < AGAIN_MAX);
    if (this.#stopped || !more) {
      this.#again.delete(job);
      return;
    }
    this.#again.add(job);
    const timer = this.#deps.timers.after(AGAIN_MS, () => {
      this.#tries.delete(timer);
      mark('cleanup-tried-again');
      void this.#run(job).then(
        () => this.#again.delete(job),
        (failure: unknown) => this.#tryAgain(job, failure, tries + 1),
      );
    });
    this.#tries.add(timer);
  }

  /** Resolves when everything that is queued now is done: a lock just given up is free then. */
  async settled(): Promise<void> {
    await Promise.all([...this.#running]);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = null;
    for (const timer of this.#tries) timer.cancel();
    this.#tries.clear();
  }

  async #run(job: CleanupJob): Promise<void> {
    if (job.record === 'finalise' && job.status === 'committed' && job.spans.length === 0) {
      await this.resolve(job.meta, 'committed', job.ts, job.keys, []);
      crashPoint('after-resolve-before-record', this.#deps.router.nodeId);
      // Nothing is left for the record to speak of: it goes with the next removals as it is.
      this.#collect(job.meta, job.keepRecordMs ?? GC_MS, job.ts);
      return;
    }
    crashPoint('before-resolve', this.#deps.router.nodeId);
    let local: ReadonlySet<Key> = new Set();
    if (job.record === 'finalise') {
      const done = await finaliseRecord(this.#deps.router, job, null);
      local = done.resolved;
      if (done.status !== job.status) {
        // Somebody else decided before: what they decided is what the intents become.
        job = { ...job, status: done.status, ts: done.commitTs };
      }
    }
    const rest = job.keys.filter((k) => !local.has(k));
    await this.resolve(job.meta, job.status, job.ts, rest, job.spans);
    if (job.record !== 'none')
      this.#collect(job.meta, job.keepRecordMs ?? (job.status === 'committed' ? GC_MS : ABORTED_GC_MS));
  }

  /** Resolves keys and spans of a finished transaction (or those that a rollback made void), together with those of others. */
  async resolve(
    meta: TxnMeta,
    status: ResolveIntentsRequest['status'],
    ts: Timestamp,
    keys: readonly Key[],
    spans: readonly Span[],
    upTo = 0,
  ): Promise<void> {
    const base = { kind: 'resolve-intents', txnId: meta.id, epoch: meta.epoch, status, ts, upTo } as const;
    const byRange = new Map<number, Key[]>();
    for (const key of keys) {
      const address = addressOf(key);
      const entry = this.#deps.router.directory.cached(address) ?? (await this.#deps.router.directory.lookup(address));
      const list = byRange.get(entry.descriptor.rangeId);
      if (list === undefined) byRange.set(entry.descriptor.rangeId, [key]);
      else list.push(key);
    }
    const waits: Promise<void>[] = [];
    for (const [rangeId, own] of byRange) {
      for (let i = 0; i < own.length; i += KEYS_PER_REQUEST) {
        const part = own.length <= KEYS_PER_REQUEST ? own : own.slice(i, i + KEYS_PER_REQUEST);
        waits.push(this.#enqueue(rangeId, { ...base, keys: part, spans: [] }));
      }
    }
    if (spans.length > 0) {
      waits.push(this.#deps.router.send(PRESENT, [{ ...base, keys: [], spans }]).then(() => undefined));
    }
    await Promise.all(waits);
  }

  #enqueue(rangeId: number, request: ResolveIntentsRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      let lane = this.#lanes.get(rangeId);
      if (lane === undefined) {
        lane = { underWay: false, queue: [] };
        this.#lanes.set(rangeId, lane);
      }
      lane.queue.push({ request, done: (error) => (error === null ? resolve() : reject(error as Error)) });
      if (!lane.underWay) void this.#drain(rangeId, lane);
    });
  }

  async #drain(rangeId: number, lane: Lane): Promise<void> {
    lane.underWay = true;
    while (lane.queue.length > 0) {
      let count = 0;
      for (let keys = 0; count < Math.min(lane.queue.length, LANE_BATCH_MAX) && keys < KEYS_PER_REQUEST; count++) {
        keys += lane.queue[count]!.request.keys.length;
      }
      const batch = lane.queue.splice(0, count);
      let failure: unknown = null;
      try {
        await this.#deps.router.send(
          PRESENT,
          batch.map((b) => b.request),
        );
      } catch (error) {
        failure = error;
      }
      crashPoint('between-resolves', this.#deps.router.nodeId);
      for (const entry of batch) entry.done(failure);
    }
    lane.underWay = false;
    this.#lanes.delete(rangeId);
  }

  #collect(meta: TxnMeta, delayMs: number, committedAt = 0): void {
    this.#gc.push({ dueMs: this.#deps.clock.monotonicMs() + delayMs, meta, committedAt });
    if (!this.#stopped) this.#timer ??= this.#deps.timers.after(GC_MS, () => void this.#removeRecords());
  }

  async #removeRecords(): Promise<void> {
    this.#timer = null;
    const nowMs = this.#deps.clock.monotonicMs();
    const due = this.#gc.filter((g) => g.dueMs <= nowMs);
    this.#gc = this.#gc.filter((g) => g.dueMs > nowMs);
    try {
      for (let i = 0; i < due.length; i += GC_BATCH_MAX) {
        const txns = due.slice(i, i + GC_BATCH_MAX).map((g) => ({
          id: g.meta.id,
          anchorKey: g.meta.anchorKey,
          committedAt: g.committedAt,
        }));
        crashPoint('before-record-removed', this.#deps.router.nodeId);
        await this.#deps.router.send(PRESENT, [{ kind: 'gc-txns', txns }]);
      }
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      this.#deps.logger.log('debug', 'transaction records could not be removed yet', { error: String(error) });
      if (this.#gc.length + due.length < JOBS_MAX) this.#gc.push(...due);
    }
    if (this.#gc.length > 0 && !this.#stopped) {
      this.#timer ??= this.#deps.timers.after(GC_MS, () => void this.#removeRecords());
    }
  }
}

export interface Finalised {
  readonly status: 'committed' | 'aborted';
  readonly commitTs: Timestamp;
  /** Keys that were resolved together with the record. */
  readonly resolved: ReadonlySet<Key>;
}

/** Writes the final record at the anchor, resolving the keys of the anchor's range with it. */
export async function finaliseRecord(
  router: RangeRouter,
  job: Pick<CleanupJob, 'meta' | 'status' | 'keys' | 'spans'>,
  split: SplitTrigger | null,
): Promise<Finalised> {
  const entry = await router.directory.lookup(addressOf(job.meta.anchorKey));
  const { start, end } = entry.descriptor;
  // Beyond a fair number the keys are left to the resolutions that follow.
  const local = job.keys.filter((k) => start <= addressOf(k) && addressOf(k) < end).slice(0, KEYS_PER_REQUEST);
  const trimmed: Key[] = [];
  const action = job.status === 'committed' ? 'commit' : 'abort';
  let answer: BatchResponse;
  try {
    answer = await router.send(
      { ...PRESENT, txn: job.meta },
      [{ kind: 'end-txn', action, inFlight: [], localLocks: local, lockKeys: job.keys, lockSpans: job.spans, split }],
      { trimmed },
    );
  } catch (error) {
    if (!(error instanceof KvError) || error.detail.kind !== 'aborted') throw error;
    return { status: 'aborted', commitTs: job.meta.writeTs, resolved: new Set() };
  }
  const response = answer.responses[0]!;
  const resolved = new Set(local);
  for (const key of trimmed) resolved.delete(key);
  if (response.kind !== 'end-txn') return { status: job.status, commitTs: job.meta.writeTs, resolved };
  const status = response.status === 'committed' ? 'committed' : 'aborted';
  // A record that others finalised may have kept its own opinion of the local keys: resolve them again.
  return { status, commitTs: response.commitTs, resolved: status === job.status ? resolved : new Set() };
}
