-- Fields of infinite moments.
select u, date_part(u, 'infinity'::timestamptz), date_part(u, '-infinity'::timestamptz) from unnest(array['timezone','timezone_hour','timezone_minute','timezone_h','timezone_m','hour','epoch','year','dow']) u;
select extract(timezone from 'infinity'::timestamptz);
select extract(timezone from 'infinity'::timestamp);
select date_part('timezone', 'infinity'::timestamp);
select date_part('timezone_hour', '-infinity'::timestamp);
select date_part('timezone', timestamp '2020-01-01');
select date_part('timezone', 'infinity'::date);
select extract(timezone from 'infinity'::date);
select date_part('foo', 'infinity'::timestamptz);
