-- Names of more than 63 bytes are shortened, and the client is told.
select 1 as a23456789012345678901234567890123456789012345678901234567890123456789;
select 1 as "ééééééééééééééééééééééééééééééééé";
select 1 as "ééééééééééééééééééééééééééééééé1", 2 as b;
create table t_long (a2345678901234567890123456789012345678901234567890123456789012345 int);
select a23456789012345678901234567890123456789012345678901234567890123 from t_long;
-- Letters at once behind a parameter.
prepare p1 as select $1a;
prepare p1 as select $1::int;
-- Said without a place.
select 1 fetch first 1 row with ties;
select a from (values (1)) v(a) order by a fetch first 1 row with ties for update skip locked;
-- Settings of one's own, once met, are there.
show own.never_set;
select current_setting('own.never_set', true) is null;
begin;
set local own.a = 'x';
commit;
show own.a;
select current_setting('own.a', true) = '';
begin;
set own.b = 'x';
rollback;
show own.b;
set own.c = 'x';
reset own.c;
show own.c;
reset own.d;
show own.d;
set own.e to default;
show own.e;
-- A schema that is not there.
select 'nowhere.t'::regclass;
select nextval('nowhere.t'::text);
select has_table_privilege('nowhere.t', 'select');
select to_regclass('nowhere.t');
select 'a.b.c'::regclass;
select '"x Y"'::regclass;
-- COPY of MERGE.
copy (merge into t_long using (select 1) s on true when matched then delete) to stdout;
-- Places in subscripts.
select ('[1]'::jsonb)[1:];
select ('[1]'::jsonb)[:1];
-- Days behind all timestamps.
select jsonb_path_query('"1000000-01-01"', '$.datetime() > "2020-01-01 12:00:00".datetime()');
select jsonb_path_query_tz('"1000000-01-01"', '$.datetime() > "2020-01-01 12:00:00+01".datetime()');
set timezone to 'Asia/Tokyo';
select '4714-11-24 BC'::date::timestamptz;
reset timezone;
-- SEARCH and CYCLE.
with recursive x(c) as (
  select 1 union (with x as (select * from x) select * from x)
) search depth first by c set s
select * from x;
with recursive x(c) as (select 1 union all select c from x)
cycle c set is_cycle to true default 55 using p
select * from x;
-- An operator that a cast nobody wrote goes around keeps its parentheses.
create table t_sampled (a int);
create view v_bounds as select 1 as a limit 1 + 1 offset 2 * 2;
create view v_sample as select a from t_sampled tablesample bernoulli (10 * 2) repeatable (1 + 1);
create view v_ties as select a from t_sampled order by a fetch first (null + 1) rows with ties;
select pg_get_viewdef('v_bounds', true), pg_get_viewdef('v_bounds');
select pg_get_viewdef('v_sample', true), pg_get_viewdef('v_sample');
select pg_get_viewdef('v_ties', true), pg_get_viewdef('v_ties');
-- Bodies that are no text.
create function f_poly(x anyelement) returns int language sql return 1;
create function f_wrong(x date) returns boolean
 language sql
 return x > 1;
create function f_second(x int) returns boolean
 language sql
 begin atomic select 1;
   select x > 'a'; end;
create function f_missing() returns int
as $$
begin
  return ;
end $$ language plpgsql;
-- What may have been an argument.
select string_agg(1, 2 order by 3);
select string_agg('a' order by 1, ',');
select sum(a) over (order by b range between 1 preceding and 1 following)
  from (values (1, 'a'::varchar)) v(a, b);
-- A column of USING is what it is computed from.
create table t_u1 (f int);
create table t_u2 (f bigint);
create table t_u3 (f int);
insert into t_u1 values (1), (1), (2);
insert into t_u2 values (2), (3);
insert into t_u3 values (2), (3);
select f, count(*) from t_u1 left join t_u2 using (f) group by t_u1.f order by 1;
select f, count(*) from t_u1 full join t_u3 using (f) group by t_u1.f, t_u3.f order by 1;
select f from t_u1 full join t_u3 using (f) group by t_u3.f;
select t_u1.f from t_u1 left join t_u2 using (f) group by f;
select f + 1 from t_u1 right join t_u2 using (f) group by t_u2.f order by 1;
