/** Finding and naming catalog objects for schema statements: with locks, existence rules and PostgreSQL's errors. */
import { quoteIdentifier } from '../types/identifiers.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import { tablePrefix } from '../../encoding/keyspace.js';
import { INFORMATION_SCHEMA_ID, PG_CATALOG_SCHEMA_ID } from '../catalog/bootstrap.js';
import type { IndexDescriptor, SequenceDescriptor, TableDescriptor, ViewDescriptor } from '../catalog/descriptor.js';
import { isMaterialized } from '../catalog/materialized.js';
import { isTemporarySchema, isTemporarySchemaName, temporarySchemaName } from '../catalog/temporary-names.js';
import type { RelationName } from '../contract.js';
import { RIGHTS } from '../catalog/acl.js';
import { aclOf, relationKind } from '../catalog/rights.js';
import type { DdlContext } from './context.js';
import { notOwner, ownsSchemaOf, requireCreate, requireOnDatabase, requireOwner } from './ownership.js';
import { catalogOidOf, elementOidOf, formatType, isArrayType } from '../types/registry.js';
import { isHandle } from '../types/user-types.js';
import { objectName, of, qualifiedName, strings } from './tree.js';
import type { Loose } from './tree.js';

const ATTEMPTS_MAX = 20;

/** Of a name that finds nothing: whether its schema is there. */
export async function lacksSchema(ctx: DdlContext, { schema }: RelationName): Promise<boolean> {
  return schema !== null && !isTemporarySchemaName(schema) && (await ctx.catalog.schemaId(schema)) === null;
}
/** @throws QuoralError 3F000, or the error given if the schema is there or none was named. */
export async function throwMissing(ctx: DdlContext, name: RelationName, otherwise: QuoralError): Promise<never> {
  if (!(await lacksSchema(ctx, name))) throw otherwise;
  throw sqlError('3F000', `schema "${name.schema!}" does not exist`);
}
export function relationMissing(ctx: DdlContext, name: RelationName): Promise<never> {
  return throwMissing(ctx, name, sqlError('42P01', `relation "${shownName(name)}" does not exist`));
}
export function shownName(name: RelationName): string {
  return name.schema === null ? name.name : `${name.schema}.${name.name}`;
}

/** As messages name it, to be read by SQL: with its schema only where the name alone does not find it. */
export async function visibleName(
  ctx: DdlContext,
  { schemaId, name }: { readonly schemaId: number; readonly name: string },
): Promise<string> {
  const schema = await ctx.catalog.schemaName(schemaId);
  const own = quoteIdentifier(name);
  return ctx.session.searchPath.includes(schema) ? own : `${quoteIdentifier(schema)}.${own}`;
}

/** A type as messages name it, with its schema only where the name alone does not find it. */
export async function visibleType(ctx: DdlContext, oid: number): Promise<string> {
  if (!isHandle(oid)) return formatType(oid);
  const isArray = isArrayType(oid);
  const descriptor = await ctx.catalog.descriptor(catalogOidOf(isArray ? elementOidOf(oid) : oid), ctx.wait);
  if (descriptor === null || !('schemaId' in descriptor)) return formatType(oid);
  return `${await visibleName(ctx, descriptor)}${isArray ? '[]' : ''}`;
}

/**
 * Schema in which a new object goes. `persistence` as the grammar has it: t is temporary.
 * @throws 3F000, 42501, 42P16
 */
export async function creationSchema(
  ctx: DdlContext,
  name: RelationName,
  persistence: unknown = 'p',
): Promise<{ id: number; name: string }> {
  if (persistence === 't' || (name.schema !== null && isTemporarySchemaName(name.schema)))
    return temporarySchema(ctx, name.schema, persistence);
  if (name.schema !== null) {
    const id = await ctx.catalog.schemaId(name.schema);
    if (id === null) throw sqlError('3F000', `schema "${name.schema}" does not exist`);
    refuseSystemSchema(id, name.schema);
    await ctx.catalog.readTracked(ctx.txn, id);
    await requireCreate(ctx, id, name.schema);
    return { id, name: name.schema };
  }
  if (ctx.session.temporary === 'first') return temporarySchema(ctx, null, persistence);
  for (const schema of ctx.session.searchPath) {
    const id = await ctx.catalog.schemaId(schema);
    if (id === null || id === PG_CATALOG_SCHEMA_ID || isTemporarySchema(id)) continue;
    refuseSystemSchema(id, schema);
    await ctx.catalog.readTracked(ctx.txn, id);
    await requireCreate(ctx, id, schema);
    return { id, name: schema };
  }
  throw sqlError('3F000', 'no schema has been selected to create in');
}

