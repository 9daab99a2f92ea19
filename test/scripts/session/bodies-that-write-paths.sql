-- Bodies in standard SQL that change rows mean the tables and functions of when they were made, whoever calls them.
CREATE SCHEMA pa;
CREATE SCHEMA pb;
CREATE TABLE pa.rows(id int);
CREATE TABLE pb.rows(id int);
CREATE FUNCTION pb.abs(int) RETURNS int LANGUAGE sql RETURN 42;
SET search_path = pa;
CREATE PROCEDURE put(i int) LANGUAGE sql BEGIN ATOMIC INSERT INTO rows VALUES (i); END;
CREATE FUNCTION putting(i int) RETURNS int LANGUAGE sql BEGIN ATOMIC INSERT INTO rows VALUES (abs(i)) RETURNING id; END;
CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM rows; END;
CREATE PROCEDURE cleared() LANGUAGE sql SET search_path = pb BEGIN ATOMIC DELETE FROM rows; END;
SET search_path = pb;
CALL pa.put(1);
SELECT pa.putting(-2), pa.counted();
SET search_path = pb, pg_catalog;
SELECT pa.putting(-3);
SET search_path = public;
CALL pa.put(4);
-- A table of the session's own hides none of them.
CREATE TEMP TABLE rows(id int);
SELECT pa.putting(5), pa.counted();
SELECT 'pa', id FROM pa.rows UNION ALL SELECT 'pb', id FROM pb.rows UNION ALL SELECT 'own', id FROM rows ORDER BY 1, 2;
SHOW search_path;
-- A new name of the schema changes nothing.
ALTER SCHEMA pa RENAME TO pc;
SELECT pc.putting(6), pc.counted();
ALTER FUNCTION pc.putting(int) SET SCHEMA pb;
SELECT pb.putting(7);
CALL pc.cleared();
SELECT pc.counted(), current_setting('search_path');
-- Without a search path at all.
SET search_path = '';
CREATE FUNCTION public.plain(i int) RETURNS int LANGUAGE sql BEGIN ATOMIC INSERT INTO pb.rows VALUES (i) RETURNING id; END;
SET search_path = pb;
SELECT public.plain(8), id FROM rows;
RESET search_path;
BEGIN;
SELECT pb.putting(9);
ROLLBACK;
SELECT pc.counted();
