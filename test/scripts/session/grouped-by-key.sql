-- A view that is grouped by a table's key needs the key.
CREATE TABLE gk_items (id int PRIMARY KEY, name text, price int);
CREATE TABLE gk_lines (item int REFERENCES gk_items, amount int);
INSERT INTO gk_items VALUES (1, 'a', 10), (2, 'b', 20);
INSERT INTO gk_lines VALUES (1, 1), (1, 2), (2, 3);
CREATE VIEW gk_sums AS SELECT i.id, i.name, sum(l.amount) AS amount FROM gk_items i JOIN gk_lines l ON l.item = i.id GROUP BY i.id;
CREATE VIEW gk_over AS SELECT name FROM gk_sums;
CREATE VIEW gk_plain AS SELECT id, name FROM gk_items GROUP BY id, name;
SELECT * FROM gk_sums ORDER BY id;
ALTER TABLE gk_lines DROP CONSTRAINT gk_lines_item_fkey;
ALTER TABLE gk_items DROP CONSTRAINT gk_items_pkey;
SELECT * FROM gk_over ORDER BY name;
ALTER TABLE gk_items DROP CONSTRAINT gk_items_pkey CASCADE;
SELECT * FROM gk_plain ORDER BY id;
SELECT * FROM gk_sums;
DROP TABLE gk_items, gk_lines CASCADE;
