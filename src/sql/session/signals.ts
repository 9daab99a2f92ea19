/** Who may cancel what other sessions do, and end them. */
import { sqlError } from '../../base/errors.js';
import { SUPERUSER_OID } from '../catalog/bootstrap-names.js';
import type { Rights } from '../catalog/rights.js';
import { SIGNAL_BACKEND } from '../catalog/roles.js';
import type { AccessServices } from '../contract.js';
import type { ServerCore } from './server.js';

/** `userId`: whose session it is. @throws QuoralError 42501 */
export function checkSignal(
  userId: number,
  how: 'cancel' | 'terminate',
  rights: Rights,
  access: Pick<AccessServices, 'rightsOf'>,
): void {
  if (rights.superuser) return;
  const [verb, what] = how === 'cancel' ? ['cancel', 'query'] : ['terminate', 'process'];
  if (userId === SUPERUSER_OID || access.rightsOf(userId)?.superuser === true)
    throw sqlError('42501', `must be a superuser to ${verb} superuser ${what}`);
  if (rights.isMember(userId) || rights.isMember(SIGNAL_BACKEND)) return;
  const doing = how === 'cancel' ? 'whose query is being canceled' : 'whose process is being terminated';
  throw sqlError('42501', `must be a member of the role ${doing} or member of pg_signal_backend`);
}

/** `check` refuses those of whom this user may not. False: there is no such session. */
export function signalSession(
  server: Pick<ServerCore, 'signalBackend' | 'session' | 'locks'>,
  processId: number,
  how: 'cancel' | 'terminate',
  check: (userId: number) => void,
): boolean | Promise<boolean> {
  const target = server.session(processId);
  if (target === null) return signalElsewhere(server, processId, how, check);
  check(target.roles.login.id);
  return server.signalBackend(processId, how);
}

async function signalElsewhere(
  { locks }: Pick<ServerCore, 'locks'>,
  processId: number,
  how: 'cancel' | 'terminate',
  check: (userId: number) => void,
): Promise<boolean> {
  const target = await locks.elsewhere(processId);
  if (target === null) return false;
  check(target.userId);
  return locks.signal(processId, how);
}
