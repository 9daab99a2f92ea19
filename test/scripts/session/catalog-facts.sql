-- Sequences, as the catalogs and their functions tell of them: nothing is known before the first value.
CREATE SEQUENCE cf_a;
CREATE SEQUENCE cf_b AS smallint INCREMENT -2 MINVALUE -10 MAXVALUE 5 START 3 CYCLE CACHE 4;
SELECT sequencename, data_type, start_value, min_value, max_value, increment_by, cycle, cache_size, last_value
FROM pg_sequences WHERE sequencename LIKE 'cf\_%' ORDER BY 1;
SELECT nextval('cf_a'), nextval('cf_a'), setval('cf_b', -1);
SELECT sequencename, last_value FROM pg_sequences WHERE sequencename LIKE 'cf\_%' ORDER BY 1;
SELECT setval('cf_b', -3, false);
SELECT s.last_value, c.relname FROM pg_class c JOIN pg_sequences s ON s.sequencename = c.relname
WHERE c.relname LIKE 'cf\_%' ORDER BY 2;
SELECT count(*) FROM pg_sequences WHERE last_value = 2 AND sequencename LIKE 'cf\_%';
SELECT pg_sequence_last_value('cf_a'::regclass), pg_sequence_last_value('cf_b'::regclass);
SELECT * FROM pg_sequence_parameters('cf_a'::regclass);
SELECT minimum_value, cycle_option, data_type::regtype FROM pg_sequence_parameters('cf_b'::regclass);
SELECT * FROM pg_sequence_parameters('pg_class'::regclass);
SELECT * FROM pg_sequence_parameters(1::oid);
DROP SEQUENCE cf_a, cf_b;

-- Flags of settings.
SELECT pg_settings_get_flags('work_mem'), pg_settings_get_flags('application_name'), pg_settings_get_flags('timezone'),
  pg_settings_get_flags('transaction_isolation'), pg_settings_get_flags('force_parallel_mode'), pg_settings_get_flags('no_such');

-- Relations.
CREATE TABLE cf_t (id int PRIMARY KEY, a text NOT NULL);
CREATE UNIQUE INDEX cf_u ON cf_t (a);
SELECT pg_get_replica_identity_index('cf_t'), row_security_active('cf_t'), pg_partition_root('cf_t');
ALTER TABLE cf_t REPLICA IDENTITY USING INDEX cf_u;
SELECT pg_get_replica_identity_index('cf_t'), pg_get_replica_identity_index('cf_u');
ALTER TABLE cf_t REPLICA IDENTITY FULL;
SELECT pg_get_replica_identity_index('cf_t');
SELECT pg_filenode_relation(0, pg_relation_filenode('cf_t')), pg_filenode_relation(0, 4);
SELECT row_security_active('cf_none');
DROP TABLE cf_t;
SELECT pg_encoding_max_length(6), pg_encoding_max_length(0), pg_encoding_max_length(37), pg_encoding_max_length(99);

-- Time zones.
SELECT name, utc_offset, is_dst FROM pg_timezone_names WHERE name IN ('Asia/Tokyo', 'Asia/Kolkata', 'UTC') ORDER BY 1;
SELECT * FROM pg_timezone_abbrevs WHERE abbrev IN ('PST', 'CEST', 'ARST', 'NDT') ORDER BY 1;
SELECT count(*) FROM pg_timezone_abbrevs;

-- What may be NULL in a catalog.
SELECT attrelid::regclass, attname, attnotnull FROM pg_attribute
WHERE attrelid IN ('pg_attrdef'::regclass, 'pg_trigger'::regclass, 'pg_index'::regclass) AND attnum > 12 ORDER BY 1, attnum;
SELECT count(*) FROM pg_stat_progress_create_index;
SELECT count(*) FROM pg_stat_progress_vacuum;
SELECT name, utc_offset FROM pg_timezone_names
WHERE name IN ('GMT', 'Etc/GMT-3', 'Europe/Kyiv', 'Asia/Calcutta', 'EST', 'Japan') AND utc_offset <> interval '2 hours' AND NOT is_dst ORDER BY 1;

-- Functions that catalogs name: behind casts, of windows, of languages, of access methods.
SELECT castsource::regtype, casttarget::regtype, castcontext, castmethod, castfunc::regprocedure FROM pg_cast
WHERE castsource IN ('int4'::regtype, 'int8'::regtype, 'regclass'::regtype, 'varchar'::regtype)
  AND casttarget IN ('int8'::regtype, 'oid'::regtype, 'regclass'::regtype, 'int4'::regtype, '"char"'::regtype, 'name'::regtype,
    'numeric'::regtype) AND castsource <> casttarget ORDER BY 1, 2;
SELECT p.oid, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.prokind FROM pg_cast c JOIN pg_proc p
ON p.oid = c.castfunc WHERE c.castsource = 'float8'::regtype AND c.casttarget IN ('int4'::regtype, 'numeric'::regtype) ORDER BY 1;
SELECT oid, proname, pg_get_function_arguments(oid), pg_get_function_result(oid), proisstrict FROM pg_proc
WHERE prokind = 'w' ORDER BY 1;
SELECT lanname, lanplcallfoid::regproc, laninline::regproc, lanvalidator::regproc FROM pg_language ORDER BY 1;
SELECT amname, amhandler FROM pg_am WHERE amname NOT IN ('gist', 'spgist') AND oid < 10000 ORDER BY 1;
SELECT attname, attcollation FROM pg_attribute WHERE attrelid = 'pg_class'::regclass AND attcollation <> 0 ORDER BY attnum;
