-- A volatile condition over what DISTINCT, GROUP BY or a window leaves is asked for each row that is left.
create table thirty (a int, b int);
insert into thirty select i, i % 3 from generate_series(1, 30) i;
create sequence asked;
select * from (select distinct b from thirty) s where b < 10 + nextval('asked') order by 1;
select nextval('asked');
select * from (select b, count(*) from thirty group by b) s where b < 10 + nextval('asked') order by 1;
select nextval('asked');
select * from (select distinct on (b) b, a from thirty order by b, a) s where b < 10 + nextval('asked') order by 1;
select nextval('asked');
select count(*) from (select b, row_number() over (partition by b order by a) from thirty) s where b < 10 + nextval('asked') and b = 1;
select nextval('asked');
select count(*) from (select b from thirty limit 5) s where b < 10 + nextval('asked');
select nextval('asked');
drop table thirty;
drop sequence asked;
-- What is known of a transaction by its number.
select txid_status(txid_current()), pg_xact_status(pg_current_xact_id());
select txid_status(1), txid_status(2), txid_status(0), pg_xact_status('0'), txid_status(null);
select txid_status(9000000000000000000);
select pg_xact_status('18446744073709551615');
select txid_status(-1);
