/**
 * FOREIGN KEY: made with a table or added to one, validated, altered and dropped.
 *
 * The child's descriptor holds the key, the parent's the child's id (`referencedBy`): whoever writes either
 * is led to the other. Both are under their schema locks when the key comes or goes, so nobody writes
 * rows meanwhile, and every plan of before is void by the descriptors' versions.
 */
import { RIGHTS } from '../catalog/acl.js';
import { isMaterialized } from '../catalog/materialized.js';
import { aclOf } from '../catalog/rights.js';
import { isTemporary } from '../catalog/temporary-names.js';
import { sqlError } from '../../base/errors.js';
import type {
  ColumnDescriptor,
  ForeignKeyAction,
  ForeignKeyDescriptor,
  IndexDescriptor,
  TableDescriptor,
} from '../catalog/descriptor.js';
import { constraintOids, isPrimaryKey } from '../catalog/descriptor.js';
import { ForeignKey, keyConversion, type Reference } from '../exec/foreign-key.js';
import { errorAt } from '../plan/binder.js';
import { referenceText } from '../exec/reference-text.js';
import { OID } from '../types/oids.js';
import { formatType } from '../types/registry.js';
import { STORED_FORMAT } from '../types/stored-format.js';
import { baseOidOf } from '../types/user-types.js';
import { SYSTEM_COLUMNS } from './columns.js';
import type { DdlContext } from './context.js';
import { SHARE_ROW_EXCLUSIVE } from './alter-lock-modes.js';
import { nextVersion, openForChange, relationMissing, visibleName } from './objects.js';
import { scanRows } from './rewrite.js';
import type { DropOptions, ReferenceLine } from './views.js';
import { list, objectName, rangeVar, stringOf, text, unsupported } from './tree.js';
import type { Loose } from './tree.js';

const ACTIONS: Readonly<Record<string, ForeignKeyAction>> = {
  a: 'no action',
  r: 'restrict',
  c: 'cascade',
  n: 'set null',
  d: 'set default',
};
const CHECKED_AT_A_TIME = 500;

/** DEFERRABLE and the like, which the grammar puts behind a column's constraint as constraints of their own. */
export function withAttribute(constraints: Loose[], attribute: string, location: number): void {
  const last = constraints[constraints.length - 1];
  const word = attribute.replace('CONSTR_ATTR_', '').replace('_', ' ');
  const known = ['CONSTR_FOREIGN', 'CONSTR_UNIQUE', 'CONSTR_PRIMARY'].includes(String(last?.['contype']));
  if (last === undefined || !known) {
    const clause = { DEFERRED: 'INITIALLY DEFERRED', IMMEDIATE: 'INITIALLY IMMEDIATE' }[word] ?? word;
    throw errorAt('42601', `misplaced ${clause} clause`, location);
  }
  if (word === 'DEFERRED' && last['deferrable'] === false) {
    throw errorAt('42601', 'constraint declared INITIALLY DEFERRED must be DEFERRABLE', location);
  }
  const set: Record<string, Loose> = {
    DEFERRABLE: { deferrable: true },
    DEFERRED: { deferrable: true, initdeferred: true },
    'NOT DEFERRABLE': { deferrable: false },
    IMMEDIATE: { initdeferred: false },
  };
  if (word === 'NOT DEFERRABLE' && last['initdeferred'] === true) {
    throw errorAt('42601', 'constraint declared INITIALLY DEFERRED must be DEFERRABLE', location);
  }
  constraints[constraints.length - 1] = { ...last, ...set[word] };
}

/** A foreign key as it was written; `columns` for one that stands with a column. */
export interface ForeignKeyRequest {
  readonly node: Loose;
  readonly columns: readonly string[];
}

