/**
 * CREATE, ALTER and DROP ROLE (USER, GROUP), and who is a member of whom. Passwords are neither kept nor asked for: there is no authentication.
 */
import { sqlError } from '../../base/errors.js';
import { SUPERUSER_OID } from '../catalog/bootstrap-names.js';
import type { RoleDescriptor } from '../catalog/descriptor.js';
import { isPredefined, newRole, ROLE_NAMESPACE, roleById, roleIdByName } from '../catalog/roles.js';
import { typeByOid } from '../types/registry.js';
import { OID } from '../types/oids.js';
import { errorAt } from '../plan/binder.js';
import type { DdlContext } from './context.js';
import { notice } from './context.js';
import { roleOf } from './ownership.js';
import { roleDependents } from './owned.js';
import { list, of, options, text, valueText } from './tree.js';
import type { Loose } from './tree.js';

type Changes = { -readonly [K in keyof RoleDescriptor]?: RoleDescriptor[K] };

const FLAGS: Readonly<Record<string, keyof RoleDescriptor>> = {
  superuser: 'superuser',
  inherit: 'inherit',
  createrole: 'createRole',
  createdb: 'createDatabase',
  canlogin: 'login',
  isreplication: 'replication',
  bypassrls: 'bypassRls',
};
const LISTS = ['addroleto', 'rolemembers', 'adminmembers'] as const;

interface Read {
  readonly changes: Changes;
  readonly lists: Readonly<Record<(typeof LISTS)[number], readonly Loose[]>>;
  /** Only the password. */
  readonly onlyPassword: boolean;
}

function readOptions(ctx: DdlContext, body: Loose): Read {
  const changes: Record<string, unknown> = {};
  const lists = { addroleto: [] as Loose[], rolemembers: [] as Loose[], adminmembers: [] as Loose[] };
  const seen = new Set<string>();
  for (const { name, arg, location } of options(body['options'])) {
    if (seen.has(name)) throw errorAt('42601', 'conflicting or redundant options', location);
    seen.add(name);
    const flag = FLAGS[name];
    if (flag !== undefined) changes[flag] = of(arg as Loose, 'Boolean')['boolval'] === true;
    else if (name === 'connectionlimit') {
      const limit = Number(valueText(arg));
      if (limit < -1) throw sqlError('22023', `invalid connection limit: ${limit}`);
      changes['connectionLimit'] = limit;
    } else if (name === 'validUntil') changes['validUntil'] = momentText(ctx, valueText(arg));
    else if ((LISTS as readonly string[]).includes(name))
      lists[name as 'addroleto'] = list(of(arg as Loose, 'List')['items']);
    else if (name === 'password' && arg !== undefined && valueText(arg) === '')
      notice(ctx, '00000', 'empty string is not a valid password, clearing password');
    else if (name === 'sysid') notice(ctx, '00000', 'SYSID can no longer be specified');
  }
  return { changes, lists, onlyPassword: seen.size === 1 && seen.has('password') };
}

/** Read by the session's settings, kept by none. */
function momentText(ctx: DdlContext, given: string): string {
  const type = typeByOid(OID.timestamptz);
  const { format } = ctx.plannerSettings;
  const moment = type.input(given, -1, format);
  if (moment === null) throw sqlError('22007', `invalid input syntax for type timestamp with time zone: "${given}"`);
  return type.output(moment, { ...format, timeZone: 'UTC', dateStyle: 'ISO, MDY' });
}

function checkName(name: string): void {
  if (name === 'public' || name === 'none') throw sqlError('42939', `role name "${name}" is reserved`);
  if (!name.startsWith('pg_')) return;
  throw sqlError('42939', `role name "${name}" is reserved`, {
    detail: 'Role names starting with "pg_" are reserved.',
  });
}

