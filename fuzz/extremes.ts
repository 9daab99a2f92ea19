/** Values at the edges of their types, as texts that the types read; and such texts with a character less, more or changed. */
import type { Random } from './random.js';

const words = (text: string): string[] => text.split(' ');

const MOMENTS = [
  'infinity',
  '-infinity',
  '2024-02-29 23:59:59.999999',
  '0044-03-15 01:02:03 BC',
  '4714-11-24 00:00:00 BC',
  '0001-12-31 23:59:59 BC',
  '0001-01-01 00:00:00',
  '1582-10-15 04:05:06.7',
  '1969-12-31 23:59:59.5',
  '1999-12-31 23:59:59.999999',
  '2000-01-01 00:00:00',
  '2024-03-31 02:30:00',
  '2024-10-27 02:30:00',
  '2024-03-10 02:15:00',
  '9999-12-31 23:59:60',
  '150000-12-31 23:59:59.999999',
  '10000-01-02 03:04:05.000001',
];
const ZONES = [
  '',
  'Z',
  '+00',
  '-12',
  '+05:45',
  ' Europe/Berlin',
  ' America/New_York',
  '+14:00',
  '-03:30:15',
  ' EST',
  ' PDT',
];

/** Text of one value or a list of them by type; types without one are not tried. */
const POOLS: Readonly<Record<string, readonly string[]>> = {
  bool: words('t f'),
  int2: words('0 1 -1 2 3 7 10 32767 -32768 100'),
  int4: words('0 1 -1 2 3 7 10 -17 2147483647 -2147483648 1000 65536'),
  int8: words('0 1 -1 2 5 10 9223372036854775807 -9223372036854775808 4294967296 -4294967297 1000000'),
  numeric: [
    ...words(
      '0 0.00 1 -1 1.5 -0.5 0.000 NaN Infinity -Infinity 2.50 10 100 0.1 -7.25 3.14159 12345.678 99999999999999999999',
    ),
    ...words(
      '1e-20 -1.23456789e-15 1e30 123456789012345678901234567890.123456789 0.00000000000000000001 9.99 -99.995 1e100 7.000',
    ),
  ],
  float4: words('0 -0 1 -1.5 NaN Infinity -Infinity 1e38 1e-38 0.1 16777216 3.4028235e38 1.17549435e-38 2.5'),
  float8: [
    ...words(
      '0 -0 1 -1 0.5 -1.5 NaN Infinity -Infinity 1e308 1e-308 0.1 1e15 1e16 123456789.123 1e-5 5e-324 2.5 3.5 -2.5',
    ),
    ...words('9007199254740993 0.30000000000000004 2147483647.5 9223372036854775807 1e22 100'),
  ],
  text: [
    ...[
      '',
      'a',
      'B',
      'abc',
      'ABC abc',
      ' x ',
      'a,b,c',
      '%',
      'a_c',
      '\\',
      'Ärger',
      'ß',
      'ﬁ',
      'e\u0301',
      '\u00e9',
      '日本',
      '😀b',
      "it's",
    ],
    ...[
      '10',
      '-5',
      '1e3',
      '0x1F',
      'NaN',
      'null',
      '{}',
      '[1]',
      '{"a":1}',
      'a\tb\nc',
      '"q"',
      '2024-01-01',
      '1 day',
      'true',
      'A1b2',
      'xx-yy_zz',
    ],
  ],
  varchar: ['', 'a', 'B ', 'abc', 'Ärger', '10'],
  bpchar: ['', 'a', 'a  ', ' B', 'abc', '日 '],
  name: ['', 'a', 'Abc', 'x y', 'select'],
  char: ['a', '', 'ä', '\\001'],
  bytea: ['', '\\x00', '\\x61', '\\xdeadbeef', '\\xff00ff', 'abc', '\\x616263646566', '\\x7f80'],
  date: [
    ...MOMENTS.map((one) => one.replace(/ \d\d:[\d:.]+/, '')),
    '5874897-12-31',
    '1900-03-01',
    '2023-12-31',
    '2020-W53',
  ],
  time: ['00:00:00', '23:59:59.999999', '24:00:00', '12:34:56.5', '00:00:00.000001', '02:30'],
  timetz: ['00:00:00+00', '23:59:59.999999-12', '24:00:00+14', '12:34:56.5-03:30', '02:30 EST', '12:34:56.5+05:45'],
  timestamp: MOMENTS,
  timestamptz: [],
  interval: [
    ...[
      '0',
      '1 day',
      '-1 day',
      '1 month',
      '-1 month 1 day',
      '1 year 2 months 3 days 04:05:06.789',
      '24:00:00',
      '-00:00:00.000001',
      '30 days',
    ],
    ...[
      '1 mon -30 days',
      '100000 hours',
      '-178000000 years',
      '178000000 years',
      '2147483647 days',
      'P1Y2M3DT4H5M6.7S',
      '1.5 months',
      '0.3 days',
    ],
    ...['-1.7 years', '1 day -23:59:59', '12 months', '11 months 29 days 23:59:59.999999', '@ 3 weeks ago', '1e-6 sec'],
  ],
  json: [
    '{}',
    '[]',
    'null',
    '1',
    '"s"',
    '{"a": 1, "a": 2}',
    '[1, [2, {"b": null}]]',
    '1.50e2',
    '"\\u00e9\\ud83d\\ude00"',
    ' { "b" :[ ] } ',
  ],
  jsonb: [
    ...[
      '{}',
      '[]',
      'null',
      '1',
      '"s"',
      '{"a": 1, "b": [1, 2, 3]}',
      '[1, [2, {"b": null}], "x", true]',
      '1.50e2',
      '"\\u00e9"',
      '-0.0',
    ],
    ...[
      '{"a": {"b": {"c": [null, false]}}, "": 3}',
      '[{"a": 1}, {"a": "1"}, {"b": 2}]',
      'true',
      '""',
      '[[], {}]',
      '1e400',
      '"2024-02-29"',
    ],
  ],
  jsonpath: [
    ...[
      '$',
      '$.a',
      'strict $.a',
      '$[*]',
      '$.**',
      '$[0 to last]',
      '$[last]',
      '$.a ? (@ > 1)',
      '$[*] ? (@.a == 1 || @.a == "1")',
      '$.b.size()',
    ],
    ...[
      '$.*',
      '$.a.b.c[*] ? (@ == null)',
      '$.type()',
      '$.a + 1',
      '-$.b[*]',
      '$.b[1,0 to 1]',
      '$[*].a.double()',
      '$.keyvalue()',
      'exists($.a)',
    ],
    ...[
      '$.a.b ? (exists(@.c))',
      '$ ? (@ starts with "s")',
      '$ ? (@ like_regex "^S" flag "i")',
      'strict $[*].b',
      '$.**{2}.b',
      '$.a > 0',
      '$.b[$.a]',
    ],
    ...['($.b[*] > 2) is unknown', '$.a.floor()', '$.datetime()', '$.b[*].abs() * 2', '!($.a == 1)', '"x"', '$.b % 2'],
  ],
  uuid: [
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
    '{a0eebc999c0b4ef8bb6d6bb9bd380a12}',
  ],
  bit: ['0', '1', '101', '11111111', '0000000000', 'xAF'],
  varbit: ['', '0', '1', '101', '11111111', '0000000001', 'xAF', '1111111111111111111111111111111111'],
  inet: [
    '10.0.0.1',
    '10.0.0.0/8',
    '255.255.255.255',
    '0.0.0.0/0',
    '::',
    '::1',
    '2001:db8::/32',
    '::ffff:1.2.3.4/96',
    'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    '192.168.1.5/24',
  ],
  cidr: ['10.0.0.0/8', '10.1.2.3', '0.0.0.0/0', '::/0', '2001:db8::/32', '192.168.1'],
  macaddr: ['08:00:2b:01:02:03', '00-00-00-00-00-00', 'ffff.ffff.ffff', '08002b010203'],
  macaddr8: ['08:00:2b:01:02:03:04:05', '08:00:2b:01:02:03', 'ff:ff:ff:ff:ff:ff:ff:ff'],
  pg_lsn: ['0/0', '16/B374D848', 'FFFFFFFF/FFFFFFFF'],
  oid: ['0', '1', '4294967295', '25'],
};

