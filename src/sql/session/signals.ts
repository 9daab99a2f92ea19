/** Who may cancel what other sessions do, and end them. */
import { sqlError } from '../../base/errors.js';
import { SUPERUSER_OID } from '../catalog/bootstrap-names.js';
import type { Rights } from '../catalog/rights.js';
import { SIGNAL_BACKEND } from '../catalog/roles.js';
import type { AccessServices } from '../contract.js';

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
