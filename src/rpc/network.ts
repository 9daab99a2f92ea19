/**
 * Calls between nodes (DESIGN 9): per peer and class one stream that this node opened (link.ts) and
 * one that the peer opened (session.ts). Requests go out on the former, answers come back on it.
 *
 * Calls to the node itself are not serialised, but are as asynchronous as others: no handler runs
 * inside `call` or `send`. Requests and answers are then shared objects; treat them as frozen.
 * Every frame carries the sender's HLC; a clock too far ahead gets the frame refused.
 */
import { AssertionError, assert } from '../base/assert.js';
import { QuoralError } from '../base/errors.js';
import type { NodeId, Timestamp } from '../base/ids.js';
import { mark } from '../base/probes.js';
import type { Clock, FrameStream, HlcClock, Listener, Logger, Rng, Timers, Transport } from '../env/env.js';
import { internalError, refusal, RpcError, type RpcErrorCodec } from './errors.js';
import { Link } from './link.js';
import { DeadlineSweep, Flusher } from './outbox.js';
import { ServedCall, Session } from './session.js';
import type { CallHandler, RpcCore, RpcLimits, RpcStats } from './shared.js';
import type { CallContext, CallOptions, RpcMethod, RpcNetwork, StreamClass } from './types.js';

export interface RpcNetworkOptions {
  readonly nodeId: NodeId;
  /** Empty while the node belongs to no cluster yet; see `setClusterId`. */
  readonly clusterId?: string;
  readonly limits?: Partial<RpcLimits>;
}

export interface RpcNetworkDependencies {
  readonly transport: Transport;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly hlc: HlcClock;
  readonly logger: Logger;
  /** A failed assertion in a handler; by default it is thrown to the process. */
  readonly onFatal?: (error: unknown) => void;
}

const DEFAULT_LIMITS: RpcLimits = {
  queuedBytesMax: 64 * 1024 * 1024,
  pendingCallsMax: 100_000,
  connectTimeoutMs: 3_000,
  backoffBaseMs: 50,
  backoffMaxMs: 1_000,
};

const CLASSES: readonly StreamClass[] = ['liveness', 'raft', 'kv', 'bulk'];
/** The same kind of warning is written at most this often. */
const WARN_EVERY_MS = 5_000;
const WARN_TOPICS_MAX = 256;

export class RpcNetworkImpl implements RpcNetwork {
  readonly self: NodeId;
  readonly stats: RpcStats = {
    framesReceived: 0,
    framesMalformed: 0,
    framesClockRefused: 0,
    oneWayDropped: 0,
    callsRefused: 0,
    callsSent: 0,
    callsServed: 0,
    connectsFailed: 0,
  };
  readonly #deps: RpcNetworkDependencies;
  readonly #core: RpcCore;
  readonly #handlers = new Map<number, CallHandler>();
  readonly #addresses = new Map<NodeId, string>();
  readonly #links = new Map<NodeId, Record<StreamClass, Link>>();
  readonly #sessions = new Set<Session>();
  readonly #selfCalls = new Set<ServedCall>();
  readonly #warned = new Map<string, { atMs: number; suppressed: number }>();
  #clusterId: string;
  #errorCodec: RpcErrorCodec | null = null;
  #listener: Listener | null = null;
  #stopped = false;

