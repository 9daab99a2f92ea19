/**
 * pg_type's rows of the types of tables' and views' rows, and pg_depend's of what uses them. They are made of names and
 * ids alone: no type is defined by being listed.
 */
import { catalogOidOf } from '../../types/registry.js';
import { userTypeIn } from '../../types/user-types.js';
import type { TableDescriptor, TypeDescriptor, ViewDescriptor } from '../descriptor.js';
import { relationsHeld, relationsWithin, rowArrayOid } from '../row-types.js';
import { perDescriptor } from './kept-rows.js';
import { layoutOf, makeRow } from './layout.js';
import type { Values } from './layout.js';
import type { Model } from './model.js';
import { typeFacts } from './type-facts.js';
import { formColumns, functionColumns } from './types.js';
import { ARRAY_FACTS, RECORD_FUNCTIONS } from './user-types.js';
import { ruleOid } from '../rule-oids.js';

const ROW: Values = {
  ...formColumns(typeFacts(2249)),
  ...functionColumns(RECORD_FUNCTIONS),
  typtype: 'c',
  typcategory: 'C',
};
const ARRAY: Values = {
  ...formColumns(ARRAY_FACTS),
  ...functionColumns(ARRAY_FACTS.functions),
  typalign: 'd',
  typtype: 'b',
  typcategory: 'A',
  typsubscript: ARRAY_FACTS.subscript,
};

const PG_TYPE = layoutOf('pg_catalog', 'pg_type');
const SHARED: Values = { typisdefined: true, typispreferred: false, typtypmod: -1 };
/** What all of them have in common. */
const ROW_TEMPLATE = makeRow(PG_TYPE, { ...SHARED, ...ROW, typelem: 0, typsubscript: 0 });
const ARRAY_TEMPLATE = makeRow(PG_TYPE, { ...SHARED, ...ARRAY, typarray: 0 });

export const rowTypeRows = perDescriptor<TableDescriptor | ViewDescriptor>(PG_TYPE, ({ id, name, schemaId, owner }) => {
  const own = { typnamespace: schemaId, typowner: owner };
  const arrayOid = rowArrayOid(id);
  return [
    makeRow(PG_TYPE, { ...own, oid: id, typname: name, typrelid: id, typarray: arrayOid }, ROW_TEMPLATE),
    makeRow(PG_TYPE, { ...own, oid: arrayOid, typname: `_${name}`, typelem: id }, ARRAY_TEMPLATE),
  ];
});

const CLASS = 1259;
const TYPE = 1247;
const REWRITE = 2618;

/** What pg_dump takes an order from. Of row types that nothing uses PostgreSQL has rows too; they would say nothing. */
export function* rowTypeDependencies(model: Model): Iterable<Values> {
  const used = new Set<number>();
  for (const descriptor of [...model.tables, ...model.views, ...model.types, ...model.routines]) {
    for (const id of relationsHeld(descriptor)) used.add(id);
  }
  if (used.size === 0) return;
  for (const id of used) {
    if (!model.view.byId.has(id)) continue;
    yield { classid: TYPE, objid: id, refclassid: CLASS, refobjid: id, deptype: 'i' };
    yield { classid: TYPE, objid: rowArrayOid(id), refclassid: TYPE, refobjid: id, deptype: 'i' };
  }
  for (const { id, columns } of model.tables) yield* columnDependencies(id, columns);
  for (const descriptor of model.types) if (relationsHeld(descriptor).length > 0) yield* typeDependencies(descriptor);
  for (const reader of model.readers) {
    const types = (reader.kind === 'view' ? reader : reader.materialized).usedTypes ?? [];
    for (const type of [...reader.columns, ...types]) {
      const refobjid = rowTypeNamed(type.typeOid);
      if (refobjid !== null)
        yield { classid: REWRITE, objid: ruleOid(reader), refclassid: TYPE, refobjid, deptype: 'n' };
    }
  }
}

function* typeDependencies({ id, typeOid }: TypeDescriptor): Iterable<Values> {
  const type = userTypeIn(typeOid)!;
  if (type.kind === 'composite') {
    yield { classid: CLASS, objid: id, refclassid: TYPE, refobjid: id, deptype: 'i' };
    yield* columnDependencies(id, type.fields);
  } else if (type.kind === 'domain') {
    yield { classid: TYPE, objid: id, refclassid: TYPE, refobjid: catalogOidOf(type.typeOid), deptype: 'n' };
  }
}

function* columnDependencies(
  objid: number,
  columns: readonly { readonly id: number; readonly typeOid: number }[],
): Iterable<Values> {
  for (const { id, typeOid } of columns) {
    const refobjid = relationsWithin([typeOid]).length > 0 ? catalogOidOf(typeOid) : null;
    if (refobjid !== null) yield { classid: CLASS, objid, objsubid: id, refclassid: TYPE, refobjid, deptype: 'n' };
  }
}

function rowTypeNamed(typeOid: number): number | null {
  const type = userTypeIn(typeOid);
  return type?.kind === 'composite' && type.ofRelation === true ? catalogOidOf(typeOid) : null;
}
