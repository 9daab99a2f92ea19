/** Items of ORDER BY as sort keys, in queries, calls and windows. */
import type { Node, SortBy } from 'libpg-query';
import { as, stringsOf } from './ast.js';
import type { ExprContext } from './binder.js';
import { resolveUnknown } from './coerce.js';
import type { Expr, SortKey } from './expr.js';

export function bindSortKeys(ctx: ExprContext, clauses: readonly Node[], bind: (node: Node) => Expr): SortKey[] {
  return clauses.map((clause) => {
    const s = as(clause, 'SortBy')!;
    return sortKey(resolveUnknown(ctx.binder, bind(s.node!)), s);
  });
}

export function sortKey(expr: Expr, s: SortBy): SortKey {
  const using = stringsOf(s.useOp).at(-1);
  const descending = s.sortby_dir === 'SORTBY_DESC' || using === '>';
  const nullsFirst =
    s.sortby_nulls === 'SORTBY_NULLS_FIRST' ? true : s.sortby_nulls === 'SORTBY_NULLS_LAST' ? false : descending;
  return { expr, descending, nullsFirst };
}
