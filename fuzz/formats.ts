/**
 * Random templates of to_char, to_date, to_timestamp, to_number and datetime() of JSON paths on random values and texts.
 * Texts are mostly what another template, or the same one, has made of a value, so that a good part can be read.
 */
import { plain, type Piece } from './pieces.js';
import type { Random } from './random.js';

const SEPARATORS = [' ', '-', '/', ':', '.', ',', '  ', '"x"', '"a b"', '\\"', 'T', '_', '"\\"', 'é', '5'];
const TIME_PATTERNS = (
  'HH24 HH12 HH MI SS MS US FF1 FF2 FF3 FF4 FF5 FF6 SSSS SSSSS AM PM am pm A.M. p.m. Y,YYY YYYY YYY YY Y IYYY IYY IY I ' +
  'BC AD bc ad B.C. a.d. MONTH Month month MON Mon mon MM DAY Day day DY Dy dy DDD IDDD DD D ID W WW IW CC J Q RM rm ' +
  'TZ tz TZH TZM OF yyyy mm dd hh24 mi ss FX'
).split(' ');
const COMMON = [
  'YYYY-MM-DD',
  'HH24:MI:SS',
  'YYYYMMDD',
  'HH24MISS',
  'YYYY-MM-DD HH24:MI:SS.US',
  'DD Mon YYYY',
  'IYYY-IW-ID',
  'IYYYIWID',
  'YYYYWWD',
  'YYYY-DDD',
  'HH12:MI AM',
  'YYYY-MM-DD HH24:MI:SSTZH:TZM',
  'J',
  'CC YY',
  'Day, DD Month YYYY BC',
];
const NUMBER_PATTERNS = '9 9 9 9 9 9 99 999 0 0 00 . D , G FM FM S MI PL SG PR L V B TH th RN rn EEEE C SP'.split(' ');
const MOMENTS = [
  '2024-02-29 23:59:59.123456',
  '2000-01-01 00:00:00',
  '1999-12-31 12:00:00.5',
  '0044-03-15 01:02:03 BC',
  '12345-06-07 08:09:10',
  '0001-01-01 00:00:00',
  '2021-01-03 11:11:11.000001',
  '2020-12-31 13:45:06',
  '0001-12-31 20:00:00 BC',
  '1582-10-15 04:05:06.7',
  '4713-11-24 00:00:00 BC',
  '1970-07-04 19:20:21.999999',
];
const INTERVALS = [
  '1 day',
  '-1 day -02:03:04.5',
  '1 year 2 months 3 days 04:05:06.789',
  '-1 year',
  '-13 months',
  '14 months',
  '100:00:00',
  '-100:30:15.25',
  '0',
  '1000 years',
  '400 days',
  '-5 months 12:34:56',
];
const NUMBERS =
  '0 1 -1 12 -12.5 123.456 0.5 -0.5 0.05 1234567.891 99.99 -99.995 1e10 100 -1000 0.1 21 13 485 3999 4000';
const ZONES = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu'];

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Those that datetime() takes. */
const STRICT_SEPARATORS = [' ', '-', '/', ':', '.', ',', "'", ';', '"T"', '"a b"'];

function timeTemplate(random: Random, separators = SEPARATORS): string {
  if (random.chance(0.15)) return random.pick(COMMON);
  let out = random.chance(0.07) ? 'FX' : '';
  for (let i = random.between(1, 6); i > 0; i--) {
    out += random.weighted([
      [12, ''],
      [3, 'FM'],
      [1, 'TM'],
      [0.3, 'fm'],
    ]);
    out += random.pick(TIME_PATTERNS);
    out += random.weighted([
      [15, ''],
      [1, 'TH'],
      [1, 'th'],
      [0.3, 'SP'],
    ]);
    if (random.chance(0.6)) out += random.pick(separators);
  }
  return out;
}

/** Mostly the common patterns, so that a good part can be read. */
function readable(random: Random): string {
  const patterns = random.shuffled([
    'YYYY',
    'MM',
    'DD',
    'HH24',
    'MI',
    'SS',
    'MS',
    'Mon',
    'DDD',
    'AM',
    'HH12',
    'TZH',
    'CC',
  ]);
  const between = random.pick(['', ' ', '-', ':', '/', '"T"']);
  return patterns.slice(0, random.between(1, 5)).join(between);
}

