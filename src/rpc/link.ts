/**
 * The sending end: one stream of one class to one peer. It connects when there is something to
 * send, shakes hands, sends what waited in order, and matches answers to calls by id.
 *
 * States: idle → connecting → up → idle, or → idle with a pause before the next attempt. During the
 * pause calls fail at once with 'unreachable', so that callers turn elsewhere instead of queueing.
 * When a stream breaks, calls that were handed to it fail with 'broken' (the outcome is unknown).
 *
 * A call may also lose its request or its answer while the stream stays up. Whoever waits long (for a
 * lock, say) cannot be told from that by waiting, so the peer is asked from time to time which of the
 * old calls it is not serving; those fail with 'broken', too. An answer that is under way leaves the
 * peer before what it says of later probes, so only a call that is lost can be reported so.
 */
import { assert } from '../base/assert.js';
import { backoffMs } from '../base/backoff.js';
import type { NodeId } from '../base/ids.js';
import { mark } from '../base/probes.js';
import type { FrameStream, TimerHandle } from '../env/env.js';
import { decodeError, RpcError } from './errors.js';
import {
  decodeCallIds,
  decodeFrame,
  encodeCallIds,
  encodeHelloFrame,
  ENVELOPE_CANCEL,
  ENVELOPE_ERROR,
  ENVELOPE_GONE,
  ENVELOPE_ONE_WAY,
  ENVELOPE_PROBE,
  ENVELOPE_REQUEST,
  ENVELOPE_RESPONSE,
  MalformedFrameError,
  type DecodedEnvelope,
  type Envelope,
} from './frame-codec.js';
import { Outbox, type DeadlineEntry } from './outbox.js';
import { PAYLOAD_BYTES_MAX, PROTOCOL_VERSION, type RpcCore } from './shared.js';
import type { CallOptions, RpcMethod, StreamClass } from './types.js';

const EMPTY = Buffer.alloc(0);
/** A call is asked after when it has waited this long, and again after each such time. */
const PROBE_MS = 1_000;
/** A call that has waited for this long is worth a line in the log. */
const SLOW_MS = 5_000;
const PROBED_CALLS_MAX = 1_000;

type LinkState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting'; readonly attempt: symbol; stream: FrameStream | null }
  | { readonly kind: 'up'; readonly stream: FrameStream; readonly outbox: Outbox; readonly clusterId: string };

interface Pending extends DeadlineEntry {
  readonly method: RpcMethod<unknown, unknown>;
  readonly resolve: (response: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly signal: AbortSignal | undefined;
  onAbort: (() => void) | null;
  sent: boolean;
  readonly startedAtMs: number;
  /** The log has a line of it. */
  told: boolean;
}

export class Link {
  readonly peer: NodeId;
  readonly #core: RpcCore;
  readonly #streamClass: StreamClass;
  readonly #address: () => string | undefined;
  #state: LinkState = { kind: 'idle' };
  #pending = new Map<number, Pending>();
  #nextId = 1;
  #waiting: Envelope[] = [];
  #waitingBytes = 0;
  #failures = 0;
  #retryAtMs = 0;
  #stopped = false;
  #probeTimer: TimerHandle | null = null;

  constructor(core: RpcCore, peer: NodeId, streamClass: StreamClass, address: () => string | undefined) {
    this.#core = core;
    this.peer = peer;
    this.#streamClass = streamClass;
    this.#address = address;
  }

  get isUp(): boolean {
    return this.#state.kind === 'up';
  }

  /** The peer gave a sign of life, or has a new address: the next attempt need not wait. */
  resetBackoff(): void {
    this.#failures = 0;
    this.#retryAtMs = 0;
  }

  /** Closes a stream that was opened under another cluster id; the next use opens a new one. */
  rehandshake(clusterId: string): void {
    if (this.#state.kind === 'connecting' || (this.#state.kind === 'up' && this.#state.clusterId !== clusterId)) {
      this.#down('the node joined a cluster', null);
      this.resetBackoff();
    }
  }

