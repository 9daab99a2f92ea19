/** JSON documents of a few keys, paths over them in every form that jsonpath has, and the functions of documents that change them. */
import { plain, type Piece } from './pieces.js';
import type { Random } from './random.js';

const KEYS = ['a', 'b', 'c'];

function aScalar(random: Random): string {
  return random.pick([
    '1', '2', '0', '-1', '1.50', '3', '1e2', '12345678901234567890', 'true', 'false', 'null', 'null',
    '"a"', '"abc"', '"b"', '""', '"1"', '"-2.5"', '"x y"', '"2024-02-29"', '"12:30:00"', '"2024-02-29T12:30:00+02"', '"2023-01-01 00:00:00"', '"é"',
  ]); // prettier-ignore
}

function aDocument(random: Random, depth: number): string {
  return random.weighted<() => string>([
    [depth > 1 ? 0 : 3, () => aScalar(random)],
    [
      depth > 0 ? 4 : 0,
      () =>
        `{${random
          .some(KEYS, random.int(4))
          .map((key) => `"${key}": ${aDocument(random, depth - 1)}`)
          .join(', ')}}`,
    ],
    [depth > 0 ? 4 : 0, () => `[${random.times(0, 3, () => aDocument(random, depth - 1)).join(', ')}]`],
  ])();
}

function anIndex(random: Random): string {
  const one = (): string => random.pick(['0', '1', '2', 'last', 'last - 1', '-1', '$.a', '0.5', '@', '$x']);
  return random.pick(['*', '*', one(), one(), `${one()} to ${one()}`, `${one()}, ${one()}`, '0 to last']);
}

function anAccessor(random: Random, depth: number): string {
  const key = (): string => random.pick(KEYS);
  return random.weighted<() => string>([
    [6, () => `.${key()}`],
    [1, () => `."${key()}"`],
    [2, () => '.*'],
    [4, () => `[${anIndex(random)}]`],
    [1, () => `.**${random.pick(['', '{1}', '{0 to 1}', '{1 to last}', '{last}', '{2 to 1}'])}`],
    [depth > 0 ? 4 : 0, () => ` ? (${aPredicate(random, depth - 1)})`],
    [
      2,
      () =>
        `.${random.pick(['type()', 'size()', 'double()', 'ceiling()', 'floor()', 'abs()', 'keyvalue()', 'datetime()', 'datetime("YYYY-MM-DD")', 'keyvalue().key', 'keyvalue().value'])}`,
    ],
  ])();
}

function aWay(random: Random, root: string, depth: number): string {
  return root + random.times(0, 3, () => anAccessor(random, depth)).join('');
}

function anOperand(random: Random, inFilter: boolean, depth: number): string {
  const root = (): string => (inFilter ? random.pick(['@', '@', '@', '$']) : '$');
  return random.weighted<() => string>([
    [6, () => aWay(random, root(), depth)],
    [3, () => random.pick(['1', '2', '0', '1.5', '-1', '"a"', '"b"', 'true', 'null', '"2024-02-29"'])],
    [1, () => random.pick(['$x', '$y', '$z'])],
    [
      depth > 0 ? 2 : 0,
      () =>
        `(${anOperand(random, inFilter, depth - 1)} ${random.pick(['+', '-', '*', '/', '%'])} ${anOperand(random, inFilter, depth - 1)})`,
    ],
    [depth > 0 ? 1 : 0, () => `(${random.pick(['-', '+'])}${anOperand(random, inFilter, depth - 1)})`],
  ])();
}

