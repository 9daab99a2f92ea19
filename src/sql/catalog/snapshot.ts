/** Names of a statement resolved beforehand, so that look-ups in it are synchronous. */
import type {
  CatalogSnapshot,
  PassedName,
  Relation,
  RelationName,
  ResolvedCollation,
  ResolvedRoutines,
  ResolvedType,
} from '../contract.js';
import type { WaitOptions } from './catalog.js';
import { collationByName } from './collation-names.js';
import type { TransactionCatalog } from './transaction-catalog.js';
import { virtualRelation } from './virtual/registry.js';

export async function snapshotOf(
  catalog: Pick<
    TransactionCatalog,
    'database' | 'type' | 'routines' | 'relation' | 'viewRelation' | 'descriptor' | 'schemaId' | 'guard' | 'collationIn'
  >,
  names: readonly RelationName[],
  searchPath: readonly string[],
  wait: WaitOptions,
): Promise<CatalogSnapshot & { readonly passed: readonly PassedName[] }> {
  const passed: PassedName[] = [];
  const found = new Map<string, Relation | null>();
  const types = new Map<string, ResolvedType | null>();
  const routines = new Map<string, readonly ResolvedRoutines[] | null>();
  const collations = new Map<string, ResolvedCollation | 'no schema' | null>();
  const byId = new Map<number, Relation | null>();
  for (const name of names) {
    const key = `${name.schema ?? ''}\0${name.name}`;
    if (name.id !== undefined) byId.set(name.id, await relationById(catalog, name.id, wait));
    else if (name.isType === true) types.set(key, types.get(key) ?? (await catalog.type(name, searchPath, wait)));
    else if (name.isCollation === true) collations.set(key, await collationByName(catalog, name, searchPath, wait));
    else if (name.isRoutine === true) {
      const found = await catalog.routines(name, searchPath, wait);
      routines.set(key, found);
      // A range type's constructor has the type's name.
      if ((found?.length ?? 0) === 0 && name.besideBuiltIn !== true)
        types.set(key, types.get(key) ?? (await catalog.type(name, searchPath, wait)));
    } else if (!found.has(key)) found.set(key, await catalog.relation(name, searchPath, wait, passed));
  }
  return {
    passed,
    database: catalog.database,
    searchPath,
    relation(name) {
      if (name.id !== undefined) return byId.get(name.id) ?? null;
      const known = found.get(`${name.schema ?? ''}\0${name.name}`);
      if (known !== undefined) return known;
      // Only catalog relations can be asked for without having been announced.
      return name.isType === true ? null : virtualRelation(name.schema ?? 'pg_catalog', name.name);
    },
    type: (name) => types.get(`${name.schema ?? ''}\0${name.name}`) ?? null,
    collation: (name) => collations.get(`${name.schema ?? ''}\0${name.name}`) ?? null,
    routines: (name) => routines.get(`${name.schema ?? ''}\0${name.name}`) ?? null,
  };
}

async function relationById(
  catalog: Pick<TransactionCatalog, 'descriptor' | 'viewRelation'>,
  id: number,
  wait: WaitOptions,
): Promise<Relation | null> {
  const found = await catalog.descriptor(id, wait);
  if (found?.kind !== 'table' && found?.kind !== 'view' && found?.kind !== 'sequence') return null;
  return catalog.viewRelation(found, wait);
}
