-- PostgreSQL's hashes and binary forms of values.
select hashtext('a'), hashtext(''), hashtext('hello world, this is longer'), hashtext('exactly12byt'), hashtextextended('a', 1), hashtextextended('hello world', 0), hashtextextended('hello world', -7);
select hashint4(1), hashint4(-1), hashint8(-1), hashint8(12345678901), hashint2(7::int2), hashoid(4000000000), hashfloat8(1.5), hashfloat8(0), hashfloat4(1.5::float4), hashfloat8('NaN'), hashbpchar('a  '), hashname('x');
select hashint8extended(-1, 5), hashint4extended(3, 0), hashfloat8extended(0, 9), uuid_hash('00000000-0000-0000-0000-000000000002'), timestamp_hash('2020-01-01 10:00'), timestamp_hash('1990-01-01'), time_hash('10:00'), interval_hash('1 month'), interval_hash('-30 days'), interval_hash('1 day 01:00');
select hashtext('ä€'), hashtext(repeat('x', 100));
select float8send(1.5), float4send(1.5), int4send(1), int8send(1), textsend('abc'), uuid_send('00000000-0000-0000-0000-000000000002'), numeric_send(1.5), timestamptz_send('2020-01-01 00:00+00'), boolsend(true), jsonb_send('{"a":1}'), date_send('2020-01-01');
select charsend('a'), namesend('n'), varcharsend('v'), bpcharsend('b'), time_send('10:00'), timetz_send('10:00+01'), timestamp_send('2020-01-01'), interval_send('1 mon 2 days 00:00:03'), json_send('[1]'), inet_send('10.0.0.1/8'), cidr_send('10.0.0.0/8'), macaddr_send('08:00:2b:01:02:03'), bit_send(B'101'), varbit_send(B'1'), xid8send('5'), int2send(1::int2), byteasend('\x0102'), oidsend(5), macaddr8_send('08:00:2b:01:02:03:04:05');
select int8send(null) is null, length(int8send(5)), encode(int8send(5), 'hex'), pg_typeof(int8send(5));
select oid, count(*) from pg_proc group by 1 having count(*) > 1;
select typsend, typname from pg_type where typname in ('int8', 'uuid', 'text') order by 2;
select proname, prorettype::regtype, provolatile from pg_proc where proname in ('int8send', 'hashtext', 'textsend') order by 1;
