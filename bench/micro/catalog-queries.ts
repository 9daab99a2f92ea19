/**
 * Questions that tools ask of the catalogs, shortened to what makes them slow or fast: which relations they
 * join by which conditions, and what they call for each row. `middle` is one of the tables that catalog.ts makes.
 */
export type CatalogQueries = Readonly<Record<string, string>>;

const visible = 'pg_catalog.pg_table_is_visible(c.oid)';
const relations = `pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`;

export function catalogQueries(middle: string): CatalogQueries {
  return {
    ...psqlLists(),
    ...psqlOthers(),
    ...psqlTable(middle),
    ...pgDump(),
    ...prisma(),
    ...typeOrm(middle),
    ...javaScriptTools(middle),
    ...sqlAlchemy(middle),
    ...djangoAndRails(middle),
    ...jdbc(middle),
    ...guis(),
    ...others(),
    ...more(middle),
    'format_type of one': `SELECT typname FROM pg_type WHERE oid = 25`,
  };
}

function psqlLists(): CatalogQueries {
  return {
    'psql \\d': `SELECT n.nspname, c.relname, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' END,
      pg_catalog.pg_get_userbyid(c.relowner) FROM ${relations} LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
      WHERE c.relkind IN ('r','p','v','m','S','f','') AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast'
      AND n.nspname <> 'information_schema' AND ${visible} ORDER BY 1,2`,
    'psql \\dt *.*': `SELECT n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner) FROM ${relations}
      LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam WHERE c.relkind IN ('r','p','t','s','') ORDER BY 1,2`,
    'psql \\dt+': `SELECT n.nspname, c.relname, CASE c.relpersistence WHEN 'p' THEN 'permanent' ELSE 'other' END, am.amname,
      pg_catalog.pg_size_pretty(pg_catalog.pg_table_size(c.oid)), pg_catalog.obj_description(c.oid, 'pg_class')
      FROM ${relations} LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam WHERE c.relkind IN ('r','p','')
      AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast' AND n.nspname <> 'information_schema' AND ${visible} ORDER BY 1,2`,
    'psql \\di': `SELECT n.nspname, c.relname, c2.relname FROM ${relations}
      LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
      LEFT JOIN pg_catalog.pg_class c2 ON i.indrelid = c2.oid WHERE c.relkind IN ('i','I','') AND n.nspname <> 'pg_catalog'
      AND n.nspname !~ '^pg_toast' AND n.nspname <> 'information_schema' AND ${visible} ORDER BY 1,2`,
    'psql \\dd': `SELECT DISTINCT tt.nspname, tt.name, tt.object, d.description FROM (
      SELECT c.oid AS oid, c.tableoid AS tableoid, n.nspname, c.relname::text AS name, 'table' AS object FROM ${relations}
      WHERE c.relkind IN ('r', 'v') AND n.nspname <> 'pg_catalog' UNION ALL
      SELECT pgc.oid, pgc.tableoid, n.nspname, pgc.conname::text, 'table constraint' FROM pg_catalog.pg_constraint pgc
      JOIN pg_catalog.pg_class c ON c.oid = pgc.conrelid LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname <> 'pg_catalog') AS tt JOIN pg_catalog.pg_description d
      ON (tt.oid = d.objoid AND tt.tableoid = d.classoid AND d.objsubid = 0) ORDER BY 1, 2, 3`,
    'psql \\df *.*': `SELECT n.nspname, p.proname, pg_catalog.pg_get_function_result(p.oid),
      pg_catalog.pg_get_function_arguments(p.oid), CASE p.prokind WHEN 'a' THEN 'agg' ELSE 'func' END
      FROM pg_catalog.pg_proc p LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
      WHERE pg_catalog.pg_function_is_visible(p.oid) ORDER BY 1, 2, 4`,
  };
}