export async function runCreateRole(ctx: DdlContext, body: Loose): Promise<string> {
  const name = text(body['role']);
  const { changes, lists } = readOptions(ctx, body);
  const { rights } = ctx;
  const needs = (what: string): Error => sqlError('42501', `must be superuser to create ${what}`);
  if (!rights.superuser) {
    if (changes.superuser === true) throw needs('superusers');
    if (changes.replication === true) throw needs('replication users');
    if (changes.bypassRls === true) throw needs('bypassrls users');
    if (!rights.membership.role.createRole) throw sqlError('42501', 'permission denied to create role');
  }
  checkName(name);
  const exists = (): Error => sqlError('42710', `role "${name}" already exists`);
  if ((await roleIdByName(ctx.catalog, name, ctx.wait)) !== null) throw exists();
  const id = await ctx.catalog.catalog.ids.next();
  const entry = { id, indexOid: null };
  if (!(await ctx.catalog.claimName(ctx.txn, ROLE_NAMESPACE, name, entry, 0))) throw exists();
  const login = changes.login ?? body['stmt_type'] === 'ROLESTMT_USER';
  ctx.catalog.putNew(ctx.txn, { ...newRole(id, name), ...changes, login });
  for (const spec of lists.addroleto) {
    const group = await roleOf(ctx, spec);
    checkMayAdmin(ctx, group);
    await addMember(ctx, group, (await roleById(ctx.catalog, id, ctx.wait))!, false);
  }
  const made = (await roleById(ctx.catalog, id, ctx.wait))!;
  for (const spec of lists.rolemembers) await addMember(ctx, made, await roleOf(ctx, spec), false);
  for (const spec of lists.adminmembers) await addMember(ctx, made, await roleOf(ctx, spec), true);
  return 'CREATE ROLE';
}

/** Under its schema lock, as it is now. */
export async function openRole(ctx: DdlContext, role: RoleDescriptor): Promise<RoleDescriptor> {
  await ctx.catalog.lock(ctx.txn, [role.id], ctx.wait);
  const current = await ctx.catalog.forUpdate(ctx.txn, role.id);
  if (current?.kind === 'role') return current;
  // A predefined one has a descriptor from when it is first changed.
  if (isPredefined(role.id) || role.id === 0) return role;
  throw sqlError('42704', `role "${role.name}" does not exist`);
}

export function putRole(ctx: DdlContext, role: RoleDescriptor): void {
  ctx.catalog.put(ctx.txn, { ...role, version: role.version + 1 });
}

/** To change a role. @throws QuoralError 42501 */
function checkMayAlter(ctx: DdlContext, role: RoleDescriptor, { changes, onlyPassword }: Read): void {
  const { rights } = ctx;
  if (rights.superuser) return;
  const own = role.id === rights.id && onlyPassword;
  if (role.superuser || changes.superuser !== undefined)
    throw sqlError('42501', 'must be superuser to alter superuser roles or change superuser attribute');
  if (role.replication || changes.replication !== undefined)
    throw sqlError('42501', 'must be superuser to alter replication roles or change replication attribute');
  if (changes.bypassRls !== undefined) throw sqlError('42501', 'must be superuser to change bypassrls attribute');
  if (!rights.membership.role.createRole && !own) throw sqlError('42501', 'permission denied');
}

export async function runAlterRole(ctx: DdlContext, body: Loose): Promise<string> {
  const read = readOptions(ctx, body);
  const found = await roleOf(ctx, body['role']);
  if (found.name.startsWith('pg_'))
    throw sqlError('42939', `role name "${found.name}" is reserved`, { detail: 'Cannot alter reserved roles.' });
  checkMayAlter(ctx, found, read);
  const role = await openRole(ctx, found);
  if (role.id === SUPERUSER_OID && (read.changes.superuser === false || read.changes.login === false))
    throw sqlError('0A000', `role "${role.name}" is always a superuser who may log in`);
  const { rolemembers } = read.lists;
  if (rolemembers.length > 0) {
    for (const spec of rolemembers) {
      if (Number(body['action'] ?? 1) > 0) await addMember(ctx, role, await roleOf(ctx, spec), false);
      else await removeMember(ctx, role, await roleOf(ctx, spec), false);
    }
  } else putRole(ctx, { ...role, ...read.changes });
  return 'ALTER ROLE';
}

