/** Index descriptors from constraints and CREATE INDEX; DROP INDEX. */
import { requireTablespace } from './tablespaces.js';
import { sqlError } from '../../base/errors.js';
import type { QuoralError } from '../../base/errors.js';
import type {
  ColumnDescriptor,
  DeferrableKey,
  ForeignKeyDescriptor,
  IndexDescriptor,
  IndexPart,
  TableDescriptor,
} from '../catalog/descriptor.js';
import { keyClass, readMethod, readOperatorClass } from './access-methods.js';
import { addPosition, errorAt } from '../plan/binder.js';
import type { DdlContext } from './context.js';
import { notice } from './context.js';
import { refusePendingChecks } from '../exec/constraint-checks.js';
import { dropReferences } from './foreign-keys.js';
import { SYSTEM_COLUMNS } from './columns.js';
import { kindName } from '../catalog/materialized.js';
import type { RelationName } from '../contract.js';
import {
  collationKey,
  expressionPart,
  indexPredicate,
  onSystemColumn,
  partCollation,
  partNames,
} from './index-parts.js';
import type { PartOptions } from './index-parts.js';
import {
  claimGeneratedName,
  claimName,
  descriptorOf,
  lacksSchema,
  nextVersion,
  openForChange,
  openIndex,
  relationMissing,
  throwMissing,
} from './objects.js';
import { fillIndex } from './rewrite.js';
import { storageOptions } from './storage-options.js';
import { addKeptIndex, keepKeys, withoutUnkept } from './stored-keys.js';
import { list, objectName, of, rangeVar, stringOf, strings, text } from './tree.js';
import type { Loose } from './tree.js';

const INDEX_COLUMNS_MAX = 32;

export interface IndexRequest {
  /** null: to be generated. */
  readonly name: string | null;
  readonly columns: readonly RequestedPart[];
  /** Parse tree of WHERE. */
  readonly predicate?: unknown;
  readonly storing: readonly string[];
  /** Names of the table's other constraints. */
  readonly taken?: readonly string[];
  readonly unique: boolean;
  readonly primary: boolean;
  readonly constraint: boolean;
  /** As IndexDescriptor has it. */
  readonly method?: IndexDescriptor['method'] | undefined;
  /** null: checked with each row. */
  readonly deferrable?: DeferrableKey | null;
  readonly nullsNotDistinct?: boolean | undefined;
  /** Of the constraint in its statement. */
  readonly location?: number;
  readonly options?: Readonly<Record<string, string>> | undefined;
  readonly comment?: string | null;
}

interface RequestedPart extends Omit<PartOptions, 'collation'> {
  /** For an expression '' unless it is known: it has none yet. */
  readonly name: string;
  /** Parse tree. */
  readonly expression?: unknown;
  /** As it is written, or its key. */
  readonly collation?: readonly string[] | string | undefined;
}

export interface TablePlace {
  readonly id: number;
  readonly name: string;
  readonly schemaId: number;
}

export function findColumn(
  columns: readonly ColumnDescriptor[],
  name: string,
  table: string,
  inKey: boolean,
): ColumnDescriptor {
  const column = columns.find((c) => c.name === name && !c.dropped && !c.hidden);
  if (column !== undefined) return column;
  throw sqlError(
    '42703',
    inKey ? `column "${name}" named in key does not exist` : `column "${name}" of relation "${table}" does not exist`,
  );
}

/** Of INCLUDE. @throws QuoralError 42703 */
function storedColumn(
  { constraint }: IndexRequest,
  columns: readonly ColumnDescriptor[],
  name: string,
  table: string,
): ColumnDescriptor {
  if (!constraint && !columns.some((c) => c.name === name && !c.dropped && !c.hidden))
    throw sqlError('42703', `column "${name}" does not exist`);
  return findColumn(columns, name, table, true);
}

/** @throws QuoralError 42703 */
function keyColumn(
  ctx: DdlContext,
  { constraint, primary, location }: IndexRequest,
  columns: readonly ColumnDescriptor[],
  name: string,
  table: string,
): ColumnDescriptor {
  // ALTER TABLE first makes the columns of a primary key NOT NULL.
  const isAltered = constraint && ctx.unplaced === true;
  if (SYSTEM_COLUMNS.has(name))
    throw primary ? sqlError('0A000', `cannot alter system column "${name}"`) : onSystemColumn();
  try {
    return findColumn(columns, name, table, !(isAltered && primary));
  } catch (error) {
    throw isAltered || location === undefined ? error : addPosition(error, location);
  }
}

