-- A function whose body is no string depends on the relations that it names.
create table read_table (a int);
create view read_view as select a from read_table;
create sequence read_sequence;
create function counts() returns bigint language sql return (select count(*) from read_table);
create function pair(int) returns bigint language sql begin atomic select count(*) from read_view; select 1::bigint; end;
create function steps(a int default 1) returns bigint language sql return nextval('read_sequence') + a;
create function in_string() returns bigint language sql as 'select count(*) from read_table';
create view over as select counts() as n;
drop table read_table;
drop view read_view;
drop sequence read_sequence;
drop sequence read_sequence cascade;
drop view read_view cascade;
select counts(), in_string();
drop table read_table cascade;
select in_string();
create function none(x anyarray) returns anyelement language sql return x[1];
create function idle() returns boolean begin atomic ;;return false;; end;
drop function in_string;

-- RETURN at the end of a block.
create table written_into (a int);
create function both_ways(x int) returns int begin atomic insert into written_into values (x); return (select max(a) from written_into); end;
select both_ways(3), both_ways(5);
create function returns_first() returns text begin atomic return 'return'; select 'last;'; end;
select returns_first();
drop table written_into;
drop table written_into cascade;
drop function returns_first;
