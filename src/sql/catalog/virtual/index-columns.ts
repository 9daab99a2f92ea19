/** The columns of an index as pg_attribute lists them. */
import type { ColumnDescriptor, IndexDescriptor, TableDescriptor } from '../descriptor.js';
import { columnById } from './model.js';

export type IndexColumn = Pick<ColumnDescriptor, 'name' | 'typeOid' | 'typmod' | 'collation'>;

/** Key columns and expressions, then INCLUDE's. */
export function indexColumns(table: TableDescriptor, index: IndexDescriptor): readonly (IndexColumn | undefined)[] {
  const keys = index.columns.map(({ columnId, expression, collation }) => {
    const column =
      expression == null ? columnById(table, columnId) : { ...expression, collation: expression.collation ?? null };
    return column === undefined || collation === undefined ? column : { ...column, collation };
  });
  return [...keys, ...index.storing.map((id) => columnById(table, id))];
}
