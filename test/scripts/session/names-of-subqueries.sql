-- Columns without a name that stand for a subquery have the name of its column, through casts and CASE, also where that is ?column?.
select (select 1 + 1)::int;
select (select * from (values (1)) v (k));
select (select v.* from (values (1)) v (k));
select case when true then 1 else (select 1 + 1) end;
select (select 1 + 1 union all select 2 limit 1)::text;
select (select 1 as a union all select 2 limit 1);
select (select count(*) union all select 2 limit 1);
select (select (select 1 + 1))::text;
select coalesce((select 1 + 1), 2), ((select 1 + 1) collate "C")::text from (select 1) q where false;
select (values (1))::text;
select (select 1 + 1)[1] from (select 1) q where false;
select ((select array[1]))[1], ((select '{1}'::int[] || 1))[1];
select (with x as (select 1 as k) select k + 1 from x)::text, (with x as (select 1 as k) table x)::text;
select (select 'a' || 'b')::varchar(3), (select -1)::int8, (select not true)::text;
create view named as select (select 1 + 1)::int, 2 as b;
select * from named;
create table made as select (select 1 + 1)::text, case when true then 1 else (select 2) end as c;
select * from made;
