/** The views of pg_catalog over tables, indexes and sequences, pg_depend, and statistics that are kept here. */
import { domainDependencies, routineDependencies } from './routines.js';
import { functionsNamed } from '../../functions/index.js';
import type { ExecContext } from '../../contract.js';
import type { CallInfo } from '../../functions/entry.js';
import { assert } from '../../../base/assert.js';
import type { Datum } from '../../types/datum.js';
import { OID } from '../../types/oids.js';
import { SUPERUSER } from '../bootstrap-names.js';
import { LITERALS } from '../../functions/shown-sql.js';
import type { SequenceDescriptor, TableDescriptor } from '../descriptor.js';
import { indexReads } from '../descriptor.js';
import { isMaterialized, sourcesOf } from '../materialized.js';
import { ruleOid } from '../rule-oids.js';
import { extensionDependencies } from './extensions.js';
import { foreignKeyDependencies, hasForeignKeys, parentsOf } from './foreign-keys.js';
import { LAYOUTS, layoutOf, makeRow } from './layout.js';
import type { Values } from './layout.js';
import { perDescriptorOf } from './kept-rows.js';
import type { Parts } from './kept-rows.js';
import { liveColumns, roleName, shownIndexes } from './model.js';
import type { Model, Source } from './model.js';
import { defaultOid } from '../default-oids.js';
import { rowTypeDependencies } from './row-types.js';

export function schemaName(model: Model, id: number): string {
  return model.schemaNames.get(id) ?? String(id);
}

// ---- pg_tables, pg_indexes, pg_sequences, pg_views ----

export function* tables({ model }: Source): Iterable<Values> {
  const shared = { hasrules: false, hastriggers: false, rowsecurity: false };
  for (const layout of LAYOUTS) {
    if (layout.kind === 'r')
      yield { ...shared, schemaname: layout.schema, tablename: layout.name, tableowner: SUPERUSER, hasindexes: false };
  }
  for (const table of model.tables) {
    if (isMaterialized(table)) continue;
    yield {
      ...shared,
      schemaname: schemaName(model, table.schemaId),
      tablename: table.name,
      tableowner: roleName(model, table.owner),
      hasindexes: shownIndexes(table).length > 0,
      hastriggers: hasForeignKeys(table),
      rowsecurity: table.rowSecurity?.enabled ?? false,
    };
  }
}

const INDEX_DEFINITION: CallInfo = { argOids: [OID.oid], resultOid: OID.text };

export function* indexes({ model, ctx }: Source): Iterable<Values> {
  const definition = functionsNamed('pg_get_indexdef').find((entry) => entry.argOids.length === 1);
  assert(definition !== undefined && definition.call1 !== null, 'pg_get_indexdef(oid) exists');
  for (const table of model.tables) {
    for (const index of shownIndexes(table)) {
      const text = definition.call1(index.oid, ctx, INDEX_DEFINITION);
      assert(!(text instanceof Promise), 'pg_get_indexdef does not wait');
      yield {
        schemaname: schemaName(model, table.schemaId),
        tablename: table.name,
        indexname: index.name,
        indexdef: text,
      };
    }
  }
}

export function* sequences({ model }: Source): Iterable<Values> {
  for (const s of model.sequences) {
    yield {
      schemaname: schemaName(model, s.schemaId),
      sequencename: s.name,
      sequenceowner: roleName(model, s.owner),
      data_type: s.typeOid,
      start_value: BigInt(s.start),
      min_value: BigInt(s.min),
      max_value: BigInt(s.max),
      increment_by: BigInt(s.increment),
      cycle: s.cycle,
      cache_size: BigInt(s.cache),
    };
  }
}

const VIEW_DEFINITION: CallInfo = { argOids: [OID.oid], resultOid: OID.text };

export function viewDefinition(id: number, ctx: ExecContext): Datum {
  const definition = functionsNamed('pg_get_viewdef').find((entry) => entry.argOids.length === 1);
  assert(definition !== undefined && definition.call1 !== null, 'pg_get_viewdef(oid) exists');
  const text = definition.call1(id, ctx, VIEW_DEFINITION);
  assert(!(text instanceof Promise), 'pg_get_viewdef does not wait');
  return text;
}

