/**
 * Statements that are made to hurt: a clear error or an answer within the time-out is expected of each, other sessions
 * get their turns meanwhile, and the node lives. PostgreSQL is not asked: it fails some of them by other limits.
 */
export interface Hostile {
  readonly name: string;
  /** Sent in this order; only the last one is judged. */
  readonly statements: readonly string[];
  readonly values?: readonly unknown[];
}

function one(name: string, text: string, values?: readonly unknown[]): Hostile {
  return values === undefined ? { name, statements: [text] } : { name, statements: [text], values };
}

function list(count: number, item: (i: number) => string, separator = ', '): string {
  return Array.from({ length: count }, (_, i) => item(i)).join(separator);
}

const DEEP = 10_000;

function deep(): Hostile[] {
  return [
    one('parentheses', `SELECT ${'('.repeat(DEEP)}1${')'.repeat(DEEP)}`),
    one('subqueries in one another', `${'SELECT * FROM ('.repeat(500)}SELECT 1 AS a${') AS s'.repeat(500)}`),
    one('scalar subqueries in one another', `SELECT ${'(SELECT '.repeat(1000)}1${')'.repeat(1000)}`),
    one('functions in one another', `SELECT ${'abs('.repeat(5000)}1${')'.repeat(5000)}`),
    one('CASE in CASE', `SELECT ${'CASE WHEN true THEN '.repeat(2000)}1${' END'.repeat(2000)}`),
    one('NOT of NOT', `SELECT ${'NOT '.repeat(DEEP)}true`),
    one('signs', `SELECT ${'- '.repeat(DEEP)}1`),
    one('arrays in arrays', `SELECT ${'ARRAY['.repeat(1000)}1${']'.repeat(1000)}`),
    one('array text of many dimensions', `SELECT '${'{'.repeat(5000)}1${'}'.repeat(5000)}'::int[]`),
    one('JSON, deep', `SELECT '${'['.repeat(100_000)}${']'.repeat(100_000)}'::jsonb`),
    one('JSON, deep, as json', `SELECT ('${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}'::json)->'a'`),
    one('JSON path, deep', `SELECT jsonb_path_query('{}', '${'('.repeat(20_000)}$${')'.repeat(20_000)}')`),
    one('casts of casts', `SELECT 1${'::text::int'.repeat(5000)}`),
    one('subscripts', `SELECT (ARRAY[1])${'[1]'.repeat(1000)}`),
    one(
      'UNION of many',
      list(3000, (i) => `SELECT ${i}`, ' UNION ALL '),
    ),
    one('joins of many', `SELECT count(*) FROM ${list(200, (i) => `(VALUES (${i})) AS t${i} (a)`)}`),
    one(
      'WITH of many',
      `WITH ${list(500, (i) => (i === 0 ? 'w0 AS (SELECT 1 AS a)' : `w${i} AS (SELECT a + 1 AS a FROM w${i - 1})`))} SELECT * FROM w499`,
    ),
    one(
      'LATERAL of many',
      `SELECT count(*) FROM generate_series(1, 2) AS g0 (a)${list(60, (i) => ` CROSS JOIN LATERAL (SELECT g${i}.a) AS g${i + 1} (a)`, '')}`,
    ),
    one(
      'set operations in parentheses',
      `SELECT count(*) FROM (${'(SELECT 1 UNION '.repeat(700)}SELECT 2${')'.repeat(700)}) AS s`,
    ),
    one(
      'INTERSECT of many',
      list(1200, (i) => `SELECT ${i}`, ' INTERSECT '),
    ),
    one('JSON objects, deep', `SELECT jsonb_typeof('${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}'::jsonb)`),
    one('rows in rows', `SELECT ${'ROW('.repeat(1000)}1${')'.repeat(1000)}`),
    one('array_fill of seven dimensions', 'SELECT array_fill(1, ARRAY[1, 1, 1, 1, 1, 1, 1])'),
    {
      name: 'views of views',
      statements: [
        list(100, (i) => `CREATE VIEW hview${i} AS SELECT ${i === 0 ? '1 AS a' : `a FROM hview${i - 1}`}`, '; '),
        'SELECT * FROM hview99',
      ],
    },
  ];
}

