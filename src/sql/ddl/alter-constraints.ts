/** ALTER TABLE's commands about constraints. */
import { isTemporary } from '../catalog/temporary-names.js';
import { sqlError } from '../../base/errors.js';
import { errorAt } from '../plan/binder.js';
import type {
  CheckDescriptor,
  ColumnDescriptor,
  ForeignKeyDescriptor,
  IndexDescriptor,
  TableDescriptor,
} from '../catalog/descriptor.js';
import { isPrimaryKey } from '../catalog/descriptor.js';
import { isBlankPadded, keyConversion } from '../exec/foreign-key.js';
import type { Draft } from './alter-draft.js';
import { hiddenColumn, nextHiddenId } from './columns.js';
import { notice } from './context.js';
import { checkRequest, makeCheck } from './create-table.js';
import {
  addForeignKeys,
  constraintNames,
  constraintTaken,
  detachForeignKey,
  dropReferences,
  refuseTypes,
  validateForeignKey,
} from './foreign-keys.js';
import { constraintRequest, hiddenPrimary, type IndexRequest, keyParts, makeIndex, twoPrimaryKeys } from './indexes.js';
import { visibleName } from './objects.js';
import { withoutUnkept } from './stored-keys.js';
import { ownedSequences } from './sequence-users.js';
import { setSequenceLogged } from './sequences.js';
import { text, unsupported } from './tree.js';
import { dropViewsOfKey } from './views.js';
import type { Loose } from './tree.js';

export async function addConstraint(draft: Draft, c: Loose, columns: readonly string[] = []): Promise<void> {
  const { ctx } = draft;
  switch (c['contype']) {
    case 'CONSTR_PRIMARY':
      return addPrimary(draft, c, columns);
    case 'CONSTR_UNIQUE':
      return addUnique(draft, c, columns);
    case 'CONSTR_CHECK': {
      const taken = constraintNames(draft.table);
      const check = await makeCheck(ctx, draft.table.name, checkRequest(c), draft.table.columns, taken);
      const late = c['skip_validation'] === true;
      draft.set({ checks: [...draft.table.checks, late ? { ...check, validated: false } : check] });
      if (!late) draft.newChecks.push(check);
      return;
    }
    case 'CONSTR_FOREIGN': {
      // Before anything is said of what it refers to.
      const name = c['conname'] === undefined ? null : text(c['conname']);
      if (name !== null && constraintNames(draft.table).includes(name)) throw constraintTaken(draft.table.name, name);
      const { table, added } = await addForeignKeys(ctx, draft.table, [{ node: c, columns }]);
      draft.table = table;
      draft.newForeignKeys.push(...added);
      return;
    }
    case 'CONSTR_EXCLUSION':
      throw unsupported('EXCLUDE');
    default:
      throw unsupported(`constraint ${String(c['contype'])}`);
  }
}

/** USING INDEX: the columns of an existing unique index, which is given up for the constraint. */
function takeIndex(draft: Draft, c: Loose): Loose {
  if (c['indexname'] === undefined) return c;
  const name = text(c['indexname']);
  const index = draft.table.indexes.find((i) => i.name === name && i.oid !== 0);
  if (index === undefined) throw errorAt('42704', `index "${name}" does not exist`, Number(c['location'] ?? -1));
  if (!index.unique) throw sqlError('42809', `"${name}" is not a unique index`);
  if (index.constraintOid !== null) throw sqlError('55000', `index "${name}" is already associated with a constraint`);
  refuseComputed(index);
  const unusual = index.columns.findIndex(
    (c) => c.descending || c.nullsFirst !== undefined || c.namedClass !== undefined || c.collation !== undefined,
  );
  if (unusual >= 0) throw notDefaultOrder(name, unusual + 1, Number(c['location'] ?? -1));
  const keys = index.columns.map(({ columnId }) => ({
    String: { sval: draft.table.columns.find((x) => x.id === columnId)!.name },
  }));
  removeIndexFrom(draft, index);
  if (c['conname'] !== undefined && text(c['conname']) !== name) {
    const renamed = `ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index "${name}" to "${text(c['conname'])}"`;
    notice(draft.ctx, '00000', renamed);
  }
  return { ...c, keys, conname: c['conname'] ?? name, nulls_not_distinct: index.nullsNotDistinct };
}

