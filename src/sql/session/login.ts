/**
 * Who may begin a session, where, and with what settings. There is no authentication: whoever reaches the server may say to be any role that may
 * log in.
 *
 * Limit: the number of sessions of a role is counted on this node alone.
 */
import { QuoralError } from '../../base/errors.js';
import { SYSTEM_KEYS } from '../../encoding/keyspace.js';
import { SUPERUSER_OID } from '../catalog/bootstrap-names.js';
import type { Catalog } from '../catalog/catalog.js';
import { decodeDescriptor, decodeNameEntry } from '../catalog/codec.js';
import type { DatabaseDescriptor, Descriptor, RoleDescriptor } from '../catalog/descriptor.js';
import { EVERY_ROLE_ID, membershipOf, predefinedNamed, roleKey } from '../catalog/roles.js';
import { TransactionCatalog } from '../catalog/transaction-catalog.js';
import type { SessionOptions } from '../session-api.js';
import { mayConnect } from './roles.js';
import type { SessionPlace } from './session.js';

const NO_WAIT = { signal: null, lockTimeoutMs: 0 };

function fatal(sqlstate: string, message: string, detail?: string): QuoralError {
  return new QuoralError(sqlstate, message, { severity: 'FATAL', fields: { detail } });
}

/** @throws QuoralError 28000, 3D000, 42501, 53300, all FATAL */
export async function placeOf(
  catalog: Catalog,
  { user, database: name }: SessionOptions,
  sessionsOf: (roleId: number) => number,
): Promise<SessionPlace> {
  const { db } = catalog;
  const [databaseEntry, roleEntry] = await db.getMany([SYSTEM_KEYS.name(0, 0, name), roleKey(user)]);
  const known = predefinedNamed(user);
  const roleId = known?.id ?? (roleEntry == null ? null : decodeNameEntry(roleEntry).id);
  if (roleId === null) throw fatal('28000', `role "${user}" does not exist`);
  if (databaseEntry == null) throw fatal('3D000', `database "${name}" does not exist`);
  const databaseId = decodeNameEntry(databaseEntry).id;
  const read = await db.getMany([databaseId, roleId, EVERY_ROLE_ID].map((id) => SYSTEM_KEYS.descriptor(id)));
  const [database, stored, everybody] = read.map((bytes) => (bytes == null ? null : decodeDescriptor(bytes)));
  const role = asRole(stored) ?? known;
  if (role === null) throw fatal('28000', `role "${user}" does not exist`);
  if (database?.kind !== 'database') throw fatal('3D000', `database "${name}" does not exist`);
  if (!role.login) throw fatal('28000', `role "${user}" is not permitted to log in`);
  if (role.id !== SUPERUSER_OID) await checkRole(catalog, database, role, sessionsOf(role.id));
  return { databaseId, role, settings: settingsFor(database, role, asRole(everybody)) };
}

function asRole(descriptor: Descriptor | null | undefined): RoleDescriptor | null {
  return descriptor?.kind === 'role' ? descriptor : null;
}

async function checkRole(
  catalog: Catalog,
  database: DatabaseDescriptor,
  role: RoleDescriptor,
  sessions: number,
): Promise<void> {
  const tc = new TransactionCatalog(catalog, database.id, database.name);
  try {
    const membership = await membershipOf(tc, role, database.owner, NO_WAIT);
    if (!mayConnect(database, membership)) {
      const detail = 'User does not have CONNECT privilege.';
      throw fatal('42501', `permission denied for database "${database.name}"`, detail);
    }
  } finally {
    await tc.end(false);
  }
  if (!role.superuser && role.connectionLimit >= 0 && sessions >= role.connectionLimit)
    throw fatal('53300', `too many connections for role "${role.name}"`);
}

/** The more particular come later. */
function settingsFor(database: DatabaseDescriptor, role: RoleDescriptor, everybody: RoleDescriptor | null): string[] {
  return [
    ...(everybody?.settings ?? []),
    ...(database.settings ?? []),
    ...(role.settings ?? []),
    ...(role.databaseSettings?.[database.id] ?? []),
  ];
}
