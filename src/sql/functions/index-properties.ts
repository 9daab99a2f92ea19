/** pg_indexam_has_property and pg_index_column_has_property: what access methods, and columns of indexes, can do. */
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { fn } from './define.js';
import { ACCESS_METHODS } from './describe-object.js';

const STABLE = { volatility: 'stable' } as const;
const VOLATILE = { volatility: 'volatile' } as const;

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

/** Of an index as a whole. */
const OF_INDEXES: Readonly<Record<string, readonly string[]>> = {
  clusterable: ['btree', 'gist'],
  index_scan: ['btree', 'hash', 'gist', 'spgist'],
  bitmap_scan: ['btree', 'hash', 'gist', 'spgist', 'gin', 'brin'],
  backward_scan: ['btree', 'hash'],
};

function indexHas(oid: number, property: string, ctx: ExecContext): boolean | null {
  const index = ctx.services.tableOfIndex(oid)?.indexes.find((one) => one.oid === oid);
  return index === undefined ? null : (OF_INDEXES[property.toLowerCase()]?.includes(index.method ?? 'btree') ?? null);
}
fn('pg_index_has_property(regclass, text) bool', indexHas, STABLE);

/** Such an index is stored as an ordered one: there is nothing to make summaries of. @throws QuoralError 42809, 42P01, 22003, 42501 */
function requireBrin(oid: number, ctx: ExecContext): void {
  const table = ctx.services.tableOfIndex(oid);
  const index = table?.indexes.find((one) => one.oid === oid);
  if (table == null || index === undefined) {
    const name = ctx.services.relationName(oid);
    if (name === null) throw sqlError('XX000', `could not open relation with OID ${oid}`);
    throw sqlError('42809', `"${name}" is not an index`);
  }
  if (index.method !== 'brin') throw sqlError('42809', `"${index.name}" is not a BRIN index`);
  const { access } = ctx.services;
  if (access?.rightsOf(access.userId)?.owns(table) === false)
    throw sqlError('42501', `must be owner of index ${index.name}`);
}
const BLOCKS_MAX = 4294967295n;
function requireBlock(block: bigint): void {
  if (block < 0n || block > BLOCKS_MAX) throw sqlError('22003', `block number out of range: ${block}`);
}
fn(
  'brin_summarize_range(regclass, int8) int4',
  (oid: number, block: bigint, ctx: ExecContext) => {
    requireBlock(block);
    requireBrin(oid, ctx);
    return 0;
  },
  VOLATILE,
);
fn(
  'brin_summarize_new_values(regclass) int4',
  (oid: number, ctx: ExecContext) => {
    requireBrin(oid, ctx);
    return 0;
  },
  VOLATILE,
);
fn(
  'brin_desummarize_range(regclass, int8) void',
  (oid: number, block: bigint, ctx: ExecContext) => {
    requireBlock(block);
    requireBrin(oid, ctx);
    return '';
  },
  VOLATILE,
);

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
