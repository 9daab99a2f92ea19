/** The texts of views' queries and of stored expressions, with what the session sees of the catalog. */
import { QuoralError } from '../../base/errors.js';
import type { UsedRoutine, ViewDescriptor } from '../catalog/descriptor.js';
import { virtualRelation } from '../catalog/virtual/registry.js';
import type { CatalogSnapshot, PlannerSettings, Relation, SessionServices, StoredColumn } from '../contract.js';
import type { CatalogNames, QueryStyle } from '../plan/deparse-query.js';
import { showExpression } from '../plan/show-expression.js';
import { viewDefinition } from '../plan/view-definition.js';
import { userCollationOid } from '../types/collation.js';
import { showTypes } from '../types/pinned-types.js';
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
  const settings = settingsOf(services, format);
  const parts = { view, sources: sourcesOf(view, services) };
  return viewDefinition(parts, snapshotOf(services), settings, catalogNames(services), style);
}

/** Everything but catalog relations is named by its oid in what is stored. */
function snapshotOf({ database, searchPath }: SessionServices): CatalogSnapshot {
  return {
    database,
    searchPath,
    relation: (name) => (name.isType === true ? null : virtualRelation(name.schema ?? 'pg_catalog', name.name)),
    type: () => null,
    routines: () => [],
  };
}

function settingsOf(services: SessionServices, format: FormatContext): PlannerSettings {
  const pinned = (oid: number): UsedRoutine | null => {
    const found = services.routineByOid?.(oid) ?? null;
    return found === null ? null : { groupId: found.group.id, name: found.group.name, routine: found.routine };
  };
  const { database, user } = services;
  return { format, user, database, userRoutines: { named: () => [], pinned } };
}

/** As it is where it is no stored expression over these columns. */
export function expressionText(
  sql: string,
  columns: readonly StoredColumn[],
  pretty: boolean,
  services: SessionServices,
  format: FormatContext,
): string {
  const { type, routine, collation } = catalogNames(services);
  const isValue = columns[0]?.isValue === true;
  const names = { type, routine, collation, pretty, ...(isValue ? { column: () => 'VALUE' } : {}) };
  try {
    return showExpression(sql, columns, snapshotOf(services), settingsOf(services, format), names);
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    const nameOf = (oid: number): string | null =>
      services.typeName(oid) ?? services.routineName?.(oid, false) ?? services.collationName?.(oid) ?? null;
    return showTypes(sql, nameOf);
  }
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
    routine: (oid, name) => {
      const found = services.routineByOid?.(oid) ?? null;
      // The arguments tell it from others of its name.
      if (found !== null && services.isVisibleRoutine?.(oid) === true) return quoteIdentifier(found.group.name);
      return services.routineName?.(oid, false) ?? quoteIdentifier(name);
    },
    collation: (key) => {
      const oid = userCollationOid(key);
      return (oid === null ? null : services.collationName?.(oid)) ?? quoteIdentifier(key);
    },
  };
}
