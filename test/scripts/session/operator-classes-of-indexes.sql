create type e as enum ('a');

create type r as (a int);

create domain d as text;

create table t (i int, o oid, tx text, vc varchar, bp char(3), c cidr, ar int[], en e, rr r, dd d, n name, j jsonb, ra int4range, ts timestamp, f float8, b bytea);

create index on t (tx text_pattern_ops);

create index on t (vc varchar_pattern_ops desc nulls last);

create index on t (bp varchar_pattern_ops);

create index on t (bp bpchar_pattern_ops);

create index on t (i oid_ops);

create index on t (o int4_ops);

create index on t (vc varchar_ops);

create index on t (tx varchar_ops);

create index on t (tx pg_catalog.text_ops);

create index on t (tx public.text_ops);

create index on t (tx nope);

create index on t (tx int4_ops);

create index on t (i text_ops);

create index on t (c cidr_ops);

create index on t (c inet_ops);

create index on t (ar array_ops);

create index on t (i array_ops);

create index on t (en enum_ops);

create index on t (rr record_ops);

create index on t (rr record_image_ops);

create index on t (dd text_pattern_ops);

create index on t (n text_ops);

create index on t (n text_pattern_ops);

create index on t (n name_ops);

create index on t (ra range_ops);

create index on t (ts timestamptz_ops);

create index on t (tx text_pattern_ops (a=1));

create index on t using hash (tx text_pattern_ops);

create index on t using hash (vc varchar_ops);

create index on t using hash (tx nope);

create index on t using hash (i text_ops);

create index on t using hash (c cidr_ops);

create index on t (lower(tx) text_pattern_ops, (i+1));

create unique index un on t (tx text_pattern_ops, vc varchar_pattern_ops) include (i);

create index on t (nope nope);

select indexdef from pg_indexes where tablename='t' order by 1;

select i.indexrelid::regclass, k, o.opcname, o.opcmethod from pg_index i cross join lateral unnest(i.indclass::oid[]) with ordinality c(class, k) join pg_opclass o on o.oid = c.class where i.indrelid = 't'::regclass order by i.indexrelid::regclass::text, k;

create table u (like t including indexes);

select indexdef from pg_indexes where tablename='u' order by 1;

alter table t alter vc type text;

select indexdef from pg_indexes where indexdef like '%(vc%' order by 1;

alter table t alter vc type int using 1;

select interval '253 ms' / 3.2, interval '253 ms' / -3.2, interval '5 us' * 0.5, interval '7 us' / 2, interval '-7 us' / 2, interval '1 mon' / 7.5;