/** The catalog's own views are built in and have no defining query. */
export function* views({ model, ctx }: Source): Iterable<Values> {
  for (const view of model.views) {
    yield {
      schemaname: schemaName(model, view.schemaId),
      viewname: view.name,
      viewowner: roleName(model, view.owner),
      definition: viewDefinition(view.id, ctx),
    };
  }
  for (const layout of LAYOUTS) {
    if (layout.kind === 'v')
      yield { schemaname: layout.schema, viewname: layout.name, viewowner: SUPERUSER, definition: '' };
  }
}

export function* materializedViews({ model, ctx }: Source): Iterable<Values> {
  for (const view of model.tables.filter(isMaterialized)) {
    yield {
      schemaname: schemaName(model, view.schemaId),
      matviewname: view.name,
      matviewowner: roleName(model, view.owner),
      hasindexes: shownIndexes(view).length > 0,
      ispopulated: view.materialized.populated,
      definition: viewDefinition(view.id, ctx),
    };
  }
}

// ---- pg_rewrite ----

export function* rewriteRules({ model }: Source): Iterable<Values> {
  for (const view of model.readers) {
    const enabled = { ev_type: '1', ev_enabled: 'O', is_instead: true };
    yield { oid: ruleOid(view), rulename: '_RETURN', ev_class: view.id, ...enabled, ev_qual: '<>', ev_action: '<>' };
  }
}

// ---- pg_depend ----

const CLASS = 1259;
const ATTRDEF = 2604;
const CONSTRAINT = 2606;
const REWRITE = 2618;
const NAMESPACE = 2615;
const TYPE = 1247;
const COLLATION = 3456;
const ROUTINE = 1255;

/** What a default names, as in nextval('16384'::regclass), or by the name that it has there. */
function relationsRead(model: Model, sql: string): ReadonlySet<number> {
  const oids = new Set<number>();
  for (const [, named, cast] of sql.matchAll(LITERALS)) {
    if (cast !== undefined && /^\d+$/.test(named!)) oids.add(Number(named));
  }
  const named = /^nextval\('((?:[^']|'')+)'::(?:regclass|text)\)$/.exec(sql)?.[1];
  if (named === undefined || oids.size > 0) return oids;
  const parts = Array.from(named.replaceAll("''", "'").matchAll(/"((?:[^"]|"")+)"|([^".]+)/g), ([, quoted, plain]) =>
    quoted === undefined ? plain! : quoted.replaceAll('""', '"'),
  );
  const name = parts.at(-1);
  const schema = parts.length > 1 ? parts.at(-2) : 'public';
  const found = model.sequences.find((s) => s.name === name && model.schemaNames.get(s.schemaId) === schema);
  return found === undefined ? oids : oids.add(found.id);
}

function* dependenciesOfSequence(model: Model, { id, ownedBy, schemaId }: SequenceDescriptor): Iterable<Values> {
  yield onSchema(CLASS, id, schemaId);
  if (ownedBy === null) return;
  const shared = { classid: CLASS, refclassid: CLASS };
  const { tableId, columnId } = ownedBy;
  const table = model.view.byId.get(tableId);
  const column = table?.kind === 'table' ? table.columns.find((one) => one.id === columnId) : undefined;
  const internal = column !== undefined && column.identity !== null;
  yield { ...shared, objid: id, refobjid: tableId, refobjsubid: columnId, deptype: internal ? 'i' : 'a' };
}

function onSchema(classid: number, objid: number, schemaId: number): Values {
  return { classid, objid, refclassid: NAMESPACE, refobjid: schemaId, deptype: 'n' };
}

