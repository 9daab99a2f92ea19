/** Stored expressions and queries as the session is shown them: types and functions that users made by the names that they have now. */
import type { ExecContext } from '../contract.js';
import { showTypes } from '../types/pinned-types.js';

/** Names in quotes, and literals, which may name a relation. */
export const LITERALS = /"(?:[^"]|"")*"|'((?:[^']|'')*)'(::regclass\b)?/g;

/** Stored expressions name relations by their oids: by the names that they have now, and as the search path needs them. */
export function namedRelations(sql: string, { services }: ExecContext): string {
  if (!sql.includes('::regclass')) return sql;
  return sql.replace(LITERALS, (found, literal: string | undefined, cast: string | undefined) => {
    if (cast === undefined || !/^\d+$/.test(literal!)) return found;
    const name = services.relationName(Number(literal));
    return name === null ? found : `'${name.replaceAll("'", "''")}'::regclass`;
  });
}

export function shownSql(sql: string, ctx: ExecContext): string {
  const { services } = ctx;
  const nameOf = (oid: number): string | null =>
    services.typeName(oid) ?? services.routineName?.(oid, false) ?? services.collationName?.(oid) ?? null;
  return showTypes(namedRelations(sql, ctx), nameOf);
}
