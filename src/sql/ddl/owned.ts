/**
 * Owners: OWNER TO, what hangs on a role, REASSIGN OWNED and DROP OWNED. A table's indexes, the sequences of its columns and the type of its rows
 * are its owner's.
 */
import { giveCollation } from './collations.js';
import { sqlError } from '../../base/errors.js';
import { type Acl, RIGHTS, withOwner, withoutRole } from '../catalog/acl.js';
import { PUBLIC_SCHEMA_ID } from '../catalog/bootstrap.js';
import type {
  DatabaseDescriptor,
  Descriptor,
  RoleDescriptor,
  Routine,
  RoutineDescriptor,
} from '../catalog/descriptor.js';
import { isMaterialized, kindName } from '../catalog/materialized.js';
import { publicSchemaOf, schemaAccess } from '../catalog/rights.js';
import { isPredefined, roleById } from '../catalog/roles.js';
import type { DdlContext } from './context.js';
import { runDrop } from './drop.js';
import { descriptorOf, openForChange, relationMissing, visibleName } from './objects.js';
import {
  ownerOfRoutine,
  requireMember,
  requireOnDatabase,
  requireSchemaOwner,
  roleOf,
  requireOwner,
} from './ownership.js';
import { changeRoutine, isRoutineObject, openRoutine, identityText } from './routines.js';
import { giveStatistics, withoutStatistics } from './statistics.js';
import { ownedSequences } from './sequence-users.js';
import { refuseIfNever } from './missing-objects.js';
import { list, of, rangeVar, stringOf } from './tree.js';
import type { Loose } from './tree.js';
import { openType, typeMissing, typeNameIn } from './user-types.js';

type Ownable = Exclude<Descriptor, { readonly kind: 'role' | 'routine' }>;

/** The new owner must be able to make what it is given. @throws QuoralError 42501 */
async function requireCreateFor(ctx: DdlContext, role: RoleDescriptor, schemaId: number): Promise<void> {
  requireMember(ctx, role);
  if (ctx.rights.superuser) return;
  const access = await schemaAccess(ctx.catalog, schemaId, ctx.wait);
  const rights = await ctx.rightsOf(role.id);
  if (access !== null && rights.has(access.acl, RIGHTS.create)) return;
  throw sqlError('42501', `permission denied for schema ${await ctx.catalog.schemaName(schemaId)}`);
}

function owned<D extends Ownable>(descriptor: D, to: number): D {
  const { acl, owner } = descriptor;
  const list = acl == null ? {} : { acl: withOwner(acl, owner, to) };
  const next = { ...descriptor, ...list, owner: to, version: descriptor.version + 1 };
  if (next.kind !== 'table' && next.kind !== 'view') return next as D;
  const columns = (next.columns as readonly { readonly acl?: Acl | null }[]).map((column) =>
    column.acl == null ? column : { ...column, acl: withOwner(column.acl, owner, to) },
  );
  return { ...next, columns } as unknown as D;
}

/** Of a relation that is locked, and what goes with it. */
export async function giveRelation(
  ctx: DdlContext,
  found: Extract<Descriptor, { readonly kind: 'table' | 'view' | 'sequence' }>,
  role: RoleDescriptor,
): Promise<void> {
  if (found.kind === 'sequence' && found.ownedBy !== null) {
    const table = await ctx.catalog.descriptor(found.ownedBy.tableId, ctx.wait);
    throw sqlError('0A000', `cannot change owner of sequence "${found.name}"`, {
      detail: `Sequence "${found.name}" is linked to table "${table?.name ?? ''}".`,
    });
  }
  if (found.owner === role.id) return;
  await requireCreateFor(ctx, role, found.schemaId);
  await put(ctx, found, role.id);
}

async function put(ctx: DdlContext, found: Ownable, to: number): Promise<void> {
  await ctx.catalog.readTracked(ctx.txn, to);
  ctx.catalog.put(ctx.txn, owned(found, to));
  if (found.kind !== 'table') return;
  for (const sequence of await ownedSequences(ctx, found)) ctx.catalog.put(ctx.txn, owned(sequence, to));
}

