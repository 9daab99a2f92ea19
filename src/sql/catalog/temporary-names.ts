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

/** Where a new relation goes that is not temporary: the first schema of the search path that is none of those. */
export function currentSchema({ searchPath }: { readonly searchPath: readonly string[] }): string | null {
  return searchPath.find((schema) => !isTemporarySchemaName(schema)) ?? null;
}

/** Not another session's. */
export function isShown(
  { schemaId }: { readonly schemaId: number },
  services: { readonly temporarySchema?: number | null },
): boolean {
  return !isTemporarySchema(schemaId) || schemaId === services.temporarySchema;
}
