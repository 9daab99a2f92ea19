/**
 * The extensions that there are, and which of them a database has. Their functions are built in and callable without
 * them; what CREATE EXTENSION makes is an entry of the database's descriptor, for tools that ask and for pg_dump.
 *
 * Invariant: plpgsql is always there. It has an entry only when its comment was changed.
 */
import { PG_CATALOG_SCHEMA_ID } from './bootstrap.js';
import type { Descriptor, ExtensionEntry } from './descriptor.js';

export interface KnownExtension {
  readonly name: string;
  readonly version: string;
  readonly comment: string;
  /** May lie in any schema, and move. */
  readonly relocatable: boolean;
}

const PLPGSQL_EXTENSION_OID = 13559;

/** In the order of names. */
export const KNOWN_EXTENSIONS: readonly KnownExtension[] = [
  { name: 'pgcrypto', version: '1.3', comment: 'cryptographic functions', relocatable: true },
  { name: 'plpgsql', version: '1.0', comment: 'PL/pgSQL procedural language', relocatable: false },
  {
    name: 'uuid-ossp',
    version: '1.1',
    comment: 'generate universally unique identifiers (UUIDs)',
    relocatable: true,
  },
];

export function knownExtension(name: string): KnownExtension | null {
  return KNOWN_EXTENSIONS.find((one) => one.name === name) ?? null;
}

const PLPGSQL: ExtensionEntry = {
  oid: PLPGSQL_EXTENSION_OID,
  name: 'plpgsql',
  version: knownExtension('plpgsql')!.version,
  schemaId: PG_CATALOG_SCHEMA_ID,
  comment: knownExtension('plpgsql')!.comment,
};

/** Those of a database. */
export function extensionsOf(database: Descriptor | undefined): readonly ExtensionEntry[] {
  const made = (database?.kind === 'database' ? database.extensions : undefined) ?? [];
  return made.some(({ name }) => name === PLPGSQL.name) ? made : [PLPGSQL, ...made];
}
