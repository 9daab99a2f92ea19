/** What a change of a table's rows must know of the tables that foreign keys tie it to. */
import type { TableDescriptor } from '../catalog/descriptor.js';
import { foreignKeysTo, hasActions } from '../catalog/linked-tables.js';
import type { LinkedTable } from '../contract.js';
import { bindChecks, defaultOf } from './bind-table.js';
import type { Binder, TableRelation } from './binder.js';
import type { Expr } from './expr.js';
import type { BoundTable, LinkedTables, TableChecks } from './logical.js';

/** CHECK constraints and foreign keys: for whatever writes rows of the table. */
export function bindWritten(b: Binder, relation: TableRelation): TableChecks {
  return { ...bindChecks(b, relation.table), links: bindLinks(b, relation) };
}

export function bindLinks(b: Binder, { table, schemaName, linked }: TableRelation): LinkedTables | null {
  if (linked === undefined) return null;
  const all: LinkedTable[] = [{ table, schemaName }, ...linked.values()];
  const tables = new Map<number, BoundTable>();
  for (const one of all) {
    b.dependOn(one.table);
    tables.set(one.table.id, changedByAction(one.table, all) ? bindTable(b, one) : { ...one, ...UNCHANGED });
  }
  return { tables };
}

const UNCHANGED = { checks: { row: [], checks: [], links: null }, defaults: new Map<number, Expr>() } as const;

function changedByAction(child: TableDescriptor, all: readonly LinkedTable[]): boolean {
  return all.some(({ table }) => foreignKeysTo(child, table).some(hasActions));
}

function bindTable(b: Binder, { table, schemaName }: LinkedTable): BoundTable {
  const defaults = new Map<number, Expr>();
  for (const fk of table.foreignKeys ?? []) {
    if (fk.onDelete !== 'set default' && fk.onUpdate !== 'set default') continue;
    for (const id of fk.columnIds)
      defaults.set(
        id,
        defaultOf(
          b,
          table.columns.find((c) => c.id === id)!,
        ),
      );
  }
  return { table, schemaName, checks: bindChecks(b, table), defaults };
}