export function constraintRequest(c: Loose, defaultColumns: readonly string[]): IndexRequest {
  const keys = list(c['keys']).map(stringOf);
  const names = keys.length > 0 ? keys : defaultColumns;
  const seen = new Set<string>();
  const primary = c['contype'] === 'CONSTR_PRIMARY';
  requireTablespace(c['indexspace']);
  for (const name of names) {
    if (seen.has(name))
      throw errorAt(
        '42701',
        `column "${name}" appears twice in ${primary ? 'primary key' : 'unique'} constraint`,
        Number(c['location'] ?? -1),
      );
    seen.add(name);
  }
  return {
    name: c['conname'] === undefined ? null : text(c['conname']),
    columns: names.map((name) => ({ name, descending: false })),
    storing: list(c['including']).map(stringOf),
    unique: true,
    primary,
    constraint: true,
    location: Number(c['location'] ?? 0),
    nullsNotDistinct: c['nulls_not_distinct'] === true,
    options: storageOptions(c['options'], 'btree'),
    deferrable:
      c['deferrable'] === true || c['initdeferred'] === true
        ? { initiallyDeferred: c['initdeferred'] === true, primaryKey: primary }
        : null,
  };
}

export function twoPrimaryKeys(table: string): QuoralError {
  return sqlError('42P16', `multiple primary keys for table "${table}" are not allowed`);
}

/** @throws QuoralError 42703, 42704 and what else keeps a column or expression from being one of a key */
export function keyParts(
  ctx: DdlContext,
  request: IndexRequest,
  table: string,
  columns: readonly ColumnDescriptor[],
): IndexPart[] {
  const names = partNames(request.columns);
  const { method } = request;
  const columnPart = (
    name: string,
    { collation, opclass, ...order }: Omit<RequestedPart, 'name' | 'expression'>,
  ): IndexPart => {
    const column = keyColumn(ctx, request, columns, name, table);
    const under = partCollation(ctx, collation, column.typeOid);
    return { columnId: column.id, ...order, ...under, ...keyClass(method, opclass, column.typeOid) };
  };
  return request.columns.map(({ name, expression, ...wanted }, i): IndexPart => {
    if (expression === undefined) return columnPart(name, wanted);
    const { collation, ...options } = wanted;
    const under = collation === undefined ? {} : { collation: collationKey(ctx, collation) };
    const part = expressionPart(ctx, expression, { ...options, ...under }, names[i]!, table, columns, method);
    // A cast to the type that the column has is none.
    const { typeOid, typmod } = part.expression!;
    const cast = columnNamed(of(expression as Loose, 'TypeCast')['arg']);
    const column = columns.find((c) => !c.dropped && c.name === cast && c.typeOid === typeOid && c.typmod === typmod);
    if (column !== undefined) return columnPart(column.name, wanted);
    return { ...part, ...partCollation(ctx, under.collation, part.expression!.typeOid) };
  });
}

/**
 * The descriptor, with its name claimed. `id` is a number of the table's own for an index of a fresh storage, and null
 * for one beside rows that are there: it then gets a number that no index ever had. What fills an index is not
 * undone when that fails or is rolled back, so that the next one under the same number would begin with its entries.
 */
export async function makeIndex(
  ctx: DdlContext,
  request: IndexRequest,
  id: number | null,
  table: TablePlace,
  columns: readonly ColumnDescriptor[],
): Promise<IndexDescriptor> {
  if (request.columns.length > INDEX_COLUMNS_MAX) {
    throw sqlError('54011', `cannot use more than ${INDEX_COLUMNS_MAX} columns in an index`);
  }
  const names = partNames([...request.columns, ...request.storing.map((name) => ({ name }))]);
  const { method } = request;
  const keyColumns = keyParts(ctx, request, table.name, columns);
  const predicate =
    request.predicate === undefined ? null : indexPredicate(ctx, request.predicate, table.name, columns);
  const oid = await ctx.catalog.catalog.ids.next();
  const entry = { id: table.id, indexOid: oid };
  const joined = names.join('_');
  const parts: [string, string, string] = request.primary
    ? [table.name, '', 'pkey']
    : [table.name, joined, request.constraint ? 'key' : 'idx'];
  let name = request.name;
  if (name === null) name = await claimGeneratedName(ctx, table.schemaId, parts, entry, request.taken);
  else await claimName(ctx, table.schemaId, name, entry);
  return {
    id: id ?? oid,
    oid,
    name,
    unique: request.unique,
    // Rows that may share a key cannot lie under it.
    primary: request.primary && request.deferrable == null,
    columns: keyColumns,
    storing: request.storing.map((n) => storedColumn(request, columns, n, table.name).id),
    constraintOid: request.constraint ? await ctx.catalog.catalog.ids.next() : null,
    ...(predicate === null ? {} : { predicate }),
    ...(method === undefined ? {} : { method }),
    ...(request.nullsNotDistinct === true ? { nullsNotDistinct: true } : {}),
    ...(request.deferrable == null ? {} : { deferrable: request.deferrable }),
    ...(request.comment == null ? {} : { comment: request.comment }),
    ...(request.options === undefined || Object.keys(request.options).length === 0 ? {} : { options: request.options }),
  };
}

