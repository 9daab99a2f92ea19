/** Types that are tried, constants of them, and what can be computed, as templates: $type stands for an argument. */
import type { Random } from './random.js';

export type TypeName =
  | 'int4'
  | 'int8'
  | 'int2'
  | 'numeric'
  | 'float8'
  | 'text'
  | 'bool'
  | 'date'
  | 'timestamp'
  | 'interval'
  | 'jsonb'
  | 'int4[]'
  | 'text[]'
  | 'uuid'
  | 'varbit'
  | 'inet'
  | 'int4range'
  | 'nummultirange';

export const TYPES: readonly TypeName[] = [
  'int4',
  'int8',
  'int2',
  'numeric',
  'float8',
  'text',
  'bool',
  'date',
  'timestamp',
  'interval',
  'jsonb',
  'int4[]',
  'text[]',
  'uuid',
  'varbit',
  'inet',
  'int4range',
  'nummultirange',
];
/** How a column of the type may be declared. */
export const DECLARED: Readonly<Record<TypeName, readonly string[]>> = {
  int4: ['int', 'integer'],
  int8: ['bigint'],
  int2: ['smallint'],
  numeric: ['numeric', 'numeric(8,2)', 'numeric(12,0)'],
  float8: ['double precision'],
  text: ['text', 'varchar(12)', 'varchar', 'char(4)'],
  bool: ['boolean'],
  date: ['date'],
  timestamp: ['timestamp', 'timestamp(0)'],
  interval: ['interval'],
  jsonb: ['jsonb'],
  'int4[]': ['int[]'],
  'text[]': ['text[]'],
  uuid: ['uuid'],
  varbit: ['bit varying', 'bit varying(8)'],
  inet: ['inet'],
  int4range: ['int4range'],
  nummultirange: ['nummultirange'],
};
/** In primary keys and indexes. */
export const KEY_TYPES: readonly TypeName[] = [
  'int4',
  'int8',
  'int2',
  'numeric',
  'text',
  'date',
  'timestamp',
  'uuid',
  'bool',
  'varbit',
  'inet',
  'int4range',
  'nummultirange',
];
/** Have an order and are grouped exactly. */
export const SORTABLE: ReadonlySet<TypeName> = new Set(TYPES);

const WORDS = ['', 'a', 'b', 'ab', 'abc', 'B', 'zeta', 'x y', '10', '%', 'a_c', 'Ärger', "it's"];

/** A constant without its cast. */
export function constantText(random: Random, type: TypeName): string {
  switch (type) {
    case 'int4':
      return String(random.pick([0, 1, 2, 3, -1, 5, 7, 10, 42, 100, -17, 1000]));
    case 'int2':
      return String(random.pick([0, 1, 2, -3, 9, 100]));
    case 'int8':
      return random.pick(['0', '1', '2', '-5', '4000000000', '10', '123456789012']);
    case 'numeric':
      return random.pick(['0', '1.5', '2.50', '-0.01', '100', '3.14159', '12345.678', '0.1', '-7']);
    case 'float8':
      return random.pick(['0', '1.5', '-2.25', '1e10', '0.1', '3']);
    case 'text':
      return `'${random.pick(WORDS).replaceAll("'", "''")}'`;
    case 'bool':
      return random.pick(['true', 'false']);
    case 'date':
      return `'${random.pick(['2024-01-01', '2024-02-29', '1999-12-31', '2000-06-15', '2030-07-04'])}'`;
    case 'timestamp':
      return `'${random.pick(['2024-01-01 00:00:00', '2024-02-29 23:59:59.5', '1999-12-31 12:00:00', '2001-09-09 01:46:40'])}'`;
    case 'interval':
      return `'${random.pick(['1 day', '2 hours 30 minutes', '-1 month', '1 year 2 months 3 days', '00:00:01.5', '0'])}'`;
    case 'jsonb':
      return `'${random.pick(['{}', '{"a": 1}', '{"a": {"b": [1, 2, null]}}', '[1, "x", true]', '"s"', '12.50', 'null', '{"b": "t", "a": -3}'])}'`;
    case 'int4[]':
      return `'${random.pick(['{}', '{1}', '{1,2,3}', '{3,NULL,1}', '{10,20}'])}'`;
    case 'text[]':
      return `'${random.pick(['{}', '{a}', '{a,b,c}', '{"x y",NULL}', '{abc,""}'])}'`;
    case 'uuid':
      return `'${random.pick(['00000000-0000-0000-0000-000000000001', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'ffffffff-ffff-ffff-ffff-ffffffffffff'])}'`;
    case 'varbit':
      return `'${random.pick(['', '0', '1', '10', '101', '00000000', '11111111'])}'`;
    case 'inet':
      return `'${random.pick(['10.0.0.1', '10.0.0.0/8', '10.1.2.3/16', '192.168.1.5/24', '::1', '2001:db8::/32', '0.0.0.0/0'])}'`;
    case 'int4range':
      return `'${random.pick(['empty', '[1,5)', '[1,5]', '(,3)', '[7,)', '[2,3)', '(,)'])}'`;
    case 'nummultirange':
      return `'${random.pick(['{}', '{[1,2]}', '{[1.0,2)}', '{(,1),[3.5,7)}', '{[5,)}', '{(,)}'])}'`;
  }
}

