-- Single precision is rounded once, and shown by the digits that read back so.
select '7038531e-32'::float4, '82381273e-35'::float4, 7038531e-32::float8::float4, '-7038531e-32'::float4;
select float4send('1.00000017881393432617187499'), float4send('1.00000017881393432617187500'), float4send('1.00000017881393432617187501');
select float4send('1e-45'), float4send('7.006492321624085e-46'), float4send('7.006492321624086e-46'), '0.7e-45'::float4;
select 7038531e-32::numeric::float4, 9007199791611905::int8::float4, 'NaN'::numeric::float4;
select 1e40::numeric::float4;
select 1e-60::numeric::float4;
-- Aggregates keep more than a numeric can hold.
select trim_scale(variance(a) * 1e1000) from (values (0), (3e-500), (-3e-500), (4e-500 - 1e-16383)) v(a);
select variance(a), stddev(a) from (values (9e131071), (9e131071 + 5)) v(a);
select sum(a) from (values (9e131071), (9e131071)) v(a);
select avg(a) from (values (9e131071), (9e131071)) v(a);
select sum(a) = 9e131071 from (values (9e131071), (9e131071), (-9e131071)) v(a);
select count(*) from generate_series(6 * (10::numeric ^ 131071), 9 * (10::numeric ^ 131071), 10::numeric ^ 131071);
-- tid reads its numbers as C does.
select '(-1,0)'::tid, '( 1, 2)'::tid, 'x(1,2)y'::tid, '(01,+2)'::tid, '(,2)'::tid, '(1,)'::tid, '(4294967295,65535)'::tid;
select '(4294967296,1)'::tid;
select '(1,65536)'::tid;
select '(1 ,2)'::tid;
select '(1,-1)'::tid;
-- Time zones that say their rules.
select '1980-06-01 00:00'::timestamp at time zone 'FOO8BAR', '2010-03-20 00:00'::timestamp at time zone 'FOO8BAR', '2010-12-01'::timestamp at time zone 'FOO8BAR';
set timezone to 'NZST-12:00:00NZDT-13:00:00,M10.1.0,M3.3.0';
show timezone;
select timestamptz '2020-01-01 00:00+00', timestamptz '2020-06-01 00:00+00', to_char(timestamptz '2020-01-01 00:00+00', 'TZ OF'), extract(timezone from timestamptz '2020-07-01 00:00+00');
set timezone to '<+03>-3<+04>,J79/24,J263/24';
select timestamptz '2020-03-19 20:59+00', timestamptz '2020-03-19 21:00+00', timestamptz '2020-09-19 19:59+00', timestamptz '2020-09-19 21:00+00';
set datestyle to 'postgres';
set timezone to 'AAA3BBB,70,300/3:30';
select timestamptz '2020-03-11 04:59:59+00', timestamptz '2020-03-11 05:00+00', timestamptz '2020-10-27 05:29+00', timestamptz '2020-10-27 05:30+00';
set timezone to 'AAA3BBB2:30';
select timestamptz '2020-06-19 20:59+00', timestamptz '2020-12-19 21:00+00';
set timezone to 'UTC';
set datestyle to 'iso';
select make_timestamptz(2014, 12, 10, 10, 10, 10, 'PST8PDT,M3.2.0,M11.1.0'), '2020-06-01 12:00 FOO8BAR'::timestamptz;
-- An abbreviation that has meant several offsets means the one of its time.
select '2011-03-27 02:00:00 MSK'::timestamptz, '2011-03-27 02:59:59 MSK'::timestamptz, '2011-03-27 03:00:00 MSK'::timestamptz, '2011-03-27 01:59:59 MSK'::timestamptz;
select '2014-10-26 00:59:59 MSK'::timestamptz, '2014-10-26 01:00:00 MSK'::timestamptz, '2014-10-26 02:00:00 MSK'::timestamptz;
select '2011-03-27 02:30:00'::timestamp at time zone 'MSK', '2010-07-01 00:00 MSK'::timestamptz, timestamptz '2010-07-01 00:00+00' at time zone 'MSK', timestamptz '2012-07-01 00:00+00' at time zone 'MSK';
