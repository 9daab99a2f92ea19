/** The text of a view's query, with what the session sees of the catalog. */
import type { ViewDescriptor } from '../catalog/descriptor.js';
import { virtualRelation } from '../catalog/virtual/registry.js';
import type { CatalogSnapshot, PlannerSettings, Relation, SessionServices } from '../contract.js';
import type { CatalogNames, QueryStyle } from '../plan/deparse-query.js';
import { viewDefinition } from '../plan/view-definition.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { catalogOidOf, formatType } from '../types/registry.js';
import { isHandle } from '../types/user-types.js';
import type { FormatContext } from '../types/type-info.js';

export function viewText(
  view: ViewDescriptor,
  style: QueryStyle,
  services: SessionServices,
  format: FormatContext,
): string {
  const { database, user, searchPath } = services;
  // Everything else that a stored query names it names by its oid.
  const snapshot: CatalogSnapshot = {
    database,
    searchPath,
    relation: (name) => (name.isType === true ? null : virtualRelation(name.schema ?? 'pg_catalog', name.name)),
    type: () => null,
    routines: () => [],
  };
  const settings: PlannerSettings = { format, user, database };
  const parts = { view, sources: sourcesOf(view, services) };
  return viewDefinition(parts, snapshot, settings, catalogNames(services), style);
}

function sourcesOf(view: ViewDescriptor, services: SessionServices): ReadonlyMap<number, Relation> {
  const sources = new Map<number, Relation>();
  for (const { id } of view.sources) {
    const table = services.tableByOid(id);
    const inner = table === null ? services.viewByOid(id) : null;
    if (table !== null) sources.set(id, { kind: 'table', table, schemaName: schemaOf(table, services) });
    else if (inner !== null)
      sources.set(id, {
        kind: 'view',
        view: inner,
        schemaName: schemaOf(inner, services),
        sources: sourcesOf(inner, services),
      });
  }
  return sources;
}

function schemaOf({ schemaId }: { readonly schemaId: number }, services: SessionServices): string {
  return services.schemaNameOf(schemaId) ?? 'public';
}

function catalogNames(services: SessionServices): CatalogNames {
  return {
    relation: (oid) => services.relationName(oid) ?? String(oid),
    qualifiedRelation: (oid) => services.qualifiedRelationName?.(oid) ?? String(oid),
    type: (oid, typmod = null) =>
      (isHandle(oid) ? services.typeName(catalogOidOf(oid)) : null) ?? formatType(oid, typmod),
    routine: (oid, name) => services.routineName?.(oid, false) ?? quoteIdentifier(name),
  };
}
