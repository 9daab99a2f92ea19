/** RENAME, OWNER TO and SET SCHEMA. */
import { sqlError } from '../../base/errors.js';
import type {
  Descriptor,
  IndexDescriptor,
  RowExpression,
  SequenceDescriptor,
  TableDescriptor,
  ViewDescriptor,
} from '../catalog/descriptor.js';
import { isTemporarySchema } from '../catalog/temporary-names.js';
import type { RelationName } from '../contract.js';
import { RIGHTS } from '../catalog/acl.js';
import type { DdlContext } from './context.js';
import { refuseSystemColumn } from './columns.js';
import { requireCreate, requireOnDatabase, requireOwner } from './ownership.js';
import { moveCollation } from './collations.js';
import { renameRole } from './roles.js';
import { moveStatistics, renamedStatistics } from './statistics.js';
import { ownedSequences, renameInDefaults } from './sequence-users.js';
import { notice } from './context.js';
import { moveExtension } from './extensions.js';
import { constraintNames, constraintTaken } from './foreign-keys.js';
import {
  claimName,
  creationSchema,
  descriptorOf,
  nextVersion,
  openForChange,
  openIndex,
  openTable,
  relationMissing,
} from './objects.js';
import { requireMaterialized } from './materialized-views.js';
import { renamedIndex } from './index-parts.js';
import { refuseBodiesWithField } from './body-names.js';
import { refuseFieldReaders, renewRowType } from './row-type-users.js';
import { renameInExpression } from './row-expressions.js';
import { renameAttribute } from './composites.js';
import { renameDomainConstraint } from './domains.js';
import { refuseTyped } from './typed-tables.js';
import { refuseIfNever, refuseMissing } from './missing-objects.js';
import { moveRoutine } from './alter-routine.js';
import { isRoutineObject } from './routines.js';
import { moveType, renameType, requireType, typeNameIn } from './user-types.js';
import { rangeVar, stringOf, text, unsupported } from './tree.js';
import type { Loose } from './tree.js';

export async function runRename(ctx: DdlContext, body: Loose): Promise<string> {
  const to = text(body['newname']);
  if (isRoutineObject(body['renameType'])) return moveRoutine(ctx, body, { name: to });
  switch (body['renameType']) {
    case 'OBJECT_TABLE':
    case 'OBJECT_SEQUENCE':
    case 'OBJECT_VIEW':
    case 'OBJECT_MATVIEW':
    case 'OBJECT_INDEX':
      return renameRelation(ctx, body, to);
    case 'OBJECT_COLUMN':
      return renameColumn(ctx, body, to);
    case 'OBJECT_TABCONSTRAINT':
      return renameConstraint(ctx, body, to);
    case 'OBJECT_SCHEMA':
      return renameSchema(ctx, text(body['subname']), to);
    case 'OBJECT_STATISTIC_EXT':
      return moveStatistics(ctx, body['object'] as Loose, { name: to });
    case 'OBJECT_COLLATION':
      return moveCollation(ctx, body['object'] as Loose, { name: to });
    case 'OBJECT_ROLE':
      return renameRole(ctx, text(body['subname']), to);
    case 'OBJECT_DATABASE':
      return renameDatabase(ctx, text(body['subname']), to);
    case 'OBJECT_ATTRIBUTE':
      return renameAttribute(ctx, body, to, renameColumn);
    case 'OBJECT_DOMCONSTRAINT':
      return renameDomainConstraint(ctx, body, to);
    case 'OBJECT_TYPE':
    case 'OBJECT_DOMAIN':
      await renameType(ctx, await requireType(ctx, typeNameIn(body['object'] as Loose)), to);
      return body['renameType'] === 'OBJECT_TYPE' ? 'ALTER TYPE' : 'ALTER DOMAIN';
    default:
      if (body['relation'] !== undefined) await refuseMissing(ctx, String(body['renameType']), partOf(body, 'subname'));
      if (body['object'] !== undefined) await refuseIfNever(ctx, body['renameType'], body['object'] as Loose);
      throw unsupported('this RENAME');
  }
}

/** A relation's trigger, policy or rule, as DROP names it. */
export function partOf(body: Loose, key: string): Loose {
  const { schema, name } = rangeVar(body['relation'] ?? body['table']);
  const parts = [...(schema === null ? [] : [schema]), name, text(body[key])];
  return { List: { items: parts.map((sval) => ({ String: { sval } })) } };
}

