/** What a start-up packet asks for, checked: the options of the session to open. */
import { QuoralError } from '../base/errors.js';
import type { SessionOptions } from '../sql/session-api.js';
import type { StartupMessage } from './codec.js';
import { PROTOCOL_MAJOR, unsupportedProtocol } from './protocol.js';

export type StartupPacket = Extract<StartupMessage, { kind: 'startup' }>;

/** @throws QuoralError FATAL 0A000, 28000 */
export function sessionOptions(packet: StartupPacket, remote: string): SessionOptions {
  if (packet.major !== PROTOCOL_MAJOR) throw unsupportedProtocol(packet.major, packet.minor);
  const { user, database, replication, ...parameters } = packet.parameters;
  if (replication !== undefined && !/^(false|off|no|0)$/i.test(replication)) {
    throw fatal('0A000', 'replication connections are not supported');
  }
  if (user === undefined || user === '') {
    throw fatal('28000', 'no PostgreSQL user name specified in startup packet');
  }
  return {
    user,
    database: database === undefined || database === '' ? user : database,
    parameters,
    remote,
  };
}

function fatal(sqlstate: string, message: string): QuoralError {
  return new QuoralError(sqlstate, message, { severity: 'FATAL' });
}
