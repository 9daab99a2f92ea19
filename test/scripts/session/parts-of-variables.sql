-- Assignment to parts of PL/pgSQL's variables.
do $$ declare a int[] := array[1, 2, 3, 4]; begin a[2:3] := array[7, 8]; raise notice '%', a; a[:2] := '{0,0,9}'; raise notice '%', a; a[4:] := array[5]; raise notice '%', a; end $$;
do $$ declare a int[]; begin a[2:3] := array[7, 8]; raise notice '%', a; a[1] := 1; raise notice '%', a; a[6] := 6; raise notice '%', a; a[-1] := -1; raise notice '%', a; end $$;
do $$ declare a int[] := '{{1,2},{3,4}}'; begin a[2][1] := 30; raise notice '%', a; a[1:2][2:2] := '{{20},{40}}'; raise notice '%', a; a[2][1:1] := '{7,8}'; raise notice '%', a; a[3][1] := 5; end $$;
do $$ declare a int[] := '{1}'; begin a[1:3] := array[1]; end $$;
do $$ declare a int[] := '{1}'; begin a[null] := 1; end $$;
do $$ declare a int[]; begin a[:2] := array[1, 2]; end $$;
do $$ declare a int[] := '{1}'; begin a[1][1] := 1; end $$;
do $$ declare a text[]; begin a['1'] := 5; raise notice '%', a; end $$;
do $$ declare j jsonb := '{"a": [1, 2]}'; begin j['a'][0] := '5'; raise notice '%', j; j['b'] := '{"x": null}'; raise notice '%', j; j['b']['y'][1] := '"z"'; raise notice '%', j; end $$;
do $$ declare j jsonb; begin j[1] := '5'; raise notice '%', j; end $$;
do $$ declare j jsonb; begin j['k'] := to_jsonb(5); raise notice '%', j; j['k']['m'] := '1'; end $$;
do $$ declare i int; begin i[1] := 1; end $$;
create table kept (id int, tags text[], doc jsonb);
do $$ declare r kept; begin r.tags[2] := 'b'; r.tags[3:4] := array['c', 'd']; r.doc['x'] := 'true'; raise notice '%', r; end $$;
