/**
 * How long the questions that tools ask of the catalogs take in a database of many tables: psql's \d, pg_dump,
 * and what ORMs read to learn a schema. A session in this process over keys in memory: what
 * is measured is the work of the SQL layer. Prints for each query its least
 * and its median time in milliseconds and marks what is over the 20 ms that are the aim with 500 tables:
 * node dist/bench/bench/micro/catalog.js [tables] [repetitions]
 */
import { performance } from 'node:perf_hooks';
import { Client, startServer } from '../../test/sql/support/server.js';

const TABLES = Number(process.argv[2] ?? 500);
const REPETITIONS = Number(process.argv[3] ?? 9);
const AIM_MS = 20;

const middle = `t${Math.floor(TABLES / 2)}`;
const oid = `'${middle}'::regclass`;
const visible = 'pg_catalog.pg_table_is_visible(c.oid)';
const relations = `pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`;

const QUERIES: Readonly<Record<string, string>> = {
  'psql \\d': `SELECT n.nspname, c.relname, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' END,
    pg_catalog.pg_get_userbyid(c.relowner) FROM ${relations} LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
    WHERE c.relkind IN ('r','p','v','m','S','f','') AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast'
    AND n.nspname <> 'information_schema' AND ${visible} ORDER BY 1,2`,
  'psql \\dt *.*': `SELECT n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner) FROM ${relations}
    LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam WHERE c.relkind IN ('r','p','t','s','') ORDER BY 1,2`,
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
    FROM pg_catalog.pg_constraint c WHERE confrelid = ${oid} AND contype = 'f' ORDER BY conname`,
  'pg_dump tables': `SELECT c.tableoid, c.oid, c.relname, c.relnamespace, c.relkind, d.refobjid, d.refobjsubid, c.relhasindex
    FROM pg_class c LEFT JOIN pg_depend d ON (c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid
    AND d.objsubid = 0 AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))
    LEFT JOIN pg_tablespace tsp ON (tsp.oid = c.reltablespace)
    WHERE c.relkind IN ('r', 'S', 'v', 'c', 'm', 'f', 'p') ORDER BY c.oid`,
  'pg_dump pg_depend': `SELECT classid, objid, refclassid, refobjid, deptype FROM pg_depend
    WHERE deptype != 'p' AND deptype != 'e' ORDER BY 1,2`,
  'Prisma tables': `SELECT tbl.relname AS table_name, namespace.nspname AS namespace FROM pg_class AS tbl
    INNER JOIN pg_namespace AS namespace ON namespace.oid = tbl.relnamespace
    WHERE tbl.relkind IN ('r', 'p') AND namespace.nspname = ANY (ARRAY['public']) ORDER BY namespace, table_name`,
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
  'Drizzle columns': `SELECT a.attname, a.attnotnull, format_type(a.atttypid, a.atttypmod), pg_get_expr(ad.adbin, ad.adrelid)
    FROM pg_attribute a JOIN pg_class cls ON cls.oid = a.attrelid JOIN pg_namespace ns ON ns.oid = cls.relnamespace
    LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
    WHERE ns.nspname = 'public' AND cls.relname = '${middle}' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
  'Sequelize table exists': `SELECT table_name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_name = '${middle}'`,
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
  'format_type of one': `SELECT typname FROM pg_type WHERE oid = 25`,
};

/** In one transaction: then no table of it waits for a schema lock. */
async function makeTables(client: Client): Promise<void> {
  await client.query('BEGIN');
  for (let i = 0; i < TABLES; i++) {
    const parent = i === 0 ? '' : `, parent bigint REFERENCES t${Math.floor((i - 1) / 2)} (id)`;
    await client.query(`CREATE TABLE t${i} (id bigserial PRIMARY KEY, name text NOT NULL, email varchar(100) UNIQUE,
      amount numeric(10,2) DEFAULT 0 CHECK (amount >= 0), made timestamptz DEFAULT now(), note jsonb${parent});
      CREATE INDEX ON t${i} (name)`);
  }
  await client.query('COMMIT');
}

const server = await startServer();
try {
  const client = await Client.open(server);
  const began = performance.now();
  await makeTables(client);
  process.stdout.write(`${TABLES} tables in ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
  process.stdout.write(`${'ms'.padEnd(26)} ${'least'.padStart(8)} ${'median'.padStart(8)} ${'rows'.padStart(8)}\n`);
  let over = 0;
  for (const [name, sql] of Object.entries(QUERIES)) {
    const times: number[] = [];
    let rows = 0;
    for (let i = 0; i < REPETITIONS; i++) {
      const started = performance.now();
      rows = (await client.query(sql)).rows.length;
      times.push(performance.now() - started);
    }
    times.sort((a, b) => a - b);
    const median = times[times.length >> 1]!;
    if (median > AIM_MS) over++;
    process.stdout.write(
      `${name.padEnd(26)} ${times[0]!.toFixed(1).padStart(8)} ${median.toFixed(1).padStart(8)} ${String(rows).padStart(8)}${median > AIM_MS ? ' over' : ''}\n`,
    );
  }
  process.stdout.write(`${over} of ${Object.keys(QUERIES).length} over ${AIM_MS} ms\n`);
} finally {
  await server.close();
}
