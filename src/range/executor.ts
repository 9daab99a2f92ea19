/**
 * Serves KV batches at the leaseholder: checks the lease and the bounds, waits for latches and locks,
 * evaluates, proposes, and answers when the command has been applied (DESIGN 6).
 *
 * The loop evaluates from scratch after every wait, against the state of that moment; between the
 * checks and the evaluation there is no `await`. A batch that changes nothing replicated is
 * answered in the same turn.
 */
import { AssertionError } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import { heapRoom } from '../base/heap.js';
import type { Timestamp } from '../base/ids.js';
import { addressOf } from '../encoding/keyspace.js';
import type { Key } from '../base/key.js';
import { crashPoint, mark } from '../base/probes.js';
import { LockConflict, ReadBump, type EvalContext } from './eval/context.js';
import { changesNoRead, evaluate, type Footprint, footprintOf, newContext } from './eval/evaluate.js';
import { sentTooEarly } from './eval/sent.js';
import { unresolvedPart } from './eval/intents.js';
import type {
  BatchHeader,
  BatchRequest,
  BatchResponse,
  KvRequest,
  KvResponse,
  RefreshRequest,
  ResolveIntentsRequest,
} from './kv-api.js';
import { KvError } from './kv-errors.js';
import type { Latch } from './latches.js';
import { stopsAtGate } from './lease-mover.js';
import type { LockState } from './lock-table.js';
import { RequestWaiter, waitForLock } from './lock-waiter.js';
import type { Replica } from './replica.js';
import type { Store } from './store.js';

/** Requests in progress beyond which new ones are refused (DESIGN 10: early, not late). */
const REQUESTS_MAX = 20_000;
/** Requests that one turn of the event loop serves; a scan counts as many. */
const TURN_WORK_MAX = 512;
const SCAN_WORK = 64;
/** Each makes an iterator. */
const REFRESH_WORK = 4;
const SPAN_REFRESH_WORK = 16;
/** Requests of a batch whose reads of single keys are verified in one turn. */
const REFRESHES_AT_ONCE = 256;
const NO_RESPONSE: KvResponse = { kind: 'put' };
/** Writes of a batch from which on the heap must have room for their intents; smaller ones are the ends of transactions. */
const MANY_WRITES = 64;
/** In the lock table, and while it is on its way. */
const INTENT_HEAP_BYTES = 400;
const BUMPS_MAX = 64;
/** Of intents that reads went past, or that are old: how many are looked after at a time, and for how long at a stretch. */
const LOOKED_AFTER_MAX = 64;
const LOOK_AFTER_MS = 10_000;
const PROPOSE_RETRY_MS = 2;
const PROPOSE_RETRIES = 2_000;
/** How far live followers may be behind (StoreOptions.followerLagBytes), and what part of it makes a proposal a large one. */
const FOLLOWER_LAG_BYTES = 8 << 20;
const LARGE_PART = 128;
/** A follower that does not come on at all is not waited for longer than this by one proposal. */
const PACE_RETRIES = 500;

export class Executor {
  readonly #store: Store;
  #active = 0;
  #turnWork = 0;
  readonly #lookedAfter = new Set<Key>();
  /** Where a follower was that was waited for in vain. */
  readonly #stuckAt = new WeakMap<Replica, number>();
  readonly counters = { batches: 0, latchWaits: 0, lockWaits: 0 };

  constructor(store: Store) {
    this.#store = store;
  }

  get active(): number {
    return this.#active;
  }

