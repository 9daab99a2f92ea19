-- How fixtures are loaded in any order (Rails; pg_restore --disable-triggers; SET session_replication_role).
CREATE TABLE parent (a int PRIMARY KEY);
CREATE TABLE child (a int REFERENCES parent ON DELETE CASCADE);

ALTER TABLE child DISABLE TRIGGER ALL;
INSERT INTO child VALUES (5);
UPDATE child SET a = 6;
ALTER TABLE child ENABLE TRIGGER ALL;
INSERT INTO child VALUES (7);
UPDATE child SET a = 8;
DELETE FROM child;

-- Those of the parent are its own: nothing is cascaded.
INSERT INTO parent VALUES (1), (2), (3);
INSERT INTO child VALUES (1), (2), (3);
ALTER TABLE parent DISABLE TRIGGER ALL;
INSERT INTO child VALUES (9);
DELETE FROM parent WHERE a = 1;
UPDATE parent SET a = 20 WHERE a = 2;
SELECT a FROM child ORDER BY a;
ALTER TABLE parent ENABLE TRIGGER ALL;
DELETE FROM parent WHERE a = 3;
SELECT a FROM child ORDER BY a;

-- Disabled and enabled within a transaction.
BEGIN;
ALTER TABLE child DISABLE TRIGGER ALL;
INSERT INTO child VALUES (11);
ALTER TABLE child ENABLE TRIGGER ALL;
COMMIT;
SELECT a FROM child ORDER BY a;
BEGIN;
ALTER TABLE child DISABLE TRIGGER ALL;
ROLLBACK;
INSERT INTO child VALUES (12);
ALTER TABLE child DISABLE TRIGGER USER;
INSERT INTO child VALUES (12);

-- For a session.
SET session_replication_role = replica;
INSERT INTO child SELECT 100 + i FROM generate_series(1, 3) i;
DELETE FROM parent;
SELECT a FROM child ORDER BY a;
SET session_replication_role = DEFAULT;
INSERT INTO child VALUES (13);

-- Deferred checks are not asked for either.
CREATE TABLE later (a int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO later VALUES (1);
COMMIT;
INSERT INTO later VALUES (2);
SELECT a FROM later;

-- Not everybody's.
CREATE ROLE "triggers-owner";
ALTER TABLE child OWNER TO "triggers-owner";
SET ROLE "triggers-owner";
SET session_replication_role = replica;
ALTER TABLE child DISABLE TRIGGER USER;
RESET ROLE;
DROP TABLE later, child, parent;
DROP ROLE "triggers-owner";

-- What Rails asks before it compares without regard to case.
SELECT EXISTS (SELECT FROM pg_proc WHERE proname = 'lower' AND proargtypes = ARRAY['text'::regtype]::oidvector) AS text,
  EXISTS (SELECT FROM pg_proc WHERE proname = 'lower' AND proargtypes = ARRAY['uuid'::regtype]::oidvector) AS uuid;
SELECT ARRAY['uuid'::regtype, 25]::oidvector AS oids, ARRAY[1, 2]::int2vector AS numbers, (ARRAY[7, 8]::oidvector)[1] AS one;
SELECT a::oidvector FROM (SELECT ARRAY[1::oid] AS a) s;
