/** Functions that SQL has words for, in those words: EXTRACT(year FROM d), t AT TIME ZONE z, TRIM(BOTH FROM s). */
import { OID } from '../types/oids.js';
import type { CallExpr, Expr } from './expr.js';

/** How parts of the call are written: by themselves, or as operands. */
export interface Words {
  text(e: Expr): string;
  operand(e: Expr, of: CallExpr): string;
}

const TRIMS: Readonly<Record<string, string>> = { btrim: 'BOTH', ltrim: 'LEADING', rtrim: 'TRAILING' };

/** A word that is the text of a constant. */
function wordOf(e: Expr | undefined): string | null {
  return e?.kind === 'const' && typeof e.value === 'string' ? e.value : null;
}

/** null: it has no such words. */
export function syntaxOf(e: CallExpr, { text, operand }: Words): string | null {
  const { name } = e.entry;
  const [a, b, c, d] = e.args as [Expr, Expr, Expr, Expr];
  const count = e.args.length;
  switch (name) {
    case 'timezone':
      return count === 2 ? `(${operand(b, e)} AT TIME ZONE ${operand(a, e)})` : null;
    case 'overlaps':
      return count === 4 ? `((${text(a)}, ${text(b)}) OVERLAPS (${text(c)}, ${text(d)}))` : null;
    case 'extract': {
      const field = wordOf(a);
      return field === null ? null : `EXTRACT(${field} FROM ${text(b)})`;
    }
    case 'is_normalized':
      return `(${operand(a, e)} IS${count > 1 ? ` ${wordOf(b)}` : ''} NORMALIZED)`;
    case 'normalize':
      return `NORMALIZE(${text(a)}${count > 1 ? `, ${wordOf(b)}` : ''})`;
    case 'overlay':
      return `OVERLAY(${text(a)} PLACING ${text(b)} FROM ${text(c)}${count > 3 ? ` FOR ${text(d)}` : ''})`;
    case 'position':
      return `POSITION((${text(b)}) IN (${text(a)}))`;
    case 'pg_collation_for':
      return `COLLATION FOR (${text(a)})`;
    case 'substring':
      if (b.oid === OID.text) return count === 3 ? `SUBSTRING(${text(a)} SIMILAR ${text(b)} ESCAPE ${text(c)})` : null;
      return count === 3
        ? `SUBSTRING(${text(a)} FROM ${text(b)} FOR ${text(c)})`
        : `SUBSTRING(${text(a)} FROM ${text(b)})`;
    default: {
      const side = TRIMS[name];
      if (side === undefined) return null;
      return `TRIM(${side} ${count > 1 ? `${text(b)} ` : ''}FROM ${text(a)})`;
    }
  }
}
