/** ALTER DEFAULT PRIVILEGES: what new objects of a role are granted; kept in the descriptor of the database. */
import { sqlError } from '../../base/errors.js';
import { type Acl, type AclItem, defaultAcl, granted, revoked, sameAcl } from '../catalog/acl.js';
import type { DatabaseDescriptor, DefaultAcl } from '../catalog/descriptor.js';
import type { DdlContext } from './context.js';
import { currentDatabase, roleOf } from './ownership.js';
import { readWanted, wholeBits } from './privileges.js';
import { list, of, options, strings } from './tree.js';
import type { Loose } from './tree.js';

type Kind = DefaultAcl['kind'];

const KINDS: Readonly<Record<string, Kind>> = {
  OBJECT_TABLE: 'table',
  OBJECT_SEQUENCE: 'sequence',
  OBJECT_FUNCTION: 'function',
  OBJECT_ROUTINE: 'function',
  OBJECT_TYPE: 'type',
  OBJECT_SCHEMA: 'schema',
};

/** With a schema go the privileges that new objects in it were to have. The database's lock is held. */
export async function forgetSchemaDefaults(ctx: DdlContext, schemaId: number): Promise<void> {
  const database = await ctx.catalog.forUpdate(ctx.txn, ctx.catalog.databaseId);
  if (database?.kind !== 'database' || database.defaultAcls == null) return;
  const defaultAcls = database.defaultAcls.filter((one) => one.schemaId !== schemaId);
  if (defaultAcls.length < database.defaultAcls.length)
    ctx.catalog.put(ctx.txn, { ...database, defaultAcls, version: database.version + 1 });
}

export async function runDefaultPrivileges(ctx: DdlContext, body: Loose): Promise<string> {
  const given = options(body['options']);
  const listOf = (name: string): unknown => {
    const arg = given.find((one) => one.name === name)?.arg as Loose | undefined;
    return arg === undefined ? undefined : of(arg, 'List')['items'];
  };
  const specs = listOf('roles') === undefined ? [{ roletype: 'ROLESPEC_CURRENT_USER' }] : list(listOf('roles'));
  const roleIds: number[] = [];
  for (const spec of specs) {
    const role = await roleOf(ctx, spec);
    if (!ctx.rights.isMember(role.id)) throw sqlError('42501', 'permission denied to change default privileges');
    await ctx.catalog.readTracked(ctx.txn, role.id);
    roleIds.push(role.id);
  }
  const schemaIds: number[] = [];
  for (const name of strings(listOf('schemas'))) {
    const id = await ctx.catalog.schemaId(name);
    if (id === null) throw sqlError('3F000', `schema "${name}" does not exist`);
    schemaIds.push(id);
  }
  const action = body['action'] as Loose;
  const kind = KINDS[String(action['objtype'])]!;
  if (kind === 'schema' && schemaIds.length > 0)
    throw sqlError('0LP01', 'cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS');
  const wanted = await readWanted(ctx, action);
  if (wanted.rights.some(({ columns }) => columns.length > 0))
    throw sqlError('0LP01', 'default privileges cannot be set for columns');
  const bits = wholeBits(kind, wanted);
  const { databaseId } = ctx.catalog;
  await ctx.catalog.lock(ctx.txn, [databaseId], ctx.wait);
  let database = (await ctx.catalog.forUpdate(ctx.txn, databaseId)) as DatabaseDescriptor;
  for (const roleId of roleIds) {
    for (const schemaId of schemaIds.length === 0 ? [0] : schemaIds) {
      const born = schemaId === 0 ? defaultAcl(kind, roleId) : [];
      const old = (database.defaultAcls ?? []).find(
        (one) => one.roleId === roleId && one.schemaId === schemaId && one.kind === kind,
      );
      let acl: Acl = old?.acl ?? born;
      for (const grantee of wanted.grantees) {
        acl = wanted.isGrant
          ? granted(acl, { grantee, grantor: roleId, rights: bits, withOption: wanted.option })
          : revoked(acl, {
              grantee,
              grantor: roleId,
              rights: bits,
              optionOnly: wanted.option,
              cascade: wanted.cascade,
              owner: roleId,
            });
      }
      const others = (database.defaultAcls ?? []).filter((one) => one !== old);
      const entry = { oid: old?.oid ?? (await ctx.catalog.catalog.ids.next()), roleId, schemaId, kind, acl };
      database = { ...database, defaultAcls: sameAcl(acl, born) ? others : [...others, entry] };
    }
  }
  ctx.catalog.put(ctx.txn, { ...database, version: database.version + 1 });
  return 'ALTER DEFAULT PRIVILEGES';
}

/** The list that a new object of the user begins with; nothing where it is what PostgreSQL gives. */
export async function initialAcl(ctx: DdlContext, kind: Kind, schemaId: number): Promise<{ readonly acl?: Acl }> {
  const { defaultAcls = [] } = await currentDatabase(ctx);
  const mine = defaultAcls.filter((one) => one.roleId === ctx.session.userId && one.kind === kind);
  if (mine.length === 0) return {};
  const born = defaultAcl(kind, ctx.session.userId);
  const everywhere = mine.find((one) => one.schemaId === 0)?.acl ?? born;
  const here = mine.find((one) => one.schemaId === schemaId)?.acl ?? [];
  const acl = here.reduce<Acl>(withItem, everywhere);
  return sameAcl(acl, born) ? {} : { acl };
}

function withItem(acl: Acl, { grantee, grantor, rights, options: may }: AclItem): Acl {
  const first = granted(acl, { grantee, grantor, rights, withOption: false });
  return may === 0 ? first : granted(first, { grantee, grantor, rights: may, withOption: true });
}
