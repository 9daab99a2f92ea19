/**
 * Drives store liveness (rules and argument in liveness-state.ts): heartbeats to every peer each
 * 600 ms, one message per peer and direction, and nothing else, so an idle cluster of three costs
 * about twenty small messages a second in all.
 *
 * Everything that changes promises goes through one cycle at a time: collect what arrived, plan,
 * write what must be durable (usually nothing), then in one step make it visible, answer, and tell
 * the listeners. What arrives meanwhile waits for the next cycle. If the write fails, nothing of
 * the cycle happened: no promise was made, and the peers ask again. What is written ahead of need (`extension`) holds up no
 * cycle but those that have something to write themselves: a disk that takes a second for it costs nobody's support.
 *
 * A request also tells when its sender started: what a node began before that has no coordinator any
 * more, which a peer that was away itself could not know otherwise.
 *
 * After a stall of this process (its ticks came late) withdrawals are put off by one and a half
 * heartbeats: those that came in time may still wait to be read, and if the whole machine stood
 * still, the peers need that long to ask again.
 */
import { assert } from '../base/assert.js';
import type { NodeId, Timestamp } from '../base/ids.js';
import { crashPoint, mark } from '../base/probes.js';
import { LivenessMessage } from '../encoding/proto/cluster.js';
import type { Clock, HlcClock, Logger, TimerHandle, Timers } from '../env/env.js';
import type { Liveness } from '../raft/types.js';
import { defineOneWay } from '../rpc/methods.js';
import type { RpcNetwork } from '../rpc/types.js';
import { LivenessState, type LivenessRequest } from './liveness-state.js';

export interface StoreLivenessOptions {
  readonly self: NodeId;
  /** Time between two heartbeats; default 600 ms. */
  readonly heartbeatMs?: number;
  /** How long a heartbeat asks support for; default 2.4 s, at least three heartbeats. */
  readonly supportMs?: number;
}

export interface StoreLivenessDependencies {
  readonly network: Pick<RpcNetwork, 'send' | 'handleOneWay'>;
  readonly hlc: HlcClock;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Resolves when the bytes are durable; replaces what was written before. */
  readonly persist: (bytes: Uint8Array) => Promise<void>;
  /** What `persist` wrote last, before this start; null on a new node. */
  readonly persisted: Uint8Array | null;
  /** Takes a measurement of a peer's clock (src/hlc). */
  readonly recordOffset?: (node: NodeId, offsetUs: number, uncertaintyUs: number) => void;
}

export const LIVENESS_HEARTBEAT = defineOneWay<LivenessMessage>('livenessHeartbeat', {
  encodeRequest: (message) => LivenessMessage.encode(message).finish(),
  decodeRequest: (bytes) => LivenessMessage.decode(bytes),
});

interface QueuedRequest extends LivenessRequest {
  readonly wallUs: number;
}

export class StoreLiveness implements Liveness {
  readonly #self: NodeId;
  readonly #deps: StoreLivenessDependencies;
  readonly #heartbeatMs: number;
  readonly #supportUs: number;
  readonly #state: LivenessState;
  readonly #peers = new Set<NodeId>();
  /** When each node last started, by its own clock, which never goes back over a restart (src/hlc). */
  readonly #startedAt = new Map<NodeId, Timestamp>();
  readonly #withdrawnListeners: ((node: NodeId) => void)[] = [];
  readonly #changedListeners: ((node: NodeId) => void)[] = [];
  /** Peers whose support for this node was in force at the last look, to notice its end. */
  readonly #supportedBy = new Set<NodeId>();
  #requests: QueuedRequest[] = [];
  #cycleRunning = false;
  /** The bound is being moved ahead. */
  #extending = false;
  #tickDue = false;
  #heartbeatDue = false;
  #ticks = 0;
  #lastTickMs = 0;
  #putOffUntilMs = 0;
  #putOffAgainMs = 0;
  #timer: TimerHandle | null = null;
  #stopped = false;
  #writing: Promise<void> | null = null;

