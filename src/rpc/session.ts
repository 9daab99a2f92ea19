/**
 * The receiving end of a stream that a peer opened: handshake, then requests to handlers in the
 * order of arrival, answers as they become ready.
 *
 * The first frame must be a Hello of the same cluster and protocol version; anything else is
 * refused with the reason and the stream is closed. While one side belongs to no cluster yet, only
 * the membership method is served. Malformed frames close the stream. When the stream ends, the
 * signals of running handlers are aborted and their answers dropped.
 */
import { newAbortController } from '../base/abort.js';
import { AssertionError } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import type { FrameStream, TimerHandle } from '../env/env.js';
import { encodeError, internalError, refusal } from './errors.js';
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
} from './frame-codec.js';
import { METHODS } from './methods.js';
import { Outbox, type DeadlineEntry } from './outbox.js';
import { PAYLOAD_BYTES_MAX, PROTOCOL_VERSION, type CallHandler, type RpcCore } from './shared.js';
import type { CallContext } from './types.js';

/** A running handler. The abort controller is made only if the handler asks for its signal. */
export class ServedCall implements CallContext, DeadlineEntry {
  readonly from: NodeId;
  readonly deadlineAtMs: number;
  readonly #onExpire: ((call: ServedCall) => void) | null;
  #controller: AbortController | null = null;
  #abortReason: Error | null = null;
  #expired = false;

  constructor(from: NodeId, deadlineAtMs: number, onExpire: ((call: ServedCall) => void) | null) {
    this.from = from;
    this.deadlineAtMs = deadlineAtMs;
    this.#onExpire = onExpire;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = newAbortController();
      if (this.#abortReason !== null) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    if (this.#abortReason !== null) return;
    this.#abortReason = reason;
    this.#controller?.abort(reason);
  }

  /** The deadline passed before the handler was done. */
  get expired(): boolean {
    return this.#expired;
  }

  expire(): void {
    this.#expired = true;
    this.abort(new QuoralError('57014', 'the deadline of the call has passed', { retry: 'unknown' }));
    this.#onExpire?.(this);
  }
}

export interface SessionOwner {
  /** A peer has proved to be alive and reachable. */
  onPeerSeen(peer: NodeId): void;
  onSessionClosed(session: Session): void;
}

export class Session {
  readonly #core: RpcCore;
  readonly #stream: FrameStream;
  readonly #owner: SessionOwner;
  readonly #outbox: Outbox;
  readonly #calls = new Map<number, ServedCall>();
  readonly #helloTimer: TimerHandle;
  #peer: NodeId = 0;
  #peerClusterId = '';
  #greeted = false;
  #closed = false;

  constructor(core: RpcCore, stream: FrameStream, owner: SessionOwner) {
    this.#core = core;
    this.#stream = stream;
    this.#owner = owner;
    this.#outbox = new Outbox(stream, core.flusher);
    this.#helloTimer = core.timers.after(core.limits.connectTimeoutMs, () => this.#closeFor('no handshake in time'));
    stream.onFrame((frame) => this.#onFrame(frame));
    stream.onClose(() => this.close());
  }

  get peer(): NodeId {
    return this.#peer;
  }

  /** This node has joined a cluster: a peer of another one has no business here. */
  checkCluster(): void {
    const own = this.#core.clusterId();
    if (this.#peerClusterId !== '' && own !== '' && own !== this.#peerClusterId)
      this.#closeFor('it belongs to another cluster');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#helloTimer.cancel();
    for (const call of this.#calls.values()) {
      if (call.deadlineAtMs !== 0) this.#core.sweep.remove(call);
      call.abort(new QuoralError('57014', 'the connection of the caller broke', { retry: 'unknown' }));
    }
    this.#calls.clear();
    this.#stream.close();
    this.#owner.onSessionClosed(this);
  }

  #closeFor(reason: string): void {
    if (this.#closed) return;
    this.#core.warnSometimes(`session-${this.#peer}-${reason}`, `closing a stream: ${reason}`, {
      peer: this.#peer,
      remote: this.#stream.remote,
    });
    this.close();
  }

