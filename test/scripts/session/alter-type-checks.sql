-- New values of a column whose type changes keep to the table's constraints, old and new.
CREATE TABLE t (a int CONSTRAINT small CHECK (a < 5), b int NOT NULL, c int UNIQUE);
INSERT INTO t VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3);
ALTER TABLE t ALTER a TYPE bigint USING a * 2;
ALTER TABLE t ALTER b TYPE bigint USING nullif(b, 2);
ALTER TABLE t ALTER c TYPE bigint USING 7;
ALTER TABLE t ALTER a TYPE bigint USING a + 1;
SELECT * FROM t ORDER BY b;
-- One that was never looked at for old rows is not looked at now.
ALTER TABLE t ADD CONSTRAINT even CHECK (b % 2 = 0) NOT VALID;
ALTER TABLE t ALTER b TYPE bigint USING b + 10;
SELECT * FROM t ORDER BY b;
ALTER TABLE t VALIDATE CONSTRAINT even;
INSERT INTO t VALUES (1, 21, 4);
-- A constraint of several columns, and one that goes in the same statement.
ALTER TABLE t ADD CONSTRAINT both_of CHECK (a < b);
ALTER TABLE t ALTER b TYPE numeric USING a - 1;
ALTER TABLE t ALTER a TYPE numeric USING a * 100, DROP CONSTRAINT small, DROP CONSTRAINT both_of;
SELECT a, b FROM t ORDER BY b;
ALTER TABLE t ADD CHECK (c > 0), ALTER c TYPE smallint USING -c;
DROP TABLE t;
