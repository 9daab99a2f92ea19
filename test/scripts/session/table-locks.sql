-- What pg_locks shows of the session's own transaction.
CREATE TABLE locked (id int PRIMARY KEY, v int);
CREATE TABLE other (id int);
CREATE VIEW over_locked AS SELECT id FROM locked WHERE id IN (SELECT id FROM other);
INSERT INTO locked VALUES (1, 1);
SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid() AND locktype = 'relation' AND relation = 'locked'::regclass;
BEGIN;
SELECT l.mode, l.granted FROM pg_locks l WHERE relation = 'locked'::regclass ORDER BY 1;
SELECT v FROM locked;
SELECT l.locktype, l.relation::regclass, l.mode, l.granted FROM pg_locks l WHERE relation IN ('locked'::regclass, 'other'::regclass) ORDER BY 2, 3;
SELECT v FROM locked FOR UPDATE;
SELECT l.mode FROM pg_locks l WHERE relation = 'locked'::regclass ORDER BY 1;
UPDATE locked SET v = 2;
INSERT INTO other VALUES (1);
SELECT l.relation::regclass::text, l.mode FROM pg_locks l WHERE relation IN ('locked'::regclass, 'other'::regclass) ORDER BY 1, 2;
SELECT locktype, mode, granted, transactionid IS NOT NULL AS xid, virtualxid = virtualtransaction AS own FROM pg_locks WHERE locktype IN ('transactionid', 'virtualxid') AND pid = pg_backend_pid() ORDER BY 1;
SELECT l.transactionid::text = pg_current_xact_id()::xid::text AS same FROM pg_locks l WHERE locktype = 'transactionid' AND pid = pg_backend_pid();
SELECT a.backend_xid::text = l.transactionid::text AS same FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE locktype = 'transactionid' AND pid = pg_backend_pid();
COMMIT;
SELECT count(*) FROM pg_locks WHERE relation IN ('locked'::regclass, 'other'::regclass);
-- LOCK TABLE, of views with what they read.
BEGIN;
LOCK TABLE other IN SHARE MODE;
LOCK TABLE other IN SHARE ROW EXCLUSIVE MODE;
SELECT l.relation::regclass, l.mode FROM pg_locks l WHERE relation = 'other'::regclass ORDER BY 2;
ROLLBACK;
BEGIN;
LOCK TABLE over_locked IN EXCLUSIVE MODE;
SELECT l.relation::regclass, l.mode FROM pg_locks l WHERE relation IN ('other'::regclass, 'locked'::regclass, 'over_locked'::regclass) AND mode = 'ExclusiveLock' ORDER BY l.relation::regclass::text;
ROLLBACK;
-- Schema changes.
BEGIN;
ALTER TABLE other ADD COLUMN w int;
SELECT max(mode) FILTER (WHERE mode = 'AccessExclusiveLock') FROM pg_locks WHERE relation = 'other'::regclass;
ROLLBACK;
BEGIN;
CREATE TABLE fresh (id int);
SELECT mode FROM pg_locks WHERE relation = 'fresh'::regclass AND mode = 'AccessExclusiveLock';
ROLLBACK;
-- Nobody is in anybody's way.
SELECT pg_blocking_pids(pg_backend_pid()), pg_blocking_pids(0), pg_safe_snapshot_blocking_pids(0), pg_isolation_test_session_is_blocked(pg_backend_pid(), '{}');
SELECT state, wait_event_type, wait_event, backend_type, query LIKE 'SELECT state%' AS q, state_change >= query_start AS changed, query_start >= xact_start AS later, backend_xid IS NULL AS no_xid, leader_pid FROM pg_stat_activity WHERE pid = pg_backend_pid();
-- Whoever locks rows has a number; who only reads has none.
BEGIN;
SELECT v FROM locked;
SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND pid = pg_backend_pid();
SELECT v FROM locked FOR SHARE;
SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND pid = pg_backend_pid();
ROLLBACK;
