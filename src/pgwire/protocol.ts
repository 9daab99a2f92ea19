/**
 * Constants of the PostgreSQL wire protocol, version 3.0, and the errors that PostgreSQL gives for
 * bytes that do not follow it. Message types are char codes, so that they compare as integers.
 */
import { QuoralError } from '../base/errors.js';

export const PROTOCOL_MAJOR = 3;
export const PROTOCOL_MINOR = 0;
export const CANCEL_REQUEST_CODE = 80877102;
export const SSL_REQUEST_CODE = 80877103;
export const GSSENC_REQUEST_CODE = 80877104;

/** Messages from the client. */
export const Frontend = {
  bind: 0x42, // B
  close: 0x43, // C
  describe: 0x44, // D
  execute: 0x45, // E
  functionCall: 0x46, // F
  flush: 0x48, // H
  parse: 0x50, // P
  query: 0x51, // Q
  sync: 0x53, // S
  terminate: 0x58, // X
  copyDone: 0x63, // c
  copyData: 0x64, // d
  copyFail: 0x66, // f
  password: 0x70, // p
} as const;

/** Messages to the client. */
export const Backend = {
  parseComplete: 0x31, // 1
  bindComplete: 0x32, // 2
  closeComplete: 0x33, // 3
  notificationResponse: 0x41, // A
  commandComplete: 0x43, // C
  dataRow: 0x44, // D
  errorResponse: 0x45, // E
  copyInResponse: 0x47, // G
  copyOutResponse: 0x48, // H
  emptyQueryResponse: 0x49, // I
  backendKeyData: 0x4b, // K
  noticeResponse: 0x4e, // N
  authentication: 0x52, // R
  parameterStatus: 0x53, // S
  rowDescription: 0x54, // T
  readyForQuery: 0x5a, // Z
  copyDone: 0x63, // c
  copyData: 0x64, // d
  noData: 0x6e, // n
  portalSuspended: 0x73, // s
  parameterDescription: 0x74, // t
  negotiateProtocolVersion: 0x76, // v
} as const;

/** Messages that carry no user data have PostgreSQL's small bound, whatever the configured one. */
export const SMALL_MESSAGE_BYTES_MAX = 10_000;
/** What a start-up packet may take, its length included. */
export const STARTUP_BYTES_MAX = 10_000;
export const MESSAGE_BYTES_MAX_DEFAULT = 64 * 1024 * 1024;

/** A mistake of the client inside one message: the connection goes on. */
export function protocolError(message: string, detail?: string): QuoralError {
  return new QuoralError('08P01', message, { fields: { detail } });
}

/** The message boundaries are lost or never were: the connection ends. */
export function protocolFatal(message: string, detail?: string, hint?: string): QuoralError {
  return new QuoralError('08P01', message, { severity: 'FATAL', fields: { detail, hint } });
}

export function unsupportedProtocol(major: number, minor: number): QuoralError {
  const supported = `${PROTOCOL_MAJOR}.${PROTOCOL_MINOR}`;
  return new QuoralError(
    '0A000',
    `unsupported frontend protocol ${major}.${minor}: server supports ${supported} to ${supported}`,
    {
      severity: 'FATAL',
    },
  );
}

export function adminShutdown(): QuoralError {
  return new QuoralError('57P01', 'terminating connection due to administrator command', {
    severity: 'FATAL',
    retry: 'transaction',
  });
}

export function shuttingDown(): QuoralError {
  return new QuoralError('57P03', 'the database system is shutting down', {
    severity: 'FATAL',
    retry: 'transaction',
  });
}

export function connectionLost(): QuoralError {
  return new QuoralError('08006', 'unexpected EOF on client connection with an open transaction', {
    severity: 'FATAL',
  });
}
