explain (format yaml, costs off, verbose) select 'a<b"&', 2;

explain (format xml, costs off, verbose) select 'a<b"&', 2;

explain (format json, costs off, verbose) select 'a<b"&', 2;

create materialized view mv as select 1 as a;

explain refresh materialized view mv;

explain (format yaml) refresh materialized view mv;

explain (format xml) refresh materialized view mv;

explain (format json) refresh materialized view mv;

explain (format yaml, analyze, costs off, timing off, summary off) select 1;

explain (format xml, analyze, costs off, timing off, summary off) select 1;

explain (format 'YAML', costs off) select 1 limit 2;

explain (format xml, costs off) select 1;

explain (format yaml, costs off) select 1 limit 2;

explain (format text, format nothing) select 1;

create table a_table_with_quite_a_long_name (another_rather_long_name_of_a_column int check (another_rather_long_name_of_a_column > 0), b int, check (another_rather_long_name_of_a_column < 9), check (b > another_rather_long_name_of_a_column));

select conname from pg_constraint where conrelid = 'a_table_with_quite_a_long_name'::regclass order by 1;

create domain a_domain_with_quite_a_long_name_that_is_nearly_as_long_as as int check (value > 0) check (value < 9);

select conname from pg_constraint where conname like 'a_domain%' order by 1;
-- VERBOSE: relations with their schemas, outputs qualified only where there are several relations.
create schema shown;
create table shown.plain (id int primary key, "T x" text);
explain (verbose, costs off) select * from shown.plain where id = 4;
explain (verbose, costs off) select "T x" || 'a' from shown.plain p where "T x" = 'b';
explain (verbose, costs off, format json) select id from shown.plain p where "T x" = 'b';
drop schema shown cascade;