function alterTag(kind: unknown): string {
  return `ALTER ${kind === 'OBJECT_MATVIEW' ? 'MATERIALIZED VIEW' : String(kind).replace('OBJECT_', '')}`;
}

/** ALTER … OWNER TO, of what is altered otherwise than as a table. */
export async function runOwner(ctx: DdlContext, body: Loose): Promise<string> {
  const role = await roleOf(ctx, body['newowner']);
  const type = String(body['objectType']);
  const tag = alterTag(type);
  const object = body['object'] as Loose;
  if (isRoutineObject(type)) {
    const opened = (await openRoutine(ctx, of(object, 'ObjectWithArgs'), type, false))!;
    await giveRoutine(ctx, opened, role);
    return tag;
  }
  switch (type) {
    case 'OBJECT_SCHEMA':
      await giveSchema(ctx, stringOf(object), role);
      return tag;
    case 'OBJECT_DATABASE':
      await giveDatabase(ctx, stringOf(object), role);
      return tag;
    case 'OBJECT_TYPE':
    case 'OBJECT_DOMAIN': {
      const opened = await openType(ctx, typeNameIn(object));
      if (opened === null) return typeMissing(ctx, typeNameIn(object));
      if (opened.descriptor.owner === role.id) return tag;
      await requireCreateFor(ctx, role, opened.descriptor.schemaId);
      await put(ctx, opened.descriptor, role.id);
      return tag;
    }
    case 'OBJECT_TABLE':
    case 'OBJECT_VIEW':
    case 'OBJECT_MATVIEW':
    case 'OBJECT_SEQUENCE': {
      const name = rangeVar(body['relation']);
      const opened = await openForChange(ctx, name);
      if (opened === null) return relationMissing(ctx, name);
      await giveRelation(ctx, descriptorOf(opened), role);
      return tag;
    }
    case 'OBJECT_COLLATION':
      await giveCollation(ctx, object, role);
      return tag;
    case 'OBJECT_STATISTIC_EXT':
      await giveStatistics(ctx, object, role);
      return 'ALTER STATISTICS';
    default:
      await refuseIfNever(ctx, type, object);
      if (!ctx.rights.superuser) throw sqlError('0A000', `${tag} … OWNER TO is not supported`);
      return tag;
  }
}

async function giveRoutine(
  ctx: DdlContext,
  opened: { readonly group: RoutineDescriptor; readonly routine: Routine },
  role: RoleDescriptor,
): Promise<void> {
  const { group, routine } = opened;
  const owner = ownerOfRoutine(routine);
  if (owner === role.id) return;
  await requireCreateFor(ctx, role, group.schemaId);
  await ctx.catalog.readTracked(ctx.txn, role.id);
  const acl = routine.acl == null ? {} : { acl: withOwner(routine.acl, owner, role.id) };
  await changeRoutine(ctx, opened, { ...routine, ...acl, owner: role.id });
}

async function giveSchema(ctx: DdlContext, name: string, role: RoleDescriptor): Promise<void> {
  const id = await ctx.catalog.schemaId(name);
  if (id === null) throw sqlError('3F000', `schema "${name}" does not exist`);
  await requireSchemaOwner(ctx, id, name);
  requireMember(ctx, role);
  const { databaseId } = ctx.catalog;
  await ctx.catalog.lock(ctx.txn, [id === PUBLIC_SCHEMA_ID ? databaseId : id], ctx.wait);
  if (id === PUBLIC_SCHEMA_ID) {
    const database = (await ctx.catalog.forUpdate(ctx.txn, databaseId)) as DatabaseDescriptor;
    const { owner, acl } = publicSchemaOf(database);
    const publicSchema = { owner: role.id, acl: withOwner(acl, owner, role.id) };
    ctx.catalog.put(ctx.txn, { ...database, publicSchema, version: database.version + 1 });
    return;
  }
  const schema = await ctx.catalog.forUpdate(ctx.txn, id);
  if (schema?.kind !== 'schema') throw sqlError('0A000', `the owner of schema "${name}" cannot be changed`);
  await requireOnDatabase(ctx, RIGHTS.create, () =>
    sqlError('42501', `permission denied for database ${ctx.session.database}`),
  );
  await put(ctx, schema, role.id);
}

