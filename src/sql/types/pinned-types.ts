/**
 * Names of users' types in what the catalog keeps: the oid behind a sign that no name begins with by itself. So a
 * stored expression or query means the same type when that is renamed, moved, or hidden by the search path.
 * What is shown of such texts has the names that the types have now.
 */
import { catalogOidOf, formatType, typeByOid } from './registry.js';
import { isHandle } from './user-types.js';

/** In front of the oid. */
export const PINNED = '@';

/** The type as a stored expression names it. */
export function storedTypeName(oid: number, typmod: number | null = null): string {
  if (!isHandle(oid)) return formatType(oid, typmod);
  const element = typeByOid(oid).elementOid;
  return element === 0 || typeByOid(oid).category !== 'A'
    ? `"${PINNED}${catalogOidOf(oid)}"`
    : `"${PINNED}${catalogOidOf(element)}"[]`;
}

const PINS = /'(?:[^']|'')*'|"@(\d+)"/g;

/** The text with names in the place of pins; `nameOf` gives them as SQL, or null for a type that is gone. */
export function showTypes(sql: string, nameOf: (oid: number) => string | null): string {
  if (!sql.includes(`"${PINNED}`)) return sql;
  return sql.replace(PINS, (found, oid: string | undefined) =>
    oid === undefined ? found : (nameOf(Number(oid)) ?? found),
  );
}