function numberTemplate(random: Random): string {
  let out = '';
  for (let i = random.between(1, 8); i > 0; i--) {
    out += random.pick(NUMBER_PATTERNS);
    if (random.chance(0.06)) out += random.pick(SEPARATORS);
  }
  return out;
}

function aTime(random: Random): string {
  return random.weighted([
    [4, `timestamp ${quoted(random.pick(MOMENTS))}`],
    [2, `timestamptz ${quoted(random.pick(MOMENTS))} AT TIME ZONE '${random.pick(ZONES)}'`],
    [2, `timestamptz ${quoted(random.pick(MOMENTS))}`],
    [2, `interval ${quoted(random.pick(INTERVALS))}`],
    [1, `interval '${random.between(-30, 30)} months ${random.between(-40, 400)} days'`],
    [2, `date '2018-12-25' + ${random.between(0, 3000)}`],
    [1, `time '13:14:15.16'`],
  ]);
}

function aNumber(random: Random): string {
  const text = random.chance(0.8)
    ? random.pick(NUMBERS.split(' '))
    : `${random.between(-99999, 99999)}e${random.between(-8, 3)}`;
  const type = random.pick(['numeric', 'numeric', 'float8', 'float4', 'int4', 'int8']);
  if (type === 'numeric' && random.chance(0.04)) return random.pick(["numeric 'NaN'", "numeric '-Infinity'"]);
  if (type === 'float8' && random.chance(0.06))
    return random.pick(["float8 'NaN'", "float8 'Infinity'", "float8 '-0'"]);
  return type.startsWith('int') ? `(${text})::numeric::${type}` : `(${text})::${type}`;
}

function aText(random: Random, alphabet: string): string {
  return random.times(0, 12, () => random.pick([...alphabet])).join('');
}

/** What has been written by the template, or by another, and sometimes a character less or more. */
function written(random: Random, value: string, own: string, other: string, alphabet: string): string {
  if (random.chance(0.15)) return quoted(aText(random, alphabet));
  const text = `to_char(${value}, ${quoted(random.chance(0.75) ? own : other)})`;
  return random.weighted([
    [8, text],
    [1, `left(${text}, -1)`],
    [1, `trim(${text})`],
    [1, `' ' || ${text}`],
    [1, `${text} || '7'`],
    [1, `replace(${text}, ' ', '')`],
  ]);
}

export function aFormat(random: Random): Piece {
  const template = random.chance(0.3) ? readable(random) : timeTemplate(random);
  const number = numberTemplate(random);
  const alphabet = '0123456789-:./ AJanuaryPM+BCsD';
  return random.weighted<() => Piece>([
    [4, () => plain(`SELECT to_char(${aTime(random)}, ${quoted(template)})`)],
    [4, () => plain(`SELECT to_char(${aNumber(random)}, ${quoted(number)})`)],
    [
      4,
      () => {
        const text = written(
          random,
          `timestamp ${quoted(random.pick(MOMENTS))}`,
          template,
          timeTemplate(random),
          alphabet,
        );
        return plain(`SELECT ${random.pick(['to_date', 'to_timestamp'])}(${text}, ${quoted(template)})`);
      },
    ],
    [
      2,
      () => {
        const text = written(random, aNumber(random), number, numberTemplate(random), '0123456789-+., <>LSx');
        return plain(`SELECT to_number(${text}, ${quoted(number)})`);
      },
    ],
    [
      1,
      () => {
        // PostgreSQL keeps templates that it has read, and may take one of to_char's that it would refuse here.
        const strict = random.chance(0.5) ? timeTemplate(random, STRICT_SEPARATORS) : readable(random);
        const text = written(random, `timestamptz ${quoted(random.pick(MOMENTS))}`, strict, strict, alphabet);
        const path = `$.datetime(${JSON.stringify(strict)})`;
        return plain(`SELECT jsonb_path_query(to_jsonb(${text}), ${quoted(path)})`);
      },
    ],
  ])();
}