  /** @throws KvError; QuoralError 57014 when the signal fires while it waits. */
  execute(batch: BatchRequest, signal: AbortSignal | null = null): Promise<BatchResponse> {
    this.counters.batches++;
    const replica = this.#store.replica(batch.header.rangeId);
    if (replica === undefined) return Promise.reject(new KvError({ kind: 'range-not-found' }));
    if (this.#active >= REQUESTS_MAX) {
      return Promise.reject(new KvError({ kind: 'unavailable', reason: 'too many requests at this node' }));
    }
    const admin = batch.requests.length === 1 ? batch.requests[0]! : null;
    if (admin !== null && (admin.kind === 'range-stats' || admin.kind === 'transfer-lease')) {
      return this.#admin(replica, admin);
    }
    if (batch.requests.length >= MANY_WRITES && laysIntents(batch)) {
      try {
        heapRoom(batch.requests.length * INTENT_HEAP_BYTES);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    this.#active++;
    replica.load.note(batch.header.gatewayNode);
    const run = batch.requests.some((request) => isWide(request, batch))
      ? this.#runInPieces(replica, batch, signal)
      : this.#noteWork(batch)
        ? this.#run(replica, batch, signal)
        : this.#nextTurn().then(() => this.#run(replica, batch, signal));
    return run.finally(() => {
      this.#active--;
    });
  }

  /**
   * Local requests follow each other without leaving the turn of the event loop: false when this turn
   * has done enough and everything else (heartbeats, sockets) must get its chance first.
   */
  #noteWork(batch: BatchRequest): boolean {
    if (this.#turnWork === 0) {
      this.#store.env.timers.endOfTurn(() => {
        this.#turnWork = 0;
      });
    }
    for (const request of batch.requests) this.#turnWork += workOf(request);
    return this.#turnWork <= TURN_WORK_MAX;
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => this.#store.env.timers.endOfTurn(resolve));
  }

  /**
   * Works on wide spans piece by piece, and then runs the rest of the batch. What was verified is
   * protected from later writers at once, so it stays verified; what was resolved stays so anyway.
   */
  async #runInPieces(replica: Replica, batch: BatchRequest, signal: AbortSignal | null): Promise<BatchResponse> {
    const responses: KvResponse[] = batch.requests.map(() => NO_RESPONSE);
    let answer: BatchResponse | null = null;
    const rest: number[] = [];
    for (const [at, request] of batch.requests.entries()) {
      if (!isWide(request, batch)) {
        rest.push(at);
        continue;
      }
      responses[at] = { kind: request.kind, resumeKey: null };
      for (let piece: WideRequest | null = request; piece !== null;) {
        const one: BatchRequest = { ...batch, requests: [piece] };
        if (!this.#noteWork(one)) await this.#nextTurn();
        answer = await this.#run(replica, one, signal);
        piece = restOf(piece, answer.responses[0]!);
        if (piece !== null) await this.#nextTurn();
      }
    }
    if (rest.length > 0) {
      const requests = rest.map((at) => batch.requests[at]!);
      answer = await this.#run(replica, { ...batch, requests }, signal);
      rest.forEach((at, i) => {
        responses[at] = answer!.responses[i]!;
      });
    }
    return { ...answer!, responses };
  }

  /** What one batch was too small for, batch by batch. */
  async #resolveRest(
    replica: Replica,
    header: BatchHeader,
    requests: readonly ResolveIntentsRequest[],
    signal: AbortSignal | null,
  ): Promise<void> {
    const left = [...requests];
    for (let request = left.shift(); request !== undefined; request = left.shift()) {
      await this.#nextTurn();
      await this.#run(replica, { header: { ...header, txn: null }, requests: [request] }, signal, left);
    }
  }

  /** `left` gets what is still to be resolved; null: it is resolved before this is answered. */
  async #run(
    replica: Replica,
    batch: BatchRequest,
    signal: AbortSignal | null,
    left: ResolveIntentsRequest[] | null = null,
  ): Promise<BatchResponse> {
    const waiter = new RequestWaiter(batch.header.txn);
    const footprint = footprintOf(batch);
    const claimed: Key[] = [];
    let present = 0;
    const timeout = batch.header.lockTimeoutMs;
    const deadlineMs = timeout === 0 ? 0 : this.#store.env.clock.monotonicMs() + timeout;
    try {
      for (;;) {
        if (signal?.aborted === true) {
          throw new QuoralError('57014', 'canceling statement due to user request');
        }
        const now = this.#store.hlc.now();
        this.#check(replica, batch, footprint, now);
        if (sentTooEarly(replica, batch)) {
          mark('sent-before-lease');
          throw replica.sendAgain();
        }
        if (replica.gate !== null && stopsAtGate(replica, batch)) {
          mark('request-waits-at-gate');
          await this.#waitFor('a lease that is being handed over', replica, replica.gate);
          continue;
        }
        const latch = this.#latchConflict(replica, footprint);
        if (latch !== null) {
          this.counters.latchWaits++;
          await this.#waitFor('a write that is being applied', replica, latch.released);
          continue;
        }
        if (present === 0) present = now;
        const evaluated = this.#evaluate(replica, batch, waiter, now, present, claimed);
        if (evaluated instanceof LockConflict) {
          this.#checkWait(batch, evaluated);
          this.counters.lockWaits++;
          await waitForLock(this.#store, replica, evaluated.lock, waiter, {
            mode: evaluated.mode,
            whole: evaluated.whole,
            readTs: evaluated.readTs,
            windowTs: evaluated.windowTs,
            deadlineMs,
            signal,
          });
          continue;
        }
        const { ctx, response } = evaluated;
        if (ctx.clockTs > now) this.#raiseClock(ctx.clockTs);
        for (const lock of ctx.passed) {
          mark('read-past-intent');
          this.lookAfter(replica, lock);
        }
        if (ctx.batch.count === 0 && ctx.split === null) {
          replica.applyEffects(ctx.effects);
          if (ctx.unresolved.length === 0) return response;
        } else {
          crashPoint('after-evaluation-before-proposal', this.#store.nodeId);
          await this.#propose(replica, footprint, ctx, changesNoRead(batch.requests, replica.locks));
        }
        // Whoever asked may take the keys as resolved, and collect the record: so not before they are.
        if (left !== null) left.push(...ctx.unresolved);
        else if (ctx.unresolved.length > 0) await this.#resolveRest(replica, batch.header, ctx.unresolved, signal);
        crashPoint('after-apply-before-reply', this.#store.nodeId);
        return response;
      }
    } catch (error) {
      // Nothing of this batch was written: locks that only its puts have taken go free.
      const txnId = batch.header.txn?.id;
      if (txnId !== undefined) for (const key of claimed) replica.locks.release(key, txnId);
      throw error;
    } finally {
      for (const key of waiter.queuedAt) replica.locks.dequeue(key, waiter);
    }
  }

  /**
   * A read went past this intent, or it is old: someone must find out whether it is abandoned, or it would stay and the
   * readers would see what was before it for ever. A live holder is left alone.
   */
  lookAfter(replica: Replica, lock: LockState): void {
    const looked = this.#lookedAfter;
    if (looked.has(lock.key) || looked.size >= LOOKED_AFTER_MAX) return;
    looked.add(lock.key);
    const waiter = new RequestWaiter(null);
    const deadlineMs = this.#store.env.clock.monotonicMs() + LOOK_AFTER_MS;
    const options = { mode: 'none', whole: false, readTs: 0, windowTs: 0, deadlineMs, signal: null } as const;
    waitForLock(this.#store, replica, lock, waiter, options)
      .catch((error: unknown) => {
        if (error instanceof AssertionError) this.#store.deps.onFatal(error);
        else this.#store.env.logger.log('debug', 'an intent stays for now', { error: String(error) });
      })
      .finally(() => {
        looked.delete(lock.key);
        replica.locks.dequeue(lock.key, waiter);
      });
  }

  /** @throws KvError not-leaseholder, range-mismatch */
  #check(replica: Replica, batch: BatchRequest, footprint: Footprint, now: Timestamp): void {
    if (!replica.serving(now) || this.#store.stopped) throw replica.notLeaseholder();
    const readTs = batch.header.txn?.readTs ?? batch.header.timestamp;
    if (readTs > now && readTs >= replica.raft.leadSupportUntil()) throw replica.notLeaseholder();
    const { start, end } = replica.descriptor;
    const inside = (key: Key): boolean => {
      if (key.charCodeAt(0) === 0) return true;
      const address = addressOf(key);
      return start <= address && address < end;
    };
    for (const key of footprint.readKeys) if (!inside(key)) throw this.#mismatch(replica, key);
    for (const key of footprint.writeKeys) if (!inside(key)) throw this.#mismatch(replica, key);
    for (const spans of [footprint.readSpans, footprint.writeSpans]) {
      for (const span of spans) {
        if (addressOf(span.start) < start) throw this.#mismatch(replica, span.start);
        if (addressOf(span.end) > end) throw this.#mismatch(replica, span.end);
      }
    }
    for (const request of batch.requests) {
      const anchor = anchorOf(request, batch);
      if (anchor !== null && !inside(anchor)) throw this.#mismatch(replica, anchor);
      if (request.kind === 'gc-txns') {
        for (const { anchorKey } of request.txns) if (!inside(anchorKey)) throw this.#mismatch(replica, anchorKey);
      }
    }
  }

  /** Keeps this clock, and all that hear of it, at or above what the range holds and has answered. */
  #raiseClock(ts: Timestamp): void {
    try {
      this.#store.hlc.update(ts);
    } catch (error) {
      // Clocks catch up; until then nobody may see what lies beyond all of them.
      throw new KvError({ kind: 'unavailable', reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #mismatch(replica: Replica, key: Key): KvError {
    const near = this.#store.descriptorsNear([replica.descriptor.start, key]);
    const descriptors = near.some((d) => d.rangeId === replica.rangeId) ? near : [replica.descriptor, ...near];
    return new KvError({ kind: 'range-mismatch', descriptors });
  }

  #latchConflict(replica: Replica, footprint: Footprint): Latch | null {
    const { latches } = replica;
    if (latches.idle) return null;
    if (footprint.wholeRange) mark('split-races-a-write');
    if (footprint.wholeRange) return latches.conflictSpan('', '\xff\xff');
    for (const key of footprint.readKeys) {
      const held = latches.conflict(key, footprint.plainReads);
      if (held !== null) return held;
    }
    for (const key of footprint.beside) {
      const held = latches.conflict(key);
      if (held !== null) return held;
    }
    for (const key of footprint.writeKeys) {
      const held = latches.conflict(key);
      if (held !== null) return held;
    }
    for (const span of footprint.readSpans) {
      const held = latches.conflictSpan(span.start, span.end, footprint.plainReads);
      if (held !== null) return held;
    }
    for (const span of footprint.writeSpans) {
      const held = latches.conflictSpan(span.start, span.end);
      if (held !== null) return held;
    }
    return null;
  }

  /** Evaluates, moving the reads up as often as the header allows. No `await` in here. */
  #evaluate(
    replica: Replica,
    batch: BatchRequest,
    waiter: RequestWaiter,
    now: Timestamp,
    present: Timestamp,
    claimed: Key[],
  ): { ctx: EvalContext; response: BatchResponse } | LockConflict {
    let bumpedTo = 0;
    for (let bumps = 0; ; bumps++) {
      const ctx = newContext(replica, batch, waiter, now, bumpedTo, present);
      try {
        const response = evaluate(ctx, batch.requests);
        for (const key of ctx.claimed) claimed.push(key);
        return { ctx, response };
      } catch (caught) {
        for (const key of ctx.claimed) claimed.push(key);
        if (caught instanceof LockConflict) return caught;
        if (caught instanceof ReadBump && bumps < BUMPS_MAX && caught.ts > bumpedTo) {
          mark('read-bumped-in-server');
          bumpedTo = caught.ts;
          continue;
        }
        throw caught;
      }
    }
  }

  #checkWait(batch: BatchRequest, conflict: LockConflict): void {
    if (batch.header.wait === 'nowait' && conflict.mode !== 'none') {
      throw new KvError({ kind: 'lock-not-available', key: conflict.lock.key });
    }
  }

  async #propose(replica: Replica, footprint: Footprint, ctx: EvalContext, transparent: boolean): Promise<void> {
    const span = footprint.wholeRange
      ? { start: '', end: '\xff\xff' }
      : footprint.writeSpans.length > 0
        ? spanOver(footprint)
        : null;
    const { term } = replica.raft;
    const latch = replica.latches.acquire(
      span === null ? footprint.writeKeys : recordKeys(footprint),
      span,
      transparent,
    );
    const bytes = ctx.batch.finish();
    const split =
      ctx.split === null ? null : { ...ctx.split, firstLeader: this.#store.firstLeaderAfter(replica, ctx.split.right) };
    this.#store.counters.proposals++;
    const lagBytes = this.#store.options.followerLagBytes ?? FOLLOWER_LAG_BYTES;
    if (bytes.length * LARGE_PART >= lagBytes) await this.#pace(replica, term, lagBytes);
    for (let tries = 0; ; tries++) {
      let settle!: { resolve: () => void; reject: (error: unknown) => void };
      const outcome = new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
      });
      // What was evaluated under one lease must not enter the log under another.
      const same = replica.raft.term === term && !this.#store.stopped;
      if (same && replica.propose(bytes, split, ctx.effects, latch, settle.resolve, settle.reject)) {
        crashPoint('after-proposal', this.#store.nodeId);
        if (split !== null) crashPoint('after-split-proposed', this.#store.nodeId);
        return this.#waitFor('its own write to be applied', replica, outcome);
      }
      const refusal = same ? replica.raft.refusal : 'not-leader';
      // Evaluated but never proposed: the latch still keeps what it evaluated against from changing.
      if (refusal !== 'too-much-uncommitted' || tries >= PROPOSE_RETRIES) {
        mark('lease-lost-during-evaluation');
        latch.release();
        throw replica.notLeaseholder();
      }
      await this.#store.env.timers.sleep(PROPOSE_RETRY_MS);
    }
  }

  /**
   * Large proposals go as fast as live followers take them. A quorum is enough to commit, so without this the slowest falls
   * behind until the log is truncated before it, and then needs a snapshot: of all that it has, while more is being written.
   * One that does not come on at all (its disk hangs) is waited for once, not by each.
   */
  async #pace(replica: Replica, term: number, lagBytes: number): Promise<void> {
    const { env, liveness } = this.#store;
    const lagsFrom = (): number | null => replica.raft.lagsFrom((id) => liveness.isLive(id), lagBytes);
    const first = lagsFrom();
    let from = first;
    for (let tries = 0; tries < PACE_RETRIES && replica.raft.term === term && !this.#store.stopped; tries++) {
      if (from === null || from === this.#stuckAt.get(replica)) return;
      mark('proposal-paced');
      await env.timers.sleep(PROPOSE_RETRY_MS);
      from = lagsFrom();
    }
    if (from !== null && from === first) this.#stuckAt.set(replica, from);
  }

  /** Tells of it in the log if it lasts. */
  async #waitFor(what: string, replica: Replica, promise: Promise<void>): Promise<void> {
    const wait = this.#store.waits.begin(what, () => {
      const { raft } = replica;
      const { role, leader, term, committed, lastIndex } = raft;
      return { range: replica.rangeId, role, leader, term, committed, lastIndex, peers: raft.peers() };
    });
    try {
      await promise;
    } finally {
      this.#store.waits.end(wait);
    }
  }

  async #admin(
    replica: Replica,
    request: Extract<KvRequest, { kind: 'range-stats' | 'transfer-lease' }>,
  ): Promise<BatchResponse> {
    const now = this.#store.hlc.now();
    if (!replica.serving(now)) throw replica.notLeaseholder();
    if (request.kind === 'transfer-lease') {
      if (!replica.raft.transferLeadership(request.to)) {
        throw new KvError({ kind: 'unavailable', reason: 'the lease cannot be transferred now' });
      }
      replica.wake();
      return { responses: [{ kind: 'transfer-lease' }], txn: null, now, readAt: 0 };
    }
    const bytes = this.#store.bytesOf(replica.descriptor);
    return { responses: [{ kind: 'range-stats', bytes }], txn: null, now, readAt: 0 };
  }
}

