/** Whose an object is, and what schema statements ask of those who are no superusers. */
import { type QuoralError, sqlError } from '../../base/errors.js';
import { RIGHTS } from '../catalog/acl.js';
import { SUPERUSER_OID } from '../catalog/bootstrap-names.js';
import type { DatabaseDescriptor, Descriptor, RoleDescriptor, Routine } from '../catalog/descriptor.js';
import { aclOf, relationKind, schemaAccess } from '../catalog/rights.js';
import { requireRole, roleById } from '../catalog/roles.js';
import type { DdlContext } from './context.js';
import { text } from './tree.js';
import type { Loose } from './tree.js';

type Owned = Exclude<Descriptor, { readonly kind: 'role' | 'routine' }>;

export function notOwner(kind: string, name: string): QuoralError {
  return sqlError('42501', `must be owner of ${kind} ${name}`);
}

/** @throws QuoralError 42501 */
export function requireOwner(ctx: DdlContext, descriptor: Owned, kind: string = relationKind(descriptor)): void {
  if (!ctx.rights.owns(descriptor)) throw notOwner(kind, descriptor.name);
}

export function ownerOfRoutine({ owner }: Pick<Routine, 'owner'>): number {
  return owner ?? SUPERUSER_OID;
}

/** @throws QuoralError 42501 */
export async function requireSchemaOwner(ctx: DdlContext, id: number, name: string): Promise<void> {
  if (ctx.rights.superuser) return;
  const access = await schemaAccess(ctx.catalog, id, ctx.wait);
  if (access === null || !ctx.rights.isMember(access.owner)) throw notOwner('schema', name);
}

/** The schema's owner may drop what is in it. */
export async function ownsSchemaOf(ctx: DdlContext, { schemaId }: { readonly schemaId: number }): Promise<boolean> {
  const access = await schemaAccess(ctx.catalog, schemaId, ctx.wait);
  return access !== null && ctx.rights.isMember(access.owner);
}

/** To make something in a schema. @throws QuoralError 42501 */
export async function requireCreate(ctx: DdlContext, id: number, name: string): Promise<void> {
  // Who goes while something of it is made would leave it to nobody.
  if (ctx.session.userId !== SUPERUSER_OID) await ctx.catalog.readTracked(ctx.txn, ctx.session.userId);
  if (ctx.rights.superuser) return;
  const access = await schemaAccess(ctx.catalog, id, ctx.wait);
  if (access === null || !ctx.rights.has(access.acl, RIGHTS.create))
    throw sqlError('42501', `permission denied for schema ${name}`);
}

export async function currentDatabase(ctx: DdlContext): Promise<DatabaseDescriptor> {
  return (await ctx.catalog.peek(ctx.catalog.databaseId, ctx.wait)) as DatabaseDescriptor;
}

/** @throws QuoralError 42501 */
export async function requireOnDatabase(ctx: DdlContext, right: number, refusal: () => Error): Promise<void> {
  if (ctx.rights.superuser) return;
  if (!ctx.rights.has(aclOf(await currentDatabase(ctx)), right)) throw refusal();
}

/** The role that a RoleSpec names; not PUBLIC. @throws QuoralError 42704 */
export async function roleOf(ctx: DdlContext, spec: unknown): Promise<RoleDescriptor> {
  const given = spec as Loose | undefined;
  const inner = (given?.['RoleSpec'] as Loose | undefined) ?? given ?? {};
  switch (inner['roletype']) {
    case 'ROLESPEC_CURRENT_USER':
    case 'ROLESPEC_CURRENT_ROLE':
      return (await roleById(ctx.catalog, ctx.session.userId, ctx.wait))!;
    case 'ROLESPEC_SESSION_USER':
      return (await roleById(ctx.catalog, ctx.session.sessionUserId, ctx.wait))!;
    case 'ROLESPEC_PUBLIC':
      throw sqlError('42704', 'role "public" does not exist');
    default:
      return requireRole(ctx.catalog, text(inner['rolename']), ctx.wait);
  }
}

export function isPublic(spec: Loose): boolean {
  return ((spec['RoleSpec'] as Loose | undefined) ?? spec)['roletype'] === 'ROLESPEC_PUBLIC';
}

/** To give something to the role. @throws QuoralError 42501 */
export function requireMember(ctx: DdlContext, role: RoleDescriptor): void {
  if (!ctx.rights.superuser && !ctx.rights.membership.all.has(role.id))
    throw sqlError('42501', `must be member of role "${role.name}"`);
}