function aPredicate(random: Random, depth: number, inFilter = true): string {
  const operand = (): string => anOperand(random, inFilter, depth);
  return random.weighted<() => string>([
    [6, () => `${operand()} ${random.pick(['==', '!=', '<>', '<', '<=', '>', '>='])} ${operand()}`],
    [1, () => `exists (${aWay(random, inFilter ? '@' : '$', depth)})`],
    [
      1,
      () =>
        `${aWay(random, inFilter ? '@' : '$', 0)} like_regex "${random.pick(['^a', 'b$', '.', '^[a-c]+$', 'A', '\\\\d'])}"${random.pick(['', ' flag "i"', ' flag "q"', ' flag "is"'])}`,
    ],
    [1, () => `${aWay(random, inFilter ? '@' : '$', 0)} starts with ${random.pick(['"a"', '""', '$y'])}`],
    [depth > 0 ? 1 : 0, () => `(${aPredicate(random, depth - 1, inFilter)}) is unknown`],
    [depth > 0 ? 1 : 0, () => `!(${aPredicate(random, depth - 1, inFilter)})`],
    [
      depth > 0 ? 2 : 0,
      () =>
        `(${aPredicate(random, depth - 1, inFilter)}) ${random.pick(['&&', '||'])} (${aPredicate(random, depth - 1, inFilter)})`,
    ],
  ])();
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function aPath(random: Random): string {
  const mode = random.pick(['', '', 'lax ', 'strict ']);
  const body = random.chance(0.25) ? aPredicate(random, 2, false) : anOperand(random, false, 2);
  return quoted(mode + body);
}

function aChange(random: Random): string {
  const steps = quoted(`{${random.list(0, 3, () => random.pick(['a', 'b', 'c', '0', '1', '-1', '5', 'x']))}}`);
  const value = quoted(aDocument(random, 1));
  const key = random.pick(["'a'", "'b'", "'c'", '0', '1', '-1', "'0'"]);
  return random.pick([
    `jsonb_set(j, ${steps}, ${value}, ${random.pick(['true', 'false'])})`,
    `jsonb_insert(j, ${steps}, ${value}, ${random.pick(['true', 'false'])})`,
    `jsonb_set_lax(j, ${steps}, ${random.pick(['NULL', value])}, true, ${random.pick(["'use_json_null'", "'delete_key'", "'return_target'", "'raise_exception'"])})`,
    `j #- ${steps}`,
    `j - ${key}`,
    `j - '{a,b}'::text[]`,
    `j -> ${key}`,
    `j ->> ${key}`,
    `j #> ${steps}`,
    `j #>> ${steps}`,
    `j || ${value}::jsonb`,
    `j @> ${value}`,
    `j <@ ${value}`,
    `j ? ${random.pick(["'a'", "'b'", "'1'"])}`,
    `j ?| '{a,c}'`,
    `j ?& '{a,c}'`,
    `j = ${value}`,
    `j < ${value}`,
    `jsonb_strip_nulls(j)`,
    `jsonb_pretty(j)`,
    `j['a']`,
    `j['a']['b']`,
    `j[${random.pick(['0', '1', '-1'])}]`,
    `ARRAY(SELECT jsonb_array_elements_text(CASE WHEN jsonb_typeof(j) = 'array' THEN j ELSE '[]' END))`,
    `ARRAY(SELECT e::text FROM jsonb_each_text(CASE WHEN jsonb_typeof(j) = 'object' THEN j ELSE '{}' END) AS e)`,
    `ARRAY(SELECT k FROM jsonb_object_keys(j) AS k)`,
    `(SELECT to_jsonb(r) FROM jsonb_to_record(j) AS r (a int, b text, c jsonb))`,
    `(SELECT to_jsonb(r) FROM jsonb_to_record(j) AS r (a text[], b numeric, c boolean))`,
    `j::text::json::jsonb`,
    `jsonb_array_length(j)`,
    `json_typeof(j::json), j::json -> ${key}`,
    `jsonb_object_agg(coalesce(j ->> 'a', 'n'), j) OVER ()`,
    `j::${random.pick(['int', 'numeric', 'boolean', 'float8', 'smallint'])}`,
  ]);
}

export function aPathUse(random: Random): Piece {
  const rows = random.list(1, 4, () => `(${quoted(aDocument(random, 3))}::jsonb)`);
  const vars = random.pick(['', '', `, '{"x": 1, "y": "a"}'`]);
  const silent = vars === '' ? '' : random.pick(['', ', true']);
  const zone = random.pick(['', '', '', '_tz']);
  const path = aPath(random);
  const item = random.weighted<() => string>([
    [5, () => `jsonb_path_query_array${zone}(j, ${path}${vars}${silent})`],
    [1, () => `jsonb_path_query_first(j, ${path}${vars}${silent})`],
    [2, () => `jsonb_path_exists${zone}(j, ${path}${vars}${silent})`],
    [2, () => `jsonb_path_match(j, ${path}${vars}${silent})`],
    [1, () => `j @? ${path}`],
    [1, () => `j @@ ${path}`],
    [1, () => `jsonb_path_query(j, ${path}${vars}${silent})`],
    [1, () => `${path}::jsonpath`],
    [5, () => aChange(random)],
  ])();
  return plain(`SELECT ${item} FROM (VALUES ${rows}) AS s (j)`);
}
