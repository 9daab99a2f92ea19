/** Comments on what is no relation, as obj_description and its like give them. */
import type { CatalogView } from '../catalog/transaction-catalog.js';
import { extensionsOf } from '../catalog/extensions.js';
import { viewIndex } from '../catalog/view-index.js';
import type { CommentedKind } from '../contract.js';
import { userTypeOf } from '../types/user-types.js';

function hasCheck(typeOid: number, oid: number): boolean {
  const type = userTypeOf(typeOid);
  return type?.kind === 'domain' && type.checks.some((check) => check.oid === oid);
}

/** `part`: a field's number. */
export function commentIn(
  view: CatalogView,
  databaseId: number,
  kind: CommentedKind,
  oid: number,
  part: number,
): string | null {
  if (kind === 'extension')
    return extensionsOf(view.byId.get(databaseId)).find((one) => one.oid === oid)?.comment ?? null;
  if (kind === 'statistics') {
    const all = viewIndex(view).tables.flatMap(({ statistics = [] }) => statistics);
    return all.find((one) => one.oid === oid)?.comment ?? null;
  }
  if (kind === 'domain constraint') {
    for (const d of view.byId.values())
      if (d.kind === 'type' && hasCheck(d.typeOid, oid)) return d.partComments?.[oid] ?? null;
    return null;
  }
  const d = view.byId.get(oid);
  if (part !== 0) return d?.kind === 'type' && kind === 'type' ? (d.partComments?.[part] ?? null) : null;
  return d?.kind === kind ? (d.comment ?? null) : null;
}