/** \d of one table. */
function psqlTable(middle: string): CatalogQueries {
  const oid = `'${middle}'::regclass`;
  return {
    'psql \\d t: oid': `SELECT c.oid, n.nspname, c.relname FROM ${relations}
      WHERE c.relname OPERATOR(pg_catalog.~) '^(${middle})$' COLLATE pg_catalog.default AND ${visible} ORDER BY 2, 3`,
    'psql \\d t: table': `SELECT c.relchecks, c.relkind, c.relhasindex, c.relhasrules, c.reltablespace, am.amname
      FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_class tc ON (c.reltoastrelid = tc.oid)
      LEFT JOIN pg_catalog.pg_am am ON (c.relam = am.oid) WHERE c.oid = ${oid}`,
    'psql \\d t: columns': `SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
      (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d
       WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef), a.attnotnull,
      (SELECT c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type t WHERE c.oid = a.attcollation
       AND t.oid = a.atttypid AND a.attcollation <> t.typcollation), a.attidentity, a.attgenerated
      FROM pg_catalog.pg_attribute a WHERE a.attrelid = ${oid} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    'psql \\d t: indexes': `SELECT c2.relname, i.indisprimary, i.indisunique, pg_catalog.pg_get_indexdef(i.indexrelid, 0, true),
      pg_catalog.pg_get_constraintdef(con.oid, true), contype FROM pg_catalog.pg_class c, pg_catalog.pg_class c2,
      pg_catalog.pg_index i LEFT JOIN pg_catalog.pg_constraint con
      ON (conrelid = i.indrelid AND conindid = i.indexrelid AND contype IN ('p','u','x'))
      WHERE c.oid = ${oid} AND c.oid = i.indrelid AND i.indexrelid = c2.oid ORDER BY i.indisprimary DESC, c2.relname`,
    'psql \\d t: foreign keys': `SELECT conname, pg_catalog.pg_get_constraintdef(r.oid, true) FROM pg_catalog.pg_constraint r
      WHERE r.conrelid = ${oid} AND r.contype = 'f' ORDER BY 1`,
    'psql \\d t: referencing': `SELECT conname, conrelid::pg_catalog.regclass, pg_catalog.pg_get_constraintdef(oid, true)
      FROM pg_catalog.pg_constraint c WHERE confrelid IN (SELECT pg_catalog.pg_partition_ancestors(${oid}) UNION ALL
      VALUES (${oid}::pg_catalog.regclass)) AND contype = 'f' ORDER BY conname`,
    'psql \\d s: owner': `SELECT pg_catalog.quote_ident(nspname) || '.' || pg_catalog.quote_ident(relname), d.deptype
      FROM pg_catalog.pg_class c INNER JOIN pg_catalog.pg_depend d ON c.oid = d.refobjid
      INNER JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      INNER JOIN pg_catalog.pg_attribute a ON (a.attrelid = c.oid AND a.attnum = d.refobjsubid)
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.objid = '${middle}_id_seq'::regclass AND d.deptype IN ('a', 'i')`,
  };
}

/** For pg_dump's list of oids: it sends one of all tables. */
const ALL_TABLES = `unnest((SELECT array_agg(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)) AS src(tbloid)`;

function pgDump(): CatalogQueries {
  return {
    'pg_dump tables': `SELECT c.tableoid, c.oid, c.relname, c.relnamespace, c.relkind, d.refobjid, d.refobjsubid, c.relhasindex,
      acldefault(CASE WHEN c.relkind = 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner), am.amname, tc.oid,
      array_remove(array_remove(c.reloptions, 'check_option=local'), 'check_option=cascaded')
      FROM pg_class c LEFT JOIN pg_depend d ON (c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid
      AND d.objsubid = 0 AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))
      LEFT JOIN pg_tablespace tsp ON (tsp.oid = c.reltablespace) LEFT JOIN pg_am am ON (c.relam = am.oid)
      LEFT JOIN pg_class tc ON (c.reltoastrelid = tc.oid AND tc.relkind = 't')
      WHERE c.relkind IN ('r', 'S', 'v', 'c', 'm', 'f', 'p') ORDER BY c.oid`,
    'pg_dump columns': `SELECT a.attrelid, a.attnum, a.attname, a.atttypmod, t.typstorage, a.attnotnull, a.atthasdef,
      pg_catalog.format_type(t.oid, a.atttypmod) AS atttypname,
      array_to_string(a.attoptions, ', '), CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation ELSE 0 END
      FROM ${ALL_TABLES} JOIN pg_catalog.pg_attribute a ON (src.tbloid = a.attrelid)
      LEFT JOIN pg_catalog.pg_type t ON (a.atttypid = t.oid) WHERE a.attnum > 0::pg_catalog.int2 ORDER BY a.attrelid, a.attnum`,
    'pg_dump defaults': `SELECT a.tableoid, a.oid, adrelid, adnum, pg_catalog.pg_get_expr(adbin, adrelid) AS adsrc
      FROM ${ALL_TABLES} JOIN pg_catalog.pg_attrdef a ON (src.tbloid = a.adrelid) ORDER BY a.adrelid, a.adnum`,
    'pg_dump indexes': `SELECT t.oid, i.indrelid, t.relname, pg_catalog.pg_get_indexdef(i.indexrelid) AS indexdef, i.indkey,
      c.contype, c.conname, pg_catalog.pg_get_constraintdef(c.oid, false) AS condef,
      (SELECT spcname FROM pg_catalog.pg_tablespace s WHERE s.oid = t.reltablespace) AS tablespace,
      (SELECT pg_catalog.array_agg(attnum ORDER BY attnum) FROM pg_catalog.pg_attribute
       WHERE attrelid = i.indexrelid AND attstattarget >= 0) AS indstatcols
      FROM ${ALL_TABLES} JOIN pg_catalog.pg_index i ON (src.tbloid = i.indrelid)
      JOIN pg_catalog.pg_class t ON (t.oid = i.indexrelid) JOIN pg_catalog.pg_class t2 ON (t2.oid = i.indrelid)
      LEFT JOIN pg_catalog.pg_constraint c ON (i.indrelid = c.conrelid AND i.indexrelid = c.conindid
      AND c.contype IN ('p','u','x')) WHERE (i.indisvalid OR t2.relkind = 'p') AND i.indisready ORDER BY i.indrelid, t.relname`,
    'pg_dump foreign keys': `SELECT c.tableoid, c.oid, conrelid, conname, confrelid, conindid, pg_catalog.pg_get_constraintdef(c.oid)
      FROM ${ALL_TABLES} JOIN pg_catalog.pg_constraint c ON (src.tbloid = c.conrelid)
      WHERE contype = 'f' AND conparentid = 0 ORDER BY conrelid, conname`,
    'pg_dump functions': `SELECT p.tableoid, p.oid, p.proname, p.proargtypes, acldefault('f', p.proowner) FROM pg_proc p
      LEFT JOIN pg_init_privs pip ON (p.oid = pip.objoid AND pip.classoid = 'pg_proc'::regclass AND pip.objsubid = 0)
      WHERE p.prokind <> 'a' AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid
      AND deptype = 'i') AND (pronamespace != (SELECT oid FROM pg_namespace WHERE nspname = 'pg_catalog')
      OR EXISTS (SELECT 1 FROM pg_cast WHERE pg_cast.oid > 16383 AND p.oid = pg_cast.castfunc)
      OR p.proacl IS DISTINCT FROM pip.initprivs)`,
    'pg_dump types': `SELECT tableoid, oid, typname, typnamespace, typelem, typrelid, CASE WHEN typrelid = 0 THEN ' '::"char"
      ELSE (SELECT relkind FROM pg_class WHERE oid = typrelid) END AS typrelkind, typname[0] = '_' AND typelem != 0 AND
      (SELECT typarray FROM pg_type te WHERE oid = pg_type.typelem) = oid AS isarray FROM pg_type`,
    'pg_dump pg_depend': `SELECT classid, objid, refclassid, refobjid, deptype FROM pg_depend WHERE deptype != 'p' AND deptype != 'e'
      UNION ALL SELECT 'pg_opfamily'::regclass AS classid, amopfamily AS objid, refclassid, refobjid, deptype FROM pg_depend d,
      pg_amop o WHERE deptype NOT IN ('p', 'e', 'i') AND classid = 'pg_amop'::regclass AND objid = o.oid AND NOT
      (refclassid = 'pg_opfamily'::regclass AND amopfamily = refobjid) ORDER BY 1,2`,
  };
}

function prisma(): CatalogQueries {
  return {
    'Prisma tables': `SELECT tbl.relname AS table_name, namespace.nspname AS namespace FROM pg_class AS tbl
      INNER JOIN pg_namespace AS namespace ON namespace.oid = tbl.relnamespace
      WHERE tbl.relkind IN ('r', 'p') AND namespace.nspname = ANY (ARRAY['public']) ORDER BY namespace, table_name`,
    'Prisma columns': `SELECT oid.namespace, info.table_name, info.column_name, format_type(att.atttypid, att.atttypmod),
      info.numeric_precision, info.data_type, info.is_nullable, info.is_identity, pg_get_expr(attdef.adbin, attdef.adrelid),
      col_description(att.attrelid, ordinal_position) FROM information_schema.columns info JOIN pg_attribute att
      ON att.attname = info.column_name JOIN (SELECT pg_class.oid, relname, pg_namespace.nspname AS namespace FROM pg_class
      JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace AND pg_namespace.nspname = ANY (ARRAY['public'])) AS oid
      ON oid.oid = att.attrelid AND relname = info.table_name AND namespace = info.table_schema
      LEFT JOIN pg_attrdef attdef ON attdef.adrelid = att.attrelid AND attdef.adnum = att.attnum AND table_schema = namespace
      WHERE table_schema = ANY (ARRAY['public']) ORDER BY namespace, table_name, ordinal_position`,
    'Prisma foreign keys': `SELECT con.oid, att2.attname AS child, cl.relname AS parent, att.attname AS parent_column, con.confdeltype,
      rel_ns.nspname, conname, child, parent, table_name FROM (SELECT ns.nspname, unnest(con1.conkey) AS parent,
      unnest(con1.confkey) AS child, cl.relname AS table_name, con1.oid, con1.confrelid, con1.conrelid, con1.conname,
      con1.confdeltype FROM pg_class cl JOIN pg_constraint con1 ON con1.conrelid = cl.oid
      JOIN pg_namespace ns ON cl.relnamespace = ns.oid WHERE ns.nspname = ANY (ARRAY['public']) AND con1.contype = 'f') con
      JOIN pg_attribute att ON att.attrelid = con.confrelid AND att.attnum = con.child JOIN pg_class cl ON cl.oid = con.confrelid
      JOIN pg_attribute att2 ON att2.attrelid = con.conrelid AND att2.attnum = con.parent
      JOIN pg_class rel_cl ON con.confrelid = rel_cl.oid JOIN pg_namespace rel_ns ON rel_cl.relnamespace = rel_ns.oid ORDER BY 6, 10, 7`,
    'Prisma indexes': `WITH rawindex AS (SELECT indrelid, indexrelid, indisunique, indisprimary, unnest(indkey) AS indkeyid,
      generate_subscripts(indkey, 1) AS indkeyidx, unnest(indclass) AS indclass, unnest(indoption) AS indoption
      FROM pg_index WHERE indpred IS NULL AND NOT indisexclusion)
      SELECT schemainfo.nspname, indexinfo.relname, tableinfo.relname, columninfo.attname, rawindex.indisunique,
      rawindex.indkeyidx, opclass.opcname, indexaccess.amname FROM rawindex
      INNER JOIN pg_class AS tableinfo ON tableinfo.oid = rawindex.indrelid
      INNER JOIN pg_class AS indexinfo ON indexinfo.oid = rawindex.indexrelid
      INNER JOIN pg_namespace AS schemainfo ON schemainfo.oid = tableinfo.relnamespace
      LEFT JOIN pg_attribute AS columninfo ON columninfo.attrelid = tableinfo.oid AND columninfo.attnum = rawindex.indkeyid
      INNER JOIN pg_am AS indexaccess ON indexaccess.oid = indexinfo.relam
      LEFT JOIN pg_opclass AS opclass ON opclass.oid = rawindex.indclass
      WHERE schemainfo.nspname = ANY (ARRAY['public']) ORDER BY 1, 3, 2, rawindex.indkeyidx`,
  };
}

function typeOrm(middle: string): CatalogQueries {
  return {
    'TypeORM columns': `SELECT columns.*, pg_catalog.col_description(('"' || table_catalog || '"."' || table_schema || '"."'
      || table_name || '"')::regclass::oid, ordinal_position) AS description,
      ('"' || "udt_schema" || '"."' || "udt_name" || '"')::"regtype" AS "regtype",
      pg_catalog.format_type("col_attr"."atttypid", "col_attr"."atttypmod") AS "format_type"
      FROM "information_schema"."columns" LEFT JOIN "pg_catalog"."pg_attribute" AS "col_attr"
      ON "col_attr"."attname" = "columns"."column_name" AND "col_attr"."attrelid" = (SELECT "cls"."oid"
        FROM "pg_catalog"."pg_class" AS "cls" LEFT JOIN "pg_catalog"."pg_namespace" AS "ns"
        ON "ns"."oid" = "cls"."relnamespace" WHERE "cls"."relname" = "columns"."table_name"
        AND "ns"."nspname" = "columns"."table_schema")
      WHERE ("table_schema" = 'public' AND "table_name" = '${middle}')`,
    'TypeORM constraints': `SELECT "ns"."nspname", "t"."relname", "cnst"."conname", pg_get_constraintdef("cnst"."oid"),
      "a"."attname" FROM "pg_constraint" "cnst" INNER JOIN "pg_class" "t" ON "t"."oid" = "cnst"."conrelid"
      INNER JOIN "pg_namespace" "ns" ON "ns"."oid" = "cnst"."connamespace" LEFT JOIN "pg_attribute" "a"
      ON "a"."attrelid" = "cnst"."conrelid" AND "a"."attnum" = ANY ("cnst"."conkey")
      WHERE "t"."relkind" IN ('r', 'p') AND (("ns"."nspname" = 'public' AND "t"."relname" = '${middle}'))`,
    'TypeORM indexes': `SELECT "ns"."nspname", "t"."relname", "i"."relname", "a"."attname", CASE "ix"."indisunique"
      WHEN 't' THEN 'TRUE' ELSE 'FALSE' END, pg_get_expr("ix"."indpred", "ix"."indrelid"), "types"."typname", "am"."amname"
      FROM "pg_class" "t" INNER JOIN "pg_index" "ix" ON "ix"."indrelid" = "t"."oid"
      INNER JOIN "pg_attribute" "a" ON "a"."attrelid" = "t"."oid" AND "a"."attnum" = ANY ("ix"."indkey")
      INNER JOIN "pg_namespace" "ns" ON "ns"."oid" = "t"."relnamespace" INNER JOIN "pg_class" "i" ON "i"."oid" = "ix"."indexrelid"
      INNER JOIN "pg_type" "types" ON "types"."oid" = "a"."atttypid" INNER JOIN "pg_am" "am" ON "i"."relam" = "am"."oid"
      LEFT JOIN "pg_constraint" "cnst" ON "cnst"."conname" = "i"."relname" WHERE "t"."relkind" IN ('r', 'p')
      AND "cnst"."contype" IS NULL AND (("ns"."nspname" = 'public' AND "t"."relname" = '${middle}'))`,
    'TypeORM foreign keys': `SELECT "con"."conname", "con"."nspname", "con"."relname", "att2"."attname", "ns"."nspname",
      "cl"."relname", "att"."attname" FROM (SELECT UNNEST ("con1"."conkey") AS "parent", UNNEST ("con1"."confkey") AS "child",
      "con1"."confrelid", "con1"."conrelid", "con1"."conname", "con1"."contype", "ns"."nspname", "cl"."relname"
      FROM "pg_class" "cl" INNER JOIN "pg_namespace" "ns" ON "cl"."relnamespace" = "ns"."oid"
      INNER JOIN "pg_constraint" "con1" ON "con1"."conrelid" = "cl"."oid" WHERE "con1"."contype" = 'f'
      AND (("ns"."nspname" = 'public' AND "cl"."relname" = '${middle}'))) "con"
      INNER JOIN "pg_attribute" "att" ON "att"."attrelid" = "con"."confrelid" AND "att"."attnum" = "con"."child"
      INNER JOIN "pg_class" "cl" ON "cl"."oid" = "con"."confrelid" AND "cl"."relkind" IN ('r', 'p')
      INNER JOIN "pg_namespace" "ns" ON "cl"."relnamespace" = "ns"."oid"
      INNER JOIN "pg_attribute" "att2" ON "att2"."attrelid" = "con"."conrelid" AND "att2"."attnum" = "con"."parent"`,
  };
}

function javaScriptTools(middle: string): CatalogQueries {
  return {
    'Drizzle columns': `SELECT a.attname, a.attnotnull, format_type(a.atttypid, a.atttypmod), pg_get_expr(ad.adbin, ad.adrelid)
      FROM pg_attribute a JOIN pg_class cls ON cls.oid = a.attrelid JOIN pg_namespace ns ON ns.oid = cls.relnamespace
      LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
      WHERE ns.nspname = 'public' AND cls.relname = '${middle}' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    'Drizzle constraints': `SELECT c.column_name, c.data_type, constraint_type, constraint_name, constraint_schema
      FROM information_schema.table_constraints tc JOIN information_schema.constraint_column_usage AS ccu
      USING (constraint_schema, constraint_name) JOIN information_schema.columns AS c ON c.table_schema = tc.constraint_schema
      AND tc.table_name = c.table_name AND ccu.column_name = c.column_name
      WHERE tc.table_name = '${middle}' AND constraint_schema = 'public'`,
    'Drizzle indexes': `SELECT DISTINCT ON (t.relname, ic.relname, k.i) t.relname, ic.relname, k.i, a.attname, am.amname, opc.opcname,
      pg_get_indexdef(ix.indexrelid, k.i, true) FROM pg_class t LEFT JOIN pg_index ix ON t.oid = ix.indrelid
      LEFT JOIN pg_class ic ON ix.indexrelid = ic.oid CROSS JOIN LATERAL (SELECT UNNEST(ix.indkey) AS v,
      generate_subscripts(ix.indkey, 1) + 1 AS i) AS k LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.v
      LEFT JOIN pg_am am ON ic.relam = am.oid LEFT JOIN pg_opclass opc ON opc.oid = ANY(ix.indclass)
      LEFT JOIN pg_namespace ns ON ns.oid = t.relnamespace WHERE ns.nspname = 'public' AND t.relname = '${middle}'`,
    'Sequelize table exists': `SELECT table_name FROM information_schema.tables
      WHERE table_schema = 'public' AND table_name = '${middle}'`,
    'Sequelize columns': `SELECT pk.constraint_type, c.column_name, c.column_default, c.is_nullable, c.udt_name,
      (SELECT array_agg(e.enumlabel) FROM pg_catalog.pg_type t JOIN pg_catalog.pg_enum e ON t.oid = e.enumtypid
       WHERE t.typname = c.udt_name), (SELECT pgd.description FROM pg_catalog.pg_statio_all_tables AS st
       INNER JOIN pg_catalog.pg_description pgd ON pgd.objoid = st.relid
       WHERE c.ordinal_position = pgd.objsubid AND c.table_name = st.relname)
      FROM information_schema.columns c LEFT JOIN (SELECT tc.table_schema, tc.table_name, cu.column_name, tc.constraint_type
       FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage cu
       ON tc.table_schema = cu.table_schema AND tc.table_name = cu.table_name AND tc.constraint_name = cu.constraint_name
       AND tc.constraint_type = 'PRIMARY KEY') pk ON pk.table_schema = c.table_schema AND pk.table_name = c.table_name
      AND pk.column_name = c.column_name WHERE c.table_name = '${middle}' AND c.table_schema = 'public'`,
    'Sequelize foreign keys': `SELECT DISTINCT tc.constraint_name, tc.table_name, kcu.column_name, ccu.table_name, ccu.column_name
      FROM information_schema.table_constraints AS tc JOIN information_schema.key_column_usage AS kcu
      ON tc.constraint_name = kcu.constraint_name JOIN information_schema.constraint_column_usage AS ccu
      ON ccu.constraint_name = tc.constraint_name WHERE constraint_type = 'FOREIGN KEY' AND tc.table_name = '${middle}'`,
    'Sequelize indexes': `SELECT i.relname AS name, ix.indisprimary, ix.indisunique, ix.indkey AS indkey,
      array_agg(a.attnum) AS column_indexes, array_agg(a.attname) AS column_names, pg_get_indexdef(ix.indexrelid)
      FROM pg_class t, pg_class i, pg_index ix, pg_attribute a WHERE t.oid = ix.indrelid AND i.oid = ix.indexrelid
      AND a.attrelid = t.oid AND t.relkind = 'r' AND t.relname = '${middle}'
      GROUP BY i.relname, ix.indexrelid, ix.indisprimary, ix.indisunique, ix.indkey ORDER BY i.relname`,
    'Kysely introspection': `SELECT a.attname, a.attnotnull, a.atthasdef, c.relname, c.relkind, ns.nspname, typ.typname, dtns.nspname,
      col_description(a.attrelid, a.attnum), pg_get_serial_sequence(quote_ident(ns.nspname) || '.' || quote_ident(c.relname), a.attname)
      FROM pg_catalog.pg_attribute AS a INNER JOIN pg_catalog.pg_class AS c ON a.attrelid = c.oid
      INNER JOIN pg_catalog.pg_namespace AS ns ON c.relnamespace = ns.oid
      INNER JOIN pg_catalog.pg_type AS typ ON a.atttypid = typ.oid
      INNER JOIN pg_catalog.pg_namespace AS dtns ON typ.typnamespace = dtns.oid
      WHERE c.relkind IN ('r', 'v', 'p') AND ns.nspname !~ '^pg_' AND ns.nspname != 'information_schema'
      AND a.attnum >= 0 AND a.attisdropped != true ORDER BY ns.nspname, c.relname, a.attnum`,
    'Knex columns': `SELECT * FROM information_schema.columns WHERE table_name = '${middle}'
      AND table_catalog = current_database() AND table_schema = current_schema()`,
  };
}

