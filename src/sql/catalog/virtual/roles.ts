/** Roles as the catalogs show them: pg_authid and the views over it, who is a member of whom, settings and privileges that roles and databases have. */
import { PgArray } from '../../types/datum.js';
import { OID } from '../../types/oids.js';
import { typeByOid } from '../../types/registry.js';
import { STORED_FORMAT } from '../../types/stored-format.js';
import type { Datum } from '../../types/datum.js';
import type { RoleDescriptor } from '../descriptor.js';
import { EVERY_ROLE_ID } from '../roles.js';
import type { Values } from './layout.js';
import type { Source } from './model.js';
import { aclArray, textArray } from './model.js';

function everyone({ model }: Source): RoleDescriptor[] {
  return [...model.roles.values()].filter(({ id }) => id !== EVERY_ROLE_ID).sort((a, b) => a.id - b.id);
}

function until({ validUntil }: RoleDescriptor): Datum {
  return validUntil === null ? null : typeByOid(OID.timestamptz).input(validUntil, -1, STORED_FORMAT);
}

function powers(role: RoleDescriptor): Values {
  return {
    oid: role.id,
    rolname: role.name,
    rolsuper: role.superuser,
    rolinherit: role.inherit,
    rolcreaterole: role.createRole,
    rolcreatedb: role.createDatabase,
    rolcanlogin: role.login,
    rolreplication: role.replication,
    rolbypassrls: role.bypassRls,
    rolconnlimit: role.connectionLimit,
    rolvaliduntil: until(role),
  };
}

export function authIds(source: Source): Values[] {
  return everyone(source).map((role) => ({ ...powers(role), rolpassword: null }));
}

function config(settings: readonly string[] | undefined): Datum {
  return settings === undefined || settings.length === 0 ? null : textArray(settings);
}

export function roles(source: Source): Values[] {
  return everyone(source).map((role) => ({
    ...powers(role),
    rolpassword: '********',
    rolconfig: config(role.settings),
  }));
}

function user(role: RoleDescriptor): Values {
  return {
    usename: role.name,
    usesysid: role.id,
    usecreatedb: role.createDatabase,
    usesuper: role.superuser,
    userepl: role.replication,
    usebypassrls: role.bypassRls,
    valuntil: until(role),
    useconfig: config(role.settings),
  };
}
export function shadows(source: Source): Values[] {
  return everyone(source)
    .filter(({ login }) => login)
    .map(user);
}
export function users(source: Source): Values[] {
  return shadows(source).map((one) => ({ ...one, passwd: '********' }));
}

export function groups(source: Source): Values[] {
  const all = everyone(source);
  return all
    .filter(({ login }) => !login)
    .map(({ id, name }) => {
      const members = all.filter(({ memberOf }) => memberOf.some(({ roleId }) => roleId === id));
      return {
        groname: name,
        grosysid: id,
        grolist: new PgArray(
          OID.oid,
          members.map((one) => one.id),
        ),
      };
    });
}

export function memberships(source: Source): Values[] {
  return everyone(source).flatMap((role) =>
    role.memberOf.map(({ roleId, admin, grantorId }) => ({
      roleid: roleId,
      member: role.id,
      grantor: grantorId,
      admin_option: admin,
    })),
  );
}

export function* keptSettings({ model }: Source): Iterable<Values> {
  const row = (setdatabase: number, setrole: number, settings: readonly string[] | undefined): Values[] =>
    settings === undefined || settings.length === 0 ? [] : [{ setdatabase, setrole, setconfig: textArray(settings) }];
  for (const { id, settings } of model.databases) yield* row(id, 0, settings);
  for (const { id, settings, databaseSettings = {} } of model.roles.values()) {
    yield* row(0, id, settings);
    for (const [database, kept] of Object.entries(databaseSettings)) yield* row(Number(database), id, kept);
  }
}

const LETTERS = { table: 'r', sequence: 'S', function: 'f', type: 'T', schema: 'n' } as const;

export function defaultAcls({ model }: Source): Values[] {
  const database = model.databases.find(({ id }) => id === model.view.databaseId);
  return (database?.defaultAcls ?? []).map(({ oid, roleId, schemaId, kind, acl }) => ({
    oid,
    defaclrole: roleId,
    defaclnamespace: schemaId,
    defaclobjtype: LETTERS[kind],
    defaclacl: aclArray(model, acl),
  }));
}