async function temporarySchema(
  ctx: DdlContext,
  named: string | null,
  persistence: unknown,
): Promise<{ id: number; name: string }> {
  if (named !== null && !isTemporarySchemaName(named)) {
    if ((await ctx.catalog.schemaId(named)) === null) throw sqlError('3F000', `schema "${named}" does not exist`);
    throw sqlError('42P16', 'cannot create temporary relation in non-temporary schema');
  }
  if (persistence === 'u') throw sqlError('42P16', 'only temporary relations may be created in temporary schemas');
  if (named !== null && named !== 'pg_temp' && ctx.temporaries.idOf(named) === null)
    throw sqlError('3F000', `schema "${named}" does not exist`);
  await requireOnDatabase(ctx, RIGHTS.temporary, () =>
    sqlError('42501', `permission denied to create temporary tables in database "${ctx.session.database}"`),
  );
  const id = await ctx.temporaries.open(ctx.txn, ctx.catalog.databaseId);
  return { id, name: temporarySchemaName(id) };
}

/** What errors about a table's rows say of it. */
export function fieldsOfTable(
  ctx: DdlContext,
  { schemaId, name }: TableDescriptor,
): { readonly schema: string | undefined; readonly table: string } {
  return { schema: ctx.execContext().services.schemaNameOf(schemaId) ?? undefined, table: name };
}

function refuseSystemSchema(id: number, name: string): void {
  if (id === PG_CATALOG_SCHEMA_ID || id === INFORMATION_SCHEMA_ID) {
    throw sqlError('42501', `permission denied to create in schema "${name}"`, {
      detail: 'System catalog modifications are currently disallowed.',
    });
  }
}

export type Opened =
  | { readonly kind: 'table'; readonly table: TableDescriptor; readonly schemaName: string }
  | { readonly kind: 'sequence'; readonly sequence: SequenceDescriptor; readonly schemaName: string }
  | { readonly kind: 'view'; readonly view: ViewDescriptor; readonly schemaName: string };

export function descriptorOf(opened: Opened): TableDescriptor | SequenceDescriptor | ViewDescriptor {
  return opened.kind === 'table' ? opened.table : opened.kind === 'view' ? opened.view : opened.sequence;
}

/**
 * Whose it must be: the user's; for a drop, that of the user or in a schema of the user's. A number: any relation will do on which the
 * user has these rights.
 */
export interface OpenOptions {
  readonly access: 'owner' | 'drop' | 'any' | number;
}
const OWNED: OpenOptions = { access: 'owner' };

/** @throws QuoralError 42501 */
async function checkAccess(
  ctx: DdlContext,
  found: TableDescriptor | SequenceDescriptor | ViewDescriptor,
  access: OpenOptions['access'],
): Promise<void> {
  if (access === 'any' || ctx.rights.owns(found)) return;
  if (typeof access === 'number') {
    if (ctx.rights.has(aclOf(found), access)) return;
    throw sqlError('42501', `permission denied for ${relationKind(found)} ${found.name}`);
  }
  if (access === 'drop' && (await ownsSchemaOf(ctx, found))) return;
  requireOwner(ctx, found);
}

/** The relation under its schema lock, as it is now. null if there is none. */
export async function openForChange(
  ctx: DdlContext,
  name: RelationName,
  { access }: OpenOptions = OWNED,
): Promise<Opened | null> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const found = await ctx.catalog.relation(name, ctx.session.searchPath, ctx.wait);
    if (found === null) return null;
    if (found.kind === 'virtual') throw sqlError('42501', `permission denied: "${name.name}" is a system catalog`);
    const seen = descriptorOf(found);
    // Who may not change it keeps nobody from it either.
    await checkAccess(ctx, seen, access);
    await ctx.catalog.lock(ctx.txn, [seen.id], ctx.wait);
    const current = await ctx.catalog.forUpdate(ctx.txn, seen.id);
    if (
      current?.kind !== seen.kind ||
      current.name !== seen.name ||
      (current as typeof seen).schemaId !== seen.schemaId
    )
      continue;
    await checkAccess(ctx, current as typeof seen, access);
    if (current.kind === 'table') return { kind: 'table', table: current, schemaName: found.schemaName };
    if (current.kind === 'sequence') return { kind: 'sequence', sequence: current, schemaName: found.schemaName };
    if (current.kind === 'view') return { kind: 'view', view: current, schemaName: found.schemaName };
  }
  throw new QuoralError('40001', `relation "${name.name}" keeps changing`, { retry: 'transaction' });
}

