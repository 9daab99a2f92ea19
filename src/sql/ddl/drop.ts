/** DROP of tables, sequences and schemas, and TRUNCATE. */
import { quoteIdentifier } from '../types/identifiers.js';
import { sqlError } from '../../base/errors.js';
import type { Descriptor, SequenceDescriptor, TableDescriptor, TypeDescriptor } from '../catalog/descriptor.js';
import { isMaterialized, kindName } from '../catalog/materialized.js';
import { isTemporary } from '../catalog/temporary-names.js';
import type { RelationName } from '../contract.js';
import { refuseOwnPendingChecks, refusePendingChecks } from '../exec/constraint-checks.js';
import { userTypeOf } from '../types/user-types.js';
import { RIGHTS } from '../catalog/acl.js';
import { aclOf } from '../catalog/rights.js';
import { restarted } from '../catalog/sequences.js';
import { usageOf } from '../usage/session-usage.js';
import type { DdlContext } from './context.js';
import { keyOfCollation } from '../catalog/collation-names.js';
import { collationUsers, dependenceLines } from './collation-users.js';
import { dropCollation, dropCollations, shownCollation } from './collations.js';
import { requireOwner, requireSchemaOwner } from './ownership.js';
import { dropEach, notice } from './context.js';
import { forgetSchemaDefaults } from './default-privileges.js';
import { dropExtensions, dropExtensionsIn, extensionsIn } from './extensions.js';
import { detachTable, referenceLines, tablesAround } from './foreign-keys.js';
import { dropIndexes } from './indexes.js';
import { dropMissing } from './missing-objects.js';
import { descriptorOf, newStorage, nextVersion, openForChange, openTable, visibleName } from './objects.js';
import type { Opened } from './objects.js';
import { dropStatistics, withoutStatistics } from './statistics.js';
import { dropSequence } from './sequences.js';
import { defaultReaders, dropOwnedSequences, ownedSequences, releaseUsers } from './sequence-users.js';
import { dependentViews } from './dependent-views.js';
import { dependences, dropDependents, dropView, forgetSources } from './views.js';
import type { DropOptions } from './views.js';
import { dropGroup, dropRoutines, dropRowTypeRoutines, groupCallers, visibleIdentity } from './routines.js';
import type { UserType } from '../types/user-types.js';
import { dropRowTypeUsers, dropTypeUsers } from './type-users.js';
import { dropType, dropTypes, isMultirange, uses, usesItself, usersOf } from './user-types.js';
import { list, of, qualifiedName, rangeVar, stringOf } from './tree.js';
import type { Loose } from './tree.js';

export async function runDrop(ctx: DdlContext, body: Loose): Promise<string> {
  const missingOk = body['missing_ok'] === true;
  switch (body['removeType']) {
    case 'OBJECT_TABLE':
      await dropRelations(ctx, list(body['objects']), 'table', missingOk, body['behavior'] === 'DROP_CASCADE');
      return 'DROP TABLE';
    case 'OBJECT_VIEW':
      await dropRelations(ctx, list(body['objects']), 'view', missingOk, body['behavior'] === 'DROP_CASCADE');
      return 'DROP VIEW';
    case 'OBJECT_MATVIEW':
      await dropRelations(
        ctx,
        list(body['objects']),
        'materialized view',
        missingOk,
        body['behavior'] === 'DROP_CASCADE',
      );
      return 'DROP MATERIALIZED VIEW';
    case 'OBJECT_SEQUENCE':
      await dropRelations(ctx, list(body['objects']), 'sequence', missingOk, body['behavior'] === 'DROP_CASCADE');
      return 'DROP SEQUENCE';
    case 'OBJECT_INDEX':
      return dropIndexes(ctx, body);
    case 'OBJECT_FUNCTION':
    case 'OBJECT_AGGREGATE':
    case 'OBJECT_PROCEDURE':
    case 'OBJECT_ROUTINE':
      return dropRoutines(ctx, body);
    case 'OBJECT_STATISTIC_EXT':
      return dropStatistics(ctx, body);
    case 'OBJECT_COLLATION':
      return dropCollations(ctx, body);
    case 'OBJECT_SCHEMA':
      return dropSchemas(ctx, body);
    case 'OBJECT_EXTENSION':
      return dropExtensions(ctx, body);
    case 'OBJECT_TYPE':
    case 'OBJECT_DOMAIN':
      return dropTypes(ctx, body, dropUsersOfType);
    default:
      return dropMissing(ctx, body);
  }
}

