-- Words of later grammars are names in PostgreSQL 15.
CREATE FUNCTION set_part(json jsonb, "values" text) RETURNS jsonb LANGUAGE sql AS 'SELECT $1 || to_jsonb($2)';
SELECT set_part(json => '[1]', "values" => 'ä');
SELECT 'ä', set_part(json => '[1]', missing => 1);
CREATE FUNCTION of_both(OUT JSON int, OUT json_value int) LANGUAGE sql AS 'SELECT 1, 2';
SELECT * FROM of_both() AS t(json, json_array);
SELECT t.json, t.json_value FROM of_both() t;
CREATE FUNCTION json_query(json_table text) RETURNS text LANGUAGE sql AS $$ SELECT 'é' || json_table || json_query.json_table $$;
SELECT json_query('x'), json_query(json_table => 'y');
CREATE FUNCTION merge_action(json_exists int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN json_exists + 1; END $$;
SELECT merge_action(2), nothing(json => 1);
SELECT merge_action(json_exists => 4);
SELECT proname, proargnames FROM pg_proc WHERE proname IN ('set_part', 'of_both', 'json_query', 'merge_action') ORDER BY 1;
SELECT '"json' AS "json", 'json' AS json /* json */ FROM of_both(json => 1);
DROP FUNCTION set_part(json jsonb, text);
