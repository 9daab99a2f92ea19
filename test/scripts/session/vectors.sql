-- int2vector and oidvector, the catalogs' lists of numbers, are elements of arrays like any other value
SELECT array['11 22 33'::int2vector] AS a, pg_typeof(array['11 22 33'::int2vector]) AS t;
SELECT array['1 2'::oidvector, '3'::oidvector] AS a, unnest(array['1 2'::oidvector, '3']) AS u;
SELECT (array['1 2'::oidvector, '3'])[2] AS a, ((array['1 2'::oidvector, '3'])[2])[0] AS b, (array['1 2'::oidvector])[1][0] AS c;
SELECT array[array['1 2'::oidvector], array['3'::oidvector]] AS a;
SELECT array['1 2'::int2vector] || '3 4'::int2vector AS a, array['1 2'::int2vector] || array['3 4'::int2vector] AS b;
SELECT '1 2'::oidvector = any(array['1 2'::oidvector]) AS a, array['1 2'::oidvector] && array['1'::oidvector] AS b;
SELECT array['1 2'::int2vector, '3']::int2vector[] AS a;
SELECT array['1 2'::int2vector]::int2[] AS a;
SELECT array(SELECT '1 2'::int2vector) AS a;
-- what takes any array gives a vector back; a slice is an array
SELECT pg_typeof(min(x)) AS t, min(x) AS x FROM unnest(array['3 2'::oidvector, '1 5']) AS x;
SELECT trim_array('1 2 3'::int2vector, 1) AS a, ('1 2 3'::int2vector)[0:1] AS b, pg_typeof(('1 2 3'::int2vector)[0:1]) AS c;
-- a cast of ARRAY[...] makes one of anything; who reads it as a vector finds out
SELECT array[]::oidvector AS a;
SELECT array[]::int2vector AS a;
SELECT array[1, NULL]::int2vector AS a;
SELECT array[array[1, 2], array[3, 4]]::oidvector AS a;
SELECT array[]::oidvector IS NULL AS a, array[]::int2vector::int2[] AS b, array_ndims(array[]::oidvector) AS c;
SELECT array[]::oidvector = array[]::oidvector AS a;
SELECT array[1]::int2vector = '1'::int2vector AS a, array[1]::oidvector = '1'::oidvector AS b;
-- in tables
CREATE TABLE v (a int2vector[], b oidvector[], c int2vector, d oidvector);
INSERT INTO v VALUES (array['1 2'::int2vector, '3'], '{"4 5"}', '1 2', '3'), ('{}', NULL, '', '');
INSERT INTO v VALUES (NULL, NULL, array[1]::int2vector, array[2, 3]::oidvector);
SELECT * FROM v ORDER BY d;
SELECT c::int2[], d::oid[], array_ndims(c), array_lower(d, 1) FROM v ORDER BY d;
UPDATE v SET a[2] = '7 8' RETURNING a;
UPDATE v SET c[1] = 9;
UPDATE v SET d[0:1] = '{1}';
CREATE TABLE w (d oidvector PRIMARY KEY);
INSERT INTO w VALUES ('1 2'), ('1'), ('3'), ('');
INSERT INTO w VALUES (array[3]::oidvector);
INSERT INTO w VALUES (array[]::oidvector);
SELECT d FROM w ORDER BY d;
SELECT d FROM w WHERE d = '3';
-- their texts
SELECT '1 a'::int2vector;
SELECT '1,2'::int2vector;
SELECT '1a 3'::oidvector;
-- the lower bounds of what becomes a further dimension
SELECT array['[0:1]={1,2}'::int[], '[0:1]={3,4}'::int[]] AS a;
SELECT array['[0:1]={1,2}'::int[], '{3,4}'::int[]] AS a;