function long(): Hostile[] {
  return [
    one('a sum of 20,000 terms', `SELECT ${list(20_000, () => '1', ' + ')}`),
    one(
      '20,000 times OR',
      `SELECT count(*) FROM generate_series(1, 100) AS g (a) WHERE ${list(20_000, (i) => `a = ${i}`, ' OR ')}`,
    ),
    one(
      '20,000 times AND',
      `SELECT count(*) FROM generate_series(1, 100) AS g (a) WHERE ${list(20_000, (i) => `a <> ${i + 1000}`, ' AND ')}`,
    ),
    one('20,000 times ||', `SELECT length(${list(20_000, () => "'a'", ' || ')})`),
    one('IN of 10,000', `SELECT count(*) FROM generate_series(1, 1000) AS g (a) WHERE a IN (${list(10_000, String)})`),
    one(
      'IN of 100,000',
      `SELECT count(*) FROM generate_series(1, 1000) AS g (a) WHERE a IN (${list(100_000, String)})`,
    ),
    one(
      'NOT IN of 10,000 texts',
      `SELECT count(*) FROM generate_series(1, 1000) AS g (a) WHERE a::text NOT IN (${list(10_000, (i) => `'x${i}'`)})`,
    ),
    one('VALUES of 100,000', `SELECT count(*) FROM (VALUES ${list(100_000, (i) => `(${i})`)}) AS v (a)`),
    one('a select list of 1,700', `SELECT ${list(1700, String)}`),
    {
      name: '1,600 columns',
      statements: [
        `CREATE TABLE h1600 (${list(1600, (i) => `c${i} int`)})`,
        `INSERT INTO h1600 VALUES (${list(1600, String)})`,
        'SELECT * FROM h1600',
      ],
    },
    one('1,601 columns', `CREATE TABLE h1601 (${list(1601, (i) => `c${i} int`)})`),
    one(
      'GROUPING SETS of many',
      `SELECT count(*) FROM (VALUES (1)) AS v (a) GROUP BY ${list(12, () => 'CUBE (a, a, a)')}`,
    ),
    one(
      'CUBE of 13',
      `SELECT count(*) FROM (SELECT ${list(13, (i) => `1 AS c${i}`)}) AS v GROUP BY CUBE (${list(13, (i) => `c${i}`)})`,
    ),
    one('a literal of 20 MB', `SELECT length('${'x'.repeat(20_000_000)}')`),
    one('a name of 100,000', `SELECT 1 AS ${'n'.repeat(100_000)}`),
    one('a number of 100,000 digits', `SELECT length((${'9'.repeat(100_000)} * ${'9'.repeat(100_000)})::text)`),
    one('array of 50,000', `SELECT cardinality(ARRAY[${list(50_000, String)}])`),
    one(
      'CASE of 10,000',
      `SELECT CASE a ${list(10_000, (i) => `WHEN ${i + 5} THEN ${i}`, ' ')} END FROM generate_series(1, 10) AS g (a)`,
    ),
    one('coalesce of 10,000', `SELECT coalesce(${list(10_000, () => 'NULL')}, 1)`),
    one(
      '50,000 statements',
      list(50_000, () => 'SELECT', '; '),
    ),
    one(
      '65,535 parameters',
      `SELECT count(*) FROM (VALUES ${list(65_535, (i) => `($${i + 1}::int)`)}) AS v (a)`,
      Array.from({ length: 65_535 }, (_, i) => i),
    ),
    one('more words than there may be', `SELECT count(*) FROM (VALUES ${list(400_000, () => '(1)')}) AS v (a)`),
    one('GROUP BY of 1,000', `SELECT count(*) FROM (SELECT 1 AS a) AS s GROUP BY ${list(1000, (i) => `a + ${i}`)}`),
    one('ORDER BY of 1,600', `SELECT a FROM (SELECT 1 AS a) AS s ORDER BY ${list(1600, (i) => `a + ${i}`)}`),
    one(
      'CUBE of 12',
      `SELECT count(*) FROM (SELECT 1 FROM (SELECT ${list(12, (i) => `1 AS c${i}`)}) AS v GROUP BY CUBE (${list(12, (i) => `c${i}`)})) AS s`,
    ),
    one('a name of 100,000 in quotes', `SELECT 1 AS "${'é'.repeat(100_000)}"`),
    one('a function of 200 arguments', `SELECT concat(${list(200, () => "'a'")})`),
    one('a comment that does not end', `SELECT 1 ${'/* '.repeat(50_000)}`),
    one('half a string', `SELECT '${'x'.repeat(100_000)}`),
  ];
}

