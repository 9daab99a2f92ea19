-- Names of objects that aggregates show or take
create table one (a int);
create table two (a int);
create table named (k int, c regclass);
insert into named values (1, 'one'), (2, 'two'), (3, 'one');
select json_agg(c order by k) from named;
select jsonb_object_agg(k, c) from named;
select string_agg(c::text, ',' order by k) from named;
select array_agg(c order by k) from named;
select json_agg(n order by k) from named n;
select max(k) filter (where c = 'two'::regclass), count(distinct c) from named;
select json_agg(row(c, k) order by k) from named;
select array_agg(c order by k)::text from named;
