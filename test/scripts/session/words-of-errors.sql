-- Arguments of EXECUTE are told by their numbers.
prepare takes as select $1::int2 + $2::float8, $3::float8;
execute takes (5::smallint, 10.5, false);
execute takes (5::smallint, nosuch, 1);
execute takes (5::smallint, 1 + 'x'::text, 1);
execute takes (5::smallint, '2.5', 1);
-- What ON CONFLICT would have written is in no table.
create table counters (id int primary key, n int);
insert into counters values (1, 1);
insert into counters values (1, 1) on conflict (id) do update set n = excluded.xmax::text::int;
insert into counters values (1, 1) on conflict (id) do update set n = excluded.tableoid::int;
insert into counters values (1, 1) on conflict (id) do update set n = excluded.ctid::text::int;
insert into counters values (1, 1) on conflict (id) do update set n = counters.n + 1 where counters.tableoid = 'counters'::regclass returning n, xmax <> 0;
insert into counters values (1, 1) on conflict (id) do update set n = 1 returning excluded.n;
insert into counters values (1, 1) on conflict (idd) do update set n = 1;
insert into counters values (1, 1) on conflict (id) do update set n = excluded.nn;
-- A subtransaction gets no more than its transaction.
begin read only;
savepoint a;
set transaction read write;
rollback to a;
set transaction read write;
rollback;
begin read only;
select 1;
set transaction read write;
rollback;
begin read only;
set transaction read write;
insert into counters values (2, 2);
rollback;
-- Escapes of jsonpath.
select '"\u"'::jsonpath;
select '"\u00"'::jsonpath;
select '"\u000g"'::jsonpath;
select '"\u{}"'::jsonpath;
select '"\u{12"'::jsonpath;
select '"\u{1234567}"'::jsonpath;
select '"\ud83d\ud83d"'::jsonpath;
select '"\ud83d\u0041"'::jsonpath;
select '$."\ud83d"'::jsonpath;
select '"\u{41}\u0042"'::jsonpath;
select n from counters order by n fetch first null rows with ties;
select n from counters order by n fetch first (null + 1) rows with ties;
-- What stands beside, and cannot be seen.
create table aside (x1 int, x2 int);
update aside set x2 = f1 from (select v as f1 from generate_series(1, 2) v where v = x1) s;
merge into aside t using (select v from generate_series(1, 2) v where t.x1 > v) s on t.x1 = s.v when not matched then insert default values;
merge into aside t using (select v from generate_series(1, 2) v where x1 > v) s on t.x1 = s.v when not matched then insert default values;
select x1 from aside except select x2 from aside order by x2;
select x1 as a from aside union select x2 from aside order by x1;
select distinct on (x1, x2) x1 from aside order by x1, 1 + x1, x2;
select rank() over (order by 1), count(*) from aside group by 1;
select aside.x1 from (aside a join aside b using (x1)) as j;
select j.*, c.* from aside a join aside b using (x1) as j, aside c for update of j;
select j.*, c.* from (aside a join aside b using (x1)) as j, aside c for update of j;
declare c cursor for select 1 into aside2;
begin;
declare c cursor for select 1 into aside2;
rollback;
drop operator === (int4);
drop operator = (nosuch);
-- DISTINCT ON: what is sorted by already may be named once more.
create table don (a int, b int);
insert into don values (1, 2), (1, 1), (2, 5);
select distinct on (a) a, b from don order by a, b, a;
select distinct on (a, b) a, b from don order by b, a, b, a;
select distinct on (a) a, b from don order by b, a;
drop table don;