function endless(): Hostile[] {
  return [
    one('a billion under LIMIT', 'SELECT * FROM generate_series(1, 1000000000) LIMIT 3'),
    one('a billion in the select list', 'SELECT generate_series(1, 1000000000) LIMIT 3'),
    one('a billion counted', 'SELECT count(*) FROM generate_series(1, 1000000000)'),
    one('a billion counted by hand', 'SELECT sum(a) FROM (SELECT generate_series(1, 1000000000) AS a) AS s'),
    one('a billion sorted', 'SELECT * FROM generate_series(1, 1000000000) AS g (a) ORDER BY -a LIMIT 1'),
    one('a billion sorted, all', 'SELECT * FROM generate_series(1, 1000000000) AS g (a) ORDER BY -a'),
    one('a billion in an array', 'SELECT cardinality(array_agg(a)) FROM generate_series(1, 1000000000) AS g (a)'),
    one('a billion in a text', "SELECT length(string_agg(a::text, ',')) FROM generate_series(1, 1000000000) AS g (a)"),
    one(
      'a billion groups',
      'SELECT count(*) FROM (SELECT a FROM generate_series(1, 1000000000) AS g (a) GROUP BY a) AS s',
    ),
    one('a billion distinct', 'SELECT count(DISTINCT a) FROM generate_series(1, 1000000000) AS g (a)'),
    one(
      'a window over a billion',
      'SELECT row_number() OVER (ORDER BY a) FROM generate_series(1, 1000000000) AS g (a) LIMIT 1',
    ),
    one('a billion inserted', 'CREATE TABLE hbig AS SELECT a FROM generate_series(1, 1000000000) AS g (a)'),
    one('a set of zero step', 'SELECT * FROM generate_series(1, 2, 0)'),
    one('days for ever', "SELECT count(*) FROM generate_series(timestamp '2000-01-01', 'infinity', '1 day')"),
    one(
      'recursion under LIMIT',
      'WITH RECURSIVE r (a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM r) SELECT * FROM r LIMIT 3',
    ),
    one(
      'recursion without end',
      'WITH RECURSIVE r (a) AS (SELECT 1 UNION ALL SELECT a + 0 FROM r) SELECT count(*) FROM r',
    ),
    one(
      'recursion that doubles',
      'WITH RECURSIVE r (a) AS (SELECT 1 UNION ALL SELECT x FROM r, (VALUES (1), (2)) AS v (x)) SELECT count(*) FROM r',
    ),
    one(
      'recursion of texts',
      "WITH RECURSIVE r (a) AS (SELECT 'x' UNION ALL SELECT a || a FROM r) SELECT max(length(a)) FROM r",
    ),
    one(
      'cross joins under LIMIT',
      'SELECT 1 FROM generate_series(1, 10000) AS a, generate_series(1, 10000) AS b, generate_series(1, 10000) AS c LIMIT 3',
    ),
    one(
      'cross joins counted',
      'SELECT count(*) FROM generate_series(1, 10000) AS a, generate_series(1, 10000) AS b, generate_series(1, 10000) AS c',
    ),
    one(
      'a join of inequalities',
      'SELECT count(*) FROM generate_series(1, 100000) AS a (x) JOIN generate_series(1, 100000) AS b (x) ON a.x < b.x',
    ),
    one(
      'correlated for ever',
      'SELECT count(*) FROM generate_series(1, 1000000) AS a (x) WHERE EXISTS (SELECT FROM generate_series(1, 100000) AS b (x) WHERE b.x = -a.x)',
    ),
    one('a block that loops', 'DO $$ BEGIN LOOP END LOOP; END $$'),
    one('a block that counts', 'DO $$ DECLARE i int := 0; BEGIN WHILE true LOOP i := (i + 1) % 1000; END LOOP; END $$'),
    one('a block that remembers', "DO $$ DECLARE t text := 'x'; BEGIN LOOP t := t || t; END LOOP; END $$"),
    {
      name: 'a function that calls itself',
      statements: [
        'CREATE OR REPLACE FUNCTION hself(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN hself(a + 1); END $$',
        'SELECT hself(1)',
      ],
    },
    one('sleep', 'SELECT pg_sleep(1000)'),
  ];
}