/** Subtypes of ranges. */
const RANGES: Readonly<Record<string, string>> = {
  int4range: 'int4',
  int8range: 'int8',
  numrange: 'numeric',
  daterange: 'date',
  tsrange: 'timestamp',
  tstzrange: 'timestamptz',
};

const ELEMENTS = Object.keys(POOLS).filter((type) => type !== 'char' && type !== 'name' && type !== 'oid');

export const EXTREME_TYPES: readonly string[] = [
  ...Object.keys(POOLS),
  ...Object.keys(RANGES),
  ...Object.keys(RANGES).map((range) => range.replace('range', 'multirange')),
  ...ELEMENTS.map((type) => `${type}[]`),
  ...['int4range[]'],
];

/** What stands in for polymorphic arguments. */
export const ANY_TYPES: readonly string[] = words(
  'int4 int8 numeric float8 text bool date timestamptz interval jsonb uuid varbit inet bytea time',
);
export const RANGE_TYPES = Object.keys(RANGES);

/** As the type's input function reads it. */
export function extremeText(random: Random, type: string): string {
  if (type.endsWith('[]')) return arrayText(random, type.slice(0, -2));
  if (type.endsWith('multirange')) {
    const range = type.replace('multirange', 'range');
    return `{${Array.from({ length: random.int(4) }, () => rangeText(random, range)).join(',')}}`;
  }
  if (type in RANGES) return rangeText(random, type);
  if (type === 'timestamptz') return random.pick(MOMENTS).replace(/( BC)?$/, (bc) => random.pick(ZONES) + bc);
  return random.pick(POOLS[type]!);
}

