/**
 * The transactional database of one node as SQL sees it (KvDb), and the composition of this layer:
 * router, heartbeats, clean-up, pusher.
 *
 * The hot path is `getMany` with one key: a look-up in the cached directory and one message to the
 * leaseholder, without a transaction. It is linearizable, since the leaseholder reads its present.
 */
import { backoffMs } from '../base/backoff.js';
import { QuoralError } from '../base/errors.js';
import type { NodeId, Timestamp } from '../base/ids.js';
import type { Key } from '../base/key.js';
import { metaKey } from '../encoding/keyspace.js';
import type { Clock, HlcClock, Logger, Rng, Timers } from '../env/env.js';
import type { BatchResponse, GetRequest, RangeDescriptor, ScanRequest } from '../range/kv-api.js';
import { KvError } from '../range/kv-errors.js';
import { decodeRangeDescriptor } from '../range/range-descriptor-codec.js';
import { CleanupQueue } from './cleanup-queue.js';
import { HeartbeatLoop } from './heartbeats.js';
import type { KvDb, KvTxn, RangeInfo, TxnOptions } from './kv-txn.js';
import { incrementCounter, splitRange } from './range-split.js';
import type { RangeEntry } from './range-directory.js';
import { PRESENT, RangeRouter, throwIfCancelled, type SendToNode } from './router.js';
import { newCounters, type TxnRuntime } from './runtime.js';
import { isRetryable, Transaction } from './transaction.js';
import { clientError } from './txn-errors.js';
import { RouterTxnPusher } from './txn-pusher.js';

export interface CoordinatorOptions {
  readonly nodeId: NodeId;
  /** Milliseconds of routing errors after which a request fails; default 30,000. */
  readonly retryDeadlineMs?: number;
  /** Rows and index entries that one transaction may write before its commit as intents; default 2,000,000. */
  readonly spilledMax?: number;
  /** Bytes that a transaction buffers before it writes them as intents; default 512 KiB. */
  readonly spillBytes?: number;
  /** A new table gets a range at once (KvDb.separate); default false: when it needs one. */
  readonly separateTables?: boolean;
}

export interface CoordinatorDependencies {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly hlc: HlcClock;
  /** RPC method 3, with the self-call. */
  readonly sendToNode: SendToNode;
}

const SPILLED_MAX = 2_000_000;
const SPILL_BYTES = 512 << 10;
const RUNS_MAX = 200;
const RUN_BACKOFF = { baseMs: 1, maxMs: 250 };
const RANGES_PAGE = 1_000;
const STATS_DEADLINE_MS = 1_000;

export class TxnCoordinator implements KvDb {
  readonly nodeId: NodeId;
  readonly router: RangeRouter;
  readonly pusher: RouterTxnPusher;
  readonly #runtime: TxnRuntime;
  readonly #separates: boolean;