function sqlAlchemy(middle: string): CatalogQueries {
  return {
    'SQLAlchemy columns': `SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
      (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d
       WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef), a.attnotnull, pgd.description,
      (SELECT json_build_object('always', a.attidentity = 'a', 'start', s.seqstart) FROM pg_catalog.pg_sequence s
       JOIN pg_catalog.pg_class c on s.seqrelid = c."oid" WHERE c.relkind = 'S' AND a.attidentity != ''
       AND s.seqrelid = pg_catalog.pg_get_serial_sequence(a.attrelid::regclass::text, a.attname)::regclass::oid)
      FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_description pgd
      ON (pgd.objoid = a.attrelid AND pgd.objsubid = a.attnum) WHERE a.attrelid = '${middle}'::regclass::oid
      AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    'SQLAlchemy 2 columns of all': `SELECT pg_class.relname, pg_attribute.attname, pg_catalog.format_type(atttypid, atttypmod),
      (SELECT pg_catalog.pg_get_expr(pg_attrdef.adbin, pg_attrdef.adrelid) FROM pg_catalog.pg_attrdef
       WHERE pg_attrdef.adrelid = pg_attribute.attrelid AND pg_attrdef.adnum = pg_attribute.attnum AND pg_attribute.atthasdef),
      pg_attribute.attnotnull, pg_description.description FROM pg_catalog.pg_class LEFT OUTER JOIN pg_catalog.pg_attribute
      ON pg_class.oid = pg_attribute.attrelid AND pg_attribute.attnum > 0 AND NOT pg_attribute.attisdropped
      LEFT OUTER JOIN pg_catalog.pg_description ON pg_description.objoid = pg_attribute.attrelid
      AND pg_description.objsubid = pg_attribute.attnum AND pg_description.classoid = 'pg_catalog.pg_class'::REGCLASS
      JOIN pg_catalog.pg_namespace ON pg_namespace.oid = pg_class.relnamespace WHERE pg_class.relkind = ANY (ARRAY['r', 'p'])
      AND pg_catalog.pg_table_is_visible(pg_class.oid) AND pg_namespace.nspname != 'pg_catalog'
      ORDER BY pg_class.relname, pg_attribute.attnum`,
    'SQLAlchemy indexes': `SELECT i.relname, ix.indisunique, a.attname, c.conrelid, ix.indkey::varchar, i.reloptions, am.amname,
      pg_get_expr(ix.indpred, ix.indrelid), ix.indnkeyatts FROM pg_class t JOIN pg_index ix ON t.oid = ix.indrelid
      JOIN pg_class i ON i.oid = ix.indexrelid LEFT OUTER JOIN pg_attribute a ON t.oid = a.attrelid AND a.attnum = ANY(ix.indkey)
      LEFT OUTER JOIN pg_constraint c ON (ix.indrelid = c.conrelid AND ix.indexrelid = c.conindid AND c.contype IN ('p', 'u', 'x'))
      LEFT OUTER JOIN pg_am am ON i.relam = am.oid WHERE t.relkind IN ('r', 'v', 'f', 'm', 'p')
      AND t.oid = '${middle}'::regclass AND ix.indisprimary = 'f' ORDER BY t.relname, i.relname`,
  };
}

function djangoAndRails(middle: string): CatalogQueries {
  return {
    'Django tables': `SELECT c.relname, CASE WHEN c.relispartition THEN 'p' WHEN c.relkind IN ('m', 'v') THEN 'v' ELSE 't' END
      FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('f', 'm', 'p', 'r', 'v') AND n.nspname NOT IN ('pg_catalog', 'pg_toast') AND ${visible}`,
    'Django constraints': `SELECT c.conname, array(SELECT attname FROM unnest(c.conkey) WITH ORDINALITY cols(colid, arridx)
      JOIN pg_attribute AS ca ON cols.colid = ca.attnum WHERE ca.attrelid = c.conrelid ORDER BY cols.arridx), c.contype,
      (SELECT fkc.relname || '.' || fka.attname FROM pg_attribute AS fka JOIN pg_class AS fkc ON fka.attrelid = fkc.oid
       WHERE fka.attrelid = c.confrelid AND fka.attnum = c.confkey[1]), cl.reloptions
      FROM pg_constraint AS c JOIN pg_class AS cl ON c.conrelid = cl.oid
      WHERE cl.relname = '${middle}' AND pg_catalog.pg_table_is_visible(cl.oid)`,
    'Django indexes': `SELECT indexname, array_agg(attname ORDER BY arridx), indisunique, indisprimary,
      array_agg(ordering ORDER BY arridx), amname, exprdef FROM (SELECT c2.relname AS indexname, idx.*, attr.attname, am.amname,
      CASE WHEN idx.indexprs IS NOT NULL THEN pg_get_indexdef(idx.indexrelid) END AS exprdef,
      CASE (option & 1) WHEN 1 THEN 'DESC' ELSE 'ASC' END AS ordering FROM (SELECT * FROM pg_index i,
      unnest(i.indkey, i.indoption) WITH ORDINALITY koi(key, option, arridx)) idx
      LEFT JOIN pg_class c ON idx.indrelid = c.oid LEFT JOIN pg_class c2 ON idx.indexrelid = c2.oid
      LEFT JOIN pg_am am ON c2.relam = am.oid LEFT JOIN pg_attribute attr ON attr.attrelid = c.oid AND attr.attnum = idx.key
      WHERE c.relname = '${middle}' AND pg_catalog.pg_table_is_visible(c.oid)) s2
      GROUP BY indexname, indisunique, indisprimary, amname, exprdef`,
    'Rails columns': `SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull,
      c.collname, col_description(a.attrelid, a.attnum) FROM pg_attribute a LEFT JOIN pg_attrdef d
      ON a.attrelid = d.adrelid AND a.attnum = d.adnum LEFT JOIN pg_type t ON a.atttypid = t.oid
      LEFT JOIN pg_collation c ON a.attcollation = c.oid AND a.attcollation <> t.typcollation
      WHERE a.attrelid = '"${middle}"'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    'Rails indexes': `SELECT DISTINCT i.relname, d.indisunique, d.indkey, pg_get_indexdef(d.indexrelid), t.oid,
      pg_catalog.obj_description(i.oid, 'pg_class') FROM pg_class t INNER JOIN pg_index d ON t.oid = d.indrelid
      INNER JOIN pg_class i ON d.indexrelid = i.oid LEFT JOIN pg_namespace n ON n.oid = t.relnamespace WHERE i.relkind IN ('i', 'I')
      AND d.indisprimary = 'f' AND t.relname = '${middle}' AND n.nspname = ANY (current_schemas(false)) ORDER BY i.relname`,
    'Rails foreign keys': `SELECT t2.oid::regclass::text AS to_table, a1.attname, a2.attname, c.conname, c.confupdtype
      FROM pg_constraint c JOIN pg_class t1 ON c.conrelid = t1.oid JOIN pg_class t2 ON c.confrelid = t2.oid
      JOIN pg_attribute a1 ON a1.attnum = c.conkey[1] AND a1.attrelid = t1.oid
      JOIN pg_attribute a2 ON a2.attnum = c.confkey[1] AND a2.attrelid = t2.oid JOIN pg_namespace t3 ON c.connamespace = t3.oid
      WHERE c.contype = 'f' AND t1.relname = '${middle}' AND t3.nspname = ANY (current_schemas(false)) ORDER BY c.conname`,
    'Rails types': `SELECT t.oid, t.typname, t.typelem, t.typdelim, t.typinput, r.rngsubtype, t.typtype, t.typbasetype
      FROM pg_type as t LEFT JOIN pg_range as r ON oid = rngtypid WHERE t.typname IN ('int2', 'int4', 'text', 'bool')
      OR t.typtype IN ('r', 'e', 'd') OR t.typelem != 0`,
  };
}

