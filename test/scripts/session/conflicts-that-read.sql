-- ON CONFLICT DO UPDATE of several rows whose new values are read from the table itself, as it was before.
create table up (a int primary key, b text, g int generated always as (a * 2) stored);
insert into up values (1, 'one'), (3, 'three'), (9, 'nine');
insert into up as u values (1, 'x'), (2, 'y'), (3, 'z') on conflict (a) do update set b = excluded.b || (select count(*) from up) || u.b returning *, (select count(*) from up);
select * from up order by a;
with aaa as (select 1 as a, 'Foo' as b) insert into up values (1, 'Bar'), (3, 'Zoo') on conflict (a) do update set (b) = (select b || (select max(x.b) from up x) from aaa) returning *;
insert into up values (5, 'p'), (5, 'q') on conflict (a) do update set b = (select max(b) from up);
insert into up values (1, 'p'), (1, 'q') on conflict (a) do update set b = (select max(b) from up);
insert into up select g, 'n' || g from generate_series(1, 12) g on conflict (a) do update set b = excluded.b where (select count(*) from up x where x.a < excluded.a) > 1 returning a, b, xmax <> '0' as changed;
select * from up order by a;
insert into up values (1, 'r'), (20, 's') on conflict (a) do update set a = up.a + 100, b = (select min(b) from up) returning *;
insert into up values (2, 'r'), (3, 's') on conflict (a) do update set a = 500, b = (select min(b) from up) returning *;
select * from up order by a;
