select relname, relkind, reltype, typname, typnamespace::regnamespace, typtype, typcategory, typarray, typlen, typinput, typelem, typisdefined from pg_class join pg_type on pg_type.oid = reltype and typrelid = pg_class.oid where pg_class.oid < 16384 order by pg_class.oid;
select typname, typelem, typtype, typcategory, typinput from pg_type where typelem in (select reltype from pg_class where oid < 16384 and reltype <> 0) order by oid;
select count(*) from pg_class where relkind in ('r', 'v') and oid < 16384 and reltype = 0;
select count(*), count(distinct oid), count(distinct (typname, typnamespace)) from pg_type where oid < 16384 and typrelid <> 0;
select count(*) from pg_type join pg_class c on c.oid = typrelid where typtype = 'c' and c.relkind = 'c';