export async function runAlterPolicy(ctx: DdlContext, body: Loose): Promise<string> {
  return refuseMissing(ctx, 'OBJECT_POLICY', partOf(body, 'policy_name'));
}

function alterTag(kind: unknown): string {
  return `ALTER ${kind === 'OBJECT_MATVIEW' ? 'MATERIALIZED VIEW' : String(kind).replace('OBJECT_', '')}`;
}

async function renameRelation(ctx: DdlContext, body: Loose, to: string): Promise<string> {
  const name = rangeVar(body['relation']);
  const tag = alterTag(body['renameType']);
  if (body['renameType'] === 'OBJECT_MATVIEW') await requireMaterialized(ctx, name);
  const index = await openIndex(ctx, name).catch((error: unknown) => {
    if ((error as { sqlstate?: string }).sqlstate === '42809') return null;
    throw error;
  });
  if (index !== null) {
    await renameIndex(ctx, index.table, index.index, to);
    return tag;
  }
  const found = await openForChange(ctx, name);
  if (found === null) return missingRelation(ctx, name, body, tag);
  for (const [type, kind] of [
    ['OBJECT_VIEW', 'view'],
    ['OBJECT_SEQUENCE', 'sequence'],
  ] as const)
    if (body['renameType'] === type && found.kind !== kind) throw sqlError('42809', `"${name.name}" is not a ${kind}`);
  const old = descriptorOf(found);
  await requireCreate(ctx, old.schemaId, found.schemaName);
  await claimName(ctx, old.schemaId, to, { id: old.id, indexOid: null });
  ctx.catalog.freeName(ctx.txn, old.schemaId, old.name);
  const renamed = { ...old, name: to, version: old.version + 1 };
  ctx.catalog.put(ctx.txn, renamed);
  if (renamed.kind === 'sequence') await renameInDefaults(ctx, old as SequenceDescriptor);
  else await renewRowType(ctx, renamed);
  return tag;
}

async function renameIndex(ctx: DdlContext, table: TableDescriptor, index: IndexDescriptor, to: string): Promise<void> {
  await requireCreate(ctx, table.schemaId, await ctx.catalog.schemaName(table.schemaId));
  await claimName(ctx, table.schemaId, to, { id: table.id, indexOid: index.oid });
  ctx.catalog.freeName(ctx.txn, table.schemaId, index.name);
  ctx.catalog.put(
    ctx.txn,
    nextVersion(table, { indexes: table.indexes.map((i) => (i.id === index.id ? { ...i, name: to } : i)) }),
  );
}

async function renameColumn(ctx: DdlContext, body: Loose, to: string): Promise<string> {
  const name = rangeVar(body['relation']);
  const from = text(body['subname']);
  const found = await openForChange(ctx, name);
  if (found === null) return missingRelation(ctx, name, body, alterTag(body['relationType']));
  if (found.kind === 'view') {
    await renameViewColumn(ctx, found.view, from, to);
    return alterTag(body['relationType']);
  }
  const table = await openTable(ctx, name, { materialized: true });
  refuseTyped(ctx, table, 'rename');
  const column = table.columns.find((c) => c.name === from && !c.dropped && !c.hidden);
  if (column === undefined) throw sqlError('42703', `column "${from}" does not exist`);
  refuseSystemColumn(to);
  if (table.columns.some((c) => c.name === to && !c.dropped)) {
    throw sqlError('42701', `column "${to}" of relation "${table.name}" already exists`);
  }
  await refuseFieldReaders(ctx, table, from);
  await refuseBodiesWithField(ctx, new Set([table.id]), from);
  const renamed = table.columns.map((c) => (c.id === column.id ? { ...c, name: to } : c));
  const rewritten = <E extends RowExpression>(expression: E): E =>
    expression.columnIds.includes(column.id)
      ? { ...expression, expressionSql: renameInExpression(ctx, expression.expressionSql, from, to, renamed) }
      : expression;
  const columns = renamed.map((c) => (c.generated == null ? c : { ...c, generated: rewritten(c.generated) }));
  const indexes = table.indexes.map((index) => renamedIndex(ctx, index, column.id, from, to, renamed));
  const named = nextVersion(table, { columns, indexes, checks: table.checks.map(rewritten) });
  const next = renamedStatistics(ctx, named, column.id, from, to);
  ctx.catalog.put(ctx.txn, next);
  await renewRowType(ctx, next);
  return alterTag(body['relationType']);
}