async function giveDatabase(ctx: DdlContext, name: string, role: RoleDescriptor): Promise<void> {
  const entry = await ctx.catalog.nameForUpdate(ctx.txn, 0, name, 0);
  if (entry === null) throw sqlError('3D000', `database "${name}" does not exist`);
  await ctx.catalog.lock(ctx.txn, [entry.id], ctx.wait);
  const database = (await ctx.catalog.forUpdate(ctx.txn, entry.id)) as DatabaseDescriptor;
  requireOwner(ctx, database);
  requireMember(ctx, role);
  if (!ctx.rights.superuser && !ctx.rights.membership.role.createDatabase)
    throw sqlError('42501', 'permission denied to change owner of database');
  await put(ctx, database, role.id);
}

// ---- what hangs on a role ----

interface Hanging {
  readonly oid: number;
  readonly line: string;
}

const KIND_NAMES = {
  table: 'relations',
  sequence: 'sequences',
  function: 'functions',
  type: 'types',
  schema: 'schemas',
};

/** What hangs on the role in a descriptor of this database. */
async function hanging(
  ctx: DdlContext,
  d: Exclude<Descriptor, { readonly kind: 'role' }>,
  role: RoleDescriptor,
): Promise<Hanging[]> {
  const named = (acl: Acl | null | undefined): boolean =>
    acl?.some(({ grantee, grantor }) => grantee === role.id || grantor === role.id) === true;
  const found: Hanging[] = [];
  const add = (oid: number, name: string, owner: number | null, acl: Acl | null | undefined): void => {
    if (owner === role.id) found.push({ oid, line: `owner of ${name}` });
    else if (named(acl)) found.push({ oid, line: `privileges for ${name}` });
  };
  if (d.kind === 'database') {
    add(d.id, `database ${d.name}`, d.owner, d.acl);
    if (d.id !== ctx.catalog.databaseId) return found;
    if (d.publicSchema !== undefined) add(PUBLIC_SCHEMA_ID, 'schema public', d.publicSchema.owner, d.publicSchema.acl);
    for (const one of d.defaultAcls ?? []) {
      const place = one.schemaId === 0 ? '' : ` in schema ${await ctx.catalog.schemaName(one.schemaId)}`;
      const belonging = (await roleById(ctx.catalog, one.roleId, ctx.wait))?.name ?? '';
      const name = `default privileges on new ${KIND_NAMES[one.kind]} belonging to role ${belonging}${place}`;
      add(one.oid, name, one.roleId, one.acl);
    }
    return found;
  }
  if (d.kind === 'schema') {
    add(d.id, `schema ${d.name}`, d.owner, d.acl);
    return found;
  }
  const name = await visibleName(ctx, d);
  if (d.kind === 'routine') {
    for (const routine of d.routines) {
      const kind = routine.aggregate === undefined && routine.procedure ? 'procedure' : 'function';
      add(routine.oid, `${kind} ${identityText(name, routine)}`, ownerOfRoutine(routine), routine.acl);
    }
    return found;
  }
  add(d.id, `${kindName(d)} ${name}`, d.owner, d.acl);
  for (const one of d.kind === 'table' ? (d.statistics ?? []) : [])
    add(one.oid, `statistics object ${one.name}`, one.owner, null);
  if (d.kind === 'table' || d.kind === 'view')
    for (const column of d.columns) add(d.id, `column ${column.name} of ${kindName(d)} ${name}`, null, column.acl);
  return found;
}