  /** Breaks the stream, for example when the peer has been found dead. */
  disconnect(reason: string): void {
    if (this.#state.kind !== 'idle') this.#down(reason, null);
  }

  stop(): void {
    this.#stopped = true;
    this.#probeTimer?.cancel();
    this.#down('the node is shutting down', null);
  }

  send(method: RpcMethod<unknown, never>, payload: Uint8Array): void {
    if (!this.#mayUse(payload) || this.#queuedBytes() > this.#core.limits.queuedBytesMax) {
      this.#core.stats.oneWayDropped++;
      return;
    }
    this.#push({ kind: ENVELOPE_ONE_WAY, id: 0, method: method.id, deadlineMs: 0, payload });
  }

  call(method: RpcMethod<unknown, unknown>, payload: Uint8Array, options: CallOptions | undefined): Promise<unknown> {
    const refusal = this.#refusal(method, payload, options);
    if (refusal !== null) {
      this.#core.stats.callsRefused++;
      return Promise.reject(refusal);
    }
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      const deadlineMs = options?.deadlineMs === undefined ? 0 : Math.max(1, Math.ceil(options.deadlineMs));
      const pending: Pending = {
        method,
        resolve,
        reject,
        signal: options?.signal,
        onAbort: null,
        sent: this.#state.kind === 'up',
        startedAtMs: this.#core.sweep.nowMs(),
        told: false,
        deadlineAtMs: deadlineMs === 0 ? 0 : this.#core.sweep.nowMs() + deadlineMs,
        expire: () =>
          this.#giveUp(id, 'deadline', `no answer to ${method.name} from node ${this.peer} within ${deadlineMs} ms`),
      };
      this.#pending.set(id, pending);
      this.#probeTimer ??= this.#core.timers.after(PROBE_MS, () => this.#probe());
      if (deadlineMs !== 0) this.#core.sweep.add(pending);
      if (pending.signal !== undefined) {
        pending.onAbort = () => this.#giveUp(id, 'cancelled', `${method.name} to node ${this.peer} was cancelled`);
        pending.signal.addEventListener('abort', pending.onAbort, { once: true });
      }
      this.#core.stats.callsSent++;
      this.#push({ kind: ENVELOPE_REQUEST, id, method: method.id, deadlineMs, payload });
    });
  }

  /** Asks after the calls that have waited long, oldest first. */
  #probe(): void {
    this.#probeTimer = null;
    if (this.#stopped || this.#pending.size === 0) return;
    this.#probeTimer = this.#core.timers.after(PROBE_MS, () => this.#probe());
    if (this.#state.kind !== 'up') return;
    const before = this.#core.sweep.nowMs() - PROBE_MS;
    const old: number[] = [];
    for (const [id, call] of this.#pending) {
      if (call.startedAtMs > before || old.length >= PROBED_CALLS_MAX) break;
      if (call.sent) old.push(id);
      if (call.told || call.startedAtMs > before + PROBE_MS - SLOW_MS) continue;
      call.told = true;
      this.#core.logger.log('info', 'no answer yet', { peer: this.peer, call: call.method.name, sent: call.sent });
    }
    if (old.length === 0) return;
    this.#push({ kind: ENVELOPE_PROBE, id: 0, method: 0, deadlineMs: 0, payload: encodeCallIds(old) });
  }

  #onGone(payload: Buffer): void {
    for (const id of decodeCallIds(payload)) {
      const call = this.#pending.get(id);
      if (call === undefined || !call.sent) continue;
      this.#pending.delete(id);
      this.#release(call);
      mark('rpc-call-lost');
      call.reject(new RpcError('broken', `${call.method.name} or its answer was lost on the way to node ${this.peer}`));
    }
  }

  #refusal(method: RpcMethod<unknown, unknown>, payload: Uint8Array, options: CallOptions | undefined): Error | null {
    const { limits } = this.#core;
    if (options?.signal?.aborted === true)
      return new RpcError('cancelled', `${method.name} was cancelled before it was sent`);
    if (payload.length > PAYLOAD_BYTES_MAX) {
      return new RpcError('overloaded', `request ${method.name} of ${payload.length} bytes is too large to be sent`);
    }
    if (!this.#mayUse(payload)) return new RpcError('unreachable', `node ${this.peer} cannot be reached`);
    if (this.#queuedBytes() > limits.queuedBytesMax || this.#pending.size >= limits.pendingCallsMax) {
      return new RpcError('overloaded', `too much is queued for node ${this.peer}`);
    }
    return null;
  }

