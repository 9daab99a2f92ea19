-- A written cast without a modifier takes the modifier away.
create temp table n (a numeric(12,2) primary key, v varchar(3), c char(4), t timestamp(0));
insert into n values (1.5,'abc','x',timestamp '2024-01-01');
select (a::numeric)::text, v::varchar, c::bpchar || '|' from n where a::numeric = 1.5 and v::varchar = 'abc' and c::bpchar = 'x';
create temp view nv as select a::numeric, v::varchar, c::bpchar, t::timestamp, a::numeric(12,2) as b from n;
create temp table nt as select a::numeric, v::varchar, c::bpchar, t::timestamp from n;
select a::numeric, count(*) from n group by a::numeric;
select a, count(*) from n group by a::numeric, a;
with recursive r (n, v) as (select 1, cast(a as numeric) from n union all select n + 1, cast(numeric '-7' as numeric) from r where n < 3) select n, v from r;
select 1.25::numeric(3,1)::numeric, '2020-01-01 00:00:00.6'::timestamp(0)::timestamp, 'abcd'::varchar(2)::varchar || 'x', '101'::bit(3)::varbit;
create temp table p (a int primary key, b int references p);
alter table p alter a type date using null;
alter table p alter a type text;
select a::numeric from n union select 1.23456;
