-- Defaults of domains name the types of users as they are called now.
create type c1 as (x int, y text);
create type e1 as enum ('u', 'v');
create domain d3 as c1 default '(-1,abc)';
create domain d4 as e1 default 'v';
create domain d5 as d3 default row(1, 'z')::c1;
create domain d6 as e1[] default '{u}';
select typname, typdefault, pg_get_expr(typdefaultbin, 0) from pg_type where typtype = 'd' and typname ~ '^d[0-9]$' order by 1;
select domain_name, domain_default from information_schema.domains where domain_name ~ '^d[0-9]$' order by 1;
