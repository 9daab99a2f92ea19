-- Snapshots as values: their text, their parts and what they show.
select '12:13:'::pg_snapshot, '12:18:14,16'::pg_snapshot, '12:16:14,14'::pg_snapshot, '1:9223372036854775807:3'::pg_snapshot;
select '31:12:'::pg_snapshot;
select '0:1:'::pg_snapshot;
select '12:13:0'::pg_snapshot;
select '12:16:14,13'::pg_snapshot;
select '12:16:14 '::pg_snapshot;
select '1:9223372036854775808:3'::pg_snapshot;
select 'x'::txid_snapshot;
create table seen (id int primary key, s pg_snapshot, t txid_snapshot);
insert into seen values (1, '12:20:13,15,18', '12:20:13,15,18'), (2, '100:150:', null);
select pg_snapshot_xmin(s), pg_snapshot_xmax(s), txid_snapshot_xmin(t), txid_snapshot_xmax(t) from seen order by id;
select id, pg_snapshot_xip(s), txid_snapshot_xip(t) from seen order by id, 2;
select x, pg_visible_in_snapshot(x::text::xid8, s), txid_visible_in_snapshot(x, t) from seen, generate_series(11, 21) x where id = 1;
select pg_typeof(pg_snapshot_xmin(s)), pg_typeof(array[s]) from seen where id = 2;
select s from seen order by s;
select xid8cmp('1', '2'), xid8cmp('2', '2'), xid8cmp('2', '1');
