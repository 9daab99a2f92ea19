-- DISTINCT compares what it gives, so that literals in a part of a UNION have their type by then.
select distinct null union all select 1;
select distinct '1' union all select 1;
select '1' union all select 1;
select distinct '1' union select 'x'::varchar;
prepare a as select distinct $1 union all select 1;
prepare b as select $1 union all select 1;
execute b (2);
select distinct on (1) '1' union all select 'a';
create table retyped (a int, b text);
alter table retyped alter a type text, alter b type int using 1, alter a type bigint using 1;
alter table retyped alter a type text, alter b type int using 1;
drop table retyped;
