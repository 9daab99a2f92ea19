select stddev_pop(a), stddev_samp(a), var_pop(a) from (values (2), (1000), (7), (1000)) as v (a);
select stddev_pop(a), stddev(a), variance(a) from (values (0.5), (100000.25), (1e10)) as v (a);
select stddev_pop(a), stddev(a) from (values (0.00001), (0.00002)) as v (a);
select jsonb '12.50' -> 0, jsonb '"s"' ->> 0, jsonb 'null' -> 0, jsonb '1' -> -1, jsonb '1' -> 1, jsonb '{}' -> 0, json '1' -> 0, jsonb '1' #> '{0}';
select count(*) from (values (1)) as v (a) group by cube (a, a, a), cube (a, a, a), cube (a, a, a), cube (a, a, a), cube (a, a, a);
select 1 from (values (1, 2, 3)) as v (a, b, c) group by cube (a, b, c, a, b, c, a, b, c, a, b, c, a);
select sum(1) over (order by a rows between 1 following and current row) from (values (1)) as v (a);
select sum(1) over (order by a range between current row and 1 preceding) from (values (1)) as v (a);
select sum(1) over (order by a rows between unbounded following and current row) from (values (1)) as v (a);
