/**
 * The rows of an array by the value that one of their columns has. A map is kept as long as the array itself lives:
 * the catalogs give the same array of rows while nothing in them changed, so that what looks there by a value
 * reads only the rows that have it. When a few rows of the array were replaced by others, the maps of the array before are
 * carried over: a map of what has changed lies on top of one of what there was.
 */
import type { HashKey } from '../../plan/join-equality.js';
import type { Row } from './layout.js';

export interface ByValue {
  get(value: unknown): readonly Row[] | undefined;
  /** Different values: of a map that was carried over, about so many. */
  readonly size: number;
}

/** By position, then by what makes keys of the values. */
type Maps = Map<number, Map<HashKey, ByValue>>;
const known = new WeakMap<readonly Row[], Maps>();

/** Rows without a value, NULL, are in none of the lists. */
export function rowsByValue(all: readonly Row[], position: number, key: HashKey): ByValue {
  let maps = known.get(all);
  if (maps === undefined) known.set(all, (maps = new Map()));
  let ofColumn = maps.get(position);
  if (ofColumn === undefined) maps.set(position, (ofColumn = new Map()));
  let byValue = ofColumn.get(key);
  if (byValue === undefined) ofColumn.set(key, (byValue = build(all, position, key)));
  return byValue;
}

function build(all: readonly Row[], position: number, hashKey: HashKey): ByValue {
  const found = new Map<unknown, Row[]>();
  for (const row of all) {
    const value = row[position]!;
    if (value === null) continue;
    const key = hashKey(value);
    const rows = found.get(key);
    if (rows === undefined) found.set(key, [row]);
    else rows.push(row);
  }
  return found;
}

class Patched implements ByValue {
  readonly #base: ReadonlyMap<unknown, readonly Row[]>;
  readonly #changed: ReadonlyMap<unknown, readonly Row[]>;

  constructor(base: ReadonlyMap<unknown, readonly Row[]>, changed: ReadonlyMap<unknown, readonly Row[]>) {
    this.#base = base;
    this.#changed = changed;
  }

  get size(): number {
    return this.#base.size;
  }
  get(value: unknown): readonly Row[] | undefined {
    return this.#changed.get(value) ?? this.#base.get(value);
  }

  /** null: so much has changed that a new map is better. */
  with(position: number, hashKey: HashKey, removed: ReadonlySet<Row>, added: readonly Row[]): Patched | null {
    const changed = new Map(this.#changed);
    const without = new Set<unknown>();
    for (const row of removed) if (row[position] !== null) without.add(hashKey(row[position]!));
    for (const key of without)
      changed.set(
        key,
        (this.get(key) ?? []).filter((row) => !removed.has(row)),
      );
    const own = new Map<unknown, Row[]>();
    for (const row of added) {
      const value = row[position]!;
      if (value === null) continue;
      const key = hashKey(value);
      const rows = own.get(key);
      if (rows === undefined) own.set(key, [row]);
      else rows.push(row);
    }
    for (const [key, rows] of own) changed.set(key, [...(changed.get(key) ?? this.#base.get(key) ?? []), ...rows]);
    return changed.size > this.#base.size / CHANGED_SHARE ? null : new Patched(this.#base, changed);
  }
}

/** Of a map's keys, one in so many may have changed. */
const CHANGED_SHARE = 4;
/** Of the rows, one in so many. */
const ROWS_SHARE = 8;
const NONE: ReadonlyMap<unknown, readonly Row[]> = new Map();

/** `now` are the rows of `before` without the removed ones and with the added ones: gives it the maps that `before` has. */
export function carryMaps(
  before: readonly Row[],
  now: readonly Row[],
  removed: ReadonlySet<Row>,
  added: readonly Row[],
): void {
  const maps = known.get(before);
  if (maps === undefined || (removed.size + added.length) * ROWS_SHARE > now.length) return;
  const carried: Maps = new Map();
  for (const [position, byKey] of maps) {
    const ofColumn = new Map<HashKey, ByValue>();
    for (const [key, map] of byKey) {
      const patched = (
        map instanceof Patched ? map : new Patched(map as ReadonlyMap<unknown, readonly Row[]>, NONE)
      ).with(position, key, removed, added);
      if (patched !== null) ofColumn.set(key, patched);
    }
    carried.set(position, ofColumn);
  }
  known.set(now, carried);
}
