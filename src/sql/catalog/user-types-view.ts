/** The users' types of a database, found by their oids and those of their arrays, and by name. */
import { standardDomains } from '../types/standard-domains.js';
import { arrayOidOf, catalogOidOf } from '../types/registry.js';
import { userTypeOf } from '../types/user-types.js';
import type { DomainType } from '../types/user-types.js';
import { DOMAIN_VALUE } from '../plan/planner.js';
import type { FoundDomainCheck, StoredColumn } from '../contract.js';
import type { TypeDescriptor } from './descriptor.js';
import type { CatalogView } from './transaction-catalog.js';

export interface UserTypes {
  /** A type is here twice, also under the oid of its array. */
  readonly byOid: ReadonlyMap<number, TypeDescriptor>;
  /** By `<schema id> <name>`. */
  readonly byName: ReadonlyMap<string, TypeDescriptor>;
}

const known = new WeakMap<CatalogView, UserTypes>();

export function userTypes(view: CatalogView): UserTypes {
  let types = known.get(view);
  if (types === undefined) {
    const byOid = new Map<number, TypeDescriptor>();
    const byName = new Map<string, TypeDescriptor>();
    for (const d of view.descriptors) {
      if (d.kind !== 'type' || d.databaseId !== view.databaseId) continue;
      byOid.set(d.id, d);
      byOid.set(catalogOidOf(arrayOidOf(d.typeOid)), d);
      byName.set(`${d.schemaId} ${d.name}`, d);
    }
    types = { byOid, byName };
    known.set(view, types);
  }
  return types;
}

/** A constraint of a domain. */
export function domainCheckIn(view: CatalogView, oid: number): FoundDomainCheck | null {
  const made = Array.from(userTypes(view).byOid.values(), (one) => one.typeOid);
  for (const typeOid of [...standardDomains().map(({ handle }) => handle), ...made]) {
    const type = userTypeOf(typeOid);
    const check = type?.kind === 'domain' ? type.checks.find((one) => one.oid === oid) : undefined;
    if (type?.kind !== 'domain' || check === undefined) continue;
    return { ...check, domainOid: type.oid, value: domainValue(type) };
  }
  return null;
}

/** What the checks of a domain read. */
export function domainValue({ typeOid, typmod }: DomainType): StoredColumn {
  return { name: DOMAIN_VALUE, typeOid, typmod, isValue: true };
}