type DroppedKind = Opened['kind'] | 'materialized view';

async function dropRelations(
  ctx: DdlContext,
  objects: readonly Loose[],
  kind: DroppedKind,
  missingOk: boolean,
  cascade: boolean,
): Promise<void> {
  // Locks are taken for all at once, in id order, so that two drops of the same tables never cross.
  const names = objects.map((o) => qualifiedName(list(of(o, 'List')['items']).map(stringOf)));
  const ids: number[] = [];
  const around: number[] = [];
  for (const name of names) {
    const found = await ctx.catalog.relation(name, ctx.session.searchPath, ctx.wait);
    if (found === null || found.kind === 'virtual') continue;
    ids.push(descriptorOf(found).id);
    if (found.kind === 'table') around.push(...tablesAround(found.table));
  }
  const options = { cascade, together: new Set(ids) };
  await ctx.catalog.lock(ctx.txn, [...new Set([...ids, ...around])], ctx.wait);
  await dropEach(ctx, names, async (name) => {
    const found = await openForChange(ctx, name, { access: 'drop' });
    if (found === null) {
      const schemaMissing = name.schema !== null && (await ctx.catalog.schemaId(name.schema)) === null;
      if (!missingOk) {
        if (schemaMissing) throw sqlError('3F000', `schema "${name.schema!}" does not exist`);
        throw sqlError('42P01', `${kind} "${name.name}" does not exist`);
      }
      notice(
        ctx,
        '00000',
        schemaMissing
          ? `schema "${name.schema!}" does not exist, skipping`
          : `${kind} "${name.name}" does not exist, skipping`,
      );
      return;
    }
    await dropOpened(ctx, found, name, kind, options);
  });
}

async function dropOpened(
  ctx: DdlContext,
  found: Opened,
  name: RelationName,
  kind: DroppedKind,
  options: DropOptions,
): Promise<void> {
  const actual = kindName(descriptorOf(found));
  if (actual !== kind) {
    throw sqlError('42809', `"${name.name}" is not a ${kind}`, {
      hint: `Use DROP ${actual.toUpperCase()} to remove a ${actual}.`,
    });
  }
  if (found.kind === 'table') {
    await dropTable(ctx, found.table, options);
    return;
  }
  if (found.kind === 'view') {
    await dropView(ctx, found.view, options, await dropRowTypeUsers(ctx, found.view, options));
    return;
  }
  await refuseIdentity(ctx, found.sequence);
  const readers = options.cascade ? [] : await dropRowTypeRoutines(ctx, found.sequence, options);
  await releaseUsers(ctx, found.sequence, options, null, readers);
  // They are younger than most of its views.
  if (options.cascade) await dropRowTypeRoutines(ctx, found.sequence, options);
  await dropSequence(ctx, found.sequence);
}

async function refuseIdentity(ctx: DdlContext, sequence: SequenceDescriptor): Promise<void> {
  if (sequence.ownedBy === null) return;
  await ctx.catalog.lock(ctx.txn, [sequence.ownedBy.tableId], ctx.wait);
  const table = await ctx.catalog.forUpdate(ctx.txn, sequence.ownedBy.tableId);
  if (table?.kind !== 'table') return;
  const column = table.columns.find((c) => c.sequenceId === sequence.id && !c.dropped);
  if (column === undefined) return;
  if (column.identity !== null)
    throw sqlError(
      '2BP01',
      `cannot drop sequence ${sequence.name} because column ${column.name} of table ${table.name} requires it`,
      { hint: `You can drop column ${column.name} of table ${table.name} instead.` },
    );
}

export async function dropTable(ctx: DdlContext, table: TableDescriptor, options: DropOptions): Promise<void> {
  refuseOwnPendingChecks(ctx.txn, table);
  const others = await dropRowTypeUsers(ctx, table, options);
  await dropDependents(ctx, table, options, others, options.cascade ? [] : await referenceLines(ctx, table, options));
  if (isMaterialized(table)) forgetSources(ctx, table);
  await detachTable(ctx, table, options);
  await dropOwnedSequences(ctx, table, null, options.cascade, options.together);
  withoutStatistics(ctx, table, () => true);
  ctx.catalog.freeName(ctx.txn, table.schemaId, table.name);
  for (const index of table.indexes) if (index.oid !== 0) ctx.catalog.freeName(ctx.txn, table.schemaId, index.name);
  ctx.catalog.drop(ctx.txn, table.id);
}

