/** Views and functions that read a column which is dropped or gets another type. */
import { sqlError } from '../../base/errors.js';
import { columnReaderLines, dropColumnReaders, routinesOfColumn } from './column-routines.js';
import type { DdlContext } from './context.js';
import { dependences, dependsError, dropViewsOfColumn, refuseViewsOfColumn, viewsOfColumn } from './views.js';

interface Named {
  readonly id: number;
  readonly name: string;
}

/** Before a column is dropped: refuses, or drops what reads it. @throws QuoralError 2BP01 */
export async function dropColumnUsers(ctx: DdlContext, table: Named, column: Named, cascade: boolean): Promise<void> {
  const readers = await routinesOfColumn(ctx, table.id, column.id);
  if (readers.length > 0 && !cascade) {
    const what = `column ${column.name} of table ${table.name}`;
    const lines = await columnReaderLines(ctx, readers, what);
    for (const view of await viewsOfColumn(ctx, table.id, column.id))
      for (const line of await dependences(ctx, what, [view], { cascade, together: new Set() }))
        lines.push({ oid: view.id, line });
    lines.sort((a, b) => a.oid - b.oid);
    throw dependsError(
      what,
      lines.map(({ line }) => line),
    );
  }
  await dropColumnReaders(ctx, readers);
  await dropViewsOfColumn(ctx, table, column, cascade);
}

/** Before a column's type changes, which what reads it would not follow. @throws QuoralError 0A000 */
export async function refuseColumnUsers(ctx: DdlContext, table: Named, column: Named): Promise<void> {
  const [reader] = await routinesOfColumn(ctx, table.id, column.id);
  const [view] = await viewsOfColumn(ctx, table.id, column.id);
  if (reader !== undefined && (view === undefined || reader.routine.oid < view.id))
    throw sqlError('0A000', 'cannot alter type of a column used by a function or procedure', {
      detail: `${reader.shown} depends on column "${column.name}"`,
    });
  await refuseViewsOfColumn(ctx, table, column);
}