  #onFrame(bytes: Buffer): void {
    if (this.#closed) return;
    this.#core.stats.framesReceived++;
    try {
      const frame = decodeFrame(bytes);
      if (!this.#greeted) {
        if (!this.#greet(frame.hello)) return;
      }
      const clockError = frame.clock === 0 ? null : this.#core.acceptClock(frame.clock, this.#peer);
      for (const envelope of frame.envelopes) this.#onEnvelope(envelope, clockError);
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error;
      this.#core.stats.framesMalformed++;
      this.#closeFor(`malformed frame (${error.message})`);
    }
  }

  /** False if the peer was refused. */
  #greet(hello: ReturnType<typeof decodeFrame>['hello']): boolean {
    if (hello === null) throw new MalformedFrameError('no handshake in the first frame');
    const own = this.#core.clusterId();
    let refusal = '';
    if (hello.protocolVersion !== PROTOCOL_VERSION) {
      refusal = `this node speaks protocol version ${PROTOCOL_VERSION}, not ${hello.protocolVersion}`;
    } else if (hello.clusterId !== '' && own !== '' && hello.clusterId !== own) {
      refusal = `this node belongs to cluster ${own}, not ${hello.clusterId}`;
    } else if (hello.nodeId === 0 || hello.nodeId === this.#core.self) {
      refusal = `this is node ${this.#core.self}, and the caller says it is node ${hello.nodeId}`;
    }
    this.#stream.send(
      encodeHelloFrame(this.#core.flusher.hlc.now(), {
        clusterId: own,
        nodeId: this.#core.self,
        protocolVersion: PROTOCOL_VERSION,
        streamClass: hello.streamClass,
        refusal,
      }),
    );
    if (refusal !== '') {
      this.#closeFor(`refused: ${refusal}`);
      return false;
    }
    this.#helloTimer.cancel();
    this.#greeted = true;
    this.#peer = hello.nodeId;
    this.#peerClusterId = hello.clusterId;
    this.#owner.onPeerSeen(this.#peer);
    return true;
  }

  #onEnvelope(envelope: DecodedEnvelope, clockError: Error | null): void {
    switch (envelope.kind) {
      case ENVELOPE_REQUEST:
        this.#onRequest(envelope, clockError);
        return;
      case ENVELOPE_ONE_WAY:
        this.#onOneWay(envelope, clockError !== null);
        return;
      case ENVELOPE_CANCEL:
        this.#calls.get(envelope.id)?.abort(new QuoralError('57014', 'the caller cancelled the call'));
        return;
      case ENVELOPE_PROBE:
        this.#onProbe(envelope.payload);
        return;
      default:
        throw new MalformedFrameError('an answer on the asking side of a stream');
    }
  }

  /** Says which calls are not served here (any more): the request or its answer was lost on the way. */
  #onProbe(payload: Buffer): void {
    const gone = decodeCallIds(payload).filter((id) => !this.#calls.has(id));
    if (gone.length === 0) return;
    this.#outbox.push({ kind: ENVELOPE_GONE, id: 0, method: 0, deadlineMs: 0, payload: encodeCallIds(gone) });
  }

  #mayUse(method: number): boolean {
    return (
      method === METHODS.membershipExchange.id ||
      (this.#peerClusterId !== '' && this.#peerClusterId === this.#core.clusterId())
    );
  }

  #onOneWay(envelope: DecodedEnvelope, clockRefused: boolean): void {
    const handler = this.#core.handler(envelope.method);
    if (handler === undefined || handler.kind !== 'one-way' || !this.#mayUse(envelope.method)) {
      this.#core.stats.oneWayDropped++;
      return;
    }
    const receive = clockRefused ? handler.onClockRefused : handler.fn;
    if (receive === null) return;
    let message: unknown;
    try {
      message = handler.method.decodeRequest(envelope.payload);
    } catch (error) {
      throw new MalformedFrameError(`damaged message ${handler.method.name}`, { cause: error });
    }
    try {
      receive(message, this.#peer);
    } catch (error) {
      if (error instanceof AssertionError) this.#core.fatal(error);
      else this.#core.logger.log('error', `handler of ${handler.method.name} failed`, { peer: this.#peer, error });
    }
  }

  #onRequest(envelope: DecodedEnvelope, clockError: Error | null): void {
    const { id } = envelope;
    if (clockError !== null) {
      // No handler saw it, so it may go to another node, and come again when the clocks agree.
      this.#answerError(id, refusal(`request refused: ${clockError.message}`));
      return;
    }
    const handler = this.#core.handler(envelope.method);
    if (handler === undefined || handler.kind !== 'call' || !this.#mayUse(envelope.method)) {
      const reason =
        handler === undefined
          ? `method ${envelope.method} is not served by this node`
          : 'the node does not belong to the cluster yet';
      this.#answerError(id, refusal(reason));
      return;
    }
    let request: unknown;
    try {
      request = handler.method.decodeRequest(envelope.payload);
    } catch (error) {
      throw new MalformedFrameError(`damaged request ${handler.method.name}`, { cause: error });
    }
    if (this.#calls.has(id)) throw new MalformedFrameError('a call id was used twice');
    this.#serve(id, handler, request, envelope.deadlineMs);
  }

  #serve(id: number, handler: CallHandler & { kind: 'call' }, request: unknown, deadlineMs: number): void {
    const deadlineAtMs = deadlineMs === 0 ? 0 : this.#core.sweep.nowMs() + deadlineMs;
    const call = new ServedCall(this.#peer, deadlineAtMs, null);
    this.#calls.set(id, call);
    if (deadlineMs !== 0) this.#core.sweep.add(call);
    this.#core.stats.callsServed++;
    let answer: Promise<unknown>;
    try {
      answer = handler.fn(request, call);
    } catch (error) {
      answer = Promise.reject(error);
    }
    answer.then(
      (response) => this.#answer(id, call, handler, response),
      (error: unknown) => this.#fail(id, call, handler.method.name, error),
    );
  }

  #answer(id: number, call: ServedCall, handler: CallHandler & { kind: 'call' }, response: unknown): void {
    let payload: Uint8Array;
    try {
      payload = handler.method.encodeResponse(response);
    } catch (error) {
      this.#fail(id, call, handler.method.name, error);
      return;
    }
    if (payload.length > PAYLOAD_BYTES_MAX) {
      this.#fail(
        id,
        call,
        handler.method.name,
        new QuoralError('54000', `the answer to ${handler.method.name} is too large: ${payload.length} bytes`),
      );
      return;
    }
    if (!this.#settle(id, call)) return;
    this.#outbox.push({ kind: ENVELOPE_RESPONSE, id, method: 0, deadlineMs: 0, payload });
  }

  #fail(id: number, call: ServedCall, method: string, error: unknown): void {
    if (error instanceof AssertionError) {
      this.#core.fatal(error);
      return;
    }
    if (!(error instanceof QuoralError)) {
      this.#core.logger.log('error', `handler of ${method} failed`, { peer: this.#peer, error });
    }
    // Past the deadline the caller says so itself: this node's word must not come before its own, and be
    // taken for a refusal.
    if (this.#settle(id, call) && !call.expired) this.#answerError(id, asQuoralError(error, method));
  }

  /** False if the stream is gone. */
  #settle(id: number, call: ServedCall): boolean {
    if (this.#closed) return false;
    this.#calls.delete(id);
    if (call.deadlineAtMs !== 0) this.#core.sweep.remove(call);
    return true;
  }

  #answerError(id: number, error: QuoralError): void {
    const payload = encodeError(error, this.#core.errorCodec());
    this.#outbox.push({ kind: ENVELOPE_ERROR, id, method: 0, deadlineMs: 0, payload });
  }
}

function asQuoralError(error: unknown, method: string): QuoralError {
  return error instanceof QuoralError ? error : internalError(method, error);
}
