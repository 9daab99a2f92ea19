/** Generated columns: GENERATED ALWAYS AS (…) STORED. Their values are made by RowWriter, for each row written. */
import { sqlError } from '../../base/errors.js';
import type { ColumnDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import { formatType } from '../types/registry.js';
import type { ColumnDraft } from './columns.js';
import type { DdlContext } from './context.js';
import { notice } from './context.js';
import { bindRowExpression, GENERATION, isAssignable } from './row-expressions.js';
import { errorAt } from '../plan/error-at.js';
import { placed } from './placed-expressions.js';
import { strings } from './tree.js';
import type { Loose } from './tree.js';

/** The column with what generates it, if its draft says so. `columns` are all of the table's, itself included. */
export function withGeneration(
  ctx: DdlContext,
  column: ColumnDescriptor,
  draft: ColumnDraft,
  table: string,
  columns: readonly ColumnDescriptor[],
  /** Columns of the same statement that are generated too. */
  generatedIds: ReadonlySet<number>,
): ColumnDescriptor {
  const node = draft.generatedNode;
  if (node === undefined) return column;
  const bound = bindRowExpression(ctx, node, table, columns, GENERATION);
  const other = columns.find((c) => bound.columnIds.includes(c.id) && (c.generated != null || generatedIds.has(c.id)));
  if (other !== undefined) {
    const message = `cannot use generated column "${other.name}" in column generation expression`;
    throw errorAt('42P17', message, placed(ctx, placeOf(node, other.name)), {
      detail: 'A generated column cannot reference another generated column.',
    });
  }
  const generated = {
    expressionSql: literalText(ctx, node, column) ?? bound.expressionSql,
    columnIds: bound.columnIds,
  };
  if (!isAssignable(ctx, generated, columns, column)) {
    throw sqlError(
      '42804',
      `column "${column.name}" is of type ${formatType(column.typeOid)} but default expression is of type ${formatType(bound.typeOid)}`,
      { hint: 'You will need to rewrite or cast the expression.' },
    );
  }
  return { ...column, generated };
}

/** A bare string literal takes the column's type, whatever that is. */
function literalText(ctx: DdlContext, node: unknown, column: ColumnDescriptor): string | null {
  const constant = (node as Loose)['A_Const'] as Loose | undefined;
  if (constant?.['isnull'] === true)
    return ctx.planner.compileExpression('NULL', [], ctx.plannerSettings, column, GENERATION.many).sql;
  if (constant?.['sval'] === undefined) return null;
  const text = String((constant['sval'] as Loose)['sval'] ?? '');
  const literal = `'${text.replaceAll("'", "''")}'`;
  const quoted = text.includes('\\') ? `E${literal.replaceAll('\\', '\\\\')}` : literal;
  return ctx.planner.compileExpression(quoted, [], ctx.plannerSettings, column, GENERATION.many).sql;
}

/** All columns of a new table, once all are known. */
export function generateColumns(
  ctx: DdlContext,
  drafts: readonly ColumnDraft[],
  columns: readonly ColumnDescriptor[],
  table: string,
): ColumnDescriptor[] {
  const ids = new Set(columns.filter((_, i) => drafts[i]?.generatedNode !== undefined).map((c) => c.id));
  return columns.map((column, i) => {
    const draft = drafts[i];
    return draft === undefined ? column : withGeneration(ctx, column, draft, table, columns, ids);
  });
}

/** Generated columns that read this one. */
export function generatedFrom(table: TableDescriptor, columnId: number): readonly ColumnDescriptor[] {
  return table.columns.filter((c) => !c.dropped && !c.hidden && (c.generated?.columnIds.includes(columnId) ?? false));
}

/** ALTER COLUMN DROP EXPRESSION: the values stay. */
export function dropExpression(
  ctx: DdlContext,
  table: TableDescriptor,
  column: ColumnDescriptor,
  missingOk: boolean,
): ColumnDescriptor {
  if (column.generated != null) return { ...column, generated: null };
  const message = `column "${column.name}" of relation "${table.name}" is not a stored generated column`;
  if (!missingOk) throw sqlError('55000', message);
  notice(ctx, '00000', `${message}, skipping`);
  return column;
}

/** Before a column gets another type. @throws 0A000, 42611, 42804 */
export function refuseTypeChange(
  ctx: DdlContext,
  table: TableDescriptor,
  column: ColumnDescriptor,
  type: { readonly typeOid: number; readonly typmod: number },
  using: boolean,
): void {
  const reader = generatedFrom(table, column.id)[0];
  if (reader !== undefined) {
    throw sqlError('0A000', 'cannot alter type of a column used by a generated column', {
      detail: `Column "${column.name}" is used by generated column "${reader.name}".`,
    });
  }
  if (column.generated == null) return;
  if (using) {
    throw sqlError('42611', 'cannot specify USING when altering type of generated column', {
      detail: `Column "${column.name}" is a generated column.`,
    });
  }
  if (!isAssignable(ctx, column.generated, table.columns, type)) {
    throw sqlError(
      '42804',
      `generation expression for column "${column.name}" cannot be cast automatically to type ${formatType(type.typeOid)}`,
    );
  }
}

/** Before a column with these readers goes; `others` read it too, as messages tell it. @throws 2BP01 without CASCADE */
export function refuseReaders(
  table: string,
  column: string,
  readers: readonly ColumnDescriptor[],
  others: readonly string[],
): void {
  if (readers.length === 0) return;
  throw sqlError('2BP01', `cannot drop column ${column} of table ${table} because other objects depend on it`, {
    detail: readers
      .map((r) => `column ${r.name} of table ${table} depends on column ${column} of table ${table}`)
      .concat(others)
      .join('\n'),
    hint: 'Use DROP ... CASCADE to drop the dependent objects too.',
  });
}

/** Where a column of the name is referred to. */
function placeOf(node: unknown, name: string): number {
  if (typeof node !== 'object' || node === null) return -1;
  const reference = (node as Loose)['ColumnRef'] as Loose | undefined;
  if (reference !== undefined)
    return strings(reference['fields']).at(-1) === name ? Number(reference['location'] ?? 0) : -1;
  for (const child of Object.values(node)) {
    const found = placeOf(child, name);
    if (found >= 0) return found;
  }
  return -1;
}
