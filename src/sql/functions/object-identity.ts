/** What an object of the catalogs is, as the functions that identify objects tell it. */
import type { ExecContext } from '../contract.js';
import { quoteIdentifier, splitName } from '../types/identifiers.js';
import { elementOidOf, findTypeByOid, formatType } from '../types/registry.js';

export interface Identity {
  readonly type: string;
  /** null: it is in none, or has no name that is unique in it. */
  readonly schema: string | null;
  readonly name: string | null;
  /** In full, quoted as SQL. */
  readonly identity: string;
  /** By which pg_get_object_address finds it. */
  readonly names: readonly string[];
  readonly args: readonly string[];
  /** For people; with as much of its name as the search path asks for. */
  readonly words: string;
}

/** null: there is no such object. */
export type Identify = (oid: number, sub: number, ctx: ExecContext) => Identity | null;

export function qualify(schema: string | null, name: string): string {
  return schema === null ? quoteIdentifier(name) : `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** One that its name identifies, in its schema or in none. `shown`: in words, if not as it is. */
export function named(type: string, schema: string | null, name: string, shown = name): Identity {
  return {
    type,
    schema,
    name,
    identity: qualify(schema, name),
    names: schema === null ? [name] : [schema, name],
    args: [],
    words: `${type} ${shown}`,
  };
}

/** The schema and the name of a type of the catalogs, or null if there is none. */
export function partsOfType(oid: number, ctx: ExecContext): readonly [schema: string, name: string] | null {
  const builtIn = findTypeByOid(oid);
  if (builtIn !== null) return ['pg_catalog', builtIn.name];
  const text = ctx.services.typeName(oid);
  if (text === null) return null;
  const element = text.replace(/\[\]$/, '');
  const name = splitName(element).at(-1)!;
  return [schemaOfType(element, ctx), element === text ? name : `_${name}`];
}

/** Of one of a user, as the search path lets it be written. */
function schemaOfType(text: string, { services }: ExecContext): string {
  const parts = splitName(text);
  if (parts.length > 1) return parts.at(-2)!;
  const oid = services.typeOid(text);
  const type = oid === null ? null : (services.access?.descriptor(oid) ?? null);
  const own = type !== null && 'schemaId' in type ? services.schemaNameOf(type.schemaId) : null;
  if (own !== null) return own;
  const relation = services.relationOid(text);
  const whole = relation === null ? null : (services.qualifiedRelationName?.(relation) ?? null);
  return whole === null ? 'public' : splitName(whole)[0]!;
}

/** Types that SQL itself names, under a name that is the catalog's too. */
const OF_SQL: ReadonlySet<string> = new Set(['numeric', 'interval', 'bit']);

/** With its schema, but for what SQL itself names: integer, pg_catalog.text, s.t[]. */
export function fullTypeName(oid: number, ctx: ExecContext): string {
  const builtIn = findTypeByOid(oid);
  const element = elementOidOf(oid);
  if (builtIn !== null && element !== 0 && builtIn.name.startsWith('_')) return `${fullTypeName(element, ctx)}[]`;
  if (builtIn !== null) {
    const shown = formatType(oid);
    return OF_SQL.has(builtIn.name) || (shown !== builtIn.name && !shown.startsWith('"'))
      ? shown
      : `pg_catalog.${shown}`;
  }
  const parts = partsOfType(oid, ctx);
  if (parts === null) return '???';
  const isArray = ctx.services.typeName(oid)!.endsWith('[]');
  return isArray ? `${qualify(parts[0], parts[1].slice(1))}[]` : qualify(parts[0], parts[1]);
}

/** As the search path lets it be written. */
export function shortTypeName(oid: number, { services }: ExecContext): string {
  return findTypeByOid(oid) === null ? (services.typeName(oid) ?? '???') : formatType(oid);
}
