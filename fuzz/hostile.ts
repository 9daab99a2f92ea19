/**
 * Statements that are made to hurt: a clear error or an answer within the time-out is expected of each, other sessions
 * get their turns meanwhile, and the node lives. PostgreSQL is not asked: it fails some of them by other limits.
 */
import { type Hostile, hostileQueries, hostileValues, list, one } from './hostile-values.js';

const DEEP = 10_000;

function deep(): Hostile[] {
  return [
    one('parentheses', '54001', `SELECT ${'('.repeat(DEEP)}1${')'.repeat(DEEP)}`),
    one('subqueries in one another', '=1', `${'SELECT * FROM ('.repeat(500)}SELECT 1 AS a${') AS s'.repeat(500)}`),
    one('scalar subqueries in one another', '54001', `SELECT ${'(SELECT '.repeat(1000)}1${')'.repeat(1000)}`),
    one('functions in one another', '54001', `SELECT ${'abs('.repeat(5000)}1${')'.repeat(5000)}`),
    one('CASE in CASE', '54001', `SELECT ${'CASE WHEN true THEN '.repeat(2000)}1${' END'.repeat(2000)}`),
    one('NOT of NOT', '54001', `SELECT ${'NOT '.repeat(DEEP)}true`),
    one('signs', '54001', `SELECT ${'- '.repeat(DEEP)}1`),
    one('arrays in arrays', '54000', `SELECT ${'ARRAY['.repeat(1000)}1${']'.repeat(1000)}`),
    one('array text of many dimensions', '54000', `SELECT '${'{'.repeat(5000)}1${'}'.repeat(5000)}'::int[]`),
    one('JSON, deep', '54001', `SELECT '${'['.repeat(100_000)}${']'.repeat(100_000)}'::jsonb`),
    one('JSON, deep, as json', '54001', `SELECT ('${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}'::json)->'a'`),
    one('JSON path, deep', '54001', `SELECT jsonb_path_query('{}', '${'('.repeat(20_000)}$${')'.repeat(20_000)}')`),
    one('casts of casts', '54001', `SELECT 1${'::text::int'.repeat(5000)}`),
    one('subscripts', '54000', `SELECT (ARRAY[1])${'[1]'.repeat(1000)}`),
    one(
      'UNION of many',
      '54001',
      list(3000, (i) => `SELECT ${i}`, ' UNION ALL '),
    ),
    one('joins of many', '=1', `SELECT count(*) FROM ${list(200, (i) => `(VALUES (${i})) AS t${i} (a)`)}`),
    one(
      'WITH of many',
      '=500',
      `WITH ${list(500, (i) => (i === 0 ? 'w0 AS (SELECT 1 AS a)' : `w${i} AS (SELECT a + 1 AS a FROM w${i - 1})`))} SELECT * FROM w499`,
    ),
    one(
      'LATERAL of many',
      '=2',
      `SELECT count(*) FROM generate_series(1, 2) AS g0 (a)${list(60, (i) => ` CROSS JOIN LATERAL (SELECT g${i}.a) AS g${i + 1} (a)`, '')}`,
    ),
    one(
      'set operations in parentheses',
      '=2',
      `SELECT count(*) FROM (${'(SELECT 1 UNION '.repeat(700)}SELECT 2${')'.repeat(700)}) AS s`,
    ),
    one(
      'INTERSECT of many',
      '=nothing',
      list(1200, (i) => `SELECT ${i}`, ' INTERSECT '),
    ),
    one('JSON objects, deep', '54001', `SELECT jsonb_typeof('${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}'::jsonb)`),
    one('rows in rows', '54000 54001', `SELECT ${'ROW('.repeat(1000)}1${')'.repeat(1000)}`),
    one('array_fill of seven dimensions', '54000', 'SELECT array_fill(1, ARRAY[1, 1, 1, 1, 1, 1, 1])'),
    {
      name: 'views of views',
      ends: '=1',
      statements: [
        list(100, (i) => `CREATE VIEW hview${i} AS SELECT ${i === 0 ? '1 AS a' : `a FROM hview${i - 1}`}`, '; '),
        'SELECT * FROM hview99',
      ],
    },
  ];
}