/** A constant that is of the type whatever stands around it. */
export function typedConstant(random: Random, type: TypeName): string {
  if (random.chance(0.08)) return `NULL::${type}`;
  if (type === 'bool') return constantText(random, type);
  const text = constantText(random, type);
  // Two signs in a row would begin a comment.
  if (type === 'int4') return text.startsWith('-') ? `(${text})` : text;
  return `${type} ${quoted(text)}`;
}

function quoted(text: string): string {
  return text.startsWith("'") ? text : `'${text}'`;
}

/** Arrays have no `type 'text'` form. */
export function constantOf(random: Random, type: TypeName): string {
  const text = typedConstant(random, type);
  return type.endsWith('[]') && !text.startsWith('NULL') ? `${text.slice(type.length + 1)}::${type}` : text;
}

/** By result: templates in which $t is an argument of type t. Nothing that fails on common values, or depends on the time. */
export const COMPUTED: Readonly<Record<TypeName, readonly string[]>> = {
  int4: [
    'length($varbit)',
    'masklen($inet)',
    'family($inet)',
    'lower($int4range)',
    'upper($int4range)',
    "position(B'1' in $varbit)",
    '$int4 + $int4',
    '$int4 - $int4',
    '$int4 * 2',
    '$int4 / NULLIF($int4, 0)',
    '$int4 % NULLIF($int4, 0)',
    '-$int4',
    'abs($int4)',
    'length($text)',
    'char_length($text)',
    'octet_length($text)',
    'position($text in $text)',
    'strpos($text, $text)',
    'ascii($text)',
    'cardinality($int4[])',
    'array_length($int4[], 1)',
    'array_position($int4[], $int4)',
    '($int4[])[1]',
    '($int4[])[$int4]',
    'extract(year from $date)::int4',
    'extract(dow from $timestamp)::int4',
    '$date - $date',
    'sign($int4)::int4',
    '$int4 & $int4',
    '$int4 | $int4',
    '$int4 # $int4',
    "jsonb_array_length(CASE WHEN jsonb_typeof($jsonb) = 'array' THEN $jsonb END)",
    'round($numeric)::int4',
    '$int2 + $int4',
    'greatest($int4, $int4)',
    'least($int4, $int4, $int4)',
    '$bool::int4',
    'num_nulls($int4, $text)',
    'width_bucket($numeric, 0, 10, 5)',
  ],
  int8: [
    '$int8 + $int4',
    '$int8 - $int8',
    '$int8 * 3',
    '$int4::int8',
    'abs($int8)',
    '$int8 / NULLIF($int8, 0)',
    'coalesce($int8, $int4)',
    '$int8 % NULLIF($int8, 0)',
    'floor($numeric)::int8',
  ],
  int2: ['$int2', '($int4 % 100)::int2', '-$int2', 'abs($int2)'],
  numeric: [
    'lower($nummultirange)',
    'upper($nummultirange)',
    '$numeric + $numeric',
    '$numeric - $int4',
    '$numeric * $numeric',
    '$numeric / NULLIF($numeric, 0)',
    'round($numeric, 1)',
    'trunc($numeric)',
    'ceil($numeric)',
    'floor($numeric)',
    'abs($numeric)',
    '-$numeric',
    '$int4::numeric',
    'mod($numeric, NULLIF($numeric, 0))',
    'sign($numeric)',
    'round($numeric, $int4 % 5)',
    'greatest($numeric, $int4)',
    'extract(epoch from $interval)',
    '$numeric % NULLIF($int4, 0)',
    'scale($numeric)::numeric',
    'trim_scale($numeric)',
    'div($numeric, NULLIF($numeric, 0))',
  ],
  float8: [
    '$float8 + $float8',
    '$float8 * 2',
    '$numeric::float8',
    '$int4::float8',
    'abs($float8)',
    'floor($float8)',
    'sqrt(abs($float8))',
    '-$float8',
    'trunc($float8)',
    'round($float8)',
    'sign($float8)',
  ],
  text: [
    '$varbit::text',
    'host($inet)',
    '$inet::text',
    'abbrev($inet)',
    '$int4range::text',
    '$nummultirange::text',
    '$text || $text',
    'upper($text)',
    'lower($text)',
    'substr($text, 2)',
    'substring($text, $int4, 2 + abs($int4 % 5))',
    'left($text, $int4)',
    'right($text, $int4)',
    'replace($text, $text, $text)',
    'trim($text)',
    "ltrim($text, 'a')",
    'reverse($text)',
    'repeat($text, abs($int4 % 3))',
    "lpad($text, 5, 'x')",
    'rpad($text, 5)',
    '$int4::text',
    '$numeric::text',
    '$bool::text',
    '$date::text',
    '$timestamp::text',
    '$interval::text',
    '$jsonb::text',
    '$int4[]::text',
    'initcap($text)',
    'concat($text, $int4, $bool)',
    "concat_ws(',', $text, $int4, $text)",
    "split_part($text, 'b', 1)",
    "translate($text, 'ab', 'xy')",
    'coalesce($text, $text)',
    'md5($text)',
    'quote_literal($text)',
    'quote_ident($text)',
    "to_char($int4, '999')",
    "to_char($date, 'YYYY-MM-DD Dy')",
    "to_char($timestamp, 'HH24:MI:SS')",
    'jsonb_typeof($jsonb)',
    "$jsonb->>'a'",
    "$jsonb#>>'{a,b}'",
    '($text[])[1]',
    "array_to_string($text[], ',')",
    "array_to_string($int4[], '-', '?')",
    '$uuid::text',
    '$int8::text',
    '$text || $int4',
    "overlay($text placing 'Z' from 2)",
    "regexp_replace($text, '[ab]+', '<\\&>', 'g')",
    "format('%s-%L', $text, $int4)",
    'to_hex($int4)',
    "btrim($text, 'ab ')",
    "starts_with($text, 'a')::text",
    'chr(65 + abs($int4 % 26))',
  ],
  bool: [
    '$varbit < $varbit',
    '$inet << $inet',
    '$inet && $inet',
    '$inet >= $inet',
    '$int4range @> $int4',
    '$int4range && $int4range',
    '$int4range << $int4range',
    '$int4range -|- $int4range',
    '$int4range &< $int4range',
    'isempty($int4range)',
    '$nummultirange @> $numeric',
    '$nummultirange @> $nummultirange',
    '$nummultirange < $nummultirange',
    '$nummultirange &> $nummultirange',
    "$jsonb @? '$.a ? (@ > 0)'",
    '$int4 = $int4',
    '$int4 < $int4',
    '$int4 <> $int8',
    '$numeric >= $numeric',
    '$numeric < $int4',
    '$text = $text',
    '$text < $text',
    "$text LIKE 'a%'",
    "$text ILIKE '%B%'",
    '$text LIKE $text',
    "$text ~ '^[a-c]'",
    "$text SIMILAR TO '(a|b)%'",
    'NOT $bool',
    '$bool AND $bool',
    '$bool OR $bool',
    '$bool = $bool',
    '$int4 IS NULL',
    '$text IS NOT NULL',
    '$int4 BETWEEN $int4 AND $int4',
    '$int4 IN ($int4, $int4, $int4)',
    '$text IN ($text, $text)',
    '$int4 = ANY($int4[])',
    '$text <> ALL($text[])',
    '$bool IS TRUE',
    '$bool IS NOT FALSE',
    '$bool IS UNKNOWN',
    '$date < $date',
    '$date = $timestamp',
    '$timestamp > $timestamp',
    '$interval < $interval',
    '$jsonb @> $jsonb',
    "$jsonb ? 'a'",
    '$jsonb = $jsonb',
    '$int4[] && $int4[]',
    '$int4[] @> $int4[]',
    '$int4[] = $int4[]',
    '$int4[] < $int4[]',
    '$int4 IS DISTINCT FROM $int4',
    '$text IS NOT DISTINCT FROM $text',
    '($int4, $text) = ($int4, $text)',
    '($int4, $int4) < ($int4, $int4)',
    '$uuid = $uuid',
    '$uuid < $uuid',
    '$float8 < $numeric',
    '$text[] && $text[]',
    '$int4 NOT IN ($int4, $int4)',
    "$text NOT LIKE '%b'",
    "$text ^@ 'a'",
    '($date, $date) OVERLAPS ($date, $date)',
    '$jsonb <@ $jsonb',
    '$int2 = $int8',
    '$text BETWEEN SYMMETRIC $text AND $text',
  ],
  date: [
    '$date + $int4 % 1000',
    '$date - $int4 % 1000',
    '$timestamp::date',
    "date_trunc('month', $date)::date",
    'greatest($date, $date)',
    'make_date(2000 + abs($int4 % 50), 1 + abs($int4 % 12), 1)',
  ],
  timestamp: [
    '$date::timestamp',
    '$timestamp + $interval',
    '$timestamp - $interval',
    '$date + $interval',
    "date_trunc('hour', $timestamp)",
    "date_trunc('week', $timestamp)",
    'least($timestamp, $timestamp)',
    "date_bin('1 day', $timestamp, timestamp '2000-01-01')",
  ],
  interval: [
    '$interval + $interval',
    '$interval * 2',
    '-$interval',
    '$timestamp - $timestamp',
    'age($timestamp, $timestamp)',
    'justify_days($interval)',
    'justify_hours($interval)',
    '$interval / 2',
    'make_interval(days => $int4 % 100)',
  ],
  jsonb: [
    "jsonb_path_query_array($jsonb, '$.**')",
    "jsonb_path_query_first($jsonb, '$[*] ? (@ != null)')",
    'to_jsonb($int4range)',
    "$jsonb->'a'",
    '$jsonb->0',
    '$jsonb || $jsonb',
    "$jsonb #> '{a,b}'",
    'to_jsonb($int4)',
    'to_jsonb($text)',
    'to_jsonb($int4[])',
    "jsonb_build_object('k', $int4, 't', $text)",
    'jsonb_build_array($int4, $text, $bool)',
    "$jsonb - 'a'",
    "jsonb_set($jsonb, '{a}', $jsonb)",
    'jsonb_strip_nulls($jsonb)',
    'to_jsonb($numeric)',
    'to_jsonb($date)',
  ],
  'int4[]': [
    '$int4[] || $int4',
    'array_append($int4[], $int4)',
    'ARRAY[$int4, $int4]',
    '$int4[] || $int4[]',
    'array_remove($int4[], $int4)',
    '($int4[])[1:2]',
    'array_replace($int4[], $int4, $int4)',
    'array_prepend($int4, $int4[])',
  ],
  'text[]': [
    'ARRAY[$text, $text]',
    "string_to_array($text, 'b')",
    '$text[] || $text',
    'array_append($text[], $text)',
    'array_cat($text[], $text[])',
    "regexp_split_to_array($text, '[ab]')",
  ],
  uuid: ['coalesce($uuid, $uuid)', 'md5($text)::uuid'],
  varbit: ['substring($varbit from 2 for 2)', '~$varbit', '$varbit << 1', 'nullif($varbit, $varbit)'],
  inet: [
    'network($inet)::inet',
    'broadcast($inet)',
    'netmask($inet)',
    'hostmask($inet)',
    '~$inet',
    'set_masklen($inet, 8)',
  ],
  int4range: [
    '$int4range * $int4range',
    'range_merge($int4range, $int4range)',
    'int4range(least($int4, 3), 3)',
    "int4range(NULL, $int4, '(]')",
  ],
  nummultirange: [
    '$nummultirange + $nummultirange',
    '$nummultirange - $nummultirange',
    '$nummultirange * $nummultirange',
    'nummultirange(numrange(least($numeric, 3), 3))',
  ],
};