function large(): Hostile[] {
  return [
    one('1e131071', 'SELECT length(1e131071::text)'),
    one('1e131072', 'SELECT 1e131072'),
    one('1e-16384', "SELECT '1e-20000'::numeric"),
    one('1e1000000000', "SELECT '1e1000000000'::numeric"),
    one('power', 'SELECT length(power(10::numeric, 100000)::text)'),
    one('power of a fraction', 'SELECT power(1.000000001, 100000000000)'),
    one('exp', 'SELECT length(exp(100000::numeric)::text)'),
    one('ln of much', 'SELECT ln(1e100000)'),
    one('sqrt of much', 'SELECT length(sqrt(1e100000)::text)'),
    one('factorial', 'SELECT length(factorial(30000)::text)'),
    one('factorial of much', 'SELECT factorial(1000000000)'),
    one('a product of large ones', 'SELECT length((1e100000 * 1e100000 + 1)::text)'),
    one('a division of large ones', "SELECT length((repeat('9', 100000)::numeric / 7)::text)"),
    one('a modulus of large ones', "SELECT mod(repeat('9', 100000)::numeric, repeat('7', 50000)::numeric) > 0"),
    one('gcd of large ones', "SELECT gcd(repeat('9', 20000)::numeric, repeat('7', 20000)::numeric) > 0"),
    one('repeat', "SELECT length(repeat('x', 1000000000))"),
    one('repeat of repeat', "SELECT length(repeat(repeat('x', 100000), 100000))"),
    one('lpad', "SELECT length(lpad('x', 2000000000))"),
    one('rpad', "SELECT length(rpad('x', 1000000000, 'ab'))"),
    one('format width', "SELECT length(format('%1000000000s', 'x'))"),
    one('format width of an argument', "SELECT length(format('%*s', 2147483647, 'x'))"),
    one('to_char', `SELECT length(to_char(1, '${'9'.repeat(100_000)}'))`),
    one('array_fill', 'SELECT cardinality(array_fill(0, ARRAY[1000000000]))'),
    one('array_fill of dimensions', 'SELECT cardinality(array_fill(0, ARRAY[1000, 1000, 1000, 1000]))'),
    one('a subscript far away', "SELECT '[2147483647:2147483647]={1}'::int[]"),
    one('bits', "SELECT length(repeat('1', 50000000)::varbit)"),
    one('bit of much', 'SELECT length(1::bit(80000000))'),
    one('bytea', "SELECT length(decode(repeat('00', 200000000), 'hex'))"),
    one(
      'string_agg of large ones',
      "SELECT length(string_agg(repeat('x', 1000000), '')) FROM generate_series(1, 5000)",
    ),
    one('array_agg of large ones', "SELECT cardinality(array_agg(repeat('x', 1000000))) FROM generate_series(1, 5000)"),
    one(
      'jsonb_agg of large ones',
      "SELECT pg_column_size(jsonb_agg(repeat('x', 1000000))) FROM generate_series(1, 5000)",
    ),
    one(
      'rows of large ones',
      "SELECT repeat('x', 1000000) FROM generate_series(1, 2000) AS g (a) ORDER BY a DESC LIMIT 1",
    ),
    one('replace that grows', "SELECT length(replace(repeat('x', 100000), 'x', repeat('y', 100000)))"),
    one(
      'regexp_replace that grows',
      "SELECT length(regexp_replace(repeat('x', 100000), 'x', repeat('y', 100000), 'g'))",
    ),
    one('translate', "SELECT length(translate(repeat('abc', 3000000), 'abc', 'xyz'))"),
    one('string_to_array', "SELECT cardinality(string_to_array(repeat('a,', 3000000), ','))"),
    one('overlay', "SELECT length(overlay('abc' placing 'x' from 2147483647))"),
    one(
      'concat of itself',
      `SELECT length(${'concat('.repeat(25)}repeat('x', 1000)${list(25, () => ", repeat('y', 10000000))", '')})`,
    ),
    one('interval of much', "SELECT interval '2147483647 years' * 1e300"),
    one('width_bucket', 'SELECT width_bucket(1e100000, 0, 1e100001, 2147483647)'),
    one('ntile', 'SELECT ntile(2147483647) OVER () FROM generate_series(1, 10)'),
    one('LIMIT of much', 'SELECT 1 LIMIT 9223372036854775807 OFFSET 9223372036854775807'),
    one('OFFSET of much', 'SELECT a FROM generate_series(1, 100000) AS g (a) OFFSET 99999999999'),
    one('1e100000 in text', "SELECT length(('1' || repeat('0', 100000))::numeric::text)"),
    one('a number of megabytes', "SELECT repeat('9', 60000000)::numeric"),
    one('a time of megabytes', "SELECT repeat('1', 60000000)::timestamp"),
    one('a date of many parts', "SELECT repeat('1-', 10000000)::date"),
    one('escapes of megabytes', "SELECT length(unistr(repeat('x', 60000000)))"),
    one('a JSON path of megabytes', "SELECT ('$' || repeat('.a', 10000000))::jsonpath"),
    one('JSON of many values', "SELECT ('[' || repeat('1,', 30000000) || '1]')::jsonb"),
    one('an array of many elements in text', "SELECT ('{' || repeat('1,', 30000000) || '1}')::int[]"),
    one('string_to_array of too many', "SELECT cardinality(string_to_array(repeat('a,', 30000000), ','))"),
    one('reverse of megabytes', "SELECT length(reverse(repeat('x', 60000000)))"),
    one('replace of megabytes', "SELECT length(replace(repeat('x', 10000000), 'x', 'y'))"),
    one('bytea as escapes', "SELECT length(encode(decode(repeat('00', 10000000), 'hex'), 'escape'))"),
    one('hashes of megabytes', `SELECT ${list(20, (i) => `md5(repeat('x', ${20_000_000 + i}))`)}`),
    one('a hundred powers', `SELECT ${list(100, (i) => `length(power(7::numeric, ${100_000 + i})::text)`)}`),
    one('array_agg in order', 'SELECT cardinality(array_agg(a ORDER BY -a)) FROM generate_series(1, 300000) AS g (a)'),
    one(
      'a window over 100,000',
      'SELECT max(s) FROM (SELECT sum(a) OVER (ORDER BY a ROWS 1000 PRECEDING) AS s FROM generate_series(1, 100000) AS g (a)) AS w',
    ),
    one(
      'windows over a set',
      'SELECT max(r) FROM (SELECT rank() OVER (PARTITION BY a % 10 ORDER BY -a) AS r FROM generate_series(1, 200000) AS g (a)) AS w',
    ),
  ];
}

