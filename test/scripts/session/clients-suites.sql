-- What the drivers' own tests have found.

-- pg_sleep()::varchar (pgx): a pseudo-type's value is written as text where a string is wanted.
SELECT pg_sleep(0)::varchar = '' AS is_empty, pg_sleep(0)::text || 'x' AS joined, pg_sleep(0)::char(3) AS three;
SELECT pg_sleep(0)::int;
CREATE TEMP TABLE sleeper (slept text);
INSERT INTO sleeper SELECT pg_sleep(0);
SELECT slept = '' AS is_empty FROM sleeper;

-- To any array's type (asyncpg): the value is what it was.
SELECT '{1, 2, NULL}'::int[]::anyarray;
SELECT pg_typeof('{1}'::int[]::anyarray), 1::anyelement + 1 AS two;
SELECT 1::anyarray;

-- The old name of a sequence (DBD::Pg).
CREATE SEQUENCE old_name;
SELECT nextval('old_name'), currval('old_name');
ALTER SEQUENCE old_name RENAME TO new_name;
DO $$ BEGIN PERFORM currval('old_name'); EXCEPTION WHEN undefined_table THEN RAISE NOTICE '%', SQLERRM; END $$;
SELECT currval('new_name');
SELECT nextval('old_name'::text::regclass);
SELECT currval('new_name'::text::regclass), currval('new_name');

-- The transaction's modes in pg_settings (DBD::Pg).
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET transaction_read_only = 'on';
SELECT name, setting FROM pg_settings WHERE name IN ('transaction_read_only', 'transaction_isolation') ORDER BY name;
ROLLBACK;
BEGIN READ ONLY, ISOLATION LEVEL SERIALIZABLE, DEFERRABLE;
SELECT name, setting FROM pg_settings WHERE name ~ '^transaction_' ORDER BY name;
ROLLBACK;
SELECT setting FROM pg_settings WHERE name = 'transaction_read_only';
