-- What tools find in corners of the catalogs.
CREATE SCHEMA s1;
CREATE TABLE s1.a (id serial PRIMARY KEY, g int GENERATED ALWAYS AS (1) STORED);
CREATE VIEW s1.v AS SELECT * FROM s1.a;
CREATE MATERIALIZED VIEW s1.m AS SELECT * FROM s1.a;
CREATE SEQUENCE s1.q;
CREATE TYPE s1.ty AS (a int);
CREATE DOMAIN s1.d AS int;
CREATE FUNCTION s1.f(x int, y text DEFAULT 'b', z int DEFAULT 1 + 2) RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT pg_describe_object(classid, objid, objsubid), pg_describe_object(refclassid, refobjid, refobjsubid), deptype FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND refobjid = 's1'::regnamespace ORDER BY 1;
-- Roles that objects depend on.
CREATE ROLE of_corners;
CREATE ROLE of_edges;
GRANT SELECT ON s1.a TO of_corners;
GRANT UPDATE (id) ON s1.a TO of_corners;
ALTER TABLE s1.v OWNER TO of_corners;
GRANT USAGE ON SCHEMA s1 TO of_corners;
GRANT EXECUTE ON FUNCTION s1.f TO of_corners;
ALTER DEFAULT PRIVILEGES FOR ROLE of_corners GRANT SELECT ON TABLES TO of_edges;
SELECT classid::regclass, CASE WHEN classid <> 826 THEN pg_describe_object(classid, objid, objsubid) END, objsubid, refclassid::regclass, refobjid::regrole, deptype, dbid = 0 AS shared FROM pg_shdepend WHERE refobjid IN ('of_corners'::regrole, 'of_edges'::regrole) ORDER BY 1::text, 2, 5::text;
DROP OWNED BY of_corners;
DROP ROLE of_corners, of_edges;
-- Parameters of functions.
SELECT n, pg_get_function_arg_default('s1.f'::regproc, n) FROM generate_series(0, 5) n;
SELECT pg_get_function_arg_default(0, 1), pg_get_function_arg_default('pg_class'::regclass, 0), pg_get_function_arg_default('now'::regproc, 1);
SELECT p, pg_get_function_arguments(p), pg_get_function_identity_arguments(p), pg_get_function_result(p) FROM unnest(ARRAY['aclexplode', 'pg_identify_object', 'jsonb_each', 'information_schema._pg_expandarray']::regproc[]) AS p;
SELECT proname, pronamespace::regnamespace, proargnames, proargmodes FROM pg_proc WHERE proname IN ('_pg_expandarray', 'aclexplode', 'jsonb_each') ORDER BY 1;
SELECT (information_schema._pg_expandarray(ARRAY['a', 'b'])).n;
-- Relations as functions.
SELECT count(*) = (SELECT count(*) FROM pg_settings) FROM pg_show_all_settings();
SELECT name, unit, vartype FROM pg_show_all_settings() WHERE name = 'work_mem';
SELECT name, abbrev, utc_offset, is_dst FROM pg_timezone_names() WHERE name = 'UTC';
SELECT (pg_timezone_names()).name IS NOT NULL LIMIT 1;
SELECT abbrev, utc_offset FROM pg_timezone_abbrevs() WHERE abbrev = 'UTC';
PREPARE one AS SELECT 1;
SELECT name, from_sql FROM pg_prepared_statement();
DEALLOCATE one;
BEGIN;
DECLARE c CURSOR FOR SELECT 1;
SELECT name, is_holdable FROM pg_cursor() WHERE name = 'c';
COMMIT;
-- What servers that follow tell, and how old things are.
SELECT pg_last_wal_receive_lsn(), pg_last_xact_replay_timestamp();
SELECT age('0'::xid), age('1'::xid), age(pg_current_xact_id()::xid);
SELECT pg_postmaster_start_time() < now(), pg_conf_load_time() < now();
DROP SCHEMA s1 CASCADE;
-- Generated columns by what they read.
CREATE TABLE generated_of (a int, b int GENERATED ALWAYS AS (a + 1) STORED, c int GENERATED ALWAYS AS (a * 2) STORED);
SELECT table_schema, table_name, column_name, dependent_column FROM information_schema.column_column_usage ORDER BY 4;
DROP TABLE generated_of;
-- Views that may not be used, as pg_dump asks.
CREATE TABLE under_view (a int);
CREATE VIEW seen AS SELECT a FROM under_view;
CREATE VIEW seen_twice AS SELECT a FROM seen;
SELECT * FROM seen;
SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind';
SHOW restrict_nonsystem_relation_kind;
SELECT * FROM seen;
INSERT INTO seen VALUES (1);
SELECT count(*) FROM seen_twice;
SELECT count(*) > 0 FROM pg_tables;
SELECT count(*) FROM under_view;
SET restrict_nonsystem_relation_kind TO 'foreign-table';
INSERT INTO seen VALUES (1);
SET restrict_nonsystem_relation_kind TO 'View, views';
SET restrict_nonsystem_relation_kind TO 'view,,';
RESET restrict_nonsystem_relation_kind;
SELECT * FROM seen_twice;
DROP TABLE under_view CASCADE;
