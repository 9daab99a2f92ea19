/**
 * information_schema's views of tables and of what may be done with them. The one role owns everything, so that nothing
 * is hidden from it. Rows of a table are kept as long as it is the same.
 */
import type { TableDescriptor, ViewDescriptor } from '../descriptor.js';
import { EVENTS, updatableEvents } from '../../plan/view-shape.js';
import { isShown, isTemporary } from '../temporary-names.js';
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

const tableRows = perDescriptorOf(
  TABLES,
  (source: Source, table: TableDescriptor) => {
    const table_type = isTemporary(table) ? 'LOCAL TEMPORARY' : 'BASE TABLE';
    return [{ ...tableKey(source, table), is_typed: 'NO', table_type, is_insertable_into: 'YES' }];
  },
  { key: namesOf },
);

function tables(source: Source): Parts {
  const others = Array.from(otherTables(source), (values) => makeRow(TABLES, values));
  return [others, ...tablesOf(source).map((table) => tableRows(source, table))];
}

const TABLE_PRIVILEGES = ['INSERT', 'SELECT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'];
const COLUMN_PRIVILEGES = ['INSERT', 'SELECT', 'UPDATE', 'REFERENCES'];

type Owned = TableDescriptor | ViewDescriptor;

function* privilegesOfTable(source: Source, table: Owned): Iterable<Values> {
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

function* privilegesOfColumns(source: Source, table: Owned): Iterable<Values> {
  for (const { name } of table.kind === 'view' ? table.columns : liveColumns(table)) {
    for (const privilege of COLUMN_PRIVILEGES) {
      yield {
        grantor: table.owner,
        grantee: table.owner,
        ...tableKey(source, table),
        column_name: name,
        privilege_type: privilege,
        is_grantable: 'YES',
      };
    }
  }
}

function privileges(name: string, make: (source: Source, table: Owned) => Iterable<Values>): (source: Source) => Parts {
  const layout = layoutOf('information_schema', name);
  const ofTable = perDescriptorOf<Source, TableDescriptor>(layout, make, { key: namesOf });
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
