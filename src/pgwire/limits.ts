/** Bounds and counters of the wire protocol server. */

export interface PgWireLimits {
  /** Clients at a time; one more gets 53300. */
  readonly connectionsMax: number;
  /** Largest message a client may send, bytes; a longer one ends the connection with 08P01. */
  readonly messageBytesMax: number;
  /** Bytes of later messages that may wait while one is worked on; above, the socket is paused. */
  readonly inputBytesMax: number;
  /** Bytes a client may be behind before the executor waits for it. */
  readonly outputBytesMax: number;
  /** From connecting to ReadyForQuery, milliseconds. */
  readonly authenticationTimeoutMs: number;
}

export const DEFAULT_LIMITS: PgWireLimits = {
  connectionsMax: 500,
  messageBytesMax: 64 * 1024 * 1024,
  inputBytesMax: 1024 * 1024,
  outputBytesMax: 512 * 1024,
  authenticationTimeoutMs: 60_000,
};

/** Since the start of the process, except `connectionsOpen`. */
export interface PgWireMetrics {
  connectionsOpen: number;
  connectionsAccepted: number;
  connectionsRefused: number;
  cancelRequests: number;
  simpleQueries: number;
  executes: number;
  copiesIn: number;
  errors: number;
  bytesReceived: number;
  bytesSent: number;
}

export function newMetrics(): PgWireMetrics {
  return {
    connectionsOpen: 0,
    connectionsAccepted: 0,
    connectionsRefused: 0,
    cancelRequests: 0,
    simpleQueries: 0,
    executes: 0,
    copiesIn: 0,
    errors: 0,
    bytesReceived: 0,
    bytesSent: 0,
  };
}