export function hiddenPrimary(id: number, tableName: string, columnId: number): IndexDescriptor {
  return {
    id,
    oid: 0,
    name: objectName(tableName, '', 'rowid'),
    unique: true,
    primary: true,
    columns: [{ columnId, descending: false }],
    storing: [],
    constraintOid: null,
  };
}

/** COLLATE around the whole of a key belongs to the index, not to the key. */
function withoutCollate(node: unknown): { readonly expression: unknown; readonly collation?: unknown } {
  let [expression, collation]: unknown[] = [node];
  for (;;) {
    const clause = (expression as Loose | undefined)?.['CollateClause'] as Loose | undefined;
    if (clause === undefined) return collation === undefined ? { expression } : { expression, collation };
    collation ??= clause['collname'];
    expression = clause['arg'];
  }
}

function columnNamed(expression: unknown): string | null {
  const [name, ...more] = list(of(expression as Loose | undefined, 'ColumnRef')['fields']).map(stringOf);
  return name === undefined || name === '' || more.length > 0 ? null : name;
}

function indexRequest(body: Loose): IndexRequest {
  const method = readMethod(body);
  const columns = list(body['indexParams']).map((p) => {
    const e = of(p, 'IndexElem');
    const descending = e['ordering'] === 'SORTBY_DESC';
    const nulls = e['nulls_ordering'];
    const order = {
      descending,
      ...(nulls === 'SORTBY_NULLS_FIRST' && !descending ? { nullsFirst: true } : {}),
      ...(nulls === 'SORTBY_NULLS_LAST' && descending ? { nullsFirst: false } : {}),
      ...readOperatorClass(e),
    };
    const { expression, collation = e['collation'] } = withoutCollate(e['expr']);
    // A column in parentheses is still a column.
    const plain = columnNamed(expression);
    const under = collation === undefined ? order : { ...order, collation: strings(collation) };
    if (plain !== null) return { name: plain, ...under };
    return expression === undefined ? { name: text(e['name']), ...under } : { name: '', ...under, expression };
  });
  const included = list(body['indexIncludingParams']).map((p) => of(p, 'IndexElem'));
  if (included.some((e) => e['expr'] !== undefined))
    throw sqlError('0A000', 'expressions are not supported in included columns');
  return {
    name: body['idxname'] === undefined ? null : text(body['idxname']),
    columns,
    ...(body['whereClause'] === undefined ? {} : { predicate: body['whereClause'] }),
    storing: included.map((e) => text(e['name'])),
    unique: body['unique'] === true,
    primary: false,
    constraint: false,
    nullsNotDistinct: body['nulls_not_distinct'] === true,
    options: storageOptions(body['options'], method ?? 'btree'),
    method,
  };
}

async function indexable(ctx: DdlContext, name: RelationName): Promise<TableDescriptor> {
  const found = await openForChange(ctx, name);
  if (found === null) return relationMissing(ctx, name);
  if (found.kind === 'table') return found.table;
  throw sqlError('42809', `cannot create index on relation "${name.name}"`, {
    detail: `This operation is not supported for ${found.kind}s.`,
  });
}

