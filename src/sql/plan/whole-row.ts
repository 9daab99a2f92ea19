/**
 * A relation of FROM named as a whole: of a table or view a value of its row type, of anything else a record. On the
 * nullable side of an outer join it is NULL where the join found no row, which a table's primary key tells; of views and
 * subqueries all fields are NULL there.
 */
import type { ColumnDescriptor, TableDescriptor, ViewDescriptor } from '../catalog/descriptor.js';
import { rowTypeOf } from '../catalog/row-types.js';
import { OID } from '../types/oids.js';
import { fieldsOf } from '../types/user-types.js';
import { columnExpr } from './binder.js';
import type { ScopeColumn, ScopeRelation } from './binder.js';
import { constant } from './expr.js';
import type { ColumnExpr, Expr, RowExpr } from './expr.js';
import type { PlanColumn } from './logical.js';

/** What a row of a relation is made of, where that is not its visible columns. */
export interface RowOf {
  readonly relation: TableDescriptor | ViewDescriptor;
  readonly columns: readonly PlanColumn[];
  /** Not NULL in any row of the relation; null where there is no such column. */
  readonly present: PlanColumn | null;
}

/** `columns` are those of the descriptor, in its order, without the dropped ones. */
export function rowOfTable(table: TableDescriptor, columns: readonly PlanColumn[]): RowOf {
  const live = table.columns.filter((c) => !c.dropped);
  const at = (wanted: (c: ColumnDescriptor) => boolean): PlanColumn[] => columns.filter((_, i) => wanted(live[i]!));
  const key = table.indexes[0]?.columns[0]?.columnId;
  return { relation: table, columns: at((c) => !c.hidden), present: at((c) => c.id === key)[0] ?? null };
}

export function wholeRow(of: ScopeRelation): Expr {
  const { relation, columns, present } = of.rowOf ?? {
    relation: of.table,
    columns: shown(of.columns),
    present: null,
  };
  const args = columns.map((c): ColumnExpr => ({ ...columnExpr(c), ofRow: true }));
  const names = columns.map((c) => c.name);
  const bare: RowExpr = { kind: 'row', args, names, oid: OID.record, typmod: -1 };
  if (relation === null) return bare;
  const oid = rowTypeOf(relation);
  const fields = fieldsOf(oid)!;
  if (fields.length !== args.length) return bare;
  const row: RowExpr = { ...bare, names: fields.map((field) => field.name), oid, tableId: relation.id };
  if (of.nullable !== true || present === null) return row;
  const when: Expr = {
    kind: 'isnull',
    arg: { ...columnExpr(present), ofRow: true },
    negated: false,
    oid: OID.bool,
    typmod: -1,
  };
  return { kind: 'case', whens: [{ when, then: constant(null, oid) }], otherwise: row, oid, typmod: -1 };
}

function shown(columns: readonly ScopeColumn[]): PlanColumn[] {
  return columns.filter((c) => !c.hidden).map((c) => c.column);
}

/** A column of a whole row by itself. */
export function alone(e: Expr): Expr {
  if (e.kind !== 'column' || e.ofRow !== true) return e;
  const { ofRow: _, ...column } = e;
  return column;
}

/** The relations on the side of an outer join where a row may be missing. */
export function asNullable(relations: readonly ScopeRelation[], isNullable: boolean): readonly ScopeRelation[] {
  if (!isNullable || relations.every((r) => r.rowOf === undefined)) return relations;
  return relations.map((r) => (r.rowOf === undefined ? r : { ...r, nullable: true }));
}
