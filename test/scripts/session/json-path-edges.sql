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
