/**
 * pg_type's rows of the types of tables' and views' rows, and pg_depend's of what uses them. They are made of names and
 * ids alone: no type is defined by being listed.
 */
import { catalogOidOf } from '../../types/registry.js';
import { userTypeIn } from '../../types/user-types.js';
import type { TableDescriptor, TypeDescriptor, ViewDescriptor } from '../descriptor.js';
import { SUPERUSER_OID } from '../bootstrap-names.js';
import { INFORMATION_SCHEMA_ID, PG_CATALOG_SCHEMA_ID } from '../bootstrap.js';
import { relationsHeld, relationsWithin, rowArrayOid } from '../row-types.js';
import { perDescriptor } from './kept-rows.js';
import { LAYOUTS, layoutOf, makeRow } from './layout.js';
import type { Row, Values } from './layout.js';
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

/** Row types of catalogs and their arrays whose oids PostgreSQL gave by hand. */
const GIVEN: ReadonlyMap<number, readonly [type: number, array: number]> = new Map([
  [1247, [71, 210]],
  [1249, [75, 270]],
  [1255, [81, 272]],
  [1259, [83, 273]],
  [1262, [1248, 10052]],
  [1260, [2842, 10057]],
  [1261, [2843, 10058]],
  [3592, [4066, 10093]],
  [6100, [6101, 10112]],
]);
/** The other catalogs in the order in which theirs were given: first the array's, then the row type's. */
const IN_ORDER =
  '2604 2606 2611 2610 2617 2753 2616 2601 2602 2603 2612 2995 2613 2600 2619 3381 3429 2618 2620 3466 2609 2605 3501 2615 2607 2608 1262 2964 1213 1260 1261 1214 2396 3602 3603 3600 3601 3764 3079 2328 1417 1418 3118 3256 6000 826 3394 3596 3592 3456 6243 3350 3541 3576 2224 6104 6237 6106 6100 6102';
const FIRST_ARRAY_OID = 10000;
/** Relations that initdb makes by SQL have their three oids one after the other. */
const FIRST_BY_SQL = 12000;

function countedOids(): Map<number, readonly [type: number, array: number]> {
  const oids = new Map(GIVEN);
  let next = FIRST_ARRAY_OID;
  for (const relation of IN_ORDER.split(' ').map(Number)) {
    // Of those in this list with a row type by hand, only the array's was counted.
    const isGiven = GIVEN.has(relation);
    if (!isGiven) oids.set(relation, [next + 1, next]);
    next += isGiven ? 1 : 2;
  }
  return oids;
}
const ofCatalogs = countedOids();

/** The row type of a built-in relation and its array, 0 where there is none. */
export function builtInRowType(relation: number): readonly [type: number, array: number] {
  if (relation >= FIRST_BY_SQL) return [relation + 2, relation + 1];
  return ofCatalogs.get(relation) ?? [0, 0];
}

/** Those of the catalogs and of the views that every database has. */
export function builtInRowTypes(): readonly Row[] {
  return LAYOUTS.flatMap(({ oid: relation, name, schema }) => {
    const [oid, arrayOid] = builtInRowType(relation);
    if (oid === 0) return [];
    const own = {
      typnamespace: schema === 'pg_catalog' ? PG_CATALOG_SCHEMA_ID : INFORMATION_SCHEMA_ID,
      typowner: SUPERUSER_OID,
    };
    return [
      makeRow(PG_TYPE, { ...own, oid, typname: name, typrelid: relation, typarray: arrayOid }, ROW_TEMPLATE),
      makeRow(PG_TYPE, { ...own, oid: arrayOid, typname: `_${name}`, typelem: oid }, ARRAY_TEMPLATE),
    ];
  });
}

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