/** As PostgreSQL tells of them; of other databases only how many. */
export async function roleDependents(ctx: DdlContext, role: RoleDescriptor): Promise<string[]> {
  const here: Hanging[] = [];
  const elsewhere = new Map<string, number>();
  const { descriptors } = await ctx.catalog.view([]);
  const databases = new Map(descriptors.flatMap((d) => (d.kind === 'database' ? [[d.id, d.name] as const] : [])));
  for (const d of descriptors) {
    if (d.kind === 'role') continue;
    const found = await hanging(ctx, d, role);
    const databaseId = d.kind === 'database' ? 0 : d.databaseId;
    if (databaseId === ctx.catalog.databaseId || databaseId === 0) here.push(...found);
    else if (found.length > 0) {
      const name = databases.get(databaseId) ?? '';
      elsewhere.set(name, (elsewhere.get(name) ?? 0) + found.length);
    }
    if (d.kind === 'database' && d.id !== ctx.catalog.databaseId) {
      const count = inDatabase(d, role.id);
      if (count > 0) elsewhere.set(d.name, (elsewhere.get(d.name) ?? 0) + count);
    }
  }
  const lines = here.sort((a, b) => a.oid - b.oid).map(({ line }) => line);
  for (const [name, count] of elsewhere) lines.push(`${count} object${count === 1 ? '' : 's'} in database ${name}`);
  return lines;
}

/** What a database's own descriptor says of the role besides its owner and list. */
function inDatabase({ publicSchema, defaultAcls = [] }: DatabaseDescriptor, role: number): number {
  const named = (acl: Acl | null | undefined): boolean =>
    acl?.some(({ grantee, grantor }) => grantee === role || grantor === role) === true;
  const schema = publicSchema !== undefined && (publicSchema.owner === role || named(publicSchema.acl)) ? 1 : 0;
  return schema + defaultAcls.filter((one) => one.roleId === role || named(one.acl)).length;
}

async function rolesNamed(ctx: DdlContext, body: Loose): Promise<RoleDescriptor[]> {
  const roles: RoleDescriptor[] = [];
  for (const spec of list(body['roles'])) roles.push(await roleOf(ctx, spec));
  return roles;
}

function refusePredefined(roles: readonly RoleDescriptor[], what: string): void {
  const found = roles.find(({ id }) => isPredefined(id));
  if (found === undefined) return;
  const message = `cannot ${what} objects owned by role ${found.name} because they are required by the database system`;
  throw sqlError('2BP01', message);
}

export async function runReassignOwned(ctx: DdlContext, body: Loose): Promise<string> {
  const roles = await rolesNamed(ctx, body);
  for (const role of roles)
    if (!ctx.rights.isMember(role.id)) throw sqlError('42501', 'permission denied to reassign objects');
  const to = await roleOf(ctx, body['newrole']);
  if (!ctx.rights.isMember(to.id)) throw sqlError('42501', 'permission denied to reassign objects');
  refusePredefined(roles, 'reassign ownership of');
  const from = new Set(roles.map(({ id }) => id));
  for (const d of await ownedHere(ctx, from)) {
    await ctx.catalog.lock(ctx.txn, [d.id], ctx.wait);
    const current = await ctx.catalog.forUpdate(ctx.txn, d.id);
    if (current === null || current.kind === 'role') continue;
    if (current.kind !== 'routine') {
      await ctx.catalog.readTracked(ctx.txn, to.id);
      const given = from.has(current.owner) ? owned(current, to.id) : current;
      ctx.catalog.put(ctx.txn, withStatisticsOf(given, from, to.id));
      if (current.kind === 'database') await givePublicSchema(ctx, current.id, from, to.id);
      continue;
    }
    for (const routine of current.routines) {
      const owner = ownerOfRoutine(routine);
      if (!from.has(owner)) continue;
      const group = (await ctx.catalog.forUpdate(ctx.txn, d.id)) as RoutineDescriptor;
      const acl = routine.acl == null ? {} : { acl: withOwner(routine.acl, owner, to.id) };
      await changeRoutine(ctx, { group, routine }, { ...routine, ...acl, owner: to.id });
    }
  }
  return 'REASSIGN OWNED';
}

/** Statistics may belong to another than their table. */
function withStatisticsOf<D extends Ownable>(d: D, from: ReadonlySet<number>, to: number): D {
  if (d.kind !== 'table' || d.statistics === undefined) return d;
  return { ...d, statistics: d.statistics.map((one) => (from.has(one.owner) ? { ...one, owner: to } : one)) };
}

