/**
 * PostgreSQL's text form of a value → the JavaScript value that node-postgres gives by default, so that
 * a test may use either client: int8 and numeric stay text (they do not fit a number), dates and
 * timestamps become Date (without a zone: in the process's own), json is parsed, arrays become arrays.
 * Unlike there, interval and geometric types stay text.
 */

type Parser = (text: string) => unknown;

/** A type's parser, and the oid of the array of it. */
const PARSERS: readonly (readonly [number, number, Parser])[] = [
  [16, 1000, (text) => text === 't'],
  [21, 1005, Number],
  [23, 1007, Number],
  [26, 1028, Number],
  [700, 1021, Number],
  [701, 1022, Number],
  [17, 1001, bytea],
  [114, 199, (text) => JSON.parse(text) as unknown],
  [3802, 3807, (text) => JSON.parse(text) as unknown],
  [1082, 1182, localTime],
  [1114, 1115, localTime],
  [1184, 1185, zonedTime],
];
/** Arrays of types whose values stay text: text, varchar, bpchar, name, int8, numeric, uuid, interval, time, inet. */
const TEXT_ARRAYS: readonly number[] = [1009, 1015, 1014, 1003, 1016, 1231, 2951, 1187, 1183, 1041];

const byOid = new Map<number, Parser>();
for (const [oid, arrayOid, parse] of PARSERS) {
  byOid.set(oid, parse);
  byOid.set(arrayOid, (text) => array(text, parse));
}
for (const oid of TEXT_ARRAYS) byOid.set(oid, (text) => array(text, (item) => item));

export function parseValue(typeOid: number, bytes: Buffer | null): unknown {
  if (bytes === null) return null;
  const text = bytes.toString('utf8');
  const parse = byOid.get(typeOid);
  return parse === undefined ? text : parse(text);
}

function bytea(text: string): Buffer {
  return Buffer.from(text.slice(2), 'hex');
}

const TIME =
  /^(\d+)-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?(?:([+-])(\d\d)(?::?(\d\d))?(?::?(\d\d))?)?( BC)?$/;

function timeParts(text: string): { readonly fields: readonly number[]; readonly match: RegExpExecArray } | null {
  const match = TIME.exec(text);
  if (match === null) return null;
  const number = (i: number): number => Number(match[i] ?? 0);
  const year = match[12] === undefined ? number(1) : 1 - number(1);
  const ms = Math.floor(Number(`0.${match[7] ?? '0'}`) * 1000);
  return { fields: [year, number(2) - 1, number(3), number(4), number(5), number(6), ms], match };
}

/** 'infinity' and '-infinity' are numbers, as in node-postgres. */
function infinite(text: string): unknown {
  if (text === 'infinity') return Infinity;
  return text === '-infinity' ? -Infinity : text;
}

function localTime(text: string): unknown {
  const parts = timeParts(text);
  if (parts === null) return infinite(text);
  const [year, month, day, hour, minute, second, ms] = parts.fields as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(2000, month, day, hour, minute, second, ms);
  date.setFullYear(year, month, day);
  return date;
}

function zonedTime(text: string): unknown {
  const parts = timeParts(text);
  if (parts === null) return infinite(text);
  const [year, month, day, hour, minute, second, ms] = parts.fields as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(Date.UTC(2000, month, day, hour, minute, second, ms));
  date.setUTCFullYear(year, month, day);
  const { match } = parts;
  const offsetS = Number(match[9] ?? 0) * 3600 + Number(match[10] ?? 0) * 60 + Number(match[11] ?? 0);
  return new Date(date.getTime() - (match[8] === '-' ? -offsetS : offsetS) * 1000);
}

/** '{1,NULL,"a b",{…}}', also with explicit bounds '[0:1]={…}'. */
function array(text: string, parse: Parser): unknown[] {
  let at = text.indexOf('{');
  const items = (): unknown[] => {
    const found: unknown[] = [];
    at++;
    while (text[at] !== '}') {
      if (text[at] === '{') found.push(items());
      else if (text[at] === '"') found.push(parse(quoted()));
      else {
        const start = at;
        while (text[at] !== ',' && text[at] !== '}') at++;
        const item = text.slice(start, at);
        found.push(item === 'NULL' ? null : parse(item));
      }
      if (text[at] === ',') at++;
    }
    at++;
    return found;
  };
  const quoted = (): string => {
    let value = '';
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === '\\') at++;
      value += text[at];
    }
    at++;
    return value;
  };
  return items();
}
