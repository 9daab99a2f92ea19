/**
 * information_schema: views, sequences, routines; its other views are in files of their own.
 *
 * Limits: there are no triggers, hence no rows of them.
 */
import { allAggregates, allFunctions } from '../../functions/index.js';
import { builtInCollations } from '../../types/collation.js';
import { OID } from '../../types/oids.js';
import { INFORMATION_SCHEMA_ID, PG_CATALOG_SCHEMA_ID, PG_TOAST_SCHEMA_ID, PUBLIC_SCHEMA_ID } from '../bootstrap.js';
import { SUPERUSER_OID } from '../bootstrap-names.js';
import type { TableDescriptor, ViewDescriptor } from '../descriptor.js';
import { columnParts, typeColumns, yesNo } from './information-schema-columns.js';
import { constraintViews } from './information-schema-constraints.js';
import { changeable, databaseOf, READ_ONLY, tableKey, tableViews, viewsOf } from './information-schema-tables.js';
import type { Parts } from './kept-rows.js';
import { LAYOUTS } from './layout.js';
import type { Values } from './layout.js';
import { publicSchemaOf } from '../rights.js';
import { columnById, roleName } from './model.js';
import { roleViews } from './information-schema-roles.js';
import type { Builder, Source } from './model.js';
import { typeViews } from './information-schema-types.js';
import { routineUsage } from './routine-usage.js';
import { parameterParts, userRoutines } from './routines-information-schema.js';
import { domainConstraintRows, domainRows } from './user-types.js';
import { schemaName, viewDefinition } from './views.js';

// ---- schemata, views ----

function* schemata(source: Source): Iterable<Values> {
  const system = (
    [
      [PG_CATALOG_SCHEMA_ID, 'pg_catalog'],
      [PG_TOAST_SCHEMA_ID, 'pg_toast'],
      [INFORMATION_SCHEMA_ID, 'information_schema'],
    ] as const
  ).map(([, name]) => ({ name, owner: SUPERUSER_OID }));
  const { model } = source;
  const shared = publicSchemaOf(model.databases.find(({ id }) => id === model.view.databaseId) ?? null);
  for (const schema of [...system, ...model.schemas]) {
    const owner = 'id' in schema && schema.id === PUBLIC_SCHEMA_ID ? shared.owner : schema.owner;
    yield { catalog_name: databaseOf(source), schema_name: schema.name, schema_owner: roleName(model, owner) };
  }
}

function* views(source: Source): Iterable<Values> {
  for (const view of viewsOf(source))
    yield {
      ...tableKey(source, view),
      view_definition: viewDefinition(view.id, source.ctx),
      ...changeable(source, view),
    };
  for (const layout of LAYOUTS) {
    if (layout.kind !== 'v') continue;
    yield {
      table_catalog: databaseOf(source),
      table_schema: layout.schema,
      table_name: layout.name,
      ...READ_ONLY,
    };
  }
}

// ---- what views read ----

interface ViewSource {
  readonly view: ViewDescriptor;
  readonly source: TableDescriptor | ViewDescriptor;
  readonly columnIds: readonly number[];
}

function* viewSources({ model }: Source): Iterable<ViewSource> {
  for (const view of model.views) {
    for (const { id, columnIds } of view.sources) {
      const source = model.view.byId.get(id);
      if (source?.kind === 'table' || source?.kind === 'view') yield { view, source, columnIds };
    }
  }
}

function viewKey(source: Source, view: ViewDescriptor): Values {
  return {
    view_catalog: databaseOf(source),
    view_schema: schemaName(source.model, view.schemaId),
    view_name: view.name,
  };
}

function* viewTableUsage(source: Source): Iterable<Values> {
  for (const { view, source: read } of viewSources(source))
    yield { ...viewKey(source, view), ...tableKey(source, read) };
}

function* viewColumnUsage(source: Source): Iterable<Values> {
  for (const { view, source: read, columnIds } of viewSources(source)) {
    for (const id of columnIds) {
      const column = (read.columns as readonly { readonly id: number; readonly name: string }[]).find(
        (one) => one.id === id,
      );
      if (column !== undefined) yield { ...viewKey(source, view), ...tableKey(source, read), column_name: column.name };
    }
  }
}

/** Generated columns and what they read. */
function* columnColumnUsage(source: Source): Iterable<Values> {
  for (const table of source.model.tables) {
    for (const { generated, name } of table.columns) {
      for (const id of generated?.columnIds ?? []) {
        const used = table.columns.find((one) => one.id === id);
        if (used !== undefined) yield { ...tableKey(source, table), column_name: used.name, dependent_column: name };
      }
    }
  }
}

