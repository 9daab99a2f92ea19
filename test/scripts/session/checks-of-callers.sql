-- A statement whose functions write checks its own rows all the same, and only when all of them are written.
CREATE TABLE parent (a int PRIMARY KEY);
CREATE TABLE child (a int REFERENCES parent, b int UNIQUE DEFERRABLE, n int);
INSERT INTO parent VALUES (1), (2);
CREATE FUNCTION writing(int) RETURNS int LANGUAGE sql AS 'INSERT INTO child VALUES ($1) RETURNING a';
CREATE FUNCTION making(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO parent VALUES ($1); RETURN $1; END $$;
CREATE FUNCTION catching(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO child VALUES ($1); RETURN $1; EXCEPTION WHEN foreign_key_violation THEN RETURN 0; END $$;
INSERT INTO child VALUES (8) RETURNING writing(1);
INSERT INTO child VALUES (8, writing(1));
INSERT INTO child VALUES (8) RETURNING catching(9);
INSERT INTO child VALUES (8), (9) RETURNING catching(1);
INSERT INTO child VALUES (1) RETURNING catching(9);
INSERT INTO child VALUES (2) RETURNING writing(7);
INSERT INTO child VALUES (8) RETURNING making(8);
INSERT INTO child VALUES (11), (12) RETURNING making(a);
UPDATE child SET a = 50 WHERE a = 1 RETURNING writing(2);
DELETE FROM parent WHERE a = 1 RETURNING writing(2);
INSERT INTO child VALUES (1, 5), (1, 5) RETURNING writing(2);
INSERT INTO child VALUES (1, 5), (1, 6) RETURNING writing(2);
UPDATE child SET b = 11 - b WHERE b IS NOT NULL RETURNING b, writing(2);
SELECT a, b FROM child ORDER BY a, b;
DROP TABLE child, parent;
DROP FUNCTION writing, making, catching;

-- Its trigger role is its own.
CREATE TABLE parent (a int PRIMARY KEY);
CREATE TABLE child (a int REFERENCES parent);
CREATE FUNCTION replicating(int) RETURNS int LANGUAGE sql SET session_replication_role = replica
  AS 'INSERT INTO child VALUES ($1) RETURNING a';
INSERT INTO child VALUES (1) RETURNING replicating(2);
INSERT INTO child VALUES (replicating(3));
SELECT replicating(4);
SELECT * FROM child;

-- Who may not set something has no functions set it.
CREATE ROLE "callers-anyone";
GRANT ALL ON child TO "callers-anyone";
GRANT ALL ON SCHEMA public TO "callers-anyone";
SET ROLE "callers-anyone";
SELECT replicating(5);
CREATE FUNCTION own() RETURNS int LANGUAGE sql SET session_replication_role = replica AS 'SELECT 1';
CREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION own() SET session_replication_role = replica;
DROP FUNCTION own();
RESET ROLE;
ALTER FUNCTION replicating(int) SECURITY DEFINER;
SET ROLE "callers-anyone";
SELECT replicating(6);
RESET ROLE;
ALTER FUNCTION replicating(int) SET work_mem = 'much';
SELECT * FROM child;
REVOKE ALL ON SCHEMA public FROM "callers-anyone";
DROP FUNCTION replicating;
DROP TABLE child, parent;
DROP ROLE "callers-anyone";

-- A foreign key that came when the table's triggers were disabled is not.
CREATE TABLE parent (a int PRIMARY KEY);
CREATE TABLE child (a int, b int);
ALTER TABLE parent DISABLE TRIGGER ALL;
ALTER TABLE child DISABLE TRIGGER ALL;
ALTER TABLE child ADD FOREIGN KEY (a) REFERENCES parent;
INSERT INTO child VALUES (1);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (1);
DELETE FROM parent;
ALTER TABLE child DISABLE TRIGGER ALL;
ALTER TABLE child ADD FOREIGN KEY (b) REFERENCES parent;
INSERT INTO child VALUES (2);
INSERT INTO child VALUES (1, 2);
ALTER TABLE parent DISABLE TRIGGER ALL;
DELETE FROM parent;
ALTER TABLE child ENABLE TRIGGER ALL;
INSERT INTO child VALUES (2);
SELECT * FROM child;
DROP TABLE child, parent;
