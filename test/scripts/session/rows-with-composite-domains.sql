-- RETURN QUERY of rows with columns of domains over composite types.
create type c1 as (x int, y text);
create domain d3 as c1;
create domain d1 as int;
create table t (id int, c d3, d d1, e d3[], f d1[]);
insert into t values (1, row(1,'a'), 2, array[row(2,'b')::c1], '{1}'), (2, null, null, null, null);
create function g() returns setof t language plpgsql as 'begin return query select * from t; end';
select * from g();
select (c).x, id from g() where id = 1;
create function g2() returns table(a d3, b d1) language plpgsql as 'begin return query select c, d from t; end';
select * from g2();
create function g6() returns setof t language plpgsql as 'declare r t; begin for r in select * from t loop return next r; end loop; end';
select * from g6();
create function g7() returns setof t language sql as 'select * from t';
select * from g7();
