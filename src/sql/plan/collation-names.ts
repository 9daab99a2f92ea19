/** Names of collations as they are written, and as stored expressions and queries keep them. */
import type { CatalogSnapshot, ResolvedCollation } from '../contract.js';
import { builtInCollation } from '../types/collation.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { errorAt } from './error-at.js';

/** An identifier is cut at 63 bytes. */
const PART = 60;

/** What is not a name that somebody wrote, but a key that was kept (types/collation.ts), in pieces. */
export function pinnedCollation(names: readonly string[]): string | null {
  return names[0] !== undefined && /^@\d+:[ci]:/.test(names[0]) ? names.join('') : null;
}

/** As a parse tree names it by its key. */
export function collationParts(key: string): readonly string[] {
  const parts: string[] = [];
  for (let at = 0; at < key.length; at += PART) parts.push(key.slice(at, at + PART));
  return parts;
}

/** As a stored expression names it. */
export function storedCollationName(key: string): string {
  if (!key.startsWith('@')) return quoteIdentifier(key);
  return collationParts(key)
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.');
}

/** @throws QuoralError 42601 */
export function qualifiedCollation(
  names: readonly string[],
  location = -1,
): { readonly schema: string | null; readonly name: string } {
  const name = names.at(-1) ?? '';
  if (names.length > 3) {
    throw errorAt('42601', `improper qualified name (too many dotted names): ${names.join('.')}`, location);
  }
  return { schema: names.length > 1 ? names.at(-2)! : null, name };
}

export function collationMissing(schema: string | null, name: string): string {
  return `collation "${schema === null ? '' : `${schema}.`}${name}" for encoding "UTF8" does not exist`;
}

/** Where collations that users made are looked up. */
export type FindCollation = NonNullable<CatalogSnapshot['collation']>;

/** What a name that somebody wrote means. @throws QuoralError 42704, 3F000, 42601 */
export function resolveCollation(
  names: readonly string[],
  location: number,
  find: FindCollation | undefined,
): { readonly key: string; readonly found: ResolvedCollation | null } {
  const { schema, name } = qualifiedCollation(names, location);
  const builtIn = schema === null || schema === 'pg_catalog' ? builtInCollation(name) : null;
  if (builtIn !== null) return { key: builtIn, found: null };
  const found = find?.({ schema, name, isCollation: true }) ?? null;
  if (found === 'no schema') throw errorAt('3F000', `schema "${schema}" does not exist`, location);
  if (found === null) throw errorAt('42704', collationMissing(schema, name), location);
  return { key: found.key, found };
}