function rangeText(random: Random, type: string): string {
  if (random.chance(0.12)) return 'empty';
  const bound = (): string => (random.chance(0.2) ? '' : `"${extremeText(random, RANGES[type]!)}"`);
  return `${random.pick(['[', '('])}${bound()},${bound()}${random.pick([']', ')'])}`;
}

function arrayText(random: Random, element: string): string {
  const one = (): string =>
    random.chance(0.15) ? 'NULL' : `"${extremeText(random, element).replaceAll(/["\\]/g, '\\$&')}"`;
  const row = (n: number): string => `{${Array.from({ length: n }, one).join(',')}}`;
  const width = random.between(1, 3);
  return random.weighted<() => string>([
    [1, () => '{}'],
    [6, () => row(random.between(1, 4))],
    [2, () => `{${row(width)},${row(width)}}`],
    [1, () => `[${random.between(-2, 2)}:${random.between(3, 4)}]=${row(1)}`],
    [1, () => `[0:1]={${one()},${one()}}`],
    [1, () => `[2:2][-1:0]={{${one()},${one()}}}`],
  ])();
}

const STRAY = [...' -+.,:/0159eE"\'\\{}[]()abTZx\u00e9'];

/** Now and then with a mistake in it. */
export function mutated(random: Random, text: string): string {
  let out = [...text];
  for (let i = random.between(1, 2); i > 0; i--) {
    const at = random.int(out.length + 1);
    out = random.weighted<() => string[]>([
      [2, () => out.toSpliced(at, 1)],
      [2, () => out.toSpliced(at, 0, random.pick(STRAY))],
      [2, () => out.toSpliced(at, 1, random.pick(STRAY))],
      [1, () => out.toSpliced(at, 0, ...out.slice(at, at + 2))],
      [1, () => out.slice(0, at)],
    ])();
  }
  return out.join('');
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A constant with its cast; now and then a null, or an array made by a constructor. */
export function extreme(random: Random, type: string): string {
  if (random.chance(0.05)) return `NULL::${spelled(type)}`;
  return `${quoted(extremeText(random, type))}::${spelled(type)}`;
}

/** "char" is not char, and bit without a length is of one. */
export function spelled(type: string): string {
  if (type === 'bit' || type === 'bit[]') return type.replace('bit', 'bit(3)');
  if (type === 'bpchar' || type === 'bpchar[]') return type.replace('bpchar', 'char(4)');
  return type.replace(/^char\b/, '"char"');
}
