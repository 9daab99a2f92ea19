'12'::int4 + 3
'abc'::int4
''::int4
' 42 '::int4
'99999999999'::int4
'32768'::int2
'9223372036854775808'::int8
2147483647 + 1
(-2147483648)::int4 - 1
9223372036854775807 + 1
1/0
7/2
-7/2
-7%2
5::int2*7000::int2
5::int2*700::int2
1.0/3
2.0/3
10/3.0
1/3.0
100000000000000000000/3.0
0.0000001/3
1e-10::numeric/7
22/7.0
1.5*2.25
0.1+0.2
1.10-0.1
12345678901234567890.123 % 97
-7.5 % 2
power(2.0,10)
power(2,10)
power(2::numeric,0.5)
power(1.1,100.5)
power(10.0,-3)
power(2.5,-3)
power(0::numeric,0)
power(0.0,-1)
power(-8.0,0.333)
2^0.5
2.0^3
sqrt(2.0)
sqrt(2)
sqrt(-1.0)
sqrt(16::numeric)
sqrt(1e-20::numeric)
sqrt(123456789012345678901234567890.0)
exp(1.0)
exp(10.5::numeric)
exp(-5.0)
exp(1)
ln(2.0)
ln(10::numeric)
ln(1.0)
ln(0.00001)
ln(123456789.987654321)
ln(0.0)
ln(-1.0)
log(100.0)
log(2.0,64.0)
log(10.0, 2.0)
log10(3.3)
round(2.5)
round(-2.5)
round(2.5::float8)
round(3.5::float8)
round(1234.5678,2)
round(1234.5678,-2)
round(12.0,5)
trunc(1234.5678,2)
trunc(-1234.5678,-2)
ceil(-1.5)
ceil(1.00001)
floor(-1.5)
floor(-1.5::float8)
sign(-3.2)
abs(-3.20)
div(7.5,2)
mod(7,3)
mod(-7.5,2)
gcd(12,18)
lcm(4,6)
factorial(20)
width_bucket(5.35,0.024,10.06,5)
scale(1.500)
min_scale(1.500)
trim_scale(1.500)
1e20::float8
1e15::float8
1e14::float8
123456789012345.6::float8
1e-5::float8
0.0001::float8
0.1::float8+0.2::float8
'NaN'::float8
'-Infinity'::float8
'inf'::float8
-0.0::float8
'-0'::float8
1e400::float8
'1e400'::float8
1e6::float4
1e5::float4
0.1::float4
16777216::float4
3.4e38::float4
1.5::float4*2::float4
0.1::float4::float8
1e40::float8::float4
1.5::int4
2.5::int4
-2.5::int4
2.5::float8::int4
3.5::float8::int4
'1.5'::numeric::int8
1e10::float8::int4
'NaN'::numeric::int4
'NaN'::numeric
'Infinity'::numeric
'-inf'::numeric + 5
'inf'::numeric - 'inf'::numeric
'NaN'::numeric = 'NaN'::numeric
'NaN'::numeric > 1e100
1::numeric/'inf'::numeric
123.456::numeric(5,2)
1234.5::numeric(5,2)
0.005::numeric(3,2)
1.5::numeric(3)
12345::numeric(3,-2)
99::numeric(2,2)
'inf'::numeric(5,2)
'1.5e3'::numeric
'1.5e-3'::numeric
'1_000'::numeric
'.5'::numeric
'5.'::numeric
'abc'::numeric
'0x1F'::numeric
1e5::numeric
0.00::numeric
-0.00::numeric
1.10::float8::numeric
1e20::float8::numeric
3.14159265358979::float8::numeric
1.1::float4::numeric
'abc'::varchar(2)
'abc  '::char(5)
'abc'::char(5)
'abc'::char(5) || 'x'
length('abc'::char(5))
'abc'::char(5) = 'abc  '
'a'::char(3)::text || 'b'
'truexx'::bool
'tru'::bool
'of'::bool
'o'::bool
true::text
true::int4
5::bool
true::varchar(2)
'\x48656c6c6f'::bytea
'\x4'::bytea
'\xzz'::bytea
'a\000b\\'::bytea
'\8'::bytea
encode('\x00ff41'::bytea,'escape')
encode('\x48656c6c6f'::bytea,'base64')
decode('SGVsbG8=','base64')
decode('zz','hex')
md5('hello')
sha256('abc'::bytea)
'\x01'::bytea || '\x02'::bytea
'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid
'{A0EEBC999C0B4EF8BB6D6BB9BD380A11}'::uuid
'a0eebc99'::uuid
'2024-02-29'::date
'2023-02-29'::date
'2023-13-01'::date
'20240229'::date
'02/29/2024'::date
'Feb 29, 2024'::date
'29 Feb 2024'::date
'29-Feb-2024'::date
'2024-Feb-29'::date
'February 29 2024'::date
'0044-03-15 BC'::date
'infinity'::date
'epoch'::date
'abc'::date
'5874898-01-01'::date
'4714-11-23 BC'::date
'J2451187'::date
'99-01-08'::date
'1/8/1999'::date
'2024-01-01 25:00'::timestamp
'2024-01-01 24:00:00'::timestamp
'2024-01-01 12:34:56.789'::timestamp
'2024-01-01T12:34:56.7891234'::timestamp
'2024-01-01 12:34'::timestamp
'2024-01-01'::timestamp
'2024-01-01 12:34:56 PM'::timestamp
'2024-01-01 01:34:56 PM'::timestamp
'2024-01-01 12:34:56.789'::timestamp(1)
'2024-06-01 12:00:00'::timestamptz
'2024-01-01 12:00:00'::timestamptz
'2024-01-01 12:00:00+02'::timestamptz
'2024-01-01 12:00:00-05:30'::timestamptz
'2024-01-01T12:00:00Z'::timestamptz
'2024-01-01 12:00:00 Europe/Paris'::timestamptz
'2024-01-01 12:00:00 PST'::timestamptz
'2024-01-01 12:00:00+99'::timestamptz
'2024-01-01 12:00:00 Nowhere/City'::timestamptz
'2024-03-10 02:30:00'::timestamptz
'2024-11-03 01:30:00'::timestamptz
'1850-01-01 00:00:00'::timestamptz
'infinity'::timestamptz
'294277-01-01'::timestamp
'2024-01-01 12:00:00'::timestamptz at time zone 'Asia/Tokyo'
'2024-01-01 12:00:00'::timestamp at time zone 'Asia/Tokyo'
'2024-01-01 12:00:00'::timestamptz at time zone 'UTC'
'2024-01-01 12:00:00'::timestamptz at time zone '+3'
'2024-01-01 12:00:00'::timestamptz at time zone 'Foo'
'12:34:56'::time
'12:34:56.789'::time(2)
'123456'::time
'12:34'::time
'25:00'::time
'12:34 PM'::time
'12:34:56+02'::timetz
'12:34:56.5-05'::timetz
'1 day'::interval
'1 year 2 months 3 days 04:05:06.789'::interval
'-1 year -2 mons +3 days -04:05:06'::interval
'1 day ago'::interval
'1.5 days'::interval
'1.5 months'::interval
'1.5 years'::interval
'1.5 weeks'::interval
'P1Y2M3DT4H5M6S'::interval
'PT1.5H'::interval
'P1W'::interval
'1-2'::interval
'1 2:03:04'::interval
'3 4:05'::interval
'@ 1 minute'::interval
'1h30m'::interval
'100'::interval
'2 decades 1 century'::interval
'abc'::interval
'1 foo'::interval
''::interval
'-1 day'::interval
'1 mon -1 day'::interval
'0'::interval
'36:00:00'::interval
'1.123456789 seconds'::interval
interval '1' day
interval '1' month
interval '2-3' year to month
interval '1.5' second(0)
interval '1 day 2:03:04' hour to minute
'99999999999 years'::interval
'1 day'::interval + '1 hour'::interval
'1 month'::interval * 1.5
'1 month 15 days'::interval / 2
'1 day'::interval * 0.7
'1 day'::interval / 0
'1 hour'::interval = '60 min'::interval
'1 month'::interval = '30 days'::interval
- '1 day 2 hours'::interval
'2024-01-31'::date + '1 month'::interval
'2024-01-31'::date + 1
'2024-03-31'::date - '2024-02-01'::date
'2024-01-31 10:00'::timestamp - '2024-01-01 12:30'::timestamp
'2024-03-09 12:00'::timestamptz + '1 day'::interval
'2024-03-09 12:00'::timestamptz + '24 hours'::interval
'2024-03-31 10:00'::timestamp - '1 month'::interval
'12:00'::time + '13 hours'::interval
'12:00'::time - '10:30'::time
'2024-01-01'::date + '10:00'::time
age('2024-03-15'::timestamp,'2020-01-31'::timestamp)
age('2020-01-31'::timestamp,'2024-03-15'::timestamp)
age('2024-03-01'::timestamp,'2024-01-31 12:00'::timestamp)
justify_interval('1 mon -1 hour'::interval)
justify_days('35 days'::interval)
justify_hours('50 hours'::interval)
date_trunc('month','2024-05-17 12:34:56'::timestamp)
date_trunc('week','2024-05-17 12:34:56'::timestamp)
date_trunc('quarter','2024-05-17 12:34:56'::timestamp)
date_trunc('decade','2024-05-17'::timestamp)
date_trunc('century','2024-05-17'::timestamp)
date_trunc('hour','2024-05-17 12:34:56+00'::timestamptz)
date_trunc('day','2024-05-17 12:34:56+00'::timestamptz)
date_trunc('day','2024-05-17 12:34:56+00'::timestamptz,'Asia/Tokyo')
date_trunc('day','1 mon 3 days 04:05'::interval)
date_trunc('foo','2024-05-17'::timestamp)
date_trunc('timezone','2024-05-17'::timestamp)
date_bin('15 minutes','2024-05-17 12:34:56'::timestamp,'2024-01-01'::timestamp)
extract(year from '2024-05-17'::date)
extract(epoch from '2024-05-17 12:34:56.789'::timestamp)
extract(epoch from '2024-05-17 12:34:56.789+00'::timestamptz)
extract(epoch from '1 year 2 mons 3 days 4 hours'::interval)
extract(seconds from '12:34:56.789'::time)
extract(milliseconds from '12:34:56.789'::time)
extract(week from '2024-12-30'::date)
extract(isoyear from '2024-12-30'::date)
extract(dow from '2024-05-19'::date)
extract(isodow from '2024-05-19'::date)
extract(doy from '2024-05-19'::date)
extract(century from '2000-12-31'::date)
extract(quarter from '2024-05-19'::date)
extract(julian from '2024-05-19'::date)
extract(julian from '2024-05-19 12:00'::timestamp)
extract(timezone from '2024-05-17 12:34:56+00'::timestamptz)
extract(hour from '2024-05-17'::date)
extract(foo from '2024-05-17'::date)
extract(year from 'infinity'::timestamp)
extract(day from 'infinity'::timestamp)
extract(epoch from '2024-05-17'::date)
date_part('epoch','2024-05-17 12:34:56.789'::timestamp)
make_date(2024,2,30)
make_date(2024,2,29)
make_time(12,34,56.789)
make_timestamp(2024,1,2,3,4,5.6)
make_interval(1,2,3,4)
to_timestamp(1284352323.5)
('2024-01-01'::timestamp,'2024-02-01'::timestamp) overlaps ('2024-01-15'::timestamp,'2024-03-01'::timestamp)
to_char('2024-05-07 15:04:05.123'::timestamp,'YYYY-MM-DD HH24:MI:SS.MS')
to_char('2024-05-07 15:04:05.123'::timestamp,'FMDay, FMDD FMMonth YYYY')
to_char('2024-05-07 15:04:05.123'::timestamp,'Day Mon DDth HH12:MI am')
to_char('2024-05-07 15:04:05.123456'::timestamp,'US FF3 Q WW IW IYYY D ID DDD J CC RM SSSS')
to_char('2024-05-07 15:04:05+00'::timestamptz,'YYYY-MM-DD HH24:MI:SS TZ OF TZH:TZM')
to_char('1 day 15:04:05'::interval,'HH24:MI:SS')
to_char(1234.567,'9,999.99')
to_char(-1234.567,'9,999.99')
to_char(1234.567,'FM9999.99')
to_char(12,'0000')
to_char(0.5,'0.00')
to_char(0.5,'9.99')
to_char(0,'999')
to_char(485,'RN')
to_char(-12,'S99')
to_char(-12,'99MI')
to_char(-12,'99PR')
to_char(12345,'999')
to_char(125,'999th')
to_char(1234567.891,'999,999,999.99')
to_char(3.14::float8,'FM990.00')
to_char(0.00012::float8,'9.99EEEE')
to_date('2024-05-07','YYYY-MM-DD')
to_date('07 May 2024','DD Mon YYYY')
to_date('20240507','YYYYMMDD')
to_date('2024-13-07','YYYY-MM-DD')
to_timestamp('2024-05-07 15:04:05','YYYY-MM-DD HH24:MI:SS')
to_timestamp('05/07/24 3:04 PM','MM/DD/YY HH12:MI PM')
to_number('1,234.56','9,999.99')
to_number('-12','S99')
length('héllo')
char_length('日本語')
octet_length('日本語')
upper('straße')
lower('ÀÉ')
initcap('hello wORLD foo-bar')
substr('hello',2,3)
substr('hello',-1,3)
substr('hello',2)
substring('hello' from 2 for 2)
substring('hello' from 2 for -1)
substring('foobar' from 'o.b')
substring('foobar' from 'o(.)b')
substring('foobar' similar '#"o_b#"%' escape '#')
substring('foobar' similar '%#"o_b#"%' escape '#')
position('lo' in 'hello')
strpos('hello','z')
left('hello',2)
left('hello',-2)
right('hello',2)
right('hello',-2)
lpad('hi',5,'xy')
rpad('hi',5,'xy')
lpad('hello',2)
trim('  hi  ')
trim(both 'x' from 'xxhixx')
ltrim('zzzytest','xyz')
rtrim('testxxzx','xyz')
replace('abcabc','b','XX')
split_part('a,b,c',',',2)
split_part('a,b,c',',',-1)
split_part('a,b,c',',',0)
repeat('ab',3)
reverse('hello')
concat('a',1,null,true)
concat_ws(',','a',null,'b')
concat_ws(null,'a')
format('Hello %s, %I and %L','World','my table','it''s')
format('%2$s %1$s','a','b')
format('|%10s|%-10s|','foo','bar')
format('%s')
format('%x','a')
format('100%%')
quote_ident('Foo Bar')
quote_ident('select')
quote_ident('foo')
quote_literal('it''s')
quote_literal('a\b')
quote_nullable(null)
ascii('é')
chr(233)
chr(0)
translate('12345','143','ax')
to_hex(255)
to_hex(-1)
starts_with('alphabet','alph')
overlay('Txxxxas' placing 'hom' from 2 for 4)
'abc' || 1
1 || 'abc'
'a' || null
'abc' like 'a%'
'abc' like '_b_'
'a%c' like 'a\%c'
'abc' like 'a\'
'ABC' ilike 'a%'
'abc' not like 'b%'
'abc' similar to '(a|x)bc'
'abc' ~ '^a.c$'
'ABC' ~* 'abc'
'abc' !~ 'b'
'a1' ~ '\d'
'a b' ~ '[[:space:]]'
'foo' ~ '('
'x' ~ '*'
regexp_replace('foobarbaz','b..','X')
regexp_replace('foobarbaz','b..','X','g')
regexp_replace('foobarbaz','b(..)','X\1Y','g')
regexp_match('foobarbequebaz','(bar)(beque)')
regexp_match('abc','x')
regexp_split_to_array('the quick brown','\s+')
regexp_split_to_array('abc','')
regexp_count('ABCABC','b',1,'i')
regexp_like('Hello','hello','i')
string_to_array('a,b,c',',')
string_to_array('a,b,NULL',',','NULL')
string_to_array('abc',null)
string_to_array('',',')
array_to_string(array[1,null,3],',')
array_to_string(array[1,null,3],',','*')
'{1,2,3}'::int4[]
'{{1,2},{3,4}}'::int4[]
'{a,"b c",NULL,"NULL","",d\"e}'::text[]
'[0:2]={1,2,3}'::int4[]
'{1,2'::int4[]
'1,2'::int4[]
'{1,a}'::int4[]
'{{1,2},{3}}'::int4[]
'{}'::int4[]
'{1}}'::int4[]
array[1,2]||3
array[1,2]||array[3,4]
0||array[1,2]
array[[1,2],[3,4]]||array[5,6]
array_append(array[1,2],3)
array_prepend(1,array[2])
array_cat(array[1],array[2])
array_length(array[1,2,3],1)
array_length(array[]::int4[],1)
array_upper(array[1,2],1)
cardinality(array[[1,2],[3,4]])
array_dims(array[[1,2],[3,4]])
array_position(array['a','b'],'b')
array_positions(array[1,2,1],1)
array_remove(array[1,2,1],1)
array_replace(array[1,2,1],1,9)
array[1,2,3] @> array[2]
array[2] <@ array[1,2]
array[1,2] && array[2,3]
array[1,2] = array[1,2]
array[1,2] < array[1,3]
array[1,null] = array[1,null]
array['a','b c']
array[1,2.5]
array_fill(7,array[3])
trim_array(array[1,2,3],2)
'{"a": 1, "b": [1, 2.50, true, null], "a": 2}'::jsonb
'{"bb":1,"a":2}'::jsonb
'[]'::jsonb
'1e3'::jsonb
'"a\u00e9\n\t\""'::jsonb
'{"a":1}'::json
'{a:1}'::json
'{"a":}'::json
'{"a":1'::jsonb
'[1,2'::jsonb
''::jsonb
'tru'::jsonb
'{"a":1} x'::jsonb
'[1 2]'::jsonb
'"\u0000"'::jsonb
'{"a":{"b":[10,20]}}'::jsonb -> 'a'
'{"a":{"b":[10,20]}}'::jsonb #> '{a,b,1}'
'{"a":{"b":[10,20]}}'::jsonb #>> '{a,b,-1}'
'{"a":"x"}'::jsonb ->> 'a'
'[1,2,3]'::jsonb -> 1
'[1,2,3]'::jsonb -> -1
'[1,2,3]'::jsonb -> 5
'{"a": {"c" : 1}}'::json -> 'a'
'{"a":"x\ty"}'::json ->> 'a'
'{"a":1,"b":2}'::jsonb @> '{"a":1}'
'[1,2,3]'::jsonb @> '2'
'{"a":1}'::jsonb ? 'a'
'{"a":1}'::jsonb ?| array['b','a']
'{"a":1}'::jsonb ?& array['b','a']
'{"a":1}'::jsonb || '{"b":2}'::jsonb
'[1]'::jsonb || '2'::jsonb
'{"a":1,"b":2}'::jsonb - 'a'
'[1,2,3]'::jsonb - 1
'{"a":{"b":1}}'::jsonb #- '{a,b}'
jsonb_set('{"a":1}','{b}','2')
jsonb_set('{"a":[1,2]}','{a,0}','9')
jsonb_set('{"a":1}','{b}','2',false)
jsonb_insert('{"a":[1,2]}','{a,1}','9')
jsonb_typeof('{"a":1}')
jsonb_array_length('[1,2]')
jsonb_array_length('{}')
jsonb_pretty('{"a":[1,{"b":2}]}')
jsonb_strip_nulls('{"a":null,"b":{"c":null}}')
jsonb_build_object('a',1,'b',null,'c',array[1,2])
json_build_object('a',1,'b','x')
jsonb_build_array(1,'a',null,true)
json_build_array(1,'a',null,true)
json_build_object('a')
to_json('2024-01-01 10:00'::timestamp)
to_jsonb(1.50)
to_json('a"b'::text)
to_jsonb('2024-01-01 10:00+00'::timestamptz)
to_json(array[1,2])
json_object('{a,1,b,2}')
jsonb_extract_path_text('{"a":{"b":"c"}}','a','b')
'5'::jsonb::int4
'"5"'::jsonb::int4
'true'::jsonb::bool
'{"a":1}'::jsonb = '{"a":1.0}'::jsonb
'[1,2]'::jsonb < '[1,3]'::jsonb
row(1,'a',null)
row(1,2) < row(1,3)
5 & 3
5 | 3
5 # 3
~5
1 << 4
-16 >> 2
@ -5
|/ 25.0
foo(1)
length(1)
'a' + 1
1 + true
true || false
abs('x')
lower(5)
substr('a','b')
1 = 'a'
'a'::text = 1
pg_typeof(1.5)
pg_typeof(array[1])
int4(2.7)
text(5)
float8(1)
date('2024-01-01 10:00'::timestamp)
pg_size_pretty(10239::int8)
pg_size_pretty(10240::int8)
pg_size_pretty(123456789::int8)
pg_size_pretty(-123456789012::int8)
format_type(1043,14)
format_type(1700,655366)
format_type(1184,3)
format_type(1042,null)
format_type(1042,-1)
format_type(1007,null)
format_type(1186,-1)
format_type(0,null)
format_type(12345678,null)
'int4'::regtype
'character varying'::regtype
'timestamp with time zone'::regtype
'nosuch'::regtype
23::regtype
'1 2 3'::int2vector
num_nulls(1,null,2)
'a'::"char"
65::"char"
'abc'::name
1::text
1.5::text
'2024-01-01'::date::text
'2024-01-01'::date::timestamptz
'2024-01-01 10:00:00+00'::timestamptz::date
'2024-01-01 23:00:00'::timestamp::time
'25:30:00'::interval::time
'10:00'::time::interval
'x'::text::int4
'5'::text::int4
5::text::varchar(3)
'1'::int8 = 1
1::int2 = 1::int8
1.0 = 1
1::float8 = 1.0
'2024-01-01'::date = '2024-01-01 00:00:00'::timestamp
'2024-01-01'::date < '2024-01-01 00:00:00+00'::timestamptz
'b'::text > 'a'
'a'::char(2) < 'b'
null::int4 + 1
1 <> 2
1 != 2
power(1.5,1)
power(3.3,-1)
power(123.456,7)
power(0.5,-20)
power(1e10::numeric,3)
power(1.0000001,1000000)
1.05::numeric^12.5
ln(1.05)
ln(0.95)
ln(1.0000001)
ln(99999999)
exp(100.0)
exp(-100.0)
exp(0.0)
sqrt(0.0)
sqrt(1e10::numeric)
log(1.1, 3.0)
9999999999999999999999/3.0
1/0.00000000000003
5/9999999999.0
0/5.0
stddev(array[1,2,3,4])
stddev(array[1.5,2.5,4])
variance(array[1,2,3])
var_pop(array[1,2,3]::int8[])
stddev_pop(array[1,2,3]::float8[])
avg(array[1,2,3])
avg(array[1,2,4])
avg(array[1.5,2.5])
sum(array[1,2,3])
sum(array[1,2,3]::int8[])
sum(array[1.10,2.2])
sum(array[1,2]::float8[])
sum(array[]::int4[])
count(array[1,null,2])
min(array['b','a'])
max(array['b','a',null])
bool_and(array[true,false])
bool_or(array[true,false,null])
bit_or(array[1,2,4])
string_agg(array['a',null,'b'],',')
array_agg(array[1,null,2])
json_agg(array[1,null,2])
jsonb_agg(array['a',null])
sum(array['1 day','2 hours']::interval[])
avg(array['1 day','2 days']::interval[])
generate_subscripts(array[5,6],1)
1::oid = 1
1::oid = 23::regtype
'a'::name = 'a'::text
'a'::name like 'a%'
'a'::varchar like 'a%'
'a'::varchar = 'a'
'a'::varchar || 'b'::varchar
'a'::name || 'b'
'a'::char(3) || 'b'::char(2)
length('a'::varchar)
upper('a'::name)
'r'::"char" = 'r'
'r'::"char" = 'r'::text
1::int2 = 1::oid
'1 2'::int2vector = '1 2'
array_to_string('1 2'::int2vector,',')
array_length('1 2'::int2vector,1)
array_position('1 2'::int2vector, 2::int2)
array_position('1 2'::int2vector, 2)
array_upper('1 2'::int2vector,1)
'2024-01-01' < '2024-01-02'::date
'1 day' + '2024-01-01'::date
'2024-01-01'::date - '1 day'
'2024-01-01'::date - '2023-12-31'
'2024-01-01'::timestamp - '1 day'
'2024-01-01'::timestamp + '1 day'
'2024-01-01'::date + '1 day'
1 + '2'
'1' + '2'
'1' || '2'
round(1.55::float8, 1)
round(1.55, '1')
concat(1)
lower(null)
substring('abc', 2)
power(2, '3')
power('2', '3')
2 * '1 day'::interval
2.5 * '1 day'::interval
2::int8 * '1 day'::interval
'1 day'::interval * 2
1::int4 + 1.5::float8
1::numeric + 1::float8
1::float4 + 1::numeric
1::float4 + 1
1::float4 + 1::float8
1::int8 + 1::float4
2 ^ 3
2::int8 ^ 3
abs('-5')
abs(-5::int2)
sqrt('4')
mod(5::int8, 3)
mod(5.5, 3)
to_char(5, '9')
to_char('2024-01-01', 'YYYY')
date_trunc('day', '2024-01-01')
date_trunc('day', '2024-01-01'::date)
extract(day from '3 days'::interval)
age('2024-01-01', '2023-01-01')
array_append(array[1], 2.5)
array_append(null::int4[], 2)
array[1] || 2.5
array[1] || '{2}'
array[1]::int8[] || 2
array['a'] || 'b'
array['a'] || 'b'::text
array['a'::varchar] || 'b'::text
null || array[1]
array[1,2] = '{1,2}'
'{1,2}' = array[1,2]
array[1] = array[1.0]
array[1]::int8[] = array[1]
jsonb_build_object('a', 'b')
'{"a":1}'::jsonb -> 'a' = '1'
'{"a":1}'::jsonb || '{"b":2}'
to_jsonb('a')
to_json(null::text)
json_agg(array['{"a":1}'::json])
format('%s', 1.50)
concat(1.50, '2024-01-01'::date, array[1,2], true, 'x'::char(3))
'a' < 'B'
'a' = 'a '
'a'::char(5) = 'a'::text
'a '::char(5) = 'a '::text
'a'::char(5)::varchar || '|'
'abc'::text::char(2)
'12'::char(5)::int4
'true'::text::bool
1::bool::text
'1'::"char"::int4
'2024-01-01'::text::date
'2024-01-01'::date::text || 'x'
5::float8::text
1e20::numeric::text
'5 '::int4
'5.0'::int4
' t '::bool
1 = '1.0'
1.0 = '1'
'2024-01-01 00:00:00'::timestamp = '2024-01-01'
interval '1 day' > '1 hour'
time '10:00' < '11:00'
'\x41'::bytea = 'A'
convert_from('\x41'::bytea, 'UTF8')
encode('abc', 'hex')
length('\x4142'::bytea)
position('\x42'::bytea in '\x4142'::bytea)
substring('\x414243'::bytea from 2 for 1)
md5('\x41'::bytea)
row(1,'a') = row(1,'a')
-'5'
- 5::int2
+ '5'
~ 5::int8
5 % 0
5.0 % 0
5::float8 / 0
'inf'::float8 / 'inf'::float8
1e308::float8 * 10
1e-308::float8 * 1e-308::float8
'9223372036854775807'::int8 * 2
(-9223372036854775808)::int8
-(-9223372036854775807 - 1)
abs(-2147483648)
32767::int2 + 1::int2
32767::int2 + 1
-32768::int2
(-32768)::int2 / -1::int2
acosd(0.5)
acosd(-1)
acosd(2)
asind(0.5)
asind(-0.5)
asind(0.3)
atand(1)
atand(-1)
atand(0.4)
atan2d(1, -1)
atan2d(0, 1)
cotd(45)
cotd(60)
btrim('\x00ab00'::bytea, '\x00'::bytea)
ltrim('\x0001ab00'::bytea, '\x0100'::bytea)
rtrim('\xab0000'::bytea, '\x00'::bytea)
overlay('\x01020304'::bytea placing '\xff'::bytea from 2)
overlay('\x01020304'::bytea placing '\xff'::bytea from 2 for 3)
overlay('\x01020304'::bytea placing '\xff'::bytea from 0)
get_bit('\x0102'::bytea, 0)
get_bit('\x0102'::bytea, 9)
get_bit('\x0102'::bytea, 16)
set_bit('\x00'::bytea, 3, 1)
set_bit('\xff'::bytea, 7, 0)
set_bit('\xff'::bytea, 1, 2)
regexp_substr('foobarbaz', 'b..')
regexp_substr('foobarbaz', 'b..', 5)
regexp_substr('foobarbaz', 'b(.)(.)', 1, 2)
regexp_substr('foobarbaz', 'B(.)(.)', 1, 2, 'i', 1)
regexp_substr('foobarbaz', 'B(.)(.)', 1, 3, 'i', 1)
regexp_substr('abc', 'b', 0)
regexp_substr('abc', 'b', 1, 0)
regexp_substr('abc', 'b', 1, 1, 'g')
regexp_instr('foobarbaz', 'b..')
regexp_instr('foobarbaz', 'b..', 5)
regexp_instr('foobarbaz', 'b..', 1, 2, 1)
regexp_instr('foobarbaz', 'b(.)(.)', 1, 2, 0, '', 2)
regexp_instr('foobarbaz', 'x')
regexp_instr('foobarbaz', 'b', 1, 1, 2)
regexp_instr('aXbXc', '(X)(b)?', 1, 2, 0, '', 2)
regexp_instr('añb', 'b')
pg_trigger_depth()