function jdbc(middle: string): CatalogQueries {
  return {
    'pgjdbc getTables': `SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM, c.relname AS TABLE_NAME, CASE n.nspname ~ '^pg_'
      OR n.nspname = 'information_schema' WHEN true THEN 'SYSTEM' ELSE CASE c.relkind WHEN 'r' THEN 'TABLE' ELSE NULL END END
      AS TABLE_TYPE, d.description AS REMARKS FROM pg_catalog.pg_namespace n, pg_catalog.pg_class c
      LEFT JOIN pg_catalog.pg_description d ON (c.oid = d.objoid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass)
      WHERE c.relnamespace = n.oid AND n.nspname LIKE 'public' AND c.relkind = 'r' ORDER BY TABLE_TYPE, TABLE_SCHEM, TABLE_NAME`,
    'pgjdbc getColumns': `SELECT * FROM (SELECT n.nspname, c.relname, a.attname, a.atttypid, a.attnotnull OR (t.typtype = 'd'
      AND t.typnotnull) AS attnotnull, a.atttypmod, a.attlen, t.typtypmod, row_number() OVER (PARTITION BY a.attrelid
      ORDER BY a.attnum) AS attnum, nullif(a.attidentity, '') as attidentity,
      pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS adsrc, dsc.description, t.typbasetype, t.typtype
      FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON (c.relnamespace = n.oid)
      JOIN pg_catalog.pg_attribute a ON (a.attrelid = c.oid) JOIN pg_catalog.pg_type t ON (a.atttypid = t.oid)
      LEFT JOIN pg_catalog.pg_attrdef def ON (a.attrelid = def.adrelid AND a.attnum = def.adnum)
      LEFT JOIN pg_catalog.pg_description dsc ON (c.oid = dsc.objoid AND a.attnum = dsc.objsubid)
      LEFT JOIN pg_catalog.pg_class dc ON (dc.oid = dsc.classoid AND dc.relname = 'pg_class')
      LEFT JOIN pg_catalog.pg_namespace dn ON (dc.relnamespace = dn.oid AND dn.nspname = 'pg_catalog')
      WHERE c.relkind in ('r','p','v','f','m') and a.attnum > 0 AND NOT a.attisdropped AND n.nspname LIKE 'public'
      AND c.relname LIKE '${middle}') c WHERE true ORDER BY nspname, c.relname, attnum`,
    'pgjdbc getPrimaryKeys': `SELECT result.TABLE_SCHEM, result.TABLE_NAME, result.COLUMN_NAME, result.KEY_SEQ, result.PK_NAME
      FROM (SELECT n.nspname AS TABLE_SCHEM, ct.relname AS TABLE_NAME, a.attname AS COLUMN_NAME,
      (information_schema._pg_expandarray(i.indkey)).n AS KEY_SEQ, ci.relname AS PK_NAME,
      information_schema._pg_expandarray(i.indkey) AS KEYS, a.attnum AS A_ATTNUM FROM pg_catalog.pg_class ct
      JOIN pg_catalog.pg_attribute a ON (ct.oid = a.attrelid) JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid)
      JOIN pg_catalog.pg_index i ON (a.attrelid = i.indrelid) JOIN pg_catalog.pg_class ci ON (ci.oid = i.indexrelid)
      WHERE true AND ct.relname = '${middle}' AND i.indisprimary) result WHERE result.A_ATTNUM = (result.KEYS).x
      ORDER BY result.table_name, result.pk_name, result.key_seq`,
    'pgjdbc getImportedKeys': `SELECT pkn.nspname, pkc.relname, pka.attname, fkn.nspname, fkc.relname, fka.attname, pos.n, con.conname,
      pkic.relname FROM pg_catalog.pg_namespace pkn, pg_catalog.pg_class pkc, pg_catalog.pg_attribute pka,
      pg_catalog.pg_namespace fkn, pg_catalog.pg_class fkc, pg_catalog.pg_attribute fka, pg_catalog.pg_constraint con,
      pg_catalog.generate_series(1, 32) pos(n), pg_catalog.pg_class pkic WHERE pkn.oid = pkc.relnamespace
      AND pkc.oid = pka.attrelid AND pka.attnum = con.confkey[pos.n] AND con.confrelid = pkc.oid AND fkn.oid = fkc.relnamespace
      AND fkc.oid = fka.attrelid AND fka.attnum = con.conkey[pos.n] AND con.conrelid = fkc.oid AND con.contype = 'f'
      AND (pkic.relkind = 'i' OR pkic.relkind = 'I') AND pkic.oid = con.conindid AND fkn.nspname = 'public'
      AND fkc.relname = '${middle}' ORDER BY pkn.nspname, pkc.relname, con.conname, pos.n`,
    'Hibernate sequences': `SELECT * FROM information_schema.sequences`,
  };
}

