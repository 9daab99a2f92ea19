-- What may not stand where, and which of several mistakes is told: found by putting each construct into each place.
CREATE TABLE t (a int, b text);
INSERT INTO t VALUES (1, 'x');
-- A literal without a type is a condition.
CREATE TABLE c1 (a int, CHECK (NULL));
INSERT INTO c1 VALUES (1);
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'c1'::regclass;
CREATE TABLE c2 (a int, CHECK ('a'));
CREATE TABLE c3 (a int, CHECK ('t'), CHECK ('off'));
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'c3'::regclass ORDER BY conname;
INSERT INTO c3 VALUES (1);
ALTER TABLE t ADD CHECK (NULL);
CREATE DOMAIN d AS int CHECK (NULL);
SELECT 5::d;
CREATE DOMAIN e AS int CHECK ('x');
CREATE DOMAIN f AS int CHECK ('no');
SELECT 5::f;
CREATE TABLE c4 (a int, CHECK (DEFAULT));
CREATE TABLE c4 (a int, CHECK (GROUPING(a) = 1));
CREATE INDEX ON t (a) WHERE GROUPING(a) = 1;
-- Columns of views.
CREATE VIEW v AS SELECT ROW(1, 2) AS v;
CREATE VIEW v AS SELECT jsonb_each('{}') AS v;
CREATE OR REPLACE VIEW v AS SELECT NULL AS v, 'a' AS w;
-- Bounds: the type first, then what they read.
SELECT a FROM t LIMIT b;
SELECT a FROM t LIMIT a = 1;
SELECT a FROM t LIMIT a;
SELECT a FROM t OFFSET ARRAY[a];
SELECT a FROM t OFFSET a + 1;
SELECT sum(a) OVER (ORDER BY a ROWS b PRECEDING) FROM t;
SELECT sum(a) OVER (ORDER BY a ROWS a PRECEDING) FROM t;
SELECT sum(a) OVER (ORDER BY a GROUPS true PRECEDING) FROM t;
SELECT sum(a) OVER (ORDER BY a ROWS ROW(1, 2) PRECEDING) FROM t;
SELECT sum(a) OVER (ORDER BY a ROWS sum(1) PRECEDING) FROM t;
SELECT sum(a) OVER (ORDER BY a ROWS count(*) PRECEDING) FROM t;
SELECT sum(a) OVER (ORDER BY a RANGE a PRECEDING) FROM t;
SELECT sum(a) OVER (ORDER BY a ROWS 1.5 PRECEDING) FROM t;
-- GROUPING within an aggregate.
SELECT max(GROUPING(a)) FROM t GROUP BY a;
SELECT array_agg(a ORDER BY GROUPING(a)) FROM t GROUP BY a;
SELECT (SELECT max(GROUPING(t.a)) FROM (VALUES (1)) AS s (x)) FROM t GROUP BY a;
SELECT sum(GROUPING(a)) OVER () FROM t GROUP BY a;
SELECT date_trunc('week', interval '1 day');
-- Windows where there are none: their arguments come first.
SELECT 1 FROM t WHERE sum(count(*)) OVER () > 1;
SELECT 1 FROM t WHERE count(DISTINCT a) OVER () > 1;
SELECT 1 FROM t WHERE sum(a) OVER () > 1;
SELECT 1 FROM t AS x JOIN t AS y ON sum(a) OVER () = 1;
SELECT 1 FROM t AS x JOIN t AS y ON sum(x.a) OVER () = 1;
INSERT INTO t VALUES (sum(zz) OVER ());
INSERT INTO t VALUES (sum(1) OVER ());
SELECT sum(sum(a) OVER ()) FROM t;
SELECT sum(sum(zz) OVER ()) OVER () FROM t;
SELECT sum(sum(a) OVER ()) OVER () FROM t;
SELECT 1 FROM t GROUP BY rank() OVER (ORDER BY a);
UPDATE t SET a = row_number() OVER ();
