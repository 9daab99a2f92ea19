-- what depends is told with its name as SQL
CREATE SCHEMA "S x";
CREATE TABLE "S x"."T y" (a int PRIMARY KEY, "B c" int);
CREATE VIEW "V w" AS SELECT "B c" FROM "S x"."T y";
CREATE SEQUENCE "S x"."Q q";
CREATE TABLE u (a int DEFAULT nextval('"S x"."Q q"'));
CREATE TYPE "S x"."E e" AS ENUM ('a');
CREATE TABLE "W z" ("C d" "S x"."E e");
CREATE MATERIALIZED VIEW "S x"."M v" AS SELECT 1 AS a;
CREATE VIEW "V z" AS SELECT * FROM "S x"."M v";
DROP TABLE "S x"."T y";
DROP SEQUENCE "S x"."Q q";
DROP TYPE "S x"."E e";
DROP MATERIALIZED VIEW "S x"."M v";
BEGIN;
DROP TABLE "S x"."T y" CASCADE;
ROLLBACK;
DROP MATERIALIZED VIEW "S x"."M v" CASCADE;
