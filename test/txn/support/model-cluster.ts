/**
 * Ranges without Raft: the real evaluation, lock table, timestamp cache and engine in memory, driven by
 * a single-threaded executor (evaluate and apply in one turn). Nodes are addresses; a range has one
 * leaseholder at a time. Messages take random virtual time and can be tampered with.
 */
import type { NodeId } from '../../../src/base/ids.js';
import { KEY_MAX, KEY_MIN, type Key } from '../../../src/base/key.js';
import {
  addressOf,
  LOCAL_DESCRIPTOR_PREFIX,
  localDescriptorKey,
  metaKey,
  SYSTEM_KEYS,
} from '../../../src/encoding/keyspace.js';
import type { Rng } from '../../../src/env/env.js';
import { QuoralError } from '../../../src/base/errors.js';
import { LockConflict, ReadBump, type EvalContext, type RangeState } from '../../../src/range/eval/context.js';
import { evaluate, newContext } from '../../../src/range/eval/evaluate.js';
import { sentTooEarly } from '../../../src/range/eval/sent.js';
import { encodeCounter } from '../../../src/range/eval/write.js';
import type {
  BatchRequest,
  BatchResponse,
  KvRequest,
  LockMode,
  RangeDescriptor,
  SplitTrigger,
  TxnMeta,
} from '../../../src/range/kv-api.js';
import {
  decodeBatchRequest,
  decodeBatchResponse,
  encodeBatchRequest,
  encodeBatchResponse,
} from '../../../src/range/kv-codec.js';
import { KvError } from '../../../src/range/kv-errors.js';
import { holds, LockTable, type Waiter } from '../../../src/range/lock-table.js';
import { encodeRangeDescriptor } from '../../../src/range/range-descriptor-codec.js';
import type { WaitGraph } from '../../../src/range/services.js';
import { TimestampCache } from '../../../src/range/timestamp-cache.js';
import { TxnRecords } from '../../../src/range/txn-records.js';
import { RpcError } from '../../../src/rpc/errors.js';
import { applyBatch } from '../../../src/storage/batch-codec.js';
import {
  decodeIntent,
  decodeTransaction,
  intentSpan,
  intentUserKey,
  transactionSpan,
} from '../../../src/storage/lock-record.js';
import { MemoryEngine } from '../../../src/storage/memory-engine.js';
import { mvccPut } from '../../../src/storage/mvcc.js';
import { TxnCoordinator } from '../../../src/txn/coordinator.js';
import { DeadlockDriver, deadlockMethod, type DeadlockTraffic } from '../../../src/txn/deadlock.js';
import { requestInside } from '../../../src/txn/request-split.js';
import { seededRng } from '../../env/seeded-rng.js';
import { Sim, SILENT, TestHlc } from './sim.js';

class ModelRange implements RangeState {
  descriptor: RangeDescriptor;
  leaseholder: NodeId;
  readonly reader: MemoryEngine;
  locks = new LockTable();
  tsCache: TimestampCache;
  records: TxnRecords;
  leaseStart: number;
  constructor(
    descriptor: RangeDescriptor,
    leaseholder: NodeId,
    reader: MemoryEngine,
    leaseStart: number,
    alive: (node: NodeId) => boolean,
    now: () => number,
  ) {
    this.descriptor = descriptor;
    this.leaseholder = leaseholder;
    this.reader = reader;
    this.leaseStart = leaseStart;
    this.tsCache = new TimestampCache(leaseStart);
    this.records = new TxnRecords(now);
    this.#alive = alive;
  }
  readonly #alive: (node: NodeId) => boolean;
  coordinatorAlive(node: NodeId): boolean {
    return this.#alive(node);
  }
}

/** What a test does to a message: undefined lets it pass. */
export interface Tamper {
  readonly before?: (
    node: NodeId,
    batch: BatchRequest,
    from: NodeId,
  ) => 'drop' | 'unreachable' | Promise<void> | undefined;
  /** Virtual milliseconds after which the message arrives a second time (its answer goes nowhere); 0 = never. */
  readonly again?: (node: NodeId, batch: BatchRequest) => number;
  /** After the evaluation, before the reply: 'lose' it. */
  readonly after?: (node: NodeId, batch: BatchRequest, response: BatchResponse, from: NodeId) => 'lose' | undefined;
}