function laysIntents({ header, requests }: BatchRequest): boolean {
  return header.txn !== null && requests[requests.length - 1]!.kind === 'put';
}

function workOf(request: KvRequest): number {
  if (request.kind === 'refresh') return request.end === null ? REFRESH_WORK : SPAN_REFRESH_WORK;
  return request.kind === 'scan' ? SCAN_WORK : 1;
}

type WideRequest = RefreshRequest | ResolveIntentsRequest;

/** Keys are verified together with the rest of their batch, unless there are many of them. */
function isWide(request: KvRequest, { requests }: BatchRequest): request is WideRequest {
  if (request.kind === 'refresh') return request.end !== null || requests.length > REFRESHES_AT_ONCE;
  return request.kind === 'resolve-intents' && request.spans.length > 0;
}

/** What a piece has left over; null when it is done. */
function restOf(piece: WideRequest, response: KvResponse): WideRequest | null {
  if (response.kind !== 'refresh' && response.kind !== 'resolve-intents') return null;
  if (response.resumeKey === null) return null;
  if (piece.kind === 'refresh') return { ...piece, start: response.resumeKey };
  return unresolvedPart(piece, response.resumeKey);
}

function anchorOf(request: KvRequest, batch: BatchRequest): Key | null {
  switch (request.kind) {
    case 'end-txn':
    case 'heartbeat-txn':
      return batch.header.txn!.anchorKey;
    case 'push-txn':
      return request.pushee.anchorKey;
    case 'recover-txn':
      return request.txn.anchorKey;
    default:
      return null;
  }
}

function recordKeys(footprint: Footprint): Key[] {
  return footprint.writeKeys.filter((key) => key.charCodeAt(0) === 0);
}

function spanOver(footprint: Footprint): { start: Key; end: Key } {
  let start: Key | null = null;
  let end: Key = '';
  for (const span of footprint.writeSpans) {
    if (start === null || span.start < start) start = span.start;
    if (span.end > end) end = span.end;
  }
  for (const key of footprint.writeKeys) {
    if (key.charCodeAt(0) === 0) continue;
    if (start === null || key < start) start = key;
    if (`${key}\x00` > end) end = `${key}\x00`;
  }
  return { start: start ?? '', end };
}
