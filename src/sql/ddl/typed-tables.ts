/**
 * Typed tables: CREATE TABLE … OF, ALTER TABLE … OF and NOT OF. The columns of one are the attributes of its type, a composite type
 * of its own; they are changed with the type alone, by ALTER TYPE … CASCADE.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import { resolveTypeName } from '../plan/coerce.js';
import { formatType } from '../types/registry.js';
import { baseOidOf, type CompositeType, type UserType, userTypeOf } from '../types/user-types.js';
import type { ColumnDraft } from './columns.js';
import { draftAttribute } from './columns.js';
import type { DdlContext } from './context.js';
import { of, text } from './tree.js';
import type { Loose } from './tree.js';

/** PostgreSQL tells no place. @throws QuoralError 42704 */
function oidOf(ctx: DdlContext, node: unknown): number {
  try {
    return resolveTypeName(node as Parameters<typeof resolveTypeName>[0], ctx.types).oid;
  } catch (error) {
    throw error instanceof QuoralError ? sqlError(error.sqlstate, error.message) : error;
  }
}

/** @throws QuoralError 42704, 42809 */
async function typeOfTable(ctx: DdlContext, node: unknown): Promise<CompositeType> {
  const oid = oidOf(ctx, node);
  const type = oid === baseOidOf(oid) ? userTypeOf(oid) : null;
  if (type?.kind !== 'composite' || type.ofRelation === true)
    throw sqlError('42809', `type ${formatType(oid)} is not a composite type`);
  await ctx.catalog.readTracked(ctx.txn, type.oid);
  return type;
}

export interface TypedColumns {
  readonly ofType: number;
  readonly drafts: readonly ColumnDraft[];
}

/** The columns of a new table: the type's, under the options among the elements. @throws QuoralError 42701, 42703, 42704, 42809 */
export async function typedColumns(
  ctx: DdlContext,
  typeName: unknown,
  elements: readonly Loose[],
  table: string,
): Promise<TypedColumns> {
  const type = await typeOfTable(ctx, typeName);
  const written = new Map<string, Loose>();
  for (const element of elements) {
    if (element['ColumnDef'] === undefined) continue;
    const def = of(element, 'ColumnDef');
    const name = text(def['colname']);
    if (written.has(name)) throw sqlError('42701', `column "${name}" specified more than once`);
    written.set(name, def);
  }
  for (const name of written.keys())
    if (!type.fields.some((field) => field.name === name)) throw sqlError('42703', `column "${name}" does not exist`);
  const drafts = type.fields.map((field) => draftAttribute(field, written.get(field.name) ?? null, table));
  return { ofType: type.oid, drafts };
}

const REFUSED: Readonly<Record<string, string>> = {
  AT_AddColumn: 'add column to',
  AT_DropColumn: 'drop column from',
  AT_AlterColumnType: 'alter column type of',
  AT_AddInherit: 'change inheritance of',
};

/** `change`: of columns, as the grammar calls it. @throws QuoralError 42809 */
export function refuseTyped(ctx: DdlContext, table: TableDescriptor, change: unknown): void {
  const what = change === 'rename' ? 'rename column of' : REFUSED[String(change)];
  if (what !== undefined && table.ofType != null && ctx.ofType !== table.ofType)
    throw sqlError('42809', `cannot ${what} typed table`);
}

/** ALTER TABLE … OF and NOT OF. @throws QuoralError 42704, 42804, 42809 */
export async function underType(ctx: DdlContext, table: TableDescriptor, command: Loose): Promise<TableDescriptor> {
  if (command['subtype'] === 'AT_AddOf') return makeTyped(ctx, table, of(command['def'] as Loose, 'TypeName'));
  if (table.ofType == null) throw sqlError('42809', `"${table.name}" is not a typed table`);
  return { ...table, ofType: null };
}

async function makeTyped(ctx: DdlContext, table: TableDescriptor, typeName: unknown): Promise<TableDescriptor> {
  const type = await typeOfTable(ctx, typeName);
  const columns = table.columns.filter((c) => !c.dropped && !c.hidden);
  type.fields.forEach((field, i) => {
    const column = columns[i];
    if (column === undefined) throw sqlError('42804', `table is missing column "${field.name}"`);
    if (column.name !== field.name)
      throw sqlError('42804', `table has column "${column.name}" where type requires "${field.name}"`);
    const isSame =
      column.typeOid === field.typeOid &&
      column.typmod === field.typmod &&
      (column.collation ?? null) === (field.collation ?? null);
    if (!isSame) throw sqlError('42804', `table "${table.name}" has different type for column "${column.name}"`);
  });
  const extra = columns[type.fields.length];
  if (extra !== undefined) throw sqlError('42804', `table has extra column "${extra.name}"`);
  return { ...table, ofType: type.oid };
}

export async function tablesOfType(ctx: DdlContext, type: UserType): Promise<TableDescriptor[]> {
  if (type.kind !== 'composite') return [];
  const { descriptors } = await ctx.catalog.view([]);
  return descriptors.filter((d): d is TableDescriptor => d.kind === 'table' && d.ofType === type.oid);
}

/** Before an attribute changes: the tables that change with it. @throws QuoralError 2BP01 without CASCADE */
export async function tablesToAlter(
  ctx: DdlContext,
  type: CompositeType,
  behavior: unknown,
): Promise<TableDescriptor[]> {
  const tables = await tablesOfType(ctx, type);
  if (tables.length > 0 && behavior !== 'DROP_CASCADE')
    throw sqlError('2BP01', `cannot alter type "${type.name}" because it is the type of a typed table`, {
      hint: 'Use ALTER ... CASCADE to alter the typed tables too.',
    });
  return tables;
}
