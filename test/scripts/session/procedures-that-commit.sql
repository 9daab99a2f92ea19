-- COMMIT and ROLLBACK in procedures and DO, and who may not.
create table batch (id int primary key, note text);
create procedure fill(n int, every int) language plpgsql as $$
begin
  for i in 1..n loop
    insert into batch values (i, 'x');
    if i % every = 0 then commit; else if i % 3 = 0 then rollback; end if; end if;
  end loop;
end $$;
call fill(7, 2);
select id from batch order by id;
truncate batch;
begin;
call fill(2, 1);
rollback;
do $$ begin insert into batch values (1); commit; insert into batch values (1); commit; end $$;
select count(*) from batch;
create function calls() returns int language plpgsql as $$ begin call fill(1, 1); return 1; end $$;
select calls();
do $$ begin begin insert into batch values (5); commit; exception when others then raise notice '% %', sqlstate, sqlerrm; end; end $$;
do $$ declare r record; begin
  for r in update batch set note = 'y' returning id loop commit; end loop;
end $$;
create procedure outer_one() language plpgsql as $$ begin truncate batch; commit; call fill(2, 1); do 'begin insert into batch values (9); rollback; end'; end $$;
call outer_one();
select id from batch order by id;
do $$ begin execute 'call fill(1, 1)'; end $$;
create procedure sets() language plpgsql set work_mem = '4MB' as $$ begin commit; end $$;
call sets();
do $$ declare r record; begin
  for r in select id from batch order by id loop update batch set note = 'z' || r.id where id = r.id; commit; end loop;
end $$;
select * from batch order by id;
do $$ begin commit; set transaction isolation level repeatable read; raise notice '%', current_setting('transaction_isolation'); commit and chain; raise notice '%', current_setting('transaction_isolation'); end $$;
-- OUT and INOUT arguments of CALL
create procedure sums(a int, inout b int, out c text) language plpgsql as $$ begin raise notice 'c = %', c; b := a + b; c := 'sum ' || b; end $$;
do $$ declare x int := 2; y text := 'before'; begin call sums(1, x, y); raise notice '% %', x, y; call sums(b => x, a => 10, c => y); raise notice '% %', x, y; end $$;
do $$ declare y text; begin call sums(1, 2, y); end $$;
do $$ declare x constant int := 2; y text; begin call sums(1, x, y); end $$;
do $$ begin call nothing(1); end $$;
drop procedure fill, outer_one, sets, sums;
drop function calls;
drop table batch;
