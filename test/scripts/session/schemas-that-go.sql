create schema going;
create table going.kept (a int);
create function going.twice(int) returns int language sql as 'select $1 * 2';
drop schema going;
set search_path = going, public;
drop schema going;
drop schema going cascade;