/** DBeaver and pgAdmin read a whole schema at a time. */
function guis(): CatalogQueries {
  return {
    'DBeaver tables': `SELECT c.oid, c.*, d.description, pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr,
      pg_catalog.pg_get_partkeydef(c.oid) as partition_key FROM pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_description d
      ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind not in ('i','I','c')`,
    'DBeaver columns': `SELECT c.relname, a.*, pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value, dsc.description,
      dep.objid FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid = c.oid)
      LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid = ad.adrelid AND a.attnum = ad.adnum)
      LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid = dsc.objoid AND a.attnum = dsc.objsubid)
      LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid = a.attnum
      and dep.classid = dep.refclassid WHERE NOT a.attisdropped AND c.relkind not in ('i','I','c')
      AND c.relnamespace = 'public'::regnamespace ORDER BY a.attnum`,
    'DBeaver constraints': `SELECT c.oid, c.*, t.relname as tabrelname, rt.relnamespace as refnamespace, d.description,
      case when c.contype = 'c' then substring(pg_catalog.pg_get_constraintdef(c.oid), 7) else null end consrc_copy
      FROM pg_catalog.pg_constraint c INNER JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
      LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid = c.confrelid LEFT OUTER JOIN pg_catalog.pg_description d
      ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_constraint'::regclass
      WHERE c.connamespace = 'public'::regnamespace ORDER BY c.oid`,
    'DBeaver indexes': `SELECT i.*, i.indkey as keys, c.relname, c.relnamespace, c.relam, tc.relname as tabrelname, dsc.description,
      pg_catalog.pg_get_expr(i.indpred, i.indrelid) as pred_expr, pg_catalog.pg_get_indexdef(i.indexrelid, 1, true),
      pg_catalog.pg_relation_size(i.indexrelid) as index_rel_size FROM pg_catalog.pg_index i
      INNER JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid INNER JOIN pg_catalog.pg_class tc ON tc.oid = i.indrelid
      LEFT OUTER JOIN pg_catalog.pg_description dsc ON i.indexrelid = dsc.objoid
      WHERE tc.relnamespace = 'public'::regnamespace ORDER BY tabrelname, c.relname`,
    'pgAdmin tables': `SELECT rel.oid, rel.relname AS name, (SELECT count(*) FROM pg_catalog.pg_trigger WHERE tgrelid = rel.oid
      AND tgisinternal = FALSE) AS triggercount, (SELECT count(1) FROM pg_catalog.pg_inherits WHERE inhrelid = rel.oid LIMIT 1),
      des.description FROM pg_catalog.pg_class rel LEFT OUTER JOIN pg_catalog.pg_description des
      ON (des.objoid = rel.oid AND des.objsubid = 0 AND des.classoid = 'pg_class'::regclass)
      WHERE rel.relkind IN ('r','s','t','p') AND rel.relnamespace = 'public'::regnamespace AND NOT rel.relispartition ORDER BY rel.relname`,
  };
}

