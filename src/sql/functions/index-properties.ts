/** pg_indexam_has_property and pg_index_column_has_property: what access methods, and columns of indexes, can do. */
import type { ExecContext } from '../contract.js';
import { fn } from './define.js';
import { ACCESS_METHODS } from './describe-object.js';

const STABLE = { volatility: 'stable' } as const;

/** By property, the access methods that have it. */
const OF_METHODS: Readonly<Record<string, readonly string[]>> = {
  can_order: ['btree'],
  can_unique: ['btree'],
  can_multi_col: ['btree', 'gist', 'gin', 'brin'],
  can_exclude: ['btree', 'hash', 'gist', 'spgist'],
  can_include: ['btree', 'gist', 'spgist'],
};
/** Of the keys of an index; what INCLUDE names has none of them. */
const OF_KEYS: Readonly<Record<string, readonly string[]>> = {
  asc: ['btree'],
  desc: ['btree'],
  nulls_first: ['btree'],
  nulls_last: ['btree'],
  search_array: ['btree'],
  search_nulls: ['btree', 'gist', 'spgist', 'brin'],
};

function methodHas(oid: number, property: string): boolean | null {
  const method = ACCESS_METHODS.get(oid);
  const those = OF_METHODS[property.toLowerCase()];
  return method === undefined || method === 'heap' || those === undefined ? null : those.includes(method);
}
fn('pg_indexam_has_property(oid, text) bool', methodHas, STABLE);

function columnHas(oid: number, number: number, written: string, ctx: ExecContext): boolean | null {
  const index = ctx.services.tableOfIndex(oid)?.indexes.find((one) => one.oid === oid);
  if (index === undefined || number < 1 || number > index.columns.length + index.storing.length) return null;
  const property = written.toLowerCase();
  const method = index.method ?? 'btree';
  const key = index.columns[number - 1];
  if (property === 'orderable') return key !== undefined && method === 'btree';
  if (property === 'distance_orderable') return false;
  if (property === 'returnable') return method === 'btree';
  const those = OF_KEYS[property];
  if (those === undefined || key === undefined) return null;
  if (!those.includes(method)) return false;
  const nullsFirst = key.nullsFirst ?? key.descending;
  if (property === 'asc') return !key.descending;
  if (property === 'desc') return key.descending;
  if (property === 'nulls_first') return nullsFirst;
  return property === 'nulls_last' ? !nullsFirst : true;
}
fn('pg_index_column_has_property(regclass, int4, text) bool', columnHas, STABLE);
