-- The text of an enum's value changes with the name of its label, so nothing that is kept is computed of it.
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN feeling AS mood;
CREATE TABLE t (id int PRIMARY KEY, m mood, ms mood[], f feeling, j jsonb);
CREATE INDEX ON t ((m::text));
CREATE INDEX ON t ((m::varchar));
CREATE INDEX ON t ((ms::text));
CREATE INDEX ON t ((f::text));
CREATE INDEX ON t ((m || ''));
CREATE INDEX ON t ((length(m::text)));
CREATE INDEX ON t (((j ->> 'm')::mood));
CREATE INDEX ON t (id) WHERE m::text = 'sad';
ALTER TABLE t ADD COLUMN g text GENERATED ALWAYS AS (m::text) STORED;
ALTER TABLE t ADD COLUMN g text GENERATED ALWAYS AS (ms::text) STORED;
ALTER TABLE t ADD COLUMN g text GENERATED ALWAYS AS (array[m]::text) STORED;
ALTER TABLE t ADD COLUMN g text GENERATED ALWAYS AS (f::text) STORED;
-- Its values are the same ones by another name.
CREATE INDEX ON t (m);
CREATE INDEX ON t (id) WHERE m = 'sad';
CREATE INDEX ON t ((ms[1]));
CREATE INDEX ON t ((coalesce(m, 'ok')));
ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS (CASE WHEN m = 'sad' THEN 1 ELSE 2 END) STORED;
INSERT INTO t (id, m, ms, f) VALUES (1, 'sad', '{sad,ok}', 'sad'), (2, 'ok', '{}', 'ok');
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
SELECT * FROM t ORDER BY id;
SELECT id FROM t WHERE m::text = 'blue';
SELECT id FROM t WHERE m = 'blue';
SELECT id FROM t WHERE ms[1] = 'blue';
UPDATE t SET m = 'blue' RETURNING id, n;
