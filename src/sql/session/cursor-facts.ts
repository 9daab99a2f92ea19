/** What statements ask of the session's cursors: WHERE CURRENT OF, pg_cursors, pg_prepared_statements. */
import { sqlError } from '../../base/errors.js';
import type { CursorRow, PreparedRow } from '../catalog/virtual/services.js';
import type { Datum } from '../types/datum.js';
import type { Portal, Prepared } from './portal.js';

/**
 * The primary key of the table's row that the cursor is on; null if its row was made without one (an outer join).
 * @throws QuoralError 34000, 24000
 */
export function cursorKey(
  cursor: Portal | undefined,
  name: string,
  table: { readonly id: number; readonly name: string },
): readonly Datum[] | null {
  if (cursor === undefined) throw sqlError('34000', `cursor "${name}" does not exist`);
  if (cursor.held) throw sqlError('24000', `cursor "${name}" is held from a previous transaction`);
  const { query } = cursor;
  const found = query?.tables.filter((t) => t.tableId === table.id) ?? [];
  if (query?.locking === true && found.length > 1)
    throw sqlError('24000', `cursor "${name}" has multiple FOR UPDATE/SHARE references to table "${table.name}"`);
  if (query?.locking === true && found.length === 0)
    throw sqlError('24000', `cursor "${name}" does not have a FOR UPDATE/SHARE reference to table "${table.name}"`);
  if (found.length !== 1)
    throw sqlError('24000', `cursor "${name}" is not a simply updatable scan of table "${table.name}"`);
  const row = cursor.rows?.current ?? null;
  if (row === null) throw sqlError('24000', `cursor "${name}" is not positioned on a row`);
  const { at, count } = found[0]!;
  const key = row.slice(at, at + count);
  return key.includes(null) ? null : key;
}

/** For pg_cursors: what SQL declared, and what the protocol bound. `now`: for one that has not begun yet. */
export function cursorRows(portals: ReadonlyMap<string, Portal>, now: bigint): readonly CursorRow[] {
  return Array.from(portals.values(), (portal) => ({
    name: portal.name,
    statement: portal.prepared.source,
    holdable: portal.cursor?.hold ?? false,
    binary: portal.cursor?.binary ?? false,
    scrollable: portal.cursor !== null && (portal.rows?.scrollable ?? false),
    createdAt: portal.cursor?.createdAt ?? portal.begunAt ?? now,
  }));
}

/** For pg_prepared_statements, which does not show the unnamed one. */
export function preparedRows(prepared: ReadonlyMap<string, Prepared>): readonly PreparedRow[] {
  return [...prepared].flatMap(([name, one]): PreparedRow[] =>
    name === ''
      ? []
      : [
          {
            name,
            statement: one.text,
            preparedAt: one.preparedAt,
            parameterOids: one.parameterOids,
            fromSql: one.fromSql,
            runs: one.runs,
          },
        ],
  );
}
