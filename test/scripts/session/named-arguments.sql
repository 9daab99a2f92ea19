create function f(a int, b int default 5) returns int language sql as 'select a * 10 + b';

select f(b := 1, a := 2), f(a => 2), f(2, b => 3);

select * from f(b := 1, a := 2) x;

select f(c => 2);

select * from f(a => 2, a => 3);

select f(1, a => 3);

select f(a => 1, 3);

select nope(xy := 42);

select * from nope(xy := 42);

select * from nope(1, xy := 'a');

select * from pg_catalog.nope(xy := 42);

select * from public.nope(xy := 42);

select * from lower(xy := 42);

select lower('a', xy := 42);

select make_interval(days => 1, days => 2);

select make_interval(days => 1, weeks => 2), make_interval(1, days => 2);

select make_interval(days => 1, 2);

select make_interval(1, years => 2);

select make_interval(fortnights => 2);

select make_date(year => 2020, day => 1);

select sum(x => 1);

select max(1, x => 2) over ();

create function pg_temp.g("a ""b" int) returns int language sql as 'select $1';

select * from pg_temp.g("a ""b" := 3);

select * from pg_temp.g(c := 3);
