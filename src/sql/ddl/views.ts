/**
 * CREATE [OR REPLACE] VIEW and DROP VIEW, and what depends on what: a row for each pair of a relation and a
 * view that reads it, written with the view and read by whoever drops or changes the relation. Who makes a view
 * uses the table, and who drops or changes one has it locked and then looks: at every isolation level the later
 * of the two sees what the first has done.
 */
import { sqlError } from '../../base/errors.js';
import { SYSTEM_KEYS } from '../../encoding/keyspace.js';
import type { Descriptor, ViewColumnDescriptor, ViewDescriptor, ViewSource } from '../catalog/descriptor.js';
import { isMaterialized, isReader, kindName, sourcesOf } from '../catalog/materialized.js';
import type { Reader } from '../catalog/materialized.js';
import { isTemporary, isTemporarySchemaName } from '../catalog/temporary-names.js';
import type { CompiledView, ParsedStatement, RelationName } from '../contract.js';
import { withWanted } from '../plan/wanted-functions.js';
import { formatType } from '../types/registry.js';
import type { DdlContext } from './context.js';
import { checkColumnType } from './columns.js';
import { initialAcl } from './default-privileges.js';
import { notice } from './context.js';
import { claimName, creationSchema, openForChange, visibleName } from './objects.js';
import { pinLiterals } from './pinned-relations.js';
import { dependentViews } from './dependent-views.js';
import { dropRowTypeRoutines } from './routines.js';
import { fieldRead, type FieldReaders, fieldReaders, renewRowType, rowTypeUsers } from './row-type-users.js';
import { collationOfKey } from '../types/collation.js';
import { requireTypesOf } from './type-rights.js';
import { list, rangeVar, stringOf } from './tree.js';
import type { Loose } from './tree.js';
import { refuseIdleCheck, viewOptions } from './view-options.js';

const PRESENT = Buffer.from('1', 'latin1');

export async function runCreateView(ctx: DdlContext, body: Loose, statement: ParsedStatement): Promise<string> {
  const range = body['view'] as Loose;
  if (range['relpersistence'] === 'u')
    throw sqlError('42601', 'views cannot be unlogged because they do not have storage');
  const query = body['query'] as Loose;
  const kind = Object.keys(query)[0]!;
  if ((query[kind] as Loose)['intoClause'] !== undefined) {
    throw sqlError('0A000', 'views must not contain SELECT INTO');
  }
  const inner: ParsedStatement = { ...statement, node: query, kind };
  const compiled = await withWanted(
    ctx.planner.relationsOf(inner),
    (relations) => ctx.catalog.snapshot(relations, ctx.session.searchPath, ctx.wait),
    (snapshot) => ctx.planner.compileView(inner, snapshot, ctx.plannerSettings),
  );
  const made = await pinLiterals(ctx, compiled.made);
  const names = list(body['aliases']).map(stringOf);
  if (names.length > made.columns.length)
    throw sqlError('42601', 'CREATE VIEW specifies more column names than columns');
  const columns = made.columns.map((c, i): ViewColumnDescriptor => ({ ...c, name: names[i] ?? c.name, id: i + 1 }));
  refuseTwins(columns);
  for (const { name, typeOid } of columns) checkColumnType(name, typeOid);
  await requireTypesOf(ctx, columns);
  await trackSources(ctx, made.sources);
  const name = rangeVar(range);
  const isTemporaryView = range['relpersistence'] === 't' || (await readsTemporary(ctx, name, made.sources));
  const schema = await creationSchema(ctx, name, isTemporaryView ? 't' : 'p');
  const taken = await ctx.catalog.nameForUpdate(ctx.txn, schema.id, name.name);
  if (taken !== null && body['replace'] === true) {
    await replaceView(ctx, { schema: schema.name, name: name.name }, columns, { ...made, options: viewOptions(body) });
    return 'CREATE VIEW';
  }
  const id = await ctx.catalog.catalog.ids.next();
  await claimName(ctx, schema.id, name.name, { id, indexOid: null });
  const view: ViewDescriptor = {
    kind: 'view',
    id,
    name: name.name,
    databaseId: ctx.catalog.databaseId,
    schemaId: schema.id,
    version: 1,
    owner: ctx.session.userId,
    ...(await initialAcl(ctx, 'table', schema.id)),
    columns,
    queryTree: made.queryTree,
    sources: made.sources,
    usedTypes: made.usedTypes,
    usedRoutines: made.usedRoutines,
    options: viewOptions(body),
    comment: null,
  };
  refuseIdleCheck(view);
  ctx.catalog.putNew(ctx.txn, view);
  writeSources(ctx, view);
  return 'CREATE VIEW';
}