function long(): Hostile[] {
  return [
    one('a sum of 20,000 terms', '54001', `SELECT ${list(20_000, () => '1', ' + ')}`),
    one(
      '20,000 times OR',
      '=100',
      `SELECT count(*) FROM generate_series(1, 100) AS g (a) WHERE ${list(20_000, (i) => `a = ${i}`, ' OR ')}`,
    ),
    one(
      '20,000 times AND',
      '=100',
      `SELECT count(*) FROM generate_series(1, 100) AS g (a) WHERE ${list(20_000, (i) => `a <> ${i + 1000}`, ' AND ')}`,
    ),
    one('20,000 times ||', '54001', `SELECT length(${list(20_000, () => "'a'", ' || ')})`),
    one(
      'IN of 10,000',
      '=1000',
      `SELECT count(*) FROM generate_series(1, 1000) AS g (a) WHERE a IN (${list(10_000, String)})`,
    ),
    one(
      'IN of 100,000',
      '=1000',
      `SELECT count(*) FROM generate_series(1, 1000) AS g (a) WHERE a IN (${list(100_000, String)})`,
    ),
    one(
      'NOT IN of 10,000 texts',
      '=1000',
      `SELECT count(*) FROM generate_series(1, 1000) AS g (a) WHERE a::text NOT IN (${list(10_000, (i) => `'x${i}'`)})`,
    ),
    one('VALUES of 100,000', '=100000', `SELECT count(*) FROM (VALUES ${list(100_000, (i) => `(${i})`)}) AS v (a)`),
    one('a select list of 1,700', '54011', `SELECT ${list(1700, String)}`),
    {
      name: '1,600 columns',
      ends: '=0',
      statements: [
        `CREATE TABLE h1600 (${list(1600, (i) => `c${i} int`)})`,
        `INSERT INTO h1600 VALUES (${list(1600, String)})`,
        'SELECT * FROM h1600',
      ],
    },
    one('1,601 columns', '54011', `CREATE TABLE h1601 (${list(1601, (i) => `c${i} int`)})`),
    one(
      'GROUPING SETS of many',
      '54001',
      `SELECT count(*) FROM (VALUES (1)) AS v (a) GROUP BY ${list(12, () => 'CUBE (a, a, a)')}`,
    ),
    one(
      'CUBE of 13',
      '54011',
      `SELECT count(*) FROM (SELECT ${list(13, (i) => `1 AS c${i}`)}) AS v GROUP BY CUBE (${list(13, (i) => `c${i}`)})`,
    ),
    one('a literal of 20 MB', '54000', `SELECT length('${'x'.repeat(20_000_000)}')`),
    one('a name of 100,000', '=1', `SELECT 1 AS ${'n'.repeat(100_000)}`),
    one(
      'a number of 100,000 digits',
      '22003',
      `SELECT length((${'9'.repeat(100_000)} * ${'9'.repeat(100_000)})::text)`,
    ),
    one('array of 50,000', '=50000', `SELECT cardinality(ARRAY[${list(50_000, String)}])`),
    one(
      'CASE of 10,000',
      '=nothing',
      `SELECT CASE a ${list(10_000, (i) => `WHEN ${i + 5} THEN ${i}`, ' ')} END FROM generate_series(1, 10) AS g (a)`,
    ),
    one('coalesce of 10,000', '=1', `SELECT coalesce(${list(10_000, () => 'NULL')}, 1)`),
    one(
      '50,000 statements',
      '=nothing',
      list(50_000, () => 'SELECT', '; '),
    ),
    {
      name: '65,535 parameters',
      ends: '=65535',
      statements: [`SELECT count(*) FROM (VALUES ${list(65_535, (i) => `($${i + 1}::int)`)}) AS v (a)`],
      values: Array.from({ length: 65_535 }, (_, i) => i),
    },
    one(
      'more words than there may be',
      '54000',
      `SELECT count(*) FROM (VALUES ${list(400_000, () => '(1)')}) AS v (a)`,
    ),
    one(
      'GROUP BY of 1,000',
      '=1',
      `SELECT count(*) FROM (SELECT 1 AS a) AS s GROUP BY ${list(1000, (i) => `a + ${i}`)}`,
    ),
    one('ORDER BY of 1,600', '=1', `SELECT a FROM (SELECT 1 AS a) AS s ORDER BY ${list(1600, (i) => `a + ${i}`)}`),
    one(
      'CUBE of 12',
      '=4096',
      `SELECT count(*) FROM (SELECT 1 FROM (SELECT ${list(12, (i) => `1 AS c${i}`)}) AS v GROUP BY CUBE (${list(12, (i) => `c${i}`)})) AS s`,
    ),
    one('a name of 100,000 in quotes', '=1', `SELECT 1 AS "${'é'.repeat(100_000)}"`),
    one('a function of 200 arguments', '54023', `SELECT concat(${list(200, () => "'a'")})`),
    one('a comment that does not end', '42601', `SELECT 1 ${'/* '.repeat(50_000)}`),
    one('half a string', '42601', `SELECT '${'x'.repeat(100_000)}`),
  ];
}