/** Whole schemas: .NET, Hasura, Metabase, Django's inspectdb, Alembic. */
function others(): CatalogQueries {
  return {
    'Npgsql types': `SELECT ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid FROM (SELECT typ.oid, typ.typnamespace,
      typ.typname, typ.typtype, typ.typnotnull, typ.relkind, typ.elemtypoid, elemtyp.typname AS elemtypname,
      CASE WHEN elemproc.proname = 'array_recv' THEN 'a' ELSE elemtyp.typtype END AS elemtyptype FROM (SELECT typ.oid, typnamespace,
      typname, typrelid, typnotnull, relkind, CASE WHEN proc.proname = 'array_recv' THEN 'a' ELSE typ.typtype END AS typtype,
      CASE WHEN proc.proname = 'array_recv' THEN typ.typelem WHEN typ.typtype = 'r' THEN rngsubtype WHEN typ.typtype = 'd'
      THEN typ.typbasetype END AS elemtypoid FROM pg_type AS typ LEFT JOIN pg_class AS cls ON (cls.oid = typ.typrelid)
      LEFT JOIN pg_proc AS proc ON proc.oid = typ.typreceive LEFT JOIN pg_range ON (pg_range.rngtypid = typ.oid)) AS typ
      LEFT JOIN pg_type AS elemtyp ON elemtyp.oid = elemtypoid LEFT JOIN pg_proc AS elemproc ON elemproc.oid = elemtyp.typreceive)
      AS t JOIN pg_namespace AS ns ON (ns.oid = typnamespace) WHERE typtype IN ('b', 'r', 'm', 'e', 'd')
      OR (typtype = 'c' AND relkind = 'c') OR (typtype = 'a' AND elemtyptype IN ('b', 'r', 'm', 'e', 'd')) ORDER BY 3`,
    'EF Core columns': `SELECT nspname, cls.relname, relkind, attname, description, format_type(typ.oid, atttypmod), atthasdef, attnotnull,
      (SELECT pg_get_expr(adbin, cls.oid) FROM pg_attrdef WHERE adrelid = cls.oid AND adnum = attr.attnum) FROM pg_class AS cls
      JOIN pg_namespace AS ns ON ns.oid = cls.relnamespace LEFT JOIN pg_attribute AS attr ON attrelid = cls.oid
      LEFT JOIN pg_type AS typ ON attr.atttypid = typ.oid LEFT JOIN pg_description AS des ON des.objoid = cls.oid
      AND des.objsubid = attnum WHERE cls.relkind IN ('r', 'v', 'm') AND nspname = 'public' AND attnum > 0 ORDER BY attnum`,
    'Hasura tables': `SELECT schema.nspname, "table".relname, coalesce((SELECT json_agg(json_build_object('name', attname, 'position',
      attnum, 'type', "type".typname, 'is_nullable', NOT attnotnull) ORDER BY attnum) FROM pg_attribute "column"
      LEFT JOIN pg_type "type" ON "type".oid = atttypid WHERE "column".attrelid = "table".oid AND attnum > 0), '[]'),
      (SELECT json_agg(conname) FROM pg_constraint WHERE conrelid = "table".oid AND contype = 'u')
      FROM pg_class "table" JOIN pg_namespace schema ON schema.oid = "table".relnamespace
      WHERE "table".relkind IN ('r', 'v', 'm') AND schema.nspname = 'public'`,
    'Hasura foreign keys': `SELECT q.table_schema, q.table_name, q.constraint_name, min(q.ref_table), json_object_agg(ac.attname,
      afc.attname) FROM (SELECT ctn.nspname AS table_schema, ct.relname AS table_name, r.conrelid AS table_id,
      r.conname AS constraint_name, cft.relname AS ref_table, r.confrelid AS ref_table_id, unnest(r.conkey) AS column_id,
      unnest(r.confkey) AS ref_column_id FROM pg_constraint r JOIN pg_class ct ON r.conrelid = ct.oid JOIN pg_namespace ctn
      ON ct.relnamespace = ctn.oid JOIN pg_class cft ON r.confrelid = cft.oid WHERE r.contype = 'f') q JOIN pg_attribute ac
      ON q.column_id = ac.attnum AND q.table_id = ac.attrelid JOIN pg_attribute afc ON q.ref_column_id = afc.attnum
      AND q.ref_table_id = afc.attrelid GROUP BY q.table_schema, q.table_name, q.constraint_name`,
    'Metabase columns': `SELECT table_schema, table_name, column_name, data_type, udt_name, column_default, is_nullable
      FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2, ordinal_position`,
    'Alembic all keys': `SELECT tc.constraint_name, tc.table_name, kcu.column_name, rc.unique_constraint_name
      FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage kcu
      USING (constraint_schema, constraint_name) LEFT JOIN information_schema.referential_constraints rc
      USING (constraint_schema, constraint_name) WHERE tc.table_schema = 'public' ORDER BY 2, 1`,
  };
}