/** A view of something that goes with the session goes with it too. */
async function readsTemporary(
  ctx: DdlContext,
  name: RelationName,
  sources: ViewDescriptor['sources'],
): Promise<boolean> {
  for (const { id } of sources) {
    if (!isTemporary(await ctx.catalog.descriptor(id, ctx.wait))) continue;
    if (name.schema === null || !isTemporarySchemaName(name.schema))
      notice(ctx, '00000', `view "${name.name}" will be a temporary view`);
    return true;
  }
  return false;
}

async function trackSources(ctx: DdlContext, sources: ViewDescriptor['sources']): Promise<void> {
  for (const { id } of sources) {
    if ((await ctx.catalog.readTracked(ctx.txn, id)) === null)
      throw sqlError('42P01', 'a relation of the view is gone');
  }
}

function writeSources(ctx: DdlContext, reader: Reader): void {
  for (const source of sourcesOf(reader)) ctx.txn.put(SYSTEM_KEYS.dependency(source.id, reader.id), PRESENT);
}

/** Of a new materialised view. */
export async function recordSources(ctx: DdlContext, reader: Reader): Promise<void> {
  await trackSources(ctx, sourcesOf(reader));
  writeSources(ctx, reader);
}

export function forgetSources(ctx: DdlContext, reader: Reader): void {
  for (const source of sourcesOf(reader)) ctx.txn.delete(SYSTEM_KEYS.dependency(source.id, reader.id));
}

async function collationName(ctx: DdlContext, key: string | null): Promise<string> {
  if (key === null) return 'default';
  const { oid, name } = collationOfKey(key);
  return name ?? (await ctx.catalog.descriptor(oid, ctx.wait))?.name ?? key;
}

function refuseTwins(columns: readonly ViewColumnDescriptor[]): void {
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name)) throw sqlError('42701', `column "${name}" specified more than once`);
    seen.add(name);
  }
}

/** New columns may only be added behind the old ones (PostgreSQL, CREATE VIEW). */
async function replaceView(
  ctx: DdlContext,
  name: { readonly schema: string; readonly name: string },
  columns: readonly ViewColumnDescriptor[],
  made: Pick<CompiledView, 'queryTree' | 'sources' | 'usedTypes' | 'usedRoutines'> & Pick<ViewDescriptor, 'options'>,
): Promise<void> {
  const found = await openForChange(ctx, name);
  if (found?.kind !== 'view') throw sqlError('42809', `"${name.name}" is not a view`);
  const { view } = found;
  const before = view.columns;
  if (columns.length < before.length) throw sqlError('42P16', 'cannot drop columns from view');
  for (const [i, old] of before.entries()) {
    const now = columns[i]!;
    if (now.name !== old.name) {
      throw sqlError('42P16', `cannot change name of view column "${old.name}" to "${now.name}"`, {
        hint: 'Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.',
      });
    }
    if (now.typeOid !== old.typeOid || now.typmod !== old.typmod) {
      const [from, to] = [old, now].map(({ typeOid, typmod }) => formatType(typeOid, typmod));
      throw sqlError('42P16', `cannot change data type of view column "${old.name}" from ${from} to ${to}`);
    }
    if ((now.collation ?? null) !== (old.collation ?? null)) {
      const [from, to] = await Promise.all([old, now].map(({ collation }) => collationName(ctx, collation ?? null)));
      throw sqlError('42P16', `cannot change collation of view column "${old.name}" from "${from}" to "${to}"`);
    }
  }
  await refuseCycle(ctx, view, made.sources);
  for (const source of view.sources) ctx.txn.delete(SYSTEM_KEYS.dependency(source.id, view.id));
  for (const source of made.sources) ctx.txn.put(SYSTEM_KEYS.dependency(source.id, view.id), PRESENT);
  const merged = columns.map((c, i) => ({
    ...c,
    ...(before[i]?.acl == null ? {} : { acl: before[i].acl }),
    ...(before[i]?.comment == null ? {} : { comment: before[i].comment }),
    ...(before[i]?.defaultSql == null ? {} : { defaultSql: before[i].defaultSql }),
  }));
  const replaced: ViewDescriptor = {
    ...view,
    columns: merged,
    queryTree: made.queryTree,
    sources: made.sources,
    usedTypes: made.usedTypes,
    usedRoutines: made.usedRoutines,
    options: made.options ?? {},
    version: view.version + 1,
  };
  refuseIdleCheck(replaced);
  ctx.catalog.put(ctx.txn, replaced);
  await renewRowType(ctx, replaced);
}

