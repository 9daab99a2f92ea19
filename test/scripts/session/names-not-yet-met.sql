-- Names of what has just been made, where nothing in the statement's words says that it is one.
create function shown(regclass) returns text language sql as $$ select $1::text $$;
create function type_shown(regtype) returns text language sql as $$ select $1::text $$;
create table fresh (a int);
select shown('fresh');
select type_shown('fresh'), type_shown('fresh[]'), type_shown('int4');
select shown('none');
prepare by_name as select shown($1);
create table fresh2 (a int);
execute by_name('fresh2');
create table names (n text);
insert into names values ('fresh'), ('fresh2');
create table fresh3 (a int);
insert into names values ('fresh3');
select shown(n::text) from names order by n;
create function given() returns regclass language sql as $$ select 'fresh3'::regclass $$;
create table fresh4 (a int);
select given();
create function called(regprocedure) returns text language sql as $$ select $1::text $$;
create function f_new(int) returns int language sql as $$ select 1 $$;
select called('f_new(int)');
do $$
begin
  create table fresh5 (a int);
  raise notice '%', shown('fresh5');
end $$;
do $$
declare r regclass;
begin
  r := 'fresh5';
  raise notice '%', r;
  r := 'fresh' || '4';
  raise notice '%', r;
end $$;
begin;
create table fresh6 (a int);
select shown('fresh6');
rollback;
select shown('fresh6');
