/** A statement with some of its constants as parameters, whose types are to be inferred: PREPARE, EXECUTE, DEALLOCATE. */
import { plain, type Piece, textOf } from './pieces.js';
import type { Random } from './random.js';

const TOKEN = /'(?:[^']|'')*'|"[^"]*"|\$\$.*?\$\$|\d+(?:\.\d+)?(?:e\d+)?|[A-Za-z_]\w*|\s+|./gsy;
const PREPARABLE = /^(SELECT|WITH|INSERT|UPDATE|DELETE|MERGE|\(|VALUES)/;
const TYPES = new Set(
  'int2 int4 int8 numeric float8 text bool date timestamp interval jsonb uuid varbit inet int4range nummultirange time timetz timestamptz'.split(
    ' ',
  ),
);

/** As it is, or as several statements. */
export function maybeLifted(random: Random, piece: Piece, name: string): Piece[] {
  if (!random.chance(0.1)) return [piece];
  const text = textOf(piece);
  // With values in their places PostgreSQL may take an item for a grouping expression that is another one as it is written.
  if (!PREPARABLE.test(text) || text.includes('$') || /ROLLUP|CUBE|GROUPING SETS/.test(text)) return [piece];
  // A parameter is no place of the select list: the order would be another.
  if (/ORDER BY (.*\b(LIMIT|OFFSET|FETCH)\b|([^()]*, )?\d)/.test(text)) return [piece];
  // Which of two errors comes first is judged by the statement's own text.
  if (/^MERGE| ON CONFLICT /.test(text)) return [piece];
  const values: string[] = [];
  const out: string[] = [];
  for (const [token] of text.matchAll(TOKEN)) {
    const before = out.at(-2) ?? '';
    const follows = out.at(-1);
    const isConstant = /^['\d]/.test(token);
    // A sign before a string makes another literal of it (B'1'); in a name, a type or an array's bounds a number is none.
    if (!isConstant || /^[\w"$.[:]$/.test((follows ?? ' ').slice(-1)) || random.chance(0.65)) {
      out.push(token);
      continue;
    }
    const isTyped = token.startsWith("'") && follows?.trim() === '' && TYPES.has(before);
    if (isTyped) out.splice(-2);
    values.push(token.startsWith("'") ? token : random.chance(0.5) ? token : `'${token}'`);
    out.push(`$${values.length}${isTyped ? `::${before}` : ''}`);
  }
  if (values.length === 0) return [piece];
  const list = values.join(', ');
  const others = values.map((one) => (random.chance(0.4) ? 'NULL' : one)).join(', ');
  return [
    plain(`PREPARE ${name} AS ${out.join('')}`),
    plain(`EXECUTE ${name} (${list})`),
    ...(text.startsWith('SELECT') && random.chance(0.4) ? [plain(`EXECUTE ${name} (${others})`)] : []),
    plain(`DEALLOCATE ${name}`),
  ];
}
