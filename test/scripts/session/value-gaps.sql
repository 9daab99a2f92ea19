-- Values at their edges.
select length(round(((1 - 1.500012345678e-1000) ^ 1.45e1003) * 1e1000)::text);
select round(((1 - 1.500012345678e-1000) ^ 1.45e1003) * 1e1000);
select lcm(9999 * (10::numeric)^131068 + (10::numeric^131068 - 1), 2);
select current_time(0)::text = current_time::timetz(0)::text, localtime(2)::text = localtime::time(2)::text;
select current_timestamp(1) = current_timestamp::timestamptz(1), localtimestamp(1) = localtimestamp::timestamp(1);
select '0xffffffff'::xid, ''::xid, 'words'::xid, '010'::xid, '-1'::xid, '12 '::xid, '-1'::xid8, '99999999999999999999'::xid8;
select pg_size_pretty(10.5), pg_size_pretty(-1000.25), pg_size_pretty(10240.5), pg_size_bytes('1e3 MB'), pg_size_bytes(' -.5 kB ');
select pg_size_bytes('1.5B'), pg_size_bytes('+2kb'), pg_size_bytes('3.bytes');
select pg_size_bytes('9223372036854775807.9');
select pg_size_bytes('1 AB A ');
select pg_size_bytes('');
select pg_size_bytes('.');
select pg_size_bytes('1e');
select json_object('{{{a,b},{c,d}},{{b,c},{d,e}}}');
select jsonb_object('{{{a,b},{c,d}},{{b,c},{d,e}}}');