async function renameViewColumn(ctx: DdlContext, view: ViewDescriptor, from: string, to: string): Promise<void> {
  if (!view.columns.some((c) => c.name === from)) throw sqlError('42703', `column "${from}" does not exist`);
  if (view.columns.some((c) => c.name === to)) {
    throw sqlError('42701', `column "${to}" of relation "${view.name}" already exists`);
  }
  await refuseFieldReaders(ctx, view, from);
  await refuseBodiesWithField(ctx, new Set([view.id]), from);
  const columns = view.columns.map((c) => (c.name === from ? { ...c, name: to } : c));
  const renamed = { ...view, columns, version: view.version + 1 };
  ctx.catalog.put(ctx.txn, renamed);
  await renewRowType(ctx, renamed);
}

async function renameConstraint(ctx: DdlContext, body: Loose, to: string): Promise<string> {
  const name = rangeVar(body['relation']);
  if ((await openForChange(ctx, name)) === null) return missingRelation(ctx, name, body, 'ALTER TABLE');
  const table = await openTable(ctx, name);
  const from = text(body['subname']);
  const index = table.indexes.find((i) => i.name === from && i.constraintOid !== null);
  if (index !== undefined) {
    await renameIndex(ctx, table, index, to);
    return 'ALTER TABLE';
  }
  if (!constraintNames(table).includes(from)) {
    throw sqlError('42704', `constraint "${from}" for table "${table.name}" does not exist`);
  }
  if (constraintNames(table).includes(to)) throw constraintTaken(table.name, to);
  const renamed = <T extends { readonly name: string }>(one: T): T => (one.name === from ? { ...one, name: to } : one);
  const checks = table.checks.map(renamed);
  const foreignKeys = table.foreignKeys === undefined ? {} : { foreignKeys: table.foreignKeys.map(renamed) };
  ctx.catalog.put(ctx.txn, nextVersion(table, { checks, ...foreignKeys }));
  return 'ALTER TABLE';
}

async function renameSchema(ctx: DdlContext, from: string, to: string): Promise<string> {
  const id = await ctx.catalog.schemaId(from);
  if (id === null) throw sqlError('3F000', `schema "${from}" does not exist`);
  await ctx.catalog.lock(ctx.txn, [ctx.catalog.databaseId, id], ctx.wait);
  const schema = await ctx.catalog.forUpdate(ctx.txn, id);
  if (schema?.kind !== 'schema') throw sqlError('3F000', `schema "${from}" does not exist`);
  requireOwner(ctx, schema);
  await requireOnDatabase(ctx, RIGHTS.create, () =>
    sqlError('42501', `permission denied for database ${ctx.session.database}`),
  );
  if (schema.databaseId === 0) throw sqlError('0A000', 'schema "public" cannot be renamed');
  if (!(await ctx.catalog.claimName(ctx.txn, 0, to, { id, indexOid: null })))
    throw sqlError('42P06', `schema "${to}" already exists`);
  ctx.catalog.freeName(ctx.txn, 0, from);
  ctx.catalog.put(ctx.txn, { ...schema, name: to, version: schema.version + 1 });
  return 'ALTER SCHEMA';
}

async function renameDatabase(ctx: DdlContext, from: string, to: string): Promise<string> {
  const entry = await ctx.catalog.nameForUpdate(ctx.txn, 0, from, 0);
  if (entry === null) throw sqlError('3D000', `database "${from}" does not exist`);
  if (from === ctx.session.database) throw sqlError('0A000', 'current database cannot be renamed');
  await ctx.catalog.lock(ctx.txn, [entry.id], ctx.wait);
  const database = await ctx.catalog.forUpdate(ctx.txn, entry.id);
  if (database?.kind !== 'database') throw sqlError('3D000', `database "${from}" does not exist`);
  requireOwner(ctx, database);
  if (!ctx.rights.superuser && !ctx.rights.membership.role.createDatabase)
    throw sqlError('42501', 'permission denied to rename database');
  if (!(await ctx.catalog.claimName(ctx.txn, 0, to, entry, 0)))
    throw sqlError('42P04', `database "${to}" already exists`);
  ctx.catalog.freeName(ctx.txn, 0, from, 0);
  ctx.catalog.put(ctx.txn, { ...database, name: to, version: database.version + 1 });
  return 'ALTER DATABASE';
}