// ---- sequences ----

const SEQUENCE_BITS: ReadonlyMap<number, number> = new Map([
  [OID.int2, 16],
  [OID.int4, 32],
  [OID.int8, 64],
]);

function* sequences(source: Source): Iterable<Values> {
  for (const s of source.model.sequences) {
    if (isIdentitySequence(source, s.ownedBy)) continue;
    yield {
      sequence_catalog: databaseOf(source),
      sequence_schema: schemaName(source.model, s.schemaId),
      sequence_name: s.name,
      data_type: s.typeOid === OID.int2 ? 'smallint' : s.typeOid === OID.int4 ? 'integer' : 'bigint',
      numeric_precision: SEQUENCE_BITS.get(s.typeOid) ?? 64,
      numeric_precision_radix: 2,
      numeric_scale: 0,
      start_value: s.start,
      minimum_value: s.min,
      maximum_value: s.max,
      increment: s.increment,
      cycle_option: yesNo(s.cycle),
    };
  }
}

/** PostgreSQL leaves these out: they are part of their column. */
function isIdentitySequence(
  source: Source,
  owner: { readonly tableId: number; readonly columnId: number } | null,
): boolean {
  if (owner === null) return false;
  const table = source.model.view.byId.get(owner.tableId);
  return table?.kind === 'table' && (columnById(table, owner.columnId)?.identity ?? null) !== null;
}

// ---- routines ----

function* routines(source: Source): Iterable<Values> {
  yield* userRoutines(source);
  const database = databaseOf(source);
  let ordinal = 0;
  for (const entry of [...allFunctions(), ...allAggregates()]) {
    ordinal++;
    const specific = `${entry.name}_${entry.oid === 0 ? `own${ordinal}` : entry.oid}`;
    const { data_type, udt_name } = typeColumns(database, entry.resultOid, -1);
    const isFunction = 'impl' in entry;
    yield {
      specific_catalog: database,
      specific_schema: 'pg_catalog',
      specific_name: specific,
      routine_catalog: database,
      routine_schema: 'pg_catalog',
      routine_name: entry.name,
      routine_type: isFunction ? 'FUNCTION' : null,
      data_type: data_type ?? null,
      type_udt_catalog: database,
      type_udt_schema: 'pg_catalog',
      type_udt_name: udt_name ?? null,
      dtd_identifier: '0',
      routine_body: 'EXTERNAL',
      external_name: entry.name,
      external_language: 'INTERNAL',
      parameter_style: 'GENERAL',
      is_deterministic: yesNo(isFunction && entry.volatility === 'immutable'),
      sql_data_access: 'MODIFIES',
      is_null_call: isFunction ? yesNo(entry.strict) : null,
      schema_level_routine: 'YES',
      max_dynamic_result_sets: 0,
      security_type: 'INVOKER',
      as_locator: 'NO',
      is_udt_dependent: 'NO',
    };
  }
}

// ---- the rest ----

function collationNames(source: Source): Values[] {
  const { collations } = source.model;
  const named = (schema: string, name: string | null): Values => ({
    collation_catalog: databaseOf(source),
    collation_schema: schema,
    collation_name: name,
  });
  return [
    ...builtInCollations().map(({ name }) => named('pg_catalog', name)),
    ...collations.map((d) => named(schemaName(source.model, d.schemaId), d.name)),
  ];
}

export const informationSchemaBuilders: Readonly<Record<string, Builder>> = {
  information_schema_catalog_name: (source) => [{ catalog_name: databaseOf(source) }],
  ...roleViews,
  character_sets: (source) => [
    {
      character_set_name: 'UTF8',
      character_repertoire: 'UCS',
      form_of_use: 'UTF8',
      default_collate_catalog: databaseOf(source),
      default_collate_schema: 'pg_catalog',
      default_collate_name: 'default',
    },
  ],
  collations: (source) => collationNames(source).map((one) => ({ ...one, pad_attribute: 'NO PAD' })),
  collation_character_set_applicability: (source) =>
    collationNames(source).map((one) => ({ ...one, character_set_name: 'UTF8' })),
  schemata,
  views,
  domains: domainRows,
  domain_constraints: domainConstraintRows,
  sequences,
  view_table_usage: viewTableUsage,
  view_column_usage: viewColumnUsage,
  column_column_usage: columnColumnUsage,
  ...routineUsage,
  ...typeViews,
  routines,
};

/** Those of many rows, in parts that are kept. */
export const informationSchemaParts: Readonly<Record<string, (source: Source) => Parts>> = {
  columns: columnParts,
  parameters: parameterParts,
  ...tableViews,
  ...constraintViews,
};