function patterns(): Hostile[] {
  const a = (n: number): string => `repeat('a', ${n})`;
  return [
    one('(a+)+$', `SELECT ${a(100_000)} || 'b' ~ '(a+)+$'`),
    one('(a*)*b', `SELECT ${a(1_000_000)} ~ '(a*)*b'`),
    one('(a|aa)+$', `SELECT ${a(100_000)} || 'b' ~ '^(a|aa)+$'`),
    one('(a?){200}a{200}', `SELECT ${a(200)} ~ '^${'a?'.repeat(200)}${'a'.repeat(200)}$'`),
    one('back references', `SELECT ${a(3000)} || 'b' ~ '^(a*)(a*)(a*)\\1\\2\\3c'`),
    one('groups of nothing', `SELECT regexp_matches(${a(1000)}, '((a*)*)*$', 'g')`),
    one('a counted bomb', "SELECT 'x' ~ '((((a{1,200}){1,200}){1,200}){1,200})'"),
    one('lookahead', `SELECT ${a(100_000)} ~ '(?=(a+)+b)a'`),
    one('an expression of 20,000 parentheses', `SELECT 'a' ~ '${'('.repeat(20_000)}${')'.repeat(20_000)}'`),
    one('an expression of 90,000', `SELECT 'a' ~ '${'(a|b)'.repeat(18_000)}'`),
    one(
      'rows of bombs',
      "SELECT count(*) FROM generate_series(1, 1000) AS g (n) WHERE repeat('ab', 50000) || n ~ '(a|b)*a(a|b){14}c'",
    ),
    one('LIKE', `SELECT ${a(100_000)} LIKE '${'%a'.repeat(5000)}%b'`),
    one('LIKE of long runs', `SELECT ${a(200_000)} LIKE '%' || repeat('a', 20000) || 'b%'`),
    one('LIKE of holes', `SELECT ${a(200_000)} LIKE '%' || repeat('_', 20000) || 'b%'`),
    one('ILIKE', `SELECT ${a(100_000)} ILIKE '${'%A_'.repeat(5000)}%B'`),
    one('SIMILAR TO', `SELECT ${a(30_000)} SIMILAR TO '(a|aa|%a)*(a%)*b'`),
    one(
      'like_regex',
      `SELECT jsonb_path_exists(to_jsonb(${a(100_000)} || 'b'), '$ ? (@ like_regex "(a+)+$" flag "s")')`,
    ),
    one(
      'JSON path that grows',
      `SELECT count(*) FROM jsonb_path_query('[[1,2],[3,4]]', '${'$.**'.repeat(1)}${'.**'.repeat(40)}')`,
    ),
    one('regexp_split of much', `SELECT cardinality(regexp_split_to_array(repeat('a b ', 300000), '\\s+'))`),
    one('strpos', `SELECT strpos(${a(5_000_000)}, ${a(100_000)} || 'b')`),
    one('LIKE of a beginning that comes again', `SELECT ${a(2_000_000)} LIKE '%b' || repeat('a', 100000) || '%'`),
    one('LIKE of holes in a row', `SELECT ${a(200_000)} LIKE '%' || repeat('a_', 10000) || 'b%'`),
    one('LIKE of more holes', `SELECT ${a(10_000_000)} LIKE '%' || repeat('a_', 100000) || 'b%'`),
    one('regexp_split of megabytes', `SELECT cardinality(regexp_split_to_array(repeat('a b ', 1000000), '\\s+'))`),
    one('a hundred bombs', `SELECT ${list(100, (i) => `repeat('ab', 20000) || ${i} ~ '(a|b)*a(a|b){10}c'`)}`),
  ];
}

export function hostile(): Hostile[] {
  return [...deep(), ...long(), ...endless(), ...large(), ...patterns()];
}
