create table t (id serial primary key, j jsonb);

create index t_j on t (j);

create index t_ja on t ((j -> 'a'));

create index t_jh on t using hash (j);

insert into t (j) values ('[]'), ('null'), ('""'), ('"a"'), ('"b"'), ('-1'), ('-1.5'), ('0'), ('1'), ('1.50'), ('10'), ('false'), ('true'), ('[1]'), ('[[]]'), ('[null]'), ('["a"]'), ('[{}]'), ('[1, 2]'), ('[2, 1]'), ('{}'), ('{"a": 1}'), ('{"a": "x"}'), ('{"b": 1}'), ('{"aa": 1}'), ('{"a": 1, "b": 2}'), ('{"a": 1, "b": []}'), ('{"b": 0, "cc": 1}'), (null);

select j from t order by j;

select j from t order by j desc limit 4;

select j from t where j > '10' and j < '[2]' order by j;

select j from t where j = '1.5';

select j from t where j -> 'a' = '1' order by j;

select j from t where j in ('[[]]', '{"aa": 1.0}', '2') order by j;

create unique index t_u on t (j);

insert into t (j) values ('1.5');

insert into t (j) values ('{"b": 2, "a": 1.0}');

insert into t (j) values ('{"b": 3, "a": 1.0}') returning j;

insert into t (j) values ('{"b": 3, "a": 1}') on conflict (j) do update set j = excluded.j || '{"c": 1}' returning j;

create table k (j jsonb primary key, js jsonb[], unique (js));

insert into k values ('{"x": 1}', array['1', '[]']::jsonb[]), ('[]', array['1', '{}']::jsonb[]);

insert into k values ('{"x": 1.0}');

insert into k values ('1', array['1.0', '{}']::jsonb[]);

select * from k order by js;

create table r (j jsonb references k);

insert into r values ('[]');

insert into r values ('[1]');

create index on k using gin (js);

select j from k where js @> array['{}']::jsonb[];

create index on k (js desc);

select j from k order by js desc;

create table plain (j json);

create index on plain (j);

create index on plain using gin (j);

create type pair as (a int, b jsonb);

create table p (p pair primary key);

insert into p values (row(1, '{}')), (row(1, '[]')), (row(1, null));

select * from p order by p;