export async function runDropRole(ctx: DdlContext, body: Loose): Promise<string> {
  const { rights } = ctx;
  if (!rights.superuser && !rights.membership.role.createRole)
    throw sqlError('42501', 'permission denied to drop role');
  const going: RoleDescriptor[] = [];
  for (const spec of list(body['roles'])) {
    const inner = of(spec, 'RoleSpec');
    const name = text(inner['rolename']);
    if (inner['roletype'] !== 'ROLESPEC_CSTRING')
      throw sqlError('22023', 'cannot use special role specifier in DROP ROLE');
    const id = await roleIdByName(ctx.catalog, name, ctx.wait);
    if (id === null) {
      if (body['missing_ok'] !== true) throw sqlError('42704', `role "${name}" does not exist`);
      notice(ctx, '00000', `role "${name}" does not exist, skipping`);
      continue;
    }
    if (id === ctx.session.userId) throw sqlError('55006', 'current user cannot be dropped');
    if (id === ctx.session.sessionUserId) throw sqlError('55006', 'session user cannot be dropped');
    const role = (await roleById(ctx.catalog, id, ctx.wait))!;
    if (role.superuser && !rights.superuser) throw sqlError('42501', 'must be superuser to drop superusers');
    if (isPredefined(id))
      throw sqlError('2BP01', `cannot drop role ${role.name} because it is required by the database system`);
    going.push(role);
  }
  for (const role of going) await dropRole(ctx, role, going);
  return 'DROP ROLE';
}

async function dropRole(ctx: DdlContext, found: RoleDescriptor, together: readonly RoleDescriptor[]): Promise<void> {
  const role = await openRole(ctx, found);
  const lines = await roleDependents(ctx, role);
  if (lines.length > 0)
    throw sqlError('2BP01', `role "${role.name}" cannot be dropped because some objects depend on it`, {
      detail: lines.join('\n'),
    });
  for (const other of (await ctx.catalog.view([])).descriptors) {
    if (other.kind !== 'role' || together.some(({ id }) => id === other.id)) continue;
    if (other.memberOf.some(({ roleId }) => roleId === role.id)) {
      const open = await openRole(ctx, other);
      putRole(ctx, { ...open, memberOf: open.memberOf.filter(({ roleId }) => roleId !== role.id) });
    }
  }
  ctx.catalog.freeName(ctx.txn, ROLE_NAMESPACE, role.name, 0);
  ctx.catalog.drop(ctx.txn, role.id);
}

export async function renameRole(ctx: DdlContext, from: string, to: string): Promise<string> {
  const id = await roleIdByName(ctx.catalog, from, ctx.wait);
  if (id === null) throw sqlError('42704', `role "${from}" does not exist`);
  if (id === ctx.session.sessionUserId) throw sqlError('0A000', 'session user cannot be renamed');
  if (id === ctx.session.userId) throw sqlError('0A000', 'current user cannot be renamed');
  checkName(from);
  checkName(to);
  if (isPredefined(id)) throw sqlError('0A000', `role "${from}" cannot be renamed`);
  if ((await roleIdByName(ctx.catalog, to, ctx.wait)) !== null) throw sqlError('42710', `role "${to}" already exists`);
  const role = await openRole(ctx, (await roleById(ctx.catalog, id, ctx.wait))!);
  if (!ctx.rights.superuser) {
    if (role.superuser) throw sqlError('42501', 'must be superuser to rename superusers');
    if (!ctx.rights.membership.role.createRole) throw sqlError('42501', 'permission denied to rename role');
  }
  if (!(await ctx.catalog.claimName(ctx.txn, ROLE_NAMESPACE, to, { id, indexOid: null }, 0)))
    throw sqlError('42710', `role "${to}" already exists`);
  ctx.catalog.freeName(ctx.txn, ROLE_NAMESPACE, from, 0);
  putRole(ctx, { ...role, name: to });
  return 'ALTER ROLE';
}

export async function commentOnRole(ctx: DdlContext, name: string, comment: string | null): Promise<void> {
  const found = await roleOf(ctx, { roletype: 'ROLESPEC_CSTRING', rolename: name });
  const { rights } = ctx;
  if (!rights.superuser && (found.superuser || !rights.membership.role.createRole))
    throw sqlError('42501', found.superuser ? 'must be superuser' : 'must have CREATEROLE privilege');
  putRole(ctx, { ...(await openRole(ctx, found)), comment });
}

// ---- members ----

/** May the user say who is a member of the role. @throws QuoralError 42501 */
function checkMayAdmin(ctx: DdlContext, role: RoleDescriptor): void {
  const { rights } = ctx;
  if (rights.superuser) return;
  if (role.superuser) throw sqlError('42501', 'must be superuser to alter superusers');
  if (rights.membership.role.createRole) return;
  const isAdmin = rights.membership.role.memberOf.some((one) => one.admin && one.roleId === role.id);
  if (!isAdmin) throw sqlError('42501', `must have admin option on role "${role.name}"`);
}

