-- System columns in indexes, and columns that typed tables have not.
CREATE TABLE places (a int);
CREATE INDEX ON places (ctid);
CREATE INDEX ON places ((ctid >= '(1000,0)'));
CREATE INDEX ON places (a) WHERE ctid >= '(1000,0)';
CREATE INDEX ON places (a) WHERE xmin = '5';
CREATE TYPE places_type AS (f1 int, f2 text);
CREATE TABLE places_of OF places_type (f1 WITH OPTIONS GENERATED ALWAYS AS (f2 * 2) STORED);
CREATE TABLE places_of OF places_type (f1 WITH OPTIONS GENERATED ALWAYS AS (3) STORED);
CREATE TABLE places_of OF places_type (f1 WITH OPTIONS GENERATED ALWAYS AS IDENTITY);
CREATE TABLE places_b (a int, b int GENERATED ALWAYS AS (ctid::text::int) STORED);
CREATE TABLE places_c (a int CHECK (xmin IS NOT NULL));