/** All but those of tables and sequences. */
function* otherDependencies(model: Model): Iterable<Values> {
  for (const { id, schemaId } of model.views) yield onSchema(CLASS, id, schemaId);
  for (const { id, schemaId } of model.types) yield onSchema(TYPE, id, schemaId);
  for (const { id, schemaId } of model.collations) yield onSchema(COLLATION, id, schemaId);
  for (const { schemaId, routines } of model.routines)
    for (const { oid } of routines) yield onSchema(ROUTINE, oid, schemaId);
  yield* routineDependencies(model);
  yield* domainDependencies(model);
  yield* extensionDependencies(model);
  yield* rowTypeDependencies(model);
  for (const view of model.readers) {
    const from = { classid: REWRITE, objid: ruleOid(view), refclassid: CLASS };
    for (const deptype of ['i', 'n']) yield { ...from, refobjid: view.id, deptype };
    for (const column of view.kind === 'view' ? view.columns : []) {
      if (column.defaultSql == null) continue;
      const set = { classid: ATTRDEF, objid: defaultOid(view, column), refclassid: CLASS };
      yield { ...set, refobjid: view.id, refobjsubid: column.id, deptype: 'a' };
      for (const oid of relationsRead(model, column.defaultSql)) yield { ...set, refobjid: oid, deptype: 'n' };
    }
    for (const { id, columnIds, keys = [] } of sourcesOf(view)) {
      if (columnIds.length === 0) yield { ...from, refobjid: id, deptype: 'n' };
      for (const columnId of columnIds) yield { ...from, refobjid: id, refobjsubid: columnId, deptype: 'n' };
      for (const oid of keys) yield { ...from, refclassid: CONSTRAINT, refobjid: oid, deptype: 'n' };
    }
  }
}

function* dependenciesOfTable(model: Model, table: TableDescriptor): Iterable<Values> {
  yield onSchema(CLASS, table.id, table.schemaId);
  for (const column of liveColumns(table)) {
    if (column.generated != null) {
      const from = { classid: ATTRDEF, objid: defaultOid(table, column), refclassid: CLASS, refobjid: table.id };
      yield { ...from, refobjsubid: column.id, deptype: 'i' };
      for (const used of column.generated.columnIds) yield { ...from, refobjsubid: used, deptype: 'n' };
    }
    if (column.defaultSql === null) continue;
    const from = { classid: ATTRDEF, objid: defaultOid(table, column), refclassid: CLASS };
    yield { ...from, refobjid: table.id, refobjsubid: column.id, deptype: 'a' };
    const read = column.sequenceId === null ? relationsRead(model, column.defaultSql) : [column.sequenceId];
    for (const oid of read) yield { ...from, refobjid: oid, deptype: 'n' };
  }
  for (const check of table.checks) {
    for (const column of check.columnIds)
      yield {
        classid: CONSTRAINT,
        objid: check.oid,
        refclassid: CLASS,
        refobjid: table.id,
        refobjsubid: column,
        deptype: 'a',
      };
  }
  yield* foreignKeyDependencies(model, table);
  for (const index of shownIndexes(table)) {
    if (index.constraintOid !== null) {
      yield { classid: CLASS, objid: index.oid, refclassid: CONSTRAINT, refobjid: index.constraintOid, deptype: 'i' };
    }
    const [classid, objid] = index.constraintOid === null ? [CLASS, index.oid] : [CONSTRAINT, index.constraintOid];
    const from = { classid, objid, refclassid: CLASS, refobjid: table.id, deptype: 'a' };
    for (const { id } of table.columns) if (indexReads(index, id)) yield { ...from, refobjsubid: id };
    // As PostgreSQL has it: for what is computed, also on the table.
    if (index.predicate != null || index.columns.some((c) => c.expression != null)) yield from;
  }
}

const DEPEND = layoutOf('pg_catalog', 'pg_depend');
const tableDependencies = perDescriptorOf(DEPEND, dependenciesOfTable, {
  // A sequence that a default only names may have got another name.
  others: (model, table) =>
    table.columns.some((c) => c.sequenceId === null && c.defaultSql?.startsWith('nextval') === true)
      ? null
      : parentsOf(model, table),
});
const sequenceDependencies = perDescriptorOf(DEPEND, dependenciesOfSequence, {
  others: (model, { ownedBy }) => (ownedBy === null ? [] : [model.view.byId.get(ownedBy.tableId)]),
});

export function dependencyParts(model: Model): Parts {
  return [
    Array.from(otherDependencies(model), (values) => makeRow(DEPEND, values)),
    ...model.sequences.map((sequence) => sequenceDependencies(model, sequence)),
    ...model.tables.map((table) => tableDependencies(model, table)),
  ];
}
