create table b (a int, t text, ts timestamptz, r int4range, j jsonb, i inet, v varchar, c cidr, e bool, ar int[]);

insert into b (a, t, ts, r) select n, 't' || n, '2024-01-01 00:00+00'::timestamptz + n * interval '1 hour', int4range(n, n + 2) from generate_series(1, 200) n;

create index b_a on b using brin (a);

create index on b using brin (a, t, ts);

create index on b using brin (r);

create index on b using brin (i);

create index on b using brin (v);

create index on b using brin (c);

create index on b using brin (j);

create index on b using brin (e);

create index on b using brin (ar);

create unique index on b using brin (a);

create index on b using brin (a desc);

create index on b using brin (a nulls first);

create index on b using brin (a) include (t);

create index on b using brin (a int4_bloom_ops);

create index on b using brin (a int4_minmax_ops, ts timestamptz_minmax_multi_ops);

create index on b using brin (lower(t)) where a > 1;

create index on b using brin (a int4_ops);

create index on b using brin (t int4_minmax_ops);

select pg_get_indexdef(indexrelid), indclass, indoption from pg_index where indrelid = 'b'::regclass order by 1;

select a, t from b where a between 7 and 9 order by a;

select a from b where ts >= '2024-01-09 05:00+00' order by ts;

select a from b where r @> 12 order by a;

select count(*) from b where lower(t) = 't7' and a > 1;

delete from b where a = 8;

update b set a = 1000 where a = 9;

select a from b where a between 7 and 9 or a > 199 order by a desc;

select amname, opcname, opcintype::regtype, opfname from pg_opclass o join pg_am m on m.oid = opcmethod join pg_opfamily f on f.oid = opcfamily where amname = 'brin' and opcdefault and opcintype in ('int4'::regtype, 'date'::regtype, 'text'::regtype) order by 2;

create table b2 (like b including indexes);

select count(*) from pg_indexes where tablename = 'b2' and indexdef like '%USING brin%';

reindex table b;

drop index b_a;
