-- LIKE takes a composite type for its attributes.
create type inner_kind as (n numeric(6, 2), t text collate "C");
create type outer_kind as (a int, inside inner_kind, many inner_kind[], v varchar(5));
create type color_kind as enum ('red');
create table like_type (first int, like outer_kind including all, last color_kind);
select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute where attrelid = 'like_type'::regclass and attnum > 0 order by attnum;
insert into like_type values (1, 2, (3, 'x'), array[(4, 'y')::inner_kind], 'abc', 'red');
select * from like_type;
create table like_twice (a int, like outer_kind);
create table like_enum (like color_kind);
create table like_missing (like missing_kind);
alter type outer_kind drop attribute v;
select v from like_type;
drop type outer_kind;
drop type inner_kind cascade;
drop table like_type;
drop type color_kind;