  constructor(options: RpcNetworkOptions, deps: RpcNetworkDependencies) {
    assert(Number.isInteger(options.nodeId) && options.nodeId > 0, 'node ids are positive');
    this.self = options.nodeId;
    this.#clusterId = options.clusterId ?? '';
    this.#deps = deps;
    this.#core = {
      self: options.nodeId,
      transport: deps.transport,
      timers: deps.timers,
      clock: deps.clock,
      rng: deps.rng,
      logger: deps.logger,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      flusher: new Flusher(deps.timers, deps.hlc),
      sweep: new DeadlineSweep(deps.clock, deps.timers),
      stats: this.stats,
      clusterId: () => this.#clusterId,
      errorCodec: () => this.#errorCodec,
      handler: (method) => this.#handlers.get(method),
      acceptClock: (clock, from) => this.#acceptClock(clock, from),
      fatal: (error) => this.#fatal(error),
      warnSometimes: (topic, message, fields) => this.#warnSometimes(topic, message, fields),
    };
  }

  /** Listens for peers. @throws QuoralError 55006 if the port is taken. */
  async start(address: string): Promise<number> {
    assert(this.#listener === null, 'the network listens already');
    this.#listener = await this.#deps.transport.listenFrames(address, (stream) => this.#accept(stream));
    return this.#listener.port;
  }

  /** Closes everything; calls that wait fail. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const links of this.#links.values()) for (const name of CLASSES) links[name].stop();
    for (const session of [...this.#sessions]) session.close();
    for (const call of [...this.#selfCalls]) call.abort(new QuoralError('57P01', 'the node is shutting down'));
    this.#core.sweep.clear();
    await this.#listener?.close();
  }

  /** How errors with more than QuoralError's fields cross the network. */
  setErrorCodec(codec: RpcErrorCodec): void {
    this.#errorCodec = codec;
  }

  get clusterId(): string {
    return this.#clusterId;
  }

  /** The node has become a member; streams opened before are opened again under the new id. */
  setClusterId(clusterId: string): void {
    assert(
      clusterId !== '' && (this.#clusterId === '' || this.#clusterId === clusterId),
      'a node never changes its cluster',
    );
    if (this.#clusterId === clusterId) return;
    this.#clusterId = clusterId;
    for (const links of this.#links.values()) for (const name of CLASSES) links[name].rehandshake(clusterId);
    for (const session of [...this.#sessions]) session.checkCluster();
  }

  handle<Req, Res>(method: RpcMethod<Req, Res>, fn: (request: Req, ctx: CallContext) => Promise<Res>): void {
    assert(!this.#handlers.has(method.id), `method ${method.name} has a handler already`);
    // The map is keyed by the method's id, so a handler only ever sees its own types.
    this.#handlers.set(method.id, { kind: 'call', method, fn } as unknown as CallHandler);
  }

  handleOneWay<Msg>(
    method: RpcMethod<Msg, never>,
    fn: (message: Msg, from: NodeId) => void,
    onClockRefused: ((message: Msg, from: NodeId) => void) | null = null,
  ): void {
    assert(!this.#handlers.has(method.id), `method ${method.name} has a handler already`);
    this.#handlers.set(method.id, { kind: 'one-way', method, fn, onClockRefused } as unknown as CallHandler);
  }

  call<Req, Res>(to: NodeId, method: RpcMethod<Req, Res>, request: Req, options?: CallOptions): Promise<Res> {
    if (this.#stopped) return Promise.reject(new RpcError('unreachable', 'the node is shutting down'));
    if (to === this.self) return this.#callSelf(method, request, options);
    let payload: Uint8Array;
    try {
      payload = method.encodeRequest(request);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : internalError(method.name, error));
    }
    const link = this.#linksTo(to)[method.streamClass];
    return link.call(method as unknown as RpcMethod<unknown, unknown>, payload, options) as Promise<Res>;
  }

  send<Msg>(to: NodeId, method: RpcMethod<Msg, never>, message: Msg): void {
    if (this.#stopped) return;
    if (to === this.self) {
      queueMicrotask(() => this.#deliverToSelf(method.id, message));
      return;
    }
    const link = this.#linksTo(to)[method.streamClass];
    link.send(method as unknown as RpcMethod<unknown, never>, method.encodeRequest(message));
  }

  setAddress(node: NodeId, address: string): void {
    if (this.#addresses.get(node) === address) return;
    const moved = this.#addresses.has(node);
    this.#addresses.set(node, address);
    const links = this.#links.get(node);
    if (links === undefined) return;
    for (const name of CLASSES) {
      if (moved) links[name].disconnect('the node has moved');
      links[name].resetBackoff();
    }
  }

  isConnected(node: NodeId): boolean {
    if (node === this.self) return true;
    const links = this.#links.get(node);
    return links !== undefined && CLASSES.some((name) => links[name].isUp);
  }

  /** Breaks the streams to a node that has been found dead, so that nobody waits for its answers. */
  disconnect(node: NodeId, reason: string): void {
    const links = this.#links.get(node);
    if (links !== undefined) for (const name of CLASSES) links[name].disconnect(reason);
    for (const session of [...this.#sessions]) if (session.peer === node) session.close();
  }

  #linksTo(node: NodeId): Record<StreamClass, Link> {
    let links = this.#links.get(node);
    if (links === undefined) {
      const address = (): string | undefined => this.#addresses.get(node);
      links = {
        liveness: new Link(this.#core, node, 'liveness', address),
        raft: new Link(this.#core, node, 'raft', address),
        kv: new Link(this.#core, node, 'kv', address),
        bulk: new Link(this.#core, node, 'bulk', address),
      };
      this.#links.set(node, links);
    }
    return links;
  }

  #accept(stream: FrameStream): void {
    if (this.#stopped) {
      stream.close();
      return;
    }
    const session = new Session(this.#core, stream, {
      onPeerSeen: (peer) => {
        const links = this.#links.get(peer);
        if (links !== undefined) for (const name of CLASSES) links[name].resetBackoff();
      },
      onSessionClosed: (closed) => void this.#sessions.delete(closed),
    });
    this.#sessions.add(session);
  }

  async #callSelf<Req, Res>(method: RpcMethod<Req, Res>, request: Req, options: CallOptions | undefined): Promise<Res> {
    // The handler must not run inside call().
    await null;
    const handler = this.#handlers.get(method.id);
    if (handler === undefined || handler.kind !== 'call') {
      throw refusal(`method ${method.name} is not served by this node`);
    }
    const fn = handler.fn as (request: Req, ctx: CallContext) => Promise<Res>;
    const deadlineMs = options?.deadlineMs;
    const signal = options?.signal;
    if (deadlineMs === undefined && signal === undefined)
      return this.#runSelf(fn, request, new ServedCall(this.self, 0, null), method.name);
    return this.#runSelfBounded(fn, request, method.name, deadlineMs, signal);
  }

  async #runSelf<Req, Res>(
    fn: (request: Req, ctx: CallContext) => Promise<Res>,
    request: Req,
    call: ServedCall,
    name: string,
  ): Promise<Res> {
    this.#selfCalls.add(call);
    try {
      return await fn(request, call);
    } catch (error) {
      if (error instanceof AssertionError) this.#fatal(error);
      if (error instanceof QuoralError) throw error;
      this.#deps.logger.log('error', `handler of ${name} failed`, { peer: this.self, error });
      throw internalError(name, error);
    } finally {
      this.#selfCalls.delete(call);
    }
  }

  #runSelfBounded<Req, Res>(
    fn: (request: Req, ctx: CallContext) => Promise<Res>,
    request: Req,
    name: string,
    deadlineMs: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Res> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(new RpcError('cancelled', `${name} was cancelled before it was sent`));
        return;
      }
      const deadlineAtMs = deadlineMs === undefined ? 0 : this.#core.sweep.nowMs() + deadlineMs;
      const call = new ServedCall(this.self, deadlineAtMs, () => {
        signal?.removeEventListener('abort', onAbort);
        reject(new RpcError('deadline', `no answer to ${name} from this node within ${deadlineMs} ms`));
      });
      const onAbort = (): void => {
        this.#core.sweep.remove(call);
        call.abort(new QuoralError('57014', 'the caller cancelled the call'));
        reject(new RpcError('cancelled', `${name} was cancelled`));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      if (deadlineMs !== undefined) this.#core.sweep.add(call);
      this.#runSelf(fn, request, call, name)
        .then(resolve, reject)
        .finally(() => {
          this.#core.sweep.remove(call);
          signal?.removeEventListener('abort', onAbort);
        });
    });
  }

  #deliverToSelf(method: number, message: unknown): void {
    const handler = this.#handlers.get(method);
    if (this.#stopped || handler === undefined || handler.kind !== 'one-way') return;
    try {
      handler.fn(message, this.self);
    } catch (error) {
      if (error instanceof AssertionError) this.#fatal(error);
      else this.#deps.logger.log('error', `handler of ${handler.method.name} failed`, { peer: this.self, error });
    }
  }

  #acceptClock(clock: Timestamp, from: NodeId): Error | null {
    try {
      this.#deps.hlc.update(clock);
      return null;
    } catch (error) {
      if (!(error instanceof QuoralError)) throw error;
      mark('clock-refused-frame');
      this.stats.framesClockRefused++;
      this.#warnSometimes(`clock-${from}`, `frames of node ${from} are refused: ${error.message}`, { peer: from });
      return error;
    }
  }

  #fatal(error: unknown): void {
    if (this.#deps.onFatal !== undefined) {
      this.#deps.onFatal(error);
      return;
    }
    // Out of every promise and callback, to the process boundary.
    this.#deps.timers.endOfTurn(() => {
      throw error;
    });
  }

  #warnSometimes(topic: string, message: string, fields: Record<string, unknown>): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const last = this.#warned.get(topic);
    if (last !== undefined && nowMs - last.atMs < WARN_EVERY_MS) {
      last.suppressed++;
      return;
    }
    if (this.#warned.size >= WARN_TOPICS_MAX) this.#warned.clear();
    this.#warned.set(topic, { atMs: nowMs, suppressed: 0 });
    const repeated = last?.suppressed ?? 0;
    this.#deps.logger.log('warn', message, repeated === 0 ? fields : { ...fields, repeated });
  }
}
