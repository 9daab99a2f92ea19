/**
 * Indexes over functions that users made. PostgreSQL takes the word of such a function that it is immutable, and finds an
 * entry again by the row's address. Here an entry is found by its key: were that computed anew when the row goes, a
 * function that has been replaced since, or that was never immutable, would leave an entry that leads nowhere.
 *
 * So what such a function gives is kept in a hidden generated column of the row, one for each key and one for the
 * predicate, and the index is over these. An index is then as right as its functions are, as in PostgreSQL, and
 * never inconsistent. (Functions may also wait, which the making of keys cannot.)
 *
 * Limit: making such an index writes the table anew.
 */
import type { ColumnDescriptor, IndexDescriptor, RowExpression, TableDescriptor } from '../catalog/descriptor.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { pinsIn } from '../types/pinned-types.js';
import type { DdlContext } from './context.js';
import { newStorage, nextVersion } from './objects.js';
import { rewriteTable } from './rewrite.js';
import { HIDDEN, nextHiddenId } from './columns.js';
import { unsupported } from './tree.js';

export interface KeptKeys {
  readonly index: IndexDescriptor;
  /** To be added to the table's. */
  readonly columns: readonly ColumnDescriptor[];
}

function callsRoutine(ctx: DdlContext, expression: RowExpression | null | undefined): expression is RowExpression {
  return (
    expression != null && pinsIn(expression.expressionSql).some((oid) => ctx.catalog.routinesInUse.find(oid) !== null)
  );
}

/** The index over hidden columns where users' functions take part. `present`: all columns that the table has so far. */
export function keepKeys(ctx: DdlContext, index: IndexDescriptor, present: readonly ColumnDescriptor[]): KeptKeys {
  const firstId = nextHiddenId(present);
  const columns: ColumnDescriptor[] = [];
  const { predicate } = index;
  // Of a row that the index leaves out a key may be an error.
  const guarded = ({ expressionSql, columnIds }: RowExpression): RowExpression =>
    predicate == null
      ? { expressionSql, columnIds }
      : {
          expressionSql: `CASE WHEN ${predicate.expressionSql} THEN ${expressionSql} END`,
          columnIds: [...new Set([...columnIds, ...predicate.columnIds])],
        };
  const keep = (generated: RowExpression, typeOid: number, typmod: number): number => {
    const id = firstId + columns.length;
    columns.push({ ...HIDDEN, id, name: `........kept.${id}........`, typeOid, typmod, nullable: true, generated });
    return id;
  };
  const parts = index.columns.map((part) => {
    const { expression } = part;
    if (expression == null || !callsRoutine(ctx, expression)) return part;
    return {
      ...part,
      expression: { ...expression, storedId: keep(guarded(expression), expression.typeOid, expression.typmod) },
    };
  });
  const covers = callsRoutine(ctx, predicate) ? { ...predicate, storedId: keep(predicate, OID.bool, -1) } : predicate;
  if (columns.length === 0) return { index, columns };
  return { index: { ...index, columns: parts, ...(covers == null ? {} : { predicate: covers }) }, columns };
}

/** The table with the index and its columns, its rows written anew. */
export async function addKeptIndex(ctx: DdlContext, table: TableDescriptor, kept: KeptKeys): Promise<TableDescriptor> {
  const next = ctx.catalog.routinesInUse.complete(
    nextVersion(table, {
      columns: [...table.columns, ...kept.columns],
      indexes: [...table.indexes, kept.index],
      storageId: await newStorage(ctx),
      storageSince: ctx.txn.readTimestamp,
    }),
  ) as TableDescriptor;
  const live = table.columns.filter((c) => !c.dropped);
  const makers = kept.columns.map((column) =>
    ctx.planner.compileExpression(column.generated!.expressionSql, live, ctx.plannerSettings, column),
  );
  const context = ctx.execContext();
  const map = async (old: readonly Datum[]): Promise<readonly Datum[]> => {
    const values = [...old];
    for (const maker of makers) values.push(await maker.evaluate(old, context));
    return values;
  };
  await rewriteTable(ctx, table, next, map, () => undefined);
  return next;
}

/** The columns after an index went: those that were kept for it alone are dropped. */
export function withoutUnkept(table: TableDescriptor): TableDescriptor {
  const used = new Set<number | undefined>();
  for (const index of table.indexes) {
    used.add(index.predicate?.storedId);
    for (const { columnId, expression } of index.columns) used.add(columnId).add(expression?.storedId);
  }
  if (!table.columns.some((c) => isIdle(c, used))) return table;
  const columns = table.columns.map((c) =>
    isIdle(c, used) ? { ...c, dropped: true, typeOid: OID.text, typmod: -1, generated: null } : c,
  );
  return { ...table, columns };
}

function isIdle(column: ColumnDescriptor, used: ReadonlySet<number | undefined>): boolean {
  return column.hidden && !column.dropped && column.generated != null && !used.has(column.id);
}

/** Before the type of a column changes. @throws 0A000 where a key that is kept reads it */
export function refuseKeptOver(table: TableDescriptor, columnId: number): void {
  if (table.columns.some((c) => !c.dropped && c.hidden && c.generated?.columnIds.includes(columnId) === true))
    throw unsupported('changing the type of a column that an index reads by a function that a user made');
}
