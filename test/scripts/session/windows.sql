-- In which order rows come that nothing sorts after the last window, and literals without a type as numbers of rows.
CREATE TABLE w (id int PRIMARY KEY, g text, v int);
INSERT INTO w VALUES (1, 'b', 30), (2, 'a', 20), (3, 'b', 10), (4, 'a', 20), (5, 'c', 5), (6, 'a', 40);
SELECT id, g, v, row_number() OVER (ORDER BY v, id) FROM w;
SELECT id, g, v, rank() OVER (PARTITION BY g ORDER BY v DESC, id) FROM w;
SELECT id, first_value(id) OVER x, last_value(id) OVER x FROM w WINDOW x AS (PARTITION BY g ORDER BY id DESC);
-- Several windows: the last one computed decides.
SELECT id, rank() OVER (ORDER BY g, id), rank() OVER (ORDER BY v, id) FROM w;
SELECT id, rank() OVER (ORDER BY v, id), rank() OVER (ORDER BY g, id) FROM w;
SELECT id, count(*) OVER (PARTITION BY g), row_number() OVER (PARTITION BY g ORDER BY v, id) FROM w;
SELECT id, count(*) OVER (), row_number() OVER (ORDER BY id DESC) FROM w;
SELECT id, rank() OVER second, rank() OVER first FROM w WINDOW first AS (ORDER BY v, id), second AS (ORDER BY id DESC);
SELECT id, rank() OVER (ORDER BY id DESC), rank() OVER first FROM w WINDOW first AS (ORDER BY v, id);
SELECT g, sum(v), rank() OVER (ORDER BY sum(v) DESC), rank() OVER (ORDER BY g DESC) FROM w GROUP BY g;
SELECT id, rank() OVER (ORDER BY v), rank() OVER (ORDER BY g) FROM w ORDER BY g, id;
SELECT id, lag(id) OVER (ORDER BY v, id), lead(id) OVER (ORDER BY v, id) FROM w LIMIT 3;
SELECT nth_value(id, 2) OVER (ORDER BY v DESC, id), last_value(id) OVER (ORDER BY v DESC, id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM w;
SELECT ntile(NULL) OVER (ORDER BY id) FROM w LIMIT 2;
SELECT ntile('2') OVER (ORDER BY id), lag(id, '2') OVER (ORDER BY id), nth_value(id, NULL) OVER (ORDER BY id) FROM w;
SELECT ntile('x') OVER (ORDER BY id) FROM w;
SELECT ntile(v::text) OVER (ORDER BY id) FROM w;
