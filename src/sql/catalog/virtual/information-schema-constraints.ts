/**
 * information_schema's views of constraints: which there are, and which columns and tables they use. Rows of a table are
 * kept while it and the tables that its foreign keys refer to are the same.
 */
import { expressionColumns, shownSql } from '../../functions/shown-sql.js';
import type {
  CheckDescriptor,
  ColumnDescriptor,
  ForeignKeyAction,
  ForeignKeyDescriptor,
  IndexDescriptor,
  TableDescriptor,
} from '../descriptor.js';
import { isPrimaryKey } from '../descriptor.js';
import { parentsOf, placeInIndex } from './foreign-keys.js';
import { yesNo } from './information-schema-columns.js';
import { databaseOf, tableKey, tablesOf } from './information-schema-tables.js';
import { perDescriptorOf } from './kept-rows.js';
import type { Parts } from './kept-rows.js';
import { layoutOf, makeRow } from './layout.js';
import type { Row, Values } from './layout.js';
import { columnById, liveColumns, shownIndexes } from './model.js';
import type { Source } from './model.js';
import { checkClause, domainCheckRows } from './user-types.js';
import { schemaName } from './views.js';

interface Constraint {
  readonly table: TableDescriptor;
  readonly name: string;
  readonly type: 'PRIMARY KEY' | 'UNIQUE' | 'CHECK' | 'NOT NULL' | 'FOREIGN KEY';
  readonly columns: readonly ColumnDescriptor[];
  readonly clause: (() => string) | null;
  readonly foreignKey?: ForeignKeyDescriptor;
  readonly index?: IndexDescriptor;
}

function* constraints(source: Source, table: TableDescriptor): Iterable<Constraint> {
  const columnsOf = (ids: readonly number[]): ColumnDescriptor[] =>
    ids.map((id) => columnById(table, id)).filter((column) => column !== undefined);
  for (const index of shownIndexes(table)) {
    if (index.constraintOid === null) continue;
    const columns = columnsOf(index.columns.map((part) => part.columnId));
    const type = isPrimaryKey(index) ? 'PRIMARY KEY' : 'UNIQUE';
    yield { table, name: index.name, type, columns, clause: null, index };
  }
  for (const check of table.checks) {
    const clause = (): string =>
      `${checkClause(shownSql(check.expressionSql, source.ctx, expressionColumns(table)))}${suffixOf(check)}`;
    yield { table, name: check.name, type: 'CHECK', columns: columnsOf(check.columnIds), clause };
  }
  for (const foreignKey of table.foreignKeys ?? []) {
    const columns = columnsOf(foreignKey.columnIds);
    yield { table, name: foreignKey.name, type: 'FOREIGN KEY', columns, clause: null, foreignKey };
  }
  for (const column of liveColumns(table)) {
    if (column.nullable) continue;
    const name = `${table.schemaId}_${table.id}_${column.id}_not_null`;
    yield { table, name, type: 'NOT NULL', columns: [column], clause: () => `${column.name} IS NOT NULL` };
  }
}

function constraintKey(source: Source, constraint: Constraint): Values {
  return {
    constraint_catalog: databaseOf(source),
    constraint_schema: schemaName(source.model, constraint.table.schemaId),
    constraint_name: constraint.name,
  };
}

function* tableConstraints(source: Source, table: TableDescriptor): Iterable<Values> {
  for (const constraint of constraints(source, table)) {
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

function* keyColumnUsage(source: Source, table: TableDescriptor): Iterable<Values> {
  for (const constraint of constraints(source, table)) {
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

function* constraintColumnUsage(source: Source, table: TableDescriptor): Iterable<Values> {
  for (const constraint of constraints(source, table)) {
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

function* referentialConstraints(source: Source, table: TableDescriptor): Iterable<Values> {
  for (const constraint of constraints(source, table)) {
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

function* constraintTableUsage(source: Source, table: TableDescriptor): Iterable<Values> {
  for (const constraint of constraints(source, table)) {
    const { foreignKey: fk } = constraint;
    const unique = constraint.type === 'PRIMARY KEY' || constraint.type === 'UNIQUE';
    const used = fk === undefined ? table : tableOf(source, fk.parentId);
    if ((unique || fk !== undefined) && used !== undefined) {
      yield { ...tableKey(source, used), ...constraintKey(source, constraint) };
    }
  }
}

function* checkConstraints(source: Source, table: TableDescriptor): Iterable<Values> {
  for (const constraint of constraints(source, table)) {
    if (constraint.clause !== null) yield { ...constraintKey(source, constraint), check_clause: constraint.clause() };
  }
}

/** As in what pg_get_constraintdef says. */
function suffixOf({ noInherit, validated }: CheckDescriptor): string {
  return `${noInherit === true ? ' NO INHERIT' : ''}${validated === false ? ' NOT VALID' : ''}`;
}

/** The names that rows are made of: renaming a schema leaves its tables as they are. */
function namesOf(source: Source, table: TableDescriptor): string {
  const schemas = [
    table.schemaId,
    ...parentsOf(source.model, table).map((d) => (d?.kind === 'table' ? d.schemaId : 0)),
  ];
  return [databaseOf(source), ...schemas.map((id) => schemaName(source.model, id))].join('\0');
}

function perTable(
  name: string,
  make: (source: Source, table: TableDescriptor) => Iterable<Values>,
  key: (source: Source, table: TableDescriptor) => string = namesOf,
): (source: Source) => Parts {
  const rowsOf = perDescriptorOf(layoutOf('information_schema', name), make, {
    others: ({ model }: Source, table: TableDescriptor) => parentsOf(model, table),
    key,
  });
  return (source) => tablesOf(source).map((table) => rowsOf(source, table));
}

const checksOfTables = perTable('check_constraints', checkConstraints, (source, table) =>
  [
    namesOf(source, table),
    ...table.checks.map((check) => shownSql(check.expressionSql, source.ctx, expressionColumns(table))),
  ].join('\0'),
);

function checksOfDomains(source: Source): readonly Row[] {
  const layout = layoutOf('information_schema', 'check_constraints');
  return Array.from(domainCheckRows(source), (values) => makeRow(layout, values));
}

export const constraintViews: Readonly<Record<string, (source: Source) => Parts>> = {
  table_constraints: perTable('table_constraints', tableConstraints),
  key_column_usage: perTable('key_column_usage', keyColumnUsage),
  constraint_column_usage: perTable('constraint_column_usage', constraintColumnUsage),
  constraint_table_usage: perTable('constraint_table_usage', constraintTableUsage),
  referential_constraints: perTable('referential_constraints', referentialConstraints),
  check_constraints: (source) => [...checksOfTables(source), checksOfDomains(source)],
};
