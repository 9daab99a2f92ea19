/**
 * The text of a view's query: the stored tree is bound as it is when the view is read, and written again from what the
 * binding has found (deparse-query.ts). So the text has the names of now, and the types that were settled.
 */
import type { Relation, CatalogSnapshot, PlannerSettings } from '../contract.js';
import type { ViewDescriptor } from '../catalog/descriptor.js';
import { bindSelect } from './bind-select.js';
import { Binder } from './binder.js';
import { QueryText } from './deparse-query.js';
import type { CatalogNames, QueryStyle } from './deparse-query.js';
import { laidOut } from './layout.js';
import { QueryNotes } from './query-notes.js';
import { viewTree } from './view-tree.js';

export interface ViewParts {
  readonly view: ViewDescriptor;
  /** What its query reads, by id. */
  readonly sources: ReadonlyMap<number, Relation>;
}

/** Ends with a semicolon, as PostgreSQL's does. */
export function viewDefinition(
  { view, sources }: ViewParts,
  snapshot: CatalogSnapshot,
  settings: PlannerSettings,
  names: CatalogNames,
  style: QueryStyle,
): string {
  const binder = new Binder(snapshot, settings, [], new Map(), null, new QueryNotes());
  binder.dependOn(view);
  for (const [id, source] of sources) binder.pinned.set(id, source);
  const tree = viewTree(view);
  bindSelect(binder, tree, null, []);
  const text = new QueryText(binder, names, settings.format, style);
  const columns = view.columns.map((c) => c.name);
  return `${laidOut(text.query(tree, { names: columns, visible: true, types: null }))};`;
}
