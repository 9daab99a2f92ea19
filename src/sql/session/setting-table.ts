/**
 * The settings (GUCs) that clients read and write, as data: default, kind, what values are taken.
 * Those without an effect here are kept and shown because clients set them at start-up.
 */
import type { SettingDefinition, SettingKind } from '../catalog/virtual/setting-definition.js';
import { settingsWithoutEffect } from './setting-list.js';

export type { SettingDefinition, SettingKind };

/** What server_version says: drivers parse it as PostgreSQL's. */
export const SERVER_VERSION = '15.13';
export const SERVER_VERSION_NUM = '150013';
export const VERSION_TEXT = `PostgreSQL ${SERVER_VERSION} (Quoral 0.1.0) on Node.js, distributed`;

interface Extra {
  readonly context?: SettingDefinition['context'];
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly values?: readonly string[];
  readonly report?: boolean;
}

const table = new Map<string, SettingDefinition>();

function define(
  name: string,
  kind: SettingKind,
  initial: string,
  category: string,
  description: string,
  extra: Extra = {},
): void {
  table.set(name.toLowerCase(), {
    name,
    kind,
    initial,
    category,
    description,
    context: extra.context ?? (OF_SUPERUSERS.has(name) ? 'superuser' : 'user'),
    unit: extra.unit ?? null,
    min: extra.min ?? null,
    max: extra.max ?? null,
    values: extra.values ?? null,
    report: extra.report ?? false,
  });
}

/** PostgreSQL lets nobody else set them. */
const OF_SUPERUSERS: ReadonlySet<string> = new Set(
  `commit_delay compute_query_id deadlock_timeout dynamic_library_path lc_messages lo_compat_privileges log_duration log_error_verbosity
  log_executor_stats log_lock_waits log_min_duration_sample log_min_duration_statement log_min_error_statement log_min_messages
  log_parameter_max_length log_parser_stats log_planner_stats log_replication_commands log_statement log_statement_sample_rate
  log_statement_stats log_temp_files log_transaction_sample_rate max_stack_depth session_preload_libraries session_replication_role
  temp_file_limit track_activities track_counts track_functions track_io_timing track_wal_io_timing update_process_title
  wal_compression wal_init_zero wal_recycle zero_damaged_pages`.split(/\s+/),
);
const STATEMENTS = 'Client Connection Defaults / Statement Behavior';
const INT_MAX = 2147483647;
const ISOLATION = ['serializable', 'repeatable read', 'read committed', 'read uncommitted'];
const LEVELS = ['debug5', 'debug4', 'debug3', 'debug2', 'debug1', 'debug', 'log', 'notice', 'warning', 'error'];
const MS = { unit: 'ms', min: 0, max: INT_MAX } as const;

