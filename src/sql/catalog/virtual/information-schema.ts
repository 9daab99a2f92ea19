/**
 * information_schema beyond `columns`: tables, constraints, sequences, routines, privileges. The one role owns
 * everything, so that nothing is hidden from it.
 *
 * Limits: there are no triggers, hence no rows of them.
 */
import { allAggregates, allFunctions } from '../../functions/index.js';
import { OID } from '../../types/oids.js';
import { INFORMATION_SCHEMA_ID, PG_CATALOG_SCHEMA_ID, PG_TOAST_SCHEMA_ID, SUPERUSER } from '../bootstrap.js';
import { EVENTS, updatableEvents } from '../../plan/view-shape.js';
import type {
  ColumnDescriptor,
  ForeignKeyAction,
  ForeignKeyDescriptor,
  IndexDescriptor,
  TableDescriptor,
  ViewDescriptor,
} from '../descriptor.js';
import { isPrimaryKey } from '../descriptor.js';
import { isShown, isTemporary } from '../temporary-names.js';
import { placeInIndex } from './foreign-keys.js';
import { typeColumns, yesNo } from './information-schema-columns.js';
import { LAYOUTS } from './layout.js';
import type { Values } from './layout.js';
import { columnById, liveColumns, shownIndexes } from './model.js';
import type { Builder, Source } from './model.js';
import { parameters, userRoutines } from './routines-information-schema.js';
import { domainConstraintRows, domainRows } from './user-types.js';
import { shownSql } from '../../functions/shown-sql.js';
import { schemaName, viewDefinition } from './views.js';

function databaseOf(source: Source): string {
  return source.ctx.services.database;
}

function tableKey(source: Source, table: TableDescriptor | ViewDescriptor): Values {
  return {
    table_catalog: databaseOf(source),
    table_schema: schemaName(source.model, table.schemaId),
    table_name: table.name,
  };
}

// ---- schemata, tables ----

function* schemata(source: Source): Iterable<Values> {
  const system = (
    [
      [PG_CATALOG_SCHEMA_ID, 'pg_catalog'],
      [PG_TOAST_SCHEMA_ID, 'pg_toast'],
      [INFORMATION_SCHEMA_ID, 'information_schema'],
    ] as const
  ).map(([, name]) => ({ name, owner: SUPERUSER }));
  for (const { name, owner } of [...system, ...source.model.schemas]) {
    yield { catalog_name: databaseOf(source), schema_name: name, schema_owner: owner };
  }
}

/** The standard knows no materialised views, and nobody other sessions' temporary tables. */
function tablesOf({ model, ctx }: Source): readonly TableDescriptor[] {
  return model.tables.filter((table) => table.materialized == null && isShown(table, ctx.services));
}

function viewsOf({ model, ctx }: Source): readonly ViewDescriptor[] {
  return model.views.filter((view) => isShown(view, ctx.services));
}

function* tables(source: Source): Iterable<Values> {
  const shared = { table_catalog: databaseOf(source), is_typed: 'NO' };
  for (const layout of LAYOUTS) {
    yield {
      ...shared,
      table_schema: layout.schema,
      table_name: layout.name,
      table_type: layout.kind === 'r' ? 'BASE TABLE' : 'VIEW',
      is_insertable_into: 'NO',
    };
  }
  for (const table of tablesOf(source)) {
    const table_type = isTemporary(table) ? 'LOCAL TEMPORARY' : 'BASE TABLE';
    yield { ...shared, ...tableKey(source, table), table_type, is_insertable_into: 'YES' };
  }
  for (const view of viewsOf(source))
    yield {
      ...shared,
      ...tableKey(source, view),
      table_type: 'VIEW',
      is_insertable_into: changeable(source, view).is_insertable_into!,
    };
}

const READ_ONLY: Values = {
  check_option: 'NONE',
  is_updatable: 'NO',
  is_insertable_into: 'NO',
  is_trigger_updatable: 'NO',
  is_trigger_deletable: 'NO',
  is_trigger_insertable_into: 'NO',
};