/** Adds the keys to a table that is locked or new, whose rows are not looked at. The tables' descriptors are put. */
export async function addForeignKeys(
  ctx: DdlContext,
  table: TableDescriptor,
  requests: readonly ForeignKeyRequest[],
): Promise<{ readonly table: TableDescriptor; readonly added: readonly ForeignKeyDescriptor[] }> {
  const added: ForeignKeyDescriptor[] = [];
  let child = table;
  for (const { node, columns } of requests) {
    const parent = await openParent(ctx, child, node);
    const fk = await makeForeignKey(ctx, child, parent, node, columns);
    added.push(fk);
    child = { ...child, foreignKeys: [...(child.foreignKeys ?? []), fk] };
    if (parent.id === child.id) child = withChild(child, child.id);
    else ctx.catalog.put(ctx.txn, nextVersion(withChild(parent, child.id), {}));
  }
  return { table: child, added };
}

function withChild(parent: TableDescriptor, childId: number): TableDescriptor {
  const before = parent.referencedBy ?? [];
  return before.includes(childId) ? parent : { ...parent, referencedBy: [...before, childId] };
}

async function openParent(ctx: DdlContext, child: TableDescriptor, node: Loose): Promise<TableDescriptor> {
  const name = rangeVar(node['pktable']);
  const seen = await ctx.catalog.relation(name, ctx.session.searchPath, ctx.wait);
  if (seen?.kind === 'table' && seen.table.id === child.id) return child;
  if (seen === null) return relationMissing(ctx, name);
  if (seen.kind !== 'table' || isMaterialized(seen.table))
    throw sqlError('42809', `referenced relation "${name.name}" is not a table`);
  refuseMixed(child, seen.table);
  const found = await ctx.catalog.waits.asking(SHARE_ROW_EXCLUSIVE, () => openForChange(ctx, name, { access: 'any' }));
  if (found?.kind !== 'table') return relationMissing(ctx, name);
  requireReferences(ctx, found.table, list(node['pk_attrs']).map(stringOf));
  return found.table;
}

/** On the table or on each of the columns; without columns it is the primary key's. @throws QuoralError 42501 */
function requireReferences(ctx: DdlContext, table: TableDescriptor, names: readonly string[]): void {
  if (ctx.rights.has(aclOf(table), RIGHTS.references)) return;
  const key = table.indexes.find(isPrimaryKey)?.columns.map((part) => part.columnId) ?? [];
  const columns = table.columns.filter((c) => (names.length > 0 ? names.includes(c.name) : key.includes(c.id)));
  const may = (acl: ColumnDescriptor['acl']): boolean => acl != null && ctx.rights.has(acl, RIGHTS.references);
  if (columns.length === 0 || !columns.every(({ acl }) => may(acl)))
    throw sqlError('42501', `permission denied for table ${table.name}`);
}

/** What goes with a session, or is not logged, must not be needed by what stays. */
function refuseMixed(child: TableDescriptor, parent: TableDescriptor): void {
  if (isTemporary(child)) {
    if (!isTemporary(parent))
      throw sqlError('42P16', 'constraints on temporary tables may reference only temporary tables');
  } else if (child.unlogged) {
    if (isTemporary(parent))
      throw sqlError('42P16', 'constraints on unlogged tables may reference only permanent or unlogged tables');
  } else if (isTemporary(parent) || parent.unlogged) {
    throw sqlError('42P16', 'constraints on permanent tables may reference only permanent tables');
  }
}

async function makeForeignKey(
  ctx: DdlContext,
  child: TableDescriptor,
  parent: TableDescriptor,
  node: Loose,
  own: readonly string[],
): Promise<ForeignKeyDescriptor> {
  const named = list(node['fk_attrs']).map(stringOf);
  const columns = (named.length > 0 ? named : own).map((name) => columnOf(child, name));
  const { index, columns: parentColumns } = parentKey(parent, list(node['pk_attrs']).map(stringOf), columns.length);
  const name =
    node['conname'] === undefined
      ? freeName(
          child,
          columns.map((c) => c.name),
        )
      : text(node['conname']);
  if (constraintNames(child).includes(name)) throw constraintTaken(child.name, name);
  columns.forEach((column, i) => refuseTypes(name, column, parentColumns[i]!));
  if (node['fk_matchtype'] === 'p') throw unsupported('MATCH PARTIAL');
  if (columns.some((c) => c.generated != null)) refuseActions(node);
  const deleteColumns = list(node['fk_del_set_cols']).map((n) => columnOf(child, stringOf(n)));
  for (const { id, name: column } of deleteColumns) {
    if (columns.some((c) => c.id === id)) continue;
    throw sqlError('42P10', `column "${column}" referenced in ON DELETE SET action must be part of foreign key`);
  }
  const initiallyDeferred = node['initdeferred'] === true;
  return {
    oid: await ctx.catalog.catalog.ids.next(),
    name,
    columnIds: columns.map((c) => c.id),
    parentId: parent.id,
    parentColumnIds: parentColumns.map((c) => c.id),
    parentIndexId: index.id,
    match: node['fk_matchtype'] === 'f' ? 'full' : 'simple',
    onDelete: ACTIONS[text(node['fk_del_action'])] ?? 'no action',
    onUpdate: ACTIONS[text(node['fk_upd_action'])] ?? 'no action',
    deleteColumnIds: [...new Set(deleteColumns.map((c) => c.id))],
    deferrable: node['deferrable'] === true || initiallyDeferred,
    initiallyDeferred,
    validated: node['skip_validation'] !== true,
  };
}