export async function runCreateIndex(ctx: DdlContext, body: Loose): Promise<string> {
  if (body['concurrent'] === true && ctx.session.inBlock) {
    throw sqlError('25001', 'CREATE INDEX CONCURRENTLY cannot run inside a transaction block');
  }
  const table = await indexable(ctx, rangeVar(body['relation']));
  const request = indexRequest(body);
  if (request.name !== null && body['if_not_exists'] === true) {
    if ((await ctx.catalog.nameForUpdate(ctx.txn, table.schemaId, request.name)) !== null) {
      notice(ctx, '42P07', `relation "${request.name}" already exists, skipping`);
      return 'CREATE INDEX';
    }
  }
  requireTablespace(body['tableSpace']);
  const missing = request.columns.find(
    (c) => c.expression === undefined && !table.columns.some((x) => x.name === c.name && !x.dropped && !x.hidden),
  );
  if (missing !== undefined && SYSTEM_COLUMNS.has(missing.name)) throw onSystemColumn();
  if (missing !== undefined) throw sqlError('42703', `column "${missing.name}" does not exist`);
  refusePendingChecks(ctx.txn, 'CREATE INDEX', table);
  await addIndex(ctx, table, request);
  return 'CREATE INDEX';
}

/** Adds a secondary index, filled. Functions in it run with the rights of the table's owner, not of whoever makes the index. */
export function addIndex(ctx: DdlContext, table: TableDescriptor, request: IndexRequest): Promise<TableDescriptor> {
  const add = (): Promise<TableDescriptor> => addFilled(ctx, table, request);
  return table.owner === ctx.session.userId ? add() : ctx.asRole(table.owner, add);
}

async function addFilled(ctx: DdlContext, table: TableDescriptor, request: IndexRequest): Promise<TableDescriptor> {
  const kept = keepKeys(ctx, await makeIndex(ctx, request, null, table, table.columns), table.columns);
  const { index } = kept;
  if (kept.columns.length > 0) {
    const made = await addKeptIndex(ctx, table, kept);
    ctx.catalog.put(ctx.txn, made);
    return made;
  }
  const next = nextVersion(table, {
    indexes: [...table.indexes, index],
    storageSince: ctx.txn.readTimestamp,
  });
  await fillIndex(ctx, table, next, index.id);
  ctx.catalog.put(ctx.txn, next);
  return next;
}

/** What the name means instead. */
async function refuseOther(ctx: DdlContext, name: RelationName, error: unknown): Promise<never> {
  const other = (error as { sqlstate?: string }).sqlstate === '42809' ? await openForChange(ctx, name) : null;
  if (other === null) throw error;
  const kind = kindName(descriptorOf(other));
  throw sqlError('42809', `"${name.name}" is not an index`, {
    hint: `Use DROP ${kind.toUpperCase()} to remove a ${kind}.`,
  });
}

export async function dropIndexes(ctx: DdlContext, body: Loose): Promise<string> {
  if (body['concurrent'] === true && ctx.session.inBlock)
    throw sqlError('25001', 'DROP INDEX CONCURRENTLY cannot run inside a transaction block');
  for (const object of list(body['objects'])) {
    const parts = list(of(object, 'List')['items']).map(stringOf);
    const name = { schema: parts.length > 1 ? parts[parts.length - 2]! : null, name: parts[parts.length - 1]! };
    const found = await openIndex(ctx, name).catch((error: unknown) => refuseOther(ctx, name, error));
    if (found === null) {
      if (body['missing_ok'] !== true)
        await throwMissing(ctx, name, sqlError('42704', `index "${name.name}" does not exist`));
      const what = (await lacksSchema(ctx, name)) ? `schema "${name.schema!}"` : `index "${name.name}"`;
      notice(ctx, '00000', `${what} does not exist, skipping`);
      continue;
    }
    const { table, index } = found;
    if (index.constraintOid !== null) {
      throw sqlError(
        '2BP01',
        `cannot drop index ${index.name} because constraint ${index.name} on table ${table.name} requires it`,
        {
          hint: `You can drop constraint ${index.name} on table ${table.name} instead.`,
        },
      );
    }
    refusePendingChecks(ctx.txn, 'DROP INDEX', table);
    const cascade = body['behavior'] === 'DROP_CASCADE';
    const uses = (fk: ForeignKeyDescriptor): boolean => fk.parentIndexId === index.id;
    const rest = await dropReferences(ctx, table, uses, `index ${index.name}`, { cascade, together: new Set() });
    removeIndex(ctx, rest, index);
  }
  return 'DROP INDEX';
}

export function removeIndex(ctx: DdlContext, table: TableDescriptor, index: IndexDescriptor): TableDescriptor {
  const next = withoutUnkept(nextVersion(table, { indexes: table.indexes.filter((i) => i.id !== index.id) }));
  ctx.catalog.freeName(ctx.txn, table.schemaId, index.name);
  ctx.catalog.put(ctx.txn, next);
  return next;
}
