-- What PL/pgSQL checks for those who ask for it.
create table pairs (f1 int, f2 text);
insert into pairs values (1, 'a'), (2, 'b');
set plpgsql.extra_warnings to 'all';
do $$ declare x int; y int; z record; begin
select v into x from generate_series(1,2) g(v);
select 1,2,3 into x, y;
select 1 into x, y;
select 1 into z;
execute 'select 1,2' into x;
execute 'select v from generate_series(1,2) g(v)' into x;
select * into x, y from (select 1) v where false;
for x in select 1,2 loop null; end loop;
for x, y in select 1 loop null; end loop;
for z in select 1 loop null; end loop;
end $$;
do $$ declare x int; t pairs; begin
select 1 into t;
select 1,'x','z' into t;
for t in select 1 loop null; end loop;
update pairs set f2 = 'z' where f1 = 1 returning f1, f2 into x;
insert into pairs values (3,'x'),(4,'y') returning f1 into x;
end $$;
set plpgsql.extra_errors to 'too_many_rows';
do $$ declare x int; begin select v into x from generate_series(1,2) g(v); end $$;
do $$ declare x int; begin select v into strict x from generate_series(1,2) g(v); end $$;
do $$ declare x int; begin update pairs set f2 = f2 returning f1 into x; end $$;
set plpgsql.extra_errors to 'strict_multi_assignment';
do $$ declare x int; t pairs; begin select 1 into t; end $$;
do $$ declare x int; y int; begin select 1 into x, y; end $$;
do $$ declare x int; y int; begin select 1 into x, y where false; end $$;
do $$ declare x int; t pairs; begin for t in select 1 loop null; end loop; end $$;
do $$ declare c cursor for select 1; x int; y int; begin open c; fetch c into x, y; end $$;
do $$ declare x int; y int; begin execute 'select 1' into x, y; end $$;
reset plpgsql.extra_errors;
set plpgsql.extra_warnings to 'shadowed_variables';
create function shadow(in1 int, out o1 int) as $$
declare in1 int; o1 text; begin declare o1 int; x int; begin null; end; end $$ language plpgsql;
create function shadow2(f1 int) returns bool as $$ declare c cursor (f1 int) for select 1; begin for f1 in 1..2 loop null; end loop; declare c int; a alias for f1; begin declare a int; begin end; end; return true; end $$ language plpgsql;
set plpgsql.extra_errors to 'shadowed_variables';
create or replace function shadow2(f1 int) returns text as $$ declare f1 int; begin return 1; end $$ language plpgsql;
create or replace function shadow2(f1 int) returns bool as $$ declare f1 int; begin return 1; end $$ language plpgsql;
set check_function_bodies to off;
create or replace function shadow2(f1 int) returns bool as $$ declare f1 int; begin return 1; end $$ language plpgsql;
create function unread() returns int as $$ begin foo bar $$ language plpgsql;
create function unread2() returns int as $$ selec 1 $$ language sql;
reset check_function_bodies;
reset plpgsql.extra_errors;
reset plpgsql.extra_warnings;
-- The parameters of a query that should have given one row.
create function strictly(p1 int, p3 text) returns void as $$ #print_strict_params on
declare r record; w pairs; l int := 3;
begin
 select 1 as a, null::text as b into r;
 w := row(7,'q''q');
 select f1 into strict p1 from pairs where f1 = strictly.p1 and f2 = p3 and f1 = r.a and f2 = r.b and f2 = w.f2 and l = 3;
end $$ language plpgsql;
select strictly(100, 'x''y');
create function strictly(int) returns void as $$ #print_strict_params on
declare l date := '2020-01-01'; some int[] := '{1,2}'; n record;
begin
 update pairs set f2 = f2 where f1 = $1 + 100 and l > '2010-01-01' and f1 = any(some) returning f1 into strict n;
end $$ language plpgsql;
select strictly(5);
create function strictly() returns void as $$ #print_strict_params on
declare x int; begin execute 'select f1 from pairs where f1 > $1 or $2 is null' using 0, null::text into strict x; end $$ language plpgsql;
select strictly();
create or replace function strictly() returns void as $$ #print_strict_params off
declare x int; begin select f1 from pairs into strict x where f1 = x; end $$ language plpgsql;
set plpgsql.print_strict_params to on;
select strictly();
create or replace function strictly() returns void as $$
declare x int; begin select f1 from pairs into strict x where f1 = x; end $$ language plpgsql;
select strictly();
do $$ declare w pairs; begin select f1 from pairs into strict w where w is null; end $$;
do $$ declare w pairs; begin select f1 from pairs into strict w where w.f1 is null and w.f2 = 'a'; end $$;
do $$ declare x int; begin select f1 from pairs into strict x; end $$;
create or replace function strictly() returns void as $$ #print_strict_params
begin end $$ language plpgsql;
reset plpgsql.print_strict_params;
-- Which one is meant, by the setting.
create function meant(f1 int) returns bigint as $$ begin return (select count(*) from pairs where f1 = f1); end $$ language plpgsql;
select meant(7);
set plpgsql.variable_conflict to use_column;
create or replace function meant(f1 int) returns bigint as $$ begin return (select count(*) from pairs where f1 = f1); end $$ language plpgsql;
select meant(7);
reset plpgsql.variable_conflict;
-- Rows wanted of what gives none.
create function gives() returns setof int as $$ begin return query select 10 into nosuch; end $$ language plpgsql;
select * from gives();
create or replace function gives() returns setof int as $$ begin return query execute 'select 10 into nosuch'; end $$ language plpgsql;
select * from gives();
create or replace function gives() returns setof int as $$ begin return query update pairs set f1 = f1; end $$ language plpgsql;
select * from gives();
create or replace function gives() returns setof int as $$ begin return query execute 'create table zz(a int)'; end $$ language plpgsql;
select * from gives();
do $$ declare r record; begin for r in update pairs set f1 = f1 loop null; end loop; end $$;
do $$ declare r record; begin for r in execute 'update pairs set f1 = f1' loop null; end loop; end $$;
do $$ declare r record; begin for r in execute 'select 1 into nosuch' loop null; end loop; end $$;
do $$ declare c refcursor; begin open c for execute 'select 1 into nosuch'; end $$;
do $$ declare c refcursor; begin open c for execute 'update pairs set f1 = f1'; end $$;
do $$ begin execute 'select 1 into nosuch'; end $$;
do $$ begin execute 'copy pairs to stdout'; end $$;
-- A cursor's variable that had no name has none after its loop.
do $$ declare c cursor for select 1; begin for r in c loop raise notice '%', c is null; end loop; raise notice '%', c; c := 'named'; for r in c loop raise notice '%', c; end loop; raise notice '%', c; end $$;
create type two_things as (x int, y varchar);
create function whole() returns two_things as $$ begin return 1 + 1; end $$ language plpgsql;
select whole();
create function part() returns int as $$ declare v record; begin v := (1,'hello'); return v; end $$ language plpgsql;
select part();
create function texts() returns text as $$ declare v record; begin v := (1,'hello'); return v; end $$ language plpgsql;
select texts();
do $$ begin
for r in select I fought the law, the law won loop end loop; end $$;
