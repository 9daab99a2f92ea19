/**
 * Names that a statement's relations were looked for under in vain, before they were found further along the search
 * path: a relation that gets such a name is what the same text means from then on. PostgreSQL looks again whenever a
 * text is parsed, but not when a prepared statement is executed; so it is done here when a plan is found by its text.
 */
import { isTemporarySchemaName } from '../catalog/temporary-names.js';
import type { PassedName } from '../contract.js';
import type { Session } from './session.js';

/** True if that takes more than what is known here of the schemas. */
export function mustLookAgain(session: Session, passed: readonly PassedName[]): boolean {
  if (passed.length === 0) return false;
  const schemas = session.server.catalog.cachedSchemas(session.databaseId);
  return schemas === undefined || passed.some(({ schema }) => schemas.has(schema) || isTemporarySchemaName(schema));
}

export async function stillPassed(session: Session, passed: readonly PassedName[]): Promise<boolean> {
  if (!mustLookAgain(session, passed)) return true;
  const tc = session.transactionCatalog();
  const entries = await Promise.all(
    passed.map(async ({ schema, name }) => {
      const schemaId = await tc.schemaId(schema);
      return schemaId === null ? null : tc.nameEntry(schemaId, name);
    }),
  );
  // An index is not found by a statement's names.
  return entries.every((entry) => entry === null || entry.indexOid !== null);
}
