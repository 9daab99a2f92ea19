import { arrayOidOf, catalogOidOf } from '../types/registry.js';
import type { WaitOptions } from './catalog.js';
import { isRelationWithRows, relationOfArray, rowTypeOf } from './row-types.js';
import { isType } from './transaction-catalog.js';
import type { ResolvedType } from '../contract.js';
import type { TransactionCatalog } from './transaction-catalog.js';

/** A type that users made, or a relation's rows, by the oid that pg_type has for it or for its array. */
export async function typeByOid(
  catalog: TransactionCatalog,
  oid: number,
  wait: WaitOptions,
): Promise<ResolvedType | null> {
  const ofArray = relationOfArray(oid);
  const found = await catalog.descriptor(ofArray ?? oid, wait);
  if (isRelationWithRows(found) && found.databaseId === catalog.databaseId) {
    const row = rowTypeOf(found);
    return { id: found.id, version: found.version, typeOid: ofArray === null ? row : arrayOidOf(row) };
  }
  if (isType(found)) return { id: found.id, version: found.version, typeOid: found.typeOid };
  for (const d of (await catalog.view([])).descriptors) {
    if (!isType(d) || d.databaseId !== catalog.databaseId) continue;
    const array = arrayOidOf(d.typeOid);
    if (catalogOidOf(array) !== oid) continue;
    // As it is in use by this transaction, not as the look at everything saw it.
    const current = await catalog.descriptor(d.id, wait);
    return isType(current) ? { id: current.id, version: current.version, typeOid: arrayOidOf(current.typeOid) } : null;
  }
  return null;
}
