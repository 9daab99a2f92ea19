/** The type that a name of a schema means, without waiting: from a view of the catalog, or from what a transaction knows. */
import { standardDomain } from '../types/standard-domains.js';
import { INFORMATION_SCHEMA_ID } from './bootstrap.js';
import type { Descriptor } from './descriptor.js';
import { typeEntryName } from './entry-names.js';
import { isRelationWithRows, rowTypeOf } from './row-types.js';
import type { CatalogView, TransactionCatalog } from './transaction-catalog.js';
import { userTypes } from './user-types-view.js';
import { viewIndex } from './view-index.js';

/** Its handle; also of the rows of a relation of that name. */
export function typeIn(
  tc: Pick<TransactionCatalog, 'knownName' | 'known'>,
  view: CatalogView | null,
  schemaId: number,
  name: string,
): number | null {
  const standard = schemaId === INFORMATION_SCHEMA_ID ? standardDomain(name) : null;
  if (standard !== null) return standard;
  const named = (entryName: string): Descriptor | null => {
    const entry = tc.knownName(schemaId, entryName) ?? null;
    return entry === null || entry.indexOid !== null ? null : tc.known(entry.id);
  };
  const type = view === null ? named(typeEntryName(name)) : (userTypes(view).byName.get(`${schemaId} ${name}`) ?? null);
  if (type?.kind === 'type') return type.typeOid;
  const id = view === null ? null : viewIndex(view).relationOid(schemaId, name);
  const relation = view === null ? named(name) : id === null ? null : view.byId.get(id);
  return isRelationWithRows(relation) ? rowTypeOf(relation) : null;
}
