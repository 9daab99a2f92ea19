/**
 * What a view of the catalog has under a name or an oid, found at once: catalog functions are called for each row of
 * the catalogs' tables. Made when it is first asked for, and as old as the view, which never changes.
 */
import { fieldsOf } from '../types/user-types.js';
import type { IndexDescriptor, TableDescriptor } from './descriptor.js';
import type { CatalogView } from './transaction-catalog.js';

export interface ViewIndex {
  /** Of tables, sequences, views and indexes, by `<schema id> <name>`. */
  readonly relationOids: ReadonlyMap<string, number>;
  readonly indexes: ReadonlyMap<number, { readonly table: TableDescriptor; readonly index: IndexDescriptor }>;
  /** The table of each constraint. */
  readonly constraints: ReadonlyMap<number, TableDescriptor>;
  readonly tables: readonly TableDescriptor[];
}

const known = new WeakMap<CatalogView, ViewIndex>();

export function viewIndex(view: CatalogView): ViewIndex {
  let index = known.get(view);
  if (index === undefined) {
    index = build(view);
    known.set(view, index);
  }
  return index;
}

function build(view: CatalogView): ViewIndex {
  const relationOids = new Map<string, number>();
  const indexes = new Map<number, { table: TableDescriptor; index: IndexDescriptor }>();
  const constraints = new Map<number, TableDescriptor>();
  const tables: TableDescriptor[] = [];
  for (const d of view.descriptors) {
    // A composite type is a relation without rows.
    if (d.kind === 'type' && d.databaseId === view.databaseId && fieldsOf(d.typeOid) !== null)
      relationOids.set(`${d.schemaId} ${d.name}`, d.id);
    if ((d.kind !== 'table' && d.kind !== 'sequence' && d.kind !== 'view') || d.databaseId !== view.databaseId)
      continue;
    relationOids.set(`${d.schemaId} ${d.name}`, d.id);
    if (d.kind !== 'table') continue;
    tables.push(d);
    for (const one of d.indexes) {
      if (one.oid === 0) continue;
      relationOids.set(`${d.schemaId} ${one.name}`, one.oid);
      indexes.set(one.oid, { table: d, index: one });
      if (one.constraintOid !== null) constraints.set(one.constraintOid, d);
    }
    for (const check of d.checks) constraints.set(check.oid, d);
    for (const key of d.foreignKeys ?? []) constraints.set(key.oid, d);
  }
  return { relationOids, indexes, constraints, tables };
}
