/** The oids of columns' defaults in pg_attrdef: above every id that is given out, and the same for as long as the column lives. */

const FIRST = 0x80000000;
/** More than a table may have. */
const COLUMNS = 1600;

export function defaultOid(table: { readonly id: number }, column: { readonly id: number }): number {
  return (FIRST + ((table.id * COLUMNS + column.id) & 0x7fffffff)) >>> 0;
}

/** The column that a default of this oid is of, if there is such a column. Limit: of relations up to 1,342,177. */
export function columnOfDefault(oid: number): { readonly relation: number; readonly column: number } | null {
  if (oid < FIRST) return null;
  const at = oid - FIRST;
  return { relation: Math.floor(at / COLUMNS), column: at % COLUMNS };
}
