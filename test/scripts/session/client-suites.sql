-- What the test suites of psycopg, asyncpg and SQLAlchemy ask.
begin isolation level read uncommitted;
show transaction_isolation;
set transaction isolation level repeatable read;
show transaction_isolation;
rollback;
set default_transaction_isolation = 'read uncommitted';
show transaction_isolation;
reset default_transaction_isolation;
select array['{NULL,NULL}', array[1, null]]::int[], array[array[1, 2], '{3,4}']::int[], array['{1,2}', '{3,4}']::text[];
select array[array[array[1, 2]], '{{3,4}}']::text[], array[array[1], '{2}'], array['{1}', array[2]];
select pg_cancel_backend(pg_backend_pid());
explain (costs off) select 1;
