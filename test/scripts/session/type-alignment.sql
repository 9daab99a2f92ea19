-- How types that users make, and arrays of them, are laid out: tools that read binary files of tables ask for it, and PostgreSQL's own checks.
CREATE DOMAIN da AS timestamp;
CREATE DOMAIN db AS int;
CREATE DOMAIN dc AS text;
CREATE DOMAIN dd AS float8[];
CREATE DOMAIN de AS da;
CREATE DOMAIN df AS int8range;
CREATE DOMAIN dg AS uuid;
CREATE DOMAIN dh AS bool;
CREATE TYPE ea AS ENUM ('x');
CREATE TYPE ca AS (a int);
CREATE DOMAIN ci AS ca;
CREATE TYPE ra AS RANGE (subtype = float8);
CREATE TYPE rb AS RANGE (subtype = text);
CREATE TABLE ta (a int);
SELECT t.typname, t.typalign, t.typlen, t.typbyval, t.typstorage, t.typtype, t.typcategory
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = current_schema() ORDER BY t.typname;
SELECT t1.typname FROM pg_type t1, pg_type t2 WHERE t1.typarray = t2.oid AND t2.typalign <> CASE WHEN t1.typalign = 'd' THEN 'd'::"char" ELSE 'i'::"char" END;
