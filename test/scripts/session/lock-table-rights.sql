-- Which right lets somebody lock a table in which mode: each right alone, and each mode.
CREATE ROLE locker;
CREATE TABLE lt (a int);
GRANT USAGE ON SCHEMA public TO locker;
CREATE FUNCTION may_lock(rights text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE m text; got text := ''; BEGIN EXECUTE 'GRANT ' || rights || ' ON lt TO locker'; SET LOCAL ROLE locker; FOREACH m IN ARRAY ARRAY['ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE'] LOOP BEGIN EXECUTE 'LOCK TABLE lt IN ' || m || ' MODE'; got := got || m || ', '; EXCEPTION WHEN insufficient_privilege THEN NULL; END; END LOOP; RESET ROLE; EXECUTE 'REVOKE ALL ON lt FROM locker'; RETURN got; END $$;
SELECT may_lock('SELECT');
SELECT may_lock('INSERT');
SELECT may_lock('UPDATE');
SELECT may_lock('DELETE');
SELECT may_lock('TRUNCATE');
SELECT may_lock('REFERENCES');
SELECT may_lock('SELECT, INSERT');
DROP TABLE lt;
REVOKE USAGE ON SCHEMA public FROM locker;
DROP FUNCTION may_lock(text);
DROP ROLE locker;
