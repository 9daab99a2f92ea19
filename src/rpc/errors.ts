/**
 * Errors of the network itself, and how any QuoralError crosses it: with SQLSTATE, message, retry
 * scope, severity and all PostgreSQL fields. Classes of errors that carry more (the KV layer's) add
 * bytes of their own through a pluggable codec. The cause and the stack stay where they arose.
 */
import { QuoralError, type ErrorFields, type RetryScope } from '../base/errors.js';
import { WireError } from '../encoding/proto/rpc.js';

/**
 * `unreachable`: the request was never sent, so it may go elsewhere. `broken`: it was sent and the
 * stream broke, its effect is unknown. `deadline`, `cancelled`: the caller stopped waiting; unknown
 * as well. `overloaded`: refused here because the peer's queue is full; never sent.
 */
export type RpcFailure = 'unreachable' | 'broken' | 'deadline' | 'cancelled' | 'overloaded';

const SQLSTATES: Readonly<Record<RpcFailure, string>> = {
  unreachable: '08006',
  broken: '40003',
  deadline: '40003',
  cancelled: '57014',
  overloaded: '53000',
};

export class RpcError extends QuoralError {
  override readonly name = 'RpcError';
  readonly reason: RpcFailure;

  constructor(reason: RpcFailure, message: string, cause?: unknown) {
    const neverSent = reason === 'unreachable' || reason === 'overloaded';
    super(SQLSTATES[reason], message, { retry: neverSent ? 'statement' : 'unknown', cause });
    this.reason = reason;
  }
}

/** What a node answers for which nobody has looked at the request: it has just started, is no member yet, or its clock is off. */
export function refusal(message: string): QuoralError {
  return new QuoralError('57P03', message, { retry: 'statement' });
}

export function isRefusal(error: unknown): boolean {
  return error instanceof QuoralError && error.sqlstate === '57P03' && error.retry === 'statement';
}

/** No handler answered. What was sent to a node that could not be reached may still arrive. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof RpcError || isRefusal(error);
}

/** Carries what QuoralError's subclasses have beyond its fields. */
export interface RpcErrorCodec {
  /** null: nothing to add. */
  encode(error: QuoralError): Uint8Array | null;
  /** Rebuilds the error from what `encode` wrote and the plain error that came with it. */
  decode(bytes: Uint8Array, base: QuoralError): Error;
}

const RETRY_SCOPES: readonly RetryScope[] = ['none', 'statement', 'transaction', 'unknown'];
const EMPTY = Buffer.alloc(0);

export function encodeError(error: QuoralError, codec: RpcErrorCodec | null): Uint8Array {
  const fields: Record<string, string> = {};
  for (const [key, value] of Object.entries(error.fields)) {
    if (value !== undefined) fields[key] = String(value);
  }
  const extra = codec?.encode(error) ?? null;
  return WireError.encode({
    sqlstate: error.sqlstate,
    message: error.message,
    retry: error.retry,
    severity: error.severity,
    fields,
    payload: extra === null ? EMPTY : Buffer.from(extra.buffer, extra.byteOffset, extra.byteLength),
  }).finish();
}

export function decodeError(bytes: Uint8Array, codec: RpcErrorCodec | null): Error {
  const wire = WireError.decode(bytes);
  const { position, ...texts } = wire.fields;
  const fields: ErrorFields = position === undefined ? texts : { ...texts, position: Number(position) };
  const base = new QuoralError(/^[0-9A-Z]{5}$/.test(wire.sqlstate) ? wire.sqlstate : 'XX000', wire.message, {
    retry: RETRY_SCOPES.find((scope) => scope === wire.retry) ?? 'unknown',
    severity: wire.severity === 'FATAL' ? 'FATAL' : 'ERROR',
    fields,
  });
  return wire.payload.length > 0 && codec !== null ? codec.decode(wire.payload, base) : base;
}

/** What a caller is told when a handler failed with something that is not a QuoralError. */
export function internalError(method: string, cause: unknown): QuoralError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new QuoralError('XX000', `internal error in ${method}: ${text}`, { retry: 'unknown', cause });
}
