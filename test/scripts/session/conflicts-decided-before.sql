-- ON CONFLICT DO UPDATE that reads its table: every part of it sees the table as it was, by whichever index rows conflict
create table up (k int primary key, v int, u int unique, w int);
insert into up values (1, 10, 100, 0), (2, 20, 200, 0), (3, 30, 300, 0);
-- only the condition reads
insert into up values (7, 1000, 700, 0), (1, 5, 101, 0) on conflict (k) do update set v = excluded.v where (select max(v) from up) > 30 returning *;
select * from up order by k;
delete from up where k = 7;
insert into up values (8, 1000, 800, 0), (1, 5, 102, 0), (2, 6, 201, 0) on conflict (k) do update set v = excluded.v where (select max(x.v) from up x) = 30 returning *;
select * from up order by k;
delete from up where k = 8;
-- only RETURNING reads
insert into up values (9, 8, 900, 0), (1, 8, 103, 0), (3, 8, 301, 0) on conflict (k) do update set v = excluded.v returning k, v, (select sum(v) from up), (select count(*) from up x where x.v = up.v);
select * from up order by k;
delete from up where k = 9;
-- the arbiter is not the first index
update up set u = k * 100, v = k * 10;
insert into up values (1, 0, 200, 0), (3, 0, 400, 0) on conflict (u) do update set v = up.k + (select max(x.v) from up x);
insert into up values (1, 0, 200, 0), (2, 0, 300, 0) on conflict (u) do update set v = up.k + (select max(x.v) from up x) returning *;
select * from up order by k;
-- one that is decided upon and one that is not
insert into up values (1, 0, 500, 0), (4, 0, 400, 0), (2, 1, 600, 0) on conflict (k) do update set w = (select count(*) from up), v = excluded.v where up.k < 2 or (select count(*) from up) > 3 returning *, (select count(*) from up);
select * from up order by k;
-- what a check refuses is found before anything is written
alter table up add check (w < 5);
insert into up values (10, 0, 1000, 0), (2, 1, 600, 0) on conflict (k) do update set w = 4 + (select count(*) from up);
select count(*) from up;
