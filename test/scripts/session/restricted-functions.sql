-- Functions that are not everybody's to call
create role res_plain;
create role res_monitor;
create role res_stats;
grant pg_monitor to res_monitor;
grant pg_read_all_stats to res_stats;
select p.proname, has_function_privilege('res_plain', p.oid, 'execute') as plain, has_function_privilege('res_monitor', p.oid, 'execute') as monitor, has_function_privilege('res_stats', p.oid, 'execute') as stats from pg_proc p where p.proname in ('pg_stat_reset', 'pg_stat_reset_shared', 'pg_stat_reset_single_function_counters', 'pg_stat_reset_single_table_counters', 'pg_stat_reset_slru', 'pg_stat_have_stats') and p.prokind = 'f' order by 1;
set role res_plain;
select pg_stat_reset();
select pg_stat_reset_single_table_counters(0);
select pg_stat_reset_shared('bgwriter');
reset role;
select pg_stat_reset_single_table_counters(0) is not null;
drop role res_plain, res_monitor, res_stats;