  /** False when nothing can be sent now; starts connecting when that is due. */
  #mayUse(payload: Uint8Array): boolean {
    if (this.#stopped || payload.length > PAYLOAD_BYTES_MAX) return false;
    if (this.#state.kind !== 'idle') return true;
    if (this.#core.clock.monotonicMs() < this.#retryAtMs) return false;
    const address = this.#address();
    if (address === undefined) return false;
    this.#connect(address);
    return true;
  }

  #queuedBytes(): number {
    return this.#state.kind === 'up' ? this.#state.outbox.queuedBytes : this.#waitingBytes;
  }

  #push(envelope: Envelope): void {
    if (this.#state.kind === 'up') {
      this.#state.outbox.push(envelope);
    } else {
      this.#waiting.push(envelope);
      this.#waitingBytes += envelope.payload.length + 32;
    }
  }

  #connect(address: string): void {
    const { transport, timers, limits } = this.#core;
    const attempt = Symbol(address);
    const state: LinkState = { kind: 'connecting', attempt, stream: null };
    this.#state = state;
    const current = (): boolean => this.#state.kind === 'connecting' && this.#state.attempt === attempt;
    // Connecting and shaking hands have one timer between them, whatever the transport does.
    const timer = timers.after(limits.connectTimeoutMs * 2, () => {
      if (current()) this.#failed(address, new Error('the handshake took too long'));
    });
    transport.connectFrames(address, limits.connectTimeoutMs).then(
      (stream) => {
        if (!current()) {
          stream.close();
          return;
        }
        state.stream = stream;
        const clusterId = this.#core.clusterId();
        stream.onClose((error) => {
          timer.cancel();
          if (current()) this.#failed(address, error ?? new Error('the peer closed the connection'));
          else if (this.#state.kind === 'up' && this.#state.stream === stream)
            this.#down('the connection broke', error);
        });
        stream.onFrame((frame) => {
          if (this.#state.kind === 'up' && this.#state.stream === stream) this.#onFrame(stream, frame);
          else if (current()) {
            timer.cancel();
            this.#onHello(address, stream, frame, clusterId);
          }
        });
        stream.send(
          encodeHelloFrame(this.#core.flusher.hlc.now(), {
            clusterId,
            nodeId: this.#core.self,
            protocolVersion: PROTOCOL_VERSION,
            streamClass: this.#streamClass,
            refusal: '',
          }),
        );
      },
      (error: unknown) => {
        timer.cancel();
        if (current()) this.#failed(address, error);
      },
    );
  }

