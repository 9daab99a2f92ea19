-- pg_proc tells the last parameter's mode of built-in functions that take any number
SELECT proname, proallargtypes, proargmodes, provariadic::regtype FROM pg_proc
  WHERE oid IN (440, 3058, 3059, 3539, 3272, 4280) AND provariadic <> 0 ORDER BY proname;
SELECT pg_get_function_arguments('concat_ws'::regproc), pg_get_function_identity_arguments('format(text,"any")'::regprocedure);
