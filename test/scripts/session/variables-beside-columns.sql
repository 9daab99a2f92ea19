-- Variables of a body that have the names of columns: checks, generated columns, defaults and views do not see them
create table t (id int primary key, v text constraint vck check (v <> 'bad'), n numeric default 5, g int generated always as (id * 2) stored, check (n > 0));
create view vt as select id, v, n, v || n as vn from t where n > 0 with check option;
create table child (id int primary key, v text check (length(v) > 0), tid int default 1 references t on delete set default);
insert into t (id, v) select i, 'v' || i from generate_series(1, 5) i;
do $$ declare n int := 1; v text := 'zz'; id int := 50; begin insert into t values (id, v, n); raise notice '%', (select t from t where t.id = 50); end $$;
do $$ declare id int := 3; begin update t set v = 'k' where t.id = 3; delete from t where t.id = 999; end $$;
do $$ declare n int := 3; begin update t set v = 'k' where id = 3; end $$;
do $$ #variable_conflict use_variable
declare n int := -1; v text := 'zz'; id int := 51; begin insert into t values (51, 'x', 7) returning g into id; raise notice '% %', id, (select t from t where t.id = 51); end $$;
do $$ #variable_conflict use_column
declare n int := -1; v text := 'zz'; id int := 52; begin insert into t values (52, 'x', 7) returning g into id; raise notice '%', id; end $$;
do $$ declare n int := -3; v text := 'var'; begin insert into vt(id) values (60); update vt set id = 61 where id = 60; raise notice '%', (select count(*) from vt); insert into vt (id, n) values (62, -1); end $$;
do $$ declare n int := -3; r record; begin for r in select * from vt where id = 61 loop raise notice '%', r; end loop; delete from vt where id = 61; end $$;
do $$ declare v int := 7; tid int; begin insert into child values (1, 'a', 2) returning child.tid into tid; merge into child c using (values (1, 'b'), (2, 'c')) s (k, w) on c.id = s.k when matched then update set v = s.w when not matched then insert values (s.k, s.w); raise notice '%', tid; end $$;
do $$ declare v int; id int := 0; tid int; begin delete from t where t.id = 2; end $$;
do $$ declare v int; id int := 0; begin insert into t (id, v) values (3, 'q') on conflict on constraint t_pkey do update set v = excluded.v || '!'; end $$;
do $$ declare n int; begin insert into t (id, n) values (70, 0); end $$;
create function add_one(id int, v text, n numeric) returns t language plpgsql as $$ declare r t; begin insert into t values (add_one.id, add_one.v, add_one.n) returning * into r; return r; end $$;
select add_one(80, 'f', 2), add_one(81, 'bad', 2);
create function add_sql(id int, v text, n numeric) returns int language sql as $$ insert into t values ($1, $2, $3) returning g $$;
select add_sql(82, 'f', 2), add_sql(83, 'f', 0);
select * from child order by id;
select * from t order by id;
