-- Two outputs that read alike are two things to group by under grouping sets: each is NULL where its own is rolled up.
create table few (g int, v int);
insert into few values (1, 1), (2, 2), (3, 3);
select * from (select g as a, g as b, grouping(g), count(*) from few group by a, rollup(b)) x order by 1, 2, 3;
select * from (select g as a, g as b, grouping(g), count(*) from few group by rollup(b), a) x order by 1, 2, 3;
select * from (select g as a, g as b, g + 1, grouping(g), count(*) from few group by rollup(1), 2) x order by 1, 2, 3;
-- What names neither means the first.
select * from (select g as a, g as b, g + 1, grouping(g), count(*) from few group by rollup(b), g) x order by 1, 2, 3;
select * from (select g as a, g as b, grouping(g), count(*) from few group by rollup(a), g) x order by 1, 2, 3;
select * from (select g + v as a, g + v as b, g + v + 1 as c, count(*) from few group by rollup(b), g + v having g + v > 2) x order by 1, 2, 3;
select * from (select g + v as a, g + v as b, count(*), sum(count(*)) over (partition by g + v) from few group by cube(b, a)) x order by 1, 2, 3, 4;
select * from (select 'x' as a, 'x' as b, count(*) from few group by cube(b, a)) x order by 1, 2, 3;
select * from (select g as a, g as b, (select g) as c from few group by cube(b, a)) x order by 1, 2, 3;
select * from (select g as a, g as b, generate_series(1, 2) as s, generate_series(1, 2) as t from few where g = 1 group by cube(s, t), a, rollup(b)) x order by 1, 2, 3, 4;
-- Without outputs, and without sets, they are one.
select * from (select g, count(*) from few group by g, cube(g, g)) x order by 1, 2;
select * from (select g, count(*) from few group by grouping sets ((g, g), (g), ())) x order by 1, 2;
select * from (select g as a, g as b, count(*) from few group by a, b) x order by 1, 2;
drop table few;
