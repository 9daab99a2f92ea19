-- Bytes of several encodings: no editor shows them all.
create temp table enc (id int primary key, t text, j jsonb, a text[]);
\encoding LATIN1
\encoding
insert into enc values (1, E'caf\xe9', '"\u00e9"', array[E'\xe9']);
insert into enc values (2, U&'\20ac', null, null);
select id, length(t), encode(convert_to(t,'UTF8'),'hex') from enc order by id;
select t from enc where id = 1;
select t from enc where id = 2;
select * from enc order by id;
select 1 as ok;
copy enc (t) to stdout;
copy (select t, a, j from enc where id=1) to stdout csv header;
copy (select t from enc) to stdout with (encoding 'UTF8');
copy enc (id, t) from stdin;
5	naÈve
6	\xe9
\.
copy enc (id, t) from stdin (encoding 'WIN1252');
7	Ä
8	Å
\.
select id, encode(convert_to(t,'UTF8'),'hex') from enc order by id;
select noÈsuch from enc;
select 'a' as "È";
do $$ begin raise notice '‚Ç¨ √©'; end $$;
do $$ begin raise exception '‚Ç¨ √©'; end $$;
set client_encoding = 'WIN1252'; select t from enc where id = 2;
begin; set local client_encoding = 'UTF8'; select t from enc where id = 2; rollback; select t from enc where id = 2;
\encoding SJIS
select 'Êó•Êú¨', convert_from('\x93fa', 'SJIS');
set client_encoding = 'MULE_INTERNAL';
\encoding
prepare p as select $1::text || 'x';
execute p('√©');
set client_encoding to 'EUC_JP';
select U&'\65e5\672c';
copy (select U&'\65e5\672c') to stdout;
set client_encoding to 'SQL_ASCII';
select U&'\65e5\672c';
set client_encoding to 'UTF8';
create temp table escaped (id int primary key, t text);
copy escaped (id, t) from stdin;
6	\xe9
\.
copy escaped (id, t) from stdin;
7	\xc3\xa9
8	\303\251z
9	\xc3z
\.
select id, encode(convert_to(t,'UTF8'),'hex') from escaped order by id;
copy escaped (id, t) from stdin;
7	\xc3\xa9
8	\303\251z
\.
select id, encode(convert_to(t,'UTF8'),'hex') from escaped order by id;