function endless(): Hostile[] {
  return [
    one('a billion under LIMIT', '=1', 'SELECT * FROM generate_series(1, 1000000000) LIMIT 3'),
    one('a billion in the select list', '=1', 'SELECT generate_series(1, 1000000000) LIMIT 3'),
    one('a billion counted', '57014 53200', 'SELECT count(*) FROM generate_series(1, 1000000000)'),
    one(
      'a billion counted by hand',
      '57014 53200',
      'SELECT sum(a) FROM (SELECT generate_series(1, 1000000000) AS a) AS s',
    ),
    one('a billion sorted', '57014 53200', 'SELECT * FROM generate_series(1, 1000000000) AS g (a) ORDER BY -a LIMIT 1'),
    one('a billion sorted, all', '57014 53200', 'SELECT * FROM generate_series(1, 1000000000) AS g (a) ORDER BY -a'),
    one(
      'a billion in an array',
      '57014 53200',
      'SELECT cardinality(array_agg(a)) FROM generate_series(1, 1000000000) AS g (a)',
    ),
    one(
      'a billion in a text',
      '57014 53200',
      "SELECT length(string_agg(a::text, ',')) FROM generate_series(1, 1000000000) AS g (a)",
    ),
    one(
      'a billion groups',
      '57014 53200',
      'SELECT count(*) FROM (SELECT a FROM generate_series(1, 1000000000) AS g (a) GROUP BY a) AS s',
    ),
    one('a billion distinct', '57014 53200', 'SELECT count(DISTINCT a) FROM generate_series(1, 1000000000) AS g (a)'),
    one(
      'a window over a billion',
      '57014 53200',
      'SELECT row_number() OVER (ORDER BY a) FROM generate_series(1, 1000000000) AS g (a) LIMIT 1',
    ),
    one(
      'a billion inserted',
      '57014 53200',
      'CREATE TABLE hbig AS SELECT a FROM generate_series(1, 1000000000) AS g (a)',
    ),
    one('a set of zero step', '22023', 'SELECT * FROM generate_series(1, 2, 0)'),
    one(
      'days for ever',
      '57014 53200',
      "SELECT count(*) FROM generate_series(timestamp '2000-01-01', 'infinity', '1 day')",
    ),
    one(
      'recursion under LIMIT',
      '=1',
      'WITH RECURSIVE r (a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM r) SELECT * FROM r LIMIT 3',
    ),
    one(
      'recursion without end',
      '57014 53200',
      'WITH RECURSIVE r (a) AS (SELECT 1 UNION ALL SELECT a + 0 FROM r) SELECT count(*) FROM r',
    ),
    one(
      'recursion that doubles',
      '57014 53200',
      'WITH RECURSIVE r (a) AS (SELECT 1 UNION ALL SELECT x FROM r, (VALUES (1), (2)) AS v (x)) SELECT count(*) FROM r',
    ),
    one(
      'recursion of texts',
      '54000',
      "WITH RECURSIVE r (a) AS (SELECT 'x' UNION ALL SELECT a || a FROM r) SELECT max(length(a)) FROM r",
    ),
    one(
      'cross joins under LIMIT',
      '=1',
      'SELECT 1 FROM generate_series(1, 10000) AS a, generate_series(1, 10000) AS b, generate_series(1, 10000) AS c LIMIT 3',
    ),
    one(
      'cross joins counted',
      '57014 53200',
      'SELECT count(*) FROM generate_series(1, 10000) AS a, generate_series(1, 10000) AS b, generate_series(1, 10000) AS c',
    ),
    one(
      'a join of inequalities',
      '57014 53200',
      'SELECT count(*) FROM generate_series(1, 100000) AS a (x) JOIN generate_series(1, 100000) AS b (x) ON a.x < b.x',
    ),
    one(
      'correlated for ever',
      '57014 =0',
      'SELECT count(*) FROM generate_series(1, 1000000) AS a (x) WHERE EXISTS (SELECT FROM generate_series(1, 100000) AS b (x) WHERE b.x = -a.x)',
    ),
    one('a block that loops', '57014 53200', 'DO $$ BEGIN LOOP END LOOP; END $$'),
    one(
      'a block that counts',
      '57014 53200',
      'DO $$ DECLARE i int := 0; BEGIN WHILE true LOOP i := (i + 1) % 1000; END LOOP; END $$',
    ),
    one('a block that remembers', '54000', "DO $$ DECLARE t text := 'x'; BEGIN LOOP t := t || t; END LOOP; END $$"),
    {
      name: 'a function that calls itself',
      ends: '54001',
      statements: [
        'CREATE OR REPLACE FUNCTION hself(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN hself(a + 1); END $$',
        'SELECT hself(1)',
      ],
    },
    one('sleep', '57014 53200', 'SELECT pg_sleep(1000)'),
  ];
}

