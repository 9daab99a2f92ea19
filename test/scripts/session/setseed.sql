-- Numbers of random() after setseed are PostgreSQL's, whoever draws them.
SELECT setseed(0.25);
SELECT random();
SELECT random() FROM generate_series(1, 5);
SELECT random() < 1, random() FROM (VALUES (1), (2)) v (x);
SELECT setseed(-1), random();
SELECT random();
SELECT setseed(1);
SELECT random();
SELECT setseed(0);
SELECT random();
CREATE TABLE drawn (id int PRIMARY KEY, at float8 DEFAULT random());
INSERT INTO drawn (id) SELECT i FROM generate_series(1, 4) i;
SELECT * FROM drawn ORDER BY id;
CREATE FUNCTION draw() RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN PERFORM setseed(0.5); RETURN random(); END $$;
SELECT draw();
SELECT random();
-- A transaction that is rolled back has drawn all the same.
BEGIN;
SELECT setseed(0.125);
SELECT random();
ROLLBACK;
SELECT random();
-- What is out of range changes nothing.
SELECT setseed(1.5);
SELECT random();
SELECT setseed(NULL);
SELECT random();
DISCARD ALL;
SELECT random();