/** The tables of a type go with it, other tables lose their columns of the type. */
async function dropUsersOfType(ctx: DdlContext, type: UserType, users: readonly Descriptor[]): Promise<void> {
  for (const user of users) {
    if (user.kind !== 'table' || user.ofType !== type.oid) {
      await dropTypeUsers(ctx, type, [user]);
      continue;
    }
    await ctx.catalog.lock(ctx.txn, [user.id], ctx.wait);
    const table = await ctx.catalog.forUpdate(ctx.txn, user.id);
    if (table?.kind !== 'table') continue;
    ctx.cascades.push(`table ${await visibleName(ctx, table)}`);
    await dropTable(ctx, table, { cascade: true, together: new Set([user.id]) });
  }
}

export async function runTruncate(ctx: DdlContext, body: Loose): Promise<string> {
  const names = list(body['relations']).map(rangeVar);
  const ids: number[] = [];
  for (const name of names) {
    const found = await ctx.catalog.relation(name, ctx.session.searchPath, ctx.wait);
    if (found?.kind !== 'table') continue;
    refuseTruncate(ctx, found.table);
    ids.push(found.table.id);
  }
  const tables = await truncatedTables(ctx, ids, body['behavior'] === 'DROP_CASCADE');
  for (const name of names) {
    const table = await openTable(ctx, name, { materialized: false, access: RIGHTS.truncate });
    tables.set(table.id, table);
  }
  for (const table of tables.values()) {
    refusePendingChecks(ctx.txn, 'TRUNCATE', table);
    usageOf(ctx.txn)?.emptied(table.id);
    const storageId = await newStorage(ctx, { shared: isTemporary(table) });
    ctx.catalog.put(ctx.txn, nextVersion(table, { storageId, storageSince: ctx.txn.readTimestamp }));
    if (body['restart_seqs'] === true) await restartIdentity(ctx, table);
  }
  return 'TRUNCATE TABLE';
}

/** @throws QuoralError 42501 */
function refuseTruncate(ctx: DdlContext, table: TableDescriptor): void {
  if (!ctx.rights.has(aclOf(table), RIGHTS.truncate))
    throw sqlError('42501', `permission denied for table ${table.name}`);
}

/**
 * The tables by id, locked; with CASCADE also those whose foreign keys refer to them.
 * @throws 0A000 for a reference from a table that stays
 */
async function truncatedTables(
  ctx: DdlContext,
  ids: readonly number[],
  cascade: boolean,
): Promise<Map<number, TableDescriptor>> {
  const tables = new Map<number, TableDescriptor>();
  let next = [...new Set(ids)];
  while (next.length > 0) {
    await ctx.catalog.lock(ctx.txn, next, ctx.wait);
    for (const id of next) {
      const table = await ctx.catalog.forUpdate(ctx.txn, id);
      if (table?.kind !== 'table') continue;
      refuseTruncate(ctx, table);
      tables.set(id, table);
    }
    const referring = new Set<number>();
    for (const table of tables.values()) {
      for (const id of table.referencedBy ?? []) if (!tables.has(id)) referring.add(id);
    }
    next = [...referring];
    for (const id of next) {
      const child = await ctx.catalog.descriptor(id, ctx.wait);
      if (child?.kind !== 'table') continue;
      if (cascade) notice(ctx, '00000', `truncate cascades to table "${child.name}"`);
      else throw referenced(child, tables);
    }
  }
  return tables;
}

function referenced(child: TableDescriptor, tables: ReadonlyMap<number, TableDescriptor>): Error {
  const fk = child.foreignKeys?.find((one) => tables.has(one.parentId));
  const parent = fk === undefined ? '' : tables.get(fk.parentId)!.name;
  return sqlError('0A000', 'cannot truncate a table referenced in a foreign key constraint', {
    detail: `Table "${child.name}" references "${parent}".`,
    hint: `Truncate table "${child.name}" at the same time, or use TRUNCATE ... CASCADE.`,
  });
}

async function restartIdentity(ctx: DdlContext, table: TableDescriptor): Promise<void> {
  for (const sequence of await ownedSequences(ctx, table)) {
    requireOwner(ctx, sequence);
    const anew = restarted(sequence, BigInt(sequence.start), await ctx.catalog.catalog.ids.next());
    ctx.catalog.put(ctx.txn, { ...anew, version: sequence.version + 1 });
  }
}