function psqlOthers(): CatalogQueries {
  return {
    'psql \\dT *': `SELECT n.nspname, pg_catalog.format_type(t.oid, NULL), pg_catalog.obj_description(t.oid, 'pg_type')
      FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE (t.typrelid = 0 OR
      (SELECT c.relkind = 'c' FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid)) AND NOT EXISTS (SELECT 1
      FROM pg_catalog.pg_type el WHERE el.oid = t.typelem AND el.typarray = t.oid) AND pg_catalog.pg_type_is_visible(t.oid)
      ORDER BY 1, 2`,
    'psql \\do *': `SELECT n.nspname, o.oprname, CASE WHEN o.oprkind = 'l' THEN NULL ELSE pg_catalog.format_type(o.oprleft, NULL) END,
      pg_catalog.format_type(o.oprright, NULL), pg_catalog.format_type(o.oprresult, NULL),
      coalesce(pg_catalog.obj_description(o.oid, 'pg_operator'), pg_catalog.obj_description(o.oprcode, 'pg_proc'))
      FROM pg_catalog.pg_operator o LEFT JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
      WHERE pg_catalog.pg_operator_is_visible(o.oid) ORDER BY 1, 2, 3, 4`,
    'psql \\dp': `SELECT n.nspname, c.relname, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' END,
      pg_catalog.array_to_string(c.relacl, E'\\n'), pg_catalog.array_to_string(ARRAY(SELECT attname || E':\\n  ' ||
      pg_catalog.array_to_string(attacl, E'\\n  ') FROM pg_catalog.pg_attribute a WHERE attrelid = c.oid AND NOT attisdropped
      AND attacl IS NOT NULL), E'\\n'), pg_catalog.array_to_string(ARRAY(SELECT polname FROM pg_catalog.pg_policy pol
      WHERE polrelid = c.oid), E'\\n') FROM ${relations} WHERE c.relkind IN ('r','v','m','S','f','p')
      AND n.nspname !~ '^pg_' AND ${visible} ORDER BY 1, 2`,
    'psql \\ds+': `SELECT n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner), s.seqstart, s.seqmax,
      pg_catalog.obj_description(c.oid, 'pg_class') FROM ${relations} JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
      WHERE c.relkind = 'S' AND ${visible} ORDER BY 1, 2`,
  };
}

