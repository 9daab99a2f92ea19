-- DEFAULT NULL is no default but where NULL had to be fitted into a length or a domain; lists of varchar in the two forms.
CREATE DOMAIN digest AS bytea CHECK (length(value) = 3);
CREATE DOMAIN short AS varchar(5) DEFAULT 'x';
CREATE TABLE bare_nulls (a varchar(5) DEFAULT NULL, b varchar DEFAULT NULL, c char DEFAULT NULL, d numeric(5, 2) DEFAULT NULL, e int DEFAULT NULL, f timestamp(3) DEFAULT NULL, g bit(3) DEFAULT NULL, h digest DEFAULT NULL, i short DEFAULT NULL, j varchar(4)[] DEFAULT NULL, k interval(2) DEFAULT NULL, l digest[] DEFAULT NULL, m text DEFAULT NULL::text, n varchar(9) DEFAULT NULL::varchar, o bigint DEFAULT NULL::int, p varchar(5) DEFAULT NULL::varchar(7), q time(2) DEFAULT (NULL));
ALTER TABLE bare_nulls ALTER b SET DEFAULT NULL, ALTER e SET DEFAULT 4, ADD r char(3) DEFAULT NULL;
ALTER TABLE bare_nulls ALTER e SET DEFAULT NULL;
INSERT INTO bare_nulls DEFAULT VALUES;
SELECT a IS NULL, i IS NULL, r IS NULL FROM bare_nulls;
SELECT attname, atthasdef, pg_get_expr(adbin, adrelid) FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = 'bare_nulls'::regclass AND attnum > 0 ORDER BY attnum;
SELECT column_name, column_default FROM information_schema.columns WHERE table_name = 'bare_nulls' AND column_default IS NOT NULL ORDER BY ordinal_position;
CREATE TABLE lists (a varchar(5) CHECK (a IN ('x', 'y')), b char(3) CHECK (b IN ('a', 'b')), c varchar(5) CHECK (c NOT IN ('x', 'y')), d int CHECK (d = ANY (ARRAY[1, 2]::bigint[])));
CREATE INDEX lists_a ON lists (a) WHERE a IN ('x', 'y');
SELECT conname, pg_get_constraintdef(oid), pg_get_constraintdef(oid, true) FROM pg_constraint WHERE conrelid = 'lists'::regclass ORDER BY conname;
SELECT pg_get_expr(indpred, indrelid), pg_get_expr(indpred, indrelid, true) FROM pg_index WHERE indexrelid = 'lists_a'::regclass;
INSERT INTO lists VALUES ('z', 'a', 'q', 1);
INSERT INTO lists VALUES ('y', 'a', 'q', 2);