/** @throws 42809 for what is no table, and for a materialised view unless it will do */
export async function openTable(
  ctx: DdlContext,
  name: RelationName,
  options: { readonly materialized: boolean; readonly access?: OpenOptions['access'] } = { materialized: false },
): Promise<TableDescriptor> {
  const found = await openForChange(ctx, name, { access: options.access ?? 'owner' });
  if (found === null) return relationMissing(ctx, name);
  if (found.kind !== 'table' || (isMaterialized(found.table) && !options.materialized))
    throw sqlError('42809', `"${name.name}" is not a table`);
  return found.table;
}

/** The index and its table, locked. */
export async function openIndex(
  ctx: DdlContext,
  name: RelationName,
): Promise<{ table: TableDescriptor; index: IndexDescriptor } | null> {
  const schemas = name.schema === null ? ctx.session.searchPath : [name.schema];
  for (const schema of schemas) {
    const schemaId = await ctx.catalog.schemaId(schema);
    if (schemaId === null) continue;
    const entry = await ctx.catalog.nameEntry(schemaId, name.name);
    if (entry === null) continue;
    if (entry.indexOid === null) throw sqlError('42809', `"${name.name}" is not an index`);
    await ctx.catalog.lock(ctx.txn, [entry.id], ctx.wait);
    const table = await ctx.catalog.forUpdate(ctx.txn, entry.id);
    const index = table?.kind === 'table' ? table.indexes.find((i) => i.oid === entry.indexOid) : undefined;
    if (table?.kind !== 'table' || index === undefined) continue;
    if (!ctx.rights.owns(table)) throw notOwner('index', index.name);
    return { table, index };
  }
  return null;
}

/** A free name for an object made without one, claimed. */
export async function claimGeneratedName(
  ctx: DdlContext,
  schemaId: number,
  parts: readonly [string, string, string],
  entry: { readonly id: number; readonly indexOid: number | null },
  /** Names that something else has which is no relation. */
  taken: readonly string[] = [],
): Promise<string> {
  for (let n = 0; ; n++) {
    const name = objectName(parts[0], parts[1], n === 0 ? parts[2] : `${parts[2]}${n}`);
    if (taken.includes(name)) continue;
    if (await ctx.catalog.claimName(ctx.txn, schemaId, name, entry)) return name;
  }
}

/** The name of an identity column's sequence: the one that is given, or one made of the table's and the column's. */
export async function claimIdentityName(
  ctx: DdlContext,
  table: { readonly name: string; readonly schemaId: number; readonly schemaName: string },
  column: string,
  opts: readonly { readonly name: string; readonly arg: unknown }[],
  id: number,
): Promise<string> {
  const entry = { id, indexOid: null };
  const given = opts.find((o) => o.name === 'sequence_name');
  if (given === undefined) return claimGeneratedName(ctx, table.schemaId, [table.name, column, 'seq'], entry);
  const { schema, name } = qualifiedName(strings(of(given.arg as Loose, 'List')['items']));
  // PostgreSQL looks for the table beside its sequence.
  if (schema !== null && schema !== table.schemaName)
    throw sqlError('42P01', `relation "${schema}.${table.name}" does not exist`);
  await claimName(ctx, table.schemaId, name, entry);
  return name;
}

export async function claimName(
  ctx: DdlContext,
  schemaId: number,
  name: string,
  entry: { readonly id: number; readonly indexOid: number | null },
): Promise<void> {
  if (!(await ctx.catalog.claimName(ctx.txn, schemaId, name, entry)))
    throw sqlError('42P07', `relation "${name}" already exists`);
}

export function nextVersion(table: TableDescriptor, changes: Partial<TableDescriptor>): TableDescriptor {
  return { ...table, ...changes, version: table.version + 1 };
}

/** A new storage. Separating it from others is an optimisation: if it fails, the statement goes on. */
export async function newStorage(ctx: DdlContext, { shared } = { shared: false }): Promise<number> {
  const storageId = await ctx.catalog.catalog.ids.next();
  ctx.catalog.storages.note(storageId);
  if (shared) return storageId;
  try {
    await ctx.db.separate(tablePrefix(storageId));
  } catch (error) {
    ctx.logger.log('warn', 'a new table shares a range for now', { storageId, error: String(error) });
  }
  return storageId;
}