define(
  'application_name',
  'string',
  '',
  'Reporting and Logging / What to Log',
  'Sets the application name to be reported in statistics and logs.',
  { report: true },
);
define('array_nulls', 'bool', 'on', 'Version and Platform Compatibility', 'Enable input of NULL elements in arrays.');
define(
  'backslash_quote',
  'enum',
  'safe_encoding',
  'Version and Platform Compatibility',
  'Sets whether "\\\'" is allowed in string literals.',
  { values: ['safe_encoding', 'on', 'off'] },
);
define('block_size', 'integer', '8192', 'Preset Options', 'Shows the size of a disk block.', { context: 'internal' });
define('bytea_output', 'enum', 'hex', STATEMENTS, 'Sets the output format for bytea.', { values: ['hex', 'escape'] });
define('check_function_bodies', 'bool', 'on', STATEMENTS, 'Check routine bodies during creation.');
define(
  'client_encoding',
  'string',
  'UTF8',
  'Client Connection Defaults / Locale and Formatting',
  "Sets the client's character set encoding.",
  { report: true },
);
define('client_min_messages', 'enum', 'notice', STATEMENTS, 'Sets the message levels that are sent to the client.', {
  values: LEVELS,
});
define(
  'DateStyle',
  'string',
  'ISO, MDY',
  'Client Connection Defaults / Locale and Formatting',
  'Sets the display format for date and time values.',
  { report: true },
);
define(
  'deadlock_timeout',
  'integer',
  '1000',
  'Lock Management',
  'Sets the time to wait on a lock before checking for deadlock.',
  { unit: 'ms', min: 1, max: INT_MAX, context: 'superuser' },
);
define(
  'default_statistics_target',
  'integer',
  '100',
  'Query Tuning / Other Planner Options',
  'Sets the default statistics target.',
  { min: 1, max: 10000 },
);
define(
  'default_table_access_method',
  'string',
  'heap',
  STATEMENTS,
  'Sets the default table access method for new tables.',
);
define('default_tablespace', 'string', '', STATEMENTS, 'Sets the default tablespace to create tables and indexes in.');
define(
  'default_toast_compression',
  'enum',
  'pglz',
  STATEMENTS,
  'Sets the default compression method for compressible values.',
  { values: ['pglz', 'lz4'] },
);
define(
  'default_transaction_deferrable',
  'bool',
  'off',
  STATEMENTS,
  'Sets the default deferrable status of new transactions.',
);
define(
  'default_transaction_isolation',
  'enum',
  'serializable',
  STATEMENTS,
  'Sets the transaction isolation level of each new transaction.',
  { values: ISOLATION },
);
define(
  'default_transaction_read_only',
  'bool',
  'off',
  STATEMENTS,
  'Sets the default read-only status of new transactions.',
  { report: true },
);
for (const name of [
  'bitmapscan',
  'hashagg',
  'hashjoin',
  'indexonlyscan',
  'indexscan',
  'material',
  'memoize',
  'mergejoin',
  'nestloop',
  'partition_pruning',
  'seqscan',
  'sort',
  'tidscan',
  'parallel_append',
  'parallel_hash',
  'gathermerge',
  'incremental_sort',
]) {
  define(
    `enable_${name}`,
    'bool',
    'on',
    'Query Tuning / Planner Method Configuration',
    `Enables the planner's use of ${name} plans.`,
  );
}
define(
  'escape_string_warning',
  'bool',
  'on',
  'Version and Platform Compatibility',
  'Warn about backslash escapes in ordinary string literals.',
);
define(
  'extra_float_digits',
  'integer',
  '1',
  'Client Connection Defaults / Locale and Formatting',
  'Sets the number of digits displayed for floating-point values.',
  { min: -15, max: 3 },
);
define(
  'from_collapse_limit',
  'integer',
  '8',
  'Query Tuning / Other Planner Options',
  'Sets the FROM-list size beyond which subqueries are not collapsed.',
  { min: 1, max: INT_MAX },
);
define('geqo', 'bool', 'on', 'Query Tuning / Genetic Query Optimizer', 'Enables genetic query optimization.');
define(
  'gin_pending_list_limit',
  'integer',
  '4096',
  STATEMENTS,
  'Sets the maximum size of the pending list for GIN index.',
  { unit: 'kB', min: 64, max: INT_MAX },
);
define('hba_file', 'string', '', 'File Locations', 'Sets the server\'s "hba" configuration file.', {
  context: 'postmaster',
});
define(
  'idle_in_transaction_session_timeout',
  'integer',
  '0',
  STATEMENTS,
  'Sets the maximum allowed idle time between queries, when in a transaction.',
  MS,
);
define(
  'idle_session_timeout',
  'integer',
  '0',
  STATEMENTS,
  'Sets the maximum allowed idle time between queries, when not in a transaction.',
  MS,
);
define('in_hot_standby', 'bool', 'off', 'Preset Options', 'Shows whether hot standby is currently active.', {
  context: 'internal',
  report: true,
});
define('integer_datetimes', 'bool', 'on', 'Preset Options', 'Shows whether datetimes are integer based.', {
  context: 'internal',
  report: true,
});
define(
  'IntervalStyle',
  'enum',
  'postgres',
  'Client Connection Defaults / Locale and Formatting',
  'Sets the display format for interval values.',
  { values: ['postgres', 'postgres_verbose', 'sql_standard', 'iso_8601'], report: true },
);
define('is_superuser', 'bool', 'on', 'Preset Options', 'Shows whether the current user is a superuser.', {
  context: 'internal',
  report: true,
});
define('jit', 'bool', 'off', 'Query Tuning / Other Planner Options', 'Allow JIT compilation.');
define(
  'join_collapse_limit',
  'integer',
  '8',
  'Query Tuning / Other Planner Options',
  'Sets the FROM-list size beyond which JOIN constructs are not flattened.',
  { min: 1, max: INT_MAX },
);
define('lc_collate', 'string', 'C.UTF-8', 'Preset Options', 'Shows the collation order locale.', {
  context: 'internal',
});
define(
  'lc_ctype',
  'string',
  'C.UTF-8',
  'Preset Options',
  'Shows the character classification and case conversion locale.',
  { context: 'internal' },
);
for (const name of ['messages', 'monetary', 'numeric', 'time']) {
  define(
    `lc_${name}`,
    'string',
    'C.UTF-8',
    'Client Connection Defaults / Locale and Formatting',
    `Sets the locale for ${name}.`,
  );
}
define(
  'listen_addresses',
  'string',
  'localhost',
  'Connections and Authentication / Connection Settings',
  'Sets the host name or IP address(es) to listen to.',
  { context: 'postmaster' },
);
define(
  'lo_compat_privileges',
  'bool',
  'off',
  'Version and Platform Compatibility',
  'Enables backward compatibility mode for privilege checks on large objects.',
);
define('lock_timeout', 'integer', '0', STATEMENTS, 'Sets the maximum allowed duration of any wait for a lock.', MS);
define(
  'log_min_duration_statement',
  'integer',
  '-1',
  'Reporting and Logging / When to Log',
  'Sets the minimum execution time above which all statements will be logged.',
  { unit: 'ms', min: -1, max: INT_MAX },
);
define('log_statement', 'enum', 'none', 'Reporting and Logging / What to Log', 'Sets the type of statements logged.', {
  values: ['none', 'ddl', 'mod', 'all'],
});
define(
  'maintenance_work_mem',
  'integer',
  '65536',
  'Resource Usage / Memory',
  'Sets the maximum memory to be used for maintenance operations.',
  { unit: 'kB', min: 1024, max: INT_MAX },
);
define(
  'max_connections',
  'integer',
  '1000',
  'Connections and Authentication / Connection Settings',
  'Sets the maximum number of concurrent connections.',
  { context: 'postmaster' },
);
define('max_identifier_length', 'integer', '63', 'Preset Options', 'Shows the maximum identifier length.', {
  context: 'internal',
});
define('max_index_keys', 'integer', '32', 'Preset Options', 'Shows the maximum number of index keys.', {
  context: 'internal',
});
define(
  'max_parallel_workers_per_gather',
  'integer',
  '2',
  'Resource Usage / Asynchronous Behavior',
  'Sets the maximum number of parallel processes per executor node.',
  { min: 0, max: 1024 },
);
define(
  'max_prepared_transactions',
  'integer',
  '0',
  'Resource Usage / Memory',
  'Sets the maximum number of simultaneously prepared transactions.',
  { context: 'postmaster' },
);
define(
  'password_encryption',
  'enum',
  'scram-sha-256',
  'Connections and Authentication / Authentication',
  'Chooses the algorithm for encrypting passwords.',
  { values: ['md5', 'scram-sha-256'] },
);
define(
  'plan_cache_mode',
  'enum',
  'auto',
  'Query Tuning / Other Planner Options',
  "Controls the planner's selection of custom or generic plan.",
  { values: ['auto', 'force_generic_plan', 'force_custom_plan'] },
);
define(
  'port',
  'integer',
  '7432',
  'Connections and Authentication / Connection Settings',
  'Sets the TCP port the server listens on.',
  { context: 'postmaster' },
);
define(
  'quote_all_identifiers',
  'bool',
  'off',
  'Version and Platform Compatibility',
  'When generating SQL fragments, quote all identifiers.',
);
define(
  'random_page_cost',
  'real',
  '4',
  'Query Tuning / Planner Cost Constants',
  "Sets the planner's estimate of the cost of a nonsequentially fetched disk page.",
  { min: 0 },
);
define('role', 'string', 'none', 'Ungrouped', 'Sets the current role.');
define('row_security', 'bool', 'on', STATEMENTS, 'Enable row security.');
define(
  'search_path',
  'string',
  '"$user", public',
  STATEMENTS,
  'Sets the schema search order for names that are not schema-qualified.',
);
define(
  'seq_page_cost',
  'real',
  '1',
  'Query Tuning / Planner Cost Constants',
  "Sets the planner's estimate of the cost of a sequentially fetched disk page.",
  { min: 0 },
);
define('server_encoding', 'string', 'UTF8', 'Preset Options', 'Shows the server (database) character set encoding.', {
  context: 'internal',
  report: true,
});
define('server_version', 'string', SERVER_VERSION, 'Preset Options', 'Shows the server version.', {
  context: 'internal',
  report: true,
});
define(
  'server_version_num',
  'integer',
  SERVER_VERSION_NUM,
  'Preset Options',
  'Shows the server version as an integer.',
  { context: 'internal' },
);
define('session_authorization', 'string', 'postgres', 'Ungrouped', 'Sets the current session user name.', {
  report: true,
});
define(
  'session_replication_role',
  'enum',
  'origin',
  STATEMENTS,
  "Sets the session's behavior for triggers and rewrite rules.",
  { values: ['origin', 'replica', 'local'] },
);
define(
  'shared_buffers',
  'integer',
  '16384',
  'Resource Usage / Memory',
  'Sets the number of shared memory buffers used by the server.',
  { context: 'postmaster', unit: '8kB' },
);
define('ssl', 'bool', 'off', 'Connections and Authentication / SSL', 'Enables SSL connections.', {
  context: 'postmaster',
});
define(
  'standard_conforming_strings',
  'bool',
  'on',
  'Version and Platform Compatibility',
  "Causes '...' strings to treat backslashes literally.",
  { report: true },
);
define(
  'statement_memory_limit',
  'integer',
  '262144',
  'Resource Usage / Memory',
  'Sets the memory that one statement may hold; 53200 beyond it.',
  { unit: 'kB', min: 64, max: INT_MAX },
);
define('statement_timeout', 'integer', '0', STATEMENTS, 'Sets the maximum allowed duration of any statement.', MS);
define(
  'synchronize_seqscans',
  'bool',
  'on',
  'Version and Platform Compatibility',
  'Enable synchronized sequential scans.',
);
define(
  'synchronous_commit',
  'enum',
  'on',
  'Write-Ahead Log / Settings',
  "Sets the current transaction's synchronization level.",
  { values: ['local', 'remote_write', 'remote_apply', 'on', 'off'] },
);
define(
  'temp_buffers',
  'integer',
  '1024',
  'Resource Usage / Memory',
  'Sets the maximum number of temporary buffers used by each session.',
  { unit: '8kB', min: 100, max: INT_MAX },
);
define(
  'TimeZone',
  'string',
  'UTC',
  'Client Connection Defaults / Locale and Formatting',
  'Sets the time zone for displaying and interpreting time stamps.',
  { report: true },
);
define(
  'timezone_abbreviations',
  'string',
  'Default',
  'Client Connection Defaults / Locale and Formatting',
  'Selects a file of time zone abbreviations.',
);
define(
  'transaction_deferrable',
  'bool',
  'off',
  STATEMENTS,
  'Whether to defer a read-only serializable transaction until it can be executed with no possible serialization failures.',
);
define('transaction_isolation', 'enum', 'serializable', STATEMENTS, "Sets the current transaction's isolation level.", {
  values: ISOLATION,
});
define('transaction_read_only', 'bool', 'off', STATEMENTS, "Sets the current transaction's read-only status.");
define(
  'transform_null_equals',
  'bool',
  'off',
  'Version and Platform Compatibility',
  'Treats "expr=NULL" as "expr IS NULL".',
);
define(
  'vacuum_cost_delay',
  'real',
  '0',
  'Resource Usage / Cost-Based Vacuum Delay',
  'Vacuum cost delay in milliseconds.',
  { unit: 'ms', min: 0, max: 100 },
);
define(
  'wal_level',
  'enum',
  'replica',
  'Write-Ahead Log / Settings',
  'Sets the level of information written to the WAL.',
  { context: 'postmaster', values: ['minimal', 'replica', 'logical'] },
);
define(
  'work_mem',
  'integer',
  '4096',
  'Resource Usage / Memory',
  'Sets the maximum memory to be used for query workspaces.',
  { unit: 'kB', min: 64, max: INT_MAX },
);

for (const setting of settingsWithoutEffect()) table.set(setting.name.toLowerCase(), setting);

export function findSetting(name: string): SettingDefinition | null {
  return table.get(name.toLowerCase()) ?? null;
}
export function allSettings(): readonly SettingDefinition[] {
  // What only old dumps set is not shown among all.
  const shown = [...table.values()].filter(({ name }) => name !== 'default_with_oids');
  return shown.sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
}
