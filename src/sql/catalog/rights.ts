/** What a role may do with an object, by the lists on it and by the roles that it is a member of. */
import type { Acl, AclKind } from './acl.js';
import { defaultAcl, PUBLIC_ROLE, RIGHTS, rightsOf } from './acl.js';
import { INFORMATION_SCHEMA_ID, PG_CATALOG_SCHEMA_ID, PUBLIC_SCHEMA_ID } from './bootstrap.js';
import { DATABASE_OWNER } from './bootstrap-names.js';
import type { WaitOptions } from './catalog.js';
import type { DatabaseDescriptor, Descriptor, SchemaDescriptor, TableDescriptor } from './descriptor.js';
import { isMaterialized } from './materialized.js';
import { type Membership, newRole, READ_ALL_DATA, WRITE_ALL_DATA } from './roles.js';
import type { TransactionCatalog } from './transaction-catalog.js';

export class Rights {
  readonly membership: Membership;
  readonly superuser: boolean;

  constructor(membership: Membership) {
    this.membership = membership;
    this.superuser = membership.role.superuser;
  }

  /** Of the one who may do everything. */
  static all(id: number): Rights {
    const role = { ...newRole(id, 'postgres'), superuser: true, createRole: true, createDatabase: true };
    return new Rights({ role, inherited: new Set([id]), all: new Set([id]) });
  }

  static none(id: number): Rights {
    return new Rights({ role: newRole(id, ''), inherited: new Set(), all: new Set() });
  }

  get id(): number {
    return this.membership.role.id;
  }
  isMember(role: number): boolean {
    return this.superuser || this.membership.inherited.has(role);
  }
  /** All of the rights. */
  has(acl: Acl, rights: number): boolean {
    return (this.of(acl) & rights) === rights;
  }
  of(acl: Acl): number {
    if (this.superuser) return ~0;
    return rightsOf(acl, (role) => this.membership.inherited.has(role));
  }
  owns(object: { readonly owner: number }): boolean {
    return this.isMember(object.owner);
  }
}

/** Whether row-level security stands between the role and the table's rows. */
export function isUnderRowSecurity(rights: Rights, table: TableDescriptor): boolean {
  if (table.rowSecurity?.enabled !== true || rights.superuser || rights.membership.role.bypassRls) return false;
  return table.rowSecurity.forced || !rights.owns(table);
}

/** How the rights of a descriptor are kept. */
export function aclKindOf(descriptor: Descriptor): AclKind {
  switch (descriptor.kind) {
    case 'sequence':
      return 'sequence';
    case 'type':
      return 'type';
    case 'schema':
      return 'schema';
    case 'database':
      return 'database';
    case 'routine':
      return 'function';
    default:
      return 'table';
  }
}

/** The list that counts, whether it was ever changed or not. */
export function aclOf(descriptor: Exclude<Descriptor, { readonly kind: 'role' }>): Acl {
  return descriptor.acl ?? defaultAcl(aclKindOf(descriptor), descriptor.owner);
}

/** What is granted on the whole of it, with what the predefined roles have of everything. */
export function wholeRights(rights: Rights, descriptor: Exclude<Descriptor, { readonly kind: 'role' }>): number {
  let has = rights.of(aclOf(descriptor));
  if (rights.isMember(READ_ALL_DATA)) has |= RIGHTS.select;
  if (rights.isMember(WRITE_ALL_DATA)) has |= RIGHTS.insert | RIGHTS.update | RIGHTS.delete;
  return has;
}

/** The same for a schema by its list. */
export function schemaRights(rights: Rights, acl: Acl): number {
  const uses = rights.isMember(READ_ALL_DATA) || rights.isMember(WRITE_ALL_DATA);
  return rights.of(acl) | (uses ? RIGHTS.usage : 0);
}

/** As messages name the kind of a relation. */
export function relationKind(descriptor: Descriptor): string {
  if (descriptor.kind === 'table' && isMaterialized(descriptor)) return 'materialized view';
  return descriptor.kind;
}

/** As its database has it: `public` is one descriptor for all. */
export function publicSchemaOf(database: DatabaseDescriptor | null): { readonly owner: number; readonly acl: Acl } {
  const { owner = DATABASE_OWNER.oid, acl = null } = database?.publicSchema ?? {};
  const usage = { grantee: PUBLIC_ROLE, grantor: owner, rights: RIGHTS.usage, options: 0 };
  // As initdb leaves it.
  return { owner, acl: acl ?? [...defaultAcl('schema', owner), usage] };
}

/** A schema's owner and list. null: everybody may use it. */
export async function schemaAccess(
  tc: TransactionCatalog,
  id: number,
  wait: WaitOptions,
): Promise<{ readonly owner: number; readonly acl: Acl } | null> {
  if (id === PG_CATALOG_SCHEMA_ID || id === INFORMATION_SCHEMA_ID) return null;
  if (id === PUBLIC_SCHEMA_ID) return publicSchemaOf((await tc.peek(tc.databaseId, wait)) as DatabaseDescriptor | null);
  const schema = (await tc.peek(id, wait)) as SchemaDescriptor | null;
  return schema?.kind === 'schema' ? { owner: schema.owner, acl: aclOf(schema) } : null;
}

export async function aclOfSchema(tc: TransactionCatalog, id: number, wait: WaitOptions): Promise<Acl | null> {
  return (await schemaAccess(tc, id, wait))?.acl ?? null;
}
