-- The functions behind operators, by name.
SELECT int4pl(2, 3), int8mi(5, 7), numeric_add(1.5, 2), float8mul(2, 4), int4div(7, 2), int4um(4);
SELECT texteq('a', 'b'), textne('a', 'b'), text_lt('a', 'b'), textcat('a', 'b'), textlike('abc', 'a%'), textregexeq('abc', 'b');
SELECT int4eq(1, 1), int48lt(1, 2), date_gt('2020-01-02', '2020-01-01'), date_mi('2020-01-02', '2020-01-01');
SELECT timestamptz_lt('2020-01-02', '2020-01-01'), timestamp_pl_interval('2020-01-01', '1 day');
SELECT jsonb_contains('{"a": 1, "b": 2}', '{"a": 1}'), jsonb_contained('{"a": 1}', '{"a": 1, "b": 2}');
SELECT jsonb_exists('{"a": 1}', 'a'), jsonb_exists_any('{"a": 1}', '{x,a}'), jsonb_exists_all('{"a": 1}', '{x,a}');
SELECT jsonb_delete('{"a": 1, "b": 2}'::jsonb, 'a'), jsonb_delete_path('{"a": {"b": 2}}', '{a,b}'), jsonb_concat('[1]', '[2]');
SELECT json_object_field('{"a": 1}', 'a'), json_array_element_text('["x"]', 0);
SELECT arraycontains(ARRAY[1, 2], ARRAY[1]), arrayoverlap(ARRAY[1, 2], ARRAY[3]), array_eq(ARRAY[1], ARRAY[1]);
SELECT range_contains(int4range(1, 10), int4range(2, 3)), range_adjacent(int4range(1, 2), int4range(2, 3)), range_minus(int4range(1, 5), int4range(3, 9));
SELECT booleq(true, false), uuid_eq('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
SELECT int4pl(1, NULL), int4pl('1', '2'), int4pl(1::int8, 2);
SELECT int4pl(1, NULL), int4pl('1', '2');
SELECT oprname, oprcode, oprcode::oid IN (SELECT oid FROM pg_proc) FROM pg_operator WHERE oid IN (96, 551, 3246) ORDER BY oid;
