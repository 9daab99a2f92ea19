/**
 * Patterns over a few letters, and what searches, splits and replaces by them: advanced regular expressions with groups,
 * quantifiers of both kinds, classes, looks around and back references; LIKE, SIMILAR TO.
 */
import { plain, type Piece } from './pieces.js';
import type { Random } from './random.js';

const LETTERS = ['a', 'a', 'a', 'b', 'b', 'c', 'A', 'B', '1', '2', ' ', '_', '-', 'é', 'É', '\n', '.'];

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function aString(random: Random): string {
  return random.times(0, 9, () => random.pick(LETTERS)).join('');
}

interface Made {
  /** Groups that may be referred to. */
  groups: number;
}

function anAtom(random: Random, made: Made, depth: number): string {
  const inner = (): string => anExpression(random, made, depth - 1);
  return random.weighted<() => string>([
    [8, () => random.pick(['a', 'a', 'b', 'b', 'c', 'A', '1', ' ', 'é', '-'])],
    [2, () => '.'],
    [2, () => random.pick(['\\d', '\\w', '\\s', '\\D', '\\W', '\\S', '\\n', '\\.', '\\x61', '\\u0062', '\\e', '\\Q'])],
    [
      2,
      () =>
        random.pick(
          '[abc],[^a],[a-c],[[:alpha:]],[^[:digit:]b],[\\d_],[]a],[^-b],[[:upper:][:space:]],[a\\s],[c-a],[[.a.]b],[[=a=]],[é-ü]'.split(
            ',',
          ),
        ),
    ],
    [1, () => random.pick(['^', '$', '\\m', '\\M', '\\y', '\\Y', '\\A', '\\Z', '[[:<:]]', '[[:>:]]'])],
    [made.groups > 0 ? 1 : 0, () => `\\${random.between(1, made.groups + (random.chance(0.05) ? 1 : 0))}`],
    [
      depth > 0 ? 4 : 0,
      () => {
        const text = `(${inner()})`;
        made.groups++;
        return text;
      },
    ],
    [depth > 0 ? 2 : 0, () => `(?:${inner()})`],
    [depth > 0 ? 1 : 0, () => `(?${random.pick(['=', '!', '<=', '<!'])}${anExpression(random, { groups: 0 }, 0)})`],
  ])();
}

function anExpression(random: Random, made: Made, depth: number): string {
  const quantified = (): string => {
    const atom = anAtom(random, made, depth);
    if (random.chance(0.6)) return atom;
    const low = random.int(3);
    const count = random.pick([
      '*',
      '+',
      '?',
      '*',
      '+',
      '?',
      `{${low}}`,
      `{${low},}`,
      `{${low},${low + random.int(3)}}`,
    ]);
    return `${atom}${count}${random.pick(['', '', '?'])}`;
  };
  const branch = (): string => random.times(random.chance(0.05) ? 0 : 1, 3, quantified).join('');
  return random.chance(0.7) ? branch() : random.times(2, 3, branch).join('|');
}

/** Sometimes with an error in it. */
function aPattern(random: Random): string {
  const text = anExpression(random, { groups: 0 }, 2);
  if (random.chance(0.04)) {
    const at = random.int(text.length + 1);
    return (
      text.slice(0, at) + random.pick(['(', ')', '[', '{', '*', '\\', '+', '{1', '(?']) + text.slice(at + random.int(2))
    );
  }
  return random.pick(['', '', '', '', '', '', '(?i)', '(?n)', '***:', '***=', '(?x)', '(?q)', '(?s)']) + text;
}

function aLike(random: Random): string {
  return random
    .times(0, 5, () => random.pick(['%', '_', 'a', 'b', 'A', '\\%', '\\_', 'é', '\\\\', 'a', '%b']))
    .join('');
}

function aSimilar(random: Random, depth: number): string {
  const atom = (): string =>
    depth > 0 && random.chance(0.2)
      ? `(${aSimilar(random, depth - 1)})`
      : random.pick(['%', '_', 'a', 'b', 'c', '[ab]', '[^a]', '.', '\\%', '[[:alpha:]]', '^', '$', '[a-c]']);
  const branch = (): string =>
    random.times(0, 3, () => atom() + random.pick(['', '', '', '*', '+', '?', '{2}', '{1,2}'])).join('');
  return random.chance(0.8) ? branch() : `${branch()}|${branch()}`;
}

export function aPatternUse(random: Random): Piece {
  const p = quoted(aPattern(random));
  const flags = quoted(random.pick(['', '', 'g', 'i', 'n', 'gi', 's', 'w', 'p', 'x', 'c', 'gn', 'q', 'e', 'gz']));
  const given = flags.includes('g') ? "'i'" : flags;
  const replacement = quoted(random.pick(['', 'x', '<\\&>', '[\\1]', '\\2\\1', '\\\\', '\\', 'é', '\\0']));
  const start = random.pick(['1', '1', '2', '3', '9']);
  const n = random.pick(['0', '1', '2']);
  const item = random.weighted([
    [2, `v ${random.pick(['~', '~*', '!~', '!~*'])} ${p}`],
    [4, `regexp_match(v, ${p}, ${given})`],
    [2, `ARRAY(SELECT m::text FROM regexp_matches(v, ${p}, ${flags}) AS m)`],
    [4, `regexp_replace(v, ${p}, ${replacement}, ${flags})`],
    [1, `regexp_replace(v, ${p}, ${replacement}, ${start}, ${n}, ${given})`],
    [2, `regexp_split_to_array(v, ${p}, ${given})`],
    [1, `regexp_count(v, ${p}, ${start}, ${given})`],
    [2, `regexp_instr(v, ${p}, ${start}, ${random.between(1, 2)}, ${random.int(2)}, ${given}, ${random.int(3)})`],
    [2, `regexp_substr(v, ${p}, ${start}, ${random.between(1, 2)}, ${given}, ${random.int(3)})`],
    [2, `substring(v FROM ${p})`],
    [1, `v ${random.pick(['LIKE', 'ILIKE', 'NOT LIKE'])} ${quoted(aLike(random))}`],
    [1, `v LIKE ${quoted(aLike(random))} ESCAPE ${random.pick(["'b'", "''", "'%'", "'#'"])}`],
    [1, `v SIMILAR TO ${quoted(aSimilar(random, 2))}`],
    [
      1,
      `substring(v SIMILAR ${quoted(`${aSimilar(random, 0)}#"${aSimilar(random, 1)}#"${aSimilar(random, 0)}`)} ESCAPE '#')`,
    ],
    [1, `split_part(v, ${quoted(aString(random).slice(0, 1))}, ${random.pick(['1', '2', '-1', '-2'])})`],
  ]);
  const rows = random.list(2, 5, () => `(${quoted(aString(random))})`);
  return plain(`SELECT v, ${item} FROM (VALUES ${rows}) AS s (v)`);
}
