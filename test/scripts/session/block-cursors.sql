create table t (id int primary key, v int);
insert into t select i, i from generate_series(1,5) i;
create or replace function bump() returns int language plpgsql as $$
declare c cursor for select * from t where id > 1 order by id for update; r record; n int := 0;
begin
  for r in c loop
    if r.id % 2 = 0 then update t set v = v * 10 where current of c; n := n + 1;
    else delete from t where current of c; end if;
  end loop;
  return n;
end $$;
select bump();
select * from t order by id;
create or replace function b2() returns text language plpgsql as $$
declare c refcursor; r t; out text := '';
begin
  open c for select * from t order by id for update;
  fetch c into r;
  update t set v = -1 where current of c;
  fetch c into r;
  move c;
  begin
  update t set v = -2 where current of c;
  exception when others then out := out || sqlstate || ' ' || sqlerrm; end;
  close c;
  begin
  update t set v = -2 where current of c;
  exception when others then out := out || ' / ' || sqlstate || ' ' || sqlerrm; end;
  open c for execute 'select * from t where id = $1 for update' using 4;
  fetch c into r;
  update t set v = -4 where current of c returning v into r.v;
  close c;
  c := null;
  begin
  update t set v = -2 where current of c;
  exception when others then out := out || ' / ' || sqlstate || ' ' || sqlerrm; end;
  return out || ' ' || r.v;
end $$;
select b2();
select * from t order by id;
do $$ declare c cursor for select * from t; begin open c; update t set v = 0 where current of c; end $$;
do $$ declare c cursor for select count(*) from t; n int; begin open c; fetch c into n; update t set v = 0 where current of c; end $$;
do $$ begin update t set v = 0 where current of nosuch; end $$;
do $$ declare c refcursor := 'mine'; r t; begin open c for select * from t order by id for update; fetch c into r; delete from t where current of mine; end $$;
begin;
declare outer_c cursor for select * from t order by id for update;
fetch 1 from outer_c;
do $$ begin update t set v = 77 where current of outer_c; end $$;
select * from t order by id;
rollback;
do $$ declare c cursor (k int) for select * from t where id = k for update; r t; begin open c(2); fetch c into r; update t set v = 1000 where current of c; close c; for x in c(4) loop delete from t where current of c; end loop; end $$;
select * from t order by id;
do $$ declare c int; begin update t set v = 0 where current of c; end $$;
create function s() returns void language sql as $$ update t set v = 0 where current of k $$;
create table two (a int, b text, primary key (a, b));
insert into two values (1, 'x'), (1, 'y'), (2, 'z');
do $$ declare c cursor for select two.*, t.v from two join t on t.id = two.a + 1 for update of two; begin for r in c loop update two set b = b || '!' where current of c; begin update t set v = 5 where current of c; exception when others then raise notice '% %', sqlstate, sqlerrm; end; end loop; end $$;
select * from two order by 1, 2;
create function inner_f() returns void language plpgsql as $$ declare c cursor for select * from two order by a desc for update; begin open c; move c; delete from two where current of c; close c; end $$;
do $$ declare c cursor for select * from two order by a for update; r record; begin open c; fetch c into r; perform inner_f(); update two set b = 'outer' where current of c; close c; end $$;
select * from two order by 1, 2;
do $$ declare c cursor for select 1 from two for update; n int := 0; begin for r in c loop n := n + 1; exit; end loop; for r in c loop n := n + 1; close c; end loop; raise notice '%', n; end $$;
do $$ declare c cursor for select a from two; begin open c; for r in c loop null; end loop; end $$;
create function nested(name text) returns int language plpgsql as $$ declare r record; c refcursor := name; begin fetch c into r; update two set b = b || '?' where current of c; return r.a; end $$;
do $$ declare c cursor for select * from two order by a, b for update; begin open c; raise notice '%', nested('c'); close c; end $$;
select * from two order by 1, 2;