function changeable({ model }: Source, view: ViewDescriptor): Values {
  const events = updatableEvents(view, (id) => model.view.byId.get(id));
  const both = EVENTS.update | EVENTS.delete;
  return {
    ...READ_ONLY,
    check_option: (view.options?.['check_option'] ?? 'none').toUpperCase(),
    is_updatable: yesNo((events & both) === both),
    is_insertable_into: yesNo((events & EVENTS.insert) !== 0),
  };
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

// ---- constraints ----

interface Constraint {
  readonly table: TableDescriptor;
  readonly name: string;
  readonly type: 'PRIMARY KEY' | 'UNIQUE' | 'CHECK' | 'NOT NULL' | 'FOREIGN KEY';
  readonly columns: readonly ColumnDescriptor[];
  readonly clause: string | null;
  readonly foreignKey?: ForeignKeyDescriptor;
  readonly index?: IndexDescriptor;
}

function* constraints(source: Source): Iterable<Constraint> {
  for (const table of tablesOf(source)) {
    const columnsOf = (ids: readonly number[]): ColumnDescriptor[] =>
      ids.map((id) => columnById(table, id)).filter((column) => column !== undefined);
    for (const index of shownIndexes(table)) {
      if (index.constraintOid === null) continue;
      const columns = columnsOf(index.columns.map((part) => part.columnId));
      const type = isPrimaryKey(index) ? 'PRIMARY KEY' : 'UNIQUE';
      yield { table, name: index.name, type, columns, clause: null, index };
    }
    for (const check of table.checks) {
      const text = shownSql(check.expressionSql, source.ctx);
      const clause = text.startsWith('(') && text.endsWith(')') ? `(${text})` : `((${text}))`;
      yield { table, name: check.name, type: 'CHECK', columns: columnsOf(check.columnIds), clause };
    }
    for (const foreignKey of table.foreignKeys ?? []) {
      const columns = columnsOf(foreignKey.columnIds);
      yield { table, name: foreignKey.name, type: 'FOREIGN KEY', columns, clause: null, foreignKey };
    }
    for (const column of liveColumns(table)) {
      if (column.nullable) continue;
      const name = `${table.schemaId}_${table.id}_${column.id}_not_null`;
      yield { table, name, type: 'NOT NULL', columns: [column], clause: `${column.name} IS NOT NULL` };
    }
  }
}

function constraintKey(source: Source, constraint: Constraint): Values {
  return {
    constraint_catalog: databaseOf(source),
    constraint_schema: schemaName(source.model, constraint.table.schemaId),
    constraint_name: constraint.name,
  };
}

function* tableConstraints(source: Source): Iterable<Values> {
  for (const constraint of constraints(source)) {
    yield {
      ...constraintKey(source, constraint),
      ...tableKey(source, constraint.table),
      constraint_type: constraint.type === 'NOT NULL' ? 'CHECK' : constraint.type,
      is_deferrable: yesNo(constraint.foreignKey?.deferrable === true || constraint.index?.deferrable != null),
      initially_deferred: yesNo((constraint.foreignKey ?? constraint.index?.deferrable)?.initiallyDeferred === true),
      enforced: 'YES',
      nulls_distinct: constraint.type === 'UNIQUE' ? yesNo(constraint.index?.nullsNotDistinct !== true) : null,
    };
  }
}

function* keyColumnUsage(source: Source): Iterable<Values> {
  for (const constraint of constraints(source)) {
    const { foreignKey } = constraint;
    if (constraint.type === 'CHECK' || constraint.type === 'NOT NULL') continue;
    let position = 0;
    for (const column of constraint.columns) {
      yield {
        ...constraintKey(source, constraint),
        ...tableKey(source, constraint.table),
        column_name: column.name,
        ordinal_position: ++position,
        ...(foreignKey === undefined
          ? {}
          : { position_in_unique_constraint: placeInIndex(source.model, foreignKey, position - 1) }),
      };
    }
  }
}

function* constraintColumnUsage(source: Source): Iterable<Values> {
  for (const constraint of constraints(source)) {
    if (constraint.type === 'NOT NULL') continue;
    const { foreignKey } = constraint;
    if (foreignKey !== undefined) {
      yield* referencedColumns(source, constraint, foreignKey);
      continue;
    }
    for (const column of constraint.columns) {
      yield { ...tableKey(source, constraint.table), column_name: column.name, ...constraintKey(source, constraint) };
    }
  }
}

function tableOf({ model }: Source, id: number): TableDescriptor | undefined {
  const found = model.view.byId.get(id);
  return found?.kind === 'table' ? found : undefined;
}

/** The columns that a foreign key needs are those of the other table. */
function* referencedColumns(source: Source, constraint: Constraint, fk: ForeignKeyDescriptor): Iterable<Values> {
  const parent = tableOf(source, fk.parentId);
  if (parent === undefined) return;
  for (const id of fk.parentColumnIds) {
    const column = columnById(parent, id);
    if (column === undefined) continue;
    yield { ...tableKey(source, parent), column_name: column.name, ...constraintKey(source, constraint) };
  }
}

const RULES: Readonly<Record<ForeignKeyAction, string>> = {
  'no action': 'NO ACTION',
  restrict: 'RESTRICT',
  cascade: 'CASCADE',
  'set null': 'SET NULL',
  'set default': 'SET DEFAULT',
};

function* referentialConstraints(source: Source): Iterable<Values> {
  for (const constraint of constraints(source)) {
    const { foreignKey: fk } = constraint;
    if (fk === undefined) continue;
    const parent = tableOf(source, fk.parentId);
    const index = parent?.indexes.find((one) => one.id === fk.parentIndexId);
    const unique = index?.constraintOid === null ? undefined : index;
    yield {
      ...constraintKey(source, constraint),
      unique_constraint_catalog: unique === undefined ? null : databaseOf(source),
      unique_constraint_schema: unique === undefined ? null : schemaName(source.model, parent!.schemaId),
      unique_constraint_name: unique?.name ?? null,
      match_option: fk.match === 'full' ? 'FULL' : 'NONE',
      update_rule: RULES[fk.onUpdate],
      delete_rule: RULES[fk.onDelete],
    };
  }
}

function* constraintTableUsage(source: Source): Iterable<Values> {
  for (const constraint of constraints(source)) {
    const { foreignKey: fk } = constraint;
    const unique = constraint.type === 'PRIMARY KEY' || constraint.type === 'UNIQUE';
    const table = fk === undefined ? constraint.table : tableOf(source, fk.parentId);
    if ((unique || fk !== undefined) && table !== undefined) {
      yield { ...tableKey(source, table), ...constraintKey(source, constraint) };
    }
  }
}

function* checkConstraints(source: Source): Iterable<Values> {
  for (const constraint of constraints(source)) {
    if (constraint.clause !== null) yield { ...constraintKey(source, constraint), check_clause: constraint.clause };
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

// ---- roles, privileges, the rest ----

const TABLE_PRIVILEGES = ['INSERT', 'SELECT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'];
const COLUMN_PRIVILEGES = ['INSERT', 'SELECT', 'UPDATE', 'REFERENCES'];

function* tablePrivileges(source: Source): Iterable<Values> {
  for (const table of tablesOf(source)) {
    for (const privilege of TABLE_PRIVILEGES) {
      yield {
        grantor: table.owner,
        grantee: table.owner,
        ...tableKey(source, table),
        privilege_type: privilege,
        is_grantable: 'YES',
        with_hierarchy: yesNo(privilege === 'SELECT'),
      };
    }
  }
}

function* columnPrivileges(source: Source): Iterable<Values> {
  for (const table of tablesOf(source)) {
    for (const column of liveColumns(table)) {
      for (const privilege of COLUMN_PRIVILEGES) {
        yield {
          grantor: table.owner,
          grantee: table.owner,
          ...tableKey(source, table),
          column_name: column.name,
          privilege_type: privilege,
          is_grantable: 'YES',
        };
      }
    }
  }
}

export const informationSchemaBuilders: Readonly<Record<string, Builder>> = {
  information_schema_catalog_name: (source) => [{ catalog_name: databaseOf(source) }],
  enabled_roles: () => [{ role_name: SUPERUSER }],
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
  collations: (source) =>
    ['default', 'C', 'POSIX', 'ucs_basic'].map((name) => ({
      collation_catalog: databaseOf(source),
      collation_schema: 'pg_catalog',
      collation_name: name,
      pad_attribute: 'NO PAD',
    })),
  schemata,
  tables,
  views,
  domains: domainRows,
  domain_constraints: domainConstraintRows,
  table_constraints: tableConstraints,
  referential_constraints: referentialConstraints,
  key_column_usage: keyColumnUsage,
  constraint_column_usage: constraintColumnUsage,
  constraint_table_usage: constraintTableUsage,
  check_constraints: checkConstraints,
  sequences,
  view_table_usage: viewTableUsage,
  view_column_usage: viewColumnUsage,
  routines,
  parameters,
  table_privileges: tablePrivileges,
  role_table_grants: tablePrivileges,
  column_privileges: columnPrivileges,
  role_column_grants: columnPrivileges,
};