function large(): Hostile[] {
  return [
    one('1e131071', '=131072', 'SELECT length(1e131071::text)'),
    one('1e131072', '22003', 'SELECT 1e131072'),
    one('1e-16384', '22003', "SELECT '1e-20000'::numeric"),
    one('1e1000000000', '22003', "SELECT '1e1000000000'::numeric"),
    one('power', '=100018', 'SELECT length(power(10::numeric, 100000)::text)'),
    one('power of a fraction', '=2688117007410281807356124578484759005463', 'SELECT power(1.000000001, 100000000000)'),
    one('exp', '22003', 'SELECT length(exp(100000::numeric)::text)'),
    one('ln of much', '=230258.50929940457', 'SELECT ln(1e100000)'),
    one('sqrt of much', '=50001', 'SELECT length(sqrt(1e100000)::text)'),
    one('factorial', '=121288', 'SELECT length(factorial(30000)::text)'),
    one('factorial of much', '22003', 'SELECT factorial(1000000000)'),
    one('a product of large ones', '22003', 'SELECT length((1e100000 * 1e100000 + 1)::text)'),
    one('a division of large ones', '=100000', "SELECT length((repeat('9', 100000)::numeric / 7)::text)"),
    one(
      'a modulus of large ones',
      '=true',
      "SELECT mod(repeat('9', 100000)::numeric, repeat('7', 50000)::numeric) > 0",
    ),
    one('gcd of large ones', '=true', "SELECT gcd(repeat('9', 20000)::numeric, repeat('7', 20000)::numeric) > 0"),
    one('repeat', '54000', "SELECT length(repeat('x', 1000000000))"),
    one('repeat of repeat', '54000', "SELECT length(repeat(repeat('x', 100000), 100000))"),
    one('lpad', '54000', "SELECT length(lpad('x', 2000000000))"),
    one('rpad', '54000', "SELECT length(rpad('x', 1000000000, 'ab'))"),
    one('format width', '54000', "SELECT length(format('%1000000000s', 'x'))"),
    one('format width of an argument', '54000', "SELECT length(format('%*s', 2147483647, 'x'))"),
    one('to_char', '=100001', `SELECT length(to_char(1, '${'9'.repeat(100_000)}'))`),
    one('array_fill', '54000', 'SELECT cardinality(array_fill(0, ARRAY[1000000000]))'),
    one('array_fill of dimensions', '54000', 'SELECT cardinality(array_fill(0, ARRAY[1000, 1000, 1000, 1000]))'),
    one('a subscript far away', '54000', "SELECT '[2147483647:2147483647]={1}'::int[]"),
    one('bits', '=50000000', "SELECT length(repeat('1', 50000000)::varbit)"),
    one('bit of much', '54000', 'SELECT length(1::bit(80000000))'),
    one('bytea', '54000', "SELECT length(decode(repeat('00', 200000000), 'hex'))"),
    one(
      'string_agg of large ones',
      '54000',
      "SELECT length(string_agg(repeat('x', 1000000), '')) FROM generate_series(1, 5000)",
    ),
    one(
      'array_agg of large ones',
      '=5000',
      "SELECT cardinality(array_agg(repeat('x', 1000000))) FROM generate_series(1, 5000)",
    ),
    one(
      'jsonb_agg of large ones',
      '54000',
      "SELECT pg_column_size(jsonb_agg(repeat('x', 1000000))) FROM generate_series(1, 5000)",
    ),
    one(
      'rows of large ones',
      '53200',
      "SELECT repeat('x', 1000000) FROM generate_series(1, 2000) AS g (a) ORDER BY a DESC LIMIT 1",
    ),
    one('replace that grows', '54000', "SELECT length(replace(repeat('x', 100000), 'x', repeat('y', 100000)))"),
    one(
      'regexp_replace that grows',
      '54000',
      "SELECT length(regexp_replace(repeat('x', 100000), 'x', repeat('y', 100000), 'g'))",
    ),
    one('translate', '=9000000', "SELECT length(translate(repeat('abc', 3000000), 'abc', 'xyz'))"),
    one('string_to_array', '=3000001', "SELECT cardinality(string_to_array(repeat('a,', 3000000), ','))"),
    one('overlay', '22003', "SELECT length(overlay('abc' placing 'x' from 2147483647))"),
    one(
      'concat of itself',
      '54000',
      `SELECT length(${'concat('.repeat(25)}repeat('x', 1000)${list(25, () => ", repeat('y', 10000000))", '')})`,
    ),
    one('interval of much', '22008', "SELECT interval '2147483647 years' * 1e300"),
    one('width_bucket', '=214748365', 'SELECT width_bucket(1e100000, 0, 1e100001, 2147483647)'),
    one('ntile', '=1', 'SELECT ntile(2147483647) OVER () FROM generate_series(1, 10)'),
    one('LIMIT of much', '=nothing', 'SELECT 1 LIMIT 9223372036854775807 OFFSET 9223372036854775807'),
    one('OFFSET of much', '=nothing', 'SELECT a FROM generate_series(1, 100000) AS g (a) OFFSET 99999999999'),
    one('1e100000 in text', '=100001', "SELECT length(('1' || repeat('0', 100000))::numeric::text)"),
    one('a number of megabytes', '22003', "SELECT repeat('9', 60000000)::numeric"),
    one('a time of megabytes', '22007', "SELECT repeat('1', 60000000)::timestamp"),
    one('a date of many parts', '22007', "SELECT repeat('1-', 10000000)::date"),
    one('escapes of megabytes', '=60000000', "SELECT length(unistr(repeat('x', 60000000)))"),
    one('a JSON path of megabytes', '54000', "SELECT ('$' || repeat('.a', 10000000))::jsonpath"),
    one('JSON of many values', '54000', "SELECT ('[' || repeat('1,', 30000000) || '1]')::jsonb"),
    one('an array of many elements in text', '54000', "SELECT ('{' || repeat('1,', 30000000) || '1}')::int[]"),
    one('string_to_array of too many', '54000', "SELECT cardinality(string_to_array(repeat('a,', 30000000), ','))"),
    one('reverse of megabytes', '=60000000', "SELECT length(reverse(repeat('x', 60000000)))"),
    one('replace of megabytes', '=10000000', "SELECT length(replace(repeat('x', 10000000), 'x', 'y'))"),
    one('bytea as escapes', '=40000000', "SELECT length(encode(decode(repeat('00', 10000000), 'hex'), 'escape'))"),
    one(
      'hashes of megabytes',
      '=34801b928f5b34fb90c56312d79408f5',
      `SELECT ${list(10, (i) => `md5(repeat('x', ${10_000_000 + i}))`)}`,
    ),
    one('thirty powers', '=84527', `SELECT ${list(30, (i) => `length(power(7::numeric, ${100_000 + i})::text)`)}`),
    one(
      'array_agg in order',
      '=300000',
      'SELECT cardinality(array_agg(a ORDER BY -a)) FROM generate_series(1, 300000) AS g (a)',
    ),
    one(
      'a window over 20,000',
      '=19519500',
      'SELECT max(s) FROM (SELECT sum(a) OVER (ORDER BY a ROWS 1000 PRECEDING) AS s FROM generate_series(1, 20000) AS g (a)) AS w',
    ),
    one(
      'windows over a set',
      '=20000',
      'SELECT max(r) FROM (SELECT rank() OVER (PARTITION BY a % 10 ORDER BY -a) AS r FROM generate_series(1, 200000) AS g (a)) AS w',
    ),
  ];
}

