-- xmax tells what was inserted from what was there.
CREATE TABLE counted (id int PRIMARY KEY, tag text UNIQUE, n int DEFAULT 1);
INSERT INTO counted VALUES (1, 'a') RETURNING id, xmax, xmax = 0 AS inserted;
INSERT INTO counted (id, tag) VALUES (1, 'a'), (2, 'b'), (3, 'c')
  ON CONFLICT (id) DO UPDATE SET n = counted.n + excluded.n RETURNING id, n, xmax = 0 AS inserted, (xmax <> 0)::int, counted.xmax <> 0;
INSERT INTO counted AS c (id, tag) SELECT g, chr(96 + g) FROM generate_series(2, 5) g
  ON CONFLICT (tag) DO UPDATE SET n = c.n + 1 WHERE c.id <> 3 RETURNING c.*, c.xmax::text <> '0' AS updated;
INSERT INTO counted VALUES (1, 'a') ON CONFLICT DO NOTHING RETURNING xmax;
INSERT INTO counted VALUES (9, 'i') ON CONFLICT DO NOTHING RETURNING xmax;
INSERT INTO counted VALUES (1, 'z') ON CONFLICT (id) DO UPDATE SET id = 10 RETURNING id, xmax = 0, (SELECT count(*) FROM counted) AS before;
INSERT INTO counted VALUES (1, 'y') ON CONFLICT (id) DO UPDATE SET id = 11 RETURNING id, xmax = 0, (SELECT count(*) FROM counted) AS before;
WITH put AS (
  INSERT INTO counted VALUES (2, 'b'), (20, 't') ON CONFLICT (id) DO UPDATE SET n = 0 RETURNING id, xmax = 0 AS inserted
) SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) FILTER (WHERE NOT inserted) AS updated FROM put;
UPDATE counted SET n = 7 WHERE id = 2 RETURNING id, xmax;
DELETE FROM counted WHERE id = 2 RETURNING id, xmax <> 0 AS gone, pg_typeof(xmax);
DELETE FROM counted USING (VALUES (3)) v(k) WHERE id = k RETURNING id, xmax <> 0 AS gone;
SELECT id, xmax FROM counted WHERE id <> 10 ORDER BY id;
SELECT c.xmax, d.xmax FROM counted c LEFT JOIN counted d ON d.id = c.id AND d.id = 4 WHERE c.id <> 10 ORDER BY c.id;
PREPARE put AS INSERT INTO counted VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET tag = excluded.tag RETURNING xmax = 0;
EXECUTE put(30, 'x');
EXECUTE put(30, 'w');
UPDATE counted SET xmax = 1;
