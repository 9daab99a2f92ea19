/**
 * A relation of FROM named as a whole: of a table or view a value of its row type, of anything else a record. On the
 * nullable side of an outer join it is NULL where the join found no row, which a column tells that is not NULL in any
 * row: of a table its primary key's first; anything else gets a column of its own for it, if the query has its name
 * where a whole row may be meant.
 */
import type { Node } from 'libpg-query';
import type { ColumnDescriptor, TableDescriptor, ViewDescriptor } from '../catalog/descriptor.js';
import { rowTypeOf } from '../catalog/row-types.js';
import { OID } from '../types/oids.js';
import { fieldsOf } from '../types/user-types.js';
import { as, kindOf, stringsOf } from './ast.js';
import { columnExpr } from './binder.js';
import type { Binder, BoundFrom, ScopeColumn, ScopeRelation } from './binder.js';
import { TRUE } from './expr.js';
import type { ColumnExpr, Expr, RowExpr } from './expr.js';
import type { PlanColumn, ProjectItem } from './logical.js';

/** What a row of a relation is made of, where that is not its visible columns. */
export interface RowOf {
  /** null: nothing that has a row type. */
  readonly relation: TableDescriptor | ViewDescriptor | null;
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

export function wholeRow(of: ScopeRelation, location: number): Expr {
  const { relation, columns, present } = rowOfRelation(of);
  const args = columns.map((c): ColumnExpr => ({ ...columnExpr(c, location), ofRow: true }));
  const names = columns.map((c) => c.name);
  const mayBeAbsent = of.nullable === true && present !== null;
  const bare: RowExpr = {
    kind: 'row',
    args,
    names,
    oid: OID.record,
    typmod: -1,
    ...(mayBeAbsent ? { present: { ...columnExpr(present, location), ofRow: true } } : {}),
  };
  if (relation === null) return bare;
  const oid = rowTypeOf(relation);
  const fields = fieldsOf(oid)!;
  if (fields.length !== args.length) return bare;
  return { ...bare, names: fields.map((field) => field.name), oid, tableId: relation.id };
}

function rowOfRelation(of: ScopeRelation): RowOf {
  return of.rowOf ?? { relation: of.table, columns: shown(of.columns), present: null };
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
  return isNullable ? relations.map((r) => ({ ...r, nullable: true })) : relations;
}

/** A single relation of FROM with a column that tells whether its row is there, unless one does already. */
export function withPresence(b: Binder, bound: BoundFrom): BoundFrom {
  const [relation] = bound.relations;
  if (bound.relations.length !== 1 || relation!.scalar === true) return bound;
  const rowOf = rowOfRelation(relation!);
  if (rowOf.present !== null) return bound;
  const present = b.column('', OID.bool, -1);
  const { plan } = bound;
  const items = plan.columns.map((column): ProjectItem => ({ column, expr: columnExpr(column) }));
  const columns = [...plan.columns, present];
  return {
    ...bound,
    plan: { kind: 'project', columns, input: plan, items: [...items, { column: present, expr: TRUE }] },
    relations: [{ ...relation!, rowOf: { ...rowOf, present } }],
  };
}

/** The names of a statement that may mean a relation as a whole: x and, but for what is selected, x.*. */
export function namesOfRows(statement: object): ReadonlySet<string> {
  const names = new Set<string>();
  const open: unknown[] = [statement];
  while (open.length > 0) {
    const node = open.pop();
    if (typeof node !== 'object' || node === null) continue;
    if (Array.isArray(node)) {
      for (const item of node) open.push(item);
      continue;
    }
    for (const [key, value] of Object.entries(node)) {
      if (key === 'ColumnRef') noteName(value as { fields?: Node[] }, names);
      else if (key === 'ResTarget' && isStarred(value as { val?: Node })) continue;
      else open.push(value);
    }
  }
  return names;
}

function noteName({ fields = [] }: { fields?: Node[] }, names: Set<string>): void {
  const isStar = fields.length > 0 && kindOf(fields.at(-1)!) === 'A_Star';
  const [name] = stringsOf(isStar ? fields.slice(-2, -1) : fields.slice(-1));
  if (name !== undefined && (isStar || fields.length === 1)) names.add(name);
}

function isStarred({ val }: { val?: Node }): boolean {
  const last = as(val, 'ColumnRef')?.fields?.at(-1);
  return last !== undefined && kindOf(last) === 'A_Star';
}
