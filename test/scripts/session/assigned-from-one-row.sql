-- SET (a, b) = (SELECT …): all columns are of one row, whatever gives it.
CREATE TABLE pairs (x int, y int, z text);
INSERT INTO pairs SELECT g, g * 10, 'z' || g FROM generate_series(1, 50) g;
CREATE TABLE target (id int PRIMARY KEY, a int, b int, c text, d int[]);
INSERT INTO target SELECT g FROM generate_series(1, 200) g;
CREATE SEQUENCE told;
UPDATE target SET (a, b, c) = (SELECT x, y, z FROM pairs ORDER BY random() LIMIT 1);
SELECT count(*), count(DISTINCT a) FROM target WHERE b = a * 10 AND c = 'z' || a;
-- Once for each row where it refers to the row, once for all where it does not.
UPDATE target SET (a, b, c) = (SELECT x, y, z FROM pairs WHERE id > 0 ORDER BY random() LIMIT 1);
SELECT count(*), count(DISTINCT a) > 10 AS many FROM target WHERE b = a * 10 AND c = 'z' || a;
UPDATE target t SET (a, b) = (SELECT n, n FROM (SELECT nextval('told') AS n WHERE t.id > 0) s) WHERE id <= 10;
SELECT count(*) FROM target WHERE a = b AND id <= 10;
SELECT currval('told');
UPDATE target t SET (a, b) = (SELECT n, -n FROM (SELECT nextval('told') AS n) s) WHERE id <= 10;
SELECT currval('told'), count(DISTINCT a), bool_and(a = -b) FROM target WHERE id <= 10;
-- No row, several rows, other types, other sources, parts of columns.
UPDATE target SET (a, b) = (SELECT x, y FROM pairs WHERE x > 1000 AND random() < 2) WHERE id = 1 RETURNING a, b;
UPDATE target SET (a, b) = (SELECT x, y FROM pairs WHERE random() < 2) WHERE id = 1;
UPDATE target SET (a, c) = (SELECT x, x FROM pairs WHERE x = id + (random() * 0)::int) WHERE id = 1 RETURNING a, c;
UPDATE target SET (a, c) = (SELECT 3 + (random() * 0)::int, 'lit') WHERE id = 1 RETURNING a, c;
UPDATE target SET (a, b) = (SELECT x, z FROM pairs WHERE x = 1 + (random() * 0)::int) WHERE id = 1;
UPDATE target SET (a, d[2]) = (SELECT x, y FROM pairs WHERE x = 2 + (random() * 0)::int) WHERE id = 1 RETURNING a, d;
UPDATE target t SET (a, b) = (SELECT p.x, q.y FROM pairs q WHERE q.x = p.x AND random() < 2) FROM pairs p WHERE p.x = t.id AND t.id < 4 RETURNING t.id, a, b, p.z;
WITH w AS (UPDATE target SET (a, b) = (SELECT x, y FROM pairs WHERE x = id ORDER BY random()) WHERE id < 4 RETURNING *) SELECT id, a, b FROM w ORDER BY id;
CREATE VIEW seen AS SELECT id, a AS p, b AS q FROM target WHERE id < 4;
UPDATE seen SET (p, q) = (SELECT x, y FROM pairs WHERE x = id + 1 ORDER BY random()) RETURNING *;
UPDATE target SET (a, b) = (SELECT x, y, z FROM pairs ORDER BY random() LIMIT 1);
UPDATE target SET (a, b) = (SELECT x, y FROM pairs WHERE x = 5 + (random() * 0)::int), c = 'after ' || a WHERE id = 2 RETURNING a, b, c;