async function addMember(
  ctx: DdlContext,
  role: RoleDescriptor,
  given: RoleDescriptor,
  admin: boolean,
  grantorId = ctx.session.userId,
): Promise<void> {
  if (role.name === 'pg_database_owner') throw sqlError('XX000', `role "${role.name}" cannot have explicit members`);
  if (given.name === 'pg_database_owner')
    throw sqlError('XX000', `role "${given.name}" cannot be a member of any role`);
  if (await isMemberOf(ctx, role.id, given.id))
    throw sqlError('0LP01', `role "${role.name}" is a member of role "${given.name}"`);
  const member = await openRole(ctx, given);
  await ctx.catalog.readTracked(ctx.txn, role.id);
  const before = member.memberOf.find(({ roleId }) => roleId === role.id);
  if (before !== undefined && (before.admin || !admin)) {
    const message = `role "${member.name}" is already a member of role "${role.name}"`;
    notice(ctx, '00000', message);
    return;
  }
  const others = member.memberOf.filter((one) => one !== before);
  putRole(ctx, { ...member, memberOf: [...others, { roleId: role.id, admin, grantorId }] });
}

/** Directly or through others; a role is a member of itself. */
async function isMemberOf(ctx: DdlContext, id: number, of_: number): Promise<boolean> {
  const seen = new Set<number>([id]);
  for (const one of seen) {
    if (one === of_) return true;
    const role = await roleById(ctx.catalog, one, ctx.wait);
    for (const { roleId } of role?.memberOf ?? []) seen.add(roleId);
  }
  return false;
}

async function removeMember(
  ctx: DdlContext,
  role: RoleDescriptor,
  given: RoleDescriptor,
  adminOnly: boolean,
): Promise<void> {
  const member = await openRole(ctx, given);
  const before = member.memberOf.find(({ roleId }) => roleId === role.id);
  if (before === undefined) {
    const message = `role "${member.name}" is not a member of role "${role.name}"`;
    ctx.notice({ severity: 'WARNING', sqlstate: '01000', message });
    return;
  }
  const others = member.memberOf.filter((one) => one !== before);
  putRole(ctx, { ...member, memberOf: adminOnly ? [...others, { ...before, admin: false }] : others });
}

export async function runGrantRole(ctx: DdlContext, body: Loose): Promise<string> {
  const isGrant = body['is_grant'] === true;
  const given = options(body['opt']);
  const admin = given.find(({ name }) => name === 'admin');
  if (given.some(({ name }) => name !== 'admin'))
    throw sqlError('42601', `unrecognized role option "${given.find(({ name }) => name !== 'admin')!.name}"`);
  // REVOKE does not look at it: a role has its membership from one grantor only.
  const grantor =
    body['grantor'] === undefined || !isGrant ? ctx.session.userId : (await roleOf(ctx, body['grantor'])).id;
  if (grantor !== ctx.session.userId && !ctx.rights.isMember(grantor)) {
    const name = (await roleById(ctx.catalog, grantor, ctx.wait))!.name;
    throw sqlError('42501', `must be member of role "${name}"`);
  }
  const members: RoleDescriptor[] = [];
  for (const spec of list(body['grantee_roles'])) members.push(await roleOf(ctx, spec));
  for (const node of list(body['granted_roles'])) {
    const priv = of(node, 'AccessPriv');
    if (priv['cols'] !== undefined) throw sqlError('0LP01', 'column names cannot be included in GRANT/REVOKE ROLE');
    const role = await roleOf(ctx, { roletype: 'ROLESPEC_CSTRING', rolename: text(priv['priv_name']) });
    checkMayAdmin(ctx, role);
    for (const member of members) {
      const current = (await roleById(ctx.catalog, member.id, ctx.wait))!;
      if (isGrant) await addMember(ctx, role, current, admin !== undefined && flagOf(admin.arg), grantor);
      else await removeMember(ctx, role, current, admin !== undefined);
    }
  }
  return isGrant ? 'GRANT ROLE' : 'REVOKE ROLE';
}

function flagOf(arg: unknown): boolean {
  return arg === undefined || /^(true|on|1)$/i.test(valueText(arg));
}
