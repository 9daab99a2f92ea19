/** Random expressions of a type over the columns in reach. */
import { expression, plain, type Part, type Piece, textOf } from './pieces.js';
import type { Random } from './random.js';
import { TEMPLATES } from './library.js';
import { constantOf, type TypeName } from './types.js';

export interface InReach {
  /** As it is written: t1.a */
  readonly text: string;
  readonly type: TypeName;
}

export interface Context {
  readonly random: Random;
  readonly columns: readonly InReach[];
  /** A query of one column that may stand as an expression; null where none is wanted. */
  readonly subquery: ((type: TypeName, columns: readonly InReach[]) => Piece) | null;
}

const HOLE =
  /\$(=|int4\[\]|text\[\]|int4range|nummultirange|varbit|inet|int4|int8|int2|numeric|float8|text|bool|date|timestamp|interval|jsonb|uuid)/;

export function anExpression(c: Context, type: TypeName, depth: number): Piece {
  const { random } = c;
  const own = c.columns.filter((column) => column.type === type);
  if (depth <= 0 || random.chance(0.25)) {
    if (own.length > 0 && random.chance(0.75)) return expression(type, random.pick(own).text);
    return expression(type, constantOf(random, type));
  }
  return random.weighted<() => Piece>([
    [10, () => filled(c, type, random.pick(TEMPLATES[type]), depth)],
    [1, () => aCase(c, type, depth)],
    [
      1,
      () =>
        expression(type, 'coalesce(', anExpression(c, type, depth - 1), ', ', anExpression(c, type, depth - 1), ')'),
    ],
    [
      1,
      () => expression(type, 'nullif(', anExpression(c, type, depth - 1), ', ', anExpression(c, type, depth - 1), ')'),
    ],
    [c.subquery === null ? 0 : 1, () => expression(type, '(', c.subquery!(type, c.columns), ')')],
    [c.subquery === null || type !== 'bool' ? 0 : 3, () => aTest(c, depth)],
  ])();
}

function aCase(c: Context, type: TypeName, depth: number): Piece {
  const inner = (t: TypeName): Piece => anExpression(c, t, depth - 1);
  if (c.random.chance(0.3)) {
    return expression(
      type,
      'CASE ',
      inner('int4'),
      ' WHEN ',
      inner('int4'),
      ' THEN ',
      inner(type),
      ' ELSE ',
      inner(type),
      ' END',
    );
  }
  return expression(type, 'CASE WHEN ', inner('bool'), ' THEN ', inner(type), ' ELSE ', inner(type), ' END');
}

/** EXISTS, IN and comparisons with a subquery. */
function aTest(c: Context, depth: number): Piece {
  const { random } = c;
  const type = random.pick<TypeName>(['int4', 'text', 'numeric', 'date']);
  const query = c.subquery!(type, c.columns);
  const operand = anExpression(c, type, depth - 1);
  const form = random.pick(['IN', 'NOT IN', '= ANY', '<> ALL', '< ALL', '>= ANY', 'EXISTS', 'NOT EXISTS']);
  if (form.endsWith('EXISTS')) return expression('bool', form, ' (', query, ')');
  return expression('bool', '(', operand, `) ${form} (`, query, ')');
}

/** A template with its holes filled; $= is once more what the hole before it got. */
export function filled(c: Context, type: TypeName, template: string, depth: number): Piece {
  const parts: Part[] = ['('];
  let rest = template;
  let last: Piece = expression(type, 'NULL');
  for (let match = HOLE.exec(rest); match !== null; match = HOLE.exec(rest)) {
    // The same text twice: shrinking one of them alone would make another statement.
    if (match[1] === '=') parts.push(rest.slice(0, match.index), textOf(last));
    else {
      last = anExpression(c, match[1] as TypeName, depth - 1);
      parts.push(rest.slice(0, match.index), last);
    }
    rest = rest.slice(match.index + match[0].length);
  }
  parts.push(rest, ')');
  return { kind: type, parts };
}

export function aCondition(c: Context, depth: number): Piece {
  return plain(anExpression(c, 'bool', depth));
}