  constructor(options: CoordinatorOptions, deps: CoordinatorDependencies) {
    this.nodeId = options.nodeId;
    this.#separates = options.separateTables ?? false;
    const { clock, timers, rng, logger, hlc } = deps;
    this.router = new RangeRouter(options, deps);
    const heartbeats = new HeartbeatLoop({ clock, timers, hlc, logger, router: this.router });
    const cleanup = new CleanupQueue({ clock, timers, logger, router: this.router });
    this.#runtime = {
      nodeId: options.nodeId,
      hlc,
      clock,
      timers,
      rng,
      logger,
      router: this.router,
      heartbeats,
      cleanup,
      counters: newCounters(),
      spilledMax: options.spilledMax ?? SPILLED_MAX,
      spillBytes: options.spillBytes ?? SPILL_BYTES,
    };
    this.pusher = new RouterTxnPusher({ hlc, router: this.router, cleanup });
  }

  /** Descriptors of the local store; at least the first range must be among them before anything works. */
  seed(descriptors: readonly RangeDescriptor[]): void {
    this.router.directory.seed(descriptors);
  }

  /** Stops the background work; what it leaves is found by whoever meets it. */
  stop(): void {
    this.router.stop();
    this.#runtime.heartbeats.stop();
    this.#runtime.cleanup.stop();
  }

  /** Waits until the clean-up of finished transactions is over (drain). */
  settled(): Promise<void> {
    return this.#runtime.cleanup.settled();
  }

  now(): Timestamp {
    return this.#runtime.hlc.now();
  }

  begin(options: TxnOptions): KvTxn {
    return new Transaction(this.#runtime, options);
  }

  getMany(keys: readonly Key[]): Promise<(Buffer | null)[]> {
    if (keys.length === 0) return Promise.resolve([]);
    if (!this.#onOneRange(keys)) return this.#getManyOverRanges(keys);
    const requests = new Array<GetRequest>(keys.length);
    for (let i = 0; i < keys.length; i++) requests[i] = { kind: 'get', key: keys[i]!, lock: 'none' };
    return this.router.send(PRESENT, requests).then(valuesOf, (error: unknown) => {
      throw clientError(error, 0);
    });
  }

  async run<T>(options: TxnOptions, fn: (txn: KvTxn) => Promise<T>): Promise<T> {
    const txn = this.begin(options);
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await fn(txn);
        await txn.commit();
        return result;
      } catch (error) {
        if (!isRetryable(error) || attempt >= RUNS_MAX) {
          await txn.rollback();
          throw error;
        }
        throwIfCancelled(options.signal);
      }
      await this.#runtime.timers.sleep(backoffMs(RUN_BACKOFF, attempt, this.#runtime.rng.next()));
      await txn.restart();
    }
  }

  split(key: Key): Promise<void> {
    return splitRange(this.#runtime, key);
  }

  async separate(key: Key): Promise<void> {
    if (this.#separates) await this.split(key);
  }

  async increment(key: Key, by: number): Promise<number> {
    try {
      return await incrementCounter(this.#runtime, key, by);
    } catch (error) {
      throw clientError(error, 0);
    }
  }

  async ranges(start: Key, end: Key): Promise<readonly RangeInfo[]> {
    const descriptors: RangeDescriptor[] = [];
    const first = (await this.router.directory.lookup(start)).descriptor;
    let from: Key | null = metaKey(first.start);
    while (from !== null) {
      const scan: ScanRequest = { kind: 'scan', start: from, end: metaKey(end), reverse: false, lock: 'none' };
      const page: BatchResponse = await this.router.send({ ...PRESENT, maxRows: RANGES_PAGE }, [scan]);
      const found = page.responses[0]!;
      if (found.kind !== 'scan') break;
      for (const value of found.values) descriptors.push(decodeRangeDescriptor(value));
      from = found.resumeKey;
    }
    const infos: RangeInfo[] = [];
    for (let i = 0; i < descriptors.length; i += 16) {
      infos.push(...(await Promise.all(descriptors.slice(i, i + 16).map((d) => this.#describe(d)))));
    }
    return infos;
  }

  metrics(): Record<string, number> {
    const { counters, cleanup, heartbeats } = this.#runtime;
    const metrics: Record<string, number> = {};
    for (const [name, value] of Object.entries(counters)) metrics[`txn_${name}_total`] = value as number;
    metrics['txn_cleanup_pending'] = cleanup.pending;
    metrics['txn_cleanup_dropped_total'] = cleanup.dropped;
    metrics['txn_cleanup_failed_total'] = cleanup.failed;
    metrics['txn_holding_locks'] = heartbeats.size;
    metrics['txn_heartbeats_total'] = heartbeats.sent;
    metrics['kv_batches_sent_total'] = this.router.batches;
    metrics['kv_send_retries_total'] = this.router.retries;
    metrics['kv_reroutes_total'] = this.router.reroutes;
    metrics['kv_range_lookups_total'] = this.router.directory.lookups;
    metrics['kv_ranges_cached'] = this.router.directory.size;
    metrics['txn_pushes_total'] = this.pusher.pushes;
    metrics['txn_recoveries_total'] = this.pusher.recoveries;
    return metrics;
  }

  #onOneRange(keys: readonly Key[]): boolean {
    if (keys.length === 1) return true;
    const entry = this.router.directory.cached(keys[0]!);
    if (entry === null) return false;
    const { start, end } = entry.descriptor;
    for (const key of keys) if (key < start || key >= end) return false;
    return true;
  }

  async #getManyOverRanges(keys: readonly Key[]): Promise<(Buffer | null)[]> {
    return this.run({ isolation: 'serializable', readOnly: true, name: 'read' }, async (txn) => {
      const values = await txn.getMany(keys);
      return values.map((v) => v ?? null);
    });
  }

  async #describe(descriptor: RangeDescriptor): Promise<RangeInfo> {
    this.router.directory.insert(descriptor);
    const cached = this.router.directory.cached(descriptor.start);
    const known = cached !== null && cached.descriptor.rangeId === descriptor.rangeId;
    const entry: RangeEntry = known ? cached : { descriptor, leaseholder: 0 };
    let bytes = 0;
    try {
      const answer = await this.router.sendToRange(entry, PRESENT, [{ kind: 'range-stats' }], {
        deadlineMs: STATS_DEADLINE_MS,
      });
      const response = answer.responses[0]!;
      if (response.kind === 'range-stats') bytes = response.bytes;
    } catch (error) {
      // A range that does not answer is shown without a leaseholder: that is its state.
      if (!(error instanceof KvError) && !(error instanceof QuoralError)) throw error;
      entry.leaseholder = 0;
    }
    return {
      rangeId: descriptor.rangeId,
      start: descriptor.start,
      end: descriptor.end,
      replicas: descriptor.replicas.map((r) => r.nodeId),
      leaseholder: entry.leaseholder,
      bytes,
    };
  }
}

function valuesOf(answer: BatchResponse): (Buffer | null)[] {
  const { responses } = answer;
  const values = new Array<Buffer | null>(responses.length);
  for (let i = 0; i < responses.length; i++) {
    const response = responses[i]!;
    values[i] = response.kind === 'get' ? response.value : null;
  }
  return values;
}