async function refuseCycle(ctx: DdlContext, view: ViewDescriptor, sources: ViewDescriptor['sources']): Promise<void> {
  for (const { id } of sources) {
    const source = await ctx.catalog.descriptor(id, ctx.wait);
    if (id === view.id) throw sqlError('42P17', `infinite recursion detected in rules for relation "${view.name}"`);
    if (isReader(source)) await refuseCycle(ctx, view, sourcesOf(source));
  }
}

export interface DropOptions {
  readonly cascade: boolean;
  /** Also being dropped by this statement, so nobody depends on anything by them. */
  readonly together: ReadonlySet<number>;
}

/** Refuses the drop of something that views read, or drops these as well. */
export async function dropDependents(
  ctx: DdlContext,
  of: Extract<Descriptor, { kind: 'table' | 'view' }>,
  options: DropOptions,
  others: readonly string[] = [],
  references: readonly ReferenceLine[] = [],
): Promise<void> {
  const views = (await dependentViews(ctx, of.id)).filter((view) => !options.together.has(view.id));
  await dropViews(ctx, `${kindName(of)} ${await visibleName(ctx, of)}`, views, options, others, references);
}

/** A foreign key that refers to what is dropped, as messages tell it. */
export interface ReferenceLine {
  readonly oid: number;
  readonly line: string;
}

/** `others` depend on it too, as messages tell it. */
async function dropViews(
  ctx: DdlContext,
  what: string,
  views: readonly Reader[],
  options: DropOptions,
  others: readonly string[] = [],
  references: readonly ReferenceLine[] = [],
): Promise<void> {
  if (views.length + others.length + references.length === 0) return;
  if (!options.cascade) {
    // Functions that read it are younger than most views, and what uses its rows is listed first.
    const reading = others.findIndex((line) => line.endsWith(` depends on ${what}`));
    const before = reading < 0 ? others : others.slice(0, reading);
    const after = reading < 0 ? [] : others.slice(reading);
    const told = [...references];
    const seen = new Set<number>();
    for (const view of views)
      for (const line of await dependences(ctx, what, [view], options, seen)) told.push({ oid: view.id, line });
    // As they were made.
    const inOrder = told.sort((a, b) => a.oid - b.oid).map(({ line }) => line);
    throw dependsError(what, [...before, ...inOrder, ...after]);
  }
  await ctx.catalog.lock(
    ctx.txn,
    views.map((view) => view.id),
    ctx.wait,
  );
  for (const { id } of views) await dropLockedView(ctx, id, options);
}

/** By CASCADE. One that reads another of those that go may be gone by now. */
export async function dropLockedView(ctx: DdlContext, id: number, options: DropOptions): Promise<void> {
  const current = await ctx.catalog.forUpdate(ctx.txn, id);
  if (!isReader(current)) return;
  ctx.cascades.push(`${kindName(current)} ${await visibleName(ctx, current)}`);
  await dropRowTypeRoutines(ctx, current, { ...options, cascade: true });
  await dropView(ctx, current, options);
}

/** Who depends on what, as far as it goes. */
export async function dependences(
  ctx: DdlContext,
  what: string,
  views: readonly Reader[],
  options: DropOptions,
  seen = new Set<number>(),
): Promise<string[]> {
  const lines: string[] = [];
  for (const view of views) {
    if (seen.has(view.id)) continue;
    seen.add(view.id);
    const reader = `${kindName(view)} ${await visibleName(ctx, view)}`;
    lines.push(`${reader} depends on ${what}`);
    const further = (await dependentViews(ctx, view.id)).filter(({ id }) => !options.together.has(id));
    const routines = await dropRowTypeRoutines(ctx, view, { ...options, cascade: false });
    const above: { readonly oid: number; readonly lines: readonly string[] }[] = [];
    for (const one of further) above.push({ oid: one.id, lines: await dependences(ctx, reader, [one], options, seen) });
    for (const { oid, line } of routines) above.push({ oid, lines: [line] });
    lines.push(...above.sort((a, b) => a.oid - b.oid).flatMap((one) => one.lines));
  }
  return lines;
}

