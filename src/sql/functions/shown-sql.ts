/** Stored expressions and queries as the session is shown them: types that users made by the names that they have now. */
import type { ExecContext } from '../contract.js';
import { showTypes } from '../types/pinned-types.js';

export function shownSql(sql: string, ctx: ExecContext): string {
  return showTypes(sql, (oid) => ctx.services.typeName(oid));
}
