/** The table as an ALTER TABLE has changed it so far, and what its rows must be looked at for in the end. */
import type {
  CheckDescriptor,
  ColumnDescriptor,
  ForeignKeyDescriptor,
  IndexDescriptor,
  TableDescriptor,
} from '../catalog/descriptor.js';
import type { CompiledExpression } from '../contract.js';
import type { DdlContext } from './context.js';
import { findColumn } from './indexes.js';

/** How a column of the new rows is made; without an entry it is copied (or its stored default applies). */
export type Source = { readonly expression: CompiledExpression; readonly ofOldRow: boolean } | 'rowid' | 'generated';

export class Draft {
  readonly ctx: DdlContext;
  /** As the statement found it: what the rows are stored under. */
  readonly before: TableDescriptor;
  readonly schemaName: string;
  table: TableDescriptor;
  rewrite = false;
  readonly sources = new Map<number, Source>();
  readonly newChecks: CheckDescriptor[] = [];
  readonly newIndexes: IndexDescriptor[] = [];
  /** A column was given a type, be it the one that it has. */
  retyped = false;
  readonly newNotNull = new Set<number>();
  readonly newForeignKeys: ForeignKeyDescriptor[] = [];

  constructor(ctx: DdlContext, table: TableDescriptor, schemaName: string) {
    this.ctx = ctx;
    this.before = table;
    this.table = table;
    this.schemaName = schemaName;
  }

  set(changes: Partial<TableDescriptor>): void {
    this.table = { ...this.table, ...changes };
  }
  column(name: string): ColumnDescriptor {
    return findColumn(this.table.columns, name, this.table.name, false);
  }
  setColumn(column: ColumnDescriptor): void {
    this.set({ columns: this.table.columns.map((c) => (c.id === column.id ? column : c)) });
  }
  get place(): { id: number; name: string; schemaId: number; schemaName: string; unlogged: boolean } {
    const { id, name, schemaId, unlogged } = this.table;
    return { id, name, schemaId, schemaName: this.schemaName, unlogged };
  }
}
