/** What regclass, regtype and their kin read as names: oids in digits, names with and without schemas, what is not there. */
import { sqlError } from '../../base/errors.js';
import { splitName } from './identifiers.js';
import { requireSchema } from './reg-procedures.js';
import { parseOid } from './scalar-input.js';
import type { FormatContext } from './type-info.js';

const NAMESPACES: readonly (readonly [number, string])[] = [
  [11, 'pg_catalog'],
  [99, 'pg_toast'],
  [2200, 'public'],
  [13000, 'information_schema'],
];

/** `-` is none; null: it is a name. */
export function oidWritten(text: string, type: string): number | null {
  const trimmed = text.trim();
  if (trimmed === '-') return 0;
  return /^\d+$/.test(trimmed) ? parseOid(trimmed, type) : null;
}
/** A name without a schema. @throws QuoralError 42602 */
export function onlyName(text: string): string {
  const parts = splitName(text);
  if (parts.length > 1) throw sqlError('42602', 'invalid name syntax');
  return parts[0]!;
}
/** @throws QuoralError 3F000 where a schema is named that is not there */
export function checkSchema(name: string, ctx: FormatContext): void {
  const parts = splitName(name);
  if (parts.length === 2) requireSchema(parts[0]!, ctx);
}
export function unquote(text: string): string {
  if (text.startsWith('"') && text.endsWith('"')) return text.slice(1, -1).replaceAll('""', '"');
  // As in a statement: letters of ASCII alone are made small.
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

export function schemaOid(name: string, ctx: FormatContext): number | null {
  // Any database may have dropped `public`, and made another.
  if (ctx.names?.schemaOid !== undefined && name === 'public') return ctx.names.schemaOid(name);
  return NAMESPACES.find(([, known]) => known === name)?.[0] ?? ctx.names?.schemaOid?.(name) ?? null;
}

export function schemaName(oid: number, ctx: FormatContext): string | null {
  return NAMESPACES.find(([known]) => known === oid)?.[1] ?? ctx.names?.schemaNameOf?.(oid) ?? null;
}

/** What is said of a name that no relation has: its schema is what lacks first. */
export function missingRelation(text: string, schemaOf: (schema: string) => number | null): Error {
  const parts = splitName(text);
  if (parts.length > 2) return sqlError('0A000', `cross-database references are not implemented: "${parts.join('.')}"`);
  const schema = parts.length > 1 ? parts[parts.length - 2]! : null;
  return schema !== null && schemaOf(schema) === null
    ? sqlError('3F000', `schema "${schema}" does not exist`)
    : sqlError('42P01', `relation "${parts.slice(-2).join('.')}" does not exist`);
}
