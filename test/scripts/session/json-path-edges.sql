-- Edges of JSON paths, found by random ones: both operands are computed before either is judged.
SELECT jsonb_path_query('{}', '$.a + $x');
SELECT jsonb_path_query('{}', '$.a + (-"x")');
SELECT jsonb_path_query('{}', 'strict $ + $.a');
SELECT jsonb_path_query('{}', '("a" * 1) - ("b" % 2)');
SELECT jsonb_path_query('{}', '$.a + $x', '{}', true);
-- To the operators every variable is null.
SELECT j @? '$x', j @@ '$x', j @@ '$x == null', j @? '$.a ? (@ == $x)', j @@ '$.a starts with $y' FROM (VALUES ('{}'::jsonb), ('{"a": null}'), ('{"a": "b"}')) AS s (j);
SELECT jsonb_path_exists('{}', '$x');
-- A sign before what is no number, where only existence is asked.
SELECT jsonb_path_exists('{}', '+$'), jsonb_path_exists('[1, "a"]', '-$[*]'), jsonb_path_exists('["a", 1]', '-$[*]'), '"a"' @? '-$';
SELECT jsonb_path_exists('{}', 'strict +$');
SELECT jsonb_path_exists('{}', '(+$).a');
SELECT jsonb_path_exists('{}', '$ ? (exists (+@))'), jsonb_path_query_array('[["a"], [1]]', '$[*] ? (exists (-@[*]))');
SELECT jsonb_path_exists('{}', '(+$) == 1');
-- Below .** structures that do not fit are passed over, in strict mode too.
SELECT jsonb_path_query_array('{"a": [1, {"b": 2}]}', 'strict $.**[0]'), jsonb_path_query_array('{"a": [1, {"b": 2}]}', 'strict $.**.size()'), jsonb_path_query_array('{"a": [1, {"b": 2}]}', 'strict $.**[*]');
SELECT jsonb_path_query('{"a": 1}', 'strict $.a[0]');
SELECT jsonb_path_query('{"a": 1}', 'strict $.a.size()');
-- An empty array inside of another says how many dimensions there are.
SELECT a FROM jsonb_to_record('{"a": [[], {"c": 1}]}') AS r (a text[]);
SELECT a FROM jsonb_to_record('{"a": [[], []]}') AS r (a text[]);
SELECT a FROM jsonb_to_record('{"a": [{"c": 1}, []]}') AS r (a text[]);
SELECT a FROM jsonb_to_record('{"a": [[], [1]]}') AS r (a text[]);
-- An error of a value under .** is forgotten when its parts are looked at, unless it is told at once.
select jsonb '{"a": [[false], []]}' @? 'lax $.**.a.keyvalue()';
select jsonb '{"b": [[2]], "a": [[false], []]}' @? 'lax $.**.a.keyvalue()';
select jsonb '{"a": [[false], []]}' @? 'lax $.a.keyvalue()';
select jsonb '{"a": []}' @? 'lax $.a.keyvalue()';
select jsonb '{"a": [1]}' @? 'lax $.**.a.keyvalue()';
select jsonb '{"a": 1}' @? 'lax $.**.a.keyvalue()';
select jsonb '[[{"c": "abc"}], {}]' @? 'lax $.**.a.keyvalue()';
select jsonb '{"a": [1], "b":2}' @? 'lax $.**.a.keyvalue()';
select jsonb '{"b": {"a":1}}' @? 'lax $.**.a.keyvalue()';
select jsonb '{"b": {"a":1}, "c":1}' @? 'lax $.**.a.keyvalue()';
select jsonb '{"b": [1], "a": 1}' @? 'lax $.**.a.keyvalue()';
select jsonb '{"b": [2], "a": {}}' @? 'lax $.**.a.double()';
select jsonb '{"b": {"a": {}}, "c": {}}' @? 'lax $.*.a.double()';
select jsonb '{"a": {}, "c": 1}' @? 'lax $.**.a.double()';
select jsonb '{"a": {}, "c": []}' @? 'lax $.**.a.double()';
select jsonb '{"a": [{}]}' @? 'lax $.**.a.double()';
select jsonb '{"a": [[{}]]}' @? 'lax $.**.a.double()';
select jsonb_path_exists('{"a": [[false], []]}', 'lax $.**.a.keyvalue()');
select jsonb_path_exists('{"a": [[false], []]}', 'lax $.**.a.keyvalue()', '{}', true);
select jsonb_path_query_array('{"a": [[false], []], "b": {"a": {"x": 1}}}', 'lax $.**.a.keyvalue().key', '{}', true);
select jsonb_path_query_array('{"a": 1, "b": {"a": {"x": 1}}}', 'lax $.**.a.keyvalue().key', '{}', true);
select jsonb_path_query_array('{"a": 1, "b": {"a": {"x": 1}}}', 'lax $.**.a.keyvalue().key');
select jsonb_path_query('[{"a": 1}, {"a": "x"}]', '$[*] ? (@.**.a.double() > 0)');
select jsonb_path_query('[{"a": 1}, {"a": "x"}, {"b": {"a": 2}, "a": "x"}]', '$[*] ? (exists (@.**.a.double()))');