/** What an action would write into a generated column. @throws 42601 */
function refuseActions(node: Loose): void {
  for (const [clause, key, refused] of [
    ['ON UPDATE', 'fk_upd_action', 'ndc'],
    ['ON DELETE', 'fk_del_action', 'nd'],
  ] as const) {
    const action = text(node[key]);
    if (action !== '' && refused.includes(action))
      throw sqlError('42601', `invalid ${clause} action for foreign key constraint containing generated column`);
  }
}

function columnOf(table: TableDescriptor, name: string): ColumnDescriptor {
  const column = table.columns.find((c) => c.name === name && !c.dropped && !c.hidden);
  if (column !== undefined) return column;
  if (SYSTEM_COLUMNS.has(name)) throw sqlError('0A000', 'system columns cannot be used in foreign keys');
  throw sqlError('42703', `column "${name}" referenced in foreign key constraint does not exist`);
}

/** The unique index of the parent over the named columns, or its primary key. */
function parentKey(
  parent: TableDescriptor,
  names: readonly string[],
  count: number,
): { readonly index: IndexDescriptor; readonly columns: readonly ColumnDescriptor[] } {
  const byId = (id: number): ColumnDescriptor => parent.columns.find((c) => c.id === id)!;
  const disagree = (): Error =>
    sqlError('42830', 'number of referencing and referenced columns for foreign key disagree');
  if (names.length === 0) {
    const index = parent.indexes.find(isPrimaryKey);
    if (index === undefined) {
      throw sqlError('42704', `there is no primary key for referenced table "${parent.name}"`);
    }
    refuseDeferrable(index, 'primary key', parent);
    const columns = index.columns.map((c) => byId(c.columnId));
    if (columns.length !== count) throw disagree();
    return { index, columns };
  }
  const columns = names.map((name) => columnOf(parent, name));
  const wanted = new Set(columns.map((c) => c.id));
  if (wanted.size < columns.length) {
    throw sqlError('42830', 'foreign key referenced-columns list must not contain duplicates');
  }
  const matching = parent.indexes.filter(
    (i) =>
      i.unique &&
      i.predicate == null &&
      i.columns.length === wanted.size &&
      i.columns.every((c) => wanted.has(c.columnId)),
  );
  const index = matching.find((i) => i.deferrable == null) ?? matching[0];
  if (index === undefined) {
    throw sqlError('42830', `there is no unique constraint matching given keys for referenced table "${parent.name}"`);
  }
  refuseDeferrable(index, 'unique constraint', parent);
  if (columns.length !== count) throw disagree();
  return { index, columns };
}

function refuseDeferrable(index: IndexDescriptor, kind: string, parent: TableDescriptor): void {
  if (index.deferrable == null) return;
  throw sqlError('55000', `cannot use a deferrable ${kind} for referenced table "${parent.name}"`);
}