  constructor(options: StoreLivenessOptions, deps: StoreLivenessDependencies) {
    this.#self = options.self;
    this.#deps = deps;
    this.#heartbeatMs = options.heartbeatMs ?? 600;
    const supportMs = options.supportMs ?? 2_400;
    assert(supportMs >= 3 * this.#heartbeatMs, 'support must outlast three heartbeats');
    this.#supportUs = supportMs * 1000;
    this.#state = new LivenessState(deps.persisted);
    this.#startedAt.set(options.self, deps.hlc.now());
    deps.network.handleOneWay(
      LIVENESS_HEARTBEAT,
      (message, from) => this.#onMessage(message, from),
      (message, from) => this.#onRefusedMessage(message, from),
    );
  }

  /** Peers to exchange heartbeats with; nodes that are gone keep the support given to them until it expires. */
  setPeers(nodes: readonly NodeId[]): void {
    this.#peers.clear();
    for (const node of [...nodes].sort((a, b) => a - b)) if (node !== this.#self) this.#peers.add(node);
  }

  start(): void {
    assert(this.#timer === null && !this.#stopped, 'store liveness was started before');
    this.#lastTickMs = this.#deps.clock.monotonicMs();
    this.#timer = this.#deps.timers.every(this.#heartbeatMs / 2, () => this.#tick());
    this.#heartbeatDue = true;
    this.#runCycle();
  }

  /** After everything that relies on leases has stopped. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.cancel();
    if (this.#writing !== null) await this.#writing;
    await this.#deps.persist(this.#state.finalImage(this.#deps.hlc.now()));
  }

  supportFor(node: NodeId): { readonly epoch: number; readonly supported: boolean } {
    if (node === this.#self) {
      const own = this.#state.taken(node);
      return { epoch: own.epoch, supported: own.expiration !== 0 };
    }
    const support = this.#state.given(node);
    return { epoch: support.epoch, supported: support.expiration !== 0 };
  }

  supportFrom(node: NodeId): { readonly epoch: number; readonly expiration: Timestamp } {
    return this.#state.taken(node);
  }

  /** Heartbeats of the node arrive: this node supports it. */
  isLive(node: NodeId): boolean {
    return node === this.#self || this.#state.given(node).expiration !== 0;
  }

  /** When the node last started, as far as it is known: an HLC timestamp of its own; 0 = not heard of yet. */
  startedAt(node: NodeId): Timestamp {
    return this.#startedAt.get(node) ?? 0;
  }

  /**
   * Whether a node that is not live, but had begun something at `since` (an HLC timestamp), may only not have been heard
   * of yet: this node has not listened for as long as support lasts since then.
   */
  isTooEarlyToTell(since: Timestamp): boolean {
    return this.#deps.hlc.now() - Math.max(this.startedAt(this.#self), since) < this.#supportUs;
  }

  /** Called when the support given to a node under an epoch has ended (durably). */
  onSupportWithdrawn(fn: (node: NodeId) => void): void {
    this.#withdrawnListeners.push(fn);
  }

  /** Called when a node's support for this one begins, ends or moves to another epoch. */
  onSupportFromChanged(fn: (node: NodeId) => void): void {
    this.#changedListeners.push(fn);
  }

  #tick(): void {
    this.#ticks++;
    this.#tickDue = true;
    if (this.#ticks % 2 === 0) this.#heartbeatDue = true;
    this.#runCycle();
  }

  #onMessage(message: LivenessMessage, from: NodeId): void {
    if (this.#stopped || from === this.#self) return;
    if (message.answer) {
      this.#measureOffset(message, from);
      this.#noteSupport(from, this.#state.onAnswer(from, message.epoch, message.expiration));
      return;
    }
    // A message of an earlier life may come late.
    this.#startedAt.set(from, Math.max(message.started, this.startedAt(from)));
    this.#requests.push({ from, epoch: message.epoch, expiration: message.expiration, wallUs: message.wallUs });
    this.#runCycle();
  }

  /**
   * From a peer whose clock is too far ahead of this one. No promise is asked or given, but both sides
   * measure: whoever disagrees with a majority must stop, and would not hear of it otherwise.
   */
  #onRefusedMessage(message: LivenessMessage, from: NodeId): void {
    if (this.#stopped || from === this.#self) return;
    if (message.answer) {
      this.#measureOffset(message, from);
      return;
    }
    const support = this.#state.given(from);
    this.#deps.network.send(from, LIVENESS_HEARTBEAT, {
      answer: true,
      epoch: support.epoch,
      expiration: support.expiration,
      wallUs: this.#deps.clock.wallUs(),
      echoWallUs: message.wallUs,
      started: 0,
    });
  }

  #measureOffset(message: LivenessMessage, from: NodeId): void {
    const nowUs = this.#deps.clock.wallUs();
    const roundTripUs = nowUs - message.echoWallUs;
    if (message.echoWallUs === 0 || roundTripUs < 0) return;
    this.#deps.recordOffset?.(from, message.wallUs - (message.echoWallUs + nowUs) / 2, roundTripUs / 2);
  }