async function givePublicSchema(ctx: DdlContext, id: number, from: ReadonlySet<number>, to: number): Promise<void> {
  const database = (await ctx.catalog.forUpdate(ctx.txn, id)) as DatabaseDescriptor;
  const { owner, acl } = publicSchemaOf(database);
  if (!from.has(owner)) return;
  const publicSchema = { owner: to, acl: withOwner(acl, owner, to) };
  ctx.catalog.put(ctx.txn, { ...database, publicSchema, version: database.version + 1 });
}

/** In this database, and databases themselves. */
async function ownedHere(
  ctx: DdlContext,
  owners: ReadonlySet<number>,
): Promise<Exclude<Descriptor, { kind: 'role' }>[]> {
  const { descriptors } = await ctx.catalog.view([]);
  return descriptors.filter((d): d is Exclude<Descriptor, { kind: 'role' }> => {
    if (d.kind === 'role') return false;
    if (d.kind === 'database') return owners.has(d.owner) || owners.has(publicSchemaOf(d).owner);
    if (d.databaseId !== ctx.catalog.databaseId) return false;
    if (d.kind === 'routine') return d.routines.some((r) => owners.has(ownerOfRoutine(r)));
    const ofStatistics = d.kind === 'table' && (d.statistics ?? []).some((one) => owners.has(one.owner));
    return ofStatistics || owners.has(d.owner);
  });
}

const DROPPED: readonly (readonly [string, (d: Descriptor) => boolean])[] = [
  ['OBJECT_VIEW', (d) => d.kind === 'view'],
  ['OBJECT_MATVIEW', (d) => d.kind === 'table' && isMaterialized(d)],
  ['OBJECT_TABLE', (d) => d.kind === 'table' && !isMaterialized(d)],
  ['OBJECT_SEQUENCE', (d) => d.kind === 'sequence' && d.ownedBy === null],
  ['OBJECT_TYPE', (d) => d.kind === 'type'],
  ['OBJECT_COLLATION', (d) => d.kind === 'collation'],
];

export async function runDropOwned(ctx: DdlContext, body: Loose): Promise<string> {
  const roles = await rolesNamed(ctx, body);
  for (const role of roles)
    if (!ctx.rights.isMember(role.id)) throw sqlError('42501', 'permission denied to drop objects');
  refusePredefined(roles, 'drop');
  const from = new Set(roles.map(({ id }) => id));
  const going = await ownedHere(ctx, from);
  const { behavior } = body;
  const nameOf = async (d: { readonly schemaId: number; readonly name: string }): Promise<Loose> => {
    const parts = [await ctx.catalog.schemaName(d.schemaId), d.name].map((sval) => ({ String: { sval } }));
    return { List: { items: parts } };
  };
  for (const d of going) {
    if (d.kind !== 'table' || from.has(d.owner) || d.statistics === undefined) continue;
    await ctx.catalog.lock(ctx.txn, [d.id], ctx.wait);
    const table = await ctx.catalog.forUpdate(ctx.txn, d.id);
    if (table?.kind !== 'table') continue;
    const left = withoutStatistics(ctx, { ...table, version: table.version + 1 }, (one) => from.has(one.owner));
    ctx.catalog.put(ctx.txn, left);
  }
  for (const [removeType, fits] of DROPPED) {
    const objects: Loose[] = [];
    for (const d of going)
      if (fits(d) && 'schemaId' in d && 'owner' in d && from.has(d.owner)) objects.push(await nameOf(d));
    if (removeType === 'OBJECT_TYPE') {
      const names = objects.map((o) => ({ TypeName: { names: (o['List'] as Loose)['items'], typemod: -1 } }));
      if (names.length > 0) await runDrop(ctx, { removeType, objects: names, behavior, missing_ok: true });
    } else if (objects.length > 0) await runDrop(ctx, { removeType, objects, behavior, missing_ok: true });
  }
  await dropOwnedRoutines(ctx, going, from, behavior);
  for (const d of going) {
    if (d.kind !== 'schema') continue;
    const objects = [{ String: { sval: d.name } }];
    await runDrop(ctx, { removeType: 'OBJECT_SCHEMA', objects, behavior, missing_ok: true });
  }
  await revokeAll(ctx, from);
  return 'DROP OWNED';
}

