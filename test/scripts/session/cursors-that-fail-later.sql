-- A cursor with rows that fail is read to its end before its transaction writes; the error is the FETCH's, not the write's.
CREATE TABLE t (id int PRIMARY KEY, x int);
INSERT INTO t SELECT g, g * 10 FROM generate_series(1, 6) g;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id, 12 / (id - 4) AS d FROM t ORDER BY id;
FETCH 1 FROM c;
DELETE FROM t WHERE id = 2;
FETCH 2 FROM c;
FETCH BACKWARD 1 FROM c;
UPDATE t SET x = 0;
FETCH 1 FROM c;
MOVE FORWARD 1 IN c;
COMMIT;
SELECT count(*) FROM t;
-- Closed before it comes to that row.
BEGIN;
DECLARE c CURSOR FOR SELECT 12 / (id - 4) AS d FROM t ORDER BY id;
FETCH 1 FROM c;
DELETE FROM t WHERE id = 6;
CLOSE c;
COMMIT;
SELECT count(*) FROM t;
-- What is to outlive the commit is read by it.
BEGIN;
DECLARE h CURSOR WITH HOLD FOR SELECT 12 / (id - 4) AS d FROM t ORDER BY id;
FETCH 1 FROM h;
DELETE FROM t WHERE id = 5;
COMMIT;
SELECT count(*) FROM t;
-- In READ COMMITTED any statement has it read.
BEGIN ISOLATION LEVEL READ COMMITTED;
DECLARE r CURSOR FOR SELECT 12 / (id - 4) AS d FROM t ORDER BY id;
FETCH 1 FROM r;
SELECT count(*) FROM t;
FETCH 2 FROM r;
FETCH 1 FROM r;
ROLLBACK;
