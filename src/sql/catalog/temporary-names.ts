/** Schemas of temporary relations by id and name (temporary.ts has the rest). */
import type { Descriptor } from './descriptor.js';

/** Ids of other objects count up from 16384 and do not get here. */
export const FIRST_TEMPORARY_SCHEMA = 0x40000000;
const PATTERN = /^pg_temp_([1-9][0-9]*)$/;

export function isTemporarySchema(id: number): boolean {
  return id >= FIRST_TEMPORARY_SCHEMA;
}
export function temporarySchemaName(id: number): string {
  return `pg_temp_${id - FIRST_TEMPORARY_SCHEMA}`;
}
export function isTemporarySchemaName(name: string): boolean {
  return name === 'pg_temp' || PATTERN.test(name);
}
export function isTemporary(descriptor: Descriptor | null | undefined): boolean {
  return descriptor != null && 'schemaId' in descriptor && isTemporarySchema(descriptor.schemaId);
}

/** Where a new relation goes: the first schema of the search path, the temporary one only where it is written there. */
export function currentSchema({
  searchPath,
  temporary,
}: {
  readonly searchPath: readonly string[];
  readonly temporary?: TemporaryInPath;
}): string | null {
  if (temporary === 'first') return searchPath.find(isTemporarySchemaName) ?? null;
  return searchPath.find((schema) => !isTemporarySchemaName(schema)) ?? null;
}

/** Where search_path says the session's temporary schema: it comes first also where it is not said. */
export type TemporaryInPath = 'unsaid' | 'said' | 'first';

/** Not another session's. */
export function isShown(
  { schemaId }: { readonly schemaId: number },
  services: { readonly temporarySchema?: number | null },
): boolean {
  return !isTemporarySchema(schemaId) || schemaId === services.temporarySchema;
}