async function dropOwnedRoutines(
  ctx: DdlContext,
  going: readonly Descriptor[],
  from: ReadonlySet<number>,
  behavior: unknown,
): Promise<void> {
  for (const d of going) {
    if (d.kind !== 'routine') continue;
    const schema = await ctx.catalog.schemaName(d.schemaId);
    const objname = [schema, d.name].map((sval) => ({ String: { sval } }));
    const objects = d.routines
      .filter((r) => from.has(ownerOfRoutine(r)))
      .map((r) => ({ ObjectWithArgs: { objname, quoralOid: r.oid } }));
    await runDrop(ctx, { removeType: 'OBJECT_ROUTINE', objects, behavior, missing_ok: true });
  }
}

/** What the roles were granted, and what they granted, on what is left. */
async function revokeAll(ctx: DdlContext, roles: ReadonlySet<number>): Promise<void> {
  const cut = (acl: Acl): Acl => [...roles].reduce(withoutRole, acl);
  const isNamed = (acl: Acl | null | undefined): boolean =>
    acl?.some(({ grantee, grantor }) => roles.has(grantee) || roles.has(grantor)) === true;
  for (const d of (await ctx.catalog.view([])).descriptors) {
    if (d.kind === 'role' || !mentions(d, isNamed, roles)) continue;
    if (d.kind !== 'database' && d.databaseId !== ctx.catalog.databaseId) continue;
    await ctx.catalog.lock(ctx.txn, [d.id], ctx.wait);
    const current = await ctx.catalog.forUpdate(ctx.txn, d.id);
    if (current === null || current.kind === 'role') continue;
    if (current.kind === 'routine') {
      for (const routine of current.routines) {
        if (!isNamed(routine.acl)) continue;
        const group = (await ctx.catalog.forUpdate(ctx.txn, d.id)) as RoutineDescriptor;
        await changeRoutine(ctx, { group, routine }, { ...routine, acl: cut(routine.acl!) });
      }
      continue;
    }
    ctx.catalog.put(ctx.txn, withLists(current, cut, roles));
  }
}

function mentions(
  d: Exclude<Descriptor, { readonly kind: 'role' }>,
  isNamed: (acl: Acl | null | undefined) => boolean,
  roles: ReadonlySet<number>,
): boolean {
  if (d.kind === 'routine') return d.routines.some((r) => isNamed(r.acl));
  if (isNamed(d.acl)) return true;
  if (d.kind === 'table' || d.kind === 'view') return d.columns.some((column) => isNamed(column.acl));
  if (d.kind !== 'database') return false;
  if (isNamed(d.publicSchema?.acl)) return true;
  return d.defaultAcls?.some((one) => roles.has(one.roleId) || isNamed(one.acl)) === true;
}

function withLists(d: Ownable, cut: (acl: Acl) => Acl, roles: ReadonlySet<number>): Descriptor {
  const next = { ...d, version: d.version + 1, ...(d.acl == null ? {} : { acl: cut(d.acl) }) };
  if (next.kind === 'table' || next.kind === 'view') {
    const columns = (next.columns as readonly { readonly acl?: Acl | null }[]).map((column) => {
      if (column.acl == null) return column;
      const acl = cut(column.acl);
      return { ...column, acl: acl.length === 0 ? null : acl };
    });
    return { ...next, columns } as unknown as Descriptor;
  }
  if (next.kind !== 'database') return next;
  const { publicSchema, defaultAcls = [] } = next;
  const shared =
    publicSchema === undefined
      ? {}
      : { publicSchema: { ...publicSchema, acl: publicSchema.acl === null ? null : cut(publicSchema.acl) } };
  const kept = defaultAcls.filter((one) => !roles.has(one.roleId)).map((one) => ({ ...one, acl: cut(one.acl) }));
  return { ...next, ...shared, defaultAcls: kept };
}
