/**
 * SQL as a tree of pieces that a shrinker can make smaller: an expression may be replaced by one of its parts of
 * the same type, or by a constant; an optional clause may go.
 */
import type { TypeName } from './types.js';

export type Part = string | Piece;

export interface Piece {
  /** Type of an expression; 'clause': may be left out; 'plain': neither. */
  readonly kind: TypeName | 'clause' | 'plain';
  readonly parts: readonly Part[];
}

export function plain(...parts: readonly Part[]): Piece {
  return { kind: 'plain', parts };
}
export function clause(...parts: readonly Part[]): Piece {
  return { kind: 'clause', parts };
}
export function expression(type: TypeName, ...parts: readonly Part[]): Piece {
  return { kind: type, parts };
}

/** Pieces with something between them. */
export function joined(pieces: readonly Part[], separator: string): Piece {
  return plain(...pieces.flatMap((piece, i) => (i === 0 ? [piece] : [separator, piece])));
}

export function textOf(piece: Part): string {
  return typeof piece === 'string' ? piece : piece.parts.map(textOf).join('');
}

/** Smaller forms of the piece, the most drastic first. */
export function* smaller(piece: Piece, constantOf: (type: TypeName) => string): Generator<Piece> {
  const isExpression = piece.kind !== 'clause' && piece.kind !== 'plain';
  if (isExpression && piece.parts.some((part) => typeof part !== 'string')) {
    const constant = constantOf(piece.kind as TypeName);
    if (textOf(piece) !== constant) yield expression(piece.kind as TypeName, constant);
    for (const inner of descendants(piece)) if (inner.kind === piece.kind) yield inner;
  }
  for (const [i, part] of piece.parts.entries()) {
    if (typeof part === 'string') continue;
    const replaced = (by: Part): Piece => ({
      ...piece,
      parts: piece.parts.map((one, at) => (at === i ? by : one)),
    });
    if (part.kind === 'clause' && part.parts.length > 0) yield replaced({ kind: 'clause', parts: [] });
    for (const less of smaller(part, constantOf)) yield replaced(less);
  }
}

function* descendants(piece: Piece): Generator<Piece> {
  for (const part of piece.parts) {
    if (typeof part === 'string') continue;
    yield part;
    yield* descendants(part);
  }
}
