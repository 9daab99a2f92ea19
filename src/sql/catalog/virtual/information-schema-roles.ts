/** information_schema of roles: who the user is, by membership, and what was granted on what. */
import { type Acl, defaultAcl, PUBLIC_ROLE, RIGHT_NAMES, RIGHTS } from '../acl.js';
import { DATABASE_OWNER, SUPERUSER_OID } from '../bootstrap-names.js';
import { aclOf } from '../rights.js';
import type { Values } from './layout.js';
import { yesNo } from './information-schema-columns.js';
import type { Builder, Model, Source } from './model.js';
import { roleName } from './model.js';
import { fieldsOf, userTypeOf } from '../../types/user-types.js';
import { schemaName } from './views.js';

/** Roles whose rights the user has. */
export function membersOf({ model, ctx }: Source): ReadonlySet<number> {
  const databaseOwner = ownerOfDatabase(model);
  const own = [...model.roles.values()].find(({ name }) => name === ctx.services.user);
  const found = new Set<number>(own === undefined ? [] : [own.id]);
  for (const id of found) {
    const role = model.roles.get(id);
    if (role === undefined || !role.inherit) continue;
    for (const { roleId } of role.memberOf) found.add(roleId);
    if (id === databaseOwner) found.add(DATABASE_OWNER.oid);
  }
  return found;
}

/** Who is a member of pg_database_owner without being granted it. */
function ownerOfDatabase({ view }: Model): number {
  const database = view.byId.get(view.databaseId);
  return database?.kind === 'database' ? database.owner : SUPERUSER_OID;
}

export function isSuperuser({ model, ctx }: Source): boolean {
  return [...model.roles.values()].some(({ name, superuser }) => superuser && name === ctx.services.user);
}

/** One row for each right that was granted, as far as the user has to do with it. */
export function* grants(source: Source, acl: Acl, owner: number, roleGrants: boolean): Iterable<Values> {
  const { model } = source;
  const mine = membersOf(source);
  const all = isSuperuser(source);
  for (const { grantor, grantee, rights, options } of acl) {
    const isPublic = grantee === PUBLIC_ROLE;
    if (!all && !mine.has(grantor) && !mine.has(grantee) && (roleGrants || !isPublic)) continue;
    for (const name of RIGHT_NAMES) {
      if ((rights & RIGHTS[name]) === 0) continue;
      const grantable = (options & RIGHTS[name]) !== 0 || grantee === owner;
      yield {
        grantor: roleName(model, grantor),
        grantee: isPublic ? 'PUBLIC' : roleName(model, grantee),
        privilege_type: name.toUpperCase(),
        is_grantable: yesNo(grantable),
      };
    }
  }
}

function routinePrivileges(roleGrants: boolean): Builder {
  return function* rows(source) {
    const database = source.ctx.services.database;
    for (const group of source.model.routines) {
      for (const { oid, owner = SUPERUSER_OID, acl } of group.routines) {
        const place = {
          specific_catalog: database,
          specific_schema: schemaName(source.model, group.schemaId),
          specific_name: `${group.name}_${oid}`,
          routine_catalog: database,
          routine_schema: schemaName(source.model, group.schemaId),
          routine_name: group.name,
        };
        for (const grant of grants(source, acl ?? defaultAcl('function', owner), owner, roleGrants))
          yield { ...grant, ...place };
      }
    }
  };
}

type Granted = readonly [place: Values, acl: Acl, owner: number];

/** Sequences only where something was granted: PostgreSQL reads the others' rights as a table's, to which USAGE is none. */
function* usable({ model, ctx }: Source): Iterable<Granted> {
  const place = (schemaId: number, object_name: string, object_type: string): Values => ({
    object_catalog: ctx.services.database,
    object_schema: schemaName(model, schemaId),
    object_name,
    object_type,
  });
  for (const { schemaId, name, owner } of model.collations) {
    const everybody = { grantor: owner, grantee: PUBLIC_ROLE, rights: RIGHTS.usage, options: 0 };
    yield [place(schemaId, name, 'COLLATION'), [everybody], owner];
  }
  for (const type of model.types)
    if (userTypeOf(type.typeOid)?.kind === 'domain')
      yield [place(type.schemaId, type.name, 'DOMAIN'), aclOf(type), type.owner];
  for (const { schemaId, name, acl, owner } of model.sequences) {
    const usage = (acl ?? []).map((item) => ({ ...item, rights: item.rights & RIGHTS.usage }));
    yield [place(schemaId, name, 'SEQUENCE'), usage, owner];
  }
}

function usagePrivileges(roleGrants: boolean): Builder {
  return function* rows(source) {
    for (const [place, acl, owner] of usable(source))
      for (const grant of grants(source, acl, owner, roleGrants)) yield { ...grant, ...place };
  };
}

/** Of composite types, those of tables' rows too. */
function* structured({ model, ctx }: Source): Iterable<Granted> {
  const place = (schemaId: number, udt_name: string): Values => ({
    udt_catalog: ctx.services.database,
    udt_schema: schemaName(model, schemaId),
    udt_name,
  });
  for (const type of model.types)
    if (fieldsOf(type.typeOid) !== null) yield [place(type.schemaId, type.name), aclOf(type), type.owner];
  for (const { schemaId, name, owner } of [...model.tables, ...model.views])
    yield [place(schemaId, name), defaultAcl('type', owner), owner];
}

function udtPrivileges(roleGrants: boolean): Builder {
  return function* rows(source) {
    for (const [place, acl, owner] of structured(source))
      for (const grant of grants(source, acl, owner, roleGrants))
        yield { ...grant, ...place, privilege_type: 'TYPE USAGE' };
  };
}

function* memberRows(source: Source, adminOnly: boolean): Iterable<Values> {
  const mine = isSuperuser(source) ? new Set(source.model.roles.keys()) : membersOf(source);
  for (const role of source.model.roles.values()) {
    for (const { roleId, admin } of role.memberOf) {
      if (!mine.has(role.id) || (adminOnly && !admin)) continue;
      const name = { grantee: role.name, role_name: roleName(source.model, roleId) };
      yield { ...name, is_grantable: yesNo(admin) };
    }
  }
  const owner = source.model.roles.get(ownerOfDatabase(source.model));
  if (owner !== undefined && mine.has(owner.id) && !adminOnly)
    yield { grantee: owner.name, role_name: DATABASE_OWNER.name, is_grantable: yesNo(false) };
}

export const roleViews: Readonly<Record<string, Builder>> = {
  enabled_roles: (source) => {
    const mine = isSuperuser(source) ? new Set(source.model.roles.keys()) : membersOf(source);
    return [...mine].filter((id) => id !== 0).map((id) => ({ role_name: roleName(source.model, id) }));
  },
  applicable_roles: (source) => memberRows(source, false),
  administrable_role_authorizations: (source) => memberRows(source, true),
  routine_privileges: routinePrivileges(false),
  role_routine_grants: routinePrivileges(true),
  usage_privileges: usagePrivileges(false),
  role_usage_grants: usagePrivileges(true),
  udt_privileges: udtPrivileges(false),
  role_udt_grants: udtPrivileges(true),
};
