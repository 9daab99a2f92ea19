-- The text of an array or a range is not immutable, whatever its elements are, and neither is reading one.
create domain dd as int;
create table i1 (a int[], b text[], d dd[], r int4range, m int4multirange, t text, u text);
create index on i1 ((a::text));
create index on i1 ((b::text));
create index on i1 ((d::text));
create index on i1 ((r::text));
create index on i1 ((m::text));
create index on i1 ((t::int[]));
create index on i1 ((a::bigint[]));
create index on i1 ((b::varchar[]));
create index on i1 (t) where r::text > '';
create index on i1 ((u || r));
create index on i1 ((r::int4multirange));
alter table i1 add column g text generated always as (a::text) stored;
alter table i1 add column g text generated always as (a[1]::text) stored;
alter table i1 add column h text generated always as (array_to_string(b, ',')) stored;
select a::text, r::text from i1 where a::text = '{1}' or r::text = 'empty';
select '{1,2}'::int[]::text, '[1,3)'::int4range::text, '{1,2}'::text::int[], '{1,2}'::text::int[] = array[1,2];
