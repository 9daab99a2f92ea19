/** Roles and rights as functions in queries ask for them: in the view of the catalog that the statement has. */
import { type Acl, PUBLIC_ROLE } from '../catalog/acl.js';
import { DATABASE_OWNER, SUPERUSER_OID } from '../catalog/bootstrap-names.js';
import { PUBLIC_SCHEMA_ID } from '../catalog/bootstrap.js';
import type { DatabaseDescriptor, Descriptor, RoleDescriptor } from '../catalog/descriptor.js';
import { aclOf, publicSchemaOf, Rights } from '../catalog/rights.js';
import { newRole, PREDEFINED } from '../catalog/roles.js';
import type { CatalogView } from '../catalog/transaction-catalog.js';
import { isSecret } from '../catalog/virtual/secrets.js';
import type { AccessServices } from '../contract.js';

interface Known {
  readonly byId: ReadonlyMap<number, RoleDescriptor>;
  readonly byName: ReadonlyMap<string, number>;
  readonly rights: Map<number, Rights>;
}

const knownOf = new WeakMap<CatalogView, Known>();

function known(view: CatalogView | null): Known {
  const found = view === null ? undefined : knownOf.get(view);
  if (found !== undefined) return found;
  const byId = new Map(PREDEFINED.map((role) => [role.id, role]));
  for (const d of view?.descriptors ?? []) if (d.kind === 'role' && d.name !== '') byId.set(d.id, d);
  const byName = new Map(Array.from(byId.values(), ({ id, name }) => [name, id]));
  const made = { byId, byName, rights: new Map<number, Rights>() };
  if (view !== null) knownOf.set(view, made);
  return made;
}

function reached(role: RoleDescriptor, roles: Known, databaseOwner: number, onlyInherited: boolean): Set<number> {
  const found = new Set<number>([role.id]);
  for (const id of found) {
    const one = roles.byId.get(id);
    if (one === undefined || (onlyInherited && !one.inherit)) continue;
    for (const { roleId } of one.memberOf) found.add(roleId);
    if (id === databaseOwner) found.add(DATABASE_OWNER.oid);
  }
  return found;
}

/** `view`: that of now; null where the statement has none. */
export function catalogAccess(
  view: () => CatalogView | null,
  session: {
    readonly userId: number;
    routineOid(name: string): number | null;
    typeOid(name: string): number | null;
    schemaOid(name: string): number | null;
  },
): AccessServices {
  const database = (): DatabaseDescriptor | null => {
    const now = view();
    const d = now === null ? null : now.byId.get(now.databaseId);
    return d?.kind === 'database' ? d : null;
  };
  const rightsOf = (id: number): Rights | null => {
    const roles = known(view());
    const kept = roles.rights.get(id);
    if (kept !== undefined) return kept;
    const role = id === PUBLIC_ROLE ? newRole(PUBLIC_ROLE, 'public') : roles.byId.get(id);
    if (role === undefined) return null;
    const owner = database()?.owner ?? SUPERUSER_OID;
    const inherited = reached(role, roles, owner, true);
    const rights = new Rights({ role, inherited, all: reached(role, roles, owner, false) });
    roles.rights.set(id, rights);
    return rights;
  };
  return {
    get userId() {
      return session.userId;
    },
    rightsOf,
    roleOid: (name) => known(view()).byName.get(name) ?? null,
    roleName: (oid) => known(view()).byId.get(oid)?.name ?? null,
    descriptor: (oid): Descriptor | null => view()?.byId.get(oid) ?? null,
    schemaOid: (name) => session.schemaOid(name),
    schemaAcl(id): { readonly owner: number; readonly acl: Acl } | null {
      if (id === PUBLIC_SCHEMA_ID) return publicSchemaOf(database());
      const d = view()?.byId.get(id);
      return d?.kind === 'schema' ? { owner: d.owner, acl: aclOf(d) } : null;
    },
    database(named) {
      for (const d of view()?.descriptors ?? [])
        if (d.kind === 'database' && (d.id === named || d.name === named)) return d;
      return null;
    },
    routineOid: (name) => session.routineOid(name) ?? 0,
    typeOid: (name) => session.typeOid(name) ?? 0,
    isSecret,
  };
}