  #onHello(address: string, stream: FrameStream, frame: Buffer, clusterId: string): void {
    let refusal: string | null = null;
    try {
      const { hello } = decodeFrame(frame);
      if (hello === null) refusal = 'the answer is not a handshake';
      else if (hello.refusal !== '') refusal = hello.refusal;
      else if (hello.nodeId !== this.peer) refusal = `node ${hello.nodeId} answers there, not node ${this.peer}`;
      else if (hello.protocolVersion !== PROTOCOL_VERSION)
        refusal = `it speaks protocol version ${hello.protocolVersion}, this node ${PROTOCOL_VERSION}`;
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error;
      refusal = `malformed handshake: ${error.message}`;
    }
    if (refusal !== null) {
      this.#core.warnSometimes(`refused-${this.peer}`, `node ${this.peer} cannot be used: ${refusal}`, { address });
      this.#failed(address, new Error(refusal));
      return;
    }
    const outbox = new Outbox(stream, this.#core.flusher);
    this.#state = { kind: 'up', stream, outbox, clusterId };
    this.resetBackoff();
    this.#core.logger.log('debug', 'connected', { peer: this.peer, class: this.#streamClass, address });
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const envelope of waiting) {
      if (envelope.kind === ENVELOPE_REQUEST) {
        const pending = this.#pending.get(envelope.id);
        // Given up while it waited.
        if (pending === undefined) continue;
        pending.sent = true;
      }
      outbox.push(envelope);
    }
  }

  #failed(address: string, cause: unknown): void {
    const core = this.#core;
    const text = cause instanceof Error ? cause.message : String(cause);
    core.stats.connectsFailed++;
    const pauseMs = backoffMs(
      { baseMs: core.limits.backoffBaseMs, maxMs: core.limits.backoffMaxMs },
      this.#failures++,
      core.rng.next(),
    );
    this.#retryAtMs = core.clock.monotonicMs() + pauseMs;
    core.logger.log('debug', 'connecting failed', { peer: this.peer, class: this.#streamClass, address, reason: text });
    this.#down(text, cause);
  }

  #down(reason: string, cause: unknown): void {
    const state = this.#state;
    this.#state = { kind: 'idle' };
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (state.kind !== 'idle') state.stream?.close();
    if (state.kind === 'up') {
      this.#core.logger.log('debug', 'disconnected', { peer: this.peer, class: this.#streamClass, reason });
    }
    const pending = this.#pending;
    if (pending.size > 0) mark('rpc-link-lost-with-calls');
    this.#pending = new Map();
    for (const call of pending.values()) {
      this.#release(call);
      call.reject(
        call.sent
          ? new RpcError(
              'broken',
              `connection to node ${this.peer} broke before ${call.method.name} was answered: ${reason}`,
              cause,
            )
          : new RpcError('unreachable', `node ${this.peer} cannot be reached: ${reason}`, cause),
      );
    }
  }

  #onFrame(stream: FrameStream, bytes: Buffer): void {
    const core = this.#core;
    core.stats.framesReceived++;
    try {
      const frame = decodeFrame(bytes);
      const clockError = frame.clock === 0 ? null : core.acceptClock(frame.clock, this.peer);
      for (const envelope of frame.envelopes) this.#onEnvelope(envelope, clockError);
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error;
      core.stats.framesMalformed++;
      core.warnSometimes(`malformed-${this.peer}`, 'malformed frame, closing the stream', {
        peer: this.peer,
        reason: error.message,
      });
      if (this.#state.kind === 'up' && this.#state.stream === stream) this.#down('malformed frame', error);
    }
  }

  #onEnvelope(envelope: DecodedEnvelope, clockError: Error | null): void {
    if (envelope.kind === ENVELOPE_GONE) {
      this.#onGone(envelope.payload);
      return;
    }
    if (envelope.kind !== ENVELOPE_RESPONSE && envelope.kind !== ENVELOPE_ERROR) {
      throw new MalformedFrameError('a request on the answering side of a stream');
    }
    const call = this.#pending.get(envelope.id);
    // Given up before the answer came.
    if (call === undefined) return;
    this.#pending.delete(envelope.id);
    this.#release(call);
    if (clockError !== null) {
      call.reject(
        new RpcError('broken', `the answer of node ${this.peer} was refused: ${clockError.message}`, clockError),
      );
      return;
    }
    try {
      if (envelope.kind === ENVELOPE_ERROR) call.reject(decodeError(envelope.payload, this.#core.errorCodec()));
      else call.resolve(call.method.decodeResponse(envelope.payload));
    } catch (error) {
      call.reject(new RpcError('broken', `the answer to ${call.method.name} is damaged`, error));
      throw new MalformedFrameError(`damaged answer to ${call.method.name}`, { cause: error });
    }
  }

  #giveUp(id: number, reason: 'deadline' | 'cancelled', message: string): void {
    const call = this.#pending.get(id);
    if (call === undefined) return;
    this.#pending.delete(id);
    this.#release(call);
    if (call.sent) {
      assert(this.#state.kind === 'up', 'a sent call outlived its stream');
      this.#push({ kind: ENVELOPE_CANCEL, id, method: 0, deadlineMs: 0, payload: EMPTY });
    }
    call.reject(new RpcError(reason, message));
  }

  #release(call: Pending): void {
    if (call.deadlineAtMs !== 0) this.#core.sweep.remove(call);
    if (call.onAbort !== null) call.signal?.removeEventListener('abort', call.onAbort);
  }
}
