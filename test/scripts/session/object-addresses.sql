-- Objects by (catalog, oid, part), in words and for programs, and back
CREATE SCHEMA s1;
CREATE TABLE s1.t (a int PRIMARY KEY, b text DEFAULT 'x', CHECK (a > 0), CONSTRAINT fk FOREIGN KEY (a) REFERENCES s1.t);
CREATE VIEW s1.v AS SELECT * FROM s1.t;
CREATE MATERIALIZED VIEW s1.mv AS SELECT 1 AS x;
CREATE SEQUENCE s1.sq;
CREATE INDEX ix ON s1.t (b);
CREATE TYPE s1.e AS ENUM ('a');
CREATE TYPE s1.c AS (a int, b text);
CREATE DOMAIN s1.d AS int CONSTRAINT dc CHECK (value > 0);
CREATE FUNCTION s1.f(int, text) RETURNS int LANGUAGE sql AS 'select 1';
CREATE PROCEDURE s1.p(a int) LANGUAGE sql AS 'select 1';
CREATE COLLATION s1."Coll" FROM "C";
CREATE STATISTICS s1.st ON a, b FROM s1.t;
CREATE TABLE seen (a s1.e);
CREATE FUNCTION probe(t text, n text[], a text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r record; i record; o record;
BEGIN
  SELECT * INTO r FROM pg_get_object_address(t, n, a);
  SELECT * INTO i FROM pg_identify_object(r.classid, r.objid, r.objsubid);
  SELECT * INTO o FROM pg_identify_object_as_address(r.classid, r.objid, r.objsubid);
  RETURN format('%s %s; %s; %s; %s', r.classid::regclass, r.objsubid, i, o, pg_describe_object(r.classid, r.objid, r.objsubid));
EXCEPTION WHEN others THEN RETURN format('%s %s', sqlstate, sqlerrm);
END $$;
SELECT type, names, args, probe(type, names, args) FROM (VALUES
  ('table', '{s1,t}'::text[], '{}'::text[]), ('table', '{seen}', '{}'), ('table column', '{s1,t,b}', '{}'), ('index', '{s1,ix}', '{}'),
  ('sequence', '{s1,sq}', '{}'), ('view', '{s1,v}', '{}'), ('materialized view', '{s1,mv}', '{}'), ('default value', '{s1,t,b}', '{}'),
  ('function', '{s1,f}', '{int4,text}'), ('function', '{pg_catalog,length}', '{text}'), ('aggregate', '{sum}', '{int4}'),
  ('aggregate', '{count}', '{}'), ('procedure', '{s1,p}', '{int4}'), ('type', '{s1.e}', '{}'), ('type', '{s1.e[]}', '{}'),
  ('type', '{s1.c}', '{}'), ('type', '{int4}', '{}'), ('type', '{int4[]}', '{}'), ('type', '{s1.t}', '{}'), ('type', '{varchar}', '{}'),
  ('domain constraint', '{s1.d}', '{dc}'), ('table constraint', '{s1,t,t_a_check}', '{}'), ('table constraint', '{s1,t,t_pkey}', '{}'),
  ('table constraint', '{s1,t,fk}', '{}'), ('schema', '{s1}', '{}'), ('role', '{postgres}', '{}'), ('tablespace', '{pg_default}', '{}'),
  ('language', '{plpgsql}', '{}'), ('extension', '{plpgsql}', '{}'), ('access method', '{btree}', '{}'), ('collation', '{s1,Coll}', '{}'),
  ('collation', '{pg_catalog,C}', '{}'), ('operator', '{+}', '{int4,int4}'), ('statistics object', '{s1,st}', '{}'),
  ('rule', '{s1,v,_RETURN}', '{}')) o(type, names, args);
SELECT type, names, args, probe(type, names, args) FROM (VALUES
  ('stone', '{a}'::text[], '{}'::text[]), ('toast table', '{a}', '{}'), ('view column', '{s1,v,a}', '{}'), ('table', '{}', '{}'),
  ('table', '{NULL}', '{}'), ('table', '{s1,v}', '{}'), ('index', '{s1,t}', '{}'), ('table', '{nosuch}', '{}'), ('table', '{no,such}', '{}'),
  ('table', '{a,b,c,d}', '{}'), ('table column', '{t}', '{}'), ('table column', '{s1,t,nosuch}', '{}'), ('default value', '{s1,t,a}', '{}'),
  ('function', '{nosuch}', '{int4}'), ('function', '{s1,p}', '{int4}'), ('procedure', '{s1,f}', '{int4,text}'),
  ('aggregate', '{s1,f}', '{int4,text}'), ('type', '{nosuch}', '{}'), ('type', '{s1,e}', '{}'), ('domain constraint', '{s1.d}', '{no}'),
  ('domain constraint', '{s1.d}', '{}'), ('table constraint', '{s1,t,no}', '{}'), ('trigger', '{s1,t,no}', '{}'), ('policy', '{s1,t,no}', '{}'),
  ('rule', '{s1,v,no}', '{}'), ('schema', '{nosuch}', '{}'), ('schema', '{a,b}', '{}'), ('role', '{nosuch}', '{}'), ('database', '{nosuch}', '{}'),
  ('tablespace', '{nosuch}', '{}'), ('language', '{nosuch}', '{}'), ('extension', '{nosuch}', '{}'), ('access method', '{nosuch}', '{}'),
  ('server', '{nosuch}', '{}'), ('event trigger', '{nosuch}', '{}'), ('publication', '{nosuch}', '{}'), ('large object', '{123}', '{}'),
  ('large object', '{x}', '{}'), ('collation', '{nosuch}', '{}'), ('statistics object', '{nosuch}', '{}'), ('operator', '{+}', '{int4}'),
  ('operator', '{+}', '{int4,bool}'), ('default acl', '{postgres}', '{x}'), ('default acl', '{postgres,s1}', '{r}')) o(type, names, args);
SELECT * FROM pg_identify_object(1259, 999999, 0), pg_identify_object_as_address(2615, 999999, 0);
SELECT * FROM pg_identify_object(0, 0, 0);
SELECT pg_describe_object(4711, 1, 0);
SELECT pg_describe_object(1259, 999999, 0), pg_describe_object(1260, 10, 0), pg_describe_object(0, 0, 0);
SELECT DISTINCT pg_describe_object(classid, objid, objsubid) AS object, pg_describe_object(refclassid, refobjid, refobjsubid), deptype
  FROM pg_depend WHERE refobjid = 's1.t'::regclass AND classid <> 'pg_trigger'::regclass AND deptype <> 'i'
  AND pg_describe_object(classid, objid, objsubid) ~ 'view|index|foreign|default' ORDER BY 1, 2;
DROP SCHEMA s1 CASCADE;
