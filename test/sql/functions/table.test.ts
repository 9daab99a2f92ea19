/**
 * docs/sql/functions.md: every function of PostgreSQL 15 that is called by name, there or not, asked of the
 * resolver itself. UPDATE_DOCS=1 writes it anew.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { operatorFacts } from '../../../src/sql/functions/operator-facts.js';
import { isAggregateName, resolveAggregate, resolveFunction } from '../../../src/sql/functions/index.js';
import { FUNCTION_OIDS } from '../../../src/sql/functions/oid-table.js';
import { WINDOW_FUNCTIONS } from '../../../src/sql/plan/window-functions.js';
import { typeByName } from '../../../src/sql/types/registry.js';

const FILE = new URL('../../../docs/sql/functions.md', import.meta.url);

/** Called by the server itself (types, operators, indexes, casts, planner), or about its inside. */
const INSIDE = [
  /(_|^[a-z0-9]+)(in|out|recv|send|typmodin|typmodout|analyze|sel|joinsel|support|handler|accum|combine|serialize|deserialize|transfn|finalfn)$/,
  /^(hash.*|btequalimage|(var)?bitcmp|.*range_canonical)$/,
  /^(acl|amvalidate|bool(or|and)_statefunc|makeacl|dexp|dlog|dround|dtrunc|nameconcatoid|oidvectortypes|satisfies_hash|textlen|postgresql_fdw|int2int4_sum|int8(inc|dec)|numeric_(inc|exp|ln|log|sqrt|div_trunc)|.*_(cmp|hash|hash_extended|cmp_.*|subdiff)$|(bpchar|bytea|xid8)cmp|pg_read_|pg_is_wal|pg_jit|pg_settings_get|pg_get_(wal|object|replica|statistics|function_arg)|pg_(database|encoding_max|column_(compression|is_upd)|relation_(filepath|is_upd)|describe_object)|mxid_|gin|gist|brin|spg|ts_typanalyze|network_|range_(gist|typ|intersect_agg)|multirange_|in_range|RI_|ri_|pg_stat_|pg_statistic|pg_ts_|binary_upgrade|pg_replication|pg_logical|pg_walfile|pg_backup|pg_ls_|pg_wal|pg_control|pg_create_|pg_drop_|pg_partition|pg_cursor|pg_prepared|pg_lock|pg_show|pg_timezone|pg_available|pg_event|pg_extension|pg_get_(publication|replication|shmem|backend|wait|multixact|catalog|keywords)|pg_hba|pg_ident|pg_stop|pg_start|pg_promote|pg_switch|pg_last|pg_export|pg_import|pg_nextoid|pg_config|pg_isolation|pg_safe|pg_rotate|pg_reload|pg_log|pg_current_(wal|log)|pg_mcv|pg_ndistinct|pg_dependencies|pg_copy|pg_file|pg_filenode|pg_collation_actual|pg_stop|pg_tablespace_databases|pg_blocking|pg_indexam|pg_index_|pg_indexes_size|pg_options|pg_xact|pg_visible|pg_snapshot|txid_snapshot|lo_|lo(read|write|import|export|creat|_)|int[248](_avg|_sum|_mul|_inc|_dec)|float[48]_|numeric_(avg|sum|accum|stddev|var|poly)|interval_(avg|accum)|aggregate_dummy|window_|matching|suppress|unique_key|currtid|tid|xideq|record_|array_(agg_|typ|unnest_support|subscript)|jsonb?_(agg_|object_agg_|subscript)|string_agg_|bytea_string_agg|eq(sel|join)|neq|scalar|like(sel|join)|nlike|iclike|icnlike|regex(eq|ne|join)|areajoin|areasel|cont(sel|join)|posit|prefix|generate_series_.*_support|array_.*_support|text_starts|rangesel|multirange|float8_(reg|corr|cov)|ordered_set|mode_final|percentile_.*_final|rank_final|dense_rank_final|percent_rank_final|cume_dist_final|hypothetical|getdatabaseencoding$|fmgr_|plpgsql|any(array|element|enum|non|range|multi|compatible))/,
];
const HEAD = `# Functions

Every function and aggregate of PostgreSQL 15 that statements call by name, with the argument types that are there and
those that are not. Written by \`test/sql/functions/table.test.ts\`, which asks the function resolver for each
(\`UPDATE_DOCS=1\` writes it anew), so it cannot be out of date. Left out are functions behind types, operators, casts and
indexes, and those about the inside of PostgreSQL's server.

`;

/** For a polymorphic type, one that it may stand for. */
const SAMPLES: Readonly<Record<string, string>> = {
  any: 'int4',
  anyelement: 'int4',
  anynonarray: 'int4',
  anycompatible: 'int4',
  anycompatiblenonarray: 'int4',
  anyarray: '_int4',
  anycompatiblearray: '_int4',
  anyrange: 'int4range',
  anymultirange: 'int4multirange',
};

function isThere(name: string, args: readonly string[]): boolean {
  if (WINDOW_FUNCTIONS.has(name)) return true;
  const oids = args.map((arg) => typeByName(SAMPLES[arg] ?? arg)?.oid ?? 0);
  if (oids.includes(0)) return false;
  try {
    if (isAggregateName(name)) return resolveAggregate(name, oids) !== null;
    resolveFunction(name, oids, { variadic: false });
    return true;
  } catch {
    return false;
  }
}

function table(): string {
  const behindOperators = new Set([...operatorFacts().values()].map(({ code }) => code));
  const byName = new Map<string, { there: string[]; missing: string[] }>();
  for (const [signature, oid] of Object.entries(FUNCTION_OIDS)) {
    const open = signature.indexOf('(');
    const name = signature.slice(0, open);
    const args = signature
      .slice(open + 1, -1)
      .split(',')
      .filter((arg) => arg !== '');
    if (behindOperators.has(oid) || typeByName(name) !== null || INSIDE.some((pattern) => pattern.test(name))) continue;
    if (args.some((arg) => arg === 'cstring' || arg === 'internal')) continue;
    const entry = byName.get(name) ?? { there: [], missing: [] };
    byName.set(name, entry);
    (isThere(name, args) ? entry.there : entry.missing).push(`(${args.join(', ')})`);
  }
  const names = [...byName.keys()].sort();
  const all = names.filter((name) => byName.get(name)!.missing.length === 0);
  const none = names.filter((name) => byName.get(name)!.there.length === 0);
  const lines = names.map((name) => {
    const { there, missing } = byName.get(name)!;
    return `| \`${name}\` | ${there.sort().join(' ')} | ${missing.sort().join(' ')} |`;
  });
  const counts = `${names.length} names: ${all.length} there, ${none.length} not, ${names.length - all.length - none.length} for some types.\n\n`;
  return `${HEAD}${counts}| function | there | not there |\n|---|---|---|\n${lines.join('\n')}\n`;
}

it('the page about functions says what the resolver says', () => {
  const text = table();
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});
