-- The functions that max and min are made of are callable by themselves, and by aggregates of users
SELECT int4larger(1, 2), int4smaller(1, 2), int2larger(1::int2, 1::int2), int8smaller(5, 4), oidlarger(1, 2), float8larger('nan', 1), float8smaller('-inf', 0);
SELECT numeric_larger(1.0, 1), numeric_smaller(1.0, 1.00), date_larger('2020-01-01', '2020-01-02'), interval_smaller('1 mon', '30 days');
SELECT timestamptz_larger('2020-01-01 UTC', '2020-01-01 01:00+02') = '2020-01-01 UTC', time_smaller('10:00', '09:00'), network_larger('10.0.0.1', '10.0.0.0/8'), pg_lsn_larger('0/1', '0/2'), xid8_smaller('3', '4');
SELECT int4larger(NULL, 1), oid FROM pg_proc WHERE proname = 'int4larger';
CREATE AGGREGATE most(int) (SFUNC = int4larger, STYPE = int);
SELECT most(x) FROM (VALUES (1), (3), (NULL), (2)) t(x);