export function dependsError(what: string, lines: readonly string[]): Error {
  return sqlError('2BP01', `cannot drop ${what} because other objects depend on it`, {
    detail: lines.join('\n'),
    hint: 'Use DROP ... CASCADE to drop the dependent objects too.',
  });
}

export async function dropView(
  ctx: DdlContext,
  view: Reader,
  options: DropOptions,
  others: readonly string[] = [],
): Promise<void> {
  await dropDependents(ctx, view, options, others);
  // Of a view that goes by CASCADE with another they would have to go too.
  if (view.kind === 'view' && options.cascade) {
    const [user] = (await rowTypeUsers(ctx, view.id)).filter(({ id }) => !options.together.has(id));
    if (user !== undefined)
      throw sqlError(
        '0A000',
        `dropping view ${view.name} by CASCADE while ${user.name} uses its row type is not supported`,
      );
  }
  forgetSources(ctx, view);
  ctx.catalog.freeName(ctx.txn, view.schemaId, view.name);
  if (isMaterialized(view))
    for (const index of view.indexes) if (index.oid !== 0) ctx.catalog.freeName(ctx.txn, view.schemaId, index.name);
  ctx.catalog.drop(ctx.txn, view.id);
}

/** Views that use this column of the table. */
export async function viewsOfColumn(ctx: DdlContext, tableId: number, columnId: number): Promise<Reader[]> {
  const views = await dependentViews(ctx, tableId);
  return views.filter((view) => sourcesOf(view).some((s) => s.id === tableId && s.columnIds.includes(columnId)));
}

interface NamedTable {
  readonly id: number;
  readonly name: string;
}

/** Before a column is dropped: refuses, or drops the views that use it. */
export async function dropViewsOfColumn(
  ctx: DdlContext,
  table: NamedTable,
  column: NamedTable,
  cascade: boolean,
): Promise<void> {
  const what = `column ${column.name} of table ${table.name}`;
  const views = await viewsOfColumn(ctx, table.id, column.id);
  await dropFieldReaders(
    ctx,
    { what, field: column.name },
    await fieldReaders(ctx, table.id, column.name),
    cascade,
    views,
  );
}

/** Before a field of rows is dropped: refuses, or drops the views that read it. `views`: others that use it. */
export async function dropFieldReaders(
  ctx: DdlContext,
  { what, field }: { readonly what: string; readonly field: string },
  { readers, others }: FieldReaders,
  cascade: boolean,
  views: Reader[] = [],
): Promise<void> {
  for (const reader of readers) if (!views.some(({ id }) => id === reader.id)) views.push(reader);
  const options = { cascade, together: new Set<number>() };
  if (others.length === 0) return dropViews(ctx, what, views, options);
  if (cascade) throw fieldRead(others[0]!.what, field, 'dropping');
  const lines: { readonly id: number; readonly line: string }[] = [];
  for (const other of others) lines.push({ id: other.id, line: `${other.what} depends on ${what}` });
  for (const view of views)
    for (const line of await dependences(ctx, what, [view], options)) lines.push({ id: view.id, line });
  const inOrder = lines.sort((a, b) => a.id - b.id).map(({ line }) => line);
  throw dependsError(what, inOrder);
}

/** Before a key is dropped by which views are grouped: refuses, or drops these. */
export async function dropViewsOfKey(
  ctx: DdlContext,
  tableId: number,
  key: { readonly oid: number; readonly what: string },
  cascade: boolean,
): Promise<void> {
  const isUsed = (source: ViewSource): boolean => source.id === tableId && (source.keys?.includes(key.oid) ?? false);
  const views = (await dependentViews(ctx, tableId)).filter((view) => sourcesOf(view).some(isUsed));
  await dropViews(ctx, key.what, views, { cascade, together: new Set() });
}

/** Before a column's type changes, which a view's columns would not follow. */
export async function refuseViewsOfColumn(ctx: DdlContext, table: NamedTable, column: NamedTable): Promise<void> {
  const [view] = await viewsOfColumn(ctx, table.id, column.id);
  if (view === undefined) return;
  throw sqlError('0A000', 'cannot alter type of a column used by a view or rule', {
    detail: `rule _RETURN on ${kindName(view)} ${await visibleName(ctx, view)} depends on column "${column.name}"`,
  });
}
