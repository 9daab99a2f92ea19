/** What a transaction has taken out of the catalog: for those who keep something by the oid. */
import type { Descriptor } from './descriptor.js';

/** Of a table its indexes, of a group of functions each of them. */
function partsOf(d: Descriptor | null | undefined): readonly number[] {
  if (d?.kind === 'table') return d.indexes.map((index) => index.oid);
  return d?.kind === 'routine' ? d.routines.map((routine) => routine.oid) : [];
}

/** `changed`: as the transaction leaves them, null: dropped. `before`: as it found them. */
export function droppedIds(
  changed: ReadonlyMap<number, Descriptor | null>,
  before: ReadonlyMap<number, Descriptor | null>,
): number[] {
  const ids: number[] = [];
  for (const [id, now] of changed) {
    if (now === null) ids.push(id);
    const left = new Set(partsOf(now));
    for (const part of partsOf(before.get(id))) if (!left.has(part)) ids.push(part);
  }
  return ids;
}
