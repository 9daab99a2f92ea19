-- Results of polymorphic types, of which a call says what they are.
CREATE FUNCTION po_twice(i anyelement, OUT j anyelement, OUT k anyarray) LANGUAGE plpgsql AS $$
BEGIN
  j := i;
  k := ARRAY[j, j];
END $$;
SELECT * FROM po_twice(42);
SELECT * FROM po_twice('foo'::text);
SELECT (po_twice(1.5)).*;
CREATE FUNCTION po_same(x anyelement, OUT y anyelement) LANGUAGE plpgsql AS $$ BEGIN y := x; END $$;
SELECT po_same(1), po_same('a'::text), po_same(ARRAY[1, 2]), pg_typeof(po_same(1.5));
CREATE FUNCTION po_rows(x anyarray) RETURNS TABLE (at int, element anyelement) LANGUAGE plpgsql AS $$
BEGIN
  FOR at IN 1..array_length(x, 1) LOOP element := x[at]; RETURN NEXT; END LOOP;
END $$;
SELECT * FROM po_rows(ARRAY['a', 'b']);
SELECT at + element FROM po_rows(ARRAY[10, 20]);
CREATE FUNCTION po_pair(x anyelement, OUT a anyelement, OUT b int) LANGUAGE sql AS $$ SELECT x, 1 $$;
SELECT * FROM po_pair('2024-01-02'::date);
CREATE PROCEDURE po_call(INOUT a anyelement, INOUT b anyelement) LANGUAGE sql AS $$ SELECT $1, $2 $$;
CALL po_call(1, NULL);
CALL po_call(1.5, NULL);
CREATE FUNCTION po_fails(x anyelement, OUT y anyelement) LANGUAGE plpgsql AS $$ BEGIN y := x / 0; END $$;
SELECT po_fails(1);
-- A limit that is asked of a function.
CREATE TABLE po_numbers (n int PRIMARY KEY);
INSERT INTO po_numbers SELECT generate_series(1, 10);
CREATE FUNCTION po_limit(x int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN x; END $$;
SELECT * FROM po_numbers LIMIT po_limit(2);
SELECT * FROM po_numbers ORDER BY n LIMIT po_limit(2) OFFSET po_limit(3);
SELECT * FROM po_numbers ORDER BY n DESC LIMIT (SELECT 2);
PREPARE po_some(int) AS SELECT * FROM po_numbers LIMIT po_limit($1);
EXECUTE po_some(1);
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM po_numbers LIMIT po_limit(2);
FETCH ALL FROM c;
COMMIT;
DROP TABLE po_numbers;
DROP FUNCTION po_twice, po_same, po_rows, po_pair, po_fails, po_limit;
DROP PROCEDURE po_call;