function patterns(): Hostile[] {
  const a = (n: number): string => `repeat('a', ${n})`;
  return [
    one('(a+)+$', '=false', `SELECT ${a(100_000)} || 'b' ~ '(a+)+$'`),
    one('(a*)*b', '=false', `SELECT ${a(1_000_000)} ~ '(a*)*b'`),
    one('(a|aa)+$', '=false', `SELECT ${a(100_000)} || 'b' ~ '^(a|aa)+$'`),
    one('(a?){200}a{200}', '=true', `SELECT ${a(200)} ~ '^${'a?'.repeat(200)}${'a'.repeat(200)}$'`),
    one('back references', '=false', `SELECT ${a(3000)} || 'b' ~ '^(a*)(a*)(a*)\\1\\2\\3c'`),
    one(
      'groups of nothing',
      '=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      `SELECT regexp_matches(${a(1000)}, '((a*)*)*$', 'g')`,
    ),
    one('a counted bomb', '2201B', "SELECT 'x' ~ '((((a{1,200}){1,200}){1,200}){1,200})'"),
    one('lookahead', '54001', `SELECT ${a(100_000)} ~ '(?=(a+)+b)a'`),
    one('an expression of 20,000 parentheses', '2201B', `SELECT 'a' ~ '${'('.repeat(20_000)}${')'.repeat(20_000)}'`),
    one('an expression of 90,000', '2201B', `SELECT 'a' ~ '${'(a|b)'.repeat(18_000)}'`),
    one(
      'rows of bombs',
      '=0',
      "SELECT count(*) FROM generate_series(1, 300) AS g (n) WHERE repeat('ab', 50000) || n ~ '(a|b)*a(a|b){14}c'",
    ),
    one('LIKE', '=false', `SELECT ${a(100_000)} LIKE '${'%a'.repeat(5000)}%b'`),
    one('LIKE of long runs', '=false', `SELECT ${a(200_000)} LIKE '%' || repeat('a', 20000) || 'b%'`),
    one('LIKE of holes', '=false', `SELECT ${a(200_000)} LIKE '%' || repeat('_', 20000) || 'b%'`),
    one('ILIKE', '=false', `SELECT ${a(100_000)} ILIKE '${'%A_'.repeat(5000)}%B'`),
    one('SIMILAR TO', '=false', `SELECT ${a(30_000)} SIMILAR TO '(a|aa|%a)*(a%)*b'`),
    one(
      'like_regex',
      '=false',
      `SELECT jsonb_path_exists(to_jsonb(${a(100_000)} || 'b'), '$ ? (@ like_regex "(a+)+$" flag "s")')`,
    ),
    one(
      'JSON path that grows',
      '=3527',
      `SELECT count(*) FROM jsonb_path_query('[[1,2],[3,4]]', '${'$.**'.repeat(1)}${'.**'.repeat(40)}')`,
    ),
    one('regexp_split of much', '=600001', `SELECT cardinality(regexp_split_to_array(repeat('a b ', 300000), '\\s+'))`),
    one('strpos', '=0', `SELECT strpos(${a(5_000_000)}, ${a(100_000)} || 'b')`),
    one(
      'LIKE of a beginning that comes again',
      '=false',
      `SELECT ${a(2_000_000)} LIKE '%b' || repeat('a', 100000) || '%'`,
    ),
    one('LIKE of holes in a row', '=false', `SELECT ${a(200_000)} LIKE '%' || repeat('a_', 10000) || 'b%'`),
    one('LIKE of more holes', '54000', `SELECT ${a(10_000_000)} LIKE '%' || repeat('a_', 100000) || 'b%'`),
    one(
      'regexp_split of megabytes',
      '=2000001',
      `SELECT cardinality(regexp_split_to_array(repeat('a b ', 1000000), '\\s+'))`,
    ),
    one('a hundred bombs', '=false', `SELECT ${list(100, (i) => `repeat('ab', 20000) || ${i} ~ '(a|b)*a(a|b){10}c'`)}`),
  ];
}

export function hostile(): Hostile[] {
  return [...deep(), ...long(), ...endless(), ...large(), ...patterns(), ...hostileQueries(), ...hostileValues()];
}
