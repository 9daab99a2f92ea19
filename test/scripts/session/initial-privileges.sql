-- What pg_dump need not write
select n.nspname, i.privtype, i.objsubid, i.initprivs from pg_init_privs i join pg_namespace n on n.oid = i.objoid where i.classoid = 'pg_namespace'::regclass and n.nspname in ('pg_catalog', 'public') order by 1;
select p.proname, i.privtype, i.objsubid, i.initprivs from pg_init_privs i join pg_proc p on p.oid = i.objoid where i.classoid = 'pg_proc'::regclass and p.proname in ('pg_stat_reset', 'pg_stat_reset_shared', 'pg_stat_reset_slru', 'pg_stat_have_stats') order by 1;
select p.proname, p.proacl from pg_proc p where p.proname in ('pg_stat_reset', 'pg_stat_reset_shared', 'now') order by 1;
select p.proname from pg_proc p join pg_init_privs i on i.objoid = p.oid and i.classoid = 'pg_proc'::regclass where p.proname in ('now', 'count', 'pg_stat_reset', 'max') order by 1;
