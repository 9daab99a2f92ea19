-- SET of a function holds while it runs.
create schema apart;
create table apart.t (a int);
insert into apart.t values (1), (2);
create function counted() returns bigint language plpgsql set search_path = apart, pg_temp as $$ begin return (select count(*) from t); end $$;
select counted();
select current_setting('search_path') = 'apart, pg_temp';
create function shown(name text) returns text language sql set search_path to '' set application_name to 'inside' as 'select current_setting(name)';
select shown('search_path'), shown('application_name'), current_setting('application_name') = 'inside';
select proname, proconfig from pg_proc where proname in ('counted', 'shown') order by 1;
select pg_get_functiondef('counted'::regproc);
alter function shown(text) reset application_name;
alter function shown(text) set search_path = "Odd name", public;
select proconfig from pg_proc where proname = 'shown';
select pg_get_functiondef('shown'::regproc);
alter function shown(text) reset all;
select proconfig from pg_proc where proname = 'shown';
create function failing() returns int language plpgsql set search_path = apart as $$ begin raise 'no'; end $$;
do $$ begin perform failing(); exception when others then raise notice '%', current_setting('search_path') = 'apart'; end $$;
create function unknown_setting() returns int language sql set no_such_setting = 1 as 'select 1';
-- Functions of triggers see their row.
create function touched() returns trigger language plpgsql as $$ begin new.changed := now(); if tg_op = 'UPDATE' and old.id is distinct from new.id then raise exception 'no'; end if; return new; end $$;
select touched();
drop function touched;
drop function counted, shown, failing;
drop schema apart cascade;
-- DROP of what is not there
create table here (a int);
drop trigger if exists t on here;
drop trigger t on here;
drop trigger if exists t on nowhere;
drop trigger if exists t on no_schema.nowhere;
drop rule if exists r on here;
drop policy if exists p on here;
drop policy p on here;
drop cast if exists (text as text);
drop operator if exists @#@ (int, int);
drop operator @#@ (int, int);
drop aggregate if exists agg(int);
drop aggregate agg(int);
drop language if exists lang;
drop event trigger if exists e;
drop statistics if exists s;
drop server if exists s;
drop text search configuration if exists c;
drop operator class if exists o using btree;
drop collation if exists no_schema.c;
-- Constraints are looked at by their names.
create table checked (a int, constraint z check (a > 5), constraint y check (a > 3));
insert into checked values (1);
drop table here, checked;
-- What pg_dump asks about the schemas that every database begins with.
select nspname, nspowner, pg_get_userbyid(nspowner), nspacl from pg_namespace where nspname in ('public', 'pg_catalog') order by 1;
select objoid::regnamespace, privtype, initprivs from pg_init_privs where classoid = 'pg_namespace'::regclass and objoid in (11, 2200) order by 1;
select rolname, rolcanlogin, rolsuper from pg_roles where oid = 6171;