function notDefaultOrder(index: string, column: number, location: number): Error {
  const message = `index "${index}" column number ${column} does not have default sorting behavior`;
  const detail = 'Cannot create a primary key or unique constraint using such an index.';
  return errorAt('42809', message, location, { detail });
}

/** @throws 42809 for an index that is no plain list of columns */
function refuseComputed(index: IndexDescriptor): void {
  const what = index.columns.some((c) => c.expression != null)
    ? `index "${index.name}" contains expressions`
    : index.predicate != null
      ? `"${index.name}" is a partial index`
      : null;
  if (what === null) return;
  throw sqlError('42809', what, { detail: 'Cannot create a primary key or unique constraint using such an index.' });
}

async function addPrimary(draft: Draft, given: Loose, columns: readonly string[]): Promise<void> {
  const current = draft.table.indexes[0]!;
  const hidden = draft.table.columns.find((c) => c.hidden && current.columns.some((k) => k.columnId === c.id));
  const another = draft.table.indexes.find(isPrimaryKey);
  const c = takeIndex(draft, given);
  const request = constraintRequest(c, columns);
  keyParts(draft.ctx, request, draft.table.name, draft.table.columns);
  if (hidden === undefined || another !== undefined) throw twoPrimaryKeys(draft.table.name);
  if (request.deferrable != null) return addLatePrimary(draft, request);
  const index = await makeKey(draft, request, draft.table.nextIndexId);
  const keys = new Set(index.columns.map((k) => k.columnId));
  draft.set({
    columns: draft.table.columns
      .filter((x) => x.id !== hidden.id)
      .map((x) => (keys.has(x.id) ? { ...x, nullable: false } : x)),
    indexes: [index, ...draft.table.indexes.slice(1)],
    nextIndexId: draft.table.nextIndexId + 1,
  });
  draft.rewrite = true;
}

/** The index of a key, whose name no other constraint of the table may have. */
async function makeKey(draft: Draft, request: IndexRequest, id: number | null): Promise<IndexDescriptor> {
  const { ctx, table } = draft;
  const taken = constraintNames(table);
  const index = await makeIndex(ctx, { ...request, taken }, id, table, table.columns);
  if (taken.includes(index.name)) throw constraintTaken(table.name, index.name);
  return index;
}

/** A deferrable one: an index beside the rows, which stay where they are. */
async function addLatePrimary(draft: Draft, request: IndexRequest): Promise<void> {
  const index = await makeKey(draft, request, null);
  for (const { columnId } of index.columns) {
    const column = draft.table.columns.find((c) => c.id === columnId)!;
    if (!column.nullable) continue;
    draft.setColumn({ ...column, nullable: false });
    draft.newNotNull.add(columnId);
  }
  draft.set({ indexes: [...draft.table.indexes, index] });
  draft.newIndexes.push(index);
}

async function addUnique(draft: Draft, given: Loose, columns: readonly string[]): Promise<void> {
  const c = takeIndex(draft, given);
  const index = await makeKey(draft, constraintRequest(c, columns), null);
  draft.set({ indexes: [...draft.table.indexes, index] });
  draft.newIndexes.push(index);
}

