-- The grammar's words, which pgjdbc asks for.
select count(*), md5(string_agg(row(k.*)::text, ' ' order by word collate "C")) from pg_get_keywords() k;
select * from pg_get_keywords() where word in ('select', 'between', 'left', 'abort', 'day') order by 1;
