/**
 * Roles: who there is, what each may do besides owning and being granted things, and who is a member of whom. A role is a descriptor of no
 * database, under its name in a namespace of its own; PostgreSQL's predefined roles, and the superuser `postgres`, are there without one.
 *
 * Invariant: role 10, `postgres`, is a superuser for ever. Its sessions ask for no rights of their own.
 */
import { sqlError } from '../../base/errors.js';
import { SYSTEM_KEYS } from '../../encoding/keyspace.js';
import { DATABASE_OWNER, SUPERUSER, SUPERUSER_OID } from './bootstrap-names.js';
import type { WaitOptions } from './catalog.js';
import type { RoleDescriptor } from './descriptor.js';
import { decodeNameEntry } from './codec.js';
import type { TransactionCatalog } from './transaction-catalog.js';

/** In the place of a schema's id, in names of no database. */
export const ROLE_NAMESPACE = 1;

export function roleKey(name: string): string {
  return SYSTEM_KEYS.name(0, ROLE_NAMESPACE, name);
}

function predefined(id: number, name: string, more: Partial<RoleDescriptor> = {}): RoleDescriptor {
  return {
    kind: 'role',
    id,
    name,
    version: 0,
    superuser: false,
    inherit: true,
    createRole: false,
    createDatabase: false,
    login: false,
    replication: false,
    bypassRls: false,
    connectionLimit: -1,
    validUntil: null,
    memberOf: [],
    ...more,
  };
}

const POWERS = {
  superuser: true,
  createRole: true,
  createDatabase: true,
  login: true,
  replication: true,
  bypassRls: true,
} as const;
const member = (...ids: readonly number[]): Pick<RoleDescriptor, 'memberOf'> => ({
  memberOf: ids.map((roleId) => ({ roleId, admin: false, grantorId: SUPERUSER_OID })),
});

/** Everybody's settings are kept under the name that nobody has. */
export const EVERY_ROLE_ID = 0;
export const READ_ALL_SETTINGS = 3374;
export const READ_ALL_STATS = 3375;
export const READ_ALL_DATA = 6181;
export const WRITE_ALL_DATA = 6182;
export const SIGNAL_BACKEND = 4200;

export const PREDEFINED: readonly RoleDescriptor[] = [
  predefined(SUPERUSER_OID, SUPERUSER, POWERS),
  predefined(DATABASE_OWNER.oid, DATABASE_OWNER.name),
  predefined(READ_ALL_DATA, 'pg_read_all_data'),
  predefined(WRITE_ALL_DATA, 'pg_write_all_data'),
  predefined(3373, 'pg_monitor', member(READ_ALL_SETTINGS, READ_ALL_STATS, 3377)),
  predefined(READ_ALL_SETTINGS, 'pg_read_all_settings'),
  predefined(READ_ALL_STATS, 'pg_read_all_stats'),
  predefined(3377, 'pg_stat_scan_tables'),
  predefined(4569, 'pg_read_server_files'),
  predefined(4570, 'pg_write_server_files'),
  predefined(4571, 'pg_execute_server_program'),
  predefined(SIGNAL_BACKEND, 'pg_signal_backend'),
  predefined(4544, 'pg_checkpoint'),
];

const predefinedById = new Map(PREDEFINED.map((role) => [role.id, role]));
const predefinedByName = new Map(PREDEFINED.map((role) => [role.name, role]));

export function isPredefined(id: number): boolean {
  return predefinedById.has(id);
}

export function newRole(id: number, name: string): RoleDescriptor {
  return { ...predefined(id, name), version: 1 };
}

/** As it is now; null: no such role. */
export async function roleById(tc: TransactionCatalog, id: number, wait: WaitOptions): Promise<RoleDescriptor | null> {
  const found = await tc.peek(id, wait);
  if (found?.kind === 'role') return found;
  return predefinedById.get(id) ?? (id === EVERY_ROLE_ID ? predefined(EVERY_ROLE_ID, '') : null);
}

/** The id of a name that was not changed since by somebody else; null: no such role. */
export async function roleIdByName(tc: TransactionCatalog, name: string, wait: WaitOptions): Promise<number | null> {
  const known = predefinedByName.get(name);
  if (known !== undefined) return known.id;
  const key = roleKey(name);
  for (let attempt = 0; attempt < 10; attempt++) {
    const entry = await tc.entryOf(key);
    if (entry === null) return null;
    const role = await tc.peek(entry.id, wait);
    if (role?.kind === 'role' && role.name === name) return role.id;
    tc.catalog.forgetName(key);
  }
  return null;
}

export async function requireRole(tc: TransactionCatalog, name: string, wait: WaitOptions): Promise<RoleDescriptor> {
  const id = await roleIdByName(tc, name, wait);
  const role = id === null ? null : await roleById(tc, id, wait);
  if (role === null) throw sqlError('42704', `role "${name}" does not exist`);
  return role;
}

/** Read directly, for a session that is about to be. */
export function predefinedNamed(name: string): RoleDescriptor | null {
  return predefinedByName.get(name) ?? null;
}
export function idInEntry(bytes: Buffer): number {
  return decodeNameEntry(bytes).id;
}

/** Everything that a role has the rights of, itself among it. */
export interface Membership {
  readonly role: RoleDescriptor;
  /** By inheritance: their rights are its own. */
  readonly inherited: ReadonlySet<number>;
  /** Whoever it may become by SET ROLE. */
  readonly all: ReadonlySet<number>;
}

/** `databaseOwner`: who owns the session's database, and so is a member of pg_database_owner. */
export async function membershipOf(
  tc: TransactionCatalog,
  role: RoleDescriptor,
  databaseOwner: number,
  wait: WaitOptions,
): Promise<Membership> {
  const read = new Map<number, RoleDescriptor>([[role.id, role]]);
  const walk = async (onlyInherited: boolean): Promise<Set<number>> => {
    const found = new Set<number>([role.id]);
    const queue = [role.id];
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      let one = read.get(id) ?? null;
      if (one === null) {
        one = await roleById(tc, id, wait);
        if (one === null) continue;
        read.set(id, one);
      }
      const up = one.memberOf.map(({ roleId }) => roleId);
      if (id === databaseOwner) up.push(DATABASE_OWNER.oid);
      // PostgreSQL 15: whether a role inherits is an attribute of the member.
      if (onlyInherited && !one.inherit) continue;
      for (const next of up) {
        if (found.has(next)) continue;
        found.add(next);
        queue.push(next);
      }
    }
    return found;
  };
  return { role, inherited: await walk(true), all: await walk(false) };
}
