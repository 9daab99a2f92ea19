/**
 * One view for all statements that find the same committed catalog, so that what is worked out from a view (its
 * index, the rows of the catalogs' tables) is not worked out again by each of them.
 *
 * Invariant: a view is handed out again only when every descriptor that was just read is the very object that it
 * was made of. Views with a transaction's own changes are not kept.
 */
import { PUBLIC_SCHEMA_ID } from './bootstrap.js';
import type { Catalog } from './catalog.js';
import type { Descriptor } from './descriptor.js';
import type { CatalogView } from './transaction-catalog.js';

interface Kept {
  readonly rows: readonly Descriptor[];
  readonly view: CatalogView;
}

/** Databases and search paths whose views are kept on a node. */
const KEPT_MAX = 8;
const keptOf = new WeakMap<Catalog, Map<string, Kept>>();

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a === b || (a.length === b.length && a.every((item, i) => item === b[i]));
}

/** The view of what is committed, `rows`, each descriptor once. */
export function sharedView(
  catalog: Catalog,
  databaseId: number,
  searchPath: readonly string[],
  rows: readonly Descriptor[],
): CatalogView {
  let views = keptOf.get(catalog);
  if (views === undefined) keptOf.set(catalog, (views = new Map()));
  const key = [databaseId, ...searchPath].join('\0');
  const kept = views.get(key);
  if (kept !== undefined && sameItems(kept.rows, rows)) return kept.view;
  const view = viewOf(new Map(rows.map((d) => [d.id, d])), databaseId, searchPath);
  if (views.size >= KEPT_MAX && kept === undefined) views.clear();
  views.set(key, { rows, view });
  return view;
}

/** The descriptors in the order of their ids, without the schema `public` where the database has dropped it. */
export function viewOf(byId: Map<number, Descriptor>, databaseId: number, searchPath: readonly string[]): CatalogView {
  const database = byId.get(databaseId);
  if (database?.kind === 'database' && database.withoutPublic === true) byId.delete(PUBLIC_SCHEMA_ID);
  const descriptors = [...byId.values()].sort((a, b) => a.id - b.id);
  return { descriptors, byId, databaseId, searchPath };
}
