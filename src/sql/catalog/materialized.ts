/**
 * Materialised views: tables whose rows a stored query has given. They have storage, indexes and a hidden row id as
 * tables have; nothing but REFRESH changes their rows.
 */
import type { Descriptor, TableDescriptor, ViewDescriptor } from './descriptor.js';

export type MaterializedView = TableDescriptor & {
  readonly materialized: NonNullable<TableDescriptor['materialized']>;
};
/** What has a query of its own, and depends on what that reads. */
export type Reader = ViewDescriptor | MaterializedView;

export function isMaterialized(descriptor: Descriptor | null | undefined): descriptor is MaterializedView {
  return descriptor?.kind === 'table' && descriptor.materialized != null;
}

export function isReader(descriptor: Descriptor | null | undefined): descriptor is Reader {
  return descriptor?.kind === 'view' || isMaterialized(descriptor);
}

export function sourcesOf(reader: Reader): ViewDescriptor['sources'] {
  return reader.kind === 'view' ? reader.sources : reader.materialized.sources;
}

/** As messages call it. */
export function kindName(descriptor: Descriptor): string {
  return isMaterialized(descriptor) ? 'materialized view' : descriptor.kind;
}

const views = new WeakMap<MaterializedView, ViewDescriptor>();

/** The view that it would be if it kept no rows. */
export function queryOf(table: MaterializedView): ViewDescriptor {
  let view = views.get(table);
  if (view === undefined) {
    const { id, name, databaseId, schemaId, version, owner, materialized } = table;
    const columns = table.columns.filter((c) => !c.dropped && !c.hidden);
    const { queryTree, sources, usedTypes = [] } = materialized;
    const { usedRoutines = [] } = table;
    const named = { kind: 'view', id, name, databaseId, schemaId, version, owner } as const;
    view = { ...named, columns, queryTree, sources, usedTypes, usedRoutines };
    views.set(table, view);
  }
  return view;
}
