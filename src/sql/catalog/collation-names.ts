/** Collations that users made, by their names, which are beside those of relations. */
import type { RelationName, ResolvedCollation } from '../contract.js';
import { userCollationKey } from '../types/collation.js';
import type { WaitOptions } from './catalog.js';
import type { CollationDescriptor, Descriptor } from './descriptor.js';
import type { TransactionCatalog } from './transaction-catalog.js';

/** No relation's name has this in front. */
export function collationEntryName(name: string): string {
  return `\0collation/${name}`;
}

export function isCollation(d: Descriptor | null): d is CollationDescriptor {
  return d?.kind === 'collation';
}

export function keyOfCollation({ id, provider, locale, ctype }: CollationDescriptor): string {
  return userCollationKey(id, provider, locale, ctype);
}

/** Along the search path, or in the schema named. @throws QuoralError 42501 */
export async function collationByName(
  catalog: Pick<TransactionCatalog, 'schemaId' | 'guard' | 'collationIn'>,
  { schema, name }: RelationName,
  searchPath: readonly string[],
  wait: WaitOptions,
): Promise<ResolvedCollation | 'no schema' | null> {
  if (schema !== null && (await catalog.schemaId(schema)) === null) return 'no schema';
  if (schema !== null) await catalog.guard(schema);
  for (const one of schema === null ? searchPath : [schema]) {
    const schemaId = await catalog.schemaId(one);
    const d = schemaId === null ? null : await catalog.collationIn(schemaId, name, wait);
    if (d !== null) return { id: d.id, version: d.version, key: keyOfCollation(d) };
  }
  return null;
}

/** Of a user, by what a transaction knows and by a view of the catalog, if there is one. null: none that is known. */
export function collationIn(
  known: {
    readonly tc: { knownName(schemaId: number, name: string): { readonly id: number } | null | undefined };
    readonly view: { readonly descriptors: readonly Descriptor[] } | null;
    readonly databaseId: number;
  },
  schemaId: number,
  name: string,
): number | null {
  const entry = known.tc.knownName(schemaId, collationEntryName(name));
  if (entry != null) return entry.id;
  const found = known.view?.descriptors.find(
    (d) => d.kind === 'collation' && d.schemaId === schemaId && d.name === name && d.databaseId === known.databaseId,
  );
  return found?.id ?? null;
}