function more(middle: string): CatalogQueries {
  return {
    'pgbench partitions': `SELECT o.n, p.partstrat, pg_catalog.count(i.inhparent) FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON (n.oid = c.relnamespace) CROSS JOIN LATERAL (SELECT
      pg_catalog.array_position(pg_catalog.current_schemas(true), n.nspname)) AS o(n)
      LEFT JOIN pg_catalog.pg_partitioned_table AS p ON (p.partrelid = c.oid)
      LEFT JOIN pg_catalog.pg_inherits AS i ON (c.oid = i.inhparent)
      WHERE c.relname = '${middle}' AND o.n IS NOT NULL GROUP BY 1, 2 ORDER BY 1 ASC LIMIT 1`,
    'kysely-codegen tables': `WITH RECURSIVE parents AS (SELECT inhrelid, inhparent, 1 AS depth FROM pg_inherits UNION ALL
      SELECT p.inhrelid, i.inhparent, p.depth + 1 FROM parents p JOIN pg_inherits i ON i.inhrelid = p.inhparent)
      SELECT a.attname, c.relname, ns.nspname, typ.typname, a.attndims FROM pg_attribute a JOIN pg_class c ON a.attrelid = c.oid
      JOIN pg_namespace ns ON c.relnamespace = ns.oid JOIN pg_type typ ON a.atttypid = typ.oid
      WHERE c.relkind IN ('r', 'v', 'm', 'p') AND ns.nspname !~ '^pg_' AND ns.nspname <> 'information_schema' AND a.attnum >= 0
      AND NOT a.attisdropped AND has_schema_privilege(ns.nspname, 'USAGE') AND NOT EXISTS (SELECT FROM parents
      WHERE inhrelid = c.oid) ORDER BY 3, 2, a.attnum`,
    'Prisma enums': `SELECT t.typname AS name, e.enumlabel AS value, n.nspname FROM pg_type t JOIN pg_enum e ON t.oid = e.enumtypid
      JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = ANY (ARRAY['public']) ORDER BY e.enumsortorder`,
    'Prisma views': `SELECT viewname, definition, schemaname FROM pg_catalog.pg_views WHERE schemaname = ANY (ARRAY['public'])`,
    'Prisma sequences': `SELECT sequence_name, sequence_schema, start_value::int8, minimum_value::int8, increment::int8
      FROM information_schema.sequences WHERE sequence_schema = ANY (ARRAY['public'])`,
    'Drizzle sequences': `SELECT s.schemaname, s.sequencename, s.start_value, s.increment_by, s.cycle FROM pg_sequences s
      WHERE s.schemaname = 'public' ORDER BY 2`,
    'Drizzle statistics of indexes': `SELECT x.relname, x.indexrelname, pg_get_indexdef(x.indexrelid), i.indisunique
      FROM pg_stat_user_indexes x JOIN pg_index i ON i.indexrelid = x.indexrelid WHERE x.schemaname = 'public' ORDER BY 1, 2`,
    'Sequelize tables': `SELECT t.table_name, t.table_schema, d.description FROM information_schema.tables t
      LEFT JOIN pg_statio_all_tables s ON s.schemaname = t.table_schema AND s.relname = t.table_name
      LEFT JOIN pg_description d ON d.objoid = s.relid AND d.objsubid = 0 WHERE t.table_schema = 'public' AND t.table_type = 'BASE TABLE'`,
    'Sequelize enums': `SELECT n.nspname, t.typname, array_agg(e.enumlabel ORDER BY enumsortorder) FROM pg_type t
      JOIN pg_enum e ON t.oid = e.enumtypid JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = 'public' GROUP BY 1, 2`,
    'SQLAlchemy unique of all': `SELECT t.relname, con.conname, array_agg(a.attname ORDER BY con.ord), con.contype FROM (SELECT c.oid,
      c.conrelid, c.conname, c.contype, unnest(c.conkey) AS attnum, generate_subscripts(c.conkey, 1) AS ord
      FROM pg_constraint c WHERE c.contype IN ('p', 'u')) con JOIN pg_class t ON t.oid = con.conrelid
      JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = con.attnum WHERE pg_table_is_visible(t.oid)
      GROUP BY t.relname, con.conname, con.contype ORDER BY 1, 2`,
    'pgjdbc getIndexInfo': `SELECT tmp.TABLE_NAME, tmp.INDEX_NAME, trim(both '"' from pg_catalog.pg_get_indexdef(tmp.CI_OID,
      tmp.ORDINAL_POSITION, false)) FROM (SELECT ct.relname AS TABLE_NAME, ci.relname AS INDEX_NAME, ci.oid AS CI_OID,
      (information_schema._pg_expandarray(i.indkey)).n AS ORDINAL_POSITION FROM pg_catalog.pg_class ct
      JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid) JOIN pg_catalog.pg_index i ON (ct.oid = i.indrelid)
      JOIN pg_catalog.pg_class ci ON (ci.oid = i.indexrelid) WHERE n.nspname = 'public') AS tmp ORDER BY 1, 2`,
    'DBeaver sequences': `SELECT seq.seqrelid, c.relname, seq.*, pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size(c.oid))
      FROM pg_catalog.pg_sequence seq JOIN pg_catalog.pg_class c ON c.oid = seq.seqrelid ORDER BY 2`,
    'Hasura functions': `SELECT p.proname, pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND p.prokind = 'f'`,
  };
}
