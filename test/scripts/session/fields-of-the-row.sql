-- Fields of the row named through the table, where a row is checked.
create table part (a int, b int, constraint order_of check ((part).a < (part).b), constraint all_given check (row(part.*) is not null));
insert into part values (1, 2);
insert into part values (3, 2);
insert into part values (1, null);
select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'part'::regclass order by 1;
create table made (a int, c int generated always as ((made).a + 1) stored);
insert into made values (1) returning *;
create index on made (((made).a + 2));
