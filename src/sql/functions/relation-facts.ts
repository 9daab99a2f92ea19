/** Small facts of sequences, relations and settings that introspection asks for by functions (chapter 9.27). */
import { sqlError } from '../../base/errors.js';
import { isPrimaryKey } from '../catalog/descriptor.js';
import type { ExecContext } from '../contract.js';
import { PgArray, PgRecord } from '../types/datum.js';
import { encodingName } from '../types/encodings.js';
import { OID } from '../types/oids.js';
import { fn, srf } from './define.js';

const STABLE = { volatility: 'stable' } as const;

// ---- sequences ----

fn(
  'pg_sequence_last_value(regclass) int8',
  async (oid: number, ctx: ExecContext) => {
    const { value, isCalled } = await ctx.services.sequenceState(oid);
    return isCalled ? value : null;
  },
  { volatility: 'volatile', mayWait: true },
);

const PARAMETERS = [
  { name: 'start_value', typeOid: OID.int8 },
  { name: 'minimum_value', typeOid: OID.int8 },
  { name: 'maximum_value', typeOid: OID.int8 },
  { name: 'increment', typeOid: OID.int8 },
  { name: 'cycle_option', typeOid: OID.bool },
  { name: 'cache_size', typeOid: OID.int8 },
  { name: 'data_type', typeOid: OID.oid },
];
srf(
  'pg_sequence_parameters(oid) record',
  (oid: number, ctx: ExecContext) => {
    const s = ctx.services.access?.descriptor(oid) ?? null;
    if (s?.kind !== 'sequence') {
      if (ctx.services.relationName(oid) === null) throw sqlError('42P01', `relation with OID ${oid} does not exist`);
      throw sqlError('XX000', `cache lookup failed for sequence ${oid}`);
    }
    const [start, min, max, increment] = [s.start, s.min, s.max, s.increment].map(BigInt);
    const values = [start!, min!, max!, increment!, s.cycle, BigInt(s.cache), s.typeOid];
    return [
      new PgRecord(
        PARAMETERS.map(({ typeOid }) => typeOid),
        values,
      ),
    ];
  },
  { volatility: 'stable', resultColumns: PARAMETERS },
);

// ---- relations ----

/** Storage is not in files: what a relation has for the number of one is its oid, and the default tablespace has them all. */
const TABLESPACES = [0, 1663];
fn(
  'pg_filenode_relation(oid, oid) regclass',
  (tablespace: number, filenode: number, ctx: ExecContext) =>
    TABLESPACES.includes(tablespace) && ctx.services.relationName(filenode) !== null ? filenode : null,
  STABLE,
);
fn(
  'pg_get_replica_identity_index(regclass) regclass',
  (oid: number, ctx: ExecContext) => {
    const table = ctx.services.tableByOid(oid);
    if (table === null && ctx.services.tableOfIndex(oid) !== null)
      throw sqlError('42809', `"${(ctx.services.relationName(oid) ?? '').replace(/^.*\./, '')}" is an index`);
    if (table === null) return null;
    const kept = table.replicaIdentity ?? null;
    if (typeof kept === 'string') return null;
    const index = table.indexes.find((one) => (kept === null ? isPrimaryKey(one) : one.oid === kept));
    return index === undefined || index.oid === 0 ? null : index.oid;
  },
  STABLE,
);
/** There are no partitions. */
fn('pg_partition_root(regclass) regclass', () => null, STABLE);

// ---- settings and encodings ----

/** The flags of each, as PostgreSQL's pg_settings_get_flags tells them. */
const FLAGS: Readonly<Record<string, string>> = {
  EXPLAIN: `constraint_exclusion cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost cursor_tuple_fraction
    effective_cache_size effective_io_concurrency enable_async_append enable_bitmapscan enable_gathermerge enable_hashagg
    enable_hashjoin enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material enable_memoize
    enable_mergejoin enable_nestloop enable_parallel_append enable_parallel_hash enable_partition_pruning
    enable_partitionwise_aggregate enable_partitionwise_join enable_seqscan enable_sort enable_tidscan force_parallel_mode
    from_collapse_limit geqo geqo_effort geqo_generations geqo_pool_size geqo_seed geqo_selection_bias geqo_threshold
    hash_mem_multiplier jit jit_above_cost jit_inline_above_cost jit_optimize_above_cost join_collapse_limit
    maintenance_io_concurrency max_parallel_workers max_parallel_workers_per_gather min_parallel_index_scan_size
    min_parallel_table_scan_size parallel_leader_participation parallel_setup_cost parallel_tuple_cost plan_cache_mode
    random_page_cost recursive_worktable_factor search_path seq_page_cost temp_buffers work_mem`,
  NO_RESET_ALL: 'transaction_deferrable transaction_isolation transaction_read_only',
  NOT_IN_SAMPLE: `allow_in_place_tablespaces allow_system_table_mods application_name backtrace_functions block_size
    data_checksums data_directory_mode debug_assertions debug_discard_caches force_parallel_mode ignore_checksum_failure
    ignore_invalid_pages ignore_system_indexes in_hot_standby integer_datetimes jit_debugging_support jit_dump_bitcode
    jit_expressions jit_profiling_support jit_tuple_deforming lc_collate lc_ctype max_function_args max_identifier_length
    max_index_keys post_auth_delay pre_auth_delay remove_temp_files_after_crash segment_size server_encoding server_version
    server_version_num shared_memory_size shared_memory_size_in_huge_pages ssl_library trace_notify
    trace_recovery_messages trace_sort transaction_deferrable transaction_isolation transaction_read_only wal_block_size
    wal_consistency_checking wal_segment_size zero_damaged_pages`,
  RUNTIME_COMPUTED:
    'data_checksums data_directory_mode shared_memory_size shared_memory_size_in_huge_pages wal_segment_size',
};
const settingsOf = new Map(Object.entries(FLAGS).map(([flag, names]) => [flag, new Set(names.split(/\s+/))]));

fn(
  'pg_settings_get_flags(text) _text',
  (name: string, ctx: ExecContext) => {
    if (ctx.services.setting(name, true) === null) return null;
    const flags = [...settingsOf].filter(([, names]) => names.has(name.toLowerCase()));
    return new PgArray(
      OID.text,
      flags.map(([flag]) => flag),
    );
  },
  STABLE,
);

/** Encodings with characters of more than one byte, by that number of bytes. */
const WIDE: readonly (readonly number[])[] = [[], [], [35, 36, 37, 38, 41], [1, 2, 3, 5, 40], [4, 6, 7, 39]];
fn(
  'pg_encoding_max_length(int4) int4',
  (number: number) => {
    if (encodingName(number) === '') return null;
    const bytes = WIDE.findIndex((numbers) => numbers.includes(number));
    return bytes < 0 ? 1 : bytes;
  },
  { volatility: 'immutable' },
);