export async function dropConstraint(draft: Draft, name: string, missingOk: boolean, cascade: boolean): Promise<void> {
  const { ctx, table } = draft;
  const index = table.indexes.find((i) => i.name === name && i.constraintOid !== null);
  if (index !== undefined) {
    const what = `constraint ${name} on table ${await visibleName(ctx, table)}`;
    const options = { cascade, together: ALONE, reason: `index ${name}` };
    draft.table = await dropReferences(ctx, table, (fk) => fk.parentIndexId === index.id, what, options);
    await dropViewsOfKey(ctx, table.id, { oid: index.constraintOid!, what }, cascade);
    if (index.primary) dropPrimary(draft, index);
    else removeIndexFrom(draft, index);
    return;
  }
  if (table.checks.some((c) => c.name === name)) {
    draft.set({ checks: table.checks.filter((c) => c.name !== name) });
    return;
  }
  const fk = (table.foreignKeys ?? []).find((one) => one.name === name);
  if (fk !== undefined) {
    draft.table = await detachForeignKey(ctx, table, fk);
    return;
  }
  if (!missingOk) throw sqlError('42704', `constraint "${name}" of relation "${table.name}" does not exist`);
  notice(ctx, '00000', `constraint "${name}" of relation "${table.name}" does not exist, skipping`);
}

const ALONE: ReadonlySet<number> = new Set();

/** Before a column goes: its own foreign keys go with it, those of others that refer to it stop that or cascade. */
export async function dropForeignKeysOf(draft: Draft, column: ColumnDescriptor, cascade: boolean): Promise<void> {
  for (const fk of draft.table.foreignKeys ?? []) {
    if (fk.columnIds.includes(column.id)) draft.table = await detachForeignKey(draft.ctx, draft.table, fk);
  }
  const what = `column ${column.name} of table ${await visibleName(draft.ctx, draft.table)}`;
  const uses = (fk: ForeignKeyDescriptor): boolean => fk.parentColumnIds.includes(column.id);
  draft.table = await dropReferences(draft.ctx, draft.table, uses, what, { cascade, together: ALONE });
}

/**
 * The type of a column changes. Its own references are looked at again; those of others are not, so a key that
 * they refer to may only change to a type in which every value stays itself.
 */
export async function changeForeignKeysOf(draft: Draft, column: ColumnDescriptor, type: number): Promise<void> {
  const { ctx, table } = draft;
  for (const fk of table.foreignKeys ?? []) {
    const at = fk.columnIds.indexOf(column.id);
    if (at < 0) continue;
    const parent = fk.parentId === table.id ? table : await ctx.catalog.descriptor(fk.parentId, ctx.wait);
    if (parent?.kind !== 'table') continue;
    refuseTypes(
      fk.name,
      { ...column, typeOid: type },
      parent.columns.find((c) => c.id === fk.parentColumnIds[at])!,
    );
    draft.newForeignKeys.push(fk);
  }
  for (const id of table.referencedBy ?? []) {
    const child = id === table.id ? table : await ctx.catalog.descriptor(id, ctx.wait);
    if (child?.kind !== 'table') continue;
    for (const fk of child.foreignKeys ?? []) {
      const at = fk.parentId === table.id ? fk.parentColumnIds.indexOf(column.id) : -1;
      if (at < 0) continue;
      const isOtherText = isBlankPadded(column.typeOid) !== isBlankPadded(type);
      if (isOtherText || keyConversion(column.typeOid, type) === undefined) {
        const own = child.columns.find((c) => c.id === fk.columnIds[at])!;
        refuseTypes(fk.name, own, { ...column, typeOid: type });
        throw unsupported(`changing the type of a column that foreign key "${fk.name}" refers to in this way`);
      }
      refuseTypes(
        fk.name,
        child.columns.find((c) => c.id === fk.columnIds[at])!,
        { ...column, typeOid: type },
      );
    }
  }
}