// ---- schemas ----

/** What reads it from other schemas goes too. */
async function dropSchemaSequence(ctx: DdlContext, sequence: SequenceDescriptor, options: DropOptions): Promise<void> {
  await dropRowTypeRoutines(ctx, sequence, options);
  await releaseUsers(ctx, sequence, options, { what: '', isGoing: (id) => options.together.has(id) });
  await dropSequence(ctx, sequence);
}

async function dropSchemas(ctx: DdlContext, body: Loose): Promise<string> {
  await dropEach(ctx, list(body['objects']), async (object) => {
    const name = stringOf(object);
    if (name === 'pg_catalog' || name === 'information_schema')
      throw sqlError('2BP01', `cannot drop schema ${name} because it is required by the database system`);
    const id = await ctx.catalog.schemaId(name);
    if (id === null) {
      if (body['missing_ok'] !== true) throw sqlError('3F000', `schema "${name}" does not exist`);
      notice(ctx, '00000', `schema "${name}" does not exist, skipping`);
      return;
    }
    await requireSchemaOwner(ctx, id, name);
    await dropSchema(ctx, id, name, body['behavior'] === 'DROP_CASCADE');
  });
  return 'DROP SCHEMA';
}

type Contained = Exclude<Descriptor, { kind: 'schema' | 'database' | 'role' }>;

/** `place`: what stands before a name in the schema, nothing where the search path has it. */
async function containedNames(ctx: DdlContext, d: Contained, place: string): Promise<string[]> {
  const name = `${place}${quoteIdentifier(d.name)}`;
  if (d.kind !== 'routine') return [`${kindName(d)} ${name}`];
  return Promise.all(d.routines.map(async (r) => `function ${await visibleIdentity(ctx, name, r)}`));
}

/** Not with its table, or its range. */
function goesAlone(d: Contained): boolean {
  return !isMultirange(d) && (d.kind !== 'sequence' || d.ownedBy === null);
}

function placeIn(ctx: DdlContext, schema: string): string {
  return ctx.session.searchPath.includes(schema) ? '' : `${quoteIdentifier(schema)}.`;
}

/** What is in the schema, each with what uses it from elsewhere if it is a type. */
async function dependents(ctx: DdlContext, inside: readonly Contained[], schema: string): Promise<string[]> {
  const lines: string[] = [];
  const together = new Set(inside.map(({ id }) => id));
  const place = placeIn(ctx, schema);
  for (const d of inside) {
    for (const what of goesAlone(d) ? await containedNames(ctx, d, place) : [])
      lines.push(`${what} depends on schema ${schema}`);
    if (d.kind === 'sequence' && d.ownedBy === null) lines.push(...(await defaultReaders(ctx, d, together)));
    const outside = (await dependentViews(ctx, d.id)).filter(({ id }) => !together.has(id));
    const shown = `${place}${quoteIdentifier(d.name)}`;
    lines.push(...(await dependences(ctx, `${kindName(d)} ${shown}`, outside, { cascade: false, together })));
    if (d.kind === 'routine') lines.push(...(await groupCallers(ctx, d, together, schema)));
    if (d.kind === 'collation') {
      const users = (await collationUsers(ctx, keyOfCollation(d))).filter(({ id }) => !together.has(id));
      lines.push(...(await dependenceLines(ctx, users, `collation ${await shownCollation(ctx, d)}`)));
    }
    if (d.kind !== 'type') continue;
    const type = userTypeOf(d.typeOid)!;
    for (const user of await usersOf(ctx, type)) {
      if (!inside.some((one) => one.id === user.id)) lines.push(...uses(user, type, shown));
    }
  }
  return lines;
}

/** Types before those that they are made of. */
function usersFirst(inside: readonly Contained[]): readonly TypeDescriptor[] {
  const types = inside.filter((d) => d.kind === 'type');
  const ordered = new Set<TypeDescriptor>();
  const seen = new Set<TypeDescriptor>();
  const visit = (d: TypeDescriptor): void => {
    if (seen.has(d)) return;
    seen.add(d);
    const type = userTypeOf(d.typeOid)!;
    for (const other of types) if (other !== d && usesItself(other, type)) visit(other);
    ordered.add(d);
  };
  for (const d of types) visit(d);
  return [...ordered];
}

