/** `host:port` and `[ipv6]:port`, and what goes wrong when listening on one. */
import { QuoralError, sqlError } from '../../base/errors.js';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** @throws QuoralError 22023 */
export function parseAddress(address: string): HostPort {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(address);
  const port = match === null ? NaN : Number(match[3]);
  if (match === null || port > 65535) {
    throw sqlError('22023', `invalid address "${address}"`, {
      hint: 'An address is written host:port, for example 127.0.0.1:7432 or [::1]:7432.',
    });
  }
  return { host: (match[1] ?? match[2]) as string, port };
}

export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The error a server's `listen` ended with, as the operator should read it. */
export function listenError(address: string, cause: unknown): QuoralError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const text = cause instanceof Error ? cause.message : String(cause);
  const port = address.slice(address.lastIndexOf(':') + 1);
  if (code === 'EADDRINUSE' || text.includes('EADDRINUSE')) {
    return new QuoralError('55006', `port ${port} is already in use (cannot listen on ${address})`, {
      fields: {
        hint: 'Another server, perhaps an earlier Quoral node, holds the port. Stop it or choose another port.',
      },
      severity: 'FATAL',
      cause,
    });
  }
  if (code === 'EACCES' || text.includes('EACCES')) {
    return new QuoralError('42501', `no permission to listen on ${address}`, { severity: 'FATAL', cause });
  }
  return new QuoralError('58030', `cannot listen on ${address}: ${text}`, { severity: 'FATAL', cause });
}

/** A connection that could not be made: the request was never sent. */
export function connectError(address: string, cause: unknown): QuoralError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return new QuoralError('08001', `cannot connect to ${address}: ${text}`, { retry: 'statement', cause });
}
