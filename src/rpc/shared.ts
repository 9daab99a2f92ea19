/** What the two ends of a stream (link.ts, session.ts) share of the network that owns them. */
import type { NodeId, Timestamp } from '../base/ids.js';
import type { Clock, Logger, Rng, Timers, Transport } from '../env/env.js';
import type { RpcErrorCodec } from './errors.js';
import type { DeadlineSweep, Flusher } from './outbox.js';
import type { CallContext, RpcMethod } from './types.js';

/**
 * Nodes of different protocol versions refuse each other. It goes up whenever nodes of one build could break what those of
 * another rely on, in what they say or in what they write.
 *
 * 2: who removes a row that foreign keys may refer to writes at its existence key (range/eval/read.ts); schema changes are
 * told by eight rows of their own (sql/catalog/descriptor-changes.ts).
 * 3: writes tell when they were sent (range/eval/sent.ts), rollbacks up to which write they undo, records which spans they have.
 */
export const PROTOCOL_VERSION = 3;

/** An envelope's payload may be at most this long; the transport's limit for a frame is 64 MB. */
export const PAYLOAD_BYTES_MAX = 60 * 1024 * 1024;

export interface RpcLimits {
  /** Bytes queued for one peer and class above which calls are refused; default 64 MB. */
  readonly queuedBytesMax: number;
  /** Calls without an answer yet per peer and class; default 100,000. */
  readonly pendingCallsMax: number;
  /** Time for connecting and for the handshake, each; default 3 s. */
  readonly connectTimeoutMs: number;
  /** Pause after a failed attempt to connect: first and largest; default 50 ms and 1 s. */
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

export type CallHandler =
  | {
      readonly kind: 'call';
      readonly method: RpcMethod<unknown, unknown>;
      readonly fn: (request: unknown, ctx: CallContext) => Promise<unknown>;
    }
  | {
      readonly kind: 'one-way';
      readonly method: RpcMethod<unknown, never>;
      readonly fn: (message: unknown, from: NodeId) => void;
      readonly onClockRefused: ((message: unknown, from: NodeId) => void) | null;
    };

export interface RpcCore {
  readonly self: NodeId;
  readonly transport: Transport;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly limits: RpcLimits;
  readonly flusher: Flusher;
  readonly sweep: DeadlineSweep;
  readonly stats: RpcStats;
  clusterId(): string;
  errorCodec(): RpcErrorCodec | null;
  handler(method: number): CallHandler | undefined;
  /** Takes in a peer's clock; the error says why the frame must be dropped. */
  acceptClock(clock: Timestamp, from: NodeId): Error | null;
  /** A failed assertion in a handler: not for the caller, but for the process. */
  fatal(error: unknown): void;
  warnSometimes(topic: string, message: string, fields: Record<string, unknown>): void;
}

/** Counters for the metrics; they only grow. */
export interface RpcStats {
  framesReceived: number;
  framesMalformed: number;
  framesClockRefused: number;
  oneWayDropped: number;
  callsRefused: number;
  callsSent: number;
  callsServed: number;
  connectsFailed: number;
}