/** VALIDATE CONSTRAINT */
export function validateConstraint(draft: Draft, name: string): void {
  const { table } = draft;
  const fk = (table.foreignKeys ?? []).find((one) => one.name === name);
  if (fk === undefined) {
    const check = table.checks.find((c) => c.name === name);
    if (check !== undefined) return validateCheck(draft, check);
    if (constraintNames(table).includes(name))
      throw sqlError(
        '42809',
        `constraint "${name}" of relation "${table.name}" is not a foreign key or check constraint`,
      );
    throw sqlError('42704', `constraint "${name}" of relation "${table.name}" does not exist`);
  }
  if (fk.validated) return;
  const validated = { ...fk, validated: true };
  draft.set({ foreignKeys: table.foreignKeys!.map((one) => (one.oid === fk.oid ? validated : one)) });
  draft.newForeignKeys.push(validated);
}

function validateCheck(draft: Draft, check: CheckDescriptor): void {
  if (check.validated !== false) return;
  const validated = { ...check, validated: true };
  draft.set({ checks: draft.table.checks.map((one) => (one.oid === check.oid ? validated : one)) });
  draft.newChecks.push(validated);
}

/** The rows, once they are as the statement leaves them. */
export async function validateForeignKeys(draft: Draft, next: TableDescriptor): Promise<void> {
  const { ctx, schemaName } = draft;
  for (const { oid } of draft.newForeignKeys) {
    const fk = (next.foreignKeys ?? []).find((one) => one.oid === oid);
    if (fk?.validated !== true) continue;
    const parent = fk.parentId === next.id ? next : await ctx.catalog.descriptor(fk.parentId, ctx.wait);
    if (parent?.kind === 'table') await validateForeignKey(ctx, { table: next, schemaName }, parent, fk);
  }
}

export function removeIndexFrom(draft: Draft, index: IndexDescriptor): void {
  draft.ctx.catalog.freeName(draft.ctx.txn, draft.table.schemaId, index.name);
  draft.table = withoutUnkept({ ...draft.table, indexes: draft.table.indexes.filter((i) => i.id !== index.id) });
}

/** Without its primary key a table gets a hidden row id, and its rows move under it. */
export function dropPrimary(draft: Draft, index: IndexDescriptor): void {
  const { table } = draft;
  if (index.oid !== 0) draft.ctx.catalog.freeName(draft.ctx.txn, table.schemaId, index.name);
  const hidden = hiddenColumn(
    nextHiddenId(table.columns),
    table.columns.map((c) => c.name),
  );
  draft.sources.set(hidden.id, 'rowid');
  draft.rewrite = true;
  draft.set({
    columns: [...table.columns, hidden],
    indexes: [hiddenPrimary(table.nextIndexId, table.name, hidden.id), ...table.indexes.slice(1)],
    nextIndexId: table.nextIndexId + 1,
  });
}

/** SET LOGGED and UNLOGGED: what is kept refers only to what is kept. @throws QuoralError 42P16 */
export async function setLogged(draft: Draft, logged: boolean): Promise<void> {
  const { ctx, table } = draft;
  if (isTemporary(table))
    throw sqlError('42P16', `cannot change logged status of table "${table.name}" because it is temporary`);
  if (logged === (table.unlogged !== true)) return;
  const others = logged
    ? (table.foreignKeys ?? []).map(({ parentId }) => parentId)
    : (table.referencedBy ?? []).map((id) => id);
  for (const id of others) {
    const other = id === table.id ? null : await ctx.catalog.descriptor(id, ctx.wait);
    if (other?.kind !== 'table' || (other.unlogged === true) !== logged) continue;
    const key = (logged ? table : other).foreignKeys?.find((fk) => fk.parentId === (logged ? id : table.id));
    const [to, from] = logged ? ['logged', 'unlogged'] : ['unlogged', 'logged'];
    throw sqlError(
      '42P16',
      `could not change table "${table.name}" to ${to} because it references ${from} table "${other.name}"`,
      { schema: draft.schemaName, table: table.name, ...(key === undefined ? {} : { constraint: key.name }) },
    );
  }
  draft.set({ unlogged: !logged });
  for (const sequence of await ownedSequences(ctx, table)) setSequenceLogged(ctx, sequence, logged, draft.schemaName);
}