  /** Runs cycles until nothing is due; only one at a time. */
  #runCycle(): void {
    while (
      !this.#cycleRunning &&
      !this.#stopped &&
      (this.#requests.length > 0 || this.#tickDue || this.#heartbeatDue)
    ) {
      const requests = this.#requests;
      this.#requests = [];
      const withdrawAt = this.#tickDue ? this.#withdrawalTime() : null;
      this.#tickDue = false;
      const requested = this.#heartbeatDue ? this.#requestedExpiration() : 0;
      this.#heartbeatDue = false;
      const step = this.#state.plan(requests, withdrawAt, requested);
      const bytes = this.#state.durableChange(step);
      if (bytes !== null && this.#extending) {
        // One write at a time; the end of that one comes back here.
        this.#requests = requests;
        this.#tickDue = withdrawAt !== null;
        this.#heartbeatDue = requested !== 0;
        return;
      }
      const finish = (): void => this.#finishCycle(this.#state.commit(step), requests, requested, step.maxEpoch);
      if (bytes === null) {
        finish();
        continue;
      }
      this.#cycleRunning = true;
      crashPoint('before-liveness-persist', this.#self);
      this.#writing = this.#deps.persist(bytes).then(
        () => {
          this.#cycleRunning = false;
          crashPoint('after-liveness-persist', this.#self);
          if (this.#stopped) return;
          finish();
          this.#runCycle();
        },
        (error: unknown) => {
          this.#cycleRunning = false;
          this.#state.forgetDurable();
          this.#deps.logger.log('error', 'store liveness could not be written; no support is given', { error });
        },
      );
    }
    this.#extend();
  }

  /** Moves the bound ahead before it is reached. */
  #extend(): void {
    if (this.#cycleRunning || this.#extending || this.#stopped) return;
    const ahead = this.#state.extension();
    if (ahead === null) return;
    this.#extending = true;
    crashPoint('before-liveness-persist', this.#self);
    this.#writing = this.#deps.persist(ahead.bytes).then(
      () => {
        this.#extending = false;
        crashPoint('after-liveness-persist', this.#self);
        this.#state.extended(ahead.bound, ahead.bytes);
        this.#runCycle();
      },
      (error: unknown) => {
        this.#extending = false;
        this.#state.forgetDurable();
        this.#deps.logger.log('error', 'store liveness could not be written; no support is given', { error });
      },
    );
  }

  /** null: the process was stalled, so nothing may be withdrawn in this tick. */
  #withdrawalTime(): Timestamp | null {
    const nowMs = this.#deps.clock.monotonicMs();
    // Not again for a while, or a node that is always late would support the dead for ever.
    if (nowMs - this.#lastTickMs > this.#heartbeatMs && nowMs > this.#putOffAgainMs) {
      mark('liveness-withdrawal-put-off');
      this.#putOffUntilMs = nowMs + this.#heartbeatMs * 1.5;
      this.#putOffAgainMs = nowMs + this.#heartbeatMs * 3;
    }
    this.#lastTickMs = nowMs;
    return nowMs < this.#putOffUntilMs ? null : this.#deps.hlc.now();
  }

  #requestedExpiration(): Timestamp {
    const now = this.#deps.hlc.now();
    return now > this.#state.requestsAfter ? now + this.#supportUs : 0;
  }

  #finishCycle(
    ended: readonly NodeId[],
    requests: readonly QueuedRequest[],
    requested: Timestamp,
    durableEpoch: number,
  ): void {
    const wallUs = this.#deps.clock.wallUs();
    for (const request of requests) {
      const support = this.#state.given(request.from);
      this.#deps.network.send(request.from, LIVENESS_HEARTBEAT, {
        answer: true,
        epoch: support.epoch,
        expiration: support.expiration,
        wallUs,
        echoWallUs: request.wallUs,
        started: 0,
      });
    }
    if (requested !== 0) this.#sendHeartbeats(requested, wallUs, durableEpoch);
    for (const node of ended) {
      this.#deps.logger.log('info', `support for node ${node} has ended`, { epoch: this.#state.given(node).epoch });
      for (const fn of this.#withdrawnListeners) fn(node);
    }
    for (const node of [...this.#supportedBy]) this.#noteSupport(node, false);
  }

  #sendHeartbeats(requested: Timestamp, wallUs: number, durableEpoch: number): void {
    this.#state.takeOwn(this.#self, requested);
    this.#noteSupport(this.#self, false);
    for (const peer of this.#peers) {
      const epoch = this.#state.requestEpoch(peer);
      // Learnt while this cycle was being written: the next one makes it durable first.
      if (epoch > durableEpoch) continue;
      this.#deps.network.send(peer, LIVENESS_HEARTBEAT, {
        answer: false,
        epoch,
        expiration: requested,
        wallUs,
        echoWallUs: 0,
        started: this.startedAt(this.#self),
      });
    }
  }

  /** Tells the listeners if the support of `node` began or ended since the last look. */
  #noteSupport(node: NodeId, epochChanged: boolean): void {
    const supported = this.#state.taken(node).expiration > this.#deps.hlc.now();
    const before = this.#supportedBy.has(node);
    if (supported) this.#supportedBy.add(node);
    else this.#supportedBy.delete(node);
    if (supported !== before || epochChanged) for (const fn of this.#changedListeners) fn(node);
  }
}
