-- What CREATE TABLE (LIKE …) copies besides columns, and defaults that name a sequence of the same statement.
create table src (a int primary key, b text check (b <> ''), c int, "D d" int unique);
create statistics st1 on a, b from src;
create statistics st2 (ndistinct) on c, (b || 'x') from src;
create statistics st3 on (lower(b)) from src;
create index src_i on src (c);
comment on statistics st1 is 'one';
comment on index src_pkey is 'the key';
comment on index src_i is 'an index';
comment on constraint src_b_check on src is 'not empty';
create table l1 (like src including statistics);
create table l2 (like src including all);
create table l3 (like src including all excluding statistics);
create table l4 (x int, like src including statistics including comments, y text);
create table l5 (like l1 including statistics);
select stxname, stxrelid::regclass, obj_description(oid, 'pg_statistic_ext'), stxkind, stxkeys
  from pg_statistic_ext where stxname not like 'st%' order by stxname;
select pg_get_statisticsobjdef(oid) from pg_statistic_ext where stxrelid in ('l2'::regclass, 'l4'::regclass) order by stxname;
select relname, obj_description(oid, 'pg_class') from pg_class where relname like 'l2%' or relname like 'l4%' order by relname collate "C";
select conname, obj_description(oid, 'pg_constraint') from pg_constraint where conrelid = 'l2'::regclass order by conname collate "C";
drop statistics l2_a_b_stat;
drop table l1;
select stxname from pg_statistic_ext where stxname not like 'st%' order by stxname;
-- defaults
create table d1 (id serial, n int default nextval('d1_id_seq'));
create table d2 (n int default nextval('d2_id_seq'), id int generated always as identity);
insert into d1 default values;
insert into d2 default values;
insert into d1 default values;
select * from d1 order by id;
select * from d2;
create table d3 (n int default nextval('d3_nosuch'), id serial);
alter table d2 add d serial, add e int default nextval('d2_d_seq');
alter table d2 add f int default nextval('d2_g_seq'), add g serial;
drop sequence d1_id_seq;
drop sequence d1_id_seq cascade;
select attname, pg_get_expr(adbin, adrelid) from pg_attribute left join pg_attrdef on attrelid = adrelid and attnum = adnum
  where attrelid = 'd1'::regclass and attnum > 0 order by attname;
-- the order in which a second primary key is refused
create table k1 (a int primary key, b int, c json);
alter table k1 add primary key (b);
alter table k1 add primary key (nosuch);
alter table k1 add primary key (b, b);
alter table k1 add primary key (c);
alter table k1 add primary key using index nosuch;
create unique index k1_b on k1 (b);
alter table k1 add primary key using index k1_b;
alter table k1 add constraint named primary key using index k1_b;
alter table k1 add constraint k1_pkey primary key (b);
alter table k1 add d int primary key;
create table k2 (a int primary key, b int primary key);
create table k2 (a int primary key, b int, primary key (b));
create table k2 (a int, b int, primary key (a, a));
create table k2 (a int, b int, unique (a, b, a));