async function dropSchema(ctx: DdlContext, id: number, name: string, cascade: boolean): Promise<void> {
  await ctx.catalog.lock(ctx.txn, [ctx.catalog.databaseId, id], ctx.wait);
  const schema = await ctx.catalog.forUpdate(ctx.txn, id);
  if (schema?.kind !== 'schema') throw sqlError('3F000', `schema "${name}" does not exist`);
  const view = await ctx.catalog.view([]);
  const inside = view.descriptors.filter(
    (d): d is Contained =>
      d.kind !== 'schema' &&
      d.kind !== 'database' &&
      d.kind !== 'role' &&
      d.schemaId === id &&
      d.databaseId === ctx.catalog.databaseId,
  );
  const extensions = (await extensionsIn(ctx, id)).map((extension) => `extension ${extension}`);
  const elsewhere = view.descriptors.filter(
    (d): d is TableDescriptor =>
      d.kind === 'table' && !inside.includes(d) && (d.statistics ?? []).some((one) => one.schemaId === id),
  );
  const statistics = elsewhere.flatMap((d) =>
    d
      .statistics!.filter((one) => one.schemaId === id)
      .map((one) => `statistics object ${quoteIdentifier(name)}.${quoteIdentifier(one.name)}`),
  );
  if (inside.length + extensions.length + statistics.length > 0 && !cascade) {
    const lines = [...extensions, ...statistics].map((what) => `${what} depends on schema ${name}`);
    throw sqlError('2BP01', `cannot drop schema ${name} because other objects depend on it`, {
      detail: [...lines, ...(await dependents(ctx, inside, name))].join('\n'),
      hint: 'Use DROP ... CASCADE to drop the dependent objects too.',
    });
  }
  const around = inside.flatMap((d) => (d.kind === 'table' ? tablesAround(d) : []));
  await ctx.catalog.lock(ctx.txn, [...new Set([...inside.map((d) => d.id), ...around])], ctx.wait);
  const shown = inside.filter(goesAlone);
  ctx.cascades.push(...extensions);
  for (const d of shown) ctx.cascades.push(...(await containedNames(ctx, d, placeIn(ctx, name))));
  await dropExtensionsIn(ctx, id);
  await forgetSchemaDefaults(ctx, id);
  ctx.cascades.push(...statistics);
  for (const { id: tableId } of elsewhere) {
    await ctx.catalog.lock(ctx.txn, [tableId], ctx.wait);
    const table = await ctx.catalog.forUpdate(ctx.txn, tableId);
    if (table?.kind !== 'table') continue;
    ctx.catalog.put(
      ctx.txn,
      withoutStatistics(ctx, nextVersion(table, {}), (one) => one.schemaId === id),
    );
  }
  const options = { cascade: true, together: new Set(inside.map((d) => d.id)) };
  for (const d of inside) {
    const current = await ctx.catalog.forUpdate(ctx.txn, d.id);
    if (current?.kind === 'table') await dropTable(ctx, current, options);
    else if (current?.kind === 'view')
      await dropView(ctx, current, options, await dropRowTypeUsers(ctx, current, options));
    else if (current?.kind === 'sequence') await dropSchemaSequence(ctx, current, options);
    else if (current?.kind === 'routine') await dropGroup(ctx, current, options.together);
  }
  // What is left of their users is in other schemas, or goes before them.
  for (const d of usersFirst(inside)) {
    // It goes with its range.
    if (isMultirange(d)) continue;
    const current = await ctx.catalog.forUpdate(ctx.txn, d.id);
    if (current?.kind !== 'type') continue;
    await dropType(ctx, { descriptor: current, type: userTypeOf(current.typeOid)! }, true, dropUsersOfType);
  }
  for (const d of inside) {
    const current = d.kind === 'collation' ? await ctx.catalog.forUpdate(ctx.txn, d.id) : null;
    if (current?.kind === 'collation') await dropCollation(ctx, current, true);
  }
  ctx.catalog.freeName(ctx.txn, 0, name);
  if (schema.databaseId !== 0) return ctx.catalog.drop(ctx.txn, id);
  // `public` is shared by all databases: only its name goes, and what this one says of it.
  const database = await ctx.catalog.forUpdate(ctx.txn, ctx.catalog.databaseId);
  if (database?.kind !== 'database') return;
  const { publicSchema: _, ...kept } = database;
  ctx.catalog.put(ctx.txn, { ...kept, withoutPublic: true, version: database.version + 1 });
}
