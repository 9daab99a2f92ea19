/** Stored expressions and queries as the session is shown them: types and functions that users made by the names that they have now. */
import type { ExecContext } from '../contract.js';
import { showTypes } from '../types/pinned-types.js';

export function shownSql(sql: string, ctx: ExecContext): string {
  const { services } = ctx;
  const nameOf = (oid: number): string | null =>
    services.typeName(oid) ?? services.routineName?.(oid, false) ?? services.collationName?.(oid) ?? null;
  return showTypes(sql, nameOf);
}
