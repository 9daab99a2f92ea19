-- Arguments and operands without a type.
SELECT lag(v, 1, '7') OVER (ORDER BY v), lead(v, 1, NULL) OVER (ORDER BY v), lag(NULL, 1, v) OVER (ORDER BY v), lag('3', 1, v) OVER (ORDER BY v) FROM (VALUES (1), (2)) AS s (v);
SELECT lag(d, 1, '2024-01-01') OVER (ORDER BY d), lag(d, '1') OVER (ORDER BY d) FROM (VALUES (date '2024-02-29'), ('2024-03-01')) AS s (d);
SELECT lag(v, 1, 2.5) OVER (ORDER BY v), pg_typeof(lag(v, 1, 2.5) OVER (ORDER BY v)) FROM (VALUES (1), (2)) AS s (v);
SELECT lag(v, 1, 'x') OVER (ORDER BY v) FROM (VALUES (1), (2)) AS s (v);
SELECT lag(1, 1, true) OVER ();
SELECT lag('a', 1, 'b') OVER (), first_value('a') OVER (), nth_value('a', '1') OVER ();
PREPARE p AS SELECT lag(v, $1, $2) OVER (ORDER BY v) FROM (VALUES (1), (2)) AS s (v);
EXECUTE p (1, 5);
-- The operand of CASE is text, whatever it is compared with.
SELECT CASE '1' WHEN 1 THEN 2 END;
SELECT CASE '1' WHEN '1' THEN 2 END, CASE NULL WHEN 'a' THEN 2 ELSE 3 END;
PREPARE q AS SELECT CASE $1 WHEN 1 THEN 2 END;
PREPARE r AS SELECT CASE $1 WHEN 'a' THEN 2 ELSE 3 END;
EXECUTE r ('a');
-- A statement is looked at before its name.
PREPARE r AS SELECT nothing;
PREPARE r AS SELECT 1;
DEALLOCATE ALL;
