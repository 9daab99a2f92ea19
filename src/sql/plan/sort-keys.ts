/** Items of ORDER BY as sort keys, in queries, calls and windows. */
import type { Node, SortBy } from 'libpg-query';
import { as, locationOf, stringsOf } from './ast.js';
import type { ExprContext } from './binder.js';
import { hasOrder, requireOrder } from './comparable.js';
import { errorAt } from './error-at.js';
import { resolveUnknown } from './coerce.js';
import type { Expr, SortKey } from './expr.js';
import { OID } from '../types/oids.js';
import { formatType } from '../types/registry.js';

const PATTERNS: ReadonlySet<number> = new Set([OID.text, OID.varchar, OID.bpchar]);

export function bindSortKeys(ctx: ExprContext, clauses: readonly Node[], bind: (node: Node) => Expr): SortKey[] {
  return clauses.map((clause) => {
    const s = as(clause, 'SortBy')!;
    return sortKey(resolveUnknown(ctx.binder, bind(s.node!)), s);
  });
}

export function sortKey(expr: Expr, s: SortBy): SortKey {
  const using = stringsOf(s.useOp).at(-1);
  if (using === undefined) requireOrder(expr, locationOf(s.node));
  else if (!isPattern(using, expr)) requireUsable(using, expr.oid, s.location ?? -1);
  const descending = s.sortby_dir === 'SORTBY_DESC' || using === '>' || using === '~>~';
  const nullsFirst =
    s.sortby_nulls === 'SORTBY_NULLS_FIRST' ? true : s.sortby_nulls === 'SORTBY_NULLS_LAST' ? false : descending;
  const byCodePoints = using !== undefined && isPattern(using, expr);
  return byCodePoints ? { expr, descending, nullsFirst, byCodePoints } : { expr, descending, nullsFirst };
}

/** The order of code points, whatever collation a text has. */
function isPattern(operator: string, { oid }: Expr): boolean {
  return (operator === '~<~' || operator === '~>~') && PATTERNS.has(oid);
}

/** @throws QuoralError 42883, 42809 */
function requireUsable(operator: string, oid: number, location: number): void {
  const type = formatType(oid);
  if (!hasOrder(oid)) {
    throw errorAt('42883', `operator does not exist: ${type} ${operator} ${type}`, location, {
      hint: 'No operator matches the given name and argument types. You might need to add explicit type casts.',
    });
  }
  if (operator !== '<' && operator !== '>') {
    throw errorAt('42809', `operator ${operator} is not a valid ordering operator`, location, {
      hint: 'Ordering operators must be "<" or ">" members of btree operator families.',
    });
  }
}
