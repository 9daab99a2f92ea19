-- Edges of regular expressions and LIKE, found by random patterns.
-- As an option of a function e means basic expressions, as b does; as an embedded one extended expressions.
SELECT regexp_match('aa+', 'a+', 'e'), regexp_match('aa+', 'a\+', 'b'), regexp_match('(a)', '(a)', 'e');
SELECT regexp_match('aab', '\(a\)\1b', 'b'), regexp_match('aaa', 'a\{1,2\}', 'b'), regexp_match('a|b', 'a|b', 'b');
SELECT regexp_match('*a^$b', '*a^$b', 'b'), regexp_match('ab', '^a.$', 'b'), regexp_match('ab', '\(^a\)b$', 'b');
SELECT regexp_match('x ab y', '\<a[a-c]*\>', 'b'), regexp_replace('a.b', '\.', '-', 'b');
SELECT regexp_match('aaa', 'a{2}', 'b'), regexp_match('a{2}', 'a{2}', 'b');
SELECT regexp_match('aa', '(?e)a+'), regexp_match('aa+', '(?b)a+'), regexp_match('aa', '***:a+', 'b');
SELECT regexp_match('a', 'a\{1', 'b');
SELECT regexp_match('a', '\(a', 'b');
SELECT regexp_match('a', 'a\)', 'b');
SELECT regexp_match('a', '\{1\}', 'b');
SELECT regexp_match('a', 'a\', 'b');
SELECT regexp_match('a', '(?é');
-- \0 is nothing in a replacement.
SELECT regexp_replace('abc', 'b', '[\0]'), regexp_replace('abc', 'b', '[\&]'), regexp_replace('abc', 'b', '\');
-- Without groups the first one is the whole match.
SELECT regexp_instr('xaab', 'a+', 1, 1, 0, '', 1), regexp_instr('xaab', 'a+', 1, 1, 1, '', 1), regexp_instr('xaab', 'a+', 1, 1, 0, '', 2);
SELECT regexp_substr('xaab', 'a+', 1, 1, '', 1), regexp_substr('xaab', 'a+', 1, 1, '', 2), regexp_substr('xaab', 'x(a)(a)', 1, 1, '', 2);
-- Empty rounds.
SELECT regexp_match('', '(a*)*'), regexp_match('', '(a*?)*'), regexp_match('', '(a*)*?'), regexp_match('', '(a*?)*?');
SELECT regexp_match('.', '((c)*?)*?\S'), regexp_match('.', '((c)*)*?\S'), regexp_match('.', '()*\S');
SELECT regexp_replace(E'_\n\n', '(\W)(?:\1*|x){2,4}?a*', 'x'), regexp_match('', '(?:(a*)\1){2}'), regexp_match('ab', '(?:(a*)\1|b){2,3}');
-- References to groups that have matched nothing.
SELECT n, 'x' ~ p FROM (VALUES (1, '^(a)*\1?'), (2, '^(a)*(?:\1)?'), (3, '^(a)*(?:\1){0,}'), (4, '^(a)*(\1)?'), (5, '^(a)*(?:\1)')) AS v (n, p);
SELECT regexp_match('x', '(b)|(?:\1)*'), regexp_match('x', '(b)|\1*');
-- An escape character at the end of a pattern matters where a text gets there.
SELECT v, v LIKE 'ab%b' ESCAPE 'b' FROM (VALUES ('a'), ('x'), ('')) AS s (v);
SELECT v, v LIKE 'a\' FROM (VALUES ('a'), ('b'), ('')) AS s (v);
SELECT 'ab' LIKE 'a\';
SELECT v, v LIKE 'a%\' FROM (VALUES ('a'), ('b'), ('')) AS s (v);
SELECT 'ab' LIKE 'a%\';
SELECT '' ILIKE '\', 'b' NOT LIKE 'a\';
select 'x_y' similar to 'x[[:alpha:]_]y', 'x.y' similar to 'x[[:alpha:]_]y', 'x]y' similar to 'x[]_]y', 'x_y' similar to 'x[]_]y','x^y' similar to 'x[^]_]y', 'x%y' similar to 'x[%]y', 'xay' similar to 'x[%]y';
select 'x.y' similar to 'x[^[:alpha:]_]y', 'x_y' similar to 'x[^[:alpha:]_]y', 'a-b' similar to 'a[[:digit:]-]b', 'a|b' similar to 'a[|]b', 'a"b' similar to 'a["]b', 'a\b' similar to 'a[\\]b';
select similar_to_escape('x[[:alpha:]_]y'), similar_to_escape('x[]_%]y%'), similar_to_escape('[^]_]_'), similar_to_escape('[[.a.]_]'), similar_to_escape('[[=a=]%]%'), similar_to_escape('a[b[c]_]_');
select substring('abxcd' similar '%#"[[:alpha:]_]x#"%' escape '#'), substring('ab"cd' similar '%#"[]_"]#"%' escape '#');
select x, similar_to_escape(x) from unnest(array['[[]_]_','[[^]_]_','[^^]_]_','[^]]_','[]]_','[a^]_]_','[[]]_]_','[^[]_]_]_','[[:alpha:]]_','[[:alpha:]_','[a[:alpha:]]_','[^a]_','[a\]_]_','[\]_]_','[]\]_','[^\]]_','[[]]]_','[a[]_]_]_','[a]]_', '[', '[]', '[^', '[(]_(', '[.^$]_.^$','[\\]_','[\^]_]_','[^\^]_]_', '[a"]"', '[[^a]_]_']) x;
select x, similar_to_escape(x, '#') from unnest(array['[#]_]_','[a#"]_','#"[]#"_]_#"','[\]_','[a\b]_\', '[#^]_]_', '[^#]_]_', 'a#"b[_]#"c', '[#', '[a#']) x;
select similar_to_escape('#"[#"]#"_','#');
select similar_to_escape('#"a#"b#"c','#');