export interface ModelOptions {
  readonly nodes: number;
  readonly seed: number;
  readonly boundaries: readonly Key[];
  /** Virtual milliseconds of one way of a message, at most. */
  readonly latencyMs?: number;
  /** Clock error of each node in microseconds. */
  readonly skewsUs?: readonly number[];
  /** Writes that one transaction may spill. */
  readonly spilledMax?: number;
  /** Bytes that a transaction buffers. */
  readonly spillBytes?: number;
}

export class ModelCluster {
  readonly sim = new Sim();
  readonly rng: Rng;
  readonly engine = new MemoryEngine();
  readonly ranges = new Map<number, ModelRange>();
  readonly dbs = new Map<NodeId, TxnCoordinator>();
  readonly hlcs = new Map<NodeId, TestHlc>();
  readonly down = new Set<NodeId>();
  /** What broke in the ranges where no caller saw it. */
  readonly failures: unknown[] = [];
  tamper: Tamper = {};
  readonly #graphs = new Map<NodeId, WaitGraph>();
  readonly #inboxes = new Map<NodeId, (message: DeadlockTraffic, from: NodeId) => void>();
  readonly #latencyMs: number;
  readonly #spilledMax: number | null;
  readonly #spillBytes: number | undefined;
  /** Of batches, at all ranges. */
  evaluations = 0;
  /** Spans and keys that were verified for somebody. */
  verified = 0;

  constructor(options: ModelOptions) {
    this.rng = seededRng(options.seed);
    this.#latencyMs = options.latencyMs ?? 1;
    this.#spilledMax = options.spilledMax ?? null;
    this.#spillBytes = options.spillBytes;
    const nodes = Array.from({ length: options.nodes }, (_, i) => i + 1);
    for (const node of nodes) this.hlcs.set(node, new TestHlc(this.sim.clock(options.skewsUs?.[node - 1] ?? 0)));
    const starts = [KEY_MIN, ...options.boundaries];
    const batch = this.engine.newBatch();
    starts.forEach((start, i) => {
      const descriptor: RangeDescriptor = {
        rangeId: i + 1,
        start,
        end: starts[i + 1] ?? KEY_MAX,
        generation: 1,
        replicas: nodes.map((nodeId) => ({ nodeId, type: 'voter' as const })),
      };
      const leaseholder = nodes[i % nodes.length]!;
      this.ranges.set(descriptor.rangeId, this.#newRange(descriptor, leaseholder, 1));
      const bytes = Buffer.from(encodeRangeDescriptor(descriptor));
      for (const key of [localDescriptorKey(start), metaKey(start)]) mvccPut(batch, key, 1, bytes, false);
    });
    mvccPut(batch, SYSTEM_KEYS.rangeIdCounter, 1, encodeCounter(starts.length), false);
    this.engine.writeData(batch);
    for (const node of nodes) this.#addNode(node);
  }

  db(node: NodeId): TxnCoordinator {
    return this.dbs.get(node)!;
  }
  run<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    return this.sim.run(promise, limitMs);
  }
  rangeOf(key: Key): ModelRange {
    const address = addressOf(key);
    for (const range of this.ranges.values()) {
      if (range.descriptor.start <= address && address < range.descriptor.end) return range;
    }
    throw new Error('no range');
  }
  /** Unreplicated state is lost, as when the leaseholder dies. */
  moveLease(range: ModelRange, to: NodeId): void {
    range.leaseholder = to;
    range.leaseStart = this.hlcs.get(to)!.now();
    for (const hlc of this.hlcs.values()) range.leaseStart = Math.max(range.leaseStart, hlc.now());
    range.tsCache = new TimestampCache(range.leaseStart);
    range.locks.clear();
    range.records = new TxnRecords(() => this.hlcs.get(to)!.now());
    this.#load(range);
  }
  /** The node's coordinator dies: nothing from it arrives any more. */
  kill(node: NodeId): void {
    this.down.add(node);
    this.db(node).stop();
    const heir = [...this.dbs.keys()].find((n) => !this.down.has(n))!;
    for (const range of this.ranges.values()) if (range.leaseholder === node) this.moveLease(range, heir);
  }
  lockCount(): number {
    let count = 0;
    for (const range of this.ranges.values()) count += range.locks.size;
    return count;
  }