/** Aggregates by result; the argument's type in $. What depends on the order of rows or on rounding is left out. */
export const AGGREGATES: Readonly<Partial<Record<TypeName, readonly string[]>>> = {
  int8: [
    'count(*)',
    'count($int4)',
    'count(DISTINCT $text)',
    'sum($int4)',
    'count(*) FILTER (WHERE $bool)',
    'sum(DISTINCT $int2)',
    'count($bool)',
  ],
  int4: ['min($int4)', 'max($int4)', 'bit_or($int4)', 'bit_and($int4)', 'max(length($text))'],
  numeric: [
    'sum($numeric)',
    'avg($int4)',
    'sum($int8)',
    'max($numeric)',
    'min($numeric)',
    'avg($numeric)',
    'variance($int4)',
    'stddev_pop($int4)',
  ],
  text: ['min($text)', 'max($text)', "string_agg($text, ',' ORDER BY $=)"],
  bool: ['bool_and($bool)', 'bool_or($bool)', 'every($bool)'],
  date: ['min($date)', 'max($date)'],
  timestamp: ['max($timestamp)'],
  'int4[]': ['array_agg($int4 ORDER BY $=)', 'array_agg(DISTINCT $int4)'],
  jsonb: ['jsonb_agg($int4 ORDER BY $=)'],
  interval: ['sum($interval)', 'max($interval)'],
};
