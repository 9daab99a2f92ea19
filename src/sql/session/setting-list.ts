/**
 * Settings that PostgreSQL has and that have no effect here (but for PL/pgSQL's): scripts, drivers and tools set them, and expect to read
 * back what they set. One line each, under its category: name | kind | default | unit | least..greatest or words |
 * context | description ("-": none).
 */
import type { SettingDefinition, SettingKind } from '../catalog/virtual/setting-definition.js';

const SETTINGS = `
# Client Connection Defaults / Locale and Formatting
default_text_search_config | string | pg_catalog.simple | - | - | user | Sets default text search configuration.
# Client Connection Defaults / Other Defaults
gin_fuzzy_search_limit | integer | 0 | - | 0..2147483647 | user | Sets the maximum allowed result for exact search by GIN.
# Client Connection Defaults / Statement Behavior
restrict_nonsystem_relation_kind | string | - | - | - | user | Prohibits access to non-system relations of specified kinds.
temp_tablespaces | string | - | - | - | user | Sets the tablespace(s) to use for temporary tables and sort files.
vacuum_failsafe_age | integer | 1600000000 | - | 0..2100000000 | user | Age at which VACUUM should trigger failsafe to avoid a wraparound outage.
vacuum_freeze_min_age | integer | 50000000 | - | 0..1000000000 | user | Minimum age at which VACUUM should freeze a table row.
vacuum_freeze_table_age | integer | 150000000 | - | 0..2000000000 | user | Age at which VACUUM should scan whole table to freeze tuples.
vacuum_multixact_failsafe_age | integer | 1600000000 | - | 0..2100000000 | user | Multixact age at which VACUUM should trigger failsafe to avoid a wraparound outage.
vacuum_multixact_freeze_min_age | integer | 5000000 | - | 0..1000000000 | user | Minimum age at which VACUUM should freeze a MultiXactId in a table row.
vacuum_multixact_freeze_table_age | integer | 150000000 | - | 0..2000000000 | user | Multixact age at which VACUUM should scan whole table to freeze tuples.
xmlbinary | enum | base64 | - | base64,hex | user | Sets how binary values are to be encoded in XML.
xmloption | enum | content | - | content,document | user | Sets whether XML data is to be considered documents or fragments.
# Connections and Authentication / Connection Settings
client_connection_check_interval | integer | 0 | ms | 0..2147483647 | user | Sets the time interval between checks for disconnection while running queries.
tcp_keepalives_count | integer | 0 | - | 0..2147483647 | user | Maximum number of TCP keepalive retransmits.
tcp_keepalives_idle | integer | 0 | s | 0..2147483647 | user | Time between issuing TCP keepalives.
tcp_keepalives_interval | integer | 0 | s | 0..2147483647 | user | Time between TCP keepalive retransmits.
tcp_user_timeout | integer | 0 | ms | 0..2147483647 | user | TCP user timeout.
# Customized Options
plpgsql.check_asserts | bool | on | - | - | user | Perform checks given in ASSERT statements.
plpgsql.extra_errors | string | none | - | - | user | List of programming constructs that should produce an error.
plpgsql.extra_warnings | string | none | - | - | user | List of programming constructs that should produce a warning.
plpgsql.print_strict_params | bool | off | - | - | user | Print information about parameters in the DETAIL part of the error messages generated on INTO ... STRICT failures.
plpgsql.variable_conflict | enum | error | - | error,use_variable,use_column | superuser | Sets handling of conflicts between PL/pgSQL variable names and table column names.
# Developer Options
allow_system_table_mods | bool | off | - | - | superuser | Allows modifications of the structure of system tables.
force_parallel_mode | enum | off | - | off,on,regress | user | Forces use of parallel query facilities.
jit_expressions | bool | on | - | - | user | Allow JIT compilation of expressions.
jit_tuple_deforming | bool | on | - | - | user | Allow JIT compilation of tuple deforming.
# Query Tuning / Genetic Query Optimizer
geqo_effort | integer | 5 | - | 1..10 | user | GEQO: effort is used to set the default for other GEQO parameters.
geqo_generations | integer | 0 | - | 0..2147483647 | user | GEQO: number of iterations of the algorithm.
geqo_pool_size | integer | 0 | - | 0..2147483647 | user | GEQO: number of individuals in the population.
geqo_seed | real | 0 | - | 0..1 | user | GEQO: seed for random path selection.
geqo_selection_bias | real | 2 | - | 1.5..2 | user | GEQO: selective pressure within the population.
geqo_threshold | integer | 12 | - | 2..2147483647 | user | Sets the threshold of FROM items beyond which GEQO is used.
# Query Tuning / Other Planner Options
constraint_exclusion | enum | partition | - | partition,on,off | user | Enables the planner to use constraints to optimize queries.
cursor_tuple_fraction | real | 0.1 | - | 0..1 | user | Sets the planner's estimate of the fraction of a cursor's rows that will be retrieved.
recursive_worktable_factor | real | 10 | - | 0.001..1e+06 | user | Sets the planner's estimate of the average size of a recursive query's working table.
# Query Tuning / Planner Cost Constants
cpu_index_tuple_cost | real | 0.005 | - | 0..1.79769e+308 | user | Sets the planner's estimate of the cost of processing each index entry during an index scan.
cpu_operator_cost | real | 0.0025 | - | 0..1.79769e+308 | user | Sets the planner's estimate of the cost of processing each operator or function call.
cpu_tuple_cost | real | 0.01 | - | 0..1.79769e+308 | user | Sets the planner's estimate of the cost of processing each tuple (row).
effective_cache_size | integer | 524288 | 8kB | 1..2147483647 | user | Sets the planner's assumption about the total size of the data caches.
jit_above_cost | real | 100000 | - | -1..1.79769e+308 | user | Perform JIT compilation if query is more expensive.
jit_inline_above_cost | real | 500000 | - | -1..1.79769e+308 | user | Perform JIT inlining if query is more expensive.
jit_optimize_above_cost | real | 500000 | - | -1..1.79769e+308 | user | Optimize JIT-compiled functions if query is more expensive.
min_parallel_index_scan_size | integer | 64 | 8kB | 0..715827882 | user | Sets the minimum amount of index data for a parallel scan.
min_parallel_table_scan_size | integer | 1024 | 8kB | 0..715827882 | user | Sets the minimum amount of table data for a parallel scan.
parallel_setup_cost | real | 1000 | - | 0..1.79769e+308 | user | Sets the planner's estimate of the cost of starting up worker processes for parallel query.
parallel_tuple_cost | real | 0.1 | - | 0..1.79769e+308 | user | Sets the planner's estimate of the cost of passing each tuple (row) from worker to leader backend.
# Query Tuning / Planner Method Configuration
enable_async_append | bool | on | - | - | user | Enables the planner's use of async append plans.
enable_partitionwise_aggregate | bool | off | - | - | user | Enables partitionwise aggregation and grouping.
enable_partitionwise_join | bool | off | - | - | user | Enables partitionwise join.
# Reporting and Logging / Process Title
update_process_title | bool | on | - | - | superuser | Updates the process title to show the active SQL command.
# Reporting and Logging / What to Log
debug_pretty_print | bool | on | - | - | user | Indents parse and plan tree displays.
debug_print_parse | bool | off | - | - | user | Logs each query's parse tree.
debug_print_plan | bool | off | - | - | user | Logs each query's execution plan.
debug_print_rewritten | bool | off | - | - | user | Logs each query's rewritten parse tree.
log_duration | bool | off | - | - | superuser | Logs the duration of each completed SQL statement.
log_error_verbosity | enum | default | - | terse,default,verbose | superuser | Sets the verbosity of logged messages.
log_lock_waits | bool | off | - | - | superuser | Logs long lock waits.
log_parameter_max_length | integer | -1 | B | -1..1073741823 | superuser | Sets the maximum length in bytes of data logged for bind parameter values when logging statements.
log_parameter_max_length_on_error | integer | 0 | B | -1..1073741823 | user | Sets the maximum length in bytes of data logged for bind parameter values when logging statements, on error.
log_replication_commands | bool | off | - | - | superuser | Logs each replication command.
log_temp_files | integer | -1 | kB | -1..2147483647 | superuser | Log the use of temporary files larger than this number of kilobytes.
# Reporting and Logging / When to Log
log_min_duration_sample | integer | -1 | ms | -1..2147483647 | superuser | Sets the minimum execution time above which a sample of statements will be logged. Sampling is determined by log_statement_sample_rate.
log_min_error_statement | enum | error | - | debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic | superuser | Causes all statements generating error at or above this level to be logged.
log_min_messages | enum | warning | - | debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic | superuser | Sets the message levels that are logged.
log_statement_sample_rate | real | 1 | - | 0..1 | superuser | Fraction of statements exceeding log_min_duration_sample to be logged.
log_transaction_sample_rate | real | 0 | - | 0..1 | superuser | Sets the fraction of transactions from which to log all statements.
# Resource Usage / Asynchronous Behavior
backend_flush_after | integer | 0 | 8kB | 0..256 | user | Number of pages after which previously performed writes are flushed to disk.
effective_io_concurrency | integer | 1 | - | 0..1000 | user | Number of simultaneous requests that can be handled efficiently by the disk subsystem.
maintenance_io_concurrency | integer | 10 | - | 0..1000 | user | A variant of effective_io_concurrency that is used for maintenance work.
max_parallel_maintenance_workers | integer | 2 | - | 0..1024 | user | Sets the maximum number of parallel processes per maintenance operation.
max_parallel_workers | integer | 8 | - | 0..1024 | user | Sets the maximum number of parallel workers that can be active at one time.
parallel_leader_participation | bool | on | - | - | user | Controls whether Gather and Gather Merge also run subplans.
# Resource Usage / Cost-Based Vacuum Delay
vacuum_cost_limit | integer | 200 | - | 1..10000 | user | Vacuum cost amount available before napping.
vacuum_cost_page_dirty | integer | 20 | - | 0..10000 | user | Vacuum cost for a page dirtied by vacuum.
vacuum_cost_page_hit | integer | 1 | - | 0..10000 | user | Vacuum cost for a page found in the buffer cache.
vacuum_cost_page_miss | integer | 2 | - | 0..10000 | user | Vacuum cost for a page not found in the buffer cache.
# Resource Usage / Memory
hash_mem_multiplier | real | 2 | - | 1..1000 | user | Multiple of work_mem to use for hash tables.
max_stack_depth | integer | 2048 | kB | 100..2147483647 | superuser | Sets the maximum stack depth, in kilobytes.
# Statistics / Cumulative Query and Index Statistics
stats_fetch_consistency | enum | cache | - | none,cache,snapshot | user | Sets the consistency of accesses to statistics data.
track_activities | bool | on | - | - | superuser | Collects information about executing commands.
track_counts | bool | on | - | - | superuser | Collects statistics on database activity.
track_functions | enum | none | - | none,pl,all | superuser | Collects function-level statistics on database activity.
track_io_timing | bool | off | - | - | superuser | Collects timing statistics for database I/O activity.
track_wal_io_timing | bool | off | - | - | superuser | Collects timing statistics for WAL I/O activity.
# Statistics / Monitoring
compute_query_id | enum | auto | - | auto,regress,on,off | superuser | Enables in-core computation of query identifiers.
log_executor_stats | bool | off | - | - | superuser | Writes executor performance statistics to the server log.
log_parser_stats | bool | off | - | - | superuser | Writes parser performance statistics to the server log.
log_planner_stats | bool | off | - | - | superuser | Writes planner performance statistics to the server log.
log_statement_stats | bool | off | - | - | superuser | Writes cumulative performance statistics to the server log.
# Version and Platform Compatibility / Previous PostgreSQL Versions
default_with_oids | bool | off | - | - | user | Create new tables with OIDs by default.
`;

export function settingsWithoutEffect(): SettingDefinition[] {
  const parts = SETTINGS.split('\n# ').slice(1);
  return parts.flatMap((part) => {
    const [category = '', ...lines] = part.trim().split('\n');
    return lines.map((line) => definition(category, line));
  });
}

function definition(category: string, line: string): SettingDefinition {
  const words = line.split(' | ').map((word) => (word === '-' ? '' : word));
  const [name = '', kind = '', initial = '', unit = '', limits = '', context = '', description = ''] = words;
  const [min, max] = limits.split('..');
  return {
    name,
    kind: kind as SettingKind,
    initial,
    category,
    description,
    context: context === 'superuser' ? 'superuser' : 'user',
    unit: unit === '' ? null : unit,
    min: max === undefined ? null : Number(min),
    max: max === undefined ? null : Number(max),
    values: kind === 'enum' ? limits.split(',') : null,
    report: false,
  };
}