export function refuseTypes(name: string, child: ColumnDescriptor, parent: ColumnDescriptor): void {
  const ways = [keyConversion(child.typeOid, parent.typeOid), keyConversion(parent.typeOid, child.typeOid)];
  // Numbers with fractions are not compared as integers, though each could be looked for.
  const narrowed = baseOidOf(child.typeOid) === OID.numeric && baseOidOf(parent.typeOid) !== OID.numeric;
  if (!narrowed && !ways.includes(undefined)) return;
  const [own, other] = [child, parent].map((c) => formatType(c.typeOid, null));
  throw sqlError('42804', `foreign key constraint "${name}" cannot be implemented`, {
    detail: `Key columns "${child.name}" and "${parent.name}" are of incompatible types: ${own} and ${other}.`,
  });
}

export function constraintTaken(table: string, name: string): Error {
  return sqlError('42710', `constraint "${name}" for relation "${table}" already exists`);
}

export function constraintNames(table: TableDescriptor): string[] {
  return [...constraintOids(table).keys()];
}

function freeName(table: TableDescriptor, columns: readonly string[]): string {
  const taken = constraintNames(table);
  for (let n = 0; ; n++) {
    const name = objectName(table.name, columns.join('_'), n === 0 ? 'fkey' : `fkey${n}`);
    if (!taken.includes(name)) return name;
  }
}

// ---- the rows ----

/** Looks at all rows of the child. @throws 23503 */
export async function validateForeignKey(
  ctx: DdlContext,
  child: { readonly table: TableDescriptor; readonly schemaName: string },
  parent: TableDescriptor,
  fk: ForeignKeyDescriptor,
): Promise<void> {
  const foreignKey = new ForeignKey(fk, child.table, child.schemaName, parent);
  let pending = new Map<string, Reference>();
  const flush = async (): Promise<void> => {
    const references = [...pending.values()];
    pending = new Map();
    const sought = references.filter((r) => r.values.length > 0);
    const values = await ctx.txn.getMany(sought.map((r) => r.key));
    const missing =
      references.find((r) => r.values.length === 0) ?? sought.find((_, i) => (values[i] ?? null) === null);
    if (missing === undefined) return;
    const key = referenceText(foreignKey, 'child', missing, STORED_FORMAT);
    throw foreignKey.violation(`${key} is not present in table "${parent.name}".`);
  };
  await scanRows(ctx, child.table, (live) => {
    const reference = foreignKey.referenceOf(live);
    if (reference !== null) pending.set(reference.key, reference);
    return pending.size >= CHECKED_AT_A_TIME ? flush() : undefined;
  });
  await flush();
}

// ---- dropping ----

/** The key goes from its table, which is locked; the parent forgets the child with its last one. */
export async function detachForeignKey(
  ctx: DdlContext,
  table: TableDescriptor,
  fk: ForeignKeyDescriptor,
): Promise<TableDescriptor> {
  const foreignKeys = (table.foreignKeys ?? []).filter((one) => one.oid !== fk.oid);
  const rest = { ...table, foreignKeys };
  if (foreignKeys.some((one) => one.parentId === fk.parentId)) return rest;
  if (fk.parentId === table.id) return withoutChild(rest, table.id);
  await ctx.catalog.lock(ctx.txn, [fk.parentId], ctx.wait);
  const parent = await ctx.catalog.forUpdate(ctx.txn, fk.parentId);
  if (parent?.kind === 'table') ctx.catalog.put(ctx.txn, nextVersion(withoutChild(parent, table.id), {}));
  return rest;
}

function withoutChild(parent: TableDescriptor, childId: number): TableDescriptor {
  return { ...parent, referencedBy: (parent.referencedBy ?? []).filter((id) => id !== childId) };
}

/** Ids of the tables that change when these tables are dropped. */
export function tablesAround(table: TableDescriptor): number[] {
  return [...(table.foreignKeys ?? []).map((fk) => fk.parentId), ...(table.referencedBy ?? [])].filter(
    (id) => id !== table.id,
  );
}

/** Before the table goes: its own keys leave their parents; keys of others that refer to it stop the drop, or go. */
export async function detachTable(ctx: DdlContext, table: TableDescriptor, options: DropOptions): Promise<void> {
  const together = new Set([...options.together, table.id]);
  const what = `table ${await visibleName(ctx, table)}`;
  await dropReferences(ctx, table, () => true, what, { ...options, together });
  let rest = table;
  for (const fk of table.foreignKeys ?? []) {
    if (fk.parentId !== table.id) rest = await detachForeignKey(ctx, rest, fk);
  }
}

