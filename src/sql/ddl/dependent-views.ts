/** Which views read a relation: by the rows that TransactionCatalog.put leaves under the relation's id. */
import { prefixEnd } from '../../base/key.js';
import { decodeUint, SYSTEM_KEYS } from '../../encoding/keyspace.js';
import { isReader, type Reader, sourcesOf } from '../catalog/materialized.js';
import type { DdlContext } from './context.js';

/** Views that read this relation. */
export async function dependentViews(ctx: DdlContext, id: number): Promise<Reader[]> {
  const prefix = SYSTEM_KEYS.dependents(id);
  const { keys } = await ctx.txn.scan({ start: prefix, end: prefixEnd(prefix) });
  const views: Reader[] = [];
  for (const key of keys) {
    const found = await ctx.catalog.forUpdate(ctx.txn, decodeUint(key, prefix.length).value);
    // Another one may hold the row type only.
    if (isReader(found) && sourcesOf(found).some((source) => source.id === id)) views.push(found);
  }
  return views;
}

/** These relations' views, and the views over those. */
export async function viewsOver(ctx: DdlContext, relationIds: readonly number[]): Promise<Reader[]> {
  const found = new Map<number, Reader>();
  for (const open = [...relationIds]; open.length > 0;) {
    for (const view of await dependentViews(ctx, open.pop()!)) {
      if (found.has(view.id)) continue;
      found.set(view.id, view);
      open.push(view.id);
    }
  }
  return [...found.values()];
}
