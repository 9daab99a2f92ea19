-- What stood behind refusals of other statements in PostgreSQL's own scripts: messages, order of errors, what must be there.
create schema br;
create table br.u (a int, "Foo" int);
drop table br.nope;
drop view br.nope;
drop index br.nope;
drop foreign table nope;
-- The values of SET are looked at before its columns.
update br.u set b = b + 1;
update br.u set b = 1, a = c;
update br.u set a = c, b = 1;
update br.u set b = 1;
update br.u set b[2] = -b[2];
-- ORDER BY before GROUP BY, and that before DISTINCT ON.
select 1 from br.u group by zz order by yy;
select distinct on (qq) 1 from br.u group by zz;
select 1 from br.u where ww group by zz;
-- A function that is not there is named with all of its arguments.
select nosuch(3) within group (order by 1);
select nosuch(0.5, 'x') within group (order by a) from br.u;
select lower() within group (order by 'x'::text);
select lower('x') within group (order by 1);
select nosuch(1) over ();
select lower('x') over ();
select lower(distinct 'x') over ();
-- A view is a table to GRANT.
create view br.v as select 1 as x;
create role br_role;
grant usage on schema br to br_role;
set role br_role;
grant select on br.v to public;
grant select on br.u to public;
reset role;
-- Types of parameters, results, fields and domains.
create function br.f(widget) returns int language sql as 'select 1';
create function br.f(x int, y widget[]) returns int language sql as 'select 1';
create function br.f(int) returns widget language sql as 'select 1';
create function br.f(int) returns setof widget language plpgsql as 'begin end';
create function br.f(out x widget) language sql as 'select 1';
create function br.f() returns table (x widget) language sql as 'select 1';
create procedure br.p(widget) language sql as 'select 1';
create aggregate br.g(widget) (sfunc = int4pl, stype = int);
create aggregate br.g(int) (sfunc = int4pl, stype = widget);
create type br.c as (a widget);
create domain br.d as widget;
alter table br.u alter a type widget;
alter table br.u add w widget;
create table br.t (a widget);
-- Comments on what is not there, and owners of it.
comment on conversion nosuch is 'x';
comment on language nosuch is 'x';
comment on access method nosuch is 'x';
comment on tablespace nosuch is 'x';
comment on subscription nosuch is 'x';
comment on text search parser nosuch is 'x';
comment on foreign table nosuch is 'x';
comment on foreign table br.u is 'x';
comment on language sql is null;
comment on tablespace pg_default is null;
alter subscription nosuch owner to postgres;
alter language nosuch owner to postgres;
alter conversion nosuch owner to postgres;
alter tablespace nosuch owner to postgres;
-- Tablespaces and access methods.
create table br.t (a int) tablespace nosuch;
create table br.t (a int) tablespace pg_global;
create table br.t (a int) using nosuch;
create table br.t (a int) using btree;
create table br.t (a int unique using index tablespace nosuch);
create table br.t tablespace nosuch as select 1;
create table br.t using nosuch as select 1;
create materialized view br.m using nosuch as select 1;
create index on br.u (a) tablespace nosuch;
alter table br.u set tablespace nosuch;
alter table br.u set access method nosuch;
alter table br.u set access method heap;
create database br_db tablespace nosuch;
create table br.t (a int) using heap tablespace pg_default;
set default_tablespace = 'nosuch';
set default_table_access_method = 'nosuch';
set default_table_access_method = '';
set default_table_access_method = 'btree';
set default_table_access_method = heap;
select has_foreign_data_wrapper_privilege('postgres', 'nosuch', 'USAGE');
select has_server_privilege('nosuch', 'USAGE');
select has_server_privilege(12345::oid, 'USAGE');
select has_language_privilege('nosuch', 'usage');
select has_language_privilege('sql', 'usage'), has_tablespace_privilege('pg_default', 'create');
select has_tablespace_privilege('nosuch', 'create');
-- Columns of indexes.
create table br.i (a int, b int);
create index ii on br.i (a, a, (a + b), (b + a), b desc) include (b);
select attname, attnum from pg_attribute where attrelid = 'br.ii'::regclass order by 2;
select col, prop, pg_index_column_has_property('br.ii'::regclass, col, prop) as has
  from unnest(array[1, 5, 6, 7]) col,
       unnest(array['asc', 'DESC', 'nulls_first', 'nulls_last', 'orderable', 'distance_orderable', 'returnable', 'search_array', 'bogus']) prop
  order by 1, 2;
select amname, prop, pg_indexam_has_property(a.oid, prop) as has
  from pg_am a, unnest(array['can_order', 'can_unique', 'can_multi_col', 'can_exclude', 'can_include', 'bogus']) prop
  where amname in ('btree', 'hash', 'gin', 'brin') order by 1, 2;
select * from pg_partition_ancestors(0);
select pg_typeof(pg_partition_ancestors(0)) is null;
-- Names of what depends, as SQL reads them.
create table br."Camel" (a int);
create view br."V w" as select * from br."Camel";
drop table br."Camel";
drop table br."Camel" cascade;
create schema "S x";
create table "S x"."Tab" (a int);
create function "S x"."Fn"(int) returns int language sql as 'select 1';
create domain "S x"."D m" as int;
drop schema "S x";
drop schema "S x" cascade;
-- Prepared transactions are not allowed; what tried ends its block.
begin;
insert into br.u values (1, 1);
prepare transaction 'x';
select count(*) from br.u;
begin;
select 1 / 0;
prepare transaction 'x';
select 2;
prepare transaction 'y';
commit prepared 'z';
begin;
rollback prepared 'z';
rollback;
drop schema br cascade;
drop role br_role;
-- INTO is blanks in the query that an error shows.
create function br_into() returns int language plpgsql as $$
declare v int;
begin
  select *
    into v
    from br_nosuch(1, 'x', 'y', 'z', 'a', 'b', 'c', 'd', 'e', 'f', 'g');
  return v;
end $$;
select br_into();
create or replace function br_into() returns int language plpgsql as $$
declare v int;
begin
  select 1, br_nosuch into strict v where true;
  return v;
end $$;
select br_into();
create function br_bad() returns int language plpgsql as $$
declare v int;
begin
  select 1 into v from where true;
end $$;
drop function br_into;
-- What is in the way of several objects is told together, that of the last first.
create schema br1;
create schema br2;
create table br1.a (i int);
create table br1.b (i int);
create table br2.a (i int);
create view br1.v as select * from br1.b;
drop schema br1, br2;
drop schema br1, br2 cascade;
create table br_a (i int);
create table br_b (i int);
create view br_va as select * from br_a;
create view br_vb as select * from br_b;
create view br_vab as select br_a.i from br_a, br_b;
drop table br_a, br_b;
drop table br_a, br_nosuch;
drop table br_a, br_b cascade;
create table br_a (i int);
create table br_b (i int);
create view br_va as select * from br_a;
drop table br_a, br_b;
drop table br_b, br_a cascade;
create domain br_d1 as int;
create domain br_d2 as int;
create table br_t (a br_d1, b br_d2);
drop domain br_d1, br_d2;
drop domain br_d1, br_d2 cascade;
drop table br_t;
-- A value that OVERRIDING USER VALUE puts aside is not drawn.
create table br_i (a int generated always as identity, b text);
insert into br_i overriding user value values (default, 'a'), (-4, 'b');
insert into br_i overriding user value values (default, 'c');
insert into br_i overriding user value select -1, 'd';
insert into br_i values (default, 'e'), (default, 'f');
select * from br_i order by a;
drop table br_i;
