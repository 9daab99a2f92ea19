/**
 * information_schema's views of tables and of what may be done with them. Rows of a table are kept as long as it is the same.
 *
 * Limit: tables are listed to who may do nothing with them, which PostgreSQL leaves out; pg_class lists them there too.
 */
import { ALL_RIGHTS } from '../acl.js';
import type { TableDescriptor, ViewDescriptor } from '../descriptor.js';
import { EVENTS, updatableEvents } from '../../plan/view-shape.js';
import { isShown, isTemporary } from '../temporary-names.js';
import { aclOf } from '../rights.js';
import { grants } from './information-schema-roles.js';
import { yesNo } from './information-schema-columns.js';
import { perDescriptorOf } from './kept-rows.js';
import type { Parts } from './kept-rows.js';
import { LAYOUTS, layoutOf, makeRow } from './layout.js';
import type { Row, Values } from './layout.js';
import { liveColumns } from './model.js';
import type { Source } from './model.js';
import { schemaName } from './views.js';

export function databaseOf(source: Source): string {
  return source.ctx.services.database;
}

export function tableKey(source: Source, table: TableDescriptor | ViewDescriptor): Values {
  return {
    table_catalog: databaseOf(source),
    table_schema: schemaName(source.model, table.schemaId),
    table_name: table.name,
  };
}

/** The names that rows are made of: renaming a schema leaves its tables as they are. */
function namesOf(source: Source, { schemaId }: TableDescriptor): string {
  return `${databaseOf(source)}\0${schemaName(source.model, schemaId)}`;
}

/** The standard knows no materialised views, and nobody other sessions' temporary tables. */
export function tablesOf({ model, ctx }: Source): readonly TableDescriptor[] {
  return model.tables.filter((table) => table.materialized == null && isShown(table, ctx.services));
}

export function viewsOf({ model, ctx }: Source): readonly ViewDescriptor[] {
  return model.views.filter((view) => isShown(view, ctx.services));
}

/** What statements may do with a view, as information_schema says it. */
export function changeable({ model }: Source, view: ViewDescriptor): Values {
  const events = updatableEvents(view, (id) => model.view.byId.get(id));
  const both = EVENTS.update | EVENTS.delete;
  return {
    ...READ_ONLY,
    check_option: (view.options?.['check_option'] ?? 'none').toUpperCase(),
    is_updatable: yesNo((events & both) === both),
    is_insertable_into: yesNo((events & EVENTS.insert) !== 0),
  };
}

export const READ_ONLY: Values = {
  check_option: 'NONE',
  is_updatable: 'NO',
  is_insertable_into: 'NO',
  is_trigger_updatable: 'NO',
  is_trigger_deletable: 'NO',
  is_trigger_insertable_into: 'NO',
};

const TABLES = layoutOf('information_schema', 'tables');

function* otherTables(source: Source): Iterable<Values> {
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
  for (const view of viewsOf(source)) {
    const is_insertable_into = changeable(source, view)['is_insertable_into']!;
    yield { ...shared, ...tableKey(source, view), table_type: 'VIEW', is_insertable_into };
  }
}

function typeOf(source: Source, { ofType }: TableDescriptor): Values {
  const type = ofType == null ? undefined : source.model.view.byId.get(ofType);
  if (type?.kind !== 'type') return { is_typed: 'NO' };
  return {
    is_typed: 'YES',
    user_defined_type_catalog: databaseOf(source),
    user_defined_type_schema: schemaName(source.model, type.schemaId),
    user_defined_type_name: type.name,
  };
}

const tableRows = perDescriptorOf(
  TABLES,
  (source: Source, table: TableDescriptor) => {
    const table_type = isTemporary(table) ? 'LOCAL TEMPORARY' : 'BASE TABLE';
    return [{ ...tableKey(source, table), ...typeOf(source, table), table_type, is_insertable_into: 'YES' }];
  },
  { key: (source, table) => `${namesOf(source, table)}${JSON.stringify(typeOf(source, table))}` },
);

function tables(source: Source): Parts {
  const others = Array.from(otherTables(source), (values) => makeRow(TABLES, values));
  return [others, ...tablesOf(source).map((table) => tableRows(source, table))];
}

type Owned = TableDescriptor | ViewDescriptor;

function* privilegesOfTable(source: Source, table: Owned, roleGrants: boolean): Iterable<Values> {
  for (const grant of grants(source, aclOf(table), table.owner, roleGrants))
    yield { ...grant, ...tableKey(source, table), with_hierarchy: yesNo(grant['privilege_type'] === 'SELECT') };
}

/** What was granted on the whole table counts for each column. */
function* privilegesOfColumns(source: Source, table: Owned, roleGrants: boolean): Iterable<Values> {
  const whole = aclOf(table).map((item) => ({ ...item, rights: item.rights & ALL_RIGHTS.column }));
  for (const { name, acl } of table.kind === 'view' ? table.columns : liveColumns(table)) {
    const seen = new Set<string>();
    for (const grant of grants(source, [...whole, ...(acl ?? [])], table.owner, roleGrants)) {
      const key = [grant['grantor'], grant['grantee'], grant['privilege_type']].join('\0');
      if (seen.has(key)) continue;
      seen.add(key);
      yield { ...grant, ...tableKey(source, table), column_name: name };
    }
  }
}

type Privileges = (source: Source, table: Owned, roleGrants: boolean) => Iterable<Values>;

function privileges(name: string, given: Privileges): (source: Source) => Parts {
  const layout = layoutOf('information_schema', name);
  const make = (source: Source, table: Owned): Iterable<Values> => given(source, table, name.startsWith('role_'));
  const key = (source: Source, table: TableDescriptor): string =>
    [namesOf(source, table), source.ctx.services.user, source.model.rolesKey].join('\0');
  const ofTable = perDescriptorOf<Source, TableDescriptor>(layout, make, {
    key,
    // Who is a member of whom decides what is shown.
    others: (source) => [...source.model.roles.values()],
  });
  const ofView = (source: Source, view: ViewDescriptor): readonly Row[] =>
    Array.from(make(source, view), (values) => makeRow(layout, values));
  return (source) => [
    ...tablesOf(source).map((table) => ofTable(source, table)),
    ...viewsOf(source).map((view) => ofView(source, view)),
  ];
}

export const tableViews: Readonly<Record<string, (source: Source) => Parts>> = {
  tables,
  table_privileges: privileges('table_privileges', privilegesOfTable),
  role_table_grants: privileges('role_table_grants', privilegesOfTable),
  column_privileges: privileges('column_privileges', privilegesOfColumns),
  role_column_grants: privileges('role_column_grants', privilegesOfColumns),
};