/** Keys of other tables, that stay, to this one. */
export async function referenceLines(
  ctx: DdlContext,
  parent: TableDescriptor,
  { together }: DropOptions,
): Promise<ReferenceLine[]> {
  const lines: ReferenceLine[] = [];
  const what = `table ${await visibleName(ctx, parent)}`;
  for (const id of parent.referencedBy ?? []) {
    if (id === parent.id || together.has(id)) continue;
    const child = await ctx.catalog.descriptor(id, ctx.wait);
    if (child?.kind !== 'table') continue;
    const shown = await visibleName(ctx, child);
    for (const fk of child.foreignKeys ?? [])
      if (fk.parentId === parent.id)
        lines.push({ oid: fk.oid, line: `constraint ${fk.name} on table ${shown} depends on ${what}` });
  }
  return lines;
}

interface ReferenceOptions extends DropOptions {
  /** What the keys depend on, if that is not what is dropped. */
  readonly reason?: string;
}

/**
 * Keys to this table that `which` names: refused, or with CASCADE dropped. Other tables are put, this one is not.
 * @returns this table without them
 */
export async function dropReferences(
  ctx: DdlContext,
  parent: TableDescriptor,
  which: (fk: ForeignKeyDescriptor) => boolean,
  what: string,
  { cascade, together, reason = what }: ReferenceOptions,
): Promise<TableDescriptor> {
  const ids = parent.referencedBy ?? [];
  await ctx.catalog.lock(
    ctx.txn,
    ids.filter((id) => id !== parent.id),
    ctx.wait,
  );
  const dropped: string[] = [];
  const changed: TableDescriptor[] = [];
  let rest = parent;
  for (const id of ids) {
    const child = id === parent.id ? parent : await ctx.catalog.forUpdate(ctx.txn, id);
    if (child?.kind !== 'table' || together.has(id)) continue;
    const foreignKeys = (child.foreignKeys ?? []).filter((fk) => fk.parentId !== parent.id || !which(fk));
    const gone = (child.foreignKeys ?? []).filter((fk) => !foreignKeys.includes(fk));
    if (gone.length === 0) continue;
    const table = await visibleName(ctx, child);
    for (const fk of gone) dropped.push(`constraint ${fk.name} on table ${table}`);
    if (id === parent.id) rest = { ...rest, foreignKeys };
    else changed.push(nextVersion(child, { foreignKeys }));
    if (!foreignKeys.some((fk) => fk.parentId === parent.id)) rest = withoutChild(rest, id);
  }
  if (dropped.length > 0 && !cascade) {
    throw sqlError('2BP01', `cannot drop ${what} because other objects depend on it`, {
      detail: dropped.map((constraint) => `${constraint} depends on ${reason}`).join('\n'),
      hint: 'Use DROP ... CASCADE to drop the dependent objects too.',
    });
  }
  ctx.cascades.push(...dropped);
  for (const child of changed) ctx.catalog.put(ctx.txn, child);
  return rest;
}

/** ALTER CONSTRAINT: only when it is checked. */
export function alteredForeignKey(table: TableDescriptor, c: Loose): TableDescriptor {
  if (c['noinherit'] === true) throw sqlError('0A000', 'FOREIGN KEY constraints cannot be marked NO INHERIT');
  const name = text(c['conname']);
  const fk = (table.foreignKeys ?? []).find((one) => one.name === name);
  if (fk === undefined) {
    if (constraintNames(table).includes(name)) {
      throw sqlError('42809', `constraint "${name}" of relation "${table.name}" is not a foreign key constraint`);
    }
    throw sqlError('42704', `constraint "${name}" of relation "${table.name}" does not exist`);
  }
  const initiallyDeferred = c['initdeferred'] === true;
  const changed = { ...fk, deferrable: c['deferrable'] === true || initiallyDeferred, initiallyDeferred };
  return { ...table, foreignKeys: table.foreignKeys!.map((one) => (one.oid === fk.oid ? changed : one)) };
}
