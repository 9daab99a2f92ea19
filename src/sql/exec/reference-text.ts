/** A key of a foreign key for people: `Key (a, b)=(1, 2)`, in the order of the constraint. */
import type { Datum } from '../types/datum.js';
import { typeByOid } from '../types/registry.js';
import type { FormatContext } from '../types/type-info.js';
import type { ForeignKey, Reference } from './foreign-key.js';

export function referenceText(
  { child, parent, parentIndex, descriptor, childPositions }: ForeignKey,
  side: 'child' | 'parent',
  reference: Reference,
  format: FormatContext,
): string {
  const parentColumns = parentIndex.positions.map((p) => parent.columns[p]!);
  const columns = side === 'parent' ? parentColumns : childPositions.map((p) => child.columns[p]!);
  // The index may have the columns in another order.
  const order = descriptor.parentColumnIds.map((id) => parentColumns.findIndex((c) => c.id === id));
  const shown = (i: number): string =>
    reference.texts !== undefined
      ? reference.texts[i]!
      : typeByOid(parentColumns[i]!.typeOid).output(reference.values[i] as Exclude<Datum, null>, format);
  return `Key (${order.map((i) => columns[i]!.name).join(', ')})=(${order.map(shown).join(', ')})`;
}