export async function runAlterSchema(ctx: DdlContext, body: Loose): Promise<string> {
  if (isRoutineObject(body['objectType'])) return moveRoutine(ctx, body, { schema: text(body['newschema']) });
  if (body['objectType'] === 'OBJECT_TYPE' || body['objectType'] === 'OBJECT_DOMAIN') {
    await moveType(ctx, await requireType(ctx, typeNameIn(body['object'] as Loose)), text(body['newschema']));
    return body['objectType'] === 'OBJECT_TYPE' ? 'ALTER TYPE' : 'ALTER DOMAIN';
  }
  if (body['objectType'] === 'OBJECT_COLLATION')
    return moveCollation(ctx, body['object'] as Loose, { schema: text(body['newschema']) });
  if (body['objectType'] === 'OBJECT_STATISTIC_EXT')
    return moveStatistics(ctx, body['object'] as Loose, { schema: text(body['newschema']) });
  if (body['objectType'] === 'OBJECT_EXTENSION')
    return moveExtension(ctx, stringOf(body['object']), text(body['newschema']));
  // Of these there are none.
  if (body['relation'] === undefined) return refuseMissing(ctx, String(body['objectType']), body['object'] as Loose);
  const name = rangeVar(body['relation']);
  const found = await openForChange(ctx, name);
  if (found === null) return missingRelation(ctx, name, body, alterTag(body['objectType']));
  const target = await creationSchema(ctx, { schema: text(body['newschema']), name: '' });
  const old = descriptorOf(found);
  if (isTemporarySchema(old.schemaId) || isTemporarySchema(target.id))
    throw sqlError('0A000', 'cannot move objects into or out of temporary schemas');
  if (old.kind === 'sequence' && old.ownedBy !== null) await refuseOwned(ctx, old, old.ownedBy.tableId);
  if (old.schemaId !== target.id) await moveRelation(ctx, old, target);
  return alterTag(body['objectType']);
}

async function refuseOwned(ctx: DdlContext, sequence: SequenceDescriptor, tableId: number): Promise<never> {
  const table = await ctx.catalog.descriptor(tableId, ctx.wait);
  throw sqlError('0A000', 'cannot move an owned sequence into another schema', {
    detail: `Sequence "${sequence.name}" is linked to table "${table?.name ?? ''}".`,
  });
}

/** With its indexes, and the sequences that its columns own. */
async function moveRelation(
  ctx: DdlContext,
  old: TableDescriptor | SequenceDescriptor | ViewDescriptor,
  target: { readonly id: number; readonly name: string },
): Promise<void> {
  await moveName(ctx, old.schemaId, target.id, old.name, { id: old.id, indexOid: null });
  for (const index of old.kind === 'table' ? old.indexes : [])
    if (index.oid !== 0) await moveName(ctx, old.schemaId, target.id, index.name, { id: old.id, indexOid: index.oid });
  ctx.catalog.put(ctx.txn, { ...old, schemaId: target.id, version: old.version + 1 } as Descriptor);
  if (old.kind === 'sequence') await renameInDefaults(ctx, old);
  if (old.kind === 'table') for (const own of await ownedSequences(ctx, old)) await moveRelation(ctx, own, target);
}

async function moveName(
  ctx: DdlContext,
  from: number,
  to: number,
  name: string,
  entry: { readonly id: number; readonly indexOid: number | null },
): Promise<void> {
  await claimName(ctx, to, name, entry);
  ctx.catalog.freeName(ctx.txn, from, name);
}

/** IF EXISTS says what is not there; without it that is an error. */
async function missingRelation(ctx: DdlContext, name: RelationName, body: Loose, tag: string): Promise<string> {
  if (body['missing_ok'] !== true) return relationMissing(ctx, name);
  notice(ctx, '00000', `relation "${name.name}" does not exist, skipping`);
  return tag;
}
