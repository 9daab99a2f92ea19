/**
 * Names of users' types and functions in what the catalog keeps: the oid behind a sign that no name begins with by itself. So a
 * stored expression or query means the same when that is renamed, moved, or hidden by the search path.
 * What is shown of such texts has the names that they have now.
 */
import { catalogOidOf, formatType, typeByOid } from './registry.js';
import { isHandle } from './user-types.js';

/** In front of the oid. */
export const PINNED = '@';

/** The oid in a name that is a pin. A function's in a query has the name behind it that its column was given by. */
export function pinnedOid(name: string): number | null {
  const found = name.startsWith(PINNED) ? /^@(\d+)(?:\/|$)/.exec(name) : null;
  return found === null ? null : Number(found[1]);
}

/** A name as it was written: of a pin in a query, that of the function when the query was stored. */
export function writtenName(name: string): string {
  return name.startsWith(PINNED) ? name.replace(/^@\d+\//, '') : name;
}

export function pinnedRoutineName(oid: number, written: string): string {
  return `${PINNED}${oid}/${written}`;
}

/** The oids of all that a stored expression names by them. */
export function pinsIn(sql: string): number[] {
  if (!sql.includes(`"${PINNED}`)) return [];
  return [...sql.matchAll(PINS)].flatMap((found) => (found[1] === undefined ? [] : [Number(found[1])]));
}

/** The function as a stored expression names it. */
export function storedRoutineName(oid: number): string {
  return `"${PINNED}${oid}"`;
}

/** The type as a stored expression names it. */
export function storedTypeName(oid: number, typmod: number | null = null): string {
  if (!isHandle(oid)) return formatType(oid, typmod);
  const element = typeByOid(oid).elementOid;
  return element === 0 || typeByOid(oid).category !== 'A'
    ? `"${PINNED}${catalogOidOf(oid)}"`
    : `"${PINNED}${catalogOidOf(element)}"[]`;
}

/** Of a collation what it is stands behind the oid, in pieces (plan/collation-names.ts). */
const PINS = /'(?:[^']|'')*'|"@(\d+)(?::(?:[^"]|"")*"(?:\."(?:[^"]|"")*")*|")/g;

/** The text with names in the place of pins; `nameOf` gives them as SQL, or null for a type that is gone. */
export function showTypes(sql: string, nameOf: (oid: number) => string | null): string {
  if (!sql.includes(`"${PINNED}`)) return sql;
  return sql.replace(PINS, (found, oid: string | undefined) =>
    oid === undefined ? found : (nameOf(Number(oid)) ?? found),
  );
}
