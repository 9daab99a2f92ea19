/** Rows of pg_constraint and pg_depend for foreign keys, which need the parents' descriptors as well. */
import type { Descriptor, ForeignKeyAction, ForeignKeyDescriptor, TableDescriptor } from '../descriptor.js';
import { PgArray } from '../../types/datum.js';
import { OID } from '../../types/oids.js';
import { baseOidOf } from '../../types/user-types.js';
import { layoutOf } from './layout.js';
import type { Values } from './layout.js';
import { perDescriptorOf } from './kept-rows.js';
import { columnById, int2Array } from './model.js';
import type { Model } from './model.js';
import { equalityOperators, operatorClassOf } from './operator-classes.js';

const ACTIONS: Readonly<Record<ForeignKeyAction, string>> = {
  'no action': 'a',
  restrict: 'r',
  cascade: 'c',
  'set null': 'n',
  'set default': 'd',
};

/** On either side. */
export function hasForeignKeys({ foreignKeys = [], referencedBy = [] }: TableDescriptor): boolean {
  return foreignKeys.length > 0 || referencedBy.length > 0;
}

/** What else its foreign keys' rows are made of. */
export function parentsOf(model: Model, { foreignKeys = [] }: TableDescriptor): readonly (Descriptor | undefined)[] {
  return foreignKeys.map((fk) => model.view.byId.get(fk.parentId));
}

export const foreignKeyRows = perDescriptorOf<Model, TableDescriptor>(
  layoutOf('pg_catalog', 'pg_constraint'),
  (model, table) =>
    (table.foreignKeys ?? []).map((fk) => ({
      connamespace: table.schemaId,
      conrelid: table.id,
      conislocal: true,
      connoinherit: true,
      oid: fk.oid,
      conname: fk.name,
      contype: 'f',
      condeferrable: fk.deferrable,
      condeferred: fk.initiallyDeferred,
      convalidated: fk.validated,
      conindid: indexOf(model, fk)?.oid ?? 0,
      confrelid: fk.parentId,
      confupdtype: ACTIONS[fk.onUpdate],
      confdeltype: ACTIONS[fk.onDelete],
      confmatchtype: fk.match === 'full' ? 'f' : 's',
      conkey: int2Array(fk.columnIds),
      confkey: int2Array(fk.parentColumnIds),
      ...operatorsOf(model, table, fk),
      confdelsetcols: fk.deleteColumnIds.length === 0 ? null : int2Array(fk.deleteColumnIds),
    })),
  { others: parentsOf },
);

/** What parents and children, parents, and children are compared by. */
function operatorsOf(model: Model, table: TableDescriptor, fk: ForeignKeyDescriptor): Values {
  const parent = model.view.byId.get(fk.parentId);
  const index = indexOf(model, fk);
  if (parent?.kind !== 'table' || index === undefined) return {};
  const operators = fk.columnIds.map((id, n) => {
    const part = index.columns.find((one) => one.columnId === fk.parentColumnIds[n])!;
    const parentType = baseOidOf(columnById(parent, part.columnId)!.typeOid);
    return equalityOperators(operatorClassOf(index, part, parentType), baseOidOf(columnById(table, id)!.typeOid));
  });
  const array = (side: 'both' | 'parents' | 'children'): PgArray =>
    new PgArray(
      OID.oid,
      operators.map((one) => one[side]),
    );
  return { conpfeqop: array('both'), conppeqop: array('parents'), conffeqop: array('children') };
}

function indexOf(model: Model, fk: ForeignKeyDescriptor): TableDescriptor['indexes'][number] | undefined {
  const parent = model.view.byId.get(fk.parentId);
  return parent?.kind === 'table' ? parent.indexes.find((one) => one.id === fk.parentIndexId) : undefined;
}

/** Where the column that the key's n-th one refers to stands in the parent's index, from 1. */
export function placeInIndex(model: Model, fk: ForeignKeyDescriptor, n: number): number | null {
  const at = indexOf(model, fk)?.columns.findIndex((c) => c.columnId === fk.parentColumnIds[n]);
  return at === undefined ? null : at + 1;
}

const CONSTRAINT = 2606;
const CLASS = 1259;

export function* foreignKeyDependencies(model: Model, table: TableDescriptor): Iterable<Values> {
  for (const fk of table.foreignKeys ?? []) {
    const from = { classid: CONSTRAINT, objid: fk.oid, refclassid: CLASS };
    for (const id of fk.columnIds) yield { ...from, refobjid: table.id, refobjsubid: id, deptype: 'a' };
    for (const id of fk.parentColumnIds) yield { ...from, refobjid: fk.parentId, refobjsubid: id, deptype: 'n' };
    yield { ...from, refobjid: indexOf(model, fk)?.oid ?? 0, deptype: 'n' };
  }
}