  #newRange(descriptor: RangeDescriptor, leaseholder: NodeId, leaseStart: number): ModelRange {
    return new ModelRange(
      descriptor,
      leaseholder,
      this.engine,
      leaseStart,
      (node) => !this.down.has(node),
      () => this.hlcs.get(leaseholder)!.now(),
    );
  }

  #addNode(node: NodeId): void {
    const hlc = this.hlcs.get(node)!;
    const clock = this.sim.clock();
    const db = new TxnCoordinator(
      {
        nodeId: node,
        ...(this.#spilledMax === null ? {} : { spilledMax: this.#spilledMax }),
        ...(this.#spillBytes === undefined ? {} : { spillBytes: this.#spillBytes }),
      },
      {
        clock,
        timers: this.sim,
        rng: seededRng(this.rng.int(2 ** 31)),
        logger: SILENT,
        hlc,
        sendToNode: (to, batch, signal) => this.#send(node, to, batch, signal),
      },
    );
    db.seed([this.rangeOf(KEY_MIN).descriptor]);
    this.dbs.set(node, db);
    const graph = new DeadlockDriver({
      clock,
      timers: this.sim,
      network: {
        self: node,
        handleOneWay: (_method, fn) => void this.#inboxes.set(node, fn as never),
        send: (to, _method, message) => {
          const bytes = deadlockMethod.encodeRequest(message as never);
          this.sim.after(this.#latency(), () => this.#inboxes.get(to)!(deadlockMethod.decodeRequest(bytes), node));
        },
      },
      detectorNode: () => 1,
    });
    this.#graphs.set(node, graph);
  }

  #latency(): number {
    return this.rng.next() * this.#latencyMs;
  }

  async #send(from: NodeId, to: NodeId, batch: BatchRequest, signal?: AbortSignal): Promise<BatchResponse> {
    if (this.down.has(from)) return new Promise(() => undefined);
    // Over the wire, so that what the codec forgets is forgotten here too.
    const wire = encodeBatchRequest(batch);
    await this.sim.sleep(this.#latency());
    const verdict = this.tamper.before?.(to, batch, from);
    if (verdict === 'unreachable' || this.down.has(to)) throw new RpcError('unreachable', 'no stream');
    if (verdict === 'drop') throw new RpcError('broken', 'stream broke');
    if (verdict !== undefined) await verdict;
    if (this.down.has(from)) return new Promise(() => undefined);
    this.hlcs.get(to)!.update(this.hlcs.get(from)!.now());
    const cancelled = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(new RpcError('cancelled', 'cancelled')));
    });
    cancelled.catch(() => undefined);
    const work = this.#serve(to, decodeBatchRequest(wire), signal);
    work.catch(() => undefined);
    // Frames carry clocks, whatever is in them.
    const told = work.finally(() => this.hlcs.get(from)!.update(this.hlcs.get(to)!.now()));
    told.catch(() => undefined);
    const response = decodeBatchResponse(encodeBatchResponse(await Promise.race([told, cancelled])));
    const againMs = this.tamper.again?.(to, batch) ?? 0;
    if (againMs > 0) {
      this.sim.after(againMs, () => {
        this.#serve(to, decodeBatchRequest(wire), undefined).catch((error: unknown) => {
          if (!(error instanceof QuoralError)) this.failures.push(error);
        });
      });
    }
    const after = this.tamper.after?.(to, batch, response, from);
    await this.sim.sleep(this.#latency());
    if (this.down.has(from)) return new Promise(() => undefined);
    if (after === 'lose') throw new RpcError('broken', 'stream broke');
    this.hlcs.get(from)!.update(this.hlcs.get(to)!.now());
    return response;
  }

  async #serve(node: NodeId, batch: BatchRequest, signal: AbortSignal | undefined): Promise<BatchResponse> {
    const range = this.ranges.get(batch.header.rangeId);
    if (range === undefined) throw new KvError({ kind: 'range-not-found' });
    let wake: (() => void) | null = null;
    const waiter: Waiter & { mode: LockMode; waitsAt: Key | null } = {
      txn: batch.header.txn,
      mode: 'none',
      whole: false,
      waitsAt: null,
      wake: () => {
        const fn = wake;
        waiter.waitsAt = null;
        wake = null;
        fn?.();
      },
    };
    const queued = new Set<Key>();
    try {
      for (;;) {
        if (signal?.aborted === true) throw new QuoralError('57014', 'canceled');
        if (range.leaseholder !== node)
          throw new KvError({ kind: 'not-leaseholder', leaseholder: range.leaseholder, descriptor: range.descriptor });
        this.#checkBounds(range, batch);
        if (sentTooEarly(range, batch))
          throw new KvError({ kind: 'not-leaseholder', leaseholder: node, descriptor: range.descriptor });
        const done = this.#evaluate(range, batch, waiter);
        if (!(done instanceof LockConflict)) {
          this.#apply(range, done.ctx);
          // As the executor does with what one batch was too small for.
          for (const rest of done.ctx.unresolved)
            await this.#serve(node, { header: { ...batch.header, txn: null }, requests: [rest] }, signal);
          return done.response;
        }
        if (batch.header.wait === 'nowait' && done.mode !== 'none')
          throw new KvError({ kind: 'lock-not-available', key: done.lock.key });
        waiter.mode = done.mode;
        waiter.waitsAt = done.lock.key;
        range.locks.enqueue(done.lock.key, waiter);
        queued.add(done.lock.key);
        await this.#wait(node, range, done, waiter, (fn) => void (wake = fn));
      }
    } finally {
      for (const key of queued) range.locks.dequeue(key, waiter);
    }
  }

  #checkBounds(range: ModelRange, batch: BatchRequest): void {
    const near = (): RangeDescriptor[] =>
      [...this.ranges.values()]
        .map((r) => r.descriptor)
        .filter((d) => d.start >= range.descriptor.start)
        .slice(0, 3);
    for (const request of batch.requests) {
      if (request.kind === 'range-stats') continue;
      const local = request.kind === 'end-txn' ? request.localLocks : [];
      const inside = local.every((k) => addressOf(k) >= range.descriptor.start && addressOf(k) < range.descriptor.end);
      if (!inside || !requestInside(request, batch.header.txn, range.descriptor))
        throw new KvError({ kind: 'range-mismatch', descriptors: near() });
    }
  }

  #evaluate(
    range: ModelRange,
    batch: BatchRequest,
    waiter: Waiter,
  ): { ctx: EvalContext; response: BatchResponse } | LockConflict {
    if (batch.requests[0]!.kind === 'range-stats') {
      const ctx = newContext(range, batch, waiter, this.hlcs.get(range.leaseholder)!.now(), 0);
      return { ctx, response: { responses: [{ kind: 'range-stats', bytes: 1 }], txn: null, now: 0, readAt: 0 } };
    }
    for (let bump = 0; ;) {
      const ctx = newContext(range, batch, waiter, this.hlcs.get(range.leaseholder)!.now(), bump);
      try {
        this.evaluations++;
        for (const request of batch.requests) if (request.kind === 'refresh') this.verified++;
        return { ctx, response: evaluate(ctx, batch.requests) };
      } catch (error) {
        if (error instanceof LockConflict) return error;
        if (error instanceof ReadBump && error.ts > bump) {
          bump = error.ts;
          continue;
        }
        for (const key of ctx.claimed) if (ctx.txn !== null) range.locks.release(key, ctx.txn.id);
        throw error;
      }
    }
  }

  #apply(range: ModelRange, ctx: EvalContext): void {
    if (ctx.batch.count > 0) {
      const batch = this.engine.newBatch();
      applyBatch(ctx.batch.finish(), batch);
      this.engine.writeData(batch);
    }
    for (const effect of ctx.effects) {
      if (effect.kind === 'intent-laid') range.locks.intentLaid(effect.key, effect.txn, effect.ts, effect.moved);
      else if (effect.kind === 'committed') range.locks.noteCommitted(effect.txnId, effect.ts, effect.epoch);
      else if (effect.kind === 'intent-removed') range.locks.intentRemoved(effect.key);
      else if (effect.kind === 'unlock') range.locks.release(effect.key, effect.txnId);
      else if (effect.kind === 'record') range.records.put(effect.record);
      else if (effect.kind === 'writes-voided') range.records.writesVoided(effect.txnId, effect.key, effect.upTo);
      else range.records.collected(effect.id, effect.ending);
    }
    if (ctx.split !== null) this.#split(range, ctx.split);
  }

  #split(left: ModelRange, trigger: SplitTrigger): void {
    left.descriptor = trigger.left;
    const right = this.#newRange(trigger.right, left.leaseholder, this.hlcs.get(left.leaseholder)!.now());
    this.ranges.set(trigger.right.rangeId, right);
    const { start, end } = trigger.right;
    for (const record of left.records.extract((r) => addressOf(r.anchorKey) >= start && addressOf(r.anchorKey) < end))
      right.records.put(record);
    const spans = [
      { start: LOCAL_DESCRIPTOR_PREFIX + start, end: LOCAL_DESCRIPTOR_PREFIX + end },
      { start, end },
    ];
    right.locks.takeOver(left.locks.splitOff(spans));
  }

  #load(range: ModelRange): void {
    const { start, end } = range.descriptor;
    for (const span of [
      { start, end },
      { start: LOCAL_DESCRIPTOR_PREFIX + start, end: LOCAL_DESCRIPTOR_PREFIX + end },
    ]) {
      for (const row of this.engine.scan({ family: 'locks', ...intentSpan(span.start, span.end) })) {
        const i = decodeIntent(row.value);
        const txn: TxnMeta = {
          id: i.txnId,
          anchorKey: i.anchorKey,
          epoch: i.epoch,
          isolation: i.isolation,
          readTs: i.writeTs,
          writeTs: i.writeTs,
          minTs: i.minTs,
          uncertaintyLimit: i.writeTs,
          coordinator: i.coordinatorNode,
          name: '',
        };
        range.locks.intentLaid(intentUserKey(row.key), txn, i.writeTs);
      }
      for (const row of this.engine.scan({ family: 'locks', ...transactionSpan(span.start, span.end) })) {
        range.records.put(decodeTransaction(row.value));
      }
    }
  }

  async #wait(
    node: NodeId,
    range: ModelRange,
    conflict: LockConflict,
    waiter: Waiter,
    arm: (fn: () => void) => void,
  ): Promise<void> {
    const { lock } = conflict;
    const blockers = range.locks.blockersOf(lock, waiter);
    const names = blockers.map((b) => b.id).join();
    let over = false;
    const ends: (() => void)[] = [];
    try {
      await new Promise<void>((resolve, reject) => {
        arm(resolve);
        if (waiter.txn !== null) {
          for (const blocker of blockers) {
            const end = this.#graphs
              .get(node)!
              .waitBegins(waiter.txn, blocker, lock.key, (cycle) => reject(new KvError({ kind: 'deadlock', cycle })));
            ends.push(end);
          }
        }
        const push = async (): Promise<void> => {
          await this.sim.sleep(60);
          if (over) return;
          const pushees = lock.holder === null ? [...lock.sharers.values()] : [lock.holder];
          for (const pushee of pushees) {
            if (pushee.id === waiter.txn?.id || range.leaseholder !== node) continue;
            const type = lock.intentTs !== 0 && conflict.mode === 'none' ? 'timestamp' : 'abort';
            const found = await this.db(node)
              .pusher.push(pushee, type, conflict.readTs)
              .catch(() => null);
            // What it found stays true for others, whatever has become of this wait.
            if (found?.status === 'committed') range.locks.noteCommitted(pushee.id, found.ts, found.epoch);
            else if (found?.status === 'pending' && type === 'timestamp')
              range.locks.notePending(pushee.id, found.ts, found.pendingAt);
            if (over) return;
            if (found !== null && holds(lock, pushee.id)) {
              if (lock.intentTs === 0) {
                if (found.status !== 'pending') range.locks.release(lock.key, pushee.id);
              } else if (found.status !== 'pending' || found.ts > lock.intentTs) {
                const resolve: KvRequest = {
                  kind: 'resolve-intents',
                  keys: [lock.key],
                  spans: [],
                  txnId: pushee.id,
                  epoch: found.epoch,
                  status: found.status,
                  upTo: 0,
                  ts: found.ts,
                };
                await this.db(node).router.send(
                  {
                    txn: null,
                    timestamp: 0,
                    wait: 'block',
                    canBumpReadTs: false,
                    maxRows: 0,
                    maxBytes: 0,
                    lockTimeoutMs: 0,
                  },
                  [resolve],
                );
                waiter.wake();
              }
            }
          }
          // The lock may have passed to another waiter: look again, and tell the wait graph.
          const now = range.locks
            .blockersOf(lock, waiter)
            .map((b) => b.id)
            .join();
          if (!over && now !== names) waiter.wake();
          if (!over) void push();
        };
        void push();
      });
    } finally {
      over = true;
      for (const end of ends) end();
    }
  }
}
