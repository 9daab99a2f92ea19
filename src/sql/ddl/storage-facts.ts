/**
 * What ALTER TABLE and ALTER INDEX say about how PostgreSQL stores and samples rows: statistics targets, options of
 * columns and indexes, STORAGE, COMPRESSION, REPLICA IDENTITY, CLUSTER ON. It is kept and shown in the catalogs, so that a
 * dump has it, and changes nothing here.
 */
import { requireTablespace } from './tablespaces.js';
import { sqlError } from '../../base/errors.js';
import type { ColumnDescriptor, IndexDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import { foreignKeysTo } from '../catalog/linked-tables.js';
import { factsOf } from '../catalog/virtual/user-types.js';
import { formatType } from '../types/registry.js';
import { compressionNamed } from './compression.js';
import type { DdlContext } from './context.js';
import { nextVersion, openIndex, openTable, relationMissing } from './objects.js';
import { changedOptions } from './storage-options.js';
import { refusedAction } from './alter-actions.js';
import { of, rangeVar, stringOf, text, valueText } from './tree.js';
import type { Loose } from './tree.js';

const STATISTICS_MAX = 10_000;
const STORAGES: Readonly<Record<string, NonNullable<ColumnDescriptor['storage']>>> = {
  plain: 'p',
  external: 'e',
  extended: 'x',
  main: 'm',
};

/** -1 is the default. */
export function statisticsTarget(ctx: DdlContext, node: unknown): number {
  const value = Number(valueText(node));
  if (value < -1) throw sqlError('22023', `statistics target ${value} is too low`);
  if (value <= STATISTICS_MAX) return value;
  const message = `lowering statistics target to ${STATISTICS_MAX}`;
  ctx.notice({ severity: 'WARNING', sqlstate: '22023', message });
  return STATISTICS_MAX;
}

const without = <T extends object>(value: T, key: keyof T): T => {
  const { [key]: _gone, ...rest } = value;
  return rest as T;
};

/** A column under one of the commands; null: it is another command. */
export function withStorageFact(ctx: DdlContext, column: ColumnDescriptor, command: Loose): ColumnDescriptor | null {
  const { def } = command;
  switch (command['subtype']) {
    case 'AT_SetStatistics': {
      const statistics = statisticsTarget(ctx, def);
      return statistics === -1 ? without(column, 'statistics') : { ...column, statistics };
    }
    case 'AT_SetOptions':
    case 'AT_ResetOptions': {
      const isReset = command['subtype'] === 'AT_ResetOptions';
      const options = changedOptions(column.options ?? {}, optionItems(def), 'column', isReset);
      return Object.keys(options).length === 0 ? without(column, 'options') : { ...column, options };
    }
    case 'AT_SetStorage':
      return { ...column, storage: storageOf(column, stringOf(def)) };
    case 'AT_SetCompression':
      return withCompression(column, stringOf(def));
    default:
      return null;
  }
}

function storageOf(column: ColumnDescriptor, name: string): NonNullable<ColumnDescriptor['storage']> {
  const storage = STORAGES[name.toLowerCase()];
  if (storage === undefined) throw sqlError('22023', `invalid storage type "${name}"`);
  if (storage !== 'p' && factsOf(column.typeOid).storage === 'p')
    throw sqlError('0A000', `column data type ${formatType(column.typeOid)} can only have storage PLAIN`);
  return storage;
}

function withCompression(column: ColumnDescriptor, name: string): ColumnDescriptor {
  const compression = compressionNamed(name, column.typeOid);
  return compression === undefined ? without(column, 'compression') : { ...column, compression };
}

export function optionItems(node: unknown): unknown {
  const n = node as Loose | undefined;
  return n?.['List'] === undefined ? node : of(n, 'List')['items'];
}

function indexNamed(table: TableDescriptor, name: string): IndexDescriptor {
  const index = table.indexes.find((one) => one.name === name && one.oid !== 0);
  if (index === undefined) throw sqlError('42704', `index "${name}" for table "${table.name}" does not exist`);
  return index;
}

/** @throws QuoralError 42809 for what is there under the name, and no index of the table's */
async function requireOwnIndex(ctx: DdlContext, table: TableDescriptor, name: string): Promise<void> {
  const entry = await ctx.catalog.nameEntry(table.schemaId, name);
  if (entry === null) return;
  if (entry.indexOid === null) throw sqlError('42809', `"${name}" is not an index`);
  if (entry.id !== table.id) throw sqlError('42809', `"${name}" is not an index for table "${table.name}"`);
}

/** CLUSTER ON, SET WITHOUT CLUSTER and REPLICA IDENTITY. @throws QuoralError 42704, 42809, 0A000 */
export async function withChosenIndex(
  ctx: DdlContext,
  table: TableDescriptor,
  command: Loose,
): Promise<TableDescriptor> {
  if (command['subtype'] === 'AT_DropCluster') return withCluster(table, null);
  const isCluster = command['subtype'] === 'AT_ClusterOn';
  const identity = isCluster ? {} : of(command['def'] as Loose, 'ReplicaIdentityStmt');
  const name = isCluster ? command['name'] : identity['name'];
  if (name !== undefined) await requireOwnIndex(ctx, table, text(name));
  return isCluster ? withCluster(table, text(name)) : withReplicaIdentity(table, identity);
}

/** CLUSTER ON and SET WITHOUT CLUSTER. */
function withCluster(table: TableDescriptor, name: string | null): TableDescriptor {
  if (name === null) return { ...table, clusterOn: null };
  const index = indexNamed(table, name);
  if (index.method !== undefined)
    throw sqlError('0A000', `cannot cluster on index "${name}" because access method does not support clustering`);
  if (index.predicate != null) throw sqlError('0A000', `cannot cluster on partial index "${name}"`);
  return { ...table, clusterOn: index.oid };
}

function withReplicaIdentity(table: TableDescriptor, node: Loose): TableDescriptor {
  const kind = text(node['identity_type']);
  if (kind === 'd') return { ...table, replicaIdentity: null };
  if (kind === 'f' || kind === 'n') return { ...table, replicaIdentity: kind === 'f' ? 'full' : 'nothing' };
  const name = text(node['name']);
  const index = indexNamed(table, name);
  const refuse = (why: string): Error => sqlError('42809', why);
  if (!index.unique) throw refuse(`cannot use non-unique index "${name}" as replica identity`);
  if (index.deferrable != null) throw sqlError('0A000', `cannot use non-immediate index "${name}" as replica identity`);
  if (index.columns.some((part) => part.columnId === 0))
    throw sqlError('0A000', `cannot use expression index "${name}" as replica identity`);
  if (index.predicate != null) throw sqlError('0A000', `cannot use partial index "${name}" as replica identity`);
  for (const { columnId } of index.columns) {
    const column = table.columns.find((one) => one.id === columnId);
    if (column?.nullable === true)
      throw refuse(`index "${name}" cannot be used as replica identity because column "${column.name}" is nullable`);
  }
  return { ...table, replicaIdentity: index.oid };
}

/**
 * ENABLE and DISABLE TRIGGER ALL. The only triggers are those that PostgreSQL has for foreign keys.
 * @throws QuoralError 42501 for those who are no superusers
 */
export async function withTriggers(ctx: DdlContext, table: TableDescriptor, on: boolean): Promise<TableDescriptor> {
  const fk = table.foreignKeys?.[0];
  const parentOf = table.referencedBy ?? [];
  if ((fk !== undefined || parentOf.length > 0) && !ctx.rights.superuser) {
    const name = `RI_ConstraintTrigger_${fk === undefined ? 'a' : 'c'}_${fk?.oid ?? table.id}`;
    throw sqlError('42501', `permission denied: "${name}" is a system trigger`);
  }
  if (on) return { ...table, restingKeys: null };
  const keys = (table.foreignKeys ?? []).map(({ oid }) => oid);
  for (const id of parentOf) {
    const child = await ctx.catalog.descriptor(id, ctx.wait);
    if (child?.kind === 'table') keys.push(...foreignKeysTo(child, table).map(({ oid }) => oid));
  }
  return { ...table, restingKeys: keys };
}

export function withRowSecurity(table: TableDescriptor, subtype: string): TableDescriptor {
  const { enabled, forced } = table.rowSecurity ?? { enabled: false, forced: false };
  const isOn = !/Disable|NoForce/.test(subtype);
  return { ...table, rowSecurity: subtype.includes('Force') ? { enabled, forced: isOn } : { enabled: isOn, forced } };
}

/** ALTER INDEX. @throws QuoralError 42P01, 42809, 42703 */
export async function alterIndex(
  ctx: DdlContext,
  name: ReturnType<typeof rangeVar>,
  commands: readonly Loose[],
  missingOk: boolean,
): Promise<void> {
  const found = await openIndex(ctx, name);
  if (found === null) {
    if (missingOk) return;
    return relationMissing(ctx, name);
  }
  let { index } = found;
  for (const command of commands) index = changedIndex(ctx, index, found.table, command);
  if (index === found.index) return;
  const indexes = found.table.indexes.map((one) => (one.id === index.id ? index : one));
  ctx.catalog.put(ctx.txn, nextVersion(found.table, { indexes }));
}

function changedIndex(
  ctx: DdlContext,
  index: IndexDescriptor,
  table: TableDescriptor,
  command: Loose,
): IndexDescriptor {
  switch (command['subtype']) {
    case 'AT_SetRelOptions':
    case 'AT_ResetRelOptions': {
      const isReset = command['subtype'] === 'AT_ResetRelOptions';
      const target = index.method ?? 'btree';
      return { ...index, options: changedOptions(index.options ?? {}, optionItems(command['def']), target, isReset) };
    }
    case 'AT_SetStatistics':
      return withStatistics(ctx, index, table, command);
    // The owner is the table's.
    case 'AT_ChangeOwner':
    case 'AT_SetTableSpace':
      requireTablespace(command['name']);
      return index;
    default:
      throw refusedAction(index.name, 'indexes', command);
  }
}

function withStatistics(
  ctx: DdlContext,
  index: IndexDescriptor,
  table: TableDescriptor,
  command: Loose,
): IndexDescriptor {
  const number = Number(command['num'] ?? 0);
  const nameOf = (at: number): string => {
    const part = index.columns[at];
    const id = part?.columnId ?? index.storing[at - index.columns.length];
    return part?.expression?.name ?? table.columns.find((one) => one.id === id)?.name ?? '';
  };
  const count = index.columns.length + index.storing.length;
  const named = text(command['name']);
  const at =
    number > 0 ? number - 1 : Array.from({ length: count }, (_, i) => nameOf(i)).findIndex((one) => one === named);
  if (number > count) throw sqlError('42703', `column number ${number} of relation "${index.name}" does not exist`);
  if (at < 0) throw sqlError('42703', `column "${named}" of relation "${index.name}" does not exist`);
  if (at >= index.columns.length)
    throw sqlError('0A000', `cannot alter statistics on included column "${nameOf(at)}" of index "${index.name}"`);
  if (index.columns[at]?.expression == null) {
    const message = `cannot alter statistics on non-expression column "${nameOf(at)}" of index "${index.name}"`;
    throw sqlError('0A000', message, { hint: 'Alter statistics on table column instead.' });
  }
  const statistics = statisticsTarget(ctx, command['def']);
  const columns = index.columns.map((part, i) => (i === at ? { ...part, statistics } : part));
  return { ...index, columns };
}

/** CLUSTER: rows lie by their primary key whatever it says; what it names must be there, and is remembered. */
export async function runCluster(ctx: DdlContext, body: Loose): Promise<string> {
  if (body['relation'] === undefined) {
    if (ctx.session.inBlock) throw sqlError('25001', 'CLUSTER cannot run inside a transaction block');
    return 'CLUSTER';
  }
  const table = await openTable(ctx, rangeVar(body['relation']), { materialized: true });
  const name = body['indexname'] === undefined ? null : text(body['indexname']);
  if (name !== null) await requireOwnIndex(ctx, table, name);
  if (name !== null) ctx.catalog.put(ctx.txn, nextVersion(withCluster(table, name), {}));
  else if (table.indexes.every(({ oid }) => oid === 0 || oid !== table.clusterOn))
    throw sqlError('42704', `there is no previously clustered index for table "${table.name}"`);
  return 'CLUSTER';
}
