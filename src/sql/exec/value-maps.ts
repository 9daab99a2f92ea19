/**
 * The rows of an array by the value that one of their columns has. A map is kept as long as the array itself lives:
 * the catalogs give the same array of rows while nothing in them changed, so that what looks there by a value
 * reads only the rows that have it.
 */
import type { HashKey } from '../plan/join-equality.js';
import type { Row } from './run.js';

export type ByValue = ReadonlyMap<unknown, readonly Row[]>;

/** By position, then by what makes keys of the values. */
const known = new WeakMap<readonly Row[], Map<number, Map<HashKey, ByValue>>>();

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
