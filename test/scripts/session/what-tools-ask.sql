-- What dumps and tools of diagrams read of keys, indexes, procedures and fields.
CREATE TABLE customers (id int PRIMARY KEY, name text, UNIQUE (id, name));
CREATE TABLE orders (customer bigint REFERENCES customers, no int, name varchar(10), PRIMARY KEY (customer, no), FOREIGN KEY (customer, name) REFERENCES customers (id, name));
CREATE TABLE later (n numeric REFERENCES customers);
CREATE TABLE dated (d date PRIMARY KEY);
CREATE TABLE dates (d date REFERENCES dated);
CREATE DOMAIN email AS varchar(100) COLLATE "C";
CREATE DOMAIN pair AS int[];
CREATE TABLE mails (e email UNIQUE, p pair UNIQUE, n numeric(4,1));
ALTER TABLE mails ADD UNIQUE (n);
CREATE TABLE rates (e email REFERENCES mails (e), n int REFERENCES mails (n));
SELECT conname, ARRAY(SELECT o::regoperator FROM unnest(conpfeqop) o) AS both, ARRAY(SELECT o::regoperator FROM unnest(conppeqop) o) AS parents, ARRAY(SELECT o::regoperator FROM unnest(conffeqop) o) AS children FROM pg_constraint WHERE contype = 'f' ORDER BY 1;
SELECT i.indexrelid::regclass::text AS index, o.opcname FROM pg_index i JOIN pg_opclass o ON o.oid = i.indclass[0] WHERE i.indrelid = 'mails'::regclass ORDER BY 1;
-- The primary key is one of a view's needs only if columns that are not grouped by rest on it.
CREATE VIEW by_name AS SELECT name, count(*) FROM customers GROUP BY name;
CREATE VIEW by_both AS SELECT c.id, c.name, sum(no) FROM customers c JOIN orders o ON o.customer = c.id GROUP BY c.id, c.name;
CREATE VIEW by_key AS SELECT c.id, c.name, sum(no) FROM customers c JOIN orders o ON o.customer = c.id GROUP BY c.id;
CREATE MATERIALIZED VIEW kept AS SELECT id, name FROM customers GROUP BY id;
SELECT r.ev_class::regclass::text, pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid), deptype FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid WHERE d.classid = 'pg_rewrite'::regclass AND r.ev_class >= 16384 ORDER BY 1, 2, 3;
-- Procedures that give something give a row.
CREATE PROCEDURE gives_one(INOUT a int) LANGUAGE plpgsql AS 'BEGIN END';
CREATE PROCEDURE gives_nothing(a int) LANGUAGE plpgsql AS 'BEGIN END';
SELECT proname, prorettype::regtype, pg_get_function_result(oid) FROM pg_proc WHERE proname LIKE 'gives%' ORDER BY 1;
-- Comments on fields.
CREATE TYPE address AS (street text, zip text);
COMMENT ON COLUMN address.zip IS 'digits';
COMMENT ON TYPE address IS 'where';
SELECT a.attname, col_description(a.attrelid, a.attnum) FROM pg_attribute a WHERE a.attrelid = (SELECT typrelid FROM pg_type WHERE typname = 'address') ORDER BY attnum;
SELECT obj_description('address'::regtype, 'pg_type'), col_description('customers'::regclass, 1), col_description(0, 1);
-- A column that an index only carries has no collation there.
CREATE INDEX carries ON orders (no) INCLUDE (name);
CREATE INDEX elements ON mails USING gin (p);
CREATE TABLE tagged (tags text[]);
CREATE INDEX tags ON tagged USING gin (tags);
SELECT attname, attcollation::regcollation, attndims, atttypid::regtype FROM pg_attribute WHERE attrelid IN ('carries'::regclass, 'elements'::regclass, 'tags'::regclass) AND attnum > 0 ORDER BY 1;
-- A sequence that goes with a column, whoever made it.
CREATE SEQUENCE given;
CREATE TABLE takes (id int, no serial, free int DEFAULT nextval('given'));
SELECT pg_get_serial_sequence('takes', 'id'), pg_get_serial_sequence('takes', 'no'), pg_get_serial_sequence('takes', 'free');
ALTER SEQUENCE given OWNED BY takes.id;
SELECT pg_get_serial_sequence('takes', 'id'), pg_get_serial_sequence('takes', 'no'), pg_get_serial_sequence('takes', 'free');
ALTER SEQUENCE takes_no_seq OWNED BY NONE;
SELECT pg_get_serial_sequence('takes', 'id'), pg_get_serial_sequence('takes', 'no'), pg_get_serial_sequence('takes', 'free');
-- Extensions, by the functions under the views.
SELECT name, default_version, comment IS NOT NULL AS told FROM pg_available_extensions() WHERE name = 'plpgsql';
SELECT name, version, superuser, trusted, relocatable, schema, requires FROM pg_available_extension_versions() WHERE name IN ('plpgsql') ORDER BY 1;
