/** The mark on a relation's name in the stored query of a view: what it means, whatever it is called by now. */
import type { RangeFunction, RangeVar } from 'libpg-query';

export interface Pin {
  readonly id: number;
  /** Column ids in order, each with its name when the view was made. */
  readonly columns: readonly (readonly [id: number, name: string])[];
  /** The schema that it was in, by which the query may name it. */
  readonly schema?: string;
}

export function pinOf(range: RangeVar): Pin | undefined {
  return (range as RangeVar & { readonly quoral?: Pin }).quoral;
}

export function unpinned(range: RangeVar): RangeVar {
  const { quoral: _pin, ...plain } = range as RangeVar & { readonly quoral?: Pin };
  return plain;
}

/** Columns of the rows that a function gives, in order, each with its name when the view was made; null: it gives no such rows. */
export type RowPin = Pin['columns'] | null;

/** For each function of the item. */
export function rowPinsOf(item: RangeFunction): readonly RowPin[] | undefined {
  return (item as RangeFunction & { readonly quoral?: readonly RowPin[] }).quoral;
}
