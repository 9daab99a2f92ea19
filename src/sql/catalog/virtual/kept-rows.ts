/**
 * Rows of the catalogs' relations from one view of the catalog to the next. A relation's rows are those of its parts: of
 * each table, sequence, view, …, kept as long as what they are made of is the same. So a change of one table makes that
 * table's rows anew, and what was found in the other rows by value (value-maps.ts) stays.
 */
import type { Descriptor } from '../descriptor.js';
import { makeRow } from './layout.js';
import type { Layout, Row, Values } from './layout.js';
import { carryMaps } from './value-maps.js';

/** The same array of rows for as long as they are the same. */
export type Parts = readonly (readonly Row[])[];

/** Makes rows of parts, with the maps of those that were there before. */
export class Assembly {
  #parts: Parts = [];
  #rows: readonly Row[] = [];

  rowsOf(parts: Parts): readonly Row[] {
    const rows: Row[] = [];
    for (const part of parts) for (const row of part) rows.push(row);
    const before = new Set(this.#parts);
    const added: Row[] = [];
    for (const part of parts) if (!before.delete(part)) for (const row of part) added.push(row);
    const removed = new Set<Row>();
    for (const part of before) for (const row of part) removed.add(row);
    carryMaps(this.#rows, rows, removed, added);
    this.#parts = parts;
    this.#rows = rows;
    return rows;
  }
}

/** What makes rows gives them by the names of columns, or whole where that would take too long. */
type Made = Iterable<Values | Row>;

function rowsOfMade(layout: Layout, made: Made): readonly Row[] {
  return Array.from(made, (one) => (Array.isArray(one) ? (one as Row) : makeRow(layout, one as Values)));
}

/** Rows of each descriptor by relation, kept while the descriptor object lives. */
export function perDescriptor<D extends Descriptor>(
  layout: Layout,
  make: (descriptor: D) => Made,
): (descriptor: D) => readonly Row[] {
  const kept = new WeakMap<D, readonly Row[]>();
  return (descriptor) => {
    let rows = kept.get(descriptor);
    if (rows === undefined) {
      rows = rowsOfMade(layout, make(descriptor));
      kept.set(descriptor, rows);
    }
    return rows;
  };
}

interface Kept {
  readonly key: string;
  readonly with: readonly (Descriptor | undefined)[];
  readonly rows: readonly Row[];
}

/** What rows of a descriptor are made of besides it. */
export interface MadeOf<S, D> {
  /** Others that have a part in them; null where that cannot be said. */
  readonly others?: (source: S, descriptor: D) => readonly (Descriptor | undefined)[] | null;
  /** Names and settings. */
  readonly key?: (source: S, descriptor: D) => string;
}

const NO_OTHERS: readonly undefined[] = [];

/** As perDescriptor, for rows that are made of more than the descriptor: kept while all of that is the same. */
export function perDescriptorOf<S, D extends Descriptor>(
  layout: Layout,
  make: (source: S, descriptor: D) => Made,
  { others, key }: MadeOf<S, D>,
): (source: S, descriptor: D) => readonly Row[] {
  const kept = new WeakMap<D, Kept>();
  return (source, descriptor) => {
    const now = others === undefined ? NO_OTHERS : others(source, descriptor);
    const text = key === undefined ? '' : key(source, descriptor);
    const known = now === null ? undefined : kept.get(descriptor);
    if (known?.key === text && now!.length === known.with.length && now!.every((other, i) => other === known.with[i]))
      return known.rows;
    const rows = rowsOfMade(layout, make(source, descriptor));
    if (now !== null) kept.set(descriptor, { key: text, with: now, rows });
    return rows;
  };
}
