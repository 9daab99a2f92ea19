/** Views and functions that read a column which is dropped or gets another type. */
import { sqlError } from '../../base/errors.js';
import type { Reader } from '../catalog/materialized.js';
import { type ColumnReader, columnReaderLines, routinesOfColumn } from './column-routines.js';
import type { DdlContext } from './context.js';
import { nothingTold } from './routine-users.js';
import { dropUsers } from './routines.js';
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
    throw dependsError(what, await userLines(ctx, what, readers, await viewsOfColumn(ctx, table.id, column.id)));
  }
  await dropUsers(ctx, readers);
  await dropViewsOfColumn(ctx, table, column, cascade);
}

/** What reads a column that generated columns read, too. */
export async function columnUserLines(
  ctx: DdlContext,
  table: Named,
  column: Named,
  generated: readonly unknown[],
): Promise<string[]> {
  if (generated.length === 0) return [];
  const readers = await routinesOfColumn(ctx, table.id, column.id);
  const what = `column ${column.name} of table ${table.name}`;
  return userLines(ctx, what, readers, await viewsOfColumn(ctx, table.id, column.id));
}

/** The youngest tells first of what depends on it, and the oldest stands first. */
async function userLines(
  ctx: DdlContext,
  what: string,
  readers: readonly ColumnReader[],
  views: readonly Reader[],
): Promise<string[]> {
  const told = nothingTold();
  const options = { cascade: false, together: new Set<number>() };
  const users = [
    ...readers.map((one) => ({ oid: one.routine.oid, tell: () => columnReaderLines(ctx, one, what, told) })),
    ...views.map((one) => ({ oid: one.id, tell: () => dependences(ctx, what, [one], options, told.readers) })),
  ].sort((a, b) => b.oid - a.oid);
  const lines: string[][] = [];
  for (const { tell } of users) lines.unshift(await tell());
  return lines.flat();
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
